// Index keys: 62-bit hashes as decimal text. Tokens and exact texts take a fast hash; references take SHA-1, so that nobody can make an id
// that falls on another patient's key.
import { hash } from 'node:crypto';
import type { Key } from './layout.ts';

const pad = (low: number): string => String(low).padStart(9, '0');

/** A key from two words: high·10⁹ + low, which stays below 4.3·10¹⁸ and needs no big integers. */
function keyOf(high: number, low: number): Key {
	const rest = low % 1_000_000_000;
	return high === 0 ? String(rest) : String(high) + pad(rest);
}

/** A fast, not cryptographic key: two 32-bit lanes of multiply and rotate over the text. */
export function fastKey(text: string): Key {
	let a = 0x9e3779b9;
	let b = 0x85ebca6b;
	for (let i = 0; i < text.length; i++) {
		const code = text.charCodeAt(i);
		a = Math.imul(a ^ code, 0x9e3779b1);
		b = Math.imul(b ^ code, 0x5bd1e995);
		a = (a << 13) | (a >>> 19);
		b = (b << 17) | (b >>> 15);
	}
	a = Math.imul(a ^ (b >>> 15), 0x2c1b3c6d);
	b = Math.imul(b ^ (a >>> 13), 0x297a2d39);
	a ^= b >>> 16;
	b ^= a >>> 15;
	return keyOf(a >>> 0, b >>> 0);
}

/** One 32-bit lane of such a hash, for keys that are put together from parts. */
function lane(text: string): number {
	let a = 0x9e3779b9;
	for (let i = 0; i < text.length; i++) {
		a = Math.imul(a ^ text.charCodeAt(i), 0x9e3779b1);
		a = (a << 13) | (a >>> 19);
	}
	a = Math.imul(a ^ (a >>> 15), 0x2c1b3c6d);
	a = Math.imul(a ^ (a >>> 12), 0x297a2d39);
	return (a ^ (a >>> 15)) >>> 0;
}

/** Key of a resource ("Type/id") or of an absolute url. */
export function refKey(reference: string): Key {
	const digest = hash('sha1', reference, 'hex');
	return keyOf(Number.parseInt(digest.slice(0, 8), 16), Number.parseInt(digest.slice(8, 16), 16));
}

/** Sum of two keys; both are below 4.3·10¹⁸, so the sum still is an int8 and SQL can take the salt off again. */
export function salted(key: Key, salt: Key): Key {
	const low = Number(key.slice(-9)) + Number(salt.slice(-9));
	const high = Number(key.slice(0, -9)) + Number(salt.slice(0, -9)) + (low >= 1_000_000_000 ? 1 : 0);
	return high === 0 ? String(low) : String(high) + pad(low % 1_000_000_000);
}

/** What is added to the key of a resource to say by which parameter it is referred to; `*` for any parameter. */
export function paramSalt(code: string): Key {
	return fastKey(`${code}|salt`);
}

/** A token with its system ('' for none). */
export function systemCodeKey(param: string, system: string, code: string): Key {
	return fastKey(`${param}|s|${system}|${code}`);
}

/** A token by its code alone. */
export function codeKey(param: string, code: string): Key {
	return fastKey(`${param}|c|${code}`);
}

/** Any token of a system. */
export function systemKey(param: string, system: string): Key {
	return fastKey(`${param}|y|${system}`);
}

/** A string or uri to the letter. */
export function exactKey(param: string, text: string): Key {
	return fastKey(`${param}|x|${text}`);
}

/** The text of a token. */
export function textKey(param: string, normalised: string): Key {
	return fastKey(`${param}|t|${normalised}`);
}

/** An identifier of a type (`:of-type`): type system, type code, value. */
export function ofTypeKey(param: string, system: string, code: string, value: string): Key {
	return fastKey(`${param}|o|${system}|${code}|${value}`);
}

/** Two components of one composite value. */
export function pairKey(param: string, first: Key, second: Key): Key {
	return fastKey(`${param}|p|${first}|${second}`);
}

/** A token on an element of type string, which is compared without case, or a phone number or e-mail address. */
export function foldedKey(param: string, folded: string): Key {
	return fastKey(`${param}|f|${folded}`);
}

/** A mime type without its parameters, for `:below`. */
export function mimeKey(param: string, base: string): Key {
	return fastKey(`${param}|m|${base}`);
}

/** That a parameter has a value, for those whose number has no bit in the column `has`. */
export function presentKey(number: number): Key {
	return fastKey(`#present|${number}`);
}

/** That a resource contains one of this type. */
export function containedKey(type: string): Key {
	return fastKey(`#contained|${type}`);
}

/** A key of a contained resource among those of what contains it, by the parameter that refers to it and its type. */
export function innerKey(param: string, type: string, key: Key): Key {
	return fastKey(`${param}|#${type}|${key}`);
}

/**
 * Where the strings and ranges of contained resources are in the side tables of what contains them: `number` is that of the parameter that
 * refers to them. Further numbers (words of family names, canonical values) come 64 after the parameter's own.
 */
export function innerOffset(number: number): number {
	return 10_000 + number * 128;
}

/** How long the type's date may last for a resource to be found by its beginning when its end is searched; longer ones carry `longDates`. */
export const longMs = 366 * 86_400_000;
export const longDates: Key = fastKey('#long');

const unitRoom = 1_000_000_000;

/** A unit as it was written, with its system ('' for none or any). All keys of a unit are within `unitKeys`. */
export function unitKey(unit: string, system = ''): Key {
	return keyOf(lane(`u|${unit}`), system === '' ? 0 : 1 + (lane(system) % (unitRoom - 1)));
}

/** The first and last key of a unit, whatever its system. */
export function unitKeys(unit: string): readonly [Key, Key] {
	const high = lane(`u|${unit}`);
	return [keyOf(high, 0), keyOf(high, unitRoom - 1)];
}

const systemRoom = 10_000;

/** The code of a composite's component with what is measured: code, then unit ('' for none), then system ('' for none). */
export function codedKey(code: string, unit: string, system: string): Key {
	return keyOf(lane(`c|${code}`), unitPart(unit) * systemRoom + systemPart(system));
}

/** The first and last key of a code with a unit, whatever the code's system; of all units when none is given. */
export function codedKeys(code: string, unit: string | undefined): readonly [Key, Key] {
	const high = lane(`c|${code}`);
	if (unit === undefined) return [keyOf(high, 0), keyOf(high, unitRoom - 1)];
	return [keyOf(high, unitPart(unit) * systemRoom), keyOf(high, unitPart(unit) * systemRoom + systemRoom - 1)];
}

/** What is left of a codedKey divided by `systemRoom`: the system alone. */
export function systemPart(system: string): number {
	return system === '' ? 0 : 1 + (lane(system) % (systemRoom - 1));
}

function unitPart(unit: string): number {
	return unit === '' ? 0 : 1 + (lane(`u|${unit}`) % 99_999);
}

const plain = /^[a-z0-9 ]*$/;

/** Text as it is compared: without accents, case, punctuation and repeated white space (https://hl7.org/fhir/R4/search.html#string). */
export function normalise(text: string): string {
	const lower = text.toLowerCase();
	if (plain.test(lower) && !/^ | $| {2}/.test(lower)) return lower;
	return text
		.normalize('NFKD')
		.replace(/[\p{M}\p{P}]+/gu, '')
		.toLowerCase()
		.replace(/\s+/g, ' ')
		.trim();
}

/** A token of type string as it is compared. */
export function fold(text: string): string {
	return text.trim().toLowerCase();
}

/** A phone number without its separators, an e-mail address without case. */
export function foldContact(text: string): string {
	return /^[+\d\s().\-/]+$/.test(text) ? text.replace(/[^+\d]/g, '') : fold(text);
}
