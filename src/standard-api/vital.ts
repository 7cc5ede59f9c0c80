// vital: what is measured together, as a panel of US Core vital signs. A record shows a panel with its members, or measurements of one visit
// and time that came without a panel. http://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-vital-signs.html
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource, Stored } from '#fhir/resource.ts';
import type { Pair } from '#fhir/search/escape.ts';
import { author, firstOf, linkIn, npiOf, patientIn } from './chart.ts';
import { instantOf, localTime } from './codec.ts';
import { encounterIn } from './encounter.ts';
import { linksOf, pagingOf } from './list.ts';
import { dayOrTime } from './places.ts';
import { invalidFields, notThere } from './problems.ts';
import { type Found, type Shown, shown } from './records.ts';
import { find } from './references.ts';
import { relatedTo } from './related.ts';
import type { Answer, Call, StandardRow } from './row.ts';
import { wrong } from './rules.ts';
import { panelOf, readPage, readRecords } from './vital-list.ts';
import { type Frame, isVitalSign } from './vital-measures.ts';
import { type Group, isPanel, measured, membersOf, name, sentIn, time, vitalMapping, vitalSigns, writeVital } from './vital-record.ts';
import type { UnitSystem } from './vital-signs.ts';
import { draftOf, inOneTransaction, readingOf } from './write.ts';

type Whose = { readonly patient: Stored; readonly encounter?: Stored };

async function whoseIn(ctx: FhirCtx, call: Call): Promise<Whose> {
	return call.params.eid === undefined ? { patient: await patientIn(ctx, call) } : encounterIn(ctx, call);
}

function criteriaOf({ patient, encounter }: Whose): Pair[] {
	return [['patient', `Patient/${patient.id}`], ...(encounter === undefined ? [] : [['encounter', `Encounter/${encounter.id}`] as const])];
}

/** The record that a number or UUID of any of its Observations names. Throws Problem not-found. */
async function groupIn(ctx: FhirCtx, call: Call): Promise<{ readonly whose: Whose; readonly group: Group }> {
	// Both at once; who is not there is told first.
	const looking = find(ctx, 'Observation', call.params.vid as string);
	looking.catch(() => undefined);
	const whose = await whoseIn(ctx, call);
	const stored = await looking;
	if (stored === undefined) throw notThere();
	const resource = readingOf(stored);
	const isHere =
		linkIn(resource.subject) === `Patient/${whose.patient.id}` &&
		(whose.encounter === undefined || linkIn(resource.encounter) === `Encounter/${whose.encounter.id}`);
	if (!isHere || resource.status === 'entered-in-error') throw notThere();
	if (isPanel(resource)) return { whose, group: await withMembers(ctx, stored, resource) };
	const panel = await panelOf(ctx, criteriaOf({ patient: whose.patient }), stored.id);
	if (panel !== undefined) return { whose, group: await withMembers(ctx, panel, readingOf(panel)) };
	const beside = await readRecords(ctx, [...criteriaOf(whose), ...besides(resource)]);
	const group = beside.find(({ anchor, members }) => anchor.id === stored.id || members.some(({ id }) => id === stored.id));
	if (group === undefined) throw notThere();
	return { whose, group };
}

/** The record of a panel: its members are read by name. */
async function withMembers(ctx: FhirCtx, anchor: Found, head: Resource): Promise<Group> {
	const members = await relatedTo(ctx, membersOf(head), ['Observation']);
	const said = [...members.values()].filter((one) => one.status !== 'entered-in-error' && isVitalSign(one));
	return { anchor, head, panel: head, members: said };
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
		groups.map(({ head }) => head),
	);
	const related = await relatedTo(
		ctx,
		groups.map(({ head }) => linkIn(firstOf(head.performer))),
	);
	return records.map((record, i) => {
		const { head, panel, members } = groups[i] as Group;
		return {
			...record,
			...(panel === undefined ? { note: '', external_id: '' } : {}),
			user_npi: npiOf(related.get(linkIn(firstOf(head.performer)))),
			...measured(members, panel, units),
		};
	});
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
	const sent = sentIn(call.body, unitsIn(call), undefined);
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
	const sent = sentIn(call.body, unitsIn(call), before);
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
	const paging = pagingOf(query);
	const order = query.get('_sort') || '-date';
	if (order !== 'date' && order !== '-date')
		throw invalidFields([{ field: '_sort', code: 'InArray::NOT_IN_ARRAY', text: `${order.slice(0, 64)} is no field to sort by` }]);
	const since = call.query.filter(([param]) => param === '_lastUpdated' || param === 'date');
	const criteria = [...criteriaOf(await whoseIn(ctx, call)), ...since];
	const offset = paging.page === undefined ? paging.offset : 0;
	const { groups, next } = await readPage(ctx, { ...paging, criteria, order, offset });
	return { data: await showGroups(ctx, groups, units), links: linksOf(ctx, call, paging, next) };
}

async function showVital(ctx: FhirCtx, call: Call): Promise<Answer> {
	const { group } = await groupIn(ctx, call);
	return { data: (await showGroups(ctx, [group], unitsIn(call)))[0] };
}

function rowsBelow(path: string): StandardRow[] {
	const query = { units: 'the units of the record: us (usual) or metric' };
	const common = { mapping: vitalMapping, resource: name, type: 'Observation', right: 'encounters.notes', style: 'B', query } as const;
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
