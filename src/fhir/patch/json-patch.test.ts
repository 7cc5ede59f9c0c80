import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '#base/problem.ts';
import type { Resource } from '#fhir/resource.ts';
import { parseJson } from '#fhir/wire/json.ts';
import { createRandom } from '#testing/random.ts';
import { applyJsonPatch } from './json-patch.ts';

const parse = (text: string): unknown => parseJson(Buffer.from(text));
const patient =
	'{"resourceType":"Patient","id":"1","name":[{"family":"F","given":["A","B"]},{"text":"T"}],"active":true,"extension":[{"url":"u","valueDecimal":1.10}]}';

/** Patches of the text above, and the whole result. */
const applied: readonly (readonly [string, string, string])[] = [
	['nothing', '[]', patient],
	['add a member', '[{"op":"add","path":"/gender","value":"male"}]', patient.replace(/}$/, ',"gender":"male"}')],
	['add over a member', '[{"op":"add","path":"/active","value":false}]', patient.replace('true', 'false')],
	['add into an array', '[{"op":"add","path":"/name/0/given/1","value":"X"}]', patient.replace('"A","B"', '"A","X","B"')],
	['add at the start', '[{"op":"add","path":"/name/0/given/0","value":"X"}]', patient.replace('"A","B"', '"X","A","B"')],
	['add at the length', '[{"op":"add","path":"/name/0/given/2","value":"X"}]', patient.replace('"A","B"', '"A","B","X"')],
	['add at the end', '[{"op":"add","path":"/name/0/given/-","value":"X"}]', patient.replace('"A","B"', '"A","B","X"')],
	['remove a member', '[{"op":"remove","path":"/active"}]', patient.replace(',"active":true', '')],
	['remove from an array', '[{"op":"remove","path":"/name/0/given/0"}]', patient.replace('"A","B"', '"B"')],
	['replace', '[{"op":"replace","path":"/name/0/family","value":"G"}]', patient.replace('"F"', '"G"')],
	['replace in an array', '[{"op":"replace","path":"/name/1","value":{"text":"U"}}]', patient.replace('"T"', '"U"')],
	['move in an array', '[{"op":"move","from":"/name/0/given/0","path":"/name/0/given/1"}]', patient.replace('"A","B"', '"B","A"')],
	['move to another member', '[{"op":"move","from":"/name/1/text","path":"/name/1/family"}]', patient.replace('"text"', '"family"')],
	['move onto itself', '[{"op":"move","from":"/name/0/given/1","path":"/name/0/given/1"}]', patient],
	['copy', '[{"op":"copy","from":"/name/0/given/0","path":"/name/1/family"}]', patient.replace('"T"', '"T","family":"A"')],
	['copy an element', '[{"op":"copy","from":"/name/1","path":"/name/-"}]', patient.replace('{"text":"T"}', '{"text":"T"},{"text":"T"}')],
	['test', '[{"op":"test","path":"/name/0","value":{"given":["A","B"],"family":"F"}}]', patient],
	['test a number in another form', '[{"op":"test","path":"/extension/0/valueDecimal","value":1.100e0}]', patient],
	['replace keeping digits', '[{"op":"replace","path":"/extension/0/valueDecimal","value":2.50}]', patient.replace('1.10', '2.50')],
	[
		'escaped names',
		'[{"op":"add","path":"/a~1b~0c","value":1},{"op":"test","path":"/a~1b~0c","value":1},{"op":"remove","path":"/a~1b~0c"}]',
		patient,
	],
	['an empty name', '[{"op":"add","path":"/","value":1},{"op":"remove","path":"/"}]', patient],
	['unknown members of an operation', '[{"op":"remove","path":"/active","note":1}]', patient.replace(',"active":true', '')],
	['null removes', '[{"op":"replace","path":"/active","value":null}]', patient.replace(',"active":true', '')],
	['empty arrays go', '[{"op":"remove","path":"/extension/0"}]', patient.replace(/,"extension":\[.*\]/, '')],
	['emptied elements go', '[{"op":"remove","path":"/name/1/text"}]', patient.replace(',{"text":"T"}', '')],
	[
		'what is emptied goes all the way up',
		'[{"op":"replace","path":"/extension","value":[{"extension":[{}]}]}]',
		patient.replace(/,"extension":\[.*\]/, ''),
	],
	['the whole', '[{"op":"replace","path":"","value":{"resourceType":"Patient","id":"1"}}]', '{"resourceType":"Patient","id":"1"}'],
];
for (const [name, operations, expected] of applied) {
	test(`JSON Patch: ${name}`, () => {
		const before = parse(patient) as Resource;
		assert.equal(JSON.stringify(applyJsonPatch(before, parse(operations))), expected);
		assert.equal(JSON.stringify(before), patient, 'the resource given is not changed');
	});
}

test('null stays where it keeps the place of a primitive beside its extensions', () => {
	const before = parse('{"resourceType":"Patient","name":[{"given":["A","B","C"],"_given":[null,{"id":"x"},null]}]}') as Resource;
	const after = applyJsonPatch(before, [
		{ op: 'replace', path: '/name/0/given/1', value: null },
		{ op: 'remove', path: '/name/0/given/0' },
		{ op: 'remove', path: '/name/0/_given/0' },
	]);
	assert.equal(JSON.stringify(after), '{"resourceType":"Patient","name":[{"given":[null,"C"],"_given":[{"id":"x"},null]}]}');
	const emptied = applyJsonPatch(before, [{ op: 'remove', path: '/name/0/_given/1/id' }]);
	assert.equal(JSON.stringify(emptied), '{"resourceType":"Patient","name":[{"given":["A","B","C"]}]}');
});

const refused: readonly (readonly [string, unknown, number, string, RegExp])[] = [
	['no array', { op: 'add' }, 400, 'patch-malformed', /array of operations/],
	['no object', [1], 400, 'patch-malformed', /Operation 1: an operation is an object/],
	['no op', [{ path: '/a' }], 400, 'patch-malformed', /"op"/],
	['an unknown op', [{ op: 'merge', path: '/a' }], 400, 'patch-malformed', /none of add/],
	['__proto__ as op', [{ op: '__proto__', path: '/a' }], 400, 'patch-malformed', /"op"/],
	['no path', [{ op: 'remove' }], 400, 'patch-malformed', /"path"/],
	['no from', [{ op: 'copy', path: '/a' }], 400, 'patch-malformed', /"from"/],
	['no value', [{ op: 'add', path: '/a' }], 400, 'patch-malformed', /no "value"/],
	['a path without a slash', [{ op: 'remove', path: 'active' }], 400, 'patch-malformed', /JSON Pointer/],
	['a bad escape', [{ op: 'remove', path: '/a~2' }], 400, 'patch-malformed', /JSON Pointer/],
	['a path through the prototype', [{ op: 'add', path: '/__proto__/admin', value: true }], 400, 'patch-malformed', /__proto__/],
	['a path to the constructor', [{ op: 'add', path: '/constructor/prototype/admin', value: true }], 422, 'patch-not-applicable', /nothing/],
	['an index with a leading zero', [{ op: 'remove', path: '/name/01' }], 400, 'patch-malformed', /not a place/],
	['a name as index', [{ op: 'remove', path: '/name/length' }], 400, 'patch-malformed', /not a place/],
	['a negative index', [{ op: 'add', path: '/name/-1', value: {} }], 400, 'patch-malformed', /not a place/],
	['the place after the end', [{ op: 'remove', path: '/name/-' }], 422, 'patch-not-applicable', /after the end/],
	['an index beyond the end', [{ op: 'add', path: '/name/3', value: {} }], 422, 'patch-not-applicable', /ends before place 3/],
	['removing nothing', [{ op: 'remove', path: '/gender' }], 422, 'patch-not-applicable', /nothing at "\/gender"/],
	['removing nothing from an array', [{ op: 'remove', path: '/name/2' }], 422, 'patch-not-applicable', /nothing at/],
	['replacing nothing', [{ op: 'replace', path: '/gender', value: 'male' }], 422, 'patch-not-applicable', /nothing at/],
	['a path through nothing', [{ op: 'add', path: '/contact/0/name', value: {} }], 422, 'patch-not-applicable', /nothing that/],
	['a path through a primitive', [{ op: 'add', path: '/active/x', value: 1 }], 422, 'patch-not-applicable', /nothing that/],
	[
		'a path through a decimal',
		[{ op: 'add', path: '/extension/0/valueDecimal/source', value: 1 }],
		422,
		'patch-not-applicable',
		/nothing that/,
	],
	['moving into itself', [{ op: 'move', from: '/name', path: '/name/0/x' }], 422, 'patch-not-applicable', /into itself/],
	['removing the whole', [{ op: 'remove', path: '' }], 422, 'patch-not-applicable', /whole/],
	['a result that is no resource', [{ op: 'replace', path: '', value: [] }], 422, 'patch-not-applicable', /no resource/],
	['removing the type', [{ op: 'remove', path: '/resourceType' }], 422, 'patch-not-applicable', /no resource/],
	['a test of another value', [{ op: 'test', path: '/active', value: 'true' }], 422, 'patch-test-failed', /"\/active"/],
	['a test of another array', [{ op: 'test', path: '/name/0/given', value: ['B', 'A'] }], 422, 'patch-test-failed', /./],
	['a test with a member missing', [{ op: 'test', path: '/name/0', value: { family: 'F' } }], 422, 'patch-test-failed', /./],
	['a test of nothing', [{ op: 'test', path: '/gender', value: null }], 422, 'patch-not-applicable', /nothing at/],
	[
		'the third operation',
		[
			{ op: 'remove', path: '/active' },
			{ op: 'remove', path: '/id' },
			{ op: 'remove', path: '/id' },
		],
		422,
		'patch-not-applicable',
		/^Operation 3/,
	],
	[
		'copies without end',
		Array.from({ length: 40 }, () => ({ op: 'copy', from: '/name', path: '/name/-' })),
		413,
		'patch-too-large',
		/too large/,
	],
	[
		'nesting without end',
		Array.from({ length: 250 }, () => ({ op: 'copy', from: '', path: '/contained' })),
		422,
		'patch-not-applicable',
		/nested deeper/,
	],
];
for (const [name, operations, status, code, expected] of refused) {
	test(`JSON Patch is refused: ${name}`, () => {
		assert.throws(
			() => applyJsonPatch(parse(patient) as Resource, operations),
			(error) => {
				assert.ok(error instanceof Problem, String(error));
				assert.deepEqual([error.status, error.code], [status, code]);
				assert.match(error.text, expected);
				return true;
			},
		);
		assert.equal(({} as { admin?: unknown }).admin, undefined);
	});
}

test('numbers are the same by value to the last digit', () => {
	const same = (a: string, b: string): boolean => {
		try {
			applyJsonPatch(parse(`{"resourceType":"Basic","v":${a}}`) as Resource, parse(`[{"op":"test","path":"/v","value":${b}}]`));
			return true;
		} catch {
			return false;
		}
	};
	for (const [a, b] of [
		['1', '1.0'],
		['100', '1e2'],
		['-0.50', '-5e-1'],
		['0', '-0.0'],
		['12345678901234567890', '1234567890123456789e1'],
	] as const)
		assert.equal(same(a, b), true, `${a} = ${b}`);
	for (const [a, b] of [
		['1', '-1'],
		['1', '"1"'],
		['12345678901234567890', '12345678901234567891'],
		['0.1', '0.10000000000000000001'],
		['1', 'true'],
	] as const)
		assert.equal(same(a, b), false, `${a} ≠ ${b}`);
});

test('no values are shared between the patch, the resource and the result', () => {
	const value = { family: 'V' };
	const operations = [
		{ op: 'add', path: '/name/-', value },
		{ op: 'add', path: '/name/-', value },
		{ op: 'add', path: '/name/2/text', value: 'only one' },
	];
	const after = applyJsonPatch(parse(patient) as Resource, operations);
	assert.deepEqual(value, { family: 'V' });
	assert.deepEqual((after.name as object[]).slice(2), [{ family: 'V', text: 'only one' }, { family: 'V' }]);
});

test('random patches end in a resource or a Problem, and never change what they were given', () => {
	const random = createRandom(21);
	const tokens = [
		'name',
		'0',
		'1',
		'-',
		'given',
		'family',
		'extension',
		'valueDecimal',
		'x',
		'',
		'01',
		'__proto__',
		'constructor',
		'~0',
		'~',
	];
	const path = (): string => Array.from({ length: random.below(4) }, () => `/${random.pick(tokens)}`).join('');
	let done = 0;
	for (let round = 0; round < 5000; round++) {
		const operations = Array.from({ length: random.between(1, 4) }, () => ({
			op: random.pick(['add', 'remove', 'replace', 'move', 'copy', 'test']),
			path: path(),
			from: path(),
			value: random.pick([1, 'a', null, [], {}, { given: ['C'] }, ['x', null]]),
		}));
		const before = parse(patient) as Resource;
		try {
			assert.equal(applyJsonPatch(before, operations).resourceType, 'Patient');
			done++;
		} catch (error) {
			assert.ok(error instanceof Problem && [400, 413, 422].includes(error.status), String((error as Error).stack));
		}
		assert.equal(JSON.stringify(before), patient);
	}
	assert.ok(done > 100);
});
