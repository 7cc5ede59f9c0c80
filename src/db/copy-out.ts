// COPY … TO STDOUT as a stream of bytes. The frames of the protocol are taken away within the pieces that come from the socket: an object and
// a copy for each row would be the most costly part of reading millions.
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { Connection, Submittable } from 'pg';

/** Message types, https://www.postgresql.org/docs/current/protocol-message-formats.html */
const [copyData, copyDone, errorResponse] = [0x64, 0x63, 0x45];
const headerBytes = 5;

type Wire = Connection & { readonly stream: Socket; query(text: string): void };

/**
 * A query for pg's client: `client.query(new CopyOut(text))`. The bytes are what the statement's format makes of its rows; a failure of the
 * statement is the stream's. Pieces may be written over by who reads them. The connection is free when the stream has ended or failed.
 */
export class CopyOut extends Readable implements Submittable {
	readonly #text: string;
	#socket: Socket | undefined;
	/** What reads the socket when we do not. */
	#usual: ((bytes: Buffer) => void) | undefined;
	/** The beginning of a header whose end has not come. */
	#header: Buffer = Buffer.alloc(0);
	/** Bytes still to come of the message, and whether they are data. */
	#left = 0;
	#isData = false;

	constructor(text: string) {
		super();
		this.#text = text;
	}

	submit(connection: Connection): void {
		const { stream } = connection as Wire;
		const [usual, ...more] = stream.listeners('data') as ((bytes: Buffer) => void)[];
		if (usual === undefined || more.length > 0) throw new Error('the connection has not the one reader that pg gives it');
		this.#usual = usual;
		this.#socket = stream;
		stream.off('data', usual);
		stream.on('data', this.#take);
		(connection as Wire).query(this.#text);
	}

	override _read(): void {
		this.#socket?.resume();
	}

	/** Called by pg. */
	handleError(error: Error): void {
		this.#giveBack(Buffer.alloc(0));
		this.destroy(error);
	}

	/** Called by pg. */
	handleCommandComplete(): void {
		// The end of the data was told already.
	}

	/** Called by pg. */
	handleReadyForQuery(): void {
		// The next query is pg's to begin.
	}

	readonly #take = (chunk: Buffer): void => {
		const bytes = this.#header.length === 0 ? chunk : Buffer.concat([this.#header, chunk]);
		this.#header = Buffer.alloc(0);
		let at = 0;
		let out = 0;
		while (at < bytes.length) {
			if (this.#left > 0) {
				const end = Math.min(at + this.#left, bytes.length);
				if (this.#isData) {
					bytes.copyWithin(out, at, end);
					out += end - at;
				}
				this.#left -= end - at;
				at = end;
				continue;
			}
			const type = bytes[at] as number;
			// What follows is pg's to read: the failure, or that the command is complete.
			if (type === errorResponse) {
				this.#end(bytes, out, at, false);
				return;
			}
			if (at + headerBytes > bytes.length) {
				this.#header = Buffer.from(bytes.subarray(at));
				break;
			}
			if (type === copyDone) {
				this.#end(bytes, out, at + headerBytes, true);
				return;
			}
			this.#isData = type === copyData;
			this.#left = bytes.readInt32BE(at + 1) - 4;
			at += headerBytes;
		}
		if (out > 0 && !this.push(bytes.subarray(0, out))) this.#socket?.pause();
	};

	/** Hands on the data before `out`, and the connection with what begins at `at`. */
	#end(bytes: Buffer, out: number, at: number, isDone: boolean): void {
		if (out > 0) this.push(bytes.subarray(0, out));
		if (isDone) this.push(null);
		this.#giveBack(Buffer.from(bytes.subarray(at)));
	}

	#giveBack(rest: Buffer): void {
		const [socket, usual] = [this.#socket, this.#usual];
		if (socket === undefined || usual === undefined) return;
		this.#socket = undefined;
		socket.off('data', this.#take);
		socket.on('data', usual);
		if (rest.length > 0) usual(rest);
		socket.resume();
	}
}
