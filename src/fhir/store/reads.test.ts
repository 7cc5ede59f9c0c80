// Reads that go together must give each what it would have got alone.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Querier } from '#db/database.ts';
import { testFhir } from '#testing/fhir.ts';
import { readCurrent } from './read.ts';
import { createReads } from './reads.ts';

const ctx = await testFhir({ after });
const { store } = ctx.fhir;
const idOf = (n: number): string => `p${n}`;

for (let n = 0; n < 150; n++) {
	await store.write(ctx, {
		type: 'Patient',
		id: idOf(n),
		op: 'U',
		resource: { resourceType: 'Patient', id: idOf(n), name: [{ family: `F${n}` }] },
	});
}
await store.write(ctx, { type: 'Patient', id: 'NULL', op: 'U', resource: { resourceType: 'Patient', id: 'NULL' } });
await store.write(ctx, { type: 'Patient', id: idOf(7), op: 'D', resource: null });

/** The database with a count of what it was asked. */
function counted(): { db: Querier; asked: () => number } {
	let count = 0;
	const rows: Querier['rows'] = (statement) => {
		count++;
		return ctx.db.rows(statement);
	};
	return { db: { ...ctx.db, rows }, asked: () => count };
}

test('many at once, some twice, some deleted or never there, in few statements', async () => {
	const { db, asked } = counted();
	const ids = [...Array.from({ length: 150 }, (_, n) => idOf(n)), idOf(3), 'NULL', 'null', 'none', 'none', idOf(7)];
	const reads = createReads();
	const found = await Promise.all(ids.map((id) => reads.read(db, 'Patient', id)));
	assert.deepEqual(found, await Promise.all(ids.map((id) => readCurrent(ctx.db, 'Patient', id, null))));
	assert.equal(found[7]?.op, 'D');
	assert.ok(asked() < 12, `${asked()} statements`);
});

test('what was committed before the call is seen, while others read', async () => {
	const reads = createReads();
	let reading = true;
	const others = Promise.all(
		Array.from({ length: 8 }, async (_, n) => {
			while (reading) await reads.read(ctx.db, 'Patient', idOf(20 + n));
		}),
	);
	for (let turn = 0; turn < 60; turn++) {
		const resource = { resourceType: 'Patient', id: idOf(1), name: [{ family: `Turn${turn}` }] };
		const { version } = await store.write(ctx, { type: 'Patient', id: idOf(1), op: 'U', resource });
		assert.equal((await reads.read(ctx.db, 'Patient', idOf(1)))?.version, version);
	}
	reading = false;
	await others;
});

test('a statement that fails fails its reads, and the next ones go on', async () => {
	const reads = createReads();
	let broken = true;
	const db: Querier = { ...ctx.db, rows: (statement) => (broken ? Promise.reject(new Error('away')) : ctx.db.rows(statement)) };
	const outcomes = await Promise.allSettled([idOf(1), idOf(2), idOf(2)].map((id) => reads.read(db, 'Patient', id)));
	assert.deepEqual(
		outcomes.map(({ status }) => status),
		['rejected', 'rejected', 'rejected'],
	);
	broken = false;
	assert.equal((await reads.read(db, 'Patient', idOf(2)))?.id, idOf(2));
});
