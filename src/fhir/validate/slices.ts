// Slicing, https://hl7.org/fhir/R4/profiling.html#slicing: which slice an item belongs to, by discriminators.
import type { ElementFacts, SlicingFacts, StructureFacts } from '#fhir/definitions/facts.ts';
import { suffixOf } from '#fhir/path/values.ts';
import { bindingTest, versioned } from './bindings.ts';
import type { Findings } from './findings.ts';
import { fixedTest, patternTest, type ValueTest } from './match.ts';
import { isPrimitiveType } from './primitives.ts';
import type { ProfileContext } from './profiles.ts';
import { isObject, typeInReference } from './scope.ts';
import { childNamed, isChoice, nameOf, type ProfileNode, treeOf } from './tree.ts';

/** A value with its `_sibling` and type, as far as they are known. */
export type Item = { readonly value: unknown; readonly sibling: unknown; readonly type: string | undefined };

/** Whether an item is in a slice; undefined when the content does not tell. */
export type SliceTest = (item: Item, findings: Findings) => boolean | undefined;

export type SlicePlan = {
	readonly rules: SlicingFacts['rules'];
	readonly ordered: boolean;
	readonly slices: readonly {
		readonly name: string;
		readonly min: number;
		readonly max: number;
		readonly test: SliceTest;
		/** Number of the function that checks an item. */
		readonly check: number;
		readonly slices: SlicePlan | undefined;
	}[];
};

/** The plan of a sliced element. `addCheck` makes the function of a slice and gives its number. */
export function planSlices(
	sliced: ProfileNode,
	structure: StructureFacts,
	context: ProfileContext,
	addCheck: (slice: ProfileNode, parent: ProfileNode) => number,
): SlicePlan {
	const slicing = sliced.facts.slicing ?? usualSlicing(sliced.facts);
	return {
		rules: slicing.rules,
		ordered: slicing.ordered === true,
		slices: sliced.slices.map((slice) => ({
			name: (slice.facts.slice ?? '').replace(/^.*\//, ''),
			min: slice.facts.min,
			max: slice.facts.max,
			test: sliceTest(slice, slicing, structure, context),
			check: addCheck(slice, sliced),
			slices: slice.slices.length === 0 ? undefined : planSlices(slice, structure, context, addCheck),
		})),
	};
}

/** Extensions are sliced by url and choice elements by type, also where a profile does not say so. */
function usualSlicing(facts: ElementFacts): SlicingFacts {
	if (/extension$/i.test(facts.path)) return { discriminators: [{ type: 'value', path: 'url' }], rules: 'open' };
	return { discriminators: isChoice(facts) ? [{ type: 'type', path: '$this' }] : [], rules: 'open' };
}

function sliceTest(slice: ProfileNode, { discriminators }: SlicingFacts, structure: StructureFacts, context: ProfileContext): SliceTest {
	if (slice.facts.slice?.endsWith('@default')) return () => true;
	const tests = discriminators.flatMap(({ type, path }) => discriminatorTest(type, path, slice, structure, context) ?? []);
	if (tests.length === 0) return () => undefined;
	const [only] = tests;
	if (only !== undefined && tests.length === 1) return only;
	return (item, findings) => {
		let result: boolean | undefined = true;
		for (const test of tests) {
			const one = test(item, findings);
			if (one === false) return false;
			if (one === undefined) result = undefined;
		}
		return result;
	};
}

/** The test of one discriminator; undefined when the slice says nothing at its path. */
function discriminatorTest(
	type: string,
	path: string,
	slice: ProfileNode,
	structure: StructureFacts,
	context: ProfileContext,
): SliceTest | undefined {
	const steps = stepsOf(path);
	const at = walk(slice, steps, structure, context);
	if (at === undefined) return undefined;
	const test = testOf(type, at, context);
	if (test === undefined) return undefined;
	if (steps.length === 0) return test;
	const expectsNone = type === 'exists' && at.node.facts.max === 0;
	return (item, findings) => {
		const items = select(item, steps, findings);
		if (items === undefined) return undefined;
		if (type === 'exists') return (items.length === 0) === expectsNone;
		let result: boolean | undefined = false;
		for (const one of items) {
			const matches = test(one, findings);
			if (matches === true) return true;
			if (matches === undefined) result = undefined;
		}
		return result;
	};
}

type Step = { readonly kind: 'child' | 'extension' | 'ofType' | 'resolve'; readonly name: string };

/** The steps of a discriminator's path: a restricted FHIRPath of names, `resolve()`, `extension(url)` and `ofType(type)`. */
function stepsOf(path: string): Step[] {
	const steps: Step[] = [];
	for (const [, name = '', argument] of path.matchAll(/([A-Za-z$]\w*)(?:\(\s*'?([^')]*)'?\s*\))?\.?/g)) {
		if (name === '$this') continue;
		if (name === 'resolve') steps.push({ kind: 'resolve', name: '' });
		else if (argument !== undefined && (name === 'extension' || name === 'ofType')) steps.push({ kind: name, name: argument });
		else steps.push({ kind: 'child', name });
	}
	return steps;
}

/** Where a discriminator's path ends in the definitions: a node of this profile or of the one that an element is typed with. */
type Place = { readonly node: ProfileNode; readonly structure: StructureFacts };

function walk(slice: ProfileNode, steps: readonly Step[], structure: StructureFacts, context: ProfileContext): Place | undefined {
	let place: Place | undefined = { node: slice, structure };
	for (const step of steps) {
		if (place === undefined) return undefined;
		place = stepInto(place, step, context) ?? throughProfiles(place, step, context);
	}
	return place;
}

function stepInto({ node, structure }: Place, { kind, name }: Step, context: ProfileContext): Place | undefined {
	if (kind === 'ofType') return { node, structure };
	if (kind === 'extension') {
		const found = childNamed(node, 'extension')?.slices.find(({ facts }) => facts.types?.some(({ profiles }) => profiles?.includes(name)));
		return found === undefined ? undefined : { node: found, structure };
	}
	if (kind === 'resolve') {
		const targets = node.facts.types?.flatMap((type) => type.targets ?? []) ?? [];
		const found = targets.length === 1 ? context.definitions.structure(targets[0] as string) : undefined;
		const root: ProfileNode = found === undefined ? { facts: node.facts, children: [], slices: [] } : treeOf(found);
		// The types of a reference's targets stand for the resource that it leads to.
		return { node: { ...root, facts: typedAs(root.facts, targets, context) }, structure: found ?? structure };
	}
	const child = childNamed(node, name);
	return child === undefined ? undefined : { node: child, structure };
}

function typedAs(facts: ElementFacts, targets: readonly string[], { definitions }: ProfileContext): ElementFacts {
	return { ...facts, types: targets.map((url) => ({ code: definitions.structure(url)?.type ?? 'Resource', profiles: [url] })) };
}

/** The step in the profiles that the element's types have; of an extension that is not known, its url. */
function throughProfiles({ node, structure }: Place, step: Step, context: ProfileContext): Place | undefined {
	for (const { code, profiles } of node.facts.types ?? []) {
		for (const url of profiles ?? []) {
			const found = context.definitions.structure(url);
			if (found !== undefined) return stepInto({ node: treeOf(found), structure: found }, step, context);
			if (code === 'Extension' && step.name === 'url')
				return { node: { facts: { path: 'Extension.url', min: 1, max: 1, fixed: url }, children: [], slices: [] }, structure };
		}
	}
	return undefined;
}

function testOf(type: string, { node, structure }: Place, context: ProfileContext): SliceTest | undefined {
	switch (type) {
		case 'value':
		case 'pattern': {
			const test = contentTest(node, structure, context);
			return test === undefined ? undefined : ({ value }) => (value === unknownResource ? undefined : test(value));
		}
		case 'exists':
			return node.facts.max === 0 || node.facts.min > 0
				? ({ value, sibling }) => (value === undefined && sibling === undefined) === (node.facts.max === 0)
				: undefined;
		case 'type':
			return typeTest(node.facts);
		case 'profile':
			return profileTest(node.facts, context);
		default:
			return undefined;
	}
}

/** What a node fixes of its content: its own value, or those of the elements below it. */
function contentTest(
	node: ProfileNode,
	structure: StructureFacts,
	context: ProfileContext,
): ((value: unknown) => boolean | undefined) | undefined {
	const { fixed, pattern, binding, types } = node.facts;
	if (fixed !== undefined) return fixedTest(fixed);
	if (pattern !== undefined) return patternTest(pattern);
	const below = node.children.flatMap((child) => {
		const test = contentTest(child, structure, context);
		return test === undefined ? [] : [childTest(child.facts, test)];
	});
	if (below.length > 0) return (value) => below.every((test) => test(value));
	const type = types?.[0]?.code;
	return binding?.strength === 'required' && type !== undefined
		? bindingTest(context.definitions, versioned(binding.valueSet, structure), type)
		: undefined;
}

function childTest(facts: ElementFacts, test: (value: unknown) => boolean | undefined): ValueTest {
	const names = isChoice(facts) ? (facts.types ?? []).map(({ code }) => nameOf(facts.path) + suffixOf(code)) : [nameOf(facts.path)];
	return (value) => {
		if (!isObject(value)) return false;
		return names.some((name) => {
			const held = Object.hasOwn(value, name) ? value[name] : undefined;
			return Array.isArray(held) ? held.some((one) => test(one) !== false) : held !== undefined && test(held) !== false;
		});
	};
}

function typeTest({ types }: ElementFacts): SliceTest | undefined {
	if (types === undefined) return undefined;
	const codes = types.map(({ code }) => code);
	return ({ value, type }) => {
		if (isObject(value) && typeof value.resourceType === 'string') return codes.includes(value.resourceType) || codes.includes('Resource');
		return type === undefined ? undefined : codes.includes(type);
	};
}

function profileTest({ types = [] }: ElementFacts, { runtime }: ProfileContext): SliceTest | undefined {
	const urls = types.flatMap(({ profiles }) => profiles ?? []);
	if (urls.length === 0) return undefined;
	const profiles = urls.map((url) => runtime.profile(url));
	return ({ value, sibling }, findings) => {
		if (value === unknownResource) return undefined;
		let result: boolean | undefined = false;
		for (const profile of profiles) {
			const conforms = runtime.conforms(findings, profile, value, sibling);
			if (conforms === true) return true;
			if (conforms === undefined) result = undefined;
		}
		return result;
	};
}

/** The items at the end of a path; undefined when the path leads to something that is not here. */
function select(item: Item, steps: readonly Step[], findings: Findings): Item[] | undefined {
	let items: Item[] = [item];
	for (const { kind, name } of steps) {
		if (items.some(({ value }) => value === unknownResource)) return undefined;
		if (kind === 'resolve') {
			const resolved: Item[] = [];
			for (const one of items) {
				const found = resolvedItem(one, findings);
				if (found === undefined) return undefined;
				resolved.push(found);
			}
			items = resolved;
		} else if (kind === 'ofType') items = items.filter(({ type }) => type === undefined || type === name);
		else if (kind === 'extension')
			items = items.flatMap((one) => childItems(one, 'extension')).filter(({ value }) => isObject(value) && value.url === name);
		else items = items.flatMap((one) => childItems(one, name));
	}
	return items;
}

/** The resource a reference leads to, or what little the reference tells of it: its type. */
function resolvedItem({ value }: Item, findings: Findings): Item | undefined {
	if (!isObject(value)) return undefined;
	const reference = typeof value.reference === 'string' ? value.reference : undefined;
	const found = reference === undefined ? undefined : findings.scope.resolve(reference);
	if (found !== undefined) return { value: found, sibling: undefined, type: String(found.resourceType) };
	const type =
		typeof value.type === 'string'
			? value.type.slice(value.type.lastIndexOf('/') + 1)
			: reference === undefined
				? undefined
				: typeInReference(reference);
	return type === undefined ? undefined : { value: unknownResource, sibling: undefined, type };
}

const unknownResource = Symbol('a resource that is not here');

function childItems({ value, sibling }: Item, name: string): Item[] {
	const holder = isObject(value) ? value : isObject(sibling) ? sibling : undefined;
	if (holder === undefined) return [];
	if (Object.hasOwn(holder, name) || Object.hasOwn(holder, `_${name}`)) return itemsOf(holder[name], holder[`_${name}`], undefined);
	// A choice element: the one member whose name goes on with a type.
	for (const member of Object.keys(holder)) {
		const bare = member.startsWith('_') ? member.slice(1) : member;
		if (bare.length > name.length && bare.startsWith(name) && /^[A-Z]/.test(bare.slice(name.length)))
			return itemsOf(holder[bare], holder[`_${bare}`], typeOfSuffix(bare.slice(name.length)));
	}
	return [];
}

function typeOfSuffix(suffix: string): string {
	const lower = (suffix[0] as string).toLowerCase() + suffix.slice(1);
	return isPrimitiveType(lower) ? lower : suffix;
}

function itemsOf(value: unknown, sibling: unknown, type: string | undefined): Item[] {
	if (!Array.isArray(value) && !Array.isArray(sibling))
		return value === undefined && sibling === undefined ? [] : [{ value, sibling, type }];
	const values = Array.isArray(value) ? value : [];
	const siblings = Array.isArray(sibling) ? sibling : [];
	return Array.from({ length: Math.max(values.length, siblings.length) }, (_, i) => ({ value: values[i], sibling: siblings[i], type }));
}
