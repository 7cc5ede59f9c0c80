// FHIRPath trees to JavaScript closures (http://hl7.org/fhirpath/N1/, with FHIR's additions of https://hl7.org/fhir/R4/fhirpath.html).
import { Problem } from '#base/problem.ts';
import { functions } from './functions.ts';
import { children } from './navigate.ts';
import { binaryOperator } from './operators.ts';
import { type Ast, parsePath } from './parse.ts';
import { isType } from './types.ts';
import { Amount, addValue, bare, suffixOf, Temporal, typeBySuffix } from './values.ts';

/** What an expression may ask for beside its focus. */
export type PathEnv = {
	readonly resource?: unknown;
	readonly rootResource?: unknown;
	readonly context?: unknown;
	/** The resource a reference leads to, for resolve(); undefined when unknown. */
	readonly resolve?: (reference: string) => unknown;
	/** Whether a code is in a value set, for memberOf(). */
	readonly memberOf?: (valueSet: string, system: string | undefined, code: string) => boolean | undefined;
	/** Whether an item conforms to a profile, for conformsTo(). */
	readonly conformsTo?: (item: unknown, profile: string) => boolean | undefined;
	readonly now?: () => Date;
	readonly [variable: string]: unknown;
};

/** What a closure sees while it runs. */
export type Scope = { readonly env: PathEnv; readonly self: unknown; readonly index: number; readonly total: readonly unknown[] };

export type Run = (focus: readonly unknown[], scope: Scope) => unknown[];

export type CompiledPath = (focus: unknown, env?: PathEnv) => unknown[];

const none: readonly unknown[] = [];

/** A function that gives the expression's items, bare of their boxes. Throws Problem invalid `fhirpath-syntax` or `fhirpath-function` now, not when it runs. */
export function compilePath(expression: string): CompiledPath {
	const run = compileAst(parsePath(expression));
	return (focus, env = {}) => {
		const start = focus === undefined || focus === null ? [] : Array.isArray(focus) ? focus : [focus];
		return run(start, { env: { context: focus, ...env }, self: start[0], index: 0, total: none }).map(bare);
	};
}

/**
 * A function for an invariant: false only when the expression says false. An empty answer (a comparison that cannot be decided, an element
 * that is absent) does not break the rule.
 */
export function compileTest(expression: string): (focus: unknown, env: PathEnv) => boolean {
	const run = compileAst(parsePath(expression));
	return (focus, env) => {
		const result = run([focus], { env, self: focus, index: 0, total: none });
		return result.length !== 1 || bare(result[0]) !== false;
	};
}

/** The closure of a tree. */
export function compileAst(ast: Ast): Run {
	switch (ast.kind) {
		case 'empty':
			return () => [];
		case 'literal':
			return constant([ast.value]);
		case 'date':
			return constant([dateLiteral(ast.text)]);
		case 'quantity':
			return constant([new Amount(ast.value, ast.unit)]);
		case 'this':
			return (_focus, { self }) => (self === undefined ? [] : [self]);
		case 'index':
			return (_focus, { index }) => [index];
		case 'total':
			return (_focus, { total }) => [...total];
		case 'variable':
			return compileVariable(ast.name);
		case 'member':
			return compileMember(ast.name, ast.on);
		case 'call':
			return compileCall(ast);
		case 'item':
			return compileItem(ast.on, ast.at);
		case 'unary':
			return compileUnary(ast.op, ast.on);
		case 'binary':
			return binaryOperator(ast.op, compileAst(ast.left), compileAst(ast.right));
		case 'type':
			return ast.op === 'is' ? compileIs(ast.on, ast.type) : compileAs(ast.on, ast.type);
	}
}

/** `@T10:00` is a time; a date with a `T` is a dateTime, whatever follows. */
function dateLiteral(text: string): Temporal {
	if (text.startsWith('T')) return new Temporal(text.slice(1), 'Time');
	return text.includes('T') ? new Temporal(text.replace(/T$/, ''), 'DateTime') : new Temporal(text, 'Date');
}

function constant(items: unknown[]): Run {
	return () => items.slice();
}

const wellKnown: Readonly<Record<string, string>> = {
	ucum: 'http://unitsofmeasure.org',
	sct: 'http://snomed.info/sct',
	loinc: 'http://loinc.org',
};

function compileVariable(name: string): Run {
	const known = wellKnown[name];
	if (known !== undefined) return constant([known]);
	if (name.startsWith('vs-')) return constant([`http://hl7.org/fhir/ValueSet/${name.slice(3)}`]);
	if (name.startsWith('ext-')) return constant([`http://hl7.org/fhir/StructureDefinition/${name.slice(4)}`]);
	return (_focus, { env }) => {
		const value = env[name] ?? (name === 'rootResource' ? env.resource : undefined);
		if (value === undefined || value === null) return [];
		return Array.isArray(value) ? [...value] : [value];
	};
}

function compileMember(name: string, on: Ast | undefined): Run {
	if (on === undefined) {
		// The first step may name the type of the focus instead of a child (`Patient.name`).
		const isName = /^[A-Z]/.test(name);
		return (focus) => {
			const into: unknown[] = [];
			for (const item of focus) {
				if (isName && isType(item, name)) into.push(item);
				else children(item, name, into);
			}
			return into;
		};
	}
	const source = compileAst(on);
	return (focus, scope) => {
		const into: unknown[] = [];
		for (const item of source(focus, scope)) children(item, name, into);
		return into;
	};
}

function compileCall(ast: Extract<Ast, { kind: 'call' }>): Run {
	const { name, args, on } = ast;
	if ((name === 'ofType' || name === 'as' || name === 'is') && args.length === 1) {
		const type = typeArgument(args[0] as Ast);
		const subject: Ast = on ?? { kind: 'this' };
		if (name === 'ofType') return compileOfType(subject, type);
		return name === 'is' ? compileIs(subject, type) : compileAs(subject, type);
	}
	const make = Object.hasOwn(functions, name) ? functions[name] : undefined;
	if (make === undefined) throw new Problem('invalid', 'fhirpath-function', `There is no FHIRPath function ${name}().`);
	const run = make(args.map(compileAst), args);
	if (on === undefined) return run;
	const source = compileAst(on);
	return (focus, scope) => run(source(focus, scope), scope);
}

function typeArgument(ast: Ast): string {
	if (ast.kind === 'member') return ast.on === undefined ? ast.name : `${typeArgument(ast.on)}.${ast.name}`;
	if (ast.kind === 'literal' && typeof ast.value === 'string') return ast.value;
	throw new Problem('invalid', 'fhirpath-syntax', 'is(), as() and ofType() take the name of a type.');
}

/** `value.ofType(Quantity)`, where `value` is a choice: straight to `valueQuantity`. */
function compileOfType(on: Ast, type: string): Run {
	const general = compileAst(on);
	const filter: Run = (focus, scope) => general(focus, scope).filter((item) => isType(item, type));
	if (on.kind !== 'member' || type.includes('.')) return filter;
	const parent = on.on === undefined ? undefined : compileAst(on.on);
	const member = on.name + suffixOf(type);
	return (focus, scope) => {
		const into: unknown[] = [];
		for (const item of parent === undefined ? focus : parent(focus, scope)) {
			const object = bare(item) as Record<string, unknown> | null;
			if (object === null || typeof object !== 'object') continue;
			if (object[member] !== undefined || object[`_${member}`] !== undefined)
				addValue(object[member], object[`_${member}`], typeBySuffix.get(suffixOf(type)), into);
			else {
				const plain: unknown[] = [];
				children(item, on.name, plain);
				for (const child of plain) if (isType(child, type)) into.push(child);
			}
		}
		return into;
	};
}

function compileAs(on: Ast, type: string): Run {
	return compileOfType(on, type);
}

function compileIs(on: Ast, type: string): Run {
	const source = compileAst(on);
	return (focus, scope) => {
		const items = source(focus, scope);
		return items.length === 0 ? [] : [items.length === 1 && isType(items[0], type)];
	};
}

function compileItem(on: Ast, at: Ast): Run {
	const source = compileAst(on);
	const position = compileAst(at);
	return (focus, scope) => {
		const index = bare(position(focus, scope)[0]);
		const item = source(focus, scope)[index as number];
		return item === undefined ? [] : [item];
	};
}

function compileUnary(op: '+' | '-', on: Ast): Run {
	const source = compileAst(on);
	return (focus, scope) => {
		const item = bare(source(focus, scope)[0]);
		if (item instanceof Amount) return [op === '-' ? new Amount(-item.value, item.unit) : item];
		return typeof item === 'number' ? [op === '-' ? -item : item] : [];
	};
}
