// What applications written for OpenEMR do, in the way they do it: their bodies, headers and orders of calls.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Answered, testServer } from '#testing/server.ts';
import { type Enveloped, recordIn } from '#testing/standard.ts';

const server = await testServer({ after });
type Row = Record<string, unknown>;
const npi = '0123456789';

async function post(path: string, body: object, status = 201): Promise<Row> {
	const answer = await server.api('POST', path, { body });
	assert.equal(answer.status, status, `${path}: ${answer.text}`);
	return recordIn(answer.json);
}

const enveloped = ({ json }: Answered): Enveloped<never> => json as unknown as Enveloped<never>;

test('a chart is written as seeding scripts write it: look first, then each part by the ids of the answers', async () => {
	const facility = await post('api/facility', { name: 'Hospital', facility_npi: '1234567893' });
	const doctor = await post('api/practitioner', { fname: 'Eve', lname: 'Ward', npi });
	const person = {
		title: 'Mr',
		fname: 'Otto',
		lname: 'Berg',
		DOB: '1948-03-22',
		sex: 'Male',
		street: '1 Elm Street',
		city: 'Austin',
		state: 'TX',
		postal_code: '78704',
		country_code: 'US',
		phone_contact: '512-555-0142',
	};
	const search = `api/patient?fname=${person.fname}&lname=${person.lname}&DOB=${person.DOB}`;
	assert.deepEqual((enveloped(await server.api('GET', search)).data as unknown[]).length, 0);
	const { pid, uuid } = await post('api/patient', person);
	assert.equal(typeof pid, 'number');
	const found = enveloped(await server.api('GET', search)).data as unknown as Row[];
	assert.deepEqual(
		found.map((one) => [one.uuid, one.pid, one.phone_contact]),
		[[uuid, pid, person.phone_contact]],
	);
	const byPid = enveloped(await server.api('GET', `api/patient?pid=${pid}`)).data as unknown as Row[];
	assert.deepEqual(
		byPid.map((one) => one.uuid),
		[uuid],
	);
	await post(`api/patient/${uuid}/allergy`, { title: 'Iodine contrast', comments: 'Hives' });
	await post(`api/patient/${uuid}/medical_problem`, { title: 'Heart failure (LVEF 25%)', begdate: '2022-01-15' });
	await post(`api/patient/${pid}/medication`, { title: 'Furosemide 40 mg PO BID', begdate: '2025-12-01 00:00:00' });
	const visit = await post(`api/patient/${uuid}/encounter`, {
		pc_catid: 5,
		facility_id: facility.id,
		billing_facility: facility.id,
		sensitivity: 'normal',
		reason: 'Dyspnea, 8 lb in 5 days',
		date: '2026-05-02 06:00:00',
		onset_date: '2026-05-02 06:00:00',
		provider_id: doctor.id,
		class_code: 'AMB',
	});
	assert.equal(typeof visit.eid, 'number');
	const vital = await post(`api/patient/${pid}/encounter/${visit.eid}/vital`, {
		bps: '142',
		bpd: '88',
		pulse: '110',
		temperature: '98.2',
		temp_method: 'Oral',
		oxygen_saturation: '91',
		weight: '198',
	});
	assert.ok(typeof vital.vid === 'number' && typeof vital.fid === 'number');
	const note = await post(`api/patient/${pid}/encounter/${visit.eid}/soap_note`, {
		subjective: 'Short of breath.',
		plan: '1. Fluids\n2. Rest',
	});
	assert.ok(typeof note.sid === 'number' && typeof note.fid === 'number');
	const list = (await server.api('GET', `api/patient/${pid}/encounter/${visit.eid}/vital`)).json as unknown as Row[];
	assert.equal(list[0]?.bps, '142');
});

test('a practitioner is made, refused, changed and found as OpenEMR’s own tests do', async () => {
	const record = { fname: 'Ida', lname: 'Voss', npi, email: 'info@example.org', specialty: 'Cardiology', zip: '02110' };
	const { fname: _, ...without } = record;
	for (const refused of [
		await server.api('POST', 'api/practitioner', { body: without }),
		await server.api('PUT', 'api/practitioner/not-a-uuid', { body: record }),
		await server.api('GET', 'api/practitioner/not-a-uuid'),
	]) {
		assert.equal(refused.status, 400);
		const { validationErrors, internalErrors, data } = enveloped(refused);
		assert.deepEqual([Object.keys(validationErrors).length, internalErrors, data], [1, [], []]);
	}
	const made = await post('api/practitioner', record);
	assert.ok(Number.isInteger(made.id) && typeof made.uuid === 'string');
	const put = enveloped(await server.api('PUT', `api/practitioner/${made.uuid}`, { body: { ...record, email: 'help@example.org' } }));
	assert.deepEqual([put.validationErrors, put.internalErrors, (put.data as Row).email], [[], [], 'help@example.org']);
	const one = enveloped(await server.api('GET', `api/practitioner/${made.uuid}`)).data as Row;
	assert.deepEqual([one.uuid, one.id], [made.uuid, made.id]);
	const all = enveloped(await server.api('GET', `api/practitioner?npi=${npi}`)).data as unknown as Row[];
	assert.ok(all.length > 0 && all.every((found) => found.npi === npi));
});

test('what clients write around their requests does not matter: types, accepted types, slashes, unknown parameters', async () => {
	const body = JSON.stringify({ fname: 'Pia', lname: 'Lund', DOB: '1990-01-02', sex: 'Female' });
	for (const type of [
		undefined,
		'application/json',
		'application/json; charset=utf-8',
		'application/x-www-form-urlencoded',
		'text/plain',
	]) {
		const headers = type === undefined ? {} : { 'content-type': type };
		const answer = await server.api('POST', 'api/patient', { body, headers });
		assert.equal(answer.status, 201, `${type}: ${answer.text}`);
	}
	for (const accept of ['*/*', 'application/json', 'text/html', 'application/fhir+json', 'application/xml', ''])
		for (const path of ['api/patient', 'api/patient/', 'api/patient?', 'api/patient?_format=json&lname=Lund', 'api/patient/?lname=Lund']) {
			const answer = await server.api('GET', path, { headers: { accept } });
			assert.equal(answer.status, 200, `${accept} ${path}: ${answer.text}`);
			assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
			assert.equal((enveloped(answer).data as unknown[]).length >= 5, true, path);
		}
	const sorted = enveloped(await server.api('GET', 'api/patient?_sort=-lname,fname&_limit=2&_offset=1')).data as unknown as Row[];
	assert.equal(sorted.length, 2);
	const options = await server.api('OPTIONS', 'api/patient', {
		as: 'nobody',
		headers: {
			origin: 'https://app.example',
			'access-control-request-method': 'POST',
			'access-control-request-headers': 'authorization, content-type',
		},
	});
	assert.ok([200, 204].includes(options.status));
	assert.match(options.headers.get('access-control-allow-headers') ?? '', /authorization/i);
});

test('numbers come as numbers or texts, flags in any way, empty values as nothing', async () => {
	const made = await post('api/patient', {
		fname: 'Bo',
		lname: 'Ek',
		DOB: '1980-01-02',
		sex: 'Male',
		mname: '',
		email: null,
		hipaa_mail: 'YES',
	});
	const uuid = String(made.uuid);
	for (const pc_catid of [5, '5']) {
		const visit = await post(`api/patient/${uuid}/encounter`, { pc_catid, class_code: 'AMB', facility_id: '', provider_id: 0 });
		assert.equal(visit.pc_catid, 5);
	}
	for (const patient_id of [made.pid, String(made.pid), uuid])
		await post('api/prescription', { drug: 'Aspirin', patient_id, active: '1', quantity: 30 });
	const put = await server.api('PUT', `api/patient/${uuid}`, {
		body: { uuid: 'other', pid: 1, id: '7', mname: 'Lee', unknown_column: 'x' },
	});
	assert.equal(put.status, 200, put.text);
	const record = enveloped(put).data as Row;
	assert.deepEqual([record.uuid, record.pid, record.mname], [uuid, made.pid, 'Lee']);
});
