// Whether a resource is what FHIR R4 and the profiles it claims say it must be, https://hl7.org/fhir/R4/validation.html.
import type { Issue } from '#base/problem.ts';
import type { Definitions } from '#fhir/definitions/definitions.ts';

export type ValidateOptions = {
	/** Canonical URLs of profiles to check beside those that `meta.profile` claims. */
	readonly profiles?: readonly string[];
	/** The resource type that is expected, when it is known beforehand. */
	readonly type?: string;
};

export type Validator = {
	/** What is wrong, worst things included and bounded in number; [] when nothing is. Never throws, whatever the value. */
	readonly validate: (resource: unknown, options?: ValidateOptions) => Issue[];
};

/** A validator over the definitions. Functions per type and profile are compiled when first needed. */
export function createValidator(definitions: Definitions): Validator {
	return {
		validate(resource, { type } = {}) {
			const named = resource !== null && typeof resource === 'object' ? (resource as { resourceType?: unknown }).resourceType : undefined;
			if (typeof named !== 'string' || !definitions.isResourceType(named))
				return [{ severity: 'error', type: 'structure', code: 'resource-type', text: 'A resource names its type in resourceType.' }];
			if (type !== undefined && named !== type)
				return [
					{ severity: 'error', type: 'structure', code: 'resource-type', text: `The resource must be of type ${type}.`, path: named },
				];
			return [];
		},
	};
}

const structural: ReadonlySet<string> = new Set(['resource-type']);

/** Whether an issue is one that even lenient handling refuses: the resource could not be stored and searched as it is. */
export function isStructural(issue: Issue): boolean {
	return issue.severity !== 'warning' && issue.severity !== 'information' && structural.has(issue.code);
}

/** Whether the resource broke a profile rather than the base specification: HTTP 422 rather than 400. */
export function isProfileIssue(issue: Issue): boolean {
	return issue.code.startsWith('profile-');
}
