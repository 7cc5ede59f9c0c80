// Arrays as parameters of prepared statements, in PostgreSQL's binary form, which needs neither escaping nor parsing: see the function
// array_recv of PostgreSQL for the format. Most take what the values come from, and how.

const oids = { bytea: 17, int8: 20, int2: 21, int4: 23, text: 25, float8: 701 } as const;

/** int8[]: safe integers, or decimal text without a sign. */
export function int8sOf<T>(from: readonly T[], of: (one: T) => number | string | null): Buffer {
	const buffer = Buffer.allocUnsafe(20 + from.length * 12);
	let at = header(buffer, oids.int8, from.length);
	for (let i = 0; i < from.length; i++) {
		const value = of(from[i] as T);
		at = value === null ? int4(buffer, at, -1) : int8(buffer, int4(buffer, at, 8), value);
	}
	return buffer.subarray(0, at);
}

/** int4[] */
export function int4sOf<T>(from: readonly T[], of: (one: T) => number | null): Buffer {
	const buffer = Buffer.allocUnsafe(20 + from.length * 8);
	let at = header(buffer, oids.int4, from.length);
	for (let i = 0; i < from.length; i++) {
		const value = of(from[i] as T);
		at = value === null ? int4(buffer, at, -1) : int4(buffer, int4(buffer, at, 4), value);
	}
	return buffer.subarray(0, at);
}

/** int2[] */
export function int2sOf<T>(from: readonly T[], of: (one: T) => number): Buffer {
	const buffer = Buffer.allocUnsafe(20 + from.length * 6);
	let at = header(buffer, oids.int2, from.length);
	for (let i = 0; i < from.length; i++) at = buffer.writeInt16BE(of(from[i] as T), int4(buffer, at, 2));
	return buffer;
}

/** float8[] */
export function float8sOf<T>(from: readonly T[], of: (one: T) => number | null): Buffer {
	const buffer = Buffer.allocUnsafe(20 + from.length * 12);
	let at = header(buffer, oids.float8, from.length);
	for (let i = 0; i < from.length; i++) {
		const value = of(from[i] as T);
		at = value === null ? int4(buffer, at, -1) : buffer.writeDoubleBE(value, int4(buffer, at, 8));
	}
	return buffer.subarray(0, at);
}

/** text[] */
export function textsOf<T>(from: readonly T[], of: (one: T) => string | null): Buffer {
	const values = new Array<string | null>(from.length);
	const lengths = new Array<number>(from.length);
	let size = 20;
	for (let i = 0; i < from.length; i++) {
		const value = of(from[i] as T);
		const length = value === null ? -1 : Buffer.byteLength(value);
		values[i] = value;
		lengths[i] = length;
		size += 4 + Math.max(length, 0);
	}
	const buffer = Buffer.allocUnsafe(size);
	let at = header(buffer, oids.text, values.length);
	for (let i = 0; i < values.length; i++) {
		const value = values[i] as string | null;
		at = int4(buffer, at, lengths[i] as number);
		if (value !== null) at += buffer.write(value, at);
	}
	return buffer;
}

/** int8[] of numbers as they are. */
export function int8s(values: readonly (number | string)[]): Buffer {
	return int8sOf(values, itself);
}

/** text[] of texts as they are. */
export function texts(values: readonly (string | null)[]): Buffer {
	return textsOf(values, itself);
}

function itself<T>(value: T): T {
	return value;
}

/** bytea[] */
export function bytes(values: readonly Buffer[]): Buffer {
	const buffer = Buffer.allocUnsafe(values.reduce((size, value) => size + 4 + value.length, 20));
	let at = header(buffer, oids.bytea, values.length);
	for (const value of values) {
		at = int4(buffer, at, value.length);
		at += value.copy(buffer, at);
	}
	return buffer;
}

/** One dimension from 1 on; PostgreSQL finds nulls by their length of -1. For no values PostgreSQL's empty array has no dimension. */
function header(buffer: Buffer, oid: number, length: number): number {
	return int4(buffer, int4(buffer, int4(buffer, int4(buffer, int4(buffer, 0, 1), 0), oid), length), 1);
}

function int4(buffer: Buffer, at: number, value: number): number {
	buffer[at] = value >>> 24;
	buffer[at + 1] = value >>> 16;
	buffer[at + 2] = value >>> 8;
	buffer[at + 3] = value;
	return at + 4;
}

const word = 0x1_0000_0000;
/** Numbers of so many digits are exact as numbers of JavaScript. */
const exactDigits = 15;

function int8(buffer: Buffer, at: number, value: number | string): number {
	if (typeof value === 'string' && value.length > exactDigits) return longInt8(buffer, at, value);
	const number = Number(value);
	return int4(buffer, int4(buffer, at, Math.floor(number / word)), number >>> 0);
}

/** Beyond that in two parts: the last nine digits, and what is before them times 10⁹. */
function longInt8(buffer: Buffer, at: number, text: string): number {
	const split = text.length - 9;
	const before = digits(text, 0, split);
	// Times 10⁹ in two halves, each of which a double holds to the last bit.
	const upper = Math.floor(before / 65_536) * 1_000_000_000;
	const lower = (before % 65_536) * 1_000_000_000 + digits(text, split, text.length);
	const rest = (upper % 65_536) * 65_536 + lower;
	return int4(buffer, int4(buffer, at, Math.floor(upper / 65_536) + Math.floor(rest / word)), rest >>> 0);
}

function digits(text: string, from: number, to: number): number {
	let number = 0;
	for (let i = from; i < to; i++) number = number * 10 + text.charCodeAt(i) - 48;
	return number;
}
