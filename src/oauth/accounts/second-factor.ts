// The second thing beside a password: an authenticator app's code, or a recovery code that works once.
import { randomBytes } from 'node:crypto';
import { Problem } from '#base/problem.ts';
import { sql } from '#db/sql.ts';
import type { Account } from './account.ts';
import type { People } from './people.ts';
import { tell } from './telling.ts';
import { base32, matchingStep, otpauthUri } from './totp.ts';

const aboutKey = (account: string): string => `totp ${account}`;

/** What the page shows to who sets up an app. */
export type Enrolment = { readonly uri: string; readonly secret: string };

/** A new key for an app, kept with the session until a code of it was entered. */
export async function beginTotp(people: People, account: Account, session: string): Promise<Enrolment> {
	const key = randomBytes(20);
	const sealed = people.sealer.seal(aboutKey(account.id), key);
	await people.db.execute(sql`UPDATE oauth.browser_session SET pending = ${sealed} WHERE id = ${session} AND account = ${account.id}`);
	return enrolment(key, account);
}

/** What `beginTotp` gave, again. */
export async function pendingTotp(people: People, account: Account, session: string): Promise<Enrolment | undefined> {
	const key = await pendingKey(people, account, session);
	return key === undefined ? undefined : enrolment(key, account);
}

function enrolment(key: Buffer, account: Account): Enrolment {
	return { uri: otpauthUri(key, 'Heron', account.username), secret: base32(key) };
}

async function pendingKey(people: People, account: Account, session: string): Promise<Buffer | undefined> {
	const [row] = await people.db.query<{ pending: Buffer | null }>(
		sql`SELECT pending FROM oauth.browser_session WHERE id = ${session} AND account = ${account.id}`,
	);
	return row?.pending ? people.sealer.open(aboutKey(account.id), row.pending) : undefined;
}

/** The app is set up when it gives the right code; gives recovery codes, shown this once. Throws Problem invalid `code-wrong`. */
export async function confirmTotp(people: People, account: Account, session: string, code: string): Promise<string[]> {
	const key = await pendingKey(people, account, session);
	const step = key === undefined ? undefined : matchingStep(key, code, people.clock.now(), undefined);
	if (key === undefined || step === undefined) throw codeWrong();
	await people.db.execute(sql`UPDATE oauth.browser_session SET pending = NULL WHERE id = ${session}`);
	await people.db.execute(sql`
		UPDATE oauth.account SET totp_key = ${people.sealer.seal(aboutKey(account.id), key)}, totp_step = ${step} WHERE id = ${account.id}`);
	await tell(people, { kind: 'permission', interaction: 'second-factor-added', about: account, detail: 'authenticator app' });
	return renewRecoveryCodes(people, account);
}

/** Takes the code of an app, once. Throws Problem invalid `code-wrong`. */
export async function checkTotp(people: People, account: Account, code: string): Promise<void> {
	const [row] = await people.db.query<{ key: Buffer | null; step: number | null }>(
		sql`SELECT totp_key AS key, totp_step AS step FROM oauth.account WHERE id = ${account.id}`,
	);
	if (!row?.key) throw codeWrong();
	const step = matchingStep(people.sealer.open(aboutKey(account.id), row.key), code, people.clock.now(), row.step ?? undefined);
	if (step === undefined) throw codeWrong();
	// Of two that send the same code at the same time, one wins.
	const taken = await people.db.execute(
		sql`UPDATE oauth.account SET totp_step = ${step} WHERE id = ${account.id} AND (totp_step IS NULL OR totp_step < ${step})`,
	);
	if (taken === 0) throw codeWrong();
}

const howMany = 10;

/** Ten new recovery codes; the former ones are worth nothing. */
export async function renewRecoveryCodes(people: People, account: Account): Promise<string[]> {
	const codes = Array.from({ length: howMany }, () => randomCode());
	await people.db.tx(async (tx) => {
		await tx.execute(sql`DELETE FROM oauth.recovery_code WHERE account = ${account.id}`);
		for (const code of codes)
			await tx.execute(sql`INSERT INTO oauth.recovery_code (account, hash) VALUES (${account.id}, ${codeHash(people, account, code)})`);
		await tell(people, { kind: 'permission', interaction: 'recovery-codes-made', about: account }, tx);
	});
	return codes;
}

/** Spends a recovery code. Throws Problem invalid `code-wrong`. */
export async function spendRecoveryCode(people: People, account: Account, code: string): Promise<void> {
	const spent = await people.db.execute(
		sql`DELETE FROM oauth.recovery_code WHERE account = ${account.id} AND hash = ${codeHash(people, account, code)}`,
	);
	if (spent === 0) throw codeWrong();
}

export async function recoveryCodesLeft(people: People, account: string): Promise<number> {
	const [row] = await people.db.query<{ left: number }>(sql`SELECT count(*) AS left FROM oauth.recovery_code WHERE account = ${account}`);
	return row?.left ?? 0;
}

/** Takes away app, recovery codes and passkeys: for who lost them, by an administrator, or by who no longer wants them. */
export async function clearSecondFactors(people: Pick<People, 'db' | 'audit' | 'actor'>, account: Account): Promise<void> {
	await people.db.tx(async (tx) => {
		await tx.execute(sql`UPDATE oauth.account SET totp_key = NULL, totp_step = NULL WHERE id = ${account.id}`);
		await tx.execute(sql`DELETE FROM oauth.recovery_code WHERE account = ${account.id}`);
		await tx.execute(sql`DELETE FROM oauth.passkey WHERE account = ${account.id}`);
		await tell(people, { kind: 'permission', interaction: 'second-factor-removed', action: 'D', about: account, detail: 'all' }, tx);
	});
}

/** 50 random bits as ten letters and digits in two groups. */
function randomCode(): string {
	return base32(randomBytes(7)).slice(0, 10).toLowerCase().replace(/^.{5}/, '$&-');
}

/** Fifty bits cannot be guessed where tries are counted, but in a stolen table they could: so the hash needs the key in the data folder. */
function codeHash(people: People, account: Account, code: string): Buffer {
	return people.sealer.mac(`recovery ${account.id}`, code.toLowerCase().replaceAll(/[^a-z2-7]/g, ''));
}

function codeWrong(): Problem {
	return new Problem('invalid', 'code-wrong', 'This code is wrong, was used already, or is too old.');
}
