// OperationDefinition, searched: the server's own definitions are not stored; they come before those that are.
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { searchUrl } from '#fhir/search/bundle.ts';
import { pairsOf } from '#fhir/search/escape.ts';
import type { Clause, Modifier, Value } from '#fhir/search/query.ts';
import type { SearchParam } from '#fhir/search/registry.ts';
import { bundleOf, type SearchRequest, search, searchBundle } from '#fhir/search/search.ts';
import { normalise } from '#fhir/store/keys.ts';
import { operationDefinitions } from './definitions.ts';

/** The page on which what is stored begins. */
const storedPage = 'stored';

/** A page of OperationDefinitions: the server's own, then the stored ones, on one page where they fit. Throws as a search does. */
export async function searchDefinitions(ctx: FhirCtx, request: SearchRequest): Promise<string> {
	const pairs = typeof request.query === 'string' ? pairsOf(request.query) : request.query;
	const page = pairs.findLast(([name]) => name === '_page')?.[1];
	const begin = page === undefined ? 0 : Number(/^own-(\d{1,4})$/.exec(page)?.[1] ?? Number.NaN);
	// In no compartment is one of them.
	if (request.compartment !== undefined) return searchBundle(ctx, request);
	const begins = page === storedPage || !Number.isNaN(begin);
	const found = await search(ctx, begins ? { ...request, query: pairs.filter(([name]) => name !== '_page') } : request);
	if (Number.isNaN(begin)) return bundleOf(ctx, found);
	const { query } = found;
	const own = operationDefinitions(ctx.fhir).filter((definition) => meets(definition, query.clauses[0] as Clause));
	const total = found.total === undefined ? undefined : own.length + found.total;
	const count = query.summary === 'count' ? 0 : query.count;
	const left = own.slice(begin);
	const fits = count === 0 || (found.links.next === undefined && left.length + found.matches.length <= count);
	const shown = left.slice(0, count).map((definition) => ({
		type: 'OperationDefinition',
		id: definition.id as string,
		body: JSON.stringify(definition),
	}));
	const at = (token: string): string => searchUrl(ctx.fhir.base, 'OperationDefinition', [...query.applied, ['_page', token]]);
	const self = page === undefined ? found.links.self : at(page);
	if (fits) return bundleOf(ctx, { ...found, total, matches: [...shown, ...found.matches], links: { ...found.links, self } });
	// On the page of the stored ones alone nothing is left of the others.
	if (shown.length === 0) return bundleOf(ctx, { ...found, total, links: { ...found.links, self } });
	const next = at(left.length > count ? `own-${begin + count}` : storedPage);
	return bundleOf(ctx, { ...found, total, matches: shown, included: [], links: { self, next } });
}

/** Whether one of the server's own definitions meets a clause; those that ask for more than a plain element does are not met. */
function meets(definition: Resource, clause: Clause): boolean {
	switch (clause.is) {
		case 'all':
			return clause.of.every((part) => meets(definition, part));
		case 'any':
			return clause.of.some((part) => meets(definition, part));
		case 'not':
			return !meets(definition, clause.of);
		case 'missing':
			return clause.missing === (elementOf(definition, clause.param) === undefined);
		case 'param': {
			const { param, values } = clause;
			const modifier = clause.modifier === 'not' ? undefined : clause.modifier;
			const some = values.some((value) => matches(elementOf(definition, param), param, modifier, value));
			return clause.modifier === 'not' ? !some : some;
		}
		default:
			return false;
	}
}

/** The parameters of OperationDefinition have the names of their elements. */
function elementOf(definition: Resource, { code }: SearchParam): string | undefined {
	const value = definition[code === '_id' ? 'id' : code];
	return typeof value === 'string' || typeof value === 'boolean' ? String(value) : undefined;
}

function matches(element: string | undefined, param: SearchParam, modifier: Modifier | undefined, value: Value): boolean {
	if (element === undefined) return false;
	switch (value.is) {
		case 'token':
			return modifier === undefined && element === value.code && (value.system === undefined || value.system === param.system);
		case 'uri':
			return modifier === undefined && element === value.text;
		case 'reference':
			return modifier === undefined && value.targets.includes(element);
		case 'string': {
			if (modifier === 'exact') return element === value.text;
			const [text, wanted] = [normalise(element), normalise(value.text)];
			return wanted !== '' && (modifier === 'contains' ? text.includes(wanted) : text.startsWith(wanted));
		}
		default:
			return false;
	}
}
