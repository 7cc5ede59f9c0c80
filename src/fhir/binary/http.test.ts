// Binary by HTTP: raw and as a resource, small and large. https://hl7.org/fhir/R4/binary.html
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, test } from 'node:test';
import { fromXml } from '#fhir/wire/xml.ts';
import { testServer } from '#testing/server.ts';

const server = await testServer({ after });
const small = 'a small text';
const large = Array.from({ length: 9000 }, (_, n) => `line ${n}\n`).join('');
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const plain = { 'content-type': 'text/plain; charset=utf-8' };
const resource = { accept: 'application/fhir+json' };

for (const [size, text] of [
	['small', small],
	['large', large],
] as const) {
	test(`a ${size} Binary goes in and out, raw and as a resource`, async () => {
		const made = await server.send('POST', 'Binary', { body: text, headers: { ...plain, ...resource, prefer: 'return=representation' } });
		assert.equal(made.status, 201);
		assert.equal(made.json.contentType, plain['content-type']);
		assert.equal(made.json.data, base64(text));
		const { id } = made.json;
		const raw = await server.send('GET', `Binary/${id}`);
		assert.equal(raw.status, 200);
		assert.equal(raw.text, text);
		assert.equal(raw.headers.get('content-type'), plain['content-type']);
		assert.equal(raw.headers.get('x-content-type-options'), 'nosniff');
		assert.equal(raw.headers.get('etag'), 'W/"1"');
		const wrapped = await server.send('GET', `Binary/${id}`, { headers: resource });
		assert.equal(wrapped.json.data, base64(text));
		const xml = await server.send('GET', `Binary/${id}?_format=xml`);
		assert.equal(fromXml(xml.text).data, base64(text));
		const part = await server.send('GET', `Binary/${id}`, { headers: { range: 'bytes=2-6' } });
		assert.deepEqual([part.status, part.text, part.headers.get('content-range')], [206, text.slice(2, 7), `bytes 2-6/${text.length}`]);
		const beyond = await server.send('GET', `Binary/${id}`, { headers: { range: 'bytes=999999-' } });
		assert.deepEqual([beyond.status, beyond.json.resourceType], [416, 'OperationOutcome']);
		const head = await server.send('HEAD', `Binary/${id}`);
		assert.deepEqual([head.status, head.text, head.headers.get('content-length')], [200, '', String(text.length)]);
		assert.equal((await server.send('GET', `Binary/${id}`, { headers: { 'if-none-match': 'W/"1"' } })).status, 304);
	});
}

test('what Accept says of a Binary is about its content, so a write is answered all the same', async () => {
	const png = { ...plain, accept: 'image/png' };
	for (const [method, path, status] of [
		['POST', 'Binary', 201],
		['PUT', 'Binary/accepted', 201],
		['PUT', 'Binary/accepted', 200],
	] as const) {
		const done = await server.send(method, path, { body: `${method} ${status}`, headers: { ...png, prefer: 'return=representation' } });
		assert.deepEqual([done.status, done.json.resourceType], [status, 'Binary']);
	}
	const refused = await server.send('PUT', 'Basic/x', {
		body: { resourceType: 'Basic', id: 'x', code: { text: 'x' } },
		headers: { accept: 'image/png' },
	});
	assert.equal(refused.status, 406);
	assert.equal((await server.send('GET', 'Binary/accepted?_format=ttl')).status, 406);
	assert.equal((await server.send('GET', 'Basic/x')).status, 404, 'nothing was written in vain');
});

test('every version keeps its content, in vread and in history', async () => {
	const other = large.replaceAll('line', 'row');
	const put = async (body: string) => server.send('PUT', 'Binary/kept', { body, headers: plain });
	assert.equal((await put(large)).status, 201);
	assert.equal((await put(other)).status, 200);
	assert.equal((await put(small)).status, 200);
	for (const [version, text] of [large, other, small].entries()) {
		const path = `Binary/kept/_history/${version + 1}`;
		const raw = await server.send('GET', path);
		assert.deepEqual([raw.status, raw.text === text], [200, true]);
		assert.equal((await server.send('GET', path, { headers: resource })).json.data, base64(text));
	}
	const history = (await server.send('GET', 'Binary/kept/_history')).json as unknown as { entry: { resource: { data: string } }[] };
	assert.deepEqual(
		history.entry.map((entry) => entry.resource.data),
		[small, other, large].map(base64),
	);
});

test('bundles carry the content: search, batch, transaction', async () => {
	const data = base64(large);
	const entry = { resource: { resourceType: 'Binary', contentType: 'application/pdf', data }, request: { method: 'POST', url: 'Binary' } };
	for (const type of ['batch', 'transaction']) {
		const done = await server.send('POST', '', { body: { resourceType: 'Bundle', type, entry: [entry] } });
		assert.equal(done.status, 200);
		const { response } = (done.json.entry as { response: { status: string; location: string } }[])[0] ?? {};
		assert.match(response?.status ?? '', /^201/);
		const id = /Binary\/([^/]+)/.exec(response?.location ?? '')?.[1] ?? '';
		const found = (await server.send('GET', `Binary?_id=${id}`)).json as unknown as { entry: { resource: { data: string } }[] };
		assert.equal(found.entry[0]?.resource.data, data);
	}
	const summary = (await server.send('GET', 'Binary?_summary=true&_count=1')).json as unknown as { entry: { resource: object }[] };
	assert.equal(Object.hasOwn(summary.entry[0]?.resource ?? {}, 'data'), false);
});

test('a patch of a large Binary leaves its content alone', async () => {
	await server.send('PUT', 'Binary/patched', { body: large, headers: plain });
	const done = await server.send('PATCH', 'Binary/patched', {
		body: JSON.stringify([{ op: 'replace', path: '/contentType', value: 'text/css' }]),
		headers: { 'content-type': 'application/json-patch+json', ...resource },
	});
	assert.deepEqual([done.status, done.json.contentType, done.json.data], [200, 'text/css', base64(large)]);
	const raw = await server.send('GET', 'Binary/patched');
	assert.deepEqual([raw.headers.get('content-type'), raw.text === large], ['text/css', true]);
});

test('a client can neither send a marker nor read a blob by it', async () => {
	const key = createHash('sha256').update(large).digest('hex');
	const body = { resourceType: 'Binary', contentType: 'a/b', data: `blob:${key}:${large.length}` };
	const refused = await server.send('POST', 'Binary', { body });
	assert.deepEqual([refused.status, refused.json.resourceType], [400, 'OperationOutcome']);
});

test('scripts are content like any other and cannot act as a page', async () => {
	const html = '<script>alert(1)</script>';
	await server.send('PUT', 'Binary/page', { body: html, headers: { 'content-type': 'text/html' } });
	const raw = await server.send('GET', 'Binary/page', { headers: { accept: 'text/html,*/*;q=0.8' } });
	assert.equal(raw.text, html);
	assert.match(raw.headers.get('content-disposition') ?? '', /^attachment/);
	assert.match(raw.headers.get('content-security-policy') ?? '', /sandbox/);
});

test('a Binary that never was, or was deleted, is an OperationOutcome', async () => {
	assert.equal((await server.send('GET', 'Binary/never')).json.resourceType, 'OperationOutcome');
	await server.send('PUT', 'Binary/gone', { body: small, headers: plain });
	const deleted = await server.send('DELETE', 'Binary/gone');
	assert.ok(deleted.status === 200 || deleted.status === 204, deleted.text);
	const gone = await server.send('GET', 'Binary/gone', { headers: { accept: 'text/plain' } });
	assert.deepEqual([gone.status, gone.json.resourceType], [410, 'OperationOutcome']);
});
