// The values that a FHIRPath Patch brings, in the form the place wants them: a data type, a resource, or parts for what has no type name.
import type { Definitions } from '#fhir/definitions/definitions.ts';
import { isObject, type Json } from './json.ts';
import { type Element, elementOf, memberOf } from './places.ts';
import { type At, clip, malformed, notApplicable } from './problems.ts';

/** A value for an element: its type there, its JSON, and of a primitive its id and extensions. */
export type Value = { readonly type: string; readonly json: unknown; readonly sibling: Json | undefined };

/** Types whose JSON is a string: a value of one may be given as another, and the validator looks at its form. */
const textual = new Set('string,code,id,markdown,uri,url,canonical,oid,uuid,date,dateTime,instant,time,base64Binary,xhtml'.split(','));
const numeric = new Set(['decimal', 'integer', 'positiveInt', 'unsignedInt']);

/** Types with the elements of Quantity. */
const quantities = new Set(['Quantity', 'SimpleQuantity', 'MoneyQuantity', 'Age', 'Count', 'Distance', 'Duration']);

/**
 * The value of a parameter for an element.
 * Throws Problem 400 `patch-malformed` when the parameter has none, 422 `patch-not-applicable` when its type is not one of the element's.
 */
export function valueFor(definitions: Definitions, element: Element, parameter: Json, at: At): Value {
	const { info, only } = element;
	const types = only === undefined ? info.types : [only];
	if (isObject(parameter.resource)) return resourceValue(definitions, element, types, parameter.resource, at);
	const given = Object.keys(parameter)
		.find((name) => /^_?value[A-Z]/.test(name))
		?.replace(/^_/, '');
	if (given !== undefined) {
		const type = types.find((one) => fits(one, given.slice('value'.length), types.length > 1));
		if (type === undefined)
			throw notApplicable(at, `"${element.name}" takes ${types.map(shortName).join(', ')} and not ${clip(given.slice('value'.length))}`);
		const sibling = parameter[`_${given}`];
		return { type, json: parameter[given], sibling: isObject(sibling) ? sibling : undefined };
	}
	if (Array.isArray(parameter.part)) {
		const type = types.length === 1 ? types[0] : undefined;
		if (type === undefined || /^[a-z]/.test(type)) throw notApplicable(at, `"${element.name}" cannot be given in parts`);
		return { type, json: objectOf(definitions, type, parameter.part, at), sibling: undefined };
	}
	throw malformed(at, 'there is no value');
}

function resourceValue(definitions: Definitions, { name }: Element, types: readonly string[], resource: Json, at: At): Value {
	const [type] = types;
	const isOne = typeof resource.resourceType === 'string' && definitions.isResourceType(resource.resourceType);
	if (type === undefined || !isOne || (type !== 'Resource' && type !== resource.resourceType))
		throw notApplicable(at, `"${name}" does not take this resource`);
	return { type, json: resource, sibling: undefined };
}

/** Whether `value<Given>` may stand where a type is wanted; of a choice, only the type itself. */
function fits(type: string, given: string, choice: boolean): boolean {
	if (capitalised(type) === given) return true;
	if (choice) return false;
	const lower = given.charAt(0).toLowerCase() + given.slice(1);
	return (
		(textual.has(type) && textual.has(lower)) ||
		(numeric.has(type) && numeric.has(lower)) ||
		(quantities.has(type) && quantities.has(given))
	);
}

function capitalised(type: string): string {
	return type.charAt(0).toUpperCase() + type.slice(1);
}

function shortName(type: string): string {
	return type.includes('.') ? 'parts' : type;
}

/** An object of a type from parts named for its elements. */
function objectOf(definitions: Definitions, type: string, parts: readonly unknown[], at: At): Json {
	const json: Json = {};
	for (const part of parts) {
		if (!isObject(part) || typeof part.name !== 'string') throw malformed(at, 'a part has no name');
		const element = elementOf(definitions, type, part.name);
		if (element === undefined) throw notApplicable(at, `${type} has no element "${clip(part.name)}"`);
		const value = valueFor(definitions, element, part, at);
		const member = memberOf(element, value.type);
		const { choice, max } = element.info;
		if (max === '*') append(json, member, value);
		else if (Object.hasOwn(json, member) || Object.hasOwn(json, `_${member}`))
			throw notApplicable(at, `"${part.name}" may be given only once`);
		else set(json, member, value);
		if (choice && element.info.types.filter((one) => has(json, memberOf(element, one))).length > 1)
			throw notApplicable(at, `"${element.name}" may be given only once`);
	}
	return json;
}

function has(json: Json, member: string): boolean {
	return Object.hasOwn(json, member) || Object.hasOwn(json, `_${member}`);
}

/** Takes an element away, with its siblings. */
export function clear(json: Json, member: string, index: number | undefined): void {
	for (const name of [member, `_${member}`]) {
		const list = json[name];
		if (index === undefined) delete json[name];
		else if (Array.isArray(list)) list.splice(index, 1);
	}
}

/** Gives a single element its value, instead of the one it has. */
export function set(json: Json, member: string, { json: value, sibling }: Value): void {
	if (value === undefined) delete json[member];
	else json[member] = value;
	if (sibling === undefined) delete json[`_${member}`];
	else json[`_${member}`] = sibling;
}

/** Adds a value at the end of a list. */
export function append(json: Json, member: string, value: Value): void {
	insert(json, member, Math.max(lengthOf(json[member]), lengthOf(json[`_${member}`])), value);
}

/** Puts a value into a list and its siblings beside it, at an index up to their length. */
export function insert(json: Json, member: string, index: number, { json: value, sibling }: Value): void {
	const both = [
		[member, value],
		[`_${member}`, sibling],
	] as const;
	for (const [name, item] of both) {
		if (item === undefined && !Array.isArray(json[name])) continue;
		const list = Array.isArray(json[name]) ? (json[name] as unknown[]) : [];
		while (list.length < index) list.push(null);
		list.splice(index, 0, item ?? null);
		json[name] = list;
	}
}

function lengthOf(value: unknown): number {
	return Array.isArray(value) ? value.length : 0;
}
