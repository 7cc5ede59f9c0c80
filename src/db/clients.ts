// Connections of a pool, one use at a time, and pools whose connections take the next statement before the last is answered.
import { Pool, type PoolClient, type PoolConfig } from 'pg';
import { Problem } from '#base/problem.ts';
import { translate } from './translate.ts';

/** Works on a connection of the pool. Throws what `work` throws, translated; a connection that cannot be trusted any more is closed. */
export async function withClient<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
	const client = await pool.connect().catch((error: unknown) => {
		throw translate(error);
	});
	let broken = false;
	try {
		return await work(client);
	} catch (error) {
		const translated = translate(error);
		// A connection that cannot be reached, or one that may still be in the middle of something.
		broken = translated !== error || (error instanceof Problem && error.kind === 'unavailable');
		throw translated;
	} finally {
		client.release(broken);
	}
}

/** Connections that take a statement before the one before it is answered. Each begins with `first`, if there is one. */
export function openPipelined(config: PoolConfig, first: string | undefined, onError: (error: Error) => void): Pool {
	const pool = new Pool({ ...config, pipeline: true } as PoolConfig);
	pool.on('error', onError);
	pool.on('connect', (client) => {
		client.on('error', onError);
		// What fails here fails for the statement behind it too, which reports it.
		if (first !== undefined) client.query(first).catch(() => undefined);
	});
	return pool;
}
