// What jobs keep as files: a folder for each job that wants one, which goes when the job goes.
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Querier } from '#db/database.ts';
import { sql } from '#db/sql.ts';

/** Ids and names come from addresses that clients ask for: what could lead out of the folder is no name. */
const nameShape = /^[A-Za-z0-9-][A-Za-z0-9.-]{0,63}$/;

/** The folder of a job, whether or not it is there. */
export function folderOf(folder: string, id: string): string {
	return join(folder, id);
}

/** The path of a file of a job; undefined when there is none. */
export async function findFile(folder: string, id: string, name: string): Promise<string | undefined> {
	if (!nameShape.test(id) || !nameShape.test(name)) return undefined;
	const path = join(folder, id, name);
	const found = await stat(path).catch(() => undefined);
	return found?.isFile() === true ? path : undefined;
}

/** Removes the folder of a job with everything in it. */
export async function removeFolder(folder: string, id: string): Promise<void> {
	if (nameShape.test(id)) await rm(join(folder, id), { recursive: true, force: true });
}

/** Removes the folders of jobs that are no more: expired, or cancelled while another process was writing. */
export async function removeOrphans(folder: string, db: Pick<Querier, 'rows'>): Promise<void> {
	const names = (await readdir(folder).catch(() => [])).filter((name) => nameShape.test(name));
	if (names.length === 0) return;
	const known = new Set((await db.rows(sql`SELECT id FROM jobs.job WHERE id = ANY(${names}::text[])`)).map(([id]) => id));
	for (const name of names) if (!known.has(name)) await removeFolder(folder, name);
}
