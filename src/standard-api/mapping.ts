// A record of the Standard API as a view of a FHIR resource: a table of fields, each with its place in the resource. Pure.
import type { Resource } from '#fhir/resource.ts';
import { type Codec, codecs, type Kind } from './codec.ts';
import { at, type Place, type Step, which } from './place.ts';
import { readerOf } from './reading.ts';

/** What a value has to be; checked by rules.ts. */
export type Rules = {
	readonly required?: true;
	/** Required of changes too. */
	readonly always?: true;
	/** Characters, the least and the most. */
	readonly length?: readonly [number, number];
	readonly numeric?: true;
	readonly form?: 'email' | 'url' | 'time' | 'instant';
	/** The values there are; or the name of a list, whose options they are. */
	readonly oneOf?: readonly string[] | { readonly list: string };
};

/** How a list is filtered by the field. */
export type Filter = {
	/** The FHIR search parameter, with its modifier; absent when there is none. */
	readonly param?: string;
	/** The parameter finds more than is meant: the record has the last word. */
	readonly isLoose?: true;
	/** A part of the value is enough. */
	readonly part?: true;
	/** The value for the search, from that of the record; the codec's when absent. */
	readonly value?: (text: string) => string;
};

export type Field = {
	/** OpenEMR's name of it. */
	readonly name: string;
	readonly kind: Kind;
	readonly place: Place;
	readonly codec: Codec;
	readonly rules: Rules;
	readonly isReadOnly?: true;
	readonly filter?: Filter;
	/** The FHIR search parameter it is sorted by. */
	readonly sort?: string;
	/** Of a reference: to what, and whether its number or its UUID is shown. */
	readonly to?: readonly string[];
	readonly as?: 'number' | 'uuid';
	/** A remark for docs/standard-api.md. */
	readonly note?: string;
};

export type FieldOptions = Rules & {
	readonly kind?: Kind;
	readonly codec?: Codec;
	readonly isReadOnly?: true;
	readonly filter?: Filter;
	readonly sort?: string;
	readonly to?: readonly string[];
	readonly as?: 'number' | 'uuid';
	readonly note?: string;
};

export type Mapping = {
	/** The name of the resource in paths, scopes and extensions. */
	readonly resource: string;
	/** The FHIR type that its number and UUID are those of. */
	readonly type: string;
	/** Names under which the number and the UUID are shown. */
	readonly numbers: readonly string[];
	readonly uuids: readonly string[];
	readonly fields: readonly Field[];
	/** What a new one has before its fields are put in. */
	readonly make: () => Resource;
	/** Puts right what hangs on several fields, when something was changed. */
	readonly finish?: (draft: Resource) => void;
	/** Tells a new one its number. */
	readonly numbered?: (draft: Resource, number: number) => void;
	/** The profile to claim when the resource meets it. */
	readonly profile?: string;
};

/** Values by field; what is empty is undefined. References are texts such as "Organization/1". */
export type Values = Readonly<Record<string, unknown>>;

/** A field at a place. */
export function field(name: string, place: Place, options: FieldOptions = {}): Field {
	const {
		kind = options.to === undefined ? 'text' : 'reference',
		codec = codecs[kind],
		isReadOnly,
		filter,
		sort,
		to,
		as,
		note,
		...rules
	} = options;
	return {
		name,
		kind,
		place,
		codec,
		rules,
		...(isReadOnly === undefined ? {} : { isReadOnly }),
		...(filter === undefined ? {} : { filter }),
		...(sort === undefined ? {} : { sort }),
		...(to === undefined ? {} : { to, as: as ?? 'number' }),
		...(note === undefined ? {} : { note }),
	};
}

/** Where extensions of our own are defined: https://hl7.org/fhir/R4/extensibility.html */
export const extensionBase = 'https://heron-ehr.org/fhir/StructureDefinition';

const valueElement: Readonly<Record<Kind, readonly string[]>> = {
	text: ['valueString'],
	integer: ['valueInteger'],
	decimal: ['valueDecimal'],
	flag: ['valueBoolean'],
	date: ['valueDate'],
	datetime: ['valueDateTime'],
	reference: ['valueReference', 'reference'],
	list: ['valueString'],
};

/** The place of what FHIR has no element for: an extension of the resource named after the field, or of an element of it. */
export function extensionAt(resource: string, name: string, kind: Kind = 'text', inside: readonly Step[] = []): Place {
	const url = `${extensionBase}/openemr-${resource}-${name}`;
	return at(...inside, 'extension', which({ url }), ...valueElement[kind]);
}

/** A field that FHIR has no element for. */
export function extra(resource: string, name: string, options: FieldOptions = {}): Field {
	return field(name, extensionAt(resource, name, options.kind ?? (options.to === undefined ? 'text' : 'reference')), options);
}

/** Several texts of that sort. */
export function extras(resource: string, names: string): Field[] {
	return names.split(/\s+/).map((name) => extra(resource, name));
}

/** The time of the last change, as a field. */
export const lastUpdated: Field = field('last_updated', at('meta', 'lastUpdated'), {
	kind: 'datetime',
	isReadOnly: true,
	sort: '_lastUpdated',
});

/** What a resource holds of the fields. */
export function valuesOf(fields: readonly Field[], resource: object): Record<string, unknown> {
	const found = readerOf(fields)(resource);
	const values: Record<string, unknown> = {};
	for (const [i, { name }] of fields.entries()) values[name] = found[i];
	return values;
}

/** A value as it is shown: empty texts are "", other empty fields null. */
export function shownOf({ kind }: Field, value: unknown): unknown {
	return value ?? (kind === 'text' ? '' : kind === 'list' ? [] : null);
}

/**
 * Puts values into a resource. Only fields that are sent and differ from what the resource shows of them are touched, so that nothing a
 * record does not show, or shows more coarsely, is lost. The draft is changed; says whether anything was.
 */
export function revise({ fields, finish }: Pick<Mapping, 'fields' | 'finish'>, draft: Resource, sent: Values): boolean {
	const changed = changedFields(fields, draft, sent);
	for (const { name, place, codec } of changed) {
		const value = sent[name];
		place.set(draft, value === undefined ? undefined : codec.keep(value));
	}
	if (changed.length > 0) finish?.(draft);
	return changed.length > 0;
}

/** The fields that the values would change. */
export function changedFields(fields: readonly Field[], resource: object, sent: Values): Field[] {
	const before = valuesOf(fields, resource);
	return fields.filter(
		({ name, isReadOnly }) => isReadOnly === undefined && Object.hasOwn(sent, name) && !isSame(before[name], sent[name]),
	);
}

export function isSame(a: unknown, b: unknown): boolean {
	return a === b || (typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b));
}
