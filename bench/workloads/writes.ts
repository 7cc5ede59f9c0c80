// Single writes: create, update, and what a create costs the server's processor.
import { type Finding, finding } from '../finding.ts';
import { interleave, rateOf, type Sample } from '../measure.ts';
import { costed, cpuSeconds } from '../metrics.ts';
import { clearReferences } from '../references/reference.ts';
import { ofType, post, put, unnamed } from '../requests.ts';
import type { Stage } from '../stage.ts';
import type { Workload } from './workload.ts';

const connections = 64;

export const create: Workload = { name: 'create', run: runCreate };
export const update: Workload = { name: 'update', run: runUpdate };

async function runCreate(stage: Stage): Promise<Finding[]> {
	const { home, load, options } = stage;
	const observations = ofType(home, 'Observation').slice(0, 3000).map(unnamed);
	const profile = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-vital-signs';
	const profiled = observations
		.filter(({ category }) => JSON.stringify(category).includes('vital-signs'))
		.map((one) => ({ ...one, meta: { profile: [profile] } }));
	define('observations', observations);
	define('patients', ofType(home, 'Patient').map(unnamed));
	define('profiled', profiled);
	const raw = await stage.reference('insert');
	const batched = await stage.reference('batch');
	const burst = async (port: number, run: string): Promise<Sample> =>
		rateOf(await load.run({ port, connections, seconds: options.seconds, run }));
	const cpu: Record<'heron' | 'r1' | 'r2', Sample[]> = { heron: [], r1: [], r2: [] };
	const counted = async (name: keyof typeof cpu, port: number, read: () => Promise<number>): Promise<Sample> => {
		const { outcome, cpu: used } = await costed(read, () => load.run({ port, connections, seconds: options.seconds, run: 'observations' }));
		cpu[name].push(used);
		return rateOf(outcome);
	};
	const samples = await interleave(
		[
			{ name: 'r1', run: () => counted('r1', raw.port, raw.cpuSeconds) },
			{ name: 'r2', run: () => counted('r2', batched.port, batched.cpuSeconds) },
			{ name: 'heron', run: () => counted('heron', home.heron.port, () => cpuSeconds(home.heron.port)) },
			{ name: 'patients', run: () => burst(home.heron.port, 'patients') },
			{ name: 'r2patients', run: () => burst(batched.port, 'patients') },
			{ name: 'profiled', run: () => burst(home.heron.port, 'profiled') },
		],
		options.rounds,
	);
	for (const { stop } of [raw, batched]) stop();
	await clearReferences(home.config);
	const about = (what: string, unit = 'req/s'): { workload: string; what: string; unit: string } => ({ workload: 'create', what, unit });
	const warm = (list: Sample[]): Sample[] => list.slice(-options.rounds);
	return [
		finding(about('R1: http + one INSERT'), samples.r1),
		finding(about('R2: http + batched INSERT'), samples.r2),
		finding(about(`Observation 0.9 KB, ${connections} connections`), samples.heron, [
			{ to: 'R1', samples: samples.r1, goal: { atLeast: 2 } },
			{ to: 'R2', samples: samples.r2, goal: { atLeast: 0.8 } },
		]),
		finding(about('Patient 3 KB'), samples.patients, [{ to: 'R2 with the same', samples: samples.r2patients }]),
		finding(about('Observation with a US Core profile'), samples.profiled, [{ to: 'without', samples: samples.heron }]),
		finding({ ...about('Node CPU per create', 'µs'), goal: { atMost: 60 } }, warm(cpu.heron), [
			{ to: 'R2', samples: warm(cpu.r2) },
			{ to: 'R1', samples: warm(cpu.r1) },
		]),
	];

	function define(name: string, resources: readonly { resourceType: string }[]): void {
		load.define(name, { requests: resources.map((resource) => post(home, resource.resourceType, resource)) });
	}
}

async function runUpdate(stage: Stage): Promise<Finding[]> {
	const { home, load, options } = stage;
	const resources = ofType(home, 'Observation').slice(0, 2000);
	// Two texts for each resource, taken in turn, so that every update changes something.
	const variants = ['first', 'second'].map((text) => resources.map((one) => put(home, { ...one, note: [{ text: `The ${text} note.` }] })));
	load.define('updates', { requests: variants.flat() });
	load.define('creates', { requests: resources.map((resource) => post(home, resource.resourceType, unnamed(resource))) });
	const burst = async (run: string): Promise<Sample> =>
		rateOf(await load.run({ port: home.heron.port, connections, seconds: options.seconds, run }));
	const samples = await interleave(
		[
			{ name: 'create', run: () => burst('creates') },
			{ name: 'update', run: () => burst('updates') },
		],
		options.rounds,
	);
	return [
		finding({ workload: 'update', what: `Observation with history, ${connections} connections`, unit: 'req/s' }, samples.update, [
			{ to: 'create', samples: samples.create, goal: { atLeast: 0.6 } },
		]),
	];
}
