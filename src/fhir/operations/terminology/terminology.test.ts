// ValueSet/$expand, ValueSet/$validate-code and CodeSystem/$lookup by HTTP.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Resource } from '#fhir/resource.ts';
import { type Answered, testServer } from '#testing/server.ts';

const server = await testServer({ after });
const colours = 'http://example.org/colours';
const retired = [{ code: 'status', valueCode: 'retired' }];

async function put(resource: object): Promise<void> {
	const { resourceType, id } = resource as Resource;
	const answer = await server.send('PUT', `${resourceType}/${id}`, { body: resource });
	assert.ok(answer.status === 200 || answer.status === 201, answer.text);
}

await put({
	resourceType: 'CodeSystem',
	id: 'colours',
	url: colours,
	version: '1',
	name: 'Colours',
	status: 'active',
	content: 'complete',
	hierarchyMeaning: 'is-a',
	property: [{ code: 'warm', type: 'boolean' }],
	concept: [
		{
			code: 'any',
			display: 'Any colour',
			property: [{ code: 'notSelectable', valueBoolean: true }],
			concept: [
				{
					code: 'red',
					display: 'Red',
					definition: 'Like blood',
					designation: [{ language: 'de', value: 'Rot' }],
					property: [{ code: 'warm', valueBoolean: true }],
					concept: [
						{ code: 'crimson', display: 'Deep crimson red' },
						{ code: 'ruby', display: 'Ruby', property: retired },
					],
				},
				{ code: 'blue', display: 'Blue', property: [{ code: 'warm', valueBoolean: false }] },
			],
		},
		{ code: 'teal', display: 'Teal', property: [{ code: 'parent', valueCode: 'blue' }] },
	],
});
await put({
	resourceType: 'CodeSystem',
	id: 'part',
	url: 'http://example.org/part',
	status: 'active',
	content: 'fragment',
	concept: [{ code: 'a', display: 'A' }],
});

const include = (compose: object): Resource =>
	({ resourceType: 'ValueSet', status: 'active', url: 'http://example.org/sent', compose }) as unknown as Resource;
const gender = 'http://hl7.org/fhir/ValueSet/administrative-gender';
const genderSystem = 'http://hl7.org/fhir/administrative-gender';
await put({
	...include({ include: [{ system: colours, filter: [{ property: 'concept', op: 'is-a', value: 'red' }] }] }),
	id: 'reds',
	url: 'http://example.org/reds',
	version: '2',
});
await put({ ...include({ include: [{ valueSet: ['http://example.org/loop'] }] }), id: 'loop', url: 'http://example.org/loop' });

type Contained = { system?: string; code: string; display?: string; inactive?: boolean; abstract?: boolean; designation?: object[] };
type Expanded = { total: number; offset?: number; contains?: Contained[]; parameter?: { name: string }[] };

function expansionOf(answer: Answered): Expanded {
	assert.equal(answer.status, 200, answer.text);
	assert.equal(answer.json.resourceType, 'ValueSet');
	return answer.json.expansion as Expanded;
}

const codesOf = ({ contains = [] }: Expanded): string[] => contains.map(({ code }) => code);
const send = (compose: object, ...others: object[]): Promise<Answered> =>
	server.send('POST', 'ValueSet/$expand', {
		body: { resourceType: 'Parameters', parameter: [{ name: 'valueSet', resource: include(compose) }, ...others] },
	});
const all = ['any', 'red', 'crimson', 'ruby', 'blue', 'teal'];
const system = colours;
const filter = (property: string, op: string, value: string): object => ({ include: [{ system, filter: [{ property, op, value }] }] });

const composed: readonly (readonly [what: string, compose: object, codes: readonly string[]])[] = [
	['a whole system', { include: [{ system }] }, all],
	['named codes', { include: [{ system, concept: [{ code: 'blue' }, { code: 'red', display: 'Rouge' }] }] }, ['blue', 'red']],
	['is-a', filter('concept', 'is-a', 'red'), ['red', 'crimson', 'ruby']],
	['descendent-of', filter('concept', 'descendent-of', 'any'), ['red', 'crimson', 'ruby', 'blue', 'teal']],
	['is-not-a', filter('concept', 'is-not-a', 'red'), ['any', 'blue', 'teal']],
	['a property', filter('warm', '=', 'true'), ['red']],
	['a property that exists', filter('warm', 'exists', 'true'), ['red', 'blue']],
	['in a list', filter('code', 'in', 'red, teal'), ['red', 'teal']],
	['not in a list', filter('code', 'not-in', 'red,teal'), ['any', 'crimson', 'ruby', 'blue']],
	[
		'two filters',
		{
			include: [
				{
					system,
					filter: [
						{ property: 'concept', op: 'is-a', value: 'any' },
						{ property: 'warm', op: '=', value: 'false' },
					],
				},
			],
		},
		['blue'],
	],
	['another value set', { include: [{ valueSet: ['http://example.org/reds'] }] }, ['red', 'crimson', 'ruby']],
	['a version of another value set', { include: [{ valueSet: ['http://example.org/reds|2'] }] }, ['red', 'crimson', 'ruby']],
	[
		'in a system and in a value set',
		{ include: [{ system, concept: [{ code: 'red' }, { code: 'blue' }], valueSet: ['http://example.org/reds'] }] },
		['red'],
	],
	['in two value sets', { include: [{ valueSet: [gender, 'http://example.org/reds'] }] }, []],
	[
		'several includes, each code once',
		{ include: [{ system, concept: [{ code: 'red' }] }, { valueSet: ['http://example.org/reds'] }, { valueSet: [gender] }] },
		['red', 'crimson', 'ruby', 'male', 'female', 'other', 'unknown'],
	],
	[
		'without what is excluded',
		{ include: [{ system }], exclude: [{ valueSet: ['http://example.org/reds'] }, { system, concept: [{ code: 'teal' }] }] },
		['any', 'blue'],
	],
	['only what is in use', { inactive: false, include: [{ system }] }, ['any', 'red', 'crimson', 'blue', 'teal']],
	['codes of a system that is not known', { include: [{ system: 'http://loinc.org', concept: [{ code: '1-8', display: 'x' }] }] }, ['1-8']],
];
for (const [what, compose, codes] of composed) {
	test(`$expand: ${what}`, async () => {
		const expansion = expansionOf(await send(compose));
		assert.deepEqual(codesOf(expansion), codes);
		assert.equal(expansion.total, codes.length);
	});
}

const notExpandable: readonly (readonly [what: string, compose: object])[] = [
	['a whole system that is not known', { include: [{ system: 'http://loinc.org' }] }],
	['a system known in part', { include: [{ system: 'http://example.org/part' }] }],
	['a filter that is not known', filter('concept', 'regex', '.*')],
	['a value set that is not known', { include: [{ valueSet: ['http://example.org/unknown'] }] }],
	['a version that is not known', { include: [{ valueSet: ['http://example.org/reds|9'] }] }],
	['a value set that takes itself', { include: [{ valueSet: ['http://example.org/loop'] }] }],
	['without what is not known', { include: [{ system }], exclude: [{ system, filter: [{ property: 'x', op: 'regex', value: '.*' }] }] }],
	['of which one part is not known', { include: [{ valueSet: ['http://example.org/reds', 'http://example.org/unknown'] }] }],
];
for (const [what, compose] of notExpandable) {
	test(`$expand refuses ${what}`, async () => {
		const answer = await send(compose);
		assert.equal(answer.status, 422, answer.text);
		assert.match(answer.text, /valueset-not-expandable/);
	});
}

test('$expand by url, by id, paged, filtered, with designations and definition', async () => {
	assert.deepEqual(codesOf(expansionOf(await server.send('GET', `ValueSet/$expand?url=${gender}`))), [
		'male',
		'female',
		'other',
		'unknown',
	]);
	const reds = await server.send('GET', 'ValueSet/reds/$expand');
	assert.deepEqual(codesOf(expansionOf(reds)), ['red', 'crimson', 'ruby']);
	assert.deepEqual([reds.json.url, reds.json.version, reds.json.compose], ['http://example.org/reds', '2', undefined]);
	assert.deepEqual(expansionOf(reds).contains?.[2], { system, inactive: true, code: 'ruby', display: 'Ruby' });
	const page = expansionOf(await server.send('GET', 'ValueSet/$expand?url=http://example.org/reds&offset=1&count=1'));
	assert.deepEqual([codesOf(page), page.total, page.offset], [['crimson'], 3, 1]);
	assert.deepEqual(codesOf(expansionOf(await server.send('GET', 'ValueSet/$expand?url=http://example.org/reds&count=0'))), []);
	const found = expansionOf(await server.send('GET', 'ValueSet/$expand?url=http://example.org/reds&filter=RED+deep'));
	assert.deepEqual([codesOf(found), found.parameter?.map(({ name }) => name)], [['crimson'], ['filter']]);
	assert.deepEqual(codesOf(expansionOf(await server.send('GET', 'ValueSet/reds/$expand?activeOnly=true'))), ['red', 'crimson']);
	const more = await server.send('GET', 'ValueSet/reds/$expand?includeDesignations=true&includeDefinition=true');
	assert.deepEqual(expansionOf(more).contains?.[0]?.designation, [{ language: 'de', value: 'Rot' }]);
	assert.ok(more.json.compose !== undefined);
	const { json } = await server.send('POST', 'ValueSet/$validate', { body: more.json });
	assert.deepEqual(
		(json.issue as { severity: string }[]).filter(({ severity }) => severity === 'error'),
		[],
	);
});

const refused: readonly (readonly [path: string, status: number])[] = [
	['ValueSet/$expand', 400],
	['ValueSet/$expand?url=http://example.org/unknown', 404],
	['ValueSet/$expand?url=http://example.org/reds&valueSetVersion=9', 404],
	[`ValueSet/$expand?url=${gender}&valueSetVersion=0.1`, 404],
	[`ValueSet/$expand?url=${gender}&date=2020`, 422],
	[`ValueSet/$expand?url=${gender}&count=-1`, 400],
	[`ValueSet/$expand?url=${gender}&activeOnly=perhaps`, 400],
	['ValueSet/nobody/$expand', 404],
	[`ValueSet/$validate-code?url=${gender}`, 400],
	[`ValueSet/$validate-code?url=http://example.org/unknown&code=x`, 404],
	['CodeSystem/$lookup?code=red', 400],
	[`CodeSystem/$lookup?code=green&system=${colours}`, 404],
	[`CodeSystem/$lookup?code=red&system=${colours}&version=9`, 404],
	['CodeSystem/$lookup?code=1-8&system=http://loinc.org', 404],
];
for (const [path, status] of refused) {
	test(`${path} is ${status}`, async () => {
		const answer = await server.send('GET', path);
		assert.equal(answer.status, status, answer.text);
		assert.equal(answer.json.resourceType, 'OperationOutcome');
	});
}

test('a ValueSet that is sent has to be valid', async () => {
	assert.equal((await send({ include: 'x' })).status, 400);
	assert.equal((await send({})).status, 400);
	assert.equal((await server.send('POST', 'ValueSet/$expand', { body: { resourceType: 'Patient' } })).status, 400);
});

const validated: readonly (readonly [query: string, result: boolean, display?: string])[] = [
	[`url=${gender}&system=${genderSystem}&code=male`, true],
	[`url=${gender}&code=female`, true],
	[`url=${gender}&system=${genderSystem}&code=M`, false],
	[`url=${gender}&system=http://example.org/other&code=male`, false],
	[`url=http://example.org/reds&system=${colours}&code=crimson`, true, 'Deep crimson red'],
	[`url=http://example.org/reds&system=${colours}&code=crimson&display=deep+CRIMSON+red`, true, 'Deep crimson red'],
	[`url=http://example.org/reds&system=${colours}&code=crimson&display=scarlet`, false, 'Deep crimson red'],
	[`url=http://example.org/reds&system=${colours}&code=red&display=rot`, true, 'Red'],
	[`url=http://example.org/reds&system=${colours}&code=blue`, false],
];
for (const [query, result, display] of validated) {
	test(`$validate-code?${query} is ${result}`, async () => {
		const { status, json, text } = await server.send('GET', `ValueSet/$validate-code?${query}`);
		assert.equal(status, 200, text);
		const parts = json.parameter as { name: string; valueBoolean?: boolean; valueString?: string }[];
		assert.equal(parts[0]?.valueBoolean, result);
		assert.equal(parts.find(({ name }) => name === 'display')?.valueString, display);
		assert.equal(
			parts.some(({ name }) => name === 'message'),
			!result,
		);
	});
}

test('$validate-code of concepts and codings, of abstract codes, and where nobody can know', async () => {
	const check = async (...parameter: object[]): Promise<Answered> =>
		server.send('POST', 'ValueSet/$validate-code', { body: { resourceType: 'Parameters', parameter } });
	const resultOf = (answer: Answered): unknown => (answer.json.parameter as { valueBoolean: boolean }[])[0]?.valueBoolean;
	const url = { name: 'url', valueUri: 'http://example.org/reds' };
	const coding = (code: string): object => ({ system, code });
	assert.equal(resultOf(await check(url, { name: 'coding', valueCoding: coding('red') })), true);
	assert.equal(
		resultOf(await check(url, { name: 'codeableConcept', valueCodeableConcept: { coding: [coding('blue'), coding('red')] } })),
		true,
	);
	assert.equal(
		resultOf(await check(url, { name: 'codeableConcept', valueCodeableConcept: { coding: [coding('blue'), coding('teal')] } })),
		false,
	);
	const everything = { name: 'valueSet', resource: include({ include: [{ system }] }) };
	assert.equal(resultOf(await check(everything, { name: 'coding', valueCoding: coding('any') })), false);
	assert.equal(
		resultOf(await check(everything, { name: 'coding', valueCoding: coding('any') }, { name: 'abstract', valueBoolean: true })),
		true,
	);
	const open = {
		name: 'valueSet',
		resource: include({ include: [{ system: 'http://loinc.org' }, { system, concept: [{ code: 'red' }] }] }),
	};
	assert.equal((await check(open, { name: 'coding', valueCoding: { system: 'http://loinc.org', code: '1-8' } })).status, 422);
	assert.equal(resultOf(await check(open, { name: 'coding', valueCoding: coding('red') })), true);
	assert.equal(resultOf(await check(open, { name: 'coding', valueCoding: coding('blue') })), false);
	for (const value of [{ valueCodeableConcept: {} }, { valueCodeableConcept: { coding: [{}] } }, { valueString: 'x' }]) {
		assert.equal((await check(url, { name: 'codeableConcept', ...value })).status, 400);
	}
});

test('$lookup tells what is stored', async () => {
	const look = async (
		query: string,
	): Promise<{ name: string; valueString?: string; part?: { name: string; valueCode?: string; valueString?: string }[] }[]> =>
		(await server.send('GET', `CodeSystem/$lookup?system=${colours}&${query}`)).json.parameter as never;
	const red = await look('code=red');
	assert.deepEqual(red.slice(0, 3), [
		{ name: 'name', valueString: 'Colours' },
		{ name: 'version', valueString: '1' },
		{ name: 'display', valueString: 'Red' },
	]);
	assert.deepEqual(red[3]?.part, [
		{ name: 'language', valueCode: 'de' },
		{ name: 'value', valueString: 'Rot' },
	]);
	const properties = (of: typeof red): unknown[] =>
		of.filter(({ name }) => name === 'property').map(({ part }) => [part?.[0]?.valueCode, Object.values(part?.[1] ?? {})[1]]);
	assert.deepEqual(properties(red), [
		['definition', 'Like blood'],
		['parent', 'any'],
		['child', 'crimson'],
		['child', 'ruby'],
		['warm', true],
	]);
	assert.deepEqual(properties(await look('code=teal&property=parent')), [['parent', 'blue']]);
});

test('who may not see ValueSets knows those of the definitions only', async () => {
	server.caller('patients', [{ type: 'Patient', interactions: ['read', 'search'] }]);
	const as = 'patients';
	assert.equal((await server.send('GET', `ValueSet/$expand?url=${gender}`, { as })).status, 200);
	assert.equal((await server.send('GET', 'ValueSet/$expand?url=http://example.org/reds', { as })).status, 404);
	assert.equal((await server.send('GET', 'ValueSet/reds/$expand', { as })).status, 403);
	assert.equal((await server.send('GET', `CodeSystem/$lookup?code=red&system=${colours}`, { as })).status, 404);
});
