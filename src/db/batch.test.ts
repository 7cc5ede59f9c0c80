// Arrays and batches as PostgreSQL understands them: every value, every answer, and what a failure leaves behind.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { cloneDatabase } from '#testing/database.ts';
import { createRandom } from '#testing/random.ts';
import { bytes, float8sOf, int2sOf, int4sOf, int8s, int8sOf, texts, textsOf } from './arrays.ts';
import { openPipeline, type Prepared, type Value } from './pipeline.ts';

const { database: db, drop } = await cloneDatabase();
const pipeline = openPipeline(db, { run: 1, tx: 1 });
after(async () => {
	await pipeline.close();
	await drop();
});

/** The array as PostgreSQL understands it, value by value. */
async function readBack(type: string, array: Value): Promise<unknown[]> {
	const text = `SELECT a::text FROM unnest($1::${type}[]) WITH ORDINALITY AS u(a, n) ORDER BY n`;
	const [rows = []] = await pipeline.run([{ name: `back_${type}`, text, values: [array] }]);
	return rows.map(([value]) => value);
}

const itself = <T>(value: T): T => value;

const arrays: readonly (readonly [string, string, Value, readonly (string | null)[]])[] = [
	['int8', 'no numbers', int8s([]), []],
	[
		'int8',
		'small and large numbers',
		int8s([0, 1, -1, 2 ** 53 - 1, -(2 ** 53) + 1]),
		['0', '1', '-1', '9007199254740991', '-9007199254740991'],
	],
	['int8', 'decimal text', int8s(['0', '999999999999999', '1000000000000000']), ['0', '999999999999999', '1000000000000000']],
	['int8', 'the largest', int8s(['9223372036854775807', '4299999999999999999']), ['9223372036854775807', '4299999999999999999']],
	['int8', 'nulls', int8sOf([null, 5, null], itself), [null, '5', null]],
	['int4', 'numbers and nulls', int4sOf([1, null, 2 ** 31 - 1, -1], itself), ['1', null, '2147483647', '-1']],
	['int2', 'numbers', int2sOf([0, -1, 32_767], itself), ['0', '-1', '32767']],
	['float8', 'numbers', float8sOf([0.1, null, -1e300], itself), ['0.1', null, '-1e+300']],
	['float8', 'no end', float8sOf([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY], itself), ['Infinity', '-Infinity']],
	['text', 'texts', texts(['', 'a"b\\c{},', 'NULL', 'ü😀', null]), ['', 'a"b\\c{},', 'NULL', 'ü😀', null]],
	['text', 'no texts', textsOf([], itself), []],
	['bytea', 'bytes', bytes([Buffer.from([0, 255]), Buffer.alloc(0)]), ['\\x00ff', '\\x']],
];
for (const [type, what, array, expected] of arrays) {
	test(`${type}[]: ${what}`, async () => assert.deepEqual(await readBack(type, array), expected));
}

test('int8[]: any number comes through, as a number or as text', async () => {
	const random = createRandom(11);
	const numbers = Array.from({ length: 2000 }, () => (BigInt(random.below(2 ** 31)) << 32n) + BigInt(random.below(2 ** 32))).map((one) =>
		String(one >> BigInt(random.below(63))),
	);
	assert.deepEqual(await readBack('int8', int8s(numbers)), numbers);
	const safe = numbers.map(Number).filter(Number.isSafeInteger);
	assert.deepEqual(await readBack('int8', int8s(safe)), safe.map(String));
});

const one = (name: string, text: string, ...values: Value[]): Prepared => ({ name, text, values });

test('each statement has its own rows, the first time and later, in the types of their columns', async () => {
	const batch = [
		one('a', 'SELECT i, i::text, i::float8 / 2, NULL::text FROM generate_series(1, $1::int4) i', 2),
		one('b', 'CREATE TEMPORARY TABLE IF NOT EXISTS t (x int)'),
		one('c', 'SELECT $1::text', 'c'),
		one('a', 'SELECT i, i::text, i::float8 / 2, NULL::text FROM generate_series(1, $1::int4) i', 1),
		one('d', 'SELECT 1 WHERE $1::bool', 'false'),
		one('e', 'SELECT $1::text', null),
	];
	const first = [1, '1', 0.5, null];
	for (let time = 0; time < 3; time++)
		assert.deepEqual(await pipeline.run(batch), [[first, [2, '2', 1, null]], [], [['c']], [first], [], [[null]]]);
});

test('what fails takes everything with it, names itself, and leaves the connection as it was', async () => {
	const insert = one('insert', 'INSERT INTO kept VALUES ($1::int4)', 1);
	await pipeline.run([one('create', 'CREATE TABLE kept (x int4)')]);
	const divide = (by: number): Prepared => one('divide', 'SELECT 1 / $1::int4', by);
	for (let time = 0; time < 2; time++) {
		await assert.rejects(pipeline.run([insert, divide(0), one('never', 'SELECT 1')]), { code: '22012' });
		await assert.rejects(pipeline.run([insert, one('wrong', 'SELECT nonsense')]), { code: '42703' });
		await assert.rejects(pipeline.run([divide(0)]), { code: '22012' });
	}
	assert.deepEqual(await pipeline.run([divide(1), one('never', 'SELECT 1'), one('count', 'SELECT count(*) FROM kept')]), [
		[[1]],
		[[1]],
		[[0]],
	]);
	assert.deepEqual(await pipeline.run([insert, one('count', 'SELECT count(*) FROM kept')]), [[], [[1]]]);
});

test('within a transaction a name is prepared once, whoever sends it first', async () => {
	const named = one('shared', 'SELECT $1::int4', 7);
	await pipeline.tx(async (tx) => {
		assert.deepEqual(await tx.rows(named), [[7]]);
		assert.deepEqual(await tx.send([named, named]), [[[7]], [[7]]]);
		const other = one('other', 'SELECT $1::text', 'x');
		assert.deepEqual(await tx.send([other]), [[['x']]]);
		assert.deepEqual(await tx.rows(other), [['x']]);
	});
});

test('statements sent behind one that fails fail as well, and the first one says why', async () => {
	await assert.rejects(
		pipeline.tx(async (tx) => {
			const sent = [tx.send([one('bad', 'SELECT 1 / $1::int4', 0)]), tx.send([one('after', 'SELECT 2')])];
			const [first, second] = await Promise.allSettled(sent);
			assert.equal(first?.status === 'rejected' && (first.reason as { code?: string }).code, '22012');
			assert.equal(second?.status, 'rejected');
			await sent[0];
		}),
		{ code: '22012' },
	);
	assert.deepEqual(await pipeline.tx((tx) => tx.send([one('after', 'SELECT 2')])), [[[2]]]);
});

test('texts of any length and any character', async () => {
	const random = createRandom(5);
	const long = Array.from({ length: 50 }, () => random.pick(['a', 'ü', '😀', '"', '\n', '\u0001']).repeat(random.below(3000)));
	const [rows = []] = await pipeline.run(long.slice(0, 1).map((text) => one('echo', 'SELECT $1::text', text)));
	assert.deepEqual(rows, [[long[0]]]);
	const all = await pipeline.run(long.map((text) => one('echo', 'SELECT $1::text', text)));
	assert.deepEqual(
		all,
		long.map((text) => [[text]]),
	);
});
