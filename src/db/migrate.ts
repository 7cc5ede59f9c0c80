// Brings a database to the present schema: numbered .sql files, each once, and tables generated from code, all in one transaction under
// a lock, so that several processes may start at the same time.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '#base/problem.ts';
import type { Database, Tx } from './database.ts';
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

/**
 * Runs what is missing. Throws Problem fault `migration-changed` when a file that ran here has since been edited, and
 * `database-newer` when the database has migrations this program does not know.
 */
export async function migrate(
	db: Database,
	generated: readonly Generated[] = [],
	folder = join(import.meta.dirname, 'migrations'),
): Promise<Migrated> {
	const files = migrationsIn(folder);
	const wanted = fingerprintOf([...files.map(({ name, hash }) => name + hash), ...generated.map((one) => one.name + one.fingerprint)]);
	if ((await currentFingerprint(db)) === wanted) return { ran: [] };
	return db.tx(async (tx) => {
		await tx.execute(sql`SELECT pg_advisory_xact_lock(${lockKey})`);
		await tx.execute(
			raw(`CREATE TABLE IF NOT EXISTS public.heron_migration (
				name text PRIMARY KEY, hash text NOT NULL, ran_at timestamptz NOT NULL DEFAULT now())`),
		);
		const rows = await tx.query<{ name: string; hash: string }>(raw('SELECT name, hash FROM public.heron_migration'));
		const done = new Map(rows.map(({ name, hash }) => [name, hash]));
		refuseStrangers(done, files);
		const ran: string[] = [];
		for (const { name, hash, text } of files) {
			if (done.has(name)) continue;
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
		await record(tx, 'all', wanted);
		return { ran };
	});
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

/** What the last run left; undefined in a database that was never migrated. */
async function currentFingerprint(db: Database): Promise<string | undefined> {
	const [there] = await db.rows(raw(`SELECT to_regclass('public.heron_migration') IS NOT NULL`));
	if (there?.[0] !== true) return undefined;
	const [row] = await db.rows(raw(`SELECT hash FROM public.heron_migration WHERE name = 'all'`));
	return row?.[0] as string | undefined;
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
