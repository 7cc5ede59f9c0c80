// FHIR and System types: names, ancestors, and what type an item is as far as the model and plain JSON can tell.
import { Amount, bare, isPrimitive, isResourceName, scalar, Temporal, Typed } from './values.ts';

/** What the compiler asks about elements; `Definitions` is one. */
export type TypeModel = {
	/** What an element may hold: `typeName` is a type or a backbone path such as `Patient.contact`, `element` without `[x]`. */
	readonly elementInfo: (
		typeName: string,
		element: string,
	) => { readonly types: readonly string[]; readonly max: '1' | '*'; readonly choice: boolean } | undefined;
};

/**
 * The types that the items of an expression may have, e.g. `code`, `Patient.contact`, `System.Boolean`. One: every item is of it unless it says
 * otherwise itself. Several or undefined: the items tell, by their box, their resourceType or their shape.
 */
export type Types = readonly string[] | undefined;

const parents: Readonly<Record<string, string>> = {
	code: 'string',
	id: 'string',
	markdown: 'string',
	url: 'uri',
	canonical: 'uri',
	oid: 'uri',
	uuid: 'uri',
	unsignedInt: 'integer',
	positiveInt: 'integer',
	Age: 'Quantity',
	Count: 'Quantity',
	Distance: 'Quantity',
	Duration: 'Quantity',
	SimpleQuantity: 'Quantity',
	MoneyQuantity: 'Quantity',
};

const notDomain = new Set(['Bundle', 'Binary', 'Parameters']);
const abstract = new Set(['Resource', 'DomainResource', 'Element', 'BackboneElement']);
const systemTypes = new Set(['Boolean', 'String', 'Integer', 'Decimal', 'Date', 'DateTime', 'Time', 'Quantity', 'Any']);

/** The type of the language that a FHIR primitive becomes (https://hl7.org/fhir/R4/fhirpath.html#types). */
const systemOf: Readonly<Record<string, string>> = {
	boolean: 'Boolean',
	integer: 'Integer',
	unsignedInt: 'Integer',
	positiveInt: 'Integer',
	decimal: 'Decimal',
	date: 'Date',
	dateTime: 'DateTime',
	instant: 'DateTime',
	time: 'Time',
	string: 'String',
	xhtml: 'String',
	base64Binary: 'String',
};

/** Whether the name says too little to look elements up in the model. */
export function isAbstract(type: string): boolean {
	return abstract.has(type);
}

/** The one type of all items, when it is known and says enough. */
export function certain(types: Types): string | undefined {
	const type = types?.length === 1 ? types[0] : undefined;
	return type === undefined || abstract.has(type) ? undefined : type;
}

/** Types of a collection made of two. */
export function bothTypes(a: Types, b: Types): Types {
	return a === undefined || b === undefined ? undefined : [...new Set([...a, ...b])];
}

/** A type specifier, https://hl7.org/fhirpath/N1/#type-specifier; without namespace FHIR is meant first, then System. */
export type Specifier = { readonly namespace: 'FHIR' | 'System' | undefined; readonly name: string };

/** The specifier of a text such as `Quantity` or `System.String`; undefined when it names no type. */
export function specifierOf(text: string): Specifier | undefined {
	const dot = text.indexOf('.');
	const prefix = text.slice(0, Math.max(dot, 0));
	const namespace = prefix === 'FHIR' || prefix === 'System' ? prefix : undefined;
	const name = namespace === undefined ? text : text.slice(dot + 1);
	const known = namespace === 'System' ? systemTypes.has(name) : isPrimitive(name) || /^[A-Z]\w*$/.test(name);
	return known ? { namespace, name } : undefined;
}

/**
 * Whether an item is of a type. `known` is the type the compiler knows the item to have where the item does not say itself. A System type without
 * its namespace also takes the FHIR primitives that become it: R4's own definitions say `answer is Boolean` and `value.ofType(DateTime)`.
 */
export function isType(item: unknown, specifier: Specifier, known?: string): boolean {
	const type = typeOf(item) ?? known;
	if (type !== undefined && !abstract.has(type)) return isNamed(type, specifier);
	const value = scalar(item);
	if (value === null || typeof value !== 'object') return isValueLike(value, specifier, item);
	return specifier.namespace !== 'System' && (specifier.name === 'Element' || looksLike(value as Record<string, unknown>, specifier.name));
}

/** Whether what is of type `actual` is of the type the specifier names. */
export function isNamed(actual: string, { namespace, name }: Specifier): boolean {
	if (actual.startsWith('System.')) return namespace !== 'FHIR' && (actual.slice(7) === name || name === 'Any');
	if (namespace === 'System') return false;
	if (actual === name || parents[actual] === name) return true;
	if (name === 'Resource') return isResourceName(actual);
	if (name === 'DomainResource') return isResourceName(actual) && !notDomain.has(actual);
	if (name === 'Element') return !isResourceName(actual);
	if (name === 'BackboneElement') return actual.includes('.');
	return namespace === undefined && systemName(actual) === name;
}

/** The System type of a FHIR primitive type, without its namespace. */
function systemName(type: string): string | undefined {
	return systemOf[type] ?? (isPrimitive(type) ? 'String' : undefined);
}

/** The type an item carries itself: by its box, its resourceType, or by being of the language. */
export function typeOf(item: unknown): string | undefined {
	if (item === null || typeof item !== 'object') return undefined;
	if (item instanceof Typed) return item.type ?? typeOf(item.value);
	if (item instanceof Temporal) return `System.${item.kind}`;
	if (item instanceof Amount) return 'System.Quantity';
	if (item instanceof Number) return undefined;
	const named = (item as { resourceType?: unknown }).resourceType;
	return typeof named === 'string' ? named : undefined;
}

const shapes: Readonly<Record<string, RegExp>> = {
	date: /^\d{4}(-\d\d(-\d\d)?)?$/,
	dateTime: /^\d{4}(-\d\d(-\d\d(T.*)?)?)?$/,
	instant: /^\d{4}-\d\d-\d\dT/,
	time: /^\d\d:\d\d/,
};

function isValueLike(value: unknown, { namespace, name }: Specifier, item: unknown): boolean {
	const system = namespace !== 'FHIR' && systemTypes.has(name);
	const type = system ? (name[0] as string).toLowerCase() + name.slice(1) : name;
	if (namespace === 'System' && !system) return false;
	if (typeof value === 'boolean') return type === 'boolean';
	if (typeof value === 'number') {
		// What was written with a point or an exponent comes as an object.
		const whole = Number.isInteger(value) && !(bare(item) instanceof Number);
		return whole ? type === 'integer' || parents[type] === 'integer' : type === 'decimal';
	}
	if (typeof value !== 'string') return false;
	const shape = Object.hasOwn(shapes, type) ? shapes[type] : undefined;
	return shape === undefined ? isPrimitive(type) && systemName(type) === 'String' : shape.test(value);
}

/** Members that tell a complex datatype apart when nothing names it. */
const members: Readonly<Record<string, ReadonlySet<string>>> = {
	Reference: new Set(['reference', 'identifier', 'display', 'type']),
	CodeableConcept: new Set(['coding', 'text']),
	Coding: new Set(['system', 'version', 'code', 'display', 'userSelected']),
	Quantity: new Set(['value', 'comparator', 'unit', 'system', 'code']),
	Period: new Set(['start', 'end']),
	Identifier: new Set(['use', 'type', 'system', 'value', 'period', 'assigner']),
	HumanName: new Set(['use', 'text', 'family', 'given', 'prefix', 'suffix', 'period']),
	Range: new Set(['low', 'high']),
};

function looksLike(object: Record<string, unknown>, name: string): boolean {
	const expected = Object.hasOwn(members, name) ? members[name] : undefined;
	if (expected === undefined) return false;
	for (const key of Object.keys(object)) {
		if (key !== 'id' && key !== 'extension' && !expected.has(key.startsWith('_') ? key.slice(1) : key)) return false;
	}
	return true;
}

/** Whether strings of a type are dates or times, plain text, or could be either. */
export type Sort = 'temporal' | 'text' | undefined;

const temporals = new Set(['date', 'dateTime', 'instant', 'time', 'System.Date', 'System.DateTime', 'System.Time']);

/** What the strings of these types are. */
export function sortOf(types: Types): Sort {
	if (types === undefined || types.length === 0) return undefined;
	if (types.every((type) => temporals.has(type))) return 'temporal';
	return types.some((type) => temporals.has(type) || abstract.has(type)) ? undefined : 'text';
}

/** As sortOf, where an item's box may know better. */
export function sortOfItem(item: unknown, sort: Sort): Sort {
	return item instanceof Typed && item.type !== undefined ? (temporals.has(item.type) ? 'temporal' : 'text') : sort;
}
