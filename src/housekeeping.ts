// What has to be done now and then and by one process only: forgetting tokens that have expired, removing large binaries that no version
// names any more.
import { type Caller, everything } from '#access/ctx.ts';
import { forgetExpired } from '#access/tokens.ts';
import { sweepBlobs } from '#fhir/binary/binary.ts';
import { forgetEnded } from '#oauth/accounts/attempts.ts';
import { forgetGrants } from '#oauth/smart/consents.ts';
import type { Installation } from './compose.ts';

const minute = 60_000;
const lockKey = 4_833_111;
const caller: Caller = { kind: 'system', id: 'heron-housekeeping', name: 'heron housekeeping', grants: everything };

/** What of an installation it needs. */
export type House = Pick<Installation, 'db' | 'ctxFor' | 'log'>;

export type Times = { readonly firstMs: number; readonly everyMs: number };

/** Begins ten minutes after the start and goes on once a day; gives what ends it. */
export function startHousekeeping(
	house: House,
	{ firstMs, everyMs }: Times = { firstMs: 10 * minute, everyMs: 24 * 60 * minute },
): () => Promise<void> {
	let running: Promise<unknown> = Promise.resolve();
	let timer = setTimeout(turn, firstMs).unref();
	function turn(): void {
		running = keepHouse(house).catch((error) => {
			house.log.warn({ code: (error as { code?: string }).code }, 'housekeeping did not come to its end; it is tried again next time');
		});
		timer = setTimeout(turn, everyMs).unref();
	}
	return async () => {
		clearTimeout(timer);
		await running;
	};
}

/** Once through, unless another process is at it; says which. Rejects as the database and the store of binaries do. */
export async function keepHouse({ db, ctxFor, log }: House): Promise<boolean> {
	const client = await db.connect();
	let broken: unknown;
	try {
		const { rows } = await client.query(`SELECT pg_try_advisory_lock(${lockKey}) AS mine`);
		if (rows[0]?.mine !== true) return false;
		await forgetExpired(db);
		await forgetGrants(db, ctxFor(caller, 'housekeeping').clock.now());
		await forgetEnded(db, ctxFor(caller, 'housekeeping').clock.now());
		const swept = await sweepBlobs(ctxFor(caller, 'housekeeping'));
		await client.query(`SELECT pg_advisory_unlock(${lockKey})`);
		log.info({ ...swept }, 'housekeeping done');
		return true;
	} catch (error) {
		broken = error;
		throw error;
	} finally {
		// A connection that is closed gives its locks back.
		client.release(broken !== undefined);
	}
}
