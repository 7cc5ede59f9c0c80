// Statements that go out together and cost one round trip: connections of their own in pg's pipeline mode.
import { Pool, type PoolClient, type PoolConfig, type QueryArrayResult } from 'pg';
import { Problem } from '#base/problem.ts';
import { type Database, translate } from './database.ts';

/** A statement whose text never changes under its name; it is prepared once per connection. */
export type Prepared = { readonly name: string; readonly text: string; readonly values: readonly unknown[] };

export type Pipeline = {
	/**
	 * Runs the statements in order as one transaction in one round trip and gives the rows of each. Resolves after COMMIT. Throws the
	 * error of the first statement that failed (nothing is kept then), Problem unavailable when the connection is lost, in which case
	 * the outcome is not known.
	 */
	run(statements: readonly Prepared[]): Promise<unknown[][][]>;
	close(): Promise<void>;
};

/** Opens up to `max` connections to the same database. */
export function openPipeline(db: Database, max: number): Pipeline {
	const { options } = db.pool;
	// pg hides the password from enumeration, so a spread loses it.
	const config = { ...options, password: options.password, max, pipeline: true } as PoolConfig;
	const pool = new Pool(config);
	pool.on('error', () => undefined);
	pool.on('connect', (client) => client.on('error', () => undefined));
	return {
		async run(statements) {
			const client = await pool.connect().catch((error: unknown) => {
				throw translate(error);
			});
			let broken: boolean | undefined;
			try {
				return await runOn(client, statements);
			} catch (error) {
				const translated = translate(error);
				broken = translated !== error;
				throw translated;
			} finally {
				client.release(broken);
			}
		},
		close: () => pool.end(),
	};
}

const begin = { text: 'BEGIN' };
const commit = { text: 'COMMIT' };

async function runOn(client: PoolClient, statements: readonly Prepared[]): Promise<unknown[][][]> {
	// One statement is a transaction by itself.
	const bare = statements.length === 1;
	const { stream } = (client as unknown as { connection: { stream: { cork(): void; uncork(): void } } }).connection;
	stream.cork();
	const sent: Promise<QueryArrayResult>[] = [];
	try {
		if (!bare) sent.push(client.query(begin) as never);
		for (const { name, text, values } of statements) {
			sent.push(client.query({ name, text, values: values as unknown[], rowMode: 'array' }));
		}
		if (!bare) sent.push(client.query(commit) as never);
	} finally {
		stream.uncork();
	}
	const settled = await Promise.allSettled(sent);
	const failed = settled.find((one) => one.status === 'rejected');
	if (failed !== undefined) throw failed.reason;
	const results = settled.map((one) => (one as PromiseFulfilledResult<QueryArrayResult>).value);
	// COMMIT of a failed transaction is answered with ROLLBACK and no error.
	if (!bare && results.at(-1)?.command !== 'COMMIT') throw new Problem('fault', 'not-committed', 'The transaction was not committed.');
	return (bare ? results : results.slice(1, -1)).map(({ rows }) => rows);
}
