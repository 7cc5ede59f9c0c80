// Values in the shape of FHIR's data types as those of CDA (HL7 v3 data types R1). What is missing gets a null flavor; nothing is made up.

import type { Element } from '#formats/ccda/tree.ts';
import type { Coding, Period } from '#formats/ccda/values.ts';
import { equivalentOf, keptUrl, writtenSystem } from '#formats/ccda/vocabulary.ts';
import { type Content, element } from './xml.ts';

/** A concept as FHIR has it; stored texts may say less than the type promises. */
export type Concept = { readonly extension?: readonly ConceptExtension[]; readonly coding?: readonly Coding[]; readonly text?: string };
type ConceptExtension = {
	readonly url?: string;
	readonly valueCodeableConcept?: Concept;
	readonly extension?: readonly ConceptExtension[];
};
export type Measure = {
	readonly value?: number | string;
	readonly comparator?: string;
	readonly unit?: string;
	readonly system?: string;
	readonly code?: string;
};
export type Name = {
	readonly use?: string;
	readonly text?: string;
	readonly family?: string;
	readonly given?: readonly string[];
	readonly prefix?: readonly string[];
	readonly suffix?: readonly string[];
	readonly period?: Period;
};
export type Place = {
	readonly use?: string;
	readonly type?: string;
	readonly text?: string;
	readonly line?: readonly string[];
	readonly city?: string;
	readonly state?: string;
	readonly postalCode?: string;
	readonly country?: string;
	readonly period?: Period;
};
export type Contact = { readonly system?: string; readonly value?: string; readonly use?: string };

/** HL7's null flavors that we write: no information, unknown, other, not applicable. */
export type NullFlavor = 'NI' | 'UNK' | 'OTH' | 'NA';

export function nothing(name: string, nullFlavor: NullFlavor = 'UNK'): Element {
	return element(name, { nullFlavor });
}

const dateTime = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/;

/** A FHIR date, dateTime or instant as TS of the same precision; undefined for what is none. */
export function stamp(text: string | undefined): string | undefined {
	const parts = dateTime.exec(text ?? '');
	if (parts === null) return undefined;
	const [, year, month = '', day = '', hour = '', minute = '', second = '', zone = ''] = parts;
	const offset = zone === 'Z' ? '+0000' : zone.replace(':', '');
	return `${year}${month}${day}${hour}${minute}${hour === '' ? '' : second === '' ? '00' : second}${offset}`;
}

/** A point in time. */
export function time(name: string, text: string | undefined): Element {
	const value = stamp(text);
	return value === undefined ? nothing(name) : element(name, { value });
}

/** An interval of time with both ends; an end that is missing is unknown, or left out with `open`. */
export function interval(name: string, { start, end }: Period, { open = false, type }: { open?: boolean; type?: 'IVL_TS' } = {}): Element {
	const high = stamp(end) === undefined && open ? undefined : time('high', end);
	return element(name, { 'xsi:type': type }, time('low', start), high);
}

export type CodeOptions = {
	/** Code systems in the order in which they are wanted as the code itself; the others are translations. Nothing: as they come. */
	readonly systems?: readonly string[];
	/** No code of another system may stand as the code itself. */
	readonly only?: boolean;
	/** Takes a code in further: value sets that only hold some of a system's codes. */
	readonly takes?: (coding: Coding) => boolean;
	/** ID in the narrative of the words. */
	readonly reference?: string;
	readonly nullFlavor?: NullFlavor;
	/** `CD` and its like, where the element says its type. */
	readonly type?: string;
};

/** A concept as a coded value: its code, the other codings as translations, the words as original text. */
export function code(name: string, concept: Concept | undefined, options: CodeOptions = {}): Element {
	const { systems, only = false, takes = () => true, reference, type } = options;
	const codings = (concept?.coding ?? []).filter(
		(one) => one.code !== undefined && one.code !== '' && !/\s/.test(one.code) && writtenSystem(one.system) !== undefined,
	);
	const rank = (coding: Coding): number => {
		const place = systems === undefined ? 0 : systems.indexOf(coding.system ?? '');
		return place < 0 ? (systems as readonly string[]).length : place;
	};
	// A code of a system that is not wanted may have its like in one that is.
	const likes = only ? codings.map(equivalentOf).filter((one) => one !== undefined) : [];
	const fits = [...codings, ...likes].filter((one) => takes(one) && (!only || systems === undefined || systems.includes(one.system ?? '')));
	const [first] = fits.toSorted((a, b) => rank(a) - rank(b));
	const words = concept?.text ?? first?.display ?? concept?.coding?.find(({ display }) => display !== undefined)?.display;
	const original = originalText(words, reference);
	const translations = codings.filter((one) => one !== first).map((one) => element('translation', codedAttributes(one)));
	const qualifiers = qualifiersOf(concept);
	if (first !== undefined) return element(name, { 'xsi:type': type, ...codedAttributes(first) }, original, qualifiers, translations);
	const flavor = options.nullFlavor ?? (translations.length > 0 || words !== undefined ? 'OTH' : 'UNK');
	return element(name, { 'xsi:type': type, nullFlavor: flavor }, original, qualifiers, translations);
}

/** What refines a code (CR): kept by the reader in an extension. */
function qualifiersOf(concept: Concept | undefined): Element[] {
	return (concept?.extension ?? [])
		.filter(({ url }) => url === keptUrl('qualifier'))
		.map(({ extension }) => {
			const part = (name: string): Element | undefined => {
				const value = extension?.find(({ url }) => url === name)?.valueCodeableConcept;
				return value === undefined ? undefined : code(name, value, name === 'value' ? { type: 'CD' } : {});
			};
			return element('qualifier', {}, part('name'), part('value'));
		});
}

function originalText(words: string | undefined, reference: string | undefined): Element | undefined {
	if (words === undefined || words === '') return undefined;
	return element('originalText', {}, reference === undefined ? words : element('reference', { value: `#${reference}` }));
}

function codedAttributes({ system, code: value, display }: Coding): Record<string, string | undefined> {
	return { code: value, ...writtenSystem(system), displayName: display };
}

/** A code that we choose ourselves, of a system by its url. */
export function fixed(name: string, system: string, value: string, display: string, type?: string): Element {
	return element(name, { 'xsi:type': type, ...codedAttributes({ system, code: value, display }) });
}

/** A decimal as XML writes it; FHIR's numbers may have exponents, CDA's not. */
function decimal(value: number | string): string | undefined {
	const text = String(value);
	if (/^-?\d+(\.\d+)?$/.test(text)) return text;
	const number = Number(text);
	return Number.isFinite(number) ? number.toFixed(12).replace(/\.?0+$/, '') : undefined;
}

const ucum = 'http://unitsofmeasure.org';

/** Attributes of a physical quantity: the unit is UCUM's, or there is none. */
function quantityAttributes({ value, system, code: unit }: Measure): Record<string, string | undefined> | undefined {
	const text = value === undefined ? undefined : decimal(value);
	if (text === undefined) return undefined;
	const known = unit !== undefined && (system === undefined || system === ucum) && !/\s/.test(unit);
	return { value: text, unit: known && unit !== '1' ? unit : undefined };
}

/** A quantity. One whose unit is not UCUM's keeps it as words in a translation. A comparator makes an interval where a value may be one. */
export function quantity(name: string, measure: Measure | undefined, type?: 'PQ'): Element {
	const attributes = measure === undefined ? undefined : quantityAttributes(measure);
	if (measure === undefined || attributes === undefined) return element(name, { 'xsi:type': type, nullFlavor: 'UNK' });
	const { comparator } = measure;
	if (comparator !== undefined && type !== undefined) {
		const bound = comparator.startsWith('<') ? 'high' : 'low';
		const open = element(bound === 'high' ? 'low' : 'high', { nullFlavor: bound === 'high' ? 'NINF' : 'PINF' });
		return element(
			name,
			{ 'xsi:type': 'IVL_PQ' },
			open,
			element(bound, { ...attributes, inclusive: comparator.endsWith('=') ? 'true' : 'false' }),
		);
	}
	if (attributes.unit === undefined && measure.unit !== undefined && measure.code !== '1') {
		const words = element('translation', { value: attributes.value }, element('originalText', {}, measure.unit));
		return element(name, { 'xsi:type': type, nullFlavor: 'OTH' }, words);
	}
	return element(name, { 'xsi:type': type, ...attributes });
}

/** A reference range's interval; undefined when it has no bound. */
export function bounds(name: string, low: Measure | undefined, high: Measure | undefined): Element | undefined {
	const side = (place: 'low' | 'high', measure: Measure | undefined): Element | undefined => {
		const attributes = measure === undefined ? undefined : quantityAttributes(measure);
		return attributes === undefined ? undefined : element(place, attributes);
	};
	const ends: Content[] = [side('low', low), side('high', high)];
	return ends.every((end) => end === undefined) ? undefined : element(name, { 'xsi:type': 'IVL_PQ' }, ends);
}

/** The texts of a list: FHIR has null where an item has only extensions. */
function texts(list: readonly (string | null)[] | undefined): string[] {
	return (list ?? []).filter((one) => one !== null && one !== '') as string[];
}

/** Names of people, the usual one first; unknown when there is none. */
export function personNames(names: readonly Name[] | undefined): Element[] {
	const known = (names ?? []).filter(({ family, given, text }) => family !== undefined || given !== undefined || text !== undefined);
	if (known.length === 0) return [nothing('name')];
	const legal = known.filter(({ use }) => use === 'official' || use === 'usual' || use === undefined);
	return [...new Set([...legal, ...known])].map((name) => personName(name));
}

const nameUses: Readonly<Record<string, string>> = { official: 'L', usual: 'L', nickname: 'P', anonymous: 'P' };

function personName({ use, family, text, period, ...parts }: Name): Element {
	const [given, prefix, suffix] = [texts(parts.given), texts(parts.prefix), texts(parts.suffix)];
	const valid = period === undefined ? undefined : interval('validTime', period, { open: true });
	const mark = use === undefined ? undefined : nameUses[use];
	if (family === undefined && given.length === 0) {
		// Words alone: the last is taken for the family name, as CDA asks for parts.
		const words = (text ?? '').trim().split(/\s+/);
		const last = words.pop() ?? '';
		return element(
			'name',
			{ use: mark },
			words.length === 0 ? nothing('given') : words.map((word) => element('given', {}, word)),
			element('family', {}, last),
			valid,
		);
	}
	const birth = use === 'maiden' ? 'BR' : undefined;
	// What the person is called: a name to use.
	const called = use === 'nickname' ? 'CL' : undefined;
	return element(
		'name',
		{ use: mark },
		prefix.map((part) => element('prefix', {}, part)),
		given.length === 0 ? nothing('given') : given.map((part) => element('given', { qualifier: called }, part)),
		family === undefined ? nothing('family') : element('family', { qualifier: birth }, family),
		suffix.map((part) => element('suffix', {}, part)),
		valid,
	);
}

const addressUses: Readonly<Record<string, string>> = { home: 'HP', work: 'WP', temp: 'TMP', old: 'BAD' };

/** Addresses with the parts the US Realm asks for; unknown when there is none. */
export function addresses(places: readonly Place[] | undefined): Element[] {
	const current = (places ?? []).filter(({ use }) => use !== 'old');
	const some = current.length > 0 ? current : (places ?? []);
	return some.length === 0 ? [nothing('addr')] : some.map(address);
}

/** Addresses that were, where there is one that is, with the time they were good for. */
export function formerAddresses(places: readonly Place[] | undefined): Element[] {
	const former = (places ?? []).filter(({ use }) => use === 'old');
	if (former.length === (places ?? []).length) return [];
	return former.map(({ period, use: _, ...place }) => {
		const { name, attributes, children } = address({ ...place, use: 'home' });
		return element(name, attributes, children, interval('useablePeriod', period ?? {}, { type: 'IVL_TS' }));
	});
}

function address({ use, line, text, city, state, postalCode, country }: Place): Element {
	const written = texts(line).slice(0, 4);
	const lines = written.length > 0 ? written : texts([text ?? null]);
	const part = (name: string, words: string | undefined): Element | undefined =>
		words === undefined ? undefined : element(name, {}, words);
	const isAmerican = country === undefined || ['US', 'USA', 'UNITED STATES'].includes(country.toUpperCase());
	return element(
		'addr',
		{ use: use === undefined ? undefined : addressUses[use] },
		lines.length === 0 ? nothing('streetAddressLine') : lines.map((words) => element('streetAddressLine', {}, words)),
		part('city', city) ?? nothing('city'),
		part('state', state) ?? (isAmerican ? nothing('state') : undefined),
		part('postalCode', postalCode) ?? (isAmerican ? nothing('postalCode') : undefined),
		isAmerican ? element('country', {}, 'US') : part('country', country),
	);
}

const schemes: Readonly<Record<string, string>> = { phone: 'tel:', sms: 'tel:', pager: 'tel:', fax: 'fax:', email: 'mailto:', url: '' };
const contactUses: Readonly<Record<string, string>> = { home: 'HP', work: 'WP', mobile: 'MC', temp: 'TMP' };

/** Telephone numbers and the like; unknown when there is none. */
export function telecoms(contacts: readonly Contact[] | undefined, most = 20): Element[] {
	const known = (contacts ?? []).filter(({ value, use }) => value !== undefined && value.trim() !== '' && use !== 'old').slice(0, most);
	if (known.length === 0) return [nothing('telecom')];
	return known.map(({ system, value = '', use }) => {
		const scheme = schemes[system ?? 'phone'] ?? '';
		const text = scheme === 'mailto:' || scheme === '' ? value.trim() : value.trim().replace(/\s+/g, '-');
		return element('telecom', {
			use: use === undefined ? undefined : contactUses[use],
			value: text.startsWith(scheme) ? text : scheme + text,
		});
	});
}
