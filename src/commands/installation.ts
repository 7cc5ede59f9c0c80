// The installation that a command works on, joined to a server that runs or by itself.
import { userInfo } from 'node:os';
import type { Action, Actor, Kind } from '#access/audit/event.ts';
import { createLog, type Log, silentLog } from '#base/log.ts';
import { compose, type Installation, openSource } from '#compose.ts';
import { readSettings, type Settings } from '#settings.ts';

/** Logs only when asked to: a command says what it has to say in its own words. */
export function commandLog(settings: Settings): Log {
	return process.env.HERON_LOG_LEVEL === undefined ? silentLog : createLog(settings.logLevel);
}

/**
 * Does work on the installation that the settings name. The signal says that the user wants it to end (Ctrl-C); who does not wait for
 * that and asks again gets it at once.
 */
export async function withInstallation<T>(work: (installation: Installation, signal: AbortSignal) => Promise<T>): Promise<T> {
	const settings = readSettings(process.env);
	const log = commandLog(settings);
	const signal = interruptible();
	const source = await openSource(settings, log, 'share');
	source.embedded?.watch();
	try {
		const installation = await compose(settings, source.config, log);
		try {
			return await work(installation, signal);
		} finally {
			await installation.close();
		}
	} finally {
		await source.close();
	}
}

/** Who runs a command, for the audit: the user of this machine, by the command. */
export function operator(command: string): Actor {
	const name = `heron ${command} by ${userInfo().username}`;
	return { caller: { kind: 'system', id: `heron-${command}`, name }, requestId: `heron-${command}` };
}

/** Tells the audit what a command did. */
export async function tellOf(
	{ fhir: { audit } }: Installation,
	command: string,
	told: { readonly kind: Kind; readonly interaction: string; readonly action: Action; readonly status?: number; readonly detail: string },
): Promise<void> {
	if (audit.level !== 'off') await audit.record({ ...operator(command), status: 200, ...told });
}

/** Aborts on the first signal to end; the second ends the process. */
export function interruptible(): AbortSignal {
	const aborter = new AbortController();
	const onSignal = (): void => {
		if (aborter.signal.aborted) process.exit(130);
		aborter.abort();
	};
	for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, onSignal);
	return aborter.signal;
}
