// Tries to sign in, counted per user name and per address, so that passwords and codes cannot be guessed. A name that nobody has is
// counted as one that somebody has, so the count says nothing about who is there.
import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { Problem } from '#base/problem.ts';
import type { Querier } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import type { Account } from './account.ts';
import type { People } from './people.ts';
import { tell } from './telling.ts';

export type Tried = { readonly username: string; readonly address: string };

/**
 * Counts a try before it is made, so that many at the same time are counted too. Throws Problem too-much (429) `too-many-tries` when
 * either the name or the address has had its share.
 */
export async function countTry(people: Pick<People, 'db' | 'clock' | 'settings'>, { username, address }: Tried): Promise<void> {
	const { tries } = people.settings;
	for (const [key, most] of [
		[addressKey(address), tries.address],
		[userKey(username), tries.user],
	] as const) {
		const waitMs = await countWithin(people, key, most, tries.windowMs);
		if (waitMs > 0) throw tooMany(waitMs);
	}
}

/** Counts one; gives how long to wait (milliseconds) when that is more than there may be within the window, else 0. */
async function countWithin({ db, clock }: Pick<People, 'db' | 'clock'>, key: Buffer, most: number, windowMs: number): Promise<number> {
	const now = clock.now();
	const start = new Date(now.getTime() - windowMs);
	const [row] = await db.query<{ tries: number; since: Date }>(sql`
		INSERT INTO oauth.attempt AS a (key, tries, since) VALUES (${key}, 1, ${now})
		ON CONFLICT (key) DO UPDATE SET
			tries = CASE WHEN a.since <= ${start} THEN 1 ELSE a.tries + 1 END,
			since = CASE WHEN a.since <= ${start} THEN ${now} ELSE a.since END
		RETURNING tries, since`);
	return row !== undefined && row.tries > most ? Math.max(1, row.since.getTime() + windowMs - now.getTime()) : 0;
}

/** Counts a registration of an application. Throws Problem too-much (429) `too-many-registrations`. */
export async function countRegistration(people: Pick<People, 'db' | 'clock'>, address: string, mostPerHour: number): Promise<void> {
	const waitMs = await countHourly(people, address, 'registration', mostPerHour);
	if (waitMs > 0) throw tooMany(waitMs, 'too-many-registrations', 'Too many applications were registered from this address.');
}

/** Counts a request of an application that begins while nobody is signed in. Throws Problem too-much (429) `too-many-authorizations`. */
export async function countAuthorization(people: Pick<People, 'db' | 'clock'>, address: string, mostPerHour: number): Promise<void> {
	const waitMs = await countHourly(people, address, 'authorization', mostPerHour);
	if (waitMs > 0) throw tooMany(waitMs, 'too-many-authorizations', 'Too many applications asked for access from this address.');
}

/** Milliseconds to wait; 0 when the address may go on, or has no limit. */
async function countHourly(people: Pick<People, 'db' | 'clock'>, address: string, what: string, mostPerHour: number): Promise<number> {
	return mostPerHour === 0 ? 0 : countWithin(people, addressKey(address, what), mostPerHour, 3_600_000);
}

function tooMany(waitMs: number, code = 'too-many-tries', what = 'Too many tries to sign in.'): Problem {
	const seconds = Math.max(1, Math.ceil(waitMs / 1000));
	return new Problem('too-much', code, `${what} Try again in ${Math.ceil(seconds / 60)} minutes.`, {
		status: 429,
		headers: { 'retry-after': String(seconds) },
	});
}

/** After a success: the name begins anew; the address gets this one back, for a success with one's own account must not open the way to guess others'. */
export async function forgiveTry(people: Pick<People, 'db'>, { username, address }: Tried): Promise<void> {
	await people.db.execute(sql`DELETE FROM oauth.attempt WHERE key = ${userKey(username)}`);
	await people.db.execute(sql`UPDATE oauth.attempt SET tries = tries - 1 WHERE key = ${addressKey(address)} AND tries > 0`);
}

/** An administrator opens the door for a user who shut it. */
export async function unlock(people: Pick<People, 'db' | 'audit' | 'actor'>, account: Account): Promise<void> {
	const opened = await people.db.execute(sql`DELETE FROM oauth.attempt WHERE key = ${userKey(account.username)}`);
	if (opened > 0) await tell(people, { kind: 'permission', interaction: 'unlocked', about: account });
}

/** Forgets what has ended whatever the settings: counts and sessions of yesterday, links and challenges that are too old. */
export async function forgetEnded(db: Querier, now: Date): Promise<void> {
	const yesterday = new Date(now.getTime() - 24 * 60 * 60_000);
	await db.execute(sql`DELETE FROM oauth.attempt WHERE since <= ${yesterday}`);
	await db.execute(sql`DELETE FROM oauth.browser_session WHERE seen_at <= ${yesterday}`);
	await db.execute(sql`DELETE FROM oauth.reset WHERE expires_at <= ${now}`);
	await db.execute(sql`DELETE FROM oauth.passkey_challenge WHERE expires_at <= ${now}`);
	await db.execute(sql`DELETE FROM oauth.outside_sign_in WHERE expires_at <= ${now}`);
}

function userKey(username: string): Buffer {
	return hashed(`user ${username.toLowerCase()}`);
}

/** Of an IPv6 address the first 64 bits: the rest is the customer's to choose. */
function addressKey(address: string, what = 'address'): Buffer {
	return hashed(`${what} ${isIPv6(address) ? expanded(address).slice(0, 4).join(':') : address}`);
}

function expanded(address: string): string[] {
	const [head = '', tail] = address.toLowerCase().replace(/%.*$/, '').split('::');
	const left = head === '' ? [] : head.split(':');
	const right = tail === undefined || tail === '' ? [] : tail.split(':');
	const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
	return [...left, ...Array.from({ length: zeros }, () => '0'), ...right].map((part) => part.replace(/^0+(?=.)/, ''));
}

function hashed(text: string): Buffer {
	return createHash('sha256').update(text).digest();
}
