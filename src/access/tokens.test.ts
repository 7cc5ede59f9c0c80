// Access tokens: minted, verified, listed, revoked, expired; nothing but their hash is kept.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Problem } from '#base/problem.ts';
import { raw } from '#db/sql.ts';
import { testDatabase } from '#testing/database.ts';
import { type Caller, everything } from './ctx.ts';
import { createTokenVerifier, forgetExpired, listTokens, mintToken, revokeToken, revokeTokens } from './tokens.ts';

const db = await testDatabase({ after });
let nowMs = Date.now();
const clock = { now: () => new Date(nowMs) };
const inADay = (): Date => new Date(nowMs + 86_400_000);
const caller = (id: string): Caller => ({ kind: 'user', id, name: id, grants: everything });
const verifier = createTokenVerifier(db, clock);
const verify = (token: string): Promise<Caller> => verifier.verify(`Bearer ${token}`);

test('a token leads to its caller, and only its hash is stored', async () => {
	const token = await mintToken(db, caller('ann'), inADay());
	assert.match(token, /^hrn_[A-Za-z0-9_-]{43}$/);
	assert.deepEqual(await verify(token), caller('ann'));
	assert.deepEqual(await verifier.verify(`bearer  ${token}`), caller('ann'));
	const rows = await db.rows(raw(`SELECT t::text FROM access.token t`));
	assert.ok(rows.every(([text]) => !(text as string).includes(token)));
});

const refused: [string | undefined, string][] = [
	[undefined, 'token-missing'],
	['', 'token-invalid'],
	['Basic YTpi', 'token-invalid'],
	['Bearer', 'token-invalid'],
	['Bearer short', 'token-invalid'],
	['Bearer hrn_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'token-invalid'],
	[`Bearer ${'a'.repeat(5000)}`, 'token-invalid'],
	["Bearer hrn_'; DROP TABLE access.token; --", 'token-invalid'],
];

for (const [header, code] of refused) {
	test(`refused with a challenge: ${header?.slice(0, 30)}`, async () => {
		await assert.rejects(verifier.verify(header), (error: unknown) => {
			assert.ok(error instanceof Problem);
			assert.deepEqual([error.code, error.status], [code, 401]);
			assert.match(error.headers['www-authenticate'] ?? '', /^Bearer realm="heron"/);
			return true;
		});
	});
}

test('what has the form of a token is a token that is not good, however short', async () => {
	const challenged = (word: string) => (error: unknown) =>
		error instanceof Problem && (error.headers['www-authenticate'] ?? '').includes(`error="${word}"`);
	await assert.rejects(verifier.verify('Bearer short'), challenged('invalid_token'));
	await assert.rejects(verifier.verify('Basic YTpi'), challenged('invalid_request'));
});

test('a revoked token ends within a second, an expired one at once', async () => {
	const revoked = await mintToken(db, caller('bob'), inADay());
	const brief = await mintToken(db, caller('bob'), new Date(nowMs + 500));
	await verify(revoked);
	await verify(brief);
	assert.equal(await revokeToken(db, revoked), true);
	assert.equal(await revokeToken(db, revoked), false);
	nowMs += 600;
	await assert.rejects(verify(brief), { code: 'token-invalid' });
	nowMs += 600;
	await assert.rejects(verify(revoked), { code: 'token-invalid' });
});

test('tokens are listed by an id, and revoked by it or by user', async () => {
	for (let i = 0; i < 2; i++) await mintToken(db, caller('cid'), inADay());
	await mintToken(db, caller('cid'), new Date(Date.now() - 1000));
	const own = (await listTokens(db)).filter((row) => row.caller.id === 'cid');
	assert.equal(own.length, 2);
	assert.match(own[0]?.id ?? '', /^[0-9a-f]{12}$/);
	assert.equal(await revokeTokens(db, { id: own[0]?.id ?? '' }), 1);
	await forgetExpired(db);
	assert.equal(await revokeTokens(db, { user: 'cid' }), 1);
	assert.equal(await revokeTokens(db, { user: 'nobody' }), 0);
});
