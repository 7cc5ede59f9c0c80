// Passkeys (https://www.w3.org/TR/webauthn-3/): added by who is signed in; they sign in by themselves or as the second factor.
import {
	type AuthenticationResponseJSON,
	generateAuthenticationOptions,
	generateRegistrationOptions,
	type PublicKeyCredentialCreationOptionsJSON,
	type PublicKeyCredentialRequestOptionsJSON,
	type RegistrationResponseJSON,
	verifyAuthenticationResponse,
	verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { Problem } from '#base/problem.ts';
import { sql } from '#db/sql.ts';
import { type Account, findAccount } from './account.ts';
import { secretHash } from './passwords.ts';
import type { People } from './people.ts';
import { tell } from './telling.ts';

export type Passkey = { readonly id: string; readonly name: string; readonly createdAt: Date; readonly usedAt: Date | undefined };

const challengeMs = 5 * 60_000;

type PasskeyRow = {
	id: string;
	account: string;
	name: string;
	public_key: Buffer;
	counter: number;
	transports: string[];
	created_at: Date;
	used_at: Date | null;
};

export async function listPasskeys(people: Pick<People, 'db'>, account: string): Promise<Passkey[]> {
	const rows = await rowsOf(people, account);
	return rows.map(({ id, name, created_at, used_at }) => ({ id, name, createdAt: created_at, usedAt: used_at ?? undefined }));
}

function rowsOf(people: Pick<People, 'db'>, account: string): Promise<PasskeyRow[]> {
	return people.db.query<PasskeyRow>(sql`SELECT * FROM oauth.passkey WHERE account = ${account} ORDER BY created_at, id`);
}

/** What the browser needs to make a passkey for the account. */
export async function registrationOptions(people: People, account: Account): Promise<PublicKeyCredentialCreationOptionsJSON> {
	const known = await rowsOf(people, account.id);
	const options = await generateRegistrationOptions({
		rpName: 'Heron',
		rpID: relyingParty(people),
		userName: account.username,
		userDisplayName: account.name,
		userID: new Uint8Array(Buffer.from(account.id)),
		attestationType: 'none',
		excludeCredentials: known.map(({ id, transports }) => ({ id, transports: transports as never })),
		authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
	});
	await keepChallenge(people, options.challenge, account.id);
	return options;
}

/** Adds the passkey the browser made. Throws Problem invalid `passkey-refused`. */
export async function addPasskey(people: People, account: Account, response: unknown, name: string): Promise<void> {
	const given = response as RegistrationResponseJSON;
	const verified = await refusing(() =>
		verifyRegistrationResponse({
			response: given,
			expectedChallenge: (challenge) => spendChallenge(people, challenge, account.id),
			expectedOrigin: people.settings.publicUrl,
			expectedRPID: relyingParty(people),
			requireUserVerification: true,
		}),
	);
	if (!verified.verified) throw refused();
	const { id, publicKey, counter, transports = [] } = verified.registrationInfo.credential;
	const added = await people.db.execute(sql`
		INSERT INTO oauth.passkey (id, account, name, public_key, counter, transports, created_at)
		VALUES (${id}, ${account.id}, ${name.trim().slice(0, 100) || 'Passkey'}, ${Buffer.from(publicKey)}, ${counter}, ${transports.filter((one) => /^[a-z-]{1,20}$/.test(String(one))).slice(0, 10)}, ${people.clock.now()})
		ON CONFLICT (id) DO NOTHING`);
	if (added === 0) throw refused();
	await tell(people, { kind: 'permission', interaction: 'second-factor-added', about: account, detail: 'passkey' });
}

export async function removePasskey(people: Pick<People, 'db' | 'audit' | 'actor'>, account: Account, id: string): Promise<boolean> {
	const removed = (await people.db.execute(sql`DELETE FROM oauth.passkey WHERE account = ${account.id} AND id = ${id}`)) > 0;
	if (removed)
		await tell(people, { kind: 'permission', interaction: 'second-factor-removed', action: 'D', about: account, detail: 'passkey' });
	return removed;
}

/** What the browser needs to sign in with one: any of this site's, or of the account whose second factor it is. */
export async function authenticationOptions(people: People, account: Account | undefined): Promise<PublicKeyCredentialRequestOptionsJSON> {
	const known = account === undefined ? [] : await rowsOf(people, account.id);
	const options = await generateAuthenticationOptions({
		rpID: relyingParty(people),
		userVerification: 'required',
		allowCredentials: known.map(({ id, transports }) => ({ id, transports })),
	});
	await keepChallenge(people, options.challenge, account?.id);
	return options;
}

/** The account whose passkey this is; it has to be `account` when that is given. Throws Problem invalid `passkey-refused`. */
export async function checkPasskey(people: People, response: unknown, account: Account | undefined): Promise<Account> {
	const given = response as AuthenticationResponseJSON;
	const id = typeof given?.id === 'string' && /^[\w-]{1,1500}$/.test(given.id) ? given.id : '';
	const [row] = await people.db.query<PasskeyRow>(sql`SELECT * FROM oauth.passkey WHERE id = ${id}`);
	if (row === undefined || (account !== undefined && row.account !== account.id)) throw refused();
	const verified = await refusing(() =>
		verifyAuthenticationResponse({
			response: given,
			expectedChallenge: (challenge) => spendChallenge(people, challenge, account?.id),
			expectedOrigin: people.settings.publicUrl,
			expectedRPID: relyingParty(people),
			requireUserVerification: true,
			credential: { id: row.id, publicKey: new Uint8Array(row.public_key), counter: row.counter, transports: row.transports as never },
		}),
	);
	const owner = verified.verified ? await findAccount(people, row.account) : undefined;
	if (owner === undefined || !owner.active) throw refused();
	await people.db.execute(
		sql`UPDATE oauth.passkey SET counter = ${verified.authenticationInfo.newCounter}, used_at = ${people.clock.now()} WHERE id = ${row.id}`,
	);
	return owner;
}

function relyingParty({ settings }: People): string {
	return new URL(settings.publicUrl).hostname;
}

async function keepChallenge(people: People, challenge: string, account: string | undefined): Promise<void> {
	const expiresAt = new Date(people.clock.now().getTime() + challengeMs);
	await people.db.execute(
		sql`INSERT INTO oauth.passkey_challenge (hash, account, expires_at) VALUES (${secretHash(challenge)}, ${account ?? null}, ${expiresAt})`,
	);
}

/** Whether it was asked for, for this account, not too long ago and not yet answered. */
async function spendChallenge(people: People, challenge: string, account: string | undefined): Promise<boolean> {
	const spent = await people.db.execute(sql`
		DELETE FROM oauth.passkey_challenge
		WHERE hash = ${secretHash(challenge)} AND expires_at > ${people.clock.now()} AND account IS NOT DISTINCT FROM ${account ?? null}`);
	return spent > 0;
}

/** The library throws plain errors for whatever is wrong with what the browser sent. */
async function refusing<T>(work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		if (error instanceof Problem) throw error;
		throw refused(error);
	}
}

function refused(cause?: unknown): Problem {
	return new Problem('invalid', 'passkey-refused', 'This passkey was not accepted.', { cause });
}
