// FHIR's data types and resources as far as documents look at them (https://hl7.org/fhir/R4/). What is stored was validated, but anything may be absent.
import type { Coding, Period } from '#formats/ccda/values.ts';
import type { Concept, Contact, Measure, Name, Place } from '#formats/ccda/write/values.ts';

export type { Coding, Concept, Contact, Measure, Name, Period, Place };

export type Identifier = { readonly use?: string; readonly type?: Concept; readonly system?: string; readonly value?: string };
export type Reference = {
	readonly reference?: string;
	readonly type?: string;
	readonly display?: string;
	readonly identifier?: Identifier;
};
export type Note = { readonly text?: string; readonly time?: string; readonly authorString?: string; readonly authorReference?: Reference };
export type Extension = {
	readonly url?: string;
	readonly valueString?: string;
	readonly valueCode?: string;
	readonly valueBoolean?: boolean;
	readonly valueDateTime?: string;
	readonly valueDate?: string;
	readonly valueCoding?: Coding;
	readonly valueCodeableConcept?: Concept;
	readonly valueReference?: Reference;
	readonly extension?: readonly Extension[];
};
export type Ratio = { readonly numerator?: Measure; readonly denominator?: Measure };
export type Range = { readonly low?: Measure; readonly high?: Measure };

/** What every resource may have. */
export type Entity = {
	readonly resourceType: string;
	readonly id?: string;
	readonly meta?: { readonly lastUpdated?: string; readonly versionId?: string; readonly tag?: readonly Coding[] };
	readonly identifier?: readonly Identifier[];
	readonly contained?: readonly Entity[];
	readonly extension?: readonly Extension[];
	readonly modifierExtension?: readonly Extension[];
};

export type Patient = Entity & {
	readonly name?: readonly Name[];
	readonly telecom?: readonly Contact[];
	readonly gender?: string;
	readonly birthDate?: string;
	readonly deceasedBoolean?: boolean;
	readonly deceasedDateTime?: string;
	readonly address?: readonly Place[];
	readonly maritalStatus?: Concept;
	readonly multipleBirthBoolean?: boolean;
	readonly multipleBirthInteger?: number;
	readonly contact?: readonly {
		readonly relationship?: readonly Concept[];
		readonly name?: Name;
		readonly telecom?: readonly Contact[];
		readonly address?: Place;
	}[];
	readonly communication?: readonly { readonly language?: Concept; readonly preferred?: boolean }[];
	readonly generalPractitioner?: readonly Reference[];
	readonly managingOrganization?: Reference;
};

/** Practitioner, Organization, Location, RelatedPerson, Device: whoever has a part in something. */
export type Party = Entity & {
	readonly name?: string | readonly Name[];
	readonly telecom?: readonly Contact[];
	readonly address?: Place | readonly Place[];
	readonly qualification?: readonly { readonly code?: Concept }[];
	readonly type?: Concept | readonly Concept[];
	readonly relationship?: readonly Concept[];
};

export type PractitionerRole = Entity & {
	readonly active?: boolean;
	readonly practitioner?: Reference;
	readonly organization?: Reference;
	readonly code?: readonly Concept[];
	readonly specialty?: readonly Concept[];
	readonly telecom?: readonly Contact[];
};

export type Timed = {
	readonly effectiveDateTime?: string;
	readonly effectivePeriod?: Period;
	readonly effectiveInstant?: string;
	readonly performedDateTime?: string;
	readonly performedPeriod?: Period;
	readonly occurrenceDateTime?: string;
	readonly occurrencePeriod?: Period;
	readonly onsetDateTime?: string;
	readonly onsetPeriod?: Period;
	readonly abatementDateTime?: string;
	readonly abatementPeriod?: Period;
};

export type Allergy = Entity &
	Timed & {
		readonly clinicalStatus?: Concept;
		readonly verificationStatus?: Concept;
		readonly type?: string;
		readonly category?: readonly string[];
		readonly criticality?: string;
		readonly code?: Concept;
		readonly recordedDate?: string;
		readonly recorder?: Reference;
		readonly note?: readonly Note[];
		readonly reaction?: readonly {
			readonly extension?: readonly Extension[];
			readonly substance?: Concept;
			readonly manifestation?: readonly Concept[];
			readonly severity?: string;
			readonly onset?: string;
		}[];
	};

export type Condition = Entity &
	Timed & {
		readonly clinicalStatus?: Concept;
		readonly verificationStatus?: Concept;
		readonly category?: readonly Concept[];
		readonly severity?: Concept;
		readonly code?: Concept;
		readonly bodySite?: readonly Concept[];
		readonly encounter?: Reference;
		readonly recordedDate?: string;
		readonly recorder?: Reference;
		readonly asserter?: Reference;
		readonly abatementString?: string;
		readonly note?: readonly Note[];
	};

export type Timing = {
	readonly repeat?: {
		readonly boundsPeriod?: Period;
		readonly frequency?: number;
		readonly period?: number;
		readonly periodMax?: number;
		readonly periodUnit?: string;
		readonly when?: readonly string[];
	};
	readonly code?: Concept;
};

export type Dosage = {
	readonly text?: string;
	readonly patientInstruction?: string;
	readonly timing?: Timing;
	readonly asNeededBoolean?: boolean;
	readonly asNeededCodeableConcept?: Concept;
	readonly route?: Concept;
	readonly site?: Concept;
	readonly doseAndRate?: readonly { readonly doseQuantity?: Measure; readonly doseRange?: Range; readonly rateQuantity?: Measure }[];
	readonly maxDosePerPeriod?: Ratio;
	/** Of a MedicationAdministration. */
	readonly dose?: Measure;
	readonly rateQuantity?: Measure;
};

/** MedicationRequest, MedicationStatement, MedicationAdministration, MedicationDispense. */
export type MedicationUse = Entity &
	Timed & {
		readonly status?: string;
		readonly intent?: string;
		readonly category?: readonly Concept[];
		readonly medicationCodeableConcept?: Concept;
		readonly medicationReference?: Reference;
		readonly encounter?: Reference;
		readonly context?: Reference;
		readonly authoredOn?: string;
		readonly dateAsserted?: string;
		readonly whenHandedOver?: string;
		readonly whenPrepared?: string;
		readonly quantity?: Measure;
		readonly requester?: Reference;
		readonly informationSource?: Reference;
		readonly reportedBoolean?: boolean;
		readonly reasonCode?: readonly Concept[];
		readonly reasonReference?: readonly Reference[];
		readonly dosageInstruction?: readonly Dosage[];
		readonly dosage?: readonly Dosage[] | Dosage;
		readonly authorizingPrescription?: readonly Reference[];
		/** Of a request the one who is to give it, of an administration those who did. */
		readonly performer?: Reference | readonly { readonly actor?: Reference }[];
		readonly dispenseRequest?: { readonly quantity?: Measure; readonly numberOfRepeatsAllowed?: number; readonly validityPeriod?: Period };
		readonly note?: readonly Note[];
	};

export type Observation = Entity &
	Timed & {
		readonly status?: string;
		readonly category?: readonly Concept[];
		readonly code?: Concept;
		readonly encounter?: Reference;
		readonly performer?: readonly Reference[];
		readonly issued?: string;
		readonly valueQuantity?: Measure;
		readonly valueCodeableConcept?: Concept;
		readonly valueString?: string;
		readonly valueBoolean?: boolean;
		readonly valueInteger?: number;
		readonly valueDateTime?: string;
		readonly valueTime?: string;
		readonly valuePeriod?: Period;
		readonly valueRange?: Range;
		readonly valueRatio?: Ratio;
		readonly dataAbsentReason?: Concept;
		readonly interpretation?: readonly Concept[];
		readonly bodySite?: Concept;
		readonly method?: Concept;
		readonly specimen?: Reference;
		readonly referenceRange?: readonly {
			readonly low?: Measure;
			readonly high?: Measure;
			readonly text?: string;
			readonly appliesTo?: readonly Concept[];
		}[];
		readonly component?: readonly ObservationPart[];
		readonly hasMember?: readonly Reference[];
		readonly note?: readonly Note[];
	};

/** What an observation and a component of one have in common. */
export type ObservationPart = Pick<
	Observation,
	| 'code'
	| 'valueQuantity'
	| 'valueCodeableConcept'
	| 'valueString'
	| 'valueBoolean'
	| 'valueInteger'
	| 'valueDateTime'
	| 'valueTime'
	| 'valuePeriod'
	| 'valueRange'
	| 'valueRatio'
	| 'dataAbsentReason'
	| 'interpretation'
	| 'referenceRange'
>;

export type Report = Entity &
	Timed & {
		readonly status?: string;
		readonly category?: readonly Concept[];
		readonly code?: Concept;
		readonly encounter?: Reference;
		readonly issued?: string;
		readonly performer?: readonly Reference[];
		readonly specimen?: readonly Reference[];
		readonly result?: readonly Reference[];
		readonly conclusion?: string;
		readonly presentedForm?: readonly Attachment[];
	};

export type Attachment = {
	readonly contentType?: string;
	readonly data?: string;
	readonly url?: string;
	readonly title?: string;
	readonly creation?: string;
};

export type Procedure = Entity &
	Timed & {
		readonly recorder?: Reference;
		readonly status?: string;
		readonly category?: Concept;
		readonly code?: Concept;
		readonly encounter?: Reference;
		readonly performer?: readonly { readonly actor?: Reference; readonly function?: Concept }[];
		readonly location?: Reference;
		readonly bodySite?: readonly Concept[];
		readonly reasonCode?: readonly Concept[];
		readonly reasonReference?: readonly Reference[];
		readonly focalDevice?: readonly { readonly manipulated?: Reference }[];
		readonly note?: readonly Note[];
	};

export type Immunization = Entity &
	Timed & {
		readonly recorded?: string;
		readonly status?: string;
		readonly statusReason?: Concept;
		readonly vaccineCode?: Concept;
		readonly occurrenceString?: string;
		readonly lotNumber?: string;
		readonly manufacturer?: Reference;
		readonly route?: Concept;
		readonly site?: Concept;
		readonly doseQuantity?: Measure;
		readonly performer?: readonly { readonly actor?: Reference; readonly function?: Concept }[];
		readonly protocolApplied?: readonly { readonly doseNumberPositiveInt?: number; readonly doseNumberString?: string }[];
		readonly reaction?: readonly { readonly date?: string; readonly detail?: Reference }[];
		readonly note?: readonly Note[];
	};

export type Encounter = Entity & {
	readonly status?: string;
	readonly class?: Coding;
	readonly type?: readonly Concept[];
	readonly period?: Period;
	readonly participant?: readonly { readonly individual?: Reference; readonly type?: readonly Concept[] }[];
	readonly reasonCode?: readonly Concept[];
	readonly reasonReference?: readonly Reference[];
	readonly diagnosis?: readonly { readonly condition?: Reference; readonly use?: Concept }[];
	readonly location?: readonly { readonly location?: Reference }[];
	readonly serviceProvider?: Reference;
	readonly hospitalization?: { readonly dischargeDisposition?: Concept; readonly admitSource?: Concept };
};

export type CarePlan = Entity & {
	readonly status?: string;
	readonly intent?: string;
	readonly title?: string;
	readonly description?: string;
	readonly category?: readonly Concept[];
	readonly period?: Period;
	readonly created?: string;
	readonly author?: Reference;
	readonly addresses?: readonly Reference[];
	readonly goal?: readonly Reference[];
	readonly activity?: readonly {
		readonly reference?: Reference;
		readonly detail?: {
			readonly kind?: string;
			readonly code?: Concept;
			readonly status?: string;
			readonly description?: string;
			readonly scheduledPeriod?: Period;
			readonly scheduledString?: string;
		};
	}[];
	readonly note?: readonly Note[];
	readonly text?: { readonly status?: string; readonly div?: string };
};

export type Goal = Entity & {
	readonly lifecycleStatus?: string;
	readonly achievementStatus?: Concept;
	readonly priority?: Concept;
	readonly description?: Concept;
	readonly startDate?: string;
	readonly statusDate?: string;
	readonly expressedBy?: Reference;
	readonly addresses?: readonly Reference[];
	readonly target?: readonly {
		readonly measure?: Concept;
		readonly detailQuantity?: Measure;
		readonly detailRange?: Range;
		readonly detailCodeableConcept?: Concept;
		readonly detailString?: string;
		readonly dueDate?: string;
	}[];
	readonly note?: readonly Note[];
};

export type CareTeam = Entity & {
	readonly status?: string;
	readonly name?: string;
	readonly category?: readonly Concept[];
	readonly period?: Period;
	readonly participant?: readonly {
		readonly role?: readonly Concept[];
		readonly member?: Reference;
		readonly onBehalfOf?: Reference;
		readonly period?: Period;
	}[];
};

export type ServiceRequest = Entity &
	Timed & {
		readonly status?: string;
		readonly intent?: string;
		readonly category?: readonly Concept[];
		readonly code?: Concept;
		readonly authoredOn?: string;
		readonly requester?: Reference;
		readonly performer?: readonly Reference[];
		readonly performerType?: Concept;
		readonly bodySite?: readonly Concept[];
		readonly reasonCode?: readonly Concept[];
		readonly reasonReference?: readonly Reference[];
		readonly note?: readonly Note[];
		readonly encounter?: Reference;
	};

export type DeviceRequest = Entity &
	Timed & {
		readonly status?: string;
		readonly intent?: string;
		readonly codeCodeableConcept?: Concept;
		readonly codeReference?: Reference;
		readonly authoredOn?: string;
		readonly requester?: Reference;
		readonly reasonCode?: readonly Concept[];
		readonly reasonReference?: readonly Reference[];
		readonly note?: readonly Note[];
	};

export type Appointment = Entity & {
	readonly status?: string;
	readonly serviceType?: readonly Concept[];
	readonly appointmentType?: Concept;
	readonly description?: string;
	readonly start?: string;
	readonly end?: string;
	readonly participant?: readonly { readonly actor?: Reference }[];
};

export type Device = Entity & {
	readonly status?: string;
	readonly udiCarrier?: readonly { readonly deviceIdentifier?: string; readonly carrierHRF?: string }[];
	readonly distinctIdentifier?: string;
	readonly lotNumber?: string;
	readonly serialNumber?: string;
	readonly manufacturer?: string;
	readonly manufactureDate?: string;
	readonly expirationDate?: string;
	readonly modelNumber?: string;
	readonly type?: Concept;
	readonly deviceName?: readonly { readonly name?: string }[];
};

export type Coverage = Entity & {
	readonly status?: string;
	readonly type?: Concept;
	readonly policyHolder?: Reference;
	readonly subscriber?: Reference;
	readonly subscriberId?: string;
	readonly relationship?: Concept;
	readonly period?: Period;
	readonly payor?: readonly Reference[];
	readonly class?: readonly { readonly type?: Concept; readonly value?: string; readonly name?: string }[];
};

export type FamilyHistory = Entity & {
	readonly status?: string;
	readonly name?: string;
	readonly relationship?: Concept;
	readonly sex?: Concept;
	readonly bornDate?: string;
	readonly deceasedBoolean?: boolean;
	readonly deceasedAge?: Measure;
	readonly date?: string;
	readonly condition?: readonly {
		readonly extension?: readonly Extension[];
		readonly code?: Concept;
		readonly outcome?: Concept;
		readonly contributedToDeath?: boolean;
		readonly onsetAge?: Measure;
		readonly onsetString?: string;
	}[];
};

/** Consent in the category of advance directives. */
export type Consent = Entity & {
	readonly status?: string;
	readonly scope?: Concept;
	readonly category?: readonly Concept[];
	readonly dateTime?: string;
	readonly performer?: readonly Reference[];
	readonly organization?: readonly Reference[];
	readonly sourceReference?: Reference;
	readonly provision?: { readonly period?: Period; readonly code?: readonly Concept[] };
};

export type DocumentReference = Entity & {
	readonly status?: string;
	readonly type?: Concept;
	readonly category?: readonly Concept[];
	readonly date?: string;
	readonly description?: string;
	readonly author?: readonly Reference[];
	readonly content?: readonly { readonly attachment?: Attachment }[];
	readonly context?: { readonly encounter?: readonly Reference[]; readonly period?: Period };
};

export type ClinicalImpression = Entity &
	Timed & {
		readonly status?: string;
		readonly date?: string;
		readonly description?: string;
		readonly summary?: string;
		readonly encounter?: Reference;
		readonly assessor?: Reference;
	};

export type Specimen = Entity & {
	readonly type?: Concept;
	readonly accessionIdentifier?: Identifier;
	readonly condition?: readonly Concept[];
	readonly collection?: { readonly bodySite?: Concept };
};
export type Medication = Entity & {
	readonly code?: Concept;
	readonly manufacturer?: Reference;
	readonly batch?: { readonly lotNumber?: string };
};
