// Ends the server or its PostgreSQL as a power cut would, at moments the seed decides, and brings the server back.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findPlace } from '#db/embedded/place.ts';
import { type Heron, startHeron } from '#testing/heron.ts';
import type { Random } from '#testing/random.ts';

/** `start` kills the server while it starts again after a first kill. */
export type Kill = 'server' | 'postmaster' | 'backend' | 'both' | 'start';

export type Victim = {
	/** The server of the moment. */
	readonly heron: () => Heron;
	readonly kill: (kind: Kill, random: Random) => Promise<void>;
	readonly stop: () => Promise<void>;
};

export const kills: readonly Kill[] = ['server', 'postmaster', 'backend', 'both', 'start'];

/** A server on a data folder of its own, always on the same port. */
export async function startVictim(dataDir: string, env: Readonly<Record<string, string>>): Promise<Victim> {
	const options = { env: { HERON_DATA_DIR: dataDir, HERON_LOG_LEVEL: 'error', ...env } };
	let heron = await startHeron(options);
	const { port } = heron;
	const again = async (): Promise<void> => {
		heron = await startHeron({ ...options, port });
	};
	return {
		heron: () => heron,
		async kill(kind, random) {
			if (kind === 'backend') {
				const backends = sessionsOf(postmasterOf(dataDir));
				if (backends.length > 0) end(random.pick(backends));
				return;
			}
			if (kind === 'postmaster' || kind === 'both') end(postmasterOf(dataDir));
			if (kind === 'postmaster') return;
			await heron.kill();
			if (kind === 'start') {
				const cut = new AbortController();
				const starting = startHeron({ ...options, port, signal: cut.signal });
				starting.catch(() => undefined);
				await sleep(random.between(50, 1500));
				cut.abort();
				const started = await starting.catch(() => undefined);
				await started?.kill();
			}
			await again();
		},
		stop: () => heron.stop(),
	};
}

/** The process id of the PostgreSQL that serves a data folder, 0 when there is none. */
export function postmasterOf(dataDir: string): number {
	try {
		return Number(readFileSync(join(findPlace(dataDir).cluster, 'postmaster.pid'), 'utf8').split('\n')[0]);
	} catch {
		return 0;
	}
}

/** The processes that serve sessions, which are children of the postmaster. */
function sessionsOf(postmaster: number): number[] {
	return readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name))
		.filter((pid) => {
			try {
				const parent = /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
				return Number(parent) === postmaster && readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('postgres: heron heron');
			} catch {
				return false;
			}
		})
		.map(Number);
}

function end(pid: number): void {
	if (pid === 0) return;
	try {
		process.kill(pid, 'SIGKILL');
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
	}
}
