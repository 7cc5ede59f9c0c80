// Which versions an export takes, written down before their bodies are read when that takes long. A snapshot does not outlive its connection,
// but every version is kept: a run that follows one that was cut short takes the same versions from the lists, whatever was written since.
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Sql, sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Hit } from '#fhir/search/bundle.ts';
import { table } from '#fhir/search/params/row.ts';
import type { Selection } from './select.ts';

/** The name of the list of the selection at this place, in the folder of the job. */
export function listName(at: number): string {
	return `list-${at}`;
}

/** What a selection takes, a line for each version: the id alone is that of the first. */
export function listOf({ type, where }: Selection): Sql {
	return sql`SELECT CASE r.ver WHEN 1 THEN r.id ELSE r.id || ' ' || r.ver END FROM ${table(type)} r WHERE ${where}`;
}

/** The lines of a list, a page at a time. */
export async function* listedPages(folder: string, at: number, size: number): AsyncGenerator<string[]> {
	let page: string[] = [];
	for await (const line of createInterface({ input: createReadStream(join(folder, listName(at))) })) {
		page.push(line);
		if (page.length < size) continue;
		yield page;
		page = [];
	}
	if (page.length > 0) yield page;
}

/** The versions of a page with their bodies, in its order. */
export async function bodiesOf(ctx: FhirCtx, type: string, page: readonly string[]): Promise<Hit[]> {
	const listed = page.map((line) => line.split(' ') as [string, string?]);
	const [ids, versions] = [listed.map(([id]) => id), listed.map(([, version]) => Number(version ?? 1))];
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

/** The same for a list of several types, whose lines also name type and patient. */
export async function bodiesByPatient(
	ctx: FhirCtx,
	page: readonly string[],
): Promise<{ readonly patient: string; readonly type: string; readonly body: string }[]> {
	const listed = page.map((line) => line.split(' ') as [id: string, version: string, type: string, patient: string]);
	const pages = Map.groupBy(page, (_, n) => (listed[n] as (typeof listed)[number])[2]);
	const hits = await Promise.all([...pages].map(async ([type, lines]) => [type, await bodiesOf(ctx, type, lines)] as const));
	const rest = new Map(hits.map(([type, found]) => [type, found.values()]));
	return listed.map(([, , type, patient]) => {
		const { value } = (rest.get(type) as ArrayIterator<Hit>).next();
		return { patient, type, body: (value as Hit).body };
	});
}

async function formerBody(ctx: FhirCtx, type: string, id: string, version: number): Promise<string> {
	const stored = await ctx.fhir.store.vread(ctx, type, id, version);
	if (stored === undefined) throw new Error('a version that an export had listed is not there');
	return stored.body;
}
