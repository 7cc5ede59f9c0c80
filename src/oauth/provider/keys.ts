// The keys that sign id tokens: sealed in the database, rotated, and published until the last token they signed has expired.
import { createPublicKey, generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, type JWK } from 'jose';
import type { Clock } from '#base/clock.ts';
import type { Log } from '#base/log.ts';
import { Problem } from '#base/problem.ts';
import type { Database, Querier } from '#db/database.ts';
import { raw, sql } from '#db/sql.ts';
import type { Sealer } from '#oauth/accounts/sealing.ts';

const generate = promisify(generateKeyPair);

const algs = ['RS256', 'ES384'] as const;
type Alg = (typeof algs)[number];

/** Other processes and clients learn of a new key before it signs. */
const headStartMs = 60_000;
/** How long a key is published after another took over. */
const publishedMs = 25 * 3_600_000;
const lockKey = 4_833_130;

export type SigningKeys = {
	/** Private keys as JWKs; of each algorithm the one that signs comes first. */
	readonly jwks: readonly JWK[];
	/** Changes when the list or its order does. */
	readonly version: string;
};

export type Keys = {
	/** The present keys; makes them when there are none that can be opened. */
	load(): Promise<SigningKeys>;
	/** Makes new keys, which sign after a minute, and removes those that no valid token needs. Gives the new ids. */
	rotate(): Promise<string[]>;
	list(): Promise<{ readonly kid: string; readonly alg: string; readonly createdAt: Date; readonly useFrom: Date }[]>;
};

type Row = { readonly kid: string; readonly alg: Alg; readonly sealed: Buffer; readonly use_from: Date; readonly created_at: Date };

export function createKeys({
	db,
	sealer,
	clock,
	log,
}: {
	readonly db: Database;
	readonly sealer: Sealer;
	readonly clock: Clock;
	readonly log: Log;
}): Keys {
	const rows = (on: Querier): Promise<Row[]> =>
		on.query<Row>(raw('SELECT kid, alg, sealed, use_from, created_at FROM oauth.key ORDER BY use_from DESC, alg DESC, kid'));
	const opened = (row: Row): JWK | undefined => {
		try {
			return {
				...(JSON.parse(sealer.open(about(row.kid), row.sealed).toString('utf8')) as JWK),
				kid: row.kid,
				alg: row.alg,
				use: 'sig',
			};
		} catch (error) {
			if (!(error instanceof Problem)) throw error;
			log.warn({ kid: row.kid }, 'a signing key was sealed with another secret.key and cannot be used');
			return undefined;
		}
	};
	const arranged = (all: readonly Row[]): SigningKeys => {
		const now = clock.now();
		// The newest that may sign is first; those to come are published behind it.
		const order = [...all.filter(({ use_from }) => use_from <= now), ...all.filter(({ use_from }) => use_from > now)];
		const jwks = order.flatMap((row) => opened(row) ?? []);
		return { jwks, version: jwks.map(({ kid }) => kid).join(' ') };
	};
	const lacking = ({ jwks }: SigningKeys): Alg[] => algs.filter((alg) => !jwks.some((jwk) => jwk.alg === alg));
	return {
		async load() {
			const present = arranged(await rows(db));
			if (lacking(present).length === 0) return present;
			return db.tx(async (tx) => {
				await tx.execute(sql`SELECT pg_advisory_xact_lock(${lockKey})`);
				const now = clock.now();
				for (const alg of lacking(arranged(await rows(tx)))) await add(tx, alg, sealer, now);
				return arranged(await rows(tx));
			});
		},
		rotate: () =>
			db.tx(async (tx) => {
				await tx.execute(sql`SELECT pg_advisory_xact_lock(${lockKey})`);
				const now = clock.now().getTime();
				await tx.execute(sql`
					DELETE FROM oauth.key k WHERE EXISTS (
						SELECT 1 FROM oauth.key n WHERE n.alg = k.alg AND n.use_from > k.use_from AND n.use_from < ${new Date(now - publishedMs)})`);
				const made: string[] = [];
				for (const alg of algs) made.push(await add(tx, alg, sealer, new Date(now + headStartMs)));
				return made;
			}),
		async list() {
			return (await rows(db)).map(({ kid, alg, created_at, use_from }) => ({ kid, alg, createdAt: created_at, useFrom: use_from }));
		},
	};
}

function about(kid: string): string {
	return `signing key ${kid}`;
}

async function add(db: Querier, alg: Alg, sealer: Sealer, useFrom: Date): Promise<string> {
	const { privateKey } = alg === 'RS256' ? await generate('rsa', { modulusLength: 2048 }) : await generate('ec', { namedCurve: 'P-384' });
	const jwk = privateKey.export({ format: 'jwk' });
	const kid = await calculateJwkThumbprint(createPublicKey(privateKey).export({ format: 'jwk' }) as JWK);
	const sealed = sealer.seal(about(kid), Buffer.from(JSON.stringify(jwk)));
	await db.execute(sql`INSERT INTO oauth.key (kid, alg, sealed, use_from) VALUES (${kid}, ${alg}, ${sealed}, ${useFrom})`);
	return kid;
}
