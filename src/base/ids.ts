// The only source of new ids. Ids are UUID version 7 (RFC 9562 section 5.7), so that they sort by time of creation
// and neighbouring writes touch neighbouring index pages.
import { randomFillSync } from 'node:crypto';

export type Ids = { readonly next: () => string };

const hex: string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** Ids that never go backwards within a process: a 12-bit counter orders ids of one millisecond. */
export function createIds(now: () => number = Date.now): Ids {
	const pool = Buffer.alloc(8 * 512);
	let offset = pool.length;
	let lastMs = 0;
	let time = '';
	let sequence = 0;
	const tick = (ms: number): void => {
		lastMs = ms;
		const text = ms.toString(16).padStart(12, '0');
		time = `${text.slice(0, 8)}-${text.slice(8)}-7`;
	};
	return {
		next() {
			if (offset >= pool.length) {
				randomFillSync(pool);
				offset = 0;
			}
			const ms = now();
			if (ms > lastMs) {
				tick(ms);
				sequence = (pool[offset] as number) & 0x7f;
			} else if (++sequence > 0xfff) {
				tick(lastMs + 1);
				sequence = 0;
			}
			const h = (index: number): string => hex[pool[offset + index] as number] as string;
			const variant = hex[((pool[offset + 1] as number) & 0x3f) | 0x80] as string;
			const id = `${time}${(sequence + 0x1000).toString(16).slice(1)}-${variant}${h(2)}-${h(3)}${h(4)}${h(5)}${h(6)}${h(7)}${h(0)}`;
			offset += 8;
			return id;
		},
	};
}
