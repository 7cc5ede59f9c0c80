// What the database has of what resources refer to: by `Type/id`, by urn, by criteria.
import { Problem } from '#base/problem.ts';
import { raw, sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { requireType } from '#fhir/interactions/prepare.ts';
import { severalMatch } from '#fhir/interactions/problems.ts';
import { isConditional } from '#fhir/interactions/references.ts';
import { match } from '#fhir/search/match.ts';
import { table } from '#fhir/search/params/row.ts';

/** Those of the `Type/id` that are there and not deleted. */
export async function existing(ctx: FhirCtx, links: ReadonlySet<string>): Promise<Set<string>> {
	const byType = Map.groupBy(links, (link) => link.slice(0, link.indexOf('/')));
	const found = new Set<string>();
	for (const [type, keys] of byType) {
		if (!ctx.fhir.definitions.isResourceType(type)) continue;
		const ids = keys.map((key) => key.slice(type.length + 1));
		const rows = await ctx.db.rows(sql`SELECT id FROM ${table(type)} WHERE id = ANY(${ids}) AND op <> 'D'`);
		for (const [id] of rows) found.add(`${type}/${id}`);
	}
	return found;
}

/** The one resource that meets the criteria, as `Type/id`. Throws Problem stale `several-match`, invalid for criteria that are none. */
export async function theOneFor(ctx: FhirCtx, type: string, criteria: string): Promise<string | undefined> {
	requireType(ctx, type);
	const found = await match(ctx, type, criteria);
	if (found.length > 1) throw severalMatch(type, criteria);
	return found[0] === undefined ? undefined : `${type}/${found[0].id}`;
}

/** Whether a link has to be looked up to become `Type/id`: a conditional reference, or the urn of an entry. */
export function needsLookUp(link: string): boolean {
	return isConditional(link) || isUrn(link);
}

/** Whether a link names an entry by uuid or oid, https://hl7.org/fhir/R4/bundle.html#references. */
export function isUrn(link: string): boolean {
	return /^urn:(uuid|oid):/i.test(link);
}

/** The id an entry that came without one has got from its urn. */
export function idOfUrn(urn: string): string {
	return urn.replace(/^urn:(uuid|oid):/i, '').toLowerCase();
}

/** What each of the links is now, as `Type/id`; those that cannot be told are left out, or are the Problem that criteria give. */
export async function resolveAll(ctx: FhirCtx, links: ReadonlySet<string>): Promise<Map<string, string | Problem>> {
	const found = new Map<string, string | Problem>();
	const plain = await existing(ctx, new Set([...links].filter((link) => !needsLookUp(link))));
	for (const link of plain) found.set(link, link);
	for (const link of links) {
		if (!isConditional(link)) continue;
		const mark = link.indexOf('?');
		try {
			const one = await theOneFor(ctx, link.slice(0, mark), link.slice(mark + 1));
			if (one !== undefined) found.set(link, one);
		} catch (error) {
			if (!(error instanceof Problem) || error.kind === 'unavailable') throw error;
			found.set(link, error);
		}
	}
	const urns = Map.groupBy([...links].filter(isUrn), idOfUrn);
	if (urns.size === 0) return found;
	for (const [type] of await ctx.db.rows(raw('SELECT type FROM fhir.used_type'))) {
		const rows = await ctx.db.rows(sql`SELECT id FROM ${table(type as string)} WHERE id = ANY(${[...urns.keys()]}) AND op <> 'D'`);
		for (const [id] of rows) for (const urn of urns.get(id as string) ?? []) found.set(urn, `${type}/${id}`);
	}
	return found;
}
