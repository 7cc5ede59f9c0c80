// The types that GraphQL clients are told of, each worked out when it is asked for. Told is less than is understood where all of it would
// be too much: arguments that pick elements only on lists and without choices, and within a resource only the general arguments of the
// searches for what refers to it.
import type { Fhir } from '#fhir/ctx.ts';
import { connectionOf, type Field, fieldsOf, isLeaf, nameOf, typeNamed } from './fields.ts';

/** A type as a field or argument names it. */
export type Ref = string | { readonly list: Ref } | { readonly required: Ref };
export type Arg = { readonly name: string; readonly type: Ref };
export type Told = { readonly name: string; readonly type: Ref; readonly args: readonly Arg[] };
export type Kind = 'OBJECT' | 'INTERFACE' | 'SCALAR';

export type Schema = {
	/** Every type there is. */
	readonly names: () => string[];
	/** undefined: there is no type of that name. */
	readonly kindOf: (name: string) => Kind | undefined;
	/** The fields of an object or interface. */
	readonly fields: (name: string) => readonly Told[];
	/** What implements the interface Resource. */
	readonly resourceTypes: readonly string[];
};

/** What every query starts from. */
export const queryType = 'QueryType';

const scalars: Readonly<Record<string, string>> = { string: 'String', boolean: 'Boolean', integer: 'Int', id: 'ID' };
const graphScalars: readonly string[] = Object.values(scalars);
/** Types of arguments that are search parameters. */
const searchScalars: readonly string[] = ['token', 'reference', 'composite', 'quantity', 'number', 'special'];

/** The schema of an installation. Keeps nothing but what one look at it needs. */
export function createSchema(fhir: Fhir): Schema {
	const { definitions } = fhir;
	const { resourceTypes } = definitions;
	const referring = referringTypes(fhir);
	const kinds = new Map<string, Kind | undefined>();
	const kindFound = (name: string): Kind | undefined => {
		if (name === 'Resource') return 'INTERFACE';
		if (graphScalars.includes(name) || searchScalars.includes(name)) return 'SCALAR';
		if (isLeaf(name)) return definitions.structure(name)?.kind === 'primitive-type' && scalars[name] === undefined ? 'SCALAR' : undefined;
		const known = name === queryType || searchedBy(fhir, name) !== undefined || typeNamed(definitions, name) !== undefined;
		return known ? 'OBJECT' : undefined;
	};
	const kindOf = (name: string): Kind | undefined => {
		if (!kinds.has(name)) kinds.set(name, kindFound(name));
		return kinds.get(name);
	};
	const fields = (name: string): readonly Told[] => {
		if (name === queryType) return resourceTypes.flatMap((type) => systemFields(fhir, type));
		const searched = searchedBy(fhir, name);
		if (searched !== undefined) return name.endsWith('Edge') ? edgeFields(searched) : connectionFields(searched);
		const type = typeNamed(definitions, name);
		if (type === undefined) return [];
		if (type === 'Reference') return [...elementFields(fhir, type), resolved];
		if (type !== 'Resource' && !definitions.isResourceType(type)) return elementFields(fhir, type);
		const reverse = (referring.get(type) ?? []).flatMap((source) =>
			searches(source, [{ name: '_reference', type: { required: 'code' } }, ...general], []),
		);
		return [{ name: 'resourceType', type: 'code', args: [] }, ...elementFields(fhir, type), ...reverse];
	};
	return { names: () => allNames([queryType, 'Resource', ...graphScalars], fields), kindOf, fields, resourceTypes };
}

/** By resource type, the types that may refer to it. */
function referringTypes({ definitions: { resourceTypes }, registry }: Fhir): Map<string, string[]> {
	const referring = new Map<string, string[]>(resourceTypes.map((type) => [type, []]));
	for (const source of resourceTypes) {
		const params = [...registry.params(source).values()].filter(({ type }) => type === 'reference');
		const targets = new Set(params.flatMap(({ targets: some }) => (some.length > 0 ? some : resourceTypes)));
		for (const target of targets) referring.get(target)?.push(source);
	}
	return referring;
}

/** The resource type of a Connection or Edge. */
function searchedBy({ definitions }: Fhir, name: string): string | undefined {
	const type = /^(.+)(Connection|Edge)$/.exec(name)?.[1];
	return type !== undefined && definitions.isResourceType(type) ? type : undefined;
}

function elementFields({ definitions }: Fhir, of: string): Told[] {
	return fieldsOf(definitions, of).flatMap(([name, field]) => {
		if (!isLeaf(field.type))
			return [{ name, type: refOf(field), args: field.list && field.type !== 'Resource' ? pickingArgs(definitions, field.type) : [] }];
		const told: Told = { name, type: refOf(field), args: [] };
		const extended: Told = { name: `_${name}`, type: refOf({ type: 'Element', list: field.list }), args: [] };
		return field.type === 'xhtml' || name === 'id' ? [told] : [told, extended];
	});
}

function refOf({ type, list }: Field): Ref {
	const name = isLeaf(type) ? scalarOf(type) : nameOf(type);
	return list ? { list: name } : name;
}

function scalarOf(type: string): string {
	return scalars[type] ?? type;
}

function pickingArgs(definitions: Fhir['definitions'], type: string): Arg[] {
	const simple = fieldsOf(definitions, type).filter(
		([name, field]) => isLeaf(field.type) && field.type !== 'xhtml' && definitions.elementInfo(type, name) !== undefined,
	);
	return [
		{ name: 'fhirpath', type: 'String' },
		{ name: '_count', type: 'Int' },
		{ name: '_offset', type: 'Int' },
		...simple.map(([name, field]) => ({ name, type: { list: scalarOf(field.type) } })),
	];
}

const general: readonly Arg[] = [
	{ name: '_count', type: 'Int' },
	{ name: '_sort', type: 'String' },
	{ name: 'fhirpath', type: 'String' },
];

const resolved: Told = {
	name: 'resource',
	type: 'Resource',
	args: [
		{ name: 'optional', type: 'Boolean' },
		{ name: 'type', type: 'code' },
	],
};

function systemFields({ registry }: Fhir, type: string): Told[] {
	const params = [...registry.params(type).values()].map(({ code, type: kind }) => ({
		name: code.replaceAll('-', '_'),
		type: { list: kind === 'string' ? 'String' : kind },
	}));
	const special = ['_text', '_content', '_list'].map((name) => ({ name, type: 'String' }));
	const read: Told = { name: type, type, args: [{ name: 'id', type: { required: 'ID' } }] };
	return [read, ...searches(type, [...params, ...special, ...general], [{ name: 'cursor', type: 'ID' }])];
}

function searches(type: string, args: readonly Arg[], more: readonly Arg[]): Told[] {
	return [
		{ name: `${type}List`, type: { list: type }, args },
		{ name: connectionOf(type), type: connectionOf(type), args: [...args, ...more] },
	];
}

function connectionFields(type: string): Told[] {
	const simple: readonly (readonly [string, string])[] = [
		['count', 'Int'],
		['offset', 'Int'],
		['pagesize', 'Int'],
		['first', 'ID'],
		['previous', 'ID'],
		['next', 'ID'],
		['last', 'ID'],
	];
	return [...simple.map(([name, of]) => ({ name, type: of, args: [] })), { name: 'edges', type: { list: `${type}Edge` }, args: [] }];
}

function edgeFields(type: string): Told[] {
	return [
		{ name: 'mode', type: 'code', args: [] },
		{ name: 'score', type: 'decimal', args: [] },
		{ name: 'resource', type, args: [] },
	];
}

/** Every type that these lead to. */
function allNames(start: readonly string[], fields: (name: string) => readonly Told[]): string[] {
	const names = new Set<string>(start);
	const nameIn = (ref: Ref): string => (typeof ref === 'string' ? ref : nameIn('list' in ref ? ref.list : ref.required));
	for (const name of names) {
		if (isLeaf(name)) continue;
		for (const { type, args } of fields(name)) {
			names.add(nameIn(type));
			for (const arg of args) names.add(nameIn(arg.type));
		}
	}
	return [...names];
}
