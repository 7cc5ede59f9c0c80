// Which writes through the FHIR API leave a Provenance: the records of people and of those who care for them.

/** Types of US Core's profiles: the guide asks of each that `_revinclude=Provenance:target` finds who made it (https://hl7.org/fhir/us/core/STU8/basic-provenance.html). */
const usCore = [
	'AllergyIntolerance',
	'CarePlan',
	'CareTeam',
	'Condition',
	'Coverage',
	'Device',
	'DiagnosticReport',
	'DocumentReference',
	'Encounter',
	'Goal',
	'Immunization',
	'Location',
	'Medication',
	'MedicationDispense',
	'MedicationRequest',
	'Observation',
	'Organization',
	'Patient',
	'Practitioner',
	'PractitionerRole',
	'Procedure',
	'QuestionnaireResponse',
	'RelatedPerson',
	'ServiceRequest',
	'Specimen',
];

/** What else a clinician writes into a chart, and what a patient decides: the same question is asked of it. */
const chart = [
	'AdverseEvent',
	'Appointment',
	'AppointmentResponse',
	'BodyStructure',
	'ClinicalImpression',
	'Communication',
	'CommunicationRequest',
	'Composition',
	'Consent',
	'DetectedIssue',
	'DeviceRequest',
	'DeviceUseStatement',
	'DocumentManifest',
	'EpisodeOfCare',
	'FamilyMemberHistory',
	'Flag',
	'ImagingStudy',
	'ImmunizationEvaluation',
	'ImmunizationRecommendation',
	'List',
	'Media',
	'MedicationAdministration',
	'MedicationStatement',
	'MolecularSequence',
	'NutritionOrder',
	'RequestGroup',
	'RiskAssessment',
	'SupplyDelivery',
	'SupplyRequest',
	'VisionPrescription',
];

/**
 * What is left out, and why: Provenance and AuditEvent say such things themselves; Binary is spoken for by the DocumentReference that
 * leads to it; Task, Schedule and Slot are moved by programs many times an hour; Claim, Invoice and what else is money has its journal;
 * definitions, terminology and Subscriptions belong to the installation, whose administrators the audit knows.
 */
export const attested: ReadonlySet<string> = new Set([...usCore, ...chart]);
