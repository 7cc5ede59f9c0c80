// Many events of reads as one link of a chain: each is written down as it comes, so that nothing of a request is held on to, and all are
// hashed and stored together.
import { hash } from 'node:crypto';
import { texts } from '#db/arrays.ts';
import type { Prepared } from '#db/pipeline.ts';
import { entryOf, type Head } from './entry.ts';
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

/** No events yet. */
export function createNotes(): Notes {
	const sources = new Map<string, number>();
	const patients = new Set<string>();
	const agents = new Set<string>();
	let entries = '';
	let count = 0;
	let since = 0;
	let last = 0;
	return {
		count: () => count,
		since: () => since,
		add(event, at) {
			const [, , , kind, interaction, action, status, caller, callerKind, callerName, client, fhirUser, address, ...own] = entryOf(
				event,
				0,
				0,
				0,
			);
			const [patient, type, id, version, query, queryHash, purpose, requestId, detail] = own;
			const source = JSON.stringify([
				kind,
				interaction,
				action,
				status,
				caller,
				callerKind,
				callerName,
				client,
				fhirUser,
				address,
				type,
				query,
				purpose,
			]);
			let number = sources.get(source);
			if (number === undefined) {
				number = sources.size;
				sources.set(source, number);
				agents.add(fhirUser ?? caller);
			}
			if (patient !== null) patients.add(patient);
			if (type === 'Patient' && id !== null) patients.add(id);
			if (count === 0) since = at;
			last = Math.max(at - since, last);
			const fields =
				detail !== null
					? [number, last, id, version, patient, requestId, queryHash, detail]
					: queryHash !== null
						? [number, last, id, version, patient, requestId, queryHash]
						: [number, last, id, version, patient, requestId];
			entries += `${count === 0 ? '' : ','}${JSON.stringify(fields)}`;
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
