// The PostgreSQL that came with npm: made, started, adopted after a crash of Heron, stopped. It listens on a Unix socket only, with SCRAM
// passwords, data checksums and fsync on.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
	chownSync,
	closeSync,
	existsSync,
	mkdirSync,
	openSync,
	readFileSync,
	renameSync,
	rmSync,
	statfsSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import { totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type PoolConfig } from 'pg';
import type { Log } from '#base/log.ts';
import { Problem } from '#base/problem.ts';
import { isAlive, type Lock, lockHolder, takeLock } from './embedded/lock.ts';
import { findPlace, type Place } from './embedded/place.ts';

export type Embedded = {
	/** How to connect to Heron's own database. */
	readonly config: PoolConfig;
	/** Process id of the postmaster. */
	readonly pid: number;
	/** True when it was found running: left by a Heron that was killed, or belonging to one that runs. */
	readonly adopted: boolean;
	readonly remarks: readonly string[];
	/** Stops PostgreSQL if it is ours to stop, and gives the data folder free. */
	stop(): Promise<void>;
	/** Starts PostgreSQL again if it has ended by itself; nothing happens while it lives. Rejects as startEmbedded does. */
	restart(): Promise<void>;
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

/**
 * Starts (or adopts) the cluster of a data folder and waits until it takes connections. Throws Problem conflict `data-in-use`
 * when another Heron owns it, unavailable `disk-full` or `postgres-start` with PostgreSQL's own words when it does not start.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
	const dataDir = resolve(options.dataDir);
	const place = findPlace(dataDir);
	const lockPath = join(dataDir, 'heron.lock');
	const shared = options.mode === 'share' && lockHolder(lockPath) !== undefined;
	const lock: Lock | undefined = shared ? undefined : takeLock(lockPath);
	try {
		const password = secret(dataDir, place);
		const version = readIfThere(join(place.cluster, 'PG_VERSION'))?.trim();
		if (version === undefined) initialise(place, password);
		else if (version !== place.major) throw versionProblem(place, version);
		const config: PoolConfig = { host: place.sockets, port: 5432, user, password, database };
		let server = await runServer(place, config, options);
		let restarting: Promise<Running> | undefined;
		await ensureDatabase(config);
		const adopted = server.child === undefined;
		return {
			config,
			get pid() {
				return server.pid;
			},
			adopted,
			remarks: place.remarks,
			async restart() {
				if (isAlive(server.pid)) return;
				restarting ??= runServer(place, config, options).finally(() => {
					restarting = undefined;
				});
				server = await restarting;
			},
			async stop() {
				await restarting?.catch(() => undefined);
				if (!shared) await stopServer(server.pid);
				lock?.release();
			},
		};
	} catch (error) {
		lock?.release();
		throw error;
	}
}

/** The superuser's password, made once and kept where only Heron's user can read it. */
function secret(dataDir: string, place: Place): string {
	const path = join(dataDir, 'postgres.secret');
	if (existsSync(path)) return readFileSync(path, 'utf8').trim();
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
	own(place, making, words);
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

function own(place: Place, ...paths: string[]): void {
	if (place.owner !== undefined) for (const path of paths) chownSync(path, place.owner.uid, place.owner.gid);
}

type Running = { readonly pid: number; readonly child: ChildProcess | undefined };

const startWithinMs = 120_000;

/**
 * Adopts the cluster's PostgreSQL or starts one. After a `kill -9` of the postmaster its backends may live on for a moment and hold
 * the shared memory; PostgreSQL then refuses to start (rightly), so a refusal of that kind is tried again for ten seconds.
 */
async function runServer(place: Place, config: PoolConfig, options: EmbeddedOptions): Promise<Running> {
	const found = await survivor(place, config);
	if (found !== undefined) {
		options.log.info({ pid: found }, 'found PostgreSQL running');
		return { pid: found, child: undefined };
	}
	const patience = Date.now() + 10_000;
	for (;;) {
		const outcome = await launch(place, config, options.settings);
		if (typeof outcome !== 'string') return outcome;
		if (Date.now() > patience || !/pre-existing shared memory block|lock file .* already exists/.test(outcome)) {
			throw startProblem(place, outcome);
		}
		await sleep(200);
	}
}

/** One attempt: the running server, or what PostgreSQL said when it ended. */
async function launch(place: Place, config: PoolConfig, more: EmbeddedOptions['settings']): Promise<Running | string> {
	mkdirSync(place.sockets, { recursive: true, mode: 0o700 });
	const logPath = join(place.cluster, 'server.log');
	if (existsSync(logPath) && statSync(logPath).size > 10_000_000) renameSync(logPath, `${logPath}.1`);
	const logFile = openSync(logPath, 'a', 0o600);
	own(place, place.sockets, logPath);
	const logStart = statSync(logPath).size;
	const settings = {
		...tuning(),
		listen_addresses: '',
		unix_socket_directories: place.sockets,
		unix_socket_permissions: '0700',
		...more,
	};
	const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
	// Detached, so that Ctrl-C reaches Heron alone, which then drains before it stops the database.
	const child = spawn(join(place.bin, 'postgres'), ['-D', place.cluster, ...args], {
		...place.owner,
		cwd: '/',
		detached: true,
		stdio: ['ignore', logFile, logFile],
	});
	closeSync(logFile);
	let failure: Error | undefined;
	child.once('error', (error) => {
		failure = error;
	});
	child.unref();
	const deadline = Date.now() + startWithinMs;
	for (;;) {
		if (failure !== undefined) return failure.message;
		if (child.exitCode !== null || child.signalCode !== null) return readFileSync(logPath).subarray(logStart).toString('utf8');
		if (child.pid !== undefined && (await accepts(config))) return { pid: child.pid, child };
		if (Date.now() > deadline) return `it did not take connections within ${startWithinMs / 1000} s`;
		await sleep(20);
	}
}

/** The postmaster of this cluster if one still runs; waits while one is on its way up or out. */
async function survivor(place: Place, config: PoolConfig): Promise<number | undefined> {
	const pidFile = join(place.cluster, 'postmaster.pid');
	for (let attempt = 0; attempt < 300; attempt++) {
		const text = readIfThere(pidFile);
		if (text === undefined) return undefined;
		const pid = Number(text.split('\n')[0]);
		if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return undefined;
		if (!isPostmaster(pid, place.cluster)) {
			// The id was given to another program since. The file itself must stay: its other lines let PostgreSQL see backends that
			// outlived their postmaster. Our own id is that of its parent, which it knows cannot be a postmaster.
			writeFileSync(pidFile, text.replace(/^.*/, String(process.pid)));
			return undefined;
		}
		if (await accepts(config)) return pid;
		await sleep(100);
	}
	throw new Problem(
		'unavailable',
		'postgres-stuck',
		`A PostgreSQL already runs on ${place.cluster} but takes no connections. Stop it and start again.`,
	);
}

function readIfThere(path: string): string | undefined {
	try {
		return readFileSync(path, 'utf8');
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
		throw error;
	}
}

/** Whether the process serves this cluster; where there is no /proc, that it lives has to do. */
function isPostmaster(pid: number, cluster: string): boolean {
	if (process.platform !== 'linux') return true;
	const command = readIfThere(`/proc/${pid}/cmdline`);
	return command?.includes('postgres') === true && command.includes(cluster);
}

async function accepts(config: PoolConfig): Promise<boolean> {
	const client = new Client({ ...config, database: 'postgres', connectionTimeoutMillis: 5000 });
	client.on('error', () => undefined);
	try {
		await client.connect();
		return true;
	} catch (error) {
		if ((error as { code?: string }).code === '28P01') {
			throw new Problem(
				'unavailable',
				'postgres-password',
				'The password in postgres.secret does not fit the database of this data folder.',
				{ cause: error },
			);
		}
		return false;
	} finally {
		await client.end().catch(() => undefined);
	}
}

async function ensureDatabase(config: PoolConfig): Promise<void> {
	const client = new Client({ ...config, database: 'postgres' });
	await client.connect();
	try {
		const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [database]);
		if (rowCount === 0) await client.query(`CREATE DATABASE ${database}`);
	} finally {
		await client.end();
	}
}

/** Ends sessions and checkpoints (SIGINT, "fast" shutdown), then waits. */
async function stopServer(pid: number): Promise<void> {
	if (!isAlive(pid)) return;
	process.kill(pid, 'SIGINT');
	const deadline = Date.now() + 60_000;
	while (isAlive(pid) && Date.now() < deadline) await sleep(10);
}

/** Settings for a machine that PostgreSQL shares with Heron. */
function tuning(): Record<string, string> {
	const memoryMb = Math.floor(totalmem() / 1024 / 1024);
	const buffersMb = Math.max(64, Math.min(1024, Math.floor(memoryMb / 4)));
	return {
		shared_buffers: `${buffersMb}MB`,
		effective_cache_size: `${Math.max(256, Math.floor(memoryMb / 2))}MB`,
		work_mem: '16MB',
		maintenance_work_mem: '128MB',
		max_connections: '100',
		max_wal_size: '2GB',
		min_wal_size: '256MB',
		checkpoint_timeout: '10min',
		wal_compression: 'pglz',
		random_page_cost: '1.1',
		jit: 'off',
		fsync: 'on',
		synchronous_commit: 'on',
		password_encryption: 'scram-sha-256',
		timezone: 'UTC',
		autovacuum_naptime: '20s',
		// Errors go to the client, who knows what he sent; here their texts could carry patient data.
		log_min_messages: 'log',
		log_min_error_statement: 'panic',
		log_error_verbosity: 'terse',
		log_statement: 'none',
		log_checkpoints: 'off',
	};
}

function versionProblem(place: Place, version: string): Problem {
	return new Problem(
		'unavailable',
		'postgres-version',
		`The database in ${place.cluster} was made by PostgreSQL ${version}, and this Heron brings ${place.major}. Back it up with the Heron that made it (npm run heron -- backup), then restore into a new data folder.`,
	);
}

function startProblem(place: Place, words: string): Problem {
	const free = freeBytes(place.cluster);
	if (/No space left on device/i.test(words) || (free !== undefined && free < 64 * 1024 * 1024)) {
		return new Problem('unavailable', 'disk-full', `The disk that holds ${place.cluster} is full. Free some space and start again.`);
	}
	return new Problem(
		'unavailable',
		'postgres-start',
		`PostgreSQL did not start. It says:\n${words.trim().split('\n').slice(-8).join('\n')}`,
	);
}

function freeBytes(path: string): number | undefined {
	try {
		const { bavail, bsize } = statfsSync(path);
		return bavail * bsize;
	} catch {
		return undefined;
	}
}
