// What batch and transaction share: reading the entries of a Bundle and writing the entries of the answer.
// https://hl7.org/fhir/R4/http.html#transaction
import { STATUS_CODES } from 'node:http';
import { type Issue, Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { issuesOf, outcomeOf } from '#fhir/outcome.ts';
import type { Resource } from '#fhir/resource.ts';
import { type Answer, etagOf, type Method } from './call.ts';
import { mismatch } from './problems.ts';
import { toldBy } from './signed.ts';

/** An entry's request, taken apart. */
export type Entry = {
	readonly index: number;
	/** FHIRPath of the entry, for messages. */
	readonly path: string;
	readonly fullUrl: string | undefined;
	readonly method: Method;
	/** Decoded segments of the address below the base. */
	readonly segments: readonly string[];
	readonly query: string;
	readonly resource: Resource | undefined;
	/** Another entry of a batch is the Provenance of what this one writes. */
	readonly isTold?: true;
	readonly ifMatch?: string;
	readonly ifNoneMatch?: string;
	readonly ifNoneExist?: string;
	readonly ifModifiedSince?: string;
};

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']);

/** The entries of a batch or transaction. Throws Problem invalid that names the entry and what is wrong with it. */
export function entriesOf(ctx: FhirCtx, bundle: Resource): Entry[] {
	const entries = bundle.entry ?? [];
	if (!Array.isArray(entries)) throw mismatch('bundle-invalid', 'Bundle.entry must be a list.', 'Bundle.entry');
	return entries.map((entry: unknown, index) => entryOf(ctx, entry, index));
}

/** The entries of a batch, with what they say of each other: that one is the Provenance of what another writes. */
export function batchEntriesOf(ctx: FhirCtx, bundle: Resource): Entry[] {
	const entries = entriesOf(ctx, bundle);
	const told = new Set(entries.flatMap(({ resource }) => toldBy(ctx, resource)));
	if (told.size === 0) return entries;
	return entries.map((entry) => (told.has(entry.segments.join('/')) ? { ...entry, isTold: true } : entry));
}

function entryOf(ctx: FhirCtx, entry: unknown, index: number): Entry {
	const path = `Bundle.entry[${index}]`;
	if (!isObject(entry)) throw mismatch('bundle-invalid', 'An entry must be an object.', path);
	const { request, resource, fullUrl } = entry;
	if (!isObject(request)) throw mismatch('bundle-entry-request', 'An entry of a batch or transaction needs a request.', `${path}.request`);
	const { method, url } = request;
	if (typeof method !== 'string' || !methods.has(method))
		throw mismatch('bundle-entry-method', 'The method must be GET, HEAD, POST, PUT, PATCH or DELETE.', `${path}.request.method`);
	if (typeof url !== 'string') throw mismatch('bundle-entry-url', 'The request needs an url.', `${path}.request.url`);
	if (resource !== undefined && (!isObject(resource) || typeof resource.resourceType !== 'string'))
		throw mismatch('bundle-entry-resource', 'The resource must be an object with a resourceType.', `${path}.resource`);
	if (['POST', 'PUT', 'PATCH'].includes(method) && resource === undefined && !/\$|_search/.test(url))
		throw mismatch('bundle-entry-resource', `A ${method} needs a resource.`, `${path}.resource`);
	const text = (name: string): Record<string, string> => (typeof request[name] === 'string' ? { [name]: request[name] } : {});
	return {
		index,
		path,
		fullUrl: typeof fullUrl === 'string' ? fullUrl : undefined,
		method: method as Method,
		...addressOf(ctx, url, path),
		resource: resource as Resource | undefined,
		...text('ifMatch'),
		...text('ifNoneMatch'),
		...text('ifNoneExist'),
		...text('ifModifiedSince'),
	};
}

function isObject(value: unknown): value is Record<string, unknown> {
	return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function addressOf(ctx: FhirCtx, url: string, path: string): { segments: string[]; query: string } {
	const below = url.startsWith(`${ctx.fhir.base}/`) ? url.slice(ctx.fhir.base.length + 1) : url.replace(/^\/+/, '');
	const mark = below.indexOf('?');
	const names = (mark < 0 ? below : below.slice(0, mark)).split('/').filter((name) => name !== '');
	try {
		return { segments: names.map(decodeURIComponent), query: mark < 0 ? '' : below.slice(mark + 1) };
	} catch (cause) {
		throw new Problem('invalid', 'bundle-entry-url', 'The url is not valid percent-encoded UTF-8.', { cause, path: `${path}.request.url` });
	}
}

/** The problem with its issues put where the entry is. */
export function within(path: string, error: unknown): unknown {
	if (!(error instanceof Problem)) return error;
	const issues: Issue[] = issuesOf(error).map((issue) => ({ ...issue, path: placed(path, issue.path) }));
	return new Problem(error.kind, error.code, error.text, { issues, status: error.status, headers: error.headers, cause: error });
}

function placed(entry: string, path: string | undefined): string {
	if (path === undefined || path.startsWith('Bundle.entry[')) return path ?? entry;
	// A parameter of the address.
	if (path.startsWith('http.')) return `${entry}.request.url`;
	const below = path.replace(/^[A-Z][A-Za-z]*\.?/, '');
	return below === '' ? `${entry}.resource` : `${entry}.resource.${below}`;
}

/** Whether the entry asks for something rather than writes: its answer has the resource in any case. */
export function isAsking({ method, segments }: Entry): boolean {
	return method === 'GET' || method === 'HEAD' || segments.some((name) => name.startsWith('$') || name === '_search');
}

/** An entry of the answer as JSON text. */
export function entryText(ctx: FhirCtx, answer: Answer, whole: boolean): string {
	const { stored, status, issues, body } = answer;
	// Put together by hand, for there may be thousands: nothing of it needs escaping but the quotes of the tag.
	let response = `"status":"${`${status} ${STATUS_CODES[status] ?? ''}`.trim()}"`;
	if (stored !== undefined) {
		if (stored.op !== 'D') response += `,"location":"${stored.type}/${stored.id}/_history/${stored.version}"`;
		response += `,"etag":${JSON.stringify(etagOf(stored))},"lastModified":"${new Date(stored.updated).toISOString()}"`;
	}
	if (issues !== undefined && issues.length > 0) response += `,"outcome":${JSON.stringify(outcomeOf(issues))}`;
	const shown = whole && body !== undefined;
	const fullUrl = shown && stored !== undefined ? `"fullUrl":"${ctx.fhir.base}/${stored.type}/${stored.id}",` : '';
	return `{${fullUrl}${shown ? `"resource":${body},` : ''}"response":{${response}}}`;
}

/** The Bundle of the answer. */
export function responseText(ctx: FhirCtx, type: 'batch-response' | 'transaction-response', entries: readonly string[]): string {
	const head = `{"resourceType":"Bundle","id":"${ctx.ids.next()}","type":"${type}","link":[{"relation":"self","url":"${ctx.fhir.base}"}]`;
	return entries.length === 0 ? `${head}}` : `${head},"entry":[${entries.join(',')}]}`;
}
