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

/** Which elements of a list are asked for. */
export type Pick = {
	readonly from: number;
	readonly count: number;
	readonly fhirpath: string | undefined;
	/** Simple elements with the values that they may have. */
	readonly values: readonly (readonly [name: string, wanted: ReadonlySet<string>])[];
};

/** What the arguments of a field of a type with elements ask for. Throws Problem invalid for those that there are not. */
export function pickOf(definitions: Definitions, node: FieldNode, type: string, variables: Variables): Pick {
	let from = 0;
	let count = Number.POSITIVE_INFINITY;
	let fhirpath: string | undefined;
	const values: [string, Set<string>][] = [];
	for (const [name, value] of argumentsOf(node, variables)) {
		if (name === '_offset') from = wholeNumber(node, name, value);
		else if (name === '_count') count = wholeNumber(node, name, value);
		else if (name === 'fhirpath') fhirpath = textOf(node, name, value);
		else values.push([simpleElement(definitions, node, type, name), new Set((Array.isArray(value) ? value : [value]).map(String))]);
	}
	if (fhirpath !== undefined) compiled(node, fhirpath);
	return { from, count, fhirpath, values };
}

function simpleElement(definitions: Definitions, node: FieldNode, type: string, name: string): string {
	const field = fieldOf(definitions, type, name);
	if (field === undefined || !isLeaf(field.type))
		throw invalid(node, `"${name}" cannot be an argument here: ${type} has no simple element of that name.`);
	return name;
}

/** The elements of a field that its arguments ask for. */
export function narrowed(
	definitions: Definitions,
	node: FieldNode,
	type: string,
	items: readonly unknown[],
	variables: Variables,
): readonly unknown[] {
	if (node.arguments === undefined || node.arguments.length === 0) return items;
	const { from, count, fhirpath, values } = pickOf(definitions, node, type, variables);
	const kept = items.filter((item) => values.every(([name, wanted]) => holds((item as Record<string, unknown> | null)?.[name], wanted)));
	return (fhirpath === undefined ? kept : fitting(node, fhirpath, kept)).slice(from, from + count);
}

function holds(value: unknown, wanted: ReadonlySet<string>): boolean {
	return (Array.isArray(value) ? value : [value]).some((one) => one !== undefined && one !== null && wanted.has(String(one)));
}

/** The items for which the expression is true; `$index` is their place in the list. */
export function fitting<T>(node: FieldNode, expression: string, items: readonly T[]): readonly T[] {
	compiled(node, expression);
	const places = compiled(node, `select(iif(${expression}, $index))`)([...items]);
	const wanted = new Set(places.map(Number));
	return items.filter((_, index) => wanted.has(index));
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
