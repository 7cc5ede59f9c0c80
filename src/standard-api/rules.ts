// What a client sent, made values of fields, or said to be wrong in OpenEMR's words and codes. Rules are data of the fields.

import { optionsOf } from './dictionaries.ts';
import { changedFields, type Field, type Values } from './mapping.ts';
import { isNode } from './place.ts';
import { invalidFields, type Wrong } from './problems.ts';

/** The fields of a body as values, null and "" as empty. What is no field is left out. Throws Problem invalid naming what has the wrong type. */
export function valuesSent(fields: readonly Field[], body: Readonly<Record<string, unknown>>): Record<string, unknown> {
	const values: Record<string, unknown> = {};
	const wrong: Wrong[] = [];
	for (const field of fields) {
		if (field.isReadOnly === true || !Object.hasOwn(body, field.name)) continue;
		const read = readValue(field, body[field.name]);
		if ('wrong' in read) wrong.push(read.wrong);
		else values[field.name] = read.value;
	}
	if (wrong.length > 0) throw invalidFields(wrong);
	return values;
}

/** Throws Problem invalid for what breaks a rule of a new record. */
export function requireNew(fields: readonly Field[], sent: Values): void {
	refuse(fields.flatMap((field) => wrongOf(field, sent, Object.hasOwn(sent, field.name), field.rules.required === true)));
}

/** The same of changes: what stays as it is is not looked at. `body` is what came, with what stays. */
export function requireChange(fields: readonly Field[], resource: object, sent: Values, body: Values): void {
	const changed = changedFields(fields, resource, sent);
	refuse(
		fields.flatMap((field) => {
			if (changed.includes(field)) return wrongOf(field, sent, true, field.rules.required === true);
			return field.rules.always === true && !Object.hasOwn(body, field.name) ? [missing(field.name)] : [];
		}),
	);
}

function refuse(wrong: readonly Wrong[]): void {
	if (wrong.length > 0) throw invalidFields(wrong);
}

/** The first rule that the value breaks. */
function wrongOf(field: Field, sent: Values, isSent: boolean, isRequired: boolean): Wrong[] {
	const { name, rules } = field;
	const value = sent[name];
	if (value === undefined) {
		if (!isRequired) return [];
		return [isSent ? wrong(name, 'NotEmpty::EMPTY_VALUE', 'must not be empty') : missing(name)];
	}
	const text = String(value);
	const [least, most] = rules.length ?? [0, field.kind === 'text' ? 65_535 : Number.POSITIVE_INFINITY];
	const length = [...text].length;
	if (length > most) return [wrong(name, 'LengthBetween::TOO_LONG', `must be ${most} characters or shorter`)];
	if (length < least) return [wrong(name, 'LengthBetween::TOO_SHORT', `must be ${least} characters or longer`)];
	if (rules.numeric === true && !isNumeric(text)) return [wrong(name, 'Numeric::NOT_NUMERIC', 'must be numeric')];
	if (rules.form !== undefined && !forms[rules.form].is(text)) return [wrong(name, forms[rules.form].code, forms[rules.form].text)];
	const options = rules.oneOf === undefined ? undefined : optionsOf(rules.oneOf);
	if (options === undefined || options.has(text)) return [];
	return Array.isArray(rules.oneOf)
		? [wrong(name, 'InArray::NOT_IN_ARRAY', 'must be in the defined set of values')]
		: [wrong(name, 'ListOptionRule::INVALID_LIST_OPTION', 'is not an option of its list')];
}

const forms = {
	email: {
		// https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address, with letters of all scripts before the sign.
		is: (text: string) =>
			/^[\p{L}\p{N}.!#$%&'*+/=?^_`{|}~-]+@[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?(?:\.[\p{L}\p{N}-]+)+$/u.test(text),
		code: 'Email::INVALID_VALUE',
		text: 'must be a valid email address',
	},
	url: {
		is: (text: string) => /^[a-z][a-z0-9+.-]*:\/\/\S+$/i.test(text) && URL.canParse(text),
		code: 'Url::INVALID_URL',
		text: 'must be a valid URL',
	},
	time: {
		is: (text: string) => /^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$/.test(text),
		code: 'DateTime::INVALID_VALUE',
		text: 'must be a valid time',
	},
	instant: {
		// A day, a time on the server's clock, or a time with its offset.
		is: (text: string): boolean => isDateTime(text) || isDateTime(text.replace(/(?:\.\d{1,9})?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/, '')),
		code: 'DateTime::INVALID_VALUE',
		text: 'must be a valid date',
	},
} as const;

type Read = { readonly value: unknown } | { readonly wrong: Wrong };

function readValue(field: Field, sent: unknown): Read {
	if (sent === undefined || sent === null || sent === '') return { value: undefined };
	const no = (code: string, text: string): Read => ({ wrong: wrong(field.name, code, text) });
	if (field.kind === 'list') return readList(field, sent);
	if (Array.isArray(sent) || (isNode(sent) && Object.getPrototypeOf(sent) === Object.prototype))
		return no('IsString::NOT_A_STRING', 'must be a string');
	const text = String(sent);
	// biome-ignore lint/suspicious/noControlCharactersInRegex: FHIR's strings have none, https://hl7.org/fhir/R4/datatypes.html#string
	if (/[\x00-\x08\x0b\x0c\x0e-\x1f]/.test(text)) return no('IsString::NOT_A_STRING', 'must be a string without control characters');
	if (text.trim() === '') return { value: undefined };
	switch (field.kind) {
		case 'integer':
			return isWhole(text) ? { value: Number(text) || 0 } : no('Numeric::NOT_NUMERIC', 'must be numeric');
		case 'decimal':
			return isNumeric(text) ? { value: Number(text) || 0 } : no('Numeric::NOT_NUMERIC', 'must be numeric');
		case 'flag':
			return Object.hasOwn(flags, text.toLowerCase()) ? { value: flags[text.toLowerCase()] } : no('Numeric::NOT_NUMERIC', 'must be 0 or 1');
		case 'date':
			if (/^0000-00-00/.test(text)) return { value: undefined };
			return isDate(text) ? { value: text } : no('DateTime::INVALID_VALUE', 'must be a valid date');
		case 'datetime':
			if (/^0000-00-00/.test(text)) return { value: undefined };
			return isDateTime(text) ? { value: wholeTime(text) } : no('DateTime::INVALID_VALUE', 'must be a valid date');
		case 'reference':
			return text === '0' ? { value: undefined } : { value: text };
		default:
			return { value: text };
	}
}

function readList({ name }: Field, sent: unknown): Read {
	if (!Array.isArray(sent) || !sent.every(isNode)) return { wrong: wrong(name, 'Callback::INVALID_VALUE', 'is invalid') };
	return { value: sent.length === 0 ? undefined : sent };
}

const flags: Readonly<Record<string, number>> = { '0': 0, '1': 1, false: 0, true: 1, no: 0, yes: 1 };

/** Whether a text is a number, as forms and PHP take it. */
export function isNumeric(text: string): boolean {
	return /^[+-]?(\d+(\.\d*)?|\.\d+)$/.test(text.trim()) && text.length <= 255;
}

function isWhole(text: string): boolean {
	return /^[+-]?\d{1,10}$/.test(text) && Math.abs(Number(text)) <= 2_147_483_647;
}

/** Whether a text is `YYYY-MM-DD` and a day of the calendar. */
export function isDate(text: string): boolean {
	const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
	if (match === null) return false;
	const day = new Date(`${text}T00:00:00Z`);
	return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text) && Number(match[1]) > 0;
}

/** Whether a text is `YYYY-MM-DD`, alone or with `HH:MM` or `HH:MM:SS` after a blank or a T. */
export function isDateTime(text: string): boolean {
	const [day = '', time, ...more] = text.split(/[ T]/);
	return isDate(day) && more.length === 0 && (time === undefined || forms.time.is(time));
}

function wholeTime(text: string): string {
	const [day, time = '00:00:00'] = text.split(/[ T]/);
	return `${day} ${time.length === 5 ? `${time}:00` : time}`;
}

function missing(name: string): Wrong {
	return { field: name, code: 'Required::NON_EXISTENT_KEY', text: `${name} must be provided, but does not exist` };
}

/** A rule that was broken, in a sentence that begins with the field's name. */
export function wrong(name: string, code: string, text: string): Wrong {
	return { field: name, code, text: `${name.replaceAll('_', ' ')} ${text}` };
}
