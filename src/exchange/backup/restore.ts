// A restore: everything of a backup or nothing. The file is read once to be sure of it and once more to take it in.
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { from as copyFrom } from 'pg-copy-streams';
import { type Blobs, blobKey } from '#base/blobs.ts';
import type { Database, Tx } from '#db/database.ts';
import { type Generated, knownMigrations, migrate, migrateWithin, migrationsRun } from '#db/migrate.ts';
import { raw, sql } from '#db/sql.ts';
import { isEmpty, ownTables, seeded, type Table } from '#db/tables.ts';
import { readArchive, verifyArchive } from './archive.ts';
import { type Manifest, partName } from './backup.ts';
import { named } from './dump.ts';
import { backupBroken, backupNewer, countsDiffer, targetDiffers, targetInUse, targetNotEmpty } from './problems.ts';

const gunzipAsync = promisify(gunzip);

export type RestoreOptions = {
	readonly db: Database;
	readonly blobs: Blobs;
	readonly dataDir: string;
	readonly generated: readonly Generated[];
	readonly path: string;
	/** Replaces what is there. */
	readonly force: boolean;
	readonly onProgress?: (progress: { readonly step: 'verifying' | 'restoring'; readonly bytes: number }) => void;
};

/**
 * Brings a backup into the database of an installation that no server works on. Throws Problem invalid `backup-broken`, conflict
 * `target-not-empty`, `target-in-use`, `target-differs` or `backup-newer`, having changed nothing.
 */
export async function restore(options: RestoreOptions): Promise<Manifest> {
	const { db, path, generated, onProgress = () => undefined } = options;
	const counter = (step: 'verifying' | 'restoring') => {
		let bytes = 0;
		return (read: number): void => {
			bytes += read;
			onProgress({ step, bytes });
		};
	};
	const manifest = await verifyArchive<Manifest>(path, counter('verifying'));
	if (manifest.format !== 'heron-backup') throw backupBroken('it is something else');
	if (manifest.formatVersion !== 1) throw backupNewer(`version ${manifest.formatVersion} of the format`);
	for (const [name, hash] of Object.entries(manifest.migrations))
		if (knownMigrations().get(name) !== hash) throw backupNewer(`migration ${name}`);
	await refuseBusy(db);
	const files = await db.tx(async (tx) => {
		await prepareTarget(tx, manifest, options);
		const held = await load(tx, manifest, options, counter('restoring'));
		for (const { schema, name, last, called } of manifest.sequences) {
			await tx.rows(sql`SELECT setval(${`"${schema}"."${name}"`}::regclass, ${last}::int8, ${called})`);
		}
		return held;
	});
	for (const [name, bytes] of files) await placeFile(join(options.dataDir, name), bytes);
	await migrate(db, generated);
	await db.execute(raw('ANALYZE'));
	return manifest;
}

const sessionsEndWithinMs = 3000;

/** Refuses while other sessions of Heron are on the same database; those of a server that has just stopped are gone in a moment. */
async function refuseBusy(db: Database): Promise<void> {
	for (let waited = 0; ; waited += 100) {
		const [row] = await db.rows(
			raw(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'heron'`),
		);
		if (Number(row?.[0]) === 0) return;
		if (waited >= sessionsEndWithinMs) throw targetInUse(Number(row?.[0]));
		await sleep(100);
	}
}

/** Empty tables of the schema that the backup was made from. */
async function prepareTarget(tx: Tx, manifest: Manifest, { generated, force }: RestoreOptions): Promise<void> {
	const wanted = Object.keys(manifest.migrations);
	const ran = await migrationsRun(tx);
	if (ran === undefined) await migrateWithin(tx, generated, (name) => wanted.includes(name));
	else {
		const numbered = [...ran.keys()].filter((name) => name.endsWith('.sql'));
		if (numbered.length !== wanted.length || !numbered.every((name) => wanted.includes(name))) throw targetDiffers();
		const tables = (await ownTables(tx)).filter(({ name }) => name !== 'heron_migration' && !seeded.includes(name));
		const filled: Table[] = [];
		for (const table of tables) if (!(await isEmpty(tx, [table]))) filled.push(table);
		if (filled.length > 0 && !force) throw targetNotEmpty();
		if (filled.length > 0) await tx.execute(raw(`SELECT set_config('heron.restoring', 'on', true)`));
		if (filled.length > 0)
			await tx.execute(raw(`TRUNCATE ${filled.map(({ schema, name }) => `"${schema}"."${name}"`).join(', ')} CASCADE`));
	}
	for (const { schema, name } of manifest.tables) if (seeded.includes(name)) await tx.execute(raw(`TRUNCATE "${schema}"."${name}"`));
	const there = new Map((await ownTables(tx)).map((table) => [`${table.schema}.${table.name}`, table]));
	for (const { schema, name, columns } of manifest.tables) {
		const known = there.get(`${schema}.${name}`)?.columns;
		const strange = columns.find((column) => known?.includes(column) !== true);
		if (strange !== undefined) throw backupNewer(`column ${strange} of ${schema}.${name}`);
	}
}

/** Takes in tables and binaries, and gives the small files, which have their place when all else has. */
async function load(tx: Tx, manifest: Manifest, options: RestoreOptions, onRead: (bytes: number) => void): Promise<Map<string, Buffer>> {
	const { blobs, path } = options;
	const files = new Map<string, Buffer>();
	const byPrefix = new Map(manifest.tables.map((table) => [dirname(partName(table, 1)), table]));
	const rows = new Map<string, number>();
	for await (const { name, bytes } of readArchive(path, onRead)) {
		const table = byPrefix.get(dirname(name));
		if (table !== undefined) rows.set(dirname(name), (rows.get(dirname(name)) ?? 0) + (await copyPart(tx, table, bytes)));
		else if (name.startsWith('blobs/')) {
			if (blobKey(bytes) !== name.slice('blobs/'.length)) throw backupBroken(`${name} is not what its name says`);
			await blobs.put(bytes);
		} else if (name.startsWith('files/') && manifest.files.includes(name.slice('files/'.length))) {
			files.set(name.slice('files/'.length), bytes);
		}
	}
	for (const [prefix, table] of byPrefix) {
		const found = rows.get(prefix) ?? 0;
		if (found !== table.rows) throw countsDiffer(`${table.schema}.${table.name}`, table.rows, found);
	}
	return files;
}

async function copyPart(tx: Tx, table: Table, part: Buffer): Promise<number> {
	const into = tx.client.query(copyFrom(`COPY ${named(table)} FROM STDIN`));
	await pipeline(Readable.from([await gunzipAsync(part)]), into);
	return into.rowCount ?? 0;
}

async function placeFile(path: string, bytes: Buffer): Promise<void> {
	await mkdir(dirname(path), { recursive: true });
	const draft = `${path}.${process.pid}`;
	await writeFile(draft, bytes, { mode: 0o600 });
	await rename(draft, path);
}
