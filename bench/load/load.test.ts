// The measuring itself: what the generator counts must be what the server did.
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { type Connection, createConnection, headerOf, requestBytes } from './connection.ts';
import { type Load, startLoad } from './load.ts';

type Answers = (url: string, count: number) => { status: number; body: string; chunks?: number; headers?: Record<string, string> };

async function serve(answers: Answers): Promise<{ server: Server; port: number; seen: string[] }> {
	const seen: string[] = [];
	const server = createServer((request, response) => {
		request.resume().on('end', () => {
			seen.push(`${request.method} ${request.url}`);
			const { status, body, chunks, headers } = answers(request.url as string, seen.length);
			response.writeHead(status, { ...(chunks === undefined ? { 'content-length': Buffer.byteLength(body) } : {}), ...headers });
			const step = Math.ceil(body.length / (chunks ?? 1));
			for (let at = 0; at < body.length; at += step) response.write(body.slice(at, at + step));
			response.end();
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	return { server, port: (server.address() as AddressInfo).port, seen };
}

test('a connection reads answers of every framing, one after the other', async () => {
	const big = 'ü'.repeat(300_000);
	const kinds: Record<string, ReturnType<Answers>> = {
		'/plain': { status: 200, body: 'one' },
		'/empty': { status: 204, body: '' },
		'/big': { status: 200, body: big },
		'/chunked': { status: 201, body: big, chunks: 7, headers: { location: '/there/1' } },
		'/small-chunks': { status: 200, body: 'abcdefghij', chunks: 10 },
		'/closing': { status: 200, body: 'bye', headers: { connection: 'close' } },
		'/refused': { status: 422, body: 'why' },
	};
	const { server, port, seen } = await serve((url) => kinds[url] as ReturnType<Answers>);
	const connection: Connection = createConnection({ port, keepBody: true });
	try {
		for (let turn = 0; turn < 3; turn++) {
			for (const [url, expected] of Object.entries(kinds)) {
				const answer = await connection.send(requestBytes('GET', url, { accept: '*/*' }));
				assert.equal(answer.status, expected.status);
				assert.equal(answer.body.toString(), expected.body);
				assert.equal(headerOf(answer, 'Location'), expected.headers?.location);
			}
		}
		assert.equal(seen.length, 3 * Object.keys(kinds).length);
	} finally {
		connection.close();
		server.close();
	}
});

test('a request to a server that goes away is rejected, and the connection works again later', async () => {
	const first = await serve(() => ({ status: 200, body: 'x' }));
	const connection = createConnection({ port: first.port });
	await connection.send(requestBytes('GET', '/', {}));
	first.server.closeAllConnections();
	await new Promise((resolve) => first.server.close(resolve));
	await assert.rejects(connection.send(requestBytes('GET', '/', {})));
	const second = createServer((_, response) => response.end('y'));
	await new Promise<void>((resolve) => second.listen(first.port, '127.0.0.1', resolve));
	assert.equal((await connection.send(requestBytes('GET', '/', {}))).status, 200);
	connection.close();
	second.close();
});

test('the generator counts every answer once, and only good ones as good', async (t) => {
	const { server, port, seen } = await serve((url) => (url === '/bad' ? { status: 500, body: 'broken' } : { status: 200, body: url }));
	const load: Load = startLoad();
	t.after(() => {
		load.stop();
		server.close();
	});
	const requests = ['/a', '/b', '/bad', '/b'].map((url) => requestBytes('GET', url, {}));
	load.define('mix', { requests, kinds: [0, 1, 0, 1] });
	const outcome = await load.run({ port, connections: 9, requests: 1000, run: 'mix' });
	assert.equal(seen.length, 1000);
	assert.equal(outcome.ok, 750);
	assert.deepEqual(outcome.failed, { 500: 250 });
	assert.match(outcome.complaint ?? '', /GET \/bad.*500.*broken/s);
	assert.deepEqual(
		outcome.kinds.map(({ count }) => count),
		[250, 500],
	);
	assert.ok(outcome.p50 <= outcome.p99);
	assert.ok(Math.abs(outcome.perSecond * outcome.seconds - 750) < 1e-6);
});

test('the cycle creates, reads, updates and deletes what it made', async (t) => {
	const made: string[] = [];
	const server = createServer((request, response) => {
		let body = '';
		request.on('data', (part) => {
			body += part;
		});
		request.on('end', () => {
			made.push(`${request.method} ${request.url} ${body}`);
			const location = request.method === 'POST' ? { location: `http://x${request.url}/id${made.length}/_history/1` } : {};
			response.writeHead(200, { 'content-length': 0, ...location }).end();
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const load = startLoad();
	t.after(() => {
		load.stop();
		server.close();
	});
	const steps = [
		{ type: 'Patient', create: 'p', update: 'p {Patient}' },
		{ type: 'Encounter', create: 'of {Patient}', update: 'e {Encounter} of {Patient}' },
	];
	load.define('cycle', { base: '/f', authorization: 'Bearer x', steps });
	const outcome = await load.run({ port: (server.address() as AddressInfo).port, connections: 1, requests: 1, run: 'cycle' });
	assert.equal(outcome.ok, 8);
	assert.deepEqual(made, [
		'POST /f/Patient p',
		'POST /f/Encounter of id1',
		'GET /f/Patient/id1 ',
		'GET /f/Encounter/id2 ',
		'PUT /f/Patient/id1 p id1',
		'PUT /f/Encounter/id2 e id2 of id1',
		'DELETE /f/Encounter/id2 ',
		'DELETE /f/Patient/id1 ',
	]);
});
