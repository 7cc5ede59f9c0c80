import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Place, readPlace, writePlace } from './page.ts';
import type { SearchQuery } from './query.ts';

const query: SearchQuery = {
	types: ['Observation'],
	clauses: [],
	includes: [],
	sort: [],
	count: 10,
	total: undefined,
	summary: 'false',
	elements: [],
	contained: 'false',
	page: undefined,
	applied: [['status', 'final']],
	issues: [],
};
const place: Place = { direction: 'next', values: ['a', null], rid: 42 };

test('a token gives its place back', () => {
	const token = writePlace(query, place);
	assert.match(token, /^[\w-]+$/);
	assert.deepEqual(readPlace({ ...query, page: token }, 2), place);
	assert.deepEqual(readPlace({ ...query, page: token, applied: [...query.applied, ['_count', '5']] }, 2), place);
});

test('garbage, and tokens of another search, are refused', () => {
	const token = writePlace(query, place);
	const bad = [
		{ ...query, page: 'x' },
		{ ...query, page: 'AAAAAAAAAAAA' },
		{ ...query, page: `${token}=` },
		{ ...query, page: token, applied: [['status', 'amended'] as const] },
		{ ...query, page: token, types: ['Patient'] },
		{ ...query, page: Buffer.from('[0]').toString('base64url') },
		{ ...query, page: Buffer.from('{"__proto__":1}').toString('base64url') },
	];
	for (const one of bad) assert.throws(() => readPlace(one, 2), /search-page-invalid/, one.page);
	assert.throws(() => readPlace({ ...query, page: token }, 1), /search-page-invalid/);
});
