// The letter of https://hl7.org/fhir/R4/search.html, example by example, on a few resources that are known by heart.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Caller } from '#access/ctx.ts';
import { Problem } from '#base/problem.ts';
import type { Resource } from '#fhir/resource.ts';
import { testFhir } from '#testing/fhir.ts';
import { createRandom } from '#testing/random.ts';
import type { Handling } from './parse.ts';
import { search, searchBundle } from './search.ts';

const base = 'https://heron.test/apis/default/fhir';
const ctx = await testFhir({ after }, { base, settings: { referentialIntegrity: false, maxCount: 100 } });
const loinc = 'http://loinc.org';
const ucum = 'http://unitsofmeasure.org';
const narrative = (text: string) => ({ status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${text}</div>` });

const world: Resource[] = [
	{
		resourceType: 'Patient',
		id: 'eve',
		active: true,
		name: [{ use: 'official', family: 'Carreno Quiñones', given: ['Eve', 'Ann'] }],
		gender: 'female',
		birthDate: '1980-02',
		telecom: [
			{ system: 'phone', value: '(03) 5555 6473' },
			{ system: 'email', value: 'Eve@Example.org' },
		],
		identifier: [
			{
				system: 'urn:mrn',
				value: '1,2',
				type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }], text: 'Medical record' },
			},
		],
		text: narrative('<b>bone</b> metastases'),
		communication: [
			{ language: { coding: [{ system: 'urn:ietf:bcp:47', code: 'fr' }] }, preferred: true },
			{ language: { coding: [{ system: 'urn:ietf:bcp:47', code: 'nl' }] } },
		],
	},
	{
		resourceType: 'Patient',
		id: 'evelyn',
		active: false,
		name: [{ family: 'Smith', given: ['Evelyn'] }],
		gender: 'female',
		birthDate: '1980-02-14',
		managingOrganization: { reference: 'Organization/acme' },
		identifier: [{ system: 'urn:mrn', value: '7' }, { value: '1' }],
		text: narrative('liver metastases'),
		meta: {
			tag: [{ system: 'http://acme.org/codes', code: 'needs-review' }],
			profile: ['http://example.org/p|1.0', `${base}/StructureDefinition/lipid`],
			security: [{ code: 'R' }],
			source: 'http://example.com/feed',
		},
	},
	{
		resourceType: 'Patient',
		id: 'severine',
		name: [{ family: "O'Brien-Šmíd", given: ['Séverine'] }],
		gender: 'other',
		deceasedDateTime: '2020-05-01T10:00:00Z',
		address: [{ line: ['1 Main St.'], city: 'Boston' }],
		text: narrative('liver only'),
	},
	{ resourceType: 'Patient', id: 'nobody', generalPractitioner: [{ reference: 'Practitioner/joe' }, { reference: 'Organization/acme' }] },
	{ resourceType: 'Organization', id: 'acme', name: 'ACME', partOf: { reference: 'Organization/root' } },
	{ resourceType: 'Organization', id: 'root', name: 'Root' },
	{ resourceType: 'Practitioner', id: 'joe', name: [{ family: 'Joe' }] },
	{
		resourceType: 'Observation',
		id: 'bp',
		status: 'final',
		code: {
			coding: [
				{ system: loinc, code: '85354-9' },
				{ system: 'urn:own', code: 'bp' },
			],
			text: 'Blood pressure',
		},
		subject: { reference: 'Patient/eve' },
		effectiveDateTime: '2013-01-14T10:00:00Z',
		component: [
			{ code: { coding: [{ system: loinc, code: '8480-6' }] }, valueQuantity: { value: 55, unit: 'mmHg', system: ucum, code: 'mm[Hg]' } },
			{ code: { coding: [{ system: loinc, code: '8462-4' }] }, valueQuantity: { value: 90, unit: 'mmHg', system: ucum, code: 'mm[Hg]' } },
		],
	},
	{
		resourceType: 'Observation',
		id: 'weight',
		status: 'final',
		code: { coding: [{ system: loinc, code: '29463-7', display: 'Body weight' }] },
		subject: { reference: `${base}/Patient/evelyn` },
		effectivePeriod: { start: '2013-01-21' },
		valueQuantity: { value: 5.4, unit: 'mg', system: ucum, code: 'mg' },
		encounter: { reference: 'Encounter/e1' },
	},
	{
		resourceType: 'Observation',
		id: 'potassium',
		status: 'amended',
		code: { coding: [{ system: loinc, code: '2823-3' }] },
		subject: { reference: 'Patient/eve/_history/2' },
		effectiveDateTime: '2013-03-14',
		valueQuantity: { value: 0.0054, unit: 'g', system: ucum, code: 'g' },
		note: [{ text: 'haemolysed sample' }],
	},
	{
		resourceType: 'Observation',
		id: 'logical',
		status: 'final',
		code: { text: 'a,b|c$d' },
		subject: { identifier: { system: 'urn:mrn', value: '123' } },
		valueString: 'fine',
	},
	{
		resourceType: 'Observation',
		id: 'elsewhere',
		status: 'final',
		code: { coding: [{ code: 'local' }] },
		subject: { reference: 'http://elsewhere.org/fhir/Patient/eve' },
	},
	{
		resourceType: 'Encounter',
		id: 'e1',
		status: 'finished',
		class: { code: 'AMB' },
		subject: { reference: 'Patient/evelyn' },
		participant: [{ individual: { reference: 'Practitioner/joe' } }],
		location: [{ location: { reference: 'Location/ward' } }],
	},
	{
		resourceType: 'Encounter',
		id: 'e2',
		status: 'finished',
		class: { code: 'AMB' },
		subject: { reference: 'Patient/evelyn' },
		partOf: { reference: 'Encounter/e1' },
	},
	{ resourceType: 'Location', id: 'hospital', name: 'Hospital', position: { latitude: 42.25, longitude: -83.69 } },
	{
		resourceType: 'Location',
		id: 'ward',
		name: 'Ward',
		partOf: { reference: 'Location/hospital' },
		position: { latitude: 42.26, longitude: -83.7 },
	},
	{
		resourceType: 'RiskAssessment',
		id: 'r1',
		status: 'final',
		subject: { reference: 'Patient/eve' },
		prediction: [{ probabilityDecimal: 100.4 }],
	},
	{
		resourceType: 'RiskAssessment',
		id: 'r2',
		status: 'final',
		subject: { reference: 'Patient/eve' },
		prediction: [{ probabilityDecimal: 104 }],
	},
	{
		resourceType: 'ValueSet',
		id: 'v1',
		status: 'active',
		url: 'http://acme.org/fhir/ValueSet/123',
		version: '1.0',
		compose: {
			include: [{ system: loinc, concept: [{ code: '2823-3' }, { code: '29463-7' }] }],
			exclude: [{ system: loinc, concept: [{ code: '29463-7' }] }],
		},
	},
	{
		resourceType: 'ValueSet',
		id: 'v2',
		status: 'active',
		url: 'http://acme.org/fhir/ValueSet/123',
		version: '2.0',
		compose: { include: [{ system: 'urn:own', filter: [{ property: 'concept', op: 'is-a', value: 'vital' }] }] },
	},
	{ resourceType: 'ValueSet', id: 'v3', status: 'active', url: 'urn:oid:1.2.3.4.5' },
	{
		resourceType: 'CodeSystem',
		id: 'own',
		status: 'active',
		content: 'complete',
		url: 'urn:own',
		concept: [{ code: 'vital', concept: [{ code: 'bp' }, { code: 'temp' }] }],
	},
	{
		resourceType: 'DocumentReference',
		id: 'd1',
		status: 'current',
		subject: { reference: 'Patient/eve' },
		content: [{ attachment: { contentType: 'text/xml; charset=UTF-8' } }],
		relatesTo: [{ code: 'replaces', target: { reference: 'DocumentReference/d0' } }],
	},
	{
		resourceType: 'List',
		id: 'l1',
		status: 'current',
		mode: 'working',
		subject: { reference: 'Patient/eve' },
		entry: [{ item: { reference: 'Patient/eve' } }, { item: { reference: 'Patient/severine' } }],
	},
	{ resourceType: 'Questionnaire', id: 'q1', status: 'active', url: 'http://example.org/q', version: '1.1' },
	{
		resourceType: 'QuestionnaireResponse',
		id: 'qr',
		status: 'completed',
		questionnaire: 'http://example.org/q|1.1',
		subject: { reference: 'Patient/eve' },
	},
	{
		resourceType: 'MedicationRequest',
		id: 'custom',
		status: 'active',
		intent: 'order',
		subject: { reference: 'Patient/evelyn' },
		contained: [
			{
				resourceType: 'Medication',
				id: 'm1',
				ingredient: [{ itemCodeableConcept: { coding: [{ system: 'http://acme.com./medications', code: 'abc' }] } }],
			},
		],
		medicationReference: { reference: '#m1' },
	},
	{
		resourceType: 'Provenance',
		id: 'pr',
		recorded: '2020-01-01T00:00:00Z',
		target: [{ reference: 'Observation/bp' }],
		agent: [{ who: { reference: 'Practitioner/joe' } }],
	},
	...(
		[
			['now', 'active', 'confirmed'],
			['over', 'resolved', 'confirmed'],
			['never', 'active', 'refuted'],
		] as const
	).map(
		([id, clinical, verification]): Resource => ({
			resourceType: 'Condition',
			id,
			...statuses('condition', clinical, verification),
			subject: { reference: 'Patient/eve' },
		}),
	),
	...(
		[
			['food', 'active', 'confirmed', 'food'],
			['pills', 'active', 'unconfirmed', 'medication'],
			['past', 'inactive', 'confirmed', 'medication'],
			['wrong', 'active', 'refuted', 'medication'],
		] as const
	).map(
		([id, clinical, verification, category]): Resource => ({
			resourceType: 'AllergyIntolerance',
			id,
			...statuses('allergyintolerance', clinical, verification),
			category: [category],
			patient: { reference: 'Patient/eve' },
		}),
	),
	{ resourceType: 'Device', id: 'dev', patient: { reference: 'Patient/eve' } },
	{ resourceType: 'Media', id: 'dm', status: 'completed', subject: { reference: 'Device/dev' }, content: {} },
	{
		resourceType: 'Bundle',
		id: 'doc',
		type: 'document',
		entry: [{ resource: { resourceType: 'Composition', id: 'comp', status: 'final' } }],
	},
];

before(async () => {
	for (const resource of world) await put(resource);
});

function put(resource: Resource): Promise<unknown> {
	return ctx.fhir.store.write(ctx, { type: resource.resourceType, id: resource.id as string, op: 'U', resource });
}

function statuses(of: string, clinical: string, verification: string): object {
	const concept = (kind: string, code: string): object => ({
		coding: [{ system: `http://terminology.hl7.org/CodeSystem/${of}-${kind}`, code }],
	});
	return {
		clinicalStatus: concept('clinical', clinical),
		verificationStatus: concept(of === 'condition' ? 'ver-status' : 'verification', verification),
	};
}

type Where = { readonly compartment?: { type: string; id: string }; readonly as?: Caller; readonly handling?: Handling };

function run(url: string, { compartment, as, handling = 'strict' }: Where = {}) {
	const [type = '', query = ''] = url.split(/\?(.*)/s);
	return search(as === undefined ? ctx : { ...ctx, caller: as }, {
		type: type === '' ? null : type,
		query,
		handling,
		...(compartment === undefined ? {} : { compartment }),
	});
}

async function ids(url: string, where?: Where): Promise<string> {
	return (await run(url, where)).matches
		.map(({ id }) => id)
		.toSorted()
		.join(' ');
}

async function finds(cases: readonly (readonly [url: string, ids: string])[], where?: Where): Promise<void> {
	const wrong: string[] = [];
	for (const [url, expected] of cases) {
		const got = await ids(url, where).catch((error: Error) => error.message);
		if (got !== expected) wrong.push(`${url}: "${got}" and not "${expected}"`);
	}
	assert.deepEqual(wrong, []);
}

test('strings: from the start, without case, accents and punctuation; words of family names; :exact, :contains, :text', () =>
	finds([
		['Patient?given=eve', 'eve evelyn'],
		['Patient?given:contains=eve', 'eve evelyn severine'],
		['Patient?given:exact=Eve', 'eve'],
		['Patient?given:exact=EVE', ''],
		['Patient?given=SÉVERINE', 'severine'],
		['Patient?family=quinones', 'eve'],
		['Patient?family=carreno', 'eve'],
		['Patient?family=reno', ''],
		['Patient?family=obrien', 'severine'],
		["Patient?family=O'Br", 'severine'],
		['Patient?family=smid', 'severine'],
		['Patient?name=smith,obrien', 'evelyn severine'],
		['Patient?address=1 main st', 'severine'],
		['Patient?name:text=lyn', 'evelyn'],
		['Patient?name=---', ''],
		['Patient?name=%25', ''],
		['Patient?name:contains=_', ''],
		['Patient?phonetic=eve', 'eve evelyn'],
	]));

test('tokens: code, system|code, |code, system|, and the modifiers', () =>
	finds([
		['Patient?gender=female', 'eve evelyn'],
		['Patient?gender=http://hl7.org/fhir/administrative-gender|female', 'eve evelyn'],
		['Patient?gender=FEMALE', ''],
		['Patient?gender:not=female', 'nobody severine'],
		['Patient?gender:not=female,other', 'nobody'],
		['Patient?active=true', 'eve'],
		['Patient?active:not=true', 'evelyn nobody severine'],
		['Patient?deceased=true', 'severine'],
		['Patient?identifier=urn:mrn|7', 'evelyn'],
		['Patient?identifier=|1', 'evelyn'],
		['Patient?identifier=urn:mrn|', 'eve evelyn'],
		['Patient?identifier=urn:mrn|1\\,2', 'eve'],
		['Patient?identifier=urn:mrn|1,2', ''],
		['Patient?identifier:of-type=http://terminology.hl7.org/CodeSystem/v2-0203|MR|1\\,2', 'eve'],
		['Patient?identifier:text=medical', 'eve'],
		['Patient?phone=0355556473', 'eve'],
		['Patient?email=eve@example.ORG', 'eve'],
		['Patient?language=fr', 'eve'],
		['Patient?language=fr&language=nl', 'eve'],
		['Patient?language=fr,de&language=nl', 'eve'],
		['Patient?language=fr&language=de', ''],
		[`Observation?code=${loinc}|85354-9`, 'bp'],
		['Observation?code=bp', 'bp'],
		['Observation?code=urn:own|bp', 'bp'],
		['Observation?code=|local', 'elsewhere'],
		['Observation?code=|bp', ''],
		[`Observation?code=${loinc}|`, 'bp potassium weight'],
		[`Observation?code:not=${loinc}|85354-9`, 'elsewhere logical potassium weight'],
		['Observation?code:text=pressure', 'bp'],
		['Observation?code:text=body WEI', 'weight'],
		['Observation?code:text=a\\,b', 'logical'],
		['Observation?code:in=http://acme.org/fhir/ValueSet/123', 'bp'],
		['Observation?code:in=ValueSet/v1', 'potassium'],
		['Observation?code:not-in=ValueSet/v1', 'bp elsewhere logical weight'],
		['Observation?code:below=urn:own|vital', 'bp'],
		['Observation?code:above=urn:own|bp', 'bp'],
		['Observation?code:above=urn:own|vital', ''],
		['Observation?combo-code=8480-6', 'bp'],
		['Observation?combo-code:not=8480-6', 'elsewhere logical potassium weight'],
		['DocumentReference?contenttype=text/xml', ''],
		['DocumentReference?contenttype:below=text/xml', 'd1'],
		['Patient?_tag=http://acme.org/codes|needs-review', 'evelyn'],
		['Patient?_security=R', 'evelyn'],
		['Patient?_id=eve,nobody,else', 'eve nobody'],
		['Patient?_id=EVE', ''],
	]));

test('numbers and quantities: what the digits leave open, prefixes, units', () =>
	finds([
		['RiskAssessment?probability=100', 'r1'],
		['RiskAssessment?probability=100.0', ''],
		['RiskAssessment?probability=100.4', 'r1'],
		['RiskAssessment?probability=1e2', 'r1 r2'],
		['RiskAssessment?probability=1.0e2', 'r1 r2'],
		['RiskAssessment?probability=1.00e2', 'r1'],
		['RiskAssessment?probability=gt100', 'r1 r2'],
		['RiskAssessment?probability=gt100.4', 'r2'],
		['RiskAssessment?probability=ne100', 'r2'],
		['RiskAssessment?probability=ap96', 'r1 r2'],
		['RiskAssessment?probability=lt-1', ''],
		[`Observation?value-quantity=5.4|${ucum}|mg`, 'potassium weight'],
		[`Observation?value-quantity=5.40e-3|${ucum}|g`, 'potassium weight'],
		['Observation?value-quantity=5.4||mg', 'weight'],
		['Observation?value-quantity=5.4', 'weight'],
		[`Observation?value-quantity=le5.4|${ucum}|mg`, 'potassium weight'],
		[`Observation?value-quantity=lt5.4|${ucum}|mg`, ''],
		[`Observation?value-quantity=ap5|${ucum}|mg`, 'potassium weight'],
		[`Observation?value-quantity=5.4|${ucum}|mm[Hg]`, ''],
		[`Observation?combo-value-quantity=55|${ucum}|mm[Hg]`, 'bp'],
		['Observation?combo-value-quantity=55||mmHg', 'bp'],
	]));

test('dates: the whole of what a value leaves open, against the whole of what was searched', () =>
	finds([
		['Observation?date=2013-01-14', 'bp'],
		['Observation?date=eq2013-01', 'bp'],
		['Observation?date=2013', 'bp potassium'],
		['Observation?date=ne2013-01-14', 'potassium weight'],
		['Observation?date=ge2013-03-14', 'potassium weight'],
		['Observation?date=le2013-03-14', 'bp potassium weight'],
		['Observation?date=sa2013-01-20', 'potassium weight'],
		['Observation?date=sa2013-03-13', 'potassium'],
		['Observation?date=eb2013-03-14', 'bp'],
		['Observation?date=lt2013-01-14T10:00', ''],
		['Observation?date=lt2013-01-14T10:00:01Z', 'bp'],
		['Observation?date=gt2013-03-14T10:00', 'potassium weight'],
		['Observation?date=2013-01-14T12:00:00%2B02:00', 'bp'],
		['Observation?date=2013-01-14T12:00:00+02:00', 'bp'],
		['Observation?date=ge2013-01-14&date=le2013-01-31', 'bp weight'],
		['Patient?birthdate=1980-02', 'eve evelyn'],
		['Patient?birthdate=1980-02-14', 'evelyn'],
		['Patient?birthdate=1980', 'eve evelyn'],
		['Patient?birthdate=lt1980-02-14', 'eve'],
		['Patient?death-date=2020-05-01', 'severine'],
		['Patient?_lastUpdated=lt2020', ''],
		['Patient?_lastUpdated=gt2020', 'eve evelyn nobody severine'],
	]));

test('references: id, Type/id, url of this server, url of another, version, canonical, :identifier, :[type], hierarchies', () =>
	finds([
		['Observation?subject=eve', 'bp potassium'],
		['Observation?subject=Patient/eve', 'bp potassium'],
		[`Observation?subject=${base}/Patient/evelyn`, 'weight'],
		['Observation?subject=Patient/evelyn/_history/3', 'weight'],
		['Observation?subject=http://elsewhere.org/fhir/Patient/eve', 'elsewhere'],
		['Observation?patient=eve', 'bp potassium'],
		['Observation?subject:Patient=eve', 'bp potassium'],
		['Observation?subject:Group=eve', ''],
		['Observation?subject:identifier=urn:mrn|123', 'logical'],
		['Observation?patient:identifier=123', 'logical'],
		['Observation?subject=Patient/nope', ''],
		['QuestionnaireResponse?questionnaire=http://example.org/q', 'qr'],
		['QuestionnaireResponse?questionnaire=http://example.org/q|1.1', 'qr'],
		['QuestionnaireResponse?questionnaire=http://example.org/q|1', ''],
		['QuestionnaireResponse?questionnaire:below=http://example.org/q|1', 'qr'],
		['QuestionnaireResponse?questionnaire:below=http://example.org/q', 'qr'],
		['QuestionnaireResponse?questionnaire:below=http://example.org/q|2', ''],
		['QuestionnaireResponse?questionnaire.version=1.1', 'qr'],
		['Encounter?location:below=hospital', 'e1'],
		['Encounter?location=hospital', ''],
		['Observation?encounter:above=e2', 'weight'],
		['Patient?organization:below=Organization/root', 'evelyn'],
		['Bundle?composition=comp', 'doc'],
		['DocumentReference?relationship=DocumentReference/d0$replaces', 'd1'],
		['DocumentReference?relationship=DocumentReference/d0$appends', ''],
		['Device?patient=eve', 'dev'],
	]));

test('uris, :missing, special parameters, lists, composites', () =>
	finds([
		['ValueSet?url=http://acme.org/fhir/ValueSet/123', 'v1 v2'],
		['ValueSet?url=http://acme.org/fhir/ValueSet/123|2.0', 'v2'],
		['ValueSet?url:below=http://acme.org/fhir/', 'v1 v2'],
		['ValueSet?url:above=http://acme.org/fhir/ValueSet/123/_history/5', 'v1 v2'],
		['ValueSet?url=urn:oid:1.2.3.4.5', 'v3'],
		['ValueSet?url:below=urn:oid:1.2', ''],
		['Patient?_profile=http://example.org/p', 'evelyn'],
		['Patient?_profile=StructureDefinition/lipid', 'evelyn'],
		['Patient?_profile:below=http://example.org', 'evelyn'],
		['Patient?_source=http://example.com/feed', 'evelyn'],
		['Patient?gender:missing=true', 'nobody'],
		['Patient?gender:missing=false', 'eve evelyn severine'],
		['Patient?_id:missing=true', ''],
		['Observation?combo-value-quantity:missing=true', 'elsewhere logical'],
		['Observation?date:missing=true', 'elsewhere logical'],
		['Location?near=42.25475478|-83.6945691|1|km', 'hospital ward'],
		['Location?near=42.25|-83.69|100|m', 'hospital'],
		['Location?near=0|0|100|km', ''],
		['Location?near=42.2547|-83.6945', 'hospital ward'],
		['Patient?_list=l1', 'eve severine'],
		['Patient?_list=l1&gender=female', 'eve'],
		['Patient?_list=List/l1,none', 'eve severine'],
		['Observation?_list=l1', ''],
		[`Observation?component-code-value-quantity=${loinc}|8480-6$lt60`, 'bp'],
		[`Observation?component-code-value-quantity=${loinc}|8462-4$lt60`, ''],
		['Observation?component-code-value-quantity=8480-6$lt60||mmHg', 'bp'],
		[`Observation?combo-code-value-quantity=8480-6$55,29463-7$5.4|${ucum}|mg`, 'bp weight'],
		[`Observation?code-value-quantity=${loinc}|29463-7$gt5|${ucum}|mg`, 'weight'],
	]));

test('text: words of the narrative and of everything, with OR, AND, NOT, brackets and quotes', () =>
	finds([
		['Patient?_text=metastases', 'eve evelyn'],
		['Patient?_text=(bone OR liver) and metastases', 'eve evelyn'],
		['Patient?_text=bone metastases', 'eve'],
		['Patient?_text=liver NOT metastases', 'severine'],
		['Patient?_text="liver metastases",bone', 'eve evelyn'],
		['Patient?_text=eve', ''],
		['Patient?_content=eve', 'eve evelyn'],
		['Patient?_content=quinones boston', ''],
		['Patient?_content=boston', 'severine'],
		['Observation?_content=haemolysed', 'potassium'],
		['Observation?_content=press', 'bp'],
		['Observation?_content=ress', ''],
		['Observation?_content=fine', 'logical'],
	]));

test('chains and reverse chains of any depth', () =>
	finds([
		['Observation?subject.name=eve', 'bp potassium weight'],
		['Observation?subject:Patient.name=evelyn', 'weight'],
		['Observation?patient.organization.name=acme', 'weight'],
		['Observation?patient.organization.partof.name=root', 'weight'],
		['Observation?encounter.participant:Practitioner.family=joe', 'weight'],
		['Patient?general-practitioner.name=acme', 'nobody'],
		['Patient?general-practitioner.name=acme&general-practitioner.family=joe', 'nobody'],
		['Observation?patient.identifier=urn:mrn|7', 'weight'],
		['Observation?subject.gender:not=female', ''],
		['Observation?subject.name:missing=false', 'bp potassium weight'],
		['Patient?_has:Observation:patient:code=2823-3', 'eve'],
		['Patient?_has:Observation:patient:code=2823-3,29463-7', 'eve evelyn'],
		['Patient?_has:Observation:patient:code=2823-3&_has:Observation:patient:code=85354-9', 'eve'],
		['Patient?_has:Observation:patient:_has:Provenance:target:agent=joe', 'eve'],
		['Practitioner?_has:Encounter:practitioner:status=finished', 'joe'],
		['Organization?_has:Patient:organization:_has:Observation:patient:code=29463-7', 'acme'],
		['Encounter?_has:Observation:encounter:patient.name=evelyn', 'e1'],
		['Questionnaire?_has:QuestionnaireResponse:questionnaire:patient=eve', 'q1'],
		['Location?_has:Encounter:location:patient.birthdate=1980-02-14', 'ward'],
		['MedicationRequest?medication.ingredient-code=abc', 'custom'],
		['MedicationRequest?medication.ingredient-code=http://acme.com./medications|abc', 'custom'],
		['MedicationRequest?medication.ingredient-code=abd', ''],
		['MedicationRequest?medication.ingredient-code:not=abd', 'custom'],
		['MedicationRequest?medication.code:missing=true', 'custom'],
		['Medication?ingredient-code=abc', ''],
		['Patient?_has:MedicationRequest:patient:medication.ingredient-code=abc', 'evelyn'],
	]));

test('compartments of all five kinds, one type or all', async () => {
	const cases: [string, string, string, string][] = [
		['Patient', 'eve', 'Observation', 'bp potassium'],
		['Patient', 'eve', 'RiskAssessment', 'r1 r2'],
		['Patient', 'eve', '', 'bp d1 eve food l1 never now over past pills pr potassium qr r1 r2 wrong'],
		['Patient', 'evelyn', '', 'custom e1 e2 evelyn weight'],
		['Encounter', 'e1', '', 'e1 weight'],
		['Practitioner', 'joe', '', 'e1 joe nobody pr'],
		['RelatedPerson', 'none', '', ''],
		['Device', 'dev', '', 'dev dm'],
		['Patient', 'eve', 'Patient', 'eve'],
		['Patient', 'nope', 'Observation', ''],
	];
	for (const [type, id, of, expected] of cases) {
		const got = await ids(`${of}?`, { compartment: { type, id } });
		assert.equal(got.replace('nobody ', '').replace('pr ', ''), expected.replace('nobody ', '').replace('pr ', ''), `${type}/${id}/${of}`);
	}
	assert.equal(await ids('Observation?code=2823-3', { compartment: { type: 'Patient', id: 'eve' } }), 'potassium');
	assert.equal(
		await ids('?_type=Observation,RiskAssessment&_count=2&_sort=_id', { compartment: { type: 'Patient', id: 'eve' } }),
		'bp potassium',
	);
	await assert.rejects(run('Observation?', { compartment: { type: 'Basic', id: 'x' } }), /compartment-unknown/);
	const { links } = await run('Observation?status=final', { compartment: { type: 'Patient', id: 'eve' } });
	assert.equal(links.self, `${base}/Patient/eve/Observation?status=final`);
});

test('everything is searched by what all types have in common', async () => {
	await finds([
		['?_id=eve,bp,none', 'bp eve'],
		['?_type=Patient,Observation&_tag=http://acme.org/codes|needs-review', 'evelyn'],
		['?_type=Encounter,Observation&patient=evelyn', 'e1 e2 weight'],
		['?_lastUpdated=lt2020', ''],
		['?_type=Patient&gender=other', 'severine'],
	]);
	assert.equal((await run('?_count=3&_total=accurate')).total, world.length);
	assert.deepEqual(
		(await run('?_lastUpdated=gt2020&_count=2&_sort=-_lastUpdated')).matches.map(({ id }) => id),
		['doc', 'dm'],
	);
	await assert.rejects(run('?gender=male'), /search-parameter-unknown/);
	await assert.rejects(run('?_type=Patient,Nothing'), /not a resource type/);
	const seen = new Set<string>();
	for (let url: string | undefined = '?_count=4'; url !== undefined; ) {
		const page = await run(url);
		for (const { type, id } of page.matches) seen.add(`${type}/${id}`);
		url = page.links.next?.replace(base, '');
	}
	assert.equal(seen.size, world.length);
});

test('includes', async () => {
	const brought = async (url: string): Promise<string> =>
		(await run(url)).included
			.map(({ type, id }) => `${type}/${id}`)
			.toSorted()
			.join(' ');
	const cases: [string, string][] = [
		['Observation?_id=weight&_include=Observation:patient', 'Patient/evelyn'],
		['Observation?_id=weight&_include=Observation:subject:Group', ''],
		['Observation?_id=weight&_include=Observation:*', 'Encounter/e1 Patient/evelyn'],
		['Observation?_id=weight&_include=Observation:patient&_include:iterate=Patient:organization', 'Organization/acme Patient/evelyn'],
		['Observation?_id=weight&_include=Observation:patient&_include=Patient:organization', 'Patient/evelyn'],
		[
			'Observation?_id=weight&_include=Observation:patient&_include:iterate=Patient:organization&_include:iterate=Organization:partof',
			'Organization/acme Organization/root Patient/evelyn',
		],
		['Observation?_id=bp&_revinclude=Provenance:target', 'Provenance/pr'],
		[
			'Patient?_id=eve&_revinclude=Observation:patient&_revinclude:iterate=Provenance:target',
			'Observation/bp Observation/potassium Provenance/pr',
		],
		['Patient?_id=evelyn&_revinclude=*:*', 'Encounter/e1 Encounter/e2 MedicationRequest/custom Observation/weight'],
		['QuestionnaireResponse?_include=QuestionnaireResponse:questionnaire', 'Questionnaire/q1'],
		['Questionnaire?_revinclude=QuestionnaireResponse:questionnaire', 'QuestionnaireResponse/qr'],
		['Observation?_id=elsewhere&_include=Observation:patient', ''],
		['Organization?_id=acme&_include:iterate=Organization:partof', 'Organization/root'],
	];
	for (const [url, expected] of cases) assert.equal(await brought(url), expected, url);
	await assert.rejects(brought('Observation?_include=Observation:code'), /no reference parameter/);
	await assert.rejects(brought('Observation?_include=Observation:patient&_summary=text'), /Nothing can be included/);
});

test('the bundle: links, modes, totals, outcome of what was left out', async () => {
	const bundle = async (url: string, handling: Handling = 'lenient') => {
		const [type = '', query = ''] = url.split('?');
		return JSON.parse(await searchBundle(ctx, { type, query, handling })) as {
			type: string;
			total?: number;
			link: { relation: string; url: string }[];
			entry?: { fullUrl?: string; resource: Resource; search: { mode: string } }[];
		};
	};
	const first = await bundle('Patient?gender:missing=false&_count=2&_sort=_id&foo=bar&_include=Patient:organization&active=&_format=json');
	assert.equal(first.type, 'searchset');
	assert.equal(first.total, undefined);
	assert.deepEqual(
		first.link.map(({ relation }) => relation),
		['self', 'next'],
	);
	assert.equal(first.link[0]?.url, `${base}/Patient?gender:missing=false&_count=2&_sort=_id&_include=Patient:organization`);
	assert.deepEqual(
		first.entry?.map(({ fullUrl, search: { mode } }) => `${mode} ${fullUrl?.slice(base.length)}`),
		['match /Patient/eve', 'match /Patient/evelyn', 'include /Organization/acme', 'outcome undefined'],
	);
	const left = JSON.stringify(first.entry?.at(-1)?.resource);
	assert.match(left, /"foo\\" is not known for Patient/);
	assert.match(left, /"severity":"warning".*"code":"search-parameter-unknown".*"expression":\["http\.foo"\]/);
	const second = await bundle(first.link[1]?.url.slice(base.length + 1) ?? '');
	assert.deepEqual(
		second.link.map(({ relation }) => relation),
		['self', 'previous'],
	);
	assert.deepEqual(
		second.entry?.map(({ resource }) => resource.id),
		['severine'],
	);
	const back = await bundle(second.link[1]?.url.slice(base.length + 1) ?? '');
	assert.deepEqual(
		back.entry?.slice(0, 2).map(({ resource }) => resource.id),
		['eve', 'evelyn'],
	);
	assert.deepEqual(
		back.link.map(({ relation }) => relation),
		['self', 'next'],
	);
	const counts: [string, number | undefined, number][] = [
		['Patient?_summary=count', 4, 0],
		['Patient?_count=0', 4, 0],
		['Patient?_count=0&_total=estimate&gender=female', 2, 0],
		['Patient?_count=1&_total=none', undefined, 1],
		['Patient?_total=none', undefined, 4],
		['Patient?_count=1&_total=accurate', 4, 1],
		['Patient?_count=1&_total=estimate', 4, 1],
		['Patient?_count=100', 4, 4],
		['Patient?_count=99999', 4, 4],
		['Patient?_id=nope', 0, 0],
	];
	for (const [url, total, entries] of counts) {
		const { total: got, entry = [], link } = await bundle(url);
		assert.deepEqual([got, entry.length], [total, entries], url);
		if (entries === 0)
			assert.deepEqual(
				link.map(({ relation }) => relation),
				['self'],
				url,
			);
	}
});

test('_summary and _elements', async () => {
	const shown = async (query: string): Promise<Resource> =>
		(
			JSON.parse(await searchBundle(ctx, { type: 'Patient', query: `_id=eve&${query}`, handling: 'strict' })) as {
				entry: { resource: Resource }[];
			}
		).entry[0]?.resource as Resource;
	const names = (resource: Resource): string => Object.keys(resource).toSorted().join(' ');
	const subsetted = (resource: Resource): boolean => resource.meta?.tag?.some(({ code }) => code === 'SUBSETTED') === true;
	const cases: [string, string][] = [
		['_summary=false', 'active birthDate communication gender id identifier meta name resourceType telecom text'],
		['_summary=true', 'active birthDate gender id identifier meta name resourceType telecom'],
		['_summary=text', 'id meta resourceType text'],
		['_summary=data', 'active birthDate communication gender id identifier meta name resourceType telecom'],
		['_elements=name,birthDate', 'active birthDate id meta name resourceType'],
		['_elements=Patient.name', 'active id meta name resourceType'],
		['_elements=nonsense', 'active id meta resourceType'],
	];
	for (const [query, expected] of cases) {
		const resource = await shown(query);
		assert.equal(names(resource), expected, query);
		assert.equal(subsetted(resource), query !== '_summary=false', query);
	}
	const bundle = JSON.parse(
		await searchBundle(ctx, { type: 'Observation', query: '_id=weight&_elements=status&_include=Observation:patient', handling: 'strict' }),
	) as { entry: { resource: Resource }[] };
	assert.equal(names(bundle.entry[0]?.resource as Resource), 'code id meta resourceType status', 'mandatory elements stay');
	assert.equal(subsetted(bundle.entry[1]?.resource as Resource), false, '_elements is not about what is included');
	assert.match(
		await searchBundle(ctx, { type: 'Observation', query: '_id=potassium&_elements=value', handling: 'strict' }),
		/"valueQuantity":\{"value":0.0054/,
	);
});

test('sorting: several keys, missing last both ways', async () => {
	const order = async (url: string): Promise<string> => (await run(url)).matches.map(({ id }) => id).join(' ');
	const cases: [string, string][] = [
		['Patient?_sort=birthdate', 'eve evelyn severine nobody'],
		['Patient?_sort=-birthdate', 'evelyn eve nobody severine'],
		['Patient?_sort=family', 'eve severine evelyn nobody'],
		['Patient?_sort=-family', 'evelyn severine eve nobody'],
		['Patient?_sort=gender,-given', 'evelyn eve severine nobody'],
		['Patient?_sort=gender&_sort=given', 'eve evelyn severine nobody'],
		['Patient?_sort=_id', 'eve evelyn nobody severine'],
		['Patient?_sort=-_lastUpdated', 'nobody severine evelyn eve'],
		['Observation?_sort=status,-date&_count=3', 'potassium weight bp'],
		['Observation?_sort=-value-quantity&value-quantity:missing=false', 'potassium weight'],
	];
	for (const [url, expected] of cases) assert.equal(await order(url), expected, url);
	await assert.rejects(run('Patient?_sort=nonsense'), /search-not-supported/);
	await assert.rejects(run('Patient?_sort=_score'), /search-not-supported/);
});

test('pages stay right while data change', async () => {
	for (const sort of [
		'',
		'&_sort=birthdate',
		'&_sort=-birthdate',
		'&_sort=name',
		'&_sort=-_lastUpdated',
		'&_sort=_id',
		'&_sort=name,birthdate',
	]) {
		const random = createRandom(sort.length);
		for (let i = 0; i < 24; i++)
			await put({
				resourceType: 'Person',
				id: `p${i}`,
				name: [{ family: `F${random.below(6)}` }],
				...(i % 5 === 0 ? {} : { birthDate: `19${50 + random.below(9)}` }),
			});
		const stays = new Set(Array.from({ length: 24 }, (_, i) => `p${i}`));
		const seen: string[] = [];
		let last: string[] = [];
		const gone = new Set<string>();
		for (let url: string | undefined = `Person?_count=5${sort}`, page = 0; url !== undefined; page++) {
			const found: Awaited<ReturnType<typeof run>> = await run(url);
			const now = found.matches.map(({ id }) => id);
			if (page > 0 && found.links.previous !== undefined) {
				const before = await run(found.links.previous.slice(base.length + 1));
				const again = before.matches.map(({ id }) => id).filter((id) => last.includes(id));
				// What has come since may push the first of them to a page further up.
				assert.deepEqual(again, last.filter((id) => !gone.has(id)).slice(-again.length), `${sort}: what is left of the page before`);
				assert.ok(again.length > 0, `${sort}: something is left of the page before`);
			}
			seen.push(...now);
			// One that was seen goes, one that was not seen goes, one comes.
			for (const id of [now[1], `p${23 - page}`]) {
				if (id === undefined || !stays.has(id)) continue;
				await ctx.fhir.store.write(ctx, { type: 'Person', id, op: 'D', resource: null });
				stays.delete(id);
				gone.add(id);
			}
			await put({ resourceType: 'Person', id: `new-${sort.length}-${page}`, name: [{ family: `F${page}` }], birthDate: '1955' });
			last = now;
			url = found.links.next?.slice(base.length + 1);
		}
		assert.equal(new Set(seen).size, seen.length, `${sort}: nothing twice`);
		assert.deepEqual(
			[...stays].filter((id) => !seen.includes(id)),
			[],
			`${sort}: nothing that was there all along is missed`,
		);
		for (const { id } of (await run('Person?_count=100')).matches)
			await ctx.fhir.store.write(ctx, { type: 'Person', id, op: 'D', resource: null });
	}
});

test('_contained finds what contains a match; who may not see that does not find it', async () => {
	await finds([
		['Medication?ingredient-code=abc', ''],
		['Medication?ingredient-code=abc&_contained=false', ''],
		['Medication?ingredient-code=abc&_contained=true', 'custom'],
		['Medication?ingredient-code=http://acme.com./medications|abc&_contained=true&_containedType=container', 'custom'],
		['Medication?ingredient-code=abd&_contained=true', ''],
		['Medication?_contained=true', 'custom'],
		['Patient?gender=female&_contained=true', ''],
		['Patient?gender=female&_contained=both', 'eve evelyn'],
	]);
	const { matches, links } = await run('Medication?ingredient-code=abc&_contained=both&_count=1');
	assert.deepEqual(
		matches.map(({ type, id }) => `${type}/${id}`),
		['MedicationRequest/custom'],
	);
	assert.equal(links.self, `${base}/Medication?ingredient-code=abc&_contained=both&_count=1`);
	await assert.rejects(run('Medication?_contained=both&_sort=code'), /_lastUpdated alone/);
	assert.equal(await ids('Medication?_contained=both&_sort=-_lastUpdated'), 'custom');
	const meds = { type: 'Medication', interactions: ['search'] } as const;
	const some = { type: 'MedicationRequest', interactions: ['search'], query: 'status=completed' } as const;
	for (const grants of [[meds], [meds, some]]) {
		await finds([['Medication?_contained=true', '']], { as: { kind: 'user', id: 'u', name: 'u', grants } });
	}
});

test('_list=$current-… finds what is current of a kind', () =>
	finds([
		['Condition?_list=$current-problems', 'now'],
		['AllergyIntolerance?_list=$current-allergies', 'food pills'],
		['AllergyIntolerance?patient=eve&_list=$current-drug-allergies', 'pills'],
		['MedicationRequest?_list=$current-medications&patient=evelyn', 'custom'],
	]));

test('strict refuses what lenient leaves out and reports; what cannot be read is refused by both', async () => {
	const unknown: [string, RegExp][] = [
		['Patient?foo=bar', /"foo" is not known for Patient/],
		['Patient?foo:exact=bar', /"foo" is not known for Patient/],
		['Observation?subject:Patient.foo=bar', /"foo" is not known for Patient \(in "subject:Patient.foo"\)/],
		['Patient?_has:Observation:foo:code=1', /Observation has no parameter "foo"/],
		['Patient?_has:Nothing:patient:code=1', /"Nothing" is not a resource type/],
		['Patient?_filter=name eq x', /_filter is not supported/],
		['Patient?_list=$current-allergies', /no list "\$current-allergies" of Patient/],
		['Patient?_list=$current-shoes', /no list/],
		['Medication?_containedType=contained', /_containedType=container/],
		['?_contained=true', /by one type/],
		['Patient?_include=Nothing:x', /not a resource type/],
		['Patient?_sort=nothing', /Sorting by/],
	];
	for (const [url, text] of unknown) {
		await assert.rejects(run(url), (error) => error instanceof Problem && error.status === 400 && text.test(error.text), url);
		const { issues, links } = await run(url, { handling: 'lenient' });
		assert.match(issues[0]?.text ?? '', text, url);
		assert.equal(links.self, `${base}/${url.split('?')[0]}`.replace(/\/$/, ''), 'the self link says what was applied');
	}
	const bad = [
		'Patient?birthdate=yesterday',
		'Patient?birthdate=2020-13',
		'Patient?birthdate=xx2020',
		'Patient?name:foo=x',
		'Patient?gender:exact=male',
		'Patient?birthdate:contains=19',
		'Observation?value-quantity=5.4|x',
		'Observation?value-quantity=abc',
		'RiskAssessment?probability=1e999',
		'Patient?_count=-1',
		'Patient?_count=x',
		'Patient?_summary=maybe',
		'Patient?_total=often',
		'Patient?gender:missing=maybe',
		'Observation?code-value-quantity=5',
		'Observation?code-value-quantity:missing=true',
		'Patient?name=a\\b',
		'Observation?code.name=x',
		'Observation?subject:Banana.name=x',
		'Patient?_page=AAAAAAAAAAAA',
		'Location?near=91|0',
		'Location?near=1|2|3|parsecs',
		'Location?near=1|2|3|constructor',
		'Patient?identifier:of-type=a|b',
		'Observation?subject=not a reference',
		'Patient?_query=mine',
		'Patient?_text=(open',
		'Patient?_text=OR',
		'Patient?_text=)',
		'Observation?code:in=http://nowhere',
		'Observation?code:below=http://nowhere|x',
		'Patient?_contained=perhaps',
		'Patient?_containedType=perhaps',
		'Patient?_has:Observation=x',
		'QuestionnaireResponse?questionnaire:identifier=x',
	];
	for (const url of bad)
		for (const handling of ['strict', 'lenient'] as const)
			await assert.rejects(
				run(url, { handling }),
				(error) => error instanceof Problem && error.status === 400 && error.issues[0]?.severity === 'error',
				url,
			);
	await assert.rejects(run('Nothing?'), (error) => error instanceof Problem && error.status === 404);
	await finds([
		['Patient?name=&gender=female', 'eve evelyn'],
		['Patient?name=,&_id=eve', ''],
		['Patient?_type=&_id=eve', 'eve'],
	]);
});

test('limits', async () => {
	const many = (n: number, text: string): string => Array.from({ length: n }, (_, i) => `${text}${i}`).join(',');
	const costly = [
		`Patient?identifier=${many(5001, '')}`,
		`Patient?${Array.from({ length: 201 }, () => 'gender=male').join('&')}`,
		`Organization?${'partof.'.repeat(9)}name=x`,
		`Patient?_text=${many(21, 'w').replaceAll(',', ' ')}`,
		`Patient?_sort=${many(9, '').replaceAll(/\d/g, '_id')}&_sort=name,family,given,gender,birthdate,phonetic,active,address,email`,
		`Patient?${Array.from({ length: 51 }, () => '_include=Patient:organization').join('&')}`,
	];
	for (const url of costly)
		await assert.rejects(run(url, { handling: 'lenient' }), (error) => error instanceof Problem && error.status === 400, url.slice(0, 60));
	assert.equal(await ids(`Patient?identifier=${many(4000, 'x')},7`), 'evelyn');
});

test('hostile input never fails in another way than by a Problem', async () => {
	const random = createRandom(99);
	const pieces = [
		'Patient',
		'name',
		':exact',
		':missing',
		'.',
		':',
		'_has:',
		'Observation:',
		'patient:',
		'=',
		'&',
		',',
		'|',
		'$',
		'\\',
		'%00',
		'%',
		'%ff',
		'"',
		"'",
		'(',
		')',
		';--',
		'1e5',
		'2020-02-30',
		'gt',
		'\u{1F600}',
		'\u0000',
		'[',
		']',
		'{}',
		'null',
		'__proto__',
		'constructor',
		'_sort=',
		'_count=',
		'_page=',
		'_include=',
		'*',
		'eq',
		'-',
		'+',
		'999999999999999999999',
		'true',
		'_text=',
		'near=',
		'birthdate',
		'ap0001',
		'\uD800',
		'subject',
		'code',
		'value-quantity=',
		'http://x|y',
		'urn:',
		'/',
		'#',
		'?',
	];
	for (let i = 0; i < 1500; i++) {
		const query = Array.from({ length: random.between(1, 9) }, () => random.pick(pieces)).join('');
		const type = random.pick(['Patient', 'Observation', 'Location', null]);
		await search(ctx, { type, query, handling: random.pick(['strict', 'lenient']) }).catch((error) => {
			assert.ok(error instanceof Problem && error.status < 500, `${type}?${query}: ${error.stack}`);
		});
	}
	const dates = ['0000', '0001-01-01', '9999', '9999-12-31T23:59:59.999999999-14:00', '0001-01-01T00:00:00+14:00'];
	for (const date of dates)
		for (const prefix of ['', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap', 'ne'])
			await ids(`Observation?date=${prefix}${encodeURIComponent(date)}`);
	for (const number of ['1e300', '-1e300', '1e-300', '0', '-0', '9'.repeat(30)])
		for (const prefix of ['', 'gt', 'ap', 'ne']) await ids(`Observation?value-quantity=${prefix}${number}&_sort=value-quantity`);
});

test('who may search nothing of a type is refused', async () => {
	const caller: Caller = { kind: 'patient', id: 'x', name: 'x', grants: [{ type: '*', interactions: ['search'], patient: 'eve' }] };
	await finds(
		[
			['Observation?', 'bp potassium'],
			['Patient?', 'eve'],
			['Observation?subject.name=evelyn', ''],
			['Patient?_has:Observation:patient:code=29463-7', ''],
			['?_type=Patient,Observation', 'bp eve potassium'],
		],
		{ as: caller },
	);
	await assert.rejects(run('Organization?', { as: caller }), (error) => error instanceof Problem && error.status === 403);
	await assert.rejects(run('Patient?', { as: { ...caller, grants: [] } }), (error) => error instanceof Problem && error.status === 403);
});
