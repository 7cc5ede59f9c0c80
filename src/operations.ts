// Every operation of an installation: those of the record, and those that rooms above it hand in.

import { bulkOperations } from '#exchange/bulk/operations.ts';
import { docref } from '#exchange/documents/docref.ts';
import { importCcda, matchDocument, reconcile } from '#exchange/documents/import/operations.ts';
import { summary } from '#exchange/documents/ips/summary.ts';
import { render } from '#exchange/documents/view/render.ts';
import { subscriptionOperations } from '#exchange/subscriptions/operations.ts';
import { operations } from '#fhir/operations/all.ts';
import type { Operation } from '#fhir/operations/operation.ts';

export const allOperations: readonly Operation[] = [
	...operations,
	...bulkOperations,
	...subscriptionOperations,
	docref,
	render,
	summary,
	importCcda,
	matchDocument,
	reconcile,
];
