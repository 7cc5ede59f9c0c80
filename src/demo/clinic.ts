// The demo clinic as data: made from a seed and a day, a patient at a time, so that any number of patients can be streamed.
import { createRandom } from '#base/random.ts';
import type { Resource } from '#fhir/resource.ts';
import { agendaOf, type Planned } from './agenda.ts';
import { addComing, addKept, addMissed, addToday, kindToday, type Place, placeOnBoard } from './calendar.ts';
import { addAllergies, addCare } from './care.ts';
import { createChart } from './chart.ts';
import { closeChart } from './closing.ts';
import { addInsurance, addRelative } from './family.ts';
import { type Link, linkTo } from './fhir.ts';
import { addStays } from './hospital.ts';
import { type Life, lifeOf } from './life.ts';
import { type Person, patientOf, personOf, type World } from './people.ts';
import { makePractice, moreClinicians, type Practice, type Staff } from './practice.ts';
import { dayOf, moverTo, ownZone } from './time.ts';
import { addVisit, type Memory } from './visits.ts';

export type ClinicOptions = {
	/** The same seed gives the same clinic. */
	readonly seed: number;
	/** The day on which it is, e.g. 2026-11-25: everything is dated from there. */
	readonly today: string;
	readonly patients: number;
	/** Where the clinic is, e.g. Europe/Vienna; without, in the Central time zone of the United States. */
	readonly timeZone?: string;
};

export type Clinic = {
	readonly practice: Practice;
	readonly patients: number;
	/** Organizations, places, staff and forms: to be loaded before the charts. */
	readonly shared: readonly Resource[];
	/** Who patient n is. */
	readonly person: (n: number) => Person;
	/** Everything of patient n, who is the same whatever the number of patients; what it refers to is in it, or shared. */
	readonly chart: (n: number) => Resource[];
};

/** The clinic. Nothing is made until it is asked for. Throws RangeError for a time zone that is none. */
export function createClinic({ seed, today, patients, timeZone = ownZone }: ClinicOptions): Clinic {
	const move = moverTo(timeZone);
	const practice = makePractice(seed, moreClinicians(patients - 1));
	const world: World = { seed, practice, today: dayOf(today) };
	return {
		practice,
		patients,
		shared: practice.resources,
		person: (n) => personOf(world, n),
		chart: (n) => chartOf(world, n).map(move),
	};
}

function chartOf(world: World, n: number): Resource[] {
	const person = personOf(world, n);
	const chart = createChart(world, person, createRandom(world.seed, 0xc4a, n));
	const life = lifeOf(world, chart);
	const [desk] = world.practice.staff.filter(({ row }) => row.role === 'front-office') as [Staff];
	chart.add(patientOf(world, person));
	const relative = addRelative(chart);
	addInsurance(chart, relative);
	const place = person.death === undefined ? placeOnBoard(n) : undefined;
	const booked = place === undefined ? undefined : { place, appointment: addToday(life, place) };
	chart.sign({ day: Math.min(life.known, world.today), minute: 500 }, desk.link, person.facility.organization);
	addVisits(life, relative, booked);
	addStays(life);
	closeChart(life);
	if (person.death === undefined) {
		addMissed(chart);
		addComing(life);
	}
	chart.sign({ day: world.today - 14, minute: 620 }, desk.link, person.facility.organization);
	return chart.resources;
}

/** Somebody's place on today's board, and the appointment that stands for it. */
type Booked = { readonly place: Place; readonly appointment: Resource };

function addVisits(life: Life, relative: Link | undefined, booked: Booked | undefined): void {
	const { chart } = life;
	const { today } = chart.world;
	const memory: Memory = {
		drawn: new Map(),
		asked: undefined,
		first: true,
		hunger: undefined,
		pregnancy: undefined,
		wishes: false,
		studied: new Set(),
	};
	const agenda = agendaOf(life);
	const stage = booked?.place.stage;
	if (booked !== undefined && (stage === 'done' || stage === 'room'))
		agenda.push({
			day: today,
			minute: booked.place.minute,
			kind: kindToday(life),
			...(stage === 'room' ? { underWay: true } : {}),
		} satisfies Planned);
	agenda.forEach((planned, i) => {
		const visit = addVisit(life, memory, planned, (opened) => {
			if (planned.day === today && booked !== undefined) opened.encounter.appointment = [linkTo(booked.appointment)];
			else addKept(chart, opened, planned);
		});
		if (planned.underWay) return;
		if (i === 0) addAllergies(life, visit);
		if (i === agenda.findLastIndex(({ underWay }) => underWay === undefined)) addCare(life, visit, relative);
		chart.sign({ day: visit.end.day, minute: visit.end.minute + 30 }, visit.clinician.link, visit.facility.organization);
	});
}
