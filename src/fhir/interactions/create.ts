// create, also conditional (If-None-Exist). https://hl7.org/fhir/R4/http.html#create
import { type Issue, Problem } from '#base/problem.ts';
import { detachBlob } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource, Stored } from '#fhir/resource.ts';
import { soleKey } from '#fhir/search/match.ts';
import type { Write } from '#fhir/store/store.ts';
import { lockOf, theOne } from './conditional.ts';
import { isRuled, permit } from './guard.ts';
import { check } from './prepare.ts';
import { type Telling, writeSigned, writeSignedWithin } from './signed.ts';

/** What a write came to: the version that now stands, and what is to be told about it. */
export type Done = { readonly stored: Stored; readonly status: 200 | 201; readonly issues: readonly Issue[] };

export type CreateInput = {
	readonly type: string;
	readonly resource: Resource;
	readonly ifNoneExist?: string;
	readonly telling?: Telling;
};

/** Stores a new resource under an id of the server's; with `ifNoneExist` only when nothing matches, else gives what does (200). */
export async function create(ctx: FhirCtx, { type, resource, ifNoneExist, telling }: CreateInput): Promise<Done> {
	permit(ctx, type, 'create');
	const issues = check(ctx, type, resource);
	const write: Write = { type, id: ctx.ids.next(), op: 'C', resource: await detachBlob(ctx.fhir, resource) };
	if (ifNoneExist !== undefined) return createUnless(ctx, write, ifNoneExist, issues, telling);
	return { stored: await writeSigned(ctx, write, 'create', telling), status: 201, issues };
}

async function createUnless(
	ctx: FhirCtx,
	write: Write,
	criteria: string,
	issues: readonly Issue[],
	telling: Telling | undefined,
): Promise<Done> {
	const isAlone = typeof telling !== 'object' && permit(ctx, write.type, 'create') === null && !isRuled(ctx, write);
	const key = isAlone ? soleKey(ctx, write.type, criteria) : undefined;
	if (key !== undefined) {
		const unless = { lock: lockOf(write.type, criteria), key };
		const stored = await writeSigned(ctx, { ...write, unless }, 'create', telling).catch((error: unknown) => {
			if (error instanceof Problem && error.code === 'key-taken') return undefined;
			throw error;
		});
		if (stored !== undefined) return { stored, status: 201, issues };
	}
	// A look without the lock first: what is there already needs no turn.
	const there = await theOne(ctx, write.type, criteria);
	if (there !== undefined) return { stored: there, status: 200, issues };
	return ctx.fhir.store.transact(ctx, async (unit) => {
		await unit.lock([lockOf(write.type, criteria)]);
		const found = await theOne(ctx, write.type, criteria, unit);
		if (found !== undefined) return { stored: found, status: 200, issues };
		return { stored: await writeSignedWithin(ctx, unit, write, 'create', telling), status: 201, issues };
	});
}
