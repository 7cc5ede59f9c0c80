// Types and fields of FHIR as GraphQL sees them, asked of the definitions one by one. A type is called as in the definitions: `Patient`,
// `HumanName`, `Patient.contact`, and a primitive by its lower-case name; what a search gives is `PatientConnection` and `PatientEdge`.
import type { Definitions } from '#fhir/definitions/definitions.ts';
import { suffixOf } from '#fhir/path/values.ts';

export type Field = { readonly type: string; readonly list: boolean };

/** Whether values of the type have no fields of their own. */
export function isLeaf(type: string): boolean {
	return /^[a-z]/.test(type);
}

const connection: Readonly<Record<string, Field>> = {
	count: { type: 'integer', list: false },
	offset: { type: 'integer', list: false },
	pagesize: { type: 'integer', list: false },
	first: { type: 'id', list: false },
	previous: { type: 'id', list: false },
	next: { type: 'id', list: false },
	last: { type: 'id', list: false },
};

const edge: Readonly<Record<string, Field>> = { mode: { type: 'code', list: false }, score: { type: 'decimal', list: false } };

/** Name of the types of a search's result. */
export function connectionOf(type: string): string {
	return `${type}Connection`;
}

/** The type and kind of a field that searches, such as PatientList. */
export function searchedIn(
	definitions: Definitions,
	name: string,
): { readonly type: string; readonly kind: 'List' | 'Connection' } | undefined {
	const [, type, kind] = /^([A-Z][A-Za-z]*?)(List|Connection)$/.exec(name) ?? [];
	return type !== undefined && definitions.isResourceType(type) ? { type, kind: kind as 'List' } : undefined;
}

/** Whether a fragment may name this type. */
export function isTypeName(definitions: Definitions, name: string): boolean {
	const searched = /^(.+)(Connection|Edge)$/.exec(name)?.[1];
	if (searched !== undefined && definitions.isResourceType(searched)) return true;
	return name === 'QueryType' || name.startsWith('__') || typeNamed(definitions, name) !== undefined;
}

/** A field of a type, by its JSON name; undefined when there is none. */
export function fieldOf(definitions: Definitions, type: string, name: string): Field | undefined {
	const [, searched, part] = /^([A-Z][A-Za-z]*)(Connection|Edge)$/.exec(type) ?? [];
	if (searched !== undefined && definitions.isResourceType(searched)) {
		if (part === 'Edge') return name === 'resource' ? { type: searched, list: false } : own(edge, name);
		return name === 'edges' ? { type: `${searched}Edge`, list: true } : own(connection, name);
	}
	if (name === 'resourceType') return definitions.isResourceType(type) ? { type: 'code', list: false } : undefined;
	if (name.startsWith('_')) {
		const bare = elementOf(definitions, type, name.slice(1));
		return bare !== undefined && isLeaf(bare.type) && bare.type !== 'xhtml' ? { type: 'Element', list: bare.list } : undefined;
	}
	return elementOf(definitions, type, name);
}

function own(fields: Readonly<Record<string, Field>>, name: string): Field | undefined {
	return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function elementOf(definitions: Definitions, type: string, name: string): Field | undefined {
	const info = definitions.elementInfo(type, name);
	if (info !== undefined && !info.choice && info.types[0] !== undefined) return { type: info.types[0], list: info.max === '*' };
	// valueQuantity is the choice `value` as a Quantity.
	for (let end = name.length - 1; end > 0; end--) {
		if (!/[A-Z]/.test(name[end] as string)) continue;
		const choice = definitions.elementInfo(type, name.slice(0, end));
		if (choice?.choice !== true) continue;
		const chosen = choice.types.find((one) => suffixOf(one) === name.slice(end));
		if (chosen !== undefined) return { type: chosen, list: false };
	}
	return undefined;
}

/** All fields of a type that is made of elements, in the order of the definitions. */
export function fieldsOf(definitions: Definitions, type: string): [name: string, field: Field][] {
	const names = childNames(definitions, type).flatMap((name) => {
		const info = definitions.elementInfo(type, name);
		return info?.choice === true ? info.types.map((one) => name + suffixOf(one)) : [name];
	});
	return names.flatMap((name) => {
		const field = elementOf(definitions, type, name);
		return field === undefined ? [] : [[name, field] as [string, Field]];
	});
}

function childNames(definitions: Definitions, type: string): string[] {
	const elements = definitions.structure(type.split('.')[0] as string)?.elements ?? [];
	const names = elements.flatMap(({ path, slice }) => {
		const dot = path.lastIndexOf('.');
		return slice === undefined && dot >= 0 && path.slice(0, dot) === type ? [path.slice(dot + 1).replace('[x]', '')] : [];
	});
	return [...new Set(names)];
}

/** The GraphQL name of a type: `PatientContact` for `Patient.contact`. */
export function nameOf(type: string): string {
	return type
		.split('.')
		.map((part) => part[0]?.toUpperCase() + part.slice(1))
		.join('');
}

/** The type with elements that has this GraphQL name; undefined when there is none. */
export function typeNamed(definitions: Definitions, name: string): string | undefined {
	const structure = definitions.structure(name);
	if (structure !== undefined)
		return structure.kind !== 'primitive-type' && structure.name === name && structure.derivation !== 'constraint' ? name : undefined;
	for (let end = name.length - 1; end > 0; end--) {
		if (!/[A-Z]/.test(name[end] as string)) continue;
		const outer = typeNamed(definitions, name.slice(0, end));
		if (outer === undefined) continue;
		const inner = name[end]?.toLowerCase() + name.slice(end + 1);
		const field = elementOf(definitions, outer, inner);
		if (field?.type === `${outer}.${inner}`) return field.type;
	}
	return undefined;
}
