// Blobs as files below one folder: ab/cdef…, where the first two characters of the key name the subfolder. Files are written under another
// name and renamed, so that a key either has all its bytes or is not there.
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type BlobFacts, type Blobs, blobKey, blobMissing, blobStoreUnavailable, isBlobKey } from '#base/blobs.ts';
import { type Clock, systemClock } from '#base/clock.ts';
import { createIds } from '#base/ids.ts';
import { Problem } from '#base/problem.ts';

/** Opens the store; the folder is made when the first blob is put. Several processes may share it. */
export function createDiskBlobs(folder: string, clock: Clock = systemClock): Blobs {
	const ids = createIds();
	const unfinished = join(folder, 'unfinished');
	const pathOf = (key: string): string => {
		if (!isBlobKey(key)) throw blobMissing();
		return join(folder, key.slice(0, 2), key.slice(2));
	};
	const factsOf = async (key: string): Promise<BlobFacts | undefined> => {
		const found = await absent(stat(pathOf(key)));
		return found === undefined ? undefined : { size: found.size, modifiedMs: found.mtimeMs };
	};
	return {
		put: (bytes) =>
			translated(async () => {
				const key = blobKey(bytes);
				const path = pathOf(key);
				const size = bytes.length;
				if (!(await touch(path, size, clock.now()))) {
					await makeFolder(unfinished);
					await makeFolder(dirname(path));
					const temporary = join(unfinished, ids.next());
					await writeDurably(temporary, bytes);
					await rename(temporary, path);
				}
				await syncFolder(dirname(path));
				return { key, size };
			}),
		get: (key, range) =>
			translated(async () => {
				const file = await absent(open(pathOf(key)));
				if (file === undefined) throw blobMissing();
				return file.createReadStream(range === undefined ? {} : { start: range.first, end: range.last });
			}),
		has: async (key) => (await translated(() => factsOf(key))) !== undefined,
		facts: (key) => translated(() => factsOf(key)),
		async *keys() {
			for (const start of await translated(() => listed(folder))) {
				if (!/^[0-9a-f]{2}$/.test(start)) continue;
				for (const rest of await translated(() => listed(join(folder, start)))) if (isBlobKey(start + rest)) yield start + rest;
			}
		},
		remove: (key, putBeforeMs) =>
			translated(async () => {
				const path = pathOf(key);
				if (((await factsOf(key))?.modifiedMs ?? Number.POSITIVE_INFINITY) >= putBeforeMs) return false;
				// A put in this moment finds either the file, and makes it new, or none, and writes it: so look again once it is out of reach.
				await makeFolder(unfinished);
				const aside = join(unfinished, ids.next());
				if ((await absent(rename(path, aside).then(() => true))) === undefined) return false;
				if ((await stat(aside)).mtimeMs >= putBeforeMs) {
					await rename(aside, path);
					await syncFolder(dirname(path));
					return false;
				}
				await rm(aside);
				return true;
			}),
		tidy: (beforeMs) =>
			translated(async () => {
				for (const name of await listed(unfinished)) {
					const path = join(unfinished, name);
					const found = await absent(stat(path));
					if (found !== undefined && found.mtimeMs < beforeMs) await rm(path, { force: true });
				}
			}),
		close: async () => undefined,
	};
}

/** Makes a file new when it is there with the right size. */
async function touch(path: string, size: number, now: Date): Promise<boolean> {
	const found = await absent(stat(path));
	if (found?.size !== size) return false;
	return (await absent(utimes(path, now, now).then(() => true))) === true;
}

async function writeDurably(path: string, bytes: Buffer): Promise<void> {
	const file = await open(path, 'wx', 0o600);
	try {
		await file.writeFile(bytes);
		await file.sync();
	} catch (error) {
		await rm(path, { force: true });
		throw error;
	} finally {
		await file.close();
	}
}

async function makeFolder(path: string): Promise<void> {
	const first = await mkdir(path, { recursive: true, mode: 0o700 });
	if (first !== undefined) await syncFolder(dirname(first));
}

/** Makes the names in a folder durable. Windows keeps them with the files and cannot open folders. */
async function syncFolder(path: string): Promise<void> {
	if (process.platform === 'win32') return;
	const folder = await open(path);
	try {
		await folder.sync();
	} finally {
		await folder.close();
	}
}

async function listed(path: string): Promise<string[]> {
	return (await absent(readdir(path))) ?? [];
}

/** The result, or undefined when the file or folder is not there. */
async function absent<T>(work: Promise<T>): Promise<T | undefined> {
	try {
		return await work;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
		throw error;
	}
}

async function translated<T>(work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (error) {
		if (error instanceof Problem) throw error;
		const { code } = error as NodeJS.ErrnoException;
		if (code === 'ENOSPC' || code === 'EDQUOT')
			throw new Problem('unavailable', 'disk-full', 'The disk of the store of large binaries is full.', { status: 507, cause: error });
		throw blobStoreUnavailable(error);
	}
}
