// Procedures that were done, and the devices that were put in.
import {
	type Draft,
	isWithin,
	latestFirst,
	marked,
	ownId,
	pointer,
	rowId,
	type Section,
	tableSection,
} from '#exchange/documents/ccda/draft.ts';
import { indications, reasonWords, related, snomed, status, when } from '#exchange/documents/ccda/entries.ts';
import { kept, keptConcepts } from '#exchange/documents/ccda/kept.ts';
import { author, performer, serviceLocation, whoWords } from '#exchange/documents/ccda/parties.ts';
import type { Device, Procedure } from '#exchange/documents/shapes.ts';
import { codeWords, conceptsWords, conceptWords, notesWords, periodOf, whenWords } from '#exchange/documents/words.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { template } from '#formats/ccda/write/templates.ts';
import { code } from '#formats/ccda/write/values.ts';
import { element } from '#formats/ccda/write/xml.ts';
import { productInstance } from './equipment.ts';

/** What was done or begun; what is only planned is in the plan of treatment. */
export function procedures(draft: Draft): Section {
	const done = draft.record.list<Procedure>('Procedure').filter((one) => isWithin(draft, one) && one.status !== 'preparation');
	return tableSection(
		'procedures',
		['Procedure', 'Date', 'Status', 'Site', 'Reason', 'Performed by', 'Place', 'Notes'],
		latestFirst(done, (one) => periodOf(one).start).map((procedure) => {
			const id = rowId('procedures', procedure);
			return {
				id,
				cells: [
					marked(`${id}_name`, conceptWords(procedure.code)),
					whenWords(procedure),
					codeWords(procedure.status),
					conceptsWords(procedure.bodySite),
					reasonWords(draft, procedure),
					(procedure.performer ?? []).map(({ actor }) => whoWords(draft, actor, procedure)).join(', '),
					procedure.location?.display ?? '',
					notesWords(procedure.note),
				],
				entry: activity(draft, procedure, id),
			};
		}),
	);
}

const states: Readonly<Record<string, string>> = {
	completed: 'completed',
	'in-progress': 'active',
	'on-hold': 'active',
	stopped: 'aborted',
};

function activity(draft: Draft, procedure: Procedure, id: string): Element {
	const devices = (procedure.focalDevice ?? [])
		.map(({ manipulated }) => draft.record.find<Device>(manipulated, procedure))
		.filter((one) => one !== undefined);
	return element(
		'procedure',
		{ classCode: 'PROC', moodCode: 'EVN', negationInd: procedure.status === 'not-done' ? 'true' : undefined },
		template('procedure activity'),
		ownId(draft, procedure),
		code('code', procedure.code, { systems: [snomed], reference: `${id}_name` }),
		pointer(id),
		status(states[procedure.status ?? ''] ?? 'completed'),
		when(periodOf(procedure), true),
		(procedure.bodySite ?? []).map((site) => code('targetSiteCode', site, { systems: [snomed] })),
		(procedure.performer ?? []).map(({ actor }) => performer(draft, actor, procedure)),
		// FHIR does not say when it was recorded.
		procedure.recorder === undefined ? undefined : author(draft, procedure.recorder, undefined, procedure),
		devices.map((device) => element('participant', { typeCode: 'DEV' }, productInstance(draft, device))),
		serviceLocation(draft, procedure.location, procedure, keptConcepts(procedure, 'location-type')[0]),
		kept(procedure, 'priority', 'method', 'approach-site', 'specimen', 'detail'),
		indications(draft, procedure).map((reason) => related('RSON', reason)),
	);
}
