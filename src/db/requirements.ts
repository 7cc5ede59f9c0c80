// What Heron needs of a PostgreSQL that it did not start itself.
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '#base/problem.ts';
import type { Database } from './database.ts';
import { raw } from './sql.ts';

export type ServerFacts = {
	/** e.g. "18.4". */
	readonly version: string;
	readonly encoding: string;
	readonly fsync: boolean;
	readonly checksums: boolean;
	/** A replica takes no writes. */
	readonly replica: boolean;
	readonly maxConnections: number;
};

const oldest = 15;

/** What the server says of itself. Throws Problem unavailable `database-unavailable` when it cannot be reached. */
export async function serverFacts(db: Database): Promise<ServerFacts> {
	const [row] = await db.query<{ version: string; encoding: string; fsync: string; checksums: string; replica: boolean; max: string }>(
		raw(`SELECT current_setting('server_version') AS version, pg_encoding_to_char(encoding) AS encoding, current_setting('fsync') AS fsync,
			current_setting('data_checksums') AS checksums, pg_is_in_recovery() AS replica, current_setting('max_connections') AS max
			FROM pg_database WHERE datname = current_database()`),
	);
	if (row === undefined) throw new Problem('fault', 'database-unknown', 'The database does not know itself.');
	return {
		version: row.version.split(' ')[0] as string,
		encoding: row.encoding,
		fsync: row.fsync === 'on',
		checksums: row.checksums === 'on',
		replica: row.replica,
		maxConnections: Number(row.max),
	};
}

/**
 * Waits until the database takes connections, for as long as it is merely away, then checks it. Throws Problem unavailable
 * `database-unavailable` after `patienceMs`, `database-refused` when it does not let us in, `database-too-old`, `database-encoding` and
 * `database-is-replica`.
 */
export async function requireServer(db: Database, patienceMs: number): Promise<ServerFacts> {
	const facts = await reach(db, patienceMs);
	if (Number.parseInt(facts.version, 10) < oldest) {
		throw new Problem('unavailable', 'database-too-old', `The database is PostgreSQL ${facts.version}; Heron needs ${oldest} or newer.`);
	}
	if (facts.encoding !== 'UTF8') {
		throw new Problem('unavailable', 'database-encoding', `The database stores ${facts.encoding}; Heron needs one with ENCODING 'UTF8'.`);
	}
	if (facts.replica) {
		throw new Problem(
			'unavailable',
			'database-is-replica',
			'The database is a replica and takes no writes: DATABASE_URL names the primary.',
		);
	}
	return facts;
}

async function reach(db: Database, patienceMs: number): Promise<ServerFacts> {
	const deadline = Date.now() + patienceMs;
	for (;;) {
		try {
			return await serverFacts(db);
		} catch (error) {
			if (!(error instanceof Problem)) throw refused(error);
			if (Date.now() > deadline) throw error;
			await sleep(250);
		}
	}
}

/** SQLSTATE classes 28 (who we are) and 3D (which database), https://www.postgresql.org/docs/current/errcodes-appendix.html. */
function refused(error: unknown): unknown {
	const { code, message } = error as { code?: string; message?: string };
	return code !== undefined && /^(28|3D|42501)/.test(code)
		? new Problem('unavailable', 'database-refused', `The database does not let Heron in: ${message}.`, { cause: error })
		: error;
}
