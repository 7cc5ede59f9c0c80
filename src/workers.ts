// Several server processes on one machine (HERON_WORKERS): the first owns the embedded database and hands connections round, the others
// serve. A worker that dies is replaced; when the first ends, all end.
import cluster, { type Worker } from 'node:cluster';
import type { PoolConfig } from 'pg';
import { createLog, type Log } from '#base/log.ts';
import { Problem } from '#base/problem.ts';
import { addFigures, type Figures } from '#http/metrics.ts';
import { compose } from './compose.ts';
import { serve } from './serve.ts';
import { readSettings, type Settings } from './settings.ts';

type ToWorker =
	| { readonly is: 'start'; readonly config: PoolConfig }
	| { readonly is: 'stop' }
	/** Asks for the worker's own figures. */
	| { readonly is: 'figures'; readonly round: number }
	/** The figures of all, for the worker that wanted them. */
	| { readonly is: 'total'; readonly want: number; readonly text: string };

type FromWorker =
	| { readonly is: 'ready' }
	| { readonly is: 'failed'; readonly text: string }
	| { readonly is: 'figures'; readonly round: number; readonly figures: Figures }
	| { readonly is: 'wanted'; readonly want: number };

const replaceAfterMs = 1000;

/**
 * Starts the workers and gives what stops them; resolves when all are ready, rejects with Problem unavailable `worker-failed` when one
 * cannot start.
 */
export async function startWorkers(settings: Settings, config: PoolConfig, log: Log): Promise<() => Promise<void>> {
	let stopping = false;
	const figures = createFigures();
	const fork = (): Promise<void> => {
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		const worker = cluster.fork();
		let ready = false;
		worker.on('online', () => tell(worker, { is: 'start', config }));
		worker.on('message', (message: FromWorker) => {
			if (message.is === 'ready') {
				ready = true;
				resolve();
			} else if (message.is === 'failed') reject(new Problem('unavailable', 'worker-failed', message.text));
			else figures.hear(worker, message);
		});
		worker.on('exit', (code, signal) => {
			if (stopping) return;
			if (!ready)
				return reject(new Problem('unavailable', 'worker-failed', `A server process ended while it started (${signal ?? code}).`));
			log.error({ pid: worker.process.pid, code, signal }, 'a server process ended; another takes its place');
			setTimeout(replace, replaceAfterMs);
		});
		return promise;
	};
	const replace = (): void => {
		if (stopping) return;
		fork().catch((error: Error) => {
			log.error({ problem: error.message }, 'the replacement of a server process did not start; it is tried again');
			setTimeout(replace, replaceAfterMs);
		});
	};
	const stop = async (): Promise<void> => {
		stopping = true;
		const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
		await Promise.all(workers.map((worker) => stopWorker(worker, settings.drainMs)));
	};
	try {
		await Promise.all(Array.from({ length: settings.workers }, fork));
	} catch (error) {
		await stop();
		throw error;
	}
	return stop;
}

function tell(worker: Worker, message: ToWorker): void {
	if (worker.isConnected()) worker.send(message);
}

async function stopWorker(worker: Worker, drainMs: number): Promise<void> {
	const gone = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
	if (worker.isDead()) return;
	tell(worker, { is: 'stop' });
	const force = setTimeout(() => worker.process.kill('SIGKILL'), drainMs + 5000);
	await gone;
	clearTimeout(force);
}

/** Adds up the figures of all workers for the one that was asked for them. */
function createFigures(): { hear(worker: Worker, message: FromWorker): void } {
	const rounds = new Map<number, { readonly heard: Figures[]; readonly done: () => void; awaited: number }>();
	let last = 0;
	const total = async (): Promise<string> => {
		const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker?.isConnected());
		const { promise, resolve } = Promise.withResolvers<void>();
		const round = { heard: [] as Figures[], done: resolve, awaited: workers.length };
		const number = ++last;
		rounds.set(number, round);
		for (const worker of workers) tell(worker as Worker, { is: 'figures', round: number });
		// A worker that is too busy to answer is left out of this reading.
		const late = setTimeout(resolve, 2000);
		await promise;
		clearTimeout(late);
		rounds.delete(number);
		return addFigures(round.heard);
	};
	return {
		hear(worker, message) {
			if (message.is === 'wanted') void total().then((text) => tell(worker, { is: 'total', want: message.want, text }));
			if (message.is !== 'figures') return;
			const round = rounds.get(message.round);
			if (round === undefined) return;
			round.heard.push(message.figures);
			if (--round.awaited === 0) round.done();
		},
	};
}

/** The life of a worker: waits for the word to start, serves, and stops when told to or when the first process is gone. */
export async function runWorker(): Promise<void> {
	process.title = 'heron worker';
	// Ctrl-C reaches every process of the terminal; the first one decides.
	for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => undefined);
	const settings = readSettings(process.env);
	const log = createLog(settings.logLevel);
	const wants = new Map<number, (text: string) => void>();
	let last = 0;
	const totalText = (): Promise<string> =>
		new Promise((resolve) => {
			wants.set(++last, resolve);
			say({ is: 'wanted', want: last });
		});
	let close = async (): Promise<void> => undefined;
	let own: (() => Promise<Figures>) | undefined;
	process.on('message', async (message: ToWorker) => {
		if (message.is === 'start') {
			try {
				const served = await serveFor(settings, message.config, log, totalText);
				close = served.close;
				own = served.figures;
				say({ is: 'ready' });
			} catch (error) {
				say({ is: 'failed', text: error instanceof Problem ? error.text : String((error as Error).stack) });
			}
		} else if (message.is === 'stop') {
			await close();
			process.exit(0);
		} else if (message.is === 'figures') say({ is: 'figures', round: message.round, figures: (await own?.()) ?? [] });
		else {
			wants.get(message.want)?.(message.text);
			wants.delete(message.want);
		}
	});
}

function say(message: FromWorker): void {
	if (process.connected) process.send?.(message);
}

async function serveFor(
	settings: Settings,
	config: PoolConfig,
	log: Log,
	totalText: () => Promise<string>,
): Promise<{ close: () => Promise<void>; figures: () => Promise<Figures> }> {
	const installation = await compose(settings, config, log);
	try {
		const serving = await serve(installation, totalText);
		return {
			figures: serving.metrics.figures,
			async close() {
				await serving.close();
				await installation.close();
			},
		};
	} catch (error) {
		await installation.close();
		throw error;
	}
}
