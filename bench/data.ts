// Seeded people and charts of realistic size and mix: the same seed gives the same bytes, and patient n is the same whatever the number.
import type { Resource } from '#fhir/resource.ts';
import { createRandom } from '#testing/random.ts';
import { makeChart } from './data/chart.ts';
import { makePractice, type Practice } from './data/people.ts';

export type Population = {
	readonly practice: Practice;
	/** Organizations, locations and practitioners, to be loaded before the charts. */
	readonly shared: readonly Resource[];
	/** The resources of patient n, referred-to ones first. */
	readonly chart: (n: number) => Resource[];
};

/** A population without end: charts are made when asked for. */
export function createPopulation(seed: number): Population {
	const practice = makePractice(createRandom(seed, 0x9e));
	return {
		practice,
		shared: [...practice.organizations, ...practice.locations, ...practice.practitioners],
		chart: (n) => makeChart(createRandom(seed, 0x51, n), practice),
	};
}
