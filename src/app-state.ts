// Small things that apps keep here for themselves, apart from the record: a FHIR endpoint of its own with Basic resources, each app's its
// own. https://hl7.org/fhir/smart-app-launch/app-state.html
import type { Action, AuditEvent } from '#access/audit/event.ts';
import type { Caller } from '#access/ctx.ts';
import { may } from '#access/roles.ts';
import { isFhir, parseScope } from '#access/scopes.ts';
import { readBearer } from '#access/tokens.ts';
import { Problem } from '#base/problem.ts';
import type { Database } from '#db/database.ts';
import { type Sql, sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { versionOf } from '#fhir/interactions/call.ts';
import { check, isId } from '#fhir/interactions/prepare.ts';
import { read } from '#fhir/interactions/read.ts';
import { outcomeReply } from '#fhir/outcome.ts';
import type { Coding, Resource } from '#fhir/resource.ts';
import { bundleText } from '#fhir/search/bundle.ts';
import { parseResource } from '#fhir/wire/body.ts';
import { bodyFormat } from '#fhir/wire/negotiate.ts';
import type { Method, Reply, Request, Route } from '#http/route.ts';
import { type Account, patientsOf } from '#oauth/accounts/account.ts';
import type { Sealer } from '#oauth/accounts/sealing.ts';
import { findAccessToken, type TokenFacts } from '#oauth/tokens.ts';

export type AppStateDeps = {
	readonly publicUrl: string;
	/** Where tokens are looked up: a replica may not have them yet. */
	readonly db: Pick<Database, 'query' | 'rows' | 'execute'>;
	readonly sealer: Pick<Sealer, 'seal' | 'open'>;
	readonly accounts: { find(id: string): Promise<Account | undefined> };
};

/** Bytes of a resource as it is sent. */
export const largestState = 256 * 1024;
/** Resources of an app about one subject, and as many about none. */
export const mostStates = 100;

const path = '/apis/:site/app-state';

type Letter = 'c' | 'u' | 'd' | 's';
type Code = { readonly system: string; readonly code: string };
/** `subject` as "Type/id", empty for what is about nobody. */
type About = Code & { readonly subject: string };

/** What a request works with. */
type Work = {
	readonly deps: AppStateDeps;
	readonly ctx: FhirCtx;
	readonly request: Request;
	readonly token: TokenFacts;
	readonly base: string;
};

/** What the audit is told. */
type Told = {
	readonly name: string;
	readonly action: Action;
	readonly status: number;
	readonly about?: About;
	readonly id?: string;
	readonly version?: number;
};

/** The routes of the App State endpoint. */
export function appStateRoutes(deps: AppStateDeps): Route<FhirCtx>[] {
	const base = `${deps.publicUrl}/apis/default/app-state`;
	const row = (
		method: Method,
		rest: string,
		name: string,
		action: AuditEvent['action'],
		run: (work: Work) => Promise<Reply>,
	): Route<FhirCtx> => ({
		method,
		path: `${path}${rest}`,
		may: `app-state.${name}`,
		handle: async (ctx, request) => {
			requireSite(request);
			try {
				return await run({ deps, ctx, request, token: await tokenOf(deps, ctx, request), base });
			} catch (error) {
				const status = error instanceof Problem ? error.status : 500;
				if (ctx.fhir.audit.level !== 'off') await ctx.fhir.audit.note(eventOf({ ctx, request }, { name, action, status }));
				throw error;
			}
		},
		problem: outcomeReply,
	});
	return [
		{
			method: 'GET',
			path: `${path}/metadata`,
			may: 'public',
			handle: (_ctx, request) => {
				requireSite(request);
				return fhirJson(200, JSON.stringify(capability(base)));
			},
			problem: outcomeReply,
		},
		row('GET', '/Basic', 'search-type', 'E', find),
		row('POST', '/Basic', 'create', 'C', create),
		row('PUT', '/Basic/:id', 'update', 'U', update),
		row('DELETE', '/Basic/:id', 'delete', 'D', remove),
	];
}

function requireSite(request: Request): void {
	if (request.params.site !== 'default')
		throw new Problem('not-found', 'site-unknown', 'There is no such site here; the only one is "default".');
}

/** The app's token, of a person. Throws Problem forbidden. */
async function tokenOf({ db }: AppStateDeps, ctx: FhirCtx, request: Request): Promise<TokenFacts> {
	const { authorization } = request.headers;
	const token = await findAccessToken(db, ctx.clock, readBearer(typeof authorization === 'string' ? authorization : undefined));
	if (token === undefined || ctx.caller.person === undefined)
		throw new Problem('forbidden', 'app-state-app', 'App state is for apps that somebody has let in.');
	return token;
}

function eventOf({ ctx, request }: Pick<Work, 'ctx' | 'request'>, { name, about, ...told }: Told): AuditEvent {
	const patient = /^Patient\/(.+)$/.exec(about?.subject ?? '')?.[1];
	const { caller, requestId } = ctx;
	const what = { kind: 'rest', interaction: name, type: 'Basic', patient, detail: 'app state' } as const;
	return { ...told, ...what, caller, address: request.remoteAddress, requestId };
}

/** Changes app state and tells the audit of it in the same transaction; false when there was nothing to change. */
function change(work: Work, statement: Sql, told: Told): Promise<boolean> {
	const { audit } = work.ctx.fhir;
	return work.ctx.db.tx(async (tx) => {
		if ((await tx.execute(statement)) === 0) return false;
		if (audit.level !== 'off') await audit.record(eventOf(work, told), tx);
		return true;
	});
}

async function find(work: Work): Promise<Reply> {
	const { ctx, token, request, base, deps } = work;
	const about = askedOf(work);
	await requireReach(work, 's', about);
	const rows = await ctx.db.query<{ id: string; body: Buffer }>(sql`
		SELECT id, body FROM oauth.app_state WHERE client_id = ${token.clientId} AND subject = ${about.subject}
			AND system = ${about.system} AND code = ${about.code} ORDER BY id LIMIT ${mostStates}`);
	const matches = rows.map(({ id, body }) => ({ type: 'Basic', id, body: deps.sealer.open(sealedAs(id), body).toString('utf8') }));
	const text = bundleText(base, {
		id: ctx.ids.next(),
		updated: ctx.clock.now(),
		links: { self: `${base}/Basic?${request.query}` },
		total: matches.length,
		matches,
		included: [],
		issues: [],
	});
	const { audit } = ctx.fhir;
	if (audit.level === 'all') await audit.note(eventOf(work, { name: 'search-type', action: 'E', status: 200, about }));
	return fhirJson(200, text);
}

async function create(work: Work): Promise<Reply> {
	const { ctx, token, base } = work;
	const { resource, about } = await sentOf(work);
	if (resource.id !== undefined || resource.meta?.versionId !== undefined)
		throw wrong('app-state-named', 'What is created has neither an id nor a version yet.', 'Basic.id');
	await requireReach(work, 'c', about);
	const id = ctx.ids.next();
	const { body, sealed, updated } = stored(work, resource, id, 1);
	const statement = sql`
		INSERT INTO oauth.app_state (id, client_id, subject, system, code, version, updated_at, body)
		SELECT ${id}, ${token.clientId}, ${about.subject}, ${about.system}, ${about.code}, 1, ${updated}, ${sealed}
		WHERE (SELECT count(*) FROM oauth.app_state WHERE client_id = ${token.clientId} AND subject = ${about.subject}) < ${mostStates}`;
	if (!(await change(work, statement, { name: 'create', action: 'C', status: 201, about, id, version: 1 }))) {
		const text = `An app may keep ${mostStates} resources about one subject.`;
		throw new Problem('too-much', 'app-state-many', text, { status: 422 });
	}
	return fhirJson(201, body, { location: `${base}/Basic/${id}`, etag: 'W/"1"' });
}

async function update(work: Work): Promise<Reply> {
	const { token } = work;
	const version = requiredVersion(work);
	const id = idOf(work);
	const { resource, about } = await sentOf(work);
	if (resource.id !== id) throw wrong('app-state-id', 'The id of the resource is not the one in the address.', 'Basic.id');
	await requireReach(work, 'u', about);
	const next = version + 1;
	const { body, sealed, updated } = stored(work, resource, id, next);
	// Neither code nor subject ever change, so that none of them is found here counts as another version.
	const statement = sql`
		UPDATE oauth.app_state SET version = ${next}, updated_at = ${updated}, body = ${sealed} WHERE id = ${id} AND version = ${version}
			AND client_id = ${token.clientId} AND subject = ${about.subject} AND system = ${about.system} AND code = ${about.code}`;
	if (!(await change(work, statement, { name: 'update', action: 'U', status: 200, about, id, version: next }))) throw stale();
	return fhirJson(200, body, { etag: `W/"${next}"` });
}

async function remove(work: Work): Promise<Reply> {
	const { ctx, token } = work;
	const version = requiredVersion(work);
	const id = idOf(work);
	const [about] = await ctx.db.query<About>(
		sql`SELECT subject, system, code FROM oauth.app_state WHERE id = ${id} AND client_id = ${token.clientId} AND version = ${version}`,
	);
	if (about === undefined) throw stale();
	await requireReach(work, 'd', about);
	const statement = sql`DELETE FROM oauth.app_state WHERE id = ${id} AND version = ${version}`;
	if (!(await change(work, statement, { name: 'delete', action: 'D', status: 204, about, id, version }))) throw stale();
	return { status: 204 };
}

const sealedAs = (id: string): string => `app state ${id}`;

/** A resource as it is served, and sealed as it is kept. */
function stored({ ctx, deps }: Work, resource: Resource, id: string, version: number): { body: string; sealed: Buffer; updated: Date } {
	const updated = ctx.clock.now();
	const { resourceType, meta, id: _, ...rest } = resource;
	const body = JSON.stringify({
		resourceType,
		id,
		meta: { ...meta, versionId: String(version), lastUpdated: updated.toISOString() },
		...rest,
	});
	return { body, sealed: deps.sealer.seal(sealedAs(id), Buffer.from(body)), updated };
}

/** The version in If-Match, without which nothing is changed. Throws Problem 428 (RFC 6585), 400. */
function requiredVersion({ request }: Work): number {
	const header = request.headers['if-match'];
	const version = versionOf(Array.isArray(header) ? header.join(', ') : header);
	if (version === undefined)
		throw new Problem('conflict', 'if-match-missing', 'App state is changed with If-Match and the ETag of its version.', { status: 428 });
	return version;
}

function idOf({ request }: Work): string {
	const { id = '' } = request.params;
	if (!isId(id)) throw stale();
	return id;
}

function stale(): Problem {
	const text = 'There is no such app state in this version, or its code or subject is another one.';
	return new Problem('stale', 'version-stale', text, { status: 412 });
}

/** The resource that was sent and what it is about. Throws Problem invalid, too-much. */
async function sentOf(work: Work): Promise<{ readonly resource: Resource; readonly about: About }> {
	const { ctx, request } = work;
	const type = request.headers['content-type'];
	if (bodyFormat(Array.isArray(type) ? type[0] : type) !== 'json')
		throw new Problem('invalid', 'content-type-unsupported', 'App state is sent as application/fhir+json.', { status: 415 });
	const resource = parseResource(await request.body(largestState), 'json');
	check(ctx, 'Basic', resource);
	const { subject, code, extension, ...others } = resource as Resource & {
		subject?: { reference?: unknown };
		code?: { coding?: readonly Coding[] };
		extension?: readonly Readonly<Record<string, unknown>>[];
	};
	const strange = Object.keys(others).find((name) => !['resourceType', 'id', 'meta'].includes(name));
	if (strange !== undefined)
		throw wrong('app-state-more', 'App state has a code, a subject and extensions only.', `Basic.${strange.slice(0, 40)}`);
	const isText = (one: Readonly<Record<string, unknown>>): boolean =>
		typeof one.valueString === 'string' && Object.keys(one).every((name) => ['id', 'url', 'valueString'].includes(name));
	if (extension?.every(isText) === false)
		throw wrong('app-state-extension', 'Extensions of app state have a valueString and nothing else.', 'Basic.extension');
	const [coding, ...more] = code?.coding ?? [];
	if (coding?.system === undefined || coding.code === undefined || more.length > 0)
		throw wrong('app-state-code', 'The code of app state is one coding with system and code.', 'Basic.code');
	const reference = subject === undefined ? '' : subjectOf(work, subject.reference);
	return { resource, about: { system: coding.system, code: coding.code, subject: reference } };
}

/** What a search asks for: one code, and one subject or none. Throws Problem invalid. */
function askedOf(work: Work): About {
	const asked = new Map<string, string>();
	for (const [name, value] of new URLSearchParams(work.request.query)) {
		if (!['code', 'subject', 'subject:missing', '_format', '_pretty'].includes(name) || asked.has(name) || value.includes('\0'))
			throw wrong('app-state-query', 'App state is found by one code, and one subject or subject:missing=true.');
		asked.set(name, value);
	}
	const [, system, code] = /^([^|]+)\|([^|]+)$/.exec(asked.get('code') ?? '') ?? [];
	if (system === undefined || code === undefined) throw wrong('app-state-query', 'A search for app state names its code, as system|code.');
	const subject = asked.get('subject');
	const isMissing = asked.get('subject:missing') === 'true';
	if ((subject !== undefined) === isMissing || (asked.has('subject:missing') && !isMissing))
		throw wrong('app-state-query', 'A search for app state names its subject, or says subject:missing=true.');
	return { system, code, subject: subject === undefined ? '' : subjectOf(work, subject) };
}

const subjectTypes = ['Patient', 'Practitioner', 'PractitionerRole', 'RelatedPerson', 'Person'];

/** An absolute reference to a resource here as "Type/id". Throws Problem invalid. */
function subjectOf({ ctx }: Work, reference: unknown): string {
	const { base } = ctx.fhir;
	const local = typeof reference === 'string' && reference.startsWith(`${base}/`) ? reference.slice(base.length + 1) : '';
	const [, type = ''] = /^([A-Z][A-Za-z]+)\/[A-Za-z0-9\-.]{1,64}$/.exec(local) ?? [];
	if (!subjectTypes.includes(type))
		throw wrong(
			'app-state-subject',
			`The subject of app state is one of ${subjectTypes.join(', ')}, by its whole address.`,
			'Basic.subject',
		);
	return local;
}

/** Throws Problem forbidden unless the app was let do this to app state of the code, and the person may have to do with the subject. */
async function requireReach(work: Work, letter: Letter, about: About): Promise<void> {
	const scopes = work.token.scopes.flatMap((text) => {
		const scope = parseScope(text);
		const isMeant = scope !== undefined && isFhir(scope) && ['Basic', '*'].includes(scope.type) && scope.letters.includes(letter);
		return isMeant && isOfCode(scope.query, about) ? [scope.level] : [];
	});
	for (const level of new Set(scopes)) if (await reaches(work, level, letter, about)) return;
	throw new Problem('forbidden', 'app-state-forbidden', 'The app was not given this app state.');
}

/** Whether a scope that is limited to codes takes in this one. What else a scope is limited to is nothing that app state has. */
function isOfCode(query: string | undefined, { system, code }: Code): boolean {
	if (query === undefined) return true;
	return [...new URLSearchParams(query)].every(([name, value]) => name === 'code' && value.split(',').includes(`${system}|${code}`));
}

async function reaches(work: Work, level: string, letter: Letter, { subject }: About): Promise<boolean> {
	const { ctx, token } = work;
	if (level === 'patient') return token.patient !== undefined && subject === `Patient/${token.patient}` && isSeen(ctx, subject);
	if (level !== 'user') return false;
	// What all who use an app share is changed by an administrator only.
	if (subject === '') return letter === 's' || may(ctx.caller.person?.roles ?? [], 'admin.super', 'write');
	if (subject === ctx.caller.fhirUser) return true;
	if (subject.startsWith('Patient/')) return isSeen(ctx, subject);
	return isOwn(work, subject);
}

function asPerson(ctx: FhirCtx): FhirCtx {
	const caller: Caller = { ...ctx.caller, grants: ctx.caller.person?.grants ?? [] };
	return { ...ctx, caller };
}

/** A resource that the person, whatever the app was given, may read. */
async function seen(ctx: FhirCtx, reference: string): Promise<Resource | undefined> {
	const [type = '', id = ''] = reference.split('/');
	try {
		return JSON.parse((await read(asPerson(ctx), type, id)).body) as Resource;
	} catch (error) {
		if (error instanceof Problem && ['not-found', 'gone', 'forbidden'].includes(error.kind)) return undefined;
		throw error;
	}
}

async function isSeen(ctx: FhirCtx, reference: string): Promise<boolean> {
	return (await seen(ctx, reference)) !== undefined;
}

/** Whether the resource stands for the person: a role of the practitioner, or what makes a proxy one. */
async function isOwn({ ctx, deps }: Work, subject: string): Promise<boolean> {
	const { fhirUser, id } = ctx.caller;
	if (subject.startsWith('PractitionerRole/')) {
		const role = await seen(ctx, subject);
		return fhirUser !== undefined && (role?.practitioner as { reference?: string } | undefined)?.reference === fhirUser;
	}
	const account = await deps.accounts.find(id);
	return (
		account !== undefined &&
		patientsOf(account).length > 0 &&
		account.proxies.some(({ relatedPerson }) => subject === `RelatedPerson/${relatedPerson}`)
	);
}

function wrong(code: string, text: string, where?: string): Problem {
	return new Problem('invalid', code, text, where === undefined ? {} : { path: where });
}

function fhirJson(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Reply {
	return { status, headers: { 'content-type': 'application/fhir+json; charset=utf-8', ...headers }, body };
}

/** https://hl7.org/fhir/smart-app-launch/CapabilityStatement-smart-app-state-server.html */
function capability(base: string): object {
	const guide = 'http://hl7.org/fhir/smart-app-launch';
	return {
		resourceType: 'CapabilityStatement',
		status: 'active',
		date: '2026-01-01',
		kind: 'instance',
		instantiates: [`${guide}/CapabilityStatement/smart-app-state-server`],
		implementation: { description: 'What apps keep for themselves', url: base },
		fhirVersion: '4.0.1',
		format: ['json'],
		rest: [
			{
				mode: 'server',
				resource: [
					{
						type: 'Basic',
						supportedProfile: [`${guide}/StructureDefinition/smart-app-state-basic`],
						interaction: ['create', 'update', 'delete', 'search-type'].map((code) => ({ code })),
						versioning: 'versioned-update',
						searchParam: [
							{ name: 'code', type: 'token' },
							{ name: 'subject', type: 'reference' },
						],
					},
				],
			},
		],
	};
}
