// How often index keys occur and how rows are spread, by PostgreSQL's own statistics of the arrays of keys: whether it pays to look at the newest rows for some that
// match, or to have the index find all that do.
import type { Querier } from '#db/database.ts';
import { ident, sql } from '#db/sql.ts';
import { refKey } from '#fhir/store/keys.ts';
import { referenceKeys } from './params/reference.ts';
import type { Row } from './params/row.ts';
import { hotCodeKeys, tokenKeys, tokenKeysOf } from './params/token.ts';
import { uriKeys } from './params/uri.ts';
import type { Clause } from './query.ts';

/** `rare`: an index finds the few rows that match · `common`: some match among any few · `unknown` */
export type Chance = 'rare' | 'common' | 'unknown';

/** What is known of a type; read again after a minute. */
type Known = {
	readonly at: number;
	/** About how many rows have each of the keys that occur more often than others. */
	readonly rows: ReadonlyMap<string, number> | undefined;
	/** How many rows there are about, and over how many row ids they are spread. */
	readonly extent: { readonly rows: number; readonly rids: number };
};

const kept = new WeakMap<object, Map<string, Known>>();
const keptMs = 60_000;
/** So few rows are found by the index at once. */
const fewRows = 300;

/** How likely rows meet all of the parts. */
export async function chanceOf(row: Row, db: Querier, parts: readonly Clause[]): Promise<Chance> {
	if (parts.some(isNamed)) return 'rare';
	const lists = parts.map((part) => keysOfClause(row, part)).filter((keys) => keys !== undefined);
	const known = lists.length === 0 ? undefined : (await knownOf(row, db)).rows;
	if (known === undefined) return 'unknown';
	const expected = lists.map((keys) => keys.reduce((sum, key) => sum + (known.get(key) ?? 0), 0));
	return Math.min(...expected) <= fewRows ? 'rare' : 'common';
}

/** What a look-up found few enough to name. */
function isNamed(clause: Clause): boolean {
	return clause.is === 'one-of' || clause.is === 'rows' || (clause.is === 'refers' && clause.param.storage.in === 'patient');
}

/** Over about how many row ids so many rows are spread; undefined when the type has not many more, or nobody has counted them yet. */
export async function spreadOf(row: Row, db: Querier, rows: number): Promise<number | undefined> {
	const { extent } = await knownOf(row, db);
	return extent.rows < 2 * rows ? undefined : Math.ceil((extent.rids / extent.rows) * rows);
}

async function knownOf({ fhir, type, now }: Row, db: Querier): Promise<Known> {
	let types = kept.get(fhir.store);
	if (types === undefined) {
		types = new Map();
		kept.set(fhir.store, types);
	}
	const before = types.get(type);
	if (before !== undefined && now - before.at < keptMs) return before;
	const name = type.toLowerCase();
	const [[keys, frequencies, rows, rids] = []] = await db.rows(
		sql`SELECT s.most_common_elems::text, s.most_common_elem_freqs::text, c.reltuples, (SELECT max(rid) - min(rid) + 1 FROM ${ident('fhir', name)})
			FROM pg_class c LEFT JOIN pg_stats s ON s.schemaname = 'fhir' AND s.tablename = ${name} AND s.attname = 'keys'
			WHERE c.oid = ${`fhir."${name}"`}::regclass`,
	);
	const known: Known = {
		at: now,
		rows: typeof keys === 'string' ? countsOf(keys, frequencies as string, Number(rows)) : undefined,
		extent: { rows: Number(rows ?? 0), rids: Number(rids ?? 0) },
	};
	types.set(type, known);
	return known;
}

function countsOf(keys: string, frequencies: string, rows: number): ReadonlyMap<string, number> {
	const each = frequencies.slice(1, -1).split(',');
	return new Map(
		keys
			.slice(1, -1)
			.split(',')
			.map((key, i) => [key, Number(each[i]) * rows]),
	);
}

/** The index keys one of which a row must have to meet the clause; undefined when keys do not decide. */
function keysOfClause(row: Row, clause: Clause): string[] | undefined {
	if (clause.is === 'keys') return [...clause.keys];
	if (clause.is === 'refers') return clause.param.storage.in === 'keys' ? referenceKeys([clause.param], clause.keys) : undefined;
	if (clause.is !== 'param') return undefined;
	const { param, modifier, values } = clause;
	if (param.storage.in !== 'keys' && param.storage.in !== 'code') return undefined;
	if (hotCodeKeys(clause) !== undefined) return undefined;
	switch (param.type) {
		case 'token':
			return modifier === undefined || modifier === 'of-type' ? tokenKeys(param, values) : undefined;
		case 'uri':
			return modifier === undefined ? uriKeys(row.fhir.base, param, modifier, values) : undefined;
		case 'reference':
			if (modifier === 'identifier')
				return values.flatMap((value) => (value.is === 'token' ? tokenKeysOf(`${param.code}:identifier`, value) : []));
			return referenceKeys(
				[param],
				values.flatMap((value) => (value.is === 'reference' ? value.targets.map(refKey) : [])),
			);
		default:
			return undefined;
	}
}
