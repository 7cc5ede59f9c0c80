// Composite parameters: of one and the same element. https://hl7.org/fhir/R4/search.html#composite
import type { Sql } from '#db/sql.ts';
import { raw, sql } from '#db/sql.ts';
import type { QuantityValue, TokenValue, Value } from '#fhir/search/query.ts';
import { canonicalOffset, type SearchParam } from '#fhir/search/registry.ts';
import { pairKey } from '#fhir/store/keys.ts';
import { numberCondition } from './interval.ts';
import { inCanonicalUnit } from './quantity.ts';
import { allOf, anyOf, hasAny, type Row, someRange } from './row.ts';
import { tokenKeysOf } from './token.ts';

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

function pairCondition(row: Row, param: SearchParam, parts: readonly Value[]): Sql {
	const [first, second] = parts;
	if (first?.is !== 'token') return raw('false');
	return first === second ? raw('false') : sql`${hasAny(row, [])}`;
}
