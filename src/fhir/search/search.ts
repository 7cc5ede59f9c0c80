// Search, from text to searchset: parse, restrict, resolve chains, compile, read, bundle. https://hl7.org/fhir/R4/search.html
import type { Issue } from '#base/problem.ts';
import type { Querier } from '#db/database.ts';
import { restoreAll } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { bundleText, type Hit, type Links, searchUrl } from './bundle.ts';
import { needsLookUp } from './chain.ts';
import { compartmentClause, compartmentTypes, requireCompartment } from './compartment.ts';
import { holdersOf } from './contained.ts';
import { type Pair, pairsOf } from './escape.ts';
import { includesOf } from './include.ts';
import { writePlace } from './page.ts';
import { type Handling, parseSearch } from './parse.ts';
import { badValue, notAllowed, unknownType } from './problems.ts';
import type { Clause, SearchQuery } from './query.ts';
import { type Matches, readMatches, type Wanted } from './read.ts';
import { weave, within } from './restrict.ts';
import { summarise } from './summary.ts';
import { usedTypes } from './used-types.ts';

export type SearchRequest = {
	/** null searches the system, the types of `_type` or all. */
	readonly type: string | null;
	readonly compartment?: { readonly type: string; readonly id: string };
	/** The raw query string (and form body), or decoded pairs. */
	readonly query: string | readonly Pair[];
	readonly handling: Handling;
	/** Searches inside this transaction. */
	readonly tx?: Querier;
	/** How many rows of an index a page may look at before all that matches is gathered instead; tests make it small. */
	readonly budget?: number;
};

export type SearchResult = {
	readonly query: SearchQuery;
	readonly matches: readonly Hit[];
	readonly included: readonly Hit[];
	readonly total: number | undefined;
	readonly links: Links;
	/** The token of the page that begins after match number i: for who shows no more than that of what was found. */
	readonly after: (i: number) => string;
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
		const wanted = query.contained === 'false' ? await wantedOf(db, request, reached) : await containing(ctx, db, request, query, reached);
		const matches = await readMatches(ctx, db, query, wanted, request.budget);
		const included = query.includes.length === 0 ? nothing : await includesOf(ctx, db, query, matches.hits);
		return {
			query,
			matches: matches.hits,
			included: included.hits,
			total: matches.total,
			links: linksOf(ctx, request, query, matches),
			after: (i) => writePlace(query, matches.after(i)),
			issues: [...query.issues, ...included.issues],
		};
	};
	if (request.tx !== undefined) return read(request.tx);
	if (query.includes.length === 0 && query.contained === 'false' && !reached.some(({ clause }) => needsLookUp(clause)))
		return ctx.db.session(read);
	return ctx.db.tx(read, { readOnly: true, isolation: 'repeatable read' });
}

/** Types that have nothing are not looked at; a transaction may just be putting the first there. */
async function wantedOf(db: Querier, { tx }: SearchRequest, reached: readonly Wanted[]): Promise<readonly Wanted[]> {
	if (reached.length === 1 || tx !== undefined) return reached;
	const used = new Set(await usedTypes(db));
	return reached.filter(({ type }) => used.has(type));
}

/** What contains a match, and with `both` the matches themselves. */
async function containing(
	ctx: FhirCtx,
	db: Querier,
	request: SearchRequest,
	query: SearchQuery,
	reached: readonly Wanted[],
): Promise<readonly Wanted[]> {
	const holders = (await holdersOf(ctx, db, query.types[0] as string, query.clauses[0] as Clause)).flatMap((one) =>
		limited(ctx, request, one),
	);
	if (query.contained === 'true') return holders;
	// A resource of the type may itself contain another of it.
	const byType = Map.groupBy([...reached, ...holders], ({ type }) => type);
	return [...byType].map(([type, of]) => ({ type, clause: { is: 'any', of: of.map(({ clause }) => clause) } }));
}

const nothing = { hits: [], issues: [] } as const;

/** The search as the JSON text of a Bundle of type searchset. */
export async function searchBundle(ctx: FhirCtx, request: SearchRequest): Promise<string> {
	return bundleOf(ctx, await search(ctx, request));
}

/** What a search found as the JSON text of its Bundle. */
export async function bundleOf(ctx: FhirCtx, found: SearchResult): Promise<string> {
	return bundleText(ctx.fhir.base, {
		...found,
		id: ctx.ids.next(),
		updated: ctx.clock.now(),
		matches: await restoreAll(ctx.fhir, summarise(ctx.fhir, found.query, found.matches)),
		// `_elements` is about the matches alone.
		included: await restoreAll(ctx.fhir, summarise(ctx.fhir, { summary: found.query.summary, elements: [] }, found.included)),
	});
}

function typesOf(ctx: FhirCtx, request: SearchRequest, pairs: readonly Pair[]): readonly string[] {
	const { definitions } = ctx.fhir;
	if (request.compartment !== undefined) requireCompartment(request.compartment);
	if (request.type !== null) {
		if (!definitions.isResourceType(request.type)) throw unknownType(request.type);
		return [request.type];
	}
	const named = pairs.filter(([name, value]) => name === '_type' && value !== '').flatMap(([, value]) => value.split(','));
	for (const type of named) if (!definitions.isResourceType(type)) throw badValue('_type', type, 'It is not a resource type.');
	const all = request.compartment === undefined ? definitions.resourceTypes : compartmentTypes(ctx, request.compartment);
	return named.length === 0 ? all : all.filter((type) => named.includes(type));
}

/** What is left of each type within the compartment and the caller's reach. */
function restrict(ctx: FhirCtx, request: SearchRequest, query: SearchQuery): Wanted[] {
	const reached = query.types.flatMap((type, i) => limited(ctx, request, { type, clause: query.clauses[i] as Clause }));
	if (reached.length === 0) throw notAllowed(request.type ?? 'these types');
	return reached;
}

function limited(ctx: FhirCtx, { compartment }: SearchRequest, { type, clause }: Wanted): Wanted[] {
	const woven = weave(ctx, clause);
	const asked: Clause = compartment === undefined ? woven : { is: 'all', of: [compartmentClause(ctx, compartment, type), woven] };
	const reached = within(ctx, type, asked);
	return reached === undefined ? [] : [{ type, clause: reached }];
}

function linksOf(ctx: FhirCtx, request: SearchRequest, query: SearchQuery, matches: Matches): Links {
	const { base } = ctx.fhir;
	const { compartment, type } = request;
	const path = compartment === undefined ? (type ?? '') : `${compartment.type}/${compartment.id}/${type ?? '*'}`;
	const at = (token: string): string => searchUrl(base, path, [...query.applied, ['_page', token]]);
	return {
		self: query.page === undefined ? searchUrl(base, path, query.applied) : at(query.page),
		...(matches.previous === undefined ? {} : { previous: at(writePlace(query, matches.previous)) }),
		...(matches.next === undefined ? {} : { next: at(writePlace(query, matches.next)) }),
	};
}
