// Clinical documents of C-CDA R2.1, made from a patient's record. https://www.hl7.org/ccdasearch/
import type { PatientRecord } from '#exchange/documents/record.ts';
import type { Encounter, Period } from '#exchange/documents/shapes.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { type DocumentKey, type SectionKey, type SectionKind, sections as sectionKinds } from '#formats/ccda/vocabulary.ts';
import { templateIds } from '#formats/ccda/write/templates.ts';
import { fixed } from '#formats/ccda/write/values.ts';
import { documentText, element } from '#formats/ccda/write/xml.ts';
import { type Draft, isWithin, latestFirst, type Section } from './draft.ts';
import { header, type Identity } from './header.ts';
import { allergies } from './sections/allergies.ts';
import { advanceDirectives } from './sections/directives.ts';
import { encounters } from './sections/encounters.ts';
import { equipment } from './sections/equipment.ts';
import { goals, outcomes } from './sections/goals.ts';
import { immunizations } from './sections/immunizations.ts';
import { dischargeMedications, medications, medicationsAdministered } from './sections/medications.ts';
import { careTeams, familyHistory, payers } from './sections/people.ts';
import { interventions, plan } from './sections/plan.ts';
import { diagnoses, healthConcerns, pastIllness, problems } from './sections/problems.ts';
import { procedures } from './sections/procedures.ts';
import { results } from './sections/results.ts';
import { socialHistory } from './sections/social-history.ts';
import { functionalStatus, mentalStatus } from './sections/status.ts';
import { assessment, hospitalCourse, notes, reasonForReferral, reasonForVisit } from './sections/texts.ts';
import { vitalSigns } from './sections/vital-signs.ts';

const makers: Readonly<Partial<Record<SectionKey, (draft: Draft) => Section>>> = {
	'admission-diagnosis': (draft) => diagnoses(draft, 'admission-diagnosis'),
	'advance-directives': advanceDirectives,
	allergies,
	assessment,
	'care-teams': careTeams,
	'discharge-diagnosis': (draft) => diagnoses(draft, 'discharge-diagnosis'),
	'discharge-medications': dischargeMedications,
	encounters,
	'family-history': familyHistory,
	'functional-status': functionalStatus,
	goals,
	'health-concerns': healthConcerns,
	'hospital-course': hospitalCourse,
	immunizations,
	interventions,
	'medical-equipment': equipment,
	medications: (draft) => medications(draft),
	'medications-administered': medicationsAdministered,
	'mental-status': mentalStatus,
	notes,
	outcomes,
	'past-medical-history': pastIllness,
	payers,
	plan,
	problems,
	procedures,
	'reason-for-referral': reasonForReferral,
	'reason-for-visit': reasonForVisit,
	results,
	'social-history': socialHistory,
	'vital-signs': vitalSigns,
};

type Recipe = {
	/** Sections that stand there whether or not they have something to say. */
	readonly always: readonly SectionKey[];
	/** Sections that stand there when they have something to say. */
	readonly some: readonly SectionKey[];
	/** Which visits the document can be about; it is about the latest. Undefined for documents about the whole record. */
	readonly visit?: (encounter: Encounter) => boolean;
};

const loinc = 'http://loinc.org';

const inpatient = ['IMP', 'ACUTE', 'NONAC', 'OBSENC'];

/** What each kind of document holds. */
const recipes = {
	ccd: {
		always: [
			'allergies',
			'medications',
			'problems',
			'procedures',
			'results',
			'vital-signs',
			'immunizations',
			'social-history',
			'encounters',
			'plan',
			'goals',
			'health-concerns',
			'functional-status',
			'mental-status',
			'medical-equipment',
			'care-teams',
			'payers',
			'advance-directives',
			'family-history',
		],
		some: ['reason-for-referral', 'assessment', 'notes', 'medications-administered'],
	},
	referral: {
		always: ['reason-for-referral', 'allergies', 'medications', 'problems', 'results', 'vital-signs', 'assessment', 'plan'],
		some: [
			'procedures',
			'immunizations',
			'social-history',
			'functional-status',
			'mental-status',
			'medical-equipment',
			'care-teams',
			'payers',
			'advance-directives',
			'family-history',
			'past-medical-history',
			'notes',
		],
	},
	discharge: {
		always: ['allergies', 'hospital-course', 'discharge-diagnosis', 'discharge-medications', 'plan', 'reason-for-visit'],
		some: [
			'admission-diagnosis',
			'problems',
			'procedures',
			'results',
			'vital-signs',
			'immunizations',
			'social-history',
			'functional-status',
			'family-history',
			'notes',
			'care-teams',
		],
		visit: (encounter) => inpatient.includes(encounter.class?.code ?? '') && encounter.status === 'finished',
	},
	'care-plan': {
		always: ['health-concerns', 'goals', 'interventions', 'outcomes'],
		some: ['care-teams', 'advance-directives'],
	},
	progress: {
		always: ['assessment', 'plan', 'allergies', 'medications', 'problems'],
		some: ['reason-for-visit', 'results', 'vital-signs', 'notes', 'medications-administered'],
		visit: (encounter) =>
			encounter.status === 'finished' ||
			encounter.status === 'in-progress' ||
			encounter.status === 'arrived' ||
			encounter.status === 'triaged' ||
			encounter.status === 'onleave',
	},
} as const satisfies Partial<Record<DocumentKey, Recipe>>;

/** Kinds of document that can be made from a record. */
export type MadeKind = keyof typeof recipes;

export function isMadeKind(key: string): key is MadeKind {
	return Object.hasOwn(recipes, key);
}

export type Wish = {
	readonly kind: MadeKind;
	readonly record: PatientRecord;
	readonly base: string;
	readonly now: Date;
	readonly period: Period;
};

/**
 * The draft of a document; undefined when it cannot be made: a note about a visit needs one, in the time that was asked for.
 * Sections of a note about a visit tell of that visit's time.
 */
export function draftOf({ kind, record, base, now, period }: Wish): Draft | undefined {
	const recipe: Recipe = recipes[kind];
	const draft: Draft = { record, base, now: now.toISOString(), period, encounter: undefined };
	if (recipe.visit === undefined) return draft;
	const visits = record
		.list<Encounter>('Encounter')
		.filter((one) => (recipe.visit as (encounter: Encounter) => boolean)(one) && isWithin(draft, one.period ?? {}));
	const [encounter] = latestFirst(visits, (one) => one.period?.start);
	return encounter === undefined ? undefined : { ...draft, encounter, period: encounter.period ?? period };
}

/** The document as XML. */
export function documentOf(draft: Draft, kind: MadeKind, identity: Identity): string {
	const recipe: Recipe = recipes[kind];
	const made = [...recipe.always, ...recipe.some]
		.map((key) => sectionOf(draft, key))
		.filter(({ key, isEmpty }) => !isEmpty || recipe.always.includes(key));
	const order = Object.keys(sectionKinds);
	const sorted = made.toSorted((a, b) => order.indexOf(a.key) - order.indexOf(b.key));
	const body = element(
		'structuredBody',
		{},
		sorted.map((section) => element('component', {}, sectionElement(section))),
	);
	return documentText(element('ClinicalDocument', {}, header(draft, kind, identity), element('component', {}, body)));
}

function sectionOf(draft: Draft, key: SectionKey): Section {
	const make = makers[key];
	if (make === undefined) throw new Error(`There is nothing that makes the section ${key}.`);
	return make(draft);
}

function sectionElement({ key, narrative, entries, isEmpty }: Section): Element {
	const kind: SectionKind = sectionKinds[key];
	const lacksEntries = entries.length === 0 && kind.withEntries !== undefined;
	return element(
		'section',
		{ nullFlavor: isEmpty || lacksEntries ? 'NI' : undefined },
		templateIds(kind.template, kind.extension),
		kind.withEntries === undefined ? undefined : templateIds(kind.withEntries, kind.extension),
		element(
			'code',
			fixed('code', loinc, kind.code, kind.display).attributes,
			kind.translation === undefined ? undefined : fixed('translation', loinc, kind.translation.code, kind.translation.display),
		),
		element('title', {}, kind.title),
		element('text', {}, narrative),
		entries.map((entry) => element('entry', { typeCode: 'DRIV' }, entry)),
	);
}
