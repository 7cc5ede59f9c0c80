// Uri parameters: equal to the letter; `:below` (begins with this), `:above` (this begins with it). https://hl7.org/fhir/R4/search.html#uri
import { type Sql, sql } from '#db/sql.ts';
import type { Modifier, Value } from '#fhir/search/query.ts';
import type { SearchParam } from '#fhir/search/registry.ts';
import { exactKey } from '#fhir/store/keys.ts';
import { anyOf, hasAny, type Row, someString } from './row.ts';
import { startsWith } from './string.ts';

/** The condition that one of the values matches. */
export function uriCondition(row: Row, param: SearchParam, modifier: Modifier | undefined, values: readonly Value[]): Sql {
	if (param.storage.in === 'keys') return hasAny(row, uriKeys(row.fhir.base, param, modifier, values));
	const uris = textsOf(values).map((text) => text.slice(0, 500));
	return someString(row, param, (v) => {
		if (modifier === 'below') return anyOf(uris.map((uri) => (isPath(uri) ? startsWith(v, uri) : sql`${v} = ${uri}`)));
		const wanted = modifier === 'above' ? uris.flatMap(beginnings) : uris;
		return wanted.length === 1 ? sql`${v} = ${wanted[0]}` : sql`${v} = ANY(${wanted}::text[])`;
	});
}

/** The index keys for the values of a uri parameter that is kept as keys; one that is relative stands for one of this server. */
export function uriKeys(base: string, param: SearchParam, modifier: Modifier | undefined, values: readonly Value[]): string[] {
	const texts = textsOf(values).flatMap((text) => (/^[A-Z][A-Za-z]+\/[\w\-.]+$/.test(text) ? [text, `${base}/${text}`] : [text]));
	return (modifier === 'above' ? texts.flatMap(beginnings) : texts).map((text) => exactKey(param.code, text));
}

function textsOf(values: readonly Value[]): string[] {
	return values.map((value) => (value.is === 'uri' ? value.text : ''));
}

/** URNs have no hierarchy. */
function isPath(uri: string): boolean {
	return !/^urn:/i.test(uri);
}

/** The uri and everything it begins with, down to its scheme. */
function beginnings(uri: string): string[] {
	if (!isPath(uri)) return [uri];
	const all: string[] = [];
	for (let end = Math.min(uri.length, 500); end > 0 && uri[end - 1] !== ':'; end--) all.push(uri.slice(0, end));
	return all;
}
