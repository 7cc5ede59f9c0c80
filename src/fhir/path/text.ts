// Values as text, and text as values (http://hl7.org/fhirpath/N1/#conversion).
import { partsOf, words } from './temporal.ts';
import { Amount, bare, isComplex, Temporal } from './values.ts';

/** The text of a primitive, date or quantity; undefined for what has none. */
export function textOf(item: unknown): string | undefined {
	const value = bare(item);
	switch (typeof value) {
		case 'string':
			return value;
		case 'boolean':
			return String(value);
		case 'number':
			return numberText(value);
		default:
			if (value instanceof Number) return value.toString();
			if (value instanceof Amount) return `${numberText(value.value)} '${definite(value).unit}'`;
			return value instanceof Temporal ? value.text : quantityText(value);
	}
}

function quantityText(value: unknown): string | undefined {
	if (!isComplex(value)) return undefined;
	const { value: number, code, unit } = value;
	if (typeof number !== 'number' && !(number instanceof Number)) return undefined;
	const name = code ?? unit;
	return `${textOf(number)} '${typeof name === 'string' ? name : '1'}'`;
}

const durations: ReadonlyMap<string, string> = new Map(Object.entries(words).map(([unit, word]) => [word, unit]));

/** A quantity of the calendar (`4 days`) as UCUM says it (`4 'd'`). */
export function definite(amount: Amount): Amount {
	return amount.calendar ? new Amount(amount.value, durations.get(amount.unit) ?? amount.unit) : amount;
}

/** A number without an exponent. */
function numberText(value: number): string {
	const text = String(value);
	if (!text.includes('e')) return text;
	return Math.abs(value) >= 1
		? BigInt(value).toString()
		: value.toFixed(Math.min(100, -Number(text.split('e')[1]) + 15)).replace(/0+$/, '');
}

const quantityPattern = /^([+-]?\d+(?:\.\d+)?)\s*(?:'([^']+)'|([a-zA-Z]+))?$/;
const calendarWord = /^(year|month|week|day|hour|minute|second|millisecond)s?$/;

/** A text such as `4 days` or `10 'mg'` as a quantity. */
export function quantityFrom(text: string): Amount | undefined {
	const [, number, unit, word] = quantityPattern.exec(text) ?? [];
	if (number === undefined) return undefined;
	if (word === undefined) return new Amount(Number(number), unit ?? '1');
	const singular = calendarWord.exec(word)?.[1];
	return singular === undefined ? undefined : new Amount(Number(number), singular, true);
}

/** A text as a date, dateTime or time. */
export function temporalFrom(text: string, kind: Temporal['kind']): Temporal | undefined {
	const parts = partsOf(text);
	if (parts === undefined || parts.time !== (kind === 'Time')) return undefined;
	if (kind === 'Date') return isRealDay(text) ? new Temporal(text.slice(0, 10).replace(/T.*$/, ''), kind) : undefined;
	return kind === 'Time' || isRealDay(text) ? new Temporal(text, kind) : undefined;
}

/** Whether the month has the day. */
export function isRealDay(text: string): boolean {
	const [year = 0, month = 1, day = 1] = text.slice(0, 10).split('-').map(Number);
	return day <= 28 || day <= new Date(Date.UTC(2000 + (year % 400), month, 0)).getUTCDate();
}
