// A visit from the door to the signature: what the nurse measures and gives, what the clinician finds, orders and writes down.
import type { Resource } from '#fhir/resource.ts';
import type { Planned } from './agenda.ts';
import { type Chart, ofVisit, type Visit } from './chart.ts';
import type { DrugName } from './data/drugs.ts';
import type { PanelName } from './data/laboratory.ts';
import { type Coded, concept, concepts, hl7, home, icd10, type Link, linkTo, profiled, snomed, usCore } from './fhir.ts';
import { addNote } from './files.ts';
import { drugsDue, type Had, hadOn, type Life, weeksOn } from './life.ts';
import { noteOf } from './notes.ts';
import type { Facility, Staff } from './practice.ts';
import { prescribe, stop } from './prescriptions.ts';
import { addOrder, addPanel, addStudy, addWordTest } from './results.ts';
import {
	addAbilities,
	addIntake,
	addOccupation,
	addOrientation,
	addPregnancyAnswers,
	addSmoking,
	addWishes,
	askFood,
	askMood,
} from './social.ts';
import { addMonths, type Day, dateOf, instantOf, later, yearsBetween } from './time.ts';
import { addFormerVaccines, vaccinate } from './vaccines.ts';
import { addHomePressure, addVitals, type Measured } from './vitals.ts';

const types = {
	'check-up': ['185349003', 'Encounter for check up (procedure)'],
	'follow-up': ['390906007', 'Follow-up encounter'],
	complaint: ['185345009', 'Encounter for symptom'],
	prenatal: ['424619006', 'Prenatal visit'],
	postnatal: ['169762003', 'Postnatal visit'],
} as const satisfies Record<Planned['kind'], Coded>;

/** What a visit was about, for the note. */
export type Story = {
	readonly planned: Planned;
	readonly measured: Measured;
	readonly present: readonly Had[];
	readonly given: readonly string[];
	readonly results: readonly string[];
	readonly remarks: readonly string[];
};

export type Memory = {
	/** When a panel was last drawn. */
	readonly drawn: Map<PanelName, number>;
	/** When a full visit with questions last was. */
	asked: number | undefined;
	first: boolean;
	/** Somebody has too little to eat, and it is on the problem list. */
	hunger: Resource | undefined;
	/** Until when there is to be enough: said anew whenever it is asked. */
	enough?: { readonly dueDate: string }[];
	pregnancy: Resource | undefined;
	wishes: boolean;
	studied: Set<string>;
};

/** Adds a visit with all that comes of it; `opened` hears of it before anything else is done. */
export function addVisit(life: Life, memory: Memory, planned: Planned, opened: (visit: Visit) => void): Visit {
	const { chart } = life;
	const { person } = chart;
	const visit = openVisit(chart, planned, person.clinician, person.facility);
	opened(visit);
	const full = planned.kind === 'check-up' && (memory.asked === undefined || planned.day - memory.asked > 25);
	const measured = addVitals(life, visit, {
		full: full || planned.kind === 'prenatal',
		...(planned.complaint?.fever === undefined ? {} : { fever: planned.complaint.fever }),
	});
	if (planned.underWay) {
		chart.sign(later(visit.start, 15), visit.nurse.link, visit.facility.organization);
		return visit;
	}
	const remarks = full ? askAll(life, memory, visit) : [];
	if (measuresAtHome(life, planned)) addHomePressure(life, visit);
	if (memory.first) addFormerVaccines(life, visit);
	const given = planned.kind === 'complaint' ? [] : vaccinate(life, visit);
	chart.sign(later(visit.start, 15), visit.nurse.link, visit.facility.organization);
	const present = hadOn(life, planned.day);
	listProblems(life, visit);
	if (planned.kind === 'prenatal') addPregnancy(life, memory, visit);
	const reason = addDiagnosis(life, visit, planned, present);
	visit.encounter.reasonReference = [reason, ...followed(planned, present)].map((condition) => linkTo(condition));
	treat(life, visit, planned, reason);
	if (planned.kind === 'postnatal') stop(life, 'folic', 'The pregnancy is over');
	const results = order(life, memory, visit, planned, present);
	if (results.length > 0 && once(memory, 'report'))
		addNote(chart, visit, ['11502-2', 'Laboratory report.total'], 'Laboratory report', results.join('\n'));
	if (full && memory.hunger !== undefined)
		remarks.push('Food runs out at the end of the month; was told about the food pantry on Lincoln Avenue.');
	const [type, title] =
		planned.kind === 'check-up' && memory.first
			? (['34117-2', 'History and physical note'] as const)
			: (['11506-3', 'Progress note'] as const);
	if (planned.day > chart.world.today - 4 * 365)
		addNote(chart, visit, [type, title], title, noteOf(life, visit, { planned, measured, present, given, results, remarks }));
	memory.first = false;
	chart.sign(later(visit.end, 25), visit.clinician.link, visit.facility.organization);
	return visit;
}

function measuresAtHome(life: Life, { kind, day }: Planned): boolean {
	return kind === 'follow-up' && hadOn(life, day).some(({ problem }) => problem.key === 'hypertension') && life.chart.random.chance(0.35);
}

/** The encounter. */
export function openVisit(chart: Chart, planned: Planned, clinician: Staff, facility: Facility): Visit {
	const { random, world, person } = chart;
	const start = { day: planned.day, minute: planned.minute };
	const end = later(start, planned.kind === 'check-up' ? 30 : random.pick([15, 20, 25]));
	const virtual = planned.kind === 'follow-up' && person.traits.includes('mood') && random.chance(0.4);
	const reason = planned.complaint === undefined ? types[planned.kind] : planned.complaint.snomed;
	const id = random.uuid();
	const encounter = chart.add({
		resourceType: 'Encounter',
		id,
		meta: profiled('us-core-encounter'),
		...interpreterOf(person),
		identifier: [{ use: 'official', system: `${home}/encounter`, value: `E${person.n}-${planned.day}` }],
		status: planned.underWay ? 'in-progress' : 'finished',
		class: virtual
			? { system: `${hl7}/v3-ActCode`, code: 'VR', display: 'virtual' }
			: { system: `${hl7}/v3-ActCode`, code: 'AMB', display: 'ambulatory' },
		type: [concept(snomed, types[planned.kind])],
		subject: person.link,
		participant: [participant(clinician.link, start, planned.underWay ? undefined : end)],
		period: { start: instantOf(start), ...(planned.underWay ? {} : { end: instantOf(end) }) },
		reasonCode: [concept(snomed, reason)],
		location: [{ location: facility.location, status: planned.underWay ? 'active' : 'completed' }],
		serviceProvider: facility.organization,
	});
	const nurses = world.practice.caring('nurse', 0);
	const nurse = nurses.find((one) => one.facility.key === facility.key) ?? (nurses[0] as Staff);
	return { encounter, link: linkTo(encounter), start, end, clinician, nurse, facility };
}

/** Somebody who speaks another language needs an interpreter. */
function interpreterOf({ language }: Chart['person']): object {
	if (language[0] === 'en') return {};
	return {
		extension: [
			{ url: `${usCore}/us-core-interpreter-needed`, valueCoding: { system: snomed, code: '373066001', display: 'Yes (qualifier value)' } },
		],
	};
}

/** Who took part in an encounter, as the one who is responsible. */
export function participant(individual: Link, start: Visit['start'], end: Visit['end'] | undefined): object {
	return {
		type: [concept(`${hl7}/v3-ParticipationType`, ['PPRF', 'primary performer'])],
		period: { start: instantOf(start), ...(end === undefined ? {} : { end: instantOf(end) }) },
		individual,
	};
}

/** The questions of a full visit; lines for the note. */
function askAll(life: Life, memory: Memory, visit: Visit): string[] {
	const { chart } = life;
	const { person, world } = chart;
	const years = yearsBetween(person.birth, visit.start.day);
	const remarks: string[] = [];
	const recent = visit.start.day > world.today - 3 * 365;
	memory.asked = visit.start.day;
	if (years >= 13) addSmoking(life, visit);
	if (years >= 18 && memory.first) {
		addOccupation(life, visit);
		if (chart.random.chance(0.5)) addOrientation(life, visit);
		addIntake(life, visit, 'I am new in town and looking for a doctor.');
	}
	if (person.sex === 'female' && years >= 15 && years <= 48 && recent) addPregnancyAnswers(life, visit);
	const lately = visit.start.day > world.today - 400;
	if (years >= 12 && (lately || (recent && person.traits.includes('mood')))) remarks.push(`PHQ-2 score ${askMood(life, visit)}.`);
	if ((lately || (recent && person.traits.includes('hunger'))) && askFood(life, visit)) addHunger(chart, memory, visit);
	if (years >= 18 && recent) addAbilities(life, visit, years);
	if (years >= 65 && !memory.wishes && recent) {
		addWishes(life, visit);
		memory.wishes = true;
	}
	return remarks;
}

/** `snomed` is missing where it has only procedures for what the visit was about. */
type Diagnosis = { readonly snomed?: Coded; readonly icd10: Coded; readonly text?: string };

function addCondition(chart: Chart, visit: Visit, { snomed: finding, icd10: billing, text }: Diagnosis, more: object): Resource {
	return chart.add({
		resourceType: 'Condition',
		clinicalStatus: concept(`${hl7}/condition-clinical`, ['active', 'Active']),
		verificationStatus: concept(`${hl7}/condition-ver-status`, ['confirmed', 'Confirmed']),
		code: concepts(text ?? (finding ?? billing)[1], ...(finding === undefined ? [] : [[snomed, ...finding] as const]), [icd10, ...billing]),
		subject: chart.person.link,
		recordedDate: instantOf(visit.start),
		recorder: visit.clinician.link,
		...more,
	});
}

const listItem = concept(`${hl7}/condition-category`, ['problem-list-item', 'Problem List Item']);

function asserted(day: number): object {
	return { url: 'http://hl7.org/fhir/StructureDefinition/condition-assertedDate', valueDateTime: dateOf(day) };
}

/** Puts what was found meanwhile on the problem list, and takes off what is over. */
function listProblems(life: Life, visit: Visit): void {
	const { chart } = life;
	for (const one of life.had) {
		const { problem, since, until } = one;
		if (since > visit.start.day) continue;
		one.condition ??= addCondition(chart, visit, problem, {
			meta: profiled('us-core-condition-problems-health-concerns'),
			extension: [asserted(visit.start.day)],
			category: [listItem],
			onsetDateTime: dateOf(since),
		});
		if (until === undefined || until > visit.start.day || one.condition.abatementDateTime !== undefined) continue;
		one.condition.clinicalStatus = concept(`${hl7}/condition-clinical`, ['resolved', 'Resolved']);
		one.condition.abatementDateTime = dateOf(until);
		for (const [drug] of problem.drugs) stop(life, drug, 'No longer needed');
	}
}

/** Too little to eat: a health concern, a referral, and a goal of the patient's own. */
function addHunger(chart: Chart, memory: Memory, visit: Visit): void {
	if (memory.hunger !== undefined) {
		memory.enough?.splice(0, 1, { dueDate: dateOf(addMonths(visit.start.day, 12)) });
		return;
	}
	const sdoh = concept('http://hl7.org/fhir/us/core/CodeSystem/us-core-category', ['sdoh', 'SDOH']);
	memory.hunger = addCondition(
		chart,
		visit,
		{ snomed: ['733423003', 'Food insecurity'], icd10: ['Z59.41', 'Food insecurity'] },
		{
			meta: profiled('us-core-condition-problems-health-concerns'),
			extension: [asserted(visit.start.day)],
			category: [concept('http://hl7.org/fhir/us/core/CodeSystem/condition-category', ['health-concern', 'Health Concern']), sdoh],
			onsetDateTime: dateOf(visit.start.day - 90),
		},
	);
	addOrder(chart, visit, ['467771000124109', 'Assistance with application for food pantry program'], 'Food pantry referral', 'social', {
		system: snomed,
		status: visit.start.day > chart.world.today - 60 ? 'active' : 'completed',
	});
	memory.enough = [{ dueDate: dateOf(addMonths(visit.start.day, 12)) }];
	chart.add({
		resourceType: 'Goal',
		meta: profiled('us-core-goal'),
		lifecycleStatus: 'active',
		category: [concept(`${hl7}/goal-category`, ['dietary', 'Dietary']), sdoh],
		description: concept(snomed, ['1078229009', 'Food security'], 'Enough food for the family all month'),
		subject: chart.person.link,
		startDate: dateOf(visit.start.day),
		target: memory.enough,
		expressedBy: chart.person.link,
		addresses: [linkTo(memory.hunger)],
	});
}

function addPregnancy(life: Life, memory: Memory, visit: Visit): void {
	const { chart } = life;
	const delivery = chart.person.delivery as number;
	memory.pregnancy ??= addCondition(
		chart,
		visit,
		{
			snomed: ['77386006', 'Pregnant'],
			icd10: ['Z34.90', 'Encounter for supervision of normal pregnancy, unspecified, unspecified trimester'],
		},
		{
			meta: profiled('us-core-condition-problems-health-concerns'),
			extension: [asserted(visit.start.day)],
			category: [listItem],
			onsetDateTime: dateOf(delivery - 280),
			...(delivery < chart.world.today
				? {
						clinicalStatus: concept(`${hl7}/condition-clinical`, ['resolved', 'Resolved']),
						abatementDateTime: dateOf(delivery),
					}
				: {}),
		},
	);
	prescribe(life, visit, 'folic', { reason: memory.pregnancy });
}

const well: Coded = ['102499006', 'Fit and well'];
const checkUp: Diagnosis = {
	icd10: ['Z00.00', 'Encounter for general adult medical examination without abnormal findings'],
	text: 'Adult health examination',
};
const childCheckUp: Diagnosis = {
	icd10: ['Z00.129', 'Encounter for routine child health examination without abnormal findings'],
	text: 'Well child examination',
};
const prenatal: Diagnosis = {
	snomed: ['72892002', 'Normal pregnancy'],
	icd10: ['Z34.90', 'Encounter for supervision of normal pregnancy, unspecified, unspecified trimester'],
};
const postnatal: Diagnosis = { snomed: ['86569001', 'Postpartum state'], icd10: ['Z39.2', 'Encounter for routine postpartum follow-up'] };

function diagnosisOf({ kind, complaint }: Planned, present: readonly Had[], isChild: boolean): Diagnosis {
	if (complaint !== undefined) return complaint;
	if (kind === 'prenatal') return prenatal;
	if (kind === 'postnatal') return postnatal;
	const [main] = present;
	if (kind === 'follow-up' && main !== undefined) return main.problem;
	const examined = isChild ? childCheckUp : checkUp;
	return present.length === 0 ? { ...examined, snomed: well } : examined;
}

/** What stands on the problem list that a follow-up is about. */
function followed({ kind }: Planned, [main]: readonly Had[]): readonly Resource[] {
	return kind === 'follow-up' && main?.condition !== undefined ? [main.condition] : [];
}

/** What the visit was for, as the diagnosis of the encounter. */
function addDiagnosis({ chart }: Life, visit: Visit, planned: Planned, present: readonly Had[]): Resource {
	const { complaint } = planned;
	const diagnosis = diagnosisOf(planned, present, yearsBetween(chart.person.birth, planned.day) < 18);
	const over = endOfDiagnosis(chart, planned, present);
	return addCondition(chart, visit, diagnosis, {
		meta: profiled('us-core-condition-encounter-diagnosis'),
		extension: [asserted(planned.day)],
		category: [concept(`${hl7}/condition-category`, ['encounter-diagnosis', 'Encounter Diagnosis'])],
		encounter: visit.link,
		...(complaint === undefined ? {} : { onsetDateTime: dateOf(planned.day - 2) }),
		...(over === undefined || over > chart.world.today
			? {}
			: { clinicalStatus: concept(`${hl7}/condition-clinical`, ['resolved', 'Resolved']), abatementDateTime: dateOf(over) }),
	});
}

/** When what a visit was about is over: an examination with the visit, a pregnancy with birth. */
function endOfDiagnosis({ person }: Chart, { kind, complaint, day }: Planned, [main]: readonly Had[]): Day | undefined {
	if (complaint !== undefined) return day + complaint.days;
	if (kind === 'prenatal') return person.delivery;
	return kind === 'follow-up' && main !== undefined ? main.until : day;
}

function treat(life: Life, visit: Visit, { complaint, kind, day }: Planned, reason: Resource): void {
	for (const one of hadOn(life, day)) {
		// Inhaled steroids replace each other, and so do strengths.
		const due = drugsDue(one, day);
		if (due.includes('atorvastatin40')) stop(life, 'atorvastatin', 'Dose raised');
		for (const drug of due) {
			if (drug === 'atorvastatin' && due.includes('atorvastatin40')) continue;
			prescribe(life, visit, drug, one.condition === undefined ? {} : { reason: one.condition });
		}
	}
	if (complaint?.drug !== undefined) prescribe(life, visit, complaint.drug as DrugName, { days: Math.min(complaint.days, 14), reason });
	else if (complaint?.key === 'cold' && life.chart.person.parent === undefined)
		prescribe(life, visit, 'acetaminophen', { days: 5, reason, reported: true });
	if (kind === 'check-up' && life.smoker === 'current' && life.chart.random.chance(0.2))
		prescribe(life, visit, 'nicotine', { days: 28, reason });
}

/** Panels that are due, and what else the visit calls for; lines for the note. */
function order(life: Life, memory: Memory, visit: Visit, { kind, complaint, day }: Planned, present: readonly Had[]): string[] {
	const { chart } = life;
	const { person } = chart;
	const years = yearsBetween(person.birth, day);
	const due = new Set<PanelName>();
	if (kind === 'check-up' || kind === 'follow-up') for (const { problem } of present) for (const panel of problem.panels) due.add(panel);
	if (kind === 'check-up' && years >= 40 && (memory.drawn.size === 0 || chart.random.chance(0.35))) due.add('lipids').add('metabolic');
	if (kind === 'check-up' && Math.abs(years - 1) < 0.1) due.add('lead');
	const weeks = weeksOn(person, day);
	if (kind === 'prenatal' && weeks !== undefined && (weeks <= 9 || weeks === 28)) due.add('bloodcount');
	const results: string[] = [];
	for (const panel of due) {
		if (day - (memory.drawn.get(panel) ?? Number.NEGATIVE_INFINITY) < daysBetween(panel)) continue;
		memory.drawn.set(panel, day);
		results.push(addPanel(life, visit, panel));
	}
	if (complaint?.test !== undefined) addWordTest(chart, visit, complaint.test);
	if (complaint?.image !== undefined) addStudy(chart, visit, complaint.image);
	if (kind === 'check-up' && years >= 50 && years < 76 && !memory.studied.has('colon') && once(memory, `fit ${Math.floor(years / 3)}`))
		addWordTest(chart, visit, 'fit');
	if (present.some(({ problem }) => problem.key === 'fibrillation') && once(memory, 'ecg')) addStudy(chart, visit, 'ecg');
	if (kind === 'check-up' && years >= 52 && person.n % 3 === 0 && once(memory, 'colon')) addColonoscopy(chart, visit);
	if (present.some(({ problem }) => problem.key === 'copd' || problem.key === 'asthma') && once(memory, 'spirometry'))
		addProcedure(chart, visit, ['127783003', 'Spirometry'], 15);
	if (kind === 'prenatal' && weeks !== undefined && weeks >= 19 && once(memory, 'ultrasound'))
		addProcedure(chart, visit, ['271442007', 'Fetal anatomy study'], 30);
	if (present.some(({ problem }) => problem.key === 'diabetes') && kind === 'check-up')
		addProcedure(chart, visit, ['401191002', 'Diabetic foot examination'], 5);
	return results;
}

/** How long a result is good for. */
function daysBetween(panel: PanelName): number {
	return panel === 'a1c' ? 100 : panel === 'heart' ? 170 : 340;
}

function once({ studied }: Memory, what: string): boolean {
	if (studied.has(what)) return false;
	studied.add(what);
	return true;
}

function addColonoscopy(chart: Chart, visit: Visit): void {
	addProcedure(chart, visit, ['73761001', 'Colonoscopy'], 40);
	addStudy(chart, visit, 'polyp');
	addNote(
		chart,
		visit,
		['28570-0', 'Procedure note'],
		'Procedure note',
		'Colonoscopy to the cecum under light sedation. One polyp of 6 mm in the sigmoid colon, removed by snare. No bleeding. Next colonoscopy in seven years.',
	);
}

/** Something done during a visit, https://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-procedure.html */
export function addProcedure(chart: Chart, visit: Visit, code: Coded, minutes: number, more: object = {}): Resource {
	const order = addOrder(chart, visit, code, code[1], 'procedure', { system: snomed });
	const start = later(visit.start, 10);
	return chart.add({
		resourceType: 'Procedure',
		meta: profiled('us-core-procedure'),
		basedOn: [order],
		status: 'completed',
		code: concept(snomed, code),
		...ofVisit(chart, visit),
		...(minutes < 20
			? { performedDateTime: instantOf(start) }
			: { performedPeriod: { start: instantOf(start), end: instantOf(later(start, minutes)) } }),
		recorder: visit.clinician.link,
		performer: [{ actor: visit.clinician.link, onBehalfOf: visit.facility.organization }],
		location: visit.facility.location,
		reasonCode: visit.encounter.reasonCode,
		...(visit.encounter.reasonReference === undefined ? {} : { reasonReference: visit.encounter.reasonReference }),
		...more,
	});
}
