// Groups of practitioners beside stored ones: read, found, paged, and only with patients whom the caller may see.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Resource } from '#fhir/resource.ts';
import { testServer } from '#testing/server.ts';

const server = await testServer({ after });
const reading = ['read', 'search'] as const;
server.caller('reader', [{ type: '*', interactions: reading }]);
server.caller('women', [
	{ type: 'Group', interactions: reading },
	{ type: 'Patient', interactions: reading, query: 'gender=female' },
]);
server.caller('groups-only', [{ type: 'Group', interactions: reading }]);
server.caller('own', [{ type: '*', interactions: reading, patient: 'a' }]);

const person = (id: string, gender: string, doctor: string): object => ({
	resourceType: 'Patient',
	id,
	gender,
	generalPractitioner: [{ reference: `Practitioner/${doctor}` }],
});
const record = [
	...['d1', 'd2', 'd3', 'd4'].map((id) => ({ resourceType: 'Practitioner', id, name: [{ given: ['Dr'], family: id.toUpperCase() }] })),
	person('a', 'female', 'd1'),
	person('b', 'male', 'd1'),
	person('c', 'male', 'd2'),
	person('e', 'female', 'd4'),
	{ resourceType: 'Group', id: 'g', type: 'person', actual: true, member: [{ entity: { reference: 'Patient/a' } }] },
	// Hides the one of the practitioner.
	{ resourceType: 'Group', id: 'd4', type: 'person', actual: true, name: 'mine' },
];
for (const one of record as Resource[]) {
	const { status, text } = await server.send('PUT', `${one.resourceType}/${one.id}`, { body: one });
	assert.ok(status < 300, text);
}

type Bundle = { total?: number; link: { relation: string; url: string }[]; entry?: { fullUrl: string; resource: Resource }[] };

async function find(query: string, as = 'reader'): Promise<Bundle> {
	const { status, text } = await server.send('GET', `Group${query}`, { as });
	assert.equal(status, 200, text);
	return JSON.parse(text) as Bundle;
}
const idsOf = ({ entry = [] }: Bundle): string[] => entry.map(({ resource }) => resource.id as string);
const membersOf = (group: Resource | undefined): string[] =>
	((group?.member ?? []) as { entity: { reference: string } }[]).map(({ entity }) => entity.reference);

test('a practitioner’s Group is read by the practitioner’s id, with the patients as members', async () => {
	const { status, json } = await server.send('GET', 'Group/d1', { as: 'reader' });
	assert.equal(status, 200);
	assert.deepEqual(membersOf(json), ['Patient/a', 'Patient/b']);
	assert.deepEqual([json.name, json.quantity, json.actual, json.type], ['Patients of Dr D1', 2, true, 'person']);
	const check = await server.send('POST', 'Group/$validate', { body: json });
	assert.doesNotMatch(check.text, /"severity":"(error|fatal)"/);
	assert.equal((await server.send('GET', 'Group/d4', { as: 'reader' })).json.name, 'mine');
	for (const none of ['d3', 'nobody']) assert.equal((await server.send('GET', `Group/${none}`, { as: 'reader' })).status, 404);
});

const searches: readonly (readonly [string, readonly string[], string?])[] = [
	['', ['d4', 'g', 'd1', 'd2']],
	['?_id=d1,g', ['g', 'd1']],
	['?member=Patient/a', ['g', 'd1']],
	['?patient=a', ['g', 'd1']],
	['?patient=Patient/c', ['d2']],
	['?managing-entity=Practitioner/d2', ['d2']],
	['?type=person&actual=true', ['d4', 'g', 'd1', 'd2']],
	['?type=animal', []],
	['?code=x', []],
	['', ['d4', 'g', 'd1'], 'women'],
	['', ['d4', 'g'], 'groups-only'],
	['', ['g'], 'own'],
];

for (const [query, ids, as = 'reader'] of searches)
	test(`Group${query} as ${as}`, async () => {
		assert.deepEqual(idsOf(await find(query, as)).sort(), [...ids].sort());
	});

test('page by page each comes once; totals count all', async () => {
	const seen: string[] = [];
	let query = '?_count=1&_total=accurate';
	for (;;) {
		const bundle = await find(query);
		assert.equal(bundle.total, 4);
		assert.equal(idsOf(bundle).length, 1);
		seen.push(...idsOf(bundle));
		const next = bundle.link.find(({ relation }) => relation === 'next');
		if (next === undefined) break;
		query = next.url.slice(next.url.indexOf('?'));
	}
	assert.deepEqual(seen.sort(), ['d1', 'd2', 'd4', 'g']);
	assert.equal((await find('?_summary=count')).total, 4);
	assert.deepEqual((await find('?_elements=name&_id=d1')).entry?.[0]?.resource.member, undefined);
});

test('who sees some patients sees those in the Group', async () => {
	assert.deepEqual(membersOf((await server.send('GET', 'Group/d1', { as: 'women' })).json), ['Patient/a']);
	assert.equal((await server.send('GET', 'Group/d2', { as: 'women' })).status, 404);
	assert.equal((await server.send('GET', 'Group/d1', { as: 'own' })).status, 404);
});
