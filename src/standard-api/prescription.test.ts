// Prescriptions and the medication list through both APIs.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Resource } from '#fhir/resource.ts';
import { testServer } from '#testing/server.ts';
import { type Enveloped, likelyRoundTrip, recordIn, recordRoundTrip } from '#testing/standard.ts';
import { prescriptionMapping, statementPrescriptionMapping } from './prescription.ts';

const server = await testServer({ after });
for (const id of ['p', 'q']) await server.send('PUT', `Patient/${id}`, { body: { resourceType: 'Patient', id } });
for (const body of [{ resourceType: 'Practitioner', id: 'doctor', name: [{ family: 'Who' }] }])
	assert.ok((await server.send('PUT', `${body.resourceType}/${body.id}`, { body })).status < 300);

const subject = { reference: 'Patient/p' };
const drug = { medicationCodeableConcept: { coding: [{ display: 'Aspirin' }] } };

recordRoundTrip(server, prescriptionMapping, {
	path: 'api/prescription',
	seed: 51,
	fixed: () => ({ patient_id: 'p' }),
	except: ['patient_id', 'active'],
	adjust(record) {
		const { start_date: start, end_date: end, prn } = record as { start_date?: string; end_date?: string; prn?: string };
		const dates = start !== undefined && end !== undefined && end < start ? { start_date: end, end_date: start } : {};
		// What is said of adherence at a time has to be said.
		const said = record.medication_adherence_date_asserted === undefined ? {} : { medication_adherence: 'Takes it' };
		return { ...record, ...dates, ...said, ...(prn === undefined ? {} : { prn: `as ${prn}`.slice(0, 30).trim() }) };
	},
});
for (const [i, mapping] of [prescriptionMapping, statementPrescriptionMapping].entries())
	likelyRoundTrip(server, mapping, {
		path: (id) => `api/prescription/${id}`,
		seed: 52 + i,
		runs: 15,
		adjust: (resource) => {
			const named = Object.keys(resource).some((one) => /^medication[A-Z]/.test(one)) ? {} : drug;
			return { ...named, ...resource, subject, status: 'active', ...(i === 0 ? { intent: 'order' } : {}) } as Resource;
		},
	});

test('a prescription is made with what it needs, changed, and struck out', async () => {
	const empty = await server.api('POST', 'api/prescription', { body: { dosage: '1' } });
	assert.equal(empty.status, 400);
	assert.deepEqual((empty.json as unknown as Enveloped<never>).validationErrors, {
		drug: { 'Required::NON_EXISTENT_KEY': 'This field is required' },
		patient_id: { 'Required::NON_EXISTENT_KEY': 'This field is required' },
	});
	const body = {
		drug: 'Metformin 500 MG Oral Tablet',
		rxnorm_drugcode: '861007',
		patient_id: (await server.ctx.fhir.store.numbers.of(server.ctx.db, 'Patient', ['q'])).get('q'),
		provider_id: 'doctor',
		dosage: '1',
		route: 1,
		interval: '1',
		form: 2,
		unit: 1,
		size: '500',
		quantity: 60,
		refills: 3,
		substitute: 1,
		start_date: '2024-01-15',
		diagnosis: 'ICD10:E11.9',
		drug_dosage_instructions: 'Take 1 tablet twice daily',
	};
	const made = await server.api('POST', 'api/prescription', { body });
	assert.equal(made.status, 201, made.text);
	const { uuid } = recordIn(made.json);
	const fhir = (await server.send('GET', `MedicationRequest/${uuid}`)).json;
	assert.deepEqual(fhir.meta?.profile, [prescriptionMapping.profile]);
	assert.deepEqual(fhir.medicationCodeableConcept, {
		text: body.drug,
		coding: [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code: '861007' }],
	});
	assert.deepEqual(fhir.dosageInstruction, [
		{
			text: 'Take 1 tablet twice daily',
			doseAndRate: [{ doseQuantity: { value: 1 } }],
			route: { coding: [{ system: 'http://snomed.info/sct', code: '26643006' }], text: 'Per Oris' },
			timing: {
				code: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation', code: 'BID' }], text: 'b.i.d.' },
				repeat: { boundsPeriod: { start: '2024-01-15' } },
			},
		},
	]);
	assert.deepEqual(fhir.dispenseRequest, { quantity: { value: 60 }, numberOfRepeatsAllowed: 3 });
	const record = recordIn((await server.api('GET', `api/prescription/${uuid}`)).json);
	const shown = {
		intent: 'order',
		category: 'community',
		status: 'active',
		active: 1,
		source_table: 'prescriptions',
		route: '1',
		route_title: 'Per Oris',
	};
	for (const [field, value] of Object.entries({ ...shown, puuid: 'q', pruuid: 'doctor', interval_title: 'b.i.d.' }))
		assert.equal(record[field], value, field);
	for (const method of ['PUT', 'PATCH']) {
		const refills = method === 'PUT' ? 2 : 1;
		const changed = await server.api(method, `api/prescription/${uuid}`, { body: { refills, end_date: '2024-03-01' } });
		assert.equal(changed.status, 200, changed.text);
		assert.deepEqual([recordIn(changed.json).refills, recordIn(changed.json).status], [refills, 'completed']);
	}
	await server.api('PUT', `api/prescription/${uuid}`, { body: { end_date: '2999-01-01' } });
	assert.equal((await server.send('GET', `MedicationRequest/${uuid}`)).json.status, 'active', 'what has yet to end');
	await server.api('PUT', `api/prescription/${uuid}`, { body: { active: 0 } });
	assert.equal((await server.send('GET', `MedicationRequest/${uuid}`)).json.status, 'stopped');
	assert.equal((await server.api('DELETE', `api/prescription/${uuid}`)).status, 200);
	assert.equal((await server.send('GET', `MedicationRequest/${uuid}`)).json.status, 'entered-in-error');
	assert.equal((await server.api('GET', `api/prescription/${uuid}`)).status, 404);
	const unknown = await server.api('GET', 'api/prescription/11111111-1111-4111-8111-111111111111');
	assert.equal(unknown.status, 400);
	assert.match(unknown.text, /"uuid":\{"invalid or nonexisting value":"value 1/);
});
