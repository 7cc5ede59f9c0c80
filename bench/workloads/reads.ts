// Reads by id, former versions, a patient's page by date, and what a screen asks for when a chart is opened.
import { raw } from '#db/sql.ts';
import { refKey } from '#fhir/store/keys.ts';
import { type Finding, finding } from '../finding.ts';
import type { Outcome } from '../load/job.ts';
import { interleave, type Lane, rateOf, type Sample } from '../measure.ts';
import { costed, cpuSeconds } from '../metrics.ts';
import type { Options } from '../options.ts';
import { get, mixed, ofType, put } from '../requests.ts';
import type { Stage } from '../stage.ts';
import type { Workload } from './workload.ts';

export const read: Workload = { name: 'read', run: runRead };
export const search: Workload = { name: 'search', run: runSearch };
export const chart: Workload = { name: 'chart', run: runChart };
export const history: Workload = { name: 'history', run: runHistory };

const connections = 32;

async function runRead(stage: Stage): Promise<Finding[]> {
	const { home, load, options } = stage;
	const rows = await home.db.rows(raw('SELECT id FROM fhir.patient ORDER BY random() LIMIT 5000'));
	const paths = rows.map(([id]) => `Patient/${id}`);
	load.define('reads', { requests: paths.map((path) => get(home, path)) });
	load.define('unchanged', { requests: paths.map((path) => get(home, path, { 'if-none-match': 'W/"1"' })) });
	const bare = await stage.reference('none');
	const select = await stage.reference('read');
	const cpu = costs();
	const burst = (port: number, run: string) => async (): Promise<Sample> =>
		rateOf(await load.run({ port, connections, seconds: options.seconds, run }));
	const heronCpu = (): Promise<number> => cpuSeconds(home.heron.port);
	const samples = await interleave(
		[
			{ name: 'r0', run: burst(bare.port, 'reads') },
			{ name: 'r3', run: cpu.lane('reference', select.cpuSeconds, () => load.run({ ...slice(options), port: select.port, run: 'reads' })) },
			{ name: 'heron', run: cpu.lane('heron', heronCpu, () => load.run({ ...slice(options), port: home.heron.port, run: 'reads' })) },
			{ name: 'unchanged', run: burst(home.heron.port, 'unchanged') },
		],
		options.rounds,
	);
	bare.stop();
	select.stop();
	const about = (what: string): { workload: string; what: string; unit: string } => ({ workload: 'read', what, unit: 'req/s' });
	return [
		finding(about('R0: http without database'), samples.r0),
		finding(about('R3: http + one SELECT by id'), samples.r3),
		finding(about(`Patient by id, 3 KB, ${connections} connections`), samples.heron, [
			{ to: 'R3', samples: samples.r3, goal: { atLeast: 0.9 } },
			{ to: 'R0', samples: samples.r0, goal: { atLeast: 0.25 } },
		]),
		finding(about('the same, not modified (304)'), samples.unchanged, [{ to: 'R3', samples: samples.r3, goal: { atLeast: 0.95 } }]),
		cpu.finding('read', options.rounds, 'R3'),
	];
}

/** A page of 50 observations of a patient, newest first. */
async function runSearch(stage: Stage): Promise<Finding[]> {
	const { home, load, options } = stage;
	const ids = home.charts.filter((one) => one.length > 80).map(([patient]) => patient?.id as string);
	const query = (id: string): string => `Observation?patient=${id}&date=ge2010-01-01&_sort=-date&_count=50`;
	load.define('search', { requests: ids.map((id) => get(home, query(id))) });
	const keys = Object.fromEntries(ids.map((id) => [id, refKey(`Patient/${id}`)]));
	const sql = await stage.reference('search', { keys });
	const cpu = costs();
	const burst = (port: number) => (): Promise<Outcome> => load.run({ ...slice(options), port, run: 'search' });
	const samples = await interleave(
		[
			{ name: 'r3s', run: cpu.lane('reference', sql.cpuSeconds, burst(sql.port)) },
			{ name: 'heron', run: cpu.lane('heron', () => cpuSeconds(home.heron.port), burst(home.heron.port)) },
		],
		options.rounds,
	);
	sql.stop();
	const spread = samples.heron.map(({ p50 = 1, p99 = 1 }) => ({ value: p99 / p50 }));
	return [
		finding({ workload: 'search', what: 'R3s: http + the same SQL', unit: 'req/s' }, samples.r3s),
		finding({ workload: 'search', what: `patient, 50 rows by date, ${connections} connections`, unit: 'req/s' }, samples.heron, [
			{ to: 'R3s', samples: samples.r3s, goal: { atLeast: 0.85 } },
		]),
		finding({ workload: 'search', what: 'p99 ÷ p50', unit: '×', goal: { atMost: 3 } }, spread),
		cpu.finding('search', options.rounds, 'R3s'),
	];
}

function slice({ seconds }: Options): { connections: number; seconds: number } {
	return { connections, seconds };
}

/** Processor time of the server beside that of its reference point. */
function costs() {
	const used: Record<'heron' | 'reference', Sample[]> = { heron: [], reference: [] };
	return {
		lane: (name: keyof typeof used, read: () => Promise<number>, run: () => Promise<Outcome>) => async (): Promise<Sample> => {
			const { outcome, cpu } = await costed(read, run);
			used[name].push(cpu);
			return rateOf(outcome);
		},
		finding: (workload: string, rounds: number, to: string): Finding =>
			finding({ workload, what: `Node CPU per ${workload}`, unit: 'µs' }, used.heron.slice(-rounds), [
				{ to, samples: used.reference.slice(-rounds) },
			]),
	};
}

async function runChart(stage: Stage): Promise<Finding[]> {
	const { home, load, options } = stage;
	const views: Record<string, (id: string) => string> = {
		'vital signs, 50 newest': (id) => `Observation?patient=${id}&category=vital-signs&_sort=-date&_count=50`,
		'laboratory since 2020': (id) => `Observation?patient=${id}&category=laboratory&date=ge2020-01-01&_sort=-date&_count=50`,
		'active problems': (id) => `Condition?patient=${id}&clinical-status=active`,
		'visits with clinician and place': (id) =>
			`Encounter?patient=${id}&_sort=-date&_count=20&_include=Encounter:participant&_include=Encounter:location`,
		'patient with problems, medicines, vaccines': (id) =>
			`Patient?_id=${id}&_revinclude=Condition:patient&_revinclude=MedicationRequest:patient&_revinclude=Immunization:patient`,
		$everything: (id) => `Patient/${id}/$everything?_count=200`,
	};
	const ids = home.charts.map(([patient]) => patient?.id as string);
	const lists = Object.values(views).map((path) => ids.map((id) => get(home, path(id))));
	load.define('chart', mixed(lists));
	const together: Sample[] = [];
	const kinds: Sample[][] = Object.keys(views).map(() => []);
	for (let round = -1; round < options.rounds; round++) {
		const outcome = await load.run({ port: home.heron.port, connections: 8, seconds: options.seconds, run: 'chart' });
		if (round < 0) continue;
		together.push(rateOf(outcome));
		for (const [kind, list] of kinds.entries()) {
			const times = outcome.kinds[kind];
			list.push({ value: times?.p50 ?? Number.NaN, p50: times?.p50 ?? Number.NaN, p99: times?.p99 ?? Number.NaN });
		}
	}
	return [
		finding({ workload: 'chart', what: 'all views in turn, 8 connections', unit: 'req/s' }, together),
		...Object.keys(views).map((what, kind) =>
			finding({ workload: 'chart', what, unit: 'ms', goal: { atMost: 100 } }, kinds[kind] as Sample[]),
		),
	];
}

async function runHistory(stage: Stage): Promise<Finding[]> {
	const { home, load, options } = stage;
	const resources = ofType(home, 'Condition').slice(0, 300);
	const versions = ['first', 'second', 'third'].map((text) =>
		resources.map((one) => put(home, { ...one, note: [{ text: `The ${text} note.` }] })),
	);
	for (const [number, requests] of versions.entries()) {
		load.define(`version ${number}`, { requests });
		await load.run({ port: home.heron.port, connections: 8, requests: requests.length, run: `version ${number}` });
	}
	const paths = resources.map(({ id }) => `Condition/${id}`);
	load.define('current', { requests: paths.map((path) => get(home, path)) });
	load.define('former', { requests: paths.map((path) => get(home, `${path}/_history/2`)) });
	load.define('history', { requests: paths.map((path) => get(home, `${path}/_history`)) });
	const lanes = ['current', 'former', 'history'].map(
		(name): Lane => ({
			name,
			run: async () => rateOf(await load.run({ port: home.heron.port, connections, seconds: options.seconds, run: name })),
		}),
	);
	const samples = await interleave(lanes, options.rounds);
	const against = [{ to: 'current version', samples: samples.current as Sample[] }];
	return [
		finding({ workload: 'history', what: 'a former version', unit: 'req/s' }, samples.former as Sample[], against),
		finding({ workload: 'history', what: 'all versions of a resource (4)', unit: 'req/s' }, samples.history as Sample[], against),
	];
}
