// Rules of Bundles that FHIRPath does not say, https://hl7.org/fhir/R4/bundle.html#bundle-unique.
import type { Findings } from './findings.ts';
import { reports } from './reports.ts';
import { isObject } from './scope.ts';

const restful = /^https?:\/\/.+\/([A-Z][A-Za-z]+)\/([A-Za-z0-9.-]{1,64})$/;

/** Checks that full URLs are absolute and agree with the resource's type and id. */
export function checkBundle(c: Findings, bundle: Record<string, unknown>): void {
	const entries = Array.isArray(bundle.entry) ? bundle.entry : [];
	for (let i = 0; i < entries.length; i++) {
		const entry: unknown = entries[i];
		if (!isObject(entry) || typeof entry.fullUrl !== 'string') continue;
		const path = `.entry[${i}].fullUrl`;
		if (!/^[A-Za-z][A-Za-z0-9+.-]*:/.test(entry.fullUrl)) {
			reports.fullUrl(c, 'A full URL must be absolute.', path);
			continue;
		}
		const resource = isObject(entry.resource) ? entry.resource : undefined;
		const match = restful.exec(entry.fullUrl);
		if (match === null || resource === undefined || typeof resource.id !== 'string') continue;
		const isOther = match[2] !== resource.id || match[1] !== resource.resourceType;
		// A URL that ends in something like Type/id need not be one of a FHIR server unless the type is that of the resource.
		if (isOther && (match[1] === resource.resourceType || match[2] === resource.id))
			reports.fullUrl(
				c,
				`The full URL must end in ${String(resource.resourceType)}/${resource.id}, as type and id of its resource say.`,
				path,
			);
	}
}
