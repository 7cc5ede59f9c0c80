// One text column out of COPY's binary format, without parsing: https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4
const signature = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');

/**
 * Takes what COPY (SELECT one column) TO STDOUT (FORMAT binary) sends, in pieces of any size, and gives each value with a line feed. The
 * pieces are written over.
 */
export async function* linesOfCopy(stream: AsyncIterable<Buffer>, count: (lines: number) => void): AsyncGenerator<Buffer> {
	let rest: Buffer = Buffer.alloc(0);
	let begun = false;
	for await (const chunk of stream) {
		const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
		let at = 0;
		if (!begun) {
			if (bytes.length < 19) {
				rest = bytes;
				continue;
			}
			if (!bytes.subarray(0, 11).equals(signature)) throw new Error('this is not the binary format of COPY');
			at = 19 + bytes.readInt32BE(15);
			begun = true;
		}
		// A row: the number of its fields (-1 at the end), then the length of the one there is and its bytes. A line is shorter than its
		// row, so the lines are moved together where they are: a buffer for each of millions would be the most costly part of an export.
		let lines = 0;
		let out = 0;
		while (at + 6 <= bytes.length && bytes.readInt16BE(at) !== -1) {
			const end = at + 6 + bytes.readInt32BE(at + 2);
			if (end > bytes.length) break;
			bytes.copyWithin(out, at + 6, end);
			out += end - at - 6;
			bytes[out++] = 10;
			lines++;
			at = end;
		}
		rest = bytes.subarray(at);
		count(lines);
		if (lines > 0) yield bytes.subarray(0, out);
	}
	if (!begun || rest.length !== 2 || rest.readInt16BE(0) !== -1) throw new Error('COPY ended before its end');
}
