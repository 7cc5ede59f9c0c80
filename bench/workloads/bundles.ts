// Many resources in one request: transactions of a thousand entries, and whole patients one bundle each.
import type { Resource } from '#fhir/resource.ts';
import { createRandom } from '#testing/random.ts';
import { type Finding, finding } from '../finding.ts';
import { interleave, type Sample } from '../measure.ts';
import { clearReferences, startCopier } from '../references/reference.ts';
import { ofType, post, unnamed } from '../requests.ts';
import type { Stage } from '../stage.ts';
import type { Workload } from './workload.ts';

export const transactions: Workload = { name: 'transactions', run: runTransactions };
export const bundles: Workload = { name: 'bundles', run: runBundles };

async function runTransactions(stage: Stage): Promise<Finding[]> {
	const { home, load, options } = stage;
	const size = 1000;
	const random = createRandom(options.seed, 0x7a);
	const observations = ofType(home, 'Observation');
	const requests = Array.from({ length: 12 }, () =>
		post(home, '', thousand(random.uuid, observations, random.below(observations.length), size)),
	);
	load.define('thousand', { requests });
	const copier = await startCopier(home.config, 2);
	const samples = await interleave(
		[
			{ name: 'copy', run: async (): Promise<Sample> => ({ value: await copier.copyIn(options.seconds, size) }) },
			{ name: 'heron', run: () => entries(stage, 'thousand', 2, options.seconds, size) },
		],
		options.rounds,
	);
	copier.stop();
	await clearReferences(home.config);
	return [
		finding({ workload: 'transactions', what: 'R5: COPY into the same indexed table, 2 connections', unit: 'rows/s' }, samples.copy),
		finding({ workload: 'transactions', what: '1,000 entries, references rewritten, 2 connections', unit: 'resources/s' }, samples.heron, [
			{ to: 'R5', samples: samples.copy, goal: { atLeast: 0.7 } },
		]),
	];
}

/** Entries a second; the times are those of whole bundles. */
async function entries(stage: Stage, run: string, connections: number, seconds: number, size: number): Promise<Sample> {
	const { p50, p99, perSecond, failed, complaint } = await stage.load.run({ port: stage.home.heron.port, connections, seconds, run });
	const count = Object.values(failed).reduce((sum, some) => sum + some, 0);
	return {
		value: perSecond * size,
		p50,
		p99,
		...(count === 0 ? {} : { failed: count }),
		...(complaint === undefined ? {} : { complaint }),
	};
}

/** Observations of which every fifth is derived from the one before, so that there are references to rewrite. */
function thousand(uuid: () => string, observations: readonly Resource[], from: number, size: number): Resource {
	const urns = Array.from({ length: size }, () => `urn:uuid:${uuid()}`);
	return {
		resourceType: 'Bundle',
		type: 'transaction',
		entry: urns.map((fullUrl, at) => {
			const resource = unnamed(observations[(from + at) % observations.length] as Resource);
			if (at % 5 === 4) resource.derivedFrom = [{ reference: urns[at - 1] }];
			return { fullUrl, resource, request: { method: 'POST', url: 'Observation' } };
		}),
	};
}

/** A bundle a patient, as Synthea writes them, from 20 connections. */
async function runBundles(stage: Stage): Promise<Finding[]> {
	const { home, load, options, population } = stage;
	const copier = await startCopier(home.config, 1);
	let next = 10_000_000;
	const make = (): { bytes: Buffer; size: number } => {
		const chart = population.chart(next++);
		return { bytes: post(home, '', patientBundle(chart)), size: chart.length };
	};
	const samples = await interleave(
		[
			{ name: 'copy', run: async (): Promise<Sample> => ({ value: await copier.copyIn(options.seconds, 1000) }) },
			{
				name: 'heron',
				run: () => {
					const made = Array.from({ length: Math.ceil(options.seconds * 60) }, make);
					load.define('bundles', { requests: made.map(({ bytes }) => bytes) });
					return entries(stage, 'bundles', 20, options.seconds, made.reduce((sum, { size }) => sum + size, 0) / made.length);
				},
			},
		],
		options.rounds,
	);
	copier.stop();
	await clearReferences(home.config);
	return [
		finding(
			{ workload: 'bundles', what: 'a transaction bundle a patient (about 107 entries), 20 connections', unit: 'resources/s' },
			samples.heron,
			[{ to: 'R5 with one connection', samples: samples.copy }],
		),
	];
}

/** The chart with urn:uuid references among its entries. */
export function patientBundle(chart: readonly Resource[]): Resource {
	const own = new Set(chart.map(({ resourceType, id }) => `${resourceType}/${id}`));
	const text = JSON.stringify(chart).replace(/"reference":"([A-Za-z]+\/([0-9a-f-]{36}))"/g, (whole, reference: string, id: string) =>
		own.has(reference) ? `"reference":"urn:uuid:${id}"` : whole,
	);
	return {
		resourceType: 'Bundle',
		type: 'transaction',
		entry: (JSON.parse(text) as Resource[]).map((resource) => ({
			fullUrl: `urn:uuid:${resource.id}`,
			resource: unnamed(resource),
			request: { method: 'POST', url: resource.resourceType },
		})),
	};
}
