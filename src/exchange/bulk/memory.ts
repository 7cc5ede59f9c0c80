// How an export can be gone on with. A snapshot does not outlive its connection, but every version is kept: once an export has taken a while,
// the versions it takes of what it has not written yet are listed, beside the export and from the same snapshot, and from then on each part
// that is through is remembered. What was short would have been made again before it was listed.
import { described } from '#base/log.ts';
import { createLineCopier } from '#db/copy-out.ts';
import { inlined } from '#db/inline.ts';
import { sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { JobRun } from '#fhir/jobs/jobs.ts';
import { type Begun, type Done, rememberBegun, rememberDone, type Taken } from './begun.ts';
import { listName } from './list.ts';
import type { Output, Piece } from './output.ts';
import type { Source } from './pieces.ts';

/** What an export writes by itself: a type, or, where the output is organized by patient, all of it. */
export type Part = {
	/** The type; empty for several. */
	readonly type: string;
	/** What is taken of it, a line for each version, for the run that follows. */
	readonly listed: (source: Source) => AsyncIterable<Piece>;
};

export type Memory = {
	/** Is asked between pieces: looks whether it is time for lists. */
	look(): void;
	/** Keeps what a part has become. */
	done(type: string, done: Done): Promise<void>;
	/** Ends what is under way: there is nothing more to be remembered. */
	end(): Promise<void>;
};

type Beginning = {
	readonly ctx: FhirCtx;
	readonly job: JobRun;
	readonly output: Output;
	/** After so long there are lists. */
	readonly listAfterMs: number;
	/** What PostgreSQL calls the snapshot that is exported. */
	readonly snapshot: string;
	/** Makes in another transaction what the lists of the parts need there. */
	readonly prepare: (source: Source) => Promise<unknown>;
	readonly decided: Pick<Begun, 'transactionTime' | 'deleted'>;
};

/** Of a first run, which decides what is taken. */
export function createMemory(beginning: Beginning, parts: readonly Part[]): Memory {
	const { ctx, job, listAfterMs } = beginning;
	const begunAt = performance.now();
	const over = new AbortController();
	const through = new Map<string, Done>();
	let listing: Promise<Begun | undefined> | undefined;
	const list = async (): Promise<Begun | undefined> => {
		try {
			return await writeLists(beginning, parts, through, AbortSignal.any([job.signal, over.signal]));
		} catch (error) {
			if (!over.signal.aborted && !job.signal.aborted)
				ctx.log.warn({ job: job.id, error: described(error) }, 'an export goes on, but could not be gone on with after a crash');
			return undefined;
		}
	};
	return {
		look() {
			if (listing === undefined && performance.now() - begunAt >= listAfterMs) listing = list();
		},
		async done(type, done) {
			if (listing === undefined) through.set(type, done);
			const begun = await listing;
			if (begun !== undefined) await rememberDone(job, begun, type, done);
		},
		async end() {
			over.abort();
			await listing;
		},
	};
}

/** Of a run that goes on with what another decided. */
export function continuedMemory(job: JobRun, begun: Begun): Memory {
	return {
		look: () => undefined,
		done: (type, done) => rememberDone(job, begun, type, done),
		end: async () => undefined,
	};
}

/** Lists what is not through yet, in a transaction of its own that sees the same moment. */
async function writeLists(
	{ ctx, job, output, snapshot, prepare, decided }: Beginning,
	parts: readonly Part[],
	through: ReadonlyMap<string, Done>,
	until: AbortSignal,
): Promise<Begun> {
	const types = await ctx.db.tx(
		async (tx) => {
			await tx.execute({ text: inlined(sql`SET TRANSACTION SNAPSHOT ${snapshot}`) });
			const source = { tx, copier: createLineCopier(ctx.db, tx.client) };
			await prepare(source);
			const found: Taken[] = [];
			for (const [at, { type, listed }] of parts.entries()) {
				const done = through.get(type);
				found.push(done === undefined ? { type, listBytes: await output.note(listName(at), listed(source), until) } : { type, done });
			}
			return found;
		},
		{ isolation: 'repeatable read' },
	);
	const begun = { ...decided, run: ctx.ids.next(), types };
	await rememberBegun(job, begun);
	return begun;
}
