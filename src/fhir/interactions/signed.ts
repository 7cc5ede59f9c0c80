// Writes with who wrote them: a Provenance that came with the request, else one of the server's own, in the transaction that writes.
import type { Interaction } from '#access/ctx.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { attested } from '#fhir/provenance/attested.ts';
import type { Resource } from '#fhir/resource.ts';
import { localReference } from '#fhir/store/collector.ts';
import type { Unit, Write, Written } from '#fhir/store/store.ts';
import { writeAlone, writeWithin } from './guard.ts';

/** Who tells of a write: the Provenance of the request's header; `told`, when another entry of the Bundle does; the server, when absent. */
export type Telling = Resource | 'told';

/** One write by itself. */
export async function writeSigned(ctx: FhirCtx, write: Write, interaction: Interaction, telling?: Telling): Promise<Written> {
	if (typeof telling === 'object') return ctx.fhir.store.transact(ctx, (unit) => writeSignedWithin(ctx, unit, write, interaction, telling));
	const complete = telling === 'told' ? write : ctx.fhir.provenances.accompany(ctx, write);
	return writeAlone(ctx, complete instanceof Promise ? await complete : complete, interaction);
}

/** One write in a transaction. */
export async function writeSignedWithin(
	ctx: FhirCtx,
	unit: Unit,
	write: Write,
	interaction: Interaction,
	telling?: Telling,
): Promise<Written> {
	const complete = telling === undefined ? await ctx.fhir.provenances.accompany(ctx, write) : write;
	const [written] = await writeWithin(ctx, unit, [complete], () => interaction);
	if (typeof telling === 'object') await tell(ctx, unit, [written as Written], telling);
	return written as Written;
}

/** Says of all that a request wrote who did it; of what is `told` of only the Provenance of the header does. */
export async function signAll(
	ctx: FhirCtx,
	unit: Unit,
	written: readonly Written[],
	telling?: Resource,
	told: ReadonlySet<string> = new Set(),
): Promise<void> {
	if (telling !== undefined) return tell(ctx, unit, written, telling);
	await ctx.fhir.provenances.sign(
		ctx,
		unit,
		written.filter(({ type, id }) => attested.has(type) && !told.has(`${type}/${id}`)),
	);
}

/** Stores a Provenance of the client's with the versions that were made as its targets. */
async function tell(ctx: FhirCtx, unit: Unit, written: readonly Written[], telling: Resource): Promise<void> {
	const made = written.filter(({ unchanged, type }) => unchanged !== true && type !== 'Provenance');
	if (made.length === 0) return;
	const names = new Set(made.map(({ type, id }) => `${type}/${id}`));
	const others = targetsOf(telling).filter(
		({ reference }) => reference !== undefined && !names.has(localReference(reference, ctx.fhir.base) ?? ''),
	);
	const versions = made.map(({ type, id, version }) => ({ reference: `${type}/${id}/_history/${version}` }));
	const resource: Resource = { ...telling, target: [...others, ...versions] };
	await writeWithin(ctx, unit, [{ type: 'Provenance', id: ctx.ids.next(), op: 'C', resource }], () => 'create');
}

/** "Type/id" of what a Provenance of the client's tells of; nothing for other resources. */
export function toldBy(ctx: FhirCtx, resource: Resource | null | undefined): string[] {
	if (resource?.resourceType !== 'Provenance') return [];
	return targetsOf(resource).flatMap(({ reference }) => (reference === undefined ? [] : (localReference(reference, ctx.fhir.base) ?? [])));
}

function targetsOf({ target }: Resource): { readonly reference?: string }[] {
	if (!Array.isArray(target)) return [];
	return target.filter(
		(one) => typeof one === 'object' && one !== null && (one.reference === undefined || typeof one.reference === 'string'),
	);
}
