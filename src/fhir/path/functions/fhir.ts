// What FHIR adds to the language (https://hl7.org/fhir/R4/fhirpath.html#functions).
import { flatMap, type Items, listOf, single } from '#fhir/path/items.ts';
import { readerOf } from '#fhir/path/navigate.ts';
import { booleanNode, type Node, node, type PathEnv, type Scope } from '#fhir/path/node.ts';
import { bare, holderOf, isComplex, Typed } from '#fhir/path/values.ts';
import { isXhtml } from '#fhir/validate/xhtml.ts';
import { argumentOf, type Call, type Make, ofItems, takes, testOfItems } from './call.ts';

function isValue(item: unknown): boolean {
	const value = bare(item);
	return value !== undefined && value !== null && !isComplex(value);
}

function hasValueNode({ input }: Call): Node {
	return booleanNode((self, scope) => {
		const items = input.run(self, scope);
		return Array.isArray(items) ? items.length === 1 && isValue(items[0]) : isValue(items);
	}, false);
}

function getValueNode({ input }: Call): Node {
	const { types } = input;
	return node(
		(self, scope) => {
			const item = single(input.run(self, scope));
			return isValue(item) ? bare(item) : undefined;
		},
		types,
		false,
	);
}

function extensionNode({ input, arg, model }: Call): Node {
	const url = argumentOf(arg(0));
	const extensions = readerOf(model, ['Extension'], 'extension').items;
	const run = (self: Items, scope: Scope): Items => {
		const wanted = url(self, scope);
		return flatMap(flatMap(input.run(self, scope), extensions), (extension) =>
			holderOf(extension)?.url === wanted ? extension : undefined,
		);
	};
	return node(run, ['Extension'], false);
}

/** Reference, canonical or uri → resource. Where it cannot be had the reference still tells its type, which is what most ask. */
function resolved(item: unknown, { env, start }: Scope): Items {
	const held = bare(item);
	const reference = isComplex(held) ? held.reference : held;
	if (typeof reference !== 'string') return undefined;
	if (reference.startsWith('#')) return contained(env, start, reference.slice(1));
	const found = env.resolve?.(reference);
	if (found !== undefined && found !== null) return found;
	const named = isComplex(held) && typeof held.type === 'string' ? held.type : undefined;
	const type = typeOfReference.exec(reference)?.[1] ?? named;
	return type === undefined ? undefined : { resourceType: type };
}

const typeOfReference = /(?:^|\/)([A-Z][A-Za-z]+)\/[A-Za-z0-9.-]{1,64}(?:\/_history\/[A-Za-z0-9.-]{1,64})?$/;

function contained(env: PathEnv, start: Items, id: string): Items {
	const resource = env.resource ?? start;
	const roots = [env.rootResource, resource].filter(isComplex);
	if (id === '') return roots[0];
	for (const { contained: inside } of roots) {
		const found = listOf(inside).find((one) => isComplex(one) && one.id === id);
		if (found !== undefined) return found;
	}
	return undefined;
}

type Code = { readonly system: string | undefined; readonly code: string };

/** The codes of a code, Coding or CodeableConcept. */
function codesOf(item: unknown): Code[] {
	const held = bare(item);
	if (typeof held === 'string') return [{ system: undefined, code: held }];
	if (!isComplex(held)) return [];
	if (Array.isArray(held.coding)) return held.coding.flatMap(codesOf);
	const { code, system } = held;
	return typeof code === 'string' ? [{ code, system: typeof system === 'string' ? system : undefined }] : [];
}

/** True when one answer is, unknown when one is, else false. */
function any(answers: readonly (boolean | undefined)[]): boolean | undefined {
	return answers.includes(true) ? true : answers.includes(undefined) ? undefined : false;
}

function memberOfNode({ input, arg }: Call): Node {
	const url = argumentOf(arg(0));
	return booleanNode((self, scope) => {
		const item = single(input.run(self, scope));
		const valueSet = url(self, scope);
		if (item === undefined || typeof valueSet !== 'string') return undefined;
		return any(codesOf(item).map(({ system, code }) => scope.env.memberOf?.(valueSet, system, code)));
	}, false);
}

/** Whether `above` is one of the codes below it, or one of them. */
function subsumes(env: PathEnv, above: unknown, below: unknown): boolean | undefined {
	return any(codesOf(above).flatMap((one) => codesOf(below).map((other) => subsumesCode(env, one, other))));
}

function subsumesCode(env: PathEnv, above: Code, below: Code): boolean | undefined {
	if (above.system !== below.system) return false;
	if (above.code === below.code) return true;
	return above.system === undefined ? undefined : env.subsumes?.(above.system, above.code, below.code);
}

function subsumption(turned: boolean): Make {
	return takes(1, ({ input, arg }) => {
		const other = arg(0) as Node;
		return booleanNode((self, scope) => {
			const [one, two] = [single(input.run(self, scope)), single(other.run(self, scope))];
			if (one === undefined || two === undefined) return undefined;
			return turned ? subsumes(scope.env, two, one) : subsumes(scope.env, one, two);
		}, false);
	});
}

const core = 'http://hl7.org/fhir/StructureDefinition/';

function conformsToNode({ input, arg }: Call): Node {
	const url = argumentOf(arg(0));
	return booleanNode((self, scope) => {
		const item = single(input.run(self, scope));
		const profile = url(self, scope);
		if (item === undefined || typeof profile !== 'string') return undefined;
		const answer = scope.env.conformsTo?.(bare(item), profile);
		// A resource that is stored conforms to the definition of its type.
		const type = holderOf(item)?.resourceType;
		return answer ?? (typeof type === 'string' && profile === core + type ? true : undefined);
	}, false);
}

function elementDefinitionNode({ input }: Call): Node {
	return node(
		(self, scope) => flatMap(input.run(self, scope), (item) => (scope.env.elementDefinition?.(bare(item)) ?? undefined) as Items),
		['ElementDefinition'],
		false,
	);
}

function sliceNode({ input, arg }: Call): Node {
	const [structure, name] = [argumentOf(arg(0)), argumentOf(arg(1))];
	const run = (self: Items, scope: Scope): Items => {
		const [url, slice] = [structure(self, scope), name(self, scope)];
		if (typeof url !== 'string' || typeof slice !== 'string') return undefined;
		return flatMap(input.run(self, scope), (item) => (scope.env.inSlice?.(bare(item), url, slice) === true ? item : undefined));
	};
	return node(run, input.types, false);
}

/** The input when no item has a modifier extension that is not among those named; an error there, nothing here. */
function checkModifiersNode({ input, arg, count }: Call): Node {
	const names = Array.from({ length: count }, (_, i) => argumentOf(arg(i)));
	const run = (self: Items, scope: Scope): Items => {
		const known = new Set(names.flatMap((name) => String(name(self, scope) ?? '').split(',')));
		const items = input.run(self, scope);
		const understood = (item: unknown): boolean =>
			listOf(holderOf(item)?.modifierExtension).every((extension) => known.has(String(holderOf(extension)?.url)));
		return listOf(items).every(understood) ? items : undefined;
	};
	return node(run, input.types, false);
}

export const fhirFunctions: Readonly<Record<string, Make>> = {
	hasValue: takes(0, hasValueNode),
	getValue: takes(0, getValueNode),
	extension: takes(1, extensionNode),
	resolve: ofItems((items, scope) => flatMap(items, (item) => resolved(item, scope)), ['Resource']),
	memberOf: takes(1, memberOfNode),
	subsumes: subsumption(false),
	subsumedBy: subsumption(true),
	conformsTo: takes(1, conformsToNode),
	htmlChecks: testOfItems((items) => {
		const item = single(items);
		const text = bare(item);
		return typeof text === 'string' ? isXhtml(text) : item instanceof Typed || item === undefined ? undefined : false;
	}),
	elementDefinition: takes(0, elementDefinitionNode),
	slice: takes(2, sliceNode),
	checkModifiers: takes(0, checkModifiersNode, 20),
};
