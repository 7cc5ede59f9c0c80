// Browser sessions: a random cookie, kept as its hash, that ends when it was idle too long. The one sign-in behind all pages and all apps.
import { randomBytes } from 'node:crypto';
import type { Querier } from '#db/database.ts';
import { raw, sql } from '#db/sql.ts';
import { type Account, findAccount } from '#oauth/accounts/account.ts';
import { secretHash } from '#oauth/accounts/passwords.ts';
import type { People } from '#oauth/accounts/people.ts';
import { acting, actorOf, tell } from '#oauth/accounts/telling.ts';
import { endOfSession } from '#oauth/smart/consents.ts';

export type Stage = 'second-factor' | 'new-password' | 'done';

/** How somebody proved who they are, https://www.rfc-editor.org/rfc/rfc8176 */
export type Method = 'pwd' | 'otp' | 'hwk' | 'mfa' | 'kba' | 'fed';

export type Session = {
	readonly id: string;
	readonly account: Account;
	readonly stage: Stage;
	readonly methods: readonly Method[];
	/** When the person proved who they are. */
	readonly authenticatedAt: Date;
	/** Goes with every form of this session, so that no other site can send one. */
	readonly formToken: string;
};

export type Visitor = { readonly address: string; readonly agent: string };

/** Begins a session and gives the text of its cookie. */
export async function beginSession(
	people: People,
	account: Account,
	{ stage, methods, visitor }: { readonly stage: Stage; readonly methods: readonly Method[]; readonly visitor: Visitor },
): Promise<string> {
	const secret = randomBytes(32).toString('base64url');
	const now = people.clock.now();
	await people.db.tx(async (tx) => {
		await tx.execute(sql`
		INSERT INTO oauth.browser_session (hash, id, account, stage, methods, address, agent, created_at, seen_at)
		VALUES (${secretHash(secret)}, ${people.ids.next()}, ${account.id}, ${stage}, ${methods}, ${visitor.address}, ${visitor.agent.slice(0, 300)}, ${now}, ${now})`);
		if (stage !== 'done') return;
		const signedIn = acting(people, actorOf(account, { ...people.actor, address: visitor.address }));
		await tell(signedIn, { kind: 'sign-in', interaction: 'login', action: 'E', about: account, detail: methods.join(' ') }, tx);
	});
	return secret;
}

/** How often the time a session was last used is written down. */
const noteMs = 30_000;
/** A sign-in that stays half done. */
const halfDoneMs = 10 * 60_000;
/** However busy it is, a session ends after this. */
const longestMs = 24 * 60 * 60_000;

/** The session of a cookie's text, whatever its stage, if it has not ended and its account may sign in. */
export async function sessionOf(people: People, secret: string | undefined): Promise<Session | undefined> {
	if (secret === undefined || !/^[A-Za-z0-9_-]{43}$/.test(secret)) return undefined;
	const hash = secretHash(secret);
	const [row] = await people.db.query<{ id: string; account: string; stage: Stage; methods: Method[]; created_at: Date; seen_at: Date }>(
		sql`SELECT id, account, stage, methods, created_at, seen_at FROM oauth.browser_session WHERE hash = ${hash}`,
	);
	if (row === undefined) return undefined;
	const account = await findAccount(people, row.account);
	if (account === undefined || !account.active) return undefined;
	const now = people.clock.now();
	const idle = now.getTime() - row.seen_at.getTime();
	const limit = row.stage === 'done' ? people.settings.idleMs[account.kind] : halfDoneMs;
	if (idle >= limit || now.getTime() - row.created_at.getTime() >= longestMs) {
		await people.db.execute(sql`DELETE FROM oauth.browser_session WHERE hash = ${hash}`);
		return undefined;
	}
	if (row.stage === 'done' && idle >= Math.min(noteMs, limit / 4))
		await people.db.execute(sql`UPDATE oauth.browser_session SET seen_at = ${now} WHERE hash = ${hash}`);
	return {
		id: row.id,
		account,
		stage: row.stage,
		methods: row.methods,
		authenticatedAt: row.created_at,
		formToken: secretHash(`form ${secret}`).toString('base64url').slice(0, 32),
	};
}

/** The session of who is wholly signed in. */
export async function signedIn(people: People, secret: string | undefined): Promise<Session | undefined> {
	const session = await sessionOf(people, secret);
	return session?.stage === 'done' ? session : undefined;
}

/** Moves a session on by a new one with a new cookie, so that one from before the sign-in was complete is worth nothing after it. */
export async function advance(
	people: People,
	session: Session,
	stage: Stage,
	methods: readonly Method[],
	visitor: Visitor,
): Promise<string> {
	await endSession(people, session.account.id, session.id);
	const account = (await findAccount(people, session.account.id)) ?? session.account;
	return beginSession(people, account, { stage, methods: [...new Set([...session.methods, ...methods])], visitor });
}

export type SessionRow = {
	readonly id: string;
	readonly account: string;
	readonly username: string;
	readonly methods: readonly Method[];
	readonly address: string;
	readonly agent: string;
	readonly createdAt: Date;
	readonly seenAt: Date;
};

/** The sessions that have not ended, of one account or of all, the last used first. */
export async function listSessions(people: Pick<People, 'db' | 'clock' | 'settings'>, account?: string): Promise<SessionRow[]> {
	const now = people.clock.now().getTime();
	const { idleMs } = people.settings;
	return people.db.query<SessionRow>(sql`
		SELECT s.id, s.account, a.username, s.methods, s.address, s.agent, s.created_at AS "createdAt", s.seen_at AS "seenAt"
		FROM oauth.browser_session s JOIN oauth.account a ON a.id = s.account
		WHERE s.stage = 'done' AND a.active AND s.created_at > ${new Date(now - longestMs)}
			AND s.seen_at > CASE a.kind WHEN 'user' THEN ${new Date(now - idleMs.user)}::timestamptz ELSE ${new Date(now - idleMs.patient)}::timestamptz END
			AND ${account === undefined ? raw('true') : sql`s.account = ${account}`}
		ORDER BY s.seen_at DESC LIMIT 1000`);
}

/** Ends a session because its holder, or an administrator, says so. False when there is none of that id. */
export async function signOut(people: People, account: string, id: string): Promise<boolean> {
	const holder = await findAccount(people, account);
	return people.db.tx(async (tx) => {
		const ended = await endSession({ db: tx }, account, id);
		if (ended) await tell(people, { kind: 'sign-in', interaction: 'logout', action: 'E', about: holder }, tx);
		return ended;
	});
}

/** Ends all sessions of an account but `keep`, in the same way; gives their number. */
export async function signOutEverywhere(people: People, account: Account, keep?: string): Promise<number> {
	return people.db.tx(async (tx) => {
		const ended = await endSessions({ db: tx }, account.id, keep);
		const detail = `${ended} sessions`;
		if (ended > 0) await tell(people, { kind: 'sign-in', interaction: 'logout', action: 'E', about: account, detail }, tx);
		return ended;
	});
}

/** Ends a session of this account, and what apps were given for no longer than it lasts; false when there is none of that id. */
export async function endSession(people: { readonly db: Querier }, account: string, id: string): Promise<boolean> {
	const ended = (await people.db.execute(sql`DELETE FROM oauth.browser_session WHERE account = ${account} AND id = ${id}`)) > 0;
	if (ended) await endOfSession(people.db, id);
	return ended;
}

/** Ends all sessions of an account but `keep`, in the same way; gives their number. */
export async function endSessions(people: { readonly db: Querier }, account: string, keep?: string): Promise<number> {
	const ended = await people.db.query<{ id: string }>(
		sql`DELETE FROM oauth.browser_session WHERE account = ${account} AND id <> ${keep ?? ''} RETURNING id`,
	);
	for (const { id } of ended) await endOfSession(people.db, id);
	return ended.length;
}
