// FHIR and System types: names, ancestors, and what type an item is as far as the model and plain JSON can tell.
import { Amount, isPrimitive, suffixOf, Temporal, Typed, typeBySuffix } from './values.ts';

/** What the compiler asks about elements; `Definitions` is one. */
export type TypeModel = {
	readonly elementInfo: (
		typeName: string,
		element: string,
	) => { readonly types: readonly string[]; readonly max: '1' | '*'; readonly choice: boolean } | undefined;
};

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

/** Whether the name says too little to look elements up in the model. */
export function isAbstract(type: string): boolean {
	return abstract.has(type);
}

/** Whether something of type `actual` is a `wanted`, both FHIR type names. */
export function isSubtype(actual: string, wanted: string): boolean {
	if (actual === wanted) return true;
	if (wanted === 'Element') return !abstract.has(actual) || actual === 'BackboneElement';
	if (wanted === 'BackboneElement') return actual.includes('.');
	return parents[actual] === wanted;
}

const systemTypes = new Set(['Boolean', 'String', 'Integer', 'Long', 'Decimal', 'Date', 'DateTime', 'Time', 'Quantity', 'Any']);

/** Whether a type specifier names a type at all. */
export function isKnownType(name: string): boolean {
	const bare = name.replace(/^(FHIR|System)\./, '');
	return isPrimitive(bare) || systemTypes.has(bare) || /^[A-Z][A-Za-z]*$/.test(bare);
}

/**
 * Whether an item is of the type that a specifier names. `known` is the FHIR or System type the compiler knows the item to have when the item
 * itself does not say. A name without namespace is looked for in FHIR first, then in System.
 */
export function isType(item: unknown, specifier: string, known?: string): boolean {
	const [namespace, name] = split(specifier);
	const actual = typeOf(item) ?? known;
	if (actual !== undefined) return isNamed(actual, namespace, name);
	const value = item instanceof Typed ? item.value : item;
	if (value !== null && typeof value === 'object') return namespace !== 'System' && looksLike(value as Record<string, unknown>, name);
	return isValueLike(value, name);
}

function split(specifier: string): [string | undefined, string] {
	const dot = specifier.indexOf('.');
	const namespace = specifier.slice(0, dot);
	return namespace === 'FHIR' || namespace === 'System' ? [namespace, specifier.slice(dot + 1)] : [undefined, specifier];
}

function isNamed(actual: string, namespace: string | undefined, name: string): boolean {
	if (actual.startsWith('System.')) return namespace !== 'FHIR' && actual.slice(7) === name;
	if (namespace === 'System') return false;
	if (name === 'Resource') return isResourceName(actual);
	if (name === 'DomainResource') return isResourceName(actual) && !notDomain.has(actual);
	return isSubtype(actual, name);
}

function isResourceName(actual: string): boolean {
	return /^[A-Z]\w*$/.test(actual) && !typeBySuffix.has(actual) && actual !== 'Extension' && actual !== 'Narrative';
}

/** The type an item carries itself: by its box, its resourceType, or by being of the language. */
export function typeOf(item: unknown): string | undefined {
	if (item instanceof Typed) return item.type ?? typeOf(item.value);
	if (item instanceof Temporal) return `System.${item.kind}`;
	if (item instanceof Amount) return 'System.Quantity';
	const named = item !== null && typeof item === 'object' ? (item as { resourceType?: unknown }).resourceType : undefined;
	return typeof named === 'string' ? named : undefined;
}

const shapes: Readonly<Record<string, RegExp>> = {
	date: /^\d{4}(-\d\d(-\d\d)?)?$/,
	dateTime: /^\d{4}(-\d\d(-\d\d(T.*)?)?)?$/,
	instant: /^\d{4}-\d\d-\d\dT/,
	time: /^\d\d:\d\d/,
};

function isValueLike(value: unknown, name: string): boolean {
	if (typeof value === 'boolean') return name === 'boolean' || name === 'Boolean';
	if (typeof value === 'number')
		return Number.isInteger(value) ? /^(integer|Integer|positiveInt|unsignedInt)$/.test(name) : /^(decimal|Decimal)$/.test(name);
	if (typeof value !== 'string') return false;
	const lower = (name[0] as string).toLowerCase() + name.slice(1);
	const shape = shapes[lower];
	if (shape !== undefined) return shape.test(value);
	return name === 'String' || (isPrimitive(name) && !/^(boolean|integer|decimal|positiveInt|unsignedInt)$/.test(name));
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
	const expected = members[name];
	if (expected === undefined) return false;
	for (const key of Object.keys(object)) {
		if (key !== 'id' && key !== 'extension' && !expected.has(key.startsWith('_') ? key.slice(1) : key)) return false;
	}
	return true;
}

/** Name and type of a JSON member of a choice element, e.g. `valueQuantity` of `value`; undefined when it is none. */
export function choiceType(member: string, element: string): string | undefined {
	return member.length > element.length && member.startsWith(element) ? typeBySuffix.get(member.slice(element.length)) : undefined;
}

/** JSON members of a choice element with their types. */
export function choiceMembers(element: string, types: readonly string[]): ReadonlyMap<string, string> {
	return new Map(types.map((type) => [element + suffixOf(type), type]));
}
