// Booking: one appointment, or a series of them as one row each.
import type { FhirCtx } from '#fhir/ctx.ts';
import { permit } from '#fhir/interactions/guard.ts';
import type { Written } from '#fhir/store/store.ts';
import { completed, movedTo, type Settle, startWall, writeAll } from './booking.ts';
import { readCategories } from './categories.ts';
import { type Appointment, withRecurrence } from './model.ts';
import { timesWrong } from './problems.ts';
import { occurrencesOf, readRule } from './recurrence.ts';
import { instantOf, momentOf } from './wall-time.ts';

export type BookInput = {
	/** Without an id: the server gives one. Without an end it takes as long as its category does. */
	readonly appointment: Appointment;
	/** A rule of RFC 5545; the appointment is the first of the series. */
	readonly recurrence?: string;
	readonly settle?: Settle;
};

/**
 * Books an appointment and gives back what was written, the first of a series first. Throws Problem invalid `category-unknown`,
 * `patient-missing`, `times-wrong`, `recurrence-wrong`; conflict `appointment-overlap`; forbidden; and what validation throws.
 */
export async function book(ctx: FhirCtx, { appointment, recurrence, settle }: BookInput): Promise<Written[]> {
	permit(ctx, 'Appointment', 'create');
	const categories = await readCategories(ctx);
	const first = completed(ctx, { ...appointment, id: ctx.ids.next() }, undefined, categories);
	const all = recurrence === undefined ? [first] : seriesOf(ctx, first, recurrence);
	return ctx.fhir.store.transact(ctx, (unit) =>
		writeAll(
			ctx,
			unit,
			all.map((next) => ({ next })),
			settle,
		),
	);
}

/** The appointments of a new series. */
function seriesOf(ctx: FhirCtx, first: Appointment, recurrence: string): Appointment[] {
	if (first.start === undefined) throw timesWrong('What recurs needs a start.');
	const [rule, series] = [readRule(recurrence), ctx.ids.next()];
	return occurrencesOf(rule, startWall(first)).map((wall, i) => {
		const one = i === 0 ? first : { ...movedTo(first, wall), id: ctx.ids.next() };
		return withRecurrence(one, { series, rule, planned: instantOf(momentOf(wall)) });
	});
}
