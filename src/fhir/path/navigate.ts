// From an item to its children, in FHIR's JSON form (https://hl7.org/fhir/R4/json.html).
import { addValue, holderOf, typeBySuffix } from './values.ts';

const membersOf = new Map<string, readonly (readonly [member: string, type: string])[]>();

/** The JSON members a choice element may have; worked out once for each of the few names there are. */
function choiceMembers(name: string): readonly (readonly [string, string])[] {
	let members = membersOf.get(name);
	if (members === undefined) {
		members = [...typeBySuffix].map(([suffix, type]) => [name + suffix, type] as const);
		if (membersOf.size < 5000) membersOf.set(name, members);
	}
	return members;
}

/** Adds the children of `item` named `name` to `into`. */
export function children(item: unknown, name: string, into: unknown[]): void {
	const object = holderOf(item);
	if (object === undefined) return;
	const value = Object.hasOwn(object, name) ? object[name] : undefined;
	const sibling = object[`_${name}`];
	if (value !== undefined || sibling !== undefined) {
		addValue(value, sibling, undefined, into);
		return;
	}
	for (const [member, type] of choiceMembers(name)) {
		const held = object[member];
		const heldSibling = object[`_${member}`];
		if (held !== undefined || heldSibling !== undefined) {
			addValue(held, heldSibling, type, into);
			return;
		}
	}
}

/** Adds every child of an item. */
export function allChildren(item: unknown, into: unknown[]): void {
	const object = holderOf(item);
	if (object === undefined) return;
	for (const name of Object.keys(object)) {
		if (name === 'resourceType') continue;
		if (name.startsWith('_')) {
			if (object[name.slice(1)] === undefined) addValue(undefined, object[name], undefined, into);
		} else addValue(object[name], object[`_${name}`], undefined, into);
	}
}
