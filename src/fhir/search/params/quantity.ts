// Quantity parameters: without a unit the number alone; with a UCUM unit in canonical units, so that 5 mg finds 0.005 g; with another
// system the number with that very code; without a system the number with that code or human unit.
// https://hl7.org/fhir/R4/search.html#quantity
import { raw, type Sql, sql } from '#db/sql.ts';
import type { QuantityValue, Value } from '#fhir/search/query.ts';
import type { SearchParam } from '#fhir/search/registry.ts';
import { canonicalOffset } from '#fhir/store/collector.ts';
import { exactKey, unitKey, unitKeys } from '#fhir/store/keys.ts';
import { canonicalQuantity, ucumSystem } from '#fhir/store/units.ts';
import { numberCondition } from './interval.ts';
import { allOf, anyOf, column, hasAny, type Row, someRange } from './row.ts';

/** The condition that one of the values holds for one of the parameter's quantities. */
export function quantityCondition(row: Row, param: SearchParam, values: readonly Value[]): Sql {
	const one = param.storage.in === 'quantity' ? inColumns : inRanges;
	return anyOf(values.map((value) => (value.is === 'quantity' ? one(row, param, value) : raw('false'))));
}

function inColumns(row: Row, param: SearchParam, value: QuantityValue): Sql {
	const [qv, qc, qk] = [column(row, 'qv'), column(row, 'qc'), column(row, 'qk')];
	const number = numberCondition(value, qv, qv);
	const { code, system } = value;
	if (code === undefined) return number;
	if (system === undefined) return allOf([number, hasAny(row, [exactKey(param.code, code)])]);
	const canonical = inCanonicalUnit(value);
	if (canonical === undefined) return sql`(${qk} = ${unitKey(code, system)} AND ${number})`;
	return sql`(${qk} = ${unitKey(canonical.unit)} AND ${numberCondition(canonical.value, qc, qc)})`;
}

function inRanges(row: Row, param: SearchParam, value: QuantityValue): Sql {
	const { code, system } = value;
	const canonical = inCanonicalUnit(value);
	if (canonical !== undefined) {
		const key = unitKey(canonical.unit);
		return someRange(row, param.number + canonicalOffset, ({ lo, hi, k }) =>
			allOf([sql`${k} = ${key}`, numberCondition(canonical.value, lo, hi)]),
		);
	}
	return someRange(row, param.number, ({ lo, hi, k }) => {
		const number = numberCondition(value, lo, hi);
		if (code === undefined) return number;
		if (system !== undefined) return allOf([sql`${k} = ${unitKey(code, system)}`, number]);
		const [from, to] = unitKeys(code);
		return allOf([sql`${k} BETWEEN ${from} AND ${to}`, number]);
	});
}

/** The searched number and what it leaves open in base units; undefined when the system is not UCUM or does not know the unit. */
export function inCanonicalUnit(value: QuantityValue): { unit: string; value: QuantityValue } | undefined {
	if (value.system !== ucumSystem) return undefined;
	const at = (number: number): { value: number; unit: string } | undefined => canonicalQuantity(number, ucumSystem, value.code);
	const [exact, lo, hi] = [at(value.value), at(value.lo), at(value.hi)];
	if (exact === undefined || lo === undefined || hi === undefined) return undefined;
	return { unit: exact.unit, value: { ...value, value: exact.value, lo: lo.value, hi: hi.value } };
}
