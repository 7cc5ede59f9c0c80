// Which references have to lead somewhere.
import type { Resource } from '#fhir/resource.ts';

/** What may be deleted while a resource of this type refers to it: what a Provenance tells of stays in history, and the Provenance with it. */
export const holdsNothing = 'Provenance';

/**
 * Those of a resource's references that have to lead to what is there. A version that a Provenance tells of may be of a resource that was
 * deleted since, above all when the Provenance comes from elsewhere.
 */
export function soughtOf(type: string, resource: Resource | null, references: readonly string[]): readonly string[] {
	if (type !== holdsNothing || !Array.isArray(resource?.target)) return references;
	const told = new Set<string>();
	for (const target of resource.target as ({ reference?: unknown } | null)[]) {
		const [name = '', version] = String(target?.reference).split('/_history/');
		// Of an absolute one the last two parts say which resource it is.
		if (version !== undefined) told.add(name.split('/').slice(-2).join('/'));
	}
	return references.filter((reference) => !told.has(reference));
}
