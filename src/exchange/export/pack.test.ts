// A gzip file of several members holds what was put in, whatever the pieces; one that fails leaves the next alone.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { createRandom } from '#testing/random.ts';
import { createPacker } from './pack.ts';

const folder = mkdtempSync(join(tmpdir(), 'heron-pack-'));
after(() => rmSync(folder, { recursive: true }));
const pack = createPacker();
const random = createRandom(3);
const all = Buffer.from(Array.from({ length: 300_000 }, (_, n) => `${n} ${random.below(1e9)}\n`).join(''));

/** Pieces of one buffer that is written over as soon as the next is asked for. */
async function* pieces(most: number): AsyncGenerator<Buffer> {
	const room = Buffer.alloc(most);
	for (let at = 0; at < all.length; ) {
		const length = Math.min(1 + random.below(most), all.length - at);
		all.copy(room, 0, at, at + length);
		yield room.subarray(0, length);
		room.fill(0);
		at += length;
	}
}

async function packed(name: string, from: AsyncIterable<Buffer>): Promise<Buffer> {
	const file: FileHandle = await open(join(folder, name), 'wx');
	try {
		await pack(from, file);
	} finally {
		await file.close();
	}
	return readFileSync(join(folder, name));
}

for (const most of [500, 70_000, 3_000_000])
	test(`pieces of up to ${most} bytes`, async () => {
		const bytes = await packed(`of-${most}`, pieces(most));
		assert.ok(bytes.length < all.length);
		assert.ok(gunzipSync(bytes).equals(all));
	});

test('what fails in the middle is a failure, and the next file is whole', async () => {
	async function* broken(): AsyncGenerator<Buffer> {
		yield* pieces(2_000_000);
		throw new Error('no more');
	}
	await assert.rejects(packed('broken', broken()), /no more/);
	const closed = await open(join(folder, 'closed'), 'wx');
	await closed.close();
	await assert.rejects(pack(pieces(2_000_000), closed), { code: 'EBADF' });
	assert.ok(gunzipSync(await packed('after', pieces(2_000_000))).equals(all));
});
