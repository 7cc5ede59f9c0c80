// What one server process does: routes, the handler that runs them, the sockets it listens on.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { anonymous, type Caller } from '#access/ctx.ts';
import { createTokenVerifier } from '#access/tokens.ts';
import type { Clock } from '#base/clock.ts';
import { described } from '#base/log.ts';
import { raw } from '#db/sql.ts';
import { registerBulk } from '#exchange/bulk/operations.ts';
import { noteStranger } from '#fhir/audit/note.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { registerBundles } from '#fhir/interactions/later.ts';
import { outcomeReply } from '#fhir/outcome.ts';
import { fhirRoutes } from '#fhir/routes.ts';
import { performing } from '#fhir/rows.ts';
import { loadOwn } from '#fhir/terminology/own.ts';
import { type Certificate, hostOf, openCertificate } from '#http/certificate.ts';
import { type Check, healthRoutes } from '#http/health.ts';
import { createMetrics, type Metrics, metricsRoute } from '#http/metrics.ts';
import type { Request, Route } from '#http/route.ts';
import { createHandler, type Handler, type Listening, listen } from '#http/server.ts';
import { createOutsideProvider } from '#oauth/accounts/outside-provider.ts';
import { isAdministrator } from '#oauth/accounts/rights.ts';
import { accountRoutes } from '#oauth/pages/routes.ts';
import { createVirusScanner } from '#outside/virus-scan.ts';
import type { Service } from '#standard-api/background-service.ts';
import { portalRows } from '#standard-api/portal.ts';
import { standardProblem, standardRoutes, standardRows } from '#standard-api/routes.ts';
import { ensureSwaggerClient } from '#swagger/client.ts';
import { openApi } from '#swagger/openapi.ts';
import { swaggerRoutes } from '#swagger/routes.ts';
import { announceStart, announceStop } from './announce.ts';
import { appStateRoutes } from './app-state.ts';
import type { Installation } from './compose.ts';
import { createHousekeeping } from './housekeeping.ts';

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as { version: string };

export type Serving = {
	readonly metrics: Metrics;
	/** Stops taking connections, lets running requests finish, then ends the rest. */
	close(): Promise<void>;
};

/**
 * Listens for an installation. `metricsText` gives the figures of all processes when there are several. Rejects with Problem unavailable
 * `port-in-use` or `port-refused`, invalid `tls-files`, having closed what it had opened.
 */
export async function serve(installation: Installation, metricsText?: () => Promise<string>): Promise<Serving> {
	const { settings } = installation;
	registerBundles(installation.fhir, performing);
	await loadOwn(installation.db);
	await ensureSwaggerClient(installation.authorization.clients, settings.publicUrl);
	const metrics = createMetrics();
	registerBulk(installation.fhir, { ...settings.bulk, served: metrics.served });
	gauges(installation, metrics);
	const housekeeping = createHousekeeping(installation);
	const shown = metricsText === undefined ? metrics : { ...metrics, text: metricsText };
	const handler = handlerOf(installation, shown, [housekeeping.service]);
	const certificate = settings.httpsPort === 0 ? undefined : await certificateOf(installation);
	const host = settings.host === undefined ? {} : { host: settings.host };
	await announceStart(installation, process.env);
	const open: Listening[] = [];
	const close = async (): Promise<void> => {
		certificate?.close();
		await Promise.all(open.map((one) => one.close()));
	};
	try {
		if (certificate !== undefined) {
			const https = await listen(handler, { port: settings.httpsPort, tls: certificate.current(), ...host }, settings.drainMs);
			certificate.onChange((tls) => https.renew(tls));
			open.push(https);
		}
		if (settings.httpPort !== 0) open.push(await listen(handler, { port: settings.httpPort, ...host }, settings.drainMs));
	} catch (error) {
		await close();
		throw error;
	}
	installation.fhir.jobs.work();
	installation.subscriptions.work();
	housekeeping.start();
	return {
		metrics,
		async close() {
			await close();
			await housekeeping.end();
			await announceStop(installation).catch((error) =>
				installation.log.warn({ error: described(error) }, 'the audit was not told of the stop'),
			);
		},
	};
}

function certificateOf({ settings, clock, log }: Installation): Promise<Certificate> {
	const { tlsCert, tlsKey, dataDir, publicUrl } = settings;
	const given = tlsCert === undefined || tlsKey === undefined ? undefined : { certFile: tlsCert, keyFile: tlsKey };
	return openCertificate({ given, folder: dataDir, hosts: [hostOf(publicUrl)], clock, log });
}

function handlerOf(installation: Installation, metrics: Metrics, services: readonly Service[]): Handler {
	const { settings, db, fhir, clock, log, people, authorization, ctxFor, readingCtxFor } = installation;
	const verifier = createTokenVerifier(db, clock, { source: authorization.source });
	const writers = createWriters(clock);
	const ctxOf = (caller: Caller, request: Request): FhirCtx =>
		isReading(request) ? readingCtxFor(caller, request.requestId, writers.lastWrite(caller)) : ctxFor(caller, request.requestId);
	const checks: Check[] = [{ name: 'database', run: () => db.rows(raw('SELECT 1')) }];
	const { limitBytes, types, virusScan } = settings.documents;
	const documents = { limitBytes, types, scanner: createVirusScanner(virusScan) };
	const { publicUrl } = settings;
	const described = (): string => JSON.stringify(openApi({ publicUrl, fhir, standard: standardRows, portal: portalRows, version }));
	return createHandler<FhirCtx>({
		routes: [
			...healthRoutes<FhirCtx>(checks),
			...swaggerRoutes<FhirCtx>(publicUrl, described),
			metricsRoute<FhirCtx>(metrics, settings.metricsFrom),
			...authorization.routes,
			...accountRoutes<FhirCtx>({
				people,
				apps: authorization.appGrants,
				clients: authorization.clients,
				outside: settings.signInProvider === undefined ? undefined : createOutsideProvider(people, settings.signInProvider),
				isAdministrator: ({ account }) => isAdministrator(people, account),
			}),
			...[
				...appStateRoutes({ publicUrl, db, sealer: people.sealer, accounts: authorization.accounts }),
				...fhirRoutes(fhir.rows),
				...standardRoutes({ statusCompat: settings.openemrStatusCompat, services, documents }),
			].map(writers.noting),
		],
		mounts: [authorization.mount],
		authenticate: async (authorization, request) => {
			try {
				return ctxOf(await verifier.verify(authorization), request);
			} catch (error) {
				await noteStranger(fhir, request, error);
				throw error;
			}
		},
		anonymous: (request) => ctxFor(anonymous, request.requestId),
		dialects: [
			{ prefix: '/apis/default/api', problem: standardProblem },
			{ prefix: '/apis/default/portal', problem: standardProblem },
			{ prefix: '/apis/', problem: outcomeReply },
		],
		cors: { origins: settings.corsOrigins },
		bodyLimitBytes: settings.bodyLimitBytes,
		trustedProxies: settings.trustedProxies,
		log,
		observe: metrics.observe,
	});
}

function isReading({ method, path }: Request): boolean {
	return method === 'GET' || method === 'HEAD' || (method === 'POST' && path.endsWith('/_search'));
}

const writersKept = 10_000;

/** When each caller was last told of a write here, so that a replica which does not have it yet is not asked. */
function createWriters(clock: Clock): { lastWrite(caller: Caller): number; noting(route: Route<FhirCtx>): Route<FhirCtx> } {
	const last = new Map<string, number>();
	const note = (id: string): void => {
		last.delete(id);
		last.set(id, clock.now().getTime());
		if (last.size > writersKept) last.delete(last.keys().next().value as string);
	};
	return {
		lastWrite: ({ id }) => last.get(id) ?? 0,
		noting(route) {
			if (route.method === 'GET') return route;
			return {
				...route,
				async handle(ctx, request) {
					try {
						return await route.handle(ctx, request);
					} finally {
						if (!isReading(request)) note(ctx.caller.id);
					}
				},
			};
		},
	};
}

function gauges({ db, settings }: Installation, metrics: Metrics): void {
	metrics.gauge('heron_database_connections', 'Connections open to the database', () => db.pool.totalCount);
	metrics.gauge('heron_database_connections_idle', 'Connections that nobody is using', () => db.pool.idleCount);
	metrics.gauge('heron_database_waiting', 'Statements that wait for a connection', () => db.pool.waitingCount);
	metrics.gauge('heron_database_connections_max', 'Most connections this process may open', () => settings.databaseConnections);
}
