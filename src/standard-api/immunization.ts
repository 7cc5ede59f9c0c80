// immunization: an Immunization. http://hl7.org/fhir/us/core/STU8/StructureDefinition-us-core-immunization.html
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { author, change, type Entry, findEntry, linkIn, listEntries, npiOf, type Present, showEntry, usernameOf } from './chart.ts';
import { namedRows, type RowOptions, rowOf, whose } from './chart-rows.ts';
import { type Codec, instantOf } from './codec.ts';
import { codeSystems } from './codes.ts';
import { extensionAt, field, type Mapping } from './mapping.ts';
import { codesOf, optionAt, optionId, titleOf } from './options.ts';
import { at, type Place, type Which } from './place.ts';
import { codeAt, codesAt, linkAt, nameAt, nameOf, noteAt, saidIn } from './places.ts';
import type { Call, StandardRow } from './row.ts';

/** Dates of this record have an offset, unlike those of all others; they are FHIR's own. */
export const instantText: Codec = {
	show: (json) => String(json),
	keep(value) {
		const text = String(value).trim();
		if (/^\d{4}-\d\d-\d\d$/.test(text) || /(Z|[+-]\d\d:\d\d)$/.test(text)) return text;
		return instantOf(text);
	},
};

const statuses: Readonly<Record<string, 'completed' | 'not-done'>> = {
	Completed: 'completed',
	Partially_Administered: 'completed',
	Not_Administered: 'not-done',
	Refused: 'not-done',
};

const exactStatus = extensionAt('immunization', 'completion_status');

/** OpenEMR's word is kept where it says more than FHIR's status; a status that was changed since then wins. */
const completionPlace: Place = {
	path: `status | ${exactStatus.path}`,
	get(resource) {
		const { status } = resource as Resource;
		const exact = exactStatus.get(resource);
		if (exact !== undefined && (status === 'entered-in-error' || saidIn(statuses, exact) === status)) return exact;
		return status === 'completed' ? 'Completed' : status === 'not-done' ? 'Not_Administered' : undefined;
	},
	set(resource, value) {
		const node = resource as Resource;
		const status = saidIn(statuses, value ?? 'Completed') ?? 'completed';
		if (node.status !== 'entered-in-error') node.status = status;
		exactStatus.set(resource, value === undefined || value === 'Completed' || value === 'Not_Administered' ? undefined : value);
	},
};

const erroneousPlace: Place = {
	path: `(status = 'entered-in-error')`,
	get: (resource) => (resource as Resource).status === 'entered-in-error',
	set(resource, value) {
		const node = resource as Resource;
		if (value === true) node.status = 'entered-in-error';
		else if (node.status === 'entered-in-error') node.status = saidIn(statuses, exactStatus.get(resource)) ?? 'completed';
	},
};

const anyEducation: Which = { is: () => true, made: { documentType: 'Vaccine Information Statement' }, path: '.first()' };
const performer = linkAt('performer', 0, 'actor');
const dated = { codec: instantText, form: 'instant' } as const;

export const immunizationMapping: Mapping = {
	resource: 'immunization',
	type: 'Immunization',
	numbers: ['id'],
	uuids: ['uuid'],
	fields: [
		field('patient_id', at('patient', 'reference'), { to: ['Patient'], isReadOnly: true }),
		field('puuid', at('patient', 'reference'), { to: ['Patient'], as: 'uuid', isReadOnly: true }),
		field('administered_date', at('occurrenceDateTime'), {
			...dated,
			required: true,
			sort: 'date',
			filter: { param: 'date', value: (text) => text },
		}),
		field('cvx_code', codeAt(codeSystems.cvx, 'vaccineCode'), {
			required: true,
			length: [1, 10],
			numeric: true,
			filter: { param: 'vaccine-code' },
		}),
		field('cvx_code_text', nameAt('vaccineCode'), { length: [1, 255] }),
		field('manufacturer', at('manufacturer', 'display'), { length: [1, 255] }),
		field('lot_number', at('lotNumber'), { length: [1, 50], filter: { param: 'lot-number' } }),
		field('added_erroneously', erroneousPlace, { kind: 'flag' }),
		field('administered_by_id', performer, { to: ['Practitioner', 'Organization'] }),
		field('provider_uuid', performer, { to: ['Practitioner', 'Organization'], as: 'uuid' }),
		field('administered_by', at('performer', 0, 'actor', 'display'), { length: [1, 255] }),
		field('education_date', at('education', anyEducation, 'presentationDate'), dated),
		field('note', noteAt()),
		field('create_date', at('recorded'), dated),
		field('update_date', at('meta', 'lastUpdated'), { ...dated, isReadOnly: true, sort: '_lastUpdated' }),
		field('amount_administered', at('doseQuantity', 'value'), { kind: 'decimal' }),
		field('amount_administered_unit', at('doseQuantity', 'unit'), { length: [1, 50] }),
		field('expiration_date', at('expirationDate'), { kind: 'date' }),
		field('route', optionAt('drug_route', 'route'), { codec: optionId, length: [1, 100] }),
		field('administration_site', optionAt('immunization_administered_site', 'site'), { codec: optionId, length: [1, 255] }),
		field('completion_status', completionPlace, { oneOf: Object.keys(statuses) }),
		field('reason_code', codesAt('immunization', 'reason_code', ['reasonCode', 0]), { length: [2, 255] }),
		field('refusal_reason', optionAt('immunization_refusal_reason', 'statusReason'), { codec: optionId, length: [1, 255] }),
		field('refusal_reason_codes', codesAt('immunization', 'refusal_reason_codes', ['statusReason']), { length: [2, 255] }),
		field('primarySource', at('primarySource'), { kind: 'flag', codec: { show: (json) => json === true, keep: (value) => value === 1 } }),
		field('euuid', at('encounter', 'reference'), { to: ['Encounter'], as: 'uuid' }),
		field('facility_location_uuid', at('location', 'reference'), { to: ['Location'], as: 'uuid' }),
	],
	make: () => ({ resourceType: 'Immunization', status: 'completed', primarySource: true }),
	profile: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-immunization',
};

const present: Present = (record, { statusReason, location }, related) => {
	const provider = related.get(`Practitioner/${record.provider_uuid}`);
	const place = related.get(linkIn(location));
	const refusal = String(record.refusal_reason ?? '');
	const site = record.administration_site === '' ? null : record.administration_site;
	return {
		...record,
		site_display: titleOf('immunization_administered_site', site),
		site_code: codesOf('immunization_administered_site', site),
		refusal_reason_cdc_nip_code: codesOf('immunization_refusal_reason', refusal)?.replace('NIP002:', '') ?? null,
		refusal_reason_description: nameOf(statusReason) ?? null,
		provider_npi: npiOf(provider),
		provider_username: usernameOf(provider),
		facility_uuid: linkIn(place?.managingOrganization).split('/')[1] ?? null,
	};
};

function entered(ctx: FhirCtx): object {
	const actor = author(ctx);
	return { recorded: ctx.clock.now().toISOString(), ...(actor === undefined ? {} : { performer: [{ actor }] }) };
}

/** OpenEMR marks what was entered in error and keeps it: it is found when it is asked for. */
function isAskedFor({ query }: Call): boolean {
	return query.some(([param, value]) => param === 'added_erroneously' && value !== '' && value !== '0');
}

const immunization: Entry = {
	mapping: immunizationMapping,
	owner: 'patient',
	order: '-date',
	criteria: [['status:not', 'entered-in-error']],
	isOne: ({ status }) => status !== 'entered-in-error',
	entered,
	strike: (resource) => {
		resource.status = 'entered-in-error';
	},
	present,
	links: (resource) => [linkIn(resource.location), String(performer.get(resource) ?? '')],
};

/** What was struck out may be looked at, and taken back by `added_erroneously` 0. */
const withStruck: Entry = { ...immunization, criteria: [['status', 'entered-in-error']], isOne: () => true };

const options: RowOptions = {
	entry: immunization,
	name: 'immunization',
	param: 'uuid',
	style: 'E200',
	words: { one: 'an immunization', many: 'immunizations' },
	reading: 'patients.med',
	writing: 'patients.med',
};

const list = `/${options.name}`;
const one = `${list}/:uuid`;

export const immunizationRows: readonly StandardRow[] = [
	rowOf(options, 'GET', list, 'search', 'The immunizations of all patients, or of `patient_id`', async (ctx, call) => {
		const { records, links } = await listEntries(
			ctx,
			isAskedFor(call) ? withStruck : immunization,
			call,
			undefined,
			await whose(ctx, call),
		);
		return { data: records, links };
	}),
	rowOf(options, 'GET', one, 'read', 'Shows an immunization', async (ctx, call) => {
		const stored = await findEntry(ctx, isAskedFor(call) ? withStruck : immunization, call.params.uuid as string);
		return { data: await showEntry(ctx, immunization, stored), about: stored };
	}),
	...namedRows(options, ['DELETE']),
	rowOf(options, 'PUT', one, 'update', 'Changes what is sent of an immunization', async (ctx, { params, body }) => {
		const stored = await change(ctx, immunization, await findEntry(ctx, withStruck, params.uuid as string), body);
		return { data: await showEntry(ctx, immunization, stored), about: stored };
	}),
];
