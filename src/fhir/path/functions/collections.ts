// Existence, filtering, subsetting, combining, trees (http://hl7.org/fhirpath/N1/#existence to #tree-navigation).
import { distinct, Seen } from '#fhir/path/compare.ts';
import { append, firstOf, flatMap, type Items, joined, listOf, packed, single, sizeOf, truth } from '#fhir/path/items.ts';
import { childrenOf, countChildren } from '#fhir/path/navigate.ts';
import { booleanNode, type Node, node, type Run, type Scope, valueNode } from '#fhir/path/node.ts';
import { telling, unionNode } from '#fhir/path/operators.ts';
import { bothTypes, certain, typeOf } from '#fhir/path/types.ts';
import { scalar } from '#fhir/path/values.ts';
import { argumentOf, type Call, type Make, ofItems, takes, testOfItems } from './call.ts';

/** Visits items with `$index` set, until a visit says true. */
function visit(items: Items, scope: Scope, each: (item: unknown) => boolean): boolean {
	if (items === undefined) return false;
	const before = scope.index;
	let stopped = false;
	if (Array.isArray(items)) {
		scope.spend(items.length);
		for (let i = 0; i < items.length && !stopped; i++) {
			scope.index = i;
			stopped = each(items[i]);
		}
	} else {
		scope.spend(1);
		scope.index = 0;
		stopped = each(items);
	}
	scope.index = before;
	return stopped;
}

function filtered(items: Items, scope: Scope, criteria: Run): Items {
	const kept: unknown[] = [];
	visit(items, scope, (item) => {
		if (truth(criteria(item, scope)) === true) kept.push(item);
		return false;
	});
	return packed(kept);
}

function some(items: Items, scope: Scope, criteria: Run): boolean {
	return visit(items, scope, (item) => truth(criteria(item, scope)) === true);
}

function whereNode({ input, lambda }: Call): Node {
	const criteria = lambda(0).value;
	const made = node((self, scope) => filtered(input.run(self, scope), scope, criteria), input.types, false);
	return { ...made, present: (self, scope) => some(input.run(self, scope), scope, criteria) };
}

function existsNode({ input, lambda, count }: Call): Node {
	if (count === 0) return booleanNode(input.present, false);
	const criteria = lambda(0).value;
	return booleanNode((self, scope) => some(input.run(self, scope), scope, criteria), false);
}

function allNode({ input, lambda }: Call): Node {
	const criteria = lambda(0).value;
	return booleanNode((self, scope) => !visit(input.run(self, scope), scope, (item) => truth(criteria(item, scope)) !== true), false);
}

function projected(items: Items, scope: Scope, projection: Run): Items {
	if (items === undefined) return undefined;
	let index = 0;
	const before = scope.index;
	scope.spend(sizeOf(items));
	const result = flatMap(items, (item) => {
		scope.index = index++;
		return projection(item, scope);
	});
	scope.index = before;
	scope.spend(sizeOf(result));
	return result;
}

function selectNode({ input, lambda }: Call): Node {
	const projection = lambda(0);
	const made = node((self, scope) => projected(input.run(self, scope), scope, projection.run), projection.types, false);
	return {
		...made,
		value: (self, scope) => projected(input.run(self, scope), scope, projection.value),
		present: (self, scope) => visit(input.run(self, scope), scope, (item) => projection.present(item, scope)),
	};
}

function repeatNode({ input, lambda, name }: Call): Node {
	const projection = lambda(0);
	const all = name === 'repeatAll';
	const run: Run = (self, scope) => {
		const seen = new Seen();
		return levels(input.run(self, scope), scope, (item) => {
			const found = projection.run(item, scope);
			return all ? found : packed(listOf(found).filter((one) => seen.add(one)));
		});
	};
	// Deeper levels may be of other types than the first.
	const same = projection.types !== undefined && input.types?.join() === projection.types.join();
	return node(run, same ? projection.types : undefined, false);
}

/** All that `next` leads to, level by level. */
function levels(items: Items, scope: Scope, next: (item: unknown) => Items): Items {
	const found: unknown[] = [];
	for (let level = listOf(items); level.length > 0; ) {
		scope.spend(level.length);
		const below: unknown[] = [];
		for (const item of level) append(below, next(item));
		append(found, below);
		level = below;
	}
	return packed(found);
}

function childrenNode({ input, model }: Call): Node {
	const known = certain(input.types);
	const run: Run = (self, scope) => flatMap(input.run(self, scope), (item) => childrenOf(item, model, known));
	const count = (self: Items, scope: Scope): number => {
		const items = input.run(self, scope);
		if (!Array.isArray(items)) return countChildren(items);
		return items.reduce((sum: number, item) => sum + countChildren(item), 0);
	};
	return { ...node(run, undefined, false), present: (self, scope) => count(self, scope) > 0, count };
}

function descendantsNode({ input, model }: Call): Node {
	const known = certain(input.types);
	const run: Run = (self, scope) => {
		const first = flatMap(input.run(self, scope), (item) => childrenOf(item, model, known));
		return joined(
			first,
			levels(first, scope, (item) => childrenOf(item, model, undefined)),
		);
	};
	return node(run, undefined, false);
}

function countNode({ input }: Call): Node {
	const count = input.count ?? ((self: Items, scope: Scope): number => sizeOf(input.run(self, scope)));
	return valueNode(count, 'System.Integer', false);
}

/** `skip(n)` and `take(n)`. */
function part(cut: (list: readonly unknown[], count: number) => readonly unknown[]): Make {
	return takes(1, ({ input, arg }) => {
		const amount = argumentOf(arg(0));
		const run: Run = (self, scope) => {
			const count = scalar(amount(self, scope));
			return typeof count === 'number' ? packed(cut(listOf(input.run(self, scope)), Math.max(0, Math.trunc(count)))) : undefined;
		};
		return node(run, input.types, false);
	});
}

/** A function of two collections. */
function ofTwo(work: (items: Items, other: Items) => Items): Make {
	return takes(1, ({ input, arg }) => {
		const other = arg(0) as Node;
		return node((self, scope) => work(input.run(self, scope), other.run(self, scope)), input.types, false);
	});
}

function seenOf(items: Items): Seen {
	const seen = new Seen();
	for (const item of listOf(items)) seen.add(item);
	return seen;
}

function isSubset(items: Items, whole: Items): boolean {
	if (sizeOf(items) === 0) return true;
	const seen = seenOf(whole);
	return listOf(items).every((item) => seen.has(item));
}

function subsetTest(turned: boolean): Make {
	return takes(1, ({ input, arg }) => {
		const other = arg(0) as Node;
		const [inner, outer] = turned ? [other, input] : [input, other];
		return booleanNode((self, scope) => isSubset(inner.run(self, scope), outer.run(self, scope)), false);
	});
}

function combineNode({ input, arg }: Call): Node {
	const other = arg(0) as Node;
	const types = bothTypes(input.types, other.types);
	const [a, b] = [telling(input, types), telling(other, types)];
	return node((self, scope) => joined(a(self, scope), b(self, scope)), types, false);
}

function iifNode({ input, lambda, count }: Call): Node {
	const [condition, yes] = [lambda(0).value, lambda(1)];
	const no = count > 2 ? lambda(2) : undefined;
	const types = no === undefined ? yes.types : bothTypes(yes.types, no.types);
	const [then, otherwise] = [telling(yes, types), no === undefined ? undefined : telling(no, types)];
	const run: Run = (self, scope) => {
		const items = input.run(self, scope);
		return truth(condition(items, scope)) === true ? then(items, scope) : otherwise?.(items, scope);
	};
	return node(run, types, false);
}

function aggregateNode({ input, arg, lambda }: Call): Node {
	const step = lambda(0).run;
	const initial = arg(1)?.run;
	const run: Run = (self, scope) => {
		const before = scope.total;
		scope.total = initial?.(self, scope);
		visit(input.run(self, scope), scope, (item) => {
			scope.total = step(item, scope);
			scope.spend(sizeOf(scope.total));
			return false;
		});
		const result = scope.total;
		scope.total = before;
		return result;
	};
	return node(run, undefined, false);
}

function traceNode({ input, arg, lambda, count }: Call): Node {
	const name = argumentOf(arg(0));
	const projection = count > 1 ? lambda(1).run : undefined;
	const run: Run = (self, scope) => {
		const items = input.run(self, scope);
		const { trace } = scope.env;
		trace?.(String(name(self, scope)), listOf(projection === undefined ? items : projected(items, scope, projection)));
		return items;
	};
	return node(run, input.types, false);
}

function typeNode({ input }: Call): Node {
	const known = certain(input.types);
	return node(
		(self, scope) => flatMap(input.run(self, scope), (item) => typeInfo(typeOf(item) ?? known ?? typeByShape(item))),
		undefined,
		false,
	);
}

function typeInfo(type: string): unknown {
	return type.startsWith('System.') ? { namespace: 'System', name: type.slice(7) } : { namespace: 'FHIR', name: type };
}

function typeByShape(item: unknown): string {
	const value = scalar(item);
	if (typeof value === 'boolean') return 'System.Boolean';
	if (typeof value === 'string') return 'System.String';
	if (typeof value === 'number') return Number.isInteger(value) ? 'System.Integer' : 'System.Decimal';
	return 'Element';
}

function flagTest(wanted: boolean, every: boolean): Make {
	return testOfItems((items) => {
		const list = listOf(items);
		return every ? list.every((item) => truth(item) === wanted) : list.some((item) => truth(item) === wanted);
	});
}

export const collectionFunctions: Readonly<Record<string, Make>> = {
	empty: takes(0, ({ input }) => booleanNode((self, scope) => !input.present(self, scope), false)),
	exists: takes(0, existsNode, 1),
	all: takes(1, allNode),
	allTrue: flagTest(true, true),
	anyTrue: flagTest(true, false),
	allFalse: flagTest(false, true),
	anyFalse: flagTest(false, false),
	subsetOf: subsetTest(false),
	supersetOf: subsetTest(true),
	count: takes(0, countNode),
	distinct: ofItems(distinct),
	isDistinct: testOfItems((items) => {
		const seen = new Seen();
		return listOf(items).every((item) => seen.add(item));
	}),
	where: takes(1, whereNode),
	select: takes(1, selectNode),
	repeat: takes(1, repeatNode),
	repeatAll: takes(1, repeatNode),
	single: ofItems(single),
	first: ofItems(firstOf),
	last: ofItems((items) => (Array.isArray(items) ? items.at(-1) : items)),
	tail: ofItems((items) => packed(listOf(items).slice(1))),
	skip: part((list, count) => list.slice(count)),
	take: part((list, count) => list.slice(0, count)),
	intersect: ofTwo((items, other) => {
		const seen = seenOf(other);
		return distinct(packed(listOf(items).filter((item) => seen.has(item))));
	}),
	exclude: ofTwo((items, other) => {
		const seen = seenOf(other);
		return packed(listOf(items).filter((item) => !seen.has(item)));
	}),
	union: takes(1, ({ input, arg }) => unionNode(input, arg(0) as Node)),
	combine: takes(1, combineNode),
	iif: takes(2, iifNode, 3),
	not: takes(0, ({ input }) =>
		booleanNode((self, scope) => {
			const flag = truth(input.value(self, scope));
			return flag === undefined ? undefined : !flag;
		}, false),
	),
	aggregate: takes(1, aggregateNode, 2),
	trace: takes(1, traceNode, 2),
	children: takes(0, childrenNode),
	descendants: takes(0, descendantsNode),
	type: takes(0, typeNode),
};
