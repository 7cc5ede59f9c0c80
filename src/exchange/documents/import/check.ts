// Whether what was read can be stored as it is, and which profiles of US Core 8.0.0 it keeps (https://hl7.org/fhir/us/core/STU8/).
import { type Issue, isError } from '#base/problem.ts';
import type { Resource } from '#fhir/resource.ts';
import type { Validator } from '#fhir/validate/validator.ts';

const usCore = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-';

const byType: Readonly<Record<string, readonly string[]>> = {
	AllergyIntolerance: ['allergyintolerance'],
	CarePlan: ['careplan'],
	CareTeam: ['careteam'],
	Coverage: ['coverage'],
	Device: ['implantable-device'],
	DiagnosticReport: ['diagnosticreport-lab'],
	DocumentReference: ['documentreference'],
	Encounter: ['encounter'],
	Goal: ['goal'],
	Immunization: ['immunization'],
	MedicationDispense: ['medicationdispense'],
	MedicationRequest: ['medicationrequest'],
	Patient: ['patient'],
	Procedure: ['procedure'],
	ServiceRequest: ['servicerequest'],
};

/** Profiles of single measurements and answers, by LOINC code. */
const byCode: Readonly<Record<string, string>> = {
	'85354-9': 'blood-pressure',
	'39156-5': 'bmi',
	'29463-7': 'body-weight',
	'8302-2': 'body-height',
	'8310-5': 'body-temperature',
	'8867-4': 'heart-rate',
	'9279-1': 'respiratory-rate',
	'59408-5': 'pulse-oximetry',
	'2708-6': 'pulse-oximetry',
	'9843-4': 'head-circumference',
	'72166-2': 'smokingstatus',
	'76690-7': 'observation-sexual-orientation',
	'82810-3': 'observation-pregnancystatus',
	'86645-9': 'observation-pregnancyintent',
	'11341-5': 'observation-occupation',
};

function candidates(resource: Resource): readonly string[] {
	const has = (code: string) => JSON.stringify(resource.category ?? '').includes(`"code":"${code}"`);
	if (resource.resourceType === 'Condition')
		return [has('encounter-diagnosis') ? 'condition-encounter-diagnosis' : 'condition-problems-health-concerns'];
	if (resource.resourceType !== 'Observation') return byType[resource.resourceType] ?? [];
	const codes = ((resource.code as { coding?: { code?: string }[] } | undefined)?.coding ?? []).map(({ code }) => byCode[code ?? '']);
	const single = codes.filter((one) => one !== undefined);
	if (has('laboratory')) return ['observation-lab'];
	if (has('vital-signs')) return [...single, 'vital-signs'];
	return [...single, 'simple-observation'];
}

/** The resource with the profile it keeps in its meta, and what the specification itself says is wrong with it. */
export function checked(validator: Validator, resource: Resource): { resource: Resource; errors: Issue[] } {
	const errors = validator.validate(resource).filter(isError);
	if (errors.length > 0) return { resource, errors };
	const kept = candidates(resource)
		.map((name) => usCore + name)
		.find((profile) => !validator.validate(resource, { profiles: [profile] }).some(isError));
	if (kept === undefined) return { resource, errors: [] };
	const { resourceType, meta, ...elements } = resource;
	return { resource: { resourceType, meta: { ...meta, profile: [kept] }, ...elements }, errors: [] };
}
