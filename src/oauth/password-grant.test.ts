// The password grant, switched on for all, as OpenEMR's older clients use it.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { oauthServer } from '#testing/oauth.ts';
import { confidential, password, post, practice, refresh, register } from '#testing/oauth-app.ts';

const server = await oauthServer({ after }, { passwordGrant: 'all' });
await practice(server);
const scope = 'openid offline_access user/Patient.rs patient/Patient.rs launch/patient';
const app = await confidential(server, scope);

const ask = (form: Record<string, string>) =>
	post(server, 'token', {
		grant_type: 'password',
		client_id: app.client_id,
		client_secret: app.client_secret,
		scope,
		username: 'doctor',
		password,
		user_role: 'users',
		...form,
	});

test('a user gets tokens, and refreshes them', async () => {
	const { status, body } = await ask({});
	assert.equal(status, 200, JSON.stringify(body));
	assert.deepEqual([body.token_type, body.expires_in, body.scope], ['Bearer', 3600, 'openid offline_access user/Patient.rs']);
	assert.equal((await server.fhir(String(body.access_token), 'Patient/pb')).status, 200);
	const claims = JSON.parse(Buffer.from(String(body.id_token).split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
	assert.deepEqual([claims.iss, claims.aud], [server.issuer, app.client_id]);
	const next = await refresh(server, app, body.refresh_token);
	assert.equal(next.status, 200, JSON.stringify(next.body));
	assert.equal((await server.fhir(String(next.body.access_token), 'Patient/pb')).status, 200);
});

test('a patient gets the own record', async () => {
	const { body } = await ask({ username: 'ann', user_role: 'patient' });
	assert.equal(body.patient, 'pa');
	assert.equal((await server.fhir(String(body.access_token), 'Patient/pa')).status, 200);
	assert.equal((await server.fhir(String(body.access_token), 'Patient/pb')).status, 404);
});

for (const [name, form, error] of [
	['a wrong password', { password: 'wrong' }, 'invalid_grant'],
	['nobody of this name', { username: 'nobody' }, 'invalid_grant'],
	['a patient as a user', { username: 'ann' }, 'invalid_grant'],
	['no role', { user_role: '' }, 'invalid_request'],
	['no password', { password: '' }, 'invalid_request'],
	['scopes of the system', { scope: 'system/*.rs' }, 'invalid_scope'],
	['a scope that does not exist', { scope: 'magic' }, 'invalid_scope'],
	['a wrong secret of the client', { client_secret: 'x' }, 'invalid_client'],
] as const)
	test(`refused: ${name}`, async () => {
		const { status, body } = await ask(form);
		assert.ok(status === 400 || status === 401);
		assert.equal(body.error, error);
	});

test('guessing comes to an end', async () => {
	for (let i = 0; i < 12; i++) await ask({ username: 'ann', user_role: 'patient', password: `guess ${i}` });
	assert.equal((await ask({ username: 'ann', user_role: 'patient' })).body.error, 'invalid_grant');
});

test('public clients may not ask for passwords', async () => {
	const open = await register(server, {
		application_type: 'public',
		redirect_uris: ['https://a.example.org/cb'],
		client_name: 'x',
		scope: 'openid patient/Patient.rs launch/patient',
	});
	const { status, body } = await post(server, 'token', {
		grant_type: 'password',
		client_id: open.client_id,
		username: 'ann',
		password,
		user_role: 'patient',
		scope: 'openid',
	});
	assert.deepEqual([status, body.error], [400, 'invalid_request']);
});
