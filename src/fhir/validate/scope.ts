// Which resource an element belongs to and where its references lead, as far as the content itself tells:
// https://hl7.org/fhir/R4/references.html#contained and https://hl7.org/fhir/R4/bundle.html#references.

import type { PathEnv } from '#fhir/path/compile.ts';

type Node = Record<string, unknown>;

export function isObject(value: unknown): value is Node {
	return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** The resource at work with its surroundings. */
export class ResourceScope {
	readonly resource: Node;
	/** The resource that contains it, itself when none does. */
	readonly root: Node;
	/** The scope of the Bundle that it is an entry of. */
	readonly bundle: ResourceScope | undefined;
	/** What invariants may ask for. */
	env: PathEnv = {};
	/** The version of the profiles that the resource claims, if it says so. */
	version: string | undefined;
	#contained: ReadonlyMap<string, Node> | undefined;
	#entries: ReadonlyMap<string, Node> | undefined;

	constructor(resource: Node, root: Node = resource, bundle?: ResourceScope) {
		this.resource = resource;
		this.root = root;
		this.bundle = bundle;
	}

	/** The contained resources of the root by id. */
	get contained(): ReadonlyMap<string, Node> {
		if (this.#contained === undefined) {
			const list = Array.isArray(this.root.contained) ? this.root.contained.filter(isObject) : [];
			this.#contained = new Map(list.map((resource) => [String(resource.id), resource]));
		}
		return this.#contained;
	}

	/** The resources of this Bundle, by fullUrl and by type and id. */
	get #bundled(): ReadonlyMap<string, Node> {
		this.#entries ??= entriesOf(this.resource);
		return this.#entries;
	}

	/** The resource that a reference leads to; undefined when it is somewhere else. */
	resolve(reference: string): Node | undefined {
		if (reference === '#') return this.root;
		if (reference.startsWith('#')) return this.contained.get(reference.slice(1));
		const [bare = ''] = reference.split('#');
		const { bundle } = this;
		return bundle === undefined ? undefined : (bundle.#bundled.get(bare) ?? bundle.resolve(reference));
	}
}

function entriesOf(bundle: Node): Map<string, Node> {
	const found = new Map<string, Node>();
	for (const entry of Array.isArray(bundle.entry) ? bundle.entry : []) {
		if (!isObject(entry) || !isObject(entry.resource)) continue;
		const { resourceType, id } = entry.resource;
		if (typeof id === 'string') found.set(`${resourceType}/${id}`, entry.resource);
		if (typeof entry.fullUrl === 'string') found.set(entry.fullUrl, entry.resource);
	}
	return found;
}

const relative = /^([A-Z][A-Za-z]+)\/[A-Za-z0-9.-]{1,64}(?:\/_history\/[A-Za-z0-9.-]{1,64})?(?:#.*)?$/;
const absolute = /^https?:\/\/\S*?\/([A-Z][A-Za-z]+)\/[A-Za-z0-9.-]{1,64}(?:\/_history\/[A-Za-z0-9.-]{1,64})?(?:#.*)?$/;
const conditional = /^([A-Z][A-Za-z]+)\?\S+$/;

/** The resource type that a literal reference is written for; undefined when the text does not tell. */
export function typeInReference(reference: string): string | undefined {
	return (relative.exec(reference) ?? absolute.exec(reference) ?? conditional.exec(reference))?.[1];
}

/** Whether the text has one of the forms of a literal reference: relative with type and id, absolute, internal or (in a transaction) a search. */
export function isReferenceForm(reference: string): boolean {
	return (
		reference.startsWith('#') || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(reference) || relative.test(reference) || conditional.test(reference)
	);
}
