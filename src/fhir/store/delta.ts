// Bodies of former versions: what differs from the version that came after, so that a version costs a few dozen bytes. Every sixteenth
// version, and the last one before a delete, stands by itself. See docs/decisions/0003-history-deltas.md.
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { headOf } from './body.ts';

/** A version as the codec needs it: the text and what its head is made of. */
export type Version = {
	readonly type: string;
	readonly id: string;
	readonly version: number;
	readonly updated: number;
	readonly body: string;
};

/** At most so many versions are read to restore one. */
export const chainLength = 16;

// First byte of the stored form.
const whole = 0;
const plain = 1;
const deflated = 2;

/** From here on deflating the part that differs saves more than it costs. */
const worthDeflating = 80;
const window = 32_768;

/** The stored form of `old`. `next` is the version that replaces it, undefined when it is deleted. */
export function encodeVersion(old: Version, next: Version | undefined): Buffer {
	const before = next === undefined || old.version % chainLength === 0 ? undefined : tail(old);
	const after = next === undefined ? undefined : tail(next);
	if (before === undefined || after === undefined) return Buffer.concat([Buffer.from([whole]), deflateRawSync(old.body)]);
	const start = commonStart(before, after);
	const end = commonEnd(before, after, start);
	const middle = Buffer.from(before.slice(start, before.length - end));
	const head = [...varint(start), ...varint(end)];
	if (middle.length < worthDeflating) return Buffer.concat([Buffer.from([plain, ...head]), middle]);
	const dictionary = dictionaryOf(after.slice(start, after.length - end));
	return Buffer.concat([Buffer.from([deflated, ...head]), deflateRawSync(middle, { dictionary, level: 3 })]);
}

/** Whether a stored form can be read without the next version. */
export function standsAlone(stored: Buffer): boolean {
	return stored[0] === whole;
}

/** The text of a version from its stored form and the version that came after it. Throws a plain Error when they do not fit together. */
export function decodeVersion(stored: Buffer, about: Omit<Version, 'body'>, next: Version | undefined): string {
	if (standsAlone(stored)) return inflateRawSync(stored.subarray(1)).toString();
	const after = next === undefined ? undefined : tail(next);
	if (after === undefined || stored.length < 3) throw new Error('a version of history lacks the one after it');
	const [start, second] = readVarint(stored, 1);
	const [end, third] = readVarint(stored, second);
	if (start + end > after.length) throw new Error('a version of history does not fit the one after it');
	const given = stored.subarray(third);
	const dictionary = (): Buffer => dictionaryOf(after.slice(start, after.length - end));
	const middle = stored[0] === deflated ? inflateRawSync(given, { dictionary: dictionary() }) : given;
	return `${headOf(about.type, about.id, about.version, about.updated)}${after.slice(0, start)}${middle.toString()}${after.slice(after.length - end)}`;
}

/** What follows the head; undefined when the body does not begin with the head it should have. */
function tail({ type, id, version, updated, body }: Version): string | undefined {
	const head = headOf(type, id, version, updated);
	return body.startsWith(head) ? body.slice(head.length) : undefined;
}

function commonStart(a: string, b: string): number {
	const longest = Math.min(a.length, b.length);
	let length = 0;
	while (length < longest && a.charCodeAt(length) === b.charCodeAt(length)) length++;
	// Half of a character outside the basic plane cannot be written as UTF-8.
	return length > 0 && isLead(a.charCodeAt(length - 1)) ? length - 1 : length;
}

function commonEnd(a: string, b: string, start: number): number {
	const longest = Math.min(a.length, b.length) - start;
	let length = 0;
	while (length < longest && a.charCodeAt(a.length - 1 - length) === b.charCodeAt(b.length - 1 - length)) length++;
	return length > 0 && isTrail(a.charCodeAt(a.length - length)) ? length - 1 : length;
}

function isLead(code: number): boolean {
	return code >= 0xd800 && code <= 0xdbff;
}

function isTrail(code: number): boolean {
	return code >= 0xdc00 && code <= 0xdfff;
}

function dictionaryOf(text: string): Buffer {
	const bytes = Buffer.from(text);
	// An empty dictionary is refused by zlib.
	return bytes.length === 0 ? Buffer.from(' ') : bytes.subarray(0, window);
}

function varint(value: number): number[] {
	const bytes: number[] = [];
	let rest = value;
	while (rest > 127) {
		bytes.push((rest & 127) | 128);
		rest >>>= 7;
	}
	bytes.push(rest);
	return bytes;
}

function readVarint(from: Buffer, offset: number): [value: number, next: number] {
	let value = 0;
	let shift = 0;
	let at = offset;
	for (;;) {
		const byte = from[at++];
		if (byte === undefined || shift > 28) throw new Error('a version of history is damaged');
		value |= (byte & 127) << shift;
		shift += 7;
		if (byte < 128) return [value, at];
	}
}
