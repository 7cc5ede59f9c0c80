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
import { loinc, related, snomed, status } from '#exchange/documents/ccda/entries.ts';
import { kept, negationOf } from '#exchange/documents/ccda/kept.ts';
import { codedValue, interpretationsOf, interpretationWords, isMade, kindOf } from '#exchange/documents/ccda/observations.ts';
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

/** A part of a scale: a component, or an observation that is a member of it. */
type Item = { readonly part: ObservationPart; readonly own: Element; readonly id: string };

function statusSection(draft: Draft, key: Key): Section {
	const { record } = draft;
	const made = record.list<Observation>('Observation').filter((one) => isMade(one) && isWithin(draft, one));
	const members = new Set(made.flatMap((one) => (one.hasMember ?? []).map((reference) => record.find<Observation>(reference, one))));
	const all = made.filter((one) => !members.has(one) && kindOf(one) === key);
	const lines = latestFirst(all, (one) => periodOf(one).start).flatMap((observation) => {
		const row = (part: ObservationPart, id: string) => ({
			id,
			cells: [
				marked(`${id}_name`, conceptWords(part.code)),
				marked(`${id}_value`, valueWords(part)),
				interpretationWords(part),
				whenWords(observation),
				whoWords(draft, observation.performer?.[0], observation),
				notesWords((part as Observation).note),
			],
		});
		const id = rowId(key, observation);
		const items = itemsOf(draft, observation, key);
		return [
			{ ...row(observation, id), entry: entryOf(draft, observation, key, { id, items }) },
			...items.map((item) => row(item.part, item.id)),
		];
	});
	return tableSection(key, ['Assessment', 'Finding', 'Interpretation', 'Date', 'By', 'Notes'], lines);
}

function itemsOf(draft: Draft, observation: Observation, key: Key): Item[] {
	const components = (observation.component ?? []).map(
		(part, i): Item => ({ part, own: ownId(draft, observation, String(i + 1)), id: `${rowId(key, observation)}_${i + 1}` }),
	);
	const members = (observation.hasMember ?? []).flatMap((reference): Item[] => {
		const member = draft.record.find<Observation>(reference, observation);
		return member === undefined || member === observation ? [] : [{ part: member, own: ownId(draft, member), id: rowId(key, member) }];
	});
	return [...components, ...new Map(members.map((item) => [item.id, item])).values()];
}

type Shown = { readonly id: string; readonly items: readonly Item[] };

function entryOf(draft: Draft, observation: Observation, key: Key, shown: Shown): Element {
	const isScale = anyHasCode(observation.category, ['survey']) || shown.items.length > 0 || observation.valueCodeableConcept === undefined;
	return isScale ? scale(draft, observation, shown) : finding(draft, observation, key, shown.id);
}

/** A scale with its answers (Assessment Scale Observation). */
function scale(draft: Draft, observation: Observation, { id, items }: Shown): Element {
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
		interpretationsOf(observation),
		author(draft, observation.performer?.[0], observation.issued, observation),
		kept(observation, 'detail'),
		items.map((item) => related('COMP', answer(item))),
	);
}

function answer({ part, own, id }: Item): Element {
	return element(
		'observation',
		{ classCode: 'OBS', moodCode: 'EVN' },
		template('assessment scale item'),
		own,
		code('code', part.code, { systems: [loinc], reference: `${id}_name` }),
		status('completed'),
		codedValue(part, `${id}_value`) ?? element('value', { 'xsi:type': 'ST', nullFlavor: 'NI' }),
		interpretationsOf(part),
	);
}

/** What was observed, beside the code that the template fixes. */
function translationsOf({ code: what }: Observation, fixedCodes: readonly string[]): Element[] {
	const told = (what?.coding ?? []).filter(({ code: value }) => !fixedCodes.includes(value ?? ''));
	return told.flatMap((coding) => {
		const made = code('translation', { coding: [coding] });
		return made.attributes.code === undefined ? [] : [element('translation', made.attributes)];
	});
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
		{ classCode: 'OBS', moodCode: 'EVN', negationInd: negationOf(observation) },
		template(name),
		ownId(draft, observation),
		element(
			'code',
			kind.attributes,
			kind.children,
			translationsOf(observation, key === 'functional-status' ? ['54522-8'] : ['373930000', '75275-8']),
		),
		pointer(id),
		status('completed'),
		time('effectiveTime', periodOf(observation).start),
		code('value', observation.valueCodeableConcept, { type: 'CD', systems: [snomed], reference: `${id}_value` }),
		interpretationsOf(observation),
		author(draft, observation.performer?.[0], observation.issued, observation),
		kept(observation, 'detail'),
	);
}
