// The door to the record's tables: writes that are versioned and durable when they resolve, reads, and history.
import type { Ctx } from '#access/ctx.ts';
import type { Database, Tx } from '#db/database.ts';
import { openPipeline } from '#db/pipeline.ts';
import type { Sql } from '#db/sql.ts';
import type { Definitions } from '#fhir/definitions/definitions.ts';
import type { Resource, Stored } from '#fhir/resource.ts';
import { batchesAtOnce, createBatches } from './batch.ts';
import { createKnown } from './closing.ts';
import { readHistory } from './history.ts';
import type { Journal } from './journal.ts';
import type { Extract, IndexRow, Key } from './layout.ts';
import { createNumbers, type Numbers } from './numbers.ts';
import { makeReady, type Ready } from './plan.ts';
import { badId, referenceNotFound, unknownType } from './problems.ts';
import { readCurrent, readVersion } from './read.ts';
import { createReads } from './reads.ts';
import { createRids } from './rids.ts';
import { transact, type UnitOptions, writeAlone } from './unit.ts';

/** One write. The store finishes the body: id, meta.versionId and meta.lastUpdated are put in their places. */
export type Write = {
	readonly type: string;
	readonly id: string;
	/** C creates under an id the server chose, U updates or creates under the client's id, D deletes. */
	readonly op: 'C' | 'U' | 'D';
	/** null for D. Never changed by the store. */
	readonly resource: Resource | null;
	/** If-Match: the version that must be the current one; else Problem stale 412 `version-mismatch`. */
	readonly expect?: number;
	/** If-None-Match: *: Problem stale 412 `already-exists` when the resource exists (and is not deleted). */
	readonly ifNoneMatch?: true;
	/** Leaves what exists as it is and gives it back with `unchanged`; for imports that run again. */
	readonly onlyIfAbsent?: boolean;
	/**
	 * Of a create by itself: only while no resource of the type has the index key (one that few have), else Problem stale 412 `key-taken`. Whoever holds the lock
	 * of the text (`Unit.lock`) is waited for.
	 */
	readonly unless?: { readonly lock: string; readonly key: Key };
	/** What the extractor gave for the resource; the store asks its extractor when this is absent. */
	readonly index?: IndexRow | null;
	/** The number the resource is to have, when it is new: one that `takeNumber` gave. */
	readonly number?: number;
	/** The write is the outcome of a patch; only the audit tells it from an update. */
	readonly isPatch?: true;
	/** The server's own word about other writes: the audit is not told of it, nor is looked whether what it refers to is there. */
	readonly isOwn?: true;
	/** Stored with the version that the write makes, when it makes one. */
	readonly companion?: Companion;
};

/**
 * A new resource of the server's own that says something of a version. Neither the audit is told of it, nor is looked whether what it refers
 * to is there: that is the version itself, and who is behind the write.
 */
export type Companion = {
	readonly type: string;
	readonly id: string;
	/** The text after the head (body.ts) and the index row, once the version is known; `rk` is the key of what was written. */
	finish(written: Written, rk: Key): { readonly tail: string; readonly index: IndexRow };
};

/**
 * A version as it now stands. `previous` is the version before, null when the resource did not exist or was deleted.
 * `unchanged`: the write said nothing new (or deleted what was not there), and no version was made. `former`: the body that was deleted.
 */
export type Written = Stored & {
	readonly created: boolean;
	readonly previous: number | null;
	readonly unchanged?: true;
	readonly former?: string;
};

/** A transaction in the hands of its work. */
export type Unit = {
	/** For searches inside the transaction. */
	readonly tx: Tx;
	/** Writes in few statements, answers in the order given; a bad one rejects and the transaction is lost. At most one write per resource in one call. */
	write(writes: readonly Write[]): Promise<Written[]>;
	/** Serialises everything that locks the same text (conditional criteria) until the transaction ends. */
	lock(texts: readonly string[]): Promise<void>;
	/** The current version (or the mark of its delete) as the transaction sees it; nobody else changes it until the transaction ends. */
	read(type: string, id: string): Promise<Stored | undefined>;
	/** Checks references and deletes now, as the end of the transaction will. */
	check(): Promise<void>;
};

/** What a caller may see of a type: a condition on alias `r` of the current row, null for all, 'nothing' for none. */
export type Restriction = Sql | null | 'nothing';

/** Where a page of history ends. */
export type HistoryKey = { readonly updated: number; readonly rid: number; readonly version: number };

export type HistoryQuery = {
	/** One type, or null for the whole system. */
	readonly type: string | null;
	/** One resource of the type. */
	readonly id?: string;
	/** Only versions made at or after this moment (epoch milliseconds). */
	readonly since?: number;
	/** Only versions that were current at some moment of this interval (epoch milliseconds, both ends included). */
	readonly at?: { readonly lo: number; readonly hi: number };
	readonly count: number;
	/** Goes on after this place. */
	readonly after?: HistoryKey;
	/**
	 * What the caller may see of each type. Former versions of a restricted resource are shown only while the current one may be
	 * seen and belongs to the same patient as the version; deleted ones are not shown.
	 */
	readonly restrict?: (type: string) => Restriction;
};

/** Newest first. `next` is there when there is more; `total` only for one resource without filters. */
export type HistoryPage = { readonly entries: readonly Stored[]; readonly next?: HistoryKey; readonly total?: number };

export type Store = {
	/**
	 * Joins other writes in one transaction (group commit) and resolves after its COMMIT; one write's failure touches no other.
	 * Throws Problem stale (412) for If-Match, If-None-Match and `unless`, conflict `still-referenced` (409) for a delete, invalid
	 * `reference-not-found` (422) for references to what does not exist.
	 */
	write(ctx: Ctx, write: Write): Promise<Written>;
	/**
	 * One transaction of its own. `work` runs again from the start when PostgreSQL reports a deadlock, so it must have no effect
	 * outside the unit. References and deletes are checked when it ends: what one write breaks another may mend.
	 */
	transact<T>(ctx: Ctx, work: (unit: Unit) => Promise<T>): Promise<T>;
	/** The current version; a tombstone (op D) when deleted and no restriction is given; undefined when it never was or may not be seen. */
	read(ctx: Ctx, type: string, id: string, restrict?: Restriction): Promise<Stored | undefined>;
	/** One version, restricted as in `history`. */
	vread(ctx: Ctx, type: string, id: string, version: number, restrict?: Restriction): Promise<Stored | undefined>;
	/** Versions, newest first. */
	history(ctx: Ctx, query: HistoryQuery): Promise<HistoryPage>;
	/** Numbers of resources, for dialects that name them so. */
	readonly numbers: Numbers;
	/** A number that no resource has, for one that has to know its own before it is written. */
	takeNumber(): Promise<number>;
	/** What a resource leaves in the index. */
	readonly extract: Extract;
	/** Waits for writes under way and closes the store's own connections. */
	close(): Promise<void>;
};

export type StoreSettings = {
	/** Refuse references to what does not exist and deleting what is referred to. */
	readonly referentialIntegrity: boolean;
};

export type StoreOptions = {
	readonly db: Database;
	readonly definitions: Definitions;
	readonly extract: Extract;
	readonly settings: StoreSettings;
	/** Told of every write, in its transaction. */
	readonly journal?: Journal | undefined;
};

const idShape = /^[A-Za-z0-9\-.]{1,64}$/;

/** Opens the store. The database has to have the tables of schema.ts. */
export function createStore(options: StoreOptions): Store {
	const { db, definitions, extract, settings, journal } = options;
	const pipeline = openPipeline(db, { run: batchesAtOnce, tx: Math.max(2, Math.ceil((db.pool.options.max ?? 10) / 2)) });
	const rids = createRids(db);
	const known = createKnown();
	const reads = createReads();
	const integrity = settings.referentialIntegrity;
	const requireType = (type: string): void => {
		if (!definitions.isResourceType(type)) throw unknownType(type);
	};
	const prepare = (ctx: Ctx, write: Write): Ready => {
		requireType(write.type);
		if (!idShape.test(write.id)) throw badId();
		const ready = makeReady(write, ctx.clock.now().getTime(), extract, ctx);
		if (integrity) {
			const strange =
				ready.index?.references.filter((reference) => !definitions.isResourceType(reference.slice(0, reference.indexOf('/')))) ?? [];
			if (strange.length > 0) throw referenceNotFound(write.resource, strange);
		}
		return ready;
	};
	const unitOptions: UnitOptions = { pipeline, rids, known, definitions, extract, integrity, journal, prepare };
	const alone = (ready: Ready): Promise<Written> => writeAlone(unitOptions, ready);
	const batches = createBatches({ pipeline, rids, known, definitions, extract, integrity, journal, alone });
	return {
		numbers: createNumbers(),
		takeNumber: async () => (await rids.take(1))(),
		extract,
		write: async (ctx, write) => batches.write(prepare(ctx, write)),
		transact: (ctx, work) => transact(unitOptions, ctx, work),
		async read(ctx, type, id, restrict = null) {
			requireType(type);
			return restrict === null ? reads.read(ctx.db, type, id) : readCurrent(ctx.db, type, id, restrict);
		},
		async vread(ctx, type, id, version, restrict = null) {
			requireType(type);
			return readVersion(ctx.db, type, id, version, restrict);
		},
		async history(ctx, query) {
			if (query.type !== null) requireType(query.type);
			return readHistory(ctx.db, query);
		},
		async close() {
			await batches.idle();
			await pipeline.close();
		},
	};
}
