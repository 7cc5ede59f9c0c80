// Compartment search: GET [base]/Patient/123/Observation. https://hl7.org/fhir/R4/search.html#compartment
import { Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { CompartmentName } from '#fhir/definitions/definitions.ts';
import { refKey } from '#fhir/store/keys.ts';
import { type Clause, never } from './query.ts';
import { compartmentParams } from './restrict.ts';

export type Compartment = { readonly type: string; readonly id: string };

const names: ReadonlySet<string> = new Set(['Patient', 'Encounter', 'Practitioner', 'RelatedPerson', 'Device']);

/** Throws Problem not-found `compartment-unknown` for a type that makes none. */
export function requireCompartment({ type }: Compartment): void {
	if (!names.has(type)) throw new Problem('not-found', 'compartment-unknown', `There is no compartment of the type ${type.slice(0, 64)}.`);
}

/** The types that have resources in a compartment. */
export function compartmentTypes(ctx: FhirCtx, compartment: Compartment): string[] {
	const members = ctx.fhir.definitions.compartment(compartment.type as CompartmentName);
	return ctx.fhir.definitions.resourceTypes.filter((type) => type === compartment.type || (members[type] ?? []).length > 0);
}

/** What a resource of the type meets when it is in the compartment. */
export function compartmentClause(ctx: FhirCtx, compartment: Compartment, type: string): Clause {
	const key = refKey(`${compartment.type}/${compartment.id}`);
	const params = compartmentParams(ctx, compartment.type as CompartmentName, type);
	if (compartment.type === 'Patient') return { is: 'patient', key, also: params };
	const ways: Clause[] = params.map((param) => ({ is: 'refers', param, type: compartment.type, keys: [key] }));
	if (type === compartment.type) ways.push({ is: 'one-of', keys: [key] });
	return ways.length === 0 ? never : { is: 'any', of: ways };
}
