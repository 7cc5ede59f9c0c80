// Notes that read like notes: what was said, found, thought and decided at a visit.

import type { Visit } from './chart.ts';
import { drugs } from './data/drugs.ts';
import { type Life, weeksOn } from './life.ts';
import { dateOf, yearsBetween } from './time.ts';
import type { Story } from './visits.ts';

/** The note of a visit. */
export function noteOf(life: Life, visit: Visit, story: Story): string {
	const { clinician, start } = visit;
	const sections = [
		['SUBJECTIVE', subjective(life, visit, story)],
		['OBJECTIVE', objective(story)],
		...(story.results.length === 0 ? [] : [['RESULTS', story.results.join('\n')] as const]),
		['ASSESSMENT AND PLAN', plan(life, story)],
	] as const;
	return `${sections.map(([title, text]) => `${title}\n${text}`).join('\n\n')}\n\nSigned ${clinician.name}, ${dateOf(start.day)}\n`;
}

function subjective(life: Life, { start }: Visit, { planned, present, remarks }: Story): string {
	const { person, random } = life.chart;
	const given = person.given[0] as string;
	const years = yearsBetween(person.birth, start.day);
	const she = person.sex === 'female' ? 'She' : 'He';
	const sentences = [`${given} is a ${ageWords(years, person.sex)} who comes for ${reasonWords(life, planned)}.`];
	if (planned.complaint !== undefined) sentences.push(`${she} ${planned.complaint.says}.`);
	else for (const { problem } of present.slice(0, 3)) sentences.push(`${problem.snomed[1]}: ${random.pick(problem.says)}.`);
	if (present.length === 0 && planned.kind === 'check-up')
		sentences.push(
			person.parent === undefined
				? `${she} feels well and has no complaints.`
				: years < 12
					? `Eats, sleeps and plays well, the family reports. Meets the milestones of the age.`
					: `School goes well, ${she.toLowerCase()} has friends and is active. Spoke alone for a part of the visit.`,
		);
	const taken = [...life.taken.keys()].map((name) => ingredientOf(drugs[name].display));
	if (taken.length > 0 && planned.kind !== 'complaint') sentences.push(`Takes ${[...new Set(taken)].join(', ')}.`);
	return [...sentences, ...remarks].join(' ');
}

/** The first word of a clinical drug's name that is not about its form. */
function ingredientOf(display: string): string {
	return display.replace(/^(NDA\d+ )?([\d.]+ (HR|ACTUAT|ML) )?/, '').split(/[ ,]/)[0] as string;
}

function ageWords(years: number, sex: 'female' | 'male'): string {
	if (years < 0.15) return `${Math.round(years * 365)}-day-old ${sex === 'female' ? 'girl' : 'boy'}`;
	if (years < 2) return `${Math.round(years * 12)}-month-old ${sex === 'female' ? 'girl' : 'boy'}`;
	const noun = years < 18 ? (sex === 'female' ? 'girl' : 'boy') : sex === 'female' ? 'woman' : 'man';
	return `${Math.floor(years)}-year-old ${noun}`;
}

function reasonWords(life: Life, { kind, complaint, day }: Story['planned']): string {
	if (complaint !== undefined) return 'a new complaint';
	if (kind === 'prenatal') return `a prenatal visit at ${weeksOn(life.chart.person, day) ?? 8} weeks`;
	if (kind === 'postnatal') return 'a visit six weeks after birth';
	return kind === 'check-up' ? 'the regular check-up' : 'a follow-up';
}

function objective({ measured, planned }: Story): string {
	const { systolic, diastolic, pulse, temperature, weight, height, bmi, saturation, head } = measured;
	const parts = [
		systolic === undefined ? '' : `BP ${systolic}/${diastolic}`,
		pulse === undefined ? '' : `pulse ${pulse}`,
		temperature === undefined ? '' : `temperature ${temperature} °C`,
		weight === undefined ? '' : `weight ${weight} kg`,
		height === undefined ? '' : `height ${height} cm`,
		head === undefined ? '' : `head ${head} cm`,
		bmi === undefined ? '' : `BMI ${bmi}`,
		saturation === undefined ? '' : `SpO2 ${saturation} %`,
	].filter((part) => part !== '');
	const exam =
		planned.complaint?.finds ??
		(planned.kind === 'prenatal'
			? 'Fundal height as expected for the weeks, fetal heart heard with the Doppler. No edema.'
			: 'Well appearing. Heart regular without murmur, lungs clear, abdomen soft, no edema.');
	return `${parts.join(', ')}.\n${exam}`;
}

function plan(life: Life, { planned, present, given }: Story): string {
	const items: string[] = [];
	if (planned.complaint !== undefined) items.push(`${planned.complaint.snomed[1]}. ${planned.complaint.plan}`);
	else if (planned.kind === 'prenatal')
		items.push('Normal pregnancy. Folic acid. Signs that call for the hospital explained. Next visit as scheduled.');
	else if (planned.kind === 'postnatal') items.push('Recovering well after birth, feeding goes well. Contraception and mood discussed.');
	else {
		for (const { problem } of present) items.push(`${problem.snomed[1]}. ${problem.plan}`);
		if (planned.kind === 'check-up')
			items.push(
				life.chart.person.parent === undefined
					? 'Health maintenance. Screening tests brought up to date.'
					: yearsBetween(life.chart.person.birth, planned.day) < 12
						? 'Growing well along the curve. Safety, sleep and food for the age discussed.'
						: 'Growing well along the curve. Sleep, screens, driving and substances discussed.',
			);
	}
	if (given.length > 0) items.push(`Immunizations given: ${given.join(', ')}.`);
	return items.map((item, i) => `${i + 1}. ${item}`).join('\n');
}
