// From texts to entries: what is opened, which ids come out, and that they are the same every time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Entry, entriesOf } from './entries.ts';

const patient = { resourceType: 'Patient', name: [{ family: 'A' }] };
const bundle = (type: string, ...entry: unknown[]) => ({ resourceType: 'Bundle', type, entry });
const ids = (value: unknown, file = 'x.json', line?: number): (string | undefined)[] =>
	entriesOf(value, file, line).entries.map(({ resource }) => resource.id);
const only = (value: unknown): Entry => {
	const [entry] = entriesOf(value, 'x.json', undefined).entries;
	assert.ok(entry);
	return entry;
};

test('which Bundles are opened', () => {
	for (const type of ['transaction', 'batch', 'collection', 'searchset', 'history'])
		assert.deepEqual(ids(bundle(type, { resource: { ...patient, id: '1' } })), ['1'], type);
	for (const type of ['document', 'message'])
		assert.equal(only({ ...bundle(type, { resource: patient }), id: 'b' }).resource.id, 'b', type);
	const line = (type: string, file: string) =>
		entriesOf({ ...bundle(type, { resource: { ...patient, id: '1' } }), id: 'b' }, file, 3).entries[0]?.resource.id;
	assert.equal(line('transaction', 'x.ndjson'), '1');
	assert.equal(line('collection', 'x.ndjson'), 'b');
	assert.equal(line('transaction', '/out/Bundle.ndjson.gz'), 'b');
	assert.equal(line('transaction', 'x.tar:Bundle.ndjson'), 'b');
});

test('places name file, line and entry', () => {
	assert.equal(only({ ...patient, id: '1' }).place, 'x.json');
	assert.equal(entriesOf({ ...patient, id: '1' }, 'x.ndjson', 7).entries[0]?.place, 'x.ndjson:line 7');
	assert.equal(entriesOf(bundle('batch', { resource: patient }), 'x.ndjson', 7).entries[0]?.place, 'x.ndjson:line 7:entry 0');
});

test('an id is kept, or comes from the fullUrl, or from content and position', () => {
	const uuid = '3F2504E0-4F89-11D3-9A0C-0305E82C3301';
	const withUrl = (fullUrl: string) => only(bundle('transaction', { fullUrl, resource: patient })).resource.id;
	assert.equal(only(bundle('transaction', { fullUrl: 'urn:uuid:x', resource: { ...patient, id: 'own' } })).resource.id, 'own');
	assert.equal(withUrl(`urn:uuid:${uuid}`), uuid.toLowerCase());
	assert.equal(withUrl('http://elsewhere.example/fhir/Patient/77'), '77');
	const made = withUrl('http://elsewhere.example/fhir/Observation/77');
	assert.match(made ?? '', /^[0-9a-f]{40}$/);
	assert.equal(withUrl('http://elsewhere.example/fhir/Observation/77'), made);
	const twice = ids(bundle('collection', { resource: patient }, { resource: patient }));
	assert.notEqual(twice[0], twice[1]);
	assert.notEqual(ids(patient, 'x.ndjson', 1)[0], ids(patient, 'x.ndjson', 2)[0]);
	assert.equal(ids(patient, 'x.ndjson', 1)[0], ids(patient, 'y.ndjson', 1)[0]);
});

test('criteria for which another may stand', () => {
	const criteria = (request: unknown) => only(bundle('transaction', { request, resource: patient })).criteria;
	assert.equal(criteria({ method: 'POST', url: 'Patient', ifNoneExist: 'identifier=a|b' }), 'identifier=a|b');
	assert.equal(criteria({ method: 'PUT', url: 'Patient?identifier=a|b' }), 'identifier=a|b');
	assert.equal(criteria({ method: 'PUT', url: 'Patient/1' }), undefined);
	assert.equal(criteria({ method: 'POST', url: 'Patient' }), undefined);
});

test('what holds nothing to store is left out and named', () => {
	const { entries, leftOut } = entriesOf(
		bundle(
			'transaction',
			{ request: { method: 'GET', url: 'Patient' } },
			{ resource: patient, request: { method: 'DELETE', url: 'Patient/1' } },
			null,
			7,
			{ resource: 'x' },
		),
		'x.json',
		undefined,
	);
	assert.deepEqual(entries, []);
	assert.deepEqual(
		leftOut.map(({ place, code }) => `${place} ${code}`),
		[0, 1, 2, 3, 4].map((n) => `x.json:entry ${n} entry-left-out`),
	);
	for (const value of [null, 7, 'x', [], {}, { resourceType: 7 }])
		assert.equal(entriesOf(value, 'x.json', undefined).leftOut[0]?.code, 'not-a-resource');
});
