// The command line: import of generated NDJSON and of real bundles, and export, each against COPY.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { PoolConfig } from 'pg';
import { openDatabase } from '#db/database.ts';
import { raw } from '#db/sql.ts';
import { childEnv } from '#testing/heron.ts';
import { createPopulation } from '../data.ts';
import { type Finding, finding } from '../finding.ts';
import { interleave, type Sample } from '../measure.ts';
import { clearReferences, startCopier } from '../references/reference.ts';
import { environment, type Stage } from '../stage.ts';
import { jsonBytes } from './sizes.ts';
import type { Workload } from './workload.ts';

export const importing: Workload = { name: 'import', run: runImport };
export const exporting: Workload = { name: 'export', run: runExport };

const root = join(import.meta.dirname, '..', '..');
const folder = join(root, '.cache', 'bench-files');

async function runImport(stage: Stage): Promise<Finding[]> {
	const { home, options } = stage;
	const people = Math.max(300, Math.round(150 * options.seconds));
	const samples = await takeIn(stage, { first: 20_000_000, people }, (path) => heron(['import', path], home.config));
	return [
		finding({ workload: 'import', what: `NDJSON of ${people} patients, validated, start included`, unit: 'resources/s' }, samples.heron, [
			{ to: 'R5 with one connection', samples: samples.copy },
		]),
		...(options.bundles.length === 0 ? [] : [await importBundles(stage)]),
	];
}

/** Real bundles, each time into an installation that has nothing yet, validated in full; what is refused is counted as not taken. */
async function importBundles(stage: Stage): Promise<Finding> {
	const samples: Sample[] = [];
	for (let round = 0; round < Math.min(3, stage.options.rounds); round++) {
		const config = await stage.freshInstallation();
		const seconds = await heron(['import', ...stage.options.bundles], config);
		samples.push({ value: (await countResources(config)) / seconds });
	}
	return finding(
		{
			workload: 'import',
			what: 'real bundles into a new installation, validated, start included',
			unit: 'resources/s',
			goal: { atLeast: 4000 },
		},
		samples,
	);
}

async function countResources(config: PoolConfig): Promise<number> {
	const db = openDatabase({ ...config, max: 1 });
	try {
		const tables = await db.rows(raw('SELECT type FROM fhir.used_type'));
		let count = 0;
		for (const [type] of tables) count += Number((await db.rows(raw(`SELECT count(*) FROM fhir."${String(type).toLowerCase()}"`)))[0]?.[0]);
		return count;
	} finally {
		await db.close();
	}
}

/** Takes people in from files, new ones each round, beside COPY with one connection: resources and rows a second. `take` gives its seconds. */
export async function takeIn(
	{ home, options }: Stage,
	{ first, people }: { readonly first: number; readonly people: number },
	take: (path: string) => Promise<number>,
): Promise<Readonly<Record<'copy' | 'heron', Sample[]>>> {
	const copier = await startCopier(home.config, 1);
	let from = first;
	const samples = await interleave(
		[
			{ name: 'copy', run: async (): Promise<Sample> => ({ value: await copier.copyIn(options.seconds, 1000) }) },
			{
				name: 'heron',
				async run(): Promise<Sample> {
					const { path, resources } = await writeNdjson(options.seed, from, people);
					from += people;
					return { value: resources / (await take(path)) };
				},
			},
		],
		options.rounds,
		0,
	);
	copier.stop();
	await clearReferences(home.config);
	forgetFiles();
	return samples;
}

/** People from one number on, as a file of NDJSON. */
async function writeNdjson(seed: number, from: number, people: number): Promise<{ path: string; resources: number }> {
	mkdirSync(folder, { recursive: true });
	const path = join(folder, `${from}.ndjson`);
	const file = createWriteStream(path);
	const population = createPopulation(seed);
	let resources = 0;
	for (let n = from; n < from + people; n++) {
		const chart = population.chart(n);
		resources += chart.length;
		if (!file.write(`${chart.map((resource) => JSON.stringify(resource)).join('\n')}\n`)) await once(file, 'drain');
	}
	file.end();
	await once(file, 'finish');
	return { path, resources };
}

/** Removes what the workloads wrote. */
function forgetFiles(): void {
	rmSync(folder, { recursive: true, force: true });
}

async function runExport(stage: Stage): Promise<Finding[]> {
	const { home, options } = stage;
	const copier = await startCopier(home.config, 1);
	const types = await home.db.rows(raw('SELECT type FROM fhir.used_type ORDER BY type'));
	const query = types.map(([type]) => `SELECT body FROM fhir."${String(type).toLowerCase()}" WHERE op <> 'D'`).join(' UNION ALL ');
	const json = await jsonBytes(home.db);
	const samples = await interleave(
		[
			{ name: 'copy', run: async (): Promise<Sample> => ({ value: (await copier.copyOut(query)) / 1e6 }) },
			{
				name: 'heron',
				async run(): Promise<Sample> {
					forgetFiles();
					const seconds = await heron(['export', folder], home.config);
					return { value: json / seconds / 1e6 };
				},
			},
		],
		options.rounds,
		0,
	);
	copier.stop();
	forgetFiles();
	return [
		finding({ workload: 'export', what: 'R5: COPY TO of all bodies', unit: 'MB/s' }, samples.copy),
		finding(
			{ workload: 'export', what: 'all resources as gzipped NDJSON, read again and counted, start included', unit: 'MB/s' },
			samples.heron,
			[{ to: 'R5', samples: samples.copy }],
		),
	];
}

/** Runs a command as `npm run heron` does, with Node's compile cache; gives the seconds it took. Throws with its last words when it fails. */
async function heron(args: readonly string[], config: PoolConfig): Promise<number> {
	const started = performance.now();
	const child = spawn(process.execPath, [join(root, 'src', 'commands', 'heron.ts'), ...args], {
		env: { ...childEnv, ...environment(config) },
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	let words = '';
	for (const stream of [child.stdout, child.stderr]) {
		stream.setEncoding('utf8').on('data', (text: string) => {
			words = (words + text).slice(-3000);
		});
	}
	const [code] = (await once(child, 'close')) as [number | null];
	if (code !== 0) throw new Error(`heron ${args.join(' ')} ended with ${code}:\n${words}`);
	return (performance.now() - started) / 1000;
}
