// A FHIRPath collection as the compiled functions hand it on. FHIR's JSON has no arrays in arrays, so an array is a collection and everything
// else is a collection of one: nothing has to be allocated for the singletons that most expressions deal with, and the arrays of a
// resource are used as they are. Hence an array that came from elsewhere is never changed.
import { bare, Typed } from './values.ts';

/** Undefined when empty, the item itself when there is one, else an array of items. An array may have any length. */
export type Items = unknown;

/** How many items there are. */
export function sizeOf(items: Items): number {
	return items === undefined ? 0 : Array.isArray(items) ? items.length : 1;
}

/** The items as an array, which may be one that is not ours to change. */
export function listOf(items: Items): readonly unknown[] {
	return items === undefined ? [] : Array.isArray(items) ? items : [items];
}

/** A list as a collection. */
export function packed(list: readonly unknown[]): Items {
	return list.length === 0 ? undefined : list.length === 1 ? list[0] : list;
}

/** The first item. */
export function firstOf(items: Items): unknown {
	return Array.isArray(items) ? items[0] : items;
}

/** The item when there is just one. */
export function single(items: Items): unknown {
	return Array.isArray(items) ? (items.length === 1 ? items[0] : undefined) : items;
}

/** The collection of what `each` gives for the items, in their order. */
export function flatMap(items: Items, each: (item: unknown) => Items): Items {
	if (!Array.isArray(items)) return items === undefined ? undefined : each(items);
	let found: Items;
	let own: unknown[] | undefined;
	for (const item of items) {
		const got = each(item);
		if (got === undefined) continue;
		if (own !== undefined) append(own, got);
		else if (found === undefined) found = got;
		else {
			own = Array.isArray(found) ? found.slice() : [found];
			append(own, got);
		}
	}
	return own ?? found;
}

/** Adds items to a list of ours. */
export function append(list: unknown[], items: Items): void {
	if (Array.isArray(items)) for (const item of items) list.push(item);
	else if (items !== undefined) list.push(items);
}

/** Both collections, one after the other. */
export function joined(a: Items, b: Items): Items {
	if (sizeOf(a) === 0) return b;
	if (sizeOf(b) === 0) return a;
	const list: unknown[] = [];
	append(list, a);
	append(list, b);
	return list;
}

/** The items without boxes; primitives without a value are left out. */
export function valuesOf(items: Items): Items {
	if (!Array.isArray(items)) return bare(items);
	return items.some((item) => item instanceof Typed) ? packed(items.map(bare).filter((value) => value !== undefined)) : items;
}

/** A member of a JSON object as items: nulls, and arrays in arrays, are none. */
export function tidy(value: unknown): Items {
	if (!Array.isArray(value)) return value === null ? undefined : value;
	for (const item of value) if (item === null || item === undefined || Array.isArray(item)) return packed(value.filter(isItem));
	return value;
}

function isItem(value: unknown): boolean {
	return value !== null && value !== undefined && !Array.isArray(value);
}

/**
 * A collection as a boolean (http://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections): nothing is unknown, one item that is no boolean
 * is true. Several are an error there and true here.
 */
export function truth(items: Items): boolean | undefined {
	if (typeof items === 'boolean' || items === undefined) return items;
	if (Array.isArray(items)) return items.length === 0 ? undefined : items.length === 1 ? truth(items[0]) : true;
	if (!(items instanceof Typed)) return true;
	const { value } = items;
	return typeof value === 'boolean' ? value : value === undefined ? undefined : true;
}
