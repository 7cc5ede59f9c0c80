// The clinic itself: organizations, places, staff, payers, the laboratory, the pharmacy, the hospital next door, and its forms.
import { createRandom, type Random } from '#base/random.ts';
import { worksAt } from '#fhir/provenance/authors.ts';
import type { Resource } from '#fhir/resource.ts';
import { type Drug, drugs, stocked } from './data/drugs.ts';
import { origins } from './data/names.ts';
import { type Care, facilityRows, payerRows, type StaffRow, staffRows } from './data/staff.ts';
import { concept, concepts, hl7, home, type Link, linkTo, npi, profiled, rxnorm, snomed } from './fhir.ts';
import { questionnaires } from './forms.ts';

export type Facility = { readonly key: string; readonly organization: Link; readonly location: Link };

export type Staff = {
	readonly row: StaffRow;
	/** e.g. "Amara Okafor, MD". */
	readonly name: string;
	readonly link: Link;
	readonly role: Link;
	readonly facility: Facility;
};

export type Payer = {
	readonly key: string;
	readonly link: Link;
	readonly type: readonly [string, string];
	readonly plans: readonly string[];
};

export type Practice = {
	/** To be loaded before any patient, those first that others refer to. */
	readonly resources: readonly Resource[];
	readonly organization: Link;
	readonly facilities: readonly Facility[];
	readonly staff: readonly Staff[];
	readonly payers: readonly Payer[];
	readonly laboratory: Link;
	readonly pharmacy: Link;
	readonly hospital: Facility;
	/** Medications kept in stock, by the name of the drug. */
	readonly stock: ReadonlyMap<string, Link>;
	/** Those who look after patients of a kind, the first `more` generated ones included. */
	caring(care: Care, more: number): readonly Staff[];
};

/** Patients that the staff with logins can see; beyond them there is a clinician more for every so many. */
const staffSees = 200;
const patientsPerClinician = 50;

/** How many more clinicians there are when patient n comes. */
export function moreClinicians(n: number): number {
	return n < staffSees ? 0 : 1 + Math.floor((n - staffSees) / patientsPerClinician);
}

/** The practice; the same seed gives the same, and `clinicians` only adds at the end. */
export function makePractice(seed: number, clinicians: number): Practice {
	const random = createRandom(seed, 0xc11);
	const resources: Resource[] = [];
	const add = (resource: Resource): Resource => {
		resources.push({ id: random.uuid(), ...resource });
		return resources.at(-1) as Resource;
	};
	const organization = add(organizationOf(random, 'Lakeside Family Health', 'prov', '418 East Juneau Avenue', 'Milwaukee', '53202'));
	const partOf = linkTo(organization, 'Lakeside Family Health');
	const facilities = facilityRows.map((row): Facility => {
		const own = add({ ...organizationOf(random, row.name, 'prov', row.line, row.city, row.zip), partOf });
		return { key: row.key, organization: linkTo(own, row.name), location: linkTo(add(locationOf(own, row.kind)), row.name) };
	});
	const hospitalOrganization = add(
		organizationOf(random, 'St. Brigid Hospital', 'other', '1500 North Prospect Avenue', 'Milwaukee', '53202'),
	);
	const hospital: Facility = {
		key: 'hospital',
		organization: linkTo(hospitalOrganization, 'St. Brigid Hospital'),
		location: linkTo(add(locationOf(hospitalOrganization, ['HOSP', 'Hospital'])), 'St. Brigid Hospital'),
	};
	const laboratory = add({
		...organizationOf(random, 'Great Lakes Reference Laboratory', 'other', '900 South Fifth Street', 'West Allis', '53214'),
		identifier: [npiOf(random), { system: 'urn:oid:2.16.840.1.113883.4.7', value: '52D0912345' }],
	});
	add({
		...organizationOf(random, 'Lakeside In-house Laboratory', 'other', '2205 East Capitol Drive', 'Shorewood', '53211'),
		identifier: [npiOf(random), { system: 'urn:oid:2.16.840.1.113883.4.7', value: '52D0954321' }],
		partOf,
	});
	const pharmacy = add(organizationOf(random, 'Juneau Corner Pharmacy', 'other', '440 East Juneau Avenue', 'Milwaukee', '53202'));
	const payers = payerRows.map(({ key, name, naic, type, plans }): Payer => {
		const payer = add({
			...organizationOf(random, name, 'pay', `${random.between(100, 999)} Insurance Way`, 'Milwaukee', '53203'),
			identifier: [{ system: 'urn:oid:2.16.840.1.113883.6.300', value: naic }],
		});
		return { key, link: linkTo(payer, name), type, plans };
	});
	const endpoint = add(endpointOf(partOf));
	const staff: Staff[] = [];
	const engage = (row: StaffRow, from: Random): void => {
		const facility = facilities.find(({ key }) => key === row.facility) as Facility;
		const name = `${row.given} ${row.family}${row.suffix === undefined ? '' : `, ${row.suffix}`}`;
		const practitioner = { id: from.uuid(), ...practitionerOf(from, row, facility) };
		const role = { id: from.uuid(), ...roleOf(row, linkTo(practitioner, name), facility, linkTo(endpoint)) };
		resources.push(practitioner, role);
		staff.push({ row, name, link: linkTo(practitioner, name), role: linkTo(role, `${name}, ${row.title}`), facility });
	};
	for (const row of staffRows) engage(row, random);
	const stock = new Map(stocked.map((key) => [key, linkTo(add(medicationOf(drugs[key] as Drug)), (drugs[key] as Drug).display)] as const));
	resources.push(...questionnaires());
	for (let i = 0; i < clinicians; i++) engage(...clinicianOf(seed, i));
	return {
		resources,
		organization: partOf,
		facilities,
		staff,
		payers,
		laboratory: linkTo(laboratory, 'Great Lakes Reference Laboratory'),
		pharmacy: linkTo(pharmacy, 'Juneau Corner Pharmacy'),
		hospital,
		stock,
		caring: (care, more) => staff.slice(0, staffRows.length + more).filter(({ row }) => row.care === care),
	};
}

/** Clinician i of a large clinic. */
function clinicianOf(seed: number, i: number): [StaffRow, Random] {
	const random = createRandom(seed, 0xc12, i);
	const origin = random.pick(origins);
	const sex = random.chance(0.5) ? 'female' : 'male';
	const [base, facility] = random.pick([
		['okafor', 'downtown'],
		['rosenthal', 'northshore'],
		['chen', 'children'],
		['ramirez', 'children'],
	] as const);
	const like = staffRows.find(({ username }) => username === base) as StaffRow;
	const row = {
		...like,
		username: '',
		family: random.pick(origin.families),
		given: random.pick(sex === 'female' ? origin.women : origin.men),
		sex,
		facility,
	} as const;
	return [row, random];
}

const organizationKinds = { prov: 'Healthcare Provider', pay: 'Payer', other: 'Other' } as const;

function organizationOf(
	random: Random,
	name: string,
	kind: keyof typeof organizationKinds,
	line: string,
	city: string,
	zip: string,
): Resource {
	const display = organizationKinds[kind];
	return {
		resourceType: 'Organization',
		meta: profiled('us-core-organization'),
		identifier: [npiOf(random)],
		active: true,
		type: [concept(`${hl7}/organization-type`, [kind, display])],
		name,
		telecom: [
			{ system: 'phone', value: phoneOf(random), use: 'work' },
			{ system: 'url', value: home, use: 'work' },
		],
		address: [{ use: 'work', line: [line], city, state: 'WI', postalCode: zip, country: 'US' }],
	};
}

function locationOf(owner: Resource, kind: readonly [string, string]): Resource {
	const [address] = owner.address as object[];
	return {
		resourceType: 'Location',
		meta: profiled('us-core-location'),
		identifier: [
			{
				system: `${home}/location`,
				value: String(owner.name)
					.toLowerCase()
					.replaceAll(/[^a-z]+/g, '-'),
			},
		],
		status: 'active',
		name: owner.name,
		mode: 'instance',
		type: [concept(`${hl7}/v3-RoleCode`, kind)],
		telecom: [(owner.telecom as object[])[0]],
		address,
		managingOrganization: linkTo(owner, owner.name as string),
	};
}

function endpointOf(managingOrganization: Link): Resource {
	return {
		resourceType: 'Endpoint',
		status: 'active',
		connectionType: { system: `${hl7}/endpoint-connection-type`, code: 'direct-project', display: 'Direct Project' },
		name: 'Direct mailbox of Lakeside Family Health',
		managingOrganization,
		payloadType: [{ text: 'C-CDA documents' }],
		address: 'mailto:records@direct.lakeside.example',
	};
}

function practitionerOf(random: Random, row: StaffRow, { organization }: Facility): Resource {
	const { family, given, prefix, suffix, sex, username } = row;
	const at = facilityRows.find(({ key }) => key === row.facility) as (typeof facilityRows)[number];
	const qualified = row.specialty !== undefined;
	return {
		resourceType: 'Practitioner',
		meta: profiled('us-core-practitioner'),
		extension: [{ url: worksAt, valueReference: organization }],
		identifier: [
			...(qualified ? [npiOf(random)] : []),
			{ system: `${home}/staff`, value: username === '' ? `c${random.between(100_000, 999_999)}` : username },
		],
		active: true,
		name: [
			{
				use: 'official',
				family,
				given: [given],
				...(prefix === undefined ? {} : { prefix: [prefix] }),
				...(suffix === undefined ? {} : { suffix: [suffix] }),
			},
		],
		telecom: [
			{ system: 'phone', value: phoneOf(random), use: 'work' },
			{ system: 'email', value: `${given}.${family}@lakeside.example`.toLowerCase().replaceAll("'", ''), use: 'work' },
		],
		address: [{ use: 'work', line: [at.line], city: at.city, state: 'WI', postalCode: at.zip, country: 'US' }],
		gender: sex,
		...(suffix === undefined ? {} : { qualification: [{ code: { text: suffix } }] }),
	};
}

function roleOf(row: StaffRow, practitioner: Link, facility: Facility, endpoint: Link): Resource {
	const at = facilityRows.findIndex(({ key }) => key === row.facility);
	return {
		resourceType: 'PractitionerRole',
		meta: profiled('us-core-practitionerrole'),
		active: true,
		practitioner,
		organization: facility.organization,
		code: [concept(snomed, row.job, row.title)],
		...(row.specialty === undefined ? {} : { specialty: [concept('http://nucc.org/provider-taxonomy', row.specialty)] }),
		location: [facility.location],
		telecom: [{ system: 'phone', value: `414-555-01${String(20 + at * 10)}`, use: 'work' }],
		endpoint: [endpoint],
	};
}

function medicationOf({ code, display, form }: Drug): Resource {
	return {
		resourceType: 'Medication',
		meta: profiled('us-core-medication'),
		code: concepts(display, [rxnorm, code, display]),
		status: 'active',
		form: { text: form },
	};
}

/** A number of the range that is kept for fiction. */
export function phoneOf(random: Random): string {
	return `${random.pick(['414', '262'])}-555-01${String(random.below(100)).padStart(2, '0')}`;
}

/** A well-formed National Provider Identifier: the last digit makes the Luhn sum right, with 80840 before it. */
function npiOf(random: Random): { readonly system: string; readonly value: string } {
	const nine = `1${String(random.below(100_000_000)).padStart(8, '0')}`;
	const digits = [...`80840${nine}`].map(Number).reverse();
	const sum = digits.reduce((total, digit, i) => total + (i % 2 === 1 ? digit : digit < 5 ? digit * 2 : digit * 2 - 9), 0);
	return { system: npi, value: `${nine}${(10 - (sum % 10)) % 10}` };
}
