// Text search: `_content`, `_text` and `:text` look for words in what the indexes already keep, the values of string
// parameters and the texts of tokens. See docs/decisions/0020-text-search.md.
import type { Querier } from '#db/database.ts';
import { join, raw, sql } from '#db/sql.ts';
import type { Fhir } from '#fhir/ctx.ts';
import { normalise } from '#fhir/store/keys.ts';
import { likeText, table } from './params/row.ts';
import { tooCostly } from './problems.ts';
import type { Clause } from './query.ts';

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
