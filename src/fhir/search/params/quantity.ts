// Quantity parameters: without a unit the number alone; with a UCUM unit in canonical units, so that 5 mg finds 0.005 g;
// with another code the number with that very unit; without a system either will do. https://hl7.org/fhir/R4/search.html#quantity
import { raw, type Sql, sql } from '#db/sql.ts';
import type { QuantityValue, Value } from '#fhir/search/query.ts';
import { canonicalOffset, type SearchParam } from '#fhir/search/registry.ts';
import { unitKey } from '#fhir/store/keys.ts';
import { canonicalQuantity, ucumSystem } from '#fhir/store/units.ts';
import { numberCondition } from './interval.ts';
import { anyOf, column, type Row, someRange } from './row.ts';

/** The condition that one of the values holds for one of the parameter's quantities. */
export function quantityCondition(row: Row, param: SearchParam, values: readonly Value[]): Sql {
	return anyOf(values.map((value) => (value.is === 'quantity' ? oneCondition(row, param, value) : raw('false'))));
}

function oneCondition(row: Row, param: SearchParam, value: QuantityValue): Sql {
	const canonical = inCanonicalUnit(value);
	if (param.storage.in === 'quantity') {
		const qv = column(row, 'qv');
		const qc = column(row, 'qc');
		const number = numberCondition(value, qv, qv);
		if (value.code === undefined) return number;
		const qk = column(row, 'qk');
		const ways = [];
		if (canonical !== undefined) ways.push(sql`(${qk} = ${canonical.key} AND ${numberCondition(canonical.value, qc, qc)})`);
		if (value.system !== ucumSystem) ways.push(sql`(${qk} = ${unitKey(value.code)} AND ${number})`);
		return anyOf(ways);
	}
	const ways = [];
	if (canonical !== undefined) {
		const moved = { ...param, number: param.number + canonicalOffset };
		ways.push(someRange(row, moved, ({ lo, hi, k }) => sql`${k} = ${canonical.key} AND ${numberCondition(canonical.value, lo, hi)}`));
	}
	if (canonical === undefined || value.system !== ucumSystem) {
		const { code } = value;
		ways.push(
			someRange(row, param, ({ lo, hi, k }) => {
				const number = numberCondition(value, lo, hi);
				return code === undefined ? number : sql`${k} = ${unitKey(code)} AND ${number}`;
			}),
		);
	}
	return anyOf(ways);
}

/** The searched number and what it leaves open in base units; undefined when the unit is not a UCUM one. */
export function inCanonicalUnit(value: QuantityValue): { key: string; value: QuantityValue } | undefined {
	if (value.code === undefined || (value.system !== undefined && value.system !== ucumSystem)) return undefined;
	const at = (number: number): number | undefined => canonicalQuantity(number, ucumSystem, value.code)?.value;
	const exact = canonicalQuantity(value.value, ucumSystem, value.code);
	const [lo, hi] = [at(value.lo), at(value.hi)];
	if (exact === undefined || lo === undefined || hi === undefined) return undefined;
	return { key: unitKey(exact.unit), value: { ...value, value: exact.value, lo, hi } };
}
