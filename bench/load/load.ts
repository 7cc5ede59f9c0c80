// The bench's end of the load generator.
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { Cycle, FromGenerator, Job, Outcome, Pool, ToGenerator } from './job.ts';

export type Load = {
	readonly define: (name: string, what: Pool | Cycle) => void;
	readonly forget: (name: string) => void;
	readonly run: (job: Job) => Promise<Outcome>;
	readonly stop: () => void;
};

/** Starts the generator process. */
export function startLoad(): Load {
	const child: ChildProcess = fork(join(import.meta.dirname, 'generator.ts'), { serialization: 'advanced' });
	const waiting = new Map<number, { resolve: (outcome: Outcome) => void; reject: (error: Error) => void }>();
	let last = 0;
	child.on('message', (message: FromGenerator) => {
		const waiter = waiting.get(message.id);
		waiting.delete(message.id);
		if (message.outcome !== undefined) waiter?.resolve(message.outcome);
		else waiter?.reject(new Error(message.error));
	});
	child.on('exit', () => {
		for (const { reject } of waiting.values()) reject(new Error('the load generator ended'));
	});
	const send = (message: ToGenerator): void => void child.send(message);
	return {
		define: (name, what) => send('requests' in what ? { define: name, pool: what } : { define: name, cycle: what }),
		forget: (name) => send({ forget: name }),
		run(job) {
			const id = ++last;
			return new Promise((resolve, reject) => {
				waiting.set(id, { resolve, reject });
				send({ id, job });
			});
		},
		stop: () => void child.kill(),
	};
}
