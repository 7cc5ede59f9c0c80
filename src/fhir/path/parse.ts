// FHIRPath text to a tree (http://hl7.org/fhirpath/N1/#grammar).
import { Problem } from '#base/problem.ts';

export type Ast =
	| { readonly kind: 'literal'; readonly value: unknown }
	| { readonly kind: 'empty' }
	| { readonly kind: 'date'; readonly text: string }
	| { readonly kind: 'quantity'; readonly value: number; readonly unit: string }
	| { readonly kind: 'variable'; readonly name: string }
	| { readonly kind: 'this' | 'index' | 'total' }
	| { readonly kind: 'member'; readonly name: string; readonly on: Ast | undefined }
	| { readonly kind: 'call'; readonly name: string; readonly args: readonly Ast[]; readonly on: Ast | undefined }
	| { readonly kind: 'item'; readonly on: Ast; readonly at: Ast }
	| { readonly kind: 'unary'; readonly op: '+' | '-'; readonly on: Ast }
	| { readonly kind: 'binary'; readonly op: string; readonly left: Ast; readonly right: Ast }
	| { readonly kind: 'type'; readonly op: 'is' | 'as'; readonly on: Ast; readonly type: string };

type Token = {
	readonly kind: 'number' | 'string' | 'date' | 'name' | 'quoted' | 'variable' | 'symbol' | 'end';
	readonly text: string;
	readonly at: number;
};

const pattern =
	/\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|(?<date>@T?\d[\d:.TZ+-]*\d*Z?|@\d{4}T?)|(?<number>\d+(?:\.\d+)?)|(?<string>'(?:[^'\\]|\\.)*')|(?<quoted>`(?:[^`\\]|\\.)*`)|(?<variable>%(?:[A-Za-z_][\w-]*|`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'))|(?<name>[$A-Za-z_]\w*)|(?<symbol><=|>=|!=|!~|[-+*/&|()[\]{}.,=~<>])/y;

/** The tree of an expression. Throws Problem invalid `fhirpath-syntax` with the position of what is wrong. */
export function parsePath(expression: string): Ast {
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
		const kind = Object.entries(match.groups ?? {}).find(([, text]) => text !== undefined)?.[0];
		if (kind !== undefined) tokens.push({ kind: kind as Token['kind'], text: match[0], at });
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
const maxDepth = 200;

class Parser {
	readonly #expression: string;
	readonly #tokens: readonly Token[];
	#at = 0;
	#depth = 0;

	constructor(expression: string, tokens: readonly Token[]) {
		this.#expression = expression;
		this.#tokens = tokens;
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
			const strength = kind === 'symbol' || kind === 'name' ? binary[op] : undefined;
			if (strength === undefined || strength < minimum || !Object.hasOwn(binary, op)) break;
			this.#at++;
			if (op === 'is' || op === 'as') left = { kind: 'type', op, on: left, type: this.#typeName() };
			else left = { kind: 'binary', op, left, right: this.expression(strength + 1) };
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
			return { kind: 'unary', op, on: this.expression(11) };
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
				on = { kind: 'item', on, at };
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
			return this.#quantity(Number(text));
		}
		if (kind === 'string') {
			this.#at++;
			return { kind: 'literal', value: unescaped(text.slice(1, -1)) };
		}
		if (kind === 'date') {
			this.#at++;
			return { kind: 'date', text: text.slice(1) };
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

	#quantity(value: number): Ast {
		const { kind, text } = this.peek();
		if (kind === 'string') {
			this.#at++;
			return { kind: 'quantity', value, unit: unescaped(text.slice(1, -1)) };
		}
		if (kind === 'name' && calendarUnits.test(text)) {
			this.#at++;
			return { kind: 'quantity', value, unit: text.replace(/s$/, '') };
		}
		return { kind: 'literal', value };
	}

	#invocation(on: Ast | undefined): Ast {
		const { kind, text, at } = this.peek();
		if (kind === 'name' && text.startsWith('$')) {
			this.#at++;
			if (text === '$this' || text === '$index' || text === '$total') return { kind: text.slice(1) as 'this' };
			throw syntax(this.#expression, at);
		}
		const name = this.#identifier();
		if (!this.#is('(')) return { kind: 'member', name, on };
		this.#at++;
		const args: Ast[] = [];
		while (!this.#is(')')) {
			args.push(this.expression(0));
			if (!this.#is(')')) this.#expect(',');
		}
		this.#at++;
		return { kind: 'call', name, args, on };
	}
}
