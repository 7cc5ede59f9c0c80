// patch, also conditional: JSON Patch and FHIRPath Patch. https://hl7.org/fhir/R4/http.html#patch

import { Problem } from '#base/problem.ts';
import { detachBlob, restoreBody } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { applyFhirPathPatch } from '#fhir/patch/fhirpath-patch.ts';
import { applyJsonPatch } from '#fhir/patch/json-patch.ts';
import type { Resource, Stored } from '#fhir/resource.ts';
import type { Unit, Write, Written } from '#fhir/store/store.ts';
import { parseJson } from '#fhir/wire/json.ts';
import { lockOf, theOne } from './conditional.ts';
import type { Done } from './create.ts';
import { permit } from './guard.ts';
import { check, isId, requireType } from './prepare.ts';
import { gone, mismatch, notFound, stale } from './problems.ts';
import { type Telling, writeSigned, writeSignedWithin } from './signed.ts';

/** What a client may send as a patch. */
export type Changes =
	| { readonly by: 'json-patch'; readonly operations: unknown }
	| { readonly by: 'fhirpath'; readonly parameters: Resource };

export type PatchInput = {
	readonly type: string;
	readonly id: string;
	readonly changes: Changes;
	readonly ifMatch?: number;
	readonly telling?: Telling;
};

/** Changes the current version. Throws Problem not-found, gone, stale 412, and invalid when the patch does not apply or breaks the resource. */
export async function patch(ctx: FhirCtx, input: PatchInput): Promise<Done> {
	const { type, id, ifMatch } = input;
	requireType(ctx, type);
	permit(ctx, type, 'update');
	const current = isId(id) ? await ctx.fhir.store.read(ctx, type, id, null) : undefined;
	const { write, issues } = await patched(ctx, input, current);
	try {
		return { stored: await writeSigned(ctx, write, 'update', input.telling), status: 200, issues };
	} catch (error) {
		const overtaken = error instanceof Problem && error.code === 'version-mismatch' && ifMatch === undefined;
		if (!overtaken) throw error;
	}
	// Somebody else wrote in between: once more on the version that stands, which nobody changes meanwhile.
	return ctx.fhir.store.transact(ctx, (unit) => patchWithin(ctx, unit, input));
}

export type ConditionalPatchInput = Omit<PatchInput, 'id'> & { readonly criteria: string };

/** Changes what the criteria find; 404 when they find nothing. */
export function patchMatch(ctx: FhirCtx, { criteria, ...input }: ConditionalPatchInput): Promise<Done> {
	requireType(ctx, input.type);
	permit(ctx, input.type, 'update');
	return ctx.fhir.store.transact(ctx, async (unit) => {
		await unit.lock([lockOf(input.type, criteria)]);
		const found = await theOne(ctx, input.type, criteria, unit);
		if (found === undefined) throw new Problem('not-found', 'none-matches', `No ${input.type} matches "${criteria.slice(0, 200)}".`);
		return patchWithin(ctx, unit, { ...input, id: found.id });
	});
}

/** Changes the version that the transaction sees. */
export async function patchWithin(ctx: FhirCtx, unit: Unit, input: PatchInput): Promise<Done & { readonly stored: Written }> {
	const current = isId(input.id) ? await unit.read(input.type, input.id) : undefined;
	const { write, issues } = await patched(ctx, input, current);
	return { stored: await writeSignedWithin(ctx, unit, write, 'update', input.telling), status: 200, issues };
}

async function patched(ctx: FhirCtx, { type, id, changes, ifMatch }: PatchInput, current: Stored | undefined) {
	if (current === undefined) throw notFound(type, id);
	if (current.op === 'D') throw gone(type, id, current.version);
	// A patch made for another version may not even apply to this one: the version is what is wrong then.
	if (ifMatch !== undefined && ifMatch !== current.version)
		throw stale('version-mismatch', `The current version of ${type}/${id} is ${current.version}, not ${ifMatch}.`);
	const before = parseJson(Buffer.from(await restoreBody(ctx.fhir, current))) as Resource;
	const after =
		changes.by === 'json-patch'
			? applyJsonPatch(before, changes.operations)
			: applyFhirPathPatch(before, changes.parameters, ctx.fhir.definitions);
	if (after.resourceType !== type) throw mismatch('type-mismatch', 'A patch may not change the type of a resource.', 'resourceType');
	if (after.id !== id) throw mismatch('id-mismatch', 'A patch may not change the id of a resource.', `${type}.id`);
	const issues = check(ctx, type, after);
	const write: Write = {
		type,
		id,
		op: 'U',
		isPatch: true,
		resource: await detachBlob(ctx.fhir, after),
		expect: ifMatch ?? current.version,
	};
	return { write, issues };
}
