// Builds JavaScript functions from text: what they need from outside comes in as named constants.

const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** A text as a JavaScript literal. */
export function quote(text: string): string {
	return JSON.stringify(text);
}

/** A name that may stand in generated code as it is. Definitions come from packages, so it is checked, never trusted. */
export function named(name: string): string {
	if (!identifier.test(name)) throw new TypeError(`not an element name: ${name}`);
	return name;
}

/** The source of one or more functions in the making. */
export class Source {
	readonly #names: string[] = [];
	readonly #values: unknown[] = [];
	readonly #known = new Map<unknown, string>();
	readonly #functions: string[] = [];

	/** The name under which generated code finds the value. */
	constant(value: unknown): string {
		const known = this.#known.get(value);
		if (known !== undefined) return known;
		const name = `k${this.#names.length}`;
		this.#names.push(name);
		this.#values.push(value);
		this.#known.set(value, name);
		return name;
	}

	/** Adds a function declaration. */
	declare(text: string): void {
		this.#functions.push(text);
	}

	/** Compiles all and gives the function of that name. */
	build<F>(name: string): F {
		const text = `'use strict';\n${this.#functions.join('\n')}\nreturn ${name};`;
		return new Function(...this.#names, text)(...this.#values) as F;
	}
}
