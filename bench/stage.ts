// What a run stands on: a PostgreSQL cluster of its own with the settings of production, a database and a server for each step of the
// ladder, the load generator, and reference servers when asked for.
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { PoolConfig } from 'pg';
import { everything } from '#access/ctx.ts';
import { mintToken } from '#access/tokens.ts';
import { silentLog } from '#base/log.ts';
import { type Database, openDatabase } from '#db/database.ts';
import { startEmbedded } from '#db/embedded.ts';
import { ident, sql } from '#db/sql.ts';
import type { Resource } from '#fhir/resource.ts';
import { type Heron, startHeron } from '#testing/heron.ts';
import { createRandom } from '#testing/random.ts';
import { createPopulation, type Population } from './data.ts';
import { type Load, startLoad } from './load/load.ts';
import type { LoadOrder, LoadReport } from './load-data.ts';
import type { Options } from './options.ts';
import { prepareReferences, type Reference, type ReferenceMode, startReference } from './references/reference.ts';

/** One database of the ladder and its server. */
export type Step = {
	readonly patients: number;
	readonly heron: Heron;
	readonly db: Database;
	readonly config: PoolConfig;
	/** The value of the Authorization header. */
	readonly authorization: string;
	/** Charts of some of its patients, for ids and values that are there. */
	readonly charts: readonly (readonly Resource[])[];
};

export type Stage = {
	readonly options: Options;
	readonly load: Load;
	readonly population: Population;
	readonly steps: readonly Step[];
	/** The last step, where all but growth is measured. */
	readonly home: Step;
	/** Resources a second at which each step that was not kept was loaded. */
	readonly loaded: readonly { readonly patients: number; readonly rate: number }[];
	/** Starts a reference server over the home database. */
	readonly reference: (mode: ReferenceMode, extra?: object) => Promise<Reference>;
	/** The database of an installation that has nothing yet, for a server or a command of its own. */
	readonly freshInstallation: () => Promise<PoolConfig>;
	readonly close: () => Promise<void>;
};

/** The path below which the server's FHIR API is. */
export const base = '/apis/default/fhir';

const root = join(import.meta.dirname, '..');
const folder = join(root, '.cache', 'bench');
const publicUrl = 'http://localhost:8300';

/** Starts everything; loads what an earlier run has not left. */
export async function openStage(options: Options, say: (text: string) => void): Promise<Stage> {
	mkdirSync(folder, { recursive: true });
	const cluster = await startEmbedded({ dataDir: folder, log: silentLog });
	const admin = openDatabase({ ...cluster.config, max: 2 });
	const steps: Step[] = [];
	const loaded: { patients: number; rate: number }[] = [];
	const load = startLoad();
	const references = new Set<Reference>();
	const close = async (): Promise<void> => {
		load.stop();
		for (const { stop } of references) stop();
		for (const step of steps) {
			await step.heron.stop();
			await step.db.close();
		}
		await admin.close();
		await cluster.stop();
		if (!options.keep) rmSync(folder, { recursive: true, force: true });
	};
	try {
		await dropRuns(admin);
		for (const patients of options.patients) {
			const template = `ladder_${patients}_${options.seed}_${fingerprint()}`;
			if (!(await exists(admin, template))) {
				say(`loading ${patients} patients …`);
				const { rate = 0, resources = 0 } = await fill(admin, cluster.config, template, options.seed, patients);
				loaded.push({ patients, rate });
				say(`loaded ${resources} resources, ${Math.round(rate)} a second`);
			}
			const database = `run_${patients}`;
			await admin.execute(sql`CREATE DATABASE ${ident(database)} TEMPLATE ${ident(template)} STRATEGY FILE_COPY`);
			steps.push(await openStep({ ...cluster.config, database }, patients, options.seed));
		}
		const home = steps.at(-1) as Step;
		await prepareReferences(home.db);
		let installations = 0;
		return {
			options,
			load,
			population: createPopulation(options.seed),
			steps,
			home,
			loaded,
			async reference(mode, extra = {}) {
				const reference = await startReference(mode, home.config, extra);
				references.add(reference);
				return reference;
			},
			async freshInstallation() {
				const template = `installed_${fingerprint()}`;
				if (!(await exists(admin, template))) await fill(admin, cluster.config, template, options.seed, 0);
				const database = `run_fresh_${++installations}`;
				await admin.execute(sql`CREATE DATABASE ${ident(database)} TEMPLATE ${ident(template)} STRATEGY FILE_COPY`);
				return { ...cluster.config, database };
			},
			close,
		};
	} catch (error) {
		await close();
		throw error;
	}
}

/** Of everything that shapes the stored rows: kept databases of another shape are not used. */
function fingerprint(): string {
	const hash = createHash('sha256');
	for (const name of ['bench/data', 'src/fhir/store', 'src/fhir/search', 'src/db/migrations']) {
		for (const file of readdirSync(join(root, name)).sort()) {
			if (/(?<!\.test)\.ts$|\.sql$/.test(file)) hash.update(readFileSync(join(root, name, file)));
		}
	}
	return hash.digest('hex').slice(0, 12);
}

async function exists(admin: Database, database: string): Promise<boolean> {
	return (await admin.rows(sql`SELECT FROM pg_database WHERE datname = ${database}`)).length > 0;
}

/** Removes what a run that was cut off left, and ladders of another shape. */
async function dropRuns(admin: Database): Promise<void> {
	const rows = await admin.query<{ datname: string }>(sql`SELECT datname FROM pg_database WHERE datname ~ '^(run|ladder)_'`);
	for (const { datname } of rows) {
		if (datname.startsWith('ladder_') && datname.endsWith(fingerprint())) continue;
		await admin.execute(sql`DROP DATABASE ${ident(datname)} WITH (FORCE)`);
	}
}

async function fill(admin: Database, config: PoolConfig, database: string, seed: number, patients: number): Promise<LoadReport> {
	const making = `run_making_${patients}`;
	await admin.execute(sql`CREATE DATABASE ${ident(making)}`);
	const order: LoadOrder = { env: environment({ ...config, database: making }), seed, patients };
	const report = await new Promise<LoadReport>((resolve, reject) => {
		const child = fork(join(import.meta.dirname, 'load-data.ts'), { serialization: 'advanced' });
		child.once('message', (message) => resolve(message as LoadReport));
		child.once('exit', (code) => reject(new Error(`the loader ended with ${code}`)));
		child.send(order);
	});
	if (report.error !== undefined) throw new Error(report.error);
	await admin.execute(sql`ALTER DATABASE ${ident(making)} RENAME TO ${ident(database)}`);
	return report;
}

/** The settings of a server or command over a database of the cluster. */
export function environment(config: PoolConfig): Record<string, string> {
	const at = `${encodeURIComponent(String(config.host))}:${config.port}/${config.database}`;
	return {
		DATABASE_URL: `postgres://${config.user}:${encodeURIComponent(String(config.password))}@${at}`,
		HERON_DATA_DIR: join(folder, 'files', String(config.database)),
		HERON_PUBLIC_URL: publicUrl,
		HERON_HTTPS_PORT: '0',
		HERON_LOG_LEVEL: 'warn',
		PATH: process.env.PATH ?? '',
	};
}

async function openStep(config: PoolConfig, patients: number, seed: number): Promise<Step> {
	const heron = await startHeron({
		env: environment(config),
		nodeArgs: (process.env.HERON_BENCH_NODE_ARGS ?? '').split(' ').filter(Boolean),
	});
	const db = openDatabase({ ...config, max: 4 });
	const caller = { kind: 'user', id: 'bench', name: 'bench', grants: everything } as const;
	const token = await mintToken(db, caller, new Date(Date.now() + 86_400_000));
	const population = createPopulation(seed);
	const random = createRandom(seed, patients);
	const charts = Array.from({ length: Math.min(300, patients) }, () => population.chart(random.below(patients)));
	return { patients, heron, db, config, authorization: `Bearer ${token}`, charts };
}
