// @first, @flatten, @singleton and @slice (https://hl7.org/fhir/R4/graphql.html#flattening), and the arguments that pick elements of a
// list (https://hl7.org/fhir/R4/graphql.html#list).
import type { FieldNode } from 'graphql';
import { Problem } from '#base/problem.ts';
import type { Definitions } from '#fhir/definitions/definitions.ts';
import { type CompiledPath, compilePath } from '#fhir/path/compile.ts';
import { fieldOf, isLeaf } from './fields.ts';
import { invalid } from './problems.ts';
import { argumentsOf, type Value, type Variables } from './values.ts';

export type Flags = { readonly flatten: boolean; readonly first: boolean; readonly single: boolean; readonly slice: string | undefined };

/** What the directives of a field say. */
export function flagsOf(node: FieldNode, variables: Variables): Flags {
	const named = (name: string) => node.directives?.find((one) => one.name.value === name);
	const slice = named('slice');
	const given = slice === undefined ? undefined : argumentsOf(slice, variables);
	const path = given?.get('path') ?? given?.get('fhirpath');
	if (slice !== undefined && typeof path !== 'string') throw invalid(slice, '@slice needs "path", a FHIRPath expression.');
	return {
		flatten: named('flatten') !== undefined,
		first: named('first') !== undefined,
		single: named('singleton') !== undefined,
		slice: path as string | undefined,
	};
}

const maxExpression = 1000;

/** Compiled once for a field, however many items it has. */
const known = new WeakMap<FieldNode, Map<string, CompiledPath>>();

/** Compiles a client's expression. Throws Problem invalid `graphql-invalid` for what is no FHIRPath. */
export function compiled(node: FieldNode, expression: string): CompiledPath {
	const paths = known.get(node) ?? new Map<string, CompiledPath>();
	known.set(node, paths);
	const path = paths.get(expression) ?? newlyCompiled(node, expression);
	paths.set(expression, path);
	return path;
}

function newlyCompiled(node: FieldNode, expression: string): CompiledPath {
	if (expression.length > maxExpression) throw invalid(node, `The FHIRPath expression is longer than ${maxExpression} characters.`);
	try {
		return compilePath(expression);
	} catch (error) {
		throw error instanceof Problem ? invalid(node, error.text) : error;
	}
}

/** What @slice adds to the name for an element. */
export function sliceName(node: FieldNode, path: string, item: unknown, index: number): string {
	if (path.trim() === '$index') return `.${index}`;
	const values = compiled(node, path)(item);
	return values.length === 0 ? '' : `.${values.map(String).join('.')}`;
}

/** Of the elements of a field, those that its arguments ask for. */
export function narrowed(
	definitions: Definitions,
	node: FieldNode,
	type: string,
	items: readonly unknown[],
	variables: Variables,
): readonly unknown[] {
	if (node.arguments === undefined || node.arguments.length === 0) return items;
	let kept = items;
	let from = 0;
	let count = Number.POSITIVE_INFINITY;
	for (const [name, value] of argumentsOf(node, variables)) {
		if (name === '_offset') from = wholeNumber(node, name, value);
		else if (name === '_count') count = wholeNumber(node, name, value);
		else if (name === 'fhirpath') kept = fitting(node, textOf(node, name, value), kept);
		else kept = withValue(definitions, node, type, name, value, kept);
	}
	return from === 0 && count === Number.POSITIVE_INFINITY ? kept : kept.slice(from, from + count);
}

/** The items for which the expression is true; `$index` is their place in the list. */
export function fitting<T>(node: FieldNode, expression: string, items: readonly T[]): readonly T[] {
	compiled(node, expression);
	const places = compiled(node, `select(iif(${expression}, $index))`)([...items]);
	const wanted = new Set(places.map(Number));
	return items.filter((_, index) => wanted.has(index));
}

function withValue(
	definitions: Definitions,
	node: FieldNode,
	type: string,
	name: string,
	value: Value,
	items: readonly unknown[],
): readonly unknown[] {
	const field = fieldOf(definitions, type, name);
	if (field === undefined || !isLeaf(field.type))
		throw invalid(node, `"${name}" cannot be an argument here: ${type} has no simple element of that name.`);
	const wanted = new Set((Array.isArray(value) ? value : [value]).map(String));
	return items.filter((item) => {
		const held = (item as Record<string, unknown> | null)?.[name];
		return (Array.isArray(held) ? held : [held]).some((one) => one !== undefined && one !== null && wanted.has(String(one)));
	});
}

/** A number that counts. Throws Problem invalid for anything else. */
export function wholeNumber(node: FieldNode, name: string, value: Value): number {
	if (typeof value !== 'string' || !/^\d{1,9}$/.test(value)) throw invalid(node, `"${name}" must be a whole number.`);
	return Number(value);
}

/** A text. Throws Problem invalid for anything else. */
export function textOf(node: FieldNode, name: string, value: Value): string {
	if (typeof value !== 'string') throw invalid(node, `"${name}" must be a text.`);
	return value;
}
