// COPY (SELECT one column) TO STDOUT (FORMAT binary) as lines in blocks of memory that are used again and again: a line is copied once, from
// what was read into its block, and nothing is made for it. Millions of rows would otherwise be millions of objects.
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-COPY
// https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4
import { readBytes } from './socket.ts';

/** Whole lines, each with its line feed, and how many they are. */
export type Lines = { readonly bytes: Buffer; readonly lines: number };

/** Message types, https://www.postgresql.org/docs/current/protocol-message-formats.html */
const [copyData, copyDone, errorResponse] = [0x64, 0x63, 0x45];
/** A message's type and length. */
const headerBytes = 5;
/** What the data begin with: a signature, flags, and the length of an extension that there is not. */
const signature = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
/** The number of fields, which is -1 at the end, and the length of the one there is. */
const [countBytes, lengthBytes] = [2, 4];

/** A block is given when it has so many bytes. */
const blockBytes = 1024 * 1024;
const roomBytes = blockBytes + readBytes;

/** Two blocks: one is filled while the one given before is in use. */
export class CopyBlocks {
	#block = Buffer.allocUnsafeSlow(roomBytes);
	#spare = Buffer.allocUnsafeSlow(roomBytes);
	/** Bytes in the block, how many of them are whole lines, and how many lines those are. */
	#filled = 0;
	#whole = 0;
	#lines = 0;
	/** The beginning of a message up to where its value begins, as far as it has come. A message is a row. */
	readonly #head = Buffer.alloc(headerBytes + signature.length + countBytes + lengthBytes);
	#headBytes = 0;
	/** Bytes still to come of a value, and of what is passed over. */
	#left = 0;
	#skipped = 0;
	#isBegun = false;
	#isOver = false;
	#isDone = false;

	/** For another COPY. */
	reset(): void {
		this.#filled = this.#whole = this.#lines = this.#headBytes = this.#left = this.#skipped = 0;
		this.#isBegun = this.#isOver = this.#isDone = false;
	}

	/** Whether there is enough to be given. */
	get isFull(): boolean {
		return this.#filled >= blockBytes && this.#lines > 0;
	}

	/** Whether all came that COPY had to send. */
	get isDone(): boolean {
		return this.#isDone;
	}

	/**
	 * Takes what was read. Gives where that begins which is no more COPY's but pg's to read (the command is complete, or has failed);
	 * undefined while there is more to come. Throws when it is not the binary format with one column that is never null.
	 */
	take(bytes: Buffer): number | undefined {
		this.#makeRoom(bytes.length);
		let at = 0;
		while (at < bytes.length) {
			if (this.#left > 0) at += this.#takeValue(bytes, at);
			else if (this.#skipped > 0) {
				const passed = Math.min(this.#skipped, bytes.length - at);
				this.#skipped -= passed;
				at += passed;
			} else if (this.#headBytes === 0 && bytes[at] === errorResponse) return at;
			else {
				this.#head[this.#headBytes++] = bytes[at++] as number;
				if (this.#headBytes >= headerBytes && this.#takeHead()) return at;
			}
		}
		return undefined;
	}

	/** The lines there are. The block that was given before must be free, for it is filled from now on. */
	give(): Lines {
		const given = { bytes: this.#block.subarray(0, this.#whole), lines: this.#lines };
		const begun = this.#block.subarray(this.#whole, this.#filled);
		// One that had to be made larger for a large value does not stay so.
		const next = this.#spare.length > roomBytes ? Buffer.allocUnsafeSlow(roomBytes) : this.#spare;
		[this.#block, this.#spare] = [next, this.#block];
		this.#filled = this.#whole = this.#lines = 0;
		this.#makeRoom(begun.length);
		this.#filled = begun.copy(this.#block);
		return given;
	}

	#takeValue(bytes: Buffer, at: number): number {
		const taken = bytes.copy(this.#block, this.#filled, at, Math.min(at + this.#left, bytes.length));
		this.#filled += taken;
		this.#left -= taken;
		if (this.#left === 0) this.#endLine();
		return taken;
	}

	#endLine(): void {
		this.#block[this.#filled++] = 10;
		this.#whole = this.#filled;
		this.#lines++;
	}

	/** Does what the head says, once enough of it has come; true when it says that there is no more. */
	#takeHead(): boolean {
		const type = this.#head[0];
		if (type !== copyData) {
			this.#headBytes = 0;
			this.#skipped = this.#head.readInt32BE(1) - 4;
			this.#isDone = type === copyDone && this.#isOver;
			if (type === copyDone && !this.#isOver) throw new Error('COPY ended before its end');
			return type === copyDone;
		}
		const row = headerBytes + (this.#isBegun ? 0 : signature.length);
		if (this.#headBytes < row + countBytes) return false;
		const fields = this.#head.readInt16BE(row);
		if (fields !== -1 && this.#headBytes < row + countBytes + lengthBytes) return false;
		if (!this.#isBegun && !this.#head.subarray(headerBytes, row).equals(signature))
			throw new Error('this is not the binary format of COPY');
		this.#headBytes = 0;
		this.#isBegun = true;
		if (fields === -1) this.#isOver = true;
		else {
			this.#left = this.#head.readInt32BE(row + countBytes);
			if (fields !== 1 || this.#left < 0) throw new Error('COPY sends something else than one column of texts');
			if (this.#left === 0) this.#endLine();
		}
		return false;
	}

	/** Room for so many bytes more: lines are shorter than the rows they come from. */
	#makeRoom(bytes: number): void {
		const wanted = this.#filled + bytes;
		if (wanted <= this.#block.length) return;
		const larger = Buffer.allocUnsafeSlow(Math.max(wanted, 2 * this.#block.length));
		this.#block.copy(larger, 0, 0, this.#filled);
		this.#block = larger;
	}
}
