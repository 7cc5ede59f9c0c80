// Break-glass: somebody with the right to it takes access to everything for a limited time, with a reason, and it is recorded.
import type { Clock } from '#base/clock.ts';
import type { Ids } from '#base/ids.ts';
import { Problem } from '#base/problem.ts';
import type { Querier } from '#db/database.ts';
import { raw, sql } from '#db/sql.ts';
import type { Grant } from './ctx.ts';
import { may, type Role } from './roles.ts';

export type BreakGlass = {
	readonly id: string;
	readonly account: string;
	readonly reason: string;
	readonly beganAt: Date;
	readonly until: Date;
	readonly endedAt: Date | undefined;
};

type Where = { readonly db: Querier; readonly clock: Clock };

/** How long it may last. */
export const longestMinutes = 240;

/** Begins it. Throws Problem forbidden `no-break-glass` without the right, invalid `reason-short`, `minutes-wrong`. */
export async function beginBreakGlass(
	{ db, clock, ids }: Where & { readonly ids: Ids },
	roles: readonly Role[],
	given: { readonly account: string; readonly reason: string; readonly minutes: number },
): Promise<BreakGlass> {
	if (!may(roles, 'emergency.access')) throw new Problem('forbidden', 'no-break-glass', 'This account has no right to emergency access.');
	const reason = given.reason.trim();
	if (reason.length < 10 || reason.length > 2000) throw new Problem('invalid', 'reason-short', 'Say why, in 10 to 2000 characters.');
	if (!(given.minutes >= 1 && given.minutes <= longestMinutes))
		throw new Problem('invalid', 'minutes-wrong', `Emergency access lasts from 1 to ${longestMinutes} minutes.`);
	const beganAt = clock.now();
	const until = new Date(beganAt.getTime() + given.minutes * 60_000);
	const id = ids.next();
	await db.execute(sql`
		INSERT INTO access.break_glass (id, account, reason, began_at, until) VALUES (${id}, ${given.account}, ${reason}, ${beganAt}, ${until})`);
	return { id, account: given.account, reason, beganAt, until, endedAt: undefined };
}

/** What an account has at this moment. */
export async function activeBreakGlass({ db, clock }: Where, account: string): Promise<BreakGlass | undefined> {
	const [active] = await select({ db }, sql`account = ${account} AND ended_at IS NULL AND until > ${clock.now()} ORDER BY until DESC`);
	return active;
}

/** All that was ever taken, the newest first. */
export async function listBreakGlass({ db }: { readonly db: Querier }): Promise<BreakGlass[]> {
	return select({ db }, raw('true ORDER BY began_at DESC LIMIT 1000'));
}

async function select({ db }: { readonly db: Querier }, where: ReturnType<typeof raw>): Promise<BreakGlass[]> {
	const rows = await db.query<{ id: string; account: string; reason: string; began_at: Date; until: Date; ended_at: Date | null }>(
		sql`SELECT id, account, reason, began_at, until, ended_at FROM access.break_glass WHERE ${where}`,
	);
	return rows.map(({ began_at, ended_at, ...rest }) => ({ ...rest, beganAt: began_at, endedAt: ended_at ?? undefined }));
}

/** Ends what an account has; `by` is the account that ended it. Gives the number of those that were ended. */
export async function endBreakGlass({ db, clock }: Where, account: string, by: string): Promise<number> {
	const now = clock.now();
	return db.execute(sql`
		UPDATE access.break_glass SET ended_at = ${now}, ended_by = ${by} WHERE account = ${account} AND ended_at IS NULL AND until > ${now}`);
}

/** What it lets its holder do beside the own rights: look at everything. */
export const breakGlassGrants: readonly Grant[] = [{ type: '*', interactions: ['read', 'search'] }];
