// Every element of every sample, broken in every way that applies: exactly the intended issue must come out.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadDefinitions } from '#fhir/definitions/definitions.ts';
import type { Resource } from '#fhir/resource.ts';
import { primitiveTests } from './primitives.ts';
import { samples } from './samples.ts';
import { createValidator, isProfileIssue, isStructural } from './validator.ts';

const definitions = loadDefinitions();
const validator = createValidator(definitions);

type Node = Record<string, unknown>;
type Step = string | number;

/** A place in a sample: where it is in JSON and as a FHIRPath expression, and what the definitions say about it. */
type Place = {
	readonly steps: readonly Step[];
	readonly path: string;
	readonly holderPath: string;
	readonly name: string;
	readonly type: string;
	readonly isArray: boolean;
	readonly choice: readonly string[] | undefined;
	readonly value: unknown;
	readonly required: boolean;
	/** Whether its object has no other member. */
	readonly isOnly: boolean;
	readonly valueSet: string | undefined;
};

type Mutation = { readonly what: string; readonly broken: Node; readonly code: string; readonly path: string };

function isNode(value: unknown): value is Node {
	return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** All members of an object and of those inside it. */
function* placesIn(object: Node, type: string, path: string, steps: readonly Step[]): Generator<Place> {
	for (const [name, value] of Object.entries(object)) {
		if (name === 'resourceType' || name.startsWith('_')) continue;
		const found = elementOf(type, name);
		assert.ok(found, `${type} has no ${name}`);
		const { element, memberType, info } = found;
		const facts = factsOf(type, element);
		const own = `${path}.${element}`;
		yield {
			steps: [...steps, name],
			path: own,
			holderPath: path,
			name,
			type: memberType,
			isArray: info.max === '*',
			choice: info.choice ? info.types : undefined,
			value,
			isOnly: Object.keys(object).length === 1,
			required: (facts?.min ?? 0) > 0,
			valueSet: facts?.binding?.strength === 'required' ? facts.binding.valueSet : undefined,
		};
		const items = Array.isArray(value)
			? value.map((item, i) => [item, `${own}[${i}]`, [...steps, name, i]] as const)
			: [[value, own, [...steps, name]] as const];
		for (const [item, itemPath, itemSteps] of items) {
			if (!isNode(item)) continue;
			const inner = typeof item.resourceType === 'string' ? item.resourceType : memberType;
			yield* placesIn(item, inner, itemPath, itemSteps);
		}
	}
}

function elementOf(type: string, name: string) {
	const plain = definitions.elementInfo(type, name);
	if (plain !== undefined && !plain.choice) return { element: name, memberType: plain.types[0] as string, info: plain };
	for (let end = 1; end < name.length; end++) {
		const element = name.slice(0, end);
		const info = definitions.elementInfo(type, element);
		const memberType = info?.choice ? info.types.find((code) => code.toLowerCase() === name.slice(end).toLowerCase()) : undefined;
		if (info !== undefined && memberType !== undefined) return { element, memberType, info };
	}
	return undefined;
}

function factsOf(type: string, element: string) {
	return definitions
		.structure(type.split('.')[0] as string)
		?.elements.find(({ path, slice }) => slice === undefined && (path === `${type}.${element}` || path === `${type}.${element}[x]`));
}

/** A copy in which the value at a place is another; undefined takes it away. */
function replaced(resource: Node, steps: readonly Step[], value: unknown): Node {
	const copy = structuredClone(resource);
	let holder: unknown = copy;
	for (const step of steps.slice(0, -1)) holder = (holder as Record<Step, unknown>)[step];
	const last = steps.at(-1) as Step;
	if (value === undefined) delete (holder as Record<Step, unknown>)[last];
	else (holder as Record<Step, unknown>)[last] = value;
	return copy;
}

function* mutationsOf(resource: Node): Generator<Mutation> {
	const root = resource.resourceType as string;
	yield { what: 'unknown member', broken: { ...resource, zzz: 1 }, code: 'element-unknown', path: `${root}.zzz` };
	for (const place of placesIn(resource, root, root, [])) {
		const { steps, path, isArray, value, type } = place;
		const change = (what: string, to: unknown, code: string, at = path): Mutation => ({
			what: `${steps.join('.')}: ${what}`,
			broken: replaced(resource, steps, to),
			code,
			path: at,
		});
		const isResource = type === 'Resource';
		if (place.required && place.isOnly) yield change('dropped', undefined, 'value-empty', place.holderPath);
		else if (place.required) yield change('dropped', undefined, 'cardinality-min');
		if (isArray) {
			const first = (value as unknown[])[0];
			yield change('not an array', first, 'array-expected');
			yield change('empty array', [], 'value-empty');
			yield* itemMutations(place, (what, to, code) => change(what, [to, ...(value as unknown[]).slice(1)], code, `${path}[0]`), first);
		} else {
			yield change('array', [value], isResource ? 'resource-type' : 'array-unexpected');
			yield* itemMutations(place, change, value);
		}
		if (place.choice !== undefined) {
			const other = place.choice.find((code) => code !== type && otherValues[code] !== undefined) as string;
			const element = path.slice(place.holderPath.length + 1);
			const member = element + other[0]?.toUpperCase() + other.slice(1);
			yield {
				...change('second type', value, 'choice-many'),
				broken: replaced(resource, [...steps.slice(0, -1), member], otherValues[other]),
			};
		}
	}
}

/** Values of types that a choice may have, to give one twice. */
const otherValues: Readonly<Record<string, unknown>> = {
	boolean: true,
	string: 'x',
	dateTime: '2024',
	date: '2024',
	integer: 3,
	Quantity: { value: 1 },
	Range: { low: { value: 1 } },
	CodeableConcept: { text: 'x' },
	Reference: { display: 'x' },
	Period: { start: '2024' },
	Duration: { value: 1, code: 'd', system: 'http://unitsofmeasure.org' },
};

function* itemMutations(place: Place, change: (what: string, to: unknown, code: string) => Mutation, value: unknown): Generator<Mutation> {
	const { type, valueSet } = place;
	const isResource = type === 'Resource';
	yield change('null', null, isResource ? 'resource-type' : 'json-null');
	if (isNode(value)) {
		yield change('text instead of an object', 'x', isResource ? 'resource-type' : 'json-type');
		yield change('empty object', {}, isResource ? 'resource-type' : 'value-empty');
		yield change('unknown member', { ...value, zzz: 1 }, 'element-unknown');
		return;
	}
	yield change('an object instead of a value', { value }, 'json-type');
	if (typeof value === 'string') yield change('empty text', '', 'value-empty');
	yield change('another JSON type', typeof value === 'string' ? 7 : String(value), 'json-type');
	const bad = badValues[type];
	if (bad !== undefined) for (const one of bad) yield change(`${JSON.stringify(one)}`, one, 'primitive-format');
	if (valueSet !== undefined && type === 'code' && definitions.valueSet(valueSet)?.open === undefined)
		yield change('a code of no value set', 'nosuchcode', 'binding-required');
}

const badValues: Readonly<Record<string, readonly unknown[]>> = {
	date: ['2023-02-29', '2024-13-01', '24-01-01', '2024-1-1', '2024-01-01T00:00:00Z', '0000'],
	dateTime: ['2023-02-29T10:00:00Z', '2024-01-01T10:00Z', '2024-01-01T10:00:00', '2024-01-01T24:00:00Z', 'yesterday'],
	instant: ['2024-01-01', '2024-01-01T10:00:00'],
	time: ['10:00', '25:00:00'],
	code: [' a', 'a  b'],
	uri: ['a b'],
	url: ['a b'],
	canonical: ['a b'],
	id: ['a_b', 'x'.repeat(65)],
	positiveInt: [0, -1, 1.5],
	integer: [1.5, 2 ** 31],
	unsignedInt: [-1],
	base64Binary: ['a', 'ab=c', '****'],
	string: ['a\u0000b', 'a\ud800b'],
	markdown: ['a\u0001b'],
	decimal: [Number.POSITIVE_INFINITY],
};

function withoutProfiles(resource: Resource): Resource {
	const { meta, ...rest } = structuredClone(resource);
	if (meta === undefined) return rest;
	const { profile, ...kept } = meta;
	return Object.keys(kept).length === 0 ? rest : { ...rest, meta: kept };
}

/** What breaks along with a mutation because other content depends on what it took away. */
function isConsequence(mutation: Mutation, { code, text }: { code: string; text: string }): boolean {
	if (code !== 'invariant') return false;
	if (mutation.path.includes('.contained')) return /^(ref-1|dom-3)/.test(text);
	if (mutation.code === 'binding-required') return /^(bdl-3|que-\d+):/.test(text);
	return mutation.path.includes('.text') && text.startsWith('dom-6');
}

describe('mutations', () => {
	for (const [name, sample] of Object.entries(samples)) {
		it(`finds exactly what is wrong with a broken ${name}`, () => {
			const valid = withoutProfiles(sample);
			assert.deepEqual(validator.validate(valid), []);
			let count = 0;
			for (const mutation of mutationsOf(valid)) {
				count++;
				const issues = validator.validate(mutation.broken).filter((issue) => !isConsequence(mutation, issue));
				const found = issues.map(({ code, path, severity }) => `${severity} ${code} ${path}`);
				const expected = mutation.code === 'element-unknown' && !mutation.path.endsWith('.zzz') ? `${mutation.path}.zzz` : mutation.path;
				assert.deepEqual(found, [`error ${mutation.code} ${expected}`], mutation.what);
				const [issue] = issues;
				assert.ok(
					issue !== undefined && !isProfileIssue(issue) && isStructural(issue) === (mutation.code !== 'binding-required'),
					mutation.what,
				);
			}
			assert.ok(count > 30, `only ${count} mutations`);
		});
	}

	it('knows a bad value for the types that have one', () => {
		for (const [type, values] of Object.entries(badValues))
			for (const value of values) assert.equal(primitiveTests[type]?.(value), false, `${type} ${value}`);
	});
});
