// An export that is cut short goes on as of the moment at which it began, whatever was written since; one whose lists are not whole begins again.
import assert from 'node:assert/strict';
import { readdirSync, truncateSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { raw, sql } from '#db/sql.ts';
import type { Resource } from '#fhir/resource.ts';
import { testServer } from '#testing/server.ts';
import { registerBulk, usualBulk } from './operations.ts';

const server = await testServer({ after });
const { ctx } = server;
const { db, fhir } = ctx;
registerBulk(fhir, { ...usualBulk, listAfterMs: 0, fileBytes: 1000 });
server.caller('service', [{ type: '*', interactions: ['read', 'search'] }], 'system');

// A job stops where it remembers that a type is through, for as long as the test holds this lock.
const gate = 77;
await db.execute(
	raw(`CREATE FUNCTION jobs.wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF NEW.key LIKE '% Observation' THEN PERFORM pg_advisory_xact_lock(${gate}); END IF; RETURN NEW; END $$;
		CREATE TRIGGER wait_at_gate BEFORE INSERT OR UPDATE ON jobs.step FOR EACH ROW EXECUTE FUNCTION jobs.wait_at_gate()`),
);

async function put(resource: object): Promise<void> {
	const { resourceType, id } = resource as Resource;
	const { status, text } = await server.send('PUT', `${resourceType}/${id}`, { body: resource });
	assert.ok(status < 300, text);
}

const patient = (id: string, family: string): object => ({ resourceType: 'Patient', id, name: [{ family }] });
const observation = (id: string, of: string, value: number): object => ({
	resourceType: 'Observation',
	id,
	status: 'final',
	code: { text: 'weight' },
	subject: { reference: `Patient/${of}` },
	valueQuantity: { value },
});
const people = Array.from({ length: 30 }, (_, n) => `p${n}`);
const group = (members: readonly string[]): object => ({
	resourceType: 'Group',
	id: 'g',
	type: 'person',
	actual: true,
	member: members.map((id) => ({ entity: { reference: `Patient/${id}` } })),
});

async function fill(): Promise<void> {
	for (const id of people) await put(patient(id, 'Before'));
	for (const id of people) await put(observation(`o${id}`, id, 1));
	await put({ resourceType: 'Binary', id: 'b', contentType: 'text/plain', data: 'b25l' });
	await put(group(people));
}

/** Everything that an export could take is now another. */
async function changeAll(): Promise<void> {
	await put(patient('late', 'Late'));
	await put(group(['p1', 'late']));
	for (const id of ['p2', 'p3', 'p4', 'p5']) {
		assert.equal((await server.send('DELETE', `Observation/o${id}`)).status, 200);
		assert.equal((await server.send('DELETE', `Patient/${id}`)).status, 200);
	}
	await put(patient('p1', 'After'));
	await put(patient('p1', 'After that'));
	await put(observation('op1', 'p1', 2));
	await put({ resourceType: 'Binary', id: 'b', contentType: 'text/plain', data: 'dHdv' });
}

type Listed = { readonly type: string; readonly url: string; readonly count: number };
type Manifest = { readonly transactionTime: string; readonly output: readonly Listed[]; readonly error: readonly Listed[] };

async function manifestOf(job: string): Promise<Manifest> {
	for (let tries = 0; tries < 1000; tries++) {
		const { result, problem } = await fhir.jobs.status(ctx, job);
		if (problem !== undefined) throw problem;
		if (result !== undefined) return JSON.parse(result.text) as Manifest;
		await sleep(20);
	}
	assert.fail('the export does not end');
}

/** What is in the files, by type and id; the count of each file has to be right. */
async function contentOf({ output, error }: Manifest): Promise<Record<string, string>> {
	assert.deepEqual(error, []);
	const found: [string, string][] = [];
	for (const { url, count, type } of output) {
		const { status, text } = await server.send('GET', url.slice(server.base.length + 1), { as: 'service' });
		assert.equal(status, 200, text);
		const lines = text.split('\n').slice(0, -1);
		assert.equal(lines.length, count);
		for (const line of lines) found.push([`${type}/${(JSON.parse(line) as Resource).id}`, line]);
	}
	assert.equal(new Set(found.map(([name]) => name)).size, found.length);
	return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function kickOff(path: string): Promise<string> {
	const { status, headers, text } = await server.send('GET', path, { as: 'service', headers: { prefer: 'respond-async' } });
	assert.equal(status, 202, text);
	return (headers.get('content-location') ?? '').split('job=')[1] as string;
}

/** Begins an export and cuts it short when its observations are through; what `meanwhile` does is done before it goes on. */
async function cutShort(path: string, meanwhile: (folder: string) => Promise<void>): Promise<Manifest> {
	const holder = await db.connect();
	let job: string;
	let begun: unknown[] | undefined;
	let closing: Promise<void>;
	try {
		await holder.query(`SELECT pg_advisory_lock(${gate})`);
		job = await kickOff(path);
		const waiting = sql`SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = ${gate} AND NOT granted`;
		for (let tries = 0; (await db.rows(waiting)).length === 0; tries++) {
			assert.ok(tries < 300, 'the export does not come to the gate');
			await sleep(10);
		}
		[begun] = await db.rows(sql`SELECT value::jsonb->>'transactionTime' FROM jobs.step WHERE job = ${job} AND key = 'begun'`);
		closing = fhir.jobs.close();
	} finally {
		await holder.query(`SELECT pg_advisory_unlock(${gate})`);
		holder.release();
	}
	await closing;
	const [left] = await db.rows(sql`SELECT state FROM jobs.job WHERE id = ${job}`);
	assert.deepEqual(left, ['waiting']);
	try {
		await meanwhile(join(folders, job));
	} finally {
		fhir.jobs.work();
	}
	const manifest = await manifestOf(job);
	return { ...manifest, ...(manifest.transactionTime === begun?.[0] ? {} : { again: true }) };
}

await fill();
const first = await kickOff('$export?_type=Group');
await manifestOf(first);
/** Where each job has its folder. */
const folders = dirname(dirname(await fhir.jobs.file(ctx, first, '1')));

const asked = [
	'$export',
	'Group/g/$export',
	'$export?_elements=Patient.name,Observation.value',
	'$export?_typeFilter=Observation?value-quantity=1',
];

for (const path of asked)
	test(`${path} goes on as of its moment`, async () => {
		await fill();
		const whole = await manifestOf(await kickOff(path));
		const expected = await contentOf(whole);
		const manifest = await cutShort(path, async (folder) => {
			await changeAll();
			assert.ok(readdirSync(folder).includes('list-0'));
		});
		assert.ok(!('again' in manifest));
		assert.deepEqual(await contentOf(manifest), expected);
		const now = await contentOf(await manifestOf(await kickOff(path)));
		assert.notDeepEqual(now, expected);
	});

test('one organized by patient goes on as of its moment, though nothing of it was through', async () => {
	await fill();
	await put({ resourceType: 'Condition', id: 'c', subject: { reference: 'Patient/p7' } });
	// Who reads the body of a Condition waits, for as long as the test holds this lock; who lists versions does not.
	const bodies = 78;
	await db.execute(
		raw(`CREATE FUNCTION fhir.gated(body text) RETURNS text STABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(${bodies}); RETURN body; END $$;
			ALTER TABLE fhir.condition RENAME TO condition_stored`),
	);
	const columns = await db.rows(sql`SELECT attname FROM pg_attribute WHERE attrelid = 'fhir.condition_stored'::regclass AND attnum > 0`);
	const shown = columns.map(([name]) => (name === 'body' ? 'fhir.gated(body) AS body' : `"${name}"`)).join();
	await db.execute(raw(`CREATE VIEW fhir.condition AS SELECT ${shown} FROM fhir.condition_stored`));
	const path = 'Patient/$export?organizeOutputBy=Patient&_type=Patient,Observation,Condition&_elements=Patient.name';
	const textOf = async (job: string): Promise<string> => {
		const { output } = await manifestOf(job);
		assert.deepEqual(
			output.map(({ count }) => count).reduce((sum, count) => sum + count),
			62,
		);
		const texts = await Promise.all(
			output.map(async ({ url }) => (await server.send('GET', url.slice(server.base.length + 1), { as: 'service' })).text),
		);
		return texts.join('');
	};
	const expected = await textOf(await kickOff(path));
	assert.match(expected, /"reference":"Patient.p7".*\n.*"family":"Before"/);
	const holder = await db.connect();
	await holder.query(`SELECT pg_advisory_lock(${bodies})`);
	const job = await kickOff(path);
	const begun = sql`SELECT FROM jobs.step WHERE job = ${job} AND key = 'begun'`;
	for (let tries = 0; (await db.rows(begun)).length === 0; tries++) {
		assert.ok(tries < 300, 'the lists do not come');
		await sleep(10);
	}
	const closing = fhir.jobs.close();
	await holder.query(`SELECT pg_advisory_unlock(${bodies})`);
	holder.release();
	await closing;
	await changeAll();
	fhir.jobs.work();
	assert.equal(await textOf(job), expected);
});

test('an export whose list lost its end begins again, at another moment', async () => {
	await fill();
	const manifest = await cutShort('$export?_type=Observation,Patient', async (folder) => {
		await changeAll();
		truncateSync(join(folder, 'list-1'), 3);
	});
	assert.ok('again' in manifest);
	const content = await contentOf(manifest);
	assert.deepEqual(content, await contentOf(await manifestOf(await kickOff('$export?_type=Observation,Patient'))));
	assert.match(content['Patient/p1'] ?? '', /After that/);
});
