// A patch as an entry of a Bundle carries it: FHIRPath Patch as Parameters, JSON Patch as a Binary.
// https://hl7.org/fhir/R4/http.html#patch ("Using Patch in batch/transaction")
import { Problem } from '#base/problem.ts';
import type { Resource } from '#fhir/resource.ts';
import { parseJson } from '#fhir/wire/json.ts';
import type { Changes } from './patch.ts';

/** The changes in a resource. Throws Problem invalid for anything but Parameters and a Binary with a JSON Patch. */
export function changesOf(resource: Resource): Changes {
	if (resource.resourceType === 'Parameters') return { by: 'fhirpath', parameters: resource };
	const { contentType, data } = resource;
	if (resource.resourceType === 'Binary' && typeof data === 'string' && /^application\/json-patch\+json/.test(String(contentType)))
		return { by: 'json-patch', operations: parseJson(Buffer.from(data, 'base64')) };
	throw new Problem(
		'invalid',
		'patch-format',
		'A patch is a Parameters resource (FHIRPath Patch) or a Binary with the content type application/json-patch+json.',
		{ status: 415 },
	);
}
