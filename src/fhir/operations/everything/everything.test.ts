// Patient/$everything and Encounter/$everything by HTTP.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Resource } from '#fhir/resource.ts';
import { createRandom } from '#testing/random.ts';
import { type Answered, testServer } from '#testing/server.ts';

// What is listed here is listed whole; that writes leave Provenance in the record is told elsewhere (provenance/provenance.test.ts).
const server = await testServer({ after }, { provenance: false });
const subject = { reference: 'Patient/a' };
const text = { text: 'x' };
const reference = (to: string): object => ({ reference: to });

/** Everything that is put into the record, in an order in which nothing refers to what is not there yet. */
const record: Resource[] = [
	{ resourceType: 'Organization', id: 'parent', name: 'Parent' },
	{ resourceType: 'Organization', id: 'clinic', name: 'Clinic', partOf: reference('Organization/parent') },
	{ resourceType: 'Organization', id: 'stranger', name: 'Stranger' },
	{ resourceType: 'Practitioner', id: 'doc', name: [{ family: 'Doc' }] },
	{ resourceType: 'Practitioner', id: 'other', name: [{ family: 'Other' }] },
	{ resourceType: 'Location', id: 'room', name: 'Room', managingOrganization: reference('Organization/clinic') },
	{ resourceType: 'Medication', id: 'pill', code: text },
	{ resourceType: 'Patient', id: 'a', birthDate: '1950-05-05', generalPractitioner: [reference('Practitioner/doc')] },
	{ resourceType: 'Patient', id: 'b', birthDate: '1960-06-06', generalPractitioner: [reference('Practitioner/other')] },
	{
		resourceType: 'Encounter',
		id: 'e1',
		status: 'finished',
		class: { code: 'AMB' },
		subject,
		period: { start: '2020-01-10', end: '2020-01-12' },
		location: [{ location: reference('Location/room') }],
	},
	{ resourceType: 'Encounter', id: 'e2', status: 'finished', class: { code: 'AMB' }, subject, period: { start: '2021-03-01' } },
	{ resourceType: 'Encounter', id: 'eb', status: 'finished', class: { code: 'AMB' }, subject: reference('Patient/b') },
	{ resourceType: 'Condition', id: 'c1', subject, code: text, recordedDate: '2019-01-01', encounter: reference('Encounter/e2') },
	{
		resourceType: 'Observation',
		id: 'o1',
		status: 'final',
		code: text,
		subject,
		effectiveDateTime: '2020-01-10T10:00:00Z',
		encounter: reference('Encounter/e1'),
		performer: [reference('Practitioner/doc')],
	},
	{
		resourceType: 'Observation',
		id: 'o2',
		status: 'final',
		code: text,
		subject,
		effectiveDateTime: '2021',
		encounter: reference('Encounter/e1'),
		focus: [reference('Condition/c1')],
	},
	{ resourceType: 'Observation', id: 'o3', status: 'final', code: text, subject },
	{
		resourceType: 'Observation',
		id: 'ob',
		status: 'final',
		code: text,
		subject: reference('Patient/b'),
		note: [{ text: 'says "reference":"Patient/a"' }],
	},
	{ resourceType: 'Observation', id: 'performed', status: 'final', code: text, subject: reference('Patient/b'), performer: [subject] },
	{
		resourceType: 'MedicationRequest',
		id: 'm1',
		status: 'active',
		intent: 'order',
		subject,
		medicationReference: reference('Medication/pill'),
		authoredOn: '2020-02-02',
	},
	{ resourceType: 'Coverage', id: 'cov', status: 'active', beneficiary: subject, payor: [reference('Organization/stranger')] },
];
const entries = record.map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }));
const stored = await server.send('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry: entries } });
assert.equal(stored.status, 200, stored.text);

type Entry = { fullUrl: string; resource: Resource; search: { mode: string } };
type Shown = { matches: string[]; included: string[]; total: number | undefined; next: string | undefined };

function shown(answer: Answered): Shown {
	assert.equal(answer.status, 200, answer.text);
	const {
		type,
		entry = [],
		link,
		total,
	} = answer.json as Resource & { entry?: Entry[]; link: { relation: string; url: string }[]; total?: number };
	assert.equal(type, 'searchset');
	const names = (mode: string): string[] =>
		entry.filter(({ search }) => search.mode === mode).map(({ resource }) => `${resource.resourceType}/${resource.id}`);
	for (const { fullUrl, resource } of entry) assert.equal(fullUrl, `${server.base}/${resource.resourceType}/${resource.id}`);
	const next = link.find(({ relation }) => relation === 'next')?.url.slice(server.base.length + 1);
	return { matches: names('match'), included: names('include'), total, next };
}

const get = async (path: string, as = 'admin'): Promise<Shown> => shown(await server.send('GET', path, { as }));

const all = [
	'Condition/c1',
	'Coverage/cov',
	'Encounter/e1',
	'Encounter/e2',
	'MedicationRequest/m1',
	'Observation/o1',
	'Observation/o2',
	'Observation/o3',
	'Observation/performed',
	'Patient/a',
];
const around = [
	'Location/room',
	'Medication/pill',
	'Organization/clinic',
	'Organization/parent',
	'Organization/stranger',
	'Practitioner/doc',
];
const without = (names: readonly string[], ...gone: string[]): string[] => names.filter((name) => !gone.includes(name));

test('the whole record of a patient, the patient first, with what it refers to and nothing of others', async () => {
	const { matches, included, total, next } = await get('Patient/a/$everything');
	assert.equal(matches[0], 'Patient/a');
	assert.deepEqual(matches.toSorted(), all);
	assert.deepEqual(included.toSorted(), around);
	assert.equal(total, all.length);
	assert.equal(next, undefined);
});

const narrowed: readonly (readonly [query: string, matches: readonly string[], included: readonly string[] | undefined])[] = [
	[
		'_type=Observation',
		without(all, 'Condition/c1', 'Coverage/cov', 'Encounter/e1', 'Encounter/e2', 'MedicationRequest/m1', 'Patient/a'),
		[],
	],
	['_type=Patient,Practitioner', ['Patient/a'], ['Practitioner/doc']],
	['_type=Patient&_type=Coverage', ['Coverage/cov', 'Patient/a'], []],
	['_type=Practitioner', [], []],
	['start=2020-01-11', without(all, 'Condition/c1', 'Observation/o1'), undefined],
	[
		'start=2021-02-01',
		['Coverage/cov', 'Encounter/e2', 'Observation/o2', 'Observation/o3', 'Observation/performed', 'Patient/a'],
		undefined,
	],
	['end=2020-01-10', without(all, 'Encounter/e2', 'MedicationRequest/m1', 'Observation/o2'), undefined],
	['start=2020-01-01&end=2020-12-31', without(all, 'Condition/c1', 'Encounter/e2', 'Observation/o2'), undefined],
	['_since=2999-01-01T00:00:00Z', [], []],
	['_since=2000-01-01T00:00:00Z', all, around],
];
for (const [query, matches, included] of narrowed) {
	test(`Patient/a/$everything?${query}`, async () => {
		const found = await get(`Patient/a/$everything?${query}`);
		assert.deepEqual(found.matches.toSorted(), matches);
		if (included !== undefined) assert.deepEqual(found.included.toSorted(), included);
	});
}

async function pages(path: string, as = 'admin', between: (page: number) => Promise<void> = async () => undefined): Promise<Shown[]> {
	const read: Shown[] = [];
	for (let next: string | undefined = path; next !== undefined; ) {
		const page: Shown = await get(next, as);
		read.push(page);
		await between(read.length);
		next = page.next;
	}
	return read;
}

for (const count of [1, 2, 3, 7, all.length, 50]) {
	test(`pages of ${count}: each match once, none missing, no empty page, includes where they are referred to`, async () => {
		const read = await pages(`Patient/a/$everything?_count=${count}`);
		assert.deepEqual(read.flatMap(({ matches }) => matches).toSorted(), all);
		for (const { matches } of read.slice(0, -1)) assert.equal(matches.length, count);
		assert.ok((read.at(-1)?.matches.length ?? 0) > 0);
		assert.deepEqual([...new Set(read.flatMap(({ included }) => included))].toSorted(), around);
		assert.equal(read[0]?.total, count >= all.length ? all.length : undefined);
	});
}

test('filters stay with the links, and pages stay right while data come and go', async () => {
	const ids = Array.from({ length: 40 }, (_, i) => `live${i}`);
	const observation = (id: string, day: number): object => ({
		resourceType: 'Observation',
		id,
		status: 'final',
		code: text,
		subject: reference('Patient/p'),
		effectiveDateTime: `2022-01-${String(day).padStart(2, '0')}`,
	});
	await server.send('PUT', 'Patient/p', { body: { resourceType: 'Patient', id: 'p' } });
	for (const [i, id] of ids.entries())
		assert.equal((await server.send('PUT', `Observation/${id}`, { body: observation(id, (i % 28) + 1) })).status, 201);
	const random = createRandom(7);
	const deleted = new Set<string>();
	const read = await pages('Patient/p/$everything?_type=Observation&start=2022-01-01&_count=6', 'admin', async (page) => {
		await server.send('PUT', `Observation/new${page}`, { body: observation(`new${page}`, random.between(1, 28)) });
		const id = random.pick(ids);
		deleted.add(`Observation/${id}`);
		await server.send('DELETE', `Observation/${id}`);
	});
	const seen = read.flatMap(({ matches }) => matches);
	assert.equal(new Set(seen).size, seen.length, 'nothing twice');
	for (const id of ids) assert.ok(seen.includes(`Observation/${id}`) || deleted.has(`Observation/${id}`), id);
});

test('on the type: the records of all patients that the caller may see', async () => {
	const everyone = (await pages('Patient/$everything?_count=4')).flatMap(({ matches }) => matches);
	assert.equal(new Set(everyone).size, everyone.length);
	for (const name of [...all, 'Patient/b', 'Encounter/eb', 'Observation/ob']) assert.ok(everyone.includes(name), name);
	assert.ok(!everyone.some((name) => name.startsWith('Organization/')));
	server.caller('bee', [{ type: '*', interactions: ['read', 'search'], patient: 'b' }]);
	const own = (await pages('Patient/$everything?_count=2', 'bee')).flatMap(({ matches }) => matches);
	assert.deepEqual(own.toSorted(), ['Encounter/eb', 'Observation/ob', 'Observation/performed', 'Patient/b']);
});

test('what the caller may not see is neither matched nor included', async () => {
	server.caller('aa', [{ type: '*', interactions: ['read', 'search'], patient: 'a' }]);
	const found = await get('Patient/a/$everything', 'aa');
	assert.deepEqual(found.matches.toSorted(), all);
	assert.deepEqual(found.included, []);
	assert.equal((await server.send('GET', 'Patient/b/$everything', { as: 'aa' })).status, 404);
	server.caller('some', [
		{ type: 'Patient', interactions: ['read', 'search'] },
		{ type: 'Observation', interactions: ['read', 'search'], query: 'date=ge2021' },
		{ type: 'Practitioner', interactions: ['read', 'search'] },
	]);
	const some = await get('Patient/a/$everything', 'some');
	assert.deepEqual(some.matches.toSorted(), ['Observation/o2', 'Patient/a']);
	assert.deepEqual(some.included, ['Practitioner/doc']);
	server.caller('none', [{ type: 'Practitioner', interactions: ['read', 'search'] }]);
	for (const path of ['Patient/a/$everything', 'Patient/$everything'])
		assert.equal((await server.send('GET', path, { as: 'none' })).status, 403);
});

test('the record of an encounter, with its patient and what else it needs', async () => {
	const { matches, included } = await get('Encounter/e1/$everything');
	assert.equal(matches[0], 'Encounter/e1');
	assert.deepEqual(matches.toSorted(), ['Encounter/e1', 'Observation/o1', 'Observation/o2']);
	assert.deepEqual(included.toSorted(), [
		'Condition/c1',
		'Location/room',
		'Organization/clinic',
		'Organization/parent',
		'Patient/a',
		'Practitioner/doc',
	]);
});

test('by POST with Parameters, as by GET', async () => {
	const body = {
		resourceType: 'Parameters',
		parameter: [
			{ name: '_count', valueInteger: 3 },
			{ name: '_type', valueCode: 'Observation' },
		],
	};
	const { matches, next } = shown(await server.send('POST', 'Patient/a/$everything', { body }));
	assert.equal(matches.length, 3);
	assert.deepEqual((await get(next as string)).matches.length, 1);
});

for (const query of [
	'_count=0',
	'_count=x',
	'_type=Nothing',
	'start=yesterday',
	'_since=2020-13-01',
	'_page=%20',
	'_page=Organization',
	'_page=Observation.AAAAAAAAAAAA',
	'start=2020&start=2021',
]) {
	test(`Patient/a/$everything?${query} is refused`, async () => {
		assert.equal((await server.send('GET', `Patient/a/$everything?${query}`)).status, 400);
	});
}

test('of what is not there', async () => {
	assert.equal((await server.send('GET', 'Patient/nobody/$everything')).status, 404);
	assert.equal((await server.send('GET', 'Observation/o1/$everything')).status, 404);
	assert.equal((await server.send('GET', 'Encounter/$everything')).status, 404);
});
