// What a workload found, with what it is held against.
import { median, type Sample } from './measure.ts';

export type Goal = { readonly atLeast: number } | { readonly atMost: number };

export type Ratio = { readonly to: string; readonly baseline: readonly number[]; readonly values: readonly number[]; readonly goal?: Goal };

export type Finding = {
	readonly workload: string;
	readonly what: string;
	readonly unit: string;
	/** One for each round. */
	readonly values: readonly number[];
	readonly p50?: number;
	readonly p99?: number;
	/** A goal for the value itself. */
	readonly goal?: Goal;
	readonly ratios: readonly Ratio[];
	readonly failed?: number;
	readonly complaint?: string;
};

/** Collects a lane's samples and their ratios to other lanes, round by round. */
export function finding(
	about: { readonly workload: string; readonly what: string; readonly unit: string; readonly goal?: Goal },
	samples: readonly Sample[],
	against: readonly { readonly to: string; readonly samples: readonly Sample[]; readonly goal?: Goal }[] = [],
): Finding {
	const values = samples.map(({ value }) => value);
	const times = (name: 'p50' | 'p99'): number => median(samples.flatMap((sample) => sample[name] ?? []));
	const failed = samples.reduce((sum, sample) => sum + (sample.failed ?? 0), 0);
	const complaint = samples.find((sample) => sample.complaint !== undefined)?.complaint;
	return {
		...about,
		values,
		...(samples[0]?.p50 === undefined ? {} : { p50: times('p50'), p99: times('p99') }),
		ratios: against.map(({ to, samples: others, goal }) => {
			const baseline = others.map(({ value }) => value);
			return {
				to,
				baseline,
				values: values.map((value, round) => value / (baseline[round] as number)),
				...(goal === undefined ? {} : { goal }),
			};
		}),
		...(failed === 0 ? {} : { failed }),
		...(complaint === undefined ? {} : { complaint }),
	};
}

/** Whether a goal is met by the median; undefined when there is none. Answers that failed meet no goal. */
export function isMet(goal: Goal | undefined, values: readonly number[], failed = 0): boolean | undefined {
	if (goal === undefined) return undefined;
	if (failed > 0) return false;
	const value = median(values);
	return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost;
}
