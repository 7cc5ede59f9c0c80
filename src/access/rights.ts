// The rights a role may give, by section and item, and which FHIR resources each of them is about.
import type { Interaction } from './ctx.ts';

/** view < add < change < write; `deny` takes the right away whatever other roles give. */
export type Level = 'view' | 'add' | 'change' | 'write';

export type RightLevel = Level | 'deny';

/** From right, e.g. "patients.demo", to level. */
export type Rights = Readonly<Record<string, RightLevel>>;

/** What a level allows: to look, to enter, to alter, to remove. */
export const interactionsAt: Readonly<Record<Level, readonly Interaction[]>> = {
	view: ['read', 'search'],
	add: ['read', 'search', 'create'],
	change: ['read', 'search', 'create', 'update'],
	write: ['read', 'search', 'create', 'update', 'delete'],
};

export type Right = {
	/** FHIR types it reaches; rights without any are asked for by name (see `levelOf`). */
	readonly types: readonly string[];
	/** For a right about one's own work only: by which search parameter a resource names whose it is. Others' can be seen, not altered. */
	readonly own?: Readonly<Record<string, string>>;
	/** Of these types only what a search finds, e.g. where a patient has worked among all observations. */
	readonly part?: Readonly<Record<string, string>>;
	/** Removing needs another right. */
	readonly keeps?: true;
};

const of = (...types: string[]): Right => ({ types });
const byName: Right = { types: [] };

const noteTypes = ['Encounter', 'Composition', 'ClinicalImpression', 'QuestionnaireResponse', 'Observation', 'List'];
const ownNotes = {
	Encounter: 'participant',
	Composition: 'author',
	ClinicalImpression: 'assessor',
	QuestionnaireResponse: 'author',
	Observation: 'performer',
	List: 'source',
};
const ownEncounters = { Encounter: 'participant' };

/** Every right there is. Sections and items are those OpenEMR's users know; `audit` and `emergency` are ours. */
export const rights: Readonly<Record<string, Right>> = {
	'acct.bill': of(
		'Account',
		'ChargeItem',
		'Claim',
		'ClaimResponse',
		'Contract',
		'CoverageEligibilityRequest',
		'CoverageEligibilityResponse',
		'EnrollmentRequest',
		'EnrollmentResponse',
		'Invoice',
		'Coverage',
	),
	'acct.disc': byName,
	'acct.eob': of('ExplanationOfBenefit', 'PaymentNotice', 'PaymentReconciliation'),
	'acct.rep': byName,
	'acct.rep_a': of('MeasureReport'),
	'admin.super': byName,
	'admin.calendar': of('Schedule', 'Slot'),
	'admin.database': of('Basic', 'MessageHeader', 'Subscription', 'VerificationResult'),
	'admin.forms': of('Questionnaire', 'StructureMap'),
	'admin.practice': of('Organization', 'OrganizationAffiliation', 'Location', 'HealthcareService', 'InsurancePlan', 'Endpoint'),
	'admin.superbill': of('ChargeItemDefinition', 'CodeSystem', 'ConceptMap', 'ValueSet'),
	'admin.users': of('Practitioner', 'PractitionerRole', 'Person'),
	'admin.batchcom': of('CommunicationRequest'),
	'admin.language': byName,
	'admin.drugs': of('Medication', 'MedicationKnowledge', 'Substance'),
	'admin.acl': byName,
	'admin.menu': byName,
	'admin.manage_modules': byName,
	'encounters.auth': { types: ['Encounter'], own: ownEncounters },
	'encounters.auth_a': of('Encounter'),
	'encounters.coding': { types: ['Encounter'], own: ownEncounters },
	'encounters.coding_a': of('Encounter'),
	'encounters.notes': { types: noteTypes, own: ownNotes },
	'encounters.notes_a': of(...noteTypes),
	'encounters.date_a': of('Encounter'),
	'encounters.relaxed': of('Composition', 'QuestionnaireResponse'),
	'patients.appt': of('Appointment', 'AppointmentResponse', 'Schedule', 'Slot'),
	'patients.demo': {
		types: ['Patient', 'RelatedPerson', 'Coverage', 'Group', 'Linkage'],
		part: { Observation: 'code=http://loinc.org|11341-5' },
	},
	'patients.med': of(
		'AdverseEvent',
		'AllergyIntolerance',
		'BodyStructure',
		'CarePlan',
		'CareTeam',
		'Condition',
		'Device',
		'DeviceRequest',
		'DeviceUseStatement',
		'EpisodeOfCare',
		'FamilyMemberHistory',
		'Goal',
		'Immunization',
		'ImmunizationEvaluation',
		'ImmunizationRecommendation',
		'MedicationStatement',
		'NutritionOrder',
		'Procedure',
		'RiskAssessment',
		'VisionPrescription',
	),
	'patients.trans': of('RequestGroup', 'ServiceRequest'),
	'patients.docs': { types: ['Binary', 'DocumentManifest', 'DocumentReference', 'Media'], keeps: true },
	'patients.docs_rm': of('Binary', 'DocumentManifest', 'DocumentReference', 'Media'),
	'patients.notes': of('Communication', 'CommunicationRequest'),
	'patients.sign': of('Provenance'),
	'patients.reminder': of('Task'),
	'patients.alert': of('DetectedIssue', 'Flag'),
	'patients.disclosure': of('Consent'),
	'patients.rx': of('MedicationAdministration', 'MedicationDispense', 'MedicationRequest'),
	'patients.amendment': of('Task'),
	'patients.lab': of(
		'BiologicallyDerivedProduct',
		'DiagnosticReport',
		'ImagingStudy',
		'MolecularSequence',
		'Observation',
		'ServiceRequest',
		'Specimen',
	),
	'patients.pat_rep': of('MeasureReport'),
	'sensitivities.normal': byName,
	'sensitivities.high': byName,
	'lists.default': of('CodeSystem', 'ValueSet'),
	'lists.state': byName,
	'lists.country': byName,
	'lists.language': byName,
	'lists.ethrace': byName,
	'inventory.lots': byName,
	'inventory.sales': byName,
	'inventory.purchases': of('SupplyRequest'),
	'inventory.transfers': of('SupplyDelivery'),
	'inventory.adjustments': byName,
	'inventory.consumption': byName,
	'inventory.destruction': byName,
	'inventory.reporting': byName,
	'groups.gadd': of('Group'),
	'groups.gcalendar': byName,
	'groups.glog': byName,
	'groups.gdlog': byName,
	'groups.gm': byName,
	'patientportal.portal': of('Communication'),
	'menus.modle': byName,
	'nationnotes.nn_configure': byName,
	'audit.log': of('AuditEvent'),
	'emergency.access': byName,
};

/** What everybody who works here may look up: who and where, and what things are called. */
export const commonTypes: readonly string[] = [
	'ActivityDefinition',
	'CapabilityStatement',
	'CatalogEntry',
	'ChargeItemDefinition',
	'CodeSystem',
	'CompartmentDefinition',
	'ConceptMap',
	'DeviceDefinition',
	'DeviceMetric',
	'EffectEvidenceSynthesis',
	'Endpoint',
	'EventDefinition',
	'Evidence',
	'EvidenceVariable',
	'ExampleScenario',
	'GraphDefinition',
	'GuidanceResponse',
	'HealthcareService',
	'ImplementationGuide',
	'InsurancePlan',
	'Library',
	'Location',
	'Measure',
	'Medication',
	'MedicationKnowledge',
	'MedicinalProduct',
	'MedicinalProductAuthorization',
	'MedicinalProductContraindication',
	'MedicinalProductIndication',
	'MedicinalProductIngredient',
	'MedicinalProductInteraction',
	'MedicinalProductManufactured',
	'MedicinalProductPackaged',
	'MedicinalProductPharmaceutical',
	'MedicinalProductUndesirableEffect',
	'MessageDefinition',
	'NamingSystem',
	'ObservationDefinition',
	'OperationDefinition',
	'Organization',
	'OrganizationAffiliation',
	'PlanDefinition',
	'Practitioner',
	'PractitionerRole',
	'Questionnaire',
	'ResearchDefinition',
	'ResearchElementDefinition',
	'ResearchStudy',
	'RiskEvidenceSynthesis',
	'SearchParameter',
	'SpecimenDefinition',
	'StructureDefinition',
	'StructureMap',
	'Substance',
	'SubstanceNucleicAcid',
	'SubstancePolymer',
	'SubstanceProtein',
	'SubstanceReferenceInformation',
	'SubstanceSourceMaterial',
	'SubstanceSpecification',
	'TerminologyCapabilities',
	'TestReport',
	'TestScript',
	'ValueSet',
];

/** What tells of a patient's health: of these, what is marked as restricted is for those with `sensitivities.high` only. */
export const clinicalTypes: ReadonlySet<string> = new Set(
	['encounters.notes', 'patients.med', 'patients.docs', 'patients.rx', 'patients.lab', 'patients.notes', 'patients.trans', 'patients.alert']
		.flatMap((name) => rights[name]?.types ?? [])
		.filter((type) => type !== 'Binary'),
);

const byEncounterParam =
	'CarePlan CareTeam Claim ClinicalImpression Communication CommunicationRequest Composition Condition DeviceRequest DiagnosticReport DocumentReference ExplanationOfBenefit Flag ImagingStudy List Media MedicationRequest NutritionOrder Observation Procedure QuestionnaireResponse RequestGroup RiskAssessment ServiceRequest Task VisionPrescription';
const byContextParam = 'ChargeItem MedicationAdministration MedicationDispense MedicationStatement';

/** The search parameter by which a resource of a type names the encounter that it hangs on. */
export const encounterParams: ReadonlyMap<string, string> = new Map([
	...byEncounterParam.split(' ').map((type) => [type, 'encounter'] as const),
	...byContextParam.split(' ').map((type) => [type, 'context'] as const),
]);

export type PlaceParams = {
	/** The search parameter that names an Organization, and the one that names a Location. */
	readonly organization: string;
	readonly location?: string;
	/** What names no place is nowhere, so nobody who is kept to some places sees it; else it is everywhere. */
	readonly always?: true;
};

const atLocation: PlaceParams = { organization: 'location:Location.organization', location: 'location' };
const atFacility: PlaceParams = { organization: 'facility:Location.organization', location: 'facility' };

/** How resources of a type name the place where they belong. */
export const placeParams: Readonly<Record<string, PlaceParams>> = {
	Encounter: { organization: 'service-provider', location: 'location', always: true },
	Appointment: { ...atLocation, always: true },
	AppointmentResponse: { organization: 'appointment.location:Location.organization', location: 'appointment.location', always: true },
	Schedule: { organization: 'actor:Location.organization', location: 'actor', always: true },
	Slot: { organization: 'schedule.actor:Location.organization', location: 'schedule.actor', always: true },
	AdverseEvent: atLocation,
	ChargeItem: { organization: 'performing-organization' },
	Claim: atFacility,
	CoverageEligibilityRequest: atFacility,
	Device: { organization: 'organization', location: 'location' },
	EpisodeOfCare: { organization: 'organization' },
	ExplanationOfBenefit: atFacility,
	Immunization: atLocation,
	Procedure: atLocation,
};

/** What patients see of their own compartment, and what they may enter there. */
export const patientTypes: readonly string[] = [
	...new Set([
		...clinicalTypes,
		'Appointment',
		'AppointmentResponse',
		// What their documents point at: those whose security context is the patient.
		'Binary',
		'Consent',
		'Coverage',
		'ExplanationOfBenefit',
		'Claim',
		'ClaimResponse',
		'Invoice',
		'Account',
		'ChargeItem',
		'Patient',
		'Provenance',
		'RelatedPerson',
		'Task',
		'MeasureReport',
	]),
];
export const patientEnters: readonly string[] = [
	'Appointment',
	'AppointmentResponse',
	'Communication',
	'Consent',
	'DocumentReference',
	'QuestionnaireResponse',
];

/** Results: seen by the patient when they are final and nobody holds them back. */
export const resultTypes: ReadonlySet<string> = new Set(['DiagnosticReport', 'Observation']);
