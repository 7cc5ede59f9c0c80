// How an appointment came to its status: every change with its time, the room and the person, from the versions of the record.
import type { FhirCtx } from '#fhir/ctx.ts';
import { permit } from '#fhir/interactions/guard.ts';
import { notFound } from '#fhir/interactions/problems.ts';
import type { Stored } from '#fhir/resource.ts';
import { restrictSql } from '#fhir/search/match.ts';
import { type Appointment, type Reference, roomOf, statusIn, statusNote } from './model.ts';
import type { Status } from './statuses.ts';

export type StatusChange = {
	readonly status: Status;
	readonly room: string | undefined;
	/** An instant. */
	readonly since: string;
	/** undefined when the change came through an API that does not say. */
	readonly by: Reference | undefined;
	readonly version: number;
};

/** Versions that are looked at. */
const most = 1000;

/** The changes of status and room of an appointment in hand, oldest first. Throws Problem not-found, forbidden. */
export async function statusHistory(ctx: FhirCtx, current: Stored): Promise<StatusChange[]> {
	permit(ctx, 'Appointment', 'read');
	if (current.version === 1) return changesIn([current]);
	const { entries } = await ctx.fhir.store.history(ctx, {
		type: 'Appointment',
		id: current.id,
		count: most,
		restrict: (type) => restrictSql(ctx, type, 'read'),
	});
	if (entries.length === 0) throw notFound('Appointment', current.id);
	return changesIn([...entries].reverse());
}

function changesIn(versions: readonly Stored[]): StatusChange[] {
	const changes: StatusChange[] = [];
	for (const { op, body, version, updated } of versions) {
		if (op === 'D') continue;
		const appointment = JSON.parse(body) as Appointment;
		const status = statusIn(appointment);
		const [room, { since, by }] = [roomOf(appointment), statusNote(appointment)];
		const last = changes.at(-1);
		if (status === undefined || (last?.status === status && last.room === room)) continue;
		changes.push({ status, room, since: since ?? new Date(updated).toISOString(), by, version });
	}
	return changes;
}
