// What FHIRPath expressions work on: plain FHIR JSON, boxed only where JSON alone does not say enough (the type of a choice element, a
// primitive with extensions), and the dates and quantities of the language itself.

/** A value with its FHIR type, or a primitive with its `_sibling` (id, extension). */
export class Typed {
	readonly value: unknown;
	readonly type: string | undefined;
	readonly sibling: object | undefined;
	constructor(value: unknown, type: string | undefined, sibling: object | undefined) {
		this.value = value;
		this.type = type;
		this.sibling = sibling;
	}
}

export type TemporalKind = 'Date' | 'DateTime' | 'Time';

/** A date, dateTime or time literal, or one that was computed. */
export class Temporal {
	/** As FHIR writes it: `2020-02`, `2020-02-01T10:00:00Z`, `10:00`. */
	readonly text: string;
	readonly kind: TemporalKind;
	constructor(text: string, kind: TemporalKind) {
		this.text = text;
		this.kind = kind;
	}
	toString(): string {
		return this.text;
	}
}

/** A quantity literal or a computed quantity. `unit` is a UCUM code or, when `calendar`, a word such as `month`. */
export class Amount {
	readonly value: number;
	readonly unit: string;
	readonly calendar: boolean;
	constructor(value: number, unit: string, calendar = false) {
		this.value = value;
		this.unit = unit;
		this.calendar = calendar;
	}
	toString(): string {
		return this.calendar ? `${this.value} ${this.unit}` : `${this.value} '${this.unit}'`;
	}
}

/** The bare value of an item; undefined for a primitive that only has extensions. */
export function bare(item: unknown): unknown {
	return item instanceof Typed ? item.value : item;
}

/** What callers outside get: literals of the language in their JSON form. */
export function plain(item: unknown): unknown {
	const value = bare(item);
	if (value instanceof Temporal) return value.text;
	if (value instanceof Amount)
		return value.calendar
			? { value: value.value, unit: value.unit }
			: { value: value.value, unit: value.unit, system: 'http://unitsofmeasure.org', code: value.unit };
	return value ?? null;
}

/** The object that holds an item's children: itself, or the sibling of a primitive. */
export function holderOf(item: unknown): Record<string, unknown> | undefined {
	const holder = item instanceof Typed ? (item.value !== null && typeof item.value === 'object' ? item.value : item.sibling) : item;
	return holder === null || typeof holder !== 'object' || holder instanceof Temporal || holder instanceof Amount
		? undefined
		: (holder as Record<string, unknown>);
}

const primitiveTypes = [
	'base64Binary',
	'boolean',
	'canonical',
	'code',
	'date',
	'dateTime',
	'decimal',
	'id',
	'instant',
	'integer',
	'markdown',
	'oid',
	'positiveInt',
	'string',
	'time',
	'unsignedInt',
	'uri',
	'url',
	'uuid',
	'xhtml',
];

const complexTypes = [
	'Address',
	'Age',
	'Annotation',
	'Attachment',
	'CodeableConcept',
	'Coding',
	'ContactDetail',
	'ContactPoint',
	'Contributor',
	'Count',
	'DataRequirement',
	'Distance',
	'Dosage',
	'Duration',
	'Expression',
	'HumanName',
	'Identifier',
	'Meta',
	'Money',
	'ParameterDefinition',
	'Period',
	'Quantity',
	'Range',
	'Ratio',
	'Reference',
	'RelatedArtifact',
	'SampledData',
	'Signature',
	'Timing',
	'TriggerDefinition',
	'UsageContext',
];

const primitives: ReadonlySet<string> = new Set(primitiveTypes);

/** Whether a FHIR type name is that of a primitive type. */
export function isPrimitive(type: string): boolean {
	return primitives.has(type);
}

/** Suffix of a type name in a choice element: `dateTime` → `DateTime`. */
export function suffixOf(type: string): string {
	return (type[0] as string).toUpperCase() + type.slice(1);
}

/** Type by choice suffix, for all types that a choice element may have. */
export const typeBySuffix: ReadonlyMap<string, string> = new Map(
	[...primitiveTypes, ...complexTypes].map((type) => [suffixOf(type), type]),
);

/** One JSON member (with its primitive sibling) as items, boxed when `type` is given or a sibling is there. */
export function addValue(value: unknown, sibling: unknown, type: string | undefined, into: unknown[]): void {
	if (Array.isArray(value) || Array.isArray(sibling)) {
		const values = Array.isArray(value) ? value : [];
		const siblings = Array.isArray(sibling) ? sibling : [];
		const length = Math.max(values.length, siblings.length);
		for (let i = 0; i < length; i++) addOne(values[i], siblings[i], type, into);
	} else addOne(value, sibling, type, into);
}

function addOne(value: unknown, sibling: unknown, type: string | undefined, into: unknown[]): void {
	const item = boxed(value, sibling, type);
	if (item !== undefined) into.push(item);
}

/** An item of a value and its sibling; undefined when there is neither. */
export function boxed(value: unknown, sibling: unknown, type: string | undefined): unknown {
	if (sibling !== null && typeof sibling === 'object') return new Typed(value ?? undefined, type, sibling);
	if (value === undefined || value === null) return undefined;
	return type === undefined ? value : new Typed(value, type, undefined);
}
