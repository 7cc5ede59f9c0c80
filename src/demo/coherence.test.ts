// The demo clinic as a clinician would look at it: what a chart says of one thing agrees with what it says of others. All patients, one pass.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resource } from '#fhir/resource.ts';
import { createClinic } from './clinic.ts';
import type { Person } from './people.ts';
import { dateOf, dayOf, yearsBetween } from './time.ts';

const today = '2026-11-25';
const clinic = createClinic({ seed: 1, today, patients: 200 });

type Concept = { readonly coding?: readonly { readonly system: string; readonly code: string }[]; readonly text?: string };
type Measured = Resource & {
	readonly code: Concept;
	readonly valueQuantity?: { readonly value: number; readonly code: string };
	readonly interpretation?: readonly [Concept];
	readonly referenceRange?: readonly [{ readonly low?: { value: number; code: string }; readonly high?: { value: number; code: string } }];
	readonly component?: readonly Measured[];
	readonly effectiveDateTime: string;
	readonly encounter?: { readonly reference: string };
};

/** A chart and what is asked of it again and again. */
class Chart {
	readonly person: Person;
	readonly resources: readonly Resource[];

	constructor(n: number) {
		this.person = clinic.person(n);
		this.resources = clinic.chart(n);
	}

	of<T = Resource>(type: string): readonly T[] {
		return this.resources.filter(({ resourceType }) => resourceType === type) as unknown as readonly T[];
	}

	/** Observations with a number, of a code. */
	values(code: string): readonly (Measured & { readonly valueQuantity: { readonly value: number } })[] {
		return this.of<Measured>('Observation').filter((one) => codeOf(one.code) === code && one.valueQuantity !== undefined) as never;
	}

	get problems(): ReadonlySet<string> {
		const listed = this.of<Resource & { code: Concept; category: Concept[] }>('Condition').filter(
			({ category }) => codeOf(category[0]) === 'problem-list-item',
		);
		return new Set(listed.map(({ code }) => code.text ?? ''));
	}

	get died(): string | undefined {
		return this.person.death === undefined ? undefined : dateOf(this.person.death.day);
	}

	age(date: string): number {
		return yearsBetween(this.person.birth, dayOf(date.slice(0, 10)));
	}
}

function codeOf(concept: Concept | undefined): string {
	return concept?.coding?.[0]?.code ?? '';
}

type Finding = string | false | undefined;
type Check = (chart: Chart) => readonly Finding[];

/** Codes of SNOMED CT that are of what is done to people, not of what they have. */
const doings = new Set(['268565007', '410620009', '133906008', '185349003', '390906007', '424619006', '177184002']);

const bounds: Readonly<Record<string, readonly [low: number, high: number, unit: string]>> = {
	'8867-4': [40, 190, '/min'],
	'9279-1': [8, 60, '/min'],
	'8310-5': [35.5, 41, 'Cel'],
	'39156-5': [11, 60, 'kg/m2'],
	'59408-5': [80, 100, '%'],
	'8302-2': [44, 205, 'cm'],
	'29463-7': [2.2, 190, 'kg'],
	'9843-4': [31, 54, 'cm'],
};

/** First and last age in days at which a vaccine is given, and the days between doses. */
const schedule: Readonly<Record<string, readonly [from: number, to: number, between: number]>> = {
	'08': [0, 7000, 24],
	'119': [42, 244, 24],
	'20': [42, 2557, 24],
	'49': [42, 1826, 24],
	'10': [42, 6575, 24],
	'03': [358, 7000, 24],
	'21': [358, 7000, 80],
	'83': [358, 7000, 176],
	'165': [3283, 9862, 146],
	'114': [3648, 8401, 52],
	'187': [18_250, 40_000, 52],
	'140': [180, 23_741, 150],
	'197': [23_735, 40_000, 150],
};

const checks: Readonly<Record<string, Check>> = {
	'a diagnosis is what somebody has, not what is done': (chart) =>
		chart
			.of<{ id: string; code: Concept }>('Condition')
			.map(({ id, code }) => code.coding?.some((one) => doings.has(one.code)) === true && `Condition/${id} ${code.text}`),
	'a condition that is over says since when, one that is not does not': (chart) =>
		chart
			.of<{ id: string; clinicalStatus: Concept; onsetDateTime?: string; abatementDateTime?: string }>('Condition')
			.map(({ id, clinicalStatus, onsetDateTime = '', abatementDateTime }) => {
				const isActive = codeOf(clinicalStatus) === 'active';
				const isOver = abatementDateTime !== undefined && abatementDateTime <= today && abatementDateTime >= onsetDateTime;
				return (isActive ? abatementDateTime !== undefined : !isOver) && `Condition/${id} ${codeOf(clinicalStatus)} ${abatementDateTime}`;
			}),
	'what a visit was about is over when the problem is': (chart) => {
		const open = new Set(
			chart
				.of<{ code: Concept; category: Concept[]; clinicalStatus: Concept }>('Condition')
				.filter(({ category, clinicalStatus }) => codeOf(category[0]) !== 'encounter-diagnosis' && codeOf(clinicalStatus) === 'active')
				.map(({ code }) => code.text),
		);
		return chart
			.of<{ id: string; code: Concept; category: Concept[]; clinicalStatus: Concept; recordedDate: string }>('Condition')
			.map(({ id, code, category, clinicalStatus, recordedDate }) => {
				const isOld = recordedDate.slice(0, 10) < dateOf(dayOf(today) - 60) && codeOf(category[0]) === 'encounter-diagnosis';
				const isPregnancy = code.text === 'Normal pregnancy' && open.has('Pregnant');
				return isOld && codeOf(clinicalStatus) === 'active' && !open.has(code.text) && !isPregnancy && `Condition/${id} ${code.text}`;
			});
	},
	'what is taken has a prescription that is good': (chart) =>
		chart
			.of<{ id: string; status: string; dispenseRequest?: { validityPeriod: { end: string } } }>('MedicationRequest')
			.map(
				({ id, status, dispenseRequest }) =>
					status === 'active' && String(dispenseRequest?.validityPeriod.end ?? today) < today && `MedicationRequest/${id}`,
			),
	'nobody takes the same twice': (chart) => {
		const active = chart
			.of<{ status: string; medicationCodeableConcept?: Concept; medicationReference?: { reference: string } }>('MedicationRequest')
			.filter(({ status }) => status === 'active')
			.map((one) => one.medicationCodeableConcept?.text ?? one.medicationReference?.reference);
		return active.map((one, i) => active.indexOf(one) !== i && String(one));
	},
	'those with weak kidneys, a weak heart or an anticoagulant get no NSAID, and nobody what they are allergic to': (chart) => {
		const drugs = chart
			.of<{ medicationCodeableConcept?: Concept }>('MedicationRequest')
			.map(({ medicationCodeableConcept }) => medicationCodeableConcept?.text ?? '');
		const isFrail = ['Chronic kidney disease stage 3', 'Heart failure', 'Atrial fibrillation'].some((one) => chart.problems.has(one));
		const allergy = chart.of<{ code: Concept }>('AllergyIntolerance')[0]?.code.text ?? '';
		return drugs.map(
			(drug) =>
				((isFrail && /naproxen|ibuprofen/.test(drug)) || (/penicillin/.test(allergy) && /amoxicillin|penicillin/.test(drug))) && drug,
		);
	},
	'nothing goes on after death': (chart) => {
		const { died } = chart;
		if (died === undefined) return [];
		return chart.resources.map((resource) => {
			const { resourceType, id, status, lifecycleStatus, clinicalStatus, start, authoredOn } = resource as Record<string, string>;
			const isOpen =
				(/^(MedicationRequest|CarePlan|CareTeam|Coverage|Device|ServiceRequest)$/.test(resourceType ?? '') && status === 'active') ||
				(resourceType === 'Goal' && lifecycleStatus === 'active') ||
				(resourceType === 'Condition' && codeOf(clinicalStatus as Concept) === 'active') ||
				(resourceType === 'Appointment' && String(start) > died) ||
				(resourceType === 'MedicationRequest' && String(authoredOn).slice(0, 10) > died);
			return isOpen && `${resourceType}/${id}`;
		});
	},
	'plans and goals are not long over and still pursued': (chart) => [
		...chart
			.of<{ id: string; status: string; period: { end: string } }>('CarePlan')
			.map(({ id, status, period }) => status === 'active' && period.end < today && `CarePlan/${id}`),
		...chart
			.of<{ id: string; lifecycleStatus: string; target: { dueDate: string }[] }>('Goal')
			.map(
				({ id, lifecycleStatus, target }) =>
					lifecycleStatus === 'active' && String(target[0]?.dueDate) < dateOf(dayOf(today) - 183) && `Goal/${id}`,
			),
		...chart
			.of<{ id: string; status: string; authoredOn: string }>('ServiceRequest')
			.map(
				({ id, status, authoredOn }) =>
					status === 'active' && authoredOn < dateOf(dayOf(today) - 90) && `ServiceRequest/${id} ${authoredOn}`,
			),
	],
	'results are flagged as their ranges say, in the unit of the range': (chart) =>
		chart.of<Measured>('Observation').map(({ id, valueQuantity, referenceRange, interpretation }) => {
			const [range] = referenceRange ?? [];
			if (valueQuantity === undefined || range === undefined) return undefined;
			const { low, high } = range;
			const flag =
				low !== undefined && valueQuantity.value < low.value ? 'L' : high !== undefined && valueQuantity.value > high.value ? 'H' : 'N';
			const isOther = [low, high].some((one) => one !== undefined && one.code !== valueQuantity.code);
			return (isOther || codeOf(interpretation?.[0]) !== flag) && `Observation/${id} ${valueQuantity.value}`;
		}),
	'what is measured is possible': (chart) =>
		Object.entries(bounds).flatMap(([code, [low, high, unit]]) =>
			chart
				.values(code)
				.map(
					({ id, valueQuantity: { value, code: measuredIn } }) =>
						(value < low || value > high || measuredIn !== unit) && `Observation/${id} ${value} ${measuredIn}`,
				),
		),
	'the upper pressure is above the lower, both possible': (chart) =>
		chart.of<Measured>('Observation').map(({ id, component = [] }) => {
			const of = (code: string) => component.find((one) => codeOf(one.code) === code)?.valueQuantity?.value;
			const [upper, lower] = [of('8480-6'), of('8462-4')];
			if (upper === undefined || lower === undefined) return undefined;
			return (upper - lower < 15 || upper > 210 || lower < 35) && `Observation/${id} ${upper}/${lower}`;
		}),
	'values that follow from others do': (chart) => {
		const visits = Map.groupBy(
			chart.of<Measured>('Observation').filter(({ valueQuantity, encounter }) => valueQuantity !== undefined && encounter !== undefined),
			({ encounter }) => encounter?.reference,
		);
		return [...visits.values()].flatMap((list) => {
			const of = (code: string): number => list.find((one) => codeOf(one.code) === code)?.valueQuantity?.value ?? Number.NaN;
			const far = (name: string, value: number, from: number, by: number): Finding =>
				Math.abs(value - from) > by && `${name} ${value}, worked out ${from.toFixed(1)}`;
			const date = list[0]?.effectiveDateTime ?? today;
			return [
				far('body mass index', of('39156-5'), of('29463-7') / (of('8302-2') / 100) ** 2, 0.3),
				far('cholesterol', of('2093-3'), of('13457-7') + of('2085-9') + of('2571-8') / 5, 1.5),
				far('hematocrit', of('4544-3'), of('718-7') * 3, 3),
				far('red cell volume', of('787-2'), (of('4544-3') * 10) / of('789-8'), 2),
				chart.age(date) >= 18 && far('filtration', of('98979-8'), filtration(of('2160-0'), chart.age(date), chart.person.sex), 2),
			];
		});
	},
	'kidney disease of stage 3 is of stage 3': (chart) => {
		const last = chart.values('98979-8').at(-1)?.valueQuantity.value;
		return [chart.problems.has('Chronic kidney disease stage 3') && last !== undefined && (last < 30 || last >= 60) && String(last)];
	},
	'children grow, and adults keep their height': (chart) => [
		...steps(chart, '8302-2', (before, value, age) => (age < 20 ? value < before - 0.3 : Math.abs(value - before) > 1.5)),
		...steps(chart, '29463-7', (before, value, age) => age < 18 && value < before * 0.97),
	],
	'vaccines are given at their age, weeks or months apart': (chart) => {
		const given = chart
			.of<{ status: string; vaccineCode: Concept; occurrenceDateTime: string }>('Immunization')
			.filter(({ status }) => status === 'completed')
			.map(({ vaccineCode, occurrenceDateTime }) => ({ code: codeOf(vaccineCode), day: dayOf(occurrenceDateTime.slice(0, 10)) }))
			.toSorted((a, b) => a.day - b.day);
		return given.map(({ code, day }, i) => {
			const [from, to, between] = schedule[code] ?? [0, 50_000, 24];
			const age = day - chart.person.birth;
			const last = given.slice(0, i).findLast((one) => one.code === code)?.day;
			return (
				(age < from || age > to || (last !== undefined && day - last < between)) && `${code} at ${age} days, ${day - (last ?? day)} after`
			);
		});
	},
	'only women are asked of pregnancy, of an age for it': (chart) =>
		['82810-3', '86645-9'].flatMap((code) =>
			chart
				.of<Measured>('Observation')
				.filter((one) => codeOf(one.code) === code)
				.map(({ id, effectiveDateTime }) => {
					const age = chart.age(effectiveDateTime);
					return (chart.person.sex !== 'female' || age < 12 || age > 52) && `Observation/${id} at ${age}`;
				}),
		),
	'nobody is at two visits at a time': (chart) => {
		const visits = chart
			.of<{ id: string; period: { start: string; end?: string } }>('Encounter')
			.toSorted((a, b) => Date.parse(a.period.start) - Date.parse(b.period.start));
		return visits.map(({ id, period }, i) => {
			const end = visits[i - 1]?.period.end;
			return end !== undefined && Date.parse(period.start) < Date.parse(end) && `Encounter/${id}`;
		});
	},
	'values of small children are read by ranges for small children': (chart) =>
		chart
			.values('718-7')
			.map(
				({ id, referenceRange, effectiveDateTime }) =>
					chart.age(effectiveDateTime) < 5 && (referenceRange?.[0].low?.value ?? 0) > 11 && String(id),
			),
	'who had a polyp removed is not screened by stool tests': (chart) => {
		const removed = chart.of<Measured>('Observation').find(({ code }) => codeOf(code) === '33756-8')?.effectiveDateTime;
		return chart
			.of<Measured>('Observation')
			.map(
				({ id, code, effectiveDateTime }) =>
					codeOf(code) === '57905-2' && removed !== undefined && effectiveDateTime > removed && String(id),
			);
	},
	'notes are about somebody of that age': (chart) =>
		chart
			.of<{ id: string; date: string; content: { attachment: { contentType: string; data?: string } }[] }>('DocumentReference')
			.map(({ id, date, content }) => {
				const { contentType, data } = content[0]?.attachment ?? {};
				if (data === undefined || contentType?.startsWith('text/') !== true) return undefined;
				const text = Buffer.from(data, 'base64').toString();
				const said = /is a (\d+)-year-old (girl|boy|woman|man)/.exec(text);
				const [age, isWoman] = [Math.floor(chart.age(date)), chart.person.sex === 'female'];
				const isOther = said !== null && (Math.abs(Number(said[1]) - age) > 1 || /girl|woman/.test(said[2] as string) !== isWoman);
				return (isOther || (age >= 13 && text.includes('milestones'))) && `DocumentReference/${id} at ${age}`;
			}),
	'a spouse is of somebody married': (chart) => {
		const [patient] = chart.of<{ maritalStatus?: Concept }>('Patient');
		return chart
			.of<{ id: string; relationship: Concept[] }>('RelatedPerson')
			.map(
				({ id, relationship }) => relationship[0]?.text === 'spouse' && patient?.maritalStatus?.text !== 'Married' && `RelatedPerson/${id}`,
			);
	},
};

/** CKD-EPI 2021. */
function filtration(creatinine: number, age: number, sex: string): number {
	const [kappa, alpha, factor] = sex === 'female' ? [0.7, -0.241, 1.012] : [0.9, -0.302, 1];
	return 142 * Math.min(creatinine / kappa, 1) ** alpha * Math.max(creatinine / kappa, 1) ** -1.2 * 0.9938 ** age * factor;
}

function steps(chart: Chart, code: string, isWrong: (before: number, value: number, age: number) => boolean): Finding[] {
	const values = chart.values(code);
	return values.map(({ id, valueQuantity: { value }, effectiveDateTime }, i) => {
		const before = values[i - 1]?.valueQuantity.value;
		return before !== undefined && isWrong(before, value, chart.age(effectiveDateTime)) && `Observation/${id} ${before} → ${value}`;
	});
}

const found = new Map<string, string[]>(Object.keys(checks).map((name) => [name, []]));
let looked = 0;
for (let n = 0; n < clinic.patients; n++) {
	const chart = new Chart(n);
	for (const [name, check] of Object.entries(checks))
		for (const finding of check(chart)) {
			looked += 1;
			if (typeof finding === 'string') found.get(name)?.push(`patient ${n}: ${finding}`);
		}
}

test('there is something to look at', () => {
	assert.ok(looked > 50_000, String(looked));
});

for (const name of Object.keys(checks)) test(name, () => assert.deepEqual(found.get(name)?.slice(0, 10), []));
