// Whether a query is about what there is, before anything is read: fields, arguments and types that are unknown are errors even where no
// data would show them (https://hl7.org/fhir/R4/graphql.html#errors). What stands on a resource of any type is checked when its type is known.
import type { FieldNode, SelectionNode, SelectionSetNode } from 'graphql';
import type { FhirCtx } from '#fhir/ctx.ts';
import { compiled, flagsOf, pickOf } from './directives.ts';
import type { Asked } from './document.ts';
import { connectionOf, fieldOf, isLeaf, isTypeName, nameOf, searchedIn, typeNamed } from './fields.ts';
import { invalid } from './problems.ts';
import { queryType } from './schema.ts';
import { searchArguments } from './search-arguments.ts';
import { argumentsOf } from './values.ts';

/** Throws Problem invalid for the first thing that is wrong. `root` is the type of the resource that is asked about, absent on the system. */
export function check(ctx: FhirCtx, asked: Asked, root = queryType): void {
	const { definitions } = ctx.fhir;
	const seen = new Set<string>();

	const selections = (type: string, sets: readonly SelectionNode[], isRoot: boolean): void => {
		for (const one of sets) {
			if (one.kind === 'Field') field(type, one, isRoot);
			else if (one.kind === 'InlineFragment') fragment(type, one.typeCondition?.name.value, one.selectionSet, one, isRoot);
			else {
				const named = asked.fragments.get(one.name.value);
				const key = `${type} ${one.name.value}`;
				if (named === undefined || seen.has(key)) continue;
				seen.add(key);
				fragment(type, named.typeCondition.name.value, named.selectionSet, one, isRoot);
			}
		}
	};

	const fragment = (type: string, condition: string | undefined, set: SelectionSetNode, at: SelectionNode, isRoot: boolean): void => {
		if (condition !== undefined && !isTypeName(definitions, condition)) throw invalid(at, `There is no type "${condition}".`);
		const narrowed =
			condition === undefined || condition === 'Resource' || condition === 'DomainResource'
				? type
				: (typeNamed(definitions, condition) ?? type);
		selections(narrowed, set.selections, isRoot);
	};

	const field = (type: string, node: FieldNode, isRoot: boolean): void => {
		const name = node.name.value;
		if (name === '__typename' || (isRoot && (name === '__schema' || name === '__type'))) return;
		const flags = flagsOf(node, asked.variables);
		if (flags.slice !== undefined && flags.slice.trim() !== '$index') compiled(node, flags.slice);
		const searched = type === queryType || definitions.isResourceType(type) ? searchedIn(definitions, name) : undefined;
		if (searched !== undefined) {
			const { fhirpath } = searchArguments(ctx, node, searched.type, asked.variables);
			if (fhirpath !== undefined) compiled(node, fhirpath);
			inner(searched.kind === 'List' ? searched.type : connectionOf(searched.type), node);
		} else if (type === queryType) {
			if (!definitions.isResourceType(name)) throw invalid(node, `There is no field "${name}" on the system.`);
			inner(name, node);
		} else if (type === 'Reference' && name === 'resource') {
			const only = argumentsOf(node, asked.variables).get('type');
			inner(typeof only === 'string' && definitions.isResourceType(only) ? only : 'Resource', node);
		} else element(type, node, flags.flatten);
	};

	const element = (type: string, node: FieldNode, flatten: boolean): void => {
		const name = node.name.value;
		const found = fieldOf(definitions, type, name);
		if (found === undefined) {
			if (type === 'Resource') return;
			throw invalid(node, `${nameOf(type)} has no field "${name}".`);
		}
		if (!isLeaf(found.type)) {
			pickOf(definitions, node, found.type, asked.variables);
			inner(found.type, node);
			return;
		}
		if ((node.arguments ?? []).length > 0) throw invalid(node, `"${name}" is a simple element and takes no arguments.`);
		if (node.selectionSet !== undefined || flatten) throw invalid(node, `"${name}" is simple and has no fields.`);
	};

	const inner = (type: string, node: FieldNode): void => {
		if (node.selectionSet === undefined) throw invalid(node, `"${node.name.value}" has fields: say which of them you want.`);
		selections(type, node.selectionSet.selections, false);
	};

	selections(root, asked.operation.selectionSet.selections, true);
}
