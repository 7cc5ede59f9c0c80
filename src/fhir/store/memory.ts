// What repeats from resource to resource, worked out once: keys of tokens and references, words of texts. Bounded, and never more than what
// keys.ts and text.ts would give again.
import { codeKey, refKey, salted, systemCodeKey, systemKey, textKey } from './keys.ts';
import type { Key } from './layout.ts';
import { splitWords } from './text.ts';

/** A token with its system, by its code alone, and by its system alone (undefined when it has none). */
export type TokenKeys = { readonly systemCode: Key; readonly code: Key; readonly system: Key | undefined };

/** A text as a parameter finds it: its words, in one and apart. */
export type KnownText = { readonly k: Key; readonly text: string; readonly words: readonly string[] };

/** A reference as it is written: "Type/id" when it leads to a resource of this server, and the key of where it leads. */
export type Link = { readonly local: string | undefined; readonly key: Key; readonly salted: (salt: Key) => Key };

export type Memory = {
	readonly reference: (reference: string) => Key;
	readonly link: (reference: string) => Link;
	readonly token: (param: string, system: string, value: string) => TokenKeys;
	readonly text: (param: string, text: string) => KnownText;
	readonly words: (text: string) => readonly string[];
};

/** What is longer is seldom seen twice. */
const longestToken = 24;
const longestText = 120;

/** A memory that begins anew when it holds `capacity` entries of a kind; `localOf` tells which references stay on this server. */
export function createMemory(localOf: (reference: string) => string | undefined, capacity = 20_000): Memory {
	const reference = remember(refKey, capacity);
	const split = remember(splitWords, capacity);
	const words = (text: string): readonly string[] => (text.length > longestText ? splitWords(text) : split(text));
	const texts = rememberIn(capacity, (param, text): KnownText => {
		const apart = words(text);
		const joined = apart.join(' ');
		return { k: textKey(param, joined), text: joined, words: apart };
	});
	const tokens = new Map<string, (system: string, value: string) => TokenKeys>();
	return {
		reference,
		link: remember((written) => {
			const local = localOf(written);
			const key = refKey(local ?? written);
			return { local, key, salted: remember((salt) => salted(key, salt), capacity) };
		}, capacity),
		token(param, system, value) {
			if (value.length > longestToken) return tokenKeys(param, system, value);
			let ofParam = tokens.get(param);
			if (ofParam === undefined) {
				ofParam = rememberIn(capacity, (ofSystem, code) => tokenKeys(param, ofSystem, code));
				tokens.set(param, ofParam);
			}
			return ofParam(system, value);
		},
		text: texts,
		words,
	};
}

function tokenKeys(param: string, system: string, value: string): TokenKeys {
	return {
		systemCode: systemCodeKey(param, system, value),
		code: codeKey(param, value),
		system: system === '' ? undefined : systemKey(param, system),
	};
}

function remember<R>(compute: (name: string) => R, capacity: number): (name: string) => R {
	const kept = new Map<string, R>();
	return (name) => {
		let value = kept.get(name);
		if (value === undefined) {
			value = compute(name);
			if (kept.size >= capacity) kept.clear();
			kept.set(name, value);
		}
		return value;
	};
}

/** The same for names within spaces of names, so that no text is put together only to look it up. */
function rememberIn<R>(capacity: number, compute: (space: string, name: string) => R): (space: string, name: string) => R {
	const spaces = new Map<string, Map<string, R>>();
	let size = 0;
	return (space, name) => {
		let kept = spaces.get(space);
		let value = kept?.get(name);
		if (value !== undefined) return value;
		value = compute(space, name);
		if (size >= capacity) {
			spaces.clear();
			kept = undefined;
			size = 0;
		}
		if (kept === undefined) {
			kept = new Map();
			spaces.set(space, kept);
		}
		kept.set(name, value);
		size++;
		return value;
	};
}
