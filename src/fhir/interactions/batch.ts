// batch: entries that know nothing of each other. https://hl7.org/fhir/R4/http.html#brules
import { Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { issuesOf } from '#fhir/outcome.ts';
import type { Resource } from '#fhir/resource.ts';
import { batchEntriesOf, type Entry, entryText, isAsking, responseText } from './bundle.ts';
import type { Answer, Preferences } from './call.ts';

/** Does one entry as if it had come alone. */
export type Perform = (ctx: FhirCtx, entry: Entry) => Promise<Answer>;

/** Entries in work at the same time: enough for their writes to share commits. */
const atOnce = 32;

/** The order of a transaction's rules, which serves those best who count on none. */
export const phases: readonly (readonly string[])[] = [['DELETE'], ['POST'], ['PUT', 'PATCH'], ['GET', 'HEAD']];

/** Does every entry and says of each how it went. */
export async function batch(ctx: FhirCtx, bundle: Resource, prefer: Preferences, perform: Perform): Promise<string> {
	const entries = batchEntriesOf(ctx, bundle);
	const texts: string[] = new Array(entries.length);
	for (const phase of phases) {
		const queue = entries.filter(({ method }) => phase.includes(method)).values();
		const work = async (): Promise<void> => {
			for (const entry of queue) {
				texts[entry.index] = await perform(ctx, entry).then(
					(answer) => entryText(ctx, answer, isAsking(entry) || prefer.return === 'representation'),
					(error) => failureText(ctx, error),
				);
			}
		};
		await Promise.all(Array.from({ length: atOnce }, work));
	}
	return responseText(ctx, 'batch-response', texts);
}

/** The entry of an answer for one that failed. */
export function failureText(ctx: FhirCtx, error: unknown): string {
	if (!(error instanceof Problem))
		ctx.log.error({ requestId: ctx.requestId, stack: (error as Error).stack }, 'unexpected failure of an entry');
	const problem = error instanceof Problem ? error : new Problem('fault', 'fault', 'Something went wrong on the server.');
	return entryText(ctx, { status: problem.status, issues: issuesOf(problem) }, false);
}
