// _summary and _elements: bodies are parsed here, and only here, to leave elements out and say so with the tag SUBSETTED.
// https://hl7.org/fhir/R4/search.html#summary
import type { Fhir } from '#fhir/ctx.ts';
import type { ElementFacts } from '#fhir/definitions/facts.ts';
import { suffixOf } from '#fhir/path/values.ts';
import { parseJson } from '#fhir/wire/json.ts';
import type { Hit } from './bundle.ts';
import type { Summary } from './query.ts';

export type Subset = { readonly summary: Summary; readonly elements: readonly string[] };

/** The hits with what the query leaves out taken away; the same array when it leaves nothing out. */
export function summarise(fhir: Fhir, query: Subset, hits: readonly Hit[]): readonly Hit[] {
	if (isWhole(query)) return hits;
	const masks = new Map<string, Mask>();
	return hits.map((hit) => {
		let mask = masks.get(hit.type);
		if (mask === undefined) {
			mask = maskOf(fhir, hit.type, query);
			masks.set(hit.type, mask);
		}
		return { ...hit, body: cut(hit.body, mask) };
	});
}

/** One resource's body with what `_summary` and `_elements` leave out taken away. */
export function subsetBody(fhir: Fhir, type: string, body: string, subset: Subset): string {
	return isWhole(subset) ? body : cut(body, maskOf(fhir, type, subset));
}

function isWhole(subset: Subset): boolean {
	return (subset.summary === 'false' || subset.summary === 'count') && subset.elements.length === 0;
}

/** For each element path that is looked into, the names that stay; undefined stands for everything. */
type Mask = { readonly type: string; readonly names: ReadonlyMap<string, ReadonlySet<string>>; readonly without: ReadonlySet<string> };

const always: readonly string[] = ['resourceType', 'id', 'meta'];

function maskOf(fhir: Fhir, type: string, { summary, elements }: Subset): Mask {
	if (elements.length === 0 && summary === 'data') return { type, names: new Map(), without: new Set(['text']) };
	const wanted = new Set(elements.flatMap((name) => wantedName(type, name)));
	const names = new Map<string, Set<string>>([[type, new Set(always)]]);
	for (const element of fhir.definitions.structure(type)?.elements ?? []) {
		const dot = element.path.lastIndexOf('.');
		if (dot < 0 || element.slice !== undefined) continue;
		const parent = element.path.slice(0, dot);
		const name = element.path.slice(dot + 1);
		const top = parent === type;
		if (!top && (summary !== 'true' || elements.length > 0)) continue;
		const mandatory = element.min > 0;
		const chosen =
			elements.length > 0 ? wanted.has(name.replace('[x]', '')) || element.modifier === true : isChosen(summary, name, element.summary);
		const kept = names.get(parent);
		if (!mandatory && !chosen) for (const one of chosenTypes(element, name, wanted)) kept?.add(one);
		else if (kept !== undefined) kept.add(name);
		else if (!top) names.set(parent, new Set(['id', 'extension', 'modifierExtension', name]));
	}
	return { type, names, without: new Set() };
}

function wantedName(type: string, name: string): string[] {
	const [first = '', second] = name.split('.');
	if (first === type) return second === undefined ? [] : [second.replace('[x]', '')];
	return /^[A-Z]/.test(first) ? [] : [first.replace('[x]', '')];
}

/** Choices are named without their type; who names it means that type alone, e.g. `effectiveDateTime`. */
function chosenTypes({ types = [] }: ElementFacts, name: string, wanted: ReadonlySet<string>): string[] {
	if (!name.endsWith('[x]')) return [];
	return types.map(({ code }) => name.slice(0, -3) + suffixOf(code)).filter((one) => wanted.has(one));
}

function isChosen(summary: Summary, name: string, flagged: true | undefined): boolean {
	return summary === 'text' ? name === 'text' : flagged === true;
}

function cut(body: string, mask: Mask): string {
	const resource = parseJson(Buffer.from(body)) as Record<string, unknown>;
	const kept = mask.without.size > 0 ? without(resource, mask.without) : pick(resource, mask.type, mask);
	return JSON.stringify(tagged(kept));
}

function without(resource: Record<string, unknown>, names: ReadonlySet<string>): Record<string, unknown> {
	return Object.fromEntries(Object.entries(resource).filter(([name]) => !names.has(name)));
}

function pick(value: Record<string, unknown>, path: string, mask: Mask): Record<string, unknown> {
	const names = mask.names.get(path);
	if (names === undefined) return value;
	const kept: Record<string, unknown> = {};
	for (const [name, child] of Object.entries(value)) {
		const bare = name.startsWith('_') ? name.slice(1) : name;
		if (!names.has(bare) && !isChoice(bare, names)) continue;
		kept[name] = pickChild(child, `${path}.${bare}`, mask);
	}
	return kept;
}

function pickChild(child: unknown, path: string, mask: Mask): unknown {
	if (!mask.names.has(path)) return child;
	if (Array.isArray(child)) return child.map((one) => pickChild(one, path, mask));
	return typeof child === 'object' && child !== null ? pick(child as Record<string, unknown>, path, mask) : child;
}

function isChoice(name: string, names: ReadonlySet<string>): boolean {
	for (let end = name.length - 1; end > 0; end--) {
		if (/[A-Z]/.test(name[end] as string) && names.has(`${name.slice(0, end)}[x]`)) return true;
	}
	return false;
}

const subsetted = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' };

function tagged(resource: Record<string, unknown>): Record<string, unknown> {
	const meta = (resource.meta ?? {}) as { tag?: unknown[] };
	return { ...resource, meta: { ...meta, tag: [...(meta.tag ?? []), subsetted] } };
}
