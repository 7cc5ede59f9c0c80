// Blobs in a bucket of Amazon S3 or of a store that speaks its protocol (https://docs.aws.amazon.com/AmazonS3/latest/API/). The client is
// loaded when the first store is opened, so that installations without one do not pay for it.
import type { Readable } from 'node:stream';
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import { type Blobs, blobKey, blobMissing, blobStoreUnavailable, isBlobKey } from '#base/blobs.ts';
import { Problem } from '#base/problem.ts';

/** What HERON_BLOB_STORE says: `s3://bucket/prefix?region=eu-central-1&endpoint=https://minio.example:9000`. */
export type S3Place = {
	readonly bucket: string;
	/** Empty, or ends with a slash. */
	readonly prefix: string;
	readonly region: string;
	/** A store other than Amazon's; it is then asked by path (`endpoint/bucket/key`). */
	readonly endpoint: string | undefined;
};

/** Reads the setting. Throws Problem invalid `setting-wrong`. */
export function readS3Place(text: string): S3Place {
	const wrong = (why: string): Problem =>
		new Problem('invalid', 'setting-wrong', `HERON_BLOB_STORE: ${why}; it may be s3://bucket/prefix?region=…&endpoint=…`);
	if (!URL.canParse(text) || new URL(text).protocol !== 's3:') throw wrong('it is not an s3:// address');
	const { hostname, pathname, searchParams } = new URL(text);
	if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(hostname)) throw wrong(`"${hostname}" is not the name of a bucket`);
	const unknown = [...searchParams.keys()].filter((name) => name !== 'region' && name !== 'endpoint');
	if (unknown.length > 0) throw wrong(`it does not take ${unknown.join(', ')}`);
	const endpoint = searchParams.get('endpoint') ?? undefined;
	if (endpoint !== undefined && !(URL.canParse(endpoint) && /^https?:$/.test(new URL(endpoint).protocol)))
		throw wrong('its endpoint is not an http(s) address');
	const prefix = decodeURIComponent(pathname).replace(/^\/+|\/+$/g, '');
	return { bucket: hostname, prefix: prefix === '' ? '' : `${prefix}/`, region: searchParams.get('region') ?? 'us-east-1', endpoint };
}

/**
 * Opens the store. Credentials come from where the AWS client looks for them (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, the
 * machine's role) unless `overrides` has some.
 */
export async function createS3Blobs(place: S3Place, overrides: Pick<S3ClientConfig, 'credentials' | 'maxAttempts'> = {}): Promise<Blobs> {
	const sdk = await import('@aws-sdk/client-s3');
	const client = new sdk.S3Client({
		region: place.region,
		// Other stores do not all know the newer checksums; ours is the key.
		requestChecksumCalculation: 'WHEN_REQUIRED',
		responseChecksumValidation: 'WHEN_REQUIRED',
		...(place.endpoint === undefined ? {} : { endpoint: place.endpoint, forcePathStyle: true }),
		...overrides,
	});
	return blobsOver(client, sdk, place);
}

type Sdk = typeof import('@aws-sdk/client-s3');

function blobsOver(client: S3Client, sdk: Sdk, { bucket, prefix }: S3Place): Blobs {
	const named = (key: string): { Bucket: string; Key: string } => {
		if (!isBlobKey(key)) throw blobMissing();
		return { Bucket: bucket, Key: `${prefix}${key.slice(0, 2)}/${key.slice(2)}` };
	};
	const factsOf = async (key: string): Promise<{ size: number; modifiedMs: number } | undefined> => {
		const head = await absent(client.send(new sdk.HeadObjectCommand(named(key))));
		return head === undefined ? undefined : { size: head.ContentLength ?? 0, modifiedMs: head.LastModified?.getTime() ?? 0 };
	};
	return {
		// Put again even when it is there: that makes it new, and S3 has no cheaper way to.
		put: (bytes) =>
			translated(async () => {
				const key = blobKey(bytes);
				const size = bytes.length;
				await client.send(
					new sdk.PutObjectCommand({ ...named(key), Body: bytes, ContentLength: size, ContentType: 'application/octet-stream' }),
				);
				return { key, size };
			}),
		get: (key, range) =>
			translated(async () => {
				const wanted = range === undefined ? {} : { Range: `bytes=${range.first}-${range.last}` };
				const object = await absent(client.send(new sdk.GetObjectCommand({ ...named(key), ...wanted })));
				if (object?.Body === undefined) throw blobMissing();
				return object.Body as Readable;
			}),
		has: async (key) => (await translated(() => factsOf(key))) !== undefined,
		facts: (key) => translated(() => factsOf(key)),
		async *keys() {
			let more: string | undefined;
			do {
				const after = more === undefined ? {} : { ContinuationToken: more };
				const page = await translated(() => client.send(new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ...after })));
				for (const { Key = '' } of page.Contents ?? []) {
					const key = Key.slice(prefix.length).replace('/', '');
					if (isBlobKey(key)) yield key;
				}
				more = page.IsTruncated === true ? page.NextContinuationToken : undefined;
			} while (more !== undefined);
		},
		remove: (key, putBeforeMs) =>
			translated(async () => {
				if (((await factsOf(key))?.modifiedMs ?? Number.POSITIVE_INFINITY) >= putBeforeMs) return false;
				await client.send(new sdk.DeleteObjectCommand(named(key)));
				return true;
			}),
		// An interrupted put leaves nothing in S3.
		tidy: async () => undefined,
		async close() {
			client.destroy();
		},
	};
}

/** The result, or undefined when the store says that there is no such object. */
async function absent<T>(work: Promise<T>): Promise<T | undefined> {
	try {
		return await work;
	} catch (error) {
		const { name } = error as Error;
		if (name === 'NoSuchKey' || name === 'NotFound') return undefined;
		throw error;
	}
}

async function translated<T>(work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		throw error instanceof Problem ? error : blobStoreUnavailable(error);
	}
}
