// Which parameters of a type get columns of their own: those by which charts are opened and lists are sorted every day.

/** The date by which a type's resources are put in order, most wanted first. */
export const hotDates: Readonly<Record<string, string>> = {
	AllergyIntolerance: 'date',
	Appointment: 'date',
	AuditEvent: 'date',
	Claim: 'created',
	Condition: 'recorded-date',
	Coverage: '',
	DocumentReference: 'date',
	Encounter: 'date',
	ExplanationOfBenefit: 'created',
	MedicationRequest: 'authoredon',
	Patient: 'birthdate',
	Provenance: 'recorded',
	Schedule: 'date',
	ServiceRequest: 'authored',
	Slot: 'start',
	Task: 'modified',
};

export const datesByPreference: readonly string[] = [
	'date',
	'authoredon',
	'authored',
	'authored-on',
	'created',
	'recorded-date',
	'recorded',
	'effective',
	'period',
	'sent',
	'issued',
	'start',
	'collected',
	'birthdate',
	'whenhandedover',
];

/** The code by which a type's resources are looked for across patients. */
export const hotTokens: Readonly<Record<string, string>> = {
	AllergyIntolerance: 'code',
	Appointment: 'status',
	CarePlan: 'category',
	Claim: 'status',
	Condition: 'code',
	DeviceRequest: 'code',
	DiagnosticReport: 'code',
	DocumentReference: 'type',
	Encounter: 'type',
	ExplanationOfBenefit: 'status',
	Immunization: 'vaccine-code',
	Medication: 'code',
	MedicationAdministration: 'code',
	MedicationDispense: 'code',
	MedicationRequest: 'code',
	MedicationStatement: 'code',
	Observation: 'code',
	Procedure: 'code',
	ServiceRequest: 'code',
	Task: 'code',
};

/** The measured value. */
export const hotQuantities: Readonly<Record<string, string>> = { Observation: 'value-quantity' };
