// The way into oidc-provider for a raw request: what must not depend on the client is set here, and requests that OpenEMR's clients and
// SMART apps may send but the provider would refuse are put in its words.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Problem } from '#base/problem.ts';
import { readBody } from '#http/body.ts';
import type { Reply } from '#http/route.ts';
import type { Mount } from '#http/server.ts';
import { hashSecret } from '#oauth/clients/clients.ts';
import { type RegistrationRules, toMetadata } from '#oauth/clients/registration.ts';
import type { Protocol } from './server.ts';

export type MountDeps = {
	readonly issuer: string;
	readonly protocol: Protocol;
	readonly rules: RegistrationRules;
	/** Throws Problem when this address may not register another application now. */
	readonly countRegistration: (address: string) => Promise<void>;
	/** Throws Problem when no application may ask for access from this address now, in a browser that sent these cookies. */
	readonly countAuthorization: (address: string, cookies: string | undefined) => Promise<void>;
	/** The page for a person whose request was refused. */
	readonly refusalPage: (message: IncomingMessage, problem: Problem) => Reply;
	/** The public client that a refresh token was given to. */
	readonly publicClientOf: (refreshToken: string) => Promise<string | undefined>;
};

/** The largest body of a request here. */
const limitBytes = 56 * 1024;

/** The protocol below its path, for the HTTP server. */
export function oauthMount(deps: MountDeps): Mount {
	const { issuer, protocol, countRegistration, countAuthorization, refusalPage } = deps;
	const { pathname: prefix, protocol: scheme, host } = new URL(issuer);
	return {
		prefix: `${prefix}/`,
		async handle(message, response, { remoteAddress }) {
			const url = message.url as string;
			for (const name of ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto']) delete message.headers[name];
			Object.assign(message.headers, {
				'x-forwarded-proto': scheme.slice(0, -1),
				'x-forwarded-host': host,
				host,
				'x-forwarded-for': remoteAddress,
			});
			response.setHeader('x-content-type-options', 'nosniff');
			response.setHeader('referrer-policy', 'no-referrer');
			response.setHeader('x-frame-options', 'DENY');
			message.url = url.slice(prefix.length);
			// Wanted beside `no-store`: https://www.rfc-editor.org/rfc/rfc6749#section-5.1
			if (/^\/token(\?|$)/.test(message.url)) response.setHeader('pragma', 'no-cache');
			try {
				if (message.method === 'POST' && /^\/registration(\?|$)/.test(message.url)) await countRegistration(remoteAddress);
				if (begins(message)) await countAuthorization(remoteAddress, message.headers.cookie);
				const redirect = await prepare(message, deps);
				// By the difference of the two the provider knows below which path it stands.
				Object.assign(message, { originalUrl: `${prefix}${message.url}` });
				if (redirect !== undefined) response.writeHead(303, { location: `${issuer}${redirect}`, 'cache-control': 'no-store' }).end();
				else await protocol.handle(message, response);
			} catch (error) {
				if (!(error instanceof Problem)) throw error;
				if (error.status === 429 && begins(message)) sendPage(response, refusalPage(message, error));
				else refuse(response, error);
			}
		},
	};
}

/** A request of an application for access; one that came by POST comes again as GET. */
function begins({ method, url = '' }: IncomingMessage): boolean {
	return method !== 'POST' && /^\/authorize(\?|$)/.test(url);
}

function sendPage(response: ServerResponse, { status, headers, body }: Reply): void {
	response.writeHead(status, { 'cache-control': 'no-store', ...headers });
	response.end(body);
}

/**
 * The paths of the protocol in their one spelling, and what they take. The provider's router knows other spellings too (capitals, a slash
 * at the end), which would lead past what is done here.
 */
const endpoints: readonly (readonly [path: RegExp, methods: readonly string[]])[] = [
	[/^\/(authorize|logout)$/, ['GET', 'POST']],
	[/^\/(authorize\/[\w-]{1,64}|jwk|logout\/success|\.well-known\/(openid-configuration|oauth-authorization-server))$/, ['GET']],
	[/^\/(token|introspect|revoke|registration|logout\/confirm)$/, ['POST']],
	[/^\/client\/[\w-]{1,200}$/, ['GET', 'PUT', 'DELETE']],
];

/** Throws Problem not-found, 405. */
function requireEndpoint(method: string, path: string): void {
	const found = endpoints.find(([shape]) => shape.test(path));
	if (found === undefined) throw new Problem('not-found', 'invalid_request', 'There is nothing here.');
	const [, methods] = found;
	if (methods.includes(method === 'HEAD' ? 'GET' : method)) return;
	const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
	throw new Problem('invalid', 'invalid_request', `This takes ${methods.join(', ')} only.`, { status: 405, headers: { allow } });
}

/** Puts a request in the provider's words; gives a path to be redirected to instead, if any. */
async function prepare(message: IncomingMessage, { rules, publicClientOf }: MountDeps): Promise<string | undefined> {
	const [path = '', query = ''] = splitOnce(message.url as string, '?');
	requireEndpoint(message.method ?? 'GET', path);
	if (/%00/.test(query) || query.length > 16_000) throw new Problem('invalid', 'invalid_request', 'The query cannot be read.');
	// The provider takes these by POST only when its cookies go along with what other sites send.
	if ((path === '/authorize' || path === '/logout') && message.method === 'POST') {
		const body = (await formBody(message)).toString('latin1');
		const all = query === '' ? body : `${query}&${body}`;
		return `${path}?${path === '/authorize' ? withConsent(all) : all}`;
	}
	if (path === '/authorize') message.url = `${path}?${withConsent(query)}`;
	else if (/^\/client\/[^/]+$/.test(path)) {
		message.url = path.replace('/client/', '/registration/');
		if (message.method === 'PUT') await translateRegistration(message, rules);
	} else if (path === '/registration' && message.method === 'POST') await translateRegistration(message, rules);
	else if (message.method === 'POST') {
		const form = await formBody(message);
		replaceBody(message, path === '/token' ? await withClient(message, form, publicClientOf) : form);
	}
	return undefined;
}

function splitOnce(text: string, mark: string): [string, string] {
	const at = text.indexOf(mark);
	return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/**
 * A public client need not say who it is when it refreshes (https://www.rfc-editor.org/rfc/rfc6749#section-6), and the SMART JS client does
 * not; the provider wants to hear it.
 */
async function withClient(message: IncomingMessage, form: Buffer, publicClientOf: MountDeps['publicClientOf']): Promise<Buffer> {
	if (message.headers.authorization !== undefined) return form;
	const given = new URLSearchParams(form.toString('latin1'));
	const [token, ...more] = given.getAll('refresh_token');
	const names = given.get('grant_type') === 'refresh_token' && !given.has('client_id') && !given.has('client_assertion');
	const client = names && token !== undefined && more.length === 0 ? await publicClientOf(token) : undefined;
	return client === undefined ? form : Buffer.concat([form, Buffer.from(`&client_id=${encodeURIComponent(client)}`)]);
}

/** OpenID Connect wants `prompt=consent` with `offline_access`; SMART apps do not send it, and are asked for consent anyway. */
function withConsent(query: string): string {
	const parameters = new URLSearchParams(query);
	const scopes = parameters.get('scope')?.split(/\s+/) ?? [];
	const prompt = parameters.get('prompt');
	if (!scopes.includes('offline_access') || prompt === 'none' || prompt?.split(' ').includes('consent')) return query;
	parameters.set('prompt', prompt === null || prompt === '' ? 'consent' : `${prompt} consent`);
	return parameters.toString();
}

async function formBody(message: IncomingMessage): Promise<Buffer> {
	const body = await readBody(message, limitBytes);
	if (body.includes('%00') || body.includes(0)) throw new Problem('invalid', 'invalid_request', 'The body cannot be read.');
	return body;
}

async function translateRegistration(message: IncomingMessage, rules: RegistrationRules): Promise<void> {
	const type = message.headers['content-type'] ?? '';
	if (!/^application\/json\b/i.test(type))
		throw new Problem('invalid', 'invalid_client_metadata', 'A registration is sent as application/json.');
	const metadata = toMetadata(objectOf(await readBody(message, limitBytes)), rules);
	const { client_secret: secret } = metadata;
	// What an update repeats of the secret is compared with what is kept.
	if (message.method === 'PUT' && typeof secret === 'string') metadata.client_secret = hashSecret(secret);
	replaceBody(message, Buffer.from(JSON.stringify(metadata)));
}

function objectOf(bytes: Buffer): Record<string, unknown> {
	let value: unknown;
	try {
		value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
	} catch {
		value = undefined;
	}
	if (typeof value !== 'object' || value === null || Array.isArray(value))
		throw new Problem('invalid', 'invalid_client_metadata', 'The body must be a JSON object.');
	const text = JSON.stringify(value);
	// The database takes no such characters.
	if (/\\u0000|\\ud[89a-f]/.test(text)) throw new Problem('invalid', 'invalid_client_metadata', 'The body has characters that are none.');
	return value as Record<string, unknown>;
}

/** Lets whoever reads the request next read these bytes. */
function replaceBody(message: IncomingMessage, bytes: Buffer): void {
	message.headers['content-length'] = String(bytes.length);
	delete message.headers['content-encoding'];
	delete message.headers['transfer-encoding'];
	Object.defineProperty(message, 'readable', { value: true, configurable: true });
	Object.defineProperty(message, 'iterator', {
		configurable: true,
		value: async function* () {
			yield bytes;
		},
	});
}

const codes = new Set(['invalid_request', 'invalid_client_metadata', 'invalid_redirect_uri', 'invalid_scope']);

function refuse(response: ServerResponse, problem: Problem): void {
	const error = codes.has(problem.code)
		? problem.code
		: problem.kind === 'unavailable' || problem.status === 429
			? 'temporarily_unavailable'
			: 'invalid_request';
	response.writeHead(problem.status, {
		'content-type': 'application/json; charset=utf-8',
		'cache-control': 'no-store',
		...problem.headers,
	});
	response.end(JSON.stringify({ error, error_description: problem.text }));
}
