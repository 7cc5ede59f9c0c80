// The conditions "beyond this place" are compared with a plain sort in memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { raw } from '#db/sql.ts';
import { beyond, type Order, orderBy } from './keyset.ts';

const nullable: Order = [{ on: raw('r.d'), cast: 'timestamptz', descending: true, nullable: true }];
const rid = raw('r.rid');
const name = (): ReturnType<typeof raw> => raw('r.d');

test('newest first is the order of the patient index, and its reverse of going back', () => {
	assert.equal(orderBy(nullable, false, name, rid).compile().text, 'r.d DESC NULLS LAST, r.rid DESC');
	assert.equal(orderBy(nullable, true, name, rid).compile().text, 'r.d ASC NULLS FIRST, r.rid ASC');
	assert.equal(orderBy([], false, name, rid).compile().text, 'r.rid DESC');
});

test('places are ranges of an index where they can be', () => {
	const at = (values: (string | null)[], direction: 'next' | 'previous') =>
		beyond(nullable, { direction, values, rid: 7 }, name, rid).map((one) => one.compile().text);
	assert.deepEqual(at(['2020-01-01 00:00:00+00'], 'next'), ['(r.d, r.rid) < ($1::timestamptz, $2::int8)', 'r.d IS NULL']);
	assert.deepEqual(at(['2020-01-01 00:00:00+00'], 'previous'), ['(r.d, r.rid) > ($1::timestamptz, $2::int8)']);
	assert.deepEqual(at([null], 'next'), ['r.d IS NULL AND r.rid < $1']);
	assert.deepEqual(at([null], 'previous'), ['r.d IS NULL AND r.rid > $1', 'r.d IS NOT NULL']);
	assert.deepEqual(
		beyond([], { direction: 'next', values: [], rid: 7 }, name, rid).map((one) => one.compile().text),
		['r.rid < $1'],
	);
});

test('a place whose values are of another kind is refused', () => {
	for (const value of ["'; DROP TABLE x", 'yesterday', '2020']) {
		assert.throws(() => beyond(nullable, { direction: 'next', values: [value], rid: 7 }, name, rid), /search-page-invalid/);
	}
});
