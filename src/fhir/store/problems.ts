// Every failure the store can report.
import { type Issue, Problem } from '#base/problem.ts';
import type { Resource } from '#fhir/resource.ts';

/** A name that is no resource type. */
export function unknownType(type: string): Problem {
	return new Problem('not-found', 'type-unknown', `${type.slice(0, 64)} is not a resource type of FHIR R4.`);
}

/** An id that breaks the rules of https://hl7.org/fhir/R4/datatypes.html#id */
export function badId(): Problem {
	return new Problem('invalid', 'id-invalid', 'An id has 1 to 64 characters: letters, digits, "-" and ".".');
}

/** If-Match names a version that is not the current one; `current` is null when there is none. */
export function versionMismatch(type: string, id: string, current: number | null): Problem {
	const now = current === null ? 'does not exist' : `is at version ${current}`;
	return new Problem('stale', 'version-mismatch', `${type}/${id} ${now}, which is not the version that If-Match names.`);
}

/** If-None-Match: * on what exists, or a create under an id that is taken. */
export function alreadyExists(type: string, id: string): Problem {
	return new Problem('stale', 'already-exists', `${type}/${id} exists already.`);
}

/** A write that depends on a key which some resource has, or may have. */
export function keyTaken(): Problem {
	return new Problem('stale', 'key-taken', 'A resource with this key exists already.');
}

/** References that lead to nothing on this server; each issue names the element. */
export function referenceNotFound(resource: Resource | null, missing: readonly string[]): Problem {
	const issues = missing.map((reference): Issue => {
		const path = resource === null ? undefined : pathTo(resource, reference);
		const text = `${path ?? 'A reference'} refers to ${reference}, which does not exist.`;
		return { severity: 'error', type: 'not-found', code: 'reference-not-found', text, ...(path === undefined ? {} : { path }) };
	});
	const [first] = issues;
	const text = first?.text ?? 'A reference leads to a resource that does not exist.';
	return new Problem('invalid', 'reference-not-found', text, {
		status: 422,
		issues,
		...(first?.path === undefined ? {} : { path: first.path }),
	});
}

/** A delete of what other resources refer to. */
export function stillReferenced(type: string, id: string, by: string): Problem {
	return new Problem('conflict', 'still-referenced', `${type}/${id} cannot be deleted: at least one ${by} refers to it.`);
}

/** What PostgreSQL cannot keep, such as a single value beyond its limits. */
export function notStorable(cause: unknown): Problem {
	return new Problem('invalid', 'not-storable', 'The resource holds a value that cannot be stored.', { status: 422, cause });
}

/** The same resource was changed by others again and again while this write was tried. */
export function tooBusy(cause: unknown): Problem {
	return new Problem('conflict', 'too-busy', 'Others are changing the same resources all the time. Try again.', { cause });
}

/** PostgreSQL has no memory or no room for locks left for a write of this size at the moment. */
export function overloaded(cause: unknown): Problem {
	return new Problem(
		'unavailable',
		'database-overloaded',
		'The database has no room for this at the moment. Try again, or with less at once.',
		{
			cause,
			headers: { 'retry-after': '2' },
		},
	);
}

/** Where a resource holds this reference, as a FHIRPath such as Observation.performer[1]. */
function pathTo(resource: Resource, reference: string): string | undefined {
	const walk = (node: unknown, path: string): string | undefined => {
		if (Array.isArray(node)) {
			for (const [i, item] of node.entries()) {
				const found = walk(item, `${path}[${i}]`);
				if (found !== undefined) return found;
			}
		} else if (node !== null && typeof node === 'object') {
			const held = (node as { reference?: unknown }).reference;
			if (typeof held === 'string' && (held === reference || `${held}/`.includes(`${reference}/`))) return path;
			for (const [name, value] of Object.entries(node)) {
				const found = walk(value, `${path}.${name}`);
				if (found !== undefined) return found;
			}
		}
		return undefined;
	};
	return walk(resource, resource.resourceType);
}
