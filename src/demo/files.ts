// Documents: notes as text in the record, and PDF files beside it.
import { type Category, categorySystem, usualCategories } from '#clinic/documents/categories.ts';
import type { Resource } from '#fhir/resource.ts';
import type { Chart, Visit } from './chart.ts';
import { type Coded, concept, type Link, linkTo, loinc, profiled, snomed, text64, usCore, usCoreCodes } from './fhir.ts';
import { pdfOf } from './pdf.ts';
import { instantOf, later } from './time.ts';

const formatCodes = 'http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode';

const textFormat = { system: formatCodes, code: 'urn:ihe:iti:xds:2017:mimeTypeSufficient', display: 'mimeType Sufficient' };

const noteCategory = concept(`${usCoreCodes}/us-core-documentreference-category`, ['clinical-note', 'Clinical Note']);

function base(chart: Chart, visit: Visit, type: Coded, title: string): Resource {
	const id = chart.random.uuid();
	return {
		resourceType: 'DocumentReference',
		id,
		meta: profiled('us-core-documentreference'),
		identifier: [{ system: 'urn:ietf:rfc:3986', value: `urn:uuid:${id}` }],
		status: 'current',
		docStatus: 'final',
		type: concept(loinc, type, title),
		category: [noteCategory],
		subject: chart.person.link,
		date: instantOf(later(visit.end, 20)),
		author: [visit.clinician.link],
		custodian: visit.facility.organization,
		description: title,
		context: { encounter: [visit.link], period: { start: instantOf(visit.start), end: instantOf(visit.end) } },
	};
}

/** A note of a visit, as text. */
export function addNote(chart: Chart, visit: Visit, type: Coded, title: string, text: string): Resource {
	return chart.add({
		...base(chart, visit, type, title),
		content: [{ attachment: { contentType: 'text/plain; charset=utf-8', data: text64(text), title }, format: textFormat }],
	});
}

/** The category under which the clinic files a document, by its name. */
function filedUnder(name: string): object {
	const { code, name: display } = usualCategories.find((one) => one.name === name) as Category;
	return { coding: [{ system: categorySystem, code, display }], text: display };
}

export type File = {
	readonly title: string;
	readonly type: Coded;
	readonly paragraphs: readonly string[];
	readonly related?: Link;
	readonly category: 'Imaging report' | 'Lab Report' | 'Medical Record';
};

/** A PDF, kept as Binary, and the reference that describes it; `url` when it is there already. */
export function addFile(chart: Chart, visit: Visit, { title, type, paragraphs, related, category }: File, url?: string): Resource {
	const at = url ?? addPdf(chart, visit, title, paragraphs);
	const { context, ...rest } = base(chart, visit, type, title);
	return chart.add({
		...rest,
		category: [filedUnder(category), noteCategory],
		content: [{ attachment: { contentType: 'application/pdf', url: at, title, creation: instantOf(visit.end) }, format: textFormat }],
		context: { ...(context as object), ...(related === undefined ? {} : { related: [related] }) },
	});
}

/** A PDF of the patient's; its url. */
export function addPdf(chart: Chart, visit: Visit, title: string, paragraphs: readonly string[]): string {
	const { name, birth } = { name: chart.person.name, birth: chart.person.birth };
	const head = `${name}, born ${new Date(birth * 86_400_000).toISOString().slice(0, 10)}`;
	const pdf = pdfOf({ title, lines: [visit.facility.organization.display ?? '', head, '', ...paragraphs] });
	const { reference } = linkTo(
		chart.add({
			resourceType: 'Binary',
			contentType: 'application/pdf',
			securityContext: { reference: chart.person.link.reference },
			data: pdf.toString('base64'),
		}),
	);
	return reference;
}

/** An advance directive, https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-adi-documentreference.html */
export function addDirective(chart: Chart, visit: Visit, type: Coded, paragraphs: readonly string[]): Resource {
	const [, title] = type;
	const inside = chart.random.chance(0.4);
	const source = inside
		? { data: pdfOf({ title, lines: paragraphs }).toString('base64') }
		: { url: addPdf(chart, visit, title, paragraphs) };
	const { context, ...rest } = base(chart, visit, type, title);
	return chart.add({
		...rest,
		meta: profiled('us-core-adi-documentreference'),
		extension: [{ url: `${usCore}/us-core-authentication-time`, valueDateTime: instantOf(visit.end) }],
		category: [concept(loinc, ['42348-3', 'Advance healthcare directives']), filedUnder('Advance Directive')],
		author: [chart.person.link, visit.clinician.link],
		authenticator: visit.clinician.link,
		content: [{ attachment: { contentType: 'application/pdf', ...source, title }, format: textFormat }],
		context: { encounter: [visit.link], facilityType: concept(snomed, ['35971002', 'Ambulatory care site']), ...(context as object) },
	});
}
