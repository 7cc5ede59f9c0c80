// Topics one can subscribe to (https://hl7.org/fhir/uv/subscriptions-backport/ 1.1.0).

export type Topic = {
	readonly url: string;
	readonly title: string;
	/** Types it is about; undefined for all, and then the subscription's filters must name them. */
	readonly types: readonly string[] | undefined;
};

export const topics: readonly Topic[] = [
	{
		// https://hl7.org/fhir/us/core/STU8/patient-data-feed.html
		url: 'http://hl7.org/fhir/us/core/SubscriptionTopic/patient-data-feed',
		title: "A patient's record: anything created or changed",
		types: [
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
			'MedicationDispense',
			'MedicationRequest',
			'Observation',
			'Patient',
			'Procedure',
			'QuestionnaireResponse',
			'RelatedPerson',
			'ServiceRequest',
			'Specimen',
		],
	},
	{
		url: 'https://heron-ehr.org/fhir/SubscriptionTopic/resource-change',
		title: 'Resources of the types that the filters name: created or changed',
		types: undefined,
	},
];
