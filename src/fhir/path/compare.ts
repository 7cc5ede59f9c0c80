// Equality, equivalence and order of items (http://hl7.org/fhirpath/N1/#equality, #comparison).
import { canonicalQuantity, ucumSystem } from '#fhir/store/units.ts';
import { type Items, listOf, sizeOf } from './items.ts';
import { compareTexts, mayBeTime, partsOf, unitMs } from './temporal.ts';
import { definite } from './text.ts';
import { type Sort, sortOfItem } from './types.ts';
import { Amount, isComplex, scalar, Temporal, Typed } from './values.ts';

/** `a = b`: undefined when one side is empty, or precision or units do not allow to say. */
export function equalItems(a: Items, b: Items, sortA?: Sort, sortB?: Sort): boolean | undefined {
	if (!Array.isArray(a) && !Array.isArray(b)) return a === undefined || b === undefined ? undefined : equal(a, b, sortA, sortB);
	const [left, right] = [listOf(a), listOf(b)];
	if (left.length === 0 || right.length === 0) return undefined;
	if (left.length !== right.length) return false;
	let result: boolean | undefined = true;
	for (const [i, item] of left.entries()) {
		const same = equal(item, right[i], sortA, sortB);
		if (same === false) return false;
		if (same === undefined) result = undefined;
	}
	return result;
}

/** Equality of two items. */
export function equal(left: unknown, right: unknown, sortLeft?: Sort, sortRight?: Sort): boolean | undefined {
	const [a, b] = [scalar(left), scalar(right)];
	if (a === b) return a !== undefined || left === right;
	// A primitive that has only extensions equals no value.
	if (a === undefined || b === undefined || a === null || b === null) return false;
	if (typeof a === 'string' && typeof b === 'string') return equalStrings(a, b, sortOfItem(left, sortLeft), sortOfItem(right, sortRight));
	if (a instanceof Temporal || b instanceof Temporal) {
		const [x, y] = [temporalText(a, sortOfItem(left, sortLeft)), temporalText(b, sortOfItem(right, sortRight))];
		return x === undefined || y === undefined ? false : equalTimes(x, y);
	}
	if (a instanceof Amount || b instanceof Amount) return equalAmounts(amountOf(a), amountOf(b));
	if (!isComplex(a) || !isComplex(b)) return false;
	if (sameMembers(a, b)) return true;
	const [x, y] = [amountOf(a), amountOf(b)];
	return x !== undefined && y !== undefined && equalAmounts(x, y);
}

function equalStrings(a: string, b: string, sortA: Sort, sortB: Sort): boolean | undefined {
	if (sortA === 'text' || sortB === 'text') return false;
	// Where the type is not known, only what has a time of day is taken for more than a text.
	const times = sortA === 'temporal' || sortB === 'temporal' || (a.includes('T') && b.includes('T'));
	return times && mayBeTime(a) && mayBeTime(b) ? equalTimes(a, b) : false;
}

function equalTimes(a: string, b: string): boolean | undefined {
	const order = compareTexts(a, b);
	if (order !== undefined) return order === 0;
	const [x, y] = [partsOf(a), partsOf(b)];
	return x === undefined || y === undefined || x.time !== y.time ? false : undefined;
}

/** The text of a date or time, and of a string that may be one. */
function temporalText(value: unknown, sort: Sort): string | undefined {
	if (value instanceof Temporal) return value.text;
	return typeof value === 'string' && sort !== 'text' && mayBeTime(value) ? value : undefined;
}

function equalAmounts(a: Amount | undefined, b: Amount | undefined): boolean | undefined {
	if (a === undefined || b === undefined) return false;
	const order = orderAmounts(a, b);
	return order === undefined ? undefined : order === 0;
}

function sameMembers(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
	const keys = Object.keys(a);
	return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]));
}

function sameJson(a: unknown, b: unknown): boolean {
	const [x, y] = [scalar(a), scalar(b)];
	if (x === y) return true;
	if (Array.isArray(x) || Array.isArray(y))
		return Array.isArray(x) && Array.isArray(y) && x.length === y.length && x.every((item, i) => sameJson(item, y[i]));
	if (typeof x === 'string' && typeof y === 'string') return equalStrings(x, y, undefined, undefined) === true;
	return isComplex(x) && isComplex(y) && sameMembers(x, y);
}

/** `a ~ b`: two empty sides are equivalent, and order does not matter. */
export function equivalentItems(a: Items, b: Items): boolean {
	if (sizeOf(a) !== sizeOf(b)) return false;
	const rest = [...listOf(b)];
	return listOf(a).every((item) => {
		const at = rest.findIndex((other) => equivalent(item, other));
		if (at >= 0) rest.splice(at, 1);
		return at >= 0;
	});
}

/** Equivalence of two items: case and kind of white space do not matter, numbers agree as far as the less precise one says. */
function equivalent(left: unknown, right: unknown): boolean {
	const [a, b] = [scalar(left), scalar(right)];
	if (a === b) return true;
	if (typeof a === 'string' && typeof b === 'string') return fold(a) === fold(b) || equal(left, right) === true;
	if (typeof a === 'number' && typeof b === 'number') return equivalentNumbers(a, b);
	if (a instanceof Amount || b instanceof Amount) return equivalentAmounts(amountOf(a), amountOf(b));
	if (isComplex(a) && isComplex(b)) {
		const keys = Object.keys(a);
		const alike = (key: string): boolean => Object.hasOwn(b, key) && equivalentItems(a[key], b[key]);
		return (keys.length === Object.keys(b).length && keys.every(alike)) || equal(left, right) === true;
	}
	return equal(left, right) === true;
}

function fold(text: string): string {
	return text.toLowerCase().replace(/\s/g, ' ');
}

function equivalentNumbers(a: number, b: number): boolean {
	const digits = Math.min(decimalsOf(a), decimalsOf(b));
	return a.toFixed(digits) === b.toFixed(digits);
}

function decimalsOf(value: number): number {
	const [mantissa = '', exponent = '0'] = String(value).split('e');
	return Math.min(Math.max((mantissa.split('.')[1] ?? '').length - Number(exponent), 0), 20);
}

function equivalentAmounts(a: Amount | undefined, b: Amount | undefined): boolean {
	if (a === undefined || b === undefined) return false;
	const [x, y] = a.calendar === b.calendar ? [a, b] : [definite(a), definite(b)];
	if (x.unit === y.unit) return equivalentNumbers(x.value, y.value);
	return orderAmounts(x, y) === 0;
}

/** -1, 0 or 1; undefined when the items cannot be compared. */
export function order(left: unknown, right: unknown, sortLeft?: Sort, sortRight?: Sort): number | undefined {
	const [a, b] = [scalar(left), scalar(right)];
	if (typeof a === 'number' && typeof b === 'number') return Math.sign(a - b);
	if (typeof a === 'string' && typeof b === 'string') {
		const [x, y] = [sortOfItem(left, sortLeft), sortOfItem(right, sortRight)];
		if (
			x === 'temporal' ||
			y === 'temporal' ||
			(x === undefined && y === undefined && partsOf(a) !== undefined && partsOf(b) !== undefined)
		)
			return compareTexts(a, b);
		return a < b ? -1 : a > b ? 1 : 0;
	}
	if (a instanceof Temporal || b instanceof Temporal) {
		const [x, y] = [temporalText(a, sortOfItem(left, sortLeft)), temporalText(b, sortOfItem(right, sortRight))];
		return x === undefined || y === undefined ? undefined : compareTexts(x, y);
	}
	const [x, y] = [amountOf(a), amountOf(b)];
	return x === undefined || y === undefined ? undefined : orderAmounts(x, y);
}

/** A quantity, number or FHIR Quantity as an amount; undefined for anything else, and for a Quantity that is only a bound. */
export function amountOf(value: unknown): Amount | undefined {
	if (value instanceof Amount) return value;
	if (typeof value === 'number') return new Amount(value, '1');
	if (!isComplex(value)) return undefined;
	const { value: held, code, unit, system, comparator } = value;
	const number = scalar(held);
	if (typeof number !== 'number' || comparator !== undefined) return undefined;
	if (typeof code !== 'string') return new Amount(number, typeof unit === 'string' ? unit : '1');
	return new Amount(number, system === undefined || system === ucumSystem ? code : `${String(system)}|${code}`);
}

function orderAmounts(a: Amount, b: Amount): number | undefined {
	if (a.calendar !== b.calendar) {
		const [x, y] = [shortDuration(a), shortDuration(b)];
		return x === undefined || y === undefined ? undefined : orderAmounts(x, y);
	}
	if (a.unit === b.unit) return Math.sign(a.value - b.value);
	return a.calendar ? orderDurations(a, b) : orderCanonical(a, b);
}

/** Only from weeks down is a calendar's duration the same as a definite one. */
function shortDuration(amount: Amount): Amount | undefined {
	return amount.calendar && (amount.unit === 'year' || amount.unit === 'month') ? undefined : definite(amount);
}

const months: Readonly<Record<string, number>> = { year: 12, month: 1 };
const days: Readonly<Record<string, number>> = { year: 365, month: 30 };

function orderDurations(a: Amount, b: Amount): number | undefined {
	const size = a.unit in months && b.unit in months ? (unit: string) => months[unit] : calendarMs;
	const [x, y] = [size(a.unit), size(b.unit)];
	return x === undefined || y === undefined ? undefined : Math.sign(a.value * x - b.value * y);
}

/** Milliseconds of a unit of the calendar, by the conversion factors of toQuantity(). */
function calendarMs(unit: string): number | undefined {
	return unitMs(unit) ?? (Object.hasOwn(days, unit) ? (days[unit] as number) * 86_400_000 : undefined);
}

function orderCanonical(a: Amount, b: Amount): number | undefined {
	const [x, y] = [canonicalQuantity(a.value, ucumSystem, a.unit), canonicalQuantity(b.value, ucumSystem, b.unit)];
	return x === undefined || y === undefined || x.unit !== y.unit ? undefined : Math.sign(x.value - y.value);
}

/** Items by what equal ones have in common, so that one is found among many without comparing it with each. */
export class Seen {
	readonly #simple = new Set<unknown>();
	readonly #objects = new Map<number, Record<string, unknown>[]>();

	/** Adds an item; false when an equal one is there. */
	add(item: unknown): boolean {
		const identity = identityOf(item);
		if (isComplex(identity)) return this.#addObject(identity);
		if (this.#simple.has(identity)) return false;
		this.#simple.add(identity);
		return true;
	}

	has(item: unknown): boolean {
		const identity = identityOf(item);
		if (!isComplex(identity)) return this.#simple.has(identity);
		return this.#objects.get(hashOf(identity))?.some((other) => sameMembers(identity, other)) ?? false;
	}

	#addObject(object: Record<string, unknown>): boolean {
		const hash = hashOf(object);
		const others = this.#objects.get(hash);
		if (others === undefined) this.#objects.set(hash, [object]);
		else if (others.some((other) => sameMembers(object, other))) return false;
		else others.push(object);
		return true;
	}
}

/** A primitive, an object of JSON, or for what is neither a text that no primitive of FHIR is. */
function identityOf(item: unknown): unknown {
	const value = scalar(item);
	if (value === undefined) return item instanceof Typed ? item.sibling : undefined;
	if (value instanceof Temporal) return value.text;
	if (!(value instanceof Amount)) return value;
	const canonical = value.calendar ? undefined : canonicalQuantity(value.value, ucumSystem, value.unit);
	return `\u0000${canonical === undefined ? `${value.value} ${value.unit}` : `${canonical.value} ${canonical.unit}`}`;
}

/** A number that equal objects share, whatever the order of their members. */
function hashOf(object: Record<string, unknown>): number {
	let hash = 0;
	for (const [key, member] of Object.entries(object)) hash = (hash + hashOfText(key) * 31 + hashOfValue(scalar(member))) | 0;
	return hash;
}

function hashOfValue(value: unknown): number {
	if (typeof value === 'string') return hashOfText(value);
	return typeof value === 'number' ? value | 0 : value === true ? 1 : 2;
}

function hashOfText(text: string): number {
	let hash = text.length;
	for (let i = 0; i < Math.min(text.length, 24); i++) hash = (hash * 31 + text.charCodeAt(text.length - 1 - i)) | 0;
	return hash;
}

/** Items without repeats, the first ones kept. */
export function distinct(items: Items): Items {
	if (!Array.isArray(items) || items.length < 2) return items;
	const seen = new Seen();
	const kept = items.filter((item) => seen.add(item));
	return kept.length === items.length ? items : kept;
}

/** Whether an item is among others. */
export function isIn(item: unknown, items: Items): boolean {
	if (!Array.isArray(items)) return items !== undefined && equal(item, items) === true;
	if (typeof item === 'string' && items.includes(item)) return true;
	return items.some((other) => equal(other, item) === true);
}
