// The FHIR and the Standard API by their front, for tests: real sockets, a database of its own, and callers by name instead of tokens.
import type { Level } from '#access/audit/audit.ts';
import { anonymous, type Caller, everything, type Grant } from '#access/ctx.ts';
import { silentLog } from '#base/log.ts';
import { Problem } from '#base/problem.ts';
import { registerBulk, usualBulk } from '#exchange/bulk/operations.ts';
import { noteStranger } from '#fhir/audit/note.ts';
import type { FhirCtx, FhirSettings } from '#fhir/ctx.ts';
import { registerBundles } from '#fhir/interactions/later.ts';
import { outcomeReply } from '#fhir/outcome.ts';
import type { Resource } from '#fhir/resource.ts';
import { fhirRoutes } from '#fhir/routes.ts';
import { performing } from '#fhir/rows.ts';
import { createHandler, listen } from '#http/server.ts';
import { standardProblem, standardRoutes } from '#standard-api/routes.ts';
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
	caller(name: string, grants: readonly Grant[], kind?: Caller['kind'], more?: Partial<Caller>): void;
	/** A request to a path below the FHIR base. Objects are sent as FHIR JSON, texts and Buffers as they are. */
	send(method: string, path: string, sent?: Sent): Promise<Answered>;
	/** The same below `/apis/default`, e.g. `api/patient`; objects are sent as JSON. */
	api(method: string, path: string, sent?: Sent): Promise<Answered>;
};

/** A server that ends with the test. */
export async function testServer(
	t: Ends,
	settings: Partial<FhirSettings> & { readonly statusCompat?: true } = {},
	audit: Level = 'off',
): Promise<TestServer> {
	const ctx = await testFhir(t, { settings, audit });
	registerBundles(ctx.fhir, performing);
	registerBulk(ctx.fhir, { ...usualBulk, allowPrivateUrls: true });
	ctx.fhir.jobs.work();
	const callers = new Map<string, Caller>();
	const caller = (name: string, grants: readonly Grant[], kind: Caller['kind'] = 'user', more: Partial<Caller> = {}): void => {
		callers.set(name, { kind, id: name, name, grants, ...more });
	};
	caller('admin', everything);
	const log = { ...silentLog, error: (fields: object, text: string) => console.error(text, fields) };
	const handler = createHandler<FhirCtx>({
		routes: [...fhirRoutes(ctx.fhir.rows), ...standardRoutes({ statusCompat: settings.statusCompat === true })],
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
		dialects: [
			{ prefix: '/apis/default/api', problem: standardProblem },
			{ prefix: '/apis/default/portal', problem: standardProblem },
			{ prefix: '/apis/', problem: outcomeReply },
		],
		cors: { origins: ['*'] },
		bodyLimitBytes: ctx.fhir.settings.bodyLimitBytes,
		trustedProxies: [],
		log,
	});
	const listening = await listen(handler, { port: 0, host: '127.0.0.1' }, 100);
	t.after(() => listening.close());
	const origin = `http://127.0.0.1:${listening.port}`;
	return {
		origin,
		base: ctx.fhir.base,
		ctx,
		caller,
		send: (method, path, sent = {}) =>
			send(`${origin}/apis/default/fhir${path === '' || path.startsWith('?') ? path : `/${path}`}`, method, sent, 'application/fhir+json'),
		api: (method, path, sent = {}) => send(`${origin}/apis/default/${path}`, method, sent, 'application/json'),
	};
}

async function send(url: string, method: string, { as = 'admin', body, headers = {} }: Sent, contentType: string): Promise<Answered> {
	const raw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) || body instanceof FormData;
	const response = await fetch(url, {
		method,
		redirect: 'manual',
		headers: {
			...(as === 'nobody' ? {} : { authorization: `Bearer ${as}` }),
			...(body === undefined || raw ? {} : { 'content-type': contentType }),
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
