// A clause on one type to its SQL condition on a row; each parameter type writes its own in params/.
import { join, raw, type Sql, sql } from '#db/sql.ts';
import { normalise, paramSalt } from '#fhir/store/keys.ts';
import { typeNumber } from '#fhir/store/layout.ts';
import { compositeCondition } from './params/composite.ts';
import { dateCondition } from './params/date.ts';
import { numberParamCondition } from './params/number.ts';
import { quantityCondition } from './params/quantity.ts';
import { patientColumn, referenceCondition, referenceKeys } from './params/reference.ts';
import { allOf, another, anyOf, column, hasAny, isNotTrue, isPresent, likeText, type Row, someString, table } from './params/row.ts';
import { specialCondition } from './params/special.ts';
import { stringCondition } from './params/string.ts';
import { tokenCondition } from './params/token.ts';
import { uriCondition } from './params/uri.ts';
import type { Clause, Modifier, Value } from './query.ts';
import type { SearchParam } from './registry.ts';
import { foundByText, searchable } from './texts.ts';

/** The condition that the row meets the clause. */
export function conditionOf(row: Row, clause: Clause): Sql {
	if (row.inside !== undefined && !insideKinds.has(clause.is)) return raw('false');
	switch (clause.is) {
		case 'param':
			return paramCondition(row, clause.param, clause.modifier, clause.values);
		case 'missing':
			return clause.missing ? isNotTrue(presence(row, paramOf(row, clause.param))) : presence(row, paramOf(row, clause.param));
		case 'any':
			return row.mode === 'index' && clause.of.some(isText)
				? inOneOf(row, clause.of)
				: anyOf(clause.of.map((part) => conditionOf(row, part)));
		case 'all':
			return allOf(clause.of.map((part) => conditionOf(row, part)));
		case 'not':
			return clause.of.is === 'kindred' ? notKindred(row, clause.of) : isNotTrue(conditionOf(row, clause.of));
		case 'chain':
		case 'leads':
			return anyOf(clause.links.map((link) => chainCondition(row, clause.param, link.type, link.clause)));
		case 'kindred':
			return isNotTrue(notKindred(row, clause));
		case 'inside':
			return insideCondition(row, clause.param, clause.type, clause.clause);
		case 'has':
			return hasCondition(row, clause.type, clause.param, clause.clause);
		case 'refers':
			return refersCondition(row, clause.param, clause.type, clause.keys);
		case 'one-of':
			return keysIn(column(row, 'rk'), clause.keys);
		case 'rows':
			return sql`${column(row, 'rid')} = ANY(${clause.rids}::int8[])`;
		case 'keys':
			return hasAny(row, clause.keys);
		case 'patient':
			return patientCondition(row, clause.key, clause.also);
		case 'secured':
			return securedCondition(row, clause.by);
		case 'secured-as':
			return securedAsCondition(row, clause.type, clause.clause);
		case 'listed':
			return listedCondition(row, clause.id, clause.restrict);
		case 'text':
			return textCondition(row, clause.param, clause.words);
		case 'word':
			return wordCondition(row, clause);
		case 'kin':
			throw new Error('a hierarchy is resolved before it is compiled');
	}
}

/** Within JSON strings every quote is escaped, so that this text can only be the member itself. */
function securedCondition(row: Row, by: string): Sql {
	return sql`strpos(${column(row, 'body')}, ${`"securityContext":{"reference":${JSON.stringify(by)}}`}) > 0`;
}

function securedAsCondition(row: Row, type: string, clause: Clause): Sql {
	const target = another(row, type, 'filter');
	const named = `"securityContext":\\{"reference":"${type}/([A-Za-z0-9.-]{1,64})"\\}`;
	return sql`EXISTS (SELECT 1 FROM ${table(type)} ${raw(target.alias)} WHERE ${column(target, 'id')} = substring(${column(row, 'body')} from ${named}::text) AND ${conditionOf(target, clause)})`;
}

/** What can be asked of a contained resource: nothing refers to it, and it is no row of its own. */
const insideKinds: ReadonlySet<Clause['is']> = new Set(['param', 'missing', 'text', 'any', 'all', 'not', 'refers', 'keys']);

/** The row refers by the parameter to a contained resource of the type that meets the clause. */
function insideCondition(row: Row, param: SearchParam, type: string, clause: Clause): Sql {
	const inner: Row = { ...row, inside: { param, type } };
	// A resource without a value has no key for it, but it has this one.
	return allOf([hasAny(inner, ['']), conditionOf(inner, clause)]);
}

/** A parameter as a contained resource has it: nothing of it is in columns. */
function paramOf(row: Row, param: SearchParam): SearchParam {
	return row.inside === undefined ? param : (row.fhir.registry.plain(row.inside.type).get(param.code) ?? param);
}

function paramCondition(row: Row, asked: SearchParam, modifier: Modifier | undefined, values: readonly Value[]): Sql {
	const param = paramOf(row, asked);
	if (row.inside !== undefined && param.storage.in === 'column') return raw('false');
	if (param.storage.in === 'union') {
		const parts = partsOfUnion(row, param);
		if (modifier === 'not') return isNotTrue(anyOf(parts.map((part) => paramCondition(row, part, undefined, values))));
		return anyOf(parts.map((part) => paramCondition(row, part, modifier, values)));
	}
	switch (param.type) {
		case 'string':
			return stringCondition(row, param, modifier, values);
		case 'uri':
			return uriCondition(row, param, modifier, values);
		case 'token':
			return tokenCondition(row, param, modifier, values);
		case 'reference':
			return referenceCondition(row, param, modifier, values);
		case 'date':
			return dateCondition(row, param, values);
		case 'number':
			return numberParamCondition(row, param, values);
		case 'quantity':
			return quantityCondition(row, param, values);
		case 'composite':
			return compositeCondition(row, param, values, (on, part, of) => paramCondition(on, part, undefined, of));
		case 'special':
			return specialCondition(row, param, values);
	}
}

function presence(row: Row, param: SearchParam): Sql {
	const { storage } = param;
	if (storage.in === 'column') return raw('true');
	if (storage.in === 'union') {
		return anyOf(partsOfUnion(row, param).map((part) => presence(row, part)));
	}
	return isPresent(row, param);
}

/** The row refers by the parameter to a row of `type` that meets the clause: a semi-join, for sets too large to name. */
function chainCondition(row: Row, param: SearchParam, type: string, clause: Clause): Sql {
	const target = another(row, type, row.mode);
	const from = sql`SELECT 1 FROM ${table(type)} ${raw(target.alias)}`;
	const inner = conditionOf(target, clause);
	const ways: Sql[] = [];
	const pat = patientColumn(param);
	if (pat !== undefined && type === 'Patient') {
		ways.push(sql`EXISTS (${from} WHERE ${column(target, 'rk')} = ${column(row, 'pat')} AND ${inner})`);
	}
	if (pat === undefined || pat.also || type !== 'Patient') {
		const salt = raw(paramSalt(param.code));
		ways.push(
			sql`EXISTS (SELECT 1 FROM unnest(${column(row, 'keys')}) AS k JOIN ${table(type)} ${raw(target.alias)} ON ${column(target, 'rk')} = k - ${salt} WHERE ${inner})`,
		);
	}
	return anyOf(ways);
}

/**
 * The row refers to no such row of its patient. Of patients who are named those rows are found once; else it is an anti-join, so that where
 * many rows are looked at the few that are not to be referred to are found once. What is of no patient is asked by its keys.
 */
function notKindred(row: Row, { param, type, clause }: Extract<Clause, { is: 'kindred' }>): Sql {
	const target = another(row, type, row.patients === undefined ? 'index' : 'filter');
	const from = sql`${table(type)} ${raw(target.alias)}`;
	const key = sql`${column(target, 'rk')} + ${raw(paramSalt(param.code))}`;
	if (row.patients !== undefined) {
		const theirs = sql`SELECT ${key} FROM ${from} WHERE ${keysIn(column(target, 'pat'), row.patients)} AND ${conditionOf(target, clause)}`;
		return isNotTrue(sql`${column(row, 'keys')} && ARRAY(${theirs})`);
	}
	const refers = sql`${column(row, 'keys')} @> ARRAY[${key}]`;
	return sql`NOT EXISTS (SELECT 1 FROM ${from} WHERE ${column(target, 'pat')} = ${column(row, 'pat')} AND ${conditionOf(target, clause)} AND ${refers})
		AND NOT (${column(row, 'pat')} IS NULL AND ${chainCondition(row, param, type, clause)})`;
}

/** A row of `type` that meets the clause refers by its parameter to this one. */
function hasCondition(row: Row, type: string, param: SearchParam, clause: Clause): Sql {
	const source = another(row, type, row.mode);
	const from = sql`${table(type)} ${raw(source.alias)}`;
	const inner = conditionOf(source, clause);
	const ways: Sql[] = [];
	const pat = patientColumn(param);
	if (pat !== undefined && row.type === 'Patient') {
		ways.push(sql`EXISTS (SELECT 1 FROM ${from} WHERE ${column(source, 'pat')} = ${column(row, 'rk')} AND ${inner})`);
	}
	if (pat === undefined || pat.also || row.type !== 'Patient') {
		const salt = raw(paramSalt(param.code));
		ways.push(
			row.mode === 'filter'
				? // A look into the index of keys for each row.
					sql`EXISTS (SELECT 1 FROM ${from} WHERE ${column(source, 'keys')} @> ARRAY[${column(row, 'rk')} + ${salt}] AND ${inner})`
				: // Once for all rows.
					sql`${column(row, 'rk')} IN (SELECT k - ${salt} FROM ${from}, unnest(${column(source, 'keys')}) AS k WHERE ${inner})`,
		);
	}
	return anyOf(ways);
}

function refersCondition(row: Row, asked: SearchParam, type: string, keys: readonly string[]): Sql {
	const param = paramOf(row, asked);
	const pat = patientColumn(param);
	const salted = (): Sql => hasAny(row, referenceKeys([param], keys));
	if (pat === undefined || type !== 'Patient') return salted();
	const own = keysIn(column(row, 'pat'), keys);
	return pat.also ? sql`(${own} OR ${salted()})` : own;
}

function patientCondition(row: Row, key: string, also: readonly SearchParam[]): Sql {
	const own = sql`${column(row, 'pat')} = ${key}`;
	const others = referenceKeys(also, [key]);
	return others.length === 0 ? own : sql`(${own} OR ${hasAny(row, others)})`;
}

function listedCondition(row: Row, id: string, restrict: Clause | undefined): Sql {
	const list = another(row, 'List', 'filter');
	const allowed = restrict === undefined ? raw('true') : conditionOf(list, restrict);
	return sql`${column(row, 'rk')} IN (SELECT k - ${raw(paramSalt('item'))} FROM ${table('List')} ${raw(list.alias)}, unnest(${column(list, 'keys')}) AS k WHERE ${column(list, 'id')} = ${id} AND ${allowed})`;
}

/** One text of the parameter has all the words: a string, or the display or text of a token. */
function textCondition(row: Row, asked: SearchParam, words: readonly string[]): Sql {
	const param = paramOf(row, asked);
	const likes = (text: Sql): Sql => allOf(words.map((word) => sql`${text} LIKE ${`%${likeText(normalise(word))}%`}`));
	if (param.storage.in === 'union') {
		return anyOf(partsOfUnion(row, param).map((part) => textCondition(row, part, words)));
	}
	if (param.type === 'string') {
		const found = row.mode === 'index' ? words.flatMap((word) => searchable(row.type, [word]) ?? []) : [];
		if (found.length === 0) return someString(row, param, likes);
		const wanted = found.map((text) => [text]);
		return allOf([foundByText(row.type, column(row, 'rid'), wanted), someString({ ...row, mode: 'filter' }, param, likes)]);
	}
	// What tokens of contained resources say is not looked through unless the texts are few enough to be named.
	if (row.inside !== undefined) return raw('false');
	const alias = `t${++row.aliases.next}`;
	const type = raw(String(typeNumber(row.fhir.definitions, row.type)));
	return sql`EXISTS (SELECT 1 FROM fhir.token_text ${raw(alias)} WHERE ${raw(alias)}.type = ${type} AND ${raw(alias)}.p = ${raw(String(param.number))} AND ${raw(alias)}.k = ANY(${column(row, 'keys')}) AND ${likes(raw(`${alias}.text`))})`;
}

/** What other tables than the row's own answer. */
function isText(clause: Clause): boolean {
	if (clause.is === 'any' || clause.is === 'all') return clause.of.some(isText);
	return clause.is === 'word' || clause.is === 'text';
}

/** As sets of row ids, each found by an index of its own: together in one OR they would be found by a look at every row. */
function inOneOf(row: Row, of: readonly Clause[]): Sql {
	const sets = of.map((part) => {
		const inner = another(row, row.type, 'index');
		return sql`SELECT ${column(inner, 'rid')} FROM ${table(row.type)} ${raw(inner.alias)} WHERE ${conditionOf(inner, part)}`;
	});
	return sql`${column(row, 'rid')} IN (${join(sets, ' UNION ALL ')})`;
}

type Word = Extract<Clause, { is: 'word' }>;

/** A word of the narrative, or of any text, begins so. */
function wordCondition(row: Row, { where, word, texts }: Word): Sql {
	const query = sql`${`'${word}':*${where === 'narrative' ? 'A' : ''} & '#${row.type}'`}::tsquery`;
	const w = raw(`t${++row.aliases.next}`);
	const rid = column(row, 'rid');
	if (row.mode === 'filter') {
		const inWords = sql`EXISTS (SELECT 1 FROM fhir.words ${w} WHERE ${w}.rid = ${rid} AND ${w}.v @@ ${query})`;
		return where === 'narrative' ? inWords : sql`(${inTexts(row, word, texts)} OR ${inWords})`;
	}
	// As one set of row ids, so that both indexes can find them.
	const byWords = sql`SELECT ${w}.rid FROM fhir.words ${w} WHERE ${w}.v @@ ${query}`;
	if (where === 'narrative' || texts?.length === 0) return sql`${rid} IN (${byWords})`;
	const inner = another(row, row.type, 'index');
	const byTexts = sql`SELECT ${column(inner, 'rid')} FROM ${table(row.type)} ${raw(inner.alias)} WHERE ${inTexts(inner, word, texts)}`;
	return sql`${rid} IN (${byWords} UNION ALL ${byTexts})`;
}

/** A text of one of the resource's tokens has a word that begins so: by their keys once these are looked up. */
function inTexts(row: Row, word: string, texts: readonly string[] | undefined): Sql {
	if (texts !== undefined) return hasAny(row, texts);
	const alias = raw(`t${++row.aliases.next}`);
	const type = raw(String(typeNumber(row.fhir.definitions, row.type)));
	return sql`EXISTS (SELECT 1 FROM fhir.token_text ${alias} WHERE ${alias}.type = ${type} AND ${alias}.k = ANY(${column(row, 'keys')}) AND ${hasWord(sql`${alias}.text`, word)})`;
}

/** A word of the normalised text begins so. */
export function hasWord(text: Sql, word: string): Sql {
	return sql`(${text} LIKE ${`${likeText(word)}%`} OR ${text} LIKE ${`% ${likeText(word)}%`})`;
}

function partsOfUnion({ fhir, inside, type }: Row, { storage }: SearchParam): SearchParam[] {
	if (storage.in !== 'union') return [];
	const params = inside === undefined ? fhir.registry.params(type) : fhir.registry.plain(inside.type);
	return storage.of.flatMap((code) => params.get(code) ?? []);
}

function keysIn(on: Sql, keys: readonly string[]): Sql {
	if (keys.length === 0) return raw('false');
	return keys.length === 1 ? sql`${on} = ${keys[0]}` : sql`${on} = ANY(${keys}::int8[])`;
}
