// An export as a job: one transaction sees one moment of the record and writes it into files, then the manifest. One that takes a while writes
// down which versions it takes, so that a run that follows one that was cut short goes on with them; a shorter one begins again, at a moment of
// its own.
import type { Issue, Problem } from '#base/problem.ts';
import { createLineCopier } from '#db/copy-out.ts';
import type { Tx } from '#db/database.ts';
import { raw } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { jobFileId } from '#fhir/jobs/job-file.ts';
import type { JobResult, JobRun } from '#fhir/jobs/jobs.ts';
import { issuesOf, outcomeOf } from '#fhir/outcome.ts';
import type { Asked } from './asked.ts';
import { noteBulk } from './audit.ts';
import { type Begun, begunOf, type Done, doneOf, filesOf } from './begun.ts';
import { listOf } from './list.ts';
import { continuedMemory, createMemory, type Memory, type Part } from './memory.ts';
import { createOutput, type Output, type OutputFile, type Piece } from './output.ts';
import { createPace } from './pace.ts';
import { copiedPieces, deletedPieces, listedPieces, type OnLost, patientList, patientPieces, piecesOf, type Source } from './pieces.ts';
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
	/** An export that has taken so long can be gone on with when it is cut short; a shorter one begins again. */
	readonly listAfterMs?: number;
};

/** What may be done again. */
const usualListAfterMs = 10_000;

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
	/** With an empty type: files of several. */
	readonly output: readonly { readonly type: string; readonly files: readonly OutputFile[] }[];
	readonly deleted: readonly OutputFile[];
	readonly lost: readonly Issue[];
};

type Work = { readonly ctx: FhirCtx; readonly job: JobRun; readonly asked: Asked; readonly output: Output };

/** A part and its lines. */
type WrittenPart = { readonly type: string; readonly pieces: (onLost: OnLost) => AsyncIterable<Piece>; readonly done?: Done | undefined };

/** Runs an export; the result is its manifest (https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---complete-status). */
export async function runExport(ctx: FhirCtx, job: JobRun, settings: ExportSettings): Promise<JobResult> {
	const { keepMs, fileBytes: largest, served, listAfterMs = usualListAfterMs } = settings;
	const asked = JSON.parse(job.input) as Asked;
	const begun = await begunOf(job);
	const kept = begun === undefined ? undefined : filesOf(job, begun);
	const output = await createOutput(job.folder, createPace(served, job.signal), job.signal, { largest, kept });
	// Whatever hangs on the time hangs on the moment that is exported.
	const moment = ctx.clock.now().getTime();
	const work = { ctx: { ...ctx, clock: { now: () => new Date(moment) } }, job, asked, output };
	const made =
		begun === undefined
			? await ctx.db.tx((tx) => firstRun(work, tx, listAfterMs), { isolation: 'repeatable read' })
			: await laterRun(work, begun);
	const manifest = await manifestOf(work, made);
	await noteBulk(ctx, 'export', `${manifest.output.reduce((sum, { count }) => sum + count, 0)} resources`);
	return { text: JSON.stringify(manifest), contentType: 'application/json', keepMs };
}

/** Decides what is taken, at one moment, and writes it. */
async function firstRun(work: Work, tx: Tx, listAfterMs: number): Promise<Made> {
	const { ctx, job, asked, output } = work;
	const source = { tx, copier: createLineCopier(ctx.db, tx.client) };
	const [[snapshot]] = (await tx.rows(raw('SELECT pg_export_snapshot()'))) as [[string]];
	const transactionTime = await momentOf(ctx, tx);
	const about = await collectMembers(ctx, tx, asked);
	const selections = await selectionsOf(ctx, tx, asked, about);
	const all = await withProvenance(ctx, tx, asked, selections);
	const deleted = await writeDeleted(work, tx, about, selections);
	const parts =
		asked.byPatient && about !== undefined
			? [partByPatient(ctx, source, about, all, asked.elements)]
			: all.map((selection) => partOfType(ctx, source, selection, asked.elements));
	const prepare = (other: Source): Promise<unknown> => collectMembers(ctx, other.tx, asked);
	const memory = createMemory({ ctx, job, output, listAfterMs, snapshot, prepare, decided: { transactionTime, deleted } }, parts);
	return { transactionTime, deleted, ...(await writeParts(work, parts, memory)) };
}

function partOfType(ctx: FhirCtx, source: Source, selection: Selection, elements: readonly string[]): WrittenPart & Part {
	return {
		type: selection.type,
		pieces: (onLost) => piecesOf(ctx, source, selection, elements, onLost),
		listed: (other) => copiedPieces(other, listOf(selection)),
	};
}

function partByPatient(
	ctx: FhirCtx,
	source: Source,
	about: Members,
	all: readonly Selection[],
	elements: readonly string[],
): WrittenPart & Part {
	return {
		type: '',
		pieces: () => patientPieces(ctx, source.tx, about, all, elements),
		listed: (other) => patientList(ctx, other, about, all),
	};
}

/** Goes on with what a former run decided. */
async function laterRun(work: Work, begun: Begun): Promise<Made> {
	const { ctx, job, asked } = work;
	const { transactionTime, deleted, types } = begun;
	const parts = types.map((taken, at) => ({
		type: taken.type,
		pieces: (onLost: OnLost) => listedPieces(ctx, { folder: job.folder, at, type: taken.type }, asked.elements, onLost),
		done: doneOf(job, begun, taken),
	}));
	return { transactionTime, deleted, ...(await writeParts(work, parts, continuedMemory(job, begun))) };
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

/** Writes the files of each part, but for those that a former run did. */
async function writeParts(
	{ job, asked, output }: Work,
	parts: readonly WrittenPart[],
	memory: Memory,
): Promise<Pick<Made, 'output' | 'lost'>> {
	const told = createTeller(job, memory);
	const made: { type: string; files: readonly OutputFile[] }[] = [];
	const lost: Issue[] = [...asked.notes];
	const write = async ({ type, pieces }: WrittenPart, at: number): Promise<Done> => {
		const missing: Issue[] = [];
		const found = pieces((problem) => missing.push(...lostIssues(type, problem)));
		const where = type === '' ? 'patient by patient' : `${at} of ${parts.length} types`;
		return { files: await output.write(told(where, found)), lost: missing };
	};
	try {
		for (const [at, part] of parts.entries()) {
			const done = part.done ?? (await write(part, at));
			made.push({ type: part.type, files: done.files });
			lost.push(...done.lost);
			if (part.done === undefined && at + 1 < parts.length) await memory.done(part.type, done);
		}
	} finally {
		await memory.end();
	}
	return { output: made, lost };
}

async function manifestOf({ ctx, job, asked, output }: Work, { transactionTime, output: made, deleted, lost }: Made): Promise<Manifest> {
	const list = (type: string, files: readonly OutputFile[]): Listed[] =>
		files.map(({ number, count, bytes }) => ({
			...(type === '' ? {} : { type }),
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

/** Tells the client how far the job is, and the memory that it goes on. */
function createTeller(job: JobRun, memory: Memory): (where: string, pieces: AsyncIterable<Piece>) => AsyncGenerator<Piece> {
	let total = 0;
	return async function* (where, pieces) {
		memory.look();
		for await (const piece of pieces) {
			memory.look();
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
