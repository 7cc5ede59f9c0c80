// Problems, diagnoses of a visit and health concerns: what Conditions say.
import { type Draft, latestFirst, marked, ownId, pointer, rowId, type Section, tableSection } from '#exchange/documents/ccda/draft.ts';
import { isOver, loinc, problemObservation, related, snomed, status } from '#exchange/documents/ccda/entries.ts';
import { keptConcepts } from '#exchange/documents/ccda/kept.ts';
import { author, whoWords } from '#exchange/documents/ccda/parties.ts';
import type { Condition, Encounter } from '#exchange/documents/shapes.ts';
import { anyHasCode, codeWords, conceptsWords, conceptWords, dateWords, hasCode, notesWords, periodOf } from '#exchange/documents/words.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { atRiskCode, type SectionKey } from '#formats/ccda/vocabulary.ts';
import { template } from '#formats/ccda/write/templates.ts';
import { fixed, interval } from '#formats/ccda/write/values.ts';
import { element } from '#formats/ccda/write/xml.ts';
import { diagnosesOf } from './encounters.ts';

const concernCategory = 'health-concern';
const diagnosisCategory = 'encounter-diagnosis';

/** The problem list: what is neither a concern nor a diagnosis of one visit alone. A diagnosis of no visit that is known stands here too. */
export function problems(draft: Draft): Section {
	const visits = draft.record.list<Encounter>('Encounter');
	const ofVisits = new Set(visits.flatMap((one) => diagnosesOf(draft, one)));
	const all = draft.record
		.list<Condition>('Condition')
		.filter(
			(one) =>
				anyHasCode(one.category, ['problem-list-item']) ||
				(anyHasCode(one.category, [diagnosisCategory]) ? !ofVisits.has(one) : !anyHasCode(one.category, [concernCategory])),
		);
	return conditionSection(draft, 'problems', all);
}

/** Problems that are over. */
export function pastIllness(draft: Draft): Section {
	const over = draft.record.list<Condition>('Condition').filter((one) => isOver(one) && !anyHasCode(one.category, [concernCategory]));
	return conditionSection(draft, 'past-medical-history', over, (condition, id) => problemObservation(draft, condition, id, 'past'));
}

/** Diagnoses of the visit that the document is about. */
export function diagnoses(draft: Draft, key: 'discharge-diagnosis' | 'admission-diagnosis'): Section {
	const { encounter } = draft;
	const use = key === 'discharge-diagnosis' ? 'DD' : 'AD';
	const named = (encounter?.diagnosis ?? []).filter((one) => one.use === undefined || anyHasCode([one.use], [use]));
	const found = named.map(({ condition }) => draft.record.find<Condition>(condition, encounter)).filter((one) => one !== undefined);
	const ofVisit = draft.record
		.list<Condition>('Condition')
		.filter((one) => encounter !== undefined && one.encounter?.reference === `Encounter/${encounter.id}`);
	const all = key === 'discharge-diagnosis' ? [...new Set([...found, ...ofVisit])] : found;
	const [name, code, display] =
		key === 'discharge-diagnosis'
			? (['hospital discharge diagnosis', '11535-2', 'Hospital discharge diagnosis'] as const)
			: (['hospital admission diagnosis', '46241-6', 'Hospital admission diagnosis'] as const);
	const act = (condition: Condition, id: string): Element =>
		element(
			'act',
			{ classCode: 'ACT', moodCode: 'EVN' },
			template(name),
			fixed('code', loinc, code, display),
			related('SUBJ', problemObservation(draft, condition, `${id}_name`, key)),
		);
	return conditionSection(draft, key, all, act);
}

export function healthConcerns(draft: Draft): Section {
	const marked = draft.record.list<Condition>('Condition').filter(({ category }) => anyHasCode(category, [concernCategory]));
	return conditionSection(draft, 'health-concerns', marked, (condition, id) =>
		element(
			'act',
			{ classCode: 'ACT', moodCode: 'EVN' },
			keptConcepts(condition, 'concern').some((one) => hasCode(one, [atRiskCode]))
				? [template('risk concern'), fixed('code', snomed, atRiskCode, 'At risk for')]
				: [template('health concern'), fixed('code', loinc, '75310-3', 'Health concerns document')],
			ownId(draft, condition, 'concern'),
			pointer(id),
			status(isOver(condition) ? 'completed' : 'active'),
			interval('effectiveTime', periodOf(condition), { open: true }),
			author(draft, condition.recorder ?? condition.asserter, condition.recordedDate, condition),
			related('REFR', problemObservation(draft, condition, `${id}_name`)),
		),
	);
}

function conditionSection(
	draft: Draft,
	key: SectionKey,
	conditions: readonly Condition[],
	entry: (condition: Condition, id: string) => Element = (condition, id) => concern(draft, condition, id),
): Section {
	const sorted = latestFirst(conditions, (one) => periodOf(one).start ?? one.recordedDate).toSorted(
		(a, b) => Number(isOver(a)) - Number(isOver(b)),
	);
	return tableSection(
		key,
		['Problem', 'Status', 'Certainty', 'Severity', 'Site', 'Since', 'Until', 'Recorded', 'Recorded by', 'Notes'],
		sorted.map((condition) => {
			const id = rowId(key, condition);
			const { start, end } = periodOf(condition);
			return {
				id,
				cells: [
					marked(`${id}_name`, conceptWords(condition.code)),
					codeWords(condition.clinicalStatus?.coding?.[0]?.code),
					codeWords(condition.verificationStatus?.coding?.[0]?.code),
					conceptWords(condition.severity),
					conceptsWords(condition.bodySite),
					dateWords(start),
					dateWords(end) || (condition.abatementString ?? ''),
					dateWords(condition.recordedDate),
					whoWords(draft, condition.recorder ?? condition.asserter, condition),
					notesWords(condition.note),
				],
				entry: entry(condition, id),
			};
		}),
	);
}

function concern(draft: Draft, condition: Condition, id: string): Element {
	const over = isOver(condition);
	const start = condition.recordedDate ?? periodOf(condition).start;
	const end = over ? periodOf(condition).end : undefined;
	return element(
		'act',
		{ classCode: 'ACT', moodCode: 'EVN' },
		template('problem concern'),
		ownId(draft, condition, 'concern'),
		element('code', { code: 'CONC', codeSystem: '2.16.840.1.113883.5.6' }),
		pointer(id),
		status(over ? 'completed' : 'active'),
		interval('effectiveTime', { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) }, { open: !over }),
		author(draft, condition.recorder ?? condition.asserter, condition.recordedDate, condition),
		related('SUBJ', problemObservation(draft, condition, `${id}_name`)),
	);
}
