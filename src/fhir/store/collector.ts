// Gathers what one resource leaves in the index. Called by the functions that extract.ts generates, once per value.
import { type DateRange, dateRange, periodRange, timingRange } from './dates.ts';
import {
	codeKey,
	exactKey,
	fastKey,
	normalise,
	ofTypeKey,
	pairKey,
	paramSalt,
	refKey,
	salted,
	systemCodeKey,
	systemKey,
	textKey,
	unitKey,
} from './keys.ts';
import type { IndexRow, Key, RangeEntry, StringEntry, TokenText } from './layout.ts';
import { canonicalQuantity } from './units.ts';

type Json = Record<string, unknown>;
type Coding = { system?: unknown; code?: unknown; display?: unknown };
type Quantity = { value?: unknown; system?: unknown; code?: unknown; unit?: unknown };

const canonicalOffset = 2000;
const longest = 500;

/** A value of a composite's component: a token's key, or a quantity. */
export type Part =
	| { readonly key: Key }
	| { readonly value: number; readonly canonical: { readonly value: number; readonly unit: string } | undefined };

/** Remembers the last keys of references, which repeat from row to row. */
export type ReferenceKeys = (reference: string) => Key;

/** A bounded memory of refKey. */
export function rememberKeys(capacity = 20_000): ReferenceKeys {
	const kept = new Map<string, Key>();
	return (reference) => {
		let key = kept.get(reference);
		if (key === undefined) {
			key = refKey(reference);
			if (kept.size >= capacity) kept.clear();
			kept.set(reference, key);
		}
		return key;
	};
}

const anySalt = paramSalt('*');

export class Collector {
	readonly #keyOf: ReferenceKeys;
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

	constructor(keyOf: ReferenceKeys, base: string) {
		this.#keyOf = keyOf;
		this.#base = base;
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
			has: this.#high === 0 ? String(this.#low >>> 0) : String((BigInt(this.#high) << 32n) | BigInt(this.#low >>> 0)),
			keys: [...new Set(this.#keys)],
			strings: this.#strings,
			ranges: this.#ranges,
			texts: this.#texts,
			references: [...this.#references],
		};
	}

	/** The patient's own key; other resources get theirs by reference. */
	self(reference: string): void {
		this.pat = this.#keyOf(reference);
	}

	#present(p: number): void {
		if (p < 32) this.#low |= 1 << p;
		else if (p < 63) this.#high |= 1 << (p - 32);
	}

	#text(p: number, code: string, text: unknown): void {
		if (typeof text !== 'string' || text === '' || text.length > longest) return;
		const normal = normalise(text);
		const k = textKey(code, normal);
		if (this.#keys.includes(k)) return;
		this.#keys.push(k);
		this.#texts.push({ p, k, text: normal });
	}

	/** A token. `hot` puts the first one of the resource into the column. */
	#token(p: number, code: string, system: string, value: string, hot: boolean): void {
		this.#present(p);
		const key = systemCodeKey(code, system, value);
		if (hot && this.code === null) this.code = key;
		else this.#keys.push(key);
		this.#keys.push(codeKey(code, value));
		if (system !== '') this.#keys.push(systemKey(code, system));
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

	contact(p: number, code: string, { system, use, value }: Json): void {
		if (typeof value !== 'string') return;
		this.#token(p, code, typeof system === 'string' ? system : '', value, false);
		if (typeof use === 'string') this.#keys.push(systemCodeKey(code, use, value));
	}

	/** A code or other primitive as a token; `system` is that of its required binding. */
	symbol(p: number, code: string, value: unknown, system: string, hot: boolean): void {
		if (typeof value !== 'string' && typeof value !== 'boolean' && typeof value !== 'number') return;
		const text = String(value);
		this.#token(p, code, '', text, hot && system === '');
		if (system !== '') this.#token(p, code, system, text, hot);
	}

	string(p: number, code: string, value: unknown): void {
		if (typeof value !== 'string' || value === '') return;
		this.#present(p);
		const v = normalise(value).slice(0, longest);
		if (!this.#strings.some((entry) => entry.p === p && entry.v === v)) this.#strings.push({ p, v });
		this.#keys.push(exactKey(code, value));
	}

	strings(p: number, code: string, value: Json, members: readonly string[]): void {
		for (const member of members) {
			const held = value[member];
			if (Array.isArray(held)) for (const text of held) this.string(p, code, text);
			else this.string(p, code, held);
		}
	}

	uri(p: number, value: unknown): void {
		if (typeof value !== 'string' || value === '') return;
		this.#present(p);
		this.#strings.push({ p, v: value.slice(0, longest) });
	}

	/** A uri kept as a key: found to the letter only; also without its `|version`. */
	uriKey(p: number, code: string, value: unknown): void {
		if (typeof value !== 'string' || value === '') return;
		this.#present(p);
		this.#keys.push(exactKey(code, value));
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
		}
	}

	number(p: number, value: unknown): void {
		const amount = Number(value);
		if (value === null || value === undefined || !Number.isFinite(amount)) return;
		this.#present(p);
		this.#ranges.push({ p, k: null, lo: amount, hi: amount });
	}

	quantity(p: number, code: string, value: Json, hot: boolean): void {
		const { value: held, system, code: unit, unit: label, currency } = value as Quantity & { currency?: unknown };
		const amount = Number(held);
		if (held === undefined || held === null || !Number.isFinite(amount)) return;
		this.#present(p);
		const written =
			typeof unit === 'string' ? unit : typeof label === 'string' ? label : typeof currency === 'string' ? currency : undefined;
		const canonical = canonicalQuantity(
			amount,
			typeof system === 'string' ? system : undefined,
			typeof unit === 'string' ? unit : undefined,
		);
		if (hot) {
			this.qv = amount;
			this.qc = canonical?.value ?? amount;
			this.qk = canonical === undefined ? (written === undefined ? null : unitKey(written)) : unitKey(canonical.unit);
			if (written !== undefined) this.#keys.push(exactKey(code, written));
			return;
		}
		this.#ranges.push({ p, k: written === undefined ? null : unitKey(written), lo: amount, hi: amount });
		if (canonical !== undefined)
			this.#ranges.push({ p: p + canonicalOffset, k: unitKey(canonical.unit), lo: canonical.value, hi: canonical.value });
	}

	/** A Range of quantities: from its low to its high end. */
	quantityRange(p: number, value: Json): void {
		const low = value.low as Quantity | undefined;
		const high = value.high as Quantity | undefined;
		const lo = low?.value === undefined ? Number.NEGATIVE_INFINITY : Number(low.value);
		const hi = high?.value === undefined ? Number.POSITIVE_INFINITY : Number(high.value);
		if (Number.isNaN(lo) || Number.isNaN(hi) || (low === undefined && high === undefined)) return;
		this.#present(p);
		const unit = low?.code ?? high?.code ?? low?.unit ?? high?.unit;
		this.#ranges.push({ p, k: typeof unit === 'string' ? unitKey(unit) : null, lo, hi });
	}

	reference(p: number, code: string, salt: Key, value: Json, patient: boolean): void {
		const { reference, identifier } = value as { reference?: unknown; identifier?: Json };
		if (typeof reference === 'string') this.target(p, salt, reference, patient, true);
		if (identifier !== undefined && identifier !== null && typeof identifier === 'object' && typeof identifier.value === 'string') {
			this.#present(p);
			const system = typeof identifier.system === 'string' ? identifier.system : '';
			this.#keys.push(systemCodeKey(`${code}:identifier`, system, identifier.value), codeKey(`${code}:identifier`, identifier.value));
		}
	}

	/** A canonical or uri that refers to a resource, with and without its version. */
	canonical(p: number, salt: Key, value: unknown): void {
		if (typeof value !== 'string' || value === '') return;
		this.#present(p);
		const bar = value.indexOf('|');
		this.#keys.push(salted(this.#keyOf(value), salt));
		if (bar > 0) this.#keys.push(salted(this.#keyOf(value.slice(0, bar)), salt));
	}

	/** Where a reference leads. `patient`: the parameter by which column pat is filled. */
	target(p: number, salt: Key, reference: string, patient: boolean, checked: boolean): void {
		if (reference === '' || reference.startsWith('#')) return;
		this.#present(p);
		const local = localReference(reference, this.#base);
		const key = this.#keyOf(local ?? reference);
		if (local !== undefined && checked) this.#references.add(local);
		if (patient && local?.startsWith('Patient/')) {
			if (this.pat === null) this.pat = key;
			if (this.pat === key) return;
		}
		this.#keys.push(salted(key, salt));
		if (local !== undefined && key !== this.pat) this.#keys.push(salted(key, anySalt));
	}

	/** Parts of one composite value, every token with every other value. */
	composite(p: number, code: string, first: readonly Part[], second: readonly Part[]): void {
		for (const a of first) {
			if (!('key' in a)) continue;
			for (const b of second) {
				this.#present(p);
				if ('key' in b) this.#keys.push(pairKey(code, a.key, b.key));
				else {
					this.#ranges.push({ p, k: a.key, lo: b.value, hi: b.value });
					if (b.canonical !== undefined)
						this.#ranges.push({
							p: p + canonicalOffset,
							k: pairKey(code, a.key, unitKey(b.canonical.unit)),
							lo: b.canonical.value,
							hi: b.canonical.value,
						});
				}
			}
		}
	}
}

const localShape = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;

/** "Type/id" of a reference to a resource of this server, relative or under its base; undefined for any other. */
export function localReference(reference: string, base: string): string | undefined {
	const relative = base !== '' && reference.startsWith(`${base}/`) ? reference.slice(base.length + 1) : reference;
	const match = localShape.exec(relative);
	return match === null ? undefined : `${match[1]}/${match[2]}`;
}

/** The values of a composite's component, as far as they can be part of one: codes with their system, quantities. */
export function partsOf(param: string, value: unknown): Part[] {
	if (typeof value === 'string' || typeof value === 'boolean') return [{ key: systemCodeKey(param, '', String(value)) }];
	if (value === null || typeof value !== 'object') return [];
	const held = value as Json;
	if (Array.isArray(held.coding)) return (held.coding as Coding[]).flatMap((coding) => partsOf(param, coding));
	if (typeof held.value === 'number' || held.value instanceof Number) {
		const amount = Number(held.value);
		return [{ value: amount, canonical: canonicalQuantity(amount, held.system as string | undefined, held.code as string | undefined) }];
	}
	if (typeof held.reference === 'string') return [{ key: fastKey(`${param}|r|${held.reference}`) }];
	return typeof held.code === 'string'
		? [{ key: systemCodeKey(param, typeof held.system === 'string' ? held.system : '', held.code) }]
		: [];
}
