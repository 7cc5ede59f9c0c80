// The FHIR API by its front, for tests: real sockets, a database of its own, and callers by name instead of tokens.
import type { Level } from '#access/audit/audit.ts';
import { anonymous, type Caller, everything, type Grant } from '#access/ctx.ts';
import { silentLog } from '#base/log.ts';
import { Problem } from '#base/problem.ts';
import { noteStranger } from '#fhir/audit/note.ts';
import type { FhirCtx, FhirSettings } from '#fhir/ctx.ts';
import { registerBundles } from '#fhir/interactions/later.ts';
import { outcomeReply } from '#fhir/outcome.ts';
import type { Resource } from '#fhir/resource.ts';
import { fhirRoutes } from '#fhir/routes.ts';
import { performing } from '#fhir/rows.ts';
import { createHandler, listen } from '#http/server.ts';
import type { Ends } from './database.ts';
import { testFhir } from './fhir.ts';

export type Answered = {
	readonly status: number;
	readonly headers: Headers;
	readonly text: string;
	/** The body as JSON; throws when it is none. */
	readonly json: Resource;
};

export type Sent = { readonly as?: string; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> };

export type TestServer = {
	readonly origin: string;
	/** The base as Heron writes it into absolute urls. */
	readonly base: string;
	readonly ctx: FhirCtx;
	/** Makes a caller known; the one called `admin` is there from the start and may do everything. */
	caller(name: string, grants: readonly Grant[], kind?: Caller['kind']): void;
	/** A request to a path below the FHIR base. Objects are sent as FHIR JSON, texts and Buffers as they are. */
	send(method: string, path: string, sent?: Sent): Promise<Answered>;
};

/** A server that ends with the test. */
export async function testServer(t: Ends, settings: Partial<FhirSettings> = {}, audit: Level = 'off'): Promise<TestServer> {
	const ctx = await testFhir(t, { settings, audit });
	registerBundles(ctx.fhir, performing);
	ctx.fhir.jobs.work();
	const callers = new Map<string, Caller>();
	const caller = (name: string, grants: readonly Grant[], kind: Caller['kind'] = 'user'): void => {
		callers.set(name, { kind, id: name, name, grants });
	};
	caller('admin', everything);
	const log = { ...silentLog, error: (fields: object, text: string) => console.error(text, fields) };
	const handler = createHandler<FhirCtx>({
		routes: fhirRoutes(ctx.fhir.rows),
		authenticate: async (authorization, request) => {
			const known = callers.get(authorization?.replace('Bearer ', '') ?? '');
			if (known === undefined) {
				const problem = new Problem('unauthenticated', 'token-missing', 'Who are you?', {
					headers: { 'www-authenticate': 'Bearer realm="heron"' },
				});
				await noteStranger(ctx.fhir, request, problem);
				throw problem;
			}
			return { ...ctx, caller: known, requestId: request.requestId };
		},
		anonymous: (request) => ({ ...ctx, caller: anonymous, requestId: request.requestId }),
		dialects: [{ prefix: '/apis/', problem: outcomeReply }],
		cors: { origins: ['*'] },
		bodyLimitBytes: ctx.fhir.settings.bodyLimitBytes,
		trustedProxies: [],
		log,
	});
	const listening = await listen(handler, { port: 0, host: '127.0.0.1' }, 100);
	t.after(() => listening.close());
	const origin = `http://127.0.0.1:${listening.port}`;
	return { origin, base: ctx.fhir.base, ctx, caller, send: (method, path, sent = {}) => send(origin, method, path, sent) };
}

async function send(origin: string, method: string, path: string, { as = 'admin', body, headers = {} }: Sent): Promise<Answered> {
	const raw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
	const response = await fetch(`${origin}/apis/default/fhir${path === '' || path.startsWith('?') ? path : `/${path}`}`, {
		method,
		redirect: 'manual',
		headers: {
			...(as === 'nobody' ? {} : { authorization: `Bearer ${as}` }),
			...(body === undefined || raw ? {} : { 'content-type': 'application/fhir+json' }),
			...headers,
		},
		...(body === undefined ? {} : { body: raw ? (body as string) : JSON.stringify(body) }),
	});
	const text = await response.text();
	return {
		status: response.status,
		headers: response.headers,
		text,
		get json() {
			return JSON.parse(text) as Resource;
		},
	};
}
