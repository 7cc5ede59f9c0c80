// Looks for entries and seals that were changed, removed or put in afterwards, and names them.
import { type KeyObject, verify as verifySignature } from 'node:crypto';
import type { Database, Querier } from '#db/database.ts';
import { raw, sql } from '#db/sql.ts';
import { type Block, hashOfBlock } from './block.ts';
import { columns, type Entry, entryId, genesis, hashOfEntry } from './entry.ts';
import { keyIdOf, type LastSeal } from './secrets.ts';
import { hashOfSeal, type SealedHead } from './streams.ts';

export type Finding = {
	readonly what: 'changed' | 'removed' | 'inserted' | 'seal';
	/** Names the entry or seal and says what is wrong. */
	readonly text: string;
};

export type Verified = {
	readonly entries: number;
	readonly seals: number;
	readonly findings: readonly Finding[];
	/** Entries that no seal vouches for yet: those since the last seal, and the last of processes that ended without a clean stop. */
	readonly unsealed: number;
};

export type VerifyOptions = {
	/** Public keys whose seals are believed. */
	readonly keys: readonly KeyObject[];
	/** The seal that has to be there. */
	readonly last?: LastSeal | undefined;
	/** Leaves out what is older: for logs whose old months were taken away by their keeper. */
	readonly from?: Date | undefined;
	readonly onProgress?: (entries: number) => void;
};

/** Reads the whole audit as it stands at one moment. What it finds wrong it says; it throws only when the database cannot be read. */
export function verify(db: Database, options: VerifyOptions): Promise<Verified> {
	return db.tx((tx) => verifyWithin(tx, options), { readOnly: true, isolation: 'repeatable read' });
}

async function verifyWithin(db: Querier, options: VerifyOptions): Promise<Verified> {
	const findings: Finding[] = [];
	const seals = await readSeals(db, options, findings);
	const unseen = new Set(seals.streams.keys());
	let entries = 0;
	let unsealed = 0;
	let chain: Chain | undefined;
	const finish = (): void => {
		if (chain === undefined) return;
		unseen.delete(chain.stream);
		unsealed += chain.end();
	};
	let told = 0;
	for await (const link of readLinks(db, options.from)) {
		const { stream, first, last } = link;
		if (chain?.stream !== stream) {
			finish();
			chain = new Chain(stream, seals, findings, options.from !== undefined);
		}
		chain.add(link);
		entries += Math.max(last - first + 1, 0);
		if (entries < told + 10_000) continue;
		options.onProgress?.(entries);
		told = entries;
	}
	finish();
	if (options.from === undefined) for (const stream of unseen) new Chain(stream, seals, findings, false).end();
	return { entries, seals: seals.count, findings, unsealed };
}

type Seals = {
	count: number;
	/** Hashes that were signed, by "stream:seq", with the seal's number. */
	readonly heads: Map<string, { readonly hash: string; readonly n: number }>;
	/** The last that was signed of each stream. */
	readonly streams: Map<number, { readonly seq: number; readonly state: SealedHead[3]; readonly last: number }>;
};

async function readSeals(db: Querier, { keys, last }: VerifyOptions, findings: Finding[]): Promise<Seals> {
	const known = new Map(keys.map((key) => [keyIdOf(key), key]));
	const seals: Seals = { count: 0, heads: new Map(), streams: new Map() };
	let before = { n: 0, hash: genesis.hash };
	let isLastThere = last === undefined;
	const wrong = (n: number, text: string): void => {
		findings.push({ what: 'seal', text: `Seal ${n} ${text}` });
	};
	for (;;) {
		const rows = await db.rows(sql`SELECT n, (extract(epoch FROM at) * 1000000)::int8, heads, key, encode(hash, 'hex'), signature
			FROM audit.seal WHERE n > ${before.n} ORDER BY n LIMIT 1000`);
		if (rows.length === 0) break;
		for (const [n, at, heads, key, hash, signature] of rows as [number, number, string, string, string, Buffer][]) {
			if (n !== before.n + 1) wrong(before.n + 1, n === before.n + 2 ? 'was removed' : `and those up to ${n - 1} were removed`);
			else if (hashOfSeal(before.hash, n, at, heads, key) !== hash) wrong(n, 'was changed, or the one before it was replaced');
			const publicKey = known.get(key);
			if (publicKey === undefined) wrong(n, `is signed by the key ${key}, which is not among those that are trusted`);
			else if (!verifySignature(null, Buffer.from(hash, 'hex'), publicKey, signature)) wrong(n, 'has a signature that is not its own');
			if (n === last?.n && hash === last.hash) isLastThere = true;
			addHeads(seals, n, heads, wrong);
			before = { n, hash };
			seals.count++;
		}
	}
	if (!isLastThere && last !== undefined)
		wrong(
			last.n,
			'was the last that the data folder knows of, and it is not there: the end of the audit was removed, or an older state of the database came back',
		);
	return seals;
}

function addHeads(seals: Seals, n: number, text: string, wrong: (n: number, text: string) => void): void {
	let heads: SealedHead[];
	try {
		heads = JSON.parse(text) as SealedHead[];
	} catch {
		wrong(n, 'cannot be read');
		return;
	}
	for (const [stream, seq, hash, state] of heads) {
		if (seq > 0) seals.heads.set(`${stream}:${seq}`, { hash, n });
		seals.streams.set(stream, { seq, state, last: n });
	}
}

/** An entry, or a block of them. */
type Link = {
	readonly stream: number;
	/** Numbers of its first and its last entry. */
	readonly first: number;
	readonly last: number;
	readonly hash: string;
	/** The hash that it has when it is as it was written and follows the link with this hash. */
	readonly hashAfter: (before: string) => string;
	readonly name: () => string;
};

/** One stream, followed from its first link to its last. */
class Chain {
	readonly stream: number;
	readonly #seals: Seals;
	readonly #findings: Finding[];
	/** The number of the last entry so far. */
	#seq = 0;
	/** The hash that the links that end at #seq have to follow from; undefined when the one before them is not there. */
	#before: string | undefined;
	/** Links that end at #seq: one, unless some were put in. Which is the true one shows when the next is known. */
	#rivals: Link[] = [];

	constructor(stream: number, seals: Seals, findings: Finding[], isPart: boolean) {
		this.stream = stream;
		this.#seals = seals;
		this.#findings = findings;
		if (isPart) this.#seq = -1;
	}

	add(link: Link): void {
		const { first, last } = link;
		if (last === this.#seq && this.#rivals.length > 0) {
			this.#rivals.push(link);
			return;
		}
		const before = this.#seq === 0 ? genesis.hash : this.#settle(link)?.hash;
		const expected = this.#seq < 0 ? first : this.#seq + 1;
		if (first > expected) this.#find('removed', `${span(this.stream, expected, first - 1)}: not there, before ${link.name()}`);
		if (first < expected)
			this.#find(
				'inserted',
				`${link.name()}: ${first < 1 ? 'entries are counted from 1 on' : 'there are others with some of its numbers'}`,
			);
		this.#before = first <= expected && first > 0 && this.#seq >= 0 ? before : undefined;
		this.#seq = Math.max(last, 0);
		this.#rivals = [link];
	}

	/** Says what is wrong with the links that end at #seq and gives the true one. */
	#settle(next: Link | undefined): Link | undefined {
		const signed = this.#seals.heads.get(`${this.stream}:${this.#seq}`);
		const before = this.#before;
		const follows = (link: Link): boolean => before !== undefined && link.hashAfter(before) === link.hash;
		// The true one is what the next follows from and what was signed; of copies that share its hash, the one that makes that hash.
		const marks = (link: Link): number =>
			(next !== undefined && next.hashAfter(link.hash) === next.hash ? 2 : 0) +
			(link.hash === signed?.hash ? 2 : 0) +
			(follows(link) ? 1 : 0);
		const [chosen] = this.#rivals.length > 1 ? this.#rivals.toSorted((a, b) => marks(b) - marks(a)) : this.#rivals;
		for (const link of this.#rivals)
			if (link !== chosen) this.#find('inserted', `${link.name()}: the true entry with this number is another`);
		if (chosen === undefined) return undefined;
		if (before !== undefined && !follows(chosen))
			this.#find(
				'changed',
				`${chosen.name()}: it is not as it was written${chosen.first > 1 ? ', or the one before it was replaced' : ''}`,
			);
		else if (signed !== undefined && signed.hash !== chosen.hash)
			this.#find('changed', `${chosen.name()}: it, or one before it in its stream, is not what seal ${signed.n} has signed`);
		return chosen;
	}

	/** Compares where the stream ends with what was signed; gives the number of entries that no seal vouches for. */
	end(): number {
		this.#settle(undefined);
		const reached = Math.max(this.#seq, 0);
		const sealed = this.#seals.streams.get(this.stream);
		if (sealed === undefined) {
			this.#find('inserted', `${span(this.stream, 1, reached)}: no seal has announced this stream`);
			return 0;
		}
		const { seq, last, state } = sealed;
		if (reached < seq) this.#find('removed', `${span(this.stream, reached + 1, seq)}: not there, though seal ${last} has signed`);
		if (reached <= seq) return 0;
		if (state === 'open') return reached - seq;
		this.#find('inserted', `${span(this.stream, seq + 1, reached)}: after the end of the stream, which seal ${last} has signed`);
		return 0;
	}

	#find(what: Finding['what'], text: string): void {
		this.#findings.push({ what, text });
	}
}

function span(stream: number, first: number, last: number): string {
	return first === last ? `Entry ${first} of stream ${stream}` : `Entries ${first} to ${last} of stream ${stream}`;
}

/** All links, stream by stream. */
async function* readLinks(db: Querier, from: Date | undefined): AsyncGenerator<Link> {
	const tables = [readAll(db, entries, from), readAll(db, blocks, from)];
	const heads = await Promise.all(tables.map(async (table) => (await table.next()).value));
	for (;;) {
		const [entry, block] = heads;
		if (entry === undefined && block === undefined) return;
		const isEntry = block === undefined || (entry !== undefined && (entry.stream - block.stream || entry.last - block.last) <= 0);
		yield (isEntry ? entry : block) as Link;
		const table = isEntry ? 0 : 1;
		heads[table] = (await tables[table]?.next())?.value;
	}
}

/** What holds links: its columns, of which the second and third are the stream and the number of the last entry. */
type Table = { readonly name: string; readonly columns: string; readonly page: number; readonly linkOf: (row: readonly unknown[]) => Link };

const micros = (column: string): string => `CASE WHEN isfinite(${column}) THEN (extract(epoch FROM ${column}) * 1000000)::int8 END`;

const entries: Table = {
	name: 'audit.entry',
	columns: columns.map((name) => (name === 'at' ? micros('at') : name === 'action' ? 'action::text' : name)).join(', '),
	page: 2000,
	linkOf(row) {
		const entry = row.slice(0, columns.length) as unknown as Entry;
		const [at, stream, seq, kind, interaction] = entry;
		return {
			stream,
			first: seq,
			last: seq,
			hash: row[columns.length] as string,
			hashAfter: (before) => hashOfEntry(before, entry),
			name: () => `Entry ${entryId(at, stream, seq)} of ${timeOf(at)} (${kind} ${interaction}, number ${seq} of stream ${stream})`,
		};
	},
};

const blocks: Table = {
	name: 'audit.block',
	columns: `${micros('at')}, stream, seq, ${micros('since')}, count, patients, agents, sources, entries`,
	page: 20,
	linkOf(row) {
		const [at, stream, seq, since, count, patients, agents, sources, text, hash] = row as [
			number,
			number,
			number,
			number,
			number,
			string[],
			string[],
			string,
			string,
			string,
		];
		const block: Block = { at, since, stream, seq, count, patients, agents, sources, entries: text };
		const first = seq - count + 1;
		return {
			stream,
			first,
			last: seq,
			hash,
			hashAfter: (before) => hashOfBlock(before, block),
			name: () =>
				`Block ${entryId(at, stream, seq)} of ${timeOf(since)} to ${timeOf(at)} (${first === seq ? 'number' : `numbers ${first} to`} ${seq} of stream ${stream})`,
		};
	},
};

function timeOf(at: number): string {
	return Math.abs(at) < 8.64e18 && Number.isFinite(at) ? new Date(at / 1000).toISOString() : 'no moment';
}

async function* readAll(db: Querier, { name, columns: selected, page, linkOf }: Table, from: Date | undefined): AsyncGenerator<Link> {
	const since = from === undefined ? sql`true` : sql`at >= ${from}`;
	let after = sql`true`;
	for (;;) {
		const rows = await db.rows(sql`SELECT ${raw(selected)}, encode(hash, 'hex'), at::text FROM ${raw(name)}
			WHERE ${after} AND ${since} ORDER BY stream, seq, at LIMIT ${page}`);
		for (const row of rows) yield linkOf(row);
		const last = rows.at(-1);
		if (last === undefined || rows.length < page) return;
		const [, stream, seq] = last as [unknown, number, number];
		after = sql`(stream, seq, at) > (${stream}::int8, ${seq}::int8, ${last.at(-1)}::timestamptz)`;
	}
}
