// Raw query strings to pairs, and the escaping of FHIR search values: "\," "\|" "\$" "\\",
// https://hl7.org/fhir/R4/search.html#escaping
import { Problem } from '#base/problem.ts';

export type Pair = readonly [name: string, value: string];

/** The decoded pairs of a query string or form body, in order. Throws Problem invalid `query-malformed` for bad percent-encoding or null bytes. */
export function pairsOf(raw: string): Pair[] {
	const pairs: Pair[] = [];
	for (const part of raw.split('&')) {
		if (part === '') continue;
		const at = part.indexOf('=');
		const name = decode(at < 0 ? part : part.slice(0, at));
		pairs.push([name, at < 0 ? '' : decode(part.slice(at + 1))]);
	}
	return pairs;
}

function decode(text: string): string {
	let decoded: string;
	try {
		decoded = decodeURIComponent(text.replaceAll('+', ' '));
	} catch (cause) {
		throw malformed('The query is not valid percent-encoded UTF-8.', cause);
	}
	if (decoded.includes('\0')) throw malformed('The query contains a null character.');
	if (!decoded.isWellFormed()) throw malformed('The query contains half a character.');
	return decoded;
}

function malformed(text: string, cause?: unknown): Problem {
	return new Problem('invalid', 'query-malformed', text, {
		cause,
		issues: [{ severity: 'error', type: 'invalid', code: 'query-malformed', text }],
	});
}

/** The pairs as a query string again, escaped as little as a URL allows so that links stay readable. */
export function queryOf(pairs: readonly Pair[]): string {
	return pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&');
}

/** What encode leaves as it is. */
const plain = /^[A-Za-z0-9\-_.!~*'():,/$]*$/;

function encode(text: string): string {
	if (plain.test(text)) return text;
	return encodeURIComponent(text)
		.replaceAll('%3A', ':')
		.replaceAll('%2C', ',')
		.replaceAll('%2F', '/')
		.replaceAll('%24', '$')
		.replace(/%20/g, '+');
}

/** Splits at an unescaped separator; the parts keep their escapes. */
export function split(text: string, separator: ',' | '|' | '$'): string[] {
	if (!text.includes('\\')) return text.split(separator);
	const parts: string[] = [];
	let start = 0;
	for (let i = 0; i < text.length; i++) {
		if (text[i] === '\\') i++;
		else if (text[i] === separator) {
			parts.push(text.slice(start, i));
			start = i + 1;
		}
	}
	parts.push(text.slice(start));
	return parts;
}

/** Whether every backslash escapes what may be escaped; "xx\\xx" is illegal. */
export function isEscaped(text: string): boolean {
	return !text.includes('\\') || /^(?:[^\\]|\\[\\,|$])*$/.test(text);
}

/** Takes the escapes away; a backslash before any other character stands for itself. */
export function unescaped(text: string): string {
	return text.includes('\\') ? text.replace(/\\([\\,|$])/g, '$1') : text;
}

/** A text as one value of a search: its separators stand for themselves. https://hl7.org/fhir/R4/search.html#escaping */
export function escaped(text: string): string {
	return text.replace(/[\\,|$]/g, '\\$&');
}
