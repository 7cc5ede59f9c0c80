// `heron import`: files into the record, with progress, a summary, and a report of every refusal.
import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { type Caller, everything } from '#access/ctx.ts';
import { Problem } from '#base/problem.ts';
import type { Installation } from '#compose.ts';
import { isAlive } from '#db/embedded/lock.ts';
import { type File, filesOf } from '#exchange/import/files.ts';
import { importFiles } from '#exchange/import/import.ts';
import type { Counts, Reason, ReportLine, Summary } from '#exchange/import/tally.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { type Command, columns, type Given, pathOf, UsageError } from './command.ts';
import { tellOf, withInstallation } from './installation.ts';
import { createMeter } from './meter.ts';

export const importCommand: Command = {
	usage: '<files or folders> [options]',
	about: `
Takes FHIR R4 in JSON: resources, Bundles (transaction, batch, collection, searchset and history are opened; documents and messages are
kept whole), and NDJSON; plain or .gz, by themselves or in a .tar, .tar.gz or .tgz; folders with everything in them.

Works while the server runs and while it does not. Resources keep the id they have in the file, or get one that is the same every time,
so that an import which was interrupted can simply be run again: what is there already stays as it is. References by urn:uuid and by
criteria (Practitioner?identifier=...) become Type/id; what refers to something that comes later in the files waits for it.

Everything is validated as the server validates. At the end there is a summary of what was taken and what was refused and why. The exit
code is 0 when everything was taken, 1 when something was refused, 130 when it was interrupted.`,
	options: [
		{ name: 'lenient', means: 'take what breaks invariants, bindings or profiles, as HERON_VALIDATION=lenient does' },
		{ name: 'strict', means: 'refuse it, whatever HERON_VALIDATION says' },
		{ name: 'update', means: 'resources that are there already get what the files say as a new version' },
		{ name: 'report', value: 'file', means: 'write every refusal into this file, as NDJSON' },
	],
	async run(given) {
		if (given.words.length === 0) throw new UsageError('Which files?');
		if (given.has('lenient') && given.has('strict')) throw new UsageError('--lenient and --strict exclude each other.');
		const files = await filesOf(given.words.map(pathOf));
		const report = await openReport(given.value('report'));
		try {
			return await withInstallation((installation, signal) => importInto(installation, files, given, report, signal));
		} finally {
			await new Promise<void>((resolve) => (report === undefined ? resolve() : report.end(resolve)));
		}
	},
};

const caller: Caller = { kind: 'system', id: 'heron-import', name: 'heron import', grants: everything };

async function importInto(
	installation: Installation,
	files: readonly File[],
	given: Given,
	report: WriteStream | undefined,
	signal: AbortSignal,
): Promise<number> {
	const total = files.reduce((sum, { size }) => sum + size, 0);
	const meter = createMeter(process.stderr);
	const summary = await importFiles(contextOf(installation, given), {
		files,
		update: given.has('update'),
		spoolFolder: join(installation.settings.dataDir, 'tmp'),
		isAlive,
		signal,
		onProgress: ({ bytes, entries, waiting }) =>
			meter.show({ done: entries, of: 'entries', share: bytes / total, more: waiting > 0 ? `, ${count(waiting)} waiting` : '' }),
		...(report === undefined ? {} : { report: (line: ReportLine) => void report.write(`${JSON.stringify(line)}\n`) }),
	});
	const seconds = meter.end();
	const { entries, counts } = summary;
	const outcome = Object.entries(counts).map(([word, number]) => `${number} ${word}`);
	const detail = `${entries} entries of ${files.length} files: ${outcome.join(', ')}${signal.aborted ? ', interrupted' : ''}`;
	await tellOf(installation, 'import', { kind: 'import', interaction: 'import', action: 'C', detail });
	console.log(summaryText(summary, seconds));
	if (signal.aborted) {
		console.log('\nInterrupted. Run the same command again to go on; what is there already stays as it is.');
		return 130;
	}
	return summary.counts.refused > 0 ? 1 : 0;
}

function contextOf({ ctxFor }: Installation, given: Given): FhirCtx {
	const ctx = ctxFor(caller, 'import');
	const validation = given.has('lenient') ? 'lenient' : given.has('strict') ? 'strict' : ctx.fhir.settings.validation;
	return { ...ctx, fhir: { ...ctx.fhir, settings: { ...ctx.fhir.settings, validation } } };
}

function openReport(path: string | undefined): Promise<WriteStream | undefined> {
	if (path === undefined) return Promise.resolve(undefined);
	const stream = createWriteStream(pathOf(path), { mode: 0o600 });
	return new Promise((resolve, reject) => {
		stream.once('open', () => resolve(stream));
		stream.once('error', (error) =>
			reject(new Problem('invalid', 'report-not-writable', `The report cannot be written: ${error.message}.`)),
		);
	});
}

const shownReasons = 25;

/** What became of an import, for people. */
export function summaryText(summary: Summary, seconds: number): string {
	const { entries, counts, byType, refusals, remarks } = summary;
	const rate = seconds > 0 ? ` (${count(Math.round(entries / seconds))} a second)` : '';
	const parts = [
		`${count(entries)} entries in ${seconds.toFixed(1)} s${rate}`,
		columns(
			Object.entries(words).flatMap(([outcome, word]) =>
				counts[outcome as keyof Counts] === 0 ? [] : [[word, count(counts[outcome as keyof Counts])]],
			),
		),
	];
	const types = [...byType].sort(([a], [b]) => (a < b ? -1 : 1)).map(([type, own]) => [type, typeLine(own)] as const);
	if (types.length > 0) parts.push(`By type:\n${columns(types)}`);
	if (refusals.length > 0) parts.push(`Refused or left out, by reason:\n${reasonLines(refusals)}`);
	if (remarks.length > 0) parts.push(`Taken although a rule is broken:\n${reasonLines(remarks)}`);
	return `\n${parts.join('\n\n')}`;
}

const words: Readonly<Record<keyof Counts, string>> = {
	created: 'taken',
	updated: 'updated',
	unchanged: 'there already',
	refused: 'refused',
	'left-out': 'left out',
};

function typeLine(counts: Counts): string {
	return Object.entries(words)
		.filter(([outcome]) => counts[outcome as keyof Counts] > 0)
		.map(([outcome, word]) => `${count(counts[outcome as keyof Counts])} ${word}`)
		.join(', ');
}

function reasonLines(reasons: readonly Reason[]): string {
	const lines = reasons.slice(0, shownReasons).map(({ code, path, text, count: times, examples }) => {
		const [example = ''] = examples;
		return `  ${count(times).padStart(8)}  ${code}  ${path}\n            ${text}\n            e.g. ${example}`;
	});
	const more = reasons.length - shownReasons;
	return [...lines, ...(more > 0 ? [`  and ${more} more reasons; --report writes all of them`] : [])].join('\n');
}

function count(value: number): string {
	return value.toLocaleString('en-US');
}
