// Writes of a job that happen once, however often the job is begun: the store as a job sees it notes the outcome of each write in the
// transaction of that write, and gives the noted outcome back when the job comes to the same write again.
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Perform } from '#fhir/interactions/batch.ts';
import type { Entry } from '#fhir/interactions/bundle.ts';
import type { Answer } from '#fhir/interactions/call.ts';
import type { Store, Unit, Written } from '#fhir/store/store.ts';
import type { JobRun } from './jobs.ts';

/**
 * The caller's context with a store that does each write once. `scope` names a part of the job that does its writes one after another
 * and in the same order whenever it runs: the whole job, or one entry of a batch. What `transact` gives must survive JSON.
 */
export function onceCtx(ctx: FhirCtx, job: JobRun, scope: string): FhirCtx {
	return { ...ctx, fhir: { ...ctx.fhir, store: onceStore(ctx.fhir.store, job, scope) } };
}

function onceStore(store: Store, job: JobRun, scope: string): Store {
	let done = 0;
	const transact: Store['transact'] = async <T>(ctx: Parameters<Store['transact']>[0], work: (unit: Unit) => Promise<T>): Promise<T> => {
		// What failed had no effect, so only what was done counts.
		const key = `${scope}#${done}`;
		const noted = job.recorded.get(key);
		const value =
			noted !== undefined
				? (JSON.parse(noted) as { value: T }).value
				: await store.transact(ctx, async (unit) => {
						const made = await work(unit);
						await job.record(key, JSON.stringify({ value: made }), unit.tx);
						return made;
					});
		done++;
		return value;
	};
	return {
		...store,
		transact,
		write: (ctx, write) => transact(ctx, async (unit) => (await unit.write([write]))[0] as Written),
	};
}

/** Does each entry of a batch once: the answers of entries that are done are remembered, the writes of one cut short are not repeated. */
export function performOnce(job: JobRun, perform: Perform): Perform {
	return async (ctx, entry) => {
		const key = `entry ${entry.index}`;
		const noted = job.recorded.get(key);
		if (noted !== undefined) return JSON.parse(noted) as Answer;
		const answer = await perform(onceCtx(ctx, job, key), entry satisfies Entry);
		await job.record(key, JSON.stringify(answer));
		return answer;
	};
}
