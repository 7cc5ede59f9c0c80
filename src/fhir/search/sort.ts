// _sort: each parameter to a column to order by. https://hl7.org/fhir/R4/search.html#sort
// Missing values come last whichever way is sorted; of several values the smallest (ascending) or largest counts.
import { join, raw, type Sql, sql } from '#db/sql.ts';
import { jsonPathOf, textPathsOf } from './json-path.ts';
import type { Cast, Order, OrderColumn } from './keyset.ts';
import { column, type Row, table } from './params/row.ts';
import type { SortKey } from './query.ts';
import type { SearchParam } from './registry.ts';

/** Whether resources can be sorted by the parameter. */
export function isSortable(param: SearchParam): boolean {
	if (param.type === 'composite' || param.type === 'special') return false;
	if (param.storage.in === 'union' || param.storage.in === 'composite') return false;
	return param.storage.in !== 'keys' && param.storage.in !== 'code' && param.storage.in !== 'patient'
		? true
		: jsonPathOf(param) !== undefined;
}

/** The date column in which the rows of a patient or of a hot code stand in their index. */
export function byDate(row: Row, descending: boolean): OrderColumn {
	return { on: column(row, 'd'), cast: 'timestamptz', descending, nullable: true };
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

/** Whether the column is one of the row itself, so that an index may already have the order. */
export function isPlainOrder(row: Row, keys: readonly SortKey[]): boolean {
	return keys.every(({ code }) => {
		const storage = row.fhir.registry.param(row.type, code)?.storage;
		return storage?.in === 'column' || storage?.in === 'date';
	});
}

function orderColumn(row: Row, param: SearchParam, descending: boolean): OrderColumn {
	const { storage } = param;
	switch (storage.in) {
		case 'column':
			return { on: column(row, storage.column), cast: storage.column === 'lu' ? 'timestamptz' : 'text', descending, nullable: false };
		case 'date':
			return byDate(row, descending);
		case 'quantity':
			return { on: sql`COALESCE(${column(row, 'qc')}, ${column(row, 'qv')})`, cast: 'float8', descending, nullable: true };
		case 'string':
			return side(row, param, 'string', 'v', 'text', descending);
		case 'range':
			return side(row, param, 'range', 'lo', 'float8', descending);
		default:
			return { on: fromBody(row, param), cast: 'text', descending, nullable: true };
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
function fromBody(row: Row, param: SearchParam): Sql {
	const tries = textPathsOf(param).map((path) => sql`jsonb_path_query_first(${column(row, 'body')}::jsonb, ${path}::jsonpath) #>> '{}'`);
	return sql`(COALESCE(${join(tries, ', ')}) COLLATE "C")`;
}
