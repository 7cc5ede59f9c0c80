// A CCD of our own, brought back to the record that it was made from: nothing in it contradicts the record.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { sampleResources } from '#exchange/documents/testing/sample.ts';
import { testServer } from '#testing/server.ts';

const server = await testServer({ after });
type Part = { readonly name: string; readonly part?: readonly Part[]; readonly [value: string]: unknown };

test('a CCD of our own comes back as what the record says already', async () => {
	// The sample refers to what a caller may not see, too; here all is in the record.
	const whole = JSON.parse(
		JSON.stringify(sampleResources).replace(/,\{"reference":"[A-Za-z]+\/not-visible"\}/g, ''),
	) as typeof sampleResources;
	const entry = whole.map((resource) => ({
		resource,
		request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
	}));
	const stored = await server.send('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
	assert.equal(stored.status, 200, stored.text);
	const patient = sampleResources.find(({ resourceType }) => resourceType === 'Patient') as { id: string };
	const { json } = await server.send('GET', `DocumentReference/$docref?patient=${patient.id}`);
	const [made] = json.entry as { resource: { content: { attachment: { url: string } }[] } }[];
	const url = made?.resource.content[0]?.attachment.url as string;
	const { text } = await server.send('GET', url.slice(url.indexOf('Binary/')), { headers: { accept: 'application/xml' } });
	const taken = await server.send('POST', `DocumentReference/$import-ccda?patient=${patient.id}`, {
		body: Buffer.from(text),
		headers: { 'content-type': 'application/xml' },
	});
	assert.equal(taken.status, 201, taken.text);
	const items = (taken.json.parameter as readonly Part[]).filter(({ name }) => name === 'item');
	const states = items.map(({ part }) => part?.find(({ name }) => name === 'state')?.valueCode);
	assert.ok(states.length > 60);
	assert.deepEqual(new Set(states), new Set(['same']));
});
