// patient ↔ Patient (https://hl7.org/fhir/us/core/StructureDefinition-us-core-patient.html): demographics.
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { coded, localTime } from './codec.ts';
import { omb, spoken, worded } from './concepts.ts';
import { list } from './list.ts';
import { extra, extras, type Field, field, lastUpdated, type Mapping } from './mapping.ts';
import { at, isNode, type Place, type Step, unlessUse, which } from './place.ts';
import { createRecord, type Found, showOne, updateRecord } from './records.ts';
import { findNamed } from './references.ts';
import type { StandardRow } from './row.ts';

const name = 'patient';
const typesOfIdentifier = 'http://terminology.hl7.org/CodeSystem/v2-0203';
const ssn = 'http://hl7.org/fhir/sid/us-ssn';
/** Numbers that the practice gives its patients. */
export const patientNumberSystem = 'urn:heron:patient-number';

const identified = (code: string, also: object): Step => which({ type: { coding: [{ system: typesOfIdentifier, code }] } }, also);
const present = unlessUse(['old', 'maiden', 'nickname', 'anonymous'], { use: 'official' });
const maiden = which({ use: 'maiden' });
const home = unlessUse(['old', 'billing'], { use: 'home' });
const roleOf = (system: string, code: string): Step => which({ relationship: [{ coding: [{ system, code }] }] });
const emergency = roleOf('http://terminology.hl7.org/CodeSystem/v2-0131', 'C');
const guardian = roleOf('http://terminology.hl7.org/CodeSystem/v3-RoleCode', 'GUARD');
const phone = (use: string): Step => which({ system: 'phone', use });
const mail = which({ system: 'email' });

export const genders = coded({ Male: 'male', Female: 'female', Unknown: 'unknown', Other: 'other' });
export const genderWords = ['Male', 'Female', 'Unknown', 'Other'] as const;

const pubpid = at('identifier', identified('MR', { system: patientNumberSystem, use: 'usual' }), 'value');

/** Given names after the first, as one text. */
export function middleNames(...steps: readonly Step[]): Place {
	const given = at(...steps, 'given');
	return {
		path: `${given.path}.skip(1)`,
		get(resource) {
			const names = given.get(resource);
			return Array.isArray(names) && names.length > 1 ? names.slice(1).filter(Boolean).join(' ') : undefined;
		},
		set(resource, value) {
			const names = given.get(resource);
			const [first] = Array.isArray(names) ? names : [];
			const kept = [first, value].filter((one) => one !== undefined);
			given.set(resource, kept.length === 0 ? undefined : kept);
		},
	};
}

/** A resource says that somebody died by a time or by a mere yes, not both. */
const deceased: Place = {
	path: 'deceasedDateTime',
	get: (resource) => (resource as Resource).deceasedDateTime,
	set(resource, value) {
		const draft = resource as Resource;
		if (value === undefined) delete draft.deceasedDateTime;
		else {
			delete draft.deceasedBoolean;
			draft.deceasedDateTime = value;
		}
	},
};

function readOnly(path: string, get: (resource: Resource) => unknown): Place {
	return { path, get: (resource) => get(resource as Resource), set: () => undefined };
}

const formerNames = readOnly("name.where(use = 'old')", ({ name: names }) => {
	if (!Array.isArray(names)) return undefined;
	return names
		.filter((one) => isNode(one) && one.use === 'old')
		.map((one) => {
			const [first = '', ...middle] = one.given ?? [];
			const parts = {
				prefix: one.prefix?.[0] ?? '',
				first,
				middle: middle.join(' '),
				last: one.family ?? '',
				suffix: one.suffix?.[0] ?? '',
			};
			const end = one.period?.end;
			return {
				...Object.fromEntries(Object.entries(parts).map(([part, text]) => [`previous_name_${part}`, text])),
				previous_name_enddate: end === undefined ? null : localTime(end).slice(0, 10),
				formatted_name: one.text ?? Object.values(parts).filter(Boolean).join(' '),
			};
		});
});

const addressUses: Readonly<Record<string, string>> = { home: 'home', work: 'work', temp: 'temp', old: 'old', billing: 'billing' };

const allAddresses = readOnly('address', ({ address }) => {
	if (!Array.isArray(address)) return undefined;
	return address.filter(isNode).map((one, i) => {
		const { line = [], period = {} } = one as { line?: string[]; period?: { start?: string; end?: string } };
		const day = (time: string | undefined): string | null => (time === undefined ? null : localTime(time));
		return {
			id: i + 1,
			period_start: day(period.start),
			period_end: day(period.end),
			type: one.type ?? 'both',
			use: addressUses[String(one.use)] ?? null,
			priority: i,
			line1: line[0] ?? '',
			line2: line.slice(1).join(', '),
			city: one.city ?? '',
			district: one.district ?? '',
			state: one.state ?? '',
			postal_code: one.postalCode ?? '',
			country_code: one.country ?? '',
		};
	});
});

const part = (param: string) => ({ param: `${param}:contains`, isLoose: true, part: true }) as const;
const exact = (param: string) => ({ param, isLoose: true }) as const;

export const patientFields: readonly Field[] = [
	field('pubpid', pubpid, {
		filter: exact('identifier'),
		sort: 'identifier',
		note: 'the number of the record when nothing is sent',
	}),
	field('title', at('name', present, 'prefix', 0), { filter: part('name') }),
	field('fname', at('name', present, 'given', 0), { required: true, length: [1, 255], filter: part('given'), sort: 'given' }),
	field('mname', middleNames('name', present), { filter: part('given') }),
	field('lname', at('name', present, 'family'), { required: true, length: [2, 255], filter: part('family'), sort: 'family' }),
	field('suffix', at('name', present, 'suffix', 0)),
	field('preferred_name', at('name', which({ use: 'nickname' }), 'given', 0)),
	field('birth_fname', at('name', maiden, 'given', 0)),
	field('birth_mname', middleNames('name', maiden)),
	field('birth_lname', at('name', maiden, 'family')),
	extra(name, 'name_history'),
	extra(name, 'mothersname'),
	field('DOB', at('birthDate'), { kind: 'date', required: true, filter: { param: 'birthdate' }, sort: 'birthdate' }),
	field('sex', at('gender'), {
		codec: genders,
		required: true,
		length: [4, 30],
		oneOf: genderWords,
		filter: { param: 'gender' },
		sort: 'gender',
	}),
	...extras(name, 'sex_identified gender_identity sexual_orientation pronoun'),
	field('ss', at('identifier', which({ system: ssn }, { type: { coding: [{ system: typesOfIdentifier, code: 'SS' }] } }), 'value'), {
		filter: exact('identifier'),
	}),
	field('drivers_license', at('identifier', identified('DL', {}), 'value')),
	field(
		'status',
		worded(at('maritalStatus'), 'http://terminology.hl7.org/CodeSystem/v3-MaritalStatus', {
			married: ['M', 'Married'],
			single: ['S', 'Never Married'],
			divorced: ['D', 'Divorced'],
			widowed: ['W', 'Widowed'],
			separated: ['L', 'Legally Separated'],
			'domestic partner': ['T', 'Domestic partner'],
		}),
	),
	field('deceased_date', deceased, { kind: 'datetime' }),
	extra(name, 'deceased_reason'),
	field('street', at('address', home, 'line', 0), { filter: part('address') }),
	field('street_line_2', at('address', home, 'line', 1), { note: 'the street when there is none' }),
	field('city', at('address', home, 'city'), { filter: part('address-city'), sort: 'address-city' }),
	field('state', at('address', home, 'state'), { filter: part('address-state'), sort: 'address-state' }),
	field('postal_code', at('address', home, 'postalCode'), { filter: part('address-postalcode'), sort: 'address-postalcode' }),
	field('county', at('address', home, 'district')),
	field('country_code', at('address', home, 'country'), { filter: exact('address-country'), sort: 'address-country' }),
	field('phone_home', at('telecom', phone('home'), 'value'), { filter: exact('phone'), sort: 'phone' }),
	field('phone_biz', at('telecom', phone('work'), 'value'), { filter: exact('phone'), sort: 'phone' }),
	field('phone_cell', at('telecom', phone('mobile'), 'value'), { filter: exact('phone'), sort: 'phone' }),
	field('phone_contact', at('contact', emergency, 'telecom', which({ system: 'phone' }), 'value')),
	field('contact_relationship', at('contact', emergency, 'name', 'text')),
	field('email', at('telecom', mail, 'value'), { form: 'email', filter: exact('email'), sort: 'email' }),
	extra(name, 'email_direct', { form: 'email' }),
	field('language', spoken),
	field('race', omb('race')),
	field('ethnicity', omb('ethnicity')),
	field(
		'religion',
		at('extension', which({ url: 'http://hl7.org/fhir/StructureDefinition/patient-religion' }), 'valueCodeableConcept', 'text'),
	),
	...extras(
		name,
		'ethnoracial tribal_affiliations nationality_country interpreter interpreter_needed migrantseasonal family_size monthly_income homeless occupation industry vfc',
	),
	field('guardiansname', at('contact', guardian, 'name', 'text')),
	extra('patient', 'guardianrelationship', {}),
	field('guardiansex', at('contact', guardian, 'gender'), { codec: genders, oneOf: genderWords }),
	field('guardianaddress', at('contact', guardian, 'address', 'line', 0)),
	field('guardiancity', at('contact', guardian, 'address', 'city')),
	field('guardianstate', at('contact', guardian, 'address', 'state')),
	field('guardianpostalcode', at('contact', guardian, 'address', 'postalCode')),
	field('guardiancountry', at('contact', guardian, 'address', 'country')),
	field('guardianphone', at('contact', guardian, 'telecom', phone('home'), 'value')),
	field('guardianworkphone', at('contact', guardian, 'telecom', phone('work'), 'value')),
	field('guardianemail', at('contact', guardian, 'telecom', mail, 'value')),
	field('providerID', practitionerAt(), { to: ['Practitioner'], filter: {} }),
	extra(name, 'ref_providerID', { to: ['Practitioner'] }),
	extra(name, 'provider_since_date', { kind: 'date' }),
	...extras(name, 'referrer referrerID referral_source care_team_provider care_team_facility care_team_status completed_ad'),
	extra(name, 'pharmacy_id', { to: ['Organization'] }),
	extra(name, 'ad_reviewed', { kind: 'datetime' }),
	extra(name, 'advance_directive_user_authenticator', { to: ['Practitioner'] }),
	extra(name, 'contrastart', { kind: 'date' }),
	...extras(
		name,
		`patient_groups hipaa_mail hipaa_voice hipaa_notice hipaa_message hipaa_allowsms hipaa_allowemail allow_imm_reg_use allow_imm_info_share
		allow_health_info_ex allow_patient_portal prevent_portal_apps imm_reg_status imm_reg_stat_effdate publicity_code publ_code_eff_date
		protect_indicator prot_indi_effdate cmsportal_login financial billing_note pricelevel squad genericname1 genericval1 genericname2
		genericval2 usertext1 usertext2 usertext3 usertext4 usertext5 usertext6 usertext7 usertext8 userlist1 userlist2 userlist3 userlist4
		userlist5 userlist6 userlist7`.trim(),
	),
	extra(name, 'financial_review', { kind: 'datetime' }),
	extra(name, 'fitness', { kind: 'integer' }),
	extra(name, 'soap_import_status', { kind: 'integer' }),
	extra(name, 'dupscore', { kind: 'integer' }),
	extra(name, 'regdate', { kind: 'datetime', note: 'the time of the POST when nothing is sent' }),
	field('date', at('meta', 'lastUpdated'), { kind: 'datetime', isReadOnly: true, sort: '_lastUpdated' }),
	lastUpdated,
	field('previous_names', formerNames, { kind: 'list', isReadOnly: true }),
	field('addresses', allAddresses, { kind: 'list', isReadOnly: true }),
];

function practitionerAt(): Place {
	const isPractitioner = {
		is: (one: unknown) => isNode(one) && /^Practitioner\//.test(String(one.reference)),
		made: {},
		path: '.where(resolve() is Practitioner)',
	};
	return at('generalPractitioner', isPractitioner, 'reference');
}

export const patientMapping: Mapping = {
	resource: name,
	type: 'Patient',
	numbers: ['id', 'pid'],
	uuids: ['uuid'],
	fields: patientFields,
	make: () => ({ resourceType: 'Patient', active: true }),
	numbered(draft, number) {
		if (pubpid.get(draft) === undefined) pubpid.set(draft, String(number));
	},
	profile: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient',
};

/** A patient as the Standard and Portal APIs show it. */
export function showPatient(ctx: FhirCtx, found: Found): Promise<Record<string, unknown>> {
	return showOne(ctx, patientMapping, found);
}

export const patientRows: readonly StandardRow[] = [
	{
		method: 'GET',
		path: '/patient',
		resource: name,
		does: 'search',
		right: 'patients.demo',
		type: 'Patient',
		mapping: patientMapping,
		style: 'E',
		summary: 'Patients by any of the fields that can be searched',
		async run(ctx, call) {
			const { records, links } = await list(ctx, patientMapping, call);
			return { data: records, links };
		},
	},
	{
		method: 'POST',
		path: '/patient',
		resource: name,
		does: 'create',
		right: 'patients.demo',
		level: 'add',
		type: 'Patient',
		mapping: patientMapping,
		style: 'E',
		summary: 'Registers a patient',
		async run(ctx, { body }) {
			const now = localTime(ctx.clock.now().toISOString());
			const stored = await createRecord(ctx, patientMapping, { regdate: now, ...body });
			return { data: { pid: stored.rid, uuid: stored.id }, about: stored };
		},
	},
	{
		method: 'GET',
		path: '/patient/:puuid',
		resource: name,
		does: 'read',
		right: 'patients.demo',
		type: 'Patient',
		mapping: patientMapping,
		style: 'E',
		summary: 'One patient',
		async run(ctx, { params }) {
			const stored = await findNamed(ctx, 'Patient', params.puuid as string);
			return { data: await showPatient(ctx, stored), about: stored };
		},
	},
	{
		method: 'PUT',
		path: '/patient/:puuid',
		resource: name,
		does: 'update',
		right: 'patients.demo',
		level: 'change',
		type: 'Patient',
		mapping: patientMapping,
		style: 'E',
		summary: 'Changes the fields that are sent',
		async run(ctx, { params, body }) {
			const { id } = await findNamed(ctx, 'Patient', params.puuid as string);
			const stored = await updateRecord(ctx, patientMapping, id, body);
			return { data: await showPatient(ctx, stored), about: stored };
		},
	},
];
