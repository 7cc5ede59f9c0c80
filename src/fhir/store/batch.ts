// Group commit: writes that come while others are on their way to the disk share the next transaction. No timer: a batch starts as
// soon as a place is free and takes everything that waits.

import { Problem } from '#base/problem.ts';
import type { Pipeline, Prepared } from '#db/pipeline.ts';
import type { Definitions } from '#fhir/definitions/definitions.ts';
import { closingOf, type Known } from './closing.ts';
import { isTransient, problemOf, type SqlError } from './failures.ts';
import { endWith, type Journal, journaledOf } from './journal.ts';
import type { Extract, Key } from './layout.ts';
import { looksFor } from './looks.ts';
import { makePlan, needsLook, type Ready, ridsFor } from './plan.ts';
import { keyTaken, referenceNotFound, stillReferenced } from './problems.ts';
import type { Rids } from './rids.ts';
import { demandNoKeys, findKeys, indexesOnly, linkOf, lockTexts, readLinks, refusals } from './statements.ts';
import type { Write, Written } from './store.ts';

export type BatchOptions = {
	readonly pipeline: Pipeline;
	readonly rids: Rids;
	readonly known: Known;
	readonly definitions: Definitions;
	readonly extract: Extract;
	readonly integrity: boolean;
	readonly journal: Journal | undefined;
	/** A write in a transaction of its own that locks what it meets: for those that others kept getting in the way of. */
	readonly alone: (ready: Ready) => Promise<Written>;
};

export type Batches = {
	/** Resolves after the commit of the batch that the write joined. */
	write(ready: Ready): Promise<Written>;
	/** Resolves when nothing waits or runs any more. */
	idle(): Promise<void>;
};

type Unless = NonNullable<Write['unless']>;

type Job = {
	readonly ready: Ready;
	readonly resolve: (written: Written) => void;
	readonly reject: (error: unknown) => void;
	settled: boolean;
	/** The key that must not have been there is there. */
	isTaken: boolean;
};

/** How many batches run at a time: while one commits, the next is prepared and sent. */
export const batchesAtOnce = 2;
const maxRows = 300;
const maxCharacters = 8_000_000;
const maxAttempts = 3;

/** Opens the queue. */
export function createBatches(options: BatchOptions): Batches {
	const queue: Job[] = [];
	// What has a write that is queued or running, and the writes behind it that have to wait for their turn.
	const busy = new Map<string, Job[]>();
	let running = 0;
	let scheduled = false;
	let idlers: (() => void)[] = [];

	const schedule = (): void => {
		if (scheduled || running >= batchesAtOnce || queue.length === 0) return;
		scheduled = true;
		// After the input of this turn of the event loop, so that requests that came together go together.
		setImmediate(() => {
			scheduled = false;
			while (running < batchesAtOnce && queue.length > 0) void run(takeBatch(queue));
		});
	};
	const run = async (jobs: readonly Job[]): Promise<void> => {
		running++;
		await carry(options, jobs, 1);
		running--;
		for (const job of jobs) {
			const turn = turnOf(job.ready);
			if (turn === undefined) continue;
			// What waited behind a key that is there now need not ask again.
			if (job.isTaken) for (const behind of busy.get(turn)?.splice(0) ?? []) settle(behind, keyTaken());
			const next = busy.get(turn)?.shift();
			if (next === undefined) busy.delete(turn);
			else queue.push(next);
		}
		if (running === 0 && queue.length === 0) {
			for (const resolve of idlers) resolve();
			idlers = [];
		}
		schedule();
	};
	return {
		write(ready) {
			return new Promise((resolve, reject) => {
				const job: Job = { ready, resolve, reject, settled: false, isTaken: false };
				const turn = turnOf(ready);
				const behind = turn === undefined ? undefined : busy.get(turn);
				if (behind !== undefined) {
					behind.push(job);
					return;
				}
				if (turn !== undefined) busy.set(turn, []);
				queue.push(job);
				schedule();
			});
		},
		idle() {
			return running === 0 && queue.length === 0 ? Promise.resolve() : new Promise((resolve) => idlers.push(resolve));
		},
	};
}

/** What only one write at a time may be on its way for: a resource, or a key that must not be there. */
function turnOf(ready: Ready): string | undefined {
	if (needsLook(ready)) return ready.name;
	return ready.write.unless === undefined ? undefined : `?${ready.write.unless.lock}`;
}

/** The writes that depend on keys which must not be there, by type in a fixed order. */
function askingOf<T extends { readonly write: Write }>(writes: readonly T[]): [type: string, of: T[], keys: Key[]][] {
	const asking = writes.filter(({ write }) => write.unless !== undefined);
	return [...Map.groupBy(asking, ({ write }) => write.type)]
		.sort(([a], [b]) => (a < b ? -1 : 1))
		.map(([type, of]) => [type, of, of.map(({ write }) => (write.unless as Unless).key)]);
}

/** Tells those whose keys are there already and gives the others. No lock is held yet: what comes meanwhile is found by the demands. */
async function withoutTaken(pipeline: Pipeline, jobs: readonly Job[]): Promise<readonly Job[]> {
	const asking = askingOf(jobs.map((job) => ({ write: job.ready.write, job })));
	if (asking.length === 0) return jobs;
	const [, ...answers] = await pipeline.run([indexesOnly, ...asking.map(([type, , keys]) => findKeys(type, keys))]);
	for (const [i, [, of, keys]] of asking.entries()) {
		const there = new Set((answers[i] ?? []).map(([key]) => key as Key));
		for (const [at, { job }] of of.entries()) if (there.has(keys[at] as Key)) settle(job, keyTaken());
	}
	return jobs.filter(({ settled }) => !settled);
}

/** Locks and looks for the keys that must not be there. */
function demandsOf(writes: readonly Ready[]): Prepared[] {
	const asking = askingOf(writes);
	if (asking.length === 0) return [];
	const locks = asking.flatMap(([, of]) => of.map(({ write }) => (write.unless as Unless).lock));
	return [indexesOnly, lockTexts(locks), ...asking.map(([type, , keys]) => demandNoKeys(type, keys))];
}

function takeBatch(queue: Job[]): Job[] {
	let count = 0;
	let characters = 0;
	while (count < queue.length && count < maxRows && (count === 0 || characters < maxCharacters)) {
		characters += (queue[count] as Job).ready.tail.length;
		count++;
	}
	return queue.splice(0, count);
}

/** Carries the jobs out and settles every one of them; never rejects. */
async function carry(options: BatchOptions, jobs: readonly Job[], attempt: number): Promise<void> {
	try {
		await tryOnce(options, jobs);
	} catch (error) {
		const left = jobs.filter(({ settled }) => !settled);
		await recover(options, left, error as SqlError, attempt).catch((failure: unknown) => {
			for (const job of left) settle(job, failure);
		});
	}
}

async function tryOnce(options: BatchOptions, all: readonly Job[]): Promise<void> {
	const { pipeline, rids, known, definitions, extract, integrity, journal } = options;
	const jobs = await withoutTaken(pipeline, all);
	const writes = jobs.map(({ ready }) => ready);
	const looks = looksFor(writes);
	const deleting = integrity && writes.some(({ write }) => write.op === 'D');
	const questions = deleting ? [...looks.statements, readLinks] : looks.statements;
	const answers = questions.length === 0 ? [] : await pipeline.run(questions);
	const found = looks.read(answers);
	const links = deleting ? (answers.at(-1) ?? []).map(linkOf) : [];
	const plan = makePlan(writes, (name) => found.get(name), await rids.take(ridsFor(writes, found)), extract);
	for (const [i, outcome] of plan.outcomes.entries()) if (outcome instanceof Problem || outcome.unchanged) settle(jobs[i] as Job, outcome);
	if (plan.statements.length === 0) return;
	const closing = closingOf([plan], known, links, definitions, integrity);
	const part = await journal?.(journaledOf(writes, plan, ({ unchanged }) => unchanged !== true));
	const told = part === undefined ? [] : [part.statement];
	await endWith(part, () => pipeline.run([...demandsOf(writes), ...plan.statements, ...closing.statements, ...told]));
	closing.remember();
	for (const [i, outcome] of plan.outcomes.entries()) settle(jobs[i] as Job, outcome);
}

function settle(job: Job, outcome: unknown): void {
	if (job.settled) return;
	job.settled = true;
	job.isTaken = job.ready.write.unless !== undefined && (!(outcome instanceof Error) || (outcome as Problem).code === 'key-taken');
	if (outcome instanceof Error) job.reject(outcome);
	else job.resolve(outcome as Written);
}

/** After a failure nothing of the batch is kept: those to blame are told, the others tried again. */
async function recover(options: BatchOptions, jobs: readonly Job[], error: SqlError, attempt: number): Promise<void> {
	const crossing = deletesOfMissing(jobs, error);
	if (crossing.length > 0) {
		// Whether these deletes are allowed is not known yet, so that nobody is refused because of them.
		const others = jobs.filter((job) => !crossing.includes(job));
		await carry(options, others, attempt);
		await carry(options, crossing, attempt);
		return;
	}
	const blamed = blame(jobs, error);
	if (blamed.size > 0) {
		for (const [job, problem] of blamed) settle(job, problem);
		const rest = jobs.filter((job) => !blamed.has(job));
		if (rest.length > 0) await carry(options, rest, attempt);
	} else if (error instanceof Problem) {
		for (const job of jobs) settle(job, error);
	} else if (isTransient(error) && attempt < maxAttempts) {
		await carry(options, jobs, attempt + 1);
	} else if (isTransient(error)) {
		for (const job of jobs) {
			// Alone nobody would look for its key.
			const isAsked = job.ready.write.unless !== undefined;
			settle(job, isAsked ? keyTaken() : await options.alone(job.ready).catch((failure: unknown) => failure));
		}
	} else if (jobs.length === 1) {
		settle(jobs[0] as Job, problemOf(error));
	} else {
		const half = jobs.length >> 1;
		await carry(options, jobs.slice(0, half), attempt);
		await carry(options, jobs.slice(half), attempt);
	}
}

/** Deletes of resources that others of the same batch refer to. */
function deletesOfMissing(jobs: readonly Job[], error: SqlError): Job[] {
	if (error.code !== refusals.missing) return [];
	const missing = new Set(error.detail?.split(' '));
	return jobs.filter(({ ready }) => ready.write.op === 'D' && missing.has(ready.name));
}

/** Those whose references or deletes the database refused. */
function blame(jobs: readonly Job[], error: SqlError): Map<Job, Problem> {
	const blamed = new Map<Job, Problem>();
	if (error.code === refusals.missing) {
		const missing = new Set(error.detail?.split(' '));
		for (const job of jobs) {
			const lacking = job.ready.index?.references.filter((reference) => missing.has(reference)) ?? [];
			if (lacking.length > 0) blamed.set(job, referenceNotFound(job.ready.write.resource, lacking));
		}
	}
	if (error.code === refusals.referenced) {
		const words = error.detail?.split(' ') ?? [];
		const source = words.pop() ?? 'resource';
		const keys = new Set(words);
		for (const job of jobs) {
			const { write, rk } = job.ready;
			if (write.op === 'D' && keys.has(rk)) blamed.set(job, stillReferenced(write.type, write.id, source));
		}
	}
	if (error.code === refusals.taken) {
		const words = error.detail?.split(' ') ?? [];
		const type = words.pop();
		const keys = new Set(words);
		for (const job of jobs) {
			const { write } = job.ready;
			if (write.type === type && write.unless !== undefined && keys.has(write.unless.key)) blamed.set(job, keyTaken());
		}
	}
	return blamed;
}
