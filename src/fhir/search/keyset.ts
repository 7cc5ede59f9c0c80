// Order and places in it: ORDER BY lists and the conditions "after this row" for sorting by several columns,
// some of which may be missing (missing comes last whichever way the column is sorted).
import { join, raw, type Sql, sql } from '#db/sql.ts';
import type { Place } from './page.ts';
import { anyOf } from './params/row.ts';
import { badPage } from './problems.ts';

export type Cast = 'timestamptz' | 'float8' | 'int8' | 'text';

export type OrderColumn = {
	/** The expression on the row `r`. */
	readonly on: Sql;
	readonly cast: Cast;
	readonly descending: boolean;
	readonly nullable: boolean;
};

/** Sorted by these and then by row id, which goes the way of the last column (newest first when there is none). */
export type Order = readonly OrderColumn[];

/** Whether rows with the same values go from the last to the first row id, forwards. */
export function tieDescends(order: Order): boolean {
	return order.at(-1)?.descending ?? true;
}

/** The ORDER BY list over columns called by `name(i)`, turned round when the page is read backwards. */
export function orderBy(order: Order, backwards: boolean, name: (i: number) => Sql, rid: Sql): Sql {
	const parts = order.map((column, i) => sql`${name(i)} ${direction(column, backwards)}`);
	parts.push(sql`${rid} ${tie(order, backwards)}`);
	return join(parts, ', ');
}

/**
 * The same as the indexes have it: their last date comes first and missing dates come at the end, or all of that the other way round. Rows
 * without a value and rows with one are read apart where this differs from the order wanted. Without `rid` rows with the same values come
 * in any order.
 */
export function indexOrder(order: Order, backwards: boolean, rid?: Sql): Sql {
	const parts = order.map(({ on, descending, nullable }) => {
		const down = descending !== backwards;
		return sql`${on} ${raw(nullable ? (down ? 'DESC NULLS LAST' : 'ASC NULLS FIRST') : down ? 'DESC' : 'ASC')}`;
	});
	if (rid !== undefined) parts.push(sql`${rid} ${tie(order, backwards)}`);
	return join(parts, ', ');
}

function tie(order: Order, backwards: boolean): Sql {
	return raw(tieDescends(order) === backwards ? 'ASC' : 'DESC');
}

function direction(column: OrderColumn, backwards: boolean): Sql {
	const descending = column.descending !== backwards;
	if (!column.nullable) return raw(descending ? 'DESC' : 'ASC');
	return raw(`${descending ? 'DESC' : 'ASC'} NULLS ${backwards ? 'FIRST' : 'LAST'}`);
}

/**
 * Conditions that are true together for no row, and one of which is true for each row beyond the place (for each row when there is none):
 * for one column a scan for each can start in the index where the place is, and gives its rows in the wanted order.
 */
export function beyond(order: Order, place: Place | undefined, name: (i: number) => Sql, rid: Sql): Sql[] {
	const first = order[0];
	if (place === undefined) {
		// Upwards the index has what is missing first and the order wanted has it last.
		if (order.length === 1 && first?.nullable === true && !first.descending) return [sql`${name(0)} IS NOT NULL`, sql`${name(0)} IS NULL`];
		return [raw('true')];
	}
	const backwards = place.direction === 'previous';
	for (let i = 0; i < order.length; i++) checkValue(order[i] as OrderColumn, place.values[i] ?? null);
	const past = sql`${rid} ${raw(tieDescends(order) === backwards ? '>' : '<')} ${place.rid}`;
	if (first === undefined) return [past];
	const value = place.values[0] ?? null;
	if (order.length === 1) {
		const column = name(0);
		if (value === null)
			return backwards ? [sql`${column} IS NULL AND ${past}`, sql`${column} IS NOT NULL`] : [sql`${column} IS NULL AND ${past}`];
		const sign = raw(first.descending === backwards ? '>' : '<');
		const near = sql`(${column}, ${rid}) ${sign} (${typed(value, first.cast)}, ${place.rid}::int8)`;
		return first.nullable && !backwards ? [near, sql`${column} IS NULL`] : [near];
	}
	return [lexicographic(order, place, backwards, name, past)];
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

/** At or beyond a place by the first column alone: where a scan in the order of that column has to start. */
export function notBefore({ on, cast, descending, nullable }: OrderColumn, place: Place): Sql {
	const backwards = place.direction === 'previous';
	const value = place.values[0] ?? null;
	if (value === null) return backwards ? raw('true') : sql`${on} IS NULL`;
	const near = sql`${on} ${raw(descending === backwards ? '>=' : '<=')} ${typed(value, cast)}`;
	return nullable && !backwards ? anyOf([near, sql`${on} IS NULL`]) : near;
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
	int8: /^-?\d{1,18}$|^[1-8]\d{18}$/,
	text: /^[\s\S]{0,2000}$/,
};

function checkValue(column: OrderColumn, value: string | null): void {
	if (value === null ? !column.nullable : !shapes[column.cast].test(value)) throw badPage();
}
