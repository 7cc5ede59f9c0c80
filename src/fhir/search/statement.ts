// One page as one SQL statement: `count + 1` rows in order after a place, from every branch of every type searched.
import { join, raw, type Sql, sql } from '#db/sql.ts';
import type { Driven } from './driver.ts';
import { beyond, type Order, orderBy } from './keyset.ts';
import type { Place } from './page.ts';
import { allOf, anyOf, column, type Row, table } from './params/row.ts';

export type Source = { readonly row: Row; readonly driven: Driven; readonly order: Order };

/** Columns of the rows that the statement gives: id, body, rid, then the sort values as text, then the type when several are searched. */
export function pageStatement(sources: readonly Source[], plain: boolean, place: Place | undefined, limit: number): Sql {
	const backwards = place?.direction === 'previous';
	const order = (sources[0] as Source).order;
	const several = sources.length > 1;
	const parts = plain
		? sources.flatMap((source) => branches(source, place, limit, several))
		: sources.map((source) => computed(source, place, limit, several));
	if (parts.length === 1) return parts[0] as Sql;
	const typed = parts.map((part) => sql`(${part})`);
	const values = order.map((_, i) => raw(`, u.s${i}::text`));
	return sql`SELECT u.id, u.body, u.rid${join(values, '')}${raw(several ? ', u.type' : '')} FROM (${join(typed, ' UNION ALL ')}) u ORDER BY ${orderBy(order, backwards, (i) => raw(`u.s${i}`), raw('u.rid'))} LIMIT ${raw(String(limit))}`;
}

/** One SELECT for each branch, sorted by columns of the row: a btree that has this order is read no further than the limit. */
function branches(source: Source, place: Place | undefined, limit: number, several: boolean): Sql[] {
	const { row, driven, order } = source;
	const name = (i: number): Sql => (order[i] as Order[number]).on;
	const rid = column(row, 'rid');
	const places = place === undefined ? [raw('true')] : beyond(order, place, name, rid);
	const alone = !several && driven.branches.length * places.length === 1;
	const values = order.map((one, i) => sql`, ${one.on}${raw(alone ? '::text' : '')} AS ${raw(`s${i}`)}`);
	const type = raw(several ? `, '${row.type}' AS type` : '');
	const backwards = place?.direction === 'previous';
	return driven.branches.flatMap((branch) =>
		places.map(
			(at) =>
				sql`SELECT ${column(row, 'id')}, ${column(row, 'body')}, ${rid}${join(values, '')}${type} FROM ${table(row.type)} ${raw(row.alias)} WHERE ${conjunction([branch, at, driven.filter])} ORDER BY ${orderBy(order, backwards, name, rid)} LIMIT ${raw(String(limit))}`,
		),
	);
}

/** Sorted by something that is computed: rows are numbered and sorted first, bodies fetched for the page alone. */
function computed(source: Source, place: Place | undefined, limit: number, several: boolean): Sql {
	const { row, driven, order } = source;
	const name = (i: number): Sql => raw(`x.s${i}`);
	const values = order.map((one, i) => sql`, ${one.on} AS ${raw(`s${i}`)}`);
	const found = driven.branches.map(
		(branch) =>
			sql`SELECT ${column(row, 'rid')}${join(values, '')} FROM ${table(row.type)} ${raw(row.alias)} WHERE ${conjunction([branch, driven.filter])}`,
	);
	const backwards = place?.direction === 'previous';
	const where = place === undefined ? raw('true') : anyOf(beyond(order, place, name, raw('x.rid')).map((one) => sql`(${one})`));
	const sorted = sql`SELECT * FROM (${join(found, ' UNION ALL ')}) x WHERE ${where} ORDER BY ${orderBy(order, backwards, name, raw('x.rid'))} LIMIT ${raw(String(limit))}`;
	const shown = order.map((_, i) => raw(`, y.s${i}${several ? '' : '::text'} AS s${i}`));
	const type = raw(several ? `, '${row.type}' AS type` : '');
	return sql`SELECT b.id, b.body, y.rid${join(shown, '')}${type} FROM (${sorted}) y JOIN ${table(row.type)} b ON b.rid = y.rid ORDER BY ${orderBy(order, backwards, (i) => raw(`y.s${i}`), raw('y.rid'))}`;
}

/** How many rows there are in all. */
export function countStatement(sources: readonly Source[]): Sql {
	const counts = sources.flatMap(({ row, driven }) =>
		driven.branches.map(
			(branch) => sql`(SELECT count(*) FROM ${table(row.type)} ${raw(row.alias)} WHERE ${conjunction([branch, driven.filter])})`,
		),
	);
	return sql`SELECT ${join(counts, ' + ')}`;
}

/** A row for each match, nothing in it. */
export function rowsStatement(sources: readonly Source[]): Sql {
	const parts = sources.flatMap(({ row, driven }) =>
		driven.branches.map((branch) => sql`SELECT 1 FROM ${table(row.type)} ${raw(row.alias)} WHERE ${conjunction([branch, driven.filter])}`),
	);
	return join(parts, ' UNION ALL ');
}

/** Conditions without those that are simply true. */
function conjunction(conditions: readonly Sql[]): Sql {
	const kept = conditions.filter((one) => one.values.length > 0 || one.strings[0] !== 'true');
	return allOf(kept);
}
