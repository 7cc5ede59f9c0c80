import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { silentLog } from '#base/log.ts';
import { raw } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { createStore } from '#fhir/store/store.ts';
import { testDefinitions, testFhir } from '#testing/fhir.ts';
import { createSearchParameters, requireSearchable, type SearchParameters } from './custom.ts';
import { search } from './search.ts';

const ctx = await testFhir({ after }, { settings: { referentialIntegrity: false } });
type Process = { readonly ctx: FhirCtx; readonly parameters: SearchParameters; readonly end: () => Promise<void> };

/** A process of the installation: its own registry, extractor and store over the same database. */
async function start(gathers = true, graceMs = 0): Promise<Process> {
	const { db, fhir } = ctx;
	const parameters = await createSearchParameters({
		db,
		definitions: testDefinitions(),
		base: fhir.base,
		log: silentLog,
		pollMs: 10,
		graceMs,
	});
	const store = createStore({ db, definitions: testDefinitions(), extract: parameters.extract, settings: fhir.settings });
	if (gathers) parameters.work(store);
	const own: FhirCtx = {
		...ctx,
		fhir: {
			...fhir,
			store,
			get registry() {
				return parameters.registry;
			},
		},
	};
	return {
		ctx: own,
		parameters,
		async end() {
			await parameters.close();
			await store.close();
		},
	};
}

async function put(on: FhirCtx, resource: Resource): Promise<void> {
	await on.fhir.store.write(on, { type: resource.resourceType, id: resource.id as string, op: 'U', resource });
}

async function found(on: FhirCtx, url: string): Promise<string> {
	const [type = '', query = ''] = url.split('?');
	return (await search(on, { type, query, handling: 'strict' })).matches
		.map(({ id }) => id)
		.toSorted()
		.join(' ');
}

function parameter(code: string, type: string, expression: string, more: object = {}): Resource {
	return {
		resourceType: 'SearchParameter',
		id: code,
		url: `http://heron.test/SearchParameter/${code}`,
		name: code,
		status: 'active',
		description: code,
		code,
		base: ['Patient'],
		type,
		expression,
		...more,
	};
}

const eye = 'http://heron.test/eye-colour';
const people: Resource[] = [
	{
		resourceType: 'Patient',
		id: 'a',
		extension: [{ url: eye, valueString: 'Sea Green' }],
		maritalStatus: { coding: [{ system: 'urn:m', code: 'M' }] },
		multipleBirthInteger: 2,
		birthDate: '1980-05-01',
	},
	{
		resourceType: 'Patient',
		id: 'b',
		extension: [{ url: eye, valueString: 'brown' }],
		maritalStatus: { coding: [{ system: 'urn:m', code: 'S' }] },
		photo: [{ creation: '2020-01-01' }],
	},
	{
		resourceType: 'Patient',
		id: 'c',
		contact: [{ organization: { reference: 'Organization/o' } }],
		photo: [{ creation: '2021-06-01', title: 'x' }],
	},
	{ resourceType: 'Organization', id: 'o', name: 'House' },
];

test('a stored SearchParameter becomes searchable, for what is there already and what comes, and :missing works beyond the bits', async () => {
	const one = await start();
	try {
		for (const resource of people) await put(one.ctx, resource);
		await assert.rejects(found(one.ctx, 'Patient?eye=sea'), /search-parameter-unknown/);
		const all = [
			parameter('eye', 'string', `Patient.extension.where(url = '${eye}').value`),
			parameter('marital', 'token', 'Patient.maritalStatus'),
			parameter('birth-order', 'number', '(Patient.multipleBirth as integer)'),
			parameter('photographed', 'date', 'Patient.photo.creation'),
			parameter('contact-org', 'reference', 'Patient.contact.organization', { target: ['Organization'] }),
			parameter('-untitled', 'token', 'Patient.photo.where(title.exists()).title'),
			parameter('marital-order', 'composite', 'Patient', {
				component: [
					{ definition: 'http://heron.test/SearchParameter/marital', expression: 'maritalStatus' },
					{ definition: 'http://heron.test/SearchParameter/birth-order', expression: 'multipleBirth' },
				],
			}),
		];
		for (const resource of all.slice(0, -1)) {
			requireSearchable(one.parameters, resource);
			await put(one.ctx, resource);
			await one.parameters.changed();
		}
		await one.parameters.settled();
		requireSearchable(one.parameters, all.at(-1) as Resource);
		await put(one.ctx, all.at(-1) as Resource);
		await one.parameters.changed();
		await one.parameters.settled();
		await put(one.ctx, { resourceType: 'Patient', id: 'd', extension: [{ url: eye, valueString: 'sea blue' }] });
		const cases: [string, string][] = [
			['Patient?eye=sea', 'a d'],
			['Patient?eye:exact=brown', 'b'],
			['Patient?eye:missing=true', 'c'],
			['Patient?eye:missing=false', 'a b d'],
			['Patient?marital=urn:m|M', 'a'],
			['Patient?marital:not=M', 'b c d'],
			['Patient?birth-order=ge2', 'a'],
			['Patient?birth-order:missing=false', 'a'],
			['Patient?photographed=2020', 'b'],
			['Patient?photographed=gt2020-06', 'c'],
			['Patient?contact-org=Organization/o', 'c'],
			['Patient?contact-org.name=house', 'c'],
			['Organization?_has:Patient:contact-org:_id=c', 'o'],
			['Patient?-untitled=x', 'c'],
			['Patient?marital-order=M$2', 'a'],
			['Patient?marital-order=S$2', ''],
		];
		for (const [url, ids] of cases) assert.equal(await found(one.ctx, url), ids, url);
		const sorted = await search(one.ctx, { type: 'Patient', query: '_sort=eye&_include=Patient:contact-org', handling: 'strict' });
		assert.deepEqual(
			sorted.matches.map(({ id }) => id),
			['b', 'd', 'a', 'c'],
		);
		assert.deepEqual(
			sorted.included.map(({ id }) => id),
			['o'],
		);
		const numbers = (await one.parameters.status()).map(({ number, state }) => `${number} ${state}`);
		assert.deepEqual(
			numbers,
			[1000, 1001, 1002, 1003, 1004, 1005, 1006].map((number) => `${number} ready`),
		);
	} finally {
		await one.end();
	}
});

test('every process takes changes over; a parameter that goes and comes back keeps its number', async () => {
	const [one, two] = [await start(), await start()];
	try {
		assert.equal(await found(two.ctx, 'Patient?eye=brown'), 'b');
		await put(one.ctx, { ...parameter('eye', 'string', `Patient.extension.where(url = '${eye}').value`), status: 'retired' });
		await two.parameters.changed();
		await assert.rejects(found(two.ctx, 'Patient?eye=brown'), /search-parameter-unknown/);
		await put(two.ctx, { resourceType: 'Patient', id: 'e', extension: [{ url: eye, valueString: 'brownish' }] });
		await put(one.ctx, parameter('eye', 'string', `Patient.extension.where(url = '${eye}').value`));
		await one.parameters.changed();
		await one.parameters.settled();
		await two.parameters.settled();
		assert.equal(await found(two.ctx, 'Patient?eye=brown'), 'b e');
		assert.equal((await two.parameters.status()).find(({ url }) => url.endsWith('/eye'))?.number, 1000);
		// The expression changes: what was gathered by the old one is gone.
		await put(one.ctx, parameter('eye', 'string', 'Patient.photo.title'));
		await two.parameters.changed();
		await two.parameters.settled();
		await one.parameters.settled();
		assert.equal(await found(one.ctx, 'Patient?eye=brown'), '');
		assert.equal(await found(one.ctx, 'Patient?eye=x'), 'c');
		await one.ctx.fhir.store.write(one.ctx, { type: 'SearchParameter', id: 'eye', op: 'D', resource: null });
		await one.parameters.changed();
		await assert.rejects(found(one.ctx, 'Patient?eye=x'), /search-parameter-unknown/);
	} finally {
		await one.end();
		await two.end();
	}
});

test('until its values are gathered a parameter is unknown; what is interrupted goes on in another process', async () => {
	const idle = await start(false);
	try {
		await put(idle.ctx, parameter('title', 'string', 'Patient.photo.title'));
		await idle.parameters.changed();
		await assert.rejects(found(idle.ctx, 'Patient?title=x'), /search-parameter-unknown/);
		await assert.rejects(found(idle.ctx, 'Patient?_sort=title'), /search-not-supported/);
		assert.deepEqual(
			(await idle.parameters.status()).find(({ url }) => url.endsWith('/title')),
			{ url: 'http://heron.test/SearchParameter/title', number: 1007, state: 'pending', todo: ['Patient'] },
		);
		// Written while the values are still to be gathered.
		await put(idle.ctx, { resourceType: 'Patient', id: 'f', photo: [{ title: 'xylograph' }] });
		await ctx.db.execute(
			raw(
				"INSERT INTO fhir.reindex (type, after_rid, until_rid, done) VALUES ('Patient', 999999999, 999999999, 5) ON CONFLICT (type) DO UPDATE SET after_rid = 999999999, finished_at = NULL",
			),
		);
		const other = await start();
		await other.parameters.settled();
		assert.equal(await found(other.ctx, 'Patient?title=x'), 'c f');
		await other.end();
		await idle.parameters.changed();
		assert.equal(await found(idle.ctx, 'Patient?title=x'), 'c f');
	} finally {
		await idle.end();
	}
});

test('what could not be searched by is refused, and why', async () => {
	const one = await start(false);
	const cases: [Resource, RegExp, string][] = [
		[parameter('p', 'string', 'Patient.name.('), /not valid at position/, 'SearchParameter.expression'],
		[parameter('p', 'string', 'Patient.nmae.family'), /Patient has no element "nmae"/, 'SearchParameter.expression'],
		[parameter('p', 'string', 'Patient.contact.nmae'), /Patient.contact has no element "nmae"/, 'SearchParameter.expression'],
		[parameter('p', 'string', 'Patient.name.frobnicate()'), /frobnicate/, 'SearchParameter.expression'],
		[parameter('p', 'date', 'Patient.name'), /gives HumanName, which a date parameter does not search/, 'SearchParameter.expression'],
		[parameter('gender', 'token', 'Patient.maritalStatus'), /has a parameter "gender" already/, 'SearchParameter.base[0]'],
		[
			parameter('p', 'token', 'Patient.maritalStatus', { base: ['Person', 'Alien'] }),
			/"Alien" is not a resource type/,
			'SearchParameter.base[1]',
		],
		[parameter('a:b', 'token', 'Patient.maritalStatus'), /A code is made of/, 'SearchParameter.code'],
		[parameter('_own', 'token', 'Patient.maritalStatus'), /belong to the specification/, 'SearchParameter.code'],
		[parameter('p', 'special', 'Patient.maritalStatus'), /not supported/, 'SearchParameter.type'],
		[parameter('p', 'token', '', { expression: undefined }), /Without an expression/, 'SearchParameter.expression'],
		[
			parameter('p', 'composite', 'Patient', { component: [{ definition: 'http://nowhere', expression: 'x' }] }),
			/components must be parameters/,
			'SearchParameter.component',
		],
	];
	for (const [resource, text, path] of cases) {
		assert.throws(
			() => requireSearchable(one.parameters, resource),
			(error: { status: number; issues: { path: string; text: string }[] }) =>
				error.status === 422 && text.test(error.issues[0]?.text ?? '') && error.issues[0]?.path === path,
			JSON.stringify(resource),
		);
		assert.deepEqual(one.parameters.check({ ...resource, status: 'draft' }), []);
	}
	assert.deepEqual(
		one.parameters.check(parameter('fine', 'token', 'Patient.name.use | Person.name.use', { base: ['Patient', 'Person'] })),
		[],
	);
	assert.deepEqual(
		one.parameters.check(parameter('gender', 'token', 'Patient.gender', { url: 'http://hl7.org/fhir/SearchParameter/individual-gender' })),
		[],
	);
	await one.end();
});
