// Encounter/[id]/$everything. https://hl7.org/fhir/R4/operation-encounter-everything.html
import { read } from '#fhir/interactions/read.ts';
import { define, hl7, input, output } from '#fhir/operations/define.ts';
import type { Operation } from '#fhir/operations/operation.ts';
import type { Resource } from '#fhir/resource.ts';
import { everything } from './everything.ts';

export const encounterEverything: Operation = {
	name: 'everything',
	definition: define({
		id: 'Encounter-everything',
		name: 'EncounterEverything',
		title: 'The record of an encounter',
		code: 'everything',
		base: hl7('Encounter-everything'),
		description:
			"The encounter, everything in its compartment, as matches, and what these refer to, the patient among it, as includes; as far as the caller may see it. Of what is referred to, only what belongs to the encounter's own patient or to no patient is included. Attachments kept as Binary are not.",
		resource: ['Encounter'],
		instance: true,
		parameter: [
			input('_since', 'instant', 'Only what was changed at or after this moment; what is referred to comes whenever it was changed.'),
			input('_type', 'code', 'Only these types, separated by commas; also of what is referred to.', { max: '*' }),
			input('_count', 'integer', 'Matches of a page.'),
			output('return', 'Bundle', 'A searchset; its link next leads to the next page.'),
		],
	}),
	levels: { instance: true },
	types: ['Encounter'],
	methods: ['GET', 'POST'],
	async run(ctx, given) {
		const { id, body } = await read(ctx, 'Encounter', given.id as string);
		const { pat } = ctx.fhir.store.extract(JSON.parse(body) as Resource);
		return { json: await everything(ctx, given, { type: 'Encounter', id, ...(pat === null ? {} : { patient: pat }) }) };
	},
};
