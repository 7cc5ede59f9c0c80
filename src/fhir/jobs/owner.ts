// Whose a job is.
import type { Caller, Interaction } from '#access/ctx.ts';

/** Names an account across kinds of callers. */
export function ownerOf({ kind, id }: Caller): string {
	return `${kind} ${id}`;
}

const all: readonly Interaction[] = ['create', 'read', 'update', 'delete', 'search'];

/** Whether the caller may know of a job that `owner` started: its own by the same client, or any when nothing is closed to the caller. */
export function isOwnOrUnrestricted(caller: Caller, owner: Caller): boolean {
	return (ownerOf(caller) === ownerOf(owner) && caller.client === owner.client) || isUnrestricted(caller);
}

/** Nothing is closed to the caller. */
export function isUnrestricted({ grants }: Caller): boolean {
	return grants.some(
		({ type, interactions, patient, query, except }) =>
			type === '*' &&
			patient === undefined &&
			query === undefined &&
			except === undefined &&
			all.every((one) => interactions.includes(one)),
	);
}
