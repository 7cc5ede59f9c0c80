// Reading the audit: entries that meet criteria, by time, a page at a time.
import type { Querier } from '#db/database.ts';
import { join, raw, type Sql, sql } from '#db/sql.ts';
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
export async function readLog(db: Querier, { criteria, count, after, isAscending = false }: LogQuery): Promise<Logged[]> {
	const parts = criteria.map(conditionOf);
	if (after !== undefined) {
		const { at, stream, seq } = after;
		const time = sql`to_timestamp(${at}::float8 / 1000)`;
		parts.push(
			isAscending
				? sql`at >= ${time} AND (at > ${time} OR (stream, seq) > (${stream}::int8, ${seq}::int8))`
				: sql`at <= ${time} AND (at < ${time} OR (stream, seq) < (${stream}::int8, ${seq}::int8))`,
		);
	}
	const order = isAscending ? 'at, stream, seq' : 'at DESC, stream DESC, seq DESC';
	const rows = await db.rows(
		sql`SELECT ${raw(selected)} FROM audit.entry WHERE ${conjunction(parts)} ORDER BY ${raw(order)} LIMIT ${count}`,
	);
	return rows.map(loggedOf);
}

/** How many entries meet the criteria. */
export async function countLog(db: Querier, criteria: readonly Criterion[]): Promise<number> {
	const [row] = await db.rows(sql`SELECT count(*) FROM audit.entry WHERE ${conjunction(criteria.map(conditionOf))}`);
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
	return parts.length === 0 ? raw('true') : join(parts, ' AND ');
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
