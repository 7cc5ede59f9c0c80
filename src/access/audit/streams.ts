// Chains of entries. Each transaction takes a stream of its own, so that transactions that run at the same time do not wait for each
// other; a stream moves on only when its transaction was committed. Seals (signed lists of heads) tie the streams together.
import { hash, randomBytes } from 'node:crypto';
import type { Clock } from '#base/clock.ts';
import type { Log } from '#base/log.ts';
import type { Outcome } from '#db/database.ts';
import type { Pipeline, PipelinedTx } from '#db/pipeline.ts';
import { genesis, type Head } from './entry.ts';
import type { Secrets } from './secrets.ts';

/** A chain in the hands of whoever took it. */
export type Stream = { readonly id: number; head: Head };

export type Streams = {
	/** A stream that nobody else has until it is given back, and whose last entry is not after `at` (milliseconds since the epoch). */
	take(at?: number): Promise<Stream>;
	/** Gives a stream back with where it would stand if its transaction was committed. */
	give(stream: Stream, head: Head, outcome: Outcome): void;
	/** Signs the heads that have moved since the last time. */
	seal(): Promise<void>;
	/** Signs all heads as final; every stream has to be back. */
	close(): Promise<void>;
};

/** `open` streams may grow, `closed` ones never again. */
export type SealedHead = readonly [stream: number, seq: number, hash: string, state: 'open' | 'closed'];

/** Streams announced together: a process needs about as many as it has transactions at a time. */
const announcedAtOnce = 4;
const sealLock = 4_833_141;

type Kept = { readonly stream: Stream; sealed: number };

export function createStreams(options: {
	readonly pipeline: Pipeline;
	readonly clock: Clock;
	readonly log: Log;
	readonly secrets: Secrets;
}): Streams {
	const { pipeline, clock, log, secrets } = options;
	const all = new Set<Kept>();
	const free: Stream[] = [];
	// Streams of which it is not known whether their last transaction was committed; they are not used again.
	let doubtful: { readonly stream: Stream; readonly head: Head }[] = [];
	let opening: Promise<void> | undefined;

	const announce = async (): Promise<void> => {
		const streams = Array.from({ length: announcedAtOnce }, (): Stream => ({ id: randomBytes(6).readUIntBE(0, 6), head: genesis }));
		await write(streams.map(({ id, head }) => [id, head.seq, head.hash, 'open']));
		for (const stream of streams) {
			all.add({ stream, sealed: 0 });
			free.push(stream);
		}
	};
	const write = async (heads: readonly SealedHead[]): Promise<void> => {
		const seal = await pipeline.tx((tx) => writeSeal(tx, secrets, clock.now().getTime(), heads));
		try {
			secrets.remember(seal);
		} catch (error) {
			log.error({ code: (error as { code?: string }).code }, 'the last seal of the audit could not be noted in the data folder');
		}
	};
	const forget = (streams: readonly Stream[]): void => {
		for (const kept of all) if (streams.includes(kept.stream)) all.delete(kept);
	};
	/** Finds out how transactions ended that had lost their connection. */
	const settleDoubts = async (): Promise<SealedHead[]> => {
		const settled: SealedHead[] = [];
		for (const { stream, head } of doubtful) {
			const there = await isThere(pipeline, stream.id, head);
			settled.push(there ? [stream.id, head.seq, head.hash, 'closed'] : [stream.id, stream.head.seq, stream.head.hash, 'open']);
		}
		return settled;
	};
	return {
		async take(at = Number.POSITIVE_INFINITY) {
			for (;;) {
				const found = free.findLastIndex(({ head }) => head.at <= at);
				if (found >= 0) return free.splice(found, 1)[0] as Stream;
				opening ??= announce().finally(() => {
					opening = undefined;
				});
				await opening;
			}
		},
		give(stream, head, outcome) {
			if (outcome === 'unknown') {
				doubtful.push({ stream, head });
				return;
			}
			if (outcome === 'committed') stream.head = head;
			free.push(stream);
		},
		async seal() {
			const moved = [...all].filter(({ stream, sealed }) => stream.head.seq > sealed && !doubtful.some((one) => one.stream === stream));
			const heads = moved.map(({ stream }): SealedHead => [stream.id, stream.head.seq, stream.head.hash, 'open']);
			const before = doubtful;
			const settled = await settleDoubts();
			if (heads.length + settled.length === 0) return;
			await write([...heads, ...settled]);
			for (const [i, kept] of moved.entries()) kept.sealed = (heads[i] as SealedHead)[1];
			doubtful = doubtful.filter((one) => !before.includes(one));
			forget(before.map(({ stream }) => stream));
		},
		async close() {
			const settled = await settleDoubts();
			forget(doubtful.map(({ stream }) => stream));
			const heads = [...all].map(({ stream }): SealedHead => [stream.id, stream.head.seq, stream.head.hash, 'closed']);
			if (heads.length + settled.length > 0) await write([...heads, ...settled]);
		},
	};
}

/** Whether the entry or block at a head was committed. */
export async function isThere(pipeline: Pipeline, stream: number, head: Head): Promise<boolean> {
	const [rows = []] = await pipeline.run([
		{
			name: 'audit_is_there',
			text: ['entry', 'block']
				.map(
					(table) =>
						`SELECT encode(hash, 'hex') FROM audit.${table} WHERE at = to_timestamp($1::float8 / 1000) AND stream = $2::int8 AND seq = $3::int8`,
				)
				.join(' UNION ALL '),
			values: [head.at, stream, head.seq],
		},
	]);
	return rows[0]?.[0] === head.hash;
}

/** What is signed of a seal: SHA-256 of the hash of the seal before and of its columns as a JSON array. */
export function hashOfSeal(before: string, n: number, at: number, heads: string, key: string): string {
	return hash('sha256', before + JSON.stringify([n, at, heads, key]), 'hex');
}

async function writeSeal(tx: PipelinedTx, secrets: Secrets, at: number, heads: readonly SealedHead[]) {
	const [, last = []] = await tx.send([
		{ name: 'audit_seal_lock', text: 'SELECT pg_advisory_xact_lock($1::int8)', values: [sealLock] },
		{ name: 'audit_last_seal', text: `SELECT n, encode(hash, 'hex') FROM audit.seal ORDER BY n DESC LIMIT 1`, values: [] },
	]);
	const n = Number(last[0]?.[0] ?? 0) + 1;
	const text = JSON.stringify(heads);
	const sealed = hashOfSeal((last[0]?.[1] as string | undefined) ?? genesis.hash, n, at * 1000, text, secrets.keyId);
	const bytes = Buffer.from(sealed, 'hex');
	await tx.send([
		{
			name: 'audit_seal',
			text: 'INSERT INTO audit.seal (n, at, heads, key, hash, signature) VALUES ($1::int8, to_timestamp($2::float8 / 1000), $3, $4, $5, $6)',
			values: [n, at, text, secrets.keyId, bytes, secrets.sign(bytes)],
		},
	]);
	return { n, hash: sealed };
}
