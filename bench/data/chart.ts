// A patient's chart: visits with what was found, done and ordered, about a hundred resources in the proportions of Synthea.
import type { Resource } from '#fhir/resource.ts';
import type { Random } from '#testing/random.ts';
import { claim, explanationOfBenefit } from './claims.ts';
import { type Person, type Practice, patient, round } from './people.ts';
import { concept, day, instant, nameOf, type Visit } from './visit.ts';
import * as words from './words.ts';

/** The resources of one patient, referred-to ones first. */
export function makeChart(random: Random, practice: Practice): Resource[] {
	const person = patient(random);
	const chart: Resource[] = [person.resource];
	const visits = random.between(7, 11);
	const first = Date.UTC(2012, 0, 1) + random.below(365) * day;
	const gap = (Date.UTC(2025, 5, 1) - first) / visits;
	for (let i = 0; i < visits; i++) chart.push(...makeVisit(random, practice, person, first + (i + random.next() * 0.9) * gap, i));
	return chart;
}

function makeVisit(random: Random, practice: Practice, person: Person, at: number, number: number): Resource[] {
	const start = Math.floor(at / 1000) * 1000;
	const owner = random.below(practice.organizations.length);
	const organization = practice.organizations[owner] as Resource;
	const practitioner = random.pick(practice.practitioners);
	const encounter = makeEncounter(random, person, practitioner, organization, practice.locations[owner] as Resource, start);
	const visit: Visit = { encounter, person, practitioner, organization, start };
	const made: Resource[] = [encounter, bloodPressure(random, visit)];
	for (const measure of words.vitalSigns) if (random.chance(0.5)) made.push(observation(random, visit, measure, 'vital-signs'));
	if (random.chance(0.5)) made.push(smokingStatus(random, visit));
	if (number % 3 === 2) made.push(...panel(random, visit));
	if (random.chance(0.55)) made.push(condition(random, visit));
	for (let i = random.below(3); i > 0; i--) made.push(procedure(random, visit));
	if (random.chance(0.6)) made.push(medicationRequest(random, visit));
	if (random.chance(0.4)) made.push(immunization(random, visit));
	if (random.chance(0.3)) made.push(documentReference(random, visit));
	if (random.chance(0.5)) {
		const billed = claim(random, visit);
		made.push(billed, explanationOfBenefit(random, visit, billed));
	}
	return made;
}

function makeEncounter(
	random: Random,
	person: Person,
	practitioner: Resource,
	organization: Resource,
	location: Resource,
	start: number,
): Resource {
	const id = random.uuid();
	const end = start + random.between(15, 60) * 60_000;
	const [code, display] = random.pick(words.encounterTypes);
	const name = nameOf(practitioner);
	return {
		resourceType: 'Encounter',
		id,
		identifier: [{ use: 'official', system: 'https://heron.example/encounter', value: id }],
		status: 'finished',
		class: { system: `${words.terminology}/v3-ActCode`, code: 'AMB' },
		type: [{ coding: [{ system: words.snomed, code, display }], text: display }],
		subject: { reference: person.reference, display: person.name },
		participant: [
			{
				type: [
					{
						coding: [{ system: `${words.terminology}/v3-ParticipationType`, code: 'PPRF', display: 'primary performer' }],
						text: 'primary performer',
					},
				],
				period: { start: instant(start), end: instant(end) },
				individual: { reference: `Practitioner/${practitioner.id}`, display: name },
			},
		],
		period: { start: instant(start), end: instant(end) },
		...(random.chance(0.5) ? { reasonCode: [concept(words.snomed, random.pick(words.conditions))] } : {}),
		location: [{ location: { reference: `Location/${location.id}`, display: location.name } }],
		serviceProvider: { reference: `Organization/${organization.id}`, display: organization.name },
	};
}

function observationBase(random: Random, visit: Visit, category: string, code: words.Coded): Resource {
	return {
		resourceType: 'Observation',
		id: random.uuid(),
		status: 'final',
		category: [
			{
				coding: [{ system: `${words.terminology}/observation-category`, code: category, display: categories[category] }],
				text: categories[category],
			},
		],
		code: concept(words.loinc, code),
		subject: { reference: visit.person.reference, display: visit.person.name },
		encounter: encounterOf(visit),
		effectiveDateTime: instant(visit.start),
		issued: instant(visit.start).replace('-05:00', '.114-05:00'),
		performer: [{ reference: `Practitioner/${visit.practitioner.id}`, display: nameOf(visit.practitioner) }],
	};
}

const categories: Readonly<Record<string, string>> = {
	'vital-signs': 'Vital Signs',
	laboratory: 'Laboratory',
	'social-history': 'Social History',
};

/** A measured value of 0.8 to 0.9 KB. */
export function observation(random: Random, visit: Visit, measure: words.Measure, category: string): Resource {
	const [code, display, unit, mean, deviation] = measure;
	return {
		...observationBase(random, visit, category, [code, display]),
		valueQuantity: { value: Math.max(0, round(random.normal(mean, deviation), 1)), unit, system: words.ucum, code: unit },
	};
}

function bloodPressure(random: Random, visit: Visit): Resource {
	const part = (code: string, display: string, mean: number): object => ({
		code: concept(words.loinc, [code, display]),
		valueQuantity: { value: Math.round(random.normal(mean, 11)), unit: 'mm[Hg]', system: words.ucum, code: 'mm[Hg]' },
	});
	return {
		...observationBase(random, visit, 'vital-signs', ['85354-9', 'Blood pressure panel with all children optional']),
		component: [part('8462-4', 'Diastolic Blood Pressure', 80), part('8480-6', 'Systolic Blood Pressure', 122)],
	};
}

function smokingStatus(random: Random, visit: Visit): Resource {
	return {
		...observationBase(random, visit, 'social-history', ['72166-2', 'Tobacco smoking status']),
		valueCodeableConcept: concept(words.snomed, random.pick(words.smoking)),
	};
}

/** Laboratory values and the report that gathers them. */
function panel(random: Random, visit: Visit): Resource[] {
	const from = random.below(words.laboratory.length - 8);
	const values = words.laboratory.slice(from, from + 8).map((measure) => observation(random, visit, measure, 'laboratory'));
	const report: Resource = {
		resourceType: 'DiagnosticReport',
		id: random.uuid(),
		status: 'final',
		category: [{ coding: [{ system: `${words.terminology}/v2-0074`, code: 'LAB', display: 'Laboratory' }], text: 'Laboratory' }],
		code: concept(words.loinc, random.pick(words.reports)),
		subject: { reference: visit.person.reference, display: visit.person.name },
		encounter: encounterOf(visit),
		effectiveDateTime: instant(visit.start),
		issued: instant(visit.start + 3_600_000).replace('-05:00', '.114-05:00'),
		performer: [{ reference: `Organization/${visit.organization.id}`, display: visit.organization.name }],
		result: values.map((value) => ({ reference: `Observation/${value.id}`, display: (value.code as { text: string }).text })),
	};
	return [...values, report];
}

function condition(random: Random, visit: Visit): Resource {
	const over = random.chance(0.5);
	const status = (kind: string, code: string): object => ({ coding: [{ system: `${words.terminology}/condition-${kind}`, code }] });
	return {
		resourceType: 'Condition',
		id: random.uuid(),
		clinicalStatus: status('clinical', over ? 'resolved' : 'active'),
		verificationStatus: status('ver-status', 'confirmed'),
		category: [
			{
				coding: [{ system: `${words.terminology}/condition-category`, code: 'encounter-diagnosis', display: 'Encounter Diagnosis' }],
				text: 'Encounter Diagnosis',
			},
		],
		code: concept(words.snomed, random.pick(words.conditions)),
		subject: { reference: visit.person.reference, display: visit.person.name },
		encounter: encounterOf(visit),
		onsetDateTime: instant(visit.start - 2 * day),
		...(over ? { abatementDateTime: instant(visit.start + 14 * day) } : {}),
		recordedDate: instant(visit.start),
		recorder: { reference: `Practitioner/${visit.practitioner.id}`, display: nameOf(visit.practitioner) },
	};
}

function procedure(random: Random, visit: Visit): Resource {
	return {
		resourceType: 'Procedure',
		id: random.uuid(),
		status: 'completed',
		code: concept(words.snomed, random.pick(words.procedures)),
		subject: { reference: visit.person.reference, display: visit.person.name },
		encounter: encounterOf(visit),
		performedPeriod: { start: instant(visit.start), end: instant(visit.start + 900_000) },
		performer: [{ actor: { reference: `Practitioner/${visit.practitioner.id}`, display: nameOf(visit.practitioner) } }],
		location: { reference: `Location/${locationOf(visit)}` },
	};
}

function medicationRequest(random: Random, visit: Visit): Resource {
	return {
		resourceType: 'MedicationRequest',
		id: random.uuid(),
		status: random.chance(0.3) ? 'active' : 'stopped',
		intent: 'order',
		category: [
			{
				coding: [{ system: `${words.terminology}/medicationrequest-category`, code: 'community', display: 'Community' }],
				text: 'Community',
			},
		],
		medicationCodeableConcept: concept(words.rxnorm, random.pick(words.medications)),
		subject: { reference: visit.person.reference, display: visit.person.name },
		encounter: encounterOf(visit),
		authoredOn: instant(visit.start),
		requester: { reference: `Practitioner/${visit.practitioner.id}`, display: nameOf(visit.practitioner) },
		dosageInstruction: [
			{
				sequence: 1,
				text: 'Take one by mouth daily',
				timing: { repeat: { frequency: 1, period: 1, periodUnit: 'd' } },
				asNeededBoolean: false,
				doseAndRate: [
					{
						type: {
							coding: [{ system: `${words.terminology}/dose-rate-type`, code: 'ordered', display: 'Ordered' }],
						},
						doseQuantity: { value: 1 },
					},
				],
			},
		],
	};
}

function immunization(random: Random, visit: Visit): Resource {
	return {
		resourceType: 'Immunization',
		id: random.uuid(),
		status: 'completed',
		vaccineCode: concept(words.cvx, random.pick(words.vaccines)),
		patient: { reference: visit.person.reference, display: visit.person.name },
		encounter: encounterOf(visit),
		occurrenceDateTime: instant(visit.start),
		primarySource: true,
		lotNumber: `L${random.between(10_000, 99_999)}`,
		location: { reference: `Location/${locationOf(visit)}`, display: visit.organization.name },
		performer: [{ actor: { reference: `Practitioner/${visit.practitioner.id}`, display: nameOf(visit.practitioner) } }],
	};
}

function documentReference(random: Random, visit: Visit): Resource {
	const [code, display] = random.pick(words.notes);
	const id = random.uuid();
	return {
		resourceType: 'DocumentReference',
		id,
		identifier: [{ system: 'urn:ietf:rfc:3986', value: `urn:uuid:${id}` }],
		status: 'current',
		type: concept(words.loinc, [code, display]),
		category: [
			{
				coding: [
					{
						system: 'http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category',
						code: 'clinical-note',
						display: 'Clinical Note',
					},
				],
			},
		],
		subject: { reference: visit.person.reference, display: visit.person.name },
		date: instant(visit.start).replace('-05:00', '.114-05:00'),
		author: [{ reference: `Practitioner/${visit.practitioner.id}`, display: nameOf(visit.practitioner) }],
		custodian: { reference: `Organization/${visit.organization.id}`, display: visit.organization.name },
		content: [
			{
				attachment: { contentType: 'text/plain; charset=utf-8', data: Buffer.from(note(random, visit)).toString('base64') },
				format: { system: 'http://ihe.net/fhir/ValueSet/IHE.FormatCode.codesystem', code: 'urn:ihe:iti:xds:2017:mimeTypeSufficient' },
			},
		],
		context: {
			encounter: [encounterOf(visit)],
			period: { start: instant(visit.start), end: instant(visit.start + 1_800_000) },
		},
	};
}

function note(random: Random, visit: Visit): string {
	const lines = [instant(visit.start).slice(0, 10), '', '# Chief complaint'];
	for (let i = 0; i < 4; i++) lines.push(`- ${random.pick(words.conditions)[1]}`);
	lines.push('', '# History of present illness', `${visit.person.name} was born in ${visit.person.bornIn}.`);
	for (let i = 0; i < 7; i++)
		lines.push(`Patient has a history of ${random.pick(words.conditions)[1].toLowerCase()}, since ${2000 + random.below(20)}.`);
	lines.push('', '# Medications');
	for (let i = 0; i < 5; i++) lines.push(`${random.pick(words.medications)[1]}, once a day`);
	lines.push('', '# Plan', `The patient was given: ${random.pick(words.procedures)[1]}.`);
	return lines.join('\n');
}

function encounterOf(visit: Visit): object {
	return { reference: `Encounter/${visit.encounter.id}` };
}

function locationOf(visit: Visit): string {
	const [at] = visit.encounter.location as { location: { reference: string } }[];
	return (at as { location: { reference: string } }).location.reference.slice('Location/'.length);
}
