// History of one resource, a type or everything, newest first, a page at a time by key. https://hl7.org/fhir/R4/http.html#history
import type { Querier } from '#db/database.ts';
import { join, raw, type Sql, sql } from '#db/sql.ts';
import type { Stored } from '#fhir/resource.ts';
import { type Raw, rawOf, restore, versionsOf } from './restore.ts';
import { milliseconds, tableOf } from './statements.ts';
import type { HistoryKey, HistoryPage, HistoryQuery, Restriction } from './store.ts';

type Place = { readonly type: string; readonly id: string } & Omit<Raw, 'body' | 'stored'>;

/** One page. The places are found first, by indexes alone; bodies are read for the page only. */
export async function readHistory(db: Querier, query: HistoryQuery): Promise<HistoryPage> {
	const types = query.type === null ? await usedTypes(db) : [query.type];
	const reach = types
		.map((type) => ({ type, restrict: query.restrict?.(type) ?? null }))
		.filter((one): one is { type: string; restrict: Sql | null } => one.restrict !== 'nothing');
	const total = await totalOf(db, query, reach[0]?.restrict);
	const withTotal = total === undefined ? {} : { total };
	if (reach.length === 0 || query.count <= 0) return { entries: [], ...withTotal };
	const rows = await db.rows(placesStatement(query, reach));
	const places = rows.map(placeOf);
	const more = places.length > query.count;
	if (more) places.pop();
	const last = places.at(-1);
	const entries = await withBodies(db, places);
	return { entries, ...(more && last !== undefined ? { next: keyOf(last) } : {}), ...withTotal };
}

async function usedTypes(db: Querier): Promise<string[]> {
	const rows = await db.rows(sql`SELECT type FROM fhir.used_type ORDER BY type`);
	return rows.map(([type]) => type as string);
}

/** Every version of a resource is kept, so that the number of the last is their count. */
async function totalOf(db: Querier, query: HistoryQuery, restrict: Restriction | undefined): Promise<number | undefined> {
	const { type, id, since, at } = query;
	if (type === null || id === undefined || since !== undefined || at !== undefined || restrict !== null) return undefined;
	const current = raw(tableOf(type));
	const former = raw(tableOf(type, '_history'));
	const rows = await db.rows(
		sql`SELECT GREATEST((SELECT max(ver) FROM ${current} WHERE id = ${id}), (SELECT max(ver) FROM ${former} WHERE id = ${id}))`,
	);
	return Number(rows[0]?.[0] ?? 0);
}

function placeOf([type, id, rid, version, updated, op]: readonly unknown[]): Place {
	return {
		type: type as string,
		id: id as string,
		rid: Number(rid),
		version: Number(version),
		updated: Number(updated),
		op: op as Place['op'],
	};
}

function keyOf({ updated, rid, version }: Place): HistoryKey {
	return { updated, rid, version };
}

/** Of every type the current and the former versions in order, no more than the page can hold, then the first of all. */
export function placesStatement(query: HistoryQuery, reach: readonly { type: string; restrict: Sql | null }[]): Sql {
	const limit = raw(String(query.count + 1));
	// Versions of one resource follow each other in time, so that its primary key has the order already.
	const order = (alias: string, former: boolean): Sql =>
		raw(query.id !== undefined ? `${alias}.ver DESC` : `${alias}.lu DESC, ${alias}.rid DESC${former ? `, ${alias}.ver DESC` : ''}`);
	const arms = reach.flatMap(({ type, restrict }) => {
		const name = raw(`'${type}'::text AS type`);
		const current = [...conditions(query, type, 'r', false), ...(restrict === null ? [] : [sql`(${restrict})`])];
		const former = [...conditions(query, type, 'h', true), ...(restrict === null ? [] : [stillSeen(type, restrict)])];
		return [
			sql`(SELECT ${name}, r.id, r.rid, r.ver, r.lu, r.op FROM ${raw(tableOf(type))} r WHERE ${join(current, ' AND ')} ORDER BY ${order('r', false)} LIMIT ${limit})`,
			sql`(SELECT ${name}, h.id, h.rid, h.ver, h.lu, h.op FROM ${raw(tableOf(type, '_history'))} h WHERE ${join(former, ' AND ')} ORDER BY ${order('h', true)} LIMIT ${limit})`,
		];
	});
	const last = raw(query.id !== undefined ? 'v.ver DESC' : 'v.lu DESC, v.rid DESC, v.ver DESC');
	return sql`SELECT v.type, v.id, v.rid, v.ver, ${raw(milliseconds('v.lu'))}, v.op FROM (${join(arms, ' UNION ALL ')}) v ORDER BY ${last} LIMIT ${limit}`;
}

function conditions(query: HistoryQuery, type: string, alias: string, former: boolean): Sql[] {
	const { id, since, at, after } = query;
	const column = (name: string): Sql => raw(`${alias}.${name}`);
	const found: Sql[] = [raw('true')];
	if (id !== undefined) found.push(sql`${column('id')} = ${id}`);
	if (since !== undefined) found.push(sql`${column('lu')} >= ${moment(since)}`);
	if (at !== undefined) {
		found.push(sql`${column('lu')} <= ${moment(at.hi)}`);
		if (former) found.push(currentAfter(type, at.lo));
	}
	if (after !== undefined && id !== undefined) found.push(sql`${column('ver')} < ${after.version}`);
	if (after !== undefined && id === undefined)
		found.push(
			sql`(${column('lu')}, ${column('rid')}, ${column('ver')}) < (${moment(after.updated)}, ${after.rid}::int8, ${after.version}::int4)`,
		);
	return found;
}

/** The version was replaced after this moment; a delete is a thing of its own moment only. */
function currentAfter(type: string, lo: number): Sql {
	const next = sql`COALESCE((SELECT n.lu FROM ${raw(tableOf(type, '_history'))} n WHERE n.id = h.id AND n.ver = h.ver + 1), (SELECT c.lu FROM ${raw(tableOf(type))} c WHERE c.id = h.id AND c.ver = h.ver + 1))`;
	return sql`CASE WHEN h.op = 'D' THEN h.lu >= ${moment(lo)} ELSE ${next} > ${moment(lo)} END`;
}

/** The current version may be seen and is about the same patient as the former one. */
function stillSeen(type: string, restrict: Sql): Sql {
	return sql`(h.op <> 'D' AND EXISTS (SELECT 1 FROM ${raw(tableOf(type))} r WHERE r.id = h.id AND r.pat IS NOT DISTINCT FROM h.pat AND (${restrict})))`;
}

function moment(ms: number): Sql {
	return sql`to_timestamp(${ms}::float8 / 1000)`;
}

async function withBodies(db: Querier, places: readonly Place[]): Promise<Stored[]> {
	const bodies = new Map<string, Map<number, string>>();
	for (const [type, of] of Map.groupBy(places, (place) => place.type)) {
		const ranges = [...Map.groupBy(of, ({ id }) => id)].map(([id, list]) => ({
			id,
			lo: Math.min(...list.map(({ version }) => version)),
			hi: Math.max(...list.map(({ version }) => version)),
		}));
		const rows = await db.rows({
			name: `bodies_${type}`,
			text: `SELECT u.id, v.* FROM unnest($1::text[], $2::int4[], $3::int4[]) AS u(id, lo, hi) CROSS JOIN LATERAL (${versionsOf(type)}) v`,
			values: [ranges.map(({ id }) => id), ranges.map(({ lo }) => lo), ranges.map(({ hi }) => hi)],
		});
		for (const [id, list] of Map.groupBy(rows, ([id]) => id as string)) {
			const raws = list.map(([, ...columns]) => rawOf(columns));
			bodies.set(`${type}/${id}`, restore(type, id, raws));
		}
	}
	return places.map((place) => {
		const body = bodies.get(`${place.type}/${place.id}`)?.get(place.version);
		if (body === undefined) throw new Error('a version of history cannot be restored');
		return { ...place, body };
	});
}
