// Reads a request's body: within a limit, decompressed, and never more in memory than the limit allows.
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { Problem } from '#base/problem.ts';

/**
 * The whole body as sent, after its content encoding (gzip, deflate, br) is undone.
 * Throws Problem too-much (413) beyond `limit` bytes, before or after decompression, unsupported (415) for another
 * encoding, invalid (400) for a broken one or a connection that ends before the body does.
 */
export async function readBody(message: IncomingMessage, limit: number): Promise<Buffer> {
	const declared = Number(message.headers['content-length'] ?? 0);
	if (declared > limit) throw tooLarge(limit);
	const encoding = (message.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
	if (encoding === 'identity' || encoding === '') return collect(message, limit).catch(refuse);
	const decoder = decoders.get(encoding);
	if (decoder === undefined) {
		throw new Problem(
			'invalid',
			'content-encoding-unsupported',
			`The content encoding "${encoding}" is not supported; use gzip, deflate or br.`,
			{ status: 415 },
		);
	}
	const decoded = decoder();
	message.on('error', (error) => decoded.destroy(error));
	message.pipe(decoded);
	try {
		return await collect(decoded, limit);
	} catch (error) {
		message.unpipe(decoded);
		if (error instanceof Problem) throw error;
		throw new Problem('invalid', 'content-encoding-broken', `The body is not valid ${encoding}.`, { cause: error });
	}
}

const decoders: ReadonlyMap<string, () => Readable & NodeJS.WritableStream> = new Map([
	['gzip', () => createGunzip()],
	['x-gzip', () => createGunzip()],
	['deflate', () => createInflate()],
	['br', () => createBrotliDecompress()],
]);

function collect(stream: Readable, limit: number): Promise<Buffer> {
	return new Promise((resolve, reject) => {
		const chunks: Buffer[] = [];
		let size = 0;
		stream.on('data', (chunk: Buffer) => {
			size += chunk.length;
			if (size > limit) {
				stream.removeAllListeners('data');
				stream.resume();
				reject(tooLarge(limit));
			} else chunks.push(chunk);
		});
		stream.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size)));
		stream.on('error', reject);
		stream.on('close', () => {
			if (!stream.readableEnded) reject(incomplete());
		});
	});
}

/** What goes wrong while a body comes in is the connection's end, not a failure of the server. */
function refuse(error: unknown): never {
	throw error instanceof Problem ? error : incomplete(error);
}

function incomplete(cause?: unknown): Problem {
	return new Problem('invalid', 'body-incomplete', 'The connection ended before the body was complete.', { cause });
}

function tooLarge(limit: number): Problem {
	return new Problem('too-much', 'body-too-large', `The body is larger than the ${limit} bytes that are allowed here.`, {
		headers: { connection: 'close' },
	});
}
