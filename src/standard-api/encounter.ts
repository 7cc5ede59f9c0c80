// encounter: a visit, as an Encounter. http://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-encounter.html
import { may } from '#access/roles.ts';
import { type Category, categorySystem, knownCategories, usualCategories } from '#clinic/appointments/categories.ts';
import { codeSystemUrl, identifierSystem } from '#clinic/names.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Coding, Resource, Stored } from '#fhir/resource.ts';
import {
	author,
	calledIn,
	change,
	type Entry,
	enter,
	findInPath,
	linkIn,
	listInPath,
	type Present,
	patientIn,
	showEntry,
	strike,
	usernameOf,
} from './chart.ts';
import { rowOf } from './chart-rows.ts';
import { instantOf, localTime } from './codec.ts';
import { readCodes, writeCode } from './codes.ts';
import { extra, extras, type Field, field, type Mapping } from './mapping.ts';
import { at, has, isNode, type Place, type Which, which } from './place.ts';
import { dayOrTime, linkAt, listOf, nameAt, nameOf, saidIn } from './places.ts';
import type { Call, StandardRow } from './row.ts';

const name = 'encounter';
const hl7 = 'http://terminology.hl7.org/CodeSystem';
const classSystem = `${hl7}/v3-ActCode`;
const dispositionSystem = `${hl7}/discharge-disposition`;
const confidentialitySystem = `${hl7}/v3-Confidentiality`;
const participation = `${hl7}/v3-ParticipationType`;
/** Parts in a visit that HL7 has no code for. */
const ownParts = codeSystemUrl('encounter-participation');

/** Classes of visits, https://terminology.hl7.org/ValueSet-encounter-class.html */
export const classes: Readonly<Record<string, string>> = {
	AMB: 'ambulatory',
	EMER: 'emergency',
	FLD: 'field',
	HH: 'home health',
	IMP: 'inpatient encounter',
	ACUTE: 'inpatient acute',
	NONAC: 'inpatient non-acute',
	OBSENC: 'observation encounter',
	PRENC: 'pre-admission',
	SS: 'short stay',
	VR: 'virtual',
};

/** Where patients go, https://hl7.org/fhir/R4/valueset-encounter-discharge-disposition.html */
const dispositions: Readonly<Record<string, string>> = {
	home: 'Home',
	'alt-home': 'Alternative home',
	'other-hcf': 'Other healthcare facility',
	hosp: 'Hospice',
	long: 'Long-term care',
	aadvice: 'Left against advice',
	exp: 'Expired',
	psy: 'Psychiatric hospital',
	rehab: 'Rehabilitation',
	snf: 'Skilled nursing facility',
	oth: 'Other',
};

const classPlace: Place = {
	path: 'class.code',
	get: (encounter) => at('class', 'code').get(encounter),
	set(encounter, value) {
		const code = String(value ?? 'AMB');
		(encounter as Resource).class = { system: classSystem, code, display: saidIn(classes, code) ?? code };
	},
};

/** A code of a list that FHIR has a system for; codes of other systems are shown, and replaced when another is sent. */
const dispositionPlace: Place = {
	path: 'hospitalization.dischargeDisposition',
	get(encounter) {
		const concept = at('hospitalization', 'dischargeDisposition').get(encounter);
		if (!isNode(concept)) return undefined;
		const codings = listOf(concept.coding);
		return (codings.find(({ system }) => system === dispositionSystem) ?? codings[0])?.code ?? concept.text;
	},
	set(encounter, value) {
		const code = value as string | undefined;
		const title = saidIn(dispositions, code);
		const concept = title === undefined ? { text: code } : { coding: [{ system: dispositionSystem, code, display: title }] };
		at('hospitalization', 'dischargeDisposition').set(encounter, code === undefined ? undefined : concept);
	},
};

const isRestricted = ({ system, code }: Coding): boolean => system === confidentialitySystem && (code === 'R' || code === 'V');

/** High is the security label that only those with the right to it see (docs/people.md). */
const sensitivityPlace: Place = {
	path: `iif(meta.security.where(code = 'R' or code = 'V').exists(), 'high', 'normal')`,
	get: (encounter) => (listOf(at('meta', 'security').get(encounter)).some(isRestricted) ? 'high' : 'normal'),
	set(encounter, value) {
		const others = listOf(at('meta', 'security').get(encounter)).filter((one) => !isRestricted(one));
		const labels = value === 'high' ? [...others, { system: confidentialitySystem, code: 'R', display: 'restricted' }] : others;
		at('meta', 'security').set(encounter, labels.length === 0 ? undefined : labels);
	},
};

function part(system: string, code: string, display: string): Which {
	return which({ type: [{ coding: [{ system, code }] }] }, { type: [{ coding: [{ system, code, display }] }] });
}

/** The provider of the visit: its primary performer, else who attended, else the first whose part is not said. */
const provider: Which = {
	is(participant) {
		if (!isNode(participant)) return false;
		const types = Array.isArray(participant.type) ? participant.type : [];
		return types.length === 0 || ['PPRF', 'ATND'].some((code) => has(types, [{ coding: [{ system: participation, code }] }]));
	},
	made: { type: [{ coding: [{ system: participation, code: 'PPRF', display: 'primary performer' }] }] },
	path: `.where(type.coding.code = 'PPRF')`,
};

const referrer = part(participation, 'REF', 'referrer');

function participantAt(who: Which): Place {
	return linkAt('participant', who, 'individual');
}

const category = which({ system: categorySystem });

/** The kind of visit that is not the practice's own category: a code of SNOMED CT, CPT or the like. */
const otherType: Which = {
	is: (type) => isNode(type) && !listOf(type.coding).some(({ system }) => system === categorySystem),
	made: {},
	path: `.where(coding.system != '${categorySystem}')`,
};
const typeCode = at('type', otherType, 'coding', 0);
const typeCodePlace: Place = {
	path: typeCode.path,
	get(encounter) {
		const coding = typeCode.get(encounter);
		return isNode(coding) ? (writeCode(coding as Coding) ?? coding.display) : undefined;
	},
	set(encounter, value) {
		const former = typeCode.get(encounter);
		const text = String(value ?? '');
		const { codings } = readCodes(text, isNode(former) ? [former as Coding] : []);
		typeCode.set(encounter, value === undefined ? undefined : (codings[0] ?? (/^\S+$/.test(text) ? { code: text } : { display: text })));
	},
};

/** The places of categories: the practice's code, with its name; `pc_catid` is the category's number. */
function categoryPlace(categories: readonly Category[]): Place {
	const code = at('type', { ...which({ coding: [{ system: categorySystem }] }), made: {} }, 'coding', category, 'code');
	return {
		path: code.path,
		get(encounter) {
			const found = code.get(encounter);
			return categories.find((one) => one.code === found)?.number;
		},
		set(encounter, value) {
			const found = categories.find(({ number }) => number === value);
			const types = (Array.isArray((encounter as Resource).type) ? (encounter as Resource).type : []) as unknown[];
			const others = types.filter((one) => !has(one, { coding: [{ system: categorySystem }] }));
			const own = found === undefined ? [] : [categoryConcept(found)];
			(encounter as Resource).type = [...own, ...others];
		},
	};
}

function categoryConcept({ code, name: display }: Category): object {
	return { coding: [{ system: categorySystem, code, display }], text: display };
}

const organization = ['Organization'] as const;
const person = ['Practitioner'] as const;

function fieldsOf(categories: readonly Category[]): Field[] {
	return [
		field('date', at('period', 'start'), {
			kind: 'datetime',
			codec: dayOrTime,
			sort: 'date',
			filter: { param: 'date', value: (text) => `ge${text.slice(0, 10)}`, isLoose: true, part: true },
		}),
		field('date_end', at('period', 'end'), { kind: 'datetime', codec: dayOrTime, filter: { part: true } }),
		field('reason', nameAt('reasonCode', 0), { filter: { part: true } }),
		extra(name, 'onset_date', { kind: 'datetime' }),
		field('sensitivity', sensitivityPlace, { oneOf: ['normal', 'high'], filter: {} }),
		extra(name, 'billing_note'),
		field('pc_catid', categoryPlace(categories), {
			kind: 'integer',
			filter: {},
			required: true,
			oneOf: categories.map(({ number }) => String(number)),
		}),
		field('encounter_type_code', typeCodePlace, { length: [1, 255] }),
		field('encounter_type_description', nameAt('type', otherType), { length: [1, 255] }),
		extra(name, 'last_level_billed', { kind: 'integer' }),
		extra(name, 'last_level_closed', { kind: 'integer' }),
		extra(name, 'last_stmt_date', { kind: 'date' }),
		extra(name, 'stmt_count', { kind: 'integer' }),
		field('supervisor_id', participantAt(part(ownParts, 'supervisor', 'supervisor')), { to: person }),
		...extras(name, 'invoice_refno referral_source'),
		extra(name, 'billing_facility', { to: organization }),
		field('external_id', at('identifier', which({ system: identifierSystem('encounter-external-id') }), 'value'), {
			filter: { param: 'identifier' },
			length: [1, 255],
		}),
		field('last_update', at('meta', 'lastUpdated'), { kind: 'datetime', isReadOnly: true, sort: '_lastUpdated' }),
		extra(name, 'pos_code', { kind: 'integer' }),
		field('class_code', classPlace, { required: true, oneOf: Object.keys(classes), filter: { param: 'class' } }),
		field('pid', at('subject', 'reference'), { to: ['Patient'], isReadOnly: true }),
		field('puuid', at('subject', 'reference'), { to: ['Patient'], as: 'uuid', isReadOnly: true }),
		field('facility_id', linkAt('serviceProvider'), { to: organization, filter: {} }),
		field('facility_uuid', linkAt('serviceProvider'), { to: organization, as: 'uuid', filter: {} }),
		field('facility', at('serviceProvider', 'display'), { length: [1, 255] }),
		field('provider_id', participantAt(provider), { to: person, filter: {} }),
		field('provider_uuid', participantAt(provider), { to: person, as: 'uuid', filter: {} }),
		field('referring_provider_id', participantAt(referrer), { to: person }),
		field('referrer_uuid', participantAt(referrer), { to: person, as: 'uuid' }),
		field('ordering_provider_id', participantAt(part(ownParts, 'orderer', 'ordering provider')), { to: person }),
		field('discharge_disposition', dispositionPlace, { length: [1, 255] }),
		extra(name, 'in_collection', { kind: 'flag' }),
	];
}

export function encounterMappingFor(categories: readonly Category[]): Mapping {
	return {
		resource: name,
		type: 'Encounter',
		numbers: ['eid', 'id'],
		uuids: ['euuid', 'uuid'],
		fields: fieldsOf(categories),
		make: () => ({ resourceType: 'Encounter', status: 'in-progress', class: { system: classSystem, code: 'AMB', display: classes.AMB } }),
		profile: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-encounter',
	};
}

export const encounterMapping = encounterMappingFor(usualCategories);

/** A visit that is begun and has ended is finished; dates are days on the server's clock. */
function settle(encounter: Resource, now: Date): void {
	const { status, period } = encounter;
	const { start, end } = isNode(period) ? (period as { start?: string; end?: string }) : {};
	if (status !== 'in-progress' && status !== 'planned') return;
	if (end !== undefined && localTime(end) <= localTime(now.toISOString())) encounter.status = 'finished';
	else if (start !== undefined && localTime(start) > localTime(now.toISOString())) encounter.status = 'planned';
}

/** What was entered after its day is over already; a visit of today, or one that will be, is not. */
function settleNew(encounter: Resource, now: Date): void {
	const start = at('period', 'start').get(encounter);
	const day = (time: string): string => localTime(time).slice(0, 10);
	if (typeof start === 'string' && day(start) < day(now.toISOString())) encounter.status = 'finished';
	else settle(encounter, now);
}

const present: Present = (record, resource, related) => {
	const { serviceProvider, location, type } = resource;
	const facility = related.get(linkIn(serviceProvider));
	const billing = related.get(billingIn(resource));
	const places = Array.isArray(location) ? location : [];
	const categoryName = (Array.isArray(type) ? type : []).find((one) => has(one, { coding: [{ system: categorySystem }] }));
	const title = record.discharge_disposition;
	return {
		...record,
		encounter: record.eid,
		pc_catname: nameOf(categoryName) ?? '',
		class_title: classTitle(resource),
		facility: record.facility || calledIn(facility),
		facility_name: calledIn(facility) || record.facility,
		facility_location_uuid: linkIn(places[0]?.location).split('/')[1] ?? null,
		billing_facility_id: record.billing_facility,
		billing_facility_uuid: billing?.id ?? null,
		billing_facility_name: calledIn(billing),
		billing_location_uuid: null,
		provider_username: usernameOf(related.get(participantIn(resource, provider))),
		referrer_username: usernameOf(related.get(participantIn(resource, referrer))),
		discharge_disposition_text: saidIn(dispositions, title) ?? title,
	};
};

/** Who has a part in a visit, as a reference; "" for nobody. */
function participantIn({ participant }: Resource, who: Which): string {
	return linkIn((Array.isArray(participant) ? participant : []).find(who.is)?.individual);
}

function classTitle({ class: coding }: Resource): string {
	const { code, display } = (coding ?? {}) as Coding;
	return saidIn(classes, code) ?? display ?? code ?? '';
}

const billingPlace = extra(name, 'billing_facility', { to: organization }).place;

function billingIn(encounter: Resource): string {
	const reference = billingPlace.get(encounter);
	return typeof reference === 'string' ? reference : '';
}

function linksOf(encounter: Resource): string[] {
	return [participantIn(encounter, provider), participantIn(encounter, referrer), linkIn(encounter.serviceProvider), billingIn(encounter)];
}

const entries = new WeakMap<readonly Category[], Entry>();

/** Encounters with the categories of this installation. */
export async function encounterEntry(ctx: FhirCtx): Promise<Entry> {
	const categories = await knownCategories(ctx);
	const entry = entries.get(categories) ?? entryFor(categories);
	entries.set(categories, entry);
	return entry;
}

function entryFor(categories: readonly Category[]): Entry {
	return {
		mapping: encounterMappingFor(categories),
		links: linksOf,
		order: '-date',
		owner: 'subject',
		criteria: [['status:not', 'entered-in-error']],
		isOne: ({ status }) => status !== 'entered-in-error',
		// To the second, as records show it: what ends in that second ends no earlier.
		entered: (ctx) => ({ period: { start: instantOf(localTime(ctx.clock.now().toISOString())) } }),
		settle,
		strike: (encounter) => {
			encounter.status = 'entered-in-error';
		},
		present,
	};
}

/** For what is found by its visit: the visit does not have to be shown. */
const anyEncounter = entryFor(usualCategories);

/** The visit in the path, of the patient in the path. Throws Problem not-found. */
export async function encounterIn(ctx: FhirCtx, call: Call): Promise<{ readonly patient: Stored; readonly encounter: Stored }> {
	const { patient, stored } = await findInPath(ctx, anyEncounter, call, 'eid');
	return { patient, encounter: stored };
}

/** The date of a visit is changed by those with the right to it; for others it stays, as OpenEMR has it. */
function withoutDate({ caller }: FhirCtx, body: Call['body']): Call['body'] {
	if (caller.person === undefined || may(caller.person.roles, 'encounters.date_a', 'change')) return body;
	const { date: _, ...others } = body;
	return others;
}

/** OpenEMR calls the billing facility by two names. */
function named(body: Call['body']): Call['body'] {
	return body.billing_facility === undefined && body.billing_facility_id !== undefined
		? { ...body, billing_facility: body.billing_facility_id }
		: body;
}

const options = {
	entry: anyEncounter,
	name,
	param: 'euuid',
	style: 'E200',
	words: { one: 'a visit', many: 'visits' },
	reading: 'encounters.auth_a',
	writing: 'encounters.auth_a',
} as const;

export const encounterRows: readonly StandardRow[] = [
	rowOf(options, 'GET', '/patient/:puuid/encounter', 'search', 'The visits of a patient, newest first', async (ctx, call) => {
		const { records, links } = await listInPath(ctx, await encounterEntry(ctx), call);
		return { data: records, links, ...(records.length === 0 ? { status: 404 } : {}) };
	}),
	rowOf(options, 'POST', '/patient/:puuid/encounter', 'create', 'Begins a visit', async (ctx, call) => {
		const patient = await patientIn(ctx, call);
		const entry = { ...(await encounterEntry(ctx)), settle: settleNew };
		const own = author(ctx);
		const asked = named(call.body);
		const who =
			own === undefined || asked.provider_id !== undefined || asked.provider_uuid !== undefined ? {} : { provider_id: own.reference };
		const stored = await enter(ctx, entry, patient, { ...who, ...asked });
		return { data: await showEntry(ctx, entry, stored), about: stored };
	}),
	rowOf(options, 'GET', '/patient/:puuid/encounter/:euuid', 'read', 'Shows a visit', async (ctx, call) => {
		const entry = await encounterEntry(ctx);
		const { stored } = await findInPath(ctx, entry, call, 'euuid');
		return { data: await showEntry(ctx, entry, stored), about: stored };
	}),
	rowOf(options, 'PUT', '/patient/:puuid/encounter/:euuid', 'update', 'Changes what is sent of a visit', async (ctx, call) => {
		const entry = await encounterEntry(ctx);
		const found = await findInPath(ctx, entry, call, 'euuid');
		const stored = await change(ctx, entry, found.stored, named(withoutDate(ctx, call.body)));
		return { data: await showEntry(ctx, entry, stored), about: stored };
	}),
	rowOf(options, 'DELETE', '/patient/:puuid/encounter/:euuid', 'delete', 'Marks a visit as entered in error', async (ctx, call) => {
		const entry = await encounterEntry(ctx);
		const stored = await strike(ctx, entry, (await findInPath(ctx, entry, call, 'euuid')).stored);
		return { data: { uuid: stored.id }, about: stored };
	}),
];
