// What somebody who asked for something earlier may do now: for work that goes on without a request of theirs.
import type { Caller, Grant } from '#access/ctx.ts';
import { intersection } from '#access/policy.ts';
import { type Account, findAccount } from '#oauth/accounts/account.ts';
import type { People } from '#oauth/accounts/people.ts';
import type { Authorization } from '#oauth/authorization.ts';
import { latestConsent } from '#oauth/smart/consents.ts';

export type StandingDeps = {
	readonly people: People;
	readonly authorization: Pick<Authorization, 'clients'>;
	readonly rightsOf: (account: Account) => Promise<readonly Grant[]>;
};

const everSince = new Date(0);

/**
 * Gives the caller with no more than the rights its account has now, or undefined when the account, the app or the account's consent to the
 * app has ended.
 */
export function createCallerNow({ people, authorization, rightsOf }: StandingDeps): (caller: Caller) => Promise<Caller | undefined> {
	return async (caller) => {
		const { client, kind, id } = caller;
		if (client !== undefined && (await authorization.clients.find(client))?.enabled !== true) return undefined;
		if (kind === 'system') return caller;
		const account = await findAccount(people, id);
		// Local tokens may name somebody who has no account.
		if (account === undefined) return client === undefined ? caller : undefined;
		if (!account.active) return undefined;
		if (client !== undefined && (await latestConsent(people.db, id, client, everSince)) === undefined) return undefined;
		return { ...caller, grants: intersection(caller.grants, await rightsOf(account)) };
	};
}
