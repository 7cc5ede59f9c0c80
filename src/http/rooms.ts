// Room for the bytes of long answers, used again when an answer has left: to ask for it anew each time, and to give it back, takes longer than
// to write the answer into it.

/** Answers up to this many bytes find room. */
const roomBytes = 256 * 1024;
/** When more long answers than this are on their way, the others do without: clients that are slow must not hold much. */
const mostRooms = 16;

export type Room = {
	/** The text as UTF-8. */
	readonly bytes: Uint8Array;
	/** Tells that the bytes have left: they are written over from now on. */
	readonly free: () => void;
};

export type Rooms = {
	/** Writes a text into a free room; undefined when there is none or the text is too long for it. */
	readonly write: (text: string) => Room | undefined;
};

export function createRooms(): Rooms {
	const encoder = new TextEncoder();
	const free: Uint8Array[] = [];
	let made = 0;
	const take = (): Uint8Array | undefined => {
		const found = free.pop();
		if (found !== undefined || made === mostRooms) return found;
		made++;
		return new Uint8Array(roomBytes);
	};
	return {
		write(text) {
			const room = text.length > roomBytes ? undefined : take();
			if (room === undefined) return undefined;
			const { read, written } = encoder.encodeInto(text, room);
			if (read === text.length) return { bytes: room.subarray(0, written), free: () => void free.push(room) };
			free.push(room);
			return undefined;
		},
	};
}
