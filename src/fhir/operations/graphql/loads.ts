// What a query needs from the record, asked for in few statements: references of one level are read together, and so are the lists of
// what refers to several resources. Everything goes through search and its limits on what the caller may see.
import type { FieldNode } from 'graphql';
import type { Tx } from '#db/database.ts';
import { raw, sql } from '#db/sql.ts';
import { restoreBody } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import type { Hit } from '#fhir/search/bundle.ts';
import { type Pair, pairsOf } from '#fhir/search/escape.ts';
import { restrictSql } from '#fhir/search/match.ts';
import { allOf, table } from '#fhir/search/params/row.ts';
import { badPage } from '#fhir/search/problems.ts';
import type { SearchParam } from '#fhir/search/registry.ts';
import { type SearchResult, search } from '#fhir/search/search.ts';
import { referencesOf } from '#fhir/store/extract.ts';
import { parseJson } from '#fhir/wire/json.ts';
import { tooCostly } from './problems.ts';

/** A list of resources that are asked for: all of them, or the first `count`. */
export type ListWish = {
	readonly type: string;
	readonly pairs: readonly Pair[];
	readonly count: number | undefined;
	/** Those that refer by this parameter to this resource ("Type/id"). */
	readonly to: { readonly param: SearchParam; readonly name: string } | undefined;
	/** Wishes of one field of the query can be fulfilled together. */
	readonly of: FieldNode;
};

export type ConnectionPage = {
	readonly resources: readonly Resource[];
	readonly total: number | undefined;
	readonly size: number;
	readonly first: string;
	readonly previous: string | undefined;
	readonly next: string | undefined;
};

/** Resources that one query may look at. */
const maxResources = 5000;
/** Searches that one query may make. */
const maxSearches = 200;
/** Resources whose lists are asked for at once. */
const parentsAtOnce = 100;

/** The record as one query sees it, at one moment. */
export class Loads {
	readonly #ctx: FhirCtx;
	readonly #tx: Tx;
	readonly #known = new Map<string, Resource | undefined>();
	#resources = 0;
	#searches = 0;

	constructor(ctx: FhirCtx, tx: Tx) {
		this.#ctx = ctx;
		this.#tx = tx;
	}

	/** Makes the resources with these names ("Type/id") ready for `known`. */
	async read(names: readonly string[]): Promise<void> {
		const missing = new Set(names.filter((name) => !this.#known.has(name)));
		const byType = Map.groupBy(missing, (name) => name.slice(0, name.indexOf('/')));
		for (const name of missing) this.#known.set(name, undefined);
		for (const [type, some] of byType) {
			const limit = restrictSql(this.#ctx, type, 'read');
			if (limit === 'nothing') continue;
			this.#spend(some.length);
			const ids = some.map((name) => name.slice(type.length + 1));
			const rows = await this.#tx.rows(
				sql`SELECT r.id, r.body FROM ${table(type)} r WHERE ${allOf([sql`r.id = ANY(${ids}::text[])`, limit ?? raw('true')])}`,
			);
			for (const [id, body] of rows) this.#known.set(`${type}/${id}`, await this.#parsed({ type, body: body as string }));
		}
	}

	/** A resource that was read; undefined when it is not there or may not be seen. */
	known(name: string): Resource | undefined {
		return this.#known.get(name);
	}

	/** One version of a resource. */
	async version(type: string, id: string, version: number): Promise<Resource | undefined> {
		const limit = restrictSql(this.#ctx, type, 'read');
		if (limit === 'nothing') return undefined;
		this.#spend(1);
		const stored = await this.#ctx.fhir.store.vread(this.#ctx, type, id, version, limit);
		return stored === undefined || stored.op === 'D' ? undefined : this.#parsed(stored);
	}

	/** The lists, in the order of the wishes. */
	async lists(wishes: readonly ListWish[]): Promise<Resource[][]> {
		const answers = new Map<ListWish, Resource[]>();
		for (const [, together] of Map.groupBy(wishes, ({ of }) => of)) {
			const [first] = together;
			if (first?.to === undefined || first.count !== undefined || together.length === 1) {
				for (const wish of together) answers.set(wish, await this.#list(wish));
			} else {
				for (let at = 0; at < together.length; at += parentsAtOnce) await this.#shared(together.slice(at, at + parentsAtOnce), answers);
			}
		}
		return wishes.map((wish) => answers.get(wish) ?? []);
	}

	async #list({ type, pairs, count, to }: ListWish): Promise<Resource[]> {
		const asked: Pair[] = to === undefined ? [...pairs] : [...pairs, [to.param.code, to.name]];
		if (count !== undefined) return await this.#take((await this.#search(type, [...asked, ['_count', String(count)]])).matches);
		const found: Resource[] = [];
		let page: string | undefined;
		do {
			const here: Pair[] = page === undefined ? [] : [['_page', page]];
			const { matches, links } = await this.#search(type, [...asked, ['_count', String(this.#ctx.fhir.settings.maxCount)], ...here]);
			found.push(...(await this.#take(matches)));
			page = tokenIn(links.next);
		} while (page !== undefined);
		return found;
	}

	/** One search for all, whose matches then go to those they refer to. */
	async #shared(wishes: readonly ListWish[], answers: Map<ListWish, Resource[]>): Promise<void> {
		const [first] = wishes as [ListWish];
		const { param } = first.to as Exclude<ListWish['to'], undefined>;
		const names = [...new Set(wishes.map((wish) => wish.to?.name as string))];
		const found = await this.#list({ ...first, to: { param, name: names.join(',') } });
		const references = referencesOf(param, this.#ctx.fhir.base);
		const lists = new Map<string, Resource[]>(names.map((name) => [name, []]));
		for (const resource of found) {
			const to = new Set(references(resource).map((reference) => reference.replace(/\/_history\/.*$/, '')));
			for (const name of to) lists.get(name)?.push(resource);
		}
		for (const wish of wishes) answers.set(wish, lists.get(wish.to?.name as string) ?? []);
	}

	/** One page of a search with the cursors of others. */
	async connection(type: string, pairs: readonly Pair[], counted: boolean): Promise<ConnectionPage> {
		const counting: Pair[] = counted && !pairs.some(([name]) => name === '_total') ? [['_total', 'accurate']] : [];
		const { matches, links, total, query } = await this.#search(type, [...pairs, ...counting]);
		const cursor = (url: string | undefined): string | undefined => (url === undefined ? undefined : writeCursor(type, pairsIn(url)));
		const start = query.applied.filter(([name]) => name !== '_page');
		return {
			resources: await this.#take(matches),
			total,
			size: query.count,
			first: writeCursor(type, start),
			previous: cursor(links.previous),
			next: cursor(links.next),
		};
	}

	#search(type: string, pairs: readonly Pair[]): Promise<SearchResult> {
		if (++this.#searches > maxSearches) throw tooCostly(`The query needs more than ${maxSearches} searches.`);
		return search(this.#ctx, { type, query: pairs, handling: 'strict', tx: this.#tx });
	}

	async #take(hits: readonly Hit[]): Promise<Resource[]> {
		this.#spend(hits.length);
		const resources: Resource[] = [];
		for (const hit of hits) resources.push(await this.#parsed(hit));
		return resources;
	}

	async #parsed(stored: Pick<Hit, 'type' | 'body'>): Promise<Resource> {
		return parseJson(Buffer.from(await restoreBody(this.#ctx.fhir, stored))) as Resource;
	}

	#spend(count: number): void {
		this.#resources += count;
		if (this.#resources > maxResources)
			throw tooCostly(`The query looks at more than ${maxResources} resources; ask for less, or in pages by a Connection.`);
	}
}

function pairsIn(url: string): Pair[] {
	return pairsOf(url.slice(url.indexOf('?') + 1));
}

function tokenIn(url: string | undefined): string | undefined {
	return url === undefined ? undefined : pairsIn(url).find(([name]) => name === '_page')?.[1];
}

function writeCursor(type: string, pairs: readonly Pair[]): string {
	return Buffer.from(JSON.stringify([type, ...pairs])).toString('base64url');
}

/** The search that a cursor stands for. Throws Problem invalid `search-page-invalid` when it is garbage or of another type. */
export function readCursor(type: string, cursor: string): Pair[] {
	let parts: unknown;
	try {
		parts = JSON.parse(Buffer.from(cursor, 'base64url').toString());
	} catch {
		throw badPage();
	}
	if (!Array.isArray(parts) || parts[0] !== type) throw badPage();
	const pairs = parts.slice(1);
	const fine = (pair: unknown): boolean =>
		Array.isArray(pair) && pair.length === 2 && pair.every((text) => typeof text === 'string' && !text.includes('\0'));
	if (!pairs.every(fine)) throw badPage();
	return pairs as Pair[];
}
