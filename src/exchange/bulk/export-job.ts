// An export as a job: one transaction sees one moment of the record and writes it into files, then the manifest. A long one writes down first
// which versions it takes, so that a run that follows one that was cut short goes on with them; a short one begins again, at a moment of its
// own.
import type { Issue, Problem } from '#base/problem.ts';
import type { Tx } from '#db/database.ts';
import { raw } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { jobFileId } from '#fhir/jobs/job-file.ts';
import type { JobResult, JobRun } from '#fhir/jobs/jobs.ts';
import { issuesOf, outcomeOf } from '#fhir/outcome.ts';
import type { Asked } from './asked.ts';
import { noteBulk } from './audit.ts';
import { type Begun, begunOf, type Done, doneOf, filesOf, rememberBegun, rememberDone } from './begun.ts';
import { isLong, listName, listOf } from './list.ts';
import { createOutput, type Output, type OutputFile, type Piece } from './output.ts';
import { createPace } from './pace.ts';
import { copiedPieces, deletedPieces, listedPieces, patientPieces, piecesOf } from './pieces.ts';
import { collectMembers, deletedOf, type Members, provenanceOf, type Selection, selectionsOf } from './select.ts';

/** The kind of job. */
export const exportKind = 'bulk-export';

export type ExportSettings = {
	/** How long files are kept. */
	readonly keepMs: number;
	/** Requests that this process has answered so far: an export gives way to them. */
	readonly served: () => number;
	/** A file is ended when it has so many bytes; tests make it small. */
	readonly fileBytes?: number;
	/** An export of so many rows can be gone on with when it is cut short; a smaller one begins again. */
	readonly listFrom?: number;
};

/** What a few seconds bring to an end. */
const usualListFrom = 200_000;

type Listed = { readonly type?: string; readonly url: string; readonly count: number };

type Manifest = {
	readonly transactionTime: string;
	readonly request: string;
	readonly requiresAccessToken: true;
	readonly outputOrganizedBy?: 'Patient';
	readonly output: readonly Listed[];
	readonly deleted: readonly Listed[];
	readonly error: readonly Listed[];
};

/** What an export has made, but for the file of errors. */
type Made = {
	readonly transactionTime: string;
	/** Without a type: files of several. */
	readonly output: readonly { readonly type?: string; readonly files: readonly OutputFile[] }[];
	readonly deleted: readonly OutputFile[];
	readonly lost: readonly Issue[];
};

type Work = { readonly ctx: FhirCtx; readonly job: JobRun; readonly asked: Asked; readonly output: Output };

/** Runs an export; the result is its manifest (https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---complete-status). */
export async function runExport(ctx: FhirCtx, job: JobRun, settings: ExportSettings): Promise<JobResult> {
	const { keepMs, fileBytes: largest, served, listFrom = usualListFrom } = settings;
	const asked = JSON.parse(job.input) as Asked;
	const begun = await begunOf(job);
	const kept = begun === undefined ? undefined : filesOf(job, begun);
	const output = await createOutput(job.folder, createPace(served, job.signal), job.signal, { largest, kept });
	const work = { ctx, job, asked, output };
	const made =
		begun === undefined
			? await ctx.db.tx((tx) => firstRun(work, tx, listFrom), { isolation: 'repeatable read' })
			: await laterRun(work, begun);
	const manifest = await manifestOf(work, made);
	await output.settled();
	await noteBulk(ctx, 'export', `${manifest.output.reduce((sum, { count }) => sum + count, 0)} resources`);
	return { text: JSON.stringify(manifest), contentType: 'application/json', keepMs };
}

/** Decides what is taken, at one moment, and writes it. */
async function firstRun(work: Work, tx: Tx, listFrom: number): Promise<Made> {
	const { ctx, job, asked, output } = work;
	const transactionTime = await momentOf(ctx, tx);
	const about = await collectMembers(ctx, tx, asked);
	const selections = await selectionsOf(ctx, tx, asked, about);
	const all = await withProvenance(ctx, tx, asked, selections);
	const deleted = await writeDeleted(work, tx, about, selections);
	if (asked.byPatient && about !== undefined) {
		const pieces = patientPieces(ctx, tx, about, all, asked.elements);
		const files = await output.write(createTeller(job)('patient by patient', pieces));
		return { transactionTime, output: [{ files }], deleted, lost: asked.notes };
	}
	const begun = (await isLong(tx, all, listFrom)) ? await writeLists(work, tx, all, { transactionTime, deleted }) : undefined;
	const types = all.map(({ type }) => type);
	const made = await typeByType(work, types, begun, (at, onLost) => piecesOf(ctx, tx, all[at] as Selection, asked.elements, onLost));
	return { transactionTime, deleted, ...made };
}

/** Goes on with what a former run decided. */
async function laterRun(work: Work, begun: Begun): Promise<Made> {
	const { ctx, job, asked } = work;
	const { transactionTime, deleted, lists } = begun;
	const types = lists.map(({ type }) => type);
	const made = await typeByType(work, types, begun, (at, onLost) =>
		listedPieces(ctx, { folder: job.folder, at, type: types[at] as string }, asked.elements, onLost),
	);
	return { transactionTime, deleted, ...made };
}

/** What was deleted since `_since`. */
async function writeDeleted(
	{ ctx, asked, output }: Work,
	tx: Tx,
	about: Members | undefined,
	selections: readonly Selection[],
): Promise<OutputFile[]> {
	const files: OutputFile[] = [];
	for (const { type } of asked.since === undefined ? [] : selections) {
		const ids = deletedOf(ctx, asked, about, type);
		if (ids !== undefined) files.push(...(await output.write(deletedPieces(tx, type, ids))));
	}
	return files;
}

/** Writes down which versions are taken, so that another run can go on with them. */
async function writeLists(
	{ ctx, job, output }: Work,
	tx: Tx,
	selections: readonly Selection[],
	decided: Pick<Begun, 'transactionTime' | 'deleted'>,
): Promise<Begun> {
	const lists: Begun['lists'][number][] = [];
	for (const [at, selection] of selections.entries()) {
		const bytes = await output.note(listName(at), copiedPieces(ctx, tx, listOf(selection)));
		lists.push({ type: selection.type, bytes });
	}
	const begun = { ...decided, run: ctx.ids.next(), lists };
	await output.settled();
	await rememberBegun(job, begun);
	return begun;
}

/** Writes the files of each type, but for those that a former run did, and remembers it when the export can be gone on with. */
async function typeByType(
	{ job, asked, output }: Work,
	types: readonly string[],
	begun: Begun | undefined,
	pieces: (at: number, onLost: (problem: Problem) => void) => AsyncIterable<Piece>,
): Promise<Pick<Made, 'output' | 'lost'>> {
	const told = createTeller(job);
	const made: { type: string; files: readonly OutputFile[] }[] = [];
	const lost: Issue[] = [...asked.notes];
	const write = async (type: string, at: number): Promise<Done> => {
		const missing: Issue[] = [];
		const found = pieces(at, (problem) => missing.push(...lostIssues(type, problem)));
		const done = { files: await output.write(told(`${at} of ${types.length} types`, found)), lost: missing };
		if (begun !== undefined) {
			await output.settled();
			await rememberDone(job, begun, type, done);
		}
		return done;
	};
	for (const [at, type] of types.entries()) {
		const done = (begun === undefined ? undefined : doneOf(job, begun, type)) ?? (await write(type, at));
		made.push({ type, files: done.files });
		lost.push(...done.lost);
	}
	return { output: made, lost };
}

async function manifestOf({ ctx, job, asked, output }: Work, { transactionTime, output: made, deleted, lost }: Made): Promise<Manifest> {
	const list = (type: string | undefined, files: readonly OutputFile[]): Listed[] =>
		files.map(({ number, count, bytes }) => ({
			...(type === undefined ? {} : { type }),
			url: `${ctx.fhir.base}/Binary/${jobFileId(job.id, number, bytes)}`,
			count,
		}));
	return {
		transactionTime,
		request: asked.request,
		requiresAccessToken: true,
		...(asked.byPatient ? { outputOrganizedBy: 'Patient' } : {}),
		output: made.flatMap(({ type, files }) => list(type, files)),
		deleted: list('Bundle', deleted),
		error: list('OperationOutcome', await output.write(outcomes(lost))),
	};
}

async function withProvenance(ctx: FhirCtx, tx: Tx, asked: Asked, selections: readonly Selection[]): Promise<readonly Selection[]> {
	if (asked.provenance === undefined) return selections;
	const provenance = await provenanceOf(ctx, tx, asked.provenance, selections);
	return provenance === undefined ? selections : [...selections, provenance];
}

/**
 * The moment that is exported: a write with an earlier time is in the export, or was not committed when the oldest transaction under way
 * began. Put back that far, the moment does as the next `_since` without losing what was under way.
 */
async function momentOf({ clock }: FhirCtx, tx: Tx): Promise<string> {
	const now = clock.now().getTime();
	const [row] = await tx.rows(
		raw(`SELECT max(extract(epoch FROM clock_timestamp() - xact_start) * 1000)::float8 FROM pg_stat_activity
			WHERE datname = current_database() AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()`),
	);
	const oldest = row?.[0] as number | null;
	return new Date(now - (oldest === null ? quietMs : oldest + busyMs)).toISOString();
}

/** How long before its transaction begins a write may have taken its time, when nothing is under way and when something is. */
const quietMs = 50;
const busyMs = 1000;

/** Tells the client how far the job is. */
function createTeller(job: JobRun): (where: string, pieces: AsyncIterable<Piece>) => AsyncGenerator<Piece> {
	let total = 0;
	return async function* (where, pieces) {
		for await (const piece of pieces) {
			total += piece.lines;
			job.progress(`${where}, ${total} resources`);
			yield piece;
		}
	};
}

function lostIssues(type: string, problem: Problem): Issue[] {
	return issuesOf(problem).map((issue) => ({ ...issue, path: type }));
}

async function* outcomes(issues: readonly Issue[]): AsyncGenerator<Piece> {
	for (const issue of issues) yield { bytes: Buffer.from(`${JSON.stringify(outcomeOf([issue]))}\n`), lines: 1 };
}
