// Token parameters: index keys for system|code, code and system|; the first coding of a hot parameter is in the column code.
// https://hl7.org/fhir/R4/search.html#token
import { type Sql, sql } from '#db/sql.ts';
import type { Clause, Modifier, TokenValue, Value } from '#fhir/search/query.ts';
import type { SearchParam } from '#fhir/search/registry.ts';
import { codeKey, fold, foldContact, foldedKey, mimeKey, ofTypeKey, systemCodeKey, systemKey } from '#fhir/store/keys.ts';
import { column, hasAny, isNotTrue, type Row } from './row.ts';

/** The condition that the parameter has one of the values; with `:not`, that it has none. */
export function tokenCondition(row: Row, param: SearchParam, modifier: Modifier | undefined, values: readonly Value[]): Sql {
	if (modifier === 'below') return hasAny(row, mimeKeys(param, values));
	const matching = presentCondition(row, param, values);
	return modifier === 'not' ? isNotTrue(matching) : matching;
}

function presentCondition(row: Row, param: SearchParam, values: readonly Value[]): Sql {
	if (param.storage.in === 'column') return identity(row, values);
	const keys = tokenKeys(param, values);
	if (param.storage.in !== 'code') return hasAny(row, keys);
	const exact = tokenKeys(
		param,
		values.filter((value) => isExact(param, value)),
	);
	if (exact.length === 0) return hasAny(row, keys);
	const code = column(row, 'code');
	const first = exact.length === 1 ? sql`${code} = ${exact[0]}` : sql`${code} = ANY(${exact}::int8[])`;
	return sql`(${first} OR ${hasAny(row, keys)})`;
}

/** `_id`: the id itself. */
function identity(row: Row, values: readonly Value[]): Sql {
	const ids = values.flatMap((value) => (value.is === 'token' && !value.system && value.code !== undefined ? [value.code] : []));
	return ids.length === 1 ? sql`${column(row, 'id')} = ${ids[0]}` : sql`${column(row, 'id')} = ANY(${ids}::text[])`;
}

/** The index keys that stand for the values of a token parameter. */
export function tokenKeys(param: SearchParam, values: readonly Value[]): string[] {
	return values.flatMap((value) => {
		if (value.is === 'of-type') return [ofTypeKey(param.code, value.system, value.code, value.value)];
		if (value.is !== 'token') return [];
		if (param.fold !== undefined) return foldedKeys(param, value);
		// What is written without a system is looked for under the one that all of the parameter's codes have.
		if (param.system !== undefined && value.system === undefined) return tokenKeysOf(param.code, { ...value, system: param.system });
		return tokenKeysOf(param.code, value);
	});
}

function foldedKeys({ code, fold: how }: SearchParam, { system, code: text }: TokenValue): string[] {
	// Strings and contact points have no system, so what names one finds nothing.
	if (text === undefined || (system !== undefined && system !== '')) return [];
	return [foldedKey(code, how === 'contact' ? foldContact(text) : fold(text))];
}

/** Mime types without their parameters (https://hl7.org/fhir/R4/search.html#mimetype). */
function mimeKeys({ code, mime }: SearchParam, values: readonly Value[]): string[] {
	if (mime !== true) return [];
	return values.flatMap((value) => (value.is === 'token' && value.code !== undefined ? [mimeKey(code, value.code.toLowerCase())] : []));
}

/** The index keys that stand for a token under a name: that of its parameter, or of its parameter's identifiers. */
export function tokenKeysOf(name: string, value: TokenValue): string[] {
	if (value.code === undefined) return [systemKey(name, value.system ?? '')];
	return [value.system === undefined ? codeKey(name, value.code) : systemCodeKey(name, value.system, value.code)];
}

function isExact({ system }: SearchParam, value: Value): boolean {
	return value.is === 'token' && (value.system ?? system) !== undefined && value.code !== undefined;
}

/** The keys to look for in the column code, when the clause asks for nothing but codes of the hot parameter with their systems. */
export function hotCodeKeys(clause: Clause): string[] | undefined {
	if (clause.is !== 'param' || clause.modifier !== undefined || clause.param.storage.in !== 'code') return undefined;
	const { param, values } = clause;
	return values.every((value) => isExact(param, value)) ? [...new Set(tokenKeys(param, values))] : undefined;
}
