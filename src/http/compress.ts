// Compresses large answers when the client asks for it. Small ones cost more to compress than to send.
import { promisify } from 'node:util';
import { brotliCompress, constants, createBrotliCompress, createGzip, gzip } from 'node:zlib';
import type { Reply } from './route.ts';

const gzipAsync = promisify(gzip);
const brotliAsync = promisify(brotliCompress);

/** Bodies up to this many bytes are sent as they are. */
export const compressFrom = 4096;

const compressible = /^(text\/|application\/(json|[a-z.+-]*\+json|xml|[a-z.+-]*\+xml|fhir\+ndjson|x-ndjson|javascript))/;
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };
const gzipOptions = { level: 3 };

/** The encoding to use for a client that sent this Accept-Encoding, undefined for none. */
export function chooseEncoding(accept: string | undefined): 'br' | 'gzip' | undefined {
	if (accept === undefined) return undefined;
	let best: 'br' | 'gzip' | undefined;
	let bestQuality = 0;
	for (const part of accept.split(',')) {
		const [name = '', ...params] = part.trim().toLowerCase().split(';');
		const quality = Number(
			params
				.find((param) => param.trim().startsWith('q='))
				?.trim()
				.slice(2) ?? 1,
		);
		const encoding = name === '*' || name === 'gzip' ? 'gzip' : name === 'br' ? 'br' : undefined;
		if (encoding !== undefined && (quality > bestQuality || (quality === bestQuality && quality > 0 && encoding === 'br'))) {
			best = encoding;
			bestQuality = quality;
		}
	}
	return best;
}

/** The same reply, compressed when that pays. */
export async function compressReply(reply: Reply, accept: string | undefined): Promise<Reply> {
	const { body, headers = {} } = reply;
	if (body === undefined || headers['content-encoding'] !== undefined || headers['content-range'] !== undefined) return reply;
	if (!compressible.test(headers['content-type'] ?? '')) return reply;
	if ((typeof body === 'string' || Buffer.isBuffer(body)) && body.length < compressFrom) return reply;
	const encoding = chooseEncoding(accept);
	if (encoding === undefined) return { ...reply, headers: { ...headers, vary: addVary(headers.vary) } };
	const encoded =
		typeof body === 'string' || Buffer.isBuffer(body)
			? await (encoding === 'br' ? brotliAsync(body, brotliOptions) : gzipAsync(body, gzipOptions))
			: body.pipe(encoding === 'br' ? createBrotliCompress(brotliOptions) : createGzip(gzipOptions));
	const { 'content-length': _, ...rest } = headers;
	return { ...reply, headers: { ...rest, 'content-encoding': encoding, vary: addVary(headers.vary) }, body: encoded };
}

function addVary(vary: string | undefined): string {
	return vary === undefined ? 'accept-encoding' : `${vary}, accept-encoding`;
}
