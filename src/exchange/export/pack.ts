// Bytes into a gzip file with all cores: it may have several members, one after the other (https://www.rfc-editor.org/rfc/rfc1952#section-2.2),
// and each is compressed by itself.
import type { FileHandle } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

const gzipped = promisify(gzip);

/** Bytes of a member before they are compressed: larger ones are hardly smaller afterwards. */
const memberBytes = 1024 * 1024;
/** Where the time is well spent: a level more makes FHIR hardly smaller up to the sixth, which takes twice as long. */
const settings = { level: 3, chunkSize: memberBytes / 4 };
/** Node's own threads are four unless it is told otherwise. */
const most = 4;

/** Gives what writes pieces of any size, which may be written over once the next is asked for, into one gzip file at a time. */
export function createPacker(): (pieces: AsyncIterable<Buffer>, file: FileHandle) => Promise<void> {
	const slots = Array.from({ length: Math.min(availableParallelism(), most) + 1 }, () => ({
		room: Buffer.allocUnsafeSlow(memberBytes),
		written: Promise.resolve(),
	}));
	let turn = 0;
	return async (pieces, file) => {
		let slot = slots[turn] as (typeof slots)[number];
		let filled = 0;
		let last: Promise<void> = Promise.resolve();
		const send = async (): Promise<void> => {
			last = slot.written = Promise.all([gzipped(slot.room.subarray(0, filled), settings), last]).then(([bytes]) => file.writeFile(bytes));
			// Told of where it is waited for.
			last.catch(() => undefined);
			turn = (turn + 1) % slots.length;
			slot = slots[turn] as (typeof slots)[number];
			filled = 0;
			await slot.written;
		};
		try {
			for await (const bytes of pieces)
				for (let at = 0; at < bytes.length; ) {
					const copied = bytes.copy(slot.room, filled, at);
					at += copied;
					filled += copied;
					if (filled === memberBytes) await send();
				}
			if (filled > 0) await send();
			await last;
		} finally {
			// The rooms are free for the next file when nothing is under way, whatever became of this one.
			await Promise.allSettled(slots.map(({ written }) => written));
			for (const one of slots) one.written = Promise.resolve();
		}
	};
}
