// What somebody who asked for something earlier may still do.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Caller, everything } from '#access/ctx.ts';
import { changeAccount } from '#oauth/accounts/account.ts';
import { rightsOf } from '#oauth/accounts/rights.ts';
import { oauthServer } from '#testing/oauth.ts';
import { confidential, practice, tokensFor } from '#testing/oauth-app.ts';
import { createCallerNow } from './standing.ts';

const server = await oauthServer({ after });
const { people, authorization } = server;
await practice(server);
const callerNow = createCallerNow({ people, authorization, rightsOf: (account) => rightsOf(people, account) });
const app = await confidential(server, 'openid user/Patient.rs user/Observation.rs');
await tokensFor(server, app, 'openid user/Patient.rs', { who: 'doctor' });
const doctor = (await people.db.query<{ id: string }>({ text: "SELECT id FROM oauth.account WHERE username = 'doctor'", values: [] }))[0]
	?.id as string;
const asked: Caller = { kind: 'user', id: doctor, name: 'Dr. Who', client: app.client_id, grants: everything };

test('an app acts with no more than the rights its user has now', async () => {
	const now = (await callerNow(asked)) as Caller;
	assert.ok(now.grants.length > 0);
	assert.ok(!now.grants.some(({ type, interactions }) => type === '*' && interactions.length === 5), 'less than everything');
});

test('a service acts as long as it is let in', async () => {
	const service: Caller = { kind: 'system', id: app.client_id, name: 's', client: app.client_id, grants: everything };
	assert.equal(await callerNow(service), service);
	await authorization.clients.setEnabled(app.client_id, false);
	assert.equal(await callerNow(service), undefined);
	assert.equal(await callerNow(asked), undefined);
	await authorization.clients.setEnabled(app.client_id, true);
	assert.equal(await callerNow({ ...service, client: 'nobody' }), undefined);
});

test('a local token may name somebody without an account; an app may not', async () => {
	const local: Caller = { kind: 'user', id: 'script', name: 'script', grants: everything };
	assert.equal(await callerNow(local), local);
	assert.equal(await callerNow({ ...local, client: app.client_id }), undefined);
});

test('it ends with the consent, and with the account', async () => {
	await authorization.appGrants.endAll(doctor);
	assert.equal(await callerNow(asked), undefined);
	const { client: _, ...local } = asked;
	assert.notEqual(await callerNow(local), undefined);
	await changeAccount(people, doctor, { active: false });
	assert.equal(await callerNow(local), undefined);
});
