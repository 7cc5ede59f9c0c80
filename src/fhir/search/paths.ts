// What a search parameter's expression comes down to: paths through the elements of a type, with the types at their ends.
import type { Definitions } from '#fhir/definitions/definitions.ts';
import type { Ast } from '#fhir/path/parse.ts';
import { suffixOf } from '#fhir/path/values.ts';

/** One step: into a member (an array when `many`), or on only when a member has a value. */
export type Step = { readonly name: string; readonly many: boolean } | { readonly where: string; readonly is: string };

export type Path = {
	readonly steps: readonly Step[];
	/** What may be at the end: names of FHIR types. */
	readonly types: readonly string[];
	/** The code system of a required binding, when it has just one; '' else. */
	readonly system: string;
	/** The value set of the end's binding. */
	readonly valueSet?: string;
	/** The last step is a choice element: `value` stands for valueString, valueQuantity, … */
	readonly choice: boolean;
	/** References to this type alone (`where(resolve() is Patient)`). */
	readonly target?: string;
};

/** The paths of an expression on a type, undefined when it is more than paths. */
export function pathsOf(definitions: Definitions, type: string, ast: Ast): Path[] | undefined {
	if (ast.kind === 'binary' && ast.op === '|') {
		const left = pathsOf(definitions, type, ast.left);
		const right = pathsOf(definitions, type, ast.right);
		return left === undefined || right === undefined ? undefined : [...left, ...right];
	}
	const path = walk(definitions, type, ast);
	return path === undefined || path.steps.length === 0 ? undefined : [path];
}

/** Whether the paths may lead to several values: through an array, or several of them. */
export function mayRepeat(paths: readonly Path[] | undefined): boolean {
	if (paths === undefined) return true;
	const [first, ...others] = paths.map(elementOf);
	return (
		first === undefined ||
		others.some((other) => other !== first) ||
		paths.some(({ steps }) => steps.some((step) => 'name' in step && step.many))
	);
}

/** The element a path leads to, whichever type of a choice is meant. */
function elementOf({ steps, types, choice }: Path): string {
	const names = steps.map((step) => ('name' in step ? step.name : `${step.where}=${step.is}`));
	const [type] = types;
	const last = names.at(-1);
	if (choice || type === undefined || last === undefined || !last.endsWith(suffixOf(type))) return names.join('.');
	return [...names.slice(0, -1), last.slice(0, -suffixOf(type).length)].join('.');
}

function walk(definitions: Definitions, type: string, ast: Ast): Path | undefined {
	if (ast.kind === 'member' && ast.on === undefined) {
		const isRoot = ast.name === type || ast.name === 'Resource' || ast.name === 'DomainResource';
		return isRoot ? { steps: [], types: [type], system: '', choice: false } : undefined;
	}
	if (ast.kind === 'member' && ast.on !== undefined) return member(definitions, walk(definitions, type, ast.on), ast.name);
	if (ast.kind === 'type' && ast.op === 'as') return narrowed(walk(definitions, type, ast.on), ast.type);
	if (ast.kind !== 'call' || ast.on === undefined) return undefined;
	const on = walk(definitions, type, ast.on);
	const [argument] = ast.args;
	if ((ast.name === 'as' || ast.name === 'ofType') && argument?.kind === 'member') return narrowed(on, argument.name);
	if (ast.name === 'where' && argument !== undefined && on !== undefined) return filtered(on, argument);
	return undefined;
}

function member(definitions: Definitions, on: Path | undefined, name: string): Path | undefined {
	if (on === undefined || on.types.length !== 1 || on.choice || on.target !== undefined) return undefined;
	const [parent] = on.types as [string];
	const info = definitions.elementInfo(parent, name);
	if (info === undefined) return undefined;
	return {
		steps: [...on.steps, { name, many: info.max === '*' }],
		types: info.types,
		choice: info.choice,
		...bindingOf(definitions, parent, name, info.types.includes('code')),
	};
}

function narrowed(on: Path | undefined, type: string): Path | undefined {
	if (on === undefined || !on.types.includes(type)) return undefined;
	const last = on.steps.at(-1);
	if (!on.choice || last === undefined || !('name' in last)) return { ...on, types: [type] };
	return { ...on, steps: [...on.steps.slice(0, -1), { ...last, name: last.name + suffixOf(type) }], types: [type], choice: false };
}

/** `where(resolve() is X)` asks for the type of what is referred to, which the reference itself says; `where(a = 'b')` is a step. */
function filtered(on: Path, criteria: Ast): Path | undefined {
	if (criteria.kind === 'type' && criteria.op === 'is' && criteria.on.kind === 'call' && criteria.on.name === 'resolve')
		return criteria.on.on === undefined && on.target === undefined ? { ...on, target: criteria.type } : undefined;
	if (criteria.kind !== 'binary' || criteria.op !== '=' || criteria.left.kind !== 'member' || criteria.right.kind !== 'literal')
		return undefined;
	if (criteria.left.on !== undefined || typeof criteria.right.value !== 'string' || on.choice || on.target !== undefined) return undefined;
	return { ...on, steps: [...on.steps, { where: criteria.left.name, is: criteria.right.value }] };
}

function bindingOf(definitions: Definitions, typeName: string, name: string, isCode: boolean): Pick<Path, 'system' | 'valueSet'> {
	const structure = definitions.structure(typeName.split('.')[0] as string);
	const binding = structure?.elements.find(({ path }) => path === `${typeName}.${name}`)?.binding;
	if (binding?.strength !== 'required' || !isCode) return { system: '' };
	const systems = Object.keys(definitions.valueSet(binding.valueSet)?.codes ?? {});
	return { system: systems.length === 1 ? (systems[0] as string) : '', valueSet: binding.valueSet };
}
