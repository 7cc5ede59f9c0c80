// $everything: what belongs to a compartment, one type after the other, each in the order its index has, with what these resources refer
// to. A page ends anywhere and the next begins after its last resource, so links stay right while data change. Bodies are never parsed.
import type { Querier } from '#db/database.ts';
import { raw } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { badParameter, countOf, type Given, textOf, textsOf } from '#fhir/operations/input.ts';
import { bundleText, type Hit, searchUrl } from '#fhir/search/bundle.ts';
import { compartmentClause, compartmentTypes } from '#fhir/search/compartment.ts';
import type { Pair } from '#fhir/search/escape.ts';
import { writePlace } from '#fhir/search/page.ts';
import { badPage } from '#fhir/search/problems.ts';
import type { Clause, DateValue, SearchQuery } from '#fhir/search/query.ts';
import { readMatches } from '#fhir/search/read.ts';
import type { SearchParam } from '#fhir/search/registry.ts';
import { compartmentParams, within } from '#fhir/search/restrict.ts';
import { dateRange } from '#fhir/store/dates.ts';
import type { Key } from '#fhir/store/layout.ts';
import { referredBy } from './referred.ts';

/** Whose record. Without an id it is that of every patient whom the caller may see. */
export type Focus = { readonly type: 'Patient' | 'Encounter'; readonly id?: string; readonly patient?: Key };

/** What a client may narrow the record by. */
type Asked = {
	readonly count: number;
	readonly types: readonly string[];
	/** Intervals of time that a resource must not be wholly before or after. */
	readonly dates: readonly DateValue[];
	readonly since: DateValue | undefined;
	/** What was given, for the links. */
	readonly applied: readonly Pair[];
	readonly place: Begin | undefined;
};

/** Where a page begins: at a type, or within it after a place. */
type Begin = { readonly type: string; readonly token: string | undefined };

/** One page of the record as the text of a searchset. Throws Problem invalid for parameters that cannot be read. */
export async function everything(ctx: FhirCtx, input: Given, focus: Focus): Promise<string> {
	const asked = readAsked(ctx, input);
	return ctx.db.tx(
		async (tx) => {
			const types = await typesOf(ctx, tx, focus, asked);
			const { hits, next } = await page(ctx, tx, focus, asked, types);
			const referred = await referredBy(ctx, tx, hits, asked.types, focus.patient);
			const path = [focus.type, focus.id, '$everything'].filter((part) => part !== undefined).join('/');
			const at = (begin: Begin | undefined): string =>
				searchUrl(ctx.fhir.base, path, begin === undefined ? asked.applied : [...asked.applied, ['_page', writeBegin(begin)]]);
			return bundleText(ctx.fhir.base, {
				id: ctx.ids.next(),
				updated: ctx.clock.now(),
				links: { self: at(asked.place), ...(next === undefined ? {} : { next: at(next) }) },
				total: asked.place === undefined && next === undefined ? hits.length : undefined,
				matches: hits,
				included: referred.hits,
				issues: referred.issues,
			});
		},
		{ readOnly: true, isolation: 'repeatable read' },
	);
}

function readAsked(ctx: FhirCtx, input: Given): Asked {
	const { settings, definitions } = ctx.fhir;
	const count = countOf(input, '_count', 1);
	const types = textsOf(input, '_type').flatMap((text) => text.split(','));
	const unknown = types.find((type) => !definitions.isResourceType(type));
	if (unknown !== undefined) throw badParameter('_type', `"${unknown.slice(0, 64)}" is not a resource type.`);
	const dates = [dateOf(input, 'start', 'eb'), dateOf(input, 'end', 'sa')].filter((value) => value !== undefined);
	const names = ['start', 'end', '_since', '_count'] as const;
	const applied = names.flatMap((name): Pair[] => {
		const text = textOf(input, name);
		return text === undefined ? [] : [[name, text]];
	});
	const page = textOf(input, '_page');
	return {
		count: Math.min(count ?? settings.maxCount, settings.maxCount),
		types,
		dates,
		since: dateOf(input, '_since', 'ge'),
		applied: types.length === 0 ? applied : [...applied, ['_type', types.join(',')]],
		place: page === undefined ? undefined : readBegin(page),
	};
}

function dateOf(input: Given, name: string, prefix: DateValue['prefix']): DateValue | undefined {
	const text = textOf(input, name);
	if (text === undefined) return undefined;
	const range = dateRange(text);
	if (range === undefined) throw badParameter(name, 'Write a date such as 2024-05-01, or a time with its zone.');
	return { is: 'date', prefix, ...range };
}

function writeBegin({ type, token }: Begin): string {
	return token === undefined ? type : `${type}.${token}`;
}

function readBegin(text: string): Begin {
	const match = /^([A-Za-z]{2,64})(?:\.([A-Za-z0-9_-]{8,8000}))?$/.exec(text);
	if (match === null) throw badPage();
	return { type: match[1] as string, token: match[2] };
}

/** The types to go through, from where the page begins: that of the focus first, then by name; only those of which anything was ever stored. */
async function typesOf(ctx: FhirCtx, tx: Querier, focus: Focus, { types, place }: Asked): Promise<string[]> {
	const used = new Set((await tx.rows(raw('SELECT type FROM fhir.used_type'))).map(([type]) => type as string));
	const members = compartmentTypes(ctx, { type: focus.type, id: focus.id ?? '' });
	const all = [focus.type, ...members.filter((type) => type !== focus.type)].filter((type) => types.length === 0 || types.includes(type));
	const start = place === undefined ? 0 : all.indexOf(place.type);
	if (start < 0) throw badPage();
	return all.slice(start).filter((type) => used.has(type));
}

type Page = { readonly hits: readonly Hit[]; readonly next: Begin | undefined };

async function page(ctx: FhirCtx, tx: Querier, focus: Focus, asked: Asked, types: readonly string[]): Promise<Page> {
	const hits: Hit[] = [];
	for (const type of types) {
		const clause = within(ctx, type, clauseOf(ctx, focus, asked, type));
		if (clause === undefined) continue;
		const left = asked.count - hits.length;
		// When the page is full, one more look says whether there is another.
		const query = queryOf(focus, asked, type, clause, Math.max(left, 1));
		const found = await readMatches(ctx, tx, query, [{ type, clause }]);
		if (left === 0) {
			if (found.hits.length > 0) return { hits, next: { type, token: undefined } };
			continue;
		}
		hits.push(...found.hits);
		if (found.next !== undefined) return { hits, next: { type, token: writePlace(query, found.next) } };
	}
	return { hits, next: undefined };
}

function queryOf(focus: Focus, { applied, place }: Asked, type: string, clause: Clause, count: number): SearchQuery {
	return {
		types: [type],
		clauses: [clause],
		includes: [],
		sort: [],
		count,
		total: 'none',
		summary: 'false',
		elements: [],
		contained: 'false',
		page: place?.type === type ? place.token : undefined,
		// What the place is bound to.
		applied: [['$everything', `${focus.type}/${focus.id ?? ''}`], ...applied],
		issues: [],
	};
}

function clauseOf(ctx: FhirCtx, focus: Focus, { dates, since }: Asked, type: string): Clause {
	const parts: Clause[] = [membership(ctx, focus, type)];
	const { registry } = ctx.fhir;
	const date = careDate(ctx, focus, type);
	// Neither ended before the start nor begun after the end; what has no date is not left out.
	if (date !== undefined) {
		for (const value of dates) parts.push({ is: 'not', of: { is: 'param', param: date, modifier: undefined, values: [value] } });
	}
	const updated = registry.param(type, '_lastUpdated');
	if (since !== undefined && updated !== undefined) parts.push({ is: 'param', param: updated, modifier: undefined, values: [since] });
	return parts.length === 1 ? (parts[0] as Clause) : { is: 'all', of: parts };
}

function membership(ctx: FhirCtx, { type: of, id }: Focus, type: string): Clause {
	if (id !== undefined) return compartmentClause(ctx, { type: of, id }, type);
	if (type === of) return { is: 'all', of: [] };
	return { is: 'any', of: compartmentParams(ctx, of, type).map((param) => ({ is: 'missing', param, missing: false })) };
}

/** The date by which a type's resources belong to a time of care; undefined for those that belong to the person, whenever. */
function careDate(ctx: FhirCtx, focus: Focus, type: string): SearchParam | undefined {
	const { date } = ctx.fhir.registry.hot(type);
	return date === undefined || date === 'birthdate' || type === focus.type ? undefined : ctx.fhir.registry.param(type, date);
}
