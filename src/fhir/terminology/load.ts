// A code system into its tables: written beside the version in use, put in its place when it is whole.
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import { Problem } from '#base/problem.ts';
import type { Database, Querier, Tx } from '#db/database.ts';
import { raw, sql } from '#db/sql.ts';
import { codeKey, isSpoken, lexeme, partsOf, sortKey, wordsOf } from './words.ts';

/** What a file says of a concept. */
export type LoadedConcept = {
	readonly code: string;
	readonly display: string;
	readonly definition?: string | undefined;
	readonly inactive?: boolean;
	readonly abstract?: boolean;
	readonly parents?: readonly string[];
	readonly designations?: readonly LoadedDesignation[];
	readonly properties?: Readonly<Record<string, string | readonly string[]>>;
};

export type LoadedDesignation = { readonly value: string; readonly language?: string | undefined; readonly use?: string | undefined };

/** What it says of the system. */
export type LoadedSystem = {
	readonly url: string;
	readonly version: string | undefined;
	readonly name: string;
	readonly title: string;
	readonly origin: string;
	readonly complete: boolean;
	readonly copyright?: string | undefined;
};

export type SystemRow = {
	readonly number: number;
	readonly url: string;
	readonly version: string | undefined;
	readonly name: string;
	readonly title: string;
	readonly origin: string;
	readonly state: 'loading' | 'active' | 'former';
	readonly complete: boolean;
	readonly hierarchy: boolean;
	readonly concepts: number;
	readonly copyright: string | undefined;
	readonly loadedAt: Date;
};

const batchSize = 2000;

/**
 * Loads a system and puts it in the place of the version in use, which becomes the former one. Concepts are taken as they come, so memory
 * does not grow with them; what is loaded halfway is removed. Throws Problem invalid `terminology-empty`, `terminology-code-twice`.
 */
export async function loadSystem(
	db: Database,
	system: LoadedSystem,
	concepts: AsyncIterable<LoadedConcept> | Iterable<LoadedConcept>,
	onProgress: (done: number) => void = () => undefined,
): Promise<SystemRow> {
	const number = await begin(db, system);
	try {
		const { count, hierarchy } = await copyAll(db, number, concepts, onProgress);
		if (count === 0) throw new Problem('invalid', 'terminology-empty', 'There is no code in the file.');
		return await db.tx(async (tx) => {
			await tx.execute(sql`UPDATE terminology.system SET concepts = ${count}, hierarchy = ${hierarchy} WHERE number = ${number}`);
			return activate(tx, number);
		});
	} catch (error) {
		await removeNumbers(db, [number]).catch(() => undefined);
		if ((error as { code?: string }).code === '23505')
			throw new Problem('invalid', 'terminology-code-twice', `A code is in the file twice: ${(error as { detail?: string }).detail ?? ''}`);
		throw error;
	}
}

async function begin(db: Querier, { url, version, name, title, origin, complete, copyright }: LoadedSystem): Promise<number> {
	const [row] = await db.query<{
		number: number;
	}>(sql`INSERT INTO terminology.system (url, version, name, title, origin, state, complete, copyright)
		VALUES (${url}, ${version ?? null}, ${name}, ${title}, ${origin}, 'loading', ${complete}, ${copyright ?? null}) RETURNING number`);
	return (row as { number: number }).number;
}

async function copyAll(
	db: Database,
	number: number,
	concepts: AsyncIterable<LoadedConcept> | Iterable<LoadedConcept>,
	onProgress: (done: number) => void,
): Promise<{ count: number; hierarchy: boolean }> {
	let [count, hierarchy] = [0, false];
	let batch: LoadedConcept[] = [];
	const counts: WordCounts = new Map();
	const flush = async (): Promise<void> => {
		const rows = batch.map((concept, index) => ({ system: number, place: count - batch.length + index, concept }));
		batch = [];
		await db.tx((tx) => copyConcepts(tx, rows, counts));
		onProgress(count);
	};
	for await (const concept of concepts) {
		batch.push(concept);
		count += 1;
		hierarchy ||= (concept.parents?.length ?? 0) > 0;
		if (batch.length === batchSize) await flush();
	}
	if (batch.length > 0) await flush();
	await saveWords(db, counts);
	await db.execute(raw('ANALYZE terminology.concept, terminology.parent, terminology.designation, terminology.word'));
	return { count, hierarchy };
}

/** A concept at its place in a system. */
export type Placed = { readonly system: number; readonly place: number; readonly concept: LoadedConcept };

/** Writes concepts with all that belongs to them but their words, which are added to `counts`. */
export async function copyConcepts(tx: Tx, rows: readonly Placed[], counts: WordCounts): Promise<void> {
	await copyRows(
		tx,
		'concept (system, code, display, key, sort, place, inactive, abstract, definition, properties, words)',
		rows.map((row) => {
			const words = wordsFor(row.concept);
			for (const word of words) {
				if (!isSpoken(word)) continue;
				const name = lexeme(row.system, word);
				counts.set(name, (counts.get(name) ?? 0) + 1);
			}
			return conceptRow(row, words);
		}),
	);
	await copyRows(
		tx,
		'designation (system, code, language, use, value)',
		rows.flatMap(({ system, concept: { code, designations = [] } }) =>
			designations.map(({ language, use, value }) => [system, code, language, use, value]),
		),
	);
	await copyRows(
		tx,
		'parent (system, code, parent)',
		rows.flatMap(({ system, concept: { code, parents = [] } }) => [...new Set(parents)].map((parent) => [system, code, parent])),
	);
}

/** The words by which a concept is found. */
function wordsFor({ code, display, designations = [] }: LoadedConcept): ReadonlySet<string> {
	return new Set([...wordsOf(display), ...designations.flatMap(({ value }) => wordsOf(value)), ...wordsOf(code)]);
}

/** How many concepts have each word of a language, by the words as the index has them. */
export type WordCounts = Map<string, number>;

const wordsAtOnce = 10_000;

/** Writes down the words of systems that are loaded. */
export async function saveWords(db: Querier, counts: WordCounts): Promise<void> {
	const list = [...counts].map(([name, concepts]) => ({ ...partsOf(name), concepts }));
	for (let from = 0; from < list.length; from += wordsAtOnce) {
		const some = list.slice(from, from + wordsAtOnce);
		await db.execute(sql`INSERT INTO terminology.word (system, word, concepts) SELECT * FROM unnest(
			${some.map(({ system }) => system)}::int4[], ${some.map(({ word }) => word)}::text[], ${some.map(({ concepts }) => concepts)}::int4[])`);
	}
}

function conceptRow({ system, place, concept }: Placed, words: ReadonlySet<string>): Cell[] {
	const { code, display, definition, inactive = false, abstract = false, properties } = concept;
	const vector = [...words].map((word) => `'${lexeme(system, word)}'`).join(' ');
	const more = properties === undefined ? undefined : JSON.stringify(properties);
	return [system, code, display, codeKey(code), sortKey(display), place, inactive, abstract, definition, more, vector];
}

type Cell = string | number | boolean | undefined;

async function copyRows(tx: Tx, into: string, rows: readonly (readonly Cell[])[]): Promise<void> {
	if (rows.length === 0) return;
	const text = rows.map((row) => `${row.map(cell).join('\t')}\n`).join('');
	await pipeline(Readable.from([text]), tx.client.query(copyFrom(`COPY terminology.${into} FROM STDIN`)));
}

/** https://www.postgresql.org/docs/18/sql-copy.html (text format) */
function cell(value: Cell): string {
	if (value === undefined) return '\\N';
	return typeof value === 'string'
		? value.replace(/[\\\t\n\r]/g, (sign) => ({ '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' })[sign] as string)
		: String(value);
}

/** What is whole comes in use; what was in use is the former version, and the one before that is removed. */
async function activate(tx: Tx, number: number): Promise<SystemRow> {
	const row = await systemNumbered(tx, number);
	await tx.execute(sql`SELECT pg_advisory_xact_lock(hashtextextended(${row.url}, 4833121))`);
	const former = await tx.query<{ number: number }>(sql`SELECT number FROM terminology.system WHERE url = ${row.url} AND state = 'former'`);
	await removeNumbers(
		tx,
		former.map((one) => one.number),
	);
	await tx.execute(sql`UPDATE terminology.system SET state = 'former' WHERE url = ${row.url} AND state = 'active'`);
	await tx.execute(sql`UPDATE terminology.system SET state = 'active' WHERE number = ${number}`);
	return { ...row, state: 'active' };
}

/** Puts the former version of a system in use again and removes the present one. Throws Problem not-found `terminology-no-former`. */
export async function rollBack(db: Database, url: string): Promise<SystemRow> {
	return db.tx(async (tx) => {
		await tx.execute(sql`SELECT pg_advisory_xact_lock(hashtextextended(${url}, 4833121))`);
		const rows = (await listSystems(tx)).filter((row) => row.url === url);
		const former = rows.find(({ state }) => state === 'former');
		if (former === undefined) throw new Problem('not-found', 'terminology-no-former', `There is no former version of ${url}.`);
		await removeNumbers(
			tx,
			rows.filter(({ state }) => state === 'active').map(({ number }) => number),
		);
		await tx.execute(sql`UPDATE terminology.system SET state = 'active' WHERE number = ${former.number}`);
		return { ...former, state: 'active' };
	});
}

/** Removes all versions of a system; false when there is none. */
export async function removeSystem(db: Database, url: string): Promise<boolean> {
	return db.tx(async (tx) => {
		const rows = (await listSystems(tx)).filter((row) => row.url === url);
		await removeNumbers(
			tx,
			rows.map(({ number }) => number),
		);
		return rows.length > 0;
	});
}

export async function removeNumbers(db: Querier, numbers: readonly number[]): Promise<void> {
	for (const table of ['parent', 'designation', 'word', 'concept'])
		await db.execute(sql`DELETE FROM terminology.${raw(table)} WHERE system = ANY(${[...numbers]}::int4[])`);
	await db.execute(sql`DELETE FROM terminology.system WHERE number = ANY(${[...numbers]}::int4[])`);
}

type Row = {
	number: number;
	url: string;
	version: string | null;
	name: string;
	title: string;
	origin: string;
	state: SystemRow['state'];
	complete: boolean;
	hierarchy: boolean;
	concepts: number;
	copyright: string | null;
	loaded_at: Date;
};

function systemOfRow({ loaded_at: loadedAt, version, copyright, ...row }: Row): SystemRow {
	return { ...row, version: version ?? undefined, copyright: copyright ?? undefined, loadedAt };
}

/** All versions of all systems. */
export async function listSystems(db: Querier): Promise<SystemRow[]> {
	return (await db.query<Row>(sql`SELECT * FROM terminology.system ORDER BY url, state, number`)).map(systemOfRow);
}

async function systemNumbered(db: Querier, number: number): Promise<SystemRow> {
	const [row] = await db.query<Row>(sql`SELECT * FROM terminology.system WHERE number = ${number}`);
	if (row === undefined) throw new Problem('conflict', 'terminology-gone', 'Somebody removed the code system while it was loaded.');
	return systemOfRow(row);
}
