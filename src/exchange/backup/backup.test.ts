// Backups: whole, from one moment, checked; restores: all or nothing.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { mintToken } from '#access/tokens.ts';
import { systemClock } from '#base/clock.ts';
import { type Database, openDatabase } from '#db/database.ts';
import { raw } from '#db/sql.ts';
import { ownSequences, ownTables } from '#db/tables.ts';
import { createDiskBlobs } from '#fhir/binary/disk.ts';
import { create } from '#fhir/interactions/create.ts';
import type { Write } from '#fhir/store/store.ts';
import { testFhir } from '#testing/fhir.ts';
import { generatedTables } from '#testing/migrations.ts';
import { backup } from './backup.ts';
import { type RestoreOptions, restore } from './restore.ts';

const folder = mkdtempSync(join(tmpdir(), 'heron-backup-'));
after(() => rmSync(folder, { recursive: true }));
const ctx = await testFhir({ after });
const { db, fhir } = ctx;
const dataDir = join(folder, 'data');
mkdirSync(join(dataDir, 'packages'), { recursive: true });
writeFileSync(join(dataDir, 'tls.pem'), 'certificate');
writeFileSync(join(dataDir, 'secret.key'), 'k'.repeat(32));
writeFileSync(join(dataDir, 'packages', 'p-1.json'), '{}');
await fillRecord();
const file = join(folder, 'whole.tar');
const source = { db, blobs: fhir.blobs, dataDir, clock: systemClock };
let databases = 0;

async function fillRecord(): Promise<void> {
	const write = (id: string, more: object = {}): Write => ({
		type: 'Patient',
		id,
		op: 'U',
		resource: { resourceType: 'Patient', id, ...more },
	});
	await fhir.store.transact(ctx, (unit) =>
		unit.write(Array.from({ length: 300 }, (_, i) => write(`p${i}`, { name: [{ family: `Ö\\n\t"${i}"` }] }))),
	);
	for (let i = 0; i < 3; i++) await fhir.store.write(ctx, write('p1', { active: i % 2 === 0 }));
	await fhir.store.write(ctx, { type: 'Patient', id: 'p2', op: 'D', resource: null });
	await create(ctx, {
		type: 'Binary',
		resource: { resourceType: 'Binary', contentType: 'application/octet-stream', data: Buffer.alloc(200_000, 7).toString('base64') },
	});
	await mintToken(db, ctx.caller, new Date(Date.now() + 1e9));
}

/** An empty database, and a place for files. */
async function target(t: TestContext): Promise<Pick<RestoreOptions, 'db' | 'blobs' | 'dataDir' | 'generated'>> {
	const name = `${db.pool.options.database}_r${++databases}`;
	await db.execute(raw(`CREATE DATABASE ${name}`));
	const own = openDatabase({
		...db.pool.options,
		password: db.pool.options.password as string,
		database: name,
		application_name: 'heron restore',
		max: 2,
	});
	t.after(async () => {
		await own.close();
		await db.execute(raw(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
	});
	const dir = join(folder, name);
	mkdirSync(dir);
	return { db: own, blobs: createDiskBlobs(join(dir, 'blobs')), dataDir: dir, generated: generatedTables() };
}

/** Everything in a database, by table: a hash over its rows in order. */
async function contents(of: Database): Promise<Record<string, string>> {
	const found: Record<string, string> = {};
	for (const { schema, name } of await ownTables(of)) {
		if (name === 'heron_migration') continue;
		const [row] = await of.rows(
			raw(`SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM "${schema}"."${name}" t`),
		);
		found[`${schema}.${name}`] = row?.[0] as string;
	}
	for (const { name, last } of await ownSequences(of)) found[name] = last;
	return found;
}

test('a backup brings everything back into an empty installation', async (t) => {
	const manifest = await backup({ ...source, path: file });
	assert.deepEqual(
		readdirSync(folder).filter((name) => name.endsWith('.part')),
		[],
	);
	assert.equal(statSync(file).mode & 0o777, 0o600);
	assert.deepEqual([manifest.blobs.count, manifest.files], [1, ['tls.pem', 'secret.key', 'packages/p-1.json']]);
	assert.equal(manifest.tables.find(({ name }) => name === 'patient')?.rows, 299);
	const to = await target(t);
	await restore({ ...to, path: file, force: false });
	assert.deepEqual(await contents(to.db), await contents(db));
	for await (const key of fhir.blobs.keys()) assert.ok(await to.blobs.has(key));
	assert.equal(readFileSync(join(to.dataDir, 'tls.pem'), 'utf8'), 'certificate');
	assert.equal(readFileSync(join(to.dataDir, 'secret.key'), 'utf8'), 'k'.repeat(32));
	assert.equal(readFileSync(join(to.dataDir, 'packages', 'p-1.json'), 'utf8'), '{}');
	assert.equal(existsSync(join(to.dataDir, 'postgres.secret')), false);
	// Restoring once more is refused, and with force gives the same again.
	await assert.rejects(restore({ ...to, path: file, force: false }), { code: 'target-not-empty' });
	await to.db.execute(raw(`DELETE FROM fhir.patient WHERE id < 'p2'`));
	await restore({ ...to, path: file, force: true });
	assert.deepEqual(await contents(to.db), await contents(db));
});

test('a file that is there is not written over', async () => {
	await assert.rejects(backup({ ...source, path: file }), { code: 'file-exists' });
});

test('a byte that was changed anywhere, or an end that is missing, is found before anything is touched', async (t) => {
	const bytes = readFileSync(file);
	const to = await target(t);
	const damaged = join(folder, 'damaged.tar');
	const places = [
		10,
		520,
		Math.floor(bytes.length / 3),
		Math.floor(bytes.length / 2),
		bytes.length - 3000,
		bytes.lastIndexOf('heron-backup') + 3,
	];
	for (const at of places) {
		const copy = Buffer.from(bytes);
		copy[at] = (copy[at] as number) ^ 1;
		// Padding between entries holds nothing, and a change there changes nothing.
		if (bytes[at] === 0 && copy.subarray(at - 8, at).every((byte) => byte === 0)) continue;
		writeFileSync(damaged, copy);
		await assert.rejects(restore({ ...to, path: damaged, force: true }), { code: 'backup-broken' }, `byte ${at}`);
	}
	for (const length of [0, 1000, bytes.length >> 1, bytes.length - 2000]) {
		writeFileSync(damaged, bytes.subarray(0, length));
		await assert.rejects(restore({ ...to, path: damaged, force: true }), { code: 'backup-broken' }, `${length} bytes`);
	}
	assert.deepEqual(await to.db.rows(raw(`SELECT to_regclass('fhir.patient')`)), [[null]]);
});

test('taken while others write, it is of one moment', async (t) => {
	let stop = false;
	let round = 0;
	const pair = (id: string): Write => ({
		type: 'Organization',
		id,
		op: 'U',
		resource: { resourceType: 'Organization', id, name: `round ${round}` },
	});
	const writing = (async () => {
		while (!stop) {
			round++;
			await fhir.store.transact(ctx, (unit) => unit.write([pair('left'), pair('right')]));
		}
	})();
	const busy = join(folder, 'busy.tar');
	while (round < 5) await new Promise((resolve) => setTimeout(resolve, 5));
	await backup({ ...source, path: busy });
	const last = round;
	stop = true;
	await writing;
	const to = await target(t);
	await restore({ ...to, path: busy, force: false });
	const names = await to.db.rows(raw(`SELECT body::json ->> 'name', ver FROM fhir.organization ORDER BY id`));
	assert.equal(names.length, 2);
	assert.deepEqual(names[0], names[1]);
	assert.ok(Number(names[0]?.[1]) <= last);
	const versions = await to.db.rows(raw(`SELECT id, count(*), max(ver) FROM fhir.organization_history GROUP BY id ORDER BY id`));
	for (const [, count, newest] of versions)
		assert.deepEqual([Number(count), Number(newest)], [Number(names[0]?.[1]) - 1, Number(names[0]?.[1]) - 1]);
});

test('a target that others work on, and versions that do not fit, are refused', async (t) => {
	const to = await target(t);
	const server = openDatabase({
		...to.db.pool.options,
		password: to.db.pool.options.password as string,
		application_name: 'heron',
		max: 1,
	});
	await server.rows(raw('SELECT 1'));
	await assert.rejects(restore({ ...to, path: file, force: true }), { code: 'target-in-use' });
	await server.close();
	await restore({ ...to, path: file, force: true });
	await to.db.execute(raw(`DELETE FROM public.heron_migration WHERE name = '0020_jobs.sql'`));
	await assert.rejects(restore({ ...to, path: file, force: true }), { code: 'target-differs' });
	await db.execute(raw(`INSERT INTO public.heron_migration (name, hash) VALUES ('9990_future.sql', 'x')`));
	const newer = join(folder, 'newer.tar');
	await backup({ ...source, path: newer });
	await db.execute(raw(`DELETE FROM public.heron_migration WHERE name = '9990_future.sql'`));
	await assert.rejects(restore({ ...to, path: newer, force: true }), { code: 'backup-newer' });
});

test('a backup that fails leaves no file behind', async () => {
	const path = join(folder, 'failed.tar');
	const broken = { ...fhir.blobs, get: () => Promise.reject(new Error('the store is away')) };
	await assert.rejects(backup({ ...source, blobs: broken, path }), /the store is away/);
	assert.deepEqual(
		readdirSync(folder).filter((name) => name.startsWith('failed')),
		[],
	);
});
