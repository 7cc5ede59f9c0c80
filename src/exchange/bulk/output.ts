// The files of an export: NDJSON, numbered in the job's folder, begun anew when one is large. They are not forced to disk: an export can be
// asked for again, and a file that is not whole after a power failure is known by its size.
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pace } from './pace.ts';
import { diskFull } from './problems.ts';

/** Lines as bytes, and how many they are. The bytes are good until the next piece is asked for. */
export type Piece = { readonly bytes: Buffer; readonly lines: number };

export type OutputFile = { readonly number: number; readonly count: number; readonly bytes: number };

export type Output = {
	/** Writes pieces into as many files as they need; none when there is nothing. */
	write(pieces: AsyncIterable<Piece>): Promise<OutputFile[]>;
	/** Writes a file with a name of its own, which is for later runs and no client's, until `until` ends it; gives its bytes. */
	note(name: string, pieces: AsyncIterable<Piece>, until: AbortSignal): Promise<number>;
};

/** A file is ended when it has so many bytes. */
const fileBytes = 256 * 1024 * 1024;

/**
 * A folder with the files that are `kept`, and the notes when there are such; all else that an earlier run left in it is removed.
 */
export async function createOutput(
	folder: string,
	pace: Pace,
	signal: AbortSignal,
	{ largest = fileBytes, kept }: { readonly largest?: number | undefined; readonly kept?: readonly OutputFile[] | undefined } = {},
): Promise<Output> {
	await clear(folder, kept);
	let last = Math.max(0, ...(kept ?? []).map(({ number }) => number));
	return {
		async note(name, pieces, until) {
			const file = await openFile(join(folder, name));
			try {
				for await (const piece of pieces) {
					until.throwIfAborted();
					await file.add(piece);
					await pace.rest();
				}
				return file.size;
			} catch (error) {
				throw asProblem(error);
			} finally {
				await file.close();
			}
		},
		async write(pieces) {
			const files: OutputFile[] = [];
			let file: Open | undefined;
			const end = async (): Promise<void> => {
				if (file === undefined) return;
				const ended = file;
				file = undefined;
				files.push({ number: last, count: ended.count, bytes: ended.size });
				await ended.close();
			};
			try {
				for await (const piece of pieces) {
					signal.throwIfAborted();
					if (piece.lines === 0) continue;
					if (file !== undefined && file.size + piece.bytes.length > largest) await end();
					file ??= await openFile(join(folder, String(++last)));
					await file.add(piece);
					await pace.rest();
				}
				await end();
			} catch (error) {
				throw asProblem(error);
			} finally {
				await file?.close();
			}
			return files;
		},
	};
}

async function clear(folder: string, kept: readonly OutputFile[] | undefined): Promise<void> {
	if (kept === undefined) await rm(folder, { recursive: true, force: true });
	await mkdir(folder, { recursive: true, mode: 0o700 });
	const names = new Set(kept?.map(({ number }) => String(number)));
	for (const name of await readdir(folder)) if (/^\d+$/.test(name) && !names.has(name)) await rm(join(folder, name));
}

function asProblem(error: unknown): unknown {
	return (error as { code?: string }).code === 'ENOSPC' ? diskFull(error) : error;
}

type Open = {
	readonly size: number;
	readonly count: number;
	add(piece: Piece): Promise<void>;
	close(): Promise<void>;
};

async function openFile(path: string): Promise<Open> {
	const handle: FileHandle = await open(path, 'wx', 0o600);
	let size = 0;
	let count = 0;
	return {
		get size() {
			return size;
		},
		get count() {
			return count;
		},
		async add({ bytes, lines }) {
			for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten;
			size += bytes.length;
			count += lines;
		},
		close: () => handle.close(),
	};
}
