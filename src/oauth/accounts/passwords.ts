// Passwords: Argon2id (RFC 9106) by node:crypto, kept as PHC strings, and the rules a new one has to meet.
import { type Argon2Parameters, argon2, createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { Problem } from '#base/problem.ts';

const derive = promisify(argon2) as (algorithm: 'argon2id', parameters: Argon2Parameters) => Promise<Buffer>;

/** The cost of one hash: the first choice of OWASP's password storage cheat sheet for Argon2id. */
const cost = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 };

export type Passwords = {
	/** A PHC string. */
	hash(password: string): Promise<string>;
	/** Whether the password is the one of the PHC string; takes as long when there is none. */
	verify(password: string, phc: string | undefined): Promise<boolean>;
};

const atOnce = 2;
const mostWaiting = 64;

/** Throws, from its functions, Problem unavailable `sign-in-busy` when too many hashes wait: they cost memory and a thread each. */
export function createPasswords(): Passwords {
	const waiting: (() => void)[] = [];
	let running = 0;
	const dummy = { salt: randomBytes(16), tag: randomBytes(cost.tagLength), ...cost };
	const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
		if (running >= atOnce) {
			if (waiting.length >= mostWaiting)
				throw new Problem('unavailable', 'sign-in-busy', 'Too many people are signing in at this moment; try again in a few seconds.', {
					headers: { 'retry-after': '5' },
				});
			await new Promise<void>((resolve) => waiting.push(resolve));
		} else running++;
		try {
			return await work();
		} finally {
			const next = waiting.shift();
			if (next === undefined) running--;
			else next();
		}
	};
	return {
		hash: (password) =>
			inTurn(async () => {
				const nonce = randomBytes(16);
				const tag = await derive('argon2id', { message: prepared(password), nonce, ...cost });
				return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${unpadded(nonce)}$${unpadded(tag)}`;
			}),
		verify: (password, phc) =>
			inTurn(async () => {
				const known = phc === undefined ? undefined : parse(phc);
				const { salt, tag, ...rest } = known ?? dummy;
				const given = await derive('argon2id', { message: prepared(password), nonce: salt, ...rest });
				return timingSafeEqual(given, tag) && known !== undefined;
			}),
	};
}

function prepared(password: string): Buffer {
	return Buffer.from(password.normalize('NFKC'), 'utf8');
}

function unpadded(bytes: Buffer): string {
	return bytes.toString('base64').replace(/=+$/, '');
}

function parse(phc: string): (Omit<Argon2Parameters, 'message' | 'nonce'> & { salt: Buffer; tag: Buffer }) | undefined {
	const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(phc);
	if (match === null) return undefined;
	const [, memory, passes, parallelism, salt = '', tag = ''] = match;
	const bytes = Buffer.from(tag, 'base64');
	return {
		memory: Number(memory),
		passes: Number(passes),
		parallelism: Number(parallelism),
		tagLength: bytes.length,
		salt: Buffer.from(salt, 'base64'),
		tag: bytes,
	};
}

export type PasswordPolicy = {
	readonly minLength: number;
	readonly maxLength: number;
	/** How many of the four classes (small letters, capitals, digits, others) it has to have. */
	readonly classes: number;
	/** How many former passwords may not come back, the present one included. */
	readonly history: number;
	/** Days until it has to be changed at sign-in; 0 for never. */
	readonly maxAgeDays: number;
	/** Days after that during which it still opens the door to the page that changes it. */
	readonly graceDays: number;
};

export const defaultPolicy: PasswordPolicy = { minLength: 12, maxLength: 128, classes: 3, history: 5, maxAgeDays: 0, graceDays: 30 };

/** What is wrong with a new password, as codes that the pages translate. */
export type Weakness = 'too-short' | 'too-long' | 'too-few-classes' | 'has-name' | 'too-common' | 'used-before';

/** The rules that can be checked without what was used before; `names` are words about the person that must not be in it. */
export function weaknesses(password: string, policy: PasswordPolicy, names: readonly string[]): Weakness[] {
	const found: Weakness[] = [];
	const length = [...password].length;
	if (length < policy.minLength) found.push('too-short');
	if (length > policy.maxLength) found.push('too-long');
	if (classesOf(password) < policy.classes) found.push('too-few-classes');
	const plain = password.toLowerCase();
	if (names.some((name) => name.length >= 3 && plain.includes(name.toLowerCase()))) found.push('has-name');
	if (isCommon(plain)) found.push('too-common');
	return found;
}

function classesOf(password: string): number {
	return [/\p{Ll}/u, /\p{Lu}/u, /\p{Nd}/u, /[^\p{Ll}\p{Lu}\p{Nd}]/u].filter((pattern) => pattern.test(password)).length;
}

const commonWords =
	/^(pass(word)?|passwort|contrase(n|ñ)a|welcome|bienvenid[oa]s?|qwert[yz]*(uiop)?|letmein|admin(istrator)?|changeme|secret|heron|openemr|summer|winter|spring|autumn|clinic|doctor|iloveyou|abc|asdf(gh)?(jkl)?)+$/;

/** One of the words everybody tries first, with digits and signs around it or in place of letters; or the same few signs over and over. */
function isCommon(plain: string): boolean {
	if (new Set(plain).size < 5) return true;
	const leet = /(?<=[a-z])[@03$1]|[@03$1](?=[a-z])/g;
	const letters = plain.replaceAll(leet, (sign) => ({ '@': 'a', '0': 'o', '3': 'e', $: 's', '1': 'i' })[sign] as string);
	return commonWords.test(letters.replaceAll(/[^\p{L}]/gu, '')) || commonWords.test(plain.replaceAll(/[^\p{L}]/gu, ''));
}

/** A random password for a person to type once: at least 20 signs of an alphabet without look-alikes, in groups of five. */
export function randomPassword(minLength = 0): string {
	const alphabet = 'abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
	for (;;) {
		const length = Math.max(20, minLength);
		const signs = Array.from(randomBytes(4 * length), (byte) => (byte < 220 ? alphabet[byte % 55] : ''))
			.join('')
			.slice(0, length);
		const password = signs.replaceAll(/.{5}(?=.)/g, '$&-');
		if (signs.length === length && classesOf(password) === 4) return password;
	}
}

/** The SHA-256 of a random secret: what the database keeps of it. */
export function secretHash(secret: string): Buffer {
	return createHash('sha256').update(secret).digest();
}
