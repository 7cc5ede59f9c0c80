// insurance and employer through both APIs, and the rules that a patient's policies have together.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { testServer } from '#testing/server.ts';
import { likelyRoundTrip, recordRoundTrip } from '#testing/standard.ts';
import { employerMapping } from './employer.ts';
import { insuranceMapping } from './insurance.ts';

const server = await testServer({ after });

type Data = { readonly data: Record<string, unknown> };

async function made(path: string, body: object): Promise<Record<string, unknown>> {
	const { status, json, text } = await server.api('POST', path, { body });
	assert.ok(status === 200 || status === 201, text);
	return (json as unknown as Data).data ?? json;
}

const person = { fname: 'Eva', lname: 'Ostrom', DOB: '1961-02-03', sex: 'Female', ss: '111-22-3333' };
const payer = await made('api/insurance_company', { name: 'Health Plan' });
const other = await made('api/insurance_company', { name: 'Second Plan' });

const policy = {
	type: 'primary',
	provider: payer.iid,
	policy_number: 'P-100',
	group_number: 'G-1',
	plan_name: 'Gold',
	subscriber_lname: 'Ostrom',
	subscriber_fname: 'Eva',
	subscriber_relationship: 'self',
	subscriber_DOB: '1961-02-03',
	subscriber_street: '1 Elm St',
	subscriber_postal_code: '02110',
	subscriber_city: 'Boston',
	subscriber_state: 'MA',
	subscriber_country: 'USA',
	subscriber_sex: 'Female',
	accept_assignment: 'TRUE',
	date: '2024-01-01',
};

async function refusal(path: string, body: object): Promise<Record<string, unknown>> {
	const { status, json, text } = await server.api('POST', path, { body });
	assert.equal(status, 400, text);
	return (json as unknown as { validationErrors: Record<string, unknown> }).validationErrors;
}

test('a policy is entered, read in FHIR, changed, struck out', async () => {
	const { pid, uuid } = await made('api/patient', person);
	const path = `api/patient/${uuid}/insurance`;
	const { id, uuid: policyId, ...row } = await made(path, policy);
	for (const [field, value] of Object.entries({ ...policy, pid, puuid: uuid, insureruuid: payer.uuid, date_end: null }))
		assert.equal(row[field], value, field);
	const fhir = (await server.send('GET', `Coverage/${policyId}`)).json;
	assert.equal(fhir.subscriberId, 'P-100');
	assert.deepEqual(fhir.beneficiary, { reference: `Patient/${uuid}` });
	assert.deepEqual(fhir.meta?.profile, ['http://hl7.org/fhir/us/core/StructureDefinition/us-core-coverage']);
	const put = await server.api('PUT', `${path}/${id}`, { body: { copay: '20.00', provider: other.uuid } });
	assert.deepEqual([(put.json as unknown as Data).data.copay, (put.json as unknown as Data).data.provider], ['20.00', other.iid]);
	assert.equal((await server.api('DELETE', `${path}/${policyId}`)).status, 200);
	assert.equal((await server.api('GET', `${path}/${policyId}`)).status, 404);
	assert.deepEqual(((await server.api('GET', path)).json as unknown as { data: unknown[] }).data, []);
});

test('what a patient’s policies may not be', async () => {
	const { uuid } = await made('api/patient', person);
	const path = `api/patient/${uuid}/insurance`;
	await made(path, policy);
	assert.deepEqual(Object.keys(await refusal(path, policy)), ['date']);
	assert.deepEqual(await refusal(path, { ...policy, date: '2025-01-01' }), {
		type: { 'Record::DUPLICATE_CURRENT_POLICY': 'there is a policy of this type without an end already' },
	});
	await made(path, { ...policy, date: '2023-01-01', date_end: '2023-12-31' });
	const wrong = await refusal(path, {
		...policy,
		type: 'secondary',
		subscriber_lname: 'Else',
		subscriber_ss: '999-99-9999',
		date_end: '2020-01-01',
	});
	assert.deepEqual(
		Object.values(wrong).flatMap((codes) => Object.keys(codes as object)),
		['DateTime::INVALID_START_DATE', 'INVALID_SELF_SUBSCRIBER_NAME', 'INVALID_SELF_SUBSCRIBER_SSN'],
	);
	const spouse = { ...policy, type: 'tertiary', subscriber_relationship: 'spouse' };
	assert.deepEqual(Object.keys(await refusal(path, { ...spouse, subscriber_ss: person.ss })), ['subscriber_ss']);
	assert.deepEqual(await refusal(path, { ...spouse, subscriber_state: 'XX', accept_assignment: 'maybe' }), {
		subscriber_state: { 'ListOptionRule::INVALID_LIST_OPTION': 'subscriber state is not an option of its list' },
		accept_assignment: { 'InArray::NOT_IN_ARRAY': 'accept assignment must be in the defined set of values' },
	});
	assert.deepEqual((await server.api('GET', 'api/patient/nobody/insurance')).json, {
		validationErrors: { 'puuid::INVALID_PUUID': 'Patient uuid invalid' },
		internalErrors: [],
		data: [],
		links: [],
	});
});

test('types are swapped, also with nothing', async () => {
	const { uuid } = await made('api/patient', person);
	const path = `api/patient/${uuid}/insurance`;
	const first = await made(path, policy);
	const second = await made(path, { ...policy, type: 'secondary', policy_number: 'P-2' });
	const swapped = await server.api('GET', `${path}/$swap-insurance?type=primary&uuid=${second.uuid}`);
	assert.equal(swapped.status, 200, swapped.text);
	const { src, target } = (swapped.json as unknown as { data: { src: Record<string, unknown>; target: Record<string, unknown> } }).data;
	assert.deepEqual([src.uuid, src.type, target.uuid, target.type], [second.uuid, 'primary', first.uuid, 'secondary']);
	const alone = (await server.api('POST', `${path}/$swap-insurance?type=tertiary&uuid=${second.uuid}`)).json as unknown as {
		data: { target: unknown };
	};
	assert.equal(alone.data.target, null);
	assert.equal((await server.api('GET', `${path}/$swap-insurance?type=fourth&uuid=${second.uuid}`)).status, 400);
	assert.equal((await server.api('GET', `${path}/$swap-insurance?type=primary&uuid=nobody`)).status, 400);
});

test('a policy from FHIR that names its holder elsewhere shows him, and keeps him when he is changed', async () => {
	const { uuid } = await made('api/patient', { ...person, street: '5 Oak St', city: 'Salem' });
	const coverage = {
		resourceType: 'Coverage',
		id: 'plain-coverage',
		status: 'active',
		subscriber: { reference: `Patient/${uuid}` },
		beneficiary: { reference: `Patient/${uuid}` },
		payor: [{ reference: `Organization/${payer.uuid}` }],
	};
	assert.equal((await server.send('PUT', 'Coverage/plain-coverage', { body: coverage })).status, 201);
	const path = `api/patient/${uuid}/insurance/plain-coverage`;
	const { data } = (await server.api('GET', path)).json as unknown as Data;
	assert.deepEqual([data.subscriber_lname, data.subscriber_city, data.type], ['Ostrom', 'Salem', '']);
	assert.equal((await server.api('PUT', path, { body: data })).status, 200);
	assert.equal((await server.send('GET', 'Coverage/plain-coverage')).json.meta?.versionId, '1');
	const changed = await server.api('PUT', path, { body: { subscriber_city: 'Lynn' } });
	assert.equal(changed.status, 200, changed.text);
	const now = (changed.json as unknown as Data).data;
	assert.deepEqual([now.subscriber_lname, now.subscriber_city, now.subscriber_street], ['Ostrom', 'Lynn', '5 Oak St']);
});

const patients = await Promise.all(Array.from({ length: 25 }, (_, i) => made('api/patient', { ...person, fname: `Own${i}`, ss: '' })));
let turn = 0;
recordRoundTrip(server, insuranceMapping, {
	path: () => `api/patient/${patients[turn++]?.uuid}/insurance`,
	seed: 11,
	fixed: () => ({ provider: payer.iid }),
	adjust: (record) => ({
		...record,
		subscriber_relationship: record.subscriber_relationship === 'self' ? 'other' : record.subscriber_relationship,
		...(record.date_end === undefined ? {} : { date_end: '2031-01-01' }),
	}),
});

const owner = `Patient/${patients[0]?.uuid}`;
const { uuid: likelyPatient } = await made('api/patient', { ...person, ss: '' });
likelyRoundTrip(server, insuranceMapping, {
	path: (id) => `api/patient/${likelyPatient}/insurance/${id}`,
	seed: 12,
	adjust: (one) => ({ ...one, status: 'active', beneficiary: { reference: `Patient/${likelyPatient}` }, payor: [{ reference: owner }] }),
});

recordRoundTrip(server, employerMapping, {
	path: `api/patient/${likelyPatient}/employer`,
	seed: 13,
	adjust: (record) => (record.end_date === undefined ? record : { ...record, end_date: '2030-01-01 10:00:00' }),
});
likelyRoundTrip(server, employerMapping, {
	path: (id) => `api/patient/${likelyPatient}/employer/${id}`,
	seed: 14,
	adjust: (one) => ({
		...one,
		status: 'final',
		subject: { reference: `Patient/${likelyPatient}` },
		code: { coding: [{ system: 'http://loinc.org', code: '11341-5' }] },
	}),
});

test('an employer is an occupation in FHIR', async () => {
	const { uuid } = await made('api/patient', person);
	const { uuid: id } = await made(`api/patient/${uuid}/employer`, {
		name: 'Mill',
		occupation: 'Baker',
		start_date: '2001-02-03',
		industry: 'Food',
	});
	const fhir = (await server.send('GET', `Observation/${id}`)).json as unknown as { valueCodeableConcept: { text: string } };
	assert.equal(fhir.valueCodeableConcept.text, 'Baker');
	const [row] = ((await server.api('GET', `api/patient/${uuid}/employer`)).json as unknown as { data: Record<string, unknown>[] }).data;
	assert.deepEqual([row?.name, row?.occupation, row?.industry, row?.start_date], ['Mill', 'Baker', 'Food', '2001-02-03 00:00:00']);
});
