// Partial dates and times: parsing, comparing as far as both sides say, and adding quantities of time.
// http://hl7.org/fhirpath/N1/#datetime-comparison
import { type Amount, Temporal } from './values.ts';

const datePattern = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:T(?:(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?)?(Z|[+-]\d\d:\d\d)?)?$/;
const timePattern = /^(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?$/;

/** Numbers from the year (or hour) on, as far as given; seconds carry their fraction. */
export type Parts = {
	readonly time: boolean;
	readonly zone: string | undefined;
	/** As written. */
	readonly local: readonly number[];
	/** In UTC when there is a zone. */
	readonly values: readonly number[];
};

/** The parts of a date, dateTime or time in FHIR's writing; undefined for any other text. */
export function partsOf(text: string): Parts | undefined {
	const time = timePattern.exec(text);
	if (time !== null) return inRange(numbers(time, 1, 4), 3) ? parts(true, undefined, numbers(time, 1, 4)) : undefined;
	const match = datePattern.exec(text);
	if (match === null) return undefined;
	const local = numbers(match, 1, 7);
	return inRange(local, 0) ? parts(false, match[7], local) : undefined;
}

function parts(time: boolean, zone: string | undefined, local: readonly number[]): Parts {
	return { time, zone, local, values: zone === undefined || local.length < 5 ? local : inUtc(local, zone) };
}

function numbers(match: RegExpExecArray, from: number, to: number): number[] {
	const values: number[] = [];
	for (let i = from; i < to && match[i] !== undefined; i++) values.push(Number(match[i]));
	return values;
}

const least = [0, 1, 1, 0, 0, 0];
const most = [9999, 12, 31, 23, 59, 60];

function inRange(values: readonly number[], from: number): boolean {
	return values.every((value, i) => value >= (least[i + from] as number) && value <= (most[i + from] as number));
}

function offsetMinutes(zone: string): number {
	if (zone === 'Z') return 0;
	return (zone.startsWith('-') ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6)));
}

function inUtc(local: readonly number[], zone: string): number[] {
	const [year = 0, month = 1, day = 1, hour = 0, minute = 0] = local;
	const moved = utc(year, month, day, hour, minute - offsetMinutes(zone));
	return [
		moved.getUTCFullYear(),
		moved.getUTCMonth() + 1,
		moved.getUTCDate(),
		moved.getUTCHours(),
		moved.getUTCMinutes(),
		...local.slice(5),
	];
}

/** As Date.UTC, without its reading of years below 100 as 19xx. */
function utc(year: number, month: number, day: number, hour: number, minute: number, ms = 0): Date {
	const date = new Date(0);
	date.setUTCFullYear(year, month - 1, day);
	date.setUTCHours(hour, minute, 0, ms);
	return date;
}

/** Whether a text begins as dates or times do: cheap, for what is parsed or compared next. */
export function mayBeTime(text: string): boolean {
	if (text.length < 2 || !isDigit(text, 0) || !isDigit(text, 1)) return false;
	if (text.length === 2 || text.charCodeAt(2) === 58) return true;
	return isDigit(text, 2) && isDigit(text, 3) && (text.length === 4 || text.charCodeAt(4) === 45);
}

function isDigit(text: string, at: number): boolean {
	const code = text.charCodeAt(at);
	return code >= 48 && code <= 57;
}

/** -1, 0 or 1; undefined when the two are of different kinds or one says too little. */
export function compareTexts(a: string, b: string): number | undefined {
	if (a.length === b.length) {
		if (a === b) return 0;
		// Same kind, same precision, same zone: the texts order as the times do.
		if (isTime(a) === isTime(b) && (a.length <= 10 || zoneOf(a) === zoneOf(b))) return a < b ? -1 : 1;
	}
	const [x, y] = [partsOf(a), partsOf(b)];
	return x === undefined || y === undefined ? undefined : compareParts(x, y);
}

function isTime(text: string): boolean {
	return text.charCodeAt(2) === 58 || text.length === 2;
}

function zoneOf(text: string): string {
	return text.endsWith('Z') ? 'Z' : text.slice(-6);
}

function compareParts(a: Parts, b: Parts): number | undefined {
	if (a.time !== b.time) return undefined;
	if ((a.zone === undefined) !== (b.zone === undefined)) return compareAcrossZones(a, b);
	return compareNumbers(a.values, b.values);
}

function compareNumbers(a: readonly number[], b: readonly number[]): number | undefined {
	const length = Math.min(a.length, b.length);
	for (let i = 0; i < length; i++) {
		const difference = (a[i] as number) - (b[i] as number);
		if (difference !== 0) return Math.sign(difference);
	}
	return a.length === b.length ? 0 : undefined;
}

const zonesMs = 14 * 3_600_000;

/** One side does not say its zone. A date is the day of wherever the other side is; of a time up to 14 hours are unknown. */
function compareAcrossZones(a: Parts, b: Parts): number | undefined {
	if (a.local.length <= 3 || b.local.length <= 3) return compareNumbers(a.local, b.local);
	const difference = instantOf(a) - instantOf(b);
	return Math.abs(difference) > zonesMs ? Math.sign(difference) : undefined;
}

function instantOf({ values }: Parts): number {
	const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = values;
	return utc(year, month, day, hour, minute, Math.round(second * 1000)).getTime();
}

/** Milliseconds of the units whose length never changes, by their words and UCUM codes. */
const fixedMs: Readonly<Record<string, number>> = {
	week: 604_800_000,
	wk: 604_800_000,
	day: 86_400_000,
	d: 86_400_000,
	hour: 3_600_000,
	h: 3_600_000,
	minute: 60_000,
	min: 60_000,
	second: 1000,
	s: 1000,
	millisecond: 1,
	ms: 1,
};

/** Milliseconds in a unit of time of fixed length. */
export function unitMs(unit: string): number | undefined {
	return Object.hasOwn(fixedMs, unit) ? fixedMs[unit] : undefined;
}

/** Days that a unit counts as where the date is coarser than the unit. */
const coarse: Readonly<Record<string, readonly [ordinal: number, perYear: number, perMonth: number]>> = {
	year: [0, 1, 1 / 12],
	month: [1, 12, 1],
	week: [2, 365 / 7, 30 / 7],
	day: [2, 365, 30],
	hour: [3, 365 * 24, 30 * 24],
	minute: [4, 365 * 1440, 30 * 1440],
	second: [5, 365 * 86_400, 30 * 86_400],
	millisecond: [5, 365 * 86_400_000, 30 * 86_400_000],
};

/** The calendar's words for UCUM's units of time. */
export const words: Readonly<Record<string, string>> = {
	a: 'year',
	mo: 'month',
	wk: 'week',
	d: 'day',
	h: 'hour',
	min: 'minute',
	s: 'second',
	ms: 'millisecond',
};

/** A date or time moved by a quantity of time; undefined when that cannot be done. http://hl7.org/fhirpath/N1/#datetime-arithmetic */
export function shift(date: Temporal, amount: Amount, sign: number): Temporal | undefined {
	const unit = Object.hasOwn(coarse, amount.unit) ? amount.unit : Object.hasOwn(words, amount.unit) ? words[amount.unit] : undefined;
	const found = partsOf(date.text);
	if (unit === undefined || found === undefined) return undefined;
	return found.time ? shiftTime(date, found, amount.value * sign, unit) : shiftDate(date, found, amount.value * sign, unit);
}

function shiftTime(date: Temporal, { local }: Parts, value: number, unit: string): Temporal | undefined {
	const ms = unitMs(unit);
	if (ms === undefined || unit === 'week' || unit === 'day') return undefined;
	const [hour = 0, minute = 0, second = 0] = local;
	const total = hour * 3_600_000 + minute * 60_000 + Math.round(second * 1000) + Math.trunc(value * ms);
	if (!Number.isFinite(total)) return undefined;
	const day = 86_400_000;
	const text = new Date(((total % day) + day) % day).toISOString().slice(11, 23);
	return new Temporal(text.slice(0, Math.min(date.text.length, 12)), 'Time');
}

function shiftDate(date: Temporal, { local, zone = '' }: Parts, value: number, given: string): Temporal | undefined {
	const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = local;
	let [unit, count] = [given, given === 'second' || given === 'millisecond' ? value : Math.trunc(value)];
	const [ordinal, perYear, perMonth] = coarse[unit] as readonly [number, number, number];
	// A unit finer than the date counts only where it fills the date's own: 24 months are two years.
	if (ordinal >= local.length && local.length === 1) [unit, count] = ['year', Math.trunc(count / perYear)];
	else if (ordinal >= local.length && local.length === 2) [unit, count] = ['month', Math.trunc(count / perMonth)];
	else if (ordinal >= local.length && local.length === 3)
		[unit, count] = ['day', Math.trunc((count * (unitMs(unit) as number)) / 86_400_000)];
	let moved: Date;
	if (unit === 'year' || unit === 'month') {
		const months = year * 12 + (month - 1) + (unit === 'year' ? count * 12 : count);
		const [y, m] = [Math.floor(months / 12), (((months % 12) + 12) % 12) + 1];
		const last = utc(y, m + 1, 0, 0, 0).getUTCDate();
		moved = utc(y, m, Math.min(day, last), hour, minute, Math.round(second * 1000));
	} else {
		moved = utc(year, month, day, hour, minute, Math.round(second * 1000));
		moved.setTime(moved.getTime() + count * (unitMs(unit) as number));
	}
	const resultYear = moved.getUTCFullYear();
	if (!(resultYear >= 0 && resultYear <= 9999)) return undefined;
	const ends = [4, 7, 10, 13, 16, 19];
	const length = date.text.includes('.') || moved.getUTCMilliseconds() !== 0 ? 23 : 19;
	const end = local.length === 6 ? length : (ends[local.length - 1] as number);
	return new Temporal(moved.toISOString().slice(0, end) + (local.length > 3 ? zone : ''), date.kind);
}
