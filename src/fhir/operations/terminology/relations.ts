// What codes of one system have to do with each other, whether the system is stored or loaded.
import type { FhirCtx } from '#fhir/ctx.ts';
import { type CodeSystem, conceptsOf } from '#fhir/terminology/code-system.ts';
import { conceptsByCode, findSystem, isBelow } from '#fhir/terminology/tables.ts';
import { unknownSystem } from './problems.ts';
import { findStored } from './stored.ts';

/** A code system that can be asked about single codes. */
export type Asked = {
	readonly url: string;
	readonly version: string | undefined;
	/** Whether what is not here does not exist. */
	readonly complete: boolean;
	/** Display of a code; undefined when there is no such code. */
	readonly find: (code: string) => Promise<{ readonly display: string | undefined; readonly inactive: boolean } | undefined>;
	/** Whether the first is below the second. */
	readonly isBelow: (code: string, above: string) => Promise<boolean>;
};

/** The system with this canonical url. Throws Problem not-found `code-system-unknown`. */
export async function systemAsked(ctx: FhirCtx, canonical: string): Promise<Asked> {
	const stored = (await findStored(ctx, 'CodeSystem', canonical)) as unknown as CodeSystem | undefined;
	if (stored !== undefined) {
		const concepts = conceptsOf(stored);
		return {
			url: canonical.split('|')[0] as string,
			version: stored.version,
			complete: stored.content === 'complete',
			find: async (code) => {
				const found = concepts.get(code);
				return found === undefined ? undefined : { display: found.defined.display, inactive: false };
			},
			isBelow: async (code, above) => concepts.get(code)?.ancestors.has(above) === true,
		};
	}
	const table = await findSystem(ctx.db, canonical);
	if (table === undefined) throw unknownSystem(canonical);
	return {
		url: table.url,
		version: table.version,
		complete: table.complete,
		find: async (code) => (await conceptsByCode(ctx.db, table, [code])).get(code),
		isBelow: (code, above) => isBelow(ctx.db, table, code, above),
	};
}
