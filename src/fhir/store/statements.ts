// The SQL of writing, one set of statements for each type, prepared under their names; each takes any number of rows at once.

import { bytes, float8sOf, int2sOf, int4sOf, int8s, int8sOf, texts, textsOf } from '#db/arrays.ts';
import type { Prepared, Value } from '#db/pipeline.ts';
import { fastKey, paramSalt, salted } from './keys.ts';
import type { IndexRow, Key, RangeEntry, StringEntry, TokenText } from './layout.ts';

/** A version that becomes the current one. */
export type Row = {
	readonly rid: number;
	readonly id: string;
	/** Key of "Type/id". */
	readonly rk: Key;
	readonly version: number;
	readonly updated: number;
	readonly op: 'C' | 'U';
	readonly body: string;
	readonly index: IndexRow;
};

/** SQLSTATEs by which the statements refuse, see fhir.refuse in schema.ts. The error's detail says what of. */
export const refusals = { changed: 'HR001', missing: 'HR002', referenced: 'HR003', taken: 'HR004' } as const;

const columns = 'rid, pat, d, dh, code, qv, qc, qk, has, rk, lu, ver, op, id, keys, body';
const values =
	'u.rid, u.pat, to_timestamp(u.d / 1000), to_timestamp(u.dh / 1000), u.code, u.qv, u.qc, u.qk, u.has, u.rk, to_timestamp(u.lu / 1000), u.ver, u.op::"char", u.id, ($18::int8[])[u.k1:u.k2], u.body';
const given =
	'$1::int8[], $2::int8[], $3::float8[], $4::float8[], $5::int8[], $6::float8[], $7::float8[], $8::int8[], $9::int8[], $10::int8[], $11::float8[], $12::int4[], $13::text[], $14::text[], $15::int4[], $16::int4[], $17::text[]';
const names = 'rid, pat, d, dh, code, qv, qc, qk, has, rk, lu, ver, op, id, k1, k2, body';

/** fhir."observation", or a side table of it. */
export function tableOf(type: string, side: '' | '_string' | '_range' | '_history' = ''): string {
	return `fhir."${type.toLowerCase()}${side}"`;
}

/** Epoch milliseconds of a timestamptz. */
export function milliseconds(column: string): string {
	return `round(date_part('epoch', ${column}) * 1000)`;
}

function rowValues(rows: readonly Row[]): Value[] {
	const keys = rows.flatMap(({ index }) => index.keys);
	let end = 0;
	const first = ({ index }: Row): number => {
		const start = end + 1;
		end += index.keys.length;
		return start;
	};
	const from = int4sOf(rows, first);
	end = 0;
	const to = int4sOf(rows, ({ index }) => {
		end += index.keys.length;
		return end;
	});
	return [
		int8sOf(rows, ({ rid }) => rid),
		int8sOf(rows, ({ index }) => index.pat),
		float8sOf(rows, ({ index }) => index.d),
		float8sOf(rows, ({ index }) => index.dh),
		int8sOf(rows, ({ index }) => index.code),
		float8sOf(rows, ({ index }) => index.qv),
		float8sOf(rows, ({ index }) => index.qc),
		int8sOf(rows, ({ index }) => index.qk),
		int8sOf(rows, ({ index }) => index.has),
		int8sOf(rows, ({ rk }) => rk),
		float8sOf(rows, ({ updated }) => updated),
		int4sOf(rows, ({ version }) => version),
		textsOf(rows, ({ op }) => op),
		textsOf(rows, ({ id }) => id),
		from,
		to,
		textsOf(rows, ({ body }) => body),
		int8s(keys),
	];
}

/** Refuses unless so many rows were touched as were meant to be: then somebody else has changed one meanwhile. */
function demand(count: string, wanted: string): string {
	return `SELECT CASE WHEN ${count} = ${wanted} THEN NULL ELSE fhir.refuse('${refusals.changed}', '') END`;
}

/** How resources of one type refer to those of another, see IndexRow.links. */
export type Link = { readonly source: string; readonly target: string; readonly param: string };

/** Every way in which resources have ever referred to others. */
export const readLinks: Prepared = { name: 'read_links', text: 'SELECT source, target, param FROM fhir.link', values: [] };

/** A row of it. */
export function linkOf([source, target, param]: readonly unknown[]): Link {
	return { source: source as string, target: target as string, param: param as string };
}

/** Refuses when this type is referred to in a way that was not known of. */
export function demandLinks(target: string, known: readonly Link[]): Prepared {
	return {
		name: 'demand_links',
		text: demand('(SELECT count(*) FROM fhir.link WHERE target = $1 AND NOT source || chr(32) || param = ANY($2::text[]))', '0'),
		values: [target, textsOf(known, ({ source, param }) => `${source} ${param}`)],
	};
}

/** How many current rows of the type there are, without a look at them. */
export function countOf(type: string): string {
	const noted = `SELECT n FROM fhir.row_count WHERE type = '${type}' UNION ALL SELECT n FROM fhir.row_change WHERE type = '${type}'`;
	return `(SELECT coalesce(sum(c.n), 0)::int8 FROM (${noted}) c)`;
}

/** Part of each statement by which the number of rows changes; a row of its own, so that writers never wait for each other here. */
function noteCount(type: string, by: string): string {
	return `c AS (INSERT INTO fhir.row_change (type, n) VALUES ('${type}', ${by}))`;
}

/** Adds up what was noted, so that there is little to be added by readers. */
export const foldCounts: Prepared = {
	name: 'fold_counts',
	text: `WITH gone AS (DELETE FROM fhir.row_change WHERE ctid = ANY(ARRAY(SELECT ctid FROM fhir.row_change FOR UPDATE SKIP LOCKED)) RETURNING type, n)
		INSERT INTO fhir.row_count AS c (type, n) SELECT type, sum(n) FROM gone GROUP BY type ORDER BY type
		ON CONFLICT (type) DO UPDATE SET n = c.n + excluded.n`,
	values: [],
};

/** Mends the count of a type. What others write meanwhile changes both sides alike. */
export function recount(type: string): Prepared {
	return {
		name: `recount_${type}`,
		text: `INSERT INTO fhir.row_change (type, n) SELECT '${type}', d.n FROM (SELECT (SELECT count(*) FROM ${tableOf(type)}) - ${countOf(type)}) d (n) WHERE d.n <> 0`,
		values: [],
	};
}

/** Resources that are not there yet. */
export function insertRows(type: string, rows: readonly Row[]): Prepared {
	return {
		name: `insert_${type}`,
		text: `WITH ${noteCount(type, 'cardinality($1::int8[])')}
		INSERT INTO ${tableOf(type)} (${columns}) SELECT ${values} FROM unnest(${given}) AS u(${names})`,
		values: rowValues(rows),
	};
}

/** Rows take the place of the version before theirs, which goes to history in the form given. */
export function updateRows(type: string, rows: readonly Row[], former: readonly Buffer[]): Prepared {
	const sets = 'pat, d, dh, code, qv, qc, qk, has, lu, ver, op, keys, body';
	const from =
		'u.pat, to_timestamp(u.d / 1000), to_timestamp(u.dh / 1000), u.code, u.qv, u.qc, u.qk, u.has, to_timestamp(u.lu / 1000), u.ver, u.op::"char", ($18::int8[])[u.k1:u.k2], u.body';
	return {
		name: `update_${type}`,
		text: `WITH x AS (UPDATE ${tableOf(type)} r SET (${sets}) = ROW (${from})
			FROM unnest(${given}, $19::bytea[]) AS u(${names}, former) JOIN ${tableOf(type)} o ON o.rid = u.rid AND o.ver = u.ver - 1
			WHERE r.rid = u.rid AND r.ver = u.ver - 1 RETURNING o.rid, o.pat, o.lu, o.ver, o.op, o.id, u.former),
		y AS (INSERT INTO ${tableOf(type, '_history')} (rid, pat, lu, ver, op, id, body) SELECT * FROM x RETURNING 1)
		${demand('(SELECT count(*) FROM y)', 'cardinality($1::int8[])')}`,
		values: [...rowValues(rows), bytes(former)],
	};
}

/** The index of rows as it should be; their versions stay as they are. */
export function setIndex(type: string, rows: readonly Row[]): Prepared {
	return {
		name: `index_${type}`,
		text: `UPDATE ${tableOf(type)} r SET (pat, d, dh, code, qv, qc, qk, has, rk, keys) = ROW (u.pat, to_timestamp(u.d / 1000), to_timestamp(u.dh / 1000),
			u.code, u.qv, u.qc, u.qk, u.has, u.rk, ($18::int8[])[u.k1:u.k2]) FROM unnest(${given}) AS u(${names}) WHERE r.rid = u.rid AND r.ver = u.ver`,
		values: rowValues(rows.map((row) => ({ ...row, body: '' }))),
	};
}

export type Gone = { readonly rid: number; readonly version: number; readonly updated: number; readonly former: Buffer };

/** Deletes rows at these versions: the last version and the mark of the delete go to history. `updated` is the time of the delete. */
export function deleteRows(type: string, rows: readonly Gone[]): Prepared {
	return {
		name: `delete_${type}`,
		text: `WITH x AS (DELETE FROM ${tableOf(type)} r USING unnest($1::int8[], $2::int4[], $3::float8[], $4::bytea[]) AS u(rid, ver, gone, former)
			WHERE r.rid = u.rid AND r.ver = u.ver RETURNING r.rid, r.pat, r.lu, r.ver, r.op, r.id, u.gone, u.former),
		y AS (INSERT INTO ${tableOf(type, '_history')} (rid, pat, lu, ver, op, id, body)
			SELECT rid, pat, lu, ver, op, id, former FROM x UNION ALL SELECT rid, pat, to_timestamp(gone / 1000), ver + 1, 'D', id, NULL FROM x RETURNING 1),
		${noteCount(type, '-cardinality($1::int8[])')}
		${demand('(SELECT count(*) FROM y)', '2 * cardinality($1::int8[])')}`,
		values: [
			int8sOf(rows, ({ rid }) => rid),
			int4sOf(rows, ({ version }) => version),
			float8sOf(rows, ({ updated }) => updated),
			bytes(rows.map(({ former }) => former)),
		],
	};
}

/** Takes everything that rows have in a side table. */
export function clearSide(type: string, side: '_string' | '_range', rids: readonly number[]): Prepared {
	return {
		name: `clear${side}_${type}`,
		text: `DELETE FROM ${tableOf(type, side)} WHERE rid = ANY($1::int8[])`,
		values: [int8s(rids)],
	};
}

export type Of<T> = { readonly rid: number; readonly entry: T };

export function insertStrings(type: string, entries: readonly Of<StringEntry>[]): Prepared {
	return {
		name: `strings_${type}`,
		text: `INSERT INTO ${tableOf(type, '_string')} (rid, p, v) SELECT * FROM unnest($1::int8[], $2::int2[], $3::text[])`,
		values: [int8sOf(entries, ({ rid }) => rid), int2sOf(entries, ({ entry }) => entry.p), textsOf(entries, ({ entry }) => entry.v)],
	};
}

export function insertRanges(type: string, entries: readonly Of<RangeEntry>[]): Prepared {
	return {
		name: `ranges_${type}`,
		text: `INSERT INTO ${tableOf(type, '_range')} (rid, k, lo, hi, p) SELECT * FROM unnest($1::int8[], $2::int8[], $3::float8[], $4::float8[], $5::int2[])`,
		values: [
			int8sOf(entries, ({ rid }) => rid),
			int8sOf(entries, ({ entry }) => entry.k),
			float8sOf(entries, ({ entry }) => entry.lo),
			float8sOf(entries, ({ entry }) => entry.hi),
			int2sOf(entries, ({ entry }) => entry.p),
		],
	};
}

/** Takes the words for full-text search that rows of any type have. */
export function clearWords(rids: readonly number[]): Prepared {
	return { name: 'clear_words', text: 'DELETE FROM fhir.words WHERE rid = ANY($1::int8[])', values: [int8s(rids)] };
}

export function insertWords(entries: readonly Of<string>[]): Prepared {
	return {
		name: 'words',
		text: 'INSERT INTO fhir.words (rid, v) SELECT u.rid, u.v::tsvector FROM unnest($1::int8[], $2::text[]) AS u(rid, v)',
		values: [int8sOf(entries, ({ rid }) => rid), textsOf(entries, ({ entry }) => entry)],
	};
}

/** Texts of tokens that may be there already. Always in the same order, so that two transactions never wait for each other. */
export function insertTexts(entries: readonly (TokenText & { readonly type: number })[]): Prepared {
	const sorted = entries.toSorted((a, b) => a.type - b.type || a.p - b.p || (a.k < b.k ? -1 : a.k > b.k ? 1 : 0));
	return {
		name: 'texts',
		text: 'INSERT INTO fhir.token_text (type, p, k, text) SELECT * FROM unnest($1::int2[], $2::int2[], $3::int8[], $4::text[]) ON CONFLICT DO NOTHING',
		values: [
			int2sOf(sorted, ({ type }) => type),
			int2sOf(sorted, ({ p }) => p),
			int8sOf(sorted, ({ k }) => k),
			textsOf(sorted, ({ text }) => text),
		],
	};
}

export function insertUsedTypes(types: readonly string[]): Prepared {
	return {
		name: 'used_types',
		text: 'INSERT INTO fhir.used_type (type) SELECT * FROM unnest($1::text[]) ON CONFLICT DO NOTHING',
		values: [texts(types.toSorted())],
	};
}

export function insertLinks(links: readonly Link[]): Prepared {
	const sorted = links.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
	return {
		name: 'links',
		text: 'INSERT INTO fhir.link (source, target, param) SELECT * FROM unnest($1::text[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING',
		values: [textsOf(sorted, ({ source }) => source), textsOf(sorted, ({ target }) => target), textsOf(sorted, ({ param }) => param)],
	};
}

function nameOf({ source, target, param }: Link): string {
	return `${target} ${source} ${param}`;
}

/**
 * Refuses with the names of those that do not exist. Those that do are locked against being deleted until the transaction ends; an
 * update of them does not wait for that.
 */
export function demandTargets(type: string, ids: readonly string[]): Prepared {
	return {
		name: `targets_${type}`,
		text: `WITH there AS MATERIALIZED (SELECT r.id FROM ${tableOf(type)} r WHERE r.id = ANY($1::text[]) ORDER BY r.id FOR KEY SHARE)
		SELECT CASE WHEN (SELECT count(*) FROM there) = cardinality($1::text[]) THEN NULL ELSE fhir.refuse('${refusals.missing}',
			(SELECT string_agg('${type}/' || i, ' ') FROM unnest($1::text[]) i WHERE i NOT IN (SELECT id FROM there))) END`,
		values: [texts(ids.toSorted())],
	};
}

/** The planner cannot know how rare a key is; without this it may look for one that nobody has by reading the whole table. */
export const indexesOnly: Prepared = { name: 'indexes_only', text: 'SET LOCAL enable_seqscan = off', values: [] };

/** Refuses with the keys of the targets and the source type when a resource of that type refers to them by a parameter with one of these salts. */
export function demandUnreferenced(source: string, targets: readonly Key[], params: readonly string[]): Prepared {
	const pairs = targets.flatMap((key) => params.map((param) => [key, salted(key, paramSalt(param))] as const));
	return {
		name: `sources_${source}`,
		text: `${refuseFound(source, refusals.referenced)} FROM unnest($1::int8[], $2::int8[]) AS u(k, salted)
			WHERE EXISTS (SELECT 1 FROM ${tableOf(source)} r WHERE r.keys @> ARRAY[u.salted])`,
		values: [int8sOf(pairs, ([key]) => key), int8sOf(pairs, ([, key]) => key)],
	};
}

/** The same for patients whom the column pat refers to. */
export function demandNoPatients(source: string, targets: readonly Key[]): Prepared {
	return {
		name: `sources_pat_${source}`,
		text: `${refuseFound(source, refusals.referenced)} FROM unnest($1::int8[]) AS u(k) WHERE EXISTS (SELECT 1 FROM ${tableOf(source)} r WHERE r.pat = u.k)`,
		values: [int8s(targets)],
	};
}

/** Those of the keys that some resource of the type has. */
export function findKeys(type: string, keys: readonly Key[]): Prepared {
	return { name: `find_keys_${type}`, text: `SELECT u.k::text ${haveKeys(type)}`, values: [int8s(keys)] };
}

/** Refuses with the keys that some resource of the type has, and the type. */
export function demandNoKeys(type: string, keys: readonly Key[]): Prepared {
	return { name: `no_keys_${type}`, text: `${refuseFound(type, refusals.taken)} ${haveKeys(type)}`, values: [int8s(keys)] };
}

/** All keys by one scan of the index: each scan looks through what is not merged into it yet. */
function haveKeys(type: string): string {
	return `FROM ${tableOf(type)} r CROSS JOIN LATERAL unnest(r.keys) AS u(k) WHERE r.keys && $1::int8[] AND u.k = ANY($1::int8[])`;
}

function refuseFound(type: string, state: string): string {
	return `SELECT CASE WHEN count(*) = 0 THEN NULL ELSE fhir.refuse('${state}', string_agg(u.k::text, ' ') || ' ${type}') END`;
}

/** Texts are locked by their hash among so many, so that a large transaction does not fill PostgreSQL's table of locks. */
const lockSlots = 1024;
const lockSpace = 7_340_000_000;

/** Waits for the locks of these texts, one after the other in a fixed order, and holds them until the transaction ends. */
export function lockTexts(texts: readonly string[]): Prepared {
	const slots = new Set(texts.map((text) => lockSpace + (Number(fastKey(text).slice(-9)) % lockSlots)));
	return {
		name: 'lock_texts',
		text: 'SELECT pg_advisory_xact_lock(k) FROM unnest($1::int8[]) AS k',
		values: [int8s([...slots].sort((a, b) => a - b))],
	};
}

/** The current version of each id. Where history ends with a delete its mark (op D) comes as well: it only counts when there is no current version. */
export function lookUp(type: string, ids: readonly string[]): Prepared {
	return {
		name: `look_${type}`,
		text: `SELECT r.id, r.rid, r.ver, ${milliseconds('r.lu')}, r.op, r.body FROM ${tableOf(type)} r WHERE r.id = ANY($1::text[])
			UNION ALL SELECT i.id, h.rid, h.ver, ${milliseconds('h.lu')}, h.op, '' FROM unnest($1::text[]) AS i(id)
			CROSS JOIN LATERAL (SELECT * FROM ${tableOf(type, '_history')} h WHERE h.id = i.id ORDER BY h.ver DESC LIMIT 1) h WHERE h.op = 'D'`,
		values: [texts(ids)],
	};
}

/** Locks the rows of these ids until the transaction ends. */
export function lockRows(type: string, ids: readonly string[]): Prepared {
	return {
		name: `lock_${type}`,
		text: `SELECT 1 FROM ${tableOf(type)} r WHERE r.id = ANY($1::text[]) ORDER BY r.id FOR NO KEY UPDATE`,
		values: [texts(ids.toSorted())],
	};
}
