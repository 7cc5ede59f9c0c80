// The server itself with an open door: everybody may do everything, nobody is asked who they are. What authorising costs is the difference.
import type { PoolConfig } from 'pg';
import { everything } from '#access/ctx.ts';
import { silentLog } from '#base/log.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { outcomeReply } from '#fhir/outcome.ts';
import { fhirRoutes } from '#fhir/routes.ts';
import { createHandler, listen } from '#http/server.ts';
import { compose, openSource } from '../../src/compose.ts';
import { readSettings } from '../../src/settings.ts';

const settings = readSettings(process.env);
const source = await openSource(settings, silentLog, 'share');
const { fhir, ctxFor } = await compose(settings, source.config as PoolConfig, silentLog);
const caller = { kind: 'user', id: 'everybody', name: 'everybody', grants: everything } as const;
const handler = createHandler<FhirCtx>({
	routes: fhirRoutes(fhir.rows),
	authenticate: async (_authorization, { requestId }) => ctxFor(caller, requestId),
	anonymous: ({ requestId }) => ctxFor(caller, requestId),
	dialects: [{ prefix: '/apis/', problem: outcomeReply }],
	cors: { origins: settings.corsOrigins },
	bodyLimitBytes: settings.bodyLimitBytes,
	trustedProxies: [],
	log: silentLog,
});
const { port } = await listen(handler, { port: 0, host: '127.0.0.1' }, 100);
process.send?.({ port });
process.on('message', () => {
	const { user, system } = process.cpuUsage();
	process.send?.({ cpuSeconds: (user + system) / 1e6 });
});
process.on('disconnect', () => process.exit());
