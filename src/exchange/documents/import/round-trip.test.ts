// Nothing that is said in codes is lost: neither when a document is read, nor when what it said is written and read again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codesIn, recordFrom, roundTrip, unreadIn } from '#exchange/documents/testing/round-trip.ts';
import { sampleRecord, sampleResources } from '#exchange/documents/testing/sample.ts';
import { createValidator } from '#fhir/validate/validator.ts';
import { carePlanSections, ccda, referralSections, section, standardSections, transferSections } from '#testing/ccda.ts';
import { testDefinitions } from '#testing/fhir.ts';
import { checked } from './check.ts';
import { readCcda } from './read.ts';

const documents = {
	'a summary': standardSections(),
	'a transfer summary': transferSections(),
	'a care plan': carePlanSections(),
	'a referral and progress note': referralSections(),
};

const validator = createValidator(testDefinitions());

for (const [name, sections] of Object.entries(documents)) {
	test(`${name}: every code of an entry is in a resource, and each resource is valid`, () => {
		const document = readCcda(ccda({ sections }));
		assert.deepEqual(unreadIn(document), []);
		assert.ok(codesIn(document.items.map(({ resource }) => resource)).size > 5);
		for (const { resource } of document.items) assert.deepEqual(checked(validator, resource).errors, []);
	});

	test(`${name}: written as a CCD and read again, it has all its codes`, () => {
		const document = readCcda(ccda({ sections }));
		const { lost } = roundTrip(
			recordFrom(document),
			document.items.map(({ resource }) => resource),
		);
		assert.deepEqual(lost, []);
	});
}

/** Codes of the sample that a CCD has no place for, with the reason. */
const without: Readonly<Record<string, string>> = {
	'http://nucc.org/provider-taxonomy|207Q00000X': 'people of a document are named, not added to the directory',
	'http://snomed.info/sct|108252007': 'a laboratory order is a planned observation',
	'http://snomed.info/sct|387713003': 'a surgical order is a planned procedure',
	'http://terminology.hl7.org/CodeSystem/coverage-class|group': 'the number of a group stands in words',
	'http://terminology.hl7.org/CodeSystem/consentscope|adr': 'the section says so',
};

test('the sample record as a CCD, read again, has all its codes but those that C-CDA says otherwise', () => {
	const { lost } = roundTrip(sampleRecord(), sampleResources);
	assert.deepEqual(lost.map(({ code }) => code).toSorted(), Object.keys(without).toSorted());
});

test('a CCD, read again, has one resource for each thing of the sample: a plan is a plan, a medicine one medicine', () => {
	const { again } = roundTrip(sampleRecord(), sampleResources);
	const of = (type: string) => again.items.map(({ resource }) => resource).filter(({ resourceType }) => resourceType === type);
	const [carePlan, ...none] = of('CarePlan') as (object & { title?: string; activity?: { detail: { code: object } }[] })[];
	assert.deepEqual([carePlan?.title, none], ['Diabetes self management plan', []]);
	const relatives = sampleResources.filter(({ resourceType }) => resourceType === 'FamilyMemberHistory');
	assert.equal(of('FamilyMemberHistory').length, relatives.length, 'also one of whom no condition is told');
	assert.ok(codesIn([carePlan as object]).has('http://snomed.info/sct|160670007'));
	const medicines = (resources: readonly { resourceType: string }[]) =>
		resources.filter(({ resourceType }) => /^Medication(Request|Statement|Administration)$/.test(resourceType)).length;
	assert.equal(medicines(again.items.map(({ resource }) => resource as never)), medicines(sampleResources));
	assert.deepEqual(
		of('MedicationRequest').filter(({ medicationCodeableConcept }) => JSON.stringify(medicationCodeableConcept).includes('Unknown')),
		[],
	);
});

test('who else answers for the costs, and what else was found, keep their names and codes', () => {
	const hl7 = '2.16.840.1.113883';
	const payer = (template: string, role: string, who: string): string =>
		`<performer typeCode="PRF"><templateId root="${hl7}.10.20.22.4.${template}"/><assignedEntity><id root="1.2.3" extension="${role}"/><code code="${role}" codeSystem="${hl7}.5.110" displayName="${role}"/>${who}</assignedEntity></performer>`;
	const policy = `<act classCode="ACT" moodCode="EVN"><templateId root="${hl7}.10.20.22.4.60"/><code code="48768-6" codeSystem="${hl7}.6.1"/><entryRelationship typeCode="COMP"><act classCode="ACT" moodCode="EVN"><templateId root="${hl7}.10.20.22.4.61"/><code code="12" codeSystem="${hl7}.6.255.1336"/>${payer('87', 'PAYOR', '<representedOrganization><name>Orchard Mutual</name></representedOrganization>')}${payer('88', 'GUAR', '<assignedPerson><name><given>Kay</given><family>Quince</family></name></assignedPerson>')}</act></entryRelationship></act>`;
	const twice = `<observation classCode="OBS" moodCode="EVN"><templateId root="${hl7}.10.20.22.4.38"/><code code="74013-4" codeSystem="${hl7}.6.1"/><statusCode code="completed"/><effectiveTime value="20240105"/><value xsi:type="CD" code="53527002" codeSystem="${hl7}.6.96"/><value xsi:type="CD" code="228276006" codeSystem="${hl7}.6.96"/></observation>`;
	const document = readCcda(
		ccda({
			sections: [
				section({ code: '48768-6', title: 'Payers', entries: [policy] }),
				section({ code: '29762-2', title: 'Social', entries: [twice] }),
			],
		}),
	);
	const { again, lost } = roundTrip(
		recordFrom(document),
		document.items.map(({ resource }) => resource),
	);
	assert.deepEqual(lost, []);
	for (const { items } of [document, again]) {
		const coverage = items.map(({ resource }) => resource).find(({ resourceType }) => resourceType === 'Coverage');
		assert.match(JSON.stringify(coverage?.payor), /Orchard Mutual/);
		assert.match(JSON.stringify(coverage?.extension), /"GUAR".*"Kay Quince"/);
		assert.ok(codesIn(items.map(({ resource }) => resource)).has('http://snomed.info/sct|228276006'));
	}
});
