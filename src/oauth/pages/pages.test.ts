// The pages by the front: a browser with a cookie and no script goes through every way in and out; and what must not work.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { silentLog } from '#base/log.ts';
import { signInWords } from '#contract/words/words.ts';
import { sql } from '#db/sql.ts';
import { createHandler, listen } from '#http/server.ts';
import { findByUsername } from '#oauth/accounts/account.ts';
import { unlock } from '#oauth/accounts/attempts.ts';
import { makeResetLink, setRandomPassword } from '#oauth/accounts/credentials.ts';
import { rightsOf } from '#oauth/accounts/rights.ts';
import { codeAt } from '#oauth/accounts/totp.ts';
import type { AppGrant } from '#oauth/sessions/app-grants.ts';
import { goodPassword, testAccount, testPeople } from '#testing/people.ts';
import { accountRoutes } from './routes.ts';
import { localPath, setSession } from './visit.ts';

const people = await testPeople({ after }, { tries: { user: 10, address: 100_000, windowMs: 900_000 } });
const granted: AppGrant[] = [{ id: 'g1', client: 'Growth <chart>', scopes: ['launch/patient'], since: new Date(0) }];
const handler = createHandler<undefined>({
	routes: accountRoutes<undefined>({
		people,
		isAdministrator: async ({ account }) => account.roles.includes('administrator'),
		apps: {
			list: async () => granted,
			end: async (_account, id) => granted.splice(granted.findIndex((one) => one.id === id) >>> 0, 1).length > 0,
			endAll: async () => granted.splice(0).length,
		},
	}),
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

type Answer = { readonly status: number; readonly text: string; readonly headers: Headers; readonly location: string | null };

/** A browser: keeps cookies, sends the hidden fields of the form it is at, follows nothing by itself. */
function createBrowser(language = 'en') {
	const cookies = new Map<string, string>();
	let last = '';
	const send = async (method: string, path: string, body?: URLSearchParams, headers: Record<string, string> = {}): Promise<Answer> => {
		const response = await fetch(origin + path, {
			method,
			redirect: 'manual',
			headers: { 'accept-language': language, cookie: [...cookies].map((pair) => pair.join('=')).join('; '), ...headers },
			...(body === undefined ? {} : { body }),
		});
		for (const cookie of response.headers.getSetCookie()) {
			const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
			if (value === '') cookies.delete(name);
			else cookies.set(name, value);
		}
		last = await response.text();
		return { status: response.status, text: last, headers: response.headers, location: response.headers.get('location') };
	};
	const hiddenOf = (action: string): [string, string][] => {
		const form = last.split('<form').find((part) => part.includes(`action="${action}"`)) ?? '';
		return [...(form.split('</form>')[0] ?? '').matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)].map(
			([, name = '', value = '']) => [name, value.replaceAll('&#39;', "'").replaceAll('&quot;', '"').replaceAll('&amp;', '&')],
		);
	};
	return {
		cookies,
		get: (path: string, headers?: Record<string, string>) => send('GET', path, undefined, headers),
		post: (path: string, fields: Record<string, string>, headers?: Record<string, string>) =>
			send('POST', path, new URLSearchParams(fields), headers),
		/** Fills in the form of the present page. */
		submit: (action: string, fields: Record<string, string> = {}) =>
			send('POST', action, new URLSearchParams([...hiddenOf(action).filter(([name]) => !(name in fields)), ...Object.entries(fields)])),
	};
}

async function signedInBrowser(username: string, password = goodPassword): Promise<ReturnType<typeof createBrowser>> {
	const browser = createBrowser();
	await browser.get('/account/sign-in');
	const answer = await browser.submit('/account/sign-in', { username, password });
	assert.equal(answer.status, 303, answer.text);
	return browser;
}

test('every page has the headers that keep others out, a language, a title, labels, and no script but our own', async () => {
	await testAccount(people, { username: 'looker' });
	const browser = await signedInBrowser('looker');
	const stranger = createBrowser();
	const pages = [
		await stranger.get('/account/sign-in'),
		await stranger.get('/account/forgot'),
		await stranger.get('/account/new-password?key=x'),
		await stranger.get('/account/signed-out'),
		await browser.get('/account'),
		await browser.get('/account/change-password'),
	];
	for (const { text, headers } of pages) {
		const policy = headers.get('content-security-policy') ?? '';
		assert.match(policy, /default-src 'none'.*frame-ancestors 'none'/);
		assert.doesNotMatch(policy, /unsafe|\*/);
		assert.deepEqual(
			[headers.get('referrer-policy'), headers.get('cache-control'), headers.get('x-frame-options')],
			['same-origin', 'no-store', 'DENY'],
		);
		assert.match(text, /^<!doctype html>\n<html lang="en">/);
		assert.match(text, /<title>[^<]+ · Heron<\/title>/);
		assert.doesNotMatch(text, /<script(?! src="\/account\/passkey\.js)|\sstyle=|\son\w+=|undefined|\[object/);
		for (const [, id] of text.matchAll(/<input id="([^"]+)"/g)) assert.ok(text.includes(`<label for="${id}"`), id);
		assert.equal(text.split('<h1').length, 2);
		const ids = [...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
		assert.equal(new Set(ids).size, ids.length);
	}
	for (const [, path] of (pages[4]?.text ?? '').matchAll(/(?:href|src)="(\/account\/(?:style\.css|passkey\.js)[^"]*)"/g)) {
		const file = await stranger.get(path as string);
		assert.equal(file.status, 200);
		assert.match(file.headers.get('cache-control') ?? '', /immutable/);
	}
});

test('in and out again: a cookie that scripts cannot read, a session that is gone afterwards', async () => {
	await testAccount(people, { username: 'plain' });
	const browser = createBrowser();
	const away = await browser.get('/account');
	assert.deepEqual([away.status, away.location], [303, '/account/sign-in?to=%2Faccount']);
	await browser.get('/account/sign-in?to=/oauth2/default/interaction/abc');
	const wrong = await browser.submit('/account/sign-in', { username: 'plain', password: 'Wrong-password-1' });
	assert.equal(wrong.status, 401);
	assert.match(wrong.text, /role="alert"[^>]*><p>User name or password is wrong/);
	assert.doesNotMatch(wrong.text, /Wrong-password-1/);
	const right = await browser.submit('/account/sign-in', { username: 'plain', password: goodPassword });
	assert.deepEqual([right.status, right.location], [303, '/oauth2/default/interaction/abc']);
	assert.match(right.headers.get('set-cookie') ?? '', /^heron=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/);
	const stolen = new Map(browser.cookies);
	assert.match((await browser.get('/account')).text, /Dr plain \(plain\)/);
	assert.equal((await browser.get('/account/sign-in?to=/there')).location, '/there');
	assert.equal((await browser.get('/account/sign-in?again=1')).status, 200);
	await browser.get('/account');
	assert.equal((await browser.submit('/account/sign-out')).location, '/account/signed-out');
	assert.equal(browser.cookies.size, 0);
	for (const [name, value] of stolen) browser.cookies.set(name, value);
	assert.equal((await browser.get('/account')).status, 303);
});

test('with https the cookie is bound to this host and to https', async () => {
	const settings = { ...people.settings, publicUrl: 'https://ehr.example.org' };
	assert.equal(setSession({ settings }, 'x')['set-cookie'], '__Host-heron=x; Path=/; HttpOnly; SameSite=Lax; Secure');
});

test('an unknown name is answered as a wrong password, byte for byte', async () => {
	await testAccount(people, { username: 'known1' });
	const answers = [];
	for (const username of ['known1', 'known2']) {
		const { text, status } = await createBrowser().post('/account/sign-in', { username, password: 'Wrong-password-1' });
		answers.push(`${status} ${text.replaceAll(username, 'NAME')}`);
	}
	assert.equal(answers[0], answers[1]);
});

for (const [given, expected] of [
	['/oauth2/default/interaction/x?y=1', '/oauth2/default/interaction/x?y=1'],
	['//evil.example', '/account'],
	['/\\evil.example', '/account'],
	['https://evil.example', '/account'],
	['javascript:alert(1)', '/account'],
	['/\t/evil.example', '/account'],
	['/%2f/evil', '/%2f/evil'],
	['/a\r\nSet-Cookie: x=y', '/account'],
	['', '/account'],
	[undefined, '/account'],
] as const) {
	test(`afterwards to ${JSON.stringify(given)}: ${expected}`, () => assert.equal(localPath(given), expected));
}

test('nothing that was typed becomes markup', async () => {
	const evil = '"><script>alert(1)</script>';
	const browser = createBrowser();
	for (const { text } of [
		await browser.post('/account/sign-in', { username: evil, password: evil, to: evil }),
		await browser.get(`/account/sign-in?to=${encodeURIComponent(evil)}&login_hint=${encodeURIComponent(evil)}`),
		await browser.post('/account/forgot', { named: evil }),
		await browser.get(`/account/new-password?key=${encodeURIComponent(evil)}`),
	])
		assert.doesNotMatch(text, /<script>alert/);
	await testAccount(people, { username: 'app-owner' });
	assert.match((await (await signedInBrowser('app-owner')).get('/account')).text, /Growth &lt;chart&gt;/);
});

for (const headers of [
	{ 'sec-fetch-site': 'cross-site' },
	{ 'sec-fetch-site': 'same-site' },
	{ origin: 'https://evil.example' },
	{ origin: 'null' },
]) {
	test(`a form from elsewhere is refused: ${JSON.stringify(headers)}`, async () => {
		const answer = await createBrowser().post(
			'/account/sign-in',
			{ username: 'plain', password: goodPassword },
			headers as Record<string, string>,
		);
		assert.equal(answer.status, 403);
		assert.equal(answer.headers.get('set-cookie'), null);
	});
}

test('a form without the session’s own token is refused, and so is one of another session', async () => {
	await testAccount(people, { username: 'csrf1' });
	await testAccount(people, { username: 'csrf2' });
	const one = await signedInBrowser('csrf1');
	const other = await signedInBrowser('csrf2');
	const token = /name="token" value="([^"]+)"/.exec((await other.get('/account')).text)?.[1] as string;
	for (const path of [
		'/account/sign-out',
		'/account/authenticator',
		'/account/sessions/end',
		'/account/recovery-codes',
		'/account/change-password',
	]) {
		assert.equal((await one.post(path, {})).status, 403);
		assert.equal((await one.post(path, { token })).status, 403);
	}
	const json = await fetch(`${origin}/account/sign-in`, { method: 'POST', body: '{}', headers: { 'content-type': 'application/json' } });
	assert.equal(json.status, 415);
});

test('whatever a form says, no answer is a failure of ours', async () => {
	const fuzz = await testAccount(people, { username: 'fuzz', roles: ['administrator'] });
	const values = ['', '\0', 'x'.repeat(20_000), '%', '[]', '{"id":{}}', '{"id":"x","response":{}}', "' OR 1=1", '\ud800', '../../..'];
	const names = [
		'to',
		'username',
		'password',
		'code',
		'recovery',
		'is',
		'response',
		'id',
		'account',
		'name',
		'named',
		'key',
		'next',
		'repeat',
		'present',
		'reason',
		'purpose',
	];
	const posts = accountRoutes<undefined>({ people, isAdministrator: async () => true }).filter(({ method }) => method === 'POST');
	let browser = await signedInBrowser('fuzz');
	for (const { path } of posts) {
		for (const value of values) {
			let page = await browser.get('/account');
			if (page.status !== 200) {
				await unlock(people, fuzz);
				browser = await signedInBrowser('fuzz');
				page = await browser.get('/account');
			}
			const fields = Object.fromEntries(names.map((name) => [name, value]));
			const { status, text } = await browser.post(path, { ...fields, token: tokenIn(page.text) });
			assert.ok(status < 500, `${path} ${value.slice(0, 20)}: ${status} ${text}`);
		}
	}
});

test('ten wrong tries: the page says to wait, also to the right password', async () => {
	await testAccount(people, { username: 'locked' });
	const browser = createBrowser();
	for (let i = 0; i < 10; i++)
		assert.equal((await browser.post('/account/sign-in', { username: 'locked', password: `Wrong-${i}` })).status, 401);
	const shut = await browser.post('/account/sign-in', { username: 'locked', password: goodPassword });
	assert.equal(shut.status, 429);
	assert.match(shut.text, /too many tries/);
});

test('a password that was given is changed before anything else is shown', async () => {
	const account = await testAccount(people, { username: 'newcomer' });
	const given = await setRandomPassword(people, account);
	const browser = createBrowser();
	await browser.get('/account/sign-in?to=/goal');
	const next = await browser.submit('/account/sign-in', { username: 'newcomer', password: given });
	assert.equal(next.location, '/account/change-password?to=%2Fgoal');
	assert.equal((await browser.get('/account')).status, 303);
	await browser.get(next.location as string);
	const short = await browser.submit('/account/change-password', { next: 'Short-1', repeat: 'Short-1' });
	assert.equal(short.status, 422);
	assert.match(short.text, /too short/);
	const differs = await browser.submit('/account/change-password', { next: 'Brand-new-8-words', repeat: 'Brand-new-9-words' });
	assert.match(differs.text, /not the same/);
	const done = await browser.submit('/account/change-password', { next: 'Brand-new-8-words', repeat: 'Brand-new-8-words' });
	assert.deepEqual([done.status, done.location], [303, '/goal']);
	assert.equal((await browser.get('/account')).status, 200);
});

test('an authenticator app: set up, asked for, no code taken twice, recovery codes once each, removed with the password', async () => {
	await testAccount(people, { username: 'totp' });
	const browser = await signedInBrowser('totp');
	await browser.get('/account');
	const enrol = await browser.submit('/account/authenticator');
	const key = decodeBase32((/<code>([A-Z2-7 ]+)<\/code>/.exec(enrol.text)?.[1] ?? '').replaceAll(' ', ''));
	assert.match(
		enrol.text,
		/<svg class="qr" viewBox="-4 -4 (\d+) \1" role="img" aria-label="QR code[^"]*"[^>]*><path d="(M\d+ \d+h1v1h-1z){300,}/,
	);
	assert.match(enrol.text, /href="otpauth:\/\/totp\/Heron:totp\?secret=[A-Z2-7]{32}&amp;issuer=Heron/);
	const now = (): string => codeAt(key, Math.floor(people.clock.now().getTime() / 30_000));
	assert.equal((await browser.submit('/account/authenticator', { code: '000000' })).status, 422);
	const confirmed = await browser.submit('/account/authenticator', { code: now() });
	const codes = [...confirmed.text.matchAll(/<li>([a-z2-7]{5}-[a-z2-7]{5})<\/li>/g)].map(([, code]) => code as string);
	assert.equal(new Set(codes).size, 10);

	const second = await signedInBrowser('totp');
	assert.equal((await second.get('/account')).status, 303);
	await second.get('/account/second-factor?to=/goal');
	assert.equal((await second.submit('/account/second-factor', { code: now() })).status, 422, 'the code that set it up is spent');
	people.pass(31_000);
	const code = now();
	const before = new Map(second.cookies);
	assert.equal((await second.submit('/account/second-factor', { code: ` ${code.slice(0, 3)} ${code.slice(3)}` })).location, '/goal');
	assert.notDeepEqual(second.cookies, before, 'another cookie than the one from before');
	assert.equal((await second.get('/account')).status, 200);

	const replay = await signedInBrowser('totp');
	await replay.get('/account/second-factor');
	assert.equal((await replay.submit('/account/second-factor', { code })).status, 422);
	const recovery = (recovered: string): Promise<Answer> => replay.submit('/account/second-factor', { is: 'recovery', recovery: recovered });
	assert.equal((await recovery('aaaaa-aaaaa')).status, 422);
	assert.equal((await recovery((codes[0] as string).toUpperCase().replace('-', ' '))).status, 303);
	const again = await signedInBrowser('totp');
	await again.get('/account/second-factor');
	assert.equal((await again.submit('/account/second-factor', { is: 'recovery', recovery: codes[0] as string })).status, 422);
	const { text } = await replay.get('/account');
	assert.match(text, /9 codes are left/);
	assert.equal((await replay.submit('/account/second-factor/remove', { present: 'Wrong-password-1' })).status, 422);
	await replay.get('/account');
	assert.equal((await replay.submit('/account/second-factor/remove', { present: goodPassword })).status, 303);
	assert.equal((await (await signedInBrowser('totp')).get('/account')).status, 200);
});

test('second factors cannot be guessed by starting over with the password', async () => {
	const account = await testAccount(people, { username: 'guess2' });
	await people.db.execute(
		sql`UPDATE oauth.account SET totp_key = ${people.sealer.seal(`totp ${account.id}`, Buffer.alloc(20, 7))} WHERE id = ${account.id}`,
	);
	const statuses: number[] = [];
	for (let i = 0; i < 12; i++) {
		const browser = await signedInBrowser('guess2');
		await browser.get('/account/second-factor');
		statuses.push((await browser.submit('/account/second-factor', { code: String(i).padStart(6, '0') })).status);
	}
	assert.deepEqual(statuses.slice(-2), [429, 429]);
});

test('a link sets a new password once; a wrong one says so', async () => {
	const account = await testAccount(people, { username: 'linked', email: 'linked@example.org' });
	const link = new URL(await makeResetLink(people, account));
	const browser = createBrowser();
	assert.match((await browser.get(link.pathname + link.search)).text, /For the user linked/);
	assert.equal((await browser.submit('/account/new-password', { next: 'weak', repeat: 'weak' })).status, 422);
	assert.equal(
		(await browser.submit('/account/new-password', { next: 'Fresh-start-9-am', repeat: 'Fresh-start-9-am' })).location,
		'/account/sign-in',
	);
	assert.equal((await browser.get(link.pathname + link.search)).status, 404);
	await signedInBrowser('linked', 'Fresh-start-9-am');
});

test('the letter to who forgot the password is in the language of the page', async () => {
	await testAccount(people, { username: 'olvido', email: 'olvido@example.org' });
	const browser = createBrowser('es-MX,es;q=0.9');
	await browser.get('/account/forgot');
	const sent = await browser.submit('/account/forgot', { named: 'olvido@example.org' });
	const unknown = await browser.post('/account/forgot', { named: 'nadie@example.org' });
	assert.equal(sent.text, unknown.text);
	assert.match(sent.text, /<html lang="es">/);
	for (let i = 0; i < 100 && people.letters.length === 0; i++) await new Promise((resolve) => setTimeout(resolve, 20));
	assert.deepEqual(
		people.letters.map(({ to, subject }) => [to, subject]),
		[['olvido@example.org', signInWords.es.mailSubject]],
	);
});

test('the language is chosen by the page’s own links and kept', async () => {
	const browser = createBrowser('fr, es;q=0.2, en;q=0.1');
	assert.match((await browser.get('/account/sign-in')).text, /Iniciar sesión/);
	assert.match((await browser.get('/account/sign-in?lang=en')).text, /User name/);
	assert.match((await browser.get('/account/sign-in')).text, /User name/);
	assert.match((await createBrowser('xx').get('/account/sign-in?ui_locales=es')).text, /Iniciar sesión/);
});

test('addresses of pages that are none are refused', async () => {
	await testAccount(people, { username: 'lost', roles: ['administrator'] });
	const browser = await signedInBrowser('lost');
	for (const where of ['users', 'roles', 'applications']) {
		for (const strange of ['%00', 'a%00b', '%EF%BF%BF', 'x'.repeat(1500), '..%2F..', '%27%22']) {
			const { status } = await browser.get(`/account/administration/${where}/${strange}`);
			assert.ok([400, 404, 405].includes(status), `${where}/${strange} ${status}`);
			const posted = await browser.post(`/account/administration/${where}/${strange}`, { token: 'x' });
			assert.ok(posted.status >= 400 && posted.status < 500, `POST ${where}/${strange} ${posted.status}`);
		}
	}
	for (const path of [
		'/account',
		'/account/sign-in',
		'/account/new-password',
		'/account/administration/users',
		'/account/outside/callback',
	])
		assert.ok((await browser.get(`${path}?search=%00&to=%00&key=%00&state=%00`)).status < 500, path);
});

test('sessions are listed and ended: one’s own by oneself, anybody’s by an administrator, nobody’s by others', async () => {
	await testAccount(people, { username: 'many' });
	await testAccount(people, { username: 'boss', roles: ['administrator'] });
	const [one, two, three] = [await signedInBrowser('many'), await signedInBrowser('many'), await signedInBrowser('many')] as const;
	const foreign = await signedInBrowser('looker');
	const ids = [...(await one.get('/account')).text.matchAll(/name="id" value="([0-9a-f-]{36})"/g)].map(([, id]) => id as string);
	assert.equal(ids.length, 2);
	await foreign.get('/account');
	for (const id of ids) await foreign.submit('/account/sessions/end', { id });
	assert.equal((await two.get('/account')).status, 200);
	await one.get('/account');
	await one.submit('/account/sessions/end', { id: ids[0] as string });
	assert.equal([await two.get('/account'), await three.get('/account')].filter(({ status }) => status === 200).length, 1);
	await one.get('/account');
	await one.submit('/account/sessions/end', { id: 'others' });
	assert.deepEqual(
		[(await two.get('/account')).status, (await three.get('/account')).status, (await one.get('/account')).status],
		[303, 303, 200],
	);
	assert.equal((await foreign.get('/account/all-sessions')).status, 403);
	const boss = await signedInBrowser('boss');
	const all = await boss.get('/account/all-sessions');
	assert.match(all.text, /<strong>many<\/strong>/);
	const many = (await findByUsername(people, 'many'))?.id as string;
	const id = new RegExp(`name="id" value="([^"]+)"><input type="hidden" name="account" value="${many}"`).exec(all.text)?.[1] as string;
	await boss.submit('/account/all-sessions/end', { id, account: many });
	assert.equal((await one.get('/account')).status, 303);
});

test('emergency access: only with the right, with a reason, told to the administrators, ended', async () => {
	await testAccount(people, { username: 'nurse', roles: ['nurse'] });
	await testAccount(people, { username: 'chief', roles: ['administrator'], email: 'chief@example.org', details: { language: 'es' } });
	const office = await signedInBrowser('looker');
	assert.doesNotMatch((await office.get('/account')).text, /emergency/i);
	assert.equal(
		(await office.submit('/account/emergency', { token: tokenIn((await office.get('/account')).text), reason: 'I would like to look' }))
			.status,
		403,
	);
	const nurse = await signedInBrowser('nurse');
	await nurse.get('/account');
	assert.equal((await nurse.submit('/account/emergency', { reason: 'why not' })).status, 422);
	people.letters.length = 0;
	assert.equal((await nurse.submit('/account/emergency', { reason: 'Unconscious patient <b>' })).status, 303);
	assert.deepEqual(
		people.letters.map(({ to, subject }) => `${to} ${subject}`),
		['chief@example.org Acceso de emergencia: Dr nurse (nurse)'],
	);
	const account = await findByUsername(people, 'nurse');
	assert.ok(account !== undefined);
	assert.ok((await rightsOf(people, account)).some(({ type }) => type === '*'));
	assert.match((await nurse.get('/account')).text, /emergency access until.*Unconscious patient &lt;b&gt;/s);
	await nurse.submit('/account/emergency/end');
	assert.ok(!(await rightsOf(people, account)).some(({ type }) => type === '*'));
});

test('an app’s access is withdrawn', async () => {
	const browser = await signedInBrowser('looker');
	await browser.get('/account');
	assert.equal((await browser.submit('/account/apps/end', { id: 'g1' })).status, 303);
	assert.match((await browser.get('/account')).text, /No app has access/);
});

test('idle: staff after two hours, patients after thirty minutes, everybody after a day', async () => {
	await testAccount(people, { username: 'staff' });
	await testAccount(people, { username: 'patient', kind: 'patient', fhirUser: 'Patient/1' });
	const [staff, patient] = [await signedInBrowser('staff'), await signedInBrowser('patient')];
	const open = async (): Promise<boolean[]> => [
		(await staff.get('/account')).status === 200,
		(await patient.get('/account')).status === 200,
	];
	const minuteMs = 60_000;
	people.pass(29 * minuteMs);
	assert.deepEqual(await open(), [true, true]);
	people.pass(31 * minuteMs);
	assert.deepEqual(await open(), [true, false]);
	for (let i = 0; i < 12; i++) {
		people.pass(115 * minuteMs);
		assert.deepEqual((await open())[0], i < 11, `after ${i}`);
	}
});

test('a new way to sign in needs a sign-in that is not long ago', async () => {
	const browser = await signedInBrowser('looker');
	await browser.get('/account');
	people.pass(16 * 60_000);
	assert.equal((await browser.submit('/account/authenticator')).location, '/account/sign-in?again=1&to=/account');
});

function tokenIn(text: string): string {
	return /name="token" value="([^"]+)"/.exec(text)?.[1] ?? '';
}

function decodeBase32(text: string): Buffer {
	const bits = [...text].map((sign) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(sign).toString(2).padStart(5, '0')).join('');
	return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
}
