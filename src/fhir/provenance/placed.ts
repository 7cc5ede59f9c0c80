// Whose record a Provenance of a client's is part of: what its targets say, in R5's element `patient`, which the compartment follows.
import { patientOf } from '#fhir/audit/subject.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource, Stored } from '#fhir/resource.ts';
import { relativeReference } from '#fhir/store/collector.ts';
import type { Unit, Write } from '#fhir/store/store.ts';
import { patientUrl } from './draft.ts';

/** Targets that are looked at; what tells of more is nobody's. */
const mostLookedAt = 1000;

/** Whether a write is a Provenance that somebody sent, whose record has to be found out. */
export function isToBePlaced({ type, resource, isOwn }: Write): boolean {
	return type === 'Provenance' && resource !== null && isOwn !== true;
}

/**
 * The writes, with each Provenance among them in the record of the one patient whom all its targets are about; in nobody's when they are about
 * several, so that nobody learns of others by it. What the client says of that counts only when no target is here to tell.
 */
export async function placed(ctx: FhirCtx, unit: Unit, writes: readonly Write[]): Promise<readonly Write[]> {
	if (!writes.some(isToBePlaced)) return writes;
	const beside = new Map(writes.flatMap(({ type, id, resource }) => (resource === null ? [] : [[`${type}/${id}`, resource] as const])));
	const list: Write[] = [];
	for (const write of writes)
		list.push(isToBePlaced(write) ? { ...write, resource: await placedOne(ctx, unit, write.resource as Resource, beside) } : write);
	return list;
}

async function placedOne(ctx: FhirCtx, unit: Unit, provenance: Resource, beside: ReadonlyMap<string, Resource>): Promise<Resource> {
	const targets = targetsOf(provenance);
	const patients = new Set<string>();
	let known = 0;
	for (const target of targets.slice(0, mostLookedAt)) {
		const found = await toldOf(ctx, unit, target, beside);
		if (found === undefined) continue;
		known += 1;
		if (found.patient !== undefined) patients.add(found.patient);
	}
	if (known === 0) return provenance;
	const [only] = patients.size === 1 && targets.length <= mostLookedAt ? patients : [];
	const isTarget = targets.some(
		(reference) => relativeReference(reference, ctx.fhir.base).replace(/\/_history\/.*$/, '') === `Patient/${only}`,
	);
	return withPatient(provenance, only === undefined || isTarget ? undefined : only);
}

function targetsOf({ target }: Resource): string[] {
	return (target as readonly { readonly reference?: string }[]).flatMap(({ reference }) => reference ?? []);
}

/** What a target is about: undefined when it is not here. */
async function toldOf(
	ctx: FhirCtx,
	unit: Unit,
	reference: string,
	beside: ReadonlyMap<string, Resource>,
): Promise<{ readonly patient: string | undefined } | undefined> {
	const [type = '', id = '', , version] = relativeReference(reference, ctx.fhir.base).split('/');
	if (!ctx.fhir.definitions.isResourceType(type)) return undefined;
	const written = version === undefined ? beside.get(`${type}/${id}`) : undefined;
	const body = written === undefined ? (await versionOf(ctx, unit, type, id, version))?.body : JSON.stringify(written);
	return body === undefined ? undefined : { patient: patientOf(type, id, body, ctx.fhir.store.extract) };
}

/** The version that is meant; of one that tells that something was deleted, the one before it. */
async function versionOf(ctx: FhirCtx, unit: Unit, type: string, id: string, version: string | undefined): Promise<Stored | undefined> {
	const current = await unit.read(type, id);
	if (current === undefined) return undefined;
	const wanted = version === undefined ? current.version : Number(version);
	const found = wanted === current.version ? current : await ctx.fhir.store.vread(ctx, type, id, wanted);
	return found?.op === 'D' ? ctx.fhir.store.vread(ctx, type, id, wanted - 1) : found;
}

type Extension = { readonly url?: string; readonly valueReference?: { readonly reference?: string } };

function withPatient(provenance: Resource, patient: string | undefined): Resource {
	const { extension: all, ...rest } = provenance as Resource & { readonly extension?: readonly Extension[] };
	const named = (all ?? []).filter(({ url }) => url === patientUrl);
	const reference = patient === undefined ? undefined : `Patient/${patient}`;
	if (named.length === (reference === undefined ? 0 : 1) && named[0]?.valueReference?.reference === reference) return provenance;
	const others = (all ?? []).filter(({ url }) => url !== patientUrl);
	const extension = [...others, ...(reference === undefined ? [] : [{ url: patientUrl, valueReference: { reference } }])];
	return (extension.length === 0 ? rest : { ...rest, extension }) as Resource;
}
