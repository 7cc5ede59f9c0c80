// Accounts and signing in: what is taken, what is refused, and that guessing gets nowhere.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Problem } from '#base/problem.ts';
import { raw, sql } from '#db/sql.ts';
import { sessionOf, signedIn } from '#oauth/sessions/sessions.ts';
import { goodPassword, testAccount, testPeople } from '#testing/people.ts';
import { addAccount, addProxy, changeAccount, findAccount, findByUsername, patientsOf, removeProxy } from './account.ts';
import { createAccounts, ensureAdministrator } from './accounts.ts';
import { forgetEnded, unlock } from './attempts.ts';
import {
	accountOfReset,
	forgotPassword,
	makeResetLink,
	resetPassword,
	setPassword,
	setRandomPassword,
	weaknessesFor,
} from './credentials.ts';
import { checkPassword, giveNewPassword, signIn } from './sign-in.ts';

const people = await testPeople({ after });
const from = { address: '192.0.2.1', agent: 'test' };
const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

test('the first start makes one administrator, whose random password has to be changed', async () => {
	const password = await ensureAdministrator(people.db, undefined, people);
	assert.match(password ?? '', /^\w{5}-\w{5}-\w{5}-\w{5}$/);
	assert.equal(await ensureAdministrator(people.db, undefined, people), undefined);
	const { stage } = await signIn(people, 'ADMIN', password as string, from);
	assert.equal(stage, 'new-password');
	await people.db.execute(raw('DELETE FROM oauth.account'));
	assert.equal(await ensureAdministrator(people.db, goodPassword, people), undefined);
	assert.equal((await signIn(people, 'admin', goodPassword, from)).stage, 'done');
	await people.db.execute(raw('DELETE FROM oauth.account'));
	await assert.rejects(ensureAdministrator(people.db, 'short', people), { code: 'password-weak' });
	assert.equal(await findByUsername(people, 'admin'), undefined);
});

test('nothing that opens a door is stored as it is', async () => {
	const account = await testAccount(people, { username: 'hashed', email: 'hashed@example.org' });
	const { secret } = await signIn(people, 'hashed', goodPassword, from);
	const key = new URL(await makeResetLink(people, account)).searchParams.get('key') as string;
	const tables = await people.db.rows(raw(`SELECT tablename FROM pg_tables WHERE schemaname = 'oauth'`));
	for (const [table] of tables) {
		const rows = await people.db.rows(raw(`SELECT t::text FROM oauth."${table}" t`));
		for (const [text] of rows) for (const open of [goodPassword, secret, key]) assert.ok(!(text as string).includes(open), String(table));
	}
});

const wrongAccounts: [Parameters<typeof addAccount>[1], string][] = [
	[{ kind: 'user', username: 'x', name: 'X' }, 'username-wrong'],
	[{ kind: 'user', username: 'a b', name: 'X' }, 'username-wrong'],
	[{ kind: 'user', username: '<script>', name: 'X' }, 'username-wrong'],
	[{ kind: 'user', username: 'a'.repeat(65), name: 'X' }, 'username-wrong'],
	[{ kind: 'user', username: 'ann', name: ' ' }, 'name-wrong'],
	[{ kind: 'user', username: 'ann', name: 'Ann', email: 'ann' }, 'email-wrong'],
	[{ kind: 'user', username: 'ann', name: 'Ann', email: 'a@b.org,c@d.org' }, 'email-wrong'],
	[{ kind: 'user', username: 'ann', name: 'Ann', fhirUser: 'Patient/1' }, 'reference-wrong'],
	[{ kind: 'patient', username: 'ann', name: 'Ann', fhirUser: 'Practitioner/1' }, 'reference-wrong'],
	[{ kind: 'patient', username: 'ann', name: 'Ann', roles: ['administrator'] }, 'patient-has-no-role'],
	[{ kind: 'user', username: 'ann', name: 'Ann', details: { npi: '1234567890' } }, 'user-detail-wrong'],
	[{ kind: 'user', username: 'ann', name: 'Ann', details: { dea: 'AB1234567' } }, 'user-detail-wrong'],
	[{ kind: 'user', username: 'ann', name: 'Ann', details: { facilities: ['Patient/1'] } }, 'user-detail-wrong'],
	[{ kind: 'user', username: 'ann', name: 'Ann', details: { __proto__x: '1' } }, 'user-detail-wrong'],
	[{ kind: 'user', username: 'ann', name: 'Ann', details: { constructor: 'x' } }, 'user-detail-wrong'],
	[{ kind: 'user', username: 'ann', name: 'Ann', details: { provider: 'perhaps' } }, 'user-detail-wrong'],
];

for (const [given, code] of wrongAccounts) {
	test(`refused: ${JSON.stringify(given)}`, () => assert.rejects(addAccount(people, given), { code }));
}

test('a user with everything a practice notes; changed, and names are told apart without capitals', async () => {
	const details = {
		givenName: 'Ann',
		familyName: 'Lee',
		suffix: 'MD',
		provider: true,
		calendar: 'yes',
		cpoe: 'no',
		npi: '1234567893',
		dea: 'AB1234563',
		upin: 'A12345',
		taxonomy: '207Q00000X',
		taxId: '12-3456789',
		facilities: 'Organization/1 Location/2',
		defaultFacility: 'Organization/1',
		supervisor: 'Practitioner/2',
	};
	const ann = await addAccount(people, {
		kind: 'user',
		username: 'Ann',
		name: 'Ann Lee',
		fhirUser: 'Practitioner/1',
		roles: ['physician'],
		details,
	});
	assert.deepEqual(ann.details, { ...details, calendar: true, cpoe: false, facilities: ['Organization/1', 'Location/2'] });
	await assert.rejects(addAccount(people, { kind: 'user', username: 'aNN', name: 'Other' }), { code: 'username-taken' });
	assert.equal((await findByUsername(people, 'ANN'))?.id, ann.id);
	const changed = await changeAccount(people, ann.id, {
		email: 'ann@example.org',
		roles: ['nurse'],
		details: { suffix: null, job: 'Nurse' },
	});
	assert.deepEqual(
		[changed.email, changed.roles, changed.details.suffix, changed.details.job],
		['ann@example.org', ['nurse'], undefined, 'Nurse'],
	);
	await assert.rejects(changeAccount(people, 'nobody', {}), { code: 'no-such-account' });
});

test('a portal account acts for its own patient and those it was given, until that ends', async () => {
	const mia = await addAccount(people, { kind: 'patient', username: 'mia', name: 'Mia', fhirUser: 'Patient/m' });
	await addProxy(people, mia, { patient: 'child', relatedPerson: 'mother', expiresAt: new Date(people.clock.now().getTime() + dayMs) });
	const patients = async (): Promise<string[]> => patientsOf((await findAccount(people, mia.id)) ?? mia);
	assert.deepEqual(await patients(), ['m', 'child']);
	people.pass(dayMs + 1);
	assert.deepEqual(await patients(), ['m']);
	assert.equal(await removeProxy(people, mia, 'child'), true);
	const user = await testAccount(people, { username: 'no-proxy' });
	await assert.rejects(addProxy(people, user, { patient: 'x', relatedPerson: 'y', expiresAt: undefined }), { code: 'proxy-wrong' });
});

const weak: [string, string][] = [
	['Sh0rt!', 'too-short'],
	[`Aa1!${'xy'.repeat(80)}`, 'too-long'],
	['onlysmallletters', 'too-few-classes'],
	['Weak-user-2026!', 'has-name'],
	['P@ssword-2026!', 'too-common'],
	['QwertyQwerty-1234', 'too-common'],
	['Aa1Aa1Aa1Aa1', 'too-common'],
];

test('weak passwords are refused, each for its reason', async () => {
	const account = await testAccount(people, { username: 'weak-user' });
	for (const [password, reason] of weak)
		assert.ok((await weaknessesFor(people, account, password)).includes(reason as 'too-short'), password);
	assert.deepEqual(await weaknessesFor(people, account, 'Ünïcödé-wörds-9'), []);
});

test('the last five passwords do not come back, the sixth may', async () => {
	const account = await testAccount(people, { username: 'history' });
	await assert.rejects(setPassword(people, account, goodPassword), { code: 'password-weak' });
	for (let i = 0; i < 5; i++) {
		people.pass(1000);
		await setPassword(people, account, `Another-${i}-turtle`);
	}
	assert.deepEqual(await weaknessesFor(people, account, 'Another-0-turtle'), ['used-before']);
	await setPassword(people, account, goodPassword);
});

test('no such user, wrong password, closed account and one without password are answered alike', async () => {
	await testAccount(people, { username: 'open' });
	const closed = await testAccount(people, { username: 'closed' });
	await changeAccount(people, closed.id, { active: false });
	await addAccount(people, { kind: 'user', username: 'without', name: 'Without' });
	const texts = new Set<string>();
	for (const [username, password] of [
		['open', 'Wrong-password-1'],
		['closed', goodPassword],
		['without', ''],
		['nobody', goodPassword],
		['x'.repeat(100_000), 'y'.repeat(100_000)],
		["' OR true --", 'x'],
		['\u0000', '\u0000'.repeat(20)],
	] as const) {
		await assert.rejects(checkPassword(people, { username, password, address: '192.0.2.2' }), (error: unknown) => {
			assert.ok(error instanceof Problem);
			texts.add(`${error.code} ${error.status} ${error.text}`);
			return true;
		});
	}
	assert.equal(texts.size, 1);
});

test('ten wrong tries shut the door for the right password too, whoever comes, known or not; it opens again by itself', async () => {
	await testAccount(people, { username: 'guessed' });
	let tries = 0;
	for (const username of ['guessed', 'unknown-name']) {
		const attempt = (password: string): Promise<unknown> => checkPassword(people, { username, password, address: `198.51.100.${tries++}` });
		const codes = await Promise.all(
			Array.from({ length: 14 }, (_, i) => attempt(`Wrong-${i}`).then(undefined, (error: Problem) => error.code)),
		);
		assert.equal(codes.filter((code) => code === 'sign-in-wrong').length, 10);
		await assert.rejects(attempt(goodPassword), { code: 'too-many-tries', status: 429 });
	}
	people.pass(16 * minuteMs);
	await checkPassword(people, { username: 'guessed', password: goodPassword, address: from.address });
	await assert.rejects(checkPassword(people, { username: 'unknown-name', password: goodPassword, address: from.address }), {
		code: 'sign-in-wrong',
	});
});

test('an administrator opens the door at once', async () => {
	const shut = await testAccount(people, { username: 'shut' });
	const attempt = (password: string): Promise<unknown> => checkPassword(people, { username: 'shut', password, address: '192.0.2.9' });
	for (let i = 0; i < 11; i++) await assert.rejects(attempt('Wrong-password'));
	await assert.rejects(attempt(goodPassword), { code: 'too-many-tries' });
	await unlock(people, shut);
	await attempt(goodPassword);
});

test('an address has its share over all names, and neither success nor another address of its network widens it', async () => {
	const few = await testPeople({ after }, { tries: { user: 100, address: 5, windowMs: minuteMs } });
	await testAccount(few, { username: 'mine' });
	const attempt = (username: string, password: string, address: string): Promise<unknown> =>
		checkPassword(few, { username, password, address });
	for (let i = 0; i < 5; i++) {
		await attempt('mine', goodPassword, '2001:db8:1:2::1');
		await assert.rejects(attempt(`victim-${i}`, 'Guess-1', `2001:db8:1:2:${i}::9`), { code: 'sign-in-wrong' });
	}
	await assert.rejects(attempt('victim-9', 'Guess-1', '2001:db8:1:2:ffff::1'), { code: 'too-many-tries' });
	await attempt('mine', goodPassword, '2001:db8:1:3::1');
});

test('a password that was given has to be changed at sign-in, and the former sessions end', async () => {
	const account = await testAccount(people, { username: 'given' });
	const before = await signIn(people, 'given', goodPassword, from);
	const password = await setRandomPassword(people, account);
	assert.equal(await signedIn(people, before.secret), undefined);
	const { secret, stage } = await signIn(people, 'given', password, from);
	assert.equal(stage, 'new-password');
	assert.equal(await signedIn(people, secret), undefined);
	const session = await sessionOf(people, secret);
	assert.ok(session !== undefined);
	await assert.rejects(giveNewPassword(people, session, password, from), { code: 'password-weak' });
	const done = await giveNewPassword(people, session, 'Entirely-new-8-words', from);
	assert.equal((await signedIn(people, done.secret))?.account.username, 'given');
	assert.equal(await sessionOf(people, secret), undefined);
	assert.equal((await signIn(people, 'given', 'Entirely-new-8-words', from)).stage, 'done');
});

test('passwords expire: first they have to be changed, after the grace they no longer open the door', async () => {
	const policy = { ...people.settings.policy, maxAgeDays: 90, graceDays: 10 };
	const strict = { ...people, settings: { ...people.settings, policy } };
	await testAccount(strict, { username: 'old' });
	const attempt = () => signIn(strict, 'old', goodPassword, from);
	assert.equal((await attempt()).stage, 'done');
	people.pass(91 * dayMs);
	assert.equal((await attempt()).stage, 'new-password');
	people.pass(10 * dayMs);
	await assert.rejects(attempt(), { code: 'password-expired', status: 403 });
});

test('a reset link works once, within its time, and only the last one', async () => {
	const account = await testAccount(people, { username: 'forgetful', email: 'f@example.org' });
	const keyOf = (link: string): string => new URL(link).searchParams.get('key') ?? '';
	const first = keyOf(await makeResetLink(people, account));
	const key = keyOf(await makeResetLink(people, account));
	assert.equal(await accountOfReset(people, first), undefined);
	assert.equal((await accountOfReset(people, key))?.id, account.id);
	await assert.rejects(resetPassword(people, key, 'weak'), { code: 'password-weak' });
	await resetPassword(people, key, 'Remembered-9-times');
	await assert.rejects(resetPassword(people, key, 'Remembered-8-times'), { code: 'reset-ended' });
	await checkPassword(people, { username: 'forgetful', password: 'Remembered-9-times', address: from.address });
	const late = keyOf(await makeResetLink(people, account));
	people.pass(61 * minuteMs);
	await assert.rejects(resetPassword(people, late, 'Remembered-7-times'), { code: 'reset-ended' });
	const closed = keyOf(await makeResetLink(people, account));
	await changeAccount(people, account.id, { active: false });
	assert.equal(await accountOfReset(people, closed), undefined);
});

test('who forgot the password gets a letter; who does not exist gets none, and nobody can tell', async () => {
	await testAccount(people, { username: 'letters', email: 'both@example.org' });
	await testAccount(people, { username: 'letters2', email: 'BOTH@example.org' });
	await testAccount(people, { username: 'no-mail' });
	people.letters.length = 0;
	const letter = (account: { username: string }, link: string) => ({ subject: account.username, text: link });
	for (const named of ['both@example.org', 'nobody@example.org', 'no-mail', 'letters'])
		assert.equal(await forgotPassword(people, named, letter), undefined);
	assert.deepEqual(people.letters.map(({ subject, to }) => `${subject} ${to}`).sort(), [
		'letters both@example.org',
		'letters both@example.org',
		'letters2 BOTH@example.org',
	]);
	const key = new URL(people.letters.at(-1)?.text ?? '').searchParams.get('key') as string;
	assert.equal((await accountOfReset(people, key))?.username, 'letters');
});

test('the authorization server’s view of accounts', async () => {
	const accounts = createAccounts(people.db, people);
	const made = await accounts.create({ kind: 'patient', username: 'view', name: 'View', role: '', patient: 'p1', password: goodPassword });
	assert.deepEqual([made.patient, made.fhirUser, made.roles], ['p1', 'Patient/p1', []]);
	const right = await accounts.signIn(' view ', goodPassword, from);
	assert.ok(right.ok && right.needs.length === 0);
	assert.deepEqual(await accounts.signIn('view', 'Wrong-1', from), { ok: false, reason: 'sign-in-wrong' });
	await people.db.execute(sql`UPDATE oauth.account SET active = false WHERE id = ${made.id}`);
	assert.equal(await accounts.find(made.id), undefined);
});

test('what has ended is forgotten, what goes on is not', async () => {
	const few = await testPeople({ after });
	const account = await testAccount(few, { username: 'tidy' });
	const { secret } = await signIn(few, 'tidy', goodPassword, from);
	await makeResetLink(few, account);
	await assert.rejects(checkPassword(few, { username: 'other', password: 'x', address: from.address }));
	const left = async (): Promise<unknown[]> =>
		Promise.all(
			['browser_session', 'reset', 'attempt'].map(async (table) => (await few.db.rows(raw(`SELECT 1 FROM oauth.${table}`))).length),
		);
	await forgetEnded(few.db, few.clock.now());
	assert.deepEqual(await left(), [1, 1, 2]);
	assert.ok((await signedIn(few, secret)) !== undefined);
	few.pass(dayMs + minuteMs);
	await forgetEnded(few.db, few.clock.now());
	assert.deepEqual(await left(), [0, 0, 0]);
});
