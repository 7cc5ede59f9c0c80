// One keep-alive HTTP/1.1 connection on a raw socket: one request at a time, as few cycles as can be, so that the measuring does not eat
// the core that is measured.
import { connect, type Socket } from 'node:net';

export type Answer = {
	readonly status: number;
	/** Status line and headers as they came, latin1. */
	readonly head: string;
	readonly body: Buffer;
};

export type Connection = {
	/** Sends the bytes of a whole request and resolves with its answer. Rejects when the connection is lost, which may be after the server acted. */
	readonly send: (request: Uint8Array) => Promise<Answer>;
	readonly close: () => void;
};

export type ConnectionOptions = {
	readonly port: number;
	/** Gives every body; otherwise only those of refusals. */
	readonly keepBody?: boolean;
	/** A request without an answer for so long is given up. */
	readonly timeoutMs?: number;
};

const none: Buffer = Buffer.alloc(0);

/** Connects on the first request, and again on the next one after the connection was lost. */
export function createConnection(options: ConnectionOptions): Connection {
	const { port, keepBody = false, timeoutMs = 60_000 } = options;
	let socket: Socket | undefined;
	let settle: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined;
	let parser = createParser(keepBody);

	const fail = (error: Error): void => {
		socket?.destroy();
		socket = undefined;
		const waiting = settle;
		settle = undefined;
		waiting?.reject(error);
	};
	const open = (): Socket => {
		const made = connect({ port, host: '127.0.0.1', noDelay: true });
		parser = createParser(keepBody);
		made.setTimeout(timeoutMs, () => made === socket && settle !== undefined && fail(new Error('no answer in time')));
		made.on('error', (error) => made === socket && fail(error));
		made.on('close', () => made === socket && fail(new Error('connection closed')));
		made.on('data', (chunk) => {
			if (made !== socket) return;
			const answer = parser(chunk);
			if (answer === undefined) return;
			const waiting = settle;
			settle = undefined;
			if (answer.status < 200) fail(new Error('unexpected answer'));
			else if (/\r\nconnection: close/i.test(answer.head)) {
				socket = undefined;
				made.destroy();
			}
			waiting?.resolve(answer);
		});
		return made;
	};
	return {
		send(request) {
			socket ??= open();
			const { promise, resolve, reject } = Promise.withResolvers<Answer>();
			settle = { resolve, reject };
			socket.write(request);
			return promise;
		},
		close() {
			socket?.destroy();
			socket = undefined;
		},
	};
}

/** Takes chunks as they come and gives the answer when it is whole. */
function createParser(keepBody: boolean): (chunk: Buffer) => Answer | undefined {
	let head: string | undefined;
	let early: Buffer = none;
	let parts: Buffer[] = [];
	let left = 0;
	let keep = keepBody;
	let chunks: ((chunk: Buffer) => boolean) | undefined;
	const finish = (): Answer => {
		const answer = {
			status: Number((head as string).slice(9, 12)),
			head: head as string,
			body: parts.length === 0 ? none : Buffer.concat(parts),
		};
		head = undefined;
		parts = [];
		chunks = undefined;
		return answer;
	};
	return (incoming) => {
		let chunk = incoming;
		if (head === undefined) {
			if (early.length > 0) chunk = Buffer.concat([early, chunk]);
			const end = chunk.indexOf('\r\n\r\n');
			if (end < 0) {
				early = chunk;
				return undefined;
			}
			early = none;
			head = chunk.toString('latin1', 0, end);
			chunk = chunk.subarray(end + 4);
			const length = /\r\ncontent-length: *(\d+)/i.exec(head);
			const status = head.slice(9, 12);
			keep = keepBody || status > '399';
			if (status === '204' || status === '304') left = 0;
			else if (length !== null) left = Number(length[1]);
			else if (/\r\ntransfer-encoding: *chunked/i.test(head)) chunks = createChunks((piece) => keep && parts.push(piece));
			else throw new Error('an answer without a length');
		}
		if (chunks !== undefined) return chunks(chunk) ? finish() : undefined;
		if (keep && chunk.length > 0) parts.push(chunk);
		left -= chunk.length;
		return left <= 0 ? finish() : undefined;
	};
}

/** Reads chunked transfer coding (RFC 9112 section 7.1); true when the last chunk was read. */
function createChunks(take: (piece: Buffer) => void): (chunk: Buffer) => boolean {
	let line = '';
	let left = 0;
	let state: 'size' | 'data' | 'after' | 'trailer' = 'size';
	return (chunk) => {
		let at = 0;
		while (at < chunk.length) {
			if (state === 'data') {
				const piece = chunk.subarray(at, at + left);
				take(piece);
				left -= piece.length;
				at += piece.length;
				if (left === 0) state = 'after';
				continue;
			}
			const end = chunk.indexOf(10, at);
			line += chunk.toString('latin1', at, end < 0 ? chunk.length : end);
			if (end < 0) return false;
			at = end + 1;
			const text = line.trim();
			line = '';
			if (state === 'after') state = 'size';
			else if (state === 'trailer') {
				if (text === '') return true;
			} else {
				left = Number.parseInt(text, 16);
				state = left === 0 ? 'trailer' : 'data';
			}
		}
		return false;
	};
}

/** The bytes of a request. */
export function requestBytes(method: string, path: string, headers: Readonly<Record<string, string>>, body?: string | Uint8Array): Buffer {
	const content = body === undefined ? undefined : Buffer.from(body as string);
	const lines = [`${method} ${path} HTTP/1.1`, 'host: 127.0.0.1'];
	for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
	if (content !== undefined) lines.push(`content-length: ${content.length}`);
	const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
	return content === undefined ? head : Buffer.concat([head, content]);
}

/** A header of an answer, undefined when it is not there. */
export function headerOf(answer: Answer, name: string): string | undefined {
	return new RegExp(`\\r\\n${name}: *([^\\r]*)`, 'i').exec(answer.head)?.[1];
}
