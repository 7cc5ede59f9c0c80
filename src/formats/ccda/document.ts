// What a clinical document (CDA R2, https://www.hl7.org/implement/standards/product_brief.cfm?product_id=7) says, by header and sections.
import { Problem } from '#base/problem.ts';
import { at, child, childrenOf, type Element, readTree, textOf, walk } from './tree.ts';

export type Section = {
	/** Place in the document, such as `3` or `3.1`, counted from 1. */
	readonly place: string;
	readonly templateIds: readonly string[];
	/** The element `code`; absent in some documents. */
	readonly code: Element | undefined;
	readonly title: string | undefined;
	/** The element `text` with the section's narrative. */
	readonly narrative: Element | undefined;
	/** The clinical statement of each entry: act, observation, organizer, substanceAdministration … */
	readonly entries: readonly Element[];
	readonly sections: readonly Section[];
};

export type ClinicalDocument = {
	readonly root: Element;
	readonly templateIds: readonly string[];
	/** Top sections of a structured body, in order. */
	readonly sections: readonly Section[];
	/** Body of a document without structure: media type, and its content as text or base64. */
	readonly unstructured: { readonly mediaType: string; readonly base64: boolean; readonly content: string } | undefined;
	/** Narrative elements by their ID, for references such as `<reference value="#med1"/>`. */
	readonly narrative: ReadonlyMap<string, Element>;
};

/**
 * Reads a C-CDA document of any release. What is inside an entry stays an element tree; nothing is refused for its content.
 * Throws Problem invalid: `document-malformed` (see readTree), `document-not-cda` (400) when the root is not a ClinicalDocument of HL7 v3.
 */
export function readDocument(bytes: Buffer): ClinicalDocument {
	const root = readTree(bytes);
	if (root.name !== 'ClinicalDocument')
		throw new Problem('invalid', 'document-not-cda', 'The root element is not ClinicalDocument in the namespace urn:hl7-org:v3.');
	const narrative = new Map<string, Element>();
	const body = at(root, 'component', 'structuredBody');
	const sections = sectionsOf(body, '');
	const note = (section: Section) => {
		if (section.narrative !== undefined)
			walk(section.narrative, (element) => {
				const id = element.attributes.ID;
				if (id !== undefined && !narrative.has(id)) narrative.set(id, element);
			});
		section.sections.forEach(note);
	};
	sections.forEach(note);
	return { root, templateIds: templateIdsOf(root), sections, unstructured: unstructuredOf(root), narrative };
}

function sectionsOf(parent: Element | undefined, above: string): Section[] {
	return childrenOf(parent, 'component')
		.map((component) => child(component, 'section'))
		.filter((section) => section !== undefined)
		.map((section, index) => {
			const place = above === '' ? String(index + 1) : `${above}.${index + 1}`;
			return {
				place,
				templateIds: templateIdsOf(section),
				code: child(section, 'code'),
				title: textOf(child(section, 'title')),
				narrative: child(section, 'text'),
				entries: childrenOf(section, 'entry').flatMap(statementsOf),
				sections: sectionsOf(section, place),
			};
		});
}

function unstructuredOf(root: Element): ClinicalDocument['unstructured'] {
	const text = at(root, 'component', 'nonXMLBody', 'text');
	if (text === undefined) return undefined;
	const content = text.children.filter((one) => typeof one === 'string').join('');
	return { mediaType: text.attributes.mediaType ?? 'text/plain', base64: text.attributes.representation === 'B64', content };
}

/**
 * The roots of an element's templates. Releases differ in the extension only, so it is left out; what CCD 1.0 and HITSP's C32 called
 * otherwise comes with the root that C-CDA has for it.
 */
export function templateIdsOf(element: Element): string[] {
	return childrenOf(element, 'templateId').flatMap(({ attributes }) => {
		const root = attributes.root?.trim();
		if (root === undefined || root === '') return [];
		const successor = successors.get(root);
		return successor === undefined ? [root] : [root, successor];
	});
}

const ccd = '2.16.840.1.113883.10.20.1.';
const entries = '2.16.840.1.113883.10.20.22.4.';

/** Entries of CCD 1.0 (2007), and immunizations of IHE and HITSP, by the template of C-CDA that took their place. */
const successors: ReadonlyMap<string, string> = new Map([
	...Object.entries({
		'17': '48',
		'18': '7',
		'20': '60',
		'21': '49',
		'22': '46',
		'23': '45',
		'24': '16',
		'26': '61',
		'27': '3',
		'28': '4',
		'29': '14',
		'31': '2',
		'32': '1',
		'33': '38',
		'35': '26',
		'38': '31',
		'39': '28',
		'40': '64',
		'42': '47',
		'43': '20',
		'46': '118',
		'49': '20',
		'50': '6',
		'52': '37',
		'54': '9',
		'55': '8',
	}).map(([old, now]): [string, string] => [ccd + old, entries + now]),
	['1.3.6.1.4.1.19376.1.5.3.1.4.12', `${entries}52`],
	['2.16.840.1.113883.3.88.11.83.13', `${entries}52`],
]);

const statements = new Set([
	'act',
	'encounter',
	'observation',
	'observationMedia',
	'organizer',
	'procedure',
	'regionOfInterest',
	'substanceAdministration',
	'supply',
]);

/** The clinical statements directly inside an entry, entryRelationship or component. */
export function statementsOf(holder: Element): Element[] {
	return childrenOf(holder).filter(({ name }) => statements.has(name));
}

/** A statement within another, and how it belongs to it. */
export type Related = { readonly typeCode: string; readonly inverted: boolean; readonly statement: Element };

/** The statements directly within another, in order. */
export function relatedOf(statement: Element): Related[] {
	return childrenOf(statement)
		.filter(({ name }) => name === 'entryRelationship' || name === 'component')
		.flatMap((holder) =>
			statementsOf(holder).map((inner) => ({
				typeCode: holder.attributes.typeCode ?? (holder.name === 'component' ? 'COMP' : ''),
				inverted: holder.attributes.inversionInd === 'true',
				statement: inner,
			})),
		);
}
