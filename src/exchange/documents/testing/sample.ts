// A made-up patient whose record has something for every section of a document, with the odd cases: what is missing, refused, uncoded, over.
import { type PatientRecord, recordOf } from '#exchange/documents/record.ts';
import type { Entity, Patient } from '#exchange/documents/shapes.ts';

const loinc = 'http://loinc.org';
const snomed = 'http://snomed.info/sct';
const rxnorm = 'http://www.nlm.nih.gov/research/umls/rxnorm';
const core = 'http://hl7.org/fhir/us/core';
const tho = 'http://terminology.hl7.org/CodeSystem';
const cdc = 'urn:oid:2.16.840.1.113883.6.238';

const subject = { reference: 'Patient/sample' };
const doctor = { reference: 'Practitioner/doctor' };
const coding = (system: string, code: string, display?: string) => ({ system, code, ...(display === undefined ? {} : { display }) });
const concept = (system: string, code: string, display?: string) => ({
	coding: [coding(system, code, display)],
	...(display === undefined ? {} : { text: display }),
});
const clinical = (code: string) => concept(`${tho}/condition-clinical`, code);
const verified = (code: string) => concept(`${tho}/condition-ver-status`, code);
const category = (code: string, system = `${tho}/observation-category`) => [concept(system, code)];
const measure = (value: number, code: string, unit = code) => ({ value, unit, system: 'http://unitsofmeasure.org', code });

type Made = Entity & Record<string, unknown>;
const made = (resourceType: string, id: string, content: Record<string, unknown>): Made => ({ resourceType, id, ...content });

const patient = made('Patient', 'sample', {
	extension: [
		{
			url: `${core}/StructureDefinition/us-core-race`,
			extension: [
				{ url: 'ombCategory', valueCoding: coding(cdc, '2106-3', 'White') },
				{ url: 'ombCategory', valueCoding: coding(cdc, '1002-5', 'American Indian or Alaska Native') },
				{ url: 'text', valueString: 'Mixed' },
			],
		},
		{
			url: `${core}/StructureDefinition/us-core-ethnicity`,
			extension: [
				{ url: 'ombCategory', valueCoding: coding(cdc, '2135-2', 'Hispanic or Latino') },
				{ url: 'detailed', valueCoding: coding(cdc, '2148-5', 'Mexican') },
				{ url: 'text', valueString: 'Mexican' },
			],
		},
		{ url: `${core}/StructureDefinition/us-core-birthsex`, valueCode: 'F' },
		{ url: `${core}/StructureDefinition/us-core-sex`, valueCoding: coding(snomed, '248152002', 'Female (finding)') },
		{
			url: `${core}/StructureDefinition/us-core-genderIdentity`,
			valueCodeableConcept: concept(snomed, '446141000124107', 'Identifies as female gender'),
		},
		{
			url: `${core}/StructureDefinition/us-core-tribal-affiliation`,
			extension: [{ url: 'tribalAffiliation', valueCodeableConcept: concept(`${tho}/v3-TribalEntityUS`, '187', 'Paiute-Shoshone Tribe') }],
		},
	],
	identifier: [
		{ system: 'http://hl7.org/fhir/sid/us-ssn', value: '999-11-2222' },
		{ system: 'urn:oid:1.2.3.4.5', value: 'MRN 17' },
		{ system: 'https://clinic.example/number', value: '17' },
	],
	name: [
		{ use: 'official', family: "O'Neil & Söhne", given: ['Ana', 'María'], prefix: ['Dr.'], suffix: ['Jr.'] },
		{ use: 'maiden', family: 'López', given: ['Ana'], period: { end: '2010-01-01' } },
		{ use: 'nickname', text: 'Annie' },
	],
	telecom: [
		{ system: 'phone', value: '+1 555 010 2030', use: 'mobile' },
		{ system: 'email', value: 'ana@example.org' },
	],
	gender: 'female',
	birthDate: '1984-02-29',
	address: [
		{ use: 'home', line: ['1 Main St', 'Apt 2'], city: 'Boston', state: 'MA', postalCode: '02118', country: 'US' },
		{ use: 'old', text: 'Somewhere else' },
	],
	maritalStatus: concept(`${tho}/v3-MaritalStatus`, 'M', 'Married'),
	multipleBirthInteger: 2,
	contact: [
		{
			relationship: [concept(`${tho}/v2-0131`, 'C', 'Emergency Contact')],
			name: { text: 'Pedro López' },
			telecom: [{ system: 'phone', value: '555-0111' }],
		},
		{
			relationship: [concept(`${tho}/v3-RoleCode`, 'GUARD', 'guardian')],
			name: { family: 'López', given: ['Eva'] },
			address: { line: ['2 Main St'], city: 'Boston' },
		},
	],
	communication: [
		{ language: concept('urn:ietf:bcp:47', 'es-US', 'Spanish'), preferred: true },
		{ language: concept('urn:ietf:bcp:47', 'en') },
	],
	generalPractitioner: [doctor],
	managingOrganization: { reference: 'Organization/clinic' },
});

const around: Made[] = [
	made('Practitioner', 'doctor', {
		identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '1234567893' }],
		name: [{ family: 'Okoye', given: ['Ada'], suffix: ['MD'] }],
		telecom: [{ system: 'phone', value: '555-0100', use: 'work' }],
		address: [{ line: ['9 Clinic Rd'], city: 'Boston', state: 'MA', postalCode: '02118' }],
	}),
	made('PractitionerRole', 'role', {
		practitioner: doctor,
		organization: { reference: 'Organization/clinic' },
		specialty: [concept('http://nucc.org/provider-taxonomy', '207Q00000X', 'Family Medicine')],
	}),
	made('Practitioner', 'unnamed', {}),
	made('Organization', 'clinic', {
		name: 'Lakeside Clinic',
		identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '1993999998' }],
		telecom: [{ system: 'phone', value: '555-0199' }],
		address: [{ line: ['9 Clinic Rd'], city: 'Boston', state: 'MA', postalCode: '02118' }],
	}),
	made('Organization', 'insurer', { name: 'Good Health Insurance', telecom: [{ system: 'phone', value: '800-555-0000' }] }),
	made('Location', 'ward', {
		name: 'Ward 3',
		type: [concept('https://www.cdc.gov/nhsn/cdaportal/terminology/codesystem/hsloc.html', '1060-3', 'Medical Ward')],
		address: { line: ['9 Clinic Rd'], city: 'Boston', state: 'MA', postalCode: '02118' },
	}),
	made('Medication', 'metformin', {
		code: concept(rxnorm, '860975', '24 HR Metformin hydrochloride 500 MG Extended Release Oral Tablet'),
		manufacturer: { reference: 'Organization/clinic' },
		batch: { lotNumber: 'L1' },
	}),
	made('RelatedPerson', 'spouse', {
		patient: subject,
		name: [{ family: "O'Neil", given: ['Sam'] }],
		relationship: [concept(`${tho}/v3-RoleCode`, 'SPS')],
		address: [{ city: 'Boston' }],
	}),
	made('Specimen', 'blood', { subject, type: concept(snomed, '119297000', 'Blood specimen') }),
];

const conditions: Made[] = [
	made('Condition', 'diabetes', {
		subject,
		clinicalStatus: clinical('active'),
		verificationStatus: verified('confirmed'),
		category: [concept(`${tho}/condition-category`, 'problem-list-item')],
		code: {
			coding: [
				coding('http://hl7.org/fhir/sid/icd-10-cm', 'E11.9', 'Type 2 diabetes mellitus without complications'),
				coding(snomed, '44054006', 'Diabetes mellitus type 2'),
			],
			text: 'Type 2 diabetes',
		},
		onsetDateTime: '2019-05-01',
		recordedDate: '2019-05-02T10:00:00-04:00',
		recorder: doctor,
		severity: concept(snomed, '6736007', 'Moderate'),
		note: [{ text: 'Diet first.' }],
	}),
	made('Condition', 'icd-only', {
		subject,
		clinicalStatus: clinical('resolved'),
		code: concept('http://hl7.org/fhir/sid/icd-10-cm', 'J18.9', 'Pneumonia'),
		onsetDateTime: '2020',
		abatementDateTime: '2020-03',
		encounter: { reference: 'Encounter/stay' },
	}),
	made('Condition', 'words', {
		subject,
		clinicalStatus: clinical('remission'),
		verificationStatus: verified('refuted'),
		code: { text: 'A feeling <of> "unease" & more' },
	}),
	made('Condition', 'wrong', { subject, verificationStatus: verified('entered-in-error'), code: { text: 'Somebody else’s problem' } }),
	made('Condition', 'housing', {
		subject,
		clinicalStatus: clinical('active'),
		category: [concept(`${core}/CodeSystem/condition-category`, 'health-concern')],
		code: concept(snomed, '32911000', 'Homeless'),
		recordedDate: '2024-01-01',
	}),
	made('Condition', 'visit-diagnosis', {
		subject,
		clinicalStatus: clinical('active'),
		category: [concept(`${tho}/condition-category`, 'encounter-diagnosis')],
		code: concept(snomed, '195662009', 'Acute viral pharyngitis'),
		encounter: { reference: 'Encounter/office' },
	}),
	made('AllergyIntolerance', 'penicillin', {
		patient: subject,
		clinicalStatus: concept(`${tho}/allergyintolerance-clinical`, 'active'),
		verificationStatus: concept(`${tho}/allergyintolerance-verification`, 'confirmed'),
		type: 'allergy',
		category: ['medication'],
		criticality: 'high',
		code: concept(rxnorm, '7980', 'Penicillin G'),
		onsetDateTime: '2001',
		recordedDate: '2019-05-02',
		recorder: { reference: 'PractitionerRole/role' },
		reaction: [{ manifestation: [concept(snomed, '247472004', 'Hives'), { text: 'Itching' }], severity: 'severe', onset: '2001-06-01' }],
	}),
	made('AllergyIntolerance', 'nuts', {
		patient: subject,
		clinicalStatus: concept(`${tho}/allergyintolerance-clinical`, 'inactive'),
		type: 'intolerance',
		category: ['food'],
		code: { text: 'Nuts' },
	}),
	made('AllergyIntolerance', 'none', {
		patient: subject,
		clinicalStatus: concept(`${tho}/allergyintolerance-clinical`, 'active'),
		code: concept(snomed, '716186003', 'No known allergy'),
	}),
];

const medications: Made[] = [
	made('MedicationRequest', 'metformin', {
		subject,
		status: 'active',
		intent: 'order',
		medicationReference: { reference: 'Medication/metformin' },
		authoredOn: '2024-01-10',
		requester: doctor,
		reasonReference: [{ reference: 'Condition/diabetes' }],
		dosageInstruction: [
			{
				text: 'Take 1 tablet twice daily',
				timing: { repeat: { frequency: 2, period: 1, periodUnit: 'd', boundsPeriod: { start: '2024-01-10' } } },
				route: {
					coding: [
						coding(snomed, '26643006', 'Oral route'),
						coding('http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl', 'C38288', 'Oral'),
					],
				},
				doseAndRate: [{ doseQuantity: { value: 1, unit: 'tablet' } }],
				asNeededCodeableConcept: concept(snomed, '25064002', 'Headache'),
			},
		],
		dispenseRequest: { quantity: measure(60, '{tablet}', 'tablet'), numberOfRepeatsAllowed: 3, validityPeriod: { end: '2025-01-10' } },
	}),
	made('MedicationRequest', 'stopped', {
		subject,
		status: 'stopped',
		intent: 'order',
		medicationCodeableConcept: { text: 'Herbal tea' },
		authoredOn: '2020-01-01',
		reasonCode: [{ text: 'Sleep' }],
	}),
	made('MedicationRequest', 'plan', {
		subject,
		status: 'active',
		intent: 'plan',
		medicationCodeableConcept: concept(rxnorm, '314076', 'lisinopril 10 MG Oral Tablet'),
		requester: doctor,
		authoredOn: '2026-11-01',
		dosageInstruction: [{ text: 'Once a day' }],
	}),
	made('MedicationStatement', 'vitamin', {
		subject,
		status: 'active',
		medicationCodeableConcept: concept(rxnorm, '316672', 'Simvastatin 10 MG'),
		effectivePeriod: { start: '2023-01' },
		informationSource: subject,
		dosage: [{ doseAndRate: [{ doseQuantity: measure(10, 'mg') }] }],
	}),
	made('MedicationDispense', 'filled', {
		subject,
		status: 'completed',
		medicationReference: { reference: 'Medication/metformin' },
		authorizingPrescription: [{ reference: 'MedicationRequest/metformin' }],
		quantity: measure(60, '{tablet}', 'tablet'),
		whenHandedOver: '2024-01-12T15:00:00Z',
		performer: [{ actor: doctor }],
	}),
	made('MedicationAdministration', 'shot', {
		subject,
		status: 'completed',
		medicationCodeableConcept: concept(rxnorm, '1659149', 'piperacillin 4000 MG / tazobactam 500 MG Injection'),
		effectiveDateTime: '2024-03-02T08:00:00Z',
		performer: [{ actor: doctor }],
		dosage: { route: concept('http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl', 'C38276', 'Intravenous'), dose: measure(4.5, 'g') },
	}),
];

const observation = (id: string, kind: string, code: object, more: Record<string, unknown>): Made =>
	made('Observation', id, { subject, status: 'final', category: category(kind), code, effectiveDateTime: '2024-03-01T09:00:00Z', ...more });

const observations: Made[] = [
	observation('bp', 'vital-signs', concept(loinc, '85354-9', 'Blood pressure'), {
		component: [
			{ code: concept(loinc, '8480-6', 'Systolic blood pressure'), valueQuantity: measure(120, 'mm[Hg]', 'mmHg') },
			{ code: concept(loinc, '8462-4', 'Diastolic blood pressure'), valueQuantity: measure(80, 'mm[Hg]', 'mmHg') },
		],
		performer: [doctor],
	}),
	observation('weight', 'vital-signs', concept(loinc, '29463-7', 'Body weight'), {
		valueQuantity: measure(70.5, 'kg'),
		interpretation: [concept(`${tho}/v3-ObservationInterpretation`, 'N', 'Normal')],
	}),
	observation('pain', 'vital-signs', concept(loinc, '8310-5', 'Body temperature'), {
		effectiveDateTime: '2024-03-02',
		dataAbsentReason: concept(`${tho}/data-absent-reason`, 'not-performed', 'Not performed'),
	}),
	observation('glucose', 'laboratory', concept(loinc, '2345-7', 'Glucose [Mass/volume] in Serum or Plasma'), {
		valueQuantity: measure(126, 'mg/dL'),
		interpretation: [concept(`${tho}/v3-ObservationInterpretation`, 'H', 'High')],
		referenceRange: [{ low: measure(70, 'mg/dL'), high: measure(99, 'mg/dL'), text: '70-99 mg/dL' }],
		specimen: { reference: 'Specimen/blood' },
	}),
	observation('trace', 'laboratory', concept(loinc, '5778-6', 'Color of Urine'), {
		valueString: 'Straw <yellow>',
		referenceRange: [{ text: 'yellow' }],
	}),
	observation('small', 'laboratory', concept(loinc, '1988-5', 'C reactive protein'), {
		valueQuantity: { ...measure(3, 'mg/L'), comparator: '<' },
	}),
	observation('culture', 'laboratory', concept(loinc, '600-7', 'Bacteria identified in Blood by Culture'), {
		valueCodeableConcept: concept(snomed, '3092008', 'Staphylococcus aureus'),
		status: 'preliminary',
	}),
	observation(
		'local',
		'laboratory',
		{ text: 'Local test' },
		{
			valueQuantity: { value: 5, unit: 'drops' },
			effectivePeriod: { start: '2024-03-01T09:00:00Z', end: '2024-03-01T10:00:00Z' },
			effectiveDateTime: undefined,
		},
	),
	observation('ratio', 'laboratory', concept(loinc, '8061-4', 'Nuclear Ab'), {
		valueRatio: { numerator: { value: 1 }, denominator: { value: 128 } },
	}),
	observation('nothing', 'laboratory', concept(loinc, '718-7', 'Hemoglobin'), {}),
	observation('pending', 'laboratory', concept(loinc, '718-7', 'Not yet known'), { status: 'registered' }),
	observation('smoking', 'social-history', concept(loinc, '72166-2', 'Tobacco smoking status'), {
		valueCodeableConcept: concept(snomed, '8517006', 'Ex-smoker'),
	}),
	observation('packs', 'social-history', concept(loinc, '8664-5', 'Cigarettes smoked total (pack per year)'), {
		valueQuantity: measure(12, '{PackYears}', 'pack years'),
	}),
	observation('pregnant', 'social-history', concept(loinc, '82810-3', 'Pregnancy status'), {
		valueCodeableConcept: concept(snomed, '77386006', 'Pregnant'),
	}),
	observation('orientation', 'social-history', concept(loinc, '76690-7', 'Sexual orientation'), {
		valueCodeableConcept: concept(snomed, '20430005', 'Heterosexual'),
	}),
	observation('pets', 'social-history', concept(snomed, '160245001', 'Keeps pets'), { valueBoolean: true }),
	observation('hobby', 'social-history', { text: 'Hobby' }, { valueString: 'Chess' }),
	observation('job', 'social-history', concept(loinc, '11341-5', 'History of Occupation'), { valueString: 'Teacher' }),
	observation('food', 'survey', concept(loinc, '88124-3', 'Food insecurity risk'), {
		category: [...category('survey'), ...category('sdoh', `${core}/CodeSystem/us-core-category`)],
		valueCodeableConcept: concept(loinc, 'LA19952-3', 'At risk'),
	}),
	observation('phq', 'survey', concept(loinc, '44261-6', 'PHQ-9 total score'), {
		valueInteger: 7,
		component: [{ code: concept(loinc, '44250-9', 'Little interest'), valueCodeableConcept: concept(loinc, 'LA6569-3', 'Several days') }],
	}),
	observation('walk', 'functional-status', concept(loinc, '89555-7', 'How many steps'), {
		category: category('functional-status', `${core}/CodeSystem/us-core-category`),
		valueCodeableConcept: concept(snomed, '165245003', 'Independent walking'),
	}),
	observation('thought', 'cognitive-status', concept(loinc, '11332-4', 'Cognitive function'), {
		category: category('cognitive-status', `${core}/CodeSystem/us-core-category`),
		valueCodeableConcept: concept(snomed, '26329005', 'Poor concentration'),
	}),
	observation('directive-seen', 'observation-adi-documentation', concept(loinc, '45473-6', 'Advance directive - living will'), {
		valueBoolean: true,
		performer: [doctor],
	}),
	observation('phq2', 'survey', concept(loinc, '55758-7', 'PHQ-2 total score'), {
		valueInteger: 1,
		hasMember: [{ reference: 'Observation/mood' }],
	}),
	observation('mood', 'survey', concept(loinc, '44255-8', 'Feeling down, depressed, or hopeless'), {
		valueCodeableConcept: concept(loinc, 'LA6568-5', 'Not at all'),
	}),
	made('DiagnosticReport', 'panel', {
		subject,
		status: 'final',
		category: [concept(`${tho}/v2-0074`, 'LAB')],
		code: concept(loinc, '24323-8', 'Comprehensive metabolic panel'),
		effectiveDateTime: '2024-03-01T09:00:00Z',
		issued: '2024-03-01T12:00:00Z',
		performer: [{ reference: 'Organization/clinic' }],
		result: [{ reference: 'Observation/glucose' }, { reference: 'Observation/trace' }, { reference: 'Observation/not-visible' }],
		conclusion: 'Glucose is high.',
	}),
	made('DiagnosticReport', 'xray', {
		subject,
		status: 'final',
		category: [concept(loinc, 'LP29684-5', 'Radiology')],
		code: concept(loinc, '36643-5', 'XR Chest 2 Views'),
		effectiveDateTime: '2024-03-02',
		conclusion: 'Clear lungs.',
		presentedForm: [
			{ contentType: 'text/html', data: Buffer.from('<p>Clear <b>lungs</b> &amp; heart.</p><script>x</script>').toString('base64') },
		],
	}),
];

const care: Made[] = [
	made('Encounter', 'office', {
		subject,
		status: 'finished',
		class: coding(`${tho}/v3-ActCode`, 'AMB', 'ambulatory'),
		type: [concept('http://www.ama-assn.org/go/cpt', '99213', 'Office visit')],
		period: { start: '2024-01-10T14:00:00Z', end: '2024-01-10T14:20:00Z' },
		participant: [{ individual: doctor }, { individual: { display: 'A nurse' } }],
		reasonCode: [concept(snomed, '405737000', 'Pharyngitis')],
		diagnosis: [{ condition: { reference: 'Condition/visit-diagnosis' } }],
		serviceProvider: { reference: 'Organization/clinic' },
	}),
	made('Encounter', 'stay', {
		subject,
		status: 'finished',
		class: coding(`${tho}/v3-ActCode`, 'IMP', 'inpatient encounter'),
		period: { start: '2024-03-01T20:00:00Z', end: '2024-03-04T11:00:00Z' },
		participant: [{ individual: doctor }],
		reasonCode: [{ text: 'Fever' }],
		diagnosis: [
			{ condition: { reference: 'Condition/icd-only' }, use: concept(`${tho}/diagnosis-role`, 'DD') },
			{ condition: { reference: 'Condition/diabetes' }, use: concept(`${tho}/diagnosis-role`, 'AD') },
		],
		location: [{ location: { reference: 'Location/ward' } }],
		hospitalization: { dischargeDisposition: concept('https://www.nubc.org/CodeSystem/PatDischargeStatus', '01', 'Discharged to home') },
	}),
	made('Procedure', 'appendectomy', {
		subject,
		status: 'completed',
		code: concept(snomed, '80146002', 'Appendectomy'),
		performedPeriod: { start: '2024-03-02T10:00:00Z', end: '2024-03-02T11:00:00Z' },
		performer: [{ actor: doctor }],
		bodySite: [concept(snomed, '66754008', 'Appendix')],
		location: { reference: 'Location/ward', display: 'Ward 3' },
		reasonCode: [{ text: 'Pain' }],
		focalDevice: [{ manipulated: { reference: 'Device/pacemaker' } }],
	}),
	made('Procedure', 'undated', { subject, status: 'unknown', code: { text: 'A procedure long ago' } }),
	made('Device', 'pacemaker', {
		patient: subject,
		status: 'active',
		udiCarrier: [{ deviceIdentifier: '00643169007222', carrierHRF: '(01)00643169007222(17)160128(21)BLC200461H' }],
		type: concept(snomed, '14106009', 'Cardiac pacemaker'),
		manufacturer: 'Acme',
		modelNumber: 'X1',
		serialNumber: 'BLC200461H',
		lotNumber: 'M1',
		manufactureDate: '2013-02-01',
		expirationDate: '2025-02-01',
	}),
	made('Device', 'plain', { patient: subject, type: { text: 'Cane' } }),
	made('Immunization', 'flu', {
		patient: subject,
		status: 'completed',
		vaccineCode: concept('http://hl7.org/fhir/sid/cvx', '140', 'Influenza, seasonal, injectable, preservative free'),
		occurrenceDateTime: '2023-10-01',
		lotNumber: 'A1',
		manufacturer: { display: 'Vaccine Maker' },
		route: concept('http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl', 'C28161', 'Intramuscular'),
		site: concept(`${tho}/v3-ActSite`, 'LA', 'left arm'),
		doseQuantity: measure(0.5, 'mL'),
		performer: [{ actor: doctor }],
		protocolApplied: [{ doseNumberPositiveInt: 1 }],
	}),
	made('Immunization', 'refused', {
		patient: subject,
		status: 'not-done',
		statusReason: concept(`${tho}/v3-ActReason`, 'PATOBJ', 'patient objection'),
		vaccineCode: concept('http://hl7.org/fhir/sid/cvx', '33', 'Pneumococcal polysaccharide'),
		occurrenceDateTime: '2023-10-01',
	}),
	made('Goal', 'a1c', {
		subject,
		lifecycleStatus: 'active',
		achievementStatus: concept(`${tho}/goal-achievement`, 'in-progress', 'In Progress'),
		description: { text: 'Bring HbA1c below 7 %' },
		startDate: '2024-01-10',
		statusDate: '2024-03-01',
		expressedBy: doctor,
		addresses: [{ reference: 'Condition/diabetes' }],
		target: [{ measure: concept(loinc, '4548-4', 'Hemoglobin A1c'), detailQuantity: measure(7, '%'), dueDate: '2024-12-31' }],
	}),
	made('Goal', 'walk', { subject, lifecycleStatus: 'completed', description: concept(snomed, '229065009', 'Walk every day') }),
	made('CarePlan', 'plan', {
		subject,
		status: 'active',
		intent: 'plan',
		category: [
			concept(`${core}/CodeSystem/careplan-category`, 'assess-plan'),
			concept(snomed, '698360004', 'Diabetes self management plan'),
		],
		period: { start: '2024-01-10' },
		author: doctor,
		addresses: [{ reference: 'Condition/diabetes' }],
		text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">Eat &amp; move</div>' },
		activity: [
			{ detail: { code: concept(snomed, '160670007', 'Diabetic diet'), status: 'in-progress' } },
			{ detail: { description: 'See the dietitian', status: 'scheduled', scheduledString: 'next month' } },
			{
				detail: {
					code: concept(snomed, '229065009', 'Exercise therapy'),
					status: 'completed',
					scheduledPeriod: { start: '2024-02-01', end: '2024-02-20' },
				},
			},
		],
	}),
	made('CareTeam', 'team', {
		subject,
		status: 'active',
		name: 'Diabetes team',
		period: { start: '2024-01-10' },
		participant: [
			{ role: [concept(snomed, '446050000', 'Primary care provider')], member: doctor, onBehalfOf: { reference: 'Organization/clinic' } },
			{ role: [{ text: 'Spouse' }], member: { reference: 'RelatedPerson/spouse' } },
			{ member: { display: 'Somebody' } },
		],
	}),
	made('ServiceRequest', 'lab', {
		subject,
		status: 'active',
		intent: 'order',
		category: [concept(snomed, '108252007', 'Laboratory procedure')],
		code: concept(loinc, '4548-4', 'Hemoglobin A1c'),
		authoredOn: '2026-11-01',
		occurrenceDateTime: '2026-12-01',
		requester: doctor,
		reasonReference: [{ reference: 'Condition/diabetes' }],
	}),
	made('ServiceRequest', 'surgery', {
		subject,
		status: 'draft',
		intent: 'proposal',
		category: [concept(snomed, '387713003', 'Surgical procedure')],
		code: concept(snomed, '73761001', 'Colonoscopy'),
	}),
	made('ServiceRequest', 'advice', { subject, status: 'active', intent: 'plan', code: { text: 'Drink more water' }, performer: [doctor] }),
	made('ServiceRequest', 'referral', {
		subject,
		status: 'active',
		intent: 'order',
		category: [concept(snomed, '3457005', 'Patient referral')],
		code: concept(snomed, '183524004', 'Referral to psychiatry service'),
		authoredOn: '2026-11-02T10:00:00Z',
		requester: doctor,
		performer: [{ reference: 'Organization/clinic' }],
		reasonCode: [concept(snomed, '35489007', 'Depressive disorder')],
		note: [{ text: 'Soon,\nplease.' }],
	}),
	made('Appointment', 'next', {
		status: 'booked',
		serviceType: [{ text: 'Follow-up' }],
		start: '2026-12-24T15:00:00Z',
		end: '2026-12-24T15:20:00Z',
		participant: [
			{ actor: subject, status: 'accepted' },
			{ actor: doctor, status: 'accepted' },
			{ actor: { reference: 'Location/ward' }, status: 'accepted' },
		],
	}),
	made('Appointment', 'past', {
		status: 'booked',
		start: '2020-12-24T15:00:00Z',
		end: '2020-12-24T15:20:00Z',
		participant: [{ actor: subject, status: 'accepted' }],
	}),
	made('ClinicalImpression', 'judged', {
		subject,
		status: 'completed',
		encounter: { reference: 'Encounter/stay' },
		date: '2024-03-03T09:00:00Z',
		description: 'Doing well.',
		summary: 'Discharge soon.',
		assessor: doctor,
	}),
];

const papers: Made[] = [
	made('Coverage', 'own', {
		status: 'active',
		beneficiary: subject,
		type: concept('https://nahdo.org/sopt', '5', 'Private health insurance'),
		subscriberId: 'W123',
		relationship: concept(`${tho}/subscriber-relationship`, 'self', 'Self'),
		period: { start: '2024-01-01' },
		payor: [{ reference: 'Organization/insurer' }],
		class: [{ type: concept(`${tho}/coverage-class`, 'group'), value: 'G1', name: 'Gold' }],
	}),
	made('Coverage', 'spouse', {
		status: 'active',
		beneficiary: subject,
		relationship: concept(`${tho}/subscriber-relationship`, 'spouse', 'Spouse'),
		policyHolder: { reference: 'RelatedPerson/spouse' },
		payor: [{ display: 'Other Insurance' }],
	}),
	made('FamilyMemberHistory', 'mother', {
		patient: subject,
		status: 'completed',
		relationship: concept(`${tho}/v3-RoleCode`, 'MTH', 'mother'),
		sex: concept('http://hl7.org/fhir/administrative-gender', 'female'),
		bornDate: '1950',
		deceasedAge: measure(71, 'a', 'years'),
		condition: [
			{ code: concept(snomed, '22298006', 'Myocardial infarction'), onsetAge: measure(60, 'a', 'years'), contributedToDeath: true },
			{ code: { text: 'Bad knees' }, onsetString: 'late' },
		],
	}),
	made('FamilyMemberHistory', 'uncle', { patient: subject, status: 'health-unknown', relationship: { text: 'Uncle' } }),
	made('Consent', 'will', {
		patient: subject,
		status: 'active',
		scope: concept(`${tho}/consentscope`, 'adr'),
		category: [concept(`${tho}/consentcategorycodes`, 'dnr', 'Do Not Resuscitate')],
		dateTime: '2023-05-01',
		policyRule: { text: 'State law' },
		performer: [subject],
		provision: { code: [concept(snomed, '304253006', 'Not for resuscitation')] },
	}),
	made('DocumentReference', 'living-will', {
		subject,
		status: 'current',
		type: concept(loinc, '86533-7', 'Patient Living will'),
		date: '2023-05-01T00:00:00Z',
		description: 'Living will',
		content: [{ attachment: { contentType: 'application/pdf', title: 'will.pdf' } }],
	}),
	made('DocumentReference', 'progress', {
		subject,
		status: 'current',
		type: concept(loinc, '11506-3', 'Progress note'),
		category: [concept(`${core}/CodeSystem/us-core-documentreference-category`, 'clinical-note')],
		date: '2024-03-03T10:00:00Z',
		author: [doctor],
		content: [
			{
				attachment: {
					contentType: 'text/plain',
					data: Buffer.from('S: better\nO: afebrile\nA: pneumonia, resolving\nP: home tomorrow').toString('base64'),
				},
			},
		],
		context: { encounter: [{ reference: 'Encounter/stay' }], period: { start: '2024-03-03T10:00:00Z' } },
	}),
	made('DocumentReference', 'scan', {
		subject,
		status: 'current',
		type: { text: 'Old letter' },
		category: [concept(`${core}/CodeSystem/us-core-documentreference-category`, 'clinical-note')],
		content: [{ attachment: { contentType: 'image/png', url: 'Binary/x', title: 'letter.png' } }],
	}),
];

/** Every resource of the sample, the patient first; the first lines of a transaction that stores them. */
export const sampleResources: readonly Made[] = [patient, ...around, ...conditions, ...medications, ...observations, ...care, ...papers];

/** The record as one reads it who may see everything. */
export function sampleRecord(leaveOut: (resource: Made) => boolean = () => false): PatientRecord {
	const kept = sampleResources.filter((one) => one === patient || !leaveOut(one));
	const known = new Map<string, Entity>(kept.map((one) => [`${one.resourceType}/${one.id}`, one]));
	return recordOf(
		'https://heron.test/fhir',
		patient as unknown as Patient,
		kept.filter((one) => !around.includes(one) || one.resourceType === 'Specimen'),
		known,
	);
}
