// The description: valid, whole in both directions, and served with its pages.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import createRouter from 'find-my-way';
import type { Ctx } from '#access/ctx.ts';
import { appStateRoutes } from '#app-state.ts';
import { fhirRoutes } from '#fhir/routes.ts';
import { healthRoutes } from '#http/health.ts';
import { createMetrics, metricsRoute } from '#http/metrics.ts';
import type { Reply, Request, Route } from '#http/route.ts';
import { accountRoutes } from '#oauth/pages/routes.ts';
import { portalRows } from '#standard-api/portal.ts';
import { standardRoutes, standardRows } from '#standard-api/routes.ts';
import { oauthServer, protocolRoutes } from '#testing/oauth.ts';
import { ensureSwaggerClient, swaggerClient } from './client.ts';
import { commonTypes } from './fhir.ts';
import { openApi } from './openapi.ts';
import { pathOf } from './paths.ts';
import { swaggerRoutes } from './routes.ts';

const server = await oauthServer({ after });
const { people, authorization } = server;
const { fhir } = server.ctx;
const publicUrl = 'https://localhost:9300';
const document = openApi({ publicUrl, fhir, standard: standardRows, portal: portalRows, version: '1.0.0' });
const paths = document.paths as Record<
	string,
	Record<string, { operationId: string; summary: string; responses: object; parameters?: { name: string; in: string }[] }>
>;
const pages = swaggerRoutes<Ctx>(publicUrl, () => JSON.stringify(document));

const routes: readonly { readonly method: string; readonly path: string }[] = [
	...healthRoutes([]),
	metricsRoute(createMetrics(), ['127.0.0.1']),
	...pages,
	...authorization.routes,
	...accountRoutes<Ctx>({
		people,
		apps: authorization.appGrants,
		clients: authorization.clients,
		outside: {} as never,
		isAdministrator: async () => false,
	}),
	...appStateRoutes({ publicUrl, db: people.db, sealer: people.sealer, accounts: authorization.accounts }),
	...fhirRoutes(fhir.rows),
	...standardRoutes({ statusCompat: false }),
	...protocolRoutes,
];

test('it is OpenAPI 3.1', async () => {
	const { valid, errors } = await new Validator().validate(JSON.parse(JSON.stringify(document)));
	assert.ok(valid, JSON.stringify(errors)?.slice(0, 2000));
});

test('every route of the server is in it', () => {
	const missing = routes
		.filter(({ method, path }) => paths[pathOf(path)]?.[method.toLowerCase()] === undefined)
		.map(({ method, path }) => `${method} ${path}`);
	assert.deepEqual(missing, []);
});

test('everything in it is a route of the server', () => {
	const known = new Set(routes.map(({ method, path }) => `${method} ${pathOf(path)}`));
	const spare = Object.entries(paths).flatMap(([path, methods]) =>
		Object.keys(methods)
			.map((method) => `${method.toUpperCase()} ${path}`)
			.filter((one) => !known.has(one) && !known.has(generic(one))),
	);
	assert.deepEqual(spare, []);
});

/** A path of a common type is one of the path for all types. */
function generic(operation: string): string {
	const type = commonTypes.find((one) => new RegExp(`/fhir/${one}(/|$)`).test(operation)) ?? '';
	return operation.replace(`/fhir/${type}`, '/fhir/{type}');
}

test('each operation has a name of its own, says what it does, and knows the parameters of its path', () => {
	const names = new Set<string>();
	for (const [path, methods] of Object.entries(paths))
		for (const [method, { operationId, summary, parameters = [], responses }] of Object.entries(methods)) {
			assert.ok(!names.has(operationId), `${operationId} is there twice`);
			names.add(operationId);
			assert.ok(summary.length > 3, `${method} ${path}`);
			assert.ok(Object.keys(responses).length > 0);
			const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
			assert.deepEqual(
				parameters.filter((one) => one.in === 'path').map(({ name }) => name),
				named,
				`${method} ${path}`,
			);
		}
});

test('bodies of the Standard API are described from their fields', () => {
	const schemas = (document.components as { schemas: Record<string, { required?: string[]; properties: object }> }).schemas;
	assert.deepEqual(schemas.NewPatientRecord?.required, ['fname', 'lname', 'DOB', 'sex']);
	assert.ok(Object.keys(schemas.PatientRecord?.properties ?? {}).length > 50);
});

const get = async (path: string, headers: Record<string, string> = {}): Promise<Reply> => {
	const route =
		pages.find((one) => one.path === path.replace(/\/$/, '')) ?? (pages.find((one) => one.path === '/swagger/:file') as Route<Ctx>);
	return route.handle(server.ctx, { path, headers, params: { file: path.split('/').at(-1) } } as unknown as Request);
};

test('the routes fit into one router', () => {
	const router = createRouter({ ignoreTrailingSlash: true });
	for (const { method, path } of routes.filter((one) => !protocolRoutes.includes(one))) router.on(method as 'GET', path, () => undefined);
});

test('the pages are served, and nothing but them', async () => {
	assert.equal((await get('/swagger')).headers?.location, '/swagger/');
	assert.match(String((await get('/swagger/')).body), /swagger-ui-bundle\.js/);
	assert.match(String((await get('/swagger/start.js')).body), new RegExp(swaggerClient));
	for (const name of [
		'swagger-ui.css',
		'swagger-ui-bundle.js',
		'swagger-ui-standalone-preset.js',
		'oauth2-redirect.html',
		'oauth2-redirect.js',
	])
		assert.ok(((await get(`/swagger/${name}`)).body as Buffer).length > 100, name);
	const described = await get('/swagger/openapi.json');
	assert.equal((await get('/swagger/openapi.json', { 'if-none-match': described.headers?.etag as string })).status, 304);
	for (const name of ['package.json', '..', 'swagger-ui.js.map'])
		await assert.rejects(async () => get(`/swagger/x/${name}`), { code: 'no-such-page' });
	assert.match(described.headers?.['content-security-policy'] as string, /script-src 'self';/);
});

test('the application of the pages is there once, and stays out when an administrator says so', async () => {
	await ensureSwaggerClient(authorization.clients, publicUrl);
	await ensureSwaggerClient(authorization.clients, publicUrl);
	const made = await authorization.clients.find(swaggerClient);
	assert.deepEqual([made?.enabled, made?.isPublic, made?.redirectUris], [true, true, [`${publicUrl}/swagger/oauth2-redirect.html`]]);
	await authorization.clients.setEnabled(swaggerClient, false);
	await ensureSwaggerClient(authorization.clients, 'https://elsewhere.example.org');
	assert.equal((await authorization.clients.find(swaggerClient))?.enabled, false);
});
