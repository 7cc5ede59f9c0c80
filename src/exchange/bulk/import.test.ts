// Imports by their front: from the body, from addresses, what is refused line by line, and going on after a run that was cut short.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { sql } from '#db/sql.ts';
import { createJobs } from '#fhir/jobs/jobs.ts';
import type { Resource } from '#fhir/resource.ts';
import { type Answered, testServer } from '#testing/server.ts';
import { registerBulk, usualBulk } from './operations.ts';

const server = await testServer({ after });
const all = ['create', 'read', 'update', 'delete', 'search'] as const;
server.caller('service', [{ type: '*', interactions: ['create', 'update'] }], 'system');
server.caller('reader', [{ type: '*', interactions: ['read', 'search'] }], 'system');
server.caller('some', [{ type: 'Patient', interactions: all }], 'system');

const later = { prefer: 'respond-async' };
const ndjson = { ...later, 'content-type': 'application/fhir+ndjson' };

type Manifest = {
	readonly counts: Readonly<Record<string, number>>;
	readonly output: readonly { readonly type: string; readonly count: number }[];
	readonly error: readonly { readonly url: string; readonly count: number }[];
};

function patient(id: string, more: object = {}): object {
	return { resourceType: 'Patient', id, gender: 'other', ...more };
}

function weight(id: string, of: string): object {
	return { resourceType: 'Observation', id, status: 'final', code: { text: 'weight' }, subject: { reference: `Patient/${of}` } };
}

const textOf = (list: readonly (object | string)[]): string =>
	`${list.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n')}\n`;

function jobOf({ status, headers, text }: Answered): string {
	assert.equal(status, 202, text);
	return headers.get('content-location')?.split('job=')[1] as string;
}

async function done(job: string): Promise<Manifest> {
	for (;;) {
		const answer = await server.send('GET', `$bulkdata-status?job=${job}`, { as: 'service' });
		if (answer.status === 200) return answer.json as unknown as Manifest;
		assert.ok(answer.status === 202 || answer.status === 429, answer.text);
		await sleep(50);
	}
}

const imported = async (body: unknown, headers: Record<string, string> = ndjson, query = ''): Promise<Manifest> =>
	done(jobOf(await server.send('POST', `$import${query}`, { as: 'service', body, headers })));

async function told({ error }: Manifest): Promise<string[]> {
	const [file] = error;
	if (file === undefined) return [];
	const { status, text } = await server.send('GET', file.url.slice(server.base.length + 1), { as: 'service' });
	assert.equal(status, 200);
	const outcomes = text
		.split('\n')
		.slice(0, -1)
		.map((line) => JSON.parse(line) as Resource & { issue: { details: { text: string } }[] });
	assert.equal(outcomes.length, file.count);
	return outcomes.map(({ issue }) => issue[0]?.details.text ?? '');
}

const files = new Map<string, Buffer | number>();
const outside = createServer((request, response) => {
	const file = files.get(request.url ?? '');
	if (typeof file === 'object') response.end(file);
	else response.writeHead(file ?? 404).end();
});
await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve));
after(() => outside.close());
const place = outside.address();
const origin = `http://127.0.0.1:${typeof place === 'object' ? place?.port : 0}`;

test('NDJSON in the body: taken in whatever its order, refused line by line', async () => {
	const manifest = await imported(
		textOf([
			weight('w1', 'i1'),
			patient('i1'),
			'no json',
			patient('i2', { gender: 'unheard-of' }),
			weight('w2', 'nobody'),
			{ resourceType: 'Nothing', id: 'n' },
		]),
	);
	assert.deepEqual([manifest.counts.created, manifest.counts.refused], [2, 4]);
	assert.deepEqual(manifest.output.map(({ type, count }) => `${type} ${count}`).sort(), ['Nothing 0', 'Observation 1', 'Patient 1']);
	const lines = (await told(manifest)).map((line) => /^body:line (\d+)/.exec(line)?.[1]).sort();
	assert.deepEqual(lines, ['3', '4', '5', '6']);
	assert.equal((await server.send('GET', 'Observation/w1')).status, 200);
	assert.equal((await server.send('GET', 'Patient/i2')).status, 404);
});

test('again: what is there stays, unless it is to be updated; the same once more makes no version', async () => {
	const text = textOf([patient('i1', { gender: 'female' })]);
	assert.equal((await imported(text)).counts.unchanged, 1);
	assert.equal((await server.send('GET', 'Patient/i1')).json.gender, 'other');
	assert.equal((await imported(text, ndjson, '?update=true')).counts.updated, 1);
	assert.equal((await imported(text, ndjson, '?update=true')).counts.unchanged, 1);
	const { gender, meta } = (await server.send('GET', 'Patient/i1')).json as Resource & { meta: { versionId: string } };
	assert.deepEqual([gender, meta.versionId], ['female', '2']);
});

test('addresses, in Parameters and in a plain manifest; what cannot be had is told', async () => {
	files.set('/a.ndjson', Buffer.from(textOf([patient('a1'), patient('a2')])));
	files.set('/b', gzipSync(textOf([weight('b1', 'a1'), patient('bad', { birthDate: 'x' })])));
	const parts = (url: string): object => ({
		name: 'input',
		part: [
			{ name: 'type', valueCode: 'Patient' },
			{ name: 'url', valueUrl: `${origin}${url}` },
		],
	});
	const parameters = {
		resourceType: 'Parameters',
		parameter: [{ name: 'inputFormat', valueCode: 'application/fhir+ndjson' }, parts('/a.ndjson'), parts('/b'), parts('/none')],
	};
	const first = await imported(parameters, later);
	assert.deepEqual([first.counts.created, first.counts.refused], [3, 1]);
	const lines = await told(first);
	assert.equal(lines.length, 2);
	assert.ok(lines.some((line) => line.startsWith(`${origin}/none: `)));
	assert.ok(lines.some((line) => line.startsWith(`${origin}/b:line 2 Patient/bad: `)));
	const again = await imported(
		{ inputFormat: 'application/fhir+ndjson', input: [{ type: 'Patient', url: `${origin}/a.ndjson` }] },
		{ ...later, 'content-type': 'application/json' },
	);
	assert.deepEqual([again.counts.unchanged, again.error], [2, []]);
});

test('a file that is too large, and an address that may not be asked, are told and nothing else', async () => {
	const { fhir } = server.ctx;
	const jobs = createJobs({ ...server.ctx, folder: '/tmp/heron-no-jobs-import', pollMs: 30 });
	const own = { ...server.ctx, fhir: { ...fhir, jobs } };
	registerBulk(own.fhir, { ...usualBulk, fetchBytes: 10, allowPrivateUrls: true });
	jobs.work();
	after(() => jobs.close());
	files.set('/large', Buffer.alloc(100));
	const asked = { request: '', update: false, sources: [{ url: `${origin}/large` }, { url: 'https://user:password@example.org/' }] };
	const job = await jobs.start(own, 'bulk-import', JSON.stringify(asked));
	let status = await jobs.status(own, job);
	while (status.result === undefined && status.problem === undefined) {
		await sleep(20);
		status = await jobs.status(own, job);
	}
	const { error, counts } = JSON.parse(status.result?.text ?? '') as Manifest;
	assert.deepEqual([error[0]?.count, counts.created], [2, 0]);
	await jobs.cancel(own, job);
});

const refusals: readonly (readonly [string, number, { as?: string; body?: unknown; headers?: Record<string, string>; query?: string }])[] =
	[
		['nobody', 401, { as: 'nobody' }],
		['who only reads', 403, { as: 'reader' }],
		['who may write some types', 403, { as: 'some' }],
		['without Prefer', 400, { headers: { 'content-type': 'application/fhir+ndjson' } }],
		['an empty body', 400, { body: '' }],
		['no inputs', 400, { body: { input: [] }, headers: later }],
		['an input without url', 400, { body: { input: [{ type: 'Patient' }] }, headers: later }],
		['another format', 400, { body: { inputFormat: 'text/csv', input: [{ url: 'https://example.org' }] }, headers: later }],
		['no JSON', 400, { body: 'x', headers: { ...later, 'content-type': 'application/json' } }],
		['a list', 400, { body: [], headers: { ...later, 'content-type': 'application/json' } }],
		['a wrong flag', 400, { query: '?update=perhaps' }],
	];

for (const [what, status, { as = 'service', body = textOf([patient('r')]), headers = ndjson, query = '' }] of refusals)
	test(`refused with ${status}: ${what}`, async () => {
		const answer = await server.send('POST', `$import${query}`, { as, body, headers });
		assert.equal(answer.status, status, answer.text);
		assert.equal(answer.json.resourceType, 'OperationOutcome');
	});

test('an import that is cut short goes on: nothing is fetched or stored twice', async () => {
	const { fhir } = server.ctx;
	let asked = 0;
	// So many that the first run is far from its end when the first of them are seen.
	const many = 6000;
	const slow = createServer((_, response) => {
		asked++;
		response.end(textOf(Array.from({ length: many }, (__, n) => patient(`s${n}`))));
	});
	await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
	const at = slow.address();
	const folder = `/tmp/heron-resume-${process.pid}`;
	const processOf = () => {
		const jobs = createJobs({ ...server.ctx, folder, pollMs: 30, leaseMs: 60_000 });
		const own = { ...server.ctx, fhir: { ...fhir, jobs } };
		registerBulk(own.fhir, { ...usualBulk, allowPrivateUrls: true });
		return { jobs, own };
	};
	const [first, second] = [processOf(), processOf()];
	const url = `http://127.0.0.1:${typeof at === 'object' ? at?.port : 0}/`;
	const job = await first.jobs.start(first.own, 'bulk-import', JSON.stringify({ request: '', update: false, sources: [{ url }] }));
	first.jobs.work();
	const count = async (): Promise<number> =>
		Number((await server.ctx.db.rows(sql`SELECT count(*) FROM fhir.patient WHERE id ~ '^s\\d+$'`))[0]?.[0]);
	while ((await count()) === 0) await sleep(5);
	await first.jobs.close();
	second.jobs.work();
	let status = await second.jobs.status(second.own, job);
	while (status.result === undefined) {
		assert.equal(status.problem, undefined);
		await sleep(20);
		status = await second.jobs.status(second.own, job);
	}
	const { counts } = JSON.parse(status.result.text) as Manifest;
	assert.equal((counts.created ?? 0) + (counts.unchanged ?? 0), many);
	assert.equal(await count(), many);
	assert.equal(asked, 1);
	await second.jobs.cancel(second.own, job);
	await second.jobs.close();
	slow.close();
});
