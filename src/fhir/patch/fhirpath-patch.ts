// FHIRPath Patch: a Parameters resource of operations on elements that FHIRPath names, https://hl7.org/fhir/R4/fhirpatch.html.
import type { Definitions } from '#fhir/definitions/definitions.ts';
import type { Resource } from '#fhir/resource.ts';
import { Copier, isObject, type Json, tidy } from './json.ts';
import { countOf, type Element, memberOf, membersOf, type Place, Places } from './places.ts';
import { type At, clip, malformed, notApplicable } from './problems.ts';
import { append, clear, insert, set, type Value, valueFor } from './values.ts';

type Operation = { readonly at: At; readonly parts: ReadonlyMap<string, Json>; readonly path: string };

/**
 * The resource after all operations; the one given is not changed.
 * Throws Problem invalid: 400 `patch-malformed` or `fhirpath-syntax` when the parameters are no patch; 422 `patch-not-applicable` when a
 * place does not exist, is several, or takes no such value; and too-much 413 `patch-too-large`.
 */
export function applyFhirPathPatch(resource: Resource, parameters: Resource, definitions: Definitions): Resource {
	const copier = new Copier();
	const root = copier.copy(resource, 0, 'The patch');
	const patcher = new Patcher(definitions, copier, new Places(definitions, root, resource.resourceType));
	for (const [index, parameter] of listOf(parameters).entries()) patcher.apply(readOperation(parameter, `Operation ${index + 1}`));
	tidy(root);
	return root;
}

function listOf(parameters: Resource): readonly unknown[] {
	if (parameters.resourceType !== 'Parameters') throw malformed('The patch', 'a FHIRPath Patch is a Parameters resource');
	const list = parameters.parameter ?? [];
	if (!Array.isArray(list)) throw malformed('The patch', 'Parameters.parameter is a list');
	return list;
}

const longestPath = 2000;

const partNames = new Set(['type', 'path', 'name', 'value', 'index', 'source', 'destination']);

function readOperation(parameter: unknown, at: At): Operation {
	if (!isObject(parameter) || parameter.name !== 'operation') throw malformed(at, 'a parameter of a patch is named "operation"');
	if (!Array.isArray(parameter.part)) throw malformed(at, 'it has no parts');
	const parts = new Map<string, Json>();
	for (const part of parameter.part) {
		// Clients may label the path for their users; that says nothing to a server.
		if (isObject(part) && part.name === 'pathLabel') continue;
		if (!isObject(part) || typeof part.name !== 'string' || !partNames.has(part.name))
			throw malformed(at, `its parts are ${[...partNames].join(', ')}`);
		if (parts.has(part.name)) throw malformed(at, `the part "${part.name}" occurs twice`);
		parts.set(part.name, part);
	}
	const path = parts.get('path')?.valueString;
	if (typeof path !== 'string') throw malformed(at, 'it has no path');
	if (path.length > longestPath) throw malformed(at, `its path has more than ${longestPath} characters`);
	return { at, parts, path };
}

function integer({ at, parts }: Operation, name: 'index' | 'source' | 'destination'): number {
	const part = parts.get(name);
	const value = Number(part?.valueInteger ?? part?.valueUnsignedInt ?? part?.valuePositiveInt ?? Number.NaN);
	if (!Number.isInteger(value) || value < 0) throw malformed(at, `the part "${name}" must be a whole number from 0`);
	return value;
}

class Patcher {
	readonly #definitions: Definitions;
	readonly #copier: Copier;
	readonly #places: Places;

	constructor(definitions: Definitions, copier: Copier, places: Places) {
		this.#definitions = definitions;
		this.#copier = copier;
		this.#places = places;
	}

	apply(operation: Operation): void {
		const acts = new Map<unknown, (operation: Operation) => void>([
			['add', this.#add],
			['insert', this.#insert],
			['delete', this.#delete],
			['replace', this.#replace],
			['move', this.#move],
		]);
		const part = operation.parts.get('type');
		const act = acts.get(part?.valueCode ?? part?.valueString);
		if (act === undefined) throw malformed(operation.at, `its type is none of ${[...acts.keys()].join(', ')}`);
		act.call(this, operation);
	}

	#add(operation: Operation): void {
		const { at, path, parts } = operation;
		const place = this.#one(operation);
		const name = parts.get('name')?.valueString;
		if (typeof name !== 'string') throw malformed(at, 'an addition needs the name of the element');
		const element = this.#places.element(place, name, at);
		const value = this.#value(operation, element, place.depth + 1);
		const holder = this.#holder(place, at);
		const member = memberOf(element, value.type);
		if (element.info.max === '*') append(holder, member, value);
		else if (membersOf(holder, { ...element, only: undefined }).length > 0)
			throw notApplicable(at, `"${clip(path)}" already has the element "${element.name}"; replace it`);
		else set(holder, member, value);
	}

	#insert(operation: Operation): void {
		const { at } = operation;
		const { parent, element } = this.#places.list(operation.path, at);
		this.#requireList(element, at);
		const holder = this.#holder(parent, at);
		const index = integer(operation, 'index');
		const length = countOf(holder, element.name);
		if (index > length) throw notApplicable(at, `the list has ${length} elements, so nothing can be inserted at ${index}`);
		insert(holder, element.name, index, this.#value(operation, element, parent.depth + 2));
	}

	#delete({ at, path }: Operation): void {
		const found = this.#places.find(path, at);
		const [place] = found;
		if (place === undefined) return;
		if (found.length > 1) throw notApplicable(at, `"${clip(path)}" finds ${found.length} elements; only one can be deleted`);
		if (place.parent === undefined) throw notApplicable(at, 'the resource as a whole cannot be deleted');
		clear(place.parent, place.member, place.index);
	}

	#replace(operation: Operation): void {
		const { parent, element, member, index, depth } = this.#one(operation);
		if (parent === undefined || element === undefined)
			throw notApplicable(operation.at, 'the resource as a whole cannot be replaced; update it');
		const value = this.#value(operation, element, depth);
		if (index === undefined) {
			const target = memberOf(element, value.type);
			if (target !== member) clear(parent, member, index);
			set(parent, target, value);
			return;
		}
		clear(parent, member, index);
		insert(parent, member, index, value);
	}

	#move(operation: Operation): void {
		const { at } = operation;
		const { parent, element } = this.#places.list(operation.path, at);
		this.#requireList(element, at);
		const holder = this.#places.holder(parent) ?? {};
		const length = countOf(holder, element.name);
		const source = integer(operation, 'source');
		const destination = integer(operation, 'destination');
		for (const index of [source, destination])
			if (index >= length) throw notApplicable(at, `the list has ${length} elements, so there is none at ${index}`);
		for (const name of [element.name, `_${element.name}`]) {
			const list = holder[name];
			if (!Array.isArray(list)) continue;
			while (list.length < length) list.push(null);
			list.splice(destination, 0, ...list.splice(source, 1));
		}
	}

	/** The one element that the operation's path finds. */
	#one({ at, path }: Operation): Place {
		const found = this.#places.find(path, at);
		const [place] = found;
		if (place === undefined || found.length > 1) {
			const count = found.length === 0 ? 'nothing' : `${found.length} elements`;
			throw notApplicable(at, `"${clip(path)}" finds ${count}; it must find exactly one element`);
		}
		return place;
	}

	/** What takes the children of a place. */
	#holder(place: Place, at: At): Json {
		const holder = this.#places.holder(place, true);
		if (holder === undefined) throw notApplicable(at, 'the element there is broken and takes nothing');
		return holder;
	}

	#requireList({ name, info }: Element, at: At): void {
		if (info.max !== '*') throw notApplicable(at, `"${name}" is not a list`);
	}

	/** The operation's value in a form of its own, so that no later operation changes the patch. */
	#value({ at, parts }: Operation, element: Element, depth: number): Value {
		const part = parts.get('value');
		if (part === undefined) throw malformed(at, 'it has no value');
		const { type, json, sibling } = valueFor(this.#definitions, element, part, at);
		return { type, json: this.#copier.copy(json, depth, at), sibling: this.#copier.copy(sibling, depth, at) };
	}
}
