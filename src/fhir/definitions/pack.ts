// A pack: many named JSON values in one file, each compressed by itself, so that one is read without the others.
import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';

export type Pack = {
	readonly names: () => string[];
	readonly has: (name: string) => boolean;
	/** The value, parsed anew at each call. */
	readonly read: <T>(name: string) => T | undefined;
};

/** Writes `<path>.bin` and `<path>.index.json`. Small values share a block with their neighbours; the result is the same for the same input. */
export function writePack(path: string, entries: ReadonlyMap<string, unknown>, blockBytes = 65_536): void {
	const blocks: Buffer[] = [];
	const index: Record<string, [block: number, position: number]> = {};
	const offsets: number[] = [0];
	let names: string[] = [];
	let values: unknown[] = [];
	let size = 0;
	const flush = (): void => {
		if (values.length === 0) return;
		const block = brotliCompressSync(JSON.stringify(values), { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
		for (const [position, name] of names.entries()) index[name] = [blocks.length, position];
		blocks.push(block);
		offsets.push((offsets.at(-1) as number) + block.length);
		names = [];
		values = [];
		size = 0;
	};
	for (const [name, value] of entries) {
		const bytes = JSON.stringify(value).length;
		if (size > 0 && size + bytes > blockBytes) flush();
		names.push(name);
		values.push(value);
		size += bytes;
	}
	flush();
	writeFileSync(`${path}.bin`, Buffer.concat(blocks));
	writeFileSync(`${path}.index.json`, `${JSON.stringify({ offsets, index })}\n`);
}

/** Opens what writePack wrote. Keeps the index in memory, and the last few blocks. */
export function openPack(path: string): Pack {
	const { offsets, index } = JSON.parse(readFileSync(`${path}.index.json`, 'utf8')) as {
		offsets: number[];
		index: Record<string, [number, number]>;
	};
	const where = new Map(Object.entries(index));
	const recent = new Map<number, string[]>();
	const block = (number: number): string[] => {
		const kept = recent.get(number);
		if (kept !== undefined) return kept;
		const start = offsets[number] as number;
		const bytes = Buffer.alloc((offsets[number + 1] as number) - start);
		const file = openSync(`${path}.bin`, 'r');
		try {
			readSync(file, bytes, 0, bytes.length, start);
		} finally {
			closeSync(file);
		}
		const texts = (JSON.parse(brotliDecompressSync(bytes).toString('utf8')) as unknown[]).map((value) => JSON.stringify(value));
		if (recent.size >= 4) recent.delete(recent.keys().next().value as number);
		recent.set(number, texts);
		return texts;
	};
	return {
		names: () => [...where.keys()],
		has: (name) => where.has(name),
		read<T>(name: string) {
			const place = where.get(name);
			return place === undefined ? undefined : (JSON.parse(block(place[0])[place[1]] as string) as T);
		},
	};
}
