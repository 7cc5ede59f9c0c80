// $validate, $convert, $versions and OperationDefinitions by HTTP.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Resource } from '#fhir/resource.ts';
import { type Answered, testServer } from '#testing/server.ts';

const server = await testServer({ after });
server.caller('reader', [{ type: 'Patient', interactions: ['read', 'search'] }]);
for (const body of [
	{ resourceType: 'Patient', id: 'p1', name: [{ family: 'Right' }] },
	{ resourceType: 'Patient', id: 'lonely' },
	{ resourceType: 'Observation', id: 'o1', status: 'final', code: { text: 'x' }, subject: { reference: 'Patient/p1' } },
]) {
	assert.equal((await server.send('PUT', `${body.resourceType}/${body.id}`, { body })).status, 201);
}

type Found = { severity: string; code: string; details: { coding: [{ code: string }]; text: string }; expression?: string[] };

function errorsOf(answer: Answered): string[] {
	assert.equal(answer.status, 200, answer.text);
	assert.equal(answer.json.resourceType, 'OperationOutcome');
	return (answer.json.issue as Found[]).filter(({ severity }) => severity === 'error').map(({ details }) => details.coding[0].code);
}

const patient = { resourceType: 'Patient', name: [{ family: 'Right' }] };
const wrong = { ...patient, gender: 'unsure' };
const parameters = (resource: object | undefined, ...others: object[]): object => ({
	resourceType: 'Parameters',
	parameter: [...(resource === undefined ? [] : [{ name: 'resource', resource }]), ...others],
});
const mode = (valueCode: string): object => ({ name: 'mode', valueCode });
const usCore = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient';

const cases: readonly (readonly [what: string, method: string, path: string, body: object | undefined, errors: readonly string[]])[] = [
	['a right resource on its type', 'POST', 'Patient/$validate', patient, []],
	['a right resource on the system', 'POST', '$validate', patient, []],
	['a wrong code', 'POST', 'Patient/$validate', wrong, ['binding-required']],
	['a resource in Parameters', 'POST', 'Patient/$validate', parameters(wrong), ['binding-required']],
	['another type than that of the address', 'POST', 'Observation/$validate', patient, ['resource-type']],
	['a stored resource by GET', 'GET', 'Patient/p1/$validate', undefined, []],
	['a stored resource against a profile by GET', 'GET', `Patient/p1/$validate?profile=${usCore}`, undefined, ['profile-cardinality-min']],
	[
		'a profile in the query',
		'POST',
		`Patient/$validate?profile=${usCore}`,
		{ ...patient, gender: 'male', identifier: [{ system: 'urn:x', value: '1' }] },
		[],
	],
	[
		'a profile of another type',
		'POST',
		'Patient/$validate?profile=http://hl7.org/fhir/StructureDefinition/bodyheight',
		patient,
		['profile-type'],
	],
	['create of what is right', 'POST', 'Patient/$validate?mode=create', patient, []],
	[
		'create with a reference to nothing',
		'POST',
		'Observation/$validate',
		parameters(
			{ resourceType: 'Observation', status: 'final', code: { text: 'x' }, subject: { reference: 'Patient/nobody' } },
			mode('create'),
		),
		['reference-not-found'],
	],
	['update of what is right', 'POST', 'Patient/p1/$validate', parameters({ ...patient, id: 'p1' }, mode('update')), []],
	['update with another id', 'POST', 'Patient/p1/$validate', parameters({ ...patient, id: 'p2' }, mode('update')), ['id-mismatch']],
	['profile, of what is stored', 'POST', `Patient/p1/$validate?mode=profile&profile=${usCore}`, patient, ['profile-cardinality-min']],
	['delete of what nothing refers to', 'POST', 'Patient/lonely/$validate?mode=delete', undefined, []],
	['delete of what is referred to', 'POST', 'Patient/p1/$validate', parameters(undefined, mode('delete')), ['still-referenced']],
	[
		'a Parameters resource is checked itself',
		'POST',
		'Parameters/$validate',
		{ resourceType: 'Parameters', parameter: [{ name: 'x' }] },
		['invariant'],
	],
];
for (const [what, method, path, body, errors] of cases) {
	test(`$validate: ${what}`, async () => {
		assert.deepEqual(errorsOf(await server.send(method, path, { body })), errors);
	});
}

test('a right resource is answered with one issue that says so, and warnings are told', async () => {
	const { json } = await server.send('POST', 'Patient/$validate', {
		body: { ...patient, text: { status: 'empty', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' } },
	});
	assert.deepEqual(
		(json.issue as Found[]).map(({ severity, code }) => [severity, code]),
		[['information', 'informational']],
	);
});

test('nothing is changed by a rehearsal', async () => {
	const all = async (): Promise<string> => (await server.send('GET', '_history')).json.entry?.toString() ?? '';
	const before = await all();
	await server.send('POST', 'Patient/$validate?mode=create', { body: patient });
	await server.send('POST', 'Patient/lonely/$validate?mode=delete');
	assert.equal((await server.send('GET', 'Patient/lonely')).status, 200);
	assert.equal(await all(), before);
});

test('a rehearsal tells what the caller may not do', async () => {
	const as = 'reader';
	assert.deepEqual(errorsOf(await server.send('POST', 'Patient/$validate?mode=create', { as, body: patient })), ['not-permitted']);
	assert.deepEqual(errorsOf(await server.send('POST', 'Patient/lonely/$validate?mode=delete', { as })), ['not-permitted']);
	assert.equal((await server.send('GET', 'Observation/o1/$validate', { as })).status, 403);
});

const refused: readonly (readonly [path: string, body: unknown, status: number])[] = [
	['Patient/$validate', undefined, 400],
	['Patient/$validate', '{"resourceType":"Patient"', 415],
	['Patient/$validate?mode=guess', patient, 400],
	['Patient/$validate?mode=update', patient, 400],
	['Patient/$validate?mode=profile', patient, 400],
	['Patient/$validate?mode=create&mode=update', patient, 400],
	['Patient/$validate?profile=http://example.org/unknown', patient, 422],
	['Patient/nobody/$validate?mode=delete', undefined, 404],
	['Patient/$validate', { resourceType: 'Parameters', parameter: [{ name: 'resource', resource: 'x' }] }, 400],
	['Patient/$validate', { resourceType: 'Parameters', parameter: 'x' }, 400],
	['Patient/$validate', { resourceType: 'Parameters', parameter: [null, { name: 'mode', valueCoding: {} }] }, 400],
	['Unknown/$validate', patient, 404],
];
for (const [path, body, status] of refused) {
	test(`${path} with ${JSON.stringify(body)?.slice(0, 80)} is ${status}`, async () => {
		const answer = await server.send('POST', path, { body });
		assert.equal(answer.status, status, answer.text);
		assert.equal(answer.json.resourceType, 'OperationOutcome');
	});
}

test('$convert turns JSON into XML and back, whatever the resource, without checking it', async () => {
	const xml = await server.send('POST', '$convert', { body: wrong, headers: { accept: 'application/fhir+xml' } });
	assert.equal(xml.status, 200);
	assert.match(xml.text, /<Patient xmlns="http:\/\/hl7.org\/fhir">.*<gender value="unsure"\/>/s);
	const back = await server.send('POST', '$convert', { body: xml.text, headers: { 'content-type': 'application/fhir+xml' } });
	assert.deepEqual(back.json, wrong);
	const inside = await server.send('POST', '$convert', {
		body: { resourceType: 'Parameters', parameter: [{ name: 'input', resource: wrong }] },
	});
	assert.deepEqual(inside.json, wrong);
	const itself = { resourceType: 'Parameters', parameter: [{ name: 'other', valueString: 'x' }] };
	assert.deepEqual((await server.send('POST', '$convert', { body: itself })).json, itself);
	assert.equal((await server.send('POST', '$convert')).status, 400);
});

test('$versions and /metadata need no caller', async () => {
	const { status, json } = await server.send('GET', '$versions', { as: 'nobody' });
	assert.equal(status, 200);
	assert.deepEqual(
		(json.parameter as { valueCode: string }[]).map(({ valueCode }) => valueCode),
		['4.0', '4.0'],
	);
	assert.equal((await server.send('GET', 'metadata', { as: 'nobody' })).json.resourceType, 'CapabilityStatement');
	assert.equal((await server.send('GET', 'metadata?mode=terminology', { as: 'nobody' })).json.resourceType, 'TerminologyCapabilities');
});

test('what the CapabilityStatement names under /OperationDefinition can be read there', async () => {
	const { rest } = (await server.send('GET', 'metadata')).json as Resource & {
		rest: [{ resource: { operation?: { definition: string }[] }[] }];
	};
	const urls = new Set(rest[0].resource.flatMap(({ operation = [] }) => operation.map(({ definition }) => definition)));
	const own = [...urls].filter((url) => url.startsWith(`${server.base}/`));
	assert.ok(own.length > 0);
	for (const url of own) assert.equal((await server.send('GET', url.slice(server.base.length + 1))).json.url, url);
});
