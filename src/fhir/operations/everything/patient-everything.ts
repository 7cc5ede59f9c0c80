// Patient/[id]/$everything and Patient/$everything. https://hl7.org/fhir/R4/operation-patient-everything.html
import { read } from '#fhir/interactions/read.ts';
import { define, hl7, input, output } from '#fhir/operations/define.ts';
import type { Operation } from '#fhir/operations/operation.ts';
import { notAllowed } from '#fhir/search/problems.ts';
import { within } from '#fhir/search/restrict.ts';
import { everything } from './everything.ts';

export const patientEverything: Operation = {
	name: 'everything',
	definition: define({
		id: 'Patient-everything',
		name: 'PatientEverything',
		title: "A patient's record",
		code: 'everything',
		base: hl7('Patient-everything'),
		description:
			"Everything in the patient's compartment, as matches, and what it refers to (practitioners, organizations, locations, medications …), as includes; as far as the caller may see it. On the type, the records of all patients the caller may see. A page holds what _count says, or as much as the server gives at most, and what its resources refer to; a resource that is referred to from several pages comes with each. Attachments kept as Binary are not included.",
		resource: ['Patient'],
		type: true,
		instance: true,
		parameter: [
			input('start', 'date', 'Only what was not over before this date, by the main date of its type; what has no date is never left out.'),
			input('end', 'date', 'Only what had begun by this date.'),
			input('_since', 'instant', 'Only what was changed at or after this moment; what is referred to comes whenever it was changed.'),
			input('_type', 'code', 'Only these types, separated by commas; also of what is referred to.', { max: '*' }),
			input('_count', 'integer', 'Matches of a page.'),
			output('return', 'Bundle', 'A searchset; its link next leads to the next page.'),
		],
	}),
	levels: { type: true, instance: true },
	types: ['Patient'],
	methods: ['GET', 'POST'],
	async run(ctx, given) {
		if (given.id === undefined) {
			if (within(ctx, 'Patient') === undefined) throw notAllowed('Patient');
			return { json: await everything(ctx, given, { type: 'Patient' }) };
		}
		const { id } = await read(ctx, 'Patient', given.id);
		return { json: await everything(ctx, given, { type: 'Patient', id }) };
	},
};
