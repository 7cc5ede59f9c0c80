// Invariants (ElementDefinition.constraint, https://hl7.org/fhir/R4/conformance-rules.html#constraints): FHIRPath, and when it need not run.
import { Problem } from '#base/problem.ts';
import type { ConstraintFacts } from '#fhir/definitions/facts.ts';
import { compileTruth, type PathEnv, type PathOptions } from '#fhir/path/compile.ts';
import { type Ast, branchesOf, parsePath } from '#fhir/path/parse.ts';

export type Rule = {
	readonly key: string;
	readonly severity: 'error' | 'warning';
	readonly human: string;
	/** Members of the focus without any one of which the rule holds. */
	readonly needsAll: readonly string[];
	/** Members of the focus without all of which the rule holds; empty when there are no such. */
	readonly needsAny: readonly string[];
	/** The rule as JavaScript over what is there, when it asks nothing else; `has` gives the test of a member. */
	readonly asPresence: ((has: (member: string) => string) => string) | undefined;
	/** Whether the rule holds for the focus. Never throws. */
	readonly holds: (focus: unknown, env: PathEnv) => boolean;
};

/** Compiles a constraint; a text that says why when its expression is none that we can run. `options` say what the focus is. */
export function compileRule({ key, severity, expression, human }: ConstraintFacts, options: PathOptions = {}): Rule | string {
	try {
		const ast = parsePath(expression);
		const members = [...membersOf(ast)];
		const decide = compileTruth(expression, options);
		// An answer may be empty because two values cannot be ordered (2020 and 2020-05): that breaks no rule. Any other empty answer is not true,
		// but is not worth a warning.
		const undecided = severity === 'warning' || asksOrder(ast);
		const passes = (outcome: Outcome): boolean => outcome === true || (outcome === 'none' && undecided);
		return {
			key,
			severity,
			human,
			needsAll: members.filter((member) => passes(outcomeOf(ast, (name) => name === member))),
			needsAny: members.length > 0 && passes(outcomeOf(ast, () => true)) ? members : [],
			asPresence: presenceOf(ast),
			holds(focus, env) {
				try {
					return decide(focus, env) ?? undecided;
				} catch {
					// What cannot be evaluated (too much work) counts as not broken.
					return true;
				}
			},
		};
	} catch (error) {
		if (error instanceof Problem) return `${key}: ${error.text}`;
		throw error;
	}
}

const ordering = new Set(['<', '>', '<=', '>=']);

function asksOrder(ast: Ast): boolean {
	return some(ast, (node) => node.kind === 'binary' && ordering.has(node.op));
}

function some(ast: Ast, test: (node: Ast) => boolean): boolean {
	return test(ast) || branchesOf(ast).some((part) => some(part, test));
}

/** Names of members that the expression asks of its focus (and perhaps of others: they do no harm). */
function membersOf(ast: Ast, into = new Set<string>()): ReadonlySet<string> {
	if (ast.kind === 'member' && isFocusMember(ast)) into.add(ast.name);
	for (const part of branchesOf(ast)) membersOf(part, into);
	return into;
}

function isFocusMember(ast: Extract<Ast, { kind: 'member' }>): boolean {
	return ast.on === undefined ? !/^[A-Z]/.test(ast.name) : isFocus(ast.on);
}

/** `$this`, or the name of the focus' type at the start of a path. */
function isFocus(ast: Ast): boolean {
	return ast.kind === 'this' || (ast.kind === 'member' && ast.on === undefined && /^[A-Z]/.test(ast.name));
}

/** What an expression comes to as far as the absence of some members decides it: a boolean, a number, nothing, or not known. */
type Outcome = boolean | number | 'none' | 'unknown';

/** Of functions on an empty collection. */
const onNothing: Readonly<Record<string, Outcome>> = {
	empty: true,
	exists: false,
	all: true,
	allTrue: true,
	allFalse: true,
	anyTrue: false,
	anyFalse: false,
	hasValue: false,
	isDistinct: true,
	count: 0,
	subsetOf: true,
	iif: 'unknown',
	combine: 'unknown',
	union: 'unknown',
	sum: 'unknown',
	supersetOf: 'unknown',
	aggregate: 'unknown',
};

function outcomeOf(ast: Ast, isAbsent: (member: string) => boolean): Outcome {
	const of = (part: Ast): Outcome => outcomeOf(part, isAbsent);
	switch (ast.kind) {
		case 'empty':
			return 'none';
		case 'literal':
			return typeof ast.value === 'boolean' || typeof ast.value === 'number' ? ast.value : 'unknown';
		case 'member':
			if (isFocusMember(ast)) return isAbsent(ast.name) ? 'none' : 'unknown';
			return ast.on !== undefined && of(ast.on) === 'none' ? 'none' : 'unknown';
		case 'item':
		case 'type':
			return of(ast.on) === 'none' ? 'none' : 'unknown';
		case 'call':
			return outcomeOfCall(ast, of);
		case 'binary':
			return outcomeOfBinary(ast.op, of(ast.left), () => of(ast.right));
		default:
			return 'unknown';
	}
}

function outcomeOfCall({ name, on }: Extract<Ast, { kind: 'call' }>, of: (part: Ast) => Outcome): Outcome {
	if (on === undefined) return 'unknown';
	const subject = of(on);
	if (name === 'not' && typeof subject === 'boolean') return !subject;
	if (subject !== 'none') return name === 'trace' ? subject : 'unknown';
	return Object.hasOwn(onNothing, name) ? (onNothing[name] as Outcome) : 'none';
}

function outcomeOfBinary(op: string, left: Outcome, rightOf: () => Outcome): Outcome {
	const right = rightOf();
	switch (op) {
		case 'and':
			if (left === false || right === false) return false;
			return left === true && right === true ? true : left === 'unknown' || right === 'unknown' ? 'unknown' : 'none';
		case 'or':
			if (left === true || right === true) return true;
			return left === false && right === false ? false : left === 'unknown' || right === 'unknown' ? 'unknown' : 'none';
		case 'implies':
			if (left === false || right === true) return true;
			if (left === 'unknown' || right === 'unknown') return 'unknown';
			return left === true ? right : 'none';
		case 'xor':
			if (left === 'none' || right === 'none') return 'none';
			return typeof left === 'boolean' && typeof right === 'boolean' ? left !== right : 'unknown';
		case 'in':
			return left === 'none' ? 'none' : 'unknown';
		case 'contains':
			return right === 'none' ? 'none' : 'unknown';
		case '|':
			return left === 'none' && right === 'none' ? 'none' : 'unknown';
		case '&':
		case '~':
		case '!~':
			return 'unknown';
		default:
			if (left === 'none' || right === 'none') return 'none';
			return typeof left === 'number' && typeof right === 'number' ? outcomeOfNumbers(op, left, right) : 'unknown';
	}
}

function outcomeOfNumbers(op: string, left: number, right: number): Outcome {
	switch (op) {
		case '+':
			return left + right;
		case '-':
			return left - right;
		case '=':
			return left === right;
		case '!=':
			return left !== right;
		case '<':
			return left < right;
		case '<=':
			return left <= right;
		case '>':
			return left > right;
		case '>=':
			return left >= right;
		default:
			return 'unknown';
	}
}

const logic: Readonly<Record<string, (left: string, right: string) => string>> = {
	and: (left, right) => `(${left} && ${right})`,
	or: (left, right) => `(${left} || ${right})`,
	implies: (left, right) => `(!${left} || ${right})`,
	xor: (left, right) => `(${left} !== ${right})`,
};

/** JavaScript for an expression that only asks which members of its focus exist; such questions are never undecided. */
function presenceOf(ast: Ast): Rule['asPresence'] {
	if (ast.kind === 'binary') {
		const join = Object.hasOwn(logic, ast.op) ? logic[ast.op] : undefined;
		const left = join === undefined ? undefined : presenceOf(ast.left);
		const right = join === undefined ? undefined : presenceOf(ast.right);
		return join === undefined || left === undefined || right === undefined ? undefined : (has) => join(left(has), right(has));
	}
	if (ast.kind !== 'call' || ast.on === undefined || ast.args.length > 0) return undefined;
	if (ast.name === 'not') {
		const inner = presenceOf(ast.on);
		return inner === undefined ? undefined : (has) => `!${inner(has)}`;
	}
	const { on, name } = ast;
	if ((name !== 'exists' && name !== 'empty') || on.kind !== 'member' || !isFocusMember(on)) return undefined;
	return (has) => (name === 'exists' ? has(on.name) : `!${has(on.name)}`);
}
