import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '#base/problem.ts';
import { loadDefinitions } from '#fhir/definitions/definitions.ts';
import { createRandom } from '#testing/random.ts';
import { cases, patient } from './cases.ts';
import { compilePath } from './compile.ts';
import { parsePath } from './parse.ts';

function problemOf(act: () => unknown): string | undefined {
	try {
		act();
		return undefined;
	} catch (error) {
		assert.ok(error instanceof Problem, String(error));
		assert.equal(error.kind === 'invalid' || error.code === 'fhirpath-cost', true);
		return error.code;
	}
}

test('what is not FHIRPath is refused, with the place', () => {
	for (const [text, position] of [
		['', 1],
		[' ', 2],
		['1 +', 4],
		['a b', 3],
		['a..b', 3],
		['.a', 1],
		['a.', 3],
		['(a', 3],
		['a)', 2],
		['a[', 3],
		['a[]', 3],
		['f(', 3],
		['f(1,)', 5],
		['f(,1)', 3],
		['{a}', 2],
		["'open", 1],
		['`open', 1],
		['"a"', 1],
		['a.`b', 3],
		['%', 1],
		['a = ', 5],
		['a is', 5],
		['a is 1', 6],
		['$that', 1],
		['@20', 1],
		['@2020-02-30', 1],
		['@2020-13-01', 1],
		['@T25', 1],
		['a # b', 3],
		['/* open', 1],
		['a ~~ b', 4],
		[`${'9'.repeat(400)}`, 401],
		['\u0000', 1],
		['a\u2028é', 3],
	] as const) {
		assert.throws(
			() => parsePath(text),
			(error) => error instanceof Problem && error.code === 'fhirpath-syntax' && error.text.includes(` position ${position}:`),
			text,
		);
	}
});

test('functions and types must exist, and get the arguments they take', () => {
	for (const [text, code] of [
		['name.none()', 'fhirpath-function'],
		['name.constructor()', 'fhirpath-function'],
		['name.__proto__()', 'fhirpath-function'],
		['where()', 'fhirpath-function'],
		['where(true, false)', 'fhirpath-function'],
		['exists(true, false)', 'fhirpath-function'],
		["substring('a', 1, 2)", 'fhirpath-function'],
		['empty(1)', 'fhirpath-function'],
		['iif(true)', 'fhirpath-function'],
		['ofType()', 'fhirpath-function'],
		['ofType(1)', 'fhirpath-syntax'],
		['ofType(a or b)', 'fhirpath-syntax'],
		['a is nothing', 'fhirpath-syntax'],
		['a is System.Patient', 'fhirpath-syntax'],
	] as const)
		assert.equal(
			problemOf(() => compilePath(text)),
			code,
			text,
		);
});

test('what is too long or too deep is refused, and never breaks the stack', () => {
	const many = 20_000;
	for (const [what, text] of Object.entries({
		parentheses: `${'('.repeat(many)}1${')'.repeat(many)}`,
		steps: `a${'.b'.repeat(many)}`,
		'longer steps': `a${'.first()'.repeat(6000)}`,
		operators: `a${' or a'.repeat(9000)}`,
		'right operands': `${'a implies ('.repeat(4000)}a${')'.repeat(4000)}`,
		signs: `${'-'.repeat(many)}1`,
		indexes: `a${'[0]'.repeat(15_000)}`,
		arguments: `${'f('.repeat(many)}1${')'.repeat(many)}`,
		types: `a${' is Patient'.repeat(4000)}`,
		length: 'a'.repeat(60_000),
		'type names': `a is ${'A.'.repeat(many)}A`,
	}))
		assert.equal(
			problemOf(() => compilePath(text)),
			'fhirpath-syntax',
			what,
		);
});

test('the deepest that is taken also runs', () => {
	for (const text of [
		`name${'.first()'.repeat(390)}`,
		`true${' and true'.repeat(390)}`,
		`${'iif(true, '.repeat(190)}1${')'.repeat(190)}`,
		`${'('.repeat(190)}1${')'.repeat(190)}`,
		`${'name.where('.repeat(190)}true${')'.repeat(190)}`,
	])
		assert.ok(Array.isArray(compilePath(text)({ name: [{ name: 'x' }] })), text.slice(0, 20));
});

const definitions = loadDefinitions();
const expressions = Object.values(cases)
	.flat()
	.map(([expression]) => expression);

/** Whatever the text: a result, or a Problem of ours. */
function survives(text: string): void {
	const code = problemOf(() => {
		for (const options of [{}, { model: definitions, type: 'Patient' }]) {
			const items = compilePath(text, options)(patient, { resource: patient });
			assert.ok(Array.isArray(items));
			JSON.stringify(items);
		}
	});
	assert.ok(code === undefined || /^fhirpath-(syntax|function|cost)$/.test(code), `${code}: ${text}`);
}

test('damaged expressions', () => {
	const random = createRandom(1);
	for (let i = 0; i < 6000; i++) {
		let text = random.pick(expressions);
		for (let changes = random.between(1, 3); changes > 0; changes--) {
			const at = random.below(text.length + 1);
			const other = random.pick(expressions);
			const from = random.below(other.length);
			const piece = other.slice(from, from + random.between(0, 12));
			text = text.slice(0, at) + piece + text.slice(at + random.between(0, 3));
		}
		survives(text);
	}
});

test('random texts of the language’s own words', () => {
	const random = createRandom(2);
	const words = [
		...new Set(expressions.flatMap((text) => text.match(/[A-Za-z]+\(?|[%$@][\w:-]+|'[^']*'|\d+(\.\d+)?|<=|>=|!=|!~|\S/g) ?? [])),
		'\u0000',
		'\ud800',
		'é',
		'"',
		'\\',
	];
	for (let i = 0; i < 6000; i++) {
		const parts = Array.from({ length: random.between(1, 14) }, () => random.pick(words));
		survives(parts.join(random.pick(['', ' ', '.'])));
	}
});

test('random trees of valid parts', () => {
	const random = createRandom(3);
	const operators = [
		'=',
		'~',
		'!=',
		'<',
		'>=',
		'+',
		'-',
		'*',
		'/',
		'div',
		'mod',
		'&',
		'|',
		'in',
		'contains',
		'and',
		'or',
		'xor',
		'implies',
	];
	const calls = [
		'first()',
		'count()',
		'exists()',
		'where($this > 1)',
		'select($this)',
		'children()',
		'toString()',
		'distinct()',
		'not()',
		'abs()',
		'is(string)',
		'as(Quantity)',
		'type()',
		'iif($this, 1, 2)',
		'combine(name)',
		'repeat(children())',
		'aggregate($total + $this)',
		'resolve()',
		'hasValue()',
		'matches(gender)',
		'length()',
		'sum()',
		'skip(1)',
	];
	const tree = (depth: number): string => {
		if (depth === 0 || random.chance(0.2))
			return random.pick([...expressions.filter((text) => text.length < 14), 'name', 'birthDate', '$this']);
		if (random.chance(0.4)) return `(${tree(depth - 1)}).${random.pick(calls)}`;
		return `(${tree(depth - 1)}) ${random.pick(operators)} (${tree(depth - 1)})`;
	};
	for (let i = 0; i < 4000; i++) survives(tree(random.between(1, 5)));
});
