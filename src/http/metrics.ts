// Figures about the running process in Prometheus' text format (https://prometheus.io/docs/instrumenting/exposition_formats/).
import { AggregatorRegistry, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { Problem } from '#base/problem.ts';
import { createRequestHistogram } from './histogram.ts';
import { problemJson } from './problem-json.ts';
import type { Route } from './route.ts';

export type Metrics = {
	readonly observe: (method: string, path: string, status: number, seconds: number) => void;
	/** Requests answered so far. */
	readonly served: () => number;
	/** A gauge whose value is asked for when the figures are read. */
	readonly gauge: (name: string, help: string, read: () => number) => void;
	readonly text: () => Promise<string>;
	/** The same as data, to be added to those of other processes. */
	readonly figures: () => Promise<Figures>;
};

export type Figures = readonly object[];

/** One text for the figures of several processes: counts are added up, of what cannot be added the usual choice is made. */
export function addFigures(all: readonly Figures[]): Promise<string> {
	return AggregatorRegistry.aggregate(all.map((figures) => [...figures])).metrics();
}

/** The figures of one process: Node's own, and requests by method, route pattern and status. */
export function createMetrics(): Metrics {
	const registry = new Registry();
	collectDefaultMetrics({ register: registry });
	const requests = createRequestHistogram(
		'http_request_duration_seconds',
		'Time from the first byte of a request to the answer being handed over',
		[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
	);
	registry.registerMetric(requests.metric);
	let served = 0;
	return {
		observe(method, path, status, seconds) {
			served++;
			requests.observe(method, path, status, seconds);
		},
		served: () => served,
		gauge(name, help, read) {
			new Gauge({
				name,
				help,
				registers: [registry],
				collect() {
					this.set(read());
				},
			});
		},
		text: () => registry.metrics(),
		figures: () => registry.getMetricsAsJSON(),
	};
}

/** `GET /metrics`, answered to the addresses named only: "loopback", "any" or a list. */
export function metricsRoute<C>(metrics: Metrics, from: 'loopback' | 'any' | readonly string[]): Route<C> {
	return {
		method: 'GET',
		path: '/metrics',
		may: 'public',
		problem: problemJson,
		async handle(_ctx, request) {
			const address = request.remoteAddress;
			const allowed = from === 'any' || (from === 'loopback' ? isLoopback(address) : from.includes(address));
			if (!allowed) throw new Problem('forbidden', 'metrics-elsewhere', 'The figures of this server are not shown to this address.');
			return { status: 200, headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }, body: await metrics.text() };
		},
	};
}

function isLoopback(address: string): boolean {
	return address === '::1' || address.startsWith('127.');
}
