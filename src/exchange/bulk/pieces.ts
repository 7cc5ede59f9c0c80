// The lines of an export, from the database: bodies as they are stored by COPY, never parsed; and, where something has to be done to each,
// page by page from a cursor.
import type { Readable } from 'node:stream';
import Cursor from 'pg-cursor';
import { Problem } from '#base/problem.ts';
import { CopyOut } from '#db/copy-out.ts';
import { type Tx, translate } from '#db/database.ts';
import { inlined } from '#db/inline.ts';
import { join, raw, type Sql, sql } from '#db/sql.ts';
import { linesOfCopy } from '#exchange/export/copy.ts';
import { restoreBody } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Hit } from '#fhir/search/bundle.ts';
import { table } from '#fhir/search/params/row.ts';
import { summarise } from '#fhir/search/summary.ts';
import { listedRows } from './list.ts';
import type { Piece } from './output.ts';
import { hasMembers, type Members, rowsByMember, type Selection } from './select.ts';

/** Rows that are changed at once. */
const pageRows = 200;
/** Patients whose rows are fetched together. */
const patientsAtOnce = 50;

/** Told of a resource that cannot be given. */
export type OnLost = (problem: Problem) => void;

/** The resources of a selection. */
export function piecesOf(ctx: FhirCtx, tx: Tx, selection: Selection, elements: readonly string[], onLost: OnLost): AsyncIterable<Piece> {
	return selection.type === 'Binary' || elements.length > 0
		? changedPieces(ctx, tx, selection, elements, onLost)
		: copiedPieces(ctx, tx, sql`SELECT r.body FROM ${table(selection.type)} r WHERE ${selection.where}`);
}

/** The texts that a statement gives, as they are, by COPY: it takes no parameters, so that the values stand in its text. */
export async function* copiedPieces(ctx: FhirCtx, tx: Tx, statement: Sql): AsyncGenerator<Piece> {
	const text = inlined(sql`COPY (${statement}) TO STDOUT (FORMAT binary)`);
	const stream = tx.client.query(new CopyOut(text));
	let isOver = false;
	let lines = 0;
	const count = (more: number): void => {
		lines += more;
	};
	try {
		for await (const bytes of linesOfCopy(stream.iterator({ destroyOnReturn: false }), count)) {
			yield { bytes, lines };
			lines = 0;
		}
		isOver = true;
	} catch (error) {
		isOver = true;
		throw translate(error);
	} finally {
		if (!isOver) await breakOff(ctx, tx, stream);
	}
}

/** Ends a COPY in the middle: the connection is of use again only when PostgreSQL has stopped and all that it sent is read. */
async function breakOff({ db }: FhirCtx, { client }: Tx, stream: Readable): Promise<void> {
	const { processID } = client as { processID?: number };
	const ended = new Promise<void>((resolve) => {
		for (const event of ['end', 'error', 'close']) stream.once(event, () => resolve());
	});
	if (processID !== undefined) await db.execute(sql`SELECT pg_cancel_backend(${processID})`);
	stream.resume();
	await ended;
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
	for await (const hits of listedRows(ctx, folder, at, type, rowsAtOnce(type))) yield* shownPieces(ctx, type, hits, elements, onLost);
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
	const ordered = selections.filter(({ type }) => hasMembers(ctx, type)).toSorted((a, b) => rank(a.type) - rank(b.type));
	const sources = ordered.map(({ type, where }) => ({ type, where, rows: rowsByMember(ctx, type) }));
	for (let first = 1; first <= about.count; first += patientsAtOnce) {
		const parts = sources.map(({ type, where, rows }, order) => {
			const chosen = sql`SELECT m.n, ${raw(`'${type}'`)} AS type, ${raw(String(order))} AS place, r.body FROM (${rows(first, first + patientsAtOnce - 1)}) m JOIN ${table(type)} r ON r.rid = m.rid WHERE ${where}`;
			return chosen;
		});
		if (parts.length === 0) return;
		const statement = sql`SELECT m.id, a.type, a.body FROM (${join(parts, ' UNION ALL ')}) a JOIN pg_temp.bulk_member m ON m.n = a.n ORDER BY a.n, a.place`;
		let at = '';
		for await (const rows of pagesOf(tx, statement, pageRows)) {
			let text = '';
			const types = rows.map(([id, type, body]) => ({ type: type as string, id: id as string, body: body as string }));
			const shown = types.flatMap((hit) => summarise(ctx.fhir, { summary: 'false', elements }, [hit]));
			for (const { id, body } of shown) {
				if (id !== at) text += headerLine(id);
				at = id;
				text += `${body}\n`;
			}
			yield { bytes: Buffer.from(text), lines: rows.length };
		}
	}
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
