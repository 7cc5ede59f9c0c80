import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Problem } from '#base/problem.ts';
import { blobSuite } from '#testing/blob-suite.ts';
import { createDiskBlobs } from './disk.ts';

const root = mkdtempSync(join(tmpdir(), 'heron-disk-'));
after(() => rmSync(root, { recursive: true }));
let folders = 0;
const newFolder = (): string => join(root, String(folders++), 'blobs');
const pathOf = (folder: string, key: string): string => join(folder, key.slice(0, 2), key.slice(2));
const long = new Date('2020-01-01T00:00:00Z');

blobSuite('disk', async () => {
	const folder = newFolder();
	return { blobs: createDiskBlobs(folder), age: async (key) => utimesSync(pathOf(folder, key), long, long) };
});

test('files are for this user only and lie under their hash', async () => {
	const folder = newFolder();
	const { key } = await createDiskBlobs(folder).put(Buffer.from('secret'));
	assert.equal(statSync(pathOf(folder, key)).mode & 0o777, 0o600);
	assert.equal(statSync(folder).mode & 0o077, 0);
	assert.deepEqual(readdirSync(join(folder, 'unfinished')), []);
});

test('a file of the wrong size is written anew', async () => {
	const folder = newFolder();
	const blobs = createDiskBlobs(folder);
	const { key } = await blobs.put(Buffer.from('whole content'));
	writeFileSync(pathOf(folder, key), 'who');
	await blobs.put(Buffer.from('whole content'));
	assert.equal(Buffer.concat(await (await blobs.get(key)).toArray()).toString(), 'whole content');
});

test('what interrupted puts left is tidied when old, strange files are no keys', async () => {
	const folder = newFolder();
	const blobs = createDiskBlobs(folder);
	mkdirSync(join(folder, 'unfinished'), { recursive: true });
	writeFileSync(join(folder, 'unfinished', 'old'), 'x');
	utimesSync(join(folder, 'unfinished', 'old'), long, long);
	writeFileSync(join(folder, 'unfinished', 'new'), 'x');
	mkdirSync(join(folder, 'ab'));
	writeFileSync(join(folder, 'ab', 'README'), 'x');
	writeFileSync(join(folder, 'note'), 'x');
	await blobs.tidy(Date.now() - 60_000);
	assert.deepEqual(readdirSync(join(folder, 'unfinished')), ['new']);
	assert.deepEqual(await Array.fromAsync(blobs.keys()), []);
});

test('a folder that cannot be used is an unavailable store', async () => {
	const folder = newFolder();
	mkdirSync(join(folder, '..'), { recursive: true });
	writeFileSync(folder, 'a file where the folder should be');
	await assert.rejects(
		createDiskBlobs(folder).put(Buffer.from('x')),
		(error: Problem) => error.code === 'blob-store-unavailable' && error.status === 503,
	);
});

test('a blob that is put while it is being removed is there afterwards', async () => {
	const folder = newFolder();
	const blobs = createDiskBlobs(folder);
	const bytes = Buffer.from('wanted again');
	const { key } = await blobs.put(bytes);
	for (let round = 0; round < 60; round++) {
		utimesSync(pathOf(folder, key), long, long);
		const removing = [blobs.remove(key, Date.now() - 60_000), blobs.remove(key, Date.now() - 60_000)];
		const putting = Array.from({ length: 1 + (round % 3) }, () => blobs.put(bytes));
		await Promise.all([...removing, ...putting]);
		assert.equal(await blobs.has(key), true, `round ${round}`);
	}
});
