// The real server as a child process, for tests and measurements that enter by the front and may end it at any moment.
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export type Heron = {
	readonly pid: number;
	readonly port: number;
	/** Base of the FHIR API over http. */
	readonly base: string;
	/** What it printed last, for error texts. */
	readonly output: () => string;
	/** Resolves when the process has ended. */
	readonly ended: Promise<void>;
	readonly running: () => boolean;
	/** Ends it at once, as the kernel or the power supply would. */
	readonly kill: () => Promise<void>;
	/** Asks it to end and waits. */
	readonly stop: () => Promise<void>;
};

export type HeronOptions = {
	/** Its whole configuration; the rest of the environment is left out. */
	readonly env: Readonly<Record<string, string>>;
	readonly port?: number;
	/** Arguments for node itself, e.g. `--cpu-prof`. */
	readonly nodeArgs?: readonly string[];
	readonly readyWithinMs?: number;
	/** Kills it before it is ready; startHeron then rejects. */
	readonly signal?: AbortSignal;
};

const main = join(import.meta.dirname, '..', 'main.ts');

/** What a process of Heron's needs of this one's environment; settings are not handed on. */
export const childEnv: Readonly<Record<string, string>> = Object.fromEntries(
	['PATH', 'HOME', 'NODE_COMPILE_CACHE'].flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
);

/** Starts `src/main.ts` with http on a free port and waits until it is ready; throws with what it printed when it ends before that. */
export async function startHeron(options: HeronOptions): Promise<Heron> {
	const port = options.port ?? (await freePort());
	const env = {
		...childEnv,
		HERON_LOG_LEVEL: 'warn',
		HERON_HTTPS_PORT: '0',
		HERON_HTTP_PORT: String(port),
		...options.env,
	};
	// The channel ends the server when this process ends, however it ends.
	const child = spawn(process.execPath, [...(options.nodeArgs ?? []), main], { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
	let printed = '';
	for (const stream of [child.stdout, child.stderr]) {
		stream?.setEncoding('utf8').on('data', (text: string) => {
			printed = (printed + text).slice(-8000);
		});
	}
	const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
	const running = (): boolean => child.exitCode === null && child.signalCode === null;
	const deadline = Date.now() + (options.readyWithinMs ?? 120_000);
	options.signal?.addEventListener('abort', () => child.kill('SIGKILL'));
	while (!(await isReady(port))) {
		if (running() && Date.now() < deadline) await sleep(20);
		else {
			if (running()) child.kill('SIGKILL');
			await ended;
			throw new Error(`Heron did not become ready. It printed:\n${printed}`);
		}
	}
	return {
		pid: child.pid as number,
		port,
		base: `http://127.0.0.1:${port}/apis/default/fhir`,
		output: () => printed,
		ended,
		running,
		async kill() {
			child.kill('SIGKILL');
			await ended;
		},
		async stop() {
			child.kill('SIGTERM');
			await ended;
		},
	};
}

/** Whether the server says it can do its work. */
export async function isReady(port: number): Promise<boolean> {
	try {
		return (await fetch(`http://127.0.0.1:${port}/meta/health/readyz`, { signal: AbortSignal.timeout(5000) })).ok;
	} catch {
		return false;
	}
}

/** A port that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const address = server.address();
	await new Promise((resolve) => server.close(resolve));
	return typeof address === 'object' && address !== null ? address.port : 0;
}
