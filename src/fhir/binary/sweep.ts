// Blobs outlive failed writes; nothing else makes garbage of them, as every version is kept. Removes those that no version refers to.
import type { FhirCtx } from '#fhir/ctx.ts';
import type { HistoryKey } from '#fhir/store/store.ts';
import { refInBody } from './blob-data.ts';

/** A blob is put shortly before its row is written; one this young may belong to a write under way. */
export const graceMs = 24 * 60 * 60 * 1000;

export type Swept = { readonly looked: number; readonly removed: number; readonly bytes: number };

/**
 * Removes the blobs put before the grace time that no current or former version of a Binary names, and what interrupted puts left behind.
 * Reads every version of every Binary once; safe while the server works.
 */
export async function sweepBlobs(ctx: FhirCtx, options: { readonly graceMs?: number } = {}): Promise<Swept> {
	const { blobs } = ctx.fhir;
	const before = ctx.clock.now().getTime() - (options.graceMs ?? graceMs);
	const unreferred = new Set<string>();
	// Keys first, versions after: what a version names when it is read is then certainly kept.
	for await (const key of blobs.keys()) unreferred.add(key);
	const looked = unreferred.size;
	if (looked > 0) for await (const key of referredKeys(ctx)) unreferred.delete(key);
	let removed = 0;
	let bytes = 0;
	for (const key of unreferred) {
		const facts = await blobs.facts(key);
		if (facts === undefined || !(await blobs.remove(key, before))) continue;
		removed++;
		bytes += facts.size;
	}
	await blobs.tidy(before);
	return { looked, removed, bytes };
}

/** The keys that versions of Binary name, current and former. */
export async function* referredKeys(ctx: FhirCtx): AsyncGenerator<string> {
	let after: HistoryKey | undefined;
	do {
		const page = await ctx.fhir.store.history(ctx, { type: 'Binary', count: 500, ...(after === undefined ? {} : { after }) });
		for (const { body } of page.entries) {
			const ref = refInBody(body);
			if (ref !== undefined) yield ref.key;
		}
		after = page.next;
	} while (after !== undefined);
}
