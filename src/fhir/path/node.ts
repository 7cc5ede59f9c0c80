// What expressions are compiled to: a Node is one step as functions, with what is known about its result before it runs.
import { systemClock } from '#base/clock.ts';
import { Problem } from '#base/problem.ts';
import { type Items, sizeOf, valuesOf } from './items.ts';
import type { Types } from './types.ts';

/** What an expression may ask for beside its focus. Other members are variables: `%name`. */
export type PathEnv = {
	/** `%resource`: the resource that holds the focus; the focus itself when absent. */
	readonly resource?: unknown;
	/** `%rootResource`: the resource that contains `resource`; `resource` when absent. */
	readonly rootResource?: unknown;
	/** `%context`: the focus when absent. */
	readonly context?: unknown;
	/** The resource a reference leads to, for resolve(); undefined when unknown. Contained resources are found without it. */
	readonly resolve?: (reference: string) => unknown;
	/** Whether a code is in a value set, for memberOf(); undefined when unknown. */
	readonly memberOf?: (valueSet: string, system: string | undefined, code: string) => boolean | undefined;
	/** Whether one code is another or above it in its code system, for subsumes() and subsumedBy(). */
	readonly subsumes?: (system: string, code: string, under: string) => boolean | undefined;
	/** Whether an item conforms to a profile, for conformsTo(). */
	readonly conformsTo?: (item: unknown, profile: string) => boolean | undefined;
	/** The ElementDefinition of an item, for elementDefinition(). */
	readonly elementDefinition?: (item: unknown) => unknown;
	/** Whether an item is in a slice of a structure, for slice(). */
	readonly inSlice?: (item: unknown, structure: string, slice: string) => boolean | undefined;
	/** Hears of trace(). */
	readonly trace?: (name: string, items: readonly unknown[]) => void;
	/** The time of now(), today() and timeOfDay(); the machine's when absent. */
	readonly now?: () => Date;
	readonly [variable: string]: unknown;
};

const maxSteps = 3_000_000;

/** What the functions share while one evaluation runs. */
export class Scope {
	readonly env: PathEnv;
	/** What the evaluation started with. */
	readonly start: Items;
	index = 0;
	total: Items = undefined;
	/** Results of sub-expressions that stay the same throughout, by their slot. */
	kept: unknown[] | undefined = undefined;
	#steps = maxSteps;
	#moment: string | undefined;

	constructor(env: PathEnv, start: Items) {
		this.env = env;
		this.start = start;
	}

	/** The one moment of this evaluation, as ISO 8601. */
	now(): string {
		this.#moment ??= (this.env.now ?? systemClock.now)().toISOString();
		return this.#moment;
	}

	/** Counts the work of a text that was made, and gives it. */
	made(result: unknown): unknown {
		if (typeof result === 'string' && result.length > 64) this.spend(result.length >> 4);
		return result;
	}

	/** Counts work. Throws Problem too-much `fhirpath-cost` when an expression multiplies it beyond all measure. */
	spend(steps: number): void {
		this.#steps -= steps;
		if (this.#steps < 0) throw new Problem('too-much', 'fhirpath-cost', 'The FHIRPath expression takes too many steps on this resource.');
	}
}

/** Evaluates: `self` is `$this`, which every path at the start of an expression begins with. */
export type Run = (self: Items, scope: Scope) => Items;

export type Node = {
	readonly run: Run;
	/** As run, without boxes and without primitives that have no value: cheaper, and enough where only values count. */
	readonly value: Run;
	/** Whether there is any item. */
	readonly present: (self: Items, scope: Scope) => boolean;
	readonly types: Types;
	/** Whether the result is the same throughout an evaluation: it depends on variables, but not on `$this`, `$index` or `$total`. */
	readonly fixed: boolean;
	/** How many items there are, where that is told quicker than by making them. */
	readonly count?: (self: Items, scope: Scope) => number;
	/** The result, where it is known already. */
	readonly constant?: { readonly items: Items };
};

/** A node of its run function. */
export function node(run: Run, types: Types, fixed: boolean): Node {
	return {
		run,
		value: (self, scope) => valuesOf(run(self, scope)),
		present: (self, scope) => sizeOf(run(self, scope)) > 0,
		types,
		fixed,
	};
}

/** A node whose items are never boxed. */
export function valueNode(run: Run, type: string, fixed: boolean): Node {
	return { run, value: run, present: (self, scope) => sizeOf(run(self, scope)) > 0, types: [type], fixed };
}

/** A node that is true, false or unknown. */
export function booleanNode(run: (self: Items, scope: Scope) => boolean | undefined, fixed: boolean): Node {
	return { run, value: run, present: (self, scope) => run(self, scope) !== undefined, types: ['System.Boolean'], fixed };
}

/** A node that always has the same items. */
export function constantNode(items: Items, types: Types): Node {
	const count = sizeOf(items);
	return { run: () => items, value: () => items, present: () => count > 0, types, fixed: true, constant: { items } };
}

/** Keeps the result of a fixed node for the rest of the evaluation. */
export function keptNode(inner: Node, slot: number): Node {
	const { run } = inner;
	const kept: Run = (self, scope) => {
		scope.kept ??= [];
		const { kept: results } = scope;
		if (slot in results) return results[slot];
		const result = run(self, scope);
		results[slot] = result;
		return result;
	};
	return node(kept, inner.types, true);
}
