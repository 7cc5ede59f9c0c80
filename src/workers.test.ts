// Several processes on one machine, and several servers on one database of the operator's own.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Caller, everything } from '#access/ctx.ts';
import { mintToken } from '#access/tokens.ts';
import { isAlive } from '#db/embedded/lock.ts';
import { cloneDatabase } from '#testing/database.ts';
import { childEnv, freePort, type Heron, isReady, startHeron } from '#testing/heron.ts';

const folder = mkdtempSync(join(tmpdir(), 'heron-workers-'));
const { database, config, drop } = await cloneDatabase();
const url = new URL(`postgres://${config.user}@localhost/${config.database}?host=${encodeURIComponent(config.host as string)}`);
url.password = config.password as string;
const env = { DATABASE_URL: url.href, HERON_DATA_DIR: join(folder, 'data'), HERON_DATABASE_CONNECTIONS: '4' };
const admin: Caller = { kind: 'user', id: 'admin', name: 'admin', grants: everything };
const token = await mintToken(database, admin, new Date(Date.now() + 3_600_000));
const started: Heron[] = [];
after(async () => {
	for (const heron of started) if (heron.running()) await heron.kill();
	await drop();
	rmSync(folder, { recursive: true });
});

async function start(more: Record<string, string> = {}): Promise<Heron> {
	const heron = await startHeron({ env: { ...env, ...more } });
	started.push(heron);
	return heron;
}

/** Each on a connection of its own, so that the processes take turns. */
const ask = (heron: Heron, method: string, path: string, body?: object): Promise<Response> =>
	fetch(path.startsWith('/') ? `http://127.0.0.1:${heron.port}${path}` : `${heron.base}/${path}`, {
		method,
		headers: { authorization: `Bearer ${token}`, 'content-type': 'application/fhir+json', connection: 'close' },
		...(body === undefined ? {} : { body: JSON.stringify(body) }),
	});

function childrenOf(pid: number): number[] {
	return readdirSync('/proc')
		.filter((name) => /^\d+$/.test(name) && existsSync(`/proc/${name}/stat`))
		.filter((name) => {
			try {
				return Number(readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]) === pid;
			} catch {
				return false;
			}
		})
		.map(Number);
}

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
	for (let i = 0; i < 3000; i++) {
		if (await condition()) return;
		await sleep(20);
	}
	assert.fail('it did not come about');
}

test('two processes serve one port; one that dies is replaced; all end together', async () => {
	const heron = await start({ HERON_WORKERS: '2' });
	await until(() => /with 2 processes\nFHIR R4 at .+\nHeron is ready/.test(heron.output()));
	const first = childrenOf(heron.pid);
	assert.equal(first.length, 2);
	const written = await Promise.all(
		Array.from({ length: 20 }, (_, i) => ask(heron, 'PUT', `Patient/w${i}`, { resourceType: 'Patient', id: `w${i}` })),
	);
	assert.deepEqual(new Set(written.map(({ status }) => status)), new Set([201]));
	process.kill(first[0] as number, 'SIGKILL');
	await until(() => childrenOf(heron.pid).length === 2 && !childrenOf(heron.pid).includes(first[0] as number));
	await until(async () => (await ask(heron, 'GET', 'Patient/w1').catch(() => undefined))?.status === 200);
	const last = childrenOf(heron.pid);
	await heron.stop();
	assert.deepEqual(last.filter(isAlive), []);
});

test('the figures are those of all processes together, whichever is asked', async () => {
	const heron = await start({ HERON_WORKERS: '2' });
	await until(() => /is ready/.test(heron.output()));
	for (let i = 0; i < 10; i++) await ask(heron, 'GET', 'metadata');
	const counted = async (): Promise<number> => {
		const text = await (await ask(heron, 'GET', '/metrics')).text();
		return Number(/^http_request_duration_seconds_count\{.*metadata.*\} (\d+)$/m.exec(text)?.[1]);
	};
	assert.deepEqual(new Set(await Promise.all(Array.from({ length: 6 }, counted))), new Set([10]));
	await heron.stop();
});

test('when the first process is killed, the others end too', async () => {
	const heron = await start({ HERON_WORKERS: '2' });
	await until(() => childrenOf(heron.pid).length === 2);
	const workers = childrenOf(heron.pid);
	await heron.kill();
	await until(() => !workers.some(isAlive));
});

test('two servers on one database see each other’s writes, and tokens end on both', async () => {
	const [one, two] = await Promise.all([start(), start()]);
	assert.doesNotMatch(one.output(), /PostgreSQL 18/);
	assert.equal((await ask(one, 'PUT', 'Patient/shared', { resourceType: 'Patient', id: 'shared' })).status, 201);
	assert.equal((await ask(two, 'GET', 'Patient/shared')).status, 200);
	assert.equal((await ask(two, 'PUT', 'Patient/shared', { resourceType: 'Patient', id: 'shared', active: true })).status, 200);
	assert.match(await (await ask(one, 'GET', 'Patient/shared')).text(), /"active":true/);
	await Promise.all([one.stop(), two.stop()]);
});

test('npm passes a stop on', async () => {
	const port = await freePort();
	const npm = spawn('npm', ['start'], {
		cwd: join(import.meta.dirname, '..'),
		env: { ...childEnv, ...env, HERON_HTTPS_PORT: '0', HERON_HTTP_PORT: String(port) },
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	let said = '';
	npm.stdout.on('data', (text) => {
		said += text;
	});
	await until(() => /is ready/.test(said));
	npm.kill('SIGTERM');
	await until(() => /Heron is stopping/.test(said));
	await until(async () => !(await isReady(port)));
});

/** A start that fails: exit code and what it said. */
function fail(more: Record<string, string>): Promise<{ code: number | null; said: string }> {
	const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
		env: { ...childEnv, ...env, HERON_HTTPS_PORT: '0', HERON_LOG_LEVEL: 'debug', ...more },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	let said = '';
	for (const stream of [child.stdout, child.stderr])
		stream.on('data', (text) => {
			said += text;
		});
	return new Promise((resolve) => child.once('close', (code) => resolve({ code, said })));
}

for (const workers of ['1', '2']) {
	test(`a port in use is named, with ${workers} processes`, async () => {
		const heron = await start();
		const { code, said } = await fail({ HERON_HTTP_PORT: String(heron.port), HERON_WORKERS: workers });
		assert.equal(code, 1);
		assert.match(said, new RegExp(`Heron did not start. Port ${heron.port} is already in use by another program.`));
		await heron.stop();
	});
}

test('a database that refuses is told, and its password is not', async () => {
	const wrong = new URL(url);
	wrong.password = 'not-the-s3cret';
	const { code, said } = await fail({ DATABASE_URL: wrong.href, HERON_HTTP_PORT: String(await freePort()) });
	assert.equal(code, 1);
	assert.match(said, /The database does not let Heron in/);
	assert.doesNotMatch(said, /s3cret/);
});

test('certificate files that do not fit are told', async () => {
	const { code, said } = await fail({
		HERON_HTTPS_PORT: String(await freePort()),
		HERON_HTTP_PORT: '0',
		HERON_TLS_CERT: '/none/cert.pem',
		HERON_TLS_KEY: '/none/key.pem',
	});
	assert.equal(code, 1);
	assert.match(said, /HERON_TLS_CERT: \/none\/cert\.pem cannot be read \(ENOENT\)/);
});
