// What a search asks for, once its text is understood: the words that parse, restrict, chain, compile and sort share.
import type { Issue } from '#base/problem.ts';
import type { Pair } from './escape.ts';
import type { SearchParam } from './registry.ts';

export type Prefix = 'eq' | 'ne' | 'gt' | 'lt' | 'ge' | 'le' | 'sa' | 'eb' | 'ap';

export type TokenValue = {
	readonly is: 'token';
	/** undefined: any system; '': explicitly none. */
	readonly system: string | undefined;
	/** undefined: any code of the system. */
	readonly code: string | undefined;
	/** The value as the client wrote it, for `:text`. */
	readonly text: string;
};
export type OfTypeValue = { readonly is: 'of-type'; readonly system: string; readonly code: string; readonly value: string };
export type StringValue = { readonly is: 'string'; readonly text: string };
export type UriValue = { readonly is: 'uri'; readonly text: string };
/** `lo` and `hi` enclose what the written precision leaves open: 5.4 is [5.35, 5.45]. */
export type NumberValue = {
	readonly is: 'number';
	readonly prefix: Prefix;
	readonly value: number;
	readonly lo: number;
	readonly hi: number;
};
export type QuantityValue = Omit<NumberValue, 'is'> & {
	readonly is: 'quantity';
	readonly system: string | undefined;
	readonly code: string | undefined;
};
/** The instants the value covers, first and last millisecond. */
export type DateValue = { readonly is: 'date'; readonly prefix: Prefix; readonly lo: number; readonly hi: number };
export type ReferenceValue = {
	readonly is: 'reference';
	/** "Type/id" of a resource here, or an absolute url; several when the type was not said. */
	readonly targets: readonly string[];
};
export type CompositeValue = { readonly is: 'composite'; readonly parts: readonly Value[] };
export type NearValue = { readonly is: 'near'; readonly latitude: number; readonly longitude: number; readonly metres: number };

export type Value =
	| TokenValue
	| OfTypeValue
	| StringValue
	| UriValue
	| NumberValue
	| QuantityValue
	| DateValue
	| ReferenceValue
	| CompositeValue
	| NearValue;

export type Modifier = 'exact' | 'contains' | 'text' | 'not' | 'above' | 'below' | 'in' | 'not-in' | 'of-type' | 'identifier';

/** A condition on a resource of one known type. */
export type Clause =
	| { readonly is: 'param'; readonly param: SearchParam; readonly modifier: Modifier | undefined; readonly values: readonly Value[] }
	| { readonly is: 'missing'; readonly param: SearchParam; readonly missing: boolean }
	/** The resource refers by `param` to a resource of one of the links' types that meets the link's clause. */
	| { readonly is: 'chain'; readonly param: SearchParam; readonly links: readonly Link[] }
	/** The resource refers by `param` to a resource of `type` that meets the clause and is of the same patient: asked of few, by their patient. */
	| { readonly is: 'kindred'; readonly param: SearchParam; readonly type: string; readonly clause: Clause }
	/** As a chain, but asked of each resource by what it refers to and never looked up before: for conditions that much of a type meets. */
	| { readonly is: 'leads'; readonly param: SearchParam; readonly links: readonly Omit<Link, 'inside'>[] }
	/** The resource refers by `param` to a resource of `type` that it contains and that meets the clause. */
	| { readonly is: 'inside'; readonly param: SearchParam; readonly type: string; readonly clause: Clause }
	/** A resource of `type` that meets `clause` refers by its `param` to this one. */
	| { readonly is: 'has'; readonly type: string; readonly param: SearchParam; readonly clause: Clause }
	/** The resource refers by `param` to one of these resources of a type (keys of "Type/id"). */
	| { readonly is: 'refers'; readonly param: SearchParam; readonly type: string; readonly keys: readonly string[] }
	/** The resource is one of these (keys of "Type/id"). */
	| { readonly is: 'one-of'; readonly keys: readonly string[] }
	/** The resource's row is one of these. */
	| { readonly is: 'rows'; readonly rids: readonly number[] }
	/** The resource carries one of these index keys. */
	| { readonly is: 'keys'; readonly keys: readonly string[] }
	/** The resource is an item of the List with this id. */
	| { readonly is: 'listed'; readonly id: string; readonly restrict: Clause | undefined }
	/** All of the words occur in one text of the parameter (`:text`). */
	| { readonly is: 'text'; readonly param: SearchParam; readonly words: readonly string[] }
	/** A word of the narrative (`_text`) or of all the text (`_content`) begins with this; `texts`, once looked up, are the keys of token texts that have it. */
	| { readonly is: 'word'; readonly where: 'narrative' | 'all'; readonly word: string; readonly texts?: readonly string[] }
	/** The resource refers by `param` to one of these ("Type/id") or, in the hierarchy of their type, to what is below or above one. */
	| { readonly is: 'kin'; readonly param: SearchParam; readonly names: readonly string[]; readonly below: boolean }
	/** The resource belongs to the compartment of this patient (key of "Patient/id"), by whichever parameter. */
	| { readonly is: 'patient'; readonly key: string; readonly also: readonly SearchParam[] }
	/** The Binary is to be treated as part of this resource ("Patient/id"), https://hl7.org/fhir/R4/binary-definitions.html#Binary.securityContext */
	| { readonly is: 'secured'; readonly by: string }
	/** The Binary is to be treated as part of a resource of `type` that meets the clause. */
	| { readonly is: 'secured-as'; readonly type: string; readonly clause: Clause }
	| { readonly is: 'any'; readonly of: readonly Clause[] }
	| { readonly is: 'all'; readonly of: readonly Clause[] }
	| { readonly is: 'not'; readonly of: Clause };

/** What a chain leads to. `inside`: what a contained resource of the type has to meet, which is seen by whoever sees what contains it. */
export type Link = { readonly type: string; readonly clause: Clause; readonly inside: Clause };

export type Include = {
	readonly reverse: boolean;
	/** The type that holds the reference, or "*". */
	readonly source: string;
	/** Code of a reference parameter, or "*". */
	readonly code: string;
	/** Only resources of this type are brought (for _include: the target; for _revinclude the target is what was found). */
	readonly target: string | undefined;
	readonly iterate: boolean;
};

export type SortKey = { readonly code: string; readonly descending: boolean };

export type Summary = 'true' | 'text' | 'data' | 'count' | 'false';
export type Total = 'none' | 'estimate' | 'accurate';
/** Whether resources that contain a match are found (`true`), resources that match (`false`), or both. */
export type Contained = 'true' | 'false' | 'both';

export type SearchQuery = {
	/** The types searched, one or, on the system, several. */
	readonly types: readonly string[];
	/** What each type must meet, in the order of `types`. */
	readonly clauses: readonly Clause[];
	readonly includes: readonly Include[];
	readonly sort: readonly SortKey[];
	/** Matches of a page; 0 asks for the total alone. */
	readonly count: number;
	readonly total: Total | undefined;
	readonly summary: Summary;
	readonly elements: readonly string[];
	readonly contained: Contained;
	/** The text of the page token, as it came. */
	readonly page: string | undefined;
	/** What was understood and applied, in order, for the self link. */
	readonly applied: readonly Pair[];
	/** What was not understood and left out (lenient handling). */
	readonly issues: readonly Issue[];
};

/** No resource meets this. */
export const never: Clause = { is: 'any', of: [] };
export function isNever(clause: Clause): boolean {
	return clause.is === 'any' && clause.of.length === 0;
}

/** Every resource meets this. */
export const always: Clause = { is: 'all', of: [] };
