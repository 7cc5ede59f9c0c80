// Immunizations, procedures, drugs and SOAP notes through both APIs.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Resource } from '#fhir/resource.ts';
import { testServer } from '#testing/server.ts';
import { type Enveloped, likelyRoundTrip, recordIn, recordRoundTrip } from '#testing/standard.ts';
import { drugMapping } from './drug.ts';
import { immunizationMapping } from './immunization.ts';
import { procedureMapping } from './procedure.ts';
import { narrativeOf, textOf } from './prose.ts';
import { soapNoteMapping } from './soap-note.ts';

const server = await testServer({ after });
const amb = { code: 'AMB' };
for (const body of [
	{ resourceType: 'Patient', id: 'p' },
	{ resourceType: 'Patient', id: 'q' },
	{ resourceType: 'Encounter', id: 'e', status: 'finished', class: amb, subject: { reference: 'Patient/p' } },
	{ resourceType: 'Encounter', id: 'f', status: 'finished', class: amb, subject: { reference: 'Patient/p' } },
	{ resourceType: 'Organization', id: 'lab', name: 'Corner Lab', active: true },
	{ resourceType: 'Practitioner', id: 'nurse', name: [{ family: 'Ratched' }] },
	{ resourceType: 'Location', id: 'room', name: 'Room 1', managingOrganization: { reference: 'Organization/lab' } },
])
	assert.ok((await server.send('PUT', `${body.resourceType}/${body.id}`, { body })).status < 300);

const subject = { reference: 'Patient/p' };

recordRoundTrip(server, immunizationMapping, {
	path: 'api/immunization',
	seed: 61,
	fixed: () => ({ patient_id: 'p', administered_date: '2024-01-15T09:30:00-05:00', added_erroneously: 0 }),
	except: ['patient_id', 'primarySource'],
});
likelyRoundTrip(server, immunizationMapping, {
	path: (id) => `api/immunization/${id}`,
	seed: 62,
	adjust: (resource) =>
		({
			vaccineCode: { text: 'Flu' },
			...resource,
			patient: subject,
			status: 'completed',
			occurrenceDateTime: '2020',
			occurrenceString: undefined,
		}) as Resource,
});
recordRoundTrip(server, procedureMapping, {
	path: 'api/procedure',
	seed: 63,
	fixed: () => ({ puuid: 'p' }),
	adjust(record) {
		const { date_performed: from, date_finished: to } = record as { date_performed?: string; date_finished?: string };
		return from !== undefined && to !== undefined && to < from ? { ...record, date_performed: to, date_finished: from } : record;
	},
});
likelyRoundTrip(server, procedureMapping, {
	path: (id) => `api/procedure/${id}`,
	seed: 64,
	adjust: (resource) => ({ ...resource, subject, status: 'completed', category: undefined }) as unknown as Resource,
});
recordRoundTrip(server, soapNoteMapping, {
	path: 'api/patient/p/encounter/e/soap_note',
	seed: 65,
	read: ({ sid }) => `api/patient/p/encounter/e/soap_note/${sid}`,
});
likelyRoundTrip(server, soapNoteMapping, {
	path: (id) => `api/patient/p/encounter/e/soap_note/${id}`,
	seed: 66,
	adjust: (resource) =>
		({
			...resource,
			subject,
			encounter: { reference: 'Encounter/e' },
			type: { coding: [{ system: 'http://loinc.org', code: '11506-3' }] },
			date: '2020-01-05',
			status: 'final',
			title: 'x',
			author: [{ display: 'x' }],
		}) as Resource,
});

async function refused(method: string, path: string, body?: object): Promise<number> {
	return (await server.api(method, path, { body })).status;
}

test('an immunization has its vaccine, site and giver, and may be taken back', async () => {
	const body = {
		patient_id: 'q',
		administered_date: '2024-10-01',
		cvx_code: '140',
		cvx_code_text: 'Influenza, seasonal',
		manufacturer: 'Sanofi',
		lot_number: 'L1',
		administered_by_id: 'nurse',
		administration_site: 'LD',
		route: '10',
		amount_administered: 0.5,
		amount_administered_unit: 'mL',
		facility_location_uuid: 'room',
		education_date: '2024-10-01',
	};
	const made = await server.api('POST', 'api/immunization', { body });
	assert.equal(made.status, 201, made.text);
	const { uuid, id } = recordIn(made.json);
	const fhir = (await server.send('GET', `Immunization/${uuid}`)).json;
	assert.deepEqual(fhir.meta?.profile, [immunizationMapping.profile]);
	assert.deepEqual(fhir.site, { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0163', code: 'LD' }], text: 'Left Deltoid' });
	const record = recordIn((await server.api('GET', `api/immunization/${id}`)).json);
	const shown = {
		puuid: 'q',
		provider_uuid: 'nurse',
		site_display: 'Left Deltoid',
		facility_uuid: 'lab',
		completion_status: 'Completed',
		primarySource: true,
	};
	for (const [field, value] of Object.entries({
		...body,
		...shown,
		patient_id: record.patient_id,
		administered_by_id: record.administered_by_id,
	}))
		assert.equal(record[field], value, field);
	const list = async (query: string): Promise<unknown[]> =>
		((await server.api('GET', `api/immunization?${query}`)).json as unknown as Enveloped<unknown[]>).data;
	assert.equal((await list('patient_id=q')).length, 1);
	assert.equal((await list('patient_id=q&cvx_code=141')).length, 0);
	await server.api('PUT', `api/immunization/${uuid}`, { body: { completion_status: 'Refused', refusal_reason: 'religious_exemption' } });
	const refusal = (await server.send('GET', `Immunization/${uuid}`)).json;
	assert.deepEqual([refusal.status, (refusal.statusReason as { text: string }).text], ['not-done', 'Religious exemption']);
	assert.equal(recordIn((await server.api('GET', `api/immunization/${uuid}`)).json).refusal_reason_cdc_nip_code, '01');
	assert.equal(await refused('DELETE', `api/immunization/${uuid}`), 200);
	assert.equal(await refused('GET', `api/immunization/${uuid}`), 404);
	assert.equal((await list('patient_id=q')).length, 0);
	assert.equal((await list('patient_id=q&added_erroneously=1')).length, 1);
	await server.api('PUT', `api/immunization/${uuid}`, { body: { added_erroneously: 0 } });
	assert.equal(recordIn((await server.api('GET', `api/immunization/${uuid}`)).json).completion_status, 'Refused');
	const wrong = await server.api('POST', 'api/immunization', { body: { patient_id: 'q', administered_date: 'then' } });
	assert.deepEqual((wrong.json as unknown as Enveloped<never>).validationErrors, {
		administered_date: { 'DateTime::INVALID_VALUE': 'administered date must be a valid date' },
		cvx_code: { 'Required::NON_EXISTENT_KEY': 'cvx_code must be provided, but does not exist' },
	});
	assert.match((await server.api('POST', 'api/immunization', { body: { cvx_code: '1' } })).text, /"patient_id"/);
});

test('a procedure shows its order, reports and results', async () => {
	const body = {
		puuid: 'q',
		procedure_name: 'Complete blood count',
		procedure_code: 'CPT4:85027',
		order_status: 'pending',
		lab_id: 'lab',
		diagnoses: 'ICD10:D64.9',
	};
	const made = await server.api('POST', 'api/procedure', { body });
	assert.equal(made.status, 201, made.text);
	const { uuid } = recordIn(made.json);
	assert.deepEqual((await server.send('GET', `Procedure/${uuid}`)).json.meta?.profile, [procedureMapping.profile]);
	const quantity = { value: 13.5, unit: 'g/dL', system: 'http://unitsofmeasure.org', code: 'g/dL' };
	const code = { coding: [{ system: 'http://loinc.org', code: '718-7', display: 'Hemoglobin' }] };
	const range = [{ low: { value: 12 }, high: { value: 16 } }];
	const whose = { subject: { reference: 'Patient/q' }, status: 'final', code };
	await server.send('PUT', 'Observation/hb', {
		body: { resourceType: 'Observation', id: 'hb', ...whose, valueQuantity: quantity, referenceRange: range },
	});
	const report = {
		resourceType: 'DiagnosticReport',
		id: 'cbc',
		...whose,
		result: [{ reference: 'Observation/hb' }],
		issued: '2024-01-15T10:00:00Z',
	};
	assert.equal((await server.send('PUT', 'DiagnosticReport/cbc', { body: report })).status, 201);
	const stored = (await server.send('GET', `Procedure/${uuid}`)).json;
	await server.send('PUT', `Procedure/${uuid}`, { body: { ...stored, report: [{ reference: 'DiagnosticReport/cbc' }] } });
	const record = recordIn((await server.api('GET', `api/procedure/${uuid}`)).json);
	assert.deepEqual(
		[record.lab_name, record.lab_uuid, record.order_status, record.procedure_code],
		['Corner Lab', 'lab', 'pending', 'CPT4:85027'],
	);
	assert.deepEqual(record.order_diagnosis, [['ICD10', 'D64.9']]);
	const [shown] = record.reports as { uuid: string; results: { result: string; range: string; units: string }[] }[];
	assert.deepEqual(
		[shown?.uuid, shown?.results[0]?.result, shown?.results[0]?.range, shown?.results[0]?.units],
		['cbc', '13.5', '12 - 16', 'g/dL'],
	);
	await server.api('PUT', `api/procedure/${uuid}`, { body: { order_status: 'complete', date_performed: '2024-01-15 08:00:00' } });
	const done = (await server.send('GET', `Procedure/${uuid}`)).json;
	assert.equal(done.status, 'completed');
	assert.match(String(done.performedDateTime), /^2024-01-15T08:00:00/);
	const surgery = await server.api('POST', 'api/patient/q/surgery', { body: { title: 'Appendectomy' } });
	assert.equal(await refused('GET', `api/procedure/${recordIn(surgery.json).uuid}`), 404);
	const list = (await server.api('GET', 'api/procedure?puuid=q')).json as unknown as Enveloped<Record<string, unknown>[]>;
	assert.deepEqual(
		list.data.map((one) => one.uuid),
		[uuid],
	);
	assert.equal(await refused('DELETE', `api/procedure/${uuid}`), 200);
	assert.equal(await refused('GET', `api/procedure/${uuid}`), 404);
});

test('drugs are the practice’s medications', async () => {
	const coding = [{ system: 'http://www.nlm.nih.gov/research/umls/rxnorm', code: '861007', display: 'Metformin 500 MG' }];
	const body = {
		resourceType: 'Medication',
		id: 'metformin',
		code: { coding, text: 'Metformin 500 MG' },
		form: { text: 'tablet' },
		batch: { lotNumber: 'B7' },
	};
	await server.send('PUT', 'Medication/metformin', { body });
	const record = recordIn((await server.api('GET', 'api/drug/metformin')).json);
	for (const [field, value] of Object.entries({
		name: 'Metformin 500 MG',
		rxnorm_drugcode: '861007',
		form: '2',
		lot_number: 'B7',
		active: 1,
	}))
		assert.equal(record[field], value, field);
	assert.deepEqual(Object.keys(record.drug_code as object), ['861007']);
	assert.equal(recordIn((await server.api('GET', `api/drug/${record.drug_id}`)).json).uuid, 'metformin');
	const named = async (query: string): Promise<number> =>
		((await server.api('GET', `api/drug?${query}`)).json as unknown as Enveloped<unknown[]>).data.length;
	assert.deepEqual([await named('name=Metformin'), await named('rxnorm_drugcode=861007'), await named('rxnorm_drugcode=1')], [1, 1, 0]);
	assert.equal(await refused('GET', 'api/drug/nothing'), 404);
	assert.equal(drugMapping.numbers[0], 'drug_id');
});

test('a SOAP note is a progress note of its visit, amended when it was signed', async () => {
	const path = 'api/patient/p/encounter/f/soap_note';
	const body = { subjective: 'Feels <fine>\n  & well', objective: 'No findings', assessment: 'Healthy', plan: 'Come back' };
	const made = await server.api('POST', path, { body });
	assert.equal(made.status, 201, made.text);
	const { sid, uuid } = recordIn(made.json);
	const fhir = (await server.send('GET', `Composition/${uuid}`)).json;
	assert.equal(fhir.status, 'preliminary');
	const codes = (fhir.section as { code: { coding: { code: string }[] } }[]).map(({ code }) => code.coding[0]?.code);
	assert.deepEqual(codes, ['61150-9', '61149-1', '51848-0', '18776-5']);
	const status = async (change: object): Promise<unknown> => {
		const put = await server.api('PUT', `${path}/${sid}`, { body: change });
		assert.deepEqual([put.status, put.json as unknown], [200, { sid }]);
		return (await server.send('GET', `Composition/${uuid}`)).json.status;
	};
	assert.equal(await status({ plan: 'Come back soon' }), 'preliminary');
	assert.equal(await status({ authorized: 1 }), 'final');
	assert.equal(await status({ plan: 'Never come back' }), 'amended');
	const list = (await server.api('GET', path)).json as unknown as Record<string, unknown>[];
	assert.deepEqual(
		list.map(({ id, subjective, plan }) => [id, subjective, plan]),
		[[sid, body.subjective, 'Never come back']],
	);
	for (const elsewhere of [`api/patient/p/encounter/e/soap_note/${sid}`, `api/patient/q/encounter/f/soap_note/${sid}`])
		assert.equal(await refused('GET', elsewhere), 404);
	assert.deepEqual((await server.api('POST', path, { body: { subjective: 'x' } })).json as unknown, {
		subjective: { 'LengthBetween::TOO_SHORT': 'subjective must be 2 characters or longer' },
	});
	assert.equal(await refused('DELETE', `${path}/${sid}`), 200);
	assert.equal(await refused('GET', path), 404);
});

test('narratives keep what is typed, and show what others wrote', () => {
	for (const text of ['plain', ' two\n  lines & <tags> ', 'a\r\nb', '&amp; &#13; &lt;', '漢字 😀', '<pre>x</pre>'])
		assert.equal(textOf(narrativeOf(text).div), text);
	const div =
		'<div xmlns="http://www.w3.org/1999/xhtml"><p>One <b>two</b>\n three</p><!-- no --><ul><li>a</li><li>b &amp; c</li></ul></div>';
	assert.equal(textOf(div), 'One two three\na\nb & c');
});
