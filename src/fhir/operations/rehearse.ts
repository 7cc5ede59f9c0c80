// Writes for trial: everything a write checks is checked, in a transaction that is then undone.

import type { Interaction } from '#access/ctx.ts';
import { type Issue, Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { permit, writeWithin } from '#fhir/interactions/guard.ts';
import { issuesOf } from '#fhir/outcome.ts';
import type { Write } from '#fhir/store/store.ts';

/** What would stand against the write: permissions, versions, references to and from the resource. [] when it would be done. */
export async function rehearse(ctx: FhirCtx, write: Write, interaction: Interaction): Promise<readonly Issue[]> {
	try {
		permit(ctx, write.type, interaction);
		await ctx.fhir.store.transact(ctx, async (unit) => {
			await writeWithin(ctx, unit, [write], () => interaction);
			await unit.check();
			throw new Undone();
		});
	} catch (error) {
		if (error instanceof Undone) return [];
		if (error instanceof Problem && error.kind !== 'unavailable' && error.kind !== 'fault') return issuesOf(error);
		throw error;
	}
	return [];
}

class Undone extends Error {}
