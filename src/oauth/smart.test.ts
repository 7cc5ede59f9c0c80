// SMART App Launch 2.2: launch context, granular scopes in every query, declining and narrowing, EHR launch, withdrawal.
// https://hl7.org/fhir/smart-app-launch/
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Browser, oauthServer } from '#testing/oauth.ts';
import {
	authorizeUrl,
	backWith,
	confidential,
	observation,
	post,
	practice,
	redeem,
	redirect,
	refresh,
	store,
	tokensFor,
	walk,
} from '#testing/oauth-app.ts';

const server = await oauthServer({ after });
const { fhirBase, issuer, origin } = server;
await practice(server);
const core = 'http://terminology.hl7.org/CodeSystem/observation-category';

async function ids(token: unknown, path: string): Promise<string[]> {
	const response = await server.fhir(String(token), path);
	const body = (await response.json()) as { entry?: { resource?: { resourceType: string; id: string } }[] };
	assert.equal(response.status, 200, JSON.stringify(body));
	return (body.entry ?? []).map(({ resource }) => `${resource?.resourceType}/${resource?.id}`).toSorted();
}

const status = async (token: unknown, path: string, init?: RequestInit): Promise<number> =>
	(await server.fhir(String(token), path, init)).status;

test('a doctor chooses the patient; the app gets that one and no other, in every way of asking', async () => {
	const scope = 'launch/patient patient/Observation.rs patient/Patient.rs';
	const app = await confidential(server, scope);
	const tokens = await tokensFor(server, app, scope, { patient: 'pb' });
	assert.deepEqual(
		[tokens.patient, tokens.need_patient_banner, tokens.smart_style_url, tokens.tenant],
		['pb', true, `${issuer}/smart/smart-style`, 'default'],
	);
	const { access_token: token } = tokens;
	assert.deepEqual(await ids(token, 'Observation'), ['Observation/lab-b', 'Observation/vital-b']);
	assert.equal(await status(token, 'Observation/vital-a'), 404);
	assert.equal(await status(token, 'Condition'), 403);
	assert.equal(((await (await fetch(`${issuer}/smart/smart-style`)).json()) as Record<string, string>).dim_font_size, '16px');
});

test('the picker finds patients by name, birth date and not more than the doctor may see', async () => {
	const app = await confidential(server, 'launch/patient patient/Patient.rs');
	const browser = new Browser(origin);
	let place = await browser.get(authorizeUrl(server, app, { scope: 'launch/patient patient/Patient.rs' }));
	place = await browser.submit(place, '/account/sign-in', { username: 'doctor', password: 'Correct-Horse-9-Battery' });
	assert.match(place.text, /Ann Adams/);
	assert.match(place.text, /Bob Brown/);
	const found = await browser.submit(place, '/interaction/', { search: 'brow 1980-02-01' });
	assert.doesNotMatch(found.text, /Ann Adams/);
	assert.match(found.text, /Bob Brown/);
	assert.match((await browser.submit(place, '/interaction/', { search: '<script>' })).text, /Nobody was found/);
	const refused = await browser.submit(place, '/patient', { patient: 'nobody' });
	assert.equal(refused.status, 400);
});

test('a patient needs no picker, and sees the own record only whatever is asked for', async () => {
	const scope = 'openid fhirUser launch/patient patient/*.rs user/*.rs offline_access';
	const app = await confidential(server, scope);
	const tokens = await tokensFor(server, app, scope, { who: 'ann' });
	assert.equal(tokens.patient, 'pa');
	assert.deepEqual(await ids(tokens.access_token, 'Observation'), ['Observation/lab-a', 'Observation/vital-a']);
	assert.deepEqual(await ids(tokens.access_token, 'Patient'), ['Patient/pa']);
	const { fhirUser } = JSON.parse(Buffer.from(String(tokens.id_token).split('.')[1] ?? '', 'base64url').toString()) as Record<
		string,
		string
	>;
	assert.equal(fhirUser, `${fhirBase}/Patient/pa`);
});

test('a granular scope limits reads, searches, includes, chains, history, totals and batches alike', async () => {
	const scope = `launch/patient patient/Patient.rs patient/Observation.rs?category=${core}|laboratory`;
	const app = await confidential(server, scope);
	const { access_token: token } = await tokensFor(server, app, scope);
	assert.equal(await status(token, 'Observation/lab-a'), 200);
	for (const path of ['Observation/vital-a', 'Observation/vital-a/_history/1', 'Observation/lab-b'])
		assert.equal(await status(token, path), 404, path);
	assert.deepEqual(await ids(token, 'Observation'), ['Observation/lab-a']);
	assert.deepEqual(await ids(token, 'Observation?category=vital-signs'), []);
	assert.deepEqual(await ids(token, 'Patient?_id=pa&_revinclude=Observation:subject'), ['Observation/lab-a', 'Patient/pa']);
	assert.deepEqual(await ids(token, 'Patient?_has:Observation:subject:category=vital-signs'), []);
	assert.deepEqual(await ids(token, 'Patient?_has:Observation:subject:category=laboratory'), ['Patient/pa']);
	assert.deepEqual(await ids(token, 'Observation/_history'), ['Observation/lab-a']);
	assert.deepEqual(await ids(token, 'Patient/pa/Observation'), ['Observation/lab-a']);
	const total = (await (await server.fhir(String(token), 'Observation?_summary=count')).json()) as { total: number };
	assert.equal(total.total, 1);
	const entry = ['Observation/vital-a', 'Observation/lab-a'].map((url) => ({ request: { method: 'GET', url } }));
	const batch = (await (
		await server.fhir(String(token), '', { method: 'POST', body: JSON.stringify({ resourceType: 'Bundle', type: 'batch', entry }) })
	).json()) as { entry: { response: { status: string } }[] };
	assert.deepEqual(
		batch.entry.map(({ response }) => response.status.slice(0, 3)),
		['404', '200'],
	);
});

test('v1 and v2 scopes: reading is not writing, writing is not reading', async () => {
	const app = await confidential(server, 'user/Observation.read user/Observation.write user/Patient.cruds user/Observation.c');
	const body = JSON.stringify({ ...observation('x', 'pa', 'survey'), id: undefined });
	const read = (await tokensFor(server, app, 'user/Observation.read')).access_token;
	assert.deepEqual([await status(read, 'Observation/lab-b'), await status(read, 'Observation', { method: 'POST', body })], [200, 403]);
	const write = (await tokensFor(server, app, 'user/Observation.c')).access_token;
	assert.deepEqual([await status(write, 'Observation/lab-b'), await status(write, 'Observation', { method: 'POST', body })], [403, 201]);
});

test('wildcards: patient/*.rs reads every type of that patient', async () => {
	const app = await confidential(server, 'launch/patient patient/*.rs');
	const { access_token: token } = await tokensFor(server, app, 'launch/patient patient/*.rs');
	assert.deepEqual(await ids(token, 'Encounter'), ['Encounter/ea']);
	assert.equal(await status(token, 'Encounter/eb'), 404);
	assert.equal(await status(token, 'Practitioner/dr'), 200);
});

test('a scope that was not registered is left out without a word; one that does not exist is refused', async () => {
	const app = await confidential(server, 'openid user/Patient.rs');
	const tokens = await tokensFor(server, app, 'openid user/Patient.r user/Observation.rs profile');
	assert.equal(tokens.scope, 'openid user/Patient.r');
	for (const scope of [
		'openid nonsense',
		'user/Patient.sr',
		'user/Nothing.rs',
		'user/Observation.rs?nothing=1',
		'patient/*.rs?category=x',
	]) {
		const place = await walk(server, authorizeUrl(server, app, { scope }));
		assert.deepEqual([backWith(place).error, backWith(place).state], ['invalid_scope', 'xyz'], scope);
	}
	const none = await walk(server, authorizeUrl(server, app, { scope: 'user/Observation.rs' }));
	assert.equal(backWith(none).error, 'invalid_scope');
});

test('single scopes can be declined, and whole types narrowed to categories; the token says what is left', async () => {
	const scope = 'openid offline_access launch/patient patient/Patient.rs patient/Observation.rs patient/Condition.rs';
	const app = await confidential(server, scope);
	const narrow = `patient/Observation.rs?category=${core}|laboratory`;
	const place = await walk(server, authorizeUrl(server, app, { scope }), {
		scopes: ['offline_access', 'launch/patient', narrow, 'user/*.cruds'],
	});
	const { body } = await redeem(server, app, place);
	assert.equal(body.scope, `offline_access launch/patient ${narrow}`);
	assert.equal(body.id_token, undefined);
	assert.deepEqual(await ids(body.access_token, 'Observation'), ['Observation/lab-a']);
	assert.equal(await status(body.access_token, 'Patient/pa'), 403);
	const next = await refresh(server, app, body.refresh_token);
	assert.equal(next.body.scope, body.scope);
	assert.deepEqual(await ids(next.body.access_token, 'Observation'), ['Observation/lab-a']);
	const denied = await walk(server, authorizeUrl(server, app, { scope }), { decision: 'deny' });
	assert.equal(backWith(denied).error, 'access_denied');
	const nothing = await walk(server, authorizeUrl(server, app, { scope }), { scopes: [] });
	assert.equal(backWith(nothing).error, 'access_denied');
});

test('one’s own resource needs openid and fhirUser only', async () => {
	const app = await confidential(server, 'openid fhirUser');
	const { access_token: token } = await tokensFor(server, app, 'openid fhirUser');
	assert.equal(await status(token, 'Practitioner/dr'), 200);
	await store(server, { resourceType: 'Practitioner', id: 'another', name: [{ family: 'Else' }] });
	assert.equal(await status(token, 'Practitioner/another'), 404);
	assert.equal(await status(token, 'Practitioner'), 403);
	assert.equal(await status(token, 'Patient/pa'), 403);
});

test('EHR launch: patient, encounter, intent and more arrive with the token; it is for one app and one person', async () => {
	const scope = 'openid fhirUser launch patient/Observation.rs user/Patient.rs';
	const app = await confidential(server, scope, { initiate_login_uri: 'https://client.example.org/launch' });
	const chart = await confidential(server, 'user/*.cruds');
	const { access_token: own } = await tokensFor(server, chart, 'user/*.cruds');
	const launch = (body: object, token: unknown = own) =>
		fetch(`${origin}/app/smart/launch`, {
			method: 'POST',
			headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
			body: JSON.stringify({ client_id: app.client_id, ...body }),
		});
	const fhirContext = [{ reference: 'Appointment/1' }];
	const made = await launch({ patient: 'pb', encounter: 'eb', intent: 'main.tab', fhirContext });
	assert.equal(made.status, 201, await made.clone().text());
	const { launch: text, url, iss } = (await made.json()) as Record<string, string>;
	assert.equal(iss, fhirBase);
	assert.equal(url, `https://client.example.org/launch?${new URLSearchParams({ iss: fhirBase, launch: text ?? '' })}`);
	const parameters = { launch: text ?? '' };
	const tokens = await tokensFor(server, app, scope, { parameters });
	assert.deepEqual(
		[tokens.patient, tokens.encounter, tokens.intent, tokens.need_patient_banner, tokens.fhirContext],
		['pb', 'eb', 'main.tab', false, fhirContext],
	);
	assert.deepEqual(await ids(tokens.access_token, 'Observation'), ['Observation/lab-b', 'Observation/vital-b']);
	const { body } = await post(server, 'introspect', {
		client_id: app.client_id,
		client_secret: app.client_secret,
		token: String(tokens.access_token),
	});
	assert.deepEqual([body.patient, body.encounter, body.intent], ['pb', 'eb', 'main.tab']);

	const other = await confidential(server, scope);
	assert.equal(backWith(await walk(server, authorizeUrl(server, other, { scope, ...parameters }))).error, 'invalid_request');
	assert.match((await walk(server, authorizeUrl(server, app, { scope, ...parameters }), { who: 'ann' })).text, /launched by somebody else/);
	const query = new URLSearchParams({ response_type: 'code', client_id: app.client_id, redirect_uri: redirect, scope, ...parameters });
	assert.equal(backWith(await walk(server, `${issuer}/authorize?${query}`)).error, 'invalid_request');
	assert.equal(backWith(await walk(server, authorizeUrl(server, app, { scope, launch: 'made-up' }))).error, 'invalid_request');
	server.advance(6 * 60_000);
	assert.equal(backWith(await walk(server, authorizeUrl(server, app, { scope, ...parameters }))).error, 'invalid_request');

	for (const [body, expected] of [
		[{ patient: 'nobody' }, 404],
		[{ patient: 'pa', encounter: 'eb' }, 404],
		[{ patient: '../x' }, 400],
		[{ client_id: '\0' }, 400],
		[{ client_id: 'x'.repeat(5000) }, 400],
		[{ intent: 'a\0b' }, 400],
		[{ intent: 'half \ud800' }, 400],
		[{ fhirContext: [{ reference: '\0' }] }, 400],
		[{ fhirContext: [null] }, 400],
		[{ intent: 5 }, 400],
		[{ client_id: 'nothing' }, 404],
		[{ client_id: other.client_id }, 400],
	] as const)
		assert.equal((await launch(body)).status, expected, JSON.stringify(body));
	assert.equal((await launch({ patient: 'pa' }, 'x'.repeat(43))).status, 401);
});

test('who withdraws an app’s access ends its tokens at once', async () => {
	const scope = 'openid offline_access user/Patient.rs';
	const app = await confidential(server, scope, { client_name: 'To be withdrawn' });
	const tokens = await tokensFor(server, app, scope);
	assert.equal(await status(tokens.access_token, 'Patient/pa'), 200);
	const signedIn = await server.accounts.signIn('doctor', 'Correct-Horse-9-Battery', { address: '' });
	assert.ok(signedIn.ok);
	const { appGrants } = server.authorization;
	const found = (await appGrants.list(signedIn.account.id)).find(({ client }) => client === 'To be withdrawn');
	assert.deepEqual(found?.scopes, scope.split(' '));
	assert.equal(await appGrants.end('somebody-else', found?.id ?? ''), false);
	assert.equal(await appGrants.end(signedIn.account.id, found?.id ?? ''), true);
	server.advance(1100);
	assert.equal(await status(tokens.access_token, 'Patient/pa'), 401);
	assert.equal((await refresh(server, app, tokens.refresh_token)).body.error, 'invalid_grant');
	assert.ok(!(await appGrants.list(signedIn.account.id)).some(({ client }) => client === 'To be withdrawn'));
});

test('a trusted application of our own is not asked for', async () => {
	const app = await confidential(server, 'openid user/Patient.rs');
	await server.authorization.clients.setTrusted(app.client_id, true);
	const browser = new Browser(origin);
	const place = await walk(server, authorizeUrl(server, app, { scope: 'openid user/Patient.rs' }), { browser });
	assert.ok(backWith(place).code);
	// Signed in already: not a single page.
	assert.ok(backWith(await browser.get(authorizeUrl(server, app, { scope: 'openid' }))).code);
	assert.match((await browser.get(authorizeUrl(server, app, { scope: 'openid', prompt: 'login' }))).text, /name="password"/);
	const silent = await new Browser(origin).get(authorizeUrl(server, app, { scope: 'openid', prompt: 'none' }));
	assert.equal(backWith(silent).error, 'login_required');
});
