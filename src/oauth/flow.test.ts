// The way of an app through the authorization server by its front: register, sign in, consent, tokens, use, end. The commands of OpenEMR's
// documentation are sent as they stand there.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import * as client from 'openid-client';
import { consentWords } from '#contract/words/consent.ts';
import { Browser, oauthServer, type Place, signInAt } from '#testing/oauth.ts';
import {
	authorizeUrl,
	backWith,
	confidential,
	password,
	post,
	practice,
	proof,
	redeem,
	redirect,
	refresh,
	register,
	tokensFor,
	walk,
} from '#testing/oauth-app.ts';

const server = await oauthServer({ after });
const { origin, issuer, fhirBase, authorization } = server;
await practice(server);

const seed = {
	application_type: 'private',
	redirect_uris: [redirect],
	post_logout_redirect_uris: ['https://client.example.org/logout/callback'],
	client_name: 'My Healthcare App',
	token_endpoint_auth_method: 'client_secret_post',
	contacts: ['admin@example.org'],
	scope: 'openid offline_access api:oemr api:fhir user/Patient.read user/Observation.read',
};

test('OpenEMR’s confidential client: register, wait, be enabled, sign in, consent, token, read, refresh', async () => {
	const app = await register(server, seed);
	assert.match(app.client_id, /^[\w-]{43}$/);
	assert.match(app.client_secret, /^[\w-]{86}$/);
	assert.match(app.registration_access_token, /^[\w-]{43}$/);
	assert.equal(app.registration_client_uri, `${issuer}/client/${app.client_id}`);
	assert.deepEqual([app.scope, app.application_type, app.client_secret_expires_at], [seed.scope, 'private', 0]);
	const waiting = await new Browser(origin).get(authorizeUrl(server, app, { scope: seed.scope }));
	assert.equal(waiting.status, 401);
	assert.match(waiting.text, /waits for an administrator/);
	const early = await post(server, 'token', {
		grant_type: 'authorization_code',
		client_id: app.client_id,
		client_secret: app.client_secret,
		code: 'x',
		redirect_uri: redirect,
	});
	assert.deepEqual([early.status, early.body.error], [401, 'invalid_client']);
	assert.match(String(early.body.error_description), /administrator/);
	await authorization.clients.setEnabled(app.client_id, true);

	const scope = 'openid offline_access user/Patient.read user/Observation.read';
	const place = await walk(server, authorizeUrl(server, app, { scope }));
	assert.ok(place.url.startsWith(`${redirect}?`));
	assert.deepEqual([backWith(place).state, backWith(place).iss], ['xyz', issuer]);
	const { status, body, headers } = await redeem(server, app, place);
	assert.equal(status, 200, JSON.stringify(body));
	assert.deepEqual([body.token_type, body.expires_in, body.scope], ['Bearer', 3600, scope]);
	assert.equal(headers.get('cache-control'), 'no-store');
	assert.ok(body.id_token && body.refresh_token);
	assert.equal((await server.fhir(String(body.access_token), 'Patient/pb')).status, 200);
	assert.equal((await server.fhir(String(body.access_token), 'Condition')).status, 403);
	const again = await refresh(server, app, body.refresh_token);
	assert.equal(again.status, 200, JSON.stringify(again.body));
	assert.deepEqual(Object.keys(again.body).toSorted(), ['access_token', 'expires_in', 'id_token', 'refresh_token', 'scope', 'token_type']);
	assert.notEqual(again.body.refresh_token, body.refresh_token);
	assert.equal((await server.fhir(String(again.body.access_token), 'Patient?name=adams')).status, 200);
});

test('nothing secret is in the database as it is', async () => {
	const app = await confidential(server, seed.scope);
	const tokens = await tokensFor(server, app, seed.scope);
	const rows = await server.ctx.db.rows({
		text: 'SELECT t::text FROM oauth.item t UNION ALL SELECT t::text FROM oauth.client t UNION ALL SELECT t::text FROM oauth.consent t UNION ALL SELECT t::text FROM oauth.key t',
	});
	const all = rows.flat().join('\n');
	for (const secret of [tokens.access_token, tokens.refresh_token, app.client_secret, app.registration_access_token])
		assert.ok(!all.includes(String(secret)));
	assert.ok(!/"(d|dp|dq|qi)":/.test(all));
});

test('RFC 7592: a client reads, changes and removes its registration with its token, and nobody else', async () => {
	const app = await register(server, { ...seed, scope: 'openid launch/patient patient/Patient.read' });
	const at = (method: string, token = app.registration_access_token, body?: object) =>
		fetch(app.registration_client_uri, {
			method,
			headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
	const read = (await (await at('GET')).json()) as Record<string, unknown>;
	assert.deepEqual(
		[read.client_id, read.client_name, read.application_type, read.scope],
		[app.client_id, seed.client_name, 'private', 'openid launch/patient patient/Patient.read'],
	);
	assert.equal(read.client_secret, undefined);
	assert.equal((await at('GET', 'x'.repeat(43))).status, 401);
	const other = await register(server, seed);
	assert.equal((await at('GET', other.registration_access_token)).status, 401);
	const changed = await at('PUT', app.registration_access_token, {
		...seed,
		client_id: app.client_id,
		client_secret: app.client_secret,
		client_name: 'Renamed',
		scope: 'openid launch/patient patient/Patient.read',
	});
	assert.equal(changed.status, 200, await changed.clone().text());
	assert.equal(((await changed.json()) as Record<string, unknown>).client_name, 'Renamed');
	// Nobody gets more by asking afterwards.
	assert.equal((await authorization.clients.find(app.client_id))?.enabled, true);
	await at('PUT', app.registration_access_token, { ...seed, client_id: app.client_id });
	assert.equal((await authorization.clients.find(app.client_id))?.enabled, false);
	await authorization.clients.setEnabled(app.client_id, true);
	const tokens = await tokensFor(server, app, seed.scope);
	assert.equal((await at('DELETE')).status, 204);
	assert.equal(await authorization.clients.find(app.client_id), undefined);
	server.advance(1100);
	assert.equal((await server.fhir(String(tokens.access_token), 'Patient')).status, 401);
});

test('introspection says what a token is, to its own client by Basic or body', async () => {
	const app = await confidential(server, `${seed.scope} fhirUser`);
	const tokens = await tokensFor(server, app, `${seed.scope} fhirUser`);
	const basic = { authorization: `Basic ${Buffer.from(`${app.client_id}:${app.client_secret}`).toString('base64')}` };
	const { status, body } = await post(server, 'introspect', { token: String(tokens.access_token) }, basic);
	assert.equal(status, 200);
	const { exp, iat, jti, sub, ...rest } = body;
	assert.equal(Number(exp) - Number(iat), 3600);
	assert.match(String(jti), /^[0-9a-f]{32}$/);
	assert.equal(sub, ((await server.accounts.signIn('doctor', password, { address: '' })) as { account?: { id: string } }).account?.id);
	assert.deepEqual(rest, {
		active: true,
		scope: tokens.scope,
		client_id: app.client_id,
		token_type: 'Bearer',
		aud: fhirBase,
		iss: issuer,
		username: 'doctor',
		fhirUser: `${fhirBase}/Practitioner/dr`,
	});
	const own = { client_id: app.client_id, client_secret: app.client_secret };
	const ofRefresh = await post(server, 'introspect', { ...own, token: String(tokens.refresh_token) });
	assert.deepEqual([ofRefresh.body.active, ofRefresh.body.token_type], [true, 'refresh_token']);
	const other = await confidential(server, seed.scope);
	for (const [who, token] of [
		[own, 'nonsense'],
		[own, ''],
		[{ client_id: other.client_id, client_secret: other.client_secret }, String(tokens.access_token)],
	] as const) {
		const answer = await post(server, 'introspect', { ...who, ...(token === '' ? {} : { token }) });
		if (token !== '') assert.deepEqual([answer.status, answer.body], [200, { active: false }]);
		else assert.deepEqual([answer.status, answer.body.error], [400, 'invalid_request']);
	}
	assert.equal((await post(server, 'introspect', { ...own, client_secret: 'wrong', token: String(tokens.access_token) })).status, 401);
	assert.equal((await post(server, 'introspect', { token: String(tokens.access_token) })).status, 400);
});

test('revocation ends a token and its family within a second; another client’s revocation does nothing', async () => {
	const app = await confidential(server, seed.scope);
	const other = await confidential(server, seed.scope);
	const tokens = await tokensFor(server, app, seed.scope);
	const bearer = String(tokens.access_token);
	assert.equal((await server.fhir(bearer, 'Patient/pa')).status, 200);
	const by = (who: typeof app, token: unknown) =>
		post(server, 'revoke', { client_id: who.client_id, client_secret: who.client_secret, token: String(token) });
	assert.equal((await by(other, bearer)).status, 200);
	server.advance(1100);
	assert.equal((await server.fhir(bearer, 'Patient/pa')).status, 200);
	assert.equal((await by(app, tokens.refresh_token)).status, 200);
	server.advance(1100);
	assert.equal((await server.fhir(bearer, 'Patient/pa')).status, 401);
	assert.deepEqual((await refresh(server, app, tokens.refresh_token)).body.error, 'invalid_grant');
	assert.equal((await by(app, 'nonsense')).status, 200);
});

test('userinfo says what the scopes allow', async () => {
	const app = await confidential(server, 'openid profile email fhirUser user/Patient.read');
	const ask = (token: unknown) => fetch(`${issuer}/userinfo`, { headers: { authorization: `Bearer ${token}` } });
	const full = await ask((await tokensFor(server, app, 'openid profile email fhirUser')).access_token);
	const { sub, ...claims } = (await full.json()) as Record<string, unknown>;
	assert.match(String(sub), /^[0-9a-f-]{36}$/);
	assert.deepEqual(claims, {
		fhirUser: `${fhirBase}/Practitioner/dr`,
		name: 'Dr. Who',
		preferred_username: 'doctor',
		email: 'who@example.org',
	});
	const bare = await ask((await tokensFor(server, app, 'openid user/Patient.read')).access_token);
	assert.deepEqual(Object.keys((await bare.json()) as object), ['sub']);
	assert.equal((await ask((await tokensFor(server, app, 'user/Patient.read')).access_token)).status, 403);
	const refused = await ask('x'.repeat(43));
	assert.equal(refused.status, 401);
	assert.match(refused.headers.get('www-authenticate') ?? '', /invalid_token/);
});

test('signing out ends what was granted for the session, not what was meant to last', async () => {
	const app = await confidential(server, `${seed.scope} online_access`, { post_logout_redirect_uris: seed.post_logout_redirect_uris });
	const browser = new Browser(origin);
	const brief = await tokensFor(server, app, 'openid online_access user/Patient.read', { browser });
	const lasting = await tokensFor(server, app, 'openid offline_access user/Patient.read', { browser });
	assert.ok(brief.refresh_token);
	const still = await refresh(server, app, brief.refresh_token);
	assert.equal(still.status, 200, JSON.stringify(still.body));
	const [to] = seed.post_logout_redirect_uris;
	const out = await browser.get(
		`${issuer}/logout?${new URLSearchParams({ id_token_hint: String(lasting.id_token), post_logout_redirect_uri: String(to), state: 's1' })}`,
	);
	assert.equal(out.url, `${to}?state=s1`);
	server.advance(1100);
	assert.equal((await server.fhir(String(still.body.access_token), 'Patient/pa')).status, 401);
	assert.equal((await refresh(server, app, still.body.refresh_token)).body.error, 'invalid_grant');
	assert.equal((await server.fhir(String(lasting.access_token), 'Patient/pa')).status, 200);
	assert.equal((await refresh(server, app, lasting.refresh_token)).status, 200);
	assert.match((await browser.get(authorizeUrl(server, app, { scope: 'openid' }))).text, /name="password"/);
});

test('an app may ask to sign out by POST as well', async () => {
	const app = await confidential(server, seed.scope, { post_logout_redirect_uris: seed.post_logout_redirect_uris });
	const browser = new Browser(origin);
	const { id_token } = await tokensFor(server, app, 'openid user/Patient.read', { browser });
	const [to] = seed.post_logout_redirect_uris;
	const asked = await fetch(`${issuer}/logout?state=s2`, {
		method: 'POST',
		redirect: 'manual',
		body: new URLSearchParams({ id_token_hint: String(id_token), post_logout_redirect_uri: String(to) }),
	});
	assert.equal(asked.status, 303);
	assert.equal((await browser.get(asked.headers.get('location') ?? '')).url, `${to}?state=s2`);
});

test('signing out without a hint asks first; an address that was not registered is not gone to', async () => {
	const app = await confidential(server, seed.scope, { post_logout_redirect_uris: seed.post_logout_redirect_uris });
	const browser = new Browser(origin);
	const tokens = await tokensFor(server, app, 'openid user/Patient.read', { browser });
	const hint = `id_token_hint=${tokens.id_token}`;
	assert.equal((await browser.get(`${issuer}/logout?${hint}&post_logout_redirect_uri=https%3A%2F%2Fevil.example.org%2F`)).status, 400);
	const question = await browser.get(`${issuer}/logout`);
	assert.match(question.text, /Sign out\?/);
	const done = await browser.submit(question, '/logout/confirm', { logout: 'yes' });
	assert.match(done.text, /You have been signed out/);
	server.advance(1100);
	assert.equal((await server.fhir(String(tokens.access_token), 'Patient/pa')).status, 401);
});

test('a browser that let no app in is asked in the same way, without a script', async () => {
	const browser = new Browser(origin);
	await signInAt(browser, await browser.get('/account/sign-in'), 'ann', password);
	const question = await browser.get(`${issuer}/logout?ui_locales=es`);
	assert.deepEqual([question.status, question.headers.get('content-language')], [200, 'es']);
	assert.doesNotMatch(question.text, /<script/);
	assert.match(question.headers.get('content-security-policy') ?? '', /default-src 'none'/);
	assert.equal((await browser.get('/account')).status, 200);
	assert.match((await browser.submit(question, '/logout/confirm', { logout: 'yes' })).text, /You have been signed out/);
	assert.match((await browser.get('/account')).url, /sign-in/);
});

test('openid-client: discovery, dynamic registration, code with PKCE, refresh, userinfo, introspection, revocation', async () => {
	const insecure = { execute: [client.allowInsecureRequests] };
	const config = await client.dynamicClientRegistration(
		new URL(issuer),
		{
			redirect_uris: [redirect],
			client_name: 'Certified',
			scope: 'openid offline_access launch/patient patient/Observation.rs',
			token_endpoint_auth_method: 'client_secret_basic',
		},
		undefined,
		insecure,
	);
	const verifier = client.randomPKCECodeVerifier();
	const url = client.buildAuthorizationUrl(config, {
		redirect_uri: redirect,
		scope: 'openid offline_access launch/patient patient/Observation.rs',
		code_challenge: await client.calculatePKCECodeChallenge(verifier),
		code_challenge_method: 'S256',
		state: 'st',
		nonce: 'no',
	});
	const place = await walk(server, url.href, { who: 'ann' });
	const tokens = await client.authorizationCodeGrant(config, new URL(place.url), {
		pkceCodeVerifier: verifier,
		expectedState: 'st',
		expectedNonce: 'no',
	});
	assert.equal(tokens.claims()?.iss, issuer);
	assert.equal((tokens as Record<string, unknown>).patient, 'pa');
	const info = await client.fetchUserInfo(config, tokens.access_token, tokens.claims()?.sub as string);
	assert.equal(info.sub, tokens.claims()?.sub);
	const next = await client.refreshTokenGrant(config, tokens.refresh_token as string);
	assert.ok(next.refresh_token !== tokens.refresh_token);
	assert.equal((await client.tokenIntrospection(config, next.access_token)).active, true);
	await client.tokenRevocation(config, next.access_token);
	assert.equal((await client.tokenIntrospection(config, next.access_token)).active, false);
});

test('a public app: PKCE is required, no secret, PKCE by S256 only', async () => {
	const app = await register(server, {
		application_type: 'public',
		redirect_uris: [redirect],
		client_name: 'SPA',
		scope: 'openid offline_access launch/patient patient/Observation.read',
	});
	assert.equal(app.client_secret, undefined);
	assert.equal(app.client_role, 'patient');
	const scope = 'openid offline_access launch/patient patient/Observation.read';
	const bare = await walk(server, authorizeUrl(server, app, { scope }), { who: 'ann' });
	assert.equal(backWith(bare).error, 'invalid_request');
	const { verifier, challenge } = proof();
	const plain = await walk(server, authorizeUrl(server, app, { scope, code_challenge: verifier, code_challenge_method: 'plain' }), {
		who: 'ann',
	});
	assert.equal(backWith(plain).error, 'invalid_request');
	const place = await walk(server, authorizeUrl(server, app, { scope, code_challenge: challenge, code_challenge_method: 'S256' }), {
		who: 'ann',
	});
	const { status, body } = await redeem(server, app, place, { code_verifier: verifier });
	assert.equal(status, 200, JSON.stringify(body));
	assert.deepEqual([body.patient, body.need_patient_banner], ['pa', true]);
	const next = await refresh(server, app, body.refresh_token);
	assert.equal(next.status, 200, JSON.stringify(next.body));
	const unnamed = await post(server, 'token', { grant_type: 'refresh_token', refresh_token: String(next.body.refresh_token) });
	assert.equal(unnamed.status, 200, 'who it is, is known from the token (the SMART JS client does not say)');
	assert.equal((await post(server, 'token', { grant_type: 'refresh_token', refresh_token: 'x'.repeat(43) })).status, 400);
	assert.equal(next.body.patient, 'pa');
});

test('a request may come as a form (authorize-post)', async () => {
	const app = await confidential(server, seed.scope);
	const [address, query = ''] = authorizeUrl(server, app, { scope: 'openid user/Patient.read' }).split('?');
	const answer = await fetch(address as string, { method: 'POST', body: new URLSearchParams(query), redirect: 'manual' });
	assert.equal(answer.status, 303);
	const browser = new Browser(origin);
	const place = await signInAt(browser, await browser.get(answer.headers.get('location') as string), 'doctor', password);
	assert.match(place.text, /My Healthcare App/);
});

test('the documents say where everything is', async () => {
	const oidc = (await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()) as Record<string, unknown>;
	for (const [name, path] of Object.entries({
		authorization_endpoint: 'authorize',
		token_endpoint: 'token',
		jwks_uri: 'jwk',
		userinfo_endpoint: 'userinfo',
		registration_endpoint: 'registration',
		end_session_endpoint: 'logout',
		introspection_endpoint: 'introspect',
		revocation_endpoint: 'revoke',
	}))
		assert.equal(oidc[name], `${issuer}/${path}`, name);
	assert.deepEqual([oidc.issuer, oidc.code_challenge_methods_supported], [issuer, ['S256']]);
	const smart = await fetch(`${fhirBase}/.well-known/smart-configuration`, { headers: { origin: 'https://app.example.org' } });
	assert.equal(smart.headers.get('access-control-allow-origin'), '*');
	const body = (await smart.json()) as Record<string, unknown>;
	for (const name of [
		'issuer',
		'jwks_uri',
		'authorization_endpoint',
		'token_endpoint',
		'grant_types_supported',
		'capabilities',
		'code_challenge_methods_supported',
	])
		assert.ok(body[name], name);
	const { keys } = (await (await fetch(`${issuer}/jwk`)).json()) as { keys: Record<string, unknown>[] };
	assert.deepEqual(
		keys.map(({ alg, use, d }) => [alg, use, d]),
		[
			['RS256', 'sig', undefined],
			['ES384', 'sig', undefined],
		],
	);
});

test('browsers of other sites may use the token endpoint, without cookies', async () => {
	const from = { origin: 'https://app.example.org' };
	const asked = { ...from, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' };
	const preflight = await fetch(`${issuer}/token`, { method: 'OPTIONS', headers: asked });
	const answer = await fetch(`${issuer}/token`, {
		method: 'POST',
		headers: from,
		body: new URLSearchParams({ grant_type: 'refresh_token' }),
	});
	for (const { headers } of [preflight, answer]) {
		assert.equal(headers.get('access-control-allow-origin'), '*');
		assert.equal(headers.get('access-control-allow-credentials'), null);
	}
	assert.equal(answer.status, 400);
});

test('keys rotate: the new one signs after a minute, what the old one signed stays good', async () => {
	const { jwtVerify, createRemoteJWKSet, decodeProtectedHeader } = await import('jose');
	const app = await confidential(server, seed.scope);
	const first = await tokensFor(server, app, 'openid user/Patient.read');
	const [rsa] = await authorization.keys.rotate();
	server.advance(11_000);
	assert.equal(
		decodeProtectedHeader(String((await tokensFor(server, app, 'openid user/Patient.read')).id_token)).kid,
		decodeProtectedHeader(String(first.id_token)).kid,
	);
	server.advance(61_000);
	const second = await tokensFor(server, app, 'openid user/Patient.read');
	assert.equal(decodeProtectedHeader(String(second.id_token)).kid, rsa);
	const keys = createRemoteJWKSet(new URL(`${issuer}/jwk`));
	for (const { id_token } of [first, second]) {
		const { payload } = await jwtVerify(String(id_token), keys, { issuer, audience: app.client_id });
		assert.ok(payload.sub);
	}
});

test('prompt=none: silent for who is signed in and has consented before, never for more, forgotten when it is withdrawn', async () => {
	const scope = 'openid launch/patient patient/Observation.rs patient/Patient.rs';
	const app = await confidential(server, scope);
	const browser = new Browser(origin);
	const silent = (asked: string, more: Record<string, string> = {}) =>
		browser.get(authorizeUrl(server, app, { scope: asked, prompt: 'none', ...more }));
	assert.equal(backWith(await silent(scope)).error, 'login_required');
	await signInAt(browser, await browser.get('/account/sign-in'), 'ann', password);
	assert.equal(backWith(await silent(scope)).error, 'consent_required');
	await tokensFor(server, app, scope, { browser, who: 'ann', scopes: ['openid', 'launch/patient', 'patient/Observation.rs'] });
	const place = await silent(`${scope} offline_access`, { nonce: 'n' });
	assert.ok(backWith(place).code, place.url);
	const { status, body } = await redeem(server, app, place);
	assert.equal(status, 200, JSON.stringify(body));
	assert.deepEqual([body.scope, body.patient, body.refresh_token], ['openid launch/patient patient/Observation.rs', 'pa', undefined]);
	assert.equal((await server.fhir(String(body.access_token), 'Observation')).status, 200);
	assert.equal((await server.fhir(String(body.access_token), 'Patient/pa')).status, 403);
	assert.equal(backWith(await silent('openid', { max_age: '0' })).error, 'login_required');
	const other = await confidential(server, scope);
	assert.equal(backWith(await browser.get(authorizeUrl(server, other, { scope, prompt: 'none' }))).error, 'consent_required');
	const account = ((await server.accounts.signIn('ann', password, { address: '' })) as { account: { id: string } }).account.id;
	for (const { id } of await authorization.appGrants.list(account)) await authorization.appGrants.end(account, id);
	server.advance(1100);
	assert.equal((await server.fhir(String(body.access_token), 'Observation')).status, 401);
	assert.equal(backWith(await silent(scope)).error, 'consent_required');
});

test('a confidential client cannot refresh without authenticating itself', async () => {
	const app = await confidential(server, 'openid offline_access user/Patient.read');
	const { refresh_token } = await tokensFor(server, app, 'openid offline_access user/Patient.read');
	const unnamed = await post(server, 'token', { grant_type: 'refresh_token', refresh_token: String(refresh_token) });
	assert.deepEqual([unnamed.status, unnamed.body.error], [400, 'invalid_request']);
});

test('the pages speak the first language of `ui_locales` that there is, unless the person chose another', async () => {
	const scope = 'openid launch/patient patient/Patient.rs';
	const app = await confidential(server, scope);
	const go = async (locales: string, browser = new Browser(server.origin)) => {
		const titles: string[] = [];
		const note = (place: Place): Place => {
			titles.push(`${place.headers.get('content-language')} ${/<h1>([^<]*)/.exec(place.text)?.[1]}`);
			return place;
		};
		const start = note(await browser.get(authorizeUrl(server, app, { scope, ui_locales: locales })));
		note(await signInAt(browser, start, 'doctor', 'wrong'));
		const pick = note(await signInAt(browser, start, 'doctor', password));
		const consent = note(await browser.submit(pick, '/patient', { patient: 'pa' }));
		return { titles, consent };
	};
	const { es, en } = consentWords;
	const pages = (language: 'es' | 'en', words: typeof en, signIn: string): string[] =>
		[signIn, signIn, words.pickTitle, words.title('My Healthcare App')].map((title) => `${language} ${title}`);
	assert.deepEqual((await go('fr-CA es-MX en')).titles, pages('es', es, 'Iniciar sesión'));
	assert.deepEqual((await go('fr en-GB es')).titles, pages('en', en, 'Sign in'));
	const chosen = new Browser(server.origin);
	await chosen.get('/account/sign-in?lang=en');
	assert.deepEqual((await go('es', chosen)).titles, pages('en', en, 'Sign in'));
	const wrong = new URL(authorizeUrl(server, app, { scope, ui_locales: 'es', redirect_uri: 'https://elsewhere.example.org/' }));
	assert.match((await new Browser(server.origin).get(wrong.href)).text, /<html lang="es">/);
	const document = (await (await fetch(`${server.issuer}/.well-known/openid-configuration`)).json()) as Record<string, unknown>;
	assert.deepEqual(document.ui_locales_supported, ['en', 'es']);
});
