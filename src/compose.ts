// Puts the parts together for everything that works on an installation: the server, its workers and the command line.
import { join } from 'node:path';
import type { PoolConfig } from 'pg';
import { createAudit } from '#access/audit/audit.ts';
import type { Caller } from '#access/ctx.ts';
import type { Blobs } from '#base/blobs.ts';
import { type Clock, systemClock } from '#base/clock.ts';
import { createIds } from '#base/ids.ts';
import type { Log } from '#base/log.ts';
import { type Database, openDatabase } from '#db/database.ts';
import { type Embedded, startEmbedded } from '#db/embedded.ts';
import { type Generated, migrate } from '#db/migrate.ts';
import { openReplicas } from '#db/replicas.ts';
import { requireServer } from '#db/requirements.ts';
import { createSubscriptions, type Subscriptions } from '#exchange/subscriptions/subscriptions.ts';
import { createJournal } from '#fhir/audit/journal.ts';
import { createDiskBlobs } from '#fhir/binary/disk.ts';
import type { Fhir, FhirCtx } from '#fhir/ctx.ts';
import { loadDefinitions } from '#fhir/definitions/definitions.ts';
import { addedPackages } from '#fhir/definitions/package.ts';
import { createJobs } from '#fhir/jobs/jobs.ts';
import { createProvenances } from '#fhir/provenance/provenances.ts';
import { createRows } from '#fhir/rows.ts';
import { createSearchParameters } from '#fhir/search/custom.ts';
import { createRegistry } from '#fhir/search/registry.ts';
import { fhirTables } from '#fhir/store/schema.ts';
import { createStore, type Store } from '#fhir/store/store.ts';
import { createValidator } from '#fhir/validate/validator.ts';
import type { Account } from '#oauth/accounts/account.ts';
import { createPeople, type People } from '#oauth/accounts/people.ts';
import { rightsOf as rightsOfAccount } from '#oauth/accounts/rights.ts';
import { openSealer } from '#oauth/accounts/sealing.ts';
import { type Authorization, createAuthorization } from '#oauth/authorization.ts';
import { createMail } from '#outside/mail.ts';
import { createS3Blobs, readS3Place } from '#outside/s3-blobs.ts';
import { createDirectory } from './directory.ts';
import { allOperations } from './operations.ts';
import { allRules } from './rules.ts';
import type { Settings } from './settings.ts';
import { createCallerNow } from './standing.ts';

/** Where the data are: how to connect, and the PostgreSQL that came with Heron when that is the one. */
export type Source = {
	readonly config: PoolConfig;
	readonly embedded: Embedded | undefined;
	/** Stops the embedded PostgreSQL if this process owns it. */
	close(): Promise<void>;
};

export type Installation = {
	readonly settings: Settings;
	readonly db: Database;
	readonly fhir: Fhir;
	readonly log: Log;
	readonly clock: Clock;
	/** Accounts, and who is signed in. */
	readonly people: People;
	/** Applications and their tokens. */
	readonly authorization: Authorization;
	/** Events on their way out. */
	readonly subscriptions: Subscriptions;
	/** A context that reads from the primary. */
	readonly ctxFor: (caller: Caller, requestId: string) => FhirCtx;
	/** A context for somebody who only reads now and last wrote at `lastWrite` (milliseconds, 0 for never): from a replica that has it all. */
	readonly readingCtxFor: (caller: Caller, requestId: string, lastWrite: number) => FhirCtx;
	/** Ends what compose began: writes under way are finished, connections closed. */
	close(): Promise<void>;
};

/** How long a start waits for a database of the operator's own. */
const patienceMs = 30_000;

/**
 * Opens the database of an installation and brings it to the present schema. `own` is for the server: it refuses a data folder that
 * another Heron holds; `share` is for commands: they join a server that runs. Only a restore and a check do without `migrate`. Throws what
 * startEmbedded, requireServer and migrate throw.
 */
export async function openSource(
	settings: Settings,
	log: Log,
	mode: 'own' | 'share',
	{ migrate: isMigrated = true }: { readonly migrate?: boolean } = {},
): Promise<Source> {
	const { databaseUrl, dataDir } = settings;
	const embedded = databaseUrl === undefined ? await startEmbedded({ dataDir, log, mode, settings: roomFor(settings) }) : undefined;
	const config = embedded?.config ?? ownConfig(databaseUrl, settings);
	try {
		await prepare(config, settings, log, isMigrated);
	} catch (error) {
		await embedded?.stop();
		throw error;
	}
	return { config, embedded, close: async () => embedded?.stop() };
}

/** Connections for all processes, with those they open for group commit and for statements with a name, and for commands beside them. */
function roomFor({ workers, databaseConnections }: Settings): Record<string, string> {
	return { max_connections: String(Math.max(100, workers * (Math.ceil(databaseConnections * 1.75) + 4) + 40)) };
}

async function prepare(config: PoolConfig, settings: Settings, log: Log, isMigrated: boolean): Promise<void> {
	const db = openDatabase({ ...config, max: 2 }, (error) =>
		log.warn({ code: (error as { code?: string }).code }, 'a database connection was lost'),
	);
	try {
		const { version } = await requireServer(db, patienceMs);
		const { ran } = isMigrated ? await migrate(db, schemaOf(settings)) : { ran: [] };
		log.info({ version, ran }, 'database ready');
	} finally {
		await db.close();
	}
}

/** The parts of the schema that code writes. */
export function schemaOf(settings: Settings): Generated[] {
	const definitions = definitionsOf(settings);
	return [fhirTables(definitions, createRegistry(definitions))];
}

/** The definitions of this installation: what came with Heron and what was added to it. */
export function definitionsOf(settings: Settings): ReturnType<typeof loadDefinitions> {
	return loadDefinitions(addedPackages(settings.dataDir));
}

/** Everything that serves requests and runs commands, over a database that `openSource` has prepared. */
export async function compose(settings: Settings, config: PoolConfig, log: Log): Promise<Installation> {
	const db = openDatabase({ ...config, max: settings.databaseConnections }, (error) =>
		log.warn({ code: (error as { code?: string }).code }, 'a database connection was lost'),
	);
	const base = `${settings.publicUrl}/apis/default/fhir`;
	const definitions = definitionsOf(settings);
	const searchParameters = await createSearchParameters({ db, definitions, base, log });
	const { extract } = searchParameters;
	const audit = createAudit({ db, clock: systemClock, log, dataDir: settings.dataDir, level: settings.audit });
	const journal = createJournal(audit, extract);
	const store = withFallback(createStore({ db, definitions, extract, settings, journal }), db);
	const replicas = openReplicas(
		db,
		settings.readDatabaseUrls.map((url) => ownConfig(url, settings)),
		{ log },
	);
	const ids = createIds();
	const jobs = createJobs({ db, clock: systemClock, ids, log, folder: join(settings.dataDir, 'jobs') });
	const blobs = await openBlobs(settings);
	const sealer = openSealer(settings.dataDir);
	const checks = new Map<string, Subscriptions['check']>();
	const fhir: Fhir = {
		base,
		definitions,
		rows: createRows(allOperations),
		get registry() {
			return searchParameters.registry;
		},
		searchParameters,
		validator: createValidator(definitions),
		store,
		blobs,
		settings,
		provenances: createProvenances(settings.provenance),
		jobs,
		audit,
		checks,
		rules: allRules,
		mac: sealer.mac,
	};
	searchParameters.work(store);
	const ctxOver = (on: Database, caller: Caller, requestId: string): FhirCtx => {
		return { caller, db: on, clock: systemClock, ids, log, requestId, fhir };
	};
	const ctxFor = (caller: Caller, requestId: string): FhirCtx => ctxOver(db, caller, requestId);
	const subscriptions = createSubscriptions({
		db,
		log,
		seal: sealer,
		ctxFor,
		callerNow: (caller) => callerNow(caller),
		allowPrivate: settings.oauth.allowPrivateUrls,
	});
	checks.set('Subscription', subscriptions.check);
	const mail = settings.mail === undefined ? undefined : createMail(settings.mail.url, settings.mail.from);
	const people = createPeople({
		db,
		clock: systemClock,
		ids,
		log,
		sealer,
		audit,
		mail,
		settings: { ...settings.people, publicUrl: settings.publicUrl },
	});
	const rightsOf = (account: Account) => rightsOfAccount(people, account);
	const directory = createDirectory({ fhir, ctxFor, rightsOf });
	const authorization = createAuthorization({ people, settings: settings.oauth, directory, rightsOf });
	const callerNow = createCallerNow({ people, authorization, rightsOf });
	return {
		settings,
		db,
		fhir,
		subscriptions,
		log,
		clock: systemClock,
		people,
		authorization,
		ctxFor,
		readingCtxFor: (caller, requestId, lastWrite) => ctxOver(replicas.reader(lastWrite), caller, requestId),
		async close() {
			mail?.close();
			await subscriptions.close();
			await searchParameters.close();
			await jobs.close();
			await store.close();
			await audit.close();
			await blobs.close();
			await replicas.close();
			await db.close();
		},
	};
}

/** What a replica does not have yet the primary may have: a resource that a client was just told of is never said to be missing. */
function withFallback(store: Store, primary: Database): Store {
	const { numbers } = store;
	return {
		...store,
		numbers: {
			...numbers,
			async of(db, type, ids) {
				const found = await numbers.of(db, type, ids);
				const missing = db === primary ? [] : ids.filter((id) => !found.has(id));
				return missing.length === 0 ? found : new Map([...found, ...(await numbers.of(primary, type, missing))]);
			},
			async idOf(db, type, number) {
				return (await numbers.idOf(db, type, number)) ?? (db === primary ? undefined : numbers.idOf(primary, type, number));
			},
		},
		async read(ctx, type, id, restrict) {
			const found = await store.read(ctx, type, id, restrict);
			return found !== undefined || ctx.db === primary ? found : store.read({ ...ctx, db: primary }, type, id, restrict);
		},
		async vread(ctx, type, id, version, restrict) {
			const found = await store.vread(ctx, type, id, version, restrict);
			return found !== undefined || ctx.db === primary ? found : store.vread({ ...ctx, db: primary }, type, id, version, restrict);
		},
	};
}

function ownConfig(url: string | undefined, { databaseConnections }: Settings): PoolConfig {
	return { connectionString: url, application_name: 'heron', connectionTimeoutMillis: 10_000, keepAlive: true, max: databaseConnections };
}

/** The store of large binaries: a folder, or a bucket. Throws Problem invalid `setting-wrong`. */
export async function openBlobs(settings: Settings): Promise<Blobs> {
	if (settings.blobStore === 'disk') return createDiskBlobs(blobFolder(settings));
	return createS3Blobs(readS3Place(settings.blobStore));
}

/** The folder of what an installation keeps as files beside its database. */
export function blobFolder(settings: Settings): string {
	return join(settings.dataDir, 'blobs');
}
