// Token modifiers that need a value set or a code system: `:in`, `:not-in`, `:above`, `:below` become plain lists of codes.
// What is known: the definitions' value sets, ValueSet and CodeSystem resources stored here, and code systems that were loaded.
import type { Querier } from '#db/database.ts';
import { raw, sql } from '#db/sql.ts';
import type { Fhir, FhirCtx } from '#fhir/ctx.ts';
import { expandCanonical, type Source } from '#fhir/terminology/expand.ts';
import { conceptsByCode, findSystem, listed, relatedCodes, type Selection, type TableSystem, within } from '#fhir/terminology/tables.ts';
import { conditionOf } from './compile.ts';
import { type Row, table } from './params/row.ts';
import { badValue, tooCostly } from './problems.ts';
import type { Clause, TokenValue } from './query.ts';
import { within as reach } from './restrict.ts';

type ParamClause = Extract<Clause, { is: 'param' }>;
type Concept = { code?: string; concept?: Concept[]; property?: { code?: string; valueCode?: string }[] };

const maxCodes = 5000;

/** The clause with codes in place of value sets and hierarchies. Throws Problem invalid when one is not known here. */
export async function resolveCodes(ctx: FhirCtx, db: Querier, clause: ParamClause): Promise<Clause> {
	const { modifier } = clause;
	const values: TokenValue[] = [];
	for (const value of clause.values) {
		if (value.is !== 'token') continue;
		const inValueSet = modifier === 'in' || modifier === 'not-in';
		const found = inValueSet ? await codesOfValueSet(ctx, db, value.text) : await relatives(ctx, db, clause, value, modifier === 'below');
		if (found === undefined)
			throw badValue(`${clause.param.code}:${modifier}`, value.text, 'This value set is not known here, or its codes cannot be listed.');
		values.push(...found);
	}
	if (values.length > maxCodes) throw tooCostly(`The search stands for ${values.length} codes; at most ${maxCodes} can be looked for.`);
	return { ...clause, modifier: modifier === 'not-in' ? 'not' : undefined, values };
}

/** The clause with the codes of value sets that the definitions list; undefined when it asks for anything else. */
export function knownCodes(fhir: Fhir, clause: ParamClause): Clause | undefined {
	if (clause.modifier !== 'in' && clause.modifier !== 'not-in') return undefined;
	const values: TokenValue[] = [];
	for (const value of clause.values) {
		const codes = value.is === 'token' ? listedCodes(fhir, value.text) : undefined;
		if (codes === undefined) return undefined;
		values.push(...codes);
	}
	return { ...clause, modifier: clause.modifier === 'not-in' ? 'not' : undefined, values };
}

function listedCodes(fhir: Fhir, name: string): TokenValue[] | undefined {
	const url = name.split('|')[0] as string;
	const facts = fhir.definitions.valueSet(url);
	if (facts === undefined || (facts.open ?? []).length > 0) return undefined;
	return (fhir.definitions.valueSetCodes(url) ?? []).map(({ system, code }) => tokenOf(system, code));
}

/**
 * The codes of a value set, as `ValueSet/$expand` lists them; undefined when it is not known here, or cannot be listed. All codes of a system are
 * one token, also where the system is not known.
 */
async function codesOfValueSet(ctx: FhirCtx, db: Querier, canonical: string): Promise<TokenValue[] | undefined> {
	const expansion = await expandCanonical(sourceIn(ctx, db), canonical);
	if (expansion === undefined || expansion.open.size > 0) return undefined;
	const tokens = [...expansion.concepts.values()]
		.filter(({ abstract }) => abstract !== true)
		.map(({ system, code }) => tokenOf(system, code));
	for (const selection of expansion.selections) {
		const own = await tokensOf(db, selection, expansion.partial);
		if (own === undefined) return undefined;
		tokens.push(...own);
	}
	return tokens;
}

async function tokensOf(db: Querier, selection: Selection, partial: ReadonlySet<string>): Promise<TokenValue[] | undefined> {
	const { system, filters, without, activeOnly } = selection;
	if (filters.length === 0 && without.length === 0 && (activeOnly !== true || isUnknown(system))) return [tokenOf(system.url, undefined)];
	if (isUnknown(system)) return without.some(isAll) ? [] : undefined;
	if (partial.has(system.url)) return undefined;
	const { concepts } = await listed(db, selection, { offset: 0, count: maxCodes + 1, activeOnly: false });
	return concepts.filter(({ abstract }) => !abstract).map(({ code }) => tokenOf(system.url, code));
}

/** What is known within the statement's transaction. A system that is not known has any code, and no more is known of it. */
function sourceIn(ctx: FhirCtx, db: Querier): Source {
	return {
		definitions: ctx.fhir.definitions,
		valueSet: (canonical) => findStored(ctx, db, 'ValueSet', canonical),
		codeSystem: (canonical) => findStored(ctx, db, 'CodeSystem', canonical),
		table: (canonical) => findSystem(db, canonical),
		unknown: unknownSystem,
		namesIn: (system, codes) => conceptsByCode(db, system, codes),
		within: async (selection, codes) => {
			if (codes.length === 0) return [];
			if (!isUnknown(selection.system)) return within(db, selection, codes);
			const left = codes.filter((code) => !selection.without.some((one) => isAll(one) || (one as ReadonlySet<string>).has(code)));
			return left.map((code) => ({ code, display: code, inactive: false, abstract: false }));
		},
	};
}

/** Whether all of a system is taken away: by no code and no filter. */
function isAll(without: Selection['without'][number]): boolean {
	return Array.isArray(without) && without.length === 0;
}

const noNumber = -1;

function unknownSystem(url: string): TableSystem {
	return { number: noNumber, url, version: undefined, name: '', title: '', complete: true, hierarchy: false, concepts: 0 };
}

function isUnknown({ number }: TableSystem): boolean {
	return number === noNumber;
}

/** The code itself with all that it subsumes, or all that subsume it, by the stored CodeSystem. */
async function relatives(ctx: FhirCtx, db: Querier, clause: ParamClause, value: TokenValue, below: boolean): Promise<TokenValue[]> {
	const { code } = value;
	const system = value.system ?? clause.param.system;
	const name = `${clause.param.code}:${clause.modifier}`;
	if (system === undefined || system === '' || code === undefined) throw badValue(name, value.text, 'Write system|code.');
	const found = await hierarchy(ctx, db, system, code, below);
	if (found === undefined) throw badValue(name, value.text, 'The hierarchy of this code system is not known here.');
	return found;
}

async function hierarchy(ctx: FhirCtx, db: Querier, system: string, code: string, below: boolean): Promise<TokenValue[] | undefined> {
	const stored = await findStored<{ concept?: Concept[] }>(ctx, db, 'CodeSystem', system);
	if (stored === undefined) {
		const loaded = await findSystem(db, system);
		if (loaded === undefined) return undefined;
		return (await relatedCodes(db, loaded, code, below, maxCodes + 1)).map((one) => tokenOf(system, one));
	}
	const parents = parentsOf(stored.concept ?? []);
	const step = below ? childrenOf(parents) : parents;
	const found = new Set<string>([code]);
	for (const one of found) for (const next of step.get(one) ?? []) found.add(next);
	return [...found].map((one) => tokenOf(system, one));
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
async function findStored<T>(ctx: FhirCtx, db: Querier, type: string, canonical: string): Promise<T | undefined> {
	const [url = '', version] = canonical.split('|');
	const byId = url.startsWith(`${type}/`);
	const param = ctx.fhir.registry.param(type, byId ? '_id' : 'url');
	if (param === undefined) return undefined;
	const value = byId ? tokenOf(undefined, url.slice(type.length + 1)) : ({ is: 'uri', text: url } as const);
	const named: Clause = { is: 'param', param, modifier: undefined, values: [value] };
	const versionParam = version === undefined ? undefined : ctx.fhir.registry.param(type, 'version');
	const versioned: Clause[] =
		versionParam === undefined ? [] : [{ is: 'param', param: versionParam, modifier: undefined, values: [tokenOf(undefined, version)] }];
	const clause = reach(ctx, type, { is: 'all', of: [named, ...versioned] });
	if (clause === undefined) return undefined;
	const row: Row = { fhir: ctx.fhir, now: 0, type, alias: 'r', mode: 'index', aliases: { next: 0 } };
	const [found] = await db.rows(
		sql`SELECT r.body FROM ${table(type)} r WHERE ${conditionOf(row, clause)} ORDER BY r.rid DESC LIMIT ${raw('1')}`,
	);
	return found === undefined ? undefined : (JSON.parse(found[0] as string) as T);
}
