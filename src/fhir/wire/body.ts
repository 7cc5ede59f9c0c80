// A request's body as a resource.
import { isUtf8 } from 'node:buffer';
import type { Resource } from '#fhir/resource.ts';
import { parseJson } from './json.ts';
import type { Format } from './negotiate.ts';
import { malformedXml, notAResource } from './problems.ts';
import { fromXml } from './xml.ts';

/**
 * The resource in a body, not yet validated.
 * Throws Problem invalid (400): `json-malformed`, `xml-malformed`, `xml-structure`, or `not-a-resource` when it has no `resourceType`.
 */
export function parseResource(bytes: Buffer, format: Format): Resource {
	if (bytes.length === 0) throw notAResource('The body is empty; a resource is expected.');
	if (format === 'xml') {
		if (!isUtf8(bytes)) throw malformedXml(1, 0, 'the text is not valid UTF-8');
		return fromXml(bytes.toString('utf8'));
	}
	const value = parseJson(bytes);
	if (typeof value !== 'object' || value === null || Array.isArray(value) || value instanceof Number)
		throw notAResource('The body is not a JSON object; a resource is expected.');
	if (typeof (value as Resource).resourceType !== 'string') throw notAResource('The body has no "resourceType"; a resource is expected.');
	return value as Resource;
}
