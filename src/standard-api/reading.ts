// Reads all fields of a resource in one walk: places whose ways begin alike are gone to together, and where a resource holds nothing, the
// fields below it cost nothing. Made once for a table of fields.
import type { Field } from './mapping.ts';
import { isNode, type Step, type Which } from './place.ts';

/** What a resource holds of the fields, in their order; undefined for nothing. */
export type Reader = (resource: object) => unknown[];

const readers = new WeakMap<readonly Field[], Reader>();

/** The reader of a table of fields. */
export function readerOf(fields: readonly Field[]): Reader {
	let reader = readers.get(fields);
	if (reader === undefined) {
		reader = createReader(fields);
		readers.set(fields, reader);
	}
	return reader;
}

/** The ways of the fields from one point on. */
type Branch = { readonly ends: number[]; readonly next: Map<Step, Branch> };

function createReader(fields: readonly Field[]): Reader {
	const root: Branch = { ends: [], next: new Map() };
	const others: number[] = [];
	for (const [i, { place }] of fields.entries()) {
		if (place.steps === undefined) others.push(i);
		else branchAt(root, place.steps).ends.push(i);
	}
	const walk = walkOf(root, fields);
	return (resource) => {
		const values: unknown[] = new Array(fields.length).fill(undefined);
		walk(resource, values);
		for (const i of others) {
			const { place, codec } = fields[i] as Field;
			const json = place.get(resource);
			if (json !== undefined) values[i] = codec.show(json);
		}
		return values;
	};
}

function branchAt(root: Branch, steps: readonly Step[]): Branch {
	let branch = root;
	for (const step of steps) {
		let next = branch.next.get(step);
		if (next === undefined) {
			next = { ends: [], next: new Map() };
			branch.next.set(step, next);
		}
		branch = next;
	}
	return branch;
}

/** Takes what the fields of a branch find in a value. */
type Walk = (value: unknown, values: unknown[]) => void;

function walkOf({ ends, next }: Branch, fields: readonly Field[]): Walk {
	const names: [string, Walk][] = [];
	const indices: [number, Walk][] = [];
	const whiches: [Which, Walk][] = [];
	const byUrl = new Map<unknown, Walk>();
	for (const [step, branch] of next) {
		const walk = walkOf(branch, fields);
		if (typeof step === 'string') names.push([step, walk]);
		else if (typeof step === 'number') indices.push([step, walk]);
		else if (step.url !== undefined && !byUrl.has(step.url)) byUrl.set(step.url, walk);
		else whiches.push([step, walk]);
	}
	const walkList = (list: readonly unknown[], values: unknown[]): void => {
		for (const [i, walk] of indices) walk(list[i], values);
		for (const [which, walk] of whiches) {
			const found = list.findIndex(which.is);
			if (found >= 0) walk(list[found], values);
		}
		if (byUrl.size > 0) walkUrls(byUrl, list, values);
	};
	return (value, values) => {
		if (value === undefined || value === null) return;
		for (const i of ends) values[i] = (fields[i] as Field).codec.show(value);
		if (Array.isArray(value)) walkList(value, values);
		else if (typeof value === 'object') for (const [name, walk] of names) walk((value as Record<string, unknown>)[name], values);
	};
}

/** Of each URL, the first. */
function walkUrls(byUrl: ReadonlyMap<unknown, Walk>, list: readonly unknown[], values: unknown[]): void {
	const taken = new Set<Walk>();
	for (const element of list) {
		const walk = isNode(element) ? byUrl.get(element.url) : undefined;
		if (walk === undefined || taken.has(walk)) continue;
		taken.add(walk);
		walk(element, values);
	}
}
