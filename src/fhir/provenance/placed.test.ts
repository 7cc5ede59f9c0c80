// Whose record a Provenance that a client sends is part of: that of the patient whom its targets are about, whatever it says itself.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { patientGrants } from '#access/roles.ts';
import type { Resource } from '#fhir/resource.ts';
import { checkIndexes } from '#fhir/store/check.ts';
import { type Answered, testServer } from '#testing/server.ts';
import { patientUrl } from './draft.ts';

const server = await testServer({ after });
for (const who of ['p', 'q']) {
	await put({ resourceType: 'Patient', id: who, name: [{ family: who }] });
	await put(condition(`of-${who}`, who));
	server.caller(who, patientGrants([who]), 'patient', { fhirUser: `Patient/${who}` });
}
await put({ resourceType: 'Organization', id: 'o', name: 'Lakeside' });
await put(condition('moved', 'p'));
await put(condition('moved', 'q'));
await put(condition('gone', 'p'));
await server.send('DELETE', 'Condition/gone');

async function put(resource: Resource): Promise<void> {
	const { status, text } = await server.send('PUT', `${resource.resourceType}/${resource.id}`, { body: resource });
	assert.ok(status < 300, text);
}

function condition(id: string, patient: string): Resource {
	return { resourceType: 'Condition', id, subject: { reference: `Patient/${patient}` }, code: { text: 'cough' } };
}

function provenance(targets: readonly string[], said?: string): Resource {
	return {
		resourceType: 'Provenance',
		...(said === undefined ? {} : { extension: [{ url: patientUrl, valueReference: { reference: `Patient/${said}` } }] }),
		target: targets.map((reference) => ({ reference })),
		recorded: '2026-01-02T03:04:05Z',
		agent: [{ who: { display: 'Somebody elsewhere' } }],
	};
}

async function seenBy(id: string): Promise<string> {
	const seen: string[] = [];
	for (const who of ['p', 'q']) {
		const { status } = await server.send('GET', `Provenance/${id}`, { as: who });
		if (status === 200) seen.push(who);
	}
	return seen.join(' ');
}

const idOf = ({ status, text, json }: Answered): string => {
	assert.ok(status < 300, text);
	return (json as { id: string }).id;
};

const cases: readonly (readonly [targets: readonly string[], said: string | undefined, seen: string])[] = [
	[['Condition/of-p'], undefined, 'p'],
	[['Condition/of-p/_history/1'], undefined, 'p'],
	[[`${server.ctx.fhir.base}/Condition/of-p`], undefined, 'p'],
	[['Condition/of-p'], 'p', 'p'],
	[['Condition/of-p'], 'q', 'p'],
	[['Condition/of-p', 'Organization/o'], undefined, 'p'],
	[['Patient/p'], undefined, 'p'],
	[['Patient/p', 'Condition/of-p'], 'q', 'p'],
	[['Condition/of-p', 'Condition/of-q'], undefined, ''],
	[['Condition/of-p', 'Condition/of-q'], 'p', ''],
	[['Condition/moved'], undefined, 'q'],
	[['Condition/moved/_history/1'], undefined, 'p'],
	[['Condition/gone/_history/2'], undefined, 'p'],
	[['Organization/o'], 'p', ''],
	[['https://elsewhere.test/Condition/1'], undefined, ''],
	[['https://elsewhere.test/Condition/1'], 'q', 'q'],
];
for (const [targets, said, seen] of cases) {
	test(`about ${targets.join(' and ')}${said === undefined ? '' : `, said to be of ${said}`}: seen by ${seen || 'nobody'}`, async () => {
		const id = idOf(await server.send('POST', 'Provenance', { body: provenance(targets, said) }));
		assert.equal(await seenBy(id), seen);
		await put({ ...provenance(['Condition/of-q'], said), id });
		assert.equal(await seenBy(id), 'q', 'and when it is changed');
	});
}

test('what else is in its extensions stays', async () => {
	const other = { url: 'urn:x:other', valueString: 'kept' };
	const body = { ...provenance(['Condition/of-p']), extension: [other, { url: patientUrl, valueReference: { reference: 'Patient/q' } }] };
	const { json } = await server.send('POST', 'Provenance', { body });
	assert.deepEqual(json.extension, [other, { url: patientUrl, valueReference: { reference: 'Patient/p' } }]);
});

for (const type of ['transaction', 'batch'] as const) {
	test(`in a ${type}, also about what the same Bundle writes, found by criteria or not`, async () => {
		await put({ resourceType: 'Patient', id: 'p', name: [{ family: 'p' }], identifier: [{ system: 'urn:p', value: '1' }] });
		const reference = type === 'batch' ? 'Patient/p' : 'Patient?identifier=urn:p|1';
		const entry = [
			{ resource: provenance(['Condition/plain']), request: { method: 'POST', url: 'Provenance' } },
			{ resource: provenance(['Condition/found']), request: { method: 'POST', url: 'Provenance' } },
			{ resource: condition('plain', 'p'), request: { method: 'PUT', url: 'Condition/plain' } },
			{
				resource: { ...condition('found', 'p'), subject: { reference } },
				request: { method: 'PUT', url: 'Condition/found' },
			},
		];
		const { status, json, text } = await server.send('POST', '', {
			body: { resourceType: 'Bundle', type, entry: type === 'batch' ? entry.toReversed() : entry },
		});
		assert.equal(status, 200, text);
		const places = (json.entry as { response: { location: string } }[]).map(({ response }) => response.location);
		const ids = places.filter((place) => place.startsWith('Provenance/')).map((place) => place.split('/')[1] as string);
		assert.equal(ids.length, 2);
		for (const id of ids) assert.equal(await seenBy(id), 'p');
	});
}

test('in the header of a write', async () => {
	const { target: _, ...header } = provenance([]);
	const { json } = await server.send('POST', 'Condition', {
		body: { resourceType: 'Condition', subject: { reference: 'Patient/q' }, code: { text: 'cold' } },
		headers: { 'x-provenance': JSON.stringify(header) },
	});
	const { json: found } = await server.send('GET', `Provenance?target=Condition/${json.id}`, { as: 'q' });
	assert.equal((found.entry as unknown[]).length, 1);
});

test('who may only write of one patient cannot put it into the record of another', async () => {
	server.caller('app', [{ type: '*', interactions: ['create', 'read', 'search', 'update'], patient: 'p' }]);
	const by = (targets: readonly string[], said?: string) =>
		server.send('POST', 'Provenance', { as: 'app', body: provenance(targets, said) }).then(({ status }) => status);
	assert.deepEqual([await by(['Condition/of-p']), await by(['Condition/of-q'], 'p'), await by(['Condition/of-q'])], [201, 403, 403]);
});

test('index rows are what the stored resources have', async () => {
	const report = await checkIndexes(server.ctx.db, server.ctx.fhir.store, server.ctx.fhir.definitions, { references: true });
	assert.deepEqual(report.damage, []);
});
