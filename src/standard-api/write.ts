// How the Standard API writes: everything of a record in one transaction, with a Provenance that says who did it.

import { type Caller, everything } from '#access/ctx.ts';
import { isError } from '#base/problem.ts';
import { detachBlob } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { writeWithin } from '#fhir/interactions/guard.ts';
import { check } from '#fhir/interactions/prepare.ts';
import { readWithin } from '#fhir/interactions/read.ts';
import type { Resource, Stored } from '#fhir/resource.ts';
import type { Unit, Write, Written } from '#fhir/store/store.ts';
import { parseJson } from '#fhir/wire/json.ts';
import { extensionAt } from './mapping.ts';

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
		const signed = [...changed.values()].filter(({ op, type }) => op !== 'D' && type !== 'Provenance');
		if (signed.length > 0) await sign(ctx, unit, signed);
		return result;
	});
}

function isNumbered(given: Resource | Numbered): given is Numbered {
	return typeof given.number === 'number' && given.resource !== undefined;
}

/** Signs what a use case of the clinic wrote in a transaction of its own, as the last thing in it. */
export function signing(ctx: FhirCtx): (unit: Unit, written: readonly Written[]) => Promise<void> {
	return async (unit, written) => {
		const signed = written.filter(({ unchanged, op }) => unchanged !== true && op !== 'D');
		for (const { type, id, rid } of signed) ctx.fhir.store.numbers.note(type, id, rid);
		if (signed.length > 0) await sign(ctx, unit, signed);
	};
}

/** The Provenance is the server's own word: what the caller's roles say of Provenance does not matter. */
async function sign(ctx: FhirCtx, unit: Unit, signed: readonly Written[]): Promise<void> {
	const own: FhirCtx = { ...ctx, caller: { ...ctx.caller, grants: everything } };
	const resource = claiming(own, provenanceOf(ctx.caller, ctx.clock.now(), signed, await practiceOf(own)), provenanceProfile);
	check(own, 'Provenance', resource);
	await writeWithin(own, unit, [{ type: 'Provenance', id: ctx.ids.next(), op: 'C', resource }], () => 'create');
}

const practice = extensionAt('practitioner', 'facility_id', 'reference');

/** Where the caller works: the facility of the practitioner. */
async function practiceOf(ctx: FhirCtx): Promise<string | undefined> {
	const { fhirUser } = ctx.caller;
	if (fhirUser?.startsWith('Practitioner/') !== true) return undefined;
	const stored = await ctx.fhir.store.read(ctx, 'Practitioner', fhirUser.slice('Practitioner/'.length));
	if (stored === undefined || stored.op === 'D') return undefined;
	const reference = practice.get(JSON.parse(stored.body) as Resource);
	return typeof reference === 'string' ? reference : undefined;
}

const provenanceProfile = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-provenance';
const agentTypes = 'http://terminology.hl7.org/CodeSystem/provenance-participant-type';
const activities = 'http://terminology.hl7.org/CodeSystem/v3-DataOperation';

/** Who wrote these versions, for whom and when, https://hl7.org/fhir/us/core/StructureDefinition-us-core-provenance.html */
function provenanceOf(
	{ fhirUser, name, client, id }: Caller,
	now: Date,
	signed: readonly Written[],
	organization: string | undefined,
): Resource {
	const who = fhirUser === undefined ? { display: name === '' ? id : name } : { reference: fhirUser, display: name };
	const isNew = signed.every(({ created }) => created);
	const agent = (code: string, display: string, rest: object): object => ({
		type: { coding: [{ system: agentTypes, code, display }] },
		...rest,
	});
	return {
		resourceType: 'Provenance',
		target: signed.map(({ type, id: target }) => ({ reference: `${type}/${target}` })),
		recorded: now.toISOString(),
		activity: { coding: [{ system: activities, code: isNew ? 'CREATE' : 'UPDATE' }] },
		agent: [
			agent('author', 'Author', { who, ...(organization === undefined ? {} : { onBehalfOf: { reference: organization } }) }),
			...(client === undefined ? [] : [agent('assembler', 'Assembler', { who: { identifier: { value: client } } })]),
		],
	};
}

/** A stored version as a value that is only read. Numbers may lose digits that JavaScript does not keep: nothing of it is written back. */
export function readingOf({ body }: { readonly body: string }): Resource {
	return JSON.parse(body) as Resource;
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
