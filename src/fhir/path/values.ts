// What FHIRPath expressions work on: plain FHIR JSON, boxed only where JSON alone does not say enough (the type of a choice element, a
// primitive with extensions), and the dates and quantities of the language itself.

/** What is not plain JSON; one class, so that one check tells. */
class Boxed {}

/** A value with its FHIR type, or a primitive with its `_sibling` (id, extension). */
export class Typed extends Boxed {
	readonly value: unknown;
	readonly type: string | undefined;
	readonly sibling: object | undefined;
	constructor(value: unknown, type: string | undefined, sibling: object | undefined) {
		super();
		this.value = value;
		this.type = type;
		this.sibling = sibling;
	}
}

export type TemporalKind = 'Date' | 'DateTime' | 'Time';

/** A date, dateTime or time literal, or one that was computed. */
export class Temporal extends Boxed {
	/** As FHIR writes it: `2020-02`, `2020-02-01T10:00:00Z`, `10:00`. */
	readonly text: string;
	readonly kind: TemporalKind;
	constructor(text: string, kind: TemporalKind) {
		super();
		this.text = text;
		this.kind = kind;
	}
	override toString(): string {
		return this.text;
	}
}

/** A quantity literal or a computed quantity. `unit` is a UCUM code or, when `calendar`, a word such as `month`. */
export class Amount extends Boxed {
	readonly value: number;
	readonly unit: string;
	readonly calendar: boolean;
	constructor(value: number, unit: string, calendar = false) {
		super();
		this.value = value;
		this.unit = unit;
		this.calendar = calendar;
	}
	override toString(): string {
		return this.calendar ? `${this.value} ${this.unit}` : `${this.value} '${this.unit}'`;
	}
}

/** The value of an item without its box; undefined for a primitive that only has extensions. */
export function bare(item: unknown): unknown {
	return item instanceof Typed ? item.value : item;
}

/** As bare, with a Decimal as its number. */
export function scalar(item: unknown): unknown {
	const value = item instanceof Typed ? item.value : item;
	return value instanceof Number ? value.valueOf() : value;
}

/** What callers outside get: literals of the language in their JSON form, null for a primitive without a value. */
export function plain(item: unknown): unknown {
	const value = bare(item);
	if (value instanceof Temporal) return value.text;
	if (value instanceof Amount)
		return value.calendar
			? { value: value.value, unit: value.unit }
			: { value: value.value, unit: value.unit, system: 'http://unitsofmeasure.org', code: value.unit };
	return value ?? null;
}

/** The JSON object that holds an item's children: itself, or the sibling of a primitive. */
export function holderOf(item: unknown): Record<string, unknown> | undefined {
	if (item === null || typeof item !== 'object') return undefined;
	if (item instanceof Boxed) {
		if (!(item instanceof Typed)) return undefined;
		const { value, sibling } = item;
		return ((isComplex(value) ? value : sibling) as Record<string, unknown> | undefined) ?? undefined;
	}
	return item instanceof Number ? undefined : (item as Record<string, unknown>);
}

/** Whether a bare value is of a complex type. */
export function isComplex(value: unknown): value is Record<string, unknown> {
	return value !== null && typeof value === 'object' && !(value instanceof Number) && !(value instanceof Boxed);
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

/** Choice elements of R4, for where no model tells which elements are. */
export const choiceNames: ReadonlySet<string> = new Set(
	(
		'abatement additive age allowed amount answer asNeeded author born bounds characteristic chargeItem code collected content created date ' +
		'deceased defaultValue definingSubstance definition detail diagnosis dose doseNumber due duration effective entity event example ' +
		'fastingStatus fixed identified indication instances item legallyBinding location manufacturer maxValue medication minValue ' +
		'minimumVolume module multipleBirth name occurred occurrence offset onset participantEffective pattern performed probability procedure ' +
		'product quantity rate reported scheduled seriesDoses serviced source start statusReason studyEffective subject substance target time ' +
		'timing topic used value when'
	).split(' '),
);

const others = [
	'Element',
	'BackboneElement',
	'ElementDefinition',
	'Extension',
	'MarketingStatus',
	'MoneyQuantity',
	'Narrative',
	'Population',
	'ProdCharacteristic',
	'ProductShelfLife',
	'SimpleQuantity',
	'SubstanceAmount',
];

const complexes: ReadonlySet<string> = new Set([...complexTypes, ...others]);

/** Whether a FHIR type name is that of a resource. */
export function isResourceName(name: string): boolean {
	return /^[A-Z]\w*$/.test(name) && !complexes.has(name);
}

/** An item of a value and its sibling, boxed when `type` is given or a sibling is there; undefined when there is neither. */
export function boxed(value: unknown, sibling: unknown, type: string | undefined): unknown {
	if (sibling !== null && typeof sibling === 'object' && !Array.isArray(sibling))
		return Array.isArray(value) ? undefined : new Typed(value ?? undefined, type, sibling);
	if (value === undefined || value === null || Array.isArray(value)) return undefined;
	return type === undefined ? value : new Typed(value, type, undefined);
}
