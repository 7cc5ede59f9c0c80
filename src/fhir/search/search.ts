// Search, from text to searchset: parse, restrict, resolve chains, compile, read, bundle. https://hl7.org/fhir/R4/search.html
import type { Issue } from '#base/problem.ts';
import type { Querier } from '#db/database.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { bundleText, type Hit, type Links, searchUrl } from './bundle.ts';
import { resolve } from './chain.ts';
import { compartmentClause } from './compartment.ts';
import { type Pair, pairsOf } from './escape.ts';
import { includesOf } from './include.ts';
import { writePlace } from './page.ts';
import { type Handling, parseSearch } from './parse.ts';
import { notAllowed } from './problems.ts';
import { type Clause, never, type SearchQuery } from './query.ts';
import { readMatches, type Matches } from './read.ts';
import { weave, within } from './restrict.ts';
import { summarise } from './summary.ts';

export type SearchRequest = {
	/** null searches the system, the types of `_type` or all. */
	readonly type: string | null;
	readonly compartment?: { readonly type: string; readonly id: string };
	/** The raw query string (and form body), or decoded pairs. */
	readonly query: string | readonly Pair[];
	readonly handling: Handling;
	/** Searches inside this transaction. */
	readonly tx?: Querier;
};

export type SearchResult = {
	readonly query: SearchQuery;
	readonly matches: readonly Hit[];
	readonly included: readonly Hit[];
	readonly total: number | undefined;
	readonly links: Links;
	readonly issues: readonly Issue[];
};

/**
 * The matches of a page with what they include. Throws Problem invalid for what cannot be understood, forbidden when the caller may
 * search none of it.
 */
export async function search(ctx: FhirCtx, request: SearchRequest): Promise<SearchResult> {
	const pairs = typeof request.query === 'string' ? pairsOf(request.query) : request.query;
	const types = typesOf(ctx, request, pairs);
	const query = parseSearch(ctx.fhir, types, pairs, request.handling);
	const reached = restrict(ctx, request, query);
	const read = async (db: Querier): Promise<SearchResult> => {
		const clauses = await Promise.all(reached.map(({ type, clause }) => resolve(ctx, db, type, clause)));
		const matches = await readMatches(ctx, db, query, reached.map(({ type }, i) => ({ type, clause: clauses[i] as Clause })));
		const included = query.includes.length === 0 ? { hits: [], issues: [] } : await includesOf(ctx, db, query, matches.hits);
		return result(ctx, request, query, matches, included.hits, [...query.issues, ...included.issues]);
	};
	if (request.tx !== undefined) return read(request.tx);
	if (query.includes.length === 0 && reached.every(({ clause }) => !needsLookUp(clause))) return read(ctx.db);
	return ctx.db.tx(read, { readOnly: true, isolation: 'repeatable read' });
}

/** The search as the JSON text of a Bundle of type searchset. */
export async function searchBundle(ctx: FhirCtx, request: SearchRequest): Promise<string> {
	const found = await search(ctx, request);
	return bundleText(ctx.fhir.base, {
		...found,
		id: ctx.ids.next(),
		updated: ctx.clock.now(),
		matches: summarise(ctx.fhir, found.query, found.matches),
		included: summarise(ctx.fhir, found.query, found.included),
	});
}
