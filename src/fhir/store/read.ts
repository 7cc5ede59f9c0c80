// Reads by id. Bodies are passed on as they lie in the database.
import type { Querier } from '#db/database.ts';
import { raw, sql } from '#db/sql.ts';
import type { Stored } from '#fhir/resource.ts';
import { rawOf, restore, versionsOf } from './restore.ts';
import { milliseconds, tableOf } from './statements.ts';
import type { Restriction } from './store.ts';

/** The current version; a tombstone when deleted and nothing is restricted. */
export async function readCurrent(db: Querier, type: string, id: string, restrict: Restriction): Promise<Stored | undefined> {
	if (restrict === 'nothing') return undefined;
	const select = `SELECT r.rid, r.ver, ${milliseconds('r.lu')}, r.op, r.body FROM ${tableOf(type)} r WHERE r.id =`;
	const rows =
		restrict === null
			? await db.rows({ name: `read_${type}`, text: `${select} $1`, values: [id] })
			: await db.rows(sql`${raw(select)} ${id} AND (${restrict})`);
	const [row] = rows;
	if (row === undefined) return restrict === null ? readMark(db, type, id) : undefined;
	return storedOf(type, id, row);
}

/** A version from its columns: rid, version, milliseconds, op, body. */
export function storedOf(type: string, id: string, [rid, version, updated, op, body]: readonly unknown[]): Stored {
	return { type, id, rid: Number(rid), version: Number(version), updated: Number(updated), op: op as 'C' | 'U', body: body as string };
}

/** The mark of the delete of a resource that is not there. */
export async function readMark(db: Querier, type: string, id: string): Promise<Stored | undefined> {
	const text = `SELECT h.rid, h.ver, ${milliseconds('h.lu')}, h.op FROM ${tableOf(type, '_history')} h WHERE h.id = $1 ORDER BY h.ver DESC LIMIT 1`;
	const [row] = await db.rows({ name: `mark_${type}`, text, values: [id] });
	if (row?.[3] !== 'D') return undefined;
	return { type, id, rid: Number(row[0]), version: Number(row[1]), updated: Number(row[2]), op: 'D', body: '' };
}

/** One version. Restricted, it is given only while the current one may be seen and belongs to the same patient. */
export async function readVersion(
	db: Querier,
	type: string,
	id: string,
	version: number,
	restrict: Restriction,
): Promise<Stored | undefined> {
	if (restrict === 'nothing') return undefined;
	const rows =
		restrict === null
			? await db.rows({
					name: `vread_${type}`,
					text: `SELECT v.* FROM (SELECT $1::text AS id, $2::int4 AS lo, $2::int4 AS hi) u CROSS JOIN LATERAL (${versionsOf(type)}) v`,
					values: [id, version],
				})
			: await db.rows(
					sql`SELECT v.* FROM (SELECT ${id}::text AS id, ${version}::int4 AS lo, ${version}::int4 AS hi) u CROSS JOIN LATERAL (${raw(versionsOf(type))}) v
						WHERE EXISTS (SELECT 1 FROM ${raw(tableOf(type))} r WHERE r.id = ${id} AND (${restrict}) AND (r.ver = ${version}
							OR EXISTS (SELECT 1 FROM ${raw(tableOf(type, '_history'))} h WHERE h.id = r.id AND h.ver = ${version} AND h.op <> 'D' AND h.pat IS NOT DISTINCT FROM r.pat)))`,
				);
	const raws = rows.map(rawOf);
	const asked = raws.find((one) => one.version === version);
	if (asked === undefined) return undefined;
	const body = restore(type, id, raws).get(version);
	if (body === undefined) throw new Error('a version of history cannot be restored');
	return { type, id, rid: asked.rid, version, updated: asked.updated, op: asked.op, body };
}
