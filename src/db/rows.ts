// Statements on one connection. Rows as arrays come with little more work than reading them off the wire: the driver's own query makes an
// event, an object and a copy of each.
import { type ClientBase, Query, type QueryResult, types } from 'pg';

export type RowsConfig = { readonly name?: string; readonly text: string; readonly values?: readonly unknown[] };

type Parser = (text: string) => unknown;
/** What the driver hands to a query; its type declarations leave it out. */
type Description = { readonly fields: readonly { readonly dataTypeID: number }[] };
type DataRow = { readonly fields: (string | null)[] };
type Failed = (error: Error | null) => void;

const textOid = 25;

/** One statement whose rows come as arrays: what the driver's query gives with `rowMode: 'array'`. */
class RowsQuery extends (Query as unknown as new (config: object, failed: Failed) => object) {
	readonly #done: (rows: unknown[][]) => void;
	readonly #rows: unknown[][] = [];
	#parsers: readonly (Parser | undefined)[] = [];

	constructor(config: RowsConfig, done: (rows: unknown[][]) => void, failed: Failed) {
		super(config, failed);
		this.#done = done;
	}

	handleRowDescription({ fields }: Description): void {
		this.#parsers = fields.map(({ dataTypeID }) => (dataTypeID === textOid ? undefined : (types.getTypeParser(dataTypeID) as Parser)));
	}

	handleDataRow({ fields }: DataRow): void {
		const row: unknown[] = fields;
		for (let i = 0; i < fields.length; i++) {
			const value = fields[i];
			const parser = this.#parsers[i];
			if (parser !== undefined && value !== null && value !== undefined) row[i] = parser(value);
		}
		this.#rows.push(row);
	}

	handleCommandComplete(): void {
		// How many rows there were is known.
	}

	handleReadyForQuery(): void {
		this.#done(this.#rows);
	}
}

/*
 * Both hand the driver a function and make the promise themselves. The promise that the driver makes hangs on a function that it sets when the
 * query is made already, and for that V8 takes a result for long-lived: it stays until the whole heap is collected.
 */

/** Runs a statement and gives its rows. */
export function rowsOn(client: ClientBase, config: RowsConfig): Promise<unknown[][]> {
	return new Promise((resolve, reject) => {
		client.query(new RowsQuery(config, resolve, failing(reject)) as never);
	});
}

/** Runs a statement and gives the driver's result. */
export function resultOn(client: ClientBase, config: RowsConfig): Promise<QueryResult> {
	return new Promise((resolve, reject) => {
		const failed = failing(reject);
		const done = (error: Error | null, result: QueryResult): void => (error === null ? resolve(result) : failed(error));
		(client.query as (config: object, values: undefined, done: Failed) => void).call(client, config, undefined, done as Failed);
	});
}

/** Rejects with a trace that leads to who asked; as it stands it leads to the socket. */
function failing(reject: (error: unknown) => void): Failed {
	return (error) => {
		if (error !== null) Error.captureStackTrace(error);
		reject(error);
	};
}
