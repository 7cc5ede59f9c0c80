// How bodies grow: medians by age in the manner of the growth charts of the WHO (to two years) and the CDC, and where a child stands.
import type { Random } from '#base/random.ts';

/** Standard deviations from the median that somebody keeps. */
export type Body = { readonly height: number; readonly weight: number; readonly head: number };

export function bodyOf(random: Random): Body {
	const height = clamp(random.normal(0, 1));
	return { height, weight: clamp(0.5 * height + random.normal(0, 0.85)), head: clamp(random.normal(0, 0.9)) };
}

function clamp(z: number): number {
	return Math.max(-2.2, Math.min(2.2, z));
}

const months = [0, 2, 4, 6, 9, 12, 18, 24, 36, 48, 60, 72, 84, 96, 108, 120, 132, 144, 156, 168, 180, 192, 204, 216];

const medians = {
	male: {
		weight: [
			3.3, 5.6, 7, 7.9, 8.9, 9.6, 10.9, 12.2, 14.3, 16.3, 18.4, 20.7, 23.1, 25.6, 28.6, 32, 36, 40.5, 45.6, 51, 56.3, 60.9, 64.6, 67.2,
		],
		height: [
			49.9, 58.4, 63.9, 67.6, 72, 75.7, 82.3, 87.8, 95.5, 102.5, 109, 115.5, 121.9, 128, 133.3, 138.4, 143.5, 149, 156, 163.5, 170, 173.5,
			175.3, 176.2,
		],
		head: [34.5, 39.1, 41.6, 43.3, 45, 46.1, 47.4, 48.3],
	},
	female: {
		weight: [
			3.2, 5.1, 6.4, 7.3, 8.2, 8.9, 10.2, 11.5, 13.9, 16, 18, 20.2, 22.6, 25.3, 29, 33, 37, 41.5, 45.8, 49.4, 52.1, 53.9, 55.1, 56.7,
		],
		height: [
			49.1, 57.1, 62.1, 65.7, 70.1, 74, 80.7, 86.4, 94.5, 101, 108, 115, 121.5, 127.5, 133, 138, 144, 151.3, 157, 160.3, 161.9, 162.7, 163,
			163.2,
		],
		head: [33.9, 38.3, 40.6, 42.2, 43.8, 44.9, 46.2, 47.2],
	},
} as const;

type Measure = keyof (typeof medians)['male'];

/** The median at an age, between the ages of the table in proportion. */
function median(measure: Measure, sex: 'female' | 'male', years: number): number {
	const table: readonly number[] = medians[sex][measure];
	const at = years * 12;
	const next = months.findIndex((month) => month >= at);
	if (next === 0) return table[0] as number;
	const high = next < 0 || next >= table.length ? table.length - 1 : next;
	const [from, to] = [months[high - 1] as number, months[high] as number];
	const share = Math.min(1, (at - from) / (to - from));
	return (table[high - 1] as number) + share * ((table[high] as number) - (table[high - 1] as number));
}

export type Size = {
	/** In cm, kg and cm. */
	readonly height: number;
	readonly weight: number;
	readonly head: number;
	readonly bmi: number;
	/** Percentiles for age and sex; of the weight for the length. */
	readonly percentiles: { readonly bmi: number; readonly weightForLength: number; readonly head: number };
};

/** A child of an age in years. */
export function childSize(sex: 'female' | 'male', years: number, body: Body): Size {
	const height = median('height', sex, years) * (1 + 0.042 * body.height);
	const weight = median('weight', sex, years) * Math.exp(0.125 * body.weight);
	const head = median('head', sex, years) * (1 + 0.026 * body.head);
	const lean = body.weight - 0.6 * body.height;
	return {
		height,
		weight,
		head,
		bmi: weight / (height / 100) ** 2,
		percentiles: { bmi: percentile(lean), weightForLength: percentile(lean), head: percentile(body.head) },
	};
}

/** An adult; `more` is what illness adds to the body mass index. */
export function adultSize(sex: 'female' | 'male', years: number, body: Body, more: number): Size {
	const height = median('height', sex, 18) * (1 + 0.04 * body.height) - Math.max(0, years - 55) * 0.08;
	const bmi = Math.max(18, 24.6 + body.weight * 2.6 + Math.min(2.5, (years - 18) * 0.05) - Math.max(0, years - 72) * 0.15 + more);
	return { height, weight: bmi * (height / 100) ** 2, head: 56, bmi, percentiles: { bmi: 50, weightForLength: 50, head: 50 } };
}

/** The share of people below, in percent, by the normal distribution (Abramowitz and Stegun 26.2.17). */
export function percentile(z: number): number {
	const t = 1 / (1 + 0.2316419 * Math.abs(z));
	const tail = 0.3989423 * Math.exp((-z * z) / 2) * t * (0.3193815 + t * (-0.3565638 + t * (1.781478 + t * (-1.821256 + t * 1.330274))));
	return Math.round(100 * (z > 0 ? 1 - tail : tail));
}
