// Tokens of the authorization server at the Standard and the Portal API: which scopes let whom do what.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { oauthServer } from '#testing/oauth.ts';
import { type Client, confidential, password, practice, redirect, register, tokensFor } from '#testing/oauth-app.ts';

const server = await oauthServer({ after });
await practice(server);
await server.accounts.create({ kind: 'user', username: 'clerk', name: 'Clerk', role: 'front-office', email: 'c@example.org', password });

async function token(client: Client, scope: string, who = 'doctor'): Promise<{ readonly scope: string; readonly access: string }> {
	const { scope: granted, access_token } = await tokensFor(server, client, scope, { who });
	return { scope: String(granted), access: String(access_token) };
}

async function status(access: string, method: string, path: string, body?: object): Promise<number> {
	const init = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
	const headers = { ...init.headers, authorization: `Bearer ${access}` };
	return (await fetch(`${server.origin}/apis/default/${path}`, { method, ...init, headers })).status;
}

const person = { fname: 'New', lname: 'Person', DOB: '1990-01-01', sex: 'Female' };

test('the scopes that the usual registration asks for let nobody read patients by the Standard API: it needs its own', async () => {
	const client = await confidential(server, 'openid offline_access api:oemr api:fhir user/Patient.read user/Observation.read');
	const { access } = await token(client, 'openid offline_access api:oemr api:fhir user/Patient.read');
	assert.equal(await status(access, 'GET', 'api/patient'), 401);
	assert.equal(await status(access, 'GET', 'fhir/Patient'), 200);
});

const asked: readonly (readonly [scope: string, read: number, write: number])[] = [
	['user/patient.read', 200, 401],
	['user/patient.write', 401, 201],
	['user/patient.crus', 200, 201],
	['user/patient.rs', 200, 401],
	['user/patient.c', 401, 201],
];
for (const [scope, read, write] of asked)
	test(`${scope} can be granted: reads ${read}, writes ${write}`, async () => {
		const client = await confidential(server, `openid api:oemr ${scope}`);
		const { access, scope: granted } = await token(client, `openid api:oemr ${scope}`);
		assert.ok(granted.split(' ').includes(scope), granted);
		assert.equal(await status(access, 'GET', 'api/patient'), read);
		assert.equal(await status(access, 'POST', 'api/patient', person), write);
		assert.equal(await status(access, 'GET', 'fhir/Patient'), 403);
	});

test('a clerk’s token does what a clerk may', async () => {
	const client = await confidential(server, 'openid api:oemr user/patient.crus user/facility.crus user/medical_problem.cruds');
	const { access } = await token(client, 'openid api:oemr user/patient.crus user/facility.crus user/medical_problem.cruds', 'clerk');
	assert.equal(await status(access, 'POST', 'api/patient', person), 201);
	assert.equal(await status(access, 'GET', 'api/facility'), 403);
	assert.equal(await status(access, 'GET', 'api/patient/pa/medical_problem'), 403);
});

test('operations have scopes of their own', async () => {
	const client = await confidential(server, 'openid api:oemr user/insurance.crus user/insurance.$swap-insurance');
	const without = await token(client, 'openid api:oemr user/insurance.crus');
	assert.equal(await status(without.access, 'GET', 'api/patient/pa/insurance/$swap-insurance?type=primary&uuid=x'), 401);
	const having = await token(client, 'openid api:oemr user/insurance.crus user/insurance.$swap-insurance');
	assert.equal(await status(having.access, 'GET', 'api/patient/pa/insurance/$swap-insurance?type=primary&uuid=x'), 400);
});

test('a patient’s app reads the Portal API with api:port and a patient scope', async () => {
	const client = await register(server, {
		application_type: 'private',
		redirect_uris: [redirect],
		client_name: 'Portal app',
		scope: 'openid launch/patient api:port patient/patient.read patient/encounter.read',
	});
	await server.authorization.clients.setEnabled(client.client_id, true);
	const { access } = await token(client, 'openid launch/patient api:port patient/patient.read', 'ann');
	const own = await fetch(`${server.origin}/apis/default/portal/patient`, { headers: { authorization: `Bearer ${access}` } });
	assert.equal(own.status, 200);
	assert.equal(((await own.json()) as { data: { lname: string } }).data.lname, 'Adams');
	assert.equal(await status(access, 'GET', 'api/patient'), 403);
	assert.equal(await status(access, 'GET', 'portal/patient/encounter'), 401);
});
