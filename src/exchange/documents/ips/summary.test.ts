import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { sampleResources } from '#exchange/documents/testing/sample.ts';
import type { Resource } from '#fhir/resource.ts';
import { testServer } from '#testing/server.ts';

const server = await testServer({ after }, { referentialIntegrity: false });
server.caller('problems-only', [
	{ type: 'Patient', interactions: ['read', 'search'] },
	{ type: 'Condition', interactions: ['read', 'search'] },
]);

const resources: readonly Resource[] = [
	...(sampleResources as unknown as Resource[]),
	{ resourceType: 'Patient', id: 'bare', name: [{ family: 'Bare' }], identifier: [{ system: 'urn:x', value: '1' }] },
	{ resourceType: 'Patient', id: 'twin', name: [{ family: 'Twin' }], identifier: [{ system: 'urn:x', value: '2' }] },
	{ resourceType: 'Patient', id: 'twin2', name: [{ family: 'Twin' }], identifier: [{ system: 'urn:x', value: '2' }] },
	{
		resourceType: 'Observation',
		id: 'old-weight',
		status: 'final',
		subject: { reference: 'Patient/sample' },
		category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] }],
		code: { coding: [{ system: 'http://loinc.org', code: '29463-7' }] },
		effectiveDateTime: '2001-01-01',
		valueQuantity: { value: 60, unit: 'kg', system: 'http://unitsofmeasure.org', code: 'kg' },
	},
];
const entry = resources.map((resource) => ({ resource, request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` } }));
const stored = await server.send('POST', '', { body: { resourceType: 'Bundle', type: 'transaction', entry } });
assert.equal(stored.status, 200, stored.text);

type Composition = Resource & {
	section: { title: string; text: { div: string }; entry?: { reference: string }[] }[];
};
type Document = { entry: { fullUrl: string; resource: Resource }[]; type: string };

async function summaryOf(path: string, as = 'admin'): Promise<Document & { composition: Composition; ids: Set<string> }> {
	const { status, json, text } = await server.send('GET', path, { as });
	assert.equal(status, 200, text);
	const document = json as unknown as Document;
	const composition = document.entry[0]?.resource as Composition;
	return { ...document, composition, ids: new Set(document.entry.map(({ resource }) => `${resource.resourceType}/${resource.id}`)) };
}

test('a document with its composition first, valid FHIR, and every entry of a section in it', async () => {
	const { composition, ids, entry: entries, type } = await summaryOf('Patient/sample/$summary');
	assert.equal(type, 'document');
	assert.equal(composition.resourceType, 'Composition');
	assert.equal(entries[1]?.resource.resourceType, 'Patient');
	assert.equal(new Set(entries.map(({ fullUrl }) => fullUrl)).size, entries.length);
	const titles = composition.section.map(({ title }) => title);
	for (const title of [
		'Problems',
		'Allergies and Intolerances',
		'Medications',
		'Immunizations',
		'Results',
		'Procedures',
		'Medical Devices',
		'Vital Signs',
		'Social History',
	])
		assert.ok(titles.includes(title), title);
	for (const { entry: references } of composition.section) assert.equal(listed(entries, references).length, references?.length ?? 0);
	// What has no address of its own finds others by their whole URLs, https://hl7.org/fhir/R4/bundle.html#references
	const fullUrls = new Set(entries.map(({ fullUrl }) => fullUrl));
	for (const { fullUrl, resource } of entries.filter((one) => one.fullUrl.startsWith('urn:')))
		for (const [, reference = ''] of JSON.stringify(resource).matchAll(/"reference":"([^"]+)"/g))
			assert.ok(fullUrls.has(reference), `${fullUrl} refers to ${reference}`);
	for (const id of ['Practitioner/doctor', 'Organization/clinic', 'Medication/metformin']) assert.ok(ids.has(id), id);
	const issues = server.ctx.fhir.validator.validate(composition).filter(({ severity }) => severity === 'error');
	assert.deepEqual(issues, []);
});

test('what is over, planned, mistaken or measured again is not in a summary', async () => {
	const { ids } = await summaryOf('Patient/sample/$summary');
	for (const id of [
		'MedicationRequest/stopped',
		'MedicationRequest/plan',
		'Condition/wrong',
		'Condition/visit-diagnosis',
		'Observation/old-weight',
		'Observation/pending',
	])
		assert.ok(!ids.has(id), id);
	for (const id of ['MedicationRequest/metformin', 'Condition/diabetes', 'Observation/weight']) assert.ok(ids.has(id), id);
});

test('required sections say when there is nothing', async () => {
	const { composition, entry: entries } = await summaryOf('Patient/$summary?identifier=urn:x|1');
	assert.deepEqual(
		composition.section.map(({ title }) => title),
		['Problems', 'Allergies and Intolerances', 'Medications'],
	);
	const said = composition.section.flatMap(({ entry: references }) => listed(entries, references));
	assert.deepEqual(
		said.map(({ resourceType }) => resourceType),
		['Condition', 'AllergyIntolerance', 'MedicationStatement'],
	);
	for (const resource of said) {
		assert.match(JSON.stringify(resource), /absent-unknown-uv-ips","code":"no-(problem|allergy|medication)-info"/);
		const errors = server.ctx.fhir.validator.validate(resource).filter(({ severity }) => severity === 'error');
		assert.deepEqual(errors, []);
	}
});

function listed(entries: Document['entry'], references: readonly { reference: string }[] = []): Resource[] {
	return references.map(({ reference }) => {
		const found = entries.find(({ fullUrl }) => fullUrl === reference);
		assert.ok(found !== undefined, reference);
		return found.resource;
	});
}

// https://hl7.org/fhir/uv/ips/STU1.1/StructureDefinition-Composition-uv-ips.html
test('sections list what may stand in them', async () => {
	const { composition, entry: entries, ids } = await summaryOf('Patient/sample/$summary');
	const types = new Map(
		composition.section.map(({ title, entry: references }) => [
			title,
			[...new Set(listed(entries, references).map(({ resourceType }) => resourceType))],
		]),
	);
	assert.deepEqual(types.get('Medical Devices'), ['DeviceUseStatement']);
	assert.ok(ids.has('Device/pacemaker'));
	assert.deepEqual(types.get('Functional Status'), []);
	for (const [title, allowed] of [
		['Problems', ['Condition']],
		['Allergies and Intolerances', ['AllergyIntolerance']],
		['Medications', ['MedicationRequest', 'MedicationStatement']],
		['Immunizations', ['Immunization']],
		['Results', ['Observation']],
		['Procedures', ['Procedure']],
		['Plan of Care', ['CarePlan']],
		['Social History', ['Observation']],
		['Vital Signs', ['Observation']],
	] as const)
		for (const type of types.get(title) ?? []) assert.ok((allowed as readonly string[]).includes(type), `${title}: ${type}`);
	for (const { resource } of entries.filter(({ resource }) => resource.resourceType === 'DeviceUseStatement')) {
		const errors = server.ctx.fhir.validator.validate(resource).filter(({ severity }) => severity === 'error');
		assert.deepEqual(errors, []);
	}
});

for (const contentType of [undefined, 'application/fhir+json', 'application/json', 'application/x-www-form-urlencoded'])
	test(`it may be asked for by a POST without a body, ${contentType ?? 'of no type'}`, async () => {
		const headers = contentType === undefined ? {} : { 'content-type': contentType };
		const { status, json } = await server.send('POST', 'Patient/sample/$summary', { headers });
		assert.equal(status, 200);
		assert.equal(json.type, 'document');
	});

test('an app of the patient sees the patient’s devices', async () => {
	server.caller('app', [{ type: '*', interactions: ['read', 'search'], patient: 'sample' }]);
	const { ids } = await summaryOf('Patient/sample/$summary', 'app');
	assert.ok(ids.has('Device/pacemaker'));
	server.caller('other-app', [{ type: '*', interactions: ['read', 'search'], patient: 'bare' }]);
	assert.equal((await server.send('GET', 'Device/pacemaker', { as: 'other-app' })).status, 404);
});

test('only what the caller may see', async () => {
	const { ids, composition, entry: entries } = await summaryOf('Patient/sample/$summary', 'problems-only');
	assert.ok(ids.has('Condition/diabetes'));
	const stored = entries.filter(({ fullUrl }) => !fullUrl.startsWith('urn:'));
	assert.ok(!stored.some(({ resource }) => /^(Allergy|Medication|Observation|Practitioner)/.test(resource.resourceType)));
	assert.match(JSON.stringify(composition.section[0]), /Type 2 diabetes/);
	assert.ok(!JSON.stringify(composition).includes('Penicillin'));
});

const refused: readonly (readonly [string, number])[] = [
	['Patient/nobody/$summary', 404],
	['Patient/$summary', 400],
	['Patient/$summary?identifier=urn:x|9', 404],
	['Patient/$summary?identifier=urn:x|2', 400],
	['Patient/sample/$summary?profile=http://example.org/p', 400],
];
for (const [path, status] of refused) {
	test(`refused: ${path}`, async () => {
		assert.equal((await server.send('GET', path)).status, status);
	});
}
