// Setting passwords, and the links that let someone set one who has forgotten it.

import { randomBytes } from 'node:crypto';
import { described } from '#base/log.ts';
import { Problem } from '#base/problem.ts';
import type { Tx } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { endSessions } from '#oauth/sessions/sessions.ts';
import { type Account, findAccount, findByEmail, findByUsername } from './account.ts';
import { unlock } from './attempts.ts';
import { randomPassword, secretHash, type Weakness, weaknesses } from './passwords.ts';
import type { People } from './people.ts';
import { tell } from './telling.ts';

/** What is wrong with a new password for this account; empty when it may be taken. */
export async function weaknessesFor(
	people: Pick<People, 'db' | 'passwords' | 'settings'>,
	account: Account,
	password: string,
): Promise<Weakness[]> {
	const { policy } = people.settings;
	const names = [
		account.username,
		...(account.email?.split('@').slice(0, 1) ?? []),
		...account.name.split(/[\s,]+/).filter((word) => word.length >= 4),
	];
	const found = weaknesses(password, policy, names);
	if (found.length > 0 || policy.history === 0) return found;
	const former = await people.db.query<{ password: string }>(sql`
		SELECT password FROM oauth.account WHERE id = ${account.id} AND password IS NOT NULL
		UNION ALL (SELECT password FROM oauth.former_password WHERE account = ${account.id} ORDER BY replaced_at DESC LIMIT ${policy.history - 1})`);
	for (const { password: phc } of former) if (await people.passwords.verify(password, phc)) return ['used-before'];
	return [];
}

/**
 * Gives an account a password. Throws Problem invalid `password-weak`, whose issues have the weaknesses as codes. All sessions of
 * the account end, but `keep`. `mustChange` makes it good for one sign-in.
 */
export async function setPassword(
	people: Pick<People, 'db' | 'clock' | 'passwords' | 'settings' | 'audit' | 'actor'>,
	account: Account,
	password: string,
	{ mustChange = false, keep }: { readonly mustChange?: boolean; readonly keep?: string } = {},
): Promise<void> {
	const weak = await weaknessesFor(people, account, password);
	if (weak.length > 0)
		throw new Problem('invalid', 'password-weak', `The password cannot be taken: ${weak.join(', ')}.`, {
			issues: weak.map((code) => ({ severity: 'error', type: 'invalid', code, text: code })),
		});
	const hash = await people.passwords.hash(password);
	await people.db.tx(async (tx) => {
		await store(people, tx, account.id, hash, mustChange);
		await tx.execute(sql`DELETE FROM oauth.reset WHERE account = ${account.id}`);
		await endSessions({ db: tx }, account.id, keep);
		await tell(people, { kind: 'permission', interaction: 'password-set', about: account }, tx);
	});
}

async function store(
	people: Pick<People, 'clock' | 'settings'>,
	tx: Tx,
	account: string,
	hash: string,
	mustChange: boolean,
): Promise<void> {
	const now = people.clock.now();
	await tx.execute(sql`
		INSERT INTO oauth.former_password (account, password, replaced_at)
		SELECT id, password, ${now} FROM oauth.account WHERE id = ${account} AND password IS NOT NULL`);
	await tx.execute(sql`
		DELETE FROM oauth.former_password WHERE ctid IN (
			SELECT ctid FROM oauth.former_password WHERE account = ${account} ORDER BY replaced_at DESC OFFSET ${people.settings.policy.history})`);
	await tx.execute(sql`
		UPDATE oauth.account SET password = ${hash}, password_changed_at = ${now}, must_change = ${mustChange}, updated_at = ${now}
		WHERE id = ${account}`);
}

/** Gives an account a random password that is good for one sign-in, and gives it back to be told to its owner. */
export async function setRandomPassword(people: People, account: Account): Promise<string> {
	for (;;) {
		const password = randomPassword(people.settings.policy.minLength);
		// By chance it may spell the person's name.
		if ((await weaknessesFor(people, account, password)).length > 0) continue;
		await setPassword(people, account, password, { mustChange: true });
		return password;
	}
}

/** A link that sets a new password once, within the time the settings allow. Whoever has it can sign in: show it to its owner only. */
export async function makeResetLink(people: People, account: Account): Promise<string> {
	const secret = randomBytes(32).toString('base64url');
	const expiresAt = new Date(people.clock.now().getTime() + people.settings.resetMs);
	await people.db.tx(async (tx) => {
		await tx.execute(sql`DELETE FROM oauth.reset WHERE account = ${account.id}`);
		await tx.execute(sql`INSERT INTO oauth.reset (hash, account, expires_at) VALUES (${secretHash(secret)}, ${account.id}, ${expiresAt})`);
		await tell(people, { kind: 'permission', interaction: 'reset-link-made', about: account }, tx);
	});
	return `${people.settings.publicUrl}/account/new-password?key=${secret}`;
}

/** The account that a link's key is for, if the link is still good. */
export async function accountOfReset(people: People, key: string): Promise<Account | undefined> {
	const [row] = await people.db.query<{ account: string }>(
		sql`SELECT account FROM oauth.reset WHERE hash = ${secretHash(key)} AND expires_at > ${people.clock.now()}`,
	);
	const account = row === undefined ? undefined : await findAccount(people, row.account);
	return account?.active ? account : undefined;
}

/** Sets the password by a link, which is then spent. Throws Problem not-found `reset-ended`, invalid `password-weak`. */
export async function resetPassword(people: People, key: string, password: string): Promise<Account> {
	const account = await accountOfReset(people, key);
	if (account === undefined) throw new Problem('not-found', 'reset-ended', 'This link was used or is too old.');
	await setPassword(people, account, password);
	await unlock(people, account);
	return account;
}

/**
 * Somebody says that they forgot their password: those active accounts that the name or mail address names get a link by mail. What this
 * gives does not depend on whether there is one. Without a mail server nothing can be sent; an administrator has to make the link.
 */
export async function forgotPassword(
	people: People,
	named: string,
	letter: (account: Account, link: string) => { readonly subject: string; readonly text: string },
): Promise<void> {
	const { mail, log } = people;
	const found = named.includes('@') ? await findByEmail(people, named) : [];
	const byName = await findByUsername(people, named);
	const accounts = [...found, ...(byName === undefined || found.some(({ id }) => id === byName.id) ? [] : [byName])];
	for (const account of accounts.filter(({ active, email }) => active && email !== undefined).slice(0, 5)) {
		if (mail === undefined) {
			log.warn({ account: account.id }, 'a password was forgotten, and no mail server is set: npm run heron -- users reset makes a link');
			continue;
		}
		const link = await makeResetLink(people, account);
		await mail
			.send({ to: account.email as string, ...letter(account, link) })
			.catch((error: unknown) => log.error({ account: account.id, error: described(error) }, 'a letter could not be sent'));
	}
}
