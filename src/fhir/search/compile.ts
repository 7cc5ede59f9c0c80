// A clause on one type to its SQL condition on a row; each parameter type writes its own in params/.
import { raw, type Sql, sql } from '#db/sql.ts';
import { normalise, paramSalt } from '#fhir/store/keys.ts';
import { compositeCondition } from './params/composite.ts';
import { dateCondition } from './params/date.ts';
import { numberParamCondition } from './params/number.ts';
import { quantityCondition } from './params/quantity.ts';
import { patientColumn, referenceCondition, referenceKeys } from './params/reference.ts';
import { allOf, another, anyOf, column, hasAny, isPresent, likeText, type Row, table } from './params/row.ts';
import { specialCondition } from './params/special.ts';
import { stringCondition } from './params/string.ts';
import { tokenCondition } from './params/token.ts';
import { uriCondition } from './params/uri.ts';
import type { Clause, Modifier, Value } from './query.ts';
import type { SearchParam } from './registry.ts';

/** The condition that the row meets the clause. */
export function conditionOf(row: Row, clause: Clause): Sql {
	switch (clause.is) {
		case 'param':
			return paramCondition(row, clause.param, clause.modifier, clause.values);
		case 'missing':
			return clause.missing ? sql`NOT (${presence(row, clause.param)})` : presence(row, clause.param);
		case 'any':
			return anyOf(clause.of.map((part) => conditionOf(row, part)));
		case 'all':
			return allOf(clause.of.map((part) => conditionOf(row, part)));
		case 'not':
			return sql`NOT (${conditionOf(row, clause.of)})`;
		case 'chain':
			return anyOf(clause.links.map((link) => chainCondition(row, clause.param, link.type, link.clause)));
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
		case 'listed':
			return listedCondition(row, clause.id, clause.restrict);
		case 'words':
			return wordsCondition(row, clause.param, clause.words);
	}
}

function paramCondition(row: Row, param: SearchParam, modifier: Modifier | undefined, values: readonly Value[]): Sql {
	if (param.storage.in === 'union') {
		const parts = param.storage.of.map((code) => row.fhir.registry.param(row.type, code)).filter((part) => part !== undefined);
		if (modifier === 'not') return sql`NOT (${anyOf(parts.map((part) => paramCondition(row, part, undefined, values)))})`;
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
		return anyOf(storage.of.flatMap((code) => row.fhir.registry.param(row.type, code) ?? []).map((part) => presence(row, part)));
	}
	return isPresent(row, param);
}

/** The row refers by the parameter to a row of `type` that meets the clause: a semi-join, for sets too large to name. */
function chainCondition(row: Row, param: SearchParam, type: string, clause: Clause): Sql {
	const target = another(row, type, 'filter');
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

/** A row of `type` that meets the clause refers by its parameter to this one. */
function hasCondition(row: Row, type: string, param: SearchParam, clause: Clause): Sql {
	const source = another(row, type, 'index');
	const from = sql`${table(type)} ${raw(source.alias)}`;
	const inner = conditionOf(source, clause);
	const ways: Sql[] = [];
	const pat = patientColumn(param);
	if (pat !== undefined && row.type === 'Patient') {
		ways.push(sql`EXISTS (SELECT 1 FROM ${from} WHERE ${column(source, 'pat')} = ${column(row, 'rk')} AND ${inner})`);
	}
	if (pat === undefined || pat.also || row.type !== 'Patient') {
		const salt = raw(paramSalt(param.code));
		ways.push(sql`${column(row, 'rk')} IN (SELECT k - ${salt} FROM ${from}, unnest(${column(source, 'keys')}) AS k WHERE ${inner})`);
	}
	return anyOf(ways);
}

function refersCondition(row: Row, param: SearchParam, type: string, keys: readonly string[]): Sql {
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

/** One text of the resource (a string parameter's value; tokens' texts were looked up before) has all the words. */
function wordsCondition(row: Row, param: SearchParam | undefined, words: readonly string[]): Sql {
	const alias = `t${++row.aliases.next}`;
	const likes = words.map((word) => sql`${raw(alias)}.v LIKE ${`%${likeText(normalise(word))}%`}`);
	const p = param === undefined ? raw('true') : sql`${raw(alias)}.p = ${raw(String(param.number))}`;
	return sql`EXISTS (SELECT 1 FROM ${table(row.type, 'string')} ${raw(alias)} WHERE ${raw(alias)}.rid = ${column(row, 'rid')} AND ${p} AND ${allOf(likes)})`;
}

function keysIn(on: Sql, keys: readonly string[]): Sql {
	if (keys.length === 0) return raw('false');
	return keys.length === 1 ? sql`${on} = ${keys[0]}` : sql`${on} = ANY(${keys}::int8[])`;
}
