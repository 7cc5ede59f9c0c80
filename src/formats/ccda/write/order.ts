// The order of children that CDA's schema asks for (POCD_MT000040 with HL7's SDTC extensions, https://hl7.org/cda/stds/core/), by the element
// that holds them. Elements whose children have no fixed order, such as `name`, are not here.

const infrastructure = 'realmCode typeId templateId';
const participations = 'subject specimen performer author informant participant entryRelationship reference precondition';

const tables: Readonly<Record<string, string>> = {
	ClinicalDocument: `${infrastructure} id code title sdtc:statusCode effectiveTime confidentialityCode languageCode setId versionNumber copyTime recordTarget author dataEnterer informant custodian informationRecipient legalAuthenticator authenticator participant inFulfillmentOf documentationOf relatedDocument authorization componentOf component`,
	section: `${infrastructure} id code title text confidentialityCode languageCode subject author informant entry component`,
	act: `${infrastructure} id code text statusCode effectiveTime priorityCode languageCode ${participations}`,
	encounter: `${infrastructure} id code text statusCode effectiveTime sdtc:dischargeDispositionCode priorityCode ${participations}`,
	observation: `${infrastructure} id code derivationExpr text statusCode effectiveTime priorityCode repeatNumber languageCode value interpretationCode methodCode targetSiteCode ${participations} referenceRange`,
	organizer: `${infrastructure} id code sdtc:text statusCode effectiveTime subject specimen performer author informant participant reference precondition component`,
	procedure: `${infrastructure} id code text statusCode effectiveTime priorityCode languageCode methodCode approachSiteCode targetSiteCode ${participations}`,
	substanceAdministration: `${infrastructure} id code text statusCode effectiveTime priorityCode repeatNumber routeCode approachSiteCode doseQuantity rateQuantity maxDoseQuantity administrationUnitCode subject specimen consumable performer author informant participant entryRelationship reference precondition`,
	supply: `${infrastructure} id code text statusCode effectiveTime priorityCode repeatNumber independentInd quantity expectedUseTime subject specimen product performer author informant participant entryRelationship reference precondition`,
	entryRelationship: 'sequenceNumber seperatableInd act encounter observation organizer procedure substanceAdministration supply',
	component:
		'sequenceNumber seperatableInd structuredBody section act encounter observation organizer procedure substanceAdministration supply',
	author: 'templateId functionCode time assignedAuthor',
	assignedAuthor: 'id code addr telecom assignedPerson assignedAuthoringDevice representedOrganization',
	performer: 'templateId sdtc:functionCode functionCode time modeCode assignedEntity',
	assignedEntity: 'id code addr telecom assignedPerson representedOrganization sdtc:patient',
	participant: 'templateId sdtc:functionCode functionCode time awarenessCode associatedEntity participantRole',
	participantRole: 'templateId id code addr telecom playingDevice playingEntity scopingEntity',
	associatedEntity: 'id code addr telecom associatedPerson scopingOrganization',
	playingEntity: 'code quantity name sdtc:birthTime desc',
	playingDevice: 'code manufacturerModelName softwareName',
	scopingEntity: 'id code desc',
	patientRole: 'id addr telecom patient providerOrganization',
	patient:
		'id name sdtc:desc administrativeGenderCode birthTime sdtc:deceasedInd sdtc:deceasedTime sdtc:multipleBirthInd sdtc:multipleBirthOrderNumber maritalStatusCode religiousAffiliationCode raceCode sdtc:raceCode ethnicGroupCode sdtc:ethnicGroupCode guardian birthplace languageCommunication',
	guardian: 'id code addr telecom guardianPerson',
	languageCommunication: 'languageCode modeCode proficiencyLevelCode preferenceInd',
	legalAuthenticator: 'time signatureCode assignedEntity',
	intendedRecipient: 'id addr telecom informationRecipient receivedOrganization',
	serviceEvent: 'templateId id code effectiveTime performer',
	encompassingEncounter: 'id code effectiveTime dischargeDispositionCode responsibleParty encounterParticipant location',
	healthCareFacility: 'id code location serviceProviderOrganization',
	manufacturedProduct: 'templateId id manufacturedLabeledDrug manufacturedMaterial manufacturerOrganization',
	manufacturedMaterial: 'code name lotNumberText',
	observationRange: 'code text value interpretationCode',
	subject: 'templateId awarenessCode relatedSubject sdtc:id name administrativeGenderCode birthTime sdtc:deceasedInd sdtc:deceasedTime',
	relatedSubject: 'code addr telecom subject',
	criterion: 'templateId code text value',
	externalDocument: 'id code text setId versionNumber',
	place: 'name addr',
	...Object.fromEntries(
		[
			'representedOrganization',
			'providerOrganization',
			'scopingOrganization',
			'receivedOrganization',
			'manufacturerOrganization',
			'serviceProviderOrganization',
			'representedCustodianOrganization',
		].map((name) => [name, 'id name telecom addr standardIndustryClassCode asOrganizationPartOf']),
	),
	// Data types: coded values and intervals.
	...Object.fromEntries(
		['code', 'value', 'routeCode', 'raceCode'].map((name) => [
			name,
			'originalText qualifier translation low center width high numerator denominator',
		]),
	),
	effectiveTime: 'low center width high phase period event offset',
};

const orders: ReadonlyMap<string, ReadonlyMap<string, number>> = new Map(
	Object.entries(tables).map(([name, words]) => [name, new Map(words.split(' ').map((child, place) => [child, place]))]),
);

/** Place of a child within its parent; undefined where the parent's children have no fixed order. Throws for a child that CDA does not have there. */
export function placeOf(parent: string, child: string): number | undefined {
	const order = orders.get(parent);
	if (order === undefined) return undefined;
	const place = order.get(child);
	if (place === undefined) throw new Error(`CDA has no ${child} in ${parent}.`);
	return place;
}
