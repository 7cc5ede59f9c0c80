// delete, also conditional, single and multiple. https://hl7.org/fhir/R4/http.html#delete
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { match } from '#fhir/search/match.ts';
import type { Write, Written } from '#fhir/store/store.ts';
import { lockOf } from './conditional.ts';
import { permit, writeWithin } from './guard.ts';
import { isId, requireType } from './prepare.ts';
import { tooMuch } from './problems.ts';
import { signAll, type Telling, writeSigned } from './signed.ts';

export type RemoveInput = { readonly type: string; readonly id: string; readonly ifMatch?: number; readonly telling?: Telling };

/** Deletes a resource; its versions stay. undefined when there was nothing to delete. Throws Problem conflict `still-referenced`. */
export async function remove(ctx: FhirCtx, { type, id, ifMatch, telling }: RemoveInput): Promise<Written | undefined> {
	requireType(ctx, type);
	permit(ctx, type, 'delete');
	if (!isId(id)) return undefined;
	const written = await writeSigned(ctx, deletion(type, id, ifMatch), 'delete', telling);
	return written.unchanged === true ? undefined : written;
}

/** Resources that one conditional delete may take. */
export const maxDeleted = 1000;

/** Deletes everything that meets the criteria, all or nothing. Throws Problem too-much beyond `maxDeleted`. */
export function removeMatches(ctx: FhirCtx, type: string, criteria: string, telling?: Resource): Promise<Written[]> {
	requireType(ctx, type);
	permit(ctx, type, 'delete');
	return ctx.fhir.store.transact(ctx, async (unit) => {
		await unit.lock([lockOf(type, criteria)]);
		const found = await match(ctx, type, criteria, unit.tx, maxDeleted + 1);
		if (found.length > maxDeleted) throw tooMuch(`More than ${maxDeleted} resources match; delete them in smaller parts.`);
		if (found.length === 0) return [];
		const writes = found.map(({ id }) => deletion(type, id));
		const written = await writeWithin(ctx, unit, writes, () => 'delete');
		await signAll(ctx, unit, written, telling);
		return written;
	});
}

/** The write that deletes a resource. */
export function deletion(type: string, id: string, ifMatch?: number): Write {
	return { type, id, op: 'D', resource: null, ...(ifMatch === undefined ? {} : { expect: ifMatch }) };
}
