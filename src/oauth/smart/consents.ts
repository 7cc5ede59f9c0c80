// What accounts let applications do: written when somebody consents, gone when they withdraw it.
import { type Actor, heron } from '#access/audit/event.ts';
import type { Querier } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import type { People } from '#oauth/accounts/people.ts';
import { acting, tell } from '#oauth/accounts/telling.ts';
import { endGrant } from '#oauth/provider/items.ts';
import { scopesOf } from '#oauth/scopes/scopes.ts';
import type { AppGrants } from '#oauth/sessions/app-grants.ts';
import type { LaunchContext } from './context.ts';

export type Consent = {
	readonly grantId: string;
	readonly accountId: string;
	readonly clientId: string;
	readonly scope: string;
	readonly context: LaunchContext;
	/** The browser session in which it was given. */
	readonly sessionId: string | undefined;
	/** Was not asked for, because of an earlier one. */
	readonly silent?: boolean;
};

export async function saveConsent(db: Querier, consent: Consent, expiresAt: Date): Promise<void> {
	const { grantId, accountId, clientId, scope, context, sessionId = null, silent = false } = consent;
	await db.execute(sql`
		INSERT INTO oauth.consent (grant_id, account_id, client_id, scope, context, session_uid, silent, expires_at)
		VALUES (${grantId}, ${accountId}, ${clientId}, ${scope}, ${JSON.stringify(context)}, ${sessionId}, ${silent}, ${expiresAt})`);
}

export async function findConsent(db: Querier, grantId: string): Promise<Consent | undefined> {
	const [row] = await db.query<Row>(sql`${select} WHERE grant_id = ${grantId}`);
	return row === undefined ? undefined : consentOf(row);
}

/** What an account consented to last for a client, if that was not before `since` and is not withdrawn. */
export async function latestConsent(db: Querier, account: string, client: string, since: Date): Promise<Consent | undefined> {
	const [row] = await db.query<Row>(
		sql`${select} WHERE account_id = ${account} AND client_id = ${client} AND created_at >= ${since} AND NOT silent ORDER BY created_at DESC LIMIT 1`,
	);
	return row === undefined ? undefined : consentOf(row);
}

const select = sql`SELECT grant_id, account_id, client_id, scope, context, session_uid FROM oauth.consent`;

function consentOf({ grant_id, account_id, client_id, scope, context, session_uid }: Row): Consent {
	return {
		grantId: grant_id,
		accountId: account_id,
		clientId: client_id,
		scope,
		context,
		sessionId: session_uid ?? undefined,
	};
}

type Row = {
	readonly grant_id: string;
	readonly account_id: string;
	readonly client_id: string;
	readonly scope: string;
	readonly context: LaunchContext;
	readonly session_uid: string | null;
};

/** Ends what was granted in a browser session and was not meant to outlast it (`offline_access`). Gives the number of grants. */
export async function endOfSession(db: Querier, sessionId: string): Promise<number> {
	const rows = await db.query<{ grant_id: string; scope: string }>(
		sql`SELECT grant_id, scope FROM oauth.consent WHERE session_uid = ${sessionId}`,
	);
	const ended = rows.filter(({ scope }) => !scopesOf(scope).includes('offline_access'));
	for (const { grant_id } of ended) await endGrant(db, grant_id);
	return ended.length;
}

/** The apps an account has let in, for the pages and commands that list and end them. */
export function createAppGrants(people: Pick<People, 'db' | 'clock' | 'audit' | 'actor'>): AppGrants {
	const { db, clock } = people;
	const told = (by: Actor, account: string, detail: string): Promise<void> =>
		tell(acting(people, by), { kind: 'permission', interaction: 'app-ended', action: 'D', detail: `account ${account}: ${detail}` });
	const ofAccount = (account: string) =>
		db.query<{ grant_id: string; name: string; scope: string; created_at: Date }>(sql`
			SELECT c.grant_id, coalesce(k.metadata->>'client_name', k.id) AS name, c.scope, c.created_at
			FROM oauth.consent c JOIN oauth.client k ON k.id = c.client_id
			WHERE c.account_id = ${account} AND c.expires_at > ${clock.now()}
				AND EXISTS (SELECT 1 FROM oauth.item i WHERE i.grant_id = c.grant_id AND i.consumed_at IS NULL AND i.expires_at > ${clock.now()})
			ORDER BY c.created_at DESC, c.grant_id LIMIT 1000`);
	return {
		async list(account) {
			return (await ofAccount(account)).map(({ grant_id, name, scope, created_at }) => ({
				id: grant_id,
				client: name,
				scopes: scopesOf(scope),
				since: created_at,
			}));
		},
		async end(account, id, by = heron) {
			const [row] = await db.rows(sql`SELECT client_id FROM oauth.consent WHERE grant_id = ${id} AND account_id = ${account}`);
			if (row === undefined || !(await endGrant(db, id))) return false;
			// Nor is what has no token any more remembered.
			await db.execute(sql`
				DELETE FROM oauth.consent c WHERE account_id = ${account} AND client_id = ${row[0] as string}
				AND NOT EXISTS (SELECT 1 FROM oauth.item i WHERE i.grant_id = c.grant_id AND i.consumed_at IS NULL AND i.expires_at > ${clock.now()})`);
			await told(by, account, `client ${row[0]}`);
			return true;
		},
		async endAll(account, by = heron) {
			const rows = await db.query<{ grant_id: string }>(sql`SELECT grant_id FROM oauth.consent WHERE account_id = ${account}`);
			for (const { grant_id } of rows) await endGrant(db, grant_id);
			if (rows.length > 0) await told(by, account, `${rows.length} clients`);
			return rows.length;
		},
	};
}

/** Forgets tokens, consents and launches that have expired. */
export async function forgetGrants(db: Querier, now: Date): Promise<void> {
	await db.execute(sql`DELETE FROM oauth.item WHERE expires_at <= ${now}`);
	await db.execute(sql`DELETE FROM oauth.consent WHERE expires_at <= ${now}`);
	await db.execute(sql`DELETE FROM oauth.launch WHERE expires_at <= ${now}`);
}
