// What somebody tries who wants more than was granted, each refused: https://www.rfc-editor.org/rfc/rfc9700
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { sql } from '#db/sql.ts';
import { Browser, oauthServer } from '#testing/oauth.ts';
import {
	authorizeUrl,
	backWith,
	confidential,
	password,
	post,
	postRegistration,
	practice,
	proof,
	redeem,
	redirect,
	refresh,
	register,
	store,
	tokensFor,
	walk,
} from '#testing/oauth-app.ts';

const server = await oauthServer({ after });
const { issuer, origin } = server;
await practice(server);
await store(server, {
	resourceType: 'Binary',
	id: 'bb',
	contentType: 'text/plain',
	data: 'eA==',
	securityContext: { reference: 'Patient/pb' },
});
const scope = 'openid offline_access user/Patient.read';
const app = await confidential(server, scope);
const other = await confidential(server, scope);

const codeFor = (parameters: Record<string, string> = {}) => walk(server, authorizeUrl(server, app, { scope, ...parameters }));

test('a code is good once; using it again ends what it gave', async () => {
	const place = await codeFor();
	const first = await redeem(server, app, place);
	assert.equal(first.status, 200);
	const second = await redeem(server, app, place);
	assert.deepEqual([second.status, second.body.error], [400, 'invalid_grant']);
	server.advance(1100);
	assert.equal((await server.fhir(String(first.body.access_token), 'Patient/pa')).status, 401);
	assert.equal((await refresh(server, app, first.body.refresh_token)).body.error, 'invalid_grant');
});

test('of two that use a code at once at most one gets tokens, and they do not last', async () => {
	const place = await codeFor();
	const answers = await Promise.all([redeem(server, app, place), redeem(server, app, place), redeem(server, app, place)]);
	const good = answers.filter(({ status }) => status === 200);
	assert.ok(good.length <= 1);
	assert.ok(answers.every(({ status }) => status === 200 || status === 400));
	server.advance(1100);
	for (const { body } of good) assert.equal((await server.fhir(String(body.access_token), 'Patient/pa')).status, 401);
});

test('a code is for its client, its address and its proof, and for a minute', async () => {
	const { verifier, challenge } = proof();
	const pkce = { code_challenge: challenge, code_challenge_method: 'S256' };
	assert.equal((await redeem(server, other, await codeFor(pkce), { code_verifier: verifier })).body.error, 'invalid_grant');
	assert.equal((await redeem(server, app, await codeFor(pkce), { code_verifier: proof().verifier })).body.error, 'invalid_grant');
	assert.equal((await redeem(server, app, await codeFor(pkce))).body.error, 'invalid_grant');
	assert.equal((await redeem(server, app, await codeFor(), { code_verifier: verifier })).body.error, 'invalid_grant');
	assert.equal(
		(await redeem(server, app, await codeFor(), { redirect_uri: 'https://client.example.org/other' })).body.error,
		'invalid_grant',
	);
	assert.equal((await redeem(server, app, await codeFor(), { client_secret: 'wrong' })).status, 401);
	assert.equal((await redeem(server, app, await codeFor(), { client_secret: '' })).status, 401);
	const late = await codeFor();
	server.advance(61_000);
	assert.equal((await redeem(server, app, late)).body.error, 'invalid_grant');
	assert.equal((await redeem(server, app, await codeFor(pkce), { code_verifier: verifier })).status, 200);
});

test('a refresh token that comes twice ends the whole family', async () => {
	const tokens = await tokensFor(server, app, scope);
	const next = await refresh(server, app, tokens.refresh_token);
	assert.equal(next.status, 200);
	assert.equal((await refresh(server, app, tokens.refresh_token)).body.error, 'invalid_grant');
	assert.equal((await refresh(server, app, next.body.refresh_token)).body.error, 'invalid_grant');
	server.advance(1100);
	assert.equal((await server.fhir(String(next.body.access_token), 'Patient/pa')).status, 401);
});

test('two refreshes at once give no two families', async () => {
	const tokens = await tokensFor(server, app, scope);
	const answers = await Promise.all([1, 2, 3].map(() => refresh(server, app, tokens.refresh_token)));
	assert.ok(answers.filter(({ status }) => status === 200).length <= 1);
	for (const { body } of answers.filter(({ status }) => status === 200))
		assert.equal((await refresh(server, app, body.refresh_token)).body.error, 'invalid_grant');
});

test('a refresh gives what was granted or less, to its own client only', async () => {
	const tokens = await tokensFor(server, app, scope);
	for (const more of [`${scope} user/Observation.read`, 'user/Patient.cruds', 'user/*.read', 'system/Patient.read'])
		assert.equal((await refresh(server, app, tokens.refresh_token, { scope: more })).body.error, 'invalid_scope', more);
	assert.equal((await refresh(server, other, tokens.refresh_token)).body.error, 'invalid_grant');
	const less = await refresh(server, app, tokens.refresh_token, { scope: 'openid' });
	assert.deepEqual([less.status, less.body.scope], [200, 'openid']);
	assert.equal((await server.fhir(String(less.body.access_token), 'Patient/pa')).status, 403);
	// A refresh token is no access token, and the other way round.
	assert.equal((await server.fhir(String(less.body.refresh_token), 'Patient/pa')).status, 401);
	assert.equal((await refresh(server, app, less.body.access_token)).body.error, 'invalid_grant');
});

const redirects = [
	'https://client.example.org/callback/',
	'https://client.example.org/callback?x=1',
	'https://client.example.org/callback#x',
	'https://client.example.org/callback/../evil',
	'https://client.example.org.evil.example/callback',
	'https://client.example.org@evil.example/callback',
	'https://evil.example/callback',
	'http://client.example.org/callback',
	'https://CLIENT.example.org/callback',
	'https://client.example.org/%63allback',
	'javascript:alert(1)',
	'',
];
for (const uri of redirects) {
	test(`nobody is sent to ${uri || 'nowhere'}`, async () => {
		const place = await new Browser(origin).get(authorizeUrl(server, app, { scope, redirect_uri: uri }));
		assert.equal(new URL(place.url).origin, origin);
		assert.equal(place.status, 400);
		assert.match(place.text, /This did not work/);
	});
}

test('nor to two addresses at once, nor by parameters that come twice', async () => {
	const url = `${authorizeUrl(server, app, { scope })}&redirect_uri=https%3A%2F%2Fevil.example%2F`;
	const place = await new Browser(origin).get(url);
	assert.equal(new URL(place.url).origin, origin);
	const twice = await new Browser(origin).get(`${authorizeUrl(server, app, { scope })}&state=other`);
	assert.notEqual(backWith(twice).code, '');
	assert.ok(!('code' in backWith(twice)));
});

const requests: readonly (readonly [string, Record<string, string>, string])[] = [
	['an audience elsewhere', { aud: 'https://elsewhere.example.org/fhir' }, 'invalid_request'],
	['a resource elsewhere', { resource: 'https://elsewhere.example.org/fhir' }, 'invalid_target'],
	['tokens in the answer', { response_type: 'token' }, 'unsupported_response_type'],
	['an id token in the answer', { response_type: 'id_token', nonce: 'n' }, 'unsupported_response_type'],
	['a signed request', { request: 'eyJhbGciOiJub25lIn0.e30.' }, 'request_not_supported'],
	['PKCE in plain', { code_challenge: 'x'.repeat(43), code_challenge_method: 'plain' }, 'invalid_request'],
	['a scope of the system', { scope: 'system/Patient.read' }, 'invalid_scope'],
];
for (const [name, parameters, error] of requests) {
	test(`refused at the door: ${name}`, async () => {
		const place = await walk(server, authorizeUrl(server, app, { scope, ...parameters }));
		assert.ok(place.url.startsWith(redirect), `${place.url} ${place.text.slice(0, 1500)}`);
		const { hash, search } = new URL(place.url);
		const answer = new URLSearchParams(search || hash.slice(1));
		assert.deepEqual([answer.get('error'), answer.get('state')], [error, 'xyz']);
	});
}

test('an interaction belongs to the browser that began it, its forms to its session', async () => {
	const mine = new Browser(origin);
	const begun = await mine.get(authorizeUrl(server, app, { scope }));
	const consent = await mine.submit(begun, '/account/sign-in', { username: 'doctor', password });
	assert.match(consent.text, /My Healthcare App/);
	const thief = new Browser(origin);
	assert.match((await thief.get(consent.url)).text, /too old or was used/);
	assert.equal((await mine.submit(consent, '/consent', { form: 'x'.repeat(40), decision: 'allow' })).status, 400);
	assert.equal((await mine.submit(consent, '/consent', { form: null, decision: 'allow' })).status, 400);
	const more = await mine.submit(consent, '/consent', { decision: 'allow', scope: ['openid', 'user/Observation.cruds', 'system/*.cruds'] });
	const { body } = await redeem(server, app, more);
	assert.equal(body.scope, 'openid');
	// Going back does not give another code.
	assert.equal((await mine.submit(consent, '/consent', { decision: 'allow' })).status, 400);
});

test('what cannot be read is refused in the words of OAuth, never by a fault', async () => {
	for (const [path, init] of [
		['token', { method: 'POST', body: '{"grant_type":"x"}', headers: { 'content-type': 'application/json' } }],
		[
			'token',
			{ method: 'POST', body: new URLSearchParams({ grant_type: 'magic', client_id: app.client_id, client_secret: app.client_secret }) },
		],
		['token', { method: 'POST', body: 'code=%00', headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
		['token', { method: 'POST', body: 'x'.repeat(70_000), headers: { 'content-type': 'application/x-www-form-urlencoded' } }],
		[
			'token',
			{
				method: 'POST',
				headers: { authorization: 'Basic !!!', 'content-type': 'application/x-www-form-urlencoded' },
				body: 'grant_type=client_credentials',
			},
		],
		['registration', { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }],
		['registration', { method: 'POST', body: '[]', headers: { 'content-type': 'application/json' } }],
		['registration', { method: 'POST', body: '{"client_name":"a\\u0000b"}', headers: { 'content-type': 'application/json' } }],
		['registration', { method: 'POST', body: 'a=b' }],
		['authorize?client_id=%00', {}],
		[`authorize?client_id=${'a'.repeat(9000)}`, {}],
		['authorize', {}],
		['introspect', { method: 'POST', body: new URLSearchParams({ token: 'x' }) }],
		['client/nobody', {}],
		['interaction/nothing', {}],
		['logout?id_token_hint=x', {}],
	] as const) {
		const response = await fetch(`${issuer}/${path}`, { redirect: 'manual', ...(init as RequestInit) });
		const text = await response.text();
		assert.ok(response.status >= 400 && response.status < 500, `${path} ${response.status} ${text}`);
		if ((init as RequestInit).method === 'POST') assert.match(text, /"error":"(invalid|unsupported)_/, path);
	}
	assert.equal((await fetch(`${issuer}/nothing`)).status, 404);
	assert.equal((await fetch(`${origin}/oauth2/other/userinfo`)).status, 404);
});

test('each endpoint takes its methods only, and says which', async () => {
	for (const [path, allowed] of [
		['authorize', 'GET, POST, HEAD, OPTIONS'],
		['token', 'POST, OPTIONS'],
		['introspect', 'POST, OPTIONS'],
		['revoke', 'POST, OPTIONS'],
		['registration', 'POST, OPTIONS'],
		['client/nobody', 'GET, PUT, DELETE, HEAD, OPTIONS'],
		['jwk', 'GET, HEAD, OPTIONS'],
		['userinfo', 'GET, POST, HEAD, OPTIONS'],
		['logout', 'GET, POST, HEAD, OPTIONS'],
		['logout/confirm', 'POST, OPTIONS'],
		['.well-known/openid-configuration', 'GET, HEAD, OPTIONS'],
	] as const) {
		for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']) {
			const answer = await fetch(`${issuer}/${path}`, { method, redirect: 'manual' });
			await answer.text();
			const isAllowed = allowed.split(', ').includes(method);
			assert.equal(answer.status === 405, !isAllowed, `${method} ${path} ${answer.status}`);
			if (!isAllowed) assert.equal(answer.headers.get('allow'), allowed, `${method} ${path}`);
		}
	}
});

test('a parameter that comes twice is refused (RFC 6749 section 3.1 and 3.2)', async () => {
	const { client_id, client_secret } = app;
	const who = { client_id, client_secret };
	for (const [path, form] of [
		['token', { ...who, grant_type: 'authorization_code', code: 'x', redirect_uri: redirect, code_verifier: 'x' }],
		['token', { ...who, grant_type: 'refresh_token', refresh_token: 'x', scope: 'openid' }],
		['introspect', { ...who, token: 'x', token_type_hint: 'access_token' }],
		['revoke', { ...who, token: 'x', token_type_hint: 'access_token' }],
	] as const) {
		for (const [name, value] of Object.entries(form)) {
			const answer = await fetch(`${issuer}/${path}`, {
				method: 'POST',
				body: new URLSearchParams([...Object.entries(form), [name, value]]),
			});
			const { error } = (await answer.json()) as { error: string };
			assert.deepEqual([answer.status, error], [400, 'invalid_request'], `${path} ${name}`);
		}
	}
	const asked = new URL(authorizeUrl(server, app, { scope: 'openid', nonce: 'n', launch: 'x' }));
	for (const [name, value] of asked.searchParams) {
		const twice = new URL(asked);
		twice.searchParams.append(name, value);
		const answer = await fetch(twice, { redirect: 'manual' });
		const text = `${answer.headers.get('location') ?? ''} ${await answer.text()}`;
		assert.match(text, /invalid_request/, name);
		// Nobody is sent where it is not clear to whom.
		assert.equal(answer.status, ['client_id', 'redirect_uri'].includes(name) ? 400 : 303, name);
	}
});

test('a patient’s token reads nobody else by any way', async () => {
	const wide = 'openid fhirUser launch/patient patient/*.cruds user/*.cruds';
	const portal = await confidential(server, wide, { initiate_login_uri: 'https://client.example.org/launch' });
	const { access_token: token } = await tokensFor(server, portal, wide, { who: 'ann' });
	const ask = async (path: string, init?: RequestInit) => {
		const response = await server.fhir(String(token), path, init);
		const text = await response.text();
		assert.ok(response.status < 500, `${path}: ${response.status}`);
		assert.doesNotMatch(text, /"id":"(pb|vital-b|lab-b|eb|bb)"|Brown/, path);
		return response.status;
	};
	for (const path of [
		'Patient/pb',
		'Observation/vital-b',
		'Observation/vital-b/_history',
		'Observation/vital-b/_history/1',
		'Encounter/eb',
		'Binary/bb',
	])
		assert.ok([403, 404].includes(await ask(path)), path);
	for (const path of [
		'Patient?_id=pb',
		'Patient?name=brown',
		'Observation',
		'Observation?subject=Patient/pb',
		'Observation?subject:Patient.name=brown',
		'Observation?_include=Observation:subject',
		'Patient?_revinclude=Observation:subject',
		'Patient?_has:Observation:subject:_id=vital-b',
		'Patient/pb/Observation',
		'Patient/pb/$everything',
		'Patient/$everything',
		'Observation/_history',
		'_history',
		'?_type=Patient,Observation',
		'Observation/$lastn?subject=Patient/pb&category=vital-signs',
		'$graphql?query={Patient(id:"pb"){id,name{family}}}',
	])
		await ask(path);
	const entry = ['Patient/pb', 'Observation?subject=Patient/pb', 'Patient/pb/$everything'].map((url) => ({
		request: { method: 'GET', url },
	}));
	await ask('', { method: 'POST', body: JSON.stringify({ resourceType: 'Bundle', type: 'batch', entry }) });
	const moved = { resourceType: 'Patient', id: 'pb', name: [{ family: 'Stolen' }] };
	assert.ok([403, 404].includes(await ask('Patient/pb', { method: 'PUT', body: JSON.stringify(moved) })));
	assert.ok([403, 404].includes(await ask('Observation/vital-b', { method: 'DELETE' })));
	assert.equal(
		(
			await fetch(`${origin}/app/smart/launch`, {
				method: 'POST',
				headers: { authorization: `Bearer ${token}` },
				body: JSON.stringify({ client_id: portal.client_id, patient: 'pb' }),
			})
		).status,
		404,
	);
	const cross = await walk(server, authorizeUrl(server, portal, { scope: wide }), { who: 'ann', patient: 'pb' });
	assert.equal((await redeem(server, portal, cross)).body.patient, 'pa');
});

test('tokens are taken from the header only', async () => {
	const tokens = await tokensFor(server, app, scope);
	assert.equal((await server.fhir(undefined, `Patient/pa?access_token=${tokens.access_token}`)).status, 401);
	const body = new URLSearchParams({ access_token: String(tokens.access_token) });
	assert.equal((await fetch(`${server.fhirBase}/Patient/_search`, { method: 'POST', body })).status, 401);
	assert.equal((await fetch(`${issuer}/userinfo?access_token=${tokens.access_token}`)).status, 401);
});

test('an account that was shut has no tokens any more', async () => {
	const account = await server.accounts.create({ kind: 'user', username: 'leaving', name: 'Leaving', role: 'physician', password });
	const tokens = await tokensFor(server, app, scope, { who: 'leaving' });
	assert.equal((await server.fhir(String(tokens.access_token), 'Patient/pa')).status, 200);
	await server.ctx.db.execute({ text: 'UPDATE oauth.account SET active = false WHERE id = $1', values: [account.id] });
	server.advance(1100);
	assert.equal((await server.fhir(String(tokens.access_token), 'Patient/pa')).status, 401);
	assert.equal((await refresh(server, app, tokens.refresh_token)).body.error, 'invalid_grant');
});

test('passwords are not asked for by apps unless that is switched on', async () => {
	const { status, body } = await post(server, 'token', {
		grant_type: 'password',
		client_id: app.client_id,
		client_secret: app.client_secret,
		username: 'doctor',
		password,
		scope,
	});
	assert.deepEqual([status, body.error], [400, 'unsupported_grant_type']);
});

const registrations: readonly (readonly [string, object, string])[] = [
	['no address', { redirect_uris: [] }, 'invalid_redirect_uri'],
	['http', { redirect_uris: ['http://client.example.org/cb'] }, 'invalid_redirect_uri'],
	['this machine', { redirect_uris: ['https://localhost/cb'] }, 'invalid_redirect_uri'],
	['a private network', { redirect_uris: ['https://10.0.0.1/cb'] }, 'invalid_redirect_uri'],
	['a script', { application_type: 'native', redirect_uris: ['javascript:alert(1)'] }, 'invalid_redirect_uri'],
	['a fragment', { redirect_uris: ['https://a.example.org/cb#x'] }, 'invalid_redirect_uri'],
	['a password', { redirect_uris: ['https://a:b@a.example.org/cb'] }, 'invalid_redirect_uri'],
	['keys on a private network', { jwks_uri: 'https://192.168.0.1/jwks' }, 'invalid_client_metadata'],
	['an unknown kind', { application_type: 'magic' }, 'invalid_client_metadata'],
	['an unknown method', { token_endpoint_auth_method: 'tls_client_auth' }, 'invalid_client_metadata'],
	['a scope that does not exist', { scope: 'openid user/Nothing.read' }, 'invalid_scope'],
	['a private client that keeps no secret', { token_endpoint_auth_method: 'none' }, 'invalid_client_metadata'],
];
for (const [name, more, error] of registrations) {
	test(`not registered: ${name}`, async () => {
		const { postRegistration } = await import('#testing/oauth-app.ts');
		const { status, body } = await postRegistration(server, {
			application_type: 'private',
			redirect_uris: [redirect],
			client_name: 'x',
			scope: 'openid',
			...more,
		});
		assert.deepEqual([status, body.error], [400, error], JSON.stringify(body));
	});
}

test('a client cannot make itself trusted, enabled or choose its id and secret', async () => {
	const made = await register(server, {
		application_type: 'private',
		redirect_uris: [redirect],
		client_name: 'x',
		scope: 'user/Patient.read',
		client_id: 'chosen',
		client_secret: 'chosen',
		heron_trusted: true,
		heron_scope: 'user/*.cruds',
		enabled: true,
	});
	assert.ok(made.client_id !== 'chosen' && made.client_secret !== 'chosen');
	const found = await server.authorization.clients.find(made.client_id);
	assert.deepEqual([found?.enabled, found?.trusted, found?.scopes], [false, false, ['user/Patient.read']]);
});

test('the protocol has one spelling of its paths: none leads past the checks of a registration', async () => {
	const mine = await register(server, {
		application_type: 'public',
		redirect_uris: [redirect],
		scope: 'openid launch/patient patient/Patient.rs',
	});
	const evil = {
		redirect_uris: ['http://10.0.0.1/x'],
		application_type: 'web',
		heron_scope: 'openid user/*.cruds system/*.cruds',
		scope: 'openid',
	};
	const send = (method: string, path: string, body: object) =>
		fetch(`${issuer}/${path}`, {
			method,
			headers: { 'content-type': 'application/json', authorization: `Bearer ${mine.registration_access_token}` },
			body: JSON.stringify(body),
		});
	for (const path of [
		'Registration',
		'registration/',
		'REGISTRATION',
		'/registration',
		'%72egistration',
		'registration%2f',
		'registration;x',
	])
		assert.ok([400, 404].includes((await send('POST', path, evil)).status), path);
	const id = mine.client_id;
	for (const path of [`registration/${id}`, `Client/${id}`, `client/${id}/`, `client//${id}`, `Registration/${id}`])
		assert.equal((await send('PUT', path, { ...evil, client_id: id })).status, 404, path);
	assert.deepEqual((await server.authorization.clients.find(id))?.redirectUris, [redirect]);
	for (const path of ['Authorize', 'authorize/', 'AUTHORIZE', 'Token', 'token/', 'request', 'device/auth', 'par'])
		assert.equal((await fetch(`${issuer}/${path}?client_id=${id}`, { redirect: 'manual' })).status, 404, path);
});

test('one address cannot register applications without end', async (t) => {
	const few = await oauthServer(t, { registrationsPerHour: 3 });
	const body = { application_type: 'public', redirect_uris: [redirect], scope: 'openid launch/patient patient/Patient.rs' };
	for (let i = 0; i < 3; i++) await register(few, body);
	const { status, headers, body: answer } = await postRegistration(few, body);
	assert.deepEqual([status, answer.error], [429, 'temporarily_unavailable']);
	assert.match(String(answer.error_description), /Too many applications .* minutes/);
	assert.ok(Number(headers.get('retry-after')) > 0);
	few.advance(3_600_001);
	await register(few, body);
});

test('one address cannot begin requests for access without end; who is signed in is not counted', async (t) => {
	const few = await oauthServer(t, { authorizationsPerHour: 3 });
	await practice(few);
	const client = await confidential(few, 'openid');
	const url = authorizeUrl(few, client, { scope: 'openid' });
	const kept = async (): Promise<unknown> =>
		(await few.ctx.db.rows(sql`SELECT count(*)::int4 FROM oauth.item WHERE model IN ('Interaction', 'Session')`))[0]?.[0];
	const begin = () => fetch(url, { redirect: 'manual', headers: { 'accept-language': 'es' } });
	const browser = new Browser(few.origin);
	assert.ok(backWith(await walk(few, url, { browser })).code);
	for (let i = 0; i < 2; i++) assert.equal((await begin()).status, 303);
	const before = await kept();
	for (let i = 0; i < 2; i++) {
		const refused = await begin();
		assert.deepEqual([refused.status, refused.headers.get('content-type')], [429, 'text/html; charset=utf-8']);
		assert.ok(Number(refused.headers.get('retry-after')) > 0);
		assert.match(await refused.text(), /Demasiadas aplicaciones .* 60 minutos/);
	}
	assert.equal(await kept(), before);
	assert.ok(backWith(await walk(few, url, { browser })).code);
	assert.equal((await fetch(`${few.issuer}/authorize`, { method: 'POST', body: new URL(url).searchParams })).status, 429);
	few.advance(3_600_001);
	assert.equal((await begin()).status, 303);
});

test('a registration cannot slip in what is not its to say', async () => {
	const send = (text: string) =>
		fetch(`${issuer}/registration`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: text });
	const common = `"application_type":"private","redirect_uris":["${redirect}"],"scope":"openid launch/patient patient/Patient.rs"`;
	for (const slipped of [
		'"__proto__":{"heron_trusted":true}',
		'"constructor":{"prototype":{"heron_trusted":true}}',
		'"heron_trusted":true',
		'"enabled":true,"client_id":"mine","heron_trusted":"true"',
	]) {
		const response = await send(`{${common},${slipped}}`);
		const client = (await response.json()) as { client_id: string; client_secret: string };
		if (response.status !== 201) continue;
		assert.notEqual(client.client_id, 'mine');
		const browser = new Browser(origin);
		const begun = await browser.get(authorizeUrl(server, client as never, { scope: 'openid launch/patient patient/Patient.rs' }));
		const consent = await browser.submit(begun, '/account/sign-in', { username: 'ann', password });
		assert.match(consent.text, /\/consent"/, slipped);
		assert.equal((await server.authorization.clients.find(client.client_id))?.trusted, false, slipped);
	}
	assert.equal(({} as Record<string, unknown>).heron_trusted, undefined);
});

test('an enabled client that would be launched, or authenticate, elsewhere waits again', async () => {
	const body = { application_type: 'private', redirect_uris: [redirect], scope: 'openid launch user/Patient.rs', client_name: 'Chart' };
	const client = await register(server, { ...body, initiate_login_uri: 'https://client.example.org/launch' });
	for (const change of [{ initiate_login_uri: 'https://evil.example.org/launch' }, { jwks_uri: 'https://evil.example.org/keys' }]) {
		await server.authorization.clients.setEnabled(client.client_id, true);
		const response = await fetch(client.registration_client_uri, {
			method: 'PUT',
			headers: { 'content-type': 'application/json', authorization: `Bearer ${client.registration_access_token}` },
			body: JSON.stringify({ ...body, client_id: client.client_id, token_endpoint_auth_method: 'client_secret_post', ...change }),
		});
		assert.equal(response.status, 200, await response.text());
		assert.equal((await server.authorization.clients.find(client.client_id))?.enabled, false, JSON.stringify(change));
	}
});

test('a small body that unfolds to a huge one is refused', async () => {
	const bomb = gzipSync(Buffer.alloc(20_000_000, 'a'));
	for (const [address, type] of [
		[`${issuer}/token`, 'application/x-www-form-urlencoded'],
		[`${issuer}/registration`, 'application/json'],
		[`${origin}/account/sign-in`, 'application/x-www-form-urlencoded'],
	] as const) {
		const init = { method: 'POST', body: bomb, headers: { 'content-type': type, 'content-encoding': 'gzip' } };
		const { status } = await fetch(address, init);
		assert.ok(status >= 400 && status < 500, `${address}: ${status}`);
	}
});
