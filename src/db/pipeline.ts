// Statements that go out together and cost one round trip: connections of their own in pg's pipeline mode.
import type { Pool, PoolClient, PoolConfig } from 'pg';
import { Problem } from '#base/problem.ts';
import { type Prepared, runBatch } from './batch.ts';
import { openPipelined, withClient } from './clients.ts';
import { createEnding, type Database, querierOver, type Tx } from './database.ts';
import { translate } from './translate.ts';

export type { Prepared, Value } from './batch.ts';

/** A transaction that can send many statements at once. Its client takes no cursors and no COPY. */
export type PipelinedTx = Tx & {
	/**
	 * Sends the statements together and gives the rows of each. Their plans are made once for all values, so they have to be ones
	 * that a btree drives whatever the values are. Throws the error of the first that failed.
	 */
	send(statements: readonly Prepared[]): Promise<unknown[][][]>;
};

export type Pipeline = {
	/**
	 * Runs the statements in order as one transaction in one round trip and gives the rows of each; plans as in `send`. Resolves after
	 * COMMIT. Throws the error of the first statement that failed (nothing is kept then), Problem unavailable when the connection is
	 * lost, in which case the outcome is not known.
	 */
	run(statements: readonly Prepared[]): Promise<unknown[][][]>;
	/** One transaction; rolled back when `work` throws. Commit has happened when this resolves. */
	tx<T>(work: (tx: PipelinedTx) => Promise<T>): Promise<T>;
	close(): Promise<void>;
};

/** Opens connections to the same database: at most so many for `run`, and so many for `tx`. */
export function openPipeline(db: Database, max: { readonly run: number; readonly tx: number }): Pipeline {
	const runs = openPool(db, max.run, 'SET plan_cache_mode = force_generic_plan');
	const transactions = openPool(db, max.tx);
	return {
		run: (statements) => withClient(runs, (client) => runOn(client, statements)),
		tx: (work) => withClient(transactions, (client) => transaction(client, work)),
		async close() {
			await Promise.all([runs.end(), transactions.end()]);
		},
	};
}

function openPool(db: Database, max: number, first?: string): Pool {
	const { options } = db.pool;
	// pg hides the password from enumeration, so a spread loses it.
	return openPipelined({ ...options, password: options.password, max } as PoolConfig, first, () => undefined);
}

const begin: Prepared = { name: 'begin', text: 'BEGIN', values: [] };
const commit: Prepared = { name: 'commit', text: 'COMMIT', values: [] };

async function runOn(client: PoolClient, statements: readonly Prepared[]): Promise<unknown[][][]> {
	// One statement is a transaction by itself.
	if (statements.length === 1) return runBatch(client, statements);
	try {
		return (await runBatch(client, [begin, ...statements, commit])).slice(1, -1);
	} catch (error) {
		await client.query('ROLLBACK');
		throw error;
	}
}

/** COMMIT of a failed transaction is answered with ROLLBACK and no error. */
function mustBeCommitted(command: string): void {
	if (command !== 'COMMIT') throw new Problem('fault', 'not-committed', 'The transaction was not committed.');
}

const generic: Prepared = { name: 'plans_generic', text: 'SET LOCAL plan_cache_mode = force_generic_plan', values: [] };
const auto: Prepared = { name: 'plans_auto', text: 'SET LOCAL plan_cache_mode = auto', values: [] };

async function transaction<T>(client: PoolClient, work: (tx: PipelinedTx) => Promise<T>): Promise<T> {
	const ending = createEnding();
	// Not waited for: it goes out with the first statement of the work, and what fails here fails there.
	client.query('BEGIN').catch(() => undefined);
	try {
		const result = await work({
			...querierOver((_statement, _reads, own) => own(client)),
			client,
			onEnd: ending.onEnd,
			async send(statements) {
				if (statements.length === 0) return [];
				const results = await runBatch(client, [generic, ...statements, auto]).catch((error: unknown) => {
					throw translate(error);
				});
				return results.slice(1, -1);
			},
		});
		mustBeCommitted(await ending.commit(async () => (await client.query('COMMIT')).command));
		return result;
	} catch (error) {
		await client.query('ROLLBACK').catch((failure: unknown) => {
			throw translate(failure);
		});
		throw error;
	} finally {
		ending.tell();
	}
}
