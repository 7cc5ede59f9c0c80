// Whether an item is of a FHIR or System type, as far as plain JSON can tell.
import { Amount, Temporal, Typed } from './values.ts';

const stringTypes = new Set(['string', 'uri', 'url', 'canonical', 'code', 'id', 'oid', 'uuid', 'markdown', 'base64Binary', 'String']);
const uriTypes = new Set(['url', 'canonical', 'oid', 'uuid']);
const stringSubtypes = new Set(['code', 'id', 'markdown']);
const integerSubtypes = new Set(['unsignedInt', 'positiveInt']);
const quantityTypes = new Set(['Age', 'Count', 'Distance', 'Duration', 'SimpleQuantity', 'MoneyQuantity']);
const notDomain = new Set(['Bundle', 'Binary', 'Parameters']);

/** Whether `item` is of the type; names may have the prefix `FHIR.` or `System.`. */
export function isType(item: unknown, name: string): boolean {
	const type = name.replace(/^(FHIR|System)\./, '');
	if (item instanceof Typed) {
		if (item.type !== undefined)
			return item.type === type || isSubtype(item.type, type) || (name.startsWith('System.') && isValueType(item.value, type));
		return isType(item.value ?? '', name);
	}
	if (item instanceof Temporal)
		return type === 'date' || type === 'dateTime' || type === 'time' || type === 'Date' || type === 'DateTime' || type === 'Time';
	if (item instanceof Amount) return type === 'Quantity';
	if (item !== null && typeof item === 'object') return isObjectType(item as Record<string, unknown>, type);
	return isValueType(item, type);
}

function isSubtype(actual: string, type: string): boolean {
	if (type === 'uri') return uriTypes.has(actual);
	if (type === 'string') return stringSubtypes.has(actual);
	if (type === 'integer') return integerSubtypes.has(actual);
	return type === 'Quantity' && quantityTypes.has(actual);
}

function isValueType(value: unknown, type: string): boolean {
	if (typeof value === 'boolean') return type === 'boolean' || type === 'Boolean';
	if (typeof value === 'number')
		return Number.isInteger(value)
			? /^(integer|Integer|decimal|Decimal|positiveInt|unsignedInt)$/.test(type) && !(type === 'decimal' || type === 'Decimal')
			: /^(decimal|Decimal)$/.test(type);
	if (typeof value !== 'string') return false;
	if (stringTypes.has(type)) return true;
	if (type === 'date' || type === 'Date') return /^\d{4}(-\d\d(-\d\d)?)?$/.test(value);
	if (type === 'dateTime' || type === 'DateTime' || type === 'instant') return /^\d{4}(-\d\d(-\d\d(T.*)?)?)?$/.test(value);
	if (type === 'time' || type === 'Time') return /^\d\d:\d\d/.test(value);
	return false;
}

/** Members that tell a complex datatype apart when nothing names it. */
const shapes: Readonly<Record<string, readonly string[]>> = {
	Reference: ['reference', 'identifier', 'display', 'type'],
	CodeableConcept: ['coding', 'text'],
	Coding: ['system', 'version', 'code', 'display', 'userSelected'],
	Quantity: ['value', 'comparator', 'unit', 'system', 'code'],
	Period: ['start', 'end'],
	Identifier: ['use', 'type', 'system', 'value', 'period', 'assigner'],
	HumanName: ['use', 'text', 'family', 'given', 'prefix', 'suffix', 'period'],
	Range: ['low', 'high'],
};

function isObjectType(object: Record<string, unknown>, type: string): boolean {
	const { resourceType } = object;
	if (typeof resourceType === 'string')
		return resourceType === type || type === 'Resource' || (type === 'DomainResource' && !notDomain.has(resourceType));
	const members = shapes[type];
	return (
		members !== undefined &&
		Object.keys(object).every((key) => key === 'id' || key === 'extension' || members.includes(key.replace(/^_/, '')))
	);
}
