import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import type { Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource, Stored } from '#fhir/resource.ts';
import type { Reply } from '#http/route.ts';
import { usualSettings } from '#testing/fhir.ts';
import { detachBlob, isRawAnswer, rawBinary, restoreAll, restoreBody, wrapRaw } from './binary.ts';
import { createDiskBlobs } from './disk.ts';

const folder = mkdtempSync(join(tmpdir(), 'heron-binary-'));
after(() => rmSync(folder, { recursive: true }));
const fhir = { blobs: createDiskBlobs(folder), settings: usualSettings } as unknown as FhirCtx['fhir'];
const ctx = { fhir };
const large = randomBytes(70_000);
const fileOf = (bytes: Buffer): string => {
	const key = createHash('sha256').update(bytes).digest('hex');
	return join(folder, key.slice(0, 2), key.slice(2));
};
const binary = (bytes: Buffer, contentType = 'application/pdf'): Resource => ({
	resourceType: 'Binary',
	id: 'b1',
	contentType,
	data: bytes.toString('base64'),
});
const stored = (resource: Resource): Stored => ({
	type: resource.resourceType,
	id: 'b1',
	rid: 1,
	version: 3,
	updated: Date.UTC(2024, 0, 2, 3, 4, 5),
	op: 'U',
	body: JSON.stringify(resource),
});
const bytesOf = async ({ body }: Reply): Promise<Buffer> =>
	body instanceof Readable ? Buffer.concat(await body.toArray()) : Buffer.from(body ?? '');
const keep = async (bytes: Buffer, contentType?: string): Promise<Stored> => stored(await detachBlob(fhir, binary(bytes, contentType)));

test('small data stay in the row, large ones leave a marker and come back', async () => {
	const edge = randomBytes(64 * 1024);
	const small = binary(edge);
	assert.equal(await detachBlob(fhir, small), small);
	const given = binary(large);
	const before = JSON.stringify(given);
	const detached = await detachBlob(fhir, given);
	assert.equal(JSON.stringify(given), before);
	assert.match(detached.data as string, /^blob:[0-9a-f]{64}:70000$/);
	assert.ok(JSON.stringify(detached).length < 300);
	assert.equal(await restoreBody(fhir, stored(detached)), before);
});

test('blanks in base64 are no data', async () => {
	const spaced = { ...binary(large), data: large.toString('base64').replace(/(.{76})/g, '$1\r\n') };
	const restored = JSON.parse(await restoreBody(fhir, stored(await detachBlob(fhir, spaced))));
	assert.deepEqual(Buffer.from(restored.data, 'base64'), large);
});

test('other types, and texts that look like markers, pass untouched', async () => {
	const marker = `blob:${'a'.repeat(64)}:1`;
	const document: Resource = { resourceType: 'DocumentReference', data: large.toString('base64') };
	assert.equal(await detachBlob(fhir, document), document);
	const body = `{"resourceType":"Basic","data":"${marker}"}`;
	assert.equal(restoreBody(fhir, { type: 'Basic', body }), body);
	const escaped = JSON.stringify({ resourceType: 'Binary', contentType: `"data":"${marker}"` });
	assert.equal(restoreBody(fhir, { type: 'Binary', body: escaped }), escaped);
});

for (const data of [`blob:${'a'.repeat(64)}:1`, 'not base64!', 'AAA', 'AAAA=AAA', 'A===']) {
	test(`a client cannot send the data "${data}"`, async () => {
		await assert.rejects(
			detachBlob(fhir, { resourceType: 'Binary', contentType: 'a/b', data }),
			(error: Problem) => error.status === 400 && error.code === 'data-invalid',
		);
	});
}

test('a blob that is missing or damaged is a 503 that says so', async () => {
	const lost = randomBytes(70_001);
	const row = await keep(lost);
	writeFileSync(fileOf(lost), Buffer.alloc(lost.length));
	const is = (code: string) => (error: Problem) => error.code === code && error.status === 503 && error.issues[0]?.type === 'incomplete';
	await assert.rejects(async () => restoreBody(fhir, row), is('blob-damaged'));
	await assert.rejects(rawBinary(ctx, row, { headers: {} }), is('blob-damaged'));
	truncateSync(fileOf(lost), 5);
	await assert.rejects(async () => restoreBody(fhir, row), is('blob-damaged'));
	rmSync(fileOf(lost));
	await assert.rejects(async () => restoreBody(fhir, row), is('blob-missing'));
	await assert.rejects(rawBinary(ctx, row, { headers: { range: 'bytes=0-1' } }), is('blob-missing'));
});

test('a store that fails while it is read is a 503', async () => {
	const row = await keep(large);
	const get = async () =>
		Readable.from(
			(function* () {
				yield large.subarray(0, 10);
				throw new Error('connection reset');
			})(),
		);
	const blobs = { ...fhir.blobs, get };
	await assert.rejects(
		async () => restoreBody({ blobs }, row),
		(error: Problem) => error.code === 'blob-store-unavailable' && error.status === 503,
	);
});

test('pages have the data of all their entries, within a limit', async () => {
	const row = await keep(large);
	const other = stored({ resourceType: 'Patient' });
	const page = [other, row];
	const plain = [other];
	assert.equal(await restoreAll(fhir, plain), plain);
	const [first, second] = await restoreAll(fhir, page);
	assert.equal(first?.body, other.body);
	assert.equal(JSON.parse(second?.body ?? '').data, large.toString('base64'));
	const huge = { ...row, body: row.body.replace(':70000"', ':200000000"') };
	await assert.rejects(restoreAll(fhir, [huge]), (error: Problem) => error.status === 400 && error.code === 'page-too-large');
});

/** Accept, query, whether the content is meant. */
const raw: readonly (readonly [string | undefined, string, boolean])[] = [
	[undefined, '', true],
	['*/*', '', true],
	['application/pdf', '', true],
	['image/*, */*;q=0.5', '', true],
	['application/json', '', true],
	['text/xml', '', true],
	['application/fhir+json', '', false],
	['application/fhir+xml; fhirVersion=4.0', '', false],
	['application/fhir+json, */*;q=0.1', '', false],
	['application/fhir+json;q=0.1, image/png', '', true],
	[undefined, '_format=json', false],
	['image/png', '_format=application/fhir%2Bxml', false],
	['image/png', '_format=', true],
];
for (const [accept, query, expected] of raw) {
	test(`Accept ${accept ?? '(none)'} with ?${query} means ${expected ? 'the content' : 'the resource'}`, () => {
		assert.equal(isRawAnswer({ query, headers: accept === undefined ? {} : { accept } }), expected);
	});
}

test('content goes out with its type, version and time, and the security context', async () => {
	for (const bytes of [Buffer.from('hello'), large]) {
		const row = stored({ ...(await detachBlob(fhir, binary(bytes))), securityContext: { reference: 'Patient/1' } });
		const reply = await rawBinary(ctx, row, { headers: {} });
		assert.equal(reply.status, 200);
		assert.deepEqual(reply.headers, {
			'content-type': 'application/pdf',
			'content-disposition': 'inline; filename="Binary-b1"',
			'content-security-policy': "default-src 'none'; sandbox",
			etag: 'W/"3"',
			'last-modified': 'Tue, 02 Jan 2024 03:04:05 GMT',
			'accept-ranges': 'bytes',
			vary: 'accept',
			'x-security-context': 'Patient/1',
			'content-length': String(bytes.length),
		});
		assert.deepEqual(await bytesOf(reply), bytes);
	}
});

const dispositions: readonly (readonly [string, string, string])[] = [
	['image/png', 'image/png', 'inline'],
	['text/plain; charset=utf-8', 'text/plain; charset=utf-8', 'inline'],
	['text/html', 'text/html', 'attachment'],
	['Text/HTML; charset="utf-8"', 'Text/HTML; charset="utf-8"', 'attachment'],
	['image/svg+xml', 'image/svg+xml', 'attachment'],
	['application/xhtml+xml', 'application/xhtml+xml', 'attachment'],
	['application/javascript', 'application/javascript', 'attachment'],
	['application/fhir+json', 'application/fhir+json', 'attachment'],
	['text/plain\r\nset-cookie: a=b', 'application/octet-stream', 'attachment'],
	['text/plain; x="\n"', 'application/octet-stream', 'attachment'],
	['nonsense', 'application/octet-stream', 'attachment'],
	['', 'application/octet-stream', 'attachment'],
];
for (const [contentType, sent, how] of dispositions) {
	test(`content of type ${JSON.stringify(contentType)} goes out as ${sent}, ${how}`, async () => {
		const { headers } = await rawBinary(ctx, stored(binary(Buffer.from('x'), contentType)), { headers: {} });
		assert.equal(headers?.['content-type'], sent);
		assert.equal(headers?.['content-disposition'], `${how}; filename="Binary-b1"`);
	});
}

/** Range header over 70,000 bytes, and the part that comes: first and last byte, all, or 416. */
const ranges: readonly (readonly [string, readonly [number, number] | 'all' | 416])[] = [
	['bytes=0-0', [0, 0]],
	['bytes=10-19', [10, 19]],
	['bytes=69990-', [69_990, 69_999]],
	['bytes=-10', [69_990, 69_999]],
	['bytes=-80000', [0, 69_999]],
	['bytes=69999-99999', [69_999, 69_999]],
	['bytes=70000-', 416],
	['bytes=-0', 416],
	['bytes=5-2', 'all'],
	['bytes=-', 'all'],
	['bytes=0-1,4-5', 'all'],
	['lines=0-1', 'all'],
	['bytes=a-b', 'all'],
];
for (const [range, expected] of ranges) {
	test(`Range ${range} gives ${expected}`, async () => {
		for (const row of [await keep(large), stored(binary(large))]) {
			const asked = rawBinary(ctx, row, { headers: { range } });
			if (expected === 416) {
				await assert.rejects(asked, (error: Problem) => error.status === 416 && error.headers['content-range'] === 'bytes */70000');
				continue;
			}
			const reply = await asked;
			const [first, last] = expected === 'all' ? [0, 69_999] : expected;
			assert.equal(reply.status, expected === 'all' ? 200 : 206);
			assert.equal(reply.headers?.['content-range'], expected === 'all' ? undefined : `bytes ${first}-${last}/70000`);
			assert.equal(reply.headers?.['content-length'], String(last - first + 1));
			assert.deepEqual(await bytesOf(reply), large.subarray(first, last + 1));
		}
	});
}

test('If-Range gives all of it, as the tags are weak', async () => {
	const reply = await rawBinary(ctx, await keep(large), { headers: { range: 'bytes=0-1', 'if-range': 'W/"3"' } });
	assert.equal(reply.status, 200);
});

test('content too large to check beforehand is streamed, and breaks off when it is damaged', async () => {
	const huge = Buffer.alloc(17 * 1024 * 1024, 'heron');
	const row = await keep(huge);
	const whole = await rawBinary(ctx, row, { headers: {} });
	assert.ok(whole.body instanceof Readable);
	assert.ok((await bytesOf(whole)).equals(huge));
	const part = await rawBinary(ctx, row, { headers: { range: 'bytes=1000-1004' } });
	assert.equal(String(await bytesOf(part)), 'heron');
	writeFileSync(fileOf(huge), Buffer.alloc(huge.length, 'raven'));
	let received = 0;
	const damaged = (await rawBinary(ctx, row, { headers: {} })).body as Readable;
	await assert.rejects(async () => {
		for await (const chunk of damaged) received += (chunk as Buffer).length;
	}, /blob-damaged/);
	assert.ok(received < huge.length);
	rmSync(fileOf(huge));
});

const request = (headers: Record<string, string>, body: Buffer | string) => ({ headers, body: async () => Buffer.from(body) });

test('any content becomes a Binary', async () => {
	const png = Buffer.from([0x89, 0x50, 0, 0xff]);
	assert.deepEqual(await wrapRaw(fhir, request({ 'content-type': 'image/png', 'x-security-context': 'Patient/7' }, png)), {
		resourceType: 'Binary',
		contentType: 'image/png',
		securityContext: { reference: 'Patient/7' },
		data: png.toString('base64'),
	});
	assert.deepEqual(await wrapRaw(fhir, request({ 'content-type': 'text/plain ;  charset=utf-8' }, ''), 'x1'), {
		resourceType: 'Binary',
		id: 'x1',
		contentType: 'text/plain ; charset=utf-8',
	});
	assert.equal((await wrapRaw(fhir, request({}, 'abc'))).contentType, 'application/octet-stream');
});

const resource = '{"resourceType":"Binary","contentType":"text/css","data":"AAAA"}';
const xml = '<Binary xmlns="http://hl7.org/fhir"><contentType value="text/css"/><data value="AAAA"/></Binary>';
for (const [contentType, body] of [
	['application/fhir+json', resource],
	['application/fhir+xml; charset=utf-8', xml],
	['application/json', resource],
	['text/xml', xml],
	[undefined, resource],
] as const) {
	test(`a Binary resource as ${contentType ?? 'nothing in particular'} is taken as one`, async () => {
		const headers: Record<string, string> = contentType === undefined ? {} : { 'content-type': contentType };
		assert.deepEqual(await wrapRaw(fhir, request(headers, body)), JSON.parse(resource));
	});
}

test('plain JSON and XML that are no Binary are content', async () => {
	for (const [contentType, body] of [
		['application/json', '{"resourceType":"Patient"}'],
		['application/json', '{broken'],
		['application/json', '[1]'],
		['text/xml', '<Patient xmlns="http://hl7.org/fhir"/>'],
		['text/xml', '<Binary'],
	] as const) {
		const wrapped = await wrapRaw(fhir, request({ 'content-type': contentType }, body));
		assert.deepEqual([wrapped.contentType, Buffer.from(wrapped.data as string, 'base64').toString()], [contentType, body]);
	}
});

test('broken FHIR and broken media types are refused', async () => {
	await assert.rejects(wrapRaw(fhir, request({ 'content-type': 'application/fhir+json' }, '{')), /json-malformed/);
	for (const bad of ['x', 'a b/c', '/']) await assert.rejects(wrapRaw(fhir, request({ 'content-type': bad }, 'x')), /content-type-invalid/);
});
