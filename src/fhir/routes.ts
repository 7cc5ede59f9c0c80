// The FHIR API as routes: each row of rows.ts below `/apis/:site/fhir`, with what HTTP adds to it (bodies, formats, headers).
// https://hl7.org/fhir/R4/http.html
import { Problem } from '#base/problem.ts';
import type { Reply, Request, Route } from '#http/route.ts';
import { noteDone, noteFailed, trailed } from './audit/note.ts';
import { isRawAnswer, rawBinary, wrapRaw } from './binary/binary.ts';
import type { FhirCtx } from './ctx.ts';
import { type Answer, type Call, etagOf, preferencesOf, type Row } from './interactions/call.ts';
import { mismatch } from './interactions/problems.ts';
import { outcomeReply } from './outcome.ts';
import { readHeader } from './provenance/header.ts';
import type { Resource } from './resource.ts';
import type { Rows } from './rows.ts';
import { answer as formatted } from './wire/answer.ts';
import { parseResource } from './wire/body.ts';
import { parseJson } from './wire/json.ts';
import { answerFormat, answerFormatOrJson, bodyFormat, isForm, patchFormat } from './wire/negotiate.ts';

/** Where the API stands. `:site` is for installations that will hold several; there is one now. */
export const fhirPath = '/apis/:site/fhir';

/** The routes of the FHIR API. */
export function fhirRoutes(rows: Rows): Route<FhirCtx>[] {
	return rows.all.map((row) => ({
		method: row.method,
		path: [fhirPath, ...row.path].join('/'),
		may: row.public === true ? 'public' : `fhir.${row.name}`,
		handle: (ctx, request) => handle(ctx, request, row),
		problem: outcomeReply,
	}));
}

/** Answers a request and has the audit take note of it: an answer that cannot be noted is not given. */
async function handle(untrailed: FhirCtx, request: Request, given: Row): Promise<Reply> {
	const ctx = trailed(untrailed, request);
	let found: Found = { row: given, params: request.params };
	try {
		requireSite(request);
		found = operationOf(ctx, request, given);
		const call = await callOf(ctx, request, found);
		requireFormat(request, found);
		const answer = await found.row.run(ctx, call);
		const reply = await replyOf(ctx, request, call, answer);
		const room = noteDone(ctx, found.row, call, reply.status, answer.stored);
		if (room !== undefined) await room;
		return reply;
	} catch (error) {
		if (error instanceof Problem && error.code === 'audit-unavailable') throw error;
		const room = noteFailed(ctx, found.row, { params: found.params, query: request.query }, error);
		if (room !== undefined) await room;
		throw error;
	}
}

function requireSite(request: Request): void {
	if (request.params.site !== 'default') {
		throw new Problem('invalid', 'site-unknown', 'There is no such site here; the only one is "default".', {
			issues: [
				{ severity: 'error', type: 'not-found', code: 'site-unknown', text: 'There is no such site here; the only one is "default".' },
			],
		});
	}
}

/** 406 for an answer that cannot be had, before something is written in vain. What Accept says of a Binary is about its content. */
function requireFormat(request: Request, { row, params }: Found): void {
	const writes = row.body === 'resource' || row.body === 'patch' || row.method === 'DELETE';
	if (writes && params.type !== 'Binary') answerFormat(request);
}

/** A header that is sent once. */
function headerOf(request: Request, name: string): string | undefined {
	const value = request.headers[name];
	return Array.isArray(value) ? value.join(', ') : value;
}

type Found = { readonly row: Row; readonly params: Readonly<Record<string, string>> };

/** The dollar of an operation may come percent-encoded, which the router takes for an id. */
function operationOf({ fhir }: FhirCtx, request: Request, row: Row): Found {
	const { site: _, ...params } = request.params;
	if (!Object.values(params).some((value) => value.startsWith('$'))) return { row, params };
	const segments = row.path.map((name) => (name.startsWith(':') ? (params[name.slice(1)] ?? '') : name));
	const found = fhir.rows.find(row.method, segments);
	const name = segments.find((segment) => segment.startsWith('$')) ?? '';
	if (found !== undefined) return found;
	const text = `There is no operation ${name.slice(0, 64)} here.`;
	throw new Problem('not-found', 'operation-unknown', text, {
		issues: [{ severity: 'error', type: 'not-supported', code: 'operation-unknown', text }],
	});
}

async function callOf(ctx: FhirCtx, request: Request, { row, params }: Found): Promise<Call> {
	const header = (name: string): string | undefined => headerOf(request, name);
	const [ifMatch, ifNoneMatch, ifNoneExist, ifModifiedSince] = [
		header('if-match'),
		header('if-none-match'),
		header('if-none-exist'),
		header('if-modified-since'),
	];
	return {
		method: request.method,
		params,
		query: request.query,
		prefer: preferencesOf(header('prefer')),
		...tellingOf(ctx, row, header('x-provenance')),
		...(ifMatch === undefined ? {} : { ifMatch }),
		...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
		...(ifNoneExist === undefined ? {} : { ifNoneExist }),
		...(ifModifiedSince === undefined ? {} : { ifModifiedSince }),
		...(await bodyOf(ctx, request, row, params)),
		request,
	};
}

/** What X-Provenance says of a write; reads have no use for it. */
function tellingOf(ctx: FhirCtx, row: Row, header: string | undefined): Pick<Call, 'telling'> {
	return header === undefined || !isWrite(row) ? {} : { telling: readHeader(ctx, header) };
}

function isWrite({ body, method, name }: Row): boolean {
	return body === 'resource' || body === 'patch' || (method === 'DELETE' && name.startsWith('delete'));
}

async function bodyOf(
	ctx: FhirCtx,
	request: Request,
	row: Row,
	params: Found['params'],
): Promise<Pick<Call, 'resource' | 'changes' | 'form'>> {
	const contentType = headerOf(request, 'content-type');
	switch (row.body) {
		case undefined:
		case 'raw':
			return {};
		case 'form': {
			if (contentType !== undefined && !isForm(contentType))
				throw new Problem('invalid', 'content-type-unsupported', 'A search is posted as application/x-www-form-urlencoded.', {
					status: 415,
				});
			return { form: (await request.body()).toString('utf8') };
		}
		case 'patch': {
			const format = patchFormat(contentType);
			const bytes = await request.body();
			return format === 'json-patch'
				? { changes: { by: 'json-patch', operations: parseJson(bytes) } }
				: { changes: { by: 'fhirpath', parameters: parametersOf(parseResource(bytes, format)) } };
		}
		case 'operation': {
			const bytes = await request.body();
			return bytes.length === 0 || isForm(contentType) ? {} : { resource: parseResource(bytes, bodyFormat(contentType)) };
		}
		default:
			if (params.type === 'Binary') return { resource: await wrapRaw(ctx.fhir, request, params.id) };
			return { resource: parseResource(await request.body(), bodyFormat(contentType)) };
	}
}

function parametersOf(resource: Resource): Resource {
	if (resource.resourceType !== 'Parameters') throw mismatch('patch-format', 'A FHIRPath Patch is a Parameters resource.', 'resourceType');
	return resource;
}

function replyOf(ctx: FhirCtx, request: Request, call: Call, answer: Answer): Reply | Promise<Reply> {
	const { stored, body } = answer;
	if (answer.raw !== undefined) return answer.raw;
	const headers: Record<string, string> = { ...answer.headers };
	if (stored !== undefined) {
		headers.etag = etagOf(stored);
		headers['last-modified'] = new Date(stored.updated).toUTCString();
		if (answer.located === true) headers.location = `${ctx.fhir.base}/${stored.type}/${stored.id}/_history/${stored.version}`;
	}
	if (body === undefined || answer.status === 304) return { status: answer.status, headers };
	if (stored?.type === 'Binary') {
		const reading = request.method === 'GET' || request.method === 'HEAD';
		if (reading && isRawAnswer(request)) return rawBinary(ctx, stored, request);
		return formatted(request, answer.status, body, headers, reading ? answerFormat(request) : answerFormatOrJson(request));
	}
	const format = call.form === undefined ? answerFormat(request) : answerFormat(request, new URLSearchParams(call.form));
	return formatted(request, answer.status, body, headers, format);
}
