// A row of the Standard or Portal API, and what happens around each: who may, the body, the envelope, the audit.

import type { Caller } from '#access/ctx.ts';
import type { Level } from '#access/rights.ts';
import { may } from '#access/roles.ts';
import { type DataScope, parseScope } from '#access/scopes.ts';
import { Problem } from '#base/problem.ts';
import { type Asked, noteDone, noteFailed, trailed } from '#fhir/audit/note.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Row as FhirRow } from '#fhir/interactions/call.ts';
import type { Stored } from '#fhir/resource.ts';
import { type Pair, pairsOf } from '#fhir/search/escape.ts';
import { parseJson } from '#fhir/wire/json.ts';
import type { Method, Reply, Request, Route } from '#http/route.ts';
import type { Mapping } from './mapping.ts';
import { isNode } from './place.ts';
import { apiRefused, envelopeOf, invalidFields, json, problemReply, rightMissing, type Style, scopeMissing } from './problems.ts';
import { idOf } from './references.ts';

/** What a row does: the letter of its scope. */
export type Does = 'create' | 'read' | 'update' | 'delete' | 'search' | `$${string}`;

export type StandardRow = {
	readonly method: Method;
	/** Below `/apis/:site/api` or `/apis/:site/portal`, e.g. `/patient/:puuid`. */
	readonly path: string;
	/** The resource of its scope; `public` rows need neither token nor scope. */
	readonly resource: string;
	readonly does: Does;
	readonly isPublic?: true;
	/** The right of the caller's role, e.g. `patients.demo`, and its level, `view` unless said. */
	readonly right?: string;
	readonly level?: Level;
	/** The fields of the records it reads or writes, for documentation and tests. */
	readonly mapping?: Mapping;
	/** The FHIR type it is about, for the audit. */
	readonly type?: string;
	readonly style: Style;
	/** 201 for what creates and 200 for the rest, unless said. */
	readonly success?: number;
	/** The body is not JSON; the row reads it. */
	readonly isRaw?: true;
	/** A sentence for the documentation. */
	readonly summary: string;
	/** What it looks at in the address besides what all lists do, with a word about each. */
	readonly query?: Readonly<Record<string, string>>;
	readonly run: (ctx: FhirCtx, call: Call) => Promise<Answer>;
};

export type Call = {
	/** The variable segments of the path. */
	readonly params: Readonly<Record<string, string>>;
	/** Decoded, in order. */
	readonly query: readonly Pair[];
	/** The fields of a JSON body; empty for rows without one. */
	readonly body: Readonly<Record<string, unknown>>;
	readonly request: Request;
};

export type Answer = {
	/** A record, a list of records, or another value. */
	readonly data: unknown;
	readonly links?: object;
	readonly status?: number;
	/** What was read or written, for the audit. */
	readonly about?: Stored;
	/** An answer that is not JSON: files. */
	readonly raw?: Reply;
};

export type ApiSettings = {
	/** Answer 200 where OpenEMR 8 does instead of 201, 400 and 404. */
	readonly statusCompat: boolean;
};

/** What a scope for it ends with: its first letter, https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html, or the operation's name. */
export function letterOf(does: Does): string {
	return does.startsWith('$') ? does : does.charAt(0);
}

/** The scope that a row needs of users of the practice, or of patients. */
export function scopeOf({ resource, does }: Pick<StandardRow, 'resource' | 'does'>, level: 'user' | 'patient' = 'user'): string {
	return `${level}/${resource}.${letterOf(does)}`;
}

/** A row as a route of the API `api`. */
export function routeOf(row: StandardRow, api: 'api' | 'portal', { statusCompat }: ApiSettings): Route<FhirCtx> {
	const isFlat = statusCompat && row.style === 'E200';
	const audited = auditRow(row);
	const permit = row.isPublic === true ? undefined : api === 'api' ? permitted : permittedPatient;
	return {
		method: row.method,
		path: `/apis/:site/${api}${row.path}`,
		may: row.isPublic === true ? 'public' : `${api === 'api' ? 'standard' : 'portal'}.${row.resource}.${row.does}`,
		handle: (ctx, request) => handle(ctx, request, { row, audited, permit, isFlat }),
		problem: (error) => problemReply(error, row.style, statusCompat && row.style !== 'E'),
	};
}

type Served = {
	readonly row: StandardRow;
	readonly audited: FhirRow;
	/** The context in which the row runs for the caller; absent for public rows. */
	readonly permit: ((ctx: FhirCtx, row: StandardRow) => FhirCtx) | undefined;
	readonly isFlat: boolean;
};

async function handle(untrailed: FhirCtx, request: Request, { row, audited, permit, isFlat }: Served): Promise<Reply> {
	const ctx = trailed(untrailed, request);
	try {
		if (request.params.site !== 'default')
			throw new Problem('invalid', 'site-unknown', 'There is no such site here; the only one is "default".');
		const allowed = permit === undefined ? ctx : permit(ctx, row);
		const call = callOf(request, row);
		const answer = await row.run(allowed, call instanceof Promise ? await call : call);
		const reply = answer.raw ?? replyOf(row, answer, isFlat);
		const asked = askedOf(ctx, request, row, answer.about);
		const room = noteDone(ctx, audited, asked instanceof Promise ? await asked : asked, reply.status, answer.about);
		if (room !== undefined) await room;
		return reply;
	} catch (error) {
		if (!(error instanceof Problem && error.code === 'audit-unavailable'))
			await noteFailed(ctx, audited, await askedOf(ctx, request, row), error);
		throw error;
	}
}

/**
 * What the audit is told was asked for: also whose record it is about, when the path or the token says. What was read or written says it
 * itself. A promise only when the path has to be looked up.
 */
function askedOf(ctx: FhirCtx, { params, query }: Request, { type }: StandardRow, about?: Stored): Asked | Promise<Asked> {
	const asked = { params: type === undefined ? {} : { type }, query };
	if (ctx.fhir.audit.level === 'off' || (about !== undefined && about.op !== 'D')) return asked;
	const named = params.puuid ?? params.pid;
	const withPatient = (patient: string | undefined): Asked => (patient === undefined ? asked : { ...asked, patient });
	if (named === undefined) return withPatient(ctx.caller.person?.patient);
	return idOf(ctx, 'Patient', named).then(withPatient, () => asked);
}

/** The row as the audit of the record knows rows. */
function auditRow({ does, resource, method, isPublic }: StandardRow): FhirRow {
	const name = does.startsWith('$') ? `operation-${resource}-${does.slice(1)}` : `${does}-standard-${resource}`;
	return { name, method, path: [], ...(isPublic === undefined ? {} : { public: true }), run: () => Promise.reject(new Error('not run')) };
}

/** The context in which a row runs for a user of the practice. Throws Problem forbidden for others, unauthenticated for a missing scope. */
function permitted(ctx: FhirCtx, row: StandardRow): FhirCtx {
	const { caller } = ctx;
	if (caller.kind !== 'user' || !hasPlain(caller, 'api:oemr')) throw apiRefused();
	requireScope(caller, 'user', row);
	const { person } = caller;
	if (person !== undefined && row.right !== undefined && !may(person.roles, row.right, row.level ?? 'view')) throw rightMissing();
	return within(ctx, caller);
}

/** The same for patients and the Portal API. */
function permittedPatient(ctx: FhirCtx, row: StandardRow): FhirCtx {
	const { caller } = ctx;
	if (caller.kind !== 'patient' || !hasPlain(caller, 'api:port')) throw apiRefused();
	requireScope(caller, 'patient', row);
	return within(ctx, caller);
}

/** The scopes of these APIs are about their own resources: beneath, a person's rights decide, and not the FHIR scopes of the token. */
function within(ctx: FhirCtx, caller: Caller): FhirCtx {
	return caller.person === undefined ? ctx : { ...ctx, caller: { ...caller, grants: caller.person.grants } };
}

/** Local tokens have no scopes and every one. */
function hasPlain({ scopes }: Caller, scope: string): boolean {
	return scopes === undefined || scopes.includes(scope);
}

/** Texts of scopes as values, for as long as the caller is remembered who has them. */
const scopesRead = new WeakMap<readonly string[], readonly DataScope[]>();

function scopesIn(texts: readonly string[]): readonly DataScope[] {
	let scopes = scopesRead.get(texts);
	if (scopes === undefined) {
		scopes = texts.flatMap((text) => parseScope(text) ?? []);
		scopesRead.set(texts, scopes);
	}
	return scopes;
}

function requireScope({ scopes }: Caller, level: 'user' | 'patient', row: StandardRow): void {
	if (scopes === undefined) return;
	const has = scopesIn(scopes).some(
		(scope) =>
			scope.level === level &&
			scope.type === row.resource &&
			(row.does.startsWith('$') ? scope.operation === row.does : scope.letters.includes(letterOf(row.does))),
	);
	if (!has) throw scopeMissing(scopeOf(row, level));
}

/** A promise only when there is a body to read. */
function callOf(request: Request, { method, isRaw }: StandardRow): Call | Promise<Call> {
	const { site: _, ...params } = request.params;
	const call: Call = { params, query: request.query === '' ? [] : pairsOf(request.query), body: {}, request };
	const takesBody = (method === 'POST' || method === 'PUT' || method === 'PATCH') && isRaw !== true;
	return takesBody ? bodyOf(request).then((body) => ({ ...call, body })) : call;
}

/** JSON whatever the content type says, as OpenEMR reads it; but what is no JSON is refused. */
async function bodyOf(request: Request): Promise<Readonly<Record<string, unknown>>> {
	const bytes = await request.body();
	if (bytes.toString('latin1').trim() === '') return {};
	const value = parseJson(bytes);
	if (isNode(value)) return value;
	throw invalidFields([{ field: 'body', code: 'json-malformed', text: 'The body must be a JSON object with the fields of the record.' }]);
}

function replyOf({ style, success, does }: StandardRow, { data, links, status }: Answer, isFlat: boolean): Reply {
	const wanted = status ?? success ?? (does === 'create' ? 201 : 200);
	if (style === 'bare') return json(wanted, data);
	if (style !== 'B') return json(isFlat ? 200 : wanted, envelopeOf(data ?? [], links));
	const isEmpty = data === undefined || data === null || data === false || (Array.isArray(data) && data.length === 0);
	const next = (links as { next?: string } | undefined)?.next;
	return isEmpty ? { status: 404 } : json(wanted, data, next === undefined ? {} : { link: `<${next}>; rel="next"` });
}
