// A job whose process falls silent in the middle is finished by another one: nothing is lost and nothing is done twice.
import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from '#db/sql.ts';
import type { Fhir, FhirCtx } from '#fhir/ctx.ts';
import type { Perform } from '#fhir/interactions/batch.ts';
import { bundleLater, registerBundles } from '#fhir/interactions/later.ts';
import type { Ask } from '#fhir/interactions/transaction.ts';
import type { Resource } from '#fhir/resource.ts';
import { performing } from '#fhir/rows.ts';
import { search } from '#fhir/search/search.ts';
import { testFhir } from '#testing/fhir.ts';
import { createJobs } from './jobs.ts';

const ctx = await testFhir({ after });

/** The record as a process of its own sees it, with its own jobs. */
function processOf(): Fhir {
	const jobs = createJobs({ ...ctx, folder: join(tmpdir(), 'heron-no-jobs'), pollMs: 30, leaseMs: 60_000, concurrency: 1 });
	after(() => jobs.close());
	return { ...ctx.fhir, jobs };
}

const family = (name: string): object => ({
	resource: { resourceType: 'Patient', name: [{ family: name }] },
	request: { method: 'POST', url: 'Patient' },
});

for (const type of ['batch', 'transaction'] as const) {
	test(`a ${type} that is cut short between its entries is done once in the end`, async () => {
		const [first, second] = [processOf(), processOf()];
		const silent = Promise.withResolvers<void>();
		const on: FhirCtx = { ...ctx, fhir: first };
		const name = `Resumed-${type}`;
		// The read comes last in a transaction, when everything is written and nothing committed; a batch has committed each entry by then.
		const entry = [family(name), family(name), { request: { method: 'GET', url: `Patient?family=${name}` } }];
		let id = '';
		const fallSilent = async (): Promise<void> => {
			await ctx.db.execute(sql`UPDATE jobs.job SET due_at = now() - interval '1 s' WHERE id = ${id}`);
			silent.resolve();
			while ((await second.jobs.status(ctx, id)).state !== 'done') await sleep(10);
		};
		registerBundles(first, (prefer) => {
			const { alone, inside } = performing(prefer);
			const cutAlone: Perform = async (within, one) => {
				if (one.method === 'GET') await fallSilent();
				return alone(within, one);
			};
			const cutInside: Ask = async (within, one, unit) => {
				if (one.method === 'GET') await fallSilent();
				return inside(within, one, unit);
			};
			return { alone: cutAlone, inside: cutInside };
		});
		registerBundles(second, performing);
		id = await bundleLater(on, { resourceType: 'Bundle', type, entry }, {});
		first.jobs.work();
		await silent.promise;
		second.jobs.work();
		while ((await second.jobs.status(ctx, id)).state !== 'done') await sleep(10);
		const { result } = await second.jobs.status(ctx, id);
		const answered = JSON.parse(result?.text ?? '') as Resource & {
			entry: { response: { status: string }; resource?: { total: number } }[];
		};
		assert.equal(answered.type, `${type}-response`);
		assert.deepEqual(
			answered.entry.map(({ response }) => response.status.slice(0, 3)),
			['201', '201', '200'],
		);
		await first.jobs.close();
		const { matches } = await search(ctx, { type: 'Patient', query: `family=${name}`, handling: 'strict' });
		assert.equal(matches.length, 2);
	});
}
