// Statements side by side on few connections: each is sent at once, behind those that are not answered yet, so that PostgreSQL goes on
// with the next without waiting for us. Plans are made once for all values, which spares each statement its planning.
import type { PoolClient, PoolConfig } from 'pg';
import { openPipelined } from './clients.ts';
import { translate } from './translate.ts';

export type Lines = {
	/** Has `work` send one statement that only reads, soon ends and is planned alike whatever its values. Rejects as `work` or the connecting does. */
	run<T>(work: (client: PoolClient) => Promise<T>): Promise<T>;
	close(): Promise<void>;
};

/** A connection in use. */
type Line = { readonly connected: Promise<PoolClient>; running: number; isBroken: boolean };

/** Opens at most `max` connections, when they are needed. `onError` hears of those that died. */
export function openLines(config: PoolConfig & { readonly max: number }, onError: (error: Error) => void): Lines {
	const pool = openPipelined(config, 'SET plan_cache_mode = force_generic_plan', onError);
	const lines: Line[] = [];
	const take = (): Line => {
		let line = leastBusy(lines);
		if (line === undefined || (line.running > 0 && lines.length < config.max)) {
			line = { connected: pool.connect(), running: 0, isBroken: false };
			lines.push(line);
		}
		line.running++;
		return line;
	};
	const leave = (line: Line, client: PoolClient | undefined): void => {
		line.running--;
		const at = line.isBroken || line.running === 0 ? lines.indexOf(line) : -1;
		if (at >= 0) lines.splice(at, 1);
		if (line.running === 0) client?.release(line.isBroken);
	};
	return {
		async run(work) {
			const line = take();
			let client: PoolClient | undefined;
			try {
				client = await line.connected;
				return await work(client);
			} catch (error) {
				if (client === undefined || translate(error) !== error) line.isBroken = true;
				throw error;
			} finally {
				leave(line, client);
			}
		},
		close: () => pool.end(),
	};
}

function leastBusy(lines: readonly Line[]): Line | undefined {
	let found = lines[0];
	for (const line of lines) if (line.running < (found as Line).running) found = line;
	return found;
}
