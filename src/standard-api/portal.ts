// The Portal API: what a patient reads of the own record. Whose it is comes from the token, never from the path.
import { Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { read } from '#fhir/interactions/read.ts';
import type { Stored } from '#fhir/resource.ts';
import { showAppointments } from './appointment.ts';
import { findAppointment, listed } from './appointment-rows.ts';
import { findEntry, listEntries, showEntry } from './chart.ts';
import { encounterEntry } from './encounter.ts';
import { showPatient } from './patient.ts';
import type { StandardRow } from './row.ts';

/** The one patient whom the caller reads as. Throws Problem forbidden when there is none, or several. */
export async function ownPatient(ctx: FhirCtx): Promise<Stored> {
	const { person, grants } = ctx.caller;
	const named = new Set(person === undefined ? grants.flatMap(({ patient }) => patient ?? []) : [person.patient]);
	const [id] = named;
	if (id === undefined || named.size > 1) throw new Problem('forbidden', 'patient-unknown', 'The token does not say whose record this is.');
	return read(ctx, 'Patient', id);
}

export const portalRows: readonly StandardRow[] = [
	{
		method: 'GET',
		path: '/patient',
		resource: 'patient',
		does: 'search',
		type: 'Patient',
		style: 'E',
		summary: 'The patient who asks',
		async run(ctx) {
			const stored = await ownPatient(ctx);
			return { data: await showPatient(ctx, stored), about: stored };
		},
	},
	{
		method: 'GET',
		path: '/patient/encounter',
		resource: 'encounter',
		does: 'search',
		type: 'Encounter',
		style: 'E200',
		summary: 'The visits of the patient who asks',
		async run(ctx, call) {
			const { records, links } = await listEntries(ctx, await encounterEntry(ctx), call, await ownPatient(ctx));
			return { data: records, links };
		},
	},
	{
		method: 'GET',
		path: '/patient/encounter/:euuid',
		resource: 'encounter',
		does: 'read',
		type: 'Encounter',
		style: 'E200',
		summary: 'One of these visits',
		async run(ctx, { params }) {
			const entry = await encounterEntry(ctx);
			const stored = await findEntry(ctx, entry, params.euuid as string, await ownPatient(ctx));
			return { data: await showEntry(ctx, entry, stored), about: stored };
		},
	},
	{
		method: 'GET',
		path: '/patient/appointment',
		resource: 'appointment',
		does: 'search',
		type: 'Appointment',
		style: 'B',
		summary: 'The appointments of the patient who asks',
		async run(ctx, call) {
			const { records, links } = await listed(ctx, call, await ownPatient(ctx));
			return { data: records, links };
		},
	},
	{
		method: 'GET',
		path: '/patient/appointment/:auuid',
		resource: 'appointment',
		does: 'read',
		type: 'Appointment',
		style: 'B',
		summary: 'One of these appointments',
		async run(ctx, { params }) {
			const stored = await findAppointment(ctx, params.auuid as string, await ownPatient(ctx));
			return { data: (await showAppointments(ctx, [stored]))[0], about: stored };
		},
	},
];
