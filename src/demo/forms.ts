// The questionnaires that the clinic's people fill in, and their questions and answers. Questions of the Hunger Vital Sign and the PHQ-2
// are asked with LOINC's codes; the intake form is the clinic's own.
import type { Resource } from '#fhir/resource.ts';
import { type Coded, home, loinc } from './fhir.ts';

export type Question = { readonly link: string; readonly code: Coded; readonly answers: readonly Coded[] };

export type Form = {
	readonly id: string;
	readonly title: string;
	readonly code: Coded;
	readonly url: string;
	readonly questions: readonly Question[];
};

const often: readonly Coded[] = [
	['LA28397-0', 'Often true'],
	['LA6729-3', 'Sometimes true'],
	['LA28398-8', 'Never true'],
];
const days: readonly Coded[] = [
	['LA6568-5', 'Not at all'],
	['LA6569-3', 'Several days'],
	['LA6570-1', 'More than half the days'],
	['LA6571-9', 'Nearly every day'],
];

/** The Hunger Vital Sign: the last answer says what the others come to. */
export const hunger: Form = {
	id: 'demo-hunger-vital-sign',
	title: 'Hunger Vital Sign',
	code: ['88121-9', 'Hunger Vital Sign [HVS]'],
	url: `${home}/Questionnaire/hunger-vital-sign`,
	questions: [
		{
			link: '/88122-7',
			code: ['88122-7', 'Within the past 12 months we worried whether our food would run out before we got money to buy more [U.S. FSS]'],
			answers: often,
		},
		{
			link: '/88123-5',
			code: ['88123-5', "Within the past 12 months the food we bought just didn't last and we didn't have money to get more [U.S. FSS]"],
			answers: often,
		},
		{
			link: '/88124-3',
			code: ['88124-3', 'Food insecurity risk [HVS]'],
			answers: [
				['LA19952-3', 'At risk'],
				['LA19983-8', 'No risk'],
			],
		},
	],
};

/** The two questions that ask for depression first; the sum of their answers is the score. */
export const mood: Form = {
	id: 'demo-phq-2',
	title: 'Patient Health Questionnaire, two questions',
	code: ['55757-9', 'Patient Health Questionnaire 2 item (PHQ-2) [Reported]'],
	url: `${home}/Questionnaire/phq-2`,
	questions: [
		{ link: '/44250-9', code: ['44250-9', 'Little interest or pleasure in doing things in last 2 weeks'], answers: days },
		{ link: '/44255-8', code: ['44255-8', 'Feeling down, depressed, or hopeless in last 2 weeks'], answers: days },
	],
};

export const moodScore: Coded = ['55758-7', 'Patient Health Questionnaire 2 item (PHQ-2) total score [Reported]'];

/** The form of the first visit; some of it is answered in words and in groups. */
export const intake = { id: 'demo-intake', title: 'New patient intake', url: `${home}/Questionnaire/intake` } as const;

/** The Questionnaire resources. */
export function questionnaires(): Resource[] {
	return [...[hunger, mood].map(questionnaireOf), intakeForm()];
}

function questionnaireOf({ id, title, code, url, questions }: Form): Resource {
	return {
		...head(id, title, url),
		code: [{ system: loinc, code: code[0], display: code[1] }],
		item: questions.map((question) => ({
			linkId: question.link,
			code: [{ system: loinc, code: question.code[0], display: question.code[1] }],
			text: question.code[1],
			type: 'choice',
			answerOption: question.answers.map(([answer, display]) => ({ valueCoding: { system: loinc, code: answer, display } })),
		})),
	};
}

function intakeForm(): Resource {
	return {
		...head(intake.id, intake.title, intake.url),
		item: [
			{
				linkId: 'home',
				text: 'Your home',
				type: 'group',
				item: [{ linkId: 'household', text: 'How many people live with you?', type: 'decimal' }],
			},
			{
				linkId: 'help',
				text: 'Does somebody help you with your health?',
				type: 'boolean',
				item: [{ linkId: 'helper', text: 'Who?', type: 'string' }],
			},
			{ linkId: 'reason', text: 'What brings you to us?', type: 'string' },
		],
	};
}

function head(id: string, title: string, url: string): Resource {
	return {
		resourceType: 'Questionnaire',
		id,
		url,
		version: '1.0',
		name: title.replaceAll(/[^A-Za-z0-9]/g, ''),
		title,
		status: 'active',
		subjectType: ['Patient'],
		date: '2024-01-01',
		publisher: 'Lakeside Family Health',
	};
}
