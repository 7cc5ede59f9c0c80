// Registered applications in the database.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Payload } from 'oidc-provider';
import type { Audit } from '#access/audit/audit.ts';
import { type Action, type Actor, heron } from '#access/audit/event.ts';
import type { Database, Tx } from '#db/database.ts';
import { raw, sql } from '#db/sql.ts';
import { endGrant } from '#oauth/provider/items.ts';
import { scopesOf } from '#oauth/scopes/scopes.ts';
import { needsApproval, type Stored } from './registration.ts';

export type ClientRow = {
	readonly id: string;
	readonly name: string;
	readonly enabled: boolean;
	/** One of our own: nobody is asked to consent. */
	readonly trusted: boolean;
	readonly isPublic: boolean;
	readonly scopes: readonly string[];
	readonly redirectUris: readonly string[];
	/** Where an EHR launch of it begins. */
	readonly launchUri: string | undefined;
	readonly createdAt: Date;
};

export type ClientStore = {
	/** Stores metadata, the secret hashed. A new client, or one that now asks for more, may have to wait for an administrator. */
	save(id: string, payload: Payload, by?: Actor): Promise<void>;
	load(id: string): Promise<{ readonly payload: Payload; readonly enabled: boolean } | undefined>;
	/** Removes a client and ends everything that was issued to it. */
	remove(id: string, by?: Actor): Promise<void>;
	find(id: string): Promise<ClientRow | undefined>;
	list(): Promise<ClientRow[]>;
	/** The newest after the one whose id is `after`; those that wait only, if that is said. */
	page(which: { readonly waiting: boolean; readonly after?: string | undefined; readonly count: number }): Promise<ClientRow[]>;
	/** False when there is no such client. Disabling ends its tokens within a second. */
	setEnabled(id: string, enabled: boolean, by?: Actor): Promise<boolean>;
	setTrusted(id: string, trusted: boolean, by?: Actor): Promise<boolean>;
};

type Row = {
	readonly id: string;
	readonly metadata: Stored;
	readonly enabled: boolean;
	readonly trusted: boolean;
	readonly created_at: Date;
};

/** `approval`: `manual` lets those wait that `needsApproval` names, `automatic` none. Who changes something is told to the audit. */
export function createClientStore(db: Database, approval: 'manual' | 'automatic', audit: Audit): ClientStore {
	const tell = async (tx: Tx, by: Actor, interaction: string, id: string, detail = ''): Promise<void> => {
		if (audit.level === 'off') return;
		await audit.record(
			{ ...by, kind: 'configuration', interaction, action: actionOf(interaction), status: 200, detail: `${id} ${detail}`.trim() },
			tx,
		);
	};
	const set = (id: string, column: 'enabled' | 'trusted', value: boolean, by: Actor, interaction: string): Promise<boolean> =>
		db.tx(async (tx) => {
			const done = (await tx.execute(sql`UPDATE oauth.client SET ${raw(column)} = ${value}, changed_at = now() WHERE id = ${id}`)) > 0;
			if (done) await tell(tx, by, interaction, id);
			return done;
		});
	const select = sql`SELECT id, metadata, enabled, trusted, created_at FROM oauth.client`;
	return {
		async save(id, payload, by = heron) {
			const metadata = sealed(payload);
			const waits = approval === 'manual' && needsApproval(metadata);
			await db.tx(async (tx) => {
				const [before] = await tx.query<Row>(sql`${select} WHERE id = ${id} FOR UPDATE`);
				const enabled = before === undefined ? !waits : before.enabled && !(waits && asksForMore(before.metadata, metadata));
				await tx.execute(sql`
					INSERT INTO oauth.client (id, metadata, enabled) VALUES (${id}, ${JSON.stringify(metadata)}, ${enabled})
					ON CONFLICT (id) DO UPDATE SET metadata = excluded.metadata, enabled = excluded.enabled, changed_at = now()`);
				const state = `${enabled ? 'enabled' : 'waits'}: ${metadata.heron_scope ?? ''}`;
				await tell(tx, by, before === undefined ? 'client-registered' : 'client-changed', id, state);
			});
		},
		async load(id) {
			const [row] = await db.query<Row>({
				name: 'oauth_client',
				text: 'SELECT id, metadata, enabled, trusted, created_at FROM oauth.client WHERE id = $1',
				values: [id],
			});
			return row === undefined ? undefined : { payload: { ...row.metadata, heron_trusted: row.trusted }, enabled: row.enabled };
		},
		async remove(id, by = heron) {
			const grants = await db.query<{ grant_id: string }>(sql`SELECT grant_id FROM oauth.consent WHERE client_id = ${id}`);
			for (const { grant_id } of grants) await endGrant(db, grant_id);
			await db.tx(async (tx) => {
				await tx.execute(sql`DELETE FROM oauth.item WHERE client_id = ${id}`);
				await tx.execute(sql`DELETE FROM oauth.client WHERE id = ${id}`);
				await tell(tx, by, 'client-removed', id);
			});
		},
		async find(id) {
			const [row] = await db.query<Row>(sql`${select} WHERE id = ${id}`);
			return row === undefined ? undefined : rowOf(row);
		},
		async list() {
			return (await db.query<Row>(sql`${select} ORDER BY created_at DESC, id`)).map(rowOf);
		},
		async page({ waiting, after, count }) {
			const rows = await db.query<Row>(sql`
				${select} WHERE ${waiting ? sql`NOT enabled` : sql`true`}
				AND ${after === undefined ? sql`true` : sql`(created_at, id) < (SELECT created_at, id FROM oauth.client WHERE id = ${after})`}
				ORDER BY created_at DESC, id DESC LIMIT ${count}`);
			return rows.map(rowOf);
		},
		setEnabled: (id, enabled, by = heron) => set(id, 'enabled', enabled, by, enabled ? 'client-enabled' : 'client-disabled'),
		setTrusted: (id, trusted, by = heron) => set(id, 'trusted', trusted, by, trusted ? 'client-trusted' : 'client-distrusted'),
	};
}

function actionOf(interaction: string): Action {
	return interaction === 'client-registered' ? 'C' : interaction === 'client-removed' ? 'D' : 'U';
}

function rowOf({ id, metadata, enabled, trusted, created_at }: Row): ClientRow {
	return {
		id,
		name: metadata.client_name ?? id,
		enabled,
		trusted,
		isPublic: metadata.token_endpoint_auth_method === 'none',
		scopes: scopesOf(metadata.heron_scope),
		redirectUris: metadata.redirect_uris ?? [],
		launchUri: metadata.heron_launch_uri,
		createdAt: created_at,
	};
}

/** Whether a change gives a client a reach or an address that nobody has approved. */
function asksForMore(before: Stored, after: Stored): boolean {
	const known = new Set(scopesOf(before.heron_scope));
	const addresses = new Set([...(before.redirect_uris ?? []), before.heron_launch_uri, before.jwks_uri]);
	const named = [...(after.redirect_uris ?? []), after.heron_launch_uri, after.jwks_uri].filter((uri) => uri !== undefined);
	return (
		scopesOf(after.heron_scope).some((scope) => !known.has(scope)) ||
		named.some((uri) => !addresses.has(uri as string)) ||
		before.token_endpoint_auth_method !== after.token_endpoint_auth_method
	);
}

const mark = 'sha256:';

/** The text kept of a client's secret. */
export function hashSecret(secret: string): string {
	return `${mark}${createHash('sha256').update(secret).digest('base64url')}`;
}

/** Whether a secret is the one that was kept; takes the same time for every wrong one. */
export function isSecret(given: string, kept: unknown): boolean {
	if (typeof kept !== 'string' || !kept.startsWith(mark)) return false;
	const [a, b] = [Buffer.from(hashSecret(given)), Buffer.from(kept)];
	return a.length === b.length && timingSafeEqual(a, b);
}

function sealed({ heron_trusted: _, ...payload }: Payload): Stored {
	const { client_secret: secret } = payload;
	if (typeof secret !== 'string' || secret.startsWith(mark)) return payload as Stored;
	return { ...payload, client_secret: hashSecret(secret) } as Stored;
}
