// The header X-Provenance: the Provenance of a write, without its target. https://hl7.org/fhir/R4/provenance.html#header
import { type Issue, Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { check } from '#fhir/interactions/prepare.ts';
import { issuesOf } from '#fhir/outcome.ts';
import type { Resource } from '#fhir/resource.ts';
import { parseJson } from '#fhir/wire/json.ts';

/**
 * The Provenance in the header's text: JSON in UTF-8, percent-encoded or not. Throws Problem invalid 400 `x-provenance` with the element that
 * is wrong.
 */
export function readHeader(ctx: FhirCtx, text: string): Resource {
	const { id: _, ...given } = parsed(text);
	const target = Array.isArray(given.target) ? given.target.filter((one) => Object.keys(Object(one)).length > 0) : given.target;
	const resource = (target === undefined ? given : { ...given, target }) as Resource;
	try {
		// What is written is not known yet; any reference stands for it.
		check(ctx, 'Provenance', Array.isArray(target ?? []) ? { ...resource, target: [...((target as object[]) ?? []), standIn] } : resource);
	} catch (error) {
		if (!(error instanceof Problem)) throw error;
		throw wrong(error.text, issuesOf(error), error);
	}
	return resource;
}

const standIn = { reference: 'Basic/written' };

function parsed(text: string): Resource {
	let value: unknown;
	try {
		const json = text.startsWith('%7B') ? Buffer.from(decodeURIComponent(text)) : Buffer.from(text, 'latin1');
		value = parseJson(json);
	} catch (cause) {
		throw wrong('The header X-Provenance is not JSON.', undefined, cause);
	}
	if (value === null || typeof value !== 'object' || (value as Resource).resourceType !== 'Provenance')
		throw wrong('The header X-Provenance is not a Provenance.', undefined, undefined);
	return value as Resource;
}

function wrong(text: string, issues: readonly Issue[] | undefined, cause: unknown): Problem {
	return new Problem('invalid', 'x-provenance', text, {
		status: 400,
		...(issues === undefined ? { path: 'http.X-Provenance' } : { issues }),
		cause,
	});
}
