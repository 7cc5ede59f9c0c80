// Regular expressions of matches() and its relatives.

const capacity = 500;

/** Compiles patterns and remembers the last; undefined for a text that is no regular expression. */
export function createPatterns(flags: string): (source: string) => RegExp | undefined {
	const kept = new Map<string, RegExp | undefined>();
	return (source) => {
		if (kept.has(source)) return kept.get(source);
		if (kept.size >= capacity) kept.clear();
		const pattern = compiled(source, flags);
		kept.set(source, pattern);
		return pattern;
	};
}

/** Single-line mode. Unicode mode only where it is needed: outside of it V8 can leave a pattern that backtracks without end. */
function compiled(source: string, flags: string): RegExp | undefined {
	const unicode = /\\p\{|\\u\{|[\ud800-\udfff]/.test(source);
	try {
		return new RegExp(source, `s${flags}${unicode ? 'u' : ''}`);
	} catch {
		return undefined;
	}
}

/** `${name}` of the specification's example, as JavaScript writes it. */
export function substitution(text: string): string {
	return text.replace(/\$\{(\w+)\}/g, (_, name: string) => (/^\d+$/.test(name) ? `$${name}` : `$<${name}>`));
}
