// COPY TO as a stream: the same bytes as pg-copy-streams gives, whatever the sizes of rows; failures; a connection that goes on afterwards.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { to } from 'pg-copy-streams';
import { cloneDatabase } from '#testing/database.ts';
import { CopyOut } from './copy-out.ts';

const { database: db, drop } = await cloneDatabase();
const client = await db.connect();
after(async () => {
	client.release();
	await drop();
});

async function digest(stream: AsyncIterable<Buffer>, waitMs = 0): Promise<string> {
	const hash = createHash('sha256');
	let bytes = 0;
	for await (const piece of stream) {
		hash.update(piece);
		bytes += piece.length;
		if (waitMs > 0) await sleep(waitMs);
	}
	return `${bytes} ${hash.digest('hex')}`;
}

const works = async (): Promise<void> => assert.deepEqual((await client.query('SELECT 1 AS one')).rows, [{ one: 1 }]);

const queries: readonly (readonly [string, string])[] = [
	['no rows', 'SELECT 1 WHERE false'],
	['one row', "SELECT 'x'"],
	['empty rows', "SELECT '' FROM generate_series(1, 1000)"],
	['nulls', 'SELECT NULL::text FROM generate_series(1, 1000)'],
	['many small rows', "SELECT i || '' FROM generate_series(1, 200000) i"],
	['rows of all sizes', 'SELECT repeat(chr(97 + i % 26), i) FROM generate_series(1, 3000) i'],
	['rows around the size of a piece', "SELECT repeat('x', 65500 + i) FROM generate_series(1, 60) i"],
	['a row of many pieces', "SELECT repeat('abc', 3000000)"],
	['notices between', 'SELECT pg_temp.noisy(i) FROM generate_series(1, 500) i'],
];
await client.query(
	"CREATE FUNCTION pg_temp.noisy(i int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'n %', i; RETURN repeat('y', i); END $$",
);

for (const [name, query] of queries)
	for (const format of ['', ' (FORMAT binary)'])
		test(`${name}${format}`, async () => {
			const text = `COPY (${query}) TO STDOUT${format}`;
			assert.equal(await digest(client.query(new CopyOut(text))), await digest(client.query(to(text))));
			await works();
		});

test('who reads slowly gets all of it, and is not sent more than there is room for', async () => {
	const text = "COPY (SELECT repeat('x', 10000) FROM generate_series(1, 2000)) TO STDOUT";
	const stream = client.query(new CopyOut(text));
	await sleep(300);
	assert.ok(stream.readableLength < 2_000_000, `${stream.readableLength} bytes wait`);
	assert.equal(await digest(stream, 1), await digest(client.query(to(text))));
	await works();
});

test('a statement that is wrong, and one that fails in the middle, are failures of the stream', async () => {
	for (const query of ['SELECT nothing', 'SELECT repeat(chr(97), 5000) || 1 / (2000 - i) FROM generate_series(1, 3000) i']) {
		await assert.rejects(digest(client.query(new CopyOut(`COPY (${query}) TO STDOUT`))), { name: 'error' });
		await works();
	}
});

test('a connection that is lost is a failure of the stream', async () => {
	const lost = await db.connect();
	lost.on('error', () => undefined);
	const stream = lost.query(
		new CopyOut("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 100000) i WHERE pg_sleep(0.001) IS NOT NULL) TO STDOUT"),
	);
	const failed = assert.rejects(digest(stream));
	await sleep(100);
	await db.pool.query('SELECT pg_terminate_backend($1)', [(lost as unknown as { processID: number }).processID]);
	await failed;
	lost.release(true);
});
