// _include and _revinclude, with `:iterate`, `*` and target types: one statement for each type brought.
// https://hl7.org/fhir/R4/search.html#include
import type { Issue } from '#base/problem.ts';
import type { Querier } from '#db/database.ts';
import { join, raw, type Sql, sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { referencesOf } from '#fhir/store/extract.ts';
import { refKey } from '#fhir/store/keys.ts';
import type { Hit } from './bundle.ts';
import { conditionOf } from './compile.ts';
import { patientColumn, referenceKeys } from './params/reference.ts';
import { allOf, anyOf, column, hasAny, type Row, table } from './params/row.ts';
import type { Include, SearchQuery } from './query.ts';
import type { SearchParam } from './registry.ts';
import { reachOf } from './restrict.ts';

/** Resources that one page may bring along, over all its includes. */
export const maxIncluded = 2000;
/** How often `:iterate` goes on from what it brought. */
const maxRounds = 10;

type Included = { readonly hits: readonly Hit[]; readonly issues: readonly Issue[] };

/** What the matches bring along, without repeats and without the matches. What exceeds the limit is left out and reported. */
export async function includesOf(ctx: FhirCtx, db: Querier, query: SearchQuery, matches: readonly Hit[]): Promise<Included> {
	const seen = new Set(matches.map(nameOf));
	const hits: Hit[] = [];
	let cut = false;
	const take = (found: readonly Hit[]): Hit[] => {
		const fresh: Hit[] = [];
		for (const hit of found) {
			if (seen.has(nameOf(hit))) continue;
			if (hits.length >= maxIncluded) {
				cut = true;
				break;
			}
			seen.add(nameOf(hit));
			hits.push(hit);
			fresh.push(hit);
		}
		return fresh;
	};
	let from: readonly Hit[] = matches;
	for (let round = 0; round < maxRounds && from.length > 0; round++) {
		const fresh: Hit[] = [];
		for (const include of query.includes) {
			if (round > 0 && !include.iterate) continue;
			const bring = include.reverse ? referring : referred;
			// What one include brings may start another that iterates in the same round.
			const start = include.iterate ? [...from, ...fresh] : from;
			const found = await bring(ctx, db, include, start, seen);
			cut ||= found.cut;
			fresh.push(...take(found.hits));
		}
		from = fresh;
	}
	return { hits, issues: cut ? [tooMany] : [] };
}

const tooMany: Issue = {
	severity: 'warning',
	type: 'too-costly',
	code: 'search-includes-cut',
	text: `Not everything that was to be included is here: at most ${maxIncluded} resources are.`,
};

type Found = { readonly hits: readonly Hit[]; readonly cut: boolean };

function nameOf(hit: Hit): string {
	return `${hit.type}/${hit.id}`;
}

/** _include: what the resources refer to. */
async function referred(ctx: FhirCtx, db: Querier, include: Include, from: readonly Hit[], seen: ReadonlySet<string>): Promise<Found> {
	const wanted = new Map<string, Set<string>>();
	for (const hit of from) {
		if (include.source !== '*' && include.source !== hit.type) continue;
		const resource = JSON.parse(hit.body) as Resource;
		for (const reference of referencesBy(ctx, hit.type, include.code, resource)) {
			const [type, id] = localName(ctx, reference) ?? [];
			if (type === undefined || id === undefined || (include.target !== undefined && include.target !== type)) continue;
			if (seen.has(`${type}/${id}`)) continue;
			const ids = wanted.get(type) ?? new Set();
			wanted.set(type, ids.add(id));
		}
	}
	const hits: Hit[] = [];
	let cut = false;
	for (const [type, ids] of wanted) {
		const row = rowOf(ctx, type, 'filter');
		const allowed = reachCondition(ctx, row);
		if (allowed === undefined) continue;
		const some = [...ids].slice(0, maxIncluded);
		cut ||= some.length < ids.size;
		const rows = await db.rows(
			sql`SELECT r.id, r.body FROM ${table(type)} r WHERE ${allOf([sql`r.id = ANY(${some}::text[])`, ...allowed])} ORDER BY r.rid + 0`,
		);
		hits.push(...rows.map(([id, body]) => ({ type, id: id as string, body: body as string })));
	}
	return { hits, cut };
}

function referencesBy(ctx: FhirCtx, type: string, code: string, resource: Resource): string[] {
	const { registry } = ctx.fhir;
	const { base } = ctx.fhir;
	if (code !== '*') return referencesOf(registry, type, code, base)(resource);
	const all: string[] = [];
	for (const param of registry.params(type).values()) {
		if (param.type === 'reference') all.push(...referencesOf(registry, type, param.code, base)(resource));
	}
	return all;
}

/** Type and id of a reference to a resource here; a version in it is not looked at. */
function localName(ctx: FhirCtx, reference: string): [type: string, id: string] | undefined {
	const local = reference.startsWith(`${ctx.fhir.base}/`) ? reference.slice(ctx.fhir.base.length + 1) : reference;
	const match = /^([A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/.*)?$/.exec(local);
	const [, type, id] = match ?? [];
	return type !== undefined && id !== undefined && ctx.fhir.definitions.isResourceType(type) ? [type, id] : undefined;
}

/** _revinclude: what refers to the resources. */
async function referring(ctx: FhirCtx, db: Querier, include: Include, from: readonly Hit[]): Promise<Found> {
	const targets = from.filter((hit) => include.target === undefined || include.target === hit.type);
	if (targets.length === 0) return { hits: [], cut: false };
	const hits: Hit[] = [];
	let cut = false;
	const types = include.source === '*' ? ctx.fhir.definitions.resourceTypes : [include.source];
	for (const type of types) {
		const row = rowOf(ctx, type, 'index');
		const allowed = reachCondition(ctx, row);
		const params = include.code === '*' ? [...ctx.fhir.registry.params(type).values()] : [ctx.fhir.registry.param(type, include.code)];
		const references = params.filter((param): param is SearchParam => param?.type === 'reference' && mayRefer(param, targets));
		if (allowed === undefined || references.length === 0) continue;
		const read = (some: readonly Hit[], limit: number): Sql =>
			sql`SELECT r.id, r.body, r.rid FROM ${table(type)} r WHERE ${allOf([refersTo(row, references, some), ...allowed])} ORDER BY r.rid + 0 DESC LIMIT ${raw(String(limit))}`;
		let rows = await db.rows(read(targets, maxIncluded + 1));
		if (rows.length > maxIncluded) {
			// Too many: each match gets its share, so that none takes all.
			const share = Math.max(1, Math.floor(maxIncluded / targets.length));
			rows = await db.rows(
				join(
					targets.map((hit) => sql`(${read([hit], share)})`),
					' UNION ALL ',
				),
			);
			cut = true;
		}
		hits.push(...rows.map(([id, body]) => ({ type, id: id as string, body: body as string })));
	}
	return { hits, cut };
}

function mayRefer(param: SearchParam, targets: readonly Hit[]): boolean {
	return param.targets.length === 0 || targets.some((hit) => param.targets.includes(hit.type));
}

function refersTo(row: Row, params: readonly SearchParam[], hits: readonly Hit[]): Sql {
	const ways: Sql[] = [];
	const inKeys: string[] = [];
	for (const param of params) {
		const pat = patientColumn(param);
		const patients = hits.filter((hit) => hit.type === 'Patient').map((hit) => refKey(nameOf(hit)));
		if (pat !== undefined && patients.length > 0) ways.push(sql`${column(row, 'pat')} = ANY(${patients}::int8[])`);
		const others = pat === undefined || pat.also ? hits : hits.filter((hit) => hit.type !== 'Patient');
		inKeys.push(
			...referenceKeys(
				[param],
				others.map((hit) => refKey(nameOf(hit))),
			),
		);
	}
	if (inKeys.length > 0) ways.push(hasAny(row, inKeys));
	return anyOf(ways);
}

function rowOf(ctx: FhirCtx, type: string, mode: Row['mode']): Row {
	return { fhir: ctx.fhir, now: ctx.clock.now().getTime(), type, alias: 'r', mode, aliases: { next: 0 } };
}

/** The caller's limits on an included type; undefined when none of it may be seen. */
function reachCondition(ctx: FhirCtx, row: Row): Sql[] | undefined {
	const reach = reachOf(ctx, row.type, 'search');
	if (reach === 'nothing') return undefined;
	return reach === undefined ? [] : [conditionOf({ ...row, mode: 'filter' }, reach)];
}
