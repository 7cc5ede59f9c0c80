// How often index keys occur, by PostgreSQL's own statistics of the arrays of keys: whether it pays to look at the newest rows for some that
// match, or to have the index find all that do.
import type { Querier } from '#db/database.ts';
import { sql } from '#db/sql.ts';
import { refKey } from '#fhir/store/keys.ts';
import { referenceKeys } from './params/reference.ts';
import type { Row } from './params/row.ts';
import { hotCodeKeys, tokenKeys, tokenKeysOf } from './params/token.ts';
import { uriKeys } from './params/uri.ts';
import type { Clause } from './query.ts';

/** `rare`: an index finds the few rows that match · `common`: some match among any few · `unknown` */
export type Chance = 'rare' | 'common' | 'unknown';

/** Keys that occur in more than about one of a thousand rows, per type; they are read again after a minute. */
type Known = { readonly at: number; readonly common: ReadonlySet<string> | undefined };

const kept = new WeakMap<object, Map<string, Known>>();
const keptMs = 60_000;

/** How likely rows meet all of the parts. */
export async function chanceOf(row: Row, db: Querier, parts: readonly Clause[]): Promise<Chance> {
	if (parts.some(isNamed)) return 'rare';
	const lists = parts.map((part) => keysOfClause(row, part)).filter((keys) => keys !== undefined);
	const common = lists.length === 0 ? undefined : await commonKeys(row, db);
	if (common === undefined) return 'unknown';
	return lists.some((keys) => keys.every((key) => !common.has(key))) ? 'rare' : 'common';
}

/** What a look-up found few enough to name. */
function isNamed(clause: Clause): boolean {
	return clause.is === 'one-of' || clause.is === 'rows' || (clause.is === 'refers' && clause.param.storage.in === 'patient');
}

async function commonKeys({ fhir, type, now }: Row, db: Querier): Promise<ReadonlySet<string> | undefined> {
	let types = kept.get(fhir.store);
	if (types === undefined) {
		types = new Map();
		kept.set(fhir.store, types);
	}
	const known = types.get(type);
	if (known !== undefined && now - known.at < keptMs) return known.common;
	const rows = await db.rows(
		sql`SELECT most_common_elems::text FROM pg_stats WHERE schemaname = 'fhir' AND tablename = ${type.toLowerCase()} AND attname = 'keys'`,
	);
	const text = rows[0]?.[0];
	const common = typeof text === 'string' ? new Set(text.slice(1, -1).split(',')) : undefined;
	types.set(type, { at: now, common });
	return common;
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
