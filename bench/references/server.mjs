// The reference points over HTTP: what node:http and pg can do at most when a server does nothing of its own. Plain JavaScript, no parsing,
// no validation, no index but the id. `fork` with a mode; it sends its port when it listens.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Pool } from 'pg';

const { mode, database, connections, keys } = JSON.parse(process.env.HERON_BENCH_REFERENCE ?? '{}');
const pool = database === undefined ? undefined : new Pool({ ...database, max: connections });
const fhirJson = 'application/fhir+json; charset=utf-8';

const modes = {
	none: () => answerAtOnce,
	insert: () => insertEach,
	batch: () => insertBatched(),
	read: () => readById,
	search: () => searchPatient,
	crud: () => rawCrud,
};

const handle = modes[mode]();
const server = createServer((request, response) => {
	handle(request, response).catch((error) => send(response, 500, String(error)));
});
server.keepAliveTimeout = 120_000;
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
process.on('disconnect', () => process.exit());
process.on('message', () => {
	const { user, system } = process.cpuUsage();
	process.send({ cpuSeconds: (user + system) / 1e6 });
});

function send(response, status, body, headers) {
	const bytes = typeof body === 'string' ? Buffer.from(body) : body;
	response.writeHead(status, { 'content-type': fhirJson, 'content-length': bytes.length, ...headers });
	response.end(bytes);
}

function read(request) {
	return new Promise((resolve, reject) => {
		const parts = [];
		request.on('data', (part) => parts.push(part));
		request.on('end', () => resolve(parts.length === 1 ? parts[0] : Buffer.concat(parts)));
		request.on('error', reject);
	});
}

// R0: a body of 3 KB without a database; a write is read and thrown away.
const fixed = Buffer.from(JSON.stringify({ resourceType: 'Patient', text: 'x'.repeat(3000) }));
async function answerAtOnce(request, response) {
	const body = request.method === 'GET' ? fixed : await read(request);
	send(response, 200, body);
}

// R1: one INSERT for each request.
async function insertEach(request, response) {
	const body = await read(request);
	const id = randomUUID();
	await pool.query({ name: 'insert', text: 'INSERT INTO bench.raw (id, body) VALUES ($1, $2)', values: [id, body.toString()] });
	send(response, 201, body, { location: `/Raw/${id}` });
}

// R2: the same, but what waits while a statement runs goes into the next one together; at most two run at a time.
function insertBatched() {
	const queue = [];
	let running = 0;
	const flush = async () => {
		if (running >= 2 || queue.length === 0) return;
		const batch = queue.splice(0, 512);
		running++;
		try {
			await pool.query({
				name: 'batch',
				text: 'INSERT INTO bench.raw (id, body) SELECT * FROM unnest($1::uuid[], $2::text[])',
				values: [batch.map(({ id }) => id), batch.map(({ body }) => body)],
			});
			for (const { resolve } of batch) resolve();
		} catch (error) {
			for (const { reject } of batch) reject(error);
		}
		running--;
		flush();
	};
	return async (request, response) => {
		const body = await read(request);
		const id = randomUUID();
		await new Promise((resolve, reject) => {
			queue.push({ id, body: body.toString(), resolve, reject });
			flush();
		});
		send(response, 201, body, { location: `/Raw/${id}` });
	};
}

// R3: one prepared SELECT by id.
async function readById(request, response) {
	const id = request.url.slice(request.url.lastIndexOf('/') + 1);
	const { rows } = await pool.query({
		name: 'read',
		text: 'SELECT body FROM bench.patient WHERE id = $1',
		values: [id],
		rowMode: 'array',
	});
	if (rows.length === 0) send(response, 404, '{}');
	else send(response, 200, rows[0][0]);
}

// R3s: the SQL of a patient search over Heron's own table, its rows spliced into a Bundle.
async function searchPatient(request, response) {
	const patient = new URLSearchParams(request.url.slice(request.url.indexOf('?'))).get('patient');
	const { rows } = await pool.query({
		name: 'search',
		text: `SELECT r.id, r.body, r.rid, r.d::text FROM fhir.observation r
			WHERE r.pat = $1 AND (r.dh > $2::timestamptz OR r.d >= $3::timestamptz) ORDER BY r.d DESC NULLS LAST, r.rid DESC LIMIT 51`,
		values: [keys[patient], '2010-01-01T23:59:59.999Z', '2010-01-01T00:00:00.000Z'],
		rowMode: 'array',
	});
	const entries = rows
		.slice(0, 50)
		.map(([id, body]) => `{"fullUrl":"http://localhost/Observation/${id}","resource":${body},"search":{"mode":"match"}}`);
	const link = `[{"relation":"self","url":"http://localhost${request.url}"}]`;
	send(response, 200, `{"resourceType":"Bundle","type":"searchset","link":${link},"entry":[${entries.join()}]}`);
}

// A server that does each of the four with one statement, without history or index.
async function rawCrud(request, response) {
	const [type, id] = request.url.split('?')[0].split('/').slice(-2);
	if (request.method === 'POST') {
		const body = await read(request);
		const made = randomUUID();
		await pool.query({ name: 'insert', text: 'INSERT INTO bench.raw (id, body) VALUES ($1, $2)', values: [made, body.toString()] });
		return send(response, 201, body, { location: `/${id}/${made}/_history/1` });
	}
	if (request.method === 'PUT') {
		const body = await read(request);
		await pool.query({ name: 'update', text: 'UPDATE bench.raw SET body = $2 WHERE id = $1', values: [id, body.toString()] });
		return send(response, 200, body);
	}
	if (request.method === 'DELETE') {
		await pool.query({ name: 'delete', text: 'DELETE FROM bench.raw WHERE id = $1', values: [id] });
		return send(response, 200, `{"resourceType":"OperationOutcome","type":"${type}"}`);
	}
	const { rows } = await pool.query({ name: 'read', text: 'SELECT body FROM bench.raw WHERE id = $1', values: [id], rowMode: 'array' });
	if (rows.length === 0) return send(response, 404, '{}');
	return send(response, 200, rows[0][0]);
}
