// _sort: each parameter to a column to order by. https://hl7.org/fhir/R4/search.html#sort
// Missing values come last whichever way is sorted; of several values the smallest (ascending) or largest counts.
import { join, raw, type Sql, sql } from '#db/sql.ts';
import { sortPathsOf } from './json-path.ts';
import type { Cast, Order, OrderColumn } from './keyset.ts';
import { byDate, byUpdate } from './lead.ts';
import { column, type Row, table } from './params/row.ts';
import type { SortKey } from './query.ts';
import type { SearchParam } from './registry.ts';

/** Whether resources can be sorted by the parameter. */
export function isSortable(param: SearchParam): boolean {
	switch (param.storage.in) {
		case 'union':
		case 'composite':
			return false;
		case 'keys':
		case 'code':
		case 'patient':
			return sortPathsOf(param).codes.length > 0;
		default:
			return param.type !== 'special';
	}
}

/** The columns of a sort on this type. */
export function orderOf(row: Row, keys: readonly SortKey[]): Order {
	const order: OrderColumn[] = [];
	for (const { code, descending } of keys) {
		const param = row.fhir.registry.param(row.type, code);
		if (param !== undefined) order.push(orderColumn(row, param, descending));
	}
	return order;
}

function orderColumn(row: Row, param: SearchParam, descending: boolean): OrderColumn {
	const { storage } = param;
	switch (storage.in) {
		case 'column':
			return storage.column === 'lu' ? byUpdate(row, descending) : { on: column(row, 'id'), cast: 'text', descending, nullable: false };
		case 'date':
			return byDate(row, descending);
		case 'quantity':
			return { on: sql`COALESCE(${column(row, 'qc')}, ${column(row, 'qv')})`, cast: 'float8', descending, nullable: true };
		case 'string':
			return side(row, param, 'string', 'v', 'text', descending);
		case 'range':
			return side(row, param, 'range', 'lo', 'float8', descending);
		default:
			return { on: fromBody(row, param, descending), cast: 'text', descending, nullable: true };
	}
}

function side(row: Row, param: SearchParam, of: 'string' | 'range', name: string, cast: Cast, descending: boolean): OrderColumn {
	const alias = raw(`t${++row.aliases.next}`);
	const extreme = raw(`${descending ? 'max' : 'min'}(${alias.strings[0]}.${name})`);
	return {
		on: sql`(SELECT ${extreme} FROM ${table(row.type, of)} ${alias} WHERE ${alias}.rid = ${column(row, 'rid')} AND ${alias}.p = ${raw(String(param.number))})`,
		cast,
		descending,
		nullable: true,
	};
}

/** Tokens and references are kept as hashes, which have no order: their text comes from the body, for the rows that match. */
function fromBody(row: Row, param: SearchParam, descending: boolean): Sql {
	const { codes, texts } = sortPathsOf(param);
	const extreme = (paths: readonly string[]): Sql => {
		const each = paths.map((path) => sql`SELECT jsonb_path_query(${column(row, 'body')}::jsonb, ${path}::jsonpath) #>> '{}' AS v`);
		return sql`(SELECT ${raw(descending ? 'max' : 'min')}(left(x.v, 500) COLLATE "C") FROM (${join(each, ' UNION ALL ')}) x)`;
	};
	return texts.length === 0 ? extreme(codes) : sql`COALESCE(${extreme(codes)}, ${extreme(texts)})`;
}
