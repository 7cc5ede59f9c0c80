// The PostgreSQL that came with npm: made, started, adopted after a crash of Heron, restarted, stopped. It listens on a Unix socket only,
// with SCRAM passwords, data checksums and fsync on.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type PoolConfig } from 'pg';
import type { Log } from '#base/log.ts';
import { Problem } from '#base/problem.ts';
import { isAlive, type Lock, lockHolder, takeLock } from './embedded/lock.ts';
import { findPlace, type Place } from './embedded/place.ts';
import { readIfThere, runServer, startProblem, stopServer, survivor } from './embedded/server.ts';

export type Embedded = {
	/** How to connect to Heron's own database. */
	readonly config: PoolConfig;
	/** Process id of the postmaster. */
	readonly pid: number;
	/** e.g. "18.4". */
	readonly version: string;
	/** True when it was found running: left by a Heron that was killed, or belonging to one that runs. */
	readonly adopted: boolean;
	readonly remarks: readonly string[];
	/** Stops PostgreSQL if it is ours to stop, and gives the data folder free. */
	stop(): Promise<void>;
	/** Starts PostgreSQL again if it has ended by itself; nothing happens while it lives. Rejects as startEmbedded does. */
	restart(): Promise<void>;
	/** From now until stop, restarts PostgreSQL whenever it ends by itself, and tries again while it cannot. */
	watch(): void;
};

export type EmbeddedOptions = {
	readonly dataDir: string;
	readonly log: Log;
	/** `own` refuses a data folder that another Heron holds; `share` joins its PostgreSQL and leaves it running. */
	readonly mode?: 'own' | 'share';
	/** More `-c name=value` settings, e.g. for tests. */
	readonly settings?: Readonly<Record<string, string>>;
};

const user = 'heron';
const database = 'heron';
const joinWithinMs = 60_000;
const watchEveryMs = 250;
const retryEveryMs = 2000;

/**
 * Starts (or adopts) the cluster of a data folder and waits until it takes connections. Throws Problem conflict `data-in-use`
 * when another Heron owns it, unavailable `disk-full` or `postgres-start` with PostgreSQL's own words when it does not start.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
	const dataDir = resolve(options.dataDir);
	const place = findPlace(dataDir);
	const lockPath = join(dataDir, 'heron.lock');
	try {
		if (options.mode === 'share' && lockHolder(lockPath) !== undefined) return await joined(place, dataDir, lockPath);
		return await owned(place, dataDir, takeLock(lockPath), options);
	} catch (error) {
		throw (error as NodeJS.ErrnoException).code === 'ENOSPC' ? startProblem(place, 'No space left on device') : error;
	}
}

/** The PostgreSQL of a Heron that runs; waits while that one is still starting it. */
async function joined(place: Place, dataDir: string, lockPath: string): Promise<Embedded> {
	const deadline = Date.now() + joinWithinMs;
	while (lockHolder(lockPath) !== undefined && Date.now() < deadline) {
		const config = existsSync(secretPath(dataDir)) ? connection(place, secret(dataDir, place)) : undefined;
		const pid = config === undefined ? undefined : await survivor(place, config);
		if (config !== undefined && pid !== undefined && (await hasDatabase(config))) {
			return {
				config,
				pid,
				version: place.version,
				adopted: true,
				remarks: place.remarks,
				stop: async () => undefined,
				restart: async () => undefined,
				watch: () => undefined,
			};
		}
		await sleep(100);
	}
	throw new Problem(
		'unavailable',
		'postgres-not-there',
		'The Heron that runs on this data folder has no PostgreSQL running at the moment. Try again.',
	);
}

async function owned(place: Place, dataDir: string, lock: Lock, options: EmbeddedOptions): Promise<Embedded> {
	try {
		const config = connection(place, secret(dataDir, place));
		const found = readIfThere(join(place.cluster, 'PG_VERSION'))?.trim();
		if (found === undefined) initialise(place, config.password as string);
		else if (found !== place.major) throw versionProblem(place, found);
		let server = await runServer(place, config, options);
		if (!(await hasDatabase(config))) await createDatabase(config);
		let restarting: Promise<void> | undefined;
		let watching: NodeJS.Timeout | undefined;
		const restart = (): Promise<void> => {
			if (isAlive(server.pid)) return Promise.resolve();
			restarting ??= runServer(place, config, options)
				.then((started) => {
					server = started;
				})
				.finally(() => {
					restarting = undefined;
				});
			return restarting;
		};
		return {
			config,
			get pid() {
				return server.pid;
			},
			version: place.version,
			adopted: server.child === undefined,
			remarks: place.remarks,
			restart,
			watch() {
				watching ??= watch(() => isAlive(server.pid), restart, options.log);
			},
			async stop() {
				clearInterval(watching);
				await restarting?.catch(() => undefined);
				await stopServer(server.pid);
				lock.release();
			},
		};
	} catch (error) {
		lock.release();
		throw error;
	}
}

/** Says once that it ended and why it cannot be started, however often that is tried. */
function watch(lives: () => boolean, restart: () => Promise<void>, log: Log): NodeJS.Timeout {
	let waitUntil = 0;
	let said: string | undefined;
	const say = (words: string, problem?: string): void => {
		if (said === (problem ?? words)) return;
		said = problem ?? words;
		log.error(problem === undefined ? {} : { problem }, words);
	};
	return setInterval(async () => {
		if (lives() || Date.now() < waitUntil) return;
		// One attempt at a time: the next look comes after this one has failed.
		waitUntil = Number.POSITIVE_INFINITY;
		if (said === undefined) say('PostgreSQL ended by itself; it is started again');
		try {
			await restart();
			log.info({}, 'PostgreSQL runs again');
			waitUntil = 0;
			said = undefined;
		} catch (error) {
			say('PostgreSQL cannot be started; it is tried again every other second', (error as Error).message);
			waitUntil = Date.now() + retryEveryMs;
		}
	}, watchEveryMs).unref();
}

function connection(place: Place, password: string): PoolConfig {
	return { host: place.sockets, port: 5432, user, password, database, application_name: 'heron' };
}

function secretPath(dataDir: string): string {
	return join(dataDir, 'postgres.secret');
}

/** The superuser's password, made once and kept where only Heron's user can read it. */
function secret(dataDir: string, place: Place): string {
	const path = secretPath(dataDir);
	const kept = readIfThere(path)?.trim();
	if (kept !== undefined && kept !== '') return kept;
	if (existsSync(join(place.cluster, 'PG_VERSION'))) {
		throw new Problem(
			'unavailable',
			'postgres-secret-missing',
			`${path} is missing; without it the database in ${place.cluster} cannot be opened. Restore the file from your backup.`,
		);
	}
	const password = randomBytes(24).toString('base64url');
	writeFileSync(path, `${password}\n`, { mode: 0o600 });
	return password;
}

/** initdb in a folder beside, moved into place when it is whole: a start that is cut off leaves nothing half made. */
function initialise(place: Place, password: string): void {
	const making = `${place.cluster}.making`;
	const words = `${making}.pw`;
	rmSync(making, { recursive: true, force: true });
	mkdirSync(making, { recursive: true, mode: 0o700 });
	writeFileSync(words, password, { mode: 0o600 });
	if (place.owner !== undefined) for (const path of [making, words]) chownSync(path, place.owner.uid, place.owner.gid);
	const args = ['-D', making, '-U', user, '-A', 'scram-sha-256', `--pwfile=${words}`, '--data-checksums', '--no-instructions'];
	try {
		const made = spawnSync(join(place.bin, 'initdb'), [...args, '--encoding=UTF8', '--locale=C.UTF-8'], {
			...place.owner,
			cwd: '/',
			encoding: 'utf8',
		});
		if (made.status !== 0) throw startProblem(place, `initdb: ${made.stderr || made.error?.message}`);
		rmSync(place.cluster, { recursive: true, force: true });
		renameSync(making, place.cluster);
	} finally {
		rmSync(words, { force: true });
		rmSync(making, { recursive: true, force: true });
	}
}

async function hasDatabase(config: PoolConfig): Promise<boolean> {
	const { rowCount } = await asAdmin(config, (client) => client.query('SELECT FROM pg_database WHERE datname = $1', [database]));
	return rowCount !== 0;
}

async function createDatabase(config: PoolConfig): Promise<void> {
	await asAdmin(config, (client) => client.query(`CREATE DATABASE ${database}`));
}

async function asAdmin<T>(config: PoolConfig, work: (client: Client) => Promise<T>): Promise<T> {
	const client = new Client({ ...config, database: 'postgres' });
	await client.connect();
	try {
		return await work(client);
	} finally {
		await client.end();
	}
}

function versionProblem(place: Place, version: string): Problem {
	return new Problem(
		'unavailable',
		'postgres-version',
		`The database in ${place.cluster} was made by PostgreSQL ${version}, and this Heron brings ${place.major}. Back it up with the Heron that made it (npm run heron -- backup), then restore into a new data folder.`,
	);
}
