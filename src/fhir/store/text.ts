// One walk over a whole resource: its words for full-text search (`_text`, `_content`), those of the narrative and those of other human
// text that no string or token index has (https://hl7.org/fhir/R4/search.html#text), and every reference, searched by or not.
import { normalise } from './keys.ts';

/** More than this is not kept of one resource, so that it fits into a tsvector. */
const mostWords = 10_000;
const mostCharacters = 200_000;
const longestWord = 60;

/** Members whose text is not for people. */
const silent: ReadonlySet<string> = new Set([
	'resourceType',
	'id',
	'implicitRules',
	'language',
	'reference',
	'system',
	'code',
	'url',
	'uri',
	'version',
	'data',
	'hash',
	'contentType',
	'linkId',
	'unit',
	'fullUrl',
	'expression',
]);

/** What other indexes find already, whole texts and words, how a text is split, and who hears of references. */
export type Known = {
	readonly covers: (text: string) => boolean;
	readonly has: (word: string) => boolean;
	readonly split: (text: string) => readonly string[];
	readonly refer: (reference: string) => void;
};

const nothing: Known = { covers: () => false, has: () => false, split: splitWords, refer: () => undefined };

/**
 * The words as the text of a tsvector, those of the narrative with weight A, with the type as `#Type`; null when there are none besides
 * what is known. Names beside a reference belong to what is referred to and are left to it. The references met on the way are told to
 * `refer`, those within a Bundle excepted.
 */
export function wordsOf(resource: Record<string, unknown>, known: Known): string | null {
	const narrative = new Words(nothing);
	const { div } = (resource.text ?? {}) as { div?: unknown };
	if (typeof div === 'string') narrative.add(plainText(div));
	const others = new Words(resource.resourceType === 'Bundle' ? { ...known, refer: nothing.refer } : known);
	if (resource.resourceType === 'Provenance') {
		// Every write has one: who it was is found by `agent`, and the few names there are would fill the index.
		const { agent, ...rest } = resource;
		gather(rest, others, 0);
		gatherValue('agent', agent, new Words({ ...known, covers: () => true }), 0);
	} else gather(resource, others, 0);
	let text = '';
	for (const word of narrative.found) text += ` '${word}':1A`;
	for (const word of others.found) if (!narrative.found.has(word) && !known.has(word)) text += ` '${word}':1`;
	return text === '' ? null : `'#${resource.resourceType}':1${text}`;
}

/** Members whose text may be a single word; elsewhere that is a code. */
const spoken: ReadonlySet<string> = new Set([
	'text',
	'display',
	'description',
	'title',
	'comment',
	'name',
	'family',
	'given',
	'line',
	'city',
	'district',
	'state',
	'country',
]);

function gather(holder: Record<string, unknown>, words: Words, depth: number): void {
	// DetectedIssue and Expression have a uri of that name.
	if (typeof holder.reference === 'string' && holder.resourceType === undefined && holder.language === undefined)
		words.refer(holder.reference);
	for (const name in holder) {
		const value = holder[name];
		if (name === 'meta' || (typeof value === 'string' ? silent.has(name) : name === 'text')) continue;
		if (name !== 'display' || holder.reference === undefined) gatherValue(name, value, words, depth);
	}
}

function gatherValue(name: string, value: unknown, words: Words, depth: number): void {
	if (typeof value === 'string') {
		if (value.length > 1 && isText(value, name)) words.add(value);
	} else if (value !== null && typeof value === 'object' && depth < 40) {
		if (Array.isArray(value)) for (const one of value) gatherValue(name, one, words, depth + 1);
		else gather(value as Record<string, unknown>, words, depth + 1);
	}
}

function isText(value: string, name: string): boolean {
	const first = value.charCodeAt(0);
	// What begins otherwise is neither a code nor any of the others.
	if (!((first >= 0x61 && first <= 0x7a) || (first >= 0x30 && first <= 0x39))) return true;
	return !noText.test(value) && (!codeShape.test(value) || isSpoken(name));
}

function isSpoken(name: string): boolean {
	return spoken.has(name) || name.endsWith('String') || name.endsWith('Markdown');
}

/** Dates, numbers, UUIDs and addresses of machines are no text. */
const noText = /^(?:[a-z][a-z0-9+.-]*:\S*|\d[\d:.TZ+-]*|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;
const codeShape = /^[a-z]+(?:-[a-z]+)*$/;

class Words {
	readonly found = new Set<string>();
	readonly #known: Known;
	#characters = 0;
	constructor(known: Known) {
		this.#known = known;
	}
	refer(reference: string): void {
		this.#known.refer(reference);
	}
	add(text: string): void {
		if (this.#known.covers(text)) return;
		for (const word of this.#known.split(text)) {
			if (this.found.size >= mostWords || this.#characters > mostCharacters) return;
			if (!this.found.has(word)) this.#characters += word.length;
			this.found.add(word);
		}
	}
}

/** The words of a text as they are compared, at most so long as the index keeps them. */
export function splitWords(text: string): string[] {
	return text
		.split(/[^\p{L}\p{M}\p{N}]+/u)
		.map((word) => normalise(word).slice(0, longestWord))
		.filter((word) => word !== '');
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

/** The text of a narrative without its tags. */
function plainText(div: string): string {
	return div.replace(/<[^>]*>/g, ' ').replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|([a-z]+));/g, (whole, decimal, hex, name) => {
		if (name !== undefined) return entities[name] ?? whole;
		const point = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
		return point > 0 && point <= 0x10ffff ? String.fromCodePoint(point) : ' ';
	});
}
