// history of a resource, a type or everything, newest first. https://hl7.org/fhir/R4/http.html#history

import { restoreBody } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Stored } from '#fhir/resource.ts';
import { searchUrl } from '#fhir/search/bundle.ts';
import { type Pair, pairsOf } from '#fhir/search/escape.ts';
import { restrictSql } from '#fhir/search/match.ts';
import { dateRange } from '#fhir/store/dates.ts';
import type { HistoryKey, HistoryQuery } from '#fhir/store/store.ts';
import { permit } from './guard.ts';
import { isId, requireType } from './prepare.ts';
import { mismatch, notFound } from './problems.ts';

export type HistoryInput = { readonly type: string | null; readonly id?: string; readonly query: string };

/** A page of versions as the JSON text of a Bundle of type history. Throws Problem invalid for parameters that cannot be read, not-found for a resource that never was. */
export async function history(ctx: FhirCtx, { type, id, query }: HistoryInput): Promise<string> {
	if (type !== null) {
		requireType(ctx, type);
		permit(ctx, type, 'read');
	}
	const pairs = pairsOf(query);
	const asked = queryOf(ctx, pairs);
	const page =
		id !== undefined && !isId(id)
			? { entries: [] }
			: await ctx.fhir.store.history(ctx, {
					...asked,
					type,
					...(id === undefined ? {} : { id }),
					restrict: (name) => restrictSql(ctx, name, 'read'),
				});
	if (id !== undefined && type !== null && page.entries.length === 0 && (await neverWas(ctx, type, id))) throw notFound(type, id);
	const path = [type, id, '_history'].filter((part) => part !== null && part !== undefined).join('/');
	const applied = pairs.filter(([name]) => known.has(name) && name !== '_page');
	const next = page.next === undefined ? undefined : searchUrl(ctx.fhir.base, path, [...applied, ['_page', tokenOf(page.next)]]);
	return bundleText(ctx, { self: searchUrl(ctx.fhir.base, path, applied), next, total: page.total, entries: page.entries });
}

async function neverWas(ctx: FhirCtx, type: string, id: string): Promise<boolean> {
	return !isId(id) || (await ctx.fhir.store.read(ctx, type, id, permit(ctx, type, 'read'))) === undefined;
}

const known = new Set(['_count', '_since', '_at', '_page', '_format', '_pretty']);

function queryOf(ctx: FhirCtx, pairs: readonly Pair[]): Pick<HistoryQuery, 'since' | 'at' | 'count' | 'after'> {
	const value = (name: string): string | undefined => pairs.find(([key, text]) => key === name && text !== '')?.[1];
	const since = value('_since');
	const at = value('_at');
	const page = value('_page');
	return {
		count: countOf(ctx, value('_count')),
		...(since === undefined ? {} : { since: momentOf('_since', since).lo }),
		...(at === undefined ? {} : { at: momentOf('_at', at) }),
		...(page === undefined ? {} : { after: keyOf(page) }),
	};
}

function countOf(ctx: FhirCtx, text: string | undefined): number {
	const { defaultCount, maxCount } = ctx.fhir.settings;
	if (text === undefined) return defaultCount;
	if (!/^\d{1,9}$/.test(text))
		throw mismatch('parameter-invalid', `_count must be a whole number, not "${text.slice(0, 40)}".`, 'http._count');
	return Math.min(Number(text), maxCount);
}

function momentOf(name: string, text: string): { lo: number; hi: number } {
	// A "+" of a zone that was not escaped arrives as a blank.
	const range = dateRange(text.replace(/^(\S+T\S+) (\d\d:\d\d)$/, '$1+$2'));
	if (range === undefined)
		throw mismatch('parameter-invalid', `${name} must be a date or an instant, not "${text.slice(0, 40)}".`, `http.${name}`);
	return range;
}

function tokenOf({ updated, rid, version }: HistoryKey): string {
	return Buffer.from(JSON.stringify([updated, rid, version])).toString('base64url');
}

function keyOf(token: string): HistoryKey {
	const parts = /^[A-Za-z0-9_-]{8,200}$/.test(token)
		? /^\[(-?\d{1,16}),(\d{1,16}),(\d{1,10})\]$/.exec(Buffer.from(token, 'base64url').toString())
		: null;
	if (parts === null) throw mismatch('history-page-invalid', 'The page link is not one of this history.', 'http._page');
	return { updated: Number(parts[1]), rid: Number(parts[2]), version: Number(parts[3]) };
}

type Page = {
	readonly self: string;
	readonly next: string | undefined;
	readonly total: number | undefined;
	readonly entries: readonly Stored[];
};

async function bundleText(ctx: FhirCtx, { self, next, total, entries }: Page): Promise<string> {
	const links = [{ relation: 'self', url: self }, ...(next === undefined ? [] : [{ relation: 'next', url: next }])];
	let text = `{"resourceType":"Bundle","id":"${ctx.ids.next()}","meta":{"lastUpdated":"${ctx.clock.now().toISOString()}"},"type":"history"`;
	if (total !== undefined) text += `,"total":${total}`;
	text += `,"link":${JSON.stringify(links)}`;
	if (entries.length === 0) return `${text}}`;
	const parts: string[] = [];
	for (const entry of entries) parts.push(await entryText(ctx, entry));
	return `${text},"entry":[${parts.join(',')}]}`;
}

async function entryText(ctx: FhirCtx, stored: Stored): Promise<string> {
	const { type, id, version, updated, op } = stored;
	const request = { method: op === 'C' ? 'POST' : op === 'U' ? 'PUT' : 'DELETE', url: op === 'C' ? type : `${type}/${id}` };
	const status = op === 'D' ? '204' : version === 1 ? '201' : '200';
	const response = { status, etag: `W/"${version}"`, lastModified: new Date(updated).toISOString() };
	const resource = op === 'D' ? '' : `,"resource":${await restoreBody(ctx.fhir, stored)}`;
	return `{"fullUrl":"${ctx.fhir.base}/${type}/${id}"${resource},"request":${JSON.stringify(request)},"response":${JSON.stringify(response)}}`;
}
