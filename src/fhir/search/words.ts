// Text search: `:text`, `_text` and `_content` find words. Tokens' texts are kept once for each distinct one (fhir.token_text), so that few
// are looked through; they are found first and stand for the keys of the rows that have them. All other text is in fhir.words.
// See docs/decisions/0009-text-search.md.
import type { Querier } from '#db/database.ts';
import { join, raw, type Sql, sql } from '#db/sql.ts';
import type { Fhir } from '#fhir/ctx.ts';
import { normalise } from '#fhir/store/keys.ts';
import { typeNumber } from '#fhir/store/layout.ts';
import { hasWord } from './compile.ts';
import { likeText } from './params/row.ts';
import { tooCostly } from './problems.ts';
import type { Clause } from './query.ts';

type Text = Extract<Clause, { is: 'text' }>;
type Word = Extract<Clause, { is: 'word' }>;

/** Up to this many distinct texts are named. */
const maxTexts = 2000;

/** `:text` of a token or reference as the keys of the texts that have all the words; as it is when there are too many of them. */
export async function resolveText(db: Querier, fhir: Fhir, type: string, clause: Text): Promise<Clause> {
	const { param, words } = clause;
	if (param.type === 'string') return clause;
	const { storage } = param;
	const parts = storage.in === 'union' ? storage.of.flatMap((code) => fhir.registry.param(type, code) ?? []) : [param];
	const likes = words.map((word) => sql`text LIKE ${`%${likeText(normalise(word))}%`}`);
	const numbers = raw(parts.map(({ number }) => number).join(', '));
	const keys = await textKeys(db, fhir, type, sql`p IN (${numbers}) AND ${join(likes, ' AND ')}`);
	return keys === undefined ? clause : { is: 'keys', keys };
}

/** A word of any text with the keys of the tokens' texts that have it. */
export async function resolveWord(db: Querier, fhir: Fhir, type: string, clause: Word): Promise<Clause> {
	if (clause.where === 'narrative') return clause;
	const profile = raw(String(fhir.registry.param(type, '_profile')?.number ?? -1));
	const texts = await textKeys(db, fhir, type, sql`p <> ${profile} AND ${hasWord(raw('text'), clause.word)}`);
	return texts === undefined ? clause : { ...clause, texts };
}

type ParamClause = Extract<Clause, { is: 'param' }>;

/** `:below` of a uri that is kept as a hash, and besides as text. */
export function isBelowListed({ param, modifier }: ParamClause): boolean {
	return modifier === 'below' && param.type === 'uri' && param.storage.in === 'keys';
}

/** The uris in use that begin so. */
export async function resolveBelow(db: Querier, fhir: Fhir, type: string, { param, values }: ParamClause): Promise<Clause> {
	const likes = values.map((value) => sql`text LIKE ${`${likeText(value.is === 'uri' ? value.text : '')}%`}`);
	const keys = await textKeys(db, fhir, type, sql`p = ${raw(String(param.number))} AND (${join(likes, ' OR ')})`);
	if (keys === undefined) throw tooCostly('So many addresses begin so that they cannot be looked for: be more specific.');
	return { is: 'keys', keys };
}

async function textKeys(db: Querier, fhir: Fhir, type: string, condition: Sql): Promise<string[] | undefined> {
	const number = raw(String(typeNumber(fhir.definitions, type)));
	const rows = await db.rows(
		sql`WITH m AS MATERIALIZED (SELECT k FROM fhir.token_text WHERE type = ${number} AND ${condition}) SELECT k::text FROM m LIMIT ${raw(String(maxTexts + 1))}`,
	);
	return rows.length > maxTexts ? undefined : [...new Set(rows.map(([key]) => key as string))];
}
