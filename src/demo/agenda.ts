// When somebody comes and why: check-ups, follow-ups of what they have, complaints in between, the visits of a pregnancy.
import { createRandom } from '#base/random.ts';
import { type Complaint, complaints } from './data/problems.ts';
import { endOf, hadOn, hash, type Life, weeksOn } from './life.ts';
import { addMonths, type Day, weekdayOf, workday, yearsBetween } from './time.ts';

export type Planned = {
	readonly day: Day;
	readonly minute: number;
	readonly kind: 'check-up' | 'follow-up' | 'complaint' | 'prenatal' | 'postnatal';
	readonly complaint?: Complaint;
	/** Half an hour later it is noon on the clinic's clock: the patient is in the room. */
	readonly underWay?: true;
};

const childAges = [0.1, 1, 2, 4, 6, 9, 12, 15, 18, 24, 30, 36];
const prenatalWeeks = [8, 12, 16, 20, 24, 28, 31, 34, 36, 38, 39];

/** The visits of a life, the first first. Today's is not among them: the board has it. */
export function agendaOf(life: Life): Planned[] {
	const { chart, known } = life;
	const { world, person } = chart;
	const end = endOf(world, person) - (person.death === undefined ? 1 : 10);
	const minute = slotOf(person.n);
	const days = [
		...(person.parent === undefined ? adultDays(life, end) : childDays(person.birth, end)).map((day) => ({
			day,
			kind: 'check-up' as const,
		})),
		...followUps(life, end).map((day) => ({ day, kind: 'follow-up' as const })),
		...pregnancyDays(life, end),
		...complaintDays(life, end),
	];
	const planned = days
		.map((one): Planned => ({ ...one, minute, day: ownDay(person.n, one.day) }))
		.filter(({ day }) => day >= known && day <= end)
		.sort((a, b) => a.day - b.day);
	return planned.filter((one, i) => {
		const before = planned[i - 1];
		return before === undefined || one.day - before.day >= (one.kind === 'follow-up' || one.kind === 'check-up' ? 20 : 2);
	});
}

function childDays(birth: Day, end: Day): Day[] {
	const days = childAges.map((months) => birth + Math.round(months * 30.44));
	for (let years = 4; birth + years * 365.25 < end; years++) days.push(birth + Math.round(years * 365.25) + 6);
	return days;
}

function adultDays({ known, chart }: Life, end: Day): Day[] {
	const days: Day[] = [];
	for (let months = 0; addMonths(known, months) < end; months += 12) days.push(addMonths(known, months) + chart.random.between(0, 20));
	return days;
}

/** Every few months in the last two years, as the most demanding problem asks. */
function followUps({ had, chart }: Life, end: Day): Day[] {
	const days: Day[] = [];
	let day = end - chart.random.between(10, 90);
	while (day > end - 2 * 365) {
		const present = had.filter(({ since, until }) => since <= day && (until === undefined || until > day));
		const months = Math.min(...present.map(({ problem }) => problem.monthsBetweenVisits));
		if (months >= 12) break;
		days.push(day);
		day = addMonths(day, -months) - chart.random.between(0, 15);
	}
	// Somebody has to find it.
	return [...days, ...had.map(({ since }) => since + 3)];
}

function pregnancyDays({ chart }: Life, end: Day): { day: Day; kind: 'prenatal' | 'postnatal' }[] {
	const { delivery } = chart.person;
	if (delivery === undefined) return [];
	const start = delivery - 280;
	return [
		...prenatalWeeks
			.map((week) => ({ day: start + week * 7, kind: 'prenatal' as const }))
			.filter(({ day }) => day < Math.min(delivery, end)),
		...(delivery + 42 < end ? [{ day: delivery + 42, kind: 'postnatal' as const }] : []),
	];
}

function complaintDays(life: Life, end: Day): { day: Day; kind: 'complaint'; complaint: Complaint }[] {
	const { chart, known } = life;
	const { person, world } = chart;
	const random = createRandom(world.seed, person.n, hash('complaints'));
	const found: { day: Day; kind: 'complaint'; complaint: Complaint }[] = [];
	const from = Math.max(known, end - 4 * 365);
	const gap = person.parent === undefined ? 620 : 330;
	for (let day = from + random.between(30, gap); day < end; day += random.between(90, gap * 2)) {
		const years = yearsBetween(person.birth, day);
		const likely = complaints.filter(({ ages: [low, high], sex, traits, notWith }) => {
			const isFor = traits === undefined || traits.some((trait) => person.traits.includes(trait)) || random.chance(0.2);
			if (
				notWith !== undefined &&
				(weeksOn(person, day) !== undefined || hadOn(life, day).some(({ problem }) => notWith.includes(problem.key)))
			)
				return false;
			return years >= low && years <= high && (sex === undefined || sex === person.sex) && isFor;
		});
		if (likely.length > 0) found.push({ day, kind: 'complaint', complaint: random.pick(likely) });
	}
	return found;
}

const slots = 14;
const classes = 4;

/** The half hour somebody prefers: those who see the same clinician prefer different ones. */
export function slotOf(n: number): number {
	const slot = n % slots;
	return 510 + slot * 30 + (slot >= 7 ? 60 : 0);
}

/** The next working day that is for people with this number. */
export function ownDay(n: number, wanted: Day): Day {
	const own = Math.floor(n / slots) % classes;
	let day = workday(wanted);
	while (workdayNumber(day) % classes !== own) day = workday(day + 1);
	return day;
}

function workdayNumber(day: Day): number {
	return Math.floor((day + 3) / 7) * 5 + weekdayOf(day) - 1;
}
