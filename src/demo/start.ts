// The demo clinic at a start: loaded when the settings say so, offered when it is the first start and somebody sits at a terminal.
import { createInterface } from 'node:readline/promises';
import type { PoolConfig } from 'pg';
import type { Log } from '#base/log.ts';
import { createMeter } from '#commands/meter.ts';
import { compose } from '#compose.ts';
import type { Settings } from '#settings.ts';
import { here, showClinic, textOf, usualClinic } from './show.ts';

export type Start = {
	readonly settings: Settings;
	readonly config: PoolConfig;
	readonly log: Log;
	/** Nobody could sign in before. */
	readonly isFirst: boolean;
	/** Heron is to end. */
	readonly signal: AbortSignal;
};

/** Loads the clinic into an empty record if that is wanted; says what it does. Rejects as `showClinic` does. */
export async function startWithDemo(start: Start): Promise<void> {
	if (!(await isWanted(start))) return;
	const { settings, config, log, signal } = start;
	const installation = await compose(settings, config, log);
	const meter = createMeter(process.stderr);
	try {
		const shown = await showClinic(
			installation,
			{ ...usualClinic, ...here(installation.clock.now()) },
			{ signal, onProgress: (share, done) => meter.show({ done, of: 'patients of the demo clinic', share }) },
		);
		meter.end();
		if (shown !== undefined && !signal.aborted) console.log(textOf(shown));
	} finally {
		await installation.close();
	}
}

async function isWanted({ settings: { demo }, isFirst, signal }: Start): Promise<boolean> {
	if (demo !== 'ask') return demo === 'yes';
	if (!isFirst || process.stdin.isTTY !== true || process.stdout.isTTY !== true) return false;
	// Not as a terminal of its own: Ctrl-C stays a signal.
	const lines = createInterface({ input: process.stdin, output: process.stdout, terminal: false });
	try {
		const answer = await lines.question('Load a made-up clinic with 200 patients to look at? [Y/n] ', { signal });
		return !/^\s*n/i.test(answer);
	} catch {
		return false;
	} finally {
		lines.close();
	}
}
