// Access tokens of the authorization server as callers: what createTokenVerifier asks when a token is not a local one.
import { type Caller, everything, type Grant, type Person } from '#access/ctx.ts';
import { grantsOfToken } from '#access/policy.ts';
import { patientGrants, patientLookUps, type Role } from '#access/roles.ts';
import type { TokenSource } from '#access/tokens.ts';
import type { Clock } from '#base/clock.ts';
import type { Querier } from '#db/database.ts';
import { patientsOf } from './accounts/account.ts';
import type { Account, Accounts } from './accounts/accounts.ts';
import { hashOf } from './provider/items.ts';
import { scopesOf } from './scopes/scopes.ts';

/** What is known of an access token that is good. */
export type TokenFacts = {
	readonly clientId: string;
	readonly clientName: string;
	/** undefined for a client that acts for itself. */
	readonly accountId: string | undefined;
	readonly scopes: readonly string[];
	/** The patient of the launch. */
	readonly patient: string | undefined;
	readonly expiresAt: number;
};

type Row = {
	readonly model: string;
	readonly account_id: string | null;
	readonly client_id: string;
	readonly scope: string | null;
	readonly patient: string | null;
	readonly expires_at: Date;
	readonly client_name: string | null;
};

/**
 * The facts of an access token; undefined when it is none, has expired, was revoked, its grant was ended (be it while the token was being
 * made), or its client was disabled.
 */
export async function findAccessToken(db: Querier, clock: Clock, token: string): Promise<TokenFacts | undefined> {
	const [row] = await db.query<Row>({
		name: 'oauth_token',
		text: `SELECT i.model, i.account_id, i.client_id, i.payload->>'scope' AS scope, i.payload->'extra'->>'patient' AS patient, i.expires_at,
				k.metadata->>'client_name' AS client_name
			FROM oauth.item i JOIN oauth.client k ON k.id = i.client_id AND k.enabled
			WHERE i.hash = $1 AND i.model IN ('AccessToken', 'ClientCredentials') AND i.expires_at > $2
				AND (i.grant_id IS NULL OR EXISTS (SELECT 1 FROM oauth.consent c WHERE c.grant_id = i.grant_id))`,
		values: [hashOf(token), clock.now()],
	});
	if (row === undefined || (row.model === 'AccessToken' && row.account_id === null)) return undefined;
	return {
		clientId: row.client_id,
		clientName: row.client_name ?? row.client_id,
		accountId: row.account_id ?? undefined,
		scopes: scopesOf(row.scope ?? undefined),
		patient: row.patient ?? undefined,
		expiresAt: row.expires_at.getTime(),
	};
}

/** The public client that has a refresh token; undefined for what is none, and when the client has to authenticate itself. */
export async function publicClientOf(db: Querier, refreshToken: string): Promise<string | undefined> {
	const [row] = await db.query<{ id: string }>({
		name: 'oauth_refresh_client',
		text: `SELECT k.id FROM oauth.item i JOIN oauth.client k ON k.id = i.client_id
			WHERE i.hash = $1 AND i.model = 'RefreshToken' AND k.metadata->>'token_endpoint_auth_method' = 'none'`,
		values: [hashOf(refreshToken)],
	});
	return row?.id;
}

export type TokenDeps = {
	readonly db: Querier;
	readonly clock: Clock;
	readonly accounts: Pick<Accounts, 'find'>;
	/** What an account may do whatever the app asks; undefined for no limit. */
	readonly rightsOf: (account: Account) => Promise<readonly Grant[] | undefined>;
	/** The roles behind them, for APIs that ask for rights by name. */
	readonly rolesOf: (account: Account) => Promise<readonly Role[]>;
};

/** Looks tokens up for the verifier. */
export function createTokenSource({ db, clock, accounts, rightsOf, rolesOf }: TokenDeps): TokenSource {
	return async (token) => {
		const facts = await findAccessToken(db, clock, token);
		if (facts === undefined) return undefined;
		if (facts.accountId === undefined) return { caller: serviceCaller(facts), expiresAt: facts.expiresAt };
		const account = await accounts.find(facts.accountId);
		if (account === undefined) return undefined;
		const [rights, roles] = await Promise.all([rightsOf(account), rolesOf(account)]);
		return { caller: personCaller(facts, account, rights, roles), expiresAt: facts.expiresAt };
	};
}

function serviceCaller({ clientId, clientName, scopes }: TokenFacts): Caller {
	return { kind: 'system', id: clientId, name: clientName, client: clientId, scopes, grants: grantsOfToken({ kind: 'system', scopes }) };
}

function personCaller(
	{ clientId, scopes, patient }: TokenFacts,
	account: Account,
	rights: readonly Grant[] | undefined,
	roles: readonly Role[],
): Caller {
	const { kind, id, name, fhirUser } = account;
	// A proxy whose time is over reaches nothing more of that patient.
	const theirs = kind === 'user' || patient === undefined || patientsOf(account).includes(patient) ? patient : undefined;
	const own = patient === undefined ? account.patient : theirs;
	return {
		kind,
		id,
		name,
		client: clientId,
		scopes,
		...(fhirUser === undefined ? {} : { fhirUser }),
		grants: grantsOfToken({ kind, scopes, patient: theirs, own, fhirUser, rights }),
		person: kind === 'patient' ? patientPerson(own) : { roles, grants: rights ?? everything },
	};
}

/** A patient's account reads as one patient, be it by proxy. */
function patientPerson(patient: string | undefined): Person {
	if (patient === undefined) return { roles: [], grants: [] };
	return { roles: [], grants: [...patientGrants([patient]), ...patientLookUps], patient };
}
