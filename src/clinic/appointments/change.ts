// Changing and deleting booked appointments: this one, this and those after it, or all of its series.
import { isDeepStrictEqual } from 'node:util';
import type { FhirCtx } from '#fhir/ctx.ts';
import { permit } from '#fhir/interactions/guard.ts';
import { readWithin } from '#fhir/interactions/read.ts';
import { search } from '#fhir/search/search.ts';
import type { Unit, Written } from '#fhir/store/store.ts';
import { parseJson } from '#fhir/wire/json.ts';
import { completed, type Entry, movedTo, type Settle, startWall, writeAll } from './booking.ts';
import { readCategories } from './categories.ts';
import { type Appointment, recurrenceIn, seriesSystem, statusIn, withRecurrence } from './model.ts';
import { appointmentStruck, timesWrong } from './problems.ts';
import { maxOccurrences, occurrencesOf, readRule } from './recurrence.ts';
import { instantOf, momentOf } from './wall-time.ts';

/** What of a series is meant. */
export type Scope = 'this' | 'future' | 'all';

export type ChangeInput = {
	readonly id: string;
	readonly scope: Scope;
	/** What the appointment becomes; done to each that is meant, but times, which move all of them by as much. Pure. */
	readonly edit: (former: Appointment) => Appointment;
	/** A new rule: those that are meant follow it, more are booked or some struck as it says. */
	readonly recurrence?: string;
	readonly settle?: Settle;
};

/**
 * Changes an appointment and gives back what was written; nothing when nothing changed. Of a series only those still to come are touched
 * besides the one that is named. Throws Problem not-found, gone, stale, forbidden, and what `book` throws.
 */
export async function change(ctx: FhirCtx, { id, scope, edit, recurrence, settle }: ChangeInput): Promise<Written[]> {
	permit(ctx, 'Appointment', 'update');
	const categories = await readCategories(ctx);
	return ctx.fhir.store.transact(ctx, async (unit) => {
		const target = await readTarget(ctx, unit, id);
		const rows = await rowsOf(ctx, unit, target, scope);
		const edited = { ...edit(target), id };
		const entries =
			recurrence === undefined
				? rows.map((row): Entry => ({ next: row === target ? edited : movedAlong(row, edit, target, edited), former: row }))
				: followed(ctx, { rows, target, edited, edit, recurrence, scope });
		const complete = entries
			.filter(({ next, former }) => !isDeepStrictEqual(next, former))
			.map(({ next, former }): Entry => ({ next: completed(ctx, next, former, categories), ...(former === undefined ? {} : { former }) }));
		return complete.length === 0 ? [] : writeAll(ctx, unit, complete, settle);
	});
}

/** Deletes appointments so that it can be undone: they were entered in error, and nothing shows them but the record. */
export function strike(ctx: FhirCtx, input: Pick<ChangeInput, 'id' | 'scope' | 'settle'>): Promise<Written[]> {
	return change(ctx, { ...input, edit: struck });
}

function struck(appointment: Appointment): Appointment {
	return { ...appointment, status: 'entered-in-error' };
}

async function readTarget(ctx: FhirCtx, unit: Unit, id: string): Promise<Appointment> {
	const target = parsed(await readWithin(ctx, unit, 'Appointment', id));
	if (target.status === 'entered-in-error') throw appointmentStruck(id);
	return target;
}

/** A stored version with its numbers as they were written. */
function parsed({ body }: { readonly body: string }): Appointment {
	return parseJson(Buffer.from(body)) as Appointment;
}

/** The appointments that are meant, in the order of their series. */
async function rowsOf(ctx: FhirCtx, unit: Unit, target: Appointment, scope: Scope): Promise<Appointment[]> {
	const series = recurrenceIn(target);
	if (scope === 'this' || series === undefined) return [target];
	const query = [
		['identifier', `${seriesSystem}|${series.series}`],
		['_count', String(maxOccurrences * 2)],
	] as const;
	const { matches } = await search(ctx, { type: 'Appointment', query, handling: 'strict', tx: unit.tx });
	const planned = (one: Appointment): number => Date.parse(recurrenceIn(one)?.planned ?? one.start ?? '');
	return matches
		.map((hit) => (hit.id === target.id ? target : parsed(hit)))
		.filter((one) => one === target || (isOpen(one) && (scope === 'all' || planned(one) >= planned(target))))
		.sort((a, b) => planned(a) - planned(b));
}

function isOpen(appointment: Appointment): boolean {
	return appointment.status !== 'entered-in-error' && statusIn(appointment)?.stage === 'open';
}

/** A sibling changed alike, moved on the wall by as much as the named one was, and as long as that is now. */
function movedAlong(row: Appointment, edit: ChangeInput['edit'], target: Appointment, edited: Appointment): Appointment {
	const next = atTimesOf(edit(row), row);
	const isAsLong = lengthOf(edited) === lengthOf(target);
	if (row.start === undefined || (isAsLong && startWall(target) === startWall(edited))) return next;
	const wall = startWall(row) + (startWall(edited) - startWall(target));
	return isAsLong ? movedTo(next, wall) : movedTo(atTimesOf(next, edited), wall);
}

function lengthOf({ start, end }: Appointment): number {
	return Date.parse(end ?? '') - Date.parse(start ?? '');
}

/** An appointment with the times of another. */
function atTimesOf(
	{ start: _, end: __, minutesDuration: ___, ...rest }: Appointment,
	{ start, end, minutesDuration }: Appointment,
): Appointment {
	return {
		...(rest as Appointment),
		...(start === undefined ? {} : { start }),
		...(end === undefined ? {} : { end }),
		...(minutesDuration === undefined ? {} : { minutesDuration }),
	};
}

type Following = Pick<ChangeInput, 'edit' | 'scope'> & {
	readonly rows: readonly Appointment[];
	readonly target: Appointment;
	readonly edited: Appointment;
	readonly recurrence: string;
};

/** The appointments by a new rule: those there are in their order, then new ones like the named one, or those left over struck. */
function followed(ctx: FhirCtx, { rows, target, edited, edit, recurrence, scope }: Following): Entry[] {
	const rule = readRule(recurrence);
	const first = rows[0] as Appointment;
	const begins = first === target ? edited : movedAlong(first, edit, target, edited);
	if (begins.start === undefined) throw timesWrong('What recurs needs a start.');
	const former = recurrenceIn(target)?.series;
	const series = former === undefined || scope !== 'all' ? ctx.ids.next() : former;
	const walls = occurrencesOf(rule, startWall(begins));
	const followers = walls.map((wall, i): Entry => {
		const row = rows[i];
		const like = row === undefined ? fresh(edited, ctx.ids.next()) : row === target ? edited : atTimesOf(edit(row), edited);
		const next = withRecurrence(movedTo(like, wall), { series, rule, planned: instantOf(momentOf(wall)) });
		return row === undefined ? { next } : { next, former: row };
	});
	return [...followers, ...rows.slice(walls.length).map((row) => ({ next: struck(row), former: row }))];
}

/** A new one like another: without its versions, and still to come whatever the other came to. */
function fresh({ meta: _, ...appointment }: Appointment, id: string): Appointment {
	return { ...(appointment as Appointment), id, ...(isOpen(appointment as Appointment) ? {} : { status: 'booked' }) };
}
