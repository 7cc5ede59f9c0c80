// Which versions an export takes, written down before their bodies are read when that takes long. A snapshot does not outlive its connection,
// but every version is kept: a run that follows one that was cut short takes the same versions from the lists, whatever was written since.
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Tx } from '#db/database.ts';
import { type Sql, sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Hit } from '#fhir/search/bundle.ts';
import { table } from '#fhir/search/params/row.ts';
import type { Selection } from './select.ts';

/** Whether so many rows or more may be taken. */
export async function isLong(tx: Tx, selections: readonly Selection[], rows: number): Promise<boolean> {
	const types = selections.map(({ type }) => type);
	const [found] = await tx.rows(sql`
		SELECT coalesce(sum(n), 0) >= ${rows} FROM (SELECT type, n FROM fhir.row_count UNION ALL SELECT type, n FROM fhir.row_change) c
		WHERE type = ANY(${types}::text[])`);
	return found?.[0] === true;
}

/** The name of the list of the selection at this place, in the folder of the job. */
export function listName(at: number): string {
	return `list-${at}`;
}

/** What a selection takes, a line for each version. */
export function listOf({ type, where }: Selection): Sql {
	return sql`SELECT r.id || ' ' || r.ver FROM ${table(type)} r WHERE ${where}`;
}

/** The versions of a list with their bodies, a page at a time. */
export async function* listedRows(ctx: FhirCtx, folder: string, at: number, type: string, size: number): AsyncGenerator<Hit[]> {
	let page: string[] = [];
	for await (const line of createInterface({ input: createReadStream(join(folder, listName(at))) })) {
		page.push(line);
		if (page.length < size) continue;
		yield await withBodies(ctx, type, page);
		page = [];
	}
	if (page.length > 0) yield await withBodies(ctx, type, page);
}

async function withBodies(ctx: FhirCtx, type: string, page: readonly string[]): Promise<Hit[]> {
	const listed = page.map((line) => line.split(' ') as [string, string]);
	const [ids, versions] = [listed.map(([id]) => id), listed.map(([, version]) => Number(version))];
	const rows = await ctx.db.rows(sql`
		SELECT x.id, x.ver, r.body FROM unnest(${ids}::text[], ${versions}::int4[]) WITH ORDINALITY AS x(id, ver, n)
		LEFT JOIN ${table(type)} r ON r.id = x.id AND r.ver = x.ver ORDER BY x.n`);
	return Promise.all(
		rows.map(async ([id, version, body]) => ({
			type,
			id: id as string,
			body: (body as string | null) ?? (await formerBody(ctx, type, id as string, Number(version))),
		})),
	);
}

async function formerBody(ctx: FhirCtx, type: string, id: string, version: number): Promise<string> {
	const stored = await ctx.fhir.store.vread(ctx, type, id, version);
	if (stored === undefined) throw new Error('a version that an export had listed is not there');
	return stored.body;
}
