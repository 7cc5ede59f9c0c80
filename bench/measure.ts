// Interleaved measuring: in every round each lane has its turn, so that whatever else the machine does falls on all alike; ratios are taken
// within a round.
import type { Outcome } from './load/job.ts';

export type Sample = {
	readonly value: number;
	readonly p50?: number;
	readonly p99?: number;
	/** Answers or rows that were not as they should be. */
	readonly failed?: number;
	readonly complaint?: string;
};

/** Something measured again and again: the server, or a reference point. */
export type Lane<Name extends string = string> = { readonly name: Name; readonly run: () => Promise<Sample> };

/** Turns of each lane that are thrown away: code is compiled to its best form only after thousands of requests. */
const warmTurns = 2;

/** All samples of each lane, round by round, after turns to warm up (0 for lanes that start a process of their own each time). */
export async function interleave<Name extends string>(
	lanes: readonly Lane<Name>[],
	rounds: number,
	warm = warmTurns,
): Promise<Record<Name, Sample[]>> {
	const samples = Object.fromEntries(lanes.map(({ name }) => [name, [] as Sample[]])) as Record<Name, Sample[]>;
	for (let turn = 0; turn < warm; turn++) for (const lane of lanes) await lane.run();
	for (let round = 0; round < rounds; round++) {
		for (let turn = 0; turn < lanes.length; turn++) {
			const lane = lanes[(turn + round) % lanes.length] as Lane<Name>;
			samples[lane.name].push(await lane.run());
		}
	}
	return samples;
}

/** A run of the load generator as requests a second. */
export function rateOf(outcome: Outcome): Sample {
	return { value: outcome.perSecond, ...shared(outcome) };
}

/** A run of the load generator as the median time of an answer. */
export function timeOf(outcome: Outcome): Sample {
	return { value: outcome.p50, ...shared(outcome) };
}

function shared({ p50, p99, failed, complaint }: Outcome): Omit<Sample, 'value'> {
	const count = Object.values(failed).reduce((sum, some) => sum + some, 0);
	return { p50, p99, ...(count === 0 ? {} : { failed: count }), ...(complaint === undefined ? {} : { complaint }) };
}

export function median(values: readonly number[]): number {
	const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
	if (sorted.length === 0) return Number.NaN;
	const middle = sorted.length >> 1;
	return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
