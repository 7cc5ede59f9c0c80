// Order and places in it: ORDER BY lists and the conditions "after this row" for sorting by several columns,
// some of which may be missing (missing comes last whichever way the column is sorted).
import { join, raw, type Sql, sql } from '#db/sql.ts';
import type { Place } from './page.ts';
import { badPage } from './problems.ts';

export type Cast = 'timestamptz' | 'float8' | 'text';

export type OrderColumn = {
	/** The expression on the row `r`. */
	readonly on: Sql;
	readonly cast: Cast;
	readonly descending: boolean;
	readonly nullable: boolean;
};

/** Sorted by these and then by row id, which goes the way of the first column (newest first when there is none). */
export type Order = readonly OrderColumn[];

/** Whether rows are read from the last to the first row id, forwards. */
export function tieDescends(order: Order): boolean {
	return order[0]?.descending ?? true;
}

/** The ORDER BY list over columns called by `name(i)`, turned round when the page is read backwards. */
export function orderBy(order: Order, backwards: boolean, name: (i: number) => Sql, rid: Sql): Sql {
	const parts = order.map((column, i) => sql`${name(i)} ${direction(column, backwards)}`);
	parts.push(sql`${rid} ${raw(tieDescends(order) === backwards ? 'ASC' : 'DESC')}`);
	return join(parts, ', ');
}

function direction(column: OrderColumn, backwards: boolean): Sql {
	const descending = column.descending !== backwards;
	if (!column.nullable) return raw(descending ? 'DESC' : 'ASC');
	return raw(`${descending ? 'DESC' : 'ASC'} NULLS ${backwards ? 'FIRST' : 'LAST'}`);
}

/**
 * Conditions that are true together for no row, and one of which is true for each row beyond the place: a scan for each can
 * start in the index where the place is.
 */
export function beyond(order: Order, place: Place, name: (i: number) => Sql, rid: Sql): Sql[] {
	const backwards = place.direction === 'previous';
	for (let i = 0; i < order.length; i++) checkValue(order[i] as OrderColumn, place.values[i] ?? null);
	const tie = sql`${rid} ${raw(tieDescends(order) === backwards ? '>' : '<')} ${place.rid}`;
	const first = order[0];
	if (first === undefined) return [tie];
	const value = place.values[0] ?? null;
	if (order.length === 1) {
		const column = name(0);
		if (value === null)
			return backwards ? [sql`${column} IS NULL AND ${tie}`, sql`${column} IS NOT NULL`] : [sql`${column} IS NULL AND ${tie}`];
		const sign = raw(first.descending === backwards ? '>' : '<');
		const near = sql`(${column}, ${rid}) ${sign} (${typed(value, first.cast)}, ${place.rid}::int8)`;
		return first.nullable && !backwards ? [near, sql`${column} IS NULL`] : [near];
	}
	return [lexicographic(order, place, backwards, name, tie)];
}

function lexicographic(order: Order, place: Place, backwards: boolean, name: (i: number) => Sql, tie: Sql): Sql {
	let condition = tie;
	for (let i = order.length - 1; i >= 0; i--) {
		const column = order[i] as OrderColumn;
		const value = place.values[i] ?? null;
		const past = further(column, value, backwards, name(i));
		const same = value === null ? sql`${name(i)} IS NULL` : sql`${name(i)} = ${typed(value, column.cast)}`;
		condition = past === undefined ? sql`(${same} AND ${condition})` : sql`(${past} OR (${same} AND ${condition}))`;
	}
	return condition;
}

function further(column: OrderColumn, value: string | null, backwards: boolean, name: Sql): Sql | undefined {
	if (value === null) return backwards ? sql`${name} IS NOT NULL` : undefined;
	const past = sql`${name} ${raw(column.descending === backwards ? '>' : '<')} ${typed(value, column.cast)}`;
	return column.nullable && !backwards ? sql`(${past} OR ${name} IS NULL)` : past;
}

function typed(value: string, cast: Cast): Sql {
	return cast === 'text' ? sql`${value}::text COLLATE "C"` : sql`${value}::${raw(cast)}`;
}

const shapes: Readonly<Record<Cast, RegExp>> = {
	timestamptz: /^(-?infinity|\d{4,6}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?[+-]\d\d(:\d\d)?(:\d\d)?( BC)?)$/,
	float8: /^(-?Infinity|-?\d+(\.\d+)?(e[+-]?\d{1,3})?)$/i,
	text: /^[\s\S]{0,2000}$/,
};

function checkValue(column: OrderColumn, value: string | null): void {
	if (value === null ? !column.nullable : !shapes[column.cast].test(value)) throw badPage();
}
