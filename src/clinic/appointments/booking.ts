// What booking and changing share: making an appointment complete, and writing several in one transaction.
import type { FhirCtx } from '#fhir/ctx.ts';
import { writeWithin } from '#fhir/interactions/guard.ts';
import { check } from '#fhir/interactions/prepare.ts';
import type { Unit, Write, Written } from '#fhir/store/store.ts';
import type { Category } from './categories.ts';
import { type Appointment, actorOf, categoryCode, categoryConcept, type Reference, roomOf, statusIn, withStatus } from './model.ts';
import { longestMs } from './overlap.ts';
import { categoryUnknown, patientMissing, timesWrong, tooLong } from './problems.ts';
import { statusOf } from './statuses.ts';
import { instantOf, momentOf, wallOf } from './wall-time.ts';

/** Comes last in the transaction: what it writes, e.g. who is answerable, is kept together with the appointments or not at all. */
export type Settle = (unit: Unit, written: readonly Written[]) => Promise<void>;

/** The caller, as the one who did something. */
export function callerReference({ caller }: FhirCtx): Reference {
	return caller.fhirUser === undefined ? { display: caller.name } : { reference: caller.fhirUser, display: caller.name };
}

/**
 * The appointment with everything the clinic's rules say of it: the category's name, its end, its status and since when. `former` is what it
 * was. Throws Problem invalid `category-unknown`, `patient-missing`, `times-wrong`.
 */
export function completed(ctx: FhirCtx, next: Appointment, former: Appointment | undefined, categories: readonly Category[]): Appointment {
	const category = categoryOf(next, former, categories);
	const isOther =
		former === undefined || categoryCode(former) !== categoryCode(next) || actorOf(former, 'patient') !== actorOf(next, 'patient');
	if (isOther && category?.kind === 'patient' && actorOf(next, 'patient') === undefined) throw patientMissing(category.name);
	const timed = withTimes(next, former, category);
	const isNamed = category === undefined || (former !== undefined && categoryCode(former) === category.code);
	const named = isNamed ? timed : { ...timed, appointmentType: categoryConcept(category) };
	const status = statusIn(named) ?? statusOf('-');
	if (status === undefined || named.status === 'entered-in-error') return named;
	const before = former === undefined ? undefined : statusIn(former);
	const isNews = former === undefined || before !== status || roomOf(former) !== roomOf(named);
	return isNews ? withStatus(named, status, ctx.clock.now().toISOString(), callerReference(ctx)) : named;
}

/** What has a category of ours must have one that there is; one that is no longer offered stays where it is. */
function categoryOf(next: Appointment, former: Appointment | undefined, categories: readonly Category[]): Category | undefined {
	const code = categoryCode(next);
	if (code === undefined) return undefined;
	const found = categories.find((category) => category.code === code);
	const isOld = former !== undefined && categoryCode(former) === code;
	if (!isOld && (found === undefined || found.isInactive === true)) throw categoryUnknown(found?.name ?? code);
	return found;
}

/** With an end, and a duration that says the same. Times that are not changed stay as they are. */
function withTimes(next: Appointment, former: Appointment | undefined, category: Category | undefined): Appointment {
	const { start, end, minutesDuration } = next;
	if (former !== undefined && former.start === start && former.end === end) return next;
	if (start === undefined) {
		if (end !== undefined) throw timesWrong('An appointment with an end needs a start.');
		return next;
	}
	const from = new Date(start);
	const to = end === undefined ? endOf(from, minutesDuration, category) : new Date(end);
	if (!(to >= from)) throw timesWrong('The end of an appointment must not be before its start.');
	if (to.getTime() - from.getTime() > longestMs) throw tooLong();
	const minutes = (to.getTime() - from.getTime()) / 60_000;
	if (end === undefined) return { ...next, end: instantOf(to), ...(minutes > 0 ? { minutesDuration: minutes } : {}) };
	return minutesDuration !== undefined && minutes > 0 ? { ...next, minutesDuration: minutes } : next;
}

/** What fills the day goes to the midnight of the wall. */
function endOf(from: Date, minutes: number | undefined, category: Category | undefined): Date {
	if (minutes === undefined && category?.isAllDay === true) return momentOf((Math.floor(wallOf(from) / 86_400_000) + 1) * 86_400_000);
	return new Date(from.getTime() + (minutes ?? category?.minutes ?? 15) * 60_000);
}

/** The appointment at another time of the wall, as long as it was. */
export function movedTo(appointment: Appointment, wall: number): Appointment {
	const { start, end } = appointment;
	const moment = momentOf(wall);
	const length = Date.parse(end ?? '') - Date.parse(start ?? '');
	return {
		...appointment,
		start: instantOf(moment),
		...(Number.isNaN(length) ? {} : { end: instantOf(new Date(moment.getTime() + length)) }),
	};
}

/** What the wall shows when the appointment begins. */
export function startWall({ start }: Appointment): number {
	return wallOf(new Date(start ?? Number.NaN));
}

/** One appointment to be written, with what it was. */
export type Entry = { readonly next: Appointment; readonly former?: Appointment };

/** Writes appointments, which have to keep clear of others (rule.ts). Throws what the rule, check and the store throw. */
export async function writeAll(ctx: FhirCtx, unit: Unit, entries: readonly Entry[], settle?: Settle): Promise<Written[]> {
	const writes = entries.map(({ next, former }): Write => {
		check(ctx, 'Appointment', next);
		return { type: 'Appointment', id: next.id as string, op: former === undefined ? 'C' : 'U', resource: next };
	});
	const written = await writeWithin(ctx, unit, writes, (write) => (write.op === 'C' ? 'create' : 'update'));
	await settle?.(unit, written);
	return written;
}
