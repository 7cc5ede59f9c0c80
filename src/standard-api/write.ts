// How the Standard API writes: everything of a record in one transaction, with a Provenance that says who did it.
import { isError } from '#base/problem.ts';
import { detachBlob } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { writeWithin } from '#fhir/interactions/guard.ts';
import { check } from '#fhir/interactions/prepare.ts';
import { readWithin } from '#fhir/interactions/read.ts';
import type { Resource, Stored } from '#fhir/resource.ts';
import type { Unit, Write, Written } from '#fhir/store/store.ts';
import { parseJson } from '#fhir/wire/json.ts';

/** A new resource that has to know its number. */
export type Numbered = { readonly number: number; readonly resource: Resource };

export type Work = {
	readonly unit: Unit;
	/** A resource as the transaction sees it; nobody else changes it until the end. Throws Problem not-found, gone, forbidden. */
	read(type: string, id: string): Promise<Stored>;
	/** Stores new resources (their ids are given when they have none) and changed ones. Throws Problem invalid, forbidden, conflict. */
	create(...resources: readonly (Resource | Numbered)[]): Promise<Written[]>;
	update(...resources: readonly Resource[]): Promise<Written[]>;
	remove(...names: readonly { readonly type: string; readonly id: string }[]): Promise<Written[]>;
};

/** Runs `work` as one transaction, from the start again when another got in its way. What it wrote is signed with one Provenance. */
export function inOneTransaction<T>(ctx: FhirCtx, work: (work: Work) => Promise<T>): Promise<T> {
	return ctx.fhir.store.transact(ctx, async (unit) => {
		const changed = new Map<string, Written>();
		const store = async (writes: readonly Write[], interaction: 'create' | 'update' | 'delete'): Promise<Written[]> => {
			const written = await writeWithin(ctx, unit, writes, () => interaction);
			for (const one of written) {
				if (one.unchanged === true) continue;
				changed.set(`${one.type}/${one.id}`, one);
				ctx.fhir.store.numbers.note(one.type, one.id, one.rid);
			}
			return written;
		};
		const writesOf = (resources: readonly (Resource | Numbered)[], op: 'C' | 'U'): Promise<Write[]> =>
			Promise.all(
				resources.map(async (given): Promise<Write> => {
					const resource = isNumbered(given) ? given.resource : given;
					const type = resource.resourceType;
					check(ctx, type, resource);
					const write: Write = { type, id: resource.id ?? ctx.ids.next(), op, resource: await detachBlob(ctx.fhir, resource) };
					return isNumbered(given) ? { ...write, number: given.number } : write;
				}),
			);
		const result = await work({
			unit,
			read: (type, id) => readWithin(ctx, unit, type, id),
			create: async (...resources) => store(await writesOf(resources, 'C'), 'create'),
			update: async (...resources) => store(await writesOf(resources, 'U'), 'update'),
			remove: (...names) =>
				store(
					names.map(({ type, id }) => ({ type, id, op: 'D', resource: null })),
					'delete',
				),
		});
		await ctx.fhir.provenances.sign(ctx, unit, [...changed.values()]);
		return result;
	});
}

function isNumbered(given: Resource | Numbered): given is Numbered {
	return typeof given.number === 'number' && given.resource !== undefined;
}

/** Signs what a use case of the clinic wrote in a transaction of its own, as the last thing in it. */
export function signing(ctx: FhirCtx): (unit: Unit, written: readonly Written[]) => Promise<void> {
	return async (unit, written) => {
		for (const { type, id, rid, unchanged } of written) if (unchanged !== true) ctx.fhir.store.numbers.note(type, id, rid);
		await ctx.fhir.provenances.sign(ctx, unit, written);
	};
}

/** A stored version with its value, which is only read. */
export type Read = Stored & { readonly resource: Resource };

/** Reads a stored version, for what looks at it and hands it on. */
export function readOf(stored: Stored): Read {
	return { ...stored, resource: readingOf(stored) };
}

/** A stored version as a value that is only read. Numbers may lose digits that JavaScript does not keep: nothing of it is written back. */
export function readingOf({ body, resource }: { readonly body: string; readonly resource?: Resource }): Resource {
	return resource ?? (JSON.parse(body) as Resource);
}

/** A stored version as a value that may be changed. */
export function draftOf({ body }: Pick<Stored, 'body'>): Resource {
	return parseJson(Buffer.from(body)) as Resource;
}

/** A copy that may be changed, made through text: decimals keep the digits they were written with (structuredClone loses them). */
export function copyOf(resource: object): Resource {
	return draftOf({ body: JSON.stringify(resource) });
}

/** The resource with the profile claimed when it meets it, and not claimed when it does not. */
export function claiming(ctx: FhirCtx, resource: Resource, profile: string | undefined): Resource {
	if (profile === undefined) return resource;
	const claims = resource.meta?.profile ?? [];
	const others = claims.filter((one) => one.split('|')[0] !== profile);
	const meets = !ctx.fhir.validator.validate({ ...resource, meta: { ...resource.meta, profile: [profile] } }).some(isError);
	if (meets && others.length < claims.length) return resource;
	const profiles = meets ? [...others, profile] : others;
	const { profile: _, ...meta } = resource.meta ?? {};
	if (profiles.length > 0) return { ...resource, meta: { ...meta, profile: profiles } };
	if (Object.keys(meta).length > 0) return { ...resource, meta };
	const { meta: __, ...rest } = resource;
	return rest as Resource;
}
