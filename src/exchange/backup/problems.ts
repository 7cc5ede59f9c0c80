// How backups and restores are refused. The codes are for ever.
import { Problem } from '#base/problem.ts';

/** The file is not a whole, unchanged backup. */
export function backupBroken(why: string): Problem {
	return new Problem('invalid', 'backup-broken', `The file is not a sound backup: ${why}. Nothing was restored.`);
}

/** A file is in the way. */
export function fileExists(path: string): Problem {
	return new Problem('conflict', 'file-exists', `${path} exists already.`);
}

/** The target holds data. */
export function targetNotEmpty(): Problem {
	return new Problem('conflict', 'target-not-empty', 'There are data in this installation. --force replaces all of them with the backup.');
}

/** The target was migrated differently from the database the backup was made of. */
export function targetDiffers(): Problem {
	return new Problem(
		'conflict',
		'target-differs',
		'The backup was made by another version of Heron than the one that made this database. Restore into an empty one: a new HERON_DATA_DIR, or a new database in DATABASE_URL.',
	);
}

/** The backup has migrations that this program does not know. */
export function backupNewer(what: string): Problem {
	return new Problem(
		'conflict',
		'backup-newer',
		`The backup was made by a newer Heron: ${what} is not known here. Restore it with that version.`,
	);
}

/** Servers are at work on the target. */
export function targetInUse(connections: number): Problem {
	return new Problem('conflict', 'target-in-use', `Heron is running on this database (${connections} connections). Stop it first.`);
}

/** What came out is not what the manifest says. */
export function countsDiffer(table: string, expected: number, found: number): Problem {
	return new Problem('fault', 'counts-differ', `${table} has ${found} rows where there should be ${expected}. Nothing was restored.`);
}
