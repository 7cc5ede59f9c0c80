// `heron clients` and `heron keys` by what they print and do.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { heron } from '#access/audit/event.ts';
import { oauthServer } from '#testing/oauth.ts';
import { redirect, register } from '#testing/oauth-app.ts';
import { clientsCommand, runClients } from './clients.ts';
import { readWords, UsageError } from './command.ts';
import { keysCommand, runKeys } from './keys.ts';

const server = await oauthServer({ after });
const { clients, keys } = server.authorization;

async function said(...words: string[]): Promise<{ code: number; text: string }> {
	const lines: string[] = [];
	const code = await runClients({ clients, by: heron, print: (text) => lines.push(text) }, readWords(clientsCommand, words));
	return { code, text: lines.join('\n') };
}

test('applications are listed, let in, shut out, trusted and removed', async () => {
	assert.match((await said('list')).text, /There is no application/);
	const { client_id: id } = await register(server, {
		application_type: 'private',
		redirect_uris: [redirect],
		client_name: 'Growth charts',
		scope: 'user/Patient.read',
	});
	assert.match((await said('list', '--waiting')).text, new RegExp(`${id} +Growth charts, waits, confidential`));
	assert.match((await said('enable', id)).text, /is enabled/);
	assert.equal((await clients.find(id))?.enabled, true);
	assert.doesNotMatch((await said('list', '--waiting')).text, /Growth/);
	assert.match((await said('trust', id)).text, /Nobody is asked/);
	assert.match(
		(await said('show', id)).text,
		/state +enabled, trusted[\s\S]*scopes +user\/Patient.read[\s\S]*https:\/\/client.example.org/,
	);
	await said('distrust', id);
	await said('disable', id);
	const now = await clients.find(id);
	assert.deepEqual([now?.trusted, now?.enabled], [false, false]);
	assert.match((await said('remove', id)).text, /is removed/);
	assert.deepEqual(await said('enable', id), { code: 1, text: `There is no application ${id}.` });
});

for (const words of [[], ['enable'], ['explode', 'x'], ['list', 'x'], ['show', 'a', 'b'], ['constructor', 'x']]) {
	test(`not understood: clients ${words.join(' ')}`, () => assert.rejects(said(...words), UsageError));
}

test('keys are listed and rotated', async () => {
	const lines: string[] = [];
	const run = (...words: string[]) => runKeys({ keys, print: (text) => lines.push(text) }, readWords(keysCommand, words));
	await run('list');
	assert.equal(lines.at(-1)?.split('\n').length, 3);
	await run('rotate');
	assert.match(lines.at(-2) ?? '', /^New keys: [\w-]{43} [\w-]{43}$/);
	assert.equal(lines.at(-1)?.split('\n').length, 5);
	// A day after others took over nothing needs the former ones.
	server.advance(26 * 3_600_000);
	await run('rotate');
	assert.equal((await keys.list()).length, 4);
	await assert.rejects(run('break'), UsageError);
});
