// What the authorization server needs of the record. It is implemented over the FHIR store by whoever puts the parts together.

import type { Account } from './accounts/accounts.ts';
import type { RecordFacts } from './scopes/scopes.ts';

export type PatientEntry = {
	readonly id: string;
	readonly name: string;
	readonly birthDate: string | undefined;
	readonly identifier: string | undefined;
};

export type Directory = RecordFacts & {
	/** Patients whom an account may see: those a text finds (name, birth date, number), the last changed ones for an empty text. */
	readonly findPatients: (
		account: Account,
		text: string,
	) => Promise<{ readonly patients: readonly PatientEntry[]; readonly more: boolean }>;
	/** A patient whom an account may see. */
	readonly patient: (account: Account, id: string) => Promise<PatientEntry | undefined>;
	/** Whether an account may see an encounter, and it is one of this patient. */
	readonly isEncounterOf: (account: Account, encounter: string, patient: string) => Promise<boolean>;
};
