// The measurements of a vital record in the Observations that hold them: found, shown in a system of units, set and taken away. Pure.
import type { Resource } from '#fhir/resource.ts';
import { ucumSystem } from '#fhir/store/units.ts';
import { convert, type Measure, measures, type Sign, type Unit, type UnitSystem, unitNamed } from './vital-signs.ts';
import { copyOf } from './write.ts';

type Node = Record<string, unknown>;
type Coding = { system?: string; code?: string; display?: string };

/** What a client says of a measure: a number in a unit, or null for none. */
export type Measured = { readonly value: number; readonly unit: Unit } | null;

const loincSystem = 'http://loinc.org';
const absentSystem = 'http://terminology.hl7.org/CodeSystem/data-absent-reason';

function codingsOf(node: Node): readonly Coding[] {
	return (node.code as { coding?: Coding[] } | undefined)?.coding ?? [];
}

function componentsOf(observation: Resource): readonly Node[] {
	return (observation.component ?? []) as Node[];
}

/** Where a measure is: the Observation, and the part of it with the value (itself or a component). */
export type Slot = { readonly observation: Resource; readonly node: Node };

const byCode: ReadonlyMap<string, Measure> = new Map(
	measures.flatMap(({ measure }) => [measure.loinc, ...(measure.also ?? [])].map((code) => [code, measure] as const)),
);

/** The first place among the Observations of each measure that they hold. */
export function slotsOf(observations: readonly Resource[]): ReadonlyMap<Measure, Slot> {
	const slots = new Map<Measure, Slot>();
	for (const observation of observations)
		for (const node of [observation, ...componentsOf(observation)])
			for (const { system, code } of codingsOf(node)) {
				const measure = system === loincSystem ? byCode.get(code ?? '') : undefined;
				if (measure !== undefined && !slots.has(measure)) slots.set(measure, { observation, node });
			}
	return slots;
}

/** The place of one measure. */
export function slotOf(observations: readonly Resource[], measure: Measure): Slot | undefined {
	return slotsOf(observations).get(measure);
}

/** Whether the Observation holds any measure of a vital record. */
export function isVitalSign(observation: Resource): boolean {
	return slotsOf([observation]).size > 0;
}

/** The value in the unit; undefined when there is none, or in no unit of the measure's. */
export function valueIn(slot: Slot | undefined, measure: Measure, unit: Unit): number | undefined {
	const quantity = slot?.node.valueQuantity as { value?: unknown; unit?: string; code?: string } | undefined;
	if (quantity?.value === undefined) return undefined;
	const from = unitNamed(measure, quantity.code ?? quantity.unit);
	return from === undefined ? undefined : convert(Number(quantity.value), from, unit);
}

/** The value as records show it: text with six places, or as short as it is for what OpenEMR keeps as text. */
export function shownValue(value: number, { plain }: Measure): string {
	return plain === true ? String(Number(value.toFixed(6))) : value.toFixed(6);
}

/** The unit that a record shows a measure in. */
export function unitOf({ of }: Measure, system: UnitSystem): Unit {
	return system === 'us' ? of.us : of.metric;
}

/** What is the same for all Observations that a record makes: status, subject, encounter, time, performer. */
export type Frame = Readonly<Record<string, unknown>>;

export type Changed = {
	readonly kept: readonly Resource[];
	/** Altered, of those given. */
	readonly altered: readonly Resource[];
	readonly made: readonly Resource[];
	/** Those that say nothing any more, as they were. */
	readonly voided: readonly Resource[];
};

/**
 * The Observations with measures set or taken away. What else they hold stays; what is new has the frame. Nothing that is given is changed.
 */
export function withMeasures(observations: readonly Resource[], sent: ReadonlyMap<string, Measured>, frame: Frame): Changed {
	const copies = observations.map(copyOf);
	const made: Resource[] = [];
	const altered = new Set<Resource>();
	for (const { sign, measure } of measures) {
		const value = sent.get(measure.field);
		if (value === undefined) continue;
		const slot = slotOf([...copies, ...made], measure);
		if (value === null) {
			if (slot === undefined) continue;
			clear(slot, sign);
			altered.add(slot.observation);
		} else if (slot !== undefined) {
			fill(slot.node, measure, value);
			altered.add(slot.observation);
		} else altered.add(place([...copies, ...made], made, sign, measure, value, frame));
	}
	const isEmpty = (one: Resource): boolean => altered.has(one) && !hasValue(one);
	return {
		kept: copies.filter((one) => !altered.has(one)),
		altered: copies.filter((one) => altered.has(one) && !isEmpty(one)),
		made: made.filter((one) => !isEmpty(one)),
		voided: observations.filter((_, i) => isEmpty(copies[i] as Resource)),
	};
}

function fill(node: Node, measure: Measure, { value, unit }: { value: number; unit: Unit }): void {
	delete node.dataAbsentReason;
	for (const name of Object.keys(node)) if (/^_?value[A-Z]/.test(name) && name !== 'valueQuantity') delete node[name];
	const { comparator: _, ...former } = (node.valueQuantity ?? {}) as { code?: string; unit?: string; comparator?: string };
	// "beats/min" and the like: other words for the same unit stay.
	const same = unitNamed(measure, former.code ?? former.unit) === unit;
	node.valueQuantity = { ...(same ? former : {}), value, ...(same ? {} : { unit: unit.name, system: ucumSystem, code: unit.code }) };
}

function clear({ observation, node }: Slot, sign: Sign): void {
	delete node.valueQuantity;
	if (node === observation) return;
	if (sign.wants === true) node.dataAbsentReason = absent();
	else {
		observation.component = componentsOf(observation).filter((one) => one !== node);
		if (componentsOf(observation).length === 0) delete observation.component;
	}
}

/** Puts a measure that has no place yet where it belongs, making the Observation when there is none; gives the Observation. */
function place(
	all: readonly Resource[],
	made: Resource[],
	sign: Sign,
	measure: Measure,
	value: { value: number; unit: Unit },
	frame: Frame,
): Resource {
	let observation = all.find((one) => codingsOf(one).some(({ system, code }) => system === loincSystem && code === sign.loinc));
	if (observation === undefined) {
		observation = newObservation(sign, frame);
		made.push(observation);
	}
	const node = sign.value === measure ? observation : slotOf([observation], measure)?.node;
	if (node !== undefined) fill(node, measure, value);
	else {
		const component: Node = { code: codeOf(measure) };
		fill(component, measure, value);
		observation.component = [...componentsOf(observation), component];
	}
	return observation;
}

function newObservation(sign: Sign, frame: Frame): Resource {
	const coding = [sign, ...(sign.besides ?? [])].map((one) => ({
		system: loincSystem,
		code: 'loinc' in one ? one.loinc : one.code,
		display: one.display,
	}));
	const wanted =
		sign.wants === true ? { component: sign.components.map((one) => ({ code: codeOf(one), dataAbsentReason: absent() })) } : {};
	return {
		resourceType: 'Observation',
		meta: { profile: [...sign.profiles] },
		...frame,
		code: { coding, text: sign.display },
		...wanted,
	};
}

function codeOf({ loinc, display }: Measure): Node {
	return { coding: [{ system: loincSystem, code: loinc, display }], text: display };
}

function absent(): Node {
	return { coding: [{ system: absentSystem, code: 'unknown', display: 'Unknown' }] };
}

function hasValue(observation: Resource): boolean {
	const nodes = [observation as Node, ...componentsOf(observation)];
	return nodes.some((node) => Object.keys(node).some((name) => /^value[A-Z]/.test(name)));
}
