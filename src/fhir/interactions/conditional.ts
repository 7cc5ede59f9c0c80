// Conditional interactions (https://hl7.org/fhir/R4/http.html#cond-update): criteria are looked up under a lock of their own, so that
// requests with the same criteria come one after the other and none sees what another is about to write.
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Stored } from '#fhir/resource.ts';
import { pairsOf } from '#fhir/search/escape.ts';
import { match } from '#fhir/search/match.ts';
import type { Unit } from '#fhir/store/store.ts';
import { severalMatch } from './problems.ts';

/** The text to lock for criteria: the same for the same parameters in any order and escaping. */
export function lockOf(type: string, criteria: string): string {
	const pairs = pairsOf(criteria.replace(/^[^?]*\?/, '')).map(([name, value]) => `${name}=${value}`);
	return `${type}?${pairs.sort().join('&')}`;
}

/** The one resource that meets the criteria, undefined when there is none. Throws Problem stale 412 `several-match`. */
export async function theOne(ctx: FhirCtx, type: string, criteria: string, unit?: Unit): Promise<Stored | undefined> {
	const found = await match(ctx, type, criteria, unit?.tx ?? ctx.db);
	if (found.length > 1) throw severalMatch(type, criteria);
	return found[0];
}
