// A store for large pieces of content, addressed by what they are: the key is the SHA-256 of the bytes. Implemented on disk and on S3.
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Problem } from './problem.ts';

/** The first and the last byte wanted, both included. */
export type ByteRange = { readonly first: number; readonly last: number };

export type BlobFacts = { readonly size: number; readonly modifiedMs: number };

export type Blobs = {
	/**
	 * Stores content; durable when it resolves. What is there already is kept and counts as new for `remove`.
	 * Throws Problem unavailable `blob-store-unavailable` (503) or `disk-full` (507).
	 */
	put(bytes: Buffer): Promise<{ key: string; size: number }>;
	/** The bytes, or a part of them. Throws Problem unavailable `blob-missing` (503) when there are none. The reader checks the hash. */
	get(key: string, range?: ByteRange): Promise<Readable>;
	has(key: string): Promise<boolean>;
	/** Undefined when it is not there. */
	facts(key: string): Promise<BlobFacts | undefined>;
	/** All keys, in no order. */
	keys(): AsyncIterable<string>;
	/** Removes what was last put before a moment; false when it is not there or was put since. */
	remove(key: string, putBeforeMs: number): Promise<boolean>;
	/** Removes what interrupted puts left behind before a moment. */
	tidy(beforeMs: number): Promise<void>;
	close(): Promise<void>;
};

/** The key of content. */
export function blobKey(bytes: Buffer): string {
	return createHash('sha256').update(bytes).digest('hex');
}

/** Whether a text is a key; what is none must never become a path. */
export function isBlobKey(text: string): boolean {
	return /^[0-9a-f]{64}$/.test(text);
}

/** The content of a blob is not where it should be. */
export function blobMissing(cause?: unknown): Problem {
	const text = 'The content of this resource is not in the store of large binaries at the moment.';
	return new Problem('unavailable', 'blob-missing', text, {
		cause,
		issues: [{ severity: 'error', type: 'incomplete', code: 'blob-missing', text }],
	});
}

/** The content of a blob is not what was stored. */
export function blobDamaged(): Problem {
	const text = 'The content of this resource was damaged in the store of large binaries.';
	return new Problem('unavailable', 'blob-damaged', text, {
		issues: [{ severity: 'error', type: 'incomplete', code: 'blob-damaged', text }],
	});
}

/** The store does not work at the moment. */
export function blobStoreUnavailable(cause: unknown): Problem {
	return new Problem('unavailable', 'blob-store-unavailable', 'The store of large binaries cannot be reached at the moment.', {
		cause,
		headers: { 'retry-after': '5' },
	});
}
