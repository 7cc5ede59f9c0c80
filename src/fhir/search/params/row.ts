// A row of a type's table under an alias, and the conditions every parameter type needs on it: index keys and side tables.
import { ident, join, raw, type Sql, sql } from '#db/sql.ts';
import type { Fhir, FhirCtx } from '#fhir/ctx.ts';
import type { SearchParam } from '#fhir/search/registry.ts';
import { canonicalOffset, wordOffset } from '#fhir/store/collector.ts';
import { innerKey, innerOffset, presentKey } from '#fhir/store/keys.ts';

export type Row = {
	readonly fhir: Fhir;
	readonly now: number;
	readonly type: string;
	/** Alias of the type's table in the statement: r, t1, t2, … */
	readonly alias: string;
	/**
	 * `index`: conditions on `keys` may use the GIN index · `filter`: a btree finds the rows, so conditions on `keys` are
	 * written so that the planner cannot be tempted by the GIN index, whatever it guesses.
	 */
	readonly mode: 'index' | 'filter';
	/** Keys of patients: all rows that are looked at are of one of these. Not set when they may be of any. */
	readonly patients?: readonly string[];
	/** Set when conditions are about a resource that the row contains and refers to by this parameter. */
	readonly inside?: { readonly param: SearchParam; readonly type: string };
	/** Numbers the aliases of one statement. */
	readonly aliases: { next: number };
};

/** The row `r` of a type's table, where a statement begins. */
export function rowOf(ctx: FhirCtx, type: string, mode: Row['mode']): Row {
	return { fhir: ctx.fhir, now: ctx.clock.now().getTime(), type, alias: 'r', mode, aliases: { next: 0 } };
}

/** A column of the row. */
export function column(row: Row, name: string): Sql {
	return raw(`${row.alias}.${name}`);
}

/** The table of a type: fhir."observation", or a side table of it. */
export function table(type: string, side?: 'string' | 'range'): Sql {
	return ident('fhir', side === undefined ? type.toLowerCase() : `${type.toLowerCase()}_${side}`);
}

/** A row of another table of the same statement. */
export function another({ fhir, now, aliases }: Row, type: string, mode: Row['mode']): Row {
	return { fhir, now, type, alias: `t${++aliases.next}`, mode, aliases };
}

/** The row carries at least one of these keys. */
export function hasAny(row: Row, wanted: readonly string[]): Sql {
	const { inside } = row;
	const keys = inside === undefined ? wanted : wanted.map((key) => innerKey(inside.param.code, inside.type, key));
	const own = column(row, 'keys');
	if (keys.length === 0) return raw('false');
	if (row.mode === 'index') return keys.length === 1 ? sql`${own} @> ${keys}::int8[]` : sql`${own} && ${keys}::int8[]`;
	if (keys.length === 1) return sql`${keys[0]} = ANY(${own})`;
	if (keys.length <= 8)
		return sql`(${join(
			keys.map((key) => sql`${key} = ANY(${own})`),
			' OR ',
		)})`;
	return sql`EXISTS (SELECT 1 FROM unnest(${own}) AS k WHERE k = ANY(${keys}::int8[]))`;
}

/** The parameter has a value: bit `number` of `has`, or a key for numbers that have none. */
export function isPresent(row: Row, param: SearchParam): Sql {
	if (param.number > 62 || row.inside !== undefined) return hasAny(row, [presentKey(param.number)]);
	return sql`${column(row, 'has')} & ${raw(`${1n << BigInt(param.number)}::int8`)} <> 0`;
}

/**
 * Some value of the parameter in the side table of strings meets a condition on its column v. Of a row that was found otherwise it is asked
 * by itself (OFFSET 0): nothing tempts the planner to join all strings of the parameter.
 */
export function someString(row: Row, param: SearchParam, condition: (v: Sql) => Sql): Sql {
	const alias = `t${++row.aliases.next}`;
	const numbers = stringNumbers(param).map((number) => numberIn(row, number, wordOffset));
	const p = raw(numbers.length === 1 ? `${alias}.p = ${numbers[0]}` : `${alias}.p IN (${numbers.join(', ')})`);
	return sql`EXISTS (SELECT 1 FROM ${table(row.type, 'string')} ${raw(alias)} WHERE ${raw(alias)}.rid = ${column(row, 'rid')} AND ${p} AND ${condition(raw(`${alias}.v`))}${raw(row.mode === 'filter' ? ' OFFSET 0' : '')})`;
}

/** The numbers under which a parameter's strings are: its own, and that of the later words of family names. */
export function stringNumbers(param: SearchParam): number[] {
	return param.words === true ? [param.number, param.number + wordOffset] : [param.number];
}

/** Some value under a parameter's number in the side table of ranges meets a condition on its columns. */
export function someRange(row: Row, number: number, condition: (range: { lo: Sql; hi: Sql; k: Sql }) => Sql): Sql {
	const alias = `t${++row.aliases.next}`;
	const of = { lo: raw(`${alias}.lo`), hi: raw(`${alias}.hi`), k: raw(`${alias}.k`) };
	return sql`EXISTS (SELECT 1 FROM ${table(row.type, 'range')} ${raw(alias)} WHERE ${raw(alias)}.rid = ${column(row, 'rid')} AND ${raw(alias)}.p = ${raw(String(numberIn(row, number, canonicalOffset)))} AND ${condition(of)})`;
}

/** A number in the side tables: of a contained resource it is among those of the parameter that refers to it. */
function numberIn({ inside }: Row, number: number, beyond: number): number {
	if (inside === undefined) return number;
	return innerOffset(inside.param.number) + (number < 63 ? number : 64 + number - beyond);
}

/** Any of the conditions; false for none. */
export function anyOf(conditions: readonly Sql[]): Sql {
	if (conditions.length === 0) return raw('false');
	return conditions.length === 1 ? (conditions[0] as Sql) : sql`(${join(conditions, ' OR ')})`;
}

/** All of the conditions; true for none. Those that are simply true are left out. */
export function allOf(conditions: readonly Sql[]): Sql {
	const kept = conditions.filter((one) => one.values.length > 0 || one.strings[0] !== 'true');
	if (kept.length === 0) return raw('true');
	return kept.length === 1 ? (kept[0] as Sql) : sql`(${join(kept, ' AND ')})`;
}

/** Not so, or unknown: columns without a value make comparisons unknown, and NOT unknown would lose the row. */
export function isNotTrue(condition: Sql): Sql {
	return sql`(${condition}) IS NOT TRUE`;
}

/** A pattern for LIKE that matches this text itself. */
export function likeText(text: string): string {
	return text.replace(/[\\%_]/g, '\\$&');
}
