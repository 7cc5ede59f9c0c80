// The SQL tag: values become parameters, fragments nest, nothing is ever spliced in as text unless `raw` says so.

/** A statement or part of one: text pieces and the values between them. */
export class Sql {
	readonly strings: readonly string[];
	readonly values: readonly unknown[];
	constructor(strings: readonly string[], values: readonly unknown[]) {
		this.strings = strings;
		this.values = values;
	}

	/** Text with $1, $2, … and the values for them, numbered from `first`. */
	compile(): { text: string; values: unknown[] } {
		const values: unknown[] = [];
		return { text: write(this, values), values };
	}
}

function write(part: Sql, values: unknown[]): string {
	let text = part.strings[0] as string;
	for (let i = 0; i < part.values.length; i++) {
		const value = part.values[i];
		text += value instanceof Sql ? write(value, values) : `$${values.push(value)}`;
		text += part.strings[i + 1] as string;
	}
	return text;
}

/** Builds a statement: sql`SELECT * FROM t WHERE id = ${id} AND ${otherFragment}`. */
export function sql(strings: TemplateStringsArray, ...values: unknown[]): Sql {
	return new Sql(strings, values);
}

/** Text that is code, not data: never pass anything that came from outside. */
export function raw(text: string): Sql {
	return new Sql([text], []);
}

/** A quoted identifier. */
export function ident(...names: string[]): Sql {
	return raw(names.map((name) => `"${name.replaceAll('"', '""')}"`).join('.'));
}

/** Joins fragments with a separator; empty text for an empty list. */
export function join(parts: readonly Sql[], separator: string): Sql {
	if (parts.length === 0) return raw('');
	return new Sql(['', ...parts.slice(1).map(() => separator), ''], parts);
}
