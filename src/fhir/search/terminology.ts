// Token modifiers that need a value set or a code system: `:in`, `:not-in`, `:above`, `:below` become plain lists of codes.
// What is known: the definitions' value sets, ValueSet and CodeSystem resources stored here, and code systems that were loaded.
import type { Querier } from '#db/database.ts';
import { raw, sql } from '#db/sql.ts';
import type { Fhir, FhirCtx } from '#fhir/ctx.ts';
import type { Filter } from '#fhir/terminology/code-system.ts';
import { findSystem, isKnownFilter, listed, relatedCodes } from '#fhir/terminology/tables.ts';
import { conditionOf } from './compile.ts';
import { type Row, table } from './params/row.ts';
import { badValue, tooCostly } from './problems.ts';
import type { Clause, TokenValue } from './query.ts';
import { within } from './restrict.ts';

type ParamClause = Extract<Clause, { is: 'param' }>;
type Concept = { code?: string; concept?: Concept[]; property?: { code?: string; valueCode?: string }[] };
type Include = { system?: string; concept?: Concept[]; filter?: Filter[]; valueSet?: string[] };
type ValueSet = { url?: string; compose?: { include?: Include[]; exclude?: Include[] }; expansion?: { contains?: Contained[] } };
type Contained = { system?: string; code?: string; abstract?: boolean; contains?: Contained[] };

const maxCodes = 5000;

/** The clause with codes in place of value sets and hierarchies. Throws Problem invalid when one is not known here. */
export async function resolveCodes(ctx: FhirCtx, db: Querier, clause: ParamClause): Promise<Clause> {
	const { modifier } = clause;
	const values: TokenValue[] = [];
	for (const value of clause.values) {
		if (value.is !== 'token') continue;
		const inValueSet = modifier === 'in' || modifier === 'not-in';
		const found = inValueSet
			? await codesOfValueSet(ctx, db, value.text, 0)
			: await relatives(ctx, db, clause, value, modifier === 'below');
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

/** The codes of a value set; undefined when it is not known here, or cannot be listed. */
async function codesOfValueSet(ctx: FhirCtx, db: Querier, name: string, depth: number): Promise<TokenValue[] | undefined> {
	if (depth > 5) return undefined;
	const url = name.split('|')[0] as string;
	const stored = await findStored<ValueSet>(ctx, db, 'ValueSet', url);
	if (stored === undefined) return listedCodes(ctx.fhir, url);
	if (stored.expansion?.contains !== undefined) return stored.expansion.contains.flatMap(expanded);
	const part = (include: Include): Promise<TokenValue[] | undefined> => codesOfInclude(ctx, db, include, depth);
	const codes: TokenValue[] = [];
	for (const include of stored.compose?.include ?? []) {
		const found = await part(include);
		if (found === undefined) return undefined;
		codes.push(...found);
	}
	for (const exclude of stored.compose?.exclude ?? []) {
		const left = await part(exclude);
		// All codes of a system less some cannot be listed.
		if (left === undefined || codes.some((code) => code.code === undefined && left.some(({ system }) => system === code.system)))
			return undefined;
		codes.splice(0, codes.length, ...codes.filter((code) => !isAmong(code, left)));
	}
	return codes;
}

/** What is in the system's part and in each of the value sets that an include names; undefined when that cannot be listed. */
async function codesOfInclude(ctx: FhirCtx, db: Querier, include: Include, depth: number): Promise<TokenValue[] | undefined> {
	const lists: TokenValue[][] = [];
	const { system, concept, filter, valueSet = [] } = include;
	if (concept !== undefined) lists.push(concept.map(({ code }) => tokenOf(system, code)));
	else if (filter !== undefined) {
		const [only, ...more] = filter;
		if (system === undefined || only === undefined) return undefined;
		const isA = only.property === 'concept' && only.op === 'is-a' && only.value !== undefined && more.length === 0;
		const found = (isA ? await hierarchy(ctx, db, system, only.value as string, true) : undefined) ?? (await selected(db, system, filter));
		if (found === undefined) return undefined;
		lists.push(found);
	} else if (system !== undefined) lists.push([tokenOf(system, undefined)]);
	for (const inner of valueSet) {
		const found = await codesOfValueSet(ctx, db, inner, depth + 1);
		if (found === undefined) return undefined;
		lists.push(found);
	}
	const [first = [], ...others] = lists;
	return others.reduce((codes, list) => both(codes, list), first);
}

/** Codes of a loaded system that filters let through; undefined when it is not known, or not in full. */
async function selected(db: Querier, system: string, filters: readonly Filter[]): Promise<TokenValue[] | undefined> {
	const loaded = await findSystem(db, system);
	if (loaded?.complete !== true || !filters.every(isKnownFilter)) return undefined;
	const { concepts } = await listed(db, { system: loaded, filters, without: [] }, { offset: 0, count: maxCodes + 1, activeOnly: false });
	return concepts.map(({ code }) => tokenOf(system, code));
}

/** What two lists have in common; a token without a code stands for all of its system. */
function both(a: readonly TokenValue[], b: readonly TokenValue[]): TokenValue[] {
	return [
		...a.filter((code) => isAmong(code, b)),
		...b.filter((code) => code.code !== undefined && isAmong(code, a) && !isListed(code, a)),
	];
}

function isListed({ system, code }: TokenValue, list: readonly TokenValue[]): boolean {
	return list.some((one) => one.system === system && one.code === code);
}

function isAmong({ system, code }: TokenValue, list: readonly TokenValue[]): boolean {
	return list.some((one) => one.system === system && (one.code === undefined || one.code === code));
}

function expanded(entry: Contained): TokenValue[] {
	const inner = (entry.contains ?? []).flatMap(expanded);
	return entry.code === undefined || entry.abstract === true ? inner : [tokenOf(entry.system, entry.code), ...inner];
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
