// Where the protocol keeps its things: one table for all that is short-lived, by the hash of its text, and one for clients.
// https://github.com/panva/node-oidc-provider (adapter contract)
import { errors, type Payload, Provider } from 'oidc-provider';
import type { Actor } from '#access/audit/event.ts';
import type { Clock } from '#base/clock.ts';
import type { Querier } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import type { ClientStore } from '#oauth/clients/clients.ts';
import { endGrant, hashOf } from './items.ts';
import { requestOf } from './telling.ts';

export type Adapter = {
	upsert(id: string, payload: Payload, expiresIn?: number): Promise<void>;
	find(id: string): Promise<Payload | undefined>;
	findByUid(uid: string): Promise<Payload | undefined>;
	findByUserCode(code: string): Promise<undefined>;
	destroy(id: string): Promise<void>;
	consume(id: string): Promise<void>;
	revokeByGrantId(grantId: string): Promise<void>;
};

export type AdapterDeps = { readonly db: Querier; readonly clock: Clock; readonly issuer: string; readonly clients: ClientStore };

/** The adapter of one of the provider's models. */
export function createAdapter(deps: AdapterDeps, model: string): Adapter {
	return model === 'Client' ? clientAdapter(deps.clients) : itemAdapter(deps, model);
}

/** Nothing is kept for longer. */
const longestSeconds = 400 * 86_400;

function itemAdapter({ db, clock, issuer }: AdapterDeps, model: string): Adapter {
	const expiry = (seconds: number | undefined): Date =>
		new Date(clock.now().getTime() + Math.min(seconds ?? longestSeconds, longestSeconds) * 1000);
	return {
		async upsert(id, payload, expiresIn) {
			const { grantId = null, accountId = null, clientId = null, sessionUid, uid } = payload as Record<string, string | undefined>;
			const session = sessionUid ?? (model === 'Session' ? uid : undefined) ?? null;
			const conflict =
				model === 'ReplayDetection'
					? sql`DO NOTHING`
					: sql`(hash, model) DO UPDATE SET payload = excluded.payload, expires_at = excluded.expires_at, account_id = excluded.account_id, grant_id = excluded.grant_id`;
			const done = await db.execute(sql`
				INSERT INTO oauth.item (hash, model, payload, grant_id, session_uid, account_id, client_id, created_at, expires_at)
				VALUES (${hashOf(id)}, ${model}, ${JSON.stringify(withoutSecrets(payload))}, ${grantId}, ${session}, ${accountId}, ${clientId}, ${clock.now()}, ${expiry(expiresIn)})
				ON CONFLICT ${conflict}`);
			// Of two assertions with the same jti that come at the same time, one wins.
			if (done === 0) throw new errors.InvalidClientAuth('client assertion tokens must only be used once');
		},
		async find(id) {
			const [row] = await db.query<Row>(sql`
				SELECT payload, consumed_at FROM oauth.item WHERE hash = ${hashOf(id)} AND model = ${model} AND expires_at > ${clock.now()}`);
			return row === undefined ? undefined : whole(row, id, issuer, model);
		},
		async findByUid(uid) {
			const [row] = await db.query<Row>(sql`
				SELECT payload, consumed_at FROM oauth.item WHERE session_uid = ${uid} AND model = ${model} AND expires_at > ${clock.now()}`);
			return row === undefined ? undefined : row.payload;
		},
		findByUserCode: async () => undefined,
		async destroy(id) {
			await db.execute(sql`DELETE FROM oauth.item WHERE hash = ${hashOf(id)} AND model = ${model}`);
			if (model === 'Grant') await db.execute(sql`DELETE FROM oauth.consent WHERE grant_id = ${id}`);
		},
		async consume(id) {
			const now = clock.now();
			const done = await db.execute(
				sql`UPDATE oauth.item SET consumed_at = ${now} WHERE hash = ${hashOf(id)} AND model = ${model} AND consumed_at IS NULL`,
			);
			if (done > 0) return;
			// Somebody else used it in the same moment: a stolen code or token. The whole family ends.
			const [row] = await db.query<{ grant_id: string | null }>(
				sql`SELECT grant_id FROM oauth.item WHERE hash = ${hashOf(id)} AND model = ${model}`,
			);
			if (typeof row?.grant_id === 'string') await endGrant(db, row.grant_id);
			throw new errors.InvalidGrant('already used');
		},
		async revokeByGrantId(grantId) {
			await db.execute(sql`DELETE FROM oauth.item WHERE grant_id = ${grantId} AND model = ${model}`);
		},
	};
}

type Row = { readonly payload: Payload; readonly consumed_at: Date | null };

/** The text of a token, a session's cookie and the address that has an interaction's id are secrets; the row is found without them. */
function withoutSecrets({ jti: _, returnTo: __, session, ...rest }: Payload): Payload {
	if (session === undefined || session === null) return rest;
	const { cookie: ___, ...facts } = session as Payload;
	return { ...rest, session: facts };
}

function whole({ payload, consumed_at }: Row, id: string, issuer: string, model: string): Payload {
	return {
		...payload,
		jti: id,
		...(model === 'Interaction' ? { returnTo: `${issuer}/authorize/${id}` } : {}),
		...(consumed_at === null ? {} : { consumed: Math.floor(consumed_at.getTime() / 1000) }),
	};
}

/** What a client that waits may do: look after its own registration. */
const ownRoutes = new Set(['registration', 'client', 'client_update', 'client_delete']);

function waiting(): Error {
	const text = 'This client waits for an administrator to enable it.';
	return Object.assign(new errors.InvalidClient(text), { status: 401, statusCode: 401, error_description: text });
}

/** A client that looks after its own registration. */
function itself(id: string, name: unknown = id): Actor {
	const caller = { kind: 'system', id, client: id, name: String(name) } as const;
	return { caller, address: Provider.ctx?.ip, requestId: requestOf(Provider.ctx) };
}

const never = async (): Promise<undefined> => undefined;

function clientAdapter(clients: ClientStore): Adapter {
	return {
		upsert: (id, payload) => clients.save(id, payload, itself(id, payload.client_name)),
		async find(id) {
			const found = await clients.load(id);
			const route = Provider.ctx?.oidc.route;
			if (found?.enabled === false && route !== undefined && !ownRoutes.has(route)) throw waiting();
			return found?.payload;
		},
		destroy: (id) => clients.remove(id, itself(id)),
		findByUid: never,
		findByUserCode: never,
		consume: never,
		revokeByGrantId: never,
	};
}
