// Code systems that are tables, by HTTP: what came with Heron, what was loaded, and what is asked of them.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Resource } from '#fhir/resource.ts';
import { type Answered, testServer } from '#testing/server.ts';
import { type LoadedConcept, type LoadedSystem, listSystems, loadSystem, rollBack } from './load.ts';
import { loadOwn } from './own.ts';

const server = await testServer({ after });
const { db } = server.ctx;
const written = await loadOwn(db);

const icd = 'http://hl7.org/fhir/sid/icd-10-cm';
const toy = 'http://example.org/toys';
const system = (version: string): LoadedSystem => ({ url: toy, version, name: 'TOYS', title: 'Toys', origin: 'toys.txt', complete: true });
const toys: LoadedConcept[] = [
	{ code: 'T', display: 'Toy', abstract: true },
	{ code: 'T1', display: 'Ball', parents: ['T'], designations: [{ value: 'Sphère à jouer', language: 'fr' }] },
	{ code: 'T1.1', display: 'Red ball', parents: ['T1'], properties: { colour: 'red' } },
	{ code: 'T1.2', display: 'Blue ball', parents: ['T1'], properties: { colour: ['blue', 'dark'] } },
	{ code: 'T2', display: 'Doll', parents: ['T'], inactive: true },
	{ code: 'T3', display: 'Ball of wool', parents: ['T'] },
];
await loadSystem(db, system('1'), toys);

type Code = { readonly system: string; readonly code: string; readonly display?: string };
const containsOf = (answer: Answered): Code[] => {
	assert.equal(answer.status, 200, answer.text);
	return ((answer.json.expansion as { contains?: Code[] }).contains ?? []) as Code[];
};
const codesOf = (answer: Answered): string[] => containsOf(answer).map(({ code }) => code);
const expand = (query: string): Promise<Answered> => server.send('GET', `ValueSet/$expand?${query}`);
const compose = (include: object[], exclude: object[] = [], more: object = {}): Promise<Answered> =>
	server.send('POST', 'ValueSet/$expand', {
		body: { resourceType: 'ValueSet', status: 'active', compose: { include, ...(exclude.length === 0 ? {} : { exclude }), ...more } },
	});
const all = (filter = '', more = ''): Promise<Answered> =>
	expand(`url=${encodeURIComponent(`${toy}?fhir_vs`)}&filter=${encodeURIComponent(filter)}${more}`);
const parameters = ({ json }: Answered): Record<string, unknown> =>
	Object.fromEntries(
		(json.parameter as { name: string; [value: string]: unknown }[]).map(({ name, ...value }) => [name, Object.values(value)[0]]),
	);

test('what came with Heron is there once, and has names', async () => {
	assert.ok(written > 1000, String(written));
	assert.equal(await loadOwn(db), 0);
	const gender = await expand('url=http://hl7.org/fhir/ValueSet/administrative-gender');
	assert.deepEqual(
		containsOf(gender).map(({ display }) => display),
		['Male', 'Female', 'Other', 'Unknown'],
	);
	const looked = await server.send('GET', 'CodeSystem/$lookup?system=http://terminology.hl7.org/CodeSystem/v3-ActCode&code=AMB');
	assert.equal(parameters(looked).display, 'ambulatory');
	for (const [url, code] of [
		['http://hl7.org/fhir/sid/cvx', '140'],
		['http://loinc.org', '4548-4'],
		['http://www.nlm.nih.gov/research/umls/rxnorm', '6809'],
		[icd, 'E11.9'],
	]) {
		const found = await server.send('GET', `CodeSystem/$validate-code?url=${url}&code=${code}`);
		assert.equal(parameters(found).result, true, found.text);
	}
	const unknown = await server.send('GET', `CodeSystem/$validate-code?url=${icd}&code=Q99.9`);
	assert.equal(unknown.status, 422, 'a starter set cannot say that there is no such code');
});

test('typing finds codes by the beginnings of words, of other names and of the code, the best first', async () => {
	assert.deepEqual(codesOf(await all('ball')), ['T1', 'T3', 'T1.1', 'T1.2']);
	assert.deepEqual(codesOf(await all('bal re')), ['T1.1']);
	assert.deepEqual(codesOf(await all('sphere jou')), ['T1']);
	assert.deepEqual(codesOf(await all('t11')), ['T1.1']);
	assert.deepEqual(codesOf(await all('ball', '&count=1&offset=1')), ['T3']);
	assert.equal((await all('ball', '&count=0')).json.expansion === undefined, false);
	assert.deepEqual(codesOf(await all('', '&activeOnly=true&count=10')), ['T', 'T1', 'T1.1', 'T1.2', 'T3']);
	const diabetes = containsOf(await expand(`url=${encodeURIComponent(`${icd}?fhir_vs`)}&filter=type%202%20diab&count=3`));
	assert.equal(diabetes.length, 3);
	assert.ok(diabetes.every(({ display }) => display?.startsWith('Type 2 diabetes')));
	for (const odd of ["'", '\\', ':*', '&|!', '%_', '(', '😀', ' ', "a'b:c&d"]) assert.equal((await all(odd)).status, 200, odd);
});

const concepts: readonly (readonly [string, object[], object[], string[]])[] = [
	['is-a', [{ system: toy, filter: [{ property: 'concept', op: 'is-a', value: 'T1' }] }], [], ['T1', 'T1.1', 'T1.2']],
	['descendent-of', [{ system: toy, filter: [{ property: 'concept', op: 'descendent-of', value: 'T1' }] }], [], ['T1.1', 'T1.2']],
	['is-not-a', [{ system: toy, filter: [{ property: 'concept', op: 'is-not-a', value: 'T1' }] }], [], ['T', 'T2', 'T3']],
	['generalizes', [{ system: toy, filter: [{ property: 'concept', op: 'generalizes', value: 'T1.1' }] }], [], ['T', 'T1', 'T1.1']],
	['a property', [{ system: toy, filter: [{ property: 'colour', op: '=', value: 'dark' }] }], [], ['T1.2']],
	['a property among several', [{ system: toy, filter: [{ property: 'colour', op: 'in', value: 'red,dark' }] }], [], ['T1.1', 'T1.2']],
	[
		'a property that is there',
		[{ system: toy, filter: [{ property: 'colour', op: 'exists', value: 'false' }] }],
		[],
		['T', 'T1', 'T2', 'T3'],
	],
	[
		'two filters',
		[
			{
				system: toy,
				filter: [
					{ property: 'concept', op: 'is-a', value: 'T1' },
					{ property: 'colour', op: '=', value: 'red' },
				],
			},
		],
		[],
		['T1.1'],
	],
	['listed codes with their names', [{ system: toy, concept: [{ code: 'T3' }, { code: 'T1' }] }], [], ['T3', 'T1']],
	['without listed codes', [{ system: toy }], [{ system: toy, concept: [{ code: 'T' }, { code: 'T2' }] }], ['T1', 'T1.1', 'T1.2', 'T3']],
	['without a branch', [{ system: toy }], [{ system: toy, filter: [{ property: 'concept', op: 'is-a', value: 'T1' }] }], ['T', 'T2', 'T3']],
	[
		'listed codes without a branch',
		[{ system: toy, concept: [{ code: 'T3' }, { code: 'T1.1' }] }],
		[{ system: toy, filter: [{ property: 'concept', op: 'is-a', value: 'T1' }] }],
		['T3'],
	],
	[
		'listed codes that a whole system has too',
		[{ system: toy, concept: [{ code: 'T3' }] }, { system: toy }],
		[],
		['T3', 'T', 'T1', 'T1.1', 'T1.2', 'T2'],
	],
	[
		'in both of two value sets',
		[{ system: toy, filter: [{ property: 'concept', op: 'is-a', value: 'T1' }], valueSet: [`${toy}?fhir_vs=isa/T1.2`] }],
		[],
		['T1.2'],
	],
];
for (const [name, include, exclude, codes] of concepts)
	test(`a value set is expanded: ${name}`, async () => {
		const answer = await compose(include, exclude);
		assert.deepEqual(codesOf(answer), codes);
		assert.ok(containsOf(answer).every(({ display }) => display !== undefined));
		assert.equal((answer.json.expansion as { total: number }).total, codes.length);
		for (const { code } of toys) {
			const body = {
				resourceType: 'Parameters',
				parameter: [
					{
						name: 'valueSet',
						resource: { resourceType: 'ValueSet', status: 'active', compose: { include, ...(exclude.length === 0 ? {} : { exclude }) } },
					},
					{ name: 'coding', valueCoding: { system: toy, code } },
					{ name: 'abstract', valueBoolean: true },
				],
			};
			const told = await server.send('POST', 'ValueSet/$validate-code', { body });
			assert.equal(parameters(told).result, codes.includes(code), `${code}: ${told.text}`);
		}
	});

test('a filter that is not known is refused, not ignored', async () => {
	assert.equal((await compose([{ system: toy, filter: [{ property: 'display', op: 'regex', value: '.*' }] }])).status, 422);
	assert.equal((await compose([{ system: 'http://example.org/nobody' }])).status, 422);
	assert.equal((await expand(`url=${encodeURIComponent(`${toy}?fhir_vs=refset/1`)}`)).status, 404);
});

test('lookup tells names, parents, children and properties', async () => {
	const { json } = await server.send('GET', `CodeSystem/$lookup?system=${toy}&code=T1`);
	const told = JSON.stringify(json.parameter);
	for (const part of ['"valueString":"Ball"', '"valueCode":"T"', '"valueCode":"T1.1"', 'Sphère à jouer'])
		assert.ok(told.includes(part), part);
	const of = await server.send('GET', `CodeSystem/$lookup?system=${toy}&code=T1.2&property=colour`);
	assert.match(of.text, /"dark"/);
	assert.doesNotMatch(of.text, /"parent"/);
	assert.equal((await server.send('GET', `CodeSystem/$lookup?system=${toy}&code=nope`)).status, 404);
});

const pairs = [
	['T', 'T1.1', 'subsumes'],
	['T1.1', 'T', 'subsumed-by'],
	['T1', 'T1', 'equivalent'],
	['T1', 'T3', 'not-subsumed'],
] as const;
for (const [a, b, outcome] of pairs)
	test(`${a} and ${b}: ${outcome}`, async () => {
		const answer = await server.send('GET', `CodeSystem/$subsumes?system=${toy}&codeA=${a}&codeB=${b}`);
		assert.equal(parameters(answer).outcome, outcome, answer.text);
	});

test('subsumes refuses codes that are none, and codes of two systems', async () => {
	assert.equal((await server.send('GET', `CodeSystem/$subsumes?system=${toy}&codeA=T&codeB=nope`)).status, 404);
	assert.equal((await server.send('GET', `CodeSystem/$subsumes?codeA=T&codeB=T1`)).status, 400);
	const coding = (of: string, code: string): object => ({ system: of, code });
	const body = {
		resourceType: 'Parameters',
		parameter: [
			{ name: 'codingA', valueCoding: coding(toy, 'T') },
			{ name: 'codingB', valueCoding: coding(icd, 'I10') },
		],
	};
	assert.equal((await server.send('POST', 'CodeSystem/$subsumes', { body })).status, 400);
});

test('searches use loaded systems: :below, :above, :in and :not-in', async () => {
	const make = async (code: string): Promise<string> => {
		const body = { resourceType: 'Condition', subject: { display: 'x' }, code: { coding: [{ system: toy, code }] } };
		const { json, status, text } = await server.send('POST', 'Condition', { body });
		assert.equal(status, 201, text);
		return json.id as string;
	};
	const [red, doll] = [await make('T1.1'), await make('T2')];
	const ids = async (query: string): Promise<string[]> => {
		const { json, status, text } = await server.send('GET', `Condition?${query}`);
		assert.equal(status, 200, text);
		return ((json.entry as { resource: Resource }[] | undefined) ?? []).map(({ resource }) => resource.id as string);
	};
	assert.deepEqual(await ids(`code:below=${toy}|T1`), [red]);
	assert.deepEqual(await ids(`code:above=${toy}|T1.1`), [red]);
	const set = {
		resourceType: 'ValueSet',
		status: 'active',
		url: `${toy}/dolls`,
		compose: { include: [{ system: toy, filter: [{ property: 'code', op: '=', value: 'T2' }] }] },
	};
	assert.equal((await server.send('POST', 'ValueSet', { body: set })).status, 201);
	assert.deepEqual(await ids(`code:in=${toy}/dolls`), [doll]);
	assert.deepEqual(await ids(`code:not-in=${toy}/dolls`), [red]);
});

test('a new version takes the place of the old at once; a rollback brings it back; what breaks off leaves nothing', async () => {
	await loadSystem(db, system('2'), [{ code: 'T', display: 'Plaything' }]);
	const display = async (): Promise<unknown> => parameters(await server.send('GET', `CodeSystem/$lookup?system=${toy}&code=T`)).display;
	assert.equal(await display(), 'Plaything');
	const broken = async function* (): AsyncGenerator<LoadedConcept> {
		yield { code: 'A', display: 'a' };
		throw new Error('the file ends here');
	};
	await assert.rejects(loadSystem(db, system('3'), broken()), /ends here/);
	await assert.rejects(
		loadSystem(db, system('3'), [
			{ code: 'A', display: 'a' },
			{ code: 'A', display: 'b' },
		]),
		{ code: 'terminology-code-twice' },
	);
	await assert.rejects(loadSystem(db, system('3'), []), { code: 'terminology-empty' });
	assert.equal(await display(), 'Plaything');
	await rollBack(db, toy);
	assert.equal(await display(), 'Toy');
	assert.deepEqual(
		(await listSystems(db)).filter(({ url }) => url === toy).map(({ version, state }) => [version, state]),
		[['1', 'active']],
	);
	await assert.rejects(rollBack(db, toy), { code: 'terminology-no-former' });
});

test('what somebody loaded is not overwritten by what comes with a release', async () => {
	await loadSystem(
		db,
		{ url: icd, version: '2026', name: 'ICD10CM', title: 'ICD-10-CM', origin: 'icd10cm_order_2026.txt', complete: true },
		[{ code: 'A00', display: 'Cholera' }],
	);
	await db.execute({ text: "UPDATE terminology.system SET origin = 'heron older' WHERE origin LIKE 'heron %'", values: [] });
	assert.ok((await loadOwn(db)) > 1000);
	const unknown = await server.send('GET', `CodeSystem/$validate-code?url=${icd}&code=E11.9`);
	assert.equal(parameters(unknown).result, false);
});

test('codes are translated by maps that are stored or sent', async () => {
	const map = {
		resourceType: 'ConceptMap',
		status: 'active',
		url: `${toy}/map`,
		sourceUri: `${toy}?fhir_vs`,
		group: [
			{
				source: toy,
				target: 'http://example.org/things',
				element: [
					{ code: 'T1', target: [{ code: 'B', display: 'Ball', equivalence: 'equivalent' }] },
					{ code: 'T2', target: [{ code: 'D', equivalence: 'wider' }] },
					{ code: 'T3', target: [{ equivalence: 'unmatched' }] },
				],
				unmapped: { mode: 'fixed', code: 'X' },
			},
		],
	};
	const made = await server.send('POST', 'ConceptMap', { body: map });
	assert.equal(made.status, 201, made.text);
	const one = await server.send('GET', `ConceptMap/$translate?url=${toy}/map&system=${toy}&code=T1`);
	assert.equal(parameters(one).result, true);
	assert.match(one.text, /"code":"B"/);
	assert.match((await server.send('GET', `ConceptMap/$translate?system=${toy}&code=T2`)).text, /"wider"/);
	assert.match(
		(await server.send('GET', `ConceptMap/${made.json.id}/$translate?system=http://example.org/things&code=D&reverse=true`)).text,
		/"narrower".*"T2"/s,
	);
	assert.equal(parameters(await server.send('GET', `ConceptMap/$translate?url=${toy}/map&system=${toy}&code=T3`)).result, false);
	assert.match((await server.send('GET', `ConceptMap/$translate?url=${toy}/map&system=${toy}&code=T1.1`)).text, /"code":"X"/);
	assert.equal(parameters(await server.send('GET', 'ConceptMap/$translate?system=http://example.org/other&code=1')).result, false);
	assert.equal((await server.send('GET', `ConceptMap/$translate?code=T1`)).status, 400);
});
