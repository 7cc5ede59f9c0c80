// The International Patient Summary: a FHIR document of the few things that anybody who treats the patient has to know.
// https://hl7.org/fhir/uv/ips/STU2/
import type { Draft, Section } from '#exchange/documents/ccda/draft.ts';
import { latestFirst } from '#exchange/documents/ccda/draft.ts';
import { isMade, kindOf } from '#exchange/documents/ccda/observations.ts';
import { allergies } from '#exchange/documents/ccda/sections/allergies.ts';
import { advanceDirectives } from '#exchange/documents/ccda/sections/directives.ts';
import { equipment } from '#exchange/documents/ccda/sections/equipment.ts';
import { immunizations } from '#exchange/documents/ccda/sections/immunizations.ts';
import { medications } from '#exchange/documents/ccda/sections/medications.ts';
import { plan } from '#exchange/documents/ccda/sections/plan.ts';
import { problems } from '#exchange/documents/ccda/sections/problems.ts';
import { procedures } from '#exchange/documents/ccda/sections/procedures.ts';
import { results } from '#exchange/documents/ccda/sections/results.ts';
import { socialHistory } from '#exchange/documents/ccda/sections/social-history.ts';
import { functionalStatus } from '#exchange/documents/ccda/sections/status.ts';
import { vitalSigns } from '#exchange/documents/ccda/sections/vital-signs.ts';
import type { PatientRecord } from '#exchange/documents/record.ts';
import type { Concept, Condition, Device, Entity, MedicationUse, Observation, Reference } from '#exchange/documents/shapes.ts';
import { hasCode, periodOf } from '#exchange/documents/words.ts';
import type { Resource } from '#fhir/resource.ts';
import { narrativeHtml } from '#formats/ccda/narrative.ts';
import { uuidOf } from '#formats/ccda/uuid.ts';
import { element } from '#formats/ccda/write/xml.ts';

const guide = 'http://hl7.org/fhir/uv/ips/StructureDefinition';
const loinc = 'http://loinc.org';

/** A resource that is made for the summary. */
type Made = { readonly resourceType: string; readonly [name: string]: unknown };

type Kind = {
	readonly title: string;
	readonly code: string;
	readonly display: string;
	/** The resource that says so when nothing is known: the section is there even then. */
	readonly unknown?: (patient: Reference) => Made;
	/** The resources it tells of, within the record. */
	readonly resources: (record: PatientRecord) => readonly Entity[];
	/** What the section lists for a resource that may not stand in it; undefined for nothing, the words tell it. */
	readonly instead?: (resource: Entity, url: string, patient: Reference) => Made | undefined;
	/** The same in words. */
	readonly words: (draft: Draft) => Section;
};

const of =
	(...types: readonly string[]) =>
	(record: PatientRecord): readonly Entity[] =>
		types.flatMap((type) => record.list(type));
const observed =
	(kind: ReturnType<typeof kindOf>) =>
	(record: PatientRecord): readonly Entity[] =>
		record.list<Observation>('Observation').filter((one) => kindOf(one) === kind);

const absent = (code: string, display: string): Concept => ({
	coding: [{ system: 'http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips', code, display }],
	text: display,
});

const unknownTime = { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }] };

/** Of medical devices the guide lists that they are used, https://hl7.org/fhir/uv/ips/STU1.1/StructureDefinition-Composition-uv-ips.html */
function useOf(device: Entity, reference: string, subject: Reference): Made {
	return {
		resourceType: 'DeviceUseStatement',
		status: (device as Device).status === 'inactive' ? 'completed' : 'active',
		subject,
		_timingDateTime: unknownTime,
		device: { reference },
	};
}

const kinds: readonly Kind[] = [
	{
		title: 'Problems',
		code: '11450-4',
		display: 'Problem list - Reported',
		unknown: (subject) => ({
			resourceType: 'Condition',
			clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
			code: absent('no-problem-info', 'No information about problems'),
			subject,
		}),
		resources: of('Condition'),
		words: problems,
	},
	{
		title: 'Allergies and Intolerances',
		code: '48765-2',
		display: 'Allergies and adverse reactions Document',
		unknown: (patient) => ({
			resourceType: 'AllergyIntolerance',
			clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }] },
			code: absent('no-allergy-info', 'No information about allergies'),
			patient,
		}),
		resources: of('AllergyIntolerance'),
		words: allergies,
	},
	{
		title: 'Medications',
		code: '10160-0',
		display: 'History of Medication use Narrative',
		unknown: (subject) => ({
			resourceType: 'MedicationStatement',
			status: 'unknown',
			medicationCodeableConcept: absent('no-medication-info', 'No information about medications'),
			subject,
			_effectiveDateTime: unknownTime,
		}),
		resources: of('MedicationRequest', 'MedicationStatement'),
		words: (draft) => medications(draft),
	},
	{
		title: 'Immunizations',
		code: '11369-6',
		display: 'History of Immunization Narrative',
		resources: of('Immunization'),
		words: immunizations,
	},
	{
		title: 'Results',
		code: '30954-2',
		display: 'Relevant diagnostic tests/laboratory data Narrative',
		resources: observed('results'),
		words: results,
	},
	{ title: 'Procedures', code: '47519-4', display: 'History of Procedures Document', resources: of('Procedure'), words: procedures },
	{
		title: 'Medical Devices',
		code: '46264-8',
		display: 'History of medical device use',
		resources: of('Device'),
		instead: useOf,
		words: equipment,
	},
	{ title: 'Advance Directives', code: '42348-3', display: 'Advance directives', resources: of('Consent'), words: advanceDirectives },
	{
		title: 'Functional Status',
		code: '47420-5',
		display: 'Functional status assessment note',
		resources: observed('functional-status'),
		// Only Conditions and ClinicalImpressions may stand there.
		instead: () => undefined,
		words: functionalStatus,
	},
	{ title: 'Plan of Care', code: '18776-5', display: 'Plan of care note', resources: of('CarePlan'), words: plan },
	{
		title: 'Social History',
		code: '29762-2',
		display: 'Social history Narrative',
		resources: observed('social-history'),
		words: socialHistory,
	},
	{ title: 'Vital Signs', code: '8716-3', display: 'Vital signs', resources: observed('vital-signs'), words: vitalSigns },
];

/** The Bundle of type document. */
export function summaryBundle(draft: Draft, id: string): Resource {
	const { base, now } = draft;
	const record = summed(draft.record);
	const short: Draft = { ...draft, record };
	const device = { resourceType: 'Device', id: uuidOf(base), deviceName: [{ name: 'Heron', type: 'user-friendly-name' }] };
	const sections = kinds.flatMap((kind) => sectionOf(short, kind));
	const told = sections.flatMap(({ listed }) => listed);
	const made = sections.flatMap((section) => section.made);
	const composition = compositionOf(
		short,
		sections.map(({ written }) => written),
		device.id,
	);
	const entries = [draft.record.patient, ...withReferred(record, [draft.record.patient, ...new Set(told), ...made])].map((resource) => ({
		fullUrl: made.includes(resource) ? `urn:uuid:${resource.id}` : urlOf(base, resource),
		resource,
	}));
	return {
		resourceType: 'Bundle',
		id,
		meta: { lastUpdated: now, profile: [`${guide}/Bundle-uv-ips`] },
		identifier: { system: 'urn:ietf:rfc:3986', value: `urn:uuid:${id}` },
		type: 'document',
		timestamp: now,
		entry: [
			{ fullUrl: `urn:uuid:${composition.id}`, resource: composition },
			...entries,
			{ fullUrl: `urn:uuid:${device.id}`, resource: device },
		],
	};
}

/** What a summary is made from: of what was measured the latest of each code, of medications those in use, of problems all but single visits'. */
function summed(record: PatientRecord): PatientRecord {
	const latest = new Map<string, Observation>();
	for (const one of latestFirst(record.list<Observation>('Observation').filter(isMade), (observation) => periodOf(observation).start)) {
		const [coding] = one.code?.coding ?? [];
		const key = `${coding?.system}|${coding?.code ?? one.code?.text}`;
		if (!latest.has(key)) latest.set(key, one);
	}
	const inUse = (one: MedicationUse): boolean => ['active', 'on-hold', 'intended', 'unknown'].includes(one.status ?? '');
	const lists: Readonly<Record<string, readonly Entity[]>> = {
		Observation: [...latest.values()],
		// Reports would bring their former results along.
		DiagnosticReport: [],
		MedicationRequest: record
			.list<MedicationUse>('MedicationRequest')
			.filter((one) => inUse(one) && one.intent !== 'proposal' && one.intent !== 'plan' && one.intent !== 'option'),
		MedicationStatement: record.list<MedicationUse>('MedicationStatement').filter(inUse),
		Condition: record
			.list<Condition>('Condition')
			.filter(({ category }) => category?.some((one) => hasCode(one, ['encounter-diagnosis', 'health-concern'])) !== true),
		Consent: record
			.list<Entity & { category?: readonly { coding?: readonly { code?: string }[] }[]; scope?: object }>('Consent')
			.filter((one) => hasCode(one.scope, ['adr'])),
		Appointment: [],
		ServiceRequest: [],
	};
	return { ...record, list: <T extends Entity>(type: string) => (lists[type] ?? record.list(type)) as readonly T[] };
}

type Written = {
	readonly title: string;
	readonly code: object;
	readonly text: object;
	readonly entry?: readonly { readonly reference: string }[];
};

/** A section with the resources of the record that it lists, and those that are made for it. */
type Told = { readonly written: Written; readonly listed: readonly Entity[]; readonly made: readonly Entity[] };

/**
 * What is made for the summary has no address of its own, so that it refers to others by their whole URLs: relative ones would not lead to
 * entries of the Bundle (https://hl7.org/fhir/R4/bundle.html#references).
 */
function urlOf(base: string, { resourceType, id }: Entity): string {
	return `${base}/${resourceType}/${id}`;
}

function absolute(base: string, { reference, ...rest }: Reference): Reference {
	return reference === undefined ? rest : { ...rest, reference: /^[A-Z][A-Za-z]+\//.test(reference) ? `${base}/${reference}` : reference };
}

function sectionOf(draft: Draft, { title, code, display, unknown, resources, instead, words }: Kind): Told[] {
	const { record, base } = draft;
	const patient = { reference: urlOf(base, record.patient) };
	const common = { title, code: { coding: [{ system: loinc, code, display }] } };
	const own = resources(record);
	const [said] = own.length === 0 && unknown !== undefined ? [unknown(patient)] : [];
	if (own.length === 0 && said === undefined) return [];
	const made = [
		...(said === undefined ? [] : [said]),
		...(instead === undefined ? [] : own.flatMap((one) => instead(one, urlOf(base, one), patient) ?? [])),
	].map((one, i) => ({ ...one, id: uuidOf(`${patient.reference}/${code}/${i}`) }) as Entity);
	const listed = instead === undefined ? own : [];
	const entry = [...listed.map((one) => ({ reference: urlOf(base, one) })), ...made.map(({ id }) => ({ reference: `urn:uuid:${id}` }))];
	const text = said === undefined ? words(draft).narrative : element('paragraph', {}, 'There is no information about this.');
	const written = { ...common, text: narrative(element('text', {}, text)), ...(entry.length === 0 ? {} : { entry }) };
	return [{ written, listed, made }];
}

function narrative(text: Parameters<typeof narrativeHtml>[0]): object {
	return { status: 'generated', div: narrativeHtml(text) };
}

function compositionOf({ record, base, now }: Draft, section: readonly Written[], author: string): Resource & { id: string } {
	const { patient } = record;
	const keeper = patient.managingOrganization;
	return {
		resourceType: 'Composition',
		id: uuidOf(`${base}/Patient/${patient.id}/$summary/${now}`),
		meta: { profile: [`${guide}/Composition-uv-ips`] },
		status: 'final',
		type: { coding: [{ system: loinc, code: '60591-5', display: 'Patient summary Document' }] },
		subject: { reference: urlOf(base, patient) },
		date: now,
		author: [{ reference: `urn:uuid:${author}`, display: 'Heron' }],
		title: 'International Patient Summary',
		confidentiality: 'N',
		...(keeper === undefined ? {} : { custodian: absolute(base, keeper) }),
		section,
	};
}

/** Types that belong to nobody's record and come along with what refers to them. */
const brought = new Set(['Device', 'Location', 'Medication', 'Organization', 'Practitioner', 'PractitionerRole', 'Specimen']);

/** The resources with what they refer to, as far as the caller sees it. The patient is left to the first place. */
function withReferred(record: PatientRecord, told: readonly Entity[]): Entity[] {
	const seen = new Set<Entity>(told);
	for (const one of seen) {
		for (const reference of referencesIn(one)) {
			const found = record.find<Entity>(reference, one);
			if (found !== undefined && brought.has(found.resourceType) && one.contained?.includes(found) !== true) seen.add(found);
		}
	}
	return [...seen].filter((one) => one !== record.patient);
}

function referencesIn(value: unknown): Reference[] {
	if (Array.isArray(value)) return value.flatMap(referencesIn);
	if (value === null || typeof value !== 'object') return [];
	const own = typeof (value as Reference).reference === 'string' ? [value as Reference] : [];
	return [...own, ...Object.values(value).flatMap(referencesIn)];
}
