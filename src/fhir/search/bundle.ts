// The searchset as finished JSON text: stored bodies are spliced in as they stand, never parsed.
// https://hl7.org/fhir/R4/bundle.html#searchset
import type { Issue } from '#base/problem.ts';
import { outcomeOf } from '#fhir/outcome.ts';
import { type Pair, queryOf } from './escape.ts';

/** `rid` is there for matches. */
export type Hit = { readonly type: string; readonly id: string; readonly body: string; readonly rid?: number };

export type Links = { readonly self: string; readonly next?: string; readonly previous?: string; readonly first?: string };

/** The token of the page that a link leads to; undefined for no link. */
export function pageIn(link: string | undefined): string | undefined {
	return link === undefined ? undefined : (new URL(link).searchParams.get('_page') ?? undefined);
}

export type Page = {
	readonly id: string;
	readonly updated: Date;
	readonly links: Links;
	readonly total: number | undefined;
	readonly matches: readonly Hit[];
	readonly included: readonly Hit[];
	readonly issues: readonly Issue[];
};

/** The Bundle's text. `base` is the server's FHIR base url. */
export function bundleText(base: string, page: Page): string {
	let text = `{"resourceType":"Bundle","id":"${page.id}","meta":{"lastUpdated":"${page.updated.toISOString()}"},"type":"searchset"`;
	if (page.total !== undefined) text += `,"total":${page.total}`;
	text += `,"link":[${linkText('self', page.links.self)}`;
	if (page.links.first !== undefined) text += `,${linkText('first', page.links.first)}`;
	if (page.links.previous !== undefined) text += `,${linkText('previous', page.links.previous)}`;
	if (page.links.next !== undefined) text += `,${linkText('next', page.links.next)}`;
	text += ']';
	const before = text.length;
	let separator = ',"entry":[';
	for (const hit of page.matches) {
		text += `${separator}{"fullUrl":"${base}/${hit.type}/${hit.id}","resource":${hit.body},"search":{"mode":"match"}}`;
		separator = ',';
	}
	for (const hit of page.included) {
		text += `${separator}{"fullUrl":"${base}/${hit.type}/${hit.id}","resource":${hit.body},"search":{"mode":"include"}}`;
		separator = ',';
	}
	if (page.issues.length > 0) text += `${separator}{"resource":${outcomeText(page.issues)},"search":{"mode":"outcome"}}`;
	return text.length === before ? `${text}}` : `${text}]}`;
}

function linkText(relation: string, url: string): string {
	return `{"relation":"${relation}","url":${JSON.stringify(url)}}`;
}

/** What lenient handling left out, as warnings: the search itself went well. */
function outcomeText(issues: readonly Issue[]): string {
	return JSON.stringify(outcomeOf(issues.map((issue) => ({ ...issue, severity: 'warning' }))));
}

/** The address of a search with these pairs. `path` is what follows the base, such as "Observation". */
export function searchUrl(base: string, path: string, pairs: readonly Pair[]): string {
	const query = queryOf(pairs);
	return `${base}${path === '' ? '' : `/${path}`}${query === '' ? '' : `?${query}`}`;
}
