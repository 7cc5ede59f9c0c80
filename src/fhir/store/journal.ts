// A journal of writes that is kept within their own transaction.
import type { Part } from '#access/audit/audit.ts';
import { outcomeOf } from '#db/database.ts';
import type { Plan, Ready } from './plan.ts';
import type { Written } from './store.ts';

/** A write that is about to be committed. */
export type Journaled = {
	readonly ready: Ready;
	readonly written: Written;
	/** The body before a delete. */
	readonly deleted: string | undefined;
};

/** Makes the statement that tells of these writes; undefined when there is nothing to tell. */
export type Journal = (writes: readonly Journaled[]) => Promise<Part | undefined>;

/** What a plan writes. */
export function journaledOf(writes: readonly Ready[], plan: Plan, isTold: (written: Written, ready: Ready) => boolean): Journaled[] {
	return writes.flatMap((ready, i) => {
		const written = plan.outcomes[i];
		if (written === undefined || written instanceof Error || !isTold(written, ready)) return [];
		return [{ ready, written, deleted: plan.deleted.get(ready.name) }];
	});
}

/** Runs a transaction that the part belongs to and tells it how that ended. */
export async function endWith<T>(part: Part | undefined, run: () => Promise<T>): Promise<T> {
	try {
		const result = await run();
		part?.end('committed');
		return result;
	} catch (error) {
		part?.end(outcomeOf(error));
		throw error;
	}
}
