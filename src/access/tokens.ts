// Local access tokens: opaque random text, stored only as a hash, minted by `npm run heron -- token`.
import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import { Problem } from '#base/problem.ts';
import type { Querier } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import type { Caller } from './ctx.ts';

/** Stores a new token for the caller and returns its text, which is shown once and never stored. */
export async function mintToken(db: Querier, caller: Caller, expiresAt: Date): Promise<string> {
	const token = `hrn_${randomBytes(32).toString('base64url')}`;
	await db.execute(
		sql`INSERT INTO access.token (hash, caller, expires_at) VALUES (${hash(token)}, ${JSON.stringify(caller)}, ${expiresAt})`,
	);
	return token;
}

/** Ends a token; false when there was none. Takes effect within a second on every process. */
export async function revokeToken(db: Querier, token: string): Promise<boolean> {
	return (await db.execute(sql`DELETE FROM access.token WHERE hash = ${hash(token)}`)) > 0;
}

/** A token that was minted, without its text. */
export type TokenRow = {
	/** The beginning of its hash, to name it by. */
	readonly id: string;
	readonly caller: Caller;
	readonly createdAt: Date;
	readonly expiresAt: Date;
};

/** The tokens that have not expired, newest first. */
export async function listTokens(db: Querier): Promise<TokenRow[]> {
	const rows = await db.query<{ id: string; caller: Caller; created_at: Date; expires_at: Date }>(
		sql`SELECT left(encode(hash, 'hex'), 12) AS id, caller, created_at, expires_at FROM access.token WHERE expires_at > now() ORDER BY created_at DESC, hash`,
	);
	return rows.map(({ id, caller, created_at, expires_at }) => ({ id, caller, createdAt: created_at, expiresAt: expires_at }));
}

/** Ends the tokens of this id, or of this user; gives their number. Takes effect within a second on every process. */
export async function revokeTokens(db: Querier, by: { readonly id: string } | { readonly user: string }): Promise<number> {
	if ('user' in by) return db.execute(sql`DELETE FROM access.token WHERE caller->>'id' = ${by.user}`);
	return db.execute(sql`DELETE FROM access.token WHERE left(encode(hash, 'hex'), 12) = ${by.id}`);
}

/** Forgets tokens that have expired. */
export async function forgetExpired(db: Querier): Promise<void> {
	await db.execute(sql`DELETE FROM access.token WHERE expires_at <= now()`);
}

export type TokenVerifier = {
	/** The caller behind an Authorization header. Throws Problem unauthenticated with the challenge of RFC 6750 section 3. */
	verify(authorization: string | undefined): Promise<Caller>;
};

/** Who a token belongs to, and until when (milliseconds). */
export type Found = { readonly caller: Caller; readonly expiresAt: number };

/** Another place where tokens are kept; undefined when it does not know the token. */
export type TokenSource = (token: string) => Promise<Found | undefined>;

type Known = Found & { checkedAt: number };

export type VerifierOptions = {
	/** Asked for tokens that are not local ones. */
	readonly source?: TokenSource;
	/** How long an answer is believed. */
	readonly trustMs?: number;
	/** Tokens remembered at most. */
	readonly capacity?: number;
};

/** Trusts what the database said for one second, so that a busy client costs one look-up a second. */
export function createTokenVerifier(db: Querier, clock: Clock, options: VerifierOptions = {}): TokenVerifier {
	const { source, trustMs = 1000, capacity = 10_000 } = options;
	const lookUpAll = (token: string): Promise<Found | undefined> =>
		token.startsWith('hrn_') || source === undefined ? lookUp(db, token) : source(token);
	const known = new Map<string, Known>();
	return {
		async verify(authorization) {
			const token = readBearer(authorization);
			const now = clock.now().getTime();
			const cached = known.get(token);
			if (cached !== undefined && now - cached.checkedAt < trustMs && cached.expiresAt > now) return cached.caller;
			known.delete(token);
			const found = await lookUpAll(token);
			if (found === undefined || found.expiresAt <= now) throw tokenRefused();
			if (known.size >= capacity) known.delete(known.keys().next().value as string);
			known.set(token, { ...found, checkedAt: now });
			return found.caller;
		},
	};
}

async function lookUp(db: Querier, token: string): Promise<Found | undefined> {
	const [row] = await db.query<{ caller: Caller; expires_at: Date }>({
		name: 'access_token',
		text: 'SELECT caller, expires_at FROM access.token WHERE hash = $1',
		values: [hash(token)],
	});
	return row === undefined ? undefined : { caller: row.caller, expiresAt: row.expires_at.getTime() };
}

/** The token of an Authorization header. Throws Problem unauthenticated with the challenge of RFC 6750 section 3. */
export function readBearer(authorization: string | undefined): string {
	if (authorization === undefined) throw refused(undefined, 'This needs an access token: send "Authorization: Bearer <token>".');
	const match = /^Bearer +([A-Za-z0-9._~+/-]{1,4096}=*) *$/i.exec(authorization);
	if (match === null) throw refused('invalid_request', 'The Authorization header is not of the form "Bearer <token>".');
	return match[1] as string;
}

/** The refusal of a token that is not good. */
export function tokenRefused(): Problem {
	return refused('invalid_token', 'The access token is unknown, expired or was revoked.');
}

function refused(error: string | undefined, text: string): Problem {
	const challenge =
		error === undefined
			? 'Bearer realm="heron"'
			: `Bearer realm="heron", error="${error}", error_description="${text.replaceAll('"', "'")}"`;
	return new Problem('unauthenticated', error === undefined ? 'token-missing' : 'token-invalid', text, {
		headers: { 'www-authenticate': challenge },
	});
}

function hash(token: string): Buffer {
	return createHash('sha256').update(token).digest();
}
