// The clinic's word on appointments, whichever API they are written through: a visit keeps clear of what may not be beside it.
import type { FhirCtx, Rule } from '#fhir/ctx.ts';
import type { Unit, Write } from '#fhir/store/store.ts';
import { readCategories } from './categories.ts';
import { type Appointment, categoryCode } from './model.ts';
import { type Booking, keepClear } from './overlap.ts';

/** What has none of the clinic's categories has no rule to break. */
export const clearOfOthers: Rule = {
	concerns: (write) => categoryCode(appointmentOf(write) ?? nothing) !== undefined,
	async check(ctx: FhirCtx, unit: Unit, writes: readonly Write[]) {
		const bookings = writes.map((write): Booking => ({ id: write.id, next: appointmentOf(write), isNew: write.op === 'C' }));
		await keepClear(ctx, unit, bookings, await readCategories(ctx));
	},
};

const nothing: Appointment = { resourceType: 'Appointment' };

function appointmentOf({ op, resource }: Write): Appointment | undefined {
	return op === 'D' || resource === null ? undefined : (resource as Appointment);
}
