// The people and organisations of the generated data.
import type { Resource } from '#fhir/resource.ts';
import type { Random } from '#testing/random.ts';
import * as words from './words.ts';

export type Practice = {
	readonly organizations: readonly Resource[];
	readonly locations: readonly Resource[];
	readonly practitioners: readonly Resource[];
};

/** What the rest of a chart needs to know of its patient. */
export type Person = { readonly resource: Resource; readonly name: string; readonly reference: string; readonly bornIn: number };

const core = 'http://hl7.org/fhir/us/core/StructureDefinition';
const extensions = 'http://hl7.org/fhir/StructureDefinition';

/** Hospitals and clinics with their places and clinicians. */
export function makePractice(random: Random): Practice {
	const organizations = Array.from({ length: 20 }, () => organization(random));
	const locations = organizations.map((owner) => location(random, owner));
	const practitioners = Array.from({ length: 60 }, () => practitioner(random));
	return { organizations, locations, practitioners };
}

export function organization(random: Random): Resource {
	const place = random.pick(words.places);
	return {
		resourceType: 'Organization',
		id: random.uuid(),
		identifier: [{ system: 'urn:ietf:rfc:3986', value: `urn:uuid:${random.uuid()}` }],
		active: true,
		type: [
			{
				coding: [{ system: `${words.terminology}/organization-type`, code: 'prov', display: 'Healthcare Provider' }],
				text: 'Healthcare Provider',
			},
		],
		name: `${random.pick(words.families)} ${random.pick(['Medical Center', 'Hospital', 'Family Practice', 'Health Clinic'])} of ${place.city}`,
		telecom: [{ system: 'phone', value: phone(random) }],
		address: [address(random, place)],
	};
}

export function location(random: Random, owner: Resource): Resource {
	const [home] = owner.address as { city: string }[];
	return {
		resourceType: 'Location',
		id: random.uuid(),
		identifier: [{ system: 'https://heron.example/location', value: random.uuid() }],
		status: 'active',
		name: owner.name,
		telecom: [{ system: 'phone', value: phone(random) }],
		address: home,
		position: { longitude: -71.0598, latitude: 42.3584 },
		managingOrganization: { reference: `Organization/${owner.id}`, display: owner.name },
	};
}

export function practitioner(random: Random): Resource {
	const given = random.pick(random.chance(0.5) ? words.femaleNames : words.maleNames);
	const family = random.pick(words.families);
	return {
		resourceType: 'Practitioner',
		id: random.uuid(),
		identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: String(random.between(1_000_000_000, 1_999_999_999)) }],
		active: true,
		name: [{ family, given: [given], prefix: ['Dr.'] }],
		telecom: [{ system: 'email', value: `${given}.${family}@example.com`, use: 'work' }],
		address: [address(random, random.pick(words.places))],
		gender: random.chance(0.5) ? 'female' : 'male',
	};
}

/** A patient of about 3 KB, with the identifiers and extensions that real exports carry. */
export function patient(random: Random): Person {
	const female = random.chance(0.5);
	const given = [random.pick(female ? words.femaleNames : words.maleNames), random.pick(female ? words.femaleNames : words.maleNames)];
	const family = random.pick(words.families);
	const place = random.pick(words.places);
	const year = random.between(1930, 2018);
	const id = random.uuid();
	const name = `${given[0]} ${family}`;
	const language = random.pick(words.languages);
	const marital = random.pick(words.maritalStatuses);
	const resource: Resource = {
		resourceType: 'Patient',
		id,
		text: {
			status: 'generated',
			div: `<div xmlns="http://www.w3.org/1999/xhtml">Generated record of <b>${name}</b>, born ${year}, ${place.city}, Massachusetts.</div>`,
		},
		extension: [
			usCoreCategory('race', 'urn:oid:2.16.840.1.113883.6.238', random.pick(words.races)),
			usCoreCategory('ethnicity', 'urn:oid:2.16.840.1.113883.6.238', random.pick(words.ethnicities)),
			{ url: `${extensions}/patient-mothersMaidenName`, valueString: `${random.pick(words.femaleNames)} ${random.pick(words.families)}` },
			{ url: `${core}/us-core-birthsex`, valueCode: female ? 'F' : 'M' },
			{
				url: `${extensions}/patient-birthPlace`,
				valueAddress: { city: random.pick(words.places).city, state: 'Massachusetts', country: 'US' },
			},
		],
		identifier: identifiers(random, id),
		active: true,
		name: [
			{ use: 'official', family, given, prefix: [female ? 'Mrs.' : 'Mr.'] },
			...(female ? [{ use: 'maiden', family: random.pick(words.families), given, prefix: ['Mrs.'] }] : []),
		],
		telecom: [
			{ system: 'phone', value: phone(random), use: 'home' },
			{ system: 'email', value: `${given[0]}.${family}${random.below(1000)}@example.com`, use: 'home' },
		],
		gender: female ? 'female' : 'male',
		birthDate: `${year}-${two(random.between(1, 12))}-${two(random.between(1, 28))}`,
		...(random.chance(0.12)
			? { deceasedDateTime: `2024-0${random.between(1, 9)}-1${random.below(9)}T0${random.below(9)}:20:00-05:00` }
			: {}),
		address: [
			{
				extension: [
					{
						url: `${extensions}/geolocation`,
						extension: [
							{ url: 'latitude', valueDecimal: round(place.latitude + random.next() / 50, 6) },
							{ url: 'longitude', valueDecimal: round(place.longitude + random.next() / 50, 6) },
						],
					},
				],
				...address(random, place),
			},
		],
		maritalStatus: {
			coding: [{ system: `${words.terminology}/v3-MaritalStatus`, code: marital[0], display: marital[1] }],
			text: marital[1],
		},
		multipleBirthBoolean: random.chance(0.03),
		communication: [
			{
				language: { coding: [{ system: 'urn:ietf:bcp:47', code: language[0], display: language[1] }], text: language[1] },
				preferred: true,
			},
		],
	};
	return { resource, name, reference: `Patient/${id}`, bornIn: year };
}

function identifiers(random: Random, id: string): object[] {
	const typed = (code: string, display: string, system: string, value: string): object => ({
		type: { coding: [{ system: `${words.terminology}/v2-0203`, code, display }], text: display },
		system,
		value,
	});
	return [
		{ system: 'https://heron.example/person', value: id },
		typed('MR', 'Medical record number', 'https://heron.example/mrn', `M${id.slice(0, 8)}${id.slice(9, 13)}`),
		typed('SS', 'Social Security number', 'http://hl7.org/fhir/sid/us-ssn', `999-${random.between(10, 99)}-${random.between(1000, 9999)}`),
		typed('DL', "Driver's license number", 'urn:oid:2.16.840.1.113883.4.3.25', `S999${random.between(10_000, 99_999)}`),
		typed('PPN', 'Passport number', `${extensions}/passportNumber-USA`, `X${random.between(10_000_000, 99_999_999)}X`),
	];
}

function usCoreCategory(name: string, system: string, [code, display]: words.Coded): object {
	return {
		url: `${core}/us-core-${name}`,
		extension: [
			{ url: 'ombCategory', valueCoding: { system, code, display } },
			{ url: 'text', valueString: display },
		],
	};
}

function address(random: Random, place: words.Place): object {
	return {
		line: [`${random.between(1, 999)} ${random.pick(words.streets)} ${random.pick(words.streetKinds)}`],
		city: place.city,
		state: 'MA',
		postalCode: place.zip,
		country: 'US',
	};
}

function phone(random: Random): string {
	return `555-${random.between(100, 999)}-${random.between(1000, 9999)}`;
}

export function two(value: number): string {
	return String(value).padStart(2, '0');
}

export function round(value: number, digits: number): number {
	const factor = 10 ** digits;
	return Math.round(value * factor) / factor;
}
