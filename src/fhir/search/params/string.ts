// String parameters: starts with, ignoring case and accents; `:contains`, `:exact`.
// https://hl7.org/fhir/R4/search.html#string
import { raw, type Sql, sql } from '#db/sql.ts';
import type { Modifier, Value } from '#fhir/search/query.ts';
import type { SearchParam } from '#fhir/search/registry.ts';
import { foundByText, searchable, wantedOf } from '#fhir/search/texts.ts';
import { exactKey } from '#fhir/store/keys.ts';
import { allOf, anyOf, column, hasAny, likeText, type Row, someString } from './row.ts';

/** The condition that one of the values matches. */
export function stringCondition(row: Row, param: SearchParam, modifier: Modifier | undefined, values: readonly Value[]): Sql {
	const texts = values.map((value) => (value.is === 'string' ? value.text : ''));
	if (modifier === 'exact')
		return hasAny(
			row,
			texts.map((text) => exactKey(param.code, text)),
		);
	const held = (on: Row): Sql => someString(on, param, (v) => anyOf(texts.map((text) => matches(v, modifier, text))));
	const found = row.mode === 'index' && modifier === 'contains' ? searchable(row.type, texts) : undefined;
	if (found === undefined) return held(row);
	return allOf([foundByText(row.type, column(row, 'rid'), [found]), held({ ...row, mode: 'filter' })]);
}

function matches(v: Sql, modifier: Modifier | undefined, text: string): Sql {
	const wanted = wantedOf(text);
	// Nothing is left of a text that is only punctuation, and nothing is found by it.
	if (wanted === '') return raw('false');
	if (modifier === 'contains') return sql`${v} LIKE ${`%${likeText(wanted)}%`}`;
	return startsWith(v, wanted);
}

/** Begins with this: text from here on up to the last character there is: a range that a btree in C order can walk. */
export function startsWith(v: Sql, text: string): Sql {
	return sql`(${v} >= ${text} AND ${v} <= ${`${text}\u{10FFFF}`})`;
}
