// Allergies and intolerances. https://hl7.org/fhir/us/ccda/ maps them so.
import { type Draft, latestFirst, marked, ownId, pointer, rowId, type Section, tableSection } from '#exchange/documents/ccda/draft.ts';
import { assertion, related, severity as severityObservation, snomed, status } from '#exchange/documents/ccda/entries.ts';
import { kept, keptConcepts } from '#exchange/documents/ccda/kept.ts';
import { author } from '#exchange/documents/ccda/parties.ts';
import type { Allergy, Concept, Extension } from '#exchange/documents/shapes.ts';
import { codeWords, conceptWords, dateWords, hasCode, notesWords, periodOf } from '#exchange/documents/words.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { template } from '#formats/ccda/write/templates.ts';
import { code, fixed, interval, nothing, time } from '#formats/ccda/write/values.ts';
import { element } from '#formats/ccda/write/xml.ts';

/** Codes by which a record says that there is no allergy at all, or none of a kind. */
const noAllergy = ['716186003', '409137002', '428607008', '716220001', '1003774007'];

export function allergies(draft: Draft): Section {
	const all = latestFirst(
		draft.record.list<Allergy>('AllergyIntolerance'),
		({ recordedDate, onsetDateTime }) => onsetDateTime ?? recordedDate,
	);
	return tableSection(
		'allergies',
		['Substance', 'Kind', 'Reactions', 'Severity', 'Criticality', 'Status', 'Since', 'Notes'],
		all.map((allergy) => {
			const id = rowId('allergies', allergy);
			const reactions = (allergy.reaction ?? []).map(({ manifestation = [], severity }, i) => ({
				words: manifestation.map(conceptWords).join(', '),
				severity: codeWords(severity),
				id: `${id}_reaction_${i + 1}`,
			}));
			return {
				id,
				cells: [
					marked(`${id}_name`, conceptWords(allergy.code)),
					[codeWords(allergy.type), (allergy.category ?? []).join(', ')].filter((words) => words !== '').join(': '),
					reactions.map((one, i) => [i === 0 ? '' : ', ', marked(one.id, one.words)]),
					reactions
						.map(({ severity }) => severity)
						.filter((words) => words !== '')
						.join(', '),
					codeWords(allergy.criticality),
					[allergy.clinicalStatus, allergy.verificationStatus]
						.map((state) => codeWords(state?.coding?.[0]?.code))
						.filter((words) => words !== '')
						.join(', '),
					dateWords(periodOf(allergy).start ?? allergy.recordedDate),
					notesWords(allergy.note),
				],
				entry: concern(draft, allergy, id),
			};
		}),
	);
}

function isOver(allergy: Allergy): boolean {
	return hasCode(allergy.clinicalStatus, ['inactive', 'resolved']);
}

function concern(draft: Draft, allergy: Allergy, id: string): Element {
	const over = isOver(allergy);
	const start = allergy.recordedDate ?? periodOf(allergy).start;
	return element(
		'act',
		{ classCode: 'ACT', moodCode: 'EVN' },
		template('allergy concern'),
		ownId(draft, allergy, 'concern'),
		element('code', { code: 'CONC', codeSystem: '2.16.840.1.113883.5.6' }),
		status(over ? 'completed' : 'active'),
		interval('effectiveTime', start === undefined ? {} : { start }, { open: !over }),
		author(draft, allergy.recorder, allergy.recordedDate, allergy),
		related('SUBJ', observation(draft, allergy, id)),
	);
}

/** Kinds of allergy by FHIR's type and category, in SNOMED CT. */
function kindOf({ type, category = [] }: Allergy): readonly [string, string] {
	const [first] = category.length === 1 ? category : [];
	if (type === 'intolerance') {
		if (first === 'medication') return ['59037007', 'Intolerance to drug'];
		if (first === 'food') return ['235719002', 'Intolerance to food'];
		return ['420134006', 'Propensity to adverse reaction'];
	}
	if (type === 'allergy') {
		if (first === 'medication') return ['416098002', 'Allergy to drug'];
		if (first === 'food') return ['414285001', 'Allergy to food'];
		return ['419199007', 'Allergy to substance'];
	}
	if (first === 'medication') return ['419511003', 'Propensity to adverse reaction to drug'];
	if (first === 'food') return ['418471000', 'Propensity to adverse reaction to food'];
	return ['420134006', 'Propensity to adverse reaction'];
}

/** The kind of allergy as a document told it, else by what FHIR says. */
function typeOf(allergy: Allergy, isNone: boolean): Element {
	const told = keptConcepts(allergy, 'allergy-type').find(({ coding }) => coding?.some(({ system }) => system === snomed) === true);
	if (told !== undefined) return code('value', told, { type: 'CD', systems: [snomed], only: true });
	return fixed('value', snomed, ...(isNone ? (['419199007', 'Allergy to substance'] as const) : kindOf(allergy)), 'CD');
}

function observation(draft: Draft, allergy: Allergy, id: string): Element {
	const none = hasCode(allergy.code, noAllergy) || hasCode(allergy.verificationStatus, ['refuted']);
	const isNone = hasCode(allergy.code, noAllergy);
	const [told] = keptConcepts(allergy, 'allergy-substance');
	const substance = isNone
		? told === undefined
			? element('code', { nullFlavor: 'NA' })
			: code('code', told)
		: code('code', allergy.code, { reference: `${id}_name` });
	const start = periodOf(allergy).start;
	const end = periodOf(allergy).end;
	return element(
		'observation',
		{ classCode: 'OBS', moodCode: 'EVN', negationInd: none ? 'true' : undefined },
		template('allergy observation'),
		ownId(draft, allergy),
		assertion(),
		pointer(id),
		status('completed'),
		interval(
			'effectiveTime',
			{ ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) },
			{ open: !isOver(allergy) },
		),
		typeOf(allergy, isNone),
		author(draft, allergy.recorder, allergy.recordedDate, allergy),
		element(
			'participant',
			{ typeCode: 'CSM' },
			element('participantRole', { classCode: 'MANU' }, element('playingEntity', { classCode: 'MMAT' }, substance)),
		),
		(allergy.reaction ?? []).flatMap((reaction, i) =>
			(reaction.manifestation ?? []).map((manifestation, j) =>
				related(
					'MFST',
					reactionObservation(draft, allergy, {
						...reaction,
						manifestation,
						part: `${i + 1}-${j + 1}`,
						reference: `${id}_reaction_${i + 1}`,
						row: id,
					}),
					true,
				),
			),
		),
		criticality(allergy.criticality),
		kept(allergy, 'detail'),
	);
}

type Reaction = {
	readonly extension?: readonly Extension[];
	readonly manifestation: { readonly text?: string };
	readonly severity?: string;
	readonly onset?: string;
	readonly part: string;
	readonly reference: string;
	readonly row: string;
};

function reactionObservation(draft: Draft, allergy: Allergy, reaction: Reaction): Element {
	const { manifestation, severity, onset, part, reference, row } = reaction;
	const [told] = keptConcepts(reaction, 'severity');
	return element(
		'observation',
		{ classCode: 'OBS', moodCode: 'EVN' },
		template('reaction'),
		ownId(draft, allergy, `reaction-${part}`),
		assertion(),
		pointer(row),
		status('completed'),
		onset === undefined ? undefined : element('effectiveTime', {}, time('low', onset)),
		code('value', manifestation, { type: 'CD', systems: [snomed], only: true, reference }),
		told === undefined ? severityOf(severity) : related('SUBJ', severityObservation(told), true),
		keptConcepts(reaction, 'reaction-treatment').map((one, i) => related('RSON', treatment(draft, allergy, one, `${part}-${i + 1}`), true)),
	);
}

/** What was done or given for a reaction. */
function treatment(draft: Draft, allergy: Allergy, what: Concept, part: string): Element {
	const own = ownId(draft, allergy, `treatment-${part}`);
	const isDrug = what.coding?.some(({ system }) => system === rxnorm) === true;
	if (!isDrug)
		return element(
			'procedure',
			{ classCode: 'PROC', moodCode: 'EVN' },
			template('procedure activity'),
			own,
			code('code', what, { systems: [snomed] }),
			status('completed'),
			nothing('effectiveTime'),
		);
	return element(
		'substanceAdministration',
		{ classCode: 'SBADM', moodCode: 'EVN' },
		template('medication activity'),
		own,
		status('completed'),
		interval('effectiveTime', {}, { type: 'IVL_TS' }),
		nothing('doseQuantity'),
		element(
			'consumable',
			{},
			element(
				'manufacturedProduct',
				{ classCode: 'MANU' },
				template('medication product'),
				element('manufacturedMaterial', {}, code('code', what, { systems: [rxnorm], only: true })),
			),
		),
	);
}

const rxnorm = 'http://www.nlm.nih.gov/research/umls/rxnorm';

const severities: Readonly<Record<string, readonly [string, string]>> = {
	mild: ['255604002', 'Mild'],
	moderate: ['6736007', 'Moderate'],
	severe: ['24484000', 'Severe'],
};

function severityOf(severity: string | undefined): Element | undefined {
	const known = severities[severity ?? ''];
	if (known === undefined) return undefined;
	return related('SUBJ', severityObservation({ coding: [{ system: snomed, code: known[0], display: known[1] }] }), true);
}

const criticalities: Readonly<Record<string, readonly [string, string]>> = {
	low: ['CRITL', 'Low criticality'],
	high: ['CRITH', 'High criticality'],
	'unable-to-assess': ['CRITU', 'Unable to assess criticality'],
};

function criticality(value: string | undefined): Element | undefined {
	const known = criticalities[value ?? ''];
	if (known === undefined) return undefined;
	return related(
		'SUBJ',
		element(
			'observation',
			{ classCode: 'OBS', moodCode: 'EVN' },
			template('criticality'),
			fixed('code', 'http://loinc.org', '82606-5', 'Allergy or intolerance criticality'),
			status('completed'),
			fixed('value', 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', ...known, 'CD'),
		),
		true,
	);
}
