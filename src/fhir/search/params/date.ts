// Date parameters: intervals against intervals, by the whole span a partial date stands for.
// https://hl7.org/fhir/R4/search.html#date
import { type Sql, sql } from '#db/sql.ts';
import type { DateValue, Value } from '#fhir/search/query.ts';
import type { SearchParam } from '#fhir/search/registry.ts';
import { intervalCondition, reachOfAbout, type Searched } from './interval.ts';
import { anyOf, column, type Row, someRange } from './row.ts';

/** The condition that one of the values holds for one of the parameter's dates. */
export function dateCondition(row: Row, param: SearchParam, values: readonly Value[]): Sql {
	const dates = values.filter((value) => value.is === 'date');
	if (param.storage.in === 'range') {
		return someRange(row, param.number, ({ lo, hi }) => anyOf(dates.map((value) => intervalCondition(inMilliseconds(row, value), lo, hi))));
	}
	const [lo, hi] = param.storage.in === 'column' ? [column(row, 'lu'), column(row, 'lu')] : [column(row, 'd'), column(row, 'dh')];
	return anyOf(dates.map((value) => intervalCondition(asTimes(row, value), lo, hi)));
}

/** A searched date as the side table of ranges has them. */
export function inMilliseconds(row: Row, value: DateValue): Searched {
	const [from, to] = reachOfAbout(value.lo, value.hi, row.now);
	return { prefix: value.prefix, lo: sql`${value.lo}`, hi: sql`${value.hi}`, near: [sql`${from}`, sql`${to}`], aside: true };
}

function asTimes(row: Row, value: DateValue): Searched {
	const [from, to] = reachOfAbout(value.lo, value.hi, row.now);
	return { prefix: value.prefix, lo: time(value.lo), hi: time(value.hi), near: [time(from), time(to)] };
}

function time(ms: number): Sql {
	return sql`${isoTime(ms)}::timestamptz`;
}

/** An instant as PostgreSQL reads it; years that have no four digits come with BC or as they are. */
function isoTime(ms: number): string {
	const date = new Date(Math.max(-8.64e15, Math.min(8.64e15, ms)));
	const year = date.getUTCFullYear();
	if (year > 9999) return 'infinity';
	if (year < 1) return '-infinity';
	return date.toISOString();
}
