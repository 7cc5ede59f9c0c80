// A Group for each practitioner who has patients: those who name the practitioner as their general practitioner. These Groups are in no
// table; each has the id of its practitioner. A stored Group of the same id comes first.
import { raw, type Sql, sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { permit } from '#fhir/interactions/guard.ts';
import { isId } from '#fhir/interactions/prepare.ts';
import type { Resource } from '#fhir/resource.ts';
import { searchUrl } from '#fhir/search/bundle.ts';
import { type Pair, pairsOf } from '#fhir/search/escape.ts';
import { restrictSql } from '#fhir/search/match.ts';
import { table } from '#fhir/search/params/row.ts';
import { reachOf } from '#fhir/search/restrict.ts';
import { bundleOf, type SearchRequest, search, searchBundle } from '#fhir/search/search.ts';
import { localReference } from '#fhir/store/collector.ts';
import { paramSalt } from '#fhir/store/keys.ts';

/** Patients `r` who name the practitioner `p`. */
const theirs = sql`r.keys @> ARRAY[p.rk + ${raw(paramSalt('general-practitioner'))}]`;

type Found = { readonly id: string; readonly body: string };

/** The Group of a practitioner as JSON text; undefined when there is none that the caller may see. */
export async function readPractitionerGroup(ctx: FhirCtx, id: string): Promise<string | undefined> {
	if (!isId(id) || permit(ctx, 'Group', 'read') !== null) return undefined;
	const [found] = await practitionerGroups(ctx, { ids: [id] }, 1);
	return found?.body;
}

/**
 * A page of Groups: the stored ones, then those of practitioners, on one page where they fit. OpenEMR's parameter `patient` is `member`
 * here. Throws as a search does.
 */
export async function searchGroups(ctx: FhirCtx, request: SearchRequest): Promise<string> {
	const given = typeof request.query === 'string' ? pairsOf(request.query) : request.query;
	const pairs = given.map(([name, value]): Pair => [name.replace(/^patient(?=$|:)/, 'member'), value]);
	const page = given.findLast(([name]) => name === '_page')?.[1];
	const after = /^practitioner-([A-Za-z0-9\-.]{0,64})$/.exec(page ?? '')?.[1];
	const wish = wishOf(ctx, pairs);
	const isStored = request.compartment !== undefined || wish === undefined || reachOf(ctx, 'Group', 'search') !== undefined;
	if (isStored) return searchBundle(ctx, { ...request, query: pairs });
	const found = await search(ctx, { ...request, query: after === undefined ? pairs : pairs.filter(([name]) => name !== '_page') });
	const { query } = found;
	const stored = after === undefined ? found.matches : [];
	const room = query.summary === 'count' ? 0 : query.count - stored.length;
	const total = found.total === undefined ? undefined : found.total + (await countGroups(ctx, wish));
	if (after === undefined && (found.links.next !== undefined || room < 0)) return bundleOf(ctx, { ...found, total });
	const own = await practitionerGroups(ctx, after === undefined ? wish : { ...wish, after }, room + 1);
	const shown = own.slice(0, room).map((one) => ({ type: 'Group', ...one }));
	const at = (token: string): string => searchUrl(ctx.fhir.base, 'Group', [...query.applied, ['_page', token]]);
	const next = own.length > room && query.count > 0 ? { next: at(`practitioner-${shown.at(-1)?.id ?? ''}`) } : {};
	const links = { self: page === undefined ? found.links.self : at(page), ...next };
	return bundleOf(ctx, { ...found, total, matches: [...stored, ...shown], links });
}

/** Which of the Groups are asked for. */
type Wish = { readonly ids?: readonly string[]; readonly members?: readonly string[]; readonly after?: string };

/** Undefined for a search that asks for what these Groups do not have. */
function wishOf({ fhir }: FhirCtx, pairs: readonly Pair[]): Wish | undefined {
	let wish: Wish = {};
	for (const [name, value] of pairs) {
		if (value === '' || /^_(format|pretty|count|page|summary|elements|total)$/.test(name)) continue;
		const values = value.split(',');
		if (name === '_id') wish = { ...wish, ids: values };
		else if (name === 'managing-entity') wish = { ...wish, ids: values.map((one) => localReference(one, fhir.base)?.split('/')[1] ?? '') };
		else if (/^member(:Patient)?$/.test(name))
			wish = { ...wish, members: values.map((one) => one.replace(`${fhir.base}/`, '').replace(/^Patient\//, '')) };
		else if (!(name === 'type' && /(^|\|)person$/.test(value)) && !(name === 'actual' && value === 'true')) return undefined;
	}
	return wish;
}

async function practitionerGroups(ctx: FhirCtx, wish: Wish, limit: number): Promise<Found[]> {
	const where = whereOf(ctx, wish);
	const visible = restrictSql(ctx, 'Patient', 'search');
	if (where === undefined || visible === 'nothing' || limit < 1) return [];
	const rows = await ctx.db.rows(
		sql`SELECT p.id, p.body, (SELECT json_agg(json_build_array(r.id, r.lu) ORDER BY r.rid) FROM ${table('Patient')} r WHERE ${theirs} AND ${visible ?? raw('true')})
			FROM ${table('Practitioner')} p WHERE ${where} ORDER BY p.id LIMIT ${limit}`,
	);
	const isNamed = restrictSql(ctx, 'Practitioner', 'read') === null;
	return rows.map(([id, body, patients]) => ({
		id: id as string,
		body: JSON.stringify(
			groupOf(id as string, isNamed ? (JSON.parse(body as string) as Resource) : undefined, patients as readonly [string, string][]),
		),
	}));
}

async function countGroups(ctx: FhirCtx, wish: Wish): Promise<number> {
	const where = whereOf(ctx, wish);
	if (where === undefined) return 0;
	const [row] = await ctx.db.rows(sql`SELECT count(*) FROM ${table('Practitioner')} p WHERE ${where}`);
	return Number(row?.[0]);
}

/** The condition on practitioners `p` that one of their visible patients, and of those that are asked for, is there. */
function whereOf(ctx: FhirCtx, { ids, members, after }: Wish): Sql | undefined {
	const visible = restrictSql(ctx, 'Patient', 'search');
	if (visible === 'nothing') return undefined;
	const named = members === undefined ? raw('true') : sql`r.id = ANY(${members}::text[])`;
	const has = sql`EXISTS (SELECT FROM ${table('Patient')} r WHERE ${theirs} AND ${named} AND ${visible ?? raw('true')})`;
	const stored = sql`EXISTS (SELECT FROM ${table('Group')} g WHERE g.id = p.id)`;
	return sql`${has} AND NOT ${stored} AND ${ids === undefined ? raw('true') : sql`p.id = ANY(${ids}::text[])`} AND p.id > ${after ?? ''}`;
}

type Name = { readonly text?: string; readonly given?: readonly string[]; readonly family?: string };

function groupOf(id: string, practitioner: Resource | undefined, patients: readonly [id: string, updated: string][]): Resource {
	const [name] = (practitioner?.name ?? []) as readonly Name[];
	const shown = name?.text ?? [...(name?.given ?? []), name?.family ?? ''].join(' ').trim();
	const updated = patients.reduce((last, [, at]) => Math.max(last, Date.parse(at)), 0);
	return {
		resourceType: 'Group',
		id,
		meta: { lastUpdated: new Date(updated).toISOString() },
		type: 'person',
		actual: true,
		name: shown === '' ? 'Patients of a practitioner' : `Patients of ${shown}`,
		quantity: patients.length,
		managingEntity: { reference: `Practitioner/${id}` },
		member: patients.map(([patient]) => ({ entity: { reference: `Patient/${patient}` } })),
	};
}
