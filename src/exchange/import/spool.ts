// Entries that have to wait for others, on disk, with what they wait for in memory.
import { closeSync, mkdirSync, openSync, readdirSync, readSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Resource } from '#fhir/resource.ts';
import { parseJson } from '#fhir/wire/json.ts';

/** A resource whose links within its text are done; `waits` are the links that lead nowhere yet. */
export type Waiting = {
	readonly place: string;
	/** `Type/id`. */
	readonly key: string;
	readonly waits: readonly string[];
	readonly at: number;
	readonly length: number;
};

export type Spool = {
	add(place: string, resource: Resource, waits: readonly string[]): void;
	/** What waits, oldest first; it is no longer kept afterwards. */
	take(): Waiting[];
	read(waiting: Waiting): Resource;
	readonly size: number;
	close(): void;
};

/** A spool in a file of its own that only this user can read; what imports that were killed left in the folder is removed. */
export function createSpool(folder: string, isAlive: (pid: number) => boolean): Spool {
	mkdirSync(folder, { recursive: true, mode: 0o700 });
	for (const name of readdirSync(folder)) {
		const pid = /^import-(\d+)\.ndjson$/.exec(name)?.[1];
		if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(folder, name), { force: true });
	}
	const path = join(folder, `import-${process.pid}.ndjson`);
	let file: number | undefined;
	let end = 0;
	let list: Waiting[] = [];
	return {
		add(place, resource, waits) {
			file ??= openSync(path, 'w+', 0o600);
			const bytes = Buffer.from(JSON.stringify(resource));
			writeSync(file, bytes, 0, bytes.length, end);
			list.push({ place, key: `${resource.resourceType}/${resource.id}`, waits, at: end, length: bytes.length });
			end += bytes.length;
		},
		take() {
			const taken = list;
			list = [];
			return taken;
		},
		read({ at, length }) {
			const bytes = Buffer.alloc(length);
			readSync(file as number, bytes, 0, length, at);
			return parseJson(bytes) as Resource;
		},
		get size() {
			return list.length;
		},
		close() {
			if (file !== undefined) closeSync(file);
			rmSync(path, { force: true });
		},
	};
}
