// The apps that an account has let in: what the authorization server knows of them, as the pages and commands of sessions need it.
import type { Actor } from '#access/audit/event.ts';

export type AppGrant = {
	readonly id: string;
	/** The app's name, as it registered. */
	readonly client: string;
	readonly scopes: readonly string[];
	readonly since: Date | undefined;
};

export type AppGrants = {
	list(account: string): Promise<AppGrant[]>;
	/** Ends the grant and every token under it; false when the account has none of that id. */
	end(account: string, id: string, by?: Actor): Promise<boolean>;
	/** Ends all of them; gives their number. */
	endAll(account: string, by?: Actor): Promise<number>;
};
