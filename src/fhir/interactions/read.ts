// read and vread. https://hl7.org/fhir/R4/http.html#read
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Stored } from '#fhir/resource.ts';
import type { Unit } from '#fhir/store/store.ts';
import { isWithin, permit } from './guard.ts';
import { isId, requireType } from './prepare.ts';
import { gone, notFound, versionNotFound } from './problems.ts';

/** The current version. Throws Problem not-found, gone (410) when it was deleted, forbidden when the caller may read no resource of the type. */
export async function read(ctx: FhirCtx, type: string, id: string): Promise<Stored> {
	requireType(ctx, type);
	const limit = permit(ctx, type, 'read');
	const stored = isId(id) ? await ctx.fhir.store.read(ctx, type, id, limit) : undefined;
	if (stored === undefined) throw notFound(type, id);
	if (stored.op === 'D') throw gone(type, id, stored.version);
	return stored;
}

/** The current version as a transaction sees it. Throws as read does. */
export async function readWithin(ctx: FhirCtx, unit: Unit, type: string, id: string): Promise<Stored> {
	requireType(ctx, type);
	const limit = permit(ctx, type, 'read');
	const stored = isId(id) ? await unit.read(type, id) : undefined;
	if (stored === undefined) throw notFound(type, id);
	if (stored.op === 'D') {
		if (limit === null) throw gone(type, id, stored.version);
		throw notFound(type, id);
	}
	if (limit !== null && !(await isWithin(unit, stored, limit))) throw notFound(type, id);
	return stored;
}

/** One version. Throws as read does; gone when the version is a deletion. */
export async function vread(ctx: FhirCtx, type: string, id: string, version: string): Promise<Stored> {
	requireType(ctx, type);
	const limit = permit(ctx, type, 'read');
	const number = /^[1-9]\d{0,8}$/.test(version) ? Number(version) : undefined;
	const stored = isId(id) && number !== undefined ? await ctx.fhir.store.vread(ctx, type, id, number, limit) : undefined;
	if (stored === undefined) throw versionNotFound(type, id, version);
	if (stored.op === 'D') throw gone(type, id, stored.version);
	return stored;
}
