// The pool: transactions, parameters, and a database that goes away and comes back.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Problem } from '#base/problem.ts';
import { cloneDatabase } from '#testing/database.ts';
import { openDatabase, type Tx } from './database.ts';
import { requireServer, serverFacts } from './requirements.ts';
import { ident, join, raw, sql } from './sql.ts';

const { database: db, config, drop } = await cloneDatabase();
after(drop);

test('values are parameters, fragments nest', async () => {
	const hostile = `'; DROP TABLE x; --`;
	const condition = join([sql`a = ${1}`, sql`b = ${hostile}`], ' AND ');
	assert.deepEqual(await db.rows(sql`SELECT a, b FROM (VALUES (1, ${hostile}::text)) v(a, b) WHERE ${condition}`), [[1, hostile]]);
	assert.equal(ident('a"b', 'c').compile().text, '"a""b"."c"');
	assert.deepEqual(await db.query(raw('SELECT 9007199254740991::int8 AS safe, 9007199254740993::int8 AS large')), [
		{ safe: 9007199254740991, large: '9007199254740993' },
	]);
});

test('a transaction is kept whole or not at all', async () => {
	await db.execute(raw('CREATE TABLE t (n int)'));
	const failed = db.tx(async (tx: Tx) => {
		await tx.execute(sql`INSERT INTO t VALUES (${1})`);
		throw new Error('no');
	});
	await assert.rejects(failed, /no/);
	assert.equal(await db.tx((tx) => tx.execute(sql`INSERT INTO t VALUES (${2}), (${3})`)), 2);
	assert.deepEqual(await db.rows(raw('SELECT n FROM t ORDER BY n')), [[2], [3]]);
	await assert.rejects(
		db.tx((tx) => tx.execute(raw('INSERT INTO t VALUES (4)')), { readOnly: true }),
		{ code: '25006' },
	);
});

test('a lost connection is a Problem that says to try again, and trying again works', async () => {
	const lost = db.tx(async (tx) => {
		const [row] = await tx.rows(raw('SELECT pg_backend_pid()'));
		await db.rows(sql`SELECT pg_terminate_backend(${row?.[0]}::int)`);
		return tx.rows(raw('SELECT 1'));
	});
	await assert.rejects(
		lost,
		(error: unknown) => error instanceof Problem && error.status === 503 && error.headers['retry-after'] !== undefined,
	);
	assert.deepEqual(await db.rows(raw('SELECT 1')), [[1]]);
});

test('statements with a name share connections, and one that fails fails alone', async () => {
	const other = openDatabase({ ...config, max: 4 });
	const text =
		'SELECT n, n::int8 AS big, to_timestamp(n) AS at, 10 / (n - 7) AS x, repeat($2::text, n) AS words, NULL::text, pg_backend_pid() AS pid FROM (SELECT $1::int4 AS n) v';
	const ask = (n: number): Promise<unknown[][]> => other.rows({ name: 'shared', text, values: [n, 'é'] });
	const settled = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => ask(n)));
	const pids = new Set<unknown>();
	for (const [n, one] of settled.entries()) {
		if (n === 7) {
			assert.equal(one.status === 'rejected' && one.reason.code, '22012');
			continue;
		}
		assert.ok(one.status === 'fulfilled');
		const [row] = one.value;
		assert.deepEqual(row?.slice(0, -1), [n, n, new Date(n * 1000), Math.trunc(10 / (n - 7)), 'é'.repeat(n), null]);
		pids.add(row?.at(-1));
	}
	assert.equal(pids.size, 1);
	const [row] = await other.query<{ big: number; pid: number }>({ name: 'shared objects', text, values: [3, 'x'] });
	assert.equal(row?.big, 3);
	assert.equal(await other.execute({ name: 'shared execute', text: 'SELECT 1', values: [] }), 1);
	// The connection is lost while others wait on it; the next statement has a new one.
	const waiting = Array.from({ length: 3 }, () => other.rows({ name: 'sleep', text: 'SELECT pg_sleep(20)' }));
	await db.rows(sql`SELECT pg_terminate_backend(${row?.pid}::int)`);
	for (const one of await Promise.allSettled(waiting)) assert.equal(one.status === 'rejected' && one.reason.status, 503);
	assert.equal((await ask(1))[0]?.[0], 1);
	await other.close();
});

test('the statements of a session keep one connection, also when one fails, and another when it is lost', async () => {
	const other = openDatabase({ ...config, max: 1 });
	const backend = raw('SELECT pg_backend_pid()');
	const first = await other.session(async (session) => {
		const [row] = await session.rows(backend);
		await assert.rejects(session.rows(raw('SELECT 1 / 0')), { code: '22012' });
		assert.deepEqual(await session.query(backend), [{ pg_backend_pid: row?.[0] }]);
		assert.deepEqual(await session.rows({ name: 'named', text: 'SELECT 2' }), [[2]]);
		return row?.[0];
	});
	assert.deepEqual(await other.rows(backend), [[first]]);
	const lost = other.session(async (session) => {
		await session.rows(backend);
		await Promise.all([session.rows(raw('SELECT pg_sleep(20)')), db.rows(sql`SELECT pg_terminate_backend(${first}::int)`)]);
	});
	await assert.rejects(lost, { status: 503 });
	assert.notDeepEqual(await other.session((session) => session.rows(backend)), [[first]]);
	await other.close();
});

test('an idle connection that dies does not end the process', async () => {
	const heard: Error[] = [];
	const other = openDatabase({ ...config, max: 1 }, (error) => heard.push(error));
	const [row] = await other.rows(raw('SELECT pg_backend_pid()'));
	await db.rows(sql`SELECT pg_terminate_backend(${row?.[0]}::int)`);
	while (heard.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
	assert.deepEqual(await other.rows(raw('SELECT 1')), [[1]]);
	await other.close();
});

test('a database that cannot be reached or does not let us in is told apart', async () => {
	const nowhere = openDatabase({ ...config, host: '/nowhere' });
	await assert.rejects(nowhere.rows(raw('SELECT 1')), { code: 'database-unavailable' });
	await assert.rejects(requireServer(nowhere, 0), { code: 'database-unavailable' });
	const stranger = openDatabase({ ...config, password: 'wrong' });
	await assert.rejects(requireServer(stranger, 10_000), { code: 'database-refused' });
	const elsewhere = openDatabase({ ...config, database: 'not_there' });
	await assert.rejects(requireServer(elsewhere, 10_000), { code: 'database-refused' });
	await Promise.all([nowhere.close(), stranger.close(), elsewhere.close()]);
});

test('a full disk is told apart from other failures', async () => {
	const full = db.execute(raw(`DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$`));
	await assert.rejects(full, (error: unknown) => error instanceof Problem && error.code === 'disk-full' && error.status === 507);
});

test('what a server says of itself', async () => {
	const facts = await requireServer(db, 0);
	assert.deepEqual(facts, await serverFacts(db));
	assert.match(facts.version, /^\d+\.\d+$/);
	assert.deepEqual([facts.encoding, facts.checksums, facts.replica], ['UTF8', true, false]);
});

test('a database in another encoding is refused', async () => {
	const name = `latin_${process.pid}`;
	await db.execute(raw(`CREATE DATABASE ${name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`));
	const other = openDatabase({ ...config, database: name });
	await assert.rejects(requireServer(other, 0), { code: 'database-encoding' });
	await other.close();
	await db.execute(raw(`DROP DATABASE ${name} WITH (FORCE)`));
});
