// What FHIRPath expressions work on: plain FHIR JSON, boxed only where JSON alone does not say enough (the type of a choice element, a
// primitive with extensions, dates and quantities of the language itself).

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

/** A date, dateTime or time literal, or one that was computed. */
export class Temporal {
	readonly text: string;
	constructor(text: string) {
		this.text = text;
	}
	toString(): string {
		return this.text.replace(/^T(?=\d\d)/, '').replace(/T$/, '');
	}
}

/** A quantity literal. */
export class Amount {
	readonly value: number;
	readonly unit: string;
	constructor(value: number, unit: string) {
		this.value = value;
		this.unit = unit;
	}
}

/** The bare value of an item. */
export function bare(item: unknown): unknown {
	return item instanceof Typed ? item.value : item;
}

/** A choice element by its name without `[x]`: the JSON member that holds it, by type. */
const choiceTypes = [
	'Base64Binary',
	'Boolean',
	'Canonical',
	'Code',
	'Date',
	'DateTime',
	'Decimal',
	'Id',
	'Instant',
	'Integer',
	'Markdown',
	'Oid',
	'PositiveInt',
	'String',
	'Time',
	'UnsignedInt',
	'Uri',
	'Url',
	'Uuid',
	'Address',
	'Age',
	'Annotation',
	'Attachment',
	'CodeableConcept',
	'Coding',
	'ContactPoint',
	'Count',
	'Distance',
	'Duration',
	'HumanName',
	'Identifier',
	'Money',
	'Period',
	'Quantity',
	'Range',
	'Ratio',
	'Reference',
	'SampledData',
	'Signature',
	'Timing',
	'ContactDetail',
	'Contributor',
	'DataRequirement',
	'Expression',
	'ParameterDefinition',
	'RelatedArtifact',
	'TriggerDefinition',
	'UsageContext',
	'Dosage',
	'Meta',
	'Attachment',
] as const;

const primitiveNames = new Set(choiceTypes.slice(0, 19).map((name) => name as string));

/** FHIR type name of a choice suffix: `DateTime` → `dateTime`, `Quantity` → `Quantity`. */
export function typeOfSuffix(suffix: string): string {
	return primitiveNames.has(suffix) ? (suffix[0] as string).toLowerCase() + suffix.slice(1) : suffix;
}

/** Suffix of a type name in a choice element: `dateTime` → `DateTime`. */
export function suffixOf(type: string): string {
	return (type[0] as string).toUpperCase() + type.slice(1);
}

const membersOf = new Map<string, readonly (readonly [member: string, type: string])[]>();

/** The JSON members a choice element may have; worked out once for each of the few names there are. */
function choiceMembers(name: string): readonly (readonly [string, string])[] {
	let members = membersOf.get(name);
	if (members === undefined) {
		members = choiceTypes.map((suffix) => [name + suffix, typeOfSuffix(suffix)] as const);
		if (membersOf.size < 5000) membersOf.set(name, members);
	}
	return members;
}

/** Adds the children of `item` named `name` to `into`. */
export function children(item: unknown, name: string, into: unknown[]): void {
	const holder = item instanceof Typed ? (item.value !== null && typeof item.value === 'object' ? item.value : item.sibling) : item;
	if (holder === null || typeof holder !== 'object') return;
	const object = holder as Record<string, unknown>;
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

/** Adds one JSON member (with its primitive sibling) as items. */
export function addValue(value: unknown, sibling: unknown, type: string | undefined, into: unknown[]): void {
	if (Array.isArray(value) || Array.isArray(sibling)) {
		const values = (value ?? []) as unknown[];
		const siblings = (sibling ?? []) as unknown[];
		const length = Math.max(values.length, siblings.length);
		for (let i = 0; i < length; i++) addOne(values[i], siblings[i], type, into);
	} else addOne(value, sibling, type, into);
}

function addOne(value: unknown, sibling: unknown, type: string | undefined, into: unknown[]): void {
	const absent = value === undefined || value === null;
	if (sibling !== null && typeof sibling === 'object') into.push(new Typed(absent ? undefined : value, type, sibling));
	else if (absent) return;
	else into.push(type === undefined ? value : new Typed(value, type, undefined));
}

/** Adds every child of an item. */
export function allChildren(item: unknown, into: unknown[]): void {
	const holder = item instanceof Typed ? (item.value !== null && typeof item.value === 'object' ? item.value : item.sibling) : item;
	if (holder === null || typeof holder !== 'object' || holder instanceof Temporal || holder instanceof Amount) return;
	const object = holder as Record<string, unknown>;
	for (const name of Object.keys(object)) {
		if (name === 'resourceType') continue;
		if (name.startsWith('_')) {
			if (object[name.slice(1)] === undefined) addValue(undefined, object[name], undefined, into);
		} else addValue(object[name], object[`_${name}`], undefined, into);
	}
}

const temporalPattern = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:T(?:(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?)?(Z|[+-]\d\d:\d\d)?)?$/;
const timePattern = /^T?(\d\d)(?::(\d\d)(?::(\d\d)(?:\.(\d+))?)?)?$/;

/** A date, dateTime or time as numbers from the year (or hour) on, as far as it says, in UTC when it has a zone. */
export type Parts = { readonly time: boolean; readonly zoned: boolean; readonly values: readonly number[] };

/** The parts of a date text, undefined when it is none. */
export function temporalParts(text: string): Parts | undefined {
	const time = timePattern.exec(text);
	if (time !== null) return { time: true, zoned: false, values: seconds(time.slice(1)) };
	const match = temporalPattern.exec(text);
	if (match === null) return undefined;
	const zone = match[8];
	const values = seconds(match.slice(1, 8), true);
	if (zone === undefined || values.length < 5) return { time: false, zoned: zone !== undefined, values };
	const offset = zone === 'Z' ? 0 : (zone.startsWith('-') ? -1 : 1) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6)));
	const moved = new Date(Date.UTC(values[0] as number, (values[1] as number) - 1, values[2], values[3], (values[4] as number) - offset));
	const utc = [
		moved.getUTCFullYear(),
		moved.getUTCMonth() + 1,
		moved.getUTCDate(),
		moved.getUTCHours(),
		moved.getUTCMinutes(),
		...values.slice(5),
	];
	return { time: false, zoned: true, values: utc };
}

/** Numbers as far as given; seconds and their fraction are one number. */
function seconds(groups: readonly (string | undefined)[], date = false): number[] {
	const values: number[] = [];
	const fractionAt = date ? 6 : 3;
	for (const [index, group] of groups.entries()) {
		if (group === undefined || group === '') break;
		if (index === fractionAt) values[index - 1] = Number(`${values[index - 1]}.${group}`);
		else values.push(Number(group));
	}
	return values;
}

/** -1, 0 or 1; undefined when the precisions do not allow to say. */
export function compareTemporal(a: Parts, b: Parts): number | undefined {
	if (a.time !== b.time) return undefined;
	const length = Math.min(a.values.length, b.values.length);
	for (let i = 0; i < length; i++) {
		const x = a.values[i] as number;
		const y = b.values[i] as number;
		if (x !== y) return a.zoned !== b.zoned && Math.abs(x - y) <= 1 && i >= 2 ? undefined : x < y ? -1 : 1;
	}
	return a.values.length === b.values.length ? 0 : undefined;
}
