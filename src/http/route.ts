// What a route is, as plain values: rooms declare rows, main.ts collects them, server.ts runs them.
import type { Readable } from 'node:stream';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A request as rooms see it. */
export type Request = {
	readonly method: Method | 'HEAD';
	/** Path without query, still percent-encoded, starting with "/". */
	readonly path: string;
	/** Raw query string without "?", "" when absent. */
	readonly query: string;
	/** Named segments of the route's path, decoded. */
	readonly params: Readonly<Record<string, string>>;
	readonly headers: Readonly<Record<string, string | string[] | undefined>>;
	/** Reads the whole body (already decompressed). Throws a Problem too-much (413) beyond the limit in bytes. */
	readonly body: (limit?: number) => Promise<Buffer>;
	/** The address of the peer, after trusted proxies. */
	readonly remoteAddress: string;
	readonly requestId: string;
	/** Aborts when the client goes away. */
	readonly signal: AbortSignal;
};

/** A response as rooms give it. A Buffer or string is sent as it stands; gzip/br on large answers is server.ts's business. */
export type Reply = {
	readonly status: number;
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: string | Buffer | Readable;
};

/** A row of a room's routes.ts. `path` is a pattern such as `/apis/:site/fhir/:type/:id`. */
export type Route<C> = {
	readonly method: Method;
	readonly path: string;
	/** The permission the row needs; `public` needs no caller. Every row has one. */
	readonly may: string;
	readonly handle: (ctx: C, request: Request) => Promise<Reply> | Reply;
	/** Renders what went wrong on this row in the dialect of its API. */
	readonly problem: (error: unknown, request: Request) => Reply;
};
