// facility and insurance_company ↔ Organization (https://hl7.org/fhir/us/core/StructureDefinition-us-core-organization.html), told apart
// by their type.
import type { Resource } from '#fhir/resource.ts';
import { escaped } from '#fhir/search/escape.ts';
import { crudRows, deactivate } from './crud.ts';
import { extra, extras, type Field, field, lastUpdated, type Mapping } from './mapping.ts';
import { at, has, type Place, type Step, unlessUse, which } from './place.ts';
import type { StandardRow } from './row.ts';

export const npiSystem = 'http://hl7.org/fhir/sid/us-npi';
/** Employer identification numbers, https://www.hl7.org/oid */
export const einSystem = 'urn:oid:2.16.840.1.113883.4.4';
const cliaSystem = 'urn:oid:2.16.840.1.113883.4.7';
const typeSystem = 'http://terminology.hl7.org/CodeSystem/organization-type';
const profile = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-organization';

export const number = (system: string): Place => at('identifier', which({ system }), 'value');
const contact = (system: string): Place => at('telecom', which({ system }), 'value');
const postal = which({ type: 'postal' });
const street: Step = { ...unlessUse([], {}), is: (one) => !has(one, { type: 'postal' }), path: ".where(type != 'postal').first()" };

/** 1 for what is not active. */
const inactive: Place = {
	path: 'active.not()',
	get: (resource) => (resource as Resource).active === false,
	set(resource, value) {
		(resource as Resource).active = value !== true;
	},
};

const equal = { filter: {} } as const;

const facilityFields: readonly Field[] = [
	field('name', at('name'), { required: true, length: [2, 255], filter: { param: 'name:exact' }, sort: 'name' }),
	field('phone', contact('phone'), { length: [3, 30], ...equal }),
	field('fax', contact('fax'), { length: [3, 30], ...equal }),
	field('street', at('address', street, 'line', 0), { length: [2, 255], ...equal }),
	field('city', at('address', street, 'city'), { length: [2, 255], filter: { param: 'address-city:exact', isLoose: true } }),
	field('state', at('address', street, 'state'), { length: [2, 50], filter: { param: 'address-state:exact', isLoose: true } }),
	field('postal_code', at('address', street, 'postalCode'), {
		length: [2, 11],
		filter: { param: 'address-postalcode:exact', isLoose: true },
	}),
	field('country_code', at('address', street, 'country'), { length: [2, 30], filter: { param: 'address-country:exact', isLoose: true } }),
	field('federal_ein', number(einSystem), { length: [2, 15], filter: { param: 'identifier', isLoose: true } }),
	field('website', contact('url'), { form: 'url', ...equal }),
	field('email', contact('email'), { form: 'email', ...equal }),
	...['service_location', 'billing_location', 'accepts_assignment'].map((name) => extra('facility', name, { kind: 'flag', ...equal })),
	extra('facility', 'pos_code', { kind: 'integer' }),
	...extras('facility', 'x12_sender_id attn'),
	field('domain_identifier', number(cliaSystem), { numeric: true, length: [2, 60], filter: { param: 'identifier', isLoose: true } }),
	field('facility_npi', number(npiSystem), {
		required: true,
		numeric: true,
		length: [10, 15],
		filter: { param: 'identifier', value: (text) => `${npiSystem}|${escaped(text)}` },
	}),
	extra('facility', 'facility_taxonomy', { length: [2, 15], ...equal }),
	...extras('facility', 'tax_id_type color'),
	extra('facility', 'primary_business_entity', { kind: 'flag' }),
	extra('facility', 'facility_code', { length: [2, 31], ...equal }),
	extra('facility', 'extra_validation', { kind: 'flag' }),
	field('mail_street', at('address', postal, 'line', 0)),
	field('mail_street2', at('address', postal, 'line', 1), { note: 'the street when there is none' }),
	field('mail_city', at('address', postal, 'city')),
	field('mail_state', at('address', postal, 'state')),
	field('mail_zip', at('address', postal, 'postalCode')),
	extra('facility', 'oid', equal),
	...extras('facility', 'iban info weno_id'),
	field('inactive', inactive, { kind: 'flag' }),
	lastUpdated,
	field('organization_type', at('type', 0, 'coding', 0, 'code'), { isReadOnly: true }),
];

export const facilityMapping: Mapping = {
	resource: 'facility',
	type: 'Organization',
	numbers: ['id'],
	uuids: ['uuid'],
	fields: facilityFields,
	make: () => ({
		resourceType: 'Organization',
		active: true,
		type: [{ coding: [{ system: typeSystem, code: 'prov', display: 'Healthcare Provider' }] }],
	}),
	profile,
};

/** Whether an organization pays for care rather than giving it. */
function isPayer(resource: Resource): boolean {
	return ['pay', 'ins'].some((code) => has(resource, { type: [{ coding: [{ system: typeSystem, code }] }] }));
}

export const facilityRows: readonly StandardRow[] = crudRows(facilityMapping, {
	path: '/facility',
	param: 'fuuid',
	one: 'a facility',
	many: 'facilities',
	style: 'E',
	right: 'admin.users',
	writing: 'admin.super',
	criteria: [['type', `${typeSystem}|prov`]],
	is: (resource) => !isPayer(resource),
	made: ({ rid, id }) => ({ id: rid, uuid: id }),
	retire: deactivate,
});

/** Numbers of payers: https://terminology.hl7.org/CodeSystem-v2-0203.html NIIP */
const payerNumber = at(
	'identifier',
	which({ type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'NIIP' }] } }),
	'value',
);
const company = 'insurance_company';

const companyFields: readonly Field[] = [
	field('name', at('name'), { required: true, length: [2, 255], filter: { param: 'name:exact' }, sort: 'name' }),
	extra(company, 'attn', equal),
	field('cms_id', payerNumber, { length: [2, 15], filter: { param: 'identifier', isLoose: true } }),
	extra(company, 'ins_type_code', { kind: 'integer', ...equal }),
	extra(company, 'x12_receiver_id', { length: [2, 25], ...equal }),
	extra(company, 'x12_default_partner_id', { kind: 'integer' }),
	extra(company, 'alt_cms_id', { length: [2, 15], ...equal }),
	field('inactive', inactive, { kind: 'flag' }),
	field('line1', at('address', street, 'line', 0)),
	field('line2', at('address', street, 'line', 1), { note: 'the first line when there is none' }),
	field('city', at('address', street, 'city'), { filter: { param: 'address-city:exact', isLoose: true } }),
	field('state', at('address', street, 'state'), { filter: { param: 'address-state:exact', isLoose: true } }),
	field('zip', at('address', street, 'postalCode'), { filter: { param: 'address-postalcode:exact', isLoose: true } }),
	field('country', at('address', street, 'country')),
	lastUpdated,
];

export const insuranceCompanyMapping: Mapping = {
	resource: company,
	type: 'Organization',
	numbers: ['id'],
	uuids: ['uuid'],
	fields: companyFields,
	make: () => ({
		resourceType: 'Organization',
		active: true,
		type: [{ coding: [{ system: typeSystem, code: 'pay', display: 'Payer' }] }],
	}),
	profile,
};

export const insuranceCompanyRows: readonly StandardRow[] = crudRows(insuranceCompanyMapping, {
	path: '/insurance_company',
	param: 'iid',
	one: 'an insurance company',
	many: 'insurance companies',
	style: 'B',
	right: 'acct.bill',
	criteria: [['type', `${typeSystem}|pay,${typeSystem}|ins`]],
	is: isPayer,
	made: ({ rid, id }) => ({ iid: rid, uuid: id }),
	changed: ({ rid, id }) => ({ iid: rid, uuid: id }),
	retire: deactivate,
});
