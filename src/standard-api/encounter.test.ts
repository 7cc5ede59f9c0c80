// Visits through both APIs.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { builtInRoles, roleGrants } from '#access/roles.ts';
import type { Resource } from '#fhir/resource.ts';
import { testServer } from '#testing/server.ts';
import { type Enveloped, likelyRoundTrip, recordIn, recordRoundTrip } from '#testing/standard.ts';
import { encounterMapping } from './encounter.ts';

const server = await testServer({ after });
const names = { family: 'Who', given: ['Doctor'] };
const npi = [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '1234567893' }];
for (const body of [
	{ resourceType: 'Patient', id: 'p' },
	{ resourceType: 'Patient', id: 'q' },
	{ resourceType: 'Organization', id: 'clinic', name: 'Lakeside Clinic', active: true },
	{ resourceType: 'Practitioner', id: 'doctor', name: [names], identifier: npi },
])
	assert.ok((await server.send('PUT', `${body.resourceType}/${body.id}`, { body })).status < 300);

const subject = { reference: 'Patient/p' };
const amb = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' };

recordRoundTrip(server, encounterMapping, {
	path: 'api/patient/p/encounter',
	seed: 31,
	adjust(record) {
		const { date, date_end: end } = record as { date?: string; date_end?: string };
		const inOrder = date === undefined || end === undefined || date < end ? record : { ...record, date: end, date_end: date };
		// A description is of a code, and a visit without a beginning begins now.
		return { ...inOrder, ...(date === undefined ? { date_end: undefined } : {}) };
	},
	except: ['date_end'],
});
likelyRoundTrip(server, encounterMapping, {
	path: (id) => `api/patient/p/encounter/${id}`,
	seed: 32,
	adjust: (resource) => ({ ...resource, subject, status: 'finished', class: amb }) as Resource,
});

test('a visit has its facility, provider, class and category, and is seen in FHIR', async () => {
	const facility = recordIn(await numberOf('Organization/clinic'));
	const body = {
		pc_catid: '5',
		class_code: 'AMB',
		date: '2024-02-15 09:30:00',
		reason: 'Annual physical',
		sensitivity: 'normal',
		facility_id: facility.number,
		billing_facility: 'clinic',
		provider_id: 'doctor',
		pos_code: 11,
		discharge_disposition: 'home',
		external_id: 'X-1',
		referral_source: 'Friend',
	};
	const made = await server.api('POST', 'api/patient/q/encounter', { body });
	assert.equal(made.status, 201, made.text);
	const record = recordIn(made.json);
	const shown = {
		date: '2024-02-15 09:30:00',
		reason: 'Annual physical',
		pc_catid: 5,
		pc_catname: 'Office Visit',
		class_title: 'ambulatory',
		facility_id: facility.number,
		facility_uuid: 'clinic',
		facility_name: 'Lakeside Clinic',
		billing_facility_uuid: 'clinic',
		billing_facility_name: 'Lakeside Clinic',
		provider_uuid: 'doctor',
		discharge_disposition_text: 'Home',
		puuid: 'q',
		encounter: record.eid,
		sensitivity: 'normal',
	};
	for (const [field, value] of Object.entries(shown)) assert.equal(record[field], value, field);
	const fhir = (await server.send('GET', `Encounter/${record.euuid}`)).json;
	assert.deepEqual(fhir.meta?.profile, [encounterMapping.profile]);
	assert.equal(fhir.status, 'finished');
	assert.deepEqual(fhir.serviceProvider, { reference: 'Organization/clinic' });
	for (const named of [record.eid, record.euuid]) {
		assert.equal((await server.api('GET', `api/patient/q/encounter/${named}`)).status, 200);
		assert.equal((await server.api('GET', `api/patient/p/encounter/${named}`)).status, 404);
	}
	const later = await server.api('POST', 'api/patient/q/encounter', { body: { pc_catid: 9, class_code: 'VR', date: '2024-03-01' } });
	const list = (await server.api('GET', 'api/patient/q/encounter')).json as unknown as Enveloped<Record<string, unknown>[]>;
	assert.deepEqual(
		list.data.map(({ eid }) => eid),
		[recordIn(later.json).eid, record.eid],
	);
	const day = (await server.api('GET', 'api/patient/q/encounter?date=2024-02-15')).json as unknown as Enveloped<Record<string, unknown>[]>;
	assert.deepEqual(
		day.data.map(({ eid }) => eid),
		[record.eid],
	);
});

async function numberOf(reference: string): Promise<Record<string, unknown>> {
	const [type = '', id = ''] = reference.split('/');
	return { number: (await server.ctx.fhir.store.numbers.of(server.ctx.db, type, [id])).get(id) };
}

test('a visit of today is in progress until it ends', async () => {
	const { euuid } = recordIn((await server.api('POST', 'api/patient/p/encounter', { body: { pc_catid: 5, class_code: 'AMB' } })).json);
	const status = async (): Promise<unknown> => (await server.send('GET', `Encounter/${euuid}`)).json.status;
	assert.equal(await status(), 'in-progress');
	const { date } = recordIn((await server.api('GET', `api/patient/p/encounter/${euuid}`)).json);
	await server.api('PUT', `api/patient/p/encounter/${euuid}`, { body: { date_end: date, user: 'admin', group: 'Default' } });
	assert.equal(await status(), 'finished');
});

test('what is wrong is named', async () => {
	const { status, json } = await server.api('POST', 'api/patient/p/encounter', {
		body: { class_code: 'NOPE', facility_id: '4711', pc_catid: '' },
	});
	assert.equal(status, 400);
	assert.deepEqual((json as unknown as Enveloped<never>).validationErrors, {
		pc_catid: { 'NotEmpty::EMPTY_VALUE': 'pc catid must not be empty' },
		class_code: { 'InArray::NOT_IN_ARRAY': 'class code must be in the defined set of values' },
	});
	assert.equal((await server.api('GET', 'api/patient/nobody/encounter')).status, 400);
	assert.equal((await server.api('GET', 'api/patient/p/encounter/nothing')).status, 404);
	const unknown = await server.api('POST', 'api/patient/p/encounter', { body: { class_code: 'AMB', pc_catid: 5, facility_id: '4711' } });
	assert.match(unknown.text, /"facility_id":\{"Callback::INVALID_VALUE"/);
});

test('a visit of high sensitivity is for those who may see it', async () => {
	const roles = builtInRoles.filter(({ name }) => name === 'accounting');
	server.caller('accountant', roleGrants({}, roles));
	const made = recordIn(
		(await server.api('POST', 'api/patient/q/encounter', { body: { pc_catid: 5, class_code: 'AMB', sensitivity: 'high' } })).json,
	);
	assert.equal(made.sensitivity, 'high');
	assert.equal((await server.api('GET', `api/patient/q/encounter/${made.eid}`, { as: 'accountant' })).status, 404);
	await server.api('PUT', `api/patient/q/encounter/${made.eid}`, { body: { sensitivity: 'normal' } });
	assert.equal((await server.api('GET', `api/patient/q/encounter/${made.eid}`, { as: 'accountant' })).status, 200);
});
