// __schema and __type (https://spec.graphql.org/October2021/#sec-Introspection): what schema.ts tells, in the form that clients ask for.
import { setImmediate as turn } from 'node:timers/promises';
import type { FieldNode, SelectionSetNode } from 'graphql';
import type { Fhir } from '#fhir/ctx.ts';
import { setOwn } from './output.ts';
import { invalid, tooCostly } from './problems.ts';
import { type Arg, createSchema, queryType, type Ref, type Schema, type Told } from './schema.ts';
import type { Value } from './values.ts';

/** An object of introspection: its type, and its fields as they are asked for; undefined for a field that there is none of. */
type Shape = { readonly is: string; readonly get: (name: string) => unknown };

type Collect = (type: string, sets: readonly SelectionSetNode[]) => Map<string, FieldNode[]>;

const maxSteps = 20_000_000;

/** What `__schema` or `__type(name:)` selects. */
export function introspect(
	fhir: Fhir,
	name: string,
	given: ReadonlyMap<string, Value>,
	collect: Collect,
): (sets: readonly SelectionSetNode[], at: FieldNode) => Promise<unknown> {
	return async (sets, at) => {
		if (sets.length === 0) throw invalid(at, `"${name}" has fields: say which of them you want.`);
		const schema = createSchema(fhir);
		const show = createReader(collect);
		if (name === '__schema') return show(schemaShape(schema), sets);
		const wanted = given.get('name');
		if (typeof wanted !== 'string') throw invalid(at, '__type needs a name.');
		return show(typeShape(schema, wanted) ?? null, sets);
	};
}

/** Reads what is selected of shapes. */
function createReader(collect: Collect): (value: unknown, sets: readonly SelectionSetNode[]) => Promise<unknown> {
	let steps = 0;
	const select = async (shape: Shape, sets: readonly SelectionSetNode[]): Promise<object> => {
		const object: Record<string, unknown> = {};
		for (const [key, fields] of collect(shape.is, sets)) {
			const [node] = fields as [FieldNode];
			if (++steps > maxSteps) throw tooCostly('The query makes too large an answer.');
			const value = node.name.value === '__typename' ? shape.is : shape.get(node.name.value);
			if (value === undefined) throw invalid(node, `${shape.is} has no field "${node.name.value}".`);
			const inner = fields.flatMap(({ selectionSet }) => (selectionSet === undefined ? [] : [selectionSet]));
			setOwn(object, key, await show(value, inner));
		}
		return object;
	};
	const show = async (value: unknown, sets: readonly SelectionSetNode[]): Promise<unknown> => {
		if (!Array.isArray(value)) return isShape(value) ? select(value, sets) : value;
		const list: unknown[] = [];
		for (const [index, one] of value.entries()) {
			// A long description lets other requests have their turn.
			if (index % 10 === 9) await turn();
			list.push(await show(one, sets));
		}
		return list;
	};
	return show;
}

function isShape(value: unknown): value is Shape {
	return value !== null && typeof value === 'object' && 'is' in value;
}

/** An object whose fields are values, or functions that give them when they are asked for. */
function shapeOf(is: string, fields: Readonly<Record<string, unknown>>): Shape {
	return {
		is,
		get: (name) => {
			const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
			return typeof value === 'function' ? (value as () => unknown)() : value;
		},
	};
}

function schemaShape(schema: Schema): Shape {
	return shapeOf('__Schema', {
		description: null,
		types: () => schema.names().flatMap((name) => typeShape(schema, name) ?? []),
		queryType: () => refShape(schema, queryType),
		mutationType: null,
		subscriptionType: null,
		directives: () => directives.map((one) => directiveShape(schema, one)),
	});
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

function typeShape(schema: Schema, name: string): Shape | undefined {
	const kind = schema.kindOf(name);
	if (kind === undefined) return undefined;
	if (kind === 'SCALAR') return shapeOf('__Type', { ...bareType, kind, name });
	return shapeOf('__Type', {
		...bareType,
		kind,
		name,
		fields: () => schema.fields(name).map((field) => fieldShape(schema, field)),
		interfaces: () => (schema.resourceTypes.includes(name) ? [refShape(schema, 'Resource')] : []),
		possibleTypes: () => (kind === 'INTERFACE' ? schema.resourceTypes.map((type) => refShape(schema, type)) : null),
	});
}

function refShape(schema: Schema, ref: Ref): Shape {
	if (typeof ref === 'string') return typeShape(schema, ref) as Shape;
	const [kind, inner] = 'list' in ref ? ['LIST', ref.list] : ['NON_NULL', ref.required];
	return shapeOf('__Type', { ...bareType, kind, ofType: () => refShape(schema, inner as Ref) });
}

const current = { description: null, isDeprecated: false, deprecationReason: null };

function fieldShape(schema: Schema, { name, type, args }: Told): Shape {
	return shapeOf('__Field', { ...current, name, args: () => args.map((arg) => argShape(schema, arg)), type: () => refShape(schema, type) });
}

function argShape(schema: Schema, { name, type }: Arg): Shape {
	return shapeOf('__InputValue', { ...current, name, type: () => refShape(schema, type), defaultValue: null });
}

type Directive = { readonly name: string; readonly locations: readonly string[]; readonly args: readonly Arg[] };

const anywhere = ['FIELD', 'FRAGMENT_SPREAD', 'INLINE_FRAGMENT'];
const condition: readonly Arg[] = [{ name: 'if', type: { required: 'Boolean' } }];
const directives: readonly Directive[] = [
	{ name: 'include', locations: anywhere, args: condition },
	{ name: 'skip', locations: anywhere, args: condition },
	...['flatten', 'first', 'singleton'].map((name) => ({ name, locations: ['FIELD'], args: [] })),
	{
		name: 'slice',
		locations: ['FIELD'],
		args: [
			{ name: 'path', type: 'String' },
			{ name: 'fhirpath', type: 'String' },
		],
	},
];

function directiveShape(schema: Schema, { name, locations, args }: Directive): Shape {
	return shapeOf('__Directive', {
		name,
		description: null,
		isRepeatable: false,
		locations,
		args: () => args.map((arg) => argShape(schema, arg)),
	});
}
