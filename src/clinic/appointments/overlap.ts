// Whether a visit may be where it is to be: its provider, its room and its place must be free for it, by the rules of the categories.
import { everything } from '#access/ctx.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { isWithin } from '#fhir/interactions/guard.ts';
import { pageIn } from '#fhir/search/bundle.ts';
import { escaped, type Pair } from '#fhir/search/escape.ts';
import { restrictSql } from '#fhir/search/match.ts';
import { search } from '#fhir/search/search.ts';
import { localReference } from '#fhir/store/collector.ts';
import type { Unit } from '#fhir/store/store.ts';
import { type Category, categorySystem } from './categories.ts';
import { type Appointment, actorOf, actorsOf, categoryCode, roles, roomOf, roomSystem } from './model.ts';
import { overlaps, tooLong } from './problems.ts';
import { idleStatuses } from './statuses.ts';
import { textOfWall, wallOf } from './wall-time.ts';

/** Appointments are this long at most, a day of 25 hours: what began earlier is over. */
export const longestMs = 25 * 60 * 60_000;

export type Interval = { readonly from: number; readonly to: number };

/** When the appointment is, in milliseconds. */
export function intervalOf({ start, end }: Appointment): Interval {
	return { from: Date.parse(start ?? ''), to: Date.parse(end ?? '') };
}

/** Whether the appointment has to keep clear of others at all. */
function isVisit(appointment: Appointment, category: Category | undefined): boolean {
	if (category === undefined || category.overlap === 'allowed' || idleStatuses.includes(appointment.status ?? '')) return false;
	return category.kind === 'patient' || category.kind === 'group';
}

/** Whether a visit of a category bears what is there already; what has no category of ours is a visit like any. */
function bears(category: Category, other: Category | undefined): boolean {
	if (other === undefined) return false;
	return other.overlap === 'allowed' || (category.overlap === 'same' && other.code === category.code);
}

/** An appointment that is about to be written; `next` is undefined when it goes away. */
export type Booking = { readonly id: string; readonly next: Appointment | undefined; readonly isNew: boolean };

type Visit = { readonly id: string; readonly next: Appointment; readonly isNew: boolean };

/**
 * Makes sure that none of the visits that are new or moved overlaps what may not be beside it, as the transaction sees it; whoever else books
 * the same people or rooms for the same days waits until it ends. Throws Problem invalid `times-wrong`; conflict `appointment-overlap`,
 * telling what is taken, and when and by what category to those who may see that appointment.
 */
export async function keepClear(ctx: FhirCtx, unit: Unit, bookings: readonly Booking[], categories: readonly Category[]): Promise<void> {
	const byCode = new Map(categories.map((category) => [category.code, category]));
	const categoryOf = (one: Appointment): Category | undefined => byCode.get(categoryCode(one) ?? '');
	const timed = bookings.flatMap(({ id, next, isNew }): Visit[] =>
		next?.start === undefined || next.end === undefined ? [] : [{ id, next: { ...localised(ctx, next), id }, isNew }],
	);
	for (const one of timed)
		if (isTooLong(one.next) && categoryCode(one.next) !== undefined && (await isMoved(ctx, unit, one))) throw tooLong();
	const visits = timed.filter(({ next }) => isVisit(next, categoryOf(next)));
	await unit.lock(visits.flatMap(({ next }) => locksOf(next)));
	const moved: Appointment[] = [];
	// Only now, when nobody else can take or leave the same times.
	for (const one of visits) if (await isMoved(ctx, unit, one)) moved.push(one.next);
	const closed = await closings(ctx, unit, moved, categories);
	const own = new Set(bookings.map(({ id }) => id));
	for (const appointment of moved) {
		const category = categoryOf(appointment) as Category;
		const there = [...(await around(ctx, unit, appointment)), ...closed].filter(({ id }) => !own.has(id as string));
		const beside = timed.map(({ next }) => next).filter((one) => one.id !== appointment.id && !idleStatuses.includes(one.status ?? ''));
		const other = [...there, ...beside].find(
			(one) =>
				crosses(intervalOf(appointment), intervalOf(one)) && shared(appointment, one, categoryOf(one)) && !bears(category, categoryOf(one)),
		);
		if (other === undefined) continue;
		const isSeen = own.has(other.id as string) || (await maySee(ctx, unit, other));
		throw overlaps(textOf(appointment, category, other, categoryOf(other), isSeen));
	}
}

/** The appointment with the references of its participants as this server writes them. */
function localised({ fhir }: FhirCtx, appointment: Appointment): Appointment {
	const participant = appointment.participant?.map((one) => {
		const reference = localReference(one.actor?.reference ?? '', fhir.base);
		return reference === undefined ? one : { ...one, actor: { ...one.actor, reference } };
	});
	return participant === undefined ? appointment : { ...appointment, participant };
}

function isTooLong(appointment: Appointment): boolean {
	const { from, to } = intervalOf(appointment);
	return to - from > longestMs;
}

/** Whether anything changes that others could be in the way of. */
async function isMoved(ctx: FhirCtx, unit: Unit, { id, next, isNew }: Visit): Promise<boolean> {
	const stored = isNew ? undefined : await unit.read('Appointment', id);
	if (stored === undefined || stored.op === 'D') return true;
	const about = (one: Appointment): string =>
		JSON.stringify([
			one.status,
			intervalOf(one),
			categoryCode(one),
			roomOf(one),
			...Object.keys(roles).map((role) => actorsOf(one, role as keyof typeof roles)),
		]);
	return about(next) !== about(localised(ctx, JSON.parse(stored.body) as Appointment));
}

/** Whether the caller may read the appointment. */
async function maySee(ctx: FhirCtx, unit: Unit, { id }: Appointment): Promise<boolean> {
	const limit = restrictSql(ctx, 'Appointment', 'read');
	return limit === null || (limit !== 'nothing' && (await isWithin(unit, { type: 'Appointment', id: id as string }, limit)));
}

function crosses(a: Interval, b: Interval): boolean {
	return a.from < b.to && b.from < a.to;
}

/** Whether both need the same provider or room, or one closes the place of the other. */
function shared(appointment: Appointment, other: Appointment, category: Category | undefined): boolean {
	const places = actorsOf(other, 'facility');
	const isThere = places.length === 0 || places.some((place) => actorsOf(appointment, 'facility').includes(place));
	if (category?.kind === 'clinic') return isThere;
	const providers = actorsOf(other, 'provider');
	if (actorsOf(appointment, 'provider').some((one) => providers.includes(one))) return true;
	const room = roomOf(appointment);
	return room !== undefined && room === roomOf(other) && actorOf(appointment, 'facility') === places[0];
}

/** A text for each person, room and place on each day that the appointment touches. */
function locksOf(appointment: Appointment): string[] {
	const { from, to } = intervalOf(appointment);
	const room = roomOf(appointment);
	const taken = [
		...actorsOf(appointment, 'provider'),
		...(room === undefined ? [] : [`${actorOf(appointment, 'facility') ?? ''} ${room}`]),
	];
	const days: number[] = [];
	for (let day = Math.floor(from / 86_400_000); day * 86_400_000 < to; day++) days.push(day);
	return taken.flatMap((one) => days.map((day) => `appointments of ${one} on ${day}`));
}

/** What is there about the same time with one of those who take part; seen by the rules, not by the caller. */
async function around(ctx: FhirCtx, unit: Unit, appointment: Appointment): Promise<Appointment[]> {
	const [providers, room] = [actorsOf(appointment, 'provider'), roomOf(appointment)];
	const time = intervalOf(appointment);
	return [
		...(providers.length === 0 ? [] : await within(ctx, unit, time, ['actor', providers.join(',')])),
		...(room === undefined ? [] : await within(ctx, unit, time, ['actor:identifier', `${roomSystem}|${escaped(room)}`])),
	];
}

/** What closes a place while the visits go on. */
async function closings(ctx: FhirCtx, unit: Unit, visits: readonly Appointment[], categories: readonly Category[]): Promise<Appointment[]> {
	const closing = categories.filter(({ kind, overlap }) => kind === 'clinic' && overlap !== 'allowed');
	if (visits.length === 0 || closing.length === 0) return [];
	const times = visits.map(intervalOf);
	const all = { from: Math.min(...times.map(({ from }) => from)), to: Math.max(...times.map(({ to }) => to)) };
	return within(ctx, unit, all, ['appointment-type', closing.map(({ code }) => `${categorySystem}|${code}`).join(',')]);
}

/** Appointments that may cross an interval and take up time, by one more criterion. */
async function within(ctx: FhirCtx, unit: Unit, { from, to }: Interval, criterion: Pair): Promise<Appointment[]> {
	const system = { ...ctx, caller: { ...ctx.caller, grants: everything } };
	const query: Pair[] = [
		criterion,
		['date', `gt${new Date(from - longestMs).toISOString()}`],
		['date', `lt${new Date(to).toISOString()}`],
		['status:not', idleStatuses.join(',')],
		['_count', '1000'],
		['_total', 'none'],
	];
	const found: Appointment[] = [];
	let page: string | undefined;
	do {
		const asked = page === undefined ? query : [...query, ['_page', page] as Pair];
		const { matches, links } = await search(system, { type: 'Appointment', query: asked, handling: 'strict', tx: unit.tx });
		found.push(...matches.map(({ body }) => localised(ctx, JSON.parse(body) as Appointment)));
		page = pageIn(links.next);
	} while (page !== undefined);
	return found;
}

function textOf(appointment: Appointment, category: Category, other: Appointment, there: Category | undefined, isSeen: boolean): string {
	const { from, to } = intervalOf(other);
	const [begin, end] = [textOfWall(wallOf(new Date(from))), textOfWall(wallOf(new Date(to)))];
	const until = end.startsWith(begin.slice(0, 10)) ? end.slice(11) : end;
	const taken =
		there?.kind === 'clinic' ? 'The clinic is closed' : sharesProvider(appointment, other) ? 'The provider is taken' : 'The room is taken';
	const when = isSeen ? `from ${begin} to ${until} (${there?.name ?? 'another appointment'})` : 'at that time';
	return `${taken} ${when}; the category "${category.name}" allows no overlap with it.`;
}

function sharesProvider(one: Appointment, other: Appointment): boolean {
	const providers = actorsOf(other, 'provider');
	return actorsOf(one, 'provider').some((provider) => providers.includes(provider));
}
