// A patient's life as far as the clinic knows it: which problems there are since when, what is taken, and how results move because of it.
import { createRandom, type Random } from '#base/random.ts';
import type { Resource } from '#fhir/resource.ts';
import type { Chart } from './chart.ts';
import type { DrugName } from './data/drugs.ts';
import { type AnalyteName, analytes } from './data/laboratory.ts';
import { type Effect, type Problem, problems } from './data/problems.ts';
import { round } from './fhir.ts';
import { adultSize, type Body, bodyOf, childSize, type Size } from './growth.ts';
import type { Person, World } from './people.ts';
import { addMonths, type Day, yearsBetween } from './time.ts';

/** A problem somebody has. */
export type Had = {
	readonly problem: Problem;
	readonly since: Day;
	/** When it was over. */
	readonly until: Day | undefined;
	/** Once it is on the problem list. */
	condition?: Resource;
};

export type Life = {
	readonly chart: Chart;
	readonly had: readonly Had[];
	readonly body: Body;
	readonly smoker: 'never' | 'former' | 'current';
	/** Usual values of the person, in standard deviations from the mean. */
	readonly usual: ReadonlyMap<string, number>;
	/** What is taken, with the prescriptions that stand for it. */
	readonly taken: Map<DrugName, Resource>;
	/** Vaccines given, by name. */
	readonly vaccines: Map<string, number>;
	/** When a vaccine was given last, by name. */
	readonly lastDoses: Map<string, Day>;
	/** Since when the clinic knows the person. */
	readonly known: Day;
};

/** Draws what the person has. */
export function lifeOf(world: World, chart: Chart): Life {
	const { person, random } = chart;
	const age = yearsBetween(person.birth, endOf(world, person));
	const known = age < 7 ? person.birth : endOf(world, person) - Math.round(random.between(25, age < 18 ? 36 : 58) * 30.44);
	return {
		chart,
		had: problems.flatMap((problem) => {
			if (problem.notFor?.some((trait) => person.traits.includes(trait)) === true) return [];
			const since = onsetOf(problem, person, age, createRandom(person.n, world.seed, hash(problem.key)));
			if (since === undefined || since >= endOf(world, person) - 30) return [];
			const over = problem.lasts === undefined ? undefined : since + Math.round(problem.lasts * 365.25);
			return [{ problem, since, until: over !== undefined && over < endOf(world, person) ? over : undefined }];
		}),
		body: bodyOf(random),
		smoker:
			age < 18
				? 'never'
				: person.traits.includes('lungs')
					? 'current'
					: random.pick(['never', 'never', 'never', 'former', 'former', 'current']),
		usual: new Map([...Object.keys(analytes), 'systolic', 'diastolic', 'pulse'].map((key) => [key, random.normal(0, 0.8)])),
		taken: new Map(),
		vaccines: new Map(),
		lastDoses: new Map(),
		known,
	};
}

/** Today, or the day the person died. */
export function endOf({ today }: World, { death }: Pick<Person, 'death'>): Day {
	return death === undefined ? today : death.day;
}

function onsetOf(problem: Problem, person: Person, age: number, random: Random): Day | undefined {
	const [from, to] = problem.ages;
	if (problem.sex !== undefined && problem.sex !== person.sex) return undefined;
	const isCertain = problem.traits?.some((trait) => person.traits.includes(trait)) === true;
	if (!random.chance(problem.rate) && !isCertain) return undefined;
	const at = random.between(0, 100) / 100;
	// Those who have it for certain have it by now, if they can.
	const latest = isCertain ? Math.min(to, Math.max(from, age - 1)) : to;
	// So that the clinic has seen some of it.
	const first = isCertain ? Math.max(from, Math.min(latest, age - 6)) : from;
	const years = first + at * (latest - first);
	return years < age ? person.birth + Math.round(years * 365.25) : undefined;
}

export function hash(text: string): number {
	let value = 7;
	for (const letter of text) value = (Math.imul(value, 31) + letter.charCodeAt(0)) | 0;
	return value;
}

/** How far what somebody has moves a value on a day: all of it when it was found, what treatment leaves after a year or two. */
export function effectOn(life: Life, key: string, day: Day): number {
	return life.had.reduce((sum, { problem, since, until }) => {
		const effect = (problem.effects as Readonly<Record<string, Effect>> | undefined)?.[key];
		// It was coming for a year before it was found.
		const years = yearsBetween(since, day);
		if (effect === undefined || years < -1 || (until !== undefined && until < day)) return sum;
		const { peak, left, drift = 0 } = effect;
		const share = years < 0 ? 1 + years : left + (1 - left) * Math.exp(-years / 0.8);
		return sum + peak * share + drift * Math.max(0, years);
	}, 0);
}

/** What makes women and men differ, from the mean of all. */
const bySex: Partial<Record<AnalyteName, number>> = { creatinine: 0.1, hemoglobin: 0.5 };

/** Laboratory values of a day. What a laboratory works out from others fits these. */
export function valuesOn(life: Life, names: readonly AnalyteName[], day: Day): ReadonlyMap<AnalyteName, number> {
	const values = new Map(names.map((name) => [name, valueOn(life, name, day)]));
	const of = (name: AnalyteName): number => values.get(name) as number;
	const derive = (name: AnalyteName, from: () => number): void => {
		if (values.has(name)) values.set(name, round(from(), analytes[name].digits));
	};
	// Friedewald's formula.
	derive('cholesterol', () => of('ldl') + of('hdl') + of('triglycerides') / 5);
	derive('egfr', () => filtration(life, of('creatinine'), day));
	derive('hematocrit', () => of('hemoglobin') * 2.98);
	derive('erythrocytes', () => (of('hematocrit') * 10) / of('mcv'));
	return values;
}

/** CKD-EPI 2021, https://www.kidney.org/professionals/kdoqi/gfr_calculator/formula */
function filtration({ chart: { person } }: Life, creatinine: number, day: Day): number {
	const isWoman = person.sex === 'female';
	const [kappa, alpha, factor] = isWoman ? [0.7, -0.241, 1.012] : [0.9, -0.302, 1];
	const share = creatinine / kappa;
	return 142 * Math.min(share, 1) ** alpha * Math.max(share, 1) ** -1.2 * 0.9938 ** yearsBetween(person.birth, day) * factor;
}

function valueOn(life: Life, name: AnalyteName, day: Day): number {
	const { mean, spread, digits, low } = analytes[name];
	const { random, person } = life.chart;
	const sex = (bySex[name] ?? 0) * (person.sex === 'female' ? -1 : 1);
	const value = mean + sex + ((life.usual.get(name) ?? 0) * 0.8 + random.normal(0, 0.35)) * spread + effectOn(life, name, day);
	return round(Math.max(value, (low ?? mean) * 0.25), digits);
}

/** The size of the person on a day. */
export function sizeOn(life: Life, day: Day): Size {
	const { person, random } = life.chart;
	const years = yearsBetween(person.birth, day);
	if (years < 18) return childSize(person.sex, years, life.body);
	return adultSize(person.sex, years, life.body, effectOn(life, 'bmi', day) + pregnancyGain(person, day) + random.normal(0, 0.15));
}

/** The body mass index that a pregnancy adds. */
function pregnancyGain({ delivery }: Person, day: Day): number {
	if (delivery === undefined) return 0;
	const weeks = 40 - (delivery - day) / 7;
	return weeks < 8 ? 0 : weeks <= 40 ? ((weeks - 8) / 32) * 4.6 : Math.max(0, 1.8 - (weeks - 40) * 0.06);
}

/** The problems known on a day. */
export function hadOn(life: Life, day: Day): readonly Had[] {
	return life.had.filter(({ since, until }) => since <= day && (until === undefined || until > day));
}

/** Weeks of pregnancy on a day, between the sixth and birth. */
export function weeksOn({ delivery }: Person, day: Day): number | undefined {
	if (delivery === undefined) return undefined;
	const weeks = Math.floor(40 - (delivery - day) / 7);
	return weeks >= 6 && day <= delivery ? weeks : undefined;
}

/** The drugs of a problem that are due on a day. */
export function drugsDue({ problem, since }: Had, day: Day): readonly DrugName[] {
	return problem.drugs.filter(([, years]) => day >= addMonths(since, Math.round(years * 12))).map(([drug]) => drug);
}
