// Turns requests into values and values into responses. The only file that touches node:http and the router.
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, Server as TlsServer } from 'node:https';
import { pipeline } from 'node:stream';
import findMyWay from 'find-my-way';
import { described, type Log } from '#base/log.ts';
import { Problem } from '#base/problem.ts';
import { readBody } from './body.ts';
import { compressFrom, compressReply } from './compress.ts';
import { type Cors, corsHeaders, preflightHeaders } from './cors.ts';
import { problemJson } from './problem-json.ts';
import { createRooms, type Rooms } from './rooms.ts';
import type { Method, Reply, Request, Route } from './route.ts';

export type ServerOptions<C> = {
	readonly routes: readonly Route<C>[];
	/** Who is calling; throws Problem unauthenticated. Asked for every route that is not `public`. */
	readonly authenticate: (authorization: string | undefined, request: Request) => Promise<C> | C;
	/** The context of a public route. */
	readonly anonymous: (request: Request) => C;
	/** Handlers of their own for paths that no route owns. */
	readonly mounts?: readonly Mount[];
	/** Which API speaks below a path, for failures on paths no route owns. Longest prefix first. */
	readonly dialects: readonly { readonly prefix: string; readonly problem: Route<C>['problem'] }[];
	readonly cors: Cors;
	readonly bodyLimitBytes: number;
	readonly trustedProxies: readonly string[];
	readonly log: Log;
	/** Told of every answer: the route's pattern, status and seconds. */
	readonly observe?: (method: string, path: string, status: number, seconds: number) => void;
};

/** Something that speaks HTTP by itself, below a path: a library with its own server side. */
export type Mount = {
	/** Ends with a slash. */
	readonly prefix: string;
	/** Answers; may change the message's url. A rejection becomes a 500. */
	readonly handle: (message: IncomingMessage, response: ServerResponse, facts: { readonly remoteAddress: string }) => Promise<void>;
};

export type Handler = (message: IncomingMessage, response: ServerResponse) => void;

/** How long the rest of a body that nobody wants is read. */
const lingerMs = 2000;

/** Request line and headers: a search by GET may name many values. */
const maxHeaderSize = 65_536;

const methods: readonly Method[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** The function that answers every request, for a node:http server or a test without sockets. */
export function createHandler<C>(options: ServerOptions<C>): Handler {
	const router = findMyWay<findMyWay.HTTPVersion.V1>({ maxParamLength: 2048, ignoreTrailingSlash: true });
	for (const route of options.routes) router.on(route.method, route.path, noop, route);
	const rooms = createRooms();
	const find = (method: Method, path: string): { route: Route<C>; params: Record<string, string> } | undefined => {
		const found = router.find(method, path);
		return found === null || found.store === null || found.store === undefined
			? undefined
			: { route: found.store as Route<C>, params: found.params as Record<string, string> };
	};

	const answer = async (request: IncomingRequest, message: IncomingMessage): Promise<{ reply: Reply; pattern: string }> => {
		const found = find(request.method === 'HEAD' ? 'GET' : (request.method as Method), request.path);
		if (found === undefined) return { reply: unmatched(options, request, find), pattern: 'unmatched' };
		const { route } = found;
		request.params = found.params;
		try {
			const ctx = route.may === 'public' ? options.anonymous(request) : await options.authenticate(message.headers.authorization, request);
			return { reply: await route.handle(ctx, request), pattern: route.path };
		} catch (error) {
			if (!(error instanceof Problem))
				options.log.error({ requestId: request.requestId, route: route.path, error: described(error) }, 'unexpected failure');
			return { reply: route.problem(error, request), pattern: route.path };
		}
	};

	return (message, response) => {
		const started = process.hrtime.bigint();
		const request = new IncomingRequest(message, response, options);
		const origin = message.headers.origin;
		if (message.method === 'OPTIONS') {
			response.writeHead(204, {
				...preflightHeaders(options.cors, origin, header(message, 'access-control-request-headers')),
				allow: allowed(find, request.path),
			});
			response.end();
			return;
		}
		const mount = options.mounts?.find(({ prefix }) => request.path.startsWith(prefix));
		if (mount !== undefined && allowed(find, request.path) === 'OPTIONS') {
			handOver(options, mount, message, response, request, started);
			return;
		}
		answer(request, message)
			.then(({ reply, pattern }) => finish(options, rooms, message, response, request, reply, pattern, started))
			.catch((error) => {
				options.log.error({ requestId: request.requestId, error: described(error) }, 'answer could not be sent');
				if (response.headersSent) response.destroy();
				else response.writeHead(500).end();
			});
	};
}

function noop(): void {
	// The router only finds; server.ts runs.
}

function handOver<C>(
	options: ServerOptions<C>,
	mount: Mount,
	message: IncomingMessage,
	response: ServerResponse,
	request: Request,
	started: bigint,
): void {
	const headers = { ...corsHeaders(options.cors, message.headers.origin), 'x-request-id': request.requestId };
	for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
	response.on('close', () =>
		options.observe?.(request.method, `${mount.prefix}*`, response.statusCode, Number(process.hrtime.bigint() - started) / 1e9),
	);
	mount.handle(message, response, { remoteAddress: request.remoteAddress }).catch((error) => {
		options.log.error({ requestId: request.requestId, route: mount.prefix, error: described(error) }, 'unexpected failure');
		if (response.headersSent) response.destroy();
		else response.writeHead(500).end();
	});
}

async function finish<C>(
	options: ServerOptions<C>,
	rooms: Rooms,
	message: IncomingMessage,
	response: ServerResponse,
	request: Request,
	reply: Reply,
	pattern: string,
	started: bigint,
): Promise<void> {
	const { body } = reply;
	const large = body !== undefined && ((typeof body !== 'string' && !Buffer.isBuffer(body)) || body.length >= compressFrom);
	const final = large && request.method !== 'HEAD' ? await compressReply(reply, header(message, 'accept-encoding')) : reply;
	send(rooms, message, response, request, final, corsHeaders(options.cors, message.headers.origin));
	options.observe?.(request.method, pattern, reply.status, Number(process.hrtime.bigint() - started) / 1e9);
}

function send(
	rooms: Rooms,
	message: IncomingMessage,
	response: ServerResponse,
	request: Request,
	reply: Reply,
	cors: Record<string, string>,
): void {
	const { body } = reply;
	const headers: Record<string, string | number> = {
		'cache-control': 'no-store',
		'x-content-type-options': 'nosniff',
		...reply.headers,
		...cors,
	};
	if (reply.headers?.vary !== undefined && cors.vary !== undefined) headers.vary = `${reply.headers.vary}, ${cors.vary}`;
	headers['x-request-id'] = request.requestId;
	const early = !message.complete && message.method !== 'GET' && message.method !== 'HEAD';
	// The answer comes before the body was read: the rest of it must not be taken for the next request.
	if (early) headers.connection = 'close';
	if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) {
		// A long text goes out as bytes: the socket would make room for three times its length.
		const bytes = typeof body === 'string' && body.length >= compressFrom ? bytesOf(rooms, response, body) : body;
		if (reply.status !== 204 && reply.status !== 304)
			headers['content-length'] = bytes === undefined ? 0 : typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length;
		response.writeHead(reply.status, headers);
		const shown = request.method === 'HEAD' ? undefined : bytes;
		if (early) endAfterBody(message, response, shown);
		else if (shown === undefined) response.end();
		else response.end(shown);
		return;
	}
	response.writeHead(reply.status, headers);
	if (request.method === 'HEAD') {
		body.destroy();
		response.end();
	} else pipeline(body, response, () => undefined);
}

/** A text as bytes that are good until the response has left or its connection is gone. */
function bytesOf(rooms: Rooms, response: ServerResponse, text: string): Uint8Array {
	// Of a response that is gone already nobody would hear that its room is free.
	const room = response.destroyed ? undefined : rooms.write(text);
	if (room === undefined) return Buffer.from(text);
	response.once('close', room.free);
	return room.bytes;
}

/**
 * Ends an answer that came before the request's body: what is still on its way is read and dropped for a while, since a client that goes on
 * sending would meet a broken connection instead of the answer.
 */
function endAfterBody(message: IncomingMessage, response: ServerResponse, body: string | Uint8Array | undefined): void {
	if (body === undefined) response.flushHeaders();
	else response.write(body);
	const end = (): void => {
		clearTimeout(timer);
		response.end();
	};
	const timer = setTimeout(end, lingerMs);
	message.once('close', end);
	message.resume();
}

/** A request whose costlier facts are worked out only when somebody asks. */
class IncomingRequest implements Request {
	readonly method: Request['method'];
	readonly path: string;
	readonly query: string;
	readonly headers: Request['headers'];
	readonly requestId: string;
	params: Readonly<Record<string, string>> = {};
	readonly #message: IncomingMessage;
	readonly #response: ServerResponse;
	readonly #limits: { readonly bodyLimitBytes: number; readonly trustedProxies: readonly string[] };
	#signal: AbortSignal | undefined;

	constructor(
		message: IncomingMessage,
		response: ServerResponse,
		limits: { readonly bodyLimitBytes: number; readonly trustedProxies: readonly string[] },
	) {
		const url = message.url ?? '/';
		const mark = url.indexOf('?');
		const given = header(message, 'x-request-id');
		this.method = message.method as Request['method'];
		this.path = mark < 0 ? url : url.slice(0, mark);
		this.query = mark < 0 ? '' : url.slice(mark + 1);
		this.headers = message.headers;
		this.requestId = given !== undefined && /^[A-Za-z0-9._:-]{1,64}$/.test(given) ? given : randomUUID();
		this.#message = message;
		this.#response = response;
		this.#limits = limits;
	}

	body(limit = this.#limits.bodyLimitBytes): Promise<Buffer> {
		return readBody(this.#message, limit);
	}

	get remoteAddress(): string {
		return peer(this.#message, this.#limits.trustedProxies);
	}

	get signal(): AbortSignal {
		if (this.#signal === undefined) {
			const aborter = new AbortController();
			this.#signal = aborter.signal;
			this.#response.on('close', () => {
				if (!this.#response.writableFinished) aborter.abort();
			});
		}
		return this.#signal;
	}
}

function header(message: IncomingMessage, name: string): string | undefined {
	const value = message.headers[name];
	return Array.isArray(value) ? value.join(', ') : value;
}

/** The client's address: what a trusted proxy says in X-Forwarded-For, else the socket's. */
function peer(message: IncomingMessage, trusted: readonly string[]): string {
	const direct = (message.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
	if (!trusted.includes(direct)) return direct;
	const hops = (header(message, 'x-forwarded-for') ?? '').split(',').map((hop) => hop.trim());
	return hops.findLast((hop) => hop !== '' && !trusted.includes(hop)) ?? direct;
}

type Find<C> = (method: Method, path: string) => { route: Route<C> } | undefined;

function allowed<C>(find: Find<C>, path: string): string {
	const found = methods.filter((method) => find(method, path) !== undefined);
	return [...found, ...(found.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
}

function unmatched<C>(options: ServerOptions<C>, request: Request, find: Find<C>): Reply {
	const allow = allowed(find, request.path);
	const problem =
		allow === 'OPTIONS'
			? new Problem('not-found', 'no-such-path', 'There is nothing at this path.')
			: new Problem('invalid', 'method-not-allowed', `This path does not take ${request.method}.`, { status: 405, headers: { allow } });
	const dialect = options.dialects.find(({ prefix }) => request.path.startsWith(prefix));
	return dialect === undefined ? problemJson(problem) : dialect.problem(problem, request);
}

export type Listening = {
	readonly port: number;
	/** Another certificate for the connections that come from now on. */
	renew(tls: { readonly cert: string; readonly key: string }): void;
	close(): Promise<void>;
};

/**
 * Listens on a port. `close` stops taking connections, lets running requests finish for up to `graceMs`, then ends them.
 * Rejects with Problem unavailable `port-in-use` naming the port.
 */
export async function listen(
	handler: Handler,
	where: { readonly port: number; readonly host?: string; readonly tls?: { readonly cert: string; readonly key: string } },
	graceMs = 10_000,
): Promise<Listening> {
	const tuning = { maxHeaderSize, keepAliveTimeout: 65_000, requestTimeout: 300_000, noDelay: true };
	const server: Server = where.tls === undefined ? createServer(tuning, handler) : createTlsServer({ ...tuning, ...where.tls }, handler);
	await new Promise<void>((resolve, reject) => {
		server.once('error', (error: NodeJS.ErrnoException) => reject(listenProblem(error, where.port)));
		server.listen({ port: where.port, ...(where.host === undefined ? {} : { host: where.host }) }, resolve);
	});
	const address = server.address();
	return {
		port: typeof address === 'object' && address !== null ? address.port : where.port,
		renew(tls) {
			if (server instanceof TlsServer) server.setSecureContext(tls);
		},
		close: () =>
			new Promise((resolve) => {
				const force = setTimeout(() => server.closeAllConnections(), graceMs);
				// A connection whose last request has been answered stays open for the next; there is none any more.
				const idle = setInterval(() => server.closeIdleConnections(), 50);
				server.close(() => {
					clearTimeout(force);
					clearInterval(idle);
					resolve();
				});
				server.closeIdleConnections();
			}),
	};
}

function listenProblem(error: NodeJS.ErrnoException, port: number): unknown {
	if (error.code === 'EADDRINUSE')
		return new Problem('unavailable', 'port-in-use', `Port ${port} is already in use by another program.`, { cause: error });
	if (error.code === 'EACCES')
		return new Problem('unavailable', 'port-refused', `This user may not listen on port ${port}.`, { cause: error });
	return error;
}
