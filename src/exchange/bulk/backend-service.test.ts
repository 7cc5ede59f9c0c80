// The whole road by its front, with the real server as a process: a backend service with a JWKS gets its token, exports, polls, downloads
// and counts; and again with the process killed in the middle. https://hl7.org/fhir/smart-app-launch/backend-services.html
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type Caller, everything } from '#access/ctx.ts';
import { mintToken } from '#access/tokens.ts';
import { raw, sql } from '#db/sql.ts';
import { cloneDatabase } from '#testing/database.ts';
import { freePort, type Heron, startHeron } from '#testing/heron.ts';

const patients = 1000;
const folder = mkdtempSync(join(tmpdir(), 'heron-bulk-'));
const { database: db, config, drop } = await cloneDatabase();
const url = new URL(`postgres://${config.user}@localhost/${config.database}?host=${encodeURIComponent(config.host as string)}`);
url.password = config.password as string;
const port = await freePort();
const origin = `http://127.0.0.1:${port}`;
const fhir = `${origin}/apis/default/fhir`;
const issuer = `${origin}/oauth2/default`;
const started: Heron[] = [];

async function start(): Promise<Heron> {
	const env = {
		DATABASE_URL: url.href,
		HERON_DATA_DIR: join(folder, 'data'),
		HERON_PUBLIC_URL: origin,
		HERON_DATABASE_CONNECTIONS: '6',
		HERON_ALLOW_PRIVATE_URLS: '1',
		HERON_CLIENT_APPROVAL: 'automatic',
	};
	const heron = await startHeron({ env, port });
	started.push(heron);
	return heron;
}

const { privateKey, publicKey } = await generateKeyPair('RS384', { extractable: true });
const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'RS384', use: 'sig' }] };
const keys = createServer((_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(jwks)));
await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve));
after(async () => {
	keys.close();
	for (const heron of started) if (heron.running()) await heron.kill();
	await drop();
	rmSync(folder, { recursive: true });
});
const at = keys.address();
const jwksUri = `http://127.0.0.1:${typeof at === 'object' ? at?.port : 0}/jwks.json`;

const scope = 'system/*.rs system/*.$export';
let client = '';
let serial = 0;

async function register(): Promise<void> {
	const body = {
		application_type: 'private',
		client_name: 'Nightly export',
		token_endpoint_auth_method: 'private_key_jwt',
		jwks_uri: jwksUri,
		scope,
	};
	const headers = { 'content-type': 'application/json' };
	const answer = await fetch(`${issuer}/registration`, { method: 'POST', headers, body: JSON.stringify(body) });
	const text = await answer.text();
	assert.ok(answer.status < 300, text);
	client = (JSON.parse(text) as { client_id: string }).client_id;
}

/** A token for a minute, by an assertion that is good once. */
async function token(): Promise<string> {
	const now = Math.floor(Date.now() / 1000);
	const claims = { iss: client, sub: client, aud: `${issuer}/token`, exp: now + 240, iat: now, jti: `e${serial++}` };
	const assertion = await new SignJWT(claims).setProtectedHeader({ alg: 'RS384', kid: 'k1', typ: 'JWT' }).sign(privateKey);
	const body = new URLSearchParams({
		grant_type: 'client_credentials',
		client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
		client_assertion: assertion,
		scope,
	});
	const answer = await fetch(`${issuer}/token`, { method: 'POST', body });
	const text = await answer.text();
	assert.equal(answer.status, 200, text);
	return (JSON.parse(text) as { access_token: string }).access_token;
}

const ask = (address: string, bearer: string, init: RequestInit = {}): Promise<Response> =>
	fetch(address, { ...init, headers: { authorization: `Bearer ${bearer}`, prefer: 'respond-async', ...init.headers } });

async function taken(answer: Response): Promise<string> {
	assert.equal(answer.status, 202, await answer.text());
	return answer.headers.get('content-location') as string;
}

type Manifest = { readonly output: readonly { readonly type: string; readonly url: string; readonly count: number }[] };

async function manifestAt(place: string, bearer: string): Promise<Manifest> {
	for (;;) {
		const answer = await ask(place, bearer);
		if (answer.status === 200) return (await answer.json()) as Manifest;
		assert.ok(answer.status === 202 || answer.status === 429, `${answer.status} ${await answer.text()}`);
		await sleep(100);
	}
}

/** The people of the test and what is known of each, brought in as NDJSON. */
async function fill(): Promise<void> {
	const lines: object[] = [];
	for (let n = 0; n < patients; n++) {
		const subject = { reference: `Patient/b${n}` };
		lines.push({ resourceType: 'Patient', id: `b${n}`, gender: n % 2 === 0 ? 'female' : 'male', birthDate: `19${10 + (n % 90)}-01-01` });
		lines.push({
			resourceType: 'Observation',
			id: `b${n}`,
			status: 'final',
			code: { text: 'weight' },
			subject,
			valueQuantity: { value: n, unit: 'kg' },
		});
	}
	const admin: Caller = { kind: 'user', id: 'admin', name: 'admin', grants: everything };
	const bearer = await mintToken(db, admin, new Date(Date.now() + 3_600_000));
	const body = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
	const answer = await ask(`${fhir}/$import`, bearer, { method: 'POST', body, headers: { 'content-type': 'application/fhir+ndjson' } });
	const { counts } = (await manifestAt(await taken(answer), bearer)) as unknown as { counts: { created: number } };
	assert.equal(counts.created, lines.length);
}

/** Downloads what the manifest names and compares it, line by line, with the database. */
async function compare({ output }: Manifest, bearer: string): Promise<void> {
	const types = (await db.rows(raw('SELECT type FROM fhir.used_type ORDER BY type'))).map(([type]) => type as string);
	assert.deepEqual([...new Set(output.map(({ type }) => type))].sort(), types);
	for (const type of types) {
		const lines: string[] = [];
		for (const file of output.filter((one) => one.type === type)) {
			const answer = await ask(file.url, bearer, { headers: { 'accept-encoding': 'gzip' } });
			assert.equal(answer.status, 200);
			const own = (await answer.text()).split('\n').slice(0, -1);
			assert.equal(own.length, file.count);
			lines.push(...own);
		}
		const stored = await db.rows({ text: `SELECT body FROM fhir."${type.toLowerCase()}"` });
		assert.deepEqual(lines.toSorted(), stored.map(([body]) => body as string).toSorted());
	}
}

let heron = await start();
await register();
await fill();

test('1,000 patients: token, kick-off, poll, download, count, compare, delete', async () => {
	const bearer = await token();
	const place = await taken(await ask(`${fhir}/$export`, bearer));
	await compare(await manifestAt(place, bearer), bearer);
	assert.equal((await ask(place, bearer, { method: 'DELETE' })).status, 202);
	assert.equal((await ask(place, bearer)).status, 404);
});

test('killed in the middle, started again: the same job comes to its end, whole', async () => {
	const bearer = await token();
	const lock = await db.connect();
	await lock.query('BEGIN; LOCK TABLE fhir.patient IN ACCESS EXCLUSIVE MODE');
	const place = await taken(await ask(`${fhir}/$export`, bearer));
	const waiting = sql`SELECT FROM pg_locks WHERE NOT granted AND relation = 'fhir.patient'::regclass`;
	while ((await db.rows(waiting)).length === 0) await sleep(20);
	assert.equal((await ask(place, bearer)).status, 202);
	await heron.kill();
	await lock.query('ROLLBACK');
	lock.release();
	// As if the time had passed after which a silent process counts as dead.
	await db.execute(raw("UPDATE jobs.job SET due_at = now() WHERE state = 'running'"));
	heron = await start();
	await compare(await manifestAt(place, bearer), bearer);
	await heron.stop();
});
