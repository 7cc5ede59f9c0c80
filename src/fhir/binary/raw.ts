// The content of a Binary by itself: its own media type, parts of it by Range, and nothing in it that a browser would run as ours.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { type Blobs, type ByteRange, blobDamaged } from '#base/blobs.ts';
import { Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Stored } from '#fhir/resource.ts';
import { isFhirMediaType, mediaType } from '#fhir/wire/negotiate.ts';
import type { Reply, Request } from '#http/route.ts';
import { type BlobRef, readBlob, refOf } from './blob-data.ts';

/** Blobs up to this many bytes are read whole, and so checked, before the first byte is sent. */
const checkFirst = 16 * 1024 * 1024;

/**
 * Whether the content is wanted and not the resource: unless `_format` is given, or a media type of FHIR is what Accept likes best.
 * https://hl7.org/fhir/R4/binary.html#rest
 */
export function isRawAnswer(request: Pick<Request, 'query' | 'headers'>): boolean {
	const format = request.query.includes('_format') ? new URLSearchParams(request.query).get('_format') : null;
	if (format !== null && format.trim() !== '') return false;
	let best = '';
	let bestQuality = 0;
	for (const range of ((request.headers.accept as string | undefined) ?? '').split(',')) {
		const quality = Number(mediaType(range).params.q ?? 1);
		if (quality > bestQuality) {
			best = range;
			bestQuality = quality;
		}
	}
	return !isFhirMediaType(best);
}

type Content = { readonly contentType?: unknown; readonly data?: unknown; readonly securityContext?: { readonly reference?: unknown } };

/**
 * The answer to a read that wants the content. `stored` is the body as it is in the row.
 * Throws Problem too-much `range-not-satisfiable` (416), unavailable `blob-missing` or `blob-damaged` (503).
 */
export async function rawBinary(ctx: Pick<FhirCtx, 'fhir'>, stored: Stored, request: Pick<Request, 'headers'>): Promise<Reply> {
	const { contentType, data, securityContext } = JSON.parse(stored.body) as Content;
	const ref = refOf(data);
	const inline = ref === undefined ? Buffer.from(typeof data === 'string' ? data : '', 'base64') : undefined;
	const size = ref?.size ?? inline?.length ?? 0;
	const headers: Record<string, string> = {
		...contentHeaders(typeof contentType === 'string' ? contentType : '', stored.id),
		etag: `W/"${stored.version}"`,
		'last-modified': new Date(stored.updated).toUTCString(),
		'accept-ranges': 'bytes',
		vary: 'accept',
	};
	const context = securityContext?.reference;
	if (typeof context === 'string' && /^[\x21-\x7e]{1,2048}$/.test(context)) headers['x-security-context'] = context;
	const range = rangeOf(request, size);
	if (range !== undefined) headers['content-range'] = `bytes ${range.first}-${range.last}/${size}`;
	headers['content-length'] = String(range === undefined ? size : range.last - range.first + 1);
	const status = range === undefined ? 200 : 206;
	const body = inline === undefined ? await blobBody(ctx.fhir.blobs, ref as BlobRef, range) : cut(inline, range);
	return { status, headers, body };
}

/**
 * A file that is no resource, as the content of a Binary: whole or in part. It may be compressed on the way, so that its type has to say
 * that it is text. Throws Problem too-much `range-not-satisfiable` (416).
 */
export async function fileReply(path: string, contentType: string, request: Pick<Request, 'headers'>): Promise<Reply> {
	const { size, mtime } = await stat(path);
	const headers: Record<string, string> = {
		...contentHeaders(contentType, basename(path)),
		'last-modified': mtime.toUTCString(),
		'accept-ranges': 'bytes',
	};
	const range = rangeOf(request, size);
	if (range !== undefined) headers['content-range'] = `bytes ${range.first}-${range.last}/${size}`;
	headers['content-length'] = String(range === undefined ? size : range.last - range.first + 1);
	const status = range === undefined ? 200 : 206;
	if (size === 0) return { status, headers, body: '' };
	const part = range === undefined ? {} : { start: range.first, end: range.last };
	return { status, headers, body: createReadStream(path, { ...part, highWaterMark: 256 * 1024 }) };
}

function cut(bytes: Buffer, range: ByteRange | undefined): Buffer {
	return range === undefined ? bytes : bytes.subarray(range.first, range.last + 1);
}

async function blobBody(blobs: Blobs, ref: BlobRef, range: ByteRange | undefined): Promise<Buffer | Readable> {
	if (ref.size <= checkFirst) return cut(await readBlob(blobs, ref), range);
	const stream = await blobs.get(ref.key, range);
	return range === undefined ? checked(stream, ref) : stream;
}

/** Passes the bytes on, but the last of them only when all together are the ones that were stored: a damaged blob ends as a broken answer. */
function checked(stream: Readable, { key, size }: BlobRef): Readable {
	const hash = createHash('sha256');
	let held: Buffer | undefined;
	let length = 0;
	const check = new Transform({
		transform(chunk: Buffer, _encoding, done) {
			hash.update(chunk);
			length += chunk.length;
			const before = held;
			held = chunk;
			done(null, before);
		},
		flush(done) {
			if (length === size && hash.digest('hex') === key) done(null, held);
			else done(blobDamaged());
		},
	});
	stream.on('error', (error) => check.destroy(error));
	check.on('close', () => stream.destroy());
	return stream.pipe(check);
}

/** Types that browsers show without running anything in them. */
const harmless = /^(image\/(png|jpeg|gif|webp|bmp|tiff)|audio\/[\w.+-]+|video\/[\w.+-]+|application\/pdf|text\/plain)$/;

/**
 * Headers that keep what was stored from acting as a page of ours: never sniffed (the server says so on every answer), in a sandbox, and
 * to be saved rather than shown unless it is harmless.
 */
function contentHeaders(contentType: string, id: string): Record<string, string> {
	const fine = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(\s*;\s*[\w!#$&^.+-]+=("[^"\\\r\n]*"|[\w!#$&^.+-]+))*$/.test(contentType);
	const sent = fine ? contentType : 'application/octet-stream';
	const how = harmless.test(mediaType(sent).name) ? 'inline' : 'attachment';
	return {
		'content-type': sent,
		'content-disposition': `${how}; filename="Binary-${id}"`,
		'content-security-policy': "default-src 'none'; sandbox",
	};
}

/**
 * The part that is wanted; undefined for all of it. Several ranges, other units and If-Range (our ETags are weak) give all of it, as
 * https://www.rfc-editor.org/rfc/rfc9110#name-range-requests allows. Throws Problem 416 `range-not-satisfiable`.
 */
function rangeOf({ headers }: Pick<Request, 'headers'>, size: number): ByteRange | undefined {
	const found = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(String(headers.range ?? '').trim());
	if (found === null || headers['if-range'] !== undefined) return undefined;
	const [, from = '', to = ''] = found;
	if (from === '' && to === '') return undefined;
	const first = from === '' ? Math.max(0, size - Number(to)) : Number(from);
	const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
	if (from !== '' && to !== '' && Number(to) < Number(from)) return undefined;
	if (first >= size || (from === '' && Number(to) === 0)) {
		throw new Problem('too-much', 'range-not-satisfiable', `The content has ${size} bytes, none of them in this range.`, {
			status: 416,
			headers: { 'content-range': `bytes */${size}` },
		});
	}
	return { first, last };
}
