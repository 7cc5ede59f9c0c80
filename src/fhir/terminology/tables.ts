// What is asked of code systems that are tables: names, hierarchies, and the codes that filters and typed words find. Nothing here grows with
// the size of a system; lists are limited.
import type { Querier } from '#db/database.ts';
import { join, raw, type Sql, sql } from '#db/sql.ts';
import type { Filter } from './code-system.ts';
import { codeKey, isSpoken, lexeme, sortKey, wordsOf } from './words.ts';

/** A system in use. */
export type TableSystem = {
	readonly number: number;
	readonly url: string;
	readonly version: string | undefined;
	readonly name: string;
	readonly title: string;
	readonly complete: boolean;
	readonly hierarchy: boolean;
	readonly concepts: number;
};

export type TableConcept = { readonly code: string; readonly display: string; readonly inactive: boolean; readonly abstract: boolean };

/** Codes of one system that a value set takes. */
export type Selection = {
	readonly system: TableSystem;
	readonly filters: readonly Filter[];
	/** What is left out again: by filters that must all hold, or by code. */
	readonly without: readonly (readonly Filter[] | ReadonlySet<string>)[];
	/** Without what is no longer for use. */
	readonly activeOnly?: true;
};

type SystemRow = Omit<TableSystem, 'version'> & { readonly version: string | null };

/** The system in use with this canonical url (`url` or `url|version`). */
export async function findSystem(db: Querier, canonical: string): Promise<TableSystem | undefined> {
	const [url = '', version] = canonical.split('|');
	const [row] = await db.query<SystemRow>(
		sql`SELECT number, url, version, name, title, complete, hierarchy, concepts FROM terminology.system WHERE url = ${url} AND state = 'active'`,
	);
	if (row === undefined || (version !== undefined && row.version !== version)) return undefined;
	return { ...row, version: row.version ?? undefined };
}

/** Those of the codes that are in the system, by code. */
export async function conceptsByCode(db: Querier, { number }: TableSystem, codes: readonly string[]): Promise<Map<string, TableConcept>> {
	if (codes.length === 0) return new Map();
	const rows = await db.query<TableConcept>(
		sql`SELECT code, display, inactive, abstract FROM terminology.concept WHERE system = ${number} AND code = ANY(${[...codes]}::text[])`,
	);
	return new Map(rows.map((row) => [row.code, row]));
}

export type Detail = TableConcept & {
	readonly definition: string | undefined;
	readonly properties: Readonly<Record<string, string | readonly string[]>>;
	readonly parents: readonly string[];
	readonly children: readonly string[];
	readonly designations: readonly { readonly language: string | null; readonly use: string | null; readonly value: string }[];
};

/** Everything that is known of a code; at most 1,000 children. */
export async function detailOf(db: Querier, { number }: TableSystem, code: string): Promise<Detail | undefined> {
	const [row] = await db.query<TableConcept & { definition: string | null; properties: Detail['properties'] | null }>(
		sql`SELECT code, display, inactive, abstract, definition, properties FROM terminology.concept WHERE system = ${number} AND code = ${code}`,
	);
	if (row === undefined) return undefined;
	const [parents, children, designations] = await Promise.all([
		db.query<{ code: string }>(sql`SELECT parent AS code FROM terminology.parent WHERE system = ${number} AND code = ${code} ORDER BY 1`),
		db.query<{ code: string }>(
			sql`SELECT code FROM terminology.parent WHERE system = ${number} AND parent = ${code} ORDER BY 1 LIMIT 1000`,
		),
		db.query<Detail['designations'][number]>(
			sql`SELECT language, use, value FROM terminology.designation WHERE system = ${number} AND code = ${code} ORDER BY value`,
		),
	]);
	const codes = (list: readonly { code: string }[]) => list.map((one) => one.code);
	return {
		...row,
		definition: row.definition ?? undefined,
		properties: row.properties ?? {},
		parents: codes(parents),
		children: codes(children),
		designations,
	};
}

/** Everything above a code, without itself. */
export function ancestors(number: number, code: string): Sql {
	return sql`WITH RECURSIVE up (code) AS (SELECT parent FROM terminology.parent WHERE system = ${number} AND code = ${code}
		UNION SELECT p.parent FROM terminology.parent p JOIN up ON p.system = ${number} AND p.code = up.code) SELECT code FROM up`;
}

/** Everything below a code, without itself. */
export function descendants(number: number, code: string): Sql {
	return sql`WITH RECURSIVE down (code) AS (SELECT code FROM terminology.parent WHERE system = ${number} AND parent = ${code}
		UNION SELECT p.code FROM terminology.parent p JOIN down ON p.system = ${number} AND p.parent = down.code) SELECT code FROM down`;
}

/** Whether the second code is somewhere above the first. */
export async function isBelow(db: Querier, { number }: TableSystem, code: string, above: string): Promise<boolean> {
	const [row] = await db.query<{ found: boolean }>(sql`SELECT ${above}::text IN (${ancestors(number, code)}) AS found`);
	return row?.found === true;
}

/** The code with what is below (or above) it, at most `limit` of them. */
export async function relatedCodes(db: Querier, { number }: TableSystem, code: string, below: boolean, limit: number): Promise<string[]> {
	const rows = await db.query<{ code: string }>(
		sql`SELECT code FROM (${below ? descendants(number, code) : ancestors(number, code)}) x LIMIT ${limit}`,
	);
	return [code, ...rows.map((row) => row.code)];
}

/** Whether a filter can be worked out on tables. */
export function isKnownFilter({ op = '', property }: Filter): boolean {
	const hierarchical = property === 'concept' || property === 'code';
	return ['is-a', 'descendent-of', 'is-not-a', 'descendent-leaf', 'generalizes'].includes(op)
		? hierarchical
		: ['=', 'in', 'not-in', 'exists'].includes(op);
}

function conditionOf(number: number, { property = '', op, value = '' }: Filter): Sql {
	const list = value.split(',').map((one) => one.trim());
	const self = property === 'concept' || property === 'code';
	switch (op) {
		case 'is-a':
			return sql`(c.code = ${value} OR c.code IN (${descendants(number, value)}))`;
		case 'descendent-of':
			return sql`c.code IN (${descendants(number, value)})`;
		case 'is-not-a':
			return sql`NOT (c.code = ${value} OR c.code IN (${descendants(number, value)}))`;
		case 'generalizes':
			return sql`(c.code = ${value} OR c.code IN (${ancestors(number, value)}))`;
		case 'descendent-leaf':
			return sql`(c.code IN (${descendants(number, value)}) AND NOT EXISTS (SELECT FROM terminology.parent l WHERE l.system = ${number} AND l.parent = c.code))`;
		case '=':
			if (self) return sql`c.code = ${value}`;
			if (property === 'display') return sql`c.display = ${value}`;
			return sql`coalesce(c.properties -> ${property}::text ? ${value}::text, false)`;
		case 'in':
			return self ? sql`c.code = ANY(${list}::text[])` : sql`coalesce(c.properties -> ${property}::text ?| ${list}::text[], false)`;
		case 'not-in':
			return self ? sql`NOT c.code = ANY(${list}::text[])` : sql`NOT coalesce(c.properties -> ${property}::text ?| ${list}::text[], false)`;
		default: {
			const has = sql`coalesce(c.properties ? ${property}::text, false)`;
			return value === 'false' ? sql`NOT ${has}` : has;
		}
	}
}

function belongs({ system, filters, without, activeOnly: always }: Selection, activeOnly: boolean): Sql {
	const { number } = system;
	const every = (list: readonly Filter[]): Sql =>
		list.map((filter) => conditionOf(number, filter)).reduce((a, b) => sql`${a} AND ${b}`, sql`true`);
	const left = without.map((one) =>
		one instanceof Set ? sql`NOT c.code = ANY(${[...one]}::text[])` : sql`NOT (${every(one as readonly Filter[])})`,
	);
	const conditions = [
		sql`c.system = ${number}`,
		...filters.map((filter) => conditionOf(number, filter)),
		...left,
		...(activeOnly || always === true ? [sql`NOT c.inactive`] : []),
	];
	return conditions.reduce((a, b) => sql`${a} AND ${b}`);
}

/** Those of the codes that are in the selection. */
export async function within(db: Querier, selection: Selection, codes: readonly string[]): Promise<TableConcept[]> {
	return db.query<TableConcept>(
		sql`SELECT c.code, c.display, c.inactive, c.abstract FROM terminology.concept c WHERE ${belongs(selection, false)} AND c.code = ANY(${[...codes]}::text[])`,
	);
}

export type Page = { readonly concepts: readonly TableConcept[]; readonly total: number | undefined };

/** Codes in the order of their system. */
export async function listed(
	db: Querier,
	selection: Selection,
	{ offset, count, activeOnly }: { offset: number; count: number; activeOnly: boolean },
): Promise<Page> {
	const where = belongs(selection, activeOnly);
	const whole = selection.filters.length === 0 && selection.without.length === 0 && !activeOnly && selection.activeOnly !== true;
	const concepts =
		count === 0
			? []
			: await db.query<TableConcept>(
					sql`SELECT c.code, c.display, c.inactive, c.abstract FROM terminology.concept c WHERE ${where} ORDER BY c.place LIMIT ${count} OFFSET ${offset}`,
				);
	if (whole) return { concepts, total: selection.system.concepts };
	const [row] = await db.query<{ n: number }>(sql`SELECT count(*)::int4 AS n FROM terminology.concept c WHERE ${where}`);
	return { concepts, total: row?.n };
}

/** How many hits are put in order of how well they fit; of words that more codes have, these are as good as others. */
const ranked = 1000;
const last = '\u{10ffff}';

type Wanted = { readonly offset: number; readonly count: number; readonly activeOnly: boolean };

/**
 * Codes for what somebody types: every word is the beginning of a word of the code, its display or another of its names; or the text is the
 * beginning of the code. Best first: the code itself, its name, names that begin so, short names. `total` is undefined when there are too many
 * to count while somebody types.
 */
export async function typed(db: Querier, selection: Selection, text: string, wanted: Wanted): Promise<Page> {
	const words = wordsOf(text);
	if (words.length === 0) return listed(db, selection, wanted);
	const beginnings = [beginning('key', codeKey(text)), beginning('sort', sortKey(text))].filter((one) => one !== undefined);
	// A common word, or the first letters of one, is in more names than can be put in order: those that begin with it fill the page, and are the
	// best there are.
	if (words.length === 1 && (await isCommon(db, selection.system.number, words[0] as string))) {
		const page = await best(db, selection, text, beginnings, wanted);
		if (page.concepts.length === wanted.count && wanted.count > 0) return { ...page, total: undefined };
	}
	// A letter alone tells nothing beside longer words.
	const telling = words.filter((word) => word.length > 1);
	const query = telling.length === 0 ? undefined : await wordQuery(db, selection.system.number, telling);
	return best(db, selection, text, query === undefined ? beginnings : [...beginnings, sql`c.words @@ ${query}::tsquery`], wanted);
}

async function isCommon(db: Querier, number: number, beginning: string): Promise<boolean> {
	if (beginning.length < 4) return true;
	const [row] = await db.query<{ common: boolean }>(sql`SELECT EXISTS (SELECT FROM terminology.word
		WHERE system = ${number} AND word >= ${beginning} AND word < ${beginning + last} AND concepts >= ${ranked}) AS common`);
	return row?.common === true;
}

/** So many words may begin with one that is typed, to be looked for each by itself. */
const mostWords = 64;

/**
 * What the index of words is asked for beginnings of words. Of several it is asked for the whole words that begin so, as it goes through all that
 * begins with each of them otherwise. Undefined when nothing begins with one of them.
 */
async function wordQuery(db: Querier, number: number, beginnings: readonly string[]): Promise<string | undefined> {
	const open = (word: string): string => `'${lexeme(number, word)}':*`;
	if (beginnings.length === 1) return beginnings.map(open).join();
	const spoken = beginnings.filter(isSpoken);
	const rows = await db.query<{
		beginning: string;
		word: string;
	}>(sql`SELECT b.beginning, w.word FROM unnest(${spoken}::text[]) AS b (beginning)
		CROSS JOIN LATERAL (SELECT word FROM terminology.word WHERE system = ${number} AND word >= b.beginning COLLATE "C"
			AND word < (b.beginning || ${last}::text) COLLATE "C" ORDER BY word LIMIT ${mostWords + 1}) w`);
	const found = Map.groupBy(rows, ({ beginning }) => beginning);
	if (spoken.some((one) => !found.has(one))) return undefined;
	return beginnings
		.map((one) => {
			const words = found.get(one) ?? [];
			if (words.length === 0 || words.length > mostWords) return open(one);
			return `(${words.map(({ word }) => `'${lexeme(number, word)}'`).join(' | ')})`;
		})
		.join(' & ');
}

function beginning(column: 'key' | 'sort', text: string): Sql | undefined {
	const name = raw(`c.${column}`);
	return text === '' ? undefined : sql`${name} >= ${text} AND ${name} < ${text + last}`;
}

/** The codes that meet one of the conditions, those that fit the text best first. */
async function best(
	db: Querier,
	selection: Selection,
	text: string,
	conditions: readonly Sql[],
	{ offset, count, activeOnly }: Wanted,
): Promise<Page> {
	if (conditions.length === 0) return { concepts: [], total: 0 };
	const [key, sort] = [codeKey(text), sortKey(text)];
	const where = belongs(selection, activeOnly);
	const branches = conditions.map(
		(condition) =>
			sql`(SELECT c.code, c.display, c.key, c.sort, c.inactive, c.abstract FROM terminology.concept c WHERE ${where} AND ${condition} LIMIT ${ranked})`,
	);
	// A letter or digit alone finds nothing by itself; among what other words find, names that have it come first (type 2).
	const lone = wordsOf(text).filter((word, _, all) => word.length === 1 && all.length > 1);
	const without = lone.map((word) => sql`(strpos(' ' || sort, ${` ${word}`}) = 0)::int4`).reduce((a, b) => sql`${a} + ${b}`, sql`0::int4`);
	const rows = await db.query<TableConcept & { n: number }>(sql`WITH hits AS MATERIALIZED (${join(branches, ' UNION ')})
		SELECT code, display, inactive, abstract, count(*) OVER ()::int4 AS n FROM hits
		ORDER BY CASE WHEN key = ${key} THEN 0 WHEN sort = ${sort} THEN 1 WHEN inactive THEN 4 WHEN starts_with(sort, ${sort}) THEN 2 ELSE 3 END, ${without}, length(display), sort, code
		LIMIT ${Math.max(count, 1)} OFFSET ${offset}`);
	const total = rows[0]?.n ?? (offset === 0 ? 0 : undefined);
	return {
		concepts: count === 0 ? [] : rows.map(({ n: _, ...concept }) => concept),
		total: total !== undefined && total >= ranked ? undefined : total,
	};
}
