// Where an expression of FHIRPath Patch points: not values, as the path compiler gives them, but the places in the resource that hold them.
import type { Definitions, ElementInfo } from '#fhir/definitions/definitions.ts';
import { compileAst } from '#fhir/path/compile.ts';
import { type Ast, parsePath } from '#fhir/path/parse.ts';
import { isObject, type Json } from './json.ts';
import { type At, clip, malformed, notApplicable, tooLarge } from './problems.ts';

/** An element of a type by the name FHIRPath has for it, or by the one JSON has (`valueQuantity`, which is `only` a Quantity). */
export type Element = { readonly name: string; readonly info: ElementInfo; readonly only: string | undefined };

/** One element. `member` is its name in JSON (`deceasedBoolean`), `index` its position when it repeats. The root has no parent. */
export type Place = {
	readonly parent: Json | undefined;
	readonly element: Element | undefined;
	readonly member: string;
	readonly index: number | undefined;
	/** Its type, or the backbone path such as `Patient.contact`. */
	readonly type: string;
	readonly depth: number;
};

/** Places that one patch may look at: a great many operations on a long list would keep the server busy. */
const maxVisited = 5_000_000;

const isPrimitive = (type: string): boolean => /^[a-z]/.test(type);

/** The member of an element when it holds this type. */
export function memberOf({ name, info }: Element, type: string): string {
	return info.choice ? name + type.charAt(0).toUpperCase() + type.slice(1) : name;
}

/** The element of a type; undefined when the type has none of that name. */
export function elementOf(definitions: Definitions, type: string, name: string): Element | undefined {
	const info = definitions.elementInfo(type, name);
	if (info !== undefined) return { name, info, only: undefined };
	for (let end = name.length - 1; end > 0; end--) {
		const choice = definitions.elementInfo(type, name.slice(0, end));
		const only = choice?.choice
			? choice.types.find((one) => memberOf({ name: name.slice(0, end), info: choice, only: undefined }, one) === name)
			: undefined;
		if (choice !== undefined && only !== undefined) return { name: name.slice(0, end), info: choice, only };
	}
	return undefined;
}

/** The object that holds the children of a place: the value, or the sibling of a primitive (id and extensions). */
function holderOf(root: Json, place: Place): Json | undefined {
	const { parent, member, index, type } = place;
	if (parent === undefined) return root;
	const inner = parent[isPrimitive(type) ? `_${member}` : member];
	const value = index === undefined ? inner : Array.isArray(inner) ? inner[index] : undefined;
	return isObject(value) ? value : undefined;
}

/** How many elements a member has. */
export function countOf(parent: Json, member: string): number {
	const length = (value: unknown): number => (Array.isArray(value) ? value.length : value === undefined || value === null ? 0 : 1);
	return Math.max(length(parent[member]), length(parent[`_${member}`]));
}

/** The members under which an element stands in an object at present: at most one but for broken choices. */
export function membersOf(holder: Json, element: Element): { readonly member: string; readonly type: string }[] {
	const types = element.only === undefined ? element.info.types : [element.only];
	const all = types.map((type) => ({ member: memberOf(element, type), type }));
	const present = all.filter(({ member }) => Object.hasOwn(holder, member) || Object.hasOwn(holder, `_${member}`));
	return element.info.choice ? present : present.slice(0, 1);
}

/** Finds places in one resource. */
export class Places {
	readonly #definitions: Definitions;
	readonly #root: Json;
	readonly #type: string;
	#visited = 0;

	constructor(definitions: Definitions, root: Json, type: string) {
		this.#definitions = definitions;
		this.#root = root;
		this.#type = type;
	}

	/**
	 * The places of an expression. Steps may be names, [index], where(), first(), last(), single(), tail(), skip(), take(), ofType(), as() and extension(url).
	 * Throws Problem 400 `fhirpath-syntax`, 400 `patch-malformed` for other steps, 422 `patch-not-applicable` for elements that do not exist.
	 */
	find(path: string, at: At): Place[] {
		return this.#places(parsePath(path), at);
	}

	/** The one parent of a list and the list's element, for what works on whole lists. */
	list(path: string, at: At): { readonly parent: Place; readonly element: Element } {
		const ast = parsePath(path);
		if (ast.kind !== 'member') throw malformed(at, `"${clip(path)}" does not name a list`);
		const parents = ast.on === undefined ? [this.#rootPlace()] : this.#places(ast.on, at);
		const [parent] = parents;
		if (parent === undefined || parents.length > 1)
			throw notApplicable(at, `"${clip(path)}" is in ${parents.length} elements; it must be in exactly one`);
		return { parent, element: this.element(parent, ast.name, at) };
	}

	/** The object that holds the children of a place; made, with `make`, for a primitive that has neither id nor extensions yet. */
	holder(place: Place, make = false): Json | undefined {
		const found = holderOf(this.#root, place);
		if (found !== undefined || !make || !isPrimitive(place.type)) return found;
		const { parent, member, index } = place as Place & { parent: Json };
		const made: Json = {};
		if (index === undefined) parent[`_${member}`] = made;
		else {
			const siblings = Array.isArray(parent[`_${member}`]) ? (parent[`_${member}`] as unknown[]) : [];
			while (siblings.length < index) siblings.push(null);
			siblings[index] = made;
			parent[`_${member}`] = siblings;
		}
		return made;
	}

	/** The element of a name below a place. Throws Problem 422 `patch-not-applicable` when its type has none. */
	element(place: Place, name: string, at: At): Element {
		const type = this.#typeOf(place);
		const element = elementOf(this.#definitions, type, name);
		if (element === undefined) throw notApplicable(at, `${type} has no element "${clip(name)}"`);
		return element;
	}

	/** The value of a place. */
	value({ parent, member, index }: Place): unknown {
		if (parent === undefined) return this.#root;
		const inner = parent[member];
		return index === undefined ? inner : Array.isArray(inner) ? inner[index] : undefined;
	}

	#rootPlace(): Place {
		return { parent: undefined, element: undefined, member: '', index: undefined, type: this.#type, depth: 0 };
	}

	/** The type of what is there: of a contained resource its own. */
	#typeOf(place: Place): string {
		if (place.type !== 'Resource') return place.type;
		const { resourceType } = (holderOf(this.#root, place) ?? {}) as Json;
		return typeof resourceType === 'string' && this.#definitions.isResourceType(resourceType) ? resourceType : 'Resource';
	}

	#places(ast: Ast, at: At): Place[] {
		switch (ast.kind) {
			case 'variable':
				if (ast.name === 'resource' || ast.name === 'context' || ast.name === 'rootResource') return [this.#rootPlace()];
				throw unpatchable(at);
			case 'this':
				return [this.#rootPlace()];
			case 'member':
				if (ast.on === undefined && /^[A-Z]/.test(ast.name)) {
					if (ast.name !== this.#type && ast.name !== 'Resource' && ast.name !== 'DomainResource')
						throw notApplicable(at, `the resource is a ${this.#type}, not a ${clip(ast.name)}`);
					return [this.#rootPlace()];
				}
				return this.#source(ast.on, at).flatMap((place) => this.#children(place, ast.name, at));
			case 'item': {
				const index = this.#number(ast.at, at);
				return this.#places(ast.on, at).slice(index, index + 1);
			}
			case 'type':
				if (ast.op === 'as') return this.#ofType(this.#places(ast.on, at), ast.type);
				throw unpatchable(at);
			case 'call':
				return this.#call(ast, at);
			default:
				throw unpatchable(at);
		}
	}

	#source(on: Ast | undefined, at: At): Place[] {
		return on === undefined ? [this.#rootPlace()] : this.#places(on, at);
	}

	#children(place: Place, name: string, at: At): Place[] {
		const element = this.element(place, name, at);
		const holder = holderOf(this.#root, place);
		if (holder === undefined) return [];
		return membersOf(holder, element).flatMap(({ member, type }): Place[] => {
			const common = { parent: holder, element: { ...element, only: undefined }, member, type };
			if (element.info.max !== '*') return [{ ...common, index: undefined, depth: place.depth + 1 }];
			const length = countOf(holder, member);
			this.#visited += length;
			if (this.#visited > maxVisited) throw tooLarge(at);
			return Array.from({ length }, (_, index) => ({ ...common, index, depth: place.depth + 2 }));
		});
	}

	#call({ name, args, on }: Extract<Ast, { kind: 'call' }>, at: At): Place[] {
		const source = this.#source(on, at);
		const [argument] = args;
		switch (name) {
			case 'where':
				if (argument === undefined) break;
				return this.#where(source, argument);
			case 'first':
				return source.slice(0, 1);
			case 'last':
				return source.slice(-1);
			case 'tail':
				return source.slice(1);
			case 'single':
				if (source.length > 1) throw notApplicable(at, `single() finds ${source.length} elements`);
				return source;
			case 'skip':
				return source.slice(this.#number(argument, at));
			case 'take':
				return source.slice(0, this.#number(argument, at));
			case 'ofType':
			case 'as':
				return this.#ofType(source, typeName(argument, at));
			case 'extension': {
				if (argument?.kind !== 'literal') break;
				const extensions = source.flatMap((place) => this.#children(place, 'extension', at));
				return extensions.filter((place) => holderOf(this.#root, place)?.url === argument.value);
			}
		}
		throw unpatchable(at);
	}

	#where(source: readonly Place[], criterion: Ast): Place[] {
		const run = compileAst(criterion);
		const env = { resource: this.#root, rootResource: this.#root, context: this.#root };
		return source.filter((place, index) => {
			const value = this.value(place) ?? holderOf(this.#root, place);
			const result = run([value], { env, self: value, index, total: [] });
			return result.length === 1 && isTrue(result[0]);
		});
	}

	#ofType(source: readonly Place[], type: string): Place[] {
		const name = type.replace(/^(FHIR|System)\./, '');
		return source.filter((place) => this.#typeOf(place) === name);
	}

	#number(ast: Ast | undefined, at: At): number {
		if (ast?.kind !== 'literal' || !Number.isInteger(Number(ast.value))) throw unpatchable(at);
		return Number(ast.value);
	}
}

function isTrue(item: unknown): boolean {
	return item === true || (isObject(item) && item.value === true);
}

function typeName(ast: Ast | undefined, at: At): string {
	if (ast?.kind === 'literal' && typeof ast.value === 'string') return ast.value;
	if (ast?.kind !== 'member') throw unpatchable(at);
	return ast.on === undefined ? ast.name : `${typeName(ast.on, at)}.${ast.name}`;
}

function unpatchable(at: At): Error {
	return malformed(
		at,
		'its path is more than steps to an element (names, [index], where(), first(), last(), single(), tail(), skip(), take(), ofType(), as(), extension())',
	);
}
