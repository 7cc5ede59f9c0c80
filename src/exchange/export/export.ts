// An export: one NDJSON file per type, from one snapshot, counted again when it is written.
// https://hl7.org/fhir/uv/bulkdata/STU2/export.html#response---output-file-request
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGunzip } from 'node:zlib';
import { Problem } from '#base/problem.ts';
import { createLineCopier } from '#db/copy-out.ts';
import type { Tx } from '#db/database.ts';
import { raw, sql } from '#db/sql.ts';
import { folderNotEmpty } from '#exchange/problems.ts';
import { restoreBody } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { requireType } from '#fhir/interactions/prepare.ts';
import type { Stored } from '#fhir/resource.ts';
import { table } from '#fhir/search/params/row.ts';
import type { HistoryKey } from '#fhir/store/store.ts';
import { createPacker } from './pack.ts';

export type ExportOptions = {
	/** Made when it is not there; must be empty. */
	readonly folder: string;
	/** All that are in use unless given. */
	readonly types?: readonly string[];
	/** Every version of every resource beside the present ones. */
	readonly history?: boolean;
	readonly signal: AbortSignal;
	readonly onProgress?: (lines: number) => void;
};

export type ExportedFile = { readonly type: string; readonly url: string; readonly count: number };

export type Exported = { readonly transactionTime: string; readonly output: readonly ExportedFile[] };

/**
 * Writes the present version of every resource into `Type.ndjson.gz`, with `history` also all versions as entries of a history Bundle into
 * `Type.history.ndjson.gz`, and `manifest.json`. Throws Problem conflict `folder-not-empty`, not-found `type-unknown`, and fault
 * `counts-differ` when a file does not hold what the database has.
 */
export async function exportAll(ctx: FhirCtx, options: ExportOptions): Promise<Exported> {
	const { folder, types, signal } = options;
	for (const type of types ?? []) requireType(ctx, type);
	await mkdir(folder, { recursive: true, mode: 0o700 });
	if ((await readdir(folder)).length > 0) throw folderNotEmpty(folder);
	const transactionTime = ctx.clock.now().toISOString();
	const files = createFiles(folder);
	try {
		await ctx.db.tx(
			async (tx) => {
				for (const type of types ?? (await usedTypes(tx))) {
					if (signal.aborted) break;
					await exportType(ctx, tx, type, options, files);
				}
			},
			{ readOnly: true, isolation: 'repeatable read' },
		);
	} finally {
		await files.settled();
	}
	const output = await files.found();
	const manifest = { transactionTime, request: `${ctx.fhir.base}/$export`, requiresAccessToken: false, output, error: [] };
	if (!signal.aborted) await writeFile(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, '\t')}\n`, { mode: 0o600 });
	return { transactionTime, output };
}

async function usedTypes(tx: Tx): Promise<string[]> {
	return (await tx.rows(raw('SELECT type FROM fhir.used_type ORDER BY type'))).map(([type]) => type as string);
}

async function exportType(
	ctx: FhirCtx,
	tx: Tx,
	type: string,
	{ history, onProgress = () => undefined }: ExportOptions,
	files: Files,
): Promise<void> {
	const there = await countOf(tx, type, 'current');
	if (there > 0) {
		const lines = type === 'Binary' ? binaries(ctx, tx, onProgress) : currents(ctx, tx, type, onProgress);
		await files.write({ type, url: `${type}.ndjson.gz`, count: there }, lines);
	}
	const versions = history === true ? await countOf(tx, type, 'all') : 0;
	if (versions > 0) await files.write({ type, url: `${type}.history.ndjson.gz`, count: versions }, versionLines(ctx, tx, type, onProgress));
}

async function countOf(tx: Tx, type: string, which: 'current' | 'all'): Promise<number> {
	const [row] = await tx.rows(
		which === 'current'
			? sql`SELECT count(*) FROM ${table(type)} WHERE op <> 'D'`
			: sql`SELECT (SELECT count(*) FROM ${table(type)}) + (SELECT count(*) FROM ${raw(`fhir."${type.toLowerCase()}_history"`)})`,
	);
	return Number(row?.[0]);
}

async function* currents(ctx: FhirCtx, tx: Tx, type: string, onProgress: (lines: number) => void): AsyncGenerator<Buffer> {
	const { text } = sql`SELECT body FROM ${table(type)} WHERE op <> 'D' ORDER BY rid`.compile();
	for await (const { bytes, lines } of createLineCopier(ctx.db, tx.client).lines(text)) {
		yield bytes;
		onProgress(lines);
	}
}

/** Binaries with their large data put back. */
async function* binaries(ctx: FhirCtx, tx: Tx, onProgress: (lines: number) => void): AsyncGenerator<Buffer> {
	for (let after = 0; ; ) {
		const rows = await tx.rows(sql`SELECT rid, body FROM ${table('Binary')} WHERE op <> 'D' AND rid > ${after} ORDER BY rid LIMIT 20`);
		if (rows.length === 0) return;
		for (const [rid, body] of rows) {
			yield Buffer.from(`${await restoreBody(ctx.fhir, { type: 'Binary', body: body as string })}\n`);
			after = Number(rid);
		}
		onProgress(rows.length);
	}
}

async function* versionLines(ctx: FhirCtx, tx: Tx, type: string, onProgress: (lines: number) => void): AsyncGenerator<Buffer> {
	const within = { ...ctx, db: { ...ctx.db, query: tx.query, rows: tx.rows, execute: tx.execute } };
	let after: HistoryKey | undefined;
	do {
		const page = await ctx.fhir.store.history(within, { type, count: 500, ...(after === undefined ? {} : { after }) });
		for (const stored of page.entries) yield Buffer.from(`${await entryText(ctx, stored)}\n`);
		onProgress(page.entries.length);
		after = page.next;
	} while (after !== undefined);
}

/** An entry of a Bundle of type history, https://hl7.org/fhir/R4/http.html#history */
async function entryText(ctx: FhirCtx, stored: Stored): Promise<string> {
	const { type, id, version, updated, op } = stored;
	const request = { method: op === 'D' ? 'DELETE' : op === 'C' ? 'POST' : 'PUT', url: op === 'C' ? type : `${type}/${id}` };
	const status = op === 'D' ? '204' : op === 'C' ? '201' : '200';
	const response = { status, etag: `W/"${version}"`, lastModified: new Date(updated).toISOString() };
	const resource = op === 'D' ? '' : `"resource":${await restoreBody(ctx.fhir, stored)},`;
	return `{"fullUrl":${JSON.stringify(`${ctx.fhir.base}/${type}/${id}`)},${resource}"request":${JSON.stringify(request)},"response":${JSON.stringify(response)}}`;
}

type Files = {
	/** Writes a file whole or not at all; `count` is what it has to hold. It is read again while the next is written. */
	write(file: ExportedFile, lines: AsyncIterable<Buffer>): Promise<void>;
	/** Resolves when nothing is under way any more. */
	settled(): Promise<void>;
	/** The files, all of which were found whole. Throws Problem fault `counts-differ`. */
	found(): Promise<ExportedFile[]>;
};

function createFiles(folder: string): Files {
	const pack = createPacker();
	const under: Promise<ExportedFile>[] = [];
	const finish = async (file: ExportedFile, draft: string): Promise<ExportedFile> => {
		const path = join(folder, file.url);
		try {
			const found = await countLines(draft);
			if (found !== file.count)
				throw new Problem('fault', 'counts-differ', `${file.url} holds ${found} resources where the database has ${file.count}.`);
			await rename(draft, path);
			return file;
		} catch (error) {
			await rm(draft, { force: true });
			throw error;
		}
	};
	return {
		async write(file, lines) {
			const draft = `${join(folder, file.url)}.part`;
			const handle = await open(draft, 'wx', 0o600);
			try {
				await pack(lines, handle);
				await handle.sync();
			} catch (error) {
				await rm(draft, { force: true });
				throw error;
			} finally {
				await handle.close();
			}
			under.push(finish(file, draft));
		},
		settled: async () => void (await Promise.allSettled(under)),
		found: () => Promise.all(under),
	};
}

async function countLines(path: string): Promise<number> {
	let lines = 0;
	const options = { highWaterMark: readBytes, chunkSize: readBytes };
	for await (const chunk of createReadStream(path, options).pipe(createGunzip(options)) as AsyncIterable<Buffer>) {
		for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines++;
	}
	return lines;
}

const readBytes = 256 * 1024;
