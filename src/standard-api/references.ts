// Records by name. A record is named by the number of its FHIR resource or by its UUID, and whoever names one may use either.
import { Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { read } from '#fhir/interactions/read.ts';
import type { Stored } from '#fhir/resource.ts';
import type { Field, Values } from './mapping.ts';
import { invalidFields, noSuchRecord, type Wrong } from './problems.ts';

/** The id of the resource of a type that a number or UUID names; undefined when no resource can have that name. It may not be there. */
export async function idOf(ctx: FhirCtx, type: string, named: string): Promise<string | undefined> {
	if (/^[1-9]\d{0,14}$/.test(named)) {
		const id = await ctx.fhir.store.numbers.idOf(ctx.db, type, Number(named));
		if (id !== undefined) return id;
	}
	return /^[A-Za-z0-9\-.]{1,64}$/.test(named) ? named : undefined;
}

/** The resource that a number or UUID names; undefined when there is none or the caller may not see it. Throws Problem forbidden. */
export async function find(ctx: FhirCtx, type: string, named: string): Promise<Stored | undefined> {
	const id = await idOf(ctx, type, named);
	if (id === undefined) return undefined;
	try {
		const stored = await read(ctx, type, id);
		ctx.fhir.store.numbers.note(type, stored.id, stored.rid);
		return stored;
	} catch (error) {
		if (error instanceof Problem && (error.kind === 'not-found' || error.kind === 'gone')) return undefined;
		throw error;
	}
}

/** The same for routes that answer 400 for a record that is not there, naming the field. */
export async function findNamed(ctx: FhirCtx, type: string, named: string, field = 'uuid'): Promise<Stored> {
	const stored = await find(ctx, type, named);
	if (stored === undefined) throw noSuchRecord(field, named);
	return stored;
}

/** References as clients send them (number, UUID or "Type/id") made references of FHIR. Throws Problem invalid for those that lead nowhere. */
export async function resolveReferences(ctx: FhirCtx, fields: readonly Field[], sent: Values): Promise<Record<string, unknown>> {
	const values: Record<string, unknown> = { ...sent };
	const wrong: Wrong[] = [];
	for (const { name, to } of fields) {
		const named = values[name];
		if (to === undefined || typeof named !== 'string') continue;
		const reference = await referenceTo(ctx, to, named);
		if (reference === undefined)
			wrong.push({ field: name, code: 'Callback::INVALID_VALUE', text: `${name.replaceAll('_', ' ')} is invalid` });
		else values[name] = reference;
	}
	if (wrong.length > 0) throw invalidFields(wrong);
	return values;
}

async function referenceTo(ctx: FhirCtx, types: readonly string[], named: string): Promise<string | undefined> {
	const [, given, id] = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})$/.exec(named) ?? [];
	for (const type of types) {
		if (given !== undefined && given !== type) continue;
		const stored = await find(ctx, type, id ?? named);
		if (stored !== undefined) return `${type}/${stored.id}`;
	}
	return undefined;
}

/** The numbers of what references lead to, by reference; of each type in one look, for those that are not remembered. */
export async function numbersOf(ctx: FhirCtx, references: readonly string[]): Promise<Map<string, number>> {
	const numbers = new Map<string, number>();
	const byType = new Map<string, string[]>();
	for (const reference of references) {
		const known = ctx.fhir.store.numbers.known(reference);
		if (known !== undefined) {
			numbers.set(reference, known);
			continue;
		}
		const [, type, id] = /^([A-Z][A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})$/.exec(reference) ?? [];
		if (type === undefined || id === undefined || !ctx.fhir.definitions.isResourceType(type)) continue;
		byType.set(type, [...(byType.get(type) ?? []), id]);
	}
	for (const [type, ids] of byType)
		for (const [id, number] of await ctx.fhir.store.numbers.of(ctx.db, type, ids)) numbers.set(`${type}/${id}`, number);
	return numbers;
}

/** The id in a reference such as "Patient/1"; null when it is none of ours. */
export function idIn(reference: unknown): string | null {
	return typeof reference === 'string'
		? (/^[A-Z][A-Za-z]+\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/\d+)?$/.exec(reference)?.[1] ?? null)
		: null;
}
