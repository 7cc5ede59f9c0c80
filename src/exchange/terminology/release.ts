// A publisher's release as files by name: a single file, a folder, or a zip archive of any size. Nothing is unpacked to disk.
import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import yauzl, { type Entry, type ZipFile } from 'yauzl';
import { Problem } from '#base/problem.ts';

export type ReleaseFile = { readonly name: string; readonly bytes: number; readonly open: () => Promise<Readable> };

export type Release = {
	/** Name of what was given, without folders. */
	readonly name: string;
	readonly files: readonly ReleaseFile[];
	close(): void;
};

/** Throws Problem invalid `file-not-readable` or `file-broken` (a zip archive that is none). */
export async function openRelease(path: string): Promise<Release> {
	if (!existsSync(path)) throw new Problem('invalid', 'file-not-readable', `${path}: there is no such file or folder.`);
	const name = basename(path);
	if (statSync(path).isDirectory()) {
		const files = readdirSync(path, { recursive: true, withFileTypes: true })
			.filter((entry) => entry.isFile())
			.map((entry) => fileAt(join(entry.parentPath, entry.name), path));
		return { name, files, close: () => undefined };
	}
	if (!/\.zip$/i.test(path)) return { name, files: [fileAt(path, join(path, '..'))], close: () => undefined };
	return openZip(path, name);
}

function fileAt(path: string, root: string): ReleaseFile {
	return { name: relative(root, path), bytes: statSync(path).size, open: async () => createReadStream(path) };
}

async function openZip(path: string, name: string): Promise<Release> {
	const zip = await new Promise<ZipFile>((resolve, reject) => {
		yauzl.open(path, { lazyEntries: true, autoClose: false }, (error, opened) =>
			error === null ? resolve(opened) : reject(broken(path, error)),
		);
	});
	const entries = await new Promise<Entry[]>((resolve, reject) => {
		const found: Entry[] = [];
		zip.on('entry', (entry: Entry) => {
			if (!entry.fileName.endsWith('/')) found.push(entry);
			zip.readEntry();
		});
		zip.on('end', () => resolve(found));
		zip.on('error', (error) => reject(broken(path, error)));
		zip.readEntry();
	});
	const files = entries.map(
		(entry): ReleaseFile => ({
			name: entry.fileName,
			bytes: entry.uncompressedSize,
			open: () =>
				new Promise((resolve, reject) => {
					zip.openReadStream(entry, (error, stream) => (error === null ? resolve(stream) : reject(broken(path, error))));
				}),
		}),
	);
	return { name, files, close: () => zip.close() };
}

function broken(path: string, cause: unknown): Problem {
	return new Problem('invalid', 'file-broken', `${path} is not a zip archive, or is broken.`, { cause });
}

/** The text of a file: UTF-8, or UTF-16 where its first bytes say so, as the CDC's files are. */
async function* textOf(file: ReleaseFile): AsyncGenerator<string> {
	let decoder: InstanceType<typeof TextDecoder> | undefined;
	for await (const chunk of (await file.open()) as AsyncIterable<Buffer>) {
		decoder ??= new TextDecoder(chunk[0] === 0xff && chunk[1] === 0xfe ? 'utf-16le' : 'utf-8');
		yield decoder.decode(chunk, { stream: true });
	}
	if (decoder !== undefined) yield decoder.decode();
}

/** The lines of a file, without their ends. */
export async function* linesOf(file: ReleaseFile): AsyncGenerator<string> {
	yield* createInterface({ input: Readable.from(textOf(file)), crlfDelay: Number.POSITIVE_INFINITY });
}

/** The text of a file that is small: UTF-8, else as Windows writes it. */
export async function wholeText(file: ReleaseFile): Promise<string> {
	const chunks: Buffer[] = [];
	for await (const chunk of await file.open()) chunks.push(Buffer.from(chunk));
	const bytes = Buffer.concat(chunks);
	try {
		return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
	} catch {
		return new TextDecoder('windows-1252').decode(bytes);
	}
}

/** The rows of a file of separated fields without quoting, such as RF2 and RRF. */
export async function* fieldsOf(file: ReleaseFile, separator: string): AsyncGenerator<string[]> {
	for await (const line of linesOf(file)) if (line !== '') yield line.split(separator);
}
