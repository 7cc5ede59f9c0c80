// Requests answered later, https://hl7.org/fhir/R4/async.html: kept in the database until they are done, taken by whichever process is
// free, and taken again when that process dies in the middle.
import type { Caller, Ctx } from '#access/ctx.ts';
import type { Clock } from '#base/clock.ts';
import type { Ids } from '#base/ids.ts';
import type { Log } from '#base/log.ts';
import { Problem } from '#base/problem.ts';
import type { Database } from '#db/database.ts';
import { raw, sql } from '#db/sql.ts';
import { findFile, folderOf, removeFolder } from './folders.ts';
import { isOwnOrUnrestricted, ownerOf } from './owner.ts';
import { createPolls } from './polls.ts';
import { jobNotFound, polledTooFast, tooManyJobs, unknownKind } from './problems.ts';
import { type Claim, createRunner, type Runner } from './runner.ts';

/**
 * What a job gives in the end. Without `contentType` it is the JSON text of a resource, shown in the format that the client asks for.
 * `keepMs`: how long it is kept with the files of the job, when not as long as results usually are.
 */
export type JobResult = { readonly text: string; readonly contentType?: string; readonly keepMs?: number };

/** A job in the hands of its kind. */
export type JobRun = {
	readonly id: string;
	readonly input: string;
	/** The job's own folder, with what earlier runs left there; it goes with the job. The run makes it when it needs one. */
	readonly folder: string;
	/** What earlier runs of this job recorded, by key. */
	readonly recorded: ReadonlyMap<string, string>;
	/**
	 * Remembers what was done, for the run that follows should this one be cut short. Given the transaction that did it, both are kept
	 * or neither. Throws when the job was cancelled or another process has taken it over, so that nothing is done twice.
	 */
	readonly record: (key: string, value: string, on?: Pick<Database, 'execute'>) => Promise<void>;
	/** Tells the client how far the job is, in less than 100 characters. */
	readonly progress: (text: string) => void;
	/** Aborts when the run shall end: cancelled, taken over, or the process stops. */
	readonly signal: AbortSignal;
};

/** How a kind of job is done. It may be run again from the start after a crash; `record` is how it knows what it did already. */
export type JobKind = (ctx: Ctx, job: JobRun) => Promise<JobResult>;

export type JobStatus = {
	readonly id: string;
	readonly kind: string;
	readonly state: 'waiting' | 'running' | 'done' | 'failed';
	readonly progress: string | undefined;
	readonly created: Date;
	/** When the result will be deleted; there once the job has ended. */
	readonly expires: Date | undefined;
	/** There when done. */
	readonly result: JobResult | undefined;
	/** There when failed. */
	readonly problem: Problem | undefined;
};

export type Jobs = {
	/** Says how jobs of a kind are done. Every process that works must have registered the kinds before `work`. */
	register(kind: string, run: JobKind): void;
	/** Puts a job in the queue, in the caller's name, and gives its id. `prepare` puts into its folder what it needs. Throws Problem too-much `job-limit` (429) when the caller has too many open. */
	start(ctx: Ctx, kind: string, input: string, prepare?: (folder: string) => Promise<void>): Promise<string>;
	/** How it stands. Throws Problem not-found `job-not-found` for jobs that are unknown, cancelled, expired or someone else's. */
	status(ctx: Ctx, id: string): Promise<JobStatus>;
	/** As status, for a client that asks again and again: throws Problem too-much `polled-too-fast` (429) when it does so too often. */
	poll(ctx: Ctx, id: string): Promise<JobStatus>;
	/** Ends a job and forgets it with its result and its files. Throws as status does. */
	cancel(ctx: Ctx, id: string): Promise<void>;
	/** The path of a file that a job which is done has made. Throws as status does, also when there is no such file. */
	file(ctx: Ctx, id: string, name: string): Promise<string>;
	/** Begins to take jobs in this process. */
	work(): void;
	/** Takes no more; runs under way end at their next step, and another process goes on with them. */
	close(): Promise<void>;
};

export type JobOptions = {
	readonly db: Database;
	readonly clock: Clock;
	readonly ids: Ids;
	readonly log: Log;
	/** Where each job may have a folder of its own, the same for all processes. */
	readonly folder: string;
	/** Jobs run at the same time in this process. */
	readonly concurrency?: number;
	/** Open jobs of one caller. */
	readonly maxOpen?: number;
	/** How long a process may be silent before its jobs are taken over. */
	readonly leaseMs?: number;
	/** How often the queue is looked at for jobs of other processes. */
	readonly pollMs?: number;
	/** How long results are kept. */
	readonly keepMs?: number;
	/** How often a job is taken before it counts as the reason why its processes die. */
	readonly maxAttempts?: number;
};

/** The queue of an installation, as one process sees it. */
export function createJobs(options: JobOptions): Jobs {
	const { db, clock, ids, log, maxOpen = 20 } = options;
	const kinds = new Map<string, JobKind>();
	const polls = createPolls(clock);
	let runner: Runner | undefined;
	const run = (claim: Claim, job: JobRun): Promise<JobResult> => {
		const kind = kinds.get(claim.kind);
		if (kind === undefined) throw unknownKind(claim.kind);
		return kind({ caller: claim.caller, db, clock, ids, log, requestId: claim.requestId }, job);
	};
	const prepared = async (id: string, prepare: (folder: string) => Promise<void>): Promise<void> => {
		try {
			await prepare(folderOf(options.folder, id));
		} catch (error) {
			await db.execute(sql`DELETE FROM jobs.job WHERE id = ${id}`);
			await removeFolder(options.folder, id);
			throw error;
		}
		await db.execute(sql`UPDATE jobs.job SET due_at = now() WHERE id = ${id}`);
	};
	return {
		register(kind, how) {
			kinds.set(kind, how);
		},
		async start({ caller, requestId }, kind, input, prepare) {
			if (!kinds.has(kind)) throw unknownKind(kind);
			const id = ids.next();
			await insert(db, { id, kind, caller, requestId, input }, maxOpen, prepare === undefined ? 0 : prepareMs);
			if (prepare !== undefined) await prepared(id, prepare);
			runner?.wake();
			return id;
		},
		status: (ctx, id) => readStatus(db, ctx.caller, id),
		async poll(ctx, id) {
			const found = await readStatus(db, ctx.caller, id);
			if (found.result === undefined && found.problem === undefined && !polls.take(id)) throw polledTooFast();
			return found;
		},
		async cancel(ctx, id) {
			await readStatus(db, ctx.caller, id);
			await db.execute(sql`DELETE FROM jobs.job WHERE id = ${id}`);
			runner?.forget(id);
			await removeFolder(options.folder, id);
		},
		async file(ctx, id, name) {
			const { state } = await readStatus(db, ctx.caller, id);
			const path = state === 'done' ? await findFile(options.folder, id, name) : undefined;
			if (path === undefined) throw jobNotFound(id);
			return path;
		},
		work() {
			runner ??= createRunner({ ...options, kinds: () => [...kinds.keys()], run });
		},
		async close() {
			await runner?.close();
			runner = undefined;
		},
	};
}

type Row = { readonly id: string; readonly kind: string; readonly caller: Caller; readonly requestId: string; readonly input: string };

/** How long a job may be prepared before it is taken as it is. */
const prepareMs = 600_000;

async function insert(db: Database, { id, kind, caller, requestId, input }: Row, maxOpen: number, waitMs: number): Promise<void> {
	const owner = ownerOf(caller);
	await db.tx(async (tx) => {
		// One start of a caller at a time, so that the limit holds.
		await tx.execute(sql`SELECT pg_advisory_xact_lock(hashtextextended(${`jobs.owner ${owner}`}, 0))`);
		const [open] = await tx.rows(sql`SELECT count(*) FROM jobs.job WHERE owner = ${owner} AND state IN ('waiting', 'running')`);
		if (Number(open?.[0]) >= maxOpen) throw tooManyJobs(maxOpen);
		await tx.execute(sql`INSERT INTO jobs.job (id, kind, caller, owner, request_id, input, state, due_at)
			VALUES (${id}, ${kind}, ${JSON.stringify(caller)}, ${owner}, ${requestId}, ${input}, 'waiting', now() + ${waitMs} * interval '1 ms')`);
	});
}

type StatusRow = {
	kind: string;
	caller: Caller;
	state: JobStatus['state'];
	progress: string | null;
	result: string | null;
	result_type: string | null;
	problem: ConstructorParameters<typeof Problem>[3] & { kind: Problem['kind']; code: string; text: string };
	created_at: Date;
	expires_at: Date | null;
};

async function readStatus(db: Database, caller: Caller, id: string): Promise<JobStatus> {
	const [row] = await db.query<StatusRow>(
		sql`SELECT kind, caller, state, progress, result, result_type, problem, created_at, expires_at FROM jobs.job
			WHERE id = ${id} AND (expires_at IS NULL OR expires_at > now()) ${raw('LIMIT 1')}`,
	);
	if (row === undefined || !isOwnOrUnrestricted(caller, row.caller)) throw jobNotFound(id);
	const { kind, state, progress, result, result_type: contentType, problem, created_at: created, expires_at: expires } = row;
	return {
		id,
		kind,
		state,
		created,
		progress: progress ?? undefined,
		expires: expires ?? undefined,
		result: result === null ? undefined : { text: result, ...(contentType === null ? {} : { contentType }) },
		problem: problem === null ? undefined : new Problem(problem.kind, problem.code, problem.text, problem),
	};
}
