// _include and _revinclude, with `:iterate`, `*` and target types: one statement for each type brought.
// https://hl7.org/fhir/R4/search.html#include
import type { Issue } from '#base/problem.ts';
import type { Querier } from '#db/database.ts';
import { join, raw, type Sql, sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { localReference } from '#fhir/store/collector.ts';
import { referencesOf } from '#fhir/store/extract.ts';
import { refKey } from '#fhir/store/keys.ts';
import type { Hit } from './bundle.ts';
import { resolve } from './chain.ts';
import { conditionOf } from './compile.ts';
import { restrictSql } from './match.ts';
import { patientColumn, referenceKeys } from './params/reference.ts';
import { allOf, anyOf, column, hasAny, type Row, rowOf, table } from './params/row.ts';
import type { Include, SearchQuery } from './query.ts';
import type { SearchParam } from './registry.ts';
import { reachOf } from './restrict.ts';
import { usedTypes } from './used-types.ts';

/** Resources that one page may bring along, over all its includes. */
export const maxIncluded = 2000;
/** How often `:iterate` goes on from what it brought. */
const maxRounds = 10;

type Included = { readonly hits: readonly Hit[]; readonly issues: readonly Issue[] };

/** What the matches bring along, without repeats and without the matches. What exceeds the limit is left out and reported. */
export async function includesOf(ctx: FhirCtx, db: Querier, query: SearchQuery, matches: readonly Hit[]): Promise<Included> {
	const bringer = new Bringer(ctx, db, matches);
	let from: readonly Hit[] = matches;
	for (let round = 0; round < maxRounds && from.length > 0; round++) {
		const fresh: Hit[] = [];
		for (const include of query.includes) {
			if (round > 0 && !include.iterate) continue;
			// What one include brings may start another that iterates in the same round.
			const start = include.iterate ? [...from, ...fresh] : from;
			fresh.push(...(await bringer.bring(include, start)));
		}
		from = fresh;
	}
	return { hits: bringer.hits, issues: bringer.cut ? [tooMany] : [] };
}

const tooMany: Issue = {
	severity: 'warning',
	type: 'too-costly',
	code: 'search-includes-cut',
	text: `Not everything that was to be included is here: at most ${maxIncluded} resources are.`,
};

/** A reference to one version of a resource. */
type Versioned = { readonly type: string; readonly id: string; readonly version: number };

/** Brings resources along, each once. */
class Bringer {
	readonly hits: Hit[] = [];
	cut = false;
	readonly #ctx: FhirCtx;
	readonly #db: Querier;
	readonly #seen: Set<string>;

	constructor(ctx: FhirCtx, db: Querier, matches: readonly Hit[]) {
		this.#ctx = ctx;
		this.#db = db;
		this.#seen = new Set(matches.map(nameOf));
	}

	/** What an include newly brings, starting from these. */
	async bring(include: Include, start: readonly Hit[]): Promise<Hit[]> {
		const fresh: Hit[] = [];
		for (const hit of await (include.reverse ? this.#referring(include, start) : this.#referred(include, start))) {
			if (this.#seen.has(nameOf(hit))) continue;
			if (this.hits.length >= maxIncluded) {
				this.cut = true;
				break;
			}
			this.#seen.add(nameOf(hit));
			this.hits.push(hit);
			fresh.push(hit);
		}
		return fresh;
	}

	/** _include: what the resources refer to. */
	async #referred(include: Include, from: readonly Hit[]): Promise<Hit[]> {
		const ids = new Map<string, Set<string>>();
		const urls = new Map<string, Set<string>>();
		const versions: Versioned[] = [];
		const note = (into: Map<string, Set<string>>, type: string, name: string): void => {
			if (include.target === undefined || include.target === type) into.set(type, (into.get(type) ?? new Set()).add(name));
		};
		for (const hit of from) {
			if (include.source !== '*' && include.source !== hit.type) continue;
			const resource = JSON.parse(hit.body) as Resource;
			for (const param of referenceParams(this.#ctx, hit.type, include.code)) {
				for (const reference of referencesBy(param, this.#ctx.fhir.base)(resource)) {
					if (param.canonical === true) for (const type of param.targets) note(urls, type, reference);
					const local = param.canonical === true ? undefined : this.#local(reference);
					if (local === undefined || this.#seen.has(`${local.type}/${local.id}`)) continue;
					if (local.version === undefined) note(ids, local.type, local.id);
					else if (include.target === undefined || include.target === local.type) versions.push({ ...local, version: local.version });
				}
			}
		}
		const hits: Hit[] = [];
		for (const [type, of] of ids) hits.push(...(await this.#byId(type, [...of])));
		for (const [type, of] of urls) hits.push(...(await this.#byUrl(type, [...of])));
		for (const one of versions.slice(0, maxIncluded)) hits.push(...(await this.#byVersion(one)));
		return hits;
	}

	/** Type and id of a reference to a resource here. */
	#local(reference: string): { type: string; id: string; version: number | undefined } | undefined {
		const name = localReference(reference, this.#ctx.fhir.base);
		if (name === undefined) return undefined;
		const [type = '', id = ''] = name.split('/');
		if (!this.#ctx.fhir.definitions.isResourceType(type)) return undefined;
		const version = /\/_history\/(\d{1,9})$/.exec(reference)?.[1];
		return { type, id, version: version === undefined ? undefined : Number(version) };
	}

	async #byId(type: string, ids: readonly string[]): Promise<Hit[]> {
		const row = rowOf(this.#ctx, type, 'filter');
		const allowed = await this.#allowed(row);
		if (allowed === undefined) return [];
		const some = ids.slice(0, maxIncluded);
		this.cut ||= some.length < ids.length;
		const rows = await this.#db.rows(
			sql`SELECT r.id, r.body FROM ${table(type)} r WHERE ${allOf([sql`r.id = ANY(${some}::text[])`, ...allowed])} ORDER BY r.rid + 0`,
		);
		return rows.map((found) => hitOf(type, found));
	}

	/** Resources by canonical url; `|version` asks for that business version. */
	async #byUrl(type: string, canonicals: readonly string[]): Promise<Hit[]> {
		const url = this.#ctx.fhir.registry.param(type, 'url');
		const row = rowOf(this.#ctx, type, 'filter');
		const allowed = await this.#allowed(row);
		if (allowed === undefined || url === undefined || url.storage.in !== 'string') return [];
		const wanted = canonicals.slice(0, maxIncluded).map((canonical) => canonical.split('|') as [string, string?]);
		const bare = wanted.map(([one]) => one);
		const rows = await this.#db.rows(
			sql`SELECT r.id, r.body, u.v FROM ${table(type, 'string')} u JOIN ${table(type)} r ON r.rid = u.rid WHERE ${allOf([sql`u.p = ${raw(String(url.number))} AND u.v = ANY(${bare}::text[])`, ...allowed])} ORDER BY r.rid + 0 LIMIT ${raw(String(maxIncluded))}`,
		);
		return rows
			.filter(([, body, v]) => {
				const { version } = JSON.parse(body as string) as { version?: unknown };
				return wanted.some(([one, asked]) => one === v && (asked === undefined || asked === version));
			})
			.map((found) => hitOf(type, found));
	}

	async #byVersion({ type, id, version }: Versioned): Promise<Hit[]> {
		const restriction = restrictSql(this.#ctx, type, 'search');
		if (restriction === 'nothing') return [];
		const stored = await this.#ctx.fhir.store.vread(this.#ctx, type, id, version, restriction);
		return stored === undefined || stored.op === 'D' ? [] : [{ type, id, body: stored.body }];
	}

	/** _revinclude: what refers to the resources. */
	async #referring(include: Include, from: readonly Hit[]): Promise<Hit[]> {
		const targets = from.filter((hit) => include.target === undefined || include.target === hit.type);
		if (targets.length === 0) return [];
		const types = include.source === '*' ? await usedTypes(this.#db) : [include.source];
		const hits: Hit[] = [];
		for (const type of types) {
			const params = referenceParams(this.#ctx, type, include.code).filter((param) => mayRefer(param, targets));
			if (params.length > 0) hits.push(...(await this.#referringOf(type, params, targets)));
		}
		return hits;
	}

	async #referringOf(type: string, params: readonly SearchParam[], targets: readonly Hit[]): Promise<Hit[]> {
		const row = rowOf(this.#ctx, type, 'index');
		const allowed = await this.#allowed(row);
		if (allowed === undefined) return [];
		const { base } = this.#ctx.fhir;
		const read = (some: readonly Hit[], limit: number): Sql =>
			sql`SELECT r.id, r.body FROM ${table(type)} r WHERE ${allOf([refersTo(row, params, some, base), ...allowed])} ORDER BY r.rid + 0 DESC LIMIT ${raw(String(limit))}`;
		let rows = await this.#db.rows(read(targets, maxIncluded + 1));
		if (rows.length > maxIncluded) {
			// Too many: each match gets its share, so that none takes all.
			const share = Math.max(1, Math.floor(maxIncluded / targets.length));
			rows = await this.#db.rows(
				join(
					targets.map((hit) => sql`(${read([hit], share)})`),
					' UNION ALL ',
				),
			);
			this.cut = true;
		}
		return rows.map((found) => hitOf(type, found));
	}

	/** The caller's limits on an included type; undefined when none of it may be seen. */
	async #allowed(row: Row): Promise<Sql[] | undefined> {
		const reach = reachOf(this.#ctx, row.type, 'search');
		if (reach === 'nothing') return undefined;
		if (reach === undefined) return [];
		return [conditionOf({ ...row, mode: 'filter' }, await resolve(this.#ctx, this.#db, row.type, reach))];
	}
}

function nameOf(hit: Hit): string {
	return `${hit.type}/${hit.id}`;
}

function hitOf(type: string, [id, body]: unknown[]): Hit {
	return { type, id: id as string, body: body as string };
}

function referenceParams(ctx: FhirCtx, type: string, code: string): SearchParam[] {
	const params = code === '*' ? [...ctx.fhir.registry.params(type).values()] : [ctx.fhir.registry.param(type, code)];
	return params.filter((param): param is SearchParam => param?.type === 'reference' && param.pending === undefined);
}

const readers = new WeakMap<SearchParam, (resource: Resource) => string[]>();

/** The function that reads a parameter's references, made once. */
function referencesBy(param: SearchParam, base: string): (resource: Resource) => string[] {
	let read = readers.get(param);
	if (read === undefined) {
		read = referencesOf(param, base);
		readers.set(param, read);
	}
	return read;
}

function mayRefer(param: SearchParam, targets: readonly Hit[]): boolean {
	return param.targets.length === 0 || targets.some((hit) => param.targets.includes(hit.type));
}

function refersTo(row: Row, params: readonly SearchParam[], hits: readonly Hit[], base: string): Sql {
	const ways: Sql[] = [];
	const inKeys: string[] = [];
	const patients = hits.filter((hit) => hit.type === 'Patient').map((hit) => refKey(nameOf(hit)));
	for (const param of params) {
		const pat = patientColumn(param);
		if (pat !== undefined && patients.length > 0) ways.push(sql`${column(row, 'pat')} = ANY(${patients}::int8[])`);
		const others = pat === undefined || pat.also ? hits : hits.filter((hit) => hit.type !== 'Patient');
		const keys = others.flatMap((hit) => (param.canonical === true ? urlKeys(hit, base) : [refKey(nameOf(hit))]));
		inKeys.push(...referenceKeys([param], keys));
	}
	if (inKeys.length > 0) ways.push(hasAny(row, inKeys));
	return anyOf(ways);
}

/** The keys by which a resource is referred to by its canonical url. */
function urlKeys(hit: Hit, base: string): string[] {
	const { url } = JSON.parse(hit.body) as { url?: unknown };
	return typeof url === 'string' ? [refKey(localReference(url, base) ?? url)] : [];
}
