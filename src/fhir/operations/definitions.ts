// The OperationDefinitions of all operations, as they are served under /OperationDefinition.
import type { Fhir } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import type { Operation } from './operation.ts';

/** The OperationDefinitions of an installation, in the order of their ids. */
export function operationDefinitions({ base, rows }: Pick<Fhir, 'base' | 'rows'>): Resource[] {
	const all = rows.operations.map(({ definition }) => ({ ...definition, url: `${base}/${definition.url}` }) as Resource);
	return all.toSorted((a, b) => ((a.id as string) < (b.id as string) ? -1 : 1));
}

/** The canonical url by which the CapabilityStatement names an operation: the specification's own where it is done in full. */
export function canonicalOf(base: string, { definition, complete }: Operation): string {
	return complete === true && typeof definition.base === 'string' ? definition.base : `${base}/${definition.url}`;
}
