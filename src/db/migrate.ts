// Brings a database to the present schema: numbered .sql files, each once, and tables generated from code, all in one transaction under
// a lock, so that several processes may start at the same time.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '#base/problem.ts';
import type { Database, Querier, Tx } from './database.ts';
import { raw, sql } from './sql.ts';

/** A part of the schema that code writes. Its statements can be run again on what they made before. */
export type Generated = {
	readonly name: string;
	/** Changes whenever the statements do. */
	readonly fingerprint: string;
	readonly statements: () => readonly string[];
};

/** Names of what was run; empty when the database was up to date. */
export type Migrated = { readonly ran: readonly string[] };

const lockKey = 4_833_110;

const ownFolder = join(import.meta.dirname, 'migrations');

/**
 * Runs what is missing. Throws Problem fault `migration-changed` when a file that ran here has since been edited, and
 * `database-newer` when the database has migrations this program does not know.
 */
export async function migrate(db: Database, generated: readonly Generated[] = [], folder = ownFolder): Promise<Migrated> {
	const files = migrationsIn(folder);
	if ((await currentFingerprint(db)) === fingerprintOfAll(files, generated)) return { ran: [] };
	return db.tx((tx) => migrateWithin(tx, generated, () => true, folder));
}

/** The same within a transaction, with only those of the numbered files that are `wanted`. Throws as `migrate` does. */
export async function migrateWithin(
	tx: Tx,
	generated: readonly Generated[],
	wanted: (name: string) => boolean = () => true,
	folder = ownFolder,
): Promise<Migrated> {
	const files = migrationsIn(folder);
	await tx.execute(sql`SELECT pg_advisory_xact_lock(${lockKey})`);
	await tx.execute(
		raw(`CREATE TABLE IF NOT EXISTS public.heron_migration (
			name text PRIMARY KEY, hash text NOT NULL, ran_at timestamptz NOT NULL DEFAULT now())`),
	);
	const done = await migrationsOf(tx);
	refuseStrangers(done, files);
	const ran: string[] = [];
	for (const { name, hash, text } of files) {
		if (done.has(name) || !wanted(name)) continue;
		await tx.execute(raw(text));
		await record(tx, name, hash);
		ran.push(name);
	}
	for (const one of generated) {
		if (done.get(`generated:${one.name}`) === one.fingerprint) continue;
		await tx.execute(raw(one.statements().join(';\n')));
		await record(tx, `generated:${one.name}`, one.fingerprint);
		ran.push(one.name);
	}
	if (files.every(({ name }) => wanted(name))) await record(tx, 'all', fingerprintOfAll(files, generated));
	return { ran };
}

/** What ran on a database, by name, with its hash; undefined when it was never migrated. */
export async function migrationsRun(db: Querier): Promise<ReadonlyMap<string, string> | undefined> {
	const [there] = await db.rows(raw(`SELECT to_regclass('public.heron_migration') IS NOT NULL`));
	return there?.[0] === true ? migrationsOf(db) : undefined;
}

/** Numbered migrations this program knows, with their hashes. */
export function knownMigrations(folder = ownFolder): ReadonlyMap<string, string> {
	return new Map(migrationsIn(folder).map(({ name, hash }) => [name, hash]));
}

async function migrationsOf(db: Querier): Promise<Map<string, string>> {
	const rows = await db.query<{ name: string; hash: string }>(raw('SELECT name, hash FROM public.heron_migration'));
	return new Map(rows.map(({ name, hash }) => [name, hash]));
}

type File = { readonly name: string; readonly hash: string; readonly text: string };

function migrationsIn(folder: string): File[] {
	const names = readdirSync(folder)
		.filter((name) => /^\d{4}_[a-z0-9_]+\.sql$/.test(name))
		.sort();
	return names.map((name) => {
		const text = readFileSync(join(folder, name), 'utf8');
		return { name, text, hash: fingerprintOf([text]) };
	});
}

function fingerprintOf(texts: readonly string[]): string {
	const hash = createHash('sha256');
	for (const text of texts) hash.update(text).update('\0');
	return hash.digest('hex').slice(0, 32);
}

function fingerprintOfAll(files: readonly File[], generated: readonly Generated[]): string {
	return fingerprintOf([...files.map(({ name, hash }) => name + hash), ...generated.map((one) => one.name + one.fingerprint)]);
}

/** What the last run left; undefined in a database that was never migrated. */
async function currentFingerprint(db: Querier): Promise<string | undefined> {
	return (await migrationsRun(db))?.get('all');
}

function refuseStrangers(done: ReadonlyMap<string, string>, files: readonly File[]): void {
	const known = new Map(files.map(({ name, hash }) => [name, hash]));
	for (const [name, hash] of done) {
		if (!name.endsWith('.sql')) continue;
		if (!known.has(name)) {
			throw new Problem('fault', 'database-newer', `The database was made by a newer Heron: migration ${name} is not known here.`);
		}
		if (known.get(name) !== hash) {
			throw new Problem('fault', 'migration-changed', `Migration ${name} was changed after it ran on this database.`);
		}
	}
}

async function record(tx: Tx, name: string, hash: string): Promise<void> {
	await tx.execute(sql`INSERT INTO public.heron_migration (name, hash) VALUES (${name}, ${hash})
		ON CONFLICT (name) DO UPDATE SET hash = excluded.hash, ran_at = now()`);
}
