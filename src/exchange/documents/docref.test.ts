import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Resource } from '#fhir/resource.ts';
import { readDocument } from '#formats/ccda/document.ts';
import { textOf } from '#formats/ccda/tree.ts';
import { testServer } from '#testing/server.ts';

const server = await testServer({ after });
const loinc = 'http://loinc.org';
const all = ['create', 'read', 'update', 'delete', 'search'] as const;
server.caller('app', [{ type: '*', interactions: ['read', 'search'], patient: 'p1' }]);
server.caller('blind', [
	{ type: 'Patient', interactions: ['read', 'search'] },
	{ type: 'DocumentReference', interactions: ['read', 'search'] },
	{ type: 'Binary', interactions: ['read'] },
]);
server.caller('other', [{ type: '*', interactions: all, patient: 'p2' }]);
server.caller('documents-not', [{ type: 'Patient', interactions: all }]);

const subject = { reference: 'Patient/p1' };
const concept = (system: string, code: string, display: string) => ({ coding: [{ system, code, display }], text: display });

async function put(...resources: Resource[]): Promise<void> {
	for (const body of resources) {
		const { status, text } = await server.send('PUT', `${body.resourceType}/${body.id}`, { body });
		assert.ok(status < 300, text);
	}
}

await put(
	{ resourceType: 'Organization', id: 'o1', active: true, name: 'Lakeside Clinic' },
	{
		resourceType: 'Practitioner',
		id: 'd1',
		name: [{ family: 'Okoye', given: ['Ada'] }],
		identifier: [{ system: 'http://hl7.org/fhir/sid/us-npi', value: '1234567893' }],
	},
	{
		resourceType: 'Patient',
		id: 'p1',
		name: [{ family: 'Smith & Sons', given: ['Jo<hn'] }],
		gender: 'male',
		birthDate: '1980-01-15',
		managingOrganization: { reference: 'Organization/o1' },
	},
	{ resourceType: 'Patient', id: 'p2', name: [{ family: 'Other' }], gender: 'female', birthDate: '1990' },
	{
		resourceType: 'Condition',
		id: 'c1',
		subject,
		clinicalStatus: concept('http://terminology.hl7.org/CodeSystem/condition-clinical', 'active', 'Active'),
		code: concept('http://snomed.info/sct', '44054006', 'Diabetes mellitus type 2'),
		onsetDateTime: '2019-05-01',
	},
	{
		resourceType: 'Observation',
		id: 'v1',
		subject,
		status: 'final',
		category: [concept('http://terminology.hl7.org/CodeSystem/observation-category', 'vital-signs', 'Vital signs')],
		code: concept(loinc, '8867-4', 'Heart rate'),
		effectiveDateTime: '2024-03-01T09:00:00Z',
		valueQuantity: { value: 72, unit: 'beats/minute', system: 'http://unitsofmeasure.org', code: '/min' },
		performer: [{ reference: 'Practitioner/d1' }],
	},
	{
		resourceType: 'Observation',
		id: 'v2',
		subject,
		status: 'final',
		category: [concept('http://terminology.hl7.org/CodeSystem/observation-category', 'vital-signs', 'Vital signs')],
		code: concept(loinc, '8867-4', 'Heart rate'),
		effectiveDateTime: '2020-03-01T09:00:00Z',
		valueQuantity: { value: 99, unit: 'beats/minute', system: 'http://unitsofmeasure.org', code: '/min' },
	},
	{ resourceType: 'Condition', id: 'c9', subject: { reference: 'Patient/p2' }, code: { text: 'Secret of another patient' } },
	{
		resourceType: 'DocumentReference',
		id: 'consult',
		status: 'current',
		subject,
		type: concept(loinc, '11488-4', 'Consult note'),
		date: '2024-04-01T00:00:00Z',
		content: [{ attachment: { contentType: 'text/plain', data: 'aGVsbG8=' } }],
		context: { period: { start: '2024-03-01', end: '2024-03-02' } },
	},
);

type Entry = {
	resource: Resource & { type: { coding: { code: string }[] }; content: { attachment: { url: string; contentType: string } }[] };
};
const entriesOf = (json: Resource): Entry[] => (json.entry ?? []) as Entry[];
const parameters = (...parameter: object[]) => ({ resourceType: 'Parameters', parameter });

async function ask(query: string, as = 'admin'): Promise<Entry[]> {
	const answer = await server.send('GET', `DocumentReference/$docref?${query}`, { as });
	assert.equal(answer.status, 200, answer.text);
	return entriesOf(answer.json);
}

async function xmlOf(entry: Entry | undefined, as = 'admin'): Promise<string> {
	const url = entry?.resource.content[0]?.attachment.url ?? '';
	assert.ok(url.startsWith(`${server.base}/Binary/`), url);
	const answer = await server.send('GET', url.slice(server.base.length + 1), { as, headers: { accept: '*/*' } });
	assert.equal(answer.status, 200, answer.text);
	assert.match(answer.headers.get('content-type') ?? '', /application\/xml/);
	return answer.text;
}

test('POST with Parameters gives a CCD that reads as one, by its absolute address', async () => {
	const body = parameters({ name: 'patient', valueId: 'p1' });
	const { status, json, text } = await server.send('POST', 'DocumentReference/$docref', { body });
	assert.equal(status, 200, text);
	assert.equal(json.type, 'searchset');
	const [entry, ...more] = entriesOf(json);
	assert.equal(more.length, 0);
	assert.equal(entry?.resource.type.coding[0]?.code, '34133-9');
	const xml = await xmlOf(entry);
	const document = readDocument(Buffer.from(xml));
	assert.ok(document.templateIds.includes('2.16.840.1.113883.10.20.22.1.2'));
	for (const words of ['Smith &amp; Sons', 'Jo&lt;hn', 'Diabetes mellitus type 2', 'Lakeside Clinic', '1234567893'])
		assert.ok(xml.includes(words), words);
	assert.ok(!xml.includes('Secret'));
	const problems = document.sections.find(({ code }) => code?.attributes.code === '11450-4');
	assert.equal(problems?.entries.length, 1);
	assert.match(textOf(problems?.narrative) ?? '', /Diabetes mellitus type 2/);
});

test('every reference of an entry leads into the narrative', async () => {
	const xml = await xmlOf((await ask('patient=p1'))[0]);
	const ids = new Set([...xml.matchAll(/ ID="([^"]+)"/g)].map(([, id]) => id));
	const references = [...xml.matchAll(/<reference value="#([^"]+)"/g)].map(([, id]) => id);
	assert.ok(references.length > 3);
	for (const reference of references) assert.ok(ids.has(reference), reference);
	assert.equal([...xml.matchAll(/ ID="/g)].length, ids.size);
});

test('the same document is given while the record says the same, another when it changed', async () => {
	const [first] = await ask('patient=p1');
	const [again] = await ask('patient=Patient/p1&on-demand=true');
	assert.equal(again?.resource.id, first?.resource.id);
	await put({
		resourceType: 'AllergyIntolerance',
		id: 'a1',
		patient: subject,
		clinicalStatus: concept('http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', 'active', 'Active'),
		code: { text: 'Penicillin' },
	});
	const [later] = await ask('patient=p1');
	assert.notEqual(later?.resource.id, first?.resource.id);
	assert.match(await xmlOf(later), /Penicillin/);
});

test('several at once who ask for the same get the same', async () => {
	await put({
		resourceType: 'AllergyIntolerance',
		id: 'a2',
		patient: subject,
		clinicalStatus: concept('http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', 'active', 'Active'),
		code: { text: 'Latex' },
	});
	const answers = await Promise.all(Array.from({ length: 6 }, () => ask('patient=p1')));
	assert.equal(new Set(answers.map(([entry]) => entry?.resource.id)).size, 1);
});

test('start and end are about care: what was measured at other times is not in it, problems are', async () => {
	const [entry] = await ask('patient=p1&start=2024-01-01&end=2024-12-31');
	const xml = await xmlOf(entry);
	assert.ok(xml.includes('Vital sign') && xml.includes('vital-signs_Observation_v1') && !xml.includes('vital-signs_Observation_v2'));
	assert.ok(xml.includes('Diabetes'));
});

test('documents that are there come with those that are made, unless only the latter are wanted', async () => {
	const types = async (query: string) => (await ask(query)).map(({ resource }) => resource.type.coding[0]?.code);
	assert.deepEqual(await types('patient=p1&start=2024-01-01&end=2024-12-31'), ['34133-9', '11488-4']);
	assert.deepEqual(await types('patient=p1&start=2024-01-01&end=2024-12-31&on-demand=true'), ['34133-9']);
	assert.deepEqual(await types('patient=p1&type=11488-4'), ['11488-4']);
	assert.deepEqual(await types(`patient=p1&type=${loinc}|11488-4&on-demand=true`), []);
	assert.deepEqual(await types('patient=p1&start=2010-01-01&end=2010-12-31&type=11488-4'), []);
	assert.deepEqual(await types('patient=p1&type=57133-1,52521-2'), ['57133-1', '52521-2']);
	assert.deepEqual(await types('patient=p1&profile=http://hl7.org/cda/us/ccda/StructureDefinition/CarePlan'), ['52521-2']);
});

test('a note about a visit needs one', async () => {
	assert.deepEqual(await ask('patient=p1&type=18842-5'), []);
	const kind = { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'IMP', display: 'inpatient encounter' };
	await put({
		resourceType: 'Encounter',
		id: 'e1',
		status: 'finished',
		class: kind,
		subject,
		period: { start: '2024-03-01', end: '2024-03-04' },
		participant: [{ individual: { reference: 'Practitioner/d1' } }],
		serviceProvider: { reference: 'Organization/o1' },
	});
	const body = parameters(
		{ name: 'patient', valueString: 'p1' },
		{ name: 'type', valueCoding: { system: loinc, code: '18842-5' } },
		{ name: 'type', valueCoding: { system: loinc, code: '11506-3' } },
	);
	const { json, text } = await server.send('POST', 'DocumentReference/$docref', { body });
	assert.deepEqual(
		entriesOf(json).map(({ resource }) => resource.type.coding[0]?.code),
		['18842-5', '11506-3'],
		text,
	);
});

test('a caller sees only what he may see, and nobody else sees his document', async () => {
	const [own] = await ask('patient=p1', 'app');
	assert.match(await xmlOf(own, 'app'), /Diabetes/);
	assert.deepEqual(await ask('', 'app').then((entries) => entries.length), 1);
	const [blind] = await ask('patient=p1', 'blind');
	assert.doesNotMatch(await xmlOf(blind, 'blind'), /Diabetes|vital-signs_Observation_v1/);
	const url = own?.resource.content[0]?.attachment.url ?? '';
	const refused = await server.send('GET', url.slice(server.base.length + 1), { as: 'other' });
	assert.equal(refused.status, 404);
	assert.deepEqual(await ask('patient=p1', 'other'), []);
});

test('the text of a note that is kept as a Binary is in the document, for who may read it', async () => {
	const category = [concept('http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category', 'clinical-note', 'Clinical Note')];
	const attachment = { contentType: 'text/plain', url: `${server.base}/Binary/note` };
	await put(
		{
			resourceType: 'Binary',
			id: 'note',
			contentType: 'text/plain',
			securityContext: subject,
			data: Buffer.from('Feels much better.').toString('base64'),
		},
		{
			resourceType: 'DocumentReference',
			id: 'note',
			status: 'current',
			subject,
			type: concept(loinc, '11506-3', 'Progress note'),
			category,
			date: '2024-03-05T00:00:00Z',
			content: [{ attachment }],
		},
	);
	assert.match(await xmlOf((await ask('patient=p1', 'app'))[0], 'app'), /Feels much better/);
	server.caller('no-binaries', [
		{ type: 'Patient', interactions: ['read', 'search'] },
		{ type: 'DocumentReference', interactions: ['read', 'search'] },
	]);
	const [entry] = await ask('patient=p1', 'no-binaries');
	const xml = await xmlOf(entry);
	assert.ok(xml.includes('Progress note') && !xml.includes('Feels much better'));
});

test('documents that were made are no part of what the next is made from', async () => {
	const { json } = await server.send('GET', 'DocumentReference?patient=p1&_summary=count');
	assert.ok((json.total as number) > 3);
	assert.ok(!(await xmlOf((await ask('patient=p1'))[0])).includes('Continuity of Care Document</td>'));
});

const refused: readonly (readonly [string, number, string, string?])[] = [
	['', 400, 'parameter-missing'],
	['patient=p1&start=yesterday', 400, 'parameter-invalid'],
	['patient=p1&end=2024-13-01', 400, 'parameter-invalid'],
	['patient=p1&on-demand=maybe', 400, 'parameter-invalid'],
	['patient=p1&type=a%20b', 400, 'parameter-invalid'],
	['patient=p1&patient=p2', 400, 'parameter-invalid'],
	['patient=p1', 403, 'not-allowed', 'documents-not'],
];
for (const [query, status, code, as] of refused) {
	test(`refused: ${query} (${as ?? 'admin'})`, async () => {
		const answer = await server.send('GET', `DocumentReference/$docref?${query}`, { as: as ?? 'admin' });
		assert.equal(answer.status, status, answer.text);
		if (status === 400) assert.ok(answer.text.includes(code), answer.text);
	});
}

test('a patient who is not there has an empty answer', async () => {
	assert.deepEqual(await ask('patient=nobody'), []);
	assert.deepEqual(await ask('patient=../x'), []);
});
