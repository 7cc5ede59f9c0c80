import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Issue } from '#base/problem.ts';
import { loadDefinitions } from '#fhir/definitions/definitions.ts';
import { Decimal } from '#fhir/wire/decimal.ts';
import { samples } from './samples.ts';
import { createValidator, isProfileIssue, isStructural } from './validator.ts';

const definitions = loadDefinitions();
const validator = createValidator(definitions);

// biome-ignore lint/suspicious/noExplicitAny: cases reach into samples of many shapes
type Loose = any;

/** A copy of a sample, changed. */
function changed(name: string, change: (resource: Loose) => void): Loose {
	const copy = structuredClone(samples[name]) as Loose;
	change(copy);
	return copy;
}

/** Issues as `code path`, those of invariants as `key path`. */
function told(issues: readonly Issue[]): string[] {
	return issues.map(({ code, path, text }) => {
		const key = /(?:^|: )([a-z]+-[\w-]+): /.exec(text)?.[1];
		return `${code.endsWith('invariant') && key !== undefined ? `${code === 'invariant' ? '' : 'profile '}${key}` : code} ${path}`;
	});
}

type Case = readonly [sample: string, what: string, change: (resource: Loose) => void, expected: readonly string[]];

function cases(list: readonly Case[]): void {
	for (const [sample, what, change, expected] of list)
		it(`${sample}: ${what}`, () => assert.deepEqual(told(validator.validate(changed(sample, change))), expected));
}

describe('valid resources', () => {
	for (const [name, sample] of Object.entries(samples))
		it(`has nothing to say about a ${name}`, () => {
			const before = structuredClone(sample);
			assert.deepEqual(validator.validate(sample), []);
			assert.deepEqual(sample, before);
		});

	it('takes members that are undefined as absent', () => {
		assert.deepEqual(validator.validate({ ...samples.heartRate, issued: undefined, performer: undefined }), []);
	});

	it('takes decimals that kept their written precision', () => {
		assert.deepEqual(validator.validate(changed('lab', (o) => (o.valueQuantity.value = new Decimal('4.10')))), []);
	});

	it('takes a primitive that has only extensions, also where it is required', () => {
		const extension = [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }];
		const resource = changed('appointment', (a) => {
			delete a.status;
			a._status = { extension };
			a.start = undefined;
			a._start = { extension };
		});
		assert.deepEqual(validator.validate(resource), []);
	});
});

describe('invariants', () => {
	const dataAbsent = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/data-absent-reason', code: 'unknown' }] };
	cases([
		['patient', 'ele-1 of a primitive', (p) => (p._birthDate = { id: 'a' }), []],
		[
			'patient',
			'ele-1 without value',
			(p) => {
				p._active = { id: 'a' };
				delete p.active;
			},
			['value-empty Patient.active'],
		],
		['patient', 'ext-1 with neither', (p) => delete p.extension[1].valueDecimal, ['ext-1 Patient.extension[1]']],
		[
			'patient',
			'ext-1 with both',
			(p) => (p.extension[1].extension = [{ url: 'http://example.org/x', valueCode: 'a' }]),
			['ext-1 Patient.extension[1]'],
		],
		['patient', 'pat-1', (p) => (p.contact = [{ gender: 'male' }]), ['pat-1 Patient.contact[0]']],
		['patient', 'per-1', (p) => (p.name[1].period = { start: '2011', end: '2010-05' }), ['per-1 Patient.name[1].period']],
		['patient', 'per-1 undecided', (p) => (p.name[1].period = { start: '2010-05-02', end: '2010-05' }), []],
		[
			'patient',
			'cpt-2',
			(p) => delete p.telecom[0].system,
			['cpt-2 Patient.telecom[0]', 'profile-cardinality-min Patient.telecom[0].system'],
		],
		['patient', 'att-1', (p) => delete p.photo[0].contentType, ['att-1 Patient.photo[0]']],
		[
			'patient',
			'dom-2',
			(p) =>
				(p.contained[0].contained = [{ resourceType: 'Basic', id: 'b', code: { text: 'x' }, text: p.text, author: { reference: '#org' } }]),
			['dom-3 Patient.contained[0].contained[0]', 'dom-2 Patient.contained[0]'],
		],
		['patient', 'dom-3', (p) => (p.managingOrganization = { reference: 'Organization/o1' }), ['dom-3 Patient.contained[0]']],
		[
			'patient',
			'dom-3 turned round',
			(p) => {
				p.managingOrganization = { reference: 'Organization/o1' };
				p.contained[0].partOf = { reference: '#' };
			},
			['reference-target Patient.contained[0].partOf'],
		],
		['patient', 'dom-4', (p) => (p.contained[0].meta = { versionId: '1' }), ['dom-4 Patient.contained[0]']],
		['patient', 'dom-5', (p) => (p.contained[0].meta = { security: [{ code: 'R' }] }), ['dom-5 Patient.contained[0]']],
		['patient', 'dom-6', (p) => delete p.text, ['dom-6 Patient']],
		['patient', 'ref-1', (p) => (p.generalPractitioner[0] = { reference: '#gone' }), ['ref-1 Patient.generalPractitioner[0].reference']],
		['heartRate', 'obs-6', (o) => (o.dataAbsentReason = dataAbsent), ['obs-6 Observation']],
		['heartRate', 'obs-7', (o) => (o.component = [{ code: o.code, valueQuantity: o.valueQuantity }]), ['obs-7 Observation']],
		[
			'heartRate',
			'qty-3',
			(o) => (o.component = [{ code: { text: 'x' }, valueQuantity: { code: 'a' } }]),
			['qty-3 Observation.component[0].value'],
		],
		['lab', 'obs-3', (o) => (o.referenceRange = [{ type: o.referenceRange[0].type }]), ['obs-3 Observation.referenceRange[0]']],
		[
			'lab',
			'sqty-1',
			(o) => (o.referenceRange[0].low.comparator = '<'),
			['profile sqty-1 Observation.referenceRange[0].low', 'profile-cardinality-max Observation.referenceRange[0].low.comparator'],
		],
		[
			'lab',
			'rng-2',
			(o) => {
				delete o.valueQuantity;
				o.valueRange = { low: { value: 2 }, high: { value: 1 } };
			},
			['rng-2 Observation.value'],
		],
		[
			'lab',
			'rat-1',
			(o) => (o.component = [{ code: { text: 'r' }, valueRatio: { numerator: { value: 1 } } }]),
			['rat-1 Observation.component[0].value'],
		],
		[
			'condition',
			'con-3',
			(c) => {
				delete c.clinicalStatus;
				delete c.abatementDateTime;
			},
			['con-3 Condition'],
		],
		['condition', 'con-4', (c) => (c.clinicalStatus.coding[0].code = 'active'), ['con-4 Condition']],
		['condition', 'con-5', (c) => (c.verificationStatus.coding[0].code = 'entered-in-error'), ['con-5 Condition']],
		['condition', 'con-1', (c) => (c.stage = [{ type: { text: 'x' } }]), ['con-1 Condition.stage[0]']],
		['condition', 'age-1', (c) => delete c.onsetAge.code, ['age-1 Condition.onset']],
		[
			'medicationRequest',
			'tim-1',
			(m) => delete m.dosageInstruction[0].timing.repeat.durationUnit,
			['tim-1 MedicationRequest.dosageInstruction[0].timing.repeat'],
		],
		[
			'medicationRequest',
			'tim-2',
			(m) => delete m.dosageInstruction[0].timing.repeat.periodUnit,
			['tim-2 MedicationRequest.dosageInstruction[0].timing.repeat'],
		],
		[
			'medicationRequest',
			'tim-4',
			(m) => (m.dosageInstruction[0].timing.repeat.duration = -1),
			['tim-4 MedicationRequest.dosageInstruction[0].timing.repeat'],
		],
		[
			'medicationRequest',
			'tim-6',
			(m) => (m.dosageInstruction[0].timing.repeat = { periodMax: 2 }),
			['tim-6 MedicationRequest.dosageInstruction[0].timing.repeat'],
		],
		[
			'medicationRequest',
			'tim-9',
			(m) => (m.dosageInstruction[0].timing.repeat = { offset: 2, when: ['C'] }),
			['tim-9 MedicationRequest.dosageInstruction[0].timing.repeat'],
		],
		['encounter', 'drt-1', (e) => delete e.length.system, ['drt-1 Encounter.length', 'qty-3 Encounter.length']],
		['questionnaireResponse', 'qrs-1', (q) => (q.item[0].answer = [{ valueBoolean: true }]), ['qrs-1 QuestionnaireResponse.item[0]']],
		['practitioner', 'obs of nothing', (p) => (p.qualification[0].period = { start: '2020' }), []],
		['bundle', 'bdl-1', (b) => (b.total = 2), ['bdl-1 Bundle']],
		['bundle', 'bdl-2', (b) => (b.entry[0].search = { mode: 'match' }), ['bdl-2 Bundle']],
		['bundle', 'bdl-3', (b) => delete b.entry[0].request, ['bdl-3 Bundle']],
		['bundle', 'bdl-4', (b) => (b.entry[0].response = { status: '200' }), ['bdl-4 Bundle']],
		[
			'bundle',
			'bdl-5',
			(b) => (b.entry[0] = { fullUrl: 'urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a', link: [{ relation: 'a', url: 'b' }] }),
			['bdl-5 Bundle.entry[0]', 'bdl-3 Bundle'],
		],
		[
			'bundle',
			'bdl-7',
			(b) => {
				b.entry[1].fullUrl = b.entry[0].fullUrl;
				b.entry[1].resource.subject = { display: 'x' };
			},
			['bdl-7 Bundle'],
		],
		['bundle', 'bdl-8', (b) => (b.entry[1].fullUrl = 'http://example.org/fhir/Observation/o1/_history/1'), ['bdl-8 Bundle.entry[1]']],
		[
			'bundle',
			'bdl-9 to 11',
			(b) => {
				b.type = 'document';
				for (const entry of b.entry) delete entry.request;
			},
			['bdl-9 Bundle', 'bdl-10 Bundle', 'bdl-11 Bundle'],
		],
		['questionnaire', 'que-0', (q) => (q.name = 'not a name'), ['que-0 Questionnaire']],
		['questionnaire', 'que-1', (q) => delete q.item[0].item, ['que-1 Questionnaire.item[0]']],
		['questionnaire', 'que-2', (q) => (q.item[0].item[1].linkId = '1.1'), ['que-2 Questionnaire']],
		[
			'questionnaire',
			'que-4',
			(q) => (q.item[0].item[0].answerValueSet = 'http://example.org/vs'),
			['que-4 Questionnaire.item[0].item[0]'],
		],
		['questionnaire', 'que-6', (q) => (q.item[0].item[2].required = true), ['que-6 Questionnaire.item[0].item[2]']],
		[
			'questionnaire',
			'que-7',
			(q) => (q.item[0].item[1].enableWhen = [{ question: '1.1', operator: 'exists', answerString: 'x' }]),
			['que-7 Questionnaire.item[0].item[1].enableWhen[0]'],
		],
		['questionnaire', 'que-10', (q) => (q.item[0].item[0].maxLength = 3), ['que-10 Questionnaire.item[0].item[0]']],
		[
			'questionnaire',
			'que-12',
			(q) => (q.item[0].item[1].enableWhen = [1, 2, 3].map((n) => ({ question: `${n}`, operator: 'exists', answerBoolean: true }))),
			['que-12 Questionnaire.item[0].item[1]'],
		],
		['appointment', 'app-2', (a) => delete a.end, ['app-2 Appointment', 'app-3 Appointment']],
		[
			'appointment',
			'app-3',
			(a) => {
				delete a.end;
				delete a.start;
			},
			['app-3 Appointment'],
		],
		['appointment', 'app-4', (a) => (a.cancelationReason = { text: 'ill' }), ['app-4 Appointment']],
		['appointment', 'app-1', (a) => (a.participant = [{ status: 'accepted' }]), ['app-1 Appointment.participant[0]']],
		['parameters', 'inv-1', (p) => (p.parameter[0].part = [{ name: 'x', valueCode: 'a' }]), ['inv-1 Parameters.parameter[0]']],
	]);
});

describe('references', () => {
	cases([
		[
			'heartRate',
			'a type that is not allowed',
			(o) => (o.subject = { reference: 'Practitioner/1' }),
			['reference-target Observation.subject', 'profile-reference-target Observation.subject'],
		],
		[
			'heartRate',
			'an absolute reference to a type that is not allowed',
			(o) => (o.encounter = { reference: 'https://example.org/r4/Patient/1/_history/2' }),
			['reference-target Observation.encounter'],
		],
		[
			'heartRate',
			'a type that only `type` tells',
			(o) => (o.encounter = { type: 'Patient', identifier: { value: '1' } }),
			['reference-target Observation.encounter'],
		],
		[
			'heartRate',
			'a `type` that is not the reference’s',
			(o) => (o.encounter = { reference: 'Encounter/1', type: 'EpisodeOfCare' }),
			['reference-type Observation.encounter.type'],
		],
		[
			'heartRate',
			'no form of a reference',
			(o) => (o.encounter = { reference: 'nonsense' }),
			['reference-format Observation.encounter.reference'],
		],
		['heartRate', 'a search in a transaction', (o) => (o.encounter = { reference: 'Encounter?identifier=a|b' }), []],
		['heartRate', 'a URL that tells no type', (o) => (o.encounter = { reference: 'urn:oid:1.2.3' }), []],
		[
			'patient',
			'a contained resource of another type',
			(p) => (p.generalPractitioner = [{ reference: '#org' }, { reference: 'Location/1' }]),
			['reference-target Patient.generalPractitioner[1]'],
		],
		[
			'bundle',
			'an entry of another type',
			(b) => (b.entry[1].resource.encounter = { reference: b.entry[0].fullUrl }),
			['reference-target Bundle.entry[1].resource.encounter'],
		],
		[
			'bundle',
			'a full URL that does not fit the resource',
			(b) => (b.entry[1].fullUrl = 'http://example.org/fhir/Observation/o2'),
			['bundle-full-url Bundle.entry[1].fullUrl'],
		],
		['bundle', 'a relative full URL', (b) => (b.entry[1].fullUrl = 'Observation/o1'), ['bundle-full-url Bundle.entry[1].fullUrl']],
	]);
});

describe('extensions', () => {
	const race = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-race';
	cases([
		[
			'patient',
			'a known one with a wrong value',
			(p) => (p._birthDate.extension[0] = { url: 'http://hl7.org/fhir/StructureDefinition/patient-birthTime', valueString: 'x' }),
			['profile-type-not-allowed Patient.birthDate.extension[0].value'],
		],
		['patient', 'a part that is required', (p) => p.extension[0].extension.pop(), ['profile-slice-min Patient.extension[0].extension']],
		[
			'patient',
			'a code that is not in the value set',
			(p) => (p._birthDate.extension[0] = { url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'nope' }),
			['profile-binding-required Patient.birthDate.extension[0].value'],
		],
		['patient', 'a code of a value set that is not known here', (p) => (p.extension[0].extension[0].valueCoding.code = '1'), []],
		[
			'patient',
			'a known one at a place it is not for',
			(p) => (p.name[0].extension = [p.extension[0]]),
			['profile-extension-context Patient.name[0].extension[0]'],
		],
		[
			'patient',
			'one for elements inside datatypes',
			(p) => (p.name[0]._family = { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/humanname-own-name', valueString: 'K' }] }),
			[],
		],
		['patient', 'twice where once is allowed', (p) => p.extension.push(p.extension[0]), ['profile-slice-max Patient.extension']],
		[
			'patient',
			'a modifier that is not known',
			(p) => (p.modifierExtension = [{ url: 'http://example.org/not', valueBoolean: true }]),
			['extension-unknown Patient.modifierExtension[0]'],
		],
		[
			'patient',
			'one that changes no meaning as a modifier',
			(p) => (p.modifierExtension = [{ ...p.extension[0], url: race }]),
			['extension-place Patient.modifierExtension[0]'],
		],
		[
			'questionnaire',
			'one that is only for some elements',
			(q) =>
				(q.item[0].item[1].extension = [{ url: 'http://hl7.org/fhir/StructureDefinition/questionnaire-sliderStepValue', valueInteger: 1 }]),
			['profile-extension-context Questionnaire.item[0].item[1].extension[0]'],
		],
	]);
});

describe('profiles', () => {
	const wrongSystem = (o: Loose): void => {
		o.valueQuantity.system = 'http://example.org';
	};
	cases([
		['patient', 'us-core-patient without identifier', (p) => delete p.identifier, ['profile-cardinality-min Patient.identifier']],
		[
			'patient',
			'us-core-patient 7.0.0 without gender',
			(p) => {
				delete p.gender;
				p.meta.profile[0] += '|7.0.0';
			},
			['profile-cardinality-min Patient.gender'],
		],
		['patient', 'us-core-6', (p) => (p.name[1] = { text: 'only text' }), ['profile us-core-6 Patient.name[1]']],
		[
			'heartRate',
			'without category',
			(o) => delete o.category,
			['profile-cardinality-min Observation.category', 'profile-slice-min Observation.category'],
		],
		['heartRate', 'of another category', (o) => (o.category[0].coding[0].code = 'laboratory'), ['profile-slice-min Observation.category']],
		['heartRate', 'with another code', (o) => (o.code.coding[0].code = '8462-4'), ['profile-pattern Observation.code']],
		['heartRate', 'with another unit', (o) => (o.valueQuantity.code = '/h'), ['profile-fixed Observation.value.code']],
		['heartRate', 'with a unit of another system', wrongSystem, ['profile-fixed Observation.value.system']],
		[
			'heartRate',
			'of the base profile with text as its value',
			(o) => {
				o.meta.profile = ['http://hl7.org/fhir/StructureDefinition/heartrate'];
				delete o.valueQuantity;
				o.valueString = '44';
			},
			['profile-type-not-allowed Observation.value'],
		],
		['heartRate', 'vs-1', (o) => (o.effectiveDateTime = '2024'), ['profile vs-1 Observation.effective']],
		['heartRate', 'vs-2', (o) => delete o.valueQuantity, ['profile vs-2 Observation']],
		['bloodPressure', 'vs-3', (o) => delete o.component[1].dataAbsentReason, ['profile vs-3 Observation.component[1]']],
		[
			'bloodPressure',
			'without diastolic',
			(o) => o.component.pop(),
			['profile-cardinality-min Observation.component', 'profile-slice-min Observation.component'],
		],
		['bloodPressure', 'with systolic twice', (o) => o.component.push(o.component[0]), ['profile-slice-max Observation.component']],
		['lab', 'us-core-3', wrongSystem, ['profile us-core-3 Observation.value']],
		['lab', 'us-core-1', (o) => (o.effectiveDateTime = '2024-01'), ['profile us-core-1 Observation.effective']],
		['lab', 'us-core-2', (o) => delete o.valueQuantity, ['profile us-core-2 Observation']],
		[
			'lab',
			'us-core-22',
			(o) => (o.referenceRange[0].low.system = 'http://example.org'),
			['profile us-core-22 Observation.referenceRange[0]'],
		],
		[
			'condition',
			'without category',
			(c) => delete c.category,
			['profile-cardinality-min Condition.category', 'profile-slice-min Condition.category'],
		],
		['medicationRequest', 'us-core-21', (m) => delete m.requester, ['profile us-core-21 MedicationRequest']],
		['encounter', 'without type', (e) => delete e.type, ['profile-cardinality-min Encounter.type']],
		[
			'coverage',
			'us-core-15',
			(c) => {
				delete c.subscriberId;
				delete c.identifier;
			},
			['profile us-core-15 Coverage'],
		],
		['coverage', 'with a copay of no value', (c) => delete c.relationship, ['profile-cardinality-min Coverage.relationship']],
		['practitioner', 'us-core-16', (p) => (p.identifier[0].value = '12'), ['profile us-core-16 Practitioner.identifier[0]']],
		['practitioner', 'us-core-17', (p) => (p.identifier[0].value = '9941339101'), ['profile us-core-17 Practitioner.identifier[0]']],
		[
			'questionnaireResponse',
			'sdcqr-1',
			(q) => delete q.subject,
			['profile sdcqr-1 QuestionnaireResponse', 'profile-cardinality-min QuestionnaireResponse.subject'],
		],
		['questionnaireResponse', 'sdcqr-2', (q) => (q.item[0].item[1].linkId = '/1/1'), ['profile sdcqr-2 QuestionnaireResponse']],
		[
			'patient',
			'a profile that is not known',
			(p) => p.meta.profile.push('http://example.org/profile'),
			['unknown-profile Patient.meta.profile[1]'],
		],
		[
			'patient',
			'a version that is not known',
			(p) => (p.meta.profile = ['http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|3.1.1']),
			['unknown-profile Patient.meta.profile[0]'],
		],
		[
			'patient',
			'a profile about another type',
			(p) => (p.meta.profile = ['http://hl7.org/fhir/us/core/StructureDefinition/us-core-location']),
			['profile-type Patient.meta.profile[0]'],
		],
		['patient', 'the resource’s own definition', (p) => (p.meta.profile = ['http://hl7.org/fhir/StructureDefinition/Patient']), []],
		[
			'bundle',
			'profiles of entries',
			(b) => (b.entry[0].resource.meta = samples.patient?.meta),
			['profile-cardinality-min Bundle.entry[0].resource.identifier'],
		],
	]);

	it('checks profiles that it is asked to, and each once', () => {
		const patient = 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient';
		const bare = { resourceType: 'Patient', text: samples.patient?.text };
		const asked = told(validator.validate(bare, { profiles: [patient] }));
		assert.deepEqual(asked, ['profile-cardinality-min Patient.identifier', 'profile-cardinality-min Patient.name']);
		assert.deepEqual(told(validator.validate({ ...bare, meta: { profile: [patient] } }, { profiles: [patient] })), asked);
		assert.deepEqual(told(validator.validate(bare, { profiles: ['http://example.org/p'] })), ['unknown-profile Patient']);
	});

	it('knows US Core in three versions', () => {
		for (const version of ['6.1.0', '7.0.0', '8.0.0']) {
			const profile = [`http://hl7.org/fhir/us/core/StructureDefinition/us-core-heart-rate|${version}`];
			const heartRate = changed('heartRate', (o) => (o.meta.profile = profile));
			assert.deepEqual(validator.validate(heartRate), []);
			assert.deepEqual(told(validator.validate({ ...heartRate, category: undefined })), [
				'profile-cardinality-min Observation.category',
				'profile-slice-min Observation.category',
			]);
		}
	});

	it('checks extensions in the version of the profile that is claimed', () => {
		const sex = (version: string, value: object): Loose =>
			changed('patient', (p) => {
				p.meta.profile = [`http://hl7.org/fhir/us/core/StructureDefinition/us-core-patient|${version}`];
				p.extension = [{ url: 'http://hl7.org/fhir/us/core/StructureDefinition/us-core-sex', ...value }];
			});
		assert.deepEqual(validator.validate(sex('7.0.0', { valueCode: '248152002' })), []);
		assert.deepEqual(told(validator.validate(sex('8.0.0', { valueCode: '248152002' }))), [
			'profile-type-not-allowed Patient.extension[0].value',
		]);
		assert.deepEqual(validator.validate(sex('8.0.0', { valueCoding: { system: 'http://snomed.info/sct', code: '248152002' } })), []);
	});
});

describe('slices that a value set tells', () => {
	it('are of the version of the profile', () => {
		// Social history became a category of screenings with 8.0.0; before, it was one beside them.
		for (const version of ['6.1.0', '7.0.0', '8.0.0']) {
			const url = `http://hl7.org/fhir/us/core/StructureDefinition/us-core-observation-screening-assessment|${version}`;
			const category = ['survey', 'social-history'].map((code) => ({
				coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code }],
			}));
			const asked = changed('heartRate', (o) => Object.assign(o, { meta: { profile: [url] }, category }));
			assert.deepEqual(validator.validate(asked), [], version);
		}
	});
});

describe('what an issue is', () => {
	const one = (change: (resource: Loose) => void): Issue => validator.validate(changed('heartRate', change)).at(0) as Issue;

	it('is structural when not even lenient handling takes it', () => {
		assert.equal(isStructural(one((o) => (o.zzz = 1))), true);
		assert.equal(isStructural(one((o) => delete o.status)), true);
		assert.equal(isStructural(one((o) => (o.issued = '2024'))), true);
		assert.equal(isStructural(one((o) => (o.status = 'unheard-of'))), false);
		assert.equal(isStructural(one((o) => (o.referenceRange = [{ age: {} }]))), true);
		assert.equal(isStructural(one((o) => delete o.category)), false);
		assert.equal(isStructural(one((o) => delete o.text)), false);
	});

	it('is of a profile when the base specification is kept', () => {
		assert.equal(isProfileIssue(one((o) => delete o.category)), true);
		assert.equal(isProfileIssue(one((o) => delete o.status)), false);
		assert.equal(isProfileIssue(one((o) => (o.meta.profile = ['http://example.org/x']))), false);
	});

	it('says what was expected', () => {
		const { text, type } = one((o) => (o.status = 'unheard-of'));
		assert.equal(type, 'code-invalid');
		assert.match(text, /"unheard-of".*ValueSet\/observation-status \(registered, preliminary/);
		assert.match(one((o) => (o.Status = 'final')).text, /Did you mean "status"/);
		assert.match(one((o) => (o.issued = '2024')).text, /instant.*YYYY-MM-DDThh:mm:ss/);
	});

	it('is about the type when another is expected', () => {
		assert.deepEqual(told(validator.validate(samples.patient, { type: 'Observation' })), ['resource-type undefined']);
		assert.deepEqual(validator.validate(samples.patient, { type: 'Patient' }), []);
	});
});
