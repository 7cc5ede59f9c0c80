// Standalone launches with `launch/encounter`: a person chooses the patient and then one of the visits.
// https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html#standalone-apps
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Browser, oauthServer, type Place, signInAt } from '#testing/oauth.ts';
import {
	authorizeUrl,
	backWith,
	type Client,
	confidential,
	password,
	post,
	practice,
	redeem,
	refresh,
	store,
	tokensFor,
	walk,
} from '#testing/oauth-app.ts';

const server = await oauthServer({ after });
const { origin, accounts } = server;
await practice(server);
const restricted = { security: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }] };

function encounter(id: string, patient: string, more: object = {}): object {
	return {
		resourceType: 'Encounter',
		id,
		status: 'finished',
		class: { code: 'AMB' },
		subject: { reference: `Patient/${patient}` },
		...more,
	};
}

await store(
	server,
	{ resourceType: 'Practitioner', id: 'student', name: [{ family: 'Young' }] },
	{ resourceType: 'Organization', id: 'clinic', name: 'Elm Street Clinic' },
	{ resourceType: 'Location', id: 'room', name: 'Room 3', managingOrganization: { reference: 'Organization/clinic' } },
	{ resourceType: 'Patient', id: 'pc', name: [{ family: 'Cole', given: ['Cy'] }] },
	{ resourceType: 'Patient', id: 'pd', name: [{ family: 'Dow', given: ['Di'] }] },
	encounter('full', 'pc', {
		period: { start: '2031-05-04T09:30:00-05:00' },
		type: [{ text: 'Annual <check>' }],
		location: [{ location: { reference: 'Location/room' } }],
		participant: [{ individual: { reference: 'Practitioner/student' } }, lead('Practitioner/dr')],
	}),
	encounter('secret', 'pc', { period: { start: '2032-01-01' }, meta: restricted, class: { code: 'EMER' } }),
	encounter('void', 'pc', { status: 'entered-in-error', period: { start: '2031-06-01' } }),
	encounter('off', 'pc', { status: 'cancelled', period: { start: '2031-06-02' } }),
	...Array.from({ length: 24 }, (_, day) => {
		const period = { start: `2030-01-${String(day + 1).padStart(2, '0')}` };
		return encounter(`day-${day + 1}`, 'pc', { period, serviceProvider: { reference: 'Organization/clinic' } });
	}),
);
const user = { kind: 'user', name: 'Somebody', email: 'x@example.org', password } as const;
await accounts.create({ ...user, username: 'nurse', role: 'nurse' });
await accounts.create({ ...user, username: 'desk', role: 'front-office' });
await accounts.create({ kind: 'patient', username: 'cy', name: 'Cy Cole', role: '', patient: 'pc', password });

function lead(reference: string): object {
	return { type: [{ coding: [{ code: 'PPRF' }] }], individual: { reference } };
}

const scope = 'openid offline_access launch/patient launch/encounter patient/Patient.rs patient/Encounter.rs';
const app = await confidential(server, `${scope} user/Patient.rs`);

type Start = {
	readonly who?: string;
	readonly patient?: string;
	readonly asked?: string;
	readonly client?: Client;
};

/** A browser at the page after the patient was chosen, where one is. */
async function visits({ who = 'doctor', patient = 'pc', asked = scope, client = app }: Start = {}) {
	const browser = new Browser(origin);
	const start = await browser.get(authorizeUrl(server, client, { scope: asked }));
	const place = await signInAt(browser, start, who, password);
	if (!place.text.includes('name="patient"')) return { browser, place };
	return { browser, place: await browser.submit(place, '/patient', { patient }) };
}

/** What the rows of the page say, by the ids that they send. */
function rows({ text }: Place): Map<string, string> {
	const found = text.matchAll(/<button type="submit" name="encounter" value="([^"]+)" class="row">(.*?)<\/button>/gs);
	return new Map([...found].map(([, id = '', inner = '']) => [id, inner.replaceAll(/<[^>]*>/g, '')]));
}

function linkTo({ text, url }: Place, rel: string): string | undefined {
	const address = new RegExp(`rel="${rel}" href="([^"]*)"`).exec(text)?.[1];
	return address === undefined ? undefined : new URL(address, url).href;
}

test('patient, visit, consent: the token says both, and so do introspection and what comes of a refresh', async () => {
	const { browser, place } = await visits();
	assert.match(place.text, /<h1>Which visit\?<\/h1>/);
	const consent = await browser.submit(place, '/encounter', { encounter: 'full' });
	assert.match(consent.text, /Patient: Cy Cole/);
	assert.match(consent.text, /Visit: May 4, 2031, 9:30.AM · Annual &lt;check&gt; · Room 3 · Who/);
	const { body } = await redeem(server, app, await browser.submit(consent, '/consent', { decision: 'allow' }));
	assert.deepEqual([body.patient, body.encounter, body.need_patient_banner, body.scope], ['pc', 'full', true, scope]);
	const next = (await refresh(server, app, body.refresh_token)).body;
	assert.deepEqual([next.patient, next.encounter], ['pc', 'full']);
	const { client_id, client_secret } = app;
	const about = (await post(server, 'introspect', { client_id, client_secret, token: String(next.access_token) })).body;
	assert.deepEqual([about.active, about.patient, about.encounter], [true, 'pc', 'full']);
});

test('the visits are listed newest first, page by page, in words, without what was cancelled or never was', async () => {
	const { browser, place } = await visits();
	const seen = rows(place);
	assert.deepEqual([...seen.keys()].slice(0, 3), ['secret', 'full', 'day-24']);
	assert.equal(seen.size, 20);
	assert.equal(seen.get('secret'), 'Jan 1, 2032 emergency');
	assert.match(seen.get('full') ?? '', /^May 4, 2031, 9:30.AM Annual &lt;check&gt; Room 3 Who$/);
	assert.equal(seen.get('day-24'), 'Jan 24, 2030 visit to the practice Elm Street Clinic');
	assert.equal(linkTo(place, 'prev'), undefined);
	const older = await browser.get(linkTo(place, 'next') ?? '');
	assert.deepEqual([...rows(older).keys()], ['day-6', 'day-5', 'day-4', 'day-3', 'day-2', 'day-1']);
	assert.equal(linkTo(older, 'next'), undefined);
	assert.deepEqual(rows(await browser.get(linkTo(older, 'prev') ?? '')), seen);
	const { pathname } = new URL(older.url);
	for (const page of ['x', 'W10', '%20'])
		assert.deepEqual(rows(await browser.get(`${pathname}?page=${page}`)), seen, `garbage is the first page: ${page}`);
	const spanish = await browser.get(`${pathname}?lang=es`);
	assert.match(spanish.text, /¿Qué visita\?/);
	assert.equal(rows(spanish).get('secret'), '1 ene 2032 urgencia');
	assert.match((await browser.submit(spanish, '/encounter', { encounter: 'secret' })).text, /Visita: 1 ene 2032 · urgencia/);
});

test('nobody chooses a visit that the account may not see, or one of another patient', async () => {
	for (const [who, encounter, isThere] of [
		['doctor', 'secret', true],
		['nurse', 'secret', false],
		['nurse', 'full', true],
		['desk', 'full', false],
		['cy', 'full', true],
	] as const) {
		const { browser, place } = await visits({ who });
		assert.equal(rows(place).has(encounter), isThere, `${who} ${encounter}`);
		const next = await browser.submit(place, '/encounter', { encounter });
		assert.equal(next.status, isThere ? 200 : 400, `${who} ${encounter}`);
	}
	const { browser, place } = await visits();
	for (const encounter of ['eb', 'nothing', 'full,eb', '../full', 'full|x', ' '])
		assert.match((await browser.submit(place, '/encounter', { encounter })).text, /no such visit/, encounter);
	assert.equal((await browser.submit(place, '/encounter', { encounter: 'full', form: 'x' })).status, 400);
	const { pathname } = new URL(place.url);
	const form = /name="form" value="([^"]*)"/.exec(place.text)?.[1] ?? '';
	assert.equal((await browser.send(`${pathname}/encounter`, { form })).status, 400);
	// Another patient afterwards: the visit has to be chosen again.
	await browser.submit(place, '/encounter', { encounter: 'full' });
	const again = await browser.send(`${pathname}/patient`, { form, patient: 'pa' });
	assert.deepEqual([...rows(again).keys()], ['ea']);
});

test('without any visit, and with one declined, the app learns of none', async () => {
	const { browser, place } = await visits({ patient: 'pd' });
	assert.match(place.text, /<p role="status">There is no visit of this patient/);
	const consent = await browser.submit(place, '/encounter', { encounter: '' });
	assert.doesNotMatch(consent.text, /Visit:|value="launch\/encounter"/);
	const { body } = await redeem(server, app, await browser.submit(consent, '/consent', { decision: 'allow' }));
	assert.deepEqual([body.patient, body.encounter, body.scope], ['pd', undefined, scope.replace('launch/encounter ', '')]);
	const declined = await walk(server, authorizeUrl(server, app, { scope }), { scopes: ['openid', 'launch/patient'] });
	const tokens = (await redeem(server, app, declined)).body;
	assert.deepEqual([tokens.patient, tokens.encounter, tokens.scope], ['pa', undefined, 'openid launch/patient']);
});

test('an app that asks for the visit alone gets the patient as well; a patient’s own account need not choose it', async () => {
	for (const asked of ['launch/encounter', 'launch/encounter user/Patient.rs']) {
		const tokens = await tokensFor(server, app, asked, { patient: 'pb', encounter: 'eb' });
		assert.deepEqual([tokens.patient, tokens.encounter, tokens.scope], ['pb', 'eb', asked]);
	}
	const own = await tokensFor(server, app, 'launch/encounter', { who: 'ann' });
	assert.deepEqual([own.patient, own.encounter], ['pa', 'ea']);
});

test('a trusted application is not asked for, yet the visit is', async () => {
	const ours = await confidential(server, scope);
	await server.authorization.clients.setTrusted(ours.client_id, true);
	const tokens = await tokensFor(server, ours, scope);
	assert.deepEqual([tokens.patient, tokens.encounter], ['pa', 'ea']);
});

test('without a page the visit is the one of before, for who asks for it', async () => {
	const browser = new Browser(origin);
	const url = authorizeUrl(server, app, { scope });
	await walk(server, url, { browser });
	const less = scope.replace('launch/encounter ', '');
	for (const [asked, encounter] of [
		[scope, 'ea'],
		[less, undefined],
	] as const) {
		const silent = await browser.get(authorizeUrl(server, app, { scope: asked, prompt: 'none' }));
		assert.ok(backWith(silent).code, silent.text);
		const { body } = await redeem(server, app, silent);
		assert.deepEqual([body.patient, body.encounter], ['pa', encounter]);
	}
});

test('a launch from the chart without a visit is not asked for one', async () => {
	const hinted = `launch ${scope}`;
	const chart = await confidential(server, 'user/*.cruds');
	const launched = await confidential(server, hinted, { initiate_login_uri: 'https://client.example.org/launch' });
	const { access_token: own } = await tokensFor(server, chart, 'user/*.cruds');
	const made = await fetch(`${origin}/app/smart/launch`, {
		method: 'POST',
		headers: { authorization: `Bearer ${own}`, 'content-type': 'application/json' },
		body: JSON.stringify({ client_id: launched.client_id, patient: 'pa' }),
	});
	const { launch = '' } = (await made.json()) as Record<string, string>;
	const { browser, place } = await visits({ asked: hinted, client: launched });
	assert.ok(rows(place).has('day-24'));
	const page = await browser.get(authorizeUrl(server, launched, { scope: hinted, launch }));
	assert.match(page.text, /\/consent"/);
	const { body } = await redeem(server, launched, await browser.submit(page, '/consent', { decision: 'allow' }));
	assert.deepEqual([body.patient, body.encounter, body.scope], ['pa', undefined, hinted]);
});
