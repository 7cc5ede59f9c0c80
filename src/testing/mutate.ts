// Damages bytes, for tests that hostile input is refused and nothing else happens.
import type { Random } from './random.ts';

/** The bytes with a few random changes: flipped, removed, doubled or swapped parts, and pieces that parsers stumble over. */
export function mutate(random: Random, bytes: Buffer, pieces: readonly string[]): Buffer {
	let changed = bytes;
	for (let times = random.between(1, 4); times > 0; times--) {
		const at = random.below(changed.length + 1);
		const end = Math.min(changed.length, at + random.between(1, 12));
		const before = changed.subarray(0, at);
		const part = changed.subarray(at, end);
		const after = changed.subarray(end);
		const parts = [
			() => [before, Buffer.from([random.below(256)]), changed.subarray(at + 1)],
			() => [before, after],
			() => [before, part, part, after],
			() => [before, Buffer.from(random.pick(pieces)), changed.subarray(at)],
			() => [after, part, before],
		];
		changed = Buffer.concat(random.pick(parts)());
	}
	return changed;
}
