// What has to be right of a resource before it is written: its type, and everything the validator knows.
import { type Issue, isError, Problem } from '#base/problem.ts';
import type { FhirCtx } from '#fhir/ctx.ts';
import type { Resource } from '#fhir/resource.ts';
import { requireSearchable } from '#fhir/search/custom.ts';
import { isProfileIssue, isStructural } from '#fhir/validate/validator.ts';
import { mismatch, unknownType } from './problems.ts';

/**
 * Checks a resource that is to be written as a `type` and gives back what should be told about it (warnings; in lenient handling also
 * the rules it breaks). Throws Problem invalid: 400 for what breaks FHIR itself, 422 for what breaks a profile
 * (https://hl7.org/fhir/R4/http.html#create).
 */
export function check(ctx: FhirCtx, type: string, resource: Resource): readonly Issue[] {
	requireType(ctx, type);
	if (resource.resourceType !== type) {
		throw mismatch(
			'type-mismatch',
			`A ${type} was expected here, and a ${String(resource.resourceType).slice(0, 64)} was sent.`,
			'resourceType',
		);
	}
	if (resource.meta?.tag?.some?.((tag) => tag?.code === 'SUBSETTED') === true) {
		throw new Problem(
			'invalid',
			'resource-subsetted',
			'The resource is tagged as SUBSETTED: storing it would lose what was left out of it.',
			{
				status: 422,
				path: `${type}.meta.tag`,
			},
		);
	}
	const issues = ctx.fhir.validator.validate(resource, { type });
	ctx.fhir.checks.get(type)?.(ctx, resource);
	if (type === 'SearchParameter') requireSearchable(ctx.fhir.searchParameters, resource);
	if (issues.length === 0) return issues;
	const lenient = ctx.fhir.settings.validation === 'lenient';
	const errors = issues.filter((issue) => isError(issue) && !(lenient && !isStructural(issue)));
	if (errors.length > 0) throw invalid(issues, errors);
	return lenient ? issues.map((issue) => (isError(issue) ? { ...issue, severity: 'warning' as const } : issue)) : issues;
}

function invalid(issues: readonly Issue[], errors: readonly Issue[]): Problem {
	const [first] = errors;
	return new Problem('invalid', 'resource-invalid', first?.text ?? 'The resource is not valid.', {
		issues,
		status: errors.every(isProfileIssue) ? 422 : 400,
	});
}

/** Throws Problem not-found `type-unknown` when FHIR R4 has no such type. */
export function requireType(ctx: FhirCtx, type: string): void {
	if (!ctx.fhir.definitions.isResourceType(type)) throw unknownType(type);
}

const idShape = /^[A-Za-z0-9\-.]{1,64}$/;

/** Throws Problem invalid `id-malformed` when the text cannot be an id (https://hl7.org/fhir/R4/datatypes.html#id). */
export function requireId(id: string): void {
	if (!idShape.test(id))
		throw mismatch(
			'id-malformed',
			`"${id.slice(0, 80)}" cannot be an id: 1 to 64 of the characters A-Z a-z 0-9 - and . are allowed.`,
			'id',
		);
}

/** Whether the text can be an id at all. */
export function isId(id: string): boolean {
	return idShape.test(id);
}
