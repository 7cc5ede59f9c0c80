// The SMART JS client in Chromium: standalone and EHR launch, as an app's author meets them. https://docs.smarthealthit.org/client-js/
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Page } from 'playwright-core';
import { openClinic, password, signIn } from './clinic.ts';

const clinic = await openClinic({ after });
const { origin, fhir, app } = clinic;
const add = async (...words: string[]): Promise<void> => {
	const first = /: (\S+)$/.exec(await clinic.command('users', 'add', ...words))?.[1] as string;
	const context = await clinic.browse();
	const page = await context.newPage();
	await page.goto(`${origin}/account/sign-in`);
	await signIn(page, words[0] as string, first);
	await page.fill('#next', password);
	await page.fill('#repeat', password);
	await Promise.all([page.waitForNavigation(), page.click('main button.full')]);
	assert.match(page.url(), /\/account$/);
	await context.close();
};
await add('doctor', '--name', 'Dr. Who', '--role', 'physician', '--fhir-user', 'Practitioner/dr');
await add('ann', '--name', 'Ann Adams', '--patient', 'pa');

async function register(scope: string): Promise<string> {
	const body = {
		application_type: 'public',
		client_name: 'Growth chart',
		redirect_uris: [`${app}/index.html`],
		initiate_login_uri: `${app}/launch.html`,
		scope,
	};
	const response = await fetch(`${origin}/oauth2/default/registration`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify(body),
	});
	const { client_id: id } = (await response.json()) as { client_id: string };
	assert.equal(response.status, 201);
	await clinic.command('clients', 'enable', id);
	return id;
}

type Ready = { readonly patient: string | null; readonly user: string | null; readonly encounter: string | null };

/** What the app shows when it is back. */
async function back(page: Page): Promise<Ready> {
	await page.waitForURL(`${app}/index.html*`);
	await page.waitForFunction('document.title === "done"');
	const text = (await page.textContent('#out')) ?? '';
	assert.doesNotMatch(text, /^failed/);
	return JSON.parse(text) as Ready;
}

/** Runs a piece of the app's own code with its client. */
const inApp = <T>(page: Page, code: string): Promise<T> => page.evaluate(code) as Promise<T>;

const allow = async (page: Page): Promise<void> => {
	await page.waitForSelector('button[value=allow]');
	await page.click('button[value=allow]');
};

test('standalone launch: a patient signs in, lets the app in, and it reads, searches and refreshes', async () => {
	const scope = 'openid fhirUser offline_access launch/patient patient/Patient.rs patient/Observation.rs';
	const client = await register(scope);
	const context = await clinic.browse({ width: 360 });
	const page = await context.newPage();
	await page.goto(`${app}/launch.html?${new URLSearchParams({ client, scope, standalone: fhir })}`);
	await page.waitForSelector('#username');
	await signIn(page, 'ann');
	await allow(page);
	assert.deepEqual(await back(page), { patient: 'pa', user: 'Patient/pa', encounter: null });
	assert.equal(await inApp(page, 'client.patient.read().then((p) => p.name[0].family)'), 'Adams');
	assert.deepEqual(await inApp(page, 'client.request("Observation", { flat: true }).then((all) => all.map((o) => o.id))'), ['o-pa']);
	assert.match(
		String(await inApp(page, 'client.request("Patient/pb").then(() => "read", (e) => String(e.status ?? e.statusCode ?? e.message))')),
		/40[34]/,
	);
	const before = await inApp<string>(page, 'client.state.tokenResponse.access_token');
	const refreshed = await inApp<string>(page, 'client.refresh().then((s) => s.tokenResponse.access_token)');
	assert.notEqual(refreshed, before);
	assert.equal(await inApp(page, 'client.patient.read().then((p) => p.id)'), 'pa');
	await context.close();
});

test('standalone launch: a doctor chooses the patient; EHR launch: the app opens with patient and encounter', async () => {
	const scope = 'openid fhirUser launch launch/patient user/Patient.rs patient/Observation.rs';
	const client = await register(scope);
	const context = await clinic.browse();
	const page = await context.newPage();
	await page.goto(`${app}/launch.html?${new URLSearchParams({ client, scope: scope.replace(' launch ', ' '), standalone: fhir })}`);
	await page.waitForSelector('#username');
	await signIn(page, 'doctor');
	await page.fill('input[name=search]', 'brown');
	await Promise.all([page.waitForNavigation(), page.press('input[name=search]', 'Enter')]);
	await Promise.all([page.waitForNavigation(), page.click('button[name=patient][value=pb], button:has-text("Brown")')]);
	await allow(page);
	assert.deepEqual(await back(page), { patient: 'pb', user: 'Practitioner/dr', encounter: null });
	const token = await inApp<string>(page, 'client.state.tokenResponse.access_token');

	const launched = await fetch(`${origin}/app/smart/launch`, {
		method: 'POST',
		headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
		body: JSON.stringify({ client_id: client, patient: 'pa', encounter: 'ea', intent: 'main.tab' }),
	});
	assert.equal(launched.status, 201);
	const { url } = (await launched.json()) as { url: string };
	await page.goto(`${app}/setup.html`);
	await page.evaluate(
		`localStorage.client = ${JSON.stringify(client)}; localStorage.scope = ${JSON.stringify(scope)}; sessionStorage.clear()`,
	);
	await page.goto(url);
	await allow(page);
	assert.deepEqual(await back(page), { patient: 'pa', user: 'Practitioner/dr', encounter: 'ea' });
	const { intent, need_patient_banner: banner } = await inApp<Record<string, unknown>>(page, 'client.state.tokenResponse');
	assert.deepEqual([intent, banner], ['main.tab', false]);
	assert.deepEqual(await inApp(page, 'client.request("Observation", { flat: true }).then((all) => all.map((o) => o.id))'), ['o-pa']);
	await context.close();
});
