// What resources refer to: the practitioners, organizations, locations, medications and so on that are needed to read a record.
import type { Issue } from '#base/problem.ts';
import type { Querier } from '#db/database.ts';
import { raw, sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Hit } from '#fhir/search/bundle.ts';
import { restrictSql } from '#fhir/search/match.ts';
import { allOf, table } from '#fhir/search/params/row.ts';
import type { Key } from '#fhir/store/layout.ts';

/** As many a page may bring. */
const maxReferred = 2000;
/** A role leads to its organization, that to its parent … so far and no further. */
const maxRounds = 4;

type Referred = { readonly hits: readonly Hit[]; readonly issues: readonly Issue[] };

/**
 * What the hits refer to, and what that refers to in turn, as far as the caller may see it and of the given types (none: all). Only what is
 * of no patient's record comes along, or of that of `patient`; the latter leads no further, or it would bring the whole record.
 */
export async function referredBy(
	ctx: FhirCtx,
	tx: Querier,
	hits: readonly Hit[],
	types: readonly string[],
	patient: Key | undefined,
): Promise<Referred> {
	const seen = new Set(hits.map(({ type, id }) => `${type}/${id}`));
	const found: Hit[] = [];
	let from = hits;
	for (let round = 0; round < maxRounds && from.length > 0; round++) {
		const next: Hit[] = [];
		for (const [type, ids] of referencesIn(ctx, from, seen)) {
			// Binaries are large and are fetched by their address.
			if (type === 'Binary') continue;
			for (const hit of await readAlong(ctx, tx, type, ids, patient)) {
				if (found.length >= maxReferred) return { hits: found, issues: [tooMany] };
				if (types.length === 0 || types.includes(type)) found.push(hit);
				if (!hit.ofPatient) next.push(hit);
			}
		}
		from = next;
	}
	return { hits: found, issues: [] };
}

const tooMany: Issue = {
	severity: 'warning',
	type: 'too-costly',
	code: 'everything-referred-cut',
	text: `Not everything that is referred to is here: at most ${maxReferred} such resources come with a page.`,
};

/** References are found in the text: within JSON strings every quote is escaped, so that this can only be the member `reference` itself. */
const pattern = /"reference":"((?:[^"\\]|\\.)*)"/g;
const local = /^([A-Za-z]+)\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/[A-Za-z0-9\-.]{1,64})?$/;

function referencesIn(ctx: FhirCtx, hits: readonly Hit[], seen: Set<string>): Map<string, string[]> {
	const { base, definitions } = ctx.fhir;
	const wanted = new Map<string, string[]>();
	for (const { body } of hits) {
		for (const [, reference = ''] of body.matchAll(pattern)) {
			const [, type, id] = local.exec(reference.startsWith(`${base}/`) ? reference.slice(base.length + 1) : reference) ?? [];
			if (type === undefined || id === undefined || seen.has(`${type}/${id}`) || !definitions.isResourceType(type)) continue;
			seen.add(`${type}/${id}`);
			wanted.set(type, [...(wanted.get(type) ?? []), id]);
		}
	}
	return wanted;
}

async function readAlong(
	ctx: FhirCtx,
	tx: Querier,
	type: string,
	ids: readonly string[],
	patient: Key | undefined,
): Promise<(Hit & { readonly ofPatient: boolean })[]> {
	const limit = restrictSql(ctx, type, 'search');
	if (limit === 'nothing') return [];
	const own = patient === undefined ? sql`r.pat IS NULL` : sql`(r.pat IS NULL OR r.pat = ${patient})`;
	const rows = await tx.rows(
		sql`SELECT r.id, r.body, r.pat IS NOT NULL FROM ${table(type)} r WHERE ${allOf([sql`r.id = ANY(${ids}::text[])`, own, limit ?? raw('true')])} ORDER BY r.rid + 0`,
	);
	return rows.map(([id, body, ofPatient]) => ({ type, id: id as string, body: body as string, ofPatient: ofPatient === true }));
}
