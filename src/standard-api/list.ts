// Lists: FHIR searches with OpenEMR's names of filters, sorting and paging. A page is found by where the one before ended, never by counting.
import type { FhirCtx } from '#fhir/ctx.ts';
import { pageIn } from '#fhir/search/bundle.ts';
import { escaped, type Pair, queryOf } from '#fhir/search/escape.ts';
import { search } from '#fhir/search/search.ts';
import type { Mapping } from './mapping.ts';
import { invalidFields } from './problems.ts';
import { type Found, type Shown, shown } from './records.ts';
import { idOf } from './references.ts';
import type { Call } from './row.ts';

export type Page = { readonly records: readonly Shown[]; readonly links: Links };

export type Links = { readonly first?: string; readonly previous?: string; readonly next?: string };

export type ListOptions = {
	/** FHIR criteria that the route settles, e.g. whose records. */
	readonly criteria?: readonly Pair[];
	/** Types that are searched together, when the records are not all of the mapping's. */
	readonly types?: readonly string[];
	/** The order when the client asks for none, as FHIR's `_sort`. */
	readonly order?: string;
	/** How records are shown, when the mapping alone does not say. */
	readonly show?: (ctx: FhirCtx, found: readonly Found[]) => Promise<Shown[]>;
};

/** Records of a page when the client does not say how many, and the most. OpenEMR gives 200 at most. */
const usual = 200;
const most = 1000;

/** How many rows a filter that no index knows may look at for one page. */
const patience = 5000;

/**
 * A page of a list. Filters are equalities (or parts of texts, where OpenEMR takes them); `_limit`, `_offset`, `_sort`, `_lastUpdated` and
 * the `_page` of our links are understood on every list, other parameters are not looked at. Throws Problem invalid for bad values.
 */
export async function list(ctx: FhirCtx, mapping: Mapping, call: Call, options: ListOptions = {}): Promise<Page> {
	const asked = await askedOf(ctx, mapping, call);
	const show = options.show ?? ((own, found) => shown(own, mapping, found));
	const records: Shown[] = [];
	let place = asked.page ?? (asked.offset > 0 ? await placeAt(ctx, mapping, asked, options) : undefined);
	let looked = 0;
	if (place === null) return { records, links: linksOf(ctx, call, asked, undefined) };
	do {
		const left = asked.limit - records.length;
		// When only some of what was found is meant, as many more are read as so many are among, so that it takes no third time.
		const found = await read(ctx, mapping, asked, options, looked === 0 ? left : enough(left, records.length / looked), place);
		const page = await show(ctx, found.hits);
		const kept = page.flatMap((record, i) => (asked.checks.every((check) => check(record)) ? [i] : [])).slice(0, left);
		records.push(...kept.map((i) => page[i] as Shown));
		const last = kept.length < left ? undefined : kept.at(-1);
		looked += found.hits.length;
		place = last === undefined || last === page.length - 1 ? found.next : found.after(last);
	} while (place !== undefined && records.length < asked.limit && looked < patience);
	return { records, links: linksOf(ctx, call, asked, place) };
}

/** So many rows have so many that are meant among them, when that share of those before was. */
function enough(wanted: number, share: number): number {
	return Math.min(most, wanted + Math.ceil(wanted * Math.min(4, 1 / Math.max(share, 0.01) - 1)) + 1);
}

/** Which part of a list is asked for. */
export type Paging = {
	readonly limit: number;
	readonly offset: number;
	/** Where the page begins, as a link of ours said it: then the offset is for links alone. */
	readonly page: string | undefined;
};

type Asked = Paging & {
	readonly pairs: readonly Pair[];
	/** What the record has to meet beyond what the search has found. */
	readonly checks: readonly ((record: Shown) => boolean)[];
};

type Read = { readonly hits: readonly Found[]; readonly next: string | undefined; readonly after: (i: number) => string };

async function read(
	ctx: FhirCtx,
	mapping: Mapping,
	asked: Asked,
	{ criteria = [], types, order }: ListOptions,
	count: number,
	page: string | undefined,
): Promise<Read> {
	const query: Pair[] = [...criteria, ...asked.pairs, ['_count', String(count)], ['_total', 'none']];
	if (page !== undefined) query.push(['_page', page]);
	if (types !== undefined) query.push(['_type', types.join(',')]);
	if (order !== undefined && !query.some(([name]) => name === '_sort')) query.push(['_sort', order]);
	const { matches, links, after } = await search(ctx, { type: types === undefined ? mapping.type : null, query, handling: 'strict' });
	return { hits: matches, next: pageIn(links.next), after };
}

/** Where the page at a bare offset begins: what comes before has to be passed. null when there is not that much. */
async function placeAt(ctx: FhirCtx, mapping: Mapping, asked: Asked, options: ListOptions): Promise<string | null> {
	let place: string | undefined;
	for (let left = asked.offset; left > 0; ) {
		const { hits, next } = await read(ctx, mapping, asked, options, Math.min(left, most), place);
		if (next === undefined) return null;
		left -= hits.length;
		place = next;
	}
	return place ?? null;
}

async function askedOf(ctx: FhirCtx, { type, fields, numbers, uuids }: Mapping, { query }: Call): Promise<Asked> {
	const last = new Map(query);
	const pairs: Pair[] = query.filter(([name]) => name === '_lastUpdated');
	const checks: Asked['checks'][number][] = [];
	for (const name of [...numbers, ...uuids]) {
		const named = last.get(name);
		if (named !== undefined && named !== '') pairs.push(['_id', (await idOf(ctx, type, named)) ?? 'none']);
	}
	for (const field of fields) {
		const text = last.get(field.name);
		if (field.filter === undefined || text === undefined || text === '') continue;
		const { param, isLoose, part, value } = field.filter;
		if (param !== undefined) pairs.push([param, value?.(text) ?? escaped(String(field.codec.keep(text)))]);
		if (param === undefined || isLoose === true) checks.push((record) => meets(record[field.name], text, part === true));
	}
	const sort = last.get('_sort');
	if (sort !== undefined && sort !== '') pairs.push(['_sort', sortOf({ fields, numbers, uuids }, sort)]);
	return { ...pagingOf(last), pairs, checks };
}

/** `_limit` with OpenEMR's other names for it, `_offset`, and the `_page` of our links. Throws Problem invalid. */
export function pagingOf(query: ReadonlyMap<string, string>): Paging {
	const limit = wholeNumber(query, '_limit') ?? wholeNumber(query, '_maxresults') ?? wholeNumber(query, '_count') ?? usual;
	return {
		limit: limit === 0 ? most : Math.min(limit, most),
		offset: wholeNumber(query, '_offset') ?? 0,
		page: query.get('_page') || undefined,
	};
}

function meets(shown: unknown, asked: string, part: boolean): boolean {
	const text = String(shown ?? '');
	return part ? text.toLowerCase().includes(asked.toLowerCase()) : text === asked;
}

/** Every list is sorted by what names its records and by the time of their last change, besides the fields that say so. */
function sortOf({ fields, numbers, uuids }: Pick<Mapping, 'fields' | 'numbers' | 'uuids'>, text: string): string {
	return text
		.split(',')
		.map((part) => {
			const descending = part.startsWith('-');
			const name = descending ? part.slice(1) : part;
			const own = fields.find((field) => field.name === name)?.sort;
			const param = ['id', 'uuid', ...numbers, ...uuids].includes(name) ? '_id' : name === 'last_updated' ? '_lastUpdated' : own;
			if (param === undefined)
				throw invalidFields([{ field: '_sort', code: 'InArray::NOT_IN_ARRAY', text: `${part.slice(0, 64)} is no field to sort by` }]);
			return `${descending ? '-' : ''}${param}`;
		})
		.join(',');
}

/** A parameter that is a whole number; undefined when it is absent. Throws Problem invalid. */
function wholeNumber(query: ReadonlyMap<string, string>, name: string): number | undefined {
	const text = query.get(name);
	if (text === undefined || text === '') return undefined;
	if (!/^\d{1,9}$/.test(text)) throw invalidFields([{ field: name, code: 'Numeric::NOT_NUMERIC', text: `${name} must be numeric` }]);
	return Number(text);
}

/** OpenEMR's links, which say `_count`; `_page` says where the page is, so that nothing has to be passed to get there. */
export function linksOf(ctx: FhirCtx, { query, request }: Call, { limit, offset, page }: Paging, next: string | undefined): Links {
	const others = query.filter(([name]) => !['_limit', '_maxresults', '_count', '_offset', '_page'].includes(name));
	const { origin } = new URL(ctx.fhir.base);
	const to = (at: number, token?: string): string => {
		const pairs: Pair[] = [...others, ['_offset', String(at)], ['_count', String(limit)]];
		if (token !== undefined) pairs.push(['_page', token]);
		return `${origin}${request.path}?${queryOf(pairs)}`;
	};
	return {
		first: to(0),
		...(offset > 0 || page !== undefined ? { previous: to(Math.max(0, offset - limit)) } : {}),
		...(next === undefined ? {} : { next: to(offset + limit, next) }),
	};
}
