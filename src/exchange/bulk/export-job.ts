// An export as a job: one transaction sees one moment of the record and writes it into files, then the manifest. A run that is cut short
// leaves nothing that counts: the next one begins again, at a moment of its own.
import type { Issue, Problem } from '#base/problem.ts';
import type { Tx } from '#db/database.ts';
import { raw } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { jobFileId } from '#fhir/jobs/job-file.ts';
import type { JobResult, JobRun } from '#fhir/jobs/jobs.ts';
import { issuesOf, outcomeOf } from '#fhir/outcome.ts';
import type { Asked } from './asked.ts';
import { noteBulk } from './audit.ts';
import { createOutput, type Output, type OutputFile, type Piece } from './output.ts';
import { createPace } from './pace.ts';
import { deletedPieces, patientPieces, piecesOf } from './pieces.ts';
import { collectMembers, deletedOf, provenanceOf, type Selection, selectionsOf } from './select.ts';

/** The kind of job. */
export const exportKind = 'bulk-export';

export type ExportSettings = {
	/** How long files are kept. */
	readonly keepMs: number;
	/** Requests that this process has answered so far: an export gives way to them. */
	readonly served: () => number;
	/** A file is ended when it has so many bytes; tests make it small. */
	readonly fileBytes?: number;
};

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

/** Runs an export; the result is its manifest (https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---complete-status). */
export async function runExport(ctx: FhirCtx, job: JobRun, { keepMs, fileBytes, served }: ExportSettings): Promise<JobResult> {
	const asked = JSON.parse(job.input) as Asked;
	const output = await createOutput(job.folder, createPace(served, job.signal), job.signal, fileBytes);
	const manifest = await ctx.db.tx((tx) => exportWithin(ctx, tx, job, asked, output), { isolation: 'repeatable read' });
	await noteBulk(ctx, 'export', `${manifest.output.reduce((sum, { count }) => sum + count, 0)} resources`);
	return { text: JSON.stringify(manifest), contentType: 'application/json', keepMs };
}

async function exportWithin(ctx: FhirCtx, tx: Tx, job: JobRun, asked: Asked, output: Output): Promise<Manifest> {
	const transactionTime = await momentOf(ctx, tx);
	const about = await collectMembers(ctx, tx, asked);
	const selections = await selectionsOf(ctx, tx, asked, about);
	const lost: Issue[] = [...asked.notes];
	const list = (type: string | undefined, files: readonly OutputFile[]): Listed[] =>
		files.map(({ number, count, bytes }) => ({
			...(type === undefined ? {} : { type }),
			url: `${ctx.fhir.base}/Binary/${jobFileId(job.id, number, bytes)}`,
			count,
		}));
	const told = createTeller(job);
	const listed: Listed[] = [];
	if (asked.byPatient && about !== undefined) {
		const pieces = patientPieces(ctx, tx, about, await withProvenance(ctx, tx, asked, selections), asked.elements);
		listed.push(...list(undefined, await output.write(told('patient by patient', pieces))));
	} else {
		const all = await withProvenance(ctx, tx, asked, selections);
		for (const [at, selection] of all.entries()) {
			const pieces = piecesOf(ctx, tx, selection, asked.elements, (problem) => lost.push(...lostIssues(selection, problem)));
			listed.push(...list(selection.type, await output.write(told(`${at} of ${all.length} types`, pieces))));
		}
	}
	const deleted: Listed[] = [];
	for (const { type } of asked.since === undefined ? [] : selections) {
		const ids = deletedOf(ctx, asked, about, type);
		if (ids !== undefined) deleted.push(...list('Bundle', await output.write(deletedPieces(tx, type, ids))));
	}
	return {
		transactionTime,
		request: asked.request,
		requiresAccessToken: true,
		...(asked.byPatient ? { outputOrganizedBy: 'Patient' } : {}),
		output: listed,
		deleted,
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

function lostIssues({ type }: Selection, problem: Problem): Issue[] {
	return issuesOf(problem).map((issue) => ({ ...issue, path: type }));
}

async function* outcomes(issues: readonly Issue[]): AsyncGenerator<Piece> {
	for (const issue of issues) yield { bytes: Buffer.from(`${JSON.stringify(outcomeOf([issue]))}\n`), lines: 1 };
}
