// Reading from a real streaming replica: what has been written is always seen by who wrote it, and a replica that fails is done without.
import assert from 'node:assert/strict';
import { appendFileSync, chmodSync, chownSync, cpSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type PoolConfig } from 'pg';
import { silentLog } from '#base/log.ts';
import { openDatabase } from './database.ts';
import { findPlace, type Place } from './embedded/place.ts';
import { runServer, stopServer } from './embedded/server.ts';
import { startEmbedded } from './embedded.ts';
import { openReplicas } from './replicas.ts';
import { raw } from './sql.ts';

const folder = mkdtempSync(join(tmpdir(), 'heron-replicas-'));
chmodSync(folder, 0o755);
const settings = { shared_buffers: '32MB', fsync: 'off', wal_receiver_status_interval: '1s' };
const embedded = await startEmbedded({ dataDir: join(folder, 'data'), log: silentLog, settings });
const primary = openDatabase(embedded.config);
await primary.execute(raw('CREATE TABLE t (n int)'));
const standby = await startStandby(embedded.config);
const standbyDb = openDatabase({ ...standby.config, max: 2 });
const replicas = openReplicas(primary, [standby.config], { log: silentLog, everyMs: 20, maxLagMs: 60_000 });

after(async () => {
	await replicas.close();
	await standbyDb.close();
	await primary.close();
	await stopServer(standby.pid);
	await embedded.stop();
	rmSync(folder, { recursive: true });
});

/** A base backup by hand (https://www.postgresql.org/docs/current/continuous-archiving.html#BACKUP-LOWLEVEL-BASE-BACKUP), started as a standby. */
async function startStandby(config: PoolConfig): Promise<{ config: PoolConfig; pid: number }> {
	const place = findPlace(join(folder, 'data'));
	const copy: Place = { ...place, cluster: join(folder, 'standby'), sockets: join(folder, 'standby', 'sockets') };
	const client = new Client(config);
	await client.connect();
	await client.query(`SELECT pg_backup_start('standby', true)`);
	const left = new Set(['postmaster.pid', 'sockets', 'server.log']);
	cpSync(place.cluster, copy.cluster, { recursive: true, filter: (path) => !left.has(basename(path)) && !/pg_wal\/.+/.test(path) });
	const { rows } = await client.query('SELECT labelfile FROM pg_backup_stop()');
	await client.end();
	writeFileSync(join(copy.cluster, 'backup_label'), rows[0].labelfile);
	writeFileSync(join(copy.cluster, 'standby.signal'), '');
	appendFileSync(
		join(copy.cluster, 'postgresql.auto.conf'),
		`primary_conninfo = 'host=${config.host} port=5432 user=${config.user} password=${config.password}'\n`,
	);
	chmodSync(copy.cluster, 0o700);
	if (place.owner !== undefined) own(copy.cluster, place.owner);
	const standbyConfig = { ...config, host: copy.sockets };
	const { pid } = await runServer(copy, standbyConfig, { log: silentLog, settings });
	return { config: standbyConfig, pid };
}

function own(path: string, owner: { uid: number; gid: number }): void {
	chownSync(path, owner.uid, owner.gid);
	if (statSync(path).isDirectory()) for (const name of readdirSync(path)) own(join(path, name), owner);
}

const isReplica = raw('SELECT pg_is_in_recovery()');
const asksReplica = async (lastWrite: number): Promise<boolean> => (await replicas.reader(lastWrite).rows(isReplica))[0]?.[0] === true;

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
	for (let i = 0; i < 500; i++) {
		if (await condition()) return;
		await sleep(20);
	}
	assert.fail('it did not come about');
}

test('who has written nothing reads from the replica, and writes go to the primary all the same', async () => {
	await until(() => asksReplica(0));
	const reader = replicas.reader(0);
	assert.deepEqual(await reader.tx((tx) => tx.rows(isReplica), { readOnly: true }), [[true]]);
	assert.equal(await reader.execute(raw('INSERT INTO t VALUES (1)')), 1);
	assert.deepEqual(await reader.tx((tx) => tx.rows(isReplica)), [[false]]);
	assert.deepEqual(await reader.rows(raw('INSERT INTO t VALUES (2) RETURNING n')), [[2]]);
});

test('who has just written reads from the primary until the replica has it', async () => {
	await standbyDb.execute(raw('SELECT pg_wal_replay_pause()'));
	await primary.execute(raw('INSERT INTO t VALUES (3)'));
	const wrote = Date.now();
	await sleep(200);
	assert.equal(await asksReplica(wrote), false);
	assert.equal(await asksReplica(wrote - 60_000), true);
	await standbyDb.execute(raw('SELECT pg_wal_replay_resume()'));
	await until(() => asksReplica(wrote));
	assert.deepEqual(await replicas.reader(wrote).rows(raw('SELECT n FROM t ORDER BY n')), [[1], [2], [3]]);
});

test('a server that is no replica is not read from', async () => {
	const others = openReplicas(primary, [embedded.config], { log: silentLog, everyMs: 20 });
	await sleep(200);
	assert.equal(others.fit(), 0);
	assert.equal(others.reader(0), primary);
	await others.close();
});

test('a replica that is lost is done without, also in the middle of it', async () => {
	const reader = replicas.reader(0);
	assert.deepEqual(await reader.rows(isReplica), [[true]]);
	process.kill(standby.pid, 'SIGKILL');
	await until(() => replicas.fit() === 0);
	assert.deepEqual(await reader.rows(isReplica), [[false]]);
	assert.deepEqual(await reader.tx((tx) => tx.rows(isReplica), { readOnly: true }), [[false]]);
	assert.equal(replicas.reader(0), primary);
});
