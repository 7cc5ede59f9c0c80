// An import: files to entries to checked writes to large transactions. See README.md for what happens to ids and links.
import { Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { linksAmong } from '#fhir/interactions/references.ts';
import { parseJson } from '#fhir/wire/json.ts';
import { type Entry, entriesOf, type Group } from './entries.ts';
import { type File, textsOf } from './files.ts';
import { resolveAll, theOneFor } from './lookup.ts';
import { linked, prepare, requireStorable } from './prepare.ts';
import { settle } from './settle.ts';
import { createSpool, type Spool } from './spool.ts';
import { createTally, type ReportLine, type Summary, type Tally } from './tally.ts';
import { createWriter, type Prepared, type Writer } from './writer.ts';

export type ImportOptions = {
	readonly files: readonly File[];
	/** Makes resources that are there already get what the files say as a new version; else they stay as they are. */
	readonly update?: boolean;
	/** Where entries that have to wait are kept meanwhile. */
	readonly spoolFolder: string;
	readonly isAlive: (pid: number) => boolean;
	/** Ends the import early: what is under way is finished. Running it again goes on from there. */
	readonly signal: AbortSignal;
	/** Told from time to time: bytes of the files read, entries done, and how many wait for others. */
	readonly onProgress?: (progress: Progress) => void;
	/** Told of every entry that is not simply taken. */
	readonly report?: (line: ReportLine) => void;
};

export type Progress = { readonly bytes: number; readonly entries: number; readonly waiting: number };

type Run = ImportOptions & {
	readonly ctx: FhirCtx;
	readonly tally: Tally;
	readonly spool: Spool;
	readonly writer: Writer;
	readonly criteria: Map<string, string>;
};

/**
 * Takes what the files hold. Resources keep their ids, so that running it again changes nothing; those that refer to what comes later
 * wait for it. Rejects when the database cannot be used; whatever is wrong with an entry or a file is in the summary.
 */
export async function importFiles(ctx: FhirCtx, options: ImportOptions): Promise<Summary> {
	const tally = createTally(options.report);
	const spool = createSpool(options.spoolFolder, options.isAlive);
	const writer = createWriter({ ctx, tally, setAside: ({ place, resource }, missing) => spool.add(place, resource, missing) });
	const run: Run = { ...options, ctx, tally, spool, writer, criteria: new Map() };
	try {
		await readAll(run);
		await writer.idle();
		await settle({ ...run, update: options.update === true });
		return tally.summary();
	} finally {
		spool.close();
	}
}

async function readAll(run: Run): Promise<void> {
	const { files, tally, spool, signal, onProgress } = run;
	let bytes = 0;
	const tell = (): void => onProgress?.({ bytes, entries: tally.done, waiting: spool.size });
	for (const file of files) {
		const texts = textsOf(file, (read) => {
			bytes += read;
		});
		for await (const text of texts) {
			if (signal.aborted) return;
			if ('problem' in text) tally.refuse({ place: text.file }, text.problem);
			else {
				const group = groupOf(run, text.bytes, text.file, text.line);
				if (group !== undefined) await take(run, group);
			}
			tell();
		}
	}
	tell();
}

function groupOf({ tally }: Run, bytes: Buffer, file: string, line: number | undefined): Group | undefined {
	try {
		return entriesOf(parseJson(bytes), file, line);
	} catch (error) {
		if (!(error instanceof Problem)) throw error;
		tally.refuse({ place: line === undefined ? file : `${file}:line ${line}` }, error);
		return undefined;
	}
}

async function take(run: Run, { entries, leftOut }: Group): Promise<void> {
	const { ctx, tally, spool, writer } = run;
	for (const { place, code, text } of leftOut) tally.leaveOut({ place }, code, text);
	const stands = await standing(run, entries);
	const places = new Map(entries.flatMap((one) => (one.fullUrl === undefined ? [] : [[one.fullUrl, stands.get(one) ?? keyOf(one)]])));
	const links = linksAmong(places);
	const ready: Prepared[] = [];
	for (const entry of entries) {
		const { place, resource: given, fullUrl } = entry;
		const type = given.resourceType;
		if (stands.has(entry)) {
			tally.count(type, 'unchanged');
			continue;
		}
		const item = { place, type, id: String(given.id) };
		try {
			requireStorable(ctx, given);
			const within = linked(given, links(fullUrl));
			const { resource, open } = within.open.length === 0 ? within : await lookUp(run, within);
			if (open.length > 0) {
				spool.add(place, resource, open);
				continue;
			}
			const { prepared, issues } = await prepare(ctx, place, resource, run.update === true);
			tally.remark(item, issues);
			ready.push(prepared);
		} catch (error) {
			if (!(error instanceof Problem) || error.kind === 'unavailable' || error.kind === 'fault') throw error;
			tally.refuse(item, error);
		}
	}
	await writer.add(ready);
}

function keyOf({ resource }: Entry): string {
	return `${resource.resourceType}/${resource.id}`;
}

/** Entries for which another resource stands already: If-None-Exist and conditional updates, https://hl7.org/fhir/R4/http.html#ccreate */
async function standing({ ctx, criteria, writer }: Run, entries: readonly Entry[]): Promise<Map<Entry, string>> {
	const found = new Map<Entry, string>();
	for (const entry of entries) {
		if (entry.criteria === undefined) continue;
		const type = entry.resource.resourceType;
		const asked = `${type}?${entry.criteria}`;
		let other = criteria.get(asked);
		if (other === undefined) {
			// One that meets them may be on its way.
			await writer.idle();
			other = (await theOneFor(ctx, type, entry.criteria)) ?? keyOf(entry);
			criteria.set(asked, other);
		}
		if (other !== keyOf(entry)) found.set(entry, other);
	}
	return found;
}

/** Links by criteria and urn, as far as the database knows them now. What was found once is remembered. */
async function lookUp(run: Run, { resource, open }: ReturnType<typeof linked>): Promise<ReturnType<typeof linked>> {
	const { ctx, criteria } = run;
	const asked = new Set(open.filter((link) => !criteria.has(link)));
	if (asked.size > 0) for (const [link, to] of await resolveAll(ctx, asked)) if (typeof to === 'string') criteria.set(link, to);
	return linked(resource, (link) => criteria.get(link));
}
