// What the record's use cases have in hand beyond who is asking.
import type { Audit } from '#access/audit/audit.ts';
import type { Ctx } from '#access/ctx.ts';
import type { Blobs } from '#base/blobs.ts';
import type { Definitions } from './definitions/definitions.ts';
import type { Jobs } from './jobs/jobs.ts';
import type { Provenances } from './provenance/provenances.ts';
import type { Resource } from './resource.ts';
import type { Rows } from './rows.ts';
import type { SearchParameters } from './search/custom.ts';
import type { SearchRegistry } from './search/registry.ts';
import type { Store, Unit, Write } from './store/store.ts';
import type { Validator } from './validate/validator.ts';

export type Fhir = {
	/** Base of every absolute URL, e.g. https://localhost:9300/apis/default/fhir, without a slash at the end. */
	readonly base: string;
	readonly definitions: Definitions;
	/** Interactions and operations; rooms above this one hand in operations of theirs. */
	readonly rows: Rows;
	/** The search parameters as they are at the moment. */
	readonly registry: SearchRegistry;
	/** Where parameters of the installation's own come and go. */
	readonly searchParameters: SearchParameters;
	readonly validator: Validator;
	readonly store: Store;
	/** Where large data of Binary resources live. */
	readonly blobs: Blobs;
	readonly settings: FhirSettings;
	/** Who wrote what, as the server itself notes it. */
	readonly provenances: Provenances;
	/** Requests that are answered later. */
	readonly jobs: Jobs;
	/** Where accesses are noted. */
	readonly audit: Audit;
	/** What rooms above this one want to see of a type before it is written: they refuse it, or add what only the server may write. */
	readonly checks: ReadonlyMap<string, (ctx: FhirCtx, resource: Resource) => void>;
	/** What rooms above this one demand of the writes of a type, as the transaction that writes them sees the record. */
	readonly rules: ReadonlyMap<string, Rule>;
	/** A keyed hash under the installation's own secret. */
	readonly mac: (about: string, text: string) => Buffer;
};

export type Rule = {
	/** Whether the write has to be looked at; all others are written without the rule. Pure. */
	concerns(write: Write): boolean;
	/** Looks at the writes of the type that are about to be done together. Throws Problem for what may not be. */
	check(ctx: FhirCtx, unit: Unit, writes: readonly Write[]): Promise<void>;
};

export type FhirSettings = {
	/** Refuse references to resources that do not exist, and deleting what is referred to. */
	readonly referentialIntegrity: boolean;
	/** `strict` refuses what validation calls an error; `lenient` stores what is structurally sound and reports the rest as warnings. */
	readonly validation: 'strict' | 'lenient';
	/** Every write of a record leaves a Provenance. */
	readonly provenance: boolean;
	/** Bytes of a request body, 50 MB unless set. */
	readonly bodyLimitBytes: number;
	/** Entries of a page when `_count` is absent, and the most a client may ask for. */
	readonly defaultCount: number;
	readonly maxCount: number;
};

export type FhirCtx = Ctx & { readonly fhir: Fhir };
