// Composite parameters: of one and the same element. https://hl7.org/fhir/R4/search.html#composite
import { raw, type Sql, sql } from '#db/sql.ts';
import type { QuantityValue, TokenValue, Value } from '#fhir/search/query.ts';
import { canonicalOffset, type SearchParam } from '#fhir/search/registry.ts';
import { codeKey, fastKey, pairKey, systemCodeKey } from '#fhir/store/keys.ts';
import { numberCondition } from './interval.ts';
import { inCanonicalUnit } from './quantity.ts';
import { allOf, anyOf, hasAny, type Row, someRange } from './row.ts';

/** How a component's own condition is written (compile.ts hands it in, since components are parameters like others). */
export type ComponentCondition = (row: Row, param: SearchParam, values: readonly Value[]) => Sql;

/** The condition that one element has all components of one of the values. */
export function compositeCondition(row: Row, param: SearchParam, values: readonly Value[], component: ComponentCondition): Sql {
	return anyOf(
		values.map((value) => {
			if (value.is !== 'composite') return raw('false');
			if (param.storage.in === 'composite' && param.storage.how === 'root') {
				return allOf(value.parts.map((part, i) => component(row, (param.components ?? [])[i]?.param as SearchParam, [part])));
			}
			return pairCondition(row, param, value.parts);
		}),
	);
}

/** Stored together: two tokens as one key; a token and a quantity as a range under the token's key. */
function pairCondition(row: Row, param: SearchParam, parts: readonly Value[]): Sql {
	const [first, second] = parts;
	const [one, other] = (param.components ?? []).map((component) => component.param.code);
	if (first?.is !== 'token' || one === undefined || other === undefined) return raw('false');
	const firstKeys = pairTokenKeys(one, first);
	if (second?.is === 'quantity') return anyOf(firstKeys.map((key) => quantityUnder(row, param, key, second)));
	const secondKeys =
		second?.is === 'token'
			? pairTokenKeys(other, second)
			: second?.is === 'reference'
				? second.targets.map((target) => fastKey(`${other}|r|${target}`))
				: [];
	return hasAny(
		row,
		firstKeys.flatMap((a) => secondKeys.map((b) => pairKey(param.code, a, b))),
	);
}

/** In pairs a token stands with its system; a code without one is taken for that of an element that has none. */
function pairTokenKeys(code: string, value: TokenValue): string[] {
	return value.code === undefined
		? []
		: [value.system === undefined ? codeKey(code, value.code) : systemCodeKey(code, value.system, value.code)];
}

function quantityUnder(row: Row, param: SearchParam, key: string, value: QuantityValue): Sql {
	const canonical = inCanonicalUnit(value);
	if (canonical === undefined) return someRange(row, param, ({ lo, hi, k }) => sql`${k} = ${key} AND ${numberCondition(value, lo, hi)}`);
	const moved = { ...param, number: param.number + canonicalOffset };
	const pair = pairKey(param.code, key, canonical.key);
	return someRange(row, moved, ({ lo, hi, k }) => sql`${k} = ${pair} AND ${numberCondition(canonical.value, lo, hi)}`);
}
