// One page as one SQL statement: rows in order after a place, from every strip of a walk or from everything that matches.
// All three forms leave the planner no choice that hangs on how often it believes a value to occur.
import { join, raw, type Sql, sql } from '#db/sql.ts';
import { countOf } from '#fhir/store/statements.ts';
import { conditionOf } from './compile.ts';
import { beyond, type Order, type OrderColumn, orderBy } from './keyset.ts';
import type { Place } from './page.ts';
import { allOf, anyOf, column, type Row, table } from './params/row.ts';
import { hotCodeKeys } from './params/token.ts';
import type { Clause } from './query.ts';
import { inWindow, isInTexts, stretchOf, textsOf, textsWith, type Window } from './texts.ts';
import { besides, type Strip, type Walk } from './walk.ts';

/** Columns of the rows that page statements give: id, body, rid, then the sort values as text, then the type when several are searched. */
type Shape = { readonly limit: number; readonly backwards: boolean; readonly typed: boolean };

/** A page by an index: each strip in its order up to the limit; with a budget no strip is read further than that many rows. */
export function walkStatement(row: Row, walk: Walk, rest: Sql, shape: Shape, place: Place | undefined, budget: number | undefined): Sql {
	const { order, strips } = walk;
	const parts = walkParts(row, walk, rest, shape, place, budget);
	if (parts.length === 1) return parts[0] as Sql;
	return budget === undefined ? merged(parts, order, shape) : checked(row, parts, strips, order, shape, budget);
}

/** The strips of a walk as statements of their own. */
export function walkParts(row: Row, walk: Walk, rest: Sql, shape: Shape, place: Place | undefined, budget: number | undefined): Sql[] {
	const { order, strips, partly } = walk;
	const [first] = strips as [Strip];
	const at = partly ? anyOf(beyond(order, place, (i) => (order[i] as OrderColumn).on, ridOf(first))) : raw('true');
	const alone = strips.length === 1 && !shape.typed;
	return strips.map((strip) => stripStatement(row, walk, strip, allOf([at, rest]), shape, budget, alone));
}

/** The pages of several types, or of several strips, as one. */
export function merged(parts: readonly Sql[], order: Order, { limit, backwards, typed }: Shape): Sql {
	const values = order.map((_, i) => raw(`, u.s${i}::text`));
	const each = parts.map((part) => sql`(${part})`);
	return sql`SELECT u.id, u.body, u.rid${join(values, '')}${raw(typed ? ', u.type' : '')} FROM (${join(each, ' UNION ALL ')}) u ORDER BY ${orderBy(order, backwards, (i) => raw(`u.s${i}`), raw('u.rid'))} LIMIT ${raw(String(limit))}`;
}

/** As merged; the last column tells whether some strip gave less than a page and yet goes on, so that its further rows are missed. */
function checked(
	row: Row,
	parts: readonly Sql[],
	strips: readonly Strip[],
	order: Order,
	{ limit, backwards }: Shape,
	budget: number,
): Sql {
	const values = order.map((_, i) => raw(`, u.s${i}::text`));
	const each = parts.map((part, i) => sql`SELECT p.*, ${raw(String(i))} AS strip FROM (${part}) p`);
	const cuts = strips.flatMap((strip, i) => {
		const more = beyondBudget(row, strip, budget);
		return more === undefined
			? []
			: [sql`CASE WHEN (SELECT count(*) FROM u WHERE strip = ${raw(String(i))}) < ${raw(String(limit))} THEN ${more} ELSE false END`];
	});
	const isCut = cuts.length === 0 ? raw('false') : join(cuts, ' OR ');
	return sql`WITH u AS MATERIALIZED (${join(each, ' UNION ALL ')}) SELECT u.id, u.body, u.rid${join(values, '')}, ${isCut} FROM u ORDER BY ${orderBy(order, backwards, (i) => raw(`u.s${i}`), raw('u.rid'))} LIMIT ${raw(String(limit))}`;
}

function ridOf(strip: Strip): Sql {
	return raw(strip.on === 'string' ? 's.rid' : 'r.rid');
}

function stripStatement(row: Row, walk: Walk, strip: Strip, rest: Sql, shape: Shape, budget: number | undefined, alone: boolean): Sql {
	const { order } = walk;
	const name = (i: number): Sql => (order[i] as OrderColumn).on;
	const values = order.map((one, i) => sql`, ${one.on}${raw(alone ? '::text' : '')} AS ${raw(`s${i}`)}`);
	const type = raw(shape.typed ? `, '${row.type}' AS type` : '');
	const select = sql`SELECT r.id, r.body, r.rid${join(values, '')}${type}`;
	const tail = sql`ORDER BY ${orderBy(order, shape.backwards, name, ridOf(strip))} LIMIT ${raw(String(shape.limit))}`;
	const of = table(row.type);
	// Of an order that the index has only the beginning of, whole groups of rows with the same first value.
	const some = raw(walk.partly ? `FETCH FIRST ${budget} ROWS WITH TIES` : `LIMIT ${budget}`);
	switch (strip.on) {
		case 'main': {
			// Not in order: everything is fetched first, whatever the planner thinks of the limit.
			if (strip.order === undefined)
				return sql`${select} FROM (SELECT r.* FROM ${of} r WHERE ${strip.where} OFFSET 0) r WHERE ${rest} ${tail}`;
			if (budget === undefined)
				return sql`${select} FROM ${of} r WHERE ${allOf([strip.where, rest])} ORDER BY ${strip.order} LIMIT ${raw(String(shape.limit))}`;
			return sql`${select} FROM (SELECT r.* FROM ${of} r WHERE ${strip.where} ORDER BY ${strip.order} ${some}) r WHERE ${rest} ${tail}`;
		}
		case 'string': {
			const entries = sql`SELECT s.rid, s.p, s.v FROM ${table(row.type, 'string')} s WHERE ${strip.where} ORDER BY ${strip.order} ${some}`;
			return sql`${select} FROM (${entries}) s JOIN ${of} r ON r.rid = s.rid WHERE ${allOf([strip.once, rest])} ${tail}`;
		}
		case 'patients': {
			const each = sql`SELECT r.* FROM ${of} r WHERE ${allOf([strip.where, rest])} ORDER BY ${strip.order} LIMIT ${raw(String(shape.limit))}`;
			const down = raw(shape.backwards ? ' DESC' : '');
			return sql`${select} FROM (SELECT k AS pat FROM unnest(${strip.keys}::int8[]) k ORDER BY k${down}) k CROSS JOIN LATERAL (${each}) r ${tail}`;
		}
	}
}

/** Whether a strip goes on beyond so many rows; undefined for one that is always read to its end. */
function beyondBudget(row: Row, { on, where, order }: Strip, budget: number): Sql | undefined {
	if (order === undefined) return undefined;
	const from = on === 'string' ? sql`${table(row.type, 'string')} s` : sql`${table(row.type)} r`;
	return sql`EXISTS (SELECT 1 FROM ${from} WHERE ${where} ORDER BY ${order} OFFSET ${raw(String(budget))} LIMIT 1)`;
}

/** Whether one of the walk's strips goes on beyond so many rows; undefined when none can. */
export function cutStatement(row: Row, { strips }: Walk, budget: number): Sql | undefined {
	const each = strips.flatMap((strip) => beyondBudget(row, strip, budget) ?? []);
	return each.length === 0 ? undefined : sql`SELECT ${join(each, ' OR ')}`;
}

/**
 * A page in the order of row ids, found by the texts of the rows' strings: those in the window first, the others only when these do not fill
 * the page. Rows are looked at one by one, in order, and no more of them than the page needs. A window of `rids` is at the place.
 */
export function textsStatement(
	row: Row,
	texts: readonly string[],
	rest: Sql,
	shape: Shape,
	place: Place | undefined,
	rids: number | undefined,
): Sql {
	const limit = raw(String(shape.limit));
	const wanted = texts.map((text) => [text]);
	const of = table(row.type);
	const rid = raw('f.rid');
	const page = (from: Sql): Sql => {
		const sorted = sql`SELECT f.rid FROM ${from} f WHERE ${anyOf(beyond([], place, () => rid, rid))} ORDER BY ${ridOrder(shape, 'f')}`;
		return sql`SELECT r.id, r.body, r.rid FROM (${sorted}) f CROSS JOIN LATERAL (SELECT r.* FROM ${of} r WHERE r.rid = f.rid OFFSET 0) r WHERE ${rest} ORDER BY ${ridOrder(shape, 'f')} LIMIT ${limit}`;
	};
	if (rids === undefined) return sql`WITH m AS MATERIALIZED (${textsWith(row.type, wanted)}) ${page(raw('m'))}`;
	const window = windowAt(row, place, rids);
	const [near, far] = [
		textsWith(row.type, wanted, inWindow(window)),
		textsWith(row.type, wanted, sql`(SELECT count(*) FROM p) < ${limit}`),
	];
	const beyondIt = sql`NOT ${stretchOf(raw('m.rid'))} BETWEEN ${window.first} AND ${window.last}`;
	return sql`WITH n AS MATERIALIZED (${near}), p AS MATERIALIZED (${page(raw('n'))}), m AS MATERIALIZED (${far})
		SELECT u.id, u.body, u.rid FROM (SELECT * FROM p UNION ALL (${page(sql`(SELECT m.rid FROM m WHERE ${beyondIt})`)})) u ORDER BY ${ridOrder(shape, 'u')} LIMIT ${limit}`;
}

function ridOrder({ backwards }: Shape, alias: string): Sql {
	const rid = raw(`${alias}.rid`);
	return orderBy([], backwards, () => rid, rid);
}

/** The stretches from the place on, or from the last row. */
function windowAt({ type }: Row, place: Place | undefined, rids: number): Window {
	const from = place === undefined ? sql`(SELECT max(x.rid) FROM ${table(type)} x)` : sql`${place.rid}::int8`;
	const to = (by: number): Sql => stretchOf(sql`(${from} + ${by}::int8)`);
	return place?.direction === 'previous' ? { first: to(0), last: to(rids) } : { first: to(-rids), last: to(0) };
}

/**
 * A page of everything that matches, found by whatever indexes the conditions have, sorted, and only then fetched. When keys are known to be
 * rare (`byKeys`) strings are asked of the rows that these find.
 */
export function gatherStatement(
	row: Row,
	parts: readonly Clause[],
	order: Order,
	shape: Shape,
	place: Place | undefined,
	byKeys = false,
): Sql {
	const { limit, backwards, typed } = shape;
	const name = (i: number): Sql => raw(`m.s${i}`);
	const values = order.map((one, i) => sql`, ${one.on} AS ${raw(`s${i}`)}`);
	const found = sql`SELECT ${column(row, 'rid')}${join(values, '')} FROM ${table(row.type)} ${raw(row.alias)} WHERE ${matching(row, parts, byKeys)}`;
	const where = place === undefined ? raw('true') : anyOf(beyond(order, place, name, raw('m.rid')).map((one) => sql`(${one})`));
	const page = sql`SELECT * FROM m WHERE ${where} ORDER BY ${orderBy(order, backwards, name, raw('m.rid'))} LIMIT ${raw(String(limit))}`;
	const shown = order.map((_, i) => raw(`, y.s${i}${typed ? '' : '::text'} AS s${i}`));
	const type = raw(typed ? `, '${row.type}' AS type` : '');
	return sql`WITH m AS MATERIALIZED (${found}) SELECT b.id, b.body, y.rid${join(shown, '')}${type} FROM (${page}) y JOIN ${table(row.type)} b ON b.rid = y.rid ORDER BY ${orderBy(order, backwards, (i) => raw(`y.s${i}`), raw('y.rid'))}`;
}

/** All conditions, written so that indexes of keys may be used. What asks for parts of strings is found together, by one array of row ids. */
function matching(row: Row, parts: readonly Clause[], byKeys = false): Sql {
	const indexed: Row = { ...row, mode: 'index' };
	const texts = textsOf(row, parts);
	if (texts === undefined) return allOf(parts.map((part) => conditionOf(indexed, part)));
	const wanted = texts.map((text) => [text]);
	const found = byKeys ? raw('true') : sql`${column(row, 'rid')} = ANY(ARRAY(${textsWith(row.type, wanted)}))`;
	const each = parts.map((part) => conditionOf(isInTexts(row.type, part) ? { ...row, mode: 'filter' } : indexed, part));
	return allOf([found, ...each]);
}

/** How many rows there are in all types. */
export function countStatement(sources: readonly { readonly row: Row; readonly parts: readonly Clause[] }[]): Sql {
	const counts = sources.flatMap(({ row, parts }) =>
		parts.length === 0
			? raw(countOf(row.type))
			: countsOf(row, parts).map((where) => sql`(SELECT count(*) FROM ${table(row.type)} ${raw(row.alias)} WHERE ${where})`),
	);
	return sql`SELECT ${join(counts, ' + ')}`;
}

/** Conditions that exclude each other: those of a hot code are counted in its index alone, and apart from them what has it further down. */
function countsOf(row: Row, parts: readonly Clause[]): Sql[] {
	const [only] = parts;
	const keys = parts.length === 1 ? hotCodeKeys(only as Clause) : undefined;
	if (keys === undefined) return [matching(row, parts)];
	return [sql`${column(row, 'code')} = ANY(${keys}::int8[])`, besides(row, 'code', keys, keys).where];
}

/** A row for each match, nothing in it. */
export function rowsStatement(sources: readonly { readonly row: Row; readonly parts: readonly Clause[] }[]): Sql {
	const parts = sources.map(({ row, parts: of }) => sql`SELECT 1 FROM ${table(row.type)} ${raw(row.alias)} WHERE ${matching(row, of)}`);
	return join(parts, ' UNION ALL ');
}
