// Findings and measurements: Observation and, for a panel of the laboratory, DiagnosticReport.
import type { Resource } from '#fhir/resource.ts';
import { relatedOf } from '#formats/ccda/document.ts';
import { child, childrenOf, type Element } from '#formats/ccda/tree.ts';
import { boundsOf, conceptOf, observedValue, referredText } from '#formats/ccda/values.ts';
import { keptUrl } from '#formats/ccda/vocabulary.ts';
import {
	actorsOf,
	codeIn,
	concept,
	conceptAt,
	effectivePeriod,
	extra,
	identified,
	innerOf,
	is,
	isNegated,
	type Maker,
	notesOf,
	present,
	type Reading,
	statusOf,
	subject,
	timed,
	type Where,
} from './reading.ts';

const categories = 'http://terminology.hl7.org/CodeSystem/observation-category';

const statuses: Readonly<Record<string, string>> = {
	completed: 'final',
	active: 'preliminary',
	aborted: 'cancelled',
	cancelled: 'cancelled',
	held: 'registered',
	new: 'registered',
};

const categoryOfSection: Readonly<Record<string, string>> = {
	'30954-2': 'laboratory',
	'8716-3': 'vital-signs',
	'29762-2': 'social-history',
	'29545-1': 'exam',
};

/** Sections whose observations have a category of US Core. */
const statusSections: Readonly<Record<string, string>> = { '47420-5': 'functional-status', '10190-7': 'cognitive-status' };

/** Category by template, then by section. */
function categoryOf(observation: Element, where: Where): object[] {
	const code =
		((is(observation, '22.4.27') || where.sectionCode === '8716-3') && 'vital-signs') ||
		(is(observation, '22.4.2') && 'laboratory') ||
		(is(observation, '22.4.38', '22.4.78', '22.4.85', '15.3.8', '22.4.200', '22.4.201', '22.4.501') && 'social-history') ||
		(is(observation, '22.4.69') && 'survey') ||
		categoryOfSection[where.sectionCode ?? ''];
	if (code !== undefined) return [concept(categories, code)];
	const status = statusSections[where.sectionCode ?? ''];
	return status === undefined ? [] : [concept('http://hl7.org/fhir/us/core/CodeSystem/us-core-category', status)];
}

/** Any observation. */
export const observation: Maker = (reading, statement, where) => {
	const inner = innerOf(reading, statement);
	const urn = reading.add(where, observationOf(reading, statement, where, notesOf(reading, inner)));
	inner.readOthers(urn, where);
	return [urn];
};

function observationOf(reading: Reading, statement: Element, where: Where, note: readonly object[]): Resource {
	const values = childrenOf(statement, 'value');
	const value = observedValue(values[0], reading.document, reading.zone);
	const more = values.slice(1).flatMap((one) => extra('detail', conceptOf(one, reading.document)));
	const code = codeOf(reading, statement);
	return present({
		resourceType: 'Observation',
		...identified(statement),
		extension: [...more, ...extra('priority', conceptAt(reading, statement, 'priorityCode'))],
		modifierExtension: isNegated(statement) ? [{ url: keptUrl('negated'), valueBoolean: true }] : [],
		status: statuses[statusOf(statement) ?? ''] ?? 'unknown',
		category: categoryOf(statement, where),
		code,
		subject,
		focus: where.parent === undefined ? [] : [{ reference: where.parent }],
		encounter: where.encounter === undefined ? undefined : { reference: where.encounter },
		...timed(reading, statement, 'effective'),
		performer: [...actorsOf(statement, 'performer'), ...actorsOf(statement, 'author')].slice(0, 1),
		...value,
		dataAbsentReason: value === undefined ? concept('http://terminology.hl7.org/CodeSystem/data-absent-reason', 'unknown') : undefined,
		interpretation: childrenOf(statement, 'interpretationCode')
			.map((one) => conceptOf(one, reading.document))
			.filter((one) => one !== undefined),
		note,
		bodySite: conceptAt(reading, statement, 'targetSiteCode'),
		method: conceptAt(reading, statement, 'methodCode'),
		referenceRange: childrenOf(statement, 'referenceRange').flatMap((one) => rangeOf(reading, one)),
	}) as Resource;
}

/** Codes that only say what kind of observation it is, beside one that says what was observed. */
const skeletons = new Set(['54522-8', '373930000', '75275-8']);

/** Smoking status of releases before 2.0 is an assertion; its code is that of the question it answers. */
function codeOf(reading: Reading, statement: Element): object {
	const code = codeIn(child(statement, 'code'));
	if (is(statement, '22.4.78') && (code === undefined || code === 'ASSERTION'))
		return concept('http://loinc.org', '72166-2', 'Tobacco smoking status');
	if (is(statement, '15.3.8') && (code === undefined || code === 'ASSERTION'))
		return concept('http://loinc.org', '82810-3', 'Pregnancy status');
	const told = conceptAt(reading, statement);
	const coding = told?.coding?.filter((one) => !skeletons.has(one.code ?? '')) ?? [];
	if (told !== undefined && coding.length > 0 && coding.length < (told.coding ?? []).length) return { ...told, coding };
	return told ?? { text: referredText(child(statement, 'text'), reading.document) ?? 'Finding' };
}

function rangeOf(reading: Reading, element: Element): object[] {
	const range = child(element, 'observationRange');
	const value = child(range, 'value');
	const { low, high } = boundsOf(value);
	const text =
		referredText(child(range, 'text'), reading.document) ??
		(low === undefined && high === undefined ? referredText(value, reading.document) : undefined);
	const appliesTo = conceptAt(reading, range ?? element, 'interpretationCode') ?? conceptAt(reading, range ?? element);
	if (low === undefined && high === undefined && text === undefined) return [];
	return [present({ low, high, appliesTo: appliesTo === undefined ? [] : [appliesTo], text })];
}

/** Result organizer (22.4.1): a report that holds its results. */
export const results: Maker = (reading, organizer, where) => {
	const inner = innerOf(reading, organizer);
	const note = notesOf(reading, inner);
	const specimen = childrenOf(organizer, 'specimen').flatMap((one) =>
		extra('specimen', conceptOf(child(child(child(one, 'specimenRole'), 'specimenPlayingEntity'), 'code'), reading.document)),
	);
	const members = inner.takeWhere((one) => one.statement.name === 'observation').flatMap((one) => reading.read(one.statement, where));
	const status = { final: 'final', preliminary: 'preliminary', cancelled: 'cancelled', registered: 'registered', unknown: 'unknown' }[
		statuses[statusOf(organizer) ?? ''] ?? 'unknown'
	];
	const times = timed(reading, organizer, 'effective');
	const urn = reading.add(
		where,
		present({
			resourceType: 'DiagnosticReport',
			...identified(organizer),
			extension: specimen,
			status,
			category: [concept('http://terminology.hl7.org/CodeSystem/v2-0074', 'LAB', 'Laboratory')],
			code: conceptAt(reading, organizer) ?? { text: 'Results' },
			subject,
			encounter: where.encounter === undefined ? undefined : { reference: where.encounter },
			...(Object.keys(times).length === 0 ? timeOfMembers(reading, members) : times),
			performer: [...actorsOf(organizer, 'performer'), ...actorsOf(organizer, 'author')].slice(0, 1),
			result: members.map((reference) => ({ reference })),
			conclusion: note.length === 0 ? undefined : note.map((one) => (one as { text: string }).text).join('\n'),
		}),
	);
	inner.readOthers(urn, where);
	return [urn, ...members];
};

function timeOfMembers(reading: Reading, members: readonly string[]): object {
	const first = reading.items.find(({ fullUrl, resource }) => members.includes(fullUrl) && typeof resource.effectiveDateTime === 'string');
	return first === undefined ? {} : { effectiveDateTime: first.resource.effectiveDateTime };
}

/** Vital signs organizer (22.4.26): a panel; both pressures taken together are one observation. */
export const vitals: Maker = (reading, organizer, where) => {
	const inner = innerOf(reading, organizer);
	const note = notesOf(reading, inner);
	const measured = inner.takeWhere((one) => one.statement.name === 'observation').map((one) => one.statement);
	const systolic = measured.filter((one) => codeIn(child(one, 'code')) === '8480-6');
	const diastolic = measured.filter((one) => codeIn(child(one, 'code')) === '8462-4');
	const paired = systolic.length === 1 && diastolic.length === 1;
	const alone = paired ? measured.filter((one) => !systolic.includes(one) && !diastolic.includes(one)) : measured;
	const members = alone.flatMap((one) => reading.read(one, where));
	if (paired) members.push(pressure(reading, [systolic[0] as Element, diastolic[0] as Element], where));
	const code = conceptAt(reading, organizer) as { coding?: object[]; text?: string } | undefined;
	const urn = reading.add(
		where,
		present({
			resourceType: 'Observation',
			...identified(organizer),
			status: statuses[statusOf(organizer) ?? ''] ?? 'unknown',
			category: [concept(categories, 'vital-signs')],
			code: {
				coding: [
					{
						system: 'http://loinc.org',
						code: '85353-1',
						display: 'Vital signs, weight, height, head circumference, oxygen saturation and BMI panel',
					},
					...(code?.coding ?? []).filter((one) => (one as { code?: string }).code !== '85353-1'),
				],
			},
			subject,
			encounter: where.encounter === undefined ? undefined : { reference: where.encounter },
			...(effectivePeriod(reading, organizer) === undefined ? timeOfMembers(reading, members) : timed(reading, organizer, 'effective')),
			performer: [...actorsOf(organizer, 'performer'), ...actorsOf(organizer, 'author')].slice(0, 1),
			hasMember: members.map((reference) => ({ reference })),
			note,
			dataAbsentReason: members.length === 0 ? concept('http://terminology.hl7.org/CodeSystem/data-absent-reason', 'unknown') : undefined,
		}),
	);
	inner.readOthers(urn, where);
	return [urn, ...members];
};

const pressurePanel = concept('http://loinc.org', '85354-9', 'Blood pressure panel with all children optional');

/** Average blood pressure (22.4.512): both pressures are one observation. */
export const averagePressure: Maker = (reading, organizer, where) => {
	const [systolic, diastolic, ...others] = relatedOf(organizer).map(({ statement }) => statement);
	const code = conceptAt(reading, organizer);
	if (systolic === undefined || diastolic === undefined || others.length > 0 || code === undefined)
		return vitals(reading, organizer, where);
	return [pressure(reading, [systolic, diastolic], where, code)];
};

function pressure(reading: Reading, both: readonly [Element, Element], where: Where, code: object = pressurePanel): string {
	const parts = both.map((one) => {
		const inner = innerOf(reading, one);
		return { made: observationOf(reading, one, where, notesOf(reading, inner)), inner };
	});
	const [high, low] = parts.map(({ made }) => made) as [Resource, Resource];
	const component = (made: Resource) =>
		present(
			Object.fromEntries(
				Object.entries(made).filter(([name]) => /^(code|value.*|dataAbsentReason|interpretation|referenceRange)$/.test(name)),
			),
		);
	const {
		effectiveDateTime,
		effectivePeriod: period,
		performer,
		status,
		category,
		encounter,
		method,
		bodySite,
	} = high as Record<string, unknown>;
	const list = (name: string) => [high, low].flatMap((made) => (made[name] as object[] | undefined) ?? []);
	const urn = reading.add(
		where,
		present({
			resourceType: 'Observation',
			identifier: list('identifier'),
			extension: list('extension'),
			status,
			category,
			code,
			subject,
			encounter,
			effectiveDateTime,
			effectivePeriod: period,
			performer,
			note: list('note'),
			method,
			bodySite,
			component: [component(high), component(low)],
		}) as Resource,
	);
	for (const { inner } of parts) inner.readOthers(urn, where);
	return urn;
}

/** Any other organizer: an observation that groups its members when it has a code, otherwise just its members. */
export const organizer: Maker = (reading, statement, where) => {
	const inner = innerOf(reading, statement);
	const code = conceptAt(reading, statement);
	const note = notesOf(reading, inner);
	const members = inner.readOthers(undefined, where);
	if (code === undefined) return members;
	const observations = members.filter((urn) =>
		reading.items.some(({ fullUrl, resource }) => fullUrl === urn && resource.resourceType === 'Observation'),
	);
	const urn = reading.add(
		where,
		present({
			resourceType: 'Observation',
			...identified(statement),
			status: statuses[statusOf(statement) ?? ''] ?? 'unknown',
			category: categoryOf(statement, where),
			code,
			subject,
			...timed(reading, statement, 'effective'),
			hasMember: observations.map((reference) => ({ reference })),
			note,
			dataAbsentReason:
				observations.length === 0 ? concept('http://terminology.hl7.org/CodeSystem/data-absent-reason', 'unknown') : undefined,
		}),
	);
	return [urn, ...members];
};
