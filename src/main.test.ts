// The server by its front, as a process of its own on an embedded PostgreSQL: first start, second owner, lost database, kill -9, stop.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { isAlive } from '#db/embedded/lock.ts';
import { childEnv, freePort, type Heron, startHeron } from '#testing/heron.ts';

const folder = mkdtempSync(join(tmpdir(), 'heron-main-'));
chmodSync(folder, 0o755);
const dataDir = join(folder, 'data');
const httpsPort = await freePort();
const env = { HERON_DATA_DIR: dataDir, HERON_HTTPS_PORT: String(httpsPort), HERON_DRAIN_SECONDS: '30' };
let heron: Heron;
let token = '';
after(async () => {
	if (heron.running()) await heron.kill();
	const pid = postmaster();
	if (pid !== undefined && isAlive(pid)) process.kill(pid, 'SIGQUIT');
	for (let i = 0; i < 500 && pid !== undefined && isAlive(pid); i++) await sleep(10);
	rmSync(folder, { recursive: true });
});

function postmaster(): number | undefined {
	try {
		return Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
	} catch {
		return undefined;
	}
}

/** A script of Heron's to its end. */
async function run(
	script: string,
	args: readonly string[],
	more: Record<string, string> = {},
): Promise<{ code: number | null; out: string; err: string }> {
	const child = spawn(process.execPath, [join(import.meta.dirname, script), ...args], {
		env: { ...childEnv, HERON_DATA_DIR: dataDir, ...more },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	let out = '';
	let err = '';
	child.stdout.on('data', (text) => {
		out += text;
	});
	child.stderr.on('data', (text) => {
		err += text;
	});
	return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
}

const fhir = (method: string, path: string, body?: object): Promise<Response> =>
	fetch(`${heron.base}/${path}`, {
		method,
		headers: { authorization: `Bearer ${token}`, 'content-type': 'application/fhir+json' },
		...(body === undefined ? {} : { body: JSON.stringify(body) }),
	});

async function until(condition: () => Promise<boolean>): Promise<void> {
	for (let i = 0; i < 6000; i++) {
		if (await condition()) return;
		await sleep(20);
	}
	assert.fail(`it did not come about; Heron printed:\n${heron.output()}`);
}

test('a first start says where it listens and that it is ready', async () => {
	heron = await startHeron({ env });
	const lines = heron.output().trim().split('\n');
	assert.match(lines[0] ?? '', /^PostgreSQL 18\.\d+ with the data of .+ \(process \d+\)$/);
	assert.equal(lines.at(-3), `Listening on https://localhost:${httpsPort} and http://localhost:${heron.port}`);
	assert.equal(lines.at(-2), `FHIR R4 at https://localhost:${httpsPort}/apis/default/fhir`);
	assert.equal(lines.at(-1), `Heron is ready at https://localhost:${httpsPort}`);
	assert.equal((await fetch(`http://127.0.0.1:${heron.port}/meta/health/livez`)).status, 200);
	assert.match(await (await fetch(`${heron.base}/metadata`)).text(), /^\{"resourceType":"CapabilityStatement"/);
	assert.match(await (await fetch(`http://127.0.0.1:${heron.port}/metrics`)).text(), /^heron_database_connections \d/m);
});

test('https with a certificate of its own', async () => {
	const shown = await new Promise<X509Certificate | undefined>((resolve, reject) => {
		const socket = connect({ port: httpsPort, host: 'localhost', rejectUnauthorized: false }, () => {
			resolve(socket.getPeerX509Certificate());
			socket.end();
		});
		socket.on('error', reject);
	});
	assert.equal(shown?.checkHost('localhost'), 'localhost');
	assert.equal(shown?.fingerprint256, new X509Certificate(readFileSync(join(dataDir, 'tls.pem'))).fingerprint256);
});

test('a token minted while it runs opens the door, and nothing else does', async () => {
	const refused = await fhir('GET', 'Patient');
	assert.equal(refused.status, 401);
	assert.match(refused.headers.get('www-authenticate') ?? '', /Bearer/);
	const minted = await run('commands/heron.ts', ['token', 'admin']);
	assert.deepEqual([minted.code, minted.err], [0, '']);
	token = minted.out.trim();
	assert.match(token, /^hrn_\S+$/);
	assert.equal((await fhir('PUT', 'Patient/kept', { resourceType: 'Patient', id: 'kept' })).status, 201);
	assert.equal((await fhir('GET', 'Patient/kept')).status, 200);
});

test('a second Heron on the same data is refused, and the first is named', async () => {
	const second = await run('main.ts', [], { HERON_HTTPS_PORT: '0', HERON_HTTP_PORT: String(await freePort()) });
	assert.equal(second.code, 1);
	assert.match(
		second.err,
		new RegExp(`^Heron did not start\\. Another Heron \\(process ${heron.pid}\\) is running on this data folder\\.`),
	);
});

test('without its database it answers 503, and it gets the database back by itself', async () => {
	process.kill(postmaster() as number, 'SIGKILL');
	await until(async () => (await fhir('GET', 'Patient/kept')).status === 503);
	const away = await fhir('GET', 'Patient/kept');
	if (away.status === 503) {
		assert.ok(away.headers.has('retry-after'));
		assert.match(await away.text(), /"resourceType":"OperationOutcome"/);
	}
	await until(async () => (await fhir('GET', 'Patient/kept')).status === 200);
	assert.equal((await fhir('PUT', 'Patient/kept2', { resourceType: 'Patient', id: 'kept2' })).status, 201);
});

test('killed, it leaves a PostgreSQL that the next start takes over, with all that was acknowledged', async () => {
	await heron.kill();
	const orphan = postmaster() as number;
	assert.equal(isAlive(orphan), true);
	heron = await startHeron({ env });
	assert.match(heron.output(), new RegExp(`process ${orphan}, found running`));
	assert.equal((await fhir('GET', 'Patient/kept2')).status, 200);
});

test('SIGTERM lets a running request finish, stops PostgreSQL and ends with 0', async () => {
	const pid = postmaster() as number;
	const aborter = new AbortController();
	// A body that is still on its way when the signal comes.
	const slow = fetch(`${heron.base}/Patient/slow`, {
		method: 'PUT',
		headers: { authorization: `Bearer ${token}`, 'content-type': 'application/fhir+json' },
		body: (async function* () {
			yield Buffer.from('{"resourceType":"Patient",');
			await sleep(300);
			yield Buffer.from('"id":"slow"}');
		})(),
		duplex: 'half',
		signal: aborter.signal,
	} as unknown as RequestInit);
	await sleep(150);
	const stopped = heron.stop();
	assert.equal((await slow).status, 201);
	await stopped;
	assert.equal(isAlive(pid), false);
	assert.match(heron.output(), /Heron is stopping \(SIGTERM\)/);
});

test('a stop before it is ready stops as well', async () => {
	const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
		env: { ...childEnv, ...env, HERON_HTTP_PORT: '0' },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	await new Promise((resolve) => child.stdout.once('data', resolve));
	child.kill('SIGINT');
	const code = await new Promise((resolve) => child.once('close', resolve));
	assert.equal(code, 0);
	const pid = postmaster();
	assert.ok(pid === undefined || !isAlive(pid));
});

test('it stops when the process that started it is gone', async () => {
	const code = `import { spawn } from 'node:child_process';
		const child = spawn(process.execPath, [${JSON.stringify(join(import.meta.dirname, 'main.ts'))}], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
		let text = '';
		child.stdout.on('data', (data) => { text += data; if (/is ready/.test(text)) console.log(child.pid); });`;
	const parent = spawn(process.execPath, ['--input-type=module', '-e', code], {
		env: { ...childEnv, ...env, HERON_HTTPS_PORT: '0', HERON_HTTP_PORT: String(await freePort()) },
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	const pid = await new Promise<number>((resolve) => parent.stdout.once('data', (data) => resolve(Number(data))));
	parent.kill('SIGKILL');
	for (let i = 0; i < 500 && isAlive(pid); i++) await sleep(20);
	assert.equal(isAlive(pid), false);
});

test('wrong settings are all named, and nothing is started', async () => {
	const { code, err } = await run('main.ts', [], { HERON_WORKERS: '0', HERON_HTTP_PROT: '1', DATABASE_URL: 'mysql://u:s3cret@h/d' });
	assert.equal(code, 1);
	for (const name of ['HERON_WORKERS', 'HERON_HTTP_PROT', 'DATABASE_URL']) assert.match(err, new RegExp(name));
	assert.doesNotMatch(err, /s3cret/);
});
