// What of the network may be asked on behalf of somebody else.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { guardedDownload, guardedFetch, isPrivateHost, isSpecialAddress, requireFetchable } from './guarded-fetch.ts';

const addresses: [string, boolean][] = [
	['127.0.0.1', true],
	['10.1.2.3', true],
	['172.31.255.255', true],
	['172.32.0.1', false],
	['192.168.1.1', true],
	['169.254.169.254', true],
	['100.64.0.1', true],
	['0.0.0.0', true],
	['224.0.0.1', true],
	['255.255.255.255', true],
	['8.8.8.8', false],
	['::1', true],
	['::', true],
	['::ffff:127.0.0.1', true],
	['::ffff:8.8.8.8', false],
	['fe80::1', true],
	['fd00::1', true],
	['2001:db8::1', true],
	['2606:4700:4700::1111', false],
	['nonsense', true],
];
for (const [address, isSpecial] of addresses)
	test(`${address} is special: ${isSpecial}`, () => assert.equal(isSpecialAddress(address), isSpecial));

const hosts: [string, boolean][] = [
	['localhost', true],
	['localhost.', true],
	['app.localhost', true],
	['printer.local', true],
	['intranet', true],
	['[::1]', true],
	['127.0.0.1', true],
	['app.example.org', false],
	['8.8.8.8', false],
];
for (const [host, isPrivate] of hosts) test(`${host} is private: ${isPrivate}`, () => assert.equal(isPrivateHost(host), isPrivate));

const server = createServer((request, response) => {
	if (request.url === '/large') response.end('x'.repeat(5000));
	else if (request.url === '/moved') response.writeHead(302, { location: '/keys' }).end();
	else if (request.url === '/slow') setTimeout(() => response.end('late'), 400).unref();
	else response.writeHead(200, { 'cache-control': 'max-age=60' }).end('{"keys":[]}');
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
after(() => server.close());
const place = server.address();
const base = `http://127.0.0.1:${typeof place === 'object' ? place?.port : 0}`;
const open = { allowPrivate: true };

test('answers are given as they are, redirects are not followed', async () => {
	const { status, headers, body } = await guardedFetch(`${base}/keys`, open);
	assert.deepEqual([status, headers['cache-control'], body.toString()], [200, 'max-age=60', '{"keys":[]}']);
	assert.equal((await guardedFetch(`${base}/moved`, open)).status, 302);
});

test('too much and too slow is refused', async () => {
	await assert.rejects(guardedFetch(`${base}/large`, { ...open, limitBytes: 4999 }), { code: 'address-failed' });
	await assert.rejects(guardedFetch(`${base}/slow`, { ...open, timeoutMs: 50 }), { code: 'address-failed' });
});

for (const address of [
	`${base}/keys`,
	'https://127.0.0.1/',
	'https://[::ffff:7f00:1]/',
	'https://localhost/',
	'https://u:p@example.org/',
	'ftp://example.org/',
	'x',
]) {
	test(`refused: ${address}`, async () => {
		await assert.rejects(async () => guardedFetch(address, { allowPrivate: false }), { code: 'address-refused' });
	});
}

test('a name that leads to this machine is refused when it is connected to', async () => {
	// The hosts file gives this machine's own name an address of its own.
	const { hostname } = await import('node:os');
	await assert.rejects(async () => guardedFetch(`https://${hostname()}.`, { allowPrivate: false, timeoutMs: 1000 }));
});

test('what is large comes as a stream, under the same rules; what falls silent is broken off', async () => {
	const signal = new AbortController().signal;
	const { status, headers, body } = await guardedDownload(`${base}/keys`, { ...open, idleMs: 5000, signal });
	assert.deepEqual([status, headers['cache-control'], Buffer.concat(await body.toArray()).toString()], [200, 'max-age=60', '{"keys":[]}']);
	await assert.rejects(guardedDownload(`${base}/slow`, { ...open, idleMs: 50, signal }), { kind: 'unavailable', code: 'address-failed' });
	await assert.rejects(guardedDownload('https://localtest.me.invalid/', { ...open, idleMs: 5000, signal }), { code: 'address-failed' });
	for (const address of ['nonsense', 'ftp://example.org', 'https://a:b@example.org', 'https://127.0.0.1/', `${base}/keys`]) {
		assert.throws(() => guardedDownload(address, { allowPrivate: false, idleMs: 5000, signal }), { code: 'address-refused' });
		assert.throws(() => requireFetchable(address, false), { code: 'address-refused' });
	}
});
