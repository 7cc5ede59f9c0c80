// JSON from outside: https://hl7.org/fhir/R4/json.html. Strict where JSON.parse is lax (repeated names, invalid UTF-8, null characters,
// bottomless nesting), and decimals keep the precision they were written with.
import { constants, isAscii, isUtf8 } from 'node:buffer';
import { Problem } from '#base/problem.ts';
import { numberOf } from './decimal.ts';
import { readCarefully } from './json-reader.ts';
import { malformedJson } from './problems.ts';
import { type Lossy, lossyNumbers } from './scan.ts';

export { Decimal } from './decimal.ts';

/**
 * The value of a JSON text. Numbers that JavaScript would write differently are `Decimal`.
 * Throws Problem invalid `json-malformed` (400), with line and column, for anything that is not JSON in UTF-8, for names that occur twice
 * in an object, `__proto__` as a name, null characters, half surrogate pairs, numbers beyond the range of a double, and nesting deeper
 * than 200.
 */
export function parseJson(bytes: Buffer): unknown {
	if (bytes.length > constants.MAX_STRING_LENGTH)
		throw new Problem('too-much', 'body-too-large', 'The body is too large for one JSON text.');
	const text = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
	const ascii = isAscii(text);
	if (!ascii && !isUtf8(text)) throw malformedJson(text, firstInvalid(text), 'the text is not valid UTF-8');
	const lossy = lossyNumbers(text);
	if (lossy !== undefined) {
		try {
			const value: unknown = JSON.parse(ascii ? text.toString('latin1') : text.toString());
			for (const one of lossy) restore(value, one);
			return value;
		} catch {
			// The careful reader says where and why.
		}
	}
	return readCarefully(text);
}

/** Puts a number in its place as it was written. */
function restore(value: unknown, { path, source }: Lossy): void {
	const last = path.length - 1;
	let holder = value as Record<string | number, unknown>;
	for (let i = 0; i < last; i++) holder = holder[path[i] as string | number] as typeof holder;
	holder[path[last] as string | number] = numberOf(source);
}

/** Where the text ceases to be UTF-8: decoding puts a replacement character there. */
function firstInvalid(bytes: Buffer): number {
	const again = Buffer.from(bytes.toString());
	let at = 0;
	while (bytes[at] === again[at]) at++;
	return at;
}
