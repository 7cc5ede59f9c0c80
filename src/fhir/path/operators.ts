// FHIRPath's binary operators (http://hl7.org/fhirpath/N1/#operations).
import type { Run } from './compile.ts';
import { compareTexts, partsOf, shift } from './temporal.ts';
import { Amount, bare, Temporal } from './values.ts';

/** The closure of `left op right`. */
export function binaryOperator(op: string, left: Run, right: Run): Run {
	const logic = logical[op];
	if (logic !== undefined) return (focus, scope) => logic(truth(left(focus, scope)), () => truth(right(focus, scope)));
	const collections = overCollections[op];
	if (collections !== undefined) return (focus, scope) => collections(left(focus, scope), right(focus, scope));
	const single = overSingles[op];
	if (single === undefined) throw new Error(`no operator ${op}`);
	return (focus, scope) => {
		const a = left(focus, scope);
		const b = right(focus, scope);
		if (a.length !== 1 || b.length !== 1)
			return op === '&' && a.length <= 1 && b.length <= 1 ? [String(bare(a[0]) ?? '') + String(bare(b[0]) ?? '')] : [];
		const result = single(bare(a[0]), bare(b[0]));
		return result === undefined ? [] : [result];
	};
}

/** A collection as a boolean: empty is unknown, one item that is not boolean is true (http://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections). */
export function truth(items: readonly unknown[]): boolean | undefined {
	if (items.length === 0) return undefined;
	const value = bare(items[0]);
	return typeof value === 'boolean' && items.length === 1 ? value : true;
}

function answer(value: boolean | undefined): unknown[] {
	return value === undefined ? [] : [value];
}

const logical: Readonly<Record<string, (a: boolean | undefined, b: () => boolean | undefined) => unknown[]>> = {
	and(a, right) {
		if (a === false) return [false];
		const b = right();
		return b === false ? [false] : answer(a === true && b === true ? true : undefined);
	},
	or(a, right) {
		if (a === true) return [true];
		const b = right();
		return b === true ? [true] : answer(a === false && b === false ? false : undefined);
	},
	xor(a, right) {
		const b = right();
		return answer(a === undefined || b === undefined ? undefined : a !== b);
	},
	implies(a, right) {
		if (a === false) return [true];
		const b = right();
		if (b === true) return [true];
		return answer(a === true ? b : undefined);
	},
};

const overCollections: Readonly<Record<string, (a: unknown[], b: unknown[]) => unknown[]>> = {
	'|': (a, b) => distinct([...a, ...b]),
	'=': (a, b) => answer(equalLists(a, b)),
	'!=': (a, b) => answer(negate(equalLists(a, b))),
	'~': (a, b) => [equivalentLists(a, b)],
	'!~': (a, b) => [!equivalentLists(a, b)],
	in: (a, b) => (a.length === 0 ? [] : [b.some((item) => equal(item, a[0]) === true)]),
	contains: (a, b) => (b.length === 0 ? [] : [a.some((item) => equal(item, b[0]) === true)]),
};

function negate(value: boolean | undefined): boolean | undefined {
	return value === undefined ? undefined : !value;
}

function equalLists(a: readonly unknown[], b: readonly unknown[]): boolean | undefined {
	if (a.length === 0 || b.length === 0) return undefined;
	if (a.length !== b.length) return false;
	let result: boolean | undefined = true;
	for (let i = 0; i < a.length; i++) {
		const same = equal(a[i], b[i]);
		if (same === false) return false;
		if (same === undefined) result = undefined;
	}
	return result;
}

function equivalentLists(a: readonly unknown[], b: readonly unknown[]): boolean {
	if (a.length !== b.length) return false;
	const rest = [...b];
	return a.every((item) => {
		const at = rest.findIndex((other) => equivalent(item, other));
		if (at >= 0) rest.splice(at, 1);
		return at >= 0;
	});
}

/** Items without repeats, first ones kept. */
export function distinct(items: readonly unknown[]): unknown[] {
	if (items.length < 2) return [...items];
	const seen = new Set<unknown>();
	const kept: unknown[] = [];
	for (const item of items) {
		const value = bare(item);
		if (value === null || typeof value !== 'object') {
			if (seen.has(value)) continue;
			seen.add(value);
		} else if (kept.some((other) => equal(other, item) === true)) continue;
		kept.push(item);
	}
	return kept;
}

/** FHIRPath equality of two items; undefined when precisions do not allow to say. */
export function equal(left: unknown, right: unknown): boolean | undefined {
	const a = bare(left);
	const b = bare(right);
	if (a === b) return true;
	if (a instanceof Temporal || b instanceof Temporal) return temporalEqual(a, b);
	if (a instanceof Amount || b instanceof Amount) {
		const [x, y] = [amount(a), amount(b)];
		return x !== undefined && y !== undefined && x.unit === y.unit && x.value === y.value;
	}
	if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object')
		return typeof a === 'string' && typeof b === 'string' && looksTemporal(a) && looksTemporal(b) ? temporalEqual(a, b) : false;
	return sameObjects(a as Record<string, unknown>, b as Record<string, unknown>);
}

function sameObjects(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
	if (Array.isArray(a) !== Array.isArray(b)) return false;
	const keys = Object.keys(a);
	return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]) === true);
}

function looksTemporal(text: string): boolean {
	return text.length >= 10 && text.includes('T') && partsOf(text) !== undefined;
}

function temporalEqual(a: unknown, b: unknown): boolean | undefined {
	const [x, y] = [temporalText(a), temporalText(b)];
	if (x === undefined || y === undefined) return false;
	const order = compareTexts(x, y);
	return order === undefined ? undefined : order === 0;
}

function temporalText(value: unknown): string | undefined {
	const text = value instanceof Temporal ? value.text : value;
	return typeof text === 'string' && partsOf(text) !== undefined ? text : undefined;
}

/** Equivalence: case and white space do not matter in strings, nor order in lists. */
export function equivalent(left: unknown, right: unknown): boolean {
	const a = bare(left);
	const b = bare(right);
	if (typeof a === 'string' && typeof b === 'string') return fold(a) === fold(b);
	if (typeof a === 'number' && typeof b === 'number') return Math.abs(a - b) < 1e-8;
	return equal(a, b) === true;
}

function fold(text: string): string {
	return text.toLowerCase().replace(/\s+/g, ' ').trim();
}

function amount(value: unknown): Amount | undefined {
	if (value instanceof Amount) return value;
	if (typeof value === 'number') return new Amount(value, '1');
	const quantity = value as { value?: unknown; code?: unknown; unit?: unknown } | null;
	if (quantity === null || typeof quantity !== 'object' || typeof quantity.value !== 'number') return undefined;
	return new Amount(quantity.value, String(quantity.code ?? quantity.unit ?? '1'));
}

/** -1, 0, 1, or undefined when the items cannot be compared. */
export function compare(a: unknown, b: unknown): number | undefined {
	if (typeof a === 'number' && typeof b === 'number') return a < b ? -1 : a > b ? 1 : 0;
	const [x, y] = [temporalText(a), temporalText(b)];
	if (x !== undefined && y !== undefined) return compareTexts(x, y);
	if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
	const [p, q] = [amount(a), amount(b)];
	if (p === undefined || q === undefined || p.unit !== q.unit) return undefined;
	return p.value < q.value ? -1 : p.value > q.value ? 1 : 0;
}

function moved(date: unknown, amount: Amount, sign: number): Temporal | undefined {
	if (date instanceof Temporal) return shift(date, amount, sign);
	return typeof date === 'string' ? shift(new Temporal(date, date.length > 10 ? 'DateTime' : 'Date'), amount, sign) : undefined;
}

const overSingles: Readonly<Record<string, (a: unknown, b: unknown) => unknown>> = {
	'<': (a, b) => ordered(a, b, (order) => order < 0),
	'>': (a, b) => ordered(a, b, (order) => order > 0),
	'<=': (a, b) => ordered(a, b, (order) => order <= 0),
	'>=': (a, b) => ordered(a, b, (order) => order >= 0),
	'+'(a, b) {
		if (typeof a === 'number' && typeof b === 'number') return round(a + b);
		if (b instanceof Amount && (a instanceof Temporal || typeof a === 'string')) return moved(a, b, 1);
		return typeof a === 'string' && typeof b === 'string' ? a + b : undefined;
	},
	'-'(a, b) {
		if (typeof a === 'number' && typeof b === 'number') return round(a - b);
		return b instanceof Amount && (a instanceof Temporal || typeof a === 'string') ? moved(a, b, -1) : undefined;
	},
	'*': (a, b) => numeric(a, b, (x, y) => round(x * y)),
	'/': (a, b) => numeric(a, b, (x, y) => (y === 0 ? undefined : round(x / y))),
	div: (a, b) => numeric(a, b, (x, y) => (y === 0 ? undefined : Math.trunc(x / y))),
	mod: (a, b) => numeric(a, b, (x, y) => (y === 0 ? undefined : round(x % y))),
	'&': (a, b) => String(a ?? '') + String(b ?? ''),
};

/** Hides what binary fractions add to decimal ones. */
function round(value: number): number {
	return Number(value.toPrecision(15));
}

function numeric(a: unknown, b: unknown, work: (x: number, y: number) => number | undefined): number | undefined {
	return typeof a === 'number' && typeof b === 'number' ? work(a, b) : undefined;
}

function ordered(a: unknown, b: unknown, holds: (order: number) => boolean): boolean | undefined {
	const order = compare(a, b);
	return order === undefined ? undefined : holds(order);
}
