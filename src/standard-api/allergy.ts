// allergy: an AllergyIntolerance. http://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-allergyintolerance.html
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { author, calledIn, type Entry, linkIn, npiOf, type Present, titleOf } from './chart.ts';
import { envelopedRows } from './chart-rows.ts';
import { codeSystems, expandCodes, writeCodes } from './codes.ts';
import { issueFields } from './issues.ts';
import { extensionAt, field, type Mapping } from './mapping.ts';
import { statusAt } from './medical-problem.ts';
import { at, has, isNode, type Place } from './place.ts';
import { codeFilter, codesAt, dateChoice, dayOrTime, expandedIn, listOf, nameAt, nameOf, noteAt, saidIn } from './places.ts';
import type { StandardRow } from './row.ts';

const hl7 = 'http://terminology.hl7.org/CodeSystem';
const clinicalSystem = `${hl7}/allergyintolerance-clinical`;
const verificationSystem = `${hl7}/allergyintolerance-verification`;

/** Severities of OpenEMR's list and the nearest of FHIR's three; the word itself is kept beside it when it says more. */
const severities: Readonly<Record<string, 'mild' | 'moderate' | 'severe'>> = {
	mild: 'mild',
	mild_to_moderate: 'moderate',
	moderate: 'moderate',
	moderate_to_severe: 'severe',
	severe: 'severe',
	life_threatening_severity: 'severe',
	fatal: 'severe',
};

/** Reactions of OpenEMR's list with their SNOMED CT codes. */
const reactions: readonly (readonly [option: string, title: string, code: string])[] = [
	['hives', 'Hives', '247472004'],
	['nausea', 'Nausea', '422587007'],
	['shortness_of_breath', 'Shortness of Breath', '267036007'],
];

const manifestation = at('reaction', 0, 'manifestation', 0);
const fhirSeverity = at('reaction', 0, 'severity');
const exactSeverity = extensionAt('allergy', 'severity_al');

const reactionPlace: Place = {
	path: 'reaction[0].manifestation[0].text',
	get: (allergy) => nameOf(manifestation.get(allergy)),
	set(allergy, value) {
		const severity = severityPlace.get(allergy);
		if (value === undefined) {
			const [, ...others] = ((allergy as Resource).reaction ?? []) as unknown[];
			if (others.length === 0) delete (allergy as Resource).reaction;
			else (allergy as Resource).reaction = others;
		} else {
			const text = String(value);
			const known = reactions.find(([option, title]) => option === text.toLowerCase() || title.toLowerCase() === text.toLowerCase());
			const coding = known === undefined ? {} : { coding: [{ system: codeSystems.snomed, code: known[2], display: known[1] }] };
			manifestation.set(allergy, { ...coding, text });
		}
		severityPlace.set(allergy, severity);
	},
};

/** The severity is the first reaction's; where FHIR's words are too coarse, or there is no reaction, an extension holds it. */
const severityPlace: Place = {
	path: `${fhirSeverity.path} | ${exactSeverity.path}`,
	get(allergy) {
		const [near, exact] = [fhirSeverity.get(allergy), exactSeverity.get(allergy)];
		const holds =
			exact !== undefined && (near === undefined || saidIn(severities, exact) === near || saidIn(severities, exact) === undefined);
		return holds ? exact : near;
	},
	set(allergy, value) {
		const near = saidIn(severities, value);
		const hasReaction = manifestation.get(allergy) !== undefined;
		if (hasReaction) fhirSeverity.set(allergy, near);
		exactSeverity.set(allergy, hasReaction && near === value ? undefined : value);
	},
};

const clinical = at('clinicalStatus', 'coding', 0, 'code');

function setClinical(allergy: object, code: string): void {
	if (clinical.get(allergy) !== code) (allergy as Resource).clinicalStatus = { coding: [{ system: clinicalSystem, code }] };
}

const end = extensionAt('allergy', 'enddate', 'datetime');

const endPlace: Place = {
	path: end.path,
	get: end.get,
	set(allergy, value) {
		end.set(allergy, value);
		const code = clinical.get(allergy);
		if (value !== undefined && code !== 'inactive') setClinical(allergy, 'resolved');
		if (value === undefined && code === 'resolved') setClinical(allergy, 'active');
	},
};

const activityPlace: Place = {
	path: `clinicalStatus.coding.where(code = 'inactive').empty()`,
	get: (allergy) => clinical.get(allergy) !== 'inactive',
	set(allergy, value) {
		if (value === false) setClinical(allergy, 'inactive');
		else if (clinical.get(allergy) === 'inactive') setClinical(allergy, end.get(allergy) === undefined ? 'active' : 'resolved');
	},
};

export const allergyMapping: Mapping = {
	resource: 'allergy',
	type: 'AllergyIntolerance',
	numbers: ['id'],
	uuids: ['uuid'],
	fields: issueFields('allergy', [
		field('date', at('recordedDate'), { kind: 'datetime', sort: 'date' }),
		field('title', nameAt('code'), { required: true, length: [2, 255] }),
		field('begdate', dateChoice('onset'), { kind: 'datetime', codec: dayOrTime, sort: 'onset' }),
		field('enddate', endPlace, { kind: 'datetime', codec: dayOrTime }),
		field('diagnosis', codesAt('allergy', 'diagnosis', ['code']), { length: [2, 255], filter: codeFilter }),
		field('activity', activityPlace, { kind: 'flag' }),
		field('comments', noteAt()),
		field('pid', at('patient', 'reference'), { to: ['Patient'], isReadOnly: true }),
		field('puuid', at('patient', 'reference'), { to: ['Patient'], as: 'uuid', isReadOnly: true }),
		field('encounter_uuid', at('encounter', 'reference'), { to: ['Encounter'], as: 'uuid' }),
		field('practitioner', at('recorder', 'reference'), { to: ['Practitioner'] }),
		field('modifydate', at('meta', 'lastUpdated'), { kind: 'datetime', isReadOnly: true, sort: '_lastUpdated' }),
		field('reaction', reactionPlace, { length: [2, 255] }),
		field('severity_al', severityPlace, { length: [2, 255] }),
		field('verification', statusAt('verificationStatus', verificationSystem), {
			oneOf: ['unconfirmed', 'confirmed', 'refuted'],
		}),
	]),
	make: () => ({
		resourceType: 'AllergyIntolerance',
		clinicalStatus: { coding: [{ system: clinicalSystem, code: 'active' }] },
	}),
	profile: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-allergyintolerance',
};

const isStruck = (allergy: Resource): boolean => has(allergy, { verificationStatus: { coding: [{ code: 'entered-in-error' }] } });

function entered(ctx: FhirCtx): object {
	const recorder = author(ctx);
	return { recordedDate: ctx.clock.now().toISOString(), ...(recorder === undefined ? {} : { recorder }) };
}

/** ait-2: what was entered in error has no clinical status. */
function strike(allergy: Resource): void {
	allergy.verificationStatus = { coding: [{ system: verificationSystem, code: 'entered-in-error' }] };
	for (const name of Object.keys(allergy)) if (/^_?clinicalStatus/.test(name)) delete allergy[name];
}

const present: Present = (record, { code, recorder, reaction }, related) => {
	const practitioner = related.get(linkIn(recorder));
	const first = Array.isArray(reaction) && isNode(reaction[0]) ? reaction[0].manifestation : undefined;
	const manifested = Array.isArray(first) ? first[0] : undefined;
	const codings = listOf(manifested?.coding).map((coding) => ({ ...coding, display: String(record.reaction) }));
	return {
		...record,
		type: 'allergy',
		diagnosis: expandedIn(code, record.diagnosis),
		reaction: codings.length === 0 ? record.reaction : expandCodes(codings),
		reaction_title: record.reaction,
		reaction_codes: writeCodes(codings),
		patient_uuid: record.puuid,
		practitioner_uuid: practitioner?.id ?? null,
		practitioner_npi: npiOf(practitioner),
		practitioner_name: calledIn(practitioner),
		organization: null,
		organization_uuid: null,
		verification_title: titleOf(record.verification),
	};
};

const allergy: Entry = {
	mapping: allergyMapping,
	owner: 'patient',
	order: '-date',
	criteria: [['verification-status:not', 'entered-in-error']],
	isOne: (resource) => !isStruck(resource),
	entered,
	strike,
	present,
	links: ({ recorder }) => [linkIn(recorder)],
};

export const allergyRows: readonly StandardRow[] = envelopedRows({
	entry: allergy,
	name: 'allergy',
	param: 'auuid',
	style: 'E200',
	words: { one: 'an allergy', many: 'allergies' },
	reading: 'patients.med',
	writing: 'patients.med',
});
