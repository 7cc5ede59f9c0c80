import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createIds } from './ids.ts';

const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const timeOf = (id: string): number => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

test('ids are UUIDs of version 7 that tell their time', () => {
	const at = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
	const id = createIds(() => at).next();
	assert.match(id, shape);
	assert.equal(timeOf(id), at);
});

test('ids grow and never repeat: many in one millisecond, and when the clock goes back', () => {
	let now = 1_700_000_000_000;
	const ids = createIds(() => now);
	const made = Array.from({ length: 20_000 }, (_, n) => {
		if (n % 997 === 0) now += n % 3 === 0 ? -5 : 2;
		return ids.next();
	});
	assert.deepEqual(made, made.toSorted());
	assert.equal(new Set(made).size, made.length);
	for (const id of made) assert.match(id, shape);
});

test('two processes do not make the same ids', () => {
	const [one, other] = [createIds(() => 1), createIds(() => 1)];
	const made = new Set(Array.from({ length: 5000 }, () => [one.next(), other.next()]).flat());
	assert.equal(made.size, 10_000);
});
