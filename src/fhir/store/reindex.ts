// Computes the index rows of a type again, after a search parameter came or changed. Goes through the rows in the order of their ids,
// keeps its place in fhir.reindex, and goes on from there when it was interrupted. Rows written meanwhile are indexed by their writers.
import type { Database, Tx } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import type { Definitions } from '#fhir/definitions/definitions.ts';
import { refKey } from './keys.ts';
import type { IndexRow, TokenText } from './layout.ts';
import { typeNumber } from './layout.ts';
import {
	clearSide,
	clearWords,
	insertLinks,
	insertRanges,
	insertStrings,
	insertTexts,
	insertWords,
	type Of,
	recount,
	setIndex,
} from './statements.ts';
import type { Store } from './store.ts';
import { differences, expectedIndex, lastRid, readStoredRows, type StoredRow, wrongWords } from './stored-index.ts';

export type ReindexProgress = { readonly type: string; readonly done: number; readonly changed: number; readonly finished: boolean };

const rowsAtOnce = 200;

/**
 * Brings the index of every row of the type up to date with the store's extractor. Several processes may do it at the same time: they
 * share the work. Rejects as the database does; called again it goes on where it was.
 */
export async function reindexType(
	db: Database,
	store: Store,
	definitions: Definitions,
	type: string,
	onProgress: (progress: ReindexProgress) => void = () => undefined,
): Promise<ReindexProgress> {
	await startReindex(db, type);
	let changed = 0;
	for (;;) {
		const step = await db.tx((tx) => someRows(tx, store, definitions, type));
		changed += step.changed;
		const progress = { type, done: step.done, changed, finished: step.finished };
		onProgress(progress);
		if (step.finished) return progress;
	}
}

/** Notes that the type has to be gone through, from the first row on; does nothing while that is under way. */
export async function startReindex(db: Database, type: string): Promise<void> {
	const until = await lastRid(db, type);
	await db.execute(sql`INSERT INTO fhir.reindex (type, after_rid, until_rid, done) VALUES (${type}, 0, ${until}, 0)
		ON CONFLICT (type) DO UPDATE SET after_rid = 0, until_rid = excluded.until_rid, done = 0, finished_at = NULL
		WHERE fhir.reindex.finished_at IS NOT NULL`);
}

/** Types whose reindexing was begun and has not come to its end. */
export async function unfinishedReindexes(db: Database): Promise<string[]> {
	const rows = await db.rows(sql`SELECT type FROM fhir.reindex WHERE finished_at IS NULL ORDER BY type`);
	return rows.map(([type]) => type as string);
}

async function someRows(
	tx: Tx,
	store: Store,
	definitions: Definitions,
	type: string,
): Promise<{ done: number; changed: number; finished: boolean }> {
	const [place] = await tx.rows(
		sql`SELECT after_rid, until_rid, done FROM fhir.reindex WHERE type = ${type} AND finished_at IS NULL FOR UPDATE`,
	);
	if (place === undefined) return { done: 0, changed: 0, finished: true };
	const [after, until, before] = place.map(Number) as [number, number, number];
	const rows = await readStoredRows(tx, { type, after, until, limit: rowsAtOnce, lock: true });
	const done = before + rows.length;
	const last = rows.at(-1);
	if (last === undefined) {
		await tx.rows(recount(type));
		await tx.execute(sql`UPDATE fhir.reindex SET finished_at = now() WHERE type = ${type}`);
		return { done, changed: 0, finished: true };
	}
	const changed = await mend(tx, store, definitions, type, rows);
	await tx.execute(sql`UPDATE fhir.reindex SET after_rid = ${last.rid}, done = ${done} WHERE type = ${type}`);
	return { done, changed, finished: false };
}

type Mended = { readonly row: StoredRow; readonly index: IndexRow; readonly wrong: readonly string[] };

async function mend(tx: Tx, store: Store, definitions: Definitions, type: string, rows: readonly StoredRow[]): Promise<number> {
	const expected = rows.flatMap((row) => {
		const index = expectedIndex(row.body, store.extract);
		return index === undefined ? [] : [{ row, index }];
	});
	const words = await wrongWords(
		tx,
		expected.map(({ row, index }) => ({ rid: row.rid, words: index.words })),
	);
	const mended: Mended[] = expected.map(({ row, index }) => ({ row, index, wrong: differences(type, row, index) }));
	const inRow = mended.filter(({ wrong }) => wrong.some((name) => name !== 'strings' && name !== 'ranges'));
	if (inRow.length > 0) {
		const again = inRow.map(({ row, index }) => ({ ...row, index, rk: refKey(`${type}/${row.id}`), op: 'U' as const }));
		await tx.rows(setIndex(type, again));
	}
	await replace(tx, type, mended, 'strings');
	await replace(tx, type, mended, 'ranges');
	await replaceWords(tx, mended, new Set(words));
	await addTexts(tx, definitions, type, mended);
	await addLinks(tx, type, mended);
	return new Set([...words, ...mended.filter(({ wrong }) => wrong.length > 0).map(({ row }) => row.rid)]).size;
}

async function replace(tx: Tx, type: string, mended: readonly Mended[], what: 'strings' | 'ranges'): Promise<void> {
	const of = mended.filter(({ wrong }) => wrong.includes(what));
	if (of.length === 0) return;
	await tx.rows(
		clearSide(
			type,
			what === 'strings' ? '_string' : '_range',
			of.map(({ row }) => row.rid),
		),
	);
	const entries = <T>(list: (index: IndexRow) => readonly T[]): Of<T>[] =>
		of.flatMap(({ row, index }) => list(index).map((entry) => ({ rid: row.rid, entry })));
	await tx.rows(
		what === 'strings'
			? insertStrings(
					type,
					entries(({ strings }) => strings),
				)
			: insertRanges(
					type,
					entries(({ ranges }) => ranges),
				),
	);
}

async function replaceWords(tx: Tx, mended: readonly Mended[], wrong: ReadonlySet<number>): Promise<void> {
	if (wrong.size === 0) return;
	await tx.rows(clearWords([...wrong]));
	const entries = mended.flatMap(({ row, index }) =>
		wrong.has(row.rid) && index.words !== null ? [{ rid: row.rid, entry: index.words }] : [],
	);
	if (entries.length > 0) await tx.rows(insertWords(entries));
}

async function addTexts(tx: Tx, definitions: Definitions, type: string, mended: readonly Mended[]): Promise<void> {
	const texts = new Map<string, TokenText>();
	for (const { index } of mended) for (const text of index.texts) texts.set(`${text.p} ${text.k}`, text);
	const number = typeNumber(definitions, type);
	if (texts.size > 0) await tx.rows(insertTexts([...texts.values()].map((text) => ({ ...text, type: number }))));
}

/** A reference that a new parameter finds has the key of that parameter from now on. */
async function addLinks(tx: Tx, type: string, mended: readonly Mended[]): Promise<void> {
	const names = new Set(mended.flatMap(({ index }) => index.links));
	const links = [...names].map((name) => {
		const [target = '', param = ''] = name.split(' ');
		return { source: type, target, param };
	});
	if (links.length > 0) await tx.rows(insertLinks(links));
}
