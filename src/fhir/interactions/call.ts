// One interaction as a value, whether it came as a request of its own or as an entry of a batch; and its answer.
import type { Issue } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource, Stored } from '#fhir/resource.ts';
import type { Unit } from '#fhir/store/store.ts';
import type { Reply, Request } from '#http/route.ts';
import type { Changes } from './patch.ts';
import { mismatch } from './problems.ts';
import type { Telling } from './signed.ts';

export type Preferences = {
	readonly return?: 'minimal' | 'representation' | 'OperationOutcome';
	readonly handling?: 'strict' | 'lenient';
	readonly async?: true;
};

export type Method = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export type Call = {
	readonly method: Method;
	/** What the variable segments of the row's path hold, decoded. */
	readonly params: Readonly<Record<string, string>>;
	/** The raw query string. */
	readonly query: string;
	/** The form of a POST to _search, as it came. */
	readonly form?: string;
	readonly resource?: Resource;
	readonly changes?: Changes;
	readonly ifMatch?: string;
	readonly ifNoneMatch?: string;
	readonly ifNoneExist?: string;
	readonly ifModifiedSince?: string;
	readonly prefer: Preferences;
	/** Who tells of what is written, when it is not the server. */
	readonly telling?: Telling;
	/** The transaction that this is an entry of. */
	readonly unit?: Unit;
	/** The request itself, absent for entries of a Bundle. */
	readonly request?: Request;
};

export type Answer = {
	readonly status: number;
	/** Finished JSON text of a resource. */
	readonly body?: string;
	/** A version that was read or written: ETag and Last-Modified, and Location when `located`. */
	readonly stored?: Stored;
	readonly located?: true;
	readonly issues?: readonly Issue[];
	readonly headers?: Readonly<Record<string, string>>;
	/** Goes out as it is, whatever format was asked for. */
	readonly raw?: Reply;
};

/** A row: which requests it takes, what it needs, what it does. */
export type Row = {
	/** Name in CapabilityStatement and permission tables, such as `read` or `history-type`. */
	readonly name: string;
	readonly method: Exclude<Method, 'HEAD'>;
	/** Segments after the base; those with a colon are variable. */
	readonly path: readonly string[];
	readonly public?: true;
	readonly body?: 'resource' | 'form' | 'patch' | 'operation' | 'raw';
	readonly run: (ctx: FhirCtx, call: Call) => Promise<Answer>;
};

/** The version that If-Match names; undefined when there is none. Throws Problem invalid for what is no ETag of ours. */
export function versionOf(etag: string | undefined): number | undefined {
	if (etag === undefined || etag.trim() === '*') return undefined;
	const match = /^\s*(?:W\/)?"?([1-9]\d{0,8})"?\s*$/.exec(etag);
	if (match === null) throw mismatch('etag-malformed', `If-Match must be a version such as W/"3", not "${etag.slice(0, 40)}".`);
	return Number(match[1]);
}

/** The ETag of a version. https://hl7.org/fhir/R4/http.html#versioning */
export function etagOf({ version }: Stored): string {
	return `W/"${version}"`;
}

/** What a Prefer header says (RFC 7240); what is not known is not looked at. */
export function preferencesOf(header: string | undefined): Preferences {
	if (header === undefined) return {};
	const words = header.split(/[,;]/).map((word) =>
		word
			.trim()
			.replace(/\s*=\s*/, '=')
			.replaceAll('"', ''),
	);
	const back = words.find((word) => /^return=(minimal|representation|OperationOutcome)$/.test(word))?.slice(7);
	const handling = words.find((word) => /^handling=(strict|lenient)$/.test(word))?.slice(9);
	return {
		...(back === undefined ? {} : { return: back as Exclude<Preferences['return'], undefined> }),
		...(handling === undefined ? {} : { handling: handling as Exclude<Preferences['handling'], undefined> }),
		...(words.includes('respond-async') ? { async: true as const } : {}),
	};
}

/** Whether a conditional read finds nothing newer than what the client has (RFC 9110 section 13.2.2). */
export function isNotModified({ ifNoneMatch, ifModifiedSince }: Call, stored: Stored): boolean {
	if (ifNoneMatch !== undefined) {
		return ifNoneMatch.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === `"${stored.version}"`);
	}
	const since = ifModifiedSince === undefined ? Number.NaN : Date.parse(ifModifiedSince);
	return Number.isFinite(since) && Math.floor(stored.updated / 1000) * 1000 <= since;
}
