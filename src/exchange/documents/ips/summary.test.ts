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
	section: { title: string; text: { div: string }; entry?: { reference: string }[]; emptyReason?: object }[];
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
	for (const { entry: references } of composition.section)
		for (const { reference } of references ?? []) assert.ok(ids.has(reference), reference);
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
	const { composition } = await summaryOf('Patient/$summary?identifier=urn:x|1');
	assert.deepEqual(
		composition.section.map(({ title, emptyReason }) => [title, emptyReason !== undefined]),
		[
			['Problems', true],
			['Allergies and Intolerances', true],
			['Medications', true],
		],
	);
});

test('an app of the patient sees the patient’s devices', async () => {
	server.caller('app', [{ type: '*', interactions: ['read', 'search'], patient: 'sample' }]);
	const { ids } = await summaryOf('Patient/sample/$summary', 'app');
	assert.ok(ids.has('Device/pacemaker'));
	server.caller('other-app', [{ type: '*', interactions: ['read', 'search'], patient: 'bare' }]);
	assert.equal((await server.send('GET', 'Device/pacemaker', { as: 'other-app' })).status, 404);
});

test('only what the caller may see', async () => {
	const { ids, composition } = await summaryOf('Patient/sample/$summary', 'problems-only');
	assert.ok(ids.has('Condition/diabetes'));
	assert.ok(![...ids].some((id) => /^(Allergy|Medication|Observation|Practitioner)/.test(id)));
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
