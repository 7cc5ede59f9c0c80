// What records show of the resources that they refer to: read by name, each once, through the caller's grants.
import { Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { read } from '#fhir/interactions/read.ts';
import type { Resource, Stored } from '#fhir/resource.ts';
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

/** A function of a stored version whose last results are remembered: for what many records refer to. */
export function remembering<T>(most: number, make: (stored: Stored) => T): (stored: Stored) => T {
	const results = new Map<number, { readonly of: Pick<Stored, 'id' | 'version' | 'updated'>; readonly result: T }>();
	return (stored) => {
		const { rid, id, version, updated } = stored;
		const last = results.get(rid);
		if (last !== undefined && last.of.version === version && last.of.updated === updated && last.of.id === id) return last.result;
		if (last === undefined && results.size >= most) results.delete(results.keys().next().value as number);
		const result = make(stored);
		results.set(rid, { of: { id, version, updated }, result });
		return result;
	};
}

const known = remembering(500, readingOf);

/** People and places of the practice are few, and are read with every record. */
function seenOf(stored: Stored): Resource {
	return shownTypes.includes(stored.type) ? known(stored) : readingOf(stored);
}
