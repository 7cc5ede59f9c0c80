// Backend services: client credentials with signed assertions, keys by value and by address.
// https://hl7.org/fhir/smart-app-launch/backend-services.html
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { oauthServer } from '#testing/oauth.ts';
import { type Answer, type Client, post, postRegistration, practice, register } from '#testing/oauth-app.ts';

const server = await oauthServer({ after }, { allowPrivateUrls: true });
const { issuer } = server;
await practice(server);
const scope = 'system/Patient.read system/Group.$export';
const type = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

type Pair = { readonly kid: string; readonly alg: string; readonly privateKey: CryptoKey; readonly jwk: JWK };

async function pair(alg: string, kid: string): Promise<Pair> {
	const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
	return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

const rsa = await pair('RS384', 'my-key-1');
const ec = await pair('ES384', 'my-key-2');
const stranger = await pair('RS384', 'my-key-1');

async function service(more: object): Promise<Client> {
	const client = await register(server, {
		application_type: 'private',
		client_name: 'Nightly export',
		token_endpoint_auth_method: 'private_key_jwt',
		scope,
		...more,
	});
	await server.authorization.clients.setEnabled(client.client_id, true);
	return client;
}

let serial = 0;

type Claims = {
	readonly aud?: string | string[];
	readonly exp?: number;
	readonly iat?: number;
	readonly iss?: string;
	readonly sub?: string;
	readonly jti?: string | undefined;
};

async function assertion(client: Client, { kid, alg, privateKey }: Pair, claims: Claims = {}): Promise<string> {
	const now = Math.floor(Date.now() / 1000);
	const all = {
		iss: client.client_id,
		sub: client.client_id,
		aud: `${issuer}/token`,
		exp: now + 240,
		iat: now,
		jti: `j${serial++}`,
		...claims,
	};
	return new SignJWT(JSON.parse(JSON.stringify(all))).setProtectedHeader({ alg, kid, typ: 'JWT' }).sign(privateKey);
}

function ask(text: string, more: Record<string, string> = {}): Promise<Answer> {
	return post(server, 'token', { grant_type: 'client_credentials', client_assertion_type: type, client_assertion: text, scope, ...more });
}

test('RS384 and ES384: a token for a minute, for the system’s data', async () => {
	for (const key of [rsa, ec]) {
		const client = await service({ jwks: { keys: [key.jwk] } });
		assert.equal(client.client_secret, undefined);
		const { status, body } = await ask(await assertion(client, key));
		assert.equal(status, 200, JSON.stringify(body));
		assert.deepEqual([body.token_type, body.expires_in, body.scope, body.refresh_token], ['Bearer', 60, scope, undefined]);
		const answer = await server.fhir(String(body.access_token), 'Patient?_summary=count');
		assert.equal(((await answer.json()) as { total: number }).total, 2);
		assert.equal((await server.fhir(String(body.access_token), 'Observation')).status, 403);
		const about = await post(server, 'introspect', {
			client_assertion_type: type,
			client_assertion: await assertion(client, key, { aud: `${issuer}/introspect` }),
			token: String(body.access_token),
		});
		assert.deepEqual([about.body.active, about.body.sub, about.body.client_id], [true, client.client_id, client.client_id]);
		assert.equal((await server.fhir(String(body.access_token), 'Patient/pa')).status, 200);
	}
});

test('a service waits to be enabled, and a disabled one loses its tokens within a second', async () => {
	const client = await register(server, { application_type: 'private', client_name: 'x', scope, jwks: { keys: [rsa.jwk] } });
	const early = await ask(await assertion(client, rsa));
	assert.deepEqual([early.status, early.body.error], [401, 'invalid_client']);
	await server.authorization.clients.setEnabled(client.client_id, true);
	const { body } = await ask(await assertion(client, rsa));
	assert.equal((await server.fhir(String(body.access_token), 'Patient/pa')).status, 200);
	await server.authorization.clients.setEnabled(client.client_id, false);
	server.advance(1100);
	assert.equal((await server.fhir(String(body.access_token), 'Patient/pa')).status, 401);
	assert.equal((await ask(await assertion(client, rsa))).body.error, 'invalid_client');
});

test('OpenEMR’s services register a secret and keys, and use the keys', async () => {
	const client = await service({ token_endpoint_auth_method: 'client_secret_post', jwks: { keys: [rsa.jwk] } });
	assert.ok(client.client_secret);
	assert.equal((await ask(await assertion(client, rsa))).status, 200);
	assert.equal((await ask(await assertion(client, stranger))).status, 401);
});

const client = await service({ jwks: { keys: [rsa.jwk, ec.jwk] } });
const now = (): number => Math.floor(Date.now() / 1000);

const refused: readonly (readonly [string, () => Promise<string>])[] = [
	['another’s key', () => assertion(client, stranger)],
	['aud of elsewhere', () => assertion(client, rsa, { aud: 'https://elsewhere.example.org/token' })],
	['no aud', () => assertion(client, rsa, { aud: '' })],
	['aud of the FHIR API', () => assertion(client, rsa, { aud: server.fhirBase })],
	['expired', () => assertion(client, rsa, { exp: now() - 60, iat: now() - 300 })],
	['no end', () => assertion(client, rsa, { exp: 0 })],
	['lives more than a day', () => assertion(client, rsa, { exp: now() + 90_000 })],
	['from the future', () => assertion(client, rsa, { iat: now() + 600, exp: now() + 900 })],
	['no jti', () => assertion(client, rsa, { jti: undefined })],
	['issued by somebody else', () => assertion(client, rsa, { iss: 'somebody' })],
	['about somebody else', () => assertion(client, rsa, { sub: 'somebody' })],
	['alg none', async () => `${Buffer.from('{"alg":"none"}').toString('base64url')}.${(await assertion(client, rsa)).split('.')[1]}.`],
	[
		'signed with the public key as a secret',
		async () => {
			const secret = new TextEncoder().encode(JSON.stringify(rsa.jwk));
			const claims = JSON.parse(Buffer.from((await assertion(client, rsa)).split('.')[1] ?? '', 'base64url').toString());
			return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: rsa.kid }).sign(secret);
		},
	],
	[
		'changed after it was signed',
		async () =>
			(await assertion(client, rsa)).replace(
				/\.[\w-]+\./,
				`.${Buffer.from(JSON.stringify({ iss: client.client_id, sub: client.client_id, aud: `${issuer}/token`, exp: now() + 100, jti: 'n' })).toString('base64url')}.`,
			),
	],
	['no JWT', async () => 'nonsense'],
];

for (const [name, make] of refused)
	test(`refused: an assertion, ${name}`, async () => {
		const { status, body } = await ask(await make());
		assert.ok(status === 401 || status === 400, `${status}`);
		assert.match(String(body.error), /^invalid_(client|request)$/);
		assert.equal(body.access_token, undefined);
	});

test('an assertion is good once, also when it comes twice at once', async () => {
	const text = await assertion(client, rsa);
	const answers = await Promise.all([ask(text), ask(text), ask(text)]);
	assert.equal(answers.filter(({ status }) => status === 200).length, 1);
	assert.ok(answers.every(({ status, body }) => status === 200 || body.error === 'invalid_client'));
	assert.equal((await ask(text)).status, 401);
});

test('a secret does not do for client credentials of a service without one, nor a user’s scopes', async () => {
	assert.equal(
		(await post(server, 'token', { grant_type: 'client_credentials', client_id: client.client_id, client_secret: 'x', scope })).status,
		401,
	);
	for (const asked of ['user/Patient.read', 'openid', 'system/Observation.read', 'system/*.cruds', 'patient/*.rs']) {
		const { status, body } = await ask(await assertion(client, rsa), { scope: asked });
		assert.deepEqual([status, body.error], [400, 'invalid_scope'], asked);
	}
	const some = await ask(await assertion(client, rsa), { scope: 'system/Patient.r system/Observation.read' });
	assert.equal(some.body.scope, 'system/Patient.r');
});

test('keys by address: fetched, kept as long as they say, fetched anew for a key that is not known', async () => {
	let published = [rsa.jwk];
	let control = 'max-age=600';
	let asked = 0;
	const keys = createServer((_request, response) => {
		asked++;
		response.setHeader('cache-control', control);
		response.end(JSON.stringify({ keys: published }));
	});
	await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve));
	try {
		const { port } = keys.address() as { port: number };
		const byAddress = await service({ jwks_uri: `http://127.0.0.1:${port}/jwks.json`, jwks: { keys: [ec.jwk] } });
		assert.equal((await ask(await assertion(byAddress, rsa))).status, 200);
		assert.equal((await ask(await assertion(byAddress, rsa))).status, 200);
		assert.equal(asked, 1);
		// A key that is not known: asked again, but not at once, for anybody may make up names of keys.
		published = [ec.jwk];
		assert.equal((await ask(await assertion(byAddress, ec))).status, 401);
		assert.equal(asked, 1);
		server.advance(11_000);
		control = 'no-cache';
		assert.equal((await ask(await assertion(byAddress, ec, { exp: now() + 200 }))).status, 200);
		assert.equal(asked, 2);
		// Not kept: what was taken away is good no more.
		published = [rsa.jwk];
		assert.equal((await ask(await assertion(byAddress, ec))).status, 401);
		assert.equal((await ask(await assertion(byAddress, rsa))).status, 200);
	} finally {
		keys.close();
	}
});

test('an installation may want assertions that live shorter', async (t) => {
	const strict = await oauthServer(t, { assertionMaxAge: 300, clientApproval: 'automatic' });
	const strictClient = await register(strict, { application_type: 'private', client_name: 'x', scope, jwks: { keys: [rsa.jwk] } });
	const statuses: number[] = [];
	for (const seconds of [290, 600]) {
		const claims = { aud: `${strict.issuer}/token`, exp: now() + seconds };
		const form = {
			grant_type: 'client_credentials',
			client_assertion_type: type,
			client_assertion: await assertion(strictClient, rsa, claims),
			scope,
		};
		statuses.push((await post(strict, 'token', form)).status);
	}
	assert.deepEqual(statuses, [200, 401]);
});

test('system scopes need keys; public clients cannot have them', async () => {
	const bare = await postRegistration(server, { application_type: 'private', client_name: 'x', scope });
	assert.deepEqual([bare.status, bare.body.error], [400, 'invalid_client_metadata']);
	const open = await postRegistration(server, {
		application_type: 'public',
		client_name: 'x',
		scope,
		jwks: { keys: [rsa.jwk] },
		redirect_uris: ['https://a.example.org/cb'],
	});
	assert.deepEqual([open.status, open.body.error], [400, 'invalid_client_metadata']);
	const secretKey = await postRegistration(server, {
		application_type: 'private',
		client_name: 'x',
		scope,
		jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] },
	});
	assert.deepEqual([secretKey.status, secretKey.body.error], [400, 'invalid_client_metadata']);
});
