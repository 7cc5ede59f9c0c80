// Read, vread, create, update, patch, delete and history by HTTP. https://hl7.org/fhir/R4/http.html
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Resource } from '#fhir/resource.ts';
import { testServer } from '#testing/server.ts';

const server = await testServer({ after });

const ann = { resourceType: 'Patient', name: [{ family: 'Smith', given: ['Ann'] }], gender: 'female', birthDate: '1980-01-15' };
const make = async (body: object): Promise<Resource> => (await server.send('POST', String((body as Resource).resourceType), { body })).json;
const issueOf = (
	outcome: Resource,
): { code: string; severity: string; details: { coding: { code: string }[]; text: string }; expression?: string[] } =>
	(outcome.issue as never[])[0] as never;

test('create answers 201 with the resource, its address and its version; a read gives the same text', async () => {
	const made = await server.send('POST', 'Patient', { body: { ...ann, id: 'mine', meta: { versionId: '9', tag: [{ code: 'x' }] } } });
	assert.equal(made.status, 201);
	const { id, meta } = made.json;
	assert.notEqual(id, 'mine');
	assert.equal(meta?.versionId, '1');
	assert.deepEqual(meta?.tag, [{ code: 'x' }]);
	assert.equal(made.headers.get('location'), `${server.base}/Patient/${id}/_history/1`);
	assert.equal(made.headers.get('etag'), 'W/"1"');
	assert.equal(made.headers.get('last-modified'), new Date(meta?.lastUpdated as string).toUTCString());
	assert.equal(made.headers.get('content-type'), 'application/fhir+json; charset=utf-8');
	const read = await server.send('GET', `Patient/${id}`);
	assert.equal(read.status, 200);
	assert.equal(read.text, made.text);
	assert.equal(read.headers.get('etag'), 'W/"1"');
});

const preferences: readonly (readonly [string, (text: string) => boolean])[] = [
	['return=minimal', (text) => text === ''],
	['return=representation', (text) => JSON.parse(text).resourceType === 'Patient'],
	['return=OperationOutcome', (text) => JSON.parse(text).resourceType === 'OperationOutcome'],
	['handling=strict; return="minimal"', (text) => text === ''],
];
for (const [prefer, fits] of preferences) {
	test(`Prefer: ${prefer} is followed by create and update`, async () => {
		const made = await server.send('POST', 'Patient', { body: ann, headers: { prefer } });
		assert.equal(made.status, 201);
		assert.ok(fits(made.text), made.text);
		const id = made.headers.get('location')?.split('/').at(-3) as string;
		const updated = await server.send('PUT', `Patient/${id}`, { body: { ...ann, id, active: true }, headers: { prefer } });
		assert.equal(updated.status, 200);
		assert.ok(fits(updated.text), updated.text);
	});
}

test('update replaces, keeps the former version, and creates under the client’s id', async () => {
	const created = await server.send('PUT', 'Patient/ann.1-A', { body: { ...ann, id: 'ann.1-A' } });
	assert.equal(created.status, 201);
	const changed = await server.send('PUT', 'Patient/ann.1-A', { body: { ...ann, id: 'ann.1-A', gender: 'other' } });
	assert.equal(changed.status, 200);
	assert.equal(changed.json.meta?.versionId, '2');
	assert.equal((await server.send('GET', 'Patient/ann.1-A')).json.gender, 'other');
	assert.equal((await server.send('GET', 'Patient/ann.1-A/_history/1')).json.gender, 'female');
	assert.equal((await server.send('GET', 'Patient/ann.1-A/_history/2')).text, changed.text);
	assert.equal((await server.send('GET', 'Patient/ann.1-A/_history/3')).status, 404);
});

test('If-Match lets only the one through who saw the current version', async () => {
	const { id } = await make(ann);
	const put = (version: string) =>
		server.send('PUT', `Patient/${id}`, { body: { ...ann, id, gender: 'male' }, headers: { 'if-match': version } });
	assert.equal((await put('W/"2"')).status, 412);
	assert.equal((await put('W/"1"')).status, 200);
	assert.equal((await put('W/"1"')).status, 412);
	assert.equal((await put('nonsense')).status, 400);
	assert.equal((await server.send('DELETE', `Patient/${id}`, { headers: { 'if-match': 'W/"1"' } })).status, 412);
	assert.equal((await server.send('PUT', `Patient/${id}`, { body: { ...ann, id }, headers: { 'if-none-match': '*' } })).status, 412);
});

test('of 40 updates that saw the same version one goes through', async () => {
	const { id } = await make(ann);
	const put = (i: number) =>
		server.send('PUT', `Patient/${id}`, {
			body: { ...ann, id, telecom: [{ system: 'phone', value: String(i) }] },
			headers: { 'if-match': 'W/"1"' },
		});
	const statuses = (await Promise.all(Array.from({ length: 40 }, (_, i) => put(i)))).map(({ status }) => status);
	assert.equal(statuses.filter((status) => status === 200).length, 1);
	assert.equal(statuses.filter((status) => status === 412).length, 39);
});

test('40 patches at once that name no version all go in', async () => {
	const { id } = await make({ ...ann, telecom: [{ system: 'phone', value: 'first' }] });
	const patch = (i: number) =>
		server.send('PATCH', `Patient/${id}`, {
			body: [{ op: 'add', path: '/telecom/-', value: { system: 'phone', value: String(i) } }],
			headers: { 'content-type': 'application/json-patch+json' },
		});
	const statuses = (await Promise.all(Array.from({ length: 40 }, (_, i) => patch(i)))).map(({ status }) => status);
	assert.deepEqual(new Set(statuses), new Set([200]));
	const { telecom } = (await server.send('GET', `Patient/${id}`)).json as { telecom?: object[] };
	assert.equal(telecom?.length, 41);
});

test('conditional reads: 304 for what the client has', async () => {
	const { id, meta } = await make(ann);
	const read = (headers: Record<string, string>) => server.send('GET', `Patient/${id}`, { headers });
	assert.equal((await read({ 'if-none-match': 'W/"1"' })).status, 304);
	assert.equal((await read({ 'if-none-match': '"1"' })).status, 304);
	assert.equal((await read({ 'if-none-match': 'W/"2"' })).status, 200);
	const time = Date.parse(meta?.lastUpdated as string);
	assert.equal((await read({ 'if-modified-since': new Date(time).toUTCString() })).status, 304);
	assert.equal((await read({ 'if-modified-since': new Date(time - 5000).toUTCString() })).status, 200);
});

test('a deleted resource is gone, its versions are not, and it can come back', async () => {
	const { id } = await make(ann);
	const deleted = await server.send('DELETE', `Patient/${id}`);
	assert.equal(deleted.status, 200);
	assert.equal(deleted.json.resourceType, 'OperationOutcome');
	const read = await server.send('GET', `Patient/${id}`);
	assert.equal(read.status, 410);
	assert.equal(read.headers.get('etag'), 'W/"2"');
	assert.equal((await server.send('GET', `Patient/${id}/_history/2`)).status, 410);
	assert.equal((await server.send('GET', `Patient/${id}/_history/1`)).status, 200);
	assert.equal((await server.send('DELETE', `Patient/${id}`, { headers: { prefer: 'return=minimal' } })).status, 204);
	const again = await server.send('PUT', `Patient/${id}`, { body: { ...ann, id } });
	assert.equal(again.status, 201);
	assert.equal(again.json.meta?.versionId, '3');
	const history = (await server.send('GET', `Patient/${id}/_history`)).json;
	assert.equal(history.total, 3);
	assert.deepEqual(
		(history.entry as { request: { method: string }; response: { status: string; etag: string } }[]).map(({ request, response }) => [
			request.method,
			response.etag,
		]),
		[
			['PUT', 'W/"3"'],
			['DELETE', 'W/"2"'],
			['POST', 'W/"1"'],
		],
	);
	assert.equal((await server.send('DELETE', 'Patient/never-was')).status, 200);
});

test('history is paged, and what comes in between moves nothing', async () => {
	const { id } = await make(ann);
	for (let i = 0; i < 6; i++) await server.send('PUT', `Patient/${id}`, { body: { ...ann, id, multipleBirthInteger: i } });
	const seen: string[] = [];
	let path: string | undefined = `Patient/${id}/_history?_count=3`;
	for (let page = 0; path !== undefined && page < 10; page++) {
		const bundle: Resource = (await server.send('GET', path)).json;
		seen.push(...(bundle.entry as { resource: Resource }[]).map(({ resource }) => resource.meta?.versionId as string));
		const next = (bundle.link as { relation: string; url: string }[]).find(({ relation }) => relation === 'next')?.url;
		path = next?.slice(server.base.length + 1);
		if (page === 0) await server.send('PUT', `Patient/${id}`, { body: { ...ann, id, multipleBirthInteger: 99 } });
	}
	assert.deepEqual(seen, ['7', '6', '5', '4', '3', '2', '1']);
	const type = (await server.send('GET', 'Patient/_history?_count=2')).json;
	assert.equal((type.entry as unknown[]).length, 2);
	assert.equal((await server.send('GET', '_history?_count=2')).json.type, 'history');
	const since = (await server.send('GET', `Patient/${id}/_history?_since=2100-01-01`)).json;
	assert.equal(since.entry, undefined);
	assert.equal((await server.send('GET', `Patient/${id}/_history?_since=yesterday`)).status, 400);
	assert.equal((await server.send('GET', `Patient/${id}/_history?_page=abcdefghijkl`)).status, 400);
	assert.equal((await server.send('GET', 'Patient/never-was/_history')).status, 404);
});

test('patch: JSON Patch and FHIRPath Patch, on the version the client saw', async () => {
	const { id } = await make(ann);
	const json = { 'content-type': 'application/json-patch+json' };
	const operations = JSON.stringify([
		{ op: 'test', path: '/gender', value: 'female' },
		{ op: 'replace', path: '/gender', value: 'unknown' },
		{ op: 'add', path: '/name/0/given/-', value: 'Mary' },
	]);
	const first = await server.send('PATCH', `Patient/${id}`, { body: operations, headers: { ...json, 'if-match': 'W/"1"' } });
	assert.equal(first.status, 200);
	assert.deepEqual((first.json.name as { given: string[] }[])[0]?.given, ['Ann', 'Mary']);
	assert.equal((await server.send('PATCH', `Patient/${id}`, { body: operations, headers: { ...json, 'if-match': 'W/"1"' } })).status, 412);
	const parameters = {
		resourceType: 'Parameters',
		parameter: [
			{
				name: 'operation',
				part: [
					{ name: 'type', valueCode: 'replace' },
					{ name: 'path', valueString: 'Patient.birthDate' },
					{ name: 'value', valueDate: '1981-02-03' },
				],
			},
		],
	};
	const second = await server.send('PATCH', `Patient/${id}`, { body: parameters });
	assert.equal(second.status, 200);
	assert.equal(second.json.birthDate, '1981-02-03');
	const broken = JSON.stringify([{ op: 'add', path: '/nonsense', value: 1 }]);
	assert.equal((await server.send('PATCH', `Patient/${id}`, { body: broken, headers: json })).status, 400);
	assert.equal(
		(await server.send('PATCH', `Patient/${id}`, { body: '<diff/>', headers: { 'content-type': 'application/xml-patch+xml' } })).status,
		415,
	);
	assert.equal((await server.send('PATCH', 'Patient/never-was', { body: operations, headers: json })).status, 404);
	const all = Array.from({ length: 10 }, (_, i) =>
		server.send('PATCH', `Patient/${id}`, {
			body: JSON.stringify([{ op: 'add', path: '/telecom', value: [{ system: 'phone', value: String(i) }] }]),
			headers: json,
		}),
	);
	assert.deepEqual(new Set((await Promise.all(all)).map(({ status }) => status)), new Set([200]));
});

test('XML in, XML out, the same resource', async () => {
	const xml =
		'<Patient xmlns="http://hl7.org/fhir"><active value="true"/><name><family value="Ångström &amp; Co"/></name><birthDate value="1980-01-15"/></Patient>';
	const made = await server.send('POST', 'Patient', {
		body: xml,
		headers: { 'content-type': 'application/fhir+xml', accept: 'application/fhir+xml' },
	});
	assert.equal(made.status, 201);
	assert.match(made.text, /<family value="Ångström &amp; Co"\/>/);
	const id = /<id value="([^"]+)"/.exec(made.text)?.[1];
	const json = (await server.send('GET', `Patient/${id}?_format=json`, { headers: { accept: 'application/fhir+xml' } })).json;
	assert.deepEqual(json.name, [{ family: 'Ångström & Co' }]);
	assert.match((await server.send('GET', `Patient/${id}?_format=xml&_pretty=true`)).text, /\n\s+<active value="true"\/>/);
	assert.equal((await server.send('GET', `Patient/${id}`, { headers: { accept: 'image/png' } })).status, 406);
	assert.equal((await server.send('POST', 'Patient', { body: 'x', headers: { 'content-type': 'text/csv' } })).status, 415);
});

test('_summary and _elements also cut what is read', async () => {
	const { id } = await make({ ...ann, maritalStatus: { text: 'single' } });
	const cut = (await server.send('GET', `Patient/${id}?_elements=birthDate`)).json;
	assert.equal(cut.birthDate, '1980-01-15');
	assert.equal(cut.maritalStatus, undefined);
	const refused = await server.send('PUT', `Patient/${id}`, { body: cut });
	assert.equal(refused.status, 422);
	assert.equal((await server.send('GET', `Patient/${id}?_summary=nonsense`)).status, 400);
});

test('decimals keep their digits', async () => {
	const body =
		'{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":1.10,"unit":"kg"},"component":[{"code":{"text":"y"},"valueQuantity":{"value":0.0000001000}}]}';
	const made = await server.send('POST', 'Observation', { body, headers: { 'content-type': 'application/fhir+json' } });
	assert.equal(made.status, 201);
	assert.match(made.text, /"value":1\.10[,}]/);
	assert.match((await server.send('GET', `Observation/${made.json.id}`)).text, /"value":0\.0000001000[,}]/);
});

type Bad = readonly [name: string, method: string, path: string, body: unknown, status: number, code: string, expression?: string];
const bad: readonly Bad[] = [
	['an unknown type', 'POST', 'Patiant', ann, 404, 'type-unknown'],
	['an unknown type read', 'GET', 'Patiant/1', undefined, 404, 'type-unknown'],
	['an unknown id', 'GET', 'Patient/none', undefined, 404, 'resource-not-found'],
	['an impossible id', 'GET', 'Patient/a_b', undefined, 404, 'resource-not-found'],
	['the wrong type', 'POST', 'Observation', ann, 400, 'type-mismatch', 'resourceType'],
	['an id that is not the address’s', 'PUT', 'Patient/a', { ...ann, id: 'b' }, 400, 'id-mismatch', 'Patient.id'],
	['no id', 'PUT', 'Patient/a', ann, 400, 'id-mismatch', 'Patient.id'],
	['a malformed id', 'PUT', 'Patient/a_b', { ...ann, id: 'a_b' }, 400, 'id-malformed'],
	['no body', 'POST', 'Patient', undefined, 400, 'not-a-resource'],
	['half a JSON text', 'POST', 'Patient', '{"resourceType":"Patient"', 400, 'json-malformed'],
	['a list', 'POST', 'Patient', '[]', 400, 'not-a-resource'],
	['a null byte', 'POST', 'Patient', '{"resourceType":"Patient","language":"a\\u0000"}', 400, 'json-malformed'],
	['bad UTF-8', 'POST', 'Patient', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 400, 'json-malformed'],
	['a prototype', 'POST', 'Patient', '{"resourceType":"Patient","__proto__":{"a":1}}', 400, 'json-malformed'],
	['deep nesting', 'POST', 'Patient', `{"resourceType":"Patient","x":${'['.repeat(5000)}${']'.repeat(5000)}}`, 400, 'json-malformed'],
	['DELETE without criteria', 'DELETE', 'Patient', undefined, 400, 'criteria-missing'],
	['PUT without criteria', 'PUT', 'Patient', ann, 400, 'criteria-missing'],
	['a resource posted to the base', 'POST', '', ann, 400, 'bundle-expected', 'resourceType'],
	['a Bundle that is a collection', 'POST', '', { resourceType: 'Bundle', type: 'collection' }, 400, 'bundle-type', 'Bundle.type'],
	['an unknown operation', 'GET', 'Patient/$nonsense', undefined, 404, 'operation-unknown'],
	['an encoded unknown operation', 'GET', 'Patient/%24nonsense', undefined, 404, 'operation-unknown'],
];
for (const [name, method, path, body, status, code, expression] of bad) {
	test(`${name}: ${status} ${code}`, async () => {
		const headers = typeof body === 'string' || Buffer.isBuffer(body) ? { 'content-type': 'application/fhir+json' } : {};
		const answer = await server.send(method, path, { body, headers });
		assert.equal(answer.status, status, answer.text);
		const issue = issueOf(answer.json);
		assert.equal(issue.details.coding[0]?.code, code);
		assert.ok(issue.details.text.length > 10);
		if (expression !== undefined) assert.deepEqual(issue.expression, [expression]);
	});
}

test('an unknown site is 400; a wrong method on a known path 405', async () => {
	const answer = await fetch(`${server.origin}/apis/other/fhir/metadata`);
	assert.equal(answer.status, 400);
	assert.equal((await server.send('PATCH', 'Patient/1/_history/1')).status, 405);
});

test('HEAD answers as GET without a body', async () => {
	const { id } = await make(ann);
	const head = await server.send('HEAD', `Patient/${id}`);
	assert.equal(head.status, 200);
	assert.equal(head.text, '');
	assert.equal(head.headers.get('etag'), 'W/"1"');
});
