// The record put together over a database of a test's own, as compose.ts does for an installation.
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAudit, type Level } from '#access/audit/audit.ts';
import { type Caller, everything } from '#access/ctx.ts';
import { systemClock } from '#base/clock.ts';
import { createIds } from '#base/ids.ts';
import { silentLog } from '#base/log.ts';
import { createJournal } from '#fhir/audit/journal.ts';
import { createDiskBlobs } from '#fhir/binary/disk.ts';
import type { Fhir, FhirCtx, FhirSettings } from '#fhir/ctx.ts';
import { type Definitions, loadDefinitions } from '#fhir/definitions/definitions.ts';
import { createJobs } from '#fhir/jobs/jobs.ts';
import { createProvenances } from '#fhir/provenance/provenances.ts';
import { createRows } from '#fhir/rows.ts';
import { createSearchParameters } from '#fhir/search/custom.ts';
import { createStore } from '#fhir/store/store.ts';
import { createValidator } from '#fhir/validate/validator.ts';
import { allOperations } from '#operations.ts';
import { allRules } from '#rules.ts';
import { type Ends, testDatabase } from './database.ts';

/** What an installation has when nothing is set. */
export const usualSettings: FhirSettings = {
	referentialIntegrity: true,
	validation: 'strict',
	provenance: true,
	bodyLimitBytes: 50 * 1024 * 1024,
	defaultCount: 20,
	maxCount: 1000,
};

/** May do everything. */
export const admin: Caller = { kind: 'user', id: 'admin', name: 'admin', grants: everything };

let definitions: Definitions | undefined;

/** FHIR's definitions, opened once for all tests of a file. */
export function testDefinitions(): Definitions {
	definitions ??= loadDefinitions();
	return definitions;
}

export type TestFhirOptions = {
	readonly caller?: Caller;
	readonly settings?: Partial<FhirSettings>;
	readonly base?: string;
	/** What is audited: nothing, unless a test is about it. */
	readonly audit?: Level;
};

/**
 * A context whose caller may do everything unless another is given, over a migrated, empty database of its own. All of it ends with `t`:
 * a test's context, or `{ after }` of node:test for a whole file. A clone of the database takes a while, so let a file's tests share one;
 * `{ ...ctx, caller }` is the same record as someone else sees it.
 */
export async function testFhir(t: Ends, options: TestFhirOptions = {}): Promise<FhirCtx> {
	const { caller = admin, base = 'https://heron.test/apis/default/fhir', audit: level = 'off' } = options;
	const settings = { ...usualSettings, ...options.settings };
	const closers: (() => Promise<void>)[] = [];
	const db = await testDatabase({
		after: (drop) =>
			t.after(async () => {
				for (const close of closers) await close();
				await drop();
			}),
	});
	const ids = createIds();
	const searchParameters = await createSearchParameters({ db, definitions: testDefinitions(), base, log: silentLog, graceMs: 0 });
	const { extract } = searchParameters;
	const auditFolder = mkdtempSync(join(tmpdir(), 'heron-audit-'));
	const audit = createAudit({ db, clock: systemClock, log: silentLog, dataDir: auditFolder, level });
	const journal = createJournal(audit, extract);
	const store = createStore({ db, definitions: testDefinitions(), extract, settings, journal });
	const jobFolder = mkdtempSync(join(tmpdir(), 'heron-jobs-'));
	const jobs = createJobs({ db, clock: systemClock, ids, log: silentLog, folder: jobFolder, pollMs: 100 });
	const blobFolder = mkdtempSync(join(tmpdir(), 'heron-blobs-'));
	closers.push(searchParameters.close, jobs.close, store.close, audit.close, async () => {
		for (const folder of [blobFolder, auditFolder, jobFolder]) rmSync(folder, { recursive: true });
	});
	const fhir: Fhir = {
		base,
		definitions: testDefinitions(),
		rows: createRows(allOperations),
		get registry() {
			return searchParameters.registry;
		},
		searchParameters,
		validator: createValidator(testDefinitions()),
		store,
		blobs: createDiskBlobs(blobFolder),
		settings,
		provenances: createProvenances(settings.provenance),
		jobs,
		audit,
		checks: new Map(),
		rules: allRules,
		mac: (about, text) => createHmac('sha256', 'of tests').update(`${about} ${text}`).digest(),
	};
	return { caller, db, clock: systemClock, ids, log: silentLog, requestId: 'test', fhir };
}
