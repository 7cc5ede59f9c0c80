// A histogram for the one figure that every request adds to: prom-client's own works its labels out anew at each observation, which took as
// long as finding the route.
import type { Metric, MetricValueWithName } from 'prom-client';

export type Histogram = {
	readonly observe: (method: string, route: string, status: number, seconds: number) => void;
	/** For a prom-client registry. */
	readonly metric: Metric;
};

type Series = { readonly labels: Readonly<Record<string, string | number>>; readonly counts: number[]; sum: number; count: number };

/** Seconds of requests by method, route pattern and status. */
export function createRequestHistogram(name: string, help: string, buckets: readonly number[]): Histogram {
	const known = new Map<string, Series>();
	const seriesOf = (method: string, route: string, status: number): Series => {
		const key = `${status} ${method} ${route}`;
		let series = known.get(key);
		if (series === undefined) {
			series = { labels: { method, route, status }, counts: buckets.map(() => 0), sum: 0, count: 0 };
			known.set(key, series);
		}
		return series;
	};
	return {
		observe(method, route, status, seconds) {
			const series = seriesOf(method, route, status);
			series.sum += seconds;
			series.count++;
			for (let at = 0; at < buckets.length; at++) {
				if (seconds <= (buckets[at] as number)) {
					series.counts[at] = (series.counts[at] as number) + 1;
					return;
				}
			}
		},
		metric: {
			name,
			get: async () => ({
				name,
				help,
				type: 'histogram',
				aggregator: 'sum',
				values: [...known.values()].flatMap((series) => valuesOf(name, buckets, series)),
			}),
		} as unknown as Metric,
	};
}

/** Counts up to each limit, as the format has them. */
function valuesOf(name: string, buckets: readonly number[], { labels, counts, sum, count }: Series): MetricValueWithName<string>[] {
	let upTo = 0;
	const limits = buckets.map((le, at) => {
		upTo += counts[at] as number;
		return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: upTo };
	});
	return [
		...limits,
		{ metricName: `${name}_bucket`, labels: { le: '+Inf', ...labels }, value: count },
		{ metricName: `${name}_sum`, labels, value: sum },
		{ metricName: `${name}_count`, labels, value: count },
	];
}
