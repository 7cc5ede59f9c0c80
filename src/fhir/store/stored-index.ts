// What the database holds of rows' indexes, and how that differs from what the extractor gives for their bodies now. Shared by the deep
// check, which reports differences, and by reindexing, which mends them.

import { int2sOf, int8sOf, textsOf } from '#db/arrays.ts';
import type { Querier } from '#db/database.ts';
import type { Definitions } from '#fhir/definitions/definitions.ts';
import type { Resource } from '#fhir/resource.ts';
import { refKey } from './keys.ts';
import { type Extract, type IndexRow, type Key, type TokenText, typeNumber } from './layout.ts';
import { milliseconds, tableOf } from './statements.ts';

/** A current row as it lies there, with its entries in the side tables in a fixed order. */
export type StoredRow = {
	readonly rid: number;
	readonly id: string;
	readonly version: number;
	readonly updated: number;
	readonly rk: Key;
	readonly body: string;
	readonly columns: readonly (string | number | null)[];
	readonly keys: readonly Key[];
	readonly strings: readonly string[];
	readonly ranges: readonly string[];
};

export type RowsAsked = {
	readonly type: string;
	readonly after: number;
	readonly until: number;
	readonly limit: number;
	/** Holds the rows until the transaction ends. */
	readonly lock: boolean;
};

/** The next rows in the order of their ids, read as they were at one moment. */
export async function readStoredRows(db: Querier, { type, after, until, limit, lock }: RowsAsked): Promise<StoredRow[]> {
	const rows = await db.rows({
		text: `SELECT r.rid, r.id, r.ver, ${milliseconds('r.lu')}, r.rk::text, r.body, r.pat::text, ${milliseconds('r.d')}, ${milliseconds('r.dh')},
			r.code::text, r.qv, r.qc, r.qk::text, r.has::text, r.keys::text[], s.strings, g.p, g.k, g.lo, g.hi FROM ${tableOf(type)} r
			CROSS JOIN LATERAL (SELECT array_agg(s.p || ' ' || s.v) AS strings FROM ${tableOf(type, '_string')} s WHERE s.rid = r.rid) s
			CROSS JOIN LATERAL (SELECT array_agg(g.p) AS p, array_agg(COALESCE(g.k::text, '')) AS k, array_agg(g.lo) AS lo, array_agg(g.hi) AS hi
				FROM ${tableOf(type, '_range')} g WHERE g.rid = r.rid) g
			WHERE r.rid > $1 AND r.rid <= $2 ORDER BY r.rid LIMIT $3${lock ? ' FOR NO KEY UPDATE OF r' : ''}`,
		values: [after, until, limit],
	});
	return rows.map(([rid, id, version, updated, rk, body, ...index]) => ({
		rid: Number(rid),
		id: id as string,
		version: Number(version),
		updated: Number(updated),
		rk: rk as Key,
		body: body as string,
		columns: index.slice(0, 8) as (string | number | null)[],
		keys: index[8] as Key[],
		strings: ((index[9] ?? []) as string[]).toSorted(),
		ranges: rangesOf(index.slice(10) as (number[] | string[] | null)[]).toSorted(),
	}));
}

function rangesOf([p, k, lo, hi]: readonly (readonly (number | string)[] | null)[]): string[] {
	return (p ?? []).map((number, i) => `${number} ${k?.[i]} ${lo?.[i]} ${hi?.[i]}`);
}

/** The last row id of a type, 0 for none. */
export async function lastRid(db: Querier, type: string): Promise<number> {
	const [row] = await db.rows({ text: `SELECT COALESCE(max(rid), 0) FROM ${tableOf(type)}` });
	return Number(row?.[0] ?? 0);
}

/** The index row that a stored body should have; undefined when the body is no JSON. */
export function expectedIndex(body: string, extract: Extract): IndexRow | undefined {
	try {
		return extract(JSON.parse(body) as Resource);
	} catch {
		return undefined;
	}
}

const columnNames = ['pat', 'd', 'dh', 'code', 'qv', 'qc', 'qk', 'has'] as const;

/** Names of what is not as it should be. */
export function differences(type: string, row: StoredRow, index: IndexRow): string[] {
	const wrong: string[] = columnNames.filter((name, i) => !same(index[name], row.columns[i] ?? null));
	if (row.rk !== refKey(`${type}/${row.id}`)) wrong.push('rk');
	if (!sameTexts(row.keys.toSorted(), index.keys.toSorted())) wrong.push('keys');
	// Half a character is not one in UTF-8.
	if (!sameTexts(row.strings, index.strings.map(({ p, v }) => `${p} ${v.toWellFormed()}`).toSorted())) wrong.push('strings');
	if (!sameTexts(row.ranges, index.ranges.map(({ p, k, lo, hi }) => `${p} ${k ?? ''} ${lo} ${hi}`).toSorted())) wrong.push('ranges');
	return wrong;
}

function same(expected: Key | number | null, held: string | number | null): boolean {
	return typeof expected === 'number' && held !== null ? expected === Number(held) : expected === held;
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
	return a.length === b.length && a.every((text, i) => text === b[i]);
}

/** Which of the rows have other words for full-text search than these. */
export async function wrongWords(db: Querier, rows: readonly { readonly rid: number; readonly words: string | null }[]): Promise<number[]> {
	const found = await db.rows({
		text: `SELECT u.rid FROM unnest($1::int8[], $2::text[]) AS u(rid, v) LEFT JOIN fhir.words w ON w.rid = u.rid
			WHERE w.v IS DISTINCT FROM NULLIF(u.v, '')::tsvector`,
		values: [int8sOf(rows, ({ rid }) => rid), textsOf(rows, ({ words }) => words ?? '')],
	});
	return found.map(([rid]) => Number(rid));
}

/** Which of the texts are not among those that tokens are found by. */
export async function missingTexts(
	db: Querier,
	definitions: Definitions,
	type: string,
	wanted: readonly TokenText[],
): Promise<ReadonlySet<Key>> {
	const rows = await db.rows({
		text: `SELECT u.k::text FROM unnest($2::int2[], $3::int8[]) AS u(p, k)
			WHERE NOT EXISTS (SELECT 1 FROM fhir.token_text t WHERE t.type = $1 AND t.p = u.p AND t.k = u.k)`,
		values: [typeNumber(definitions, type), int2sOf(wanted, ({ p }) => p), int8sOf(wanted, ({ k }) => k)],
	});
	return new Set(rows.map(([k]) => k as Key));
}
