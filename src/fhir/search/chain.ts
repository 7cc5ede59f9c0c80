// Look-ups before the statement: chains, _has, hierarchies, codes and texts. The inner search runs first when its result is small enough to
// name, and the clause becomes a plain list of keys; otherwise it stays and compile.ts writes a semi-join.
import type { Querier } from '#db/database.ts';
import { raw, type Sql, sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { localReference, urlSalt } from '#fhir/store/collector.ts';
import { innerKey, paramSalt, refKey } from '#fhir/store/keys.ts';
import { conditionOf } from './compile.ts';
import { patientColumn } from './params/reference.ts';
import { column, type Row, rowOf, table } from './params/row.ts';
import { tooCostly } from './problems.ts';
import { always, type Clause, isNever, type Link, never } from './query.ts';
import { parentParam, type SearchParam } from './registry.ts';
import { resolveCodes } from './terminology.ts';
import { isBelowListed, resolveBelow, resolveText, resolveWord } from './words.ts';

/** Up to this many inner results are named; beyond, the semi-join is as good. */
export const nameable = 1000;

/** Whether resolving the clause asks the database. */
export function needsLookUp(clause: Clause): boolean {
	switch (clause.is) {
		case 'chain':
		case 'has':
		case 'text':
		case 'word':
		case 'kin':
			return true;
		case 'param':
			return needsCodes(clause) || isBelowListed(clause);
		case 'any':
		case 'all':
			return clause.of.some(needsLookUp);
		case 'not':
			return needsLookUp(clause.of);
		case 'inside':
			return needsLookUp(clause.clause);
		default:
			return false;
	}
}

/** Token modifiers that stand for codes of a value set or a hierarchy. */
export function needsCodes({ param, modifier }: Extract<Clause, { is: 'param' }>): boolean {
	if (param.type !== 'token' || param.mime === true) return false;
	return modifier === 'in' || modifier === 'not-in' || modifier === 'above' || modifier === 'below';
}

/** The clause with everything looked up that is small enough. */
export async function resolve(ctx: FhirCtx, db: Querier, type: string, clause: Clause): Promise<Clause> {
	switch (clause.is) {
		case 'chain':
			return resolveChain(ctx, db, type, clause);
		case 'has':
			return resolveHas(ctx, db, type, clause);
		case 'kin':
			return resolveKin(ctx, db, clause);
		case 'text':
			return resolveText(db, ctx.fhir, type, clause);
		case 'word':
			return resolveWord(db, ctx.fhir, type, clause);
		case 'param':
			if (isBelowListed(clause)) return resolveBelow(db, ctx.fhir, type, clause);
			return needsCodes(clause) ? resolveCodes(ctx, db, clause) : clause;
		case 'any':
		case 'all': {
			if (!needsLookUp(clause)) return clause;
			const of: Clause[] = [];
			for (const part of clause.of) of.push(await resolve(ctx, db, type, part));
			return { is: clause.is, of };
		}
		case 'not':
			return { is: 'not', of: await resolve(ctx, db, type, clause.of) };
		case 'inside':
			return { ...clause, clause: await resolve(ctx, db, clause.type, clause.clause) };
		default:
			return clause;
	}
}

type Chain = Extract<Clause, { is: 'chain' }>;
type Has = Extract<Clause, { is: 'has' }>;
type Kin = Extract<Clause, { is: 'kin' }>;

async function resolveChain(ctx: FhirCtx, db: Querier, type: string, chain: Chain): Promise<Clause> {
	const parts: Clause[] = [];
	const large: Link[] = [];
	for (const link of await linksInside(db, type, chain)) {
		const { param } = chain;
		parts.push({ is: 'inside', param, type: link.type, clause: await resolve(ctx, db, link.type, link.inside) });
	}
	for (const link of chain.links) {
		if (isNever(link.clause)) continue;
		const clause = await resolve(ctx, db, link.type, link.clause);
		const keys =
			chain.param.canonical === true ? await urlKeysOf(ctx, db, link.type, clause) : await keysOf(ctx, db, link.type, clause, 'rk');
		if (keys === undefined) large.push({ ...link, clause });
		else if (keys.length > 0) parts.push({ is: 'refers', param: chain.param, type: link.type, keys });
	}
	if (large.length > 0) parts.push({ ...chain, links: large });
	if (parts.length === 0) return never;
	return parts.length === 1 ? (parts[0] as Clause) : { is: 'any', of: parts };
}

/** Links to types of which some resource of the type contains one and refers to it by the chain's parameter. */
async function linksInside(db: Querier, type: string, { param, links }: Chain): Promise<readonly Link[]> {
	if (param.number > 62) return [];
	const marks = links.map((link) => innerKey(param.code, link.type, ''));
	const rows = await db.rows(
		sql`SELECT m::text FROM unnest(${marks}::int8[]) AS m WHERE EXISTS (SELECT 1 FROM ${table(type)} r WHERE r.keys @> ARRAY[m])`,
	);
	const found = new Set(rows.map(([mark]) => mark as string));
	return links.filter((_, i) => found.has(marks[i] as string));
}

async function resolveHas(ctx: FhirCtx, db: Querier, type: string, has: Has): Promise<Clause> {
	const clause = await resolve(ctx, db, has.type, has.clause);
	if (has.param.canonical === true) return resolveUrls(ctx, db, has.type, has.param, clause);
	const pat = patientColumn(has.param);
	if (pat === undefined || pat.also || type !== 'Patient') return { ...has, clause };
	const keys = await keysOf(ctx, db, has.type, clause, 'pat');
	return keys === undefined ? { ...has, clause } : { is: 'one-of', keys };
}

/** The resources to whose canonical urls those that meet the clause refer: keys that fit are taken over from them. */
async function resolveUrls(ctx: FhirCtx, db: Querier, type: string, param: SearchParam, clause: Clause): Promise<Clause> {
	const row = rowOf(ctx, type, 'index');
	const rows = await db.rows(
		sql`WITH m AS MATERIALIZED (SELECT DISTINCT k - ${raw(paramSalt(param.code))} + ${raw(urlSalt)} AS k FROM ${table(type)} ${raw(row.alias)}, unnest(${column(row, 'keys')}) AS k WHERE ${conditionOf(row, clause)}) SELECT k::text FROM m LIMIT ${raw(String(maxUrls + 1))}`,
	);
	if (rows.length > maxUrls) throw tooCostly('Too many resources are looked through: be more specific.');
	return { is: 'keys', keys: rows.map(([key]) => key as string) };
}

const maxUrls = 20_000;

/** The keys of all rows that meet the clause; undefined when there are too many of them. */
async function keysOf(ctx: FhirCtx, db: Querier, type: string, clause: Clause, name: 'rk' | 'pat'): Promise<string[] | undefined> {
	if (clause === always) return undefined;
	const rows = await db.rows(keysStatement(rowOf(ctx, type, 'index'), clause, name));
	return rows.length > nameable ? undefined : [...new Set(rows.map(([key]) => key as string))];
}

/**
 * At most `nameable + 1` keys of rows that meet the clause. The limit stands outside of what is planned, so that the plan is one for all
 * rows and not one that hopes to meet some early.
 */
export function keysStatement(row: Row, clause: Clause, name: 'rk' | 'pat'): Sql {
	const key = column(row, name);
	const present = name === 'pat' ? sql` AND ${key} IS NOT NULL` : raw('');
	return sql`WITH m AS MATERIALIZED (SELECT ${key} AS k FROM ${table(row.type)} ${raw(row.alias)} WHERE ${conditionOf(row, clause)}${present}) SELECT k::text FROM m LIMIT ${raw(String(nameable + 1))}`;
}

/** The keys of the canonical urls of all rows that meet the clause. Throws Problem invalid `search-too-costly` for too many. */
async function urlKeysOf(ctx: FhirCtx, db: Querier, type: string, clause: Clause): Promise<string[]> {
	const url = ctx.fhir.registry.param(type, 'url');
	if (url === undefined || url.storage.in !== 'string') return [];
	const row = rowOf(ctx, type, 'index');
	const rows = await db.rows(
		sql`WITH m AS MATERIALIZED (SELECT u.v FROM ${table(type)} ${raw(row.alias)} JOIN ${table(type, 'string')} u ON u.rid = ${column(row, 'rid')} AND u.p = ${raw(String(url.number))} WHERE ${conditionOf(row, clause)}) SELECT v FROM m LIMIT ${raw(String(nameable + 1))}`,
	);
	if (rows.length > nameable) throw tooCostly('The chain leads through too many resources: be more specific.');
	return rows.map(([v]) => refKey(localReference(v as string, ctx.fhir.base) ?? (v as string)));
}

/** How far a hierarchy is followed. */
const maxGenerations = 30;

/** What is below or above the named resources, themselves included. https://hl7.org/fhir/R4/search.html#recursive */
async function resolveKin(ctx: FhirCtx, db: Querier, { param, names, below }: Kin): Promise<Clause> {
	const parts: Clause[] = [];
	for (const [type, of] of Map.groupBy(names, (name) => name.split('/')[0] as string)) {
		const up = parentParam(ctx.fhir.registry.params(type), type);
		const keys = new Set(of.map(refKey));
		for (let next = [...keys], i = 0; up !== undefined && next.length > 0 && i < maxGenerations; i++) {
			const row = rowOf(ctx, type, 'index');
			const found = await db.rows(below ? childrenStatement(row, up, next) : parentsStatement(row, up, next));
			next = found.map(([key]) => key as string).filter((key) => !keys.has(key));
			for (const key of next) keys.add(key);
			if (keys.size > nameable) throw tooCostly('The hierarchy is too large to be searched.');
		}
		parts.push({ is: 'refers', param, type, keys: [...keys] });
	}
	return parts.length === 1 ? (parts[0] as Clause) : { is: 'any', of: parts };
}

function childrenStatement(row: Row, up: SearchParam, keys: readonly string[]): Sql {
	const refers: Clause = { is: 'refers', param: up, type: row.type, keys };
	return sql`SELECT ${column(row, 'rk')}::text FROM ${table(row.type)} ${raw(row.alias)} WHERE ${conditionOf(row, refers)} LIMIT ${raw(String(nameable + 1))}`;
}

function parentsStatement(row: Row, up: SearchParam, keys: readonly string[]): Sql {
	const parent = sql`SELECT 1 FROM ${table(row.type)} p WHERE p.rk = k.k - ${raw(paramSalt(up.code))}`;
	return sql`SELECT (k.k - ${raw(paramSalt(up.code))})::text FROM ${table(row.type)} ${raw(row.alias)}, unnest(${column(row, 'keys')}) AS k(k) WHERE ${column(row, 'rk')} = ANY(${keys}::int8[]) AND EXISTS (${parent})`;
}
