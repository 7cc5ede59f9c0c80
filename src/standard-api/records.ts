// Records of one FHIR resource: read, listed, written by their mapping. What several routes of every resource share.
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource, Stored } from '#fhir/resource.ts';
import type { Written } from '#fhir/store/store.ts';
import { formOf, type Shown } from './form.ts';
import { type Field, isSame, type Mapping, revise, type Values } from './mapping.ts';
import { numbersOf, resolveReferences } from './references.ts';
import { requireChange, requireNew, valuesSent } from './rules.ts';
import { toldInFields } from './telling.ts';
import { claiming, copyOf, draftOf, inOneTransaction, type Work } from './write.ts';

export type { Shown } from './form.ts';

/** A resource that was found, and its value when it was read already. */
export type Found = { readonly id: string; readonly rid?: number; readonly body: string; readonly resource?: Resource };

/** Records as they are shown: fields, then numbers and UUIDs of references. `resources` are the bodies when they were read already. */
export async function shown(ctx: FhirCtx, mapping: Mapping, found: readonly Found[], resources?: readonly Resource[]): Promise<Shown[]> {
	const { read, readStored, numbered, record } = formOf(mapping);
	const values = resources === undefined ? found.map(readStored) : resources.map(read);
	const unnumbered = found.filter(({ rid }) => rid === undefined).map(({ id }) => `${mapping.type}/${id}`);
	const numbers = await numbersOf(ctx, [...values.flatMap(numbered), ...unnumbered]);
	return found.map(({ id, rid }, i) => {
		const number = rid ?? numbers.get(`${mapping.type}/${id}`) ?? null;
		return record(id, number, values[i] as readonly unknown[], numbers);
	});
}

/** One record as it is shown. */
export async function showOne(ctx: FhirCtx, mapping: Mapping, found: Found): Promise<Shown> {
	return (await shown(ctx, mapping, [found]))[0] as Shown;
}

/** A new resource by what a client sent. Throws Problem invalid naming the fields that are wrong. */
export async function resourceOf(ctx: FhirCtx, mapping: Mapping, body: Values, fixed: object = {}): Promise<Resource> {
	const values = valuesSent(mapping.fields, body);
	requireNew(mapping.fields, values);
	const draft: Resource = { ...mapping.make(), ...fixed };
	revise(mapping, draft, await resolveReferences(ctx, mapping.fields, values));
	return draft;
}

export type Also = (work: Work, resource: Resource) => Promise<void> | void;

/** Stores a new record. `fixed` are elements that the route settles, such as whose it is; `also` comes before the resource is stored. */
export async function createRecord(
	ctx: FhirCtx,
	mapping: Mapping,
	body: Values,
	{ fixed, also }: { readonly fixed?: object; readonly also?: Also } = {},
): Promise<Written> {
	const draft = await resourceOf(ctx, mapping, body, fixed);
	return inOneTransaction(ctx, async (work) => {
		const made = copyOf(draft);
		await also?.(work, made);
		const number = mapping.numbered === undefined ? undefined : await ctx.fhir.store.takeNumber();
		if (number !== undefined) mapping.numbered?.(made, number);
		const resource = claiming(ctx, made, mapping.profile);
		const writing = work.create(number === undefined ? resource : { resource, number });
		const [written] = await toldInFields(mapping.fields, resource, body, writing);
		return written as Written;
	});
}

/** Changes what a client sent of a record, and nothing else. `also` comes before the changed resource is stored. */
export function updateRecord(ctx: FhirCtx, mapping: Mapping, id: string, body: Values, also?: Also): Promise<Stored> {
	return inOneTransaction(ctx, async (work) => {
		const stored = await work.read(mapping.type, id);
		const draft = draftOf(stored);
		const sent = await valuesChanging(ctx, mapping.fields, draft, await showOne(ctx, mapping, stored), body);
		if (!revise(mapping, draft, sent)) return stored;
		await also?.(work, draft);
		const resource = claiming(ctx, draft, mapping.profile);
		const [written] = await toldInFields(mapping.fields, resource, sent, work.update(resource));
		return written as Written;
	});
}

/**
 * What a client sent as values for a resource that is there; what it sent as it was shown is left out, whatever stands behind it. Throws
 * Problem invalid naming the fields that are wrong.
 */
export async function valuesChanging(
	ctx: FhirCtx,
	fields: readonly Field[],
	draft: Resource,
	before: Shown,
	body: Values,
): Promise<Values> {
	const changing = Object.fromEntries(Object.entries(body).filter(([name, value]) => !isShownAs(before[name], value)));
	const sent = await resolveReferences(ctx, fields, valuesSent(fields, changing));
	requireChange(fields, draft, sent, body);
	return sent;
}

function isShownAs(shown: unknown, sent: unknown): boolean {
	if (isSame(shown ?? '', sent ?? '')) return true;
	return typeof shown !== 'object' && sent !== undefined && String(shown) === String(sent);
}

/** Changes a resource by a function, for what no field says: making inactive, marking as entered in error. */
export function changeResource(ctx: FhirCtx, type: string, id: string, change: (draft: Resource) => void): Promise<Stored> {
	return inOneTransaction(ctx, async (work) => {
		const draft = draftOf(await work.read(type, id));
		change(draft);
		const [written] = await work.update(draft);
		return written as Written;
	});
}
