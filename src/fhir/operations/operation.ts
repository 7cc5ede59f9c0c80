// What an operation is (https://hl7.org/fhir/R4/operations.html): a row that the routes and the CapabilityStatement are made from.

import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import type { Reply, Request } from '#http/route.ts';

/** What the address and the body of an invocation say. */
export type OperationInput = {
	/** The resource type in the address, absent at system level. */
	readonly type?: string;
	/** The logical id in the address, at instance level only. */
	readonly id?: string;
	/** The version in the address, `Type/id/_history/version/$operation`. */
	readonly version?: number;
	/** The raw query string. */
	readonly query: string;
	/** The body when it is a resource other than Parameters. */
	readonly resource?: Resource;
	/** The body when it is a Parameters resource. */
	readonly parameters?: Resource;
	readonly request: Request;
};

/**
 * What an operation gives back. `resource` is written in the format the client asked for; `json` is the same as finished JSON text (stored
 * bodies spliced in); `raw` goes out as it is, whatever was asked for.
 */
export type OperationResult = {
	readonly status?: number;
	readonly headers?: Readonly<Record<string, string>>;
} & (
	| { readonly resource: Resource }
	| { readonly json: string }
	| { readonly raw: Exclude<Reply['body'], undefined>; readonly contentType: string }
);

export type Operation = {
	/** Name without the `$`. */
	readonly name: string;
	/** The OperationDefinition, served under /OperationDefinition. */
	readonly definition: Resource;
	readonly levels: { readonly system?: boolean; readonly type?: boolean; readonly instance?: boolean };
	/** Resource types it exists for at type and instance level; `Resource` stands for all. */
	readonly types: readonly string[];
	readonly methods: readonly ('GET' | 'POST' | 'DELETE')[];
	/** Does all that the definition it is based on asks for. */
	readonly complete?: true;
	/** The CapabilityStatement of a guide that is instantiated by having this. */
	readonly instantiates?: string;
	/** What the CapabilityStatement says of the types of this operation besides: profiles, and extensions of the type's own entry. */
	readonly declares?: { readonly profiles?: readonly string[]; readonly extensions?: readonly object[] };
	/** Also at `Type/id/_history/version/$operation`. */
	readonly versions?: true;
	/** Needs no caller, like /metadata. */
	readonly public?: true;
	/** Takes the body as it comes (in any content type) instead of a parsed resource. */
	readonly rawBody?: true;
	readonly run: (ctx: FhirCtx, input: OperationInput) => Promise<OperationResult>;
};
