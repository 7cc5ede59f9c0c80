// The audit by the front: which requests leave which entries, who may see them, and how they are searched as AuditEvents.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type Logged, readLog } from '#access/audit/log.ts';
import { raw } from '#db/sql.ts';
import type { Resource } from '#fhir/resource.ts';
import { testServer } from '#testing/server.ts';

const server = await testServer({ after }, {}, 'all');
const { send, caller, ctx } = server;
caller('nurse', [{ type: '*', interactions: ['create', 'read', 'update', 'search'], patient: 'a' }]);
caller('auditor', [{ type: 'AuditEvent', interactions: ['read', 'search'] }]);
caller('observer', [{ type: 'Observation', interactions: ['read', 'search'] }]);
caller('patient-a', [{ type: 'AuditEvent', interactions: ['read', 'search'], patient: 'a' }], 'patient');
caller('narrow', [{ type: 'AuditEvent', interactions: ['read', 'search'], query: 'action=R' }]);

/** The entries that work leaves, in short form. */
async function left(work: () => Promise<unknown>): Promise<string[]> {
	return (await entriesOf(work)).map(short);
}

async function entriesOf(work: () => Promise<unknown>): Promise<Logged[]> {
	await ctx.fhir.audit.flush();
	const seen = new Set((await readLog(ctx.db, { criteria: [], count: 10_000 })).map(({ name }) => name));
	await work();
	await ctx.fhir.audit.flush();
	return (await readLog(ctx.db, { criteria: [], count: 10_000, isAscending: true })).filter(({ name }) => !seen.has(name));
}

function short({ caller: who, interaction, action, status, type, id, version, patient, query }: Logged): string {
	const place = [type, id].filter((part) => part !== null).join('/') + (version === null ? '' : `@${version}`);
	return `${who} ${interaction} ${action} ${status} ${place}${patient === null ? '' : ` of ${patient}`}${query === null ? '' : ` ?${query}`}`;
}

const person = (id: string): Resource => ({ resourceType: 'Patient', id, active: true, name: [{ family: 'Secret' }] });
const seen = (id: string, of: string, more: object = {}): Resource => ({
	resourceType: 'Observation',
	id,
	status: 'final',
	code: { text: 'Secret' },
	subject: { reference: `Patient/${of}` },
	...more,
});

test('each request leaves its entries', async () => {
	const cases: readonly (readonly [string, () => Promise<unknown>, readonly string[]])[] = [
		['create as update', () => send('PUT', 'Patient/a', { body: person('a') }), ['admin update C 201 Patient/a@1 of a']],
		['another', () => send('PUT', 'Patient/b', { body: person('b') }), ['admin update C 201 Patient/b@1 of b']],
		['of a patient', () => send('PUT', 'Observation/o', { body: seen('o', 'a') }), ['admin update C 201 Observation/o@1 of a']],
		[
			'by a limited caller',
			() => send('PUT', 'Observation/n', { as: 'nurse', body: seen('n', 'a') }),
			['nurse update C 201 Observation/n@1 of a'],
		],
		['refused', () => send('PUT', 'Observation/n', { as: 'nurse', body: seen('n', 'b') }), ['nurse update U 403 Observation/n of a']],
		['nothing new', () => send('PUT', 'Observation/o', { body: seen('o', 'a') }), ['admin update U 200 Observation/o@1 of a']],
		[
			'changed',
			() => send('PUT', 'Observation/o', { body: seen('o', 'a', { status: 'amended' }) }),
			['admin update U 200 Observation/o@2 of a'],
		],
		[
			'patched',
			() =>
				send('PATCH', 'Observation/o', {
					headers: { 'content-type': 'application/json-patch+json' },
					body: JSON.stringify([{ op: 'replace', path: '/status', value: 'final' }]),
				}),
			['admin patch U 200 Observation/o@3 of a'],
		],
		['invalid', () => send('POST', 'Observation', { body: { resourceType: 'Observation' } }), ['admin create C 400 Observation']],
		[
			'no JSON',
			() => send('POST', 'Observation', { body: '{', headers: { 'content-type': 'application/json' } }),
			['admin create C 400 Observation'],
		],
		['read', () => send('GET', 'Observation/o'), ['admin read R 200 Observation/o@3 of a']],
		[
			'not modified',
			() => send('GET', 'Observation/o', { headers: { 'if-none-match': 'W/"3"' } }),
			['admin read R 304 Observation/o@3 of a'],
		],
		['not acceptable', () => send('GET', 'Observation/o?_format=pdf'), ['admin read R 406 Observation/o ?_format']],
		['vread', () => send('GET', 'Observation/o/_history/1'), ['admin vread R 200 Observation/o@1 of a']],
		['not there', () => send('GET', 'Observation/none'), ['admin read R 404 Observation/none']],
		['not a name', () => send('GET', 'Observation/%00'), ['admin read R 404 Observation']],
		['another’s', () => send('GET', 'Patient/b', { as: 'nurse' }), ['nurse read R 404 Patient/b of b']],
		['not allowed', () => send('GET', 'Patient/a', { as: 'observer' }), ['observer read R 403 Patient/a of a']],
		['unknown', () => send('GET', 'Patient/a', { as: 'nobody' }), ['anonymous unauthenticated R 401 Patient/a']],
		['history', () => send('GET', 'Observation/o/_history?_count=1'), ['admin history-instance R 200 Observation/o ?_count']],
		[
			'search',
			() => send('GET', 'Observation?patient=a&code:text=Secret&Secret=1'),
			['admin search-type E 200 Observation of a ?patient,code,?'],
		],
		[
			'search by form',
			() =>
				send('POST', 'Patient/_search', { body: 'name=Secret&_count=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } }),
			['admin search-type E 200 Patient ?name,_count'],
		],
		['chained search', () => send('GET', 'Observation?subject:Patient.name=Secret'), ['admin search-type E 200 Observation ?subject']],
		['search without a right', () => send('GET', 'Patient?name=x', { as: 'observer' }), ['observer search-type E 403 Patient ?name']],
		['compartment', () => send('GET', 'Patient/a/Observation'), ['admin search-compartment E 200 Observation of a']],
		['operation', () => send('GET', 'Patient/a/$everything'), ['admin operation-everything E 200 Patient/a of a']],
		['delete', () => send('DELETE', 'Observation/n'), ['admin delete D 204 Observation/n@2 of a']],
		['gone', () => send('GET', 'Observation/n'), ['admin read R 410 Observation/n']],
		['delete of nothing', () => send('DELETE', 'Observation/n'), ['admin delete D 200 Observation/n']],
		['delete refused', () => send('DELETE', 'Patient/a'), ['admin delete D 409 Patient/a of a']],
		['metadata', () => send('GET', 'metadata'), []],
	];
	for (const [what, work, wanted] of cases) assert.deepEqual(await left(work), wanted, what);
});

const entry = (method: string, url: string, resource?: Resource): object => ({
	request: { method, url },
	...(resource === undefined ? {} : { resource }),
});

test('each entry of a batch counts, and each write and read of a transaction', async () => {
	const batch = {
		resourceType: 'Bundle',
		type: 'batch',
		entry: [
			entry('PUT', 'Observation/b1', seen('b1', 'b')),
			entry('GET', 'Patient/a'),
			entry('GET', 'Patient/none'),
			entry('GET', 'Observation?_id=o'),
		],
	};
	assert.deepEqual((await left(() => send('POST', '', { body: batch }))).sort(), [
		'admin read R 200 Patient/a@1 of a',
		'admin read R 404 Patient/none of none',
		'admin search-type E 200 Observation ?_id',
		'admin update C 201 Observation/b1@1 of b',
	]);
	const entries = [
		entry('PUT', 'Observation/t1', seen('t1', 'a')),
		entry('PUT', 'Observation/t2', seen('t2', 'b')),
		entry('DELETE', 'Observation/b1'),
		entry('GET', 'Observation/t1'),
	];
	const transaction = { resourceType: 'Bundle', type: 'transaction', entry: entries };
	assert.deepEqual((await left(() => send('POST', '', { body: transaction }))).sort(), [
		'admin delete D 204 Observation/b1@2 of b',
		'admin read R 200 Observation/t1@1 of a',
		'admin update C 201 Observation/t1@1 of a',
		'admin update C 201 Observation/t2@1 of b',
	]);
	const broken = {
		...transaction,
		entry: [entry('PUT', 'Observation/t3', seen('t3', 'a')), entry('PUT', 'Observation/t4', seen('t4', 'missing'))],
	};
	assert.deepEqual(await left(() => send('POST', '', { body: broken })), ['admin transaction E 422 ']);
});

test('writes that are made at the same time each leave one entry', async () => {
	const made = await entriesOf(() =>
		Promise.all(Array.from({ length: 60 }, (_, i) => send('POST', 'Observation', { body: seen('x', i % 2 === 0 ? 'a' : 'b') }))),
	);
	assert.equal(made.length, 60);
	assert.equal(new Set(made.map(({ id }) => id)).size, 60);
	assert.equal(made.filter(({ patient, interaction, version }) => patient === 'a' && interaction === 'create' && version === 1).length, 30);
});

test('who, from where, why and by which request; nothing of what the record says', async () => {
	const headers = { 'x-purpose-of-use': 'TREAT', 'x-request-id': 'request-1' };
	const [read, search] = await entriesOf(async () => {
		await send('GET', 'Patient/a', { as: 'nurse', headers });
		await ctx.fhir.audit.flush();
		await send('GET', 'Patient?family=Secret', { as: 'nurse', headers: { 'x-purpose-of-use': 'no such <thing>' } });
	});
	const common = { caller: 'nurse', callerKind: 'user', callerName: 'nurse', address: '127.0.0.1' };
	assert.partialDeepStrictEqual(read, { ...common, purpose: 'TREAT', requestId: 'request-1' });
	assert.partialDeepStrictEqual(search, { ...common, purpose: null, query: 'family', patient: 'a' });
	const again = await entriesOf(() => Promise.all([send('GET', 'Patient?family=Secret'), send('GET', 'Patient?family=Other')]));
	assert.equal(new Set([search?.queryHash, ...again.map(({ queryHash }) => queryHash)]).size, 2);
	for (const table of ['entry', 'block'])
		assert.deepEqual(await ctx.db.rows(raw(`SELECT e::text FROM audit.${table} e WHERE e::text ~ 'Secret'`)), []);
});

test('of several patients in a resource it is the one whose record it is part of', async () => {
	const performer = [{ reference: 'Patient/b' }];
	const [one] = await entriesOf(() => send('PUT', 'Observation/several', { body: { ...seen('several', 'a'), performer } }));
	assert.equal(one?.patient, 'a');
	const turned = {
		resourceType: 'Observation',
		id: 'turned',
		performer,
		subject: { reference: 'Patient/a' },
		status: 'final',
		code: { text: 'x' },
	};
	await send('PUT', 'Observation/turned', { body: turned });
	assert.deepEqual(await left(() => send('GET', 'Observation/turned')), ['admin read R 200 Observation/turned@1 of a']);
});

const ids = (bundle: Resource): string[] => ((bundle.entry ?? []) as { resource: Resource }[]).map(({ resource }) => resource.id as string);
const linkOf = (bundle: Resource, relation: string): string | undefined =>
	(bundle.link as { relation: string; url: string }[]).find((link) => link.relation === relation)?.url.slice(`${server.base}/`.length);

test('AuditEvents are found by what they say', async () => {
	await send('GET', 'Observation/o', { as: 'observer', headers: { 'x-purpose-of-use': 'HRESCH' } });
	await send('GET', 'Patient/a', { as: 'observer' });
	await ctx.fhir.audit.flush();
	const count = async (query: string): Promise<number> =>
		(await send('GET', `AuditEvent?${query}&_summary=count`, { as: 'auditor' })).json.total as number;
	const find = async (query: string): Promise<Resource[]> =>
		(((await send('GET', `AuditEvent?${query}`, { as: 'auditor' })).json.entry as { resource: Resource }[] | undefined) ?? []).map(
			({ resource }) => resource,
		);
	// Asking is itself noted a moment later, so what two questions count alike may have grown between them.
	const same = async (one: string, other: string): Promise<void> => {
		const [before, between, after] = [await count(one), await count(other), await count(one)];
		assert.ok(before <= between && between <= after, `${one}: ${before} to ${after}, ${other}: ${between}`);
	};
	const [event] = await find('altid=observer&outcome=0&_count=1');
	assert.partialDeepStrictEqual(event, {
		resourceType: 'AuditEvent',
		type: { code: 'rest' },
		subtype: [{ system: 'http://hl7.org/fhir/restful-interaction', code: 'read' }],
		action: 'R',
		outcome: '0',
		purposeOfEvent: [{ coding: [{ code: 'HRESCH' }] }],
		agent: [{ altId: 'observer', requestor: true, network: { address: '127.0.0.1', type: '2' } }],
		entity: [{ what: { reference: 'Observation/o/_history/3' } }, { what: { reference: 'Patient/a' } }],
	});
	assert.deepEqual(
		ctx.fhir.validator.validate(event).filter(({ severity }) => severity === 'error'),
		[],
	);
	const name = event?.id as string;
	assert.equal((await send('GET', `AuditEvent/${name}`, { as: 'auditor' })).json.id, name);
	assert.equal((await send('GET', 'AuditEvent/log.1.2.3', { as: 'auditor' })).status, 404);
	assert.equal((await send('GET', 'AuditEvent/log.%00', { as: 'auditor' })).status, 404);
	assert.equal(await count(`_id=${name}`), 1);
	const all = await count('type=rest');
	assert.ok(all > 30);
	await same('action=R,C,U,D,E&agent=observer', 'agent:identifier=observer');
	await same('date=ge2020&type=rest&date=le2100-01-01', 'type=rest');
	assert.equal(await count('date=lt2020'), 0);
	await same('date=gt2020-01-01T00:00:00Z&type=rest&outcome=4', 'outcome=4');
	assert.ok((await count('entity=Observation/o')) > 5);
	await same('entity:Observation=o', 'entity=Observation/o');
	await same('patient=a', 'patient:Patient=Patient/a');
	assert.ok((await count('patient=a')) > (await count('patient=a&entity=Observation/o')));
	assert.equal(await count('subtype=operation'), 1);
	assert.equal(await count('subtype=http://hl7.org/fhir/restful-interaction|search,operation'), 2);
	await same('agent-name=OBS', 'altid=observer');
	assert.ok((await count('address=127.')) > 30);
	for (const none of ['site=x', 'policy=x', 'agent:Practitioner.name=x', 'action:not=R', 'type=110114', 'entity=x', 'patient=Group/a'])
		assert.equal(await count(none), 0, none);
	for (const wrong of ['date=yesterday', '_sort=patient', '_count=x', 'date=ne2020'])
		assert.equal((await send('GET', `AuditEvent?${wrong}`, { as: 'auditor' })).status, 400, wrong);
	for (const unknown of ['nonsense', '__proto__', 'constructor'])
		assert.equal((await send('GET', `AuditEvent?${unknown}=1`, { as: 'auditor' })).status, 200, unknown);
	assert.equal((await send('GET', 'AuditEvent?nonsense=1', { as: 'auditor', headers: { prefer: 'handling=strict' } })).status, 400);
});

test('pages go on where the last ended, in both directions, and end with what others have stored', async () => {
	const stored = {
		resourceType: 'AuditEvent',
		id: 'stored',
		type: { system: 'http://terminology.hl7.org/CodeSystem/audit-event-type', code: 'rest' },
		recorded: '2020-01-01T00:00:00Z',
		agent: [{ requestor: true, altId: 'elsewhere' }],
		source: { observer: { display: 'elsewhere' } },
	};
	assert.equal((await send('PUT', 'AuditEvent/stored', { body: stored })).status, 201);
	for (const sort of ['', '&_sort=date']) {
		const found: string[] = [];
		for (let url: string | undefined = `AuditEvent?altid=nurse,elsewhere&date=lt2100&_count=2${sort}`; url !== undefined; ) {
			const { status, json, text } = await send('GET', url, { as: 'auditor' });
			assert.equal(status, 200, text);
			found.push(...ids(json));
			url = linkOf(json, 'next');
		}
		const nurse = await readLog(ctx.db, { criteria: [{ column: 'caller', any: ['nurse'] }], count: 1000, isAscending: sort !== '' });
		assert.deepEqual(found, [...nurse.map(({ name }) => name), 'stored']);
	}
	const total = (await send('GET', 'AuditEvent?altid=elsewhere&_total=accurate')).json;
	assert.deepEqual([total.total, ids(total), linkOf(total, 'next')], [1, [], 'AuditEvent?altid=elsewhere&_total=accurate&_page=stored']);
});

test('the audit is seen by those alone who have a right to it', async () => {
	for (const as of ['nurse', 'observer', 'narrow', 'nobody']) {
		const { status } = await send('GET', 'AuditEvent', { as });
		assert.ok(status === 403 || status === 401, `${as}: ${status}`);
	}
	const [one] = await readLog(ctx.db, { criteria: [{ column: 'patient', any: ['b'] }], count: 1 });
	const [other] = await readLog(ctx.db, { criteria: [{ column: 'patient', any: ['a'] }], count: 1 });
	assert.equal((await send('GET', `AuditEvent/${one?.name}`, { as: 'nurse' })).status, 403);
	assert.equal((await send('GET', `AuditEvent/${one?.name}`, { as: 'patient-a' })).status, 404);
	assert.equal((await send('GET', `AuditEvent/${other?.name}`, { as: 'patient-a' })).status, 200);
	const own = await send('GET', 'AuditEvent?_count=1000', { as: 'patient-a' });
	assert.ok(ids(own.json).length > 5);
	assert.doesNotMatch(own.text, /Patient\/b"/);
	const batch = {
		resourceType: 'Bundle',
		type: 'batch',
		entry: [entry('GET', 'AuditEvent?_count=1'), entry('GET', `AuditEvent/${one?.name}`)],
	};
	const answers = (await send('POST', '', { as: 'nurse', body: batch })).json.entry as { response: { status: string } }[];
	assert.deepEqual(
		answers.map(({ response }) => response.status.slice(0, 3)),
		['403', '403'],
	);
});

test('entries cannot be written, changed or deleted as AuditEvents', async () => {
	const [one] = await readLog(ctx.db, { criteria: [], count: 1 });
	const body = (await send('GET', `AuditEvent/${one?.name}`)).json;
	assert.equal((await send('PUT', `AuditEvent/${one?.name}`, { body })).status, 405);
	assert.equal((await send('DELETE', `AuditEvent/${one?.name}`)).status, 405);
	const bundle = { resourceType: 'Bundle', type: 'transaction', entry: [entry('PUT', `AuditEvent/${one?.name}`, body)] };
	assert.equal((await send('POST', '', { body: bundle })).status, 405);
});

test('what is no type is named by no entry, whatever it is called', async () => {
	for (const name of ['constructor', '__proto__', 'toString', 'Patiant']) {
		for (const path of [`${name}?name=x`, `${name}/a?name=x`, `Patient/a/${name}?name=x`]) {
			const [entry] = await entriesOf(async () => assert.equal((await send('GET', path)).status, 404, path));
			assert.doesNotMatch(short(entry as Logged), new RegExp(name));
			assert.equal(entry?.query, 'name');
		}
	}
});
