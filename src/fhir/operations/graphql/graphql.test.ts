// $graphql by HTTP: https://hl7.org/fhir/R4/graphql.html
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery, parse, validate } from 'graphql';
import type { Resource } from '#fhir/resource.ts';
import { type Answered, testServer } from '#testing/server.ts';

const server = await testServer({ after }, { maxCount: 50 });
const reference = (to: string): object => ({ reference: to });
const text = { text: 'x' };

/** The patient of the specification's examples, and what is around. */
const chalmers: Resource = {
	resourceType: 'Patient',
	id: 'example',
	active: true,
	identifier: [{ system: 'urn:oid:1.2.36.146.595.217.0.1', value: '12345' }],
	name: [
		{ use: 'official', family: 'Chalmers', given: ['Peter', 'James'] },
		{ use: 'usual', given: ['Jim'] },
		{ use: 'maiden', family: 'Windsor', given: ['Peter', 'James'] },
	],
	telecom: [
		{ system: 'phone', value: '1', use: 'home' },
		{ system: 'phone', value: '2', use: 'work' },
		{ system: 'email', value: '3' },
	],
	birthDate: '1974-12-25',
	_birthDate: {
		extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/patient-birthTime', valueDateTime: '1974-12-25T14:35:45-05:00' }],
	} as never,
	contact: [{ relationship: [{ text: 'wife' }], name: { family: 'du Marché' } }],
	generalPractitioner: [reference('Practitioner/doc')],
	managingOrganization: { display: 'somewhere' },
	multipleBirthInteger: 2,
	extension: [
		{ url: 'urn:a', valueString: 'one' },
		{ url: 'urn:b', valueDecimal: 1.5 },
	],
};
const record: Resource[] = [
	{ resourceType: 'Practitioner', id: 'doc', name: [{ family: 'Doc' }] },
	chalmers,
	{ resourceType: 'Patient', id: 'second', name: [{ family: 'Second' }] },
	{
		resourceType: 'Condition',
		id: 'c1',
		subject: reference('Patient/example'),
		code: { text: 'cough' },
		clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
	},
	{
		resourceType: 'Condition',
		id: 'c2',
		subject: reference('Patient/example'),
		code: { text: 'cold' },
		clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'resolved' }] },
		asserter: reference('#me'),
		contained: [{ resourceType: 'Practitioner', id: 'me', name: [{ family: 'Inside' }] }] as never,
	},
	{ resourceType: 'Condition', id: 'c3', subject: reference('Patient/second'), code: { text: 'cramp' } },
	{
		resourceType: 'Observation',
		id: 'o1',
		status: 'final',
		code: { coding: [{ system: 'http://loinc.org', code: '1,5' }] },
		subject: reference('Patient/example'),
		performer: [reference('Practitioner/doc'), reference('https://elsewhere.test/fhir/Practitioner/1')],
	},
	...Array.from(
		{ length: 60 },
		(_, i): Resource => ({
			resourceType: 'Encounter',
			id: `e${String(i).padStart(2, '0')}`,
			status: 'finished',
			class: { code: 'AMB' },
			subject: reference('Patient/second'),
			period: { start: `2020-01-01T00:00:${String(i).padStart(2, '0')}Z` },
		}),
	),
];
const entry = record.map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }));
const stored = await server.send('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
assert.equal(stored.status, 200, stored.text);
// 1.50 would lose its zero in JavaScript.
await server.send('PUT', 'Observation/digits', {
	body: '{"resourceType":"Observation","id":"digits","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.50,"unit":"g"}}',
	headers: { 'content-type': 'application/fhir+json' },
});

type Failure = { message: string; locations?: { line: number; column: number }[]; extensions: { code: string; resource: Resource } };

const ask = (query: string, path = '$graphql', as = 'admin'): Promise<Answered> =>
	server.send('POST', path, { as, body: JSON.stringify({ query }), headers: { 'content-type': 'application/json' } });

async function data(query: string, path = '$graphql', as = 'admin'): Promise<unknown> {
	const answer = await ask(query, path, as);
	assert.equal(answer.status, 200, answer.text);
	assert.equal(answer.headers.get('content-type'), 'application/json; charset=utf-8');
	return (answer.json as unknown as { data: unknown }).data;
}

async function failure(query: string, path = '$graphql', as = 'admin'): Promise<Failure & { status: number }> {
	const answer = await ask(query, path, as);
	assert.notEqual(answer.status, 200, answer.text);
	const body = answer.json as unknown as { data: null; errors: Failure[] };
	assert.equal(body.data, null);
	const [first] = body.errors as [Failure];
	assert.equal(first.extensions.resource.resourceType, 'OperationOutcome');
	return { ...first, status: answer.status };
}

const example = 'Patient/example/$graphql';

/** Queries on Patient/example with what they give: the specification's own examples, and more. */
const onExample: readonly (readonly [query: string, data: object])[] = [
	[
		'{ name { text given family } }',
		{
			name: [
				{ text: null, given: ['Peter', 'James'], family: 'Chalmers' },
				{ text: null, given: ['Jim'], family: null },
				{ text: null, given: ['Peter', 'James'], family: 'Windsor' },
			],
		},
	],
	[
		'{ birthDate _birthDate { extension { valueDateTime } } }',
		{ birthDate: '1974-12-25', _birthDate: { extension: [{ valueDateTime: '1974-12-25T14:35:45-05:00' }] } },
	],
	[
		'{ resourceType id active multipleBirthInteger multipleBirthBoolean }',
		{ resourceType: 'Patient', id: 'example', active: true, multipleBirthInteger: 2, multipleBirthBoolean: null },
	],
	['{ name(use: official) { family } }', { name: [{ family: 'Chalmers' }] }],
	['{ name(use: [usual, maiden]) { use } }', { name: [{ use: 'usual' }, { use: 'maiden' }] }],
	['{ name(given: "Jim") { use } }', { name: [{ use: 'usual' }] }],
	['{ name(fhirpath: "family.exists()") { use } }', { name: [{ use: 'official' }, { use: 'maiden' }] }],
	['{ name(fhirpath: "$index = 1") { use } }', { name: [{ use: 'usual' }] }],
	['{ telecom(system: phone, _count: 1, _offset: 1) { value } }', { telecom: [{ value: '2' }] }],
	['{ telecom(_offset: 9) { value } }', { telecom: [] }],
	['{ photo { url } }', { photo: [] }],
	['{ mine: extension(url: "urn:a") { value: valueString } }', { mine: [{ value: 'one' }] }],
	[
		'{ __typename contact { __typename name { __typename family } } }',
		{ __typename: 'Patient', contact: [{ __typename: 'PatientContact', name: { __typename: 'HumanName', family: 'du Marché' } }] },
	],
	[
		'{ a: name { family } b: name(use: usual) { given } }',
		{ a: [{ family: 'Chalmers' }, { family: null }, { family: 'Windsor' }], b: [{ given: ['Jim'] }] },
	],
	['{ name(use: usual) { use } name(use: usual) { given } }', { name: [{ use: 'usual', given: ['Jim'] }] }],
	['{ __proto__: id constructor: active }', JSON.parse('{"__proto__":"example","constructor":true}')],
	['{ id @skip(if: true) active @include(if: false) birthDate @include(if: true) }', { birthDate: '1974-12-25' }],
	[
		'{ ...P contact { ...C } } fragment P on Patient { id ...Q } fragment Q on Patient { active } fragment C on PatientContact { name { family } }',
		{ id: 'example', active: true, contact: [{ name: { family: 'du Marché' } }] },
	],
	[
		'{ ... on Observation { status } ... on Patient { id } ... on Resource { resourceType } ... { active } }',
		{ id: 'example', resourceType: 'Patient', active: true },
	],
	[
		'{ managingOrganization { display resource { ... on Organization { name } } } }',
		{ managingOrganization: { display: 'somewhere', resource: null } },
	],
	[
		'{ generalPractitioner { reference resource { ... on Practitioner { name { family } } ... on Organization { id } } } }',
		{ generalPractitioner: [{ reference: 'Practitioner/doc', resource: { name: [{ family: 'Doc' }] } }] },
	],
	['{ generalPractitioner { resource(type: Organization) { id } } }', { generalPractitioner: [{ resource: null }] }],
	[
		'{ generalPractitioner { resource(type: Organization) { id } resource(type: Practitioner) { name { family } } } }',
		{ generalPractitioner: [{ resource: { name: [{ family: 'Doc' }] } }] },
	],
	[
		'{ name(use: usual) { given } ConditionList(_reference: patient) { id subject { resource { ... on Patient { id } } } } }',
		{
			name: [{ given: ['Jim'] }],
			ConditionList: [
				{ id: 'c2', subject: { resource: { id: 'example' } } },
				{ id: 'c1', subject: { resource: { id: 'example' } } },
			],
		},
	],
	['{ ConditionList(_reference: patient, clinical_status: active) { id } }', { ConditionList: [{ id: 'c1' }] }],
	[
		'{ ConditionConnection(_reference: subject) { count edges { mode resource { id } } } }',
		{
			ConditionConnection: {
				count: 2,
				edges: [
					{ mode: 'match', resource: { id: 'c2' } },
					{ mode: 'match', resource: { id: 'c1' } },
				],
			},
		},
	],
	[
		'{ identifier @flatten { system value } active name @flatten { text given family } }',
		{
			system: ['urn:oid:1.2.36.146.595.217.0.1'],
			value: ['12345'],
			active: true,
			given: ['Peter', 'James', 'Jim', 'Peter', 'James'],
			family: ['Chalmers', 'Windsor'],
		},
	],
	['{ name @flatten { text given @first family } }', { given: ['Peter', 'Jim', 'Peter'], family: ['Chalmers', 'Windsor'] }],
	[
		'{ identifier @flatten { system @singleton value @singleton } name @flatten @first { text given family @singleton } }',
		{ system: 'urn:oid:1.2.36.146.595.217.0.1', value: '12345', given: ['Peter', 'James'], family: 'Chalmers' },
	],
	[
		'{ name @flatten @slice(path: "use") { given family @singleton } }',
		{
			'given.official': ['Peter', 'James'],
			'family.official': 'Chalmers',
			'given.usual': ['Jim'],
			'given.maiden': ['Peter', 'James'],
			'family.maiden': 'Windsor',
		},
	],
	[
		'{ name @flatten @slice(path: "$index") { given family @singleton } }',
		{ 'given.0': ['Peter', 'James'], 'family.0': 'Chalmers', 'given.1': ['Jim'], 'given.2': ['Peter', 'James'], 'family.2': 'Windsor' },
	],
	[
		'{ name @slice(path: "$index") @flatten { given @first @singleton family } }',
		{ 'given.0': 'Peter', 'family.0': ['Chalmers'], 'given.1': 'Jim', 'given.2': 'Peter', 'family.2': ['Windsor'] },
	],
	['{ telecom(system: phone) @slice(path: "use") { value } }', { 'telecom.home': [{ value: '1' }], 'telecom.work': [{ value: '2' }] }],
	['{ generalPractitioner { resource { name { family } } } }', { generalPractitioner: [{ resource: { name: [{ family: 'Doc' }] } }] }],
	['{ name @first @singleton { family } }', { name: { family: 'Chalmers' } }],
	['{ generalPractitioner @flatten { resource @flatten { ... on Practitioner { id @singleton } } } }', { id: 'doc' }],
];
for (const [query, expected] of onExample) {
	test(`Patient/example: ${query}`, async () => {
		assert.deepEqual(JSON.parse(JSON.stringify(await data(query, example))), expected);
	});
}

test('reads, lists and connections of the system', async () => {
	assert.deepEqual(await data('{ Patient(id: example) { id active } one: Patient(id: "second") { name { family } } }'), {
		Patient: { id: 'example', active: true },
		one: { name: [{ family: 'Second' }] },
	});
	assert.deepEqual(await data('{ PatientList(name: "second") { id } }'), { PatientList: [{ id: 'second' }] });
	assert.deepEqual(await data('{ PatientList(_id: [example, second], _sort: "family") { id } }'), {
		PatientList: [{ id: 'example' }, { id: 'second' }],
	});
	assert.deepEqual(await data('{ ObservationList(code: "http://loinc.org|1,5") { id } }'), { ObservationList: [{ id: 'o1' }] });
	assert.deepEqual(await data('{ ConditionList(patient: example, fhirpath: "code.text = \'cold\'") { id } }'), {
		ConditionList: [{ id: 'c2' }],
	});
	assert.deepEqual(await data('{ EncounterList(_count: 2, patient: "Patient/second", _sort: "date") { id } }'), {
		EncounterList: [{ id: 'e00' }, { id: 'e01' }],
	});
	const all = (await data('{ EncounterList(patient: second) { id } }')) as { EncounterList: unknown[] };
	assert.equal(all.EncounterList.length, 60, 'a list is complete, over all pages of the search');
});

test('lists of many resources come together, each where it belongs', async () => {
	const { PatientList } = (await data(
		'{ PatientList(_sort: "family") { id ConditionList(_reference: subject) { id } first: EncounterList(_reference: patient, _count: 1, _sort: "-date") { id } } }',
	)) as { PatientList: unknown };
	assert.deepEqual(PatientList, [
		{ id: 'example', ConditionList: [{ id: 'c2' }, { id: 'c1' }], first: [] },
		{ id: 'second', ConditionList: [{ id: 'c3' }], first: [{ id: 'e59' }] },
	]);
});

test('a connection is followed by its cursors', async () => {
	const fields = '{ count pagesize offset first previous next last edges { mode score resource { id } } }';
	type Page = {
		count: number;
		pagesize: number;
		first: string;
		previous: string | null;
		next: string | null;
		edges: { resource: { id: string } }[];
	};
	const page = async (args: string): Promise<Page> =>
		((await data(`{ EncounterConnection(${args}) ${fields} }`)) as { EncounterConnection: Page }).EncounterConnection;
	const start = await page('patient: second, _sort: "date", _count: 25');
	assert.deepEqual([start.count, start.pagesize, start.edges.length, start.previous], [60, 25, 25, null]);
	const second = await page(`cursor: "${start.next}"`);
	const third = await page(`_cursor: "${second.next}"`);
	assert.equal(third.next, null);
	assert.deepEqual(
		[...start.edges, ...second.edges, ...third.edges].map(({ resource }) => resource.id),
		record.filter(({ resourceType }) => resourceType === 'Encounter').map(({ id }) => id),
	);
	assert.deepEqual(await page(`cursor: "${third.first}"`).then(({ edges }) => edges), start.edges);
	assert.deepEqual((await page(`cursor: "${second.previous}"`)).edges, start.edges);
	const filtered = await page('patient: second, _count: 5, _sort: "date", fhirpath: "id = \'e03\'"');
	assert.deepEqual(
		filtered.edges.map(({ resource }) => resource.id),
		['e03'],
	);
});

test('references: to contained resources, to versions, to nowhere', async () => {
	assert.deepEqual(
		await data(
			'{ asserter { resource { ... on Practitioner { name { family } } } } contained { resourceType ... on Practitioner { id } } }',
			'Condition/c2/$graphql',
		),
		{ asserter: { resource: { name: [{ family: 'Inside' }] } }, contained: [{ resourceType: 'Practitioner', id: 'me' }] },
	);
	const elsewhere = 'Observation/o1/$graphql';
	const { status, extensions, locations } = await failure('{ performer { resource { ... on Practitioner { id } } } }', elsewhere);
	assert.deepEqual([status, extensions.code, locations], [404, 'graphql-unresolved', [{ line: 1, column: 15 }]]);
	assert.deepEqual(await data('{ performer { resource(optional: true) { ... on Practitioner { id } } } }', elsewhere), {
		performer: [{ resource: { id: 'doc' } }, { resource: null }],
	});
	await server.send('PUT', 'Practitioner/doc', {
		body: { resourceType: 'Practitioner', id: 'doc', name: [{ family: 'Doc' }], active: true },
	});
	await server.send('PUT', 'Observation/old', {
		body: {
			resourceType: 'Observation',
			id: 'old',
			status: 'final',
			code: text,
			performer: [reference('Practitioner/doc/_history/1'), reference(`${server.base}/Practitioner/doc`)],
		},
	});
	assert.deepEqual(await data('{ performer { resource { ... on Practitioner { active } } } }', 'Observation/old/$graphql'), {
		performer: [{ resource: { active: null } }, { resource: { active: true } }],
	});
});

test('decimals keep their digits', async () => {
	assert.match((await ask('{ valueQuantity { value unit } }', 'Observation/digits/$graphql')).text, /"value":1\.50,"unit":"g"/);
});

test('a large Binary is whole, wherever its data are kept', async () => {
	const bytes = Buffer.alloc(400_000, 'heron');
	await server.send('PUT', 'Binary/large', {
		body: { resourceType: 'Binary', id: 'large', contentType: 'text/plain', data: bytes.toString('base64') },
	});
	for (const [query, path] of [
		['{ data }', 'Binary/large/$graphql'],
		['{ Binary(id: large) { data } }', '$graphql'],
		['{ BinaryList(_id: large) { data } }', '$graphql'],
	] as const) {
		assert.ok((await ask(query, path)).text.includes(`"data":"${bytes.toString('base64')}"`), query);
	}
	assert.equal((await server.send('GET', 'Binary/large/$validate')).text.includes('"error"'), false);
});

test('variables', async () => {
	const send = (query: string, variables: object, operationName?: string): Promise<Answered> =>
		server.send('POST', '$graphql', {
			body: JSON.stringify({ query, variables, operationName }),
			headers: { 'content-type': 'application/json' },
		});
	const query =
		'query Q($id: ID!, $with: Boolean = true) { Patient(id: $id) { id active @include(if: $with) } } query R { Patient(id: second) { id } }';
	assert.deepEqual((await send(query, { id: 'example' }, 'Q')).json.data, { Patient: { id: 'example', active: true } });
	assert.deepEqual((await send(query, { id: 'example', with: false }, 'Q')).json.data, { Patient: { id: 'example' } });
	assert.deepEqual((await send(query, {}, 'R')).json.data, { Patient: { id: 'second' } });
	assert.deepEqual(
		(await send('query ($ids: [token]) { PatientList(_id: $ids, _sort: "family") { id } }', { ids: ['second', 'example'] })).json.data,
		{ PatientList: [{ id: 'example' }, { id: 'second' }] },
	);
	for (const [variables, name] of [
		[{}, 'Q'],
		[{ id: null }, 'Q'],
		[{ id: {} }, 'Q'],
		[{ id: ['a'] }, 'Q'],
		[{ id: 'example', with: 'yes' }, 'Q'],
		[{ id: 'example' }, undefined],
		[{ id: 'example' }, 'S'],
	] as const) {
		assert.equal((await send(query, variables, name)).status, 400, JSON.stringify(variables));
	}
});

test('by GET, as application/graphql, as Parameters, and in a batch', async () => {
	const expected = { data: { Patient: { id: 'example' } } };
	const query = '{ Patient(id: example) { id } }';
	assert.deepEqual((await server.send('GET', `$graphql?query=${encodeURIComponent(query)}`)).json, expected);
	assert.deepEqual(
		(
			await server.send(
				'GET',
				`$graphql?query=${encodeURIComponent('query($i: ID) { Patient(id: $i) { id } }')}&variables=${encodeURIComponent('{"i":"example"}')}`,
			)
		).json,
		expected,
	);
	assert.deepEqual(
		(await server.send('POST', '$graphql', { body: query, headers: { 'content-type': 'application/graphql' } })).json,
		expected,
	);
	assert.deepEqual(
		(await server.send('POST', '$graphql', { body: { resourceType: 'Parameters', parameter: [{ name: 'query', valueString: query }] } }))
			.json,
		expected,
	);
	assert.deepEqual((await server.send('POST', 'Patient/example/$graphql?query=%7Bid%7D')).json, { data: { id: 'example' } });
});

test('what the caller may not see is not there', async () => {
	server.caller('second', [{ type: '*', interactions: ['read', 'search'], patient: 'second' }]);
	assert.deepEqual(await data('{ PatientList { id } ConditionList { id } }', '$graphql', 'second'), {
		PatientList: [{ id: 'second' }],
		ConditionList: [{ id: 'c3' }],
	});
	assert.equal((await failure('{ Patient(id: example) { id } }', '$graphql', 'second')).status, 404);
	assert.equal((await failure('{ id }', example, 'second')).status, 404);
	server.caller('conditions', [{ type: 'Condition', interactions: ['read', 'search'] }]);
	assert.deepEqual(
		await data(
			'{ ConditionList(_sort: "_id") { subject { reference resource(optional: true) { ... on Patient { id } } } } }',
			'$graphql',
			'conditions',
		),
		{ ConditionList: ['example', 'example', 'second'].map((id) => ({ subject: { reference: `Patient/${id}`, resource: null } })) },
	);
	assert.equal(
		(await failure('{ ConditionList { subject { resource { ... on Patient { id } } } } }', '$graphql', 'conditions')).status,
		404,
	);
	assert.equal((await failure('{ PatientList { id } }', '$graphql', 'conditions')).status, 403);
	assert.equal(
		(await failure('{ ConditionList { id EncounterList(_reference: diagnosis) { id } } }', '$graphql', 'conditions')).status,
		403,
	);
	assert.equal(
		(
			await failure(
				'{ ConditionList(subject: "Patient/example") { subject { resource { ... on Patient { name { family } } } } } }',
				'$graphql',
				'conditions',
			)
		).status,
		404,
	);
});

const deep = (levels: number): string => `${'{ a'.repeat(levels)}${'}'.repeat(levels)}`;
const refused: readonly (readonly [query: string, code: string, path?: string])[] = [
	['{', 'graphql-syntax'],
	['', 'graphql-syntax'],
	['{ Patient(id: example) { id } ', 'graphql-syntax'],
	[`{ ${'id '.repeat(6000)} }`, 'graphql-syntax'],
	['x'.repeat(100_001), 'graphql-too-costly'],
	[deep(60), 'graphql-too-costly'],
	[deep(2400), 'graphql-too-costly'],
	[`{ Patient(id: ${'['.repeat(4900)}`, 'graphql-too-costly'],
	[`query ($a: ${'['.repeat(4900)}`, 'graphql-too-costly'],
	[`{ PatientList(name: ["${'('.repeat(60)}", "\\"{{{"]) { nothing } } # ${'{'.repeat(60)}`, 'graphql-invalid'],
	['{ nothing }', 'graphql-invalid'],
	['{ Nothing(id: 1) { id } }', 'graphql-invalid'],
	['{ Patient { id } }', 'graphql-invalid'],
	['{ Patient(id: example) }', 'graphql-invalid'],
	['{ Patient(id: example, name: x) { id } }', 'graphql-invalid'],
	['{ Patient(id: {a: 1}) { id } }', 'graphql-invalid'],
	['{ PatientList(nothing: 1) { id } }', 'graphql-invalid'],
	['{ PatientList(name: "nobody") { nothing } }', 'graphql-invalid'],
	['{ PatientList(name: "nobody") { ConditionList(_reference: subject, nothing: 1) { id } } }', 'graphql-invalid'],
	['{ PatientList(name: "nobody") { ... on Patient @skip(if: true) { nothing } } }', 'graphql-invalid'],
	['{ PatientList(name: "nobody") { photo(nothing: 1) { url } } }', 'graphql-invalid'],
	['{ PatientList(name: "nobody") { managingOrganization { resource { ... on Organization { nothing } } } } }', 'graphql-invalid'],
	['{ PatientList(_filter: "x") { id } }', 'graphql-unsupported'],
	['{ PatientList(_include: "x") { id } }', 'graphql-unsupported'],
	['{ PatientList(_count: -1) { id } }', 'graphql-invalid'],
	['{ PatientList(birthdate: never) { id } }', 'search-value-invalid'],
	['{ PatientList(_reference: link) { id } }', 'graphql-invalid'],
	['{ PatientList(fhirpath: "((") { id } }', 'graphql-invalid'],
	['{ PatientConnection(cursor: "garbage") { count } }', 'search-page-invalid'],
	['{ PatientConnection(cursor: "WyJPYnNlcnZhdGlvbiJd") { count } }', 'search-page-invalid'],
	['{ PatientConnection { edges { id } } }', 'graphql-invalid'],
	['mutation { PatientDelete(id: example) { id } }', 'graphql-unsupported'],
	['subscription { Patient(id: example) { id } }', 'graphql-unsupported'],
	['type X { a: Int }', 'graphql-invalid'],
	['{ ...F }', 'graphql-invalid'],
	['{ Patient(id: example) { id } } fragment F on Patient { id }', 'graphql-invalid'],
	['{ Patient(id: example) { ...F } } fragment F on Patient { ...G } fragment G on Patient { ...F }', 'graphql-invalid'],
	['{ Patient(id: example) { ... on Nothing { id } } }', 'graphql-invalid'],
	['{ Patient(id: $id) { id } }', 'graphql-invalid'],
	['{ id @nothing }', 'graphql-invalid', example],
	['{ nothing }', 'graphql-invalid', example],
	['{ valueString }', 'graphql-invalid', example],
	['{ multipleBirth }', 'graphql-invalid', example],
	['{ birthDate { extension { url } } }', 'graphql-invalid', example],
	['{ birthDate(x: 1) }', 'graphql-invalid', example],
	['{ name }', 'graphql-invalid', example],
	['{ name(period: x) { family } }', 'graphql-invalid', example],
	['{ name(nothing: x) { family } }', 'graphql-invalid', example],
	['{ name { family } name(use: usual) { given } }', 'graphql-invalid', example],
	['{ name @singleton { family } }', 'graphql-invalid', example],
	['{ name @flatten { family @singleton } }', 'graphql-invalid', example],
	['{ id @flatten }', 'graphql-invalid', example],
	['{ name @slice { family } }', 'graphql-invalid', example],
	['{ name @flatten { value: family } extension @flatten { value: valueDecimal } }', 'graphql-invalid', example],
	['{ id @skip }', 'graphql-invalid', example],
	['{ ConditionList { id } }', 'graphql-invalid', example],
	['{ ConditionList(_reference: code) { id } }', 'graphql-invalid', example],
	['{ ConditionList(_reference: encounter) { id } }', 'graphql-invalid', example],
	['{ ConditionConnection(_reference: patient, cursor: "x") { count } }', 'graphql-invalid', example],
	['{ generalPractitioner { resource(nothing: 1) { id } } }', 'graphql-invalid', example],
	['{ generalPractitioner { resource { name { family } } } }', 'graphql-invalid', 'Condition/c1/$graphql'],
];
for (const [query, code, path] of refused) {
	test(`refused: ${query.slice(0, 100)}`, async () => {
		assert.equal((await failure(query, path)).extensions.code, code);
	});
}

for (const body of [
	'',
	'null',
	'[]',
	'{}',
	'{"query":1}',
	'{"query":"{ id }","variables":[]}',
	'{"query":"{ id }","operationName":1}',
	'{"query"',
	'{"query":"{ id }","__proto__":{}}',
]) {
	test(`a POST of ${body} is 400`, async () => {
		assert.equal((await server.send('POST', '$graphql', { body, headers: { 'content-type': 'application/json' } })).status, 400);
	});
}

test('a query that fans out is stopped', async () => {
	const hop = (inner: string): string =>
		`subject { resource { ... on Patient { id EncounterList(_reference: patient) { id ${inner} } } } }`;
	let query = 'id';
	for (let i = 0; i < 4; i++) query = hop(query);
	assert.equal((await failure(`{ EncounterList(patient: second) { ${query} } }`)).extensions.code, 'graphql-too-costly');
	let chain = 'id';
	for (let i = 0; i < 12; i++)
		chain = `generalPractitioner { resource { ... on Patient { id } ... on Practitioner { PatientList(_reference: general_practitioner) { ${chain} } } } }`;
	assert.equal((await failure(`{ ${chain} }`, example)).extensions.code, 'graphql-too-costly');
});

test('introspection: a schema that clients can build, and against which the queries here are valid', async () => {
	const answer = await ask(getIntrospectionQuery({ descriptions: false }));
	assert.equal(answer.status, 200, answer.text.slice(0, 500));
	const schema = buildClientSchema((answer.json as unknown as { data: IntrospectionQuery }).data);
	for (const query of [
		'{ PatientList(name: "second") { id name(use: "official") { given } } }',
		'{ EncounterConnection(patient: "x", _count: 2) { count first edges { mode resource { id period { start } } } } }',
		'{ Patient(id: "x") { ConditionList(_reference: patient) { id subject { resource(optional: true) { ... on Patient { birthDate _birthDate { extension { url } } } } } } } }',
		'{ Patient(id: "x") { name @flatten { given @first family @singleton } contact { ...C } } } fragment C on PatientContact { name { family } }',
		'{ ObservationList(value_quantity: "5", date: "ge2020") { valueQuantity { value } component { valueCodeableConcept { text } } } }',
	]) {
		assert.deepEqual(validate(schema, parse(query)), [], query);
	}
	assert.notEqual(validate(schema, parse('{ PatientList { nothing } }')).length, 0);
	assert.deepEqual(
		await data(
			'{ __type(name: "HumanName") { kind name fields { name type { name kind ofType { name } } } } no: __type(name: "Nothing") { name } __typename }',
		).then((all) =>
			(all as { __type: { kind: string; fields: { name: string }[] } }).__type.fields
				.map(({ name }) => name)
				.filter((name) => !name.startsWith('_')),
		),
		['id', 'extension', 'use', 'text', 'family', 'given', 'prefix', 'suffix', 'period'],
	);
});
