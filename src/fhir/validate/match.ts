// fixed[x] and pattern[x], https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.pattern_x_.
import type { Json } from '#fhir/definitions/facts.ts';

export type ValueTest = (value: unknown) => boolean;

/** Whether a value is exactly the wanted one: nothing more, nothing less, arrays in the same order. */
export function fixedTest(wanted: Json): ValueTest {
	if (wanted === null || typeof wanted !== 'object') return scalarTest(wanted);
	if (Array.isArray(wanted)) {
		const tests = wanted.map(fixedTest);
		return (value) => Array.isArray(value) && value.length === tests.length && tests.every((test, i) => test(value[i]));
	}
	const members = Object.entries(wanted).map(([name, member]) => [name, fixedTest(member)] as const);
	return (value) =>
		value !== null && typeof value === 'object' && Object.keys(value).length === members.length && holdsAll(value as object, members);
}

/** Whether a value has at least what the pattern has; each item of an array in the pattern is found somewhere in the value's. */
export function patternTest(pattern: Json): ValueTest {
	if (pattern === null || typeof pattern !== 'object') return scalarTest(pattern);
	if (Array.isArray(pattern)) {
		const tests = pattern.map(patternTest);
		return (value) => Array.isArray(value) && tests.every((test) => value.some(test));
	}
	const members = Object.entries(pattern).map(([name, member]) => [name, patternTest(member)] as const);
	return (value) => value !== null && typeof value === 'object' && holdsAll(value as object, members);
}

function holdsAll(value: object, members: readonly (readonly [string, ValueTest])[]): boolean {
	return members.every(([name, test]) => Object.hasOwn(value, name) && test((value as Record<string, unknown>)[name]));
}

function scalarTest(wanted: string | number | boolean | null): ValueTest {
	return typeof wanted === 'number'
		? (value) => (typeof value === 'number' || value instanceof Number) && Number(value) === wanted
		: (value) => value === wanted;
}
