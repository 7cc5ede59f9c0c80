// Problems, allergies, medications, surgeries and dental issues through both APIs.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Resource } from '#fhir/resource.ts';
import { testServer } from '#testing/server.ts';
import { type Enveloped, likelyRoundTrip, recordIn, recordRoundTrip } from '#testing/standard.ts';
import { allergyMapping } from './allergy.ts';
import type { Mapping } from './mapping.ts';
import { categorySystem, dentalIssueMapping, issueSystem, medicalProblemMapping } from './medical-problem.ts';
import { medicationMapping, statementMapping } from './medication.ts';
import { surgeryMapping, surgical } from './surgery.ts';

const server = await testServer({ after });
for (const id of ['p', 'q']) await server.send('PUT', `Patient/${id}`, { body: { resourceType: 'Patient', id } });

type Rows = Record<string, unknown>[];

/** The records of a list, whatever the style of the answer. */
async function listed(path: string): Promise<Rows> {
	const answer = await server.api('GET', path);
	if (answer.status === 404) return [];
	const { json } = answer;
	return Array.isArray(json) ? json : (json as unknown as Enveloped<Rows>).data;
}

const subject = { reference: 'Patient/p' };
const problem = { coding: [{ system: categorySystem, code: 'problem-list-item' }] };
const dental = { coding: [{ system: issueSystem, code: 'dental' }] };

type Kind = {
	readonly mapping: Mapping;
	/** What makes a random resource such a record. */
	readonly is: object;
	/** What it needs besides, unless it has it. */
	readonly needs?: object;
	readonly bare?: true;
};

const active = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }] };
const drug = { medicationCodeableConcept: { coding: [{ display: 'Aspirin' }] } };

const kinds: readonly Kind[] = [
	{ mapping: medicalProblemMapping, is: { subject, category: [problem], verificationStatus: undefined } },
	{ mapping: allergyMapping, is: { patient: subject, verificationStatus: undefined, clinicalStatus: active } },
	{ mapping: medicationMapping, is: { subject, status: 'active', intent: 'order' }, needs: drug, bare: true },
	{ mapping: statementMapping, is: { subject, status: 'active' }, needs: drug, bare: true },
	{ mapping: surgeryMapping, is: { subject, status: 'completed', category: { coding: [surgical] } }, bare: true },
	{ mapping: dentalIssueMapping, is: { subject, category: [problem, dental], verificationStatus: undefined }, bare: true },
];

/** What begins before it ends. */
function inOrder(record: Record<string, unknown>): Record<string, unknown> {
	const { begdate, enddate } = record as { begdate?: string; enddate?: string };
	return begdate === undefined || enddate === undefined || begdate < enddate ? record : { ...record, begdate: enddate, enddate: begdate };
}

for (const [i, { mapping, is, needs }] of kinds.entries()) {
	const path = `api/patient/p/${mapping.resource}`;
	likelyRoundTrip(server, mapping, {
		path: (id) => `${path}/${id}`,
		seed: 100 + i,
		runs: 15,
		adjust: (resource) =>
			JSON.parse(
				JSON.stringify({ ...(Object.keys(resource).some((name) => /^medication[A-Z]/.test(name)) ? {} : needs), ...resource, ...is }),
			) as Resource,
	});
	if (mapping === statementMapping) continue;
	recordRoundTrip(server, mapping, {
		path,
		seed: 200 + i,
		runs: 15,
		// Codes are shown taken apart.
		except: ['diagnosis', 'reaction'],
		adjust: inOrder,
	});
}

for (const { mapping, bare } of kinds.filter((kind) => kind.mapping !== statementMapping)) {
	const { resource: name, type } = mapping;

	test(`${name}: entered, shown by number and UUID, changed, struck out`, async () => {
		const path = `api/patient/q/${name}`;
		const begun = { title: 'First of all', begdate: '2020-01-15', diagnosis: 'ICD10:E11.9;SNOMED-CT:44054006' };
		const made = await server.api('POST', path, { body: begun });
		assert.equal(made.status, 201, made.text);
		const { id, uuid } = recordIn(made.json);
		assert.equal(typeof id, 'number');
		for (const named of [id, uuid]) {
			const { title, begdate } = recordIn((await server.api('GET', `${path}/${named}`)).json);
			assert.deepEqual({ title, begdate }, { title: begun.title, begdate: '2020-01-15 00:00:00' });
		}
		const fhir = (await server.send('GET', `${type}/${uuid}`)).text;
		for (const code of ['"http://hl7.org/fhir/sid/icd-10-cm"', '"E11.9"', '"http://snomed.info/sct"', '"44054006"', 'us-core'])
			assert.ok(fhir.includes(code), `${code} in ${fhir}`);
		const changed = await server.api('PUT', `${path}/${id}`, { body: { title: 'Second thoughts' } });
		assert.equal(changed.status, 200, changed.text);
		assert.equal(recordIn((await server.api('GET', `${path}/${uuid}`)).json).title, 'Second thoughts');
		assert.deepEqual(
			(await listed(path)).map((one) => one.uuid),
			[uuid],
		);
		assert.deepEqual(
			await listed(`api/patient/p/${name}?title=nobody-has-this`).then((rows) => rows.filter((one) => one.uuid === uuid)),
			[],
		);
		const found = async (query: string): Promise<unknown[]> => (await listed(`${path}?${query}`)).map((one) => one.uuid);
		for (const query of ['title=Second thoughts', 'begdate=2020-01-15', 'activity=1', '_lastUpdated=ge2020', '_sort=-modifydate&_limit=1'])
			assert.deepEqual(await found(query), [uuid], query);
		for (const query of ['title=Third', 'begdate=2020-01-16', 'activity=0', '_lastUpdated=lt2020'])
			assert.deepEqual(await found(query), [], query);
		if (mapping !== medicationMapping) {
			assert.deepEqual(await found('diagnosis=ICD10:E11.9'), [uuid]);
			assert.deepEqual(await found('diagnosis=E11.8'), []);
		}
		const other = await server.api('GET', `api/patient/p/${name}/${uuid}`);
		assert.equal(other.status, 404, 'of another patient');
		const gone = await server.api('DELETE', `${path}/${id}`);
		assert.equal(gone.status, 200, gone.text);
		assert.deepEqual(await listed(path), []);
		assert.equal((await server.api('GET', `${path}/${uuid}`)).status, 404);
		const kept = (await server.send('GET', `${type}/${uuid}`)).text;
		assert.ok(kept.includes('entered-in-error'));
		// Putting the version before back undoes it.
		const before = (await server.send('GET', `${type}/${uuid}/_history/2`)).json;
		assert.equal((await server.send('PUT', `${type}/${uuid}`, { body: before })).status, 200);
		assert.equal((await server.api('GET', `${path}/${uuid}`)).status, 200);
	});

	test(`${name}: what is wrong is named`, async () => {
		const path = `api/patient/p/${name}`;
		const { status, json } = await server.api('POST', path, { body: { begdate: 'soon', diagnosis: 'x' } });
		assert.equal(status, 400);
		const errors = (bare === true ? json : (json as unknown as Enveloped<never>).validationErrors) as Record<string, object>;
		assert.deepEqual(errors.begdate, { 'DateTime::INVALID_VALUE': 'begdate must be a valid date' });
		const short = (await server.api('POST', path, { body: { title: 'x', begdate: '2020-01-15', diagnosis: 'x' } })).json;
		const named = bare === true ? short : (short as unknown as Enveloped<never>).validationErrors;
		assert.deepEqual(Object.keys(named), ['title', 'diagnosis']);
		const backwards = { title: 'xx', begdate: '2020-01-15', enddate: '2020-01-14' };
		assert.match(
			(await server.api('POST', path, { body: backwards })).text,
			/"enddate":\{"DateTime::INVALID_VALUE":"enddate must not be before begdate"\}/,
		);
		assert.equal((await server.api('POST', `api/patient/nobody/${name}`, { body: { title: 'xx' } })).status, bare === true ? 404 : 400);
	});
}

test('an allergy has its reaction and severity', async () => {
	const seed = { title: 'Penicillin', begdate: '2020-01-15', diagnosis: 'Allergy to penicillin', severity_al: 'severe', reaction: 'Hives' };
	const made = await server.api('POST', 'api/patient/q/allergy', { body: seed });
	assert.equal(made.status, 201, made.text);
	const { uuid } = recordIn(made.json);
	const record = recordIn((await server.api('GET', `api/allergy/${uuid}`)).json);
	assert.equal(record.severity_al, 'severe');
	assert.equal(record.reaction_title, 'Hives');
	assert.deepEqual(Object.keys(record.reaction as object), ['247472004']);
	assert.deepEqual(Object.keys(record.diagnosis as object), ['Allergy to penicillin']);
	const fhir = (await server.send('GET', `AllergyIntolerance/${uuid}`)).json;
	assert.deepEqual(fhir.code, { text: 'Penicillin' });
	assert.deepEqual(fhir.reaction, [
		{
			manifestation: [{ coding: [{ system: 'http://snomed.info/sct', code: '247472004', display: 'Hives' }], text: 'Hives' }],
			severity: 'severe',
		},
	]);
	for (const [severity_al, severity] of [
		['mild_to_moderate', 'moderate'],
		['fatal', 'severe'],
		['mild', 'mild'],
	]) {
		await server.api('PUT', `api/patient/q/allergy/${uuid}`, { body: { severity_al } });
		assert.equal(recordIn((await server.api('GET', `api/allergy/${uuid}`)).json).severity_al, severity_al);
		const [reaction] = (await server.send('GET', `AllergyIntolerance/${uuid}`)).json.reaction as { severity: string }[];
		assert.equal(reaction?.severity, severity);
	}
	// A reaction that is taken away leaves the severity, and what FHIR says later counts.
	await server.api('PUT', `api/patient/q/allergy/${uuid}`, { body: { reaction: '' } });
	const after = recordIn((await server.api('GET', `api/allergy/${uuid}`)).json);
	assert.deepEqual([after.reaction, after.severity_al], ['', 'mild']);
});

test('a problem that ends is resolved, and active again when its end is taken away', async () => {
	const made = await server.api('POST', 'api/patient/q/medical_problem', {
		body: { title: 'Flu', begdate: '2024-01-02', enddate: '2024-01-20' },
	});
	const { uuid } = recordIn(made.json);
	const status = async (): Promise<unknown> => {
		const { clinicalStatus } = (await server.send('GET', `Condition/${uuid}`)).json as { clinicalStatus?: { coding: [{ code: string }] } };
		return clinicalStatus?.coding[0].code;
	};
	assert.equal(await status(), 'resolved');
	await server.api('PUT', `api/patient/q/medical_problem/${uuid}`, { body: { enddate: null } });
	assert.equal(await status(), 'active');
	await server.api('PUT', `api/patient/q/medical_problem/${uuid}`, { body: { activity: 0 } });
	assert.equal(await status(), 'inactive');
	const record = recordIn((await server.api('GET', `api/medical_problem/${uuid}`)).json);
	assert.equal(record.diagnosis, '');
	assert.equal(record.puuid, 'q');
});

test('codes that are shown taken apart may be sent back so', async () => {
	const body = { title: 'Diabetes', begdate: '2024-01-02', diagnosis: 'ICD10:E11.9;urn:local|x1;words' };
	const { uuid } = recordIn((await server.api('POST', 'api/patient/q/medical_problem', { body })).json);
	const path = `api/patient/q/medical_problem/${uuid}`;
	const { diagnosis } = recordIn((await server.api('GET', path)).json);
	assert.deepEqual(diagnosis, {
		'E11.9': { code: 'E11.9', description: '', code_type: 'ICD10', system: 'http://hl7.org/fhir/sid/icd-10-cm' },
		x1: { code: 'x1', description: '', code_type: '', system: 'urn:local' },
		words: { code: 'words', description: 'words', code_type: '', system: '' },
	});
	const { 'E11.9': kept } = diagnosis as Record<string, unknown>;
	assert.equal((await server.api('PUT', path, { body: { diagnosis: { 'E11.9': kept } } })).status, 200);
	assert.deepEqual(Object.keys(recordIn((await server.api('GET', path)).json).diagnosis as object), ['E11.9']);
	assert.deepEqual((await server.send('GET', `Condition/${uuid}`)).json.code, {
		coding: [{ system: 'http://hl7.org/fhir/sid/icd-10-cm', code: 'E11.9' }],
		text: 'Diabetes',
	});
});
