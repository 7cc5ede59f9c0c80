// Observations: which section each belongs to, and their values.
import type { Concept, Observation, ObservationPart } from '#exchange/documents/shapes.ts';
import { anyHasCode, conceptWords, hasCode, valueWords } from '#exchange/documents/words.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { bounds, code, quantity, stamp } from '#formats/ccda/write/values.ts';
import { element } from '#formats/ccda/write/xml.ts';
import { snomed } from './entries.ts';
import { detail } from './kept.ts';

export type Kind = 'vital-signs' | 'results' | 'social-history' | 'functional-status' | 'mental-status' | 'advance-directives';

/** Codes by which an observation belongs to a section whatever its category. */
const byCode: Readonly<Record<string, Kind>> = {
	'45473-6': 'advance-directives',
	'42348-3': 'advance-directives',
	'75320-2': 'advance-directives',
	'72166-2': 'social-history',
	'11367-0': 'social-history',
	'82810-3': 'social-history',
	'86645-9': 'social-history',
	'76690-7': 'social-history',
	'76691-5': 'social-history',
	'76689-9': 'social-history',
	'11341-5': 'social-history',
	'86188-0': 'social-history',
};

/** LOINC codes of screenings of mood, thought and memory. */
const mental = new Set([
	'44249-1',
	'44261-6',
	'55757-9',
	'55758-7',
	'69737-5',
	'70274-6',
	'72172-0',
	'72106-8',
	'71354-5',
	'99046-5',
	'48544-1',
	'58120-7',
	'45906-5',
]);

const byCategory: readonly (readonly [string, Kind])[] = [
	['vital-signs', 'vital-signs'],
	['laboratory', 'results'],
	['LAB', 'results'],
	['cognitive-status', 'mental-status'],
	['functional-status', 'functional-status'],
	['disability-status', 'functional-status'],
	['sdoh', 'social-history'],
	['social-history', 'social-history'],
	['treatment-intervention-preference', 'social-history'],
	['care-experience-preference', 'social-history'],
];

/** The section of an observation; what nothing else claims is a result. */
export function kindOf(observation: Observation): Kind {
	const codes = observation.code?.coding?.map((coding) => coding.code ?? '') ?? [];
	for (const one of codes) {
		const kind = byCode[one];
		if (kind !== undefined) return kind;
	}
	for (const [category, kind] of byCategory) if (anyHasCode(observation.category, [category])) return measuredKind(observation, kind);
	if (anyHasCode(observation.category, ['survey'])) return codes.some((one) => mental.has(one)) ? 'mental-status' : 'functional-status';
	return 'results';
}

/** A vital sign is a quantity: what was found otherwise stands with the results. */
function measuredKind({ valueCodeableConcept, valueString, valueInteger }: Observation, kind: Kind): Kind {
	const isOther = valueCodeableConcept !== undefined || valueString !== undefined || valueInteger !== undefined;
	return kind === 'vital-signs' && isOther ? 'results' : kind;
}

/** Whether an observation was made: not only asked for, nor called off. */
export function isMade({ status }: Observation): boolean {
	return status !== 'registered' && status !== 'cancelled';
}

/** The value of an observation or component with its type; undefined when it has none. `reference` is the ID of its words. */
export function codedValue(part: ObservationPart, reference?: string): Element | undefined {
	if (part.valueQuantity !== undefined) return quantity('value', part.valueQuantity, 'PQ');
	if (part.valueCodeableConcept !== undefined)
		return code('value', part.valueCodeableConcept, { type: 'CD', systems: [snomed], ...(reference === undefined ? {} : { reference }) });
	if (part.valueInteger !== undefined) return element('value', { 'xsi:type': 'INT', value: String(part.valueInteger) });
	const moment = stamp(part.valueDateTime);
	if (moment !== undefined) return element('value', { 'xsi:type': 'TS', value: moment });
	if (part.valueRange !== undefined) return bounds('value', part.valueRange.low, part.valueRange.high);
	if (part.valueRatio?.numerator !== undefined && part.valueRatio.denominator !== undefined)
		return element(
			'value',
			{ 'xsi:type': 'RTO_PQ_PQ' },
			quantity('numerator', part.valueRatio.numerator),
			quantity('denominator', part.valueRatio.denominator),
		);
	if (part.dataAbsentReason !== undefined)
		return element('value', { 'xsi:type': 'ST', nullFlavor: hasCode(part.dataAbsentReason, ['not-applicable']) ? 'NA' : 'UNK' });
	const words = valueWords(part);
	return words === '' ? undefined : element('value', { 'xsi:type': 'ST' }, words);
}

/** Codes of v3 that CDA knows (ObservationInterpretation). */
const interpretations = new Set('A AA HH LL H L N I MS R S VS B D U W > < CAR EX HX IND LX HM LU NEG POS NR RR WR DET ND'.split(' '));
const interpretationSystem = 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation';

/** Interpretations: a code of v3 as such, any other as a detail, for the element takes no other. */
export function interpretationsOf({ interpretation = [] }: ObservationPart): Element[] {
	const others = interpretation.filter((concept) => interpretationCode(concept) === undefined && (concept.coding ?? []).length > 0);
	return [...interpretationCodes(interpretation), ...others.map(detail)];
}

function interpretationCodes(concepts: readonly Concept[] | undefined): Element[] {
	return (concepts ?? []).map(interpretationCode).filter((one) => one !== undefined);
}

function interpretationCode({ coding = [] }: Concept): Element | undefined {
	const isKnown = coding.some(({ system, code: value }) => system === interpretationSystem && interpretations.has(value ?? ''));
	return isKnown ? code('interpretationCode', { coding }, { systems: [interpretationSystem], only: true }) : undefined;
}

export function interpretationWords(part: ObservationPart): string {
	return (part.interpretation ?? [])
		.map(conceptWords)
		.filter((words) => words !== '')
		.join(', ');
}

/** Reference ranges: as intervals where they have bounds, else as words. */
export function referenceRanges(part: ObservationPart): Element[] {
	return (part.referenceRange ?? []).flatMap(({ low, high, text, appliesTo }) => {
		const value =
			bounds('value', low, high) ?? (text === undefined || text === '' ? undefined : element('value', { 'xsi:type': 'ST' }, text));
		if (value === undefined) return [];
		return [
			element(
				'referenceRange',
				{},
				element(
					'observationRange',
					{},
					text === undefined ? undefined : element('text', {}, text),
					value,
					interpretationCodes(appliesTo).slice(0, 1),
				),
			),
		];
	});
}
