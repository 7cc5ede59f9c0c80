// Every route that writes a record with values of every kind in its fields: taken or refused by name, never a fault. Derived from rows and
// fields, as contract.test.ts is.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Answered, testServer } from '#testing/server.ts';
import { createStandardRecords, label, namesOne, pathOf } from '#testing/standard-records.ts';
import type { Field } from './mapping.ts';
import { standardRows } from './routes.ts';
import type { StandardRow } from './row.ts';

const server = await testServer({ after });
const { world, sampleOf, oneFor } = await createStandardRecords(server);
const mine = await world();

function fine(row: StandardRow, { status, text }: Answered, what: string): void {
	assert.ok(status < 500, `${label(row)} ${what}: ${status} ${text.slice(0, 500)}`);
}

function refused(row: StandardRow, answer: Answered, what: string, statuses: readonly number[] = [400]): void {
	assert.ok(statuses.includes(answer.status), `${label(row)} ${what}: ${answer.status} ${answer.text.slice(0, 500)}`);
}

const records = standardRows.filter(({ isRaw, resource }) => isRaw !== true && resource !== 'background_service');

const wrongValues: Readonly<Record<string, unknown>> = {
	object: { x: { y: 1 } },
	list: [1, null, 'x'],
	control: 'a\u0001b',
	long: 'x'.repeat(66_000),
	huge: 1e300,
	negative: -1,
	boolean: true,
	date: '2020-13-45',
	nobody: '99999999',
	path: '../../x/Patient/1',
};
const writing = records.filter(({ does, method }) => (does === 'create' || does === 'update') && method !== 'PATCH');

function isText({ kind, isReadOnly, rules: { oneOf, form } }: Field): boolean {
	return kind === 'text' && isReadOnly === undefined && oneOf === undefined && form === undefined;
}

test('values of any kind in any field are taken or refused by name, never a fault', async () => {
	for (const row of writing) {
		const own = namesOne(row) ? await oneFor(row, mine) : undefined;
		const path = pathOf(row, mine, own);
		const sample = sampleOf(row.resource, mine);
		const fields = row.mapping?.fields.filter(({ isReadOnly }) => isReadOnly === undefined);
		const names = fields?.map(({ name }) => name) ?? Object.keys(sample);
		for (const [kind, value] of Object.entries(wrongValues)) {
			const answer = await server.api(row.method, path, {
				body: { ...sample, ...Object.fromEntries(names.map((name) => [name, value])) },
			});
			fine(row, answer, `all ${kind}`);
			if (kind !== 'object' && kind !== 'control') continue;
			refused(row, answer, `all ${kind}`);
			for (const { name } of (fields ?? []).filter(isText))
				assert.ok(answer.text.includes(`"${name}":{"`), `${label(row)}: ${name} is not named for ${kind}: ${answer.text.slice(0, 2000)}`);
		}
		for (const name of Object.keys(sample))
			for (const kind of fields === undefined ? (['object', 'control', 'date'] as const) : (['date'] as const))
				fine(row, await server.api(row.method, path, { body: { ...sample, [name]: wrongValues[kind] } }), `${name} ${kind}`);
	}
});

/** The fields that an answer says something is wrong of. */
function namesIn({ json }: Answered): string[] {
	const { validationErrors = json } = json as { validationErrors?: object };
	return Object.keys(validationErrors);
}

test('what only FHIR refuses is told by the name of the field too', async () => {
	const unsound = { negative: -1, blanks: ' x  y ' };
	let told = 0;
	for (const row of writing.filter(({ mapping }) => mapping !== undefined)) {
		const own = namesOne(row) ? await oneFor(row, mine) : undefined;
		const sample = sampleOf(row.resource, mine);
		const known = new Set([...(row.mapping?.fields.map(({ name }) => name) ?? []), ...Object.keys(sample)]);
		for (const [kind, value] of Object.entries(unsound)) {
			const names = row.mapping?.fields.flatMap(({ name, isReadOnly }) => (isReadOnly === true ? [] : [name])) ?? [];
			const body = { ...sample, ...Object.fromEntries(names.map((name) => [name, value])) };
			// What is named is put right, so that the next answer names what comes later.
			for (let round = 0; round < 6; round++) {
				const answer = await server.api(row.method, pathOf(row, mine, own), { body });
				fine(row, answer, kind);
				if (answer.status !== 400) break;
				for (const name of namesIn(answer)) {
					assert.ok(known.has(name), `${label(row)}, ${kind}: "${name}" is no field: ${answer.text.slice(0, 800)}`);
					// OpenEMR's own codes are of the form Rule::CODE.
					if (answer.text.includes(`"${name}":{"primitive-`)) told++;
					delete body[name];
					if (Object.hasOwn(sample, name)) body[name] = sample[name];
				}
			}
		}
	}
	assert.ok(told > 5, String(told));
});

test('each field that is missing, too short or too long is named', async () => {
	// What is booked without a patient in the path is filled in by the clinic's rules.
	const strict = writing.filter(({ mapping, does, path }) => mapping !== undefined && does === 'create' && path !== '/appointment');
	for (const row of strict) {
		const path = pathOf(row, mine);
		for (const { name, rules } of row.mapping?.fields ?? []) {
			const sample = sampleOf(row.resource, mine);
			if (rules.required === true) {
				const { [name]: _, ...rest } = sample;
				const answer = await server.api(row.method, path, { body: rest });
				refused(row, answer, `without ${name}`);
				assert.match(answer.text, new RegExp(`"${name}":\\{"Required::NON_EXISTENT_KEY"`), `${label(row)} without ${name}`);
			}
		}
		const limited = (row.mapping?.fields ?? []).filter((field) => isText(field) && field.rules.length !== undefined);
		for (const side of [0, 1] as const) {
			const crossing = limited.filter(({ rules }) => side === 1 || (rules.length?.[0] ?? 0) > 1);
			const digits = (size: number): string => '1'.repeat(size);
			const values = crossing.map(({ name, rules }) => [name, digits((rules.length?.[side] ?? 0) + (side === 0 ? -1 : 1))]);
			if (values.length === 0) continue;
			const answer = await server.api(row.method, path, { body: { ...sampleOf(row.resource, mine), ...Object.fromEntries(values) } });
			refused(row, answer, side === 0 ? 'too short' : 'too long');
			for (const { name } of crossing) assert.match(answer.text, new RegExp(`"${name}":\\{"LengthBetween::TOO_`), `${label(row)} ${name}`);
		}
	}
});

test('a body that is no JSON, or no object, is 400 and says so', async () => {
	for (const row of writing) {
		const own = namesOne(row) ? await oneFor(row, mine) : undefined;
		const path = pathOf(row, mine, own);
		for (const body of ['{"title":', '[1]', '"x"', 'null', '{"a":1,"a":2}', '\u{feff}{', '{"__proto__":{}}']) {
			const answer = await server.api(row.method, path, { body, headers: { 'content-type': 'application/json' } });
			refused(row, answer, body);
			assert.match(answer.text, /json-malformed/, `${label(row)} ${body}`);
		}
	}
});
