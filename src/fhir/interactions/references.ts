// References between the entries of a transaction, rewritten to what the entries become.
// https://hl7.org/fhir/R4/http.html#trules and https://hl7.org/fhir/R4/bundle.html#references
import type { Resource } from '#fhir/resource.ts';

/** What a link of an entry becomes; undefined leaves it as it is. `member` is the element's name, unless the link is in a narrative. */
export type Rewrite = (link: string, member?: string) => string | undefined;

/** Whether a member holds links: Reference.reference and elements of the types uri, url, oid and uuid. Canonicals are names, not links. */
function isLinkMember(name: string): boolean {
	// Asked of every text of every entry.
	switch (name.charCodeAt(name.length - 1)) {
		case 0x65:
			return name === 'reference';
		case 0x69:
		case 0x6c:
			return /[uU]r[il]$/.test(name);
		case 0x64:
			return name === 'valueOid' || name === 'valueUuid';
		default:
			return false;
	}
}

/** A copy with its links rewritten, in the narrative too; the very same object where nothing changes. */
export function rewriteLinks<T>(value: T, rewrite: Rewrite): T {
	return walk(value, undefined, rewrite, 0) as T;
}

/** What a resource refers to beside what has an address: by criteria (`Patient?identifier=…`), and as an entry (`urn:uuid:…`). */
export type Open = { readonly conditional: ReadonlySet<string>; readonly entries: ReadonlySet<string> };

/** Every open reference of a resource, https://hl7.org/fhir/R4/http.html#trules */
export function openReferences(resource: Resource): Open {
	return rewriteAndFind(resource, () => undefined).open;
}

/** A copy with its links rewritten, as rewriteLinks, and the open references that it has then. */
export function rewriteAndFind(resource: Resource, rewrite: Rewrite): { readonly resource: Resource; readonly open: Open } {
	const conditional = new Set<string>();
	const entries = new Set<string>();
	// What a Bundle that is kept refers to as an entry is one of its own.
	const isBundle = resource.resourceType === 'Bundle';
	const copy = rewriteLinks(resource, (given, member) => {
		const next = rewrite(given, member);
		const link = next ?? given;
		if (isConditional(link)) conditional.add(link);
		else if (!isBundle && member === 'reference' && link.startsWith('urn:uuid:')) entries.add(link);
		return next;
	});
	return { resource: copy, open: { conditional, entries } };
}

/** Whether a link is a conditional reference. */
export function isConditional(link: string): boolean {
	return /^[A-Z][A-Za-z]+\?./.test(link);
}

/**
 * What links between entries become, given what each fullUrl becomes (`Type/id`), for an entry of this fullUrl. In an entry whose own
 * fullUrl is RESTful (`…/Patient/1`) relative references are read from the same root (https://hl7.org/fhir/R4/bundle.html#references).
 */
export function linksAmong(places: ReadonlyMap<string, string>): (fullUrl: string | undefined) => Rewrite {
	if (places.size === 0) return () => () => undefined;
	return (fullUrl) => {
		const root = fullUrl === undefined ? undefined : /^(https?:\/\/.*\/)[A-Z][A-Za-z]+\/[A-Za-z0-9\-.]{1,64}$/.exec(fullUrl)?.[1];
		return (link) => {
			const [name = '', fragment] = link.split('#');
			const place = places.get(name) ?? (root === undefined || /^[a-z]+:/.test(name) ? undefined : places.get(root + name));
			return place === undefined ? undefined : fragment === undefined ? place : `${place}#${fragment}`;
		};
	};
}

/** Deeper than any resource that the validator takes. */
const deepest = 250;

function walk(value: unknown, member: string | undefined, rewrite: Rewrite, depth: number): unknown {
	if (typeof value === 'string') {
		if (member === 'div') return rewriteNarrative(value, rewrite);
		return member !== undefined && isLinkMember(member) ? (rewrite(value, member) ?? value) : value;
	}
	if (value === null || typeof value !== 'object' || depth > deepest || value instanceof Number) return value;
	if (Array.isArray(value)) return walkList(value, member, rewrite, depth);
	return walkObject(value as Record<string, unknown>, rewrite, depth);
}

function walkList(list: readonly unknown[], member: string | undefined, rewrite: Rewrite, depth: number): readonly unknown[] {
	let copy: unknown[] | undefined;
	for (let i = 0; i < list.length; i++) {
		const next = walk(list[i], member, rewrite, depth + 1);
		if (next !== list[i]) {
			copy ??= list.slice();
			copy[i] = next;
		}
	}
	return copy ?? list;
}

function walkObject(object: Record<string, unknown>, rewrite: Rewrite, depth: number): Record<string, unknown> {
	let copy: Record<string, unknown> | undefined;
	for (const name of Object.keys(object)) {
		const next = walk(object[name], name, rewrite, depth + 1);
		if (next !== object[name]) {
			copy ??= { ...object };
			copy[name] = next;
		}
	}
	return copy ?? object;
}

/** Links of the narrative's anchors and images. */
function rewriteNarrative(div: string, rewrite: Rewrite): string {
	return div.replace(/(\s(?:href|src)\s*=\s*)(["'])([^"']*)\2/g, (all, before: string, quote: string, link: string) => {
		const next = rewrite(link);
		return next === undefined ? all : `${before}${quote}${next}${quote}`;
	});
}
