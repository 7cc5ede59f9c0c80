// What a client gave an operation: in the query, in a Parameters resource, or as the body itself
// (https://hl7.org/fhir/R4/operations.html#request).
import { Problem } from '#base/problem.ts';
import { restoreBody } from '#fhir/binary/binary.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { read } from '#fhir/interactions/read.ts';
import type { Resource } from '#fhir/resource.ts';
import { pairsOf } from '#fhir/search/escape.ts';
import { parseJson } from '#fhir/wire/json.ts';
import type { OperationInput } from './operation.ts';

/** Where a client's words are looked for. */
export type Given = Pick<OperationInput, 'query' | 'parameters'>;

type Part = { readonly name?: unknown; readonly resource?: unknown; readonly [value: string]: unknown };

function partsOf({ parameters }: Given): readonly Part[] {
	const list = parameters?.parameter ?? [];
	if (!Array.isArray(list)) throw badParameter('parameter', 'Parameters.parameter must be a list.');
	return list.filter((part) => part !== null && typeof part === 'object') as Part[];
}

/** The values of a parameter as texts, those in the query first. Throws Problem invalid `parameter-invalid` for a value that is no primitive. */
export function textsOf(input: Given, name: string): string[] {
	const asked = pairsOf(input.query).flatMap(([key, value]) => (key === name && value !== '' ? [value] : []));
	const given = partsOf(input).flatMap((part) => {
		if (part.name !== name) return [];
		const value = valueIn(part);
		if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number' || value instanceof Number)
			return [String(value)];
		throw badParameter(name, 'It needs a simple value, such as valueString.');
	});
	return [...asked, ...given];
}

/** The one value of a parameter. Throws Problem invalid `parameter-invalid` when there are several. */
export function textOf(input: Given, name: string): string | undefined {
	const texts = textsOf(input, name);
	if (texts.length > 1) throw badParameter(name, 'It may be given once.');
	return texts[0];
}

/** A whole number from 0 (or `least`) up. */
export function countOf(input: Given, name: string, least = 0): number | undefined {
	const text = textOf(input, name);
	if (text === undefined) return undefined;
	if (!/^\d{1,9}$/.test(text) || Number(text) < least) throw badParameter(name, `It must be a whole number, ${least} or more.`);
	return Number(text);
}

/** `true` or `false`. */
export function flagOf(input: Given, name: string): boolean | undefined {
	const text = textOf(input, name);
	if (text === undefined) return undefined;
	if (text !== 'true' && text !== 'false') throw badParameter(name, 'It must be true or false.');
	return text === 'true';
}

/** The value of a parameter that is a structure, such as valueCoding: an object that nobody has checked. */
export function structureOf(input: Given, name: string): Readonly<Record<string, unknown>> | undefined {
	const [part, ...more] = partsOf(input).filter((one) => one.name === name);
	if (part === undefined) return undefined;
	const value = valueIn(part);
	if (more.length > 0 || value === null || typeof value !== 'object' || Array.isArray(value))
		throw badParameter(name, 'It must be given once, with a structure as its value.');
	return value as Record<string, unknown>;
}

/** A parameter that is a resource; the body itself when that is no Parameters. */
export function resourceOf(input: Pick<OperationInput, 'query' | 'parameters' | 'resource'>, name: string): Resource | undefined {
	if (input.resource !== undefined) return input.resource;
	const [part, ...more] = partsOf(input).filter((one) => one.name === name);
	if (part === undefined) return undefined;
	const { resource } = part;
	if (more.length > 0 || resource === null || typeof resource !== 'object' || typeof (resource as Resource).resourceType !== 'string')
		throw badParameter(name, 'It must be given once, with a resource.');
	return resource as Resource;
}

function valueIn(part: Part): unknown {
	const key = Object.keys(part).find((name) => /^value[A-Z]/.test(name));
	return key === undefined ? undefined : part[key];
}

/** The stored resource that an invocation is about, with everything that is in it. Throws as a read does. */
export async function readWhole(ctx: FhirCtx, type: string, id: string): Promise<Resource> {
	return parseJson(Buffer.from(await restoreBody(ctx.fhir, await read(ctx, type, id)))) as Resource;
}

/** 400 for a parameter that cannot be read. */
export function badParameter(name: string, hint: string): Problem {
	const text = `The parameter "${name}" cannot be read. ${hint}`;
	return new Problem('invalid', 'parameter-invalid', text, {
		issues: [{ severity: 'error', type: 'value', code: 'parameter-invalid', text, path: name }],
	});
}

/** 400 for a parameter without which nothing can be done. */
export function missingParameter(name: string, hint: string): Problem {
	const text = `The parameter "${name}" is missing. ${hint}`;
	return new Problem('invalid', 'parameter-missing', text, {
		issues: [{ severity: 'error', type: 'required', code: 'parameter-missing', text, path: name }],
	});
}

/** A Parameters resource as an answer. */
export function answerParameters(parameter: readonly object[]): Resource {
	return { resourceType: 'Parameters', parameter };
}
