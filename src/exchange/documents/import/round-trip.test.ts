// Nothing that is said in codes is lost: neither when a document is read, nor when what it said is written and read again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codesIn, recordFrom, roundTrip, unreadIn } from '#exchange/documents/testing/round-trip.ts';
import { sampleRecord, sampleResources } from '#exchange/documents/testing/sample.ts';
import { createValidator } from '#fhir/validate/validator.ts';
import { carePlanSections, ccda, referralSections, standardSections, transferSections } from '#testing/ccda.ts';
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
	'http://hl7.org/fhir/us/core/CodeSystem/careplan-category|assess-plan': 'the section says so',
	'http://snomed.info/sct|108252007': 'a laboratory order is a planned observation',
	'http://snomed.info/sct|387713003': 'a surgical order is a planned procedure',
	'http://terminology.hl7.org/CodeSystem/coverage-class|group': 'the number of a group stands in words',
	'http://terminology.hl7.org/CodeSystem/consentscope|adr': 'the section says so',
};

test('the sample record as a CCD, read again, has all its codes but those that C-CDA says otherwise', () => {
	const { lost } = roundTrip(sampleRecord(), sampleResources);
	assert.deepEqual(lost.map(({ code }) => code).toSorted(), Object.keys(without).toSorted());
});
