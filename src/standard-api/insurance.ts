// insurance ↔ Coverage (https://hl7.org/fhir/us/core/StructureDefinition-us-core-coverage.html). Who holds the policy is a RelatedPerson
// contained in it, since a policy keeps what it was made out with.
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource, Stored } from '#fhir/resource.ts';
import { search } from '#fhir/search/search.ts';
import { type Entry, findEntry, linkIn, listEntries, patientIn, showEntry, strike } from './chart.ts';
import { type RowOptions, rowOf } from './chart-rows.ts';
import { type Codec, coded } from './codec.ts';
import { worded } from './concepts.ts';
import { extra, type Field, field, type Mapping, type Values, valuesOf } from './mapping.ts';
import { middleNames } from './patient.ts';
import { at, type Step, which } from './place.ts';
import { invalidFields, noSuchRecord, type Wrong } from './problems.ts';
import { createRecord, type Shown, updateRecord } from './records.ts';
import { type Related, relatedTo } from './related.ts';
import type { StandardRow } from './row.ts';
import { draftOf, inOneTransaction, type Work } from './write.ts';

const name = 'insurance';
const relationships = 'http://terminology.hl7.org/CodeSystem/subscriber-relationship';
const classes = 'http://terminology.hl7.org/CodeSystem/coverage-class';

const kinds = ['primary', 'secondary', 'tertiary'];
const order: Codec = {
	show: (json) => kinds[Number(json) - 1] ?? String(json),
	keep: (value) => kinds.indexOf(String(value)) + 1,
};

const classOf = (code: string) => at('class', which({ type: { coding: [{ system: classes, code }] } }), 'value');
const holder = which({ resourceType: 'RelatedPerson', id: 'subscriber' });
const held = (...steps: readonly Step[]) => at('contained', holder, ...steps);
const required = { required: true, length: [2, 255] } as const;
const optional = { length: [2, 255] } as const;
const state = { oneOf: { list: 'state' } } as const;
const country = { oneOf: { list: 'country' } } as const;

const fields: readonly Field[] = [
	field('type', at('order'), { codec: order, oneOf: kinds, filter: {} }),
	field('provider', at('payor', 0, 'reference'), { to: ['Organization'], required: true, filter: {} }),
	field('plan_name', classOf('plan'), optional),
	field('policy_number', at('subscriberId'), { ...required, filter: {} }),
	field('group_number', classOf('group'), optional),
	field('subscriber_lname', held('name', 0, 'family'), required),
	field('subscriber_fname', held('name', 0, 'given', 0), { required: true, length: [1, 255] }),
	field('subscriber_mname', middleNames('contained', holder, 'name', 0), { length: [1, 255] }),
	field(
		'subscriber_relationship',
		worded(at('relationship'), relationships, {
			self: ['self', 'Self'],
			spouse: ['spouse', 'Spouse'],
			child: ['child', 'Child'],
			other: ['other', 'Other'],
			parent: ['parent', 'Parent'],
			common: ['common', 'Common Law Spouse'],
			injured: ['injured', 'Injured Party'],
		}),
		{ required: true, oneOf: { list: 'sub_relation' } },
	),
	field('subscriber_ss', held('identifier', which({ system: 'http://hl7.org/fhir/sid/us-ssn' }), 'value')),
	field('subscriber_DOB', held('birthDate'), { kind: 'date', required: true }),
	field('subscriber_street', held('address', 0, 'line', 0), required),
	field('subscriber_street_line_2', held('address', 0, 'line', 1), { note: 'the street when there is none' }),
	field('subscriber_postal_code', held('address', 0, 'postalCode'), required),
	field('subscriber_city', held('address', 0, 'city'), required),
	field('subscriber_state', held('address', 0, 'state'), { required: true, ...state }),
	field('subscriber_country', held('address', 0, 'country'), country),
	field('subscriber_phone', held('telecom', which({ system: 'phone' }), 'value'), optional),
	field('subscriber_sex', held('gender'), {
		codec: coded({ Male: 'male', Female: 'female', UNK: 'unknown' }),
		required: true,
		oneOf: { list: 'sex' },
	}),
	...['', '_street', '_street_line_2', '_postal_code'].map((part) => extra(name, `subscriber_employer${part}`, optional)),
	extra(name, 'subscriber_employer_state', state),
	extra(name, 'subscriber_employer_country', country),
	...['subscriber_employer_city', 'copay'].map((one) => extra(name, one, optional)),
	field('date', at('period', 'start'), { kind: 'date', required: true }),
	field('date_end', at('period', 'end'), { kind: 'date' }),
	extra(name, 'accept_assignment', { required: true, oneOf: ['TRUE', 'FALSE'] }),
	extra(name, 'policy_type', { oneOf: { list: 'policy_type' } }),
	field('pid', at('beneficiary', 'reference'), { to: ['Patient'], isReadOnly: true }),
	field('puuid', at('beneficiary', 'reference'), { to: ['Patient'], as: 'uuid', isReadOnly: true }),
	field('insureruuid', at('payor', 0, 'reference'), { to: ['Organization'], as: 'uuid', isReadOnly: true }),
];

export const insuranceMapping: Mapping = {
	resource: name,
	type: 'Coverage',
	numbers: ['id'],
	uuids: ['uuid'],
	fields,
	make: () => ({ resourceType: 'Coverage', status: 'active', order: 1 }),
	finish(draft) {
		const contained = at('contained', holder).get(draft);
		if (contained === undefined) return;
		(contained as Resource).patient = draft.beneficiary;
		draft.subscriber = { reference: '#subscriber' };
	},
	profile: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-coverage',
};

const ofHolder = insuranceMapping.fields.filter((one) => one.place.path.startsWith('contained'));

const holderTypes = ['Patient', 'RelatedPerson'];

/** Who may be the holder of a policy that names him elsewhere. */
function holderLinks(resource: Resource): string[] {
	if (at('contained', holder).get(resource) !== undefined) return [];
	return [linkIn(resource.subscriber) || linkIn(resource.beneficiary)];
}

/** Of a policy that names its holder elsewhere, what is known of him: the patient, or a RelatedPerson of its own. */
function withHolder(record: Shown, resource: Resource, related: Related): Shown {
	if (at('contained', holder).get(resource) !== undefined) return record;
	const patient = at('beneficiary', 'reference').get(resource);
	const link = at('subscriber', 'reference').get(resource) ?? (record.subscriber_relationship === 'self' ? patient : undefined);
	const person = related.get(String(link));
	if (person === undefined) return record;
	const isSelf = link === patient && !record.subscriber_relationship;
	const known = valuesOf(ofHolder, { contained: [{ ...person, resourceType: 'RelatedPerson', id: 'subscriber' }] });
	const given = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
	return { ...record, ...given, ...(isSelf ? { subscriber_relationship: 'self' } : {}) };
}

export const insuranceEntry: Entry = {
	mapping: insuranceMapping,
	owner: 'beneficiary',
	criteria: [['status:not', 'entered-in-error']],
	isOne: ({ status }) => status !== 'entered-in-error',
	strike: (draft) => {
		draft.status = 'entered-in-error';
	},
	present: withHolder,
	links: holderLinks,
	linkTypes: holderTypes,
};

/** Policies of a patient as a transaction sees them, but for one. */
async function othersOf(ctx: FhirCtx, work: Work, patient: string, except: string | undefined): Promise<Resource[]> {
	const query = [
		['beneficiary', patient],
		['status:not', 'entered-in-error'],
		['_count', '500'],
	] as const;
	const { matches } = await search(ctx, { type: 'Coverage', query, handling: 'strict', tx: work.unit.tx });
	return matches.filter(({ id }) => id !== except).map((one) => draftOf(one));
}

/** What a patient's policies must be together. Throws Problem invalid. */
async function requireRight(ctx: FhirCtx, work: Work, resource: Resource, before: Values | undefined): Promise<void> {
	const values = valuesOf(insuranceMapping.fields, resource);
	const isNew = (...names: string[]): boolean => before === undefined || names.some((one) => before[one] !== values[one]);
	const patient = String(at('beneficiary', 'reference').get(resource));
	const wrong: Wrong[] = [];
	if (isNew('date', 'date_end') && values.date_end !== undefined && String(values.date) > String(values.date_end))
		wrong.push({ field: 'date', code: 'DateTime::INVALID_START_DATE', text: 'date must not be after date_end' });
	if (isNew('subscriber_relationship', 'subscriber_fname', 'subscriber_lname', 'subscriber_ss'))
		wrong.push(...(await wrongOfHolder(work, patient, values)));
	if (isNew('type', 'date', 'date_end')) {
		await work.unit.lock([`insurance ${patient}`]);
		const others = (await othersOf(ctx, work, patient, resource.id)).map((one) => valuesOf(insuranceMapping.fields, one));
		const alike = others.filter(({ type }) => type === values.type);
		if (alike.some(({ date }) => date === values.date))
			wrong.push({ field: 'date', code: 'Record::DUPLICATE_RECORD', text: 'there is a policy of this type with this date already' });
		else if (values.date_end === undefined && alike.some(({ date_end }) => date_end === undefined))
			wrong.push({
				field: 'type',
				code: 'Record::DUPLICATE_CURRENT_POLICY',
				text: 'there is a policy of this type without an end already',
			});
	}
	if (wrong.length > 0) throw invalidFields(wrong);
}

const own = {
	fname: at('name', 0, 'given', 0),
	lname: at('name', 0, 'family'),
	ss: at('identifier', which({ system: 'http://hl7.org/fhir/sid/us-ssn' }), 'value'),
};

async function wrongOfHolder(work: Work, patient: string, values: Values): Promise<Wrong[]> {
	const person = draftOf(await work.read('Patient', patient.slice('Patient/'.length)));
	const is = (field: keyof typeof own): boolean => String(own[field].get(person) ?? '') === String(values[`subscriber_${field}`] ?? '');
	const social = values.subscriber_ss;
	if (values.subscriber_relationship !== 'self') {
		if (social === undefined || !is('ss')) return [];
		return [
			{ field: 'subscriber_ss', code: 'INVALID_SUBSCRIBER_SSN', text: 'subscriber ss is that of the patient, who is not the subscriber' },
		];
	}
	const wrong: Wrong[] = [];
	if (!is('fname') || !is('lname'))
		wrong.push({ field: 'subscriber_lname', code: 'INVALID_SELF_SUBSCRIBER_NAME', text: 'subscriber name is not that of the patient' });
	if (social !== undefined && own.ss.get(person) !== undefined && !is('ss'))
		wrong.push({ field: 'subscriber_ss', code: 'INVALID_SELF_SUBSCRIBER_SSN', text: 'subscriber ss is not that of the patient' });
	return wrong;
}

async function change(ctx: FhirCtx, stored: Stored, body: Values): Promise<Stored> {
	const resource = draftOf(stored);
	const before = valuesOf(insuranceMapping.fields, resource);
	const moves = ofHolder.some(({ name: one }) => Object.hasOwn(body, one)) && at('contained', holder).get(resource) === undefined;
	// The holder is written into the policy as he is known; what was sent of him comes on top.
	const known = moves ? withHolder({}, resource, await relatedTo(ctx, holderLinks(resource), holderTypes)) : {};
	const isChanged = ofHolder.some(({ name: one }) => Object.hasOwn(body, one) && String(body[one] ?? '') !== String(known[one] ?? ''));
	const sent = moves && !isChanged ? Object.fromEntries(Object.entries(body).filter(([one]) => !(one in known))) : { ...known, ...body };
	return updateRecord(ctx, insuranceMapping, stored.id, sent, (work, draft) => requireRight(ctx, work, draft, before));
}

/** Exchanges the types of a policy and of the one that has the type now. */
function swap(ctx: FhirCtx, patient: Stored, stored: Stored, type: string): Promise<{ src: Stored; target: Stored | undefined }> {
	return inOneTransaction(ctx, async (work) => {
		await work.unit.lock([`insurance Patient/${patient.id}`]);
		const source = draftOf(await work.read('Coverage', stored.id));
		const others = await othersOf(ctx, work, `Patient/${patient.id}`, stored.id);
		const rank = kinds.indexOf(type) + 1;
		const now = ctx.clock.now().toISOString().slice(0, 10);
		const present = others
			.filter((one) => one.order === rank)
			.sort((a, b) => Number(isOver(a, now)) - Number(isOver(b, now)) || startOf(b).localeCompare(startOf(a)));
		const [target] = present;
		const changed: Resource[] = [{ ...source, order: rank }];
		if (target !== undefined && source.order !== rank) changed.push({ ...target, order: source.order });
		const [src, other] = await work.update(...changed);
		return { src: src as Stored, target: other };
	});
}

function isOver(resource: Resource, day: string): boolean {
	const end = at('period', 'end').get(resource);
	return end !== undefined && String(end) < day;
}

function startOf(resource: Resource): string {
	return String(at('period', 'start').get(resource) ?? '');
}

const options: RowOptions = {
	entry: insuranceEntry,
	name,
	param: 'uuid',
	style: 'E200',
	words: { one: 'an insurance policy', many: 'insurance policies' },
	reading: 'patients.demo',
	writing: 'patients.demo',
};

const one = '/patient/:puuid/insurance/:uuid';

/** The patient of the path, in whose answers OpenEMR is flat. */
async function patientOf(ctx: FhirCtx, call: Parameters<StandardRow['run']>[1]): Promise<Stored> {
	try {
		return await patientIn(ctx, call);
	} catch (error) {
		if ((error as { code?: string }).code !== 'fields-invalid') throw error;
		throw invalidFields([{ field: 'puuid::INVALID_PUUID', code: '', text: 'Patient uuid invalid' }]);
	}
}

const swapping = rowOf(
	options,
	'GET',
	'/patient/:puuid/insurance/$swap-insurance',
	'$swap-insurance',
	'Exchanges the types of two policies: that of `uuid` gets `type`',
	async (ctx, call) => {
		const patient = await patientOf(ctx, call);
		const query = new Map(call.query);
		const type = query.get('type') ?? '';
		if (!kinds.includes(type))
			throw invalidFields([{ field: 'type', code: 'InArray::NOT_IN_ARRAY', text: 'type must be in the defined set of values' }]);
		const named = query.get('uuid') ?? '';
		const stored = await findEntry(ctx, insuranceEntry, named, patient).catch(() => {
			throw noSuchRecord('uuid', named);
		});
		const { src, target } = await swap(ctx, patient, stored, type);
		return {
			data: {
				src: await showEntry(ctx, insuranceEntry, src),
				target: target === undefined ? null : await showEntry(ctx, insuranceEntry, target),
			},
			about: src,
		};
	},
);

export const insuranceRows: readonly StandardRow[] = [
	rowOf(options, 'GET', '/patient/:puuid/insurance', 'search', 'The insurance policies of a patient', async (ctx, call) => {
		const { records, links } = await listEntries(ctx, insuranceEntry, call, await patientOf(ctx, call));
		return { data: records, links };
	}),
	{
		...rowOf(options, 'POST', '/patient/:puuid/insurance', 'create', 'Enters an insurance policy', async (ctx, call) => {
			const patient = await patientOf(ctx, call);
			const stored = await createRecord(ctx, insuranceMapping, call.body, {
				fixed: { beneficiary: { reference: `Patient/${patient.id}` } },
				also: (work, resource) => requireRight(ctx, work, resource, undefined),
			});
			return { data: await showEntry(ctx, insuranceEntry, stored), about: stored };
		}),
		success: 200,
	},
	{ ...swapping, level: 'change' },
	{ ...swapping, method: 'POST', level: 'change' },
	rowOf(options, 'GET', one, 'read', 'Shows an insurance policy', async (ctx, call) => {
		const stored = await findEntry(ctx, insuranceEntry, call.params.uuid as string, await patientOf(ctx, call));
		return { data: await showEntry(ctx, insuranceEntry, stored), about: stored };
	}),
	rowOf(options, 'PUT', one, 'update', 'Changes what is sent of an insurance policy', async (ctx, call) => {
		const found = await findEntry(ctx, insuranceEntry, call.params.uuid as string, await patientOf(ctx, call));
		const stored = await change(ctx, found, call.body);
		return { data: await showEntry(ctx, insuranceEntry, stored), about: stored };
	}),
	rowOf(options, 'DELETE', one, 'delete', 'Marks an insurance policy as entered in error', async (ctx, call) => {
		const found = await findEntry(ctx, insuranceEntry, call.params.uuid as string, await patientOf(ctx, call));
		const stored = await strike(ctx, insuranceEntry, found);
		return { data: { uuid: stored.id }, about: stored };
	}),
];
