// Bulk data over HTTP: an export from kick-off to its manifest against COPY TO of the same bodies, and what it leaves of other requests; an
// import against COPY.
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { raw, sql } from '#db/sql.ts';
import { type Finding, finding } from '../finding.ts';
import { interleave, rateOf, type Sample } from '../measure.ts';
import { startCopier } from '../references/reference.ts';
import { get } from '../requests.ts';
import { base, type Stage, type Step } from '../stage.ts';
import { takeIn } from './exchange.ts';
import { jsonBytes } from './sizes.ts';
import type { Workload } from './workload.ts';

export const bulkExport: Workload = { name: 'bulk-export', run: runBulkExport };
export const bulkImport: Workload = { name: 'bulk-import', run: runBulkImport };

async function runBulkExport(stage: Stage): Promise<Finding[]> {
	return [...(await againstCopy(stage)), await besideOthers(stage)];
}

async function againstCopy({ home, options }: Stage): Promise<Finding[]> {
	const copier = await startCopier(home.config, 1);
	const types = await home.db.rows(raw('SELECT type FROM fhir.used_type ORDER BY type'));
	const query = types.map(([type]) => `SELECT body FROM fhir."${String(type).toLowerCase()}"`).join(' UNION ALL ');
	const json = await jsonBytes(home.db);
	const samples = await interleave(
		[
			{ name: 'copy', run: async (): Promise<Sample> => ({ value: (await copier.copyOut(query)) / 1e6 }) },
			{ name: 'heron', run: async (): Promise<Sample> => ({ value: json / (await jobOnce(home, 'GET', '$export', 3)) / 1e6 }) },
		],
		options.rounds,
	);
	copier.stop();
	const workload = 'bulk-export';
	return [
		finding({ workload, what: 'R5: COPY TO of all bodies', unit: 'MB/s' }, samples.copy),
		finding({ workload, what: '$export of everything, from kick-off to manifest', unit: 'MB/s' }, samples.heron, [
			{ to: 'R5', samples: samples.copy, goal: { atLeast: 0.9 } },
		]),
	];
}

/** Reads and searches alone, and while one export follows the other. */
async function besideOthers({ home, load, options }: Stage): Promise<Finding> {
	const ids = home.charts.map(([patient]) => patient?.id as string);
	const requests = ids.flatMap((id) => [get(home, `Patient/${id}`), get(home, `Observation?patient=${id}&_count=20`)]);
	load.define('beside', { requests });
	const run = async (): Promise<Sample> =>
		rateOf(await load.run({ port: home.heron.port, connections: 16, seconds: options.seconds, run: 'beside' }));
	const during = async (): Promise<Sample> => {
		let isOver = false;
		const exporting = (async () => {
			while (!isOver) await jobOnce(home, 'GET', '$export', 100, { isOver: () => isOver });
		})();
		const sample = await run();
		isOver = true;
		await exporting;
		return sample;
	};
	const samples = await interleave(
		[
			{ name: 'alone', run },
			{ name: 'during', run: during },
		],
		options.rounds,
	);
	return finding({ workload: 'bulk-export', what: 'reads and searches while exports run, 16 connections', unit: 'req/s' }, samples.during, [
		{ to: 'without exports', samples: samples.alone, goal: { atLeast: 0.7 } },
	]);
}

/** An import from its upload to its manifest, every line checked and stored, against COPY of as many rows as fit into the time. */
async function runBulkImport(stage: Stage): Promise<Finding[]> {
	const { home, options } = stage;
	const people = Math.max(200, Math.round(100 * options.seconds));
	const samples = await takeIn(stage, { first: 30_000_000, people }, async (path) =>
		jobOnce(home, 'POST', '$import', 3, { body: await readFile(path) }),
	);
	const workload = 'bulk-import';
	return [
		finding({ workload, what: 'R5: COPY into the same indexed table, one connection', unit: 'rows/s' }, samples.copy),
		finding({ workload, what: `$import of ${people} patients, validated, from upload to manifest`, unit: 'resources/s' }, samples.heron, [
			{ to: 'R5', samples: samples.copy, goal: { atLeast: 0.9 } },
		]),
	];
}

type JobOptions = { readonly body?: Buffer; readonly isOver?: () => boolean };

/** Seconds from the request to the manifest, looked for every so often; removed again. `isOver` ends it early. */
async function jobOnce(
	{ heron, db, authorization }: Step,
	method: string,
	operation: string,
	everyMs: number,
	{ body, isOver = () => false }: JobOptions = {},
): Promise<number> {
	const ask = (verb: string, path: string, sent: { body?: Buffer; headers?: Record<string, string> } = {}): Promise<Response> =>
		fetch(`http://127.0.0.1:${heron.port}${base}/${path}`, {
			method: verb,
			headers: { authorization, prefer: 'respond-async', ...sent.headers },
			...(sent.body === undefined ? {} : { body: new Uint8Array(sent.body) }),
		});
	const started = performance.now();
	const answer = await ask(method, operation, body === undefined ? {} : { body, headers: { 'content-type': 'application/fhir+ndjson' } });
	const job = answer.headers.get('content-location')?.split('job=')[1];
	if (answer.status !== 202 || job === undefined) throw new Error(`${operation} was not taken: ${answer.status} ${await answer.text()}`);
	let state: unknown;
	while (state !== 'done' && !isOver()) {
		await sleep(everyMs);
		[[state]] = (await db.rows(sql`SELECT state FROM jobs.job WHERE id = ${job}`)) as [[unknown]];
		if (state === 'failed') throw new Error(`${operation} failed`);
	}
	const seconds = (performance.now() - started) / 1000;
	await ask('DELETE', `$bulkdata-status?job=${job}`);
	return seconds;
}
