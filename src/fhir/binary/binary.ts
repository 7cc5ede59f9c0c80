// Binary resources (https://hl7.org/fhir/R4/binary.html), raw and as resources. What the interactions use:
//
//   wrapRaw(fhir, request, id)      a POST or PUT to Binary: whatever the body is, as a Binary resource
//   detachBlob(fhir, resource)      before a write: large data go to the blob store, the body keeps a marker; other types pass untouched
//   restoreBody(fhir, stored)       before a stored body is sent as a resource, also within a Bundle: the data are in their place again
//   restoreAll(fhir, hits)          the same for the entries of a page
//   isRawAnswer(request)            does the client want the content itself?
//   rawBinary(ctx, stored, request) the content with its own type, whole or in part
//   fileReply(path, type, request)  a file that is no resource, as if it were the content of one
//   sweepBlobs(ctx)                 removes blobs that no version refers to (sweep.ts)
import { Problem } from '#base/problem.ts';
import type { Fhir } from '#fhir/ctx.ts';
import type { Resource, Stored } from '#fhir/resource.ts';
import { decode, inlineLimit, markerOf, readBlob, refInBody, withData } from './blob-data.ts';

export { fileReply, isRawAnswer, rawBinary } from './raw.ts';
export { sweepBlobs } from './sweep.ts';
export { wrapRaw } from './wrap.ts';

/**
 * The resource as it is to be written. Resolves when the data are durable; data of a write that then fails are swept later.
 * Throws Problem invalid `data-invalid` (400), `data-too-large` (413), and unavailable when the blob store cannot take them.
 */
export async function detachBlob(fhir: Pick<Fhir, 'blobs'>, resource: Resource): Promise<Resource> {
	const { resourceType, data } = resource;
	if (resourceType !== 'Binary' || typeof data !== 'string') return resource;
	const bytes = decode(data);
	if (bytes.length <= inlineLimit) return resource;
	return { ...resource, data: markerOf(await fhir.blobs.put(bytes)) };
}

/** A stored body as it is to be sent. Throws Problem unavailable `blob-missing` or `blob-damaged` (503). */
export function restoreBody(fhir: Pick<Fhir, 'blobs'>, stored: Pick<Stored, 'type' | 'body'>): string | Promise<string> {
	const { type, body } = stored;
	const ref = type === 'Binary' ? refInBody(body) : undefined;
	if (ref === undefined) return body;
	return readBlob(fhir.blobs, ref).then((bytes) => withData(body, bytes.toString('base64')));
}

/** Bytes of data that one page may hold: it is put together in memory. */
const pageLimit = 128 * 1024 * 1024;

/**
 * The entries of a page as they are to be sent; the same list when none has its data outside.
 * Throws Problem invalid `page-too-large` (400) when the data of all would be too much, and what restoreBody throws.
 */
export async function restoreAll<T extends Pick<Stored, 'type' | 'body'>>(
	fhir: Pick<Fhir, 'blobs'>,
	entries: readonly T[],
): Promise<readonly T[]> {
	const refs = entries.map(({ type, body }) => (type === 'Binary' ? refInBody(body) : undefined));
	const bytes = refs.reduce((sum, ref) => sum + (ref?.size ?? 0), 0);
	if (bytes === 0) return entries;
	if (bytes > pageLimit) {
		const text = `This page would hold ${bytes} bytes of binary content, more than the ${pageLimit} that fit. Ask for fewer entries (_count), for _summary=true, or read them one by one.`;
		throw new Problem('invalid', 'page-too-large', text, {
			issues: [{ severity: 'error', type: 'too-costly', code: 'page-too-large', text }],
		});
	}
	const restored: T[] = [];
	for (const entry of entries) restored.push({ ...entry, body: await restoreBody(fhir, entry) });
	return restored;
}
