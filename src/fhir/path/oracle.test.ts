// Our FHIRPath against another implementation (npm: fhirpath, with its R4 model): all constraints and search expressions of the definitions over
// generated values of every type, and the specification's cases.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadDefinitions } from '#fhir/definitions/definitions.ts';
import { openPack } from '#fhir/definitions/pack.ts';
import { createLikely } from '#testing/likely-resource.ts';
import { createRandom } from '#testing/random.ts';
import { cases, patient } from './cases.ts';
import { compilePath, type PathOptions } from './compile.ts';

type Evaluate = (node: unknown, variables: Record<string, unknown>) => unknown[];
type Oracle = { compile(path: string | { base: string; expression: string }, model: unknown, options: object): Evaluate };

const require = createRequire(import.meta.url);
const oracle = require('fhirpath') as Oracle;
const r4 = require('fhirpath/fhir-context/r4') as unknown;
const model = loadDefinitions();

type Asked = { readonly expression: string; readonly types: readonly string[] };

/** Every constraint of a type or profile, with the types that its element may have. */
function constraints(): Asked[] {
	const found = new Map<string, Asked>();
	for (const name of openPack(join(import.meta.dirname, '..', 'definitions', 'r4', 'facts')).names()) {
		const structure = name.startsWith('structure ') ? model.structure(name.slice('structure '.length)) : undefined;
		if (structure === undefined || structure.kind === 'logical') continue;
		for (const { path, types = [], constraints: list = [] } of structure.elements) {
			const codes = types.map(({ code }) => (code === 'BackboneElement' || code === 'Element' ? path : code));
			const own = (path.includes('.') ? codes : [path]).filter((type) => !/^(Resource|DomainResource|Element|BackboneElement)$/.test(type));
			for (const { expression } of list) if (own.length > 0) found.set(`${expression} ${own}`, { expression, types: own });
		}
	}
	return [...found.values()];
}

const asked = constraints();
const words = [...new Set(asked.flatMap(({ expression }) => expression.match(/(?<=')[\w-]+(?=')/g) ?? []))];

/** The oracle would fetch for resolve(): it is asked for what the reference says, as we say when there is nothing to fetch. */
function forOracle(expression: string): string {
	return expression.replace(
		/resolve\(\) is (\w+)/g,
		(_, type: string) => `reference.matches('(^|/)${type}/[A-Za-z0-9.-]+(/_history/.+)?$')`,
	);
}

/** What the oracle cannot do or refuses; we give an answer. */
const refusals: readonly (readonly [why: string, message: RegExp])[] = [
	[
		'several items where one is expected are an error to it, as in the specification',
		/^(Expected singleton|Unexpected collection|Expected single|Found type)/,
	],
	['it compiles patterns in Unicode mode, where the definitions’ own escapes are wrong', /^Invalid regular expression/],
	['it does not take a number as what an evaluation starts with', /getDecimal is not a function/],
	['it fetches for resolve()', /asynchronous function "resolve"/],
];

/** Where both answer, and we answer otherwise on purpose. */
const differences: readonly (readonly [why: string, expression: RegExp])[] = [
	[
		'R4’s definitions name System types and mean the FHIR types that become them',
		/answer is Boolean|\$this is DateTime|ofType\(DateTime\)/,
	],
	[
		'a Quantity without a value is no quantity to compare; the oracle takes it for one',
		/^low\.empty\(\) or high\.empty\(\) or \(low <= high\)$/,
	],
	[
		'a date is the day of whoever has the other time’s zone; the oracle takes it for one of its own zone',
		/start <= end|whenHandedOver >= whenPrepared|lastModified >= authoredOn/,
	],
];

type Outcome = { readonly items?: readonly unknown[]; readonly refused?: string };

const compiled = new Map<string, Evaluate>();

function theirs(type: string | undefined, expression: string, focus: unknown, variables: Record<string, unknown>): Outcome {
	try {
		const key = `${type} ${expression}`;
		const path =
			type === undefined || model.isResourceType(type) ? forOracle(expression) : { base: type, expression: forOracle(expression) };
		const evaluate = compiled.get(key) ?? oracle.compile(path, r4, { traceFn() {} });
		compiled.set(key, evaluate);
		return { items: evaluate(focus, variables) };
	} catch (error) {
		return { refused: error instanceof Error ? error.message : String(error) };
	}
}

/** Compares; gives a line for each disagreement that is not explained. */
function compareAll(list: readonly Asked[], rounds: number, seed: number): { lines: string[]; compared: number; refused: number } {
	const likely = createLikely(model, createRandom(seed), words);
	const lines = new Set<string>();
	let [compared, refused] = [0, 0];
	for (const { expression, types } of list) {
		for (let round = 0; round < rounds; round++) {
			const type = types[round % types.length] as string;
			const root = type.split('.')[0] as string;
			const focus = likely.value(type);
			const resource = model.isResourceType(type) ? focus : likely.resource(model.isResourceType(root) ? root : 'Basic');
			const variables = { resource, rootResource: resource, context: focus };
			const expected = theirs(type, expression, focus, variables);
			if (expected.refused !== undefined && refusals.some(([, message]) => message.test(expected.refused ?? ''))) {
				refused++;
				continue;
			}
			for (const options of [{ model, type }, {}] satisfies PathOptions[]) {
				compared++;
				// The oracle leaves out primitives that have no value.
				const items = compilePath(expression, options)(focus, variables).filter((item) => item !== null);
				if (JSON.stringify(items) === JSON.stringify(expected.items) || differences.some(([, known]) => known.test(expression))) continue;
				const how = options.type === undefined ? 'untyped' : 'typed';
				lines.add(
					`${type} ${how}: ${expression} → ${JSON.stringify(items)}, not ${JSON.stringify(expected)} of ${JSON.stringify(focus).slice(0, 500)}`,
				);
			}
		}
	}
	return { lines: [...lines], compared, refused };
}

test('constraints', () => {
	const { lines, compared, refused } = compareAll(asked, 6, 11);
	assert.deepEqual(lines, []);
	assert.ok(compared > 10_000, `${compared} compared`);
	assert.ok(refused < 600, `${refused} refused by the oracle`);
});

test('search expressions', () => {
	const list = model.searchParameters
		.filter(({ expression }) => expression !== '')
		.map(({ base, expression }) => ({ expression, types: [base] }));
	const { lines, compared, refused } = compareAll(list, 2, 12);
	assert.deepEqual(lines, []);
	assert.ok(compared > 6000, `${compared} compared`);
	assert.ok(refused < 100, `${refused} refused by the oracle`);
});

/** Cases of the specification on which the oracle says something else, or nothing. */
const otherwise: Readonly<Record<string, readonly string[]>> = {
	'it writes results otherwise': ['@2015T', "4.5 'mg'", '100 days', '1 day', "(2 'g').toQuantity('mg')", "3 'm' + 3 'cm'", '1.type()'],
	'it stops at what the specification calls an error, where we give nothing or, for a condition, true': [
		'generalPractitioner or {}',
		'name.use.single()',
		'(1 | 2).toString()',
		"'x'.matches('[')",
		'5.length()',
		'name.given.length()',
		"'a'.abs()",
		"'a' > 1",
		"name.given + 'x'",
		"@2016-02-28 + 1 'kg'",
		'%unknown',
		'%constructor',
		'%now',
	],
	'skip() and take() of a negative number, integers of 32 bits, the last place of nothing: as the specification has them': [
		"'abc'.lastIndexOf('')",
		'name.use.skip(-1)',
		'name.use.take(-1)',
		"'2147483648'.convertsToInteger()",
	],
	'dollar signs of a substitution are not those of JavaScript': [
		"'a$b'.replace('$', '$$')",
		// biome-ignore lint/suspicious/noTemplateCurlyInString: the specification's way to name a group
		"'11/30/1972'.replaceMatches('\\\\b(?<month>\\\\d{1,2})/(?<day>\\\\d{1,2})/(?<year>\\\\d{2,4})\\\\b', '${day}-${month}-${year}')",
	],
	'it does not take the date of a dateTime': ['meta.lastUpdated.toDate()'],
	'its numbers are binary fractions': ['(-1).ln()', '1.005.round(2)', '0.1 + 0.2', '5.5 mod 0.7'],
	'the clock is its own': ['today()', 'now()', 'timeOfDay()', 'today() + 1 year'],
	'it writes quantities of time as they were': ['(4 days).toString()'],
	'other dimensions are different to it, not incomparable': ["4 'mg' = 4 's'"],
	'equivalence does not depend on order': ['(1 | 2) ~ (2 | 1)'],
	'it assumes its own zone where none is said': [
		'@2018-03-01T12:00:00 < @2018-03-01T13:00:00Z',
		'@2018-12-31T23:00:00 < @2019-01-01T01:00:00Z',
	],
	'it moves results to its own zone, and beyond the year 9999': [
		'@1973-12-25T00:00:00.000+10:00 + 7 days',
		'@1973-12-25T00:00:00.000+10:00 + 1 second',
		'@1973-12-25T00:00:00.000+10:00 + 10 milliseconds',
		'@1973-12-25T00:00:00.000+10:00 + 1 minute',
		"@1973-12-25T00:00:00.000+10:00 + 1 's'",
		'@9999-12-31 + 1 day',
	],
	'it has not all of FHIR’s variables and functions, or only with a server to ask': [
		'%sct',
		'%loinc',
		'%`vs-gender`',
		'%vs-gender',
		'%"ext-x"',
		'managingOrganization.resolve().name',
		'generalPractitioner.where(resolve().active).count()',
		"maritalStatus.memberOf('http://example.org/vs')",
		"gender.memberOf('http://example.org/vs')",
		"gender.memberOf('http://example.org/unknown')",
		"conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')",
		"conformsTo('http://example.org/p')",
		'maritalStatus.coding.subsumes(maritalStatus)',
		"checkModifiers('http://example.org/x').gender",
		'elementDefinition()',
		"name.slice('http://example.org/p', 'first').use",
	],
};

test('the specification’s cases', () => {
	const variables = { resource: patient, rootResource: patient, answer: 42, 'two words': ['a', 'b'] };
	const differing = Object.values(cases)
		.flat()
		.filter(([expression, ...items]) => JSON.stringify(theirs('Patient', expression, patient, variables).items) !== JSON.stringify(items))
		.map(([expression]) => expression);
	assert.deepEqual(differing.toSorted(), Object.values(otherwise).flat().toSorted());
});
