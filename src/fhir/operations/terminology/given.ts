// Which value set and which codes a client means.
import { isError, Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import { read } from '#fhir/interactions/read.ts';
import { badParameter, missingParameter, resourceOf, structureOf, textOf } from '#fhir/operations/input.ts';
import type { OperationInput } from '#fhir/operations/operation.ts';
import type { Resource } from '#fhir/resource.ts';
import { type Expansion, expand, expandCanonical, type Source, type ValueSet } from '#fhir/terminology/expand.ts';
import { unknownValueSet, unsupported } from './problems.ts';

/** A value set with its codes. `resource` is what is stored or was sent; undefined for one of the definitions. */
export type Given = {
	readonly url: string | undefined;
	readonly version: string | undefined;
	readonly resource: Resource | undefined;
	readonly expansion: Expansion;
};

/** Parameters that would change the answer and are not looked at here: better refused than ignored. */
const refused = [
	'context',
	'contextDirection',
	'date',
	'exclude-system',
	'system-version',
	'check-system-version',
	'force-system-version',
	'systemVersion',
];

/** The value set of an invocation. Throws Problem not-found `valueset-unknown`, unsupported `parameter-unsupported`, invalid for one that is malformed. */
export async function givenValueSet(ctx: FhirCtx, input: OperationInput, source: Source): Promise<Given> {
	for (const name of refused)
		if (textOf(input, name) !== undefined) throw unsupported('parameter-unsupported', `The parameter "${name}" is not supported.`, name);
	if (input.id !== undefined) return ofResource(source, JSON.parse((await read(ctx, 'ValueSet', input.id)).body) as Resource);
	const sent = resourceOf(input, 'valueSet');
	if (sent !== undefined) return ofResource(source, checked(ctx, sent));
	const url = textOf(input, 'url');
	if (url === undefined) throw missingParameter('url', 'Which value set? Give its url, or the ValueSet itself.');
	const version = textOf(input, 'valueSetVersion');
	const canonical = version === undefined ? url : `${url.split('|')[0]}|${version}`;
	const stored = await source.valueSet(canonical);
	if (stored !== undefined) return ofResource(source, stored as Resource);
	const expansion = await expandCanonical(source, canonical);
	const facts = ctx.fhir.definitions.valueSet(url.split('|')[0] as string);
	const asked = canonical.split('|')[1];
	if (expansion === undefined || (asked !== undefined && facts?.version !== asked)) throw unknownValueSet(canonical);
	return { url: url.split('|')[0], version: facts?.version, resource: undefined, expansion };
}

async function ofResource(source: Source, resource: Resource): Promise<Given> {
	const valueSet = resource as unknown as ValueSet;
	return { url: valueSet.url, version: valueSet.version, resource, expansion: await expand(source, valueSet) };
}

function checked(ctx: FhirCtx, resource: Resource): Resource {
	const issues = ctx.fhir.validator.validate(resource, { type: 'ValueSet' }).filter(isError);
	if (issues.length > 0) throw new Problem('invalid', 'valueset-invalid', 'The ValueSet is not valid.', { issues });
	return resource;
}

export type GivenCode = { readonly system: string | undefined; readonly code: string; readonly display: string | undefined };

/** The codes to check: of `code`, `coding` or `codeableConcept`. Throws Problem invalid when there are none or what is there is malformed. */
export function givenCodes(input: OperationInput): GivenCode[] {
	const code = textOf(input, 'code');
	if (code !== undefined) return [{ system: textOf(input, 'system'), code, display: textOf(input, 'display') }];
	const coding = structureOf(input, 'coding');
	if (coding !== undefined) return [codeIn('coding', coding)];
	const concept = structureOf(input, 'codeableConcept');
	if (concept === undefined) throw missingParameter('code', 'Give code and system, coding or codeableConcept.');
	if (!Array.isArray(concept.coding) || concept.coding.length === 0) throw badParameter('codeableConcept', 'It must have a coding.');
	return concept.coding.map((one: unknown) => codeIn('codeableConcept', one));
}

function codeIn(name: string, coding: unknown): GivenCode {
	const { system, code, display } = (coding ?? {}) as Record<string, unknown>;
	if (typeof code !== 'string') throw badParameter(name, 'A coding must have a code.');
	return { system: typeof system === 'string' ? system : undefined, code, display: typeof display === 'string' ? display : undefined };
}
