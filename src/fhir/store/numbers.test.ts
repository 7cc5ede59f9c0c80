// Numbers of resources: found both ways, kept over versions, gone with what is deleted, taken beforehand.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { patient, testStore } from '#testing/store.ts';

const { store, second, ctx, db } = await testStore({ after });

test('a resource keeps its number, and a number finds it, on every process', async () => {
	const made = await store.write(ctx, { type: 'Patient', id: 'one', op: 'C', resource: patient('Lovelace') });
	const changed = await store.write(ctx, { type: 'Patient', id: 'one', op: 'U', resource: patient('Byron') });
	assert.equal(changed.rid, made.rid);
	for (const { numbers } of [store, second()]) {
		for (const _ of ['from the database', 'remembered']) {
			assert.deepEqual([...(await numbers.of(db, 'Patient', ['one', 'none', 'one']))], [['one', made.rid]]);
			assert.equal(await numbers.idOf(db, 'Patient', made.rid), 'one');
		}
		assert.equal(await numbers.idOf(db, 'Observation', made.rid), undefined);
		assert.equal(await numbers.idOf(db, 'Patient', made.rid + 100_000), undefined);
	}
});

test('a number that was taken beforehand is that of the new resource', async () => {
	const number = await store.takeNumber();
	const made = await store.transact(ctx, async (unit) =>
		unit.write([{ type: 'Patient', id: 'two', op: 'C', resource: patient('Hopper'), number }]),
	);
	assert.equal(made[0]?.rid, number);
	assert.equal(await second().numbers.idOf(db, 'Patient', number), 'two');
	const next = await store.write(ctx, { type: 'Patient', id: 'three', op: 'C', resource: patient('Hamilton') });
	assert.notEqual(next.rid, number);
});

test('numbers that were noted need no look', async () => {
	const { numbers } = second();
	numbers.note('Patient', 'elsewhere', 123_456_789);
	assert.equal(await numbers.idOf(db, 'Patient', 123_456_789), 'elsewhere');
	assert.deepEqual([...(await numbers.of(db, 'Patient', ['elsewhere']))], [['elsewhere', 123_456_789]]);
});
