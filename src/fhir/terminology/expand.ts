// The codes of a value set: https://hl7.org/fhir/R4/valueset.html#compositions. What is known is worked out; of what is not, the system is
// named as open, so that nobody takes a part for the whole.
import type { Definitions } from '#fhir/definitions/definitions.ts';
import {
	type CodeSystem,
	conceptsOf,
	type Defined,
	type Designation,
	type Filter,
	filtered,
	isAbstract,
	isInactive,
	type Placed,
} from './code-system.ts';
import { isKnownFilter, type Selection, type TableConcept, type TableSystem } from './tables.ts';

export type Concept = {
	readonly system: string | undefined;
	readonly code: string;
	readonly display?: string;
	readonly designation?: readonly Designation[];
	readonly abstract?: true;
	readonly inactive?: true;
};

/** The codes that belong to a value set. */
export type Expansion = {
	/** By system and code (`keyOf`), in the order in which the value set brings them. */
	readonly concepts: ReadonlyMap<string, Concept>;
	/** What comes from systems that are tables, after those; a code can be in both. */
	readonly selections: readonly Selection[];
	/** Systems of which not every code that belongs is here. */
	readonly open: ReadonlySet<string>;
	/** Systems of which only some codes are known here at all: what is listed is right, what is not says nothing. */
	readonly partial: ReadonlySet<string>;
};

type Chosen = { readonly code?: string; readonly display?: string; readonly designation?: readonly Designation[] };
export type Include = {
	readonly system?: string;
	readonly version?: string;
	readonly concept?: readonly Chosen[];
	readonly filter?: readonly Filter[];
	readonly valueSet?: readonly string[];
};
type Contained = Chosen & {
	readonly system?: string;
	readonly abstract?: boolean;
	readonly inactive?: boolean;
	readonly contains?: readonly Contained[];
};

export type ValueSet = {
	readonly url?: string;
	readonly version?: string;
	readonly compose?: { readonly include?: readonly Include[]; readonly exclude?: readonly Include[]; readonly inactive?: boolean };
	readonly expansion?: { readonly contains?: readonly Contained[]; readonly total?: number; readonly offset?: number };
};

/** Where value sets and code systems come from; undefined for what is not there. A canonical url may end in `|version`. */
export type Source = {
	readonly definitions: Definitions;
	readonly valueSet: (canonical: string) => Promise<ValueSet | undefined>;
	readonly codeSystem: (canonical: string) => Promise<CodeSystem | undefined>;
	/** A system that is a table, where none is stored. */
	readonly table: (canonical: string) => Promise<TableSystem | undefined>;
	/** What stands for a system that is not known, for who can do something with all of its codes; without it, such a system is open. */
	readonly unknown?: (url: string) => TableSystem;
	readonly namesIn: (system: TableSystem, codes: readonly string[]) => Promise<ReadonlyMap<string, TableConcept>>;
	/** Those of the codes that a selection takes. */
	readonly within: (selection: Selection, codes: readonly string[]) => Promise<readonly TableConcept[]>;
};

/** Any system: something is open of which not even the system is known. */
export const anySystem = '*';

const none: Expansion = { concepts: new Map(), selections: [], open: new Set(), partial: new Set() };
const unknown: Expansion = { ...none, open: new Set([anySystem]) };

/** How deep value sets may import each other. */
const maxDepth = 10;

/** Names a code of a system. */
export function keyOf(system: string | undefined, code: string): string {
	return `${system ?? ''}|${code}`;
}

/** The codes of the value set with this canonical url: a stored one, else what the definitions know; undefined when nobody knows it. */
export async function expandCanonical(source: Source, canonical: string, depth = 0): Promise<Expansion | undefined> {
	const stored = await source.valueSet(canonical);
	if (stored !== undefined) return expand(source, stored, depth);
	const facts = source.definitions.valueSet(canonical.split('|')[0] as string);
	if (facts === undefined) return implicit(source, canonical, depth);
	const concepts = new Map<string, Concept>();
	for (const [system, codes] of Object.entries(facts.codes)) for (const code of codes) concepts.set(keyOf(system, code), { system, code });
	return { ...none, concepts, open: new Set(facts.open) };
}

/**
 * Value sets that nobody has to define: all codes of a system (`…?fhir_vs`, `…/vs`), or those below a concept (`…?fhir_vs=isa/123`).
 * https://hl7.org/fhir/R4/snomedct.html#implicit, https://hl7.org/fhir/R4/loinc.html
 */
async function implicit(source: Source, canonical: string, depth: number): Promise<Expansion | undefined> {
	const [, system = '', rule] = /^(.+?)(?:\/vs|\?fhir_vs(?:=(.+))?)(?:\|.*)?$/.exec(canonical) ?? [];
	if (system === '' || (await source.table(system)) === undefined) return undefined;
	if (rule === undefined) return expand(source, { compose: { include: [{ system }] } }, depth + 1);
	const [, value] = /^(?:isa|ecl)\/(?:<<\s*)?([A-Za-z0-9.-]+)$/.exec(decodeURIComponent(rule)) ?? [];
	if (value === undefined) return undefined;
	return expand(source, { compose: { include: [{ system, filter: [{ property: 'concept', op: 'is-a', value }] }] } }, depth + 1);
}

/** The codes of a ValueSet resource. */
export async function expand(source: Source, valueSet: ValueSet, depth = 0): Promise<Expansion> {
	const { compose, expansion } = valueSet;
	if (depth > maxDepth) return unknown;
	const composed = compose === undefined ? undefined : await composition(source, compose, depth);
	// An expansion that somebody else made is as good as the definition where the definition cannot be worked out.
	if (expansion?.contains !== undefined && (composed === undefined || composed.open.size > 0)) return ready(expansion);
	return composed ?? unknown;
}

function ready({ contains = [], total, offset = 0 }: Exclude<ValueSet['expansion'], undefined>): Expansion {
	const concepts = new Map<string, Concept>();
	const walk = (list: readonly Contained[]): void => {
		for (const { system, code, contains: inner = [], ...more } of list) {
			if (code !== undefined)
				concepts.set(keyOf(system, code), conceptOf(system, code, more, more.abstract === true, more.inactive === true));
			walk(inner);
		}
	};
	walk(contains);
	const whole = offset === 0 && (total === undefined || total <= concepts.size);
	return { ...none, concepts, open: new Set(whole ? [] : [anySystem]) };
}

function conceptOf(
	system: string | undefined,
	code: string,
	{ display, designation }: Chosen,
	abstract: boolean,
	inactive: boolean,
): Concept {
	return {
		system,
		code,
		...(display === undefined ? {} : { display }),
		...(designation === undefined ? {} : { designation }),
		...(abstract ? { abstract: true as const } : {}),
		...(inactive ? { inactive: true as const } : {}),
	};
}

async function composition(
	source: Source,
	{ include = [], exclude = [], inactive = true }: Exclude<ValueSet['compose'], undefined>,
	depth: number,
): Promise<Expansion> {
	const concepts = new Map<string, Concept>();
	const open = new Set<string>();
	const partial = new Set<string>();
	let selections: Selection[] = [];
	for (const one of include) {
		const part = await includeOf(source, one, depth);
		for (const [key, concept] of part.concepts) if (!concepts.has(key)) concepts.set(key, concept);
		for (const system of part.open) open.add(system);
		for (const system of part.partial) partial.add(system);
		selections.push(...part.selections);
	}
	for (const one of exclude) {
		const part = await includeOf(source, one, depth);
		for (const key of part.concepts.keys()) concepts.delete(key);
		for (const selection of part.selections) await takeAway(source, concepts, selection);
		selections = selections.map((selection) => without(selection, part));
		// What else is excluded is not known: nothing of these systems is certain.
		for (const system of part.open) {
			open.add(system);
			selections = selections.filter((selection) => system !== anySystem && selection.system.url !== system);
			for (const [key, concept] of concepts) if (system === anySystem || concept.system === system) concepts.delete(key);
		}
	}
	if (!inactive) {
		for (const [key, concept] of concepts) if (concept.inactive === true) concepts.delete(key);
		selections = selections.map((selection) => ({ ...selection, activeOnly: true }));
	}
	return { concepts, selections, open, partial };
}

async function takeAway(source: Source, concepts: Map<string, Concept>, selection: Selection): Promise<void> {
	for (const { code } of await source.within(selection, codesOf(concepts.values(), selection)))
		concepts.delete(keyOf(selection.system.url, code));
}

function codesOf(concepts: Iterable<Concept>, { system }: Selection): string[] {
	return [...concepts].filter((concept) => concept.system === system.url).map(({ code }) => code);
}

/** The selection less what another part has of its system. */
function without(selection: Selection, part: Expansion): Selection {
	const codes = new Set(codesOf(part.concepts.values(), selection));
	const others = part.selections.filter(({ system }) => system.url === selection.system.url).map(({ filters }) => filters);
	return { ...selection, without: [...selection.without, ...(codes.size > 0 ? [codes] : []), ...others] };
}

/** What a system gives and every imported value set has. */
async function includeOf(source: Source, include: Include, depth: number): Promise<Expansion> {
	const parts: Expansion[] = [];
	if (include.system !== undefined) parts.push(await ofSystem(source, include.system, include));
	for (const canonical of include.valueSet ?? []) parts.push((await expandCanonical(source, canonical, depth + 1)) ?? unknown);
	let [both = none, ...others] = parts;
	for (const other of others) both = await intersection(source, both, other);
	return both;
}

/** Codes in both; a code of a system that is open on one side may be in it, so its system stays open. */
async function intersection(source: Source, a: Expansion, b: Expansion): Promise<Expansion> {
	const isOpen = ({ open }: Expansion, system: string | undefined): boolean =>
		open.has(anySystem) || (system !== undefined && open.has(system));
	const concepts = new Map<string, Concept>();
	const open = new Set<string>([...a.open].filter((system) => system === anySystem || isOpen(b, system)));
	if (b.open.has(anySystem)) open.add(anySystem);
	for (const [one, other] of [
		[a, b],
		[b, a],
	] as const) {
		for (const [key, concept] of one.concepts) if (other.concepts.has(key)) concepts.set(key, concepts.get(key) ?? concept);
		for (const selection of other.selections) {
			for (const { code } of await source.within(selection, codesOf(one.concepts.values(), selection))) {
				const key = keyOf(selection.system.url, code);
				concepts.set(key, one.concepts.get(key) as Concept);
			}
			if (isOpen(one, selection.system.url)) open.add(selection.system.url);
		}
		for (const [key, { system }] of one.concepts) if (!concepts.has(key) && isOpen(other, system)) open.add(system ?? anySystem);
	}
	const selections = a.selections.flatMap((left) =>
		b.selections.filter(({ system }) => system.url === left.system.url).map((right) => joined(left, right)),
	);
	return { concepts, selections, open, partial: new Set([...a.partial, ...b.partial]) };
}

function joined(a: Selection, b: Selection): Selection {
	const activeOnly = a.activeOnly === true || b.activeOnly === true ? { activeOnly: true as const } : {};
	return { system: a.system, filters: [...a.filters, ...b.filters], without: [...a.without, ...b.without], ...activeOnly };
}

async function ofSystem(source: Source, system: string, { version, concept, filter }: Include): Promise<Expansion> {
	const canonical = version === undefined ? system : `${system}|${version}`;
	const found = await source.codeSystem(canonical);
	if (found === undefined) return ofTable(source, system, await source.table(canonical), concept, filter);
	const known = conceptsOf(found);
	if (concept !== undefined) return chosen(system, concept, (code) => known.get(code)?.defined);
	if (found.content !== 'complete') return { ...none, open: new Set([system]) };
	let kept: readonly Placed[] | undefined = [...known.values()];
	for (const one of filter ?? []) kept = kept === undefined ? undefined : filtered(kept, one);
	if (kept === undefined) return { ...none, open: new Set([system]) };
	return { ...none, concepts: new Map(kept.map(({ code, defined }) => [keyOf(system, code), described(system, code, {}, defined)])) };
}

async function ofTable(
	source: Source,
	system: string,
	table: TableSystem | undefined,
	concept: readonly Chosen[] | undefined,
	filters: readonly Filter[] = [],
): Promise<Expansion> {
	if (concept !== undefined) {
		const codes = concept.flatMap(({ code }) => code ?? []);
		const names = table === undefined ? undefined : await source.namesIn(table, codes);
		return chosen(system, concept, (code) => definedOf(names?.get(code)));
	}
	// Nothing is known of what a filter takes from a system that is not known.
	const whole = table ?? (filters.length === 0 ? source.unknown?.(system) : undefined);
	if (whole === undefined || !filters.every(isKnownFilter)) return { ...none, open: new Set([system]) };
	return { ...none, selections: [{ system: whole, filters, without: [] }], partial: new Set(whole.complete ? [] : [system]) };
}

function definedOf(concept: TableConcept | undefined): Defined | undefined {
	if (concept === undefined) return undefined;
	const property = [
		...(concept.abstract ? [{ code: 'notSelectable', valueBoolean: true }] : []),
		...(concept.inactive ? [{ code: 'inactive', valueBoolean: true }] : []),
	];
	return { code: concept.code, display: concept.display, property };
}

function chosen(system: string, list: readonly Chosen[], defined: (code: string) => Defined | undefined): Expansion {
	const concepts = list.flatMap(({ code, ...more }): [string, Concept][] =>
		code === undefined ? [] : [[keyOf(system, code), described(system, code, more, defined(code))]],
	);
	return { ...none, concepts: new Map(concepts) };
}

/** A concept of a table as one of an expansion. */
export function tabled(system: string, { code, display, inactive, abstract }: TableConcept): Concept {
	return conceptOf(system, code, { display }, abstract, inactive);
}

/** What the value set says of a code, and beside it what its system does. */
function described(system: string, code: string, said: Chosen, defined: Defined | undefined): Concept {
	const display = said.display ?? defined?.display;
	const designation = said.designation ?? defined?.designation;
	const shown: Chosen = { ...(display === undefined ? {} : { display }), ...(designation === undefined ? {} : { designation }) };
	return conceptOf(system, code, shown, defined !== undefined && isAbstract(defined), defined !== undefined && isInactive(defined));
}
