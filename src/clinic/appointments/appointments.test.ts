// Booking, changing and deleting appointments, on a real record.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { create } from '#fhir/interactions/create.ts';
import { update } from '#fhir/interactions/update.ts';
import type { Resource, Stored } from '#fhir/resource.ts';
import { search } from '#fhir/search/search.ts';
import { testFhir } from '#testing/fhir.ts';
import { book } from './book.ts';
import { categoriesId, categoriesOf, categorySystem, usualCategories } from './categories.ts';
import { type ChangeInput, change, strike } from './change.ts';
import { statusHistory } from './history.ts';
import {
	type Appointment,
	actorOf,
	categoryConcept,
	recurrenceIn,
	roomOf,
	roomParticipant,
	seriesSystem,
	statusIn,
	withStatus,
} from './model.ts';
import { statuses, statusOf, statusOfFhir } from './statuses.ts';
import { instantOf } from './wall-time.ts';

process.env.TZ = 'America/Chicago';
const ctx: FhirCtx = await testFhir({ after });
const names: Record<string, string> = {};

before(async () => {
	const add = async (name: string, resource: Resource): Promise<void> => {
		const { stored } = await create(ctx, { type: resource.resourceType, resource });
		names[name] = `${stored.type}/${stored.id}`;
	};
	for (const name of ['ann', 'bob']) await add(name, { resourceType: 'Patient', name: [{ family: name }] });
	for (const name of ['okafor', 'chen']) await add(name, { resourceType: 'Practitioner', name: [{ family: name }] });
	for (const name of ['downtown', 'north']) await add(name, { resourceType: 'Location', name });
});

type Wish = {
	readonly category?: string;
	readonly at: string;
	readonly minutes?: number;
	readonly patient?: string;
	readonly provider?: string;
	readonly facility?: string;
	readonly room?: string;
	readonly status?: string;
};

function wished({
	category = 'office_visit',
	at,
	minutes,
	patient = 'ann',
	provider,
	facility = 'downtown',
	room,
	status = '-',
}: Wish): Appointment {
	const kind = usualCategories.find(({ code }) => code === category)?.kind;
	const people = [kind === 'provider' || kind === 'clinic' ? undefined : patient, provider, facility].filter((one) => one !== undefined);
	return {
		resourceType: 'Appointment',
		status: statusOf(status)?.fhir ?? 'booked',
		appointmentType: categoryConcept({ code: category, name: 'any' } as never),
		start: instantOf(new Date(at)),
		...(minutes === undefined ? {} : { minutesDuration: minutes }),
		participant: [
			...people.map((name) => ({ actor: { reference: names[name] as string }, status: 'accepted' })),
			...(room === undefined ? [] : [roomParticipant(room)]),
		],
	};
}

async function booked(wish: Wish, recurrence?: string): Promise<Appointment[]> {
	const written = await book(ctx, { appointment: wished(wish), ...(recurrence === undefined ? {} : { recurrence }) });
	return written.map(({ body }) => JSON.parse(body) as Appointment);
}

function refusal(code: string, words = ''): (error: unknown) => boolean {
	return (error) => {
		assert.ok(error instanceof Problem, String(error));
		assert.equal(error.code, code);
		assert.ok(error.text.includes(words), error.text);
		return true;
	};
}

async function stored(id: string): Promise<Stored> {
	return (await ctx.fhir.store.read(ctx, 'Appointment', id)) as Stored;
}

async function current(id: string): Promise<Appointment> {
	return JSON.parse((await stored(id)).body) as Appointment;
}

async function seriesOf(one: Appointment): Promise<Appointment[]> {
	const { matches } = await search(ctx, {
		type: 'Appointment',
		query: [
			['identifier', `${seriesSystem}|${recurrenceIn(one)?.series}`],
			['status:not', 'entered-in-error'],
			['_sort', 'date'],
			['_count', '500'],
		],
		handling: 'strict',
	});
	return matches.map(({ body }) => JSON.parse(body) as Appointment);
}

describe('booking', () => {
	test('an appointment takes as long as its category, and has a status with a time and a person', async () => {
		const [one] = await booked({ at: '2027-01-04T09:00:00-06:00', category: 'new_patient', provider: 'okafor' });
		assert.equal(one?.end, '2027-01-04T09:30:00-06:00');
		assert.equal(one?.minutesDuration, 30);
		assert.equal(one?.status, 'booked');
		assert.deepEqual(one?.appointmentType, {
			coding: [{ system: categorySystem, code: 'new_patient', display: 'New Patient' }],
			text: 'New Patient',
		});
		const history = await statusHistory(ctx, await stored(one?.id as string));
		assert.deepEqual(
			history.map(({ status, by }) => [status.symbol, by?.display]),
			[['-', 'admin']],
		);
	});

	test('a vacation lasts until midnight, also on a day that is an hour short', async () => {
		const [one] = await booked({ at: '2027-03-14T00:00:00-06:00', category: 'vacation', provider: 'chen' });
		assert.equal(one?.end, '2027-03-15T00:00:00-05:00');
	});

	const wrong: readonly (readonly [name: string, code: string, appointment: () => Appointment])[] = [
		['an unknown category', 'category-unknown', () => wished({ at: '2027-01-04T08:00:00Z', category: 'dance' })],
		[
			'a visit without a patient',
			'patient-missing',
			() => ({
				...wished({ at: '2027-01-04T08:00:00Z' }),
				participant: [{ actor: { reference: names.okafor as string }, status: 'accepted' }],
			}),
		],
		['an end before the start', 'times-wrong', () => ({ ...wished({ at: '2027-01-04T08:00:00Z' }), end: '2027-01-04T07:00:00Z' })],
		[
			'an end without a start',
			'times-wrong',
			() => ({ ...wished({ at: '2027-01-04T08:00:00Z' }), start: undefined, end: '2027-01-04T07:00:00Z' }) as never,
		],
		['more than a day', 'times-wrong', () => wished({ at: '2027-01-04T08:00:00Z', minutes: 1600 })],
		['a start that is none', 'times-wrong', () => ({ ...wished({ at: '2027-01-04T08:00:00Z' }), start: 'soon' })],
		['what is no valid resource', 'resource-invalid', () => ({ ...wished({ at: '2027-01-04T08:00:00Z' }), colour: 'red' })],
	];
	for (const [name, code, appointment] of wrong)
		test(`${name} is refused`, () => assert.rejects(async () => book(ctx, { appointment: appointment() }), refusal(code)));
});

describe('overlaps', () => {
	// One after the other, on one day: what is there already, then what is asked for and whether it may be.
	const there: readonly Wish[] = [
		{ at: '2027-02-01T09:00:00-06:00', provider: 'okafor', room: 'Room 1' },
		{ at: '2027-02-01T10:00:00-06:00', provider: 'okafor', category: 'group_therapy', minutes: 60 },
		{ at: '2027-02-01T12:00:00-06:00', provider: 'okafor', category: 'lunch' },
		{ at: '2027-02-01T08:00:00-06:00', provider: 'okafor', category: 'in_office', minutes: 600 },
		{ at: '2027-02-01T14:00:00-06:00', provider: 'okafor', status: 'x' },
		{ at: '2027-02-02T00:00:00-06:00', category: 'holidays' },
	];
	before(async () => {
		for (const wish of there) await booked(wish);
		const withoutCategory = { ...wished({ at: '2027-02-01T15:00:00-06:00', provider: 'okafor' }), end: '2027-02-01T15:30:00-06:00' };
		const { appointmentType: _, ...resource } = withoutCategory;
		await create(ctx, { type: 'Appointment', resource: resource as Resource });
	});
	const asked: readonly (readonly [name: string, wish: Wish, refusedWith?: string])[] = [
		[
			'the same provider',
			{ at: '2027-02-01T09:10:00-06:00', provider: 'okafor', patient: 'bob' },
			'The provider is taken from 2027-02-01 09:00 to 09:15 (Office Visit)',
		],
		['right after', { at: '2027-02-01T09:15:00-06:00', provider: 'okafor', patient: 'bob' }],
		['another provider', { at: '2027-02-01T09:05:00-06:00', provider: 'chen', patient: 'bob' }],
		['the same room', { at: '2027-02-01T09:05:00-06:00', patient: 'bob', room: 'Room 1' }, 'The room is taken'],
		['a room of the same name elsewhere', { at: '2027-02-01T09:05:00-06:00', patient: 'bob', room: 'Room 1', facility: 'north' }],
		['a second of a group', { at: '2027-02-01T10:00:00-06:00', provider: 'okafor', patient: 'bob', category: 'group_therapy' }],
		['a visit during a group', { at: '2027-02-01T10:30:00-06:00', provider: 'okafor', patient: 'bob' }, 'Group Therapy'],
		[
			'a group during a visit',
			{ at: '2027-02-01T09:00:00-06:00', provider: 'okafor', patient: 'bob', category: 'group_therapy', minutes: 30 },
			'Office Visit',
		],
		['over lunch', { at: '2027-02-01T12:45:00-06:00', provider: 'okafor', patient: 'bob' }, 'Lunch'],
		['instead of what was cancelled', { at: '2027-02-01T14:00:00-06:00', provider: 'okafor', patient: 'bob' }],
		['over one of another system', { at: '2027-02-01T15:10:00-06:00', provider: 'okafor', patient: 'bob' }, 'another appointment'],
		['on a holiday of the place', { at: '2027-02-02T09:00:00-06:00', provider: 'okafor', patient: 'bob' }, 'The clinic is closed'],
		['on a holiday of another place', { at: '2027-02-02T09:00:00-06:00', provider: 'okafor', patient: 'bob', facility: 'north' }],
		['what is cancelled anyhow', { at: '2027-02-01T09:00:00-06:00', provider: 'okafor', patient: 'bob', status: 'x' }],
		['a vacation over visits', { at: '2027-02-01T00:00:00-06:00', provider: 'okafor', category: 'vacation' }],
	];
	for (const [name, wish, words] of asked) {
		test(`${name}: ${words === undefined ? 'booked' : 'refused'}`, async () => {
			if (words === undefined) assert.equal((await booked(wish)).length, 1);
			else await assert.rejects(() => booked(wish), refusal('appointment-overlap', words));
		});
	}

	test('of many who want the same hour at once, one gets it', async () => {
		const tries = await Promise.allSettled(
			Array.from({ length: 12 }, (_, i) =>
				booked({ at: `2027-02-03T09:${String(i).padStart(2, '0')}:00-06:00`, provider: 'chen', minutes: 60 }),
			),
		);
		assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1);
		for (const one of tries) if (one.status === 'rejected') refusal('appointment-overlap')(one.reason);
	});

	test('two that are moved to the same hour at once', async () => {
		const [one, other] = [
			(await booked({ at: '2027-02-04T09:00:00-06:00', provider: 'chen' }))[0] as Appointment,
			(await booked({ at: '2027-02-05T09:00:00-06:00', provider: 'chen' }))[0] as Appointment,
		];
		const edit = (former: Appointment): Appointment => ({
			...former,
			start: '2027-02-06T09:00:00-06:00',
			end: '2027-02-06T09:15:00-06:00',
		});
		const tries = await Promise.allSettled([one, other].map(({ id }) => change(ctx, { id: id as string, scope: 'this', edit })));
		assert.deepEqual(tries.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
	});

	test('an installation that stores its own categories has its own rules', async () => {
		const mine = categoriesOf({
			concept: [
				{
					code: 'office_visit',
					property: [
						{ code: 'overlap', valueCode: 'allowed' },
						{ code: 'minutes', valueInteger: 20 },
					],
				},
				{
					code: 'yoga',
					display: 'Yoga',
					property: [
						{ code: 'number', valueInteger: 40 },
						{ code: 'inactive', valueBoolean: true },
					],
				},
			],
		});
		assert.deepEqual(mine, [
			{ number: 5, code: 'office_visit', name: 'Office Visit', minutes: 20, kind: 'patient', overlap: 'allowed' },
			{ number: 40, code: 'yoga', name: 'Yoga', minutes: 15, kind: 'patient', overlap: 'refused', isInactive: true },
		]);
		await update(ctx, {
			type: 'CodeSystem',
			id: categoriesId,
			resource: {
				resourceType: 'CodeSystem',
				id: categoriesId,
				status: 'active',
				content: 'complete',
				url: categorySystem,
				concept: [
					{ code: 'office_visit', property: [{ code: 'overlap', valueCode: 'allowed' }] },
					{ code: 'yoga', property: [{ code: 'inactive', valueBoolean: true }] },
				],
			},
		});
		try {
			assert.equal((await booked({ at: '2027-02-01T09:10:00-06:00', provider: 'okafor' })).length, 1);
			await assert.rejects(() => booked({ at: '2027-02-07T09:10:00-06:00', category: 'yoga' }), refusal('category-unknown'));
			await assert.rejects(() => booked({ at: '2027-02-07T09:10:00-06:00', category: 'new_patient' }), refusal('category-unknown'));
		} finally {
			await ctx.fhir.store.write(ctx, { type: 'CodeSystem', id: categoriesId, op: 'D', resource: null });
		}
	});
});

describe('series', () => {
	const starts = (list: readonly Appointment[]): string[] => list.map(({ start }) => start ?? '');
	const edit =
		(more: Partial<Appointment>): ChangeInput['edit'] =>
		(former) =>
			({ ...former, ...more }) as Appointment;

	test('one row for each occurrence, at the same time of the wall', async () => {
		const made = await booked({ at: '2027-03-01T09:00:00-06:00', provider: 'chen', patient: 'bob' }, 'FREQ=WEEKLY;COUNT=3');
		assert.deepEqual(starts(made), ['2027-03-01T09:00:00-06:00', '2027-03-08T09:00:00-06:00', '2027-03-15T09:00:00-05:00']);
		assert.equal(new Set(made.map(({ id }) => id)).size, 3);
		assert.equal(made[2]?.end, '2027-03-15T09:15:00-05:00');
		assert.deepEqual(starts(await seriesOf(made[0] as Appointment)), starts(made));
	});

	test('a series that meets something once is not booked at all', async () => {
		await booked({ at: '2027-04-12T09:00:00-05:00', provider: 'chen' });
		const tried = booked({ at: '2027-04-05T09:00:00-05:00', provider: 'chen' }, 'FREQ=WEEKLY;COUNT=3');
		await assert.rejects(tried, refusal('appointment-overlap', '2027-04-12 09:00'));
	});

	test('this, future and all: what is changed, and what stays', async () => {
		const made = await booked({ at: '2027-10-20T09:00:00-05:00' }, 'FREQ=WEEKLY;COUNT=4');
		const ids = made.map(({ id }) => id as string);
		const [, second = '', third = ''] = ids;
		await change(ctx, { id: second, scope: 'this', edit: edit({ description: 'once' }) });
		await change(ctx, {
			id: third,
			scope: 'future',
			// The day after, an hour later and twice as long.
			edit: edit({ start: '2027-11-04T10:00:00-05:00', end: '2027-11-04T10:30:00-05:00', minutesDuration: 30 }),
		});
		await change(ctx, { id: second, scope: 'all', edit: edit({ comment: 'bring shoes' }) });
		const rows = await Promise.all(ids.map(current));
		assert.deepEqual(starts(rows), [
			'2027-10-20T09:00:00-05:00',
			'2027-10-27T09:00:00-05:00',
			'2027-11-04T10:00:00-05:00',
			'2027-11-11T10:00:00-06:00',
		]);
		assert.deepEqual(
			rows.map(({ minutesDuration }) => minutesDuration),
			[15, 15, 30, 30],
		);
		assert.deepEqual(
			rows.map(({ description }) => description),
			[undefined, 'once', undefined, undefined],
		);
		assert.deepEqual(
			rows.map(({ comment }) => comment),
			Array(4).fill('bring shoes'),
		);
	});

	test('what has begun stays when all are changed or deleted', async () => {
		const made = await booked({ at: '2027-05-03T09:00:00-05:00' }, 'FREQ=DAILY;COUNT=3');
		const ids = made.map(({ id }) => id as string);
		const [first = '', , last = ''] = ids;
		await change(ctx, { id: first, scope: 'this', edit: edit({ status: 'fulfilled' }) });
		await change(ctx, { id: last, scope: 'all', edit: edit({ comment: 'later' }) });
		assert.equal((await current(first)).comment, undefined);
		const gone = await strike(ctx, { id: last, scope: 'all' });
		assert.equal(gone.length, 2);
		assert.deepEqual(
			(await Promise.all(ids.map(current))).map(({ status }) => status),
			['fulfilled', 'entered-in-error', 'entered-in-error'],
		);
		await assert.rejects(strike(ctx, { id: last, scope: 'this' }), refusal('appointment-struck'));
		await assert.rejects(change(ctx, { id: 'nobody', scope: 'this', edit: edit({}) }), refusal('resource-not-found'));
	});

	test('deleting this and those after it', async () => {
		const made = await booked({ at: '2027-06-07T09:00:00-05:00' }, 'FREQ=WEEKLY;COUNT=4');
		await strike(ctx, { id: made[2]?.id as string, scope: 'future' });
		assert.deepEqual(starts(await seriesOf(made[0] as Appointment)), starts(made.slice(0, 2)));
	});

	test('a new rule from one on: rows are kept, more are booked, those left over are struck', async () => {
		const made = await booked({ at: '2027-07-05T09:00:00-05:00' }, 'FREQ=WEEKLY;COUNT=3');
		const longer = await change(ctx, { id: made[1]?.id as string, scope: 'future', edit: (one) => one, recurrence: 'FREQ=DAILY;COUNT=4' });
		const after = longer.map(({ body }) => JSON.parse(body) as Appointment);
		assert.deepEqual(starts(after), [
			'2027-07-12T09:00:00-05:00',
			'2027-07-13T09:00:00-05:00',
			'2027-07-14T09:00:00-05:00',
			'2027-07-15T09:00:00-05:00',
		]);
		assert.deepEqual(
			after.slice(0, 2).map(({ id }) => id),
			made.slice(1).map(({ id }) => id),
		);
		assert.deepEqual(starts(await seriesOf(made[0] as Appointment)), ['2027-07-05T09:00:00-05:00']);
		const shorter = await change(ctx, {
			id: after[1]?.id as string,
			scope: 'all',
			edit: (one) => one,
			recurrence: 'FREQ=DAILY;INTERVAL=2;COUNT=2',
		});
		assert.equal(shorter.length, 4);
		assert.deepEqual(starts(await seriesOf(after[0] as Appointment)), ['2027-07-12T09:00:00-05:00', '2027-07-14T09:00:00-05:00']);
	});

	test('one appointment becomes a series', async () => {
		const [one] = await booked({ at: '2027-08-02T09:00:00-05:00' });
		const made = await change(ctx, { id: one?.id as string, scope: 'this', edit: (former) => former, recurrence: 'FREQ=WEEKLY;COUNT=2' });
		assert.equal(made.length, 2);
		assert.equal((await seriesOf(await current(one?.id as string))).length, 2);
	});
});

describe('statuses', () => {
	test('each is an instance of a FHIR status that leads back to it or to the first of its kind', () => {
		assert.equal(statuses.length, 18);
		for (const status of statuses) {
			const appointment = withStatus({ resourceType: 'Appointment' }, status, '2027-01-01T00:00:00Z', { display: 'x' });
			assert.equal(statusIn(appointment), status);
			assert.equal(statusOfFhir(status.fhir)?.fhir, status.fhir);
		}
	});

	test('the history tells of every change, whoever made it', async () => {
		const [one] = await booked({ at: '2027-09-06T09:00:00-05:00', provider: 'chen' });
		const id = one?.id as string;
		const to =
			(symbol: string, room?: string): ChangeInput['edit'] =>
			(former) => {
				const next = withStatus(former, statusOf(symbol) as never, 'overwritten', {});
				return room === undefined ? next : { ...next, participant: [...(former.participant ?? []), roomParticipant(room)] };
			};
		await change(ctx, { id, scope: 'this', edit: to('@') });
		await change(ctx, { id, scope: 'this', edit: to('<', 'Room 2') });
		assert.deepEqual(await change(ctx, { id, scope: 'this', edit: (former) => ({ ...former }) }), []);
		// Another client, through FHIR: it knows nothing of symbols.
		const { meta: _, ...resource } = { ...(await current(id)), status: 'fulfilled' };
		await ctx.fhir.store.write(ctx, { type: 'Appointment', id, op: 'U', resource: resource as Resource });
		const history = await statusHistory(ctx, await stored(id));
		assert.deepEqual(
			history.map(({ status, room, by, version }) => [status.symbol, room, by?.display, version]),
			[
				['-', undefined, 'admin', 1],
				['@', undefined, 'admin', 2],
				['<', 'Room 2', 'admin', 3],
				['>', 'Room 2', undefined, 4],
			],
		);
		assert.ok(history.every(({ since }) => !Number.isNaN(Date.parse(since))));
		assert.equal(roomOf(await current(id)), 'Room 2');
		assert.equal(actorOf(await current(id), 'provider'), names.chen);
	});
});

test('who may not book or see is refused', async () => {
	const clerk = { ...ctx, caller: { ...ctx.caller, grants: [{ type: 'Appointment', interactions: ['read', 'search'] as const }] } };
	await assert.rejects(book(clerk, { appointment: wished({ at: '2027-12-06T09:00:00Z' }) }), refusal('not-permitted'));
	const [one] = await booked({ at: '2027-12-06T09:00:00Z', patient: 'ann' });
	const bob = (names.bob as string).slice('Patient/'.length);
	const portal = {
		...ctx,
		caller: {
			...ctx.caller,
			grants: [{ type: 'Appointment', interactions: ['read', 'update', 'create', 'search'] as const, patient: bob }],
		},
	};
	await assert.rejects(change(portal, { id: one?.id as string, scope: 'this', edit: (former) => former }), refusal('resource-not-found'));
	await change(ctx, { id: one?.id as string, scope: 'this', edit: (former) => ({ ...former, comment: 'seen' }) });
	await assert.rejects(statusHistory(portal, await stored(one?.id as string)), refusal('resource-not-found'));
	await assert.rejects(book(portal, { appointment: wished({ at: '2027-12-07T09:00:00Z', patient: 'ann' }) }), refusal('not-permitted'));
});
