// Search as other interactions use it: the matches of conditional criteria, and the caller's limits as an SQL condition.
import type { Interaction } from '#access/ctx.ts';
import { Problem } from '#base/problem.ts';
import type { Querier } from '#db/database.ts';
import { raw, type Sql, sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Stored } from '#fhir/resource.ts';
import { resolve } from './chain.ts';
import { conditionOf } from './compile.ts';
import { drive } from './driver.ts';
import { pairsOf } from './escape.ts';
import { type Row, table } from './params/row.ts';
import { parseCriteria } from './parse.ts';
import { notAllowed } from './problems.ts';
import { reachOf, weave, within } from './restrict.ts';

/**
 * The resources that meet the criteria of a conditional interaction, at most `limit`. Throws Problem invalid for criteria that are
 * empty or not understood (https://hl7.org/fhir/R4/http.html#cond-update), forbidden when the caller may not search the type.
 */
export async function match(ctx: FhirCtx, type: string, criteria: string, tx: Querier = ctx.db, limit = 2): Promise<Stored[]> {
	const { clause, empty } = parseCriteria(ctx.fhir, type, pairsOf(criteria.replace(/^[^?]*\?/, '')));
	if (empty) throw new Problem('invalid', 'criteria-missing', 'Conditional criteria need at least one search parameter.');
	const allowed = within(ctx, type, weave(ctx, clause));
	if (allowed === undefined) throw notAllowed(type);
	const row: Row = { fhir: ctx.fhir, now: ctx.clock.now().getTime(), type, alias: 'r', mode: 'index', aliases: { next: 0 } };
	const { branches, filter } = drive(row, await resolve(ctx, tx, type, allowed));
	const stored: Stored[] = [];
	for (const branch of branches) {
		if (stored.length >= limit) break;
		const rows = await tx.query<MatchRow>(
			sql`SELECT r.rid, r.id, r.ver, r.op, r.lu, r.body FROM ${table(type)} r WHERE ${branch} AND ${filter} LIMIT ${raw(String(limit - stored.length))}`,
		);
		for (const { rid, id, ver, op, lu, body } of rows) stored.push({ type, id, rid, version: ver, updated: lu.getTime(), op, body });
	}
	return stored;
}

type MatchRow = { rid: number; id: string; ver: number; op: Stored['op']; lu: Date; body: string };

/** The caller's limits on rows `r` of a type: null when there are none, 'nothing' when none of it is within reach. */
export function restrictSql(ctx: FhirCtx, type: string, interaction: Interaction): Sql | null | 'nothing' {
	const reach = reachOf(ctx, type, interaction);
	if (reach === undefined) return null;
	if (reach === 'nothing') return 'nothing';
	return conditionOf({ fhir: ctx.fhir, now: ctx.clock.now().getTime(), type, alias: 'r', mode: 'filter', aliases: { next: 0 } }, reach);
}
