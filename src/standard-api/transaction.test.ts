// Transactions through both APIs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { testServer } from '#testing/server.ts';
import { likelyRoundTrip, recordRoundTrip } from '#testing/standard.ts';
import { transactionMapping } from './transaction.ts';

const server = await testServer({ after });
let [ann, bob] = ['', ''];

before(async () => {
	const add = async (family: string): Promise<string> =>
		(await server.send('POST', 'Patient', { body: { resourceType: 'Patient', name: [{ family }] } })).json.id as string;
	[ann, bob] = [await add('Ann'), await add('Bob')];
});

type Row = Record<string, unknown>;
const referral: Row = {
	type: 'LBTref',
	referralDate: '2024-01-15',
	body: 'Please see this patient.',
	groupname: 'Default',
	referByNpi: '1234567893',
};

test('a referral is entered, listed, read, changed, seen in FHIR, struck', async () => {
	const path = `api/patient/${ann}/transaction`;
	const more = {
		referToNpi: '1234567802',
		referDiagnosis: 'ICD10:E11.9',
		riskLevel: 'Low',
		includeVitals: '1',
		referralAuthorization: 'A-1',
		visits: '3',
		validFrom: '2024-01-15',
		validThrough: '2024-06-30',
	};
	const made = await server.api('POST', path, { body: { ...referral, ...more } });
	assert.equal(made.status, 201, made.text);
	const [{ id, form_id, uuid }] = (made.json as unknown as { data: [{ id: number; form_id: number; uuid: string }] }).data;
	assert.equal(id, form_id);
	const { data } = (await server.api('GET', path)).json as unknown as { data: [[Row]] };
	const wanted = {
		form_id: id,
		title: 'LBTref',
		groupname: 'Default',
		authorized: 1,
		body: 'Please see this patient.',
		refer_date: '2024-01-15',
		refer_diag: 'ICD10:E11.9',
		refer_from: '1234567893',
		refer_to: '1234567802',
		refer_risk_level: 'Low',
		refer_vitals: 1,
		refer_authorization: 'A-1',
		refer_visits: 3,
		refer_validFrom: '2024-01-15',
		refer_validThrough: '2024-06-30',
	};
	for (const [name, value] of Object.entries(wanted)) assert.equal(data[0][0][name], value, name);
	const fhir = (await server.send('GET', `ServiceRequest?patient=${ann}&category=http://snomed.info/sct|3457005`)).json as unknown as {
		entry: [{ resource: Row }];
	};
	assert.equal(fhir.entry[0].resource.id, uuid);
	assert.deepEqual(fhir.entry[0].resource.meta !== undefined && (fhir.entry[0].resource.meta as Row).profile, [transactionMapping.profile]);
	const changed = await server.api('PUT', `api/transaction/${id}`, { body: { visits: 5, body: 'Soon, please.' } });
	assert.equal(changed.status, 200, changed.text);
	const read = ((await server.api('GET', `api/transaction/${uuid}`)).json as unknown as { data: Row }).data;
	assert.deepEqual([read.refer_visits, read.body, read.refer_to], [5, 'Soon, please.', '1234567802']);
	assert.equal((await server.api('GET', `api/patient/${bob}/transaction/${id}`)).status, 404);
	assert.equal((await server.api('DELETE', `api/patient/${bob}/transaction/${id}`)).status, 404);
	assert.equal((await server.api('DELETE', `api/patient/${ann}/transaction/${id}`)).status, 200);
	assert.equal((await server.api('GET', path)).status, 404);
	assert.equal((await server.send('GET', `ServiceRequest/${uuid}`)).json.status, 'entered-in-error');
});

test('other forms need their type alone, and laboratory orders are no transactions', async () => {
	const path = `api/patient/${bob}/transaction`;
	for (const type of ['LBTptreq', 'LBTphreq', 'LBTlegal', 'LBTbill'])
		assert.equal((await server.api('POST', path, { body: { type } })).status, 201);
	const order = {
		resourceType: 'ServiceRequest',
		status: 'active',
		intent: 'order',
		code: { text: 'CBC' },
		subject: { reference: `Patient/${bob}` },
	};
	await server.send('POST', 'ServiceRequest', { body: order });
	const sent = { ...order, category: [{ coding: [{ system: 'http://snomed.info/sct', code: '3457005' }] }] };
	await server.send('POST', 'ServiceRequest', { body: sent });
	const { data } = (await server.api('GET', path)).json as unknown as { data: [Row[]] };
	assert.deepEqual(data[0].map(({ type }) => type).sort(), ['LBTbill', 'LBTlegal', 'LBTphreq', 'LBTptreq', 'LBTref']);
});

test('what is wrong of a referral is told, and nothing is entered', async () => {
	const path = `api/patient/${(await server.send('POST', 'Patient', { body: { resourceType: 'Patient', name: [{ family: 'Eve' }] } })).json.id}/transaction`;
	for (const field of Object.keys(referral)) {
		const { [field]: _, ...body } = referral;
		const answer = await server.api('POST', path, { body });
		assert.deepEqual([answer.status, answer.text.includes(`"${field}":{"Required::NON_EXISTENT_KEY"`)], [400, true], answer.text);
	}
	for (const [field, value] of Object.entries({
		referralDate: 'soon',
		body: 'x',
		visits: 'many',
		validFrom: '2024-13-01',
		type: {},
		validThrough: '2020-01-01',
	})) {
		const answer = await server.api('POST', path, { body: { ...referral, validFrom: '2024-01-01', [field]: value } });
		assert.deepEqual([answer.status, answer.text.includes(`"${field}"`)], [400, true], answer.text);
	}
	assert.equal((await server.api('GET', path)).status, 404);
	assert.equal((await server.api('PUT', 'api/transaction/4711', { body: {} })).status, 404);
});

const types = ['LBTref', 'LBTptreq', 'LBTphreq', 'LBTlegal', 'LBTbill'];
let turn = 0;
recordRoundTrip(server, transactionMapping, {
	path: () => `api/patient/${bob}/transaction`,
	seed: 51,
	adjust: (record) => {
		const [validFrom, validThrough] = [record.validFrom, record.validThrough].sort();
		const valid = validThrough === undefined ? {} : { validFrom, validThrough };
		return { ...referral, ...record, ...valid, type: types[turn++ % types.length] };
	},
	read: ({ id }) => `api/transaction/${id}`,
});

likelyRoundTrip(server, transactionMapping, {
	path: (id) => `api/transaction/${id}`,
	seed: 52,
	adjust: (resource) => ({
		...resource,
		status: 'active',
		intent: 'order',
		subject: { reference: `Patient/${bob}` },
		category: [{ coding: [{ system: 'http://snomed.info/sct', code: '3457005' }] }],
	}),
});
