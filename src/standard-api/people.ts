// practitioner and user ↔ Practitioner (https://hl7.org/fhir/us/core/StructureDefinition-us-core-practitioner.html): a practitioner is a
// user who has a National Provider Identifier.
import type { Resource } from '#fhir/resource.ts';
import { escaped } from '#fhir/search/escape.ts';
import { crudRows, deactivate } from './crud.ts';
import { extra, extras, type Field, field, lastUpdated, type Mapping } from './mapping.ts';
import { einSystem, npiSystem, number } from './organizations.ts';
import { middleNames } from './patient.ts';
import { at, has, unlessUse, which } from './place.ts';
import type { StandardRow } from './row.ts';

const name = 'practitioner';
const deaSystem = 'urn:oid:2.16.840.1.113883.4.814';
const upinSystem = 'urn:oid:2.16.840.1.113883.4.8';

const called = unlessUse(['old', 'maiden', 'nickname', 'anonymous'], {});
const place = unlessUse(['old', 'billing'], { use: 'work' });
const phone = (use: string) => at('telecom', which({ system: 'phone', use }), 'value');
const equal = { filter: {} } as const;
const numbered = { filter: { param: 'identifier', isLoose: true } } as const;

const practitionerFields: readonly Field[] = [
	extra(name, 'username', equal),
	field('title', at('name', called, 'prefix', 0), equal),
	field('fname', at('name', called, 'given', 0), {
		required: true,
		length: [2, 255],
		filter: { param: 'given:exact', isLoose: true },
		sort: 'given',
	}),
	field('mname', middleNames('name', called), equal),
	field('lname', at('name', called, 'family'), {
		required: true,
		length: [2, 255],
		filter: { param: 'family:exact', isLoose: true },
		sort: 'family',
	}),
	field('suffix', at('name', called, 'suffix', 0)),
	field('federaltaxid', number(einSystem), numbered),
	field('federaldrugid', number(deaSystem), numbered),
	field('upin', number(upinSystem), numbered),
	extra(name, 'facility_id', { to: ['Organization'], ...equal }),
	extra(name, 'facility', equal),
	field('npi', number(npiSystem), {
		required: true,
		numeric: true,
		length: [10, 15],
		filter: { param: 'identifier', value: (text) => `${npiSystem}|${escaped(text)}` },
		sort: 'identifier',
	}),
	field('email', at('telecom', which({ system: 'email' }), 'value'), { form: 'email', filter: { param: 'email', isLoose: true } }),
	field('active', at('active'), { kind: 'flag', filter: { param: 'active', value: (text) => String(text === '1') } }),
	extra(name, 'authorized', { kind: 'flag' }),
	...['specialty', 'billname'].map((one) => extra(name, one, equal)),
	field('url', at('telecom', which({ system: 'url' }), 'value'), equal),
	...['assistant', 'organization', 'valedictory'].map((one) => extra(name, one, equal)),
	field('street', at('address', place, 'line', 0), equal),
	field('streetb', at('address', place, 'line', 1), { note: 'the street when there is none', ...equal }),
	field('city', at('address', place, 'city'), { filter: { param: 'address-city:exact', isLoose: true } }),
	field('state', at('address', place, 'state'), { filter: { param: 'address-state:exact', isLoose: true } }),
	field('zip', at('address', place, 'postalCode'), { filter: { param: 'address-postalcode:exact', isLoose: true } }),
	field('country_code', at('address', place, 'country')),
	...extras(name, 'street2 streetb2 city2 state2 zip2 country_code2'),
	field('phone', phone('home'), equal),
	field('fax', at('telecom', which({ system: 'fax' }), 'value'), equal),
	field('phonew1', phone('work'), equal),
	extra(name, 'phonew2'),
	field('phonecell', phone('mobile'), equal),
	extra(name, 'notes', equal),
	field(
		'state_license_number',
		at('identifier', which({ type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'LN' }] } }), 'value'),
		numbered,
	),
	...extras(name, 'taxonomy abook_type physician_type'),
	extra(name, 'supervisor_id', { to: ['Practitioner'] }),
	lastUpdated,
];

export const practitionerMapping: Mapping = {
	resource: name,
	type: 'Practitioner',
	numbers: ['id'],
	uuids: ['uuid'],
	fields: practitionerFields,
	make: () => ({ resourceType: 'Practitioner', active: true }),
	profile: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-practitioner',
};

function hasNpi(resource: Resource): boolean {
	return has(resource, { identifier: [{ system: npiSystem }] });
}

export const practitionerRows: readonly StandardRow[] = crudRows(practitionerMapping, {
	path: '/practitioner',
	param: 'pruuid',
	one: 'a practitioner',
	many: 'practitioners',
	style: 'E',
	right: 'admin.users',
	criteria: [['identifier', `${npiSystem}|`]],
	is: hasNpi,
	made: ({ rid, id }) => ({ id: rid, uuid: id }),
	retire: deactivate,
});

/** Everybody who works here or is in the address book. */
export const userMapping: Mapping = { ...practitionerMapping, resource: 'user' };

export const userRows: readonly StandardRow[] = crudRows(userMapping, {
	path: '/user',
	param: 'uuid',
	one: 'a user',
	many: 'users',
	style: 'E200',
	right: 'admin.users',
	made: () => undefined,
	only: ['search', 'read'],
});
