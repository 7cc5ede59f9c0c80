// Who the patients are: patient n is the same whatever the number of patients. Twenty kinds of people come round again and again, some of
// them children of others, so that a small clinic has everybody it needs.
import { createRandom, type Random } from '#base/random.ts';
import type { Resource } from '#fhir/resource.ts';
import { type Origin, origins, places, streetKinds, streets } from './data/names.ts';
import { concept, concepts, hl7, type Link, profiled, snomed, usCore } from './fhir.ts';
import { type Facility, moreClinicians, type Practice, phoneOf, type Staff } from './practice.ts';
import { type Day, dateOf, instantOf, type Moment, yearsBetween } from './time.ts';

export type World = {
	readonly seed: number;
	readonly practice: Practice;
	readonly today: Day;
};

export type Trait =
	| 'pregnant'
	| 'delivered'
	| 'diabetes'
	| 'heart'
	| 'lungs'
	| 'bones'
	| 'memory'
	| 'mood'
	| 'asthma'
	| 'hunger'
	| 'sporty'
	| 'kidney';

type Kind = { readonly age: number; readonly sex: 'female' | 'male'; readonly traits?: readonly Trait[]; readonly parent?: number };

const kinds: readonly Kind[] = [
	{ age: 33, sex: 'female', traits: ['pregnant'] },
	{ age: 66, sex: 'male', traits: ['diabetes', 'kidney'] },
	{ age: 8, sex: 'female', traits: ['asthma'], parent: 0 },
	{ age: 0.6, sex: 'male', parent: 19 },
	{ age: 45, sex: 'female', traits: ['mood'] },
	{ age: 79, sex: 'male', traits: ['heart'] },
	{ age: 52, sex: 'female', traits: ['diabetes'] },
	{ age: 2.2, sex: 'female', parent: 8 },
	{ age: 29, sex: 'male', traits: ['hunger'] },
	{ age: 61, sex: 'female', traits: ['lungs'] },
	{ age: 15, sex: 'male', traits: ['sporty'], parent: 4 },
	{ age: 38, sex: 'female', traits: ['hunger', 'asthma'] },
	{ age: 5, sex: 'female', parent: 11 },
	{ age: 72, sex: 'female', traits: ['bones'] },
	{ age: 24, sex: 'male', traits: ['mood'] },
	{ age: 56, sex: 'male' },
	{ age: 84, sex: 'female', traits: ['memory', 'heart'] },
	{ age: 12, sex: 'male', parent: 11 },
	{ age: 41, sex: 'male', traits: ['sporty'] },
	{ age: 31, sex: 'female', traits: ['delivered'] },
];

export type Person = {
	readonly n: number;
	readonly id: string;
	readonly link: Link;
	readonly name: string;
	readonly family: string;
	readonly given: readonly string[];
	readonly sex: 'female' | 'male';
	readonly birth: Day;
	readonly death: Moment | undefined;
	readonly origin: Origin;
	readonly language: readonly [string, string];
	readonly traits: readonly Trait[];
	readonly address: object;
	readonly phone: string;
	readonly email: string;
	readonly parent: Person | undefined;
	/** Of a mother: the day her child was born, or will be. */
	readonly delivery: Day | undefined;
	readonly clinician: Staff;
	readonly facility: Facility;
};

const english: readonly [string, string] = ['en', 'English'];

/** Patient n. */
export function personOf(world: World, n: number): Person {
	const random = createRandom(world.seed, 0xbe, n);
	const cycle = Math.floor(n / kinds.length);
	const kind = kinds[n % kinds.length] as Kind;
	const parent = kind.parent === undefined ? undefined : personOf(world, cycle * kinds.length + kind.parent);
	const id = random.uuid();
	const origin = parent?.origin ?? originOf(random, n);
	const family = parent?.family ?? familyOf(random, origin);
	const names = kind.sex === 'female' ? origin.women : origin.men;
	const given = [random.pick(names), random.pick(names).slice(0, 1)];
	const spread = kind.age < 18 ? kind.age * 0.12 : 3;
	const born = kind.age < 1 ? parent?.delivery : undefined;
	const birth = born ?? world.today - Math.round((kind.age + (random.next() - 0.5) * 2 * spread) * 365.25);
	const clinician = clinicianFor(world, n, kind);
	const name = `${given[0]} ${family}`;
	const address = parent?.address ?? addressOf(random);
	return {
		n,
		id,
		link: { reference: `Patient/${id}`, display: name },
		name,
		family,
		given,
		sex: kind.sex,
		birth,
		death: deathOf(random, world, n, cycle),
		origin,
		language: parent?.language ?? (origin.language !== undefined && random.chance(0.35) ? origin.language : english),
		traits: kind.traits ?? [],
		address,
		phone: parent?.phone ?? phoneOf(random),
		email: `${given[0]}.${family}${random.below(90) + 10}@mail.example`.toLowerCase(),
		parent,
		delivery: deliveryOf(random, world.today, kind),
		clinician,
		facility: clinician.facility,
	};
}

/** By the shares of the origins; the smallest come round for certain, so that a small clinic has them. */
function originOf(random: Random, n: number): Origin {
	const certain = origins.filter(({ tribe }) => tribe !== undefined);
	if (n % 40 === 35) return random.pick(certain);
	let left = random.below(1000);
	for (const origin of origins) {
		left -= origin.share;
		if (left < 0) return origin;
	}
	return origins[0] as Origin;
}

function familyOf(random: Random, origin: Origin): string {
	const family = random.pick(origin.families);
	return origin.mothers !== undefined && random.chance(0.4) ? `${family} ${random.pick(origin.mothers)}` : family;
}

function addressOf(random: Random): object {
	const place = random.pick(places);
	const apartment = random.chance(0.3) ? [`Apt ${random.between(1, 40)}`] : [];
	return {
		line: [
			`${random.between(100, 4999)} ${random.pick(['N', 'S', 'E', 'W'])} ${random.pick(streets)} ${random.pick(streetKinds)}`,
			...apartment,
		],
		city: place.city,
		state: place.state,
		postalCode: random.pick(place.zips),
		country: 'US',
	};
}

function deathOf(random: Random, world: World, n: number, cycle: number): Moment | undefined {
	const slot = n % kinds.length;
	const isDead = (slot === 16 && cycle % 4 === 1) || (slot === 5 && cycle % 5 === 2);
	return isDead ? { day: world.today - random.between(40, 400), minute: random.between(60, 1380) } : undefined;
}

function deliveryOf(random: Random, today: Day, { traits = [] }: Kind): Day | undefined {
	if (traits.includes('delivered')) return today - random.between(150, 260);
	if (traits.includes('pregnant')) return today + random.between(45, 180);
	return undefined;
}

/** A clinic with more patients has more clinicians; the first patients keep theirs. */
function clinicianFor({ practice }: World, n: number, { age, traits = [] }: Kind): Staff {
	const care = age < 18 ? 'child' : traits.includes('pregnant') || traits.includes('delivered') ? 'women' : 'adult';
	// Those who came last have room.
	const able = practice.caring(care, moreClinicians(n)).slice(-3);
	return able[(Math.floor(n / 9) + n) % able.length] as Staff;
}

/** The system of the numbers by which the practice knows its patients, which the Standard API shows. */
export const patientNumbers = 'urn:heron:patient-number';

/** The Patient resource. */
export function patientOf({ practice, today }: World, person: Person): Resource {
	const { id, family, given, sex, birth, death, origin, language, address, phone, email, n, parent, clinician, facility } = person;
	const random = createRandom(n, 0xad);
	const isAdult = parent === undefined;
	const years = yearsBetween(birth, death?.day ?? today);
	const marriage = random.pick(maritalStatuses);
	const another = random.pick(maritalStatuses.slice(0, 4));
	// Hardly anybody is widowed so young.
	const married = marriage[0] === 'W' && years < 50 ? another : marriage;
	const maiden = sex === 'female' && isAdult && years > 28 && married[0] !== 'S' && random.chance(0.6);
	return {
		resourceType: 'Patient',
		id,
		meta: {
			...profiled('us-core-patient'),
			security: [{ system: `${hl7}/v3-ActReason`, code: 'HTEST', display: 'test health data' }],
		},
		extension: extensionsOf(person, random),
		identifier: [
			{
				use: 'usual',
				type: concept(`${hl7}/v2-0203`, ['MR', 'Medical record number']),
				system: patientNumbers,
				value: `L${String(100_000 + n)}`,
				assigner: practice.organization,
			},
			{
				type: concept(`${hl7}/v2-0203`, ['SS', 'Social Security number']),
				system: 'http://hl7.org/fhir/sid/us-ssn',
				...ssnOf(random, person, today),
			},
		],
		active: death === undefined,
		name: [
			{ use: 'official', family, given, ...(n % 11 === 4 && sex === 'male' ? { suffix: ['Jr.'] } : {}) },
			...(maiden ? [{ use: 'old', family: random.pick(origin.families), given, period: { end: dateOf(birth + 27 * 365) } }] : []),
			...(random.chance(0.15) ? [{ use: 'nickname', given: [(given[0] as string).slice(0, 3)] }] : []),
		],
		telecom: [
			{ system: 'phone', value: phone, use: isAdult ? 'mobile' : 'home', rank: 1 },
			...(isAdult ? [{ system: 'email', value: email, use: 'home' }] : []),
		],
		gender: sex,
		birthDate: dateOf(birth),
		...(death === undefined ? {} : { deceasedDateTime: instantOf(death) }),
		address: [
			{ use: 'home', type: 'both', ...address, period: { start: dateOf(birth + Math.floor((today - birth) * random.next() * 0.9)) } },
			...(random.chance(0.25) && isAdult
				? [{ use: 'old', ...addressOf(random), period: { start: dateOf(birth + 365 * 18), end: dateOf(birth + 365 * 20) } }]
				: []),
		],
		...(isAdult ? { maritalStatus: concept(`${hl7}/v3-MaritalStatus`, married) } : {}),
		...(isAdult ? {} : { multipleBirthBoolean: false }),
		...(parent === undefined ? {} : { contact: [contactOf(parent)] }),
		communication: [{ language: concept('urn:ietf:bcp:47', language), preferred: true }],
		generalPractitioner: [clinician.link],
		managingOrganization: facility.organization,
	};
}

const maritalStatuses = [
	['M', 'Married'],
	['M', 'Married'],
	['S', 'Never Married'],
	['D', 'Divorced'],
	['W', 'Widowed'],
] as const;

function contactOf(parent: Person): object {
	return {
		relationship: [concept(`${hl7}/v2-0131`, ['N', 'Next-of-Kin'])],
		name: { family: parent.family, given: parent.given },
		telecom: [{ system: 'phone', value: parent.phone, use: 'mobile' }],
		gender: parent.sex,
	};
}

/** Numbers beginning with 9 are never given out. Of babies it is not known yet. */
function ssnOf(random: Random, { birth }: Person, today: Day): object {
	if (today - birth < 365)
		return { _value: { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }] } };
	return { value: `9${String(random.below(90) + 10).slice(0, 2)}-${random.between(10, 49)}-${random.between(1000, 9999)}` };
}

function extensionsOf({ origin, sex, language, n }: Person, random: Random): object[] {
	const system = 'urn:oid:2.16.840.1.113883.6.238';
	const part = (url: string, [code, display]: readonly [string, string]): object => ({ url, valueCoding: { system, code, display } });
	const race = origin.race.map(([, display]) => display).join(', ');
	const identity: readonly [string, string] =
		n % 50 === 14
			? ['33791000087105', 'Identifies as nonbinary gender']
			: sex === 'female'
				? ['446141000124107', 'Identifies as female gender']
				: ['446151000124109', 'Identifies as male gender'];
	return [
		{
			url: `${usCore}/us-core-race`,
			extension: [
				...origin.race.map((one) => part('ombCategory', one)),
				...(origin.detailedRace === undefined ? [] : [part('detailed', origin.detailedRace)]),
				{ url: 'text', valueString: race },
			],
		},
		{
			url: `${usCore}/us-core-ethnicity`,
			extension: [
				part('ombCategory', origin.ethnicity),
				...(origin.detailedEthnicity === undefined ? [] : [part('detailed', origin.detailedEthnicity)]),
				{ url: 'text', valueString: origin.ethnicity[1] },
			],
		},
		...(origin.tribe === undefined
			? []
			: [
					{
						url: `${usCore}/us-core-tribal-affiliation`,
						extension: [
							{ url: 'tribalAffiliation', valueCodeableConcept: concept(`${hl7}/v3-TribalEntityUS`, origin.tribe) },
							{ url: 'isEnrolled', valueBoolean: random.chance(0.6) },
						],
					},
				]),
		{ url: `${usCore}/us-core-birthsex`, valueCode: sex === 'female' ? 'F' : 'M' },
		{
			url: `${usCore}/us-core-sex`,
			valueCoding: {
				system: snomed,
				code: sex === 'female' ? '248152002' : '248153007',
				display: sex === 'female' ? 'Female (finding)' : 'Male (finding)',
			},
		},
		...(n % 5 === 4
			? [{ url: `${usCore}/us-core-genderIdentity`, valueCodeableConcept: concepts(identity[1], [snomed, ...identity]) }]
			: []),
		{
			url: `${usCore}/us-core-interpreter-needed`,
			valueCoding:
				language[0] === 'en'
					? { system: snomed, code: '373067005', display: 'No (qualifier value)' }
					: { system: snomed, code: '373066001', display: 'Yes (qualifier value)' },
		},
	];
}
