// Vital signs through both APIs: records on one side, US Core Observations in a panel on the other.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { builtInRoles, roleGrants } from '#access/roles.ts';
import type { Resource } from '#fhir/resource.ts';
import { createRandom, type Random } from '#testing/random.ts';
import { testServer } from '#testing/server.ts';
import { likelyRoundTrip, recordIn, validRecord } from '#testing/standard.ts';
import { vitalMapping } from './vital-record.ts';
import { measures, signs } from './vital-signs.ts';

const server = await testServer({ after });
const amb = { code: 'AMB' };
for (const body of [
	{ resourceType: 'Patient', id: 'p' },
	{ resourceType: 'Patient', id: 'q' },
	{ resourceType: 'Encounter', id: 'e', status: 'finished', class: amb, subject: { reference: 'Patient/p' } },
	{ resourceType: 'Encounter', id: 'f', status: 'finished', class: amb, subject: { reference: 'Patient/q' } },
])
	assert.ok((await server.send('PUT', `${body.resourceType}/${body.id}`, { body })).status < 300);

const seed = {
	date: '2024-01-15',
	bps: '120',
	bpd: '80',
	weight: '180',
	height: '70',
	temperature: '98.6',
	pulse: '72',
	respiration: '16',
};

type Answer = Record<string, unknown>;

async function enter(path: string, body: object): Promise<Answer> {
	const { status, text, json } = await server.api('POST', path, { body });
	assert.equal(status, 201, text);
	return recordIn(json);
}

async function get(path: string): Promise<Answer> {
	const { status, text, json } = await server.api('GET', path);
	assert.equal(status, 200, text);
	return recordIn(json);
}

type Observation = Resource & {
	readonly code: { coding: { code: string }[] };
	valueQuantity?: { value: number; unit: string; code: string };
	component?: Observation[];
	hasMember?: { reference: string }[];
};

async function observation(reference: string): Promise<Observation> {
	return (await server.send('GET', reference)).json as Observation;
}

test('what is measured becomes a panel of US Core Observations', async () => {
	const made = await enter('api/patient/p/vital', seed);
	assert.equal(typeof made.vid, 'number');
	const head = await observation(`Observation/${made.uuid}`);
	assert.equal(head.code.coding[0]?.code, '85353-1');
	const members = await Promise.all((head.hasMember ?? []).map(({ reference }) => observation(reference)));
	const found = Object.fromEntries(members.map((one) => [one.code.coding[0]?.code, one]));
	assert.deepEqual(Object.keys(found).sort(), ['29463-7', '8302-2', '8310-5', '85354-9', '8867-4', '9279-1']);
	const units = {
		'29463-7': [180, '[lb_av]'],
		'8302-2': [70, '[in_i]'],
		'8310-5': [98.6, '[degF]'],
		'8867-4': [72, '/min'],
		'9279-1': [16, '/min'],
	};
	for (const [code, [value, unit]] of Object.entries(units)) {
		assert.equal(found[code]?.valueQuantity?.value, value);
		assert.equal(found[code]?.valueQuantity?.code, unit);
	}
	const pressures = found['85354-9']?.component?.map((one: Observation) => [
		one.code.coding[0]?.code,
		one.valueQuantity?.value,
		one.valueQuantity?.code,
	]);
	assert.deepEqual(pressures, [
		['8480-6', 120, 'mm[Hg]'],
		['8462-4', 80, 'mm[Hg]'],
	]);
	for (const one of [head, ...members]) {
		assert.equal(one.effectiveDateTime, '2024-01-15');
		assert.ok(
			one.meta?.profile?.every((url) =>
				server.ctx.fhir.validator.validate(one, { profiles: [url] }).every(({ severity }) => severity !== 'error'),
			),
		);
	}
	const trail = await server.send('GET', `Provenance?target=Observation/${made.uuid}`);
	assert.equal((trail.json.entry as { resource: { target: unknown[] } }[])[0]?.resource.target.length, 7);
	const record = await get(`api/patient/p/vital/${made.vid}`);
	for (const [name, value] of Object.entries({
		bps: '120',
		bpd: '80',
		weight: '180.000000',
		temperature: '98.600000',
		pulse: '72.000000',
		BMI: null,
	}))
		assert.equal(record[name], value, name);
	const metric = await get(`api/patient/p/vital/${made.uuid}?units=metric`);
	for (const [name, value] of Object.entries({
		weight: '81.646627',
		weight_unit: 'kg',
		height: '177.800000',
		temperature: '37.000000',
		pulse: '72.000000',
	}))
		assert.equal(metric[name], value, name);
});

test('every measure has its code, unit and profile, with the mistakes of others mended', () => {
	const codes = Object.fromEntries(measures.map(({ measure }) => [measure.field, measure.loinc]));
	assert.equal(codes.waist_circ, '8280-0');
	assert.equal(codes.head_circ, '9843-4');
	// The last digit of a LOINC code is a check digit, https://loinc.org/kb/users-guide/introduction/.
	for (const [field, code] of Object.entries(codes))
		assert.equal(checkDigit(code.split('-')[0] as string), Number(code.split('-')[1]), field);
	for (const { profiles } of signs) for (const url of profiles) assert.ok(server.ctx.fhir.definitions.structure(url) !== undefined, url);
});

function checkDigit(body: string): number {
	const digits = [...body].reverse();
	const doubled = String(
		Number(
			digits
				.filter((_, i) => i % 2 === 0)
				.reverse()
				.join(''),
		) * 2,
	);
	const rest = digits.filter((_, i) => i % 2 === 1).join('');
	const sum = [...doubled, ...rest].reduce((total, digit) => total + Number(digit), 0);
	return (10 - (sum % 10)) % 10;
}

/** A random record of what is measured. */
function vital(random: Random): Record<string, unknown> {
	const record = validRecord(random, vitalMapping.fields);
	for (const { measure } of measures)
		if (random.chance(0.5)) record[measure.field] = String(random.between(1, 3000) / (measure.plain === true ? 1 : 8));
	if (random.chance(0.5)) record.temp_method = random.pick(['Oral', 'Rectal', 'Tympanic Membrane']);
	if (random.chance(0.5)) record.BMI_status = random.pick(['Overweight', 'Normal BL']);
	return record;
}

function isShown(record: Answer, sent: Record<string, unknown>, context: string): void {
	for (const [name, value] of Object.entries(sent)) {
		const numeric = measures.find(({ measure }) => measure.field === name)?.measure;
		const expected = numeric === undefined || numeric.plain === true || value === null ? value : Number(value).toFixed(6);
		assert.equal(record[name], expected, `${context}: ${name}`);
	}
}

test('what is sent comes back, and what is changed changes alone', async () => {
	for (let run = 0; run < 12; run++) {
		const random = createRandom(41, run);
		const sent = vital(random);
		const path = 'api/patient/p/encounter/e/vital';
		const made = await enter(path, sent);
		const where = `${path}/${made.vid}`;
		isShown(await get(where), sent, `run ${run}`);
		const before = await everything(made.uuid as string);
		const same = await server.api('PUT', where, { body: await get(where) });
		assert.equal(same.status, 200, same.text);
		const metric = await server.api('PUT', `${where}?units=metric`, { body: await get(`${where}?units=metric`) });
		assert.equal(metric.status, 200, metric.text);
		assert.deepEqual(await everything(made.uuid as string), before, `run ${run}: unchanged`);
		const { date: _, ...change } = vital(random);
		for (const { measure } of measures) if (random.chance(0.2)) change[measure.field] = null;
		const put = await server.api('PUT', where, { body: change });
		assert.equal(put.status, 200, put.text);
		assert.deepEqual(put.json as unknown, { vid: made.vid });
		isShown(await get(where), { ...sent, ...change }, `run ${run}, changed`);
	}
});

/** The panel and its members as they are stored. */
async function everything(id: string): Promise<string[]> {
	const head = await server.send('GET', `Observation/${id}`);
	const members = ((head.json as Observation).hasMember ?? []).map(({ reference }) => server.send('GET', reference));
	return [head, ...(await Promise.all(members))].map(({ text }) => text);
}

const vitalSigns = [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] }];
let turn = 0;
likelyRoundTrip(server, vitalMapping, {
	path: (id) => `api/patient/p/vital/${id}`,
	seed: 42,
	adjust(resource) {
		const { measure } = measures[turn++ % measures.length] as (typeof measures)[number];
		const code = { coding: [{ system: 'http://loinc.org', code: measure.loinc }] };
		const quantity = { value: turn / 8, unit: 'mine', system: 'http://unitsofmeasure.org', code: measure.of.metric.code };
		const others = Object.fromEntries(Object.entries(resource).filter(([name]) => !/^_?(value|effective)[A-Z]|^hasMember$/.test(name)));
		const effectiveDateTime = `20${10 + (turn % 80)}-01-05T10:00:00Z`;
		const own = {
			code,
			valueQuantity: quantity,
			category: vitalSigns,
			subject: { reference: 'Patient/p' },
			status: 'final',
			effectiveDateTime,
		};
		return { ...others, ...own } as unknown as Resource;
	},
});

test('units may be named with the values', async () => {
	const body = { weight: '80.5', weight_unit: 'kg', height: 180, height_unit: 'cm', temperature: '37.2', temperature_unit: 'Cel' };
	const made = await enter('api/patient/q/vital', body);
	const metric = await get(`api/patient/q/vital/${made.vid}?units=metric`);
	isShown(metric, { weight: '80.5', height: '180', temperature: '37.2' }, 'metric');
	const us = await get(`api/patient/q/vital/${made.vid}`);
	isShown(us, { weight: '177.472121', height: '70.866142', temperature: '98.96' }, 'us');
	const head = await observation(`Observation/${made.uuid}`);
	const weight = await observation(head.hasMember?.[0]?.reference as string);
	assert.deepEqual(weight.valueQuantity, { value: 80.5, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' });
	await server.api('PUT', `api/patient/q/vital/${made.vid}`, { body: { weight: '81', weight_unit: 'kg' } });
	isShown(await get(`api/patient/q/vital/${made.vid}?units=metric`), { weight: '81' }, 'changed');
	assert.match((await server.api('POST', 'api/patient/q/vital', { body: { weight: 1, weight_unit: 'stone' } })).text, /weight_unit/);
});

test('measurements that came through FHIR without a panel are records too', async () => {
	const base = {
		resourceType: 'Observation',
		status: 'final',
		category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] }],
		subject: { reference: 'Patient/q' },
		encounter: { reference: 'Encounter/f' },
		effectiveDateTime: '2025-02-03T08:00:00Z',
	};
	const loinc = (code: string): object => ({ coding: [{ system: 'http://loinc.org', code }] });
	const kilos = { value: 70, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' };
	const pulse = { value: 60, unit: 'beats/min', system: 'http://unitsofmeasure.org', code: '/min' };
	await server.send('PUT', 'Observation/w', { body: { ...base, id: 'w', code: loinc('29463-7'), valueQuantity: kilos } });
	await server.send('PUT', 'Observation/h', { body: { ...base, id: 'h', code: loinc('8867-4'), valueQuantity: pulse } });
	const path = 'api/patient/q/encounter/f/vital';
	const list = (await server.api('GET', `${path}?units=metric`)).json as unknown as Answer[];
	assert.equal(list.length, 1);
	isShown(list[0] as Answer, { weight: '70', pulse: '60', eid: list[0]?.eid, euuid: 'f', uuid: 'w' }, 'without a panel');
	const vid = list[0]?.id;
	// One of its own changes in place.
	await server.api('PUT', `${path}/${vid}`, { body: { pulse: '61' } });
	const h = await observation('Observation/h');
	assert.deepEqual(h.valueQuantity, { ...pulse, value: 61 });
	assert.equal(h.status, 'amended');
	assert.equal((await server.send('GET', 'Observation?code=85353-1&encounter=Encounter/f')).json.entry, undefined);
	// What is added ties them together.
	await server.api('PUT', `${path}/${vid}`, { body: { respiration: 14, note: 'calm' } });
	const after = await get(`${path}/${vid}?units=metric`);
	isShown(after, { weight: '70', pulse: '61', respiration: '14', note: 'calm' }, 'tied');
	assert.equal(((await server.api('GET', path)).json as unknown as Answer[]).length, 1);
});

test('a change of one field leaves the digits of the others as they were written', async () => {
	const at = { subject: { reference: 'Patient/p' }, effectiveDateTime: '2025-03-04T08:00:00Z', status: 'final', category: vitalSigns };
	const put = async (id: string, code: string, rest: string): Promise<void> => {
		const resource = { resourceType: 'Observation', id, code: { coding: [{ system: 'http://loinc.org', code }] }, ...at };
		const body = JSON.stringify(resource).replace(/}$/, `,${rest}}`);
		const stored = await server.send('PUT', `Observation/${id}`, { body, headers: { 'content-type': 'application/fhir+json' } });
		assert.equal(stored.status, 201, stored.text);
	};
	const quantity = (value: string, unit: string): string =>
		`"valueQuantity":{"value":${value},"system":"http://unitsofmeasure.org","code":"${unit}"}`;
	await put('warm', '8310-5', quantity('98.60', '[degF]'));
	await put('beat', '8867-4', quantity('72.0', '/min'));
	const score = '"extension":[{"url":"http://example.org/score","valueDecimal":1.50}]';
	await put('head', '85353-1', `"hasMember":[{"reference":"Observation/warm"}],${score}`);
	for (const body of [{ note: 'calm' }, { temp_method: 'Oral' }, { respiration: '15' }]) {
		const changed = await server.api('PUT', 'api/patient/p/vital/head', { body });
		assert.equal(changed.status, 200, changed.text);
	}
	assert.equal((await server.api('PUT', 'api/patient/p/vital/beat', { body: { note: 'quick' } })).status, 200);
	for (const [id, written] of [
		['warm', '"value":98.60,'],
		['beat', '"value":72.0,'],
		['head', '"valueDecimal":1.50}'],
	] as const) {
		const { text } = await server.send('GET', `Observation/${id}`);
		assert.ok(text.includes(written) && (text.includes('Oral') || id !== 'warm'), text);
	}
});

test('a nurse enters vitals, changes her own and not those of others', async () => {
	for (const id of ['nurse', 'doctor'])
		await server.send('PUT', `Practitioner/${id}`, { body: { resourceType: 'Practitioner', id, name: [{ family: id }] } });
	for (const [id, role] of [
		['nurse', 'nurse'],
		['doctor', 'physician'],
		['clerk', 'front-office'],
	] as const) {
		const roles = builtInRoles.filter(({ name }) => name === role);
		const fhirUser = `Practitioner/${id}`;
		const grants = roleGrants({ fhirUser }, roles);
		server.caller(id, grants, 'user', { fhirUser, person: { roles, grants } });
	}
	const path = 'api/patient/p/encounter/e/vital';
	const own = await server.api('POST', path, { as: 'nurse', body: { pulse: 80, bps: 120, bpd: 70 } });
	assert.equal(own.status, 201, own.text);
	const { vid, uuid } = recordIn(own.json);
	assert.deepEqual((await observation(`Observation/${uuid}`)).performer, [{ reference: 'Practitioner/nurse' }]);
	assert.equal((await get(`${path}/${vid}`)).user_uuid, 'nurse');
	assert.equal((await server.api('PUT', `${path}/${vid}`, { as: 'nurse', body: { pulse: 81, respiration: 15 } })).status, 200);
	assert.equal((await server.api('PUT', `${path}/${vid}`, { as: 'doctor', body: { pulse: 82 } })).status, 200);
	const other = recordIn((await server.api('POST', path, { as: 'doctor', body: { pulse: 90 } })).json);
	assert.ok([403, 404].includes((await server.api('PUT', `${path}/${other.vid}`, { as: 'nurse', body: { pulse: 91 } })).status));
	isShown(await get(`${path}/${other.vid}`), { pulse: '90' }, 'of the doctor');
	for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
		const to = method === 'POST' ? path : `${path}/${vid}`;
		assert.equal((await server.api(method, to, { as: 'clerk', body: method === 'GET' ? undefined : { pulse: 1 } })).status, 403, method);
	}
});

test('a record is within its visit and patient, and is struck out whole', async () => {
	const made = await enter('api/patient/p/encounter/e/vital', { pulse: 70, bps: 120 });
	for (const elsewhere of [
		`api/patient/q/encounter/f/vital/${made.vid}`,
		`api/patient/q/vital/${made.vid}`,
		`api/patient/p/encounter/f/vital/${made.vid}`,
	])
		for (const method of ['GET', 'PUT', 'DELETE'])
			assert.equal((await server.api(method, elsewhere, { body: method === 'GET' ? undefined : {} })).status, 404, elsewhere);
	const head = await observation(`Observation/${made.uuid}`);
	assert.equal((await server.api('DELETE', `api/patient/p/encounter/e/vital/${made.vid}`)).status, 200);
	for (const { reference } of head.hasMember ?? []) assert.equal((await observation(reference)).status, 'entered-in-error');
	assert.equal((await server.api('GET', `api/patient/p/encounter/e/vital/${made.vid}`)).status, 404);
});

test('what is wrong is named', async () => {
	const { status, json } = await server.api('POST', 'api/patient/p/encounter/e/vital', { body: { pulse: 'fast', weight: {}, bps: '1e3' } });
	assert.equal(status, 400);
	assert.deepEqual(json as unknown, {
		bps: { 'Numeric::NOT_NUMERIC': 'bps must be numeric' },
		weight: { 'Numeric::NOT_NUMERIC': 'weight must be numeric' },
		pulse: { 'Numeric::NOT_NUMERIC': 'pulse must be numeric' },
	});
	const long = await server.api('POST', 'api/patient/p/encounter/e/vital', { body: { note: 'x'.repeat(256) } });
	assert.match(long.text, /"note":\{"LengthBetween::TOO_LONG"/);
	await enter('api/patient/p/encounter/e/vital', {});
	assert.equal((await server.api('GET', 'api/patient/p/encounter/e/vital?units=feet')).status, 400);
});

test('pages follow one another', async () => {
	await server.send('PUT', 'Patient/r', { body: { resourceType: 'Patient', id: 'r' } });
	for (const day of [1, 2, 3, 4, 5])
		await enter('api/patient/r/vital', { date: `2024-01-0${day}`, pulse: 60 + day, bps: 120, bpd: 70 + day });
	const pulses = async (query: string): Promise<unknown[]> =>
		((await server.api('GET', `api/patient/r/vital${query}`)).json as unknown as Answer[]).map(({ pulse }) => Number(pulse));
	assert.deepEqual(await pulses(''), [65, 64, 63, 62, 61]);
	assert.deepEqual(await pulses('?_sort=date&_limit=2'), [61, 62]);
	assert.deepEqual(await pulses('?_limit=2&_offset=2'), [63, 62]);
	assert.deepEqual(await pulses('?_limit=2&_offset=4'), [61]);
});
