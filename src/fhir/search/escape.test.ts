import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '#base/problem.ts';
import { pairsOf, queryOf, split, unescaped } from './escape.ts';

test('pairs of a query', () => {
	assert.deepEqual(pairsOf(''), []);
	assert.deepEqual(pairsOf('a=1&b=2&a=3'), [
		['a', '1'],
		['b', '2'],
		['a', '3'],
	]);
	assert.deepEqual(pairsOf('a=x+y%20z&b&&c=d=e'), [
		['a', 'x y z'],
		['b', ''],
		['c', 'd=e'],
	]);
	assert.deepEqual(pairsOf('code=http%3A%2F%2Floinc.org%7C8480-6'), [['code', 'http://loinc.org|8480-6']]);
});

test('what is no query is refused', () => {
	for (const raw of ['a=%', 'a=%zz', 'a=%ff', 'a=%00', '%00=a']) {
		assert.throws(
			() => pairsOf(raw),
			(error) => error instanceof Problem && error.code === 'query-malformed' && error.status === 400,
		);
	}
});

test('queryOf is undone by pairsOf', () => {
	const pairs = [
		['name', 'a&b=c+d%'],
		['code', 'http://x|1,2'],
		['v', 'ü\\,$'],
		['subject:Patient.name', 'x y'],
	] as const;
	assert.deepEqual(pairsOf(queryOf(pairs)), pairs);
});

test('separators and escapes', () => {
	const cases: [string, ',' | '|' | '$', string[]][] = [
		['a,b', ',', ['a', 'b']],
		['a\\,b,c', ',', ['a\\,b', 'c']],
		['a\\\\,b', ',', ['a\\\\', 'b']],
		['a|b\\|c', '|', ['a', 'b\\|c']],
		['a$b\\$c', '$', ['a', 'b\\$c']],
		['', ',', ['']],
		['a\\', ',', ['a\\']],
	];
	for (const [text, separator, parts] of cases) assert.deepEqual(split(text, separator), parts, text);
	assert.equal(unescaped('a\\,b\\|c\\$d\\\\e\\f'), 'a,b|c$d\\e\\f');
});
