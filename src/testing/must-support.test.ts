// What the test of the demo clinic relies on: an element that is not there is not found, whatever stands beside it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StructureFacts } from '#fhir/definitions/facts.ts';
import { testDefinitions } from './fhir.ts';
import { elementTest, mustSupport } from './must-support.ts';

const core = 'http://hl7.org/fhir/us/core/StructureDefinition';
const profile = (name: string): StructureFacts => testDefinitions().structure(`${core}/${name}|8.0.0`) as StructureFacts;
const systolic = { code: { coding: [{ system: 'http://loinc.org', code: '8480-6' }] }, valueQuantity: { value: 120, code: 'mm[Hg]' } };
const pressure = { resourceType: 'Observation', component: [systolic, { code: { coding: [{ code: '8462-4' }] } }] };

test('elements of profiles are found in resources that have them, and only there', () => {
	const cases: readonly (readonly [profile: string, id: string, resource: object, has: boolean])[] = [
		['us-core-blood-pressure', 'Observation.component:systolic', pressure, true],
		['us-core-blood-pressure', 'Observation.component:systolic.value[x].code', pressure, true],
		['us-core-blood-pressure', 'Observation.component:systolic.dataAbsentReason', pressure, false],
		// Without its system the code of the second component is not that of the pattern.
		['us-core-blood-pressure', 'Observation.component:diastolic', pressure, false],
		['us-core-bmi', 'Observation.value[x]:valueQuantity', { valueQuantity: {} }, true],
		['us-core-bmi', 'Observation.value[x]:valueQuantity', { valueString: 'a' }, false],
		['us-core-patient', 'Patient.extension:race', { extension: [{ url: `${core}/us-core-race` }] }, true],
		['us-core-patient', 'Patient.extension:race', { extension: [{ url: `${core}/us-core-ethnicity` }] }, false],
		['us-core-patient', 'Patient.name.given', { name: [{ family: 'A' }, { given: ['B'] }] }, true],
		['us-core-patient', 'Patient.name.given', { name: [{ family: 'A' }] }, false],
		['us-core-careplan', 'CarePlan.category:AssessPlan', { category: [{ coding: [{ code: 'assess-plan' }] }] }, false],
		[
			'us-core-questionnaireresponse',
			'QuestionnaireResponse.questionnaire.extension:url',
			{ questionnaire: 'a', _questionnaire: { extension: [{ url: `${core}/us-core-extension-questionnaire-uri` }] } },
			true,
		],
		['us-core-questionnaireresponse', 'QuestionnaireResponse.questionnaire.extension:url', { questionnaire: 'a' }, false],
	];
	for (const [name, id, resource, has] of cases) assert.equal(elementTest(profile(name), id)(resource), has, `${name} ${id}`);
});

test('every element that must be supported is asked for, and none is there in nothing', () => {
	const ids = mustSupport(profile('us-core-patient'));
	assert.ok(
		ids.length > 20 && ids.includes('Patient.address.state') && ids.includes('Patient.extension:race') && !ids.includes('Patient.photo'),
	);
	for (const id of ids) assert.equal(elementTest(profile('us-core-patient'), id)({ resourceType: 'Patient' }), false, id);
});
