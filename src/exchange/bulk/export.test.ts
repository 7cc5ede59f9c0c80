// Exports by their front: kick-off, poll, download; what is in the files is compared with what a search by the same caller finds.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, truncateSync } from 'node:fs';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Grant } from '#access/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { type Answered, type Sent, testServer } from '#testing/server.ts';
import { registerBulk, usualBulk } from './operations.ts';

// What is listed here is listed whole: writes leave no Provenance of theirs beside it.
const server = await testServer({ after }, { provenance: false });
const reading = ['read', 'search'] as const;
const later = { prefer: 'respond-async' };

const grants: Readonly<Record<string, readonly Grant[]>> = {
	service: [{ type: '*', interactions: reading }],
	'only-patients': [{ type: 'Patient', interactions: reading }],
	laboratory: [
		{ type: 'Patient', interactions: reading },
		{ type: 'Observation', interactions: reading, query: 'category=laboratory' },
	],
	'one-patient': [{ type: '*', interactions: reading, patient: 'p1' }],
	nothing: [],
};
for (const [name, own] of Object.entries(grants)) server.caller(name, own, 'system');
server.caller('clerk', [{ type: '*', interactions: reading }]);

const coding = (system: string, code: string): object => ({ coding: [{ system, code }] });
const diabetes = coding('http://snomed.info/sct', '44054006');

function observation(id: string, patient: string, more: object = {}): object {
	const category = [coding('http://terminology.hl7.org/CodeSystem/observation-category', 'vital-signs')];
	const code = coding('http://loinc.org', '8867-4');
	return { resourceType: 'Observation', id, status: 'final', category, code, subject: { reference: `Patient/${patient}` }, ...more };
}

const laboratory = [coding('http://terminology.hl7.org/CodeSystem/observation-category', 'laboratory')];

/** Two practitioners; three patients, of whom the first two see the first; and things of theirs. */
const record: readonly object[] = [
	{ resourceType: 'Organization', id: 'o1', name: 'Clinic' },
	{ resourceType: 'Practitioner', id: 'd1', active: true },
	{ resourceType: 'Practitioner', id: 'd2', active: true },
	...[1, 2, 3].map((n) => ({
		resourceType: 'Patient',
		id: `p${n}`,
		gender: n === 2 ? 'male' : 'female',
		birthDate: `${1950 + n * 20}-05-05`,
		name: [{ family: `Name${n}`, given: ['Given'] }],
		generalPractitioner: [{ reference: `Practitioner/d${n === 3 ? 2 : 1}` }],
	})),
	...[1, 2, 3].flatMap((n) => [observation(`v${n}`, `p${n}`), observation(`l${n}`, `p${n}`, { category: laboratory })]),
	observation('prelim', 'p1', { status: 'preliminary' }),
	// About a device, seen by nobody's compartment; and one that p2 performed about p1.
	{ resourceType: 'Device', id: 'dev', patient: { reference: 'Patient/p1' } },
	observation('of-device', 'p1', { subject: { reference: 'Device/dev' } }),
	observation('performed', 'p1', { performer: [{ reference: 'Patient/p2' }] }),
	{ resourceType: 'Condition', id: 'c1', subject: { reference: 'Patient/p1' }, code: diabetes },
	{ resourceType: 'Condition', id: 'c3', subject: { reference: 'Patient/p3' }, code: coding('http://snomed.info/sct', '38341003') },
	...[
		['pr1', 'Observation/v1', '2026-01-01T00:00:00Z'],
		['pr2', 'Observation/v1', '2026-02-01T00:00:00Z'],
		['pr3', 'Condition/c3', '2026-01-01T00:00:00Z'],
	].map(([id, reference, recorded]) => ({
		resourceType: 'Provenance',
		id,
		recorded,
		target: [{ reference }],
		agent: [{ who: { reference: 'Practitioner/d1' } }],
	})),
	{ resourceType: 'Binary', id: 'b1', contentType: 'text/plain', data: Buffer.alloc(100_000, 'x').toString('base64') },
	{ resourceType: 'ValueSet', id: 'vs', status: 'draft' },
];

async function put(resource: object): Promise<void> {
	const { resourceType, id } = resource as Resource;
	const { status, text } = await server.send('PUT', `${resourceType}/${id}`, { body: resource });
	assert.ok(status < 300, text);
}

for (const resource of record) await put(resource);

type Listed = { readonly type?: string; readonly url: string; readonly count: number };
type Manifest = {
	readonly transactionTime: string;
	readonly request: string;
	readonly requiresAccessToken: boolean;
	readonly outputOrganizedBy?: string;
	readonly output: readonly Listed[];
	readonly deleted: readonly Listed[];
	readonly error: readonly Listed[];
};

type Exported = { readonly manifest: Manifest; readonly job: string; readonly as: string; readonly expires: string | null };

async function kickOff(path: string, { as = 'service', headers = {}, ...sent }: Sent & { method?: string } = {}): Promise<Answered> {
	const method = sent.body === undefined ? 'GET' : 'POST';
	return server.send(method, path, { as, headers: { ...later, ...headers }, ...sent });
}

function jobOf({ status, headers, text }: Answered): string {
	assert.equal(status, 202, text);
	const place = headers.get('content-location') ?? '';
	assert.ok(place.startsWith(`${server.base}/$bulkdata-status?job=`), place);
	return place.slice(place.indexOf('job=') + 4);
}

async function exported(path: string, sent: Sent = {}): Promise<Exported> {
	const job = jobOf(await kickOff(path, sent));
	const as = sent.as ?? 'service';
	for (;;) {
		const answer = await server.send('GET', `$bulkdata-status?job=${job}`, { as });
		if (answer.status !== 202 && answer.status !== 429) {
			assert.equal(answer.status, 200, answer.text);
			assert.match(answer.headers.get('content-type') ?? '', /^application\/json/);
			return { manifest: answer.json as unknown as Manifest, job, as, expires: answer.headers.get('expires') };
		}
		assert.ok(answer.status === 429 || answer.headers.get('x-progress') !== null);
		assert.match(answer.headers.get('retry-after') ?? '', /^\d+$/);
		await sleep(50);
	}
}

async function lines({ url }: Listed, as: string): Promise<Resource[]> {
	const { status, text, headers } = await server.send('GET', url.slice(server.base.length + 1), { as });
	assert.equal(status, 200, text);
	assert.match(headers.get('content-type') ?? '', /^application\/fhir\+ndjson/);
	return text
		.split('\n')
		.slice(0, -1)
		.map((line) => JSON.parse(line) as Resource);
}

/** What the files hold, as `Type/id`, each file being of the type and the length that the manifest says. */
async function namesIn({ manifest, as }: Exported): Promise<string[]> {
	const names: string[] = [];
	for (const file of manifest.output) {
		const resources = await lines(file, as);
		assert.equal(resources.length, file.count);
		assert.ok(resources.every(({ resourceType }) => resourceType === file.type));
		names.push(...resources.map(({ resourceType, id }) => `${resourceType}/${id}`));
	}
	return names.sort();
}

const names = record.map((one) => `${(one as Resource).resourceType}/${(one as Resource).id}`);
const sorted = (list: readonly string[]): string[] => list.toSorted();
const observations = names.filter((name) => name.startsWith('Observation/'));
const helpful = ['Device/dev', 'Organization/o1', 'Practitioner/d1', 'Practitioner/d2'];
const ofP1 = [
	'Condition/c1',
	'Observation/l1',
	'Observation/performed',
	'Observation/prelim',
	'Observation/v1',
	'Patient/p1',
	'Provenance/pr1',
	'Provenance/pr2',
];
const ofP2 = ['Observation/l2', 'Observation/performed', 'Observation/v2', 'Patient/p2'];
const ofP3 = ['Condition/c3', 'Observation/l3', 'Observation/v3', 'Patient/p3', 'Provenance/pr3'];
const shared = helpful.filter((name) => name !== 'Device/dev');

const selections: readonly (readonly [string, readonly string[], string?])[] = [
	['$export', names],
	['$export?_type=Patient,Observation&_outputFormat=ndjson', names.filter((name) => /^(Patient|Observation)/.test(name))],
	['$export?type=Patient&_outputFormat=application/fhir+ndjson', ['Patient/p1', 'Patient/p2', 'Patient/p3']],
	['$export?_type=ValueSet&_type=Binary', ['Binary/b1', 'ValueSet/vs']],
	['Patient/$export', [...new Set([...ofP1, ...ofP2, ...ofP3, ...helpful])]],
	['Patient/$export?patient=Patient/p1', [...ofP1, ...helpful]],
	['Patient/$export?patient=p2&_type=Patient,Observation,Device', ofP2],
	['Patient/$export?patient=p1&_type=Provenance', ['Provenance/pr1', 'Provenance/pr2']],
	['Patient/$export?_typeFilter=Observation%3Fstatus%3Dpreliminary&_type=Observation', ['Observation/prelim']],
	[
		'Patient/$export?_type=Observation,Patient&_typeFilter=Observation%3Fcategory%3Dlaboratory%26patient%3Dp1,p2,Observation%3Fstatus%3Dpreliminary',
		['Observation/l1', 'Observation/l2', 'Observation/prelim', 'Patient/p1', 'Patient/p2', 'Patient/p3'],
	],
	['$export?_typeFilter=Observation?subject:Patient.gender=male&_type=Observation', ['Observation/l2', 'Observation/v2']],
	[
		'Patient/$export?_type=Observation&includeAssociatedData=LatestProvenanceResources',
		[...observations.filter((name) => name !== 'Observation/of-device'), 'Provenance/pr2'],
	],
	[
		'Patient/$export?_type=Observation,Condition&includeAssociatedData=LatestProvenanceResources,RelevantProvenanceResources',
		[
			...observations.filter((name) => name !== 'Observation/of-device'),
			'Condition/c1',
			'Condition/c3',
			'Provenance/pr1',
			'Provenance/pr2',
			'Provenance/pr3',
		],
	],
	['$export', ['Patient/p1', 'Patient/p2', 'Patient/p3'], 'only-patients'],
	['Patient/$export', ['Observation/l1', 'Observation/l2', 'Observation/l3', 'Patient/p1', 'Patient/p2', 'Patient/p3'], 'laboratory'],
	['$export', ['Device/dev', ...ofP1], 'one-patient'],
	[
		'Patient/$export?_type=Patient,Observation',
		['Observation/l1', 'Observation/performed', 'Observation/prelim', 'Observation/v1', 'Patient/p1'],
		'one-patient',
	],
	['$export?_until=2020-01-01', []],
	['$export?_since=2020-01-01T00:00:00%2B02:00&_type=Condition', ['Condition/c1', 'Condition/c3']],
];

for (const [path, expected, as = 'service'] of selections)
	test(`${path} as ${as}`, async () => {
		const found = await exported(path, { as });
		assert.deepEqual(await namesIn(found), sorted(expected));
		const { request, requiresAccessToken, deleted, error } = found.manifest;
		assert.equal(request, `${server.base}/${path}`);
		assert.equal(requiresAccessToken, true);
		assert.deepEqual([deleted, error], [[], []]);
		assert.ok(found.expires !== null);
	});

test('bodies are the very text that a read gives, those of Binary with their data', async () => {
	const { manifest, as } = await exported('$export?_type=Binary,Patient');
	for (const file of manifest.output)
		for (const resource of await lines(file, as)) {
			const { text } = await server.send('GET', `${resource.resourceType}/${resource.id}?_format=json`);
			assert.deepEqual(resource, JSON.parse(text));
		}
});

test('POST with Parameters says the same, values as texts, instants and references', async () => {
	const parameter = [
		{ name: '_type', valueString: 'Patient,Observation' },
		{ name: '_since', valueInstant: '2020-01-01T00:00:00+02:00' },
		{ name: 'patient', valueReference: { reference: 'Patient/p3' } },
		{ name: 'patient', valueReference: { reference: `${server.base}/Patient/p2` } },
		{ name: '_typeFilter', valueString: 'Observation?category=laboratory' },
	];
	const found = await exported('Patient/$export', { body: { resourceType: 'Parameters', parameter } });
	assert.deepEqual(await namesIn(found), ['Observation/l2', 'Observation/l3', 'Patient/p2', 'Patient/p3']);
	assert.equal(found.manifest.request, `${server.base}/Patient/$export`);
});

test('_elements leaves what is asked for and what has to be there, and says so', async () => {
	const { manifest, as } = await exported('$export?_type=Patient,Observation&_elements=Patient.gender,id');
	for (const file of manifest.output) {
		const [first] = await lines(file, as);
		const wanted = file.type === 'Patient' ? ['gender', 'id', 'meta', 'resourceType'] : ['code', 'id', 'meta', 'resourceType', 'status'];
		assert.deepEqual(Object.keys(first as Resource).sort(), wanted);
		assert.ok((first as { meta: { tag: { code: string }[] } }).meta.tag.some(({ code }) => code === 'SUBSETTED'));
	}
});

test('organizeOutputBy=Patient: blocks of a header, the patient and what is the patient’s', async () => {
	const { manifest, as } = await exported('Patient/$export?organizeOutputBy=Patient&_type=Patient,Observation,Condition');
	assert.equal(manifest.outputOrganizedBy, 'Patient');
	const all = (await Promise.all(manifest.output.map((file) => lines(file, as)))).flat();
	const blocks = new Map<string, string[]>();
	let at: string[] = [];
	for (const one of all) {
		if (one.resourceType !== 'Parameters') at.push(`${one.resourceType}/${one.id}`);
		else {
			const [header] = one.parameter as [{ name: string; valueReference: { reference: string } }];
			assert.equal(header.name, 'header');
			at = [];
			blocks.set(header.valueReference.reference, at);
		}
	}
	const without = (list: readonly string[]): string[] => sorted(list.filter((name) => !name.startsWith('Provenance')));
	assert.deepEqual([...blocks.keys()], ['Patient/p1', 'Patient/p2', 'Patient/p3']);
	for (const [n, list] of [ofP1, ofP2, ofP3].entries()) {
		const block = blocks.get(`Patient/p${n + 1}`) ?? [];
		assert.equal(block[0], `Patient/p${n + 1}`);
		assert.deepEqual(sorted(block), without(list));
	}
	assert.equal(
		manifest.output.reduce((sum, { count }) => sum + count, 0),
		all.length - 3,
	);
});

const groups: readonly (readonly [string, object, readonly string[]])[] = [
	[
		'a list',
		{
			actual: true,
			member: [
				{ entity: { reference: 'Patient/p1' } },
				{ entity: { reference: 'Patient/p2' }, inactive: true },
				{ entity: { reference: 'Patient/p3' }, period: { end: '2020' } },
			],
		},
		['p1'],
	],
	['an empty list', { actual: true }, []],
	[
		'a Group in a Group',
		{ actual: true, member: [{ entity: { reference: 'Patient/p3' } }, { entity: { reference: 'Group/g0' } }] },
		['p1', 'p3'],
	],
	[
		'gender',
		{
			actual: false,
			characteristic: [{ code: { text: 'gender' }, valueCodeableConcept: { coding: [{ code: 'female' }] }, exclude: false }],
		},
		['p1', 'p3'],
	],
	[
		'not a gender, but a practitioner',
		{
			actual: false,
			characteristic: [
				{
					code: { coding: [{ system: 'http://loinc.org', code: '46098-0' }] },
					valueCodeableConcept: { coding: [{ system: 'http://hl7.org/fhir/administrative-gender', code: 'male' }] },
					exclude: true,
				},
				{ code: { text: 'general-practitioner' }, valueReference: { reference: 'Practitioner/d1' }, exclude: false },
			],
		},
		['p1'],
	],
	[
		'age',
		{
			actual: false,
			characteristic: [
				{
					code: { coding: [{ system: 'http://loinc.org', code: '30525-0' }] },
					valueRange: { low: { value: 30 }, high: { value: 40 } },
					exclude: false,
				},
			],
		},
		['p2'],
	],
	[
		'a disease',
		{ actual: false, characteristic: [{ code: { text: 'condition' }, valueCodeableConcept: diabetes, exclude: false }] },
		['p1'],
	],
	[
		'a member filter on Condition',
		{
			actual: true,
			modifierExtension: [
				{
					url: 'http://hl7.org/fhir/uv/bulkdata/StructureDefinition/member-filter',
					valueExpression: { language: 'application/x-fhir-query', expression: 'Condition?code=http://snomed.info/sct|38341003' },
				},
			],
		},
		['p3'],
	],
	[
		'two member filters',
		{
			actual: true,
			modifierExtension: ['Patient?gender=female', 'Observation?status=preliminary'].map((expression) => ({
				url: 'http://hl7.org/fhir/uv/bulkdata/StructureDefinition/member-filter',
				valueExpression: { language: 'application/x-fhir-query', expression },
			})),
		},
		['p1'],
	],
];

for (const [n, [what, group, patients]] of groups.entries())
	test(`a Group by ${what}`, async () => {
		await put({ resourceType: 'Group', id: `g${n}`, type: 'person', ...group });
		const found = await exported(`Group/g${n}/$export?_type=Patient`);
		assert.deepEqual(
			await namesIn(found),
			patients.map((id) => `Patient/${id}`),
		);
		await server.send('DELETE', `Group/g${n === 0 ? 'none' : n}`);
	});

test('a practitioner’s Group is the patients who name the practitioner; a patient who is not of it is refused', async () => {
	assert.deepEqual(
		await namesIn(await exported('Group/d1/$export')),
		sorted([...new Set([...ofP1, ...ofP2, ...shared, 'Device/dev', 'Group/g0'])]),
	);
	const other = await kickOff('Group/d1/$export?patient=p3');
	assert.deepEqual([other.status, (other.json.issue as { code: string }[])[0]?.code], [400, 'not-found']);
	const lenient = await exported('Group/d1/$export?patient=p3,p2&_type=Patient', {
		headers: { prefer: 'respond-async, handling=lenient' },
	});
	assert.deepEqual(await namesIn(lenient), ['Patient/p2']);
	assert.equal((await kickOff('Group/nobody/$export')).status, 404);
});

test('a Group whose characteristic cannot be looked up is refused', async () => {
	await put({
		resourceType: 'Group',
		id: 'odd',
		type: 'person',
		actual: false,
		characteristic: [{ code: { text: 'shoe size' }, valueBoolean: true, exclude: false }],
	});
	assert.equal((await kickOff('Group/odd/$export')).status, 422);
	await server.send('DELETE', 'Group/odd');
});

const refusals: readonly (readonly [string, number, Sent?])[] = [
	['$export', 400, { headers: { prefer: 'return=minimal' } }],
	['$export?_unknown=1', 400],
	['$export?_type=Nothing', 400],
	['Patient/$export?_type=ValueSet', 400],
	['$export?_outputFormat=text/csv', 400],
	['$export?_since=yesterday', 400],
	['$export?_since=2020-01-01&_since=2021-01-01', 400],
	['$export?_typeFilter=Observation%3Funknown%3D1', 400],
	['$export?_typeFilter=Observation%3F_include%3DObservation:subject', 400],
	['$export?_typeFilter=nonsense', 400],
	['$export?_type=Patient&_typeFilter=Observation%3Fstatus%3Dfinal', 400],
	['$export?_elements=Nothing.id', 400],
	['$export?patient=p1', 400],
	['Patient/$export?patient=p9', 400],
	['Patient/$export?patient=Practitioner/d1', 400],
	['$export?includeAssociatedData=_everything', 400],
	['$export?organizeOutputBy=Encounter', 400],
	['$export?_type=Observation', 403, { as: 'only-patients' }],
	['$export', 403, { as: 'clerk' }],
	['$export', 403, { as: 'nothing' }],
	['$export', 401, { as: 'nobody' }],
	['Group/$export', 404],
	['$export', 400, { body: { resourceType: 'Patient' } }],
	['$export', 400, { body: { resourceType: 'Parameters', parameter: [{ name: '_type', valueCoding: {} }] } }],
];

for (const [path, status, sent = {}] of refusals)
	test(`refused with ${status}: ${sent.body === undefined ? 'GET' : 'POST'} ${path} ${JSON.stringify(sent)}`, async () => {
		const answer = await kickOff(path, sent);
		assert.equal(answer.status, status, answer.text);
		assert.equal(answer.json.resourceType, 'OperationOutcome');
	});

test('lenient handling passes over what it does not know and says so in a file', async () => {
	const headers = { prefer: 'respond-async, handling=lenient' };
	const found = await exported('$export?_type=Patient,Nothing&_unknown=1&_typeFilter=Patient%3Fodd%3D1', { headers });
	assert.equal((await namesIn(found)).length, 3);
	const [file] = found.manifest.error as [Listed];
	const told = await lines(file, found.as);
	assert.deepEqual([file.type, file.count, told.length], ['OperationOutcome', 3, 3]);
	assert.ok(told.every(({ resourceType }) => resourceType === 'OperationOutcome'));
	assert.equal((await kickOff('$export?_type=Nothing', { headers })).status, 400);
	assert.equal((await kickOff('$export?_outputFormat=text/csv', { headers })).status, 400);
});

test('_since: what changed after it, and what was deleted', async () => {
	const before = await exported('$export?_type=Patient');
	await put(observation('new', 'p1'));
	await put({ ...observation('gone', 'p2') });
	await server.send('DELETE', 'Observation/gone');
	await put({ ...observation('back', 'p2') });
	await server.send('DELETE', 'Observation/back');
	await put({ ...observation('back', 'p2') });
	const since = encodeURIComponent(before.manifest.transactionTime);
	for (const [path, as, gone] of [
		[`$export?_since=${since}`, 'service', ['Observation/gone']],
		[`Patient/$export?_since=${since}`, 'service', ['Observation/gone']],
		[`Patient/$export?patient=p2&_since=${since}`, 'service', ['Observation/gone']],
		[`Patient/$export?patient=p1&_since=${since}`, 'service', []],
		[`$export?_since=${since}`, 'laboratory', []],
	] as const) {
		const { manifest } = await exported(path, { as });
		const bundles = (await Promise.all(manifest.deleted.map((file) => lines(file, as)))).flat() as {
			type?: string;
			entry?: { request: object }[];
		}[];
		assert.ok(bundles.every(({ type }) => type === 'transaction'));
		const entries = bundles.flatMap(({ entry = [] }) => entry.map(({ request }) => request));
		const ours = entries.filter((request) => (request as { url: string }).url.startsWith('Observation/'));
		assert.deepEqual(
			ours,
			gone.map((url) => ({ method: 'DELETE', url })),
			path,
		);
	}
	const changed = await namesIn(await exported(`$export?_since=${since}&_type=Observation`));
	assert.ok(changed.includes('Observation/new') && changed.includes('Observation/back') && !changed.includes('Observation/v1'));
	await server.send('DELETE', 'Observation/new');
	await server.send('DELETE', 'Observation/back');
});

test('files: in parts, compressed, and for nobody but the client and administrators', async () => {
	const { manifest, as } = await exported('$export?_type=Observation');
	const path = (manifest.output[0] as Listed).url.slice(server.base.length + 1);
	const whole = await server.send('GET', path, { as, headers: { 'accept-encoding': 'identity' } });
	assert.equal(whole.headers.get('accept-ranges'), 'bytes');
	const part = await server.send('GET', path, { as, headers: { range: 'bytes=10-19' } });
	assert.deepEqual(
		[part.status, part.text, part.headers.get('content-range')],
		[206, whole.text.slice(10, 20), `bytes 10-19/${whole.text.length}`],
	);
	assert.equal((await server.send('GET', path, { as, headers: { range: `bytes=${whole.text.length}-` } })).status, 416);
	const response = await fetch(`${server.origin}/apis/default/fhir/${path}`, {
		headers: { authorization: `Bearer ${as}`, 'accept-encoding': 'gzip' },
	});
	assert.deepEqual([response.headers.get('content-encoding'), await response.text()], ['gzip', whole.text]);
	const head = await server.send('HEAD', path, { as });
	assert.deepEqual([head.status, head.headers.get('content-length'), head.text], [200, String(whole.text.length), '']);
	assert.equal((await server.send('GET', path, { as: 'admin' })).text, whole.text);
	for (const other of ['only-patients', 'clerk', 'nothing'])
		assert.ok([403, 404].includes((await server.send('GET', path, { as: other })).status));
	assert.equal((await server.send('GET', path, { as: 'nobody' })).status, 401);
	assert.equal((await server.send('GET', `${path}9`, { as })).status, 404);
	// Its end was lost with the power.
	const [, job = '', number = ''] = /Binary\/([^.]+)\.(\d+)/.exec(path) ?? [];
	truncateSync(await server.ctx.fhir.jobs.file(server.ctx, job, number), 100);
	assert.equal((await server.send('GET', path, { as })).status, 404);
});

test('large types come in several files, each of whole lines', async () => {
	registerBulk(server.ctx.fhir, { ...usualBulk, fileBytes: 1 });
	const whole = await exported('$export?_type=Binary,Patient&_elements=id');
	registerBulk(server.ctx.fhir, usualBulk);
	assert.deepEqual(await namesIn(whole), ['Binary/b1', 'Patient/p1', 'Patient/p2', 'Patient/p3']);
	registerBulk(server.ctx.fhir, { ...usualBulk, fileBytes: 1000 });
	await put({ resourceType: 'Binary', id: 'b2', contentType: 'text/plain', data: 'eA==' });
	const { manifest } = await exported('$export?_type=Binary');
	registerBulk(server.ctx.fhir, usualBulk);
	assert.deepEqual(
		manifest.output.map(({ type, count }) => [type, count]),
		[
			['Binary', 1],
			['Binary', 1],
		],
	);
	await server.send('DELETE', 'Binary/b2');
});

test('a Binary whose data are lost is told, and the others are there', async () => {
	const { fhir } = server.ctx;
	const data = Buffer.alloc(90_000, 'y');
	await put({ resourceType: 'Binary', id: 'lost', contentType: 'text/plain', data: data.toString('base64') });
	const key = createHash('sha256').update(data).digest('hex');
	assert.ok(await fhir.blobs.remove(key, Date.now() + 1000));
	const found = await exported('$export?_type=Binary');
	assert.deepEqual(await namesIn(found), ['Binary/b1']);
	const [file] = found.manifest.error as [Listed];
	assert.match(JSON.stringify(await lines(file, found.as)), /blob-missing/);
	await server.send('DELETE', 'Binary/lost');
});

test('a status is for the client and administrators; DELETE removes job and files', async () => {
	const { manifest, job, as } = await exported('$export?_type=Patient');
	const path = (manifest.output[0] as Listed).url.slice(server.base.length + 1);
	const file = await server.ctx.fhir.jobs.file(server.ctx, job, '1');
	assert.equal((await server.send('GET', `$bulkdata-status?job=${job}`, { as: 'only-patients' })).status, 404);
	assert.equal((await server.send('DELETE', `$bulkdata-status?job=${job}`, { as: 'only-patients' })).status, 404);
	assert.equal((await server.send('GET', `$bulkdata-status?job=${job}`, { as: 'admin' })).status, 200);
	assert.equal((await server.send('DELETE', `$bulkdata-status?job=${job}`, { as })).status, 202);
	assert.ok(!existsSync(file));
	for (const gone of [`$bulkdata-status?job=${job}`, path]) assert.equal((await server.send('GET', gone, { as })).status, 404);
	assert.equal((await server.send('DELETE', `$bulkdata-status?job=${job}`, { as })).status, 404);
	for (const bad of ['$bulkdata-status', '$bulkdata-status?job=', '$bulkdata-status?job=a&job=b'])
		assert.equal((await server.send('GET', bad, { as })).status, 400, bad);
	assert.equal((await server.send('GET', '$bulkdata-status?job=../x', { as })).status, 404);
});

test('an export is of one moment: what is written while it runs is in none of its files', async () => {
	const open = await server.ctx.db.connect();
	await open.query('BEGIN; LOCK TABLE fhir.patient IN ACCESS EXCLUSIVE MODE');
	// The snapshot is taken before the first file; Observation comes before Patient, which is locked.
	const job = jobOf(await kickOff('$export?_type=Observation,Patient'));
	const ask = (): Promise<Answered> => server.send('GET', `$bulkdata-status?job=${job}`, { as: 'service' });
	let progress = '';
	while (!progress.includes('resources')) {
		await sleep(20);
		const [row] = await server.ctx.db.rows({
			text: `SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'fhir.patient'::regclass`,
		});
		if (Number(row?.[0]) > 0) progress = 'resources';
	}
	await put({ ...observation('late', 'p1', { subject: { display: 'nobody in particular' } }) });
	assert.equal((await ask()).status, 202);
	await open.query('ROLLBACK');
	open.release();
	let answer = await ask();
	while (answer.status !== 200) {
		await sleep(50);
		answer = await ask();
	}
	const found = await namesIn({ manifest: answer.json as unknown as Manifest, job, as: 'service', expires: null });
	assert.ok(!found.includes('Observation/late'));
	assert.ok(found.includes('Observation/v1'));
	await server.send('DELETE', 'Observation/late');
});

test('who polls too fast is told to wait', async () => {
	const open = await server.ctx.db.connect();
	await open.query('BEGIN; LOCK TABLE fhir.patient IN ACCESS EXCLUSIVE MODE');
	const job = jobOf(await kickOff('$export?_type=Patient'));
	const statuses: number[] = [];
	for (let i = 0; i < 8; i++) {
		const { status, headers } = await server.send('GET', `$bulkdata-status?job=${job}`, { as: 'service' });
		assert.match(headers.get('retry-after') ?? '', /^\d+$/);
		statuses.push(status);
	}
	assert.deepEqual([...new Set(statuses)], [202, 429]);
	await server.send('DELETE', `$bulkdata-status?job=${job}`, { as: 'service' });
	await open.query('ROLLBACK');
	open.release();
	assert.equal((await server.send('GET', `$bulkdata-status?job=${job}`, { as: 'service' })).status, 404);
});

test('an export that is cancelled while rows stream gives way: its connection and its place are free again', async () => {
	const { db, fhir } = server.ctx;
	const text = { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${'word '.repeat(600)}</div>` };
	const body = Array.from(
		{ length: 4000 },
		(_, n) => `${JSON.stringify({ resourceType: 'Basic', id: `x${n}`, code: { text: 'x' }, text })}\n`,
	).join('');
	const headers = { ...later, 'content-type': 'application/fhir+ndjson' };
	const filled = jobOf(await server.send('POST', '$import', { body, headers }));
	while ((await fhir.jobs.status(server.ctx, filled)).result === undefined) await sleep(50);
	// Others are at work, so that the export takes its time.
	let answered = 0;
	registerBulk(fhir, { ...usualBulk, served: () => answered++ });
	for (let round = 0; round < 3; round++) {
		const job = jobOf(await kickOff('$export?_type=Basic'));
		const copying = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE 'COPY %'`;
		while ((await db.rows({ text: copying })).length === 0) await sleep(5);
		assert.equal((await server.send('DELETE', `$bulkdata-status?job=${job}`, { as: 'service' })).status, 202);
		while ((await db.rows({ text: copying })).length > 0) await sleep(5);
	}
	registerBulk(fhir, usualBulk);
	const { manifest } = await exported('$export?_type=Basic');
	assert.equal(
		manifest.output.reduce((sum, { count }) => sum + count, 0),
		4000,
	);
});

test('a batch cannot ask for an export', async () => {
	const body = { resourceType: 'Bundle', type: 'batch', entry: [{ request: { method: 'GET', url: 'Patient/$export' } }] };
	const answer = await server.send('POST', '', { as: 'service', body });
	assert.match(JSON.stringify(answer.json), /"status":"400/);
});

test('the CapabilityStatement names the guide and its operations', async () => {
	const statement = (await server.send('GET', 'metadata')).json as unknown as {
		instantiates: string[];
		rest: [
			{
				operation: { name: string; definition: string }[];
				resource: { type: string; operation?: { name: string; definition: string }[] }[];
			},
		];
	};
	assert.ok(statement.instantiates.includes('http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data'));
	const { operation, resource } = statement.rest[0];
	const definitionOf = (list: readonly { name: string; definition: string }[] = []): string | undefined =>
		list.find(({ name }) => name === 'export')?.definition;
	assert.equal(definitionOf(operation), 'http://hl7.org/fhir/uv/bulkdata/OperationDefinition/export');
	for (const [type, id] of [
		['Patient', 'patient-export'],
		['Group', 'group-export'],
	] as const)
		assert.equal(
			definitionOf(resource.find((one) => one.type === type)?.operation),
			`http://hl7.org/fhir/uv/bulkdata/OperationDefinition/${id}`,
		);
});
