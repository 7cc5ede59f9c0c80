// Bytes on disk for each byte of JSON, and memory.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '#db/database.ts';
import { raw } from '#db/sql.ts';
import { startHeron } from '#testing/heron.ts';
import { type Finding, finding } from '../finding.ts';
import { residentMegabytes } from '../metrics.ts';
import { get, mixed, ofType, post, put, unnamed } from '../requests.ts';
import { environment, type Stage } from '../stage.ts';
import type { Workload } from './workload.ts';

export const disk: Workload = { name: 'disk', run: runDisk };
export const memory: Workload = { name: 'memory', run: runMemory };

async function runDisk(stage: Stage): Promise<Finding[]> {
	const { home, load } = stage;
	const current = (await tablesOf(home.db)).filter((name) => !name.endsWith('_history'));
	const json = await jsonBytes(home.db);
	const bytes = await sumOver(home.db, current, (name) => `SELECT pg_total_relation_size('fhir."${name}"')`);
	const shape = { workload: 'disk', unit: 'byte per JSON byte' };
	const found = [finding({ ...shape, what: 'current versions with all indexes', goal: { atMost: 1.6 } }, [{ value: bytes / json }])];

	const types = ['Observation', 'Condition', 'Encounter', 'Patient'];
	const resources = types.flatMap((type) => ofType(home, type).slice(0, 600));
	const history = types.map((type) => `${type.toLowerCase()}_history`);
	await settle(home.db, history);
	const before = await sumOver(home.db, history, (name) => `SELECT pg_total_relation_size('fhir."${name}"')`);
	const versions = 6;
	let former = 0;
	for (let version = 0; version < versions; version++) {
		load.define('versions', { requests: resources.map((one) => put(home, { ...one, language: version % 2 === 0 ? 'en' : 'en-US' })) });
		await load.run({ port: home.heron.port, connections: 16, requests: resources.length, run: 'versions' });
		former += resources.reduce((sum, one) => sum + Buffer.byteLength(JSON.stringify(one)) + 90, 0);
	}
	await settle(home.db, history);
	const after = await sumOver(home.db, history, (name) => `SELECT pg_total_relation_size('fhir."${name}"')`);
	return [
		...found,
		finding({ ...shape, what: 'a former version with its indexes', goal: { atMost: 0.25 } }, [{ value: (after - before) / former }]),
	];
}

/** Bytes of all current resources as JSON. */
export async function jsonBytes(db: Database): Promise<number> {
	const types = await db.rows(raw('SELECT type FROM fhir.used_type'));
	return sumOver(
		db,
		types.map(([type]) => String(type).toLowerCase()),
		(name) => `SELECT sum(octet_length(body)) FROM fhir."${name}"`,
	);
}

async function settle(db: Database, tables: readonly string[]): Promise<void> {
	for (const name of tables) await db.execute(raw(`VACUUM fhir."${name}"`));
}

/** Tables that hold something. */
async function tablesOf(db: Database): Promise<string[]> {
	const rows = await db.rows(raw(`SELECT relname FROM pg_stat_user_tables WHERE schemaname = 'fhir' AND pg_relation_size(relid) > 0`));
	return rows.map(([name]) => String(name));
}

async function sumOver(db: Database, tables: readonly string[], query: (name: string) => string): Promise<number> {
	let sum = 0;
	for (const name of tables) sum += Number((await db.rows(raw(query(name))))[0]?.[0] ?? 0);
	return sum;
}

/** A server of its own over a new installation, idle; then the home server at the end of a burst of all kinds. */
async function runMemory(stage: Stage): Promise<Finding[]> {
	const { home, load, options } = stage;
	const fresh = await startHeron({ env: environment(await stage.freshInstallation()) });
	// V8 gives back what the start took when nothing has happened for some seconds.
	await sleep(20_000);
	const idle = await residentMegabytes(fresh.port);
	await fresh.stop();
	const charts = home.charts.map(([patient]) => patient?.id as string);
	load.define(
		'everything',
		mixed([
			ofType(home, 'Observation')
				.slice(0, 500)
				.map((one) => post(home, 'Observation', unnamed(one))),
			charts.map((id) => get(home, `Observation?patient=${id}&_sort=-date&_count=50`)),
			charts.map((id) => get(home, `Patient/${id}`)),
			charts.map((id) => get(home, `Patient/${id}/$everything`)),
		]),
	);
	const under: number[] = [];
	for (let round = 0; round < options.rounds; round++) {
		await load.run({ port: home.heron.port, connections: 64, seconds: options.seconds * 2, run: 'everything' });
		under.push(await residentMegabytes(home.heron.port));
	}
	const shape = { workload: 'memory', unit: 'MB' };
	return [
		finding({ ...shape, what: 'server process, idle', goal: { atMost: 250 } }, [{ value: idle }]),
		finding(
			{ ...shape, what: 'server process, under load', goal: { atMost: 600 } },
			under.map((value) => ({ value })),
		),
	];
}
