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

export type Concept = {
	readonly system: string | undefined;
	readonly code: string;
	readonly display?: string;
	readonly designation?: readonly Designation[];
	readonly abstract?: true;
	readonly inactive?: true;
};

/** By system and code (`keyOf`), in the order in which the value set brings them. `open`: systems of which not every code that belongs is here. */
export type Expansion = { readonly concepts: ReadonlyMap<string, Concept>; readonly open: ReadonlySet<string> };

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
};

/** Any system: something is open of which not even the system is known. */
export const anySystem = '*';

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
	if (facts === undefined) return undefined;
	const concepts = new Map<string, Concept>();
	for (const [system, codes] of Object.entries(facts.codes)) for (const code of codes) concepts.set(keyOf(system, code), { system, code });
	return { concepts, open: new Set(facts.open) };
}

/** The codes of a ValueSet resource. */
export async function expand(source: Source, valueSet: ValueSet, depth = 0): Promise<Expansion> {
	const { compose, expansion } = valueSet;
	if (depth > maxDepth) return { concepts: new Map(), open: new Set([anySystem]) };
	const composed = compose === undefined ? undefined : await composition(source, compose, depth);
	// An expansion that somebody else made is as good as the definition where the definition cannot be worked out.
	if (expansion?.contains !== undefined && (composed === undefined || composed.open.size > 0)) return ready(expansion);
	return composed ?? { concepts: new Map(), open: new Set([anySystem]) };
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
	return { concepts, open: new Set(whole ? [] : [anySystem]) };
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
	for (const one of include) {
		const part = await includeOf(source, one, depth);
		for (const [key, concept] of part.concepts) if (!concepts.has(key)) concepts.set(key, concept);
		for (const system of part.open) open.add(system);
	}
	for (const one of exclude) {
		const part = await includeOf(source, one, depth);
		for (const key of part.concepts.keys()) concepts.delete(key);
		// What else is excluded is not known: nothing of these systems is certain.
		for (const system of part.open) {
			open.add(system);
			for (const [key, concept] of concepts) if (system === anySystem || concept.system === system) concepts.delete(key);
		}
	}
	if (!inactive) for (const [key, concept] of concepts) if (concept.inactive === true) concepts.delete(key);
	return { concepts, open };
}

/** What a system gives and every imported value set has. */
async function includeOf(source: Source, include: Include, depth: number): Promise<Expansion> {
	const parts: Expansion[] = [];
	if (include.system !== undefined) parts.push(await ofSystem(source, include.system, include));
	for (const canonical of include.valueSet ?? []) {
		parts.push((await expandCanonical(source, canonical, depth + 1)) ?? { concepts: new Map(), open: new Set([anySystem]) });
	}
	return parts.length === 0 ? { concepts: new Map(), open: new Set() } : parts.reduce(intersection);
}

/** Codes in both; a code of a system that is open on one side may be in it, so its system stays open. */
function intersection(a: Expansion, b: Expansion): Expansion {
	const isOpen = ({ open }: Expansion, system: string | undefined): boolean =>
		open.has(anySystem) || (system !== undefined && open.has(system));
	const concepts = new Map([...a.concepts].filter(([key]) => b.concepts.has(key)));
	const open = new Set<string>([...a.open].filter((system) => system === anySystem || isOpen(b, system)));
	if (b.open.has(anySystem)) open.add(anySystem);
	for (const [one, other] of [
		[a, b],
		[b, a],
	] as const) {
		for (const [key, { system }] of one.concepts) if (!other.concepts.has(key) && isOpen(other, system)) open.add(system ?? anySystem);
	}
	return { concepts, open };
}

async function ofSystem(source: Source, system: string, { version, concept, filter }: Include): Promise<Expansion> {
	const found = await source.codeSystem(version === undefined ? system : `${system}|${version}`);
	const known = found === undefined ? undefined : conceptsOf(found);
	if (concept !== undefined) {
		const chosen = concept.flatMap(({ code, ...more }): [string, Concept][] =>
			code === undefined ? [] : [[keyOf(system, code), described(system, code, more, known?.get(code)?.defined)]],
		);
		return { concepts: new Map(chosen), open: new Set() };
	}
	if (known === undefined || found?.content !== 'complete') return { concepts: new Map(), open: new Set([system]) };
	let kept: readonly Placed[] | undefined = [...known.values()];
	for (const one of filter ?? []) kept = kept === undefined ? undefined : filtered(kept, one);
	if (kept === undefined) return { concepts: new Map(), open: new Set([system]) };
	return {
		concepts: new Map(kept.map(({ code, defined }) => [keyOf(system, code), described(system, code, {}, defined)])),
		open: new Set(),
	};
}

/** What the value set says of a code, and beside it what its system does. */
function described(system: string, code: string, said: Chosen, defined: Defined | undefined): Concept {
	const display = said.display ?? defined?.display;
	const designation = said.designation ?? defined?.designation;
	const shown: Chosen = { ...(display === undefined ? {} : { display }), ...(designation === undefined ? {} : { designation }) };
	return conceptOf(system, code, shown, defined !== undefined && isAbstract(defined), defined !== undefined && isInactive(defined));
}
