// Patient/$summary: the International Patient Summary. https://hl7.org/fhir/uv/ips/STU2/OperationDefinition-summary.html

import { Problem } from '#base/problem.ts';
import { draftOf } from '#exchange/documents/ccda/document.ts';
import type { Draft } from '#exchange/documents/ccda/draft.ts';
import { readRecord } from '#exchange/documents/record.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { define, input, output } from '#fhir/operations/define.ts';
import { badParameter, missingParameter, textOf } from '#fhir/operations/input.ts';
import type { Operation, OperationInput } from '#fhir/operations/operation.ts';
import { search } from '#fhir/search/search.ts';
import { summaryBundle } from './bundle.ts';

const profile = 'http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips';

export const summary: Operation = {
	name: 'summary',
	definition: define({
		id: 'Patient-summary',
		name: 'PatientSummary',
		title: 'International Patient Summary',
		code: 'summary',
		description:
			'The International Patient Summary as a Bundle of type document, made now from what the caller may see: problems, allergies and medications always (with emptyReason when there is nothing), and immunizations, results, procedures, devices, advance directives, functional status, plan of care, social history and vital signs when there are any. Of what is measured the latest of each kind. Nothing is stored.',
		resource: ['Patient'],
		type: true,
		instance: true,
		parameter: [
			input('identifier', 'string', 'On the type: the patient by a business identifier, as a token `system|value`.'),
			input('profile', 'canonical', `Only ${profile} can be had.`),
			output('return', 'Bundle', 'A Bundle of type document.'),
		],
	}),
	levels: { type: true, instance: true },
	types: ['Patient'],
	methods: ['GET', 'POST'],
	async run(ctx, given) {
		const wanted = textOf(given, 'profile');
		if (wanted !== undefined && wanted.split('|')[0] !== profile) throw badParameter('profile', `It may be ${profile}.`);
		const record = await readRecord(ctx, given.id ?? (await patientOf(ctx, given)));
		const draft = draftOf({ kind: 'ccd', record, base: ctx.fhir.base, now: ctx.clock.now(), period: {} }) as Draft;
		return { resource: summaryBundle(draft, ctx.ids.next()) };
	},
};

/** The one patient who has the identifier. */
async function patientOf(ctx: FhirCtx, given: OperationInput): Promise<string> {
	const identifier = textOf(given, 'identifier');
	if (identifier === undefined) throw missingParameter('identifier', 'On the type it says whose summary is wanted, as system|value.');
	const query: [string, string][] = [
		['identifier', identifier],
		['_count', '2'],
	];
	const { matches } = await search(ctx, { type: 'Patient', query, handling: 'strict' });
	const [first, ...more] = matches;
	if (first === undefined) throw new Problem('not-found', 'patient-unknown', 'No patient has this identifier.');
	if (more.length > 0) throw badParameter('identifier', 'Several patients have it.');
	return first.id;
}
