// Results: laboratory and other diagnostic reports with their observations, and observations that stand alone.
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
import { detail, kept, negationOf } from '#exchange/documents/ccda/kept.ts';
import { codedValue, interpretationsOf, interpretationWords, kindOf, referenceRanges } from '#exchange/documents/ccda/observations.ts';
import { author, partyIds, whoWords } from '#exchange/documents/ccda/parties.ts';
import type { Observation, ObservationPart, Report, Specimen } from '#exchange/documents/shapes.ts';
import { conceptsWords, conceptWords, notesWords, periodOf, rangeWords, valueWords, whenWords } from '#exchange/documents/words.ts';
import type { Element } from '#formats/ccda/tree.ts';
import { template } from '#formats/ccda/write/templates.ts';
import { code, fixed, interval, nothing, time } from '#formats/ccda/write/values.ts';
import { element } from '#formats/ccda/write/xml.ts';

/** A report with its observations, or an observation alone. */
type Group = { readonly report: Report | undefined; readonly observations: readonly Observation[] };

export function results(draft: Draft): Section {
	const groups = latestFirst(groupsOf(draft), ({ report, observations }) => periodOf(report ?? (observations[0] as Observation)).start);
	const lines = groups.flatMap((group) => {
		const rows = group.observations.flatMap((observation) => rowsOf(draft, group.report, observation));
		return rows.map((row, i) => (i === 0 ? { ...row, entry: organizer(draft, group) } : row));
	});
	return tableSection(
		'results',
		['Test', 'Result', 'Reference range', 'Interpretation', 'Date', 'Report', 'Specimen', 'Status', 'Performed by', 'Notes'],
		lines,
	);
}

function groupsOf(draft: Draft): Group[] {
	const { record } = draft;
	const observations = record
		.list<Observation>('Observation')
		.filter((one) => one.status !== 'registered' && isWithin(draft, one) && kindOf(one) === 'results');
	const left = new Set(observations);
	const take = (parent: Report | Observation, references: readonly { readonly reference?: string }[]): Observation[] =>
		references.flatMap((reference) => {
			const found = record.find<Observation>(reference, parent);
			if (found === undefined || !left.delete(found)) return [];
			return [found, ...take(found, found.hasMember ?? [])];
		});
	const reported = record
		.list<Report>('DiagnosticReport')
		.filter((one) => isWithin(draft, one) && one.status !== 'registered')
		.map((report) => ({ report, observations: take(report, report.result ?? []) }))
		.filter((group) => group.observations.length > 0);
	const panels = observations
		.filter(({ hasMember }) => (hasMember ?? []).length > 0)
		.flatMap((panel): Group[] =>
			left.delete(panel) ? [{ report: undefined, observations: [panel, ...take(panel, panel.hasMember ?? [])] }] : [],
		);
	return [...reported, ...panels, ...[...left].map((one) => ({ report: undefined, observations: [one] }))];
}

/** What an observation says: itself, when it has a value, and its components. */
function partsOf(observation: Observation): { readonly part: ObservationPart; readonly suffix: string }[] {
	const components = (observation.component ?? []).map((part, i) => ({ part, suffix: `_${i + 1}` }));
	return valueWords(observation) === '' && components.length > 0 ? components : [{ part: observation, suffix: '' }, ...components];
}

function rowsOf(draft: Draft, report: Report | undefined, observation: Observation): { id: string; cells: (string | Element)[] }[] {
	const specimen = draft.record.find<Specimen>(observation.specimen ?? report?.specimen?.[0], observation);
	return partsOf(observation).map(({ part, suffix }) => {
		const id = `${rowId('results', observation)}${suffix}`;
		const [range] = part.referenceRange ?? [];
		return {
			id,
			cells: [
				marked(`${id}_name`, conceptWords(part.code)),
				marked(`${id}_value`, valueWords(part)),
				range === undefined ? '' : (range.text ?? rangeWords(range.low, range.high)),
				interpretationWords(part),
				whenWords(observation),
				[conceptWords(report?.code), report?.conclusion ?? ''].filter((words) => words !== '').join(': '),
				specimenWords(specimen) || (observation.specimen?.display ?? ''),
				observation.status === 'final' ? '' : (observation.status ?? ''),
				whoWords(draft, observation.performer?.[0] ?? report?.performer?.[0], observation),
				notesWords(observation.note),
			],
		};
	});
}

const organizerStates: Readonly<Record<string, string>> = {
	final: 'completed',
	amended: 'completed',
	corrected: 'completed',
	appended: 'completed',
	cancelled: 'aborted',
};

function organizer(draft: Draft, { report, observations }: Group): Element {
	const lead = report ?? (observations[0] as Observation);
	const specimen = draft.record.find<Specimen>(observations[0]?.specimen ?? report?.specimen?.[0], lead);
	return element(
		'organizer',
		{ classCode: 'BATTERY', moodCode: 'EVN' },
		template('result organizer'),
		ownId(draft, lead, report === undefined ? 'organizer' : undefined),
		code('code', lead.code, { systems: [loinc] }),
		status(organizerStates[lead.status ?? ''] ?? 'active'),
		interval('effectiveTime', spanOf(observations)),
		author(draft, report?.performer?.[0], report?.issued, lead),
		specimen?.type === undefined
			? undefined
			: element(
					'specimen',
					{},
					element('specimenRole', {}, partyIds(draft, specimen), element('specimenPlayingEntity', {}, code('code', specimen.type))),
				),
		report === undefined ? undefined : kept(report, 'specimen'),
		specimen === undefined ? undefined : specimenParts(draft, specimen),
		observations.flatMap((observation) =>
			partsOf(observation).map(({ part, suffix }) => element('component', {}, resultObservation(draft, observation, part, suffix))),
		),
	);
}

/** What it is, where it is from, its number and its state. */
function specimenWords(specimen: Specimen | undefined): string {
	const { type, collection, condition, identifier, accessionIdentifier } = specimen ?? {};
	return [
		conceptWords(type),
		conceptWords(collection?.bodySite),
		identifier?.[0]?.value ?? accessionIdentifier?.value ?? '',
		conceptsWords(condition),
	]
		.filter((words) => words !== '')
		.join(', ');
}

/** How it was taken and in what state it came, as far as that is known. */
function specimenParts(draft: Draft, specimen: Specimen): Element[] {
	const site = specimen.collection?.bodySite;
	const conditions = specimen.condition ?? [];
	if (site === undefined && conditions.length === 0) return [];
	const collected = element(
		'procedure',
		{ classCode: 'PROC', moodCode: 'EVN' },
		ownId(draft, specimen, 'collection'),
		fixed('code', snomed, '17636008', 'Specimen collection'),
		status('completed'),
		site === undefined ? undefined : code('targetSiteCode', site, { systems: [snomed] }),
		conditions.map(detail),
	);
	return [element('component', {}, collected)];
}

/** From the first to the last of them. */
function spanOf(observations: readonly Observation[]): { start?: string; end?: string } {
	const times = observations
		.flatMap((one) => Object.values(periodOf(one)))
		.filter((text) => text !== undefined)
		.sort();
	const [start] = times;
	const end = times.at(-1);
	return { ...(start === undefined ? {} : { start }), ...(end === undefined ? {} : { end }) };
}

function resultObservation(draft: Draft, observation: Observation, part: ObservationPart, suffix: string): Element {
	const id = `${rowId('results', observation)}${suffix}`;
	const { start, end } = periodOf(observation);
	const value = codedValue(part, `${id}_value`);
	return element(
		'observation',
		{ classCode: 'OBS', moodCode: 'EVN', negationInd: negationOf(observation) },
		template('result observation'),
		ownId(draft, observation, suffix === '' ? undefined : suffix.slice(1)),
		code('code', part.code, { systems: [loinc], only: true, reference: `${id}_name` }),
		pointer(id),
		status(organizerStates[observation.status ?? ''] ?? 'active'),
		start === undefined
			? nothing('effectiveTime')
			: start === end
				? time('effectiveTime', start)
				: interval('effectiveTime', { start, ...(end === undefined ? {} : { end }) }),
		value ?? element('value', { 'xsi:type': 'ST', nullFlavor: 'NI' }),
		interpretationsOf(part),
		observation.method === undefined ? undefined : code('methodCode', observation.method),
		observation.bodySite === undefined ? undefined : code('targetSiteCode', observation.bodySite),
		author(draft, observation.performer?.[0], observation.issued, observation),
		kept(observation, 'priority', 'detail'),
		referenceRanges(part),
	);
}
