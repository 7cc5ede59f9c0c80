// Many prepared statements as one message with one answer: what the driver's own queries do in as many messages, objects and promises.
// See https://www.postgresql.org/docs/current/protocol-message-formats.html for the bytes.
import { type ClientBase, Query, types } from 'pg';

/** A statement whose text never changes under its name; it is prepared once per connection. */
export type Prepared = { readonly name: string; readonly text: string; readonly values: readonly Value[] };

/** Bytes go out in PostgreSQL's binary form (arrays.ts), all else as text. */
export type Value = Buffer | string | number | null;

/** How the values of each column become JavaScript's; undefined for text. */
type Parsers = readonly (((text: string) => unknown) | undefined)[];

/** What the driver hands to a query; its type declarations leave it out. */
type Connection = {
	readonly stream: { write(bytes: Buffer): void };
	/** The texts of what is prepared, by name. */
	readonly parsedStatements: Record<string, string | undefined>;
	readonly submittedNamedStatements: Record<string, string | undefined>;
	close(what: { readonly type: 'S'; readonly name: string }): void;
};
type Description = { readonly fields: readonly { readonly dataTypeID: number }[] };
type DataRow = { readonly fields: (string | null)[] };

/** The columns of what each connection has run here. */
const described = new WeakMap<Connection, Map<string, Parsers>>();

const textOid = 25;
const none: Parsers = [];

class BatchQuery extends (Query as unknown as new (config: object) => object) {
	readonly #statements: readonly Prepared[];
	readonly #resolve: (rows: unknown[][][]) => void;
	readonly #reject: (error: Error) => void;
	readonly #rows: unknown[][][] = [];
	/** What the connection had not prepared before. */
	readonly #fresh: string[] = [];
	#columns = new Map<string, Parsers>();
	/** Of the statement that is being answered. */
	#own: unknown[][] = [];
	#parsers: Parsers = none;

	constructor(statements: readonly Prepared[], resolve: (rows: unknown[][][]) => void, reject: (error: Error) => void) {
		super({ text: '' });
		this.#statements = statements;
		this.#resolve = resolve;
		this.#reject = reject;
	}

	submit(connection: Connection): null {
		const { parsedStatements, submittedNamedStatements, stream } = connection;
		this.#columns = columnsOf(connection);
		const message = new Message(this.#statements);
		for (const statement of this.#statements) {
			const { name, text } = statement;
			if (parsedStatements[name] === undefined && submittedNamedStatements[name] === undefined) {
				message.parse(name, text);
				parsedStatements[name] = text;
				this.#fresh.push(name);
			}
			message.bind(name, statement.values);
			if (!this.#columns.has(name)) {
				message.describe();
				this.#columns.set(name, none);
			}
			message.execute();
		}
		this.#begin();
		stream.write(message.sync());
		return null;
	}

	/** The next answer is that of the statement after those that have one. */
	#begin(): void {
		this.#own = [];
		this.#parsers = this.#columns.get(this.#statements[this.#rows.length]?.name ?? '') ?? none;
	}

	handleRowDescription({ fields }: Description): void {
		this.#parsers = fields.map(({ dataTypeID }) =>
			dataTypeID === textOid ? undefined : (types.getTypeParser(dataTypeID) as (text: string) => unknown),
		);
		this.#columns.set((this.#statements[this.#rows.length] as Prepared).name, this.#parsers);
	}

	handleDataRow({ fields }: DataRow): void {
		const row: unknown[] = fields;
		for (let i = 0; i < row.length; i++) {
			const parser = this.#parsers[i];
			if (parser !== undefined && row[i] !== null) row[i] = parser(row[i] as string);
		}
		this.#own.push(row);
	}

	handleCommandComplete(): void {
		this.#rows.push(this.#own);
		this.#begin();
	}

	/** PostgreSQL skips what comes behind the statement that failed. */
	handleError(error: Error, connection: Connection): void {
		// Which of these were prepared before the failure is not known; it does no harm to close one that is not there.
		for (const name of this.#fresh) {
			delete connection.parsedStatements[name];
			this.#columns.delete(name);
			connection.close({ type: 'S', name });
		}
		// The trace as it stands leads to the socket.
		Error.captureStackTrace(error);
		this.#reject(error);
	}

	handleReadyForQuery(): void {
		this.#resolve(this.#rows);
	}
}

function columnsOf(connection: Connection): Map<string, Parsers> {
	let columns = described.get(connection);
	if (columns === undefined) {
		columns = new Map();
		described.set(connection, columns);
	}
	return columns;
}

/** Runs the statements one after the other; gives the rows of each as arrays. What comes behind one that fails is not run. */
export function runBatch(client: ClientBase, statements: readonly Prepared[]): Promise<unknown[][][]> {
	return new Promise((resolve, reject) => {
		client.query(new BatchQuery(statements, resolve, reject) as never);
	});
}

/** Room for all that a statement needs beside its name, text and values. */
const overhead = 64;

/** The bytes of a batch. */
class Message {
	readonly #bytes: Buffer;
	#at = 0;

	constructor(statements: readonly Prepared[]) {
		let size = overhead;
		for (const { name, text, values } of statements) {
			size += overhead + name.length * 6 + text.length * 3 + values.length * 6;
			for (const value of values) size += Buffer.isBuffer(value) ? value.length : String(value).length * 3;
		}
		this.#bytes = Buffer.allocUnsafe(size);
	}

	parse(name: string, text: string): void {
		const start = this.#open(0x50);
		this.#text(name);
		this.#text(text);
		this.#int16(0);
		this.#close(start);
	}

	bind(name: string, values: readonly Value[]): void {
		const start = this.#open(0x42);
		this.#text('');
		this.#text(name);
		this.#int16(values.length);
		for (const value of values) this.#int16(Buffer.isBuffer(value) ? 1 : 0);
		this.#int16(values.length);
		for (const value of values) this.#value(value);
		this.#int16(0);
		this.#close(start);
	}

	#value(value: Value): void {
		if (value === null) {
			this.#int32(-1);
			return;
		}
		const at = this.#at;
		this.#at += 4;
		this.#at += Buffer.isBuffer(value) ? value.copy(this.#bytes, this.#at) : this.#bytes.write(String(value), this.#at);
		this.#bytes.writeInt32BE(this.#at - at - 4, at);
	}

	describe(): void {
		const start = this.#open(0x44);
		this.#bytes[this.#at++] = 0x50;
		this.#text('');
		this.#close(start);
	}

	execute(): void {
		const start = this.#open(0x45);
		this.#text('');
		this.#int32(0);
		this.#close(start);
	}

	/** Ends the batch. */
	sync(): Buffer {
		this.#close(this.#open(0x53));
		return this.#bytes.subarray(0, this.#at);
	}

	#open(kind: number): number {
		this.#bytes[this.#at++] = kind;
		this.#at += 4;
		return this.#at - 4;
	}

	#close(start: number): void {
		this.#bytes.writeInt32BE(this.#at - start, start);
	}

	#int16(value: number): void {
		this.#at = this.#bytes.writeInt16BE(value, this.#at);
	}

	#int32(value: number): void {
		this.#at = this.#bytes.writeInt32BE(value, this.#at);
	}

	/** Ends with a null byte, as PostgreSQL's C strings do. */
	#text(text: string): void {
		this.#at += this.#bytes.write(text, this.#at);
		this.#bytes[this.#at++] = 0;
	}
}
