// String functions (http://hl7.org/fhirpath/N1/#string-manipulation and the later #additional-string-functions).
import { bounded } from '#fhir/path/arithmetic.ts';
import { type Items, listOf, packed } from '#fhir/path/items.ts';
import { booleanNode, node, type Scope } from '#fhir/path/node.ts';
import { textOf } from '#fhir/path/text.ts';
import { argumentOf, type Call, type Make, ofValue, takes } from './call.ts';
import { createPatterns, substitution } from './patterns.ts';

const text = 'System.String';
const boolean = 'System.Boolean';
const integer = 'System.Integer';

/** A function of a string that takes strings. */
function ofText(type: string, count: number, work: (input: string, first: string, second: string) => Items): Make {
	return ofValue(
		(input, first, second) => {
			if (typeof input !== 'string') return undefined;
			if ((count > 0 && typeof first !== 'string') || (count > 1 && typeof second !== 'string')) return undefined;
			return work(input, first as string, second as string);
		},
		type,
		count,
	);
}

function substring(input: unknown, start: unknown, length: unknown): string | undefined {
	if (typeof input !== 'string' || typeof start !== 'number' || start < 0 || start >= input.length) return undefined;
	const from = Math.trunc(start);
	if (length === undefined) return input.slice(from);
	return typeof length === 'number' ? input.slice(from, from + Math.max(0, Math.trunc(length))) : undefined;
}

const patterns = createPatterns();

/** Most patterns are literals: they are compiled once, with the expression. */
function matchesNode({ input, arg }: Call, wrap: (source: string) => string): ReturnType<Make['make']> {
	const { value } = input;
	const pattern = argumentOf(arg(0));
	const constant = arg(0)?.constant?.items;
	const ready = typeof constant === 'string' ? patterns(wrap(constant)) : undefined;
	return booleanNode((self, scope) => {
		const one = value(self, scope);
		const subject = Array.isArray(one) && one.length === 1 ? one[0] : one;
		if (typeof subject !== 'string') return undefined;
		if (ready !== undefined) return ready.test(subject);
		const source = pattern(self, scope);
		return typeof source === 'string' ? patterns(wrap(source))?.test(subject) : undefined;
	}, false);
}

function replaced(input: string, from: string, to: string): string | undefined {
	// Refused before it is made, not after.
	return (input.length + 1) * to.length > 100_000_000 ? undefined : bounded(input.replaceAll(from, () => to));
}

function replacedMatches(input: string, source: string, to: string): string | undefined {
	if ((input.length + 1) * to.length > 100_000_000 || /\$[&`'$]/.test(to)) return undefined;
	const replacement = patterns(source)?.replace(input, substitution(to));
	return replacement === undefined ? undefined : bounded(replacement);
}

function joinNode({ input, arg }: Call): ReturnType<Make['make']> {
	const separator = argumentOf(arg(0));
	const run = (self: Items, scope: Scope): Items => {
		const parts = listOf(input.value(self, scope)).map(textOf);
		if (parts.length === 0 || parts.includes(undefined)) return undefined;
		const between = separator(self, scope);
		return bounded(parts.join(typeof between === 'string' ? between : ''));
	};
	return node(run, [text], false);
}

type Coder = (input: string) => string | undefined;

const encoders: Readonly<Record<string, Coder>> = {
	hex: (input) => Buffer.from(input, 'utf8').toString('hex'),
	base64: (input) => Buffer.from(input, 'utf8').toString('base64'),
	urlbase64: (input) => Buffer.from(input, 'utf8').toString('base64').replaceAll('+', '-').replaceAll('/', '_'),
};

const decoders: Readonly<Record<string, Coder>> = {
	hex: (input) => Buffer.from(input, 'hex').toString('utf8'),
	base64: (input) => Buffer.from(input, 'base64').toString('utf8'),
	urlbase64: (input) => Buffer.from(input, 'base64url').toString('utf8'),
};

const htmlNames: Readonly<Record<string, string>> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;', "'": '&#39;' };
const htmlCharacters: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', '#39': "'" };

const escapers: Readonly<Record<string, Coder>> = {
	html: (input) => input.replace(/[<>&"']/g, (character) => htmlNames[character] as string),
	json: (input) => JSON.stringify(input).slice(1, -1),
};

const unescapers: Readonly<Record<string, Coder>> = {
	html: (input) => input.replace(/&(lt|gt|amp|quot|#39);/g, (_, name: string) => htmlCharacters[name] as string),
	json(input) {
		try {
			return JSON.parse(`"${input}"`) as string;
		} catch {
			return undefined;
		}
	},
};

function coded(coders: Readonly<Record<string, Coder>>): Make {
	return ofText(text, 1, (input, format) => (Object.hasOwn(coders, format) ? coders[format]?.(input) : undefined));
}

export const stringFunctions: Readonly<Record<string, Make>> = {
	indexOf: ofText(integer, 1, (input, part) => input.indexOf(part)),
	lastIndexOf: ofText(integer, 1, (input, part) => (part === '' ? 0 : input.lastIndexOf(part))),
	substring: ofValue(substring, text, 1, 2),
	startsWith: ofText(boolean, 1, (input, part) => input.startsWith(part)),
	endsWith: ofText(boolean, 1, (input, part) => input.endsWith(part)),
	contains: ofText(boolean, 1, (input, part) => input.includes(part)),
	upper: ofText(text, 0, (input) => input.toUpperCase()),
	lower: ofText(text, 0, (input) => input.toLowerCase()),
	replace: ofText(text, 2, replaced),
	matches: takes(1, (call) => matchesNode(call, (source) => source)),
	matchesFull: takes(1, (call) => matchesNode(call, (source) => `^(?:${source})$`)),
	replaceMatches: ofText(text, 2, replacedMatches),
	length: ofText(integer, 0, (input) => input.length),
	toChars: ofText(text, 0, (input) => packed([...input])),
	trim: ofText(text, 0, (input) => input.trim()),
	split: ofText(text, 1, (input, separator) => packed(input.split(separator))),
	join: takes(0, joinNode, 1),
	encode: coded(encoders),
	decode: coded(decoders),
	escape: coded(escapers),
	unescape: coded(unescapers),
};
