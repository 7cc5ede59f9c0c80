// The sockets of the connections to PostgreSQL. All of a pool read into one buffer: a new one for each read, as sockets have otherwise, is
// memory outside V8's heap, and every 64 MB of that V8 looks through all of its heap for what could go.
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** The most that is read at once. */
export const readBytes = 256 * 1024;

/** Takes what came; the bytes are written over when it returns. */
export type Taker = (bytes: Buffer) => void;

type OwnSocket = Socket & { taker?: Taker | undefined };

/** What makes the sockets of a pool. */
export function createSockets(): () => Socket {
	const room = Buffer.allocUnsafeSlow(readBytes);
	return () => {
		const socket: OwnSocket = new Socket({
			onread: {
				buffer: room,
				callback(length) {
					const bytes = room.subarray(0, length);
					if (socket.taker === undefined) return socket.push(Buffer.from(bytes));
					socket.taker(bytes);
					return true;
				},
			},
		});
		socket.taker = undefined;
		return socket;
	};
}

/**
 * Gives what comes from now on to the taker instead of pg, until the function that is returned gives the connection back, with what the
 * taker had of pg's. `pause` and `resume` of the stream are the taker's meanwhile.
 */
export function takeOver(stream: Duplex, taker: Taker): (rest: Buffer) => void {
	const [usual, ...more] = stream.listeners('data') as ((bytes: Buffer) => void)[];
	if (usual === undefined || more.length > 0) throw new Error('the connection has not the one reader that pg gives it');
	// One with TLS between is no socket of ours.
	const own = 'taker' in stream ? (stream as OwnSocket) : undefined;
	if (own !== undefined) own.taker = taker;
	else {
		stream.off('data', usual);
		stream.on('data', taker);
	}
	return (rest) => {
		if (own !== undefined) own.taker = undefined;
		else {
			stream.off('data', taker);
			stream.on('data', usual);
		}
		if (rest.length > 0) usual(rest);
		stream.resume();
	};
}
