// From paths to JSON texts: folders are walked, gzip and tar undone on the way, nothing is held but the text at hand.
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { Problem } from '#base/problem.ts';
import { fileBroken, fileKindUnknown, nothingToRead, notReadable, textTooLarge } from '#exchange/problems.ts';

export type File = { readonly path: string; readonly size: number };

/** One JSON text: a whole file, or a line of one that has a resource a line. */
export type Text = {
	/** The file, for messages; within an archive `archive.tar.gz:inside.json`. */
	readonly file: string;
	/** Line number from 1, for files with a resource a line. */
	readonly line: number | undefined;
	readonly bytes: Buffer;
};

/** What went wrong with a file; the others go on. */
export type Broken = { readonly file: string; readonly problem: Problem };

export type Kind = 'json' | 'lines' | 'tar';

/** The largest JSON text that is read in one piece. */
const largest = 400 * 1024 * 1024;

/** What a file's name says about it. A quote at its end, which some tools leave in the names they put into archives, is passed over. */
export function kindOf(name: string): { readonly kind: Kind; readonly gzip: boolean } | undefined {
	const match = /\.(?:(json|ndjson|jsonl|tar)(\.gz)?|(tgz))["']?$/i.exec(name);
	if (match === null) return undefined;
	const word = (match[1] ?? 'tar').toLowerCase();
	return { kind: word === 'json' ? 'json' : word === 'tar' ? 'tar' : 'lines', gzip: match[2] !== undefined || match[3] !== undefined };
}

/**
 * The files to read, those first that others are likely to refer to. Throws Problem invalid for a path that is not there, a named file
 * of another kind, and when nothing is left.
 */
export async function filesOf(paths: readonly string[]): Promise<File[]> {
	const found = new Map<string, File>();
	for (const path of paths) {
		const there = await stat(path).catch((error) => {
			throw notReadable(path, error.code);
		});
		if (!there.isDirectory()) {
			if (kindOf(path) === undefined) throw fileKindUnknown(path);
			found.set(path, { path, size: there.size });
			continue;
		}
		for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
			const inside = join(entry.parentPath, entry.name);
			// Of an export's folder only the present resources: former versions are not to come back as present ones.
			const isWanted = entry.isFile() && kindOf(entry.name) !== undefined && !/^manifest\.json$|\.history\.ndjson(\.gz)?$/.test(entry.name);
			if (isWanted) found.set(inside, { path: inside, size: (await stat(inside)).size });
		}
	}
	if (found.size === 0) throw nothingToRead();
	return [...found.values()].sort((a, b) => rank(a.path) - rank(b.path) || (a.path < b.path ? -1 : 1));
}

/** Files named for what everything refers to come first. It saves a second look; nothing hangs on it. */
const firstNames = [
	/organi[sz]ation|hospital/i,
	/location/i,
	/practitioner(?!role)/i,
	/practitionerrole/i,
	/^patient\.|medication\./i,
	/encounter/i,
];

function rank(path: string): number {
	const at = firstNames.findIndex((name) => name.test(basename(path)));
	return at === -1 ? firstNames.length : at;
}

/** The texts of a file in order. `onRead` hears how many bytes of the file itself were read. Never throws for what the file holds. */
export async function* textsOf(file: File, onRead: (bytes: number) => void): AsyncGenerator<Text | Broken> {
	const counter = new Transform({
		transform(chunk: Buffer, _encoding, done) {
			onRead(chunk.length);
			done(null, chunk);
		},
	});
	const source = createReadStream(file.path, { highWaterMark: 256 * 1024 });
	source.on('error', (error) => counter.destroy(error));
	try {
		yield* textsIn(file.path, source.pipe(counter));
	} finally {
		source.destroy();
	}
}

async function* textsIn(name: string, stream: Readable): AsyncGenerator<Text | Broken> {
	const { kind, gzip } = kindOf(name) as { kind: Kind; gzip: boolean };
	try {
		const plain = gzip ? unzip(stream) : stream;
		if (kind === 'tar') yield* textsInArchive(name, plain);
		else if (kind === 'lines') yield* lines(name, plain);
		else yield* whole(name, plain);
	} catch (error) {
		yield { file: name, problem: error instanceof Problem ? error : fileBroken(error) };
	}
}

function unzip(stream: Readable): Readable {
	const gunzip = createGunzip({ chunkSize: 256 * 1024 });
	stream.on('error', (error) => gunzip.destroy(error));
	return stream.pipe(gunzip);
}

async function* textsInArchive(name: string, stream: Readable): AsyncGenerator<Text | Broken> {
	const unpack = extract();
	stream.on('error', (error) => unpack.destroy(error));
	stream.pipe(unpack);
	for await (const entry of unpack) {
		const { header } = entry;
		const kind = kindOf(header.name)?.kind;
		// Archives of a Mac carry a shadow "._name" of every file.
		const isWanted = header.type === 'file' && kind !== undefined && kind !== 'tar' && !basename(header.name).startsWith('._');
		if (isWanted) yield* textsIn(`${name}:${header.name}`, entry as unknown as Readable);
		entry.resume();
	}
}

/** The lines that are not blank. A line that is too long is reported once and passed over. */
async function* lines(file: string, stream: Readable): AsyncGenerator<Text | Broken> {
	let held: Buffer[] = [];
	let size = 0;
	let line = 1;
	let isTooLong = false;
	const take = (last: Buffer): Text | Broken | undefined => {
		const bytes = held.length === 0 ? last : Buffer.concat([...held, last]);
		const text: Text | Broken = isTooLong ? { file, problem: textTooLarge() } : { file, line, bytes };
		held = [];
		size = 0;
		line++;
		isTooLong = false;
		return 'bytes' in text && isBlank(text.bytes) ? undefined : text;
	};
	for await (const chunk of stream as AsyncIterable<Buffer>) {
		let from = 0;
		for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
			const text = take(chunk.subarray(from, end));
			from = end + 1;
			if (text !== undefined) yield text;
		}
		size += chunk.length - from;
		if (size > largest) {
			isTooLong = true;
			held = [];
		}
		if (!isTooLong && from < chunk.length) held.push(chunk.subarray(from));
	}
	const text = take(Buffer.alloc(0));
	if (text !== undefined) yield text;
}

function isBlank(bytes: Buffer): boolean {
	return bytes.length === 0 || (bytes.length < 100 && bytes.toString('latin1').trim() === '');
}

/** The whole text; a file that calls itself .json but has a resource a line is taken line by line. */
async function* whole(file: string, stream: Readable): AsyncGenerator<Text | Broken> {
	const chunks: Buffer[] = [];
	let size = 0;
	for await (const chunk of stream as AsyncIterable<Buffer>) {
		size += chunk.length;
		if (size > largest) throw textTooLarge();
		chunks.push(chunk);
	}
	const bytes = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
	if (isSeveral(bytes)) yield* lines(file, Readable.from([bytes]));
	else yield { file, line: undefined, bytes };
}

/** Whether the first line is an object by itself and more follows. */
function isSeveral(bytes: Buffer): boolean {
	const end = bytes.indexOf(10);
	if (end === -1 || end > 10_000_000 || bytes.subarray(0, end).lastIndexOf(125) === -1) return false;
	const first = bytes.toString('utf8', 0, end).trim();
	if (!first.startsWith('{') || !first.endsWith('}') || isBlank(bytes.subarray(end, end + 99))) return false;
	try {
		JSON.parse(first);
		return true;
	} catch {
		return false;
	}
}
