// An import as a job: files are fetched into the job's folder, then taken in as the command line does. A run that is cut short is followed
// by one that keeps what was fetched and passes over what was stored.
import { createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Issue, Problem } from '#base/problem.ts';
import { importFiles } from '#exchange/import/import.ts';
import type { ReportLine, Summary } from '#exchange/import/tally.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { jobFileId } from '#fhir/jobs/job-file.ts';
import type { JobResult, JobRun } from '#fhir/jobs/jobs.ts';
import { outcomeOf } from '#fhir/outcome.ts';
import { guardedDownload } from '#outside/guarded-fetch.ts';
import { noteBulk } from './audit.ts';
import { type ImportAsked, type Source, uploadName } from './import-request.ts';

export type ImportSettings = {
	/** How long the report is kept. */
	readonly keepMs: number;
	/** Takes http, loopback and private addresses too. */
	readonly allowPrivateUrls: boolean;
	/** Bytes of one file as it comes. */
	readonly fetchBytes: number;
};

/** A file to take in, and how reports call it. */
type Fetched = { readonly path: string; readonly size: number; readonly name: string; readonly type: string | undefined };

/** Runs an import; the result says what became of the resources. */
export async function runImport(ctx: FhirCtx, job: JobRun, settings: ImportSettings): Promise<JobResult> {
	const asked = JSON.parse(job.input) as ImportAsked;
	await mkdir(job.folder, { recursive: true, mode: 0o700 });
	const report = await createReport(job.folder);
	try {
		const files = asked.sources.length === 0 ? [await uploaded(job)] : await fetchAll(job, asked.sources, settings, report);
		const summary = await takeIn(ctx, job, asked, files, report);
		await report.sync();
		for (const { path } of files) await rm(path, { force: true });
		await noteBulk(
			ctx,
			'import',
			`${summary.counts.created} created, ${summary.counts.updated} updated, ${summary.counts.refused} refused`,
		);
		const text = JSON.stringify(manifestOf(ctx, job, asked, summary, report));
		return { text, contentType: 'application/json', keepMs: settings.keepMs };
	} finally {
		await report.close();
	}
}

async function uploaded(job: JobRun): Promise<Fetched> {
	const path = join(job.folder, uploadName);
	const { size } = await stat(path).catch((cause) => {
		throw new Problem('unavailable', 'upload-lost', 'The data that came with the request are not there any more; send it again.', {
			cause,
		});
	});
	return { path, size, name: 'body', type: undefined };
}

/** Every file that can be had; of those that cannot the report tells. */
async function fetchAll(job: JobRun, sources: readonly Source[], settings: ImportSettings, report: Report): Promise<Fetched[]> {
	const files: Fetched[] = [];
	for (const [at, source] of sources.entries()) {
		job.signal.throwIfAborted();
		job.progress(`fetching file ${at + 1} of ${sources.length}`);
		try {
			const path = await fetchOne(job, source, at, settings);
			files.push({ path, size: (await stat(path)).size, name: source.url, type: source.type });
		} catch (error) {
			if (job.signal.aborted || !(error instanceof Problem)) throw error;
			await report.add({ severity: 'error', type: 'incomplete', code: error.code, text: `${source.url}: ${error.text}` });
		}
	}
	return files;
}

/** The path of a file that was fetched whole, now or by an earlier run. */
async function fetchOne(job: JobRun, { url }: Source, at: number, settings: ImportSettings): Promise<string> {
	const before = job.recorded.get(`file ${at}`);
	if (before !== undefined && (await stat(join(job.folder, before)).catch(() => undefined)) !== undefined) return join(job.folder, before);
	const draft = join(job.folder, `in-${at}.part`);
	const { status, body } = await guardedDownload(url, {
		allowPrivate: settings.allowPrivateUrls,
		headers: { accept: 'application/fhir+ndjson, application/x-ndjson;q=0.9, */*;q=0.1' },
		idleMs: 30_000,
		signal: job.signal,
	});
	if (status !== 200) {
		body.destroy();
		throw new Problem('unavailable', 'address-failed', `It was answered with ${status}.`);
	}
	try {
		await pipeline(body, limited(settings.fetchBytes), createWriteStream(draft, { mode: 0o600, flush: true }));
	} catch (error) {
		if (error instanceof Problem) throw error;
		throw new Problem('unavailable', 'address-failed', 'It did not come to its end.', { cause: error });
	}
	const name = `in-${at}.ndjson${(await isGzip(draft)) ? '.gz' : ''}`;
	await rename(draft, join(job.folder, name));
	await job.record(`file ${at}`, name);
	return join(job.folder, name);
}

function limited(most: number): Transform {
	let size = 0;
	return new Transform({
		transform(chunk: Buffer, _encoding, done) {
			size += chunk.length;
			if (size <= most) done(null, chunk);
			else done(new Problem('too-much', 'file-too-large', `It has more than the ${most} bytes that one file may have.`));
		},
	});
}

async function isGzip(path: string): Promise<boolean> {
	const file = await open(path);
	try {
		const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
		return buffer.readUInt16BE(0) === 0x1f8b;
	} finally {
		await file.close();
	}
}

async function takeIn(ctx: FhirCtx, job: JobRun, asked: ImportAsked, files: readonly Fetched[], report: Report): Promise<Summary> {
	const total = files.reduce((sum, { size }) => sum + size, 0);
	const nameOf = new Map(files.map(({ path, name }) => [path, name]));
	const told: Promise<void>[] = [];
	const summary = await importFiles(ctx, {
		files,
		update: asked.update,
		spoolFolder: job.folder,
		isAlive: () => false,
		signal: job.signal,
		onProgress: ({ bytes, entries, waiting }) => {
			const part = total === 0 ? 100 : Math.floor((100 * bytes) / total);
			job.progress(`${part}% read, ${entries} resources done${waiting === 0 ? '' : `, ${waiting} wait for others`}`);
		},
		report: (line) => void told.push(report.add(...issuesIn(line, placeIn(line.place, nameOf)))),
	});
	// Cut short is not done: the next run goes on.
	job.signal.throwIfAborted();
	await Promise.all(told);
	return summary;
}

/** `https://…/patients.ndjson:line 7` for the path in the job's folder. */
function placeIn(place: string, nameOf: ReadonlyMap<string, string>): string {
	for (const [path, name] of nameOf) if (place.startsWith(path)) return `${name}${place.slice(path.length)}`;
	return basename(place);
}

function issuesIn({ type, id, outcome, issues }: ReportLine, place: string): Issue[] {
	const what = type === undefined ? '' : ` ${type}/${id ?? ''}`;
	const severity = outcome === 'taken-with-issues' ? 'warning' : 'error';
	return issues.map(({ code, text, path }) => ({
		severity,
		type: severity === 'warning' ? 'business-rule' : 'processing',
		code,
		text: `${place}${what}: ${text}`,
		...(path === undefined ? {} : { path }),
	}));
}

function manifestOf(ctx: FhirCtx, job: JobRun, { request }: ImportAsked, { byType, counts }: Summary, report: Report): object {
	const output = [...byType].map(([type, own]) => ({
		type,
		count: own.created + own.updated + own.unchanged,
		...own,
	}));
	const url = `${ctx.fhir.base}/Binary/${jobFileId(job.id, 1, report.bytes)}`;
	return {
		transactionTime: ctx.clock.now().toISOString(),
		request,
		requiresAccessToken: true,
		counts,
		output,
		error: report.count === 0 ? [] : [{ type: 'OperationOutcome', count: report.count, url }],
	};
}

type Report = {
	/** A line for each resource or file that something is wrong with. */
	add(...issues: readonly Issue[]): Promise<void>;
	readonly count: number;
	readonly bytes: number;
	sync(): Promise<void>;
	close(): Promise<void>;
};

/** The report as file 1 of the job, begun anew. */
async function createReport(folder: string): Promise<Report> {
	const file = await open(join(folder, '1'), 'w', 0o600);
	let writing: Promise<unknown> = Promise.resolve();
	let count = 0;
	let bytes = 0;
	return {
		add(...issues) {
			count++;
			const line = Buffer.from(`${JSON.stringify(outcomeOf(issues))}\n`);
			bytes += line.length;
			writing = writing.then(() => file.write(line));
			return writing.then(() => undefined);
		},
		get count() {
			return count;
		},
		get bytes() {
			return bytes;
		},
		async sync() {
			await writing;
			await file.sync();
		},
		close: () => file.close(),
	};
}
