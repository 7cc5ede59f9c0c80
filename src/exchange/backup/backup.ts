// A backup: the whole database from one snapshot, large binaries, packages, the certificate and the keys of the audit, in one file that is read again when it is
// written. Works while the server writes.
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { auditFiles } from '#access/audit/secrets.ts';
import type { Blobs } from '#base/blobs.ts';
import type { Clock } from '#base/clock.ts';
import type { Database } from '#db/database.ts';
import { migrationsRun } from '#db/migrate.ts';
import { serverFacts } from '#db/requirements.ts';
import { ownSequences, ownTables, type Sequence } from '#db/tables.ts';
import { createArchive, verifyArchive } from './archive.ts';
import { type DumpedTable, dumpTable, sizeOf } from './dump.ts';
import { fileExists } from './problems.ts';

export type Manifest = {
	readonly format: 'heron-backup';
	readonly formatVersion: 1;
	/** When the snapshot was taken. */
	readonly createdAt: string;
	readonly postgres: string;
	/** Numbered migrations and their hashes. */
	readonly migrations: Readonly<Record<string, string>>;
	readonly tables: readonly DumpedTable[];
	readonly sequences: readonly Sequence[];
	readonly blobs: { readonly count: number; readonly bytes: number };
	/** Names below the data folder. */
	readonly files: readonly string[];
};

export type BackupOptions = {
	readonly db: Database;
	readonly blobs: Blobs;
	readonly dataDir: string;
	readonly clock: Clock;
	readonly path: string;
	readonly onProgress?: (progress: BackupProgress) => void;
};

export type BackupProgress = { readonly step: 'tables' | 'files' | 'verifying'; readonly bytes: number; readonly share?: number };

/** Writes and verifies a backup. Throws Problem conflict `file-exists`; leaves nothing behind when it fails. */
export async function backup(options: BackupOptions): Promise<Manifest> {
	const { path, onProgress = () => undefined } = options;
	if (existsSync(path)) throw fileExists(path);
	const archive = createArchive(path);
	try {
		const manifest = await fill(options, archive.add, onProgress);
		await archive.seal(manifest);
		let bytes = 0;
		await verifyArchive(archive.draft, (read) => {
			bytes += read;
			onProgress({ step: 'verifying', bytes });
		});
		await archive.publish();
		return manifest;
	} catch (error) {
		await archive.discard();
		throw error;
	}
}

type Add = (name: string, bytes: Buffer) => Promise<void>;

async function fill(options: BackupOptions, add: Add, tell: (progress: BackupProgress) => void): Promise<Manifest> {
	const { db, clock } = options;
	const { version } = await serverFacts(db);
	const createdAt = clock.now().toISOString();
	const dumped = await dumpAll(db, add, tell);
	// After the tables: every binary that the snapshot names was stored before the row that names it.
	const blobs = await addBlobs(options.blobs, add, tell);
	const files = await addFiles(options.dataDir, add);
	return { format: 'heron-backup', formatVersion: 1, createdAt, postgres: version, ...dumped, blobs, files };
}

function dumpAll(
	db: Database,
	add: Add,
	tell: (progress: BackupProgress) => void,
): Promise<Pick<Manifest, 'migrations' | 'tables' | 'sequences'>> {
	return db.tx(
		async (tx) => {
			const tables = await ownTables(tx);
			const total = await sizeOf(tx, tables);
			const migrations = new Map([...((await migrationsRun(tx)) ?? [])].filter(([name]) => name.endsWith('.sql')));
			const dumped: DumpedTable[] = [];
			let bytes = 0;
			for (const table of tables.filter(({ name }) => name !== 'heron_migration')) {
				const done = await dumpTable(tx, table, async (number, part, plain) => {
					await add(partName(table, number), part);
					bytes += plain;
					tell({ step: 'tables', bytes, share: total === 0 ? 1 : bytes / total });
				});
				dumped.push(done);
			}
			// Sequences know no snapshot; read last, they are never behind the rows.
			return { migrations: Object.fromEntries(migrations), tables: dumped, sequences: await ownSequences(tx) };
		},
		{ readOnly: true, isolation: 'repeatable read' },
	);
}

/** The entry of a part of a table. */
export function partName({ schema, name }: { readonly schema: string; readonly name: string }, number: number): string {
	return `tables/${schema}.${name}/${String(number).padStart(6, '0')}.gz`;
}

async function addBlobs(blobs: Blobs, add: Add, tell: (progress: BackupProgress) => void): Promise<Manifest['blobs']> {
	let count = 0;
	let bytes = 0;
	for await (const key of blobs.keys()) {
		const content = await collect(await blobs.get(key));
		await add(`blobs/${key}`, content);
		count++;
		bytes += content.length;
		tell({ step: 'files', bytes });
	}
	return { count, bytes };
}

async function collect(stream: Readable): Promise<Buffer> {
	const chunks: Buffer[] = [];
	for await (const chunk of stream) chunks.push(chunk as Buffer);
	return Buffer.concat(chunks);
}

async function addFiles(dataDir: string, add: Add): Promise<string[]> {
	const packages = existsSync(join(dataDir, 'packages')) ? await readdir(join(dataDir, 'packages')) : [];
	const names = [
		...['tls.pem', 'secret.key', ...auditFiles].filter((name) => existsSync(join(dataDir, name))),
		...packages.sort().map((name) => `packages/${name}`),
	];
	for (const name of names) await add(`files/${name}`, await readFile(join(dataDir, name)));
	return names;
}
