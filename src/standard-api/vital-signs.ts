// Vital signs as measurements: which LOINC code, profile and units each of OpenEMR's fields has. What is known of vital signs is here as a
// table; vital.ts makes records of it.
//
// Inhaled oxygen concentration is LOINC 3150-0: the check digit of 3150 is 0, and US Core and C-CDA name that code. What carries 3150-6 is read.

const usCore = 'http://hl7.org/fhir/us/core/StructureDefinition';

/** A unit: its UCUM code, what people call it, and the same amount in the base unit of its kind, `value * factor + offset`. */
export type Unit = { readonly code: string; readonly name: string; readonly factor: number; readonly offset?: number };

const units = {
	lb: { code: '[lb_av]', name: 'lb', factor: 0.45359237 },
	kg: { code: 'kg', name: 'kg', factor: 1 },
	g: { code: 'g', name: 'g', factor: 0.001 },
	oz: { code: '[oz_av]', name: 'oz', factor: 0.028349523125 },
	in: { code: '[in_i]', name: 'in', factor: 2.54 },
	cm: { code: 'cm', name: 'cm', factor: 1 },
	mm: { code: 'mm', name: 'mm', factor: 0.1 },
	m: { code: 'm', name: 'm', factor: 100 },
	ft: { code: '[ft_i]', name: 'ft', factor: 30.48 },
	degF: { code: '[degF]', name: 'degF', factor: 5 / 9, offset: -160 / 9 },
	Cel: { code: 'Cel', name: 'Cel', factor: 1 },
	perMinute: { code: '/min', name: '/min', factor: 1 },
	beats: { code: '{beats}/min', name: '/min', factor: 1 },
	breaths: { code: '{breaths}/min', name: '/min', factor: 1 },
	bmi: { code: 'kg/m2', name: 'kg/m2', factor: 1 },
	mmHg: { code: 'mm[Hg]', name: 'mm[Hg]', factor: 1 },
	percent: { code: '%', name: '%', factor: 1 },
	litres: { code: 'L/min', name: 'L/min', factor: 1 },
} as const satisfies Readonly<Record<string, Unit>>;

export type UnitSystem = 'us' | 'metric';

/** A kind of quantity: what is written when the client names no unit, by its system of units, and what else is understood. */
type Measurable = { readonly us: Unit; readonly metric: Unit; readonly more?: readonly Unit[] };

const always = (unit: Unit, ...more: readonly Unit[]): Measurable => ({ us: unit, metric: unit, more });
const weight: Measurable = { us: units.lb, metric: units.kg, more: [units.g, units.oz] };
const length: Measurable = { us: units.in, metric: units.cm, more: [units.mm, units.m, units.ft] };
const temperature: Measurable = { us: units.degF, metric: units.Cel };
const percent = always(units.percent);

/** A field of a vital record. */
export type Measure = {
	readonly field: string;
	readonly loinc: string;
	readonly display: string;
	readonly of: Measurable;
	/** Codes that are read as this measure besides `loinc`. */
	readonly also?: readonly string[];
	/** OpenEMR has it as text, so a number is shown as short as it is. */
	readonly plain?: true;
};

/** An Observation of a vital record: a value of its own, components, or both. */
export type Sign = {
	readonly loinc: string;
	readonly display: string;
	readonly profiles: readonly string[];
	/** Codings beside the first one that the profile asks for. */
	readonly besides?: readonly { readonly code: string; readonly display: string }[];
	readonly value?: Measure;
	readonly components: readonly Measure[];
	/** Components that the profile wants even without a value. */
	readonly wants?: true;
};

function sign(profiles: readonly string[], value: Measure): Sign {
	return { loinc: value.loinc, display: value.display, profiles: profiles.map((name) => `${usCore}/${name}`), value, components: [] };
}

const measure = (field: string, loinc: string, display: string, of: Measurable, more: Partial<Measure> = {}): Measure => ({
	field,
	loinc,
	display,
	of,
	...more,
});

/** Every Observation that a vital record may consist of. http://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-vital-signs.html */
export const signs: readonly Sign[] = [
	{
		loinc: '85354-9',
		display: 'Blood pressure panel with all children optional',
		profiles: [`${usCore}/us-core-blood-pressure`],
		components: [
			measure('bps', '8480-6', 'Systolic blood pressure', always(units.mmHg), { plain: true }),
			measure('bpd', '8462-4', 'Diastolic blood pressure', always(units.mmHg), { plain: true }),
		],
		wants: true,
	},
	sign(['us-core-body-weight'], measure('weight', '29463-7', 'Body weight', weight, { also: ['3141-9'] })),
	sign(['us-core-body-height'], measure('height', '8302-2', 'Body height', length, { also: ['8306-3', '3137-7'] })),
	sign(['us-core-body-temperature'], measure('temperature', '8310-5', 'Body temperature', temperature)),
	sign(['us-core-heart-rate'], measure('pulse', '8867-4', 'Heart rate', always(units.perMinute, units.beats))),
	sign(['us-core-respiratory-rate'], measure('respiration', '9279-1', 'Respiratory rate', always(units.perMinute, units.breaths))),
	sign(['us-core-bmi'], measure('BMI', '39156-5', 'Body mass index (BMI) [Ratio]', always(units.bmi))),
	sign(['us-core-vital-signs'], measure('waist_circ', '8280-0', 'Waist Circumference at umbilicus by Tape measure', length)),
	sign(
		['us-core-head-circumference'],
		measure('head_circ', '9843-4', 'Head Occipital-frontal circumference', length, { also: ['8287-5'] }),
	),
	{
		loinc: '59408-5',
		display: 'Oxygen saturation in Arterial blood by Pulse oximetry',
		profiles: [`${usCore}/us-core-pulse-oximetry`],
		besides: [{ code: '2708-6', display: 'Oxygen saturation in Arterial blood' }],
		value: measure('oxygen_saturation', '59408-5', 'Oxygen saturation in Arterial blood by Pulse oximetry', percent, {
			also: ['2708-6', '2710-2'],
		}),
		components: [
			measure('oxygen_flow_rate', '3151-8', 'Inhaled oxygen flow rate', always(units.litres)),
			measure('inhaled_oxygen_concentration', '3150-0', 'Inhaled oxygen concentration', percent, { also: ['3150-6'] }),
		],
	},
	sign(['pediatric-weight-for-height'], measure('ped_weight_height', '77606-2', 'Weight-for-length Per age and sex', percent)),
	sign(['pediatric-bmi-for-age'], measure('ped_bmi', '59576-9', 'Body mass index (BMI) [Percentile] Per age and sex', percent)),
	sign(
		['head-occipital-frontal-circumference-percentile'],
		measure('ped_head_circ', '8289-1', 'Head Occipital-frontal circumference Percentile', percent),
	),
];

/** The panel that groups the measurements taken together. https://hl7.org/fhir/R4/vitalspanel.html */
export const panel = {
	loinc: '85353-1',
	display: 'Vital signs, weight, height, head circumference, oxygen saturation and BMI panel',
	profiles: [`${usCore}/us-core-vital-signs`, 'http://hl7.org/fhir/StructureDefinition/vitalspanel'],
	/** The profile of panels that have members. */
	ofMembers: 'http://hl7.org/fhir/StructureDefinition/vitalspanel',
} as const;

/** Every measured field with the Observation it is part of. */
export const measures: readonly { readonly sign: Sign; readonly measure: Measure }[] = signs.flatMap((one) =>
	[...(one.value === undefined ? [] : [one.value]), ...one.components].map((each) => ({ sign: one, measure: each })),
);

/** The sign that a LOINC code stands for. */
export function signOf(code: string): Sign | undefined {
	return signs.find((one) => one.loinc === code || one.value?.loinc === code || one.value?.also?.includes(code) === true);
}

/** The unit that a text names, by UCUM or by OpenEMR's word; undefined when the measure has no such unit. */
export function unitNamed({ of }: Measure, name: unknown): Unit | undefined {
	return [of.us, of.metric, ...(of.more ?? [])].find((unit) => unit.code === name || unit.name === name);
}

/** A value in another unit of its kind; exact where both are the same. */
export function convert(value: number, from: Unit, to: Unit): number {
	if (from.factor === to.factor && from.offset === to.offset) return value;
	return (value * from.factor + (from.offset ?? 0) - (to.offset ?? 0)) / to.factor;
}
