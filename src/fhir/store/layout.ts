// The shape of what one resource leaves in the database beside its body: the index row. Written by extract.ts, stored by
// write.ts, asked by search/. See README.md for the tables.

import type { Definitions } from '#fhir/definitions/definitions.ts';
import type { Resource } from '#fhir/resource.ts';

/** The number of a resource type in fhir.token_text: its place among the 146 types of R4, which do not change any more. */
export function typeNumber(definitions: Definitions, type: string): number {
	return definitions.resourceTypes.indexOf(type);
}

/** A 62-bit key as decimal text, below 4.3e18, so that reference keys can be shifted by a salt in SQL without overflow. */
export type Key = string;

export type StringEntry = {
	/** Number of the search parameter within its type. */
	readonly p: number;
	/** Normalised text (`normalise` in keys.ts); for uri parameters the uri as it stands. At most 500 characters. */
	readonly v: string;
};

/** Types that are searched by parts of their strings (`:contains`) often enough to be worth an index: people and places. */
export const foundByParts: ReadonlySet<string> = new Set([
	'HealthcareService',
	'Location',
	'Organization',
	'Patient',
	'Person',
	'Practitioner',
	'RelatedPerson',
]);

/**
 * Stands where a parameter's number is, for all strings of a resource of these types as one text, a line each: what is asked of several
 * parameters meets there in one entry, so that an index finds those few that have all of it.
 */
export const allStrings = -1;

/** That index tells row ids apart by stretches of 2 to the power of this: the newest can be looked through before the rest. */
export const stretchBits = 14;

/** A date (epoch milliseconds), number or quantity as an interval; `k` is the unit or, in composites, the code. */
export type RangeEntry = { readonly p: number; readonly k: Key | null; readonly lo: number; readonly hi: number };

/** A word or name by which a token can be found with `:text`: kept once per distinct text in fhir.token_text. */
export type TokenText = { readonly p: number; readonly k: Key; readonly text: string };

export type IndexRow = {
	/** Key of the patient whose compartment this resource is in first: refKey("Patient/<id>"); the Patient itself has its own. */
	readonly pat: Key | null;
	/** The type's primary clinical date as an interval in epoch milliseconds; an open end is ±Infinity. */
	readonly d: number | null;
	readonly dh: number | null;
	/** First coding of the type's hot token parameter. */
	readonly code: Key | null;
	/** The type's hot quantity: raw value, canonical value, key of the canonical unit. */
	readonly qv: number | null;
	readonly qc: number | null;
	readonly qk: Key | null;
	/** Bit i is set when parameter number i has a value (parameters 0 to 62), as decimal text; for `:missing`. */
	readonly has: string;
	/** Everything else, sorted and without repeats. */
	readonly keys: readonly Key[];
	readonly strings: readonly StringEntry[];
	readonly ranges: readonly RangeEntry[];
	readonly texts: readonly TokenText[];
	/** Words for full-text search (fhir.words) as the text of a tsvector, weight A for those of the narrative; null for none. */
	readonly words: string | null;
	/** Literal local references as "Type/id" without version, without repeats: what referential integrity checks. */
	readonly references: readonly string[];
	/**
	 * How these can be found from their targets, as "Type code": the type referred to and the parameter whose salt their key has, `@pat` for
	 * those in column pat, `*` for those that no parameter finds.
	 */
	readonly links: readonly string[];
};

/** What a resource leaves in the index. `id` is the one it will have, when it does not carry it yet. */
export type Extract = (resource: Resource, id?: string) => IndexRow;
