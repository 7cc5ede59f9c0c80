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
