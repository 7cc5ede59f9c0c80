// What a chart says of today: medicines are renewed until then, plans end, and nothing goes on after death.
import type { Resource } from '#fhir/resource.ts';
import type { Chart } from './chart.ts';
import { concept, hl7 } from './fhir.ts';
import { endOf, type Life } from './life.ts';
import { renewUntil } from './prescriptions.ts';
import { addOpenOrder } from './results.ts';
import { type Day, dateOf, workday, yearsBetween } from './time.ts';

/** Brings a chart up to today, or to the day of death. */
export function closeChart(life: Life): void {
	const { chart } = life;
	const { death } = chart.person;
	renewUntil(life, endOf(chart.world, chart.person));
	for (const plan of chart.resources.filter(({ resourceType }) => resourceType === 'CarePlan'))
		endPlan(plan, endOf(chart.world, chart.person));
	for (const goal of chart.resources.filter(({ resourceType }) => resourceType === 'Goal')) endGoal(goal, chart.world.today);
	if (death === undefined) orderColonoscopy(chart);
	else endAll(chart, death.day);
}

/** Some of the age for it have been sent to a colonoscopy that is still to come. */
function orderColonoscopy(chart: Chart): void {
	const { person, world, random } = chart;
	const years = yearsBetween(person.birth, world.today);
	// Every third has had one.
	if (years < 48 || years > 75 || person.n % 3 !== 1 || !random.chance(0.5)) return;
	const made = { day: workday(world.today - random.between(16, 40)), minute: 990 };
	addOpenOrder(chart, ['73761001', 'Colonoscopy'], made, { day: world.today + random.between(10, 40), minute: 540 });
	chart.sign(made, person.clinician.link, person.facility.organization);
}

type Ending = { status?: unknown; period?: { start?: string; end?: string }; activity?: { detail: { status: string } }[] };

function endPlan(resource: Resource, today: Day): void {
	const plan = resource as Resource & Ending;
	if (String(plan.period?.end) >= dateOf(today)) return;
	plan.status = 'completed';
	plan.activity = (plan.activity ?? []).map(({ detail }) => ({ detail: { ...detail, status: 'completed' } }));
}

/** A goal that nobody has asked after since it was due; one that is measured is pursued until its value is reached. */
function endGoal(goal: Resource, today: Day): void {
	const [target] = goal.target as [{ dueDate?: string; measure?: object }];
	if (goal.lifecycleStatus !== 'active' || target.measure !== undefined || String(target.dueDate) >= dateOf(today)) return;
	goal.lifecycleStatus = 'completed';
	goal.achievementStatus = concept(`${hl7}/goal-achievement`, ['not-achieved', 'Not Achieved']);
}

/** How what was going on ends with the patient. */
const endings: Readonly<Record<string, (resource: Resource & Ending, chart: Chart, date: string) => void>> = {
	MedicationRequest(request) {
		if (request.status !== 'active') return;
		request.status = 'stopped';
		request.statusReason = { text: 'The patient has died' };
	},
	Condition(condition, _chart, date) {
		if (condition.abatementDateTime !== undefined) return;
		condition.clinicalStatus = concept(`${hl7}/condition-clinical`, ['inactive', 'Inactive']);
		condition.abatementDateTime = date;
	},
	Goal(goal, _chart, date) {
		if (goal.lifecycleStatus !== 'active') return;
		goal.lifecycleStatus = 'cancelled';
		goal.statusDate = date;
		goal.statusReason = 'The patient has died';
		goal.achievementStatus = concept(`${hl7}/goal-achievement`, ['not-attainable', 'Not Attainable']);
	},
	CarePlan(plan, _chart, date) {
		if (plan.status !== 'active') return;
		plan.status = 'revoked';
		plan.period = { ...plan.period, end: date };
		plan.activity = (plan.activity ?? []).map(({ detail }) => ({ detail: { ...detail, status: 'stopped' } }));
	},
	CareTeam(team, _chart, date) {
		team.status = 'inactive';
		team.period = { ...team.period, end: date };
	},
	Coverage(coverage, _chart, date) {
		if (coverage.status !== 'active') return;
		coverage.status = 'cancelled';
		coverage.period = { ...coverage.period, end: date };
	},
	Device(device) {
		device.status = 'inactive';
	},
	ServiceRequest(request) {
		if (request.status === 'active') request.status = 'revoked';
	},
};

function endAll(chart: Chart, day: Day): void {
	for (const resource of chart.resources) endings[resource.resourceType]?.(resource, chart, dateOf(day));
}
