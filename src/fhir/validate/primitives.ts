// The written forms of FHIR's primitive types, https://hl7.org/fhir/R4/datatypes.html#primitive. Every check is linear in the text's length.
import { isXhtml } from './xhtml.ts';

/** Whether a JSON value is one of the type. */
export type PrimitiveTest = (value: unknown) => boolean;

const maxStringLength = 1_048_576;
/** Characters below U+0020 other than tab, line feed and carriage return. */
const control = /[^\t\n\r -\uffff]/;

/** Text without the characters that FHIR forbids and without halves of surrogate pairs, which have no UTF-8. */
function isText(value: unknown): value is string {
	return typeof value === 'string' && value.length > 0 && !control.test(value) && value.isWellFormed();
}

function isString(value: unknown): boolean {
	return isText(value) && value.length <= maxStringLength;
}

const space = /\s/;

function isUri(value: unknown): boolean {
	return isText(value) && !space.test(value);
}

const spacesAmiss = /^\s|\s\s|\s$/;

function isCode(value: unknown): boolean {
	return isText(value) && !spacesAmiss.test(value) && value.length <= maxStringLength;
}

const idPattern = /^[A-Za-z0-9.-]{1,64}$/;

function isId(value: unknown): boolean {
	return typeof value === 'string' && idPattern.test(value);
}

const oidPattern = /^urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+$/;
const uuidPattern = /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

function isInteger(least: number, most: number): PrimitiveTest {
	return (value) => typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most && !Object.is(value, -0);
}

/** A number, or one whose written precision the parser kept (a Number object). */
function isDecimal(value: unknown): boolean {
	return (typeof value === 'number' || value instanceof Number) && Number.isFinite(Number(value));
}

const notBase64 = /[^A-Za-z0-9+/=\s]/;

function isBase64(value: unknown): boolean {
	if (typeof value !== 'string' || value.length === 0 || notBase64.test(value)) return false;
	const bare = space.test(value) ? value.replace(/\s+/g, '') : value;
	const padding = bare.indexOf('=');
	return (
		bare.length > 0 &&
		bare.length % 4 === 0 &&
		(padding < 0 || padding === bare.length - 1 || (padding === bare.length - 2 && bare.endsWith('==')))
	);
}

const zero = 48;
const daysIn = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The number that two digits make; -1 when they are none. */
function two(text: string, at: number): number {
	const tens = text.charCodeAt(at) - zero;
	const ones = text.charCodeAt(at + 1) - zero;
	return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

/** Where a date at the start of the text ends: at 4, 7 or 10; -1 when there is no real one. */
function dateEnd(text: string): number {
	const century = two(text, 0);
	const rest = two(text, 2);
	if (century < 0 || rest < 0 || century + rest === 0) return -1;
	if (text.charCodeAt(4) !== 45) return 4;
	const month = two(text, 5);
	if (month < 1 || month > 12) return -1;
	if (text.charCodeAt(7) !== 45) return 7;
	const day = two(text, 8);
	if (day < 1 || day > (daysIn[month - 1] as number)) return -1;
	if (month === 2 && day === 29 && (rest === 0 ? century % 4 !== 0 : rest % 4 !== 0)) return -1;
	return 10;
}

/** Where hours, minutes and seconds that start at `at` end; -1 when they are not there. */
function timeEnd(text: string, at: number): number {
	const hour = two(text, at);
	const minute = two(text, at + 3);
	const second = two(text, at + 6);
	if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return -1;
	if (text.charCodeAt(at + 2) !== 58 || text.charCodeAt(at + 5) !== 58) return -1;
	let end = at + 8;
	if (text.charCodeAt(end) !== 46) return end;
	for (end++; end < text.length; end++) {
		const digit = text.charCodeAt(end) - zero;
		if (digit < 0 || digit > 9) break;
	}
	return end > at + 9 ? end : -1;
}

function isZone(text: string, at: number): boolean {
	const sign = text.charCodeAt(at);
	if (sign === 90) return text.length === at + 1;
	if ((sign !== 43 && sign !== 45) || text.length !== at + 6 || text.charCodeAt(at + 3) !== 58) return false;
	const hour = two(text, at + 1);
	const minute = two(text, at + 4);
	return hour >= 0 && minute >= 0 && (hour < 14 ? minute <= 59 : hour === 14 && minute === 0);
}

function isDate(value: unknown): boolean {
	return typeof value === 'string' && value.length <= 10 && dateEnd(value) === value.length;
}

function isInstant(value: unknown): boolean {
	if (typeof value !== 'string' || value.charCodeAt(10) !== 84 || dateEnd(value) !== 10) return false;
	const end = timeEnd(value, 11);
	return end > 0 && isZone(value, end);
}

function isTime(value: unknown): boolean {
	return typeof value === 'string' && timeEnd(value, 0) === value.length && value.length >= 8;
}

/** The test of every primitive type. */
export const primitiveTests: Readonly<Record<string, PrimitiveTest>> = {
	base64Binary: isBase64,
	boolean: (value) => typeof value === 'boolean',
	canonical: isUri,
	code: isCode,
	date: isDate,
	dateTime: (value) => isDate(value) || isInstant(value),
	decimal: isDecimal,
	id: isId,
	instant: isInstant,
	integer: isInteger(-2_147_483_648, 2_147_483_647),
	markdown: isString,
	oid: (value) => typeof value === 'string' && value.length <= maxStringLength && oidPattern.test(value),
	positiveInt: isInteger(1, 2_147_483_647),
	string: isString,
	time: isTime,
	unsignedInt: isInteger(0, 2_147_483_647),
	uri: isUri,
	url: isUri,
	uuid: (value) => typeof value === 'string' && uuidPattern.test(value),
	xhtml: isXhtml,
};

/** What a value of the type looks like, for people. */
export const primitiveForms: Readonly<Record<string, string>> = {
	base64Binary: 'base64 text',
	boolean: 'true or false, without quotes',
	canonical: 'a canonical URL without spaces',
	code: 'a code without spaces at its ends or two in a row',
	date: 'a real date: YYYY, YYYY-MM or YYYY-MM-DD',
	dateTime: 'a real date (YYYY, YYYY-MM, YYYY-MM-DD) or a time with seconds and zone (YYYY-MM-DDThh:mm:ss+zz:zz)',
	decimal: 'a number, without quotes',
	id: 'an id of 1 to 64 letters, digits, "-" and "."',
	instant: 'a time with seconds and zone (YYYY-MM-DDThh:mm:ss.sss+zz:zz)',
	integer: 'a whole number from -2147483648 to 2147483647, without quotes',
	markdown: 'text of at most 1048576 characters without control characters',
	oid: 'an OID as urn:oid:…',
	positiveInt: 'a whole number from 1 to 2147483647, without quotes',
	string: 'text of at most 1048576 characters without control characters',
	time: 'a time as hh:mm:ss',
	unsignedInt: 'a whole number from 0 to 2147483647, without quotes',
	uri: 'a URI without spaces',
	url: 'a URL without spaces',
	uuid: 'a UUID as urn:uuid:… in lower case',
	xhtml:
		'well-formed XHTML in one <div xmlns="http://www.w3.org/1999/xhtml"> with text or images, plain formatting only (no script, form, frame, style sheet or event)',
};

/** The JSON type that a primitive type is written in. */
export function jsonTypeOf(type: string): 'string' | 'number' | 'boolean' {
	if (type === 'boolean') return 'boolean';
	return type === 'decimal' || type === 'integer' || type === 'positiveInt' || type === 'unsignedInt' ? 'number' : 'string';
}

/** Whether the name is that of a primitive type. */
export function isPrimitiveType(name: string): boolean {
	return Object.hasOwn(primitiveTests, name);
}
