// Every route of the Standard and Portal APIs: the rows of the resources, made routes.
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Reply, Route } from '#http/route.ts';
import { allergyRows } from './allergy.ts';
import { encounterRows } from './encounter.ts';
import { dentalIssueRows, medicalProblemRows } from './medical-problem.ts';
import { medicationRows } from './medication.ts';
import { facilityRows, insuranceCompanyRows } from './organizations.ts';
import { patientRows } from './patient.ts';
import { practitionerRows, userRows } from './people.ts';
import { problemReply } from './problems.ts';
import { type ApiSettings, routeOf, type StandardRow } from './row.ts';
import { surgeryRows } from './surgery.ts';

/** Rows of the Standard API, below `/apis/:site/api`. */
export const standardRows: readonly StandardRow[] = [
	...patientRows,
	...facilityRows,
	...practitionerRows,
	...userRows,
	...insuranceCompanyRows,
	...encounterRows,
	...medicalProblemRows,
	...allergyRows,
	...medicationRows,
	...surgeryRows,
	...dentalIssueRows,
];

/** Rows of the Portal API, below `/apis/:site/portal`. */
export const portalRows: readonly StandardRow[] = [];

/** The routes of both. */
export function standardRoutes(settings: ApiSettings): Route<FhirCtx>[] {
	return [...standardRows.map((row) => routeOf(row, 'api', settings)), ...portalRows.map((row) => routeOf(row, 'portal', settings))];
}

/** What went wrong on a path of these APIs that no row owns. */
export function standardProblem(error: unknown): Reply {
	return problemReply(error, 'E', false);
}
