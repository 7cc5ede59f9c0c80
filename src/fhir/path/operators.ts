// FHIRPath's operators as nodes (http://hl7.org/fhirpath/N1/#operations), with quick ways for what invariants mostly ask.
import { arithmetic, bounded } from './arithmetic.ts';
import { distinct, equalItems, equivalentItems, isIn, order } from './compare.ts';
import { type Items, joined, listOf, single, sizeOf, truth } from './items.ts';
import { booleanNode, constantNode, type Node, node, type Run, type Scope } from './node.ts';
import { textOf } from './text.ts';
import { bothTypes, sortOf, type Types } from './types.ts';
import { boxed, isComplex, scalar, Typed } from './values.ts';

/** The node of `left op right`. */
export function binaryNode(op: string, left: Node, right: Node): Node {
	const fixed = left.fixed && right.fixed;
	switch (op) {
		case 'and':
			return booleanNode(and(left.value, right.value), fixed);
		case 'or':
			return booleanNode(or(left.value, right.value), fixed);
		case 'xor':
			return booleanNode(xor(left.value, right.value), fixed);
		case 'implies':
			return booleanNode(implies(left.value, right.value), fixed);
		case '|':
			return unionNode(left, right);
		case '=':
			return booleanNode(equality(left, right), fixed);
		case '!=':
			return booleanNode(negated(equality(left, right)), fixed);
		case '~':
			return booleanNode((self, scope) => equivalentItems(left.run(self, scope), right.run(self, scope)), fixed);
		case '!~':
			return booleanNode((self, scope) => !equivalentItems(left.run(self, scope), right.run(self, scope)), fixed);
		case 'in':
			return booleanNode(membership(left, right), fixed);
		case 'contains':
			return booleanNode(membership(right, left), fixed);
		case '&':
			return node(concatenation(left.value, right.value), ['System.String'], fixed);
		case '<':
		case '>':
		case '<=':
		case '>=':
			return booleanNode(comparison(op, left, right), fixed);
		default:
			return arithmeticNode(op, left, right);
	}
}

type Test = (self: Items, scope: Scope) => boolean | undefined;

function and(left: Run, right: Run): Test {
	return (self, scope) => {
		const a = truth(left(self, scope));
		if (a === false) return false;
		const b = truth(right(self, scope));
		return b === false ? false : a === undefined ? undefined : b;
	};
}

function or(left: Run, right: Run): Test {
	return (self, scope) => {
		const a = truth(left(self, scope));
		if (a === true) return true;
		const b = truth(right(self, scope));
		return b === true ? true : a === undefined ? undefined : b;
	};
}

function xor(left: Run, right: Run): Test {
	return (self, scope) => {
		const a = truth(left(self, scope));
		const b = truth(right(self, scope));
		return a === undefined || b === undefined ? undefined : a !== b;
	};
}

function implies(left: Run, right: Run): Test {
	return (self, scope) => {
		const a = truth(left(self, scope));
		if (a === false) return true;
		const b = truth(right(self, scope));
		return b === true ? true : a === true ? b : undefined;
	};
}

function negated(test: Test): Test {
	return (self, scope) => {
		const result = test(self, scope);
		return result === undefined ? undefined : !result;
	};
}

function equality(left: Node, right: Node): Test {
	const [a, b] = [left.run, right.run];
	const [sortA, sortB] = [sortOf(left.types), sortOf(right.types)];
	const constant = right.constant?.items;
	if (typeof constant !== 'string' && typeof constant !== 'boolean')
		return (self, scope) => equalItems(a(self, scope), b(self, scope), sortA, sortB);
	const { value, present } = left;
	return (self, scope) => {
		const one = value(self, scope);
		if (one === constant) return true;
		// A primitive that has only extensions equals no value.
		if (one === undefined) return present(self, scope) ? false : undefined;
		return typeof one === 'object' ? equalItems(a(self, scope), constant, sortA, sortB) : false;
	};
}

function comparison(op: string, left: Node, right: Node): Test {
	const [a, b] = [left.value, right.value];
	const [sortA, sortB] = [sortOf(left.types), sortOf(right.types)];
	const compare = (self: Items, scope: Scope): number | undefined => {
		const x = single(a(self, scope));
		const y = x === undefined ? undefined : single(b(self, scope));
		return y === undefined ? undefined : order(x, y, sortA, sortB);
	};
	const below = op === '<' || op === '<=';
	const orEqual = op.length === 2;
	return (self, scope) => {
		const result = compare(self, scope);
		if (result === undefined) return undefined;
		return result === 0 ? orEqual : result < 0 === below;
	};
}

function membership(item: Node, collection: Node): Test {
	const constant = collection.constant;
	const texts = constant === undefined ? [] : listOf(constant.items);
	if (constant === undefined || !texts.every((text) => typeof text === 'string'))
		return (self, scope) => {
			const one = single(item.run(self, scope));
			return one === undefined ? undefined : isIn(one, collection.run(self, scope));
		};
	// A string is in a list of strings, or it is not.
	const known = new Set<unknown>(texts);
	return (self, scope) => {
		const one = single(item.run(self, scope));
		if (one === undefined) return undefined;
		const value = scalar(one);
		return typeof value === 'string' ? known.has(value) : isIn(one, constant.items);
	};
}

function concatenation(left: Run, right: Run): Run {
	const text = (items: Items): string | undefined => (sizeOf(items) === 0 ? '' : textOf(single(items)));
	return (self, scope) => {
		const a = text(left(self, scope));
		const b = text(right(self, scope));
		return a === undefined || b === undefined ? undefined : scope.made(bounded(a + b));
	};
}

/** `left | right`, worked out now when both are literals. */
export function unionNode(left: Node, right: Node): Node {
	const types = bothTypes(left.types, right.types);
	if (left.constant !== undefined && right.constant !== undefined)
		return constantNode(distinct(joined(left.constant.items, right.constant.items)), types);
	const a = telling(left, types);
	const b = telling(right, types);
	const merged = node((self, scope) => distinct(joined(a(self, scope), b(self, scope))), types, left.fixed && right.fixed);
	return { ...merged, present: (self, scope) => left.present(self, scope) || right.present(self, scope) };
}

/** The items of a node on their way into a collection with others: each says its type when the collection's does not. */
export function telling(inner: Node, types: Types): Run {
	const { run } = inner;
	const type = inner.types?.length === 1 ? inner.types[0] : undefined;
	if (type === undefined || type.startsWith('System.') || (types?.length === 1 && types[0] === type)) return run;
	const tell = (item: unknown): unknown => {
		if (item instanceof Typed) return item.type === undefined ? new Typed(item.value, type, item.sibling) : item;
		return isComplex(item) && typeof item.resourceType === 'string' ? item : boxed(item, undefined, type);
	};
	return (self, scope) => {
		const items = run(self, scope);
		return Array.isArray(items) ? items.map(tell) : items === undefined ? undefined : tell(items);
	};
}

function arithmeticNode(op: string, left: Node, right: Node): Node {
	const work = arithmetic(op);
	if (work === undefined) throw new TypeError(`no operator ${op}`);
	const [a, b] = [left.value, right.value];
	const run: Run = (self, scope) => {
		const x = single(a(self, scope));
		const y = x === undefined ? undefined : single(b(self, scope));
		return y === undefined ? undefined : scope.made(work(x, y));
	};
	return node(run, resultTypes(op, left, right), left.fixed && right.fixed);
}

const integers = new Set(['integer', 'positiveInt', 'unsignedInt', 'System.Integer']);

function resultTypes(op: string, left: Node, right: Node): Types {
	const whole = [left, right].every(({ types }) => types?.length === 1 && integers.has(types[0] as string));
	if (op === 'div' || (whole && op !== '/')) return ['System.Integer'];
	const numbers = [left, right].every(
		({ types }) => types?.length === 1 && /^(System\.)?(Integer|Decimal|decimal|integer)$/.test(types[0] as string),
	);
	return numbers ? ['System.Decimal'] : undefined;
}

/** The node of `+on` or `-on`. */
export function unaryNode(op: '+' | '-', on: Node): Node {
	if (op === '+') return on;
	const negate = arithmetic('*');
	const run: Run = (self, scope) => {
		const value = single(on.value(self, scope));
		return value === undefined ? undefined : negate?.(value, -1);
	};
	if (on.constant !== undefined) return constantNode(negate?.(single(on.constant.items), -1), on.types);
	return node(run, on.types, on.fixed);
}
