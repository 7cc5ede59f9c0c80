// Composite parameters: of one and the same element. https://hl7.org/fhir/R4/search.html#composite
import { raw, type Sql, sql } from '#db/sql.ts';
import type { Value } from '#fhir/search/query.ts';
import type { SearchParam } from '#fhir/search/registry.ts';
import { canonicalOffset } from '#fhir/store/collector.ts';
import { codedKey, codedKeys, codeKey, pairKey, refKey, systemCodeKey, systemPart } from '#fhir/store/keys.ts';
import { inMilliseconds } from './date.ts';
import { intervalCondition, numberCondition } from './interval.ts';
import { inCanonicalUnit } from './quantity.ts';
import { allOf, anyOf, hasAny, type Row, someRange } from './row.ts';

/** How a component's own condition is written (compile.ts hands it in, since components are parameters like others). */
export type ComponentCondition = (row: Row, param: SearchParam, values: readonly Value[]) => Sql;

/** The condition that one element has all components of one of the values. */
export function compositeCondition(row: Row, param: SearchParam, values: readonly Value[], component: ComponentCondition): Sql {
	const { storage, components = [] } = param;
	if (storage.in !== 'composite') return raw('false');
	const { apart, pair } = storage;
	return anyOf(
		values.map((value) => {
			if (value.is !== 'composite') return raw('false');
			const alone = apart.map((i) => component(row, (components[i] as { param: SearchParam }).param, [value.parts[i] as Value]));
			return allOf(pair === undefined ? alone : [...alone, pairCondition(row, param, pair, value.parts)]);
		}),
	);
}

/** Stored together: two tokens as one key; a token with what is measured as a range under the token; two numbers as one range. */
function pairCondition(row: Row, param: SearchParam, [i, j]: readonly [number, number], parts: readonly Value[]): Sql {
	const [first, second] = [parts[i] as Value, parts[j] as Value];
	if (first.is === 'number' && second.is === 'number') {
		return someRange(row, param.number, ({ lo, hi }) => allOf([numberCondition(first, lo, lo), numberCondition(second, hi, hi)]));
	}
	if (first.is === 'token' && (second.is === 'quantity' || second.is === 'number' || second.is === 'date')) {
		return measuredUnder(row, param, first, second);
	}
	const [one, other] = [i, j].map((at) => (param.components ?? [])[at]?.param as SearchParam) as [SearchParam, SearchParam];
	const keys = partKeys(one, first).flatMap((a) => partKeys(other, second).map((b) => pairKey(param.code, a, b)));
	return hasAny(row, keys);
}

function partKeys(param: SearchParam, value: Value): string[] {
	if (value.is === 'reference') return value.targets.map(refKey);
	if (value.is !== 'token' || value.code === undefined) return [];
	if (value.system === undefined) return [codeKey('', value.code)];
	// Of an element of type code the system is not written.
	return [systemCodeKey('', value.system === param.system ? '' : value.system, value.code)];
}

type Token = Extract<Value, { is: 'token' }>;
type Measured = Extract<Value, { is: 'quantity' | 'number' | 'date' }>;

function measuredUnder(row: Row, param: SearchParam, token: Token, value: Measured): Sql {
	if (value.is === 'date') {
		return someRange(row, param.number, ({ lo, hi, k }) =>
			allOf([isUnder(k, token, undefined), intervalCondition(inMilliseconds(row, value), lo, hi)]),
		);
	}
	const canonical = value.is === 'quantity' ? inCanonicalUnit(value) : undefined;
	if (canonical !== undefined) {
		return someRange(row, param.number + canonicalOffset, ({ lo, hi, k }) =>
			allOf([isUnder(k, token, canonical.unit), numberCondition(canonical.value, lo, hi)]),
		);
	}
	const unit = value.is === 'quantity' ? value.code : undefined;
	return someRange(row, param.number, ({ lo, hi, k }) => allOf([isUnder(k, token, unit), numberCondition(value, lo, hi)]));
}

/** The key k is one of the token's code, with its system unless any will do, and with this unit unless any will do. */
function isUnder(k: Sql, { system, code }: Token, unit: string | undefined): Sql {
	if (code === undefined) return raw('false');
	if (system !== undefined && unit !== undefined) return sql`${k} = ${codedKey(code, unit, system)}`;
	const [from, to] = codedKeys(code, unit);
	const any = sql`${k} BETWEEN ${from} AND ${to}`;
	return system === undefined ? any : sql`(${any} AND ${k} % 10000 = ${raw(String(systemPart(system)))})`;
}
