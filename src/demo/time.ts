// Days and times of the demo clinic, which lives in the US Central time zone unless it is moved. A day is a number: days since 1970-01-01.

/** Days since 1970-01-01. */
export type Day = number;

/** A moment: a day and minutes after midnight of the clinic's clock. */
export type Moment = { readonly day: Day; readonly minute: number };

const msADay = 86_400_000;

/** The day of a date such as 2026-11-25. */
export function dayOf(date: string): Day {
	return Math.floor(Date.parse(`${date}T00:00:00Z`) / msADay);
}

/** e.g. 2026-11-25. */
export function dateOf(day: Day): string {
	return new Date(day * msADay).toISOString().slice(0, 10);
}

/** The day so many calendar months later; the 31st becomes the last of a shorter month. */
export function addMonths(day: Day, months: number): Day {
	const date = new Date(day * msADay);
	const first = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + months, 1));
	const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
	return first.getTime() / msADay + Math.min(date.getUTCDate(), last) - 1;
}

/** Years of age, with fractions. */
export function yearsBetween(from: Day, to: Day): number {
	return (to - from) / 365.25;
}

/** Saturdays and Sundays move to the Monday after. */
export function workday(day: Day): Day {
	const weekday = weekdayOf(day);
	return weekday === 6 ? day + 2 : weekday === 0 ? day + 1 : day;
}

/** 0 is Sunday. */
export function weekdayOf(day: Day): number {
	return (((day + 4) % 7) + 7) % 7;
}

/** Hours behind UTC: daylight saving from the second Sunday of March to the first of November, 15 U.S.C. 260a. */
function offsetOf(day: Day): number {
	const year = new Date(day * msADay).getUTCFullYear();
	const sunday = (month: number, which: number): Day => {
		const first = Date.UTC(year, month, 1) / msADay;
		return first + ((7 - weekdayOf(first)) % 7) + (which - 1) * 7;
	};
	return day >= sunday(2, 2) && day < sunday(10, 1) ? 5 : 6;
}

/** The moment as a FHIR dateTime or instant with its offset; minutes may run over midnight. */
export function instantOf({ day, minute }: Moment): string {
	const local = new Date(day * msADay + minute * 60_000);
	return `${local.toISOString().slice(0, 19)}-0${offsetOf(Math.floor(local.getTime() / msADay))}:00`;
}

/** Some minutes later. */
export function later({ day, minute }: Moment, minutes: number): Moment {
	return { day, minute: minute + minutes };
}

/** Where the clinic is when nobody says. */
export const ownZone = 'America/Chicago';

/** The day it is in a time zone, e.g. 2026-11-25. */
export function dateIn(timeZone: string, now: Date): string {
	return new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' }).format(now);
}

const instants = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d-0[56]:00$/;

/**
 * A function that moves a resource to a time zone: what was at nine there is at nine here. It changes the resource it is given, and gives it.
 * Throws RangeError for a time zone that is none.
 */
export function moverTo(timeZone: string): <T>(resource: T) => T {
	if (timeZone === ownZone) return (resource) => resource;
	const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
	const offsets = new Map<string, string>();
	const offsetOn = (date: string): string => {
		const known = offsets.get(date);
		if (known !== undefined) return known;
		const name = format.formatToParts(new Date(`${date}T18:00:00Z`)).find(({ type }) => type === 'timeZoneName')?.value ?? '';
		const offset = /[+-]\d\d:\d\d/.exec(name)?.[0] ?? '+00:00';
		offsets.set(date, offset);
		return offset;
	};
	const move = <T>(node: T): T => {
		if (typeof node === 'string') {
			const date = node.length === 25 ? instants.exec(node)?.[1] : undefined;
			return (date === undefined ? node : `${node.slice(0, 19)}${offsetOn(date)}`) as T;
		}
		if (node === null || typeof node !== 'object') return node;
		const holder = node as Record<string, unknown>;
		for (const name in holder) holder[name] = move(holder[name]);
		return node;
	};
	return move;
}
