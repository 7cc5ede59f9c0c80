// The embedded PostgreSQL through what befalls it: first start, second owner, a command that joins, both killed, adopted, restarted.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { silentLog } from '#base/log.ts';
import type { Problem } from '#base/problem.ts';
import { openDatabase } from './database.ts';
import { isAlive } from './embedded/lock.ts';
import { type Embedded, startEmbedded } from './embedded.ts';
import { raw } from './sql.ts';

// A long path beside, so that the socket has to be elsewhere: a Unix socket's path has at most 107 bytes.
const folder = mkdtempSync(join(tmpdir(), 'heron-embedded-'));
chmodSync(folder, 0o755);
const dataDir = join(folder, 'a-data-folder-with-a-name-that-is-much-too-long-for-the-path-of-a-unix-socket', 'data');
const settings = { shared_buffers: '32MB' };
const start = (mode?: 'own' | 'share'): Promise<Embedded> => startEmbedded({ dataDir, log: silentLog, settings, ...(mode && { mode }) });
after(() => rmSync(folder, { recursive: true, force: true }));

async function ask(embedded: Embedded, text: string): Promise<unknown[][]> {
	const db = openDatabase({ ...embedded.config, max: 1 });
	try {
		return await db.rows(raw(text));
	} finally {
		await db.close();
	}
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
	for (let i = 0; i < 500; i++) {
		if (await condition()) return;
		await sleep(20);
	}
	assert.fail('it did not come about');
}

test('made with checksums and fsync, on a socket of its own, with a password', async () => {
	const embedded = await start();
	assert.equal(embedded.adopted, false);
	const shown = await ask(
		embedded,
		`SELECT current_setting('data_checksums'), current_setting('fsync'), current_setting('synchronous_commit'),
			current_setting('listen_addresses'), current_setting('password_encryption'), current_setting('server_encoding')`,
	);
	assert.deepEqual(shown, [['on', 'on', 'on', '', 'scram-sha-256', 'UTF8']]);
	assert.equal(statSync(join(dataDir, 'postgres.secret')).mode & 0o777, 0o600);
	assert.equal(statSync(embedded.config.host as string).mode & 0o777, 0o700);
	await assert.rejects(ask({ ...embedded, config: { ...embedded.config, password: 'wrong' } }, 'SELECT 1'), { code: '28P01' });
	await ask(embedded, 'CREATE TABLE kept (n int)');
	await ask(embedded, 'INSERT INTO kept VALUES (7)');
	await embedded.stop();
	assert.equal(isAlive(embedded.pid), false);
});

test('a second owner is refused, a command joins and leaves it running', async () => {
	const embedded = await start();
	await assert.rejects(start('own'), { code: 'data-in-use' });
	const joined = await start('share');
	assert.equal(joined.pid, embedded.pid);
	assert.deepEqual(await ask(joined, 'SELECT n FROM kept'), [[7]]);
	await joined.stop();
	assert.deepEqual(await ask(embedded, 'SELECT n FROM kept'), [[7]]);
	await embedded.stop();
});

test('a command starts it when nobody else has', async () => {
	const embedded = await start('share');
	assert.deepEqual(await ask(embedded, 'SELECT n FROM kept'), [[7]]);
	await assert.rejects(start('own'), { code: 'data-in-use' });
	await embedded.stop();
	assert.equal(isAlive(embedded.pid), false);
});

/** A process that owns the folder, as Heron does, until it is killed. */
async function startElsewhere(): Promise<{ kill(): Promise<void>; postmaster: number }> {
	const code = `import { startEmbedded } from ${JSON.stringify(join(import.meta.dirname, 'embedded.ts'))};
		const log = { debug() {}, info() {}, warn() {}, error() {} };
		const embedded = await startEmbedded({ dataDir: ${JSON.stringify(dataDir)}, log, settings: ${JSON.stringify(settings)} });
		console.log(embedded.pid); process.stdin.resume();`;
	const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', code], { cwd: import.meta.dirname });
	const postmaster = await new Promise<number>((resolve) => child.stdout.once('data', (data) => resolve(Number(data))));
	return {
		postmaster,
		kill: () =>
			new Promise((resolve) => {
				child.once('exit', () => resolve());
				child.kill('SIGKILL');
			}),
	};
}

test('left alone by kill -9 of its owner it is adopted, and stopped by the new owner', async () => {
	const other = await startElsewhere();
	await assert.rejects(start(), (problem: Problem) => problem.code === 'data-in-use' && /process \d+/.test(problem.text));
	await other.kill();
	assert.equal(isAlive(other.postmaster), true);
	const embedded = await start();
	assert.equal(embedded.adopted, true);
	assert.equal(embedded.pid, other.postmaster);
	await embedded.stop();
	assert.equal(isAlive(other.postmaster), false);
});

test('killed together with its owner, it recovers', async () => {
	const other = await startElsewhere();
	await other.kill();
	process.kill(other.postmaster, 'SIGKILL');
	const embedded = await start();
	assert.equal(embedded.adopted, false);
	assert.deepEqual(await ask(embedded, 'SELECT n FROM kept'), [[7]]);
	await embedded.stop();
});

test('a process that was given the number of a dead postmaster is left in peace', async () => {
	const bystander = spawn('sleep', ['60']);
	const cluster = join(dataDir, 'postgres');
	writeFileSync(join(cluster, 'postmaster.pid'), `${bystander.pid}\n${cluster}\n1\n5432\n\n\n`);
	const embedded = await start();
	assert.equal(embedded.adopted, false);
	assert.equal(isAlive(bystander.pid as number), true);
	await embedded.stop();
	assert.equal(isAlive(bystander.pid as number), true);
	bystander.kill();
});

test('watched, it runs again after it was killed, and connections find it at the same place', async () => {
	const embedded = await start();
	embedded.watch();
	const before = embedded.pid;
	process.kill(before, 'SIGKILL');
	await until(() => embedded.pid !== before);
	await until(async () => (await ask(embedded, 'SELECT n FROM kept').catch(() => [[]]))[0]?.[0] === 7);
	await embedded.stop();
	assert.equal(isAlive(embedded.pid), false);
});

test('what cannot be started says why', async () => {
	const place = join(dataDir, 'postgres', 'PG_VERSION');
	const version = readFileSync(place, 'utf8');
	writeFileSync(place, '12\n');
	await assert.rejects(start(), (problem: Problem) => problem.code === 'postgres-version' && /made by PostgreSQL 12/.test(problem.text));
	writeFileSync(place, version);
	const broken = startEmbedded({ dataDir, log: silentLog, settings: { shared_buffers: 'plenty' } });
	await assert.rejects(broken, (problem: Problem) => problem.code === 'postgres-start' && /shared_buffers/.test(problem.text));
	const secret = readFileSync(join(dataDir, 'postgres.secret'), 'utf8');
	rmSync(join(dataDir, 'postgres.secret'));
	await assert.rejects(start(), { code: 'postgres-secret-missing' });
	writeFileSync(join(dataDir, 'postgres.secret'), secret);
	await (await start()).stop();
});

test('data are where the user that PostgreSQL runs as can reach them', async () => {
	const hidden = join(folder, 'hidden');
	mkdirSync(hidden, { mode: 0o700 });
	const options = { dataDir: join(hidden, 'data'), log: silentLog, settings };
	const embedded = await startEmbedded(options);
	// Only root has to let another user run it, who cannot look into a folder that is closed to others.
	const isRoot = process.getuid?.() === 0;
	const cluster = isRoot ? readFileSync(join(hidden, 'data', 'postgres.location'), 'utf8').trim() : join(hidden, 'data', 'postgres');
	try {
		assert.equal(cluster.startsWith(hidden), !isRoot);
		assert.equal(
			embedded.remarks.some((remark) => remark.includes(cluster)),
			isRoot,
		);
		await ask(embedded, 'CREATE TABLE kept (n int)');
		await embedded.stop();
		const again = await startEmbedded(options);
		assert.deepEqual(await ask(again, 'SELECT n FROM kept'), []);
		await again.stop();
	} finally {
		rmSync(cluster, { recursive: true, force: true });
	}
});
