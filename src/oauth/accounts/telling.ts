// What the audit is told of people: who signs in and out, and who changes what somebody may.
import type { Action, Actor, AuditEvent, Kind } from '#access/audit/event.ts';
import type { Tx } from '#db/database.ts';
import type { People } from './people.ts';

export type Telling = Pick<People, 'audit' | 'actor'>;

/** Whose account it is: the part of `Account` that is told. */
type Holder = {
	readonly id: string;
	readonly kind: 'user' | 'patient';
	readonly username: string;
	readonly name: string;
	readonly fhirUser: string | undefined;
};

export type Told = {
	readonly kind: Exclude<Kind, 'rest'>;
	/** e.g. `login`, `account-changed`. */
	readonly interaction: string;
	readonly action?: Action;
	/** How it went, as an HTTP status; 200 when absent. */
	readonly status?: number;
	/** Whose account it is about. */
	readonly about?: Holder | undefined;
	/** What was done in words, of which none is secret or describes a patient. */
	readonly detail?: string;
};

/** People for whom somebody acts: what is done by them is told as that person's. */
export function acting<P extends Telling>(people: P, actor: Actor): P {
	return { ...people, actor };
}

/** The holder of an account as somebody who acts. */
export function actorOf(account: Holder, where: Omit<Actor, 'caller'>): Actor {
	const { id, kind, name, fhirUser } = account;
	return { ...where, caller: { id, kind, name, ...(fhirUser === undefined ? {} : { fhirUser }) } };
}

/** Stores an entry, within the transaction when one is given, else before this resolves. */
export async function tell({ audit, actor }: Telling, told: Told, tx?: Tx): Promise<void> {
	if (audit.level !== 'off') await audit.record(eventOf(actor, told), tx);
}

/** Stores an entry a moment later: for what may come often and changes nothing. */
export async function tellSoon({ audit, actor }: Telling, told: Told): Promise<void> {
	if (audit.level !== 'off') await audit.note(eventOf(actor, told));
}

export type Shown = {
	readonly type: string;
	readonly id: string | undefined;
	readonly patient: string | undefined;
	/** What was searched for, when it was a search. */
	readonly query: URLSearchParams | undefined;
	readonly detail: string;
};

/** Notes that a page showed something of the record, as a read or a search of the FHIR API is noted. */
export async function tellShown({ audit, actor }: Telling, { type, id, patient, query, detail }: Shown): Promise<void> {
	if (audit.level !== 'all') return;
	const isSearch = query !== undefined;
	const searched = isSearch && query.size > 0;
	await audit.note({
		...actor,
		kind: 'rest',
		interaction: isSearch ? 'search-type' : 'read',
		action: isSearch ? 'E' : 'R',
		status: 200,
		patient,
		type,
		id,
		...(searched ? { query: [...query.keys()].join(','), queryHash: audit.hashOf(`search-type ${type}?${query}`) } : {}),
		detail,
	});
}

function eventOf(actor: Actor, { kind, interaction, action = 'U', status = 200, about, detail }: Told): AuditEvent {
	const words = [about === undefined ? undefined : nameOf(about), detail].filter((part) => part !== undefined && part !== '');
	const [type, id] = about?.fhirUser?.split('/') ?? [];
	const patient = type === 'Patient' ? { patient: id } : {};
	return {
		...actor,
		kind,
		interaction,
		action,
		status,
		...patient,
		type,
		id,
		...(words.length === 0 ? {} : { detail: words.join(': ') }),
	};
}

/** The names that patients choose for themselves may tell who they are. */
function nameOf({ kind, id, username }: Holder): string {
	return kind === 'user' ? `user ${username} (${id})` : `portal account ${id}`;
}
