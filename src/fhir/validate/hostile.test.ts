// Input of people who mean harm, and of machines that mean nothing: precise issues, bounded in number, never a throw.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadDefinitions } from '#fhir/definitions/definitions.ts';
import { parseJson } from '#fhir/wire/json.ts';
import { maxDepth, maxIssues } from './findings.ts';
import { samples } from './samples.ts';
import { createValidator } from './validator.ts';

const definitions = loadDefinitions();
const validator = createValidator(definitions);

const told = (value: unknown): string[] => validator.validate(value).map(({ code, path }) => `${code} ${path}`);

describe('hostile input', () => {
	it('is no resource', () => {
		for (const value of [
			undefined,
			null,
			0,
			'',
			'x',
			true,
			[],
			{},
			[{}],
			{ resourceType: 7 },
			{ resourceType: '' },
			{ resourceType: 'Nothing' },
			{ resourceType: 'Element' },
			{ resourceType: 'toString' },
			{ resourceType: '__proto__' },
			{ resourceType: 'Resource' },
		])
			assert.deepEqual(told(value), ['resource-type undefined'], JSON.stringify(value));
	});

	it('has names of the language as members', () => {
		const patient = JSON.parse(
			'{"resourceType":"Patient","__proto__":{"active":true},"constructor":1,"toString":2,"hasOwnProperty":{}}',
		) as object;
		const unknown = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'].map((name) => `element-unknown Patient.${name}`);
		assert.deepEqual(told(patient), unknown);
		const name = JSON.parse('[{"family":"x","__proto__":[1]}]') as unknown;
		assert.ok(told({ resourceType: 'Patient', name }).includes('element-unknown Patient.name[0].__proto__'));
		assert.equal(({} as { active?: unknown }).active, undefined);
	});

	it('has members without a plain name', () => {
		assert.ok(told({ resourceType: 'Patient', 'a b': 1, '`\\': 2, _nothing: 3 }).includes('element-unknown Patient.`a b`'));
		assert.ok(told({ resourceType: 'Patient', _gender: 'x' }).includes('json-type Patient.gender'));
		assert.ok(
			told({ resourceType: 'Patient', _gender: { extension: [{ url: 'http://a', valueCode: 'b' }], value: 1 } }).includes(
				'element-unknown Patient.gender.value',
			),
		);
	});

	it('is deep', () => {
		const nested = (levels: number, wrap: (inner: unknown) => object, end: unknown): unknown => {
			let value = end;
			for (let i = 0; i < levels; i++) value = wrap(value);
			return value;
		};
		const extension = nested(50_000, (inner) => ({ url: 'http://a', extension: [inner] }), { url: 'http://a', valueCode: 'b' });
		const [first, ...others] = validator.validate({ resourceType: 'Patient', text: samples.patient?.text, extension: [extension] });
		assert.equal(first?.code, 'element-too-deep');
		assert.equal(first?.path?.split('extension').length, maxDepth + 1);
		assert.deepEqual(others, []);
		const item = nested(50_000, (inner) => ({ linkId: '1', item: [inner] }), { linkId: '2' });
		assert.ok(
			told({ resourceType: 'QuestionnaireResponse', status: 'completed', item: [item] }).some((issue) =>
				issue.startsWith('element-too-deep'),
			),
		);
		const bundle = nested(50_000, (resource) => ({ resourceType: 'Bundle', type: 'collection', entry: [{ resource }] }), {
			resourceType: 'Patient',
		});
		assert.ok(told(bundle).some((issue) => issue.startsWith('element-too-deep')));
		const unknown = nested(50_000, (inner) => [inner], '#o');
		const contained = [{ resourceType: 'Organization', id: 'o', name: 'x', zzz: unknown }];
		assert.deepEqual(told({ resourceType: 'Patient', text: samples.patient?.text, contained, managingOrganization: { reference: '#o' } }), [
			'element-unknown Patient.contained[0].zzz',
		]);
		const assigner = nested(50_000, (inner) => ({ identifier: { value: '1', assigner: inner } }), { display: 'x' });
		assert.ok(told({ resourceType: 'Patient', managingOrganization: assigner }).some((issue) => issue.startsWith('element-too-deep')));
	});

	it('is wide', () => {
		const many = 100_000;
		const names = Array.from({ length: many }, (_, i) => ({ family: i }));
		assert.equal(validator.validate({ resourceType: 'Patient', text: samples.patient?.text, name: names }).length, maxIssues);
		const members = Object.fromEntries(Array.from({ length: many }, (_, i) => [`m${i}`, i]));
		assert.equal(validator.validate({ resourceType: 'Patient', text: samples.patient?.text, ...members }).length, maxIssues);
		const profile = Array.from({ length: many }, (_, i) => `http://example.org/${i}`);
		assert.equal(validator.validate({ resourceType: 'Patient', text: samples.patient?.text, meta: { profile } }).length, maxIssues);
		const fine = Array.from({ length: many }, (_, i) => ({ family: `${i}` }));
		assert.deepEqual(validator.validate({ resourceType: 'Patient', text: samples.patient?.text, name: fine }), []);
	});

	it('has many contained resources, links and extensions', () => {
		const many = 20_000;
		const contained = Array.from({ length: many }, (_, i) => ({
			resourceType: 'Organization',
			id: `o${i}`,
			name: 'x',
			text: samples.patient?.text,
		}));
		const generalPractitioner = contained.map(({ id }) => ({ reference: `#${id}` }));
		assert.deepEqual(validator.validate({ resourceType: 'Patient', text: samples.patient?.text, contained, generalPractitioner }), []);
		const extension = Array.from({ length: many }, () => ({
			url: 'http://hl7.org/fhir/StructureDefinition/patient-birthTime',
			valueDateTime: '2020',
		}));
		const misplaced = validator.validate({ resourceType: 'Patient', text: samples.patient?.text, extension });
		assert.ok(misplaced.length > 0 && misplaced.length <= 20 * maxIssues);
	});

	it('has long texts that patterns could choke on', () => {
		const long = 1_000_000;
		const texts = [
			'a '.repeat(long / 2),
			' '.repeat(long),
			'0.'.repeat(long / 2),
			'A/'.repeat(long / 2),
			`/${'A'.repeat(long)}`,
			'&'.repeat(long),
			'<a '.repeat(long / 3),
			'='.repeat(long),
		];
		for (const value of texts) {
			const resource = {
				resourceType: 'Patient',
				id: value,
				language: value,
				implicitRules: value,
				text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${value}` },
				birthDate: value,
				deceasedDateTime: value,
				managingOrganization: { reference: value },
				photo: [{ data: value }],
				extension: [{ url: value, valueOid: `urn:oid:${value}` }],
			};
			assert.ok(validator.validate(resource).length > 5);
		}
		assert.deepEqual(validator.validate({ ...samples.patient, photo: [{ contentType: 'image/png', data: 'AAAA'.repeat(2_000_000) }] }), []);
	});

	it('comes with the decimals of the reader', () => {
		const read = (text: string): unknown => parseJson(Buffer.from(text));
		const observation = (value: string): string[] =>
			told(read(`{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":${value}}}`));
		assert.deepEqual(observation('1.00'), ['invariant Observation']);
		assert.deepEqual(observation('-0'), ['invariant Observation']);
		assert.ok(told(read('{"resourceType":"Patient","multipleBirthInteger":1.0}')).includes('primitive-format Patient.multipleBirth'));
		assert.ok(told(read('{"resourceType":"Patient","name":[1.0]}')).includes('json-type Patient.name[0]'));
		assert.ok(told(read('{"resourceType":"Patient","maritalStatus":1.0}')).includes('json-type Patient.maritalStatus'));
	});
});

/** A small generator of random numbers with a seed (mulberry32). */
function randomFrom(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	};
}

describe('random input', () => {
	const names = [
		'id',
		'extension',
		'url',
		'value',
		'valueQuantity',
		'valueString',
		'_valueString',
		'code',
		'coding',
		'system',
		'name',
		'_name',
		'given',
		'_given',
		'item',
		'entry',
		'resource',
		'contained',
		'meta',
		'profile',
		'reference',
		'identifier',
		'status',
		'text',
		'div',
		'component',
		'subject',
		'period',
		'start',
		'end',
		'__proto__',
		'constructor',
		'resourceType',
		'linkId',
		'type',
		'target',
		'fullUrl',
		'request',
		'category',
	];
	const profiles = [...definitions.profilesOf('Patient'), ...definitions.profilesOf('Observation'), 'http://example.org/x'];

	function build(random: () => number, depth: number): unknown {
		const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
		const kind = random();
		if (depth > 6 || kind < 0.35)
			return pick<unknown>([
				null,
				true,
				0,
				-1.5,
				'',
				'x',
				'http://loinc.org',
				'#',
				'#a',
				'Patient/1',
				'2020-01',
				'\ud800',
				1e300,
				...profiles.slice(0, 3),
				pick(definitions.resourceTypes),
			]);
		if (kind < 0.55) return Array.from({ length: Math.floor(random() * 4) }, () => build(random, depth + 1));
		const object: Record<string, unknown> = {};
		for (let i = Math.floor(random() * 6); i >= 0; i--)
			Object.defineProperty(object, pick(names), { value: build(random, depth + 1), enumerable: true, configurable: true, writable: true });
		return object;
	}

	it('never makes the validator throw', () => {
		const random = randomFrom(20260726);
		for (let i = 0; i < 4000; i++) {
			const value = build(random, 0);
			const isPlain = value !== null && typeof value === 'object' && !Array.isArray(value);
			const resourceType = random() < 0.5 ? 'Observation' : definitions.resourceTypes[Math.floor(random() * 146)];
			const resource = isPlain ? { ...value, resourceType } : value;
			const issues = validator.validate(
				resource,
				random() < 0.3 ? { profiles: [profiles[Math.floor(random() * profiles.length)] as string] } : {},
			);
			for (const { severity, type, code, text } of issues)
				assert.ok([severity, type, code, text].every((word) => typeof word === 'string' && word !== '' && word.isWellFormed()));
		}
	});

	it('never makes the validator throw on samples with random parts', () => {
		const random = randomFrom(7);
		const all = Object.values(samples);
		for (let i = 0; i < 4000; i++) {
			const resource = structuredClone(all[i % all.length]) as Record<string, unknown>;
			let holder: Record<string, unknown> = resource;
			for (let depth = 0; depth < 6; depth++) {
				const keys = Object.keys(holder).filter((key) => key !== 'resourceType');
				if (keys.length === 0) break;
				const key = keys[Math.floor(random() * keys.length)] as string;
				const next = holder[key];
				if (random() < 0.3 || next === null || typeof next !== 'object') {
					holder[key] = build(random, 3);
					break;
				}
				holder = next as Record<string, unknown>;
			}
			validator.validate(resource);
		}
	});
});
