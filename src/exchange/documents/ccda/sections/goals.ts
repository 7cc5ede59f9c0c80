// Goals with their targets, and how far they were met.
import { type Draft, latestFirst, marked, ownId, pointer, rowId, type Section, tableSection } from '#exchange/documents/ccda/draft.ts';
import { assertion, entryReference, loinc, related, snomed, status } from '#exchange/documents/ccda/entries.ts';
import { kept, keptConcepts } from '#exchange/documents/ccda/kept.ts';
import { author, whoWords } from '#exchange/documents/ccda/parties.ts';
import type { Concept, Condition, Goal } from '#exchange/documents/shapes.ts';
import { codeWords, conceptWords, dateWords, measureWords, notesWords, rangeWords } from '#exchange/documents/words.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { template } from '#formats/ccda/write/templates.ts';
import { bounds, code, fixed, interval, nothing, quantity } from '#formats/ccda/write/values.ts';
import { element } from '#formats/ccda/write/xml.ts';

export function goals(draft: Draft): Section {
	const all = draft.record.list<Goal>('Goal').filter(({ lifecycleStatus }) => lifecycleStatus !== 'rejected');
	return tableSection(
		'goals',
		['Goal', 'Target', 'Due', 'Status', 'Achievement', 'Priority', 'Since', 'Set by', 'About', 'Notes'],
		latestFirst(all, ({ startDate }) => startDate).map((goal) => {
			const id = rowId('goals', goal);
			return {
				id,
				cells: [
					marked(`${id}_name`, conceptWords(goal.description)),
					targetWords(goal),
					dateWords(dueOf(goal)),
					codeWords(goal.lifecycleStatus),
					conceptWords(goal.achievementStatus),
					conceptWords(goal.priority),
					dateWords(goal.startDate),
					whoWords(draft, goal.expressedBy, goal),
					(goal.addresses ?? [])
						.map((reference) => conceptWords(draft.record.find<Condition>(reference, goal)?.code))
						.filter((words) => words !== '')
						.join(', '),
					notesWords(goal.note),
				],
				entry: observation(draft, goal, id),
			};
		}),
	);
}

function dueOf({ target }: Goal): string | undefined {
	return target?.find(({ dueDate }) => dueDate !== undefined)?.dueDate;
}

function targetWords({ target }: Goal): string {
	return (target ?? [])
		.map(({ measure, detailQuantity, detailRange, detailCodeableConcept, detailString }) => {
			const value =
				measureWords(detailQuantity) ||
				rangeWords(detailRange?.low, detailRange?.high) ||
				conceptWords(detailCodeableConcept) ||
				(detailString ?? '');
			return [conceptWords(measure), value].filter((words) => words !== '').join(': ');
		})
		.filter((words) => words !== '')
		.join('; ');
}

const states: Readonly<Record<string, string>> = { completed: 'completed', cancelled: 'aborted', 'on-hold': 'suspended' };

function observation(draft: Draft, goal: Goal, id: string): Element {
	const [target] = goal.target ?? [];
	const due = dueOf(goal);
	return element(
		'observation',
		{ classCode: 'OBS', moodCode: 'GOL' },
		template('goal'),
		ownId(draft, goal),
		code('code', keptConcepts(goal, 'goal-code')[0] ?? target?.measure ?? goal.description, {
			systems: [loinc],
			only: true,
			reference: `${id}_name`,
		}),
		pointer(id),
		status(states[goal.lifecycleStatus ?? ''] ?? 'active'),
		interval(
			'effectiveTime',
			{ ...(goal.startDate === undefined ? {} : { start: goal.startDate }), ...(due === undefined ? {} : { end: due }) },
			{ open: true },
		),
		target?.detailQuantity !== undefined
			? quantity('value', target.detailQuantity, 'PQ')
			: target?.detailRange !== undefined
				? bounds('value', target.detailRange.low, target.detailRange.high)
				: target?.detailCodeableConcept !== undefined
					? code('value', target.detailCodeableConcept, { type: 'CD' })
					: keptConcepts(goal, 'goal-code').length > 0
						? code('value', goal.description, { type: 'CD', systems: [snomed] })
						: element('value', { 'xsi:type': 'ST' }, target?.detailString ?? conceptWords(goal.description)),
		author(draft, goal.expressedBy, goal.statusDate ?? goal.startDate, goal),
		kept(goal, 'detail'),
		keptConcepts(goal, 'priority').map((priority) => related('RSON', priorityPreference(draft, goal, priority))),
		goal.achievementStatus === undefined ? undefined : related('REFR', progress(draft, goal, goal.achievementStatus)),
	);
}

/** Progress Toward Goal Observation. */
function progress(draft: Draft, goal: Goal, achieved: Concept): Element {
	return element(
		'observation',
		{ classCode: 'OBS', moodCode: 'EVN' },
		template('progress toward goal'),
		ownId(draft, goal, 'progress'),
		assertion(),
		status('completed'),
		code('value', achieved, { type: 'CD', systems: [snomed], only: true }),
	);
}

/** Priority Preference. */
function priorityPreference(draft: Draft, goal: Goal, priority: Concept): Element {
	return element(
		'observation',
		{ classCode: 'OBS', moodCode: 'EVN' },
		template('priority preference'),
		ownId(draft, goal, 'priority'),
		fixed('code', snomed, '225773000', 'Preference'),
		nothing('effectiveTime'),
		code('value', priority, { type: 'CD', systems: [snomed] }),
		author(draft, goal.expressedBy, goal.startDate, goal),
	);
}

/** How far goals were met. */
export function outcomes(draft: Draft): Section {
	const judged = draft.record.list<Goal>('Goal').filter(({ achievementStatus }) => achievementStatus !== undefined);
	return tableSection(
		'outcomes',
		['Goal', 'Outcome', 'Date'],
		judged.map((goal) => {
			const id = rowId('outcomes', goal);
			return {
				id,
				cells: [
					marked(`${id}_name`, conceptWords(goal.description)),
					marked(`${id}_value`, conceptWords(goal.achievementStatus)),
					dateWords(goal.statusDate),
				],
				entry: element(
					'observation',
					{ classCode: 'OBS', moodCode: 'EVN' },
					template('outcome'),
					ownId(draft, goal, 'outcome'),
					code('code', goal.target?.[0]?.measure ?? goal.description, { systems: [loinc], reference: `${id}_name` }),
					pointer(id),
					status('completed'),
					element('value', { 'xsi:type': 'ST' }, conceptWords(goal.achievementStatus)),
					author(draft, goal.expressedBy, goal.statusDate, goal),
					related('GEVL', entryReference(draft, goal)),
				),
			};
		}),
	);
}
