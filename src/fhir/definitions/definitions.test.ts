import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadDefinitions } from './definitions.ts';
import type { PackageFacts } from './facts.ts';

const definitions = loadDefinitions();
const core = 'http://hl7.org/fhir/StructureDefinition/';
const usCore = 'http://hl7.org/fhir/us/core/StructureDefinition/';

describe('definitions', () => {
	it('know 146 resource types', () => {
		assert.equal(definitions.resourceTypes.length, 146);
		assert.equal(definitions.isResourceType('Patient'), true);
		for (const name of ['Resource', 'DomainResource', 'HumanName', 'patient', 'SubscriptionStatus', '__proto__', ''])
			assert.equal(definitions.isResourceType(name), false, name);
	});

	it('find structures by name, URL and version', () => {
		assert.equal(definitions.structure('Patient')?.url, `${core}Patient`);
		assert.equal(definitions.structure(`${core}Patient`)?.version, '4.0.1');
		assert.equal(definitions.structure(`${core}Patient|4.0.1`)?.type, 'Patient');
		assert.equal(definitions.structure(`${core}Patient|4.0`)?.type, 'Patient');
		assert.equal(definitions.structure(`${core}Patient|5.0.0`), undefined);
		assert.equal(definitions.structure('Nothing'), undefined);
		assert.equal(definitions.structure(`${usCore}us-core-patient`)?.version, '8.0.0');
		for (const version of ['6.1.0', '7.0.0', '8.0.0'])
			assert.equal(definitions.structure(`${usCore}us-core-patient|${version}`)?.version, version);
		assert.equal(definitions.structure(`${usCore}us-core-patient|3.1.1`), undefined);
	});

	it('say what elements may hold', () => {
		assert.deepEqual(definitions.elementInfo('Patient', 'name'), { types: ['HumanName'], max: '*', choice: false });
		assert.deepEqual(definitions.elementInfo('Patient', 'deceased'), { types: ['boolean', 'dateTime'], max: '1', choice: true });
		assert.deepEqual(definitions.elementInfo('Patient', 'contact')?.types, ['Patient.contact']);
		assert.deepEqual(definitions.elementInfo('Questionnaire.item', 'item')?.types, ['Questionnaire.item']);
		assert.deepEqual(definitions.elementInfo('Patient', 'id')?.types, ['id']);
		assert.equal(definitions.elementInfo('Patient', 'nothing'), undefined);
		assert.equal(definitions.elementInfo('Nothing', 'id'), undefined);
	});

	it('know whether a code is in a value set, or that they do not know', () => {
		const gender = 'http://hl7.org/fhir/ValueSet/administrative-gender';
		assert.equal(definitions.valueSetHas(gender, 'http://hl7.org/fhir/administrative-gender', 'male'), true);
		assert.equal(definitions.valueSetHas(gender, undefined, 'male'), true);
		assert.equal(definitions.valueSetHas(`${gender}|4.0.1`, undefined, 'male'), true);
		assert.equal(definitions.valueSetHas(gender, 'http://example.org', 'male'), false);
		assert.equal(definitions.valueSetHas(gender, undefined, 'none'), false);
		assert.equal(definitions.valueSetHas('http://hl7.org/fhir/ValueSet/all-languages', 'urn:ietf:bcp:47', 'xx-nothing'), undefined);
		assert.equal(definitions.valueSetHas('http://example.org/nothing', undefined, 'a'), undefined);
		assert.equal(definitions.valueSetCodes(gender)?.length, 4);
	});

	it('know profiles, compartments, parameters and operations', () => {
		assert.ok(definitions.profilesOf('Patient').includes(`${usCore}us-core-patient`));
		assert.deepEqual(definitions.profilesOf('Nothing'), []);
		assert.ok(definitions.compartment('Patient').Observation?.includes('subject'));
		const codes = definitions.searchParameters.map(({ base, code, number }) => `${base} ${code} ${number}`);
		assert.equal(new Set(definitions.searchParameters.map(({ base, number }) => `${base} ${number}`)).size, codes.length);
		assert.ok(definitions.operationDefinition('http://hl7.org/fhir/OperationDefinition/Patient-everything') !== undefined);
	});

	it('keep the rules that a profile takes over from its own base', () => {
		const keys = (url: string, path: string): string[] =>
			definitions
				.structure(url)
				?.elements.find((element) => element.path === path)
				?.constraints?.map(({ key }) => key) ?? [];
		assert.ok(keys(`${usCore}us-core-heart-rate`, 'Observation.effective[x]').includes('vs-1'));
		assert.ok(keys('Observation', 'Observation').includes('obs-6'));
		assert.ok(!keys('Observation', 'Observation.subject').includes('ref-1'), 'rules of datatypes are theirs');
	});
});

describe('added packages', () => {
	const packageOf = (version: string): PackageFacts => ({
		name: 'test',
		version,
		structures: [
			{
				url: `${usCore}us-core-patient`,
				version,
				name: 'Added',
				type: 'Patient',
				kind: 'resource',
				derivation: 'constraint',
				elements: [],
			},
		],
		valueSets: [{ url: 'http://hl7.org/fhir/ValueSet/administrative-gender', version, codes: { 'http://a': ['b'] } }],
		searchParameters: [
			{ url: 'http://a/sp', code: 'shoe-size', type: 'number', base: 'Patient', expression: 'Patient.extension.value' },
			{ url: 'http://a/name', code: 'name', type: 'string', base: 'Patient', expression: 'Patient.id' },
		],
		refused: [],
	});

	it('give what is asked for without version when they are newer, and by version always', () => {
		const newer = loadDefinitions([packageOf('10.0.0')]);
		assert.equal(newer.structure(`${usCore}us-core-patient`)?.name, 'Added');
		assert.equal(newer.structure(`${usCore}us-core-patient|8.0.0`)?.name, 'USCorePatientProfile');
		assert.equal(newer.valueSetHas('http://hl7.org/fhir/ValueSet/administrative-gender', undefined, 'b'), true);
		const older = loadDefinitions([packageOf('3.1.1')]);
		assert.equal(older.structure(`${usCore}us-core-patient`)?.version, '8.0.0');
		assert.equal(older.structure(`${usCore}us-core-patient|3.1.1`)?.name, 'Added');
		assert.equal(older.valueSetHas('http://hl7.org/fhir/ValueSet/administrative-gender', undefined, 'male'), true);
		const both = loadDefinitions([packageOf('10.0.0'), packageOf('9.0.0')]);
		assert.equal(both.structure(`${usCore}us-core-patient`)?.version, '10.0.0');
	});

	it('add search parameters after those that are known', () => {
		const added = loadDefinitions([packageOf('1.0.0')]).searchParameters.filter(({ base }) => base === 'Patient');
		assert.equal(added.find(({ code }) => code === 'shoe-size')?.number, 500);
		assert.notEqual(added.find(({ code }) => code === 'name')?.url, 'http://a/name');
	});
});
