// How often a client asks for a job: some times in a row, then once a second.
import type { Clock } from '#base/clock.ts';

export type Polls = {
	/** Whether the job may be asked for now. */
	take(id: string): boolean;
};

const inARow = 5;
const everyMs = 1000;
const kept = 1000;

/** The polls that one process has answered, of the jobs asked for last. */
export function createPolls(clock: Clock): Polls {
	const fullAt = new Map<string, number>();
	return {
		take(id) {
			const now = clock.now().getTime();
			// A moment that lies as far ahead as polls were answered that time has not made up for yet.
			const next = Math.max(fullAt.get(id) ?? 0, now) + everyMs;
			if (next > now + inARow * everyMs) return false;
			fullAt.delete(id);
			fullAt.set(id, next);
			if (fullAt.size > kept) fullAt.delete(fullAt.keys().next().value as string);
			return true;
		},
	};
}
