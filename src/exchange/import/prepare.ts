// From an entry to a checked write: links become `Type/id`, the resource is validated as every write is.
import { type Issue, isError, Problem } from '#base/problem.ts';
import { detachBlob } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { check, requireType } from '#fhir/interactions/prepare.ts';
import { isConditional, type Rewrite, rewriteLinks } from '#fhir/interactions/references.ts';
import type { Resource } from '#fhir/resource.ts';
import { isUrn } from './lookup.ts';
import type { Prepared } from './writer.ts';

export type Checked = { readonly prepared: Prepared; readonly issues: readonly Issue[] };

/**
 * A write that creates the resource under the id it has, or with `update` also makes it the newest version of one that is there. `issues`
 * are the rules it breaks when validation is lenient. Throws Problem as `check` does for what is not valid.
 */
export async function prepare(ctx: FhirCtx, place: string, resource: Resource, update: boolean): Promise<Checked> {
	const type = resource.resourceType;
	const issues = brokenRules(ctx, type, resource);
	const id = resource.id as string;
	const write = { type, id, op: 'U', resource: await detachBlob(ctx.fhir, resource), ...(update ? {} : { onlyIfAbsent: true }) } as const;
	return { prepared: { place, key: `${type}/${id}`, resource, write }, issues };
}

/** What lenient validation lets pass; [] when the resource is valid. */
function brokenRules(ctx: FhirCtx, type: string, resource: Resource): readonly Issue[] {
	const { fhir } = ctx;
	if (fhir.settings.validation === 'strict') {
		check(ctx, type, resource);
		return [];
	}
	try {
		check({ ...ctx, fhir: { ...fhir, settings: { ...fhir.settings, validation: 'strict' } } }, type, resource);
		return [];
	} catch (error) {
		if (!(error instanceof Problem)) throw error;
		check(ctx, type, resource);
		return error.issues.filter(isError);
	}
}

/** The resource with its links rewritten, and those that still have to be looked up. */
export function linked(resource: Resource, rewrite: Rewrite): { readonly resource: Resource; readonly open: readonly string[] } {
	let urns = false;
	const open = new Set<string>();
	const done = rewriteLinks(resource, (link) => {
		const to = rewrite(link);
		if (to !== undefined) return to;
		if (isConditional(link)) open.add(link);
		else if (isUrn(link)) urns = true;
		return undefined;
	});
	// A urn is a link only where it stands as a reference; elsewhere it may name anything.
	if (urns) for (const urn of referredUrns(done)) open.add(urn);
	return { resource: done, open: [...open] };
}

function* referredUrns(node: unknown): Generator<string> {
	if (node === null || typeof node !== 'object') return;
	for (const [name, value] of Object.entries(node)) {
		if (name === 'reference' && typeof value === 'string' && isUrn(value)) yield value;
		else yield* referredUrns(value);
	}
}

/** Throws Problem not-found `type-unknown` unless the resource is of a type that can be stored. */
export function requireStorable(ctx: FhirCtx, resource: Resource): void {
	requireType(ctx, resource.resourceType);
}
