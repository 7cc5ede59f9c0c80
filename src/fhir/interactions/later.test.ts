// Bundles answered later, by HTTP. https://hl7.org/fhir/R4/async.html
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answered, testServer } from '#testing/server.ts';

const server = await testServer({ after });
server.caller('other', [{ type: '*', interactions: ['read', 'search'], patient: 'x' }]);

async function finished(location: string | null): Promise<Answered> {
	const path = (location ?? '').slice(server.base.length + 1);
	for (let i = 0; i < 200; i++) {
		const answer = await server.send('GET', path);
		if (answer.status !== 202) return answer;
		assert.ok(answer.headers.get('x-progress'));
		await sleep(25);
	}
	throw new Error('the job did not end');
}

const entry = (family: string) => ({
	resource: { resourceType: 'Patient', name: [{ family }] },
	request: { method: 'POST', url: 'Patient' },
});
const later = (body: object, as = 'admin') => server.send('POST', '', { as, body, headers: { prefer: 'respond-async' } });
const totalOf = async (family: string): Promise<unknown> =>
	(await server.send('GET', `Patient?family=${family}&_summary=count`)).json.total;

test('a batch is taken at once and answered later, entry by entry', async () => {
	const bad = { resource: { resourceType: 'Patient', gender: 'nonsense' }, request: { method: 'POST', url: 'Patient' } };
	const taken = await later({
		resourceType: 'Bundle',
		type: 'batch',
		entry: [entry('Later'), bad, { request: { method: 'GET', url: 'Patient?family=Later' } }],
	});
	assert.equal(taken.status, 202);
	const { status, json } = await finished(taken.headers.get('content-location'));
	assert.equal(status, 200);
	assert.equal(json.type, 'batch-response');
	const statuses = (json.entry as { response: { status: string } }[]).map(({ response }) => response.status.slice(0, 3));
	assert.deepEqual(statuses, ['201', '400', '200']);
	assert.equal(await totalOf('Later'), 1);
});

test('a transaction that cannot be done fails as it would have at once', async () => {
	const bad = { resource: { resourceType: 'Patient', gender: 'nonsense' }, request: { method: 'POST', url: 'Patient' } };
	const taken = await later({ resourceType: 'Bundle', type: 'transaction', entry: [entry('Never'), bad] });
	assert.equal(taken.status, 202);
	const { status } = await finished(taken.headers.get('content-location'));
	assert.equal(status, 400);
	assert.equal(await totalOf('Never'), 0);
	const good = await later({ resourceType: 'Bundle', type: 'transaction', entry: [entry('Both'), entry('Both')] });
	assert.equal((await finished(good.headers.get('content-location'))).json.type, 'transaction-response');
	assert.equal(await totalOf('Both'), 2);
});

test('nobody else sees the answer; it can be thrown away', async () => {
	const taken = await later({ resourceType: 'Bundle', type: 'batch', entry: [entry('Mine')] });
	const path = (taken.headers.get('content-location') ?? '').slice(server.base.length + 1);
	await finished(taken.headers.get('content-location'));
	assert.equal((await server.send('GET', path, { as: 'other' })).status, 404);
	assert.equal((await server.send('DELETE', path)).status, 202);
	assert.equal((await server.send('GET', path)).status, 404);
});
