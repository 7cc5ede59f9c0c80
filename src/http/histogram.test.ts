// The figures of requests must be those that prom-client's own histogram would give.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram, Registry } from 'prom-client';
import { createRandom } from '#testing/random.ts';
import { createRequestHistogram } from './histogram.ts';
import { addFigures } from './metrics.ts';

const buckets = [0.001, 0.01, 0.1, 1];

test('it counts as prom-client does, alone and added up over processes', async () => {
	const [ours, theirs] = [new Registry(), new Registry()];
	const histogram = createRequestHistogram('seconds', 'Help', buckets);
	ours.registerMetric(histogram.metric);
	const other = new Histogram({ name: 'seconds', help: 'Help', labelNames: ['method', 'route', 'status'], buckets, registers: [theirs] });
	const random = createRandom(1);
	for (let n = 0; n < 2000; n++) {
		const [method, route, status] = [random.pick(['GET', 'POST']), random.pick(['/a/:b', '/c']), random.pick([200, 404])];
		const seconds = random.chance(0.1) ? random.pick(buckets) : random.next() ** 6 * 3;
		histogram.observe(method, route, status, seconds);
		other.observe({ method, route, status }, seconds);
	}
	const lines = (text: string): string[] => text.split('\n').sort();
	assert.deepEqual(lines(await ours.metrics()), lines(await theirs.metrics()));
	const twice = async (registry: Registry): Promise<string[]> =>
		lines(await addFigures([await registry.getMetricsAsJSON(), await registry.getMetricsAsJSON()]));
	assert.deepEqual(await twice(ours), await twice(theirs));
	assert.match(await ours.metrics(), /seconds_count\{method="GET",route="\/c",status="404"\} \d+/);
});
