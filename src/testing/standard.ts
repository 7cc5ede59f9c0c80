// The two promises of every mapping of the Standard API, as property tests: what is sent comes back, and what FHIR holds stays.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resource } from '#fhir/resource.ts';
import type { Validator } from '#fhir/validate/validator.ts';
import { optionsOf } from '#standard-api/dictionaries.ts';
import type { Field, Mapping } from '#standard-api/mapping.ts';
import { testDefinitions } from './fhir.ts';
import { createLikely } from './likely-resource.ts';
import { createRandom, type Random } from './random.ts';
import type { TestServer } from './server.ts';

export type Enveloped<T> = { readonly validationErrors: object; readonly internalErrors: readonly string[]; readonly data: T };

/** The record of an answer, whatever its style. */
export function recordIn(json: unknown): Record<string, unknown> {
	const value = (json as Partial<Enveloped<unknown>>).data ?? json;
	return (Array.isArray(value) ? value[0] : value) as Record<string, unknown>;
}

/** A value that the rules of a field allow, as a client would send it. */
export function validValue(random: Random, { kind, rules }: Field): unknown {
	if (rules.oneOf !== undefined) return random.pick([...optionsOf(rules.oneOf)]);
	switch (kind) {
		case 'integer':
			return random.between(0, 99_999);
		case 'decimal':
			return random.between(0, 2000) / 8;
		case 'flag':
			return random.between(0, 1);
		case 'date':
			return day(random);
		case 'datetime':
			return `${day(random)} ${two(random.below(24))}:${two(random.below(60))}:${two(random.below(60))}`;
		default:
			return validText(random, rules);
	}
}

function validText(random: Random, { length = [1, 40], numeric, form }: Field['rules']): string {
	const [least, most] = length;
	if (form === 'email') return `${word(random, 5)}.${word(random, 4)}@${word(random, 6)}.example`;
	if (form === 'url') return `https://${word(random, 8)}.example/${word(random, 3)}`;
	if (form === 'instant') return `${day(random)}${random.pick(['', `T${two(random.below(24))}:${two(random.below(60))}:00-05:00`])}`;
	if (form === 'time') return `${two(random.below(24))}:${two(random.below(60))}`;
	const size = random.between(Math.max(1, least), Math.min(most, Math.max(least, 40)));
	if (numeric === true) return Array.from({ length: size }, (_, i) => (i === 0 ? random.between(1, 9) : random.below(10))).join('');
	return word(random, size);
}

const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -\'"\\|,$&<>/éßøłñ漢😀';

function word(random: Random, size: number): string {
	const from = [...letters];
	const plain = from.slice(0, 26);
	// Ends with letters, since blanks at the ends are no part of a name; parts of two are enough for the middle.
	return Array.from({ length: size }, (_, i) => (i === 0 || i === size - 1 || size < 9 ? random.pick(plain) : random.pick(from))).join('');
}

function day(random: Random): string {
	return `${random.between(1930, 2025)}-${two(random.between(1, 12))}-${two(random.between(1, 28))}`;
}

function two(value: number): string {
	return String(value).padStart(2, '0');
}

/** A random record: required fields always, others by chance. References are left out unless `fixed` has them. */
export function validRecord(
	random: Random,
	fields: readonly Field[],
	fixed: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
	const record: Record<string, unknown> = {};
	for (const field of fields) {
		if (field.isReadOnly === true || field.kind === 'list' || field.kind === 'reference') continue;
		if (field.rules.required === true || random.chance(0.5)) record[field.name] = validValue(random, field);
	}
	return { ...record, ...fixed };
}

export type RecordOptions = {
	/** Where records are made. */
	readonly path: string | (() => string);
	readonly seed: number;
	/** Below which a record is read by what its making answered; the path itself with the UUID or number when absent. */
	readonly read?: (made: Record<string, unknown>) => string;
	/** Fields that every record has, e.g. references. */
	readonly fixed?: () => Readonly<Record<string, unknown>>;
	/** Puts right what a random record cannot know. */
	readonly adjust?: (record: Record<string, unknown>) => Record<string, unknown>;
	readonly runs?: number;
	/** Fields that are not shown as they were sent. */
	readonly except?: readonly string[];
};

/** Random valid record → POST → GET equals; and what it became is valid FHIR that is read through FHIR's API. */
export function recordRoundTrip(server: TestServer, mapping: Mapping, options: RecordOptions): void {
	const { path, seed, fixed, adjust = (record) => record, runs = 25, except = [] } = options;
	test(`${mapping.resource}: what is sent comes back`, async () => {
		for (let run = 0; run < runs; run++) {
			const random = createRandom(seed, run);
			const sent = adjust(validRecord(random, mapping.fields, fixed?.()));
			const to = typeof path === 'string' ? path : path();
			const made = await server.api('POST', to, { body: sent });
			assert.ok(made.status === 201 || made.status === 200, `run ${run}: ${made.text} ${JSON.stringify(sent)}`);
			const answer = recordIn(made.json);
			const where = options.read?.(answer) ?? `${to}/${answer.uuid ?? answer.id}`;
			const read = await server.api('GET', where);
			assert.equal(read.status, 200, read.text);
			const got = recordIn(read.json);
			for (const [name, value] of Object.entries(sent)) {
				if (!except.includes(name)) assert.equal(String(got[name]), String(value), `run ${run}: ${name}`);
			}
		}
	});
}

export type LikelyOptions = {
	/** Where the record of a FHIR id is read and written. */
	readonly path: (id: string, resource: Resource) => string;
	readonly seed: number;
	/** Makes a random resource one that can be stored, and that is a record of this kind. */
	readonly adjust?: (resource: Resource) => Resource;
	readonly runs?: number;
	/** Also changes each field by itself, but for these: the others have to stay. */
	readonly alone?: readonly string[];
};

/** Random FHIR resource → GET as a record → PUT unchanged → the resource has not changed. With `alone` also: each field changed by itself leaves the rest. */
export function likelyRoundTrip(
	server: TestServer,
	mapping: Mapping,
	{ path, seed, adjust = (one) => one, runs = 25, alone }: LikelyOptions,
): void {
	test(`${mapping.resource}: what FHIR holds stays`, async () => {
		let stored = 0;
		for (let run = 0; run < runs * 3 && stored < runs; run++) {
			const random = createRandom(seed, run);
			const likely = createLikely(testDefinitions(), random, likelyWords).resource(mapping.type);
			const id = `likely-${mapping.resource.replaceAll('_', '-')}-${run}`;
			const { meta: _, contained: __, ...rest } = likely;
			const resource = madeValid(server.ctx.fhir.validator, adjust({ ...withoutReferences(rest), resourceType: mapping.type, id }));
			// What is not valid FHIR is not stored, and nothing can be lost of it.
			if ((await server.send('PUT', `${mapping.type}/${id}`, { body: resource })).status > 201) continue;
			stored++;
			const before = (await server.send('GET', `${mapping.type}/${id}`)).text;
			const where = path(id, resource);
			const read = await server.api('GET', where);
			assert.equal(read.status, 200, `run ${run}: ${read.text} ${before}`);
			const put = await server.api('PUT', where, { body: recordIn(read.json) });
			assert.equal(put.status, 200, `run ${run}: ${put.text} ${before}`);
			assert.equal((await server.send('GET', `${mapping.type}/${id}`)).text, before, `run ${run}`);
			if (alone !== undefined && stored <= 4) await changeEach(server, mapping, where, random, alone);
		}
		assert.ok(stored >= runs / 2, `only ${stored} resources could be stored`);
	});
}

/** Some fields of a record, each changed by itself: it is what was sent, and every other field what it was. */
async function changeEach(server: TestServer, mapping: Mapping, where: string, random: Random, except: readonly string[]): Promise<void> {
	const fields = mapping.fields.filter(
		({ isReadOnly, kind, name }) => isReadOnly !== true && kind !== 'reference' && kind !== 'list' && !except.includes(name),
	);
	for (let i = 0; i < 6; i++) {
		const field = random.pick(fields);
		const value = validValue(random, field);
		const before = recordIn((await server.api('GET', where)).json);
		const put = await server.api('PUT', where, { body: { [field.name]: value } });
		assert.equal(put.status, 200, `${field.name}: ${put.text}`);
		const after = recordIn((await server.api('GET', where)).json);
		for (const name of Object.keys(before)) {
			if (['last_updated', 'date', 'modifydate', 'addresses', 'previous_names'].includes(name)) continue;
			const expected = name === field.name ? String(value) : JSON.stringify(before[name]);
			assert.equal(
				name === field.name ? String(after[name]) : JSON.stringify(after[name]),
				expected,
				`${name} after ${field.name} = ${value}`,
			);
		}
	}
}

const likelyWords = [
	'male',
	'female',
	'official',
	'old',
	'home',
	'work',
	'phone',
	'email',
	'mobile',
	'active',
	'final',
	'en',
	'X',
	'Smith',
	'maiden',
];

/** References of random resources lead nowhere, which the record refuses. */
function withoutReferences<T>(value: T): T {
	if (Array.isArray(value)) return value.map(withoutReferences) as T;
	if (typeof value !== 'object' || value === null) return value;
	const kept = Object.entries(value).filter(([name]) => name !== 'reference' && name !== 'contained' && name !== '_reference');
	return Object.fromEntries(kept.map(([name, one]) => [name, withoutReferences(one)])) as T;
}

/** The resource without what the validator refuses: first the element it names, then what is around it. */
function madeValid(validator: Validator, resource: Resource): Resource {
	const valid = structuredClone(resource);
	const tries = new Map<string, number>();
	for (let round = 0; round < 60; round++) {
		const wrong = validator.validate(valid).find(({ severity }) => severity === 'error' || severity === 'fatal');
		if (wrong === undefined) return valid;
		const steps = [...(wrong.path ?? '').matchAll(/\.([A-Za-z_]+)|\[(\d+)\]/g)].map(([, name, index]) => name ?? Number(index));
		const path = steps.join('.');
		const up = tries.get(path) ?? 0;
		tries.set(path, up + 1);
		removeAt(valid, steps.slice(0, Math.max(1, steps.length - up)));
	}
	return valid;
}

function removeAt(root: unknown, steps: readonly (string | number)[]): void {
	let node = root as Record<string | number, unknown> | undefined;
	for (const step of steps.slice(0, -1)) node = node?.[step] as typeof node;
	const last = steps.at(-1);
	if (node === undefined || node === null || last === undefined) return;
	if (Array.isArray(node)) node.splice(Number(last), 1);
	else {
		delete node[last];
		delete node[`_${last}`];
	}
}
