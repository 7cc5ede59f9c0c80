// Reads the matches of one page, with the total when it is wanted: one statement, one round trip.
import { createHash } from 'node:crypto';
import type { Querier, Statement } from '#db/database.ts';
import { type Sql, sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Hit } from './bundle.ts';
import { drive } from './driver.ts';
import { type Place, readPlace } from './page.ts';
import type { Row } from './params/row.ts';
import { badPage } from './problems.ts';
import type { Clause, SearchQuery } from './query.ts';
import { byDate, isPlainOrder, orderOf } from './sort.ts';
import { countStatement, pageStatement, type Source } from './statement.ts';
import { estimateTotal } from './total.ts';

export type Matches = {
	readonly hits: readonly Hit[];
	readonly total: number | undefined;
	/** Where the next and the previous page begin, when there is one. */
	readonly next: Place | undefined;
	readonly previous: Place | undefined;
};

export type Wanted = { readonly type: string; readonly clause: Clause };

/** The matches of the page that the query asks for. Throws Problem invalid `search-page-invalid` for a bad page token. */
export async function readMatches(ctx: FhirCtx, db: Querier, query: SearchQuery, wanted: readonly Wanted[]): Promise<Matches> {
	const sources = wanted.map((one) => sourceOf(ctx, query, one, wanted.length > 1));
	if (query.summary === 'count' || query.count === 0) {
		const total = query.total === 'estimate' ? await estimateTotal(db, sources) : await countAll(db, sources);
		return { hits: [], total, next: undefined, previous: undefined };
	}
	const columns = (sources[0] as Source).order.length;
	const place = readPlace(query, columns);
	const page = pageStatement(sources, query.sort.length === 0 || isPlain(sources, query), place, query.count + 1);
	const counted = query.total === 'accurate';
	const rows = await run(
		db,
		query,
		counted ? sql`SELECT p.*, (${countStatement(sources)}) FROM (${page}) p` : page,
		nameable(query, sources, counted),
	);
	const several = sources.length > 1;
	const more = rows.length > query.count;
	if (more) rows.pop();
	if (place?.direction === 'previous') rows.reverse();
	const type = (row: unknown[]): string => (several ? (row[3 + columns] as string) : (wanted[0] as Wanted).type);
	return {
		hits: rows.map((row) => ({ type: type(row), id: row[0] as string, body: row[1] as string })),
		total: await totalOf(db, query, sources, rows, more, place),
		...placesOf(rows, columns, more, place),
	};
}

function sourceOf(ctx: FhirCtx, query: SearchQuery, { type, clause }: Wanted, several: boolean): Source {
	const row: Row = { fhir: ctx.fhir, now: ctx.clock.now().getTime(), type, alias: 'r', mode: 'index', aliases: { next: 0 } };
	const driven = drive(row, clause);
	if (query.sort.length > 0) return { row, driven, order: orderOf(row, query.sort) };
	const dated = !several && (driven.by === 'patient' || driven.by === 'code');
	return { row, driven, order: dated ? [byDate(row, true)] : [] };
}

function isPlain(sources: readonly Source[], query: SearchQuery): boolean {
	return sources.every(({ row }) => isPlainOrder(row, query.sort));
}

const usualCounts: ReadonlySet<number> = new Set([1, 2, 5, 10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 250, 500, 1000]);

/** Only a statement that a btree drives and whose text comes again and again is prepared. */
function nameable(query: SearchQuery, sources: readonly Source[], counted: boolean): boolean {
	return !counted && sources.length === 1 && (sources[0] as Source).driven.stable && usualCounts.has(query.count);
}

async function run(db: Querier, query: SearchQuery, statement: Sql, named: boolean): Promise<unknown[][]> {
	let ready: Statement = statement;
	if (named) {
		const { text, values } = statement.compile();
		ready = { name: createHash('sha1').update(text).digest('base64url'), text, values };
	}
	try {
		return await db.rows(ready);
	} catch (error) {
		if (query.page !== undefined && /^22/.test((error as { code?: string }).code ?? '')) throw badPage();
		throw error;
	}
}

async function countAll(db: Querier, sources: readonly Source[]): Promise<number> {
	const rows = await db.rows(countStatement(sources));
	return Number(rows[0]?.[0] ?? 0);
}

/** The total as asked for; unasked only when the page shows it anyway. */
async function totalOf(
	db: Querier,
	query: SearchQuery,
	sources: readonly Source[],
	rows: unknown[][],
	more: boolean,
	place: Place | undefined,
): Promise<number | undefined> {
	if (query.total === 'none') return undefined;
	if (place === undefined && !more) return rows.length;
	if (query.total === 'accurate') return rows[0] === undefined ? countAll(db, sources) : Number(rows[0].at(-1));
	return query.total === 'estimate' ? estimateTotal(db, sources) : undefined;
}

function placesOf(rows: unknown[][], columns: number, more: boolean, place: Place | undefined): Pick<Matches, 'next' | 'previous'> {
	const at = (row: unknown[] | undefined, direction: Place['direction']): Place | undefined =>
		row === undefined ? undefined : { direction, rid: Number(row[2]), values: row.slice(3, 3 + columns) as (string | null)[] };
	const backwards = place?.direction === 'previous';
	return {
		next: backwards || more ? at(rows.at(-1), 'next') : undefined,
		previous: (backwards ? more : place !== undefined) ? at(rows[0], 'previous') : undefined,
	};
}
