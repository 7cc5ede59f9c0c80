// One entry of a chain: its canonical form, its hash, and the statement that stores many.
import { hash } from 'node:crypto';
import { bytes, float8sOf, int2sOf, int4sOf, int8sOf, textsOf } from '#db/arrays.ts';
import type { Prepared, Value } from '#db/pipeline.ts';
import type { Action, AuditEvent } from './event.ts';

/** Where a stream stands: its last entry. */
export type Head = {
	readonly seq: number;
	/** Hexadecimal. */
	readonly hash: string;
	/** Milliseconds since the epoch. */
	readonly at: number;
};

/** What a stream stands at before its first entry. */
export const genesis: Head = { seq: 0, hash: '0'.repeat(64), at: 0 };

/** The columns of an entry other than its hash, in the order in which they are hashed. */
export type Entry = readonly [
	/** Microseconds since the epoch, as the database keeps time. */
	at: number,
	stream: number,
	seq: number,
	kind: string,
	interaction: string,
	action: Action,
	status: number,
	caller: string,
	callerKind: string,
	callerName: string,
	client: string | null,
	fhirUser: string | null,
	address: string | null,
	patient: string | null,
	type: string | null,
	id: string | null,
	version: number | null,
	query: string | null,
	queryHash: string | null,
	purpose: string | null,
	requestId: string,
	detail: string | null,
];

/** The columns' names, in the order of `Entry`. */
export const columns = [
	'at',
	'stream',
	'seq',
	'kind',
	'interaction',
	'action',
	'status',
	'caller',
	'caller_kind',
	'caller_name',
	'client',
	'fhir_user',
	'address',
	'patient',
	'type',
	'id',
	'version',
	'query',
	'query_hash',
	'purpose',
	'request_id',
	'detail',
] as const;

/** The entry's hash in hexadecimal: SHA-256 of the hash before it and of its columns as a JSON array. */
export function hashOfEntry(before: string, entry: Entry): string {
	return hash('sha256', before + JSON.stringify(entry), 'hex');
}

/** The name of an entry, which is also its id as an AuditEvent. */
export function entryId(at: number, stream: number, seq: number): string {
	return `log.${Math.floor(at / 1000).toString(36)}.${stream.toString(36)}.${seq.toString(36)}`;
}

/** An event with its texts as the database keeps them. */
export function entryOf(event: AuditEvent, stream: number, seq: number, at: number): Entry {
	const { caller } = event;
	return [
		at * 1000,
		stream,
		seq,
		event.kind,
		clean(event.interaction),
		event.action,
		event.status,
		clean(caller.id),
		caller.kind,
		clean(caller.name),
		cleanOr(caller.client),
		cleanOr(caller.fhirUser),
		cleanOr(event.address),
		cleanOr(event.patient),
		cleanOr(event.type),
		cleanOr(event.id),
		event.version ?? null,
		cleanOr(event.query),
		event.queryHash ?? null,
		cleanOr(event.purpose),
		clean(event.requestId),
		cleanOr(event.detail),
	];
}

const longest = 2000;

/** What PostgreSQL gives back as it was given: no null characters, no halves of characters, not endless. */
export function clean(text: string): string {
	const short = text.length > longest ? text.slice(0, longest) : text;
	const whole = short.isWellFormed() ? short : short.toWellFormed();
	return whole.includes('\0') ? whole.replaceAll('\0', '\ufffd') : whole;
}

/** The same; null for what is not there. */
export function cleanOr(text: string | undefined): string | null {
	return text === undefined || text === '' ? null : clean(text);
}

export type Chained = {
	readonly entries: readonly Entry[];
	readonly hashes: readonly string[];
	readonly head: Head;
};

/** The events as the next entries of a stream. The clock may stand still or go back; the stream's time does not. */
export function chain(stream: number, from: Head, events: readonly { readonly event: AuditEvent; readonly at: number }[]): Chained {
	const entries: Entry[] = [];
	const hashes: string[] = [];
	let head = from;
	for (const { event, at } of events) {
		const time = Math.max(at, head.at);
		const entry = entryOf(event, stream, head.seq + 1, time);
		head = { seq: head.seq + 1, hash: hashOfEntry(head.hash, entry), at: time };
		entries.push(entry);
		hashes.push(head.hash);
	}
	return { entries, hashes, head };
}

const given = columns.map(
	(name, i) => `$${i + 1}::${{ at: 'float8', stream: 'int8', seq: 'int8', status: 'int2', version: 'int4' }[name as string] ?? 'text'}[]`,
);
const taken = columns.map((name) =>
	name === 'at' ? 'to_timestamp(u.at / 1000000)' : name === 'action' ? 'u.action::"char"' : `u.${name}`,
);
const text = `INSERT INTO audit.entry (${columns.join(', ')}, hash) SELECT ${taken.join(', ')}, u.hash
	FROM unnest(${given.join(', ')}, $${columns.length + 1}::bytea[]) AS u(${columns.join(', ')}, hash)`;

/** How a column of so many entries is written. */
const encode: readonly ((entries: readonly Entry[]) => Buffer)[] = columns.map((name, i) => {
	const number = (entry: Entry): number => entry[i] as number;
	switch (name) {
		case 'at':
			return (entries) => float8sOf(entries, number);
		case 'stream':
		case 'seq':
			return (entries) => int8sOf(entries, number);
		case 'status':
			return (entries) => int2sOf(entries, number);
		case 'version':
			return (entries) => int4sOf(entries, (entry) => entry[i] as number | null);
		default:
			return (entries) => textsOf(entries, (entry) => entry[i] as string | null);
	}
});

/** Stores entries. */
export function insertEntries({ entries, hashes }: Chained): Prepared {
	const values: Value[] = encode.map((column) => column(entries));
	values.push(bytes(hashes.map((one) => Buffer.from(one, 'hex'))));
	return { name: 'audit_entries', text, values };
}
