// Every route of the authorization server: which are public, and that the others need a token.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { oauthServer } from '#testing/oauth.ts';
import { facility, store } from '#testing/oauth-app.ts';

const server = await oauthServer({ after });
await store(server, facility('clinic'));

const table = [
	'GET /apis/:site/fhir/.well-known/smart-configuration public',
	'GET /oauth2/:site/smart/smart-style public',
	'GET /oauth2/:site/smart/brands public',
	'GET /oauth2/:site/userinfo public',
	'POST /oauth2/:site/userinfo public',
	'GET /oauth2/:site/interaction/:uid public',
	'POST /oauth2/:site/interaction/:uid/patient public',
	'POST /oauth2/:site/interaction/:uid/encounter public',
	'POST /oauth2/:site/interaction/:uid/consent public',
	'POST /app/smart/launch smart.launch',
];

test('the table of routes is complete', () => {
	assert.deepEqual(
		server.authorization.routes.map(({ method, path, may }) => `${method} ${path} ${may}`),
		table,
	);
});

for (const { method, path, may } of server.authorization.routes) {
	const address = path.replace(':site', 'default').replace(':uid', 'x'.repeat(43));
	test(`${method} ${path} without anything in hand`, async () => {
		const { status } = await fetch(`${server.origin}${address}`, {
			method,
			redirect: 'manual',
			...(method === 'POST' ? { body: new URLSearchParams() } : {}),
		});
		// userinfo finds out by itself who asks; interactions need the cookie of the browser that began them.
		const expected = may !== 'public' || path.endsWith('/userinfo') ? 401 : path.includes('/interaction/') ? 400 : 200;
		assert.equal(status, expected);
	});
}
