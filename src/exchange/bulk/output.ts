// The files of an export: NDJSON, numbered in the job's folder, begun anew when one is large. They are not forced to disk: an export can be
// asked for again, and a file that is not whole after a power failure is known by its size.
import { type FileHandle, mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pace } from './pace.ts';
import { diskFull } from './problems.ts';

/** Lines as bytes, and how many they are. */
export type Piece = { readonly bytes: Buffer; readonly lines: number };

export type OutputFile = { readonly number: number; readonly count: number; readonly bytes: number };

export type Output = {
	/** Writes pieces into as many files as they need; none when there is nothing. */
	write(pieces: AsyncIterable<Piece>): Promise<OutputFile[]>;
	/** Resolves when all that was given to `write` is in its files, of which the last block of each is written while others are begun. */
	settled(): Promise<void>;
	/** Writes a file with a name of its own, which is for later runs and no client's; gives its bytes. */
	note(name: string, pieces: AsyncIterable<Piece>): Promise<number>;
};

/** A file is ended when it has so many bytes. */
const fileBytes = 256 * 1024 * 1024;
/** What is written at once. */
const blockBytes = 1024 * 1024;

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
	let settling: Promise<unknown> = Promise.resolve();
	return {
		async note(name, pieces) {
			const file = await openFile(join(folder, name));
			try {
				for await (const piece of pieces) {
					signal.throwIfAborted();
					await file.add(piece);
					await pace.rest();
				}
				await file.flush();
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
			const end = (): void => {
				if (file === undefined) return;
				files.push({ number: last, count: file.count, bytes: file.size });
				settling = Promise.all([settling, finish(file)]);
				// Told of by `settled`.
				settling.catch(() => undefined);
				file = undefined;
			};
			try {
				for await (const piece of pieces) {
					signal.throwIfAborted();
					if (piece.lines === 0) continue;
					if (file !== undefined && file.size + piece.bytes.length > largest) end();
					file ??= await openFile(join(folder, String(++last)));
					await file.add(piece);
					await pace.rest();
				}
				end();
			} catch (error) {
				throw asProblem(error);
			} finally {
				await file?.close();
			}
			return files;
		},
		async settled() {
			await settling.catch((error) => {
				throw asProblem(error);
			});
		},
	};
}

async function finish(file: Open): Promise<void> {
	try {
		await file.flush();
	} finally {
		await file.close();
	}
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
	flush(): Promise<void>;
	close(): Promise<void>;
};

/** A file that writes a block while the next is gathered. */
async function openFile(path: string): Promise<Open> {
	const handle: FileHandle = await open(path, 'wx', 0o600);
	let held: Buffer[] = [];
	let heldBytes = 0;
	let size = 0;
	let count = 0;
	let writing: Promise<unknown> = Promise.resolve();
	const send = async (): Promise<void> => {
		await writing;
		if (held.length === 0) return;
		writing = handle.writev(held);
		// Told of where it is awaited.
		writing.catch(() => undefined);
		held = [];
		heldBytes = 0;
	};
	return {
		get size() {
			return size;
		},
		get count() {
			return count;
		},
		async add({ bytes, lines }) {
			held.push(bytes);
			heldBytes += bytes.length;
			size += bytes.length;
			count += lines;
			if (heldBytes >= blockBytes) await send();
		},
		async flush() {
			await send();
			await writing;
		},
		close: () => handle.close(),
	};
}
