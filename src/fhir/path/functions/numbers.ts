// Mathematics (http://hl7.org/fhirpath/N1/#math) and the sums over a collection that aggregate() is mostly written for.
import { arithmetic, exact } from '#fhir/path/arithmetic.ts';
import { amountOf, order } from '#fhir/path/compare.ts';
import { type Items, listOf } from '#fhir/path/items.ts';
import { Amount, scalar } from '#fhir/path/values.ts';
import { type Make, ofItems, ofValue } from './call.ts';

/** A function of a number. */
function ofNumber(work: (input: number, argument: number) => number | undefined, type: string | undefined, least = 0, most = least): Make {
	return ofValue(
		(input, first) => {
			const [value, argument] = [scalar(input), scalar(first)];
			if (typeof value !== 'number' || (first !== undefined && typeof argument !== 'number')) return undefined;
			if (least > 0 && first === undefined) return undefined;
			const result = work(value, argument as number);
			return result === undefined ? undefined : exact(result);
		},
		type,
		least,
		most,
	);
}

/** A function of a number that keeps the unit of a quantity. */
function ofNumberOrQuantity(work: (input: number) => number): Make {
	return ofValue((input) => {
		const value = scalar(input);
		if (typeof value === 'number') return exact(work(value));
		const amount = amountOf(value);
		return amount === undefined ? undefined : new Amount(work(amount.value), amount.unit, amount.calendar);
	}, undefined);
}

/** Halves go up, in decimal notation. */
function rounded(input: number, digits = 0): number | undefined {
	if (digits < 0 || digits > 28 || !Number.isInteger(digits)) return undefined;
	if (String(input).includes('e')) return Number(input.toFixed(Math.min(digits, 20)));
	return Number(`${Math.round(Number(`${input}e${digits}`))}e-${digits}`);
}

function sum(items: Items): unknown {
	const add = arithmetic('+');
	const [first, ...rest] = listOf(items);
	return rest.reduce((total, item) => (total === undefined ? undefined : add?.(total, item)), scalar(first));
}

function extreme(sign: number): Make {
	return ofItems((items) => {
		let best: unknown;
		for (const item of listOf(items)) {
			const compared = best === undefined ? sign : order(item, best);
			if (compared === undefined) return undefined;
			if (compared * sign > 0) best = item;
		}
		return best;
	});
}

const integer = 'System.Integer';
const decimal = 'System.Decimal';

export const numberFunctions: Readonly<Record<string, Make>> = {
	abs: ofNumberOrQuantity(Math.abs),
	ceiling: ofNumber(Math.ceil, integer),
	floor: ofNumber(Math.floor, integer),
	truncate: ofNumber(Math.trunc, integer),
	exp: ofNumber(Math.exp, decimal),
	ln: ofNumber((input) => (input > 0 ? Math.log(input) : undefined), decimal),
	log: ofNumber((input, base) => (input > 0 && base > 0 && base !== 1 ? Math.log(input) / Math.log(base) : undefined), decimal, 1),
	power: ofNumber((input, exponent) => input ** exponent, undefined, 1),
	round: ofNumber(rounded, decimal, 0, 1),
	sqrt: ofNumber((input) => (input < 0 ? undefined : Math.sqrt(input)), decimal),
	sum: ofItems(sum),
	avg: ofItems((items) => arithmetic('/')?.(sum(items), listOf(items).length)),
	min: extreme(-1),
	max: extreme(1),
};
