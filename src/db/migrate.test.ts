// Migrations: each once, under a lock, all or nothing; what was changed or is unknown is refused.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { cloneDatabase } from '#testing/database.ts';
import { openDatabase } from './database.ts';
import { type Generated, migrate, migrateWithin, migrationsRun } from './migrate.ts';
import { raw } from './sql.ts';

const folder = mkdtempSync(join(tmpdir(), 'heron-migrations-'));
const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
const generated = (fingerprint: string, ...statements: string[]): Generated => ({
	name: 'things',
	fingerprint,
	statements: () => statements,
});
const { database, config, drop } = await cloneDatabase();
const name = `migrations_${process.pid}`;
await database.execute(raw(`CREATE DATABASE ${name}`));
const db = openDatabase({ ...config, database: name });
after(async () => {
	await db.close();
	await database.execute(raw(`DROP DATABASE ${name} WITH (FORCE)`));
	await drop();
	rmSync(folder, { recursive: true });
});
write('0010_one.sql', 'CREATE TABLE one (n int);');
write('0020_two.sql', 'CREATE TABLE two (n int); INSERT INTO two VALUES (1);');
write('notes.txt', 'not a migration');

test('processes that start together run each file once', async () => {
	assert.equal(await migrationsRun(db), undefined);
	const all = await Promise.all(
		Array.from({ length: 4 }, () => migrate(db, [generated('a', 'CREATE TABLE IF NOT EXISTS made (n int)')], folder)),
	);
	assert.deepEqual(all.flatMap(({ ran }) => ran).toSorted(), ['0010_one.sql', '0020_two.sql', 'things']);
	assert.deepEqual(await db.rows(raw('SELECT n FROM two')), [[1]]);
	assert.deepEqual([...((await migrationsRun(db))?.keys() ?? [])].toSorted(), ['0010_one.sql', '0020_two.sql', 'all', 'generated:things']);
});

test('what code writes runs again when it says something new', async () => {
	assert.deepEqual(await migrate(db, [generated('a')], folder), { ran: [] });
	const next = generated('b', 'ALTER TABLE made ADD COLUMN IF NOT EXISTS m int');
	assert.deepEqual(await migrate(db, [next], folder), { ran: ['things'] });
	assert.deepEqual(await migrate(db, [next], folder), { ran: [] });
});

test('one that fails leaves nothing behind', async () => {
	write('0030_three.sql', 'CREATE TABLE three (n int); SELECT 1/0;');
	await assert.rejects(migrate(db, [generated('b')], folder), { code: '22012' });
	assert.deepEqual(await db.rows(raw(`SELECT to_regclass('three')`)), [[null]]);
	write('0030_three.sql', 'CREATE TABLE three (n int);');
	assert.deepEqual(await migrate(db, [generated('b')], folder), { ran: ['0030_three.sql'] });
});

test('a part of the files can be run within a transaction, and the rest later', async () => {
	write('0040_four.sql', 'CREATE TABLE four (n int);');
	write('0050_five.sql', 'CREATE TABLE five (n int);');
	const ran = await db.tx((tx) => migrateWithin(tx, [], (name) => name !== '0050_five.sql', folder));
	assert.deepEqual(ran, { ran: ['0040_four.sql'] });
	assert.deepEqual(await migrate(db, [generated('b')], folder), { ran: ['0050_five.sql'] });
});

test('edited and unknown migrations are refused', async () => {
	write('0010_one.sql', 'CREATE TABLE one (n int, m int);');
	await assert.rejects(migrate(db, [], folder), { code: 'migration-changed' });
	write('0010_one.sql', 'CREATE TABLE one (n int);');
	rmSync(join(folder, '0050_five.sql'));
	await assert.rejects(migrate(db, [], folder), { code: 'database-newer' });
});
