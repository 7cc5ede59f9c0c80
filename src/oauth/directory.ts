// What the authorization server needs of the record. It is implemented over the FHIR store by whoever puts the parts together.

import type { Account } from './accounts/accounts.ts';
import type { RecordFacts } from './scopes/scopes.ts';

export type PatientEntry = {
	readonly id: string;
	readonly name: string;
	readonly birthDate: string | undefined;
	readonly identifier: string | undefined;
};

export type EncounterEntry = {
	readonly id: string;
	/** When it began, as the record has it. */
	readonly start: string | undefined;
	/** What kind of visit it was, in the words of the record. */
	readonly kind: string | undefined;
	/** https://terminology.hl7.org/ValueSet-encounter-class.html */
	readonly class: string | undefined;
	readonly place: string | undefined;
	readonly clinician: string | undefined;
};

export type Encounters = {
	readonly encounters: readonly EncounterEntry[];
	/** What leads to the pages around this one. */
	readonly newer: string | undefined;
	readonly older: string | undefined;
};

/** How the practice is shown by apps: a Bundle as JSON, and by what its main brand goes in there. */
export type Brands = {
	readonly bundle: string;
	readonly etag: string;
	readonly identifier: { readonly system: string; readonly value: string };
};

export type Directory = RecordFacts & {
	/** Patients whom an account may see: those a text finds (name, birth date, number), the last changed ones for an empty text. */
	readonly findPatients: (
		account: Account,
		text: string,
	) => Promise<{ readonly patients: readonly PatientEntry[]; readonly more: boolean }>;
	/** A patient whom an account may see. */
	readonly patient: (account: Account, id: string) => Promise<PatientEntry | undefined>;
	/** A patient's encounters that an account may see, the newest first: the page that `newer` or `older` of another one leads to, else the first. */
	readonly findEncounters: (account: Account, patient: string, page: string | undefined) => Promise<Encounters>;
	/** An encounter that an account may see, when it is one of this patient. */
	readonly encounter: (account: Account, id: string, patient: string) => Promise<EncounterEntry | undefined>;
	/** The user-access brands of the installation, when it is known which facility is the main one. */
	readonly brands: () => Promise<Brands | undefined>;
};
