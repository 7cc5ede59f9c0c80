// Every door beside the FHIR API (authorization server, accounts, pages for administrators) tried as every kind of caller; the answers are the
// committed table who-may-enter.golden.txt. A route that is not in the table fails the test, and so does another answer.
// `HERON_WRITE_GOLDEN=1 npm test -- who-may-enter` writes it anew.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Ctx } from '#access/ctx.ts';
import { mintToken } from '#access/tokens.ts';
import type { Route } from '#http/route.ts';
import type { Account } from '#oauth/accounts/account.ts';
import { accountRoutes } from '#oauth/pages/routes.ts';
import { beginSession, sessionOf } from '#oauth/sessions/sessions.ts';
import { oauthServer, protocolRoutes } from '#testing/oauth.ts';
import { confidential, facility, password, practice, store, tokensFor } from '#testing/oauth-app.ts';

const golden = join(import.meta.dirname, 'who-may-enter.golden.txt');
const server = await oauthServer({ after });
const { people, authorization, accounts, origin } = server;
await practice(server);
await store(server, facility('clinic'));
const account = async (username: string, role: string): Promise<Account> =>
	accounts.create({ kind: 'user', username, name: username, role, password });
const boss = await account('boss', 'administrator');
const clerk = await account('clerk', 'front-office');
const sample = await account('sample', 'lab');
const patient = await accounts.create({ kind: 'patient', username: 'pat', name: 'Pat', role: '', patient: 'pb', password });
const app = await confidential(server, 'openid launch/patient user/Patient.rs patient/Patient.rs', {
	initiate_login_uri: 'https://client.example.org/launch',
});

const tokenOf = async (who: string, scope: string): Promise<string> => String((await tokensFor(server, app, scope, { who })).access_token);
const inADay = new Date(Date.now() + 86_400_000);
const tokens: Readonly<Record<string, string>> = {
	'user app': await tokenOf('clerk', 'openid user/Patient.rs'),
	'boss app': await tokenOf('boss', 'openid user/Patient.rs'),
	'patient app': await tokenOf('pat', 'openid launch/patient patient/Patient.rs'),
	service: await mintToken(server.ctx.db, { kind: 'system', id: 's', name: 's', grants: [] }, inADay),
	'local token': await mintToken(server.ctx.db, { kind: 'user', id: 'script', name: 'script', grants: [] }, inADay),
};
const browsers: Readonly<Record<string, Account>> = { 'patient web': patient, 'user web': clerk, 'boss web': boss };
const callers = ['nobody', ...Object.keys(tokens), ...Object.keys(browsers)];

type Door = { readonly method: string; readonly path: string };

const rows: readonly Pick<Route<Ctx>, 'method' | 'path'>[] = [
	...authorization.routes,
	...accountRoutes<Ctx>({ people, apps: authorization.appGrants, clients: authorization.clients, isAdministrator: async () => false }),
];

const values: Readonly<Record<string, string>> = { ':site': 'default', ':uid': 'x'.repeat(21), ':id': sample.id };
const bodies: Readonly<Record<string, string>> = {
	'/app/smart/launch': JSON.stringify({ client_id: app.client_id, patient: 'pb' }),
	'/oauth2/:site/registration': '{}',
	'/oauth2/:site/client/:id': '{}',
};

/** How a door answers a caller: its status, and where it leads to when that is the sign-in. */
async function answer({ method, path }: Door, who: string): Promise<string> {
	const headers: Record<string, string> = {};
	const form = new URLSearchParams();
	if (tokens[who] !== undefined) headers.authorization = `Bearer ${tokens[who]}`;
	const web = browsers[who];
	if (web !== undefined) {
		const secret = await beginSession(people, web, { stage: 'done', methods: ['pwd'], visitor: { address: '127.0.0.1', agent: 'x' } });
		headers.cookie = `heron=${secret}`;
		// The form is the session's own, so that what is refused is refused for who asks.
		form.set('token', (await sessionOf(people, secret))?.formToken ?? '');
	}
	const address = `${origin}${path.replaceAll(/:\w+/g, (name) => values[name] ?? 'x')}`;
	const json = bodies[path];
	const isBody = method !== 'GET' && method !== 'DELETE';
	if (isBody) headers['content-type'] = json === undefined ? 'application/x-www-form-urlencoded' : 'application/json';
	const response = await fetch(address, { method, redirect: 'manual', headers, ...(isBody ? { body: json ?? form.toString() } : {}) });
	await response.arrayBuffer();
	assert.ok(response.status < 500, `${method} ${path} as ${who}: ${response.status}`);
	return `${response.status}${(response.headers.get('location') ?? '').includes('/account/sign-in') ? ' sign-in' : ''}`;
}

test('every door answers every kind of caller as the table says', async () => {
	assert.equal(callers.length, 9);
	const lines = [`${'route'.padEnd(58)} ${callers.map((name) => name.padEnd(12)).join(' ')}`.trimEnd()];
	for (const door of [...rows, ...protocolRoutes]) {
		const cells: string[] = [];
		for (const who of callers) cells.push((await answer(door, who)).padEnd(12));
		lines.push(`${`${door.method} ${door.path}`.padEnd(58)} ${cells.join(' ')}`.trimEnd());
	}
	const table = `${lines.join('\n')}\n`;
	if (process.env.HERON_WRITE_GOLDEN === '1') writeFileSync(golden, table);
	assert.equal(table, readFileSync(golden, 'utf8'));
});
