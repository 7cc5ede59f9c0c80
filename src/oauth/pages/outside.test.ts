// Signing in by a provider elsewhere, played by a small one of our own that can also lie.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { silentLog } from '#base/log.ts';
import { createHandler, listen } from '#http/server.ts';
import { changeAccount } from '#oauth/accounts/account.ts';
import { createOutsideProvider } from '#oauth/accounts/outside-provider.ts';
import { testAccount, testPeople } from '#testing/people.ts';
import { accountRoutes } from './routes.ts';

const keys = await generateKeyPair('RS256');
const strangers = await generateKeyPair('RS256');

/** What the provider says next. */
let claims: JWTPayload = {};
let key = keys.privateKey;
const asked = new Map<string, URLSearchParams>();

const elsewhere = createServer(async (request, response) => {
	const url = new URL(request.url ?? '', issuer());
	const json = (body: unknown, status = 200): void => {
		response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
	};
	if (url.pathname === '/.well-known/openid-configuration')
		return json({
			issuer: issuer(),
			authorization_endpoint: `${issuer()}/authorize`,
			token_endpoint: `${issuer()}/token`,
			jwks_uri: `${issuer()}/jwks`,
			response_types_supported: ['code'],
			subject_types_supported: ['public'],
			id_token_signing_alg_values_supported: ['RS256'],
		});
	if (url.pathname === '/jwks') return json({ keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k', alg: 'RS256', use: 'sig' }] });
	if (url.pathname !== '/token') return json({}, 404);
	let body = '';
	for await (const chunk of request) body += chunk;
	const form = new URLSearchParams(body);
	const code = form.get('code') ?? '';
	const first = asked.get(code);
	asked.delete(code);
	const challenge = createHash('sha256')
		.update(form.get('code_verifier') ?? '')
		.digest('base64url');
	if (first === undefined || challenge !== first.get('code_challenge')) return json({ error: 'invalid_grant' }, 400);
	const token = new SignJWT({ nonce: first.get('nonce') ?? '', ...claims }).setProtectedHeader({ alg: 'RS256', kid: 'k' });
	if (claims.iss === undefined) token.setIssuer(issuer());
	if (claims.aud === undefined) token.setAudience('heron');
	if (claims.exp === undefined) token.setExpirationTime('5m');
	json({ access_token: 'x', token_type: 'Bearer', id_token: await token.setIssuedAt().sign(key) });
});
await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
after(() => elsewhere.close());
function issuer(): string {
	const address = elsewhere.address();
	return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}

const people = await testPeople({ after });
const outside = createOutsideProvider(people, { issuer: issuer(), clientId: 'heron', clientSecret: 's3cret', name: 'Elsewhere' });
const handler = createHandler<undefined>({
	routes: accountRoutes<undefined>({ people, outside, isAdministrator: async () => false }),
	authenticate: () => undefined,
	anonymous: () => undefined,
	dialects: [],
	cors: { origins: ['*'] },
	bodyLimitBytes: 1_000_000,
	trustedProxies: [],
	log: { ...silentLog, error: (fields, text) => console.error(text, fields) },
});
const listening = await listen(handler, { port: 0, host: '127.0.0.1' }, 100);
after(() => listening.close());
const origin = `http://127.0.0.1:${listening.port}`;

const fetchOnce = (path: string, init: RequestInit = {}) => fetch(origin + path, { redirect: 'manual', ...init });
const cookieIn = (response: Response, name: string): string | undefined =>
	response.headers
		.getSetCookie()
		.map((cookie) => cookie.split(';')[0] as string)
		.find((cookie) => cookie.startsWith(`${name}=`));

/** Goes there, is given a code and comes back; `back` may bend what comes back. */
async function roundTrip(said: JWTPayload, back: (query: URLSearchParams) => void = () => undefined, cookie?: string): Promise<Response> {
	claims = said;
	const begun = await fetchOnce('/account/outside', { method: 'POST', body: new URLSearchParams({ to: '/goal' }) });
	const there = new URL(begun.headers.get('location') ?? '');
	assert.equal(there.origin, issuer());
	assert.deepEqual(
		[there.searchParams.get('code_challenge_method'), there.searchParams.get('redirect_uri')],
		['S256', 'http://localhost/account/outside/callback'],
	);
	const code = crypto.randomUUID();
	asked.set(code, there.searchParams);
	const query = new URLSearchParams({ code, state: there.searchParams.get('state') ?? '' });
	back(query);
	return fetchOnce(`/account/outside/callback?${query}`, { headers: { cookie: cookie ?? cookieIn(begun, 'heron_outside') ?? '' } });
}

const verified = (email: string) => ({ sub: `sub of ${email}`, email, email_verified: true });
const failed = '/account/sign-in?failed=outside';

test('the sign-in page offers it, and says when it did not succeed', async () => {
	assert.match(await (await fetchOnce('/account/sign-in')).text(), /Sign in with Elsewhere/);
	assert.match(await (await fetchOnce(failed)).text(), /role="alert"[^>]*><p>The sign-in at the other provider did not succeed/);
});

test('a user whom the provider vouches for by mail address is in, and is known by their number there from then on', async () => {
	const ann = await testAccount(people, { username: 'ann', email: 'ann@example.org' });
	const first = await roundTrip(verified('ann@example.org'));
	assert.deepEqual([first.status, first.headers.get('location')], [303, '/goal']);
	const page = await fetchOnce('/account', { headers: { cookie: cookieIn(first, 'heron') ?? '' } });
	assert.match(await page.text(), /Dr ann/);
	await changeAccount(people, ann.id, { email: 'other@example.org' });
	assert.equal((await roundTrip({ sub: 'sub of ann@example.org' })).headers.get('location'), '/goal');
	await changeAccount(people, ann.id, { active: false });
	assert.equal((await roundTrip({ sub: 'sub of ann@example.org' })).headers.get('location'), failed);
});

test('who has a second factor here has to show it', async () => {
	const cid = await testAccount(people, { username: 'cid', email: 'cid@example.org' });
	await people.db.execute({
		text: 'UPDATE oauth.account SET totp_key = $2 WHERE id = $1',
		values: [cid.id, people.sealer.seal(`totp ${cid.id}`, Buffer.alloc(20))],
	});
	assert.equal((await roundTrip(verified('cid@example.org'))).headers.get('location'), '/account/second-factor?to=%2Fgoal');
});

test('nobody here, an address that was not verified, one that two have, a patient’s: not in', async () => {
	await testAccount(people, { username: 'two1', email: 'two@example.org' });
	await testAccount(people, { username: 'two2', email: 'two@example.org' });
	await testAccount(people, { username: 'pat', email: 'pat@example.org', kind: 'patient', fhirUser: 'Patient/1' });
	await testAccount(people, { username: 'unverified', email: 'unverified@example.org' });
	for (const said of [
		verified('nobody@example.org'),
		verified('two@example.org'),
		verified('pat@example.org'),
		{ ...verified('unverified@example.org'), email_verified: false },
		{ sub: 'x', email: 'unverified@example.org' },
	])
		assert.equal((await roundTrip(said)).headers.get('location'), failed, JSON.stringify(said));
});

test('what is wrong with what comes back is refused', async () => {
	await testAccount(people, { username: 'bob', email: 'bob@example.org' });
	const bob = verified('bob@example.org');
	const refused = async (answer: Promise<Response>): Promise<void> => assert.equal((await answer).headers.get('location'), failed);
	await refused(roundTrip({ ...bob, nonce: 'another' }));
	await refused(roundTrip({ ...bob, iss: 'https://evil.example' }));
	await refused(roundTrip({ ...bob, aud: 'somebody-else' }));
	await refused(roundTrip({ ...bob, exp: Math.floor(Date.now() / 1000) - 600 }));
	await refused(roundTrip(bob, (query) => query.set('state', 'another')));
	await refused(roundTrip(bob, (query) => query.set('code', 'unknown')));
	await refused(roundTrip(bob, (query) => query.set('error', 'access_denied')));
	await refused(roundTrip(bob, undefined, 'heron_outside=another-browser'));
	key = strangers.privateKey;
	await refused(roundTrip(bob));
	key = keys.privateKey;
	assert.equal((await roundTrip(bob)).headers.get('location'), '/goal');
});

test('an answer is good once, and not after ten minutes', async () => {
	await testAccount(people, { username: 'dan', email: 'dan@example.org' });
	claims = verified('dan@example.org');
	const begin = async (): Promise<() => Promise<Response>> => {
		const { url, secret } = await outside.begin('/goal');
		const parameters = new URL(url).searchParams;
		asked.set('code', parameters);
		return () =>
			fetchOnce(`/account/outside/callback?code=code&state=${parameters.get('state')}`, { headers: { cookie: `heron_outside=${secret}` } });
	};
	const answer = await begin();
	assert.equal((await answer()).headers.get('location'), '/goal');
	assert.equal((await answer()).headers.get('location'), failed);
	const late = await begin();
	people.pass(601_000);
	assert.equal((await late()).headers.get('location'), failed);
});

test('a provider that cannot be reached is an answer of its own', async () => {
	const gone = createOutsideProvider(people, { issuer: 'http://127.0.0.1:1', clientId: 'x', clientSecret: 'x', name: 'Gone' });
	await assert.rejects(gone.begin('/'), { code: 'provider-away', status: 503 });
	await assert.rejects(gone.finish('code=x', undefined), { code: 'outside-refused' });
});
