// The arguments of a search field as search parameters, https://hl7.org/fhir/R4/graphql.html#searching
import type { FieldNode } from 'graphql';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Pair } from '#fhir/search/escape.ts';
import type { SearchParam } from '#fhir/search/registry.ts';
import { textOf, wholeNumber } from './directives.ts';
import { invalid, unsupported } from './problems.ts';
import { argumentsOf, type Value, type Variables } from './values.ts';

export type SearchArguments = {
	readonly pairs: readonly Pair[];
	readonly count: number | undefined;
	readonly fhirpath: string | undefined;
	readonly cursor: string | undefined;
	/** The parameter that refers to the resource around, of `_reference`. */
	readonly reference: SearchParam | undefined;
};

/** Parameters of every type that need no entry in the registry. */
const general: ReadonlySet<string> = new Set(['_sort', '_text', '_content', '_list', '_total']);
const refused: ReadonlySet<string> = new Set(['_filter', '_include', '_revinclude', '_contained', '_containedType', '_offset', '_query']);

/** Throws Problem invalid for arguments that are not known, `graphql-unsupported` for those that this server does nothing with. */
export function searchArguments(ctx: FhirCtx, node: FieldNode, type: string, variables: Variables): SearchArguments {
	const pairs: Pair[] = [];
	let count: number | undefined;
	const texts = new Map<string, string>();
	for (const [name, value] of argumentsOf(node, variables)) {
		if (name === '_count') count = wholeNumber(node, name, value);
		else if (name === 'fhirpath' || name === '_reference') texts.set(name, textOf(node, name, value));
		else if (name === 'cursor' || name === '_cursor') texts.set('cursor', textOf(node, name, value));
		else if (refused.has(name)) throw unsupported(node, `The argument "${name}" is not supported.`);
		else pairs.push([codeOf(ctx, node, type, name), searchValue(value)]);
	}
	const reference = texts.get('_reference');
	return {
		pairs,
		count,
		fhirpath: texts.get('fhirpath'),
		cursor: texts.get('cursor'),
		reference: reference === undefined ? undefined : referring(ctx, node, type, reference),
	};
}

/** A hyphen cannot be in a name of GraphQL, so an underscore stands for it. */
function codeOf(ctx: FhirCtx, node: FieldNode, type: string, name: string): string {
	if (general.has(name)) return name;
	const { registry } = ctx.fhir;
	const param = registry.param(type, name) ?? registry.param(type, name.replaceAll('_', '-'));
	if (param === undefined) throw invalid(node, `${type} has no search parameter "${name}".`);
	return param.code;
}

function referring(ctx: FhirCtx, node: FieldNode, type: string, name: string): SearchParam {
	const param = ctx.fhir.registry.param(type, codeOf(ctx, node, type, name));
	if (param?.type !== 'reference') throw invalid(node, `The search parameter "${name}" of ${type} is not a reference.`);
	return param;
}

/** A list means any of them; a comma within a value is one of the value. */
function searchValue(value: Value): string {
	return (Array.isArray(value) ? value : [value]).map((one) => String(one).replace(/(?<!\\),/g, '\\,')).join(',');
}
