// vital: what is measured together, as a panel of US Core vital signs. A record shows a panel with its members, or measurements of one visit
// and time that came without a panel. http://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-vital-signs.html
import { identifierSystem } from '#clinic/names.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource, Stored } from '#fhir/resource.ts';
import type { Pair } from '#fhir/search/escape.ts';
import { search } from '#fhir/search/search.ts';
import { author, linkIn, npiOf, patientIn, relatedTo } from './chart.ts';
import { instantOf, localTime } from './codec.ts';
import { encounterIn } from './encounter.ts';
import { wholeNumber } from './list.ts';
import { extra, field, isSame, type Mapping, revise } from './mapping.ts';
import { at, has, isNode, which } from './place.ts';
import { dateChoice, dayOrTime, keptAt, listOf, noteAt } from './places.ts';
import { invalidFields, notThere, type Wrong } from './problems.ts';
import { type Found, type Shown, shown } from './records.ts';
import { find, numbersOf } from './references.ts';
import type { Answer, Call, StandardRow } from './row.ts';
import { isNumeric, requireNew, valuesSent, wrong } from './rules.ts';
import { type Frame, isVitalSign, type Measured, shownValue, slotOf, unitOf, valueIn, withMeasures } from './vital-measures.ts';
import { type Measure, measures, panel, type UnitSystem, unitNamed } from './vital-signs.ts';
import { draftOf, inOneTransaction } from './write.ts';

const name = 'vital';
const loinc = 'http://loinc.org';
const categories = 'http://terminology.hl7.org/CodeSystem/observation-category';
const absentReasons = 'http://terminology.hl7.org/CodeSystem/data-absent-reason';
const interpretations = 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation';
const vitalSigns = { coding: [{ system: categories, code: 'vital-signs', display: 'Vital Signs' }], text: 'Vital Signs' };

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
		field('last_updated', at('meta', 'lastUpdated'), { kind: 'datetime', isReadOnly: true, sort: '_lastUpdated' }),
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
	/** The resource whose number and UUID the record has. */
	readonly anchor: Found;
	readonly panel: Resource | undefined;
	readonly members: readonly Resource[];
};

function isPanel(observation: Resource): boolean {
	return has(observation, { code: { coding: [{ system: loinc, code: panel.loinc }] } });
}

function membersOf(observation: Resource): string[] {
	const links = Array.isArray(observation.hasMember) ? observation.hasMember : [];
	return links.map(linkIn).filter((reference) => reference !== '');
}

/** Observations, newest first, as the records they make up; each once, where the first of it stands. */
export function groupsOf(found: readonly Found[]): Group[] {
	const all = found.map((one) => ({ one, resource: draftOf(one) }));
	const byId = new Map(all.map((each) => [`Observation/${each.one.id}`, each]));
	const panelOf = new Map<string, string>();
	for (const [reference, { resource }] of byId)
		if (isPanel(resource)) for (const member of membersOf(resource)) panelOf.set(member, reference);
	const groups = new Map<string, { one: Found; resource: Resource }[]>();
	for (const [reference, each] of byId) {
		const { resource } = each;
		if (resource.status === 'entered-in-error' || !(isPanel(resource) || isVitalSign(resource))) continue;
		const alone = JSON.stringify([linkIn(resource.encounter), resource.effectiveDateTime, resource.effectivePeriod]);
		const key = isPanel(resource) ? reference : (panelOf.get(reference) ?? alone);
		groups.set(key, [...(groups.get(key) ?? []), each]);
	}
	return [...groups.values()].map((each) => {
		const head = each.find(({ resource }) => isPanel(resource));
		const first = each.reduce((least, one) => ((one.one.rid ?? 0) < (least.one.rid ?? 0) ? one : least));
		return {
			anchor: (head ?? first).one,
			panel: head?.resource,
			members: each.filter((one) => one !== head).map(({ resource }) => resource),
		};
	});
}

/** At least so many records among the Observations that the criteria find, unless there are fewer; newest first. */
async function readGroups(ctx: FhirCtx, criteria: readonly Pair[], wanted: number, order = '-date'): Promise<Group[]> {
	const found = new Map<string, Found>();
	let page: string | undefined;
	for (;;) {
		const { matches, included, links } = await search(ctx, {
			type: 'Observation',
			query: [
				...criteria,
				['category', `${categories}|vital-signs`],
				['status:not', 'entered-in-error'],
				['_sort', order],
				['_include', 'Observation:has-member'],
				['_revinclude', 'Observation:has-member'],
				['_count', String(Math.min(1000, wanted * (measures.length + 1)))],
				['_total', 'none'],
				...(page === undefined ? [] : [['_page', page] as const]),
			],
			handling: 'strict',
		});
		for (const one of [...matches, ...included]) if (one.type === 'Observation') found.set(one.id, one);
		const groups = groupsOf([...found.values()]);
		page = links.next === undefined ? undefined : (new URL(links.next).searchParams.get('_page') ?? undefined);
		if (page === undefined || groups.length > wanted) return numbered(ctx, groups);
	}
}

/** What was included has no number at hand. */
async function numbered(ctx: FhirCtx, groups: readonly Group[]): Promise<Group[]> {
	const missing = groups.filter(({ anchor }) => anchor.rid === undefined).map(({ anchor }) => `Observation/${anchor.id}`);
	const numbers = await numbersOf(ctx, missing);
	return groups.map((group) => {
		const rid = numbers.get(`Observation/${group.anchor.id}`);
		return rid === undefined ? group : { ...group, anchor: { ...group.anchor, rid } };
	});
}

type Whose = { readonly patient: Stored; readonly encounter?: Stored };

async function whoseIn(ctx: FhirCtx, call: Call): Promise<Whose> {
	return call.params.eid === undefined ? { patient: await patientIn(ctx, call) } : encounterIn(ctx, call);
}

function criteriaOf({ patient, encounter }: Whose): Pair[] {
	return [['patient', `Patient/${patient.id}`], ...(encounter === undefined ? [] : [['encounter', `Encounter/${encounter.id}`] as const])];
}

/** The record that a number or UUID of any of its Observations names. Throws Problem not-found. */
async function groupIn(ctx: FhirCtx, call: Call): Promise<{ readonly whose: Whose; readonly group: Group }> {
	const whose = await whoseIn(ctx, call);
	const stored = await find(ctx, 'Observation', call.params.vid as string);
	if (stored === undefined) throw notThere();
	const resource = draftOf(stored);
	const isHere =
		linkIn(resource.subject) === `Patient/${whose.patient.id}` &&
		(whose.encounter === undefined || linkIn(resource.encounter) === `Encounter/${whose.encounter.id}`);
	if (!isHere || resource.status === 'entered-in-error') throw notThere();
	const within = async (more: readonly Pair[]): Promise<Group | undefined> => {
		const groups = await readGroups(ctx, [...criteriaOf(whose), ...more], 1000);
		return groups.find(({ anchor, members }) => anchor.id === stored.id || members.some(({ id }) => id === stored.id));
	};
	// With its panel, if it has one; then all that the panel has, or all of its time.
	const own = await within([['_id', stored.id]]);
	const group = isPanel(resource) ? own : await within(own?.panel === undefined ? besides(resource) : [['_id', own.panel.id as string]]);
	if (group === undefined) throw notThere();
	return { whose, group };
}

/** What may be of one record with a measurement: what has its time. */
function besides({ id, effectiveDateTime: time }: Resource): Pair[] {
	return typeof time === 'string' ? [['date', time]] : [['_id', id as string]];
}

const unitSystems: Readonly<Record<string, UnitSystem>> = { us: 'us', metric: 'metric' };

/** The units of a request: `units=metric`, else those of the United States. Throws Problem invalid. */
function unitsIn({ query }: Call): UnitSystem {
	const asked = new Map(query).get('units');
	if (asked === undefined || asked === '') return 'us';
	const units = Object.hasOwn(unitSystems, asked) ? unitSystems[asked] : undefined;
	if (units === undefined) throw invalidFields([wrong('units', 'InArray::NOT_IN_ARRAY', 'must be us or metric')]);
	return units;
}

async function showGroups(ctx: FhirCtx, groups: readonly Group[], units: UnitSystem): Promise<Shown[]> {
	const records = await shown(
		ctx,
		vitalMapping,
		groups.map(({ anchor }) => anchor),
	);
	const related = await relatedTo(
		ctx,
		groups.map(({ anchor }) => ({ resourceType: 'Observation', performer: draftOf(anchor).performer })),
	);
	return records.map((record, i) => {
		const { anchor, panel: head, members } = groups[i] as Group;
		const performers = draftOf(anchor).performer;
		const performer = Array.isArray(performers) ? linkIn(performers[0]) : '';
		return {
			...record,
			...(head === undefined ? { note: '', external_id: '' } : {}),
			user_npi: npiOf(related.get(performer)),
			...measured(members, head, units),
		};
	});
}

/** Everything measured, with its units, what is said of it, and `details` where there are any. */
function measured(members: readonly Resource[], head: Resource | undefined, units: UnitSystem): Shown {
	const record: Shown = {};
	const details: Record<string, object> = {};
	for (const { measure } of measures) {
		const unit = unitOf(measure, units);
		const value = valueIn(members, measure, unit);
		record[measure.field] = value === undefined ? null : shownValue(value, measure);
		record[`${measure.field}_unit`] = unit.name;
		const detail = detailOf(slotOf(members, measure)?.node);
		if (detail !== undefined) details[measure.field] = detail;
	}
	for (const word of wordFields) record[word.field.name] = wordIn(word, members, head) ?? '';
	return Object.keys(details).length === 0 ? record : { ...record, details };
}

type WordField = (typeof wordFields)[number];

function wordIn({ field: extension, measure, place }: WordField, members: readonly Resource[], head: Resource | undefined): unknown {
	const slot = slotOf(members, measure);
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

type SentVital = {
	readonly values: Readonly<Record<string, unknown>>;
	readonly measures: ReadonlyMap<string, Measured>;
	readonly words: ReadonlyMap<string, string | undefined>;
	readonly interpretations: ReadonlyMap<string, string | undefined>;
};

/** What a client sent, but for what it was shown so. Throws Problem invalid naming what is wrong. */
function sentIn(call: Call, before: Shown | undefined): SentVital {
	const units = unitsIn(call);
	const isShown = (name: string): boolean => before !== undefined && isSame(before[name], call.body[name]);
	const body = Object.fromEntries(Object.entries(call.body).filter(([one]) => !isShown(one)));
	const errors: Wrong[] = [];
	const taken = new Map<string, Measured>();
	for (const { measure } of measures) {
		const said = takenOf(measure, call.body, units);
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

function takenOf(measure: Measure, body: Call['body'], units: UnitSystem): { readonly measured: Measured } | Wrong | undefined {
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
	const kept = changed.kept.map((one) => structuredClone(one));
	const present = [...kept, ...altered.values(), ...made];
	const touched = new Set<Resource>(altered.values());
	const draft: Resource = structuredClone(head ?? newPanel(frame));
	const before = JSON.stringify(draft);
	revise({ fields: vitalMapping.fields }, draft, sent.values);
	for (const word of wordFields) {
		const { name: wordName } = word.field;
		const value = sent.words.has(wordName) ? sent.words.get(wordName) : wordIn(word, members, head);
		for (const one of putWord(word, value, present, draft)) touched.add(one);
	}
	for (const [fieldName, code] of sent.interpretations) {
		const slot = slotOf(present, measures.find(({ measure }) => measure.field === fieldName)?.measure as Measure);
		if (slot === undefined) continue;
		at('interpretation', 0).set(slot.node, code === undefined ? undefined : { coding: [{ system: interpretations, code }] });
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

const time = dateChoice('effective');

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

/** What every Observation of a new record has. */
function frameOf(ctx: FhirCtx, { patient, encounter }: Whose): Frame {
	const performer = author(ctx);
	const now = instantOf(localTime(ctx.clock.now().toISOString()));
	return {
		status: 'final',
		category: [vitalSigns],
		subject: { reference: `Patient/${patient.id}` },
		...(encounter === undefined ? {} : { encounter: { reference: `Encounter/${encounter.id}` } }),
		effectiveDateTime: now,
		issued: ctx.clock.now().toISOString(),
		...(performer === undefined ? {} : { performer: [performer] }),
	};
}

async function enterVital(ctx: FhirCtx, call: Call): Promise<Answer> {
	const whose = await whoseIn(ctx, call);
	const sent = sentIn(call, undefined);
	const { date } = sent.values;
	const frame = { ...frameOf(ctx, whose), ...(date === undefined ? {} : { effectiveDateTime: dayOrTime.keep(date) }) };
	return inOneTransaction(ctx, async (work) => {
		const { made } = writeVital({ panel: undefined, members: [] }, sent, frame, () => ctx.ids.next());
		const stored = (await work.create(...made)).at(-1) as Stored;
		return { data: { vid: stored.rid, fid: stored.rid, uuid: stored.id }, about: stored };
	});
}

async function changeVital(ctx: FhirCtx, call: Call): Promise<Answer> {
	const { whose, group } = await groupIn(ctx, call);
	const [before] = await showGroups(ctx, [group], unitsIn(call));
	const sent = sentIn(call, before);
	return inOneTransaction(ctx, async (work) => {
		const fresh = async ({ id }: Resource): Promise<Resource> => draftOf(await work.read('Observation', id as string));
		const head = group.panel === undefined ? undefined : await fresh(group.panel);
		const members: Resource[] = [];
		for (const member of group.members) members.push(await fresh(member));
		// What somebody else added since the record was shown.
		const seen = new Set(group.panel === undefined ? [] : membersOf(group.panel));
		for (const reference of head === undefined ? [] : membersOf(head))
			if (!seen.has(reference) && reference.startsWith('Observation/'))
				members.push(await fresh({ resourceType: 'Observation', id: reference.slice(12) }));
		const own = time.get(head ?? members[0] ?? {});
		const frame = { ...frameOf(ctx, whose), ...(typeof own === 'string' ? { effectiveDateTime: own } : {}) };
		const { made, altered, voided } = writeVital({ panel: head, members }, sent, frame, () => ctx.ids.next());
		await work.create(...made);
		await work.update(...altered, ...voided);
		return { data: { vid: group.anchor.rid ?? null } };
	});
}

async function strikeVital(ctx: FhirCtx, call: Call): Promise<Answer> {
	const { group } = await groupIn(ctx, call);
	return inOneTransaction(ctx, async (work) => {
		for (const { id } of [...(group.panel === undefined ? [] : [group.panel]), ...group.members]) {
			const draft = draftOf(await work.read('Observation', id as string));
			draft.status = 'entered-in-error';
			await work.update(draft);
		}
		return { data: true };
	});
}

async function listVitals(ctx: FhirCtx, call: Call): Promise<Answer> {
	const query = new Map(call.query);
	const units = unitsIn(call);
	const limit = Math.min(wholeNumber(query, '_limit') || 200, 1000);
	const offset = wholeNumber(query, '_offset') ?? 0;
	const sort = query.get('_sort') || '-date';
	if (!/^-?date$/.test(sort))
		throw invalidFields([{ field: '_sort', code: 'InArray::NOT_IN_ARRAY', text: `${sort.slice(0, 64)} is no field to sort by` }]);
	const since = call.query.filter(([param]) => param === '_lastUpdated' || param === 'date');
	const groups = await readGroups(ctx, [...criteriaOf(await whoseIn(ctx, call)), ...since], offset + limit, sort);
	const next = groups.length > offset + limit ? { next: `${call.request.path}?_limit=${limit}&_offset=${offset + limit}` } : {};
	return { data: await showGroups(ctx, groups.slice(offset, offset + limit), units), links: next };
}

async function showVital(ctx: FhirCtx, call: Call): Promise<Answer> {
	const { group } = await groupIn(ctx, call);
	return { data: (await showGroups(ctx, [group], unitsIn(call)))[0] };
}

function rowsBelow(path: string): StandardRow[] {
	const common = { mapping: vitalMapping, resource: name, type: 'Observation', right: 'encounters.notes', style: 'B' } as const;
	return [
		{ ...common, method: 'GET', path, does: 'search', summary: 'Vital signs, newest first', run: listVitals },
		{ ...common, method: 'POST', path, does: 'create', level: 'add', summary: 'Enters what was measured', run: enterVital },
		{ ...common, method: 'GET', path: `${path}/:vid`, does: 'read', summary: 'Shows what was measured together', run: showVital },
		{
			...common,
			method: 'PUT',
			path: `${path}/:vid`,
			does: 'update',
			level: 'change',
			summary: 'Changes what is sent of it',
			run: changeVital,
		},
		{
			...common,
			method: 'DELETE',
			path: `${path}/:vid`,
			does: 'delete',
			level: 'change',
			summary: 'Marks it as entered in error',
			run: strikeVital,
		},
	];
}

export const vitalRows: readonly StandardRow[] = [
	...rowsBelow('/patient/:pid/encounter/:eid/vital'),
	...rowsBelow('/patient/:puuid/vital'),
];
