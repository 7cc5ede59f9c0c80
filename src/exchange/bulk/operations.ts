// The operations of bulk data, and how their jobs are done.
import type { Fhir } from '#fhir/ctx.ts';
import type { Operation } from '#fhir/operations/operation.ts';
import { type ExportSettings, exportKind, runExport } from './export-job.ts';
import { type ImportSettings, runImport } from './import-job.ts';
import { bulkImport, importKind } from './import-request.ts';
import { groupExport, patientExport, systemExport } from './kick-off.ts';
import { bulkdataStatus } from './status.ts';

export const bulkOperations: readonly Operation[] = [systemExport, patientExport, groupExport, bulkImport, bulkdataStatus];

export type BulkSettings = ExportSettings & ImportSettings;

/** What is usual. */
export const usualBulk: BulkSettings = { keepMs: 24 * 3_600_000, allowPrivateUrls: false, fetchBytes: 100 * 1024 ** 3, served: () => 0 };

/** Tells the installation's jobs how bulk requests are done. */
export function registerBulk(fhir: Fhir, settings: BulkSettings): void {
	fhir.jobs.register(importKind, (ctx, job) => runImport({ ...ctx, fhir }, job, settings));
	fhir.jobs.register(exportKind, (ctx, job) => runExport({ ...ctx, fhir }, job, settings));
}
