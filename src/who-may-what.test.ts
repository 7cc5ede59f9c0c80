// Every route tried as every kind of caller; the answers are the committed table who-may-what.golden.txt. A route that is not in the table
// fails the test, and so does an answer that is not the one written there. `HERON_WRITE_GOLDEN=1 npm test -- who-may-what` writes it anew.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Grant } from '#access/ctx.ts';
import type { Row } from '#fhir/interactions/call.ts';
import { testServer } from '#testing/server.ts';

const golden = join(import.meta.dirname, 'who-may-what.golden.txt');

const all = ['create', 'read', 'update', 'delete', 'search'] as const;
const reading = ['read', 'search'] as const;
/** Who tries. The sample is an Observation of patient `a` in the category `vital-signs`. */
const callers: Readonly<Record<string, readonly Grant[] | undefined>> = {
	nobody: undefined,
	powerless: [],
	'other types': [{ type: 'Medication', interactions: all }],
	'reads all': [{ type: '*', interactions: reading }],
	'patient a': [{ type: '*', interactions: all, patient: 'a' }],
	'patient b': [{ type: '*', interactions: all, patient: 'b' }],
	'vital signs': [{ type: 'Observation', interactions: all, query: 'category=vital-signs' }],
	laboratory: [{ type: 'Observation', interactions: all, query: 'category=laboratory' }],
	'does all': [{ type: '*', interactions: all }],
};

const server = await testServer({ after });
for (const [name, grants] of Object.entries(callers)) if (grants !== undefined) server.caller(name.replace(' ', '-'), grants);

const category = [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'vital-signs' }] }];
const observation = {
	resourceType: 'Observation',
	id: 'o',
	status: 'final',
	category,
	code: { coding: [{ system: 'http://loinc.org', code: '8867-4' }] },
	subject: { reference: 'Patient/a' },
};
const patients = ['a', 'b'].map((id) => ({ resourceType: 'Patient', id, active: true }));
const encounter = { resourceType: 'Encounter', id: 'e', status: 'finished', class: { code: 'AMB' }, subject: { reference: 'Patient/a' } };
const codeSystem = { resourceType: 'CodeSystem', id: 'c', url: 'urn:c', status: 'active', content: 'complete', concept: [{ code: 'x' }] };
const valueSet = { resourceType: 'ValueSet', id: 'v', status: 'active', compose: { include: [{ system: 'urn:c' }] } };

const group = { resourceType: 'Group', id: 'g', type: 'person', actual: true, member: [{ entity: { reference: 'Patient/a' } }] };

async function reset(): Promise<void> {
	for (const body of [...patients, observation, encounter, codeSystem, valueSet, group]) {
		const { status, text } = await server.send('PUT', `${body.resourceType}/${body.id}`, { body });
		assert.ok(status < 300, text);
	}
}

const merge = { 'content-type': 'application/json-patch+json' };
const patchBody = JSON.stringify([{ op: 'replace', path: '/status', value: 'amended' }]);

/** What operations are asked by their sample, and with what. */
const asked: Readonly<
	Record<
		string,
		{ readonly query?: string; readonly instance?: string; readonly body?: unknown; readonly headers?: Record<string, string> }
	>
> = {
	'async-status': { query: 'job=none' },
	'bulkdata-status': { query: 'job=none' },
	convert: { body: observation },
	docref: { query: 'patient=a' },
	expand: { query: 'url=http://hl7.org/fhir/ValueSet/administrative-gender', instance: 'count=1' },
	export: { headers: { prefer: 'respond-async' } },
	graphql: { query: 'query={ObservationList{id}}', instance: 'query={id}' },
	import: { headers: { prefer: 'respond-async' }, body: { input: [] } },
	lastn: { query: 'patient=a&category=vital-signs' },
	lookup: { query: 'system=urn:c&code=x' },
	'meta-add': { body: { resourceType: 'Parameters', parameter: [{ name: 'meta', valueMeta: { tag: [{ code: 't' }] } }] } },
	'meta-delete': { body: { resourceType: 'Parameters', parameter: [{ name: 'meta', valueMeta: { tag: [{ code: 't' }] } }] } },
	validate: { body: observation },
	'validate-code': { query: 'url=http://hl7.org/fhir/ValueSet/administrative-gender&code=male', instance: 'system=urn:c&code=x' },
};

const sampleIds: Readonly<Record<string, string>> = { Group: 'g', Patient: 'a', Encounter: 'e', ValueSet: 'v', CodeSystem: 'c' };

function sample(row: Row): { path: string; body?: unknown; headers?: Record<string, string> } {
	const inPatient = row.path.includes(':member') || row.path[0] === 'Patient';
	const values: Record<string, string> = {
		':type': inPatient ? 'Patient' : 'Observation',
		':id': inPatient ? 'a' : (sampleIds[row.path[0] ?? ''] ?? 'o'),
		':version': '1',
		':member': 'Observation',
	};
	const { query, instance, body: sent, headers } = asked[row.name.replace('operation-', '')] ?? {};
	const parameters = row.path.includes(':id') ? instance : query;
	const path = row.path.map((name) => values[name] ?? name).join('/') + (parameters === undefined ? '' : `?${parameters}`);
	if (row.path.length === 1 && row.path[0] === ':type' && row.method !== 'POST' && row.method !== 'GET') {
		const criteria = 'Observation?_id=o';
		return row.body === 'patch'
			? { path: criteria, body: patchBody, headers: merge }
			: row.body === undefined
				? { path: criteria }
				: { path: criteria, body: observation };
	}
	switch (row.body) {
		case 'patch':
			return { path, body: patchBody, headers: merge };
		case 'form':
			return { path, body: '_count=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } };
		case 'resource':
			if (row.path.length === 0)
				return {
					path,
					body: {
						resourceType: 'Bundle',
						type: 'transaction',
						entry: [{ resource: observation, request: { method: 'PUT', url: 'Observation/o' } }],
					},
				};
			return { path, body: observation };
		case undefined:
			return { path, ...(headers === undefined ? {} : { headers }) };
		default:
			return { path, body: sent ?? { resourceType: 'Parameters' }, ...(headers === undefined ? {} : { headers }) };
	}
}

test('every route answers every kind of caller as the table says', async () => {
	const names = Object.keys(callers);
	const lines = [`${'route'.padEnd(64)} ${names.map((name) => name.padEnd(12)).join(' ')}`];
	for (const row of server.ctx.fhir.rows.all) {
		const { path, body, headers } = sample(row);
		const cells: string[] = [];
		for (const name of names) {
			await reset();
			const { status } = await server.send(row.method, path, {
				as: name.replace(' ', '-'),
				...(body === undefined ? {} : { body }),
				headers: headers ?? {},
			});
			assert.ok(status < 500, `${row.method} ${path} as ${name}: ${status}`);
			cells.push(String(status).padEnd(12));
		}
		lines.push(`${`${row.method} /${row.path.join('/')}`.padEnd(64)} ${cells.join(' ')}`.trimEnd());
	}
	const table = `${lines.join('\n')}\n`;
	if (process.env.HERON_WRITE_GOLDEN === '1') writeFileSync(golden, table);
	assert.equal(table, readFileSync(golden, 'utf8'));
});

test('what patient b may not see shows nowhere: searches, chains, includes, history, batches', async () => {
	await reset();
	const as = 'patient-b';
	const paths = [
		'Observation?_total=accurate',
		'Observation?subject=Patient/a',
		'Observation?subject:Patient.active=true',
		'Patient?_has:Observation:subject:status=final&_id=a',
		'Patient?_id=a&_revinclude=Observation:subject',
		'Observation?_include=Observation:subject',
		'Observation/_history',
		'_history',
		'Patient/a/Observation',
		'?_type=Observation,Patient&_id=o',
		'Patient/$everything',
		'Patient/a/$everything',
		'Encounter/e/$everything',
		'Observation/$lastn?patient=a&category=vital-signs',
		'$graphql?query={PatientList{id}ObservationList{id,subject{reference}}}',
	];
	for (const path of paths) {
		const answer = await server.send('GET', path, { as });
		assert.doesNotMatch(answer.text, /"id":"(a|o)"|"(fullUrl|reference)":"[^"]*(Patient\/a|Observation\/o)"/, path);
		assert.ok(answer.status === 200 || answer.status === 403 || answer.status === 404, `${path}: ${answer.status}`);
	}
	const entry = ['Observation/o', 'Patient/a', 'Observation?_id=o', 'Observation/o/_history'].map((url) => ({
		request: { method: 'GET', url },
	}));
	const batch = await server.send('POST', '', { as, body: { resourceType: 'Bundle', type: 'batch', entry } });
	assert.doesNotMatch(batch.text, /"resourceType":"(Observation|Patient)"/);
});

test('a caller limited to one patient cannot move a record out of or into that patient’s', async () => {
	await reset();
	const move = (as: string, to: string) =>
		server.send('PUT', 'Observation/o', { as, body: { ...observation, subject: { reference: `Patient/${to}` } } });
	assert.equal((await move('patient-b', 'b')).status, 403);
	assert.equal((await move('patient-a', 'b')).status, 403);
	assert.equal(
		(await server.send('GET', 'Observation/o')).json.meta?.versionId,
		(await server.send('GET', 'Observation/o', { as: 'patient-a' })).json.meta?.versionId,
	);
	const made = await server.send('POST', 'Observation', { as: 'patient-b', body: observation });
	assert.equal(made.status, 403);
	const tx = {
		resourceType: 'Bundle',
		type: 'transaction',
		entry: [{ resource: observation, request: { method: 'POST', url: 'Observation' } }],
	};
	assert.equal((await server.send('POST', '', { as: 'patient-b', body: tx })).status, 403);
});
