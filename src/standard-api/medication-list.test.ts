// One medication list: whoever shows a patient's medications shows the same ones, with the same words, codes, states and days.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { patientGrants, patientLookUps } from '#access/roles.ts';
import { medicationList } from '#clinic/medications/list.ts';
import { readCcda } from '#exchange/documents/import/read.ts';
import type { Resource } from '#fhir/resource.ts';
import { testServer } from '#testing/server.ts';
import { type Enveloped, recordIn } from '#testing/standard.ts';

const server = await testServer({ after });
const rxnorm = 'http://www.nlm.nih.gov/research/umls/rxnorm';
for (const body of [
	{ resourceType: 'Patient', id: 'r', name: [{ family: 'Reyes', given: ['Ana'] }], gender: 'female', birthDate: '1980-01-02' },
	{ resourceType: 'Patient', id: 'other', name: [{ family: 'Else' }] },
	{ resourceType: 'Practitioner', id: 'doctor', name: [{ family: 'Who' }] },
	{ resourceType: 'Medication', id: 'drug', code: { coding: [{ system: rxnorm, code: '308182' }], text: 'Amoxicillin 250 MG' } },
])
	assert.ok((await server.send('PUT', `${body.resourceType}/${body.id}`, { body })).status < 300);
const person = { roles: [], grants: [...patientGrants(['r']), ...patientLookUps], patient: 'r' };
server.caller('patient', person.grants, 'patient', { client: 'app', fhirUser: 'Patient/r', person });

/** What every list says of a medication. */
type Line = {
	readonly words: string;
	readonly codes: string;
	readonly status: string;
	readonly from: string;
	readonly to: string;
};

const line = (words: unknown, codes: readonly string[], status: unknown, from: unknown, to: unknown): Line => ({
	words: String(words),
	codes: [...codes].sort().join(' '),
	status: String(status),
	from: String(from ?? '').slice(0, 10),
	to: String(to ?? '').slice(0, 10),
});

const sorted = (lines: readonly Line[]): Line[] => lines.toSorted((a, b) => (a.words < b.words ? -1 : 1));

async function post(path: string, body: object): Promise<string> {
	const answer = path.startsWith('api/') ? await server.api('POST', path, { body }) : await server.send('POST', path, { body });
	assert.ok(answer.status === 200 || answer.status === 201, answer.text);
	return String(recordIn(answer.json).uuid ?? answer.json.id);
}

type Node = { readonly [name: string]: unknown };
type Concept = { readonly text?: string; readonly coding?: readonly { readonly system?: string; readonly code?: string }[] };
type Medication = Resource & {
	readonly medicationCodeableConcept?: Concept;
	readonly medicationReference?: { readonly reference: string };
	readonly dosageInstruction?: readonly {
		readonly timing?: { readonly repeat?: { readonly boundsPeriod?: { start?: string; end?: string } } };
	}[];
	readonly effectivePeriod?: { readonly start?: string; readonly end?: string };
	readonly effectiveDateTime?: string;
};

/** A resource as a line; what it refers to is known by its reference. */
function lineOf(resource: Medication, known: ReadonlyMap<string, Resource> = new Map()): Line {
	const referred = known.get(resource.medicationReference?.reference ?? '') as { code?: Concept } | undefined;
	const { text, coding = [] } = resource.medicationCodeableConcept ?? referred?.code ?? {};
	const period = resource.dosageInstruction?.[0]?.timing?.repeat?.boundsPeriod ?? resource.effectivePeriod;
	const codes = coding.flatMap(({ system, code }) => (system === rxnorm ? [String(code)] : []));
	return line(text, codes, resource.status, period?.start ?? resource.effectiveDateTime, period?.end);
}

/** What FHIR shows to somebody. */
async function throughFhir(as: string): Promise<Line[]> {
	const found: Medication[] = [];
	for (const type of ['MedicationRequest', 'MedicationStatement']) {
		const query = `${type}?patient=Patient/r&status:not=entered-in-error&_include=${type}:medication`;
		const { json, text, status } = await server.send('GET', query, { as });
		assert.equal(status, 200, text);
		found.push(...((json as { entry?: { resource: Medication }[] }).entry ?? []).map(({ resource }) => resource));
	}
	const known = new Map(found.map((one) => [`${one.resourceType}/${one.id}`, one]));
	return sorted(found.filter(({ resourceType }) => resourceType !== 'Medication').map((one) => lineOf(one, known)));
}

/** What a continuity of care document says in one of its sections. */
async function throughDocument(as: string, section: string): Promise<Line[]> {
	const { json, text } = await server.send('GET', 'DocumentReference/$docref?patient=r&on-demand=true', { as });
	const [made] = (json as { entry?: { resource: { content: { attachment: { url: string } }[] } }[] }).entry ?? [];
	const url = made?.resource.content[0]?.attachment.url ?? text;
	const file = await server.send('GET', url.slice(server.base.length + 1), { as, headers: { accept: '*/*' } });
	assert.equal(file.status, 200, file.text);
	const { items, sections } = readCcda(Buffer.from(file.text));
	const keys = sections.find(({ code }) => code === section)?.items ?? [];
	const uses = items.filter(({ key, resource }) => keys.includes(key) && resource.resourceType === 'MedicationRequest');
	return sorted(uses.map(({ resource }) => lineOf(resource as Medication)));
}

const isDrug = (code: string): boolean => code.startsWith('RXNORM:') || /^\d+$/.test(code);
const bare = (codes: unknown): string[] =>
	String(codes ?? '')
		.split(';')
		.filter(isDrug)
		.map((code) => code.replace('RXNORM:', ''));

async function throughPrescriptions(): Promise<Line[]> {
	const { json } = await server.api('GET', 'api/prescription?patient_id=r');
	const rows = (json as unknown as Enveloped<Node[]>).data;
	return sorted(rows.map((row) => line(row.drug, bare(row.rxnorm_drugcode), row.status, row.start_date, row.end_date)));
}

/** Rows of the list say whether it is active, and tell what has ended by its end. */
async function throughMedications(): Promise<Line[]> {
	const rows = (await server.api('GET', 'api/patient/r/medication')).json as unknown as Node[];
	return sorted(
		rows.map((row) => {
			const status = row.activity === 0 ? 'stopped' : row.enddate !== null && String(row.enddate) < '2026' ? 'completed' : 'active';
			return line(row.title, bare(row.diagnosis), status, row.begdate, row.enddate);
		}),
	);
}

async function throughClinic(): Promise<Line[]> {
	const { matches } = await medicationList(server.ctx, { patient: 'r' });
	const drug = (await server.send('GET', 'Medication/drug')).json;
	return sorted(matches.map(({ body }) => lineOf(JSON.parse(body) as Medication, new Map([['Medication/drug', drug]]))));
}

const metformin = { drug: 'Metformin 500 MG Oral Tablet', rxnorm_drugcode: '861007', patient_id: 'r', provider_id: 'doctor' };
const ids = {
	ordered: await post('api/prescription', { ...metformin, start_date: '2024-01-15' }),
	ended: await post('api/prescription', { drug: 'Prednisone 10 MG', patient_id: 'r', start_date: '2020-01-01', end_date: '2020-01-10' }),
	mistaken: await post('api/prescription', { drug: 'Mistaken', patient_id: 'r' }),
	listed: await post('api/patient/r/medication', { title: 'Aspirin 81 MG', begdate: '2019-05-01 00:00:00', diagnosis: 'RXNORM:243670' }),
	stopped: await post('api/patient/r/medication', { title: 'Ibuprofen 200 MG', begdate: '2018-01-01 00:00:00' }),
	referred: await post('MedicationRequest', {
		resourceType: 'MedicationRequest',
		status: 'active',
		intent: 'order',
		subject: { reference: 'Patient/r' },
		requester: { reference: 'Practitioner/doctor' },
		medicationReference: { reference: 'Medication/drug' },
		dosageInstruction: [{ timing: { repeat: { boundsPeriod: { start: '2026-03-01' } } } }],
	}),
	reported: await post('MedicationStatement', {
		resourceType: 'MedicationStatement',
		status: 'active',
		subject: { reference: 'Patient/r' },
		informationSource: { reference: 'Patient/r' },
		medicationCodeableConcept: { text: 'St John’s wort' },
		effectivePeriod: { start: '2023-06-01' },
	}),
	others: await post('api/prescription', { drug: 'Of another patient', patient_id: 'other' }),
};
await server.api('DELETE', `api/prescription/${ids.mistaken}`);
await server.api('PUT', `api/patient/r/medication/${ids.stopped}`, { body: { activity: 0 } });

const expected: Line[] = sorted([
	line('Metformin 500 MG Oral Tablet', ['861007'], 'active', '2024-01-15', ''),
	line('Prednisone 10 MG', [], 'completed', '2020-01-01', '2020-01-10'),
	line('Aspirin 81 MG', ['243670'], 'active', '2019-05-01', ''),
	line('Ibuprofen 200 MG', [], 'stopped', '2018-01-01', ''),
	line('Amoxicillin 250 MG', ['308182'], 'active', '2026-03-01', ''),
	line('St John’s wort', [], 'active', '2023-06-01', ''),
]);

/** Everybody who shows the list. */
const views: Readonly<Record<string, () => Promise<Line[]>>> = {
	'the clinic': throughClinic,
	prescriptions: throughPrescriptions,
	medications: throughMedications,
	FHIR: () => throughFhir('admin'),
	'the C-CDA document': () => throughDocument('admin', '10160-0'),
	'the patient': () => throughFhir('patient'),
	'the patient’s own document': () => throughDocument('patient', '10160-0'),
};

async function agree(lines: readonly Line[]): Promise<void> {
	for (const [name, view] of Object.entries(views)) assert.deepEqual(await view(), lines, name);
}

test('the chart, both APIs, FHIR, the C-CDA document and the patient see one medication list', () => agree(expected));

test('each is what it was entered as', async () => {
	const { json } = await server.api('GET', 'api/prescription?patient_id=r');
	const tables = (json as unknown as Enveloped<Node[]>).data.map((row) => [row.uuid, row.source_table]);
	const of = (...names: (keyof typeof ids)[]): unknown[] => names.map((name) => ids[name]).sort();
	const inTable = (table: string): unknown[] => tables.flatMap(([uuid, one]) => (one === table ? [uuid] : [])).sort();
	assert.deepEqual(inTable('prescriptions'), of('ordered', 'ended', 'referred'));
	assert.deepEqual(inTable('lists'), of('listed', 'stopped', 'reported'));
	// What is on the list is taken, and no plan that is still open.
	const { intent, reportedBoolean } = (await server.send('GET', `MedicationRequest/${ids.listed}`)).json;
	assert.deepEqual([intent, reportedBoolean], ['plan', true]);
	const now = await medicationList(server.ctx, { patient: 'r', which: 'now' });
	assert.deepEqual(now.matches.map(({ id }) => id).sort(), of('ordered', 'listed', 'referred', 'reported'));
});

test('what is changed through one is changed in all of them', async () => {
	await server.api('PUT', `api/patient/r/medication/${ids.ordered}`, { body: { title: 'Metformin 850 MG' } });
	// The drug that is referred to stays when what is shown of it comes back.
	const shown = recordIn((await server.api('GET', `api/patient/r/medication/${ids.referred}`)).json);
	assert.equal(
		(await server.api('PUT', `api/patient/r/medication/${ids.referred}`, { body: { ...shown, comments: 'with food' } })).status,
		200,
	);
	assert.deepEqual((await server.send('GET', `MedicationRequest/${ids.referred}`)).json.medicationReference, {
		reference: 'Medication/drug',
	});
	await server.api('PUT', `api/prescription/${ids.listed}`, { body: { end_date: '2025-12-31' } });
	const statement = (await server.send('GET', `MedicationStatement/${ids.reported}`)).json;
	await server.send('PUT', `MedicationStatement/${ids.reported}`, { body: { ...statement, status: 'entered-in-error' } });
	await agree(
		expected
			.filter(({ words }) => !words.startsWith('St John'))
			.map((one) =>
				one.words.startsWith('Metformin')
					? { ...one, words: 'Metformin 850 MG' }
					: one.words.startsWith('Aspirin')
						? { ...one, status: 'completed', to: '2025-12-31' }
						: one,
			),
	);
});

test('what is only planned is on the list as planned; the document has it in its plan of treatment', async () => {
	await post('MedicationRequest', {
		resourceType: 'MedicationRequest',
		status: 'active',
		intent: 'plan',
		subject: { reference: 'Patient/r' },
		medicationCodeableConcept: { text: 'Vaccine to come' },
	});
	const has = (lines: readonly Line[]): boolean => lines.some(({ words }) => words === 'Vaccine to come');
	for (const [name, view] of Object.entries(views)) assert.equal(has(await view()), !name.includes('document'), name);
	assert.ok(has(await throughDocument('admin', '18776-5')));
});
