// CCDs of the sample and the demo clinic: everything that USCDI v5 asks for is said in codes somewhere, and HL7's schematron finds no error.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClinic } from '#demo/clinic.ts';
import { documentOf, draftOf, isMadeKind } from '#exchange/documents/ccda/document.ts';
import { type PatientRecord, recordOf } from '#exchange/documents/record.ts';
import type { Entity, Patient } from '#exchange/documents/shapes.ts';
import { sampleRecord } from '#exchange/documents/testing/sample.ts';
import { createSchematron } from '#exchange/documents/testing/schematron.ts';
import { documents } from '#formats/ccda/vocabulary.ts';

const base = 'https://heron.test/apis/default/fhir';
const clinic = createClinic({ seed: 1, today: '2026-11-25', patients: 200 });
const identity = { id: '5b3f0f5e-8a3c-4f7e-9d53-6f2f5f2a0001', setId: '5b3f0f5e-8a3c-4f7e-9d53-6f2f5f2a0002' };

function recordAt(n: number): PatientRecord {
	const own = clinic.chart(n) as unknown as Entity[];
	const shared = clinic.shared as unknown as Entity[];
	const patient = own.find(({ resourceType }) => resourceType === 'Patient') as Patient;
	return recordOf(base, patient, own, new Map([...shared, ...own].map((one) => [`${one.resourceType}/${one.id}`, one])));
}

function made(record: PatientRecord, kind: string): string | undefined {
	if (!isMadeKind(kind)) return undefined;
	const draft = draftOf({ kind, record, base, now: new Date('2026-11-25T18:00:00Z'), period: {} });
	return draft === undefined ? undefined : documentOf(draft, kind, identity);
}

const loinc = (code: string): string => `code="${code}" codeSystem="2\\.16\\.840\\.1\\.113883\\.6\\.1"`;
const template = (suffix: string): string => `root="2\\.16\\.840\\.1\\.113883\\.10\\.20\\.22\\.4\\.${suffix.replaceAll('.', '\\.')}"`;

/** What USCDI v5 asks for (https://www.healthit.gov/isp/united-states-core-data-interoperability-uscdi), by section (LOINC) or the header. */
const elements: readonly (readonly [element: string, section: string, says: string])[] = [
	[
		'Allergies: medicine',
		'48765-2',
		`${template('7')}[^]*<playingEntity[^>]*><code code="\\d+" codeSystem="2\\.16\\.840\\.1\\.113883\\.6\\.88"`,
	],
	[
		'Allergies: substance that is no medicine',
		'48765-2',
		`${template('7')}[^]*<playingEntity[^>]*><code code="\\d+" codeSystem="2\\.16\\.840\\.1\\.113883\\.6\\.96"`,
	],
	['Allergies: reaction', '48765-2', `${template('9')}[^]*<value xsi:type="CD" code="`],
	[
		'Care team member: name, role, telecom',
		'85847-2',
		`${template('500.1')}[^]*<sdtc:functionCode code="[^]*<telecom [^>]*value="[^]*<family>`,
	],
	['Clinical notes: progress note', '34109-9', `${template('202')}[^]*<translation ${loinc('11506-3')}`],
	['Clinical notes: history and physical', '34109-9', `<translation ${loinc('34117-2')}`],
	['Clinical notes: consultation note', '34109-9', `<translation ${loinc('11488-4')}`],
	['Clinical notes: discharge summary', '34109-9', `<translation ${loinc('18842-5')}`],
	['Clinical notes: procedure note', '34109-9', `<translation ${loinc('28570-0')}`],
	['Diagnostic imaging: report', '34109-9', `<translation ${loinc('LP29684-5')}`],
	['Encounter: type, time, identifier, diagnosis', '46240-8', `${template('49')}[^]*<id [^]*<effectiveTime[^]*${template('80')}`],
	['Encounter: disposition', '46240-8', '<sdtc:dischargeDispositionCode code="'],
	['Facility: identifier, type, name', '46240-8', `${template('32')}/><id root="[^"]+" extension="[^]*<translation code="[^]*<name>`],
	['Goals: patient goal', '61146-7', `${template('121')}`],
	['Preferences: treatment intervention', '29762-2', `${template('510')}[^]*${loinc('75773-2')}`],
	['Preferences: care experience', '29762-2', `${template('509')}[^]*${loinc('95541-9')}`],
	[
		'Insurance: type, member, relation, payer',
		'48768-6',
		`${template('61')}[^]*${template('87')}[^]*${template('89')}[^]*extension="[^]*code="SELF"`,
	],
	['Insurance: subscriber who is not the patient', '48768-6', `${template('90')}[^]*<family>`],
	['Health status: concern', '75310-3', `${template('132')}[^]*${template('4')}`],
	['Health status: functional', '47420-5', `${template('(69|67)')}`],
	['Health status: mental', '10190-7', `${template('(69|74)')}`],
	['Health status: pregnancy', '29762-2', 'root="2\\.16\\.840\\.1\\.113883\\.10\\.20\\.15\\.3\\.8"'],
	['Health status: smoking', '29762-2', `${template('78')}[^]*<value xsi:type="CD" code="`],
	['Health status: alcohol', '29762-2', loinc('74013-4')],
	['Health status: social needs', '29762-2', loinc('88121-9')],
	[
		'Immunization: vaccine, lot',
		'11369-6',
		`${template('54')}[^]*<code code="\\d+" codeSystem="2\\.16\\.840\\.1\\.113883\\.12\\.292"[^]*<lotNumberText>`,
	],
	[
		'Laboratory: test, value, unit, status, range, interpretation',
		'30954-2',
		`${template('2')}[^]*<statusCode code="completed"[^]*<value xsi:type="PQ" value="[^"]+" unit="[^]*<interpretationCode code="[^]*<referenceRange>`,
	],
	[
		'Laboratory: specimen type and identifier',
		'30954-2',
		'<specimenRole><id root="[^"]+" extension="[^]*<specimenPlayingEntity><code code="',
	],
	['Laboratory: specimen condition', '30954-2', 'code="17636008"[^]*code="HEM"'],
	[
		'Medical device: unique identifier',
		'46264-8',
		`${template('37')}/><id assigningAuthorityName="FDA" root="2\\.16\\.840\\.1\\.113883\\.3\\.3719" extension="`,
	],
	[
		'Medication: drug, dose, unit, route',
		'10160-0',
		`${template('16')}[^]*<routeCode code="C38288"[^]*<doseQuantity value="[^"]+" unit="[^]*codeSystem="2\\.16\\.840\\.1\\.113883\\.6\\.88"`,
	],
	['Medication: indication', '10160-0', template('19')],
	['Medication: fill status', '10160-0', `${template('18')}[^]*<statusCode code="completed"`],
	['Medication: instructions', '10160-0', template('147')],
	['Medication: adherence', '10160-0', `${template('508')}[^]*${loinc('71799-1')}`],
	['Orders: laboratory', '18776-5', `moodCode="RQO"[^>]*><templateId ${template('44')}`],
	['Orders: procedure', '18776-5', `moodCode="RQO"[^>]*><templateId ${template('(39|41)')}`],
	['Orders: medicine', '10160-0', 'moodCode="INT"'],
	['Orders: referral', '42349-1', template('140')],
	[
		'Demographics: name, birth, sex, race, ethnicity, language',
		'header',
		'<given>[^]*<family>[^]*administrativeGenderCode code="[^]*birthTime value="[^]*raceCode code="[^]*ethnicGroupCode code="[^]*languageCode code="',
	],
	['Demographics: previous name', 'header', '<patient>[^]*</name><name>'],
	['Demographics: name to use', 'header', '<given qualifier="CL">'],
	['Demographics: previous address', 'header', '<useablePeriod [^]*<high value="'],
	['Demographics: telephone and mail', 'header', 'value="tel:[^]*value="mailto:'],
	['Demographics: related person', 'header', '<associatedEntity classCode="(NOK|ECON)"><code code="[^]*<family>'],
	['Demographics: date of death', 'header', '<sdtc:deceasedTime value="'],
	['Demographics: sex', '29762-2', `${template('507')}[^]*code="248152002"`],
	['Demographics: gender identity', '29762-2', loinc('76691-5')],
	['Demographics: tribal affiliation', '29762-2', loinc('95370-3')],
	['Demographics: interpreter needed', '29762-2', loinc('54588-9')],
	['Demographics: occupation and industry', '29762-2', `${loinc('11341-5')}[^]*${loinc('86188-0')}`],
	['Problem: with dates of diagnosis and resolution', '11450-4', `${template('4')}[^]*<low value="[^]*<high value="`],
	['Procedure: with its time', '47519-4', `${template('14')}[^]*<effectiveTime`],
	['Provenance: author, organization, time', '11450-4', `${template('119')}/><time value="[^]*<family>`],
	['Vital signs: pressure', '8716-3', `${template('26')}[^]*${loinc('8480-6')}[^]*${loinc('8462-4')}`],
	['Vital signs: average pressure', '8716-3', `${template('512')}[^]*${loinc('96608-5')}[^]*${loinc('96609-3')}`],
	['Vital signs: heart and respiratory rate, temperature', '8716-3', `${loinc('8867-4')}[^]*${loinc('9279-1')}[^]*${loinc('8310-5')}`],
	['Vital signs: height, weight', '8716-3', `${loinc('8302-2')}[^]*${loinc('29463-7')}`],
	['Vital signs: pulse oximetry and inhaled oxygen', '8716-3', `${loinc('59408-5')}[^]*${loinc('3150-[06]')}`],
	['Vital signs: percentiles of children', '8716-3', loinc('59576-9')],
	['Advance directive', '42348-3', template('48')],
];

/** Sections by their LOINC code, and what stands before the body. */
function partsOf(xml: string): Map<string, string> {
	const sections = [...xml.matchAll(/<section\b[\s\S]*?<\/section>/g)].map(([text]): [string, string] => [
		/<code code="([^"]+)"/.exec(text)?.[1] ?? '',
		text,
	]);
	return new Map([['header', xml.slice(0, xml.indexOf('<structuredBody'))], ...sections]);
}

test('the CCDs of the sample and the demo clinic say all that USCDI v5 asks for', () => {
	const open = new Map(elements.map(([name, section, says]) => [name, { section, says: new RegExp(says) }]));
	for (let n = -1; n < clinic.patients && open.size > 0; n += 1) {
		const parts = partsOf(made(n < 0 ? sampleRecord() : recordAt(n), 'ccd') as string);
		for (const [name, { section, says }] of open) if (says.test(parts.get(section) ?? '')) open.delete(name);
	}
	assert.deepEqual([...open.keys()], []);
});

test('the schematron of C-CDA R2.1 finds no error in documents of demo patients of all ages', () => {
	const schematron = createSchematron();
	for (const n of [0, 199]) {
		const record = recordAt(n);
		for (const kind of Object.keys(documents)) {
			const xml = made(record, kind);
			if (xml !== undefined) assert.deepEqual(schematron.findingsOf(xml), [], `patient ${n}, ${kind}`);
		}
	}
});
