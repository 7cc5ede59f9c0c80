// What an export has done, as its job remembers it, for the run that follows should this one be cut short.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Issue } from '#base/problem.ts';
import type { JobRun } from '#fhir/jobs/jobs.ts';
import { listName } from './list.ts';
import type { OutputFile } from './output.ts';

/** What was decided at the moment of the export: the lists of what is taken, and what needs no list because it was written by then. */
export type Begun = {
	/** Names the run that decided; what others remembered does not count. */
	readonly run: string;
	readonly transactionTime: string;
	readonly types: readonly Taken[];
	readonly deleted: readonly OutputFile[];
};

/** A type, with the bytes of its list, or what was done with it before there were lists. */
export type Taken = { readonly type: string } & ({ readonly listBytes: number } | { readonly done: Done });

/** A type that is through. */
export type Done = { readonly files: readonly OutputFile[]; readonly lost: readonly Issue[] };

const beginning = 'begun';

export async function rememberBegun(job: JobRun, begun: Begun): Promise<void> {
	await job.record(beginning, JSON.stringify(begun));
}

export async function rememberDone(job: JobRun, { run }: Begun, type: string, done: Done): Promise<void> {
	await job.record(`${run} ${type}`, JSON.stringify(done));
}

/** What former runs did with a type; undefined when it is not through. */
export function doneOf({ recorded }: JobRun, { run }: Begun, taken: Taken): Done | undefined {
	if ('done' in taken) return taken.done;
	const text = recorded.get(`${run} ${taken.type}`);
	return text === undefined ? undefined : (JSON.parse(text) as Done);
}

/** What a former run began and can be gone on with: its files are all there, and whole. */
export async function begunOf(job: JobRun): Promise<Begun | undefined> {
	const text = job.recorded.get(beginning);
	if (text === undefined) return undefined;
	const begun = JSON.parse(text) as Begun;
	const sizes: (readonly [name: string, bytes: number])[] = [
		...begun.types.flatMap((taken, at) => ('done' in taken ? [] : [[listName(at), taken.listBytes] as const])),
		...filesOf(job, begun).map(({ number, bytes }) => [String(number), bytes] as const),
	];
	for (const [name, bytes] of sizes) {
		const found = await stat(join(job.folder, name)).catch(() => undefined);
		if (found?.size !== bytes) return undefined;
	}
	return begun;
}

/** The files that are whole. */
export function filesOf(job: JobRun, begun: Begun): OutputFile[] {
	return [...begun.deleted, ...begun.types.flatMap((taken) => doneOf(job, begun, taken)?.files ?? [])];
}
