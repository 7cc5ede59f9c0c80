// FHIR dates as intervals of time: what a value with less than full precision leaves open is part of it
// (https://hl7.org/fhir/R4/search.html#date). Dates without a zone are taken as UTC.

export type DateRange = { readonly lo: number; readonly hi: number };

const shape = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/;

/** First and last millisecond of a date, dateTime or instant; undefined when the text is none. */
export function dateRange(text: string): DateRange | undefined {
	const match = shape.exec(text);
	if (match === null) return undefined;
	const year = Number(match[1]);
	if (match[2] === undefined) return range(year, 0, 1, year + 1, 0, 1);
	const month = Number(match[2]) - 1;
	if (month < 0 || month > 11) return undefined;
	if (match[3] === undefined) return range(year, month, 1, year, month + 1, 1);
	const day = Number(match[3]);
	if (day < 1 || (day > 28 && day > new Date(Date.UTC(year, month + 1, 0)).getUTCDate())) return undefined;
	if (match[4] === undefined) return range(year, month, day, year, month, day + 1);
	return instantRange(match, year, month, day);
}

function utc(year: number, month: number, day: number): number {
	const time = Date.UTC(year, month, day);
	// Date.UTC takes years below 100 for ones of the 20th century.
	return year >= 100 ? time : new Date(time).setUTCFullYear(year);
}

function range(year: number, month: number, day: number, nextYear: number, nextMonth: number, nextDay: number): DateRange {
	return { lo: utc(year, month, day), hi: utc(nextYear, nextMonth, nextDay) - 1 };
}

function instantRange(match: RegExpExecArray, year: number, month: number, day: number): DateRange | undefined {
	const [, , , , hourText, minuteText, secondText, fraction, zone] = match;
	const hour = Number(hourText);
	const minute = Number(minuteText);
	const second = Number(secondText ?? 0);
	if (hour > 24 || minute > 59 || second > 60) return undefined;
	const offset =
		zone === undefined || zone === 'Z' ? 0 : (zone.startsWith('-') ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4)));
	const start = utc(year, month, day) + ((hour * 60 + minute - offset) * 60 + second) * 1000;
	if (secondText === undefined) return { lo: start, hi: start + 59_999 };
	if (fraction === undefined) return { lo: start, hi: start + 999 };
	const digits = fraction.slice(0, 3);
	const lo = start + Number(digits.padEnd(3, '0'));
	return { lo, hi: lo + 10 ** (3 - digits.length) - 1 };
}

type Period = { start?: unknown; end?: unknown };
type Timing = { event?: unknown; repeat?: { boundsPeriod?: Period } };

/** A Period; a missing end is open. Undefined when neither end says anything. */
export function periodRange(period: Period): DateRange | undefined {
	const start = typeof period.start === 'string' ? dateRange(period.start) : undefined;
	const end = typeof period.end === 'string' ? dateRange(period.end) : undefined;
	if (start === undefined && end === undefined) return undefined;
	return { lo: start?.lo ?? Number.NEGATIVE_INFINITY, hi: end?.hi ?? Number.POSITIVE_INFINITY };
}

/** A Timing: from its first event to its last, or its bounds. */
export function timingRange(timing: Timing): DateRange | undefined {
	const events = (Array.isArray(timing.event) ? timing.event : []).flatMap((event) =>
		typeof event === 'string' ? (dateRange(event) ?? []) : [],
	);
	if (events.length > 0) return { lo: Math.min(...events.map(({ lo }) => lo)), hi: Math.max(...events.map(({ hi }) => hi)) };
	return timing.repeat?.boundsPeriod === undefined ? undefined : periodRange(timing.repeat.boundsPeriod);
}
