// The public CRUD workload in our words and data: 36 requests a cycle, over nine types; each creates, reads, updates and deletes what it made.
import type { Resource } from '#fhir/resource.ts';
import { createRandom } from '#testing/random.ts';
import { type Finding, finding } from '../finding.ts';
import type { Cycle } from '../load/job.ts';
import { interleave, rateOf, type Sample } from '../measure.ts';
import { clearReferences } from '../references/reference.ts';
import { unnamed } from '../requests.ts';
import { base, type Stage } from '../stage.ts';
import type { Workload } from './workload.ts';

export const crud: Workload = { name: 'crud', run: runCrud };

const connections = 300;

async function runCrud(stage: Stage): Promise<Finding[]> {
	const { home, load, options } = stage;
	load.define('crud', makeCycle(stage));
	const reference = await stage.reference('crud');
	const kinds = ['create', 'read', 'update', 'delete'];
	const times: Sample[][] = kinds.map(() => []);
	const burst = async (port: number, keep: boolean): Promise<Sample> => {
		const outcome = await load.run({ port, connections, seconds: options.seconds * 2, run: 'crud' });
		for (const [kind, list] of times.entries()) {
			const { p50 = Number.NaN, p99 = Number.NaN } = outcome.kinds[kind] ?? {};
			if (keep) list.push({ value: p99, p50, p99 });
		}
		return rateOf(outcome);
	};
	const samples = await interleave(
		[
			{ name: 'raw', run: () => burst(reference.port, false) },
			{ name: 'heron', run: () => burst(home.heron.port, true) },
		],
		options.rounds,
	);
	reference.stop();
	await clearReferences(home.config);
	return [
		finding({ workload: 'crud', what: 'http + one statement each, unbatched', unit: 'req/s' }, samples.raw),
		finding({ workload: 'crud', what: `36-request cycle over nine types, ${connections} connections`, unit: 'req/s' }, samples.heron, [
			{ to: 'the raw server', samples: samples.raw, goal: { atLeast: 0.8 } },
		]),
		...kinds.map((kind, at) =>
			finding({ workload: 'crud', what: `${kind}, p99`, unit: 'ms' }, (times[at] as Sample[]).slice(-options.rounds)),
		),
	];
}

/** The nine types in the order they are made; each text refers to what was made before it in the same cycle. */
function makeCycle({ population, home, options }: Stage): Cycle {
	const random = createRandom(options.seed, 0xc2d);
	const chart = population.chart(random.below(1000));
	const [organization] = population.practice.organizations;
	const [location] = population.practice.locations;
	const [practitioner] = population.practice.practitioners;
	const first = (type: string): Resource => {
		for (let n = 0; ; n++) {
			const found = (n === 0 ? chart : population.chart(n)).find(({ resourceType }) => resourceType === type);
			if (found !== undefined) return found;
		}
	};
	const changes: Record<string, (resource: Resource) => Resource> = {
		Patient: (one) => ({ ...one, gender: one.gender === 'male' ? 'female' : 'male' }),
		Location: (one) => ({ ...one, name: `${one.name} (new)` }),
		Organization: (one) => ({ ...one, name: `${one.name} (new)` }),
		Practitioner: (one) => ({ ...one, gender: one.gender === 'male' ? 'female' : 'male' }),
		Encounter: (one) => ({ ...one, status: 'cancelled' }),
		Observation: (one) => ({ ...one, issued: '2024-03-01T10:00:00.000-05:00' }),
		MedicationRequest: (one) => ({ ...one, status: 'completed' }),
		Claim: (one) => ({ ...one, created: '2024-03-01' }),
		ExplanationOfBenefit: (one) => ({ ...one, created: '2024-03-01' }),
	};
	const resources: Record<string, Resource | undefined> = { Location: location, Organization: organization, Practitioner: practitioner };
	return {
		base,
		authorization: home.authorization,
		steps: Object.entries(changes).map(([type, change]) => {
			const resource = unnamed(resources[type] ?? first(type));
			if (type === 'Location') delete resource.managingOrganization;
			const text = (one: Resource): string =>
				JSON.stringify(one).replace(/"reference":"([A-Z][A-Za-z]+)\/[^"]+"/g, '"reference":"$1/{$1}"');
			return { type, create: text(resource), update: text({ ...change(resource), id: `{${type}}` }) };
		}),
	};
}
