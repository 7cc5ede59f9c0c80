// Checks of the database and of what is in it.
import type { Caller } from '#access/ctx.ts';
import { everything } from '#access/ctx.ts';
import { blobKey } from '#base/blobs.ts';
import type { Installation } from '#compose.ts';
import { openDatabase } from '#db/database.ts';
import { knownMigrations, migrationsRun } from '#db/migrate.ts';
import { serverFacts } from '#db/requirements.ts';
import { raw } from '#db/sql.ts';
import { referredKeys } from '#fhir/binary/sweep.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { checkIndexes } from '#fhir/store/check.ts';
import { type Finding, failure, fine, note, warning } from './finding.ts';

const caller: Caller = { kind: 'system', id: 'heron-doctor', name: 'heron doctor', grants: everything };

/** The quick checks. Rejects when the database cannot be asked. */
export async function recordFindings(installation: Installation): Promise<Finding[]> {
	return [
		...(await server(installation)),
		...(await migrations(installation)),
		...(await replicas(installation)),
		...(await binaries(installation, false)),
	];
}

/** The slow ones: everything is read and computed again. */
export async function deepFindings(installation: Installation, onProgress: (resources: number) => void): Promise<Finding[]> {
	return [...(await indexes(installation, onProgress)), ...(await binaries(installation, true))];
}

const damageShown = 20;

async function indexes({ db, fhir, settings }: Installation, onProgress: (resources: number) => void): Promise<Finding[]> {
	const { resources, versions, wrong, damage } = await checkIndexes(db, fhir.store, fhir.definitions, {
		references: settings.referentialIntegrity,
		onProgress: (progress) => onProgress(progress.resources),
	});
	if (wrong === 0) {
		const counts = `${resources.toLocaleString('en-US')} resources and ${versions.toLocaleString('en-US')} former versions`;
		return [fine('record', `${counts} read; their index is what it should be`)];
	}
	const shown = damage.slice(0, damageShown).map(({ type, id, version, kind, what }) => {
		const name = id === '' ? type : `${type}/${id}${version > 0 ? ` version ${version}` : ''}`;
		return failure('record', `${name}: ${kind}: ${what}`);
	});
	const remedy = 'the index can be computed anew with "npm run heron -- reindex"; what else is damaged has to come from a backup';
	return [...shown, failure('record', `${wrong.toLocaleString('en-US')} things in all; ${remedy}`)];
}

async function server({ db, settings }: Installation): Promise<Finding[]> {
	const { version, fsync, checksums, maxConnections } = await serverFacts(db);
	const found = [fine('database', `PostgreSQL ${version}`)];
	if (!fsync) found.push(failure('database', 'fsync is off: a power failure can destroy the data'));
	const [row] = await db.rows(raw(`SELECT current_setting('full_page_writes'), current_setting('synchronous_commit')`));
	if (row?.[0] === 'off') found.push(failure('database', 'full_page_writes is off: a power failure can destroy the data'));
	if (row?.[1] === 'off') found.push(failure('database', 'synchronous_commit is off: writes that were answered can be lost'));
	if (!checksums) found.push(note('database', 'data checksums are off: damage on the disk is not noticed when it happens'));
	// The store has connections of its own for batches and transactions, the database for statements with a name.
	const wanted = settings.workers * (Math.ceil(settings.databaseConnections * 1.75) + 4) + 5;
	if (wanted > maxConnections) {
		const remedy = 'lower HERON_WORKERS or HERON_DATABASE_CONNECTIONS';
		found.push(warning('database', `it allows ${maxConnections} connections, and Heron may want ${wanted}; ${remedy}`));
	}
	return found;
}

async function migrations({ db }: Installation): Promise<Finding[]> {
	const ran = (await migrationsRun(db)) ?? new Map<string, string>();
	const known = knownMigrations();
	const missing = [...known.keys()].filter((name) => !ran.has(name));
	const strange = [...ran.keys()].filter((name) => name.endsWith('.sql') && !known.has(name));
	if (strange.length > 0) return [failure('migrations', `the database was made by a newer Heron: ${strange.join(', ')} is not known here`)];
	if (missing.length > 0) return [warning('migrations', `the next start runs ${missing.join(', ')}`)];
	return [fine('migrations', 'the schema is up to date')];
}

async function replicas({ settings }: Installation): Promise<Finding[]> {
	const found: Finding[] = [];
	for (const [index, connectionString] of settings.readDatabaseUrls.entries()) {
		const db = openDatabase({ connectionString, max: 1, connectionTimeoutMillis: 5000 });
		try {
			const { replica, version } = await serverFacts(db);
			const name = `number ${index + 1}`;
			found.push(
				replica
					? fine('replica', `${name}: PostgreSQL ${version}`)
					: failure('replica', `${name} is not a replica; nothing is read from it`),
			);
		} catch {
			found.push(failure('replica', `number ${index + 1} cannot be reached`));
		} finally {
			await db.close();
		}
	}
	return found;
}

/** Every large binary that a version names: is it there, and (deep) is it what was stored. */
async function binaries(installation: Installation, isDeep: boolean): Promise<Finding[]> {
	const ctx: FhirCtx = installation.ctxFor(caller, 'doctor');
	const { blobs } = ctx.fhir;
	const seen = new Set<string>();
	let missing = 0;
	let damaged = 0;
	for await (const key of referredKeys(ctx)) {
		if (seen.has(key)) continue;
		seen.add(key);
		if (!(await blobs.has(key))) missing++;
		else if (isDeep && blobKey(await collect(await blobs.get(key))) !== key) damaged++;
	}
	if (missing > 0) return [failure('binaries', `${missing} of ${seen.size} large binaries are missing; restore the files from a backup`)];
	if (damaged > 0) return [failure('binaries', `${damaged} of ${seen.size} large binaries are damaged; restore the files from a backup`)];
	return [fine('binaries', `${seen.size} large binaries, all there${isDeep ? ' and unchanged' : ''}`)];
}

async function collect(stream: AsyncIterable<unknown>): Promise<Buffer> {
	const chunks: Buffer[] = [];
	for await (const chunk of stream) chunks.push(chunk as Buffer);
	return Buffer.concat(chunks);
}
