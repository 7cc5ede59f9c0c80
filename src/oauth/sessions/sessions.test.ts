// What ends with a session: the access of apps that were let in for no longer than it lasts.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { sql } from '#db/sql.ts';
import { changeAccount } from '#oauth/accounts/account.ts';
import { setPassword } from '#oauth/accounts/credentials.ts';
import { saveConsent } from '#oauth/smart/consents.ts';
import { testAccount, testPeople } from '#testing/people.ts';
import { beginSession, endSession, endSessions, listSessions, sessionOf, signedIn } from './sessions.ts';

const people = await testPeople({ after });
const ann = await testAccount(people, { username: 'ann' });
const visitor = { address: '192.0.2.1', agent: 'x'.repeat(1000) };
await people.db.execute(sql`INSERT INTO oauth.client (id, metadata, enabled) VALUES ('app', '{"client_name":"App"}', true)`);

/** A session in which two apps were let in, one of them for longer than it lasts. */
async function session(): Promise<{ id: string; secret: string }> {
	const secret = await beginSession(people, ann, { stage: 'done', methods: ['pwd'], visitor });
	const id = (await signedIn(people, secret))?.id as string;
	for (const scope of ['openid patient/*.rs', 'openid patient/*.rs offline_access']) {
		const consent = { grantId: people.ids.next(), accountId: ann.id, clientId: 'app', scope, context: {}, sessionId: id };
		await saveConsent(people.db, consent, new Date(people.clock.now().getTime() + 1e9));
	}
	return { id, secret };
}

const lasting = async (id: string): Promise<unknown[]> =>
	(await people.db.rows(sql`SELECT scope FROM oauth.consent WHERE session_uid = ${id}`)).map(([scope]) => scope);

const ends: [string, (id: string) => Promise<unknown>][] = [
	['ended', (id) => endSession(people, ann.id, id)],
	['all ended', () => endSessions(people, ann.id)],
	['a new password', () => setPassword(people, ann, 'Something-7-else')],
];
for (const [how, end] of ends) {
	test(`${how}: the session is gone, and so is what was given for it only`, async () => {
		const { id, secret } = await session();
		await end(id);
		assert.equal(await sessionOf(people, secret), undefined);
		assert.deepEqual(await lasting(id), ['openid patient/*.rs offline_access']);
	});
}

test('a session of another is not ended, nor is the one that is kept', async () => {
	const { id, secret } = await session();
	assert.equal(await endSession(people, 'somebody else', id), false);
	assert.equal(await endSessions(people, ann.id, id), 0);
	assert.equal((await signedIn(people, secret))?.id, id);
	assert.equal((await lasting(id)).length, 2);
});

test('what is no cookie is nobody’s; a disabled account has no session; a half-done one is not listed and ends soon', async () => {
	for (const text of [undefined, '', 'x', 'a'.repeat(43), '\u0000'.repeat(43), "' OR 1=1 --".padEnd(43, 'x')])
		assert.equal(await sessionOf(people, text), undefined);
	const listed = (await listSessions(people, ann.id)).length;
	const half = await beginSession(people, ann, { stage: 'second-factor', methods: ['pwd'], visitor });
	assert.equal(await signedIn(people, half), undefined);
	assert.equal((await listSessions(people, ann.id)).length, listed);
	people.pass(11 * 60_000);
	assert.equal(await sessionOf(people, half), undefined);
	const { secret } = await session();
	await changeAccount(people, ann.id, { active: false });
	assert.equal(await sessionOf(people, secret), undefined);
	assert.deepEqual(await listSessions(people), []);
});
