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
	const versions = resource.target.map((target: { reference?: unknown } | null) => String(target?.reference).split('/_history/'));
	const told = versions.flatMap(([name = '', version]) => (version === undefined ? [] : [name]));
	return references.filter((reference) => !told.some((name) => name === reference || name.endsWith(`/${reference}`)));
}
