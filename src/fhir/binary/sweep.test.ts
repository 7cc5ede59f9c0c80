import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { testFhir } from '#testing/fhir.ts';
import { detachBlob, sweepBlobs } from './binary.ts';
import { refOf } from './blob-data.ts';

const real = await testFhir({ after });
const day = 24 * 60 * 60 * 1000;
/** The same record at another time. */
const later = (ms: number): FhirCtx => ({ ...real, clock: { now: () => new Date(Date.now() + ms) } });

const write = async (id: string, bytes: Buffer): Promise<string> => {
	const resource: Resource = { resourceType: 'Binary', id, contentType: 'application/pdf', data: bytes.toString('base64') };
	const detached = await detachBlob(real.fhir, resource);
	await real.fhir.store.write(real, { type: 'Binary', id, op: 'U', resource: detached });
	return refOf(detached.data)?.key ?? '';
};

test('only old blobs that no version names are swept', async () => {
	const { blobs, store } = real.fhir;
	const former = await write('changed', randomBytes(70_000));
	const current = await write('changed', randomBytes(70_000));
	const deleted = await write('deleted', randomBytes(70_000));
	await store.write(real, { type: 'Binary', id: 'deleted', op: 'D', resource: null });
	const many = [];
	for (let n = 0; n < 12; n++) many.push(await write(`many-${n}`, randomBytes(66_000)));
	const orphan = (await blobs.put(randomBytes(90_000))).key;
	assert.deepEqual(await sweepBlobs(real), { looked: 16, removed: 0, bytes: 0 });
	assert.deepEqual(await sweepBlobs(later(day - 60_000)), { looked: 16, removed: 0, bytes: 0 });
	assert.deepEqual(await sweepBlobs(later(day + 60_000)), { looked: 16, removed: 1, bytes: 90_000 });
	assert.equal(await blobs.has(orphan), false);
	for (const key of [former, current, deleted, ...many]) assert.equal(await blobs.has(key), true);
	assert.deepEqual(await sweepBlobs(later(2 * day), { graceMs: 0 }), { looked: 15, removed: 0, bytes: 0 });
});
