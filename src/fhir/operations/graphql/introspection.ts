// __schema and __type (https://spec.graphql.org/October2021/#sec-Introspection): the types are described when they are asked for, so that
// no schema is kept in memory. Within a resource the searches for what refers to it are told with their general arguments only.
import { setImmediate as turn } from 'node:timers/promises';
import type { FieldNode, SelectionSetNode } from 'graphql';
import type { Fhir } from '#fhir/ctx.ts';
import { connectionOf, type Field, fieldsOf, isLeaf, nameOf, typeNamed } from './fields.ts';
import { invalid, tooCostly } from './problems.ts';
import { argumentsOf, type Value } from './values.ts';

/** An object of introspection: its type, and its fields as they are asked for; undefined for a field that there is none of. */
type Shape = { readonly is: string; readonly get: (name: string, given: ReadonlyMap<string, Value>) => unknown };

type Collect = (type: string, sets: readonly SelectionSetNode[]) => Map<string, FieldNode[]>;

/** A type as a field or argument names it. */
type Ref = string | { readonly list: Ref } | { readonly required: Ref };

type Arg = { readonly name: string; readonly type: Ref };
type Told = { readonly name: string; readonly type: Ref; readonly args: readonly Arg[] };

const maxSteps = 20_000_000;

/** What `__schema` or `__type(name:)` selects. */
export function introspect(
	fhir: Fhir,
	name: string,
	given: ReadonlyMap<string, Value>,
	collect: Collect,
): (sets: readonly SelectionSetNode[], at: FieldNode) => Promise<unknown> {
	let steps = 0;
	const select = async (shape: Shape, sets: readonly SelectionSetNode[]): Promise<object> => {
		const object: Record<string, unknown> = Object.create(null);
		for (const [key, fields] of collect(shape.is, sets)) {
			const [node] = fields as [FieldNode];
			if (++steps > maxSteps) throw tooCostly('The query makes too large an answer.');
			const inner = fields.flatMap(({ selectionSet }) => (selectionSet === undefined ? [] : [selectionSet]));
			const value = node.name.value === '__typename' ? shape.is : shape.get(node.name.value, argumentsOf(node, noVariables));
			if (value === undefined) throw invalid(node, `${shape.is} has no field "${node.name.value}".`);
			object[key] = await shown(value, inner);
		}
		return object;
	};
	const shown = async (value: unknown, sets: readonly SelectionSetNode[]): Promise<unknown> => {
		if (Array.isArray(value)) {
			const list: unknown[] = [];
			for (const [index, one] of value.entries()) {
				// A long description lets other requests have their turn.
				if (index % 10 === 9) await turn();
				list.push(await shown(one, sets));
			}
			return list;
		}
		return isShape(value) ? select(value, sets) : value;
	};
	return async (sets, at) => {
		if (sets.length === 0) throw invalid(at, `"${name}" has fields: say which of them you want.`);
		const schema = createSchema(fhir);
		if (name === '__schema') return shown(schema.shape, sets);
		const wanted = given.get('name');
		if (typeof wanted !== 'string') throw invalid(at, '__type needs a name.');
		return shown(schema.type(wanted) ?? null, sets);
	};
}

const noVariables = new Map<string, Value>();

function isShape(value: unknown): value is Shape {
	return value !== null && typeof value === 'object' && 'is' in value;
}

/** An object whose fields are fixed, or worked out when asked for. */
function shapeOf(is: string, fields: Readonly<Record<string, unknown>>): Shape {
	return {
		is,
		get: (name, given) => {
			if (!Object.hasOwn(fields, name)) return undefined;
			const value = fields[name];
			return typeof value === 'function' ? (value as (given: ReadonlyMap<string, Value>) => unknown)(given) : value;
		},
	};
}

const scalars: Readonly<Record<string, string>> = { string: 'String', boolean: 'Boolean', integer: 'Int', id: 'ID' };
const graphScalars = ['String', 'Boolean', 'Int', 'ID'];

function scalarOf(type: string): string {
	return scalars[type] ?? type;
}

/** Types of arguments that are search parameters. */
const searchScalars = ['token', 'reference', 'composite', 'quantity', 'number', 'special'];

function createSchema(fhir: Fhir): { readonly shape: Shape; readonly type: (name: string) => Shape | undefined } {
	const { definitions, registry } = fhir;
	const { resourceTypes } = definitions;
	const referring = new Map<string, string[]>(resourceTypes.map((type) => [type, []]));
	for (const source of resourceTypes) {
		const targets = new Set(
			[...registry.params(source).values()].flatMap((param) =>
				param.type !== 'reference' ? [] : param.targets.length > 0 ? param.targets : resourceTypes,
			),
		);
		for (const target of targets) referring.get(target)?.push(source);
	}

	const ofField = (field: Field): Ref => {
		const name = isLeaf(field.type) ? scalarOf(field.type) : nameOf(field.type);
		return field.list ? { list: name } : name;
	};
	const picking = (type: string): Arg[] => [
		{ name: 'fhirpath', type: 'String' },
		{ name: '_count', type: 'Int' },
		{ name: '_offset', type: 'Int' },
		...fieldsOf(definitions, type)
			.filter(([, { type: inner }]) => isLeaf(inner) && inner !== 'xhtml')
			.map(([name, { type: inner }]) => ({ name, type: { list: scalarOf(inner) } })),
	];
	const remembered = new Map<string, Arg[]>();
	const pickingOf = (type: string): Arg[] => {
		const known = remembered.get(type) ?? picking(type);
		remembered.set(type, known);
		return known;
	};
	const elements = (type: string): Told[] =>
		fieldsOf(definitions, type).flatMap(([name, field]) => {
			const told: Told = { name, type: ofField(field), args: isLeaf(field.type) || field.type === 'Resource' ? [] : pickingOf(field.type) };
			const extended = isLeaf(field.type) && field.type !== 'xhtml' && name !== 'id';
			return extended
				? [told, { name: `_${name}`, type: ofField({ type: 'Element', list: field.list }), args: pickingOf('Element') }]
				: [told];
		});
	const general: Arg[] = [
		{ name: '_count', type: 'Int' },
		{ name: '_sort', type: 'String' },
		{ name: 'fhirpath', type: 'String' },
	];
	const searching = (type: string): Arg[] => [
		...[...registry.params(type).values()].map(({ code, type: kind }) => ({
			name: code.replaceAll('-', '_'),
			type: { list: kind === 'string' ? 'String' : kind === 'uri' || kind === 'date' ? kind : kind },
		})),
		...['_text', '_content', '_list'].map((name) => ({ name, type: 'String' })),
		...general,
	];
	const cursor: Arg[] = [{ name: 'cursor', type: 'ID' }];
	const searches = (type: string, args: readonly Arg[], more: readonly Arg[]): Told[] => [
		{ name: `${type}List`, type: { list: type }, args },
		{ name: connectionOf(type), type: connectionOf(type), args: [...args, ...more] },
	];
	const queryFields = (): Told[] =>
		resourceTypes.flatMap((type) => [
			{ name: type, type, args: [{ name: 'id', type: { required: 'ID' } }] },
			...searches(type, searching(type), cursor),
		]);
	const resourceFields = (type: string): Told[] => [
		{ name: 'resourceType', type: 'code', args: [] },
		...elements(type),
		...(referring.get(type) ?? []).flatMap((source) =>
			searches(source, [{ name: '_reference', type: { required: 'code' } }, ...general], []),
		),
	];
	const fieldsNamed = (name: string): Told[] => {
		if (name === 'QueryType') return queryFields();
		if (name === 'Resource') return [{ name: 'resourceType', type: 'code', args: [] }, ...elements('Resource')];
		if (definitions.isResourceType(name)) return resourceFields(name);
		const searched = /^(.+)(Connection|Edge)$/.exec(name);
		if (searched?.[1] !== undefined && definitions.isResourceType(searched[1])) {
			return searched[2] === 'Edge' ? edgeFields(searched[1]) : connectionFields(searched[1]);
		}
		const type = typeNamed(definitions, name);
		if (type === undefined) return [];
		const resolved: Told = {
			name: 'resource',
			type: 'Resource',
			args: [
				{ name: 'optional', type: 'Boolean' },
				{ name: 'type', type: 'code' },
			],
		};
		return type === 'Reference' ? [...elements(type), resolved] : elements(type);
	};

	const refShape = (ref: Ref): Shape => {
		if (typeof ref === 'string') return type(ref) as Shape;
		const [kind, inner] = 'list' in ref ? ['LIST', ref.list] : ['NON_NULL', ref.required];
		return shapeOf('__Type', { ...bareType, kind, ofType: () => refShape(inner as Ref) });
	};
	const argShape = ({ name, type: of }: Arg): Shape =>
		shapeOf('__InputValue', {
			name,
			description: null,
			type: () => refShape(of),
			defaultValue: null,
			isDeprecated: false,
			deprecationReason: null,
		});
	const fieldShape = ({ name, type: of, args }: Told): Shape =>
		shapeOf('__Field', {
			name,
			description: null,
			args: () => args.map(argShape),
			type: () => refShape(of),
			isDeprecated: false,
			deprecationReason: null,
		});
	const kinds = new Map<string, 'OBJECT' | 'INTERFACE' | 'SCALAR' | undefined>();
	const kindOf = (name: string): 'OBJECT' | 'INTERFACE' | 'SCALAR' | undefined => {
		if (name === 'Resource') return 'INTERFACE';
		if (graphScalars.includes(name) || searchScalars.includes(name)) return 'SCALAR';
		if (isLeaf(name)) return definitions.structure(name)?.kind === 'primitive-type' && scalars[name] === undefined ? 'SCALAR' : undefined;
		if (name === 'QueryType' || definitions.isResourceType(name)) return 'OBJECT';
		const searched = /^(.+)(Connection|Edge)$/.exec(name)?.[1];
		if (searched !== undefined && definitions.isResourceType(searched)) return 'OBJECT';
		return typeNamed(definitions, name) === undefined ? undefined : 'OBJECT';
	};
	const type = (name: string): Shape | undefined => {
		const kind = kinds.has(name) ? kinds.get(name) : kindOf(name);
		kinds.set(name, kind);
		if (kind === undefined) return undefined;
		if (kind === 'SCALAR') return shapeOf('__Type', { ...bareType, kind, name });
		return shapeOf('__Type', {
			...bareType,
			kind,
			name,
			fields: () => fieldsNamed(name).map(fieldShape),
			interfaces: () => (definitions.isResourceType(name) ? [refShape('Resource')] : []),
			possibleTypes: () => (kind === 'INTERFACE' ? resourceTypes.map(refShape) : null),
		});
	};
	return {
		type,
		shape: shapeOf('__Schema', {
			description: null,
			types: () => allNames(['QueryType', 'Resource', ...graphScalars], fieldsNamed).flatMap((name) => type(name) ?? []),
			queryType: () => refShape('QueryType'),
			mutationType: null,
			subscriptionType: null,
			directives: () => directives.map((one) => directiveShape(one, argShape)),
		}),
	};
}

const bareType = {
	name: null,
	description: null,
	specifiedByURL: null,
	isOneOf: null,
	fields: null,
	interfaces: null,
	possibleTypes: null,
	enumValues: null,
	inputFields: null,
	ofType: null,
};

/** Every type that the named ones lead to. */
function allNames(start: readonly string[], fieldsNamed: (name: string) => readonly Told[]): string[] {
	const names = new Set<string>(start);
	const nameIn = (ref: Ref): string => (typeof ref === 'string' ? ref : nameIn('list' in ref ? ref.list : ref.required));
	for (const name of names) {
		if (isLeaf(name)) continue;
		for (const { type, args } of fieldsNamed(name)) {
			names.add(nameIn(type));
			for (const arg of args) names.add(nameIn(arg.type));
		}
	}
	return [...names];
}

function connectionFields(type: string): Told[] {
	const leaves: [string, string][] = [
		['count', 'Int'],
		['offset', 'Int'],
		['pagesize', 'Int'],
		['first', 'ID'],
		['previous', 'ID'],
		['next', 'ID'],
		['last', 'ID'],
	];
	return [...leaves.map(([name, of]) => ({ name, type: of, args: [] })), { name: 'edges', type: { list: `${type}Edge` }, args: [] }];
}

function edgeFields(type: string): Told[] {
	return [
		{ name: 'mode', type: 'code', args: [] },
		{ name: 'score', type: 'decimal', args: [] },
		{ name: 'resource', type, args: [] },
	];
}

type DirectiveTold = { readonly name: string; readonly locations: readonly string[]; readonly args: readonly Arg[] };

const anywhere = ['FIELD', 'FRAGMENT_SPREAD', 'INLINE_FRAGMENT'];
const condition: readonly Arg[] = [{ name: 'if', type: { required: 'Boolean' } }];
const directives: readonly DirectiveTold[] = [
	{ name: 'include', locations: anywhere, args: condition },
	{ name: 'skip', locations: anywhere, args: condition },
	{ name: 'flatten', locations: ['FIELD'], args: [] },
	{ name: 'first', locations: ['FIELD'], args: [] },
	{ name: 'singleton', locations: ['FIELD'], args: [] },
	{
		name: 'slice',
		locations: ['FIELD'],
		args: [
			{ name: 'path', type: 'String' },
			{ name: 'fhirpath', type: 'String' },
		],
	},
];

function directiveShape({ name, locations, args }: DirectiveTold, argShape: (arg: Arg) => Shape): Shape {
	return shapeOf('__Directive', { name, description: null, isRepeatable: false, locations, args: () => args.map(argShape) });
}
