// PostgreSQL: one pool, one transaction function. Every Pool has an error listener, so that a lost connection never ends the process.
import { Pool, type PoolClient, type PoolConfig, types } from 'pg';
import { Problem } from '#base/problem.ts';
import { withClient } from './clients.ts';
import { openLines } from './lines.ts';
import { type RowsConfig, resultOn, rowsOn } from './rows.ts';
import { createSockets } from './socket.ts';
import { Sql } from './sql.ts';
import { translate, unavailable } from './translate.ts';

export { translate } from './translate.ts';

// int8 comes back as a JavaScript number when it is safe (row ids, counts); index keys are always read as text in SQL.
types.setTypeParser(20, (text) => {
	const value = Number(text);
	return Number.isSafeInteger(value) ? value : text;
});

/**
 * A statement with a name is prepared once per connection: only where its plan does not hang on the values. Outside a transaction, and unless
 * it is executed, it shares one of a few connections with others, so it also has to end soon and to change nothing.
 */
export type Statement = Sql | { readonly name?: string; readonly text: string; readonly values?: readonly unknown[] };

/** Anything that runs statements: the pool or one transaction. */
export type Querier = {
	/** Rows as objects. Throws Problem unavailable when the database cannot be reached, pg's DatabaseError otherwise. */
	query<R extends object = Record<string, unknown>>(statement: Statement): Promise<R[]>;
	/** Rows as arrays, for hot paths. */
	rows(statement: Statement): Promise<unknown[][]>;
	/** Number of rows touched. */
	execute(statement: Statement): Promise<number>;
};

/** How a transaction ended: `unknown` when the connection was lost while it was being committed. */
export type Outcome = 'committed' | 'rolled back' | 'unknown';

export type Tx = Querier & {
	/** The driver's own client, for COPY and cursors. */
	readonly client: PoolClient;
	/** Is told once how the transaction ended. */
	readonly onEnd: (told: (outcome: Outcome) => void) => void;
};

export type TxMode = { readonly readOnly?: boolean; readonly isolation?: 'read committed' | 'repeatable read' };

export type Database = Querier & {
	/** One transaction; rolled back when `work` throws. Commit has happened when this resolves. */
	tx<T>(work: (tx: Tx) => Promise<T>, mode?: TxMode): Promise<T>;
	/**
	 * Statements one after the other that wait for a connection at most once: the first that needs one keeps it to the end. No transaction:
	 * each sees what is there when it begins.
	 */
	session<T>(work: (db: Querier) => Promise<T>): Promise<T>;
	/** A connection of its own for LISTEN, COPY or advisory locks held long; call release. */
	connect(): Promise<PoolClient>;
	readonly pool: Pool;
	close(): Promise<void>;
};

/** Opens a pool. `onError` hears of connections that died while idle. */
export function openDatabase(config: PoolConfig, onError: (error: Error) => void = () => undefined): Database {
	const own = { max: 16, stream: createSockets(), ...config };
	const pool = new Pool(own);
	let closed = false;
	// pg says that a pool has ended while its connections are still on their way out: what befalls those is nobody's concern.
	const hear = (error: Error): void => {
		if (!closed) onError(error);
	};
	pool.on('error', hear);
	pool.on('connect', (client) => client.on('error', hear));
	const lines = openLines({ ...own, max: Math.ceil(pool.options.max / 4) }, hear);
	const lendOr =
		(own: Lend): Lend =>
		(statement, reads, work) =>
			reads && statement.name !== undefined ? lines.run(work) : own(statement, reads, work);
	return {
		...querierOver(lendOr((_statement, _reads, work) => withClient(pool, work))),
		pool,
		async session(work) {
			const held = holdOne(pool);
			try {
				return await work(querierOver(lendOr(held.lend)));
			} finally {
				await held.release();
			}
		},
		async connect() {
			try {
				return await pool.connect();
			} catch (error) {
				throw unavailable(error);
			}
		},
		async tx(work, mode = {}) {
			const client = await this.connect();
			const ending = createEnding();
			let broken: Error | undefined;
			try {
				await run(client, begin(mode));
				const querier = querierOver((_statement, _reads, work) => work(client));
				const result = await work({ ...querier, client, onEnd: ending.onEnd });
				await ending.commit(() => run(client, 'COMMIT'));
				return result;
			} catch (error) {
				await resultOn(client, { text: 'ROLLBACK' }).catch((failure: Error) => {
					broken = failure;
				});
				throw error;
			} finally {
				ending.tell();
				client.release(broken);
			}
		},
		async close() {
			closed = true;
			await Promise.all([pool.end(), lines.close()]);
		},
	};
}

function begin(mode: TxMode): string {
	return `BEGIN ISOLATION LEVEL ${mode.isolation ?? 'read committed'}${mode.readOnly ? ' READ ONLY' : ''}`;
}

/** Gives the command that PostgreSQL says it has carried out. */
async function run(client: PoolClient, text: string): Promise<string> {
	try {
		return (await resultOn(client, { text })).command;
	} catch (error) {
		throw translate(error);
	}
}

/** How a transaction whose COMMIT was answered with this error has ended. */
export function outcomeOf(error: unknown): Outcome {
	return error instanceof Problem && error.kind === 'unavailable' ? 'unknown' : 'rolled back';
}

export type Ending = {
	readonly onEnd: Tx['onEnd'];
	/** Sends COMMIT, which gives the command that was carried out: ROLLBACK for a transaction that had failed. */
	commit(send: () => Promise<string>): Promise<string>;
	/** Tells those who asked. */
	tell(): void;
};

/** Keeps account of how a transaction ends. */
export function createEnding(): Ending {
	const told: ((outcome: Outcome) => void)[] = [];
	let outcome: Outcome = 'rolled back';
	return {
		onEnd: (one) => {
			told.push(one);
		},
		async commit(send) {
			try {
				const command = await send();
				outcome = command === 'COMMIT' ? 'committed' : 'rolled back';
				return command;
			} catch (error) {
				outcome = outcomeOf(translate(error));
				throw error;
			}
		},
		tell() {
			for (const one of told) one(outcome);
		},
	};
}

/** Has `work` send a statement on a connection; `reads` tells that rows are asked for. */
export type Lend = <T>(statement: RowsConfig, reads: boolean, work: (client: PoolClient) => Promise<T>) => Promise<T>;

/** Lends the same connection of the pool each time. */
function holdOne(pool: Pool): { readonly lend: Lend; release(): Promise<void> } {
	let held: Promise<PoolClient> | undefined;
	let isBroken = false;
	return {
		async lend(_statement, _reads, work) {
			held ??= pool.connect();
			try {
				return await work(await held);
			} catch (error) {
				if (translate(error) !== error) isBroken = true;
				throw error;
			}
		},
		async release() {
			const client = await held?.catch(() => undefined);
			client?.release(isBroken);
		},
	};
}

/** What sends its statements on the connections that it is lent. */
export function querierOver(lend: Lend): Querier {
	const call = async <T>(
		statement: Statement,
		reads: boolean,
		work: (client: PoolClient, config: RowsConfig) => Promise<T>,
	): Promise<T> => {
		const config = statement instanceof Sql ? statement.compile() : statement;
		try {
			return await lend(config, reads, (client) => work(client, config));
		} catch (error) {
			throw translate(error);
		}
	};
	return {
		query: (statement) => call(statement, true, async (client, config) => (await resultOn(client, config)).rows as never),
		rows: (statement) => call(statement, true, rowsOn),
		execute: (statement) => call(statement, false, async (client, config) => (await resultOn(client, config)).rowCount ?? 0),
	};
}
