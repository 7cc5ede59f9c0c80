// Reading from streaming replicas (https://www.postgresql.org/docs/current/warm-standby.html#STREAMING-REPLICATION) without going back in
// time: a replica serves a reader only when it is known to have everything that was committed up to a moment.
import type { PoolConfig } from 'pg';
import type { Log } from '#base/log.ts';
import { Problem } from '#base/problem.ts';
import { type Database, openDatabase, type Querier } from './database.ts';
import { raw, sql } from './sql.ts';

export type Replicas = {
	/**
	 * Where to read for somebody who last wrote at this moment (milliseconds, 0 for never): a replica that has replayed everything up to
	 * then and is not far behind, in turn; the primary when there is none. Only statements and read-only transactions go to the replica.
	 */
	readonly reader: (lastWrite: number) => Database;
	/** How many of the replicas are fit at the moment. */
	readonly fit: () => number;
	close(): Promise<void>;
};

export type ReplicaOptions = {
	readonly log: Log;
	readonly everyMs?: number;
	/** A replica further behind than this is not read from. */
	readonly maxLagMs?: number;
};

type Mark = { readonly at: number; readonly position: bigint };
type Replica = {
	readonly db: Database;
	readonly number: number /** It has all that was committed before this moment. */;
	freshAsOf: number;
	fit: boolean;
};

const marksKept = 600;

/** Opens the replicas and keeps watching how far each is. */
export function openReplicas(primary: Database, configs: readonly PoolConfig[], options: ReplicaOptions): Replicas {
	const { log, everyMs = 250, maxLagMs = 10_000 } = options;
	const replicas: Replica[] = configs.map((config, index) => ({ db: openDatabase(config), number: index + 1, freshAsOf: 0, fit: false }));
	const marks: Mark[] = [];
	let turn = 0;
	let closed = false;
	let looking: Promise<void> = Promise.resolve();

	const unfit = (replica: Replica, why: string): void => {
		if (replica.fit) log.warn({ replica: replica.number, why }, 'a replica is not read from for now');
		replica.fit = false;
		replica.freshAsOf = 0;
	};
	const look = async (): Promise<void> => {
		const mark = await markOf(primary).catch(() => undefined);
		if (mark !== undefined) {
			marks.push(mark);
			if (marks.length > marksKept) marks.shift();
		}
		await Promise.all(
			replicas.map(async (replica) => {
				try {
					const position = await replayed(replica.db);
					const reached = position === undefined ? undefined : marks.findLast((one) => one.position <= position);
					if (reached === undefined) return unfit(replica, position === undefined ? 'it is not a replica' : 'it is far behind');
					replica.freshAsOf = reached.at;
					if (!replica.fit) log.info({ replica: replica.number }, 'a replica is read from');
					replica.fit = true;
				} catch {
					unfit(replica, 'it cannot be reached');
				}
			}),
		);
	};
	const watch = (): void => {
		looking = looking.then(() => (closed ? undefined : look()));
	};
	const timer = replicas.length === 0 ? undefined : setInterval(watch, everyMs).unref();
	if (timer !== undefined) watch();

	return {
		reader(lastWrite) {
			const since = Math.max(lastWrite, Date.now() - maxLagMs);
			for (let i = 0; i < replicas.length; i++) {
				const replica = replicas[turn++ % replicas.length] as Replica;
				if (replica.fit && replica.freshAsOf > since) return over(primary, replica, (why) => unfit(replica, why));
			}
			return primary;
		},
		fit: () => replicas.filter(({ fit }) => fit).length,
		async close() {
			closed = true;
			clearInterval(timer);
			await looking;
			await Promise.all(replicas.map(({ db }) => db.close()));
		},
	};
}

/** Everything acknowledged before `at` is in the log up to `position`. */
async function markOf(primary: Querier): Promise<Mark> {
	const at = Date.now();
	const [row] = await primary.rows(raw(`SELECT (pg_current_wal_flush_lsn() - '0/0')::text`));
	return { at, position: BigInt(row?.[0] as string) };
}

async function replayed(replica: Querier): Promise<bigint | undefined> {
	const [row] = await replica.rows(sql`SELECT (pg_last_wal_replay_lsn() - '0/0')::text WHERE pg_is_in_recovery()`);
	const position = row?.[0] as string | null | undefined;
	return position === undefined || position === null ? undefined : BigInt(position);
}

/** The replica for reading, the primary for all else and when the replica fails. */
function over(primary: Database, { db }: Replica, failed: (why: string) => void): Database {
	const attempt = async <T>(work: (on: Database) => Promise<T>): Promise<T> => {
		try {
			return await work(db);
		} catch (error) {
			const away = error instanceof Problem && error.kind === 'unavailable';
			if (away) failed('it failed a reader');
			// 40001: the primary removed what the reader still needed; 25006: it is asked to write.
			else if (!/^(40001|40P01|25006)$/.test((error as { code?: string }).code ?? '')) throw error;
			return work(primary);
		}
	};
	return {
		...primary,
		query: (statement) => attempt((on) => on.query(statement)) as never,
		rows: (statement) => attempt((on) => on.rows(statement)),
		session: (work) => attempt((on) => on.session(work)),
		tx: (work, mode = {}) => (mode.readOnly === true ? attempt((on) => on.tx(work, mode)) : primary.tx(work, mode)),
	};
}
