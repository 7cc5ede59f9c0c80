// Real PostgreSQL for tests: one cluster for a test run, a template with all migrations, and a database of its own for each caller.
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { Client, type PoolConfig } from 'pg';
import { silentLog } from '#base/log.ts';
import { type Database, openDatabase } from '#db/database.ts';
import { startEmbedded } from '#db/embedded.ts';
import { migrateAll } from './migrations.ts';

const root = join(import.meta.dirname, '..', '..');
const variable = 'HERON_TEST_CLUSTER';

/** Starts the cluster of a test run; `env` hands it on to the processes of the tests. */
export async function startTestCluster(): Promise<{ env: Record<string, string>; config: PoolConfig; stop(): Promise<void> }> {
	const dataDir = join(root, '.cache', `test-cluster-${process.pid}`);
	sweep();
	mkdirSync(dataDir, { recursive: true });
	// What a crash of the machine would lose does not matter here; what a crash of the server would lose is as in production.
	const settings = { fsync: 'off', full_page_writes: 'off', autovacuum: 'off', shared_buffers: '256MB', max_connections: '60' };
	const embedded = await startEmbedded({ dataDir, log: silentLog, settings });
	return {
		config: embedded.config,
		env: { [variable]: JSON.stringify(embedded.config) },
		async stop() {
			await embedded.stop();
			rmSync(dataDir, { recursive: true, force: true });
		},
	};
}

/** Removes the clusters of test runs that were killed. */
function sweep(): void {
	const cache = join(root, '.cache');
	mkdirSync(cache, { recursive: true });
	for (const name of readdirSync(cache)) {
		const pid = /^test-cluster-(\d+)$/.exec(name)?.[1];
		if (pid === undefined) continue;
		try {
			process.kill(Number(pid), 0);
		} catch {
			rmSync(join(cache, name), { recursive: true, force: true });
		}
	}
}

/** Something that ends: a test's context, or `{ after }` of a file. */
export type Ends = { readonly after: (end: () => Promise<void>) => void };

/** A migrated, empty database that is dropped when the test (or the file, given no context) ends. */
export async function testDatabase(t: Ends): Promise<Database> {
	const { database, drop } = await cloneDatabase();
	t.after(drop);
	return database;
}

/** As testDatabase, with how to connect to it from other processes. */
export async function cloneDatabase(): Promise<{ database: Database; config: PoolConfig; drop: () => Promise<void> }> {
	const cluster = await clusterConfig();
	const template = await ensureTemplate(cluster);
	const name = `t_${randomUUID().replaceAll('-', '')}`;
	await asAdmin(cluster, (client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY FILE_COPY`));
	// Not the name that servers have: a restore refuses while one is at work.
	const config = { ...cluster, database: name, application_name: 'heron test' };
	const database = openDatabase({ ...config, max: 8 });
	return {
		database,
		config,
		async drop() {
			await database.close();
			await asAdmin(cluster, (client) => client.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
		},
	};
}

let ownCluster: ReturnType<typeof startTestCluster> | undefined;

/** The run's cluster, or one just for this process when a test file is run by itself. */
async function clusterConfig(): Promise<PoolConfig> {
	const given = process.env[variable];
	if (given !== undefined) return JSON.parse(given) as PoolConfig;
	if (ownCluster === undefined) {
		ownCluster = startTestCluster();
		after(async () => (await ownCluster)?.stop());
	}
	return (await ownCluster).config;
}

/** The template for the present migrations, made once per cluster by whoever comes first. */
async function ensureTemplate(config: PoolConfig): Promise<string> {
	const name = `template_${fingerprint()}`;
	await asAdmin(config, async (client) => {
		await client.query('SELECT pg_advisory_lock(7733)');
		const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [name]);
		if (rowCount !== 0) return;
		await client.query(`DROP DATABASE IF EXISTS ${name}_making`);
		await client.query(`CREATE DATABASE ${name}_making`);
		const database = openDatabase({ ...config, database: `${name}_making`, max: 2 });
		try {
			await migrateAll(database);
		} finally {
			await database.close();
		}
		await client.query(`ALTER DATABASE ${name}_making RENAME TO ${name}`);
	});
	return name;
}

function fingerprint(): string {
	const hash = createHash('sha256');
	for (const folder of ['src/db/migrations', 'src/fhir/store', 'src/fhir/search']) {
		for (const name of readdirSync(join(root, folder)).sort()) {
			if (/\.sql$|^(schema|hot|registry)\.ts$/.test(name)) hash.update(name).update(readFileSync(join(root, folder, name)));
		}
	}
	return hash.digest('hex').slice(0, 16);
}

async function asAdmin<T>(config: PoolConfig, work: (client: Client) => Promise<T>): Promise<T> {
	const client = new Client({ ...config, database: 'postgres' });
	await client.connect();
	try {
		return await work(client);
	} finally {
		await client.end();
	}
}
