// The audit of an installation: takes events in and stores them as entries of hash chains; those of writes within the transaction of
// the write, those of reads together a moment later.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '#base/clock.ts';
import type { Log } from '#base/log.ts';
import { Problem } from '#base/problem.ts';
import { type Database, type Outcome, outcomeOf, type Tx } from '#db/database.ts';
import { openPipeline, type Pipeline, type Prepared } from '#db/pipeline.ts';
import { createNotes, insertBlock, mostInBlock, type Notes } from './block.ts';
import { chain, insertEntries } from './entry.ts';
import type { AuditEvent } from './event.ts';
import { openSecrets } from './secrets.ts';
import { createStreams, isThere, type Stream, type Streams } from './streams.ts';

/** `writes` leaves out what was only read; `off` leaves out everything. */
export type Level = 'off' | 'writes' | 'all';

/** What belongs into a transaction: a statement, and who has to be told how the transaction ended. */
export type Part = { readonly statement: Prepared; readonly end: (outcome: Outcome) => void };

export type Audit = {
	readonly level: Level;
	/** Takes an event that is stored a moment later. A promise only when there is no room: it resolves when there is, and rejects with Problem unavailable `audit-unavailable` after some time. */
	note(event: AuditEvent): Promise<void> | undefined;
	/** Stores an event: within the transaction, if one is given, else by itself before this resolves. */
	record(event: AuditEvent, tx?: Tx): Promise<void>;
	/** Events as part of a transaction, whose caller sends the statement and tells the end; undefined when nothing is to be stored. */
	part(events: readonly AuditEvent[]): Promise<Part | undefined>;
	/** The keyed hash of a query. */
	hashOf(text: string): string;
	/** Resolves when everything noted before is stored. */
	flush(): Promise<void>;
	/** Signs where the chains stand now; happens by itself every minute. */
	seal(): Promise<void>;
	/** Stores what is noted, signs the ends of the chains, closes the audit's connections. */
	close(): Promise<void>;
};

export type AuditOptions = {
	readonly db: Database;
	readonly clock: Clock;
	readonly log: Log;
	readonly dataDir: string;
	readonly level: Level;
	/** How long an event may wait for others. */
	readonly flushMs?: number;
	/** Most events that wait. */
	readonly capacity?: number;
	/** How long somebody waits for room, and a stop for the database. */
	readonly patienceMs?: number;
	readonly sealMs?: number;
};

/** An audit that keeps nothing. */
export const noAudit: Audit = {
	level: 'off',
	note: () => undefined,
	record: async () => undefined,
	part: async () => undefined,
	hashOf: () => '',
	flush: async () => undefined,
	seal: async () => undefined,
	close: async () => undefined,
};

const retryMs = 1000;
const dayMs = 86_400_000;
/** Months that partitions are made ahead for. */
const monthsAhead = 12;

/** Opens the audit; the database is used from the first event on. */
export function createAudit(options: AuditOptions): Audit {
	if (options.level === 'off') return noAudit;
	const { db, clock, log, level, sealMs = 60_000 } = options;
	const secrets = openSecrets(options.dataDir);
	const pipeline = openPipeline(db, { run: 1, tx: 1 });
	const streams = createStreams({ pipeline, clock, log, secrets });
	const queue = createQueue(options, pipeline, streams);
	let partitionsUntil = 0;
	let sealing: Promise<void> = Promise.resolve();
	const seal = (): Promise<void> => {
		sealing = sealing.then(() => streams.seal());
		const ended = sealing;
		sealing = sealing.catch(() => undefined);
		return ended;
	};
	const care = async (): Promise<void> => {
		try {
			const now = clock.now().getTime();
			if (now > partitionsUntil) await makePartitions(pipeline, now);
			partitionsUntil = now + dayMs;
			await seal();
		} catch (error) {
			log.warn({ code: (error as { code?: string }).code }, 'the audit could not be sealed; it is tried again');
		}
	};
	const timer = setInterval(care, sealMs);
	timer.unref();
	const part = async (events: readonly AuditEvent[]): Promise<Part | undefined> => {
		if (events.length === 0) return undefined;
		const stream = await streams.take();
		const at = clock.now().getTime();
		const chained = chain(
			stream.id,
			stream.head,
			events.map((event) => ({ event, at })),
		);
		return { statement: insertEntries(chained), end: (outcome) => streams.give(stream, chained.head, outcome) };
	};
	const close = async (): Promise<void> => {
		clearInterval(timer);
		await queue.close();
		await sealing;
		await streams.close().catch((error: { code?: string }) => log.error({ code: error.code }, 'the audit could not be sealed at its end'));
		await pipeline.close();
	};
	let closing: Promise<void> | undefined;
	return {
		level,
		note: queue.note,
		async record(event, tx) {
			const made = (await part([event])) as Part;
			if (tx === undefined) return sendPart(pipeline, made);
			tx.onEnd(made.end);
			await tx.rows(made.statement);
		},
		part,
		hashOf: secrets.hashOf,
		flush: queue.flush,
		seal,
		close() {
			closing ??= close();
			return closing;
		},
	};
}

async function makePartitions(pipeline: Pipeline, now: number): Promise<void> {
	const text = 'SELECT audit.make_partitions(to_timestamp($1::float8 / 1000), $2::int4)';
	await pipeline.run([{ name: 'audit_partitions', text, values: [now, monthsAhead] }]);
}

async function sendPart(pipeline: Pipeline, { statement, end }: Part): Promise<void> {
	let outcome: Outcome = 'unknown';
	try {
		await pipeline.run([statement]);
		outcome = 'committed';
	} catch (error) {
		outcome = outcomeOf(error);
		throw error;
	} finally {
		end(outcome);
	}
}

type Queue = { readonly note: Audit['note']; readonly flush: () => Promise<void>; readonly close: () => Promise<void> };

/** Events that wait to be stored, in the order in which they came. */
function createQueue(
	{ clock, log, flushMs = 200, capacity = 10_000, patienceMs = 10_000 }: AuditOptions,
	pipeline: Pipeline,
	streams: Streams,
): Queue {
	/** What comes in now, and what is to be stored before it. */
	let notes = createNotes();
	const full: Notes[] = [];
	/** Events in all of these and in what is being stored. */
	let waiting = 0;
	let underWay: Promise<void> | undefined;
	let timer: NodeJS.Timeout | undefined;
	let room = Promise.withResolvers<void>();
	let stream: Stream | undefined;
	/** When a stop gives up; none while the server runs. */
	let deadline = Number.POSITIVE_INFINITY;

	const put = (event: AuditEvent): void => {
		notes.add(event, clock.now().getTime());
		waiting++;
		if (notes.count() >= mostInBlock) void drain();
		else timer ??= setTimeout(drain, flushMs);
	};
	const drain = (): Promise<void> => {
		clearTimeout(timer);
		timer = undefined;
		if (notes.count() > 0) {
			full.push(notes);
			notes = createNotes();
		}
		if (full.length > 0) underWay ??= storeAll();
		return underWay ?? Promise.resolve();
	};
	const storeAll = async (): Promise<void> => {
		for (let some = full[0]; some !== undefined; some = full[0]) {
			if (!(await store(some))) break;
			full.shift();
			waiting -= some.count();
			room.resolve();
			room = Promise.withResolvers();
		}
		// At once with the last look: what comes a moment later has to find that nobody is at it any more.
		underWay = undefined;
	};
	/** Stores a block, however often that takes; false when a stop cannot wait any longer. */
	const store = async (some: Notes): Promise<boolean> => {
		for (let attempt = 1; ; attempt++) {
			try {
				await storeOnce(some);
				return true;
			} catch (error) {
				if (attempt === 1) log.warn({ code: (error as { code?: string }).code }, 'entries of the audit wait: they could not be stored yet');
				if (clock.now().getTime() > deadline) return false;
				await sleep(retryMs);
			}
		}
	};
	let doubt: { readonly stream: Stream; readonly head: Stream['head'] } | undefined;
	const storeOnce = async (some: Notes): Promise<void> => {
		if (doubt !== undefined) {
			const there = await isThere(pipeline, doubt.stream.id, doubt.head);
			streams.give(doubt.stream, doubt.head, 'unknown');
			doubt = undefined;
			if (there) return;
		}
		// Writes that came meanwhile may have moved streams on.
		stream ??= await streams.take(some.since());
		const folded = some.fold(stream.id, stream.head);
		try {
			await pipeline.run([insertBlock(folded)]);
			stream.head = folded.head;
		} catch (error) {
			if (outcomeOf(error) === 'unknown') {
				doubt = { stream, head: folded.head };
				stream = undefined;
			}
			throw error;
		}
	};
	/** Waits until there is room for one more. */
	const whenRoom = async (event: AuditEvent): Promise<void> => {
		const until = clock.now().getTime() + patienceMs;
		while (waiting >= capacity) {
			const left = until - clock.now().getTime();
			if (left <= 0)
				throw new Problem('unavailable', 'audit-unavailable', 'The audit cannot take this access at the moment.', {
					headers: { 'retry-after': '2' },
				});
			const aborter = new AbortController();
			await Promise.race([room.promise, sleep(left, undefined, { signal: aborter.signal }).catch(() => undefined)]);
			aborter.abort();
		}
		put(event);
	};
	return {
		note(event) {
			if (waiting >= capacity) return whenRoom(event);
			put(event);
			return undefined;
		},
		flush: async () => {
			if (waiting > 0) await drain();
		},
		async close() {
			deadline = clock.now().getTime() + patienceMs;
			while (waiting > 0) {
				await drain();
				if (waiting > 0 && clock.now().getTime() > deadline) break;
			}
			if (waiting > 0) log.error({ entries: waiting }, 'entries of the audit are lost: the database was away until the end');
			if (stream !== undefined) streams.give(stream, stream.head, 'committed');
		},
	};
}
