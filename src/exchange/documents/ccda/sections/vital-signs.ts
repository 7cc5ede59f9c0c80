// Vital signs: one organizer for all that was measured at one time.
import { type Draft, isWithin, latestFirst, ownId, pointer, rowId, type Section, tableSection } from '#exchange/documents/ccda/draft.ts';
import { loinc, related, snomed, status } from '#exchange/documents/ccda/entries.ts';
import { kept } from '#exchange/documents/ccda/kept.ts';
import {
	codedValue,
	interpretationsOf,
	interpretationWords,
	isMade,
	kindOf,
	referenceRanges,
} from '#exchange/documents/ccda/observations.ts';
import { author, whoWords } from '#exchange/documents/ccda/parties.ts';
import type { Observation, ObservationPart } from '#exchange/documents/shapes.ts';
import { conceptWords, hasCode, notesWords, periodOf, valueWords, whenWords } from '#exchange/documents/words.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { template } from '#formats/ccda/write/templates.ts';
import { code, fixed, interval, quantity, time } from '#formats/ccda/write/values.ts';
import { element } from '#formats/ccda/write/xml.ts';

type Sign = { readonly observation: Observation; readonly part: ObservationPart; readonly suffix: string };

export function vitalSigns(draft: Draft): Section {
	const all = draft.record
		.list<Observation>('Observation')
		.filter((one) => kindOf(one) === 'vital-signs' && isMade(one) && isWithin(draft, one));
	const groups = Map.groupBy(latestFirst(all.flatMap(signsOf), timeOf), (sign) =>
		[timeOf(sign) ?? '', isAverage(sign) ? sign.observation.id : ''].join(' '),
	);
	const lines = [...groups.values()].flatMap((signs) => {
		return signs.map((sign, i) => ({
			id: idOf(sign),
			cells: [
				conceptWords(sign.part.code),
				valueWords(sign.part),
				interpretationWords(sign.part),
				whenWords(sign.observation),
				whoWords(draft, sign.observation.performer?.[0], sign.observation),
				[circumstanceWords(sign.observation), notesWords(sign.observation.note)].filter((words) => words !== '').join('; '),
			],
			...(i === 0 ? { entry: organizer(draft, signs) } : {}),
		}));
	});
	return tableSection('vital-signs', ['Vital sign', 'Value', 'Interpretation', 'Date', 'Measured by', 'Notes'], lines);
}

function timeOf({ observation }: Sign): string | undefined {
	return periodOf(observation).start;
}

function idOf({ observation, suffix }: Sign): string {
	return `${rowId('vital-signs', observation)}${suffix}`;
}

/** LOINC: Blood pressure panel mean systolic and mean diastolic. */
function isAverage({ observation }: Sign): boolean {
	return hasCode(observation.code, ['96607-7'], loinc);
}

/** What was measured, or was to be: the observation itself or, as with blood pressure, its components. */
function signsOf(observation: Observation): Sign[] {
	const circumstances = new Set(circumstancesOf(observation).map(({ part }) => part));
	const components = (observation.component ?? [])
		.map((part, i) => ({ observation, part, suffix: `_${i + 1}` }))
		.filter(({ part }) => !circumstances.has(part));
	return valueWords(observation) === '' && components.length > 0
		? components
		: [{ observation, part: observation, suffix: '' }, ...components];
}

function organizer(draft: Draft, signs: readonly Sign[]): Element {
	const { observation } = signs[0] as Sign;
	const { start, end } = periodOf(observation);
	if (isAverage(signs[0] as Sign))
		return element(
			'organizer',
			{ classCode: 'BATTERY', moodCode: 'EVN' },
			template('average blood pressure'),
			ownId(draft, observation, 'organizer'),
			code('code', observation.code, { systems: [loinc] }),
			status('completed'),
			start === end ? time('effectiveTime', start) : interval('effectiveTime', periodOf(observation), { open: true }),
			author(draft, observation.performer?.[0], observation.issued, observation),
			signs.map((sign) => element('component', {}, vitalSign(draft, sign))),
		);
	return element(
		'organizer',
		{ classCode: 'CLUSTER', moodCode: 'EVN' },
		template('vital signs'),
		ownId(draft, observation, 'organizer'),
		element(
			'code',
			fixed('code', snomed, '46680005', 'Vital signs').attributes,
			fixed('translation', loinc, '74728-7', 'Vital signs, weight, height, head circumference, oxygen saturation & BMI panel'),
		),
		status('completed'),
		interval('effectiveTime', start === undefined ? {} : { start, end: start }),
		author(draft, observation.performer?.[0], observation.issued, observation),
		signs.map((sign) => element('component', {}, vitalSign(draft, sign))),
	);
}

function vitalSign(draft: Draft, sign: Sign): Element {
	const { observation, part, suffix } = sign;
	return element(
		'observation',
		{ classCode: 'OBS', moodCode: 'EVN' },
		template('vital sign'),
		ownId(draft, observation, suffix === '' ? undefined : suffix.slice(1)),
		code('code', part.code, { systems: [loinc] }),
		pointer(idOf(sign)),
		status('completed'),
		time('effectiveTime', periodOf(observation).start),
		measured(part),
		interpretationsOf(part),
		observation.method === undefined ? undefined : code('methodCode', observation.method),
		observation.bodySite === undefined ? undefined : code('targetSiteCode', observation.bodySite),
		author(draft, observation.performer?.[0], observation.issued, observation),
		signsOf(observation)[0]?.suffix === suffix ? [kept(observation, 'detail'), circumstances(draft, observation)] : undefined,
		referenceRanges(part),
	);
}

/** Components that tell how something was measured, not what: the position of the body, the cuff. */
function circumstancesOf(observation: Observation): { readonly part: ObservationPart; readonly number: number }[] {
	const isOwn = observation.valueQuantity !== undefined || observation.dataAbsentReason !== undefined;
	return (observation.component ?? []).flatMap((part, i) => {
		const isCoded = part.valueQuantity === undefined && part.dataAbsentReason === undefined && valueWords(part) !== '';
		const isUntold = isOwn && part.valueQuantity === undefined && part.dataAbsentReason !== undefined;
		return isCoded || isUntold ? [{ part, number: i + 1 }] : [];
	});
}

function circumstanceWords(observation: Observation): string {
	return circumstancesOf(observation)
		.filter(({ part }) => part.dataAbsentReason === undefined)
		.map(({ part }) => `${conceptWords(part.code)}: ${valueWords(part)}`)
		.join('; ');
}

function circumstances(draft: Draft, observation: Observation): (Element | undefined)[] {
	return circumstancesOf(observation).map(({ part, number }) =>
		related(
			'COMP',
			element(
				'observation',
				{ classCode: 'OBS', moodCode: 'EVN' },
				ownId(draft, observation, String(number)),
				code('code', part.code, { systems: [loinc] }),
				status('completed'),
				codedValue(part),
			),
		),
	);
}

/** Units of what was to be measured and was not, by LOINC code: a vital sign has one in any case. */
const units: Readonly<Record<string, string>> = {
	'8310-5': 'Cel',
	'85354-9': 'mm[Hg]',
	'8480-6': 'mm[Hg]',
	'8462-4': 'mm[Hg]',
	'8867-4': '/min',
	'9279-1': '/min',
	'29463-7': 'kg',
	'8302-2': 'cm',
	'9843-4': 'cm',
	'39156-5': 'kg/m2',
	'59408-5': '%',
	'2708-6': '%',
};

function measured({ code: what, valueQuantity }: ObservationPart): Element {
	const { name, attributes, children } = quantity('value', valueQuantity, 'PQ');
	if (attributes.unit !== undefined || attributes['xsi:type'] !== 'PQ') return element(name, attributes, children);
	const usual = what?.coding?.map((coding) => units[coding.code ?? '']).find((unit) => unit !== undefined);
	return element(name, { ...attributes, unit: valueQuantity === undefined ? (usual ?? '1') : '1' }, children);
}
