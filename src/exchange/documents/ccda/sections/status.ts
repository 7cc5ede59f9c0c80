// Functional and mental status: abilities and disabilities, screenings of mood and thought.
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
import { loinc, snomed, status } from '#exchange/documents/ccda/entries.ts';
import { codedValue, interpretationWords, isMade, kindOf } from '#exchange/documents/ccda/observations.ts';
import { author, whoWords } from '#exchange/documents/ccda/parties.ts';
import type { Observation, ObservationPart } from '#exchange/documents/shapes.ts';
import { anyHasCode, conceptWords, notesWords, periodOf, valueWords, whenWords } from '#exchange/documents/words.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { template } from '#formats/ccda/write/templates.ts';
import { code, fixed, time } from '#formats/ccda/write/values.ts';
import { element } from '#formats/ccda/write/xml.ts';

export const functionalStatus = (draft: Draft): Section => statusSection(draft, 'functional-status');
export const mentalStatus = (draft: Draft): Section => statusSection(draft, 'mental-status');

type Key = 'functional-status' | 'mental-status';

function statusSection(draft: Draft, key: Key): Section {
	const all = draft.record.list<Observation>('Observation').filter((one) => isMade(one) && kindOf(one) === key && isWithin(draft, one));
	const lines = latestFirst(all, (one) => periodOf(one).start).flatMap((observation) => {
		const id = rowId(key, observation);
		const row = (part: ObservationPart, place: string) => ({
			id: place,
			cells: [
				marked(`${place}_name`, conceptWords(part.code)),
				marked(`${place}_value`, valueWords(part)),
				interpretationWords(part),
				whenWords(observation),
				whoWords(draft, observation.performer?.[0], observation),
				notesWords(observation.note),
			],
		});
		const parts = (observation.component ?? []).map((part, i) => row(part, `${id}_${i + 1}`));
		return [{ ...row(observation, id), entry: entryOf(draft, observation, key, id) }, ...parts];
	});
	return tableSection(key, ['Assessment', 'Finding', 'Interpretation', 'Date', 'By', 'Notes'], lines);
}

function entryOf(draft: Draft, observation: Observation, key: Key, id: string): Element {
	const isScale =
		anyHasCode(observation.category, ['survey']) ||
		(observation.component ?? []).length > 0 ||
		observation.valueCodeableConcept === undefined;
	return isScale ? scale(draft, observation, id) : finding(draft, observation, key, id);
}

/** A scale with its answers (Assessment Scale Observation). */
function scale(draft: Draft, observation: Observation, id: string): Element {
	return element(
		'observation',
		{ classCode: 'OBS', moodCode: 'EVN' },
		template('assessment scale'),
		ownId(draft, observation),
		code('code', observation.code, { systems: [loinc], reference: `${id}_name` }),
		pointer(id),
		status('completed'),
		time('effectiveTime', periodOf(observation).start),
		codedValue(observation, `${id}_value`) ?? element('value', { 'xsi:type': 'ST', nullFlavor: 'NI' }),
		author(draft, observation.performer?.[0], observation.issued, observation),
		(observation.component ?? []).map((part, i) =>
			element(
				'entryRelationship',
				{ typeCode: 'COMP' },
				element(
					'observation',
					{ classCode: 'OBS', moodCode: 'EVN' },
					template('assessment scale item'),
					ownId(draft, observation, String(i + 1)),
					code('code', part.code, { systems: [loinc], reference: `${id}_${i + 1}_name` }),
					status('completed'),
					codedValue(part, `${id}_${i + 1}_value`) ?? element('value', { 'xsi:type': 'ST', nullFlavor: 'NI' }),
				),
			),
		),
	);
}

function finding(draft: Draft, observation: Observation, key: Key, id: string): Element {
	const [name, kind] =
		key === 'functional-status'
			? (['functional status', fixed('code', loinc, '54522-8', 'Functional status')] as const)
			: ([
					'mental status',
					element(
						'code',
						fixed('code', snomed, '373930000', 'Cognitive function').attributes,
						fixed('translation', loinc, '75275-8', 'Cognitive Function'),
					),
				] as const);
	return element(
		'observation',
		{ classCode: 'OBS', moodCode: 'EVN' },
		template(name),
		ownId(draft, observation),
		kind,
		pointer(id),
		status('completed'),
		time('effectiveTime', periodOf(observation).start),
		code('value', observation.valueCodeableConcept, { type: 'CD', systems: [snomed], reference: `${id}_value` }),
		author(draft, observation.performer?.[0], observation.issued, observation),
	);
}
