// Medicines that were given are told apart from those that somebody takes or is to take.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordFrom, roundTrip } from '#exchange/documents/testing/round-trip.ts';
import type { Resource } from '#fhir/resource.ts';
import { createValidator } from '#fhir/validate/validator.ts';
import { ccda, section } from '#testing/ccda.ts';
import { testDefinitions } from '#testing/fhir.ts';
import { checked } from './check.ts';
import { readCcda } from './read.ts';

const hl7 = '2.16.840.1.113883';
const validator = createValidator(testDefinitions());
const administered = '29549-3';
const list = '10160-0';

type Parts = {
	readonly mood?: string;
	readonly status?: string;
	readonly negated?: boolean;
	readonly time?: string;
	readonly more?: string;
};

function medicine({ mood = 'EVN', status = 'completed', negated = false, time = '', more = '' }: Parts): string {
	return `<substanceAdministration classCode="SBADM" moodCode="${mood}"${negated ? ' negationInd="true"' : ''}><templateId root="${hl7}.10.20.22.4.16"/><id root="1.2.3" extension="m-1"/><statusCode code="${status}"/>${time}<routeCode code="C38276" codeSystem="${hl7}.3.26.1.1" displayName="Intravenous"/><doseQuantity value="4.5" unit="g"/><rateQuantity value="9" unit="g/h"/><consumable><manufacturedProduct><manufacturedMaterial><code code="1659149" codeSystem="${hl7}.6.88" displayName="piperacillin"/></manufacturedMaterial></manufacturedProduct></consumable><performer><assignedEntity><id root="1.2.3" extension="n-1"/><assignedPerson><name><given>Kay</given><family>Quince</family></name></assignedPerson></assignedEntity></performer>${more}</substanceAdministration>`;
}

const at = (value: string): string => `<effectiveTime value="${value}"/>`;
const between = (low: string, high: string): string =>
	`<effectiveTime xsi:type="IVL_TS"><low value="${low}"/><high value="${high}"/></effectiveTime>`;
const often = `<effectiveTime xsi:type="PIVL_TS" operator="A"><period value="6" unit="h"/></effectiveTime>`;
const reason = `<entryRelationship typeCode="RSON"><observation classCode="OBS" moodCode="EVN"><templateId root="${hl7}.10.20.22.4.19"/><id root="1.2.3" extension="r"/><code code="404684003" codeSystem="${hl7}.6.96"/><statusCode code="completed"/><value xsi:type="CD" code="233604007" codeSystem="${hl7}.6.96" displayName="Pneumonia"/></observation></entryRelationship>`;

/** What was read; it is valid, and all that it says in codes comes back when it is written as a CCD and read again, as the same type. */
function read(code: string, entry: string): Resource[] {
	const document = readCcda(ccda({ sections: [section({ code, title: 'Section', entries: [entry] })] }));
	const resources = document.items.map(({ resource }) => resource);
	for (const resource of resources) assert.deepEqual(checked(validator, resource).errors, [], JSON.stringify(resource));
	const { again, lost } = roundTrip(recordFrom(document), resources);
	assert.deepEqual(lost, []);
	assert.deepEqual(
		again.items.map(({ resource }) => resource.resourceType).toSorted(),
		resources.map((one) => one.resourceType).toSorted(),
	);
	return resources;
}

const cases: readonly (readonly [told: string, section: string, parts: Parts, type: string, status: string])[] = [
	['given once', administered, { time: at('20240302080000+0000') }, 'MedicationAdministration', 'completed'],
	[
		'given from then to then',
		administered,
		{ time: between('20240302080000+0000', '20240302083000+0000') },
		'MedicationAdministration',
		'completed',
	],
	[
		'being given',
		administered,
		{ status: 'active', time: between('20240302080000+0000', '20240302083000+0000') },
		'MedicationAdministration',
		'in-progress',
	],
	['broken off', administered, { status: 'aborted', time: at('20240302080000+0000') }, 'MedicationAdministration', 'stopped'],
	['not given', administered, { negated: true, time: at('20240302080000+0000') }, 'MedicationAdministration', 'not-done'],
	['given, who knows when', administered, {}, 'MedicationAdministration', 'completed'],
	['given for anesthesia', '59774-0', { time: at('20240302080000+0000') }, 'MedicationAdministration', 'completed'],
	['to be given, though in that section', administered, { mood: 'INT', time: at('20240302') }, 'MedicationRequest', 'completed'],
	['given at a minute, in the list', list, { time: at('202403020800+0000') }, 'MedicationAdministration', 'completed'],
	['a day in the list may be its first', list, { time: at('20240302') }, 'MedicationRequest', 'completed'],
	['taken again and again', list, { time: at('202403020800+0000') + often }, 'MedicationRequest', 'completed'],
	['taken still', list, { status: 'active', time: at('202403020800+0000') }, 'MedicationRequest', 'active'],
	['taken before admission', '42346-7', { time: at('202403020800+0000') }, 'MedicationRequest', 'completed'],
];
for (const [told, code, parts, type, status] of cases) {
	test(`${told}: ${type}, ${status}`, () => {
		const [one, ...more] = read(code, medicine(parts)) as [Resource, ...Resource[]];
		assert.deepEqual([one.resourceType, one.status, more], [type, status, []]);
	});
}

test('an administration says what, when, how much, by which way, why, and who gave it', () => {
	const [one] = read(administered, medicine({ time: at('20240302080000+0000'), more: reason })) as [Resource];
	const { medicationCodeableConcept, dosage, ...rest } = one;
	assert.match(JSON.stringify(medicationCodeableConcept), /"1659149"/);
	assert.deepEqual(JSON.parse(JSON.stringify(dosage)), {
		route: {
			coding: [{ system: 'http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl', code: 'C38276', display: 'Intravenous' }],
			text: 'Intravenous',
		},
		dose: { value: 4.5, unit: 'g', system: 'http://unitsofmeasure.org', code: 'g' },
		rateQuantity: { value: 9, unit: 'g/h', system: 'http://unitsofmeasure.org', code: 'g/h' },
	});
	assert.equal(rest.effectiveDateTime, '2024-03-02T08:00:00+00:00');
	assert.match(JSON.stringify(rest.performer), /Kay Quince/);
	assert.match(JSON.stringify(rest.reasonCode), /233604007/);
});

test('how often it was given is kept in words; a way without an amount is kept too', () => {
	const entry = medicine({ time: between('20240302', '20240304') + often }).replace('<doseQuantity value="4.5" unit="g"/>', '');
	const [one] = read(administered, entry.replace('<rateQuantity value="9" unit="g/h"/>', '')) as [Resource];
	assert.match(JSON.stringify(one.dosage), /"every 6 h".*C38276.*data-absent-reason/);
});

test('what was given within a procedure is part of it', () => {
	const inner = medicine({ time: between('20240302', '20240302') });
	const procedure = `<procedure classCode="PROC" moodCode="EVN"><templateId root="${hl7}.10.20.22.4.14"/><id root="1.2.3" extension="p-1"/><code code="80146002" codeSystem="${hl7}.6.96" displayName="Appendectomy"/><statusCode code="completed"/><effectiveTime value="20240302"/><entryRelationship typeCode="COMP">${inner}</entryRelationship></procedure>`;
	const document = readCcda(ccda({ sections: [section({ code: '47519-4', title: 'Procedures', entries: [procedure] })] }));
	const [done, given] = document.items;
	assert.deepEqual(
		[done?.resource.resourceType, given?.resource.resourceType, given?.resource.partOf],
		['Procedure', 'MedicationAdministration', [{ reference: done?.fullUrl }]],
	);
});
