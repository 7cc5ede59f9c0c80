// The Portal API: what a patient reads of the own record. Whose it is comes from the token, never from the path.
import { Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { read } from '#fhir/interactions/read.ts';
import type { Stored } from '#fhir/resource.ts';
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
];
