// What is told to the audit: one access, or one event about access.
import type { Caller } from '#access/ctx.ts';

/** `rest` is an interaction of the FHIR API; the others have no resource of their own. */
export const kinds = ['rest', 'sign-in', 'export', 'import', 'print', 'permission', 'break-glass', 'configuration'] as const;

export type Kind = (typeof kinds)[number];

/** Create, read, update, delete, execute: https://hl7.org/fhir/R4/valueset-audit-event-action.html */
export type Action = 'C' | 'R' | 'U' | 'D' | 'E';

/** Who does something, from where, in which request. */
export type Actor = {
	readonly caller: AuditEvent['caller'];
	readonly address?: string | undefined;
	readonly requestId: string;
};

/** The server itself. */
export const heron: Actor = { caller: { kind: 'system', id: 'heron', name: 'Heron' }, requestId: 'heron' };

export type AuditEvent = {
	readonly kind: Kind;
	/** What was done: for `rest` the interaction (`read`, `search-type`, `operation-everything` …), else a word such as `login`. */
	readonly interaction: string;
	readonly action: Action;
	/** How it went, as an HTTP status. */
	readonly status: number;
	readonly caller: Pick<Caller, 'id' | 'kind' | 'name' | 'client' | 'fhirUser'>;
	/** Address of the peer. */
	readonly address?: string | undefined;
	/** Logical id of the Patient whom it is about. */
	readonly patient?: string | undefined;
	readonly type?: string | undefined;
	readonly id?: string | undefined;
	readonly version?: number | undefined;
	/** Names of the parameters of a search, separated by commas: never their values. */
	readonly query?: string | undefined;
	/** `hashOf` the whole query, which tells equal ones apart from others. */
	readonly queryHash?: string | undefined;
	/** Code of https://terminology.hl7.org/ValueSet-v3-PurposeOfUse.html, e.g. TREAT. */
	readonly purpose?: string | undefined;
	readonly requestId: string;
	/** More in words, of which none may describe a patient. */
	readonly detail?: string | undefined;
};
