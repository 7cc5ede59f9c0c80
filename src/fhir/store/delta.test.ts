import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '#testing/random.ts';
import { headOf, tailOf } from './body.ts';
import { chainLength, decodeVersion, encodeVersion, standsAlone, type Version } from './delta.ts';

function version(number: number, elements: object): Version {
	const about = { type: 'Patient', id: 'a', version: number, updated: 1_790_000_000_000 + number };
	return { ...about, body: headOf(about.type, about.id, number, about.updated) + tailOf({ resourceType: 'Patient', ...elements }) };
}

const cases: readonly (readonly [name: string, before: object, after: object])[] = [
	['nothing', { a: 1 }, { a: 1 }],
	['a value', { a: 1, b: 'xxxx' }, { a: 2, b: 'xxxx' }],
	['something longer', { a: 'short' }, { a: 'a much longer text than before' }],
	['something shorter', { a: 'a much longer text than before' }, { a: 's' }],
	['everything goes', { a: 'x'.repeat(3000) }, {}],
	['everything comes', {}, { a: 'x'.repeat(3000) }],
	['repeats', { a: 'ababab' }, { a: 'abababab' }],
	['half of a pair', { a: '👍' }, { a: '👎' }],
	['the other half of a pair', { a: '\u{1F44D}' }, { a: '\u{1F84D}' }],
	['beyond the window', { a: 'x'.repeat(40_000), b: 1, c: 'é'.repeat(40_000) }, { a: 'y', b: 2, c: 'é'.repeat(40_001) }],
	['meta', { meta: { tag: [{ code: 'a' }] } }, { meta: { profile: ['b'] } }],
];

for (const [name, before, after] of cases) {
	test(`a former version comes back: ${name}`, () => {
		const [old, next] = [version(1, before), version(2, after)];
		assert.equal(decodeVersion(encodeVersion(old, next), old, next), old.body);
		assert.equal(decodeVersion(encodeVersion(old, undefined), old, undefined), old.body);
	});
}

test('former versions of random resources come back', () => {
	const random = createRandom(11);
	const letters = ['a', 'b', '"', '\\', 'é', '👍', '👎', ' ', '\u0001', 'Observation', '{"x":'];
	const text = (): string => Array.from({ length: random.below(60) }, () => random.pick(letters)).join('');
	for (let round = 0; round < 400; round++) {
		const before: Record<string, unknown> = {};
		for (let i = random.below(8); i > 0; i--) before[`m${random.below(10)}`] = text();
		const after = { ...before };
		for (let i = random.below(4); i > 0; i--) {
			const name = `m${random.below(10)}`;
			if (random.chance(0.3)) delete after[name];
			else after[name] = text();
		}
		const number = random.between(1, 40);
		const [old, next] = [version(number, before), version(number + 1, after)];
		const stored = encodeVersion(old, next);
		assert.equal(decodeVersion(stored, old, next), old.body);
		assert.equal(standsAlone(stored), number % chainLength === 0);
	}
});

test('a body that is not what its columns say is kept as it is', () => {
	const strange: Version = { type: 'Patient', id: 'a', version: 1, updated: 0, body: '{"resourceType":"Patient","id":"a"}' };
	const stored = encodeVersion(strange, version(2, {}));
	assert.ok(standsAlone(stored));
	assert.equal(decodeVersion(stored, strange, undefined), strange.body);
});

test('a version that does not fit the next one is reported', () => {
	const [old, next] = [version(1, { a: 'x'.repeat(500), b: 1 }), version(2, { a: 'x'.repeat(500), b: 2 })];
	const stored = encodeVersion(old, next);
	assert.throws(() => decodeVersion(stored, old, undefined));
	assert.throws(() => decodeVersion(stored, old, version(2, {})));
	assert.throws(() => decodeVersion(stored.subarray(0, 2), old, next));
});

test('a small change of a resource costs less than a quarter of it', () => {
	const before = { name: [{ family: 'A'.repeat(300) }], address: [{ city: 'Somewhere' }], note: 'x y z'.repeat(80) };
	const old = version(1, before);
	const stored = encodeVersion(old, version(2, { ...before, gender: 'female', name: [{ family: 'B' }] }));
	assert.ok(stored.length < old.body.length / 4, `${stored.length} of ${old.body.length}`);
});
