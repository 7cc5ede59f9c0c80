// Problems and diagnoses: Condition, https://hl7.org/fhir/us/core/StructureDefinition-us-core-condition-problems-health-concerns.html
import { child, childrenOf, type Element } from '#formats/ccda/tree.ts';
import { conceptOf, quantityOf, referredText } from '#formats/ccda/values.ts';
import { atRiskCode } from '#formats/ccda/vocabulary.ts';
import {
	actorsOf,
	authoredOn,
	codeIn,
	concept,
	conceptAt,
	effectivePeriod,
	extra,
	identified,
	innerOf,
	isNegated,
	type Maker,
	notesOf,
	personOf,
	present,
	type Reading,
	statusOf,
	subject,
	type Where,
} from './reading.ts';

const clinical = 'http://terminology.hl7.org/CodeSystem/condition-clinical';
const verification = 'http://terminology.hl7.org/CodeSystem/condition-ver-status';

const statusOfProblem: Readonly<Record<string, string>> = {
	'55561003': 'active',
	'73425007': 'inactive',
	'413322009': 'resolved',
	'277022003': 'remission',
	'246455001': 'recurrence',
};

/** Acts that only hold the problems they are about: concern (22.4.3), health concern (22.4.132), diagnoses of a visit (22.4.33 and the like). */
export const concern: Maker = (reading, act, where) => {
	const inner = innerOf(reading, act);
	const note = notesOf(reading, inner);
	const concernKind = codeIn(child(act, 'code')) === atRiskCode ? conceptAt(reading, act) : undefined;
	const conditionCategory = categoryOf(act, where);
	const held = inner.readOthers(undefined, { ...where, concernKind, concern: statusOf(act) ?? '', conditionCategory });
	const text = referredText(child(act, 'text'), reading.document);
	return held.length > 0 || text === undefined ? held : [inWords(reading, act, { ...where, conditionCategory }, { text, note })];
};

/** A concern that is told in words only. */
function inWords(reading: Reading, act: Element, where: Where, { text, note }: { text: string; note: object[] }): string {
	const period = effectivePeriod(reading, act);
	const isOver = period?.end !== undefined || statusOf(act) === 'completed';
	return reading.add(
		where,
		present({
			resourceType: 'Condition',
			...identified(act),
			clinicalStatus: concept(clinical, isOver ? 'inactive' : 'active'),
			verificationStatus: concept(verification, 'confirmed'),
			category: [conditionCategory(where.conditionCategory ?? 'health-concern')],
			code: { text },
			subject,
			onsetDateTime: period?.start,
			abatementDateTime: period?.end,
			recordedDate: authoredOn(reading, act),
			recorder: personOf(actorsOf(act, 'author')),
			note,
		}),
	);
}

/** A wrapper that says in which part of a visit a diagnosis was made. */
export const visitDiagnosis: Maker = (reading, act, where) =>
	innerOf(reading, act).readOthers(undefined, { ...where, conditionCategory: 'encounter-diagnosis' });

function categoryOf(act: Element, where: Where): string {
	if (where.conditionCategory !== undefined) return where.conditionCategory;
	return codeIn(child(act, 'code')) === '75310-3' || where.sectionCode === '75310-3' ? 'health-concern' : 'problem-list-item';
}

/** Sections of diagnoses, by LOINC code. */
export const diagnosisSections: ReadonlySet<string> = new Set([
	'42347-5',
	'11535-2',
	'C-CDAV2-DDN',
	'10219-4',
	'10218-6',
	'59769-0',
	'29308-4',
	'78375-3',
]);

/** Problem observation (22.4.4). */
export const problem: Maker = (reading, observation, where) => {
	const inner = innerOf(reading, observation);
	const code = conceptAt(reading, observation, 'value') ?? conceptAt(reading, observation);
	const period = effectivePeriod(reading, observation);
	const negated = isNegated(observation);
	// What was never there has no state, unless it says until when.
	const told = clinicalStatus(inner.take('22.4.6'), period?.end, where);
	const status = negated && period?.end === undefined ? undefined : told;
	const severity = inner.take('22.4.8').map((one) => conceptAt(reading, one, 'value'))[0];
	const age = inner.take('22.4.31').map((one) => quantityOf(child(one, 'value')))[0];
	const category =
		where.conditionCategory ?? (diagnosisSections.has(where.sectionCode ?? '') ? 'encounter-diagnosis' : 'problem-list-item');
	const onsetAge =
		age === undefined || period?.start !== undefined ? undefined : { ...age, system: 'http://unitsofmeasure.org', code: age.code ?? 'a' };
	const kind = conceptAt(reading, observation);
	const urn = reading.add(
		where,
		present({
			resourceType: 'Condition',
			...identified(observation),
			extension: [...(isSkeleton(observation) ? [] : extra('problem-type', kind)), ...extra('concern', where.concernKind)],
			clinicalStatus: status === undefined ? undefined : concept(clinical, status),
			verificationStatus: concept(verification, negated ? 'refuted' : 'confirmed'),
			category: [conditionCategory(category)],
			severity,
			code: code ?? { text: 'Unknown' },
			bodySite: [conceptAt(reading, observation, 'targetSiteCode')].filter((one) => one !== undefined),
			subject,
			encounter: where.encounter === undefined ? undefined : { reference: where.encounter },
			onsetDateTime: period?.start,
			onsetAge,
			abatementDateTime: period?.end,
			recordedDate: authoredOn(reading, observation),
			recorder: personOf(actorsOf(observation, 'author')),
			note: notesOf(reading, inner),
		}),
	);
	inner.readOthers(urn, where);
	return [urn];
};

/** Codes that say no more than that there is a problem. */
function isSkeleton(observation: Element): boolean {
	const code = child(observation, 'code');
	return [code, ...childrenOf(code, 'translation')].every((one) =>
		['ASSERTION', '55607006', '75326-9'].includes(codeIn(one) ?? 'ASSERTION'),
	);
}

export function conditionCategory(code: string): object {
	const system =
		code === 'health-concern'
			? 'http://hl7.org/fhir/us/core/CodeSystem/condition-category'
			: 'http://terminology.hl7.org/CodeSystem/condition-category';
	return concept(system, code);
}

function clinicalStatus(observations: readonly Element[], end: string | undefined, where: Where): string {
	const told = statusOfProblem[codeIn(child(observations[0], 'value')) ?? ''];
	if (end !== undefined && (told === undefined || told === 'active' || told === 'recurrence')) return 'resolved';
	return told ?? (where.concern === 'completed' || where.concern === 'suspended' ? 'inactive' : 'active');
}

/** Indication (22.4.19): what something was done for. Inside another statement it is taken by that; alone it is a diagnosis. */
export function reasons(reading: Reading, statements: readonly Element[]) {
	return statements
		.map((one) => conceptOf(child(one, 'value'), reading.document) ?? conceptAt(reading, one))
		.filter((one) => one !== undefined);
}
