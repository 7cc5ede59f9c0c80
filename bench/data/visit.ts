// A visit as the resources made in it see it, and the forms they share.
import type { Resource } from '#fhir/resource.ts';
import type { Person } from './people.ts';
import type * as words from './words.ts';

export type Visit = {
	readonly encounter: Resource;
	readonly person: Person;
	readonly practitioner: Resource;
	readonly organization: Resource;
	readonly start: number;
};

export const day = 86_400_000;

export function concept(system: string, [code, display]: words.Coded): object {
	return { coding: [{ system, code, display }], text: display };
}

export function nameOf(practitioner: Resource): string {
	const [name] = practitioner.name as { family: string; given: string[] }[];
	return `Dr. ${name?.given[0]} ${name?.family}`;
}

/** A moment as eastern standard time writes it, to the second. */
export function instant(at: number): string {
	return `${new Date(at - 5 * 3_600_000).toISOString().slice(0, 19)}-05:00`;
}
