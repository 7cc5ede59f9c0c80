// The Portal API: the own record of the patient who asks, whatever the path names.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { patientGrants, patientLookUps } from '#access/roles.ts';
import { testServer } from '#testing/server.ts';

const server = await testServer({ after });

type Known = { readonly uuid: string; readonly pid: number; readonly encounter: string; readonly appointment: string };

async function known(name: string): Promise<Known> {
	const body = { fname: name, lname: 'Holm', DOB: '1985-01-01', sex: 'Female' };
	const { uuid, pid } = await record('api/patient', body);
	const encounter = await record(`api/patient/${uuid}/encounter`, { pc_catid: '5', class_code: 'AMB', reason: `Visit of ${name}` });
	const { id } = await record(`api/patient/${pid}/appointment`, {
		pc_catid: '5',
		pc_title: `Visit of ${name}`,
		pc_duration: '900',
		pc_hometext: 'x',
		pc_apptstatus: '-',
		pc_eventDate: '2031-05-05',
		pc_startTime: '09:00',
		pc_facility: String(facility.id),
		pc_billing_location: String(facility.id),
	});
	const patient = String(uuid);
	const person = { roles: [], grants: [...patientGrants([patient]), ...patientLookUps], patient };
	const scopes = ['api:port', 'patient/patient.read', 'patient/encounter.rs', 'patient/appointment.read'];
	server.caller(name, [], 'patient', { client: 'app', scopes, person });
	const [booked] = (await server.api('GET', `api/appointment/${id}`)).json as unknown as { pc_uuid: string }[];
	return { uuid: patient, pid: Number(pid), encounter: String(encounter.euuid), appointment: String(booked?.pc_uuid) };
}

async function record(path: string, body: object): Promise<Record<string, unknown>> {
	const { status, json, text } = await server.api('POST', path, { body });
	assert.ok(status === 200 || status === 201, `${path}: ${text}`);
	return ((json as unknown as { data?: Record<string, unknown> }).data ?? json) as Record<string, unknown>;
}

const facility = await record('api/facility', { name: 'Clinic', facility_npi: '1234567893' });
const ann = await known('ann');
const bea = await known('bea');

test('a patient sees the own record', async () => {
	const get = async (path: string) =>
		(await server.api('GET', `portal/${path}`, { as: 'ann' })).json as unknown as { data: Record<string, unknown> };
	assert.equal((await get('patient')).data.uuid, ann.uuid);
	const visits = (await get('patient/encounter')).data as unknown as { euuid: string; reason: string }[];
	assert.deepEqual(
		visits.map(({ euuid, reason }) => [euuid, reason]),
		[[ann.encounter, 'Visit of ann']],
	);
	assert.equal((await get(`patient/encounter/${ann.encounter}`)).data.reason, 'Visit of ann');
	const booked = (await get('patient/appointment')) as unknown as { pc_title: string }[];
	assert.deepEqual(
		booked.map(({ pc_title }) => pc_title),
		['Visit of ann'],
	);
	const one = (await get(`patient/appointment/${ann.appointment}`)) as unknown as { pc_title: string };
	assert.equal(one.pc_title, 'Visit of ann');
});

test('and nobody else’s', async () => {
	for (const path of [`patient/encounter/${bea.encounter}`, `patient/appointment/${bea.appointment}`]) {
		const { status, text } = await server.api('GET', `portal/${path}`, { as: 'ann' });
		assert.equal(status, 404, path);
		assert.doesNotMatch(text, /bea/);
	}
	const filtered = await server.api('GET', `portal/patient/encounter?pid=${bea.pid}&puuid=${bea.uuid}`, { as: 'ann' });
	assert.doesNotMatch(filtered.text, /bea/);
	const none = await server.api('GET', 'portal/patient/appointment?pc_eventDate=2001-01-01', { as: 'ann' });
	assert.deepEqual([none.status, none.text], [404, '']);
});
