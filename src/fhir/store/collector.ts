// Gathers what one resource leaves in the index. Called by the functions that extract.ts generates, once per value.
import { type DateRange, dateRange, periodRange, timingRange } from './dates.ts';
import {
	codedKey,
	codeKey,
	containedKey,
	exactKey,
	fold,
	foldContact,
	foldedKey,
	innerKey,
	innerOffset,
	longDates,
	longMs,
	mimeKey,
	normalise,
	ofTypeKey,
	pairKey,
	paramSalt,
	presentKey,
	refKey,
	salted,
	systemCodeKey,
	systemKey,
	unitKey,
} from './keys.ts';
import { allStrings, type IndexRow, type Key, type RangeEntry, type StringEntry, type TokenText } from './layout.ts';
import { type Measure, measureOf, rangeOf } from './measures.ts';
import type { Memory } from './memory.ts';
import { wordsOf } from './text.ts';

type Json = Record<string, unknown>;
type Coding = { system?: unknown; code?: unknown; display?: unknown };

/** Added to a quantity parameter's number for its values in canonical units. */
export const canonicalOffset = 2000;
/** Added to a string parameter's number for the later words of a family name. */
export const wordOffset = 4000;
const longest = 500;

/** A contained resource as it would be indexed by itself, without columns of its own. */
export type Inner = (id: string) => { readonly type: string; readonly row: IndexRow } | undefined;

/** A value of a composite's component: a token, a reference, or what lies on a scale. */
export type Part = { readonly system: string; readonly code: string } | { readonly reference: string } | Measure;

const anySalt = paramSalt('*');
/** Added to the key of a resource's own canonical url. */
export const urlSalt = paramSalt('#url');

export class Collector {
	readonly #memory: Memory;
	readonly #base: string;
	pat: Key | null = null;
	d: number | null = null;
	dh: number | null = null;
	code: Key | null = null;
	qv: number | null = null;
	qc: number | null = null;
	qk: Key | null = null;
	#low = 0;
	#high = 0;
	readonly #keys: Key[] = [];
	readonly #strings: StringEntry[] = [];
	readonly #ranges: RangeEntry[] = [];
	readonly #texts: TokenText[] = [];
	readonly #references = new Set<string>();
	/** References that a search parameter finds. */
	readonly #found = new Set<string>();
	readonly #links = new Set<string>();
	#words: string | null = null;
	/** Texts that are found by a token, and their words. */
	readonly #said = new Set<string>();
	readonly #saidWords: (readonly string[])[] = [];
	#covered: Set<string> | undefined;

	readonly #inner: Inner;

	/** `inner` gives the contained resource of an id with its own index row. */
	constructor(memory: Memory, base: string, inner: Inner = () => undefined) {
		this.#memory = memory;
		this.#base = base;
		this.#inner = inner;
	}

	/** The finished row. */
	row(): IndexRow {
		return {
			pat: this.pat,
			d: this.d,
			dh: this.dh,
			code: this.code,
			qv: this.qv,
			qc: this.qc,
			qk: this.qk,
			has: bits(this.#high, this.#low >>> 0),
			keys: [...new Set(this.#keys)],
			strings: this.#strings,
			ranges: this.#ranges,
			texts: this.#texts,
			references: [...this.#references],
			links: [...this.#links],
			words: this.#words,
		};
	}

	/** What is about the resource as a whole: the types of what it contains, and the words that no other index has. */
	whole(resource: Json): void {
		const { contained } = resource;
		if (Array.isArray(contained))
			for (const type of new Set(contained.map((inner) => (inner as Json | null)?.resourceType)))
				if (typeof type === 'string') this.#keys.push(containedKey(type));
		this.#words = wordsOf(resource, {
			covers: (text) => this.#said.has(text),
			has: (word) => this.#hasWord(word),
			split: this.#memory.words,
			refer: (reference) => this.#refers(reference),
		});
	}

	/** What referential integrity looks at: every literal reference to a resource here, by whatever element. */
	#refers(reference: string): void {
		if (reference.startsWith('#')) return;
		const link = this.#memory.link(reference);
		const { local } = link;
		if (local === undefined || this.#references.has(local)) return;
		this.#references.add(local);
		if (this.#found.has(local)) return;
		this.#keys.push(link.salted(anySalt));
		this.#links.add(linkOf(local, '*'));
	}

	/** All strings once more as one text. */
	together(): void {
		const texts = new Set(this.#strings.map(({ v }) => v));
		if (texts.size > 0) this.#strings.push({ p: allStrings, v: [...texts].sort().join('\n') });
	}

	#hasWord(word: string): boolean {
		this.#covered ??= new Set(this.#saidWords.flat());
		return this.#covered.has(word);
	}

	/** The patient's own key; other resources get theirs by reference. */
	self(reference: string): void {
		this.pat = this.#memory.reference(reference);
	}

	#present(p: number): void {
		if (p < 32) this.#low |= 1 << p;
		else if (p < 63) this.#high |= 1 << (p - 32);
		else this.#keys.push(presentKey(p));
	}

	#text(p: number, code: string, text: unknown): void {
		if (typeof text !== 'string' || text === '' || text.length > longest) return;
		const known = this.#memory.text(code, text);
		this.#said.add(text);
		if (known.text === '' || this.#texts.some((entry) => entry.k === known.k)) return;
		this.#keys.push(known.k);
		this.#texts.push({ p, k: known.k, text: known.text });
		this.#saidWords.push(known.words);
	}

	/** A token. `hot` puts the first one of the resource into the column. */
	#token(p: number, code: string, system: string, value: string, hot: boolean): void {
		this.#present(p);
		const keys = this.#memory.token(code, system, value);
		if (hot && this.code === null) this.code = keys.systemCode;
		else this.#keys.push(keys.systemCode);
		this.#keys.push(keys.code);
		if (keys.system !== undefined) this.#keys.push(keys.system);
	}

	coding(p: number, code: string, value: Coding, hot: boolean): void {
		const system = typeof value.system === 'string' ? value.system : '';
		if (typeof value.code === 'string') this.#token(p, code, system, value.code, hot);
		else if (system !== '') {
			this.#present(p);
			this.#keys.push(systemKey(code, system));
		}
		this.#text(p, code, value.display);
	}

	concept(p: number, code: string, value: Json, hot: boolean): void {
		if (Array.isArray(value.coding)) for (const coding of value.coding) this.coding(p, code, coding as Coding, hot);
		if (typeof value.text === 'string') {
			this.#present(p);
			this.#text(p, code, value.text);
		}
	}

	identifier(p: number, code: string, value: Json): void {
		const { system, value: text, type } = value as { system?: unknown; value?: unknown; type?: { coding?: Coding[]; text?: unknown } };
		if (typeof text === 'string') {
			this.#token(p, code, typeof system === 'string' ? system : '', text, false);
			for (const coding of type?.coding ?? []) {
				if (typeof coding?.code === 'string')
					this.#keys.push(ofTypeKey(code, typeof coding.system === 'string' ? coding.system : '', coding.code, text));
			}
		} else if (typeof system === 'string') {
			this.#present(p);
			this.#keys.push(systemKey(code, system));
		}
		this.#text(p, code, type?.text);
	}

	contact(p: number, code: string, { value }: Json): void {
		if (typeof value !== 'string' || value === '') return;
		this.#present(p);
		this.#keys.push(foldedKey(code, foldContact(value)));
	}

	/** A string as a token, compared without case. */
	folded(p: number, code: string, value: unknown): void {
		if (typeof value !== 'string' || value === '') return;
		this.#present(p);
		this.#keys.push(foldedKey(code, fold(value)));
	}

	/** A code or other primitive as a token; `system` is that of its required binding. */
	symbol(p: number, code: string, value: unknown, system: string, hot: boolean): void {
		if (typeof value !== 'string' && typeof value !== 'boolean' && typeof value !== 'number') return;
		this.#token(p, code, system, String(value), hot);
	}

	/** A mime type, found also without its parameters. */
	mime(p: number, code: string, value: unknown): void {
		if (typeof value !== 'string' || value === '') return;
		this.#token(p, code, '', value, false);
		this.#keys.push(mimeKey(code, (value.split(';')[0] as string).trim().toLowerCase()));
	}

	string(p: number, code: string, value: unknown): void {
		if (typeof value !== 'string' || value === '') return;
		this.#present(p);
		this.#string(p, normalise(value));
		this.#keys.push(exactKey(code, value));
	}

	#string(p: number, normal: string): void {
		const v = normal.slice(0, longest);
		if (!this.#strings.some((entry) => entry.p === p && entry.v === v)) this.#strings.push({ p, v });
	}

	/** A family name, found by each of its words. */
	family(p: number, code: string, value: unknown): void {
		this.string(p, code, value);
		if (typeof value !== 'string' || !/[\s-]/.test(value)) return;
		for (const at of value.matchAll(/(?<=[\s-])[^\s-]/g)) this.#string(p + wordOffset, normalise(value.slice(at.index)));
	}

	strings(p: number, code: string, value: Json, members: readonly string[]): void {
		for (const member of members) {
			const held = value[member];
			if (Array.isArray(held)) for (const text of held) this.string(p, code, text);
			else if (member === 'family') this.family(p, code, held);
			else this.string(p, code, held);
		}
	}

	/** A uri; `own` when it is the canonical url of the resource, by which others refer to it. */
	uri(p: number, value: unknown, own: boolean): void {
		if (typeof value !== 'string' || value === '') return;
		this.#present(p);
		if (own) this.#keys.push(salted(this.#memory.reference(localReference(value, this.#base) ?? value), urlSalt));
		this.#strings.push({ p, v: value.slice(0, longest) });
	}

	/** A uri kept as a key, found to the letter, also without its `|version`; `listed` among the texts, so that it is found by its beginning. */
	uriKey(p: number, code: string, value: unknown, listed: boolean): void {
		if (typeof value !== 'string' || value === '') return;
		this.#present(p);
		const k = exactKey(code, value);
		this.#keys.push(k);
		if (listed && value.length <= longest) this.#texts.push({ p, k, text: value });
		const bar = value.indexOf('|');
		if (bar > 0) this.#keys.push(exactKey(code, value.slice(0, bar)));
	}

	date(p: number, value: unknown, hot: boolean): void {
		if (typeof value === 'string') this.#interval(p, dateRange(value), hot);
	}

	period(p: number, value: Json, hot: boolean): void {
		this.#interval(p, periodRange(value), hot);
	}

	timing(p: number, value: Json, hot: boolean): void {
		this.#interval(p, timingRange(value), hot);
	}

	#interval(p: number, range: DateRange | undefined, hot: boolean): void {
		if (range === undefined) return;
		this.#present(p);
		if (!hot) this.#ranges.push({ p, k: null, lo: range.lo, hi: range.hi });
		else if (this.d === null) {
			this.d = range.lo;
			this.dh = range.hi;
			if (range.hi - range.lo > longMs) this.#keys.push(longDates);
		}
	}

	number(p: number, value: unknown): void {
		const amount = Number(value);
		if (value === null || value === undefined || !Number.isFinite(amount)) return;
		this.#present(p);
		this.#ranges.push({ p, k: null, lo: amount, hi: amount });
	}

	quantity(p: number, code: string, value: Json, hot: boolean): void {
		const measure = measureOf(value);
		if (measure === undefined) return;
		this.#present(p);
		const { lo, hi, units, canonical } = measure;
		if (hot) {
			const [unit] = units;
			this.qv = lo;
			this.qc = canonical?.lo ?? lo;
			this.qk = canonical !== undefined ? unitKey(canonical.unit) : unit === undefined ? null : unitKey(unit.text, unit.system);
			for (const { text } of units) this.#keys.push(exactKey(code, text));
			return;
		}
		if (units.length === 0) this.#ranges.push({ p, k: null, lo, hi });
		for (const { text, system } of units) this.#ranges.push({ p, k: unitKey(text, system), lo, hi });
		if (canonical !== undefined)
			this.#ranges.push({ p: p + canonicalOffset, k: unitKey(canonical.unit), lo: canonical.lo, hi: canonical.hi });
	}

	/** A Range of quantities: from its low to its high end. */
	quantityRange(p: number, value: Json): void {
		const range = rangeOf(value);
		if (range === undefined) return;
		this.#present(p);
		const { lo, hi, units, canonical } = range;
		if (units.length === 0) this.#ranges.push({ p, k: null, lo, hi });
		for (const { text, system } of units) this.#ranges.push({ p, k: unitKey(text, system), lo, hi });
		if (canonical !== undefined)
			this.#ranges.push({ p: p + canonicalOffset, k: unitKey(canonical.unit), lo: canonical.lo, hi: canonical.hi });
	}

	/** A position on the globe: latitude and longitude in degrees, as the ends of a range. */
	position(p: number, { latitude, longitude }: Json): void {
		const [lat, lon] = [Number(latitude), Number(longitude)];
		if (latitude === undefined || longitude === undefined || !Number.isFinite(lat) || !Number.isFinite(lon)) return;
		this.#present(p);
		this.#ranges.push({ p, k: null, lo: lat, hi: lon });
	}

	reference(p: number, code: string, salt: Key, value: Json, patient: boolean): void {
		const { reference, identifier } = value as { reference?: unknown; identifier?: Json };
		if (typeof reference === 'string') this.target(p, code, salt, reference, patient);
		if (identifier !== undefined && identifier !== null && typeof identifier === 'object' && typeof identifier.value === 'string') {
			this.#present(p);
			const system = typeof identifier.system === 'string' ? identifier.system : '';
			const name = `${code}:identifier`;
			this.#keys.push(systemCodeKey(name, system, identifier.value), codeKey(name, identifier.value));
			if (system !== '') this.#keys.push(systemKey(name, system));
		}
	}

	/** A canonical or uri that refers to a resource: as it stands, without its version, and with the beginnings of its version (`:below`). */
	canonical(p: number, salt: Key, value: unknown): void {
		if (typeof value !== 'string' || value === '') return;
		this.#present(p);
		const bar = value.indexOf('|');
		const url = bar > 0 ? value.slice(0, bar) : value;
		const bare = localReference(url, this.#base) ?? url;
		this.#keys.push(salted(this.#memory.reference(bare), salt));
		if (bar <= 0) return;
		const version = value.slice(bar + 1);
		this.#keys.push(salted(this.#memory.reference(`${bare}|${version}`), salt));
		for (const end of version.matchAll(/[.-]|$/g))
			this.#keys.push(salted(this.#memory.reference(`${bare}|~${version.slice(0, end.index)}`), salt));
	}

	/** A resource that is nested in this one: its own type and id. */
	nested(p: number, salt: Key, value: Json, targets: readonly string[]): void {
		const { resourceType, id } = value;
		if (typeof resourceType !== 'string' || typeof id !== 'string') return;
		if (targets.length === 0 || targets.includes(resourceType)) this.target(p, '', salt, `${resourceType}/${id}`, false);
	}

	/** Whether a reference may lead to this type: by its literal reference, or by what it says of its type. */
	isTo(value: Json, type: string, resource: Json): boolean {
		const { reference, type: said } = value;
		if (typeof reference !== 'string') return said === undefined || said === type;
		if (!reference.startsWith('#')) return typeOfReference(reference) === type;
		const { contained } = resource as { contained?: { id?: unknown; resourceType?: unknown }[] };
		const inner = contained?.find((one) => one?.id === reference.slice(1));
		return inner?.resourceType === type;
	}

	/** Where a reference leads. `patient`: the parameter by which column pat is filled. `code` is '' for what only looks like a reference. */
	target(p: number, code: string, salt: Key, reference: string, patient: boolean): void {
		if (reference === '') return;
		this.#present(p);
		if (reference.startsWith('#')) {
			this.#inside(p, code, reference.slice(1));
			return;
		}
		const link = this.#memory.link(reference);
		const { local, key } = link;
		if (patient && local?.startsWith('Patient/') && this.pat === null) this.pat = key;
		const inColumn = patient && this.pat === key;
		if (!inColumn) this.#keys.push(link.salted(salt));
		if (local === undefined || code === '') return;
		this.#found.add(local);
		this.#links.add(linkOf(local, inColumn ? patientLink : code));
	}

	/** What a contained resource would have in the index, for chains that lead to it (https://hl7.org/fhir/R4/search.html#contained). */
	#inside(p: number, code: string, id: string): void {
		if (p > 62) return;
		const found = this.#inner(id);
		if (found === undefined) return;
		const { type, row } = found;
		const keep = (key: Key): void => {
			this.#keys.push(innerKey(code, type, key));
		};
		keep('');
		for (const key of row.keys) keep(key);
		const has = BigInt(row.has);
		for (let n = 0; n < 63; n++) if (((has >> BigInt(n)) & 1n) === 1n) keep(presentKey(n));
		const offset = innerOffset(p);
		const moved = (number: number, beyond: number): number => offset + (number < 63 ? number : 64 + number - beyond);
		for (const { p: number, v } of row.strings) this.#strings.push({ p: moved(number, wordOffset), v });
		for (const { p: number, k, lo, hi } of row.ranges) this.#ranges.push({ p: moved(number, canonicalOffset), k, lo, hi });
	}

	/**
	 * Two components of one composite element, every value with every other: tokens and references as one key; a token with what is
	 * measured as a range under the token; two measures as a range from the one to the other.
	 */
	composite(p: number, code: string, first: readonly Part[], second: readonly Part[]): void {
		for (const a of first) {
			for (const b of second) {
				this.#present(p);
				if ('lo' in a) {
					if ('lo' in b) this.#ranges.push({ p, k: null, lo: a.lo, hi: b.lo });
				} else if (!('lo' in b)) {
					for (const one of partKeys(a)) for (const other of partKeys(b)) this.#keys.push(pairKey(code, one, other));
				} else if ('code' in a) this.#measured(p, a, b);
			}
		}
	}

	#measured(p: number, { code, system }: { code: string; system: string }, { lo, hi, units, canonical }: Measure): void {
		if (units.length === 0) this.#ranges.push({ p, k: codedKey(code, '', system), lo, hi });
		for (const { text } of units) this.#ranges.push({ p, k: codedKey(code, text, system), lo, hi });
		if (canonical !== undefined)
			this.#ranges.push({ p: p + canonicalOffset, k: codedKey(code, canonical.unit, system), lo: canonical.lo, hi: canonical.hi });
	}
}

/** The keys by which a component is found: with its system and by its code alone. */
function partKeys(part: Exclude<Part, Measure>): Key[] {
	if ('reference' in part) return [refKey(part.reference)];
	return [systemCodeKey('', part.system, part.code), codeKey('', part.code)];
}

/** Stands in a link for the column pat. */
export const patientLink = '@pat';

function linkOf(local: string, param: string): string {
	return `${local.slice(0, local.indexOf('/'))} ${param}`;
}

const localShape = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;

/** "Type/id" of a reference to a resource of this server, relative or under its base; undefined for any other. */
export function localReference(reference: string, base: string): string | undefined {
	const match = localShape.exec(relativeReference(reference, base));
	return match === null ? undefined : `${match[1]}/${match[2]}`;
}

/** A reference without the server's own base. */
export function relativeReference(reference: string, base: string): string {
	return base !== '' && reference.startsWith(`${base}/`) ? reference.slice(base.length + 1) : reference;
}

/** The type that a literal reference names, relative or absolute. */
function typeOfReference(reference: string): string | undefined {
	return /(?:^|\/)([A-Z][A-Za-z]+)\/[A-Za-z0-9\-.]{1,64}(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/.exec(reference)?.[1];
}

/** The values of a composite's component, as far as they can be part of one. */
export function partsOf(type: 'token' | 'reference' | 'quantity' | 'number' | 'date', value: unknown, base: string): Part[] {
	switch (type) {
		case 'token':
			return tokenParts(value);
		case 'reference': {
			const { reference } = (value ?? {}) as { reference?: unknown };
			return typeof reference === 'string' ? [{ reference: localReference(reference, base) ?? reference }] : [];
		}
		case 'quantity': {
			const held = (value ?? {}) as Json;
			const measure = 'low' in held || 'high' in held ? rangeOf(held) : measureOf(held);
			return measure === undefined ? [] : [measure];
		}
		case 'number': {
			const amount = Number(value);
			return value === null || !Number.isFinite(amount) ? [] : [{ lo: amount, hi: amount, units: [], canonical: undefined }];
		}
		case 'date': {
			const range = typeof value === 'string' ? dateRange(value) : periodRange((value ?? {}) as Json);
			return range === undefined ? [] : [{ ...range, units: [], canonical: undefined }];
		}
	}
}

function tokenParts(value: unknown): Part[] {
	if (typeof value === 'string' || typeof value === 'boolean') return [{ system: '', code: String(value) }];
	if (value === null || typeof value !== 'object') return [];
	const held = value as Json;
	if (Array.isArray(held.coding)) return held.coding.flatMap(tokenParts);
	return typeof held.code === 'string' ? [{ system: typeof held.system === 'string' ? held.system : '', code: held.code }] : [];
}

/** Two words of bits as one number in decimal. */
function bits(high: number, low: number): string {
	return high < 0x200000 ? String(high * 0x1_0000_0000 + low) : String((BigInt(high) << 32n) | BigInt(low));
}
