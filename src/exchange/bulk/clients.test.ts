// Exports as clients ask for them that are not ours: Inferno's kits for Bulk Data and (g)(10), and SMART's bulk-data-client. What they send in
// headers and bodies, and what they look at in answers. https://hl7.org/fhir/uv/bulkdata/STU2/export.html
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answered, type Sent, testServer } from '#testing/server.ts';

const server = await testServer({ after });
server.caller('service', [{ type: '*', interactions: ['read', 'search'] }], 'system');
const members = ['p1', 'p2'];
const resources = [
	...['p1', 'p2', 'p3'].map((id) => ({ resourceType: 'Patient', id, name: [{ family: id }] })),
	{
		resourceType: 'Group',
		id: 'g',
		type: 'person',
		actual: true,
		member: members.map((id) => ({ entity: { reference: `Patient/${id}` } })),
	},
];
for (const body of resources) assert.ok((await server.send('PUT', `${body.resourceType}/${body.id}`, { body })).status < 300);

const ask = (method: string, path: string, headers: Record<string, string>, body?: string): Promise<Answered> => {
	const sent: Sent = { as: 'service', headers, ...(body === undefined ? {} : { body }) };
	return server.send(method, path, sent);
};
const kickOffHeaders = { accept: 'application/fhir+json', prefer: 'respond-async' };
const json = { accept: 'application/json' };

/** The path of the status, as Content-Location names it. */
function place({ status, headers, text }: Answered): string {
	assert.equal(status, 202, text);
	const address = headers.get('content-location') ?? '';
	assert.ok(address.startsWith(`${server.base}/`), address);
	return address.slice(server.base.length + 1);
}

type Manifest = { readonly requiresAccessToken: boolean; readonly output: readonly { readonly type: string; readonly url: string }[] };

async function manifestAt(path: string): Promise<Manifest> {
	for (;;) {
		const { status, headers, text, json: body } = await ask('GET', path, json);
		if (status === 200) {
			assert.match(headers.get('content-type') ?? '', /application\/json/);
			for (const name of ['transactionTime', 'request', 'requiresAccessToken', 'output', 'error']) assert.ok(name in body, name);
			return body as unknown as Manifest;
		}
		assert.equal(status, 202, text);
		assert.ok(Number(headers.get('retry-after')) >= 1);
		await sleep(Number(headers.get('retry-after')) * 1000);
	}
}

async function cancel(path: string): Promise<void> {
	assert.equal((await ask('DELETE', path, json)).status, 202);
	const { status, json: outcome } = await ask('GET', path, json);
	assert.equal(status, 404);
	assert.equal(outcome.resourceType, 'OperationOutcome');
	const wrong = server.ctx.fhir.validator.validate(outcome).filter(({ severity }) => severity === 'error');
	assert.deepEqual(wrong, []);
}

test('a Group: kick-off, status, files with the token only, exactly the members', async () => {
	assert.equal((await server.send('GET', 'Group/g/$export', { as: 'nobody', headers: kickOffHeaders })).status, 401);
	const { output, requiresAccessToken } = await manifestAt(place(await ask('GET', 'Group/g/$export', kickOffHeaders)));
	assert.equal(requiresAccessToken, true);
	const [file] = output.filter(({ type }) => type === 'Patient');
	assert.ok(file !== undefined && URL.canParse(file.url));
	const path = file.url.slice(server.base.length + 1);
	const accept = { accept: 'application/fhir+ndjson' };
	assert.equal((await server.send('GET', path, { as: 'nobody', headers: accept })).status, 401);
	for (const headers of [
		accept,
		{ accept: 'application/ndjson' },
		{ accept: '*/*' },
		json,
		{ 'accept-encoding': 'gzip, deflate, br, identity' },
	]) {
		const answer = await ask('GET', path, headers as Record<string, string>);
		assert.deepEqual([answer.status, answer.headers.get('content-type')?.startsWith('application/fhir+ndjson')], [200, true]);
		const lines = answer.text.trim().split('\n');
		assert.deepEqual(lines.map((line) => (JSON.parse(line) as { id: string }).id).toSorted(), members);
	}
});

const parameters = (...parameter: object[]): string => JSON.stringify({ resourceType: 'Parameters', parameter });

const asked: readonly (readonly [string, string, Record<string, string>, string?])[] = [
	['every type accepted', 'Patient/$export', { prefer: 'respond-async', accept: '*/*' }],
	['plain JSON accepted', 'Patient/$export', { prefer: 'respond-async', accept: 'application/json' }],
	['lenient handling', 'Patient/$export?_typo=1&_type=Patient', { ...kickOffHeaders, prefer: 'respond-async, handling=lenient' }],
	['Prefer in two parts', '$export', { ...kickOffHeaders, prefer: 'handling=lenient,respond-async' }],
	...['application/fhir+ndjson', 'application%2Ffhir%2Bndjson', 'application/ndjson', 'ndjson'].map(
		(format) => [`_outputFormat=${format}`, `Group/g/$export?_outputFormat=${format}`, kickOffHeaders] as const,
	),
	...['2021-01-01T00:00:00Z', '2021-01-01T00:00:00.000+00:00', '2021-01-01T00:00:00.123%2B05:30', '2021-01-01T00:00:00.0-04:00'].map(
		(since) => [`_since=${since}`, `Group/g/$export?_since=${since}`, kickOffHeaders] as const,
	),
	[
		'a body of plain JSON',
		'Patient/$export',
		{ ...kickOffHeaders, 'content-type': 'application/json' },
		parameters(
			{ name: '_since', valueInstant: '2021-01-01T00:00:00.000Z' },
			{ name: '_type', valueString: 'Patient' },
			{ name: '_type', valueString: 'Observation' },
			{ name: '_elements', valueString: 'id,meta' },
			{ name: 'patient', valueReference: { reference: 'Patient/p1' } },
			{ name: 'patient', valueReference: { reference: `${server.base}/Patient/p2` } },
			{ name: '_typeFilter', valueString: 'Observation?status=final' },
			{ name: '_outputFormat', valueString: 'application/fhir+ndjson' },
			{ name: 'includeAssociatedData', valueString: 'LatestProvenanceResources' },
		),
	],
	['a body without parameters', 'Group/g/$export', { ...kickOffHeaders, 'content-type': 'application/fhir+json' }, parameters()],
	['a POST without a body', 'Patient/$export', kickOffHeaders, ''],
];

for (const [name, path, headers, body] of asked)
	test(`taken and cancelled: ${name}`, async () => {
		await cancel(place(await ask(body === undefined ? 'GET' : 'POST', path, headers, body)));
	});
