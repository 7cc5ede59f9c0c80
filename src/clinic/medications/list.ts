// The medication list: what a patient takes, took and is to take, however it came into the record. Prescriptions and entries of the list are one
// thing, MedicationRequests; MedicationStatements are what a patient reports of himself. The chart and the APIs ask here; documents, which read
// the record at once, are to show the same (standard-api/medication-list.test.ts), with what is only planned in their plan of treatment.
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import type { Pair } from '#fhir/search/escape.ts';
import { type SearchResult, search } from '#fhir/search/search.ts';

/** The types of its entries, searched together. */
export const medicationTypes: readonly string[] = ['MedicationRequest', 'MedicationStatement'];

/** The FHIR criteria of the list: everything but what was entered in error. `now` leaves what is taken, or paused. */
export function medicationCriteria(which: 'all' | 'now' = 'all'): Pair[] {
	return which === 'now' ? [['status', 'active,on-hold']] : [['status:not', 'entered-in-error']];
}

/** Whether a resource is an entry of the list. https://hl7.org/fhir/R4/valueset-medicationrequest-status.html */
export function isMedication({ resourceType, status }: Resource): boolean {
	return medicationTypes.includes(resourceType) && status !== 'entered-in-error';
}

export type MedicationListInput = {
	/** Logical id of the Patient. */
	readonly patient: string;
	readonly which?: 'all' | 'now';
	/** Entries of a page, and the token of the page (`links.next` of the page before has it as `_page`). */
	readonly count?: number;
	readonly page?: string;
};

/** A page of a patient's medication list, as far as the caller may see it. Throws Problem forbidden when he may see none of it. */
export function medicationList(ctx: FhirCtx, { patient, which = 'all', count, page }: MedicationListInput): Promise<SearchResult> {
	const query: Pair[] = [
		['_type', medicationTypes.join(',')],
		['patient', `Patient/${patient}`],
		...medicationCriteria(which),
		['_total', 'none'],
	];
	if (count !== undefined) query.push(['_count', String(count)]);
	if (page !== undefined) query.push(['_page', page]);
	return search(ctx, { type: null, query, handling: 'strict' });
}
