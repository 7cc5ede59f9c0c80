// What every blob store must do, whatever it is made of.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Blobs, blobKey } from '#base/blobs.ts';
import type { Problem } from '#base/problem.ts';

export type BlobStoreUnderTest = {
	readonly blobs: Blobs;
	/** Makes a blob look as if it had been put long ago. */
	readonly age: (key: string) => Promise<void>;
};

/** The shared tests; `open` gives a store with nothing in it. */
export function blobSuite(name: string, open: () => Promise<BlobStoreUnderTest>): void {
	const content = (text: string): Buffer => Buffer.from(text.repeat(10_000));
	const read = async (blobs: Blobs, key: string, range?: { first: number; last: number }): Promise<Buffer> =>
		Buffer.concat(await (await blobs.get(key, range)).toArray());
	const keysOf = async (blobs: Blobs): Promise<string[]> => (await Array.fromAsync(blobs.keys())).sort();

	test(`${name}: what is put can be had, whole and in part`, async () => {
		const { blobs } = await open();
		const bytes = content('heron ');
		const put = await blobs.put(bytes);
		assert.deepEqual(put, { key: blobKey(bytes), size: bytes.length });
		assert.deepEqual(await read(blobs, put.key), bytes);
		assert.deepEqual(await read(blobs, put.key, { first: 3, last: 10 }), bytes.subarray(3, 11));
		assert.deepEqual(await read(blobs, put.key, { first: bytes.length - 1, last: bytes.length - 1 }), bytes.subarray(-1));
		assert.equal(await blobs.has(put.key), true);
		assert.equal((await blobs.facts(put.key))?.size, bytes.length);
		assert.ok(((await blobs.facts(put.key))?.modifiedMs ?? 0) > 1_600_000_000_000);
	});

	test(`${name}: the same content is one blob, also when many put it at once`, async () => {
		const { blobs } = await open();
		await Promise.all(Array.from({ length: 20 }, () => blobs.put(content('same'))));
		await blobs.put(content('same'));
		assert.deepEqual(await keysOf(blobs), [blobKey(content('same'))]);
	});

	test(`${name}: all keys are listed, once each`, async () => {
		const { blobs } = await open();
		assert.deepEqual(await keysOf(blobs), []);
		const texts = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
		for (const text of texts) await blobs.put(content(text));
		assert.deepEqual(await keysOf(blobs), texts.map((text) => blobKey(content(text))).sort());
	});

	test(`${name}: what is not there, or is no key, is missing and nothing worse`, async () => {
		const { blobs } = await open();
		const nothing = blobKey(Buffer.from('never put'));
		assert.equal(await blobs.has(nothing), false);
		assert.equal(await blobs.facts(nothing), undefined);
		for (const key of [nothing, '../../etc/passwd', '', 'a'.repeat(63), 'A'.repeat(64)]) {
			await assert.rejects(blobs.get(key), (error: Problem) => error.code === 'blob-missing' && error.status === 503);
		}
	});

	test(`${name}: only what was put before the moment is removed`, async () => {
		const { blobs, age } = await open();
		const { key } = await blobs.put(content('old'));
		const cutoff = Date.now() - 60_000;
		assert.equal(await blobs.remove(key, cutoff), false);
		assert.equal(await blobs.has(key), true);
		await age(key);
		await blobs.put(content('old'));
		assert.equal(await blobs.remove(key, cutoff), false, 'putting it again makes it new');
		await age(key);
		assert.equal(await blobs.remove(key, cutoff), true);
		assert.equal(await blobs.has(key), false);
		assert.equal(await blobs.remove(key, cutoff), false);
		await blobs.put(content('old'));
		assert.deepEqual(await read(blobs, key), content('old'));
	});

	test(`${name}: tidying removes no blob`, async () => {
		const { blobs, age } = await open();
		const { key } = await blobs.put(content('kept'));
		await age(key);
		await blobs.tidy(Date.now() + 60_000);
		assert.equal(await blobs.has(key), true);
	});
}
