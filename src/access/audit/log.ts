// Reading the audit: entries that meet criteria, by time, a page at a time.
import type { Querier } from '#db/database.ts';
import { join, raw, type Sql, sql } from '#db/sql.ts';
import { mostInBlock } from './block.ts';
import { entryId } from './entry.ts';
import type { Action, Kind } from './event.ts';

/** An entry as it is shown. */
export type Logged = {
	/** Names it: `log.<time>.<stream>.<seq>` in base 36. */
	readonly name: string;
	/** Milliseconds since the epoch. */
	readonly at: number;
	readonly stream: number;
	readonly seq: number;
	readonly kind: Kind;
	readonly interaction: string;
	readonly action: Action;
	readonly status: number;
	readonly caller: string;
	readonly callerKind: string;
	readonly callerName: string;
	readonly client: string | null;
	readonly fhirUser: string | null;
	readonly address: string | null;
	readonly patient: string | null;
	readonly type: string | null;
	readonly id: string | null;
	readonly version: number | null;
	readonly query: string | null;
	readonly queryHash: string | null;
	readonly purpose: string | null;
	readonly requestId: string;
	readonly detail: string | null;
};

/** Columns that are compared as they are; `agent` is the FHIR resource of the caller or, without one, the caller's id. */
const compared = {
	agent: 'coalesce(fhir_user, caller)',
	caller: 'caller',
	name: 'caller_name',
	client: 'client',
	address: 'address',
	patient: 'patient',
	kind: 'kind',
	interaction: 'interaction',
	action: 'action::text',
	request: 'request_id',
} as const;

/** What an entry has to meet. */
export type Criterion =
	| { readonly column: keyof typeof compared; readonly any: readonly string[] }
	/** Begins with one of these, in upper or lower case. */
	| { readonly begins: 'name' | 'address' | 'interaction'; readonly any: readonly string[] }
	/** About one of these resources, or of these types. */
	| { readonly about: readonly { readonly type: string; readonly id?: string }[] }
	/** A status in one of these ranges. */
	| { readonly status: readonly { readonly from: number; readonly to: number }[] }
	/** Within one of these spans of time (milliseconds, both ends included). */
	| { readonly at: readonly { readonly from: number; readonly to: number }[] }
	| { readonly names: readonly string[] }
	| { readonly either: readonly Criterion[] };

/** The place of an entry in the order of time. */
export type Place = Pick<Logged, 'at' | 'stream' | 'seq'>;

export type LogQuery = {
	readonly criteria: readonly Criterion[];
	readonly count: number;
	/** Goes on after this entry. */
	readonly after?: Place | undefined;
	/** From the oldest on; else from the newest. */
	readonly isAscending?: boolean;
};

/** Entries in the order of time. */
export async function readLog(db: Querier, query: LogQuery): Promise<Logged[]> {
	const found: Logged[] = [];
	let begin: Moment | undefined;
	for (let blocks = firstBlocks; ; blocks = Math.min(blocks * 4, mostBlocks)) {
		const end = await edgeAfter(db, query, begin, blocks);
		found.push(...(await readBetween(db, { ...query, count: query.count - found.length }, begin, end)));
		if (found.length >= query.count || end === undefined) return found;
		begin = end;
	}
}

/**
 * Each block holds entries of a span of time, and only some may meet the criteria. So time is gone through in pieces, each with the
 * entries of so many blocks, which grow as long as there is not enough in them.
 */
const firstBlocks = 2;
const mostBlocks = 2000;

/** As the database writes it. */
type Moment = string;

/** Where a piece of time that begins at `begin` ends, so as to have so many blocks in it; undefined when it may be all the rest. */
async function edgeAfter(db: Querier, query: LogQuery, begin: Moment | undefined, blocks: number): Promise<Moment | undefined> {
	const { criteria, after, isAscending = false } = query;
	const parts = criteria.map(blockConditionOf);
	const from = after === undefined ? undefined : moment(after.at);
	if (isAscending) {
		if (from !== undefined) parts.push(sql`block_at >= ${from}`);
		if (begin !== undefined) parts.push(sql`block_since > ${begin}::timestamptz`);
	} else {
		if (from !== undefined) parts.push(sql`block_since <= ${from}`);
		if (begin !== undefined) parts.push(sql`block_at < ${begin}::timestamptz`);
	}
	const column = raw(isAscending ? 'b.block_since' : 'b.block_at');
	const [row] = await db.rows(sql`SELECT ${column}::text FROM ${raw(blocksOnly)} WHERE ${conjunction(parts)}
		ORDER BY ${column} ${raw(isAscending ? 'ASC' : 'DESC')} OFFSET ${blocks} LIMIT 1`);
	return row?.[0] as Moment | undefined;
}

async function readBetween(db: Querier, query: LogQuery, begin: Moment | undefined, end: Moment | undefined): Promise<Logged[]> {
	const { criteria, count, after, isAscending = false } = query;
	const parts = criteria.map(conditionOf);
	const blockParts = criteria.map(blockConditionOf);
	if (after !== undefined) {
		const { at, stream, seq } = after;
		const time = moment(at);
		parts.push(
			isAscending
				? sql`at >= ${time} AND (at > ${time} OR (stream, seq) > (${stream}::int8, ${seq}::int8))`
				: sql`at <= ${time} AND (at < ${time} OR (stream, seq) < (${stream}::int8, ${seq}::int8))`,
		);
		blockParts.push(isAscending ? sql`block_at >= ${time}` : sql`block_since <= ${time}`);
	}
	if (begin !== undefined) {
		const time = sql`${begin}::timestamptz`;
		parts.push(isAscending ? sql`at >= ${time}` : sql`at <= ${time}`);
		blockParts.push(isAscending ? sql`block_at >= ${time}` : sql`block_since <= ${time}`);
	}
	if (end !== undefined) {
		const time = sql`${end}::timestamptz`;
		parts.push(isAscending ? sql`at < ${time}` : sql`at > ${time}`);
		blockParts.push(isAscending ? sql`block_since < ${time}` : sql`block_at > ${time}`);
	}
	const order = raw(isAscending ? 'at, stream, seq' : 'at DESC, stream DESC, seq DESC');
	const all = raw(isAscending ? '1, 2, 3' : '1 DESC, 2 DESC, 3 DESC');
	const rows = await db.rows(sql`
		(SELECT ${raw(selected)} FROM audit.entry WHERE ${conjunction(parts)} ORDER BY ${order} LIMIT ${count}) UNION ALL
		(SELECT ${raw(selected)} FROM audit.noted WHERE ${conjunction([...blockParts, ...parts])} ORDER BY ${order} LIMIT ${count})
		ORDER BY ${all} LIMIT ${count}`);
	return rows.map(loggedOf);
}

/** How many entries meet the criteria. */
export async function countLog(db: Querier, criteria: readonly Criterion[]): Promise<number> {
	const all = conjunction(criteria.map(conditionOf));
	const some = conjunction(criteria.map(blockConditionOf));
	const whole = conjunction(criteria.map(wholeBlockConditionOf));
	const [row] = await db.rows(sql`SELECT (SELECT count(*) FROM audit.entry WHERE ${all}) +
		(SELECT coalesce(sum(block_count), 0) FROM ${raw(blocksOnly)} WHERE ${whole}) +
		(SELECT count(*) FROM audit.noted WHERE ${some} AND NOT ${whole} AND ${all})`);
	return Number(row?.[0]);
}

/** The place that a name stands for; undefined when it is the name of no entry. */
export function placeOf(name: string): Place | undefined {
	const [, at, stream, seq] = /^log\.([0-9a-z]{1,10})\.([0-9a-z]{1,10})\.([0-9a-z]{1,10})$/.exec(name) ?? [];
	if (at === undefined || stream === undefined || seq === undefined) return undefined;
	const [time, ...numbers] = [at, stream, seq].map((text) => Number.parseInt(text, 36));
	return { at: Math.min(time as number, 8.64e15), stream: numbers[0] as number, seq: numbers[1] as number };
}

/** Whether an id is one of the log's. */
export function isEntryName(id: string): boolean {
	return id.startsWith('log.');
}

function conjunction(parts: readonly Sql[]): Sql {
	return parts.length === 0 ? raw('true') : sql`(${join(parts, ' AND ')})`;
}

function disjunction(parts: readonly Sql[]): Sql {
	return parts.length === 0 ? raw('false') : sql`(${join(parts, ' OR ')})`;
}

function conditionOf(criterion: Criterion): Sql {
	if ('column' in criterion) {
		const column = raw(compared[criterion.column]);
		// Of one value an index gives the entries in the order of time.
		return criterion.any.length === 1 ? sql`${column} = ${criterion.any[0]}` : sql`${column} = ANY(${criterion.any}::text[])`;
	}
	if ('either' in criterion) return disjunction(criterion.either.map(conditionOf));
	if ('begins' in criterion)
		return disjunction(criterion.any.map((text) => sql`lower(${raw(compared[criterion.begins])}) ^@ lower(${text}::text)`));
	if ('about' in criterion)
		return disjunction(
			criterion.about.map(({ type, id }) => {
				if (id === undefined) return sql`type = ${type}`;
				const itself = sql`(id = ${id} AND type = ${type})`;
				return type === 'Patient' ? sql`(patient = ${id} OR ${itself})` : itself;
			}),
		);
	if ('status' in criterion) return disjunction(criterion.status.map(({ from, to }) => sql`status BETWEEN ${from}::int2 AND ${to}::int2`));
	if ('at' in criterion) return disjunction(criterion.at.map(({ from, to }) => sql`at BETWEEN ${moment(from)} AND ${moment(to)}`));
	const places = criterion.names.flatMap((name) => placeOf(name) ?? []);
	return disjunction(
		places.map(({ at, stream, seq }) => sql`(stream = ${stream}::int8 AND seq = ${seq}::int8 AND at = to_timestamp(${at}::float8 / 1000))`),
	);
}

/** What a block with an entry that meets the criterion meets, so that others need not be looked into. */
function blockConditionOf(criterion: Criterion): Sql {
	if ('column' in criterion) {
		const { column, any } = criterion;
		if (column === 'patient') return sql`block_patients && ${any}::text[]`;
		if (column === 'agent') return sql`block_agents && ${any}::text[]`;
		return holds(column === 'request' ? 'block_entries' : 'block_sources', any);
	}
	if ('either' in criterion) return disjunction(criterion.either.map(blockConditionOf));
	if ('begins' in criterion)
		return disjunction(
			criterion.any.map((text) => sql`strpos(lower(block_sources), lower(${JSON.stringify(text).slice(0, -1)}::text)) > 0`),
		);
	if ('about' in criterion)
		return disjunction(
			criterion.about.map(({ type, id }) => {
				if (id === undefined) return holds('block_sources', [type]);
				return type === 'Patient' ? sql`block_patients && ${[id]}::text[]` : holds('block_entries', [id]);
			}),
		);
	if ('status' in criterion) return raw('true');
	if ('at' in criterion)
		return disjunction(criterion.at.map(({ from, to }) => sql`(block_at >= ${moment(from)} AND block_since <= ${moment(to)})`));
	const places = criterion.names.flatMap((name) => placeOf(name) ?? []);
	return disjunction(
		places.map(({ stream, seq }) => sql`(stream = ${stream}::int8 AND block_seq BETWEEN ${seq}::int8 AND ${seq + mostInBlock - 1}::int8)`),
	);
}

/** What a block meets only if all its entries meet the criterion, so that they need not be looked at to be counted. */
function wholeBlockConditionOf(criterion: Criterion): Sql {
	if (!('at' in criterion)) return raw('false');
	return disjunction(criterion.at.map(({ from, to }) => sql`(block_since >= ${moment(from)} AND block_at <= ${moment(to)})`));
}

/** Whether the text of a block holds one of these values as a JSON string. */
function holds(column: 'block_sources' | 'block_entries', any: readonly string[]): Sql {
	return disjunction(any.map((text) => sql`strpos(${raw(column)}, ${JSON.stringify(text)}::text) > 0`));
}

const blocksOnly = `(SELECT at AS block_at, since AS block_since, stream, seq AS block_seq, count AS block_count, patients AS block_patients, agents AS block_agents,
	sources AS block_sources, entries AS block_entries FROM audit.block) AS b`;

function moment(ms: number): Sql {
	if (ms < -6e13) return raw(`'-infinity'::timestamptz`);
	if (ms > 8.64e15) return raw(`'infinity'::timestamptz`);
	return sql`to_timestamp(${ms}::float8 / 1000)`;
}

const selected = `(extract(epoch FROM at) * 1000)::float8, stream, seq, kind, interaction, action::text, status, caller, caller_kind, caller_name,
	client, fhir_user, address, patient, type, id, version, query, query_hash, purpose, request_id, detail`;

function loggedOf(row: readonly unknown[]): Logged {
	const [at, stream, seq, kind, interaction, action, status, caller, callerKind, callerName, ...rest] = row as [
		number,
		number,
		number,
		Kind,
		string,
		Action,
		number,
		string,
		string,
		string,
		...unknown[],
	];
	const [client, fhirUser, address, patient, type, id, version, query, queryHash, purpose, requestId, detail] = rest as (string | null)[];
	return {
		name: entryId(at * 1000, stream, seq),
		at,
		stream,
		seq,
		kind,
		interaction,
		action,
		status,
		caller,
		callerKind,
		callerName,
		client: client ?? null,
		fhirUser: fhirUser ?? null,
		address: address ?? null,
		patient: patient ?? null,
		type: type ?? null,
		id: id ?? null,
		version: version === null ? null : Number(version),
		query: query ?? null,
		queryHash: queryHash ?? null,
		purpose: purpose ?? null,
		requestId: requestId ?? '',
		detail: detail ?? null,
	};
}
