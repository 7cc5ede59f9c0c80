// Token modifiers that need a value set or a code system: `:in`, `:not-in`, `:above`, `:below` become plain lists of codes.
// What is known: the definitions' value sets, and ValueSet and CodeSystem resources stored here.
import type { Querier } from '#db/database.ts';
import { raw, sql } from '#db/sql.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { conditionOf } from './compile.ts';
import { type Row, table } from './params/row.ts';
import { badValue, tooCostly } from './problems.ts';
import type { Clause, TokenValue } from './query.ts';
import { within } from './restrict.ts';

type ParamClause = Extract<Clause, { is: 'param' }>;
type Concept = { code?: string; concept?: Concept[]; property?: { code?: string; valueCode?: string }[] };
type Include = { system?: string; concept?: Concept[]; filter?: { property?: string; op?: string; value?: string }[]; valueSet?: string[] };
type ValueSet = { url?: string; compose?: { include?: Include[]; exclude?: Include[] }; expansion?: { contains?: Contained[] } };
type Contained = { system?: string; code?: string; abstract?: boolean; contains?: Contained[] };

const maxCodes = 5000;

/** The clause with codes in place of value sets and hierarchies. Throws Problem invalid when one is not known here. */
export async function resolveCodes(ctx: FhirCtx, db: Querier, clause: ParamClause): Promise<Clause> {
	const values: TokenValue[] = [];
	for (const value of clause.values) {
		if (value.is !== 'token') continue;
		const found =
			clause.modifier === 'in' || clause.modifier === 'not-in'
				? await codesOfValueSet(ctx, db, value.text, 0)
				: await relatives(ctx, db, clause, value, clause.modifier === 'below');
		values.push(...found);
	}
	if (values.length > maxCodes) throw tooCostly(`The search stands for ${values.length} codes; at most ${maxCodes} can be looked for.`);
	return { ...clause, modifier: clause.modifier === 'not-in' ? 'not' : undefined, values };
}

async function codesOfValueSet(ctx: FhirCtx, db: Querier, name: string, depth: number): Promise<TokenValue[]> {
	const unknown = badValue('in', name, 'This value set is not known here, or its codes cannot be listed.');
	if (depth > 5) throw unknown;
	const url = name.split('|')[0] as string;
	const stored = await findStored<ValueSet>(ctx, db, 'ValueSet', url);
	if (stored === undefined) {
		const facts = ctx.fhir.definitions.valueSet(url);
		if (facts === undefined || (facts.open ?? []).length > 0) throw unknown;
		return (ctx.fhir.definitions.valueSetCodes(url) ?? []).map(({ system, code }) => tokenOf(system, code));
	}
	if (stored.expansion?.contains !== undefined) return stored.expansion.contains.flatMap(expanded);
	const left = new Set<string>();
	for (const exclude of stored.compose?.exclude ?? []) {
		if (exclude.concept === undefined) throw unknown;
		for (const { code } of exclude.concept) left.add(`${exclude.system}|${code}`);
	}
	const codes: TokenValue[] = [];
	for (const include of stored.compose?.include ?? []) {
		if (include.filter !== undefined) throw unknown;
		for (const inner of include.valueSet ?? []) codes.push(...(await codesOfValueSet(ctx, db, inner, depth + 1)));
		if (include.concept !== undefined) codes.push(...include.concept.map(({ code }) => tokenOf(include.system, code)));
		else if (include.system !== undefined) {
			if (left.size > 0) throw unknown;
			codes.push(tokenOf(include.system, undefined));
		}
	}
	return codes.filter((code) => !left.has(`${code.system}|${code.code}`));
}

function expanded(entry: Contained): TokenValue[] {
	const inner = (entry.contains ?? []).flatMap(expanded);
	return entry.code === undefined || entry.abstract === true ? inner : [tokenOf(entry.system, entry.code), ...inner];
}

/** The code itself with all that it subsumes, or all that subsume it, by the stored CodeSystem. */
async function relatives(ctx: FhirCtx, db: Querier, clause: ParamClause, value: TokenValue, below: boolean): Promise<TokenValue[]> {
	if (value.system === undefined || value.system === '' || value.code === undefined) {
		throw badValue(`${clause.param.code}:${clause.modifier}`, value.text, 'Write system|code.');
	}
	const system = await findStored<{ concept?: Concept[] }>(ctx, db, 'CodeSystem', value.system);
	if (system === undefined) {
		throw badValue(`${clause.param.code}:${clause.modifier}`, value.text, 'The hierarchy of this code system is not known here.');
	}
	const parents = parentsOf(system.concept ?? []);
	const step = below ? childrenOf(parents) : parents;
	const found = new Set<string>([value.code]);
	for (const code of found) for (const next of step.get(code) ?? []) found.add(next);
	return [...found].map((code) => tokenOf(value.system, code));
}

function parentsOf(concepts: readonly Concept[], parent?: string, all = new Map<string, string[]>()): Map<string, string[]> {
	for (const concept of concepts) {
		if (concept.code === undefined) continue;
		const declared = (concept.property ?? []).flatMap(({ code, valueCode }) =>
			code === 'parent' && valueCode !== undefined ? [valueCode] : [],
		);
		all.set(concept.code, [...(all.get(concept.code) ?? []), ...declared, ...(parent === undefined ? [] : [parent])]);
		parentsOf(concept.concept ?? [], concept.code, all);
	}
	return all;
}

function childrenOf(parents: ReadonlyMap<string, readonly string[]>): Map<string, string[]> {
	const children = new Map<string, string[]>();
	for (const [code, above] of parents) for (const parent of above) children.set(parent, [...(children.get(parent) ?? []), code]);
	return children;
}

function tokenOf(system: string | undefined, code: string | undefined): TokenValue {
	return { is: 'token', system, code, text: code ?? '' };
}

/** A stored resource by canonical url or by id ("ValueSet/123"), when the caller may see it. */
async function findStored<T>(ctx: FhirCtx, db: Querier, type: string, url: string): Promise<T | undefined> {
	const byId = url.startsWith(`${type}/`);
	const param = ctx.fhir.registry.param(type, byId ? '_id' : 'url');
	if (param === undefined) return undefined;
	const value = byId ? tokenOf(undefined, url.slice(type.length + 1)) : ({ is: 'uri', text: url } as const);
	const clause = within(ctx, type, { is: 'param', param, modifier: undefined, values: [value] });
	if (clause === undefined) return undefined;
	const row: Row = { fhir: ctx.fhir, now: 0, type, alias: 'r', mode: 'index', aliases: { next: 0 } };
	const [found] = await db.rows(
		sql`SELECT r.body FROM ${table(type)} r WHERE ${conditionOf(row, clause)} ORDER BY r.rid DESC LIMIT ${raw('1')}`,
	);
	return found === undefined ? undefined : (JSON.parse(found[0] as string) as T);
}
