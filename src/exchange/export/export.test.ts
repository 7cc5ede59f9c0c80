// Exports: every resource once, from one moment, history with deletions, large data in their place; and back in again.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { filesOf } from '#exchange/import/files.ts';
import { importFiles } from '#exchange/import/import.ts';
import { create } from '#fhir/interactions/create.ts';
import type { Resource } from '#fhir/resource.ts';
import type { Write } from '#fhir/store/store.ts';
import { testFhir } from '#testing/fhir.ts';
import { exportAll } from './export.ts';

const folder = mkdtempSync(join(tmpdir(), 'heron-export-'));
after(() => rmSync(folder, { recursive: true }));
const ctx = await testFhir({ after });
const signal = new AbortController().signal;
const data = Buffer.alloc(150_000, 'heron').toString('base64');
const patient = (id: string, more: object = {}): Write => ({
	type: 'Patient',
	id,
	op: 'U',
	resource: { resourceType: 'Patient', id, ...more },
});
const family = 'Zoë\\ "\t\n\u2028';
await ctx.fhir.store.transact(ctx, (unit) => unit.write(Array.from({ length: 1200 }, (_, i) => patient(`p${i}`, { name: [{ family }] }))));
await ctx.fhir.store.write(ctx, patient('p1', { active: true }));
await ctx.fhir.store.write(ctx, { type: 'Patient', id: 'p2', op: 'D', resource: null });
const { stored: binary } = await create(ctx, { type: 'Binary', resource: { resourceType: 'Binary', contentType: 'text/plain', data } });

function lines(dir: string, name: string): Resource[] {
	const text = gunzipSync(readFileSync(join(folder, dir, name))).toString();
	assert.ok(text.endsWith('\n'));
	return text
		.trimEnd()
		.split('\n')
		.map((line) => JSON.parse(line));
}

test('a file per type with every present resource, and a manifest that counts them', async () => {
	const { output } = await exportAll(ctx, { folder: join(folder, 'plain'), signal });
	assert.deepEqual(output, [
		{ type: 'Binary', url: 'Binary.ndjson.gz', count: 1 },
		{ type: 'Patient', url: 'Patient.ndjson.gz', count: 1199 },
	]);
	assert.deepEqual(JSON.parse(readFileSync(join(folder, 'plain', 'manifest.json'), 'utf8')).output, output);
	assert.deepEqual(readdirSync(join(folder, 'plain')).toSorted(), ['Binary.ndjson.gz', 'Patient.ndjson.gz', 'manifest.json']);
	const patients = lines('plain', 'Patient.ndjson.gz');
	assert.equal(new Set(patients.map(({ id }) => id)).size, 1199);
	assert.ok(!patients.some(({ id }) => id === 'p2'));
	assert.deepEqual(patients.find(({ id }) => id === 'p1')?.active, true);
	assert.deepEqual(patients.find(({ id }) => id === 'p3')?.name, [{ family }]);
	assert.deepEqual(lines('plain', 'Binary.ndjson.gz')[0]?.data, data);
});

test('history: every version, deletions too', async () => {
	const { output } = await exportAll(ctx, { folder: join(folder, 'history'), types: ['Patient'], history: true, signal });
	assert.deepEqual(output[1], { type: 'Patient', url: 'Patient.history.ndjson.gz', count: 1202 });
	const entries = lines('history', 'Patient.history.ndjson.gz') as unknown as {
		resource?: Resource;
		request: { method: string; url: string };
		response: { etag: string };
	}[];
	const of = (id: string) =>
		entries.filter(({ request }) => request.url === `Patient/${id}`).map(({ request, response }) => `${request.method} ${response.etag}`);
	assert.deepEqual(of('p1').toSorted(), ['PUT W/"1"', 'PUT W/"2"']);
	assert.deepEqual(of('p2').toSorted(), ['DELETE W/"2"', 'PUT W/"1"']);
	assert.equal(entries.find(({ request }) => request.method === 'DELETE')?.resource, undefined);
});

test('what was exported goes into another installation as it is', async (t) => {
	const other = await testFhir(t);
	const files = await filesOf([join(folder, 'plain'), join(folder, 'history')]);
	const { counts } = await importFiles(other, { files, spoolFolder: join(folder, 'spool'), isAlive: () => true, signal });
	assert.deepEqual([counts.created, counts.refused, counts['left-out']], [1200, 0, 0]);
	const body = async (on: typeof ctx, type: string, id: string): Promise<Resource> => {
		const { meta: _, ...rest } = JSON.parse((await on.fhir.store.read(on, type, id))?.body ?? '{}') as Resource;
		return rest as Resource;
	};
	for (const id of ['p1', 'p3', 'p1199']) assert.deepEqual(await body(other, 'Patient', id), await body(ctx, 'Patient', id));
	assert.deepEqual(await body(other, 'Binary', binary.id), await body(ctx, 'Binary', binary.id));
});

test('unknown types and folders that are in use are refused', async () => {
	await assert.rejects(exportAll(ctx, { folder: join(folder, 'x'), types: ['Nonsense'], signal }), { code: 'type-unknown' });
	assert.equal(existsSync(join(folder, 'x')), false);
	await assert.rejects(exportAll(ctx, { folder: join(folder, 'plain'), signal }), { code: 'folder-not-empty' });
});
