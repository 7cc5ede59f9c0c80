// One Heron per data folder: a lock file with the process id and its start time, so that a reused id is not taken for the owner.
import { linkSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { Problem } from '#base/problem.ts';

export type Lock = { readonly release: () => void };

/** Takes the lock at `path`; throws Problem conflict `data-in-use` naming the process that holds it. */
export function takeLock(path: string): Lock {
	const mine = `${process.pid} ${startTime(process.pid) ?? 0}\n`;
	const draft = `${path}.${process.pid}`;
	// Linked into place whole, so that nobody ever reads a lock that has no name in it yet.
	writeFileSync(draft, mine, { mode: 0o600 });
	try {
		for (let attempt = 0; attempt < 5; attempt++) {
			if (link(draft, path)) return { release: () => releaseLock(path, mine) };
			const holder = lockHolder(path);
			if (holder !== undefined) {
				throw new Problem(
					'conflict',
					'data-in-use',
					`Another Heron (process ${holder}) is running on this data folder. Stop it first, or give this one its own HERON_DATA_DIR.`,
				);
			}
			removeStale(path);
		}
	} finally {
		rmSync(draft, { force: true });
	}
	throw new Problem('conflict', 'data-in-use', 'The lock of the data folder could not be taken.');
}

function link(draft: string, path: string): boolean {
	try {
		linkSync(draft, path);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
		throw error;
	}
}

/** Moves a dead lock aside; if another process was quicker and what was moved is its living lock, puts it back. */
function removeStale(path: string): void {
	const aside = `${path}.${process.pid}.stale`;
	try {
		renameSync(path, aside);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
		throw error;
	}
	if (lockHolder(aside) !== undefined) link(aside, path);
	rmSync(aside, { force: true });
}

/** Process id of the living Heron that holds the lock, if any. */
export function lockHolder(path: string): number | undefined {
	let text: string;
	try {
		text = readFileSync(path, 'utf8');
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
		throw error;
	}
	const [pid, started] = text.trim().split(' ').map(Number);
	if (pid === undefined || !Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return undefined;
	const now = startTime(pid);
	return now === undefined || started === 0 || now === started ? pid : undefined;
}

/** Whether a process of this id runs (a zombie does not). */
export function isAlive(pid: number): boolean {
	try {
		process.kill(pid, 0);
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === 'EPERM';
	}
	return processStat(pid)?.state !== 'Z';
}

function startTime(pid: number): number | undefined {
	return processStat(pid)?.started;
}

/** State and start time from /proc (https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html); undefined elsewhere. */
function processStat(pid: number): { state: string; started: number } | undefined {
	try {
		const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
		const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
		return { state: fields[0] as string, started: Number(fields[19]) };
	} catch {
		return undefined;
	}
}

function releaseLock(path: string, mine: string): void {
	try {
		if (readFileSync(path, 'utf8') === mine) unlinkSync(path);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
	}
}
