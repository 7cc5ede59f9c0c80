// `npm start`: settings, database, sockets; and the way down again. The only file that listens to signals.
import cluster from 'node:cluster';
import { relative } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { createAudit } from '#access/audit/audit.ts';
import { createLog, described, type Log } from '#base/log.ts';
import { Problem } from '#base/problem.ts';
import { openDatabase } from '#db/database.ts';
import { startWithDemo } from '#demo/start.ts';
import { listAccounts } from '#oauth/accounts/account.ts';
import { coreOf, ensureAdministrator } from '#oauth/accounts/accounts.ts';
import { compose, openSource, type Source } from './compose.ts';
import { serve } from './serve.ts';
import { readSettings, type Settings } from './settings.ts';
import { runWorker, startWorkers } from './workers.ts';

// What lives in the heap is some sixty megabytes, and V8 would let four times as much gather behind it before it looks through all of it.
setFlagsFromString('--heap-growing-percent=100');

if (cluster.isWorker) await runWorker();
else await main();

async function main(): Promise<void> {
	process.title = 'heron';
	const ending = createEnding();
	try {
		const settings = readSettings(process.env);
		const log = createLog(settings.logLevel);
		ending.log = log;
		const source = await openSource(settings, log, 'own');
		ending.add(source.close);
		say(source, settings);
		const isFirst = await firstAdministrator(source, settings, log);
		await startWithDemo({ settings, config: source.config, log, isFirst, signal: ending.signal });
		if (ending.begun) return;
		ending.add(settings.workers === 1 ? await startAlone(settings, source, log) : await startWorkers(settings, source.config, log));
		if (ending.begun) return;
		console.log(`Listening on ${addresses(settings).join(' and ')}${settings.workers === 1 ? '' : ` with ${settings.workers} processes`}`);
		console.log(`FHIR R4 at ${settings.publicUrl}/apis/default/fhir`);
		console.log(`Heron is ready at ${settings.publicUrl}`);
		source.embedded?.watch();
	} catch (error) {
		console.error(error instanceof Problem ? `Heron did not start. ${error.text}` : error);
		await ending.end(1);
	} finally {
		ending.started();
	}
}

/** The server within this process; gives what stops it. */
async function startAlone(settings: Settings, { config }: Source, log: Log): Promise<() => Promise<void>> {
	const installation = await compose(settings, config, log);
	try {
		const serving = await serve(installation);
		return async () => {
			await serving.close();
			await installation.close();
		};
	} catch (error) {
		await installation.close();
		throw error;
	}
}

function say({ embedded }: Source, settings: Settings): void {
	if (embedded === undefined) return;
	for (const remark of embedded.remarks) console.log(remark);
	const how = embedded.adopted ? ', found running' : '';
	console.log(`PostgreSQL ${embedded.version} with the data of ${shown(settings.dataDir)} (process ${embedded.pid}${how})`);
}

/** Somebody has to be able to sign in: the first start makes an administrator, whose password is shown this once. Says if it was the first. */
async function firstAdministrator(
	{ config }: Source,
	{ adminPassword, people, audit: level, dataDir }: Settings,
	log: Log,
): Promise<boolean> {
	const db = openDatabase({ ...config, max: 1 });
	try {
		const core = coreOf(db, people);
		if ((await listAccounts(core)).length > 0) return false;
		const audit = createAudit({ db, clock: core.clock, log, dataDir, level });
		try {
			const password = await ensureAdministrator(db, adminPassword, { ...core, audit });
			if (password !== undefined) console.log(`Sign in as "admin" with the password ${password} (it is shown this once)`);
		} finally {
			await audit.close();
		}
		return true;
	} finally {
		await db.close();
	}
}

/** Below the present folder as a relative path, else as it is. */
function shown(folder: string): string {
	const path = relative('', folder);
	return path === '' || path.startsWith('..') ? folder : path;
}

function addresses({ httpsPort, httpPort, host = 'localhost' }: Settings): string[] {
	const at = host.includes(':') ? `[${host}]` : host;
	return [...(httpsPort === 0 ? [] : [`https://${at}:${httpsPort}`]), ...(httpPort === 0 ? [] : [`http://${at}:${httpPort}`])];
}

type Ending = {
	log: Log | undefined;
	/** Something to end when Heron ends; the last added ends first. */
	add(end: () => Promise<void>): void;
	/** No more will be added. */
	started(): void;
	readonly begun: boolean;
	/** Aborted when the end begins. */
	readonly signal: AbortSignal;
	end(code: number): Promise<void>;
};

/**
 * The way down: on SIGTERM, SIGINT, SIGHUP, and when the process that started us is gone, everything that was begun is ended in the
 * opposite order and the process exits. A start under way is waited for; a second signal does not wait.
 */
function createEnding(): Ending {
	const ends: (() => Promise<void>)[] = [];
	const start = Promise.withResolvers<void>();
	const aborter = new AbortController();
	let under: Promise<void> | undefined;
	const run = async (code: number): Promise<void> => {
		await start.promise;
		for (const end of ends.reverse()) await end().catch((error) => ending.log?.error({ error: described(error) }, 'an end went wrong'));
		process.exit(code);
	};
	const ending: Ending = {
		log: undefined,
		add: (end) => ends.push(end),
		started: start.resolve,
		get begun() {
			return under !== undefined;
		},
		signal: aborter.signal,
		end(code) {
			if (code !== 0) start.resolve();
			aborter.abort();
			under ??= run(code);
			return under;
		},
	};
	const onSignal = (signal: string): void => {
		if (under !== undefined) process.exit(1);
		console.log(`Heron is stopping (${signal}) …`);
		void ending.end(0);
	};
	for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => onSignal(signal));
	process.on('disconnect', () => onSignal('the process that started it has ended'));
	process.on('uncaughtException', (error) => {
		if (ending.log === undefined) console.error(error);
		else ending.log.error({ error: described(error) }, 'a fault that nobody handled; Heron stops');
		void ending.end(1);
	});
	return ending;
}
