// Values as OpenEMR writes them and as FHIR does. A codec is pure; references are texts such as "Organization/1" here, and become numbers
// or UUIDs in references.ts.

export type Kind = 'text' | 'integer' | 'decimal' | 'flag' | 'date' | 'datetime' | 'reference' | 'list';

export type Codec = {
	/** What the record shows for what stands in the resource (never undefined). */
	readonly show: (json: unknown) => unknown;
	/** What is written for a value that is in order and not empty. */
	readonly keep: (value: unknown) => unknown;
};

const asText: Codec = { show: (json) => String(json), keep: (value) => value };

/** Dates and times have the server's own zone (TZ) and no sign of it, as OpenEMR shows them. */
export const codecs: Readonly<Record<Kind, Codec>> = {
	text: asText,
	reference: { show: (json) => json, keep: (value) => value },
	list: { show: (json) => json, keep: (value) => value },
	integer: { show: (json) => Math.trunc(Number(String(json))), keep: (value) => value },
	decimal: { show: (json) => Number(String(json)), keep: (value) => value },
	flag: { show: (json) => (json === true ? 1 : 0), keep: (value) => value === 1 },
	date: { show: (json) => wholeDate(String(json)), keep: (value) => value },
	datetime: { show: (json) => localTime(String(json)), keep: (value) => instantOf(String(value)) },
};

/** A codec by a table from OpenEMR's words to FHIR's codes; words that are not in it are left as they are. */
export function coded(table: Readonly<Record<string, string>>): Codec {
	const back = new Map<unknown, string>();
	for (const [word, code] of Object.entries(table)) if (!back.has(code)) back.set(code, word);
	return {
		show: (json) => back.get(json) ?? String(json),
		keep: (value) => (Object.hasOwn(table, String(value)) ? table[String(value)] : value),
	};
}

/** The first day of what a FHIR date leaves open: 1980 is 1980-01-01. */
export function wholeDate(date: string): string {
	const day = date.slice(0, 10);
	return day.length === 4 ? `${day}-01-01` : day.length === 7 ? `${day}-01` : day;
}

/** `YYYY-MM-DD HH:MM:SS` on the server's clock for a FHIR dateTime or instant. */
export function localTime(dateTime: string): string {
	if (dateTime.length <= 10) return `${wholeDate(dateTime)} 00:00:00`;
	const moment = new Date(dateTime);
	if (Number.isNaN(moment.getTime())) return dateTime;
	const day = `${pad(moment.getFullYear(), 4)}-${pad(moment.getMonth() + 1)}-${pad(moment.getDate())}`;
	return `${day} ${pad(moment.getHours())}:${pad(moment.getMinutes())}:${pad(moment.getSeconds())}`;
}

/** The FHIR dateTime of `YYYY-MM-DD[ HH:MM[:SS]]` on the server's clock, with its offset at that time. */
export function instantOf(local: string): string {
	const [, year, month, day, hour = '0', minute = '0', second = '0'] = /^(\d{4})-(\d\d)-(\d\d)(?:[ T](\d\d):(\d\d)(?::(\d\d))?)?/.exec(
		local,
	) as RegExpExecArray;
	const moment = new Date(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
	moment.setFullYear(Number(year));
	const minutes = -moment.getTimezoneOffset();
	const whole = Math.abs(Math.trunc(minutes));
	const offset = minutes === 0 ? 'Z' : `${minutes < 0 ? '-' : '+'}${pad(Math.floor(whole / 60))}:${pad(whole % 60)}`;
	return `${localTime(moment.toISOString()).replace(' ', 'T')}${offset}`;
}

function pad(value: number, length = 2): string {
	return String(value).padStart(length, '0');
}
