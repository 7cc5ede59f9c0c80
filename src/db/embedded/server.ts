// The postmaster of the embedded PostgreSQL: found running, launched, stopped.
import { type ChildProcess, spawn } from 'node:child_process';
import {
	chownSync,
	closeSync,
	existsSync,
	mkdirSync,
	openSync,
	readFileSync,
	renameSync,
	statfsSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type PoolConfig } from 'pg';
import type { Log } from '#base/log.ts';
import { Problem } from '#base/problem.ts';
import { isAlive } from './lock.ts';
import type { Place } from './place.ts';

/** `child` is undefined for a server that was found running. */
export type Running = { readonly pid: number; readonly child: ChildProcess | undefined };

export type ServerOptions = { readonly log: Log; readonly settings?: Readonly<Record<string, string>> };

// After a crash PostgreSQL replays its log before it takes connections; that is worth waiting for.
const startWithinMs = 600_000;
const sayEveryMs = 10_000;

/**
 * Adopts the cluster's PostgreSQL or starts one. After a `kill -9` of the postmaster its backends may live on for a moment and hold
 * the shared memory; PostgreSQL then refuses to start (rightly), so a refusal of that kind is tried again for ten seconds.
 */
export async function runServer(place: Place, config: PoolConfig, options: ServerOptions): Promise<Running> {
	const found = await survivor(place, config);
	if (found !== undefined) {
		options.log.info({ pid: found }, 'found PostgreSQL running');
		return { pid: found, child: undefined };
	}
	const patience = Date.now() + 10_000;
	for (;;) {
		const outcome = await launch(place, config, options);
		if (typeof outcome !== 'string') return outcome;
		if (Date.now() > patience || !/pre-existing shared memory block|lock file .* already exists/.test(outcome)) {
			throw startProblem(place, outcome);
		}
		await sleep(200);
	}
}

function own(place: Place, ...paths: string[]): void {
	if (place.owner !== undefined) for (const path of paths) chownSync(path, place.owner.uid, place.owner.gid);
}

/** One attempt: the running server, or what PostgreSQL said when it ended. */
async function launch(place: Place, config: PoolConfig, { log, settings: more }: ServerOptions): Promise<Running | string> {
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
	let sayAt = Date.now() + sayEveryMs;
	for (;;) {
		if (failure !== undefined) return failure.message;
		if (child.exitCode !== null || child.signalCode !== null) return readFileSync(logPath).subarray(logStart).toString('utf8');
		if (child.pid !== undefined && (await accepts(config))) return { pid: child.pid, child };
		if (Date.now() > deadline) return `it did not take connections within ${startWithinMs / 1000} s`;
		if (Date.now() > sayAt) {
			log.info({ pid: child.pid }, 'PostgreSQL is still on its way up');
			sayAt += sayEveryMs;
		}
		await sleep(20);
	}
}

/** The postmaster of this cluster if one still runs; waits while one is on its way up or out. */
export async function survivor(place: Place, config: PoolConfig): Promise<number | undefined> {
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

/** The text of a file, undefined when there is none. */
export function readIfThere(path: string): string | undefined {
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

/** Ends sessions and checkpoints (SIGINT, "fast" shutdown), then waits. */
export async function stopServer(pid: number): Promise<void> {
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
		// A transaction over many types locks some hundred tables and indexes, and a text for each conditional entry.
		max_locks_per_transaction: '256',
		max_wal_size: '2GB',
		min_wal_size: '256MB',
		checkpoint_timeout: '10min',
		wal_compression: 'pglz',
		// After a crash every file is made durable first; one call for all of them where the system has it.
		...(process.platform === 'linux' ? { recovery_init_sync_method: 'syncfs' } : {}),
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

export function startProblem(place: Place, words: string): Problem {
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

/** Bytes that are left where the path is, undefined when that cannot be told. */
export function freeBytes(path: string): number | undefined {
	try {
		const { bavail, bsize } = statfsSync(path);
		return bavail * bsize;
	} catch {
		return undefined;
	}
}
