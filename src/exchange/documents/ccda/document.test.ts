import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordOf } from '#exchange/documents/record.ts';
import type { Entity } from '#exchange/documents/shapes.ts';
import { sampleRecord } from '#exchange/documents/testing/sample.ts';
import { createSchematron } from '#exchange/documents/testing/schematron.ts';
import { readDocument, type Section } from '#formats/ccda/document.ts';
import { at, child, childrenOf, type Element, textOf, walk } from '#formats/ccda/tree.ts';
import { type SectionKey, sections } from '#formats/ccda/vocabulary.ts';
import { documentOf, draftOf, type MadeKind } from './document.ts';
import type { Draft } from './draft.ts';

const kinds: readonly MadeKind[] = ['ccd', 'referral', 'discharge', 'care-plan', 'progress'];
const identity = { id: '11111111-1111-4111-8111-111111111111', setId: '11111111-1111-4111-8111-111111111112' };

function made(kind: MadeKind, period = {}, record = sampleRecord()): string {
	const draft = draftOf({ kind, record, base: 'https://heron.test/fhir', now: new Date('2026-11-25T13:00:00Z'), period });
	assert.ok(draft !== undefined, kind);
	return documentOf(draft as Draft, kind, identity);
}

const schematron = createSchematron();
const ccd = made('ccd');
const document = readDocument(Buffer.from(ccd));
const sectionOf = (key: SectionKey, of = document): Section => {
	const found = of.sections.find(({ code }) => code?.attributes.code === sections[key].code);
	assert.ok(found !== undefined, key);
	return found;
};
const words = (key: SectionKey): string => textOf(sectionOf(key).narrative) ?? '';

test('the schematron of C-CDA R2.1 finds no error in a CCD with everything, and finds one that is put in', () => {
	assert.deepEqual(schematron.findingsOf(ccd), []);
	const small = made(
		'care-plan',
		{},
		sampleRecord(({ resourceType }) => resourceType !== 'Encounter'),
	);
	assert.ok(schematron.findingsOf(small.replace(/<recordTarget>.*<\/recordTarget>/, '')).some((error) => error.includes('1198-5266')));
});

for (const kind of kinds) {
	test(`${kind}: every id of the narrative is there once, every reference leads to one, no template lacks its compatible id`, () => {
		const xml = made(kind);
		const ids = [...xml.matchAll(/ ID="([^"]+)"/g)].map(([, id]) => id);
		assert.equal(new Set(ids).size, ids.length);
		for (const [, reference] of xml.matchAll(/<reference value="#([^"]+)"/g)) assert.ok(ids.includes(reference), reference);
		assert.equal(made(kind), xml);
		readDocument(Buffer.from(xml));
	});

	test(`${kind}: of a patient of whom nothing is known but visits, sections say so`, () => {
		const empty = readDocument(
			Buffer.from(
				made(
					kind,
					{},
					sampleRecord(({ resourceType }) => resourceType !== 'Encounter'),
				),
			),
		);
		const nulls = childrenOf(at(empty.root, 'component', 'structuredBody'), 'component').filter(
			(one) => child(one, 'section')?.attributes.nullFlavor === 'NI',
		);
		assert.ok(nulls.length >= 2);
		for (const one of nulls) assert.equal(textOf(child(child(one, 'section'), 'text')), 'No information.');
	});
}

/** What each section has to say of the sample. */
const told: Readonly<Partial<Record<SectionKey, readonly string[]>>> = {
	allergies: ['Penicillin G', 'Hives, Itching', 'Severe', 'Nuts', 'No known allergy'],
	medications: ['Metformin', 'Take 1 tablet twice daily', '60 tablet, 3 refills', 'Herbal tea', 'Simvastatin'],
	problems: ['Type 2 diabetes', 'Pneumonia', 'A feeling <of> "unease" & more', 'Refuted'],
	procedures: ['Appendectomy', 'Ward 3', 'A procedure long ago'],
	results: [
		'126 mg/dL',
		'70-99 mg/dL',
		'High',
		'Straw <yellow>',
		'<3 mg/L',
		'Staphylococcus aureus',
		'5 drops',
		'1 : 128',
		'Glucose is high.',
		'Blood specimen',
	],
	'vital-signs': ['120 mmHg', '80 mmHg', '70.5 kg', 'Not performed'],
	immunizations: ['Influenza', 'Vaccine Maker', 'patient objection'],
	'social-history': [
		'Ex-smoker',
		'Birth sex',
		'Identifies as female gender',
		'Pregnant',
		'Teacher',
		'Heterosexual',
		'At risk',
		'Paiute-Shoshone',
	],
	encounters: ['Office visit', 'Acute viral pharyngitis', 'A nurse', 'Ward 3', 'Discharged to home'],
	plan: ['Hemoglobin A1c', 'Colonoscopy', 'Follow-up', 'lisinopril', 'Diabetes self management plan', 'See the dietitian', 'Eat & move'],
	goals: ['Bring HbA1c below 7 %', 'Hemoglobin A1c: 7 %', 'Dec 31, 2024', 'Type 2 diabetes'],
	'health-concerns': ['Homeless'],
	'functional-status': ['Independent walking'],
	'mental-status': ['PHQ-9 total score', '7', 'Feeling down, depressed, or hopeless', 'Not at all', 'Several days', 'Poor concentration'],
	'medical-equipment': ['Cardiac pacemaker', '(01)00643169007222(17)160128(21)BLC200461H', 'Cane'],
	'care-teams': ['Primary care provider', "O'Neil", 'Somebody', 'Diabetes team'],
	payers: ['Good Health Insurance', 'W123', 'G1', 'Other Insurance'],
	'advance-directives': ['Do Not Resuscitate', 'Not for resuscitation', 'living will', 'Patient Living will'],
	'family-history': ['mother', 'Myocardial infarction', '60 years', 'Died at 71 years', 'Bad knees', 'Uncle'],
	notes: ['pneumonia, resolving', 'Clear lungs & heart.', 'letter.png'],
	'reason-for-referral': ['Referral to psychiatry service', 'Depressive disorder', 'Lakeside Clinic'],
};
for (const [key, expected] of Object.entries(told)) {
	test(`the section ${key} tells what the record says`, () => {
		const narrative = words(key as SectionKey);
		for (const one of expected) assert.ok(narrative.includes(one), `${one} in ${narrative}`);
	});
}

test('what was entered by mistake, is over, or is not yet there is left out', () => {
	for (const one of ['Somebody else’s problem', 'Not yet known', 'Dec 24, 2020']) assert.ok(!ccd.includes(one), one);
	assert.ok(!ccd.includes('<script'));
});

const entry = (key: SectionKey, id: string): Element => {
	let found: Element | undefined;
	for (const one of sectionOf(key).entries)
		walk(one, (inner) => {
			if (childrenOf(inner, 'id').some(({ attributes }) => attributes.extension === id)) found ??= inner;
		});
	assert.ok(found !== undefined, id);
	return found;
};

test('codes: that of the wanted system first, others as translations, none made up', () => {
	const diabetes = child(entry('problems', 'diabetes'), 'value');
	assert.equal(diabetes?.attributes.code, '44054006');
	assert.equal(child(diabetes, 'translation')?.attributes.code, 'E11.9');
	const icd = child(entry('problems', 'icd-only'), 'value');
	assert.equal(icd?.attributes.nullFlavor, 'OTH');
	assert.equal(child(icd, 'translation')?.attributes.codeSystem, '2.16.840.1.113883.6.90');
	const inWords = child(entry('problems', 'words'), 'value');
	assert.equal(inWords?.attributes.nullFlavor, 'OTH');
	assert.equal(at(inWords, 'originalText', 'reference')?.attributes.value, '#problems_Condition_words_name');
});

test('values: quantities with UCUM, bounds as intervals, other units in words, no value as a null flavor', () => {
	assert.deepEqual(child(entry('results', 'glucose'), 'value')?.attributes, { 'xsi:type': 'PQ', value: '126', unit: 'mg/dL' });
	assert.equal(child(child(entry('results', 'small'), 'value'), 'high')?.attributes.value, '3');
	assert.equal(textOf(child(entry('results', 'local'), 'value')), 'drops');
	assert.equal(child(entry('results', 'nothing'), 'value')?.attributes.nullFlavor, 'NI');
	assert.equal(child(entry('medications', 'metformin'), 'routeCode')?.attributes.code, 'C38288');
	const [, often] = childrenOf(entry('medications', 'metformin'), 'effectiveTime');
	assert.deepEqual(child(often, 'period')?.attributes, { value: '12', unit: 'h' });
});

test('a refused vaccination and a refuted problem are negated, and no known allergy is one', () => {
	assert.equal(entry('immunizations', 'refused').attributes.negationInd, 'true');
	assert.equal(entry('immunizations', 'flu').attributes.negationInd, 'false');
	assert.equal(entry('problems', 'words').attributes.negationInd, 'true');
	assert.equal(entry('allergies', 'none').attributes.negationInd, 'true');
});

test('what authors are: by role though only the person is named, qualification, kind of user, relation to the patient; else unknown', () => {
	const role = { resourceType: 'PractitionerRole', id: 'r', practitioner: { reference: 'Practitioner/nurse' } };
	const nurse = { resourceType: 'Practitioner', id: 'nurse', name: [{ family: 'Diaz' }] };
	const taxonomy = 'http://nucc.org/provider-taxonomy';
	const openEmr = 'https://heron-ehr.org/fhir/StructureDefinition/openemr-practitioner-';
	const concept = (system: string, code: string) => ({ coding: [{ system, code }], text: code });
	const relative = { resourceType: 'RelatedPerson', id: 'nurse', name: [{ family: 'Diaz' }] };
	const cases: readonly (readonly [told: string, people: readonly Entity[], code: string | undefined, original?: string])[] = [
		['role in the taxonomy', [nurse, { ...role, code: [concept(taxonomy, '163W00000X')] } as Entity], '163W00000X'],
		['role that is over', [nurse, { ...role, active: false, code: [concept(taxonomy, '163W00000X')] } as Entity], undefined],
		['role in words', [nurse, { ...role, code: [{ text: 'Ward nurse' }] } as Entity], undefined, 'Ward nurse'],
		['qualification in the taxonomy', [{ ...nurse, qualification: [{ code: concept(taxonomy, '163W00000X') }] } as Entity], '163W00000X'],
		['qualification in words', [{ ...nurse, qualification: [{ code: { text: 'RN' } }] } as Entity], undefined, 'RN'],
		['taxonomy of the user', [{ ...nurse, extension: [{ url: `${openEmr}taxonomy`, valueString: '163W00000X' }] } as Entity], '163W00000X'],
		[
			'kind of user',
			[{ ...nurse, extension: [{ url: `${openEmr}physician_type`, valueString: 'attending' }] } as Entity],
			undefined,
			'attending',
		],
		['nothing', [nurse], undefined],
		['relative', [{ ...relative, relationship: [concept('http://terminology.hl7.org/CodeSystem/v3-RoleCode', 'MTH')] } as Entity], 'MTH'],
		['the patient', [{ resourceType: 'Patient', id: 'nurse', name: [{ family: 'Diaz' }] } as Entity], 'ONESELF'],
	];
	for (const [told, people, code, original] of cases) {
		const [person] = people as [Entity];
		const condition = {
			resourceType: 'Condition',
			id: 'c',
			category: [concept('http://terminology.hl7.org/CodeSystem/condition-category', 'problem-list-item')],
			code: { text: 'Cough' },
			recordedDate: '2026-01-02',
			recorder: { reference: `${person.resourceType}/nurse` },
		} as Entity;
		const patient = sampleRecord().patient;
		const record = recordOf(
			'https://heron.test/fhir',
			patient,
			[condition],
			new Map(people.map((one) => [`${one.resourceType}/${one.id}`, one])),
		);
		const xml = made('ccd', {}, record);
		const entries = sectionOf('problems', readDocument(Buffer.from(xml))).entries;
		let work: Element | undefined;
		for (const one of entries)
			walk(one, (inner) => {
				if (inner.name === 'assignedAuthor') work ??= child(inner, 'code');
			});
		assert.ok(work !== undefined, told);
		assert.equal(work.attributes.code, code, told);
		if (code === undefined) assert.equal(textOf(child(work, 'originalText')), original, told);
		if (code !== undefined || original !== undefined) continue;
		assert.deepEqual(schematron.findingsOf(xml), [], told);
	}
});

test('the header: names, numbers with their systems, race in order, contacts, who made and keeps it', () => {
	const role = at(document.root, 'recordTarget', 'patientRole');
	const person = child(role, 'patient');
	assert.deepEqual(childrenOf(person, 'name').map(textOf), [
		"Dr.AnaMaríaO'Neil & SöhneJr.",
		'AnaLópez20100101'.replace('20100101', ''),
		'Annie',
	]);
	assert.deepEqual(
		childrenOf(role, 'id')
			.slice(1)
			.map(({ attributes }) => [attributes.root, attributes.extension]),
		[
			['2.16.840.1.113883.4.1', '999-11-2222'],
			['1.2.3.4.5', 'MRN 17'],
		],
	);
	assert.deepEqual([child(person, 'raceCode')?.attributes.code, child(person, 'sdtc:raceCode')?.attributes.code], ['2106-3', '1002-5']);
	assert.equal(textOf(at(document.root, 'custodian', 'assignedCustodian', 'representedCustodianOrganization', 'name')), 'Lakeside Clinic');
	assert.equal(childrenOf(document.root, 'participant').length, 2);
	assert.equal(child(at(person, 'guardian', 'guardianPerson'), 'name')?.children.length, 2);
});

test('a time of care leaves out what was measured and done at other times, not what goes on', () => {
	const later = made('ccd', { start: '2026-01-01' });
	assert.ok(!later.includes('Glucose') && !later.includes('Appendectomy'));
	assert.ok(later.includes('Type 2 diabetes') && later.includes('Penicillin'));
	assert.ok(made('ccd', { end: '2024-03-01' }).includes('Glucose'));
	assert.ok(!made('ccd', { start: '2024-03-02' }).includes('vital-signs_Observation_weight'));
});

test('a discharge summary is about the last stay', () => {
	const stay = readDocument(Buffer.from(made('discharge')));
	assert.match(textOf(sectionOf('discharge-diagnosis', stay).narrative) ?? '', /Pneumonia/);
	assert.match(textOf(sectionOf('admission-diagnosis', stay).narrative) ?? '', /Type 2 diabetes/);
	assert.match(textOf(sectionOf('hospital-course', stay).narrative) ?? '', /home tomorrow/);
	const visit = at(stay.root, 'componentOf', 'encompassingEncounter');
	assert.equal(child(visit, 'dischargeDispositionCode')?.attributes.code, '01');
	assert.equal(
		draftOf({
			kind: 'discharge',
			record: sampleRecord(({ id }) => id === 'stay'),
			base: 'https://heron.test/fhir',
			now: new Date(0),
			period: {},
		}),
		undefined,
	);
});
