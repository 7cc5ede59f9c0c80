// Reads JSON (RFC 8259) byte by byte: for texts that JSON.parse would read with loss, and to say where and why a text is no JSON.
import { Decimal } from './decimal.ts';
import { malformedJson } from './problems.ts';
import { maxDepth } from './scan.ts';

const longestNumber = 400;
const quote = 0x22;
const backslash = 0x5c;

/** The value of a text that is valid UTF-8. Throws Problem `json-malformed` as parseJson does. */
export function readCarefully(bytes: Buffer): unknown {
	const reader = new Reader(bytes);
	const value = reader.value(0);
	reader.end();
	return value;
}

class Reader {
	readonly #bytes: Buffer;
	#at = 0;

	constructor(bytes: Buffer) {
		this.#bytes = bytes;
	}

	value(depth: number): unknown {
		const byte = this.#skipBlank();
		switch (byte) {
			case quote:
				return this.#string();
			case 0x7b:
				return this.#object(depth + 1);
			case 0x5b:
				return this.#array(depth + 1);
			case 0x74:
				return this.#word('true', true);
			case 0x66:
				return this.#word('false', false);
			case 0x6e:
				return this.#word('null', null);
			default:
				if (byte === 0x2d || isDigit(byte)) return this.#number();
				throw this.#fail(byte === undefined ? 'the text ends where a value is expected' : 'a value is expected');
		}
	}

	end(): void {
		if (this.#skipBlank() !== undefined) throw this.#fail('there is more text after the end of the value');
	}

	#fail(why: string, at = this.#at): Error {
		return malformedJson(this.#bytes, at, why);
	}

	/** The next byte that is no white space, not yet taken. */
	#skipBlank(): number | undefined {
		let byte = this.#bytes[this.#at];
		while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = this.#bytes[++this.#at];
		return byte;
	}

	#object(depth: number): object {
		this.#enter(depth);
		const object: Record<string, unknown> = {};
		if (this.#skipBlank() === 0x7d) {
			this.#at++;
			return object;
		}
		for (;;) {
			const start = this.#at;
			if (this.#skipBlank() !== quote) throw this.#fail('a name in quotation marks is expected');
			const name = this.#string();
			if (name === '__proto__') throw this.#fail('the name "__proto__" is not allowed', start);
			if (Object.hasOwn(object, name)) throw this.#fail(`the name ${JSON.stringify(name.slice(0, 80))} occurs twice in one object`, start);
			if (this.#skipBlank() !== 0x3a) throw this.#fail('a colon is expected');
			this.#at++;
			object[name] = this.value(depth);
			const byte = this.#skipBlank();
			if (byte !== 0x2c && byte !== 0x7d) throw this.#fail('a comma or "}" is expected');
			this.#at++;
			if (byte === 0x7d) return object;
			this.#skipBlank();
		}
	}

	#array(depth: number): unknown[] {
		this.#enter(depth);
		const array: unknown[] = [];
		if (this.#skipBlank() === 0x5d) {
			this.#at++;
			return array;
		}
		for (;;) {
			array.push(this.value(depth));
			const byte = this.#skipBlank();
			if (byte !== 0x2c && byte !== 0x5d) throw this.#fail('a comma or "]" is expected');
			this.#at++;
			if (byte === 0x5d) return array;
		}
	}

	#enter(depth: number): void {
		if (depth > maxDepth) throw this.#fail(`it is nested deeper than ${maxDepth} levels`);
		this.#at++;
	}

	#string(): string {
		const bytes = this.#bytes;
		const start = ++this.#at;
		let escaped = false;
		let byte = bytes[start];
		while (byte !== quote) {
			if (byte === undefined) throw this.#fail('the text ends within a string');
			if (byte < 0x20) throw this.#fail('a control character stands unescaped in a string');
			if (byte === backslash) {
				escaped = true;
				this.#at++;
			}
			byte = bytes[++this.#at];
		}
		const end = this.#at++;
		return escaped ? this.#unescape(start, end) : bytes.toString('utf8', start, end);
	}

	#unescape(start: number, end: number): string {
		const raw = this.#bytes.toString('utf8', start - 1, end + 1);
		let text: string;
		try {
			text = JSON.parse(raw) as string;
		} catch {
			throw this.#fail('an escape in a string is wrong', start - 1);
		}
		if (text.includes('\0')) throw this.#fail('a string holds the null character', start - 1);
		if (!text.isWellFormed()) throw this.#fail('a string holds half of a surrogate pair', start - 1);
		return text;
	}

	#number(): number | Decimal {
		const bytes = this.#bytes;
		const start = this.#at;
		let byte = bytes[start];
		while (isDigit(byte) || byte === 0x2d || byte === 0x2b || byte === 0x2e || byte === 0x65 || byte === 0x45) byte = bytes[++this.#at];
		if (this.#at - start > longestNumber) throw this.#fail(`a number has more than ${longestNumber} characters`, start);
		const source = bytes.toString('latin1', start, this.#at);
		if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(source)) throw this.#fail(`${source.slice(0, 40)} is not a number`, start);
		const value = Number(source);
		if (!Number.isFinite(value)) throw this.#fail('a number is too large', start);
		return String(value) === source ? value : new Decimal(source);
	}

	#word<T>(word: string, value: T): T {
		const end = this.#at + word.length;
		if (this.#bytes.toString('latin1', this.#at, end) !== word) throw this.#fail('a value is expected');
		this.#at = end;
		return value;
	}
}

function isDigit(byte: number | undefined): boolean {
	return byte !== undefined && byte >= 0x30 && byte <= 0x39;
}
