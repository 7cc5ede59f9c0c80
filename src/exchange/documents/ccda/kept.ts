// Coded facts that came in with a document and that FHIR has no element for (import/reading.ts keeps them in extensions): back to where they came from.
import type { Concept, Entity } from '#exchange/documents/shapes.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { keptUrl } from '#formats/ccda/vocabulary.ts';
import { template } from '#formats/ccda/write/templates.ts';
import { code } from '#formats/ccda/write/values.ts';
import { element } from '#formats/ccda/write/xml.ts';

const doseForms = 'http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl';
const places = 'https://www.cdc.gov/nhsn/cdaportal/terminology/codesystem/hsloc.html';

/** Something more that is said in a code. */
export function detailObservation(concept: Concept): Element {
	return element(
		'observation',
		{ classCode: 'OBS', moodCode: 'EVN' },
		element('code', { code: 'ASSERTION', codeSystem: '2.16.840.1.113883.5.4' }),
		element('statusCode', { code: 'completed' }),
		code('value', concept, { type: 'CD' }),
	);
}

/** The same within a statement. */
export function detail(concept: Concept): Element {
	return element('entryRelationship', { typeCode: 'COMP' }, detailObservation(concept));
}

/** What a statement of any kind holds of each; the order of its children is that of `write/order.ts`. */
const forms = {
	'administration-unit': (concept) => code('administrationUnitCode', concept, { systems: [doseForms], only: true }),
	'approach-site': (concept) => code('approachSiteCode', concept),
	method: (concept) => code('methodCode', concept),
	priority: (concept) => code('priorityCode', concept),
	value: (concept) => code('value', concept, { type: 'CD' }),
	specimen: (concept) => element('specimen', {}, element('specimenRole', {}, element('specimenPlayingEntity', {}, code('code', concept)))),
	'drug-vehicle': (concept) =>
		element(
			'participant',
			{ typeCode: 'CSM' },
			element(
				'participantRole',
				{ classCode: 'MANU' },
				template('drug vehicle'),
				element('code', { code: '412307009', codeSystem: '2.16.840.1.113883.6.96', displayName: 'drug vehicle' }),
				element('playingEntity', { classCode: 'MMAT' }, code('code', concept)),
			),
		),
	'location-type': (concept) =>
		element(
			'participant',
			{ typeCode: 'LOC' },
			element('participantRole', { classCode: 'SDLOC' }, template('service location'), code('code', concept, { systems: [places] })),
		),
	detail,
	instruction: (concept) =>
		element(
			'entryRelationship',
			{ typeCode: 'SUBJ', inversionInd: 'true' },
			element(
				'act',
				{ classCode: 'ACT', moodCode: 'INT' },
				template('instruction'),
				code('code', concept),
				element('statusCode', { code: 'completed' }),
			),
		),
} as const satisfies Readonly<Record<string, (concept: Concept) => Element | undefined>>;

/** The concepts of one field that are kept on an element of FHIR. */
export function keptConcepts(holder: Pick<Entity, 'extension'> | undefined, field: string): Concept[] {
	return (holder?.extension ?? []).flatMap(({ url, valueCodeableConcept }) =>
		url === keptUrl(field) && valueCodeableConcept !== undefined ? [valueCodeableConcept] : [],
	);
}

/** The children of a statement for what is kept of those fields. */
export function kept(holder: Pick<Entity, 'extension'>, ...fields: readonly (keyof typeof forms)[]): (Element | undefined)[] {
	return fields.flatMap((field) => keptConcepts(holder, field).map(forms[field]));
}

/** `negationInd` of a statement that said what was not so. */
export function negationOf({ modifierExtension }: Pick<Entity, 'modifierExtension'>): 'true' | undefined {
	return modifierExtension?.some(({ url, valueBoolean }) => url === keptUrl('negated') && valueBoolean === true) === true
		? 'true'
		: undefined;
}
