// Small valid resources that the tests start from: base R4 and US Core 8.0.0, without any warning.
import type { Resource } from '#fhir/resource.ts';

const usCore = (name: string): { profile: string[] } => ({ profile: [`http://hl7.org/fhir/us/core/StructureDefinition/${name}`] });

const narrative = (text: string): unknown => ({
	status: 'generated',
	div: `<div xmlns="http://www.w3.org/1999/xhtml"><p>${text}</p></div>`,
});

const coded = (system: string, code: string, display: string): unknown => ({ coding: [{ system, code, display }], text: display });

const loinc = (code: string, display: string): unknown => coded('http://loinc.org', code, display);
const snomed = (code: string, display: string): unknown => coded('http://snomed.info/sct', code, display);
const terminology = (name: string, code: string): unknown => ({
	coding: [{ system: `http://terminology.hl7.org/CodeSystem/${name}`, code }],
});

const measured = (value: number, unit: string, code: string): unknown => ({ value, unit, system: 'http://unitsofmeasure.org', code });

const patient: Resource = {
	resourceType: 'Patient',
	id: 'p1',
	meta: { versionId: '1', lastUpdated: '2024-02-29T10:00:00.123+01:00', ...usCore('us-core-patient') },
	language: 'en-US',
	text: narrative('Ada Kern'),
	extension: [
		{
			url: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-race',
			extension: [
				{ url: 'ombCategory', valueCoding: { system: 'urn:oid:2.16.840.1.113883.6.238', code: '2106-3', display: 'White' } },
				{ url: 'text', valueString: 'White' },
			],
		},
		{ url: 'http://example.org/fhir/StructureDefinition/shoe-size', valueDecimal: 38.5 },
	],
	identifier: [
		{
			use: 'usual',
			type: terminology('v2-0203', 'MR'),
			system: 'http://example.org/mrn',
			value: '1032702',
			period: { start: '2020-01', end: '2030' },
		},
	],
	active: true,
	name: [
		{
			use: 'official',
			family: 'Kern',
			given: ['Ada', 'Marie'],
			_given: [null, { extension: [{ url: 'http://example.org/called', valueBoolean: true }] }],
		},
		{ use: 'old', family: 'Lund', given: ['Ada'], period: { end: '2010-05-01' } },
	],
	telecom: [{ system: 'phone', value: '555-555-5555', use: 'home', rank: 1 }],
	gender: 'female',
	birthDate: '1987-02-20',
	_birthDate: {
		extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/patient-birthTime', valueDateTime: '1987-02-20T13:28:17-05:00' }],
	},
	deceasedBoolean: false,
	address: [{ use: 'home', line: ['49 Meadow St'], city: 'Mounds', state: 'OK', postalCode: '74047', country: 'US' }],
	maritalStatus: terminology('v3-MaritalStatus', 'M'),
	multipleBirthInteger: 2,
	photo: [{ contentType: 'image/png', data: 'iVBORw0KGgo=', title: 'Ada' }],
	contact: [{ relationship: [terminology('v2-0131', 'N')], name: { family: 'Kern' }, gender: 'male' }],
	communication: [{ language: { coding: [{ system: 'urn:ietf:bcp:47', code: 'en-US' }] }, preferred: true }],
	generalPractitioner: [{ reference: 'Practitioner/pr1', type: 'Practitioner', display: 'Dr. Adams' }],
	managingOrganization: { reference: '#org' },
	link: [{ other: { reference: 'Patient/p0' }, type: 'replaces' }],
	contained: [{ resourceType: 'Organization', id: 'org', name: 'Good Health Clinic', text: narrative('Good Health Clinic') }],
};

const heartRate: Resource = {
	resourceType: 'Observation',
	id: 'hr1',
	meta: usCore('us-core-heart-rate'),
	text: narrative('44 beats/min'),
	status: 'final',
	category: [terminology('observation-category', 'vital-signs')],
	code: loinc('8867-4', 'Heart rate'),
	subject: { reference: 'Patient/p1' },
	encounter: { reference: 'Encounter/e1' },
	effectiveDateTime: '2024-01-01T10:00:00Z',
	issued: '2024-01-01T10:00:01Z',
	performer: [{ reference: 'Practitioner/pr1' }],
	valueQuantity: measured(44, 'beats/minute', '/min'),
};

const bloodPressure: Resource = {
	resourceType: 'Observation',
	id: 'bp1',
	meta: usCore('us-core-blood-pressure'),
	text: narrative('109/44 mmHg'),
	identifier: [{ system: 'urn:ietf:rfc:3986', value: 'urn:uuid:187e0c12-8dd2-67e2-99b2-bf273c878281' }],
	status: 'final',
	category: [terminology('observation-category', 'vital-signs')],
	code: loinc('85354-9', 'Blood pressure panel'),
	subject: { reference: 'http://example.org/fhir/Patient/p1' },
	effectivePeriod: { start: '2024-01-01', end: '2024-01-02' },
	interpretation: [terminology('v3-ObservationInterpretation', 'L')],
	component: [
		{ code: loinc('8480-6', 'Systolic'), valueQuantity: measured(109, 'mmHg', 'mm[Hg]') },
		{ code: loinc('8462-4', 'Diastolic'), dataAbsentReason: terminology('data-absent-reason', 'unknown') },
	],
};

const lab: Resource = {
	resourceType: 'Observation',
	id: 'lab1',
	meta: usCore('us-core-observation-lab'),
	text: narrative('Potassium 4.1 mmol/L'),
	basedOn: [{ reference: 'ServiceRequest/s1' }],
	status: 'final',
	category: [terminology('observation-category', 'laboratory')],
	code: loinc('2823-3', 'Potassium'),
	subject: { reference: 'Patient/p1' },
	effectiveDateTime: '2024-01-01T10:00:00Z',
	valueQuantity: { ...(measured(4.1, 'mmol/L', 'mmol/L') as object), comparator: '<' },
	note: [{ authorString: 'Lab', time: '2024-01-01T11:00:00Z', text: 'Hemolysed *slightly*.' }],
	specimen: { reference: 'Specimen/sp1' },
	referenceRange: [
		{
			low: measured(3.5, 'mmol/L', 'mmol/L'),
			high: measured(5.1, 'mmol/L', 'mmol/L'),
			type: terminology('referencerange-meaning', 'normal'),
		},
	],
	derivedFrom: [{ reference: 'urn:uuid:2d1a4c53-9d3f-4f2e-8d7f-0e6a1f0b6c11' }],
};

const condition: Resource = {
	resourceType: 'Condition',
	id: 'c1',
	meta: usCore('us-core-condition-problems-health-concerns'),
	text: narrative('Asthma'),
	clinicalStatus: terminology('condition-clinical', 'resolved'),
	verificationStatus: terminology('condition-ver-status', 'confirmed'),
	category: [terminology('condition-category', 'problem-list-item')],
	code: snomed('195967001', 'Asthma'),
	subject: { reference: 'Patient/p1' },
	onsetAge: { value: 12, unit: 'years', system: 'http://unitsofmeasure.org', code: 'a' },
	abatementDateTime: '2013-04',
	recordedDate: '2020-05-01',
	stage: [{ summary: { text: 'mild' } }],
	evidence: [{ detail: [{ reference: 'Observation/lab1' }] }],
};

const medicationRequest: Resource = {
	resourceType: 'MedicationRequest',
	id: 'm1',
	meta: usCore('us-core-medicationrequest'),
	text: narrative('Metformin'),
	status: 'active',
	intent: 'order',
	category: [terminology('medicationrequest-category', 'community')],
	reportedBoolean: false,
	medicationCodeableConcept: coded('http://www.nlm.nih.gov/research/umls/rxnorm', '860975', 'metformin'),
	subject: { reference: 'Patient/p1' },
	authoredOn: '2024-03-01',
	requester: { reference: 'Practitioner/pr1' },
	dosageInstruction: [
		{
			sequence: 1,
			text: 'One tablet twice a day',
			timing: {
				repeat: { boundsPeriod: { start: '2024-03-01' }, frequency: 2, period: 1, periodUnit: 'd', duration: 5, durationUnit: 'min' },
			},
			doseAndRate: [{ type: terminology('dose-rate-type', 'ordered'), doseQuantity: { value: 1, unit: 'tablet' } }],
		},
	],
	dispenseRequest: {
		numberOfRepeatsAllowed: 3,
		quantity: { value: 60, unit: 'tablets' },
		validityPeriod: { start: '2024-03-01', end: '2024-09-01' },
	},
};

const encounter: Resource = {
	resourceType: 'Encounter',
	id: 'e1',
	meta: usCore('us-core-encounter'),
	text: narrative('Office visit'),
	status: 'finished',
	statusHistory: [{ status: 'in-progress', period: { start: '2024-01-01T09:00:00Z', end: '2024-01-01T09:30:00Z' } }],
	class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
	type: [coded('http://www.ama-assn.org/go/cpt', '99201', 'Office visit')],
	subject: { reference: 'Patient/p1' },
	participant: [{ individual: { reference: 'Practitioner/pr1' } }],
	period: { start: '2024-01-01T09:00:00Z', end: '2024-01-01T09:30:00Z' },
	length: { value: 30, unit: 'min', system: 'http://unitsofmeasure.org', code: 'min' },
	location: [{ location: { reference: 'Location/l1' }, status: 'completed' }],
};

const coverage: Resource = {
	resourceType: 'Coverage',
	id: 'cov1',
	meta: usCore('us-core-coverage'),
	text: narrative('Coverage'),
	identifier: [{ type: terminology('v2-0203', 'MB'), system: 'https://example.org/member', value: '102345672-01' }],
	status: 'active',
	type: { coding: [{ system: 'https://nahdo.org/sopt', code: '3' }] },
	subscriberId: '888009335',
	beneficiary: { reference: 'Patient/p1' },
	relationship: terminology('subscriber-relationship', 'self'),
	period: { start: '2024-01-01' },
	payor: [{ reference: 'Organization/org1' }],
	class: [{ type: terminology('coverage-class', 'plan'), value: 'B37FC', name: 'Full coverage' }],
	costToBeneficiary: [{ type: terminology('coverage-copay-type', 'copaypct'), valueMoney: { value: 20.5, currency: 'USD' } }],
};

const questionnaireResponse: Resource = {
	resourceType: 'QuestionnaireResponse',
	id: 'qr1',
	meta: usCore('us-core-questionnaireresponse'),
	text: narrative('Answers'),
	questionnaire: 'http://example.org/fhir/Questionnaire/sdoh|1.0',
	status: 'completed',
	subject: { reference: 'Patient/p1' },
	authored: '2024-05-01T10:00:00Z',
	author: { reference: 'Practitioner/pr1' },
	item: [
		{
			linkId: '/1',
			text: 'Housing',
			item: [
				{
					linkId: '/1/1',
					answer: [
						{
							valueCoding: { system: 'http://loinc.org', code: 'LA31993-1' },
							item: [{ linkId: '/1/1/1', answer: [{ valueDecimal: 2.5 }] }],
						},
					],
				},
				{ linkId: '/1/2', answer: [{ valueBoolean: true }] },
			],
		},
	],
};

const bundle: Resource = {
	resourceType: 'Bundle',
	type: 'transaction',
	entry: [
		{
			fullUrl: 'urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a',
			resource: { resourceType: 'Patient', text: narrative('Ada'), name: [{ family: 'Kern' }] },
			request: { method: 'POST', url: 'Patient', ifNoneExist: 'identifier=http://example.org/mrn|1032702' },
		},
		{
			fullUrl: 'http://example.org/fhir/Observation/o1',
			resource: {
				resourceType: 'Observation',
				id: 'o1',
				text: narrative('weight'),
				status: 'final',
				code: { text: 'Weight' },
				subject: { reference: 'urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a' },
				performer: [{ reference: 'Practitioner?identifier=http://example.org/npi|1' }],
				valueString: 'heavy',
			},
			request: { method: 'PUT', url: 'Observation/o1' },
		},
	],
};

const practitioner: Resource = {
	resourceType: 'Practitioner',
	id: 'pr1',
	meta: usCore('us-core-practitioner'),
	text: narrative('Dr. Adams'),
	identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '9941339100' }],
	name: [{ family: 'Adams', given: ['Ronald'] }],
	qualification: [{ code: { text: 'MD' } }],
};

const questionnaire: Resource = {
	resourceType: 'Questionnaire',
	text: narrative('A questionnaire'),
	url: 'http://example.org/fhir/Questionnaire/sdoh',
	name: 'Sdoh',
	status: 'draft',
	item: [
		{
			linkId: '1',
			type: 'group',
			text: 'Housing',
			item: [
				{
					linkId: '1.1',
					type: 'choice',
					text: 'Where?',
					answerOption: [{ valueString: 'here' }, { valueString: 'there' }],
					required: true,
				},
				{ linkId: '1.2', type: 'string', maxLength: 10, enableWhen: [{ question: '1.1', operator: 'exists', answerBoolean: true }] },
				{ linkId: '1.3', type: 'display', text: 'Thank you' },
			],
		},
	],
};

const appointment: Resource = {
	resourceType: 'Appointment',
	text: narrative('An appointment'),
	status: 'booked',
	start: '2024-05-01T10:00:00Z',
	end: '2024-05-01T10:30:00Z',
	minutesDuration: 30,
	participant: [{ actor: { reference: 'Patient/p1' }, required: 'required', status: 'accepted' }],
};

const parameters: Resource = {
	resourceType: 'Parameters',
	parameter: [
		{ name: 'count', valuePositiveInt: 5 },
		{ name: 'patient', resource: { resourceType: 'Patient', text: narrative('Ada'), active: true } },
		{
			name: 'range',
			part: [
				{ name: 'from', valueDate: '2024-01-01' },
				{ name: 'at', valueTime: '10:00:00' },
			],
		},
	],
};

/** Valid resources by a name that says what they are. */
export const samples: Readonly<Record<string, Resource>> = {
	patient,
	heartRate,
	bloodPressure,
	lab,
	condition,
	medicationRequest,
	encounter,
	coverage,
	questionnaireResponse,
	bundle,
	practitioner,
	questionnaire,
	appointment,
	parameters,
};
