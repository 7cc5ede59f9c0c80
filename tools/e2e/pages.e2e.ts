// Every page in Chromium: axe-core finds nothing that is not accessible (WCAG 2.2 AA), nothing is wider than a telephone, nothing breaks the
// content security policy, and all of it works without scripts where it says so.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, test } from 'node:test';
import type { BrowserContext, Page } from 'playwright-core';
import { openClinic, password, shot, signIn } from './clinic.ts';

const clinic = await openClinic({ after });
const { origin, fhir } = clinic;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const looks = [
	{ width: 360, scheme: 'light' },
	{ width: 1280, scheme: 'dark' },
	{ width: 360, scheme: 'dark' },
	{ width: 1280, scheme: 'light' },
] as const;

type Violation = { readonly id: string; readonly impact: string; readonly help: string; readonly nodes: { readonly html: string }[] };

/** What is wrong with the page that is shown, in every look. */
async function check(page: Page, name: string): Promise<void> {
	for (const { width, scheme } of looks) {
		await page.setViewportSize({ width, height: 900 });
		await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
		await page.evaluate(axe);
		const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
		const { violations } = (await page.evaluate(`axe.run(document, { runOnly: ${JSON.stringify(tags)} })`)) as { violations: Violation[] };
		const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.html.slice(0, 200)).join(' | ')}`);
		assert.deepEqual(found, [], `${name} at ${width} in ${scheme}`);
		const overflow = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
		assert.equal(overflow, 0, `${name} at ${width} is too wide`);
		await shot(page, `${name}-${width}-${scheme}`);
	}
	await page.setViewportSize({ width: 1280, height: 900 });
}

/** A page whose complaints (policy, scripts) are failures. */
async function pageIn(context: BrowserContext): Promise<Page> {
	const page = await context.newPage();
	page.on('console', (message) => {
		if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) complaints.push(message.text());
	});
	page.on('pageerror', (error) => complaints.push(error.message));
	return page;
}
const complaints: string[] = [];

const submit = (page: Page, selector: string): Promise<unknown> => Promise.all([page.waitForNavigation(), page.click(selector)]);

const doctorsFirst = /: (\S+)$/.exec(
	await clinic.command('users', 'add', 'doctor', '--name', 'Dr. Who', '--role', 'physician', '--fhir-user', 'Practitioner/dr'),
)?.[1] as string;
await clinic.command('users', 'add', 'ann', '--name', 'Ann Adams', '--patient', 'pa');

test('the way in: sign-in, its failures, forgotten password, a link, a forced change', async () => {
	const context = await clinic.browse();
	const page = await pageIn(context);
	await page.goto(`${origin}/account/sign-in`);
	await check(page, 'sign-in');
	await signIn(page, 'doctor', 'wrong');
	await check(page, 'sign-in-wrong');
	await page.goto(`${origin}/account/forgot`);
	await check(page, 'forgot');
	await page.fill('#named', 'doctor');
	await submit(page, 'main button');
	await check(page, 'forgot-sent');
	const link = /http\S+/.exec(await clinic.command('users', 'reset', 'ann'))?.[0] as string;
	await page.goto(link);
	await check(page, 'new-password');
	await page.goto(`${origin}/account/new-password?key=nothing`);
	await check(page, 'new-password-ended');
	await page.goto(`${origin}/account/sign-in`);
	await signIn(page, 'doctor', doctorsFirst);
	await check(page, 'forced-password');
	await page.fill('#next', 'short');
	await page.fill('#repeat', 'short');
	await submit(page, 'main button.full');
	await check(page, 'forced-password-weak');
	await page.fill('#next', password);
	await page.fill('#repeat', password);
	await submit(page, 'main button.full');
	assert.match(page.url(), /\/account$/);
	await context.close();
});

test('the account: sections, password, authenticator app by its QR code, second step, passkey, emergency, signed out', async () => {
	const context = await clinic.browse();
	const page = await pageIn(context);
	await page.goto(`${origin}/account/sign-in`);
	await signIn(page, 'doctor');
	await check(page, 'account');
	await page.goto(`${origin}/account/change-password`);
	await check(page, 'change-password');
	await page.goto(`${origin}/account`);
	await submit(page, 'form[action="/account/authenticator"] button');
	await check(page, 'authenticator');
	const secret = ((await page.textContent('main code')) ?? '').replaceAll(' ', '');
	await page.fill('#code', totp(secret));
	await submit(page, 'main button.full');
	await check(page, 'recovery-codes');
	const [recovery = ''] = await page.locator('.codes li').allTextContents();
	const devtools = await context.newCDPSession(page);
	await devtools.send('WebAuthn.enable');
	const options = {
		protocol: 'ctap2',
		transport: 'internal',
		hasResidentKey: true,
		hasUserVerification: true,
		isUserVerified: true,
	} as const;
	await devtools.send('WebAuthn.addVirtualAuthenticator', { options: { ...options, automaticPresenceSimulation: true } });
	await page.fill('#name', 'Laptop');
	await submit(page, 'form[data-passkey=add] button');
	assert.match((await page.textContent('main')) ?? '', /Laptop/);
	await page.click('form[action="/account/emergency"] >> xpath=ancestor::details >> summary');
	await page.fill('#reason', 'Found unconscious in the hall');
	await submit(page, 'form[action="/account/emergency"] button');
	await check(page, 'account-emergency');
	await submit(page, 'form[action="/account/sign-out"] button');
	await check(page, 'signed-out');
	await page.goto(`${origin}/account/sign-in`);
	await signIn(page, 'doctor');
	await check(page, 'second-factor');
	await page.click('details summary');
	await page.fill('#recovery', recovery);
	await submit(page, 'details button');
	assert.match(page.url(), /\/account$/);
	await context.close();
});

/** The code of an authenticator app at this moment (RFC 6238). */
function totp(secret: string): string {
	const bits = [...secret].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
	const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
	const counter = Buffer.alloc(8);
	counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
	const mac = createHmac('sha1', key).update(counter).digest();
	const at = (mac[19] as number) & 15;
	return String((mac.readUInt32BE(at) & 0x7f_ff_ff_ff) % 1_000_000).padStart(6, '0');
}

test('an app: choosing a patient, consent with categories, what cannot be, signing out', async () => {
	const scope =
		'openid profile fhirUser offline_access launch/patient launch/encounter patient/Patient.rs patient/Observation.rs patient/Condition.rs user/Encounter.cruds user/*.rs api:fhir';
	const response = await fetch(`${origin}/oauth2/default/registration`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({
			application_type: 'private',
			client_name: 'Growth chart',
			client_uri: 'https://growth.example.org',
			tos_uri: 'https://growth.example.org/terms',
			policy_uri: 'https://growth.example.org/privacy',
			redirect_uris: [`${clinic.app}/index.html`],
			scope,
		}),
	});
	const { client_id: id } = (await response.json()) as { client_id: string };
	const query = { client_id: id, response_type: 'code', redirect_uri: `${clinic.app}/index.html`, scope, aud: fhir, state: 's' };
	const authorize = `${origin}/oauth2/default/authorize?${new URLSearchParams(query)}`;
	const context = await clinic.browse();
	const page = await pageIn(context);
	await page.goto(authorize);
	await check(page, 'waiting-app');
	await clinic.command('clients', 'enable', id);
	await clinic.command('users', 'reset', 'doctor', '--second-factor');
	await page.goto(authorize);
	await signIn(page, 'doctor');
	await check(page, 'pick-patient');
	await submit(page, 'button[value=pa]');
	await check(page, 'pick-encounter');
	await submit(page, 'button[value=ea]');
	await check(page, 'consent');
	await page.goto(`${authorize}&redirect_uri=x`);
	await check(page, 'error');
	await page.goto(`${origin}/oauth2/default/interaction/none`);
	await check(page, 'interaction-ended');
	await page.goto(`${origin}/oauth2/default/logout`);
	await check(page, 'logout');
	await submit(page, 'button[value=yes]');
	await check(page, 'logged-out');
	await context.close();
});

test('administrators: users, one of them, roles, one of them, applications, emergencies, sessions', async () => {
	const context = await clinic.browse();
	const page = await pageIn(context);
	await page.goto(`${origin}/account/sign-in`);
	await signIn(page, 'admin');
	await page.goto(`${origin}/account/administration`);
	await check(page, 'users');
	await page.fill('#username', 'nina');
	await page.fill('#name', 'Nina Nurse');
	await page.check('input[name=role][value=nurse]');
	await submit(page, 'section[aria-labelledby=add] button');
	await check(page, 'user-added');
	await submit(page, 'a[aria-label="Open: doctor"]');
	await page.click('details summary');
	await check(page, 'user');
	await page.goto(`${origin}/account/administration/users`);
	await submit(page, 'a[aria-label="Open: ann"]');
	await check(page, 'portal-account');
	await page.goto(`${origin}/account/administration/roles`);
	await check(page, 'roles');
	await page.goto(`${origin}/account/administration/roles/nurse`);
	await check(page, 'role');
	await page.goto(`${origin}/account/administration/applications`);
	await check(page, 'applications');
	await page.goto(`${origin}/account/administration/emergencies`);
	await check(page, 'emergencies');
	await page.goto(`${origin}/account/all-sessions`);
	await check(page, 'all-sessions');
	await page.goto(`${origin}/account/nothing-here`);
	await page.goto(`${origin}/account?lang=es`);
	await check(page, 'cuenta');
	await context.close();
});

test('no page broke its own policy or had a script that failed', () => assert.deepEqual(complaints, []));
