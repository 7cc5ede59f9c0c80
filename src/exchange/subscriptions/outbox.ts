// The tables of events (db/migrations/0050_events.sql): what changed, which subscriptions are in force, what each has to be told.
import type { Database, Querier } from '#db/database.ts';
import { raw, sql } from '#db/sql.ts';
import type { Event } from './notification.ts';

export type Change = {
	readonly seq: number;
	readonly type: string;
	readonly id: string;
	readonly version: number;
	readonly op: 'C' | 'U' | 'D';
	readonly at: Date;
};

type ChangeRow = { seq: string; type: string; id: string; ver: number; op: 'C' | 'U' | 'D'; at: Date };

/** The oldest changes that nothing older can still come before, in the order of their writing. */
export async function nextChanges(db: Querier, limit: number): Promise<Change[]> {
	const rows = await db.query<ChangeRow>(
		sql`SELECT seq, type, id, ver, op, at FROM events.outbox WHERE xid < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY seq LIMIT ${limit}`,
	);
	return rows.map(({ seq, type, id, ver, op, at }) => ({ seq: Number(seq), type, id, version: ver, op, at }));
}

/** Changes that came with a backup of another cluster have numbers of transactions from there: they are as good as done here. */
export async function adoptChanges(db: Querier): Promise<void> {
	await db.execute(sql`UPDATE events.outbox SET xid = pg_current_xact_id() WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())`);
}

export async function forgetChanges(tx: Querier, changes: readonly Change[]): Promise<void> {
	await tx.execute(sql`DELETE FROM events.outbox WHERE seq = ANY(${changes.map(({ seq }) => seq)}::int8[])`);
}

/** Gives changes their numbers among the events of a subscription. */
export async function addEvents(tx: Querier, subscription: string, changes: readonly Change[]): Promise<void> {
	if (changes.length === 0) return;
	const [row] = await tx.query<{ number: string }>(
		sql`UPDATE events.subscription SET number = number + ${changes.length} WHERE id = ${subscription} RETURNING number`,
	);
	// It ended in the meantime.
	if (row === undefined) return;
	const first = Number(row.number) - changes.length + 1;
	await tx.execute(sql`INSERT INTO events.delivery (subscription, number, type, id, ver, op, at)
		SELECT ${subscription}, ${first} + u.n - 1, u.type, u.id, u.ver, u.op::"char", u.at FROM unnest(
			${changes.map(({ type }) => type)}::text[], ${changes.map(({ id }) => id)}::text[], ${changes.map(({ version }) => version)}::int4[],
			${changes.map(({ op }) => op)}::text[], ${changes.map(({ at }) => at.toISOString())}::timestamptz[]) WITH ORDINALITY AS u (type, id, ver, op, at, n)`);
}

export type Force = {
	readonly id: string;
	readonly hash: string;
	readonly number: number;
	readonly failures: number;
	readonly failingSince: Date | undefined;
	readonly secret: number;
};

type ForceRow = { id: string; hash: string; number: string; failures: number; failing_since: Date | null; secret: number };
const force = ({ id, hash, number, failures, failing_since, secret }: ForceRow): Force => ({
	id,
	hash,
	number: Number(number),
	failures,
	failingSince: failing_since ?? undefined,
	secret,
});

export async function inForce(db: Querier, id: string): Promise<Force | undefined> {
	const [row] = await db.query<ForceRow>(
		sql`SELECT id, hash, number, failures, failing_since, secret FROM events.subscription WHERE id = ${id}`,
	);
	return row === undefined ? undefined : force(row);
}

export async function allInForce(db: Querier): Promise<Force[]> {
	return (await db.query<ForceRow>(sql`SELECT id, hash, number, failures, failing_since, secret FROM events.subscription ORDER BY id`)).map(
		force,
	);
}

/** Puts a subscription in force; one that was goes on with its numbers and what it was not told yet. */
export async function begin(db: Querier, id: string, hash: string): Promise<void> {
	await db.execute(sql`INSERT INTO events.subscription (id, hash) VALUES (${id}, ${hash})
		ON CONFLICT (id) DO UPDATE SET hash = excluded.hash, failures = 0, failing_since = NULL, next_at = now(), sent_at = now()`);
}

export async function end(db: Querier, id: string): Promise<void> {
	await db.execute(sql`DELETE FROM events.subscription WHERE id = ${id}`);
}

/** Subscriptions that have something to be told, or have been silent for longer than `silent` says (seconds by id). */
export async function due(db: Querier, silent: ReadonlyMap<string, number>): Promise<{ id: string; heartbeat: boolean }[]> {
	const rows = await db.query<{ id: string; heartbeat: boolean }>(sql`SELECT s.id, NOT e.open AS heartbeat
		FROM events.subscription s
		CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM events.delivery d WHERE d.subscription = s.id AND d.delivered_at IS NULL) AS open) e
		LEFT JOIN unnest(${[...silent.keys()]}::text[], ${[...silent.values()]}::float8[]) AS h (id, seconds) ON h.id = s.id
		WHERE s.next_at <= now() AND (e.open OR s.sent_at < now() - make_interval(secs => h.seconds))`);
	return rows;
}

type EventRow = { number: string; type: string; id: string; ver: number; op: 'C' | 'U'; at: Date };
const event = ({ number, type, id, ver, op, at }: EventRow): Event => ({ number: Number(number), type, id, version: ver, op, at });

/** The oldest events that it was not told. */
export async function undelivered(db: Querier, subscription: string, limit: number): Promise<Event[]> {
	const rows = await db.query<EventRow>(sql`SELECT number, type, id, ver, op, at FROM events.delivery
		WHERE subscription = ${subscription} AND delivered_at IS NULL ORDER BY number LIMIT ${limit}`);
	return rows.map(event);
}

/** Events by number, delivered or not; those older than a week are gone. */
export async function eventsBetween(db: Querier, subscription: string, since: number, until: number, limit: number): Promise<Event[]> {
	const rows = await db.query<EventRow>(sql`SELECT number, type, id, ver, op, at FROM events.delivery
		WHERE subscription = ${subscription} AND number BETWEEN ${since} AND ${until} ORDER BY number LIMIT ${limit}`);
	return rows.map(event);
}

export async function delivered(db: Querier, subscription: string, numbers: readonly number[]): Promise<void> {
	await db.execute(sql`WITH done AS (UPDATE events.delivery SET delivered_at = now() WHERE subscription = ${subscription} AND number = ANY(${[...numbers]}::int8[]))
		UPDATE events.subscription SET failures = 0, failing_since = NULL, next_at = now(), sent_at = now() WHERE id = ${subscription}`);
}

/** Notes a failure: the next attempt is in `seconds`. */
export async function failed(db: Querier, subscription: string, seconds: number): Promise<void> {
	await db.execute(sql`UPDATE events.subscription SET failures = failures + 1, failing_since = coalesce(failing_since, now()),
		next_at = now() + make_interval(secs => ${seconds}) WHERE id = ${subscription}`);
}

export async function newSecret(db: Querier, subscription: string): Promise<void> {
	await db.execute(sql`UPDATE events.subscription SET secret = secret + 1 WHERE id = ${subscription}`);
}

export async function forgetDelivered(db: Querier): Promise<void> {
	await db.execute(sql`DELETE FROM events.delivery WHERE delivered_at < now() - interval '7 days'`);
}

/** Sees to it that changes of these types, and of no others, are noted. Waits for writes of a type that is new here. */
export async function noteChangesOf(db: Database, types: ReadonlySet<string>): Promise<void> {
	const rows = await db.query<{
		table: string;
	}>(sql`SELECT c.relname AS table FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = 'fhir' AND t.tgname = 'note_insert'`);
	const wanted = new Map([...types].map((type) => [type.toLowerCase(), type]));
	const present = new Set(rows.map(({ table }) => table));
	const statements = [
		...[...wanted].filter(([table]) => !present.has(table)).map(([table, type]) => triggersOn(table, type)),
		...[...present].filter((table) => !wanted.has(table)).map(noTriggersOn),
	];
	for (const list of statements)
		await db.tx(async (tx) => {
			await tx.execute(raw("SET LOCAL lock_timeout = '10s'"));
			for (const statement of list) await tx.execute(raw(statement));
		});
}

function triggersOn(table: string, type: string): string[] {
	const on = (act: string, fresh: string) =>
		`CREATE TRIGGER note_${act} AFTER ${act.toUpperCase()} ON fhir."${table}" REFERENCING ${fresh} FOR EACH STATEMENT EXECUTE FUNCTION events.note_${act}('${type}')`;
	return [on('insert', 'NEW TABLE AS fresh'), on('update', 'OLD TABLE AS former NEW TABLE AS fresh'), on('delete', 'OLD TABLE AS former')];
}

function noTriggersOn(table: string): string[] {
	return ['insert', 'update', 'delete'].map((act) => `DROP TRIGGER IF EXISTS note_${act} ON fhir."${table}"`);
}
