import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testStore } from '#testing/store.ts';
import { createRids } from './rids.ts';

const t = await testStore({ after });

test('each id is given once, over many that ask at the same time and over processes', async () => {
	const processes = [createRids(t.db), createRids(t.db)];
	const given: number[] = [];
	await Promise.all(
		Array.from({ length: 60 }, async (_, i) => {
			const count = [1, 0, 300, 999, 1000, 2500][i % 6] as number;
			const next = await (processes[i % 2] as (typeof processes)[0]).take(count);
			const own = Array.from({ length: count }, next);
			assert.deepEqual(
				own,
				own.toSorted((a, b) => a - b),
			);
			assert.throws(next);
			given.push(...own);
		}),
	);
	assert.equal(new Set(given).size, given.length);
});
