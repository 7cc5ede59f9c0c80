// Sums, products and concatenation (http://hl7.org/fhirpath/N1/#math). What cannot be done gives nothing.
import { canonicalQuantity, ucumSystem } from '#fhir/store/units.ts';
import { amountOf } from './compare.ts';
import { shift } from './temporal.ts';
import { Amount, isComplex, scalar, Temporal } from './values.ts';

const longestText = 10_000_000;

/** Hides what binary fractions add to decimal ones; nothing for what is no number. */
export function exact(value: number): number | undefined {
	if (!Number.isFinite(value)) return undefined;
	return Number.isSafeInteger(value) ? value : Number(value.toPrecision(15));
}

/** A text that is not longer than makes sense. */
export function bounded(text: string): string | undefined {
	return text.length > longestText ? undefined : text;
}

type Work = (a: unknown, b: unknown) => unknown;

function numeric(work: (a: number, b: number) => number | undefined): Work {
	return (a, b) => {
		const result = typeof a === 'number' && typeof b === 'number' ? work(a, b) : undefined;
		return result === undefined ? undefined : exact(result);
	};
}

const addNumbers = numeric((a, b) => a + b);
const subtractNumbers = numeric((a, b) => a - b);
const multiplyNumbers = numeric((a, b) => a * b);
const divideNumbers = numeric((a, b) => (b === 0 ? undefined : a / b));

function add(a: unknown, b: unknown): unknown {
	if (typeof a === 'number' && typeof b === 'number') return addNumbers(a, b);
	if (typeof a === 'string' && typeof b === 'string') return bounded(a + b);
	return moved(a, b, 1) ?? combined(a, b, 1);
}

function subtract(a: unknown, b: unknown): unknown {
	if (typeof a === 'number' && typeof b === 'number') return subtractNumbers(a, b);
	return moved(a, b, -1) ?? combined(a, b, -1);
}

/** A date or time and a quantity of time. */
function moved(date: unknown, by: unknown, sign: number): Temporal | undefined {
	const amount = by instanceof Amount || isComplex(by) ? amountOf(by) : undefined;
	if (amount === undefined) return undefined;
	if (date instanceof Temporal) return shift(date, amount, sign);
	if (typeof date !== 'string') return undefined;
	return shift(new Temporal(date, date.length > 10 ? 'DateTime' : date.includes(':') ? 'Time' : 'Date'), amount, sign);
}

/** The sum of two quantities, in the finer of their units where both are of one dimension. */
function combined(a: unknown, b: unknown, sign: number): Amount | undefined {
	const [x, y] = amounts(a, b);
	if (x === undefined || y === undefined) return undefined;
	if (x.unit === y.unit) return amount(x.value + sign * y.value, x);
	const [one, other] = [factor(x), factor(y)];
	if (one === undefined || other === undefined || one.dimension !== other.dimension) return undefined;
	const finest = one.value <= other.value ? { unit: x, size: one.value } : { unit: y, size: other.value };
	return amount((x.value * one.value + sign * y.value * other.value) / finest.size, finest.unit);
}

/** Both as quantities, when one of them is. */
function amounts(a: unknown, b: unknown): [Amount | undefined, Amount | undefined] {
	return typeof a === 'number' && typeof b === 'number' ? [undefined, undefined] : [amountOf(a), amountOf(b)];
}

function factor({ unit, calendar }: Amount): { readonly value: number; readonly dimension: string } | undefined {
	const canonical = calendar ? undefined : canonicalQuantity(1, ucumSystem, unit);
	return canonical === undefined ? undefined : { value: canonical.value, dimension: canonical.unit };
}

function amount(value: number, { unit, calendar }: Amount): Amount | undefined {
	const rounded = exact(value);
	return rounded === undefined ? undefined : new Amount(rounded, unit, calendar);
}

function multiply(a: unknown, b: unknown): unknown {
	if (typeof a === 'number' && typeof b === 'number') return multiplyNumbers(a, b);
	const [x, y] = amounts(a, b);
	if (x === undefined || y === undefined || (x.calendar && y.calendar)) return undefined;
	if (y.unit === '1') return amount(x.value * y.value, x);
	if (x.unit === '1') return amount(x.value * y.value, y);
	return amount(x.value * y.value, new Amount(1, `(${x.unit}).(${y.unit})`));
}

function divide(a: unknown, b: unknown): unknown {
	if (typeof a === 'number' && typeof b === 'number') return divideNumbers(a, b);
	const [x, y] = amounts(a, b);
	if (x === undefined || y === undefined || y.value === 0) return undefined;
	if (y.unit === '1') return amount(x.value / y.value, x);
	if (x.unit === y.unit) return amount(x.value / y.value, new Amount(1, '1'));
	const [one, other] = [factor(x), factor(y)];
	if (one !== undefined && other !== undefined && one.dimension === other.dimension)
		return amount((x.value * one.value) / (y.value * other.value), new Amount(1, '1'));
	return x.calendar || y.calendar ? undefined : amount(x.value / y.value, new Amount(1, `(${x.unit})/(${y.unit})`));
}

/** Operators over two single values; Decimals come as their numbers. */
const works: Readonly<Record<string, Work>> = {
	'+': add,
	'-': subtract,
	'*': multiply,
	'/': divide,
	div: numeric((a, b) => (b === 0 ? undefined : Math.trunc(a / b))),
	mod: numeric((a, b) => (b === 0 ? undefined : a % b)),
};

/** The work of an arithmetic operator; undefined for any other. */
export function arithmetic(op: string): Work | undefined {
	const work = Object.hasOwn(works, op) ? works[op] : undefined;
	return work === undefined ? undefined : (a, b) => work(scalar(a), scalar(b));
}
