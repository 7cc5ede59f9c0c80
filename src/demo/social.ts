// How people live and what they want: smoking, work, mood, food, pregnancy, abilities, wishes. All as US Core observations.
import type { Resource } from '#fhir/resource.ts';
import { type Chart, ofVisit, type Visit } from './chart.ts';
import {
	type Coded,
	type Concept,
	concept,
	hl7,
	type Link,
	linkTo,
	loinc,
	profiled,
	quantity,
	snomed,
	usCore,
	usCoreCodes,
} from './fhir.ts';
import { addDirective } from './files.ts';
import { type Form, hunger, intake, mood, moodScore } from './forms.ts';
import { type Life, weeksOn } from './life.ts';
import { instantOf, later, yearsBetween } from './time.ts';

const socialHistory = concept(`${hl7}/observation-category`, ['social-history', 'Social History']);

type Answer = { readonly profiles: readonly string[]; readonly category: readonly Concept[]; readonly code: Concept; readonly by?: Link };

function addAnswer(chart: Chart, visit: Visit, { profiles, category, code, by }: Answer, value: object): Resource {
	return chart.add({
		resourceType: 'Observation',
		meta: profiled(...profiles),
		status: 'final',
		category: [...category],
		code,
		...ofVisit(chart, visit),
		effectiveDateTime: instantOf(visit.start),
		issued: instantOf(visit.start),
		performer: [by ?? visit.nurse.link],
		...value,
	});
}

const smoking = {
	never: ['266919005', 'Never smoked tobacco'],
	former: ['8517006', 'Ex-smoker'],
	current: ['449868002', 'Smokes tobacco daily'],
} as const satisfies Record<Life['smoker'], Coded>;

/** Asked at every full visit of those who are old enough. */
export function addSmoking({ chart, smoker, known }: Life, visit: Visit): void {
	const of = { profiles: ['us-core-smokingstatus'], category: [socialHistory] };
	addAnswer(
		chart,
		visit,
		{ ...of, code: concept(loinc, ['72166-2', 'Tobacco smoking status']) },
		{
			valueCodeableConcept: concept(snomed, smoking[smoker]),
		},
	);
	if (smoker === 'never') return;
	const years = 12 + (known % 20) + (smoker === 'current' ? Math.round(yearsBetween(known, visit.start.day)) : 0);
	addAnswer(
		chart,
		visit,
		{ ...of, code: concept(snomed, ['401201003', 'Cigarette pack-years (observable entity)']) },
		{
			valueQuantity: quantity(years, '{pack-years}', 'pack-years'),
		},
	);
}

const jobs: readonly (readonly [job: Coded, industry: Coded])[] = [
	[
		['31-1014.00.007136', 'Certified Nursing Assistant (CNA) [Nursing Assistants]'],
		['621610.008495', 'Home nursing services'],
	],
	[
		['25-2021.00.007570', 'Elementary School Teacher [Elementary School Teachers, Except Special Education]'],
		['611110.008303', 'Elementary schools'],
	],
	[
		['47-2111.00.026047', 'Electrician [Electricians]'],
		['238210.001498', 'Electrical contractors'],
	],
	[
		['41-2011.00.008166', 'Cashier [Cashiers]'],
		['445110.004543', 'Grocery stores'],
	],
];

/** What an adult works as, or worked as. */
export function addOccupation({ chart }: Life, visit: Visit): void {
	const { person, random } = chart;
	const [job, industry] = random.pick(jobs);
	const system = `${hl7}/PHOccupationalDataForHealthODH`;
	const from = Math.min(person.birth + Math.round(random.between(19, 26) * 365.25), visit.start.day - 60);
	const until = person.birth + 65 * 365;
	const answer = {
		profiles: ['us-core-observation-occupation'],
		category: [socialHistory],
		code: concept(loinc, ['11341-5', 'History of Occupation']),
	};
	const added = addAnswer(chart, visit, answer, {
		effectivePeriod: {
			start: instantOf({ day: from, minute: 0 }).slice(0, 10),
			...(until < visit.start.day ? { end: instantOf({ day: until, minute: 0 }).slice(0, 10) } : {}),
		},
		valueCodeableConcept: concept(system, job),
		component: [{ code: concept(loinc, ['86188-0', 'History of Occupation Industry']), valueCodeableConcept: concept(system, industry) }],
	});
	delete added.effectiveDateTime;
}

/** What somebody who was asked, and wanted to, has said. */
export function addOrientation({ chart }: Life, visit: Visit): void {
	const answer = {
		profiles: ['us-core-observation-sexual-orientation'],
		category: [socialHistory],
		code: concept(loinc, ['76690-7', 'Sexual orientation']),
	};
	const said = chart.random.pick<Coded>([
		['20430005', 'Heterosexual'],
		['20430005', 'Heterosexual'],
		['38628009', 'Homosexual'],
		['42035005', 'Bisexual'],
	]);
	addAnswer(chart, visit, { ...answer, by: chart.person.link }, { valueCodeableConcept: concept(snomed, said) });
}

/** Of women who may become pregnant: whether they are, and whether they want to be. */
export function addPregnancyAnswers({ chart }: Life, visit: Visit): void {
	const pregnant = weeksOn(chart.person, visit.start.day) !== undefined;
	const status: Coded = pregnant ? ['77386006', 'Pregnant'] : ['60001007', 'Not pregnant'];
	addAnswer(
		chart,
		visit,
		{ profiles: ['us-core-observation-pregnancystatus'], category: [socialHistory], code: concept(loinc, ['82810-3', 'Pregnancy status']) },
		{ valueCodeableConcept: concept(snomed, status) },
	);
	if (pregnant) return;
	const intent = chart.random.pick<Coded>([
		['454381000124105', 'Not sure of desire to become pregnant (finding)'],
		['454391000124108', 'No desire to become pregnant (finding)'],
		['454411000124108', 'Wants to become pregnant (finding)'],
	]);
	addAnswer(
		chart,
		visit,
		{
			profiles: ['us-core-observation-pregnancyintent'],
			category: [socialHistory],
			code: concept(loinc, ['86645-9', 'Pregnancy intention in the next year - Reported']),
		},
		{ valueCodeableConcept: concept(snomed, intent) },
	);
}

function categoryOf(code: string, display: string): Concept {
	return concept(`${usCoreCodes}/us-core-category`, [code, display]);
}

const survey = concept(`${hl7}/observation-category`, ['survey', 'Survey']);
const activity = concept(`${hl7}/observation-category`, ['activity', 'Activity']);

/** A question by itself is a screening too, https://hl7.org/fhir/us/core/STU8/screening-and-assessments.html */
const screened = ['us-core-simple-observation', 'us-core-observation-screening-assessment'];

const exerciseDays = 'How many days per week did you engage in moderate to strenuous physical activity in the last 30 days';

/** The form, filled in by the patient or for a child by the nurse. */
function addResponse(chart: Chart, visit: Visit, form: Pick<Form, 'url' | 'title'>, item: readonly object[]): Resource {
	return chart.add({
		resourceType: 'QuestionnaireResponse',
		meta: profiled('us-core-questionnaireresponse'),
		identifier: { system: `${form.url}/response`, value: `${chart.person.n}-${visit.start.day}` },
		questionnaire: `${form.url}|1.0`,
		_questionnaire: {
			extension: [
				{ url: 'http://hl7.org/fhir/StructureDefinition/display', valueString: form.title },
				{ url: `${usCore}/us-core-extension-questionnaire-uri`, valueUri: form.url },
			],
		},
		status: 'completed',
		...ofVisit(chart, visit),
		authored: instantOf(visit.start),
		author: visit.nurse.link,
		source: chart.person.link,
		item,
	});
}

/** A form with its answers: the response, an observation for each answer, and one that holds them together. */
function addScreening(
	chart: Chart,
	visit: Visit,
	form: Form,
	{ choices, score, category }: { readonly choices: readonly number[]; readonly score?: Coded; readonly category: readonly Concept[] },
): Resource {
	const answers = form.questions.map(({ answers: all }, i) => all[choices[i] ?? 0] as Coded);
	const response = addResponse(
		chart,
		visit,
		form,
		form.questions.map(({ link, code }, i) => {
			const [answer, display] = answers[i] as Coded;
			return { linkId: link, text: code[1], answer: [{ valueCoding: { system: loinc, code: answer, display } }] };
		}),
	);
	// The nurse fills it in with the parents of a child.
	const by = chart.person.parent === undefined ? chart.person.link : visit.nurse.link;
	const of = { profiles: ['us-core-observation-screening-assessment'], category: [...category, survey], by };
	const derivedFrom = [linkTo(response)];
	const members = form.questions.map(({ code }, i) => {
		// Some leave a question out.
		const skipped = chart.random.chance(0.01);
		const value = skipped
			? { dataAbsentReason: concept(`${hl7}/data-absent-reason`, ['asked-declined', 'Asked But Declined']) }
			: { valueCodeableConcept: concept(loinc, answers[i] as Coded) };
		return addAnswer(chart, visit, { ...of, code: concept(loinc, code) }, { ...value, derivedFrom });
	});
	const total = choices.reduce((sum, choice) => sum + choice, 0);
	const sum =
		score === undefined
			? []
			: [
					addAnswer(
						chart,
						visit,
						{ ...of, code: concept(loinc, score) },
						{ valueQuantity: quantity(total, '{score}', 'score'), derivedFrom: members.map((member) => linkTo(member)) },
					),
				];
	return addAnswer(
		chart,
		visit,
		{ ...of, code: concept(loinc, form.code) },
		{
			hasMember: [...members, ...sum].map((member) => linkTo(member)),
			derivedFrom,
		},
	);
}

/** Asks for depression; gives the score. */
export function askMood({ chart, had }: Life, visit: Visit): number {
	const low = had.some(({ problem, since }) => problem.key === 'depression' && visit.start.day >= since - 40);
	const late = low && visit.start.day > (had.find(({ problem }) => problem.key === 'depression')?.since ?? 0) + 200;
	const choices = low && !late ? [2, 2 + chart.random.below(2)] : [chart.random.below(2), chart.random.below(2)];
	const asked = addScreening(chart, visit, mood, { choices, score: moodScore, category: [] });
	if (low)
		addAnswer(
			chart,
			visit,
			{
				profiles: screened,
				category: [categoryOf('disability-status', 'Disability Status'), survey],
				code: concept(loinc, ['94023-9', 'Depression severity']),
			},
			{
				valueCodeableConcept: concept(loinc, late ? ['LA6752-5', 'Mild'] : ['LA6751-7', 'Moderate']),
				derivedFrom: [linkTo(asked)],
			},
		);
	return choices.reduce((sum, choice) => sum + choice, 0);
}

/** Asks whether there is enough to eat; says whether there is not. */
export function askFood({ chart }: Life, visit: Visit): boolean {
	const isHungry = chart.person.traits.includes('hunger') && yearsBetween(visit.start.day, chart.world.today) < 2.5;
	const choices = isHungry ? [chart.random.below(2), chart.random.below(2), 0] : [2, 2, 1];
	addScreening(chart, visit, hunger, { choices, category: [categoryOf('sdoh', 'SDOH')] });
	return isHungry;
}

/** The form of a first visit. */
export function addIntake({ chart }: Life, visit: Visit, reason: string): void {
	addResponse(chart, visit, intake, [
		{
			linkId: 'home',
			text: 'Your home',
			item: [{ linkId: 'household', text: 'How many people live with you?', answer: [{ valueDecimal: chart.random.below(5) }] }],
		},
		{
			linkId: 'help',
			text: 'Does somebody help you with your health?',
			answer: [
				{
					valueBoolean: true,
					item: [
						{
							linkId: 'helper',
							text: 'Who?',
							answer: [{ valueString: chart.random.pick(['My sister', 'My spouse', 'A friend next door', 'My parents']) }],
						},
					],
				},
			],
		},
		{ linkId: 'reason', text: 'What brings you to us?', answer: [{ valueString: reason }] },
	]);
}

/** What an adult drinks, whether somebody old manages alone, and the like. */
export function addAbilities({ chart, had }: Life, visit: Visit, years: number): void {
	const of = (category: Concept, code: Coded): Answer => ({ profiles: screened, category: [category, survey], code: concept(loinc, code) });
	const own = { by: chart.person.link };
	addAnswer(
		chart,
		visit,
		{ ...of(socialHistory, ['74013-4', 'Alcoholic drinks per day']), ...own },
		{ valueQuantity: quantity(chart.random.below(3), '/d', 'per day') },
	);
	addAnswer(
		chart,
		visit,
		{ ...of(activity, ['89555-7', exerciseDays]), ...own },
		{ valueQuantity: quantity(chart.person.traits.includes('sporty') ? 5 : chart.random.below(4), 'd/wk', 'days per week') },
	);
	if (chart.person.traits.includes('hunger'))
		addAnswer(
			chart,
			visit,
			{
				profiles: ['us-core-simple-observation'],
				category: [categoryOf('sdoh', 'SDOH')],
				code: concept(snomed, ['160695008', 'Transport too expensive']),
			},
			{ valueBoolean: true },
		);
	if (years < 70) return;
	const confused = had.some(({ problem, since }) => problem.key === 'dementia' && since <= visit.start.day);
	addAnswer(chart, visit, of(categoryOf('functional-status', 'Functional Status'), ['75276-6', 'Functional status [Interpretation]']), {
		valueCodeableConcept: confused
			? concept(snomed, ['129039006', 'Dependent for dressing'])
			: concept(snomed, ['129035000', 'Independent with dressing (finding)']),
	});
	addAnswer(chart, visit, of(categoryOf('cognitive-status', 'Cognitive Status'), ['11332-4', 'History of Cognitive Function Narrative']), {
		valueString: confused
			? 'Knows her name and family; unsure of date and place. Repeats questions. Needs reminders for medicine and meals.'
			: 'Oriented in all respects, manages money and appointments alone.',
	});
}

/** What an old patient wishes for when it comes to hard decisions, and the papers that say so. */
export function addWishes(life: Life, visit: Visit): void {
	const { chart } = life;
	const { random } = chart;
	const of = (profile: string, [code, display]: Coded, what: Coded): Answer => ({
		profiles: [profile],
		category: [categoryOf(code, display)],
		code: concept(loinc, what),
		by: chart.person.link,
	});
	addAnswer(
		chart,
		visit,
		of(
			'us-core-treatment-intervention-preference',
			['treatment-intervention-preference', 'Treatment Intervention preference'],
			['75773-2', 'Goals, preferences, and priorities for medical treatment Narrative - Reported'],
		),
		{
			valueString: random.pick([
				'No breathing machine if there is no hope to come home.',
				'Wants everything done that can help, for as long as it helps.',
			]),
		},
	);
	addAnswer(
		chart,
		visit,
		of(
			'us-core-care-experience-preference',
			['care-experience-preference', 'Care experience preference'],
			['95541-9', 'Care experience preference'],
		),
		{
			valueString: random.pick([
				'Family at the bedside, and quiet in the evening.',
				'Would like to hear hymns, and to have the window open.',
				'Please explain things slowly and write them down.',
			]),
		},
	);
	const papers = random.chance(0.75);
	const paper = papers
		? addDirective(
				chart,
				visit,
				random.pick<Coded>([
					['86533-7', 'Patient Living will'],
					['93037-0', 'Portable medical order form'],
				]),
				[
					`I, ${chart.person.name}, being of sound mind, direct that my care follow the wishes I have told my physician.`,
					`Signed in the presence of ${visit.clinician.name}.`,
				],
			)
		: undefined;
	addAnswer(
		chart,
		visit,
		{
			profiles: ['us-core-observation-adi-documentation'],
			category: [categoryOf('observation-adi-documentation', 'Observation ADI Documentation')],
			code: concept(loinc, ['45473-6', 'Advance healthcare directive completed']),
			by: visit.clinician.link,
		},
		{
			...(paper === undefined
				? {}
				: { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/workflow-supportingInfo', valueReference: linkTo(paper) }] }),
			issued: instantOf(later(visit.start, 20)),
			valueCodeableConcept:
				paper === undefined
					? concept(snomed, ['373067005', 'No (qualifier value)'])
					: concept(snomed, ['373066001', 'Yes (qualifier value)']),
		},
	);
}
