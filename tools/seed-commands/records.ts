// The resources that the documentation shows in its answers, with its ids.
import type { Resource } from '#fhir/resource.ts';

const patient = { reference: 'Patient/123' };
const hl7 = 'http://terminology.hl7.org/CodeSystem';
const concept = (system: string, code: string, display: string): object => ({ coding: [{ system, code, display }] });
const category = (code: string): object[] => [concept(`${hl7}/observation-category`, code, code)];
const active = { coding: [{ system: `${hl7}/condition-clinical`, code: 'active' }] };

export const records: readonly Resource[] = [
	{
		resourceType: 'Patient',
		id: '123',
		name: [{ family: 'Smith', given: ['John'] }],
		birthDate: '1980-01-15',
		gender: 'male',
		address: [{ city: 'Boston', state: 'MA', postalCode: '12345' }],
	},
	{
		resourceType: 'Observation',
		id: '456',
		status: 'final',
		category: category('vital-signs'),
		code: concept('http://loinc.org', '8867-4', 'Heart rate'),
		subject: patient,
		effectiveDateTime: '2024-01-15T09:10:00Z',
		valueQuantity: { value: 72, unit: 'beats/minute', system: 'http://unitsofmeasure.org', code: '/min' },
	},
	{
		resourceType: 'Observation',
		id: '457',
		status: 'final',
		category: category('laboratory'),
		code: concept('http://loinc.org', '4548-4', 'Hemoglobin A1c'),
		subject: patient,
		effectiveDateTime: '2024-01-15',
		valueQuantity: { value: 6.8, unit: '%', system: 'http://unitsofmeasure.org', code: '%' },
	},
	{
		resourceType: 'Provenance',
		id: '458',
		target: [{ reference: 'Observation/456' }],
		recorded: '2024-01-15T09:11:00Z',
		agent: [{ who: { display: 'Nurse' } }],
	},
	{
		resourceType: 'Condition',
		id: '789',
		clinicalStatus: active,
		category: [concept(`${hl7}/condition-category`, 'problem-list-item', 'Problem List Item')],
		code: concept('http://snomed.info/sct', '44054006', 'Diabetes mellitus type 2'),
		subject: patient,
		onsetDateTime: '2020-03-15',
	},
	{
		resourceType: 'Condition',
		id: '790',
		clinicalStatus: active,
		category: [concept('http://hl7.org/fhir/us/core/CodeSystem/condition-category', 'health-concern', 'Health Concern')],
		code: { text: 'Risk of falls' },
		subject: patient,
	},
	{
		resourceType: 'MedicationRequest',
		id: '101',
		status: 'active',
		intent: 'order',
		medicationCodeableConcept: { coding: [{ display: 'Metformin 500mg' }] },
		subject: patient,
		dosageInstruction: [{ text: 'Take 1 tablet twice daily' }],
	},
	{
		resourceType: 'AllergyIntolerance',
		id: '201',
		clinicalStatus: { coding: [{ system: `${hl7}/allergyintolerance-clinical`, code: 'active' }] },
		code: { coding: [{ display: 'Penicillin' }] },
		patient,
		reaction: [{ manifestation: [{ coding: [{ display: 'Hives' }] }], severity: 'severe' }],
	},
	{
		resourceType: 'Encounter',
		id: '301',
		status: 'finished',
		class: { system: `${hl7}/v3-ActCode`, code: 'AMB', display: 'ambulatory' },
		subject: patient,
		period: { start: '2024-01-15T09:00:00Z', end: '2024-01-15T09:30:00Z' },
	},
	{ resourceType: 'Group', id: '1', type: 'person', actual: true, member: [{ entity: patient }] },
];
