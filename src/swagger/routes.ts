// Swagger UI at /swagger/ and the description it shows.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Problem } from '#base/problem.ts';
import { problemJson } from '#http/problem-json.ts';
import type { Reply, Request, Route } from '#http/route.ts';
import { swaggerClient } from './client.ts';

const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
const types: Readonly<Record<string, string>> = {
	css: 'text/css',
	js: 'text/javascript',
	png: 'image/png',
	html: 'text/html; charset=utf-8',
	json: 'application/json',
};
/** Files of the library that the pages need. */
const files = new Set([
	'swagger-ui.css',
	'swagger-ui-bundle.js',
	'swagger-ui-standalone-preset.js',
	'index.css',
	'favicon-16x16.png',
	'favicon-32x32.png',
	'oauth2-redirect.html',
	'oauth2-redirect.js',
]);

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Heron API</title>
<link rel="stylesheet" href="swagger-ui.css">
<link rel="stylesheet" href="index.css">
<link rel="icon" type="image/png" href="favicon-32x32.png" sizes="32x32">
</head>
<body>
<div id="swagger-ui"></div>
<script src="swagger-ui-bundle.js"></script>
<script src="swagger-ui-standalone-preset.js"></script>
<script src="start.js"></script>
</body>
</html>
`;

const start = (publicUrl: string): string => `window.onload = () => {
	const ui = SwaggerUIBundle({
		url: 'openapi.json',
		dom_id: '#swagger-ui',
		deepLinking: true,
		docExpansion: 'none',
		filter: true,
		persistAuthorization: false,
		oauth2RedirectUrl: ${JSON.stringify(`${publicUrl}/swagger/oauth2-redirect.html`)},
		presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
		layout: 'StandaloneLayout',
	});
	ui.initOAuth({
		clientId: ${JSON.stringify(swaggerClient)},
		usePkceWithAuthorizationCodeGrant: true,
		scopes: 'openid fhirUser api:oemr api:fhir user/*.cruds',
		additionalQueryStringParams: { aud: ${JSON.stringify(`${publicUrl}/apis/default/fhir`)} },
	});
};
`;

/** The library sets styles on elements and draws its icons as data; scripts come from here alone. */
const policy = (publicUrl: string): string =>
	`default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self' ${new URL(publicUrl).origin}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`;

/** `document` gives the description as JSON text; it is asked for once. */
export function swaggerRoutes<C>(publicUrl: string, document: () => string): Route<C>[] {
	let made: { text: string; etag: string } | undefined;
	const described = (): { text: string; etag: string } => {
		made ??= tagged(document());
		return made;
	};
	const headers = { 'content-security-policy': policy(publicUrl), 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' };
	const send = (type: string, body: string | Buffer, more: Readonly<Record<string, string>> = {}): Reply => ({
		status: 200,
		headers: { ...headers, 'content-type': types[type] as string, 'cache-control': 'no-cache', ...more },
		body,
	});
	const common = { method: 'GET', may: 'public', problem: problemJson } as const;
	return [
		{
			...common,
			path: '/swagger',
			// The files are beside the page, so its address has to end with a slash.
			handle: (_ctx, { path }: Request) => (path.endsWith('/') ? send('html', page) : { status: 308, headers: { location: '/swagger/' } }),
		},
		{
			...common,
			path: '/swagger/openapi.json',
			handle(_ctx, request: Request) {
				const { text, etag } = described();
				if (request.headers['if-none-match'] === etag) return { status: 304, headers: { etag } };
				return send('json', text, { etag });
			},
		},
		{
			...common,
			path: '/swagger/:file',
			handle(_ctx, { params }: Request) {
				const name = params.file as string;
				if (name === 'start.js') return send('js', start(publicUrl));
				if (!files.has(name)) throw new Problem('not-found', 'no-such-page', 'There is no such file.');
				return send(name.replace(/^.*\./, ''), readFileSync(join(folder, name)), { 'cache-control': 'max-age=3600' });
			},
		},
	];
}

function tagged(text: string): { text: string; etag: string } {
	return { text, etag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"` };
}
