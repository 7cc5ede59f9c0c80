// FHIRPath text to a tree (http://hl7.org/fhirpath/N1/#grammar).
import { Problem } from '#base/problem.ts';
import { numberOf } from '#fhir/wire/decimal.ts';
import { partsOf } from './temporal.ts';
import { isRealDay } from './text.ts';

export type Ast =
	| { readonly kind: 'literal'; readonly value: unknown }
	| { readonly kind: 'empty' }
	/** A date, dateTime or time as it is written, without the `@`. */
	| { readonly kind: 'date'; readonly text: string }
	| { readonly kind: 'quantity'; readonly value: number; readonly unit: string; readonly calendar: boolean }
	| { readonly kind: 'variable'; readonly name: string }
	| { readonly kind: 'this' | 'index' | 'total' }
	| { readonly kind: 'member'; readonly name: string; readonly on: Ast | undefined }
	| { readonly kind: 'call'; readonly name: string; readonly args: readonly Ast[]; readonly on: Ast | undefined }
	| { readonly kind: 'item'; readonly on: Ast; readonly at: Ast }
	| { readonly kind: 'unary'; readonly op: '+' | '-'; readonly on: Ast }
	| { readonly kind: 'binary'; readonly op: string; readonly left: Ast; readonly right: Ast }
	| { readonly kind: 'type'; readonly op: 'is' | 'as'; readonly on: Ast; readonly type: string };

/** The trees that a tree is made of. */
export function branchesOf(ast: Ast): readonly Ast[] {
	switch (ast.kind) {
		case 'member':
		case 'unary':
		case 'type':
			return ast.on === undefined ? [] : [ast.on];
		case 'call':
			return ast.on === undefined ? ast.args : [ast.on, ...ast.args];
		case 'item':
			return [ast.on, ast.at];
		case 'binary':
			return [ast.left, ast.right];
		default:
			return [];
	}
}

type Token = {
	readonly kind: 'number' | 'string' | 'date' | 'name' | 'quoted' | 'variable' | 'symbol' | 'end';
	readonly text: string;
	readonly at: number;
};

/** What a text is made of; white space and comments have no kind. */
const lexicon: readonly (readonly [kind: Token['kind'] | undefined, form: RegExp])[] = [
	[undefined, /\s+|\/\/[^\n\r]*|\/\*(?:[^*]|\*(?!\/))*\*\//],
	[
		'date',
		/@(?:T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?|\d{4}(?:-\d\d(?:-\d\d)?)?(?:T(?:\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?)?)?)/,
	],
	['number', /\d+(?:\.\d+)?/],
	['string', /'(?:[^'\\]|\\.)*'/],
	['quoted', /`(?:[^`\\]|\\.)*`/],
	// Double quotes, and names with dashes, are what older pages of FHIR write.
	['variable', /%(?:(?:vs|ext)-[\w-]+|[A-Za-z_]\w*|`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')/],
	['name', /[$A-Za-z_]\w*/],
	['symbol', /<=|>=|!=|!~|[-+*/&|()[\]{}.,=~<>]/],
];
const pattern = new RegExp(lexicon.map(([, { source }]) => `(${source})`).join('|'), 'sy');

const maxLength = 50_000;

/** The tree of an expression. Throws Problem invalid `fhirpath-syntax` with the position of what is wrong. http://hl7.org/fhirpath/N1/#grammar */
export function parsePath(expression: string): Ast {
	if (expression.length > maxLength)
		throw new Problem('invalid', 'fhirpath-syntax', `A FHIRPath expression is at most ${maxLength} characters long.`);
	const tokens = tokenize(expression);
	const parser = new Parser(expression, tokens);
	const ast = parser.expression(0);
	if (parser.peek().kind !== 'end') throw syntax(expression, parser.peek().at);
	return ast;
}

function syntax(expression: string, at: number): Problem {
	return new Problem(
		'invalid',
		'fhirpath-syntax',
		`The FHIRPath expression is not valid at position ${at + 1}: ${expression.slice(0, 200)}`,
	);
}

function tokenize(expression: string): Token[] {
	const tokens: Token[] = [];
	let at = 0;
	while (at < expression.length) {
		pattern.lastIndex = at;
		const match = pattern.exec(expression);
		if (match === null) throw syntax(expression, at);
		const kind = lexicon[match.indexOf(match[0], 1) - 1]?.[0];
		if (kind !== undefined) tokens.push({ kind, text: match[0], at });
		at = pattern.lastIndex;
	}
	tokens.push({ kind: 'end', text: '', at });
	return tokens;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f' };

function unescaped(text: string): string {
	return text.replace(/\\(u[0-9a-fA-F]{4}|.)/g, (_, code: string) =>
		code.length === 5 ? String.fromCharCode(Number.parseInt(code.slice(1), 16)) : (escapes[code] ?? code),
	);
}

/** Binding strength, loosest first. */
const binary: Readonly<Record<string, number>> = {
	implies: 1,
	or: 2,
	xor: 2,
	and: 3,
	in: 4,
	contains: 4,
	'=': 5,
	'~': 5,
	'!=': 5,
	'!~': 5,
	'<': 6,
	'>': 6,
	'<=': 6,
	'>=': 6,
	'|': 7,
	is: 8,
	as: 8,
	'+': 9,
	'-': 9,
	'&': 9,
	'*': 10,
	'/': 10,
	div: 10,
	mod: 10,
};

const calendarUnits = /^(years?|months?|weeks?|days?|hours?|minutes?|seconds?|milliseconds?)$/;
/** Parentheses in parentheses. */
const maxDepth = 200;
/** Steps from the top of a tree to its deepest leaf: each costs a few frames of the stack when the tree is compiled and run. */
const maxHeight = 400;

class Parser {
	readonly #expression: string;
	readonly #tokens: readonly Token[];
	#at = 0;
	#depth = 0;
	readonly #heights = new Map<Ast, number>();

	constructor(expression: string, tokens: readonly Token[]) {
		this.#expression = expression;
		this.#tokens = tokens;
	}

	#node<T extends Ast>(ast: T, ...parts: readonly (Ast | undefined)[]): T {
		let height = 0;
		for (const part of parts) if (part !== undefined) height = Math.max(height, this.#heights.get(part) ?? 1);
		if (height >= maxHeight) throw syntax(this.#expression, this.peek().at);
		this.#heights.set(ast, height + 1);
		return ast;
	}

	peek(): Token {
		return this.#tokens[this.#at] as Token;
	}

	#next(): Token {
		return this.#tokens[this.#at++] as Token;
	}

	#is(text: string): boolean {
		const { kind, text: found } = this.peek();
		return found === text && (kind === 'symbol' || kind === 'name');
	}

	#expect(text: string): void {
		if (!this.#is(text)) throw syntax(this.#expression, this.peek().at);
		this.#at++;
	}

	expression(minimum: number): Ast {
		if (++this.#depth > maxDepth) throw syntax(this.#expression, this.peek().at);
		let left = this.#unary();
		for (;;) {
			const { text: op, kind } = this.peek();
			const strength = (kind === 'symbol' || kind === 'name') && Object.hasOwn(binary, op) ? binary[op] : undefined;
			if (strength === undefined || strength < minimum) break;
			this.#at++;
			if (op === 'is' || op === 'as') left = this.#node({ kind: 'type', op, on: left, type: this.#typeName() }, left);
			else {
				const right = this.expression(strength + 1);
				left = this.#node({ kind: 'binary', op, left, right }, left, right);
			}
		}
		this.#depth--;
		return left;
	}

	#typeName(): string {
		let name = this.#identifier();
		while (this.#is('.')) {
			this.#at++;
			name += `.${this.#identifier()}`;
		}
		return name;
	}

	#identifier(): string {
		const { kind, text, at } = this.#next();
		if (kind === 'name') return text;
		if (kind === 'quoted') return unescaped(text.slice(1, -1));
		throw syntax(this.#expression, at);
	}

	#unary(): Ast {
		if (this.#is('+') || this.#is('-')) {
			const op = this.#next().text as '+' | '-';
			const on = this.expression(11);
			return this.#node({ kind: 'unary', op, on }, on);
		}
		let on = this.#term();
		for (;;) {
			if (this.#is('.')) {
				this.#at++;
				on = this.#invocation(on);
			} else if (this.#is('[')) {
				this.#at++;
				const at = this.expression(0);
				this.#expect(']');
				on = this.#node({ kind: 'item', on, at }, on, at);
			} else return on;
		}
	}

	#term(): Ast {
		const { kind, text, at } = this.peek();
		if (kind === 'symbol') {
			this.#at++;
			if (text === '(') {
				const inner = this.expression(0);
				this.#expect(')');
				return inner;
			}
			if (text === '{') {
				this.#expect('}');
				return { kind: 'empty' };
			}
			throw syntax(this.#expression, at);
		}
		if (kind === 'number') {
			this.#at++;
			return this.#quantity(text);
		}
		if (kind === 'string') {
			this.#at++;
			return { kind: 'literal', value: unescaped(text.slice(1, -1)) };
		}
		if (kind === 'date') {
			this.#at++;
			return this.#date(text.slice(1), at);
		}
		if (kind === 'variable') {
			this.#at++;
			const name = text.slice(1);
			return { kind: 'variable', name: /^[`"']/.test(name) ? unescaped(name.slice(1, -1)) : name };
		}
		if (kind === 'name' && (text === 'true' || text === 'false')) {
			this.#at++;
			return { kind: 'literal', value: text === 'true' };
		}
		return this.#invocation(undefined);
	}

	#date(text: string, at: number): Ast {
		const written = text.replace(/^T|T$/g, '');
		if (partsOf(written) === undefined || (!text.startsWith('T') && !isRealDay(written))) throw syntax(this.#expression, at);
		return { kind: 'date', text };
	}

	#quantity(number: string): Ast {
		const value = Number(number);
		const { kind, text, at } = this.peek();
		if (!Number.isFinite(value)) throw syntax(this.#expression, at);
		if (kind === 'string') {
			this.#at++;
			return { kind: 'quantity', value, unit: unescaped(text.slice(1, -1)), calendar: false };
		}
		if (kind === 'name' && calendarUnits.test(text)) {
			this.#at++;
			return { kind: 'quantity', value, unit: text.replace(/s$/, ''), calendar: true };
		}
		// `1.0` is a decimal, and says how precise it is.
		return { kind: 'literal', value: number.includes('.') ? numberOf(number) : value };
	}

	#invocation(on: Ast | undefined): Ast {
		const { kind, text, at } = this.peek();
		if (kind === 'name' && text.startsWith('$')) {
			this.#at++;
			if (text === '$this' || text === '$index' || text === '$total') return { kind: text.slice(1) as 'this' | 'index' | 'total' };
			throw syntax(this.#expression, at);
		}
		const name = this.#identifier();
		if (!this.#is('(')) return this.#node({ kind: 'member', name, on }, on);
		this.#at++;
		const args: Ast[] = [];
		if (!this.#is(')')) {
			args.push(this.expression(0));
			while (this.#is(',')) {
				this.#at++;
				args.push(this.expression(0));
			}
		}
		this.#expect(')');
		return this.#node({ kind: 'call', name, args, on }, on, ...args);
	}
}
