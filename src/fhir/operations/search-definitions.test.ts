import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Resource } from '#fhir/resource.ts';
import { testServer } from '#testing/server.ts';
import { operationDefinitions } from './definitions.ts';

const server = await testServer({ after });
const own = operationDefinitions(server.ctx.fhir).map(({ id }) => id as string);

const stored = {
	resourceType: 'OperationDefinition',
	id: 'x-mine',
	url: 'http://example.org/OperationDefinition/mine',
	name: 'Mine',
	status: 'active',
	kind: 'operation',
	code: 'everything',
	system: false,
	type: true,
	instance: false,
};
assert.equal((await server.send('PUT', 'OperationDefinition/x-mine', { body: stored })).status, 201);

type Page = { total?: number; link: { relation: string; url: string }[]; entry?: { resource: Resource }[] };

async function pageOf(path: string): Promise<Page & { ids: (string | undefined)[]; next: string | undefined }> {
	const answer = await server.send('GET', path);
	assert.equal(answer.status, 200, answer.text);
	const page = answer.json as unknown as Page;
	const next = page.link.find(({ relation }) => relation === 'next')?.url.slice(server.base.length + 1);
	return { ...page, ids: (page.entry ?? []).map(({ resource }) => resource.id), next };
}

const searches: readonly (readonly [query: string, ids: readonly string[]])[] = [
	['_count=100', [...own, 'x-mine']],
	['code=everything', ['Encounter-everything', 'Patient-everything', 'x-mine']],
	['code=everything&url:missing=true', []],
	['code:not=everything&_count=100', own.filter((id) => !id.endsWith('-everything'))],
	['_id=Observation-lastn', ['Observation-lastn']],
	[`url=${server.base}/OperationDefinition/Patient-everything`, ['Patient-everything']],
	['url=http://example.org/OperationDefinition/mine', ['x-mine']],
	['base=http://hl7.org/fhir/OperationDefinition/Observation-lastn', ['Observation-lastn']],
	['name=patient', ['Patient-everything', 'Patient-summary']],
	['name:exact=patienteverything', []],
	['name:contains=everyTHING', ['Encounter-everything', 'Patient-everything']],
	['status=http://hl7.org/fhir/publication-status|retired', []],
	['code=lastn&status=active,draft', ['Observation-lastn']],
	['instance=true&code=lastn', []],
	['_tag=x', []],
];
for (const [query, ids] of searches) {
	test(`OperationDefinition?${query}`, async () => {
		const page = await pageOf(`OperationDefinition?${query}`);
		assert.deepEqual(page.ids, ids);
		assert.equal(page.total, ids.length);
		const posted = await server.send('POST', 'OperationDefinition/_search', {
			body: query,
			headers: { 'content-type': 'application/x-www-form-urlencoded' },
		});
		assert.equal((posted.json as unknown as Page).total, ids.length);
	});
}

test('no page is longer than asked for, and the links lead to all of them', async () => {
	for (const count of [1, 2, 5, own.length, own.length + 1]) {
		const all: (string | undefined)[] = [];
		for (let path: string | undefined = `OperationDefinition?_count=${count}`; path !== undefined; ) {
			const page = await pageOf(path);
			assert.ok(page.ids.length <= count);
			all.push(...page.ids);
			path = page.next;
		}
		assert.deepEqual(all, [...own, 'x-mine'], String(count));
	}
});

test('counts alone, and no others in what else is searched', async () => {
	for (const query of ['_summary=count', '_count=0']) {
		const { total, entry } = await pageOf(`OperationDefinition?${query}`);
		assert.deepEqual([total, entry], [own.length + 1, undefined]);
	}
	assert.deepEqual((await pageOf('OperationDefinition?_elements=code&code=lastn')).entry?.[0]?.resource.description, undefined);
	assert.equal((await server.send('GET', 'constructor')).status, 404);
	assert.equal((await server.send('GET', 'OperationDefinition?_page=own-x')).status, 400);
});
