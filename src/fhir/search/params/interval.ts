// The comparison prefixes on intervals, https://hl7.org/fhir/R4/search.html#prefix
import { raw, type Sql, sql } from '#db/sql.ts';
import type { Prefix } from '#fhir/search/query.ts';

/** A searched interval, both ends included, written as SQL values; `aside` when it is held against those of the side table. */
export type Searched = {
	readonly prefix: Prefix;
	readonly lo: Sql;
	readonly hi: Sql;
	readonly near: readonly [Sql, Sql];
	readonly aside?: true;
};

/** That an interval of the side table ends after a value. Most are points, which its btree on `lo` finds: that on `hi` has only the others. */
function endsAfter(lo: Sql, hi: Sql, operator: '>' | '>=', value: Sql | number): Sql {
	const after = raw(operator);
	return sql`(${lo} ${after} ${value} OR (${hi} ${after} ${value} AND ${hi} <> ${lo}))`;
}

/**
 * The stored interval [lo, hi] against the searched one. Wherever the prefix allows it the condition bounds `lo` alone, even where that says
 * nothing new, so that a btree on it can be used.
 */
export function intervalCondition(value: Searched, lo: Sql, hi: Sql): Sql {
	switch (value.prefix) {
		case 'eq':
			return sql`(${lo} BETWEEN ${value.lo} AND ${value.hi} AND ${hi} <= ${value.hi})`;
		case 'ne':
			return sql`(${lo} < ${value.lo} OR ${hi} > ${value.hi})`;
		case 'gt':
			return value.aside === true ? endsAfter(lo, hi, '>', value.hi) : sql`${hi} > ${value.hi}`;
		case 'lt':
			return sql`${lo} < ${value.lo}`;
		case 'ge':
			// A point that ends after the searched interval also begins in or after it.
			return value.aside === true
				? sql`(${lo} >= ${value.lo} OR (${hi} > ${value.hi} AND ${hi} <> ${lo}))`
				: sql`(${hi} > ${value.hi} OR ${lo} >= ${value.lo})`;
		case 'le':
			return sql`(${lo} <= ${value.hi} AND (${lo} < ${value.lo} OR ${hi} <= ${value.hi}))`;
		case 'sa':
			return sql`${lo} > ${value.hi}`;
		case 'eb':
			return sql`(${lo} < ${value.lo} AND ${hi} < ${value.lo})`;
		case 'ap':
			return sql`(${lo} <= ${value.near[1]} AND ${hi} >= ${value.near[0]})`;
	}
}

/**
 * The same for numbers, whose comparisons are with the exact value and not with what its precision leaves open. `lo` and `hi` are the same
 * for a column, else those of the side table.
 */
export function numberCondition(value: { prefix: Prefix; value: number; lo: number; hi: number }, lo: Sql, hi: Sql): Sql {
	const exact = value.value;
	const after = (operator: '>' | '>='): Sql => (lo === hi ? sql`${hi} ${raw(operator)} ${exact}` : endsAfter(lo, hi, operator, exact));
	switch (value.prefix) {
		case 'eq':
			return sql`(${lo} >= ${value.lo} AND ${lo} < ${value.hi} AND ${hi} <= ${value.hi})`;
		case 'ne':
			return sql`(${lo} < ${value.lo} OR ${lo} >= ${value.hi} OR ${hi} > ${value.hi})`;
		case 'gt':
			return after('>');
		case 'lt':
			return sql`${lo} < ${exact}`;
		case 'ge':
			return after('>=');
		case 'le':
			return sql`${lo} <= ${exact}`;
		case 'sa':
			return sql`${lo} > ${exact}`;
		case 'eb':
			return sql`${hi} < ${exact}`;
		case 'ap': {
			const tenth = Math.abs(exact) * 0.1;
			return sql`(${lo} <= ${exact + tenth} AND ${hi} >= ${exact - tenth})`;
		}
	}
}

/** 10 % of the time between a date and now, in milliseconds: how far `ap` reaches. */
export function reachOfAbout(lo: number, hi: number, now: number): readonly [number, number] {
	const span = Math.round(Math.abs(now - (lo + hi) / 2) * 0.1);
	return [lo - span, hi + span];
}
