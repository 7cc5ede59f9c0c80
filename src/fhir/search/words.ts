// Text search: `_content`, `_text` and `:text` look for words in what the indexes already keep, the values of string
// parameters and the texts of tokens. See docs/decisions/0020-text-search.md.
import type { Querier } from '#db/database.ts';
import { join, raw, sql } from '#db/sql.ts';
import type { Fhir } from '#fhir/ctx.ts';
import { normalise } from '#fhir/store/keys.ts';
import { likeText, table } from './params/row.ts';
import { tooCostly } from './problems.ts';
import { type Clause, never } from './query.ts';

type Words = Extract<Clause, { is: 'words' }>;

const maxKeys = 5000;
const maxRows = 1000;

/** The clause as keys of token texts and rows with such strings; what is found too often stays a condition on the row. */
export async function resolveWords(db: Querier, fhir: Fhir, type: string, clause: Words): Promise<Clause> {
	if (clause.param?.type === 'token' || clause.param?.type === 'reference')
		return tokenKeys(db, fhir, type, clause.param.number, clause.words);
	const each: Clause[] = [];
	for (const word of clause.words) {
		const keys = await tokenKeys(db, fhir, type, undefined, [word]);
		each.push({ is: 'any', of: [keys, await stringRows(db, type, word)] });
	}
	return each.length === 1 ? (each[0] as Clause) : { is: 'all', of: each };
}

/** The keys of the distinct texts that have all the words. Throws Problem invalid `search-too-costly` when there are too many. */
async function tokenKeys(db: Querier, fhir: Fhir, type: string, p: number | undefined, words: readonly string[]): Promise<Clause> {
	const number = typeNumber(fhir, type);
	const likes = join(
		words.map((word) => sql`text LIKE ${pattern(word)}`),
		' AND ',
	);
	const which = p === undefined ? raw('') : sql`AND p = ${p}`;
	const rows = await db.rows(
		sql`SELECT k::text FROM fhir.token_text WHERE type = ${number} ${which} AND ${likes} LIMIT ${raw(String(maxKeys + 1))}`,
	);
	if (rows.length > maxKeys) throw tooCostly('So many texts have these words that they cannot be looked for: be more specific.');
	return { is: 'keys', keys: [...new Set(rows.map(([key]) => key as string))] };
}

/** The rows whose strings have the word, when there are few; else the word as a condition. */
async function stringRows(db: Querier, type: string, word: string): Promise<Clause> {
	const rows = await db.rows(
		sql`SELECT DISTINCT rid FROM ${table(type, 'string')} WHERE v LIKE ${pattern(word)} LIMIT ${raw(String(maxRows + 1))}`,
	);
	if (rows.length > maxRows) return { is: 'words', param: undefined, words: [word] };
	return rows.length === 0 ? never : { is: 'rows', rids: rows.map(([rid]) => Number(rid)) };
}

function pattern(word: string): string {
	return `%${likeText(normalise(word))}%`;
}
