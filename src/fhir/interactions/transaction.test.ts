// batch and transaction by HTTP. https://hl7.org/fhir/R4/http.html#transaction
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Resource } from '#fhir/resource.ts';
import { testServer } from '#testing/server.ts';

const server = await testServer({ after });

type Line = { fullUrl?: string; resource?: object; request: Record<string, string> };
type Back = { resource?: Resource; response: { status: string; location?: string; etag?: string; outcome?: Resource } };
const bundle = (type: string, ...entry: Line[]) => ({ resourceType: 'Bundle', type, entry });
const post = async (type: string, ...entry: Line[]) => {
	const answer = await server.send('POST', '', { body: bundle(type, ...entry) });
	return { status: answer.status, text: answer.text, outcome: answer.json, entries: (answer.json.entry ?? []) as Back[] };
};
const locate = (entry: Back | undefined): string => entry?.response.location?.split('/_history')[0] ?? '';
const observation = (subject: string, more: object = {}) => ({
	resourceType: 'Observation',
	status: 'final',
	code: { text: 'x' },
	subject: { reference: subject },
	...more,
});
const uuid = (n: number): string => `urn:uuid:00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const totalOf = async (query: string): Promise<number> => Number((await server.send('GET', `${query}&_summary=count`)).json.total);

test('references between entries become those of what was made, wherever links stand', async () => {
	const { status, text, entries } = await post(
		'transaction',
		{
			fullUrl: uuid(2),
			resource: observation(uuid(1), {
				identifier: [{ system: 'urn:ietf:rfc:3986', value: uuid(1) }],
				text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml"><a href="${uuid(1)}">Ann</a></div>` },
				extension: [{ url: 'http://example.org/x', valueUri: uuid(1) }],
			}),
			request: { method: 'POST', url: 'Observation' },
		},
		{ fullUrl: uuid(1), resource: { resourceType: 'Patient' }, request: { method: 'POST', url: 'Patient' } },
	);
	assert.equal(status, 200, text);
	assert.deepEqual(
		entries.map(({ response }) => response.status),
		['201 Created', '201 Created'],
	);
	const patient = locate(entries[1]);
	assert.match(patient, /^Patient\//);
	const made = (await server.send('GET', locate(entries[0]))).json as Resource & {
		subject: object;
		text: { div: string };
		extension: object[];
		identifier: object[];
	};
	assert.deepEqual(made.subject, { reference: patient });
	assert.match(made.text.div, new RegExp(`href="${patient}"`));
	assert.deepEqual(made.extension, [{ url: 'http://example.org/x', valueUri: patient }]);
	assert.deepEqual(made.identifier, [{ system: 'urn:ietf:rfc:3986', value: uuid(1) }]);
});

test('entries with RESTful fullUrls refer to each other relatively', async () => {
	const { status, text, entries } = await post(
		'transaction',
		{
			fullUrl: 'http://other.example/fhir/Patient/7',
			resource: { resourceType: 'Patient', id: '7' },
			request: { method: 'POST', url: 'Patient' },
		},
		{
			fullUrl: 'http://other.example/fhir/Observation/8',
			resource: observation('Patient/7'),
			request: { method: 'POST', url: 'Observation' },
		},
	);
	assert.equal(status, 200, text);
	const made = (await server.send('GET', locate(entries[1]))).json;
	assert.deepEqual(made.subject, { reference: locate(entries[0]) });
});

test('all or nothing: a bad entry leaves no trace of the others and is named', async () => {
	const before = await totalOf('Patient?_lastUpdated=gt2000');
	const { status, outcome } = await post(
		'transaction',
		{ resource: { resourceType: 'Patient', active: true }, request: { method: 'POST', url: 'Patient' } },
		{ resource: { resourceType: 'Patient', gender: 'nonsense' }, request: { method: 'POST', url: 'Patient' } },
	);
	assert.equal(status, 400);
	assert.match((outcome.issue as { expression: string[] }[])[0]?.expression[0] ?? '', /^Bundle\.entry\[1\]\.resource\.gender/);
	assert.equal(await totalOf('Patient?_lastUpdated=gt2000'), before);
	const dangling = await post(
		'transaction',
		{ resource: { resourceType: 'Patient', active: true }, request: { method: 'POST', url: 'Patient' } },
		{ resource: observation('Patient/not-there'), request: { method: 'POST', url: 'Observation' } },
	);
	assert.equal(dangling.status, 422);
	assert.equal(await totalOf('Patient?_lastUpdated=gt2000'), before);
});

test('deletes come first, then creates, updates and patches, then reads that see it all', async () => {
	const made = await post(
		'transaction',
		{ fullUrl: uuid(1), resource: { resourceType: 'Patient' }, request: { method: 'POST', url: 'Patient' } },
		{ fullUrl: uuid(2), resource: observation(uuid(1)), request: { method: 'POST', url: 'Observation' } },
	);
	const [patient, held] = [locate(made.entries[0]), locate(made.entries[1])];
	const lines: Line[] = [
		{ request: { method: 'GET', url: patient } },
		{ request: { method: 'GET', url: 'Patient?identifier=tx-order' } },
		{
			resource: {
				resourceType: 'Parameters',
				parameter: [
					{
						name: 'operation',
						part: [
							{ name: 'type', valueCode: 'replace' },
							{ name: 'path', valueString: 'Patient.active' },
							{ name: 'value', valueBoolean: false },
						],
					},
				],
			},
			request: { method: 'PATCH', url: 'Patient/tx-patched' },
		},
		{
			resource: { resourceType: 'Patient', id: patient.split('/')[1], gender: 'male' },
			request: { method: 'PUT', url: patient, ifMatch: 'W/"1"' },
		},
		{ resource: { resourceType: 'Patient', identifier: [{ value: 'tx-order' }] }, request: { method: 'POST', url: 'Patient' } },
		{ request: { method: 'DELETE', url: held } },
	];
	const early = await post('transaction', ...lines);
	assert.equal(early.status, 404, early.text);
	await server.send('PUT', 'Patient/tx-patched', { body: { resourceType: 'Patient', id: 'tx-patched', active: true } });
	const again = await post('transaction', ...lines);
	assert.equal(again.status, 200, again.text);
	assert.equal(again.entries[0]?.resource?.gender, 'male');
	assert.equal(((again.entries[1]?.resource?.entry ?? []) as unknown[]).length, 1);
	assert.equal(again.entries[2]?.response.etag, 'W/"2"');
	assert.deepEqual(
		again.entries.map(({ response }) => response.status.slice(0, 3)),
		['200', '200', '200', '200', '201', '204'],
	);
	assert.equal((await server.send('GET', held)).status, 410);
});

test('conditional entries and conditional references', async () => {
	const practitioner = { resourceType: 'Practitioner', identifier: [{ system: 'http://npi', value: '1' }] };
	const first = await post('transaction', {
		resource: practitioner,
		request: { method: 'POST', url: 'Practitioner', ifNoneExist: 'identifier=http://npi|1' },
	});
	assert.equal(first.entries[0]?.response.status, '201 Created');
	const { status, text, entries } = await post(
		'transaction',
		{ resource: practitioner, request: { method: 'POST', url: 'Practitioner', ifNoneExist: 'identifier=http://npi|1' } },
		{
			fullUrl: uuid(3),
			resource: { resourceType: 'Organization', identifier: [{ system: 'http://org', value: 'x' }], name: 'X' },
			request: { method: 'POST', url: 'Organization', ifNoneExist: 'identifier=http://org|x' },
		},
		{
			fullUrl: uuid(4),
			resource: { resourceType: 'Organization', identifier: [{ system: 'http://org', value: 'x' }], name: 'X' },
			request: { method: 'POST', url: 'Organization', ifNoneExist: 'identifier=http://org|x' },
		},
		{
			resource: {
				resourceType: 'Patient',
				generalPractitioner: [{ reference: 'Practitioner?identifier=http://npi|1' }, { reference: 'Organization?identifier=http://org|x' }],
				managingOrganization: { reference: uuid(4) },
			},
			request: { method: 'PUT', url: 'Patient?identifier=nobody|0' },
		},
	);
	assert.equal(status, 200, text);
	assert.deepEqual(
		entries.map(({ response }) => response.status.slice(0, 3)),
		['200', '201', '200', '201'],
	);
	assert.equal(locate(entries[0]), locate(first.entries[0]));
	assert.equal(locate(entries[1]), locate(entries[2]));
	const made = (await server.send('GET', locate(entries[3]))).json;
	assert.deepEqual(made.generalPractitioner, [{ reference: locate(first.entries[0]) }, { reference: locate(entries[1]) }]);
	assert.deepEqual(made.managingOrganization, { reference: locate(entries[1]) });
	const nobody = await post('transaction', {
		resource: { resourceType: 'Patient', generalPractitioner: [{ reference: 'Practitioner?identifier=http://npi|none' }] },
		request: { method: 'POST', url: 'Patient' },
	});
	assert.equal(nobody.status, 412);
});

const refusals: readonly (readonly [string, Line[], number])[] = [
	[
		'two entries that write one resource',
		[
			{ resource: { resourceType: 'Patient', id: 'o1' }, request: { method: 'PUT', url: 'Patient/o1' } },
			{ request: { method: 'DELETE', url: 'Patient/o1' } },
		],
		400,
	],
	['no request', [{ resource: { resourceType: 'Patient' } } as never], 400],
	['an unknown method', [{ request: { method: 'BREW', url: 'Patient' } }], 400],
	['an unknown type', [{ resource: { resourceType: 'Patiant' }, request: { method: 'POST', url: 'Patiant' } }], 404],
	['a POST to an id', [{ resource: { resourceType: 'Patient' }, request: { method: 'POST', url: 'Patient/1' } }], 400],
	['no resource', [{ request: { method: 'POST', url: 'Patient' } }], 400],
	['bad encoding', [{ request: { method: 'GET', url: 'Patient/%E0%A4%A' } }], 400],
	[
		'one full URL of two entries',
		[
			{ fullUrl: uuid(1), resource: { resourceType: 'Patient' }, request: { method: 'POST', url: 'Patient' } },
			{ fullUrl: uuid(1), resource: { resourceType: 'Patient' }, request: { method: 'POST', url: 'Patient' } },
		],
		400,
	],
	['a reference to no entry', [{ resource: observation(uuid(9)), request: { method: 'POST', url: 'Observation' } }], 422],
	['a bad parameter', [{ request: { method: 'GET', url: 'Patient?_count=many' } }], 400],
	['another type than that of its address', [{ resource: { resourceType: 'Patient' }, request: { method: 'POST', url: 'Group' } }], 400],
	[
		'a stale version',
		[{ resource: { resourceType: 'Patient', id: 'o2' }, request: { method: 'PUT', url: 'Patient/o2', ifMatch: 'W/"5"' } }],
		412,
	],
];
for (const [name, entries, status] of refusals) {
	test(`a transaction with ${name} is refused with ${status}`, async () => {
		const answer = await post('transaction', ...entries);
		assert.equal(answer.status, status, answer.text);
		assert.match(
			(answer.outcome.issue as { expression?: string[] }[])[0]?.expression?.[0] ?? '',
			/^Bundle\.entry\[\d\](\.(request|fullUrl|resource)(\.\w+)*)?$/,
		);
	});
}

test('a Bundle that is kept is not asked for what its entries refer to', async () => {
	const kept = bundle('collection', { fullUrl: uuid(2), resource: observation(uuid(1)) } as never);
	const { status, text } = await post('transaction', { resource: kept, request: { method: 'POST', url: 'Bundle' } });
	assert.equal(status, 200, text);
});

test('a batch does what it can and says of each entry how it went', async () => {
	const { status, entries } = await post(
		'batch',
		{ resource: { resourceType: 'Patient', active: true }, request: { method: 'POST', url: 'Patient' } },
		{ resource: { resourceType: 'Patient', gender: 'nonsense' }, request: { method: 'POST', url: 'Patient' } },
		{ request: { method: 'GET', url: 'Patient/none' } },
		{ request: { method: 'GET', url: 'Patient?_count=1' } },
		{ request: { method: 'GET', url: 'metadata' } },
		{ resource: { resourceType: 'Patient' }, request: { method: 'POST', url: 'Patient/$validate' } },
		{ request: { method: 'GET', url: 'nonsense/1/2/3/4' } },
		{ request: { method: 'POST', url: 'Patient/_search?_count=1' } },
	);
	assert.equal(status, 200);
	assert.deepEqual(
		entries.map(({ response }) => response.status.slice(0, 3)),
		['201', '400', '404', '200', '200', '200', '404', '200'],
	);
	assert.equal(entries[1]?.response.outcome?.resourceType, 'OperationOutcome');
	assert.equal(entries[3]?.resource?.resourceType, 'Bundle');
	assert.equal(entries[4]?.resource?.resourceType, 'CapabilityStatement');
	assert.equal(entries[5]?.resource?.resourceType, 'OperationOutcome');
});

test('a transaction of 10,000 entries', async () => {
	const entries: Line[] = [
		{
			fullUrl: uuid(1),
			resource: { resourceType: 'Patient', identifier: [{ value: 'ten-thousand' }] },
			request: { method: 'POST', url: 'Patient' },
		},
	];
	for (let i = 1; i < 10_000; i++)
		entries.push({ fullUrl: uuid(i + 1), resource: observation(uuid(1)), request: { method: 'POST', url: 'Observation' } });
	const { status, entries: answers } = await post('transaction', ...entries);
	assert.equal(status, 200);
	assert.equal(answers.length, 10_000);
	assert.equal(await totalOf(`Observation?subject=${locate(answers[0])}`), 9999);
});

test('an empty bundle is fine', async () => {
	assert.equal((await server.send('POST', '', { body: { resourceType: 'Bundle', type: 'transaction' } })).status, 200);
	assert.equal((await server.send('POST', '', { body: { resourceType: 'Bundle', type: 'batch', entry: [] } })).status, 200);
});
