// Reads the matches of one page, with the total when it is wanted.
import { hash } from 'node:crypto';
import type { Querier, Statement } from '#db/database.ts';
import type { Sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Hit } from './bundle.ts';
import { resolve } from './chain.ts';
import { conditionOf } from './compile.ts';
import { chanceOf, spreadOf } from './frequency.ts';
import type { Order } from './keyset.ts';
import { type Lead, leadOf, orderOfLead } from './lead.ts';
import { type Place, readPlace } from './page.ts';
import { patientKeysOf } from './params/reference.ts';
import { allOf, type Row, rowOf } from './params/row.ts';
import { badPage } from './problems.ts';
import { type Clause, isNever, type SearchQuery } from './query.ts';
import { orderOf } from './sort.ts';
import { countStatement, cutStatement, gatherStatement, merged, textsStatement, walkParts, walkStatement } from './statement.ts';
import { lookRare, textsOf, widestWindow } from './texts.ts';
import { estimateTotal } from './total.ts';
import { type Walk, walkOf } from './walk.ts';

export type Matches = {
	readonly hits: readonly Hit[];
	readonly total: number | undefined;
	/** Where the next and the previous page begin, when there is one. */
	readonly next: Place | undefined;
	readonly previous: Place | undefined;
	/** Where a page would begin after match number i of this one. */
	readonly after: (i: number) => Place;
};

/** A type with what its resources have to meet. */
export type Wanted = { readonly type: string; readonly clause: Clause };

/** The same made ready to be read: the parts of the conjunction with everything looked up, and the order of the matches. */
export type Source = { readonly row: Row; readonly parts: readonly Clause[]; readonly lead: Lead; readonly order: Order };

/** The matches of the page that the query asks for. Throws Problem invalid `search-page-invalid` for a bad page token. */
export async function readMatches(
	ctx: FhirCtx,
	db: Querier,
	query: SearchQuery,
	wanted: readonly Wanted[],
	budget?: number,
): Promise<Matches> {
	const sources: Source[] = [];
	const leads = commonLeads(wanted);
	for (const [i, one] of wanted.entries()) {
		const source = await sourceOf(ctx, db, query, one, leads[i] as Lead);
		if (!source.parts.some(isNever)) sources.push(source);
	}
	const [first] = sources;
	if (first === undefined) return { hits: [], total: query.total === 'none' ? undefined : 0, ...nowhere };
	if (query.summary === 'count' || query.count === 0) {
		return { hits: [], total: await countOf(db, query, sources), ...nowhere };
	}
	const columns = first.order.length;
	const place = readPlace(query, columns);
	const rows = await readRows(db, query, sources, place, wanted.length > 1, budget);
	const more = rows.length > query.count;
	if (more) rows.pop();
	if (place?.direction === 'previous') rows.reverse();
	const type = (row: unknown[]): string => (wanted.length > 1 ? (row[3 + columns] as string) : first.row.type);
	return {
		hits: rows.map((row) => ({ type: type(row), id: row[0] as string, body: row[1] as string, rid: Number(row[2]) })),
		total: await totalOf(db, query, sources, rows.length, more || place !== undefined),
		...placesOf(rows, columns, more, place),
	};
}

/** What leads each type; several types are led alike, since their matches come in one order. */
function commonLeads(wanted: readonly Wanted[]): Lead[] {
	const leads = wanted.map(({ clause }) => leadOf(flatten(clause)));
	const [first] = leads;
	const alike = leads.length === 1 || ((first?.by === 'patient' || first?.by === 'updated') && leads.every(({ by }) => by === first.by));
	return alike ? leads : leads.map(() => ({ by: 'none' }));
}

async function sourceOf(ctx: FhirCtx, db: Querier, query: SearchQuery, { type, clause }: Wanted, lead: Lead): Promise<Source> {
	const parts: Clause[] = [];
	for (const part of flatten(clause)) parts.push(await resolve(ctx, db, type, part));
	const row = { ...rowOf(ctx, type, 'filter'), ...patientsOf(parts, lead) };
	return { row, parts, lead, order: query.sort.length > 0 ? orderOf(row, query.sort) : orderOfLead(row, lead) };
}

/** The only patients whose rows can match, when a patient leads. */
function patientsOf(parts: readonly Clause[], lead: Lead): { patients?: readonly string[] } {
	const found = lead.by === 'patient' ? patientKeysOf(parts[lead.at] as Clause) : undefined;
	return found === undefined || found.also.length > 0 ? {} : { patients: found.keys };
}

/** The parts of a conjunction, however nested. */
export function flatten(clause: Clause): Clause[] {
	return clause.is === 'all' ? clause.of.flatMap(flatten) : [clause];
}

/** One row more than the page has, when there is one. */
async function readRows(
	db: Querier,
	query: SearchQuery,
	sources: readonly Source[],
	place: Place | undefined,
	typed: boolean,
	asked: number | undefined,
): Promise<unknown[][]> {
	const shape = { limit: query.count + 1, backwards: place?.direction === 'previous', typed };
	const [source] = sources as [Source];
	if (typed) {
		const pages = sources.flatMap((one) => {
			const walk = walkOf({ ...one, place }, query.sort);
			const direct = walk !== undefined && !needsBudget(walk) && (walk.few || walk.covers.size === one.parts.length);
			if (!direct) return gatherStatement(one.row, one.parts, one.order, shape, place);
			return walkParts(one.row, walk, restOf(one, walk), shape, place, undefined);
		});
		return run(db, query, merged(pages, source.order, shape), false);
	}
	const gathered = (byKeys = false): Promise<unknown[][]> =>
		run(db, query, gatherStatement(source.row, source.parts, source.order, shape, place, byKeys), false);
	const texts = query.sort.length === 0 && source.lead.by === 'none' ? textsOf(source.row, source.parts) : undefined;
	if (texts !== undefined) {
		const { row, parts } = source;
		if ((await chanceOf(row, db, parts)) === 'rare') return gathered(true);
		const rids = asked ?? (lookRare(texts) ? undefined : await spreadOf(row, db, Math.max(windowRows, 50 * shape.limit)));
		const rest = allOf(parts.map((part) => conditionOf(row, part)));
		const window = rids === undefined ? undefined : Math.min(rids, widestWindow);
		return run(db, query, textsStatement(row, texts, rest, shape, place, window), isNameable(query, source, parts));
	}
	const walk = walkOf({ ...source, place }, query.sort);
	if (walk === undefined) return gathered();
	const rest = restOf(source, walk);
	const others = source.parts.filter((_, i) => !walk.covers.has(i));
	if (!needsBudget(walk) && (walk.few || others.length === 0)) {
		return run(db, query, walkStatement(source.row, walk, rest, shape, place, undefined), isNameable(query, source, others));
	}
	if (!walk.few && (await chanceOf(source.row, db, others)) === 'rare') return gathered(true);
	const begin = asked ?? budgetOf(others, shape.limit);
	for (let budget = begin; ; ) {
		const rows = await run(db, query, walkStatement(source.row, walk, rest, shape, place, budget), false);
		const lacks = walk.lacks && rows.length < shape.limit;
		if (!lacks && !(await isCut(db, query, source.row, walk, rows, shape.limit, budget))) return rows;
		const wider = asked === undefined && budget === begin ? widerBudget(budget, rows.length, shape.limit) : undefined;
		if (wider === undefined) return gathered();
		budget = wider;
	}
}

/** How far to read on when a page was not filled though some rows matched: twice as far as they promise, unless that is too far. */
function widerBudget(budget: number, found: number, limit: number): number | undefined {
	const wider = Math.ceil((2 * budget * limit) / found);
	return wider <= 10 * budget ? wider : undefined;
}

/** Whether a strip gave less than a page though it goes on beyond the budget. */
async function isCut(
	db: Querier,
	query: SearchQuery,
	row: Row,
	walk: Walk,
	rows: readonly unknown[][],
	limit: number,
	budget: number,
): Promise<boolean> {
	if (walk.strips.length > 1 && rows[0] !== undefined) return rows[0].at(-1) === true;
	if (rows.length === limit) return false;
	const statement = cutStatement(row, walk, budget);
	return statement !== undefined && (await run(db, query, statement, false))[0]?.[0] === true;
}

/** Whether some strip may have to be read further than the page is long even though nothing else is asked of its rows. */
function needsBudget({ partly, strips }: Walk): boolean {
	return partly || strips.some(({ on }) => on === 'string');
}

function restOf({ row, parts }: Source, { covers }: Walk): Sql {
	return allOf(parts.filter((_, i) => !covers.has(i)).map((part) => conditionOf(row, part)));
}

/** So many rows at the end of a type are looked through first: by their texts, which cost little, as only those that fit are fetched. */
const windowRows = 2000;

/** How many rows of an index to look at before everything that matches is gathered instead. */
function budgetOf(others: readonly Clause[], limit: number): number {
	// With nothing else to meet only a few entries of a row may have to be passed over.
	if (others.length === 0) return 4 * limit + 50;
	return Math.max(others.some(isCostly) ? 100 : 1000, 4 * limit);
}

/** A look into other rows for each row. */
function isCostly(clause: Clause): boolean {
	switch (clause.is) {
		case 'has':
		case 'chain':
		case 'leads':
		case 'word':
			return true;
		case 'any':
		case 'all':
			return clause.of.some(isCostly);
		case 'not':
			return isCostly(clause.of);
		default:
			return false;
	}
}

const usualCounts: ReadonlySet<number> = new Set([1, 2, 5, 10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 250, 500, 1000]);

/** Only a statement that an index drives, and whose text comes again and again, is prepared. */
function isNameable(query: SearchQuery, { lead }: Source, others: readonly Clause[]): boolean {
	if (!usualCounts.has(query.count)) return false;
	return lead.by === 'patient' || lead.by === 'none' || lead.by === 'code' ? others.every(isPlain) : false;
}

/** Conditions whose form does not hang on their values. */
function isPlain(clause: Clause): boolean {
	if (clause.is === 'patient') return true;
	if (clause.is === 'not' || clause.is === 'kindred') return isPlain(clause.is === 'not' ? clause.of : clause.clause);
	if (clause.is !== 'param') return false;
	const { type, storage } = clause.param;
	if (type === 'string') return clause.values.length === 1 && clause.modifier !== 'exact';
	if (type === 'token') return clause.values.length <= 3 && (clause.modifier === undefined || clause.modifier === 'not');
	if (clause.values.length !== 1) return false;
	if (type === 'date') return storage.in === 'date' || storage.in === 'column';
	return type === 'reference' && clause.modifier === undefined;
}

async function run(db: Querier, query: SearchQuery, statement: Sql, named: boolean): Promise<unknown[][]> {
	let ready: Statement = statement;
	if (named) {
		const { text, values } = statement.compile();
		ready = { name: hash('sha1', text, 'base64url'), text, values };
	}
	try {
		return await db.rows(ready);
	} catch (error) {
		if (query.page !== undefined && /^22/.test((error as { code?: string }).code ?? '')) throw badPage();
		throw error;
	}
}

async function countOf(db: Querier, query: SearchQuery, sources: readonly Source[]): Promise<number> {
	// What is asked for without criteria is known anyway.
	if (query.total === 'estimate' && sources.some(({ parts }) => parts.length > 0)) return estimateTotal(db, sources);
	const statement = countStatement(sources);
	const isKnown = sources.length === 1 && sources[0]?.parts.length === 0;
	const rows = await db.rows(isKnown ? { name: `count_${sources[0]?.row.type}`, ...statement.compile() } : statement);
	return Number(rows[0]?.[0] ?? 0);
}

/** The total as asked for; unasked only when the page shows it anyway. */
async function totalOf(
	db: Querier,
	query: SearchQuery,
	sources: readonly Source[],
	shown: number,
	more: boolean,
): Promise<number | undefined> {
	if (query.total === 'none') return undefined;
	if (!more) return shown;
	return query.total === undefined ? undefined : countOf(db, query, sources);
}

type Places = Pick<Matches, 'next' | 'previous' | 'after'>;

const nowhere: Places = { next: undefined, previous: undefined, after: () => ({ direction: 'next', rid: 0, values: [] }) };

function placesOf(rows: unknown[][], columns: number, more: boolean, place: Place | undefined): Places {
	const at = (row: unknown[] | undefined, direction: Place['direction']): Place | undefined =>
		row === undefined ? undefined : { direction, rid: Number(row[2]), values: row.slice(3, 3 + columns) as (string | null)[] };
	const backwards = place?.direction === 'previous';
	return {
		next: backwards || more ? at(rows.at(-1), 'next') : undefined,
		previous: (backwards ? more : place !== undefined) ? at(rows[0], 'previous') : undefined,
		after: (i) => at(rows[i], 'next') as Place,
	};
}
