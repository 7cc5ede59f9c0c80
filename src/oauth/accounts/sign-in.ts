// Signing in: password, second factor, forced change of the password, each a stage of the browser's session.
import { anonymous } from '#access/ctx.ts';
import { Problem } from '#base/problem.ts';
import { sql } from '#db/sql.ts';
import { advance, beginSession, type Method, type Session, type Stage, type Visitor } from '#oauth/sessions/sessions.ts';
import { type Account, findAccount, findByUsername } from './account.ts';
import { countTry, forgiveTry } from './attempts.ts';
import { setPassword } from './credentials.ts';
import { checkPasskey } from './passkeys.ts';
import type { People } from './people.ts';
import { checkTotp, spendRecoveryCode } from './second-factor.ts';
import { acting, actorOf, tellSoon } from './telling.ts';

/** A session's cookie and what is still to be done in it. */
export type Progress = { readonly secret: string; readonly stage: Stage };

type Checking = Pick<People, 'db' | 'clock' | 'passwords' | 'settings' | 'audit' | 'actor'>;

/**
 * The account of a name and password. Wrong password, no such account, closed account and one without password look and take the same.
 * Throws Problem unauthenticated `sign-in-wrong`, forbidden `password-expired`, too-much `too-many-tries`, unavailable `sign-in-busy`.
 */
export async function checkPassword(people: Checking, given: { username: string; password: string; address: string }): Promise<Account> {
	const account = await findByUsername(people, given.username);
	return refusalsTold(people, 'password', given.address, account, () => passwordOf(people, given, account));
}

async function passwordOf(
	people: Checking,
	given: { username: string; password: string; address: string },
	account: Account | undefined,
): Promise<Account> {
	await countTry(people, given);
	const [row] = await people.db.query<{ password: string | null }>(sql`SELECT password FROM oauth.account WHERE id = ${account?.id ?? ''}`);
	// What is longer than any password may be is not worth a hash of it.
	const password = given.password.slice(0, 4 * people.settings.policy.maxLength);
	const isRight = await people.passwords.verify(password, account?.active ? (row?.password ?? undefined) : undefined);
	if (account === undefined || !isRight) throw wrong();
	await forgiveTry(people, given);
	const { maxAgeDays, graceDays } = people.settings.policy;
	if (maxAgeDays > 0 && ageDays(people, account) >= maxAgeDays + graceDays)
		throw new Problem('forbidden', 'password-expired', 'The password has expired. Ask for a link that sets a new one.');
	return account;
}

/** Signs in with name and password, as far as that goes. Throws as `checkPassword`. */
export async function signIn(people: People, username: string, password: string, visitor: Visitor): Promise<Progress> {
	const account = await checkPassword(people, { username, password, address: visitor.address });
	const stage = stageAfterPassword(people, account);
	return { secret: await beginSession(people, account, { stage, methods: ['pwd'], visitor }), stage };
}

export type SecondFactor =
	| { readonly is: 'totp'; readonly code: string }
	| { readonly is: 'recovery'; readonly code: string }
	| { readonly is: 'passkey'; readonly response: unknown };

/** The second factor of a session that waits for it. Throws Problem invalid `code-wrong` or `passkey-refused`, too-much `too-many-tries`. */
export async function giveSecondFactor(people: People, session: Session, factor: SecondFactor, visitor: Visitor): Promise<Progress> {
	if (session.stage !== 'second-factor') throw new Problem('conflict', 'no-second-factor', 'No second factor is asked for at present.');
	const { account } = session;
	// Codes are guessed per account however often the password is given again.
	const tried = { username: `second factor of ${account.id}`, address: visitor.address };
	await refusalsTold(people, `second factor ${factor.is}`, visitor.address, account, async () => {
		await countTry(people, tried);
		if (factor.is === 'totp') await checkTotp(people, account, factor.code);
		else if (factor.is === 'recovery') await spendRecoveryCode(people, account, factor.code);
		else await checkPasskey(people, factor.response, account);
	});
	await forgiveTry(people, tried);
	const stage = afterFactors(people, account);
	return { secret: await advance(people, session, stage, [methodOf[factor.is], 'mfa'], visitor), stage };
}

const methodOf: Readonly<Record<SecondFactor['is'], Method>> = { totp: 'otp', recovery: 'kba', passkey: 'hwk' };

/** Signs in with a passkey alone: something one has, opened by something one is or knows. Throws Problem invalid `passkey-refused`. */
export async function signInWithPasskey(people: People, response: unknown, visitor: Visitor): Promise<Progress> {
	const account = await refusalsTold(people, 'passkey', visitor.address, undefined, () => checkPasskey(people, response, undefined));
	return { secret: await beginSession(people, account, { stage: 'done', methods: ['hwk', 'mfa'], visitor }), stage: 'done' };
}

/** The new password of a session that has to set one. Throws Problem invalid `password-weak`. */
export async function giveNewPassword(people: People, session: Session, password: string, visitor: Visitor): Promise<Progress> {
	if (session.stage !== 'new-password') throw new Problem('conflict', 'no-new-password', 'No new password is asked for at present.');
	await setPassword(people, session.account, password, { keep: session.id });
	return { secret: await advance(people, session, 'done', [], visitor), stage: 'done' };
}

/** Changes the password of who is signed in and knows the present one. Throws as `checkPassword`, and Problem invalid `password-weak`. */
export async function changePassword(
	people: People,
	session: Session,
	given: { present: string; next: string },
	visitor: Visitor,
): Promise<void> {
	const { username } = session.account;
	const account = await checkPassword(people, { username, password: given.present, address: visitor.address });
	await setPassword(people, account, given.next, { keep: session.id });
}

/** What is still to be done when the password was right. */
export function stageAfterPassword(people: Pick<People, 'clock' | 'settings'>, account: Account): Stage {
	return account.hasTotp || account.passkeys > 0 ? 'second-factor' : afterFactors(people, account);
}

/** Whether the account's password has to be changed before anything else. */
function afterFactors(people: Pick<People, 'clock' | 'settings'>, account: Account): Stage {
	const { maxAgeDays } = people.settings.policy;
	return account.mustChange || (maxAgeDays > 0 && ageDays(people, account) >= maxAgeDays) ? 'new-password' : 'done';
}

function ageDays(people: Pick<People, 'clock'>, { passwordChangedAt }: Account): number {
	return passwordChangedAt === undefined ? 0 : (people.clock.now().getTime() - passwordChangedAt.getTime()) / 86_400_000;
}

/** Signs in who an outside provider vouched for. Who has a second factor here has to show it. Throws Problem unauthenticated `sign-in-wrong`. */
export async function signInFromOutside(people: People, accountId: string, visitor: Visitor): Promise<Progress> {
	const account = await findAccount(people, accountId);
	if (account === undefined || !account.active)
		return refusalsTold(people, 'outside provider', visitor.address, account, () => Promise.reject(wrong()));
	const stage = account.hasTotp || account.passkeys > 0 ? 'second-factor' : 'done';
	return { secret: await beginSession(people, account, { stage, methods: ['fed'], visitor }), stage };
}

/** Does what proves who somebody is; that it did not succeed is told. */
async function refusalsTold<T>(
	people: Checking,
	by: string,
	address: string,
	account: Account | undefined,
	work: () => Promise<T>,
): Promise<T> {
	try {
		return await work();
	} catch (error) {
		if (error instanceof Problem) {
			const where = { ...people.actor, address };
			const actor = account === undefined ? { ...where, caller: anonymous } : actorOf(account, where);
			const status = error.kind === 'too-much' || error.kind === 'unavailable' ? error.status : 401;
			await tellSoon(acting(people, actor), {
				kind: 'sign-in',
				interaction: 'login',
				action: 'E',
				status,
				about: account,
				detail: `${by}, ${error.code}`,
			});
		}
		throw error;
	}
}

function wrong(): Problem {
	return new Problem('unauthenticated', 'sign-in-wrong', 'User name or password is wrong.');
}
