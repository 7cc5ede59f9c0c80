// What stands at the end of every transaction that writes: things that are kept once for all resources, then the checks that no
// reference leads nowhere. References are checked against rows locked by FOR KEY SHARE and deletes look for referrers after they hold
// their row, so that of a create and a delete that cross, one is refused.
import type { Prepared } from '#db/pipeline.ts';
import type { Definitions } from '#fhir/definitions/definitions.ts';
import { patientLink } from './collector.ts';
import { type Key, type TokenText, typeNumber } from './layout.ts';
import type { End, Plan } from './plan.ts';
import { holdsNothing } from './sought.ts';
import {
	demandLinks,
	demandNoPatients,
	demandTargets,
	demandUnreferenced,
	foldCounts,
	indexesOnly,
	insertLinks,
	insertTexts,
	insertUsedTypes,
	type Link,
} from './statements.ts';

/** What is known to be in the database already, and need not be written again. */
export type Known = {
	readonly types: Set<string>;
	/** By source type, as in IndexRow.links. */
	readonly links: Map<string, Set<string>>;
	/** Keys of texts by the type that has them; a key tells the parameter too. */
	readonly texts: Map<string, Set<Key>>;
	/** Transactions since the counts of rows were added up. */
	uncounted: number;
};

/** Of a type. */
const rememberedTexts = 10_000;
const foldEvery = 500;

export function createKnown(): Known {
	return { types: new Set(), links: new Map(), texts: new Map(), uncounted: 0 };
}

export type Closing = {
	readonly statements: readonly Prepared[];
	/** To be called after the commit. */
	readonly remember: () => void;
};

/** The statements that end a transaction which carries out these plans. `links` are needed when something is deleted. */
export function closingOf(
	plans: readonly Plan[],
	known: Known,
	links: readonly Link[],
	definitions: Definitions,
	integrity: boolean,
): Closing {
	const types = [...new Set(plans.flatMap((plan) => [...plan.types]))].filter((type) => !known.types.has(type));
	const ends = mergedEnds(plans);
	const newLinks = unknownLinks(ends, known.links);
	const texts = unknownTexts(plans, known.texts);
	const statements: Prepared[] = [];
	if (types.length > 0) statements.push(insertUsedTypes(types));
	if (newLinks.size > 0) statements.push(insertLinks([...newLinks.values()]));
	if (texts.length > 0) statements.push(insertTexts(texts.map(({ on, text }) => ({ ...text, type: typeNumber(definitions, on) }))));
	if (integrity) statements.push(...targetChecks(ends), ...sourceChecks(ends, links));
	// Last, because it waits for others that do the same.
	if (++known.uncounted >= foldEvery) {
		known.uncounted = 0;
		statements.push(foldCounts);
	}
	return {
		statements,
		remember() {
			for (const type of types) known.types.add(type);
			for (const { source, target, param } of newLinks.values()) known.links.get(source)?.add(`${target} ${param}`);
			for (const { on, text } of texts) remember(known.texts, on, text.k);
		},
	};
}

/** The texts that are not known to be there, each once. */
function unknownTexts(plans: readonly Plan[], known: Known['texts']): { readonly on: string; readonly text: TokenText }[] {
	const found: { on: string; text: TokenText }[] = [];
	const seen = new Set<string>();
	for (const plan of plans) {
		for (const { on, of } of plan.texts) {
			const ofType = known.get(on);
			for (const text of of) {
				if (ofType?.has(text.k) === true || seen.has(`${on} ${text.k}`)) continue;
				seen.add(`${on} ${text.k}`);
				found.push({ on, text });
			}
		}
	}
	return found;
}

function remember(known: Known['texts'], on: string, key: Key): void {
	const ofType = known.get(on) ?? new Set();
	if (ofType.size >= rememberedTexts) ofType.clear();
	known.set(on, ofType.add(key));
}

/** Where the plans leave each resource, one after the other. */
function mergedEnds(plans: readonly Plan[]): ReadonlyMap<string, End> {
	const [first] = plans;
	if (plans.length === 1 && first !== undefined) return first.ends;
	const merged = new Map<string, End>();
	for (const plan of plans) {
		for (const [name, end] of plan.ends) {
			const before = merged.get(name);
			const { references } = end;
			const added =
				before === undefined ? end.added : [...new Set([...before.added, ...end.added])].filter((one) => references.includes(one));
			merged.set(name, { ...end, added });
		}
	}
	return merged;
}

function unknownLinks(ends: ReadonlyMap<string, End>, known: Known['links']): Map<string, Link> {
	const found = new Map<string, Link>();
	for (const { type, links } of ends.values()) {
		let ofType = known.get(type);
		if (ofType === undefined) {
			ofType = new Set();
			known.set(type, ofType);
		}
		for (const link of links) {
			if (ofType.has(link)) continue;
			const [target = '', param = ''] = link.split(' ');
			found.set(`${type} ${link}`, { source: type, target, param });
		}
	}
	return found;
}

function typeIn(reference: string): string {
	return reference.slice(0, reference.indexOf('/'));
}

/** Sorted by type and id, so that two transactions lock in the same order. */
function targetChecks(ends: ReadonlyMap<string, End>): Prepared[] {
	const wanted = new Map<string, Set<string>>();
	for (const { added } of ends.values()) {
		for (const reference of added) {
			const type = typeIn(reference);
			const ids = wanted.get(type);
			const id = reference.slice(type.length + 1);
			if (ids === undefined) wanted.set(type, new Set([id]));
			else ids.add(id);
		}
	}
	return [...wanted].sort(([a], [b]) => (a < b ? -1 : 1)).map(([type, ids]) => demandTargets(type, [...ids]));
}

function sourceChecks(ends: ReadonlyMap<string, End>, links: readonly Link[]): Prepared[] {
	const gone = Map.groupBy(
		[...ends.values()].filter(({ deleted }) => deleted),
		({ type }) => type,
	);
	const checks: Prepared[] = [];
	for (const [type, of] of gone) {
		const keys = of.map(({ rk }) => rk);
		const known = links.filter(({ target }) => target === type);
		checks.push(demandLinks(type, known));
		for (const [source, ways] of Map.groupBy(known, (link) => link.source)) {
			if (source === holdsNothing) continue;
			const params = ways.map(({ param }) => param).filter((param) => param !== patientLink);
			if (params.length < ways.length) checks.push(demandNoPatients(source, keys));
			if (params.length > 0) checks.push(demandUnreferenced(source, keys, params));
		}
	}
	return checks.length === 0 ? [] : [indexesOnly, ...checks];
}
