// Arguments and variables. FHIR's arguments are scalars or lists of them, and are used as text: a number stays as it was written.
import type { ArgumentNode, DirectiveNode, FieldNode, OperationDefinitionNode, TypeNode, ValueNode } from 'graphql';
import { invalid } from './problems.ts';

export type Scalar = string | boolean;
export type Value = Scalar | readonly Scalar[] | null;
export type Variables = ReadonlyMap<string, Value | undefined>;

/** The value of an argument; undefined when it is a variable that was not given. Throws Problem invalid for objects. */
export function readValue(node: ValueNode, variables: Variables): Value | undefined {
	switch (node.kind) {
		case 'Variable':
			return variables.get(node.name.value);
		case 'NullValue':
			return null;
		case 'BooleanValue':
			return node.value;
		case 'ListValue':
			return node.values.flatMap((one) => {
				const value = readValue(one, variables);
				if (value !== null && typeof value === 'object') throw invalid(one, 'A list here may hold simple values only.');
				return value === null || value === undefined ? [] : [value];
			});
		case 'ObjectValue':
			throw invalid(node, 'An object cannot be the value of an argument here.');
		default:
			return node.value;
	}
}

/** The arguments that have a value. */
export function argumentsOf(node: FieldNode | DirectiveNode, variables: Variables): Map<string, Value> {
	const given = new Map<string, Value>();
	for (const one of (node.arguments ?? []) as readonly ArgumentNode[]) {
		const value = readValue(one.value, variables);
		if (value !== undefined && value !== null) given.set(one.name.value, value);
	}
	return given;
}

/** Whether @skip and @include let the selection be. */
export function isIncluded(node: { readonly directives?: readonly DirectiveNode[] | undefined }, variables: Variables): boolean {
	for (const directive of node.directives ?? []) {
		const name = directive.name.value;
		if (name !== 'skip' && name !== 'include') continue;
		const when = argumentsOf(directive, variables).get('if');
		if (typeof when !== 'boolean') throw invalid(directive, `@${name} needs "if" as true or false.`);
		if (when === (name === 'skip')) return false;
	}
	return true;
}

/** The variables of a request, checked against what the operation declares. Throws Problem invalid for one that is missing or does not fit. */
export function coerceVariables(operation: OperationDefinitionNode, given: Readonly<Record<string, unknown>>): Variables {
	const variables = new Map<string, Value | undefined>();
	for (const { variable, type, defaultValue } of operation.variableDefinitions ?? []) {
		const name = variable.name.value;
		const value = Object.hasOwn(given, name) ? given[name] : undefined;
		if (value === undefined && defaultValue !== undefined) {
			variables.set(name, readValue(defaultValue, new Map()));
			continue;
		}
		if ((value === undefined || value === null) && type.kind === 'NonNullType')
			throw invalid(variable, `The variable $${name} needs a value.`);
		const coerced = value === undefined ? undefined : fitted(value, type);
		if (value !== undefined && coerced === undefined) throw invalid(variable, `The value of $${name} is not what the operation declares.`);
		variables.set(name, coerced);
	}
	return variables;
}

/** undefined: it does not fit. */
function fitted(value: unknown, type: TypeNode): Value | undefined {
	if (type.kind === 'NonNullType') return value === null ? undefined : fitted(value, type.type);
	if (value === null) return null;
	if (type.kind === 'ListType') {
		const list = (Array.isArray(value) ? value : [value]).map((one) => fitted(one, type.type));
		return list.every((one) => typeof one === 'string' || typeof one === 'boolean') ? (list as Scalar[]) : undefined;
	}
	const name = type.name.value;
	if (typeof value === 'boolean') return name === 'String' || name === 'Int' || name === 'ID' ? undefined : value;
	if (name === 'Boolean') return undefined;
	if (typeof value === 'string') return name === 'Int' || name === 'Float' ? undefined : value;
	if (typeof value !== 'number' && !(value instanceof Number)) return undefined;
	return name === 'String' || (name === 'Int' && !Number.isInteger(Number(value))) ? undefined : String(value);
}
