// Token parameters: index keys for system|code, code and system|; the first coding of a hot parameter is in the column code.
// https://hl7.org/fhir/R4/search.html#token
import { type Sql, sql } from '#db/sql.ts';
import type { Clause, Modifier, TokenValue, Value } from '#fhir/search/query.ts';
import type { SearchParam } from '#fhir/search/registry.ts';
import { codeKey, ofTypeKey, systemCodeKey, systemKey } from '#fhir/store/keys.ts';
import { column, hasAny, type Row } from './row.ts';

/** The condition that the parameter has one of the values; with `:not`, that it has none. */
export function tokenCondition(row: Row, param: SearchParam, modifier: Modifier | undefined, values: readonly Value[]): Sql {
	const matching = presentCondition(row, param, values);
	return modifier === 'not' ? sql`NOT (${matching})` : matching;
}

function presentCondition(row: Row, param: SearchParam, values: readonly Value[]): Sql {
	if (param.storage.in === 'column') return identity(row, values);
	const keys = values.flatMap((value) => keysOf(param, value));
	if (param.storage.in !== 'code') return hasAny(row, keys);
	const exact = values.filter(isExact).flatMap((value) => keysOf(param, value));
	if (exact.length === 0) return hasAny(row, keys);
	const code = column(row, 'code');
	const first = exact.length === 1 ? sql`${code} = ${exact[0]}` : sql`${code} = ANY(${exact}::int8[])`;
	// COALESCE: without a code the comparison is unknown, and NOT unknown would lose the row.
	return sql`(COALESCE(${first}, false) OR ${hasAny(row, keys)})`;
}

/** `_id`: the id itself. */
function identity(row: Row, values: readonly Value[]): Sql {
	const ids = values.flatMap((value) => (value.is === 'token' && !value.system && value.code !== undefined ? [value.code] : []));
	return ids.length === 1 ? sql`${column(row, 'id')} = ${ids[0]}` : sql`${column(row, 'id')} = ANY(${ids}::text[])`;
}

function keysOf(param: SearchParam, value: Value): string[] {
	if (value.is === 'token') return tokenKeysOf(param.code, value);
	if (value.is === 'of-type') return [ofTypeKey(param.code, value.system, value.code, value.value)];
	return [];
}

/** The index keys that stand for a token of a parameter code. */
export function tokenKeysOf(code: string, value: TokenValue): string[] {
	if (value.code === undefined) return [systemKey(code, value.system ?? '')];
	return [value.system === undefined ? codeKey(code, value.code) : systemCodeKey(code, value.system, value.code)];
}

function isExact(value: Value): boolean {
	return value.is === 'token' && value.system !== undefined && value.code !== undefined;
}

/** The keys to look for in the column code, when the clause asks for nothing but codes of the hot parameter with their systems. */
export function hotCodeKeys(clause: Clause): string[] | undefined {
	if (clause.is !== 'param' || clause.modifier !== undefined || clause.param.storage.in !== 'code') return undefined;
	if (!clause.values.every(isExact)) return undefined;
	return [...new Set(clause.values.flatMap((value) => keysOf(clause.param, value)))];
}
