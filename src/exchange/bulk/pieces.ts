// The lines of an export, from the database: bodies as they are stored by COPY, never parsed; and, where something has to be done to each,
// page by page from a cursor.
import Cursor from 'pg-cursor';
import { Problem } from '#base/problem.ts';
import type { LineCopier } from '#db/copy-out.ts';
import { type Tx, translate } from '#db/database.ts';
import { inlined } from '#db/inline.ts';
import { join, raw, type Sql, sql } from '#db/sql.ts';
import { restoreBody } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Hit } from '#fhir/search/bundle.ts';
import { table } from '#fhir/search/params/row.ts';
import { summarise } from '#fhir/search/summary.ts';
import { bodiesByPatient, bodiesOf, listedPages } from './list.ts';
import type { Piece } from './output.ts';
import { hasMembers, type Members, rowsByMember, type Selection } from './select.ts';

/** Rows that are changed at once. */
const pageRows = 200;
/** Patients whose rows are fetched together. */
const patientsAtOnce = 50;

/** Told of a resource that cannot be given. */
export type OnLost = (problem: Problem) => void;

/** A transaction, and how bodies are copied out of it. */
export type Source = { readonly tx: Tx; readonly copier: LineCopier };

/** The resources of a selection: their bodies as they are, by COPY, where nothing has to be done to each. */
export function piecesOf(
	ctx: FhirCtx,
	source: Source,
	selection: Selection,
	elements: readonly string[],
	onLost: OnLost,
): AsyncIterable<Piece> {
	return selection.type === 'Binary' || elements.length > 0
		? changedPieces(ctx, source.tx, selection, elements, onLost)
		: copiedPieces(source, sql`SELECT r.body FROM ${table(selection.type)} r WHERE ${selection.where}`);
}

/** The texts that a statement gives, as they are: COPY takes no parameters, so that the values stand in its text. */
export function copiedPieces({ copier }: Source, statement: Sql): AsyncIterable<Piece> {
	return copier.lines(inlined(statement));
}

async function* changedPieces(
	ctx: FhirCtx,
	tx: Tx,
	{ type, where }: Selection,
	elements: readonly string[],
	onLost: OnLost,
): AsyncGenerator<Piece> {
	const statement = sql`SELECT r.id, r.body FROM ${table(type)} r WHERE ${where}`;
	for await (const rows of pagesOf(tx, statement, rowsAtOnce(type))) {
		const hits = rows.map(([id, body]) => ({ type, id: id as string, body: body as string }));
		yield* shownPieces(ctx, type, hits, elements, onLost);
	}
}

/** The resources of the list at this place, which a former run has written (list.ts). */
export async function* listedPieces(
	ctx: FhirCtx,
	{ folder, at, type }: { readonly folder: string; readonly at: number; readonly type: string },
	elements: readonly string[],
	onLost: OnLost,
): AsyncGenerator<Piece> {
	const pages = listedPages(folder, at, rowsAtOnce(type));
	if (type !== '') {
		for await (const page of pages) yield* shownPieces(ctx, type, await bodiesOf(ctx, type, page), elements, onLost);
		return;
	}
	const blocks = createBlocks(ctx, elements);
	for await (const page of pages) yield blocks.next(await bodiesByPatient(ctx, page));
}

function rowsAtOnce(type: string): number {
	return type === 'Binary' ? 20 : pageRows;
}

async function* shownPieces(
	ctx: FhirCtx,
	type: string,
	hits: readonly Hit[],
	elements: readonly string[],
	onLost: OnLost,
): AsyncGenerator<Piece> {
	const shown = summarise(ctx.fhir, { summary: 'false', elements }, hits);
	// The data of one Binary may be large.
	if (type === 'Binary') for (const one of shown) yield await pieceOf(ctx, [one], onLost);
	else yield await pieceOf(ctx, shown, onLost);
}

async function pieceOf(ctx: FhirCtx, hits: readonly { type: string; body: string }[], onLost: OnLost): Promise<Piece> {
	const lines: string[] = [];
	for (const hit of hits) {
		try {
			lines.push(`${await restoreBody(ctx.fhir, hit)}\n`);
		} catch (error) {
			if (!(error instanceof Problem) || (error.code !== 'blob-missing' && error.code !== 'blob-damaged')) throw error;
			onLost(error);
		}
	}
	return { bytes: Buffer.from(lines.join('')), lines: lines.length };
}

/**
 * Blocks of a header, the patient, and everything that belongs to the patient; `count` counts resources, not headers.
 * https://build.fhir.org/ig/HL7/bulk-data/export.html#bulk-data-output-file-organization
 */
export async function* patientPieces(
	ctx: FhirCtx,
	tx: Tx,
	about: Members,
	selections: readonly Selection[],
	elements: readonly string[],
): AsyncGenerator<Piece> {
	const blocks = createBlocks(ctx, elements);
	for (const statement of byPatient(ctx, about, selections, sql`m.id, a.type, a.body`))
		for await (const rows of pagesOf(tx, statement, pageRows))
			yield blocks.next(rows.map(([patient, type, body]) => ({ patient: patient as string, type: type as string, body: body as string })));
}

/** The versions of patientPieces, in the same order. */
export async function* patientList(ctx: FhirCtx, source: Source, about: Members, selections: readonly Selection[]): AsyncGenerator<Piece> {
	const line = sql`a.id || ' ' || a.ver || ' ' || a.type || ' ' || m.id`;
	for (const statement of byPatient(ctx, about, selections, line)) yield* copiedPieces(source, statement);
}

/** Statements for some patients each: what is wanted of every resource that belongs to them, in the order of the output. */
function* byPatient(ctx: FhirCtx, about: Members, selections: readonly Selection[], wanted: Sql): Generator<Sql> {
	const ordered = selections.filter(({ type }) => hasMembers(ctx, type)).toSorted((a, b) => rank(a.type) - rank(b.type));
	const sources = ordered.map(({ type, where }) => ({ type, where, rows: rowsByMember(ctx, type) }));
	if (sources.length === 0) return;
	for (let first = 1; first <= about.count; first += patientsAtOnce) {
		const parts = sources.map(
			({ type, where, rows }, order) =>
				sql`SELECT m.n, ${raw(`'${type}'`)} AS type, ${raw(String(order))} AS place, r.id, r.ver, r.body FROM (${rows(first, first + patientsAtOnce - 1)}) m JOIN ${table(type)} r ON r.rid = m.rid WHERE ${where}`,
		);
		yield sql`SELECT ${wanted} FROM (${join(parts, ' UNION ALL ')}) a JOIN pg_temp.bulk_member m ON m.n = a.n ORDER BY a.n, a.place`;
	}
}

type OfPatient = { readonly patient: string; readonly type: string; readonly body: string };

/** Puts a header before each patient's resources, which come one after the other. */
function createBlocks(ctx: FhirCtx, elements: readonly string[]): { next(hits: readonly OfPatient[]): Piece } {
	let at = '';
	return {
		next(hits) {
			let text = '';
			for (const { patient, type, body } of hits) {
				if (patient !== at) text += headerLine(patient);
				at = patient;
				for (const shown of summarise(ctx.fhir, { summary: 'false', elements }, [{ type, id: patient, body }])) text += `${shown.body}\n`;
			}
			return { bytes: Buffer.from(text), lines: hits.length };
		},
	};
}

function rank(type: string): number {
	return type === 'Patient' ? 0 : 1;
}

function headerLine(patient: string): string {
	const parameter = [{ name: 'header', valueReference: { reference: `Patient/${patient}` } }];
	return `${JSON.stringify({ resourceType: 'Parameters', parameter })}\n`;
}

/** Entries of one Bundle. */
const bundleEntries = 1000;

/** Bundles that say what was deleted, https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---complete-status */
export async function* deletedPieces(tx: Tx, type: string, ids: Sql): AsyncGenerator<Piece> {
	for await (const rows of pagesOf(tx, ids, bundleEntries)) {
		const entry = rows.map(([id]) => ({ request: { method: 'DELETE', url: `${type}/${id}` } }));
		yield { bytes: Buffer.from(`${JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry })}\n`), lines: 1 };
	}
}

/** Rows as arrays, a page at a time. */
async function* pagesOf(tx: Tx, statement: Sql, size: number): AsyncGenerator<unknown[][]> {
	const { text, values } = statement.compile();
	const cursor = tx.client.query(new Cursor<unknown[]>(text, values, { rowMode: 'array' }));
	try {
		for (;;) {
			const rows = await cursor.read(size);
			if (rows.length === 0) return;
			yield rows;
		}
	} catch (error) {
		throw translate(error);
	} finally {
		await cursor.close();
	}
}
