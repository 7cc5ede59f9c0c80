// Rules of contained resources (dom-2 to dom-5), https://hl7.org/fhir/R4/domainresource.html#invs. In one pass each, whatever the size.
import type { Findings } from './findings.ts';
import { reports } from './reports.ts';
import { isObject } from './scope.ts';

/** Checks the contained resources of a resource. */
export function checkContained(c: Findings, resource: Record<string, unknown>): void {
	const contained = Array.isArray(resource.contained) ? resource.contained : [];
	let used: ReadonlySet<string> | undefined;
	for (let i = 0; i < contained.length; i++) {
		const inner: unknown = contained[i];
		if (!isObject(inner)) continue;
		const path = `.contained[${i}]`;
		const meta = isObject(inner.meta) ? inner.meta : {};
		if (inner.contained !== undefined)
			rule(c, 'dom-2', 'If the resource is contained in another resource, it SHALL NOT contain nested Resources', path);
		if (meta.versionId !== undefined || meta.lastUpdated !== undefined)
			rule(c, 'dom-4', 'If a resource is contained in another resource, it SHALL NOT have a meta.versionId or a meta.lastUpdated', path);
		if (meta.security !== undefined)
			rule(c, 'dom-5', 'If a resource is contained in another resource, it SHALL NOT have a security label', path);
		used ??= internalReferences(resource, new Set());
		if (!used.has(`#${inner.id}`) && !internalReferences(inner, new Set()).has('#'))
			rule(
				c,
				'dom-3',
				'If the resource is contained in another resource, it SHALL be referred to from elsewhere in the resource or SHALL refer to the containing resource',
				path,
			);
	}
}

function rule(c: Findings, key: string, human: string, path: string): void {
	reports.ruleByHeart(c, key, human, path);
}

/** Every text that starts with `#`: what references, canonicals and URIs inside the resource can be. */
function internalReferences(value: unknown, into: Set<string>): Set<string> {
	if (typeof value === 'string') {
		if (value.charCodeAt(0) === 35) into.add(value);
	} else if (Array.isArray(value)) for (const item of value) internalReferences(item, into);
	else if (value !== null && typeof value === 'object')
		for (const name of Object.keys(value)) internalReferences(value[name as never], into);
	return into;
}
