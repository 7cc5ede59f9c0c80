// The statuses of an appointment, by the symbols that people at a front desk know, each with the FHIR status it is an instance of
// (https://hl7.org/fhir/R4/valueset-appointmentstatus.html).
import { codeSystemUrl } from '#clinic/names.ts';

/** What a status means for the visit: still to come, here, being seen, gone, or not to be. */
export type Stage = 'open' | 'check-in' | 'in progress' | 'check-out' | 'closed';

export type Status = {
	readonly symbol: string;
	readonly meaning: string;
	/** Of Appointment. */
	readonly fhir: string;
	readonly stage: Stage;
	/** Minutes after which a waiting patient should be looked after. */
	readonly alertMinutes?: number;
};

export const statusSystem = codeSystemUrl('appointment-status');

/** In the order in which they are offered. The first of a FHIR status stands for it when nothing finer is known. */
export const statuses: readonly Status[] = [
	{ symbol: '-', meaning: 'None', fhir: 'booked', stage: 'open' },
	{ symbol: '*', meaning: 'Reminder done', fhir: 'booked', stage: 'open' },
	{ symbol: '+', meaning: 'Chart pulled', fhir: 'booked', stage: 'open' },
	{ symbol: '^', meaning: 'Pending', fhir: 'proposed', stage: 'open' },
	{ symbol: 'AVM', meaning: 'Confirmed by voice message', fhir: 'booked', stage: 'open' },
	{ symbol: 'SMS', meaning: 'Confirmed by text message', fhir: 'booked', stage: 'open' },
	{ symbol: 'EMAIL', meaning: 'Confirmed by e-mail', fhir: 'booked', stage: 'open' },
	{ symbol: 'CALL', meaning: 'Call-back requested', fhir: 'booked', stage: 'open', alertMinutes: 5 },
	{ symbol: '#', meaning: 'Insurance or financial issue', fhir: 'booked', stage: 'open' },
	{ symbol: '@', meaning: 'Arrived', fhir: 'arrived', stage: 'check-in', alertMinutes: 10 },
	{ symbol: '~', meaning: 'Arrived late', fhir: 'arrived', stage: 'check-in', alertMinutes: 10 },
	{ symbol: '<', meaning: 'In exam room', fhir: 'checked-in', stage: 'in progress', alertMinutes: 10 },
	{ symbol: '>', meaning: 'Checked out', fhir: 'fulfilled', stage: 'check-out' },
	{ symbol: '$', meaning: 'Coding done', fhir: 'fulfilled', stage: 'closed' },
	{ symbol: 'x', meaning: 'Cancelled', fhir: 'cancelled', stage: 'closed' },
	{ symbol: '%', meaning: 'Cancelled less than 24 hours before', fhir: 'cancelled', stage: 'closed' },
	{ symbol: '!', meaning: 'Left without visit', fhir: 'cancelled', stage: 'check-out' },
	{ symbol: '?', meaning: 'No show', fhir: 'noshow', stage: 'closed' },
];

const bySymbol = new Map(statuses.map((status) => [status.symbol, status]));
const byFhir = new Map([...statuses].reverse().map((status) => [status.fhir, status]));

/** The status of a symbol. */
export function statusOf(symbol: string): Status | undefined {
	return bySymbol.get(symbol);
}

/** The status that a FHIR status says when nothing finer is known; pending and wait lists are requests. */
export function statusOfFhir(fhir: unknown): Status | undefined {
	return byFhir.get(fhir === 'pending' || fhir === 'waitlist' ? 'proposed' : String(fhir));
}

/** FHIR statuses of appointments that take up nobody's time. */
export const idleStatuses: readonly string[] = ['cancelled', 'noshow', 'entered-in-error'];
