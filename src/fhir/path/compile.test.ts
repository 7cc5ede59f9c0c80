import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Problem } from '#base/problem.ts';
import { loadDefinitions } from '#fhir/definitions/definitions.ts';
import { numberOf } from '#fhir/wire/decimal.ts';
import { cases, patient } from './cases.ts';
import { compileAst, compilePath, compileTest, type PathEnv, type PathOptions } from './compile.ts';
import { parsePath } from './parse.ts';
import { Typed } from './values.ts';

const model = loadDefinitions();

const env: PathEnv = {
	resource: patient,
	answer: 42,
	'two words': ['a', 'b'],
	now: () => new Date('2024-02-29T12:30:45.678Z'),
	memberOf: (valueSet, system, code) => (valueSet.endsWith('unknown') ? undefined : system === 'http://example.org/ms' && code === 'M'),
	conformsTo: (_item, profile) => (profile.startsWith('http://example.org/') ? false : undefined),
	inSlice: (item) => (item as { use?: string }).use === 'official',
};

/** What the specification says must come whether the compiler knows types or not. */
const ways: Readonly<Record<string, PathOptions>> = { typed: { model, type: 'Patient' }, modelled: { model }, plain: {} };

for (const [way, options] of Object.entries(ways)) {
	for (const [section, list] of Object.entries(cases)) {
		test(`${section}, ${way}`, () => {
			const wrong = list.flatMap(([expression, ...items]) => {
				const got = compilePath(expression, options)(frozen(patient), env);
				return JSON.stringify(got) === JSON.stringify(items) ? [] : [{ expression, got, items }];
			});
			assert.deepEqual(wrong, []);
		});
	}
}

/** A copy that cannot be changed: evaluation must not. */
function frozen<T>(value: T): T {
	if (value === null || typeof value !== 'object') return value;
	const copy = Array.isArray(value)
		? value.map(frozen)
		: Object.fromEntries(Object.entries(value).map(([key, member]) => [key, frozen(member)]));
	return Object.freeze(copy) as T;
}

function answer(expression: string, focus: unknown, options: PathOptions = {}, variables: PathEnv = {}): unknown[] {
	return compilePath(expression, options)(focus, variables);
}

test('the model tells types that JSON does not show', () => {
	const questionnaire = {
		resourceType: 'Questionnaire',
		url: 'http://example.org/q',
		item: [{ linkId: '1', type: 'boolean', enableWhen: [{ question: '2', operator: 'exists', answerBoolean: true }] }],
	};
	const typed = { model, type: 'Questionnaire' };
	for (const [expression, expected] of [
		['url is uri', true],
		['url is string', false],
		['url is code', false],
		['item.linkId is string', true],
		['item.type is code', true],
		['item.type is string', true],
		['item.type is FHIR.code', true],
		['item.type is System.String', false],
		['item.type is String', true],
		['item.enableWhen.answer is boolean', true],
		['item.enableWhen.answer is Boolean', true],
		['item.enableWhen.answer is System.Boolean', false],
		['item is BackboneElement', true],
		['item is Element', true],
		['Questionnaire is Element', false],
		["item.type.type().name = 'code'", true],
		["item.type().name = 'Questionnaire.item'", true],
		['descendants().ofType(uri).count() = 1', true],
		['descendants().ofType(code).count() = 2', true],
		['children().ofType(uri) = url', true],
		['(url | item.linkId).ofType(uri) = url', true],
		['url.combine(item.linkId).ofType(string) = item.linkId', true],
		['iif(true, url, item.linkId) is uri', true],
		['select(url) is uri', true],
		['item.repeat(item).empty()', true],
		['%resource.url is uri', true],
		['%context.url is uri', true],
	] as const)
		assert.deepEqual(answer(expression, questionnaire, typed), [expected], expression);
});

test('without a model the shape of a value is its type', () => {
	const observation = {
		resourceType: 'Observation',
		valueQuantity: { value: 1 },
		status: 'final',
		issued: '2020-01-01T10:00:00Z',
		subject: { reference: 'Patient/1' },
	};
	for (const [expression, expected] of [
		['value is Quantity', true],
		['value is System.Quantity', false],
		['value.value is integer', true],
		['value.value is decimal', false],
		['status is code', true],
		['status is uri', true],
		['status is boolean', false],
		['status is date', false],
		['issued is instant', true],
		['subject is Reference', true],
		['subject is CodeableConcept', false],
	] as const)
		assert.deepEqual(answer(expression, observation), [expected], expression);
});

test('elements that only begin like a choice are none', () => {
	assert.deepEqual(answer('subscriber', { resourceType: 'Coverage', subscriberId: '1' }), []);
	assert.deepEqual(answer('source', { sourceId: '1' }, { model, type: 'OperationDefinition.parameter.referencedFrom' }), []);
	assert.deepEqual(answer('birth', { birthDate: '2020' }), []);
});

test('the focus may be a primitive with its sibling, or several items', () => {
	const extension = { extension: [{ url: 'http://example.org/e', valueString: 'x' }] };
	const date = new Typed('2020-01-01', 'date', extension);
	assert.deepEqual(answer("extension('http://example.org/e').value", date), ['x']);
	assert.deepEqual(answer('hasValue()', date), [true]);
	assert.deepEqual(answer('hasValue()', new Typed(undefined, 'date', extension)), [false]);
	assert.deepEqual(answer('$this', new Typed(undefined, 'date', extension)), [null]);
	assert.deepEqual(answer('$this is date', date), [true]);
	assert.deepEqual(answer('$this > 1', [1, 2]), []);
	assert.deepEqual(answer('where($this > 1)', [1, null, 2, undefined]), [2]);
	assert.deepEqual(answer('count()', undefined), [0]);
	assert.deepEqual(answer('count()', null), [0]);
});

test('primitives in lists keep their siblings', () => {
	const focus = { given: ['a', null, 'c'], _given: [null, { id: 'b' }, { id: 'c' }] };
	assert.deepEqual(answer('given', focus), ['a', null, 'c']);
	assert.deepEqual(answer('given.id', focus), ['b', 'c']);
	assert.deepEqual(answer('given.where(hasValue())', focus), ['a', 'c']);
	assert.deepEqual(answer("given = 'a'", { _given: { id: 'x' } }), [false]);
	assert.deepEqual(answer('given.count()', { _given: [{ id: 'x' }, null] }), [1]);
});

test('decimals keep how they were written, and count as numbers', () => {
	const focus = {
		resourceType: 'Observation',
		valueQuantity: { value: numberOf('1.0'), unit: 'g', system: 'http://unitsofmeasure.org', code: 'g' },
	};
	for (const [expression, ...expected] of [
		['value.value = 1', true],
		['value.value + 1', 2],
		['value.value > 0.5', true],
		['value.value.toString()', '1.0'],
		['value.value is decimal', true],
		['value.value is integer', false],
		['value.value.hasValue()', true],
		['value.value.children().empty()', true],
		['value.value.round()', 1],
		['value.value in (1 | 2)', true],
		['(value.value | 1).count()', 1],
		["value = 1000 'mg'", true],
		["value < 2 'g'", true],
		["value.toQuantity() = 1 'g'", true],
		['value.value.source.empty()', true],
		['-value.value', -1],
	] as const)
		assert.deepEqual(answer(expression, focus), expected, expression);
	assert.equal(JSON.stringify(answer('value.value', focus)), '[1.0]');
});

test('a test is false only when the expression says so', () => {
	const says = (expression: string): boolean => compileTest(expression, { model, type: 'Patient' })(patient);
	assert.equal(says('gender.exists()'), true);
	assert.equal(says("gender = 'female'"), false);
	assert.equal(says('birthDate = @1974'), true);
	assert.equal(says('photo.title.first()'), true);
	assert.equal(says('name.given'), true);
	assert.equal(says('{}'), true);
	assert.equal(says('active.where(false)'), true);
});

test('members of Object.prototype are no elements', () => {
	for (const name of ['constructor', 'toString', 'valueOf', 'hasOwnProperty', '__proto__', 'isPrototypeOf']) {
		for (const options of Object.values(ways)) {
			assert.deepEqual(answer(`\`${name}\``, patient, options), [], name);
			assert.deepEqual(answer(`name.\`${name}\`.exists()`, patient, options), [false], name);
		}
		assert.deepEqual(answer(`\`${name}\``, JSON.parse(`{"${name}": "x"}`)), ['x'], name);
	}
});

test('odd JSON gives odd answers, but answers', () => {
	const odd = [
		{ name: null },
		{ name: [[1]] },
		{ name: [null] },
		{ name: [] },
		{ name: {} },
		{ _name: 'x' },
		{ _name: [['x']] },
		{ name: 1, _name: [] },
		5,
		'x',
		[],
	];
	for (const focus of odd) {
		for (const expression of [
			'name.given',
			'name.exists()',
			'name.count()',
			'children().count()',
			'descendants()',
			"name = 'x'",
			'name is string',
			'name.first()',
		])
			for (const options of Object.values(ways)) assert.ok(Array.isArray(answer(expression, focus, options)), expression);
	}
});

test('resolve() finds what is contained, asks for the rest, and knows the type of what it does not get', () => {
	const focus = {
		resourceType: 'Observation',
		contained: [{ resourceType: 'Patient', id: 'p', active: true }],
		subject: { reference: '#p' },
		performer: [
			{ reference: 'Practitioner/1' },
			{ reference: 'urn:uuid:2', type: 'Device' },
			{ display: 'nobody' },
			{ reference: '#none' },
		],
		focus: [{ reference: '#' }],
	};
	const asked: string[] = [];
	const variables = {
		resource: focus,
		resolve(reference: string) {
			asked.push(reference);
			return reference === 'Practitioner/1' ? { resourceType: 'Practitioner', gender: 'male' } : undefined;
		},
	};
	assert.deepEqual(answer('subject.resolve().active', focus, {}, variables), [true]);
	assert.deepEqual(answer('focus.resolve().subject.reference', focus, {}, variables), ['#p']);
	assert.deepEqual(answer('performer.resolve().gender', focus, {}, variables), ['male']);
	assert.deepEqual(answer('performer.where(resolve() is Device).type', focus, {}, variables), ['Device']);
	assert.deepEqual(answer('performer.resolve().count()', focus, {}, variables), [2]);
	assert.deepEqual([...new Set(asked)], ['Practitioner/1', 'urn:uuid:2']);
	const inner = { resourceType: 'Patient', id: 'p', managingOrganization: { reference: '#o' } };
	const outer = { resourceType: 'Observation', contained: [inner, { resourceType: 'Organization', id: 'o', name: 'O' }] };
	assert.deepEqual(answer('managingOrganization.resolve().name', inner, {}, { resource: inner, rootResource: outer }), ['O']);
});

test('terminology and definitions come from the environment', () => {
	const focus = { coding: [{ system: 's', code: 'a' }, { system: 's', code: 'b' }, { display: 'no code' }] };
	const memberOf = (valueSet: string, system: string | undefined, code: string): boolean | undefined =>
		valueSet === 'unknown' ? undefined : `${system}|${code}` === valueSet;
	const ask = (expression: string): unknown[] =>
		answer(
			expression,
			focus,
			{},
			{ memberOf, subsumes: (_system, code, under) => code === 'a' && under === 'b', elementDefinition: () => ({ min: 1 }) },
		);
	assert.deepEqual(ask("memberOf('s|b')"), [true]);
	assert.deepEqual(ask("memberOf('s|c')"), [false]);
	assert.deepEqual(ask("memberOf('unknown')"), []);
	assert.deepEqual(ask("coding.memberOf('s|b')"), []);
	assert.deepEqual(ask('coding[0].subsumes(%context.coding[1])'), [true]);
	assert.deepEqual(ask('coding[1].subsumes(%context.coding[0])'), [false]);
	assert.deepEqual(ask('coding[1].subsumedBy(%context.coding[0])'), [true]);
	assert.deepEqual(ask('elementDefinition().min'), [1]);
	assert.deepEqual(answer("memberOf('s|b')", focus), []);
	assert.deepEqual(answer('coding[0].subsumes(%context.coding[1])', focus), []);
});

test('trace() tells what passes', () => {
	const heard: unknown[] = [];
	const trace = (name: string, items: readonly unknown[]): void => void heard.push([name, ...items]);
	assert.deepEqual(answer("name.trace('all', given.first()).where(use = 'usual').trace('one').exists()", patient, {}, { trace }), [true]);
	assert.deepEqual(heard, [
		['all', 'Peter', 'Jim', 'Peter'],
		['one', patient.name[1]],
	]);
});

test('what does not change is worked out once in an evaluation, and anew in the next', () => {
	let calls = 0;
	const resolve = (): unknown => ({ resourceType: 'Organization', name: `O${++calls}` });
	const path = compilePath('name.select(%resource.generalPractitioner.resolve().name.first())');
	const variables = { resource: { generalPractitioner: [{ reference: 'x' }] }, resolve };
	assert.deepEqual(path(patient, variables), ['O1', 'O1', 'O1']);
	assert.deepEqual(path(patient, variables), ['O2', 'O2', 'O2']);
	assert.deepEqual(compilePath('name.where(now() = now()).count()')(patient), [3]);
	// What hangs on `$index` or `$total` of a function further out does change.
	assert.deepEqual(answer('name.where(%resource.iif($index = 1, true, false)).use', patient), ['usual']);
	assert.deepEqual(answer('(1 | 2 | 3).aggregate(%resource.active.select($total).first() + $this, 0)', patient), [6]);
	assert.deepEqual(answer('name.select(%resource.gender.select($index))', patient), [0, 0, 0]);
});

test('an expression that multiplies its work without measure is stopped', () => {
	const stopped = (error: unknown): boolean => error instanceof Problem && error.code === 'fhirpath-cost' && error.kind === 'too-much';
	for (const expression of [
		`name${'.select($this.combine($this))'.repeat(40)}.count()`,
		"gender.repeat($this & 'a').count()",
		'gender.repeatAll($this).count()',
		`name.given${'.select($this & $this & $this & $this)'.repeat(12)}.length()`,
	])
		assert.throws(() => answer(expression, patient), stopped, expression);
	assert.deepEqual(answer(`'ab'${".replaceMatches('.', 'aaaaaaaaaaaaaaaaaaaa')".repeat(12)}.length()`, patient), []);
});

test('patterns that backtrack for ever are stopped', () => {
	const text = `${'a'.repeat(40)}!`;
	for (const expression of ["matches('(a{1,100})+$')", "matches('(a|a)*$')", "matches('(a?){40}$')", "replaceMatches('(?=a)(a+)+$', '')"])
		assert.throws(
			() => answer(expression, text),
			(error) => error instanceof Problem && error.code === 'fhirpath-cost',
			expression,
		);
	assert.deepEqual(answer("matches('^(a+!?)+$')", text), [true]);
	assert.deepEqual(answer(`matches('${'('.repeat(20_000)}a${')'.repeat(20_000)}')`, text), []);
	assert.deepEqual(answer("matches('^a+!$')", `${'a'.repeat(5000)}!`), [true]);
	assert.deepEqual(answer("replaceMatches('(a+)(!)', '$2$1').startsWith('!')", text), [true]);
});

test('compileAst takes and gives lists, with boxes', () => {
	const run = compileAst(parsePath('value'));
	const items = run([{ valueCode: 'a' }, { valueString: 'b' }], { env: {} });
	assert.deepEqual(
		items.map((item) => (item instanceof Typed ? [item.value, item.type] : item)),
		[
			['a', 'code'],
			['b', 'string'],
		],
	);
	const typed = compileAst(parsePath('birthDate | name'), { model, type: 'Patient' })([patient], { env: {} });
	assert.deepEqual(
		typed.map((item) => (item instanceof Typed ? item.type : item)),
		['date', 'HumanName', 'HumanName', 'HumanName'],
	);
	const single = compileAst(parsePath('gender'), { model, type: 'Patient' })([patient], { env: {} });
	assert.deepEqual(
		single.map((item) => (item instanceof Typed ? item.type : item)),
		['code'],
	);
	assert.deepEqual(compileAst(parsePath('$this'))([], { env: {} }), []);
});
