// The pure half of vital.ts: records of what was measured together, out of Observations and back into them.
import { identifierSystem } from '#clinic/names.ts';
import type { Resource } from '#fhir/resource.ts';
import { linkIn } from './chart.ts';
import { extra, field, isSame, type Mapping, revise, type Values } from './mapping.ts';
import { at, isNode, which } from './place.ts';
import { dateChoice, dayOrTime, keptAt, listOf, noteAt } from './places.ts';
import { invalidFields, type Wrong } from './problems.ts';
import type { Found, Shown } from './records.ts';
import { isNumeric, requireNew, valuesSent, wrong } from './rules.ts';
import {
	type Frame,
	isVitalSign,
	type Measured,
	type Slot,
	shownValue,
	slotOf,
	slotsOf,
	unitOf,
	valueIn,
	withMeasures,
} from './vital-measures.ts';
import { type Measure, measures, panel, type UnitSystem, unitNamed } from './vital-signs.ts';
import { copyOf } from './write.ts';

export const name = 'vital';
const loinc = 'http://loinc.org';
export const categories = 'http://terminology.hl7.org/CodeSystem/observation-category';
const absentReasons = 'http://terminology.hl7.org/CodeSystem/data-absent-reason';
const interpretations = 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation';
export const vitalSigns = { coding: [{ system: categories, code: 'vital-signs', display: 'Vital Signs' }], text: 'Vital Signs' };

/** What is said of all measurements together. */
export const vitalMapping: Mapping = {
	resource: name,
	type: 'Observation',
	numbers: ['id', 'form_id'],
	uuids: ['uuid'],
	fields: [
		field('pid', at('subject', 'reference'), { to: ['Patient'], isReadOnly: true }),
		field('puuid', at('subject', 'reference'), { to: ['Patient'], as: 'uuid', isReadOnly: true }),
		field('eid', at('encounter', 'reference'), { to: ['Encounter'], isReadOnly: true }),
		field('euuid', at('encounter', 'reference'), { to: ['Encounter'], as: 'uuid', isReadOnly: true }),
		field('user_uuid', at('performer', 0, 'reference'), { to: ['Practitioner'], as: 'uuid', isReadOnly: true }),
		field('date', keptAt(dateChoice('effective')), { kind: 'datetime', codec: dayOrTime, sort: 'date' }),
		field('external_id', at('identifier', which({ system: identifierSystem('vital-external-id') }), 'value'), { length: [1, 255] }),
		field('note', noteAt(), { length: [1, 255] }),
		field('date_created', at('issued'), { kind: 'datetime', isReadOnly: true }),
		field('last_updated', at('meta', 'lastUpdated'), { kind: 'datetime', isReadOnly: true }),
	],
	make: () => ({ resourceType: 'Observation' }),
};

/** Words about one measurement: kept with it, or with the panel when it was not measured. */
const wordFields = (
	[
		['temp_method', 'temperature', at('method', 'text')],
		['BMI_status', 'BMI', at('interpretation', 0, 'text')],
	] as const
).map(([word, of, place]) => ({
	field: extra(name, word, { length: [1, 255] }),
	measure: measures.find(({ measure }) => measure.field === of)?.measure as Measure,
	place,
}));

/** A record: the panel when there is one, and what was measured. */
export type Group = {
	/** The resource whose number and UUID the record has: the panel, else the first of what was measured. */
	readonly anchor: Found;
	readonly head: Resource;
	readonly panel: Resource | undefined;
	readonly members: readonly Resource[];
};

/** The panel's code, as a search for it has it. */
export const panelToken = `${loinc}|${panel.loinc}`;

export function isPanel({ code }: Resource): boolean {
	return isNode(code) && listOf(code.coding).some((coding) => coding.code === panel.loinc && coding.system === loinc);
}

export function membersOf(observation: Resource): string[] {
	const links = Array.isArray(observation.hasMember) ? observation.hasMember : [];
	return links.map(linkIn).filter((reference) => reference !== '');
}

/** An Observation that was found, read. */
export type Read = { readonly one: Found; readonly resource: Resource };

/** Observations, newest first, as the records they make up; each once, where the first of it stands. */
export function groupsOf(found: readonly Read[]): Group[] {
	const byId = new Map(found.map((each) => [`Observation/${each.one.id}`, each]));
	const panelOf = new Map<string, string>();
	for (const [reference, { resource }] of byId)
		if (isPanel(resource)) for (const member of membersOf(resource)) panelOf.set(member, reference);
	const groups = new Map<string, Read[]>();
	for (const [reference, each] of byId) {
		const { resource } = each;
		if (resource.status === 'entered-in-error' || !(isPanel(resource) || isVitalSign(resource))) continue;
		const alone = (): string => JSON.stringify([linkIn(resource.encounter), resource.effectiveDateTime, resource.effectivePeriod]);
		const key = isPanel(resource) ? reference : (panelOf.get(reference) ?? alone());
		const group = groups.get(key);
		if (group === undefined) groups.set(key, [each]);
		else group.push(each);
	}
	return [...groups.values()].map((each) => {
		const head = each.find(({ resource }) => isPanel(resource));
		const first = each.reduce((least, one) => ((one.one.rid ?? 0) < (least.one.rid ?? 0) ? one : least));
		return {
			anchor: (head ?? first).one,
			head: (head ?? first).resource,
			panel: head?.resource,
			members: each.filter((one) => one !== head).map(({ resource }) => resource),
		};
	});
}

/** Everything measured, with its units, what is said of it, and `details` where there are any. */
export function measured(members: readonly Resource[], head: Resource | undefined, units: UnitSystem): Shown {
	const record: Shown = {};
	const details: Record<string, object> = {};
	const slots = slotsOf(members);
	for (const { measure } of measures) {
		const unit = unitOf(measure, units);
		const value = valueIn(slots.get(measure), measure, unit);
		record[measure.field] = value === undefined ? null : shownValue(value, measure);
		record[`${measure.field}_unit`] = unit.name;
		const detail = detailOf(slots.get(measure)?.node);
		if (detail !== undefined) details[measure.field] = detail;
	}
	for (const word of wordFields) record[word.field.name] = wordIn(word, slots, head) ?? '';
	return Object.keys(details).length === 0 ? record : { ...record, details };
}

type WordField = (typeof wordFields)[number];

function wordIn({ field: extension, measure, place }: WordField, slots: ReadonlyMap<Measure, Slot>, head: Resource | undefined): unknown {
	const slot = slots.get(measure);
	return (slot === undefined ? undefined : place.get(slot.observation)) ?? (head === undefined ? undefined : extension.place.get(head));
}

/** What is said of a value: its interpretation, and why there is none. */
function detailOf(node: object | undefined): object | undefined {
	const { interpretation, dataAbsentReason: reason } = (node ?? {}) as { interpretation?: unknown; dataAbsentReason?: unknown };
	const first = Array.isArray(interpretation) && isNode(interpretation[0]) ? interpretation[0] : undefined;
	const coding = listOf(first?.coding)[0];
	const absent = isNode(reason) ? listOf(reason.coding)[0] : undefined;
	if (coding === undefined && absent === undefined) return undefined;
	return {
		...(coding === undefined
			? {}
			: {
					interpretation_list_id: 'vitals-interpretation',
					interpretation_option_id: coding.code ?? '',
					interpretation_codes: coding.code ?? '',
					interpretation_title: coding.display ?? coding.code ?? '',
				}),
		...(absent === undefined ? {} : { reason_code: absent.code ?? '', reason_description: absent.display ?? '', reason_status: 'negated' }),
	};
}

export type SentVital = {
	readonly values: Readonly<Record<string, unknown>>;
	readonly measures: ReadonlyMap<string, Measured>;
	readonly words: ReadonlyMap<string, string | undefined>;
	readonly interpretations: ReadonlyMap<string, string | undefined>;
};

/** What a client sent, but for what it was shown so. Throws Problem invalid naming what is wrong. */
export function sentIn(all: Values, units: UnitSystem, before: Shown | undefined): SentVital {
	const isShown = (one: string): boolean => before !== undefined && isSame(before[one], all[one]);
	const body = Object.fromEntries(Object.entries(all).filter(([one]) => !isShown(one)));
	const errors: Wrong[] = [];
	const taken = new Map<string, Measured>();
	for (const { measure } of measures) {
		const said = takenOf(measure, all, units);
		if (said === undefined) continue;
		if ('field' in said) errors.push(said);
		else if (!isUnchanged(measure, said.measured, before, units)) taken.set(measure.field, said.measured);
	}
	if (errors.length > 0) throw invalidFields(errors);
	const fields = [...vitalMapping.fields, ...wordFields.map((word) => word.field)];
	const values = valuesSent(fields, body);
	requireNew(fields, values);
	const words = new Map(
		wordFields.flatMap(({ field: { name: word } }) => (Object.hasOwn(values, word) ? [[word, values[word] as string | undefined]] : [])),
	);
	return { values, measures: taken, words, interpretations: interpretationsIn(body.details) };
}

function takenOf(measure: Measure, body: Values, units: UnitSystem): { readonly measured: Measured } | Wrong | undefined {
	const { field: name } = measure;
	if (!Object.hasOwn(body, name)) return undefined;
	const said = body[name];
	if (said === null || said === undefined || String(said).trim() === '') return { measured: null };
	if (typeof said === 'object' || !isNumeric(String(said))) return wrong(name, 'Numeric::NOT_NUMERIC', 'must be numeric');
	const given = body[`${name}_unit`];
	const unit = given === undefined || given === null || given === '' ? unitOf(measure, units) : unitNamed(measure, given);
	if (unit === undefined) return wrong(`${name}_unit`, 'InArray::NOT_IN_ARRAY', 'must be in the defined set of values');
	return { measured: { value: Number(said), unit } };
}

/** Whether a value is what the record showed, in the units it showed it in. */
function isUnchanged(measure: Measure, measured: Measured, before: Shown | undefined, units: UnitSystem): boolean {
	if (before === undefined) return measured === null;
	const was = before[measure.field];
	if (measured === null || was === null) return measured === null && was === null;
	return measured.unit === unitOf(measure, units) && shownValue(measured.value, measure) === was;
}

function interpretationsIn(details: unknown): Map<string, string | undefined> {
	const found = new Map<string, string | undefined>();
	if (!isNode(details)) return found;
	for (const { measure } of measures) {
		const detail = details[measure.field];
		if (!isNode(detail)) continue;
		const code = detail.interpretation_option_id ?? detail.interpretation_codes;
		if (code === undefined) continue;
		const text = String(code ?? '');
		if (text !== '' && !/^[A-Z<>]{1,4}$/.test(text)) throw invalidFields([wrong('details', 'Callback::INVALID_VALUE', 'is invalid')]);
		found.set(measure.field, text === '' ? undefined : text);
	}
	return found;
}

/** The Observations of a record after a change: what is new, what was altered, what says nothing any more. */
type Writes = { readonly made: readonly Resource[]; readonly altered: readonly Resource[]; readonly voided: readonly Resource[] };

/** The pure heart: a record with what was sent put into it. `frame` is what new Observations have; `newId` gives them ids. */
export function writeVital(
	{ panel: head, members }: { readonly panel: Resource | undefined; readonly members: readonly Resource[] },
	sent: SentVital,
	frame: Frame,
	newId: () => string,
): Writes {
	const changed = withMeasures(members, sent.measures, frame);
	const made = changed.made.map((one) => ({ ...one, id: newId() }));
	const altered = new Map(changed.altered.map((one) => [one, amended(one)]));
	const present = [...changed.kept, ...altered.values(), ...made];
	const touched = new Set<Resource>(altered.values());
	const draft = copyOf(head ?? newPanel(frame));
	const before = JSON.stringify(draft);
	revise({ fields: vitalMapping.fields }, draft, sent.values);
	for (const word of wordFields) {
		const { name: wordName } = word.field;
		const value = sent.words.has(wordName) ? sent.words.get(wordName) : wordIn(word, slotsOf(members), head);
		for (const one of putWord(word, value, present, draft)) touched.add(one);
	}
	for (const [fieldName, code] of sent.interpretations) {
		const slot = slotOf(present, measures.find(({ measure }) => measure.field === fieldName)?.measure as Measure);
		if (slot === undefined) continue;
		at('interpretation', 0, 'coding').set(slot.node, code === undefined ? undefined : [{ system: interpretations, code }]);
		touched.add(slot.observation);
	}
	for (const one of moved(draft, head, members, present, sent)) touched.add(one);
	const voided = changed.voided.map((one) => ({ ...one, status: 'entered-in-error' }));
	const links = linksOf(draft, head, present, voided);
	if (links.length > 0) {
		draft.hasMember = links;
		delete draft.dataAbsentReason;
	} else {
		// vs-2: what has no members says that nothing was measured.
		delete draft.hasMember;
		at('meta', 'profile').set(
			draft,
			draft.meta?.profile?.filter((url) => url !== panel.ofMembers),
		);
		draft.dataAbsentReason ??= { coding: [{ system: absentReasons, code: 'not-performed', display: 'Not Performed' }] };
	}
	const needsPanel =
		head === undefined &&
		(members.length === 0 || made.length > 0 || JSON.stringify({ ...draft, hasMember: undefined, dataAbsentReason: undefined }) !== before);
	const headChanged = head !== undefined && JSON.stringify(draft) !== before;
	return {
		made: [...made, ...(needsPanel ? [{ ...draft, id: newId() }] : [])],
		altered: [...[...touched].filter((one) => !made.includes(one as never)), ...(headChanged ? [draft] : [])],
		voided,
	};
}

function amended(observation: Resource): Resource {
	return observation.status === 'final' ? { ...observation, status: 'amended' } : observation;
}

function newPanel(frame: Frame): Resource {
	return {
		resourceType: 'Observation',
		meta: { profile: [...panel.profiles] },
		...structuredClone(frame),
		code: { coding: [{ system: loinc, code: panel.loinc, display: panel.display }], text: 'Vital signs' },
	};
}

/** Puts words where their measurement is, else into the panel; gives the Observations that it changed. */
function putWord(
	{ field: extension, measure, place }: WordField,
	value: unknown,
	present: readonly Resource[],
	draft: Resource,
): Resource[] {
	const slot = slotOf(present, measure);
	extension.place.set(draft, slot === undefined ? value : undefined);
	if (slot === undefined || place.get(slot.observation) === value) return [];
	place.set(slot.observation, value);
	return [slot.observation];
}

/** When it was measured. */
export const time = dateChoice('effective');

/** Measurements that were taken at the time of the panel move with it; gives those that did. */
function moved(
	draft: Resource,
	head: Resource | undefined,
	members: readonly Resource[],
	present: readonly Resource[],
	{ values }: SentVital,
): Resource[] {
	if (!Object.hasOwn(values, 'date')) return [];
	const was = time.get(head ?? members[0] ?? draft);
	const is = time.get(draft);
	const ours = present.filter((one) => time.get(one) === was && was !== is);
	for (const one of ours) time.set(one, is);
	return ours;
}

function linksOf(draft: Resource, head: Resource | undefined, present: readonly Resource[], voided: readonly Resource[]): object[] {
	const gone = new Set(voided.map(({ id }) => `Observation/${id}`));
	const former = (Array.isArray(head?.hasMember) ? (draft.hasMember as object[]) : []).filter((link) => !gone.has(linkIn(link)));
	const known = new Set(former.map(linkIn));
	const more = present.map(({ id }) => `Observation/${id}`).filter((reference) => !known.has(reference));
	return [...former, ...more.map((reference) => ({ reference }))];
}
