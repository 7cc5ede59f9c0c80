// What a function is compiled from: its input, its arguments, and helpers for the kinds of functions there are.
import { type Items, single } from '#fhir/path/items.ts';
import { booleanNode, type Node, node, type Run, type Scope } from '#fhir/path/node.ts';
import type { TypeModel, Types } from '#fhir/path/types.ts';

export type Call = {
	readonly name: string;
	readonly input: Node;
	readonly model: TypeModel | undefined;
	/** An argument as the surrounding expression sees it; undefined when it was not given. */
	readonly arg: (index: number) => Node | undefined;
	/** An argument that is evaluated anew with an item of the input as `$this`. */
	readonly lambda: (index: number) => Node;
	/** How many arguments were given. */
	readonly count: number;
};

/** How a function becomes a node. Whether the node is fixed is worked out by who calls. */
export type Make = { readonly least: number; readonly most: number; readonly make: (call: Call) => Node };

/** A function of so many arguments. */
export function takes(least: number, make: (call: Call) => Node, most = least): Make {
	return { least, most, make };
}

/** A function of the input collection that gives items of it, or of the types said. */
export function ofItems(work: (items: Items, scope: Scope) => Items, types?: Types): Make {
	return takes(0, ({ input }) => {
		const { run } = input;
		return node((self, scope) => work(run(self, scope), scope), types ?? input.types, false);
	});
}

/** A test of the input collection. */
export function testOfItems(work: (items: Items, scope: Scope) => boolean | undefined): Make {
	return takes(0, ({ input }) => booleanNode((self, scope) => work(input.run(self, scope), scope), false));
}

/** The value of an argument that must be one item. */
export function argumentOf(argument: Node | undefined): Run {
	if (argument === undefined) return () => undefined;
	const { value } = argument;
	return (self, scope) => single(value(self, scope));
}

/** A function of one value, with up to two values as arguments; gives nothing where the input is nothing or several. */
export function ofValue(
	work: (value: unknown, first: unknown, second: unknown) => unknown,
	type: string | undefined,
	least = 0,
	most = least,
): Make {
	return takes(
		least,
		({ input, arg }) => {
			const { value } = input;
			const [first, second] = [argumentOf(arg(0)), argumentOf(arg(1))];
			const run: Run = (self, scope) => {
				const one = single(value(self, scope));
				return one === undefined ? undefined : scope.made(work(one, first(self, scope), second(self, scope)));
			};
			return node(run, type === undefined ? undefined : [type], false);
		},
		most,
	);
}
