// Reads of current versions that come together go together: one statement for all ids of a type that wait while others run. No timer: a
// read that comes alone goes alone.
import type { Querier } from '#db/database.ts';
import type { Stored } from '#fhir/resource.ts';
import { readCurrent, readMark, storedOf } from './read.ts';
import { milliseconds, tableOf } from './statements.ts';

export type Reads = {
	/** As readCurrent without a restriction. The statement starts after the call, so what was committed before is seen. */
	read(db: Querier, type: string, id: string): Promise<Stored | undefined>;
};

type Waiter = { readonly resolve: (stored: Stored | undefined) => void; readonly reject: (error: unknown) => void };

/** What waits of one type on one database. */
type Lane = { readonly waiting: Map<string, Waiter[]>; running: number; scheduled: boolean };

/** Statements of a type at a time: while one's rows are on their way, the next is gathered. */
const atOnce = 2;
const maxIds = 100;

/** Opens the queues. */
export function createReads(): Reads {
	const lanes = new WeakMap<Querier, Map<string, Lane>>();
	const laneOf = (db: Querier, type: string): Lane => {
		let ofDb = lanes.get(db);
		if (ofDb === undefined) {
			ofDb = new Map();
			lanes.set(db, ofDb);
		}
		let lane = ofDb.get(type);
		if (lane === undefined) {
			lane = { waiting: new Map(), running: 0, scheduled: false };
			ofDb.set(type, lane);
		}
		return lane;
	};
	const schedule = (db: Querier, type: string, lane: Lane): void => {
		if (lane.scheduled || lane.running >= atOnce || lane.waiting.size === 0) return;
		lane.scheduled = true;
		// After the input of this turn of the event loop, so that requests that came together go together.
		setImmediate(() => {
			lane.scheduled = false;
			while (lane.running < atOnce && lane.waiting.size > 0) void run(db, type, lane);
		});
	};
	const run = async (db: Querier, type: string, lane: Lane): Promise<void> => {
		lane.running++;
		await answer(db, type, takeSome(lane.waiting));
		lane.running--;
		schedule(db, type, lane);
	};
	return {
		read(db, type, id) {
			return new Promise((resolve, reject) => {
				const lane = laneOf(db, type);
				const others = lane.waiting.get(id);
				if (others === undefined) lane.waiting.set(id, [{ resolve, reject }]);
				else others.push({ resolve, reject });
				schedule(db, type, lane);
			});
		},
	};
}

function takeSome(waiting: Map<string, Waiter[]>): Map<string, Waiter[]> {
	const taken = new Map<string, Waiter[]>();
	for (const [id, waiters] of waiting) {
		if (taken.size >= maxIds) break;
		taken.set(id, waiters);
		waiting.delete(id);
	}
	return taken;
}

/** Settles every waiter; never rejects. */
async function answer(db: Querier, type: string, asked: Map<string, Waiter[]>): Promise<void> {
	try {
		const found = await readAll(db, type, [...asked.keys()]);
		for (const [id, waiters] of asked) {
			for (const { resolve, reject } of waiters) {
				// Few reads find nothing, and then it may be a mark that they find.
				if (found.has(id)) resolve(found.get(id));
				else readMark(db, type, id).then(resolve, reject);
			}
		}
	} catch (error) {
		for (const waiters of asked.values()) for (const { reject } of waiters) reject(error);
	}
}

/** What is there; for an id by itself also that nothing is. */
async function readAll(db: Querier, type: string, ids: readonly string[]): Promise<Map<string, Stored | undefined>> {
	const [only] = ids;
	if (ids.length === 1 && only !== undefined) return new Map([[only, await readCurrent(db, type, only, null)]]);
	const rows = await db.rows({
		name: `reads_${type}`,
		text: `SELECT r.rid, r.ver, ${milliseconds('r.lu')}, r.op, r.body, r.id FROM ${tableOf(type)} r WHERE r.id = ANY($1)`,
		values: [ids],
	});
	return new Map(rows.map((row) => [String(row[5]), storedOf(type, String(row[5]), row)]));
}
