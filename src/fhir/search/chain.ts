// Chains, _has and look-ups of texts and codes: the inner search runs first when its result is small enough to name, and
// the clause becomes a plain list of keys; otherwise it stays and compile.ts writes a semi-join.
import type { Querier } from '#db/database.ts';
import { join, raw, type Sql, sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { drive } from './driver.ts';
import { patientColumn } from './params/reference.ts';
import { column, type Row, table } from './params/row.ts';
import { always, type Clause, type Link, never } from './query.ts';
import { resolveCodes } from './terminology.ts';
import { resolveWords } from './words.ts';

/** Up to this many inner results are named; beyond, the semi-join is as good. */
export const nameable = 1000;

/** Whether resolving the clause asks the database. */
export function needsLookUp(clause: Clause): boolean {
	switch (clause.is) {
		case 'chain':
		case 'has':
		case 'words':
			return true;
		case 'param':
			return clause.modifier === 'in' || clause.modifier === 'not-in' || clause.modifier === 'above' || clause.modifier === 'below';
		case 'any':
		case 'all':
			return clause.of.some(needsLookUp);
		case 'not':
			return needsLookUp(clause.of);
		default:
			return false;
	}
}

/** The clause with everything looked up that is small enough. */
export async function resolve(ctx: FhirCtx, db: Querier, type: string, clause: Clause): Promise<Clause> {
	switch (clause.is) {
		case 'chain':
			return resolveChain(ctx, db, clause);
		case 'has':
			return resolveHas(ctx, db, type, clause);
		case 'words':
			return resolveWords(db, ctx.fhir, type, clause);
		case 'param':
			return needsLookUp(clause) ? resolveCodes(ctx, db, clause) : clause;
		case 'any':
		case 'all': {
			if (!needsLookUp(clause)) return clause;
			const of: Clause[] = [];
			for (const part of clause.of) of.push(await resolve(ctx, db, type, part));
			return { is: clause.is, of };
		}
		case 'not':
			return { is: 'not', of: await resolve(ctx, db, type, clause.of) };
		default:
			return clause;
	}
}

type Chain = Extract<Clause, { is: 'chain' }>;
type Has = Extract<Clause, { is: 'has' }>;

async function resolveChain(ctx: FhirCtx, db: Querier, chain: Chain): Promise<Clause> {
	const parts: Clause[] = [];
	const large: Link[] = [];
	for (const link of chain.links) {
		const clause = await resolve(ctx, db, link.type, link.clause);
		const keys = await keysOf(ctx, db, link.type, clause, 'rk');
		if (keys === undefined) large.push({ type: link.type, clause });
		else if (keys.length > 0) parts.push({ is: 'refers', param: chain.param, type: link.type, keys });
	}
	if (large.length > 0) parts.push({ ...chain, links: large });
	if (parts.length === 0) return never;
	return parts.length === 1 ? (parts[0] as Clause) : { is: 'any', of: parts };
}

async function resolveHas(ctx: FhirCtx, db: Querier, type: string, has: Has): Promise<Clause> {
	const clause = await resolve(ctx, db, has.type, has.clause);
	const pat = patientColumn(has.param);
	if (pat === undefined || pat.also || type !== 'Patient') return { ...has, clause };
	const keys = await keysOf(ctx, db, has.type, clause, 'pat');
	return keys === undefined ? { ...has, clause } : { is: 'one-of', keys };
}

/** The keys of all rows that meet the clause; undefined when there are too many of them. */
async function keysOf(ctx: FhirCtx, db: Querier, type: string, clause: Clause, name: 'rk' | 'pat'): Promise<string[] | undefined> {
	if (clause === always) return undefined;
	const row: Row = { fhir: ctx.fhir, now: ctx.clock.now().getTime(), type, alias: 'r', mode: 'index', aliases: { next: 0 } };
	const rows = await db.rows(keysStatement(row, clause, name));
	return rows.length > nameable ? undefined : [...new Set(rows.map(([key]) => key as string))];
}

/** At most `nameable + 1` keys of rows that meet the clause. */
export function keysStatement(row: Row, clause: Clause, name: 'rk' | 'pat'): Sql {
	const { branches, filter } = drive(row, clause);
	const key = column(row, name);
	const present = name === 'pat' ? sql` AND ${key} IS NOT NULL` : raw('');
	const limit = raw(`LIMIT ${nameable + 1}`);
	const parts = branches.map(
		(branch) => sql`(SELECT ${key}::text AS k FROM ${table(row.type)} ${raw(row.alias)} WHERE ${branch} AND ${filter}${present} ${limit})`,
	);
	return parts.length === 1 ? (parts[0] as Sql) : sql`SELECT k FROM (${join(parts, ' UNION ALL ')}) u ${limit}`;
}
