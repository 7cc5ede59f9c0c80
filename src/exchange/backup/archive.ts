// The file of a backup: a tar archive whose last entries are a manifest and the manifest's hash, so that every byte is accounted for.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { extract, pack } from 'tar-stream';
import { backupBroken } from './problems.ts';

export type Sealed = { readonly name: string; readonly size: number; readonly sha256: string };

export type ArchiveWriter = {
	/** Resolves when there is room for more. */
	add(name: string, bytes: Buffer): Promise<void>;
	/** Adds the manifest, to which the list of all entries is added, and makes the file durable. */
	seal(manifest: object): Promise<void>;
	/** Leaves nothing behind. */
	discard(): Promise<void>;
};

const manifestName = 'manifest.json';
const hashName = 'manifest.sha256';

/** Writes to `path` with `.part` at its end until `publish` gives it its name. */
export function createArchive(path: string): ArchiveWriter & { publish(): Promise<void>; readonly draft: string } {
	const draft = `${path}.part`;
	const archive = pack();
	const file = createWriteStream(draft, { mode: 0o600 });
	const written = finished(archive.pipe(file));
	let failure: unknown;
	written.catch((error) => {
		failure = error;
	});
	const entries: Sealed[] = [];
	const put = (name: string, bytes: Buffer): Promise<void> =>
		Promise.race([
			new Promise<void>((resolve, reject) => {
				archive.entry({ name, size: bytes.length, mode: 0o600, mtime: new Date(0) }, bytes, (error) => (error ? reject(error) : resolve()));
			}).then(async () => {
				if (file.writableNeedDrain) await new Promise<void>((resolve) => file.once('drain', resolve));
			}),
			written.then(() => undefined),
		]);
	return {
		draft,
		async add(name, bytes) {
			if (failure !== undefined) throw failure;
			entries.push({ name, size: bytes.length, sha256: sha256(bytes) });
			await put(name, bytes);
		},
		async seal(manifest) {
			const text = Buffer.from(JSON.stringify({ ...manifest, entries }));
			await put(manifestName, text);
			await put(hashName, Buffer.from(sha256(text)));
			archive.finalize();
			await written;
			const handle = await open(draft, 'r+');
			await handle.sync();
			await handle.close();
		},
		publish: () => rename(draft, path),
		async discard() {
			archive.destroy();
			file.destroy();
			await written.catch(() => undefined);
			await rm(draft, { force: true });
		},
	};
}

/** The entries of an archive in order. `onRead` hears how many bytes were read. Throws Problem invalid `backup-broken`. */
export async function* readArchive(
	path: string,
	onRead: (bytes: number) => void = () => undefined,
): AsyncGenerator<{ name: string; bytes: Buffer }> {
	const unpack = extract();
	const source = createReadStream(path, { highWaterMark: 1024 * 1024 });
	source.on('data', (chunk) => onRead(chunk.length));
	source.on('error', (error) => unpack.destroy(error));
	source.pipe(unpack);
	try {
		for await (const entry of unpack) {
			const chunks: Buffer[] = [];
			for await (const chunk of entry as unknown as Readable) chunks.push(chunk as Buffer);
			yield { name: entry.header.name, bytes: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks) };
		}
	} catch (error) {
		throw backupBroken(`it cannot be read to its end (${(error as Error).message})`);
	} finally {
		source.destroy();
	}
}

/**
 * Reads an archive from end to end and gives its manifest when every entry is there and is what was written. Throws Problem invalid
 * `backup-broken` that says what is not.
 */
export async function verifyArchive<M>(
	path: string,
	onRead?: (bytes: number) => void,
): Promise<M & { readonly entries: readonly Sealed[] }> {
	const found: Sealed[] = [];
	let manifest: Buffer | undefined;
	let hash: string | undefined;
	for await (const { name, bytes } of readArchive(path, onRead)) {
		if (name === manifestName) manifest = bytes;
		else if (name === hashName) hash = bytes.toString();
		else found.push({ name, size: bytes.length, sha256: sha256(bytes) });
	}
	if (manifest === undefined || hash === undefined) throw backupBroken('its end is missing');
	if (sha256(manifest) !== hash) throw backupBroken('its manifest was changed');
	const said = JSON.parse(manifest.toString()) as M & { readonly entries: readonly Sealed[] };
	for (const [index, { name, size, sha256: expected }] of said.entries.entries()) {
		const there = found[index];
		if (there?.name !== name) throw backupBroken(`${name} is missing`);
		if (there.size !== size || there.sha256 !== expected) throw backupBroken(`${name} was changed`);
	}
	if (found.length !== said.entries.length) throw backupBroken('it holds more than its manifest names');
	return said;
}

function sha256(bytes: Buffer): string {
	return createHash('sha256').update(bytes).digest('hex');
}
