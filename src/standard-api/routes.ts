// Every route of the Standard and Portal APIs: the rows of the resources, made routes.
import type { DocumentRules } from '#clinic/documents/file.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Reply, Route } from '#http/route.ts';
import { allergyRows } from './allergy.ts';
import { appointmentRows } from './appointment-rows.ts';
import { backgroundServiceRows, type Service } from './background-service.ts';
import { documentRows, usualDocumentRules } from './document.ts';
import { drugRows } from './drug.ts';
import { employerRows } from './employer.ts';
import { encounterRows } from './encounter.ts';
import { immunizationRows } from './immunization.ts';
import { insuranceRows } from './insurance.ts';
import { dentalIssueRows, medicalProblemRows } from './medical-problem.ts';
import { medicationRows } from './medication.ts';
import { messageRows } from './message.ts';
import { officeRows } from './office.ts';
import { facilityRows, insuranceCompanyRows } from './organizations.ts';
import { patientRows } from './patient.ts';
import { practitionerRows, userRows } from './people.ts';
import { portalRows } from './portal.ts';
import { prescriptionRows } from './prescription.ts';
import { problemReply } from './problems.ts';
import { procedureRows } from './procedure.ts';
import { type ApiSettings, routeOf, type StandardRow } from './row.ts';
import { soapNoteRows } from './soap-note.ts';
import { surgeryRows } from './surgery.ts';
import { transactionRows } from './transaction.ts';
import { vitalRows } from './vital.ts';

/** Rows of the Standard API, below `/apis/:site/api`, but for those that hang on how the server is set. */
const recordRows: readonly StandardRow[] = [
	...patientRows,
	...employerRows,
	...insuranceRows,
	...facilityRows,
	...practitionerRows,
	...userRows,
	...insuranceCompanyRows,
	...officeRows,
	...encounterRows,
	...vitalRows,
	...medicalProblemRows,
	...allergyRows,
	...medicationRows,
	...surgeryRows,
	...dentalIssueRows,
	...prescriptionRows,
	...soapNoteRows,
	...procedureRows,
	...immunizationRows,
	...drugRows,
	...appointmentRows,
	...messageRows,
	...transactionRows,
];

/** Rows of the Standard API, below `/apis/:site/api`. */
export const standardRows: readonly StandardRow[] = [...recordRows, ...documentRows(usualDocumentRules), ...backgroundServiceRows([])];

export type StandardSettings = ApiSettings & {
	/** What the server does by itself. */
	readonly services?: readonly Service[];
	/** What may be filed. */
	readonly documents?: DocumentRules;
};

/** The routes of the Standard and the Portal API. */
export function standardRoutes({ services = [], documents = usualDocumentRules, ...settings }: StandardSettings): Route<FhirCtx>[] {
	return [
		...[...recordRows, ...documentRows(documents), ...backgroundServiceRows(services)].map((row) => routeOf(row, 'api', settings)),
		...portalRows.map((row) => routeOf(row, 'portal', settings)),
	];
}

/** What went wrong on a path of these APIs that no row owns. */
export function standardProblem(error: unknown): Reply {
	return problemReply(error, 'E', false);
}
