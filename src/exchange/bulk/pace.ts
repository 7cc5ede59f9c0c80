// An export gives way: while others use the database it takes a part of the time only, otherwise it runs as fast as it can.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';

/** The part of the time that an export takes when others are at work. */
const share = 0.2;
/** How often it looks whether they are. */
const turnMs = 15;
/** How much a look counts against those before it. */
const weight = 0.2;
/** From this share of looks at which others were found at work, they are. */
const busyFrom = 0.15;

export type Pace = {
	/** Is asked between pieces of work; waits when others are at work. */
	rest(): Promise<void>;
};

/** `own`: connections of the pool that the export itself holds; `signal` ends a wait. */
export function createPace(pool: Pick<Pool, 'totalCount' | 'idleCount' | 'waitingCount'>, own: number, signal: AbortSignal): Pace {
	let begun = performance.now();
	let busy = 0;
	const look = (): void => {
		const others = pool.totalCount - pool.idleCount - own + pool.waitingCount;
		busy += ((others > 0 ? 1 : 0) - busy) * weight;
	};
	return {
		async rest() {
			const worked = performance.now() - begun;
			if (worked < turnMs) return;
			look();
			if (busy >= busyFrom) {
				// In short waits, so that it goes on soon when the others are done.
				const until = performance.now() + Math.min(worked, 10 * turnMs) * (1 / share - 1);
				while (performance.now() < until && busy >= busyFrom && !signal.aborted) {
					await sleep(turnMs);
					look();
				}
			}
			begun = performance.now();
		},
	};
}
