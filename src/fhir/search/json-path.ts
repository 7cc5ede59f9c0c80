// A simple FHIRPath of a token or reference parameter as an SQL/JSON path to the text to sort by.
import type { SearchParam } from './registry.ts';

const element = /^[A-Z][A-Za-z]+((?:\.[a-z][A-Za-z]*)+)$/;

/** Such as `$.status`: where the parameter's first value is in the body; undefined when the expression is more than a path. */
export function jsonPathOf(param: SearchParam): string | undefined {
	for (const part of param.expression.split('|')) {
		const plain = part
			.trim()
			.replace(/\.where\(resolve\(\) is [A-Za-z]+\)$/, '')
			.replace(/^\((.*) as [A-Za-z]+\)$/, '$1');
		const match = element.exec(plain);
		if (match !== null) return `$${match[1]}`;
	}
	return undefined;
}

/** The paths to try, in order: a code or boolean itself, a coding's code, an Identifier's or ContactPoint's value, a text. */
export function textPathsOf(param: SearchParam): string[] {
	const path = jsonPathOf(param);
	if (path === undefined) return [];
	if (param.type === 'reference') return [`${path}.reference`];
	return [
		`${path}[*] ? (@.type() == "string" || @.type() == "boolean")`,
		...['coding.code', 'code', 'value', 'text'].map((last) => `${path}.${last}`),
	];
}
