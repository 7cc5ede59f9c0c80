// The pages for administrators as a browser uses them.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { findRoles } from '#access/roles.ts';
import { findByUsername } from '#oauth/accounts/account.ts';
import { takeEmergencyAccess } from '#oauth/accounts/rights.ts';
import { Browser, oauthServer, type Place, signInAt } from '#testing/oauth.ts';
import { confidential, password, practice, redirect, register, tokensFor } from '#testing/oauth-app.ts';
import { administrationRows } from './rows.ts';

const server = await oauthServer({ after });
const { people, origin, accounts, authorization } = server;
await practice(server);
await accounts.create({ kind: 'user', username: 'boss', name: 'The Boss', role: 'administrator', password });
const root = '/account/administration';

async function signedIn(username: string, word = password): Promise<Browser> {
	const browser = new Browser(origin);
	await signInAt(browser, await browser.get('/account/sign-in'), username, word);
	return browser;
}
const boss = await signedIn('boss');
const person = async (username: string) => (await findByUsername(people, username)) ?? assert.fail(username);
const pageOf = async (username: string): Promise<Place> => boss.get(`${root}/users/${(await person(username)).id}`);

test('everybody else is kept out of every page and every form', async () => {
	const others: readonly [string, Browser][] = [
		['doctor', await signedIn('doctor')],
		['ann', await signedIn('ann')],
		['nobody', new Browser(origin)],
	];
	const { id } = await person('doctor');
	for (const [name, browser] of others)
		for (const [method, path] of administrationRows) {
			const address = `${root}${path.replace(':id', id)}`;
			const response = method === 'GET' ? await browser.get(address) : await browser.send(address, { does: 'disable' });
			if (name === 'nobody') assert.match(response.text, /name="password"/, `${name} ${method} ${path}`);
			else assert.equal(response.status, 403, `${name} ${method} ${path}`);
		}
	for (const [method, path] of administrationRows.filter(([verb]) => verb === 'POST')) {
		const { status } = await boss.send(`${root}${path.replace(':id', id)}`, { does: 'disable', token: 'x'.repeat(32) });
		assert.equal(status, 403, `a form of another session: ${method} ${path}`);
	}
	assert.equal((await person('doctor')).active, true);
});

test('users are found, added, changed, shut and opened', async () => {
	const page = await boss.get(`${root}/users?search=DOC`);
	assert.match(page.text, /<strong>doctor<\/strong>/);
	assert.doesNotMatch(page.text, /<strong>ann<\/strong>/);
	assert.doesNotMatch((await boss.get(`${root}/users?search=%25`)).text, /<strong>ann/);
	const fields = { username: 'nina', name: '<b>Nina</b> Nurse', kind: 'user', role: 'nurse', email: '', fhirUser: '' };
	const done = await boss.send(`${root}/users`, { ...fields, token: tokenIn(page) });
	const word = /<code>nina: (\S+)<\/code>/.exec(done.text)?.[1] as string;
	assert.match((await signInAt(new Browser(origin), await new Browser(origin).get('/account/sign-in'), 'nina', word)).text, /name="next"/);
	assert.match((await boss.send(`${root}/users`, { ...fields, token: tokenIn(page) })).text, /role="alert"[^>]*><p>There is an account/);
	const nina = await pageOf('nina');
	assert.match(nina.text, /&lt;b&gt;Nina&lt;\/b&gt;/);
	assert.doesNotMatch(nina.text, /<b>Nina/);
	const changed = await boss.submit(nina, `/users/${(await person('nina')).id}`, {
		role: ['nurse', 'lab'],
		'd-npi': '1234567893',
		'd-provider': 'yes',
		'd-facilities': 'Organization/1 Location/2',
	});
	assert.match(changed.text, /Saved/);
	const after = await person('nina');
	assert.deepEqual(
		[after.roles, after.details],
		[['nurse', 'lab'], { npi: '1234567893', provider: true, facilities: ['Organization/1', 'Location/2'] }],
	);
	const wrong = await boss.submit(await pageOf('nina'), `/users/${after.id}`, { 'd-npi': '1234567890' });
	assert.deepEqual([wrong.status, /npi cannot be/.test(wrong.text)], [422, true]);
	const door = async (does: string) => boss.send(`${root}/users/${after.id}/door`, { does, token: tokenIn(nina) });
	assert.match((await door('reset')).text, /<code>http:\/\/127\.0\.0\.1:\d+\/account\/new-password\?key=/);
	await door('disable');
	assert.equal((await person('nina')).active, false);
	assert.equal((await door('reset')).status, 422);
	await door('enable');
	assert.equal((await person('nina')).active, true);
	assert.equal((await boss.send(`${root}/users/nobody/door`, { does: 'reset', token: tokenIn(nina) })).status, 404);
});

const tokenIn = ({ text }: Place): string => /name="token" value="([^"]+)"/.exec(text)?.[1] ?? '';

test('an administrator does not shut the own door', async () => {
	const own = await pageOf('boss');
	const { id } = await person('boss');
	assert.equal((await boss.send(`${root}/users/${id}/door`, { does: 'disable', token: tokenIn(own) })).status, 422);
	assert.equal((await boss.submit(own, `/users/${id}`, { role: 'nurse' })).status, 422);
	assert.deepEqual((await person('boss')).roles, ['administrator']);
});

test('proxies, sessions and applications of somebody are seen and ended', async () => {
	const app = await confidential(server, 'openid launch/patient patient/Patient.rs');
	const anns = new Browser(origin);
	await tokensFor(server, app, 'openid launch/patient patient/Patient.rs', { who: 'ann', browser: anns });
	const { id } = await person('ann');
	let page = await pageOf('ann');
	assert.match(page.text, /My Healthcare App/);
	page = await boss.send(`${root}/users/${id}/proxy`, { patient: 'pb', relatedPerson: 'rp', until: '2099-01-31', token: tokenIn(page) });
	assert.match(page.text, /Patient\/pb[\s\S]*until 2099-01-31/);
	assert.equal(
		(await boss.send(`${root}/users/${id}/proxy`, { patient: 'pb', relatedPerson: 'rp', until: 'soon', token: tokenIn(page) })).status,
		422,
	);
	page = await boss.send(`${root}/users/${id}/proxy`, { end: 'pb', token: tokenIn(page) });
	assert.deepEqual((await person('ann')).proxies, []);
	const [grant] = await authorization.appGrants.list(id);
	await boss.send(`${root}/users/${id}/apps`, { end: grant?.id ?? '', token: tokenIn(page) });
	assert.deepEqual(await authorization.appGrants.list(id), []);
	await boss.send(`${root}/users/${id}/sessions`, { end: 'all', token: tokenIn(page) });
	assert.match((await anns.get('/account')).text, /name="password"/);
});

test('roles are changed, added and brought back', async () => {
	const page = await boss.get(`${root}/roles/nurse`);
	await boss.submit(page, '/roles/nurse', { 'r-patients.rx': 'write', 'r-patients.demo': 'none' });
	const [nurse] = await findRoles(people.db, ['nurse']);
	assert.deepEqual(
		[nurse?.rights['patients.rx'], nurse?.rights['patients.demo'], nurse?.rights['encounters.notes']],
		['write', undefined, 'write'],
	);
	await boss.submit(await boss.get(`${root}/roles/nurse`), '/roles/nurse/reset');
	assert.equal((await findRoles(people.db, ['nurse']))[0]?.rights['patients.rx'], 'add');
	const made = await boss.submit(await boss.get(`${root}/roles`), `${root}/roles`, { name: 'student', title: 'Students' });
	assert.match(made.url, /\/roles\/student$/);
	assert.equal((await boss.submit(await boss.get(`${root}/roles`), `${root}/roles`, { name: 'student', title: 'Again' })).status, 422);
	const admin = await boss.submit(await boss.get(`${root}/roles/administrator`), '/roles/administrator', { 'r-admin.super': 'view' });
	assert.equal(admin.status, 422);
	assert.equal((await boss.get(`${root}/roles/none`)).status, 404);
});

test('applications that wait are let in, and shut out again', async () => {
	const app = await register(server, {
		application_type: 'private',
		client_name: 'Waiting <app>',
		redirect_uris: [redirect],
		scope: 'openid user/Patient.read',
	});
	const page = await boss.get(`${root}/applications?waiting=1`);
	assert.match(page.text, /Waiting &lt;app&gt;/);
	const does = async (word: string) => boss.send(`${root}/applications/${app.client_id}`, { does: word, token: tokenIn(page) });
	await does('enable');
	assert.equal((await authorization.clients.find(app.client_id))?.enabled, true);
	await does('trust');
	assert.equal((await authorization.clients.find(app.client_id))?.trusted, true);
	await does('disable');
	assert.equal((await authorization.clients.find(app.client_id))?.enabled, false);
	assert.equal((await does('constructor')).status, 422);
	await does('remove');
	assert.equal(await authorization.clients.find(app.client_id), undefined);
	assert.equal((await does('remove')).status, 422);
});

test('emergency access is seen with its reason, and ended', async () => {
	const doctor = await person('doctor');
	await takeEmergencyAccess(people, doctor, { reason: 'unconscious & alone', minutes: 60 });
	const page = await boss.get(`${root}/emergencies`);
	assert.match(page.text, /unconscious &amp; alone/);
	const ended = await boss.send(`${root}/emergencies`, { account: doctor.id, token: tokenIn(page) });
	assert.doesNotMatch(ended.text, /name="account"/);
});

test('what changes something needs a sign-in that is not long ago', async () => {
	const page = await pageOf('doctor');
	server.advance(16 * 60_000);
	const { id } = await person('doctor');
	const answer = await boss.send(`${root}/users/${id}/door`, { does: 'disable', token: tokenIn(page) });
	assert.match(answer.url, /\/account\/sign-in\?again=1/);
	assert.equal((await person('doctor')).active, true);
});
