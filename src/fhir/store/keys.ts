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

/** Key of a resource ("Type/id") or of an absolute url. */
export function refKey(reference: string): Key {
	const digest = hash('sha1', reference, 'hex');
	return keyOf(Number.parseInt(digest.slice(0, 8), 16), Number.parseInt(digest.slice(8, 16), 16));
}

/** Sum of two keys; both are below 4.3·10¹⁸, so the sum still is an int8 and SQL can take the salt off again. */
export function salted(key: Key, salt: Key): Key {
	const split = (text: Key): [number, number] => [Number(text.slice(0, -9)), Number(text.slice(-9))];
	const [keyHigh, keyLow] = split(key);
	const [saltHigh, saltLow] = split(salt);
	const low = keyLow + saltLow;
	const high = keyHigh + saltHigh + (low >= 1_000_000_000 ? 1 : 0);
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

/** The unit of a canonical quantity, or a unit as it was written. */
export function unitKey(unit: string): Key {
	return fastKey(`unit|${unit}`);
}

const plain = /^[a-z0-9 .,'-]*$/;

/** Text as it is compared: without accents, case and repeated white space. */
export function normalise(text: string): string {
	const lower = text.toLowerCase();
	if (plain.test(lower) && !/^ | $| {2}/.test(lower)) return lower;
	return text
		.normalize('NFKD')
		.replace(/\p{M}+/gu, '')
		.toLowerCase()
		.replace(/\s+/g, ' ')
		.trim();
}
