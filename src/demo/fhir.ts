// Short words for the pieces that resources are made of.
import type { Resource } from '#fhir/resource.ts';

export type Coded = readonly [code: string, display: string];

export const loinc = 'http://loinc.org';
export const snomed = 'http://snomed.info/sct';
export const rxnorm = 'http://www.nlm.nih.gov/research/umls/rxnorm';
export const icd10 = 'http://hl7.org/fhir/sid/icd-10-cm';
export const cvx = 'http://hl7.org/fhir/sid/cvx';
export const ndc = 'http://hl7.org/fhir/sid/ndc';
export const ucum = 'http://unitsofmeasure.org';
export const npi = 'http://hl7.org/fhir/sid/us-npi';
export const hl7 = 'http://terminology.hl7.org/CodeSystem';
export const usCore = 'http://hl7.org/fhir/us/core/StructureDefinition';
export const usCoreCodes = 'http://hl7.org/fhir/us/core/CodeSystem';
/** Below this the demo clinic names its own identifiers, questionnaires and systems. */
export const home = 'https://lakeside.example';

export type Concept = { readonly coding: readonly object[]; readonly text: string };

/** A concept with one code. */
export function concept(system: string, [code, display]: Coded, text = display): Concept {
	return { coding: [{ system, code, display }], text };
}

/** A concept with a code in each of several systems. */
export function concepts(text: string, ...codings: readonly (readonly [system: string, code: string, display: string])[]): Concept {
	return { coding: codings.map(([system, code, display]) => ({ system, code, display })), text };
}

export type Link = { readonly reference: string; readonly display?: string };

export function linkTo({ resourceType, id }: Resource, display?: string): Link {
	return { reference: `${resourceType}/${id}`, ...(display === undefined ? {} : { display }) };
}

export type Quantity = { readonly value: number; readonly unit: string; readonly system: string; readonly code: string };

/** An amount in a unit of UCUM. */
export function quantity(value: number, code: string, unit = code): Quantity {
	return { value, unit, system: ucum, code };
}

/** A number with so many digits after the point. */
export function round(value: number, digits: number): number {
	const factor = 10 ** digits;
	return Math.round(value * factor) / factor;
}

/** The US Core profiles of these short names, e.g. `us-core-patient`. */
export function profiled(...names: readonly string[]): { readonly profile: string[] } {
	return { profile: names.map((name) => `${usCore}/${name}`) };
}

export function text64(text: string): string {
	return Buffer.from(text, 'utf8').toString('base64');
}

/** A narrative of paragraphs. */
export function narrative(paragraphs: readonly string[], status = 'additional'): object {
	const div = paragraphs.map((paragraph) => `<p>${escaped(paragraph)}</p>`).join('');
	return { status, div: `<div xmlns="http://www.w3.org/1999/xhtml">${div}</div>` };
}

export function escaped(text: string): string {
	return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
