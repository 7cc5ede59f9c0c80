// Cross-origin rules (https://fetch.spec.whatwg.org/#http-cors-protocol). Access is by bearer token, never by cookie, so any origin may
// be allowed without credentials.

/** Origins that browsers may call from: "*" for all, or a list. */
export type Cors = { readonly origins: readonly string[] };

const exposed =
	'etag, link, location, content-location, content-disposition, last-modified, x-request-id, x-progress, retry-after, www-authenticate';
const methods = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';
const defaultHeaders =
	'authorization, content-type, accept, prefer, if-match, if-none-match, if-none-exist, if-modified-since, x-request-id, x-provenance, x-security-context';

/** Headers for an answer to this origin; empty when it is not allowed or none was sent. */
export function corsHeaders(cors: Cors, origin: string | undefined): Record<string, string> {
	if (origin === undefined) return {};
	if (cors.origins.includes('*')) return { 'access-control-allow-origin': '*', 'access-control-expose-headers': exposed };
	if (!cors.origins.includes(origin)) return { vary: 'origin' };
	return { 'access-control-allow-origin': origin, 'access-control-expose-headers': exposed, vary: 'origin' };
}

/** Headers for the answer to a preflight request. */
export function preflightHeaders(cors: Cors, origin: string | undefined, requestedHeaders: string | undefined): Record<string, string> {
	const headers = corsHeaders(cors, origin);
	if (headers['access-control-allow-origin'] === undefined) return headers;
	const asked =
		requestedHeaders !== undefined && /^[a-z0-9-]+(\s*,\s*[a-z0-9-]+)*$/i.test(requestedHeaders) ? requestedHeaders : defaultHeaders;
	return {
		...headers,
		'access-control-allow-methods': methods,
		'access-control-allow-headers': asked,
		'access-control-max-age': '600',
	};
}
