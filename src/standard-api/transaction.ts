// transaction: a referral or another request that leaves the house, as a ServiceRequest. https://hl7.org/fhir/R4/servicerequest.html
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource, Stored } from '#fhir/resource.ts';
import {
	author,
	change,
	type Entry,
	enter,
	findEntry,
	firstOf,
	linkIn,
	listEntries,
	npiOf,
	type Present,
	patientIn,
	showEntries,
	strike,
} from './chart.ts';
import { type RowOptions, rowOf } from './chart-rows.ts';
import { codeSystems } from './codes.ts';
import { extra, type Field, field, type Mapping } from './mapping.ts';
import { npiSystem } from './organizations.ts';
import { at, has, type Place, type Step, which } from './place.ts';
import { codesAt, noteAt, removeChoice } from './places.ts';
import { invalidFields } from './problems.ts';
import type { Call, StandardRow } from './row.ts';
import { requireNew, valuesSent } from './rules.ts';
import type { Read } from './write.ts';

const name = 'transaction';
const typeSystem = 'https://heron-ehr.org/fhir/CodeSystem/transaction-type';
const referral = { system: codeSystems.snomed, code: '3457005', display: 'Patient referral' };

/** OpenEMR's forms of transactions, and what they are called. */
const types: Readonly<Record<string, string>> = {
	LBTref: 'Referral',
	LBTptreq: 'Patient Request',
	LBTphreq: 'Physician Request',
	LBTlegal: 'Legal',
	LBTbill: 'Billing',
};

const typeCode = at('category', which({ coding: [{ system: typeSystem }] }), 'coding', which({ system: typeSystem }), 'code');

/** The form; a referral that came through FHIR is one by its category. */
const typePlace: Place = {
	path: `${typeCode.path} | category.coding.where(code = '${referral.code}').exists()`,
	get: (resource) =>
		typeCode.get(resource) ?? (has(resource, { category: [{ coding: [{ code: referral.code }] }] }) ? 'LBTref' : undefined),
	set(resource, value) {
		const draft = resource as Resource;
		const code = String(value);
		const others = Array.isArray(draft.category) ? draft.category.filter((one) => !isTypeConcept(one)) : [];
		const coding = { system: typeSystem, code, display: types[code] ?? code };
		draft.category = [{ coding: code === 'LBTref' ? [coding, referral] : [coding], text: coding.display }, ...others];
		draft.code ??= code === 'LBTref' ? { coding: [{ ...referral }], text: coding.display } : { text: coding.display };
	},
};

function isTypeConcept(concept: unknown): boolean {
	return has(concept, { coding: [{ system: typeSystem }] }) || has(concept, { coding: [{ code: referral.code }] });
}

/** Somebody known by the National Provider Identifier, which a record of the practice may stand for. */
function byNpi(...steps: readonly Step[]): Place {
	const person = at(...steps);
	const npi = at(...steps, 'identifier', 'value');
	return {
		path: npi.path,
		get: (resource) => (has(person.get(resource), { identifier: { system: npiSystem } }) ? npi.get(resource) : undefined),
		set: (resource, value) => person.set(resource, value === undefined ? undefined : { identifier: { system: npiSystem, value } }),
	};
}

const visits: Place = {
	path: 'quantityQuantity.value',
	get: (resource) => at('quantityQuantity', 'value').get(resource),
	set(resource, value) {
		removeChoice(resource as Record<string, unknown>, 'quantity');
		if (value !== undefined) (resource as Resource).quantityQuantity = { value, unit: 'visits' };
	},
};

/** From when and until when it holds. */
function validPart(end: 'start' | 'end'): Place {
	const part = at('occurrencePeriod', end);
	return {
		path: part.path,
		get: (resource) => part.get(resource),
		set(resource, value) {
			const { occurrencePeriod } = resource as Resource;
			if (occurrencePeriod === undefined) removeChoice(resource as Record<string, unknown>, 'occurrence');
			part.set(resource, value);
		},
	};
}

const [requester, performer] = [byNpi('requester'), byNpi('performer', 0)];
const [validFrom, validThrough] = [validPart('start'), validPart('end')];

const fields: readonly Field[] = [
	field('type', typePlace, { required: true, length: [2, 63], filter: {} }),
	field('referralDate', at('authoredOn'), { kind: 'date', sort: 'authored' }),
	field('body', noteAt(), { length: [2, 150] }),
	extra(name, 'groupname', { length: [1, 255] }),
	field('referByNpi', requester, { length: [2, 255] }),
	field('referToNpi', performer, { length: [2, 255] }),
	field('referDiagnosis', codesAt(name, 'referDiagnosis', ['reasonCode', 0])),
	extra(name, 'riskLevel'),
	extra(name, 'includeVitals', { kind: 'flag' }),
	extra(name, 'authorization'),
	field('visits', visits, { kind: 'integer' }),
	field('validFrom', validFrom, { kind: 'date' }),
	field('validThrough', validThrough, { kind: 'date' }),
];

export const transactionMapping: Mapping = {
	resource: name,
	type: 'ServiceRequest',
	numbers: ['id', 'form_id'],
	uuids: ['uuid'],
	fields,
	make: () => ({ resourceType: 'ServiceRequest', status: 'active', intent: 'order' }),
	profile: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-servicerequest',
};

/** What a referral has to have besides. */
const referralFields = fields.map(
	(one): Field =>
		['referralDate', 'body', 'groupname', 'referByNpi'].includes(one.name) ? { ...one, rules: { ...one.rules, required: true } } : one,
);

/** Rows are read under other names than they are written. */
const present: Present = (record, resource, related) => {
	const { performer: performers, requester: by } = resource;
	const npi = (shown: unknown, link: unknown): unknown => (shown === '' ? (npiOf(related.get(linkIn(link))) ?? '') : shown);
	const people = { referByNpi: npi(record.referByNpi, by), referToNpi: npi(record.referToNpi, firstOf(performers)) };
	return {
		...record,
		...people,
		title: record.type,
		authorized: 1,
		refer_date: record.referralDate,
		refer_diag: record.referDiagnosis,
		refer_from: people.referByNpi,
		refer_to: people.referToNpi,
		refer_risk_level: record.riskLevel,
		refer_vitals: record.includeVitals,
		refer_authorization: record.authorization,
		refer_visits: record.visits,
		refer_validFrom: record.validFrom,
		refer_validThrough: record.validThrough,
	};
};

const transaction: Entry = {
	mapping: transactionMapping,
	owner: 'subject',
	order: '-authored',
	criteria: [
		['category', [`${typeSystem}|`, `${referral.system}|${referral.code}`].join(',')],
		['status:not', 'entered-in-error'],
	],
	isOne: (resource) => resource.status !== 'entered-in-error' && typePlace.get(resource) !== undefined,
	entered: (ctx) => {
		const by = author(ctx);
		return by === undefined ? {} : { requester: by };
	},
	settle: (resource) => {
		const [start, end] = [validFrom.get(resource), validThrough.get(resource)];
		if (start === undefined || end === undefined || String(start) <= String(end)) return;
		throw invalidFields([{ field: 'validThrough', code: 'DateTime::INVALID_VALUE', text: 'validThrough must not be before validFrom' }]);
	},
	strike: (resource) => {
		resource.status = 'entered-in-error';
	},
	present,
	links: ({ requester: by, performer: performers }) => [linkIn(by), linkIn(firstOf(performers))],
};

const options: RowOptions = {
	entry: transaction,
	name,
	param: 'tid',
	style: 'E200',
	words: { one: 'a transaction', many: 'transactions' },
	reading: 'patients.trans',
	writing: 'patients.trans',
};

/** What is sent, with OpenEMR's second name of the authorization. */
function sentIn({ body }: Call): Readonly<Record<string, unknown>> {
	const { referralAuthorization: also, ...rest } = body;
	return also === undefined || rest.authorization !== undefined ? rest : { ...rest, authorization: also };
}

async function transactionIn(ctx: FhirCtx, call: Call): Promise<Read> {
	return findEntry(ctx, transaction, call.params.tid as string, call.params.pid === undefined ? undefined : await patientIn(ctx, call));
}

async function shownOne(ctx: FhirCtx, stored: Stored) {
	return { data: (await showEntries(ctx, transaction, [stored]))[0], about: stored };
}

const [list, oneOfPatient, one] = ['/patient/:pid/transaction', '/patient/:pid/transaction/:tid', '/transaction/:tid'];

const reads = [oneOfPatient, one].map((path) =>
	rowOf(options, 'GET', path, 'read', 'Shows a transaction', async (ctx, call) => shownOne(ctx, await transactionIn(ctx, call))),
);

const changes = [oneOfPatient, one].map((path) =>
	rowOf(options, 'PUT', path, 'update', 'Changes what is sent of a transaction', async (ctx, call) =>
		shownOne(ctx, await change(ctx, transaction, await transactionIn(ctx, call), sentIn(call))),
	),
);

const removals = [oneOfPatient, one].map((path) =>
	rowOf(options, 'DELETE', path, 'delete', 'Marks a transaction as entered in error', async (ctx, call) => {
		const stored = await strike(ctx, transaction, await transactionIn(ctx, call));
		return { data: { uuid: stored.id }, about: stored };
	}),
);

export const transactionRows: readonly StandardRow[] = [
	rowOf(options, 'GET', list, 'search', 'The transactions of a patient, as a list in a list', async (ctx, call) => {
		const { records, links } = await listEntries(ctx, transaction, call, await patientIn(ctx, call));
		return records.length === 0 ? { data: [], status: 404 } : { data: [records], links };
	}),
	rowOf(options, 'POST', list, 'create', 'Enters a transaction', async (ctx, call) => {
		const patient = await patientIn(ctx, call);
		const sent = sentIn(call);
		if (sent.type === 'LBTref') requireNew(referralFields, valuesSent(referralFields, sent));
		const stored = await enter(ctx, transaction, patient, sent);
		return { data: [{ id: stored.rid, form_id: stored.rid, uuid: stored.id }], about: stored };
	}),
	...reads,
	...changes,
	...removals,
];
