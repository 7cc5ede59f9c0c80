import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Problem } from '#base/problem.ts';
import { blobSuite } from '#testing/blob-suite.ts';
import { startFakeS3 } from '#testing/fake-s3.ts';
import { createS3Blobs, readS3Place } from './s3-blobs.ts';

const fake = await startFakeS3();
after(fake.close);
const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' };
let prefixes = 0;
const open = async (prefix: string) => {
	const blobs = await createS3Blobs(readS3Place(`s3://records/${prefix}?region=eu-central-1&endpoint=${fake.endpoint}`), {
		credentials,
		maxAttempts: 1,
	});
	after(blobs.close);
	return blobs;
};

blobSuite('S3', async () => {
	const prefix = `site-${prefixes++}/large`;
	return {
		blobs: await open(prefix),
		async age(key) {
			const kept = fake.objects.get(`records/${prefix}/${key.slice(0, 2)}/${key.slice(2)}`);
			if (kept !== undefined) kept.modified = new Date('2020-01-01T00:00:00Z');
		},
	};
});

test('objects lie below the prefix by their hash, also without a prefix', async () => {
	const blobs = await open('');
	const { key } = await blobs.put(Buffer.from('plain'));
	assert.equal(fake.objects.get(`records/${key.slice(0, 2)}/${key.slice(2)}`)?.bytes.toString(), 'plain');
	assert.equal(fake.seen.at(-1), `PUT records/${key.slice(0, 2)}/${key.slice(2)}`);
});

test('a store that fails is unavailable, and says when to try again', async () => {
	const blobs = await open('broken');
	fake.broken = true;
	const unavailable = (error: Problem): boolean =>
		error.code === 'blob-store-unavailable' && error.status === 503 && error.headers['retry-after'] !== undefined;
	await assert.rejects(blobs.put(Buffer.from('x')), unavailable);
	await assert.rejects(blobs.has('a'.repeat(64)), unavailable);
	await assert.rejects(Array.fromAsync(blobs.keys()), unavailable);
	fake.broken = false;
	assert.equal(await blobs.has('a'.repeat(64)), false);
});

const places: readonly (readonly [string, object])[] = [
	['s3://records', { bucket: 'records', prefix: '', region: 'us-east-1', endpoint: undefined }],
	['s3://records/', { bucket: 'records', prefix: '', region: 'us-east-1', endpoint: undefined }],
	['s3://my.bucket-1/a/b/?region=eu-west-3', { bucket: 'my.bucket-1', prefix: 'a/b/', region: 'eu-west-3', endpoint: undefined }],
	[
		's3://b-1/x%20y?endpoint=http://localhost:9000',
		{ bucket: 'b-1', prefix: 'x y/', region: 'us-east-1', endpoint: 'http://localhost:9000' },
	],
];
for (const [text, place] of places) test(`the setting ${text} is understood`, () => assert.deepEqual(readS3Place(text), place));

for (const text of [
	'',
	'disk',
	'https://x',
	's3://',
	's3://UP_per',
	's3://b1x?zone=1',
	's3://b1x?endpoint=ftp://x',
	's3://b1x?endpoint=x',
]) {
	test(`the setting "${text}" is refused`, () => {
		assert.throws(
			() => readS3Place(text),
			(error: Problem) => error.code === 'setting-wrong' && error.text.includes('HERON_BLOB_STORE'),
		);
	});
}
