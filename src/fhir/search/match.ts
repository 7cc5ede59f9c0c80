// Search as other interactions use it: the matches of conditional criteria, and the caller's limits as an SQL condition.
import type { Interaction } from '#access/ctx.ts';
import { Problem } from '#base/problem.ts';
import type { Querier } from '#db/database.ts';
import { raw, type Sql, sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Stored } from '#fhir/resource.ts';
import type { Key } from '#fhir/store/layout.ts';
import { needsCodes, needsLookUp, resolve } from './chain.ts';
import { conditionOf } from './compile.ts';
import { pairsOf } from './escape.ts';
import { rowOf, table } from './params/row.ts';
import { tokenKeys } from './params/token.ts';
import { parseCriteria } from './parse.ts';
import { notAllowed } from './problems.ts';
import { type Clause, never } from './query.ts';
import { flatten } from './read.ts';
import { reachOf, weave, within } from './restrict.ts';
import { knownCodes } from './terminology.ts';
import { isBelowListed } from './words.ts';

/**
 * The resources that meet the criteria of a conditional interaction, at most `limit`. Throws Problem invalid for criteria that are
 * empty or not understood (https://hl7.org/fhir/R4/http.html#cond-update), forbidden when the caller may not search the type.
 */
export async function match(ctx: FhirCtx, type: string, criteria: string, tx: Querier = ctx.db, limit = 2): Promise<Stored[]> {
	const { clause, empty } = parseCriteria(ctx.fhir, type, pairsOf(criteria.replace(/^[^?]*\?/, '')));
	if (empty) throw new Problem('invalid', 'criteria-missing', 'Conditional criteria need at least one search parameter.');
	const allowed = within(ctx, type, weave(ctx, clause));
	if (allowed === undefined) throw notAllowed(type);
	const condition = conditionOf(rowOf(ctx, type, 'index'), await resolve(ctx, tx, type, allowed));
	const rows = await tx.query<MatchRow>(
		sql`WITH m AS MATERIALIZED (SELECT r.* FROM ${table(type)} r WHERE ${condition}) SELECT rid, id, ver, op, lu, body FROM m LIMIT ${raw(String(limit))}`,
	);
	return rows.map(({ rid, id, ver, op, lu, body }) => ({ type, id, rid, version: ver, updated: lu.getTime(), op, body }));
}

/** The index key that the criteria come to: for one identifier of a caller who may find all of the type, undefined for all else. */
export function soleKey(ctx: FhirCtx, type: string, criteria: string): Key | undefined {
	const { clause } = parseCriteria(ctx.fhir, type, pairsOf(criteria.replace(/^[^?]*\?/, '')));
	const [part, ...others] = flatten(clause);
	if (part?.is !== 'param' || others.length > 0 || reachOf(ctx, type, 'search') !== undefined) return undefined;
	const { param, modifier, values } = part;
	if (param.code !== 'identifier' || param.storage.in !== 'keys' || modifier !== undefined) return undefined;
	const [key, ...more] = tokenKeys(param, values);
	return more.length > 0 ? undefined : key;
}

type MatchRow = { rid: number; id: string; ver: number; op: Stored['op']; lu: Date; body: string };

/**
 * The caller's limits on rows `r` of a type: null when there are none, 'nothing' when none of it is within reach. Of limits that ask for a
 * look-up first (`:in` a stored value set, hierarchies) only a search knows all; here they let nothing through.
 */
export function restrictSql(ctx: FhirCtx, type: string, interaction: Interaction): Sql | null | 'nothing' {
	const reach = reachOf(ctx, type, interaction);
	if (reach === undefined) return null;
	if (reach === 'nothing') return 'nothing';
	return conditionOf(rowOf(ctx, type, 'filter'), withoutLookUps(ctx, reach));
}

function withoutLookUps(ctx: FhirCtx, clause: Clause): Clause {
	switch (clause.is) {
		case 'kin':
			return never;
		case 'param':
			return needsCodes(clause) ? (knownCodes(ctx.fhir, clause) ?? never) : isBelowListed(clause) ? never : clause;
		case 'any':
		case 'all':
			return { is: clause.is, of: clause.of.map((part) => withoutLookUps(ctx, part)) };
		case 'not':
			return needsLookUp(clause.of) ? never : clause;
		case 'chain':
			return { ...clause, links: clause.links.map((link) => ({ ...link, clause: withoutLookUps(ctx, link.clause) })) };
		case 'has':
			return { ...clause, clause: withoutLookUps(ctx, clause.clause) };
		default:
			return clause;
	}
}
