// COPY as lines in blocks: the same as a query gives, whatever the sizes of rows and of what the socket reads; failures; a connection that
// goes on afterwards.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type PoolClient } from 'pg';
import { cloneDatabase } from '#testing/database.ts';
import { createRandom } from '#testing/random.ts';
import { CopyBlocks } from './copy-blocks.ts';
import { createLineCopier, type Lines } from './copy-out.ts';

const { database: db, config, drop } = await cloneDatabase();
const client = await db.connect();
/** One whose socket is pg's own, as with TLS between. */
const plain = new Client(config) as unknown as PoolClient;
await plain.connect();
after(async () => {
	client.release();
	await (plain as unknown as Client).end();
	await drop();
});

async function digest(pieces: AsyncIterable<Lines>, waitMs = 0): Promise<string> {
	const hash = createHash('sha256');
	let count = 0;
	for await (const { bytes, lines } of pieces) {
		if (waitMs > 0) await sleep(waitMs);
		hash.update(bytes);
		count += lines;
	}
	return `${count} ${hash.digest('hex')}`;
}

async function expected(query: string): Promise<string> {
	const rows = await db.rows({ text: query });
	const hash = createHash('sha256').update(rows.map(([text]) => `${text}\n`).join(''));
	return `${rows.length} ${hash.digest('hex')}`;
}

const works = async (on: PoolClient): Promise<void> => assert.deepEqual((await on.query('SELECT 1 AS one')).rows, [{ one: 1 }]);

const noisy =
	"CREATE FUNCTION pg_temp.noisy(i int) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'n %', i; RETURN repeat('y', i); END $$";
for (const one of [client, plain]) await one.query(noisy);

const queries: readonly (readonly [what: string, query: string, same?: string])[] = [
	['no rows', "SELECT 'x' WHERE false"],
	['one row', "SELECT 'Zoë \\ \"\t\u2028'"],
	['empty rows', "SELECT '' FROM generate_series(1, 1000)"],
	['many small rows', "SELECT i || '' FROM generate_series(1, 60000) i"],
	['rows of all sizes', 'SELECT repeat(chr(97 + i % 26), i) FROM generate_series(1, 2500) i'],
	['rows around the size of a read', "SELECT repeat('x', 262120 + i) FROM generate_series(1, 24) i"],
	['rows around the size of a block', "SELECT repeat('x', 1048560 + 5 * i) FROM generate_series(1, 6) i"],
	['a row of many blocks between others', "SELECT repeat('abc', i) FROM (VALUES (3), (1200000), (4), (900000), (5)) AS x(i)"],
	['notices between', 'SELECT pg_temp.noisy(i) FROM generate_series(1, 500) i', "SELECT repeat('y', i) FROM generate_series(1, 500) i"],
];

for (const [name, on] of [
	['our socket', client],
	["pg's socket", plain],
] as const)
	for (const [what, query, same = query] of queries)
		test(`${what}, ${name}`, async () => {
			const copier = createLineCopier(db, on);
			const wanted = await expected(same);
			for (const waitMs of [0, 1]) assert.equal(await digest(copier.lines(query), waitMs), wanted);
			await works(on);
		});

test('who reads slowly gets all of it, and PostgreSQL waits meanwhile', async () => {
	const query = "SELECT repeat('x', 10000) FROM generate_series(1, 2000)";
	for (const on of [client, plain]) {
		const pieces = createLineCopier(db, on).lines(query);
		assert.equal((await pieces.next()).done, false);
		await sleep(300);
		const { processID } = on as unknown as { processID: number };
		const [row] = await db.rows({ text: `SELECT state, wait_event FROM pg_stat_activity WHERE pid = ${processID}` });
		assert.deepEqual(row, ['active', 'ClientWrite']);
		let lines = 0;
		for await (const piece of pieces) lines += piece.lines;
		assert.ok(lines > 1500 && lines < 2000, `${lines}`);
		await works(on);
	}
});

test('who stops in the middle has ended the COPY', async () => {
	for (const on of [client, plain]) {
		const copier = createLineCopier(db, on);
		for await (const { lines } of copier.lines("SELECT repeat('x', 1000) FROM generate_series(1, 100000)")) {
			assert.ok(lines > 0);
			break;
		}
		await works(on);
		assert.equal(await digest(copier.lines("SELECT 'again'")), await expected("SELECT 'again'"));
	}
});

test('a statement that is wrong, and one that fails in the middle, are failures of the reader', async () => {
	for (const on of [client, plain])
		for (const query of ['SELECT nothing', 'SELECT repeat(chr(97), 5000) || 1 / (2000 - i) FROM generate_series(1, 3000) i']) {
			await assert.rejects(digest(createLineCopier(db, on).lines(query)), { name: 'error' });
			await works(on);
		}
});

test('what is no column of texts is a failure, and ends the connection', async () => {
	for (const query of ["SELECT 'a', 'b'", 'SELECT NULL::text']) {
		const own = await db.connect();
		own.on('error', () => undefined);
		await assert.rejects(digest(createLineCopier(db, own).lines(query)), /one column of texts/);
		own.release(true);
	}
});

test('a connection that is lost is a failure of the reader', async () => {
	const lost = await db.connect();
	lost.on('error', () => undefined);
	const query = "SELECT repeat('x', 1000) FROM generate_series(1, 100000) i WHERE pg_sleep(0.001) IS NOT NULL";
	const failed = assert.rejects(digest(createLineCopier(db, lost).lines(query)), { code: 'database-unavailable' });
	await sleep(100);
	await db.pool.query('SELECT pg_terminate_backend($1)', [(lost as unknown as { processID: number }).processID]);
	await failed;
	lost.release(true);
});

test('messages in pieces of any size', () => {
	const random = createRandom(5);
	const message = (type: string, data: Buffer): Buffer => {
		const head = Buffer.from(`${type}    `);
		head.writeInt32BE(data.length + 4, 1);
		return Buffer.concat([head, data]);
	};
	const row = (text: string): Buffer => {
		const head = Buffer.alloc(6);
		head.writeInt16BE(1);
		head.writeInt32BE(Buffer.byteLength(text), 2);
		return Buffer.concat([head, Buffer.from(text)]);
	};
	const signature = Buffer.concat([Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'), Buffer.alloc(8)]);
	const end = Buffer.from([0xff, 0xff]);
	const texts = ['first', '', 'Zoë', 'x'.repeat(70)];
	const rows = texts.map((text, i) => message('d', i === 0 ? Buffer.concat([signature, row(text)]) : row(text)));
	const [response, notice] = [message('H', Buffer.alloc(5)), message('N', Buffer.from('d, c and E are in here'))];
	const whole = Buffer.concat([response, ...rows.flatMap((one) => [one, notice]), message('d', end), message('c', Buffer.alloc(0))]);
	const none = Buffer.concat([response, message('d', Buffer.concat([signature, end])), message('c', Buffer.alloc(0))]);
	const after = Buffer.from('C and more');
	const blocks = new CopyBlocks();
	for (const [sent, lines] of [
		[whole, texts],
		[none, []],
	] as const)
		for (let round = 0; round < 60; round++) {
			blocks.reset();
			const all = Buffer.concat([sent, after]);
			let rest: number | undefined;
			let at = 0;
			while (rest === undefined) {
				const size = round < 2 ? round * all.length + 1 : 1 + random.below(round);
				rest = blocks.take(all.subarray(at, at + size));
				at += rest ?? size;
			}
			assert.deepEqual([at, blocks.isDone], [sent.length, true]);
			const given = blocks.give();
			assert.deepEqual([given.bytes.toString(), given.lines], [lines.map((text) => `${text}\n`).join(''), lines.length]);
		}
	blocks.reset();
	assert.throws(() => blocks.take(Buffer.concat([response, ...rows, message('c', Buffer.alloc(0))])), /before its end/);
	blocks.reset();
	assert.throws(() => blocks.take(message('d', Buffer.from('this is not what COPY sends'))), /not the binary format/);
	blocks.reset();
	assert.equal(blocks.take(Buffer.concat([response, ...rows, message('E', Buffer.alloc(9))])), Buffer.concat([response, ...rows]).length);
});
