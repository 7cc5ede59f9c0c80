// update, also as create with the client's id, and conditional. https://hl7.org/fhir/R4/http.html#update
import type { Issue } from '#base/problem.ts';
import { detachBlob } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import type { Unit, Write, Written } from '#fhir/store/store.ts';
import { lockOf, theOne } from './conditional.ts';
import type { Done } from './create.ts';
import { permit } from './guard.ts';
import { check, requireId } from './prepare.ts';
import { mismatch } from './problems.ts';
import { type Telling, writeSigned, writeSignedWithin } from './signed.ts';

/** What must hold of the current version. */
export type Preconditions = { readonly ifMatch?: number; readonly ifNoneMatch?: true };

export type UpdateInput = Preconditions & {
	readonly type: string;
	readonly id: string;
	readonly resource: Resource;
	readonly telling?: Telling;
};

/** Replaces the resource, or creates it under the client's id (201). Throws Problem stale 412 when a precondition does not hold. */
export async function update(ctx: FhirCtx, input: UpdateInput): Promise<Done> {
	const { type, id, resource } = input;
	permit(ctx, type, 'update');
	requireId(id);
	if (resource.resourceType === type && resource.id !== id) {
		throw mismatch(
			'id-mismatch',
			resource.id === undefined
				? 'The resource has no id; it must have that of the address.'
				: 'The id of the resource is not that of the address.',
			`${type}.id`,
		);
	}
	const issues = check(ctx, type, resource);
	const write = await writeOf(ctx, input);
	return done(await writeSigned(ctx, write, 'update', input.telling), issues);
}

export type ConditionalUpdateInput = Preconditions & {
	readonly type: string;
	readonly criteria: string;
	readonly resource: Resource;
	readonly telling?: Telling;
};

/** Replaces what the criteria find, or creates it. https://hl7.org/fhir/R4/http.html#cond-update */
export async function updateMatch(ctx: FhirCtx, input: ConditionalUpdateInput): Promise<Done> {
	permit(ctx, input.type, 'update');
	const issues = check(ctx, input.type, input.resource);
	return ctx.fhir.store.transact(ctx, async (unit) => {
		await unit.lock([lockOf(input.type, input.criteria)]);
		const target = await targetOf(ctx, unit, input);
		const write = await writeOf(ctx, { ...input, ...target, resource: { ...input.resource, id: target.id } });
		const [complete, interaction] = target.create ? ([{ ...write, op: 'C' }, 'create'] as const) : ([write, 'update'] as const);
		return done(await writeSignedWithin(ctx, unit, complete, interaction, input.telling), issues);
	});
}

/** Which resource a conditional update is about: the match, or a new one under the client's id or one of the server's. */
export async function targetOf(
	ctx: FhirCtx,
	unit: Unit,
	{ type, criteria, resource }: ConditionalUpdateInput,
): Promise<{ readonly id: string; readonly create: boolean }> {
	const found = await theOne(ctx, type, criteria, unit);
	if (found === undefined) {
		if (resource.id === undefined) return { id: ctx.ids.next(), create: true };
		requireId(resource.id);
		return { id: resource.id, create: false };
	}
	if (resource.id !== undefined && resource.id !== found.id)
		throw mismatch('id-mismatch', 'The id of the resource is not that of the one that matches.', `${type}.id`);
	return { id: found.id, create: false };
}

async function writeOf(ctx: FhirCtx, { type, id, resource, ifMatch, ifNoneMatch }: UpdateInput): Promise<Write> {
	return {
		type,
		id,
		op: 'U',
		resource: await detachBlob(ctx.fhir, resource),
		...(ifMatch === undefined ? {} : { expect: ifMatch }),
		...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
	};
}

function done(stored: Written, issues: readonly Issue[]): Done {
	return { stored, status: stored.created ? 201 : 200, issues };
}
