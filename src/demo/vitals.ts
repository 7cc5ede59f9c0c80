// What the nurse measures, as US Core's vital signs, https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-vital-signs.html
import type { Resource } from '#fhir/resource.ts';
import { type Chart, ofVisit, type Visit } from './chart.ts';
import { type Coded, type Concept, concept, concepts, hl7, loinc, profiled, quantity, round, snomed } from './fhir.ts';
import { effectOn, hash, type Life, sizeOn } from './life.ts';
import { instantOf, yearsBetween } from './time.ts';

type Vital = {
	readonly profile: string;
	readonly code: Coded;
	readonly unit: string;
	readonly shown?: string;
	readonly digits: number;
};

const vitals = {
	pulse: { profile: 'us-core-heart-rate', code: ['8867-4', 'Heart rate'], unit: '/min', shown: 'beats/minute', digits: 0 },
	breaths: { profile: 'us-core-respiratory-rate', code: ['9279-1', 'Respiratory rate'], unit: '/min', shown: 'breaths/minute', digits: 0 },
	temperature: { profile: 'us-core-body-temperature', code: ['8310-5', 'Body temperature'], unit: 'Cel', shown: '°C', digits: 1 },
	weight: { profile: 'us-core-body-weight', code: ['29463-7', 'Body weight'], unit: 'kg', digits: 1 },
	height: { profile: 'us-core-body-height', code: ['8302-2', 'Body height'], unit: 'cm', digits: 1 },
	bmi: { profile: 'us-core-bmi', code: ['39156-5', 'Body mass index (BMI) [Ratio]'], unit: 'kg/m2', digits: 1 },
	head: { profile: 'us-core-head-circumference', code: ['9843-4', 'Head Occipital-frontal circumference'], unit: 'cm', digits: 1 },
	headPercentile: {
		profile: 'head-occipital-frontal-circumference-percentile',
		code: ['8289-1', 'Head Occipital-frontal circumference Percentile'],
		unit: '%',
		digits: 0,
	},
	bmiPercentile: {
		profile: 'pediatric-bmi-for-age',
		code: ['59576-9', 'Body mass index (BMI) [Percentile] Per age and sex'],
		unit: '%',
		digits: 0,
	},
	weightForLength: { profile: 'pediatric-weight-for-height', code: ['77606-2', 'Weight-for-length Per age and sex'], unit: '%', digits: 0 },
} as const satisfies Record<string, Vital>;

type VitalName = keyof typeof vitals;

/** What was measured, in words for the note. */
export type Measured = Partial<Record<VitalName | 'systolic' | 'diastolic' | 'saturation', number>>;

export type Measuring = { readonly fever?: number; readonly full: boolean };

/** Measures and adds what is measured at such a visit. */
export function addVitals(life: Life, visit: Visit, { fever = 0, full }: Measuring): Measured {
	const { chart } = life;
	const { person, random } = chart;
	const { day } = visit.start;
	const years = yearsBetween(person.birth, day);
	const size = sizeOn(life, day);
	const child = years < 18;
	const of = (key: string): number => life.usual.get(key) ?? 0;
	const values: Partial<Record<VitalName, number>> = {
		pulse: (child ? 128 - years * 4 : 71) + of('pulse') * 6 + random.normal(0, 3) + effectOn(life, 'pulse', day) + fever * 9,
		weight: size.weight,
		...(full || fever > 0 ? { temperature: random.normal(36.8, 0.15) + fever } : {}),
		...(full ? { breaths: (child ? 34 - years * 1.3 : 15) + random.normal(0, 1) + fever } : {}),
		...(full ? { height: size.height } : {}),
		...(years >= 2 && full ? { bmi: size.bmi } : {}),
		...(years >= 2 && child && full ? { bmiPercentile: size.percentiles.bmi } : {}),
		...(years < 2 && full
			? { head: size.head, headPercentile: size.percentiles.head, weightForLength: size.percentiles.weightForLength }
			: {}),
	};
	for (const [name, value] of Object.entries(values)) addVital(chart, visit, name as VitalName, value);
	const rounded = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, round(value, vitals[name as VitalName].digits)]));
	if (years < 3) return rounded;
	const pressure = child ? 92 + years * 1.7 : 117 + Math.max(0, years - 45) * 0.15;
	const systolic = Math.round(pressure + of('systolic') * 6 + random.normal(0, 4) + effectOn(life, 'systolic', day));
	const diastolic = Math.round(pressure * 0.63 + of('diastolic') * 4 + random.normal(0, 3) + effectOn(life, 'diastolic', day));
	addBloodPressure(chart, visit, systolic, diastolic);
	if (!full && (years < 60 || random.chance(0.6))) return { ...rounded, systolic, diastolic };
	const saturation = Math.min(100, Math.round(98 + random.normal(0, 0.7) + effectOn(life, 'saturation', day)));
	addSaturation(chart, visit, saturation);
	return { ...rounded, systolic, diastolic, saturation };
}

function base(chart: Chart, visit: Visit, profile: string, code: Concept): Resource {
	return {
		resourceType: 'Observation',
		meta: profiled(...new Set([profile, 'us-core-vital-signs'])),
		status: 'final',
		category: [concept(`${hl7}/observation-category`, ['vital-signs', 'Vital Signs'])],
		code,
		...ofVisit(chart, visit),
		effectiveDateTime: instantOf(visit.start),
		issued: instantOf(visit.start),
		performer: [visit.nurse.link],
	};
}

function addVital(chart: Chart, visit: Visit, name: VitalName, value: number): void {
	const { profile, code, unit, digits }: Vital = vitals[name];
	const { shown }: Vital = vitals[name];
	const { random, person } = chart;
	// Little ones do not keep still.
	const isRestless = yearsBetween(person.birth, visit.start.day) < 2 || name === 'bmiPercentile';
	chart.add({
		...base(chart, visit, profile, concept(loinc, code)),
		...(isRare(chart, visit, name, isRestless ? 4 : 17)
			? absent(random.pick(reasons))
			: { valueQuantity: quantity(round(value, digits), unit, shown) }),
		...(isRare(chart, visit, `${name} position`, isRestless ? 2 : 9) ? { component: [position(random.chance(0.5))] } : {}),
	});
}

const reasons: readonly Coded[] = [
	['not-performed', 'Not Performed'],
	['asked-declined', 'Asked But Declined'],
	['unknown', 'Unknown'],
];

function absent(reason: Coded): { readonly dataAbsentReason: Concept } {
	return { dataAbsentReason: concept(`${hl7}/data-absent-reason`, reason) };
}

/** Whether it is one of the visits at which something is not as usual: about half of those of every so many patients. */
function isRare({ person }: Chart, { start }: Visit, what: string, every: number): boolean {
	// Every so many of those of one kind, who come round every twenty.
	const turn = Math.floor(person.n / 20) + (person.n % 20) * 3 + Math.abs(hash(what));
	return turn % every === 0 && (start.day + person.n) % 2 === 0;
}

/** How the patient sat or lay, where it was noted at all. */
function position(unknown: boolean): object {
	return {
		code: concept(loinc, ['8361-8', 'Body position with respect to gravity']),
		...(unknown ? absent(['not-asked', 'Not Asked']) : { valueCodeableConcept: concept(snomed, ['33586001', 'Sitting position']) }),
	};
}

function addBloodPressure(chart: Chart, visit: Visit, systolic: number, diastolic: number): void {
	// A cuff that gives the upper value only, or a patient who had enough of it.
	const none = isRare(chart, visit, 'no pressure', 19);
	const [noUpper, noLower] = [none || isRare(chart, visit, 'systolic', 19), none || isRare(chart, visit, 'diastolic', 19)];
	const part = (code: Coded, value: number, missing: boolean): object => ({
		code: concept(loinc, code),
		...(missing ? absent(['error', 'Error']) : { valueQuantity: quantity(value, 'mm[Hg]', 'mmHg') }),
	});
	chart.add({
		...base(chart, visit, 'us-core-blood-pressure', concept(loinc, ['85354-9', 'Blood pressure panel with all children optional'])),
		...(noUpper && noLower ? absent(['error', 'Error']) : {}),
		component: [
			part(['8480-6', 'Systolic blood pressure'], systolic, noUpper),
			part(['8462-4', 'Diastolic blood pressure'], diastolic, noLower),
		],
	});
}

function addSaturation(chart: Chart, visit: Visit, value: number): void {
	const { random } = chart;
	const oxygen = value < 95 || isRare(chart, visit, 'oxygen', 11);
	const missing = isRare(chart, visit, 'saturation', 17);
	const flow = random.chance(0.25) ? absent(['not-asked', 'Not Asked']) : { valueQuantity: quantity(random.between(1, 3), 'L/min') };
	const share = random.chance(0.25) ? absent(['not-asked', 'Not Asked']) : { valueQuantity: quantity(random.between(24, 32), '%') };
	chart.add({
		...base(
			chart,
			visit,
			'us-core-pulse-oximetry',
			concepts(
				'Oxygen saturation',
				[loinc, '59408-5', 'Oxygen saturation in Arterial blood by Pulse oximetry'],
				[loinc, '2708-6', 'Oxygen saturation in Arterial blood'],
			),
		),
		...(missing ? absent(['not-performed', 'Not Performed']) : { valueQuantity: quantity(value, '%') }),
		...(oxygen
			? {
					component: [
						{ code: concept(loinc, ['3151-8', 'Inhaled oxygen flow rate']), ...flow },
						{ code: concept(loinc, ['3150-0', 'Inhaled oxygen concentration']), ...share },
					],
				}
			: {}),
	});
}

/** The mean of a week of measurements at home. */
export function addHomePressure(life: Life, visit: Visit): void {
	const { chart } = life;
	const { random } = chart;
	const raised = effectOn(life, 'systolic', visit.start.day);
	const missing = random.chance(0.1);
	const part = (code: Coded, value: number, isMissing: boolean): object => ({
		code: concept(loinc, code),
		...(isMissing ? absent(['unknown', 'Unknown']) : { valueQuantity: quantity(Math.round(value), 'mm[Hg]', 'mmHg') }),
	});
	const { effectiveDateTime, ...rest } = base(chart, visit, 'us-core-average-blood-pressure', {
		...concept(loinc, ['96607-7', 'Blood pressure panel mean systolic and mean diastolic']),
	});
	chart.add({
		...rest,
		meta: profiled('us-core-average-blood-pressure'),
		performer: [chart.person.link],
		effectivePeriod: { start: instantOf({ day: visit.start.day - 7, minute: 480 }), end: effectiveDateTime },
		component: [
			part(['96608-5', 'Systolic blood pressure mean'], 116 + raised + random.normal(0, 3), missing),
			part(['96609-3', 'Diastolic blood pressure mean'], 73 + raised * 0.5 + random.normal(0, 2), missing || random.chance(0.05)),
		],
	});
}
