// Whether documents keep what they say in codes: from the XML to FHIR, and from FHIR to a CCD and back.
import { documentOf, draftOf } from '#exchange/documents/ccda/document.ts';
import { type ReadDocument, readCcda } from '#exchange/documents/import/read.ts';
import { patientUrn } from '#exchange/documents/import/reading.ts';
import { unsaidIn } from '#exchange/documents/import/said.ts';
import { type PatientRecord, recordOf } from '#exchange/documents/record.ts';
import type { Entity, Patient } from '#exchange/documents/shapes.ts';
import type { Section } from '#formats/ccda/document.ts';

/** A code that is missing, as `system|code` or as the XML has it, with where it was. */
export type Lost = { readonly code: string; readonly where: string };

const base = 'https://heron.test/fhir';
const identity = { id: '11111111-1111-4111-8111-111111111111', setId: '11111111-1111-4111-8111-111111111112' };

/** The record that there would be if everything in the document were accepted into an empty one. */
export function recordFrom({ patient, items }: ReadDocument): PatientRecord {
	const types = new Map(items.map(({ fullUrl, resource }) => [fullUrl, `${resource.resourceType}/${fullUrl.slice('urn:uuid:'.length)}`]));
	types.set(patientUrn, 'Patient/p');
	const own = items.map(({ fullUrl, resource }) => ({ ...resource, id: fullUrl.slice('urn:uuid:'.length) }));
	const text = JSON.stringify(own).replace(/urn:uuid:[0-9a-f-]{36}/g, (urn) => types.get(urn) ?? urn);
	const resources = JSON.parse(text) as Entity[];
	const known = new Map(resources.map((one) => [`${one.resourceType}/${one.id}`, one]));
	return recordOf(base, { ...patient, resourceType: 'Patient', id: 'p' } as Patient, resources, known);
}

/** Code systems of what FHIR itself says by its structure: statuses and categories, which C-CDA says by templates, states and sections. */
const structural =
	/condition-(clinical|ver-status|category)$|allergyintolerance-|observation-category$|us-core-category$|us-core-documentreference-category$|v2-0074$|data-absent-reason$|v2-0443$|unitsofmeasure|administrative-gender$/;

/** Every code in resources but those of FHIR's own structure, with the place of one. */
export function codesIn(resources: readonly object[]): Map<string, string> {
	const codes = new Map<string, string>();
	const visit = (value: unknown, where: string): void => {
		if (Array.isArray(value)) for (const one of value) visit(one, where);
		else if (typeof value === 'object' && value !== null) {
			const { system, code, display = '' } = value as { system?: unknown; code?: unknown; display?: unknown };
			if (typeof system === 'string' && typeof code === 'string' && !structural.test(system))
				codes.set(`${system}|${code}`, `${where} ${display}`.trim());
			for (const [name, inner] of Object.entries(value)) if (name !== 'meta') visit(inner, `${where}.${name}`);
		}
	};
	for (const resource of resources) visit(resource, (resource as { resourceType?: string }).resourceType ?? '');
	return codes;
}

/** A CCD of a record, read again, and the codes that it has lost. */
export function roundTrip(record: PatientRecord, resources: readonly object[]): { again: ReadDocument; xml: string; lost: Lost[] } {
	const draft = draftOf({ kind: 'ccd', record, base, now: new Date('2026-11-25T13:00:00Z'), period: {} });
	if (draft === undefined) throw new Error('A CCD can be made of every record.');
	const xml = documentOf(draft, 'ccd', identity);
	const again = readCcda(Buffer.from(xml));
	const kept = codesIn([...again.items.map(({ resource }) => resource), again.patient ?? {}]);
	const lost = [...codesIn(resources)].filter(([code]) => !kept.has(code)).map(([code, where]) => ({ code, where }));
	return { again, xml, lost };
}

/** Codes in the entries of a document that no resource has. */
export function unreadIn({ document, items, patient }: ReadDocument): Lost[] {
	const resources = [...items.map(({ resource }) => resource), patient];
	const visit = ({ code, entries, sections }: Section): Lost[] => [
		...entries.flatMap((entry) =>
			unsaidIn(entry, resources).map(({ element, code: lost, path }) => ({
				code: lost,
				where: [code?.attributes.code ?? 'section', ...path.slice(-4), element.attributes.displayName ?? ''].join(' '),
			})),
		),
		...sections.flatMap(visit),
	];
	return document.sections.flatMap(visit);
}
