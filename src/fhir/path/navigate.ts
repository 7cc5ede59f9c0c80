// From an item to its children, in FHIR's JSON form (https://hl7.org/fhir/R4/json.html): choice elements by their members, primitives with
// their `_sibling`.
import { append, flatMap, type Items, packed, sizeOf, tidy, valuesOf } from './items.ts';
import { isAbstract, isNamed, isType, type Specifier, type TypeModel, type Types, typeOf } from './types.ts';
import { boxed, choiceNames, holderOf, isPrimitive, suffixOf, typeBySuffix } from './values.ts';

type Json = Record<string, unknown>;

/** How the children of one name are read. */
export type Reader = {
	readonly items: (item: unknown) => Items;
	/** Without boxes and without primitives that have no value. */
	readonly values: (item: unknown) => Items;
	readonly present: (item: unknown) => boolean;
	readonly types: Types;
};

/** The reader for an element of what is of one of `types`; `only` narrows a choice to the types that match. */
export function readerOf(model: TypeModel | undefined, types: Types, name: string, only?: Specifier): Reader {
	const infos = model === undefined ? [] : (types ?? []).map((type) => (isAbstract(type) ? undefined : model.elementInfo(type, name)));
	const [info] = infos;
	const alike = info !== undefined && infos.every((other) => other !== undefined && other.choice === info.choice && same(other, info));
	if (!alike) return only === undefined ? dynamicReader(model, name) : narrowedDynamic(model, name, only);
	if (!info.choice) return plainReader(name, info.types);
	return choiceReader(name, only === undefined ? info.types : info.types.filter((type) => isNamed(type, only)));
}

function same(a: { readonly types: readonly string[] }, b: { readonly types: readonly string[] }): boolean {
	return a.types.length === b.types.length && a.types.every((type) => b.types.includes(type));
}

/** A member that has just the element's name. Names of Object.prototype are looked for with care. */
function plainReader(name: string, types: readonly string[]): Reader {
	const [type] = types;
	const sibling = `_${name}`;
	const careful = name in Object.prototype || sibling in Object.prototype;
	const held = careful
		? (holder: Json): unknown => (Object.hasOwn(holder, name) ? holder[name] : undefined)
		: (holder: Json): unknown => holder[name];
	const values = (item: unknown): Items => {
		const holder = holderOf(item);
		return holder === undefined ? undefined : tidy(held(holder));
	};
	if (type === undefined || !isPrimitive(type)) return { items: values, values, present: (item) => isThere(values(item)), types };
	const items = (item: unknown): Items => {
		const holder = holderOf(item);
		return holder === undefined ? undefined : element(held(holder), careful ? undefined : holder[sibling], type);
	};
	return { items, values, present: (item) => isThere(items(item)), types };
}

function isThere(items: Items): boolean {
	return items !== undefined && (!Array.isArray(items) || items.length > 0);
}

/** Above this, looking through an object's members is quicker than asking for each. */
const fewTypes = 6;

type Member = { readonly name: string; readonly sibling: string; readonly type: string };

function choiceReader(name: string, types: readonly string[]): Reader {
	const box = types.length !== 1;
	const members: Member[] = types.map((type) => ({ name: name + suffixOf(type), sibling: `_${name}${suffixOf(type)}`, type }));
	const byName = new Map(members.flatMap((member) => [[member.name, member] as const, [member.sibling, member] as const]));
	const find =
		types.length > fewTypes
			? (holder: Json): Member | undefined => {
					for (const key of Object.keys(holder)) if (byName.has(key)) return byName.get(key);
					return undefined;
				}
			: (holder: Json): Member | undefined => {
					for (const member of members) {
						const value = holder[member.name];
						if ((value !== undefined && value !== null) || holder[member.sibling] !== undefined) return member;
					}
					return undefined;
				};
	return {
		items(item) {
			const holder = holderOf(item);
			const member = holder === undefined ? undefined : find(holder);
			if (holder === undefined || member === undefined) return undefined;
			const { name: key, sibling, type } = member;
			return box ? typedElement(holder[key], holder[sibling], type) : element(holder[key], holder[sibling], type);
		},
		values(item) {
			const holder = holderOf(item);
			const member = holder === undefined ? undefined : find(holder);
			return holder === undefined || member === undefined ? undefined : tidy(holder[member.name]);
		},
		present(item) {
			const holder = holderOf(item);
			return holder !== undefined && find(holder) !== undefined;
		},
		types,
	};
}

/** Where nothing is known before: the item may say its type when it comes, else the members tell. */
function dynamicReader(model: TypeModel | undefined, name: string): Reader {
	const read = dynamic(model, name);
	const maybeChoice = choiceNames.has(name);
	const items = (item: unknown): Items => {
		const holder = holderOf(item);
		return holder === undefined ? undefined : read(item, holder);
	};
	const values = (item: unknown): Items => {
		const holder = holderOf(item);
		if (holder === undefined) return undefined;
		const value = Object.hasOwn(holder, name) ? holder[name] : undefined;
		if (value !== undefined || !maybeChoice) return tidy(value);
		const found = choiceIn(holder, name);
		return found === undefined ? undefined : tidy(holder[found.member]);
	};
	return { items, values, present: (item) => isThere(items(item)), types: undefined };
}

/** A choice of which only one type is wanted, mostly there as the member of that name. */
function narrowedDynamic(model: TypeModel | undefined, name: string, only: Specifier): Reader {
	const read = dynamic(model, name);
	const member = name + suffixOf(only.name);
	const sibling = `_${member}`;
	const type = only.namespace === 'System' ? undefined : typeBySuffix.get(suffixOf(only.name));
	const items = (item: unknown): Items => {
		const holder = holderOf(item);
		if (holder === undefined) return undefined;
		if (type !== undefined && (Object.hasOwn(holder, member) || Object.hasOwn(holder, sibling)))
			return typedElement(holder[member], holder[sibling], type);
		return flatMap(read(item, holder), (child) => (isType(child, only) ? child : undefined));
	};
	return { items, values: (item) => valuesOf(items(item)), present: (item) => isThere(items(item)), types: undefined };
}

function dynamic(model: TypeModel | undefined, name: string): (item: unknown, holder: Json) => Items {
	const siblingName = `_${name}`;
	const maybeChoice = choiceNames.has(name);
	return (item, holder) => {
		const type = model === undefined ? undefined : typeOf(item);
		const info = model === undefined || type === undefined ? undefined : model.elementInfo(type, name);
		if (info === undefined || !info.choice) {
			const known = info?.types.length === 1 ? info.types[0] : undefined;
			const value = Object.hasOwn(holder, name) ? holder[name] : undefined;
			const sibling = Object.hasOwn(holder, siblingName) ? holder[siblingName] : undefined;
			if (value !== undefined || sibling !== undefined)
				return known === undefined || isAbstract(known) ? element(value, sibling, undefined) : typedElement(value, sibling, known);
			if (info !== undefined || !maybeChoice) return undefined;
		}
		const found = choiceIn(holder, name);
		return found === undefined ? undefined : typedElement(holder[found.member], holder[`_${found.member}`], found.type);
	};
}

/** The member of a choice element, by what its name ends with. */
function choiceIn(holder: Json, name: string): { readonly member: string; readonly type: string } | undefined {
	for (const key of Object.keys(holder)) {
		const at = key.charCodeAt(0) === 95 ? 1 : 0;
		if (key.length <= name.length + at || !key.startsWith(name, at)) continue;
		const type = typeBySuffix.get(key.slice(name.length + at));
		if (type !== undefined) return { member: key.slice(at), type };
	}
	return undefined;
}

/** A member with its sibling as items, each boxed with its type. */
function typedElement(value: unknown, sibling: unknown, type: string): Items {
	if (!Array.isArray(value) && !Array.isArray(sibling)) return boxed(value, sibling, type);
	return severalOf(value, sibling, (one, beside) => boxed(one, beside, type));
}

/** A member with its sibling as items, boxed only when there is a sibling. */
function element(value: unknown, sibling: unknown, type: string | undefined): Items {
	if (sibling === undefined || sibling === null) return tidy(value);
	if (!Array.isArray(value) && !Array.isArray(sibling)) return boxed(value, sibling, type);
	return severalOf(value, sibling, (one, beside) => boxed(one, beside, beside === undefined || beside === null ? undefined : type));
}

function severalOf(value: unknown, sibling: unknown, item: (value: unknown, sibling: unknown) => unknown): Items {
	const values = Array.isArray(value) ? value : value === undefined ? [] : [value];
	const siblings = Array.isArray(sibling) ? sibling : [];
	const found: unknown[] = [];
	for (let i = 0; i < Math.max(values.length, siblings.length); i++) {
		const one = item(values[i], siblings[i]);
		if (one !== undefined) found.push(one);
	}
	return packed(found);
}

/** Every child of an item; with a model, of an item whose type is known, each with its type. */
export function childrenOf(item: unknown, model: TypeModel | undefined, known: string | undefined): Items {
	const holder = holderOf(item);
	if (holder === undefined) return undefined;
	const parent = model === undefined ? undefined : (typeOf(item) ?? known);
	const keys = Object.keys(holder);
	const siblings = keys.some(isSibling);
	const found: unknown[] = [];
	for (const key of keys) {
		if (key === 'resourceType' || (isSibling(key) && Object.hasOwn(holder, key.slice(1)))) continue;
		const name = isSibling(key) ? key.slice(1) : key;
		const sibling = siblings ? holder[`_${name}`] : undefined;
		const type = model === undefined || parent === undefined ? undefined : memberType(model, parent, name);
		append(found, type === undefined ? element(holder[name], sibling, undefined) : typedElement(holder[name], sibling, type));
	}
	return packed(found);
}

function isSibling(key: string): boolean {
	return key.charCodeAt(0) === 95;
}

/** How many children an item has. */
export function countChildren(item: unknown): number {
	const holder = holderOf(item);
	if (holder === undefined) return 0;
	let count = 0;
	for (const key of Object.keys(holder)) {
		if (isSibling(key)) return sizeOf(childrenOf(item, undefined, undefined));
		if (key !== 'resourceType') count += sizeOf(tidy(holder[key]));
	}
	return count;
}

const memberTypes = new WeakMap<TypeModel, Map<string, Map<string, string | undefined>>>();

/** The type of what a JSON member holds. What is known of the members that definitions know is remembered. */
function memberType(model: TypeModel, parent: string, member: string): string | undefined {
	let byParent = memberTypes.get(model);
	if (byParent === undefined) {
		byParent = new Map();
		memberTypes.set(model, byParent);
	}
	let byMember = byParent.get(parent);
	if (byMember?.has(member)) return byMember.get(member);
	const found = findMemberType(model, parent, member);
	if (found === undefined) return undefined;
	if (byMember === undefined) {
		byMember = new Map();
		byParent.set(parent, byMember);
	}
	byMember.set(member, found.type);
	return found.type;
}

/** The element's type, or that of a choice by its ending; undefined for a member of no element. */
function findMemberType(model: TypeModel, parent: string, member: string): { readonly type: string | undefined } | undefined {
	const info = model.elementInfo(parent, member);
	if (info !== undefined) {
		const [type] = info.types;
		return { type: info.choice || info.types.length !== 1 || type === undefined || isAbstract(type) ? undefined : type };
	}
	for (let i = 1; i < member.length; i++) {
		const code = member.charCodeAt(i);
		if (code < 65 || code > 90) continue;
		const type = typeBySuffix.get(member.slice(i));
		if (type !== undefined && model.elementInfo(parent, member.slice(0, i))?.choice === true) return { type };
	}
	return undefined;
}
