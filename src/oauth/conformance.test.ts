// What conformance kits for SMART App Launch (STU1 to STU2.2) and ONC's (g)(10) ask of an authorization server, by HTTP alone: discovery, launches by each way
// a client authenticates itself, OpenID Connect, refresh, introspection, cross-origin requests, and requests that have to fail.
// https://hl7.org/fhir/smart-app-launch/ https://www.healthit.gov/test-method/standardized-api-patient-and-population-services
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createLocalJWKSet, exportJWK, generateKeyPair, type JSONWebKeySet, jwtVerify, SignJWT } from 'jose';
import { Browser, oauthServer } from '#testing/oauth.ts';
import { authorizeUrl, backWith, type Client, confidential, practice, proof, redirect, register, walk } from '#testing/oauth-app.ts';

const server = await oauthServer({ after });
const { fhirBase, issuer, origin } = server;
await practice(server);
const appOrigin = 'https://app.example.org';
const scope = 'launch/patient openid fhirUser offline_access patient/Patient.rs patient/Observation.rs patient/Condition.read';

type Json = Record<string, unknown>;

async function document(address: string): Promise<Json> {
	const answer = await fetch(address, { headers: { accept: 'application/json' } });
	assert.equal(answer.status, 200, address);
	assert.match(answer.headers.get('content-type') ?? '', /^application\/([a-z-]+\+)?json/);
	return (await answer.json()) as Json;
}

const configuration = await document(`${fhirBase}/.well-known/smart-configuration`);
const openid = await document(`${issuer}/.well-known/openid-configuration`);

async function keyPair(alg: string) {
	const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
	return { alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid: `key-${alg}`, alg } };
}
const keys = [await keyPair('ES384'), await keyPair('RS384')] as const;
let serial = 0;

/** An assertion as test kits make them: without `iat`. */
async function assertion(client: Client, [{ alg, privateKey, jwk }]: readonly [(typeof keys)[number]], claims: Json = {}): Promise<string> {
	const { client_id: id } = client;
	const all = { iss: id, sub: id, aud: `${issuer}/token`, exp: Math.floor(Date.now() / 1000) + 300, jti: `c${serial++}` };
	return new SignJWT({ ...all, ...claims }).setProtectedHeader({ alg, kid: jwk.kid, typ: 'JWT' }).sign(privateKey);
}

type Proven = { readonly form: Record<string, string>; readonly headers: Record<string, string> };
type Way = { readonly name: string; readonly client: Client; prove(client?: Partial<Client>): Promise<Proven> };

const jwtBearer = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const basic = (id: string, secret: string): string => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;

/** Clients by how they show who they are. Both ways of sending a secret are taken, whichever was registered. */
const ways: readonly Way[] = [
	way(
		'public',
		await register(server, { application_type: 'public', client_name: 'x', redirect_uris: [redirect], scope }),
		async (client) => ({
			form: { client_id: client.client_id },
			headers: {},
		}),
	),
	way('a secret by Basic', await confidential(server, scope), async (client) => ({
		form: {},
		headers: { authorization: basic(client.client_id, client.client_secret) },
	})),
	way('a secret in the body', await confidential(server, scope, { token_endpoint_auth_method: 'client_secret_basic' }), async (client) => ({
		form: { client_id: client.client_id, client_secret: client.client_secret },
		headers: {},
	})),
	...(await Promise.all(
		keys.map(async (key) => {
			const method = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [key.jwk] } };
			return way(`a key, ${key.alg}`, await confidential(server, scope, method), async (client) => ({
				form: { client_assertion_type: jwtBearer, client_assertion: await assertion(client, [key]) },
				headers: {},
			}));
		}),
	)),
];

function way(name: string, client: Client, prove: (client: Client) => Promise<Proven>): Way {
	return { name, client, prove: (other = {}) => prove({ ...client, ...other } as Client) };
}

async function send(path: string, { form, headers }: Proven, more: Record<string, string>) {
	const body = new URLSearchParams({ ...form, ...more });
	const answer = await fetch(`${issuer}/${path}`, { method: 'POST', body, headers: { ...headers, origin: appOrigin } });
	return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Json };
}

/** Sends a person through the pages; gives the code and its verifier. */
async function codeFor({ client }: Way): Promise<{ readonly code: string; readonly verifier: string; readonly challenge: string }> {
	const { verifier, challenge } = proof();
	const url = authorizeUrl(server, client, { scope, code_challenge: challenge, code_challenge_method: 'S256' });
	const { code = '', state } = backWith(await walk(server, url));
	assert.equal(state, 'xyz');
	return { code, verifier, challenge };
}

function checkToken({ status, headers, body }: Awaited<ReturnType<typeof send>>): void {
	assert.equal(status, 200, JSON.stringify(body));
	assert.match(headers.get('content-type') ?? '', /^application\/json/);
	assert.match(headers.get('cache-control') ?? '', /no-store/);
	assert.match(headers.get('pragma') ?? '', /no-cache/);
	assert.match(headers.get('access-control-allow-origin') ?? '', /^(\*|https:\/\/app\.example\.org)$/);
	assert.equal(String(body.token_type).toLowerCase(), 'bearer');
	assert.deepEqual([typeof body.access_token, typeof body.expires_in, typeof body.scope], ['string', 'number', 'string']);
}

const backendScope = 'system/*.read';
const service = await confidential(server, backendScope, {
	redirect_uris: [],
	token_endpoint_auth_method: 'private_key_jwt',
	jwks: { keys: [keys[0].jwk] },
});
test('the SMART configuration has what is required, and the capabilities of each kind of launch', () => {
	for (const name of ['authorization_endpoint', 'token_endpoint', 'issuer', 'jwks_uri', 'introspection_endpoint', 'revocation_endpoint'])
		assert.ok(URL.canParse(String(configuration[name])), name);
	const has = (name: string, ...values: string[]): void => {
		const list = configuration[name] as string[];
		assert.deepEqual(
			values.filter((value) => !list.includes(value)),
			[],
			name,
		);
	};
	has('grant_types_supported', 'authorization_code', 'client_credentials');
	has('code_challenge_methods_supported', 'S256');
	assert.ok(!(configuration.code_challenge_methods_supported as string[]).includes('plain'));
	has('token_endpoint_auth_methods_supported', 'client_secret_basic', 'private_key_jwt');
	has('token_endpoint_auth_signing_alg_values_supported', 'RS384', 'ES384');
	has('scopes_supported', 'openid', 'fhirUser', 'launch', 'launch/patient', 'offline_access');
	has('capabilities', 'launch-ehr', 'launch-standalone', 'authorize-post', 'sso-openid-connect', 'permission-v1', 'permission-v2');
	has('capabilities', 'client-public', 'client-confidential-symmetric', 'client-confidential-asymmetric');
	has('capabilities', 'context-ehr-patient', 'context-ehr-encounter', 'context-standalone-patient', 'context-standalone-encounter');
	has('capabilities', 'context-banner', 'context-style');
	has('capabilities', 'permission-offline', 'permission-patient', 'permission-user');
});

test('the CapabilityStatement names the same addresses, and OpenID’s document those of OpenID', async () => {
	type Extension = { readonly url: string; readonly valueUri?: string; readonly extension?: readonly Extension[] };
	const { rest } = (await document(`${fhirBase}/metadata`)) as unknown as {
		rest: [{ security: { service: { coding: { code: string }[] }[]; extension: Extension[] } }];
	};
	const { service, extension } = rest[0].security;
	assert.ok(service.some(({ coding }) => coding.some(({ code }) => code === 'SMART-on-FHIR')));
	const uris = extension.find(({ url }) => url.endsWith('/oauth-uris'))?.extension ?? [];
	const names = {
		authorize: 'authorization',
		token: 'token',
		introspect: 'introspection',
		manage: 'management',
		register: 'registration',
		revoke: 'revocation',
	};
	for (const [short, long] of Object.entries(names))
		assert.equal(uris.find(({ url }) => url === short)?.valueUri, configuration[`${long}_endpoint`], short);
	for (const name of ['issuer', 'authorization_endpoint', 'token_endpoint', 'jwks_uri'])
		assert.equal(openid[name], configuration[name], name);
	assert.ok((openid.id_token_signing_alg_values_supported as string[]).includes('RS256'));
	for (const name of ['response_types_supported', 'subject_types_supported']) assert.ok(Array.isArray(openid[name]), name);
});

for (const one of ways)
	test(`a launch by a client with ${one.name}: token, OpenID Connect, refresh, introspection, revocation`, async () => {
		const { client, prove } = one;
		const { code, verifier } = await codeFor(one);
		const exchange = { grant_type: 'authorization_code', code, redirect_uri: redirect, code_verifier: verifier };
		const first = await send('token', await prove(), exchange);
		checkToken(first);
		const { body } = first;
		assert.deepEqual(
			[body.patient, body.need_patient_banner, new Set(String(body.scope).split(' '))],
			['pa', true, new Set(scope.split(' '))],
		);
		assert.equal((await server.fhir(undefined, 'Patient/pa')).status, 401);
		assert.equal((await server.fhir(String(body.access_token), 'Patient/pa')).status, 200);

		const jwks = (await document(String(openid.jwks_uri))) as unknown as JSONWebKeySet;
		const { payload, protectedHeader } = await jwtVerify(String(body.id_token), createLocalJWKSet(jwks), {
			issuer: String(openid.issuer),
			audience: client.client_id,
			algorithms: ['RS256'],
			requiredClaims: ['sub', 'exp', 'iat'],
		});
		assert.ok(jwks.keys.some(({ kid, kty }) => kid === protectedHeader.kid && kty === 'RSA'));
		assert.equal(payload.fhirUser, `${fhirBase}/Practitioner/dr`);
		const user = await server.fhir(String(body.access_token), 'Practitioner/dr', { headers: { origin: appOrigin } });
		assert.deepEqual([user.status, user.headers.get('access-control-allow-origin')], [200, '*']);

		let last = body;
		for (const more of [{}, { scope: String(body.scope) }] as Record<string, string>[]) {
			const refreshed = await send('token', await prove(), {
				grant_type: 'refresh_token',
				refresh_token: String(last.refresh_token),
				...more,
			});
			checkToken(refreshed);
			last = { ...last, ...refreshed.body };
			assert.equal(refreshed.body.scope, body.scope);
			assert.equal((await server.fhir(String(last.access_token), 'Patient/pa')).status, 200);
		}
		const unknown = await send('token', await prove(), { grant_type: 'refresh_token', refresh_token: crypto.randomUUID() });
		assert.deepEqual([unknown.status, unknown.body.error], [400, 'invalid_grant']);

		const about = (await send('introspect', await prove(), { token: String(last.access_token) })).body;
		assert.deepEqual(
			[about.active, about.client_id, about.scope, about.iss, about.sub, about.fhirUser, about.patient],
			[true, client.client_id, body.scope, payload.iss, payload.sub, payload.fhirUser, 'pa'],
		);
		assert.ok(Number(about.exp) > Date.now() / 1000);
		const nothing = await send('introspect', await prove(), { token: 'invalid_token_value' });
		assert.deepEqual([nothing.status, nothing.body], [200, { active: false }]);

		const { form, headers } = await prove();
		const revoked = await fetch(`${issuer}/revoke`, {
			method: 'POST',
			headers,
			body: new URLSearchParams({ ...form, token: String(last.refresh_token) }),
		});
		assert.equal(revoked.status, 200);
		server.advance(1100);
		assert.equal((await server.fhir(String(last.access_token), 'Patient/pa')).status, 401);
		assert.equal(
			(await send('token', await prove(), { grant_type: 'refresh_token', refresh_token: String(last.refresh_token) })).status,
			400,
		);
	});

const symmetric = ways[1] as Way;

test('a code is not changed for tokens without its verifier, by somebody else, or when it is none', async () => {
	const attempts: readonly ((given: Awaited<ReturnType<typeof codeFor>>) => Record<string, string>)[] = [
		() => ({}),
		() => ({ code_verifier: '' }),
		() => ({ code_verifier: proof().verifier }),
		({ challenge }) => ({ code_verifier: challenge }),
		({ verifier }) => ({ code_verifier: verifier, code: 'BAD_CODE' }),
	];
	for (const attempt of attempts) {
		const given = await codeFor(symmetric);
		const exchange = { grant_type: 'authorization_code', code: given.code, redirect_uri: redirect, ...attempt(given) };
		const { status, body } = await send('token', await symmetric.prove(), exchange);
		assert.deepEqual([status, body.error], [400, 'invalid_grant'], JSON.stringify(exchange));
	}
	const { code, verifier } = await codeFor(symmetric);
	const exchange = { grant_type: 'authorization_code', code, redirect_uri: redirect, code_verifier: verifier };
	const wrong = await send('token', await symmetric.prove({ client_id: 'BAD_CLIENT_ID' }), exchange);
	assert.deepEqual([wrong.status, wrong.body.error], [401, 'invalid_client']);
});

test('an authorization by POST works; one for another server or of a launch that is none brings no code', async () => {
	const { client_id: id } = symmetric.client;
	const fields = { response_type: 'code', client_id: id, redirect_uri: redirect, scope, state: 'p', aud: fhirBase };
	const browser = new Browser(origin);
	const page = await browser.send('/oauth2/default/authorize', fields);
	assert.match(page.text, /name="password"/);
	assert.match(backWith(await walk(server, page.url, { browser })).code ?? '', /./);
	for (const more of [{ aud: 'https://elsewhere.example.org/fhir' }, { launch: 'INVALID_LAUNCH_PARAM' }] as Record<string, string>[]) {
		const { code, error } = backWith(await browser.send('/oauth2/default/authorize', { ...fields, ...more }));
		assert.deepEqual([code, error], [undefined, 'invalid_request']);
	}
});

const request = { grant_type: 'client_credentials', client_assertion_type: jwtBearer, scope: backendScope };

const backend: readonly (readonly [string, Json, Record<string, string>, readonly [number, string?]])[] = [
	['everything right', {}, {}, [200]],
	['a grant type that is none', {}, { grant_type: 'not_a_grant_type' }, [400, 'unsupported_grant_type']],
	['an assertion type that is none', {}, { client_assertion_type: 'not_an_assertion_type' }, [400, 'invalid_request']],
	['an issuer that is not the client', { iss: 'not_a_valid_iss' }, {}, [401, 'invalid_client']],
	['a client that is none', { iss: 'nobody', sub: 'nobody' }, {}, [401, 'invalid_client']],
	['no scope', {}, { scope: '' }, [400, 'invalid_scope']],
];

for (const [name, claims, more, [status, error]] of backend)
	test(`a backend service with ${name}: ${status}`, async () => {
		const form = { ...request, client_assertion: await assertion(service, [keys[0]], claims), ...more };
		const answer = await send('token', { form: {}, headers: {} }, form);
		assert.deepEqual([answer.status, answer.body.error], [status, error], JSON.stringify(answer.body));
		if (status !== 200) return;
		checkToken(answer);
		assert.equal(answer.body.scope, backendScope);
	});

const readable = [
	`${fhirBase}/.well-known/smart-configuration`,
	`${fhirBase}/metadata`,
	`${issuer}/.well-known/openid-configuration`,
	`${issuer}/jwk`,
];
for (const address of readable)
	test(`${new URL(address).pathname} may be read from any origin`, async () => {
		const answer = await fetch(address, { headers: { origin: appOrigin, accept: 'application/json' } });
		assert.deepEqual([answer.status, answer.headers.get('access-control-allow-origin')], [200, '*']);
	});
