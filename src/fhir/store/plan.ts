// From writes and what they meet to the statements that carry them out. No database here: the same plan serves group commit and
// transactions.
import type { Ctx } from '#access/ctx.ts';
import type { Problem } from '#base/problem.ts';
import type { Prepared } from '#db/pipeline.ts';
import type { Resource } from '#fhir/resource.ts';
import { headOf, tailOf } from './body.ts';
import { encodeVersion } from './delta.ts';
import { refKey } from './keys.ts';
import type { Extract, IndexRow, Key, RangeEntry, StringEntry, TokenText } from './layout.ts';
import { alreadyExists, versionMismatch } from './problems.ts';
import { soughtOf } from './sought.ts';
import {
	clearSide,
	clearWords,
	deleteRows,
	type Gone,
	insertRanges,
	insertRows,
	insertStrings,
	insertWords,
	type Of,
	type Row,
	updateRows,
} from './statements.ts';
import type { Companion, Write, Written } from './store.ts';

/** A write made ready: everything that does not hang on what is stored. */
export type Ready = {
	readonly write: Write;
	readonly name: string;
	readonly rk: Key;
	/** null for a delete. */
	readonly index: IndexRow | null;
	readonly tail: string;
	readonly now: number;
	/** Who writes. */
	readonly by: Ctx | undefined;
};

/** What a write meets: the current version or, with op D, the mark of the delete. */
export type Current = {
	readonly rid: number;
	readonly version: number;
	readonly updated: number;
	readonly op: 'C' | 'U' | 'D';
	readonly body: string;
};

/** How a resource ends up: what has to be checked of it. */
export type End = {
	readonly type: string;
	readonly rk: Key;
	readonly deleted: boolean;
	/** The resources it refers to. */
	readonly references: readonly string[];
	/** Those of them that it did not refer to before. */
	readonly added: readonly string[];
	readonly links: readonly string[];
};

export type Plan = {
	/** In the order of the writes: how each will stand after the commit, or why it is refused. */
	readonly outcomes: readonly (Written | Problem)[];
	/** What changes the tables of the types. */
	readonly statements: readonly Prepared[];
	/** The texts by which tokens of a type are found. */
	readonly texts: readonly { readonly on: string; readonly of: readonly TokenText[] }[];
	/** How each resource that changes ends up, by its name ("Type/id"). */
	readonly ends: ReadonlyMap<string, End>;
	/** The bodies of what is deleted, by name. */
	readonly deleted: ReadonlyMap<string, string>;
	/** Types that get a row. */
	readonly types: ReadonlySet<string>;
};

/** Makes a write ready; `now` in epoch milliseconds. */
export function makeReady(write: Write, now: number, extract: Extract, by?: Ctx): Ready {
	const { type, id, resource } = write;
	const name = `${type}/${id}`;
	const rk = refKey(name);
	if (write.op === 'D' || resource === null) return { write, name, rk, index: null, tail: '', now, by };
	const index = write.index ?? extract(resource, id);
	return { write, name, rk, index, tail: tailOf(resource), now, by };
}

/** Whether the outcome hangs on what is stored already. */
export function needsLook({ write }: Ready): boolean {
	return write.op !== 'C';
}

/** How many new row ids a plan may take: a resource that was deleted gets its old one again. */
export function ridsFor(writes: readonly Ready[], found: ReadonlyMap<string, Current>): number {
	let count = 0;
	for (const ready of writes) {
		if (ready.write.op !== 'D' && !(needsLook(ready) && found.has(ready.name))) count++;
		if (ready.write.companion !== undefined) count++;
	}
	return count;
}

type Work = {
	readonly fresh: Row[];
	readonly changed: { readonly row: Row; readonly former: Buffer }[];
	readonly gone: Gone[];
	readonly clear: { readonly strings: number[]; readonly ranges: number[]; readonly words: number[] };
	readonly strings: Of<StringEntry>[];
	readonly ranges: Of<RangeEntry>[];
	readonly words: Of<string>[];
};

/** Plans the writes; `meets` gives what is stored under a name, `takeRid` a new row id. */
export function makePlan(
	writes: readonly Ready[],
	meets: (name: string) => Current | undefined,
	takeRid: () => number,
	extract: Extract,
): Plan {
	const planner = new Planner(takeRid, extract);
	const outcomes = writes.map((ready) => planner.add(ready, needsLook(ready) ? meets(ready.name) : undefined));
	return { outcomes, ...planner.finish() };
}

class Planner {
	readonly #takeRid: () => number;
	readonly #extract: Extract;
	readonly #works = new Map<string, Work>();
	readonly #texts: { readonly on: string; readonly of: readonly TokenText[] }[] = [];
	readonly #ends = new Map<string, End>();
	readonly #deleted = new Map<string, string>();

	constructor(takeRid: () => number, extract: Extract) {
		this.#takeRid = takeRid;
		this.#extract = extract;
	}

	#work(type: string): Work {
		let work = this.#works.get(type);
		if (work === undefined) {
			work = { fresh: [], changed: [], gone: [], clear: { strings: [], ranges: [], words: [] }, strings: [], ranges: [], words: [] };
			this.#works.set(type, work);
		}
		return work;
	}

	add(ready: Ready, met: Current | undefined): Written | Problem {
		const outcome = this.#add(ready, met);
		const { companion } = ready.write;
		if (companion !== undefined && 'version' in outcome && outcome.unchanged !== true) this.#accompany(companion, outcome, ready.rk);
		return outcome;
	}

	#accompany({ type, id, finish }: Companion, written: Written, of: Key): void {
		const { tail, index } = finish(written, of);
		const name = `${type}/${id}`;
		const rk = refKey(name);
		const { updated } = written;
		this.#insert(type, { rid: this.#takeRid(), id, rk, version: 1, updated, op: 'C', body: headOf(type, id, 1, updated) + tail, index });
		this.#note(name, { type, rk, deleted: false, references: index.references, added: [], links: index.links }, index);
	}

	#add(ready: Ready, met: Current | undefined): Written | Problem {
		const { write } = ready;
		const there = met !== undefined && met.op !== 'D';
		if (write.expect !== undefined && (!there || met.version !== write.expect))
			return versionMismatch(write.type, write.id, there ? met.version : null);
		if (write.op === 'D') return this.#remove(ready, met);
		if (there && write.ifNoneMatch === true) return alreadyExists(write.type, write.id);
		return there ? this.#change(ready, met) : this.#create(ready, met);
	}

	#create(ready: Ready, mark: Current | undefined): Written {
		const { write, rk, name, tail } = ready;
		const { type, id } = write;
		const index = ready.index as IndexRow;
		const version = (mark?.version ?? 0) + 1;
		const updated = Math.max(ready.now, mark?.updated ?? 0);
		const rid = mark?.rid ?? write.number ?? this.#takeRid();
		const op = write.op === 'C' ? 'C' : 'U';
		const body = headOf(type, id, version, updated) + tail;
		this.#insert(type, { rid, id, rk, version, updated, op, body, index });
		const added = write.isOwn === true ? [] : soughtOf(type, write.resource, index.references);
		this.#note(name, { type, rk, deleted: false, references: index.references, added, links: index.links }, index);
		return { type, id, rid, version, updated, op, body, created: true, previous: null };
	}

	#insert(type: string, row: Row): void {
		const work = this.#work(type);
		const { rid, index } = row;
		work.fresh.push(row);
		for (const entry of index.strings) work.strings.push({ rid, entry });
		for (const entry of index.ranges) work.ranges.push({ rid, entry });
		if (index.words !== null) work.words.push({ rid, entry: index.words });
	}

	#change(ready: Ready, met: Current): Written {
		const { write, rk, name, tail } = ready;
		const { type, id } = write;
		const { rid } = met;
		const stands = { type, id, rid, version: met.version, updated: met.updated, op: met.op, body: met.body };
		const former = { type, id, version: met.version, updated: met.updated, body: met.body };
		if (write.onlyIfAbsent === true || met.body === headOf(type, id, met.version, met.updated) + tail)
			return { ...stands, created: false, previous: met.version, unchanged: true };
		const index = ready.index as IndexRow;
		const version = met.version + 1;
		const updated = Math.max(ready.now, met.updated);
		const body = headOf(type, id, version, updated) + tail;
		const work = this.#work(type);
		const row: Row = { rid, id, rk, version, updated, op: 'U', body, index };
		work.changed.push({ row, former: encodeVersion(former, { type, id, version, updated, body }) });
		const before = this.#indexOf(met.body);
		if (!sameStrings(before?.strings, index.strings)) {
			work.clear.strings.push(rid);
			for (const entry of index.strings) work.strings.push({ rid, entry });
		}
		if (!sameRanges(before?.ranges, index.ranges)) {
			work.clear.ranges.push(rid);
			for (const entry of index.ranges) work.ranges.push({ rid, entry });
		}
		if (before?.words !== index.words) {
			if (before?.words !== null) work.clear.words.push(rid);
			if (index.words !== null) work.words.push({ rid, entry: index.words });
		}
		const known = new Set(before?.references);
		const { references } = index;
		const added = soughtOf(type, write.resource, references).filter((reference) => !known.has(reference));
		this.#note(name, { type, rk, deleted: false, references, added, links: index.links }, index);
		return { type, id, rid, version, updated, op: 'U', body, created: false, previous: met.version };
	}

	#remove(ready: Ready, met: Current | undefined): Written {
		const { type, id } = ready.write;
		const nothing = { rid: 0, version: 0, updated: ready.now };
		const base = { type, id, op: 'D', body: '', created: false } as const;
		if (met === undefined || met.op === 'D') {
			const { rid, version, updated } = met ?? nothing;
			return { ...base, rid, version, updated, previous: null, unchanged: true };
		}
		const updated = Math.max(ready.now, met.updated);
		const { rid, version, body } = met;
		const work = this.#work(type);
		const former = encodeVersion({ type, id, version, updated: met.updated, body }, undefined);
		work.gone.push({ rid, version, updated, former });
		work.clear.strings.push(rid);
		work.clear.ranges.push(rid);
		work.clear.words.push(rid);
		this.#deleted.set(ready.name, body);
		this.#ends.set(ready.name, { type, rk: ready.rk, deleted: true, references: [], added: [], links: [] });
		return { ...base, rid, version: version + 1, updated, previous: version, former: body };
	}

	#note(name: string, end: End, index: IndexRow): void {
		if (index.texts.length > 0) this.#texts.push({ on: end.type, of: index.texts });
		this.#ends.set(name, end);
	}

	/** The index row of a stored body; undefined when the body cannot be read, and then nothing about it is taken for granted. */
	#indexOf(body: string): IndexRow | undefined {
		try {
			return this.#extract(JSON.parse(body) as Resource);
		} catch {
			return undefined;
		}
	}

	finish(): Omit<Plan, 'outcomes'> {
		const works = [...this.#works].sort(([a], [b]) => (a < b ? -1 : 1));
		return {
			statements: works.flatMap(([type, work]) => statementsOf(type, work)),
			texts: this.#texts,
			ends: this.#ends,
			deleted: this.#deleted,
			types: new Set(works.filter(([, { fresh }]) => fresh.length > 0).map(([type]) => type)),
		};
	}
}

function statementsOf(type: string, { fresh, changed, gone, clear, strings, ranges, words }: Work): Prepared[] {
	const statements: Prepared[] = [];
	if (gone.length > 0) {
		gone.sort((a, b) => a.rid - b.rid);
		statements.push(deleteRows(type, gone));
	}
	if (changed.length > 0) {
		changed.sort((a, b) => a.row.rid - b.row.rid);
		statements.push(
			updateRows(
				type,
				changed.map(({ row }) => row),
				changed.map(({ former }) => former),
			),
		);
	}
	if (fresh.length > 0) statements.push(insertRows(type, fresh));
	if (clear.strings.length > 0) statements.push(clearSide(type, '_string', clear.strings));
	if (clear.ranges.length > 0) statements.push(clearSide(type, '_range', clear.ranges));
	if (strings.length > 0) statements.push(insertStrings(type, strings));
	if (ranges.length > 0) statements.push(insertRanges(type, ranges));
	if (clear.words.length > 0) statements.push(clearWords(clear.words));
	if (words.length > 0) statements.push(insertWords(words));
	return statements;
}

function sameStrings(a: readonly StringEntry[] | undefined, b: readonly StringEntry[]): boolean {
	return a?.length === b.length && a.every(({ p, v }, i) => p === b[i]?.p && v === b[i]?.v);
}

function sameRanges(a: readonly RangeEntry[] | undefined, b: readonly RangeEntry[]): boolean {
	return a?.length === b.length && a.every(({ p, k, lo, hi }, i) => p === b[i]?.p && k === b[i]?.k && lo === b[i]?.lo && hi === b[i]?.hi);
}
