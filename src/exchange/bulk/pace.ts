// An export gives way: while others are served it takes a part of the time only, otherwise it runs as fast as it can.
import { setTimeout as sleep } from 'node:timers/promises';

/** The part of the time that an export takes when others are served. */
const share = 0.15;
/** How often it looks whether they are. */
const turnMs = 15;
/** How much a look counts against those before it. */
const weight = 0.2;
/** From this share of looks that found requests served since the one before, others are at work. */
const busyFrom = 0.15;

export type Pace = {
	/** Is asked between pieces of work; waits when others are at work. */
	rest(): Promise<void>;
};

/** `served` counts the requests that this process has answered; `signal` ends a wait. */
export function createPace(served: () => number, signal: AbortSignal): Pace {
	let begun = performance.now();
	let last = served();
	let busy = 0;
	const look = (): void => {
		const now = served();
		busy += ((now > last ? 1 : 0) - busy) * weight;
		last = now;
	};
	return {
		async rest() {
			const worked = performance.now() - begun;
			if (worked < turnMs) return;
			look();
			// In short waits, so that it goes on soon when the others are done.
			const until = performance.now() + Math.min(worked, 10 * turnMs) * (1 / share - 1);
			while (busy >= busyFrom && performance.now() < until && !signal.aborted) {
				await sleep(turnMs);
				look();
			}
			begun = performance.now();
		},
	};
}
