// What documents of other systems look like beside the book: older releases, templates that are missing, codes in places of their own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codesIn, recordFrom, roundTrip, unreadIn } from '#exchange/documents/testing/round-trip.ts';
import type { Resource } from '#fhir/resource.ts';
import { createValidator } from '#fhir/validate/validator.ts';
import { allergyEntry, ccda, medicationEntry, problemEntry, section, standardSections } from '#testing/ccda.ts';
import { testDefinitions } from '#testing/fhir.ts';
import { checked } from './check.ts';
import { readCcda } from './read.ts';

const hl7 = '2.16.840.1.113883';
const validator = createValidator(testDefinitions());

const template = (...roots: readonly string[]): string => roots.map((root) => `<templateId root="${root}"/>`).join('');
const ccd = (suffix: string): string => template(`${hl7}.10.20.1.${suffix}`);
const common = (suffix: string): string => template(`${hl7}.10.20.22.4.${suffix}`);
const snomed = (code: string, name = 'value'): string => `<${name} xsi:type="CD" code="${code}" codeSystem="${hl7}.6.96"/>`;
const within = (statement: string, typeCode = 'SUBJ'): string =>
	`<entryRelationship typeCode="${typeCode}">${statement}</entryRelationship>`;
const act = (content: string): string => `<act classCode="ACT" moodCode="EVN">${content}</act>`;
const observation = (content: string, mood = 'EVN'): string => `<observation classCode="OBS" moodCode="${mood}">${content}</observation>`;
const medicine = (content: string, code: string, system: string): string =>
	`<substanceAdministration classCode="SBADM" moodCode="EVN">${content}<statusCode code="completed"/><effectiveTime value="20240105"/><consumable><manufacturedProduct><manufacturedMaterial><code code="${code}" codeSystem="${hl7}.${system}"/></manufacturedMaterial></manufacturedProduct></consumable></substanceAdministration>`;
const substance = (code: string): string =>
	`<participant typeCode="CSM"><participantRole classCode="MANU"><playingEntity><code code="${code}" codeSystem="${hl7}.6.88"/></playingEntity></participantRole></participant>`;

function read(code: string, entry: string, text?: string): Resource[] {
	const document = readCcda(
		ccda({ sections: [section({ code, title: 'Section', entries: [entry], ...(text === undefined ? {} : { text }) })] }),
	);
	const resources = document.items.map(({ resource }) => resource);
	for (const resource of resources) assert.deepEqual(checked(validator, resource).errors, [], JSON.stringify(resource));
	assert.deepEqual(unreadIn(document), []);
	const { lost } = roundTrip(recordFrom(document), resources);
	assert.deepEqual(lost, []);
	return resources;
}

test('a procedure that an organization tells of was written down by somebody there', () => {
	const author = `<author><time value="20240106"/><assignedAuthor><id root="1.2.3" extension="o"/><representedOrganization><name>Orchard Clinic</name></representedOrganization></assignedAuthor></author>`;
	const entry = `<procedure classCode="PROC" moodCode="EVN">${common('14')}<code code="80146002" codeSystem="${hl7}.6.96"/><statusCode code="completed"/><effectiveTime value="20240105"/>${author}</procedure>`;
	const [procedure] = read('47519-4', entry);
	assert.match(JSON.stringify(procedure?.recorder), /"PractitionerRole".*"Orchard Clinic"/);
});

const types = (resources: readonly Resource[]): string[] => resources.map(({ resourceType }) => resourceType);
const wordsOf = (request: Resource | undefined): (string | undefined)[] =>
	((request?.dosageInstruction ?? []) as { text?: string }[]).map(({ text }) => text);
const codesOf = (resource: Resource | undefined): string[] => [...codesIn([resource as Resource]).keys()];

test('CCD 1.0 and C32: entries are read by the templates that took the place of theirs', () => {
	const allergy = act(
		ccd('27') +
			within(
				observation(
					ccd('28') +
						ccd('18') +
						`<code code="416098002" codeSystem="${hl7}.6.96"/><statusCode code="completed"/>` +
						substance('70618') +
						within(observation(ccd('54') + snomed('247472004')), 'MFST'),
				),
			),
	);
	const [made, ...none] = read('48765-2', allergy);
	assert.deepEqual([made?.resourceType, made?.category, none], ['AllergyIntolerance', ['medication'], []]);
	assert.deepEqual(types(read('11369-6', medicine(ccd('24') + template('1.3.6.1.4.1.19376.1.5.3.1.4.12'), '88', '12.292'))), [
		'Immunization',
	]);
	const panel = (member: string, result: string): string =>
		`<organizer classCode="BATTERY" moodCode="EVN">${ccd(member)}<statusCode code="completed"/><component>${observation(
			`${ccd('31')}<code code="${result}" codeSystem="${hl7}.6.1"/><statusCode code="completed"/><effectiveTime value="20240105"/><value xsi:type="PQ" value="7" unit="g/dL"/>`,
		)}</component></organizer>`;
	assert.deepEqual(types(read('30954-2', panel('32', '718-7'))).toSorted(), ['DiagnosticReport', 'Observation']);
	const vitals = read('8716-3', panel('35', '8867-4'));
	assert.ok(vitals.every((one) => JSON.stringify(one.category).includes('vital-signs')));
});

test('statements without any template are what their section is about', () => {
	const sections = standardSections().map((one) => one.replace(/<templateId [^>]*\/>/g, ''));
	const counts = (document: Buffer) => Map.groupBy(readCcda(document).items, ({ resource }) => resource.resourceType);
	const [with_, without] = [counts(ccda()), counts(ccda({ sections }))];
	for (const type of ['AllergyIntolerance', 'Condition', 'Immunization', 'MedicationRequest', 'DiagnosticReport', 'Encounter'])
		assert.equal(without.get(type)?.length, with_.get(type)?.length, type);
});

test('directions in words belong to the medicine, and a row of a table is no direction', () => {
	const sig = `<substanceAdministration classCode="SBADM" moodCode="INT">${common('147')}<code code="76662-6" codeSystem="${hl7}.6.1"/><text><reference value="#sig"/></text><consumable><manufacturedProduct><manufacturedLabeledDrug nullFlavor="NA"/></manufacturedProduct></consumable></substanceAdministration>`;
	const entry = medicationEntry('m-1').replace('</substanceAdministration>', `${within(sig, 'COMP')}</substanceAdministration>`);
	const row = '<table><tbody><tr ID="row"><td>Metformin</td><td ID="sig">One twice a day with food</td></tr></tbody></table>';
	const [request, ...others] = read('10160-0', entry, row);
	assert.deepEqual(others, []);
	assert.deepEqual(wordsOf(request), ['One twice a day with food']);
	const pointing = medicationEntry('m-2').replace(/<statusCode/, '<text><reference value="#row"/></text><statusCode');
	const [plain] = read('10160-0', pointing, row);
	assert.deepEqual(wordsOf(plain), [undefined]);
});

test('code systems are known by their names where a document gives no OID', () => {
	for (const attributes of ['codeSystem="SNOMED"', 'codeSystemName="SNOMED CT"', 'codeSystem="" codeSystemName="SNOMED-CT"']) {
		const entry = problemEntry('p-1').replace(
			/<value [^>]*>[\s\S]*?<\/value>|<value [^>]*\/>/,
			`<value xsi:type="CD" code="389087006" ${attributes} displayName=""/>`,
		);
		assert.ok(codesOf(read('11450-4', entry)[0]).includes('http://snomed.info/sct|389087006'), attributes);
	}
});

test('a concern in words alone is kept as it is told', () => {
	const entry = act(
		`${common('132')}<code code="75310-3" codeSystem="${hl7}.6.1"/><text><reference value="#c"/></text><statusCode code="active"/><effectiveTime value="20240105"/>`,
	);
	const [condition] = read('75310-3', entry, '<paragraph ID="c">Worried about falls</paragraph>');
	assert.deepEqual(
		[condition?.resourceType, condition?.code, condition?.onsetDateTime],
		['Condition', { text: 'Worried about falls' }, '2024-01-05'],
	);
});

test('what somebody is not allergic to, and a goal that an organization set, can be stored', () => {
	const [refuted] = read('48765-2', allergyEntry('a-1', `<code code="256349002" codeSystem="${hl7}.6.96" displayName="Peanut"/>`, true));
	assert.ok(JSON.stringify(refuted?.verificationStatus).includes('refuted'));
	const author =
		'<author><time value="20240105"/><assignedAuthor><id root="1.2.3"/><representedOrganization><name>Orchard Clinic</name></representedOrganization></assignedAuthor></author>';
	const [goal] = read(
		'61146-7',
		observation(
			`${common('121')}<code code="29463-7" codeSystem="${hl7}.6.1"/><statusCode code="active"/><value xsi:type="PQ" value="70" unit="kg"/>${author}`,
			'GOL',
		),
	);
	assert.ok(JSON.stringify(goal?.expressedBy).includes('"PractitionerRole"'));
});

test('a visit that is only pointed to is no visit of its own, and who took part keeps the function', () => {
	const procedure = `<procedure classCode="PROC" moodCode="EVN">${common('14')}<code code="80146002" codeSystem="${hl7}.6.96"/><statusCode code="completed"/>${within('<encounter classCode="ENC" moodCode="EVN"><id root="1.2.3" extension="162"/></encounter>', 'COMP')}</procedure>`;
	assert.deepEqual(types(read('47519-4', procedure)), ['Procedure']);
	const visit = `<encounter classCode="ENC" moodCode="EVN">${common('49')}<code code="99213" codeSystem="${hl7}.6.12"/><effectiveTime value="20240105"/><performer><functionCode xmlns="urn:hl7-org:sdtc" code="PCP" codeSystem="${hl7}.5.88"/><assignedEntity><id root="1.2"/><assignedPerson><name><family>Almond</family></name></assignedPerson></assignedEntity></performer></encounter>`;
	const [encounter] = read('46240-8', visit);
	assert.ok(JSON.stringify(encounter?.participant).includes('"PCP"'));
});

test('whatever a vendor says in codes beside a template comes in and goes out again', () => {
	const odd = within(
		observation(`<code code="LP-1" codeSystem="1.2.3.4"/>${snomed('7771000')}<interpretationCode code="LP-2" codeSystem="1.2.3.4"/>`),
	);
	const place = `<participant typeCode="LOC"><participantRole classCode="SDLOC"><playingEntity><code code="LP-3" codeSystem="1.2.3.4"/></playingEntity></participantRole></participant>`;
	const entries: Readonly<Record<string, string>> = {
		'48765-2': allergyEntry('a-1').replace(/(<\/observation>)(<\/entryRelationship><\/act>)/, `${place}${odd}$1$2`),
		'11450-4': problemEntry('p-1').replace(/(<\/observation>)(<\/entryRelationship><\/act>)/, `${place}${odd}$1$2`),
		'10160-0': medicationEntry('m-1').replace('</substanceAdministration>', `${place}${odd}</substanceAdministration>`),
		'11369-6': medicine(common('52'), '140', '12.292').replace('</substanceAdministration>', `${place}${odd}</substanceAdministration>`),
		'47519-4': `<procedure classCode="PROC" moodCode="EVN">${common('14')}<code code="80146002" codeSystem="${hl7}.6.96"/><statusCode code="completed"/>${place}${odd}</procedure>`,
	};
	for (const [code, entry] of Object.entries(entries)) {
		const codes = [...codesIn(read(code, entry)).keys()];
		for (const one of ['LP-1', 'LP-2', 'LP-3']) assert.ok(codes.includes(`urn:oid:1.2.3.4|${one}`), `${one} in ${code}`);
	}
});

test('prefixes, encodings and characters by name make no difference', () => {
	const plain = ccda().toString();
	const prefixed = plain
		.replace(/<(\/?)([A-Za-z]\w*)(?=[\s>/])/g, '<$1cda:$2')
		.replace('xmlns="urn:hl7-org:v3"', 'xmlns:cda="urn:hl7-org:v3"')
		.replace(/xsi:type="/g, 'xsi:type="cda:');
	const items = (bytes: Buffer) => readCcda(bytes).items.map(({ resource }) => resource);
	const expected = items(Buffer.from(plain));
	assert.ok(expected.length > 10);
	assert.deepEqual(items(Buffer.from(prefixed)), expected);
	assert.deepEqual(items(Buffer.from(`\ufeff${plain}`)), expected);
	assert.deepEqual(items(Buffer.from(`\ufeff${plain.replace('UTF-8', 'UTF-16')}`, 'utf16le')), expected);
	assert.deepEqual(items(Buffer.from(`\ufeff${plain.replace('UTF-8', 'UTF-16')}`, 'utf16le').swap16()), expected);
	const named = readCcda(ccda({ sections: [section({ code: '1', title: 'A&nbsp;&mdash; B', text: '<paragraph>98&deg;</paragraph>' })] }));
	assert.deepEqual([named.sections[0]?.title, named.sections[0]?.narrative?.includes('98°')], ['A — B', true]);
});
