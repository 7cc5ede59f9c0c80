// Appointments: those of past visits, those that were missed or called off, those to come, and today's board half way through the day.
import { type Category, usualCategories } from '#clinic/appointments/categories.ts';
import { type Appointment, categoryConcept, roomParticipant, withStatus } from '#clinic/appointments/model.ts';
import { type Status, statusOf } from '#clinic/appointments/statuses.ts';
import type { Resource } from '#fhir/resource.ts';
import { ownDay, type Planned, slotOf } from './agenda.ts';
import type { Chart, Visit } from './chart.ts';
import { type Coded, concept, hl7, type Link, linkTo } from './fhir.ts';
import { type Life, weeksOn } from './life.ts';
import type { Staff } from './practice.ts';
import { addMonths, instantOf, later, type Moment } from './time.ts';

const kinds = {
	'check-up': {
		type: ['CHECKUP', 'A routine check-up, such as an annual physical'],
		words: 'Check-up',
		category: 'preventive_care_services',
	},
	'follow-up': {
		type: ['FOLLOWUP', 'A follow up visit from a previous appointment'],
		words: 'Follow-up',
		category: 'established_patient',
	},
	complaint: { type: ['WALKIN', 'A previously unscheduled walk-in visit'], words: 'New complaint', category: 'office_visit' },
	prenatal: { type: ['ROUTINE', 'Routine appointment - default if not valued'], words: 'Prenatal visit', category: 'established_patient' },
	postnatal: {
		type: ['ROUTINE', 'Routine appointment - default if not valued'],
		words: 'Postpartum visit',
		category: 'established_patient',
	},
} as const satisfies Record<Planned['kind'], { readonly type: Coded; readonly words: string; readonly category: string }>;

/** How long a visit is booked for, unless it is said. */
const usualMinutes = 30;

/** The category by which the clinic's own calendar knows a visit, and HL7's. */
function typeOf(kind: Planned['kind']): object {
	const { type, category } = kinds[kind];
	const { coding, text } = categoryConcept(usualCategories.find(({ code }) => code === category) as Category);
	return { coding: [...(coding ?? []), { system: `${hl7}/v2-0276`, code: type[0], display: type[1] }], text };
}

export type Booking = {
	readonly kind: Planned['kind'];
	readonly at: Moment;
	readonly status: 'fulfilled' | 'booked' | 'arrived' | 'checked-in' | 'noshow' | 'cancelled' | 'pending';
	readonly words?: string;
	readonly reason?: Link | undefined;
	/** Days before at which it was made. */
	readonly ahead: number;
	readonly minutes?: number;
};

/** Adds an appointment with the patient's own clinician. */
export function addAppointment(chart: Chart, { kind, at, status, words, reason, ahead, minutes = usualMinutes }: Booking): Resource {
	const { person } = chart;
	const { words: usual } = kinds[kind];
	const accepted = (actor: Link): object => ({ actor, required: 'required', status: status === 'pending' ? 'needs-action' : 'accepted' });
	return chart.add({
		resourceType: 'Appointment',
		status,
		...(status === 'cancelled' ? { cancelationReason: concept(`${hl7}/appointment-cancellation-reason`, ['pat', 'Patient']) } : {}),
		appointmentType: typeOf(kind),
		reasonCode: [{ text: words ?? usual }],
		...(reason === undefined ? {} : { reasonReference: [reason] }),
		description: words ?? usual,
		start: instantOf(at),
		end: instantOf(later(at, minutes)),
		minutesDuration: minutes,
		created: instantOf({ day: at.day - ahead, minute: 600 + (person.n % 300) }),
		participant: [
			{ ...accepted(person.link), type: [concept(`${hl7}/v3-ParticipationType`, ['SBJ', 'subject'])] },
			{ ...accepted(person.clinician.link), type: [concept(`${hl7}/v3-ParticipationType`, ['PPRF', 'primary performer'])] },
			accepted(person.facility.location),
		],
	});
}

/** The appointment of a visit in the last two years, which its encounter names. */
export function addKept(chart: Chart, visit: Visit, { kind, complaint, day }: Planned): void {
	if (day < chart.world.today - 730) return;
	const words = complaint?.snomed[1];
	const ahead = kind === 'complaint' ? chart.random.below(2) : chart.random.between(7, 80);
	const appointment = addAppointment(chart, {
		kind,
		at: visit.start,
		status: 'fulfilled',
		ahead,
		...(words === undefined ? {} : { words }),
	});
	visit.encounter.appointment = [linkTo(appointment)];
}

/** Some forget, some call. */
export function addMissed(chart: Chart): void {
	const { random, world, person } = chart;
	if (!random.chance(0.22)) return;
	const day = ownDay(person.n, world.today - random.between(10, 700));
	if (day >= world.today) return;
	addAppointment(chart, {
		kind: 'follow-up',
		at: { day, minute: slotOf(person.n) },
		status: random.pick(['noshow', 'cancelled']),
		ahead: random.between(10, 60),
	});
}

/** What is booked for the next two months. */
export function addComing(life: Life): void {
	const { chart } = life;
	const { random, world, person } = chart;
	const weeks = weeksOn(person, world.today);
	const isSick = life.had.some(({ until }) => until === undefined);
	if (weeks === undefined && !random.chance(isSick ? 0.6 : 0.3)) return;
	const day = ownDay(person.n, world.today + (weeks === undefined ? random.between(2, 54) : random.between(4, 20)));
	const kind = weeks !== undefined ? 'prenatal' : isSick && person.parent === undefined ? 'follow-up' : 'check-up';
	addAppointment(chart, {
		kind,
		at: { day, minute: slotOf(person.n) },
		status: random.chance(0.12) ? 'pending' : 'booked',
		ahead: day - world.today + random.between(1, 60),
	});
}

/** How far the clinic has come: until here everybody has left, the next is in the room, the next sits outside. */
const half = 735;

export type Place = {
	readonly minute: number;
	readonly stage: 'done' | 'room' | 'checked-in' | 'arrived' | 'booked' | 'noshow' | 'cancelled';
};

/** Where somebody is on today's board, if at all: every ninth of the first two hundred. */
export function placeOnBoard(n: number): Place | undefined {
	if (n % 9 !== 4 || n >= 200) return undefined;
	const i = Math.floor(n / 9);
	const minute = 480 + Math.floor((i * 22) / 5) * 5;
	if (i === 3) return { minute, stage: 'noshow' };
	if (i === 16) return { minute, stage: 'cancelled' };
	const ahead = minute - half;
	const stage = ahead < -45 ? 'done' : ahead < -10 ? 'room' : ahead < 12 ? 'checked-in' : ahead < 35 ? 'arrived' : 'booked';
	return { minute, stage };
}

/** The kind of visit that is due today. */
export function kindToday({ chart, had }: Life): Planned['kind'] {
	const { person, world } = chart;
	if (weeksOn(person, world.today) !== undefined) return 'prenatal';
	return had.length > 0 && person.parent === undefined ? 'follow-up' : 'check-up';
}

const symbols = { done: '>', room: '<', 'checked-in': '@', arrived: '@', booked: '-', noshow: '?', cancelled: 'x' } as const;

/** Minutes that are booked on a full day. */
const fullDay = 20;

/** Today's appointment, with its status as the front desk has noted it. */
export function addToday(life: Life, { minute, stage }: Place): Resource {
	const { chart } = life;
	const { today, practice } = chart.world;
	const status = statusOf(symbols[stage]) as Status;
	const since = {
		done: minute + 25,
		room: minute + 4,
		'checked-in': minute - 9,
		arrived: minute - 14,
		booked: 0,
		noshow: minute + 20,
		cancelled: 495,
	};
	const [desk] = practice.staff.filter(({ row }) => row.role === 'front-office') as [Staff];
	const appointment = addAppointment(chart, {
		kind: kindToday(life),
		at: { day: today, minute },
		status: status.fhir as Booking['status'],
		ahead: today - addMonths(today, -1),
		minutes: fullDay,
	});
	if (stage === 'booked') return appointment;
	const noted = withStatus(appointment as Appointment, status, instantOf({ day: today, minute: since[stage] }), desk.link);
	if (stage === 'room') noted.participant?.push(roomParticipant(`Room ${1 + (chart.person.n % 4)}`));
	return Object.assign(appointment, noted);
}
