// Who wrote what, as clients find it after writing through the FHIR API.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everything } from '#access/ctx.ts';
import { patientGrants, type Role, releaseSystem, roleGrants } from '#access/roles.ts';
import type { Resource } from '#fhir/resource.ts';
import { checkIndexes } from '#fhir/store/check.ts';
import type { Ends } from '#testing/database.ts';
import { type Answered, type TestServer, testServer } from '#testing/server.ts';
import { mostTargets } from './provenances.ts';

type Found = Resource & {
	readonly target: { readonly reference: string }[];
	readonly agent: { readonly who: Record<string, unknown>; readonly onBehalfOf?: { readonly reference: string } }[];
	readonly activity?: { readonly coding: { readonly code: string }[] };
	readonly extension?: { readonly url: string; readonly valueReference: { readonly reference: string } }[];
};

const dr = 'Practitioner/dr';
const condition = (more: object = {}): Resource => ({
	resourceType: 'Condition',
	subject: { reference: 'Patient/p' },
	code: { text: 'cough' },
	...more,
});
const json = { 'content-type': 'application/fhir+json' };

async function clinic(t: Ends, settings = {}): Promise<TestServer> {
	const server = await testServer(t, settings);
	const put = async (resource: Resource): Promise<void> => {
		const { status, text } = await server.send('PUT', `${resource.resourceType}/${resource.id}`, { body: resource });
		assert.equal(status, 201, text);
	};
	await put({ resourceType: 'Organization', id: 'main', name: 'Main Street', active: true });
	await put({ resourceType: 'Practitioner', id: 'dr', name: [{ family: 'Okafor' }] });
	await put({ resourceType: 'Organization', id: 'former', name: 'Where she was' });
	const practitioner = { reference: dr };
	await put({
		resourceType: 'PractitionerRole',
		id: 'old',
		active: false,
		practitioner,
		organization: { reference: 'Organization/former' },
	});
	await put({ resourceType: 'PractitionerRole', id: 'role', practitioner, organization: { reference: 'Organization/main' } });
	await put({ resourceType: 'Patient', id: 'p', name: [{ family: 'Lind' }] });
	await put({ resourceType: 'Patient', id: 'q', name: [{ family: 'Berg' }] });
	server.caller('dr', everything, 'user', { fhirUser: dr, name: 'Dr. Okafor', client: 'growth-chart' });
	server.caller('p', [{ type: '*', interactions: ['read', 'search'], patient: 'p' }], 'patient', { fhirUser: 'Patient/p' });
	return server;
}

const server = await clinic({ after: (done) => test.after(done) });

async function as(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answered> {
	return server.send(method, path, { as: 'dr', ...(body === undefined ? {} : { body }), headers });
}

async function made(answer: Promise<Answered>, status = 201): Promise<Resource & { id: string }> {
	const { status: got, text, json: resource } = await answer;
	assert.equal(got, status, text);
	return resource as Resource & { id: string };
}

async function provenancesOf(name: string, who = 'admin', on: TestServer = server): Promise<Found[]> {
	const { json: found, status, text } = await on.send('GET', `Provenance?target=${name}&_sort=_lastUpdated&_count=100`, { as: who });
	assert.equal(status, 200, text);
	return ((found.entry ?? []) as { resource: Found }[]).map(({ resource }) => resource);
}

const deeds = (list: readonly Found[]): string[] =>
	list.map(({ activity, target }) => `${activity?.coding[0]?.code} ${target.map(({ reference }) => reference).join(' ')}`);

test('a create comes back with who wrote it, for which organization, through which app', async () => {
	const { id } = await made(as('POST', 'Condition', condition()));
	const { json: bundle } = await as('GET', `Condition?_id=${id}&_revinclude=Provenance:target`);
	const [first, second, ...more] = bundle.entry as { resource: Found; search: { mode: string } }[];
	assert.deepEqual([first?.resource.id, second?.search.mode, more], [id, 'include', []]);
	assert.ok(second);
	const { meta, id: own, recorded, ...rest } = second.resource;
	assert.equal(recorded, first?.resource.meta?.lastUpdated);
	assert.deepEqual(meta?.profile, ['http://hl7.org/fhir/us/core/StructureDefinition/us-core-provenance']);
	const agentType = (code: string): object => ({
		coding: [{ system: 'http://terminology.hl7.org/CodeSystem/provenance-participant-type', code }],
	});
	assert.deepEqual(rest, {
		resourceType: 'Provenance',
		extension: [
			{ url: 'http://hl7.org/fhir/5.0/StructureDefinition/extension-Provenance.patient', valueReference: { reference: 'Patient/p' } },
		],
		target: [{ reference: `Condition/${id}/_history/1` }],
		activity: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-DataOperation', code: 'CREATE' }] },
		agent: [
			{
				type: agentType('author'),
				who: { reference: dr, display: 'Dr. Okafor' },
				onBehalfOf: { reference: 'Organization/main' },
			},
			{ type: agentType('assembler'), who: { identifier: { value: 'growth-chart' } } },
		],
	});
	const checked = await as('POST', 'Provenance/$validate', second.resource);
	assert.deepEqual(
		(checked.json.issue as { severity: string }[]).filter(({ severity }) => severity === 'error'),
		[],
	);
	assert.equal((await as('GET', `Provenance/${own}/_history/1`)).status, 200);
	assert.equal((await as('GET', `Condition/${id}/_history/1`)).status, 200, 'the target can be read');
	for (const [query, count] of [
		[`agent=${dr}&target=Condition/${id}`, 1],
		[`target=Condition/${id}/_history/1`, 1],
		[`agent-type=author&target=Condition/${id}`, 1],
		[`patient=p&target=Condition/${id}`, 1],
		[`patient=q&target=Condition/${id}`, 0],
		[`recorded=${recorded}&target=Condition/${id}`, 1],
		[`_profile=http://hl7.org/fhir/us/core/StructureDefinition/us-core-provenance&target=Condition/${id}`, 1],
	] as const) {
		const { json: found } = await as('GET', `Provenance?${query}&_summary=count`);
		assert.equal(found.total, count, query);
	}
	const included = await as('GET', `Provenance?_id=${own}&_include=Provenance:target&_include=Provenance:agent`);
	assert.deepEqual((included.json.entry as { resource: Resource }[]).map(({ resource }) => resource.resourceType).sort(), [
		'Condition',
		'Practitioner',
		'Provenance',
	]);
});

test('who is at no facility writes for the main one', async () => {
	const organization = (id: string, main: boolean): Resource => ({
		resourceType: 'Organization',
		id,
		name: id,
		type: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/organization-type', code: 'prov' }] }],
		...(main ? { extension: [{ url: `${extensions}facility-primary_business_entity`, valueBoolean: true }] } : {}),
	});
	const extensions = 'https://heron-ehr.org/fhir/StructureDefinition/openemr-';
	await made(as('PUT', 'Practitioner/alone', { resourceType: 'Practitioner', id: 'alone' }));
	const valueReference = { reference: 'Organization/former' };
	const extension = [{ url: `${extensions}practitioner-facility_id`, valueReference }];
	await made(as('PUT', 'Practitioner/placed', { resourceType: 'Practitioner', id: 'placed', extension }));
	const forWhom = async (fhirUser: string, name: string): Promise<unknown> => {
		// Who an author works for is remembered by account.
		server.caller(name, everything, 'user', { fhirUser });
		const { json: written } = await server.send('POST', 'Condition', { as: name, body: condition() });
		const [only] = await provenancesOf(`Condition/${written.id}`);
		return only?.agent[0]?.onBehalfOf?.reference;
	};
	assert.equal(await forWhom('Practitioner/alone', 'a1'), undefined);
	await made(as('PUT', 'Organization/one', organization('one', false)));
	assert.equal(await forWhom('Practitioner/alone', 'a2'), 'Organization/one', 'the only one');
	await made(as('PUT', 'Organization/two', organization('two', false)));
	assert.equal(await forWhom('Practitioner/alone', 'a3'), undefined, 'any of several');
	await made(as('PUT', 'Organization/two', organization('two', true)), 200);
	assert.equal(await forWhom('Practitioner/alone', 'a4'), 'Organization/two');
	assert.equal(await forWhom('PractitionerRole/role', 'a5'), 'Organization/main');
	assert.equal(await forWhom('Practitioner/placed', 'a6'), 'Organization/former');
	assert.equal(await forWhom('Patient/p', 'a7'), undefined);
});

test('every change is told of its version; what changes nothing is not told', async () => {
	const created = await made(as('PUT', 'Condition/chain', condition({ id: 'chain' })));
	await made(as('PUT', 'Condition/chain', { ...created, code: { text: 'bad cough' } }), 200);
	await made(as('PUT', 'Condition/chain', { ...created, code: { text: 'bad cough' } }), 200);
	const patch = [{ op: 'replace', path: '/code/text', value: 'cold' }];
	await made(as('PATCH', 'Condition/chain', JSON.stringify(patch), { 'content-type': 'application/json-patch+json' }), 200);
	await made(
		as('POST', 'Condition/chain/$meta-add', {
			resourceType: 'Parameters',
			parameter: [{ name: 'meta', valueMeta: { tag: [{ system: 'urn:x', code: 'seen' }] } }],
		}),
		200,
	);
	assert.equal((await as('DELETE', 'Condition/chain')).status, 200);
	assert.equal((await as('DELETE', 'Condition/chain')).status, 200);
	await made(as('PUT', 'Condition/chain', condition({ id: 'chain' })));
	assert.deepEqual(deeds(await provenancesOf('Condition/chain')), [
		'CREATE Condition/chain/_history/1',
		'UPDATE Condition/chain/_history/2',
		'UPDATE Condition/chain/_history/3',
		'UPDATE Condition/chain/_history/4',
		'DELETE Condition/chain/_history/5',
		'CREATE Condition/chain/_history/6',
	]);
	assert.equal((await as('GET', 'Condition/chain/_history/4')).status, 200);
});

test('conditional writes are told of when they write', async () => {
	const numbered = (id: string): Resource => condition({ identifier: [{ system: 'urn:c', value: id }] });
	const none = { 'if-none-exist': 'identifier=urn:c|1' };
	const { id } = await made(as('POST', 'Condition', numbered('1'), none));
	await made(as('POST', 'Condition', numbered('1'), none), 200);
	await made(as('PUT', 'Condition?identifier=urn:c|1', { ...numbered('1'), code: { text: 'cold' } }), 200);
	const body = JSON.stringify([{ op: 'replace', path: '/code/text', value: 'flu' }]);
	await made(as('PATCH', 'Condition?identifier=urn:c|1', body, { 'content-type': 'application/json-patch+json' }), 200);
	const other = await made(as('PUT', 'Condition?identifier=urn:c|2', numbered('2')));
	const criteria = { 'if-none-exist': 'identifier=urn:c|3&code:text=cough' };
	const third = await made(as('POST', 'Condition', numbered('3'), criteria));
	assert.equal((await as('DELETE', 'Condition?identifier=urn:c|1,urn:c|2')).status, 200);
	assert.deepEqual(deeds(await provenancesOf(`Condition/${id}`)).slice(0, 3), [
		`CREATE Condition/${id}/_history/1`,
		`UPDATE Condition/${id}/_history/2`,
		`UPDATE Condition/${id}/_history/3`,
	]);
	const [, ...last] = await provenancesOf(`Condition/${other.id}`);
	assert.deepEqual(deeds(last), [`DELETE Condition/${id}/_history/4 Condition/${other.id}/_history/2`]);
	assert.equal((await provenancesOf(`Condition/${third.id}`)).length, 1);
});

const entry = (method: string, url: string, resource?: Resource, fullUrl?: string): object => ({
	...(fullUrl === undefined ? {} : { fullUrl }),
	...(resource === undefined ? {} : { resource }),
	request: { method, url },
});
const bundle = (type: string, ...entries: object[]): object => ({ resourceType: 'Bundle', type, entry: entries });
const located = ({ json: answer }: Answered): string[] =>
	(answer.entry as { response: { location?: string } }[]).map(({ response }) => response.location ?? '');

test('a transaction leaves one Provenance of all it did of a kind', async () => {
	const answer = await as(
		'POST',
		'',
		bundle(
			'transaction',
			entry('POST', 'Patient', { resourceType: 'Patient', name: [{ family: 'New' }] }, 'urn:uuid:1b8a1f0e-0000-4000-8000-000000000001'),
			entry('POST', 'Condition', condition({ subject: { reference: 'urn:uuid:1b8a1f0e-0000-4000-8000-000000000001' } })),
			entry('POST', 'Observation', {
				resourceType: 'Observation',
				status: 'final',
				code: { text: 'weight' },
				subject: { reference: 'urn:uuid:1b8a1f0e-0000-4000-8000-000000000001' },
			}),
			entry('POST', 'Organization', { resourceType: 'Organization', name: 'Elsewhere' }),
			entry('POST', 'Task', { resourceType: 'Task', status: 'requested', intent: 'order' }),
		),
	);
	assert.equal(answer.status, 200, answer.text);
	const [patient = '', ...others] = located(answer);
	const [only, ...more] = await provenancesOf(patient.replace(/\/_history.*/, ''));
	assert.deepEqual(more, []);
	assert.deepEqual(deeds([only as Found]), [`CREATE ${[patient, ...others.slice(0, 3)].join(' ')}`]);
	assert.equal(only?.extension, undefined, 'the patient is a target');
	const { json: found } = await as('GET', `${(others[0] as string).replace(/\/_history.*/, '')}/_history`);
	assert.equal(found.total, 1);
});

test('a large transaction is told of in parts', async () => {
	const many = Array.from({ length: mostTargets + 1 }, (_, i) => entry('PUT', `Condition/part-${i}`, condition({ id: `part-${i}` })));
	assert.equal((await as('POST', '', bundle('transaction', ...many))).status, 200);
	const [first] = await provenancesOf('Condition/part-0');
	const [last] = await provenancesOf(`Condition/part-${mostTargets}`);
	assert.deepEqual([first?.target.length, last?.target.length], [mostTargets, 1]);
});

test('what a transaction did to several patients is told apart', async () => {
	const answer = await as(
		'POST',
		'',
		bundle(
			'transaction',
			entry('PUT', 'Condition/of-p', condition({ id: 'of-p' })),
			entry('PUT', 'Condition/of-q', condition({ id: 'of-q', subject: { reference: 'Patient/q' } })),
			entry('PUT', 'Organization/of-none', { resourceType: 'Organization', id: 'of-none', name: 'None' }),
			entry('PUT', 'Organization/main', { resourceType: 'Organization', id: 'main', name: 'Main Road' }),
		),
	);
	assert.equal(answer.status, 200, answer.text);
	for (const name of ['Condition/of-p', 'Condition/of-q', 'Organization/of-none'])
		assert.deepEqual(deeds(await provenancesOf(name)), [`CREATE ${name}/_history/1`]);
	assert.deepEqual(deeds(await provenancesOf('Organization/main')).slice(1), ['UPDATE Organization/main/_history/2']);
});

test('a batch leaves one for each entry', async () => {
	const answer = await as(
		'POST',
		'',
		bundle(
			'batch',
			entry('POST', 'Condition', condition()),
			entry('POST', 'Condition', condition()),
			entry('POST', 'Condition', { resourceType: 'Condition' }),
		),
	);
	const names = located(answer);
	assert.equal(names.filter((name) => name !== '').length, 2);
	for (const name of names.slice(0, 2)) assert.deepEqual(deeds(await provenancesOf(name.replace(/\/_history.*/, ''))), [`CREATE ${name}`]);
});

const own = (target: string, more: object = {}): Resource => ({
	resourceType: 'Provenance',
	target: [{ reference: target }],
	recorded: '2026-01-02T03:04:05Z',
	agent: [{ who: { display: 'the laboratory' } }],
	...more,
});

test('who brings a Provenance gets no other', async () => {
	const urn = 'urn:uuid:1b8a1f0e-0000-4000-8000-000000000002';
	const together = await as(
		'POST',
		'',
		bundle(
			'transaction',
			entry('POST', 'Condition', condition(), urn),
			entry('POST', 'Provenance', own(urn)),
			entry('PUT', 'Condition/beside', condition({ id: 'beside' })),
		),
	);
	assert.equal(together.status, 200, together.text);
	const [told = ''] = located(together);
	const [only, ...more] = await provenancesOf(told.replace(/\/_history.*/, ''));
	assert.deepEqual([only?.agent[0]?.who.display, more], ['the laboratory', []]);
	assert.deepEqual(deeds(await provenancesOf('Condition/beside')), ['CREATE Condition/beside/_history/1']);
	for (const prefer of ['', 'respond-async']) {
		const name = `Condition/in-batch${prefer.length}`;
		const apart = bundle(
			'batch',
			entry('PUT', name, condition({ id: name.slice(10) })),
			entry('PUT', `Provenance/lab${prefer.length}`, own(name, { id: `lab${prefer.length}` })),
		);
		const { status, headers, text } = await as('POST', '', apart, prefer === '' ? {} : { prefer });
		assert.equal(status, prefer === '' ? 200 : 202, text);
		const place = headers.get('content-location');
		for (let i = 0; place !== null && i < 200; i++) {
			const state = await as('GET', place.slice(server.base.length + 1));
			if (state.status === 200) break;
			await new Promise((done) => setTimeout(done, 25));
		}
		const found = await provenancesOf(name);
		assert.equal(found.filter(({ id }) => !id?.startsWith('lab')).length, 0, text);
	}
});

const header = (resource: object): Record<string, string> => ({ 'x-provenance': JSON.stringify(resource) });
const carried = { resourceType: 'Provenance', recorded: '2026-01-02T03:04:05Z', agent: [{ who: { display: 'the laboratory' } }] };

test('X-Provenance is stored with the version that was written as its target', async () => {
	const { id } = await made(as('POST', 'Condition', condition(), header(carried)));
	await made(
		as(
			'PUT',
			`Condition/${id}`,
			condition({ id, code: { text: 'cold' } }),
			header({ ...carried, target: [{ reference: `Condition/${id}` }, {}] }),
		),
		200,
	);
	const patch = JSON.stringify([{ op: 'replace', path: '/code/text', value: 'flu' }]);
	await made(as('PATCH', `Condition/${id}`, patch, { 'content-type': 'application/json-patch+json', ...header(carried) }), 200);
	const encoded = { 'x-provenance': encodeURIComponent(JSON.stringify(carried)) };
	assert.equal((await as('DELETE', `Condition/${id}`, undefined, encoded)).status, 200);
	const found = await provenancesOf(`Condition/${id}`);
	assert.deepEqual(
		found.map(({ target }) => target),
		[1, 2, 3, 4].map((version) => [{ reference: `Condition/${id}/_history/${version}` }]),
	);
	for (const { agent, recorded } of found)
		assert.deepEqual([agent, recorded], [[{ who: { display: 'the laboratory' } }], '2026-01-02T03:04:05Z']);
	const unicode = Buffer.from(JSON.stringify({ ...carried, agent: [{ who: { display: 'Dr. Å' } }] })).toString('latin1');
	const named = await made(as('POST', 'Condition', condition(), { 'x-provenance': unicode }));
	assert.equal((await provenancesOf(`Condition/${named.id}`))[0]?.agent[0]?.who.display, 'Dr. Å');
	const none = { 'if-none-exist': `_id=${named.id}`, ...header(carried) };
	await made(as('POST', 'Condition', condition(), none), 200);
	assert.equal((await provenancesOf(`Condition/${named.id}`)).length, 1, 'what is not written is not told');
});

test('X-Provenance of a Bundle tells of all of a transaction, and of each entry of a batch', async () => {
	const conditions = [entry('POST', 'Condition', condition()), entry('POST', 'Condition', condition())];
	for (const [type, count] of [
		['transaction', 2],
		['batch', 1],
	] as const) {
		const answer = await as('POST', '', bundle(type, ...conditions), header(carried));
		assert.equal(answer.status, 200, answer.text);
		for (const place of located(answer)) {
			const [only, ...more] = await provenancesOf(place.replace(/\/_history.*/, ''));
			assert.deepEqual([only?.target.length, only?.agent[0]?.who.display, more], [count, 'the laboratory', []]);
		}
	}
});

test('a wrong X-Provenance is refused with what is wrong, and nothing is written', async () => {
	const count = async (): Promise<unknown> => (await as('GET', 'Condition?_summary=count')).json.total;
	const before = await count();
	for (const [text, expected] of [
		['{"resourceType":', 'http.X-Provenance'],
		['"Provenance"', 'http.X-Provenance'],
		['%7B%', 'http.X-Provenance'],
		[JSON.stringify(condition()), 'http.X-Provenance'],
		[JSON.stringify({ resourceType: 'Provenance', agent: carried.agent }), 'Provenance.recorded'],
		[JSON.stringify({ ...carried, agent: [{ role: [{ text: 'x' }] }] }), 'Provenance.agent[0].who'],
		[JSON.stringify({ ...carried, recorded: 'yesterday' }), 'Provenance.recorded'],
		[JSON.stringify({ ...carried, target: 'Patient/p' }), 'Provenance.target'],
		[JSON.stringify({ ...carried, wrong: 1 }), 'Provenance.wrong'],
	] as const) {
		const { status, json: outcome, text: told } = await as('POST', 'Condition', condition(), { 'x-provenance': text });
		assert.equal(status, 400, told);
		const places = (outcome.issue as { expression?: string[] }[]).flatMap(({ expression }) => expression ?? []);
		assert.ok(
			places.some((place) => place.startsWith(expected)),
			`${expected}: ${told}`,
		);
	}
	const lost = { ...carried, agent: [{ who: { reference: 'Practitioner/nobody' } }] };
	assert.equal((await as('POST', 'Condition', condition(), header(lost))).status, 422);
	assert.equal(await count(), before);
	assert.equal(
		(await as('GET', 'Condition?_summary=count', undefined, { 'x-provenance': 'nonsense' })).status,
		200,
		'reads do not look at it',
	);
	const writer = everything.map((grant) => ({ ...grant, type: 'Condition' }));
	server.caller('writer', writer);
	const refused = await server.send('POST', 'Condition', { as: 'writer', body: condition(), headers: { ...json, ...header(carried) } });
	assert.equal(refused.status, 403, 'who may not write a Provenance cannot by a header either');
	assert.equal((await server.send('POST', 'Condition', { as: 'writer', body: condition() })).status, 201);
});

test('a patient sees those of the own record', async () => {
	const mine = await made(as('POST', 'Condition', condition()));
	const other = await made(as('POST', 'Condition', condition({ subject: { reference: 'Patient/q' } })));
	assert.equal((await provenancesOf(`Condition/${mine.id}`, 'p')).length, 1);
	assert.equal((await provenancesOf('Patient/p', 'p')).length, 1);
	assert.equal((await provenancesOf(`Condition/${other.id}`, 'p')).length, 0);
	assert.equal((await provenancesOf('Patient/q', 'p')).length, 0);
	const { json: found } = await server.send('GET', `Condition?_revinclude=Provenance:target&_id=${mine.id},${other.id}`, { as: 'p' });
	assert.deepEqual(
		(found.entry as { resource: Resource }[]).map(({ resource }) => resource.resourceType),
		['Condition', 'Provenance'],
	);
	const [hidden] = await provenancesOf(`Condition/${other.id}`);
	assert.equal((await server.send('GET', `Provenance/${hidden?.id}`, { as: 'p' })).status, 404);
	const { json: all } = await server.send('GET', 'Patient/p/$everything?_type=Provenance&_count=1000', { as: 'p' });
	const strangers = (all.entry as { resource: Found }[]).filter(({ resource }) => JSON.stringify(resource).includes('Patient/q'));
	assert.deepEqual(strangers, []);
});

test('what is held back from a patient is not told of by its Provenance', async () => {
	server.caller('portal', patientGrants(['p']), 'patient', { fhirUser: 'Patient/p' });
	const result = (status: string, tag?: object): Resource => ({
		resourceType: 'Observation',
		status,
		code: { text: 'potassium' },
		subject: { reference: 'Patient/p' },
		...(tag === undefined ? {} : { meta: { tag: [tag] } }),
	});
	const shown = await made(as('POST', 'Observation', result('final')));
	const draft = await made(as('POST', 'Observation', result('preliminary')));
	const held = await made(as('POST', 'Observation', result('final', { system: releaseSystem, code: 'withheld' })));
	assert.equal((await provenancesOf(`Observation/${shown.id}`, 'portal')).length, 1);
	for (const { id } of [draft, held]) {
		assert.deepEqual(await provenancesOf(`Observation/${id}`, 'portal'), []);
		const [hidden] = await provenancesOf(`Observation/${id}`);
		assert.equal((await server.send('GET', `Provenance/${hidden?.id}`, { as: 'portal' })).status, 404);
	}
	const mine = await server.send('GET', 'Observation?_revinclude=Provenance:target&_count=100', { as: 'portal' });
	assert.deepEqual((mine.json.entry as { resource: Resource }[]).map(({ resource }) => resource.resourceType).sort(), [
		'Observation',
		'Provenance',
	]);
	await made(as('PUT', `Observation/${draft.id}`, { ...draft, status: 'final' }), 200);
	assert.equal((await provenancesOf(`Observation/${draft.id}`, 'portal')).length, 2, 'once released');
});

test('who may not see what is restricted does not see who wrote it', async () => {
	const rights = { 'patients.med': 'view', 'patients.lab': 'view', 'encounters.notes': 'view', 'patients.sign': 'view' } as const;
	const role = (more: object): Role => ({ name: 'reviewer', title: 'Reviewers', rights: { ...rights, ...more } });
	server.caller('reviewer', roleGrants({}, [role({})]));
	server.caller('trusted', roleGrants({}, [role({ 'sensitivities.high': 'view' })]));
	const security = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' }];
	const visit = await made(
		as('POST', 'Encounter', {
			resourceType: 'Encounter',
			meta: { security },
			status: 'finished',
			class: { system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'AMB' },
			subject: { reference: 'Patient/p' },
		}),
	);
	const marked = await made(as('POST', 'Condition', condition({ meta: { security } })));
	const hanging = await made(as('POST', 'Condition', condition({ encounter: { reference: `Encounter/${visit.id}` } })));
	const plain = await made(as('POST', 'Condition', condition()));
	for (const [name, seen] of [
		[`Encounter/${visit.id}`, 0],
		[`Condition/${marked.id}`, 0],
		[`Condition/${hanging.id}`, 0],
		[`Condition/${plain.id}`, 1],
	] as const) {
		assert.equal((await provenancesOf(name, 'reviewer')).length, seen, name);
		assert.equal((await provenancesOf(name, 'trusted')).length, 1, name);
	}
});

test('those who may write only part of a type leave one too, and need no right on Provenance', async () => {
	server.caller('limited', [{ type: 'Condition', interactions: ['create', 'read', 'update', 'delete', 'search'], patient: 'p' }]);
	const { json: written, status } = await server.send('POST', 'Condition', { as: 'limited', body: condition() });
	assert.equal(status, 201);
	const [only] = await provenancesOf(`Condition/${written.id}`);
	assert.deepEqual(only?.agent, [{ type: only?.agent[0] && (only.agent[0] as { type?: unknown }).type, who: { display: 'limited' } }]);
	assert.equal((await server.send('GET', `Provenance/${only?.id}`, { as: 'limited' })).status, 403);
	const outside = condition({ subject: { reference: 'Patient/q' } });
	assert.equal((await server.send('POST', 'Condition', { as: 'limited', body: outside })).status, 403);
});

test('what a Provenance tells of can be deleted, its author too; the Provenance stays', async () => {
	await made(as('PUT', 'Patient/brief', { resourceType: 'Patient', id: 'brief' }));
	await made(as('PUT', 'Condition/brief', condition({ id: 'brief', subject: { reference: 'Patient/brief' } })));
	await made(as('PUT', 'Practitioner/leaving', { resourceType: 'Practitioner', id: 'leaving' }));
	server.caller('leaving', everything, 'user', { fhirUser: 'Practitioner/leaving' });
	assert.equal((await server.send('PUT', 'Condition/by-leaving', { as: 'leaving', body: condition({ id: 'by-leaving' }) })).status, 201);
	for (const name of ['Condition/brief', 'Patient/brief', 'Practitioner/leaving'])
		assert.equal((await as('DELETE', name)).status, 200, name);
	assert.deepEqual(deeds(await provenancesOf('Patient/brief')), ['CREATE Patient/brief/_history/1', 'DELETE Patient/brief/_history/2']);
	// Such a Provenance may come from elsewhere, as it is, and may be changed.
	const [kept] = await provenancesOf('Patient/brief');
	assert.equal((await as('PUT', 'Provenance/copy', { ...kept, id: 'copy' })).status, 201);
	assert.equal((await as('PUT', `Provenance/${kept?.id}`, { ...kept, recorded: '2026-01-01T00:00:00Z' })).status, 200);
	assert.equal((await as('POST', 'Provenance', own('Patient/never'))).status, 422, 'what never was cannot be told of');
});

test('an author who is not in the record writes all the same', async () => {
	server.caller('ghost', everything, 'user', { fhirUser: 'Practitioner/ghost' });
	const alone = await server.send('POST', 'Condition', { as: 'ghost', body: condition() });
	const entries = [entry('POST', 'Condition', condition()), entry('POST', 'Condition', condition())];
	const together = await server.send('POST', '', { as: 'ghost', body: bundle('transaction', ...entries) });
	assert.deepEqual([alone.status, together.status], [201, 200], together.text);
	const record = await server.api('POST', 'api/patient', {
		as: 'ghost',
		body: { fname: 'Ann', lname: 'Baker', DOB: '2000-01-01', sex: 'Female' },
	});
	assert.equal(record.status, 201, record.text);
	for (const name of [`Condition/${alone.json.id}`, (located(together)[0] as string).replace(/\/_history.*/, '')])
		assert.equal((await provenancesOf(name))[0]?.agent[0]?.who.reference, 'Practitioner/ghost');
});

test('none is made about Provenance, nor of what is no record', async () => {
	const one = await made(as('POST', 'Provenance', own('Patient/p')));
	assert.deepEqual(await provenancesOf(`Provenance/${one.id}`), []);
	const list = await made(as('POST', 'Binary', { resourceType: 'Binary', contentType: 'text/plain', data: 'aGk=' }));
	assert.deepEqual(await provenancesOf(`Binary/${list.id}`), []);
});

test('index rows are what the whole resource would have', async () => {
	const report = await checkIndexes(server.ctx.db, server.ctx.fhir.store, server.ctx.fhir.definitions, { references: true });
	assert.deepEqual(report.damage, []);
	assert.ok(report.resources > 50);
});

test('switched off, none is made; a Provenance in the header still is stored', async (t) => {
	const off = await clinic(t, { provenance: false });
	const plain = await off.send('POST', 'Condition', { as: 'dr', body: condition() });
	assert.deepEqual([plain.status, await provenancesOf(`Condition/${plain.json.id}`, 'dr', off)], [201, []]);
	const record = await off.api('POST', 'api/patient', {
		as: 'dr',
		body: { fname: 'Ann', lname: 'Baker', DOB: '2000-01-01', sex: 'Female' },
	});
	assert.equal(record.status, 201, record.text);
	assert.equal((await off.send('GET', 'Provenance?_summary=count')).json.total, 0);
	const told = await off.send('POST', 'Condition', { as: 'dr', body: condition(), headers: { ...json, ...header(carried) } });
	assert.equal((await provenancesOf(`Condition/${told.json.id}`, 'dr', off)).length, 1);
});
