// What has to be done now and then and by one process only: forgetting tokens that have expired, removing large binaries that no version
// names any more.
import { type Caller, everything } from '#access/ctx.ts';
import { forgetExpired } from '#access/tokens.ts';
import { sweepBlobs } from '#fhir/binary/binary.ts';
import { forgetEnded } from '#oauth/accounts/attempts.ts';
import { forgetGrants } from '#oauth/smart/consents.ts';
import type { Service } from '#standard-api/background-service.ts';
import type { Installation } from './compose.ts';

const minute = 60_000;
const lockKey = 4_833_111;
const caller: Caller = { kind: 'system', id: 'heron-housekeeping', name: 'heron housekeeping', grants: everything };

/** What of an installation it needs. */
export type House = Pick<Installation, 'db' | 'ctxFor' | 'log'>;

export type Times = { readonly firstMs: number; readonly everyMs: number };

/** Housekeeping of one server process: a service that the API shows, and what begins and ends its rounds. */
export type Housekeeping = {
	readonly service: Service;
	/** Begins ten minutes after the start and goes on once a day. */
	start(): void;
	/** Ends the rounds, when the one under way is done. */
	end(): Promise<void>;
};

/** Makes the rounds of an installation; they wait for `start`. */
export function createHousekeeping(
	house: House,
	{ firstMs, everyMs }: Times = { firstMs: 10 * minute, everyMs: 24 * 60 * minute },
): Housekeeping {
	let running: Promise<boolean> | undefined;
	let timer: NodeJS.Timeout | undefined;
	let next: Date | undefined;
	const once = async (): Promise<boolean> => {
		running ??= keepHouse(house).finally(() => {
			running = undefined;
		});
		return running;
	};
	const plan = (ms: number): void => {
		next = new Date(house.ctxFor(caller, 'housekeeping').clock.now().getTime() + ms);
		timer = setTimeout(turn, ms).unref();
	};
	const turn = (): void => {
		plan(everyMs);
		once().catch((error) => {
			house.log.warn({ code: (error as { code?: string }).code }, 'housekeeping did not come to its end; it is tried again next time');
		});
	};
	return {
		service: {
			name: 'housekeeping',
			title: 'Removes what has expired and what nothing names any more',
			everyMinutes: Math.max(1, Math.round(everyMs / minute)),
			isRunning: () => running !== undefined,
			next: () => next,
			run: async () => ((await once()) ? 'done' : 'busy'),
		},
		start: () => plan(firstMs),
		async end() {
			clearTimeout(timer);
			await running?.catch(() => undefined);
		},
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
