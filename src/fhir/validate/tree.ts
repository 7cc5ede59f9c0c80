// The elements of a snapshot as a tree with its slices, and what is known of an element before a profile speaks.
import type { Definitions } from '#fhir/definitions/definitions.ts';
import type { ElementFacts, StructureFacts, TypeFacts } from '#fhir/definitions/facts.ts';

/** An element of a profile with what is below it. */
export type ProfileNode = {
	readonly facts: ElementFacts;
	readonly children: ProfileNode[];
	/** Slices of this element; of a slice, its own slices (re-slicing). */
	readonly slices: ProfileNode[];
};

/** The tree of a snapshot, by the ids of its elements (https://hl7.org/fhir/R4/elementdefinition.html#id). */
export function treeOf(structure: StructureFacts): ProfileNode {
	const nodes = new Map<string, ProfileNode>();
	let root: ProfileNode | undefined;
	for (const facts of structure.elements) {
		const id = facts.id ?? facts.path;
		const node: ProfileNode = { facts, children: [], slices: [] };
		nodes.set(id, node);
		if (root === undefined) root = node;
		else place(node, id, nodes);
	}
	return root ?? { facts: { path: structure.type, min: 0, max: -1 }, children: [], slices: [] };
}

function place(node: ProfileNode, id: string, nodes: ReadonlyMap<string, ProfileNode>): void {
	const dot = id.lastIndexOf('.');
	const colon = id.indexOf(':', dot);
	if (colon < 0) {
		nodes.get(id.slice(0, dot))?.children.push(node);
		return;
	}
	// `a:b/c` is a slice of the slice `a:b`; when that is not in the snapshot, of `a`.
	const slash = id.lastIndexOf('/');
	const sliced = (slash > colon ? nodes.get(id.slice(0, slash)) : undefined) ?? nodes.get(id.slice(0, colon));
	sliced?.slices.push(node);
}

/** The last name of a path, without `[x]`. */
export function nameOf(path: string): string {
	return path.slice(path.lastIndexOf('.') + 1).replace('[x]', '');
}

export function isChoice({ path }: ElementFacts): boolean {
	return path.endsWith('[x]');
}

export function childNamed(node: ProfileNode, name: string): ProfileNode | undefined {
	return node.children.find(({ facts }) => nameOf(facts.path) === name);
}

/** What has been checked of an element when a profile is asked, and of the elements below it. */
export type Baseline = {
	readonly facts: ElementFacts;
	/** The child of that name; `types` are those the parent is narrowed to. Undefined when there is no such element. */
	readonly child: (name: string, types: readonly TypeFacts[]) => Baseline | undefined;
};

/** The baseline of a resource type or datatype: its own definition. */
export function typeBaseline(definitions: Definitions, type: string): Baseline | undefined {
	const structure = definitions.structure(type);
	const facts = structure?.elements[0];
	return structure === undefined || facts === undefined ? undefined : elementBaseline(definitions, structure, facts);
}

function elementBaseline(definitions: Definitions, structure: StructureFacts, facts: ElementFacts): Baseline {
	return {
		facts,
		child(name, types) {
			const path = facts.contentRef ?? facts.path;
			const found = structure.elements.find(
				(element) => element.slice === undefined && (element.path === `${path}.${name}` || element.path === `${path}.${name}[x]`),
			);
			if (found !== undefined) return elementBaseline(definitions, structure, found);
			for (const { code } of types.length > 0 ? types : (facts.types ?? [])) {
				const inType = code === structure.type && !facts.path.includes('.') ? undefined : typeBaseline(definitions, code)?.child(name, []);
				if (inType !== undefined) return inType;
			}
			return undefined;
		},
	};
}

/** The baseline of a slice: what its profile says of all items, then what the base says. */
export function slicedBaseline(sliced: ProfileNode, under: Baseline | undefined): Baseline {
	return {
		facts: sliced.facts,
		child(name, types) {
			const below = under?.child(name, types);
			const node = childNamed(sliced, name);
			return node === undefined ? below : slicedBaseline(node, below);
		},
	};
}
