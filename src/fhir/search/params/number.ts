// Number parameters. https://hl7.org/fhir/R4/search.html#number
import type { Sql } from '#db/sql.ts';
import type { Value } from '#fhir/search/query.ts';
import type { SearchParam } from '#fhir/search/registry.ts';
import { numberCondition } from './interval.ts';
import { anyOf, type Row, someRange } from './row.ts';

/** The condition that one of the values holds for one of the parameter's numbers. */
export function numberParamCondition(row: Row, param: SearchParam, values: readonly Value[]): Sql {
	return someRange(row, param.number, ({ lo, hi }) =>
		anyOf(values.map((value) => (value.is === 'number' ? numberCondition(value, lo, hi) : anyOf([])))),
	);
}
