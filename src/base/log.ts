// Structured logs (pino). Nothing that describes a patient may be logged: log ids of requests, codes and counts.
import { pino } from 'pino';

export type Log = {
	readonly debug: (fields: object, text: string) => void;
	readonly info: (fields: object, text: string) => void;
	readonly warn: (fields: object, text: string) => void;
	readonly error: (fields: object, text: string) => void;
};

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** A logger that writes JSON lines to standard error. */
export function createLog(level: LogLevel): Log {
	return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ dest: 2, sync: false }));
}

/** Logs nothing. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** Errors of the program's own making, whose words never quote data. */
const ownKinds = new Set(['TypeError', 'ReferenceError', 'RangeError', 'AssertionError']);

/**
 * What may be logged of an unexpected failure: its kind, its code and where it came from. Its words only where they cannot quote what
 * somebody sent: those of a parser or a database do.
 */
export function described(error: unknown): object {
	if (!(error instanceof Error)) return { name: typeof error };
	const { name, message, stack = '', code } = error as Error & { code?: unknown };
	const frames = stack
		.slice(Math.max(0, stack.indexOf(message)) + message.length)
		.split('\n')
		.filter((line) => /^\s+at /.test(line))
		.slice(0, 12)
		.map((line) => line.trim());
	return { name, ...(code === undefined ? {} : { code }), ...(ownKinds.has(name) ? { message } : {}), frames };
}
