// Passkeys against an authenticator made of a key pair and a few bytes of CBOR: added, used, replayed, stolen, from elsewhere.
import assert from 'node:assert/strict';
import { createHash, createSign, generateKeyPairSync, randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { testAccount, testPeople } from '#testing/people.ts';
import { changeAccount } from './account.ts';
import { addPasskey, authenticationOptions, checkPasskey, listPasskeys, registrationOptions, removePasskey } from './passkeys.ts';

const origin = 'https://ehr.example.org';
const people = await testPeople({ after }, { publicUrl: origin });
const sha256 = (bytes: Buffer | string): Buffer => createHash('sha256').update(bytes).digest();
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

/** An authenticator (https://www.w3.org/TR/webauthn-3/#sctn-authenticator-data) with one ES256 key. */
function createAuthenticator() {
	const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const id = randomBytes(16);
	const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
	const cose = Buffer.concat([hex('a5010203262001215820'), Buffer.from(x, 'base64url'), hex('225820'), Buffer.from(y, 'base64url')]);
	let counter = 0;
	const said = (type: string, challenge: string, from: string): Buffer =>
		Buffer.from(JSON.stringify({ type, challenge, origin: from, crossOrigin: false }));
	const authData = (flags: number, rest: Buffer, host: string): Buffer => {
		const count = Buffer.alloc(4);
		count.writeUInt32BE(counter++);
		return Buffer.concat([sha256(host), Buffer.from([flags]), count, rest]);
	};
	const envelope = { id: id.toString('base64url'), rawId: id.toString('base64url'), type: 'public-key', clientExtensionResults: {} };
	return {
		id: envelope.id,
		create(challenge: string, { from = origin, host = 'ehr.example.org', flags = 0x45 } = {}) {
			const data = authData(flags, Buffer.concat([Buffer.alloc(16), hex('0010'), id, cose]), host);
			const length = Buffer.alloc(2);
			length.writeUInt16BE(data.length);
			// {"fmt": "none", "attStmt": {}, "authData": …}
			const attestation = Buffer.concat([hex('a363666d74646e6f6e656761747453746d74a0686175746844617461'), hex('59'), length, data]);
			const clientDataJSON = said('webauthn.create', challenge, from).toString('base64url');
			return { ...envelope, response: { clientDataJSON, attestationObject: attestation.toString('base64url'), transports: ['internal'] } };
		},
		get(challenge: string, { from = origin, host = 'ehr.example.org', flags = 0x05, key = privateKey } = {}) {
			const data = authData(flags, Buffer.alloc(0), host);
			const client = said('webauthn.get', challenge, from);
			const signature = createSign('sha256')
				.update(Buffer.concat([data, sha256(client)]))
				.sign(key);
			return {
				...envelope,
				response: {
					clientDataJSON: client.toString('base64url'),
					authenticatorData: data.toString('base64url'),
					signature: signature.toString('base64url'),
				},
			};
		},
	};
}

const ann = await testAccount(people, { username: 'ann' });
const bob = await testAccount(people, { username: 'bob' });
const authenticator = createAuthenticator();
const challengeFor = async (account: typeof ann | undefined): Promise<string> => (await authenticationOptions(people, account)).challenge;

test('a passkey is added, listed, offered, and signs in', async () => {
	const options = await registrationOptions(people, ann);
	assert.deepEqual(
		[options.rp.id, options.user.name, options.authenticatorSelection?.userVerification],
		['ehr.example.org', 'ann', 'required'],
	);
	await addPasskey(people, ann, authenticator.create(options.challenge), ' Laptop ');
	assert.deepEqual(
		(await listPasskeys(people, ann.id)).map(({ name }) => name),
		['Laptop'],
	);
	assert.equal((await authenticationOptions(people, ann)).allowCredentials?.[0]?.id, authenticator.id);
	assert.equal((await checkPasskey(people, authenticator.get(await challengeFor(undefined)), undefined)).id, ann.id);
	assert.equal((await checkPasskey(people, authenticator.get(await challengeFor(ann)), ann)).id, ann.id);
});

const refused = (work: Promise<unknown>): Promise<void> => assert.rejects(work, { code: 'passkey-refused' });

test('adding: from another site, for another host, unverified, twice, by another account, with an old challenge', async () => {
	const fresh = createAuthenticator();
	const challenge = async (): Promise<string> => (await registrationOptions(people, ann)).challenge;
	await refused(addPasskey(people, ann, fresh.create(await challenge(), { from: 'https://evil.example' }), 'x'));
	await refused(addPasskey(people, ann, fresh.create(await challenge(), { host: 'evil.example' }), 'x'));
	await refused(addPasskey(people, ann, fresh.create(await challenge(), { flags: 0x41 }), 'x'));
	await refused(addPasskey(people, bob, fresh.create(await challenge()), 'x'));
	await refused(addPasskey(people, ann, fresh.create('bm90IGFza2Vk'), 'x'));
	const late = await challenge();
	people.pass(301_000);
	await refused(addPasskey(people, ann, fresh.create(late), 'x'));
	const once = await challenge();
	const made = fresh.create(once);
	await addPasskey(people, ann, made, 'Second');
	await refused(addPasskey(people, ann, made, 'Second'));
	await refused(addPasskey(people, bob, fresh.create((await registrationOptions(people, bob)).challenge), 'Same key'));
});

test('signing in: replayed, signed by another key, from elsewhere, unverified, for another account, counted backwards', async () => {
	const answer = authenticator.get(await challengeFor(undefined));
	await checkPasskey(people, answer, undefined);
	await refused(checkPasskey(people, answer, undefined));
	const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
	await refused(checkPasskey(people, authenticator.get(await challengeFor(undefined), { key: stranger }), undefined));
	await refused(checkPasskey(people, authenticator.get(await challengeFor(undefined), { from: 'https://evil.example' }), undefined));
	await refused(checkPasskey(people, authenticator.get(await challengeFor(undefined), { host: 'evil.example' }), undefined));
	await refused(checkPasskey(people, authenticator.get(await challengeFor(undefined), { flags: 0x01 }), undefined));
	await refused(checkPasskey(people, authenticator.get(await challengeFor(bob)), bob));
	await refused(checkPasskey(people, authenticator.get(await challengeFor(ann)), undefined));
	await people.db.execute({ text: 'UPDATE oauth.passkey SET counter = 1000 WHERE id = $1', values: [authenticator.id] });
	await refused(checkPasskey(people, authenticator.get(await challengeFor(undefined)), undefined));
	await people.db.execute({ text: 'UPDATE oauth.passkey SET counter = 0 WHERE id = $1', values: [authenticator.id] });
	await changeAccount(people, ann.id, { active: false });
	await refused(checkPasskey(people, authenticator.get(await challengeFor(undefined)), undefined));
	await changeAccount(people, ann.id, { active: true });
});

test('what is no passkey at all', async () => {
	const responses = [
		undefined,
		null,
		1,
		'x',
		[],
		{},
		{ id: authenticator.id },
		{ id: authenticator.id, response: {} },
		{ id: 'x'.repeat(10_000) },
		{ id: '\u0000' },
	];
	for (const response of responses) {
		await refused(checkPasskey(people, response, undefined));
		await refused(addPasskey(people, ann, response, 'x'));
	}
});

test('a passkey that was removed is worth nothing, and only its owner removes it', async () => {
	assert.equal(await removePasskey(people, bob, authenticator.id), false);
	assert.equal(await removePasskey(people, ann, authenticator.id), true);
	await refused(checkPasskey(people, authenticator.get(await challengeFor(undefined)), undefined));
});
