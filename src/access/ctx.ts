// Who is asking and with what in hand. `Ctx` is the first argument of every use case, explicit always.
import type { Clock } from '#base/clock.ts';
import type { Ids } from '#base/ids.ts';
import type { Log } from '#base/log.ts';
import type { Database } from '#db/database.ts';
import type { Role } from './roles.ts';

export type Interaction = 'create' | 'read' | 'update' | 'delete' | 'search';

/**
 * One permission. A caller may do what any of its grants allows. A grant with `patient` reaches only that patient's
 * compartment; a grant with `query` only what the FHIR search `query` (e.g. `category=laboratory`) finds; a grant with `except`
 * nothing that one of these searches finds; a grant with `apart` nothing that refers to what is elsewhere.
 */
export type Grant = {
	/** Resource type or "*". */
	readonly type: string;
	readonly interactions: readonly Interaction[];
	/** Logical id of a Patient. */
	readonly patient?: string;
	/** FHIR search parameters joined by "&", as in SMART granular scopes. */
	readonly query?: string;
	/** FHIR search parameters, each a search of its own. */
	readonly except?: readonly string[];
	readonly apart?: Apart;
};

/** What refers by the search parameter `param` to a resource of one of these types that none of the searches there finds is left out. */
export type Apart = { readonly param: string; readonly types: Readonly<Record<string, readonly string[]>> };

export type Person = {
	readonly roles: readonly Role[];
	readonly grants: readonly Grant[];
	/** The patient whom a patient's account reads as. */
	readonly patient?: string;
};

export type Caller = {
	readonly kind: 'user' | 'patient' | 'system' | 'anonymous';
	/** Stable id of the account or client. */
	readonly id: string;
	readonly name: string;
	/** The FHIR resource that stands for the caller, e.g. "Practitioner/1". */
	readonly fhirUser?: string;
	/** The OAuth client that acts for the caller, and the scopes it was given; undefined for local tokens. */
	readonly client?: string;
	readonly scopes?: readonly string[];
	readonly grants: readonly Grant[];
	/** Of a token of an app: what the account behind it may do whatever the app was given. APIs with scopes of their own go by it. */
	readonly person?: Person;
	/** Why the caller looks, when that is settled for all it does, e.g. ETREAT for somebody who broke the glass. */
	readonly purpose?: string;
};

/** Where a request comes from, and what it has left in the audit so far. */
export type Trail = {
	readonly address: string;
	/** Code of https://terminology.hl7.org/ValueSet-v3-PurposeOfUse.html */
	readonly purpose?: string;
	/** Entries that tell of this request already. */
	entries: number;
};

export type Ctx = {
	readonly caller: Caller;
	readonly db: Database;
	readonly clock: Clock;
	readonly ids: Ids;
	readonly log: Log;
	readonly requestId: string;
	/** What the audit has to know of the request; absent for the server's own work. */
	readonly trail?: Trail;
};

/** The grants of this caller that allow the interaction on the type; empty means refused. */
export function grantsFor(caller: Caller, type: string, interaction: Interaction): readonly Grant[] {
	return caller.grants.filter((grant) => (grant.type === '*' || grant.type === type) && grant.interactions.includes(interaction));
}

/** A caller that may do everything: local scripts and the server's own work. */
export const everything: readonly Grant[] = [{ type: '*', interactions: ['create', 'read', 'update', 'delete', 'search'] }];

/** Nobody: may do nothing. */
export const anonymous: Caller = { kind: 'anonymous', id: 'anonymous', name: 'anonymous', grants: [] };
