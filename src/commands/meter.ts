// Progress for people: a line that moves on a terminal, a line now and then elsewhere.
import type { WriteStream } from 'node:tty';

export type Reading = {
	/** Things done so far, and what they are called. */
	readonly done: number;
	readonly of: string;
	/** How much of the whole, 0 to 1, where that is known. */
	readonly share?: number;
	readonly more?: string;
};

export type Meter = {
	show(reading: Reading): void;
	/** Takes the line away and gives the seconds that have passed. */
	end(): number;
};

const moveEveryMs = 200;
const lineEveryMs = 10_000;
const barWidth = 24;

/** A meter on a stream, standard error as a rule. */
export function createMeter(stream: Pick<WriteStream, 'isTTY' | 'write'>): Meter {
	const started = performance.now();
	const every = stream.isTTY ? moveEveryMs : lineEveryMs;
	let next = started + every;
	let shown = false;
	return {
		show(reading) {
			const now = performance.now();
			if (now < next) return;
			next = now + every;
			const text = lineOf(reading, (now - started) / 1000, stream.isTTY);
			stream.write(stream.isTTY ? `\r\x1b[K${text}` : `${text}\n`);
			shown = true;
		},
		end() {
			if (stream.isTTY && shown) stream.write('\r\x1b[K');
			return (performance.now() - started) / 1000;
		},
	};
}

/** One line: bar, share, count, rate, time left. */
export function lineOf({ done, of, share, more = '' }: Reading, seconds: number, withBar: boolean): string {
	const rate = seconds > 0 ? Math.round(done / seconds) : 0;
	const counts = `${done.toLocaleString('en-US')} ${of}, ${rate.toLocaleString('en-US')} a second`;
	if (share === undefined) return counts + more;
	const part = Math.min(1, share);
	const full = Math.round(part * barWidth);
	const left = part > 0.01 ? `, ${duration((seconds / part) * (1 - part))} left` : '';
	return `${withBar ? `[${'#'.repeat(full)}${'.'.repeat(barWidth - full)}] ` : ''}${Math.floor(part * 100)} %  ${counts}${left}${more}`;
}

function duration(seconds: number): string {
	const whole = Math.max(0, Math.round(seconds));
	if (whole < 60) return `${whole} s`;
	if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
	return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
