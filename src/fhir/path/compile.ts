// FHIRPath expressions to JavaScript functions (http://hl7.org/fhirpath/N1/, with FHIR's additions of https://hl7.org/fhir/R4/fhirpath.html).
import { Problem } from '#base/problem.ts';
import type { Make } from './functions/call.ts';
import { functionNamed } from './functions.ts';
import { firstOf, flatMap, type Items, listOf, packed, single, sizeOf, truth, valuesOf } from './items.ts';
import { type Reader, readerOf } from './navigate.ts';
import { constantNode, keptNode, type Node, node, type PathEnv, type Run, Scope } from './node.ts';
import { binaryNode, telling, unaryNode } from './operators.ts';
import { type Ast, branchesOf, parsePath } from './parse.ts';
import { certain, isNamed, isType, type Specifier, specifierOf, type TypeModel, type Types } from './types.ts';
import { Amount, plain, scalar, Temporal } from './values.ts';

export type { PathEnv } from './node.ts';

/** What may be said about the focus beforehand. Both together make types exact and paths faster; without them, values are taken by their shape. */
export type PathOptions = {
	readonly model?: TypeModel;
	/** The type of the focus, e.g. `Patient`, `Patient.contact`, `code`. */
	readonly type?: string;
};

export type CompiledPath = (focus: unknown, env?: PathEnv) => unknown[];

type CompiledTest = (focus: unknown, env?: PathEnv) => boolean;

/**
 * A function that gives an expression's items as plain JSON; null stands for a primitive that has only extensions. The focus is an item (a Typed
 * when it is a primitive with a sibling) or an array of them. Throws Problem invalid `fhirpath-syntax` or `fhirpath-function` now; when it runs,
 * only Problem too-much `fhirpath-cost`. What the specification calls an error while it runs gives nothing.
 */
export function compilePath(expression: string, options: PathOptions = {}): CompiledPath {
	const { run } = compile(parsePath(expression), contextOf(options));
	return (focus, env = none) => {
		const start = focusOf(focus);
		return listOf(run(start, new Scope(env, start))).map(plain);
	};
}

/**
 * A function for an invariant: false only when the expression says false. An empty answer (a comparison that cannot be decided, an element
 * that is absent) does not break the rule. Throws as compilePath does.
 */
export function compileTest(expression: string, options: PathOptions = {}): CompiledTest {
	const decide = compileTruth(expression, options);
	return (focus, env = none) => decide(focus, env) !== false;
}

/** A function that gives an expression as a boolean: undefined when it is empty, true when it is anything but false. Throws as compilePath does. */
export function compileTruth(expression: string, options: PathOptions = {}): (focus: unknown, env?: PathEnv) => boolean | undefined {
	const { value } = compile(parsePath(expression), contextOf(options));
	return (focus, env = none) => {
		const start = focusOf(focus);
		return truth(value(start, new Scope(env, start)));
	};
}

/** As compilePath, of a tree, with lists in and out, and each item in a Typed where its type is known and JSON does not tell it. */
export function compileAst(
	ast: Ast,
	options: PathOptions = {},
): (focus: readonly unknown[], scope: { readonly env: PathEnv; readonly [other: string]: unknown }) => unknown[] {
	const run = telling(compile(ast, contextOf(options)), undefined);
	return (focus, { env }) => {
		const start = packed(focus);
		return [...listOf(run(start, new Scope(env, start)))];
	};
}

const none: PathEnv = {};

function focusOf(focus: unknown): Items {
	return focus === null ? undefined : Array.isArray(focus) ? packed(focus.filter((item) => item !== undefined && item !== null)) : focus;
}

/** What is known where a part of an expression stands. */
type Context = {
	readonly model: TypeModel | undefined;
	/** Types of `$this`. */
	readonly self: Types;
	readonly start: Types;
	/** Whether this part may run more than once in one evaluation. */
	readonly inner: boolean;
	/** Where the results of parts that stay the same are kept, by the part's tree. */
	readonly slots: Map<string, number>;
};

function contextOf({ model, type }: PathOptions): Context {
	const types = type === undefined ? undefined : [type];
	return { model, self: types, start: types, inner: false, slots: new Map() };
}

function compile(ast: Ast, context: Context): Node {
	const made = compileNode(ast, context);
	const worthKeeping = context.inner && made.fixed && made.constant === undefined && ast.kind !== 'variable';
	if (!worthKeeping) return made;
	const tree = JSON.stringify(ast);
	const slot = context.slots.get(tree) ?? context.slots.size;
	context.slots.set(tree, slot);
	return keptNode(made, slot);
}

function compileNode(ast: Ast, context: Context): Node {
	switch (ast.kind) {
		case 'empty':
			return constantNode(undefined, []);
		case 'literal':
			return constantNode(ast.value, [literalType(ast.value)]);
		case 'date':
			return dateNode(ast.text);
		case 'quantity':
			return constantNode(new Amount(ast.value, ast.unit, ast.calendar), ['System.Quantity']);
		case 'this':
			return selfNode(context);
		case 'index':
			return node((_self, scope) => scope.index, ['System.Integer'], false);
		case 'total':
			return node((_self, scope) => scope.total, undefined, false);
		case 'variable':
			return variableNode(ast.name, context);
		case 'member':
			return compileMember(ast, context);
		case 'call':
			return compileCall(ast, context);
		case 'item':
			return itemNode(compile(ast.on, context), compile(ast.at, context));
		case 'unary':
			return unaryNode(ast.op, compile(ast.on, context));
		case 'binary':
			return binaryNode(ast.op, compile(ast.left, context), compile(ast.right, context));
		case 'type':
			return ast.op === 'is' ? isNode(compile(ast.on, context), specifier(ast.type)) : asNode(ast.on, specifier(ast.type), context);
	}
}

function literalType(value: unknown): string {
	if (typeof value === 'boolean') return 'System.Boolean';
	if (typeof value === 'string') return 'System.String';
	return Number.isInteger(value) ? 'System.Integer' : 'System.Decimal';
}

/** `@T10:00` is a time; a date with a `T` is a dateTime, whatever follows. */
function dateNode(text: string): Node {
	const kind = text.startsWith('T') ? 'Time' : text.includes('T') ? 'DateTime' : 'Date';
	return constantNode(new Temporal(text.replace(/^T|T$/g, ''), kind), [`System.${kind}`]);
}

function selfNode({ self: types }: Context): Node {
	return { run: (self) => self, value: valuesOf, present: (self) => sizeOf(self) > 0, types, fixed: false };
}

const wellKnown: ReadonlyMap<string, string> = new Map([
	['ucum', 'http://unitsofmeasure.org'],
	['sct', 'http://snomed.info/sct'],
	['loinc', 'http://loinc.org'],
]);

function variableNode(name: string, context: Context): Node {
	const known = wellKnown.get(name);
	if (known !== undefined) return constantNode(known, ['System.String']);
	if (name.startsWith('vs-')) return constantNode(`http://hl7.org/fhir/ValueSet/${name.slice(3)}`, ['System.String']);
	if (name.startsWith('ext-')) return constantNode(`http://hl7.org/fhir/StructureDefinition/${name.slice(4)}`, ['System.String']);
	const types = name === 'context' ? context.start : name === 'resource' ? resourceTypes(context) : undefined;
	const run: Run = (_self, { env, start }) => {
		const value = Object.hasOwn(env, name) ? env[name] : undefined;
		if (value !== undefined && value !== null) return typeof value === 'function' ? undefined : value;
		if (name === 'context' || name === 'resource') return start;
		return name === 'rootResource' ? (env.resource ?? start) : undefined;
	};
	return node(run, types, true);
}

/** The type of `%resource`: that of the focus, or the one a backbone element is in. */
function resourceTypes({ model, start }: Context): Types {
	const root = certain(start)?.split('.')[0];
	return root !== undefined && model?.elementInfo(root, 'implicitRules') !== undefined ? [root] : undefined;
}

function compileMember({ name, on }: Extract<Ast, { kind: 'member' }>, context: Context): Node {
	if (on === undefined && /^[A-Z]/.test(name)) return typeNameNode(name, context);
	const parent = on === undefined ? selfNode(context) : compile(on, context);
	return memberNode(parent, readerOf(context.model, parent.types, name));
}

function memberNode(parent: Node, reader: Reader): Node {
	// Where the types are known no box is needed to tell them, unless the parent may be a primitive with its children beside it.
	const from =
		reader.types !== undefined && certain(parent.types) !== undefined && /^[A-Z]/.test(parent.types?.[0] ?? '') ? parent.value : parent.run;
	const { items, values, present } = reader;
	return {
		run(self, scope) {
			const on = from(self, scope);
			return Array.isArray(on) ? flatMap(on, items) : items(on);
		},
		value(self, scope) {
			const on = from(self, scope);
			return Array.isArray(on) ? flatMap(on, values) : values(on);
		},
		present(self, scope) {
			const on = from(self, scope);
			return Array.isArray(on) ? on.some(present) : present(on);
		},
		types: reader.types,
		fixed: parent.fixed,
	};
}

/** A path may start with the type of its focus, `Patient.name`: what is not of the type is left out. */
function typeNameNode(name: string, context: Context): Node {
	const wanted = specifierOf(name);
	const known = certain(context.self);
	if (wanted !== undefined && known !== undefined && isNamed(known, wanted)) return selfNode(context);
	const { items } = readerOf(context.model, context.self, name);
	const one = (item: unknown): Items => (wanted !== undefined && isType(item, wanted, known) ? item : items(item));
	return node((self) => flatMap(self, one), wanted === undefined ? undefined : [name], false);
}

function compileCall(ast: Extract<Ast, { kind: 'call' }>, context: Context): Node {
	const { name, args, on } = ast;
	const [first] = args;
	if ((name === 'ofType' || name === 'as' || name === 'is') && args.length === 1 && first !== undefined) {
		const type = specifier(typeArgument(first));
		const subject: Ast = on ?? { kind: 'this' };
		return name === 'is' ? isNode(compile(subject, context), type) : asNode(subject, type, context);
	}
	const make = functionNamed(name);
	if (make === undefined) throw new Problem('invalid', 'fhirpath-function', `There is no FHIRPath function ${name.slice(0, 100)}().`);
	if (args.length < make.least || args.length > make.most)
		throw new Problem('invalid', 'fhirpath-function', `The FHIRPath function ${name}() does not take ${args.length} arguments.`);
	return functionNode(make, ast, on === undefined ? selfNode(context) : compile(on, context), context);
}

function functionNode(make: Make, { name, args }: Extract<Ast, { kind: 'call' }>, input: Node, context: Context): Node {
	const around: Node[] = [input];
	const made = make.make({
		name,
		input,
		model: context.model,
		count: args.length,
		arg(index) {
			const ast = args[index];
			if (ast === undefined) return undefined;
			const argument = compile(ast, context);
			around.push(argument);
			return argument;
		},
		lambda: (index) => compile(args[index] as Ast, { ...context, self: input.types, inner: true }),
	});
	return { ...made, fixed: made.fixed || (around.every(({ fixed }) => fixed) && !args.some(isIterative)) };
}

/** Whether an expression asks for `$index` or `$total`, which may be those of a function further out. */
function isIterative(ast: Ast): boolean {
	return ast.kind === 'index' || ast.kind === 'total' || branchesOf(ast).some(isIterative);
}

function typeArgument(ast: Ast): string {
	if (ast.kind === 'member') return ast.on === undefined ? ast.name : `${typeArgument(ast.on)}.${ast.name}`;
	if (ast.kind === 'literal' && typeof ast.value === 'string') return ast.value;
	throw new Problem('invalid', 'fhirpath-syntax', 'is(), as() and ofType() take the name of a type.');
}

function specifier(name: string): Specifier {
	const found = specifierOf(name);
	if (found === undefined) throw new Problem('invalid', 'fhirpath-syntax', `${name.slice(0, 100)} is not the name of a type.`);
	return found;
}

function isNode(on: Node, type: Specifier): Node {
	const known = certain(on.types);
	const run: Run = (self, scope) => {
		const item = single(on.run(self, scope));
		return item === undefined ? undefined : isType(item, type, known);
	};
	return node(run, ['System.Boolean'], on.fixed);
}

/** `on as type`, `on.ofType(type)`: those of the items that are of the type. R4's definitions use as() on several items too. */
function asNode(on: Ast, type: Specifier, context: Context): Node {
	if (on.kind === 'member' && !(on.on === undefined && /^[A-Z]/.test(on.name))) {
		// `value.ofType(Quantity)` is the member valueQuantity.
		const parent = on.on === undefined ? selfNode(context) : compile(on.on, context);
		const reader = readerOf(context.model, parent.types, on.name, type);
		const narrowed = memberNode(parent, reader);
		if (reader.types === undefined || reader.types.every((one) => isNamed(one, type))) return narrowed;
		return filteredNode(narrowed, type);
	}
	return filteredNode(compile(on, context), type);
}

function filteredNode(on: Node, type: Specifier): Node {
	const known = certain(on.types);
	const one = (item: unknown): Items => (isType(item, type, known) ? item : undefined);
	const types = on.types?.filter((name) => isNamed(name, type));
	return node((self, scope) => flatMap(on.run(self, scope), one), types?.length === 0 ? undefined : types, on.fixed);
}

function itemNode(on: Node, at: Node): Node {
	const run: Run = (self, scope) => {
		const index = scalar(single(at.value(self, scope)));
		const items = on.run(self, scope);
		if (index === 0) return firstOf(items);
		return typeof index === 'number' && Array.isArray(items) ? items[index] : undefined;
	};
	return node(run, on.types, on.fixed && at.fixed);
}
