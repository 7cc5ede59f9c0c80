// Places of coded concepts: OpenEMR's words stand for codes, and words that no code is known for stand as text.
import type { Coding } from '#fhir/resource.ts';
import { listOf } from './dictionaries.ts';
import { at, isNode, type Place, which } from './place.ts';

type Words = Readonly<Record<string, readonly [code: string, display: string]>>;

/** A CodeableConcept (https://hl7.org/fhir/R4/datatypes.html#CodeableConcept) by words for codes of one system. */
export function worded(concept: Place, system: string, words: Words): Place {
	const byCode = new Map<unknown, string>();
	for (const [word, [code]] of Object.entries(words)) if (!byCode.has(code)) byCode.set(code, word);
	return {
		path: concept.path,
		get: (resource) => wordOf(concept.get(resource), system, byCode),
		set(resource, value) {
			concept.set(resource, value === undefined ? undefined : conceptOf(String(value), system, words));
		},
	};
}

function wordOf(concept: unknown, system: string, byCode: ReadonlyMap<unknown, string>): string | undefined {
	if (!isNode(concept)) return undefined;
	const codings = Array.isArray(concept.coding) ? concept.coding.filter(isNode) : [];
	for (const coding of codings) {
		const word = coding.system === system ? byCode.get(coding.code) : undefined;
		if (word !== undefined) return word;
	}
	const [first] = codings;
	const shown = concept.text ?? first?.display ?? first?.code;
	return shown === undefined ? undefined : String(shown);
}

function conceptOf(word: string, system: string, words: Words): object {
	const known = Object.hasOwn(words, word) ? words[word] : undefined;
	return known === undefined ? { text: word } : { coding: [{ system, code: known[0], display: known[1] }], text: known[1] };
}

/** The options of a list with codes of one prefix, as words. */
function wordsOf(list: string, prefix: string): Words {
	const options = listOf(list) ?? [];
	return Object.fromEntries(
		options.flatMap(({ id, title, codes }) =>
			codes?.startsWith(`${prefix}:`) === true ? [[id, [codes.slice(prefix.length + 1), title]] as const] : [],
		),
	);
}

/** The language a patient speaks first: https://hl7.org/fhir/R4/patient-definitions.html#Patient.communication */
export const spoken: Place = worded(at('communication', 0, 'language'), 'urn:ietf:bcp:47', wordsOf('language', 'BCP47'));

const ombSystem = 'urn:oid:2.16.840.1.113883.6.238';

/**
 * US Core's race and ethnicity, https://hl7.org/fhir/us/core/StructureDefinition-us-core-race.html: options joined by "|" are OMB categories,
 * anything else is text alone.
 */
export function omb(of: 'race' | 'ethnicity'): Place {
	const url = `http://hl7.org/fhir/us/core/StructureDefinition/us-core-${of}`;
	const parts = at('extension', which({ url }), 'extension');
	const words = wordsOf(of, 'OMB');
	const options = Object.entries(words).map(([word, [code]]) => ({ word, code }));
	return {
		path: parts.path,
		get(resource) {
			const found = parts.get(resource);
			if (!Array.isArray(found)) return undefined;
			const codes = found.flatMap((one) =>
				isNode(one) && one.url === 'ombCategory' ? [(one.valueCoding as Coding | undefined)?.code] : [],
			);
			const chosen = codes.length === 0 ? [] : options.filter(({ code }) => codes.includes(code));
			if (chosen.length > 0) return chosen.map(({ word }) => word).join('|');
			return found.find((one) => isNode(one) && one.url === 'text')?.valueString;
		},
		set(resource, value) {
			if (value === undefined) return parts.set(resource, undefined);
			const named = String(value).split('|');
			const known = named.map((word) => (Object.hasOwn(words, word) ? words[word] : undefined));
			const categories = known.every((one) => one !== undefined) ? (known as (readonly [string, string])[]) : [];
			parts.set(resource, [
				...categories.map(([code, display]) => ({ url: 'ombCategory', valueCoding: { system: ombSystem, code, display } })),
				{ url: 'text', valueString: categories.length === 0 ? String(value) : categories.map(([, display]) => display).join(', ') },
			]);
		},
	};
}
