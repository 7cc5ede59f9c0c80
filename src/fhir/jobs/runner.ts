// Takes jobs and runs them, a few at a time. A job is held by a lease that is renewed while it runs; all times are the database's.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Caller } from '#access/ctx.ts';
import { described } from '#base/log.ts';
import { Problem } from '#base/problem.ts';
import type { Database } from '#db/database.ts';
import { raw, sql } from '#db/sql.ts';
import { folderOf, removeOrphans } from './folders.ts';
import type { JobOptions, JobResult, JobRun } from './jobs.ts';
import { gaveUp, jobLost } from './problems.ts';

/** A job taken by this process. `lease` names this one claim of it. */
export type Claim = {
	readonly id: string;
	readonly kind: string;
	readonly caller: Caller;
	readonly requestId: string;
	readonly input: string;
	readonly attempts: number;
	readonly lease: string;
};

export type Runner = {
	/** There may be something to do. */
	wake(): void;
	/** Ends a job that was cancelled, if it runs here. */
	forget(id: string): void;
	close(): Promise<void>;
};

export type RunnerOptions = JobOptions & {
	readonly kinds: () => readonly string[];
	readonly run: (claim: Claim, job: JobRun) => Promise<JobResult>;
};

const sweepMs = 60_000;
/** How long a job waits that failed because the database was away. */
const retryMs = 2000;

/** Begins at once; ends with close. */
export function createRunner(options: RunnerOptions): Runner {
	const { db, log, concurrency = 2, pollMs = 5000 } = options;
	const stopped = new AbortController();
	const running = new Map<string, { readonly abort: AbortController; readonly ended: Promise<void> }>();
	let alarm = Promise.withResolvers<void>();
	const wake = (): void => alarm.resolve();

	const begin = (claim: Claim): void => {
		const abort = new AbortController();
		const ended = perform(options, claim, AbortSignal.any([abort.signal, stopped.signal]), abort)
			.catch((error) => log.error({ job: claim.id, error: described(error) }, 'a job could not be ended; it will be taken again'))
			.then(() => {
				running.delete(claim.id);
				wake();
			});
		running.set(claim.id, { abort, ended });
	};

	const loop = async (): Promise<void> => {
		let swept = 0;
		for (let ticks = 0; !stopped.signal.aborted; ticks++) {
			alarm = Promise.withResolvers();
			try {
				if (ticks === 0 || (ticks - swept) * pollMs >= sweepMs) {
					swept = ticks;
					await db.execute(sql`DELETE FROM jobs.job WHERE expires_at < now()`);
					await removeOrphans(options.folder, db);
				}
				while (running.size < concurrency && !stopped.signal.aborted) {
					const claim = await take(options);
					if (claim === undefined) break;
					begin(claim);
				}
			} catch (error) {
				log.warn({ error: error instanceof Problem ? error.code : described(error) }, 'the queue of jobs cannot be read at the moment');
			}
			const timer = setTimeout(wake, pollMs).unref();
			await alarm.promise;
			clearTimeout(timer);
		}
	};
	const looping = loop();
	return {
		wake,
		forget: (id) => running.get(id)?.abort.abort(),
		async close() {
			stopped.abort();
			wake();
			await looping;
			await Promise.all([...running.values()].map(({ ended }) => ended));
		},
	};
}

/** Waits without holding the process; ends early, and quietly, with the signal. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
	await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}

async function take({ db, ids, leaseMs = 30_000, kinds }: RunnerOptions): Promise<Claim | undefined> {
	const lease = ids.next();
	const [claim] = await db.query<Omit<Claim, 'lease'>>(sql`
		UPDATE jobs.job SET state = 'running', lease = ${lease}, due_at = now() + ${leaseMs} * interval '1 ms', attempts = attempts + 1
		WHERE id = (SELECT id FROM jobs.job WHERE state IN ('waiting', 'running') AND due_at <= now() AND kind = ANY(${kinds()}::text[])
			ORDER BY created_at, id ${raw('FOR UPDATE SKIP LOCKED LIMIT 1')})
		RETURNING id, kind, caller, request_id AS "requestId", input, attempts`);
	return claim === undefined ? undefined : { ...claim, lease };
}

/** Runs one job to its end, whatever that is. */
async function perform(options: RunnerOptions, claim: Claim, signal: AbortSignal, abort: AbortController): Promise<void> {
	const { db, log, maxAttempts = 5, run } = options;
	if (claim.attempts > maxAttempts) return endFailed(options, claim, gaveUp(maxAttempts));
	let progress: string | undefined;
	const beating = new AbortController();
	const heart = beat(options, claim, () => progress, beating.signal, abort);
	try {
		const recorded = await stepsOf(db, claim.id);
		const result = await run(claim, {
			id: claim.id,
			input: claim.input,
			folder: folderOf(options.folder, claim.id),
			recorded,
			record: async (key, value, on = db) => {
				if (signal.aborted) throw jobLost();
				await record(on, claim, key, value);
			},
			progress: (text) => {
				progress = text.slice(0, 99);
			},
			signal,
		});
		await endDone(options, claim, result);
	} catch (error) {
		if (signal.aborted || isUnavailable(error)) return await giveBack(options, claim, signal.aborted ? 0 : retryMs);
		if (error instanceof Problem && error.code === 'job-lost') return;
		if (!(error instanceof Problem)) log.error({ job: claim.id, kind: claim.kind, error: String((error as Error)?.stack) }, 'a job failed');
		await endFailed(
			options,
			claim,
			error instanceof Problem ? error : new Problem('fault', 'fault', 'Something went wrong on the server.'),
		);
	} finally {
		beating.abort();
		await heart;
	}
}

/** Keeps the lease while the job runs, and ends the run when the job is no longer this process's. */
async function beat(
	{ db, leaseMs = 30_000 }: RunnerOptions,
	claim: Claim,
	progress: () => string | undefined,
	signal: AbortSignal,
	abort: AbortController,
): Promise<void> {
	for (;;) {
		await pause(leaseMs / 6, signal);
		if (signal.aborted) return;
		try {
			const held =
				await db.execute(sql`UPDATE jobs.job SET due_at = now() + ${leaseMs} * interval '1 ms', progress = COALESCE(${progress() ?? null}, progress)
				WHERE id = ${claim.id} AND lease = ${claim.lease}`);
			if (held === 0) return abort.abort();
		} catch {
			// The database is away: the lease runs out if it stays so, and then another process may have the job.
		}
	}
}

async function stepsOf(db: Database, id: string): Promise<Map<string, string>> {
	const rows = await db.rows(sql`SELECT key, value FROM jobs.step WHERE job = ${id}`);
	return new Map(rows as [string, string][]);
}

/** FOR SHARE: nobody can take the job over before the transaction that records is through. */
async function record(on: Pick<Database, 'execute'>, { id, lease }: Claim, key: string, value: string): Promise<void> {
	const kept = await on.execute(sql`
		INSERT INTO jobs.step (job, key, value)
		SELECT id, ${key}, ${value} FROM (SELECT id FROM jobs.job WHERE id = ${id} AND lease = ${lease} FOR SHARE) held
		ON CONFLICT (job, key) DO UPDATE SET value = excluded.value`);
	if (kept === 0) throw jobLost();
}

async function endDone({ db, keepMs: usual = 86_400_000 }: RunnerOptions, { id, lease }: Claim, result: JobResult): Promise<void> {
	const { text, contentType, keepMs = usual } = result;
	await db.execute(sql`WITH ended AS (
			UPDATE jobs.job SET state = 'done', result = ${text}, result_type = ${contentType ?? null}, input = NULL, lease = NULL, progress = NULL,
				finished_at = now(), expires_at = now() + ${keepMs} * interval '1 ms' WHERE id = ${id} AND lease = ${lease} RETURNING id)
		DELETE FROM jobs.step USING ended WHERE step.job = ended.id`);
}

async function endFailed({ db, keepMs = 86_400_000 }: RunnerOptions, { id, lease }: Claim, problem: Problem): Promise<void> {
	const { kind, code, text, issues, status, path } = problem;
	await db.execute(sql`WITH ended AS (
			UPDATE jobs.job SET state = 'failed', problem = ${JSON.stringify({ kind, code, text, issues, status, path })}, input = NULL, lease = NULL,
				progress = NULL, finished_at = now(), expires_at = now() + ${keepMs} * interval '1 ms' WHERE id = ${id} AND lease = ${lease} RETURNING id)
		DELETE FROM jobs.step USING ended WHERE step.job = ended.id`);
}

/** Puts the job back into the queue: this attempt says nothing about the job. */
async function giveBack({ db }: RunnerOptions, { id, lease }: Claim, delayMs: number): Promise<void> {
	await db.execute(sql`UPDATE jobs.job SET state = 'waiting', lease = NULL, due_at = now() + ${delayMs} * interval '1 ms', attempts = attempts - 1
		WHERE id = ${id} AND lease = ${lease}`);
}

function isUnavailable(error: unknown): boolean {
	return error instanceof Problem && error.kind === 'unavailable';
}
