// Messages through both APIs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { testServer } from '#testing/server.ts';
import { likelyRoundTrip, recordRoundTrip } from '#testing/standard.ts';
import { messageMapping } from './message.ts';

const server = await testServer({ after });
let [ann, bob] = ['', ''];

before(async () => {
	const add = async (family: string): Promise<string> =>
		(await server.send('POST', 'Patient', { body: { resourceType: 'Patient', name: [{ family }] } })).json.id as string;
	[ann, bob] = [await add('Ann'), await add('Bob')];
});

type Row = Record<string, unknown>;
const words = { to: 'nurse', from: 'admin', groupname: 'Default', title: 'Lab Results', message_status: 'New' };

test('a message is written, read, grows, is done, is struck', async () => {
	const path = `api/patient/${ann}/message`;
	const made = await server.api('POST', path, { body: { ...words, body: 'Please call.\nToday.' } });
	assert.equal(made.status, 201, made.text);
	const { mid, uuid } = made.json as unknown as { mid: number; uuid: string };
	const read = async (): Promise<Row> => (await server.api('GET', `${path}/${mid}`)).json as Row;
	const first = await read();
	assert.match(String(first.body), /^\n\d{4}-\d\d-\d\d \d\d:\d\d \(admin to nurse\) Please call.\nToday.$/);
	for (const [name, value] of Object.entries({ ...words, mid, id: mid, uuid })) assert.equal(first[name], value, name);
	const grown = await server.api('PUT', `${path}/${mid}`, {
		body: { ...words, to: 'admin', from: 'nurse', message_status: 'Done', body: 'Called.' },
	});
	assert.deepEqual([grown.status, grown.json], [200, { mid }]);
	assert.match(String((await read()).body), /\(admin to nurse\) Please call.\nToday.\n\n[-0-9: ]+\(nurse to admin\) Called.$/);
	const fhir = (await server.send('GET', `Communication/${uuid}`)).json as Row;
	assert.equal(fhir.status, 'completed');
	assert.deepEqual(
		(fhir.payload as Row[]).map(({ contentString }) => contentString),
		['Please call.\nToday.', 'Called.'],
	);
	const listed = async (query = ''): Promise<unknown> => {
		const { status, text } = await server.api('GET', `${path}${query}`);
		return status === 200 ? (JSON.parse(text) as Row[]).map((row) => row.mid) : status;
	};
	assert.deepEqual(await listed(), [mid]);
	assert.deepEqual(await listed('?message_status=Done'), [mid]);
	assert.deepEqual(await listed('?message_status=New'), 404);
	for (const method of ['GET', 'PUT', 'DELETE'])
		assert.equal(
			(await server.api(method, `api/patient/${bob}/message/${mid}`, method === 'PUT' ? { body: { ...words, body: 'mine' } } : {})).status,
			404,
		);
	assert.equal((await server.api('DELETE', `${path}/${mid}`)).text, 'true');
	assert.deepEqual(await listed(), 404);
	assert.equal((await server.send('GET', `Communication/${uuid}`)).json.status, 'entered-in-error');
});

test('each field that is missing or too long is told, when written and when changed', async () => {
	const path = `api/patient/${ann}/message`;
	const good: Row = { ...words, body: 'Hello' };
	const { mid } = (await server.api('POST', path, { body: good })).json as unknown as { mid: number };
	for (const [method, to] of [
		['POST', path],
		['PUT', `${path}/${mid}`],
	] as const) {
		for (const field of Object.keys(good)) {
			const { [field]: _, ...body } = good;
			const answer = await server.api(method, to, { body });
			assert.deepEqual(
				[answer.status, answer.json],
				[
					400,
					{
						[field]: {
							'Required::NON_EXISTENT_KEY': `${field.replaceAll('_', ' ')} must be provided, but does not exist`.replace(
								field.replaceAll('_', ' '),
								field,
							),
						},
					},
				],
				`${method} ${answer.text}`,
			);
		}
		for (const [field, value, code] of [
			['message_status', 'x'.repeat(21), 'TOO_LONG'],
			['title', 'x', 'TOO_SHORT'],
			['body', 'x', 'TOO_SHORT'],
			['body', 'x'.repeat(65_536), 'TOO_LONG'],
			['to', '', 'EMPTY_VALUE'],
			['to', ['nobody'], 'NOT_A_STRING'],
		] as const) {
			const answer = await server.api(method, to, { body: { ...good, [field]: value } });
			assert.deepEqual([answer.status, answer.text.includes(code)], [400, true], `${method} ${field} ${answer.text.slice(0, 200)}`);
		}
	}
});

recordRoundTrip(server, messageMapping, {
	path: () => `api/patient/${bob}/message`,
	seed: 41,
	// Shown with a stamp before it.
	except: ['body'],
	read: ({ mid }) => `api/patient/${bob}/message/${mid}`,
});

likelyRoundTrip(server, messageMapping, {
	path: (id) => `api/patient/${bob}/message/${id}`,
	seed: 42,
	adjust: (resource) => ({ ...resource, status: 'in-progress', subject: { reference: `Patient/${bob}` } }),
});
