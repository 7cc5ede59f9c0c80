// COPY … TO STDOUT as blocks of lines, read from the socket without pg.
import type { Duplex } from 'node:stream';
import type { Connection, PoolClient, Submittable } from 'pg';
import { CopyBlocks, type Lines } from './copy-blocks.ts';
import { type Querier, translate } from './database.ts';
import { takeOver } from './socket.ts';
import { sql } from './sql.ts';

export type { Lines } from './copy-blocks.ts';

/** One connection's way of copying out; one COPY at a time. */
export type LineCopier = {
	/**
	 * The texts that a query of one column gives, each a line. What is given may be used until the next is asked for. Who stops in the
	 * middle ends the COPY, so that the connection is of use again. Throws what the query throws.
	 */
	lines(query: string): AsyncGenerator<Lines>;
};

/** `db` reaches the same database over another connection. */
export function createLineCopier(db: Querier, client: PoolClient): LineCopier {
	const blocks = new CopyBlocks();
	return {
		async *lines(query) {
			const copying = client.query(new Copying(`COPY (${query}) TO STDOUT (FORMAT binary)`, blocks));
			let isOver = false;
			try {
				for (;;) {
					const lines = await copying.next();
					if (lines === undefined) break;
					yield lines;
				}
				isOver = true;
			} catch (error) {
				isOver = true;
				throw translate(error);
			} finally {
				if (!isOver) await breakOff(db, client, copying);
			}
		},
	};
}

/** Ends a COPY in the middle: the connection is of use again only when PostgreSQL has stopped and all that it sent is read. */
async function breakOff(db: Querier, client: PoolClient, copying: Copying): Promise<void> {
	const { processID } = client as { processID?: number };
	const ended = copying.discard();
	if (processID !== undefined) await db.execute(sql`SELECT pg_cancel_backend(${processID})`);
	await ended;
}

type Wire = Connection & { readonly stream: Duplex; query(text: string): void };

/** A query for pg's client, which is asked for what came. */
class Copying implements Submittable {
	readonly #text: string;
	readonly #blocks: CopyBlocks;
	#stream: Duplex | undefined;
	#giveBack: ((rest: Buffer) => void) | undefined;
	#isEnded = false;
	#error: Error | undefined;
	/** Whom there was nothing for yet. */
	#waiting: PromiseWithResolvers<Lines | undefined> | undefined;

	constructor(text: string, blocks: CopyBlocks) {
		this.#text = text;
		this.#blocks = blocks;
		blocks.reset();
	}

	/** The next lines; undefined when there are no more. */
	next(): Promise<Lines | undefined> {
		if (this.#error !== undefined) return Promise.reject(this.#error);
		if (this.#isEnded || this.#blocks.isFull) {
			const lines = this.#blocks.give();
			this.#stream?.resume();
			return Promise.resolve(lines.lines === 0 ? undefined : lines);
		}
		this.#waiting = Promise.withResolvers();
		return this.#waiting.promise;
	}

	/** Resolves when the COPY has ended, however it did; what still comes is passed over. */
	async discard(): Promise<void> {
		while ((await this.next().catch(() => undefined)) !== undefined);
	}

	submit(connection: Connection): void {
		const { stream } = connection as Wire;
		this.#stream = stream;
		this.#giveBack = takeOver(stream, this.#take);
		(connection as Wire).query(this.#text);
	}

	/** Called by pg. */
	handleError(error: Error): void {
		this.#error = error;
		this.#answer();
		this.#release(Buffer.alloc(0));
	}

	/** Called by pg. */
	handleCommandComplete(): void {
		// The end of the data was told already.
	}

	/** Called by pg. */
	handleReadyForQuery(): void {
		// The next query is pg's to begin.
	}

	readonly #take = (bytes: Buffer): void => {
		const end = this.#read(bytes);
		if (end === undefined) {
			if (!this.#blocks.isFull) return;
			if (this.#waiting === undefined) this.#stream?.pause();
			else this.#answer();
			return;
		}
		this.#isEnded = this.#blocks.isDone;
		if (this.#isEnded) this.#answer();
		// A copy: pg may still be reading when the next bytes come.
		this.#release(Buffer.from(bytes.subarray(end)));
	};

	/** What is not understood cannot be read to its end: the connection is lost, and pg tells `handleError` so. */
	#read(bytes: Buffer): number | undefined {
		try {
			return this.#blocks.take(bytes);
		} catch (error) {
			this.#stream?.destroy(error as Error);
			return undefined;
		}
	}

	#answer(): void {
		const waiting = this.#waiting;
		this.#waiting = undefined;
		if (waiting !== undefined) this.next().then(waiting.resolve, waiting.reject);
	}

	#release(rest: Buffer): void {
		const giveBack = this.#giveBack;
		this.#giveBack = undefined;
		giveBack?.(rest);
	}
}
