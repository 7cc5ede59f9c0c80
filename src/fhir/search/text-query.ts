// The language of `_text` and `_content`: words side by side must all occur, `OR`, `AND`, `NOT` and brackets combine them, quotes keep
// words together. https://hl7.org/fhir/R4/search.html#text
import { splitWords } from '#fhir/store/text.ts';
import type { Clause } from './query.ts';

/** A text query that cannot be read; the message says why. */
export class TextQueryError extends Error {}

const maxWords = 20;
const maxDepth = 20;

/** The clause of a text query. Throws TextQueryError. */
export function parseTextQuery(text: string, where: 'narrative' | 'all'): Clause {
	const reader = new Reader(tokensOf(text), where);
	const clause = reader.either(0);
	if (reader.more()) throw new TextQueryError('A closing bracket has no opening one.');
	return clause;
}

/** Brackets, quoted phrases and everything between blanks that has a word. */
function tokensOf(text: string): string[] {
	const tokens: string[] = text.match(/"[^"]*"?|[()]|[^\s()"]+/g) ?? [];
	return tokens.filter((token) => token === '(' || token === ')' || splitWords(token).length > 0);
}

class Reader {
	readonly #tokens: readonly string[];
	readonly #where: 'narrative' | 'all';
	#at = 0;
	#words = 0;

	constructor(tokens: readonly string[], where: 'narrative' | 'all') {
		this.#tokens = tokens;
		this.#where = where;
	}

	more(): boolean {
		return this.#at < this.#tokens.length;
	}

	#is(word: string): boolean {
		return this.#tokens[this.#at]?.toUpperCase() === word;
	}

	either(depth: number): Clause {
		if (depth > maxDepth) throw new TextQueryError(`Brackets may be at most ${maxDepth} deep.`);
		const of = [this.#both(depth)];
		while (this.#is('OR')) {
			this.#at++;
			of.push(this.#both(depth));
		}
		return of.length === 1 ? (of[0] as Clause) : { is: 'any', of };
	}

	#both(depth: number): Clause {
		const of: Clause[] = [];
		while (this.more() && !this.#is('OR') && !this.#is(')')) {
			if (this.#is('AND')) this.#at++;
			else of.push(this.#one(depth));
		}
		if (of.length === 0) throw new TextQueryError('Write a word to look for.');
		return of.length === 1 ? (of[0] as Clause) : { is: 'all', of };
	}

	#one(depth: number): Clause {
		const token = this.#tokens[this.#at++];
		if (token === undefined || token === ')') throw new TextQueryError('Write a word to look for.');
		// Only in capitals: "not" is a word of many texts.
		if (token === 'NOT') return { is: 'not', of: this.#one(depth) };
		if (token !== '(') return this.#phrase(token);
		const clause = this.either(depth + 1);
		if (this.#tokens[this.#at++] !== ')') throw new TextQueryError('A bracket is not closed.');
		return clause;
	}

	#phrase(text: string): Clause {
		const words = splitWords(text);
		this.#words += words.length;
		if (this.#words > maxWords) throw new TextQueryError(`A text search may name at most ${maxWords} words.`);
		const of = words.map((word): Clause => ({ is: 'word', where: this.#where, word }));
		return of.length === 1 ? (of[0] as Clause) : { is: 'all', of };
	}
}
