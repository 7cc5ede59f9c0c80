// From the bytes of a C-CDA document to FHIR resources, section by section. https://hl7.org/fhir/us/ccda/
import type { Resource } from '#fhir/resource.ts';
import { type ClinicalDocument, readDocument, type Section } from '#formats/ccda/document.ts';
import { narrativeHtml } from '#formats/ccda/narrative.ts';
import { conceptOf } from '#formats/ccda/values.ts';
import { visitOfHeader } from './encounters.ts';
import { type Header, headerOf, patientOf } from './header.ts';
import { createReading, type Item, type Reading } from './reading.ts';
import { readStatement } from './statements.ts';

/** What became of a section. */
export type SectionReport = {
	readonly place: string;
	readonly code: string | undefined;
	readonly title: string;
	readonly type: object | undefined;
	/** Statements in its entries, and keys of the items made from them. */
	readonly entries: number;
	readonly items: readonly string[];
	/** Whether it was kept as words only. */
	readonly narrativeOnly: boolean;
	/** XHTML of its narrative. */
	readonly narrative: string | undefined;
};

export type ReadDocument = {
	readonly document: ClinicalDocument;
	readonly header: Header;
	readonly patient: Resource | undefined;
	readonly items: readonly Item[];
	/** In order, those within others right after them. */
	readonly sections: readonly SectionReport[];
};

/**
 * Reads a document of any release and vendor. Sections and statements it does not know are kept: the first as narrative, the second by their
 * class. Throws Problem invalid `document-malformed` or `document-not-cda` for what is no C-CDA document at all.
 */
export function readCcda(bytes: Buffer): ReadDocument {
	const document = readDocument(bytes);
	const reading = createReading(document, readStatement);
	const header = headerOf(document);
	if (header.encounter !== undefined) visitOfHeader(reading, header.encounter, { section: 'header', sectionCode: undefined });
	const sections = document.sections.flatMap((section) => readSection(reading, section));
	return { document, header, patient: patientOf(document), items: reading.items, sections };
}

function readSection(reading: Reading, section: Section): SectionReport[] {
	const before = reading.items.length;
	const code = section.code?.attributes.code;
	for (const statement of section.entries) reading.read(statement, { section: section.place, sectionCode: code });
	const items = reading.items.slice(before).map(({ key }) => key);
	const type = conceptOf(section.code, reading.document);
	const report = {
		place: section.place,
		code,
		title: section.title ?? type?.text ?? 'Section',
		type,
		entries: section.entries.length,
		items,
		narrativeOnly: items.length === 0,
		narrative: section.narrative === undefined ? undefined : narrativeHtml(section.narrative),
	};
	return [report, ...section.sections.flatMap((one) => readSection(reading, one))];
}
