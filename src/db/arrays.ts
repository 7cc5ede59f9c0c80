// Arrays as parameters of prepared statements: numbers as PostgreSQL's array text, texts and bytes in its binary form, which needs no
// escaping. See the array_recv function of PostgreSQL for the format.

const textOid = 25;
const byteaOid = 17;

/** Numbers (or keys, which are numbers as text) as an array literal. */
export function numbers(values: readonly (number | string | null)[]): string {
	let text = '{';
	for (let i = 0; i < values.length; i++) {
		if (i > 0) text += ',';
		const value = values[i];
		text += value === null ? 'NULL' : value;
	}
	return `${text}}`;
}

/** text[] */
export function texts(values: readonly (string | null)[]): Buffer {
	let size = 20;
	const lengths = new Array<number>(values.length);
	for (let i = 0; i < values.length; i++) {
		const value = values[i] as string | null;
		const length = value === null ? 0 : Buffer.byteLength(value);
		lengths[i] = value === null ? -1 : length;
		size += 4 + length;
	}
	const buffer = Buffer.allocUnsafe(size);
	let at = header(buffer, textOid, values.length);
	for (let i = 0; i < values.length; i++) {
		const value = values[i] as string | null;
		at = buffer.writeInt32BE(lengths[i] as number, at);
		if (value !== null) at += buffer.write(value, at);
	}
	return buffer;
}

/** bytea[] */
export function bytes(values: readonly Buffer[]): Buffer {
	const buffer = Buffer.allocUnsafe(values.reduce((size, value) => size + 4 + value.length, 20));
	let at = header(buffer, byteaOid, values.length);
	for (const value of values) {
		at = buffer.writeInt32BE(value.length, at);
		at += value.copy(buffer, at);
	}
	return buffer;
}

/** One dimension from 1 on; PostgreSQL finds nulls by their length of -1. For no values PostgreSQL's empty array has no dimension. */
function header(buffer: Buffer, oid: number, length: number): number {
	let at = buffer.writeInt32BE(1, 0);
	at = buffer.writeInt32BE(0, at);
	at = buffer.writeInt32BE(oid, at);
	at = buffer.writeInt32BE(length, at);
	return buffer.writeInt32BE(1, at);
}
