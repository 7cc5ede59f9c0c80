// A small seeded world of resources for tests of search: few names, codes, units and dates, so that random queries find something, with the
// irregularities that real records have (several codings, missing elements, partial dates, open periods, odd units, references of all forms).
import type { Resource } from '#fhir/resource.ts';
import type { Random } from './random.ts';

type Json = Record<string, unknown>;

const families = ['Smith', 'Smyth-Jones', 'Müller', 'Carreño Quiñones', "O'Brien", 'de la Cruz', 'Šmíd', 'Nguyen', 'Ångström'];
const givens = ['Eve', 'Evelyn', 'Séverine', 'John', 'Johnny', 'Ann', 'Ann Marie', 'Zoë', 'Li'];
const cities = ['Boston', 'New Boston', 'Springfield', 'São Paulo', 'York'];
export const loinc = 'http://loinc.org';
export const snomed = 'http://snomed.info/sct';
export const ucum = 'http://unitsofmeasure.org';
const local = 'http://hospital.example/codes';
const words = [
	'blood pressure',
	'Glucose in Blood',
	'headache',
	'Essential hypertension',
	'body weight',
	'COVID-19 test',
	'follow up visit',
];

/** Resources of many types that refer to one another. `base` is the server's own address. */
export function searchWorld(random: Random, size: number, base: string): Resource[] {
	const world = new World(random, base);
	world.fill(size);
	return world.resources;
}

class World {
	readonly resources: Resource[] = [];
	readonly #random: Random;
	readonly #base: string;
	readonly #ids = new Map<string, string[]>();

	constructor(random: Random, base: string) {
		this.#random = random;
		this.#base = base;
	}

	fill(size: number): void {
		const n = (share: number): number => Math.max(2, Math.round(size * share));
		this.#many('Organization', n(0.04), (id, i) => this.#organization(id, i));
		this.#many('Location', n(0.05), (id, i) => this.#location(id, i));
		this.#many('Practitioner', n(0.04), () => this.#practitioner());
		this.#many('Patient', n(0.1), () => this.#patient());
		this.#many('Group', 3, () => this.#group());
		this.#many('Device', 3, () => ({
			patient: this.#maybe(0.7, this.#patientReference()),
			udiCarrier: [{ deviceIdentifier: this.#pick(['a', 'B']) }],
		}));
		this.#many('Encounter', n(0.08), (id, i) => this.#encounter(id, i));
		this.#many('Condition', n(0.08), () => this.#condition());
		this.#many('Observation', n(0.22), (id, i) => this.#observation(id, i));
		this.#many('Medication', 4, () => this.#medication());
		this.#many('MedicationRequest', n(0.06), () => this.#medicationRequest());
		this.#many('DiagnosticReport', n(0.05), () => this.#report());
		this.#many('RiskAssessment', n(0.04), () => this.#riskAssessment());
		this.#many('Questionnaire', 4, (id) => this.#questionnaire(id));
		this.#many('QuestionnaireResponse', n(0.04), () => this.#response());
		this.#many('ValueSet', 4, (id, i) => this.#valueSet(id, i));
		this.#many('DocumentReference', n(0.04), (id, i) => this.#document(id, i));
		this.#many('Account', 4, () => ({
			status: 'active',
			subject: this.#some(0, 3, () => this.#patientReference()),
			name: this.#pick(words),
		}));
		this.#many('AuditEvent', n(0.03), () => this.#audit());
		this.#many('Appointment', n(0.04), () => this.#appointment());
		this.#many('Provenance', n(0.03), () => ({
			recorded: this.#instant(),
			target: this.#some(1, 3, () => this.#reference(['Patient', 'Observation', 'Condition'])),
			agent: [{ who: this.#reference(['Practitioner', 'Patient']) }],
		}));
		this.#many('List', 3, () => ({
			status: 'current',
			mode: 'working',
			entry: this.#some(1, 6, () => ({ item: this.#reference(['Patient', 'Condition', 'Observation']) })),
		}));
		this.#many('MolecularSequence', n(0.03), () => this.#sequence());
		this.#many('Coverage', n(0.03), () => ({
			status: 'active',
			beneficiary: this.#patientReference(),
			period: this.#period(),
			payor: [this.#reference(['Organization', 'Patient'])],
		}));
	}

	#many(type: string, count: number, make: (id: string, i: number) => Json): void {
		const ids: string[] = [];
		this.#ids.set(type, ids);
		for (let i = 0; i < count; i++) {
			const id = `${type.toLowerCase().slice(0, 4)}-${i}`;
			const body = this.#clean({ resourceType: type, id, meta: this.#meta(), ...make(id, i) }) as Resource;
			ids.push(id);
			this.resources.push(body);
		}
	}

	#clean(value: Json): Json {
		return Object.fromEntries(
			Object.entries(value).filter(([, held]) => held !== undefined && !(Array.isArray(held) && held.length === 0) && !isEmpty(held)),
		);
	}

	#pick<T>(list: readonly T[]): T {
		return this.#random.pick(list);
	}

	#maybe<T>(chance: number, value: T): T | undefined {
		return this.#random.chance(chance) ? value : undefined;
	}

	#some<T>(low: number, high: number, make: () => T): T[] {
		return Array.from({ length: this.#random.between(low, high) }, make);
	}

	#meta(): Json {
		return this.#clean({
			profile: this.#some(0, 2, () =>
				this.#pick(['http://example.org/profile/a', 'http://example.org/profile/a|2.0', `${this.#base}/StructureDefinition/own`]),
			).filter((one, i, all) => all.indexOf(one) === i),
			tag: this.#some(0, 2, () => ({ system: 'http://example.org/tags', code: this.#pick(['x', 'y', 'needs,review']) })),
			security: this.#maybe(0.2, [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }]),
			source: this.#maybe(0.5, this.#pick(['http://example.org/feed#1', 'urn:oid:1.2.3'])),
		});
	}

	#reference(types: readonly string[]): Json {
		const type = this.#pick(types);
		const id = this.#pick(this.#ids.get(type) ?? ['nobody']);
		const form = this.#random.below(10);
		const reference =
			form < 7
				? `${type}/${id}`
				: form === 7
					? `${this.#base}/${type}/${id}`
					: form === 8
						? `${type}/${id}/_history/1`
						: `http://elsewhere.example/fhir/${type}/${id}`;
		return this.#clean({ reference, display: this.#maybe(0.2, this.#pick(words)) });
	}

	#patientReference(): Json {
		if (this.#random.chance(0.05)) return { identifier: { system: 'urn:mrn', value: this.#pick(['1', '2', '3']) } };
		return this.#reference(['Patient']);
	}

	#coding(system: string, codes: readonly string[]): Json {
		const code = this.#pick(codes);
		return this.#clean({ system: this.#maybe(0.9, system), code, display: this.#maybe(0.6, this.#pick(words)) });
	}

	#concept(system: string, codes: readonly string[]): Json {
		const coding = this.#some(0, 2, () => (this.#random.chance(0.85) ? this.#coding(system, codes) : this.#coding(local, codes)));
		return this.#clean({ coding, text: coding.length === 0 || this.#random.chance(0.3) ? this.#pick(words) : undefined });
	}

	#year(): number {
		return this.#pick([1979, 2019, 2020, 2021, 2022]);
	}

	#date(): string {
		const month = String(this.#random.between(1, 12)).padStart(2, '0');
		const day = String(this.#random.between(1, 28)).padStart(2, '0');
		const full = `${this.#year()}-${month}-${day}`;
		return this.#random.chance(0.2) ? full.slice(0, this.#pick([4, 7])) : full;
	}

	#dateTime(): string {
		const date = this.#date();
		if (date.length < 10 || this.#random.chance(0.4)) return date;
		const time = `T${String(this.#random.below(24)).padStart(2, '0')}:${this.#pick(['00', '30'])}:${this.#pick(['00', '59.5'])}`;
		return date + time + this.#pick(['Z', '+02:00', '-05:00']);
	}

	#instant(): string {
		return `${this.#year()}-0${this.#random.between(1, 9)}-1${this.#random.below(10)}T1${this.#random.below(10)}:15:00${this.#pick(['', '.123'])}Z`;
	}

	#period(): Json {
		const [a, b] = [this.#dateTime(), this.#dateTime()].sort() as [string, string];
		return this.#pick([{ start: a, end: b }, { start: a, end: b }, { start: a }, { end: b }]);
	}

	#quantity(): Json {
		const value = this.#pick([1, 5.4, 5.35, 5.45, 100, 99.5, 120, 0.005, 250, -3]);
		const [code, unit] = this.#pick([
			['mg', 'mg'],
			['g', 'gram'],
			['mm[Hg]', 'mmHg'],
			['kg', 'kg'],
			['ug', 'mcg'],
		] as const);
		const form = this.#random.below(8);
		if (form === 0) return { value };
		if (form === 1) return { value, unit };
		if (form === 2) return { value, unit, system: local, code: unit };
		return this.#clean({ value, unit, system: ucum, code, comparator: this.#maybe(0.05, this.#pick(['<', '>'])) });
	}

	#identifier(): Json {
		return this.#clean({
			system: this.#maybe(0.85, this.#pick(['urn:mrn', 'http://hospital.example/ids'])),
			value: this.#pick(['1', '2', '3', 'A|b', 'x,y', 'm$n']),
			type: this.#maybe(0.5, {
				coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: this.#pick(['MR', 'SS']) }],
				text: this.#pick(words),
			}),
		});
	}

	#name(): Json {
		const given = this.#some(0, 2, () => this.#pick(givens));
		const family = given.length === 0 || this.#random.chance(0.9) ? this.#pick(families) : undefined;
		return this.#clean({ family, given, text: this.#maybe(0.2, this.#pick(['Eve the First', 'Dr. Smith'])) });
	}

	#address(): Json {
		const line = ['1 Main St.', 'Apt. 4'].slice(0, this.#random.between(0, 2));
		const city = line.length === 0 || this.#random.chance(0.9) ? this.#pick(cities) : undefined;
		return this.#clean({ line, city, postalCode: this.#maybe(0.5, '02115-1234') });
	}

	#narrative(): Json | undefined {
		return this.#maybe(0.3, {
			status: 'generated',
			div: `<div xmlns="http://www.w3.org/1999/xhtml"><p>${this.#pick(['Seen for', 'No'])} <b>${this.#pick(words)}</b> &amp; rest</p></div>`,
		});
	}

	#patient(): Json {
		return {
			text: this.#narrative(),
			identifier: this.#some(0, 2, () => this.#identifier()),
			active: this.#maybe(0.5, this.#random.chance(0.7)),
			name: this.#some(0, 2, () => this.#name()),
			telecom: this.#some(0, 2, () =>
				this.#pick([
					{ system: 'phone', value: '+1 (555) 010-99', use: 'home' },
					{ system: 'email', value: 'Eve@Example.org' },
				]),
			),
			gender: this.#maybe(0.85, this.#pick(['male', 'female', 'other'])),
			birthDate: this.#maybe(0.85, this.#date()),
			address: this.#some(0, 2, () => this.#address()),
			generalPractitioner: this.#some(0, 2, () => this.#reference(['Practitioner', 'Organization'])),
			managingOrganization: this.#maybe(0.5, this.#reference(['Organization'])),
			...this.#pick([{}, { deceasedBoolean: true }, { deceasedBoolean: false }, { deceasedDateTime: this.#dateTime() }]),
		};
	}

	#practitioner(): Json {
		return {
			active: this.#maybe(0.5, true),
			name: [this.#name()],
			address: this.#some(0, 1, () => this.#address()),
			identifier: this.#some(0, 1, () => this.#identifier()),
		};
	}

	#organization(id: string, i: number): Json {
		return {
			name: this.#maybe(0.9, this.#pick(words)),
			alias: this.#some(0, 1, () => this.#pick(cities)),
			partOf: i === 0 ? undefined : this.#maybe(0.7, this.#earlier('Organization', id, i)),
			address: this.#some(0, 1, () => this.#address()),
		};
	}

	/** One made before, so that hierarchies have an end. */
	#earlier(type: string, id: string, i: number): Json {
		return { reference: `${type}/${id.replace(/\d+$/, String(this.#random.below(i)))}` };
	}

	#location(id: string, i: number): Json {
		const position = { latitude: this.#random.between(-80, 80) / 2, longitude: this.#random.between(-350, 350) / 2 };
		return {
			name: this.#pick(words),
			status: this.#pick(['active', 'inactive']),
			partOf: i === 0 ? undefined : this.#maybe(0.7, this.#earlier('Location', id, i)),
			position: this.#maybe(0.8, position),
			address: this.#maybe(0.5, this.#address()),
		};
	}

	#group(): Json {
		const characteristic = this.#some(1, 3, () => ({
			code: this.#concept(local, ['gender', 'owner']),
			exclude: false,
			...this.#pick([{ valueCodeableConcept: this.#concept(local, ['mixed', 'Eve']) }, { valueBoolean: this.#random.chance(0.5) }]),
		}));
		return { type: 'person', actual: true, characteristic, member: this.#some(0, 3, () => ({ entity: this.#patientReference() })) };
	}

	#encounter(id: string, i: number): Json {
		return {
			status: this.#pick(['finished', 'in-progress', 'planned']),
			class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: this.#pick(['AMB', 'IMP']) },
			type: this.#some(0, 2, () => this.#concept(snomed, ['185345009', '50849002'])),
			subject: this.#maybe(0.9, this.#random.chance(0.9) ? this.#patientReference() : this.#reference(['Group'])),
			participant: this.#some(0, 2, () => ({ individual: this.#reference(['Practitioner']) })),
			period: this.#maybe(0.9, this.#period()),
			length: this.#maybe(0.3, { value: this.#pick([30, 60, 1]), unit: 'min', system: ucum, code: this.#pick(['min', 'h']) }),
			location: this.#some(0, 2, () => ({ location: this.#reference(['Location']) })),
			partOf: i === 0 ? undefined : this.#maybe(0.3, this.#earlier('Encounter', id, i)),
			serviceProvider: this.#maybe(0.5, this.#reference(['Organization'])),
		};
	}

	#condition(): Json {
		return {
			text: this.#narrative(),
			clinicalStatus: this.#maybe(0.8, {
				coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: this.#pick(['active', 'resolved']) }],
			}),
			code: this.#maybe(0.9, this.#concept(snomed, ['38341003', '25064002', '44054006'])),
			subject: this.#patientReference(),
			encounter: this.#maybe(0.5, this.#reference(['Encounter'])),
			recordedDate: this.#maybe(0.7, this.#dateTime()),
			...this.#pick([
				{},
				{ onsetDateTime: this.#dateTime() },
				{ onsetPeriod: this.#period() },
				{ onsetAge: { value: this.#pick([30, 360]), system: ucum, code: this.#pick(['a', 'mo']), unit: 'old' } },
				{ onsetRange: { low: { value: 20, system: ucum, code: 'a' }, high: this.#maybe(0.5, { value: 40, system: ucum, code: 'a' }) } },
				{ onsetString: this.#pick(words) },
			]),
			note: this.#some(0, 1, () => ({ text: this.#pick(['Patient reports dizziness', 'nothing else']) })),
		};
	}

	#value(): Json {
		return this.#pick([
			{},
			{ valueQuantity: this.#quantity() },
			{ valueQuantity: this.#quantity() },
			{ valueCodeableConcept: this.#concept(local, ['pos', 'neg']) },
			{ valueString: this.#pick(['Positive', 'positive-ish', 'negative']) },
			{ valueDateTime: this.#dateTime() },
			{ valuePeriod: this.#period() },
		]);
	}

	#observation(id: string, i: number): Json {
		const inside = this.#random.below(20);
		const contained = [
			...(inside < 3 ? [{ resourceType: 'Practitioner', id: 'dr', ...this.#clean(this.#practitioner()) }] : []),
			...(inside === 2 || inside === 4 ? [{ resourceType: 'Patient', id: 'who', ...this.#clean(this.#patient()) }] : []),
		];
		return {
			contained,
			status: this.#pick(['final', 'amended', 'preliminary']),
			category: this.#some(0, 2, () =>
				this.#concept('http://terminology.hl7.org/CodeSystem/observation-category', ['laboratory', 'vital-signs']),
			),
			code: this.#concept(loinc, ['8480-6', '2823-3', '85354-9', '29463-7']),
			subject: contained.some(({ id: of }) => of === 'who')
				? { reference: '#who' }
				: this.#maybe(0.95, this.#random.chance(0.9) ? this.#patientReference() : this.#reference(['Group', 'Device', 'Location'])),
			encounter: this.#maybe(0.5, this.#reference(['Encounter'])),
			...this.#pick([
				{ effectiveDateTime: this.#dateTime() },
				{ effectiveDateTime: this.#dateTime() },
				{ effectivePeriod: this.#period() },
				{ effectiveInstant: this.#instant() },
				{ effectiveTiming: { event: this.#some(1, 3, () => this.#dateTime()) } },
				{},
			]),
			performer: inside < 3 ? [{ reference: '#dr' }] : this.#some(0, 2, () => this.#reference(['Practitioner', 'Patient', 'Organization'])),
			...this.#value(),
			component: this.#some(0, 2, () => ({
				code: this.#concept(loinc, ['8480-6', '8462-4']),
				...this.#pick([{ valueQuantity: this.#quantity() }, { valueCodeableConcept: this.#concept(local, ['pos', 'neg']) }, {}]),
			})),
			hasMember: i === 0 ? [] : this.#some(0, 1, () => this.#earlier('Observation', id, i)),
			note: this.#some(0, 1, () => ({ text: 'Repeated after breakfast' })),
		};
	}

	#medication(): Json {
		return {
			code: this.#concept(local, ['m1', 'm2']),
			ingredient: this.#some(0, 2, () => ({ itemCodeableConcept: this.#concept(local, ['abc', 'def']) })),
		};
	}

	#medicationRequest(): Json {
		const inside = this.#random.chance(0.3);
		return {
			status: this.#pick(['active', 'stopped']),
			intent: 'order',
			contained: inside ? [{ resourceType: 'Medication', id: 'm', ...this.#clean(this.#medication()) }] : [],
			...(inside
				? { medicationReference: { reference: '#m' } }
				: this.#pick([
						{ medicationReference: this.#reference(['Medication']) },
						{ medicationCodeableConcept: this.#concept(local, ['m1', 'm2']) },
					])),
			subject: this.#patientReference(),
			authoredOn: this.#maybe(0.8, this.#dateTime()),
			requester: this.#maybe(0.7, this.#reference(['Practitioner'])),
		};
	}

	#report(): Json {
		return {
			status: 'final',
			category: this.#some(0, 1, () => this.#concept('http://terminology.hl7.org/CodeSystem/v2-0074', ['LAB', 'RAD'])),
			code: this.#concept(loinc, ['24323-8', '58410-2']),
			subject: this.#maybe(0.9, this.#patientReference()),
			issued: this.#maybe(0.7, this.#instant()),
			...this.#pick([{ effectiveDateTime: this.#dateTime() }, { effectivePeriod: this.#period() }, {}]),
			result: this.#some(0, 3, () => this.#reference(['Observation'])),
			conclusion: this.#maybe(0.4, this.#pick(words)),
		};
	}

	#riskAssessment(): Json {
		const probability = (): Json => this.#pick([{ probabilityDecimal: this.#pick([0.1, 0.8, 0.85, 0.795, 100, 0.0001]) }, {}]);
		return {
			status: 'final',
			subject: this.#patientReference(),
			...this.#pick([{ occurrenceDateTime: this.#dateTime() }, {}]),
			prediction: this.#some(0, 2, probability).filter((one) => !isEmpty(one)),
		};
	}

	#questionnaire(id: string): Json {
		return {
			status: 'active',
			url: this.#pick([`http://example.org/Questionnaire/${id}`, `${this.#base}/Questionnaire/${id}`]),
			version: this.#maybe(0.8, this.#pick(['1.0', '1.1', '2.0-B'])),
			title: this.#pick(words),
			useContext: this.#some(0, 2, () => ({
				code: { system: local, code: this.#pick(['focus', 'age']) },
				...this.#pick([
					{ valueCodeableConcept: this.#concept(local, ['f1', 'f2']) },
					{ valueQuantity: this.#quantity() },
					{ valueRange: { low: { value: 1, system: ucum, code: 'kg' }, high: { value: 9, system: ucum, code: 'kg' } } },
				]),
			})),
		};
	}

	#response(): Json {
		const id = this.#pick(this.#ids.get('Questionnaire') as string[]);
		const found = this.resources.find((one) => one.resourceType === 'Questionnaire' && one.id === id) as Json;
		return {
			status: 'completed',
			questionnaire: `${found.url}${this.#pick(['', '', `|${found.version ?? '1.0'}`, '|1.0.3'])}`,
			subject: this.#maybe(0.8, this.#patientReference()),
			authored: this.#dateTime(),
		};
	}

	#valueSet(id: string, i: number): Json {
		return {
			status: 'active',
			url: `http://acme.example/fhir/ValueSet/${id}`,
			version: this.#pick(['1.0', '2.0']),
			name: `Set${i}`,
			compose: {
				include: [{ system: local, concept: this.#pick([[{ code: 'pos' }], [{ code: 'neg' }, { code: 'pos' }], [{ code: 'm1' }]]) }],
			},
		};
	}

	#document(id: string, i: number): Json {
		return {
			status: 'current',
			type: this.#maybe(0.8, this.#concept(loinc, ['34133-9', '18842-5'])),
			subject: this.#patientReference(),
			date: this.#maybe(0.8, this.#instant()),
			relatesTo:
				i === 0
					? []
					: this.#some(0, 2, () => ({ code: this.#pick(['replaces', 'appends']), target: this.#earlier('DocumentReference', id, i) })),
			content: [
				{ attachment: { contentType: this.#pick(['text/xml', 'text/xml; charset=UTF-8', 'application/pdf']), title: this.#pick(words) } },
			],
		};
	}

	#audit(): Json {
		return {
			type: { system: 'http://dicom.nema.org/resources/ontology/DCM', code: '110110' },
			recorded: this.#instant(),
			agent: this.#some(1, 2, () => ({ who: this.#reference(['Practitioner', 'Patient']), requestor: true })),
			entity: this.#some(0, 2, () => ({ what: this.#reference(['Patient', 'Observation']) })),
		};
	}

	#appointment(): Json {
		return {
			status: this.#pick(['booked', 'arrived']),
			start: this.#maybe(0.9, this.#instant()),
			participant: this.#some(1, 3, () => ({ actor: this.#reference(['Patient', 'Practitioner', 'Location']), status: 'accepted' })),
		};
	}

	#sequence(): Json {
		const at = (): number => this.#random.between(1, 6);
		return {
			coordinateSystem: 0,
			patient: this.#maybe(0.7, this.#patientReference()),
			referenceSeq: this.#maybe(0.8, { chromosome: this.#concept(local, ['1', '2']), windowStart: at(), windowEnd: at() + 6 }),
			variant: this.#some(0, 2, () => ({ start: at(), end: at() + 6 })),
		};
	}
}

function isEmpty(value: unknown): boolean {
	return value !== null && typeof value === 'object' && !Array.isArray(value) && Object.keys(value).length === 0;
}
