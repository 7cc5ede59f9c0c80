// Conditional create, update, patch and delete by HTTP. https://hl7.org/fhir/R4/http.html#cond-update
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testServer } from '#testing/server.ts';

const server = await testServer({ after });

const system = 'http://example.org/mrn';
const patient = (value: string, more: object = {}) => ({ resourceType: 'Patient', identifier: [{ system, value }], ...more });
const criteria = (value: string): string => `identifier=${encodeURIComponent(`${system}|${value}`)}`;
const countOf = async (value: string): Promise<number> =>
	((await server.send('GET', `Patient?${criteria(value)}&_summary=count`)).json as unknown as { total: number }).total;

test('If-None-Exist: creates once, then gives what is there, and refuses when it is ambiguous', async () => {
	const post = (value: string) => server.send('POST', 'Patient', { body: patient(value), headers: { 'if-none-exist': criteria(value) } });
	const first = await post('c1');
	assert.equal(first.status, 201);
	const second = await post('c1');
	assert.equal(second.status, 200);
	assert.equal(second.json.id, first.json.id);
	await server.send('POST', 'Patient', { body: patient('c1') });
	assert.equal((await post('c1')).status, 412);
	const wrong = await server.send('POST', 'Patient', { body: patient('c1'), headers: { 'if-none-exist': 'nonsense=1' } });
	assert.equal(wrong.status, 400);
	const empty = await server.send('POST', 'Patient', { body: patient('c1'), headers: { 'if-none-exist': '' } });
	assert.equal(empty.status, 400);
});

test('150 clients that create the same patient at once make one, and none of them sees an error', async () => {
	const post = () => server.send('POST', 'Patient', { body: patient('crowd'), headers: { 'if-none-exist': criteria('crowd') } });
	const answers = await Promise.all(Array.from({ length: 150 }, post));
	assert.equal(answers.filter(({ status }) => status === 201).length, 1);
	assert.equal(answers.filter(({ status }) => status === 200).length, 149);
	assert.equal(new Set(answers.map(({ json }) => json.id)).size, 1);
	assert.equal(await countOf('crowd'), 1);
});

test('150 clients that create 50 patients by conditional updates and creates make 50', async () => {
	const work = Array.from({ length: 150 }, (_, i) => {
		const value = `many-${i % 50}`;
		return i % 2 === 0
			? server.send('POST', 'Patient', { body: patient(value), headers: { 'if-none-exist': criteria(value) } })
			: server.send('PUT', `Patient?${criteria(value)}`, { body: patient(value) });
	});
	const statuses = new Set((await Promise.all(work)).map(({ status }) => status));
	assert.deepEqual(
		[...statuses].filter((status) => status !== 200 && status !== 201),
		[],
	);
	for (let i = 0; i < 50; i++) assert.equal(await countOf(`many-${i}`), 1);
});

test('conditional update: creates, updates the one match, takes an id of the client’s, refuses several', async () => {
	const put = (value: string, more: object = {}) => server.send('PUT', `Patient?${criteria(value)}`, { body: patient(value, more) });
	const created = await put('u1');
	assert.equal(created.status, 201);
	const updated = await put('u1', { gender: 'male' });
	assert.equal(updated.status, 200);
	assert.equal(updated.json.id, created.json.id);
	assert.equal(updated.json.meta?.versionId, '2');
	assert.equal((await put('u1', { id: 'another' })).status, 400);
	const named = await put('u2', { id: 'named-by-client' });
	assert.equal(named.status, 201);
	assert.equal(named.json.id, 'named-by-client');
	await server.send('POST', 'Patient', { body: patient('u1') });
	assert.equal((await put('u1')).status, 412);
});

test('conditional patch: the one match, 404 for none, 412 for several', async () => {
	const patch = (value: string) =>
		server.send('PATCH', `Patient?${criteria(value)}`, {
			body: JSON.stringify([{ op: 'add', path: '/gender', value: 'female' }]),
			headers: { 'content-type': 'application/json-patch+json' },
		});
	assert.equal((await patch('p1')).status, 404);
	await server.send('POST', 'Patient', { body: patient('p1') });
	const patched = await patch('p1');
	assert.equal(patched.status, 200);
	assert.equal(patched.json.gender, 'female');
	await server.send('POST', 'Patient', { body: patient('p1') });
	assert.equal((await patch('p1')).status, 412);
});

test('conditional delete takes everything that matches, in one transaction', async () => {
	for (let i = 0; i < 3; i++) await server.send('POST', 'Patient', { body: patient('d1') });
	assert.equal((await server.send('DELETE', `Patient?${criteria('d1')}`)).status, 200);
	assert.equal(await countOf('d1'), 0);
	assert.equal((await server.send('DELETE', `Patient?${criteria('d1')}`)).status, 200);
});

test('what is referred to is not deleted, and what does not exist is not referred to', async () => {
	const made = await server.send('POST', 'Patient', { body: patient('r1') });
	const observation = {
		resourceType: 'Observation',
		status: 'final',
		code: { text: 'x' },
		subject: { reference: `Patient/${made.json.id}` },
	};
	const held = await server.send('POST', 'Observation', { body: observation });
	assert.equal(held.status, 201);
	assert.equal((await server.send('DELETE', `Patient/${made.json.id}`)).status, 409);
	assert.equal((await server.send('DELETE', `Patient?${criteria('r1')}`)).status, 409);
	await server.send('DELETE', `Observation/${held.json.id}`);
	assert.equal((await server.send('DELETE', `Patient/${made.json.id}`)).status, 200);
	const dangling = await server.send('POST', 'Observation', { body: observation });
	assert.equal(dangling.status, 422);
});
