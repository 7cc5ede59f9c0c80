// Allergies, and what holds the care of somebody together: the team, the goals, the plan.
import type { Resource } from '#fhir/resource.ts';
import { type Chart, ofVisit, type Visit } from './chart.ts';
import type { Problem, Target } from './data/problems.ts';
import {
	type Coded,
	type Concept,
	concept,
	hl7,
	type Link,
	linkTo,
	narrative,
	profiled,
	type Quantity,
	quantity,
	round,
	rxnorm,
	snomed,
	usCoreCodes,
} from './fhir.ts';
import { hadOn, type Life } from './life.ts';
import { prescribe } from './prescriptions.ts';
import { addMonths, dateOf, dayOf, instantOf, yearsBetween } from './time.ts';

type Allergy = {
	readonly system: string;
	readonly code: Coded;
	readonly category: 'medication' | 'food' | 'environment';
	readonly reaction: Coded;
	readonly severity: 'mild' | 'moderate' | 'severe';
	/** From this age on only: the young are given what it is about. */
	readonly from: number;
};

const allergies: readonly Allergy[] = [
	{
		system: rxnorm,
		code: ['7980', 'penicillin G'],
		category: 'medication',
		reaction: ['247472004', 'Hives'],
		severity: 'moderate',
		from: 42,
	},
	{
		system: snomed,
		code: ['763875007', 'Product containing sulfonamide (product)'],
		category: 'medication',
		reaction: ['271807003', 'Skin rash'],
		severity: 'mild',
		from: 16,
	},
	{ system: snomed, code: ['762952008', 'Peanut'], category: 'food', reaction: ['39579001', 'Anaphylaxis'], severity: 'severe', from: 1.5 },
	{
		system: snomed,
		code: ['111088007', 'Latex (substance)'],
		category: 'environment',
		reaction: ['271807003', 'Skin rash'],
		severity: 'mild',
		from: 18,
	},
	{ system: snomed, code: ['102263004', 'Eggs (edible)'], category: 'food', reaction: ['247472004', 'Hives'], severity: 'mild', from: 1 },
	{
		system: snomed,
		code: ['288328004', 'Bee venom'],
		category: 'environment',
		reaction: ['267036007', 'Dyspnea'],
		severity: 'moderate',
		from: 8,
	},
];

/** What is known of allergies at a visit, the first as a rule. */
export function addAllergies(life: Life, visit: Visit): void {
	const { chart } = life;
	const { random, person } = chart;
	const years = yearsBetween(person.birth, chart.world.today);
	const likely = allergies.filter(({ from }) => years >= from);
	if (!random.chance(0.32) || likely.length === 0) {
		addAllergy(chart, visit, { code: concept(snomed, ['716186003', 'No known allergy']) });
		return;
	}
	const one = random.pick(likely);
	const gone = random.chance(0.15);
	addAllergy(chart, visit, {
		clinicalStatus: gone ? 'resolved' : 'active',
		type: 'allergy',
		category: [one.category],
		criticality: one.severity === 'severe' ? 'high' : 'low',
		code: concept(one.system, one.code),
		onsetDateTime: dateOf(Math.max(person.birth + 200, visit.start.day - random.between(100, 3000))).slice(0, 7),
		reaction: [{ substance: concept(one.system, one.code), manifestation: [concept(snomed, one.reaction)], severity: one.severity }],
	});
	if (one.severity === 'severe' && !gone) prescribe(life, visit, 'epinephrine', {});
}

function addAllergy(
	chart: Chart,
	visit: Visit,
	{ clinicalStatus = 'active', ...more }: { readonly clinicalStatus?: string; readonly [name: string]: unknown },
): void {
	const display = clinicalStatus === 'active' ? 'Active' : 'Resolved';
	chart.add({
		resourceType: 'AllergyIntolerance',
		meta: profiled('us-core-allergyintolerance'),
		clinicalStatus: concept(`${hl7}/allergyintolerance-clinical`, [clinicalStatus, display]),
		verificationStatus: concept(`${hl7}/allergyintolerance-verification`, ['confirmed', 'Confirmed']),
		...more,
		patient: chart.person.link,
		encounter: visit.link,
		recordedDate: instantOf(visit.start),
		recorder: visit.clinician.link,
		asserter: chart.person.link,
	});
}

/** The team, the goals and the plan as they are at a visit, the last one as a rule. */
export function addCare(life: Life, visit: Visit, relative: Link | undefined): void {
	const { chart } = life;
	const team = addTeam(chart, visit, relative);
	const present = hadOn(life, visit.start.day);
	const goals = present.flatMap(({ problem, condition }) =>
		problem.goal === undefined ? [] : [addGoal(life, visit, problem.goal, condition)],
	);
	const lines = present.map(({ problem }) => `${problem.snomed[1]}: ${problem.plan}`);
	const isChild = chart.person.parent !== undefined;
	if (lines.length === 0)
		lines.push(
			isChild
				? 'Growing and developing well. Next check-up and immunizations as scheduled.'
				: 'In good health. Check-up once a year, screening as recommended for the age.',
		);
	chart.add({
		resourceType: 'CarePlan',
		meta: profiled('us-core-careplan'),
		text: narrative(['Assessment and plan of treatment', ...lines]),
		status: 'active',
		intent: 'plan',
		category: [concept(`${usCoreCodes}/careplan-category`, ['assess-plan', 'Assessment and Plan of Treatment'])],
		title: 'Assessment and plan of treatment',
		description: lines.join(' '),
		...ofVisit(chart, visit),
		period: { start: dateOf(visit.start.day), end: dateOf(addMonths(visit.start.day, 12)) },
		created: instantOf(visit.end),
		author: visit.clinician.link,
		contributor: [visit.clinician.link],
		careTeam: [team],
		...(present.some(({ condition }) => condition !== undefined)
			? { addresses: present.flatMap(({ condition }) => (condition === undefined ? [] : [linkTo(condition)])) }
			: {}),
		...(goals.length > 0 ? { goal: goals } : {}),
		activity: lines.slice(0, 4).map((line) => ({ detail: { status: 'in-progress', description: line } })),
	});
}

function addTeam(chart: Chart, visit: Visit, relative: Link | undefined): Link {
	const { person, world } = chart;
	const role = (code: Coded): readonly object[] => [concept(snomed, code)];
	const heart = person.traits.includes('heart') ? world.practice.caring('heart', 0) : [];
	const mind = person.traits.includes('mood') ? world.practice.caring('mind', 0) : [];
	const team = chart.add({
		resourceType: 'CareTeam',
		meta: profiled('us-core-careteam'),
		status: 'active',
		name: `Care team of ${person.name}`,
		subject: person.link,
		period: { start: dateOf(visit.start.day) },
		participant: [
			{ role: role(['453231000124104', 'Primary care provider']), member: person.clinician.link, onBehalfOf: person.facility.organization },
			{ role: role(['224535009', 'Registered nurse']), member: visit.nurse.role },
			...heart.map(({ link }) => ({ role: role(['17561000', 'Cardiologist']), member: link })),
			...mind.map(({ role: member }) => ({ role: role(['106328005', 'Social worker']), member })),
			{ role: role(['116154003', 'Patient (person)']), member: person.link },
			...(relative === undefined ? [] : [{ role: role(['133932002', 'Caregiver (person)']), member: relative }]),
		],
		managingOrganization: [person.facility.organization],
	});
	return linkTo(team);
}

/** A goal that is reached was set when the problem was found; the others are set anew. */
function addGoal({ chart }: Life, visit: Visit, { text, target }: NonNullable<Problem['goal']>, condition: Resource | undefined): Link {
	const high = target === undefined ? undefined : highOf(chart, target);
	const value = target === undefined ? undefined : lastValue(chart, target.measure[0]);
	const reached = high !== undefined && value !== undefined && value < high && condition !== undefined;
	const set = reached ? dayOf(String(condition.recordedDate).slice(0, 10)) : visit.start.day;
	const measure = target === undefined ? {} : concept('http://loinc.org', target.measure);
	const added = chart.add({
		resourceType: 'Goal',
		meta: profiled('us-core-goal'),
		lifecycleStatus: reached ? 'completed' : 'active',
		achievementStatus: concept(`${hl7}/goal-achievement`, reached ? ['achieved', 'Achieved'] : ['in-progress', 'In Progress']),
		description: { ...measure, text },
		subject: chart.person.link,
		startDate: dateOf(set),
		target: [
			{
				...(target === undefined || high === undefined ? {} : { measure, detailRange: { high: quantity(high, target.unit) } }),
				dueDate: dateOf(addMonths(set, reached ? 6 : 12)),
			},
		],
		expressedBy: chart.random.chance(0.5) ? chart.person.link : visit.clinician.link,
		...(condition?.id === undefined ? {} : { addresses: [{ reference: `Condition/${condition.id}` }] }),
	});
	return linkTo(added, text);
}

/** What the value is to fall below; undefined for who has never been weighed. */
function highOf(chart: Chart, target: Target): number | undefined {
	if ('below' in target) return target.below;
	const weight = lastValue(chart, '29463-7');
	return weight === undefined ? undefined : round(target.ofWeight(weight), 1);
}

type Measured = { readonly code: Concept; readonly valueQuantity?: Quantity };

/** The last value of a LOINC code, of an observation or of a part of one. */
function lastValue({ resources }: Chart, code: string): number | undefined {
	const values = resources.flatMap((resource) => {
		if (resource.resourceType !== 'Observation') return [];
		const parts = [resource as unknown as Measured, ...((resource.component ?? []) as Measured[])];
		return parts.flatMap((part) => (hasCode(part.code, code) && part.valueQuantity !== undefined ? [part.valueQuantity.value] : []));
	});
	return values.at(-1);
}

function hasCode({ coding }: Concept, code: string): boolean {
	return (coding as readonly { readonly code: string }[]).some((one) => one.code === code);
}
