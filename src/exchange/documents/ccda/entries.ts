// Entries that stand in several sections.
import type { Concept, Condition, Entity, Period } from '#exchange/documents/shapes.ts';
import { conceptWords, hasCode, periodOf } from '#exchange/documents/words.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { template } from '#formats/ccda/write/templates.ts';
import { code, fixed, interval, time } from '#formats/ccda/write/values.ts';
import { element } from '#formats/ccda/write/xml.ts';
import { type Draft, ownId, pointer } from './draft.ts';
import { kept, keptConcepts } from './kept.ts';
import { author } from './parties.ts';

export const loinc = 'http://loinc.org';
export const snomed = 'http://snomed.info/sct';
export const actCode = 'http://terminology.hl7.org/CodeSystem/v3-ActCode';

export const assertion = (): Element => element('code', { code: 'ASSERTION', codeSystem: '2.16.840.1.113883.5.4' });
export const status = (value: string): Element => element('statusCode', { code: value });

/** A link from an entry to one that says more of it. */
export function related(typeCode: string, statement: Element | undefined, isInverse = false): Element | undefined {
	if (statement === undefined) return undefined;
	return element('entryRelationship', { typeCode, inversionInd: isInverse ? 'true' : undefined }, statement);
}

/** Points to an entry elsewhere in the document by its id (Entry Reference). */
export function entryReference(draft: Draft, entity: Entity): Element {
	return element(
		'act',
		{ classCode: 'ACT', moodCode: 'EVN' },
		template('entry reference'),
		ownId(draft, entity),
		element('code', { nullFlavor: 'NP' }),
		status('completed'),
	);
}

/** When something was: a moment as a value, else both ends. */
export function when({ start, end }: Period, open = false): Element {
	if (start !== undefined && start === end) return time('effectiveTime', start);
	return interval('effectiveTime', { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) }, { open });
}

const problemStates: Readonly<Record<string, readonly [string, string]>> = {
	active: ['55561003', 'Active'],
	recurrence: ['246455001', 'Recurrence'],
	relapse: ['263855007', 'Relapse'],
	inactive: ['73425007', 'Inactive'],
	remission: ['277022003', 'Remission'],
	resolved: ['413322009', 'Resolved'],
};

/** A Problem Observation, of what a Condition says. `reference` is the ID of its words in the narrative. */
export function problemObservation(draft: Draft, condition: Condition, reference: string | undefined, part?: string): Element {
	const state = problemStates[condition.clinicalStatus?.coding?.[0]?.code ?? ''];
	const refuted = hasCode(condition.verificationStatus, ['refuted']);
	return element(
		'observation',
		{ classCode: 'OBS', moodCode: 'EVN', negationInd: refuted ? 'true' : undefined },
		template('problem observation'),
		ownId(draft, condition, part),
		problemType(condition),
		reference === undefined ? undefined : pointer(reference),
		status('completed'),
		interval('effectiveTime', periodOf(condition), { open: !isOver(condition) }),
		code('value', condition.code, { type: 'CD', systems: [snomed], only: true, ...(reference === undefined ? {} : { reference }) }),
		(condition.bodySite ?? []).slice(0, 1).map((site) => code('targetSiteCode', site, { systems: [snomed] })),
		author(draft, condition.recorder ?? condition.asserter, condition.recordedDate, condition),
		kept(condition, 'detail'),
		state === undefined ? undefined : related('REFR', problemStatus(state)),
		condition.severity === undefined ? undefined : related('SUBJ', severity(condition.severity), true),
	);
}

/** What kind of problem, when a document told; else just that it is one. LOINC's code has to be there too. */
function problemType(condition: Condition): Element {
	const problem = { system: loinc, code: '75326-9', display: 'Problem' };
	const told = keptConcepts(condition, 'problem-type')[0]?.coding?.filter((one) => one.code !== problem.code) ?? [];
	const first = told.length > 0 ? told : [{ system: snomed, code: '55607006', display: 'Problem' }];
	return code('code', { coding: [...first, problem] });
}

/** Severity Observation. */
export function severity(concept: Concept): Element {
	return element(
		'observation',
		{ classCode: 'OBS', moodCode: 'EVN' },
		template('severity'),
		fixed('code', actCode, 'SEV', 'Severity'),
		status('completed'),
		code('value', concept, { type: 'CD', systems: [snomed], only: true }),
	);
}

function problemStatus([value, display]: readonly [string, string]): Element {
	return element(
		'observation',
		{ classCode: 'OBS', moodCode: 'EVN' },
		template('problem status'),
		fixed('code', loinc, '33999-4', 'Status'),
		status('completed'),
		fixed('value', snomed, value, display, 'CD'),
	);
}

/** Whether a condition no longer is. */
export function isOver({ clinicalStatus }: { readonly clinicalStatus?: Concept }): boolean {
	return hasCode(clinicalStatus, ['resolved', 'inactive', 'remission']);
}

/** Why something was done (Indication): a condition of the record or words alone. */
export function indications(
	draft: Draft,
	from: Entity & {
		readonly reasonCode?: readonly Concept[];
		readonly reasonReference?: readonly { readonly reference?: string; readonly display?: string }[];
	},
): Element[] {
	const conditions = (from.reasonReference ?? []).map((reference) => ({
		reference,
		condition: draft.record.find<Condition>(reference, from),
	}));
	const reasons: { readonly concept: Concept | undefined; readonly period: Period; readonly id: Element }[] = [
		...conditions.flatMap(({ reference, condition }, i) => {
			const concept = condition?.code ?? (reference.display === undefined ? undefined : { text: reference.display });
			if (concept === undefined) return [];
			return [
				{
					concept,
					period: condition === undefined ? {} : periodOf(condition),
					id: condition === undefined ? ownId(draft, from, `reason-${i + 1}`) : ownId(draft, condition, 'indication'),
				},
			];
		}),
		...(from.reasonCode ?? []).map((concept, i) => ({ concept, period: {}, id: ownId(draft, from, `reason-code-${i + 1}`) })),
	];
	return reasons.map(({ concept, period, id }) =>
		element(
			'observation',
			{ classCode: 'OBS', moodCode: 'EVN' },
			template('indication'),
			id,
			element('code', fixed('code', snomed, '55607006', 'Problem').attributes, fixed('translation', loinc, '75326-9', 'Problem')),
			status('completed'),
			interval('effectiveTime', period, { open: true }),
			code('value', concept, { type: 'CD', systems: [snomed], only: true }),
		),
	);
}

/** Words of the reasons, for the narrative. */
export function reasonWords(
	draft: Draft,
	from: Entity & {
		readonly reasonCode?: readonly Concept[];
		readonly reasonReference?: readonly { readonly reference?: string; readonly display?: string }[];
	},
): string {
	const referred = (from.reasonReference ?? []).map(
		(reference) => conceptWords(draft.record.find<Condition>(reference, from)?.code) || (reference.display ?? ''),
	);
	return [...new Set([...(from.reasonCode ?? []).map(conceptWords), ...referred])].filter((words) => words !== '').join(', ');
}
