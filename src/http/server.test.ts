// The HTTP server by its front: real sockets on a free port.
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import { type Log, silentLog } from '#base/log.ts';
import { Problem } from '#base/problem.ts';
import { healthRoutes } from './health.ts';
import { createMetrics, metricsRoute } from './metrics.ts';
import { problemJson } from './problem-json.ts';
import type { Route } from './route.ts';
import { createHandler, type Listening, listen } from './server.ts';

type Ctx = { readonly who: string };
const large = JSON.stringify({ text: 'abc '.repeat(4000) });
/** Long enough to wait on its way to a client that does not read, and with letters of one to four bytes. */
const long = (id: string): string => `${id}: aé€😀 `.repeat(id.length % 2 === 0 ? 25_000 : 8_000);
const json = { 'content-type': 'application/json' };
const failures: string[] = [];
let databaseUp = true;

const common = { may: 'thing.read', problem: problemJson } as const;
const routes: Route<Ctx>[] = [
	{
		...common,
		method: 'GET',
		path: '/things/:id',
		handle: (ctx, request) => ({
			status: 200,
			headers: json,
			body: JSON.stringify({ who: ctx.who, id: request.params.id, query: request.query }),
		}),
	},
	{ ...common, method: 'GET', path: '/large', handle: () => ({ status: 200, headers: json, body: large }) },
	{ ...common, method: 'GET', path: '/long/:id', handle: (_ctx, request) => ({ status: 200, body: long(request.params.id as string) }) },
	{ ...common, method: 'GET', path: '/broken', handle: () => Promise.reject(new Error('secret inside')) },
	{
		...common,
		method: 'POST',
		path: '/echo',
		handle: async (_ctx, request) => ({ status: 201, headers: json, body: await request.body(1000) }),
	},
	...healthRoutes<Ctx>([{ name: 'database', run: () => (databaseUp ? Promise.resolve() : Promise.reject(new Error('down'))) }]),
	metricsRoute<Ctx>(createMetrics(), 'loopback'),
];

let server: Listening;
let base: string;

before(async () => {
	const handler = createHandler<Ctx>({
		routes,
		authenticate: (authorization) => {
			if (authorization !== 'Bearer good')
				throw new Problem('unauthenticated', 'token-missing', 'No.', { headers: { 'www-authenticate': 'Bearer' } });
			return { who: 'somebody' };
		},
		anonymous: () => ({ who: 'anonymous' }),
		dialects: [{ prefix: '/other/', problem: () => ({ status: 418 }) }],
		cors: { origins: ['https://app.example'] },
		bodyLimitBytes: 5000,
		trustedProxies: [],
		log: { ...silentLog, error: (_facts: object, text: string) => failures.push(text) } as unknown as Log,
	});
	server = await listen(handler, { port: 0, host: '127.0.0.1' });
	base = `http://127.0.0.1:${server.port}`;
});
after(() => server.close());

const good = { authorization: 'Bearer good' };
const get = (path: string, headers: Record<string, string> = good, method = 'GET') => fetch(base + path, { headers, method });

test('a row gets its caller, decoded params and raw query', async () => {
	const response = await get('/things/a%20b?x=1&y=%20');
	assert.equal(response.status, 200);
	assert.deepEqual(await response.json(), { who: 'somebody', id: 'a b', query: 'x=1&y=%20' });
	assert.equal(response.headers.get('cache-control'), 'no-store');
	assert.match(response.headers.get('x-request-id') ?? '', /^[0-9a-f-]{36}$/);
});

test('a request id is echoed when it is harmless and replaced when not', async () => {
	assert.equal((await get('/things/1', { ...good, 'x-request-id': 'abc-1' })).headers.get('x-request-id'), 'abc-1');
	assert.notEqual((await get('/things/1', { ...good, 'x-request-id': 'a b<script>' })).headers.get('x-request-id'), 'a b<script>');
});

test('without a token 401, on an unknown path 404, with a wrong method 405 that names the right ones', async () => {
	const refused = await get('/things/1', {});
	assert.equal(refused.status, 401);
	assert.equal(refused.headers.get('www-authenticate'), 'Bearer');
	assert.equal((await get('/nowhere')).status, 404);
	assert.equal((await get('/other/nowhere')).status, 418);
	const wrong = await get('/things/1', good, 'DELETE');
	assert.equal(wrong.status, 405);
	assert.equal(wrong.headers.get('allow'), 'GET, HEAD, OPTIONS');
});

test('a path that cannot be decoded is refused, not a failure of the server', async () => {
	const response = await get('/things/%E0%A4%A');
	assert.ok(response.status >= 400 && response.status < 500, String(response.status));
});

test('HEAD answers as GET without a body', async () => {
	const response = await get('/large', good, 'HEAD');
	assert.equal(response.status, 200);
	assert.equal(Number(response.headers.get('content-length')), large.length);
	assert.equal(await response.text(), '');
});

test('an unexpected failure shows nothing of the inside', async () => {
	const response = await get('/broken');
	assert.equal(response.status, 500);
	assert.doesNotMatch(await response.text(), /secret/);
});

test('a query of many values is read', async () => {
	const query = `id=${Array.from({ length: 1000 }, (_, i) => `01a2125d-05b1-703b-a047-${i + 1e11}`).join(',')}`;
	const response = await get(`/things/1?${query}`);
	assert.equal(response.status, 200);
	assert.equal(((await response.json()) as { query: string }).query, query);
});

/** What comes back for bytes that are sent as they are, the whole of them before anything is read. */
function exchange(text: string, rest = ''): Promise<string> {
	return new Promise((resolve, reject) => {
		const socket = connect(server.port, '127.0.0.1');
		let answer = '';
		socket.on('error', reject);
		socket.on('close', () => resolve(answer));
		socket.write(text);
		// The server has answered by now.
		setTimeout(() => socket.write(rest, () => socket.setEncoding('utf8').on('data', (part) => (answer += part))), 100);
	});
}

test('who sends on after a refusal still gets to see it', async () => {
	const size = 4_000_000;
	const head = `POST /echo HTTP/1.1\r\nhost: x\r\nauthorization: Bearer good\r\ncontent-length: ${size}\r\n\r\n`;
	const answer = await exchange(head, 'a'.repeat(size));
	assert.match(answer, /^HTTP\/1\.1 413 /);
	assert.match(answer, /"code":"body-too-large"/);
});

test('a client that goes away in the middle of a body is no failure of the server', async () => {
	const before = failures.length;
	const socket = connect(server.port, '127.0.0.1');
	const closed = new Promise((resolve) => socket.on('close', resolve));
	socket.write('POST /echo HTTP/1.1\r\nhost: x\r\nauthorization: Bearer good\r\ncontent-length: 100\r\n\r\nabc');
	await get('/things/1');
	socket.destroy();
	await closed;
	for (let i = 0; i < 5; i++) await get('/things/1');
	assert.equal(failures.length, before);
});

test('large answers are compressed as the client asks, small ones never', async () => {
	const raw = (path: string, encoding: string) =>
		new Promise<{ encoding: string | undefined; body: Buffer }>((resolve, reject) => {
			httpRequest(base + path, { headers: { ...good, 'accept-encoding': encoding } }, (message) => {
				const chunks: Buffer[] = [];
				message.on('data', (chunk) => chunks.push(chunk));
				message.on('end', () => resolve({ encoding: message.headers['content-encoding'], body: Buffer.concat(chunks) }));
			})
				.on('error', reject)
				.end();
		});
	const zipped = await raw('/large', 'gzip');
	assert.equal(zipped.encoding, 'gzip');
	assert.equal(gunzipSync(zipped.body).toString(), large);
	const brotli = await raw('/large', 'gzip;q=0.5, br');
	assert.equal(brotli.encoding, 'br');
	assert.equal(brotliDecompressSync(brotli.body).toString(), large);
	assert.equal((await raw('/large', 'gzip;q=0')).encoding, undefined);
	assert.equal((await raw('/things/1', 'gzip')).encoding, undefined);
});

const bodies: readonly (readonly [string, string | Buffer, Record<string, string>, number])[] = [
	['plain', 'hello', {}, 201],
	['gzip', gzipSync('hello'), { 'content-encoding': 'gzip' }, 201],
	['too large', 'x'.repeat(1001), {}, 413],
	['too large once decompressed', gzipSync('x'.repeat(500_000)), { 'content-encoding': 'gzip' }, 413],
	['broken gzip', 'not gzip', { 'content-encoding': 'gzip' }, 400],
	['unknown encoding', 'hello', { 'content-encoding': 'zip' }, 415],
	['an encoding that every object has', 'hello', { 'content-encoding': 'constructor' }, 415],
];
for (const [name, body, headers, status] of bodies) {
	test(`a body that is ${name} gives ${status}`, async () => {
		const response = await fetch(`${base}/echo`, { method: 'POST', body, headers: { ...good, ...headers } });
		assert.equal(response.status, status);
		if (status === 201) assert.equal(await response.text(), 'hello');
	});
}

test('CORS allows the listed origin only, without credentials', async () => {
	const preflight = await fetch(`${base}/things/1`, {
		method: 'OPTIONS',
		headers: { origin: 'https://app.example', 'access-control-request-headers': 'authorization, x-odd' },
	});
	assert.equal(preflight.status, 204);
	assert.equal(preflight.headers.get('access-control-allow-origin'), 'https://app.example');
	assert.equal(preflight.headers.get('access-control-allow-headers'), 'authorization, x-odd');
	assert.equal(preflight.headers.get('access-control-allow-credentials'), null);
	const other = await get('/things/1', { ...good, origin: 'https://evil.example' });
	assert.equal(other.headers.get('access-control-allow-origin'), null);
});

test('long answers come whole beside clients that stop reading and clients that go away', async () => {
	const open = (id: string): Promise<{ socket: ReturnType<typeof connect>; text: () => Promise<string> }> =>
		new Promise((resolve) => {
			const socket = connect({ port: server.port, host: '127.0.0.1' });
			socket.write(`GET /long/${id} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer good\r\n\r\n`);
			socket.once('data', (first: Buffer) => {
				socket.pause();
				const text = async (): Promise<string> => {
					const parts = [first];
					for await (const part of socket) parts.push(part as Buffer);
					const all = Buffer.concat(parts);
					return all.subarray(all.indexOf('\r\n\r\n') + 4).toString();
				};
				resolve({ socket, text });
			});
		});
	for (let round = 0; round < 2; round++) {
		const ids = Array.from({ length: 30 }, (_, n) => `${round}${'x'.repeat(n % 3)}${n}`);
		const slow = await Promise.all(ids.map(open));
		for (const [n, { socket }] of slow.entries()) if (n % 3 === 0) socket.destroy();
		for (const id of ids) assert.equal(await (await get(`/long/${id}`)).text(), long(id));
		for (const [n, { text }] of slow.entries()) if (n % 3 !== 0) assert.equal(await text(), long(ids[n] as string));
	}
});

test('health says alive always and ready only while every check holds', async () => {
	assert.equal((await get('/meta/health/livez', {})).status, 200);
	assert.equal((await get('/meta/health/readyz', {})).status, 200);
	databaseUp = false;
	const response = await get('/meta/health/readyz', {});
	databaseUp = true;
	assert.equal(response.status, 503);
	assert.deepEqual(await response.json(), { status: 'not-ready', checks: { database: false } });
});

test('metrics are shown to loopback', async () => {
	const text = await (await get('/metrics', {})).text();
	assert.match(text, /process_resident_memory_bytes \d+/);
});

test('a port in use is named', async () => {
	await assert.rejects(
		listen(() => undefined, { port: server.port, host: '127.0.0.1' }),
		(error: Problem) => error.code === 'port-in-use' && error.text.includes(String(server.port)),
	);
});
