// One quick look over JSON bytes: is this a text for which JSON.parse hides nothing, and which numbers would it lose the form of? Says so
// only when sure; whatever it doubts goes to the careful reader, which decides. Never throws.

/** Objects nested deeper than this are refused. */
export const maxDepth = 200;

// An object with more members than this is left to the careful reader, so that looking for repeated names stays linear.
const maxNames = 64;

// Nor is a number looked for that is nested deeper than this, so that finding it again stays cheap.
const maxPath = 40;
const longestNumber = 400;

const blank = 0x20;
const quote = 0x22;
const backslash = 0x5c;
const underscore = 0x5f;

/** A number that JavaScript would write in another way, and where it stands. */
export type Lossy = { readonly path: readonly (string | number)[]; readonly source: string };

/**
 * The numbers whose written form JSON.parse would lose; undefined when the text has, or may have: a name that occurs twice in an object or
 * starts with `__`, a name with an escape, an escaped null character or half of a surrogate pair, a number beyond the range of a double, or
 * nesting beyond the limit.
 */
export function lossyNumbers(bytes: Buffer): Lossy[] | undefined {
	const length = bytes.length;
	// Hashes of the names of all open objects, one object after the other; `starts` says where each begins.
	const names: number[] = [];
	const starts = [0];
	const isArray = [true];
	// The member or item of each open object or array that is at work.
	const nameStarts = [0];
	const nameEnds = [0];
	const items = [0];
	const lossy: Lossy[] = [];
	let depth = 0;
	let count = 0;
	let wantsName = false;
	let at = 0;
	while (at < length) {
		const byte = bytes[at] as number;
		if (byte <= blank) {
			// Texts for people's eyes are blanks for a third.
			at++;
			while (at < length && (bytes[at] as number) <= blank) at++;
		} else if (byte === quote) {
			const start = ++at;
			if (wantsName) {
				wantsName = false;
				let hash = 17;
				let next = bytes[at] as number;
				while (at < length && next !== quote) {
					if (next === backslash) return undefined;
					hash = (Math.imul(hash, 31) + next) | 0;
					next = bytes[++at] as number;
				}
				if (at - start > 1 && bytes[start] === underscore && bytes[start + 1] === underscore) return undefined;
				const first = starts[depth] as number;
				if (count - first >= maxNames) return undefined;
				for (let index = first; index < count; index++) if (names[index] === hash) return undefined;
				names[count++] = hash;
				nameStarts[depth] = start;
				nameEnds[depth] = at++;
			} else {
				let next = bytes[at] as number;
				while (at < length && next !== quote) {
					if (next === backslash) {
						next = bytes[++at] as number;
						// Only \u0000 and surrogates matter: 'u' followed by "00" or by "d".
						if (next === 0x75 && isDoubtful(bytes, at + 1)) return undefined;
					}
					next = bytes[++at] as number;
				}
				at++;
			}
		} else if (byte === 0x2c) {
			if (isArray[depth]) items[depth] = (items[depth] as number) + 1;
			else wantsName = true;
			at++;
		} else if (byte === 0x7b || byte === 0x5b) {
			if (++depth > maxDepth) return undefined;
			starts[depth] = count;
			items[depth] = 0;
			isArray[depth] = byte === 0x5b;
			wantsName = byte === 0x7b;
			at++;
		} else if (byte === 0x7d || byte === 0x5d) {
			if (depth === 0) return undefined;
			count = starts[depth] as number;
			depth--;
			wantsName = false;
			at++;
		} else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
			let end = plainNumberEnd(bytes, at);
			if (end < 0) {
				end = numberEnd(bytes, at);
				const source = bytes.toString('latin1', at, end);
				if (depth === 0 || depth > maxPath || end - at > longestNumber || !Number.isFinite(Number(source))) return undefined;
				const path: (string | number)[] = [];
				for (let level = 1; level <= depth; level++)
					path.push(isArray[level] ? (items[level] as number) : bytes.toString('utf8', nameStarts[level], nameEnds[level]));
				lossy.push({ path, source });
			}
			at = end;
		} else at++;
	}
	return lossy;
}

function isDoubtful(bytes: Buffer, at: number): boolean {
	const first = bytes[at] as number;
	return (first === 0x30 && bytes[at + 1] === 0x30 && bytes[at + 2] === 0x30 && bytes[at + 3] === 0x30) || first === 0x64 || first === 0x44;
}

/** Where the characters end that a number may have. */
function numberEnd(bytes: Buffer, start: number): number {
	let at = start;
	for (;;) {
		const byte = bytes[at] as number;
		if (!((byte >= 0x30 && byte <= 0x39) || byte === 0x2d || byte === 0x2b || byte === 0x2e || byte === 0x65 || byte === 0x45)) return at;
		at++;
	}
}

/** Where a number ends that JavaScript writes as it stands here, -1 for any other: at most 15 digits, no exponent, no superfluous zero. */
function plainNumberEnd(bytes: Buffer, start: number): number {
	let at = start;
	let point = -1;
	let byte = bytes[at] as number;
	if (byte === 0x2d) {
		byte = bytes[++at] as number;
		if (byte === 0x30 && bytes[at + 1] !== 0x2e) return -1;
	}
	const first = at;
	while ((byte >= 0x30 && byte <= 0x39) || byte === 0x2e) {
		if (byte === 0x2e) {
			if (point >= 0) return -1;
			point = at;
		}
		byte = bytes[++at] as number;
	}
	if (byte === 0x65 || byte === 0x45 || at - first > 15) return -1;
	// Below 0.000001 JavaScript writes an exponent, which takes at least six zeros after the point.
	if (point >= 0 && (bytes[at - 1] === 0x30 || (at - point > 6 && bytes[first] === 0x30 && isTiny(bytes, point + 1)))) return -1;
	return at;
}

function isTiny(bytes: Buffer, at: number): boolean {
	for (let index = at; index < at + 6; index++) if (bytes[index] !== 0x30) return false;
	return true;
}
