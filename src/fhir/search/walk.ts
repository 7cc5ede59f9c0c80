// Reading in the order of an index: the strips of indexes that together give a search's rows in the order wanted, so that a page is read from
// where it begins and no further than it needs.
import { raw, type Sql, sql } from '#db/sql.ts';
import { longDates, longMs } from '#fhir/store/keys.ts';
import { conditionOf } from './compile.ts';
import { beyond, indexOrder, notBefore, type Order, type OrderColumn, orderBy } from './keyset.ts';
import type { Lead } from './lead.ts';
import type { Place } from './page.ts';
import { patientKeysOf, referenceKeys } from './params/reference.ts';
import { allOf, anyOf, column, hasAny, type Row, stringNumbers, table } from './params/row.ts';
import { startsWith } from './params/string.ts';
import { hotCodeKeys } from './params/token.ts';
import type { Clause, DateValue, SortKey } from './query.ts';
import type { SearchParam } from './registry.ts';

/** A part of an index. Strips of a walk exclude each other. */
export type Strip =
	/** Rows `r` of the type's table; without an order they come from the index of keys and have to be fetched all. */
	| { readonly on: 'main'; readonly where: Sql; readonly order: Sql | undefined }
	/** Entries `s` of the side table of strings with their rows `r`; `once` keeps one of several entries of a row. */
	| { readonly on: 'string'; readonly where: Sql; readonly order: Sql; readonly once: Sql }
	/** Rows `r` of each patient `k.pat` in turn. */
	| { readonly on: 'patients'; readonly where: Sql; readonly order: Sql; readonly keys: readonly string[] };

export type Walk = {
	/** Which of the parts the strips meet already. */
	readonly covers: ReadonlySet<number>;
	/** The columns of the order as the strips have them. */
	readonly order: Order;
	readonly strips: readonly Strip[];
	/** As many rows as belong to some patients: all of them may be looked at. */
	readonly few: boolean;
	/** The order has further columns that the index does not have; the strips are in the order of the first and begin somewhat before the place. */
	readonly partly: boolean;
	/** Rows without a value to sort by are in no strip. */
	readonly lacks: boolean;
};

export type Asked = {
	readonly row: Row;
	readonly lead: Lead;
	/** The parts of the conjunction, looked up. */
	readonly parts: readonly Clause[];
	readonly order: Order;
	readonly place: Place | undefined;
};

const plainWalk = { covers: new Set<number>(), few: false, partly: false, lacks: false } as const;

/** How to walk to the page; undefined when no index has the order. `sort` is empty for the lead's own order. */
export function walkOf(asked: Asked, sort: readonly SortKey[]): Walk | undefined {
	const { lead, row } = asked;
	const [key, ...more] = sort;
	if (key === undefined) return leadWalk(asked);
	const param = row.fhir.registry.param(row.type, key.code);
	if (param === undefined || lead.by === 'rows') return undefined;
	const led = lead.by === 'patient' || lead.by === 'patients';
	if (param.storage.in === 'date' && more.length === 0) {
		if (led || lead.by === 'code') return leadWalk(asked);
		// Upwards what began before the time that is asked for, and may yet end after it, would come first.
		if (lead.by === 'date' && (key.descending || slackOf(param, lead.value) <= dayMs)) return leadWalk(asked);
	}
	return led ? undefined : sortWalk(asked, param, more.length > 0);
}

const dayMs = 86_400_000;

function leadWalk(asked: Asked): Walk | undefined {
	const { row, lead, parts } = asked;
	switch (lead.by) {
		case 'rows':
			return undefined;
		case 'patient':
			return patientWalk(asked, lead.at);
		case 'patients':
			return patientsWalk(asked, lead.at);
		case 'code': {
			const keys = hotCodeKeys(parts[lead.at] as Clause);
			if (keys === undefined) return undefined;
			const branches = keys.map((key): Branch => ({ where: sql`${column(row, 'code')} = ${key}`, ordered: true }));
			return dated(asked, lead.at, [...branches, besides(row, 'code', keys, keys)]);
		}
		case 'string':
			return stringWalk(asked, lead.param, lead.text, lead.at);
		case 'date':
			return dated(asked, lead.at, dateBranches(row, parts[lead.at] as DateClause, lead.value), true);
		case 'updated': {
			const where = conditionOf({ ...row, mode: 'filter' }, parts[lead.at] as Clause);
			return { ...mainWalk(asked, [{ where, ordered: true }]), covers: new Set([lead.at]) };
		}
		case 'none':
			return mainWalk(asked, [{ where: raw('true'), ordered: true }]);
	}
}

function sortWalk(asked: Asked, param: SearchParam, partly: boolean): Walk | undefined {
	const { order, place } = asked;
	const [first] = order as [OrderColumn];
	const { storage } = param;
	if (partly && place !== undefined && (place.values[0] ?? null) === null) return undefined;
	if (storage.in === 'string') return place?.values[0] === null ? undefined : sortedStrings(asked, param, partly);
	if (storage.in !== 'date' && storage.in !== 'column') return undefined;
	return partly ? partlyOf(asked, first) : mainWalk(asked, [{ where: raw('true'), ordered: true }]);
}

type Branch = { readonly where: Sql; readonly ordered: boolean };

/** Strips of the type's own table: each branch, from each place on. `present`: the branches have no rows without a value to sort by. */
function mainWalk({ row, order, place }: Asked, branches: readonly Branch[], present = false): Walk {
	const rid = column(row, 'rid');
	const places = beyond(order, place, nameIn(order), rid).slice(0, present ? 1 : undefined);
	const sorted = indexOrder(order, place?.direction === 'previous', rid);
	const strips = branches.flatMap(({ where, ordered }): Strip[] =>
		ordered
			? places.map((at) => ({ on: 'main', where: allOf([where, at]), order: sorted }))
			: [{ on: 'main', where: allOf([where, anyOf(places)]), order: undefined }],
	);
	return { ...plainWalk, order, strips };
}

/** Strips in the order of the type's date: they take over all conditions on it, which bound them. */
function dated(asked: Asked, at: number, branches: readonly Branch[], present = false): Walk {
	const { row, parts } = asked;
	const covers = new Set([at]);
	const bounds: Sql[] = [];
	for (const [i, part] of parts.entries()) {
		if (i === at || part.is !== 'param' || part.param.storage.in !== 'date') continue;
		covers.add(i);
		bounds.push(conditionOf({ ...row, mode: 'filter' }, part));
	}
	const bounded = branches.map(({ where, ordered }): Branch => ({ where: allOf([where, ...bounds]), ordered }));
	return { ...mainWalk(asked, bounded, present), covers };
}

/** By the first column alone, from the place on; rows with the same value are sorted by the others. */
function partlyOf({ order, place }: Asked, first: OrderColumn): Walk {
	const bound = place === undefined ? raw('true') : notBefore({ ...first, nullable: false }, place);
	const present = first.nullable ? sql`${first.on} IS NOT NULL` : raw('true');
	const sorted = indexOrder([first], place?.direction === 'previous');
	return {
		...plainWalk,
		order,
		strips: [{ on: 'main', where: allOf([present, bound]), order: sorted }],
		partly: true,
		lacks: first.nullable,
	};
}

function nameIn(order: Order): (i: number) => Sql {
	return (i) => (order[i] as OrderColumn).on;
}

/** Rows that have one of the values not in their column but among their keys. */
export function besides(row: Row, name: 'pat' | 'code', keys: readonly string[], values: readonly string[]): Branch {
	const own = column(row, name);
	const further = hasAny({ ...row, mode: 'index' }, keys);
	return { where: sql`${further} AND (${own} IS NULL OR ${own} <> ALL(${values}::int8[]))`, ordered: false };
}

function patientWalk(asked: Asked, at: number): Walk | undefined {
	const { row, parts } = asked;
	const found = patientKeysOf(parts[at] as Clause);
	if (found === undefined) return undefined;
	const branches = found.keys.map((key): Branch => ({ where: sql`${column(row, 'pat')} = ${key}`, ordered: true }));
	if (found.also.length > 0) branches.push(besides(row, 'pat', referenceKeys(found.also, found.keys), found.keys));
	return { ...dated(asked, at, branches), few: true };
}

/** The rows of the patients that a chain named, or of all who have any when it was too wide to name them. */
function patientsWalk(asked: Asked, at: number): Walk | undefined {
	const { row, parts, order, place } = asked;
	const found = patientKeysOf(parts[at] as Clause);
	const rid = column(row, 'rid');
	const backwards = place?.direction === 'previous';
	const byPatient = order.length > 1;
	const places = anyOf(beyond(order, place, nameIn(order), rid));
	if (found === undefined) {
		if (!byPatient) return undefined;
		if (place?.values[0] === null) return undefined;
		const first = { ...(order[0] as OrderColumn), nullable: false };
		const bound = place === undefined ? raw('true') : notBefore(first, place);
		const where = allOf([sql`${column(row, 'pat')} IS NOT NULL`, bound, places]);
		return {
			...plainWalk,
			order,
			strips: [{ on: 'main', where, order: indexOrder([first, ...order.slice(1)], backwards, rid) }],
			lacks: true,
		};
	}
	if (found.also.length > 0) return undefined;
	const own = order.slice(byPatient ? 1 : 0);
	const strip: Strip = {
		on: 'patients',
		keys: byPatient ? inReach(found.keys, place) : found.keys,
		where: allOf([sql`${column(row, 'pat')} = k.pat`, places]),
		order: orderBy(own, backwards, nameIn(own), rid),
	};
	const leading = byPatient ? [{ ...(order[0] as OrderColumn), on: raw('k.pat') }, ...own] : own;
	return { ...plainWalk, covers: new Set([at]), order: leading, strips: [strip], few: true };
}

/** The keys of patients at or beyond the place. */
function inReach(keys: readonly string[], place: Place | undefined): readonly string[] {
	const at = place?.values[0];
	if (at === undefined || at === null) return keys;
	const from = BigInt(at);
	return keys.filter((key) => (place?.direction === 'previous' ? BigInt(key) <= from : BigInt(key) >= from));
}

type DateClause = Extract<Clause, { is: 'param' }>;

/** How long before the time asked for a date may have begun that yet ends after it. */
function slackOf({ lasts = longMs }: SearchParam, { prefix }: DateValue): number {
	return prefix === 'gt' || prefix === 'ge' || prefix === 'ap' ? lasts : 0;
}

/** What ends after some time is found by its beginning, but for long intervals, which are found by their key. */
function dateBranches(row: Row, clause: DateClause, value: DateValue): Branch[] {
	const { prefix, lo, hi } = value;
	const condition = conditionOf({ ...row, mode: 'filter' }, clause);
	const end = prefix === 'gt' ? hi : prefix === 'ge' || prefix === 'ap' ? lo : undefined;
	if (end === undefined) return [{ where: condition, ordered: true }];
	// `ap` reaches back by a tenth of the time to now.
	const from = end - slackOf(clause.param, value) - (prefix === 'ap' ? Math.abs(row.now - end) * 0.2 : 0);
	const early = sql`${new Date(Math.max(-6e13, Math.min(8e15, from))).toISOString()}::timestamptz`;
	const begins = column(row, 'd');
	const near: Branch = { where: allOf([sql`${begins} > ${early}`, condition]), ordered: true };
	if (clause.param.lasts !== undefined) return [near];
	const isLong = hasAny({ ...row, mode: 'index' }, [longDates]);
	return [near, { where: allOf([isLong, sql`${begins} <= ${early}`, condition]), ordered: false }];
}

const entry: OrderColumn = { on: raw('s.v'), cast: 'text', descending: false, nullable: false };

/** Entries that begin with a text, in their order; of several of one row the first. */
function stringWalk({ row, place }: Asked, param: SearchParam, text: string, at: number): Walk {
	const order = [entry];
	const numbers = stringNumbers(param);
	const backwards = place?.direction === 'previous';
	const places = anyOf(beyond(order, place, nameIn(order), raw('s.rid')));
	const p = raw(numbers.join(', '));
	const once = sql`NOT EXISTS (SELECT 1 FROM ${table(row.type, 'string')} o WHERE o.rid = s.rid AND o.p IN (${p}) AND ${startsWith(raw('o.v'), text)} AND (o.v < s.v OR (o.v = s.v AND o.p < s.p)))`;
	const strips = numbers.map(
		(number): Strip => ({
			on: 'string',
			where: allOf([sql`s.p = ${raw(String(number))}`, startsWith(raw('s.v'), text), places]),
			order: indexOrder(order, backwards, raw('s.rid')),
			once,
		}),
	);
	return { ...plainWalk, covers: new Set([at]), order, strips };
}

/** All entries of a parameter in their order; of several of one row the one that comes first. */
function sortedStrings({ row, order, place }: Asked, param: SearchParam, partly: boolean): Walk {
	const first: OrderColumn = { ...entry, descending: (order[0] as OrderColumn).descending };
	const leading = [first, ...order.slice(1)];
	const at = partly ? [place === undefined ? raw('true') : notBefore(first, place)] : beyond([first], place, () => first.on, raw('s.rid'));
	const sign = raw(first.descending ? '>' : '<');
	const p = raw(String(param.number));
	const strip: Strip = {
		on: 'string',
		where: allOf([sql`s.p = ${p}`, anyOf(at)]),
		order: indexOrder([first], place?.direction === 'previous', partly ? undefined : raw('s.rid')),
		once: sql`NOT EXISTS (SELECT 1 FROM ${table(row.type, 'string')} o WHERE o.rid = s.rid AND o.p = ${p} AND o.v ${sign} s.v)`,
	};
	return { ...plainWalk, order: leading, strips: [strip], partly, lacks: true };
}
