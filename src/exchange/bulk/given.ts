// What a client gave a bulk operation, in the query or in Parameters (https://hl7.org/fhir/R4/operations.html#request), by name.
import type { OperationInput } from '#fhir/operations/operation.ts';
import { pairsOf } from '#fhir/search/escape.ts';
import { badValue } from './problems.ts';

/** The values of each parameter as texts; of references what they refer to. */
export type Given = ReadonlyMap<string, readonly string[]>;

/** Throws Problem invalid `parameter-invalid` for a body that is no Parameters and for values that are no texts. */
export function givenOf({ query, parameters, resource }: OperationInput): Given {
	const given = new Map<string, string[]>();
	const add = (name: string, value: string): void => {
		if (value !== '') given.set(name, [...(given.get(name) ?? []), value]);
	};
	for (const [name, value] of pairsOf(query)) if (name !== '_format' && name !== '_pretty') add(name, value);
	if (resource !== undefined) throw badValue('body', 'It must be a Parameters resource.');
	const list = parameters?.parameter ?? [];
	if (!Array.isArray(list)) throw badValue('parameter', 'Parameters.parameter must be a list.');
	for (const part of list) {
		const name = part?.name;
		if (typeof name !== 'string') throw badValue('parameter', 'Each needs a name.');
		add(name, textOfPart(name, part));
	}
	return given;
}

function textOfPart(name: string, part: Readonly<Record<string, unknown>>): string {
	const key = Object.keys(part).find((one) => /^value[A-Z]/.test(one)) ?? '';
	const value = part[key];
	const plain = key === 'valueReference' ? (value as { reference?: unknown } | null)?.reference : value;
	if (typeof plain === 'string' || typeof plain === 'boolean' || typeof plain === 'number' || plain instanceof Number) return String(plain);
	throw badValue(name, 'It needs a simple value, such as valueString, or a valueReference.');
}

/** The values, those with commas as several. */
export function listOf(given: Given, name: string): string[] {
	return (given.get(name) ?? []).flatMap((text) => text.split(',')).flatMap((text) => (text.trim() === '' ? [] : [text.trim()]));
}
