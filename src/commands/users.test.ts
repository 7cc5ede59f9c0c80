// `heron users` from its words to what it prints, on people of a database.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { findByUsername } from '#oauth/accounts/account.ts';
import { signIn } from '#oauth/accounts/sign-in.ts';
import { goodPassword, testAccount, testPeople } from '#testing/people.ts';
import { readWords, UsageError } from './command.ts';
import { runUsers, usersCommand } from './users.ts';

const people = await testPeople({ after });
const ended: string[] = [];
const apps = {
	list: async () => [],
	end: async () => false,
	endAll: async (account: string) => ended.push(account),
};

async function users(...words: string[]): Promise<string> {
	const lines: string[] = [];
	await runUsers({ people, apps, print: (text) => lines.push(text) }, readWords(usersCommand, words));
	return lines.join('\n');
}

const from = { address: '192.0.2.1', agent: 'test' };

test('a user is added, signs in with the printed password, and is changed', async () => {
	const said = await users(
		'add',
		'ann',
		'--name',
		'Ann Lee, MD',
		'--role',
		'physician',
		'--role',
		'auditor',
		'--fhir-user',
		'Practitioner/1',
	);
	const password = /: (\S+)$/.exec(said)?.[1] as string;
	assert.equal((await signIn(people, 'ann', password, from)).stage, 'new-password');
	assert.match(await users(), /ann +Ann Lee, MD, physician auditor, Practitioner\/1/);
	await users('set', 'ann', 'npi=1234567893', 'provider=yes', 'facilities=Organization/1 Location/2', 'email=ann@example.org');
	assert.match(await users('show', 'ANN'), /npi +1234567893\n(.*\n)*.*provider +true\n(.*\n)*.*facilities +Organization\/1 Location\/2/);
	await users('role', 'ann', '--role', 'nurse');
	assert.deepEqual((await findByUsername(people, 'ann'))?.roles, ['nurse']);
	assert.equal(await users('list', '--role', 'physician'), 'There is no such account.');
});

test('a patient’s account, and whom else it acts for', async () => {
	await users('add', 'mia', '--name', 'Mia', '--patient', 'm');
	await users('proxy', 'mia', '--patient', 'c', '--related-person', 'mother', '--until', '2099-12-31');
	assert.match(await users('show', 'mia'), /fhirUser +Patient\/m\n(.*\n)*.*acts for +Patient\/c as RelatedPerson\/mother until 2099-12-31/);
	await users('proxy', 'mia', '--patient', 'c', '--remove');
	await assert.rejects(users('proxy', 'mia', '--patient', 'c', '--remove'), { code: 'no-such-proxy' });
});

test('shut, opened, signed out', async () => {
	const bob = await testAccount(people, { username: 'bob' });
	await signIn(people, 'bob', goodPassword, from);
	assert.match(await users('sessions', 'bob'), /bob +192\.0\.2\.1, since/);
	assert.match(await users('sign-out', 'bob', '--apps'), /Ended 1 sessions and the access of 1 apps/);
	await signIn(people, 'bob', goodPassword, from);
	await users('disable', 'bob');
	assert.equal(await users('sessions', 'bob'), 'Nobody is signed in.');
	assert.deepEqual(ended, [bob.id, bob.id]);
	await assert.rejects(signIn(people, 'bob', goodPassword, from), { code: 'sign-in-wrong' });
	await assert.rejects(users('reset', 'bob'), { code: 'account-disabled' });
	await users('enable', 'bob');
	await signIn(people, 'bob', goodPassword, from);
});

test('the ways back in: a link, a password, a letter, without the second factor, after too many tries', async () => {
	await testAccount(people, { username: 'cid', email: 'cid@example.org', details: { language: 'es' } });
	assert.match(await users('reset', 'cid'), /within 60 minutes:\nhttp:\/\/localhost\/account\/new-password\?key=[\w-]{43}$/);
	assert.match(await users('reset', 'cid', '--password', '--second-factor'), /second factor is gone.\nPassword.*: \S{23}$/);
	await users('reset', 'cid', '--mail');
	assert.match(people.letters.at(-1)?.text ?? '', /^Hola, Dr cid:/);
	for (let i = 0; i < 11; i++) await assert.rejects(signIn(people, 'cid', 'Wrong-1', from));
	await assert.rejects(signIn(people, 'cid', 'Wrong-1', from), { code: 'too-many-tries' });
	await users('unlock', 'cid');
	await assert.rejects(signIn(people, 'cid', 'Wrong-1', from), { code: 'sign-in-wrong' });
});

test('roles are shown, changed, added, removed', async () => {
	assert.match(await users('roles'), /physician +Physicians/);
	assert.match(await users('roles', 'auditor'), /audit\.log +view/);
	await users('roles', 'student', 'patients.demo=view', 'patients.med=deny', '--title', 'Students');
	await users('roles', 'student', 'patients.demo=none', 'patients.lab=view');
	assert.equal(await users('roles', 'student'), '  patients.med  deny\n  patients.lab  view');
	await assert.rejects(users('roles', 'student', 'patients.demo=all'), { code: 'role-wrong' });
	await users('roles', 'student', '--remove');
	await assert.rejects(users('roles', 'student'), { code: 'no-such-role' });
	assert.equal(await users('break-glass'), 'Nobody has taken emergency access.');
});

const misuses: [string[], RegExp][] = [
	[['ad'], /cannot "ad"\. Did you mean "add"/],
	[['constructor'], /cannot/],
	[['add', 'x1'], /--name/],
	[['add', '--name', 'X'], /Name one user/],
	[['disable'], /Which user/],
	[['set', 'mia'], /What is to be set/],
	[['set', 'mia', 'npi'], /name=value/],
	[['proxy', 'mia'], /--patient/],
	[['proxy', 'mia', '--patient', 'x'], /--related-person/],
	[['proxy', 'mia', '--patient', 'x', '--related-person', 'y', '--until', 'soon'], /--until/],
	[['break-glass', 'begin'], /end <user>/],
];
for (const [words, text] of misuses) {
	test(`not understood: users ${words.join(' ')}`, () =>
		assert.rejects(users(...words), (error: unknown) => error instanceof UsageError && text.test(error.message)));
}

for (const [words, code] of [
	[['show', 'nobody'], 'no-such-account'],
	[['add', 'eve', '--name', 'Eve', '--role', 'king'], 'no-such-role'],
	[['add', 'eve', '--name', 'Eve', '--patient', 'x', '--role', 'nurse'], 'patient-has-no-role'],
	[['role', 'mia', '--role', 'nurse'], 'patient-has-no-role'],
	[['set', 'mia', 'npi=1'], 'user-detail-wrong'],
] as const) {
	test(`refused: users ${words.join(' ')}`, () => assert.rejects(users(...words), { code }));
}
