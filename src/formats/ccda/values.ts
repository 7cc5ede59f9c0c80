// The data types of CDA (HL7 v3 data types R1) as values in the shape of FHIR's (https://hl7.org/fhir/R4/datatypes.html). What says nothing
// or cannot be read is undefined: a value is never guessed.
import type { ClinicalDocument } from './document.ts';
import { child, childrenOf, type Element, textOf } from './tree.ts';
import { codedSystem, keptUrl, rootUri, systemOf } from './vocabulary.ts';

export type Coding = { readonly system?: string; readonly code?: string; readonly display?: string };
export type CodeableConcept = { readonly extension?: readonly object[]; readonly coding?: readonly Coding[]; readonly text?: string };
export type Quantity = {
	readonly value: number;
	readonly comparator?: string;
	readonly unit?: string;
	readonly system?: string;
	readonly code?: string;
};
export type Period = { readonly start?: string; readonly end?: string };
export type Identifier = { readonly system: string; readonly value: string };

/** Whether the element is absent or says by a null flavor that it holds nothing. */
export function isNull(element: Element | undefined): element is undefined {
	return element === undefined || element.attributes.nullFlavor !== undefined;
}

/** CD, CE, CV: the code and its translations as codings, and the original words as text. */
export function conceptOf(element: Element | undefined, document: ClinicalDocument): CodeableConcept | undefined {
	if (element === undefined) return undefined;
	const coding = [element, ...childrenOf(element, 'translation')].map(codingOf).filter((one) => one !== undefined);
	const text =
		originalText(element, document) ?? spoken(element.attributes.displayName) ?? coding.find((one) => one.display !== undefined)?.display;
	if (coding.length === 0 && text === undefined) return undefined;
	const extension = childrenOf(element, 'qualifier').flatMap((one) => qualifierOf(one, document));
	return {
		...(extension.length === 0 ? {} : { extension }),
		...(coding.length === 0 ? {} : { coding: distinct(coding) }),
		...(text === undefined ? {} : { text }),
	};
}

function spoken(words: string | undefined): string | undefined {
	const text = words?.trim();
	return text === '' ? undefined : text;
}

/** CR: a name and value that refine a code (laterality, modality), for which FHIR has no element. */
function qualifierOf(element: Element, document: ClinicalDocument): object[] {
	const value = conceptOf(child(element, 'value'), document);
	const name = conceptOf(child(element, 'name'), document);
	if (value === undefined) return [];
	const parts = [
		...(name === undefined ? [] : [{ url: 'name', valueCodeableConcept: name }]),
		{ url: 'value', valueCodeableConcept: value },
	];
	return [{ url: keptUrl('qualifier'), extension: parts }];
}

function distinct(codings: readonly Coding[]): Coding[] {
	const seen = new Set<string>();
	return codings.filter(({ system, code }) => {
		const key = `${system}|${code}`;
		if (seen.has(key)) return false;
		seen.add(key);
		return true;
	});
}

export function codingOf(element: Element | undefined): Coding | undefined {
	const code = element?.attributes.code?.trim();
	if (element === undefined || code === undefined || code === '' || /\s{2}|[\t\n\r]/.test(code)) return undefined;
	const { codeSystem, codeSystemName } = element.attributes;
	const system = codedSystem(codeSystem, codeSystemName);
	const display = spoken(element.attributes.displayName);
	return {
		...(system === undefined ? {} : { system }),
		code,
		...(display === undefined ? {} : { display }),
	};
}

/** Words that a value was coded from: inside it, or in the narrative it points to. */
export function originalText(element: Element, document: ClinicalDocument): string | undefined {
	const original = child(element, 'originalText');
	return original === undefined ? undefined : referredText(original, document);
}

/** Text of an element, or of the narrative that its reference names. */
export function referredText(element: Element | undefined, document: ClinicalDocument): string | undefined {
	const reference = child(element, 'reference')?.attributes.value;
	if (reference?.startsWith('#')) {
		const text = textOf(document.narrative.get(reference.slice(1)));
		if (text !== undefined) return text;
	}
	return textOf(element);
}

const timestamp = /^(\d{4})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(?:(\d{2})(\.\d+)?)?)?)?)?)?([+-]\d{4})?$/;

/**
 * TS: a FHIR date or dateTime of the same precision. A time without an offset has that of `zone` (the document's own, such as `-05:00`);
 * hours without minutes are left out, for FHIR has no such precision.
 */
export function timeOf(value: string | undefined, zone: string): string | undefined {
	const parts = timestamp.exec(value?.trim() ?? '');
	if (parts === null) return undefined;
	const [, year, month, day, hour, minute, second = '00', fraction = '', offset] = parts as unknown as string[];
	if (year === '0000') return undefined;
	if (month === undefined) return year;
	if (Number(month) < 1 || Number(month) > 12) return undefined;
	if (day === undefined) return `${year}-${month}`;
	if (Number(day) < 1 || Number(day) > daysIn(Number(year), Number(month))) return undefined;
	const date = `${year}-${month}-${day}`;
	if (hour === undefined || minute === undefined) return date;
	if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return date;
	return `${date}T${hour}:${minute}:${second}${fraction.slice(0, 10)}${offset === undefined ? zone : `${offset.slice(0, 3)}:${offset.slice(3)}`}`;
}

function daysIn(year: number, month: number): number {
	const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
	return [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] as number;
}

/** The offset that a document's own time has, for times in it that have none. */
export function zoneOf(document: ClinicalDocument): string {
	const offset = /([+-]\d{2})(\d{2})$/.exec(child(document.root, 'effectiveTime')?.attributes.value ?? '');
	return offset === null ? 'Z' : `${offset[1]}:${offset[2]}`;
}

/** IVL_TS: from when to when; a point in time is a start without an end. */
export function periodOf(element: Element | undefined, zone: string): Period | undefined {
	if (element === undefined) return undefined;
	const start = timeOf(
		child(element, 'low')?.attributes.value ?? element.attributes.value ?? child(element, 'center')?.attributes.value,
		zone,
	);
	const end = timeOf(child(element, 'high')?.attributes.value, zone);
	if (start === undefined && end === undefined) return undefined;
	return { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
}

/** Whether a time is given as an interval rather than a point. */
export function isInterval(element: Element | undefined): boolean {
	return child(element, 'low') !== undefined || child(element, 'high') !== undefined;
}

const number = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

export function numberOf(text: string | undefined): number | undefined {
	const trimmed = text?.trim() ?? '';
	if (!number.test(trimmed)) return undefined;
	const value = Number(trimmed);
	return Number.isFinite(value) ? value : undefined;
}

/** PQ: a quantity in UCUM units. */
export function quantityOf(element: Element | undefined, comparator?: string): Quantity | undefined {
	const value = numberOf(element?.attributes.value);
	if (element === undefined || value === undefined) return undefined;
	const unit = element.attributes.unit?.trim();
	const measured = unit !== undefined && unit !== '' && unit !== '1';
	return {
		value,
		...(comparator === undefined ? {} : { comparator }),
		...(measured ? { unit, ...(/\s/.test(unit) ? {} : { system: 'http://unitsofmeasure.org', code: unit }) } : {}),
	};
}

/** The value of an observation under the name FHIR has for its type, or undefined when there is none. */
export function observedValue(
	element: Element | undefined,
	document: ClinicalDocument,
	zone: string,
): Readonly<Record<string, unknown>> | undefined {
	if (element === undefined) return undefined;
	const type = (element.attributes['xsi:type'] ?? '').replace(/^.*:/, '');
	const named = (name: string, value: unknown) => (value === undefined ? undefined : { [name]: value });
	switch (type) {
		case 'PQ':
		case 'MO':
			return named('valueQuantity', quantityOf(element));
		case 'REAL':
			return named('valueQuantity', quantityOf(element));
		case 'INT':
			return /^-?\d{1,9}$/.test(element.attributes.value ?? '') ? { valueInteger: Number(element.attributes.value) } : undefined;
		case 'BL':
			return element.attributes.value === undefined ? undefined : { valueBoolean: element.attributes.value === 'true' };
		case 'TS':
			return named('valueDateTime', timeOf(element.attributes.value, zone));
		case 'IVL_TS':
			return named('valuePeriod', periodOf(element, zone));
		case 'IVL_PQ':
		case 'IVL_INT':
		case 'IVL_REAL':
			return rangeOf(element);
		case 'RTO':
		case 'RTO_PQ_PQ': {
			const numerator = quantityOf(child(element, 'numerator'));
			const denominator = quantityOf(child(element, 'denominator'));
			return numerator === undefined || denominator === undefined ? undefined : { valueRatio: { numerator, denominator } };
		}
		case 'CD':
		case 'CE':
		case 'CV':
		case 'CO':
		case 'CS':
			return named('valueCodeableConcept', conceptOf(element, document));
		default:
			return named('valueString', referredText(element, document)) ?? named('valueCodeableConcept', conceptOf(element, document));
	}
}

/** One bound is a quantity with a comparator, two are a range. */
function rangeOf(element: Element): Readonly<Record<string, unknown>> | undefined {
	const { low, high } = boundsOf(element);
	if (low !== undefined && high !== undefined) return { valueRange: { low, high } };
	if (low !== undefined)
		return { valueQuantity: { ...low, comparator: child(element, 'low')?.attributes.inclusive === 'false' ? '>' : '>=' } };
	if (high !== undefined)
		return { valueQuantity: { ...high, comparator: child(element, 'high')?.attributes.inclusive === 'false' ? '<' : '<=' } };
	return undefined;
}

export function boundsOf(element: Element | undefined): { low?: Quantity; high?: Quantity } {
	const low = quantityOf(child(element, 'low'));
	const high = quantityOf(child(element, 'high'));
	return { ...(low === undefined ? {} : { low }), ...(high === undefined ? {} : { high }) };
}

/** II: an identifier; what has no extension is identified by its root alone. */
export function identifierOf(element: Element): Identifier | undefined {
	const { root, extension } = element.attributes;
	if (root === undefined || root.trim() === '' || element.attributes.nullFlavor !== undefined) return undefined;
	const urn = uriOf(root.trim());
	if (extension === undefined || extension.trim() === '') return { system: 'urn:ietf:rfc:3986', value: urn };
	return { system: systemOf(root.trim(), urn), value: extension.trim() };
}

function uriOf(root: string): string {
	if (/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(root)) return `urn:uuid:${root.toLowerCase()}`;
	return /^[0-2](\.\d+)+$/.test(root) ? `urn:oid:${root}` : rootUri(root);
}

export function identifiersOf(element: Element | undefined): Identifier[] {
	return childrenOf(element, 'id')
		.map(identifierOf)
		.filter((one) => one !== undefined);
}

const nameUses: Readonly<Record<string, string>> = { L: 'official', C: 'usual', P: 'nickname', A: 'anonymous' };

/** PN, and ON as text only. */
export function nameOf(element: Element | undefined): Readonly<Record<string, unknown>> | undefined {
	if (isNull(element)) return undefined;
	const part = (name: string) =>
		childrenOf(element, name)
			.map(textOf)
			.filter((one) => one !== undefined);
	const family = part('family').join(' ');
	const given = part('given');
	const prefix = part('prefix');
	const suffix = part('suffix');
	const text = textOf(element);
	const use = nameUses[element.attributes.use?.split(' ')[0] ?? ''];
	if (family === '' && given.length === 0) return text === undefined ? undefined : { ...(use === undefined ? {} : { use }), text };
	return {
		...(use === undefined ? {} : { use }),
		...(family === '' ? {} : { family }),
		...(given.length === 0 ? {} : { given }),
		...(prefix.length === 0 ? {} : { prefix }),
		...(suffix.length === 0 ? {} : { suffix }),
	};
}

const placeUses: Readonly<Record<string, string>> = {
	H: 'home',
	HP: 'home',
	HV: 'home',
	PHYS: 'home',
	WP: 'work',
	DIR: 'work',
	TMP: 'temp',
	OLD: 'old',
	BAD: 'old',
};

/** AD: an address; the parts FHIR has no place for are in its lines. */
export function addressOf(element: Element | undefined): Readonly<Record<string, unknown>> | undefined {
	if (isNull(element)) return undefined;
	const part = (name: string) => textOf(child(element, name));
	const line = ['streetAddressLine', 'streetName', 'houseNumber', 'additionalLocator', 'deliveryAddressLine'].flatMap((name) =>
		childrenOf(element, name)
			.map(textOf)
			.filter((one) => one !== undefined),
	);
	const fields = {
		city: part('city'),
		district: part('county'),
		state: part('state'),
		postalCode: part('postalCode'),
		country: part('country'),
	};
	const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
	const text = line.length === 0 && Object.keys(given).length === 0 ? textOf(element) : undefined;
	if (line.length === 0 && Object.keys(given).length === 0 && text === undefined) return undefined;
	const use = placeUses[element.attributes.use?.split(' ')[0] ?? ''];
	return {
		...(use === undefined ? {} : { use }),
		...(line.length === 0 ? {} : { line }),
		...given,
		...(text === undefined ? {} : { text }),
	};
}

/** TEL: a telecom of FHIR. */
export function telecomOf(element: Element | undefined): Readonly<Record<string, unknown>> | undefined {
	const value = element?.attributes.value?.trim();
	if (isNull(element) || value === undefined || value === '') return undefined;
	const [, scheme = '', rest = value] = /^([a-z]+):(.*)$/i.exec(value) ?? [];
	const system = { tel: 'phone', fax: 'fax', 'x-text-fax': 'fax', mailto: 'email', sms: 'sms' }[scheme.toLowerCase()];
	const number = (system === undefined ? value : rest).trim();
	if (number === '') return undefined;
	const uses = element.attributes.use?.split(' ') ?? [];
	const use = uses.includes('MC') ? 'mobile' : placeUses[uses[0] ?? ''];
	return {
		system: system ?? (scheme === '' ? (value.includes('@') ? 'email' : 'phone') : 'url'),
		value: number,
		...(use === undefined ? {} : { use }),
	};
}
