// Bundles that are answered later (Prefer: respond-async), https://hl7.org/fhir/R4/async.html: done by jobs, which go on after a crash
// where they were. What an entry wrote and the note that it did are one transaction, so nothing is done twice.
import type { Fhir, FhirCtx } from '#fhir/ctx.ts';
import type { JobRun } from '#fhir/jobs/jobs.ts';
import type { Resource } from '#fhir/resource.ts';
import { parseJson } from '#fhir/wire/json.ts';
import { failureText, type Perform, phases } from './batch.ts';
import { batchEntriesOf, type Entry, entriesOf, entryText, isAsking, responseText } from './bundle.ts';
import type { Preferences } from './call.ts';
import { type Ask, allOrNone } from './transaction.ts';

const kind = 'bundle';

type Input = { readonly prefer: Preferences; readonly bundle: Resource; readonly telling?: Resource };

/** How an entry is done, and what is told of what it writes. */
type Way = { readonly prefer: Preferences; readonly alone: Perform; readonly inside: Ask; readonly telling: Resource | undefined };

/** Puts a batch or transaction in the queue and gives the id of its job. Throws Problem invalid when its entries cannot be understood. */
export function bundleLater(ctx: FhirCtx, bundle: Resource, prefer: Preferences, telling?: Resource): Promise<string> {
	entriesOf(ctx, bundle);
	return ctx.fhir.jobs.start(ctx, kind, JSON.stringify({ prefer, bundle, ...(telling === undefined ? {} : { telling }) } satisfies Input));
}

/** Tells the installation's jobs how Bundles are done. */
export function registerBundles(fhir: Fhir, perform: (prefer: Preferences) => { readonly alone: Perform; readonly inside: Ask }): void {
	fhir.jobs.register(kind, async (ctx, job) => {
		const { prefer, bundle, telling } = parseJson(Buffer.from(job.input)) as Input;
		const on: FhirCtx = { ...ctx, fhir };
		const way: Way = { prefer, telling, ...perform(prefer) };
		return {
			text: bundle.type === 'batch' ? await batchJob(on, job, bundle, way) : await transactionJob(on, job, bundle, way),
		};
	});
}

async function transactionJob(ctx: FhirCtx, job: JobRun, bundle: Resource, { prefer, inside, telling }: Way): Promise<string> {
	const before = job.recorded.get('done');
	const entries =
		before !== undefined
			? (JSON.parse(before) as string[])
			: await allOrNone(ctx, entriesOf(ctx, bundle), prefer, inside, {
					telling,
					settle: (texts, unit) => job.record('done', JSON.stringify(texts), unit.tx),
				});
	return responseText(ctx, 'transaction-response', entries);
}

async function batchJob(ctx: FhirCtx, job: JobRun, bundle: Resource, way: Way): Promise<string> {
	const entries = batchEntriesOf(ctx, bundle);
	const texts = new Map(job.recorded);
	for (const entry of phases.flatMap((phase) => entries.filter(({ method }) => phase.includes(method)))) {
		job.signal.throwIfAborted();
		const key = String(entry.index);
		if (texts.has(key)) continue;
		texts.set(key, await entryJob(ctx, job, entry, way));
		job.progress(`${texts.size} of ${entries.length} entries`);
	}
	return responseText(
		ctx,
		'batch-response',
		entries.map(({ index }) => texts.get(String(index)) as string),
	);
}

async function entryJob(ctx: FhirCtx, job: JobRun, entry: Entry, { prefer, alone, inside, telling }: Way): Promise<string> {
	const key = String(entry.index);
	try {
		if (isAsking(entry)) {
			const text = entryText(ctx, await alone(ctx, entry), true);
			await job.record(key, text);
			return text;
		}
		const [text] = await allOrNone(ctx, [entry], prefer, inside, {
			telling,
			settle: ([first], unit) => job.record(key, first as string, unit.tx),
		});
		return text as string;
	} catch (error) {
		if (job.signal.aborted) throw error;
		const text = failureText(ctx, error);
		await job.record(key, text);
		return text;
	}
}
