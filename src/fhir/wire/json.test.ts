import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '#base/problem.ts';
import { loadDefinitions } from '#fhir/definitions/definitions.ts';
import { anyResource } from '#testing/any-resource.ts';
import { mutate } from '#testing/mutate.ts';
import { createRandom } from '#testing/random.ts';
import { parseResource } from './body.ts';
import { Decimal, parseJson } from './json.ts';
import { readCarefully } from './json-reader.ts';
import { prettyJson } from './pretty.ts';

const parse = (text: string): unknown => parseJson(Buffer.from(text));

const numbers: readonly (readonly [string, 'number' | 'decimal'])[] = [
	['0', 'number'],
	['-1', 'number'],
	['123456789012345', 'number'],
	['1.5', 'number'],
	['0.000001', 'number'],
	['0.0000012', 'number'],
	['1.0', 'decimal'],
	['-1.50', 'decimal'],
	['0.010', 'decimal'],
	['0.0', 'decimal'],
	['-0', 'decimal'],
	['-0.0', 'decimal'],
	['1e2', 'decimal'],
	['1E+2', 'decimal'],
	['1.0e-7', 'decimal'],
	['0.0000001', 'decimal'],
	['1234567890123456789', 'decimal'],
	['0.1234567890123456789', 'decimal'],
	['1234567890123456', 'number'],
	['9007199254740993', 'decimal'],
	['100000000000000000000000', 'decimal'],
];
for (const [source, kind] of numbers) {
	test(`the number ${source} is a ${kind} and is written as it was`, () => {
		for (const text of [source, `{"a":${source}}`, `[ ${source} ]`, `[1,${source},{"b":${source}}]`]) {
			assert.equal(JSON.stringify(parse(text)), text.replaceAll(' ', ''));
		}
		const value = parse(source);
		assert.equal(value instanceof Decimal, kind === 'decimal');
		assert.equal(Number(value), Number(source));
		assert.equal(String(value), source);
	});
}

const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

const refused: readonly (readonly [string, string, RegExp])[] = [
	['nothing', '', /line 1, column 1: the text ends/],
	['blanks only', ' \n ', /line 2, column 2: the text ends/],
	['two values', '{} {}', /line 1, column 4: there is more text/],
	['a missing brace', '{"a":1', /column 7: a comma or "}"/],
	['a missing comma', '{\n"a":1\n"b":2}', /line 3, column 1: a comma/],
	['a trailing comma in an object', '{"a":1,}', /column 8: a name in quotation marks/],
	['a trailing comma in an array', '[1,]', /column 4: a value is expected/],
	['a missing colon', '{"a" 1}', /column 6: a colon/],
	['a name without quotation marks', '{a:1}', /column 2: a name/],
	['single quotation marks', "{'a':1}", /column 2: a name/],
	['a comment', '{/* */}', /a name in quotation marks/],
	['a word that is none', '[nul]', /column 2: a value/],
	['NaN', '[NaN]', /a value is expected/],
	['a number with a zero in front', '[01]', /01 is not a number/],
	['a number without digits after the point', '[1.]', /1\. is not a number/],
	['a number with plus', '[+1]', /a value is expected/],
	['a number too large', '[1e999]', /too large/],
	['a number too long', `[0.${'1'.repeat(1000)}]`, /more than 400 characters/],
	['a string that does not end', '["a', /ends within a string/],
	['a line end in a string', '["a\nb"]', /control character/],
	['a raw null character', '["a\0b"]', /control character/],
	['an escaped null character', '["a\\u0000b"]', /null character/],
	['an escaped null character in a name', '{"a\\u0000":1}', /null character/],
	['half a surrogate pair', '["\\ud83d"]', /surrogate/],
	['the other half', '["x\\uDE00"]', /surrogate/],
	['an unknown escape', '["\\x"]', /escape in a string is wrong/],
	['a short escape', '["\\u12"]', /escape in a string is wrong/],
	['a name twice', '{"a":1,"b":{"a":1},"a":2}', /column 20: the name "a" occurs twice/],
	['a name twice by an escape', '{"a":1,"\\u0061":2}', /the name "a" occurs twice/],
	['a name twice among many', `{${Array.from({ length: 500 }, (_, n) => `"n${n}":1`).join()},"n7":1}`, /the name "n7" occurs twice/],
	['__proto__', '{"a":{"__proto__":{"admin":true}}}', /"__proto__" is not allowed/],
	['__proto__ by an escape', '{"__pr\\u006fto__":1}', /"__proto__" is not allowed/],
	['nesting of 201', deep(201), /nested deeper than 200/],
	['nesting without end', '[{"a":'.repeat(100_000), /nested deeper than 200/],
];
for (const [name, text, expected] of refused) {
	test(`refuses ${name}`, () => {
		assert.throws(
			() => parse(text),
			(error) => error instanceof Problem && error.status === 400 && error.code === 'json-malformed' && expected.test(error.text),
		);
		assert.equal(({} as { admin?: unknown }).admin, undefined);
	});
}

test('refuses what is not UTF-8, and says where', () => {
	const cases: readonly (readonly [number[], RegExp])[] = [
		[[0x22, 0xff, 0x22], /column 2: the text is not valid UTF-8/],
		[[0x22, 0xc3, 0xbc, 0xc3, 0x22], /column 3/],
		[[0x22, 0xed, 0xa0, 0x80, 0x22], /UTF-8/],
		[[0x22, 0xc0, 0x80, 0x22], /UTF-8/],
		[[0xff, 0xfe, 0x22, 0x00, 0x22, 0x00], /UTF-8/],
	];
	for (const [bytes, expected] of cases) assert.throws(() => parseJson(Buffer.from(bytes)), expected);
});

test('takes a byte order mark, nesting of 200, many names, surrogate pairs, escapes and odd names', () => {
	assert.deepEqual(parse('\ufeff{"a":1}'), { a: 1 });
	assert.equal(JSON.stringify(parse(deep(200))), deep(200));
	const wide = `{${Array.from({ length: 500 }, (_, n) => `"n${n}":${n}`).join()}}`;
	assert.equal(JSON.stringify(parse(wide)), wide);
	assert.deepEqual(parse('["\\ud83d\\ude00","\\u00e4\\n\\"","\\\\u0000"]'), ['😀', 'ä\n"', '\\u0000']);
	assert.deepEqual(parse('{"constructor":1,"":2,"_":3,"toString":4}'), { constructor: 1, '': 2, _: 3, toString: 4 });
	assert.deepEqual(parse('{"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":1}]}'), { a: { x: 1 }, b: { x: 1 }, c: [{ x: 1 }, { x: 1 }] });
});

test('names whose hashes are the same are still two names', () => {
	// In the scanner's hash "Aa" and "BB" are one.
	assert.deepEqual(parse('{"Aa":1,"BB":2}'), { Aa: 1, BB: 2 });
});

const definitions = loadDefinitions();

test('both readers agree, and what is read is written as it stood', () => {
	const random = createRandom(7);
	for (let round = 0; round < 300; round++) {
		const text = JSON.stringify(anyResource(definitions, random, random.pick(definitions.resourceTypes)));
		assert.equal(JSON.stringify(parse(text)), text);
		assert.equal(JSON.stringify(readCarefully(Buffer.from(text))), text);
		const pretty = prettyJson(text);
		assert.equal(JSON.stringify(parse(pretty)), text);
		assert.equal(pretty.replace(/^ +/gm, '').includes('\n\n'), false);
	}
});

test('damaged texts are read as JSON.parse reads them or refused with 400', () => {
	const random = createRandom(11);
	const pieces = ['"', '\\', '{', '}', '[', ',', ':', '\\u0000', '"a":1,', '1.0', '1e5', '\0', '\ufeff', '__proto__', '-', '0'];
	let taken = 0;
	for (let round = 0; round < 4000; round++) {
		const text = JSON.stringify(anyResource(definitions, random, random.pick(['Patient', 'Observation', 'Bundle'])));
		const bytes = mutate(random, Buffer.from(text), pieces);
		let value: unknown;
		try {
			value = parseJson(bytes);
		} catch (error) {
			assert.ok(error instanceof Problem && error.status === 400, String(error));
			continue;
		}
		taken++;
		const plain = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
		assert.deepEqual(JSON.parse(JSON.stringify(value)), plain);
	}
	assert.ok(taken > 50);
});

test('pretty printing moves nothing but white space', () => {
	assert.equal(
		prettyJson('{"a":[1.0,{}],"b":{"c":[],"d":"x\\",{"}}'),
		'{\n  "a": [\n    1.0,\n    {}\n  ],\n  "b": {\n    "c": [],\n    "d": "x\\",{"\n  }\n}',
	);
	assert.equal(prettyJson('"a"'), '"a"');
});

const noResource: readonly (readonly [string, RegExp])[] = [
	['', /body is empty/],
	['[]', /not a JSON object/],
	['1.0', /not a JSON object/],
	['null', /not a JSON object/],
	['{}', /no "resourceType"/],
	['{"resourceType":1}', /no "resourceType"/],
];
for (const [text, expected] of noResource) {
	test(`the body ${text === '' ? 'without anything' : text} is no resource`, () => {
		assert.throws(
			() => parseResource(Buffer.from(text), 'json'),
			(error) => error instanceof Problem && error.status === 400 && error.code === 'not-a-resource' && expected.test(error.text),
		);
	});
}
