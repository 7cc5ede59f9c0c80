// Many events of reads as one link of a chain: each is written down as it comes, so that nothing of a request is held on to, and all are
// hashed and stored together.
import { hash } from 'node:crypto';
import { texts } from '#db/arrays.ts';
import type { Prepared } from '#db/pipeline.ts';
import { clean, cleanOr, type Head } from './entry.ts';
import type { AuditEvent } from './event.ts';

/** No block of any version has more entries than this. */
export const mostInBlock = 250;

/** The columns of a block other than its hash. */
export type Block = {
	/** Microseconds since the epoch, as the database keeps time: of its last entry. */
	readonly at: number;
	/** Of its first entry. */
	readonly since: number;
	readonly stream: number;
	/** Number of its last entry. */
	readonly seq: number;
	/** How many entries it has. */
	readonly count: number;
	/** Whom its entries are about. */
	readonly patients: readonly string[];
	/** Whose doing they are: the FHIR resource of a caller or, without one, the caller's id. */
	readonly agents: readonly string[];
	/**
	 * JSON array of what many entries have in common: [kind, interaction, action, status, caller, caller_kind, caller_name, client, fhir_user,
	 * address, type, query, purpose].
	 */
	readonly sources: string;
	/** JSON array of [number of the source, milliseconds after `since`, id, version, patient, request_id, query_hash, detail], each without nulls at its end. */
	readonly entries: string;
};

/** Events that are going to be a block. */
export type Notes = {
	readonly count: () => number;
	/** When the first of them was, in milliseconds since the epoch. */
	readonly since: () => number;
	/** Writes an event down; `at` in milliseconds since the epoch. */
	readonly add: (event: AuditEvent, at: number) => void;
	/** All of them as the next link of a stream. The clock may stand still or go back; the stream's time does not. */
	readonly fold: (stream: number, from: Head) => Folded;
};

export type Folded = { readonly block: Block; readonly hash: string; readonly head: Head };

/** What entries have in common, as it came, and the number it has among the sources of its block. */
type Source = Pick<AuditEvent, 'kind' | 'interaction' | 'action' | 'status' | 'address' | 'type' | 'query' | 'purpose'> & {
	readonly number: number;
};

/** No events yet. */
export function createNotes(): Notes {
	const sources = new Map<string, number>();
	/** Those of a caller: who asks again asks mostly for the same kind of thing, which is found without writing it down. */
	const known = new Map<AuditEvent['caller'], Source[]>();
	const patients = new Set<string>();
	const agents = new Set<string>();
	let entries = '';
	let count = 0;
	let since = 0;
	let last = 0;
	const numberOf = (event: AuditEvent): number => {
		const own = known.get(event.caller);
		const found = own?.find((source) => isOf(event, source));
		if (found !== undefined) return found.number;
		const text = sourceOf(event);
		const number = sources.get(text) ?? sources.size;
		if (number === sources.size) {
			sources.set(text, number);
			agents.add(cleanOr(event.caller.fhirUser) ?? clean(event.caller.id));
		}
		const { kind, interaction, action, status, address, type, query, purpose } = event;
		const source = { kind, interaction, action, status, address, type, query, purpose, number };
		if (own === undefined) known.set(event.caller, [source]);
		else if (own.length < mostKnown) own.push(source);
		return number;
	};
	return {
		count: () => count,
		since: () => since,
		add(event, at) {
			const { type, id, version, patient, requestId, queryHash, detail } = event;
			if (patient !== undefined && patient !== '') patients.add(clean(patient));
			if (type === 'Patient' && id !== patient && id !== undefined && id !== '') patients.add(clean(id));
			if (count === 0) since = at;
			last = Math.max(at - since, last);
			const own = `${numberOf(event)},${last},${quotedOr(id)},${version ?? null},${quotedOr(patient)},${quoted(requestId)}`;
			const told = detail === undefined || detail === '' ? '' : `,${quoted(detail)}`;
			const more = told === '' && queryHash === undefined ? '' : `,${queryHash === undefined ? null : quoted(queryHash)}${told}`;
			entries += `${count === 0 ? '' : ','}[${own}${more}]`;
			count++;
		},
		fold(stream, from) {
			const begin = Math.max(since, from.at);
			const end = begin + last;
			const seq = from.seq + count;
			const block: Block = {
				at: end * 1000,
				since: begin * 1000,
				stream,
				seq,
				count,
				patients: [...patients],
				agents: [...agents],
				sources: `[${[...sources.keys()].join(',')}]`,
				entries: `[${entries}]`,
			};
			const hashed = hashOfBlock(from.hash, block);
			return { block, hash: hashed, head: { seq, hash: hashed, at: end } };
		},
	};
}

/** Sources of a caller that are looked through; more are found by their text. */
const mostKnown = 8;

function isOf(event: AuditEvent, source: Source): boolean {
	return (
		event.interaction === source.interaction &&
		event.type === source.type &&
		event.status === source.status &&
		event.query === source.query &&
		event.address === source.address &&
		event.action === source.action &&
		event.purpose === source.purpose &&
		event.kind === source.kind
	);
}

function sourceOf({ kind, interaction, action, status, caller, address, type, query, purpose }: AuditEvent): string {
	const who = [clean(caller.id), caller.kind, clean(caller.name), cleanOr(caller.client), cleanOr(caller.fhirUser)];
	return JSON.stringify([
		kind,
		clean(interaction),
		action,
		status,
		...who,
		cleanOr(address),
		cleanOr(type),
		cleanOr(query),
		cleanOr(purpose),
	]);
}

/** What stands in JSON as it is: all ids do. */
const plain = /^[A-Za-z0-9\-.:_]{1,128}$/;

function quoted(text: string): string {
	return plain.test(text) ? `"${text}"` : JSON.stringify(clean(text));
}

function quotedOr(text: string | undefined): string {
	return text === undefined || text === '' ? 'null' : quoted(text);
}

/** The block's hash in hexadecimal: SHA-256 of the hash before it, of its other columns as a JSON array, a line feed, and its entries. */
export function hashOfBlock(before: string, { at, since, stream, seq, count, patients, agents, sources, entries }: Block): string {
	return hash('sha256', `${before}${JSON.stringify([at, since, stream, seq, count, patients, agents, sources])}\n${entries}`, 'hex');
}

const text = `INSERT INTO audit.block (at, since, stream, seq, count, hash, patients, agents, sources, entries) VALUES (
	to_timestamp($1::float8 / 1000000), to_timestamp($2::float8 / 1000000), $3::int8, $4::int8, $5::int4, $6::bytea, $7::text[], $8::text[], $9, $10)`;

/** Stores a block. */
export function insertBlock({ block, hash: hashed }: Folded): Prepared {
	const { at, since, stream, seq, count, patients, agents, sources, entries } = block;
	const values = [at, since, stream, seq, count, Buffer.from(hashed, 'hex'), texts(patients), texts(agents), sources, entries];
	return { name: 'audit_block', text, values };
}
