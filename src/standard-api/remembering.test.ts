// What is remembered of bodies is never seen in an answer: not after any change, and not by who may not see the record.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Grant } from '#access/ctx.ts';
import { createRandom } from '#testing/random.ts';
import { testServer } from '#testing/server.ts';
import { createStandardRecords } from '#testing/standard-records.ts';
import { remembering } from './remembering.ts';

type Shown = Record<string, unknown>;

const server = await testServer({ after });
const records = await createStandardRecords(server);
const mine = await records.world();

async function shown(path: string, as = 'admin'): Promise<Shown> {
	const { status, json, text } = await server.api('GET', path, { as });
	assert.equal(status, 200, text);
	const { data = json } = json as unknown as { data?: Shown };
	return (Array.isArray(data) ? data[0] : data) as Shown;
}

async function renamed(type: string, id: string, family: string): Promise<void> {
	const { json } = await server.send('GET', `${type}/${id}`);
	const body = { ...json, name: [{ family, given: ['Ada'] }] };
	assert.equal((await server.send('PUT', `${type}/${id}`, { body })).status, 200);
}

test('results are made anew for another text, for what has no number, and when there is no room', () => {
	const made: string[] = [];
	const read = remembering(2, ({ body }: { readonly rid?: number; readonly body: string }) => {
		made.push(body);
		return body.length;
	});
	const steps: readonly (readonly [rid: number | undefined, body: string, isMade: boolean])[] = [
		[1, 'a', true],
		[1, 'a', false],
		[1, 'bb', true],
		[1, 'a', true],
		[2, 'a', true],
		[undefined, 'a', true],
		[undefined, 'a', true],
		[3, 'ccc', true],
		[1, 'a', true],
		[3, 'ccc', false],
	];
	for (const [rid, body, isMade] of steps) {
		const before = made.length;
		assert.equal(read(rid === undefined ? { body } : { rid, body }), body.length);
		assert.equal(made.length - before, isMade ? 1 : 0, `${rid} ${body}`);
	}
});

test('whatever writes a patient, the next answers show it', async () => {
	const random = createRandom(7);
	const { id, number } = mine.patient;
	const ways = {
		standard: async (lname: string) => {
			assert.equal((await server.api('PUT', `api/patient/${number}`, { body: { lname } })).status, 200);
		},
		fhir: (lname: string) => renamed('Patient', id, lname),
		patch: async (lname: string) => {
			const body = [{ op: 'replace', path: '/name/0/family', value: lname }];
			const { status } = await server.send('PATCH', `Patient/${id}`, { body, headers: { 'content-type': 'application/json-patch+json' } });
			assert.equal(status, 200);
		},
	};
	for (let turn = 0; turn < 12; turn++) {
		const lname = `Name${turn % 5}`;
		await ways[random.pick(Object.keys(ways) as (keyof typeof ways)[])](lname);
		for (const path of [`api/patient/${id}`, `api/patient/${number}`, `api/patient?uuid=${id}`])
			assert.equal((await shown(path)).lname, lname);
	}
});

test('a record that is deleted and made again under its id is the new one', async () => {
	const body = (family: string) => ({ resourceType: 'Practitioner', id: 'again', name: [{ family }] });
	for (const family of ['First', 'Second']) {
		assert.equal((await server.send('PUT', 'Practitioner/again', { body: body(family) })).status, 201);
		assert.equal((await shown('api/user/again')).lname, family);
		assert.ok((await server.send('DELETE', 'Practitioner/again')).status < 300);
		assert.equal((await server.api('GET', 'api/user/again')).status, 400);
	}
});

test('people who are shown with a record have the names they have now, and none for who may not see them', async () => {
	const { id: doctor } = await records.made('practitioner', 'api/practitioner', { fname: 'Doc', lname: 'Then', npi: '1234567893' });
	const sample = records.sampleOf('appointment', mine);
	const { number } = await records.made('appointment', 'api/appointment', { ...sample, pc_aid: doctor });
	const narrow = (type: string): Grant => ({ type, interactions: ['read', 'search'] });
	server.caller('narrow', [narrow('Appointment')]);
	for (const family of ['Then', 'Now', 'Then']) {
		await renamed('Practitioner', doctor, family);
		await renamed('Patient', mine.patient.id, `${family}patient`);
		for (let turn = 0; turn < 2; turn++) {
			const { pce_aid_lname, lname } = await shown(`api/appointment/${number}`);
			assert.deepEqual([pce_aid_lname, lname], [family, `${family}patient`]);
			const hidden = await shown(`api/appointment/${number}`, 'narrow');
			assert.deepEqual([hidden.pce_aid_lname, hidden.lname, hidden.facility_name, hidden.pid], ['', '', '', null]);
		}
	}
	assert.equal((await server.api('GET', `api/patient/${mine.patient.id}`, { as: 'narrow' })).status, 403);
});
