// `npm run bench`: measures the real server against reference points in one run. See README.md.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { raw } from '#db/sql.ts';
import type { Finding } from './finding.ts';
import { type Options, readOptions, usage } from './options.ts';
import { asMarkdown, asText, type Machine, machine } from './report.ts';
import { openStage, type Stage } from './stage.ts';
import { access, tokens } from './workloads/access.ts';
import { bulkExport, bulkImport } from './workloads/bulk.ts';
import { bundles, transactions } from './workloads/bundles.ts';
import { conditional } from './workloads/conditional.ts';
import { crud } from './workloads/crud.ts';
import { exporting, importing } from './workloads/exchange.ts';
import { growth } from './workloads/growth.ts';
import { chart, history, read, search } from './workloads/reads.ts';
import { shapes, strings } from './workloads/shapes.ts';
import { disk, memory } from './workloads/sizes.ts';
import { standard } from './workloads/standard.ts';
import { standardReads } from './workloads/standard-reads.ts';
import { terminology } from './workloads/terminology.ts';
import type { Workload } from './workloads/workload.ts';
import { create, update } from './workloads/writes.ts';

/** In this order: those that want the data as they were loaded come first. */
const workloads: readonly Workload[] = [
	disk,
	growth,
	read,
	search,
	chart,
	standard,
	standardReads,
	access,
	tokens,
	shapes,
	strings,
	create,
	update,
	crud,
	conditional,
	transactions,
	bundles,
	history,
	importing,
	exporting,
	bulkExport,
	bulkImport,
	terminology,
	memory,
];

const root = join(import.meta.dirname, '..');

if (process.argv.includes('--help')) {
	console.log(`${usage}\n\nWorkloads: ${workloads.map(({ name }) => name).join(', ')}`);
} else await main();

async function main(): Promise<void> {
	const options = wantedOptions();
	const [load = 0] = loadavg();
	const stage = await openStage(options, say);
	let stopping = false;
	const stop = (): void => {
		if (stopping) return;
		stopping = true;
		void stage.close().finally(() => process.exit(130));
	};
	process.once('SIGINT', stop).once('SIGTERM', stop).once('disconnect', stop);
	try {
		const findings: Finding[] = loadFindings(stage);
		for (const workload of workloads) {
			if (options.names.length > 0 && !options.names.includes(workload.name)) continue;
			say(`measuring ${workload.name} …`);
			findings.push(...(await measured(workload, stage)));
		}
		await report(findings, stage, load);
	} catch (error) {
		if (!stopping) throw error;
	} finally {
		if (!stopping) await stage.close();
	}
	if (!stopping) process.exit();
}

function wantedOptions(): Options {
	try {
		return readOptions(
			process.argv.slice(2),
			workloads.map(({ name }) => name),
		);
	} catch (error) {
		console.error(`${(error as Error).message}\n\n${usage}`);
		process.exit(2);
	}
}

/** A workload that breaks is told of and leaves the others alone; the run then ends with an error code. */
async function measured(workload: Workload, stage: Stage): Promise<Finding[]> {
	try {
		const findings = await workload.run(stage);
		console.log(`${asText(findings)}\n`);
		for (const { what, complaint } of findings) if (complaint !== undefined) console.log(`${what}: ${complaint}`);
		return findings;
	} catch (error) {
		process.exitCode = 1;
		console.error(`${workload.name} could not be measured: ${(error as Error).stack}`);
		return [];
	}
}

function loadFindings(stage: Stage): Finding[] {
	return stage.loaded.map(({ patients, rate }) => ({
		workload: 'load',
		what: `${patients} patients through the store, not validated`,
		unit: 'resources/s',
		values: [rate],
		ratios: [],
	}));
}

async function report(findings: readonly Finding[], stage: Stage, load: number): Promise<void> {
	const { options } = stage;
	const [version] = await stage.home.db.rows(raw('SHOW server_version'));
	const about = machine(String(version?.[0]), load);
	const date = new Date().toISOString().slice(0, 10);
	console.log(`\n${asText(findings)}`);
	const file = resolve(root, options.json);
	mkdirSync(dirname(file), { recursive: true });
	writeFileSync(file, `${JSON.stringify({ date, machine: about, options, findings }, null, '\t')}\n`);
	say(`figures in ${file}`);
	if (options.writeDocs) writeDocs(findings, about, options, date);
}

/** Puts the table between the markers of docs/performance.md. */
function writeDocs(findings: readonly Finding[], about: Machine, options: Options, date: string): void {
	const file = join(root, 'docs', 'performance.md');
	const text = readFileSync(file, 'utf8');
	const [before, rest] = text.split('<!-- figures -->\n');
	const after = rest?.split('<!-- end of figures -->')[1];
	if (before === undefined || after === undefined) throw new Error(`${file} has lost its markers`);
	const table = asMarkdown(findings, about, options, date);
	writeFileSync(file, `${before}<!-- figures -->\n${table}\n<!-- end of figures -->${after}`);
	say(`table in ${file}`);
}

function say(text: string): void {
	console.log(`${new Date().toISOString().slice(11, 19)} ${text}`);
}
