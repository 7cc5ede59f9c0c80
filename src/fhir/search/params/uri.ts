// Uri parameters: equal to the letter; `:below` (under this path), `:above` (this or a path it is under).
// https://hl7.org/fhir/R4/search.html#uri
import { type Sql, sql } from '#db/sql.ts';
import type { Modifier, Value } from '#fhir/search/query.ts';
import type { SearchParam } from '#fhir/search/registry.ts';
import { exactKey } from '#fhir/store/keys.ts';
import { anyOf, hasAny, type Row, someString } from './row.ts';
import { startsWith } from './string.ts';

/** The condition that one of the values matches. */
export function uriCondition(row: Row, param: SearchParam, modifier: Modifier | undefined, values: readonly Value[]): Sql {
	const texts = values.map((value) => (value.is === 'uri' ? value.text : ''));
	if (param.storage.in === 'keys')
		return hasAny(
			row,
			(modifier === 'above' ? texts.flatMap(upwards) : texts).map((text) => exactKey(param.code, text)),
		);
	const uris = texts.map((text) => text.slice(0, 500));
	return someString(row, param, (v) => {
		if (modifier === 'below')
			return anyOf(uris.map((uri) => sql`(${v} = ${uri} OR ${startsWith(v, uri.endsWith('/') ? uri : `${uri}/`)})`));
		const wanted = modifier === 'above' ? uris.flatMap(upwards) : uris;
		return wanted.length === 1 ? sql`${v} = ${wanted[0]}` : sql`${v} = ANY(${wanted}::text[])`;
	});
}

/** The uri and every path above it, as long as there is a path. */
function upwards(uri: string): string[] {
	const start = uri.indexOf('://');
	const all = [uri];
	for (let end = uri.lastIndexOf('/'); end > (start < 0 ? 0 : start + 2); end = uri.lastIndexOf('/', end - 1)) {
		all.push(uri.slice(0, end), uri.slice(0, end + 1));
	}
	return all;
}
