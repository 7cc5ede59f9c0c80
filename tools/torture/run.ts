// A whole run: start, write, kill and start again for so many rounds, verify, examine.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { everything } from '#access/ctx.ts';
import { mintToken } from '#access/tokens.ts';
import { silentLog } from '#base/log.ts';
import { openDatabase } from '#db/database.ts';
import { startEmbedded } from '#db/embedded.ts';
import { isReady } from '#testing/heron.ts';
import { createRandom } from '#testing/random.ts';
import { type Kill, kills, startVictim, type Victim } from './killer.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { type Verdict, verify } from './verify.ts';
import { startWriters, type Target } from './writers.ts';

export type TortureOptions = {
	readonly rounds: number;
	readonly seed: number;
	readonly writers: number;
	/** Longest time between two kills. */
	readonly pauseMs: number;
	readonly dataDir: string;
	readonly say: (text: string) => void;
	/** Called when all is verified, with the server still running. */
	readonly verified?: (target: Target, ledger: Ledger) => Promise<void>;
};

export type TortureResult = {
	readonly kills: Readonly<Record<Kill, number>>;
	readonly acknowledged: number;
	readonly unknown: number;
	readonly refused: number;
	/** Answers that no client should get. */
	readonly surprises: readonly string[];
	readonly verdict: Verdict;
	/** What `doctor --deep` said, and whether it found all well. */
	readonly doctor: { readonly well: boolean; readonly words: string };
};

const root = join(import.meta.dirname, '..', '..');

/** Runs the torture in a folder of its own, which is removed when all is well. */
export async function torture(options: TortureOptions): Promise<TortureResult> {
	const { dataDir, seed, rounds, say } = options;
	rmSync(dataDir, { recursive: true, force: true });
	mkdirSync(dataDir, { recursive: true });
	const random = createRandom(seed);
	const ledger = createLedger();
	const count: Record<Kill, number> = { server: 0, postmaster: 0, backend: 0, both: 0, start: 0 };
	const victim = await startVictim(dataDir, {});
	try {
		const target: Target = { port: victim.heron().port, authorization: await mint(dataDir) };
		const writers = startWriters(target, ledger, seed, options.writers);
		try {
			for (let round = 1; round <= rounds; round++) {
				await sleep(random.between(Math.min(200, options.pauseMs), options.pauseMs));
				// Every kind has its turn before one comes again by chance.
				const kind = kills[round - 1] ?? random.pick(kills);
				ledger.round = round;
				count[kind]++;
				await victim.kill(kind, random);
				await recovered(target, ledger, victim, `round ${round}, after the kill of ${kind}`);
				if (round % 10 === 0 || round === rounds) say(`${round} rounds, ${ledger.acknowledged} writes acknowledged`);
			}
		} finally {
			await writers.stop();
		}
		say('verifying …');
		const verdict = await verify(target, ledger);
		await options.verified?.(target, ledger);
		await victim.stop();
		const doctor = await examine(dataDir);
		const states = attemptsOf(ledger);
		return {
			kills: count,
			acknowledged: ledger.acknowledged,
			unknown: states.filter((state) => state === 'unknown').length,
			refused: states.filter((state) => state === 'refused').length,
			surprises: ledger.surprises,
			verdict,
			doctor,
		};
	} finally {
		if (victim.heron().running()) await victim.stop();
		await stopLeftovers(dataDir);
	}
}

function attemptsOf({ chains, groups, claims, blobs }: Ledger): string[] {
	const lists = [chains.flatMap((one) => one.attempts), groups.map((one) => one.attempt), blobs.map((one) => one.attempt)];
	return [...lists.flat(), ...[...claims.values()].flatMap((one) => one.attempts)].map(({ state }) => state);
}

/** Waits until the server works again: writes are acknowledged that were not before. */
async function recovered(target: Target, ledger: Ledger, victim: Victim, when: string): Promise<void> {
	const before = ledger.acknowledged;
	const deadline = Date.now() + 60_000;
	while (ledger.acknowledged < before + 20 || !(await isReady(target.port))) {
		if (!victim.heron().running()) throw new Error(`${when}: the server ended by itself. It printed:\n${victim.heron().output()}`);
		if (Date.now() > deadline)
			throw new Error(`${when}: no write was acknowledged within a minute. It printed:\n${victim.heron().output()}`);
		await sleep(20);
	}
}

async function mint(dataDir: string): Promise<string> {
	const embedded = await startEmbedded({ dataDir, log: silentLog, mode: 'share' });
	const db = openDatabase({ ...embedded.config, max: 1 });
	try {
		const caller = { kind: 'user', id: 'torture', name: 'torture', grants: everything } as const;
		return `Bearer ${await mintToken(db, caller, new Date(Date.now() + 86_400_000))}`;
	} finally {
		await db.close();
		await embedded.stop();
	}
}

/** Recomputes every index entry and compares: `heron doctor --deep`. */
async function examine(dataDir: string): Promise<TortureResult['doctor']> {
	const child = spawn(process.execPath, [join(root, 'src', 'commands', 'heron.ts'), 'doctor', '--deep'], {
		env: {
			PATH: process.env.PATH ?? '',
			HOME: process.env.HOME ?? '/',
			HERON_DATA_DIR: dataDir,
		},
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	let words = '';
	for (const stream of [child.stdout, child.stderr]) {
		stream.setEncoding('utf8').on('data', (text: string) => {
			words += text;
		});
	}
	const [code] = (await once(child, 'close')) as [number | null];
	return { well: code === 0, words: words.trim() };
}

/** A PostgreSQL that a killed server left and nobody adopted. */
async function stopLeftovers(dataDir: string): Promise<void> {
	const embedded = await startEmbedded({ dataDir, log: silentLog });
	await embedded.stop();
}

/** Whether nothing was lost. */
export function isWell({ verdict, doctor, surprises }: TortureResult): boolean {
	const { lost, wrong, doubled } = verdict;
	return lost.length + wrong.length + doubled.length + surprises.length === 0 && doctor.well;
}
