// Large data of a Binary live outside the row: the stored body names the blob where the base64 text would be. A ":" is no character of
// base64, so a marker can be taken neither for data nor be sent by a client.
import type { Readable } from 'node:stream';
import { type Blobs, blobDamaged, blobKey, blobStoreUnavailable } from '#base/blobs.ts';
import { Problem } from '#base/problem.ts';

/** Data of more bytes than this live outside the row. */
export const inlineLimit = 64 * 1024;

/** Data of more bytes than this would not fit a JSON text. */
export const dataLimit = 256 * 1024 * 1024;

export type BlobRef = { readonly key: string; readonly size: number };

const marker = /^blob:([0-9a-f]{64}):(\d{1,12})$/;
const markerInBody = /"data":"blob:([0-9a-f]{64}):(\d{1,12})"/;

/** The marker of a blob. */
export function markerOf({ key, size }: BlobRef): string {
	return `blob:${key}:${size}`;
}

/** The blob that a `data` element names; undefined for data that stand there themselves. */
export function refOf(data: unknown): BlobRef | undefined {
	const found = typeof data === 'string' ? marker.exec(data) : null;
	return found === null ? undefined : { key: found[1] as string, size: Number(found[2]) };
}

/** The blob that a stored body names. Quotation marks within JSON strings are escaped, so no text inside can look like it. */
export function refInBody(body: string): BlobRef | undefined {
	const found = markerInBody.exec(body);
	return found === null ? undefined : { key: found[1] as string, size: Number(found[2]) };
}

/** A stored body with the data in their place again. */
export function withData(body: string, base64: string): string {
	return body.replace(markerInBody, () => `"data":"${base64}"`);
}

/**
 * The bytes of base64 text, blanks aside (https://hl7.org/fhir/R4/datatypes.html#base64Binary).
 * Throws Problem invalid `data-invalid` (400) for anything else, `data-too-large` (413) beyond the limit.
 */
export function decode(data: string): Buffer {
	const text = /\s/.test(data) ? data.replace(/\s+/g, '') : data;
	if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
		const why = 'Binary.data is not base64.';
		throw new Problem('invalid', 'data-invalid', why, {
			issues: [{ severity: 'error', type: 'value', code: 'data-invalid', text: why, path: 'Binary.data' }],
		});
	}
	if (text.length > (dataLimit / 3) * 4) throw tooLarge();
	return Buffer.from(text, 'base64');
}

/** 413: more than one Binary can hold. */
export function tooLarge(): Problem {
	return new Problem('too-much', 'data-too-large', `A Binary holds at most ${dataLimit} bytes.`, { path: 'Binary.data' });
}

/** All bytes of a blob, checked against its key. Throws Problem unavailable `blob-missing`, `blob-damaged` or `blob-store-unavailable`. */
export async function readBlob(blobs: Blobs, { key, size }: BlobRef): Promise<Buffer> {
	const stream = await blobs.get(key);
	const bytes = await collect(stream, size).catch((error: unknown) => {
		throw blobStoreUnavailable(error);
	});
	if (bytes === undefined || blobKey(bytes) !== key) throw blobDamaged();
	return bytes;
}

/** Undefined when it is not exactly as long as it should be. */
async function collect(stream: Readable, size: number): Promise<Buffer | undefined> {
	const chunks: Buffer[] = [];
	let length = 0;
	for await (const chunk of stream) {
		length += (chunk as Buffer).length;
		if (length > size) return undefined;
		chunks.push(chunk as Buffer);
	}
	return length === size ? Buffer.concat(chunks, size) : undefined;
}
