// Parts of strings (`:contains`, `:text`) by the one text that all strings of a row are together (fhir/store/layout.ts): an index of its
// trigrams finds rows that have all the parts, whatever parameters these were asked of. Each parameter is then asked by itself.
import { join, raw, type Sql, sql } from '#db/sql.ts';
import { normalise } from '#fhir/store/keys.ts';
import { allStrings, foundByParts, stretchBits } from '#fhir/store/layout.ts';
import { likeText, type Row, table } from './params/row.ts';
import type { Clause } from './query.ts';

/** The first and the last of some stretches of row ids. */
export type Window = { readonly first: Sql; readonly last: Sql };

/** The texts one of which a row must have in its strings; undefined when no index knows: for other types, and for texts too short. */
export function searchable(type: string, texts: readonly string[]): readonly string[] | undefined {
	if (!foundByParts.has(type) || texts.length === 0) return undefined;
	const wanted = texts.map(wantedOf);
	return wanted.every((text) => trigram.test(text)) ? wanted : undefined;
}

/** What a string is compared with. */
export function wantedOf(text: string): string {
	return normalise(text).slice(0, 500);
}

const trigram = /[\p{L}\p{N}]{3}/u;

/** The row's text may have, of each list, one text in it: for where the index of trigrams is to find the rows. */
export function foundByText(type: string, rid: Sql, wanted: readonly (readonly string[])[]): Sql {
	return sql`${rid} IN (${textsWith(type, wanted)})`;
}

/** The parts that ask for a part of a string, as texts all of which the row's text must have; undefined when these cannot lead a search. */
export function textsOf({ type, inside }: Row, parts: readonly Clause[]): readonly string[] | undefined {
	if (inside !== undefined) return undefined;
	const each = parts.map((part) => textsIn(type, part));
	// One text at the beginning of a string is better found by that.
	const leads = each.filter((texts) => texts.length > 0).length > 1 || parts.some((part, i) => each[i]?.length !== 0 && !isBeginning(part));
	return leads ? each.flat() : undefined;
}

/** Whether the part is among those that `textsOf` takes. */
export function isInTexts(type: string, part: Clause): boolean {
	return textsIn(type, part).length > 0;
}

function textsIn(type: string, part: Clause): readonly string[] {
	if (part.is !== 'param' && part.is !== 'text') return [];
	const { param } = part;
	if (param.type !== 'string' || param.storage.in !== 'string') return [];
	if (part.is === 'text') return part.words.flatMap((word) => searchable(type, [word]) ?? []);
	const [value, ...others] = part.values;
	if (value?.is !== 'string' || others.length > 0 || (part.modifier !== undefined && part.modifier !== 'contains')) return [];
	return searchable(type, [value.text]) ?? [];
}

function isBeginning(part: Clause): boolean {
	return part.is === 'param' && part.modifier === undefined;
}

/**
 * Whether texts are so rare, by the look of them, that all rows that have them are found as cheaply as those in a window: several together,
 * and a house number with its street.
 */
export function lookRare(texts: readonly string[]): boolean {
	return texts.length > 1 || texts.some((text) => /\d \p{L}/u.test(text));
}

/** As much of a text as tells it from most others: with every further trigram the index has a further list to go through. */
function beginningOf(text: string): string {
	const enough = Math.max(6, (trigram.exec(text)?.index ?? 0) + 3);
	// Half a character is none.
	return text.slice(0, enough).replace(/[\uD800-\uDBFF]$/, '');
}

/** That the text `a` of a row has this one in it, of which the index is shown no more than it needs. */
function hasText(text: string): Sql {
	const beginning = beginningOf(text);
	// As a subquery, so that the planner neither sees the text nor plans anew for each.
	const found = sql`a.v LIKE (SELECT ${`%${likeText(beginning)}%`}::text)`;
	return beginning === text ? found : sql`(${found} AND strpos(a.v, ${text}) > 0)`;
}

/** The row ids of those whose texts have, of each list, one text in them, by whatever parameter. */
export function textsWith(type: string, wanted: readonly (readonly string[])[], within: Sql = raw('true')): Sql {
	const likes = wanted.map((texts) => {
		const each = texts.map(hasText);
		return each.length === 1 ? (each[0] as Sql) : sql`(${join(each, ' OR ')})`;
	});
	return sql`SELECT a.rid FROM ${table(type, 'string')} a WHERE a.p = ${raw(String(allStrings))} AND ${within} AND ${join(likes, ' AND ')}`;
}

/** A window has no more row ids than this, however thinly rows are spread: each stretch is looked up in the index. */
export const widestWindow = 64 << stretchBits;

/** The stretch of row ids in which a row is. */
export function stretchOf(rid: Sql): Sql {
	return sql`${rid} >> ${raw(String(stretchBits))}`;
}

/** That a text `a` is in the window, as the index knows it. */
export function inWindow({ first, last }: Window): Sql {
	return sql`ARRAY[${stretchOf(raw('a.rid'))}] && ARRAY(SELECT generate_series(${first}, ${last}))`;
}
