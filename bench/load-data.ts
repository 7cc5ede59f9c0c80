// Fills a database with the generated population, through the store, in transactions of some thousand resources: a process of its own. The
// resources are not validated here; data.test.ts shows that they are valid.
import type { PoolConfig } from 'pg';
import { everything } from '#access/ctx.ts';
import { silentLog } from '#base/log.ts';
import type { Resource } from '#fhir/resource.ts';
import type { Write } from '#fhir/store/store.ts';
import { compose, openSource } from '../src/compose.ts';
import { readSettings } from '../src/settings.ts';
import { createPopulation } from './data.ts';

export type LoadOrder = { readonly env: Record<string, string>; readonly seed: number; readonly patients: number };
export type LoadReport = { readonly resources?: number; readonly seconds?: number; readonly rate?: number; readonly error?: string };

process.once('message', (order: LoadOrder) => {
	load(order).then(
		(report) => process.send?.(report, () => process.exit()),
		(error: Error) => process.send?.({ error: error.stack ?? error.message }, () => process.exit(1)),
	);
});
process.on('disconnect', () => process.exit());

async function load({ env, seed, patients }: LoadOrder): Promise<LoadReport> {
	const settings = readSettings(env);
	const source = await openSource(settings, silentLog, 'share');
	const installation = await compose(settings, source.config as PoolConfig, silentLog);
	const { fhir, db } = installation;
	const ctx = installation.ctxFor({ kind: 'system', id: 'bench', name: 'bench', grants: everything }, 'bench');
	const store = (resources: readonly Resource[]): Promise<unknown> =>
		fhir.store.transact(ctx, (unit) => unit.write(resources.map(asWrite)));
	const started = performance.now();
	const population = createPopulation(seed);
	const shared = patients === 0 ? [] : population.shared;
	await store(shared);
	let resources = shared.length;
	let next = 0;
	const lane = async (): Promise<void> => {
		while (next < patients) {
			const batch: Resource[] = [];
			for (; next < patients && batch.length < 2000; next++) batch.push(...population.chart(next));
			resources += batch.length;
			await store(batch);
		}
	};
	await Promise.all([lane(), lane()]);
	const seconds = (performance.now() - started) / 1000;
	await db.rows({ text: 'VACUUM (ANALYZE)' });
	await installation.close();
	await source.close();
	return { resources, seconds, rate: resources / seconds };
}

function asWrite(resource: Resource): Write {
	return { type: resource.resourceType, id: resource.id as string, op: 'U', resource };
}
