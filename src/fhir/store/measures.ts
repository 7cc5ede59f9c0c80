// Quantities and Ranges as intervals of numbers, with the units they are written in and, where UCUM knows it, in canonical units.
import { canonicalQuantity } from './units.ts';

type Json = Record<string, unknown>;

/** What lies on a scale, from lo to hi; an open end is ±Infinity. */
export type Measure = {
	readonly lo: number;
	readonly hi: number;
	/** The unit's code with its system, and the unit as people read it (without a system) when that is another text. */
	readonly units: readonly { readonly text: string; readonly system: string }[];
	readonly canonical: { readonly lo: number; readonly hi: number; readonly unit: string } | undefined;
};

/** A Quantity, Age, Duration or Money. A comparator moves the value just off its bound: `<5` is less than 5. */
export function measureOf(value: Json): Measure | undefined {
	const { value: held, comparator } = value;
	const written = Number(held);
	if (held === undefined || held === null || !Number.isFinite(written)) return undefined;
	const moved = (number: number): number => (comparator === '<' ? beside(number, -1) : comparator === '>' ? beside(number, 1) : number);
	const canonical = canonicalOf(written, value);
	const [amount, inBase] = [moved(written), moved(canonical?.value ?? 0)];
	return { lo: amount, hi: amount, units: unitsOf(value), canonical: canonical && { lo: inBase, hi: inBase, unit: canonical.unit } };
}

/** A Range: from its low to its high end, of which one may be open. */
export function rangeOf(value: Json): Measure | undefined {
	const low = (value.low ?? undefined) as Json | undefined;
	const high = (value.high ?? undefined) as Json | undefined;
	const lo = low?.value === undefined ? Number.NEGATIVE_INFINITY : Number(low.value);
	const hi = high?.value === undefined ? Number.POSITIVE_INFINITY : Number(high.value);
	if (Number.isNaN(lo) || Number.isNaN(hi) || (low?.value === undefined && high?.value === undefined)) return undefined;
	const from = low?.value === undefined ? undefined : canonicalOf(lo, low);
	const to = high?.value === undefined ? undefined : canonicalOf(hi, high);
	const unit = from?.unit ?? to?.unit;
	const known =
		unit !== undefined && (low?.value === undefined) === (from === undefined) && (high?.value === undefined) === (to === undefined);
	return {
		lo,
		hi,
		units: unitsOf((low?.value === undefined ? high : low) as Json),
		canonical: known ? { lo: from?.value ?? lo, hi: to?.value ?? hi, unit } : undefined,
	};
}

const currencies = 'urn:iso:std:iso:4217';

function unitsOf({ code, unit, system, currency }: Json): Measure['units'] {
	if (typeof currency === 'string') return [{ text: currency, system: currencies }];
	const units: { text: string; system: string }[] = [];
	if (typeof code === 'string') units.push({ text: code, system: typeof system === 'string' ? system : '' });
	if (typeof unit === 'string' && unit !== code) units.push({ text: unit, system: '' });
	return units;
}

function canonicalOf(amount: number, { system, code }: Json): { readonly value: number; readonly unit: string } | undefined {
	return canonicalQuantity(amount, typeof system === 'string' ? system : undefined, typeof code === 'string' ? code : undefined);
}

/** The next number that a double can hold, upwards or downwards. */
function beside(value: number, direction: 1 | -1): number {
	if (value === 0) return direction * Number.MIN_VALUE;
	const bits = new BigInt64Array(new Float64Array([value]).buffer);
	bits[0] = (bits[0] as bigint) + BigInt(value > 0 === direction > 0 ? 1 : -1);
	return new Float64Array(bits.buffer)[0] as number;
}
