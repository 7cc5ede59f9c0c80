// What records show of the resources that they refer to: read by name, each once, through the caller's grants.
import { Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { read } from '#fhir/interactions/read.ts';
import type { Resource, Stored } from '#fhir/resource.ts';
import { remembering } from './remembering.ts';
import { readingOf } from './write.ts';

/** Resources by reference. */
export type Related = ReadonlyMap<string, Resource>;

/** People, places and medications. */
const shownTypes: readonly string[] = ['Practitioner', 'Organization', 'Location', 'Medication'];

/** The resources of some types that references lead to, those that are there and that this caller may see; what is no reference is passed. */
export async function relatedTo(ctx: FhirCtx, references: readonly string[], types = shownTypes): Promise<Related> {
	const found = await readAll(ctx, references, types);
	return new Map([...found].map(([reference, stored]) => [reference, seenOf(stored)]));
}

/** The same in their order, as they are stored. */
export async function readAll(ctx: FhirCtx, references: readonly string[], types: readonly string[]): Promise<ReadonlyMap<string, Stored>> {
	const reading = [...new Set(references)].map(async (reference): Promise<readonly [string, Stored][]> => {
		const [, type = '', id = ''] = /^([A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})$/.exec(reference) ?? [];
		if (!types.includes(type)) return [];
		try {
			return [[reference, await read(ctx, type, id)]];
		} catch (error) {
			if (error instanceof Problem && ['not-found', 'gone', 'forbidden'].includes(error.kind)) return [];
			throw error;
		}
	});
	return new Map((await Promise.all(reading)).flat());
}

const known = remembering(500, (stored: Stored) => readingOf(stored));

/** People and places of the practice are few, and are read with every record. */
function seenOf(stored: Stored): Resource {
	return shownTypes.includes(stored.type) ? known(stored) : readingOf(stored);
}
